"""What a plan would do: its own rules over drawn trades of whole lots, path by path.

Each path is the plan's machine itself (:class:`lotwise.scaling.machine.Plan`), its trades are sized by the
kernel's rules at the money it allows: no second model of phases, gates, steps and locks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import PlanStepRow
from lotwise.records.plan import Begun, TradeClosed, Where
from lotwise.scaling.config import DAY_NS, PlanConfig
from lotwise.scaling.machine import Plan
from lotwise.stats.rungs import Account, Desk, Odds, RungsOf, Sample
from lotwise.units import Cash

if TYPE_CHECKING:
    import numpy as np

MONTH_DAYS = 30
MOST_WORK = 5_000_000
"""Trades of all paths together; a minute or two a million."""


@dataclass(frozen=True)
class Course:
    """How far and how often."""

    months: int = 12
    trades_a_month: int = 20
    paths: int = 500
    seed: int = 7
    breach8: int = 0
    """How often a trade breaks a rule, in 1e-8."""
    ruin8: int = RATE // 2
    """A path ends where the live account has only so much left of its beginning."""


class PhaseReached(msgspec.Struct, frozen=True, kw_only=True):
    """A phase in all paths."""

    name: str
    where: Where
    reached: int
    """Paths that came to it."""
    is_end: int
    """Paths that stood in it at the end."""
    months: tuple[float, float, float] | None
    """Months until it: a quarter, half and three quarters of those that reached it."""


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """All paths."""

    paths: int
    trades: int
    phases: tuple[PhaseReached, ...]
    ruined: int
    """Paths whose live account fell to the ruin share."""
    stuck: int
    """Paths in which the smallest order was beyond the money at risk at the end."""
    equity_cash: tuple[Cash, ...]
    """Live equity at the end, at 5, 25, 50, 75 and 95 of 100 paths."""
    risk_cash: tuple[Cash, ...]
    """Money at risk at the end, the same."""
    step_ups: int
    step_downs: int
    locks: int


@dataclass
class _Path:
    plan: Plan
    equity: dict[Where, int]
    reached: dict[int, int]
    is_ruined: bool = False
    is_stuck: bool = False


def simulate(
    config: PlanConfig,
    desk: Desk,
    source: Odds | Sample,
    equity_cash: Cash,
    course: Course,
    progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Walk paths of trades through a plan.

    Parameters
    ----------
    desk
        What is traded, as the sizing rules read it: entry, stop, costs and tiers stay the same.
    source
        Odds of stop and target, or results that were made.
    equity_cash
        The live account's; the paper account begins with as much.
    progress
        Called with (paths done, all).

    Raises
    ------
    InputError
        PLAN-141 counts that are not above 0 or too many together; 142 nothing to draw from.
    """
    _check(course, source)
    import numpy as np

    rungs = RungsOf(
        desk, source, Account(equity_cash=equity_cash, ruin_cash=0), PlanStepRow(risk_share8=RATE)
    )
    draw_from = np.asarray(source.results8 if isinstance(source, Sample) else (RATE, -RATE), np.int64)
    trades = course.months * course.trades_a_month
    found = []
    moves = {"step up": 0, "step down": 0, "lock": 0}
    for number in range(course.paths):
        chance = np.random.Generator(np.random.PCG64([course.seed, number]))
        drawn = _drawn(draw_from, source, trades, chance)
        broken = chance.integers(0, RATE, trades) < course.breach8
        found.append(_walk(config, rungs, equity_cash, course, drawn.tolist(), broken.tolist(), moves))
        if progress is not None:
            progress(number + 1, course.paths)
    return _told(config, found, trades, moves)


