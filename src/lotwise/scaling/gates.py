"""The gates of a phase: what is asked to leave it upwards, and what is there.

The expectancy is not looked at after every trade: whoever looks often enough sees luck. It is looked at after
``trades``, then after each ``look_every`` more, and the k-th look leaves ``a / (k (k + 1))`` to chance, where
``a`` is what the level leaves. The shares ``1 / (k (k + 1))`` sum to 1 over all looks, so a trader without an
edge passes with a chance of at most ``a / 2``, one side of the interval, however long the phase lasts.
Source: the union bound; spending it over looks: Lan & DeMets (1983), Discrete sequential boundaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.records.plan import GateSeen
from lotwise.scaling.config import DAY_NS, Gate
from lotwise.stats.intervals import bootstrap_mean
from lotwise.units import Rate8, percent_text, scaled_text

RESAMPLES = 4_000
SHOWN8 = RATE // 10_000
"""A hundredth of a percent."""
NEVER = -1
"""No look yet."""


@dataclass
class TradeMark:
    """A trade of the phase, as gates ask for it."""

    trade_id: str
    result8: int | None
    """In 1e-8 of R; None: its risk is not known."""
    is_breach: bool
    is_noted: bool


@dataclass(frozen=True)
class Look:
    """What a look at the expectancy showed."""

    number: int
    trades: int
    mean8: int
    low8: int
    level: float
    passed: bool


def looks_due(gate: Gate, trades: int) -> int:
    """How many looks so many trades have earned."""
    if gate.expectancy8 is None or trades < gate.trades:
        return 0
    return 1 + (trades - gate.trades) // max(1, gate.look_every)


def level_of(gate: Gate, look: int) -> float:
    """The two-sided level of the k-th look's interval."""
    return 1 - (1 - gate.level8 / RATE) / (look * (look + 1))


def look_at(gate: Gate, marks: Sequence[TradeMark], number: int) -> Look:
    """Look at the expectancy of what is known."""
    assert gate.expectancy8 is not None
    known = [mark.result8 for mark in marks if mark.result8 is not None]
    level = level_of(gate, number)
    if len(known) < 2:
        return Look(number, len(known), 0, 0, level, passed=False)
    found = bootstrap_mean([value / RATE for value in known], level=level, resamples=RESAMPLES)
    low8 = round(found.low * RATE)
    mean8 = sum(known) // len(known)
    return Look(number, len(known), mean8, low8, level, passed=low8 > gate.expectancy8)


def worst_fall8(indices: Sequence[tuple[int, int]], since: int) -> int:
    """The largest fall of a growth index from a peak before it, from just before that trade on."""
    peak, worst = 0, 0
    for trade, index in indices:
        if trade < since:
            peak = index  # where the first trade begins: its own fall counts
            continue
        peak = max(peak, index)
        worst = max(worst, mul_div_floor(peak - index, RATE, peak) if peak else 0)
    return worst


def seen(
    gate: Gate, marks: Sequence[TradeMark], look: Look | None, fell8: int, in_phase_ns: int
) -> tuple[GateSeen, ...]:
    """Every gate that is asked, as it stands."""
    known = sum(mark.result8 is not None for mark in marks)
    found = []
    if gate.trades:
        found.append(_gate("count", f"{gate.trades} trades", str(known), share=(known, gate.trades)))
    if gate.days:
        days = in_phase_ns // DAY_NS
        found.append(_gate("days", str(gate.days), str(days), share=(days, gate.days)))
    if gate.expectancy8 is not None:
        found.append(_expectancy(gate, look, known))
    if gate.breaches is not None:
        most, among = gate.breaches
        broken = sum(mark.is_breach for mark in marks[-among:])
        told = f"{broken} in the last {min(among, len(marks))}"
        found.append(_gate("breaches", f"at most {most} in {among}", told, is_open=broken <= most))
    if gate.drawdown8:
        asked, is_open = percent_text(gate.drawdown8), fell8 <= gate.drawdown8
        found.append(_gate("drawdown", f"at most {asked}", _fell(gate.drawdown8, fell8), is_open=is_open))
    if gate.notes8:
        noted = sum(mark.is_noted for mark in marks)
        share8 = mul_div_floor(noted, RATE, len(marks)) if marks else 0
        told = f"{noted} of {len(marks)}"
        found.append(_gate("notes", percent_text(gate.notes8), told, share=(share8, gate.notes8)))
    return tuple(found)


def _fell(asked8: int, fell8: int) -> str:
    """A fall, rounded up to whole hundredths of a percent where the bound is such: shown and open agree."""
    return percent_text(fell8 if asked8 % SHOWN8 else -(-fell8 // SHOWN8) * SHOWN8)


def _expectancy(gate: Gate, look: Look | None, known: int) -> GateSeen:
    assert gate.expectancy8 is not None
    asked = f"above {scaled_text(gate.expectancy8)} R"
    due = gate.trades if look is None else gate.trades + look.number * gate.look_every
    if look is None:
        return _gate("expectancy", asked, f"first look after {due} trades", is_open=False)
    text = (
        f"{look.mean8 / RATE:+.2f} R over {look.trades} trades, at least {look.low8 / RATE:+.2f} R"
        f" ({look.level:.1%}, look {look.number})"
    )
    if not look.passed:
        text += f"; next look after {due} trades"
    return _gate("expectancy", asked, text, is_open=look.passed)


def _gate(
    name: str, asked: str, found: str, *, share: tuple[int, int] | None = None, is_open: bool = False
) -> GateSeen:
    """A gate with how far it is; one without a share is there or not."""
    if share is not None:
        is_open = share[0] >= share[1]
        share8 = min(RATE, mul_div_floor(share[0], RATE, share[1]))
    else:
        share8 = RATE if is_open else 0
    return GateSeen(name=name, asked=asked, found=found, is_open=is_open, share8=Rate8(share8))
