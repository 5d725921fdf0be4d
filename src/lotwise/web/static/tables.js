// Positions, orders, fills, events and limits: rows keep their place and their focus; only what has changed is written.

import { boot, complain, el, make, post, put, toast } from "./page.js";

const MOST_FILLS = 100;
const MOST_EVENTS = 200;
const SIDES = { long: "▲ long", buy: "▲ buy", short: "▼ short", sell: "▼ sell" };

const sideCell = (row) => ({ text: SIDES[row.side] ?? row.side, tone: row.side === "long" || row.side === "buy" ? "up" : "down" });
const text = (name) => (row) => ({ text: row.texts?.[name] ?? "" });

// [heading, cell of a row, title, number]
const COLUMNS = {
  positions: [
    ["Contract", (row) => ({ text: row.contract, contract: row.contract })],
    ["Side", sideCell],
    ["Quantity", text("quantity"), "", true],
    ["Entry", text("entry"), "Average price of the entry", true],
    ["Mark", text("mark"), "Price the venue values the position by", true],
    ["Stop", text("stop"), "Where the position is given up", true],
    ["At risk", text("at_risk"), "What is lost from here if the stop is hit, costs in", true],
    ["Liquidation", text("liq"), "Where the venue would close the position by force", true],
    ["Distance", text("liq_distance"), "From the mark to the liquidation", true],
    ["Result", text("result"), "Gain or loss so far, costs in", true],
    ["R now", text("r_now"), "Gain or loss so far, in units of what the trade risked", true],
    ["Funding", text("funding"), "Paid or received for holding", true],
    ["Held", text("held"), "", true],
    ["", (row) => ({ action: "Close", path: "/api/close", body: { contract: row.contract }, title: `Close ${row.contract} at the market` })],
  ],
  orders: [
    ["Contract", (row) => ({ text: row.contract, contract: row.contract })],
    ["For", (row) => ({ text: row.role })],
    ["Kind", text("kind")],
    ["Side", sideCell],
    ["Quantity", text("quantity"), "", true],
    ["Price", text("price"), "", true],
    ["", (row) => ({ action: "Cancel", path: "/api/cancel", body: { contract: row.contract, client_id: row.client_id }, title: `Cancel ${row.role} of ${row.contract}`, hidden: row.cancellable === false || row.role === "stop" })],
  ],
  fills: [
    ["Time", (row, page) => ({ text: page.times.clock(row.ms) })],
    ["Contract", (row) => ({ text: row.contract, contract: row.contract })],
    ["Side", sideCell],
    ["For", text("what")],
    ["Quantity", text("quantity"), "", true],
    ["Price", text("price"), "", true],
    ["Fee", text("fee"), "", true],
  ],
  limits: [
    ["Limit", (row) => ({ text: row.name })],
    ["Now", (row) => ({ text: row.text })],
    ["Distance", (row) => ({ text: row.distance_text ?? "" }), "How much is left before it locks", true],
    ["Locked until", (row, page) => ({ text: row.until_ms ? `✗ ${page.times.full(row.until_ms)}` : "" })],
  ],
};
const KEYS = {
  positions: (row) => row.contract,
  orders: (row) => row.client_id,
  fills: (row, i) => `${row.ms} ${row.contract} ${row.ticks} ${row.lots} ${row.id ?? i}`,
  limits: (row) => row.name,
};

export class Tables {
  constructor({ times }) {
    Object.assign(this, { times, rows: {}, events: [], asked: 0 });
    for (const [name, columns] of Object.entries(COLUMNS)) {
      const heads = columns.map(([heading, , title, number]) => heading ? make("th", { scope: "col", class: number && "number", title: title || null, text: heading }) : make("td", { class: "number" }));
      el(`head-${name}`).replaceChildren(make("tr", {}, ...heads));
      this.rows[name] = new Map();
    }
    this.#bindTabs();
  }

