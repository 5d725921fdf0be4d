"""How much a client may ask: request weights by address, new orders by account, in windows of the clock.

The limits are the ``rateLimits`` that exchangeInfo tells. Weights are those of the venue's pages of each
endpoint; how many requests beyond a limit lead to a ban is not published: :data:`STRIKES` is ours.
Source: Binance USD-M, "Limits", "HTTP Return Codes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import msgspec

from lotwise.exchange.binance.refusals import Refusal

SECONDS: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}
STRIKES: Final = 10
"""Requests beyond a limit, within its window, that lead to a ban."""
FIRST_BAN_MS: Final = 120_000
MOST_BAN_MS: Final = 3 * 86_400_000
"""Bans double from two minutes to three days."""
MOST_COUNTED: Final = 10_000
"""Addresses and accounts that are remembered at once."""
BATCH: Final = 5
"""What a batch of orders counts for in the short window; in that of a minute it counts once."""

WEIGHTS: Final[dict[str, tuple[int, int]]] = {
    "exchangeInfo": (1, 1),
    "historicalTrades": (20, 20),
    "aggTrades": (20, 20),
    "trades": (5, 5),
    "ticker/24hr": (1, 40),
    "ticker/price": (1, 2),
    "ticker/bookTicker": (2, 5),
    "premiumIndex": (1, 10),
    "openOrders": (1, 40),
    "openAlgoOrders": (1, 40),
    "allOrders": (5, 5),
    "allAlgoOrders": (5, 5),
    "forceOrders": (20, 50),
    "userTrades": (5, 5),
    "income": (30, 30),
    "account": (5, 5),
    "balance": (5, 5),
    "positionRisk": (5, 5),
    "commissionRate": (20, 20),
    "multiAssetsMargin": (30, 30),
    "positionSide/dual": (30, 30),
    "adlQuantile": (5, 5),
    "symbolConfig": (5, 5),
    "accountConfig": (5, 5),
}
"""Weight of a GET with a symbol and without; all others weigh 1."""
DEPTHS: Final = ((50, 2), (100, 5), (500, 10), (1_000, 20))
KLINES: Final = ((99, 1), (499, 2), (1_000, 5), (1_500, 10))
"""Weight by the number of rows that is asked for."""
DEFAULT_ROWS: Final = 500


class Limit(NamedTuple):
    """One row of ``rateLimits``."""

    is_orders: bool
    seconds: int
    most: int
    name: str
    """How the venue writes the interval in a header: 1M, 10S."""


class Asked(NamedTuple):
    """What a request counts for."""

    address: str
    account: int
    """0: nobody's."""
    weight: int
    orders: int


def limits_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Limit, ...]:
    """The limits that ``rateLimits`` of exchangeInfo tells."""
    return tuple(
        Limit(
            row["rateLimitType"] == "ORDERS",
            SECONDS[row["interval"]] * row["intervalNum"],
            row["limit"],
            f"{row['intervalNum']}{row['interval'][0]}",
        )
        for row in rows
    )


def weight_of(method: str, path: str, query: str) -> int:
    """The weight of a request; orders weigh nothing, they are counted."""
    name = path.partition("/v")[2][2:] if "/v" in path else path
    if orders_of(method, path):
        return BATCH if name == "batchOrders" else 0
    if method != "GET":
        return 1
    sent = parse_qs(query)
    if name == "depth" or name.lower().endswith("klines"):
        text = sent.get("limit", [""])[0]
        rows = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else DEFAULT_ROWS
        table = DEPTHS if name == "depth" else KLINES
        return next((weight for most, weight in table if rows <= most), table[-1][1])
    with_symbol, without = WEIGHTS.get(name, (1, 1))
    return with_symbol if "symbol" in sent else without


def orders_of(method: str, path: str) -> int:
    """How many orders a request places or changes, in the short window."""
    if method == "POST" and path.endswith("/batchOrders"):
        return BATCH
    placed = method == "POST" and path.endswith(("/order", "/algoOrder"))
    return int(placed or (method == "PUT" and path.endswith("/order")))