def _walk(
    config: PlanConfig,
    rungs: RungsOf,
    equity_cash: int,
    course: Course,
    drawn: Sequence[int],
    broken: Sequence[bool],
    moves: dict[str, int],
) -> _Path:
    plan = Plan(config)
    plan.tell(Begun(time_ns=0, equity_cash=Cash(equity_cash)))
    path = _Path(plan, {"paper": equity_cash, "live": equity_cash}, {0: 0})
    apart_ns = MONTH_DAYS * DAY_NS // course.trades_a_month
    ruin_cash = equity_cash * course.ruin8 // RATE
    for number, result8 in enumerate(drawn):
        now_ns = (number + 1) * apart_ns
        if now_ns < plan.locked_until_ns:
            continue
        where = plan.phase.where
        lots = rungs.lots_at(path.equity[where], plan.limits(now_ns).risk_cash)
        lots = min(lots, plan.lots() or lots)
        path.is_stuck = lots == 0
        if lots == 0:
            continue
        change = rungs.change_cash(lots, result8)
        path.equity[where] += change
        told = TradeClosed(
            time_ns=now_ns,
            trade_id=str(number),
            where=where,
            equity_cash=Cash(path.equity[where]),
            result_cash=Cash(change),
            risk_cash=Cash(rungs.loss_cash(lots)),
            is_breach=broken[number],
            is_noted=True,
        )
        for moved in plan.tell(told):
            moves[moved.kind] = moves.get(moved.kind, 0) + 1
        path.reached.setdefault(plan.number, now_ns)
        if path.equity["live"] <= ruin_cash:
            path.is_ruined = True
            break
    return path


def _drawn(results: Any, source: Odds | Sample, count: int, chance: np.random.Generator) -> Any:
    """So many results: each by its chance, or blocks of the sample, around its end."""
    import numpy as np

    if isinstance(source, Odds):
        return np.where(chance.integers(0, RATE, count) < source.win_rate8, results[0], results[1])
    blocks = -(-count // source.block)
    starts = chance.integers(0, len(results), blocks)
    places = (starts[:, None] + np.arange(source.block)[None, :]).ravel()[:count] % len(results)
    return results[places]


def _told(config: PlanConfig, found: Sequence[_Path], trades: int, moves: dict[str, int]) -> Simulated:
    import numpy as np

    phases = []
    for number, phase in enumerate(config.phases):
        times = [path.reached[number] for path in found if number in path.reached]
        months = None
        if times:
            low, middle, high = np.quantile(times, [0.25, 0.5, 0.75]) / (MONTH_DAYS * DAY_NS)
            months = (float(low), float(middle), float(high))
        phases.append(
            PhaseReached(
                name=phase.name,
                where=phase.where,
                reached=len(times),
                is_end=sum(path.plan.number == number for path in found),
                months=months,
            )
        )
    return Simulated(
        paths=len(found),
        trades=trades,
        phases=tuple(phases),
        ruined=sum(path.is_ruined for path in found),
        stuck=sum(path.is_stuck for path in found),
        equity_cash=_at_quantiles([path.equity["live"] for path in found]),
        risk_cash=_at_quantiles([path.plan.limits(path.plan.last_ns).risk_cash for path in found]),
        step_ups=moves["step up"],
        step_downs=moves["step down"],
        locks=moves["lock"],
    )


def _at_quantiles(values: Sequence[int]) -> tuple[Cash, ...]:
    """Values at 5, 25, 50, 75 and 95 of 100, each one that was there."""
    ordered = sorted(values)
    return tuple(
        Cash(ordered[min(len(ordered) - 1, len(ordered) * share // 100)]) for share in (5, 25, 50, 75, 95)
    )


def _check(course: Course, source: Odds | Sample) -> None:
    counts = (course.months, course.trades_a_month, course.paths)
    work = course.months * course.trades_a_month * course.paths
    if min(counts) < 1 or work > MOST_WORK:
        raise InputError(
            "PLAN-141",
            f"{course.months} months of {course.trades_a_month} trades on {course.paths} paths",
            f"each at least 1, together at most {MOST_WORK:,} trades",
        )
    if isinstance(source, Sample) and not source.results8:
        raise InputError("PLAN-142", "no results to draw from", "give trades, or --win-rate and --payoff")
