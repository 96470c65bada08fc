// The table that an answer was computed from: a row a document, each cell opening its place. Long ones scroll inside.
import { made } from "/page/page.js";

const FIRST = 200; // rows that are shown at once
const WIDEST = 100; // characters of a value: its quotation opens

export function tableOf(table, corpus, open) {
  const figure = made("figure", undefined, "table"), frame = made("div", undefined, "frame"), grid = made("table");
  const taken = new Set(table.taken), bySection = table.rows.some((row) => row.section);
  const marked = table.taken.length > 0 && table.taken.length < table.rows.length;
  const head = made("tr");
  for (const name of [bySection ? "section" : "document", ...table.columns.map((column) => column.name.replaceAll("_", " "))]) {
    const cell = made("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made("tbody"), lead = made("thead");
  lead.append(head);
  grid.append(lead, body);
  const rows = (some) => body.append(...some.map((row) => rowOf(row, table, corpus, open, marked && taken.has(titleOf(row)))));
  rows(table.rows.slice(0, FIRST));
  frame.append(grid);
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", `Table of ${table.rows.length} ${bySection ? "sections" : "documents"}`);
  const legend = marked ? " A bar marks the rows that the answer takes." : "";
  figure.append(frame, made("figcaption", `${table.computed} A ? marks what is doubtful.${legend}`));
  if (table.rows.length > FIRST) {
    const more = made("button", `Show all ${table.rows.length.toLocaleString()} rows`);
    more.type = "button";
    more.onclick = () => { rows(table.rows.slice(FIRST)); more.remove(); };
    figure.append(more);
  }
  return figure;
}

const titleOf = (row) => (row.section ? `${row.document}, ${row.section}` : row.document);

function rowOf(row, table, corpus, open, taken) {
  const line = made("tr"), name = made("th", row.section || row.document);
  name.scope = "row";
  if (row.amendments.length) name.append(made("small", `with ${row.amendments.join(", ")}`));
  if (taken) {
    line.className = "taken";
    name.append(made("span", " (taken)", "hidden"));
  }
  line.append(name);
  row.cells.forEach((cell, i) => line.append(cellOf(cell, table.columns[i], titleOf(row), corpus, open)));
  if (!row.cells.length) {
    const failed = made("td", `not read: ${row.failed}`, "fault");
    failed.colSpan = table.columns.length;
    line.append(failed);
  }
  return line;
}

function cellOf(cell, column, title, corpus, open) {
  const place = made("td"), unsure = cell.doubt || !cell.counts;
  const shown = cell.shown.length > WIDEST ? `${cell.shown.slice(0, WIDEST)}…` : cell.shown;
  const value = cell.value === null ? (shown ? `not said (${shown})` : "not said")
    : column.kind === "yesno" ? (cell.value ? "yes" : "no") : shown;
  const said = unsure ? `${value} ?` : value;
  const { citation } = cell;
  if (citation) {
    const button = made("button", said, "cite");
    button.type = "button";
    const where = citation.page ? `page ${citation.page}` : `line ${citation.line}`;
    button.setAttribute("aria-label", `${title}, ${column.name.replaceAll("_", " ")}: ${said}. Opens ${citation.document}, ${where}`);
    button.title = citation.quote.slice(0, 300);
    button.onclick = () => open({ ...citation, corpus }, button);
    place.append(button);
  } else {
    place.append(made("span", said, cell.value === null ? "quiet" : ""));
  }
  if (cell.doubt) place.append(made("small", cell.doubt));
  return place;
}
