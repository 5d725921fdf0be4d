"""A signal becomes an intent, a size, a judgement, an order: the stages in their order, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lotwise.broker.port import Broker, Market
from lotwise.contracts.contract import Contract
from lotwise.guard.case import Case, Scene
from lotwise.guard.facts import AccountFacts, MarketFacts, Rulebook
from lotwise.guard.judge import judge_open, refused_at_any_size, risk_room
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.codes import NO_STOP
from lotwise.kernel.layout import RATE
from lotwise.kernel.portfolio_rows import BAD_ENTRIES
from lotwise.records.guard import Open, Refused
from lotwise.records.order import AccountView, EntryLeg, Intent, Limits
from lotwise.records.signal import Signal
from lotwise.sizing.solve import Question, solve
from lotwise.units import Cash, Rate8, Ticks

ALL8: Final = Rate8(RATE)


@dataclass(frozen=True)
class Sent:
    """A trade that was opened."""

    lots: int
    risk_cash: Cash
    budget_cash: Cash


@dataclass(frozen=True)
class NotSized:
    """A trade of which no size fits, by the code of the rule (:mod:`lotwise.kernel.codes`)."""

    code: int
    budget_cash: Cash
    loss_cash: Cash
    """What the smallest order would lose."""


@dataclass(frozen=True)
class NotTaken:
    """A trade that the venue did not take."""

    code: int


Outcome = Sent | NotSized | NotTaken | Refused
Facts = Callable[[str, int], MarketFacts]
"""What is known of a contract's market at a time: (contract, ns) -> facts."""


class Pipeline:
    """Wires the stages for one account.

    Parameters
    ----------
    rulebook
        The guard's bounds at a time.
    facts
        What rules ask of the market beyond its last price and spread; by default nothing is known.
    risk8
        Share of the equity that a trade risks where its signal does not say.
    """

    def __init__(
        self,
        broker: Broker,
        rulebook: Callable[[int], Rulebook],
        risk8: Rate8,
        facts: Facts | None = None,
        max_leverage100: int = 10_000,
    ) -> None:
        self.broker, self.rulebook, self.risk8 = broker, rulebook, risk8
        self.facts, self.max_leverage100 = facts, max_leverage100

    def open(self, contract: Contract, signal: Signal, now_ns: int, seen_ns: int) -> Outcome:
        """Size, judge and send what a strategy wants; the account is flat in it."""
        broker, book = self.broker, self.rulebook(now_ns)
        market, account = broker.market(contract.id), broker.account(contract.id)
        unsound = unsound_code(signal, market)
        if unsound:
            return NotSized(unsound, Cash(0), Cash(0))
        intent = intent_of(contract, signal, market)
        facts = self.facts(contract.id, now_ns) if self.facts else MarketFacts(seen_ns=seen_ns)
        scene = Scene(contract, intent, account, facts, book, now_ns)
        room, _ = risk_room(scene)
        if room <= 0:
            refused = refused_at_any_size(scene)
            if refused is not None:
                return refused
        share8 = signal.risk8 or self.risk8
        budget = Cash(min(mul_div_floor(max(0, account.equity_cash), share8, RATE), max(0, room)))
        question = Question(contract, intent, view_of(account), self._limits(budget, market))
        order = solve(question)
        if order.lots == 0:
            loss = Case(scene, Open(order=order, signal=signal)).loss(order.smallest_lots)
            return NotSized(order.refusal, budget, loss)
        case = Case(scene, Open(order=order, signal=signal))
        judged = judge_open(case)
        if isinstance(judged, Refused):
            return judged
        answer = broker.open(judged, case.risk_cash, case.notional_cash)
        return Sent(order.lots, case.risk_cash, budget) if answer == 0 else NotTaken(answer)

    def _limits(self, budget: Cash, market: Market) -> Limits:
        return Limits(
            risk_cash=budget,
            leverage100=market.leverage100,
            max_leverage100=self.max_leverage100,
            margin_share8=ALL8,
            liquidation_multiple8=Rate8(150_000_000),
        )


def unsound_code(signal: Signal, market: Market) -> int:
    """Why a signal can be no trade here, or 0: its stop is on the wrong side, its entries out of order."""
    side = signal.side
    if signal.stop_ticks <= 0 or (market.last_ticks - signal.stop_ticks) * side <= 0:
        return NO_STOP
    prices = [entry.price_ticks for entry in signal.entries]
    rising = all((before - after) * side > 0 for before, after in pairwise(prices))
    beyond = all((price - signal.stop_ticks) * side > 0 for price in prices)
    return 0 if rising and beyond else BAD_ENTRIES


def view_of(account: AccountFacts) -> AccountView:
    """The account as sizing asks for it."""
    return AccountView(
        equity_cash=account.equity_cash,
        free_cash=account.free_cash,
        is_cross=account.cross_cash is not None,
        cross_cash=account.cross_cash or Cash(0),
    )


def intent_of(contract: Contract, signal: Signal, market: Market) -> Intent:
    """What a signal means at this market, with what a fill costs there.

    A market fill slips at the entry and at the stop. Entries that rest pay the maker fee; where the farthest
    would take at once, all count as taking.
    """
    side = signal.side
    touch = market.last_ticks + ((market.spread_ticks + 1) // 2 if side > 0 else -(market.spread_ticks // 2))
    rests = bool(signal.entries) and (touch - signal.entries[0].price_ticks) * side > 0
    if signal.entries:
        share = 0
        legs = []
        for entry in signal.entries:
            share += entry.share8
            legs.append(EntryLeg(entry.price_ticks, Rate8(share)))
    else:
        price = Ticks(max(1, market.last_ticks + side * market.slippage_ticks))
        legs = [EntryLeg(price, ALL8)]
    return Intent(
        contract_id=contract.id,
        side=side,
        entries=tuple(legs),
        stop_ticks=signal.stop_ticks,
        entry_takes=not rests,
        spread_ticks=market.spread_ticks,
        slippage_ticks=market.slippage_ticks,
        entry_fee8=market.maker_fee8 if rests else market.taker_fee8,
        exit_fee8=market.taker_fee8,
    )
