// Handles over the lines of the chart: sliders for the pointer and the keyboard. They never leave their limits, so a stop never flips the side.

import { kindOf, lineColour } from "./chart.js";
import { el, make, put, say } from "./page.js";

const STEPS = { ArrowUp: 1, ArrowDown: -1, ArrowRight: 1, ArrowLeft: -1, PageUp: 100, PageDown: -100 };
const MEANINGS = {
  entry: "Where the trade is entered",
  stop: "Stop: where the trade is given up",
  target: "Target: where a part of the trade is closed with a gain",
  breakeven: "Break-even: neither gain nor loss, fees in",
  liquidation: "Liquidation: where the venue would close the position by force",
  order: "An order of yours that waits",
};
const SHIFTED = 10;
const HEIGHT = 22;
const GAP = 6;
const LOGO = { width: 48, height: 42 };

export class Handles {
  // change(name, ticks, phase): phase is "move", "end" or "cancel".
  constructor({ chart, format, change }) {
    Object.assign(this, { chart, format, change, lines: new Map(), asked: 0 });
    // The wheel is the chart's, also where a handle lies over it.
    el("handles").addEventListener("wheel", (turn) => {
      turn.preventDefault();
      if (!this.moving) this.chart.turned(turn);
    }, { passive: false });
  }

  // Lines in tab order, as the server gives them; a line that is being moved keeps its place.
  set(lines) {
    const kept = new Set(lines.map((line) => line.name));
    for (const [name, line] of this.lines) {
      if (kept.has(name)) continue;
      line.node.remove();
      this.lines.delete(name);
    }
    for (const given of lines) {
      const known = this.lines.get(given.name);
      const line = known ?? this.#create(given.name, given.movable);
      if (known && known.movable !== given.movable) {
        known.node.remove();
        Object.assign(line, this.#create(given.name, given.movable), { words: null, stands: "" });
      }
      const moving = line.moving;
      Object.assign(line, given, { ticks: moving ? line.ticks : given.ticks });
      this.lines.set(given.name, line);
      this.#describe(line);
    }
    this.place();
  }

  #create(name, movable) {
    const node = make("div", { class: "handle", id: `line-${name.replace(":", "-")}`, "data-line": name, title: MEANINGS[kindOf(name)] ?? null });
    const parts = { arrow: make("span", { class: "arrow", "aria-hidden": "true" }), label: make("span"), price: make("b"), sub: make("span", { class: "sub" }), resists: make("span", { class: "resists" }) };
    node.append(parts.arrow, parts.label, parts.price, parts.sub, parts.resists);
    const line = { name, node, parts, moving: false };
    if (name.startsWith("held:")) node.dataset.held = "";
    if (movable) this.#bind(line);
    el("handles").append(node);
    return line;
  }

