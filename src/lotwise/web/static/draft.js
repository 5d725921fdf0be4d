// The ticket's fields: text as typed, or ticks where a line or a price of the book was taken. What is typed wins over what was taken before.

import { el, make, put } from "./page.js";
import { hundredths, shareText } from "./format.js";

const MOST_TARGETS = 4;
const MOST_ENTRIES = 3;
const SHARES = { 1: ["100%"], 2: ["50%", "50%"], 3: ["34%", "33%", "33%"], 4: ["25%", "25%", "25%", "25%"] };

class Field {
  constructor(input, at, format) {
    Object.assign(this, { input, at, format, ticks: null });
    input.addEventListener("input", () => (this.ticks = null));
  }

  take(ticks) {
    this.ticks = ticks;
    this.input.value = this.format.typed(ticks);
  }

  type(text) {
    this.ticks = null;
    this.input.value = text;
  }

  get value() {
    return this.ticks === null ? { text: this.input.value.trim() } : { ticks: this.ticks };
  }

  // Where the text is no price, the price that the server made of it stands beside it.
  answer(ticks) {
    const price = ticks === undefined ? "" : this.format.price(ticks);
    const same = price.replaceAll(",", "") === this.input.value.trim().replaceAll(",", "");
    put(this.at, same ? "" : price);
  }
}

export class Draft {
  // changed() after every change of a field.
  constructor({ contract, format, changed }) {
    Object.assign(this, { contract, format, changed, side: "long", targets: [], entries: [] });
    this.entry = new Field(el("entry"), null, format);
    this.stop = new Field(el("stop"), el("stop-at"), format);
    this.defaults = { equity: el("equity").value, risk: el("risk").value, stop: el("stop").value, entry: el("entry").value, leverage: el("leverage").value };
    this.firstKind = el("entry-kind").value;
    this.side = el("side-short").getAttribute("aria-checked") === "true" ? "short" : "long";
    this.#bind();
    this.#startRows();
    this.#paintKind();
    this.#slide();
  }

  #bind() {
    const form = el("ticket-form");
    form.addEventListener("submit", (sent) => sent.preventDefault());
    form.addEventListener("input", (typed) => this.#typed(typed.target));
    for (const button of form.querySelectorAll("[data-side]")) {
      button.addEventListener("click", () => this.setSide(button.dataset.side));
      button.addEventListener("keydown", (key) => {
        if (!key.key.startsWith("Arrow")) return;
        key.preventDefault();
        this.setSide(this.side === "long" ? "short" : "long");
        el(`side-${this.side}`).focus();
      });
    }
  }

