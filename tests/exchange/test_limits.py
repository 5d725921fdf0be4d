"""Limits as the venue counts them, listen keys that end, readers that do not read."""

from __future__ import annotations

import asyncio
import json
import socket
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from lotwise.exchange.binance.facts import ORDER_LIMIT, WEIGHT_LIMIT, exchange_info
from lotwise.exchange.binance.hub import MOST_QUEUED, Session
from lotwise.exchange.binance.limits import (
    FIRST_BAN_MS,
    MOST_BAN_MS,
    STRIKES,
    Asked,
    Limits,
    call_asked,
    limits_of,
    orders_of,
    weight_of,
)
from lotwise.exchange.venue import LISTEN_NS, Venue
from tests.exchange.in_process import CHOICE, KEY, InProcess, eventually, sockets_of

ROWS: list[dict[str, Any]] = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 10},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 8},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 5},
]
ORDER = Asked("a", 1, 0, 1)
READ = Asked("a", 1, 1, 0)
MINUTE_MS = 60_000


class Now:
    """A time that tests set."""

    def __init__(self) -> None:
        self.ms = 100 * MINUTE_MS

    def __call__(self) -> int:
        return self.ms


def test_the_limits_are_those_that_exchange_info_tells() -> None:
    served = InProcess()
    rows = exchange_info(served.venue.market, 0)["rateLimits"]
    assert served.application.limits.limits == limits_of(rows)
    assert {row["limit"] for row in rows} >= {WEIGHT_LIMIT, ORDER_LIMIT}
    assert [limit.name for limit in limits_of(ROWS)] == ["1M", "1M", "10S"]


@pytest.mark.parametrize(
    ("method", "path", "query", "weight", "orders"),
    [
        ("GET", "/fapi/v1/ping", "", 1, 0),
        ("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=5", 2, 0),
        ("GET", "/fapi/v1/depth", "symbol=BTCUSDT", 10, 0),
        ("GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=1000", 20, 0),
        ("GET", "/fapi/v1/klines", "limit=99", 1, 0),
        ("GET", "/fapi/v1/markPriceKlines", "limit=1500", 10, 0),
        ("GET", "/fapi/v1/klines", "limit=many", 5, 0),
        ("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT", 1, 0),
        ("GET", "/fapi/v1/openOrders", "", 40, 0),
        ("GET", "/fapi/v3/account", "", 5, 0),
        ("GET", "/fapi/v1/income", "", 30, 0),
        ("POST", "/fapi/v1/order", "", 0, 1),
        ("PUT", "/fapi/v1/order", "", 0, 1),
        ("DELETE", "/fapi/v1/order", "", 1, 0),
        ("POST", "/fapi/v1/algoOrder", "", 0, 1),
        ("POST", "/fapi/v1/batchOrders", "", 5, 5),
        ("POST", "/fapi/v1/leverage", "", 1, 0),
        ("GET", "/nowhere", "", 1, 0),
    ],
)
def test_a_request_counts_what_the_venue_counts(
    method: str, path: str, query: str, weight: int, orders: int
) -> None:
    assert (weight_of(method, path, query), orders_of(method, path)) == (weight, orders)


