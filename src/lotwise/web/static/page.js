// What every page has: its first data, requests to the desk, what is said aloud, the help.

const read = () => JSON.parse(document.getElementById("boot").textContent);

export const boot = read() ?? {};
boot.settings ??= {};

export const el = (id) => document.getElementById(id);

export class Refused extends Error {
  constructor(error, status) {
    super(error.message ?? "the desk gave no reason");
    Object.assign(this, { code: error.code ?? "", hint: error.hint ?? "", status });
  }
}

// Raised where it is not known whether the desk has acted.
export class Unanswered extends Error {}

async function call(path, options, timeout_ms) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeout_ms);
  try {
    const answer = await fetch(path, { ...options, signal: stop.signal, credentials: "same-origin" });
    const body = await answer.json().catch(() => null);
    if (body === null && answer.ok) throw new Unanswered("the desk's answer could not be read");
    if (answer.status >= 500) throw new Unanswered(body?.error?.message ?? `the desk has a problem (${answer.status})`);
    if (answer.status === 401) throw new Refused({ message: "this page's login is over: the desk was started again", hint: "open the new address that `lotwise web` printed" }, 401);
    if (!answer.ok || body.error) throw new Refused(body?.error ?? { message: `refused (${answer.status})` }, answer.status);
    return body;
  } catch (error) {
    if (error instanceof Refused || error instanceof Unanswered) throw error;
    throw new Unanswered(stop.signal.aborted ? "the desk did not answer in time" : "the desk cannot be reached");
  } finally {
    clearTimeout(timer);
  }
}

export const get = (path) => call(path, {}, 10_000);
export const post = (path, body, timeout_ms = 10_000) =>
  call(path, { method: "POST", headers: { "content-type": "application/json", "x-desk": boot.desk ?? "" }, body: JSON.stringify(body) }, timeout_ms);

// Said politely, at most once a second; only the newest is said.
const saying = { timer: 0, text: "", last_ms: 0 };
export function say(text) {
  saying.text = text;
  if (saying.timer) return;
  const wait_ms = Math.max(0, saying.last_ms + 1000 - performance.now());
  saying.timer = setTimeout(() => {
    Object.assign(saying, { timer: 0, last_ms: performance.now() });
    put(el("say"), saying.text);
  }, wait_ms);
}

export function shout(text) {
  put(el("shout"), text);
}

export function put(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

export function make(tag, { text, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

export function toast(text, { hint = "", bad = false } = {}) {
  const note = make("div", { class: bad ? "toast bad" : "toast" }, make("span", { text }));
  if (hint) note.append(make("span", { class: "dim", text: hint }));
  el("toasts").append(note);
  while (el("toasts").children.length > 4) el("toasts").firstChild.remove();
  setTimeout(() => note.remove(), bad ? 12_000 : 6_000);
  if (bad) shout(hint ? `${text}. ${hint}` : text);
  else say(text);
}

export function complain(error) {
  toast(error.message, { hint: error.hint, bad: true });
}

export function store(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`lotwise.${name}`);
    localStorage.setItem(`lotwise.${name}`, value);
  } catch {
    // a browser that keeps nothing: the choice holds for this page alone
  }
  return value ?? null;
}

export function ready() {
  document.documentElement.dataset.ready = "true";
}

export function openHelp() {
  if (!el("help").open) el("help").showModal();
}
el("open-help").addEventListener("click", openHelp);
