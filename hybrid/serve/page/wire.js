// Requests to the service: JSON, and streams of server-sent events. A key is kept for this tab alone.
const KEY = "hybrid-key";

export const quoted = (text) => text.split("/").map(encodeURIComponent).join("/");

function headers(more) {
  const key = sessionStorage.getItem(KEY);
  return { ...more, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

let asking = null; // for the key: requests that fail together ask once

function unlock() {
  const dialog = document.getElementById("locked"), field = document.getElementById("key");
  document.getElementById("wrong-key").hidden = !sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  asking ??= new Promise((resolve, reject) => {
    dialog.returnValue = "";
    dialog.onclose = () => {
      asking = null;
      const key = field.value.trim();
      field.value = "";
      if (dialog.returnValue !== "use" || !key) {
        reject(new Error("This service needs a key. Reload the page to give one."));
        return;
      }
      sessionStorage.setItem(KEY, key);
      resolve();
    };
    dialog.showModal();
  });
  return asking;
}

async function request(path, options) {
  const { json, ...rest } = options;
  const sent = json === undefined ? rest : { ...rest, body: JSON.stringify(json) };
  const kind = json === undefined ? {} : { "Content-Type": "application/json" };
  for (;;) {
    let reply;
    try {
      reply = await fetch(path, { ...sent, headers: headers(kind) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The service cannot be reached. Is it still running?");
    }
    if (reply.status !== 401) return reply;
    await unlock();
  }
}

async function faultOf(reply) {
  try {
    return new Error((await reply.json()).error.message);
  } catch {
    return new Error(`The service replied ${reply.status}.`);
  }
}

export async function call(path, options = {}) {
  const reply = await request(path, options);
  if (!reply.ok) throw await faultOf(reply);
  return options.as === "blob" ? reply.blob() : reply.json();
}

export async function* stream(path, json, signal) {
  const reply = await request(path, { method: "POST", json, signal });
  if (!reply.ok) throw await faultOf(reply);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("");
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}
