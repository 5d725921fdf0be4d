"""Every value that cannot be used gets its own code, a message and a hint; no traceback, no guess.

The tables are the list of what can go wrong. A code in ``src`` that no line reaches fails the test
at the end, so a new error comes with the input that shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import lotwise
from lotwise import Contract, FeeSchedule, FundingTerms, MarginTier, Position, liquidation
from lotwise.cli.main import main
from lotwise.contracts import catalogue
from lotwise.errors import FactsError, InputError, LotwiseError, UnitError
from lotwise.records.answers import SizePlan
from tests.unit.test_bad_input_kinds import COMMANDS as KINDS_COMMANDS
from tests.unit.test_bad_input_kinds import KINDS

SRC = Path(lotwise.__file__).parent
CODE = re.compile(r'"([A-Z]+-\d{3})"')
NAMED = re.compile(r"\b([A-Z]+-\d{3})\b")
"""A code in a test, in quotes of its own or in what an error must match."""
ELSEWHERE_TESTED = [
    path
    for folder in ("unit", "twins", "e2e", "exchange", "conformance", "session", "web")
    for path in (Path(__file__).parents[1] / folder).glob("test_*.py")
    if path.name not in ("test_bad_input.py", "test_bad_input_kinds.py")
]
"""Files that test what they refuse beside what they do."""
NOT_INPUT = {"IO-001"}
"""An answer that could not be written is no mistake of the input: exit 1; see ``tests/e2e``."""

LONG_DIGITS = "9" * 5_000
HUGE = 10**5_000
"""More digits than the interpreter turns into text: even a message about it must not try."""


class Unnameable:
    """A value of a type nobody expects."""


JUNK_TEXT: dict[str, str] = {
    "nan": "UNIT-102",
    "NaN": "UNIT-102",
    "inf": "UNIT-102",
    "-Infinity": "UNIT-102",
    "1e30": "UNIT-102",
    "1e-9": "UNIT-102",
    "1,000": "UNIT-102",
    "1_000": "UNIT-102",
    "1 000": "UNIT-102",
    "0x10": "UNIT-102",
    "1.2.3": "UNIT-102",
    "--5": "UNIT-102",
    "5.": "UNIT-102",
    ".e5": "UNIT-102",
    ".": "UNIT-102",
    "1e999999999": "UNIT-102",
    "½": "UNIT-102",
    "６５０００": "UNIT-102",  # fullwidth
    "٦٥٠٠٠": "UNIT-102",  # Arabic-Indic
    "६५०००": "UNIT-102",  # Devanagari
    "65000\u200b": "UNIT-102",
    "\ud800": "UNIT-102",
    "\0": "UNIT-102",
    "": "UNIT-102",
    " ": "UNIT-102",
    "9999999999999": "UNIT-103",
    LONG_DIGITS: "UNIT-103",
    "0." + "1" * 5_000: "UNIT-103",
}
JUNK_VALUES: list[tuple[object, str]] = [
    *JUNK_TEXT.items(),
    (65000.0, "UNIT-101"),
    (float("nan"), "UNIT-101"),
    (float("inf"), "UNIT-101"),
    (True, "UNIT-101"),
    (False, "UNIT-101"),
    (1j, "UNIT-101"),
    ({}, "UNIT-101"),
    ({"65000"}, "UNIT-101"),
    (Unnameable(), "UNIT-101"),
    (Unnameable, "UNIT-101"),
    (Decimal("NaN"), "UNIT-102"),
    (Decimal("sNaN"), "UNIT-102"),
    (Decimal("Infinity"), "UNIT-102"),
    (Decimal("1e30"), "UNIT-103"),
    (Decimal("1e1000000"), "UNIT-103"),
    (Decimal("1e-1000000"), "UNIT-103"),
    (10**30, "UNIT-103"),
    (-HUGE, "UNIT-103"),
]
WRONG_TYPES: list[object] = [5, 5.0, True, "abc", b"abc", {}, {"a": 1}, Unnameable(), Unnameable]

TRADE: dict[str, Any] = {"side": "long", "entry": "65000", "stop": "2%", "equity": "1000", "risk": "1%"}
HELD: dict[str, Any] = {"side": "long", "quantity": "1", "entry": "60000", "leverage": "10"}
OWN: dict[str, Any] = {"symbol": "OWN", "base": "BTC", "tick_size": "0.1", "lot_size": "0.001"}
FREE = FeeSchedule("0", "0")
FIRST = MarginTier("0", "50000", "100", "0.01", "0")
"""The tier every table of one's own starts with here."""


def size(contract: Any = "binance:BTCUSDT", **changes: Any) -> Callable[[], object]:
    return lambda: lotwise.size(contract, **(TRADE | changes))


def held(contract: Any = "binance:BTCUSDT", **changes: Any) -> Callable[[], object]:
    return lambda: liquidation(contract, **(HELD | changes))


def own(**changes: Any) -> Callable[[], Contract]:
    return lambda: Contract(**(OWN | changes))


def tiers(*rows: tuple[str, str, str, str, str]) -> Callable[[], Contract]:
    return own(tiers=[FIRST, *(MarginTier(*row) for row in rows)])


def other(contract: Any = "binance:ETHUSDT", **changes: Any) -> Position:
    given = {"side": "short", "quantity": "1", "entry": "3000"}
    return Position(contract=contract, **(given | changes))


def cross(*others: object) -> Callable[[], object]:
    return size(margin="cross", others=list(others))


class Bad(NamedTuple):
    """One thing that cannot be used, the code it gets, and words of its message and of its hint."""

    what: str
    call: Callable[[], object]
    code: str
    says: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


