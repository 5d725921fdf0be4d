"""Which rules an order of so many lots breaks, decided with exact fractions and without the kernel.

Money is in the settle coin here (1 is one USDT). Losses come from ``tests.reference.sizing``,
liquidation from ``tests.reference.margin``; the rest is written down from the definitions. What
differs for inverse contracts is in :mod:`tests.laws.inverse_judge`, which hands out either judge.

* margin: order notional over leverage, cut to 1e-8; Bybit's with the fee of closing at the
  bankruptcy price. The entry fee and what each order would lose at the mark are set aside first.
* no leverage asked for: the lowest whole one whose margin fits the free money and the headroom.
* liquidation beyond the stop: its distance exceeds the multiple of the stop's, and that of the
  executed exit, strictly; for every number of legs filled from the farthest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lotwise.contracts.contract import Contract
from lotwise.contracts.tiers import MarginTier
from lotwise.kernel import codes
from lotwise.sizing.solve import Question
from tests.reference import margin
from tests.reference.margin import Tier, ceil8, floor8, trunc8
from tests.reference.sizing import ScaledPlan, StopPlan, Trade, rounded_loss_scaled, split_lots

E8 = 10**8
MAX_NOTIONAL = Fraction(2**59, E8)
"""The largest order the calculator takes on, whatever the venue allows."""
ENDLESS = Fraction(2**59 // E8)
"""Cap of a last tier that has none: the largest whole notional that is counted."""
ROUNDING = Fraction(2, E8)
"""How much nearer than exact the liquidation may be taken: both distances are rounded once."""


def part(value8: int) -> Fraction:
    """A whole number of 1e-8 as what it stands for."""
    return Fraction(value8, E8)


@dataclass(frozen=True)
class AtLiquidation:
    """A trade without a stop order: the isolated margin, at the executed entry, is what it loses."""

    trade: Trade
    leverage: Fraction

    def rounded_loss(self, lots: int) -> dict[str, Fraction]:
        """The parts of the loss and their total, as :meth:`StopPlan.rounded_loss`."""
        trade = self.trade
        notional = trade.entry_notional(lots)
        executed = trade.executed_entry_notional(lots)
        parts = {
            "price": trunc8(ceil8(executed) / self.leverage),
            "entry_fee": ceil8(executed * trade.entry_fee),
            "exit_fee": Fraction(0),
            "spread": Fraction(0),
            "slippage": Fraction(0),
            "funding": ceil8(notional * trade.funding_rate_total),
        }
        return parts | {"total": sum(parts.values(), Fraction(0))}


@lru_cache(maxsize=4096)
def _steps(contract: Contract) -> tuple[Fraction, Fraction]:
    """(tick size, coins of a lot)."""
    return Fraction(contract.tick_size), Fraction(contract.lot_size) * Fraction(contract.contract_size)


@lru_cache(maxsize=4096)
def table(contract: Contract) -> tuple[Tier, ...]:
    """The twin's tiers, built from the published caps and rates alone."""
    rows = [(cap_of(tier), Fraction(tier.maintenance_rate)) for tier in contract.tiers]
    return tuple(margin.tier_table(rows))


def cap_of(tier: MarginTier) -> Fraction:
    """The cap of a tier; one without a cap ends where counting does."""
    return ENDLESS if tier.notional_cap is None else Fraction(tier.notional_cap)


def fee_table(question: Question) -> tuple[Tier, ...]:
    """The twin's tiers, with the fee of closing where the venue adds it to the maintenance margin."""
    tiers = table(question.contract)
    if not question.contract.liquidation_holds_closing_fee:
        return tiers
    fee = part(question.intent.exit_fee8)
    return tuple(Tier(tier.floor, tier.cap, tier.rate + fee, tier.cumulative) for tier in tiers)


def trade_of(question: Question) -> Trade:
    """The twin's trade."""
    contract, intent = question.contract, question.intent
    tick, lot_coins = _steps(contract)
    before, legs = 0, []
    for leg in intent.entries:
        legs.append((leg.price_ticks * tick, part(leg.cumulative_share8 - before)))
        before = leg.cumulative_share8
    return Trade(
        direction=intent.side,
        legs=tuple(legs),
        tick_size=tick,
        lot_coins=lot_coins,
        spread=intent.spread_ticks * tick,
        entry_fee=part(intent.entry_fee8),
        exit_fee=part(intent.exit_fee8),
        entry_is_taker=intent.entry_takes,
        funding_rate_total=part(intent.funding8),
    )


def plan_of(question: Question) -> StopPlan | AtLiquidation:
    """The twin's trade with its stop."""
    intent, trade = question.intent, trade_of(question)
    if intent.stop_is_liquidation:
        return AtLiquidation(trade, Fraction(question.limits.leverage100, 100))
    return StopPlan(trade, intent.stop_ticks * trade.tick_size, intent.slippage_ticks * trade.tick_size)


def loss(plan: StopPlan | AtLiquidation, lots: int) -> Fraction:
    """What so many lots lose at the stop, each part rounded up to 1e-8."""
    return plan.rounded_loss(lots)["total"]


