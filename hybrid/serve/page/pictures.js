// Two pictures of an answer: what each way would have cost and what this one did, and where in what was read each
// cited passage stood.
const SVG = "http://www.w3.org/2000/svg";
const NAMES = { passages: "passages", sections: "sections", documents: "documents", corpus: "everything", each: "a table", did: "this answer" };

function drawn(tag, attributes, text) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

function figure(svg, caption) {
  const found = document.createElement("figure"), words = document.createElement("figcaption");
  words.textContent = caption;
  found.append(svg, words);
  return found;
}

const money = (value) => (value === 0 || value >= 0.01 ? value.toFixed(2) : value.toFixed(5));
const short = (value) => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toPrecision(2));

export function costs(told) {
  const rows = told.predictions.filter((one) => one.cost.gpu_seconds !== null);
  if (!rows.length) return figure(drawn("svg", { width: 0, height: 0 }), "");
  const taken = new Set(told.attempts.map((attempt) => attempt.rung));
  const { cost, usage } = told;
  const did = cost.gpu_seconds ? [{ rung: "did", route: told.route, cost }] : []; // a quoted answer took none
  const most = Math.max(...[...rows, ...did].map((one) => one.cost.gpu_seconds), 1e-9);
  const svg = drawn("svg", { viewBox: `0 0 420 ${(rows.length + did.length) * 22}`, role: "img" });
  const words = [];
  [...rows, ...did].forEach((one, i) => {
    const y = i * 22 + 3, width = Math.max(1, (one.cost.gpu_seconds / most) * 160);
    svg.append(drawn("text", { x: 0, y: y + 12 }, NAMES[one.rung] ?? one.rung));
    const colour = one.rung === "did" || taken.has(one.rung) ? one.route : "";
    svg.append(drawn("rect", { x: 90, y, width, height: 15, class: `bar ${colour}` }));
    if (taken.has(one.rung)) svg.append(drawn("rect", { x: 89, y: y - 1, width: width + 2, height: 17, class: "did" }));
    const price = one.cost.dollars === null ? "" : `, $${money(one.cost.dollars)}`;
    const figures = `${short(one.cost.gpu_seconds)} GPU-s${price}`;
    svg.append(drawn("text", { x: 96 + width, y: y + 12, class: "soft" }, figures));
    words.push(`${NAMES[one.rung] ?? one.rung} ${figures}${taken.has(one.rung) ? ", taken" : ""}`);
  });
  svg.setAttribute("aria-label", `Estimated cost of each way: ${words.join("; ")}`);
  const engine = cost.engine_seconds === null ? "" : ` The engine worked on it for ${short(cost.engine_seconds)} s.`;
  const said = cost.gpu_seconds === null ? `Its GPU time is unknown until cost.gpu names the GPU.${engine}`
    : cost.gpu_seconds === 0 ? "It took no GPU time: the answer was quoted, not written by a model."
      : `It took ${short(cost.gpu_seconds)} GPU-seconds (${cost.basis}), ${usage.prompt_tokens.toLocaleString()} tokens read, `
        + `${usage.cached_tokens.toLocaleString()} of them cached.`;
  return figure(svg, `What each way was expected to cost; the one taken has a frame. ${said}`);
}

export function strip(told, citations, open) {
  const length = told.read.reduce((sum, one) => sum + (one.end - one.start), 0);
  if (!length || !citations.length) return document.createElement("span");
  const svg = drawn("svg", { viewBox: "0 0 420 34", role: "img" });
  let at = 0;
  const spans = told.read.map((one) => {
    const span = { ...one, at: (at / length) * 420, width: ((one.end - one.start) / length) * 420 };
    at += one.end - one.start;
    return span;
  });
  for (const [first, last] of told.dead_zone ?? []) {
    svg.append(drawn("rect", { x: first * 420, y: 0, width: Math.max(2, (last - first) * 420), height: 30, class: "zone" }));
  }
  for (const span of spans) {
    const bar = drawn("rect", { x: span.at, y: 10, width: Math.max(1, span.width - 1), height: 10, class: "read" });
    bar.append(drawn("title", {}, span.document));
    svg.append(bar);
  }
  const depths = [], labels = [];
  citations.forEach((citation, i) => {
    const span = spans.find((one) => one.document === citation.document && one.start <= citation.text_start
      && citation.text_start < one.end);
    if (!span) return;
    const x = span.at + ((citation.text_start - span.start) / (span.end - span.start)) * span.width;
    const mark = drawn("rect", { x: Math.max(0, x - 2), y: 6, width: 4, height: 18, class: "at" });
    mark.append(drawn("title", {}, `${i + 1}  ${citation.quote}`));
    mark.addEventListener("click", () => open(citation, null));
    svg.append(mark);
    labels.push([Math.min(400, x + 4), i + 1]);
    depths.push(`citation ${i + 1} at ${Math.round((x / 420) * 100)} %`);
  });
  let free = 0; // numbers that would lie on one another are left out: the marks tell them
  for (const [x, number] of labels.sort((a, b) => a[0] - b[0])) {
    if (x < free) continue;
    svg.append(drawn("text", { x, y: 33, class: "soft" }, String(number)));
    free = x + 9 * String(number).length;
  }
  svg.setAttribute("aria-label", `Where in what was read the citations stand: ${depths.join("; ")}`);
  const zone = told.dead_zone === null ? " No dead zone was measured on this engine."
    : told.dead_zone.length ? " The tinted depths are its measured dead zone." : " It has no dead zone by its measurements.";
  return figure(svg, `Where each citation stood in what was read, first to last.${zone}`);
}