PRICES = [
    Bad("entry zero", size(entry="0"), "SIZE-001", ("entry is 0",)),
    Bad("entry negative", size(entry="-65000"), "SIZE-001"),
    Bad("mark zero", size(mark="0"), "SIZE-001"),
    Bad(
        "entry off the tick",
        size(entry="65000.05"),
        "SIZE-002",
        ("65000.05", "tick 0.1"),
        ("65000.0 and 65000.1",),
    ),
    Bad("entry below one tick", size(entry="0.05"), "SIZE-002", ("0.05",), ("0.1",)),
    Bad("stop off the tick", size(stop="63700.01"), "SIZE-002", hints=("63700.0 and 63700.1",)),
    Bad("target off the tick", size(targets=["66000.01"]), "SIZE-002"),
    Bad("leg off the tick", size(entry="65000.05:50%,64000:50%"), "SIZE-002"),
    Bad("finer than 1e-8", size(entry="65000.123456789"), "UNIT-104"),
    Bad("entry in percent", size(entry="1%"), "UNIT-102", hints=("percentage",)),
    Bad("thousands separator", size(entry="65,000"), "UNIT-102", hints=("write 65000",)),
    Bad("exponent", size(entry="6.5e4"), "UNIT-102", hints=("write 65000",)),
    Bad("tiny exponent", size(spread="1e-9"), "UNIT-102", ("1e-9",)),
    Bad("entry nothing", size(entry=None), "UNIT-101"),
    Bad("entry as a float", size(entry=65000.0), "UNIT-101", ("float",), ("entry='65000.0'",)),
    Bad("ladder empty", size(entry=[]), "SIZE-004"),
    Bad("ladder of numbers", size(entry=[65000]), "SIZE-004"),
    Bad("ladder of triples", size(entry=[("65000", "50%", "x")]), "SIZE-004"),
    Bad("bytes", size(entry=b"65000"), "SIZE-004"),
    Bad("shares of 90 %", size(entry="65000:30%,64000:60%"), "SIZE-004", ("90 %",)),
    Bad("shares of 110 %", size(entry="65000:50%,64000:60%"), "SIZE-004", ("110 %",)),
    Bad("share zero", size(entry="65000:0%,64000:100%"), "SIZE-004"),
    Bad("share negative", size(entry="65000:-50%,64000:150%"), "SIZE-004"),
    Bad("share missing", size(entry="65000:,64000:50%"), "UNIT-102"),
    Bad("ladder of colons", size(entry=":,:"), "UNIT-102"),
]

STOPS = [
    Bad("side unknown", size(side="up"), "SIZE-003", ("'up'",), ("long or short",)),
    Bad("side nothing", size(side=None), "SIZE-003"),
    Bad("side empty", size(side=""), "SIZE-003"),
    Bad("side of 1", size(side=1), "SIZE-003"),
    Bad("side surrogate", size(side="\ud800"), "SIZE-003"),
    Bad("side in other letters", size(side="ｌｏｎｇ"), "SIZE-003"),
    Bad("long stop above", size(stop="65100"), "SIZE-005", ("65100.0", "65000.0", "long"), ("below",)),
    Bad("short stop below", size(side="short", stop="64000"), "SIZE-005", ("short",), ("above",)),
    Bad("stop equal to entry", size(stop="65000"), "SIZE-005", hints=("at least one tick",)),
    Bad("stop between legs", size(entry="65000:50%,64000:50%", stop="64500"), "SIZE-005"),
    Bad("stop zero percent", size(stop="0%"), "SIZE-006"),
    Bad("stop negative percent", size(stop="-2%"), "SIZE-006"),
    Bad("stop 100 %", size(stop="100%"), "SIZE-006"),
    Bad("stop 1000 %", size(side="short", stop="1000%"), "SIZE-006"),
    Bad("stop under a tick", size(stop="0.00001%"), "SIZE-006", ("one tick",)),
    Bad("stop zero", size(stop="0"), "SIZE-001"),
    Bad("stop nothing", size(stop=None), "UNIT-101"),
    Bad("stop of words", size(stop="tight"), "UNIT-102"),
    Bad("stop of a bare percent sign", size(stop="%"), "UNIT-102"),
    Bad("ATR missing", size(stop="1.5atr"), "SIZE-007", hints=("add the ATR",)),
    Bad("ATR zero", size(stop="1.5atr", atr="0"), "SIZE-006"),
    Bad("ATR negative", size(stop="1.5atr", atr="-650"), "SIZE-006"),
    Bad("no ATR at all", size(stop="0atr", atr="650"), "SIZE-006"),
    Bad("liquidation without leverage", size(stop="liquidation"), "SIZE-016"),
    Bad("liquidation under cross", size(stop="liq", leverage="10", margin="cross"), "SIZE-016"),
]

COSTS = [
    Bad("spread negative", size(spread="-1"), "SIZE-008"),
    Bad("slippage as the price", size(slippage="63700"), "SIZE-008"),
    Bad("slippage of 100 %", size(slippage="100%"), "SIZE-008"),
    Bad("both reach the price", size(spread="40000", slippage="40000"), "SIZE-008"),
    Bad("half a tick", size(slippage="0.5t"), "UNIT-104"),
    Bad("ticks of nothing", size(slippage="t"), "UNIT-102"),
    Bad("funding rate of 11 %", size(funding_rate="11%", hold_hours="8"), "SIZE-014"),
    Bad("funding without hold", size(funding_rate="0.01%"), "SIZE-014", hints=("hold",)),
    Bad("hold without funding", size(hold_hours="8"), "SIZE-014", hints=("funding rate",)),
    Bad("hold negative", size(hold_hours="-1"), "SIZE-014"),
    Bad("hold of two years", size(hold_hours="17520", funding_rate="0.01%"), "SIZE-014"),
    Bad("funding beyond half", size(hold_hours="8000", funding_rate="1%"), "SIZE-014"),
    Bad("interval of 0 h", size(hold_hours="8", funding_rate="1bp", funding_interval_hours="0"), "SIZE-014"),
    Bad("interval of 25 h", size(hold_hours="8", funding_rate="1bp", funding_interval_hours=25), "SIZE-014"),
    Bad("half an hour", size(hold_hours="8", funding_rate="1bp", funding_interval_hours="0.5"), "UNIT-104"),
    Bad(
        "funding interval unknown",
        size("binance:0GUSDT", entry="1", stop="0.9", funding_rate="0.01%", hold_hours="8"),
        "CONTRACT-302",
        ("0GUSDT",),
        ("interval",),
    ),
    Bad("fees as text", size(fees="0.1%"), "CONTRACT-122", hints=("FeeSchedule",)),
    Bad("fees as a dict", size(fees={"maker": "0"}), "CONTRACT-122"),
    Bad("fee of 11 %", lambda: FeeSchedule("0", "11%"), "CONTRACT-120"),
    Bad("rebate of 2 %", lambda: FeeSchedule("-2%", "0"), "CONTRACT-120"),
    Bad("fee as a float", lambda: FeeSchedule(0.0002, "0"), "UNIT-101"),  # type: ignore[arg-type]
    Bad("fee nothing", lambda: FeeSchedule("0", None), "UNIT-101"),  # type: ignore[arg-type]
    Bad("fee finer than 1e-8", lambda: FeeSchedule("0", "0.0000000001"), "UNIT-104"),
]

