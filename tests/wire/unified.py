"""ccxt's own call for all venues, offline: what it would send, to show the hazards and to compare with."""

from __future__ import annotations

import contextlib
from typing import Any

from tests.wire.offline import Sent, client_of

SYMBOL = "BTC/USDT:USDT"
TYPES = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
UNIFIED = {"uta": 1, "unified": 1, "unifiedMarginStatus": 5, "list": []}
"""What Bybit tells of an account of today."""
IDS = {"bingx": "BTC-USDT", "mexc": "BTC_USDT"}


def unified(venue: str, tells: Any = None) -> tuple[Any, Any]:
    """A client that knows one market, so that nothing has to be loaded."""

    def answer(sent: Sent) -> tuple[int, Any]:
        return 200, tells if tells is not None else {
            "code": 0,
            "retCode": 0,
            "success": True,
            "result": dict(UNIFIED),
        }

    client, transport = client_of(venue, answer)
    market = client.safe_market_structure(
        {
            "id": IDS.get(venue, "BTCUSDT"),
            "symbol": SYMBOL,
            "base": "BTC",
            "quote": "USDT",
            "settle": "USDT",
            "baseId": "BTC",
            "quoteId": "USDT",
            "settleId": "USDT",
            "type": "swap",
            "spot": False,
            "swap": True,
            "future": False,
            "option": False,
            "contract": True,
            "linear": True,
            "inverse": False,
            "contractSize": 1,
            "precision": {"amount": 0.0001, "price": 0.1},
            "info": {"orderTypes": ["LIMIT", "MARKET", *TYPES]},
        }
    )
    client.set_markets([market])
    client.options["enableUnifiedAccount"] = True
    client.options["unifiedMarginStatus"] = 5
    return client, transport


def sent_by(venue: str, call: str, *given: Any, tells: Any = None, **named: Any) -> list[Sent]:
    """What one unified call sends; what ccxt makes of the answer does not matter."""
    client, transport = unified(venue, tells)
    with contextlib.suppress(Exception):  # the made-up answer is no order; only what left counts
        getattr(client, call)(*given, **named)
    return transport.sent


def order(venue: str, kind: str, side: str, price: float | None = None, **params: Any) -> Sent:
    """What ``create_order`` sends for 0.003, in 3 contracts at MEXC."""
    amount = 3 if venue == "mexc" else 0.003
    return sent_by(venue, "create_order", SYMBOL, kind, side, amount, price, params)[-1]
