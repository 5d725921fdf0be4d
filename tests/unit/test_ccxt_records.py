"""Orders as a session wants them: what cannot be is refused before any venue hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from lotwise.errors import InputError
from lotwise.records.live import OrderWanted, VenueOrder
from lotwise.units import Lots, Ticks

GOOD: dict[str, Any] = {
    "contract_id": "binance:BTCUSDT",
    "client_id": "a",
    "kind": "limit",
    "side": 1,
    "lots": Lots(1),
    "price_ticks": Ticks(5),
}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("BROKER-111", {"lots": 0}),
        ("BROKER-111", {"lots": -3}),
        ("BROKER-112", {"price_ticks": 0}),
        ("BROKER-112", {"kind": "stop", "price_ticks": 5}),
        ("BROKER-112", {"kind": "target", "trigger_ticks": -1}),
        ("BROKER-113", {"side": 0}),
        ("BROKER-113", {"side": 2}),
    ],
)
def test_an_order_that_cannot_be_is_refused(code: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        OrderWanted(**(GOOD | changes))
    assert caught.value.code == code
    assert caught.value.hint


def test_an_order_that_can_be_is_kept_as_it_is() -> None:
    for changes in ({}, {"kind": "market", "price_ticks": 0}, {"kind": "stop", "trigger_ticks": 7}):
        order = OrderWanted(**(GOOD | changes))
        assert {name: getattr(order, name) for name in GOOD | changes} == GOOD | changes


def test_what_is_left_is_what_is_not_filled() -> None:
    asked = {name: GOOD[name] for name in ("contract_id", "client_id", "kind", "side")}
    order = VenueOrder(venue_id="1", lots=Lots(7), filled_lots=Lots(3), **asked)
    assert order.left_lots == 4
