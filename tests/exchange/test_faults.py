"""Faults on demand as a client meets them: over real ccxt and sockets, planned by a file or a port."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
ccxt = pytest.importorskip("ccxt")

from lotwise.errors import InputError  # noqa: E402
from lotwise.exchange.changes import CHANGES, Change  # noqa: E402
from lotwise.exchange.faults import KINDS, Fault, Faults, scripted  # noqa: E402
from lotwise.exchange.market import MarketChoice, opened  # noqa: E402
from lotwise.exchange.market_log import FILE, MarketLog  # noqa: E402
from lotwise.exchange.venue import Venue  # noqa: E402
from lotwise.kernel import state as k  # noqa: E402
from lotwise.units import Cash  # noqa: E402
from tests.exchange.served import SYMBOL, Server, client  # noqa: E402

HOUR_NS = 3_600 * 10**9
CHOICE = MarketChoice(days=1, history_ns=HOUR_NS, detail=4)
BEGIN_MS = 1_736_125_200_000
"""When trading begins: 2025-01-06T01:00."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("exchange") / "state")
    found.account(deposit="100000")
    yield found
    assert found.stop() == 0


@pytest.fixture
def ex(server: Server) -> Iterator[Any]:
    server.asked("DELETE", "/faults")
    yield client(server.port)
    server.asked("DELETE", "/faults")


def plan(server: Server, kind: str, value: int = 0, **more: Any) -> Any:
    """Plan a fault through the admin port."""
    return server.asked("POST", "/faults", {"kind": kind, "value": value, **more})


# -- the connection ---------------------------------------------------------------------------------


def test_an_answer_comes_later_by_the_latency(server: Server, ex: Any) -> None:
    plan(server, "latency", 900, path="/time", count=2)
    for late in (True, True, False):
        began = time.perf_counter()
        ex.fetch_time()
        assert (time.perf_counter() - began >= 0.9) == late
    ex.timeout = 200
    plan(server, "latency", 1_500, path="/order")
    with pytest.raises(ccxt.RequestTimeout):  # the client gives up; the order is done all the same
        ex.create_order(SYMBOL, "market", "buy", 0.002, None, {"clientOrderId": "late"})
    ex.timeout = 10_000
    deadline = time.monotonic() + 20
    while not (found := ex.fetch_my_trades(SYMBOL)) and time.monotonic() < deadline:
        pass
    assert found[-1]["amount"] == 0.002


def test_a_time_out_after_accepting_leaves_an_order_to_be_found(server: Server, ex: Any) -> None:
    plan(server, "timeout", path="/order")
    with pytest.raises(ccxt.RequestTimeout, match="-1007"):
        ex.create_order(SYMBOL, "market", "buy", 0.002, None, {"clientOrderId": "unsure"})
    found = ex.fetch_order(None, SYMBOL, {"origClientOrderId": "unsure"})
    assert (found["status"], found["filled"]) == ("closed", 0.002)


@pytest.mark.parametrize(
    ("kind", "value", "error", "words"),
    [
        ("reject", -2019, "InsufficientFunds", "-2019"),
        ("reject", -4120, "ExchangeError", "-4120"),
        ("reject", -1021, "InvalidNonce", "-1021"),
        ("reject", -1003, "DDoSProtection", "-1003"),
        ("limit", 3, "DDoSProtection", "-1003"),
        ("ban", 60, "DDoSProtection", "banned until"),
        ("maintenance", 0, "BadRequest", "-1016"),
    ],
)
def test_refusals_that_are_planned_reach_the_client_as_their_class(
    server: Server, ex: Any, kind: str, value: int, error: str, words: str
) -> None:
    before = server.asked("GET", "/status")["hashes"]
    plan(server, kind, value, path="/fapi/v1/order")
    with pytest.raises(ccxt.BaseError, match=words) as caught:
        ex.create_order(SYMBOL, "market", "buy", 0.002)
    assert isinstance(caught.value, getattr(ccxt, error))
    assert server.asked("GET", "/status")["hashes"] == before
    assert ex.create_order(SYMBOL, "market", "buy", 0.002)["status"] == "closed"


