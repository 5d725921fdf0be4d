"""The judge of an inverse trade, and of either kind: :func:`judge_of`, :func:`loss8_of`.

Money is the coin here. Losses come from ``tests.reference.inverse``, exact; what is added to them
is the rounding up of every part of every fill to 1e-8, which stays within :func:`slack_of`. The
worth of an order is cut to 1e-8 fill by fill where margins are taken of it, and rounded up, to half
of 1e-8 where it is executed, where fees are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from lotwise.sizing.solve import Question
from tests.laws import judge
from tests.laws.judge import E8, Judge, fee_table, part, trade_of
from tests.reference import inverse, margin, sizing
from tests.reference.inverse import InverseStopPlan
from tests.reference.margin import ceil8, floor8, trunc8
from tests.reference.sizing import Trade

PARTS = len(sizing.PARTS)


def slack_of(legs: int) -> Fraction:
    """The most that rounding up adds to a loss: six parts, price and spread once more for every leg."""
    return Fraction(PARTS + 2 * legs, E8)


def half_ceil(worth: Fraction) -> Fraction:
    """Rounded up to half of 1e-8."""
    return ceil8(2 * worth) / 2


@dataclass(frozen=True)
class InversePlan:
    """An inverse trade with or without a stop order, and the rounding of what it loses."""

    question: Question
    trade: Trade
    exact: InverseStopPlan | None
    """``None`` where the stop is the liquidation."""

    def fills(self, lots: int, *, executed: bool) -> list[Fraction]:
        """Exact coins of every leg, at its price or where it is filled."""
        trade = self.trade
        offset = trade.direction * trade.entry_offset if executed else 0
        return [
            usd / (price + offset) for (price, _), usd in zip(trade.legs, trade.leg_coins(lots), strict=True)
        ]

    def executed(self, lots: int) -> Fraction:
        """The executed entry, every fill rounded up."""
        return sum((half_ceil(worth) for worth in self.fills(lots, executed=True)), Fraction(0))

    def rounded_loss(self, lots: int) -> dict[str, Fraction]:
        """The parts of the loss, each fill's rounded up, and their total; held to the twin's exact one."""
        trade, intent = self.trade, self.question.intent
        ordered, taken = self.fills(lots, executed=False), self.fills(lots, executed=True)
        entered = sum((ceil8(worth) for worth in ordered), Fraction(0))
        entry_fee = ceil8(self.executed(lots) * trade.entry_fee)
        if self.exact is None:
            leverage = Fraction(self.question.limits.leverage100, 100)
            parts = {
                "price": trunc8(ceil8(self.executed(lots)) / leverage),
                "entry_fee": entry_fee,
                "funding": ceil8(entered * trade.funding_rate_total),
            }
            return parts | {"total": sum(parts.values(), Fraction(0))}
        side, usd, stop = trade.direction, lots * trade.lot_coins, self.exact.stop
        slipped, out = stop - side * self.exact.slippage, self.exact.executed_exit
        at_stop, moved = usd / stop, zip(ordered, taken, trade.leg_coins(lots), strict=True)
        spread = ceil8(side * (usd / out - usd / slipped))
        spread += sum((ceil8(side * (at - paid)) for at, paid, _ in moved), Fraction(0))
        legs = zip(ordered, trade.leg_coins(lots), strict=True)
        parts = {
            "price": sum((ceil8(side * (coins / stop - at)) for at, coins in legs), Fraction(0)),
            "entry_fee": entry_fee,
            "exit_fee": ceil8(half_ceil(usd / out) * trade.exit_fee),
            "spread": spread,
            "slippage": ceil8(side * (usd / slipped - at_stop)),
            "funding": ceil8(max(entered, ceil8(at_stop)) * trade.funding_rate_total),
        }
        total = sum(parts.values(), Fraction(0))
        exact = self.exact.exact_loss(lots)["total"]
        assert exact <= total <= exact + slack_of(len(trade.legs)), (
            f"{lots} lots ({intent.contract_id}): {total} is not {exact} rounded up"
        )
        return parts | {"total": total}


def plan_of(question: Question) -> InversePlan:
    """The inverse trade with its stop."""
    intent, trade = question.intent, trade_of(question)
    exact = None
    if not intent.stop_is_liquidation:
        stop = intent.stop_ticks * trade.tick_size
        exact = InverseStopPlan(trade, stop, intent.slippage_ticks * trade.tick_size)
    return InversePlan(question, trade, exact)


class InverseJudge(Judge):
    """One question about an inverse contract, its parts computed once."""

    plan: InversePlan

    def __init__(self, question: Question) -> None:
        super().__init__(question, plan_of(question))
        self.worth_side = -question.intent.side

    def notional(self, lots: int) -> Fraction:
        """Every fill's worth cut to 1e-8."""
        return sum((floor8(worth) for worth in self.plan.fills(lots, executed=False)), Fraction(0))

    def entry_fee(self, lots: int) -> Fraction:
        """Fee of every fill's executed worth, rounded up."""
        return ceil8(self.plan.executed(lots) * self.trade.entry_fee)

    def open_loss(self, coins: Fraction, price: Fraction, mark: Fraction) -> Fraction:
        """What an order of so many units of the quote loses at the mark, in the coin."""
        return inverse.open_loss(self.trade.direction, coins, price, mark)

    def _most_lots(self) -> int:
        trade = self.trade
        return self._stated_within(math.floor(judge.MAX_NOTIONAL / (trade.lot_coins / trade.tick_size)))

    def price_behind(self, usd: Fraction, worth: Fraction, wallet: Fraction) -> Fraction | None:
        """Where so much worth with so much money behind it is liquidated; ``None``: at no price."""
        contract, side = self.question.contract, self.trade.direction
        tiers = fee_table(self.question)
        if tiers and contract.maintenance_rule == "mark":
            found = inverse.liquidation_price(side, usd, usd / worth, wallet, tiers)
            return None if isinstance(found, str) else found
        kept = margin.maintenance(tiers, worth) if tiers else Fraction(0)
        closed = worth + side * (wallet - kept)
        return usd / closed if closed > 0 else None

    def shown_liquidation(self, lots: int, leverage: Fraction) -> Fraction | None:
        """Of the exact entry; isolated the exact margin stands behind it, not yet cut to a balance."""
        worth = sum(self.plan.fills(lots, executed=False), Fraction(0))
        account = self.question.account
        wallet = worth / leverage
        if account.is_cross:
            wallet = part(account.cross_cash) - self.entry_fee(lots)
        return self.price_behind(lots * self.trade.lot_coins, worth, wallet)

    def liquidated_first(self, lots: int, leverage: Fraction, slack: Fraction) -> bool:
        """As for a linear ladder, in prices: with ``slack`` wherever a rounding may make it so.

        The kernel rounds the entry's worth to the side of the nearer liquidation, a leg at a time,
        the margin down, and the average entry and the bound against the trader.
        """
        assert self.plan.exact is not None
        side, exact = self.trade.direction, self.plan.exact
        multiple = part(self.question.limits.liquidation_multiple8)
        usd = worth = Fraction(0)
        step = Fraction(1, E8) if slack else Fraction(0)
        fills = zip(self.plan.fills(lots, executed=False), self.trade.leg_coins(lots), strict=True)
        for number, (coins, filled) in enumerate(fills, 1):
            usd += filled
            worth += coins
            if not filled:
                continue
            wallet = worth / leverage - number * step
            if self.question.account.is_cross:
                wallet = part(self.question.account.cross_cash) - self.entry_fee(lots)
            entered = worth - side * number * step
            average = usd / entered + side * (multiple + 1) * step * self.trade.tick_size
            bound = average - multiple * (average - exact.stop)
            tightest = min(bound, exact.executed_exit) if side > 0 else max(bound, exact.executed_exit)
            if tightest <= 0:
                return True
            found = self.price_behind(usd, entered, wallet - 2 * step)
            if found is None:
                if side > 0:
                    return True
                continue
            beyond = usd / found - usd / tightest  # in worth: a long's liquidation is worth more
            if side * beyond <= 3 * step:
                return True
        return False


# -- either kind -------------------------------------------------------------------------------------


def judge_of(question: Question) -> Judge:
    """The judge of the question's kind of contract."""
    return InverseJudge(question) if question.contract.is_inverse else Judge(question)


def loss8_of(question: Question) -> Callable[[int], int]:
    """The twin's loss of so many lots in whole units of 1e-8."""
    if not question.contract.is_inverse:
        return judge.loss8_of(question)
    plan = plan_of(question)
    return lambda lots: int(plan.rounded_loss(lots)["total"] * E8)


def net_of(question: Question) -> Callable[[int, Fraction], Fraction]:
    """What closing so many lots at a price leaves, exact."""
    trade = trade_of(question)
    if not question.contract.is_inverse:
        return lambda lots, price: sizing.net_at_close(trade, lots, price)
    plan = stopless(trade)
    return lambda lots, price: inverse.net_at_close(plan, lots, price)


def stopless(trade: Trade) -> InverseStopPlan:
    """The twin's plan of a trade whose stop is of no account: at the nearest entry."""
    prices = [price for price, _ in trade.legs]
    return InverseStopPlan(trade, min(prices) if trade.direction > 0 else max(prices), Fraction(0))
