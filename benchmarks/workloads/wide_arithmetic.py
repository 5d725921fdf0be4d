"""128-bit products divided without losing a bit: the primitive under every fee and margin."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.draws import Draws
from benchmarks.questions import SEED
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE


class Operands(NamedTuple):
    """``money * rate8 / 1e8`` and ``a * b / c``."""

    money: Any
    rate8: Any
    a: Any
    b: Any
    c: Any


def operands(count: int) -> Operands:
    """Money up to 2**60 with rates up to one; products of more than 64 bits over up to 2**62."""
    draws = Draws(SEED, count)

    def sign() -> Any:
        return 1 - 2 * draws.percent(50).astype("int64")

    return Operands(
        money=draws.magnitude(1, (1 << 60) - 1) * sign(),
        rate8=draws.whole(0, RATE),
        a=draws.whole(1 << 40, (1 << 62) - 1) * sign(),
        b=draws.whole(1 << 40, (1 << 62) - 1) * sign(),
        c=draws.whole(1 << 61, (1 << 62) - 1) * sign(),
    )


def _in_turn(shares: list[int], quotients: list[int]) -> list[int]:
    return [number for pair in zip(shares, quotients, strict=True) for number in pair]


def by_python(count: int) -> list[int]:
    """Both kinds of quotient, interpreted."""
    given = operands(count)
    money, rate8, a, b, c = (column.tolist() for column in given)
    shares = [mul_div_floor(*pair, RATE) for pair in zip(money, rate8, strict=True)]
    return _in_turn(shares, [mul_div_floor(*three) for three in zip(a, b, c, strict=True)])


def by_numba(count: int) -> list[int]:
    """Both kinds of quotient, compiled."""
    return _measured(count, rounds=0)[1]


def _measured(count: int, rounds: int) -> tuple[dict[str, float], list[int]]:
    import numpy as np

    from benchmarks import loops

    given = operands(count)
    shares, quotients = np.zeros(count, np.int64), np.zeros(count, np.int64)

    def share() -> None:
        loops.shares_of_a_rate(given.money, given.rate8, shares)

    def general() -> None:
        loops.general_quotients(given.a, given.b, given.c, quotients)

    if not rounds:
        share()
        general()
        return {}, _in_turn(shares.tolist(), quotients.tolist())
    figures = {
        "mul_div_floor by 1e8": least_seconds(share, rounds) / count * 1e9,
        "mul_div_floor, general": least_seconds(general, rounds) / count * 1e9,
    }
    return figures, _in_turn(shares.tolist(), quotients.tolist())


def measure(count: int) -> Outcome:
    """Nanoseconds a call."""
    compiling = seconds(lambda: by_numba(1))
    figures, results = _measured(count, rounds=9)
    return Outcome(figures=figures, results=results, compile_seconds=compiling)


WORKLOAD = Workload(
    name="wide_arithmetic",
    about="mul_div_floor over 1e8 and over any int64, compiled, one core",
    figures=(Figure("mul_div_floor by 1e8", "ns"), Figure("mul_div_floor, general", "ns")),
    measure=measure,
    bodies={"interpreted": by_python, "compiled": by_numba},
    small=2_000,
    full=200_000,
)
