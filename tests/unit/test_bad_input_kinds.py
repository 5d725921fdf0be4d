"""What cannot be asked of inverse contracts, hedges, listed futures and venues that add a fee."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import lotwise
from lotwise import Contract, FeeSchedule, MarginTier, Position
from lotwise.cli.main import main
from lotwise.errors import LotwiseError

TIERS = [MarginTier("0", "50000", "100", "0.01", "0")]
LISTED: dict[str, Any] = {
    "symbol": "FUT",
    "venue": "own",
    "base": "BTC",
    "quote": "USD",
    "kind": "linear_dated",
    "tick_size": "5",
    "lot_size": "1",
    "contract_size": "0.1",
    "clearing": True,
    "fees": FeeSchedule("0", "0"),
}
INVERSE: dict[str, Any] = {
    "symbol": "INV",
    "venue": "own",
    "base": "BTC",
    "quote": "USD",
    "kind": "inverse_perpetual",
    "tick_size": "0.1",
    "lot_size": "1",
    "contract_size": "100",
    "fees": FeeSchedule("0", "0"),
    "tiers": TIERS,
}
FEE_TOO: dict[str, Any] = {
    "symbol": "FEE",
    "venue": "own",
    "base": "BTC",
    "tick_size": "0.1",
    "lot_size": "0.001",
    "tiers": TIERS,
    "liquidation_holds_closing_fee": True,
}
TRADE: dict[str, Any] = {"side": "long", "entry": "60000", "stop": "2%", "equity": "1000", "risk": "1%"}
HELD: dict[str, Any] = {"side": "long", "entry": "60000"}


def size(facts: dict[str, Any], **changes: Any) -> Callable[[], object]:
    return lambda: lotwise.size(Contract(**facts), **(TRADE | changes))


def held(facts: dict[str, Any], quantity: str, **changes: Any) -> Callable[[], object]:
    return lambda: lotwise.liquidation(Contract(**facts), quantity=quantity, **(HELD | changes))


def made(facts: dict[str, Any], **changes: Any) -> Callable[[], object]:
    return lambda: Contract(**(facts | changes))


class Bad(NamedTuple):
    """One thing that cannot be used, its code, and words of the message."""

    what: str
    call: Callable[[], object]
    code: str
    says: str = ""


OTHER = Position(contract="binance:ETHUSDT", side="short", quantity="1", entry="3000")
CROSS: dict[str, Any] = {"margin": "cross", "wallet": "1000"}
KINDS = [
    Bad(
        "a margin per contract without clearing",
        made(INVERSE, initial_margin_per_contract="1"),
        "CONTRACT-106",
    ),
    Bad(
        "maintenance per contract without clearing",
        made(FEE_TOO, maintenance_margin_per_contract="1"),
        "CONTRACT-106",
    ),
    Bad("clearing that is no flag", made(LISTED, clearing="yes"), "CONTRACT-102", "clearing"),
    Bad("closing fee that is no flag", made(FEE_TOO, liquidation_holds_closing_fee=1), "CONTRACT-102"),
    Bad("a kind of its own", made(INVERSE, kind="quanto_perpetual"), "CONTRACT-102", "quanto"),
    Bad("an inverse tick too large", made(INVERSE, tick_size="500"), "CONTRACT-111", "400"),
    Bad(
        "an inverse lot no number of ticks",
        made(INVERSE, tick_size="0.3", contract_size="0.00000001"),
        "CONTRACT-110",
    ),
    Bad("an inverse contract too large", made(INVERSE, contract_size="999999999999"), "CONTRACT-111"),
    Bad("a sector that is no text", made(INVERSE, sector=5), "CONTRACT-122", "sector"),
    Bad("an inverse price out of range", size(INVERSE, entry="90000000"), "SIZE-033"),
    Bad("coins of an inverse contract", held(INVERSE, "0.01 BTC", leverage="5"), "SIZE-032", "not counted"),
    Bad(
        "part of an inverse contract",
        held(INVERSE, "150 USD", leverage="5"),
        "SIZE-031",
        "multiple of the lot 100",
    ),
    Bad(
        "the closing fee unknown", held(FEE_TOO, "1", leverage="5"), "CONTRACT-301", "part of its liquidation"
    ),
    Bad("leverage of a listed future", size(LISTED, leverage="5"), "SIZE-044", "no leverage"),
    Bad("liquidation as the stop of a listed future", size(LISTED, stop="liquidation"), "SIZE-044"),
    Bad("a listed future without a wallet", held(LISTED, "0.1"), "SIZE-043", "account"),
    Bad("a listed future beside others", held(LISTED, "0.1", wallet="9000", others=[OTHER]), "SIZE-043"),
    Bad(
        "maintenance of a listed future unknown", held(LISTED, "0.1", wallet="9000"), "CONTRACT-305", "broker"
    ),
    Bad(
        "a hedge in isolated margin",
        held(INVERSE, "100", leverage="5", opposite=("100", "60000")),
        "SIZE-042",
    ),
    Bad("a hedge of one word", held(INVERSE, "100", opposite="100", **CROSS), "SIZE-042", "opposite"),
    Bad(
        "a hedge by entry rule",
        held(INVERSE | {"maintenance_rule": "entry"}, "100", opposite=("100", "1"), **CROSS),
        "SIZE-042",
    ),
    Bad("a hedge of junk", held(INVERSE, "100", opposite=("x", "60000"), **CROSS), "UNIT-102"),
    Bad(
        "a hedge of too many lots",
        held(
            INVERSE | {"contract_size": "1", "lot_size": "0.00001"},
            "200000",
            opposite=("200000", "1"),
            **CROSS,
        ),
        "SIZE-033",
    ),
]


@pytest.mark.parametrize("line", KINDS, ids=lambda line: line.what)
def test_the_library_refuses(line: Bad) -> None:
    with pytest.raises(LotwiseError) as refused:
        line.call()
    assert refused.value.code == line.code
    assert line.says in refused.value.message
    assert refused.value.hint


LIQ = ["liq", "BTCUSDT", "--qty", "1", "--entry", "60000", "--margin", "cross", "--wallet", "9000"]
COMMANDS = [
    ("USAGE-009", [*LIQ, "--opposite", "0.5"]),
    ("UNIT-102", [*LIQ, "--opposite", ",60000"]),
    (
        "CONTRACT-106",
        ["size", "BTCUSDT", "--entry", "1", "--stop", "2%", "--equity", "1", "--initial-margin", "5"],
    ),
    (
        "SIZE-045",
        ["size", "BTCUSDT", "--entry", "60000", "--stop", "2%", "--equity", "900", "--what-if", "x"],
    ),
    (
        "SIZE-047",
        ["size", "BTCUSDT", "--entry", "60000", "--stop", "2%", "--equity", "900", "--funding-csv", "none"],
    ),
    ("MIX-001", ["mix", "BTCUSDT", "--entry", "60000", "--stop", "2%", "--equity", "900"]),
    (
        "USAGE-003",
        ["mix", "BTCUSDT,ETHUSDT", "--entry", "6", "--stop", "2%", "--equity", "9", "--maker", "0"],
    ),
    (
        "SIZE-048",
        [
            "preview",
            "BTCUSDT",
            "--qty",
            "1",
            "--price",
            "60000",
            "--stop",
            "2%",
            "--equity",
            "900",
            "--expect",
            "9",
        ],
    ),
]


@pytest.mark.parametrize(
    ("code", "words"), COMMANDS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_command_line_refuses(code: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert error["hint"]


def test_a_listed_future_too_large_is_refused_with_the_contracts_that_fit() -> None:
    """MBT on 1,000 USD: 0.1 BTC loses 120 at a 2 % stop, the budget is 10; its fees are unknown."""
    plan = lotwise.size("cme:MBT", **TRADE)
    assert not plan.feasible
    assert plan.next_lot_loss == "120.00"
    fitting = [way.value for way in plan.ways_out]
    assert {way.kind for way in plan.ways_out} == {"contract"}
    assert {"binance:BTCUSDT", "bybit:BTCUSDT", "bingx:BTC-USDT", "mexc:BTC_USDT", "weex:BTCUSDT"} <= {
        *fitting
    }
    for one in fitting:
        assert lotwise.size(one, **TRADE).feasible
    assert plan.warnings[0] == "the fees of cme:MBT are unknown: it does not fit even without them"


def test_unknown_fees_are_asked_for_where_it_might_fit() -> None:
    with pytest.raises(LotwiseError) as refused:
        lotwise.size("cme:MBT", **(TRADE | {"equity": "20000"}))
    assert refused.value.code == "CONTRACT-301"