  #describe(line) {
    const { node, parts, ticks, label, sub, movable, min_ticks, max_ticks } = line;
    const price = this.format.price(ticks);
    node.style.setProperty("--line", lineColour(line.name));
    put(parts.label, label);
    put(parts.price, price);
    put(parts.sub, sub ?? "");
    if (!movable) return;
    const spoken = [price, sub, line.pending ? "press Enter to send" : ""].filter(Boolean).join(", ");
    const told = { "aria-label": label, "aria-orientation": "vertical", "aria-valuemin": min_ticks, "aria-valuemax": max_ticks, "aria-valuenow": ticks, "aria-valuetext": spoken };
    for (const [name, value] of Object.entries(told)) if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }

  #bind(line) {
    const { node } = line;
    node.setAttribute("role", "slider");
    node.tabIndex = 0;
    node.addEventListener("pointerdown", (down) => {
      if (down.button !== 0) return;
      down.preventDefault();
      node.focus();
      node.setPointerCapture(down.pointerId);
      const grip = down.clientY - el("chart-box").getBoundingClientRect().top - (this.chart.yOf(line.ticks) ?? 0);
      Object.assign(line, { moving: true, before: line.pending ? line.before : line.ticks, grip: line.pinned ? 0 : grip });
      node.dataset.moving = "";
    });
    node.addEventListener("pointermove", (move) => {
      if (!line.moving || !node.hasPointerCapture(move.pointerId)) return;
      const ticks = this.chart.ticksAt(move.clientY - el("chart-box").getBoundingClientRect().top - line.grip);
      if (ticks !== null) this.#to(line, ticks);
    });
    node.addEventListener("pointerup", () => this.#finish(line, "end"));
    for (const name of ["pointercancel", "lostpointercapture"]) node.addEventListener(name, () => this.#finish(line, "cancel"));
    node.addEventListener("keydown", (key) => this.#key(line, key));
    node.addEventListener("blur", () => line.pending && this.#finish(line, "cancel"));
  }

  #key(line, key) {
    const step = STEPS[key.key];
    const goal = key.key === "Home" ? line.min_ticks : key.key === "End" ? line.max_ticks : null;
    if (step === undefined && goal === null) {
      if (key.key === "Escape" && (line.moving || line.pending)) this.#finish(line, "cancel");
      else if (key.key === "Enter" && line.pending) this.#finish(line, "end");
      else return;
      key.preventDefault();
      key.stopPropagation();
      return;
    }
    key.preventDefault();
    const held = line.name.startsWith("held:");
    if (held && !line.pending) Object.assign(line, { pending: true, moving: true, before: line.ticks });
    this.#to(line, goal ?? line.ticks + step * (key.shiftKey ? SHIFTED : 1));
    if (!held) this.change(line.name, line.ticks, "end");
  }

  // Within the server's limits, whatever the hand does.
  #to(line, wanted) {
    const ticks = Math.min(line.max_ticks, Math.max(line.min_ticks, wanted));
    const resists = ticks === wanted ? "" : line.name.startsWith("held:") ? "stops never loosen" : "as far as it goes";
    put(line.parts.resists, resists);
    if (resists) say(resists);
    if (ticks === line.ticks) return;
    line.ticks = ticks;
    this.#describe(line);
    this.place();
    this.change(line.name, ticks, "move");
  }

  #finish(line, phase) {
    if (!line.moving && !line.pending) return;
    Object.assign(line, { moving: false, pending: false });
    delete line.node.dataset.moving;
    put(line.parts.resists, "");
    const moved = line.ticks !== line.before;
    if (phase === "cancel") line.ticks = line.before;
    this.#describe(line);
    this.place();
    if (moved) this.change(line.name, line.ticks, phase);
  }

  get moving() {
    return [...this.lines.values()].some((line) => line.moving);
  }

  cancel() {
    for (const line of this.lines.values()) this.#finish(line, "cancel");
  }

  place() {
    if (!this.asked) this.asked = requestAnimationFrame(() => this.#place());
  }

  // Each on its line; where two would cover each other the second stands beside; off screen they wait at the edge. The library's logo stays free.
  #place() {
    this.asked = 0;
    const { width, height } = this.chart.pane;
    const last_y = height - HEIGHT;
    const stacked = { up: 0, down: 0 };
    const placed = [];
    const lines = [...this.lines.values()].map((line) => ({ line, y: this.chart.yOf(line.ticks) })).filter(({ y }) => y !== null);
    for (const one of lines) {
      one.edge = one.y < 0 ? "up" : one.y > height ? "down" : "";
      one.line.pinned = Boolean(one.edge);
      one.line.node.toggleAttribute("data-pinned", one.line.pinned);
      put(one.line.parts.arrow, { up: "⇡", down: "⇣" }[one.edge] ?? "");
    }
    // Measured after all has been written, and only where the words are others: a layout costs more than the rest.
    for (const { line } of lines) {
      const words = line.node.textContent;
      if (words !== line.words || !line.size_px) Object.assign(line, { words, size_px: line.node.offsetWidth });
    }
    for (const { line, y, edge } of lines.sort((a, b) => a.y - b.y)) {
      const slot = edge ? stacked[edge]++ : 0;
      const top = edge === "up" ? slot * (HEIGHT + 2) : edge === "down" ? last_y - slot * (HEIGHT + 2) : Math.max(0, Math.min(last_y, y - HEIGHT / 2));
      const { size_px } = line;
      let left = top > height - LOGO.height - HEIGHT ? LOGO.width : 8;
      for (const other of placed) {
        if (Math.abs(other.top - top) < HEIGHT && left < other.right) left = Math.max(left, other.right + GAP);
      }
      left = Math.max(0, Math.min(left, width - size_px));
      placed.push({ top, right: left + size_px });
      const place = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
      if (line.stands !== place) line.node.style.transform = line.stands = place;
    }
  }
}
