"""Real ccxt with its transport replaced: what would leave is written down, what comes back is made up here.

Only ``session.request`` is ours. Parameters, signature, headers and the reading of answers are ccxt's and
lotwise's own, as on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lotwise.broker.ccxt_venue.adapter import CcxtVenue
from lotwise.broker.ccxt_venue.connect import DIALECTS, FAMILIES
from lotwise.broker.ccxt_venue.dialect import Desk
from lotwise.broker.ccxt_venue.keys import Keys, guard_logs
from lotwise.broker.ccxt_venue.wire import Wire
from lotwise.clock import FixedClock
from lotwise.contracts import catalogue

NOW_NS = 1_792_000_000_123_000_000
KEY, SECRET, PASSWORD = "key-of-the-account-0001", "secret-of-the-account-0002", "pass-of-the-account-0003"
CONTRACTS = {
    "binance": "binance:BTCUSDT",
    "bybit": "bybit:BTCUSDT",
    "bingx": "bingx:BTC-USDT",
    "mexc": "mexc:BTC_USDT",
    "weex": "weex:BTCUSDT",
}
UNSIGNED = ("timestamp", "recvWindow", "signature")
Answer = tuple[int, Any]
"""HTTP status and body; an exception is raised as the transport's."""


@dataclass
class Sent:
    """A request that left."""

    method: str
    host: str
    path: str
    params: Any
    """Query and form as text, a JSON body as it was written; without time and signature."""
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {"method": self.method, "path": self.path, "params": self.params}


class Transport:
    """Stands in for a requests session; ``answer`` is asked for each request."""

    def __init__(self, answer: Callable[[Sent], Answer | Exception]) -> None:
        self.answer = answer
        self.sent: list[Sent] = []
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.trust_env = False

    def request(self, method: str, url: str, data: bytes | None = None, **more: Any) -> Any:
        """One request."""
        import requests

        parts = urlsplit(url)
        body = (data or b"").decode()
        params: Any = dict(parse_qsl(parts.query))
        if body.startswith(("{", "[")):
            params = json.loads(body, parse_float=lambda text: f"number {text}")
        elif body:
            params |= dict(parse_qsl(body))
        if isinstance(params, dict):
            params = {name: value for name, value in params.items() if name not in UNSIGNED}
        one = Sent(
            method, parts.netloc, parts.path, params, body or parts.query, dict(more.get("headers") or {})
        )
        self.sent.append(one)
        found = self.answer(one)
        if isinstance(found, Exception):
            raise found
        answer = requests.Response()
        answer.status_code, told = found
        answer.url, answer.reason = url, "told"
        answer._content = told.encode() if isinstance(told, str) else json.dumps(told).encode()
        return answer


def client_of(venue: str, answer: Callable[[Sent], Answer | Exception]) -> tuple[Any, Transport]:
    """A real ccxt client whose transport is ours."""
    import ccxt

    name = {"binance": "binanceusdm"}.get(venue, venue)
    client = getattr(ccxt, name)(
        {"apiKey": KEY, "secret": SECRET, "password": PASSWORD, "enableRateLimit": False}
    )
    client.session = transport = Transport(answer)
    return client, transport


def venue_of(
    venue: str, answer: Callable[[Sent], Answer | Exception], *, where: Any = "paper", tell: Any = print
) -> tuple[CcxtVenue, Transport]:
    """The adapter on such a client; contracts are the catalogue's, leverage 5 isolated as if prepared."""
    client, transport = client_of(venue, answer)
    keys = Keys(KEY, SECRET, PASSWORD)
    guard_logs(client, keys)
    wire = Wire(venue, client, FixedClock(NOW_NS), keys, tell)
    desk = Desk(venue, wire, catalogue.load, families=FAMILIES.get(venue, (venue,)), where=where)
    desk.prepared[CONTRACTS[venue]] = (500, True)
    return CcxtVenue(DIALECTS[venue](desk), lambda seconds: None, (0.0, 1.0, 1.0)), transport
