"""How a session obeys a plan: before each intent the plan's limits become bounds of the guard and the sizing.

The plan bounds a trade three ways: the money it may lose at its stop, its lots, its contract. Lots become
money too: what so many lots of that trade would lose. So sizing finds the plan's size by itself, and the
guard's rule *plan size* refuses what is larger, whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from lotwise.broker.port import Broker, Market
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.guard.case import Case, Scene
from lotwise.guard.facts import AccountFacts, MarketFacts, Rulebook
from lotwise.kernel.codes import OK
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.records.guard import Approved, Open
from lotwise.records.order import SizedOrder
from lotwise.records.plan import PlanLimits, Where
from lotwise.records.signal import Signal
from lotwise.session.pipeline import Facts, Outcome, Pipeline, intent_of, unsound_code
from lotwise.units import Cash, Lots, Rate8, cash_text

NO_CONTRACT: Final = "none: the guard and the plan have no contract in common"
LimitsAt = Callable[[int], PlanLimits]
"""What the plan allows at a time, in ns; it may raise where the plan cannot be read."""
LEVERAGE_100: Final = 100
"""1x: what a trade loses at its stop does not depend on its leverage."""


def planned_facts(account: AccountFacts, limits: PlanLimits, *, where: Where = "live") -> AccountFacts:
    """The account with what the plan lets one trade risk: 0 in a pause, or where the plan trades elsewhere.

    Parameters
    ----------
    where
        What the session's money is.

    Examples
    --------
    >>> from lotwise.kernel.limit_rows import UsageRow
    >>> account = AccountFacts(
    ...     equity_cash=Cash(9), free_cash=Cash(9), margin_cash=Cash(0), sequence=1, usage=UsageRow()
    ... )
    >>> limits = PlanLimits(
    ...     sequence=1, phase="paper", where="paper", capital_cash=Cash(9), risk_cash=Cash(5)
    ... )
    >>> planned_facts(account, limits).plan_risk_cash
    0
    >>> planned_facts(account, limits, where="paper").plan_risk_cash
    5
    """
    allowed = max(0, limits.risk_cash) if limits.where == where else 0
    if account.plan_risk_cash is not None:
        allowed = min(allowed, account.plan_risk_cash)
    return msgspec.structs.replace(account, plan_risk_cash=Cash(allowed))


def planned_book(book: Rulebook, limits: PlanLimits) -> Rulebook:
    """The guard's bounds with the plan's contracts: where both name some, those of both.

    Where they have none in common, a name that no contract has: an empty list would mean any.
    """
    if not limits.contracts:
        return book
    both = tuple(name for name in limits.contracts if not book.contracts or name in book.contracts)
    return msgspec.structs.replace(book, contracts=both or (NO_CONTRACT,))


def lots_risk_cash(
    contract: Contract, signal: Signal, market: Market, *, account: AccountFacts, lots: int
) -> Cash:
    """What so many lots of a trade lose at its stop, costs in: as the pipeline counts it."""
    intent, book = intent_of(contract, signal, market), Rulebook(allowed=AllowedRow())
    scene = Scene(contract, intent, account, MarketFacts(), book, 0)
    order = SizedOrder(
        intent=scene.intent,
        lots=Lots(lots),
        smallest_lots=Lots(1),
        binding=OK,
        refusal=OK,
        leverage100=LEVERAGE_100,
        budget_cash=Cash(0),
    )
    return Case(scene, Open(order=order, signal=signal)).risk_cash


class Planned:
    """A broker whose account knows the plan's limits; all else is the broker's own.

    Parameters
    ----------
    where
        What the broker's money is: ``paper`` or ``live``.
    """

    def __init__(self, broker: Broker, where: Where) -> None:
        self.broker, self.where = broker, where
        self.limits: PlanLimits | None = None
        """What is obeyed now; None: nothing may be opened."""
        self.signal: tuple[Contract, Signal] | None = None
        """The trade that is about to be sized, whose lots are bounded."""

    def account(self, contract_id: str) -> AccountFacts:
        """The account with what the plan lets one trade risk."""
        account = self.broker.account(contract_id)
        if self.limits is None:
            return msgspec.structs.replace(account, plan_risk_cash=Cash(0))
        account = planned_facts(account, self.limits, where=self.where)
        if not self.limits.lots or self.signal is None:
            return account
        contract, signal = self.signal
        market = self.broker.market(contract_id)
        if unsound_code(signal, market):
            return account  # no trade: the pipeline says why
        most = lots_risk_cash(contract, signal, market, account=account, lots=self.limits.lots)
        return msgspec.structs.replace(
            account, plan_risk_cash=Cash(min(most, account.plan_risk_cash or Cash(0)))
        )

    def market(self, contract_id: str) -> Market:
        """The contract's market and how the account trades it."""
        return self.broker.market(contract_id)

    def open(self, approved: Approved[Open], risk_cash: Cash, notional_cash: Cash) -> int:
        """Send an opening trade with its exits; 0, or the venue's code of why not.

        Raises
        ------
        InputError
            PLAN-162 more than the plan allows now: it has moved since the trade was sized.
        """
        limits, lots = self.limits, int(approved.command.order.lots)
        allowed = limits is not None and limits.where == self.where and risk_cash <= limits.risk_cash
        if limits is None or not allowed or lots > (limits.lots or lots):
            said = "nothing" if limits is None else f"{cash_text(limits.risk_cash)} in {limits.where}"
            bound = f" and {limits.lots} lots" if limits is not None and limits.lots else ""
            raise InputError(
                "PLAN-162",
                f"a {self.where} trade of {lots} lots that risks {cash_text(risk_cash)}; the plan allows"
                f" {said}{bound}",
                "size it again: lotwise plan show says what is allowed",
            )
        return self.broker.open(approved, risk_cash, notional_cash)

    def leave(self, contract_id: str) -> None:
        """Close what is held of a contract: no plan is asked."""
        self.broker.leave(contract_id)


class PlannedPipeline(Pipeline):
    """The stages for an account that obeys a plan: it is asked before every intent.

    Parameters
    ----------
    limits
        What the plan allows at a time, e.g. of :class:`lotwise.scaling.watch.PlanWatch`. Where it raises,
        nothing is opened.
    where
        What the broker's money is.
    """

    def __init__(
        self,
        broker: Broker,
        rulebook: Callable[[int], Rulebook],
        risk8: Rate8,
        facts: Facts | None = None,
        max_leverage100: int = 10_000,
        *,
        limits: LimitsAt,
        where: Where,
    ) -> None:
        self.planned, self.limits_at = Planned(broker, where), limits
        super().__init__(self.planned, rulebook, risk8, facts, max_leverage100)
        self.rulebook = self._book
        self._own = rulebook

    def _book(self, now_ns: int) -> Rulebook:
        book, limits = self._own(now_ns), self.planned.limits
        return book if limits is None else planned_book(book, limits)

    def open(self, contract: Contract, signal: Signal, now_ns: int, seen_ns: int) -> Outcome:
        """Size, judge and send what a strategy wants, as far as the plan allows it now.

        Raises
        ------
        InputError
            PLAN codes: the plan cannot be read, or has not begun. Nothing is opened then.
        """
        self.planned.limits = None
        self.planned.limits, self.planned.signal = self.limits_at(now_ns), (contract, signal)
        try:
            return super().open(contract, signal, now_ns, seen_ns)
        finally:
            self.planned.limits = self.planned.signal = None
