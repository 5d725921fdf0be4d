"""A plan as a session watches it: asked before every intent, read again only when something was told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lotwise.clock import Clock
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.records.plan import PlanLimits, Transition
from lotwise.scaling.config import PlanConfig
from lotwise.scaling.keep import KeptPlan


def check_coin(config: PlanConfig, contracts: Sequence[Contract]) -> None:
    """A plan counts in one coin: trades that settle in another are never told to it, so it bounds none.

    Raises
    ------
    InputError
        PLAN-164 a contract settles in another coin than the plan counts in.
    """
    for contract in contracts:
        if contract.settle != config.coin:
            raise InputError(
                "PLAN-164",
                f"the plan {config.name} counts in {config.coin}, and {contract.id} settles in"
                f" {contract.settle}: it would see none of its trades",
                f'give these contracts a plan of their own, with coin = "{contract.settle}"',
            )


class PlanWatch:
    """What a plan allows, for a session that lives for days while others tell the plan.

    An ask reads one number of the log. What another process told since is told here too, event by event; a
    plan that was begun anew is opened anew. Use it in the thread that made it.

    Parameters
    ----------
    path
        The plan's TOML.
    contracts
        What the session trades: all must settle in the plan's coin.

    Raises
    ------
    InputError
        PLAN-164 as :func:`check_coin`; else as :class:`lotwise.scaling.keep.KeptPlan`.
    """

    def __init__(self, path: Path, clock: Clock, contracts: Sequence[Contract] = ()) -> None:
        self.path, self.clock, self.contracts = path, clock, tuple(contracts)
        self._kept = self._opened()

    def _opened(self) -> KeptPlan:
        kept = KeptPlan(self.path)
        try:
            check_coin(kept.plan.config, self.contracts)
        except InputError:
            kept.close()
            raise
        return kept

    def limits(self) -> PlanLimits:
        """What is allowed now.

        Raises
        ------
        InputError
            PLAN-113 the plan has not begun; PLAN-121 it was begun anew with another text than the file's;
            PLAN-122 its log cannot be read; PLAN-164 it was begun anew in another coin. A session opens
            nothing then.
        """
        return self.limits_at(int(self.clock.now_ns()))

    def limits_at(self, now_ns: int) -> PlanLimits:
        """What is allowed at a time, as :class:`lotwise.scaling.obey.PlannedPipeline` asks for it."""
        if self._kept.is_replaced():
            anew = self._opened()
            self._kept.close()
            self._kept = anew
        return self._kept.limits(now_ns)

    def transitions(self) -> list[Transition]:
        """What moved so far."""
        return self._kept.transitions()

    def close(self) -> None:
        """Let the log go."""
        self._kept.close()
