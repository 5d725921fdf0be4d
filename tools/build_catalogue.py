"""Rebuild the fact files of the catalogue from a folder of raw venue files.

    python tools/build_catalogue.py DATA_DIR [--out DIR]

Only facts are carried (a tick size, a tier), in the format described in
``src/lotwise/contracts/facts/README.md``. The same input gives the same bytes. A raw file that
contradicts what the format can say stops the build; nothing is guessed.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import importlib
import json
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

FACTS = Path(__file__).resolve().parent.parent / "src" / "lotwise" / "contracts" / "facts"
UNKNOWN = "-"

COLUMNS = [
    *("symbol", "base", "quote", "settle", "kind", "tick_size", "lot_size", "contract_size"),
    *("min_quantity", "max_quantity", "max_market_quantity", "min_notional"),
    *("max_leverage", "leverage_step", "maintenance_rule", "margin_holds_closing_fee"),
    *("maker", "taker", "funding_hours", "funding_cap", "funding_floor", "liquidation_fee"),
    *("listed", "expiry", "limits_as_of", "funding_as_of", "as_of"),
]
TIER_COLUMNS = [
    *("symbol", "as_of", "tier", "notional_floor", "notional_cap"),
    *("max_leverage", "maintenance_rate", "cumulative"),
]

BINANCE_DAY = "2026-09-01"
# Venue rule since 2023-11-02; every other USDT contract: 5. Reduce-only orders are exempt.
MIN_NOTIONAL = {"BTCUSDT": "100"} | dict.fromkeys(
    ("ETHUSDT", "BCHUSDT", "LTCUSDT", "ETCUSDT", "LINKUSDT"), "20"
)
MIN_NOTIONAL_OTHERS = "5"
# Facts of an older answer that a current row may carry, with their own date.
CARRIED = ("min_quantity", "max_quantity", "max_market_quantity", "liquidation_fee", "limits_as_of")
BINANCE_FEES = ("0.0002", "0.0005")
BYBIT_FEES = ("0.0002", "0.00055")
# The venue answers this onboardDate for all its older contracts: a filler, not a listing date.
FILLER_ONBOARD_MS = 1569398400000
PERPETUAL_DELIVERY_MS = 4133404800000
# The published funding histories in CSV stamp 3 h later than the venue does.
CSV_LATE = datetime.timedelta(hours=3)

BINANCE_HEAD = (
    "Binance USD-M futures: linear perpetuals margined in USDT",
    f"current: {BINANCE_DAY}",
    f"rows {BINANCE_DAY}: Binance tick and lot as listed by QuantConnect LEAN (undated), "
    "leverage tiers of 2026-09",
    "rows 2025-08-07: Binance exchangeInfo of 2025-08-07 (25 contracts)",
    "rows 2021-07-21: Binance exchangeInfo of 2021-07-21",
    f"source: {BINANCE_DAY} tick_size lot_size: symbol properties of QuantConnect LEAN (Apache-2.0), "
    "read from the venue; that list carries no date of its own: it names contracts first listed in 2026 and "
    "none of the venue's stock contracts",
    f"source: {BINANCE_DAY} base max_leverage: leverage brackets published by the venue, collected 2026-09 "
    "(max_leverage is that of tier 1); a contract is here when both lists have it, which does not prove that "
    "it still trades",
    f"source: {BINANCE_DAY} min_notional: venue rule since 2023-11-02 "
    "(BTC 100; ETH BCH LTC ETC LINK 20; others 5)",
    f"source: {BINANCE_DAY} maker taker: the venue's default fees (VIP 0); an account may pay others",
    f"source: {BINANCE_DAY} leverage_step: the venue's leverage call takes whole numbers",
    "source: maintenance_rule margin_holds_closing_fee: the venue's liquidation and order cost pages",
    "source: min_quantity max_quantity max_market_quantity liquidation_fee: /fapi/v1/exchangeInfo of the day "
    "in limits_as_of (2025-08-07 for 25 contracts, carried on while the lot size stayed the same)",
    "source: 2025-08-07 rows: /fapi/v1/exchangeInfo, server time 2025-08-07T20:00:14Z, in the recorded "
    "answers of thrasher-corp/gocryptotrader (MIT)",
    "source: 2021-07-21 rows: /fapi/v1/exchangeInfo, server time 2021-07-21T09:04:03Z, from a public "
    "recording",
    "source: funding_hours funding_cap funding_floor, funding_as_of 2025-07-18: /fapi/v1/fundingInfo in the "
    "recorded answers of thrasher-corp/gocryptotrader (MIT): 25 contracts, dated by the newest updateTime",
    "source: funding_hours with cap and floor unknown: spacing of the last two funding stamps seen up to "
    "funding_as_of, in the funding histories of typhonun/DcaTpStrategy (MIT, 2025) and supervik (MIT, BTC "
    "and ETH 2020-2023)",
)
TIERS_HEAD = (
    "Binance USD-M futures: leverage and maintenance margin tiers of the contracts in binance-linear.tsv",
    "source: leverage brackets published by the venue (/fapi/v1/leverageBracket), collected 2026-09, carried "
    f"as {BINANCE_DAY}",
    "tier k covers floor < notional <= cap; on every row "
    "cumulative_k = cumulative_(k-1) + floor_k (rate_k - rate_(k-1))",
)
BYBIT_HEAD = (
    "Bybit v5 linear: perpetuals and dated futures settled in USDT or USDC",
    "current: 2026-08-09",
    "rows 2026-08-09: Bybit instruments-info of 2026-08-09",
    "source: all but the fees and the margin rules: /v5/market/instruments-info category=linear, answer of "
    "2026-08-09T21:26:57Z, in the sample data of bmoscon/cryptofeed (XFree86-style licence)",
    "source: maintenance_rule margin_holds_closing_fee: help page The New Margin Calculation, in force since "
    "2025-09-02",
    "source: maker taker: the venue's default fees for derivatives (non-VIP); an account may pay others",
    "unknown: risk limits (margin tiers) and liquidation fee",
)


class Funding(NamedTuple):
    """Funding terms as seen on one day."""

    day: str
    hours: str
    cap: str = UNKNOWN
    floor: str = UNKNOWN


class FactsBroken(Exception):
    """The raw files contradict what the catalogue can say."""


def text(value: object) -> str:
    """Plain decimal text: no trailing zeros, no exponent."""
    number = Decimal(str(value))
    return "0" if number == 0 else format(number.normalize(), "f")


def instant(milliseconds: int | str) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(milliseconds) // 1000, datetime.UTC)


def day_of(milliseconds: int | str) -> str:
    return instant(milliseconds).date().isoformat()


def require(condition: bool, message: str) -> None:
    if not condition:
        raise FactsBroken(message)


# -- funding ---------------------------------------------------------------------------------------


def spacings(stamps: list[datetime.datetime]) -> Iterator[Funding]:
    """The interval in hours between each two funding stamps that follow each other."""
    for before, after in pairwise(stamps):
        hours = (after - before).total_seconds() / 3600
        require(abs(hours - round(hours)) < 0.01, f"funding at {before} and {after}: not whole hours apart")
        yield Funding(after.date().isoformat(), str(round(hours)))


def feather_stamps(path: Path) -> list[datetime.datetime]:
    """The ``date`` column of an Arrow file."""
    try:
        polars: Any = importlib.import_module("polars")
    except ModuleNotFoundError as error:
        raise FactsBroken(f"{path.name} is an Arrow file; to read it: pip install polars") from error
    stamps: list[datetime.datetime] = polars.read_ipc(path)["date"].to_list()
    return stamps


def funding_seen(data: Path) -> dict[str, list[Funding]]:
    """What is known of each Binance contract's funding, in the order of its days."""
    seen: dict[str, list[Funding]] = {}
    for path in sorted((data / "funding").glob("*_binance_*_funding_history.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        stamps = [datetime.datetime.fromisoformat(row["Date"]) - CSV_LATE for row in rows]
        seen.setdefault(path.name.split("_")[0].replace("-", ""), []).extend(spacings(stamps))
    for path in sorted((data / "binance_um_2025-05" / "funding").glob("*.feather")):
        seen.setdefault(path.stem, []).extend(spacings(feather_stamps(path)))
    listed = json.loads((data / "meta" / "binance_um_fundingInfo_gct.json").read_text(encoding="utf-8"))
    day = day_of(max(row["updateTime"] for row in listed))
    for row in listed:
        cap, floor = text(row["adjustedFundingRateCap"]), text(row["adjustedFundingRateFloor"])
        seen.setdefault(row["symbol"], []).append(Funding(day, str(row["fundingIntervalHours"]), cap, floor))
    for facts in seen.values():
        facts.sort(key=lambda fact: fact.day)  # stable: within a day the later of the file stays last
    return seen


def funding_columns(facts: Iterable[Funding], day: str) -> dict[str, str]:
    """The newest of ``facts`` on or before ``day``, as columns."""
    known = [fact for fact in facts if fact.day <= day]
    if not known:
        return {}
    newest = known[-1]
    return {
        "funding_hours": newest.hours,
        "funding_cap": newest.cap,
        "funding_floor": newest.floor,
        "funding_as_of": newest.day,
    }


# -- Binance ---------------------------------------------------------------------------------------


def binance_perpetual(entry: dict[str, Any], day: str) -> dict[str, str]:
    """One contract of an exchangeInfo answer."""
    filters = {item["filterType"]: item for item in entry["filters"]}
    lot, market = filters["LOT_SIZE"], filters["MARKET_LOT_SIZE"]
    same = all(Decimal(lot[key]) == Decimal(market[key]) for key in ("stepSize", "minQty"))
    require(same, f"{entry['symbol']}: market orders have another lot; the format has one")
    require(entry["deliveryDate"] == PERPETUAL_DELIVERY_MS, f"{entry['symbol']}: a perpetual that expires")
    onboard = entry["onboardDate"]
    return {
        "symbol": entry["symbol"],
        "base": entry["baseAsset"],
        "quote": entry["quoteAsset"],
        "settle": entry["marginAsset"],
        "kind": "linear_perpetual",
        "tick_size": text(filters["PRICE_FILTER"]["tickSize"]),
        "lot_size": text(lot["stepSize"]),
        "contract_size": "1",
        "min_quantity": text(lot["minQty"]),
        "max_quantity": text(lot["maxQty"]),
        "max_market_quantity": text(market["maxQty"]),
        "min_notional": text(filters["MIN_NOTIONAL"]["notional"]),
        "maintenance_rule": "mark",
        "margin_holds_closing_fee": "no",
        "liquidation_fee": text(entry["liquidationFee"]),
        "listed": UNKNOWN if onboard == FILLER_ONBOARD_MS else day_of(onboard),
        "limits_as_of": day,
        "as_of": day,
    }


def binance_snapshot(path: Path) -> list[dict[str, str]]:
    """The trading USDT-margined perpetuals of one exchangeInfo answer."""
    answer = json.loads(path.read_text(encoding="utf-8"))
    day = day_of(answer["serverTime"])
    return [
        binance_perpetual(entry, day)
        for entry in answer["symbols"]
        if entry["contractType"] == "PERPETUAL"
        and entry["status"] == "TRADING"
        and entry["marginAsset"] == entry["quoteAsset"] == "USDT"
    ]


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


def binance_steps(path: Path) -> dict[str, tuple[str, str]]:
    """Tick and lot of the USDT futures with one coin per contract."""
    steps = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if row[:1] == ["binance"] and row[2] == "cryptofuture" and row[4] == "USDT" and row[5] == "1":
                steps[row[8]] = (text(row[6]), text(row[7]))
    return steps


def binance(data: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows and tier rows of every Binance snapshot."""
    meta = data / "meta"
    recent = binance_snapshot(meta / "binance_um_exchangeInfo_20250807_25symbols.json")
    rows = recent + binance_snapshot(meta / "binance_um_exchangeInfo_20210721.json")
    limits = {row["symbol"]: row for row in recent}
    steps = binance_steps(meta / "lean_apache2" / "symbol-properties" / "symbol-properties-database.csv")
    tier_rows = []
    for name, table in binance_tiers(meta / "binance_um_margin_tiers_2026-09.csv").items():
        base, _, margin = name.partition("/")
        symbol = f"{base}USDT"
        if margin != "USDT:USDT" or symbol not in steps:
            continue
        row = {"symbol": symbol, "base": base, "quote": "USDT", "settle": "USDT", "kind": "linear_perpetual"}
        row |= {"tick_size": steps[symbol][0], "lot_size": steps[symbol][1], "contract_size": "1"}
        row |= {"min_notional": MIN_NOTIONAL.get(symbol, MIN_NOTIONAL_OTHERS), "as_of": BINANCE_DAY}
        row |= {"max_leverage": table[0]["max_leverage"], "leverage_step": "1"}
        row |= {"maintenance_rule": "mark", "margin_holds_closing_fee": "no"}
        row |= {"maker": BINANCE_FEES[0], "taker": BINANCE_FEES[1]}
        older = limits.get(symbol)
        if older and older["lot_size"] == row["lot_size"]:
            carried = (
                "min_quantity",
                "max_quantity",
                "max_market_quantity",
                "liquidation_fee",
                "limits_as_of",
            )
            row |= {key: older[key] for key in carried}
        rows.append(row)
        tier_rows += [{"symbol": symbol, "as_of": BINANCE_DAY} | tier for tier in table]
    seen = funding_seen(data)
    rows = [row | funding_columns(seen.get(row["symbol"], ()), row["as_of"]) for row in rows]
    return rows, tier_rows


# -- Bybit -----------------------------------------------------------------------------------------

BYBIT_KINDS = {"LinearPerpetual": "linear_perpetual", "LinearFutures": "linear_dated"}


def bybit(data: Path) -> list[dict[str, str]]:
    """Rows of the Bybit instruments answer."""
    answer = json.loads(
        (data / "meta" / "bybit_linear_instruments_20260809.json").read_text(encoding="utf-8")
    )
    day = day_of(answer["time"])
    rows = []
    for entry in answer["result"]["list"]:
        require(entry["status"] == "Trading", f"{entry['symbol']} does not trade")
        lot = entry["lotSizeFilter"]
        row = {
            "symbol": entry["symbol"],
            "base": entry["baseCoin"],
            "quote": entry["quoteCoin"],
            "settle": entry["settleCoin"],
            "kind": BYBIT_KINDS[entry["contractType"]],
            "tick_size": text(entry["priceFilter"]["tickSize"]),
            "lot_size": text(lot["qtyStep"]),
            "contract_size": "1",
            "min_quantity": text(lot["minOrderQty"]),
            "max_quantity": text(lot["maxOrderQty"]),
            "max_market_quantity": text(lot["maxMktOrderQty"]),
            "min_notional": text(lot["minNotionalValue"]),
            "max_leverage": text(entry["leverageFilter"]["maxLeverage"]),
            "leverage_step": text(entry["leverageFilter"]["leverageStep"]),
            "maintenance_rule": "mark",
            "margin_holds_closing_fee": "yes",
            "maker": BYBIT_FEES[0],
            "taker": BYBIT_FEES[1],
            "listed": day_of(entry["launchTime"]),
            "limits_as_of": day,
            "as_of": day,
        }
        if row["kind"] == "linear_dated":
            row["expiry"] = instant(entry["deliveryTime"]).strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            require(entry["fundingInterval"] % 60 == 0, f"{entry['symbol']}: funding not in whole hours")
            cap, floor = text(entry["upperFundingRate"]), text(entry["lowerFundingRate"])
            row |= funding_columns([Funding(day, str(entry["fundingInterval"] // 60), cap, floor)], day)
        rows.append(row)
    return rows


# -- files -----------------------------------------------------------------------------------------


def write(path: Path, head: tuple[str, ...], columns: list[str], rows: list[dict[str, str]]) -> None:
    """One fact file; the rows come sorted."""
    lines = [*(f"# {line}" for line in head), "\t".join(columns)]
    for row in rows:
        require(set(row) <= set(columns), f"{path.name}: {row['symbol']} has a column too many")
        lines.append("\t".join(row.get(column, UNKNOWN) for column in columns))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Rebuild the fact files of the catalogue.")
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of raw venue files")
    parser.add_argument("--out", type=Path, default=FACTS, metavar="DIR", help="where the files go")
    options = parser.parse_args(arguments)
    try:
        rows, tiers = binance(options.data)
        bybit_rows = sorted(bybit(options.data), key=lambda row: (row["symbol"], row["as_of"]))
    except (FactsBroken, OSError) as error:
        print(f"build_catalogue: {error}", file=sys.stderr)
        return 1
    rows.sort(key=lambda row: (row["symbol"], row["as_of"]))
    tiers.sort(key=lambda row: (row["symbol"], row["as_of"], int(row["tier"])))
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "binance-linear.tsv", BINANCE_HEAD, COLUMNS, rows)
    write(options.out / "binance-linear-tiers.tsv", TIERS_HEAD, TIER_COLUMNS, tiers)
    write(options.out / "bybit-linear.tsv", BYBIT_HEAD, COLUMNS, bybit_rows)
    print(f"{len(rows)} Binance rows, {len(tiers)} tiers, {len(bybit_rows)} Bybit rows in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
