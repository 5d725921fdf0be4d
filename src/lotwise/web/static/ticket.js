// The ticket: asks the server for the size, one request at a time, and shows its newest answer. Nothing is computed here.

import { Draft } from "./draft.js";
import { Refused, boot, complain, el, make, post, put, say, toast } from "./page.js";

const FIELDS = ["quantity", "loss", "loss_percent", "move", "fees", "spread", "slippage", "funding", "budget", "notional", "margin", "leverage", "liquidation", "liquidation_distance", "break_even", "rr", "next_lot"];
const RETRY_MS = 1_000;
const REFRESH_MS = 1_000;
const TYPING_MS = 350;
const NONE = "–";

export class Ticket {
  // answered(answer) with every newest answer.
  constructor({ contract, format, answered = () => {} }) {
    Object.assign(this, { format, answered, seq: 0, changed_seq: 0, answer: null, inFlight: false, again: 0 });
    Object.assign(this, { stale: false, placing: false, spent: false, id: null, asked_ms: 0, confirmed: "" });
    this.draft = new Draft({ contract, format, changed: () => this.changed() });
    el("ticket-clear").addEventListener("click", () => this.draft.clear());
    if (el("place")) this.#bindPlace();
    this.changed();
  }

  changed() {
    this.spent = false;
    this.changed_seq = this.seq += 1;
    this.changed_ms = performance.now();
    this.#ask();
  }

  // The market has moved: the same draft is asked again, at most once a second.
  refresh() {
    if (this.draft.missing || this.inFlight || this.placing || this.spent || performance.now() - this.asked_ms < REFRESH_MS) return;
    this.seq += 1;
    this.#ask();
  }

  get waiting() {
    return this.answer === null || this.answer.seq < this.changed_seq;
  }

  async #ask() {
    this.#paintPlace();
    if (this.inFlight) return;
    clearTimeout(this.again);
    if (this.draft.missing) {
      this.#show({ seq: this.seq, feasible: false, texts: {}, lines: [], warnings: [], refusal: null });
      return;
    }
    const seq = this.seq;
    const soon = setTimeout(() => el("answer").setAttribute("aria-busy", "true"), 150);
    Object.assign(this, { inFlight: true, asked_ms: performance.now() });
    let answer = null;
    try {
      answer = await post("/api/size", { ...this.draft.body(), seq }, 5_000);
    } catch (error) {
      if (error instanceof Refused) answer = { seq, feasible: false, texts: {}, lines: null, warnings: [], refusal: { code: error.code, text: error.message, ways: [], hint: error.hint } };
      else this.#unanswered(error);
    } finally {
      clearTimeout(soon);
      this.inFlight = false;
    }
    if (seq < this.changed_seq) {
      this.#ask();
      return;
    }
    if (answer === null) return;
    // What cannot be read yet is still being typed: it is refused once the hand rests.
    const rest_ms = this.changed_ms + TYPING_MS - performance.now();
    if (answer.lines === null && rest_ms > 0) this.again = setTimeout(() => seq === this.seq && this.#show(answer), rest_ms);
    else this.#show({ ...answer, seq });
  }

  #unanswered(error) {
    this.answer = null;
    this.#paintRefusal({ text: `${error.message}; asking again`, ways: [] });
    this.#paintPlace();
    this.again = setTimeout(() => this.#ask(), RETRY_MS);
  }

