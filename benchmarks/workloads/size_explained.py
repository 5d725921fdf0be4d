"""``lotwise.size`` whole: text in, the rules, and an answer in text with its reasons."""

from __future__ import annotations

from collections.abc import Callable

import lotwise
from benchmarks.answers import integers_of
from benchmarks.timing import least_per_call
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.records.answers import SizePlan


def _feasible() -> SizePlan:
    return lotwise.size("binance:BTCUSDT", side="long", entry="65000", stop="2%", equity="1000", risk="1%")


def _infeasible() -> SizePlan:
    return lotwise.size("binance:BTCUSDT", side="long", entry="65000", stop="2%", equity="200", risk="1%")


def _ladder() -> SizePlan:
    return lotwise.size(
        "binance:ETHUSDT",
        side="short",
        entry=[("3500", "30%"), ("3520", "40%"), ("3540", "30%")],
        stop="3605",
        equity="5000",
        risk="1%",
        spread="1t",
        slippage="2bp",
        funding_rate="0.01%",
        funding_interval_hours=8,
        hold_hours="24",
        targets=["1R:50%", "2R:50%"],
        leverage="5",
    )


TRADES: dict[str, Callable[[], SizePlan]] = {
    "feasible": _feasible,
    "infeasible, with ways out": _infeasible,
    "ladder, costs, targets": _ladder,
}


def answers(size: int) -> list[int]:
    """The figures of every answer; the size does not matter to them."""
    return [number for trade in TRADES.values() for number in integers_of(trade().as_dict())]


def measure(calls: int) -> Outcome:
    """Microseconds a call."""
    return Outcome(
        figures={name: least_per_call(trade, calls, 15) * 1e6 for name, trade in TRADES.items()},
        results=answers(calls),
    )


WORKLOAD = Workload(
    name="size_explained",
    about="lotwise.size, from text to the whole answer with its reasons",
    figures=(
        Figure("feasible", "us", 300),
        Figure("infeasible, with ways out", "us"),
        Figure("ladder, costs, targets", "us"),
    ),
    measure=measure,
    bodies={"interpreted": answers},
    small=5,
    full=100,
)
