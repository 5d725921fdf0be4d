"""The kill switch on MEXC by a process that has prepared and sent nothing there: only the venue is asked.

MEXC wants leverage and margin mode with each order, and shows plan orders without the client's id.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ccxt")

from lotwise.broker.ccxt_venue.adapter import CcxtVenue
from lotwise.broker.chronicle import Kept
from lotwise.clock import FixedClock
from lotwise.session.flatten import Flattened, Flattening
from tests.wire.offline import CONTRACTS, NOW_NS, Answer, Sent, venue_of

ID = CONTRACTS["mexc"]
OUR_ENTRY = "lw-aaaaaaaaaaaaaaaa-e0-1"
SIDES = {1: 1, 2: 1, 3: -1, 4: -1}
REFUSED = {"success": False, "code": 2009, "message": "the position cannot be closed"}


def plan(number: str, symbol: str = "BTC_USDT", **more: Any) -> dict[str, Any]:
    """A plan order as MEXC shows it: a stop of 3 contracts that closes a long, by whomever."""
    row = {"id": number, "symbol": symbol, "side": 4, "vol": 3, "orderType": 5, "state": 1, "trend": 1}
    return row | {"triggerType": 2, "triggerPrice": 1 if symbol != "BTC_USDT" else 45000.1} | more


class Standing:
    """What stands at a MEXC that is played here, and what left for it, in order."""

    def __init__(self, *plans: dict[str, Any], lots: int = 3) -> None:
        self.lots = {"BTC_USDT": lots, "XRP_USDT": 4}
        self.plans = {one["id"]: one for one in plans}
        self.plain: dict[str, dict[str, Any]] = {}
        self.closes: dict[str, dict[str, Any]] = {}
        self.changed: list[tuple[str, Any]] = []
        self.refuses_closes = 0

    def port(self) -> CcxtVenue:
        """A port of a process that has just begun."""
        found, _ = venue_of("mexc", self.answer)
        found.desk.prepared.clear()
        return found

    def flattened(
        self, *contracts: str, everything: bool = False, port: CcxtVenue | None = None
    ) -> Flattened:
        """The kill switch, used once."""
        clock = FixedClock(NOW_NS)
        used = Flattening(port or self.port(), contracts, everything, clock=clock, chronicle=Kept())
        return used.run()

    def answer(self, sent: Sent) -> Answer:
        """Of one request."""
        last = sent.path.rsplit("/", 1)[-1]
        if sent.method == "POST":
            return 200, self.change(sent, last)
        if "order/external" in sent.path:
            found = self.closes.get(last)
            return 200, {"success": True, "data": found} if found else {"success": False, "code": 2040}
        told = {
            "open_positions": [held(name, lots) for name, lots in self.lots.items() if lots],
            "open_orders": list(self.plain.values()),
            "orders": list(self.plans.values()),
        }
        return 200, {"success": True, "data": told[last]}

    def change(self, sent: Sent, last: str) -> dict[str, Any]:
        """Done and noted."""
        asked = sent.params
        if last == "create":
            self.changed.append(("close", (asked["symbol"], asked["openType"], asked["leverage"])))
            if self.refuses_closes:
                self.refuses_closes -= 1
                return REFUSED
            lots = self.lots[asked["symbol"]]
            assert SIDES[asked["side"]] * lots < 0, "it opens"
            assert asked["vol"] == abs(lots), "it does not close all"
            self.lots[asked["symbol"]] = 0
            done = {"orderId": "9", "orderType": 5, "state": 3, "dealVol": asked["vol"], "positionMode": 2}
            self.closes[asked["externalOid"]] = asked | done
            return {"success": True, "data": "9"}
        for one in asked:
            number = one["orderId"] if isinstance(one, dict) else one
            (self.plans if number in self.plans else self.plain).pop(number)
            self.changed.append(("cancel", number))
        return {"success": True, "data": asked}

    @property
    def cancelled(self) -> list[str]:
        """The ids, in order."""
        return [what for name, what in self.changed if name == "cancel"]


def held(symbol: str, lots: int) -> dict[str, Any]:
    """A row of a position: isolated at 5 times."""
    row = {"symbol": symbol, "positionType": 1 if lots > 0 else 2, "openType": 1, "leverage": 5, "im": 2}
    return row | {"holdVol": abs(lots), "holdAvgPrice": 50000 if symbol == "BTC_USDT" else 1}


@pytest.mark.parametrize("lots", [3, -3])
def test_a_position_is_closed_by_a_process_that_prepared_nothing(lots: int) -> None:
    venue = Standing(lots=lots)
    done = venue.flattened(ID)
    assert (done.is_flat, done.closed, done.errors) == (True, 1, [])
    assert venue.changed == [("close", ("BTC_USDT", 1, 5))]
    assert venue.lots == {"BTC_USDT": 0, "XRP_USDT": 4}


def test_stops_of_a_dead_session_go_when_their_position_is_gone_and_others_stay() -> None:
    venue = Standing(
        plan("stop"),
        plan("target", triggerType=1, triggerPrice=60000.1),
        plan("stop of a short", side=2, triggerType=1),
        plan("entry of others", side=1, triggerType=1, triggerPrice=60000.1),
        plan("trailing of others", orderType=1),
        plan("elsewhere", "XRP_USDT", vol=4),
    )
    plain = {"symbol": "BTC_USDT", "vol": 1, "price": 50000.1, "orderType": 1, "state": 2, "side": 1}
    venue.plain = {
        "ours": plain | {"orderId": "ours", "externalOid": OUR_ENTRY},
        "by hand": plain | {"orderId": "by hand"},
        "exit by hand": plain | {"orderId": "exit by hand", "side": 4, "price": 60000.1},
    }
    done = venue.flattened(ID)
    assert (done.is_flat, done.errors) == (True, [])
    assert [name for name, _ in venue.changed] == ["cancel", "close", "cancel", "cancel", "cancel"]
    assert venue.cancelled == ["ours", "stop", "target", "stop of a short"]  # exits after the close
    assert done.cancelled == 4
    assert set(venue.plans) == {"entry of others", "trailing of others", "elsewhere"}
    assert set(venue.plain) == {"by hand", "exit by hand"}
    assert venue.lots["XRP_USDT"] == 4


def test_stops_stay_as_long_as_their_position_does() -> None:
    venue = Standing(plan("stop"))
    venue.refuses_closes = 2
    done = venue.flattened(ID)
    assert done.is_flat
    assert [name for name, _ in venue.changed] == ["close", "close", "close", "cancel"]
    venue = Standing(plan("stop"))
    venue.refuses_closes = 99
    done = venue.flattened(ID)
    assert (done.left, done.cancelled) == ([ID], 0)
    assert "stop" in venue.plans


def test_a_stop_that_is_left_without_a_position_is_taken_away() -> None:
    venue = Standing(plan("stop"), lots=0)
    done = venue.flattened(ID)
    assert (done.is_flat, done.cancelled, done.closed) == (True, 1, 0)
    assert venue.plans == {}


def test_everything_takes_entries_and_other_contracts_too() -> None:
    venue = Standing(plan("stop"), plan("entry", side=1), plan("elsewhere", "XRP_USDT", vol=4))
    done = venue.flattened(everything=True)
    assert (done.is_flat, done.closed) == (True, 2)
    assert venue.plans == {}
    assert set(venue.lots.values()) == {0}


def test_where_a_venue_tells_the_ids_an_order_without_one_is_of_others(monkeypatch: Any) -> None:
    venue = Standing(plan("stop by hand"))
    port = venue.port()
    assert port.tells_trigger_ids is False
    monkeypatch.setattr(port.dialect, "tells_trigger_ids", True)
    done = venue.flattened(ID, port=port)
    assert (done.is_flat, done.cancelled, done.closed) == (True, 0, 1)
    assert set(venue.plans) == {"stop by hand"}


def test_a_plan_order_that_is_told_with_another_s_id_is_of_others() -> None:
    venue = Standing(plan("stop", externalOid="m-7"), plan("ours", externalOid="lw-aaaaaaaaaaaaaaaa-s0-1"))
    assert venue.flattened(ID).is_flat
    assert (set(venue.plans), venue.cancelled) == ({"stop"}, ["ours"])


def test_a_stop_of_an_earlier_process_is_named_read_and_taken_back_by_the_venues_id() -> None:
    """A session that was started again knows from its log which stop is its own."""
    standing, name = Standing(plan("71"), plan("72")), "lw-aaaaaaaaaaaaaaaa-s0-1"
    port = standing.port()
    assert {one.client_id for one in port.orders(ID)} == {""}
    assert port.order(ID, name) is None
    port.knows(name, "71")
    assert {one.venue_id: one.client_id for one in port.orders(ID)} == {"71": name, "72": ""}
    found = port.order(ID, name)
    assert found is not None
    assert (found.venue_id, found.kind) == ("71", "stop")
    port.cancel(found)
    assert [one.venue_id for one in port.orders(ID)] == ["72"]