def call_asked(text: str | bytes, address: str, by_key: Mapping[str, Any]) -> tuple[Any, Asked]:
    """What a call of the WebSocket API counts for, and its id."""
    try:
        message = msgspec.json.decode(text, type=Call)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return None, Asked(address, 0, 1, 0)
    account = by_key.get(str(message.params.get("apiKey", "")))
    orders = int(message.method in ("order.place", "order.modify", "algoOrder.place"))
    return message.id, Asked(address, account.number if account else 0, 1 - orders, orders)


class Call(msgspec.Struct):
    """What is counted of a call."""

    id: Any = None
    method: str = ""
    params: dict[str, Any] = {}


class Limits:
    """Counts what is asked in each window; with ``is_enforced`` refuses what is beyond.

    Parameters
    ----------
    rows
        ``rateLimits`` of exchangeInfo.
    now_ms
        The server's time.
    """

    def __init__(
        self, rows: Iterable[Mapping[str, Any]], now_ms: Callable[[], int], *, is_enforced: bool
    ) -> None:
        self.limits = limits_of(rows)
        self.is_enforced = is_enforced
        self._now_ms = now_ms
        self._windows: list[tuple[int, dict[Any, int]]] = [(0, {}) for _ in self.limits]
        self._strikes: dict[str, int] = {}
        self._bans: dict[str, tuple[int, int]] = {}
        """Until when an address is banned, and for how long it was."""

    def take(self, asked: Asked) -> tuple[Refusal | None, tuple[tuple[str, str], ...]]:
        """Count a request: its refusal, if it is beyond a limit, and the headers of its answer."""
        now = self._now_ms()
        if self.is_enforced and (refused := self._banned(asked.address, now)) is not None:
            return refused, (("Retry-After", str((self._bans[asked.address][0] - now) // 1_000 + 1)),)
        refusal: Refusal | None = None
        headers: list[tuple[str, str]] = []
        for at, limit in enumerate(self.limits):
            window = now // (limit.seconds * 1_000)
            counts = self._counts(at, window)
            who: Any = asked.account if limit.is_orders else asked.address
            more = self._more(limit, asked)
            if limit.is_orders and (not more or not asked.account):
                continue
            counts[who] = counts.get(who, 0) + more
            word = "ORDER-COUNT" if limit.is_orders else "USED-WEIGHT"
            headers.append((f"X-MBX-{word}-{limit.name}", str(counts[who])))
            if self.is_enforced and counts[who] > limit.most and refusal is None:
                refusal = self._refused(limit, asked.address, now)
                wait = (window + 1) * limit.seconds - now // 1_000
                headers.append(("Retry-After", str(max(1, wait))))
        return refusal, tuple(headers)

    def _counts(self, at: int, window: int) -> dict[Any, int]:
        """The counts of a limit's present window."""
        if self._windows[at][0] != window or len(self._windows[at][1]) > MOST_COUNTED:
            self._windows[at] = (window, {})
            if not self.limits[at].is_orders:
                self._strikes.clear()
        return self._windows[at][1]

    def _more(self, limit: Limit, asked: Asked) -> int:
        if not limit.is_orders:
            return asked.weight
        return min(asked.orders, 1) if limit.seconds >= SECONDS["MINUTE"] else asked.orders

    def _refused(self, limit: Limit, address: str, now: int) -> Refusal:
        """429 beyond a limit; who goes on regardless is banned."""
        strikes = self._strikes[address] = self._strikes.get(address, 0) + 1
        if strikes > STRIKES:
            _, before = self._bans.get(address, (0, FIRST_BAN_MS // 2))
            length = min(2 * before, MOST_BAN_MS)
            self._bans[address] = (now + length, length)
        if limit.is_orders:
            words = f"Too many new orders; current limit is {limit.most} orders per {limit.name}."
            return Refusal(-1015, words=words, status=429)
        return Refusal(-1003, str(limit.most))

    def _banned(self, address: str, now: int) -> Refusal | None:
        until, _ = self._bans.get(address, (0, 0))
        if now >= until:
            return None
        return Refusal(-1003, words=f"Way too many requests; IP banned until {until}.", status=418)