MONEY = [
    Bad("equity zero", size(equity="0"), "SIZE-010", ("equity is 0",)),
    Bad("equity negative", size(equity="-1000"), "SIZE-010"),
    Bad("equity in percent", size(equity="1%"), "UNIT-102", hints=("percentage",)),
    Bad("equity nothing", size(equity=None), "UNIT-101"),
    Bad("equity beyond 1e10", size(equity="10000000001"), "UNIT-105", ("10000000001",)),
    Bad("free margin above equity", size(free_margin="1001"), "SIZE-010", ("1001", "1000")),
    Bad("free margin zero", size(free_margin="0"), "SIZE-010"),
    Bad("risk zero", size(risk="0"), "SIZE-009"),
    Bad("risk zero percent", size(risk="0%"), "SIZE-009"),
    Bad("risk negative", size(risk="-1%"), "SIZE-009"),
    Bad("risk of 101 %", size(risk="101%"), "SIZE-009"),
    Bad("risk nothing", size(risk=None), "UNIT-101"),
    Bad("risk beyond 1e10", size(risk="99999999999"), "UNIT-105"),
    Bad("max margin zero", size(max_margin="0%"), "SIZE-019"),
    Bad("max margin of 101 %", size(max_margin="101%"), "SIZE-019"),
    Bad("liquidation multiple below 1", size(liquidation_multiple="0.5"), "SIZE-019"),
    Bad("liquidation multiple of 101", size(liquidation_multiple="101"), "SIZE-019"),
    Bad("leverage zero", size(leverage="0"), "SIZE-011"),
    Bad("leverage negative", size(leverage="-3"), "SIZE-011"),
    Bad("leverage between steps", size(leverage="2.5"), "SIZE-011", hints=("use 2",)),
    Bad("leverage in percent", size(leverage="10%"), "UNIT-102"),
    Bad("leverage of an x", size(leverage="x"), "UNIT-102"),
    Bad(
        "leverage over the contract's",
        size(leverage="151"),
        "SIZE-012",
        ("151x", "150x", "binance:BTCUSDT"),
        ("150 or less",),
    ),
    Bad("the plan's over the contract's", size(max_leverage="151"), "SIZE-012"),
    Bad(
        "leverage over the tier's",
        held(quantity="100", leverage="150"),
        "SIZE-012",
        ("tier 4", "50x"),
        ("50 or less",),
    ),
    Bad("margin mode unknown", size(margin="both"), "SIZE-017"),
    Bad("margin mode nothing", size(margin=None), "SIZE-017"),
    Bad("entry_as unknown", size(entry_as="limit"), "SIZE-018", hints=("taker or maker",)),
    Bad("entry_as nothing", size(entry_as=None), "SIZE-018"),
    Bad(
        "too large to count",
        size(
            Contract(**(OWN | {"tick_size": "900", "lot_size": "6000", "fees": FREE})), entry="900000000000"
        ),
        "SIZE-033",
    ),
]

TARGETS = [
    Bad("long target below", size(targets=["64000"]), "SIZE-015", ("above",)),
    Bad("target at the entry", size(targets=["65000"]), "SIZE-015"),
    Bad("short target above", size(side="short", targets="66000"), "SIZE-015", ("below",)),
    Bad("short target below zero", size(side="short", targets=["60R"]), "SIZE-015", ("zero",)),
    Bad("target of 0R", size(targets=["0R"]), "SIZE-015"),
    Bad("target of -2R", size(targets=["-2R"]), "SIZE-015"),
    Bad("target of 0 %", size(targets=["0%"]), "SIZE-006"),
    Bad("R without a stop price", size(stop="liq", leverage="5", targets=["2R"]), "SIZE-015"),
    Bad("shares above 100 %", size(targets=["1R:60%", "2R:50%"]), "SIZE-015"),
    Bad("share zero", size(targets=["1R:0%", "2R:50%"]), "SIZE-015"),
    Bad("two without share", size(targets=["1R:50%", "2R", "3R"]), "SIZE-015"),
    Bad("no share left", size(targets=["1R:100%", "2R"]), "SIZE-015"),
    Bad("share of words", size(targets=["1R:half"]), "UNIT-102"),
    Bad("targets of nothing", size(targets=None), "SIZE-015"),
    Bad("targets as a number", size(targets=66000), "SIZE-015"),
    Bad("targets as a dict", size(targets={}), "SIZE-015"),
    Bad("target empty", size(targets=[""]), "UNIT-102"),
    Bad("target nothing", size(targets=[None]), "UNIT-101"),
    Bad("target as a float", size(targets=[66000.0]), "UNIT-101"),
    Bad("target of a bare R", size(targets=["R"]), "UNIT-102"),
]

OTHERS = [
    Bad("others with isolated", size(others=[other()]), "SIZE-017", hints=("cross",)),
    Bad("others nothing", size(others=None), "SIZE-034"),
    Bad("others as text", size(margin="cross", others="ETHUSDT"), "SIZE-034"),
    Bad("others of text", cross("ETHUSDT,short,1,3000"), "SIZE-034", hints=("Position(",)),
    Bad("one of them text", cross(other(), "ETHUSDT"), "SIZE-034"),
    Bad("another venue", cross(other("bybit:ETHUSDT")), "SIZE-035", ("bybit:ETHUSDT", "binance:BTCUSDT")),
    Bad("another coin", cross(other(Contract(**(OWN | {"venue": "binance", "quote": "X"})))), "SIZE-035"),
    Bad(
        "other's tiers unknown",
        size("bybit:BTCUSDT", margin="cross", others=[other("bybit:ETHUSDT")]),
        "CONTRACT-303",
        ("bybit:ETHUSDT",),
    ),
    Bad("other's contract nothing", cross(other(None)), "CONTRACT-204"),
    Bad("other's contract unknown", cross(other("binance:ETHUSTD")), "CONTRACT-202"),
    Bad("other's side unknown", cross(other(side="up")), "SIZE-003"),
    Bad("other's quantity zero", cross(other(quantity="0")), "SIZE-030"),
    Bad("other's quantity a float", cross(other(quantity=0.5)), "UNIT-101"),
    Bad("other's entry zero", cross(other(entry="0")), "SIZE-001"),
    Bad("other's mark negative", cross(other(mark="-1")), "SIZE-001"),
    Bad("other too large to count", cross(other(quantity="10000000")), "SIZE-033", hints=("or less",)),
]