_money: dict[int, tuple[Contract, int, int]] = {}


def _money_of(contract: Contract) -> tuple[int, int]:
    """1e-8 of the coin per half tick and lot, as a fraction; kept by identity, which is quick to find."""
    found = _money.get(id(contract))
    if found is None:
        tick, lot_coins = _steps(contract)
        money = tick * lot_coins * E8 / 2
        found = _money[id(contract)] = (contract, money.numerator, money.denominator)
    return found[1:]


def scaled_plan_of(question: Question) -> ScaledPlan:
    """The twin's trade with its stop in whole numbers; not where the stop is the liquidation."""
    intent = question.intent
    above, below = _money_of(question.contract)
    return ScaledPlan(
        direction=intent.side,
        prices=tuple([2 * leg.price_ticks for leg in intent.entries]),
        reached=tuple([leg.cumulative_share8 for leg in intent.entries]),
        stop=2 * intent.stop_ticks,
        half_spread=intent.spread_ticks,
        slippage=2 * intent.slippage_ticks,
        entry_fee=intent.entry_fee8,
        exit_fee=intent.exit_fee8,
        funding=intent.funding8,
        entry_is_taker=intent.entry_takes,
        money_above=above,
        money_below=below,
    )


def loss8_of(question: Question) -> Callable[[int], int]:
    """The twin's loss of so many lots in whole units of 1e-8."""
    if question.intent.stop_is_liquidation:
        plan = plan_of(question)
        return lambda lots: int(loss(plan, lots) * E8)
    scaled = scaled_plan_of(question)
    return lambda lots: rounded_loss_scaled(scaled, lots)["total"]


def leg_problem(question: Question, trade: Trade, lots: int) -> bool:
    """Whether a leg of the ladder is too small for the venue, in lots or in money."""
    contract = question.contract
    smallest = contract.scales.min_lots
    least = Fraction(contract.min_notional or 0)
    if contract.is_inverse:  # a lot is worth the same in the quote at every price
        smallest, least = max(smallest, math.ceil(least / trade.lot_coins)), Fraction(0)
    counts = split_lots(lots, [share for _, share in trade.legs])
    return any(
        count < smallest or count * trade.lot_coins * price < least
        for count, (price, _) in zip(counts, trade.legs, strict=True)
    )


