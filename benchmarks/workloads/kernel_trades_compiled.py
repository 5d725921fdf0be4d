"""Ten million trades of a market under brackets: entries, a stop, two targets, break-even."""

from __future__ import annotations

from benchmarks import history
from benchmarks.runs import Run
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel import sweep, tape

SIGNAL_EVERY = 500
STOP_SHARE8 = 400_000
"""0.4 %: near enough to be met between two signals."""
RUN = Run(
    rule=sweep.run_trades,
    row=tape.MarketTradeRow,
    market=lambda count: history.market_trades(count, SIGNAL_EVERY),
    setup=history.setup(STOP_SHARE8),
    trip_every=SIGNAL_EVERY,
    small=4_000,
)


def measure(count: int) -> Outcome:
    """Millions of trades a second, passing over quiet ones and playing each."""
    compiling = seconds(lambda: RUN.compiled(50, 1))
    runs = [RUN.given(count) for _ in range(4)]  # the first round warms up
    skipping = least_seconds(lambda: sweep.run_trades.compiled(*runs.pop(), 1), 3)
    fewer = RUN.given(min(count, 1_000_000))
    playing = seconds(lambda: sweep.run_trades.compiled(*fewer, 0))
    return Outcome(
        figures={
            "passing over quiet trades": count / skipping / 1e6,
            "every trade a step": len(fewer[1]) / playing / 1e6,
        },
        results=RUN.compiled(count, 1),
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="kernel_trades_compiled",
    about="a bracket every 500 trades of the market, all mechanics; one core",
    figures=(
        Figure("passing over quiet trades", "M trades/s", 150),
        Figure("every trade a step", "M trades/s"),
    ),
    measure=measure,
    bodies={
        "interpreted": RUN.interpreted,
        "every trade a step": lambda count: RUN.compiled(count, 0),
        "passing over quiet trades": lambda count: RUN.compiled(count, 1),
    },
    small=RUN.small,
    full=10_000_000,
    processes=3,
)