def test_a_day_of_refusals_lasts_as_long_as_it_was_planned(server: Server, ex: Any) -> None:
    """-4120 for every order until the market has come to a time."""
    now = server.asked("GET", "/status")["now_ms"]
    plan(server, "reject", -4120, path="/order", count=-1, until_ms=now + 60_000)
    for _ in range(3):
        with pytest.raises(ccxt.BaseError, match="-4120"):
            ex.create_order(SYMBOL, "market", "buy", 0.002)
    server.asked("POST", "/step", {"until_ms": now + 61_000})
    assert ex.create_order(SYMBOL, "market", "buy", 0.002)["status"] == "closed"
    assert server.asked("GET", "/status")["faults"] == []


def test_a_fault_waits_for_its_event(server: Server, ex: Any) -> None:
    position = server.asked("GET", "/status")["position"]
    plan(server, "maintenance", from_event=position + 100)
    assert ex.fetch_time() > 0
    server.step(100)
    with pytest.raises(ccxt.BadRequest, match="-1016"):
        ex.fetch_time()
    assert ex.fetch_time() > 0


def test_a_clock_that_is_off_refuses_what_it_thinks_is_late_until_it_is_set_right(
    server: Server, ex: Any
) -> None:
    for skew in (20_000, -20_000):
        plan(server, "skew", skew, path="/time")
        assert abs(ex.fetch_time() - ex.milliseconds() - skew) < 5_000
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            ex.fetch_balance()
        ex.load_time_difference()
        ex.options["adjustForTimeDifference"] = True
        assert ex.fetch_balance()["USDT"]["total"] > 0  # what ccxt offers against it
        ex.options["timeDifference"] = 0
    plan(server, "skew", 0, path="/time")
    ex.fetch_time()
    assert ex.fetch_balance()["USDT"]["total"] > 0


def told_on_socket(server: Server, ex: Any, story: Callable[[], None], until: int) -> tuple[list[Any], bool]:
    """Events of the private socket while something happens, and whether it was closed."""
    import aiohttp

    found: list[Any] = []

    async def whole() -> bool:
        key = ex.fapiPrivatePostListenKey()["listenKey"]
        address = f"http://127.0.0.1:{server.port}/private/ws?listenKey={key}"
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as line:
            await asyncio.to_thread(story)
            while len(found) < until:
                message = await line.receive(timeout=20)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return True
                found.append(json.loads(message.data))
        return False

    return found, asyncio.run(whole())


def kinds(events: list[Any]) -> list[str]:
    """What the events are."""
    return [one["o"]["X"] if "o" in one else one["e"] for one in events]


def test_events_come_twice_in_the_opposite_order_or_not_at_all(server: Server, ex: Any) -> None:
    def buy() -> None:
        ex.create_order(SYMBOL, "market", "buy", 0.002)

    usual, closed = told_on_socket(server, ex, buy, 4)
    assert (kinds(usual), closed) == (["NEW", "TRADE_LITE", "FILLED", "ACCOUNT_UPDATE"], False)
    plan(server, "duplicate")
    twice, _ = told_on_socket(server, ex, buy, 8)
    assert kinds(twice) == [name for name in kinds(usual) for _ in range(2)]
    assert twice[0] == twice[1]
    plan(server, "reorder")
    turned, _ = told_on_socket(server, ex, buy, 4)
    assert kinds(turned) == kinds(usual)[::-1]
    plan(server, "drop")
    before = len(ex.fetch_my_trades(SYMBOL))
    _, closed = told_on_socket(server, ex, buy, 99)
    assert closed
    assert len(ex.fetch_my_trades(SYMBOL)) == before + 1  # what the socket did not tell REST does


# -- the market -------------------------------------------------------------------------------------


