"""One contract, a million one-minute bars, all mechanics: a single run of the venue in a box."""

from __future__ import annotations

from benchmarks import history
from benchmarks.runs import Run
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel import sweep, tape

RUN = Run(
    rule=sweep.run_bars,
    row=tape.BarRow,
    market=lambda count: (history.bars(count), history.signals(count)),
    setup=history.setup(),
    trip_every=20,
    small=2_000,
)


def measure(count: int) -> Outcome:
    """Millions of bars a second: passing over quiet bars, and playing each."""
    compiling = seconds(lambda: RUN.compiled(50, 1))
    runs = [RUN.given(count) for _ in range(5)]  # the first round warms up
    skipping = least_seconds(lambda: sweep.run_bars.compiled(*runs.pop(), 1), 4)
    single = RUN.given(count)
    playing = seconds(lambda: sweep.run_bars.compiled(*single, 0))
    return Outcome(
        figures={
            "passing over quiet bars": count / skipping / 1e6,
            "every bar a step": count / playing / 1e6,
        },
        results=RUN.compiled(count, 1),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="kernel_compiled",
    about="EMA cross, 2 % stop, two targets, break-even, fees, tiers, funding, liquidation; one core",
    figures=(Figure("passing over quiet bars", "M bars/s", 50), Figure("every bar a step", "M bars/s")),
    measure=measure,
    bodies={
        "interpreted": RUN.interpreted,
        "every bar a step": lambda count: RUN.compiled(count, 0),
        "passing over quiet bars": lambda count: RUN.compiled(count, 1),
    },
    small=RUN.small,
    full=1_000_000,
)