HOLDINGS = [
    Bad("quantity zero", held(quantity="0"), "SIZE-030"),
    Bad("quantity negative", held(quantity="-1"), "SIZE-030"),
    Bad("quantity nothing", held(quantity=None), "UNIT-101"),
    Bad("quantity empty", held(quantity=""), "UNIT-102"),
    Bad(
        "quantity between lots",
        held(quantity="0.0015"),
        "SIZE-031",
        ("0.0015", "0.001"),
        ("0.001 and 0.002",),
    ),
    Bad("quantity under a lot", held(quantity="0.0001"), "SIZE-031", hints=("0.001",)),
    Bad("contracts between lots", held(quantity="0.0015 contracts"), "SIZE-031"),
    Bad("quantity in another coin", held(quantity="1 ETH"), "SIZE-032", hints=("BTC or contracts",)),
    Bad("quantity in USDT", held(quantity="100 USDT"), "SIZE-032"),
    Bad("quantity too large", held(quantity="10000000", leverage="1"), "SIZE-033", hints=("or less",)),
    Bad("entry zero", held(entry="0"), "SIZE-001"),
    Bad("mark negative", held(mark="-1"), "SIZE-001"),
    Bad("extra margin negative", held(extra_margin="-1"), "SIZE-040"),
    Bad("others with isolated", held(others=[other()]), "SIZE-040"),
    Bad("leverage and wallet", held(wallet="1000"), "SIZE-040"),
    Bad("neither of them", held(leverage=None), "SIZE-040"),
    Bad("margin mode unknown", held(margin="both"), "SIZE-040"),
    Bad("cross without wallet", held(margin="cross"), "SIZE-040"),
    Bad("cross wallet negative", held(margin="cross", wallet="-1"), "SIZE-040"),
    Bad("isolated wallet zero", held(leverage=None, wallet="0"), "SIZE-010"),
    Bad("margin call at 0 %", held(margin_call_at="0%"), "SIZE-040"),
    Bad("margin call at 101 %", held(margin_call_at="101%"), "SIZE-040"),
    Bad("rule of no day", held(on="yesterday"), "SIZE-041"),
    Bad("rule of a number", held(on=20250902), "SIZE-041"),
    Bad("rule of the 31st of June", held(on="2025-06-31"), "SIZE-041"),
    Bad("rule of an odd day", held(on="20250902"), "SIZE-041"),
    Bad("tiers unknown", held("bybit:BTCUSDT"), "CONTRACT-303", ("bybit:BTCUSDT",), ("tiers",)),
    Bad("leverage over the contract's", held(leverage="151"), "SIZE-012"),
]

UNKNOWN = [
    Bad("contract nothing", size(None), "CONTRACT-204", ("NoneType",)),
    Bad("contract empty", size(""), "CONTRACT-204"),
    Bad("contract blank", size("  "), "CONTRACT-204"),
    Bad("contract of a float", size(65000.0), "CONTRACT-204"),
    Bad("contract of bytes", size(b"BTCUSDT"), "CONTRACT-204"),
    Bad("contract of a list", size(["BTCUSDT"]), "CONTRACT-204"),
    Bad("contract of colons", size("::"), "CONTRACT-204"),
    Bad("contract with a blank", size("BTC USDT"), "CONTRACT-204"),
    Bad("contract of a surrogate", size("BTC\ud800"), "CONTRACT-204"),
    Bad("contract with a newline", size("BTCUSDT\nX"), "CONTRACT-204"),
    Bad("contract in Cyrillic", size("ВТСUSDT"), "CONTRACT-204", ("U+0412",)),
    Bad("contract of 5,000 digits", size(LONG_DIGITS), "CONTRACT-202"),
    Bad("contract misspelt", size("BTCUSTD"), "CONTRACT-202", ("BTCUSTD",), ("binance:BTCUSDT",)),
    Bad("a coin alone", size("binance:ETH"), "CONTRACT-202", hints=("binance:ETHUSDT",)),
    Bad("venue unknown", size("kraken:BTCUSDT"), "CONTRACT-201", ("kraken",), ("binance, bybit",)),
    Bad(
        "before the first facts",
        lambda: catalogue.load("BTCUSDT", "2019-01-01"),
        "CONTRACT-203",
        ("2019-01-01", "2021-07-21"),
    ),
    Bad("no day", lambda: catalogue.load("BTCUSDT", "yesterday"), "CONTRACT-205"),
    Bad("a day of digits", lambda: catalogue.load("BTCUSDT", "20250901"), "CONTRACT-205"),
    Bad("a day of a number", lambda: catalogue.load("BTCUSDT", 20250901), "CONTRACT-205"),  # type: ignore[arg-type]
    Bad("a day of nobody", lambda: catalogue.load("BTCUSDT", datetime(2025, 9, 1)), "CONTRACT-205"),
    Bad("a day of a surrogate", lambda: catalogue.load("BTCUSDT", "2025-09-\ud800"), "CONTRACT-205"),
    Bad(
        "fees unknown",
        lambda: lotwise.size(catalogue.load("BTCUSDT", "2021-12-01"), **TRADE),
        "CONTRACT-301",
        ("2021-07-21",),
        ("maker and taker",),
    ),
]

