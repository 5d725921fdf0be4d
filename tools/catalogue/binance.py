"""Binance: USD-M (linear, margined in USDT) and COIN-M (inverse)."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from catalogue.funding import binance_seen, funding_columns, lean_seen
from catalogue.raw import (
    LEAN,
    MARK,
    FactFile,
    answer,
    day_of,
    instant_text,
    lean,
    linear,
    require,
    text,
)
from lotwise.contracts.facts_file import COLUMNS, TIER_COLUMNS, UNKNOWN, FactRow

CURRENT_DAY = "2026-09-01"
BARS_DAY = "2025-05-04"
# Contracts whose tick in the bars is coarser than the one of today's list.
COARSER_IN_BARS = ("ENAUSDT", "LAYERUSDT")
# Venue rule since 2023-11-02; every other USDT contract: 5. Reduce-only orders are exempt.
MIN_NOTIONAL = {"BTCUSDT": "100"} | dict.fromkeys(
    ("ETHUSDT", "BCHUSDT", "LTCUSDT", "ETCUSDT", "LINKUSDT"), "20"
)
MIN_NOTIONAL_OTHERS = "5"
# Facts of an older answer that a current row may carry, with their own date.
CARRIED = ("min_quantity", "max_quantity", "max_market_quantity", "liquidation_fee", "limits_as_of")
# 10 USD in ticks of 0.000001: more than a lot may be worth where 64 bits count it.
NOT_COUNTED = {("DOGEUSD_PERP", "2021-07-21")}
LINEAR_FEES = {"maker": "0.0002", "taker": "0.0005"}
COINM_FEES = {"maker": "0.0001", "taker": "0.0005"}
# The venue answers this onboardDate for all its older linear contracts: a filler, not a listing date.
FILLER_ONBOARD_MS = 1569398400000
PERPETUAL_DELIVERY_MS = 4133404800000
PERPETUAL, QUARTERS = "PERPETUAL", ("CURRENT_QUARTER", "NEXT_QUARTER")
# The venue's labels as one word each; HOT says what is traded much, not what a coin is for.
SECTORS = {"DEFI": "DeFi"}
NO_SECTOR = {"HOT"}

UM_2025, UM_2021 = "binance_um_exchangeInfo_20250807_25symbols.json", "binance_um_exchangeInfo_20210721.json"
CM_2025, CM_2021 = "binance_cm_exchangeInfo_gct.json", "binance_cm_exchangeInfo_20210722.json"

LEAN_FUNDING = LEAN.parent.parent / "cryptofuture" / "binance" / "margin_interest" / "btcusd.csv"

SECTOR_SOURCE = (
    "source: sector, sector_as_of: underlyingSubType in the venue's answers (/fapi and /dapi exchangeInfo "
    "of 2025-08-07, /fapi and /dapi of 2021-07-21), the newest that names the coin; HOT is no sector"
)
LINEAR_HEAD = (
    "Binance USD-M futures: linear contracts margined in USDT",
    f"current: {CURRENT_DAY}",
    f"rows {CURRENT_DAY}: Binance tick and lot as listed by QuantConnect LEAN (undated), "
    "leverage tiers of 2026-09",
    "rows 2025-08-07: Binance exchangeInfo of 2025-08-07 (25 contracts)",
    f"rows {BARS_DAY}: Binance tick and lot as in the trades of 2025-05-04 to 2025-06-03 (2 contracts)",
    "rows 2021-07-21: Binance exchangeInfo of 2021-07-21",
    f"source: {CURRENT_DAY} tick_size lot_size: symbol properties of QuantConnect LEAN (Apache-2.0), "
    "read from the venue; that list carries no date of its own: it names contracts first listed in 2026 and "
    "none of the venue's stock contracts",
    f"source: {CURRENT_DAY} base max_leverage: leverage brackets published by the venue, collected 2026-09 "
    "(max_leverage is that of tier 1); a contract is here when both lists have it, which does not prove that "
    "it still trades",
    f"source: {CURRENT_DAY} min_notional: venue rule since 2023-11-02 "
    "(BTC 100; ETH BCH LTC ETC LINK 20; others 5)",
    f"source: {CURRENT_DAY} maker taker: the venue's default fees (VIP 0); an account may pay others",
    f"source: {CURRENT_DAY} leverage_step: the venue's leverage call takes whole numbers",
    "source: maintenance_rule margin_holds_closing_fee: the venue's liquidation and order cost pages",
    "source: min_quantity max_quantity max_market_quantity liquidation_fee: /fapi/v1/exchangeInfo of the day "
    "in limits_as_of (2025-08-07 for 25 contracts, carried on while the lot size stayed the same)",
    "source: 2025-08-07 rows: /fapi/v1/exchangeInfo, server time 2025-08-07T20:00:14Z, in the recorded "
    "answers of thrasher-corp/gocryptotrader (MIT)",
    f"source: {BARS_DAY} rows: the steps of price and quantity in one-minute bars of typhonun/DcaTpStrategy "
    "(MIT), whose ticks have since become finer; min_notional: the venue rule since 2023-11-02",
    "source: 2021-07-21 rows: /fapi/v1/exchangeInfo, server time 2021-07-21T09:04:03Z, from a public "
    "recording",
    "source: funding_hours funding_cap funding_floor, funding_as_of 2025-07-18: /fapi/v1/fundingInfo in the "
    "recorded answers of thrasher-corp/gocryptotrader (MIT): 25 contracts, dated by the newest updateTime",
    "source: funding_hours with cap and floor unknown: spacing of the last two funding stamps seen up to "
    "funding_as_of, in the funding histories of typhonun/DcaTpStrategy (MIT, 2025) and supervik (MIT, BTC "
    "and ETH 2020-2023)",
    SECTOR_SOURCE,
)
TIERS_HEAD = (
    "Binance USD-M futures: leverage and maintenance margin tiers of the contracts in binance-linear.tsv",
    "source: leverage brackets published by the venue (/fapi/v1/leverageBracket), collected 2026-09, carried "
    f"as {CURRENT_DAY}",
    "tier k covers floor < notional <= cap; on every row "
    "cumulative_k = cumulative_(k-1) + floor_k (rate_k - rate_(k-1))",
)
COINM_HEAD = (
    "Binance COIN-M futures: inverse contracts of 100 or 10 USD, margined in the coin",
    f"current: {CURRENT_DAY}",
    f"rows {CURRENT_DAY}: Binance COIN-M tick and size as listed by QuantConnect LEAN (undated)",
    "rows 2025-08-07: Binance COIN-M exchangeInfo of 2025-08-07 (24 contracts)",
    "rows 2021-07-21: Binance COIN-M exchangeInfo of 2021-07-21",
    f"source: {CURRENT_DAY} symbol tick_size lot_size contract_size: symbol properties of QuantConnect LEAN "
    "(Apache-2.0), read from the venue; that list carries no date of its own and is the one of "
    "binance-linear.tsv, so it is dated alike; quarterly contracts are not in it",
    f"source: {CURRENT_DAY} maker taker: the venue's default fees (VIP 0), as in ccxt 4.5.90; an account may "
    "pay others",
    "source: maintenance_rule margin_holds_closing_fee: the venue's liquidation and order cost pages",
    "source: min_quantity max_quantity max_market_quantity liquidation_fee: /dapi/v1/exchangeInfo of the day "
    "in limits_as_of, carried on while lot and contract size stayed the same",
    "source: 2025-08-07 rows: /dapi/v1/exchangeInfo, server time 2025-08-07T20:00:14Z, in the recorded "
    "answers of thrasher-corp/gocryptotrader (MIT), a part of the list",
    "source: 2021-07-21 rows: /dapi/v1/exchangeInfo, server time 2021-07-21T02:54:03Z, in the sample data of "
    "bmoscon/cryptofeed (XFree86-style licence)",
    "source: funding_hours: spacing of the last two funding stamps of BTCUSD_PERP in the sample data of "
    "QuantConnect LEAN (Apache-2.0), 2022-12-13",
    SECTOR_SOURCE,
    "unknown: margin tiers, highest leverage, caps of the funding rate",
)


def sectors(data: Path) -> list[tuple[str, dict[str, str]]]:
    """Coin to sector on each day it was told, newest day first."""
    days: dict[str, dict[str, str]] = {}
    for name in (UM_2025, CM_2025, UM_2021, CM_2021):
        told = answer(data, name)
        found = days.setdefault(day_of(told["serverTime"]), {})
        for entry in told["symbols"]:
            labels = [label for label in entry["underlyingSubType"] if label not in NO_SECTOR]
            if labels and entry["underlyingType"] == "COIN":
                sector = SECTORS.get(labels[0], labels[0])
                before = found.setdefault(entry["baseAsset"], sector)
                require(before == sector, f"{entry['baseAsset']}: sector {before} and {sector} on one day")
    return sorted(days.items(), reverse=True)


def sector_columns(told: list[tuple[str, dict[str, str]]], base: str, day: str) -> FactRow:
    """The newest sector of a coin told on or before a day."""
    for told_on, found in told:
        if told_on <= day and base in found:
            return {"sector": found[base], "sector_as_of": told_on}
    return {}


def contract_row(entry: dict[str, Any], day: str) -> FactRow:
    """One contract of an exchangeInfo answer."""
    symbol, filters = entry["symbol"], {item["filterType"]: item for item in entry["filters"]}
    lot, market = filters["LOT_SIZE"], filters["MARKET_LOT_SIZE"]
    same = all(Decimal(lot[key]) == Decimal(market[key]) for key in ("stepSize", "minQty"))
    require(same, f"{symbol}: market orders have another lot; the format has one")
    perpetual = entry["contractType"] == PERPETUAL
    require(perpetual == (entry["deliveryDate"] == PERPETUAL_DELIVERY_MS), f"{symbol}: does it expire?")
    family = "inverse" if entry["marginAsset"] == entry["baseAsset"] else "linear"
    require(family == "inverse" or entry["marginAsset"] == entry["quoteAsset"], f"{symbol}: quanto")
    onboard = entry["onboardDate"]
    row = {
        "symbol": symbol,
        "base": entry["baseAsset"],
        "quote": entry["quoteAsset"],
        "settle": entry["marginAsset"],
        "kind": f"{family}_{'perpetual' if perpetual else 'dated'}",
        "tick_size": text(filters["PRICE_FILTER"]["tickSize"]),
        "lot_size": text(lot["stepSize"]),
        "contract_size": text(entry.get("contractSize", 1)),
        "min_quantity": text(lot["minQty"]),
        "max_quantity": text(lot["maxQty"]),
        "max_market_quantity": text(market["maxQty"]),
        "min_notional": text(filters["MIN_NOTIONAL"]["notional"]) if "MIN_NOTIONAL" in filters else UNKNOWN,
        "liquidation_fee": text(entry["liquidationFee"]),
        "listed": UNKNOWN if onboard == FILLER_ONBOARD_MS else day_of(onboard),
        "expiry": UNKNOWN if perpetual else instant_text(entry["deliveryDate"]),
        "limits_as_of": day,
        "as_of": day,
    }
    return row | MARK


def snapshot(data: Path, name: str, *settles: str) -> list[FactRow]:
    """The trading contracts of one exchangeInfo answer, margined in one of `settles` (none: in any)."""
    told = answer(data, name)
    day = day_of(told["serverTime"])
    return [
        contract_row(entry, day)
        for entry in told["symbols"]
        if entry["contractType"] in (PERPETUAL, *QUARTERS)
        and entry.get("status", entry.get("contractStatus")) == "TRADING"
        and (not settles or entry["marginAsset"] in settles)
        and (entry["symbol"], day) not in NOT_COUNTED
    ]


def carried(row: FactRow, older: FactRow | None) -> FactRow:
    """Limits of an older answer, as long as the lot and the size of a contract are still the same."""
    same = ("lot_size", "contract_size")
    if older is None or any(older[key] != row[key] for key in same):
        return {}
    return {key: older[key] for key in CARRIED}


def binance_tiers(path: Path) -> dict[str, list[dict[str, str]]]:
    """Tier rows by unified name (``BTC/USDT:USDT``), each table proved continuous."""
    tables: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = row.pop("symbol")
            tables.setdefault(name, []).append({key: text(value) for key, value in row.items()})
    for name, table in tables.items():
        table.sort(key=lambda row: int(row["tier"]))
        floor = rate = cumulative = Decimal(0)
        for number, row in enumerate(table, 1):
            require(row["tier"] == str(number), f"{name}: tier {number} is missing")
            require(Decimal(row["notional_floor"]) == floor, f"{name} tier {number}: a gap below the floor")
            next_rate = Decimal(row["maintenance_rate"])
            cumulative += floor * (next_rate - rate) if number > 1 else 0
            require(
                Decimal(row["cumulative"]) == cumulative, f"{name} tier {number}: cumulative does not follow"
            )
            floor, rate = Decimal(row["notional_cap"]), next_rate
    return tables


def bar_rows(data: Path) -> list[FactRow]:
    """The contracts whose tick of 2025-05 is known to differ from today's."""
    path = data / "binance_um_2025-05" / "scale.json"
    scale = json.loads(path.read_text(encoding="utf-8"))["scale"]
    found = []
    for symbol in COARSER_IN_BARS:
        row = linear(symbol, symbol.removesuffix("USDT"), "USDT", BARS_DAY)
        row |= {"tick_size": text(Decimal(1).scaleb(-scale[symbol]["price_decimals"]))}
        row |= {"lot_size": text(Decimal(1).scaleb(-scale[symbol]["qty_decimals"]))}
        found.append(row | {"min_notional": MIN_NOTIONAL.get(symbol, MIN_NOTIONAL_OTHERS)})
    return found


