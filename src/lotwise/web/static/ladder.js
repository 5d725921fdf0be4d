// The order book as a table whose rows stand still: static until the price leaves the middle, frozen while the pointer or the focus is inside.

import { el, make, put, store } from "./page.js";

const PAINT_MS = 100;
const ROW_PX = 18;
const HEAD_PX = 22;
const FEWEST_ROWS = 11;
const MOST_ROWS = 61;
const GROUPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const MIDDLE = 4;

const down = (ticks, group) => Math.floor(ticks / group) * group;
const up = (ticks, group) => Math.ceil(ticks / group) * group;

// Lots by grouped price: bids to the price below, asks to the price above, so a group never crosses.
export function grouped(levels, group, side) {
  const rows = new Map();
  for (const [ticks, lots, own] of levels) {
    const at = side === "bid" ? down(ticks, group) : up(ticks, group);
    const row = rows.get(at) ?? { lots: 0, own: 0 };
    row.lots += lots;
    row.own += own ?? 0;
    rows.set(at, row);
  }
  return rows;
}

export class Ladder {
  // take(ticks) when a price is chosen.
  constructor({ format, take }) {
    Object.assign(this, { format, take, rows: [], centre: null, group: 0, frame: null, asked: 0, painted_ms: 0, at: 0, seen: false });
    this.mode = store("ladder.centre") ?? "static";
    el("ladder-centre").value = this.mode;
    el("ladder-centre").addEventListener("change", (chosen) => {
      this.mode = chosen.target.value;
      store("ladder.centre", this.mode);
      this.centre = null;
      this.#ask();
    });
    el("ladder-group").replaceChildren(...GROUPS.map((ticks) => make("option", { value: ticks, text: format.step(ticks) })));
    el("ladder-group").addEventListener("change", (chosen) => {
      this.group = GROUPS[chosen.target.selectedIndex];
      this.centre = null;
      this.#ask();
    });
    const box = el("ladder-box");
    const panel = box.parentElement;
    box.addEventListener("pointerenter", () => (panel.dataset.frozen = ""));
    box.addEventListener("pointerleave", () => delete panel.dataset.frozen);
    box.addEventListener("keydown", (key) => this.#key(key));
    new ResizeObserver(([seen]) => {
      this.seen = seen.contentRect.height > 0;
      this.#build();
    }).observe(box);
    this.panel = panel;
  }

  // Whether rows must stand still.
  get frozen() {
    return "frozen" in this.panel.dataset || el("ladder-rows").contains(document.activeElement);
  }

  get visible() {
    return this.panel.offsetParent !== null;
  }

  paint(frame) {
    this.frame = frame;
    this.#ask();
  }

  // In an animation frame, ten times a second at most.
  #ask() {
    if (this.asked || !this.frame?.book) return;
    const wait_ms = Math.max(0, this.painted_ms + PAINT_MS - performance.now());
    this.asked = setTimeout(() => requestAnimationFrame(() => {
      this.asked = 0;
      this.painted_ms = performance.now();
      if (this.seen) this.#paint();
    }), wait_ms);
  }

  #build() {
    const fitting = Math.floor((el("ladder-box").clientHeight - HEAD_PX) / ROW_PX);
    const count = Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, fitting - 1 + (fitting % 2)));
    if (count === this.rows.length) return this.#ask();
    this.rows = Array.from({ length: count }, (_, i) => this.#row(i));
    el("ladder-rows").replaceChildren(...this.rows.map((row) => row.node));
    this.at = Math.floor(count / 2);
    this.rows[this.at].take.tabIndex = 0;
    this.centre = null;
    this.#ask();
  }

  #row(i) {
    const amount = (side) => {
      const cell = { bar: make("span", { class: "bar", "aria-hidden": "true" }), text: make("span", { class: "amount" }) };
      cell.node = make("td", { class: `number ${side}` }, cell.bar, cell.text);
      return cell;
    };
    const row = { ownBid: make("td", { class: "own" }), bid: amount("bid"), ask: amount("ask"), ownAsk: make("td", { class: "own" }), take: make("button", { type: "button", class: "take", tabindex: -1, hidden: "" }), ticks: 0 };
    row.node = make("tr", {}, row.ownBid, row.bid.node, make("th", { scope: "row", class: "price" }, row.take), row.ask.node, row.ownAsk);
    row.node.addEventListener("click", () => row.ticks > 0 && this.take(row.ticks));
    row.take.addEventListener("focus", () => this.#rove(i));
    return row;
  }

  #rove(i) {
    this.rows[this.at].take.tabIndex = -1;
    this.at = i;
    this.rows[i].take.tabIndex = 0;
  }

  #key(key) {
    const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -MOST_ROWS, End: MOST_ROWS }[key.key];
    if (step === undefined) return;
    key.preventDefault();
    this.#rove(Math.min(this.rows.length - 1, Math.max(0, this.at + step)));
    this.rows[this.at].take.focus();
  }

  // The least group in which all levels that came have a row.
  #fit({ bids, asks }) {
    if (!bids.length || !asks.length) return GROUPS[0];
    const span = asks[asks.length - 1][0] - bids[bids.length - 1][0];
    return GROUPS.find((group) => span / group <= this.rows.length - 2) ?? GROUPS[GROUPS.length - 1];
  }

  #paint() {
    const { book, last } = this.frame;
    if (!this.rows.length) return;
    if (!this.group) {
      this.group = this.#fit(book);
      el("ladder-group").selectedIndex = GROUPS.indexOf(this.group);
    }
    const half = Math.floor(this.rows.length / 2);
    const away = Math.abs(last - this.centre) / this.group;
    const leaves = this.mode === "auto" ? away >= 1 : away > Math.max(1, half - MIDDLE);
    if (this.centre === null || (leaves && !this.frozen)) this.centre = down(last, this.group);
    const [bids, asks] = [grouped(book.bids, this.group, "bid"), grouped(book.asks, this.group, "ask")];
    const most = Math.max(1, ...[...bids.values(), ...asks.values()].map((row) => row.lots));
    const best = { bid: book.bids[0]?.[0], ask: book.asks[0]?.[0] };
    this.rows.forEach((row, i) => this.#fill(row, this.centre + (half - i) * this.group, { bids, asks, most, last, best }));
  }

  #fill(row, ticks, { bids, asks, most, last, best }) {
    const [bid, ask] = [bids.get(ticks), asks.get(ticks)];
    if (row.ticks !== ticks || !row.take.textContent) {
      row.ticks = ticks;
      row.take.hidden = ticks <= 0; // below the first price there is nothing to take
      put(row.take, ticks > 0 ? this.format.price(ticks) : "");
    }
    for (const [cell, level] of [[row.bid, bid], [row.ask, ask]]) {
      put(cell.text, level ? this.format.quantity(level.lots) : "");
      const length = `scaleX(${level ? level.lots / most : 0})`;
      if (cell.length !== length) cell.bar.style.transform = cell.length = length;
    }
    put(row.ownBid, bid?.own ? this.format.quantity(bid.own) : "");
    put(row.ownAsk, ask?.own ? this.format.quantity(ask.own) : "");
    const set = (name, value) => (value ? (row.node.dataset[name] = value) : delete row.node.dataset[name]);
    set("at", down(last, this.group) === ticks ? "last" : "");
    set("near", best.bid !== undefined && ticks <= best.bid ? "bid" : best.ask !== undefined && ticks >= best.ask ? "ask" : "");
  }
}