def test_a_gap_jumps_over_a_stop_which_fills_beyond_it(tmp_path: Path) -> None:
    server = Server(tmp_path / "state")
    try:
        server.account(deposit="100000")
        ex = client(server.port)
        ex.create_order(SYMBOL, "market", "buy", 0.01)
        before = ex.fetch_ticker(SYMBOL)["last"]
        stop = round(before * 0.97, 1)
        ex.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": stop, "reduceOnly": True})
        plan(server, "gap", -1_000, contract="BTCUSDT")
        other = ex.fetch_ticker("ETH/USDT:USDT")["last"]
        server.step(300)
        now = ex.fetch_ticker(SYMBOL)["last"]
        assert abs(now / before - 0.9) < 0.005
        assert abs(ex.fetch_ticker("ETH/USDT:USDT")["last"] / other - 1) < 0.02
        sold = ex.fetch_my_trades(SYMBOL)[-1]
        assert sold["side"] == "sell"
        assert sold["price"] < before * 0.905 < stop  # a gap fills at where the market opens again
        mark = float(ex.fetch_funding_rate(SYMBOL)["info"]["markPrice"])
        assert abs(mark / before - 0.9) < 0.01
        hashes, position = (server.asked("GET", "/status")[name] for name in ("hashes", "position"))
        server.kill()
        server = Server(tmp_path / "state")  # the same past, the gap in it
        assert server.asked("GET", "/status")["hashes"] == hashes
        assert server.asked("GET", "/status")["position"] == position
        assert client(server.port).fetch_ticker(SYMBOL)["last"] == now
        server.step(200)
        assert abs(client(server.port).fetch_ticker(SYMBOL)["last"] / before - 0.9) < 0.01
    finally:
        server.stop()


def test_a_funding_spike_is_paid_once_by_those_who_hold(server: Server, ex: Any) -> None:
    server.asked("POST", "/step", {"until_ms": BEGIN_MS + 6 * 3_600_000})
    ex.create_order("ETH/USDT:USDT", "market", "buy", 1)
    plan(server, "funding", 200, contract="ETHUSDT", count=1)
    server.asked("POST", "/step", {"until_ms": BEGIN_MS + 16 * 3_600_000})
    told = [one["info"] for one in ex.fetch_funding_rate_history("ETH/USDT:USDT")]
    spiked = [one for one in told if one["fundingRate"] == "0.02000000"]
    assert len(spiked) == 1
    assert told[-1] is not spiked[0]  # the one after it is the market's own again
    paid = {one["timestamp"]: one for one in ex.fetch_funding_history("ETH/USDT:USDT", limit=100)}
    mark = Decimal(spiked[0]["markPrice"])
    assert Decimal(paid[int(spiked[0]["fundingTime"])]["info"]["income"]) == -mark / 50


def test_in_a_drought_one_lot_stands_far_away(server: Server, ex: Any) -> None:
    usual = ex.fetch_order_book(SYMBOL, 5)
    position = server.asked("GET", "/status")["position"]
    plan(server, "drought", 50, contract="BTCUSDT", until_event=position + 400)
    server.step(300)
    thin = ex.fetch_order_book(SYMBOL, 5)
    assert thin["bids"][0][1] == thin["asks"][0][1] == 0.001
    middle = (thin["bids"][0][0] + thin["asks"][0][0]) / 2
    assert 0.0095 < (thin["asks"][0][0] - thin["bids"][0][0]) / middle < 0.0115
    made = ex.create_order(SYMBOL, "market", "buy", 0.002)
    assert made["average"] == thin["asks"][0][0]
    server.step(400)
    after = ex.fetch_order_book(SYMBOL, 5)
    assert after["asks"][0][0] - after["bids"][0][0] < 20 * (usual["asks"][0][0] - usual["bids"][0][0])


def test_orders_fill_in_part_where_little_is_there_to_be_taken(server: Server, ex: Any) -> None:
    position = server.asked("GET", "/status")["position"]
    plan(server, "partial", 3, contract="BTCUSDT", until_event=position + 600)
    server.step(300)
    made = ex.create_order(SYMBOL, "market", "buy", 0.010)
    assert (made["status"], made["filled"]) == ("expired", 0.003)
    again = ex.create_order(SYMBOL, "market", "buy", 0.010)
    assert (again["status"], again["filled"]) == ("expired", 0.0)  # the three lots are gone already
    server.step(60)
    ask = ex.fetch_order_book(SYMBOL, 5)["asks"][0][0]
    resting = ex.create_order(SYMBOL, "limit", "buy", 0.010, round(ask * 1.01, 1))
    assert (resting["status"], resting["filled"]) == ("open", 0.003)
    server.step(60)
    fills = [one for one in ex.fetch_my_trades(SYMBOL) if one["order"] == resting["id"]]
    assert [one["amount"] for one in fills] == [0.003, 0.007]  # the rest rested, and the quote came to it
    assert [one["takerOrMaker"] for one in fills] == ["taker", "maker"]
    server.step(700)
    assert ex.create_order(SYMBOL, "market", "sell", 0.010)["filled"] == 0.010