CONTRACTS = [
    Bad("symbol empty", own(symbol=""), "CONTRACT-101"),
    Bad("symbol nothing", own(symbol=None), "CONTRACT-101"),
    Bad("symbol of a number", own(symbol=5), "CONTRACT-101"),
    Bad("symbol with a blank", own(symbol="A B"), "CONTRACT-101"),
    Bad("symbol with a colon", own(symbol="A:B"), "CONTRACT-101"),
    Bad("symbol of 41 letters", own(symbol="A" * 41), "CONTRACT-101"),
    Bad("symbol of a surrogate", own(symbol="\ud800"), "CONTRACT-101"),
    Bad("symbol with an escape", own(symbol="\x1b[31m"), "CONTRACT-101"),
    Bad("base empty", own(base=""), "CONTRACT-101"),
    Bad("quote empty", own(quote=""), "CONTRACT-101"),
    Bad("settle blank", own(settle=" "), "CONTRACT-101"),
    Bad("venue empty", own(venue=""), "CONTRACT-101"),
    Bad("kind unknown", own(kind="inverse"), "CONTRACT-102", hints=("linear_perpetual",)),
    Bad("maintenance rule unknown", own(maintenance_rule="last"), "CONTRACT-102"),
    Bad("leverage step zero", own(leverage_step="0"), "CONTRACT-103"),
    Bad("leverage step of 2", own(leverage_step="2"), "CONTRACT-103"),
    Bad("max leverage zero", own(max_leverage="0"), "CONTRACT-103"),
    Bad("max leverage of 1001", own(max_leverage="1001"), "CONTRACT-103"),
    Bad("tick zero", own(tick_size="0"), "CONTRACT-104"),
    Bad("tick negative", own(tick_size="-0.1"), "CONTRACT-104"),
    Bad("tick nothing", own(tick_size=None), "UNIT-101"),
    Bad("tick as a float", own(tick_size=0.1), "UNIT-101"),
    Bad("lot zero", own(lot_size="0"), "CONTRACT-104"),
    Bad("contract size zero", own(contract_size="0"), "CONTRACT-104"),
    Bad("min quantity negative", own(min_quantity="-1"), "CONTRACT-104"),
    Bad("min notional negative", own(min_notional="-1"), "CONTRACT-104"),
    Bad("max quantity zero", own(max_quantity="0"), "CONTRACT-105"),
    Bad("max below min", own(min_quantity="2", max_quantity="1"), "CONTRACT-105", ("1000 lots", "2000 lots")),
    Bad("market max below min", own(min_quantity="2", max_market_quantity="1"), "CONTRACT-105"),
    Bad("unit finer than 1e-8", own(tick_size="0.00001", lot_size="0.0001"), "CONTRACT-110"),
    Bad("tick above 900", own(tick_size="901"), "CONTRACT-111", ("900",)),
    Bad("lot too large", own(tick_size="900", lot_size="999999999999"), "CONTRACT-111"),
    Bad(
        "tier cap beyond the proof",
        own(tiers=[MarginTier("0", "6000000000", "1", "0.5", "0")]),
        "CONTRACT-112",
    ),
    Bad("fees of a tuple", own(fees=("0", "0")), "CONTRACT-122"),
    Bad("fees of text", own(fees="0.1%"), "CONTRACT-122"),
    Bad("funding of a number", own(funding=8), "CONTRACT-122"),
    Bad("funding of a dict", own(funding={"interval_hours": 8}), "CONTRACT-122"),
    Bad("funding of 0 h", lambda: FundingTerms(0), "CONTRACT-121"),
    Bad("funding of 25 h", lambda: FundingTerms(25), "CONTRACT-121"),
    Bad("funding of text", lambda: FundingTerms("8"), "CONTRACT-121"),  # type: ignore[arg-type]
    Bad("funding of a float", lambda: FundingTerms(8.0), "CONTRACT-121"),  # type: ignore[arg-type]
    Bad("funding of yes", lambda: FundingTerms(True), "CONTRACT-121"),
    Bad("tiers of text", own(tiers="0:50000:100:0.01:0"), "CONTRACT-130"),
    Bad("tiers nothing", own(tiers=None), "CONTRACT-130"),
    Bad("tiers of tuples", own(tiers=[("0", "50000", "100", "0.01", "0")]), "CONTRACT-130"),
    Bad("tier with its cap at its floor", tiers(("50000", "50000", "50", "0.02", "500")), "CONTRACT-130"),
    Bad("tier rate of 1", tiers(("50000", "60000", "50", "1", "500")), "CONTRACT-130"),
    Bad("tier leverage below 1", tiers(("50000", "60000", "0.5", "0.02", "500")), "CONTRACT-130"),
    Bad("tier rate falls", tiers(("50000", "60000", "50", "0.005", "0")), "CONTRACT-130"),
    Bad("tier leverage rises", tiers(("50000", "60000", "200", "0.02", "500")), "CONTRACT-130"),
    Bad("tier too fine", own(tiers=[MarginTier("0", "0.00000001", "1", "0.5", "0")]), "CONTRACT-130"),
    Bad("gap between tiers", tiers(("60000", "70000", "50", "0.02", "500")), "CONTRACT-131", ("50000",)),
    Bad(
        "cumulative amount wrong",
        tiers(("50000", "60000", "50", "0.02", "499")),
        "CONTRACT-132",
        ("499", "500"),
        ('"500"',),
    ),
    Bad("cumulative at 0", own(tiers=[MarginTier("0", "5", "1", "0.5", "1")]), "CONTRACT-132"),
    Bad("tier as floats", own(tiers=[MarginTier(0.0, 5.0, 1.0, 0.5, 0.0)]), "UNIT-101"),  # type: ignore[arg-type]
    Bad(
        "size on tiers from 50 on",
        size(Contract(**(OWN | {"fees": FREE, "tiers": [MarginTier("50", "90000", "9", "0.05", "2")]}))),
        "CONTRACT-304",
    ),
    Bad("leverage step wrong", size(Contract(**(OWN | {"fees": FREE})), leverage="2.5"), "SIZE-011"),
]

LIBRARY = {
    "prices": PRICES,
    "stops": STOPS,
    "costs": COSTS,
    "money": MONEY,
    "targets": TARGETS,
    "others": OTHERS,
    "holdings": HOLDINGS,
    "unknown": UNKNOWN,
    "contracts": CONTRACTS,
}


