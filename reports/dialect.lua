-- Checks that a report keeps to the dialect that both engines render alike, and takes the cells' wrappers off.
-- cdi_lib/render/dialect.py wraps the Markdown of each cell in a div `.cell` with its number, so that a message can
-- name the cell. Every problem is written to standard error as "cell<TAB>message"; any problem ends the run.

local known_divs = pandoc.List({
  "cell", "box", "box-note", "box-warning", "box-headline", "headline", "headlines", "masthead", "source", "data", "folded",
  "grades", "grade",
})
local known_spans = pandoc.List({ "badge", "number" })
local grades = pandoc.List({ "outstanding", "good", "adequate", "requires-improvement", "inadequate", "other" })

local cell = "0"
local function problem(message)
  io.stderr:write("PROBLEM\t" .. cell .. "\t" .. message:gsub("%s+", " ") .. "\n")
end

local function text_of(element) return pandoc.utils.stringify(element) end
local function short(text) return #text > 60 and text:sub(1, 57) .. "..." or text end

local ids, references, links, captions = {}, {}, {}, {}
local function take_id(id)
  if id == "" then return end
  if ids[id] then
    problem("the id '" .. id .. "' is used twice (first in cell " .. ids[id] .. "): give each its own")
  end
  ids[id] = ids[id] or cell
end

local function not_allowed(what, advice)
  return function(element)
    local text = element.text or text_of(element)
    problem(what .. " ('" .. short(text) .. "') is not part of the report's dialect: " .. advice)
  end
end

local function check_caption(float, kind)
  local caption = text_of(float.caption.long)
  if caption == "" then problem("the " .. kind .. " '" .. float.identifier .. "' has no caption") end
  if captions[caption] then
    problem("the caption '" .. short(caption) .. "' is used twice: two " .. kind .. "s need two captions")
  end
  captions[caption] = true
end

local function check_table(tbl)
  local id = tbl.identifier
  if not id:match("^tbl%-") then
    problem("a table has no id that begins with 'tbl-': write a line ': caption {#tbl-name}' under it")
  else
    check_caption(tbl, "table")
  end
  take_id(id)
  if #tbl.head.rows ~= 1 then
    problem("table '" .. id .. "' needs exactly one header row")
    return
  end
  local seen = {}
  for i, head in ipairs(tbl.head.rows[1].cells) do
    local name = text_of(head.contents)
    if name == "" then
      problem("table '" .. id .. "': the header of column " .. i .. " is empty: name the column")
    elseif seen[name] then
      problem("table '" .. id .. "': two columns are headed '" .. name .. "': headers must differ")
    end
    seen[name] = true
  end
  local rows = 0
  for _, body in ipairs(tbl.bodies) do
    for _, row in ipairs(body.body) do
      rows = rows + 1
      for i, entry in ipairs(row.cells) do
        if entry.col_span ~= 1 or entry.row_span ~= 1 then
          problem("table '" .. id .. "', row " .. rows .. ": merged cells cannot be read aloud: repeat the value")
        elseif text_of(entry.contents) == "" then
          problem("table '" .. id .. "', row " .. rows .. ", column " .. i ..
            ": empty cell: write 'not applicable' or 'no data'")
        end
      end
    end
  end
  if rows == 0 then problem("table '" .. id .. "' has no rows: say in words that there is nothing to show") end
end

local function check_figure(figure)
  local image
  figure.content:walk({ Image = function(found) image = found end })
  local id = figure.identifier
  take_id(id)
  if not id:match("^fig%-") then
    problem("a figure has no id that begins with 'fig-': write ![caption](…){#fig-name fig-alt=\"…\"}")
  else
    check_caption(figure, "figure")
  end
  if (image.attributes["fig-alt"] or ""):match("^%s*$") then
    problem("figure '" .. id .. "' has no fig-alt text: say in words what the chart shows")
  end
  if not image.src:match("^data:image/svg%+xml;base64,") then
    problem("figure '" .. id .. "' is not an SVG of its own (data:image/svg+xml;base64,…) but '" ..
      short(image.src) .. "': the page must not fetch anything")
  end
end

local last_level = 0
local function check_header(header)
  take_id(header.identifier)
  if header.level > last_level + 1 then
    problem("heading '" .. text_of(header) .. "' has level " .. header.level .. " after level " .. last_level ..
      ": no level may be skipped, and the first heading is level 1 (#)")
  end
  if text_of(header) == "" then problem("a heading is empty") end
  for _, class in ipairs(header.classes) do
    if class ~= "annex" then problem("the class '." .. class .. "' of a heading is unknown: known is annex") end
  end
  last_level = header.level
end

