-- Turns the report's dialect into HTML and Typst. Both engines run this file.
-- Quarto (`quarto` is set) numbers floats and resolves references itself; under the embedded engine the
-- last pass does that. What is allowed is checked before, by dialect.lua.

local under_quarto = quarto ~= nil
local html = FORMAT:match("html") ~= nil
local typst = FORMAT:match("typst") ~= nil
local word = FORMAT == "docx" -- the copy for the fact check

local function raw_block(text) return pandoc.RawBlock("typst", text) end
local function raw_inline(text) return pandoc.RawInline("typst", text) end

-- A Typst string literal.
local function typst_string(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("\r?\n", "\\n") .. '"'
end

local function grade_of(span)
  for _, class in ipairs(span.classes) do
    local grade = class:match("^badge%-(.+)")
    if grade then return grade end
  end
end

-- The attributes of a part that scrolls by itself (pairs: a table's order would change from run to run).
local function region(label)
  return { { "role", "region" }, { "tabindex", "0" }, { "aria-label", label } }
end

-- Badges and large numbers ---------------------------------------------------------------------------
local function Span(span)
  if word and (span.classes:includes("badge") or span.classes:includes("number")) then
    return pandoc.Strong(span.content)
  end
  if not typst then return nil end
  local call
  if span.classes:includes("badge") then
    call = "#cdi-badge(" .. typst_string(grade_of(span)) .. ")["
  elseif span.classes:includes("number") then
    call = "#cdi-number["
  else
    return nil
  end
  local inlines = pandoc.Inlines({ raw_inline(call) })
  inlines:extend(span.content)
  inlines:insert(raw_inline("]"))
  return inlines
end

-- Boxes, headline tiles, source lines -------------------------------------------------------------------
local function wrapped(call, content)
  local blocks = pandoc.Blocks({ raw_block(call .. "[") })
  blocks:extend(content)
  blocks:insert(raw_block("]"))
  return blocks
end

local function escaped(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"))
end

local function Div(div)
  if div.classes:includes("folded") then
    local content = div.content:walk({ traverse = "topdown", Div = Div })
    if not html then return content end
    local blocks = pandoc.Blocks({ pandoc.RawBlock("html",
      '<details class="folded"><summary>' .. escaped("The numbers: " .. div.attributes.summary) .. "</summary>") })
    blocks:extend(content)
    blocks:insert(pandoc.RawBlock("html", "</details>"))
    return blocks
  end
  if not html and div.classes:includes("data") then return {} end -- its links lead to files beside the page
  if word and div.classes:includes("grade") then
    return pandoc.Para(pandoc.utils.blocks_to_inlines(div.content, { pandoc.Str(":"), pandoc.Space() }))
  end
  if not typst then return nil end
  if div.classes:includes("headlines") or div.classes:includes("grades") then
    local call = div.classes:includes("grades") and "#cdi-strip(" or "#cdi-headlines("
    local blocks = pandoc.Blocks({ raw_block(call) })
    for _, tile in ipairs(div.content) do
      blocks:insert(raw_block("["))
      blocks:extend(tile.content)
      blocks:insert(raw_block("],"))
    end
    blocks:insert(raw_block(")"))
    return blocks
  elseif div.classes:includes("headline") or div.classes:includes("box-headline") then
    return wrapped("#cdi-headline", div.content)
  elseif div.classes:includes("box") then
    return wrapped(div.classes:includes("box-warning") and '#cdi-box("warning")' or '#cdi-box("note")', div.content)
  elseif div.classes:includes("source") then
    return wrapped("#cdi-source", div.content)
  end
end

-- Tables ---------------------------------------------------------------------------------------------
-- In HTML columns are as wide as their content needs, and a region scrolls. On paper there is no scrolling:
-- a table too wide for the page gives each column what must not break, and what is left to the long texts.
local page_width = 104 -- characters of the table's font between the margins of the page

-- The length of what does not break in a word: a web address breaks after its slashes and hyphens.
local function unbroken(word)
  if utf8.len(word) <= 24 then return utf8.len(word) end
  local longest = 0
  for piece in word:gmatch("[^/-]+") do longest = math.max(longest, utf8.len(piece) + 1) end
  return longest
end

-- Of each column: the longest part that is not to break, the longest entry, and the longest of both and the header.
local function lengths(tbl)
  local part, entry, all = {}, {}, {}
  local function look(cell, i, is_header)
    local text = pandoc.utils.stringify(cell.contents)
    local badge = false
    cell.contents:walk({ RawInline = function(raw) badge = badge or raw.text:match("^#cdi%-badge") end })
    if badge then text = (text .. "++++++"):gsub("%s", "_") end -- a badge does not break
    local length = utf8.len(text)
    -- a header may take two lines, but not five
    part[i] = math.max(part[i] or 0, is_header and length // 2 or 0)
    for word in text:gmatch("%S+") do part[i] = math.max(part[i], unbroken(word)) end
    entry[i] = math.max(entry[i] or 0, is_header and 0 or length)
    all[i] = math.max(all[i] or 0, length)
  end
  for _, row in ipairs(tbl.head.rows) do
    for i, cell in ipairs(row.cells) do look(cell, i, true) end
  end
  for _, body in ipairs(tbl.bodies) do
    for _, row in ipairs(body.body) do
      for i, cell in ipairs(row.cells) do look(cell, i, false) end
    end
  end
  return part, entry, all
end

local function paper_widths(tbl)
  local part, entry, all = lengths(tbl)
  local margin, short_text = 3, 17 -- in characters: the space between two columns; text that is not to break
  local total, taken, hunger = 0, 0, 0
  local need, wish = {}, {} -- what a column must have, and what its longest entry would take beyond that
  for i in ipairs(all) do
    local may_break = entry[i] > short_text
    need[i] = (may_break and part[i] or math.max(entry[i], part[i])) + margin
    wish[i] = may_break and math.max(entry[i] - part[i], 0) or 0
    total, taken, hunger = total + all[i] + margin, taken + need[i], hunger + wish[i]
  end
  if total <= page_width then return {} end
  local widths = {}
  for i in ipairs(all) do
    if taken >= page_width or hunger == 0 then
      widths[i] = need[i] / taken
    else
      widths[i] = (need[i] + (page_width - taken) * wish[i] / hunger) / page_width
    end
  end
  return widths
end

-- Whether a table may be wider than a phone, so that a hint to scroll stands over it.
local function is_wide(tbl)
  local part, _, all = lengths(tbl)
  local total = 0
  for i in ipairs(all) do total = total + math.min(all[i], math.max(part[i], 14)) + 3 end
  return total > 42
end

local tables = 0

local function Table(tbl)
  tables = tables + 1
  local widths = typst and paper_widths(tbl) or {}
  local aligns = {}
  for i, spec in ipairs(tbl.colspecs) do
    aligns[i] = spec[1]
    tbl.colspecs[i] = { html and pandoc.AlignDefault or spec[1], widths[i] }
  end
  if not html then return tbl end

  local function mark(row, scope_of)
    for i, cell in ipairs(row.cells) do
      if aligns[i] == pandoc.AlignRight then cell.classes:insert("num") end
      if utf8.len(pandoc.utils.stringify(cell.contents)) > 40 then cell.classes:insert("long") end
      local scope = scope_of(i)
      if scope then cell.attributes.scope = scope end
    end
  end
  for _, row in ipairs(tbl.head.rows) do
    mark(row, function() return "col" end)
  end
  for _, body in ipairs(tbl.bodies) do
    body.row_head_columns = 1
    for _, row in ipairs(body.body) do
      mark(row, function(i) return i == 1 and "row" or nil end)
    end
  end
  return pandoc.Div({ tbl }, pandoc.Attr("", is_wide(tbl) and { "table-scroll", "wide" } or { "table-scroll" },
    region("Table " .. tables)))
end

-- Charts: the alt text, in Typst with the SVG as bytes; in HTML a scrolling region for small screens ---------
local figures = 0

local function Image(image)
  local alt = image.attributes["fig-alt"]
  if not alt then return nil end
  figures = figures + 1
  local phone = image.attributes["fig-phone"]
  image.attributes["fig-phone"] = nil
  if word then
    image.attributes = { width = "16cm" }
    image.caption = { pandoc.Str(alt) }
    return image
  end
  if typst then
    local _, svg = pandoc.mediabag.fetch(image.src)
    return raw_inline("#image(bytes(" .. typst_string(svg) .. '), format: "svg", alt: ' .. typst_string(alt) .. ")")
  elseif html then
    image.attributes["fig-alt"] = nil
    image.attributes.alt = alt
    image.caption = {}
    local parts = pandoc.Inlines({ image })
    if phone then -- narrow screens get the drawing that was made for them
      local source = '<source media="(max-width: 36rem)" srcset="' .. phone .. '">'
      parts:insert(1, pandoc.RawInline("html", "<picture>" .. source))
      parts:insert(pandoc.RawInline("html", "</picture>"))
    end
    return pandoc.Span(parts, pandoc.Attr("", phone and { "figure-scroll", "shaped" } or { "figure-scroll" },
      region("Figure " .. figures)))
  end
end

-- Text that Typst would take for a mark -------------------------------------------------------------------
-- Pandoc escapes "-", "+", "=", "/" and "1." where they begin a paragraph, but not where they begin a list item, a cell
-- or a note: there Typst would make a list or a heading of them.
local function marks_as_text(doc)
  if not typst then return nil end
  return doc:walk({
    Str = function(str)
      if str.text:match("^[-+=/]+$") or str.text:match("^%d+%.$") then return raw_inline("\\" .. str.text) end
    end,
  })
end

-- The masthead block goes into the title block -------------------------------------------------------------
local function masthead(doc)
  if word then return nil end
  doc.blocks = doc.blocks:walk({
    Div = function(div)
      if div.classes:includes("masthead") then
        doc.meta.masthead = pandoc.MetaBlocks(div.content)
        return {}
      end
    end,
  })
  return doc
end

-- Numbers and references, as Quarto makes them (embedded engine only) ---------------------------------------
local names = { fig = "Figure", tbl = "Table" }

local function number_and_resolve(doc)
  local counts = { fig = 0, tbl = 0 }
  local label = {}
  local function take(float)
    local kind = float.identifier:match("^(%a+)%-")
    counts[kind] = counts[kind] + 1
    label[float.identifier] = names[kind] .. "\u{a0}" .. counts[kind]
    if typst then return nil end
    local text = pandoc.Inlines({ pandoc.Str(label[float.identifier] .. ": ") })
    text:extend(pandoc.utils.blocks_to_inlines(float.caption.long))
    if kind == "tbl" then text = { pandoc.Span(text, pandoc.Attr("", { "caption-text" })) } end
    float.caption.long = { pandoc.Plain(text) }
    return float
  end
  doc = doc:walk({ traverse = "topdown", Figure = take, Table = take })
  return doc:walk({
    Cite = function(cite)
      local id = cite.citations[1].id
      if typst then return raw_inline("#ref(<" .. id .. ">)") end
      return pandoc.Link(label[id], "#" .. id, "", pandoc.Attr("", { "quarto-xref" }))
    end,
  })
end

-- The files beside the page are not beside a PDF or a Word copy that was sent on: there a link to them is plain text.
local function Link(link)
  if not html and not link.target:match("^[#%a]+[:#]") and not link.target:match("^#") then return link.content end
end

-- In the PDF the contents stand after the first chapter, which is the summary, and the annex is a part of its own.
local function contents_and_annex(doc)
  if not typst then return nil end
  local blocks, chapters = pandoc.Blocks({}), 0
  for _, block in ipairs(doc.blocks) do
    if block.t == "Header" and block.level == 1 then
      chapters = chapters + 1
      if chapters == 2 then blocks:insert(raw_block("#cdi-contents()")) end
      if block.classes:includes("annex") then blocks:insert(raw_block("#cdi-annex()")) end
    end
    blocks:insert(block)
  end
  doc.blocks = blocks
  return doc
end

-- In the PDF a line that leads into a list stays on the list's page, and the line under a table or figure with it.
local function Blocks(blocks)
  if not typst then return nil end
  local kept = pandoc.Blocks({})
  local within = false -- a table or figure and the line under it
  for i, block in ipairs(blocks) do
    local next_one = blocks[i + 1]
    -- Quarto has made floats of tables and figures, which a filter sees as divisions.
    local is_float = block.t == "Table" or block.t == "Figure"
      or (block.t == "Div" and block.attributes.__quarto_custom_type == "FloatRefTarget")
    if is_float and next_one and next_one.t == "RawBlock" and next_one.text == "#cdi-source[" then
      kept:extend({ raw_block("#cdi-kept["), block, raw_block("][") })
      within = true
    elseif within and block.t == "RawBlock" and block.text == "]" then
      kept:extend({ block, raw_block("]") })
      within = false
    elseif block.t == "Para" and next_one and (next_one.t == "BulletList" or next_one.t == "OrderedList") then
      kept:insert(raw_block("#block(sticky: true)["))
      kept:insert(pandoc.Plain(block.content))
      kept:insert(raw_block("]"))
    else
      kept:insert(block)
    end
  end
  return kept
end

-- A notebook that Quarto renders by hand: its cells are no parts of the report, and links lead to where its files lie.
local function by_hand(doc)
  local files = doc.meta.files and pandoc.utils.stringify(doc.meta.files)
  return doc:walk({
    Div = function(div)
      if div.classes:find_if(function(class) return class:match("^cell") end) then return div.content end
    end,
    Link = function(link)
      if files and not link.target:match("^[#%a]+:") and not link.target:match("^#") then
        link.target = files .. link.target
        return link
      end
    end,
  })
end

-- Quarto leaves the attributes of a chart on the division around it, in another order each time, and no HTML knows them there.
local function FloatRefTarget(float)
  float.attributes = {}
  return float
end

local passes = {
  { Span = Span, Image = Image, Link = Link },
  { Table = Table },
  { traverse = "topdown", Div = Div },
  { Pandoc = marks_as_text },
  { Pandoc = masthead },
  { Pandoc = contents_and_annex },
  { Blocks = Blocks },
}
if under_quarto then
  table.insert(passes, 1, { Pandoc = by_hand })
  table.insert(passes, { FloatRefTarget = FloatRefTarget })
else
  table.insert(passes, { Pandoc = number_and_resolve })
end
return passes
