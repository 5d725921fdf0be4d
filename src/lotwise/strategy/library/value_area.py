"""Value area: buy at its low edge, sell at its high edge, out at the point of control and the other edge."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis.profile import VALUE_AREA8, point_of_control, value_area
from lotwise.analysis.profile_days import session_starts
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.layout import LONG, RATE
from lotwise.records.signal import Signal, Target
from lotwise.rule import rule
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.strategy.parts import in_range
from lotwise.units import Rate8, Ticks

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

HALF8: Final = Rate8(50_000_000)
MINUTE_NS: Final = 60 * 10**9
HOUR_NS: Final = 60 * MINUTE_NS
MOST_ROWS: Final = 1_000_000
AREAS: Final = ("yesterday", "today")


@rule
def spread_over(rows: MutableSequence[int], first: int, count: int, lots: int) -> None:
    """Spread a bar's lots over its rows, the remainder from the lowest up."""
    each = lots // count
    rest = lots - each * count
    for k in range(count):
        rows[first + k] += each
        if k < rest:
            rows[first + k] += 1


@rule
def edges_of(rows: Sequence[int], base_ticks: int, row_ticks: int, share8: int) -> tuple[int, int, int]:
    """Low edge, high edge and point of control of a profile, in ticks; zeros: there is no volume."""
    control = point_of_control(rows)
    if control < 0:
        return 0, 0, 0
    low, high = value_area(rows, control, share8)
    middle = base_ticks + control * row_ticks + row_ticks // 2
    return base_ticks + low * row_ticks, base_ticks + (high + 1) * row_ticks - 1, middle


@rule
def next_stand(
    place: int, run: int, held: int, close_ticks: int, low: int, high: int, closes: int
) -> tuple[int, int, int]:
    """Where the closes stand: -1 below, 0 in, 1 above the area; for how many; and where they last held.

    A place holds when so many closes in a row are in it.
    """
    now = 1 if close_ticks > high else -1 if close_ticks < low else 0
    run = run + 1 if now == place else 1
    return now, run, now if run >= closes else held


@rule
def edge_side(
    low_ticks: int, high_ticks: int, close_ticks: int, low: int, high: int, control: int, stop8: int
) -> int:
    """1: the bar reached the low edge and closed in the area; -1: the high edge; 0: neither.

    A bar that reached as far as the stop would stand is no touch.
    """
    room = stop_room(low, high, stop8)
    if low - room < low_ticks <= low <= close_ticks < control < high:
        return 1
    if high + room > high_ticks >= high >= close_ticks > control > low:
        return -1
    return 0


