// SPDX-License-Identifier: MIT
// What the report gains by a script: tables that sort and can be searched, details that print, one domain alone on
// paper. It reads without.
"use strict";

function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort === undefined ? cell.textContent.trim().toLowerCase() : cell.dataset.sort;
}

function compare(a, b) {
  const x = Number(a), y = Number(b);
  return a !== "" && b !== "" && !isNaN(x) && !isNaN(y) ? x - y : a < b ? -1 : a > b ? 1 : 0;
}

// Numbers begin with the largest, names with the first; again turns it round.
function sort(table, head) {
  const heads = [...table.tHead.rows[0].cells], column = heads.indexOf(head), body = table.tBodies[0];
  const first = head.classList.contains("number") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = head.getAttribute("aria-sort") === first ? other : first;
  const rows = [...body.rows].map((row, place) => ({ row, place, key: key(row, column) }));
  const sign = order === "ascending" ? 1 : -1;

  rows.sort((a, b) => sign * compare(a.key, b.key) || a.place - b.place);
  heads.forEach((h) => h.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  body.append(...rows.map((r) => r.row));
}

function addSort(table) {
  for (const head of table.tHead.rows[0].cells) {
    if (head.classList.contains("unsorted"))
      continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head));
    head.append(button);
  }
}

// Worth it where the rows do not fit on a screen.
function addFilter(table) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= 25)
    return;
  const label = document.createElement("label"), input = document.createElement("input");
  const found = document.createElement("output");
  label.className = "filter";
  input.type = "search";
  input.setAttribute("aria-label", "Show only rows of " + table.caption.textContent + " with");
  label.append("Show only", input, found);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      count += !row.hidden;
    }
    found.textContent = wanted ? count + " of " + rows.length : "";
  });
  table.parentElement.before(label);
}

// The domain's section, and the one it stands in, are all that is printed.
function printOnly(section) {
  const chosen = [section, section.parentElement];
  document.body.classList.add("one-only");
  chosen.forEach((element) => element.classList.add("chosen"));
  window.print();
  document.body.classList.remove("one-only");
  chosen.forEach((element) => element.classList.remove("chosen"));
}

function addPrint(section) {
  const button = document.createElement("button");
  button.type = "button";
  button.lang = "en";
  button.textContent = "Print this section only";
  button.addEventListener("click", () => printOnly(section));
  section.prepend(button);
}

document.querySelectorAll("table.sortable").forEach(addSort);
document.querySelectorAll(".wide > table").forEach(addFilter);
document.querySelectorAll(".domain").forEach(addPrint);

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
