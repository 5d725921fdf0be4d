// Candles with the chart library: the part of them that is looked at in one series, the forming candle in its own,
// so a tick costs the same at any length.

import "./lightweight-charts.js";
import { History, Part } from "./history.js";
import { boot, el, make, put } from "./page.js";

const { createChart, CandlestickSeries, HistogramSeries, LineStyle, createSeriesMarkers } = window.LightweightCharts;
const TABLE_ROWS = 30;
const MOST_MARKERS = 200;
const KEEP_SHARE = 0.3;
const MARGIN_BARS = 40;
const KINETIC_MS = 150;
const DASHES = { entry: LineStyle.Solid, stop: LineStyle.Dashed, target: LineStyle.Dashed, breakeven: LineStyle.Dotted, liquidation: LineStyle.SparseDotted, order: LineStyle.Dotted };

const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const kindOf = (name) => (name.startsWith("order:") ? "order" : name.replace(/^held:/, "").replace(/\d+$/, ""));

export function lineColour(name) {
  return { stop: shade("down"), target: shade("up"), liquidation: shade("alarm"), breakeven: shade("dim") }[kindOf(name)] ?? shade("ink");
}

export class Chart {
  constructor({ format, times, moved }) {
    Object.assign(this, { format, times, moved, forming: null, lines: new Map(), fills: [], path: [], painted: "", lots: null });
    Object.assign(this, { part: new Part(), settling: 0, mouse: false, fingers: 0, touched_ms: -KINETIC_MS, waiting: 0, box: { width: el("chart").clientWidth, height: el("chart").clientHeight } });
    this.chart = createChart(el("chart"), this.#options());
    this.closed = this.chart.addSeries(CandlestickSeries, { ...this.#candle(), lastValueVisible: false, priceLineVisible: false });
    this.open = this.chart.addSeries(CandlestickSeries, { ...this.#candle(), priceLineStyle: LineStyle.SparseDotted });
    const volume = { priceScaleId: "volume", lastValueVisible: false, priceLineVisible: false, color: shade("grid"), priceFormat: { type: "custom", minMove: 1, formatter: (lots) => format.quantity(Math.round(lots)) } };
    this.volumes = this.chart.addSeries(HistogramSeries, volume);
    this.volume = this.chart.addSeries(HistogramSeries, volume);
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.chart.priceScale("right").applyOptions({ scaleMargins: { top: 0.08, bottom: 0.18 } });
    this.marks = createSeriesMarkers(this.closed, []);
    this.closed.attachPrimitive({ updateAllViews: () => this.moved() });
    this.closed.applyOptions({ autoscaleInfoProvider: (original) => this.#inView(original()) });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.#scrolled());
    new ResizeObserver(([seen]) => {
      this.box = { width: seen.contentRect.width, height: seen.contentRect.height };
      this.moved();
    }).observe(el("chart"));
    this.#bindHands();
    this.chart.subscribeCrosshairMove((at) => this.#legend(at));
    for (const canvas of el("chart").querySelectorAll("canvas")) canvas.setAttribute("aria-hidden", "true");
    for (const table of el("chart").querySelectorAll("table, tr, td")) table.setAttribute("role", "presentation");
  }

  #options() {
    const face = getComputedStyle(document.body).fontFamily;
    const naming = [this.times.year, this.times.month, this.times.day, this.times.minute, this.times.clock];
    return {
      autoSize: true,
      layout: { background: { color: shade("panel") }, textColor: shade("dim"), fontFamily: face, attributionLogo: true, panes: { enableResize: false } },
      grid: { vertLines: { color: shade("grid") }, horzLines: { color: shade("grid") } },
      rightPriceScale: { borderColor: shade("grid") },
      timeScale: { borderColor: shade("grid"), timeVisible: true, rightOffset: 8, tickMarkFormatter: (time_s, type) => naming[type]?.(time_s * 1000) ?? "" },
      localization: { timeFormatter: (time_s) => this.times.full(time_s * 1000), priceFormatter: (ticks) => this.format.price(ticks) },
      crosshair: { mode: 0 },
    };
  }

  // While a hand drags, the chart counts from where it was taken: its candles are changed once it is let go.
  #bindHands() {
    const box = el("chart");
    box.addEventListener("mousedown", () => (this.mouse = true), true);
    window.addEventListener("mouseup", () => {
      if (!this.mouse) return;
      this.mouse = false;
      setTimeout(() => this.#follow());
    });
    const touch = (change) => {
      Object.assign(this, { fingers: change.touches.length, touched_ms: performance.now() });
      if (!this.fingers) this.#follow();
    };
    for (const name of ["touchstart", "touchend", "touchcancel"]) box.addEventListener(name, touch, { passive: true, capture: true });
    box.addEventListener("dblclick", (click) => {
      if (click.clientY - box.getBoundingClientRect().top > this.pane.height) setTimeout(() => this.#newest());
    });
  }

  #candle() {
    const [up, down] = [shade("up"), shade("down")];
    return {
      upColor: up, borderUpColor: up, wickUpColor: up,
      downColor: shade("panel"), borderDownColor: down, wickDownColor: down,
      priceFormat: { type: "custom", minMove: 1, formatter: (ticks) => this.format.price(ticks) },
    };
  }

  // Stop and target stay in view, unless that would press the candles flat: then their handles wait at the edge.
  #inView(info) {
    if (!info?.priceRange) return info;
    const { minValue, maxValue } = info.priceRange;
    const least = Math.max(1, maxValue - minValue);
    let [low, high] = [minValue, maxValue];
    const wanted = [...this.lines.values()].filter((line) => ["stop", "target", "entry"].includes(kindOf(line.name)));
    for (const { ticks } of wanted.sort((a, b) => Math.abs(a.ticks - minValue) - Math.abs(b.ticks - minValue))) {
      const [below, above] = [Math.min(low, ticks), Math.max(high, ticks)];
      if (least >= KEEP_SHARE * (above - below)) [low, high] = [below, above];
    }
    return { ...info, priceRange: { minValue: low, maxValue: high } };
  }

  async show(contract, interval) {
    const history = new History(contract, interval, (before) => history === this.history && this.part.keep(before, history.bars));
    this.history = history;
    this.#note("loading candles …");
    try {
      await history.load();
    } catch (error) {
      if (history === this.history) this.#note(`${error.message}; trying again`);
      setTimeout(() => history === this.history && this.show(contract, interval), 2_000);
      return;
    }
    if (history !== this.history) return;
    this.#note(history.bars.length ? "" : "no candles yet");
    this.forming = null;
    this.#newest();
    this.chart.priceScale("right").applyOptions({ autoScale: true });
  }

  #newest() {
    if (!this.history) return;
    const count = this.history.bars.length;
    this.part.last(count);
    if (!count) this.#redraw();
    else this.#lay(count - Math.min(140, Math.max(30, el("chart").clientWidth / 8)), count + 6);
  }

  // The chart applies a range in its next frame; until then what it tells of its range is of the candles before.
  #lay(from, to) {
    this.settling += 1;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      this.settling -= 1;
      this.#scrolled();
    }));
    this.#redraw();
    this.chart.timeScale().setVisibleLogicalRange({ from: from - this.part.from, to: to - this.part.from });
  }

  #note(text) {
    put(el("chart-note"), text);
    el("chart-note").hidden = !text;
  }