@rule
def stop_room(low: int, high: int, stop8: int) -> int:
    """How far beyond the edge the stop stands: a share of the area's height, at least a tick."""
    return max(1, (high - low + 1) * stop8 // 100_000_000)


@rule
def walk_sessions(
    starts: Sequence[int],
    numbers: Sequence[int],
    bars: Sequence[Sequence[int]],
    bases: Sequence[int],
    row_ticks: Sequence[int],
    rows: MutableSequence[int],
    of_before: int,
    least_bars: int,
    every: int,
    closes: int,
    stop8: int,
    share8: int,
    found: Sequence[MutableSequence[int]],
) -> None:
    """All bars, session by session: ``bars`` are lows, highs, closes, lots; ``found`` sides and edges."""
    lows, highs, ends, lots = bars[0], bars[1], bars[2], bars[3]
    sides, edge_lows, edge_highs, controls = found[0], found[1], found[2], found[3]
    kept_low, kept_high, kept_control = 0, 0, 0
    for s in range(len(starts) - 1):
        low, high, control = 0, 0, 0
        if of_before and s > 0 and numbers[s] == numbers[s - 1] + 1:
            low, high, control = kept_low, kept_high, kept_control
        kept_low, kept_high, kept_control = 0, 0, 0
        place, run, held = 0, 0, 0
        least, most, seen = len(rows), -1, 0
        base, row = bases[s], row_ticks[s]
        for i in range(starts[s], starts[s + 1]):
            if high > 0:
                edge_lows[i], edge_highs[i], controls[i] = low, high, control
                if held == 0:
                    sides[i] = edge_side(lows[i], highs[i], ends[i], low, high, control, stop8)
                place, run, held = next_stand(place, run, held, ends[i], low, high, closes)
            first, last = (lows[i] - base) // row, (highs[i] - base) // row
            spread_over(rows, first, last - first + 1, lots[i])
            least, most, seen = min(least, first), max(most, last), seen + 1
            if of_before == 0 and seen >= least_bars and seen % every == 0:
                low, high, control = edges_of(rows[least : most + 1], base + least * row, row, share8)
        if of_before and seen >= least_bars:
            part = rows[least : most + 1]
            kept_low, kept_high, kept_control = edges_of(part, base + least * row, row, share8)
        for k in range(least, most + 1):
            rows[k] = 0


class ValueArea(Strategy):
    """Trade back into the range where most of a day's volume changed hands.

    Idea: 70 % of the volume marks prices that buyers and sellers agreed on; a touch of its edge that closes
    back inside is a bet that they still do. Long at the low edge (VAL), short at the high edge (VAH). Half is
    closed at the point of control (POC), after which the stop goes to break-even; the rest at the other edge,
    or in time. The stop stands beyond the edge.

    No trade while the price is accepted outside: after so many closes in a row beyond the area, until as many
    close in it again, or the next session. No trade either where the way to the POC does not pay the fees of
    the round trip twice. The edges are those that stood before the bar: of the finished session before this
    one, or of this one so far. It is no trend strategy: it loses on days that leave their range for good.

    Parameters
    ----------
    area
        ``"yesterday"``: the finished session before; ``"today"``: this session's, as it grows.
    session_hours, open_hour
        Length of a session, and the hour (UTC) at which one opens.
    row8
        Height of a row of the profile, share of the session's first open in 1e-8.
    least_bars
        A session's area counts from so many bars on.
    every
        Today's area is found anew every so many bars.
    closes
        Closes in a row beyond the area that mean the price is accepted there.
    stop8
        The stop stands beyond the edge by this share of the area's height, in 1e-8.
    hold_minutes
        The trade is closed after so long.

    Raises
    ------
    InputError
        STRATEGY-101 a parameter out of its bounds; STRATEGY-106, while it runs, a session of too many rows.
    """

    def __init__(
        self,
        area: str = "yesterday",
        session_hours: int = 24,
        open_hour: int = 0,
        row8: int = 50_000,
        least_bars: int = 180,
        every: int = 15,
        closes: int = 15,
        stop8: int = 15_000_000,
        hold_minutes: int = 480,
    ) -> None:
        if area not in AREAS:
            raise InputError("STRATEGY-101", f"area is {area!r}", f"one of {', '.join(AREAS)}")
        self.area = area
        self.session_hours = in_range("session_hours", session_hours, 1, 168)
        self.open_hour = in_range("open_hour", open_hour, 0, 23)
        self.row8 = in_range("row8", row8, 1, RATE // 10)
        self.least_bars = in_range("least_bars", least_bars, 1)
        self.every = in_range("every", every, 1)
        self.closes = in_range("closes", closes, 1)
        self.stop8 = in_range("stop8", stop8, 1, 10 * RATE)
        self.hold_minutes = in_range("hold_minutes", hold_minutes, 0, 525_600)
        self._session = self.session_hours * HOUR_NS, self.open_hour * HOUR_NS
        self._taker8 = 0
        self._number: int | None = None
        self._rows: list[int] = []
        self._first, self._row_ticks, self._seen = 0, 1, 0
        self._edges, self._stand = (0, 0, 0), (0, 0, 0)

    def begin(self, contract: Contract) -> None:
        """Learn what taking costs."""
        self._taker8 = contract.fees.taker8 if contract.fees else 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """A touch of an edge that closed inside."""
        session, offset = self._session
        number = (bar.time_ns - offset) // session
        if number != self._number:
            self._turn(number, bar.open_ticks)
        edges, side = self._edges, 0
        low, high, control = edges
        if high > 0:
            place, run, held = self._stand
            close = bar.close_ticks
            if held == 0 and (bar.low_ticks <= low or bar.high_ticks >= high):
                touched = bar.low_ticks, bar.high_ticks, close
                side = edge_side(*touched, low=low, high=high, control=control, stop8=self.stop8)
            self._stand = next_stand(
                place, run, held, close_ticks=close, low=low, high=high, closes=self.closes
            )
        self._add(bar)
        seen = self._seen
        if self.area == "today" and seen % self.every == 0 and seen >= self.least_bars:
            self._edges = self._found()
        return self._signal(side, bar.close_ticks, edges) if side else None

    def _signal(self, side: int, close: int, edges: tuple[int, int, int]) -> Signal | None:
        """What is asked for at a touch, where it pays."""
        low, high, control = edges
        room = stop_room(low, high, self.stop8)
        near, far = (low, high) if side == LONG else (high, low)
        pays = abs(control - close) * RATE >= 4 * self._taker8 * close
        if not pays or near - side * room <= 0:
            return None
        return Signal(
            side=side,
            stop_ticks=Ticks(near - side * room),
            targets=(Target(Ticks(control), HALF8), Target(Ticks(far), HALF8)),
            breakeven_after=1,
            hold_ns=self.hold_minutes * MINUTE_NS,
            reason=f"{'low' if side == LONG else 'high'} edge of {self.area}'s value area",
        )

    def _turn(self, number: int, open_ticks: int) -> None:
        """A session begins."""
        follows = self._number is not None and number == self._number + 1
        whole = self.area == "yesterday" and follows and self._seen >= self.least_bars
        self._edges = self._found() if whole else (0, 0, 0)
        self._number, self._rows, self._seen = number, [], 0
        self._row_ticks, self._stand = max(1, open_ticks * self.row8 // RATE), (0, 0, 0)

    def _found(self) -> tuple[int, int, int]:
        row = self._row_ticks
        return edges_of(self._rows, self._first * row, row, VALUE_AREA8)

    def _add(self, bar: Bar) -> None:
        """Let the profile grow by a bar."""
        row, first_row = self._row_ticks, self._first
        first, last = bar.low_ticks // row, bar.high_ticks // row
        if not self._seen:
            first_row = first
        below, above = first_row - first, last + 1 - first_row - len(self._rows)
        if below > 0 or above > 0:
            below, above = max(0, below), max(0, above)
            _check_rows(len(self._rows) + below + above, row)
            self._rows = [0] * below + self._rows + [0] * above
            first_row -= below
        self._first = first_row
        spread_over(self._rows, first - first_row, last - first + 1, bar.volume_lots)
        self._seen += 1

    def signals(self, bars: Columns) -> Signals:
        """The same in columns."""
        import numpy as np

        sides, lows, highs, controls = self.edges(bars)
        close = bars.close_ticks
        taker8 = bars.contract.fees.taker8 if bars.contract.fees else 0
        room = np.maximum(1, (highs - lows + 1) * self.stop8 // RATE)
        near, far = np.where(sides == LONG, lows, highs), np.where(sides == LONG, highs, lows)
        stop = near - sides * room
        pays = np.abs(controls - close) * RATE >= 4 * taker8 * close
        at = np.flatnonzero((sides != 0) & pays & (stop > 0))
        return Signals(
            rows=at,
            side=sides[at],
            stop_ticks=stop[at],
            targets=[(controls[at], HALF8), (far[at], HALF8)],
            breakeven_after=1,
            hold_ns=self.hold_minutes * MINUTE_NS,
        )

    def edges(self, bars: Columns) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Sides touched, low edges, high edges, points of control by bar; 0 where there is none.

        The edges of a bar are those that stood at its opening.
        """
        import numpy as np

        found = np.zeros((4, len(bars)), np.int64)
        if len(bars):
            session, offset = self._session
            opens, starts = session_starts(bars.time_ns, session, offset)
            row = np.maximum(1, bars.open_ticks[starts[:-1]] * self.row8 // RATE)
            lowest = np.minimum.reduceat(bars.low_ticks, starts[:-1])
            highest = np.maximum.reduceat(bars.high_ticks, starts[:-1])
            base = lowest // row * row
            counts = (highest - base) // row + 1
            _check_rows(int(counts.max()), int(row[np.argmax(counts)]))
            walk_sessions.compiled(
                starts,
                (opens - offset) // session,
                np.stack((bars.low_ticks, bars.high_ticks, bars.close_ticks, bars.volume_lots)),
                base,
                row,
                np.zeros(int(counts.max()), np.int64),
                int(self.area == "yesterday"),
                self.least_bars,
                self.every,
                self.closes,
                self.stop8,
                VALUE_AREA8,
                found,
            )
        return found[0], found[1], found[2], found[3]


def _check_rows(count: int, row_ticks: int) -> None:
    if count > MOST_ROWS:
        raise InputError(
            "STRATEGY-106",
            f"a session of {count:,} rows of {row_ticks} ticks, at most {MOST_ROWS:,}",
            "give a larger row8, or check the data",
        )
