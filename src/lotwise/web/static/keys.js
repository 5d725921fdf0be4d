// Single keys: off while typing, in dialogs, with a modifier, and where the settings say so.

import { boot, openHelp } from "./page.js";

const TYPING = "input:not([type=range], [type=radio], [type=checkbox]), select, textarea, [contenteditable]";

export function bindKeys(actions) {
  document.addEventListener("keydown", (key) => {
    if (key.ctrlKey || key.metaKey || key.altKey || key.repeat || key.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (key.key === "Escape") {
      if (key.target.matches?.(TYPING)) key.target.blur();
      else actions.Escape?.();
      return;
    }
    if (boot.settings.keys === false || key.target.matches?.(TYPING)) return;
    const name = key.key.length === 1 ? key.key.toUpperCase() : key.key;
    const action = name === "?" ? openHelp : actions[name];
    if (!action) return;
    key.preventDefault();
    action();
  });
}
