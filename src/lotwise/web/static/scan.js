// The scan's table: sorted by the whole numbers that came with its cells, filtered by symbol, kept in the browser.

import { el, put, ready, say } from "./page.js";
import { startPage } from "./plain.js";

const compare = (a, b) => (a.key !== "" && b.key !== "" ? (BigInt(a.key) < BigInt(b.key) ? -1 : BigInt(a.key) > BigInt(b.key) ? 1 : 0) : a.text.localeCompare(b.text, "en"));

function cellOf(row, column) {
  const cell = row.cells[column];
  return { key: cell.dataset.key ?? "", text: cell.textContent };
}

function sort(button) {
  const head = button.closest("th");
  const column = [...head.parentElement.children].indexOf(head);
  const first = head.classList.contains("number") ? "descending" : "ascending";
  const now = head.getAttribute("aria-sort");
  const order = now === "none" ? first : now === "ascending" ? "descending" : "ascending";
  for (const other of head.parentElement.children) other.setAttribute("aria-sort", other === head ? order : "none");
  const rows = [...el("scan-rows").rows];
  // What has no figure stays at the end, whichever way it is sorted.
  const empty = (row) => head.classList.contains("number") && cellOf(row, column).key === "";
  const sign = order === "ascending" ? 1 : -1;
  rows.sort((a, b) => empty(a) - empty(b) || sign * compare(cellOf(a, column), cellOf(b, column)));
  el("scan-rows").append(...rows);
  say(`sorted by ${button.textContent}, ${order}`);
}

function filter() {
  const wanted = el("scan-filter").value.trim().toLowerCase();
  let shown = 0;
  for (const row of el("scan-rows").rows) {
    row.hidden = !row.dataset.contract.toLowerCase().includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  put(el("scan-count"), `${shown} of ${el("scan-rows").rows.length}`);
}

startPage();
if (el("scan-table")) {
  el("scan-table").tHead.addEventListener("click", (click) => click.target.closest(".sort") && sort(click.target.closest(".sort")));
  el("scan-filter").addEventListener("input", filter);
  filter();
}
el("scan-form").addEventListener("submit", () => put(el("scan-go"), "Scanning …"));
ready();
