"""Signed orders over kept HTTP connections, answered when they are on the disk."""

from __future__ import annotations

from benchmarks import venue_load
from benchmarks.workload import Figure, Outcome, Workload


def measure(count: int) -> Outcome:
    """A small load warms the server up; the last one is timed."""
    results: list[int] = []
    with venue_load.serving() as server:
        for load, size in venue_load.sizes_of(count):
            timed = venue_load.loaded(server, load, size, is_call=False)
            results += venue_load.numbers_over_the_wire(server, load)
    return Outcome(
        figures={"signed orders": count / timed.seconds, "answer, 99 of 100": timed.p99_ms}, results=results
    )


def answer(count: int) -> list[int]:
    """What the accounts come to, without a wire."""
    return [
        number
        for load, size in venue_load.sizes_of(count)
        for number in venue_load.numbers_in_process(load, size)
    ]


WORKLOAD = Workload(
    name="exchange_rest",
    about=f"signed orders over REST, {venue_load.CONNECTIONS} kept connections on loopback",
    figures=(Figure("signed orders", "orders/s", 1_500), Figure("answer, 99 of 100", "ms", 10)),
    measure=measure,
    bodies={"in process": answer},
    small=venue_load.SMALL,
    full=32_000,
    processes=3,
)
