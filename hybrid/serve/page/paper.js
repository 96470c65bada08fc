// The document beside the answer: text with line numbers and the passage marked, or the picture of a PDF's page.
import { call, quoted } from "/page/wire.js";

const $ = (id) => document.getElementById(id);
let shown = null; // {corpus, name, pages, page, asText, place}

export async function openPaper(corpus, name, place) {
  shown = { corpus, name, place, page: place.page ?? null, asText: false };
  reveal(name);
  await show();
}

export async function browse(corpus) {
  reveal("Documents");
  $("pages").hidden = true;
  try {
    const { data, unread } = await call(`/v1/corpora/${quoted(corpus)}/documents`);
    const list = document.createElement("ul");
    list.className = "names";
    for (const entry of data) {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = `${entry.name}  (${entry.tokens.toLocaleString()} tokens)`;
      button.onclick = () => openPaper(corpus, entry.name, { start: 0, end: 0 });
      item.append(button);
      list.append(item);
    }
    const lacking = unread.map((problem) => {
      const line = document.createElement("p");
      line.className = "quiet";
      line.textContent = `Not read: ${problem.name} (${problem.reason})`;
      return line;
    });
    $("paper-body").replaceChildren(list, ...lacking);
  } catch (error) {
    $("paper-body").textContent = error.message;
  }
}

function reveal(title) {
  $("paper").hidden = false;
  document.querySelector("main").classList.add("with-paper");
  $("paper-name").textContent = title;
  $("paper-body").textContent = "";
}

async function show() {
  const { corpus, name, place } = shown;
  const path = `/v1/corpora/${quoted(corpus)}/documents/${quoted(name)}`;
  try {
    const range = shown.page && (shown.turned || !place.end) ? `page=${shown.page}` : `start=${place.start}&end=${place.end}`;
    const found = await call(`${path}?${range}`);
    shown.page ??= found.page;
    shown.pages = found.pages;
    $("pages").hidden = !found.pages;
    $("page-number").textContent = `${shown.page ?? 1} of ${found.pages}`;
    $("page-back").disabled = (shown.page ?? 1) <= 1;
    $("page-on").disabled = (shown.page ?? 1) >= found.pages;
    $("page-form").hidden = !found.pictures;
    if (found.pictures && !shown.asText) await showPicture(path, found);
    else showLines(found);
  } catch (error) {
    $("paper-body").textContent = error.message;
  }
}

async function showPicture(path, found) {
  let picture;
  try {
    picture = await call(`${path}?as=picture&page=${shown.page ?? 1}`, { as: "blob" });
  } catch {
    showLines(found); // where pages cannot be drawn, their text is shown
    return;
  }
  const image = document.createElement("img");
  image.alt = `Page ${shown.page} of ${shown.name}`;
  image.src = URL.createObjectURL(picture);
  image.onload = () => URL.revokeObjectURL(image.src);
  const quote = document.createElement("p");
  if (shown.place.end && !shown.turned) {
    const from = shown.place.start - found.start, to = shown.place.end - found.start;
    const marked = document.createElement("mark");
    marked.textContent = found.text.slice(Math.max(0, from), Math.max(0, to));
    quote.append(marked);
  }
  $("paper-body").replaceChildren(quote, image);
}

function showLines(found) {
  const grid = document.createElement("div");
  grid.className = "lines";
  let at = found.start, first = null;
  const { start, end } = shown.place;
  found.text.split("\n").forEach((line, i) => {
    const number = document.createElement("span"), text = document.createElement("span");
    number.className = "n";
    number.textContent = String(found.line + i);
    text.className = "l";
    const from = Math.max(0, start - at), to = Math.min(line.length, end - at);
    if (end > start && to > 0 && from < line.length && from < to) {
      const marked = document.createElement("mark");
      marked.textContent = line.slice(from, to);
      text.append(line.slice(0, from), marked, line.slice(to));
      first ??= marked;
    } else {
      text.textContent = line;
    }
    grid.append(number, text);
    at += line.length + 1;
  });
  $("paper-body").replaceChildren(grid);
  if (first) first.scrollIntoView({ block: "center" });
  else $("paper-body").scrollTop = 0;
}

function turn(by) {
  shown.page = (shown.page ?? 1) + by;
  shown.turned = true;
  show();
}

$("page-back").onclick = () => turn(-1);
$("page-on").onclick = () => turn(1);
$("page-form").onclick = () => {
  shown.asText = !shown.asText;
  $("page-form").setAttribute("aria-pressed", String(shown.asText));
  $("page-form").textContent = shown.asText ? "Show picture" : "Show text";
  show();
};
export function closePaper() {
  $("paper").hidden = true;
  document.querySelector("main").classList.remove("with-paper");
}

$("paper-close").onclick = closePaper;
addEventListener("keydown", (event) => { if (event.key === "Escape") closePaper(); });
