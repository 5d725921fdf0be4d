"""Law: the compiled 128-bit arithmetic gives what Python's unbounded integers give.

The two bodies of the five wide rules are the only formulas written twice. They are compared on
the ends of int64, around powers of two and around the limits of the shortcut for small
divisors; overflow, carries and both corrections of Knuth's division must be met.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import cache
from itertools import product
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lotwise.kernel.arith import (
    INT64_MAX,
    OVERFLOW,
    mul_div_ceil,
    mul_div_div_ceil,
    mul_div_div_floor,
    mul_div_floor,
    mul_div_trunc,
)
from lotwise.kernel.layout import RATE
from lotwise.kernel.wide import SPLIT_LIMIT
from tests.laws import bulk
from tests.laws.cases import seeded

RULES = (mul_div_floor, mul_div_ceil, mul_div_trunc, mul_div_div_floor, mul_div_div_ceil)
CHUNK = 10_000
LIMIT = int(SPLIT_LIMIT)
BASE = 2**32
POWERS = [2**k + d for k in (1, 8, 31, 32, 33, 62, 63) for d in (-1, 0, 1)]
KNOWN = [
    0,
    1,
    2,
    3,
    7,
    RATE - 1,
    RATE,
    RATE + 1,
    2 * RATE - 1,
    2 * RATE,
    2 * RATE + 1,
    LIMIT - 1,
    LIMIT,
    LIMIT + 1,
]
EDGES = sorted({sign * value for value in (*KNOWN, *POWERS) if value <= INT64_MAX for sign in (1, -1)})


@cache
def compiled_loop() -> Any:
    """All five rules over the rows (a, b, c, d) of an array, called from compiled code."""
    floor, ceil, trunc, twice_floor, twice_ceil = RULES

    @numba.njit
    def loop(rows: Any, found: Any) -> None:
        for i in range(rows.shape[0]):
            a, b, c, d = rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3]
            found[i, 0] = floor(a, b, c)
            found[i, 1] = ceil(a, b, c)
            found[i, 2] = trunc(a, b, c)
            found[i, 3] = twice_floor(a, b, c, d)
            found[i, 4] = twice_ceil(a, b, c, d)

    return loop


def compiled(rows: list[tuple[int, int, int, int]]) -> list[list[int]]:
    """The five results of every row, from compiled code."""
    found = np.zeros((len(rows), len(RULES)), dtype=np.int64)
    compiled_loop()(np.array(rows, dtype=np.int64), found)
    listed: list[list[int]] = found.tolist()
    return listed


def exact(a: int, b: int, c: int, d: int) -> list[int]:
    """The five results by the definition, written without the rules."""
    product_, divisor = a * b, c * d
    if c == 0:
        return [OVERFLOW] * 5
    toward_zero = abs(product_) // abs(c) * (1 if (product_ < 0) == (c < 0) else -1)
    found = [product_ // c, -((-product_) // c), toward_zero]
    found += [product_ // divisor, -((-product_) // divisor)] if divisor else [OVERFLOW] * 2
    return [value if abs(value) <= INT64_MAX else OVERFLOW for value in found]


def interpreted(a: int, b: int, c: int, d: int) -> list[int]:
    """The five results of the rules as plain Python."""
    once = [rule(a, b, c) for rule in RULES[:3]]
    return once + [rule(a, b, c, d) for rule in RULES[3:]]


def assert_all_agree(rows: list[tuple[int, int, int, int]]) -> None:
    """Compiled, interpreted and the definition, for every row."""
    for row, found in zip(rows, compiled(rows), strict=True):
        wanted = exact(*row)
        assert found == wanted, f"compiled {row}: {found}, exact {wanted}"
        assert interpreted(*row) == wanted, f"interpreted {row}: exact {wanted}"


def paths(a: int, b: int, c: int, d: int) -> list[str]:
    """Which hard paths a row takes."""
    seen = []
    if c == 0 or d == 0:
        return ["division by zero"]
    whole = abs(a * b)
    if 0 <= b <= c <= LIMIT:
        seen.append("shortcut, 2e8" if c == 2 * RATE else "shortcut, 1e8" if c == RATE else "shortcut")
        return seen
    if OVERFLOW in exact(a, b, c, d)[:3]:
        seen.append("overflow")
    if OVERFLOW in exact(a, b, c, d)[3:]:
        seen.append("overflow of two")
    if whole >= 2**64:
        seen.append("128-bit product")
        seen += _corrections(whole // 2**64 % abs(c), whole % 2**64, abs(c))
    (a_high, a_low), (b_high, b_low) = divmod(abs(a), BASE), divmod(abs(b), BASE)
    if (a_high * b_low + a_low * b_low // BASE) % BASE + a_low * b_high % BASE >= BASE:
        seen.append("carry of the product")
    if abs(c * d) > INT64_MAX:
        seen.append("divisor beyond int64")
    if abs(whole // abs(c)) == INT64_MAX and whole % abs(c):
        seen.append("overflow by rounding")
    if a * b < 0 and whole % abs(c):
        seen.append("negative and inexact")
    return seen


def _corrections(high: int, low: int, divisor: int) -> list[str]:
    """How often Knuth's guess of a digit must be lowered (TAOCP 2, 4.3.1, step D3)."""
    shift = 64 - divisor.bit_length()
    whole, divisor = (high * 2**64 + low) << shift, divisor << shift
    found = []
    for place in (1, 0):
        rest = whole >> (32 * place)
        digit = rest // divisor
        guess = (rest >> 32) // (divisor >> 32)
        found.append(f"guess lowered {guess - digit}")
        whole -= digit * divisor << (32 * place)
    return found