def test_changes_are_kept_and_played_the_same_after_every_kind_of_stop(tmp_path: Path) -> None:
    """In process: a venue that went on, one that was stopped with and one without a snapshot."""

    def began(folder: Path | None) -> tuple[Venue, Faults]:
        venue = Venue(CHOICE, folder)
        return venue, Faults(venue.market)

    def left(venue: Venue) -> Any:
        tapes = [(t.printed, t.last_ticks, t.mark8, t.quote, len(t.bars)) for t in venue.market.tapes]
        return tapes, venue.hashes()["me"], venue.market.position

    def traded(venue: Venue, faults: Faults) -> None:
        account = venue.open_account("me", Cash(10**12), "k" * 20, "s" * 20)
        now = venue.market.position
        faults.add(Fault(kind="gap", value=300, from_event=now + 50))
        faults.add(Fault(kind="partial", value=2, from_event=now + 200, until_event=now + 900))
        faults.add(Fault(kind="drought", value=20, from_ms=venue.market.now_ns // 10**6 + 5_000))
        for number in range(10):
            order = k.EventRow(kind=k.PLACE, order_kind=k.MARKET, side=1, lots=4, tif=k.IOC)
            assert venue.act(account, order, f"c{number}")[0] == 0
            venue.advance(venue.market.position + 150)

    whole, faults = began(None)
    traded(whole, faults)
    then = left(whole)
    whole.advance(whole.market.position + 2_000)
    for with_snapshot in (False, True):
        folder = tmp_path / str(with_snapshot)
        stopped, faults = began(folder)
        traded(stopped, faults)
        if with_snapshot:
            stopped.keep()
        stopped.journal.close()
        again, _ = began(folder)
        assert left(again) == then
        assert again.market.changes == whole.market.changes
        again.advance(again.market.position + 2_000)
        assert left(again) == left(whole)
        again.close()


# -- the plan ---------------------------------------------------------------------------------------

SCRIPT = """
[[fault]]
kind = "latency"
value = 250
path = "/time"

[[fault]]
kind = "gap"
value = -500
from = 2025-01-06T01:10:00Z

[[fault]]
kind = "reject"
value = -1021
count = -1
path = "/balance"
from = 2025-01-06T02:20:00+01:00
until = 2025-01-06T01:30:00Z
"""


def test_a_script_is_played_by_the_time_of_the_market_and_only_once(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(SCRIPT, encoding="utf-8")
    server = Server(tmp_path / "state", "--faults", str(path))
    try:
        server.account()
        ex = client(server.port)
        began = time.perf_counter()
        ex.fetch_time()
        assert time.perf_counter() - began >= 0.25
        before = ex.fetch_ticker(SYMBOL)["last"]
        server.asked("POST", "/step", {"until_ms": BEGIN_MS + 9 * 60_000})
        near = ex.fetch_ticker(SYMBOL)["last"]
        assert abs(near / before - 1) < 0.02
        server.asked("POST", "/step", {"until_ms": BEGIN_MS + 11 * 60_000})
        assert abs(ex.fetch_ticker(SYMBOL)["last"] / near - 0.95) < 0.01
        ex.fapiPrivateV3GetBalance()
        server.asked("POST", "/step", {"until_ms": BEGIN_MS + 21 * 60_000})
        with pytest.raises(ccxt.InvalidNonce):
            ex.fapiPrivateV3GetBalance()
        server.asked("POST", "/step", {"until_ms": BEGIN_MS + 31 * 60_000})
        ex.fapiPrivateV3GetBalance()
        last = ex.fetch_ticker(SYMBOL)["last"]
        assert server.stop() == 0
        server = Server(tmp_path / "state", "--faults", str(path))
        server.step(200)
        assert abs(client(server.port).fetch_ticker(SYMBOL)["last"] / last - 1) < 0.01  # no second gap
    finally:
        server.stop()


def test_times_of_a_script_are_those_of_the_calendar(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(SCRIPT, encoding="utf-8")
    found = [fault for fault, _ in scripted(path)]
    at = datetime(2025, 1, 6, 1, 20, tzinfo=UTC).timestamp() * 1_000
    assert (found[2].from_ms, found[2].until_ms) == (at, at + 600_000)
    assert len({text for _, text in scripted(path)}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fault = 3",
        "[[fault]]\nvalue = 3",
        '[[fault]]\nkind = "gap"\nsize = 3',
        '[[fault]]\nkind = "gap"\nvalue = "much"',
        '[[fault]]\nkind = "gap"\nfrom = 2025-01-06T01:10:00',
        '[[fault]]\nkind = "gap"\nfrom = 5',
        '[[fault]]\nkind = "gap"\nfrom = 2025-01-06T01:10:00Z\nfrom_ms = 3',
        '[[fault]]\nkind = "gap"\n[other]',
        "no toml at all [",
        "#" * 200_000,
        "[fault]\nkind = 3",
        "fault = [3]",
    ],
)
def test_silly_scripts_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="EXCHANGE-150"):
        scripted(path)
    with pytest.raises(InputError, match="EXCHANGE-150"):
        scripted(tmp_path)


def test_silly_changes_are_refused_and_change_nothing(tmp_path: Path) -> None:
    market = opened(CHOICE, tmp_path)
    faults = Faults(market)
    for bad in (
        Fault(kind="gap", value=-9_001),
        Fault(kind="gap", value=10_001),
        Fault(kind="gap", value=5, contract="DOGEUSDT"),
        Fault(kind="funding", value=5, count=0),
        Fault(kind="partial", value=-1),
        Fault(kind="gap", from_event=-1),
        Fault(kind="latency", from_event=10, until_event=10),
        Fault(kind="latency", until_ms=10**30),
    ):
        with pytest.raises(InputError, match="EXCHANGE-151"):
            faults.add(bad)
    with pytest.raises(InputError, match="EXCHANGE-151"):
        Faults().add(Fault(kind="gap", value=5))
    assert (market.changes, faults.plan, (tmp_path / FILE).exists()) == ([], [], False)
    for _ in range(100):
        faults.add(Fault(kind="gap", value=1))
    with pytest.raises(InputError, match="EXCHANGE-151"):
        faults.add(Fault(kind="gap", value=1))
    log = MarketLog(tmp_path)
    assert len(log.changes()) == 100
    assert log.changes()[0] == Change(kind="gap", value=1, count=1)
    log.close()
    market.close()
    (tmp_path / FILE).write_bytes(b"no base at all, but long enough to be read as one" * 40)
    with pytest.raises(InputError, match="EXCHANGE-152"):
        MarketLog(tmp_path)


def test_prices_stay_in_bounds_whatever_is_asked_for() -> None:
    """A hundred gaps up, and down: no price below one tick, none beyond what the arithmetic is proved for."""
    for value in (10_000, -9_000):
        market = opened(CHOICE)
        for _ in range(100):
            market.change(Change(kind="gap", value=value, from_event=20_000))
        prices: list[int] = []
        for event in market.play(21_000):
            prices += [event.price_ticks] if event.kind == k.TRADE else []
            prices += [event.bid_ticks, event.ask_ticks] if event.kind == k.QUOTE else []
            assert event.kind != k.QUOTE or event.bid_ticks < event.ask_ticks
        assert min(prices) >= 1
        assert max(prices) <= max(market.bounds_ticks)
        assert (max(prices[-50:]) > 900_000 * 2) == (value > 0)
        assert (min(prices[-50:]) == 1) == (value < 0)


def test_the_page_of_the_exchange_shows_a_script_that_is_one_and_names_every_fault(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text(encoding="utf-8")
    path = tmp_path / "faults.toml"
    path.write_text(page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    faults = Faults(opened(CHOICE))
    for fault, text in scripted(path):
        faults.add(fault, text)
    assert [one.kind for one in faults.plan] == ["timeout", "reject"]
    for kind in (*KINDS, *CHANGES):
        assert f"`{kind}`" in page, kind
