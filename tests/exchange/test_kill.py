"""kill -9 at random moments under concurrent orders: nothing acknowledged or told is lost or doubled."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")

from tests.exchange.in_process import eventually
from tests.exchange.served import KEY, SECRET, Server

KILLS = {"test": 5, "proof": 100}.get(os.environ.get("LOTWISE_PROFILE") or "test", 5)
KILLS_A_STATE = 5
"""A state that was killed is started, traded and killed again."""
TRADERS = 3
MOST_ORDERS = 60
"""Of a trader; a third of them stay in the book, which has room for 200."""
SYMBOL = "BTCUSDT"


def signed(line: HTTPConnection, method: str, path: str, **params: Any) -> Any:
    """One signed request on a kept connection."""
    text = urlencode({**params, "timestamp": time.time_ns() // 10**6, "recvWindow": 60_000})
    text += "&signature=" + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    line.request(method, f"{path}?{text}", headers={"X-MBX-APIKEY": KEY})
    answer = line.getresponse()
    told = json.loads(answer.read())
    assert answer.status == 200, told
    return told


class Trader(threading.Thread):
    """Sends orders without a pause and notes what was acknowledged, until the server is gone."""

    def __init__(self, server: Server, name: str, price: str, goal: int) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.called = name
        self.price = price
        self.goal = goal
        self.sent: list[str] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.cancelled: set[str] = set()
        self.position = 0
        self.enough = threading.Event()
        self.fault = ""

    def run(self) -> None:
        """Orders, cancels and steps of the market, one after the other."""
        line = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            for number in range(1, MOST_ORDERS + 1):
                self._order(line, f"{self.called}{number}", number)
        except (OSError, HTTPException):
            return
        except AssertionError as error:
            self.fault = str(error)
        finally:
            self.enough.set()
            line.close()

    def _order(self, line: HTTPConnection, name: str, number: int) -> None:
        asked: dict[str, Any] = {"symbol": SYMBOL, "side": "BUY", "newClientOrderId": name}
        if number % 3:
            asked |= {"type": "LIMIT", "quantity": "0.002", "price": self.price, "timeInForce": "GTC"}
        else:
            asked |= {"type": "MARKET", "quantity": "0.002", "side": "BUY" if number % 2 else "SELL"}
        self.sent.append(name)
        self.acknowledged[name] = signed(line, "POST", "/fapi/v1/order", **asked)
        if number % 3 == 1:
            signed(line, "DELETE", "/fapi/v1/order", symbol=SYMBOL, origClientOrderId=name)
            self.cancelled.add(name)
        if number % 10 == 0 and self.called.endswith("a"):
            self.position = self.server.step(30)["position"]
        if len(self.acknowledged) >= self.goal:
            self.enough.set()


class Listener(threading.Thread):
    """Reads an account's stream and keeps what it was told, until the server is gone."""

    def __init__(self, server: Server, key: str) -> None:
        super().__init__(daemon=True)
        self.address = f"ws://127.0.0.1:{server.port}/private/ws?listenKey={key}"
        self.is_open, self.is_enough = threading.Event(), threading.Event()
        self.view: dict[int, tuple[str, Decimal]] = {}
        """Orders by id: status and filled quantity."""
        self.fills: dict[int, tuple[int, Decimal, Decimal]] = {}
        """Fills by id: order, quantity, price."""
        self.position: Decimal | None = None
        self.start()
        assert self.is_open.wait(60)

    def run(self) -> None:
        """Every event, in order."""
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect

        try:
            with connect(self.address, proxy=None) as socket:
                self.is_open.set()
                while not self.is_enough.is_set():
                    with suppress(TimeoutError):
                        self._event(json.loads(socket.recv(timeout=0.2)))
        except (ConnectionClosed, OSError):
            return

    def _event(self, event: dict[str, Any]) -> None:
        if event["e"] == "ORDER_TRADE_UPDATE":
            told = event["o"]
            self.view[told["i"]] = (told["X"], Decimal(told["z"]))
            if told["x"] == "TRADE":
                assert told["t"] not in self.fills
                self.fills[told["t"]] = (told["i"], Decimal(told["l"]), Decimal(told["L"]))
        elif event["e"] == "ACCOUNT_UPDATE":
            for row in event["a"]["P"]:
                self.position = Decimal(row["pa"])


class Books(NamedTuple):
    """What REST says of the account."""

    orders: dict[str, Any]
    fills: dict[int, tuple[int, Decimal, Decimal]]
    position: Decimal

    @property
    def view(self) -> dict[int, tuple[str, Decimal]]:
        """Orders as a listener keeps them."""
        return {one["orderId"]: (one["status"], Decimal(one["executedQty"])) for one in self.orders.values()}


def books_of(server: Server) -> Books:
    """Orders, fills and position; each order and fill once, and all of them in agreement."""
    line = HTTPConnection("127.0.0.1", server.port, timeout=30)
    rows = signed(line, "GET", "/fapi/v1/allOrders", symbol=SYMBOL, limit=1000)
    incomes = signed(line, "GET", "/fapi/v1/income", limit=1000)
    wallet = signed(line, "GET", "/fapi/v3/account")["totalWalletBalance"]
    trades = signed(line, "GET", "/fapi/v1/userTrades", symbol=SYMBOL, limit=1000)
    held = signed(line, "GET", "/fapi/v3/positionRisk")
    line.close()
    orders = {order["clientOrderId"]: order for order in rows}
    assert len(orders) == len(rows)
    fills = {one["id"]: (one["orderId"], Decimal(one["qty"]), Decimal(one["price"])) for one in trades}
    assert len(fills) == len(trades)
    filled: dict[int, Decimal] = defaultdict(Decimal)
    signs = {"BUY": 1, "SELL": -1}
    for order_id, lots, _ in fills.values():
        filled[order_id] += lots
    for order in rows:
        assert filled[order["orderId"]] == Decimal(order["executedQty"])
    position = sum((Decimal(row["positionAmt"]) for row in held), Decimal(0))
    assert position == sum(signs[one["side"]] * Decimal(one["qty"]) for one in trades)
    assert sum(Decimal(one["income"]) for one in incomes) == Decimal(wallet)
    return Books(orders, fills, position)


