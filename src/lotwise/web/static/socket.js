// The live connection: it comes back by itself, keeps the newest frame only and paints when there is something to see.

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
const STALE_MS = 1_000;

export class Live {
  // paint(kind, message) is called in an animation frame with the newest message of its kind; event(message) for each event.
  // Without `market` only the account is watched, and the connection itself is what must live.
  constructor({ watch, paint, event, state, market = true }) {
    Object.assign(this, { watch, paint, event, state, market });
    Object.assign(this, { socket: null, wait_ms: FIRST_WAIT_MS, seqs: new Map(), newest: new Map() });
    Object.assign(this, { asked: 0, last_ms: 0, shown: "", timer: 0, age_ms: null, venueStale: false, closed: false });
    document.addEventListener("visibilitychange", () => document.hidden || this.#ask());
    window.addEventListener("online", () => this.#again(0));
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", (shown) => shown.persisted && this.#reopen());
    setInterval(() => this.#look(), 250);
    this.#open();
  }

  close() {
    this.closed = true;
    this.socket?.close();
  }

  // Send again what is watched: the desk answers with fresh frames.
  refresh() {
    this.seqs.clear();
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(this.watch()));
  }

  get live() {
    return this.shown === "live";
  }

  #reopen() {
    this.closed = false;
    this.#open();
  }

  #open() {
    clearTimeout(this.timer);
    if (this.closed || this.socket?.readyState === WebSocket.OPEN || this.socket?.readyState === WebSocket.CONNECTING) return;
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
    const socket = (this.socket = new WebSocket(address));
    socket.addEventListener("open", () => {
      this.opened_ms = performance.now();
      if (!this.market) this.wait_ms = FIRST_WAIT_MS;
      this.refresh();
    });
    socket.addEventListener("message", (message) => this.#take(message.data));
    socket.addEventListener("close", () => {
      if (socket === this.socket) this.#again(this.wait_ms);
    });
  }

  #again(wait_ms) {
    if (this.closed) return;
    this.#show("lost");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#open(), wait_ms);
    this.wait_ms = Math.min(LONGEST_WAIT_MS, this.wait_ms * 2);
  }

  #take(data) {
    const message = JSON.parse(data);
    if (message.t !== "frame" && message.t !== "account") {
      this.event(message.t === "event" ? message : { ms: Date.now(), kind: "error", text: message.message ?? "the desk sent what this page does not know", urgent: true });
      return;
    }
    const before = this.seqs.get(message.t);
    this.seqs.set(message.t, message.seq);
    if (before !== undefined && message.seq !== before + 1) this.refresh();
    if (message.t === "frame") {
      this.wait_ms = FIRST_WAIT_MS;
      Object.assign(this, { last_ms: performance.now(), age_ms: message.age_ms, venueStale: message.stale });
      this.#look();
    }
    this.newest.set(message.t, message);
    this.#ask();
  }

  #ask() {
    if (this.asked || document.hidden || !this.newest.size) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      const frames = [...this.newest];
      this.newest.clear();
      for (const [kind, message] of frames) this.paint(kind, message);
    });
  }

  #look() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const since = this.last_ms || this.opened_ms;
    if (!this.market) this.#show("live");
    else if (this.venueStale || performance.now() - since > STALE_MS) this.#show("stale");
    else this.#show(this.last_ms ? "live" : "waiting");
  }

  #show(state) {
    const told = state === "live" ? `${state} ${this.age_ms}` : state;
    if (told === this.told) return;
    Object.assign(this, { shown: state, told });
    this.state(state, this.age_ms);
  }
}
