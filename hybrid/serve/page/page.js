// The page: asks over the service's own OpenAI-compatible endpoint. Every text goes in by textContent, never as HTML.
import { costs, strip } from "/page/pictures.js";
import { browse, closePaper, openPaper } from "/page/paper.js";
import { tableOf } from "/page/table.js";
import { call, stream, quoted } from "/page/wire.js";

const $ = (id) => document.getElementById(id);
let turns = [];      // of this conversation: {role, content}
let stopping = null; // calls the answer under way off

export function made(tag, text, kind) {
  const found = document.createElement(tag);
  if (text !== undefined) found.textContent = text;
  if (kind) found.className = kind;
  return found;
}

const counted = (number, what) => `${number.toLocaleString()} ${what}${number === 1 ? "" : "s"}`;

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

async function listCorpora(chosen) {
  const { data } = await call("/v1/corpora");
  const wanted = chosen ?? $("corpus").value;
  $("corpus").replaceChildren(...data.map((corpus) => {
    const option = made("option", corpus.name);
    option.value = corpus.id;
    option.about = corpus;
    return option;
  }));
  if (data.some((corpus) => corpus.id === wanted)) $("corpus").value = wanted;
  tellCorpus();
  $("send").disabled = $("browse").disabled = $("corpus").disabled = data.length === 0;
  if (!data.length) $("corpus").append(made("option", "none yet"));
  if (!data.length) say("There are no documents yet: drop files here, or use Upload.");
}

function tellCorpus() {
  const about = $("corpus").selectedOptions[0]?.about;
  $("about").textContent = !about ? "" : about.fault ? about.fault
    : `${counted(about.documents, "document")}, ${about.tokens.toLocaleString()} tokens`;
}

async function tellTotals() {
  const saved = await call("/v1/saved");
  const spared = saved.whole_gpu_seconds - saved.gpu_seconds;
  if (spared < 0.01) { $("totals").textContent = ""; return; }
  const money = saved.whole_dollars - saved.dollars;
  $("totals").textContent = `${counted(saved.questions, "question")}: ${spared.toFixed(2)} GPU-seconds, $${money.toFixed(4)} `
    + "less than reading everything each time (estimated)";
}

function showText(place, text, citations) {
  place.replaceChildren();
  let at = 0;
  for (const mark of text.matchAll(/ ?\[(\d{1,3})\]/g)) {
    const citation = citations[Number(mark[1]) - 1];
    if (!citation) continue;
    place.append(text.slice(at, mark.index));
    place.append(citeButton(citation, mark[1]));
    at = mark.index + mark[0].length;
  }
  place.append(text.slice(at));
}

function citeButton(citation, number) {
  const button = made("button", number, "cite");
  button.type = "button";
  button.setAttribute("aria-label", `Citation ${number}: ${citation.document}, ${whereOf(citation)}`);
  button.title = citation.quote.slice(0, 300);
  button.onclick = () => openCited(citation, button);
  return button;
}

function whereOf(citation) {
  return citation.page ? `page ${citation.page}` : `line ${citation.line}`;
}

function openCited(citation, button) {
  for (const other of document.querySelectorAll(".cite.on")) other.classList.remove("on");
  button?.classList.add("on");
  openPaper(citation.corpus, citation.document, { start: citation.text_start, end: citation.text_end, page: citation.page });
  button?.scrollIntoView({ block: "nearest" }); // the conversation has become narrower
}

function showAnswer(place, told, question, before) {
  const citations = told.citations.map((citation) => ({ ...citation, corpus: told.corpus }));
  showText(place.querySelector(".text"), told.text, citations);
  const sources = made("ol", undefined, "sources");
  citations.forEach((citation, i) => {
    const item = made("li"), button = made("button", `${i + 1}  ${citation.document}, ${whereOf(citation)}: ${citation.quote}`);
    button.type = "button";
    button.onclick = () => openCited(citation, null);
    item.append(button);
    sources.append(item);
  });
  const route = made("p", undefined, "route");
  const name = told.rung === "each" ? "Asked every document" : told.route === "rag" ? "Read passages" : "Read whole documents";
  route.append(made("b", name, told.route), ` (${told.rung}). ${told.reason}`);
  if (told.table) place.append(tableOf(told.table, told.corpus, openCited));
  place.append(sources, route, costs(told), strip(told, citations, openCited));
  for (const note of told.notes) place.append(made("p", note, "quiet"));
  const other = told.route === "rag" ? ":long" : ":rag";
  const again = made("button", other === ":long" ? "Compare: read whole documents" : "Compare: read passages");
  again.type = "button";
  again.onclick = () => { again.remove(); answerInto(place.parentElement, question, before, other); };
  if (place.parentElement.children.length === 1) place.append(again);
}

