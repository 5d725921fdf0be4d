"""Where an exact amount becomes whole units: always by name, never by accident."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.reference.venue.names import EIGHT


def rounded_down(amount: Fraction) -> int:
    """Return the largest whole number not above the amount."""
    return math.floor(amount)


def rounded_up(amount: Fraction) -> int:
    """Return the smallest whole number not below the amount."""
    return math.ceil(amount)


def rate(rate8: int) -> Fraction:
    """Return a rate or share of 1e-8 as a fraction."""
    return Fraction(rate8, EIGHT)


def sign(number: int) -> int:
    """Return +1, 0 or -1."""
    return (number > 0) - (number < 0)
