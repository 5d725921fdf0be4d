"""The odds of an account that trades whole lots: ruined, stuck, at its target, or still trading.

Every path trades what the sizing rules allow at its present equity (:mod:`lotwise.kernel.ruin`), so its risk
is lumpy: at 200 USDT one lot may be 1.7 R, and below some equity nothing fits any more. Beside it the same
results are traded in fractions of a lot, as textbooks do.

The price stays where it is: what is traded is one setup, again and again. Chance comes from PCG64, a stream
for every :data:`CHUNK` paths, so the seed alone decides, not the number of threads or of paths.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from lotwise.errors import InputError
from lotwise.kernel import ruin as paths_of
from lotwise.kernel.layout import RATE, dtype_of
from lotwise.kernel.limit_rows import FRACTION, TRADE_STEPS, PlanStepRow
from lotwise.kernel.ruin_rows import EndRow
from lotwise.stats.rungs import Account, Desk, Odds, RungsOf, Sample, copied
from lotwise.units import MAX_CASH, cash_text

CHUNK: Final = 256
"""Paths that share a stream of chance."""
MOST_PATHS: Final = 5_000_000
MOST_AHEAD: Final = 100_000
MOST_TRADES: Final = 20_000_000_000
"""Of all paths together: a quarter of an hour on two cores."""
MOST_SEED: Final = 2**63


@dataclass(frozen=True)
class Course:
    """How far, how often, from which seed."""

    trades: int = 500
    paths: int = 10_000
    seed: int = 7


@dataclass(frozen=True)
class Walked:
    """What the paths came to."""

    ends: Any
    """Structured array of :class:`lotwise.kernel.ruin_rows.EndRow`, a row for each path."""
    ideal_ends: Any
    """The same paths in fractions of a lot, with no smallest order and no margin."""
    net8: tuple[int, ...]
    """The results that are drawn, costs in, in 1e-8 of R: of :class:`Odds` the loss and the win."""
    rung: RungsOf = field(repr=False)


def walk(
    desk: Desk,
    source: Odds | Sample,
    account: Account,
    plan: PlanStepRow,
    course: Course = Course(),
    workers: int | None = None,
) -> Walked:
    """Walk the paths.

    Parameters
    ----------
    desk
        What is traded: of ``lotwise.sizing.solve.Rows`` as it is.
    plan
        The share at risk and the plan's steps; see :mod:`lotwise.kernel.plan`.
    workers
        Threads; default: one a core. They change nothing but the time.

    Raises
    ------
    InputError
        RUIN-101 a ladder, or a stop at liquidation; RUIN-102 win rate; RUIN-105 too many trades or paths, or
        none; RUIN-106 seed; RUIN-107 target; RUIN-108 ruin line; RUIN-109 stretch; RUIN-110 plan; RUIN-111
        block or an empty sample; RUIN-112 a target price that is none.
    """
    _check(desk, source, account, plan, course)
    rung = RungsOf(desk, source, account, _begun(plan))
    if plan.kind == TRADE_STEPS and not plan.first_lots:
        rung.plan.first_lots = max(rung.smallest, rung.lots_at(account.equity_cash))
    drawn = _drawn8(source)
    net = tuple(rung.net_result8(result) for result in drawn)
    blocks = 1 if isinstance(source, Odds) else source.block
    own = -(-course.trades // blocks)
    rung.walk.trades = course.trades
    work = partial(_chunk, rung.arrays(), drawn, net, own=own, course=course)
    chunks = range(-(-course.paths // CHUNK))
    first = work(0)  # compiles, or loads, once
    with ThreadPoolExecutor(workers or _cores()) as threads:
        parts = [first, *threads.map(work, chunks[1:])]
    return Walked(*_joined(parts), net8=net, rung=rung)


def draws_of(seed: int, chunk: int, count: int) -> Any:
    """So many draws of a chunk of paths: ``uint32`` numbers from a stream that no other chunk has.

    PCG64's raw output and ``SeedSequence`` are NumPy's promise: the same in every version.
    """
    import numpy as np

    stream = np.random.PCG64(np.random.SeedSequence([seed, chunk]))
    return stream.random_raw(-(-count // 2)).astype("<u8", copy=False).view("<u4")[:count]


def _chunk(
    arrays: dict[str, Any], drawn: tuple[int, ...], net: tuple[int, ...], chunk: int, own: int, course: Course
) -> tuple[Any, Any]:
    """The ends of a chunk's paths, in lots and in fractions."""
    import numpy as np

    paths = min(CHUNK, course.paths - chunk * CHUNK)
    draws = draws_of(course.seed, chunk, paths * own)
    given = arrays | {name: arrays[name].copy() for name in ("walk", "limits", "plan")}
    ends = []
    for ideal, results in ((0, drawn), (1, net)):
        given["walk"]["ideal"] = ideal
        made = np.zeros(paths, dtype_of(EndRow))
        run: Callable[..., None] = paths_of.walk_paths.compiled
        run(**given, results8=np.array(results, np.int64), draws=draws, ends=made)
        ends.append(made)
    return ends[0], ends[1]


