"""The scaling plan of a desk's trade file: asked before every trade, and for the ticket while it is written.

The log of a plan belongs to the thread that opened it: the session's. What it last read stands here for the
threads that answer the browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lotwise.app.trade_config import TradeConfig
from lotwise.clock import Clock
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError, LotwiseError
from lotwise.records.plan import PlanLimits
from lotwise.session.pipeline import Pipeline

if TYPE_CHECKING:
    from lotwise.scaling.watch import PlanWatch


class DeskPlan:
    """What the plan allows; without a plan in the trade file nothing is bounded by one.

    Raises
    ------
    InputError
        PLAN-164 the plan counts in another coin than the contracts settle in: no desk begins. A plan that
        cannot be read is trouble instead: it opens nothing until it can.
    """

    def __init__(self, config: TradeConfig, clock: Clock) -> None:
        self.path, self.clock = config.plan, clock
        self.contracts: tuple[Contract, ...] = config.contracts
        self.where: Any = "live" if config.where == "live" else "paper"
        self._watch: PlanWatch | None = None
        self._limits: PlanLimits | None = None
        self._problem: LotwiseError = InputError(
            "WEB-121", "nothing is opened now: the plan was not read yet", "wait until the desk has begun"
        )
        self._check_coin()

    def _check_coin(self) -> None:
        from lotwise.scaling.config import load_plan
        from lotwise.scaling.watch import check_coin

        if self.path is None:
            return
        try:
            config = load_plan(self.path)
        except LotwiseError:
            return  # said as trouble when the session reads it
        check_coin(config, self.contracts)

    def at(self, now_ns: int) -> PlanLimits:
        """What is allowed, read now; in the session's thread.

        Raises
        ------
        InputError
            PLAN codes: it cannot be read, has not begun, or was begun anew in another coin.
        """
        from lotwise.scaling.watch import PlanWatch

        assert self.path is not None  # who has no plan does not ask
        try:
            if self._watch is None:
                self._watch = PlanWatch(self.path, self.clock, self.contracts)
            self._limits = self._watch.limits_at(now_ns)
        except LotwiseError as error:
            self._limits, self._problem = None, error
            raise
        return self._limits

    def known(self, now_ns: int) -> PlanLimits:
        """What was allowed when the session last read it; in any thread.

        Raises
        ------
        InputError
            WEB-121 it was not read yet; else why it could not be.
        """
        if self._limits is None:
            raise self._problem
        return self._limits

    def trouble(self, now_ns: int) -> str:
        """Read it in the session's thread; why it opens nothing here, or nothing."""
        if self.path is None:
            return ""
        try:
            limits = self.at(now_ns)
        except LotwiseError as error:
            return f"the plan opens nothing: {error.message} ({error.hint})"
        if limits.where != self.where:
            return f"the plan is in its phase {limits.phase}, on {limits.where}: it opens nothing here"
        return ""

    def pipeline(self, plain: Pipeline, is_rehearsal: bool = False) -> Pipeline:
        """The stages as they are, or with the plan asked before every trade."""
        if self.path is None:
            return plain
        from lotwise.scaling.obey import PlannedPipeline

        return PlannedPipeline(
            plain.broker,
            plain.rulebook,
            plain.risk8,
            plain.facts,
            plain.max_leverage100,
            limits=self.known if is_rehearsal else self.at,
            where=self.where,
        )

    def close(self) -> None:
        """Let go of it; in the session's thread."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
