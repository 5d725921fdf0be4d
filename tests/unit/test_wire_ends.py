"""How a request ended, where the chain of errors or the names of coins could mislead."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.broker.ccxt_venue.wire import never_left
from lotwise.broker.venue import VenueDown
from tests.wire.offline import NOW_NS, venue_of


def ended(inner: BaseException, outer: BaseException) -> BaseException:
    """An error as ccxt raises it: from what the connection said."""
    try:
        try:
            raise inner
        except BaseException as error:  # whatever the connection said
            raise outer from error
    except BaseException as found:  # as whoever asked would catch it
        return found


class ReadTimeout(Exception):
    """Sent, and not answered."""


class NewConnectionError(Exception):
    """The connection was not made."""


def test_an_exit_sent_while_a_failed_read_is_dealt_with_has_an_end_of_its_own() -> None:
    """The read could not connect; the exit went out and was not answered: it may have been carried out."""
    assert never_left(ended(NewConnectionError(), RuntimeError("read")))
    assert not never_left(ended(ReadTimeout(), RuntimeError("place")))
    try:
        try:
            raise ended(NewConnectionError(), RuntimeError("read"))
        except RuntimeError as error:
            raise VenueDown("BROKER-142", "not reached", "") from error
    except VenueDown:
        assert not never_left(ended(ReadTimeout(), RuntimeError("place")))
        assert never_left(ended(NewConnectionError(), RuntimeError("place")))


@pytest.mark.parametrize(("coins", "named"), [({"USDT": "VST"}, "USDT"), ({}, "VST")])
def test_a_demos_coins_have_our_names_in_its_income(coins: dict[str, str], named: str) -> None:
    """Money that came to BingX's demo moves the limits, which count in USDT."""
    row: dict[str, Any] = {
        "symbol": "",
        "incomeType": "TRANSFER",
        "income": "100",
        "asset": "VST",
        "info": "",
        "time": NOW_NS // 10**6 - 1_000,
        "tranId": "7",
        "tradeId": "",
    }
    venue, _ = venue_of("bingx", lambda sent: (200, {"code": 0, "data": [row]}), where="demo")
    venue.dialect.desk.coins = coins
    (income,) = venue.income(NOW_NS - 10**12)
    assert (income.coin, income.kind, income.cash) == (named, "TRANSFER", 100 * 10**8)
