"""What the market was like when a trade was entered, from the bars and funding of the market store.

Only what was known then is used: bars that had ended by the entry, funding that had been charged. Closes
of every hour over a day; a figure whose data the store lacks is None. Shares are in 1e-8.
"""

from __future__ import annotations

import math
from bisect import bisect_right
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
    from lotwise.market.kinds import Kind

HOUR: Final = 3_600 * 10**9
HOURS: Final = 24
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
    """The last rate that was charged within a day."""


def conditions(trip: RoundTrip, root: Path | None = None) -> Conditions:
    """The market when a trade was opened.

    Parameters
    ----------
    root
        The folder of the market store; the user's own where it is not given.
    """
    from lotwise.market.kinds import FUNDING

    own = _hourly(trip.venue, trip.contract, trip.opened_ns, root)
    bitcoin: list[int] = []
    for name in BITCOIN:
        bitcoin = bitcoin or _hourly(trip.venue, name, trip.opened_ns, root)
    rates = _column(trip.venue, trip.contract, FUNDING, name="rate", until_ns=trip.opened_ns + 1, root=root)
    moves, of_bitcoin = _returns(own), _returns(bitcoin)
    return Conditions(
        change8=_change8(own),
        btc_change8=_change8(bitcoin),
        btc_volatility8=round(_deviation(of_bitcoin) * SCALE) if of_bitcoin else None,
        btc_correlation8=_correlation8(moves, of_bitcoin),
        funding8=rates[-1][1] * SCALE // 10 ** rates[-1][2] if rates else None,
    )


def _hourly(venue: str, contract: str, entry_ns: int, root: Path | None) -> list[int]:
    """The closes known at the entry and each of the 24 hours before it, the oldest first; all or none."""
    from lotwise.market.kinds import BARS

    rows = _column(venue, contract, BARS, name="close", until_ns=entry_ns, root=root)
    if len(rows) < 2:
        return []
    times = [time_ns for time_ns, _, _ in rows]
    bar_ns = min(after - before for before, after in pairwise(times))
    found = []
    for hours in range(HOURS, -1, -1):
        known = entry_ns - hours * HOUR - bar_ns  # a bar that began later had not ended
        at = bisect_right(times, known) - 1
        if at < 0 or times[at] <= known - max(HOUR, bar_ns):
            return []
        found.append(rows[at][1])
    return found


def _column(
    venue: str, contract: str, kind: Kind, *, name: str, until_ns: int, root: Path | None
) -> list[tuple[int, int, int]]:
    """(time, value, decimals) of the two days before a time."""
    from lotwise.market.store import Series, Store, own_folder

    until = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=-(-until_ns // 1_000))
    try:
        rows, scale = Store(root or own_folder()).scan(
            Series(venue, contract, kind), until - timedelta(days=2), until
        )
    except InputError as error:
        if error.code in ("DATA-205", "DATA-201"):
            return []
        raise
    frame = rows.select("time_ns", name).sort("time_ns").collect()
    places = scale.decimals(kind.columns[name])
    pairs = zip(frame["time_ns"].to_list(), frame[name].to_list(), strict=True)
    return [(time_ns, value, places) for time_ns, value in pairs if time_ns < until_ns]


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