def _joined(parts: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    import numpy as np

    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))  # type: ignore[return-value]


def _drawn8(source: Odds | Sample) -> tuple[int, ...]:
    if isinstance(source, Odds):
        return (-RATE, RATE)
    return tuple(int(result) for result in source.results8)


def _begun(plan: PlanStepRow) -> PlanStepRow:
    own: PlanStepRow = copied(plan)
    return own


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# -- what cannot be walked


def check_desk(desk: Desk) -> None:
    """Refuse what has no one loss at the stop for a count of lots.

    Raises
    ------
    InputError
        RUIN-101 a ladder, or a stop at liquidation.
    """
    if len(desk.legs) == 1 and not desk.ask[0].stop_is_liquidation:
        return
    liquidated = " whose stop is the liquidation" if desk.ask[0].stop_is_liquidation else ""
    entries = f"{len(desk.legs)} entr{'y' if len(desk.legs) == 1 else 'ies'}"
    raise InputError("RUIN-101", f"a trade of {entries}{liquidated}", "give one entry price and a stop price")


def _check(desk: Desk, source: Odds | Sample, account: Account, plan: PlanStepRow, course: Course) -> None:
    check_desk(desk)
    if isinstance(source, Odds):
        if not 0 <= source.win_rate8 <= RATE:
            share = source.win_rate8 * 100 / RATE
            raise InputError("RUIN-102", f"a win rate of {share:g} %", "use 0 % to 100 %")
        if (
            desk.ask[0].side * (source.target_ticks - desk.legs[0].price_ticks) <= 0
            or source.target_ticks <= 0
        ):
            raise InputError(
                "RUIN-112",
                f"a target at {source.target_ticks} ticks, the entry at {desk.legs[0].price_ticks}",
                "place it beyond the entry, at a price above zero",
            )
    elif not source.results8 or not 1 <= source.block <= len(source.results8):
        raise InputError(
            "RUIN-111",
            f"blocks of {source.block} from {len(source.results8)} results",
            "give results, and a block from 1 to their number",
        )
    _check_account(account, plan)
    if (
        not 1 <= course.trades <= MOST_AHEAD
        or not 1 <= course.paths <= MOST_PATHS
        or course.trades * course.paths > MOST_TRADES
    ):
        raise InputError(
            "RUIN-105",
            f"{course.paths:,} paths of {course.trades:,} trades",
            f"at most {MOST_PATHS:,} paths, {MOST_AHEAD:,} trades each, {MOST_TRADES:,} in all",
        )
    if not 0 <= course.seed < MOST_SEED:
        raise InputError("RUIN-106", f"the seed is {course.seed}", "use a whole number from 0 to 2^63 - 1")


def _check_account(account: Account, plan: PlanStepRow) -> None:
    equity = cash_text(account.equity_cash)
    if not 0 <= account.ruin_cash < account.equity_cash <= MAX_CASH:
        raise InputError(
            "RUIN-108",
            f"ruin at {cash_text(account.ruin_cash)} with an equity of {equity}",
            "place the ruin line at 0 or above, and below the equity",
        )
    if account.target_cash and not account.equity_cash < account.target_cash <= MAX_CASH:
        raise InputError(
            "RUIN-107",
            f"a target of {cash_text(account.target_cash)} with an equity of {equity}",
            "place the target above the equity",
        )
    if not RATE <= account.stretch8 <= 100 * RATE:
        raise InputError(
            "RUIN-109",
            f"a stretch of {account.stretch8 / RATE:g} R",
            "use 1R (never more than the budget) to 100R",
        )
    shares = (plan.risk_share8, plan.step_share8, plan.down_share8)
    known = plan.kind in range(FRACTION, TRADE_STEPS + 1)
    whole = min(plan.step_trades, plan.first_lots, plan.reserve_cash) >= 0
    if not (known and whole and 0 < shares[0] <= RATE and min(shares) >= 0 and plan.down_share8 < RATE):
        told = ", ".join(f"{share * 100 / RATE:g} %" for share in shares)
        raise InputError(
            "RUIN-110",
            f"a plan of risk, step up and step down {told}",
            "risk above 0 % up to 100 %, steps of 0 % (none) or more, down below 100 %",
        )
