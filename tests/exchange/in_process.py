"""The venue's applications asked in this process, as a server would ask them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import urlencode

from lotwise.clock import FixedClock
from lotwise.exchange.admin import Admin, AdminApplication
from lotwise.exchange.binance.door import Door
from lotwise.exchange.binance.hub import Hub
from lotwise.exchange.binance.server import Application
from lotwise.exchange.faults import Faults
from lotwise.exchange.market import MarketChoice
from lotwise.exchange.venue import Venue
from lotwise.units import Cash

NOW_MS = 1_795_000_000_000
KEY, SECRET = "k" * 64, "s" * 64
LOOK_SECONDS = 0.02
HOUR_NS = 3_600 * 10**9
CHOICE = MarketChoice(days=1, history_ns=HOUR_NS, detail=2)
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether a condition came true in time."""
    never = Event()
    for _ in range(int(seconds / LOOK_SECONDS)):
        if condition():
            return True
        never.wait(LOOK_SECONDS)
    return condition()


def sockets_of(process: int) -> int:
    """How many sockets a process has open; 0 where the system does not tell."""
    found = 0
    files = Path(f"/proc/{process}/fd")
    for one in files.iterdir() if files.is_dir() else ():
        with suppress(OSError):  # closed while we looked
            found += "socket" in str(one.readlink())
    return found


class Answered(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any


class InProcess:
    """One venue with its applications and an account."""

    def __init__(self, folder: Path | None = None, *, is_limited: bool = False) -> None:
        self.venue = Venue(CHOICE, folder)
        if not self.venue.accounts:
            self.venue.open_account("me", Cash(100_000 * 10**8), KEY, SECRET)
        self.clock = FixedClock(NOW_MS * 10**6)
        faults = Faults()
        self.door, self.hub = Door(self.venue, self.clock, faults), Hub(self.venue, faults)
        self.application = Application(self.door, self.hub, is_limited=is_limited)
        self.admin = AdminApplication(Admin(self.venue, faults, self.hub), self.application)

    async def asked(
        self,
        method: str,
        path: str,
        query: str = "",
        body: str = "",
        *,
        application: Any = None,
        seen: Callable[[], None] | None = None,
    ) -> Answered:
        """One request; ``seen`` is called when the first byte of the answer is sent."""
        found: dict[str, Any] = {"body": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body.encode()}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                if seen is not None:
                    seen()
                found.update(message)
            else:
                found["body"] = message["body"]

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost:1"), (b"x-mbx-apikey", KEY.encode())],
            "client": ("127.0.0.1", 4_000),
        }
        await (application or self.application)(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in found["headers"]}
        return Answered(found["status"], headers, json.loads(found["body"]))

    def query(self, params: dict[str, Any]) -> str:
        """A signed query at the server's time."""
        text = urlencode({**params, "timestamp": self.door.now_ms})
        return f"{text}&signature=" + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()

    async def order(self, name: str, seen: Callable[[], None] | None = None, **more: Any) -> Answered:
        """A market order, or what ``more`` makes of it."""
        asked = {**ORDER, "newClientOrderId": name, **more}
        return await self.asked("POST", "/fapi/v1/order", self.query(asked), seen=seen)
