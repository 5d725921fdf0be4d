// When the desk is gone: whether it comes back as the same desk, and what to do where it asks for a new login.

import { boot, el, make, shout } from "./page.js";

const FIRST_MS = 500;
const EVERY_MS = 2_000;
const state = { timer: 0, lost: false };

function show(text, hint = "") {
  const box = el("away");
  if (!box || box.dataset.told === text) return;
  box.dataset.told = text;
  box.hidden = !text;
  box.replaceChildren(...(text ? [make("b", { text }), make("span", { text: hint })] : []));
  if (text) shout(`${text} ${hint}`);
}

export function shutOut() {
  show("This page's login is over: the desk was started again.", "Open the new address that `lotwise web` printed in its terminal, in any tab; this page then goes on by itself. Positions stay behind their stops.");
}

// Asked while the connection is lost; a connection that stands again ends it.
export function watchDoor(lost) {
  if (lost === state.lost) return;
  state.lost = lost;
  clearTimeout(state.timer);
  if (lost) state.timer = setTimeout(look, FIRST_MS);
  else {
    show("");
    look();
  }
}

async function look() {
  const was = el("away")?.hidden === false;
  try {
    const answer = await fetch("/api/boot", { credentials: "same-origin" });
    if (answer.status === 401) shutOut();
    else if (answer.ok) {
      const { desk, mode } = await answer.json();
      // Another account answers here now: what this page says of money would be wrong.
      if (desk !== boot.desk || mode !== boot.mode) {
        location.reload();
        return;
      }
      show("");
      if (was) window.dispatchEvent(new Event("online"));
    }
  } catch {
    // nothing answers: the page says that it reconnects
  }
  if (state.lost) state.timer = setTimeout(look, EVERY_MS);
}