  #show(answer) {
    this.answer = answer;
    const texts = answer.texts ?? {};
    el("answer").setAttribute("aria-busy", "false");
    put(el("answer-size"), answer.feasible ? texts.size || NONE : answer.refusal ? "no trade" : NONE);
    put(el("answer-missing"), this.draft.missing);
    el("answer-missing").hidden = !this.draft.missing;
    for (const name of FIELDS) put(el(`answer-${name}`), (name === "quantity" && !answer.feasible ? "" : texts[name]) || (NONE_SHOWN.has(name) ? NONE : ""));
    if (texts.equity && !el("equity").value) el("equity").placeholder = texts.equity.split(" ")[0];
    if (answer.lines) this.draft.answered(answer.lines);
    el("warnings").replaceChildren(...(answer.warnings ?? []).map((text) => make("li", { text })));
    this.#paintRefusal(answer.refusal);
    this.#paintPlace();
    if (answer.feasible) say(`${texts.size}, loss at stop ${texts.loss}`);
    this.answered(answer);
  }

  #paintRefusal(refusal) {
    const told = JSON.stringify(refusal ?? null);
    if (told === this.toldRefusal) return;
    this.toldRefusal = told;
    el("refusal").hidden = !refusal;
    put(el("refusal-text"), refusal ? [refusal.text, refusal.hint].filter(Boolean).join(" — ") : "");
    const ways = (refusal?.ways ?? []).map(({ text, set }) => {
      const usable = set && Object.keys(set).length;
      const way = make(usable ? "button" : "span", usable ? { type: "button", text } : { class: "dim", text });
      if (usable) way.addEventListener("click", () => this.#take(set));
      return way;
    });
    el("ways").replaceChildren(...ways);
  }

  #take(set) {
    if (set.contract && set.contract !== this.draft.contract) {
      location.search = new URLSearchParams({ contract: set.contract });
      return;
    }
    for (const [name, value] of Object.entries(set)) this.draft.set(name, value);
    this.changed();
    el("stop").focus();
  }

  setStale(stale) {
    if (stale === this.stale) return;
    this.stale = stale;
    this.#paintPlace();
  }

  // Why nothing can be placed now; empty where it can.
  get obstacle() {
    if (boot.mode === "none") return "no account";
    if (this.placing) return "placing …";
    if (this.spent) return "placed; change the ticket for another";
    if (this.stale) return "prices are old: nothing is placed";
    if (this.draft.missing) return this.draft.missing;
    if (this.answer?.refusal && !this.waiting) return "refused: see above";
    if (this.waiting) return "waiting for the size";
    return this.answer.feasible ? "" : "no size";
  }

  #paintPlace() {
    const button = el("place");
    if (!button) return;
    const obstacle = this.obstacle;
    // A moment's wait for the size is no reason to flicker: the press itself looks again.
    const flicker = obstacle === "waiting for the size" && this.answer?.feasible;
    // A button that has the focus keeps it: it is then marked, and the press is refused in place().
    button.disabled = Boolean(obstacle) && document.activeElement !== button;
    button.setAttribute("aria-disabled", String(Boolean(obstacle)));
    if (!flicker) put(el("place-note"), obstacle);
    const texts = this.answer?.texts ?? {};
    const side = this.draft?.side === "short" ? "▼ short" : "▲ long";
    const what = this.answer?.feasible && texts.size ? `Place ${side} ${texts.size}` : "Place trade";
    put(el("place-label"), this.spent ? "✓ Placed" : boot.mode === "live" ? `■ LIVE ${what}` : what);
  }

  #bindPlace() {
    el("place").addEventListener("click", () => this.place());
    if (!el("live-form")) return;
    el("live-word").addEventListener("input", () => (el("live-go").disabled = el("live-word").value.trim() !== "LIVE"));
    el("live-cancel").addEventListener("click", () => el("live-confirm").close("cancel"));
  }

  #typedConfirmation() {
    const dialog = el("live-confirm");
    const texts = this.answer.texts;
    put(el("live-text"), `${this.draft.contract}: ${this.draft.side} ${texts.size}. At the stop it loses ${texts.loss}.`);
    el("live-word").value = "";
    el("live-go").disabled = true;
    dialog.returnValue = "";
    dialog.showModal();
    el("live-word").focus();
    return new Promise((done) => {
      el("live-form").onsubmit = (sent) => {
        sent.preventDefault();
        if (el("live-word").value.trim() === "LIVE") dialog.close("LIVE");
      };
      dialog.addEventListener("close", () => done(dialog.returnValue === "LIVE" ? "LIVE" : ""), { once: true });
    });
  }

  // Placed once, however often it is pressed: the id belongs to the draft until the desk has said yes or no.
  async place() {
    if (this.obstacle) {
      say(this.obstacle);
      return;
    }
    this.placing = true;
    const ticket = this.draft.body();
    if (asksWord() && !this.confirmed) this.confirmed = await this.#typedConfirmation();
    if (asksWord() && !this.confirmed) {
      this.placing = false;
      this.#paintPlace();
      el("place").focus();
      return;
    }
    this.id ??= newId();
    this.#paintPlace();
    try {
      const placed = await post("/api/orders", { client_id: this.id, ticket, ...(this.confirmed ? { confirm: this.confirmed } : {}) }, 30_000);
      Object.assign(this, { id: null, spent: true });
      toast(placed.text ?? "placed");
    } catch (error) {
      if (error instanceof Refused) {
        this.id = null;
        this.confirmed = error.code?.includes("CONFIRM") ? "" : this.confirmed;
        complain(error);
      } else {
        toast(`${error.message}: it is not known whether the trade was placed`, { hint: "Pressing Place again with the same ticket cannot place it twice.", bad: true });
      }
    } finally {
      this.placing = false;
      this.#paintPlace();
    }
  }
}

const NONE_SHOWN = new Set(["loss", "move", "fees", "spread", "slippage", "funding", "budget", "notional", "margin", "liquidation", "break_even", "rr", "next_lot"]);

// Real money asks for a typed word, once in this window.
const asksWord = () => boot.mode === "live" && boot.confirm !== false;

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