def check_refused(call: Callable[[], object]) -> LotwiseError:
    """The error of a call that must be refused, with everything an error has to have."""
    with pytest.raises(LotwiseError) as caught:
        call()
    error = caught.value
    assert isinstance(error, InputError)
    assert type(error) in (InputError, UnitError, FactsError)
    assert error.exit_code == 2
    assert CODE.fullmatch(f'"{error.code}"')
    assert error.message.strip()
    assert error.hint.strip()
    assert error.as_dict() == {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
    assert str(error) == f"[{error.code}] {error.message} (hint: {error.hint})"
    return error


@pytest.mark.parametrize(
    "line", [pytest.param(line, id=f"{group}-{line.what}") for group in LIBRARY for line in LIBRARY[group]]
)
def test_the_library_refuses(line: Bad) -> None:
    error = check_refused(line.call)
    assert error.code == line.code
    assert isinstance(error, UnitError) == line.code.startswith("UNIT")
    for words in line.says:
        assert words in error.message
    for words in line.hints:
        assert words in error.hint


# -- any junk where a number is wanted -------------------------------------------------------------

Take = Callable[[Any], object]

NUMBERS: dict[str, Take] = {
    "size entry": lambda junk: size(entry=junk)(),
    "size entry of a leg": lambda junk: size(entry=[(junk, "50%"), ("64000", "50%")])(),
    "size share of a leg": lambda junk: size(entry=[("65000", junk), ("64000", "50%")])(),
    "size stop": lambda junk: size(stop=junk)(),
    "size equity": lambda junk: size(equity=junk)(),
    "size risk": lambda junk: size(risk=junk)(),
    "size atr": lambda junk: size(stop="2atr", atr=junk)(),
    "size spread": lambda junk: size(spread=junk)(),
    "size slippage": lambda junk: size(slippage=junk)(),
    "size funding_rate": lambda junk: size(funding_rate=junk, hold_hours="8")(),
    "size hold_hours": lambda junk: size(funding_rate="0.01%", hold_hours=junk)(),
    "size interval": lambda junk: size(funding_rate="1bp", hold_hours=8, funding_interval_hours=junk)(),
    "size target": lambda junk: size(targets=[junk])(),
    "size leverage": lambda junk: size(leverage=junk)(),
    "size max_leverage": lambda junk: size(max_leverage=junk)(),
    "size liquidation_multiple": lambda junk: size(liquidation_multiple=junk)(),
    "size max_margin": lambda junk: size(max_margin=junk)(),
    "size free_margin": lambda junk: size(free_margin=junk)(),
    "size mark": lambda junk: size(mark=junk)(),
    "other quantity": lambda junk: cross(other(quantity=junk))(),
    "other entry": lambda junk: cross(other(entry=junk))(),
    "other mark": lambda junk: cross(other(mark=junk))(),
    "liquidation quantity": lambda junk: held(quantity=junk)(),
    "liquidation entry": lambda junk: held(entry=junk)(),
    "liquidation leverage": lambda junk: held(leverage=junk)(),
    "liquidation wallet": lambda junk: held(leverage=None, wallet=junk)(),
    "liquidation cross wallet": lambda junk: held(margin="cross", wallet=junk)(),
    "liquidation extra_margin": lambda junk: held(extra_margin=junk)(),
    "liquidation mark": lambda junk: held(mark=junk)(),
    "liquidation margin_call_at": lambda junk: held(margin_call_at=junk)(),
    "fee maker": lambda junk: FeeSchedule(junk, "0"),
    "fee taker": lambda junk: FeeSchedule("0", junk),
    **{
        f"contract {name}": lambda junk, name=name: own(**{name: junk})()  # type: ignore[misc]
        for name in (
            "tick_size",
            "lot_size",
            "contract_size",
            "min_quantity",
            "max_quantity",
            "max_market_quantity",
            "min_notional",
            "max_leverage",
            "leverage_step",
            "liquidation_fee",
        )
    },
    **{
        f"tier {name}": lambda junk, name=name: own(  # type: ignore[misc]
            tiers=[MarginTier(**(dict.fromkeys(MarginTier.__struct_fields__, "1") | {name: junk}))]
        )()
        for name in MarginTier.__struct_fields__
    },
}

ELSEWHERE = {
    ("liquidation quantity", "1 000"): "SIZE-032",
    ("other quantity", "1 000"): "SIZE-032",
}


@pytest.mark.parametrize("name", NUMBERS)
def test_junk_where_a_number_is_wanted(name: str) -> None:
    for junk, code in JUNK_VALUES:
        wanted = ELSEWHERE.get((name, junk) if isinstance(junk, str) else ("", ""), code)
        error = check_refused(lambda junk=junk: NUMBERS[name](junk))  # type: ignore[misc]
        assert error.code == wanted, f"{name} = {junk!r:.60}"
        assert len(error.message) < 300


@pytest.mark.parametrize("junk", WRONG_TYPES, ids=lambda junk: f"{type(junk).__name__}-{junk!s:.5}")
@pytest.mark.parametrize(
    "name", ["contract", "others", "fees", "targets", "contract.fees", "contract.funding", "contract.tiers"]
)
def test_a_wrong_type_where_a_record_is_wanted(name: str, junk: object) -> None:
    calls: dict[str, tuple[Callable[[], object], set[str]]] = {
        "contract": (size(junk), {"CONTRACT-202", "CONTRACT-204"}),
        "others": (size(margin="cross", others=junk), {"SIZE-034"}),
        "fees": (size(fees=junk), {"CONTRACT-122"}),
        "targets": (size(targets=junk), {"SIZE-015", "UNIT-102"}),
        "contract.fees": (own(fees=junk), {"CONTRACT-122"}),
        "contract.funding": (own(funding=junk), {"CONTRACT-122"}),
        "contract.tiers": (own(tiers=junk), {"CONTRACT-130"}),
    }
    call, codes = calls[name]
    assert check_refused(call).code in codes


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (size(side=HUGE), "SIZE-003"),
        (size(margin=HUGE), "SIZE-017"),
        (size(entry_as=HUGE), "SIZE-018"),
        (size(entry=[HUGE]), "SIZE-004"),
        (size(equity=[HUGE]), "UNIT-101"),
        (size(targets=HUGE), "SIZE-015"),
        (size(fees=HUGE), "CONTRACT-122"),
        (own(symbol=HUGE), "CONTRACT-101"),
        (own(kind=HUGE), "CONTRACT-102"),
        (own(funding=HUGE), "CONTRACT-122"),
        (lambda: FundingTerms(HUGE), "CONTRACT-121"),
        (held(on=HUGE), "SIZE-041"),
        (lambda: catalogue.load("BTCUSDT", HUGE), "CONTRACT-205"),  # type: ignore[arg-type]
    ],
    ids=[
        *("side", "margin", "entry_as", "leg", "in a list", "targets", "fees", "symbol", "kind", "funding"),
        *("funding hours", "day of the rule", "day of the facts"),
    ],
)
def test_an_integer_too_long_to_print(call: Callable[[], object], code: str) -> None:
    """Python turns no integer of more than 4,300 digits into text; an error must not try."""
    assert check_refused(call).code == code


def test_a_flag_of_a_contract_that_is_no_flag() -> None:
    """``margin_holds_closing_fee="no"`` is a slip that must not wait for the first trade."""
    for junk in ("no", "yes", 5, None, []):
        with pytest.raises(InputError):
            own(margin_holds_closing_fee=junk)()


