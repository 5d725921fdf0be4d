"""A strategy asked at every bar: a compiled rule, and a Python object, through the same compiled run."""

from __future__ import annotations

from typing import Any

from benchmarks import history
from benchmarks.strategies import Cross, cross
from benchmarks.timing import least_seconds, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.kernel import sweep, tape
from lotwise.kernel.snapshot import state_hash
from lotwise.strategy.play import Played, play

SMALL = 2_000


def ran(count: int, strategy: Any, **options: Any) -> Played:
    """A run as a user starts it."""
    bars = history.bars(count)
    return play(strategy, history.account(), bars, history.desk(), setup=history.setup(), **options)


def by_rule(count: int) -> Played:
    """The strategy as a rule."""
    return ran(count, cross, memory=(0, 0, 0))


def by_object(count: int) -> Played:
    """The strategy as a Python object."""
    return ran(count, Cross(history.bars(count)["close_ticks"].tolist()))


def integers(played: Played) -> list[int]:
    """Trips, account and trades."""
    named = int(state_hash(played.state)[:15], 16)
    return [played.trips, named, *(number for trade in played.trades.tolist() for number in trade)]


def results(count: int, run: Any) -> list[int]:
    """Every integer that comes out, of the small run first, which the interpreted rules confirm."""
    return (integers(run(SMALL)) if count > SMALL else []) + integers(run(count))


def interpreted(count: int) -> list[int]:
    """The same as plain Python, every bar a step."""
    account, rows = history.account(), history.plain(tape.BarRow, history.bars(count))
    seen = tape.Seen(account.account, account.markets, rows, [history.setup()], [0, 0, 0])
    trades = history.plain(tape.TradeRow, history.round_trips(count))
    trips = sweep.run_strategy(account, rows, cross, seen, history.desk(), trades, 0)
    named = int(state_hash(account)[:15], 16)
    return [trips, named, *(number for trade in trades[:trips] for number in trade.values())]


def measure(count: int) -> Outcome:
    """Millions of bars a second, each with its question to the strategy."""
    compiling = seconds(lambda: integers(by_rule(50)))
    integers(by_object(50))
    rule = least_seconds(lambda: by_rule(count), 3)
    asked = least_seconds(lambda: by_object(count), 3)
    found = results(count, by_rule)
    if results(count, by_object) != found:
        raise SystemExit("the Python object does not trade what the rule trades")
    return Outcome(
        figures={"a rule": count / rule / 1e6, "a Python object": count / asked / 1e6},
        results=found,
        compile_seconds=compiling,
    )


WORKLOAD = Workload(
    name="kernel_strategy_compiled",
    about="EMA cross worked out bar by bar by the strategy, all mechanics; one core",
    figures=(Figure("a rule", "M bars/s"), Figure("a Python object", "M bars/s", 1.5)),
    measure=measure,
    bodies={
        "interpreted": interpreted,
        "a Python object": lambda count: results(count, by_object),
        "a rule": lambda count: results(count, by_rule),
    },
    small=SMALL,
    full=1_000_000,
    processes=3,
)