def test_weights_fill_a_minute_then_429_then_a_ban_that_doubles() -> None:
    now = Now()
    limits = Limits(ROWS, now, is_enforced=True)
    told = [limits.take(READ) for _ in range(10)]
    assert [refusal for refusal, _ in told] == [None] * 10
    assert [dict(headers)["X-MBX-USED-WEIGHT-1M"] for _, headers in told] == [str(n) for n in range(1, 11)]
    now.ms += 17_500
    for _ in range(STRIKES):
        refusal, headers = limits.take(READ)
        assert refusal is not None
        assert (refusal.code, refusal.status) == (-1003, 429)
        assert dict(headers)["Retry-After"] == "43"
    assert limits.take(Asked("b", 2, 1, 0))[0] is None  # another address is not touched
    assert limits.take(READ)[0] is not None  # the strike that is too many
    for length_ms in (FIRST_BAN_MS, 2 * FIRST_BAN_MS):
        begun = now.ms
        refusal, headers = limits.take(READ)
        assert refusal is not None
        assert (refusal.code, refusal.status) == (-1003, 418)
        assert str(begun + length_ms) in refusal.words
        assert dict(headers)["Retry-After"] == str(length_ms // 1_000 + 1)
        now.ms = begun + length_ms
        for _ in range(10 + STRIKES + 1):
            refusal, _ = limits.take(READ)
        assert refusal is not None
        assert refusal.status == 429
    for _ in range(20):
        now.ms = limits._bans["a"][0]
        for _ in range(10 + STRIKES + 1):
            limits.take(READ)
    assert limits._bans["a"][1] == MOST_BAN_MS


def test_who_waits_as_told_may_ask_again() -> None:
    now = Now()
    limits = Limits(ROWS, now, is_enforced=True)
    for _ in range(11):
        refusal, headers = limits.take(READ)
    assert refusal is not None
    now.ms += 1_000 * int(dict(headers)["Retry-After"])
    assert limits.take(READ) == (None, (("X-MBX-USED-WEIGHT-1M", "1"),))


def test_orders_are_counted_by_account_in_each_window() -> None:
    now = Now()
    limits = Limits(ROWS, now, is_enforced=True)
    for number in range(1, 6):
        refusal, headers = limits.take(ORDER)
        assert refusal is None
        assert dict(headers)["X-MBX-ORDER-COUNT-10S"] == dict(headers)["X-MBX-ORDER-COUNT-1M"] == str(number)
    refusal, headers = limits.take(ORDER)
    assert refusal is not None
    assert (refusal.code, refusal.status, dict(headers)["Retry-After"]) == (-1015, 429, "10")
    assert limits.take(Asked("a", 2, 0, 1))[0] is None
    now.ms += 10_000
    assert [limits.take(ORDER)[0] is None for _ in range(3)] == [True, True, False]  # the 9th of the minute
    now.ms += 50_000
    batch = Asked("a", 1, 5, 5)
    _, headers = limits.take(batch)
    assert (dict(headers)["X-MBX-ORDER-COUNT-10S"], dict(headers)["X-MBX-ORDER-COUNT-1M"]) == ("5", "1")
    refusal, _ = limits.take(batch)
    assert refusal is not None


def test_limits_that_are_off_are_counted_and_refuse_nothing() -> None:
    limits = Limits(ROWS, Now(), is_enforced=False)
    assert all(limits.take(ORDER)[0] is None and limits.take(READ)[0] is None for _ in range(100))
    assert dict(limits.take(READ)[1])["X-MBX-USED-WEIGHT-1M"] == "101"


@pytest.mark.parametrize("is_limited", [False, True])
def test_a_server_refuses_the_order_beyond_the_limit_and_does_nothing(is_limited: bool) -> None:
    served = InProcess(is_limited=is_limited)
    limit = {"type": "LIMIT", "price": "93000", "timeInForce": "IOC"}

    async def run() -> list[Any]:
        served.application.limits.limits = limits_of(ROWS[1:2])
        return [await served.order(f"n{number}", **limit) for number in range(10)]

    answers = asyncio.run(run())
    good = [200] * 8 + [429, 429] if is_limited else [200] * 10
    assert [answer.status for answer in answers] == good
    assert [answer.headers["x-mbx-order-count-1m"] for answer in answers] == [str(n) for n in range(1, 11)]
    assert len(served.venue.accounts[1].diary.orders) == good.count(200)
    if is_limited:
        assert answers[-1].body["code"] == -1015
        assert int(answers[-1].headers["retry-after"]) > 0


def test_calls_of_the_websocket_api_are_counted_too() -> None:
    served = InProcess(is_limited=True)
    place = {"id": 7, "method": "order.place", "params": {"apiKey": KEY}}
    assert call_asked(json.dumps(place), "a", served.venue.by_key) == (7, Asked("a", 1, 0, 1))
    assert call_asked('{"method":"time"}', "a", {}) == (None, Asked("a", 0, 1, 0))
    assert call_asked("no json", "a", {}) == (None, Asked("a", 0, 1, 0))
    served.application.limits.limits = limits_of([{**ROWS[0], "limit": 2}])
    session = Session(lambda: None)
    for number in range(3):
        served.application._call(session, json.dumps({"id": number, "method": "time"}), "a")
    rows = [json.loads(body) for body in session.waiting]
    assert [row["status"] for row in rows] == [200, 200, 429]
    assert (rows[2]["id"], rows[2]["error"]["code"]) == (2, -1003)


def later(served: InProcess, by_ns: int) -> None:
    """The server's clock goes on."""
    served.door.skew_ms += by_ns // 10**6


def test_a_listen_key_ends_an_hour_after_its_last_renewal(tmp_path: Path) -> None:
    served = InProcess(tmp_path)
    key = served.venue.open_listen(served.venue.accounts[1])
    later(served, LISTEN_NS // 2)
    assert served.venue.open_listen(served.venue.accounts[1]) == key
    later(served, LISTEN_NS - 10**9)
    asyncio.run(served.order("before"))
    assert served.venue.listen == {key: 1}
    served.venue.journal.close()
    again = InProcess(tmp_path)  # a start in between forgets neither the key nor its end
    again.door.skew_ms = served.door.skew_ms
    assert (again.venue.listen, again.venue.listen_until) == ({key: 1}, served.venue.listen_until)
    session = Session(lambda: None, account=1, key=key)
    assert again.hub.admit(session)
    asyncio.run(again.order("still"))
    assert session.waiting
    session.waiting.clear()
    later(again, 10**9)
    asyncio.run(again.order("after"))
    assert again.venue.listen == again.venue.listen_until == {}
    rows = [json.loads(body) for body in session.waiting]
    assert [(row["e"], row["listenKey"]) for row in rows] == [("listenKeyExpired", key)]
    new = again.venue.open_listen(again.venue.accounts[1])
    assert new != key
    again.venue.close()
    last = Venue(CHOICE, tmp_path)
    assert last.listen == {new: 1}
    assert last.listen_until == again.venue.listen_until
    last.close()


def test_a_fast_market_ends_no_key_and_a_market_alone_sees_the_end() -> None:
    served = InProcess()
    key = served.venue.open_listen(served.venue.accounts[1])
    market = served.venue.market
    served.venue.advance(market.position_at(market.now_ns + 3 * LISTEN_NS))
    assert served.venue.listen == {key: 1}
    later(served, LISTEN_NS)
    served.venue.advance(market.position + 1)
    assert served.venue.listen == {}


def test_renewing_a_key_that_ended_is_refused() -> None:
    served = InProcess()
    assert asyncio.run(served.asked("POST", "/fapi/v1/listenKey")).status == 200
    assert asyncio.run(served.asked("PUT", "/fapi/v1/listenKey")).status == 200
    later(served, LISTEN_NS)
    assert asyncio.run(served.asked("PUT", "/fapi/v1/listenKey")).body["code"] == -1125


def test_a_session_that_nobody_reads_is_closed_at_the_bound_and_keeps_no_more() -> None:
    closed: list[bool] = []
    session = Session(lambda: None)
    session.on_close = lambda: closed.append(True)
    for _ in range(3 * MOST_QUEUED):
        session.send({"e": "x"})
    assert (session.is_closed, len(session.waiting)) == (True, MOST_QUEUED)
    assert closed == [True]


def upgraded(port: int, path: str) -> socket.socket:
    """A WebSocket whose reader reads nothing after the handshake."""
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: bG90d2lzZWxvdHdpc2UhIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += line.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    return line


def test_a_socket_that_does_not_read_is_cut_off_and_the_others_go_on(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
    from tests.exchange.served import Server

    server = Server(tmp_path)
    try:
        kinds = ("depth", "depth20", "aggTrade", "trade", "bookTicker")
        streams = "/".join(f"{symbol}@{kind}" for symbol in ("btcusdt", "ethusdt") for kind in kinds)
        before = sockets_of(server.process.pid)
        lazy = upgraded(server.port, f"/stream?streams={streams}")
        assert server.asked("GET", "/status")["sessions"] == 1
        if before:
            assert eventually(lambda: sockets_of(server.process.pid) == before + 1)
        line = HTTPConnection("127.0.0.1", server.admin, timeout=60)
        for _ in range(100):
            line.request("POST", "/step", '{"events": 2000}')
            assert line.getresponse().read()
            line.request("GET", "/status")
            if json.loads(line.getresponse().read())["sessions"] == 0:
                break
        line.close()
        assert server.asked("GET", "/status")["sessions"] == 0
        assert eventually(lambda: sockets_of(server.process.pid) == before)
        assert server.raw("GET", "/fapi/v1/ping") == (200, {})
        lazy.close()
    finally:
        assert server.stop() == 0