  #typed(input) {
    if (input.id === "contract") return;
    if (input.id === "risk-slider") el("risk").value = shareText(input.value);
    if (input.id === "risk") this.#slide();
    if (input.id === "entry-kind") this.#paintKind();
    this.changed();
  }

  #slide() {
    const share = hundredths(el("risk").value);
    el("risk-slider").disabled = share === null;
    if (share !== null) el("risk-slider").value = String(share);
    el("risk-slider").setAttribute("aria-valuetext", el("risk").value);
  }

  setSide(side) {
    if (side === this.side) return;
    this.side = side;
    this.#paintSide();
    // Prices that were taken from lines belong to the other side: distances stay, prices do not.
    for (const field of [this.stop, ...this.targets]) if (field.ticks !== null) field.type(field.first);
    this.changed();
  }

  #paintSide() {
    for (const side of ["long", "short"]) {
      const chosen = side === this.side;
      el(`side-${side}`).setAttribute("aria-checked", String(chosen));
      el(`side-${side}`).tabIndex = chosen ? 0 : -1;
    }
  }

  get kind() {
    return el("entry-kind").value;
  }

  #paintKind() {
    const kind = this.kind;
    el("entry").disabled = kind !== "limit";
    el("entry").placeholder = { market: "now", limit: "price", ladder: "several prices" }[kind];
    if (kind !== "limit") this.entry.type("");
    el("entry-rows").hidden = kind !== "ladder";
    if (kind === "ladder" && !this.entries.length) {
      this.#addRow("entry");
      this.#addRow("entry");
    }
  }

  setKind(kind) {
    el("entry-kind").value = kind;
    this.#paintKind();
  }

  // A price for the entry, from the book or from a line: it becomes a limit.
  takeEntry(ticks) {
    if (this.kind === "ladder") {
      const free = this.entries.find((row) => !row.input.value) ?? this.entries[this.entries.length - 1];
      free.take(ticks);
    } else {
      this.setKind("limit");
      this.entry.take(ticks);
    }
    this.changed();
  }

  #startRows() {
    this.stop.first = this.defaults.stop;
    this.#frame("target", "Add a target");
    this.#frame("entry", "Add an entry");
    this.#addRow("target", "1R");
    this.#addRow("target", "2R");
  }

  #frame(name, label) {
    const add = make("button", { type: "button", class: "quiet add", text: `+ ${label}` });
    add.addEventListener("click", () => {
      const row = this.#addRow(name, name === "target" ? `${this.targets.length + 1}R` : "");
      row?.input.focus();
      this.changed();
    });
    el(`${name}-rows`).append(add);
  }

  #list(name) {
    return name === "target" ? this.targets : this.entries;
  }

  #addRow(name, text = "") {
    const list = this.#list(name);
    if (list.length >= (name === "target" ? MOST_TARGETS : MOST_ENTRIES)) return null;
    const node = el("row-template").content.firstElementChild.cloneNode(true);
    const row = new Field(node.querySelector(".row-price"), node.querySelector(".at"), this.format);
    Object.assign(row, { node, share: node.querySelector(".row-share"), first: text });
    row.input.value = text;
    node.querySelector(".row-remove").addEventListener("click", () => {
      list.splice(list.indexOf(row), 1);
      node.remove();
      this.#number(name);
      this.changed();
    });
    list.push(row);
    el(`${name}-rows`).insertBefore(node, el(`${name}-rows`).lastElementChild);
    this.#number(name);
    return row;
  }

  #number(name) {
    const list = this.#list(name);
    const word = name === "target" ? "Target" : "Entry";
    list.forEach((row, i) => {
      put(row.node.querySelector(".row-name"), `${word} ${i + 1}`);
      row.input.id = `${name}-${i + 1}`;
      row.input.setAttribute("aria-label", `${word} ${i + 1}: price${name === "target" ? ", or 2R for twice the risk, or 3%" : ""}`);
      row.input.placeholder = name === "target" ? "price, 2R or 3%" : "price";
      row.share.value = SHARES[list.length][i];
      row.share.setAttribute("aria-label", `${word} ${i + 1}: share of the position`);
      row.node.querySelector(".row-remove").setAttribute("aria-label", `Remove ${word.toLowerCase()} ${i + 1}`);
    });
    const most = name === "target" ? MOST_TARGETS : MOST_ENTRIES;
    el(`${name}-rows`).lastElementChild.hidden = list.length >= most;
  }

  // The field behind a line: entry, entry2, stop, target1 ...
  fieldOf(name) {
    const [, word, number] = /^([a-z]+)(\d*)$/.exec(name) ?? [];
    if (word === "stop") return this.stop;
    if (word === "target") return this.targets[(number || 1) - 1];
    if (word === "entry") return this.kind === "ladder" ? this.entries[(number || 1) - 1] : this.kind === "limit" ? this.entry : undefined;
    return undefined;
  }

  ticksOf(name) {
    return this.fieldOf(name)?.ticks ?? null;
  }

  // A way out of a refusal sets a field, by its name.
  set(name, value) {
    if (name === "side") this.setSide(value);
    else if (name === "kind") this.setKind(value);
    else if (name === "breakeven_after") el("breakeven").value = String(value);
    else {
      const field = this.fieldOf(name);
      if (field) typeof value === "object" && value?.ticks !== undefined ? field.take(value.ticks) : field.type(String(value?.text ?? value));
      else if (name === "entry") {
        this.setKind("limit");
        this.entry.type(String(value?.text ?? value));
      } else if (el(name)) el(name).value = String(value);
      if (name === "risk") this.#slide();
    }
  }

  // What must be filled in before anything can be asked; empty where all is there.
  get missing() {
    if (this.kind === "limit" && this.entry.ticks === null && !el("entry").value.trim()) return "Give an entry price.";
    if (this.kind === "ladder" && !this.entries.some((row) => row.input.value.trim())) return "Give the prices of the ladder.";
    if (this.stop.ticks === null && !el("stop").value.trim()) return "Give a stop: the size follows from it.";
    return el("risk").value.trim() ? "" : "Say what the trade may lose.";
  }

  answered(lines) {
    const at = Object.fromEntries(lines.map((line) => [line.name, line.ticks]));
    this.stop.answer(at.stop);
    this.targets.forEach((row, i) => row.answer(at[`target${i + 1}`]));
  }

  clear() {
    for (const [name, text] of Object.entries(this.defaults)) el(name).value = text;
    this.entry.ticks = this.stop.ticks = null;
    for (const name of ["target", "entry"]) {
      for (const row of this.#list(name).splice(0)) row.node.remove();
    }
    this.#addRow("target", "1R");
    this.#addRow("target", "2R");
    this.setKind(this.firstKind);
    el("breakeven").value = "1";
    this.#slide();
    this.changed();
  }

  // What is asked of the server: texts and ticks, never a size.
  body() {
    const legs = (rows) => rows.filter((row) => row.ticks !== null || row.input.value.trim()).map((row) => ({ ...row.value, share: row.share.value.trim() }));
    const entry = { market: () => ({ kind: "market" }), limit: () => ({ kind: "limit", ...this.entry.value }), ladder: () => ({ kind: "limit", ladder: legs(this.entries) }) }[this.kind]();
    const equity = el("equity").value.trim();
    return {
      contract: this.contract, side: this.side, ...(equity ? { equity } : {}), risk: el("risk").value.trim(),
      entry, stop: this.stop.value, targets: legs(this.targets), leverage: el("leverage").value.trim() || "auto",
      breakeven_after: { 0: 0, 1: 1, 2: 2 }[el("breakeven").value],
    };
  }
}
