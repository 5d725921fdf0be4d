"""Trades by what they have in common, and which of them to take again.

A verdict needs 30 trades and an interval that leaves out 0. So many groups are looked at that one in twenty
would seem special by chance; so the intervals are widened until all of them hold together (Bonferroni's
correction over every group of 30 or more, in every table). Where a group has fewer than five wins or losses,
what it has not shown yet is allowed for: the largest share of them that Wilson's interval leaves, at the best
or the worst result of all trades.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from lotwise.review.table import UNKNOWN, Reviewed
from lotwise.review.totals import measured_in
from lotwise.stats.intervals import LEVEL, wilson
from lotwise.stats.means import bonferroni, from_moments
from lotwise.stats.trades import FEWEST
from lotwise.units import SCALE

if TYPE_CHECKING:
    Numbers = Any

SEEN: Final = 5
"""Wins, and losses, that a group must have shown for its own interval to stand."""
TREND8: Final = SCALE // 100
"""Bitcoin moved up or down where it changed by 1 % or more over the 24 hours before the entry."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TITLES: Final = {
    "setup": "setup",
    "contract": "contract",
    "venue": "venue",
    "side": "side",
    "weekday": "weekday of the entry",
    "hour": "hour of the entry",
    "volatility": "bitcoin's volatility at the entry",
    "trend": "bitcoin's trend at the entry",
    "tag": "tag",
}
HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS


@dataclass(frozen=True)
class Group:
    """Trades that have one thing in common; figures in the review's unit."""

    by: str
    name: str
    count: int
    """Those whose result is known in the unit."""
    wins: int
    mean: float
    total: float
    win_low: float
    win_high: float
    low: float | None
    """Of the mean, so wide that all groups hold together; ``None`` of fewer than 30."""
    high: float | None
    mae_of_wins: float | None
    """Mean of the worst of trades that won, in R."""
    mfe_of_losses: float | None
    verdict: str
    """``trade``, ``avoid``, ``undecided`` or ``no verdict``."""


@dataclass(frozen=True)
class Groups:
    """Every group of every table."""

    listed: tuple[Group, ...]
    looks: int
    """Groups of 30 or more: so many intervals hold together."""
    level: float
    """Of each interval, so that all hold together at 95 %."""
    unit: str

    def by(self, name: str) -> list[Group]:
        """The groups of one table."""
        return [group for group in self.listed if group.by == name]

    def verdicts(self, verdict: str) -> list[Group]:
        """Groups with that verdict, the most telling total first."""
        found = [group for group in self.listed if group.verdict == verdict]
        return sorted(found, key=lambda group: -abs(group.total))