def test_a_long_name_is_not_printed_in_full() -> None:
    error = check_refused(size("A" * 5_000))
    assert error.code == "CONTRACT-202"
    assert len(error.message) < 1_000


# -- the command line ------------------------------------------------------------------------------

SIZE = ["size", "BTCUSDT", "--entry", "65000", "--stop", "2%", "--equity", "1000"]
LIQ = ["liq", "BTCUSDT", "--quantity", "1", "--entry", "60000"]


def given(words: list[str], option: str, value: str) -> list[str]:
    """The command with one option given, or given another value."""
    if option in words:
        place = words.index(option)
        return [*words[:place], *words[place + 2 :], option, value]
    return [*words, option, value]


class Wrong(NamedTuple):
    """A command line that cannot be run."""

    words: list[str]
    code: str
    hints: str = ""


def size_of(symbol: str, *more: str) -> list[str]:
    return [SIZE[0], symbol, *SIZE[2:], *more]


COMMANDS = [
    Wrong(["nope"], "USAGE-001", "lotwise --help"),
    Wrong(["--bogus"], "USAGE-001"),
    Wrong(["size"], "USAGE-001", "lotwise size --help"),
    Wrong(["size", "BTCUSDT"], "USAGE-001"),
    Wrong([*SIZE, "extra"], "USAGE-001"),
    Wrong([*SIZE, "--bogus", "1"], "USAGE-001"),
    Wrong([*SIZE, "--equity", "5"], "USAGE-001"),
    Wrong([*SIZE, "--leverage"], "USAGE-001"),
    Wrong([*SIZE, "--equity", "-5"], "USAGE-001", "--equity=-5"),
    Wrong([*SIZE, "--side", "up"], "USAGE-001"),
    Wrong([*SIZE, "--margin", "both"], "USAGE-001"),
    Wrong([*SIZE, "--entry-as", "limit"], "USAGE-001"),
    Wrong(["liq", "BTCUSDT"], "USAGE-001", "lotwise liq --help"),
    Wrong(["demo", "x"], "USAGE-001", "lotwise demo --help"),
    Wrong(["contracts", "--top", "many"], "USAGE-001", "lotwise contracts --help"),
    Wrong(["contracts", "--top", LONG_DIGITS], "USAGE-001"),
    Wrong(["contracts", "--top", "0"], "USAGE-007"),
    Wrong(["contracts", "--top", "-3"], "USAGE-007"),
    Wrong(["contracts", "--top", "9" * 30], "USAGE-007"),
    Wrong(["contracts", "BTC", "ETH", "SOL"], "USAGE-001"),
    Wrong(["contracts", "nosuchcoin"], "CONTRACT-202"),
    Wrong(["contracts", "binance:NOSUCH"], "CONTRACT-202"),
    Wrong(["contracts", "\ud800"], "CONTRACT-202"),
    Wrong(["contracts", "BTC", "--venue", "kraken"], "CONTRACT-201", "binance"),
    Wrong(["contracts", "binance:BTCUSDT", "--venue", "bybit"], "USAGE-002"),
    Wrong(["contracts", "BTC", "--as-of", "2019-01-01"], "CONTRACT-203"),
    Wrong(["contracts", "BTC", "--as-of", "yesterday"], "CONTRACT-205"),
    Wrong(["contracts", "binance:BTCUSDT", "--as-of", "2019-01-01"], "CONTRACT-203", "2021-07-21"),
    Wrong(size_of(""), "CONTRACT-204"),
    Wrong(size_of("BTC\ud800"), "CONTRACT-204"),
    Wrong(size_of("BTCUSTD"), "CONTRACT-202", "binance:BTCUSDT"),
    Wrong(size_of("kraken:BTCUSDT"), "CONTRACT-201"),
    Wrong(size_of("BTCUSDT", "--venue", "kraken"), "CONTRACT-201"),
    Wrong(size_of("binance:BTCUSDT", "--venue", "bybit"), "USAGE-002"),
    Wrong(size_of("bybit:BTCUSDT-14AUG26"), "CONTRACT-206", "BTCUSDT"),
    Wrong(size_of("BTCUSDT", "--as-of", "soon"), "CONTRACT-205"),
    Wrong(size_of("BTCUSDT", "--as-of", "2019-01-01"), "CONTRACT-203"),
    Wrong(size_of("BTCUSDT", "--as-of", "2021-12-01"), "CONTRACT-301"),
    Wrong(size_of("BTCUSDT", "--as-of", "2021-12-01", "--taker", "5bp"), "USAGE-003", "--maker and --taker"),
    Wrong([*SIZE, "--other", "ETHUSDT"], "USAGE-004", "ETHUSDT,short,0.5,3000"),
    Wrong([*SIZE, "--other", ""], "USAGE-004"),
    Wrong([*SIZE, "--other", "ETHUSDT,short,1,3000"], "SIZE-017"),
    Wrong([*SIZE[:4], *SIZE[6:]], "USAGE-005", "--stop-pct"),
    Wrong([*SIZE, "--stop-pct", "2"], "USAGE-005"),
    Wrong([*SIZE, "--short", "--side", "long"], "USAGE-008"),
    Wrong([*SIZE, "--short", "--side", "buy"], "USAGE-008"),
    Wrong([*LIQ, "--leverage", "10", "--tier", "0:1:2"], "USAGE-006", "floor:cap:leverage:rate:cumulative"),
    Wrong([*LIQ, "--leverage", "10", "--tier", ""], "USAGE-006"),
    Wrong([*LIQ, "--leverage", "10", "--tier", "0:1000000:100:0.01:5"], "CONTRACT-132"),
    Wrong([*LIQ, "--leverage", "9", "--tier", "50:90000:9:0.05:2", "--mark", "10"], "CONTRACT-304"),
    Wrong([*LIQ, "--leverage", "10", "--on", "2025"], "SIZE-041"),
    Wrong(LIQ, "SIZE-040", "leverage"),
    Wrong([*LIQ, "--leverage", "10", "--wallet", "5"], "SIZE-040"),
    Wrong(given([*LIQ, "--leverage", "10"], "--quantity", "1 ETH"), "SIZE-032"),
    Wrong(given([*LIQ, "--leverage", "10"], "--quantity", "0.0005"), "SIZE-031"),
    Wrong(given([*LIQ, "--leverage", "150"], "--quantity", "100"), "SIZE-012"),
    Wrong(["liq", "bybit:BTCUSDT", *LIQ[2:], "--leverage", "10"], "CONTRACT-303", "--tier"),
    Wrong([*SIZE, "--leverage", "151"], "SIZE-012", "150"),
    Wrong(given(SIZE, "--entry", "-5"), "SIZE-001"),
    Wrong(given(SIZE, "--entry", "65000.05"), "SIZE-002", "65000.0 and 65000.1"),
    Wrong(given(SIZE, "--stop", "66000"), "SIZE-005"),
    Wrong(given(SIZE, "--equity", "0"), "SIZE-010"),
    Wrong(given(SIZE, "--equity", "-1000"), "SIZE-010"),
    Wrong(given(SIZE, "--equity", "1%"), "UNIT-102"),
    Wrong(given(SIZE, "--entry", "65,000"), "UNIT-102", "write 65000"),
    Wrong([*SIZE, "--target", "66000,"], "UNIT-102"),
]