  #redraw() {
    const bars = this.part.of(this.history.bars);
    Object.assign(this, { painted: "", lots: null });
    this.open.setData([]);
    this.volume.setData([]);
    this.closed.setData(bars);
    this.volumes.setData(bars.map(({ time, volume }) => ({ time, value: volume })));
    this.#form();
    this.#marked();
    this.#table();
    this.#count();
  }

  // How many candles there are, how many the chart has, and from which on.
  #count() {
    Object.assign(el("chart").dataset, { candles: this.history.bars.length, given: this.part.to - this.part.from, from: this.part.from });
  }

  // The forming candle stands after the newest one only: further back it would seem to follow an old one.
  #form() {
    if (!this.forming || !this.part.reaches(this.history.bars.length)) return;
    const { time, open, high, low, close, volume } = this.forming;
    const told = `${time} ${open} ${high} ${low} ${close}`;
    if (told !== this.painted) this.open.update({ time, open, high, low, close });
    if (told !== this.painted || volume !== this.lots) this.volume.update({ time, value: volume });
    Object.assign(this, { painted: told, lots: volume });
  }

  // The forming candle of a frame: [open_ms, open, high, low, close, volume].
  bar([open_ms, open, high, low, close, volume]) {
    const time = Math.floor(open_ms / 1000);
    if (!this.history || (this.forming && time < this.forming.time)) return;
    if (this.history.last && time <= this.history.last.time) return;
    const before = this.forming;
    if (!before && this.history.last && time - this.history.last.time > this.history.step_s) this.catchUp();
    this.forming = { time, open, high, low, close, volume };
    if (before && before.time < time) this.#rolled(before);
    this.#form();
  }

  #rolled(before) {
    const isShown = this.part.reaches(this.history.bars.length);
    const joined = this.history.add(before);
    if (isShown) {
      this.open.setData([]);
      this.volume.setData([]);
      this.closed.update(before);
      this.volumes.update({ time: before.time, value: before.volume });
      this.#count();
    }
    this.#table();
    if (joined) setTimeout(() => this.catchUp(3), 1_500);
    else this.catchUp(500);
  }

  async catchUp(count = 500) {
    const history = this.history;
    if (!history?.bars.length) return;
    const last = JSON.stringify([history.last, history.bars.length]);
    const first = history.bars[0];
    try {
      await history.recent(count);
    } catch {
      return; // the connection is gone: its return asks again
    }
    if (history !== this.history || JSON.stringify([history.last, history.bars.length]) === last) return;
    if (!history.bars.length || history.bars[0].time > first.time) this.part.last(history.bars.length); // all anew, after a hole
    this.#redraw();
  }

  // The wheel was turned over something that lies on the chart.
  turned(turn) {
    el("chart").firstElementChild.dispatchEvent(new WheelEvent("wheel", turn));
  }

  // What is looked at, in the numbers of all candles.
  get #shown() {
    const range = this.settling ? null : this.chart.timeScale().getVisibleLogicalRange();
    return range && { from: range.from + this.part.from, to: range.to + this.part.from };
  }

  async #scrolled() {
    this.#marked();
    this.#follow();
    const [history, shown] = [this.history, this.#shown];
    if (!shown || !history || shown.from > MARGIN_BARS + (shown.to - shown.from)) return;
    const found = await history.older().catch(() => false);
    if (!found || history !== this.history) return;
    this.#count();
    this.#follow();
  }

  // The part goes with the eye: where less than a screen of it is left at a side, it is laid anew around what is seen.
  #follow() {
    const shown = this.#shown;
    if (!shown || !this.history?.bars.length || this.mouse || this.fingers) return;
    const rest_ms = this.touched_ms + KINETIC_MS - performance.now();
    if (rest_ms > 0) {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.#follow(), rest_ms);
      return;
    }
    if (this.part.follow(shown, this.history.bars.length)) this.#lay(shown.from, shown.to);
  }

  // Lines by name: {name, ticks, label}. Handles stand over them; here they are drawn.
  setLines(lines) {
    const kept = new Set(lines.map((line) => line.name));
    for (const [name, line] of this.lines) {
      if (kept.has(name)) continue;
      this.closed.removePriceLine(line.drawn);
      this.lines.delete(name);
    }
    for (const { name, ticks, label } of lines) {
      const known = this.lines.get(name);
      if (known?.ticks === ticks && known.label === label) continue;
      const look = { price: ticks, color: lineColour(name), lineStyle: DASHES[kindOf(name)] ?? LineStyle.Solid, lineWidth: kindOf(name) === "liquidation" ? 2 : 1, axisLabelVisible: true, title: "" };
      if (known) known.drawn.applyOptions(look);
      this.lines.set(name, { name, ticks, label, drawn: known?.drawn ?? this.closed.createPriceLine(look) });
    }
  }

  yOf(ticks) {
    return this.closed.priceToCoordinate(ticks);
  }

  ticksAt(y) {
    const at = this.closed.coordinateToPrice(y);
    return at === null ? null : Math.round(at);
  }

  get pane() {
    const axis_px = this.chart.priceScale("right").width();
    const time_px = this.chart.timeScale().height();
    return { width: this.box.width - axis_px, height: this.box.height - time_px };
  }

  // Fills and the path of the stop; only those of the visible range become marks.
  setHappenings(fills, path) {
    const told = JSON.stringify([fills, path]);
    if (told === this.toldHappenings) return;
    Object.assign(this, { fills, path, toldHappenings: told });
    this.#marked();
  }

  #marked() {
    const history = this.history;
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (!history?.bars.length || !range) return;
    const at = (i) => history.bars[Math.max(0, Math.min(history.bars.length - 1, this.part.from + Math.round(i)))].time;
    const [from, to] = [at(range.from - 1), at(range.to + 1)];
    const barOf = (ms) => Math.min(history.last.time, Math.floor(ms / 1000 / history.step_s) * history.step_s);
    const seen = (mark) => mark.time >= from && mark.time <= to;
    const fills = this.fills.map(({ ms, side, ticks, texts }) => ({
      time: barOf(ms), price: ticks, position: "atPriceMiddle", text: texts?.quantity ?? "",
      shape: side === "buy" || side === "long" ? "arrowUp" : "arrowDown", color: shade("ink"), size: 1,
    }));
    const path = this.path.map(([ms, ticks]) => ({ time: barOf(ms), price: ticks, position: "atPriceMiddle", shape: "square", color: shade("down"), size: 0.5 }));
    const marks = [...fills, ...path].filter(seen).slice(-MOST_MARKERS).sort((a, b) => a.time - b.time);
    const told = JSON.stringify(marks);
    if (told === this.toldMarks) return;
    this.toldMarks = told;
    this.marks.setMarkers(marks);
  }

  #legend(at) {
    const bar = at?.seriesData?.get(this.closed) ?? at?.seriesData?.get(this.open);
    const words = bar ? `O ${this.format.price(bar.open)}  H ${this.format.price(bar.high)}  L ${this.format.price(bar.low)}  C ${this.format.price(bar.close)}` : "";
    put(el("legend"), words);
  }

  toggleTable(shown) {
    el("chart-table-box").hidden = !shown;
    el("chart-table-toggle").setAttribute("aria-expanded", String(shown));
    this.#table();
  }

  #table() {
    if (el("chart-table-box").hidden || !this.history) return;
    const { price, quantity } = this.format;
    const row = ({ time, open, high, low, close, volume }) =>
      make("tr", {}, make("th", { scope: "row", text: this.times.full(time * 1000) }),
        ...[price(open), price(high), price(low), price(close), quantity(volume)].map((text) => make("td", { class: "number", text })));
    el("chart-table").replaceChildren(...this.history.bars.slice(-TABLE_ROWS).reverse().map(row));
  }
}

export const zone = () => boot.settings.time_zone || "UTC";
