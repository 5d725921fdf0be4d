"""From numbers to pixels, and marks at round numbers with exact labels.

A mark is a whole multiple of 1, 2 or 5 times a power of ten, counted as an integer: its label is written
from that integer, so 0.1 + 0.2 never shows. Marks of prices are whole ticks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from lotwise.charts.reading import TickSize, decimal_text
from lotwise.errors import InputError

STEPS: Final = (1, 2, 5)
MILLION: Final = 6
"""Decimal places after which labels count in millions."""
_LARGE: Final = ((12, "T"), (9, "B"), (6, "M"))
SIGNIFICANT: Final = 6
"""Digits of a number in a sentence."""


class Mark(NamedTuple):
    """A place on an axis and what is written there."""

    value: float
    label: str


@dataclass(frozen=True)
class Scale:
    """A straight or logarithmic way from ``low..high`` to ``start..end`` pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether a value lies within; NaN does not."""
        return self.low <= value <= self.high


def reach(values: Iterable[float], pad: float = 0.05, zero: bool = False) -> tuple[float, float]:
    """Lowest and highest of the values with some air; NaN is passed over; never empty, never of no height.

    Parameters
    ----------
    pad
        Share of the height added at both ends.
    zero
        Whether 0 must be inside, without air beyond it.
    """
    known = [value for value in values if not math.isnan(value)]
    if zero or not known:
        known.append(0.0)
    low, high = min(known), max(known)
    if low == high:
        air = abs(low) * 0.05 or 1.0
        return (low, high + air) if zero else (low - air, high + air)
    air = (high - low) * pad
    return (low if zero and low == 0 else low - air, high if zero and high == 0 else high + air)


def log_reach(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest for a logarithmic scale, with air.

    Raises
    ------
    InputError
        CHART-110 a value that is not above zero.
    """
    known = [value for value in values if not math.isnan(value)] or [1.0]
    if min(known) <= 0:
        raise InputError(
            "CHART-110", f"a logarithmic scale met {min(known)}", "leave out what is not above zero"
        )
    low, high = min(known), max(known)
    air = (high / low) ** 0.05 if high > low else 1.25
    return low / air, high * air


def _step(span: Fraction, most: int) -> tuple[int, int]:
    """The finest step ``m * 10**k`` that marks a span at most so often."""
    wanted = span / max(most, 1)
    power = math.floor(math.log10(wanted)) - 1
    while True:
        for multiple in STEPS:
            if multiple * Fraction(10) ** power >= wanted:
                return multiple, power
        power += 1


def round_marks(low: float, high: float, most: int) -> list[Mark]:
    """Marks at round numbers from low to high, about as many as ``most``.

    >>> [mark.label for mark in round_marks(0.05, 0.35, 4)]
    ['0.1', '0.2', '0.3']
    """
    bottom, top = Fraction(low), Fraction(high)
    multiple, power = _step(top - bottom, most)
    step = multiple * Fraction(10) ** power
    counts = range(math.ceil(bottom / step), math.floor(top / step) + 1)
    widest = (
        max((abs(count * step) for count in (counts[0], counts[-1])), default=Fraction(0)) if counts else 0
    )
    return [Mark(float(i * step), large_text(i * multiple, power, widest)) for i in counts]


def large_text(units: int, power: int, widest: Fraction | int) -> str:
    """Exact text of ``units * 10**power``; in millions and more where the axis reaches that far.

    >>> large_text(15, 5, 2_000_000), large_text(15, 2, 2_000), large_text(0, 6, 5_000_000)
    ('1.5 M', '1,500', '0')
    """
    if units == 0:
        return "0"
    for places, letter in _LARGE:
        if widest >= 10**places:
            return f"{decimal_text(units, places - power)} {letter}"
    return decimal_text(units, -power)


def log_marks(low: float, high: float, most: int) -> list[Mark]:
    """Marks at 1, 2, 5 times powers of ten, or at powers only; round marks where less is seen."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for multiples in ((1, 2, 5), (1, 3), (1,)):
        found = [
            Mark(float(multiple * Fraction(10) ** power), large_text(multiple, power, Fraction(10) ** power))
            for power in range(first, last + 1)
            for multiple in multiples
        ]
        found = [mark for mark in found if low <= mark.value <= high]
        if 2 <= len(found) <= most:
            return found
    if len(found) > most:
        return found[:: -(-len(found) // most)]
    return [mark for mark in round_marks(low, high, most) if mark.value > 0]


def price_marks(low_ticks: float, high_ticks: float, tick: TickSize, most: int) -> list[Mark]:
    """Marks at whole ticks that are round prices; the labels are exact.

    >>> [mark.label for mark in price_marks(1, 7, TickSize(1, 1), 4)]
    ['0.2', '0.4', '0.6']
    """
    span = Fraction(high_ticks) - Fraction(low_ticks)
    wanted = max(span / max(most, 1), Fraction(1))
    step = _price_step(wanted, tick)
    counts = range(math.ceil(Fraction(low_ticks) / step), math.floor(Fraction(high_ticks) / step) + 1)
    return [Mark(i * step, tick.text(i * step)) for i in counts]


def _price_step(wanted: Fraction, tick: TickSize) -> int:
    """Ticks of the finest round step that is wide enough; round in ticks where no round price is near."""
    power = 1
    while power * 10 <= wanted * tick.units:
        power *= 10
    for multiple in (*STEPS, *(10 * step for step in STEPS)):
        ticks, rest = divmod(multiple * power, tick.units)
        if rest == 0 and ticks >= wanted:
            return ticks
    power = 1
    while True:
        for multiple in STEPS:
            if multiple * power >= wanted:
                return multiple * power
        power *= 10


def said(value: float, signed: bool = False) -> str:
    """A number in a sentence: six digits, thousands apart, a true minus.

    >>> said(1234.5678), said(-0.00012345678), said(2.0, signed=True), said(1e9)
    ('1,234.57', '−0.000123457', '+2', '1,000,000,000')
    """
    if value == 0 or math.isnan(value):
        return "0" if value == 0 else "none"
    places = max(0, SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))
    text = f"{abs(value):,.{min(places, 18)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return ("−" if value < 0 else "+" if signed else "") + text