def check_nothing_is_lost(books: Books, traders: list[Trader], listener: Listener) -> int:
    """Every acknowledged order and told fill is there, as it was or further on; how many orders live."""
    found = books.orders
    for trader in traders:
        assert trader.fault == ""
        assert set(found) >= set(trader.acknowledged)
        for name, told in trader.acknowledged.items():
            assert found[name]["orderId"] == told["orderId"]
            assert Decimal(found[name]["executedQty"]) >= Decimal(told["executedQty"])
            if told["status"] == "FILLED":
                assert found[name]["status"] == "FILLED"
        for name in trader.cancelled:
            assert found[name]["status"] == "CANCELED"
    sent = {name for trader in traders for name in trader.sent}
    assert {name for name in found if not name.startswith("again")} <= sent
    assert listener.fills.items() <= books.fills.items()
    after = books.view
    for number, (status, filled) in listener.view.items():
        assert after[number][1] >= filled
        if status in ("FILLED", "CANCELED"):
            assert after[number] == (status, filled)
    return sum(order["status"] == "NEW" for order in found.values())


def check_stream_resumes(server: Server, key: str, price: str, name: str) -> None:
    """A listener that comes back with its key, asks once and listens on, ends with what REST says."""
    before = books_of(server)
    listener = Listener(server, key)
    listener.view, listener.position = before.view, before.position
    line = HTTPConnection("127.0.0.1", server.port, timeout=30)
    usual = {"symbol": SYMBOL, "side": "BUY", "quantity": "0.002"}
    resting = {**usual, "type": "LIMIT", "price": price, "timeInForce": "GTC"}
    signed(line, "POST", "/fapi/v1/order", **resting, newClientOrderId=f"again1{name}")
    signed(line, "POST", "/fapi/v1/order", **usual, type="MARKET", newClientOrderId=f"again2{name}")
    signed(line, "DELETE", "/fapi/v1/order", symbol=SYMBOL, origClientOrderId=f"again1{name}")
    signed(line, "POST", "/fapi/v1/order", **resting, newClientOrderId=f"again3{name}")
    signed(line, "DELETE", "/fapi/v1/allOpenOrders", symbol=SYMBOL)
    line.close()
    books = books_of(server)
    assert len(books.view) == len(before.view) + 3
    assert eventually(lambda: listener.view == books.view and listener.position == books.position)
    listener.is_enough.set()
    listener.join(60)


class Venue:
    """One state and the servers that lived on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.server = Server(state)
        self.server.account(deposit="100000")
        last = Decimal(self.server.raw("GET", f"/fapi/v1/ticker/price?symbol={SYMBOL}")[1]["price"])
        self.price = str((last * Decimal("0.98")).quantize(Decimal("0.1")))
        line = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        line.request("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": KEY})
        self.key = json.loads(line.getresponse().read())["listenKey"]
        line.close()
        self.traders: list[Trader] = []

    def killed(self, draws: Any, name: str) -> tuple[int, int, int]:
        """Orders of several traders, a kill among them, all checks: acknowledged, alive, fills told."""
        listener = Listener(self.server, self.key)
        new = [
            Trader(self.server, f"{name}{letter}", self.price, int(draws.integers(2, 40)))
            for letter in "abc"[:TRADERS]
        ]
        for trader in new:
            trader.start()
        assert new[int(draws.integers(TRADERS))].enough.wait(60)
        self.server.kill()
        for thread in (*new, listener):
            thread.join(60)
            assert not thread.is_alive()
        self.traders += new
        self.server = Server(self.state)
        status = self.server.asked("GET", "/status")
        assert status["position"] >= max(trader.position for trader in new)
        living = check_nothing_is_lost(books_of(self.server), self.traders, listener)
        check_stream_resumes(self.server, self.key, self.price, name)
        return sum(len(trader.acknowledged) for trader in new), living, len(listener.fills)

    def stopped(self) -> None:
        """The same state, stopped in order and started once more."""
        books, hashes = books_of(self.server), self.server.asked("GET", "/status")["hashes"]
        assert self.server.stop() == 0
        self.server = Server(self.state)
        assert books_of(self.server) == books
        assert self.server.asked("GET", "/status")["hashes"] == hashes


def test_nothing_acknowledged_or_told_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    from numpy.random import PCG64, Generator

    draws = Generator(PCG64(11))
    found: list[tuple[int, int, int]] = []
    for first in range(0, KILLS, KILLS_A_STATE):
        venue = Venue(tmp_path / f"state{first}")
        try:
            found += [venue.killed(draws, f"k{kill}") for kill in range(first, first + KILLS_A_STATE)]
            if first == 0:
                venue.stopped()
        finally:
            venue.server.stop()
    acknowledged, living, told = zip(*found, strict=True)
    with_live = sum(count > 0 for count in living)
    print(f"kills {KILLS}, with live orders {with_live}, acknowledged {acknowledged}, fills told {told}")
    assert len(found) == KILLS
    assert min(acknowledged) > 0
    assert with_live * 4 >= KILLS * 3
    assert sum(told) > KILLS
