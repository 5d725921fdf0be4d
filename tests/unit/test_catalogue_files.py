"""The files of the catalogue are sound, and each row is the contract that the loader gives."""

from __future__ import annotations

import datetime
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import pytest

from lotwise.contracts import Contract
from lotwise.contracts.catalogue import VENUES, load, symbols
from lotwise.contracts.facts_file import FILES as NAMES
from lotwise.contracts.facts_file import TIER_COLUMNS
from lotwise.contracts.facts_file import rows as rows_of

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / "src" / "lotwise" / "contracts" / "facts"
ROW_FILES = {venue: f"{name}.tsv" for venue, name in NAMES.items()}
TIER_FILE = "binance-linear-tiers.tsv"
PRICES = "reference-prices.tsv"
TIER_FILES = {"binance": TIER_FILE, "mexc": "mexc-tiers.tsv"}
FILES = [*ROW_FILES.values(), *TIER_FILES.values()]
DAYS = {
    "binance": {"2021-07-21": 119, "2025-05-04": 2, "2025-08-07": 25, "2026-09-01": 654},
    "bybit": {"2025-05-09": 514, "2026-08-09": 800},
    "bingx": {"2026-10-23": 6},
    "mexc": {"2026-10-23": 5},
    "weex": {"2026-10-23": 3},
    "binance-coinm": {"2021-07-21": 35, "2025-08-07": 24, "2026-09-01": 20},
    "bybit-inverse": {"2025-05-09": 25},
    "cme": {"2026-09-01": 4},
    "coinbase": {"2026-04-01": 1},
}
ROWS = sum(count for days in DAYS.values() for count in days.values())
LISTED = sum(days[max(days)] for days in DAYS.values())
IF_UNKNOWN = {"leverage_step": "1", "maintenance_rule": "mark"}
TIER_FACTS = TIER_COLUMNS[3:]
OTHER_SCRIPTS = 3  # rows whose symbol is not ASCII: found only as the venue writes them
FLAGS = {"margin_holds_closing_fee", "liquidation_holds_closing_fee", "clearing"}
WORDS = FLAGS | {"kind", "maintenance_rule", "sector"}
TEXT_COLUMNS = WORDS | {"symbol", "base", "quote", "settle", "listed", "expiry", "as_of"}


pytestmark = pytest.mark.usefixtures("only_the_packaged_facts")


def table(file: str) -> list[dict[str, str]]:
    """The rows of a fact file, read without the loader."""
    lines = (FACTS / file).read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [dict(zip(header, row, strict=True)) for row in rows]


def all_rows() -> Iterator[tuple[str, dict[str, str]]]:
    for venue, file in ROW_FILES.items():
        for row in table(file):
            yield venue, row


def said(value: object) -> str:
    """A fact of a Contract as the file writes it."""
    return "-" if value is None else str(value)


# -- the files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", VENUES)
def test_counts_of_each_snapshot(venue: str) -> None:
    counts: dict[str, int] = {}
    for row in table(ROW_FILES[venue]):
        counts[row["as_of"]] = counts.get(row["as_of"], 0) + 1
    assert counts == DAYS[venue]
    assert len(symbols(venue)) == DAYS[venue][max(DAYS[venue])]


def test_bybit_kinds() -> None:
    kinds = [load(f"bybit:{symbol}").kind for symbol in symbols("bybit")]
    assert (kinds.count("linear_perpetual"), kinds.count("linear_dated")) == (760, 40)


