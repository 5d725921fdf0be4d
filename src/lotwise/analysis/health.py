"""A gate before trading: how the market as a whole is doing, in four checks, with numbers and reasons.

The leader's trend, a shock of its volatility, breadth (how many symbols stand above their average), crowding
(how much all move as one), and single symbols that have fallen out of the market. Each check gives 0, 1 or 2
points; the sum is the grade. The bounds are choices, not laws: :class:`HealthBounds` takes others. Only rows
handed in are looked at, and the newest of them is now.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis import indicators
from lotwise.analysis.correlation import place_of, rolling_correlation
from lotwise.analysis.windows import check_positive, number_of, period_of, table_of
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.analysis.windows import Floats

FALL_WORDS: Final = 5
"""So many fallen symbols are named; the rest are counted."""


class Grade(StrEnum):
    """What the gate says."""

    GOOD = "good"
    CAUTION = "caution"
    POOR = "poor"


@dataclass(frozen=True)
class HealthBounds:
    """Spans in bars, and where points are given."""

    average: int = 1440
    """Period of the averages of trend and breadth."""
    shock: int = 60
    """Bars of the volatility now."""
    usual: int = 7200
    """Bars of the volatility that is usual."""
    crowd: int = 1440
    """Bars of the correlations."""
    fall: int = 1440
    """Bars over which a fall from the highest close is looked for."""
    shock_warns: float = 2.0
    shock_stops: float = 3.0
    """Volatility now over the usual one."""
    breadth_warns: float = 0.4
    breadth_stops: float = 0.2
    """Share of the symbols above their average: less."""
    crowd_warns: float = 0.7
    crowd_stops: float = 0.85
    """Mean correlation of all pairs."""
    trend_stops: float = 0.03
    """The leader so far below its average."""
    fall_warns: float = 0.25
    """A symbol so far below its highest close."""
    caution: int = 2
    poor: int = 4
    """Points from which the grade is that."""

    def __post_init__(self) -> None:
        for name in ("average", "shock", "usual", "crowd", "fall"):
            period_of(getattr(self, name), name, least=3)
        pairs = (
            ("shock", 0.0, self.shock_warns, self.shock_stops),
            ("breadth", 0.0, self.breadth_stops, self.breadth_warns),
            ("crowd", -1.0, self.crowd_warns, self.crowd_stops),
            ("points", 0.0, self.caution, self.poor),
            ("trend and fall", 0.0, min(self.trend_stops, self.fall_warns), math.inf),
            ("spans", 0.0, self.shock, self.usual),
        )
        for name, least, first, second in pairs:
            if not least < first < second:
                raise InputError(
                    "ANALYSIS-521",
                    f"the bounds of {name} are {first} and {second}",
                    f"give two above {least}, in their order",
                )

    @property
    def rows(self) -> int:
        """Rows that all checks need."""
        return max(self.average, self.usual + 1, self.crowd + 1, self.fall)


@dataclass(frozen=True)
class Check:
    """One look at the market."""

    name: str
    points: int
    value: float
    """The number that was judged."""
    words: str


@dataclass(frozen=True)
class Health:
    """The grade, and why."""

    grade: Grade
    points: int
    checks: tuple[Check, ...]
    fallen: tuple[tuple[str, float], ...]
    """Symbols far below their highest close, the worst first, with the share lost."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Words of the checks that gave points."""
        return tuple(check.words for check in self.checks if check.points)

    def of(self, name: str) -> Check:
        """A check by its name: trend, shock, breadth, crowding, falls."""
        return next(check for check in self.checks if check.name == name)