def local_hours(times_ns: Numbers, zone: tzinfo) -> tuple[Numbers, Numbers]:
    """Days since 1970 and hours of the day of times, on the clock of a zone."""
    import numpy as np

    hours, places = np.unique(times_ns // HOUR_NS, return_inverse=True)
    moved = [0] * len(hours)
    if zone is not UTC:
        start = datetime(1970, 1, 1, tzinfo=UTC)
        for k, hour in enumerate(hours.tolist()):
            offset = (start + timedelta(hours=hour)).astimezone(zone).utcoffset() or timedelta()
            moved[k] = int(offset.total_seconds()) * 10**9
    local = times_ns + np.asarray(moved, np.int64)[places]
    return local // DAY_NS, local % DAY_NS // HOUR_NS


def groups(table: Reviewed, zone: tzinfo = UTC) -> Groups:
    """Every group of the trades, with its verdict.

    Parameters
    ----------
    zone
        Of the hours and the weekdays.
    """
    import numpy as np

    unit, values = measured_in(table)
    known = ~np.isnan(values)
    found: list[tuple[str, Sequence[str], Numbers, Numbers]] = []
    for by, names, codes in _tables(table, zone):
        counts = np.bincount(codes[known & (codes >= 0)], minlength=len(names))
        found.append((by, names, codes, counts))
    for tag, flags in table.tags.items():
        codes = np.where(flags, 0, -1)
        found.append(("tag", (tag,), codes, np.asarray([int((flags & known).sum())])))
    looks = sum(int((counts >= FEWEST).sum()) for by, names, _, counts in found if _tells(by, names, counts))
    level = bonferroni(LEVEL, looks)
    listed: list[Group] = []
    for by, names, codes, counts in found:
        listed += _groups_of(table, values, by, names=names, codes=codes, counts=counts, level=level)
    return Groups(tuple(listed), looks, level, unit)


def _tells(by: str, names: Sequence[str], counts: Numbers) -> bool:
    """A table with one group says what the totals say, and is no look of its own; a tag always is one."""
    return by == "tag" or int((counts > 0).sum()) > 1


def _tables(table: Reviewed, zone: tzinfo) -> list[tuple[str, Sequence[str], Numbers]]:
    """Each way to divide the trades: its name, the groups, and each trade's group (-1: in none)."""
    import numpy as np

    days, hours = local_hours(table.opened_ns, zone)
    setups = np.asarray([code if table.setup.names[code] else -1 for code in range(len(table.setup.names))])
    wild = table.btc_volatility8
    told = wild[wild != UNKNOWN]
    lower, upper = np.quantile(told, (1 / 3, 2 / 3)) if len(told) else (0.0, 0.0)
    calm = np.where(wild == UNKNOWN, -1, (wild > lower).astype(np.int64) + (wild > upper))
    move = table.btc_change8
    trend = np.where(move == UNKNOWN, -1, 1 + (move >= TREND8).astype(np.int64) - (move <= -TREND8))
    return [
        ("setup", table.setup.names, setups[table.setup.codes] if len(setups) else table.setup.codes),
        ("contract", table.contract.names, table.contract.codes),
        ("venue", table.venue.names, table.venue.codes),
        ("side", ("short", "long"), (table.side > 0).astype(np.int64)),
        ("weekday", WEEKDAYS, (days + 3) % 7),  # 1970-01-01 was a Thursday
        ("hour", [f"{hour:02d}" for hour in range(24)], hours),
        ("volatility", ("calm third", "middle third", "wild third"), calm),
        ("trend", ("down 1 % or more", "within 1 %", "up 1 % or more"), trend),
    ]


def _groups_of(
    table: Reviewed,
    values: Numbers,
    by: str,
    *,
    names: Sequence[str],
    codes: Numbers,
    counts: Numbers,
    level: float,
) -> list[Group]:
    """The groups of one table, from sums over all rows at once."""
    import numpy as np

    rows = np.flatnonzero(~np.isnan(values) & (codes >= 0))
    if not len(rows):
        return []
    kept, code = values[rows], codes[rows]
    some = np.maximum(counts, 1)

    def sums(weights: Numbers) -> Numbers:
        return np.bincount(code, weights=weights, minlength=len(names))

    means = sums(kept) / some
    apart = kept - means[code]
    squares, cubes = sums(apart**2), sums(apart**3)
    won, lost = kept > 0, kept < 0
    wins, losses, totals = sums(won), sums(lost), sums(kept)
    gains, falls = sums(np.where(won, kept, 0)), sums(np.where(lost, kept, 0))
    mae = _means(table.in_r(table.mae_cash)[rows], code, won, len(names))
    mfe = _means(table.in_r(table.mfe_cash)[rows], code, lost, len(names))
    ends = float(np.nanmin(values)), float(np.nanmax(values))
    alone = not _tells(by, names, counts)
    found = []
    for k, name in enumerate(names):
        count, win, loss = int(counts[k]), int(wins[k]), int(losses[k])
        if not count or alone:
            continue
        low = high = None
        if count >= FEWEST:
            made = from_moments(count, float(means[k]), float(squares[k]), cubes=float(cubes[k]), level=level)
            low, high = made.low, made.high
            if loss < SEEN:
                low = min(low, _unseen(loss, count, float(gains[k]), ends[0], level))
            if win < SEEN:
                high = max(high, _unseen(win, count, float(falls[k]), ends[1], level))
        share = wilson(win, count)
        found.append(
            Group(
                by,
                name,
                count,
                win,
                float(means[k]),
                float(totals[k]),
                share.low,
                share.high,
                low,
                high,
                mae[k],
                mfe[k],
                _verdict(low, high),
            )
        )
    return found


def _unseen(seen: int, count: int, others: float, end: float, level: float) -> float:
    """The mean, were as many of the rare kind to come as may, each at the farthest result of all trades."""
    share = wilson(seen, count, level).high
    return share * end + (1 - share) * others / max(1, count - seen)


def _verdict(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "no verdict"
    return "trade" if low > 0 else "avoid" if high < 0 else "undecided"


def _means(values: Numbers, code: Numbers, rows: Numbers, size: int) -> list[float | None]:
    """Means by group of the rows whose value is known."""
    import numpy as np

    some = rows & ~np.isnan(values)
    counts = np.bincount(code[some], minlength=size)
    sums = np.bincount(code[some], weights=values[some], minlength=size)
    return [float(sums[k] / counts[k]) if counts[k] else None for k in range(size)]
