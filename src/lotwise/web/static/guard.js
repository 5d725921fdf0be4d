// The bar over every page: whose money it is, the day against its limit, locks, and the way out.

import { watchDoor } from "./away.js";
import { boot, complain, el, make, post, put, toast } from "./page.js";

const HOLD_MS = 1_000;
const ARMED_MS = 4_000;
const NEAR = 7_500;
const FULL = 10_000;

export function paintGuard(account) {
  if (account.mode && account.mode !== boot.mode) {
    location.reload(); // another account answers here now: the badge would lie
    return;
  }
  put(el("guard-equity"), account.equity_text);
  put(el("guard-day"), account.day_text);
  put(el("guard-trades"), account.trades_text);
  put(el("guard-risk"), account.open_risk_text);
  const share = Math.min(FULL, Math.max(0, account.day_share));
  el("guard-meter-fill").style.width = `${share / 100}%`;
  el("guard-meter").setAttribute("aria-valuenow", String(Math.round(share / 100)));
  el("guard-meter").dataset.level = share >= FULL ? "full" : share >= NEAR ? "near" : "free";
  paintLocks((account.locks ?? []).filter((lock) => lock.until_ms));
  describeFlatten(account);
}

function paintLocks(locks) {
  const box = el("guard-locks");
  const told = JSON.stringify(locks);
  if (box.dataset.told === told) return;
  box.dataset.told = told;
  box.hidden = !locks.length;
  box.replaceChildren(...locks.map((lock) => make("span", {}, make("b", { text: `✗ ${lock.name}: ` }), lock.text)));
}

function describeFlatten(account) {
  const counted = (list, word) => `${list.length} ${word}${list.length === 1 ? "" : "s"}`;
  const text = `closes ${counted(account.positions ?? [], "position")}, cancels ${counted(account.orders ?? [], "order")}`;
  el("flatten").dataset.text = text;
  put(el("flatten-note"), `${text}; hold for one second`);
  el("flatten").title = `Hold for one second, or press twice by keyboard: ${text}`;
}

export function paintFeed(state, age_ms) {
  const words = { waiting: "waiting", live: age_ms === null ? "connected" : `${age_ms} ms`, stale: "prices are old", lost: "reconnecting" };
  el("guard-feed").dataset.state = state;
  put(el("guard-feed-text"), words[state]);
  watchDoor(state === "lost");
}

// Hold for a second with the pointer, or press twice by keyboard.
export function bindFlatten() {
  const button = el("flatten");
  const label = (text) => put(el("flatten-label"), text);
  const press = { since: 0, timer: 0, armed: 0, sending: false };

  const let_go = () => {
    clearTimeout(press.timer);
    Object.assign(press, { since: 0, timer: 0 });
    delete button.dataset.held;
    if (!press.armed && !press.sending) label("FLATTEN");
  };
  const disarm = () => {
    clearTimeout(press.armed);
    press.armed = 0;
    delete button.dataset.armed;
    if (!press.sending) label("FLATTEN");
  };
  const send = async (held_ms) => {
    if (press.sending) return;
    press.sending = true;
    label("closing …");
    try {
      toast((await post("/api/flatten", { held_ms }, 30_000)).text ?? "all is closed");
    } catch (error) {
      complain(error);
    } finally {
      press.sending = false;
      let_go();
      disarm();
    }
  };

  button.addEventListener("pointerdown", (down) => {
    if (down.button !== 0 || press.sending) return;
    button.setPointerCapture(down.pointerId);
    press.since = performance.now();
    button.dataset.held = "";
    label(button.dataset.text ?? "hold …");
    press.timer = setTimeout(() => send(Math.floor(performance.now() - press.since)), HOLD_MS + 20);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(name, let_go);
  button.addEventListener("contextmenu", (menu) => menu.preventDefault());
  button.addEventListener("keydown", (key) => {
    if (key.key === "Escape") disarm();
    if (key.repeat && (key.key === "Enter" || key.key === " ")) key.preventDefault();
  });
  // A click without a pointer is one of a key or of a screen reader.
  button.addEventListener("click", (click) => {
    if (click.detail !== 0) return;
    if (press.armed) {
      disarm();
      send(HOLD_MS);
      return;
    }
    button.dataset.armed = "";
    label("press again");
    toast(`Press again: ${button.dataset.text ?? "closes everything"}`);
    press.armed = setTimeout(disarm, ARMED_MS);
  });
  button.addEventListener("blur", disarm);
}

export function startGuard() {
  if (boot.mode === "none" || !el("flatten")) return;
  if (boot.account_frame) paintGuard(boot.account_frame);
  bindFlatten();
}
