"""Walk-forward: choose on the past, trade the time after it, move on, and put only what came after together.

A window learns on the bars before its test and on nothing else: the sweep that chooses is handed a feed
that ends where learning ends, so no bar of the test can be looked at, by mistake or by a strategy that
peeks. Between both lies a gap of the longest time a trade was held, so that no trade of the past reaches
into the test. Every window begins with the plan's money; results of windows are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lotwise.backtest.sweep import Feed, Period, Sweep, bars_in
from lotwise.backtest.sweep_row import Outcome
from lotwise.backtest.winner import FEWEST, SCORES, Pooled, best_of, check_score, pooled
from lotwise.backtest.workers import Workers, played
from lotwise.errors import InputError

MOST_WINDOWS: Final = 10_000
MOST_PURGED: Final = 4
"""Where the gap is found from the trades, it takes at most one part in so many of what is learned from."""

Play = Callable[[Sweep], list[Outcome]]


@dataclass(frozen=True)
class Window:
    """Where is learned, and where is tested."""

    number: int
    learn: Period
    test: Period


@dataclass(frozen=True)
class Step:
    """What came of a window."""

    window: Window
    purged_ns: int
    chosen: Pooled | None
    """As learned; ``None`` where no setting traded enough: nothing is traded then."""
    outcomes: tuple[Outcome, ...]
    """Of the test, one a feed."""


@dataclass(frozen=True)
class Walk:
    """All windows, and the stitched result."""

    steps: tuple[Step, ...]
    score: str
    trials: int
    """Settings that each window chose from."""
    stitched: Pooled | None
    """All tests one after the other; ``None`` where none was traded."""
    efficiency: float | None
    """Mean R of the tests over mean R of what was learned; ``None`` where that is not above 0."""

    def as_dict(self) -> dict[str, Any]:
        """JSON's own kinds."""
        return {
            "score": self.score,
            "trials": self.trials,
            "windows": [
                {
                    "learn": [step.window.learn.since_ns, step.window.learn.until_ns - step.purged_ns],
                    "test": [step.window.test.since_ns, step.window.test.until_ns],
                    "purged_ns": step.purged_ns,
                    "parameters": dict(step.chosen.parameters) if step.chosen else None,
                    "learned_r": step.chosen.r_mean if step.chosen else None,
                    "trips": sum(one.trips for one in step.outcomes),
                    "result_cash": sum(one.result_cash for one in step.outcomes),
                    "r_sum": sum(one.r_sum for one in step.outcomes),
                    "errors": [one.error for one in step.outcomes if one.error],
                }
                for step in self.steps
            ],
            "trips": self.stitched.trips if self.stitched else 0,
            "result_cash": self.stitched.result_cash if self.stitched else 0,
            "r_mean": self.stitched.r_mean if self.stitched else 0.0,
            "drawdown_cash": self.stitched.drawdown_cash if self.stitched else 0,
            "efficiency": self.efficiency,
        }


