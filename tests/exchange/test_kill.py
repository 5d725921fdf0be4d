"""kill -9 at random moments: what was acknowledged is there afterwards, once, and the books agree."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")

from tests.exchange.served import KEY, SECRET, Server

KILLS = {"test": 5, "proof": 50}[os.environ.get("LOTWISE_PROFILE", "test")]
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

    def __init__(self, server: Server, first: int, price: str) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.first = first
        self.price = price
        self.sent: list[str] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.cancelled: set[str] = set()
        self.position = 0
        self.enough = threading.Event()
        self.goal = 0
        self.fault = ""

    def run(self) -> None:
        """Orders, cancels and steps of the market, one after the other."""
        line = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            for number in range(self.first, self.first + 150):
                self._order(line, f"c{number}", number)
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
        if number % 10 == 0:
            self.position = self.server.step(30)["position"]
        if len(self.acknowledged) >= self.goal:
            self.enough.set()


def check_nothing_is_lost(server: Server, traders: list[Trader]) -> int:
    """Every acknowledged order is there once, as it was told or further on; how many live."""
    line = HTTPConnection("127.0.0.1", server.port, timeout=30)
    orders = signed(line, "GET", "/fapi/v1/allOrders", symbol=SYMBOL, limit=1000)
    incomes = signed(line, "GET", "/fapi/v1/income", limit=1000)
    wallet = signed(line, "GET", "/fapi/v3/account")["totalWalletBalance"]
    trades = signed(line, "GET", "/fapi/v1/userTrades", symbol=SYMBOL, limit=1000)
    line.close()
    found: dict[str, Any] = {}
    for order in orders:
        assert order["clientOrderId"] not in found
        found[order["clientOrderId"]] = order
    for trader in traders:
        assert trader.fault == ""
        assert set(found) >= set(trader.acknowledged)
        for name, told in trader.acknowledged.items():
            assert found[name]["orderId"] == told["orderId"]
            assert Decimal(found[name]["executedQty"]) >= Decimal(told["executedQty"])
        for name in trader.cancelled:
            assert found[name]["status"] == "CANCELED"
    assert set(found) <= {name for trader in traders for name in trader.sent}
    assert sum(Decimal(one["income"]) for one in incomes) == Decimal(wallet)
    filled = sum(Decimal(one["qty"]) for one in trades)
    assert filled == sum(Decimal(order["executedQty"]) for order in orders)
    return sum(order["status"] == "NEW" for order in orders)


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    from numpy.random import PCG64, Generator

    draws = Generator(PCG64(11))
    with_live = 0
    for kill in range(KILLS):
        state = tmp_path / f"state{kill}"
        server = Server(state)
        server.account(deposit="100000")
        last = Decimal(server.raw("GET", f"/fapi/v1/ticker/price?symbol={SYMBOL}")[1]["price"])
        trader = Trader(server, 1, str((last * Decimal("0.98")).quantize(Decimal("0.1"))))
        trader.goal = int(draws.integers(3, 60))
        trader.start()
        assert trader.enough.wait(60)
        server.kill()
        trader.join(60)
        assert not trader.is_alive()
        assert len(trader.acknowledged) >= min(trader.goal, 150)
        again = Server(state)
        status = again.asked("GET", "/status")
        assert status["position"] >= trader.position
        with_live += check_nothing_is_lost(again, [trader]) > 0
        if kill == 0:  # the same state, stopped in order and started once more
            assert again.stop() == 0
            again = Server(state)
            assert again.asked("GET", "/status")["hashes"] == status["hashes"]
            check_nothing_is_lost(again, [trader])
        again.stop()
    assert with_live * 4 >= KILLS * 3