def market_health(
    closes: Any, names: Sequence[str], leader: str = "BTCUSDT", bounds: HealthBounds | None = None
) -> Health:
    """The health of a market at its newest bar.

    Parameters
    ----------
    closes
        rows x symbols, of bars that all share (:func:`lotwise.analysis.correlation.aligned`).
    leader
        The symbol whose trend and volatility are looked at.

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-507 numbers and length, ANALYSIS-512, ANALYSIS-513 names.
    """
    own = bounds or HealthBounds()
    table = table_of(closes, "closes", own.rows)
    check_positive(table, "closes")
    if len(names) != table.shape[1] or len(names) < 2:
        raise InputError(
            "ANALYSIS-512",
            f"{table.shape[1]} columns and {len(names)} names",
            "give two or more, one a column",
        )
    column = table[:, place_of(names, leader)].copy()
    falls = _falls(table[-own.fall :], names, own)
    checks = (
        _trend(column, leader, own),
        _shock(column, leader, own),
        _breadth(table, own),
        _crowding(table[-own.crowd - 1 :], names, own),
        _fallen(falls, own),
    )
    points = sum(check.points for check in checks)
    grade = Grade.POOR if points >= own.poor else Grade.CAUTION if points >= own.caution else Grade.GOOD
    return Health(grade, points, checks, falls)


def _points(value: float, warns: float, stops: float) -> int:
    return 2 if value >= stops else 1 if value >= warns else 0


def _trend(column: Floats, leader: str, own: HealthBounds) -> Check:
    average = float(indicators.ema(column, own.average)[-1])
    away = float(column[-1]) / average - 1
    side = "below" if away < 0 else "above"
    words = f"{leader} is {abs(away):.1%} {side} its average of {own.average:,} bars"
    return Check("trend", 2 if away <= -own.trend_stops else 1 if away < 0 else 0, away, words)


def _shock(column: Floats, leader: str, own: HealthBounds) -> Check:
    now = float(indicators.realised_volatility(column[-own.shock - 1 :], own.shock)[-1])
    usual = float(indicators.realised_volatility(column[-own.usual - 1 :], own.usual)[-1])
    ratio = now / usual if usual > 0 else 0.0
    words = f"{leader}'s volatility is {ratio:.1f} times the usual: {now:.0%} a year against {usual:.0%}"
    return Check("shock", _points(ratio, own.shock_warns, own.shock_stops), ratio, words)


def _breadth(table: Floats, own: HealthBounds) -> Check:
    above = symbols_above_average(table, own.average)
    share = sum(above) / len(above)
    words = f"{sum(above)} of {len(above)} symbols stand above their average of {own.average:,} bars"
    return Check("breadth", _points(-share, -own.breadth_warns, -own.breadth_stops), share, words)


def symbols_above_average(table: Floats, period: int) -> list[bool]:
    """Whether the newest close of each column stands above its exponential average."""
    return [bool(column[-1] > indicators.ema(column.copy(), period)[-1]) for column in table.T]


def _crowding(table: Floats, names: Sequence[str], own: HealthBounds) -> Check:
    import numpy as np

    last = rolling_correlation(np.log(table[1:] / table[:-1]), names, own.crowd).pairs[:, -1]
    known = last[~np.isnan(last)]
    mean = float(known.mean()) if len(known) else 0.0
    words = f"the mean correlation of {len(known)} pairs over {own.crowd:,} bars is {mean:.2f}"
    return Check("crowding", _points(mean, own.crowd_warns, own.crowd_stops), mean, words)


def _falls(table: Floats, names: Sequence[str], own: HealthBounds) -> tuple[tuple[str, float], ...]:
    lost = (1 - table[-1] / table.max(axis=0)).tolist()
    worst = sorted(zip(names, lost, strict=True), key=lambda one: -one[1])
    return tuple((name, number_of(share, name)) for name, share in worst if share >= own.fall_warns)


def _fallen(falls: tuple[tuple[str, float], ...], own: HealthBounds) -> Check:
    named = ", ".join(f"{name} {share:.1%}" for name, share in falls[:FALL_WORDS])
    more = f" and {len(falls) - FALL_WORDS} more" if len(falls) > FALL_WORDS else ""
    words = (
        f"below the highest close of {own.fall:,} bars: {named}{more}"
        if falls
        else "no symbol has fallen out"
    )
    return Check("falls", 1 if falls else 0, falls[0][1] if falls else 0.0, words)
