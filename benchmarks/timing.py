"""Clocks: the least of several rounds, after a round that does not count."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    action()
    return perf_counter() - start


def least_seconds(action: Callable[[], object], rounds: int) -> float:
    """The shortest of ``rounds`` calls, after one to warm up."""
    action()
    return min(seconds(action) for _ in range(rounds))


def least_per_call(action: Callable[[], object], calls: int, rounds: int) -> float:
    """Seconds a call: the shortest of ``rounds`` rounds of ``calls`` calls, after one to warm up."""

    def work() -> None:
        for _ in range(calls):
            action()

    return least_seconds(work, rounds) / calls
