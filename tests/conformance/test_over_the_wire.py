"""Every card on the venue in a box in process and through ccxt on a real exchange: the same records.

The market is the same, and stands at the same event when a card begins; the exchange has a fresh account for
each card.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.exchange.market import Market
from tests.conformance import cards_money
from tests.conformance.bench import (
    AFTER_FUNDING_NS,
    BEFORE_FUNDING_NS,
    HOUR_NS,
    START_NS,
    InProcess,
    OverTheWire,
    market_at,
    play_to,
    thin_store,
    told,
)
from tests.conformance.cards_orders import CARDS
from tests.exchange.served import Server

FIRST = "M12"
"""It waits for funding, so it is played first."""
ORDER = sorted(CARDS, key=lambda number: (number != FIRST, number))
SKIPPED: dict[str, str] = {}
"""Cards that do not hold over the wire, and why."""


class Both(NamedTuple):
    """The exchange, and its market in this process."""

    server: Server
    market: Market


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    root = tmp_path_factory.mktemp("market")
    thin_store(root)
    options = ("--market", "store", "--store", str(root), "--contracts", "BTCUSDT,ETHUSDT")
    server = Server(tmp_path_factory.mktemp("state"), *options)
    server.asked("POST", "/step", {"until_ms": BEFORE_FUNDING_NS // 10**6})
    yield Both(server, market_at(root, START_NS + HOUR_NS))
    assert server.stop() == 0


@pytest.mark.parametrize("number", ORDER)
def test_a_card_gives_the_same_records_on_both(both: Both, number: str) -> None:
    if number in SKIPPED:
        pytest.skip(SKIPPED[number])
    server, market = both
    if number != FIRST:
        server.asked("POST", "/step", {"until_ms": AFTER_FUNDING_NS // 10**6})
    play_to(market, server.asked("GET", "/status")["position"])
    inside = InProcess(market)
    expected = told(CARDS[number](inside))
    wire = OverTheWire(server, number.lower())
    assert told(CARDS[number](wire)) == expected
    status = server.asked("GET", "/status")
    assert status["position"] == inside.position
    assert status["hashes"][number.lower()] == inside.kernel.hash


def test_all_cards_were_played() -> None:
    assert len(ORDER) - len(SKIPPED) >= 60
    assert cards_money.DEPOSIT_CASH > 0