  #bindTabs() {
    const tabs = [...document.querySelectorAll('.tables [role="tab"]')];
    const choose = (tab) => {
      for (const one of tabs) {
        const chosen = one === tab;
        one.setAttribute("aria-selected", String(chosen));
        one.tabIndex = chosen ? 0 : -1;
        el(one.getAttribute("aria-controls")).hidden = !chosen;
      }
    };
    tabs.forEach((tab, i) => {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (key) => {
        const goal = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[key.key];
        if (goal === undefined) return;
        key.preventDefault();
        const next = tabs[(goal + tabs.length) % tabs.length];
        choose(next);
        next.focus();
      });
    });
  }

  paint(account) {
    this.#table("positions", account.positions ?? []);
    this.#table("orders", account.orders ?? []);
    this.#table("fills", [...(account.fills ?? [])].sort((a, b) => b.ms - a.ms).slice(0, MOST_FILLS));
    this.#table("limits", account.locks ?? []);
    for (const name of ["positions", "orders", "fills"]) put(el(`count-${name}`), account[name]?.length ? String(account[name].length) : "");
    const locked = (account.locks ?? []).filter((lock) => lock.until_ms).length;
    put(el("count-limits"), locked ? `✗ ${locked}` : "");
  }

  #table(name, list) {
    const known = this.rows[name];
    const kept = new Map();
    list.forEach((row, i) => kept.set(KEYS[name](row, list.length - i), row));
    for (const [key, shown] of known) {
      if (kept.has(key)) continue;
      shown.node.remove();
      known.delete(key);
    }
    const body = el(`rows-${name}`);
    let i = 0;
    for (const [key, row] of kept) {
      const shown = known.get(key) ?? this.#create(name, key);
      shown.row = row;
      COLUMNS[name].forEach((column, k) => this.#cell(shown.cells[k], column[1](row, this)));
      if (body.children[i] !== shown.node) body.insertBefore(shown.node, body.children[i] ?? null);
      i += 1;
    }
    el(`empty-${name}`).hidden = kept.size > 0;
    body.parentElement.hidden = kept.size === 0;
  }

  #create(name, key) {
    const cells = COLUMNS[name].map(([heading, , , number], k) => make(k ? "td" : "th", { scope: k ? null : "row", class: number && "number", "data-label": heading || null }));
    const shown = { node: make("tr", { "data-key": key }, ...cells), cells };
    this.rows[name].set(key, shown);
    return shown;
  }

  #cell(node, { text: words = "", tone, action, contract, path, body, title, hidden }) {
    if (action) {
      if (hidden) node.replaceChildren();
      else if (!node.firstChild) node.append(this.#button(action, path, body, title));
      return;
    }
    if (contract && contract !== boot.contract?.id) {
      if (node.textContent !== words) node.replaceChildren(make("a", { href: `/?${new URLSearchParams({ contract })}`, text: words }));
      return;
    }
    put(node, words);
    const sign = words.startsWith("+") ? "up" : words.startsWith("\u2212") ? "down" : "";
    const wanted = [node.classList.contains("number") ? "number" : "", tone ?? sign].filter(Boolean).join(" ");
    if (node.className !== wanted) node.className = wanted;
  }

  #button(label, path, body, title) {
    const button = make("button", { type: "button", text: label, title, "aria-label": title });
    button.addEventListener("click", async () => {
      if (button.disabled) return;
      button.disabled = true;
      try {
        toast((await post(path, body, 30_000)).text ?? "done");
      } catch (error) {
        complain(error);
      } finally {
        button.disabled = false;
      }
    });
    return button;
  }

  event({ ms, kind, text: words, urgent }) {
    const item = make("li", {}, make("time", { datetime: new Date(ms).toISOString(), text: this.times.clock(ms) }), make("span", { class: "dim", text: kind }), make("span", { class: urgent ? "urgent" : null, text: urgent ? `✗ ${words}` : words }));
    el("events").prepend(item);
    while (el("events").children.length > MOST_EVENTS) el("events").lastChild.remove();
    el("empty-events").hidden = true;
  }
}
