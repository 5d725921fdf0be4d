"""Closed bars for the chart: asked of the venue once, kept while the desk runs, packed as whole numbers."""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lotwise.app.desk_feed import check_series
from lotwise.app.trade_feed import bar_of
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, VenueError
from lotwise.strategy.api import Bar

MS: Final = 10**6
STEPS_MS: Final = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "4h": 14_400_000}
PAGE: Final = 1_000
"""Bars of one question: what every venue here serves (Bybit 1,000, Binance 1,500)."""
MOST: Final = 20_000
"""Bars of one answer."""
MAGIC: Final = b"LWH1"
SETTLED: Final = 10
"""Steps after which a bar that the venue does not have will not come any more."""
LARGEST: Final = 2**31 - 1


class History:
    """The closed bars of the contracts of a desk.

    Parameters
    ----------
    client
        Makes a ccxt client without keys whose JSON keeps fractions as text.
    now_ms
        The market's time of a contract; 0 while it was not heard.
    """

    def __init__(
        self, contracts: Mapping[str, Contract], client: Callable[[], Any], now_ms: Callable[[str], int]
    ) -> None:
        self.contracts, self._made, self._now_ms = contracts, client, now_ms
        self._client: Any = None
        self._kept: dict[tuple[str, str], dict[int, Bar | None]] = {}
        self._lock = threading.Lock()

    def bars(self, contract_id: str, interval: str, before_ms: int, count: int) -> list[Bar]:
        """At most ``count`` closed bars that opened before a time (0: now), oldest first.

        Raises
        ------
        InputError
            WEB-111 a contract or an interval that the desk does not have; WEB-115 a count out of range.
        VenueError
            WEB-116 the venue does not answer with bars.
        """
        check_series(self.contracts, contract_id, interval)
        if not 1 <= count <= MOST:
            raise InputError("WEB-115", f"{count} bars", f"ask for 1 to {MOST}")
        if not 0 <= before_ms < 2**53:
            raise InputError("WEB-115", f"bars before {before_ms} ms", "give a time in ms, or 0 for now")
        with self._lock:
            return self._bars(self.contracts[contract_id], interval, before_ms, count)

    def _bars(self, contract: Contract, interval: str, before_ms: int, count: int) -> list[Bar]:
        step = STEPS_MS[interval]
        now = self._now_ms(contract.id) or self._asked_now()
        end = now // step * step
        end = min(end, before_ms // step * step) if before_ms else end
        start = max(0, end - count * step)
        kept = self._kept.setdefault((contract.id, interval), {})
        at = start
        while at < end:
            if at in kept:
                at += step
                continue
            page = self._page(contract, interval, at)
            closed = [bar for bar in page if bar.time_ns // MS + step <= now]
            reached = closed[-1].time_ns // MS + step if closed else end
            for hole in range(at, min(reached, end, now - SETTLED * step), step):
                kept.setdefault(hole, None)
            for bar in closed:
                kept[bar.time_ns // MS] = bar
            at = max(at + step, reached)
        found = (kept.get(time) for time in range(start, end, step))
        return [bar for bar in found if bar is not None]

    def _ready(self) -> Any:
        if self._client is None:
            self._client = self._made()
        if not self._client.markets:
            self._client.load_markets()
        return self._client

    def _asked_now(self) -> int:
        try:
            return int(self._ready().fetch_time())
        except Exception as error:  # ccxt raises anything at all
            raise VenueError("WEB-116", f"the venue does not tell its time: {error}", "try again") from error

    def _page(self, contract: Contract, interval: str, since_ms: int) -> Sequence[Bar]:
        try:
            client = self._ready()
            symbol = str(client.safe_symbol(contract.symbol, None, None, "swap"))
            rows = client.fetch_ohlcv(symbol, interval, since_ms, PAGE)
            found = [bar_of(contract, row) for row in rows]
        except Exception as error:  # ccxt raises anything at all; an answer without sense is one of them
            kind = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            raise VenueError(
                "WEB-116", f"the bars of {contract.id} cannot be read: {kind}", "it is tried again"
            ) from error
        return sorted((bar for bar in found if bar.time_ns >= since_ms * MS), key=lambda bar: bar.time_ns)


def packed(bars: Sequence[Bar]) -> bytes:
    """Bars as columns of 32 bits, little-endian, after a head of 16 bytes: LWH1, count, first time in ms.

    A volume beyond 32 bits is told as the largest number; prices are bounded by the contract's proof.

    >>> packed([Bar(60_000 * 10**6, 1, 3, 1, 2, 5)]).hex()[:32]
    '4c5748310100000060ea000000000000'
    """
    base_ms = bars[0].time_ns // MS if bars else 0
    columns = [[(bar.time_ns // MS - base_ms) // 1_000 for bar in bars]]
    for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots"):
        columns.append([min(LARGEST, getattr(bar, name)) for bar in bars])
    body = array("i", [cell for column in columns for cell in column])
    if struct.pack("=H", 1) != struct.pack("<H", 1):
        body.byteswap()
    return struct.pack("<4sIq", MAGIC, len(bars), base_ms) + body.tobytes()
