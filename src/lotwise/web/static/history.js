// The candles that are closed: fetched as columns of whole numbers, kept in order without holes or doubles.

import { INTERVAL_S } from "./format.js";

const HEADER_BYTES = 16;
const MAGIC = "LWH1";
const FIRST_COUNT = 5_000;
const OLDER_COUNT = 5_000;
const FEWEST_GIVEN = 6_000;
const SCREENS = 4;

// The bytes of an answer as bars {time, open, high, low, close, volume}: seconds, ticks, lots.
export function decoded(buffer) {
  const head = new DataView(buffer);
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) throw new Error(`history begins with ${magic}, not ${MAGIC}`);
  const count = head.getUint32(4, true);
  const base_s = Number(head.getBigInt64(8, true) / 1000n);
  const column = (k) => new Int32Array(buffer.slice(HEADER_BYTES + k * count * 4, HEADER_BYTES + (k + 1) * count * 4));
  const [dt, open, high, low, close, volume] = [0, 1, 2, 3, 4, 5].map(column);
  const bars = new Array(count);
  for (let i = 0; i < count; i++) {
    bars[i] = { time: base_s + dt[i], open: open[i], high: high[i], low: low[i], close: close[i], volume: volume[i] };
  }
  return bars;
}

// `moved` is called with the candles before, each time they have changed, at once: who counts in them counts anew.
export class History {
  constructor(contract, interval, moved = () => {}) {
    Object.assign(this, { contract, interval, moved, bars: [], busy: false, whole: false });
  }

  #put(bars) {
    const before = this.bars;
    this.bars = bars;
    this.moved(before);
  }

  get step_s() {
    return INTERVAL_S[this.interval];
  }

  get last() {
    return this.bars[this.bars.length - 1];
  }

  async #fetch(count, before_ms) {
    const query = new URLSearchParams({ contract: this.contract, interval: this.interval, count });
    if (before_ms) query.set("before_ms", before_ms);
    const answer = await fetch(`/api/history?${query}`, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`no candles (${answer.status})`);
    return decoded(await answer.arrayBuffer());
  }

  async load(count = FIRST_COUNT) {
    this.#put(await this.#fetch(count));
    this.whole = this.bars.length < count;
  }

  // Older candles before the first; false where there are none.
  async older() {
    if (this.busy || this.whole || !this.bars.length) return false;
    this.busy = true;
    try {
      const first_s = this.bars[0].time;
      const found = (await this.#fetch(OLDER_COUNT, first_s * 1000)).filter((bar) => bar.time < first_s);
      if (this.bars[0]?.time !== first_s) return false; // others came meanwhile: these do not join them
      this.whole = found.length === 0;
      this.#put(found.concat(this.bars));
      return found.length > 0;
    } finally {
      this.busy = false;
    }
  }

  // The newest candles again: what was missed while the connection was gone, and the last one as the desk has it.
  async recent(count) {
    const found = await this.#fetch(count);
    if (!found.length) return;
    let known = this.bars.length;
    while (known && this.bars[known - 1].time >= found[0].time) known -= 1;
    const joins = known && found[0].time - this.bars[known - 1].time <= this.step_s;
    if (!joins && this.bars.length && found[0].time > this.last.time) await this.load();
    else this.#put(this.bars.slice(0, known).concat(found));
  }

  // One candle that has just closed; false where it does not join the last.
  add(bar) {
    if (this.last && bar.time <= this.last.time) return bar.time === this.last.time;
    const joins = !this.last || bar.time - this.last.time === this.step_s;
    this.#put(this.bars.concat([bar]));
    return joins;
  }
}

// Where the first candle stands that is not before a time.
function at(bars, time) {
  let [low, high] = [0, bars.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bars[middle].time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The part of the candles that the chart is given: all of them can be scrolled to, few are drawn from at a time.
export class Part {
  constructor() {
    Object.assign(this, { from: 0, to: 0 });
  }

  of(bars) {
    return bars.slice(this.from, this.to);
  }

  reaches(count) {
    return this.to === count;
  }

  // The newest.
  last(count) {
    Object.assign(this, { from: Math.max(0, count - FEWEST_GIVEN), to: count });
  }

  // Candles have come or gone: it holds those it held, and the newest if it held the newest.
  keep(before, bars) {
    const [first, last] = [before[this.from], before[this.to - 1]];
    const from = first ? at(bars, first.time) : bars.length;
    if (!(bars[from]?.time <= last?.time)) return this.last(bars.length);
    const to = this.reaches(before.length) ? bars.length : Math.min(bars.length, this.to + from - this.from);
    Object.assign(this, { from, to });
  }

  // Laid anew around what is seen, where less than a screen is left at a side that has more; true where it was.
  follow(shown, count) {
    const span = shown.to - shown.from;
    const [isNearFirst, isNearLast] = [shown.from - this.from < span && this.from > 0, this.to - shown.to < span && this.to < count];
    const most = Math.max(FEWEST_GIVEN, Math.ceil(SCREENS * span));
    if (!isNearFirst && !isNearLast && this.to - this.from <= 2 * most) return false;
    const middle = Math.round((shown.from + shown.to) / 2);
    const from = Math.max(0, Math.min(count - most, middle - Math.floor(most / 2)));
    const to = Math.min(count, from + most);
    if (from === this.from && to === this.to) return false;
    Object.assign(this, { from, to });
    return true;
  }
}
