// The desk: chart, order book, ticket and tables on one connection.

import { Chart, zone } from "./chart.js";
import { formatter, times } from "./format.js";
import { paintFeed, paintGuard, startGuard } from "./guard.js";
import { Handles } from "./handles.js";
import { bindKeys } from "./keys.js";
import { Ladder } from "./ladder.js";
import { boot, complain, el, post, put, ready, say, shout, store, toast } from "./page.js";
import { Live } from "./socket.js";
import { Tables } from "./tables.js";
import { Ticket } from "./ticket.js";

const contract = boot.contract.id;
const format = formatter(boot.contract);
const named = times(zone());
const wanted = new URLSearchParams(location.search).get("interval") ?? store("interval");
const state = { interval: boot.intervals.includes(wanted) ? wanted : boot.intervals[0], draft: [], account: boot.account_frame, last: null, feed: "" };

startGuard();
const tables = new Tables({ times: named });
let handles = null;
const chart = new Chart({ format, times: named, moved: () => handles?.place() });
handles = new Handles({ chart, format, change: moved });
const ladder = new Ladder({ format, take: (ticks) => {
  ticket.draft.takeEntry(ticks);
  say(`entry ${format.price(ticks)}`);
} });
const ticket = new Ticket({ contract, format, answered: (answer) => {
  if (answer.lines) state.draft = answer.lines;
  lines();
} });

// A line's price is written beside its name by the handle, which knows it while it is moved.
const nameOf = ({ label, ticks }) => label.replace(` ${format.price(ticks)}`, "").replace(/^BE\b/, "BREAK-EVEN");

// Lines of the draft stand where they were put until the server's answer to that is here; then come those of what is held.
function lines() {
  const held = (state.account?.positions ?? []).filter((position) => position.contract === contract);
  const waiting = (state.account?.orders ?? []).filter((order) => order.contract === contract && order.role === "entry" && order.ticks);
  const spent = ticket.spent || held.length > 0; // one trade a contract: a draft beside it would only be in the way
  const all = [
    ...(spent ? [] : state.draft.map((line) => ({ ...line, label: nameOf(line), ticks: ticket.draft.ticksOf(line.name) ?? line.ticks }))),
    ...held.flatMap((position) => (position.lines ?? []).map((line) => ({ ...line, name: `held:${line.name}`, label: `open ${position.side === "long" ? "▲" : "▼"} ${nameOf(line)}` }))),
    ...waiting.map((order) => ({ name: `order:${order.client_id}`, ticks: order.ticks, label: "waiting entry", sub: order.texts?.quantity, movable: false })),
  ];
  handles.set(all);
  chart.setLines([...handles.lines.values()].map(({ name, ticks, label }) => ({ name, ticks, label })));
  const fills = (state.account?.fills ?? []).filter((fill) => fill.contract === contract);
  chart.setHappenings(fills, held.flatMap((position) => position.stop_path ?? []));
}

async function moved(name, ticks, phase) {
  chart.setLines([...handles.lines.values()].map((line) => ({ name: line.name, ticks: line.ticks, label: line.label })));
  if (!name.startsWith("held:")) {
    if (name === "entry" && ticket.draft.kind === "market") return;
    ticket.draft.fieldOf(name)?.take(ticks);
    ticket.changed();
    return;
  }
  if (phase !== "end") return;
  try {
    toast((await post("/api/stop", { contract, ticks })).text ?? "the stop is moved");
  } catch (error) {
    complain(error);
  }
  lines();
}

function paintFrame(frame) {
  if (frame.contract !== contract) return;
  if (frame.bar) chart.bar(frame.bar);
  const rises = state.last === null || frame.last >= state.last;
  if (frame.last !== state.last) {
    put(el("last"), `${rises ? "▲" : "▼"} ${format.price(frame.last)}`);
    el("last").className = `last ${rises ? "up" : "down"}`;
  }
  put(el("mark"), frame.mark_text ?? "–");
  if (frame.book) ladder.paint(frame);
  if (frame.last !== state.last && state.last !== null && !handles.moving) ticket.refresh();
  state.last = frame.last;
}

function paintAccount(account) {
  state.account = account;
  paintGuard(account);
  tables.paint(account);
  lines();
}

function feed(shown, age_ms) {
  paintFeed(shown, age_ms);
  ticket.setStale(shown !== "live");
  el("stale").hidden = shown === "live" || shown === "waiting";
  put(el("stale"), shown === "lost" ? "reconnecting" : shown === "stale" ? "stale" : "");
  if (shown === state.feed) return;
  if (shown === "live" && ["lost", "stale"].includes(state.feed)) {
    chart.catchUp();
    say("prices arrive again");
  } else if (shown === "lost" || shown === "stale") shout(shown === "lost" ? "The connection is lost; reconnecting" : "Prices are old; nothing is placed");
  state.feed = shown;
}

function happened(event) {
  tables.event(event);
  if (event.urgent || event.kind === "fill") toast(event.text, { bad: event.urgent });
}

function chooseInterval(interval) {
  state.interval = interval;
  store("interval", interval);
  for (const button of el("intervals").children) button.setAttribute("aria-pressed", String(button.dataset.interval === interval));
  chart.show(contract, interval);
  live.refresh();
}

function setView(view) {
  el("desk").dataset.view = view;
  for (const button of document.querySelectorAll("[data-view][aria-pressed]")) button.setAttribute("aria-pressed", String(button.dataset.view === view));
  live.refresh();
}

const live = new Live({
  watch: () => ({ watch: contract, interval: state.interval, panels: ladder.visible ? ["book", "account"] : ["account"] }),
  paint: (kind, message) => (kind === "frame" ? paintFrame(message) : kind === "account" ? paintAccount(message) : undefined),
  event: happened,
  state: feed,
});

// Where the book takes the chart's place it begins under the chart's head, however many lines that has.
const head = document.querySelector(".chart-panel .panel-head");
new ResizeObserver(() => el("desk").style.setProperty("--head", `${head.offsetHeight}px`)).observe(head);

if (state.account) paintAccount(state.account);
chooseInterval(state.interval);
el("intervals").addEventListener("click", (click) => click.target.dataset.interval && chooseInterval(click.target.dataset.interval));
el("contract").addEventListener("change", (chosen) => (location.search = new URLSearchParams({ contract: chosen.target.value })));
el("chart-table-toggle").addEventListener("click", () => chart.toggleTable(el("chart-table-box").hidden));
for (const button of document.querySelectorAll("[data-view][aria-pressed]")) button.addEventListener("click", () => setView(button.dataset.view));
bindKeys({
  B: () => ticket.draft.setSide("long"),
  S: () => ticket.draft.setSide("short"),
  E: () => (el("entry").disabled ? el("entry-kind") : el("entry")).focus(),
  X: () => el("stop").focus(),
  T: () => ticket.draft.targets[0]?.input.focus(),
  P: () => ticket.place(),
  Escape: () => (handles.moving ? handles.cancel() : ticket.draft.clear()),
});
ready();
