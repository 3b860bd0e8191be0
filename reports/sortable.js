// Tables with many rows: sort by a column, show the rows that hold a word. Without this script they are complete.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const number = (cell) => {
    const found = cell.textContent.replace(/,/g, "").replace("\u2212", "-").match(/-?\d+(\.\d+)?/);
    return found ? parseFloat(found[0]) : null;
  };
  const compare = (column, isNumber, step) => (first, second) => {
    const [a, b] = [first.cells[column], second.cells[column]];
    if (!isNumber) return step * a.textContent.localeCompare(b.textContent, "en");
    const [x, y] = [number(a), number(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return step * (x - y);
  };
  const add = (parent, tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text || "";
    parent.append(element);
    return element;
  };
  document.querySelectorAll("main table").forEach((table, place) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 8) return;
    const tools = document.createElement("div");
    tools.className = "table-tools";
    const name = "filter-" + place;
    add(tools, "label", { for: name }, "Show rows of the next table that contain ");
    const input = add(tools, "input", { id: name, type: "search", autocomplete: "off" });
    const status = add(tools, "p", { role: "status" });
    (table.closest("figure") || table.closest(".table-scroll") || table).before(tools);
    input.addEventListener("input", () => {
      const word = input.value.trim().toLowerCase();
      rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(word); });
      const shown = rows.filter((row) => !row.hidden).length;
      status.textContent = word ? shown + " of " + rows.length + " rows shown" : "";
    });
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const isNumber = rows[0].cells[column].classList.contains("num");
      const button = add(head, "button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const step = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", step === 1 ? "ascending" : "descending");
        body.append(...[...rows].sort(compare(column, isNumber, step)));
        status.textContent = "Sorted by " + button.textContent + ", " + head.getAttribute("aria-sort");
      });
    });
  });
});
