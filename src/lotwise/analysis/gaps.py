"""How far beyond a stop the fill was: stops laid through history, and what each would have got.

Every hour a position is opened at the market's price, its stop so many ticks away, and followed until the
stop is met or its time is over. One fall can meet the stops of several openings, each at a price of its
own; how many moments the stops were met at says how much was really seen.

Where a bar opens beyond the stop, the fill is its open. Where a bar only reaches through it, the fill is
somewhere between the stop and the bar's far end: bars bound it from both sides and say no more (``beyond``
is the lower bound, ``most`` the upper). A stream of trades says it: the first trade at or beyond the stop
is the fill. Neither knows the size of an order: a large one fills further away.

Quantiles are exact and are one of the samples: the smallest that so large a share does not exceed (type 1
of Hyndman and Fan (1996), "Sample Quantiles in Statistical Packages", American Statistician 50).
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.rule import rule
from lotwise.units import SCALE

if TYPE_CHECKING:
    import numpy as np

    Whole = np.ndarray[Any, np.dtype[np.int64]]

HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
YEAR_NS: Final = 365 * DAY_NS
MEMORY: Final = 60
"""Rows before an opening whose moves say how lively the market was."""
LIVELY: Final = ("quiet", "usual", "lively")
"""Thirds of the openings by those moves."""
MOST_TICKS: Final = 2**62
"""Prices and distances beyond this could not be added."""


@rule
def stops_met(
    times_ns: Sequence[int],
    opens: Sequence[int],
    fars: Sequence[int],
    closes: Sequence[int],
    openings: Sequence[int],
    side: int,
    distance: int,
    held_ns: int,
    hole_ns: int,
    found: Sequence[MutableSequence[int]],
) -> int:
    """Lay a stop for each opening; how many were met.

    ``fars`` are the lows of a long, the highs of a short: where a bar came nearest to the stop. ``openings``
    are the rows whose close opens a position; its stop is looked at from the row after. ``found`` has four
    rows: opened at, met at, beyond at least, beyond at most.
    """
    count = 0
    rows = len(times_ns)
    for number in range(len(openings)):
        opened = openings[number]
        stop = closes[opened] - side * distance
        end = times_ns[opened] + held_ns
        row = opened + 1
        while row < rows and times_ns[row] <= end:
            if hole_ns > 0 and times_ns[row] - times_ns[row - 1] > hole_ns:
                break
            deepest = side * (stop - fars[row])
            if deepest >= 0:
                found[0][count] = opened
                found[1][count] = row
                found[2][count] = max(side * (stop - opens[row]), 0)
                found[3][count] = deepest
                count += 1
                break
            row += 1
    return count


@dataclass(frozen=True)
class Gaps:
    """Stops that were met, in the order of their openings."""

    source: str
    """``trades``, or ``bars``: those bound a fill only."""
    side: int
    """1: stops of longs, below the market; -1: of shorts."""
    distance_ticks: int
    first_ns: int
    last_ns: int
    rows: int
    openings: int
    """How many positions were opened."""
    met_ns: Whole
    """When each stop was met."""
    beyond_ticks: Whole
    """How far beyond the stop the fill was, 0 or more; of bars: at least."""
    most_ticks: Whole
    """The same, at most; of trades: the same numbers."""
    moved_ticks: Whole
    """Sum of the moves of :data:`MEMORY` rows before the opening; -1 where there are fewer."""

    def __len__(self) -> int:
        """How many stops were met."""
        return len(self.beyond_ticks)

    @property
    def moments(self) -> int:
        """At how many different times stops were met."""
        import numpy as np

        return len(np.unique(self.met_ns))

    def quantile(self, share8: int, most: bool = False) -> int:
        """The smallest sample that the share (in 1e-8) of all does not exceed, in ticks.

        Raises
        ------
        InputError
            ANALYSIS-542 no stop was met, or the share is not above 0 and up to 1.
        """
        return quantile_of(self.most_ticks if most else self.beyond_ticks, share8)

    def by_hour(self) -> dict[int, Gaps]:
        """The stops by the hour of the day (UTC) at which they were met; hours without any are left out."""
        import numpy as np

        hours = self.met_ns // HOUR_NS % 24
        return {int(hour): self._part(hours == hour) for hour in np.unique(hours)}

    def by_liveliness(self) -> dict[str, Gaps]:
        """The stops by how lively the market was at the opening: thirds of the openings, equal ones together.

        The thirds are those of the whole sample: they describe the past, and are no signal.
        """
        import numpy as np

        known = self.moved_ticks >= 0
        if not bool(known.any()):
            return {}
        low, high = (quantile_of(self.moved_ticks[known], -(-SCALE * part // 3)) for part in (1, 2))
        thirds = np.where(self.moved_ticks <= low, 0, np.where(self.moved_ticks <= high, 1, 2))
        parts = ((name, known & (thirds == third)) for third, name in enumerate(LIVELY))
        return {name: self._part(chosen) for name, chosen in parts if bool(chosen.any())}

    def _part(self, chosen: Any) -> Gaps:
        return Gaps(
            source=self.source,
            side=self.side,
            distance_ticks=self.distance_ticks,
            first_ns=self.first_ns,
            last_ns=self.last_ns,
            rows=self.rows,
            openings=self.openings,
            met_ns=self.met_ns[chosen],
            beyond_ticks=self.beyond_ticks[chosen],
            most_ticks=self.most_ticks[chosen],
            moved_ticks=self.moved_ticks[chosen],
        )

    def words(self) -> str:
        """What these numbers are, for a person."""
        met = f"{len(self)} stops of {self.openings} were met, at {self.moments} times"
        if self.source == "trades":
            return f"{met}, each filled by the first trade at or beyond it"
        return (
            f"{met}: filled at the open of a bar that opens beyond, else at the stop. Within a bar the fill"
            " may be worse: this is a lower bound"
        )


def quantile_of(samples: Any, share8: int) -> int:
    """The smallest sample that the share (in 1e-8) of all does not exceed.

    >>> quantile_of([5, 1, 3, 9], 75_000_000)
    5

    Raises
    ------
    InputError
        ANALYSIS-542 no sample, or the share is not above 0 and up to 1.
    """
    import numpy as np

    count = len(samples)
    if not count or not 0 < share8 <= SCALE:
        raise InputError(
            "ANALYSIS-542",
            f"{count} samples and a share of {share8} in 1e-8",
            f"one sample or more, and a share above 0 up to {SCALE}",
        )
    rank = -(-share8 * count // SCALE)
    return int(np.partition(np.asarray(samples), rank - 1)[rank - 1])


def of_bars(
    times_ns: Any,
    opens_ticks: Any,
    highs_ticks: Any,
    lows_ticks: Any,
    closes_ticks: Any,
    *,
    distance_ticks: int,
    side: int = 1,
    held_ns: int = DAY_NS,
    hole_ns: int = 0,
    every_ns: int = HOUR_NS,
) -> Gaps:
    """Stops laid through bars.

    Parameters
    ----------
    times_ns ... closes_ticks
        int64 columns of one length, times rising; prices in any whole unit, called ticks.
    distance_ticks
        From the opening price to the stop.
    side
        1 for longs, -1 for shorts.
    held_ns
        After so long a position whose stop was not met is dropped.
    hole_ns
        A longer time between two rows is missing data, not a gap of the market: the position is dropped
        there. 0: every gap is the market's, as over a weekend of a listed future.
    every_ns
        A position is opened at the first row of each such span.

    Raises
    ------
    InputError
        ANALYSIS-541 columns, times, distance, side or time that cannot be.
    """
    given = (times_ns, opens_ticks, highs_ticks, lows_ticks, closes_ticks)
    times, opens, highs, lows, closes = columns = [_whole(one) for one in given]
    _check(columns, side=side, distance=distance_ticks, spans=(held_ns, every_ns, hole_ns + 1))
    crossed = highs < lows
    if bool(crossed.any()):
        at = int(crossed.argmax())
        raise _refused(f"bar {at}: the high {highs[at]} is below the low {lows[at]}", "check the data first")
    columns = [times, opens, lows if side > 0 else highs, closes]
    numbers = {"side": side, "distance": distance_ticks, "held_ns": held_ns, "hole_ns": hole_ns}
    return _laid("bars", columns, numbers, every_ns)


def of_trades(
    times_ns: Any,
    prices_ticks: Any,
    *,
    distance_ticks: int,
    side: int = 1,
    held_ns: int = DAY_NS,
    hole_ns: int = 0,
    every_ns: int = HOUR_NS,
) -> Gaps:
    """Stops laid through a stream of trades; arguments and errors as of :func:`of_bars`.

    Raises
    ------
    InputError
        ANALYSIS-541; several trades may have one time.
    """
    times, prices = columns = [_whole(one) for one in (times_ns, prices_ticks)]
    _check(columns, side=side, distance=distance_ticks, spans=(held_ns, every_ns, hole_ns + 1))
    numbers = {"side": side, "distance": distance_ticks, "held_ns": held_ns, "hole_ns": hole_ns}
    return _laid("trades", [times, prices, prices, prices], numbers, every_ns)


def _laid(source: str, columns: list[Whole], numbers: dict[str, int], every_ns: int) -> Gaps:
    import numpy as np

    times, closes = columns[0], columns[3]
    openings = np.unique(times // every_ns, return_index=True)[1].astype(np.int64)
    found = np.zeros((4, len(openings)), np.int64)
    count = int(stops_met.compiled(*columns, openings, **numbers, found=found))
    opened, met, least, most = (row[:count] for row in found)
    path = np.concatenate(([0], np.cumsum(np.abs(np.diff(closes)))))
    moved = np.where(opened >= MEMORY, path[opened] - path[np.maximum(opened - MEMORY, 0)], -1)
    return Gaps(
        source=source,
        side=numbers["side"],
        distance_ticks=numbers["distance"],
        first_ns=int(times[0]),
        last_ns=int(times[-1]),
        rows=len(times),
        openings=len(openings),
        met_ns=times[met],
        beyond_ticks=least.copy(),
        most_ticks=most.copy(),
        moved_ticks=moved,
    )


def _whole(values: Any) -> Whole:
    import numpy as np

    found = np.asarray(values)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise _refused("a column is not of whole numbers", "give int64: ns, and prices in ticks")
    return np.ascontiguousarray(found, np.int64)


def _check(columns: list[Whole], *, side: int, distance: int, spans: tuple[int, ...]) -> None:
    import numpy as np

    times = columns[0]
    if len({len(column) for column in columns}) > 1 or len(times) < 2:
        raise _refused(
            f"columns of {', '.join(str(len(one)) for one in columns)} rows", "as many, two or more"
        )
    back = np.diff(times) < 0
    if bool(back.any()) or int(times[0]) < 0:
        raise _refused(
            f"row {int(back.argmax()) + 1} is earlier than the row before it, or than 1970", "sort"
        )
    for column in columns[1:]:
        if int(column.min()) <= 0 or int(column.max()) > MOST_TICKS:
            raise _refused(f"a price of {column.min()} or {column.max()} ticks", "prices are above zero")
    if side not in (1, -1) or not 0 < distance <= MOST_TICKS or not all(0 < one <= YEAR_NS for one in spans):
        raise _refused(
            f"side {side}, a distance of {distance} ticks, or a span of {min(spans)} to {max(spans)} ns",
            "side 1 or -1, a distance of a tick or more, spans above 0 up to a year",
        )


def _refused(what: str, hint: str) -> InputError:
    return InputError("ANALYSIS-541", what, hint)


@dataclass(frozen=True)
class GapRow:
    """One distance: how many stops, and their quantiles in ticks."""

    distance_ticks: int
    stops: int
    beyond_ticks: tuple[int, ...]
    most_ticks: tuple[int, ...]


def gap_table(found: Sequence[Gaps], shares8: Sequence[int] = (50_000_000, 95_000_000)) -> list[GapRow]:
    """Quantiles by stop distance: one row for each of the gaps handed in; none where no stop was met.

    Raises
    ------
    InputError
        ANALYSIS-542 a share that is none.
    """
    return [
        GapRow(
            one.distance_ticks,
            len(one),
            tuple(one.quantile(share) for share in shares8) if len(one) else (),
            tuple(one.quantile(share, most=True) for share in shares8) if len(one) else (),
        )
        for one in found
    ]
