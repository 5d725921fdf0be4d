"""The adapter with real ccxt against a real exchange process over TCP, in strict mode; faults included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt")

from lotwise.broker.ccxt_venue.adapter import CcxtVenue
from lotwise.broker.ccxt_venue.connect import connect
from lotwise.broker.ccxt_venue.keys import Keys
from lotwise.broker.venue import OrderRefused, OutcomeUnknown, RateLimited, VenueDown
from lotwise.errors import VenueError
from lotwise.records.live import OrderWanted, VenueMarket, VenueOrder
from lotwise.units import Lots
from tests.exchange.served import Server

ID = "binance:BTCUSDT"
E8 = 10**8


class Desk:
    """An account of its own on a server, the adapter on it, and what the adapter told."""

    number = 0

    def __init__(self, server: Server, deposit: str = "1000") -> None:
        Desk.number += 1
        self.server, self.made = server, 0
        self.told: list[str] = []
        self.key, self.secret = f"{Desk.number:064}", "s" * 64
        given = {"name": f"me{Desk.number}", "deposit": deposit, "key": self.key, "secret": self.secret}
        server.asked("POST", "/account", given)
        self.venue = self.connected()

    def connected(self) -> CcxtVenue:
        """The adapter; waits between looks are short, the server is near."""
        found = connect(
            "binance",
            "paper",
            url=f"http://127.0.0.1:{self.server.port}",
            keys=Keys(self.key, self.secret),
            environment={},
            tell=self.told.append,
            pause=lambda seconds: None,
        )
        return found

    @property
    def market(self) -> VenueMarket:
        return self.venue.market(ID)

    def place(self, kind: str, side: int, lots: int, **more: Any) -> VenueOrder:
        self.made += 1
        order: dict[str, Any] = {"client_id": f"lw-{self.made:04}", **more}
        return self.venue.place(
            OrderWanted(contract_id=ID, kind=kind, side=side, lots=Lots(lots), **order)  # type: ignore[arg-type]
        )

    def fault(self, kind: str, value: int = 0, path: str = "", count: int = 1) -> None:
        self.server.asked("POST", "/faults", {"kind": kind, "value": value, "path": path, "count": count})

    @property
    def state(self) -> Any:
        return self.server.asked("GET", "/status")["hashes"][f"me{Desk.number}"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("exchange") / "state", "--strict")
    yield found
    found.stop()


@pytest.fixture
def desk(server: Server) -> Desk:
    found = Desk(server)
    found.venue.prepare(ID, 1_000, True)
    return found


def test_a_trade_from_its_set_up_to_its_fills(desk: Desk) -> None:
    venue, last = desk.venue, desk.market.last_ticks
    before = desk.state
    venue.prepare(ID, 1_000, True)  # again: nothing is sent that changes anything
    assert desk.state == before
    bought = desk.place("market", 1, 4)
    assert (bought.state, bought.filled_lots, bought.client_id) == ("filled", 4, "lw-0001")
    stop = desk.place("stop", -1, 4, trigger_ticks=last - 3_000, is_reduce_only=True, by_mark=True)
    target = desk.place("target", -1, 2, trigger_ticks=last + 3_000, is_reduce_only=True)
    rest = desk.place("limit", 1, 2, price_ticks=last - 500, is_post_only=True)
    entry = desk.place("stop", 1, 3, trigger_ticks=last + 9_000)
    standing = {order.client_id: order for order in venue.orders()}
    assert standing == {order.client_id: order for order in (stop, target, rest, entry)}
    assert list(venue.orders(ID)) == list(venue.orders())
    assert venue.orders("binance:ETHUSDT") == []
    (position,) = venue.positions()
    assert (position.lots, position.leverage100, position.is_isolated) == (4, 1_000, True)
    assert position.entry_price8 == bought.average_price8
    for order in (stop, rest):
        assert venue.cancel(order).state == "cancelled"
        assert venue.cancel(order).state == "cancelled"  # ended already
        again = venue.order(ID, order.client_id)
        assert again is not None
        assert again.state == "cancelled"
    assert venue.order(ID, "lw-none") is None
    sold = desk.place("market", -1, 4, is_reduce_only=True)
    assert venue.positions() == []
    fills = venue.fills(ID, 0)
    assert [(fill.side, fill.quantity8, fill.order_id) for fill in fills] == [
        (1, 4 * 10**5, bought.venue_id),
        (-1, 4 * 10**5, sold.venue_id),
    ]
    incomes = venue.income(0)
    assert sum(one.cash for one in incomes) == venue.balance("USDT").wallet_cash
    assert -sum(one.cash for one in incomes if one.kind == "COMMISSION") == sum(one.fee_cash for one in fills)
    assert venue.fills(ID, fills[-1].time_ns + 1) == []
    assert (list(venue.fills(ID, 0)), list(venue.income(0))) == (fills, incomes)


def test_a_stop_that_triggers_is_told_as_filled(desk: Desk) -> None:
    desk.place("market", 1, 4)
    stop = desk.place("stop", -1, 4, trigger_ticks=desk.market.last_ticks - 60, is_reduce_only=True)
    for _ in range(40):
        if not desk.venue.positions():
            break
        desk.server.step(2_000)
    ended = desk.venue.order(ID, stop.client_id)
    assert ended is not None
    assert (ended.state, ended.filled_lots, ended.kind) == ("filled", 4, "stop")
    assert desk.venue.cancel(stop) == ended
    assert len(desk.venue.fills(ID, 0)) >= 2
    assert desk.venue.orders() == []


def test_a_partly_filled_entry_that_is_cancelled_keeps_what_it_got(desk: Desk) -> None:
    position = desk.server.asked("GET", "/status")["position"]
    more = {"contract": "BTCUSDT", "until_event": position + 600}
    desk.server.asked("POST", "/faults", {"kind": "partial", "value": 3, **more})
    desk.server.step(300)
    rest = desk.place("limit", 1, 10, price_ticks=desk.market.ask_ticks)
    assert (rest.state, rest.filled_lots, rest.left_lots) == ("open", 3, 7)
    ended = desk.venue.cancel(rest)
    assert (ended.state, ended.filled_lots) == ("cancelled", 3)
    assert [one.lots for one in desk.venue.positions()] == [3]
    market = desk.place("market", 1, 10)
    assert (market.state, market.filled_lots) == ("expired", 0)  # those three lots are gone already
    desk.server.step(700)
    assert desk.place("market", -1, 3, is_reduce_only=True).state == "filled"


REFUSED = [
    ("-2019", ("market", 1, 5_000), {}),
    ("-2022", ("market", -1, 2), {"is_reduce_only": True}),
    ("-4164", ("limit", 1, 1), {"price": -900}),
    ("-5022", ("limit", 1, 2), {"price": 500, "is_post_only": True}),
    ("-2021", ("stop", -1, 2), {"trigger": 500}),
]


def test_refusals_have_the_venue_s_code_and_change_nothing(desk: Desk) -> None:
    last, before = desk.market.last_ticks, desk.state
    for code, given, more in REFUSED:
        named = {name: value for name, value in more.items() if name.startswith("is_")}
        if "price" in more:
            named["price_ticks"] = last + more["price"]
        if "trigger" in more:
            named["trigger_ticks"] = last + more["trigger"]
        with pytest.raises(OrderRefused) as caught:
            desk.place(*given, **named)
        assert (caught.value.venue_code, caught.value.code) == (code, "BROKER-144")
    first = desk.place("limit", 1, 2, price_ticks=last - 500)
    with pytest.raises(OrderRefused) as caught:
        desk.place("limit", 1, 2, price_ticks=last - 500, client_id=first.client_id)
    assert caught.value.venue_code == "-4116"
    desk.venue.cancel(first)
    assert desk.state != before  # that order stood there
    desk.fault("reject", -4120, "/order")
    with pytest.raises(OrderRefused) as caught:
        desk.place("market", 1, 2)
    assert caught.value.venue_code == "-4120"


def test_a_time_out_after_the_order_was_done_is_read_back_and_not_doubled(desk: Desk) -> None:
    desk.fault("timeout", path="/fapi/v1/order")
    bought = desk.place("market", 1, 4)
    assert (bought.state, bought.filled_lots) == ("filled", 4)
    desk.fault("timeout", path="/fapi/v1/algoOrder")
    stop = desk.place("stop", -1, 4, trigger_ticks=desk.market.last_ticks - 3_000, is_reduce_only=True)
    assert stop.state == "open"
    desk.fault("timeout", path="/fapi/v1/algoOrder")
    with pytest.raises(OutcomeUnknown) as caught:
        desk.venue.cancel(stop)
    assert caught.value.code == "BROKER-141"
    assert desk.venue.cancel(stop).state == "cancelled"
    assert [one.lots for one in desk.venue.positions()] == [4]
    assert len(desk.venue.fills(ID, 0)) == 1


def test_an_order_that_was_never_done_stays_unknown_until_it_is_read_back(desk: Desk) -> None:
    desk.fault("reject", -1006, "/fapi/v1/order")
    with pytest.raises(OutcomeUnknown):
        desk.place("market", 1, 4)
    assert desk.venue.order(ID, "lw-0001") is None
    assert desk.venue.positions() == []


def test_limits_bans_and_maintenance(desk: Desk) -> None:
    desk.fault("limit", path="/account")
    with pytest.raises(RateLimited) as limited:
        desk.venue.balance("USDT")
    assert limited.value.until_ns > desk.venue.now_ns()
    desk.fault("ban", 60, "/account")
    with pytest.raises(RateLimited) as banned:
        desk.venue.balance("USDT")
    assert 50 * 10**9 < banned.value.until_ns - desk.venue.now_ns() < 70 * 10**9
    desk.fault("maintenance", path="/order")
    with pytest.raises(VenueDown):
        desk.place("market", 1, 4)
    assert desk.venue.positions() == []


def test_a_clock_that_is_five_seconds_off_is_set_right_and_said(desk: Desk) -> None:
    desk.server.asked("POST", "/faults", {"kind": "skew", "value": -7_000})
    desk.venue.market(ID)  # a public answer takes the fault; from now on the server is behind
    assert desk.place("market", 1, 4).state == "filled"
    assert len(desk.told) == 1
    assert "is set right" in desk.told[0]
    assert abs(desk.venue.wire.skew_ms + 7_000) < 1_000
    assert desk.place("market", -1, 4, is_reduce_only=True).state == "filled"
    assert len(desk.told) == 1  # once
    desk.server.asked("POST", "/faults", {"kind": "skew", "value": 0})
    desk.venue.market(ID)  # takes it: the clock is right again for those who come after


def test_a_wrong_secret_is_told_and_shown_nowhere(desk: Desk) -> None:
    wrong = "wrong-secret-" + "z" * 51
    venue = connect(
        "binance",
        "paper",
        url=f"http://127.0.0.1:{desk.server.port}",
        keys=Keys(desk.key, wrong),
        environment={},
    )
    with pytest.raises(VenueError) as caught:
        venue.balance("USDT")
    assert caught.value.code == "BROKER-143"
    assert wrong not in repr(caught.value)
    assert desk.key not in repr(caught.value)


def test_the_adapter_goes_on_where_another_left(desk: Desk) -> None:
    """After a restart nothing is remembered, and all of it is read from the venue."""
    desk.place("market", 1, 4)
    stop = desk.place("stop", -1, 4, trigger_ticks=desk.market.last_ticks - 3_000, is_reduce_only=True)
    fresh = desk.connected()
    assert list(fresh.orders()) == [stop]
    assert fresh.order(ID, stop.client_id) == stop
    assert fresh.positions() == desk.venue.positions()
    assert fresh.fills(ID, 0) == desk.venue.fills(ID, 0)
    assert fresh.cancel(stop).state == "cancelled"


def test_a_dead_venue_is_down_and_nothing_was_sent(desk: Desk) -> None:
    """The last one: the server of this file is killed."""
    desk.server.kill()
    for call in (lambda: desk.place("market", 1, 4), desk.venue.positions):
        with pytest.raises(VenueDown) as down:
            call()
        assert down.value.code == "BROKER-142"