def windows_of(
    whole: Period, learn_ns: int, test_ns: int, *, anchored: bool = False, warm_ns: int = 0
) -> list[Window]:
    """Windows whose tests follow one another without a gap; the last test may be shorter.

    Parameters
    ----------
    anchored
        Learning begins at the first bar every time, and grows; else it moves along.
    warm_ns
        Bars before a test that the strategy sees but does not trade.

    Raises
    ------
    InputError
        BACKTEST-325 no time to learn or test, more than there is, or more than 10,000 windows.
    """
    span = whole.until_ns - whole.since_ns
    if learn_ns <= 0 or test_ns <= 0 or warm_ns < 0 or learn_ns >= span:
        raise InputError(
            "BACKTEST-325",
            f"learning {lasts(learn_ns)}, testing {lasts(test_ns)}, of {lasts(span)}",
            "both above zero, and learning shorter than all that there is",
        )
    count = -(-(span - learn_ns) // test_ns)
    if count > MOST_WINDOWS:
        raise InputError(
            "BACKTEST-325", f"{count:,} windows, at most {MOST_WINDOWS:,} are played", "test for longer"
        )
    found = []
    for number in range(count):
        start = whole.since_ns + learn_ns + number * test_ns
        since = whole.since_ns if anchored else start - learn_ns
        end = min(start + test_ns, whole.until_ns)
        found.append(Window(number, Period(since, start), Period(start, end, warm_ns)))
    return found


def lasts(span_ns: int) -> str:
    """A time in days, hours, minutes or seconds."""
    for unit, length in (("d", 86_400 * 10**9), ("h", 3_600 * 10**9), ("min", 60 * 10**9)):
        if span_ns and span_ns % length == 0:
            return f"{span_ns // length} {unit}"
    return f"{span_ns / 1e9:,.0f} s"


def past_of(feeds: Sequence[Feed], until_ns: int) -> tuple[Feed, ...]:
    """Feeds that end before a time: what is later is not in them. Rows are not copied."""
    import numpy as np

    return tuple(
        replace(feed, rows=feed.rows[: int(np.searchsorted(feed.rows["time_ns"], until_ns))])
        for feed in feeds
    )


def walk_forward(
    sweep: Sweep,
    windows: Sequence[Window],
    score: str = SCORES[0],
    *,
    fewest: int = FEWEST,
    purge_ns: int | None = None,
    workers: Workers | None = None,
    play: Play | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Walk:
    """Choose in every window and play what was chosen in its test.

    Parameters
    ----------
    sweep
        Settings, feeds and plan; its periods are not used.
    purge_ns
        Gap between learning and test. ``None``: the longest that any setting held a trade while learning, and
        at most a quarter of the time of learning; the learning is then played again without the gap's bars.
    play
        How a sweep is played; else by ``workers``.

    Raises
    ------
    InputError
        BACKTEST-322 an unknown score; BACKTEST-325 no window; BACKTEST-326 a gap that leaves nothing to learn
        from.
    """
    check_score(score)
    if not windows:
        raise InputError("BACKTEST-325", "no window to walk through", "learn on less, or bring more data")
    by = play or (lambda one: played(one, workers))
    steps = []
    for number, window in enumerate(windows):
        steps.append(_step(sweep, window, score, fewest=fewest, purge_ns=purge_ns, play=by))
        if progress is not None:
            progress(number + 1, len(windows))
    outcomes = [replace(one, setting=0) for step in steps for one in step.outcomes]
    stitched = pooled(outcomes, [{}])[0] if outcomes else None
    learned = [step.chosen for step in steps if step.chosen is not None]
    trips = sum(one.r_count for one in learned)
    mean = sum(one.r_sum for one in learned) / trips if trips else 0.0
    efficiency = stitched.r_mean / mean if stitched is not None and mean > 0 else None
    return Walk(tuple(steps), score, len(sweep.settings), stitched, efficiency)


def _step(sweep: Sweep, window: Window, score: str, *, fewest: int, purge_ns: int | None, play: Play) -> Step:
    length = window.learn.until_ns - window.learn.since_ns
    if purge_ns is not None and not 0 <= purge_ns < length:
        raise InputError(
            "BACKTEST-326",
            f"a gap of {lasts(purge_ns)} where {lasts(length)} are learned from",
            "a shorter gap, or a longer time to learn",
        )
    found = learned(sweep, window.learn, purge_ns or 0, play)
    gap = purge_ns or 0
    if purge_ns is None and found:
        gap = min(max(one.longest_ns for one in found), length // MOST_PURGED)
        if gap:
            found = learned(sweep, window.learn, gap, play)
    chosen = best_of(pooled(found, sweep.settings), score, fewest) if found else None
    if chosen is None:
        return Step(window, gap, None, ())
    tested = past_of(sweep.feeds, window.test.until_ns)
    if not bars_in(tested, window.test):
        return Step(window, gap, chosen, ())
    one = Sweep(sweep.strategy, (dict(chosen.parameters),), tested, sweep.plan, (window.test,))
    return Step(window, gap, chosen, tuple(play(one)))


def learned(sweep: Sweep, learn: Period, gap_ns: int, play: Play) -> list[Outcome]:
    """Every setting on the bars of the past, which end ``gap_ns`` before the learning does."""
    end = learn.until_ns - gap_ns
    period, past = Period(learn.since_ns, end), past_of(sweep.feeds, end)
    if not bars_in(past, period):
        return []
    return play(Sweep(sweep.strategy, sweep.settings, past, sweep.plan, (period,)))
