// Journal, review and plan are read; only the bar over them lives.

import { paintFeed, paintGuard, startGuard } from "./guard.js";
import { boot, ready, toast } from "./page.js";
import { Live } from "./socket.js";

export function startPage() {
  startGuard();
  if (boot.mode && boot.mode !== "none" && boot.contract) {
    new Live({
      market: false,
      watch: () => ({ watch: boot.contract.id, interval: "1m", panels: ["account"] }),
      paint: (kind, message) => kind === "account" && paintGuard(message),
      event: (message) => message.urgent && toast(message.text, { bad: true }),
      state: paintFeed,
    });
  }
  document.addEventListener("keydown", (key) => {
    const typing = key.target.closest?.("input, select, textarea, [contenteditable]");
    if (key.key === "?" && !typing && boot.settings.keys !== false) document.getElementById("open-help").click();
  });
}

if (["journal", "review", "plan"].includes(document.documentElement.dataset.page)) {
  startPage();
  ready();
}
