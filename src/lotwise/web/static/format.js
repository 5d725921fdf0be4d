// Whole numbers as text: ticks as prices, lots as quantities, milliseconds as times. Nothing is rounded here.

export const MINUS = "\u2212";

const wholeOf = (text, decimals) => {
  const [head, tail = ""] = String(text).split(".");
  return BigInt(head + tail.padEnd(decimals, "0").slice(0, decimals));
};

const decimalsOf = (text) => (String(text).split(".")[1] ?? "").length;

// A whole number of the smallest unit as text: 650000 with 1 decimal is 65,000.0.
export function scaled(whole, decimals, { grouped = true } = {}) {
  const value = BigInt(whole);
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0");
  const cut = digits.length - decimals;
  const head = grouped ? digits.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",") : digits.slice(0, cut);
  const sign = value < 0n ? (grouped ? MINUS : "-") : "";
  return sign + head + (decimals ? `.${digits.slice(cut)}` : "");
}

// Texts of one contract, from the tick, the lot and the decimals that the server names.
export function formatter(contract) {
  const decimals = Math.max(contract.price_decimals, decimalsOf(contract.tick_text));
  const tick = wholeOf(contract.tick_text, decimals);
  const lotDecimals = decimalsOf(contract.lot_text);
  const lot = wholeOf(contract.lot_text, lotDecimals);
  return {
    price: (ticks) => scaled(BigInt(Math.round(ticks)) * tick, decimals),
    typed: (ticks) => scaled(BigInt(Math.round(ticks)) * tick, decimals, { grouped: false }),
    quantity: (lots) => scaled(BigInt(lots) * lot, lotDecimals),
    step: (ticks) => scaled(BigInt(ticks) * tick, decimals),
  };
}

// Times in the zone of the settings: only what they are called, the data stay as they are.
export function times(zone) {
  const make = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  const parts = {
    clock: make({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    minute: make({ hour: "2-digit", minute: "2-digit" }),
    day: make({ day: "numeric", month: "short" }),
    month: make({ month: "short", year: "numeric" }),
    year: make({ year: "numeric" }),
    full: make({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }),
  };
  return Object.fromEntries(Object.entries(parts).map(([name, one]) => [name, (ms) => one.format(ms)]));
}

export function knownZone(zone) {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

// Risk as hundredths of a percent, for the slider; null where the text is no share.
export function hundredths(text) {
  const found = /^\s*(\d{1,2})(?:\.(\d{1,2}))?\s*%\s*$/.exec(text);
  return found ? BigInt(found[1] + (found[2] ?? "").padEnd(2, "0")) : null;
}

export const shareText = (hundredthsOfPercent) => `${scaled(hundredthsOfPercent, 2).replace(/\.?0+$/, "")}%`;

export const INTERVAL_S = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400 };
