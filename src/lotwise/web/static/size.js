// The ticket alone: it needs no connection and no account.

import { formatter } from "./format.js";
import { bindKeys } from "./keys.js";
import { boot, el, ready } from "./page.js";
import { startPage } from "./plain.js";
import { Ticket } from "./ticket.js";

startPage();
const ticket = new Ticket({ contract: boot.contract.id, format: formatter(boot.contract) });

el("contract").addEventListener("change", (chosen) => {
  const kept = { contract: chosen.target.value, side: ticket.draft.side, equity: el("equity").value, risk: el("risk").value };
  location.search = new URLSearchParams(kept);
});

// The comparison takes what the ticket says now.
el("venues-form").addEventListener("submit", () => {
  const { contract, side, equity, risk, leverage } = ticket.draft.body();
  const told = { contract, side, equity, risk, leverage, entry: el("entry").value, stop: el("stop").value };
  for (const [name, value] of Object.entries(told)) el(`venues-${name}`).value = value ?? "";
});

bindKeys({
  B: () => ticket.draft.setSide("long"),
  S: () => ticket.draft.setSide("short"),
  E: () => (el("entry").disabled ? el("entry-kind") : el("entry")).focus(),
  X: () => el("stop").focus(),
  T: () => ticket.draft.targets[0]?.input.focus(),
  Escape: () => ticket.draft.clear(),
});
ready();
