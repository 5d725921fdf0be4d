"""Where the money goes: strength of symbols and sectors against a leader and against all, over several spans.

Strength of a span is the log return over it less that of the leader (or of the basket: the mean of all), so
strengths add up over time and a basket's are the mean of its members'. Momentum is the change of the strength
since a quarter of the span ago. The two make the quadrant.

Source: the quadrants are those of de Kempenaer's relative rotation graphs; the numbers are plain differences
of log returns, not his smoothed ratios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis.correlation import place_of
from lotwise.analysis.health import symbols_above_average
from lotwise.analysis.sectors import Sectors
from lotwise.analysis.windows import check_positive, period_of, table_of
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.analysis.windows import Floats

SPANS: Final[Mapping[str, int]] = {"4h": 240, "1d": 1440, "7d": 10_080}
"""Name to bars, for bars of a minute."""
MOMENTUM_PART: Final = 4
"""Momentum looks a fourth of the span back, at least one bar."""
AVERAGE: Final = 1440
"""Period of the average that breadth counts from."""


class Quadrant(StrEnum):
    """Strength and its momentum."""

    LEADING = "leading"
    """Stronger, and more so."""
    WEAKENING = "weakening"
    """Stronger, but less so."""
    LAGGING = "lagging"
    """Not stronger, and no better."""
    IMPROVING = "improving"
    """Not stronger, but better."""


@dataclass(frozen=True)
class Strength:
    """One span of a symbol or a sector; shares as log returns, 0.01 is about 1 %."""

    span: str
    change: float
    """Its own log return."""
    to_leader: float
    to_basket: float
    momentum: float
    """Change of the strength against the basket."""
    quadrant: Quadrant


@dataclass(frozen=True)
class RotationRow:
    """A symbol, or a sector with its members."""

    name: str
    sector: str
    members: tuple[str, ...]
    above: int
    """How many members stand above their average."""
    strengths: tuple[Strength, ...]

    @property
    def breadth(self) -> float:
        """Share of the members above their average."""
        return self.above / len(self.members)

    def over(self, span: str) -> Strength:
        """The strength over a span.

        Raises
        ------
        InputError
            ANALYSIS-526 no such span.
        """
        for one in self.strengths:
            if one.span == span:
                return one
        raise InputError(
            "ANALYSIS-526", f"no span {span}", f"one of {', '.join(one.span for one in self.strengths)}"
        )


@dataclass(frozen=True)
class Rotation:
    """Symbols and sectors, the strongest of the first span first."""

    leader: str
    symbols: tuple[RotationRow, ...]
    sectors: tuple[RotationRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain builtins."""
        return asdict(self)


def rotation(
    closes: Any,
    names: Sequence[str],
    table: Sectors,
    leader: str = "BTCUSDT",
    spans: Mapping[str, int] = SPANS,
    average: int = AVERAGE,
) -> Rotation:
    """The rotation table at the newest bar.

    Parameters
    ----------
    closes
        rows x symbols, of bars that all share (:func:`lotwise.analysis.correlation.aligned`).
    table
        :func:`lotwise.analysis.sectors.sectors`; coins it does not know are one sector, ``unknown``.
    spans
        Name to bars.
    average
        Period of the averages that breadth counts from.

    Raises
    ------
    InputError
        ANALYSIS-501 to ANALYSIS-507 numbers, spans and length; ANALYSIS-512, ANALYSIS-513 names;
        ANALYSIS-526 no span.
    """
    import numpy as np

    if not spans:
        raise InputError("ANALYSIS-526", "no span is given", "give one, as in {'1d': 1440}")
    reach = {span: period_of(bars, f"span {span}", least=1) for span, bars in spans.items()}
    least = max(period_of(average, "average"), *(bars + _back(bars) + 1 for bars in reach.values()))
    found = table_of(closes, "closes", least)
    check_positive(found, "closes")
    if len(names) != found.shape[1] or len(set(names)) != len(names):
        raise InputError(
            "ANALYSIS-512", f"{found.shape[1]} columns and {len(names)} names", "give each column its own"
        )
    at = place_of(names, leader)
    above = symbols_above_average(found, average)
    logs = np.log(found)
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        groups.setdefault(table.of(name), []).append(place)
    moves = {span: (_moved(logs, bars, 0), _moved(logs, bars, _back(bars))) for span, bars in reach.items()}

    def row(name: str, sector: str, places: list[int]) -> RotationRow:
        members = tuple(names[place] for place in places)
        strengths = tuple(_strength(span, *moves[span], places=places, leader=at) for span in reach)
        return RotationRow(name, sector, members, sum(above[place] for place in places), strengths)

    symbols = [row(name, table.of(name), [place]) for place, name in enumerate(names)]
    parts = [row(sector, sector, places) for sector, places in groups.items()]
    return Rotation(leader, _ranked(symbols), _ranked(parts))


def _back(bars: int) -> int:
    return max(1, bars // MOMENTUM_PART)


def _moved(logs: Floats, bars: int, ago: int) -> Floats:
    """Log returns over a span that ended so many bars ago."""
    last = len(logs) - 1 - ago
    found: Floats = logs[last] - logs[last - bars]
    return found


def _strength(span: str, now: Floats, before: Floats, places: list[int], leader: int) -> Strength:
    change = float(now[places].mean())
    to_basket = change - float(now.mean())
    momentum = to_basket - float(before[places].mean() - before.mean())
    return Strength(
        span, change, change - float(now[leader]), to_basket, momentum, quadrant_of(to_basket, momentum)
    )


def quadrant_of(strength: float, momentum: float) -> Quadrant:
    """The quadrant of a strength and its momentum; exactly 0 counts as not stronger, no better.

    >>> quadrant_of(0.02, -0.01).value
    'weakening'
    """
    if strength > 0:
        return Quadrant.LEADING if momentum > 0 else Quadrant.WEAKENING
    return Quadrant.IMPROVING if momentum > 0 else Quadrant.LAGGING


def _ranked(rows: list[RotationRow]) -> tuple[RotationRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.strengths[0].to_basket, row.name)))