def linear_files(data: Path) -> list[FactFile]:
    """USD-M: the contracts, and their tiers."""
    recent = snapshot(data, UM_2025, "USDT")
    rows = recent + snapshot(data, UM_2021, "USDT") + bar_rows(data)
    limits = {row["symbol"]: row for row in recent}
    steps = {
        row.symbol: row
        for row in lean(data, "binance", "cryptofuture")
        if row.quote == "USDT" and row.contract_size == "1"
    }
    tier_rows = []
    for name, table in binance_tiers(data / "meta" / "binance_um_margin_tiers_2026-09.csv").items():
        base, _, margin = name.partition("/")
        symbol = f"{base}USDT"
        if margin != "USDT:USDT" or symbol not in steps:
            continue
        row = linear(symbol, base, "USDT", CURRENT_DAY) | LINEAR_FEES
        row |= {"tick_size": steps[symbol].tick_size, "lot_size": steps[symbol].lot_size}
        row |= {"min_notional": MIN_NOTIONAL.get(symbol, MIN_NOTIONAL_OTHERS)}
        row |= {"max_leverage": table[0]["max_leverage"], "leverage_step": "1"}
        rows.append(row | carried(row, limits.get(symbol)))
        tier_rows += [{"symbol": symbol, "as_of": CURRENT_DAY} | tier for tier in table]
    seen, told = binance_seen(data), sectors(data)
    rows = [
        row
        | (funding_columns(seen.get(row["symbol"], ()), row["as_of"]) if is_perpetual(row) else {})
        | sector_columns(told, row["base"], row["as_of"])
        for row in rows
    ]
    return [
        FactFile("binance-linear", LINEAR_HEAD, COLUMNS, rows),
        FactFile("binance-linear-tiers", TIERS_HEAD, TIER_COLUMNS, tier_rows),
    ]