@pytest.mark.parametrize("file", FILES)
def test_file_is_utf8_lines_with_a_dated_head(file: str) -> None:
    raw = (FACTS / file).read_bytes()
    assert raw.endswith(b"\n")
    assert b"\r" not in raw
    lines = raw.decode("utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    assert lines[: len(head)] == head
    assert any(line.startswith("# source: ") for line in head)
    assert not any("\t" in line for line in head)


@pytest.mark.parametrize("file", ROW_FILES.values())
def test_rows_are_sorted_and_single(file: str) -> None:
    keys = [(row["symbol"], row["as_of"]) for row in table(file)]
    assert keys == sorted(set(keys))


def test_tier_rows_are_sorted_and_single() -> None:
    keys = [(row["symbol"], row["as_of"], int(row["tier"])) for row in table(TIER_FILE)]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("file", FILES)
def test_numbers_are_plain_and_days_are_days(file: str) -> None:
    for row in table(file):
        for column, value in row.items():
            if value == "-":
                continue
            if column.endswith("as_of") or column == "listed":
                assert datetime.date.fromisoformat(value).isoformat() == value
            elif column == "expiry":
                assert datetime.datetime.fromisoformat(value).utcoffset() == datetime.timedelta(0)
            elif column not in TEXT_COLUMNS:
                normal = Decimal(value).normalize() if Decimal(value) else Decimal(0)
                assert value == format(normal, "f"), (row["symbol"], column)


def test_no_fact_is_younger_than_its_row() -> None:
    for _, row in all_rows():
        for column in ("limits_as_of", "funding_as_of", "sector_as_of", "listed"):
            assert row[column] == "-" or row[column] <= row["as_of"], (row["symbol"], column)
        assert (row["sector_as_of"] == "-") == (row["sector"] == "-")
        assert (row["limits_as_of"] == "-") == (row["max_quantity"] == "-")
        assert (row["funding_as_of"] == "-") == (row["funding_hours"] == "-")


def test_one_tick_of_one_lot_is_whole_cash_on_every_row() -> None:
    for venue, row in all_rows():
        tick, lot = Fraction(row["tick_size"]), Fraction(row["lot_size"]) * Fraction(row["contract_size"])
        assert tick * lot > 0
        # An inverse lot is worth so many quote; over the price in ticks that is the worth in coins.
        unit = lot / tick if row["kind"].startswith("inverse") else lot * tick
        assert (unit * 10**8).denominator == 1, (venue, row["symbol"], row["as_of"])


def test_quantity_limits_are_whole_lots() -> None:
    for venue, row in all_rows():
        for column in ("min_quantity", "max_quantity", "max_market_quantity"):
            if row[column] != "-":
                lots = Fraction(row[column]) / Fraction(row["lot_size"])
                assert lots.denominator == 1, (venue, row["symbol"], row["as_of"], column)


def test_tiers_are_continuous_and_their_sums_follow() -> None:
    rows = table(TIER_FILE)
    assert len(rows) == 5158
    tables = 0
    for key, group in groupby(rows, key=lambda row: (row["symbol"], row["as_of"])):
        floor = rate = cumulative = Fraction(0)
        leverage = Fraction(1000)
        for number, row in enumerate(group, 1):
            assert row["tier"] == str(number), key
            next_rate = Fraction(row["maintenance_rate"])
            cumulative += Fraction(row["notional_floor"]) * (next_rate - rate)
            assert Fraction(row["notional_floor"]) == floor, key
            assert Fraction(row["cumulative"]) == cumulative, key
            assert next_rate > rate, key
            assert Fraction(row["max_leverage"]) < leverage, key
            assert next_rate * Fraction(row["max_leverage"]) <= 1, key
            floor, rate, leverage = Fraction(row["notional_cap"]), next_rate, Fraction(row["max_leverage"])
        tables += 1
    assert tables == DAYS["binance"]["2026-09-01"]


def test_every_row_loads_into_its_contract() -> None:
    tiers: dict[tuple[str, str, str], list[list[str]]] = {}
    for venue, file in TIER_FILES.items():
        for row in table(file):
            tiers.setdefault((venue, row["symbol"], row["as_of"]), []).append(list(row.values())[3:])
    loaded = 0
    for venue, row in all_rows():
        contract = load(f"{venue}:{row['symbol']}", row["as_of"])
        for column, value in row.items():
            if column == "sector_as_of":
                continue  # a Contract carries the sector without its day
            expected = IF_UNKNOWN.get(column, "-") if value == "-" else value
            assert carried(contract, column) == expected, (venue, row["symbol"], column)
        assert contract.venue == venue
        assert contract.source
        told = [[said(getattr(tier, column)) for column in TIER_FACTS] for tier in contract.tiers]
        assert told == tiers.get((venue, row["symbol"], row["as_of"]), [])
        loaded += 1
    assert loaded == ROWS == 2237


def carried(contract: Contract, column: str) -> str:
    """What a contract says of a column, as its file writes it."""
    if column in {"maker", "taker"}:
        return said(contract.fees and getattr(contract.fees, column))
    if column in FLAGS:
        return "yes" if getattr(contract, column) else "no"
    if column.startswith("funding"):
        name = {"funding_hours": "interval_hours"}.get(column, column.removeprefix("funding_"))
        return said(contract.funding and getattr(contract.funding, name))
    return said(getattr(contract, column, None))


def test_only_the_lines_of_the_symbol_are_parsed() -> None:
    for file in FILES:
        symbol = table(file)[0]["symbol"]
        found = rows_of(file.removesuffix(".tsv"), symbol)
        assert found
        assert all(row.facts["symbol"] == symbol for row in found)
        assert len(found) == sum(row["symbol"] == symbol for row in table(file))


def test_the_files_are_what_the_tool_makes(shared_data: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("polars") is None:
        pytest.skip("polars is absent: the funding histories are Arrow files")
    tool = ROOT / "tools" / "build_catalogue.py"
    done = subprocess.run(
        [sys.executable, str(tool), str(shared_data), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, PRICES])
    for file in (*FILES, PRICES):
        assert (tmp_path / file).read_bytes() == (FACTS / file).read_bytes(), f"{file}; fix: make catalogue"
