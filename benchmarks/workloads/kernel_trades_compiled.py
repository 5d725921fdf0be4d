"""Ten million trades of a market under brackets: entries, a stop, two targets, break-even."""

from __future__ import annotations

from typing import Any

from benchmarks import history
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel import sweep, tape
from lotwise.kernel.snapshot import compiled_body, state_hash

SMALL = 4_000
SIGNAL_EVERY = 500
STOP_SHARE8 = 400_000
"""0.4 %: near enough to be met between two signals."""


def given(count: int) -> tuple[Any, ...]:
    """What a run is called with; a fresh account each time."""
    trades, signals = history.market_trades(count, SIGNAL_EVERY)
    return (
        compiled_body(history.account()),
        trades,
        signals,
        history.one(history.setup(STOP_SHARE8)),
        tape.compiled_desk(history.desk()),
        history.round_trips(count // SIGNAL_EVERY),
    )


def results(count: int, skip: int) -> list[int]:
    """Every integer that comes out, of the small run first, which the interpreted rules confirm."""
    small = results_of(SMALL, skip) if count > SMALL else []
    return small + results_of(count, skip)


def results_of(count: int, skip: int) -> list[int]:
    """Every integer that comes out of one run: trips, the account, the trades."""
    arguments = given(count)
    trips = sweep.run_trades.compiled(*arguments, skip)
    named = int(state_hash(arguments[0])[:15], 16)
    return [int(trips), named, *(number for trade in arguments[5].tolist() for number in trade)]


def interpreted(count: int) -> list[int]:
    """The same as plain Python."""
    rows, signals = history.market_trades(count, SIGNAL_EVERY)
    account = history.account()
    trades = history.plain(tape.TradeRow, history.round_trips(count // SIGNAL_EVERY))
    trips = sweep.run_trades(
        account,
        history.plain(tape.MarketTradeRow, rows),
        signals.tolist(),
        [history.setup(STOP_SHARE8)],
        history.desk(),
        trades,
        0,
    )
    named = int(state_hash(account)[:15], 16)
    return [trips, named, *(number for trade in trades for number in trade.values())]


def measure(count: int) -> Outcome:
    """Millions of trades a second, passing over quiet ones and playing each."""
    compiling = seconds(lambda: results(50, 1))
    runs = [given(count) for _ in range(4)]  # the first round warms up
    skipping = least_seconds(lambda: sweep.run_trades.compiled(*runs.pop(), 1), 3)
    fewer = given(min(count, 1_000_000))
    playing = seconds(lambda: sweep.run_trades.compiled(*fewer, 0))
    return Outcome(
        figures={
            "passing over quiet trades": count / skipping / 1e6,
            "every trade a step": len(fewer[1]) / playing / 1e6,
        },
        results=results(count, 1),
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
        "interpreted": interpreted,
        "every trade a step": lambda count: results(count, 0),
        "passing over quiet trades": lambda count: results(count, 1),
    },
    small=SMALL,
    full=10_000_000,
    processes=3,
)
