"""What the market was like when a trade was entered, from the bars and funding of the market store.

Only what was known then is used: bars that had ended by the entry, funding that had been charged, the last
quote. Closes of every hour over a day; a figure whose data the store lacks is None. Shares are in 1e-8.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.errors import InputError
from lotwise.records.journal import RoundTrip
from lotwise.units import SCALE

if TYPE_CHECKING:
    import polars as pl

    from lotwise.market.kinds import Kind, Scale

HOUR: Final = 3_600 * 10**9
HOURS: Final = 24
DAY: Final = 24 * HOUR
FRESH: Final = 60 * 10**9
"""A quote that is older says nothing of the spread."""
KEPT: Final = 64
"""Stretches of three days that are kept in memory; all are forgotten when there are more."""
BITCOIN: Final = ("BTCUSDT", "BTC-USDT", "BTC_USDT")
"""How venues name the contract that stands for the whole market."""


@dataclass(frozen=True)
class Conditions:
    """The market at an entry; each in 1e-8, None where the store does not say."""

    change8: int | None
    """Of the contract over 24 hours."""
    btc_change8: int | None
    btc_volatility8: int | None
    """Standard deviation of hourly log returns over 24 hours."""
    btc_correlation8: int | None
    """Of hourly log returns of the contract with those of bitcoin over 24 hours."""
    funding8: int | None
    """The last rate that was charged within two days."""
    spread8: int | None = None
    """Ask less bid by their middle, of the last quote within a minute."""


Rows = tuple[list[int], list[list[int]], list[int]]
"""Times, columns beside them, and the decimals of each column."""


class Past:
    """Reads the market store, and keeps what it read: trades of one day ask for the same bars.

    Parameters
    ----------
    root
        The folder of the market store; the user's own where it is not given.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root
        self._kept: dict[tuple[str, str, str, int], Rows] = {}

    def before(self, venue: str, contract: str, kind: Kind, names: Sequence[str], until_ns: int) -> Rows:
        """The rows of the two days before a time; empty where the store has none."""
        times, columns, places = self._days(venue, contract, kind, names, until_ns // DAY)
        first, end = bisect_left(times, until_ns - 2 * DAY), bisect_left(times, until_ns)
        return times[first:end], [column[first:end] for column in columns], places

    def spread8(self, venue: str, contract: str, at_ns: int) -> int | None:
        """Of the last quote before a time, where one is known of the minute before it."""
        import polars as pl

        from lotwise.market.kinds import QUOTES

        since, until = _moment(at_ns - FRESH), _moment(at_ns) + timedelta(microseconds=1)
        rows = self._scanned(venue, contract, QUOTES, since, until)
        if rows is None:
            return None
        last = rows[0].filter(pl.col("time_ns") < at_ns).sort("time_ns", "id").tail(1)
        frame = last.select("bid", "ask").collect()
        if frame.is_empty() or not 0 < frame["bid"][0] <= frame["ask"][0]:
            return None
        bid, ask = int(frame["bid"][0]), int(frame["ask"][0])
        return (ask - bid) * 2 * SCALE // (ask + bid)

    def _scanned(
        self, venue: str, contract: str, kind: Kind, since: datetime, until: datetime
    ) -> tuple[pl.LazyFrame, Scale] | None:
        from lotwise.market.store import Series, Store, own_folder

        try:
            return Store(self.root or own_folder()).scan(Series(venue, contract, kind), since, until)
        except InputError as error:
            if error.code in ("DATA-205", "DATA-201"):
                return None
            raise

    def _days(self, venue: str, contract: str, kind: Kind, names: Sequence[str], day: int) -> Rows:
        """The rows of a day and the two before it."""
        key = (venue, contract, kind.name, day)
        if key in self._kept:
            return self._kept[key]
        if len(self._kept) >= KEPT:
            self._kept.clear()
        scanned = self._scanned(venue, contract, kind, _moment((day - 2) * DAY), _moment((day + 1) * DAY))
        if scanned is None:
            found: Rows = ([], [[] for _ in names], [0 for _ in names])
        else:
            rows, scale = scanned
            frame = rows.select("time_ns", *names).sort("time_ns").collect()
            places = [scale.decimals(kind.columns[name]) for name in names]
            found = (frame["time_ns"].to_list(), [frame[name].to_list() for name in names], places)
        self._kept[key] = found
        return found


def _moment(time_ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1_000)


def conditions(trip: RoundTrip, past: Past) -> Conditions:
    """The market when a trade was opened."""
    from lotwise.market.kinds import FUNDING

    own = _hourly(trip.venue, trip.contract, trip.opened_ns, past)
    bitcoin: list[int] = []
    for name in BITCOIN:
        bitcoin = bitcoin or _hourly(trip.venue, name, trip.opened_ns, past)
    _, (rates,), (places,) = past.before(trip.venue, trip.contract, FUNDING, ["rate"], trip.opened_ns + 1)
    moves, of_bitcoin = _returns(own), _returns(bitcoin)
    return Conditions(
        change8=_change8(own),
        btc_change8=_change8(bitcoin),
        btc_volatility8=round(_deviation(of_bitcoin) * SCALE) if of_bitcoin else None,
        btc_correlation8=_correlation8(moves, of_bitcoin),
        funding8=rates[-1] * SCALE // 10**places if rates else None,
        spread8=past.spread8(trip.venue, trip.contract, trip.opened_ns),
    )


def _hourly(venue: str, contract: str, entry_ns: int, past: Past) -> list[int]:
    """The closes known at the entry and each of the 24 hours before it, the oldest first; all or none."""
    from lotwise.market.kinds import BARS

    times, (closes,), _ = past.before(venue, contract, BARS, ["close"], entry_ns)
    if len(times) < 2:
        return []
    bar_ns = min(after - before for before, after in pairwise(times))
    found = []
    for hours in range(HOURS, -1, -1):
        known = entry_ns - hours * HOUR - bar_ns  # a bar that began later had not ended
        at = bisect_right(times, known) - 1
        if at < 0 or times[at] <= known - max(HOUR, bar_ns):
            return []
        found.append(closes[at])
    return found


def _change8(closes: Sequence[int]) -> int | None:
    return closes[-1] * SCALE // closes[0] - SCALE if closes and closes[0] > 0 else None


def _returns(closes: Sequence[int]) -> list[float]:
    if not closes or min(closes) <= 0:
        return []
    return [math.log(after / before) for before, after in pairwise(closes)]


def _deviation(values: Sequence[float]) -> float:
    middle = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def _correlation8(one: Sequence[float], other: Sequence[float]) -> int | None:
    """Pearson's; None where one of them did not move."""
    if not one or not other:
        return None
    spread = _deviation(one) * _deviation(other)
    if not spread:
        return None
    means = math.fsum(one) / len(one), math.fsum(other) / len(other)
    both = math.fsum((a - means[0]) * (b - means[1]) for a, b in zip(one, other, strict=True))
    return round(both / (len(one) - 1) / spread * SCALE)
