"""Liquidation prices compiled: the tier walk, the fraction, and its rounding toward the entry."""

from __future__ import annotations

from benchmarks.positions import Positions, positions
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload


def by_numba(count: int) -> list[int]:
    """(tier, price) of every position, compiled."""
    return _fill(positions(count)).ravel().tolist()


def _fill(held: Positions):  # type: ignore[no-untyped-def]
    import numpy as np

    from benchmarks import loops

    answers = np.zeros((len(held.side), 2), np.int64)
    loops.liquidations(*held, answers)
    return answers


def by_python(count: int) -> list[int]:
    """(tier, price) of every position, interpreted."""
    from benchmarks.questions import rows_of_tiers
    from lotwise.kernel.layout import LONG, SpecRow
    from lotwise.kernel.margin import liquidation_fraction, price8_ceil, price8_floor

    held = positions(count)
    tiers = rows_of_tiers(held.tiers)
    found: list[int] = []
    specs = [SpecRow(**dict(zip(SpecRow.__slots__, row, strict=True))) for row in held.spec.tolist()]
    columns = (column.tolist() for column in held if column is not held.tiers and column is not held.spec)
    for spec, side, entry, wallet, lots, tick8, first, end in zip(specs, *columns, strict=True):
        _, tier, numerator, denominator = liquidation_fraction(
            side, tiers[first:end], entry_notional_cash=entry, wallet_cash=wallet
        )
        rounded = price8_ceil if side == LONG else price8_floor
        price8 = 0
        if numerator > 0:
            price8 = rounded([spec], numerator, denominator, lots=lots, tick_size8=tick8)
        found += (tier, price8)
    return found


def measure(count: int) -> Outcome:
    """Millions of positions a second."""
    import numpy as np

    from benchmarks import loops

    held = positions(count)
    answers = np.zeros((count, 2), np.int64)
    compiling = seconds(lambda: by_numba(1))
    taken = least_seconds(lambda: loops.liquidations(*held, answers), 9)
    return Outcome(
        figures={"liquidation_fraction and price": count / taken / 1e6},
        results=answers.ravel().tolist(),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="liquidation_compiled",
    about="liquidation tier and price of random positions on real tables of 8 to 10 tiers, one core",
    figures=(Figure("liquidation_fraction and price", "M/s", 2),),
    measure=measure,
    bodies={"interpreted": by_python, "compiled": by_numba},
    small=2_000,
    full=200_000,
)
