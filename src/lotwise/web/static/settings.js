// Settings: looks at once, limits when they are saved. The desk keeps them.

import { knownZone, times } from "./format.js";
import { boot, complain, el, make, post, put, ready } from "./page.js";
import { startPage } from "./plain.js";

const LOOKS = ["theme", "palette", "density"];

async function save(change) {
  try {
    const answer = await post("/api/settings", change);
    put(el("settings-note"), answer.text ?? "✓ kept");
    Object.assign(boot.settings, answer.settings ?? {});
  } catch (error) {
    put(el("settings-note"), "");
    complain(error);
  }
}

function showZone() {
  const zone = el("time-zone").value.trim();
  const known = knownZone(zone);
  el("time-zone").setAttribute("aria-invalid", String(!known));
  put(el("zone-now"), known ? times(zone).full(Date.now()) : "no such time zone; for example Europe/Berlin");
  return known;
}

startPage();
el("zones").append(...["UTC", ...Intl.supportedValuesOf("timeZone")].map((value) => make("option", { value })));
showZone();

el("settings-form").addEventListener("change", ({ target }) => {
  if (LOOKS.includes(target.name)) {
    document.documentElement.dataset[target.name] = target.value;
    save({ [target.name]: target.value });
  } else if (target.name === "keys") save({ keys: target.checked });
  else if (target.name === "time_zone" && showZone()) save({ time_zone: target.value.trim() });
});
el("settings-form").addEventListener("submit", (sent) => sent.preventDefault());
el("time-zone").addEventListener("input", showZone);
el("limits-save")?.addEventListener("click", () => {
  const changed = [...document.querySelectorAll("[data-limit]")].filter((input) => input.value.trim() !== input.defaultValue);
  if (!changed.length) put(el("settings-note"), "nothing has changed");
  else save({ guard: Object.fromEntries(changed.map((input) => [input.dataset.limit, input.value.trim()])) });
});
ready();