class Judge:
    """One question, its parts computed once."""

    def __init__(self, question: Question, plan: Any = None) -> None:
        self.question = question
        self.plan = plan or plan_of(question)
        self.trade = self.plan.trade
        self.budget = part(question.limits.risk_cash) or floor8(
            part(question.account.equity_cash) * part(question.limits.risk8)
        )
        self.worth_side = question.intent.side  # an inverse long stands on the other side in its worth
        self._notionals: dict[int, Fraction] = {}
        self.headroom = floor8(part(question.account.equity_cash) * part(question.limits.margin_share8))

    def broken(self, lots: int, slack: Fraction = Fraction(0)) -> set[int]:
        """Codes of the rules that so many lots break; legs are judged by :func:`leg_problem`."""
        found = set()
        if loss(self.plan, lots) > self.budget:
            found.add(codes.BUDGET)
        if lots > self._most_lots():
            found.add(codes.MAX_QUANTITY)
        notional = self.notional(lots)
        room = self.room(lots)
        leverage = self.leverage(lots, room)
        limits = self.question.limits
        if leverage is None:
            return found | {codes.MARGIN if room <= 0 else codes.HEADROOM, codes.PLAN_LEVERAGE}
        needed = self.margin(lots, leverage)
        if needed > room:
            found.add(codes.MARGIN)
        if needed > self.headroom:
            found.add(codes.HEADROOM)
        if leverage > Fraction(limits.max_leverage100, 100):
            found.add(codes.PLAN_LEVERAGE)
        if self._beyond_tier(notional, leverage):
            found.add(codes.TIER)
        if not self.question.intent.stop_is_liquidation and self.liquidated_first(lots, leverage, slack):
            found.add(codes.LIQUIDATION)
        return found

    def notional(self, lots: int) -> Fraction:
        """Worth of the orders, as margins and tiers count it."""
        return self.trade.entry_notional(lots)

    def entry_fee(self, lots: int) -> Fraction:
        """Fee of the entry on what it is executed at."""
        return ceil8(self.trade.executed_entry_notional(lots) * self.trade.entry_fee)

    def open_loss(self, coins: Fraction, price: Fraction, mark: Fraction) -> Fraction:
        """What an order loses at the mark."""
        return margin.open_loss(self.trade.direction, coins, price, mark)

    def _most_lots(self) -> int:
        intent = self.question.intent
        prices = [intent.stop_ticks, intent.mark_ticks2 // 2, *(leg.price_ticks for leg in intent.entries)]
        highest = (max(prices) + intent.slippage_ticks + intent.spread_ticks) * self.trade.tick_size
        return self._stated_within(
            math.floor(MAX_NOTIONAL / max(highest * self.trade.lot_coins, self._margin_of_a_lot()))
        )

    def _margin_of_a_lot(self) -> Fraction:
        """A listed future's margin can be worth more than the contract: it is counted in 64 bits too."""
        contract = self.question.contract
        return Fraction(contract.initial_margin_per_contract or 0) * Fraction(contract.lot_size)

    def _stated_within(self, most: int) -> int:
        contract = self.question.contract
        lot = Fraction(contract.lot_size)
        stated = [contract.max_quantity, contract.max_market_quantity]
        return min([most, *(math.floor(Fraction(text) / lot) for text in stated if text is not None)])

    def room(self, lots: int) -> Fraction:
        """Free money once the entry fee and the orders' losses at the mark are set aside."""
        intent, trade = self.question.intent, self.trade
        aside = self.entry_fee(lots)
        if intent.mark_ticks2:
            mark = Fraction(intent.mark_ticks2, 2) * trade.tick_size
            for (price, _), coins in zip(trade.legs, trade.leg_coins(lots), strict=True):
                aside += ceil8(self.open_loss(coins, price, mark))
        return part(self.question.account.free_cash) - aside

    def margin(self, lots: int, leverage: Fraction) -> Fraction:
        """Initial margin of the orders; of a listed future a sum per contract, if it is known."""
        contract = self.question.contract
        if contract.initial_margin_per_contract is not None:
            return lots * ceil8(Fraction(contract.initial_margin_per_contract) * Fraction(contract.lot_size))
        notional = self._notionals.get(lots)
        if notional is None:
            notional = self._notionals[lots] = self.notional(lots)
        needed = trunc8(notional / leverage)
        if contract.margin_holds_closing_fee:
            closing = ceil8(notional * (1 - self.worth_side / leverage))
            needed += ceil8(closing * self.trade.exit_fee)
        return needed

    def leverage(self, lots: int, room: Fraction) -> Fraction | None:
        """The leverage asked for, or the lowest whole one that fits; ``None`` up to the plan's most."""
        asked = self.question.limits.leverage100
        if asked or self.question.contract.initial_margin_per_contract is not None:
            return Fraction(asked or 100, 100)
        money = min(room, self.headroom)
        fits, too_low = self.question.limits.max_leverage100 // 100 + 1, 0
        if money <= 0 or self.margin(lots, Fraction(fits)) > money:
            return None
        while fits - too_low > 1:
            middle = (fits + too_low) // 2
            if self.margin(lots, Fraction(middle)) <= money:
                fits = middle
            else:
                too_low = middle
        return Fraction(fits)

    def _beyond_tier(self, notional: Fraction, leverage: Fraction) -> bool:
        contract = self.question.contract
        for tier in contract.tiers:
            if notional <= cap_of(tier):
                return leverage > Fraction(tier.max_leverage)
        return bool(contract.tiers)

    def wallet(self, lots: int, notional: Fraction, leverage: Fraction) -> Fraction:
        """Money behind a position out of ``lots``: isolated its margin, cross the account less the fee."""
        account = self.question.account
        if account.is_cross:
            return part(account.cross_cash) - self.entry_fee(lots)
        return trunc8(notional / leverage)

    def liquidation_price(self, coins: Fraction, notional: Fraction, wallet: Fraction) -> Fraction | None:
        """Where a position is liquidated; without tiers where it is bankrupt; ``None``: at no price."""
        contract, side = self.question.contract, self.trade.direction
        tiers = fee_table(self.question)
        if tiers and contract.maintenance_rule == "mark":
            return margin.liquidation_price(side, coins, notional / coins, wallet, tiers)
        kept = trunc8(margin.maintenance(tiers, notional)) if tiers else Fraction(0)
        price = (notional - side * (wallet - kept)) / coins
        return price if price > 0 else None

    def shown_liquidation(self, lots: int, leverage: Fraction) -> Fraction | None:
        """The liquidation price of the whole order, as the answer shows it."""
        notional = self.notional(lots)
        return self.liquidation_price(
            lots * self.trade.lot_coins, notional, self.wallet(lots, notional, leverage)
        )

    def liquidated_first(self, lots: int, leverage: Fraction, slack: Fraction) -> bool:
        """Whether the ladder, filled by any number of its legs from the farthest, is liquidated too near."""
        assert isinstance(self.plan, StopPlan)
        side = self.trade.direction
        multiple = part(self.question.limits.liquidation_multiple8)
        coins = notional = Fraction(0)
        for (price, _), filled in zip(self.trade.legs, self.trade.leg_coins(lots), strict=True):
            coins += filled
            notional += filled * price
            if not filled:
                continue
            found = self.liquidation_price(coins, notional, self.wallet(lots, notional, leverage))
            if found is None:
                if side < 0:
                    return True
                continue
            to_stop = multiple * side * (notional - self.plan.stop * coins)
            to_exit = side * (notional - self.plan.executed_exit * coins)
            if side * (notional - found * coins) <= max(to_stop, to_exit) + slack:
                return True
        return False