def coinm_files(data: Path) -> list[FactFile]:
    """COIN-M: the contracts; their tiers are in no source."""
    recent = snapshot(data, CM_2025)
    rows = recent + snapshot(data, CM_2021)
    limits = {row["symbol"]: row for row in recent}
    for listed in lean(data, "binance", "cryptofuture"):
        if listed.quote != "USD" or listed.is_old:
            continue
        base = listed.symbol.removesuffix("USD_PERP")
        row = {"symbol": listed.symbol, "base": base, "quote": "USD", "settle": base}
        row |= {"kind": "inverse_perpetual", "tick_size": listed.tick_size, "lot_size": listed.lot_size}
        row |= {"contract_size": listed.contract_size, "leverage_step": "1", "as_of": CURRENT_DAY}
        row |= dict(MARK) | COINM_FEES
        older = limits.get(listed.symbol)
        rows.append(row | carried(row, older) | ({"listed": older["listed"]} if older else {}))
    told = sectors(data)
    seen = {"BTCUSD_PERP": lean_seen(data / LEAN_FUNDING)}
    rows = [
        row
        | (funding_columns(seen.get(row["symbol"], ()), row["as_of"]) if is_perpetual(row) else {})
        | sector_columns(told, row["base"], row["as_of"])
        for row in rows
    ]
    return [FactFile("binance-coinm", COINM_HEAD, COLUMNS, rows)]


def is_perpetual(row: FactRow) -> bool:
    return row["kind"].endswith("perpetual")
