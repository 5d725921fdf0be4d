"""Bybit: linear contracts as the venue answers them, and an older list with the inverse ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from catalogue.funding import Funding, csv_seen, funding_columns, lean_seen
from catalogue.raw import LEAN, FactFile, LeanRow, answer, day_of, instant_text, lean, require, text
from lotwise.contracts.facts_file import COLUMNS, FactRow
from lotwise.contracts.venue_rules import maintenance_rule_on

LEAN_DAY = "2025-05-09"
"""The list of LEAN holds every contract launched to this day that still trades, and none launched later."""
NEXT_LAUNCH = "2025-05-15"
# Launched anew after the list was read: their names were in it already.
RELAUNCHED = {"DATAUSDT", "FHEUSDT"}

FEES = {"maker": "0.0002", "taker": "0.00055"}
RULES: Mapping[str, str] = {
    "margin_holds_closing_fee": "yes",
    "liquidation_holds_closing_fee": "no",
    "clearing": "no",
}
KINDS = {"LinearPerpetual": "linear_perpetual", "LinearFutures": "linear_dated"}
# Zones of the venue that say what is traded; "innovation" says how risky it is.
SECTORS = {"stock": "Stock", "commodity": "Commodity"}
LEAN_FUNDING = LEAN.parent.parent / "cryptofuture" / "bybit" / "margin_interest" / "btcusd.csv"

RULES_SOURCE = (
    "source: maintenance_rule margin_holds_closing_fee: help page The New Margin Calculation, in force since "
    "2025-09-02; the rule of a day is looked up by that day, not by the row"
)
FEES_SOURCE = (
    "source: maker taker: the venue's default fees for derivatives (non-VIP); an account may pay others"
)
LEAN_SOURCE = (
    f"source: {LEAN_DAY} rows: symbol properties of QuantConnect LEAN (Apache-2.0), read from the venue; the "
    f"list carries no date: it has what was launched to {LEAN_DAY} and nothing launched from {NEXT_LAUNCH} on"
)
LINEAR_HEAD = (
    "Bybit v5 linear: perpetuals and dated futures settled in USDT or USDC",
    "current: 2026-08-09",
    "rows 2026-08-09: Bybit instruments-info of 2026-08-09",
    f"rows {LEAN_DAY}: Bybit tick and lot as listed by QuantConnect LEAN, read about {LEAN_DAY}",
    "source: 2026-08-09 rows, all but the fees and the margin rules: /v5/market/instruments-info "
    "category=linear, answer of 2026-08-09T21:26:57Z, in the sample data of bmoscon/cryptofeed "
    "(XFree86-style licence); sector: its symbolType (stock, commodity)",
    LEAN_SOURCE,
    "source: 2025-05-09 funding_hours: spacing of the last two funding stamps in the funding histories of "
    "supervik (MIT, BTC and ETH to 2023)",
    RULES_SOURCE,
    FEES_SOURCE,
    "unknown: risk limits (margin tiers) and liquidation fee",
)
INVERSE_HEAD = (
    "Bybit v5 inverse: perpetuals of 1 USD, settled in the coin",
    f"current: {LEAN_DAY}",
    f"rows {LEAN_DAY}: Bybit inverse tick and lot as listed by QuantConnect LEAN, read about {LEAN_DAY}",
    LEAN_SOURCE,
    "source: contract_size: quantities are in USD, in steps of 1 USD (the venue's help, Introduction to "
    "Inverse Perpetual Contract)",
    "source: funding_hours: spacing of the last two funding stamps of BTCUSD in the sample data of "
    "QuantConnect LEAN (Apache-2.0), 2022-12-13",
    RULES_SOURCE,
    FEES_SOURCE,
    "unknown: dated contracts, largest orders, leverage, risk limits (margin tiers), liquidation fee, caps "
    "of the funding rate",
)


def current_rows(data: Path) -> list[FactRow]:
    """Rows of the instruments answer."""
    told = answer(data, "bybit_linear_instruments_20260809.json")
    day = day_of(told["time"])
    rows = []
    for entry in told["result"]["list"]:
        require(entry["status"] == "Trading", f"{entry['symbol']} does not trade")
        lot = entry["lotSizeFilter"]
        row = {
            "symbol": entry["symbol"],
            "base": entry["baseCoin"],
            "quote": entry["quoteCoin"],
            "settle": entry["settleCoin"],
            "kind": KINDS[entry["contractType"]],
            "tick_size": text(entry["priceFilter"]["tickSize"]),
            "lot_size": text(lot["qtyStep"]),
            "contract_size": "1",
            "min_quantity": text(lot["minOrderQty"]),
            "max_quantity": text(lot["maxOrderQty"]),
            "max_market_quantity": text(lot["maxMktOrderQty"]),
            "min_notional": text(lot["minNotionalValue"]),
            "max_leverage": text(entry["leverageFilter"]["maxLeverage"]),
            "leverage_step": text(entry["leverageFilter"]["leverageStep"]),
            "maintenance_rule": maintenance_rule_on("bybit", day),
            "listed": day_of(entry["launchTime"]),
            "limits_as_of": day,
            "as_of": day,
        }
        row |= dict(RULES) | FEES
        if sector := SECTORS.get(entry["symbolType"]):
            row |= {"sector": sector, "sector_as_of": day}
        if row["kind"] == "linear_dated":
            row["expiry"] = instant_text(entry["deliveryTime"])
        else:
            require(entry["fundingInterval"] % 60 == 0, f"{entry['symbol']}: funding not in whole hours")
            cap, floor = text(entry["upperFundingRate"]), text(entry["lowerFundingRate"])
            row |= funding_columns([Funding(day, str(entry["fundingInterval"] // 60), cap, floor)], day)
        rows.append(row)
    return rows


def check_lean_day(listed: list[LeanRow], now: list[FactRow]) -> None:
    """Prove the day of the list by what it names, among the contracts that trade in USDT now."""
    names = {row.symbol for row in listed} - RELAUNCHED
    crypto = [row for row in now if row["settle"] == "USDT" and row["kind"] == "linear_perpetual"]
    crypto = [row for row in crypto if row["symbol"] not in RELAUNCHED and row.get("sector") != "Stock"]
    inside = max(row["listed"] for row in crypto if row["symbol"] in names)
    outside = min(row["listed"] for row in crypto if row["symbol"] not in names)
    require((inside, outside) == (LEAN_DAY, NEXT_LAUNCH), f"the list of LEAN is of {inside} to {outside}")


def lean_row(listed: LeanRow, kind: str) -> FactRow:
    base = listed.symbol.removesuffix(listed.quote)
    row = {"symbol": listed.symbol, "base": base, "quote": listed.quote, "kind": kind, "as_of": LEAN_DAY}
    row |= {"settle": base if kind.startswith("inverse") else listed.quote}
    row |= {"tick_size": listed.tick_size, "lot_size": listed.lot_size, "min_quantity": listed.lot_size}
    row |= {"contract_size": listed.contract_size, "maintenance_rule": maintenance_rule_on("bybit", LEAN_DAY)}
    return row | dict(RULES)


def files(data: Path) -> list[FactFile]:
    """Linear and inverse."""
    now = current_rows(data)
    listed = [row for row in lean(data, "bybit", "cryptofuture") if not row.is_old]
    check_lean_day(listed, now)
    bases = {row["symbol"]: row["base"] for row in now}
    then = [lean_row(row, "linear_perpetual") for row in listed if row.quote == "USDT"]
    for row in then:
        require(bases.get(row["symbol"], row["base"]) == row["base"], f"{row['symbol']}: another base")
    seen = csv_seen(data, "bybit")
    then = [row | funding_columns(seen.get(f"{row['base']}-USDT", ()), LEAN_DAY) for row in then]
    inverse = [lean_row(row, "inverse_perpetual") | FEES for row in listed if row.quote == "USD"]
    btc = next(row for row in inverse if row["symbol"] == "BTCUSD")
    btc.update(funding_columns(lean_seen(data / LEAN_FUNDING), LEAN_DAY))
    return [
        FactFile("bybit-linear", LINEAR_HEAD, COLUMNS, now + then),
        FactFile("bybit-inverse", INVERSE_HEAD, COLUMNS, inverse),
    ]
