"""Wide integer arithmetic: a product of two int64, divided without losing a bit.

The only rules with two bodies. Python's integers are unbounded, so the bodies here are the
definition; compiled code has 64 bits and uses :mod:`lotwise.kernel.wide`, which
``tests/laws/test_wide_arithmetic.py`` proves equal.

A result outside int64 is ``OVERFLOW`` in both bodies, and so is a division by zero.
Arguments are int64 other than ``OVERFLOW`` itself (-2**63). Wider ones, which only Python can
hold, are answered exactly: :mod:`lotwise.sizing.standing` asks for inverse contracts that way.
"""

from __future__ import annotations

from typing import Final

from lotwise.rule import rule

OVERFLOW: Final = -9_223_372_036_854_775_808
"""What a wide operation returns when its exact result does not fit int64 (-2**63)."""

INT64_MAX: Final = 9_223_372_036_854_775_807

_WIDE: Final = "lotwise.kernel.wide:"


def _fitted(quotient: int, *given: int) -> int:
    if -INT64_MAX <= quotient <= INT64_MAX:
        return quotient
    wide = any(not -INT64_MAX <= number <= INT64_MAX for number in given)
    return quotient if wide else OVERFLOW


@rule(compiled_body=_WIDE + "mul_div_floor")
def mul_div_floor(a: int, b: int, c: int) -> int:
    """Floor of a * b / c.

    >>> mul_div_floor(-7, 1, 2), mul_div_floor(2**62, 4, 2)
    (-4, -9223372036854775808)
    """
    return _fitted(a * b // c, a, b, c) if c else OVERFLOW


@rule(compiled_body=_WIDE + "mul_div_ceil")
def mul_div_ceil(a: int, b: int, c: int) -> int:
    """Ceiling of a * b / c.

    >>> mul_div_ceil(-7, 1, 2), mul_div_ceil(7, 1, 2)
    (-3, 4)
    """
    return _fitted(-(-a * b // c), a, b, c) if c else OVERFLOW


@rule(compiled_body=_WIDE + "mul_div_trunc")
def mul_div_trunc(a: int, b: int, c: int) -> int:
    """a * b / c rounded toward zero, as venues cut money to 8 decimals.

    >>> mul_div_trunc(-7, 1, 2), mul_div_trunc(7, 1, 2)
    (-3, 3)
    """
    if c == 0:
        return OVERFLOW
    magnitude = abs(a * b) // abs(c)
    return _fitted(-magnitude if (a * b < 0) != (c < 0) else magnitude, a, b, c)


@rule(compiled_body=_WIDE + "mul_div_div_floor")
def mul_div_div_floor(a: int, b: int, c: int, d: int) -> int:
    """Floor of a * b / (c * d), where c * d itself may exceed int64.

    >>> mul_div_div_floor(10**18, 10**16, 10**17, 10**10)
    10000000
    """
    return _fitted(a * b // (c * d), a, b, c, d) if c and d else OVERFLOW


@rule(compiled_body=_WIDE + "mul_div_div_ceil")
def mul_div_div_ceil(a: int, b: int, c: int, d: int) -> int:
    """Ceiling of a * b / (c * d), where c * d itself may exceed int64.

    >>> mul_div_div_ceil(10**18, 10**16, 10**17, 10**10 + 1)
    10000000
    """
    return _fitted(-(-a * b // (c * d)), a, b, c, d) if c and d else OVERFLOW