local masthead_seen = false
local function check_div(div)
  for _, class in ipairs(div.classes) do
    if class:match("^callout") then
      problem("Quarto's callout '::: {." .. class .. "}' needs the network in Typst: write ::: {.box .box-note}")
    elseif not known_divs:includes(class) then
      problem("the block class '::: {." .. class .. "}' is unknown: known are " .. table.concat(known_divs, ", ", 2))
    end
  end
  if #div.classes == 0 then problem("a ':::' block has no class: known are " .. table.concat(known_divs, ", ", 2)) end
  if div.classes:includes("headlines") then
    for _, tile in ipairs(div.content) do
      if tile.t ~= "Div" or not tile.classes:includes("headline") then
        problem("'::: {.headlines}' holds '::: {.headline}' blocks only, got '" .. short(text_of(tile)) .. "'")
      end
    end
  end
  if div.classes:includes("folded") and (div.attributes.summary or "") == "" then
    problem("'::: {.folded}' has no summary: write ::: {.folded summary=\"What is folded\"}")
  end
  if div.classes:includes("masthead") then
    if masthead_seen then problem("a second '::: {.masthead}' block: a report has one") end
    masthead_seen = true
    div.content:walk({ Header = function(h) problem("heading '" .. text_of(h) .. "' in the masthead: write a paragraph") end })
  end
  take_id(div.identifier)
end

local function check_span(span)
  for _, class in ipairs(span.classes) do
    local grade = class:match("^badge%-(.+)")
    if grade and not grades:includes(grade) then
      problem("the grade 'badge-" .. grade .. "' is unknown: known are " .. table.concat(grades, ", "))
    elseif not grade and not known_spans:includes(class) then
      problem("the text class '{." .. class .. "}' is unknown: known are badge, badge-<grade>, number")
    end
  end
  if span.classes:includes("badge") and #span.classes ~= 2 then
    problem("the badge '" .. text_of(span) .. "' needs one grade: [good]{.badge .badge-good}")
  end
  if text_of(span) == "" and span.identifier == "" then problem("an empty [ ]{…}") end
  take_id(span.identifier)
end

local function check_link(link)
  if text_of(link) == "" then problem("a link to '" .. link.target .. "' has no text") end
  local scheme = link.target:match("^(%a[%w+.-]*):")
  if link.target:match("^#") then
    table.insert(links, { link.target:sub(2), cell })
  elseif scheme and not pandoc.List({ "https", "http", "mailto" }):includes(scheme) then
    problem("a link to '" .. short(link.target) .. "': only https, http, mailto, #id and relative paths")
  end
end

local function check_cite(cite)
  local citation = cite.citations[1]
  local id = citation.id
  if not (id:match("^fig%-") or id:match("^tbl%-")) then
    problem("the reference '@" .. id .. "' is neither @fig-… nor @tbl-…: write [text](#id); a plain @ is written \\@")
  elseif #cite.citations > 1 or citation.mode ~= "AuthorInText" or #citation.suffix > 0 then
    problem("the reference to '" .. id .. "' is bracketed or joined: write @" .. id .. " by itself")
  else
    table.insert(references, { id, cell })
  end
  return cite, false
end

local only_text = "write words, or inline code for a formula"
local check = {
  traverse = "topdown",
  Header = check_header,
  Div = function(div)
    if div.classes:includes("cell") then cell = div.attributes.number else check_div(div) end
  end,
  Span = check_span,
  Table = check_table,
  Figure = check_figure,
  Link = check_link,
  Cite = check_cite,
  RawBlock = not_allowed("raw HTML or TeX", "write Markdown"),
  RawInline = not_allowed("raw HTML or TeX", "write Markdown"),
  Math = not_allowed("a formula", only_text),
  DefinitionList = function() problem("a definition list breaks PDF/UA: write a table or headings") end,
  Str = function(str)
    if str.text == "☐" or str.text == "☒" then
      problem("a task list ('- [ ]'), whose boxes the typeface lacks: write a plain list")
    end
  end,
  LineBlock = not_allowed("a line block", "write paragraphs"),
  HorizontalRule = function() problem("a horizontal rule (---) is read as a heading of settings by Quarto: use a heading") end,
  Strikeout = not_allowed("struck-out text", "leave it out"),
  Underline = not_allowed("underlined text", "only links are underlined"),
  SmallCaps = not_allowed("small capitals", "write it plainly"),
  CodeBlock = function(code)
    if #code.classes > 0 then
      problem("a code block of language '" .. code.classes[1] .. "': write it without a language, in plain ``` fences")
    end
  end,
}

-- An image that is not a figure stands inside a line of text.
local function inline_images(doc)
  doc:walk({
    traverse = "topdown",
    Div = function(div) if div.classes:includes("cell") then cell = div.attributes.number end end,
    Figure = function(figure) return figure, false end,
    Image = function(image)
      problem("an image inside a line of text ('" .. short(image.src) .. "'): write it as a figure, alone between blank lines")
    end,
  })
end

function Pandoc(doc)
  doc:walk(check)
  inline_images(doc)
  for _, reference in ipairs(references) do
    cell = reference[2]
    if not ids[reference[1]] then problem("the reference '@" .. reference[1] .. "' points to nothing") end
  end
  for _, link in ipairs(links) do
    cell = link[2]
    if not ids[link[1]] then problem("the link '#" .. link[1] .. "' points to nothing") end
  end
  doc.blocks = doc.blocks:walk({
    Div = function(div) if div.classes:includes("cell") then return div.content end end,
  })
  return doc
end
