"""Plays strategies through the whole pipeline: every signal is sized, judged, and sent when approved.

The stages are those of paper and live trading. Where the guard's bounds are the kernel's limits alone, the
trades are those of :func:`lotwise.backtest.run.play_asked`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lotwise.backtest.adviser import Adviser
from lotwise.backtest.run import Plan, Played, play_adviser
from lotwise.broker.kernel import KernelBroker
from lotwise.contracts.contract import Contract
from lotwise.guard.facts import Rulebook
from lotwise.kernel.portfolio_rows import ACTED, CLOSE_HELD, NOTHING, Book
from lotwise.kernel.state import State
from lotwise.records.signal import Exit, Signal
from lotwise.session.pipeline import Facts, Outcome, Pipeline, Sent
from lotwise.strategy.api import Bar, Strategy


@dataclass(frozen=True)
class Judged:
    """A signal that came to nothing, and why."""

    row: int
    """Of the feed."""
    contract: int
    time_ns: int
    signal: int
    outcome: Outcome


class GuardedAdviser(Adviser):
    """Hands every signal to the pipeline and tells the run that it has acted."""

    def __init__(
        self,
        strategies: Sequence[Strategy],
        contracts: Sequence[Contract],
        feed: Any,
        book: Book,
        state: State,
        *,
        plan: Plan,
        rulebook: Callable[[int], Rulebook],
        facts: Facts | None,
    ) -> None:
        super().__init__(strategies, contracts, feed, book, state)
        self.broker = KernelBroker(state, book, contracts)
        self.pipeline = Pipeline(self.broker, rulebook, plan.risk8, facts)
        self.judged: list[Judged] = []

    def carried(self, answer: object, number: int, *, row: int, bar: Bar) -> int:
        """Carry an answer out through the pipeline."""
        if isinstance(answer, Exit):
            return CLOSE_HELD
        at = self.written(answer)
        assert isinstance(answer, Signal)  # written refuses anything else
        if at >= len(self._signals):
            return at + 1  # the run says that there is no room
        contract, held = self.contracts[number], self.held(number)
        self.broker.row, self.broker.signal, self.broker.now_ns = row, at, bar.time_ns
        if held * answer.side < 0:
            self.broker.leave(contract.id)
        if self.held(number) or self.guarded(number):
            return NOTHING if held * answer.side >= 0 else ACTED
        outcome = self.pipeline.open(contract, answer, bar.time_ns, seen_ns=bar.time_ns)
        if not isinstance(outcome, Sent):
            self.judged.append(Judged(row, number, bar.time_ns, at, outcome))
        return ACTED


def play_guarded(
    strategies: Sequence[Strategy],
    contracts: Sequence[Contract],
    feed: Any,
    plan: Plan,
    *,
    rulebook: Callable[[int], Rulebook],
    facts: Facts | None = None,
) -> tuple[Played, tuple[Judged, ...]]:
    """Play strategies through the pipeline; what came of it, and the signals that were not opened.

    Parameters
    ----------
    plan
        Its ``allowed`` must be the rulebook's: the kernel keeps count by it.
    rulebook
        The guard's bounds at a time, as :meth:`lotwise.guard.config.GuardConfig.rulebook_at`.
    facts
        What the guard's market rules ask for; a bound whose fact is unknown refuses.

    Raises
    ------
    InputError
        As :func:`lotwise.backtest.run.play_asked`.
    """
    made: list[GuardedAdviser] = []

    def advised(*given: Any) -> Adviser:
        made.append(GuardedAdviser(*given, plan=plan, rulebook=rulebook, facts=facts))
        return made[0]

    played = play_adviser(advised, strategies, contracts, feed=feed, plan=plan)
    return played, tuple(made[0].judged)