async function answerInto(ways, question, before, route) {
  const place = made("article", undefined, "answer"), text = made("div", "", "text waiting");
  place.append(text);
  place.setAttribute("aria-label", "Answer");
  ways.append(place);
  place.scrollIntoView({ block: "nearest" });
  const corpus = $("corpus").value;
  stopping = new AbortController();
  $("stop").hidden = false;
  $("send").disabled = true;
  say("Reading");
  let told = null;
  try {
    const way = route === "each" ? { model: corpus, rung: "each" } : { model: corpus + route };
    const body = { ...way, stream: true, messages: [...before, { role: "user", content: question }] };
    for await (const chunk of stream("/v1/chat/completions", body, stopping.signal)) {
      if (chunk.error) throw new Error(chunk.error.message);
      text.append(chunk.choices?.[0]?.delta?.content ?? "");
      told = chunk.hybrid ?? told;
    }
    if (!told) throw new Error("The answer broke off.");
    if (told.standalone) {
      const stood = made("p", `Understood as: ${told.standalone}`, "quiet stood");
      const turn = ways.parentElement;
      if (!turn.querySelector(".stood")) turn.insertBefore(stood, ways);
    }
    showAnswer(place, told, question, before);
    ways.parentElement.scrollIntoView({ block: "start" });
    say(told.abstained ? "The documents do not say." : `Answered with ${counted(told.citations.length, "citation")}.`);
  } catch (error) {
    const stopped = error.name === "AbortError";
    place.append(made("p", stopped ? "Stopped." : error.message, "fault"));
    place.scrollIntoView({ block: "nearest" });
    say(stopped ? "Stopped." : "No whole answer: the reason stands above. Ask again when it is mended.", !stopped);
  } finally {
    text.classList.remove("waiting");
    stopping = null;
    $("stop").hidden = true;
    $("send").disabled = false;
    tellTotals();
  }
  return told;
}

async function ask(event) {
  event?.preventDefault();
  const question = $("question").value.trim();
  if (!question || stopping) return;
  $("question").value = "";
  const turn = made("section", undefined, "turn"), ways = made("div", undefined, "ways");
  turn.append(made("h2", question, "asked"), ways);
  $("turns").append(turn);
  const before = turns;
  const told = await answerInto(ways, question, before, document.querySelector("[name=route]:checked").value);
  if (told) turns = [...before, { role: "user", content: question }, { role: "assistant", content: told.text }];
  else if (!$("question").value) $("question").value = question; // to be asked again
  $("question").focus();
}

function startAgain() {
  stopping?.abort();
  turns = [];
  $("turns").replaceChildren();
  say("");
}

async function upload(files) {
  if (!files.length) return;
  try {
    const { data } = await call("/v1/vector_stores");
    const mine = data.find((store) => store.name === "uploads")
      ?? await call("/v1/vector_stores", { method: "POST", json: { name: "uploads" } });
    const bad = [];
    for (const [i, file] of files.entries()) {
      say(`Uploading ${file.name} (${i + 1} of ${files.length})`);
      const form = new FormData();
      form.append("purpose", "assistants");
      form.append("file", file);
      try {
        const kept = await call("/v1/files", { method: "POST", body: form });
        const path = `/v1/vector_stores/${quoted(mine.id)}/files`;
        const added = await call(path, { method: "POST", json: { file_id: kept.id } });
        if (added.status === "failed") bad.push(`${file.name}: ${added.last_error.message}`);
      } catch (error) {
        bad.push(`${file.name}: ${error.message}`);
      }
    }
    await listCorpora(mine.id);
    startAgain();
    closePaper();
    const good = `${files.length - bad.length} of ${counted(files.length, "file")} can be asked about now.`;
    say(bad.length ? `${bad.join(" ")} ${good}` : `${counted(files.length, "file")} can be asked about now.`, bad.length > 0);
  } catch (error) {
    say(error.message, true);
  }
}

$("ask").onsubmit = ask;
$("question").onkeydown = (event) => { if (event.key === "Enter" && !event.shiftKey) ask(event); };
$("stop").onclick = () => stopping?.abort();
$("fresh").onclick = startAgain;
$("browse").onclick = () => browse($("corpus").value);
$("corpus").onchange = () => { tellCorpus(); startAgain(); closePaper(); };
$("pick").onclick = () => $("files").click();
$("files").onchange = (event) => {
  const chosen = [...event.target.files]; // the list itself is emptied with the field
  event.target.value = "";
  upload(chosen);
};
let inside = 0;
addEventListener("dragenter", (event) => { event.preventDefault(); inside += 1; $("drop").hidden = false; });
addEventListener("dragleave", () => { inside -= 1; if (inside <= 0) { inside = 0; $("drop").hidden = true; } });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  inside = 0;
  $("drop").hidden = true;
  upload([...event.dataTransfer.files]);
});

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch { // not made by the service
    return part;
  }
}

async function begin() {
  try {
    await listCorpora();
    await tellTotals();
  } catch (error) {
    say(error.message, true);
  }
  const [, place, corpus, ...name] = location.pathname.split("/").map(decoded);
  if (place !== "open" || !corpus || !name.length) return;
  const query = new URLSearchParams(location.search);
  $("corpus").value = corpus;
  tellCorpus();
  openPaper(corpus, name.join("/"), { start: Number(query.get("start") ?? 0), end: Number(query.get("end") ?? 0) });
}
begin();
