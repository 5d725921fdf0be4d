"""Compiled bodies of :mod:`lotwise.kernel.arith`: 128-bit products in two uint64 halves.

Imported only when a rule is compiled. Division is Knuth's algorithm D (TAOCP 2, 4.3.1) in
base 2**32 with two digits. Every operand is uint64 or int64 on purpose: Numba turns a mix of
the two into float64, silently.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from lotwise.rule_parts import part

INT64_MAX = np.int64(9_223_372_036_854_775_807)
OVERFLOW = np.int64(-9_223_372_036_854_775_808)
SPLIT_LIMIT = np.int64(3_037_000_499)  # the largest c whose square fits int64
RATE = 100_000_000
TWO_RATES = 200_000_000
ZERO = np.uint64(0)
ONE = np.uint64(1)
HALF = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)
BASE = np.uint64(1 << 32)
LARGEST = np.uint64(9_223_372_036_854_775_807)


@njit(inline="always")
def _magnitude(value):  # type: ignore[no-untyped-def]
    return np.uint64(value) if value >= 0 else np.uint64(-value)


@intrinsic
def _product(typing_context, a, b):  # type: ignore[no-untyped-def]
    """(high, low) of a * b, both uint64: one instruction on most machines."""

    def generate(context, builder, signature, given):  # type: ignore[no-untyped-def]
        word, wide = ir.IntType(64), ir.IntType(128)
        both = builder.mul(builder.zext(given[0], wide), builder.zext(given[1], wide))
        high = builder.trunc(builder.lshr(both, ir.Constant(wide, 64)), word)
        return context.make_tuple(builder, signature.return_type, (high, builder.trunc(both, word)))

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), generate


@intrinsic
def _shift_to_top(typing_context, value):  # type: ignore[no-untyped-def]
    """How far to shift a positive uint64 left until its top bit is set."""

    def generate(context, builder, signature, given):  # type: ignore[no-untyped-def]
        return builder.ctlz(given[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@part
def _digit(high, next_digit, v_high, v_low):  # type: ignore[no-untyped-def]
    """One base-2**32 quotient digit (Knuth's step D3)."""
    digit = high // v_high
    rest = high - digit * v_high
    while digit >= BASE or digit * v_low > (rest << HALF) + next_digit:
        digit -= ONE
        rest += v_high
        if rest >= BASE:
            break
    return digit


@part
def _divide(high, low, divisor):  # type: ignore[no-untyped-def]
    """(quotient, remainder) of high * 2**64 + low over divisor, where high < divisor."""
    if high == ZERO:
        quotient = low // divisor
        return quotient, low - quotient * divisor
    shift = _shift_to_top(divisor)
    divisor = divisor << shift
    if shift > ZERO:
        high = (high << shift) | (low >> (np.uint64(64) - shift))
        low = low << shift
    v_high, v_low = divisor >> HALF, divisor & LOW_HALF
    u_high, u_low = low >> HALF, low & LOW_HALF
    first = _digit(high, u_high, v_high, v_low)
    middle = (high << HALF) + u_high - first * divisor  # wraps back into range
    second = _digit(middle, u_low, v_high, v_low)
    remainder = ((middle << HALF) + u_low - second * divisor) >> shift
    return (first << HALF) + second, remainder


@part
def _quotient(a, b, c, d):  # type: ignore[no-untyped-def]
    """(high, low, inexact) of a * b // (c * d) over magnitudes, dividing twice."""
    high, low = _product(a, b)
    quotient_high = high // c
    quotient_low, rest = _divide(high - quotient_high * c, low, c)
    inexact = rest != ZERO
    if d != ONE:
        high, low = quotient_high, quotient_low
        quotient_high = high // d
        quotient_low, rest = _divide(high - quotient_high * d, low, d)
        inexact = inexact or rest != ZERO
    return quotient_high, quotient_low, inexact


@part
def _rounded(a, b, c, d, up_if_positive, up_if_negative):  # type: ignore[no-untyped-def]
    """Signed a * b / (c * d); the flags say when an inexact magnitude grows by one."""
    if c == 0 or d == 0:
        return OVERFLOW
    negative = ((a < 0) != (b < 0)) != ((c < 0) != (d < 0))
    high, low, inexact = _quotient(_magnitude(a), _magnitude(b), _magnitude(c), _magnitude(d))
    if high != ZERO or low > LARGEST:
        return OVERFLOW
    if inexact and (up_if_negative if negative else up_if_positive):
        if low == LARGEST:
            return OVERFLOW
        low += ONE
    return -np.int64(low) if negative else np.int64(low)


@njit(inline="always")
def _share(a, b, c, up):  # type: ignore[no-untyped-def]
    """(a * b + up) / c rounded down for 0 <= b <= c <= SPLIT_LIMIT: a is split, nothing can overflow."""
    whole = a // c
    return whole * b + ((a - whole * c) * b + up) // c


def mul_div_floor(a, b, c):  # type: ignore[no-untyped-def]
    """Floor of a * b / c; see :func:`lotwise.kernel.arith.mul_div_floor`."""
    if 0 <= b <= c <= SPLIT_LIMIT and c > 0:
        if c == RATE:  # a division by a literal is a multiplication
            return _share(a, b, RATE, 0)
        return _share(a, b, c, 0)
    return _rounded(a, b, c, np.int64(1), False, True)


def mul_div_ceil(a, b, c):  # type: ignore[no-untyped-def]
    """Ceiling of a * b / c; see :func:`lotwise.kernel.arith.mul_div_ceil`."""
    if 0 <= b <= c <= SPLIT_LIMIT and c > 0:
        if c == TWO_RATES:
            return _share(a, b, TWO_RATES, TWO_RATES - 1)
        if c == RATE:
            return _share(a, b, RATE, RATE - 1)
        return _share(a, b, c, c - 1)
    return _rounded(a, b, c, np.int64(1), True, False)


def mul_div_trunc(a, b, c):  # type: ignore[no-untyped-def]
    """a * b / c toward zero; see :func:`lotwise.kernel.arith.mul_div_trunc`."""
    return _rounded(a, b, c, np.int64(1), False, False)


def mul_div_div_floor(a, b, c, d):  # type: ignore[no-untyped-def]
    """Floor of a * b / (c * d); see :func:`lotwise.kernel.arith.mul_div_div_floor`."""
    return _rounded(a, b, c, d, False, True)


def mul_div_div_ceil(a, b, c, d):  # type: ignore[no-untyped-def]
    """Ceiling of a * b / (c * d); see :func:`lotwise.kernel.arith.mul_div_div_ceil`."""
    return _rounded(a, b, c, d, True, False)