def edge_value(rng: random.Random) -> int:
    """An int64 that is an edge, near one, or of any length."""
    kind = rng.randint(0, 3)
    if kind == 0:
        return rng.choice(EDGES)
    if kind == 1:
        value = rng.choice(EDGES) + rng.randint(-3, 3)
    elif kind == 2:
        value = rng.choice([1, -1]) * rng.getrandbits(rng.randint(1, 63))
    else:  # long runs of equal bits: where guesses of digits go wrong
        value = (2 ** rng.randint(1, 63) - 2 ** rng.randint(0, 62)) * rng.choice([1, -1])
    return max(-INT64_MAX, min(INT64_MAX, value))


def row(number: int) -> tuple[int, int, int, int]:
    """Row number so-and-so; in a third of them the quotient fits int64."""
    rng = seeded(number)
    a, b, c, d = (edge_value(rng) for _ in range(4))
    if number % 3 == 0:
        a, b = rng.randint(-INT64_MAX, INT64_MAX), rng.choice([b, rng.getrandbits(62)])
        c = rng.choice([1, -1]) * min(INT64_MAX, max(1, abs(a * b) // INT64_MAX + rng.randint(-2, 3)))
    elif number % 3 == 1:
        c = rng.choice([abs(c), abs(c), LIMIT, RATE, RATE, 2 * RATE])
        b = rng.choice([rng.randint(0, c), c, min(c, 1)])
    return a, b, c, d


def wide_rows(rows: list[tuple[int, int, int, int]]) -> Counter[str]:
    """Compare the rows and say which hard paths they took."""
    assert_all_agree(rows)
    return Counter(path for one in rows[:2_000] for path in paths(*one))


@bulk.every_shard
def test_seeded_operands(shard: int, law_cases: int) -> None:
    seen: Counter[str] = Counter()
    begun = time.perf_counter()
    numbers = bulk.numbers_of(shard, law_cases)
    for start in range(0, len(numbers), CHUNK):
        rows = [row(number) for number in numbers[start : start + CHUNK]]
        seen += wide_rows(rows)
    bulk.record(
        "wide arithmetic: compiled, interpreted and exact agree", len(numbers), time.perf_counter() - begun
    )
    wanted = [
        "overflow",
        "overflow of two",
        "128-bit product",
        "carry of the product",
        "divisor beyond int64",
    ]
    wanted += ["division by zero", "negative and inexact", "shortcut", "shortcut, 1e8", "shortcut, 2e8"]
    wanted += ["guess lowered 0", "guess lowered 1", "guess lowered 2"]
    missed = [path for path in wanted if not seen[path]]
    assert not missed, f"no operands took {missed}: {seen}"


def test_every_edge_with_every_edge() -> None:
    few = [value for value in EDGES if abs(value) in {0, 1, 3, RATE, 2 * RATE, LIMIT, LIMIT + 1, INT64_MAX}]
    rows = [(a, b, c, 1) for a, b, c in product(EDGES, EDGES, few)]
    rows += [(a, b, c, d) for a, b, c, d in product(few, few, few, few)]
    assert_all_agree(rows)
    bulk.record("wide arithmetic: every edge with every edge", len(rows))


def test_an_overflow_by_rounding_is_one() -> None:
    rows = [(INT64_MAX, 2, 1, 1), (INT64_MAX, 2, 2, 1), (INT64_MAX - 1, 3, 3, 1)]
    up = [(a, b, c, 1) for c in range(2, 60) for b in range(c + 1, c + 9) for a in [INT64_MAX * c // b + 1]]
    beyond = [one for one in up if one[0] * one[1] // one[2] == INT64_MAX and one[0] * one[1] % one[2]]
    assert len(beyond) > 10
    assert_all_agree([*rows, *beyond])
    assert all(mul_div_ceil(*one[:3]) == OVERFLOW != mul_div_floor(*one[:3]) for one in beyond)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.func.__name__)
def test_a_division_by_zero_is_an_overflow(rule: Any) -> None:
    rest = (1,) * (rule.func.__code__.co_argcount - 3)
    assert rule(5, 7, 0, *rest) == rule.compiled(5, 7, 0, *rest) == OVERFLOW


def operand() -> st.SearchStrategy[int]:
    """Any int64 but OVERFLOW itself, edges often."""
    return st.one_of(st.sampled_from(EDGES), st.integers(-INT64_MAX, INT64_MAX))


@given(operand(), operand(), operand(), operand())
@example(INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX)
@example(-INT64_MAX, INT64_MAX, -1, 1)
@example(-1, 1, INT64_MAX, 1)
def test_drawn_operands(a: int, b: int, c: int, d: int) -> None:
    assert_all_agree([(a, b, c, d)])