SIZE_OPTIONS = [
    *("--entry", "--stop", "--equity", "--risk", "--leverage", "--max-leverage", "--maker", "--taker"),
    *("--spread", "--slippage", "--liq-multiple", "--max-margin", "--free-margin", "--mark", "--target"),
]
LIQ_OPTIONS = ["--quantity", "--entry", "--wallet", "--extra-margin", "--mark", "--margin-call-at"]
JUNK_WORDS = ["nan", "1,000", "６５０００", "\ud800", ""]
"""The rest of the junk has been through the library above; these show that the words arrive."""


def check_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Exit code 2, ``error[CODE]:`` and ``hint:`` on standard error, and the same as JSON with --json."""
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    first, *rest = shown.err.splitlines()
    assert re.match(r"error\[[A-Z]+-\d{3}\]: .+", first)
    hint = [line for line in rest if line.startswith("hint: ")]
    assert len(hint) == 1
    assert main([*words, "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.err == ""
    answer = json.loads(shown.out)
    assert answer.keys() == {"error"}
    error: dict[str, str] = answer["error"]
    assert error.keys() == {"code", "message", "hint"}
    assert error["message"]
    assert hint[0] == f"hint: {error['hint']}"
    assert first.startswith(f"error[{error['code']}]: ")
    return error


def shown_words(words: list[str]) -> str:
    return " ".join(word.encode("ascii", "backslashreplace").decode()[:24] for word in words)


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: shown_words(line.words))
def test_the_command_line_refuses(line: Wrong, capsys: pytest.CaptureFixture[str]) -> None:
    error = check_command(line.words, capsys)
    assert error["code"] == line.code
    assert line.hints in error["hint"]


@pytest.mark.parametrize("option", SIZE_OPTIONS)
def test_junk_for_an_option_of_size(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for junk in JUNK_WORDS:
        if option == "--target" and "," in junk:
            continue  # a comma separates targets
        error = check_command(given(SIZE, option, junk), capsys)
        assert error["code"] == JUNK_TEXT[junk], f"{option} {junk!r:.40}"


@pytest.mark.parametrize("option", LIQ_OPTIONS)
def test_junk_for_an_option_of_liq(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = LIQ if option == "--wallet" else [*LIQ, "--leverage", "10"]
    for junk in JUNK_WORDS:
        error = check_command(given(words, option, junk), capsys)
        assert error["code"] == JUNK_TEXT[junk], f"{option} {junk!r:.40}"


# -- trades that do not fit ------------------------------------------------------------------------

OWN_TIERS = [MarginTier("0", "50", "100", "0.01", "0"), MarginTier("50", "50000", "10", "0.05", "2")]


def own_size(**facts: Any) -> Callable[..., object]:
    contract = Contract(**(OWN | {"fees": FREE} | facts))
    return lambda **changes: size(contract, **changes)()


REFUSALS: dict[str, tuple[str, Callable[[], object]]] = {
    "SIZE-110": ("lot", own_size(lot_size="0.01")),
    "SIZE-111": ("min_notional", size(entry="60000", equity="200")),
    "SIZE-120": ("max_quantity", own_size(max_quantity="0.001", min_notional="100")),
    "SIZE-130": ("margin", size(free_margin="1", leverage="1")),
    "SIZE-131": ("headroom", size(max_margin="1%", leverage="1")),
    "SIZE-140": ("max_leverage", size(max_leverage="1", free_margin="50")),
    "SIZE-141": ("tier", lambda: own_size(tiers=OWN_TIERS)(leverage="20", stop="64900")),
    "SIZE-150": ("liquidation", size(leverage="50")),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_trade_that_does_not_fit_says_by_which_rule(code: str) -> None:
    rule, call = REFUSALS[code]
    plan = call()
    assert isinstance(plan, SizePlan)
    assert not plan.feasible
    assert plan.blocked_by is not None
    assert (plan.blocked_by.code, plan.blocked_by.rule) == (code, rule)
    assert plan.blocked_by.text.startswith("the smallest order")
    assert plan.lots == 0


def test_the_tables_reach_every_code_in_the_source() -> None:
    in_source = {code for path in SRC.rglob("*.py") for code in CODE.findall(path.read_text("utf-8"))}
    tables = {line.code for group in LIBRARY.values() for line in group}
    tables |= {line.code for line in COMMANDS} | {code for _, code in JUNK_VALUES}
    tables |= {line.code for line in KINDS} | {code for code, _ in KINDS_COMMANDS}
    elsewhere = {code for path in ELSEWHERE_TESTED for code in NAMED.findall(path.read_text("utf-8"))}
    assert in_source - NOT_INPUT <= tables | REFUSALS.keys() | elsewhere
    assert tables <= in_source
    assert len(in_source) > 100


def test_the_library_alone_reaches_every_code_that_is_not_of_the_command_line() -> None:
    library = {path for path in SRC.rglob("*.py") if "cli" not in path.relative_to(SRC).parts}
    in_library = {code for path in library for code in CODE.findall(path.read_text("utf-8"))}
    reached = {line.code for group in LIBRARY.values() for line in group} | {code for _, code in JUNK_VALUES}
    reached |= {line.code for line in KINDS}
    elsewhere = {code for path in ELSEWHERE_TESTED for code in NAMED.findall(path.read_text("utf-8"))}
    assert in_library - REFUSALS.keys() <= reached | elsewhere
