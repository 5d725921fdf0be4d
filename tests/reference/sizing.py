"""The loss at the stop with every cost, and the largest number of lots that fits a budget: exact and slow.

The definitions are lotwise's own (linear contracts, money in the quote coin):

* ``coins = lots * lot_size * contract_size``; a ladder gives each leg whole lots by cumulative shares.
* A taker entry is filled half a spread worse than its price; a maker entry at its price.
* The stop is a taker: it is filled half a spread and the slippage allowance worse than the stop price.
* Fees are taken of the *executed* notionals; funding of the larger of entry and closing notional.
* A loss that is shown is rounded up, part by part, to 1e-8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from .margin import Number, Side, ceil8, exact, sign

Leg = tuple[Number, Number]
"""(price, share): the limit or expected price of one entry, and its share of the position."""

PARTS = ("price", "entry_fee", "exit_fee", "spread", "slippage", "funding")
_DOUBLINGS_MAX = 200
_ONE_E8 = 10**8


@dataclass(frozen=True)
class Trade:
    """A planned trade before its size is known; every field exact and checked once."""

    direction: int
    legs: tuple[tuple[Fraction, Fraction], ...]
    tick_size: Fraction
    lot_coins: Fraction
    spread: Fraction
    entry_fee: Fraction
    exit_fee: Fraction
    entry_is_taker: bool
    funding_rate_total: Fraction

    def __post_init__(self) -> None:
        """Refuse legs that do not add up or are off the tick, and costs below zero."""
        if not self.legs or sum(share for _, share in self.legs) != 1:
            raise ValueError("the shares of the legs must add up to exactly 1")
        if min(share for _, share in self.legs) < 0:
            raise ValueError("a share is below zero")
        if self.tick_size <= 0 or self.lot_coins <= 0:
            raise ValueError("tick size, lot size and contract size must be above zero")
        for price, _ in self.legs:
            on_tick(price, self.tick_size)
        if min(self.spread, self.entry_fee, self.exit_fee, self.funding_rate_total) < 0:
            raise ValueError("a cost is below zero; funding is counted only when this side pays")

    @property
    def entry_offset(self) -> Fraction:
        """How much worse than its price a leg is filled: half a spread for a taker, nothing for a maker."""
        return self.spread / 2 if self.entry_is_taker else Fraction(0)

    def leg_coins(self, lots: int) -> list[Fraction]:
        """Return the coins of every leg."""
        return [count * self.lot_coins for count in split_lots(lots, [share for _, share in self.legs])]

    def entry_notional(self, lots: int) -> Fraction:
        """Return the notional at the legs' prices, before any spread."""
        return sum((price * coins for (price, _), coins in self._filled(lots)), Fraction(0))

    def executed_entry_notional(self, lots: int) -> Fraction:
        """Return what is really paid (long) or received (short) at entry."""
        offset = self.direction * self.entry_offset
        return sum(((price + offset) * coins for (price, _), coins in self._filled(lots)), Fraction(0))

    def funding(self, lots: int, close: Fraction) -> Fraction:
        """Return the funding over the hold, of the larger of the notional at entry and at `close`."""
        closing_notional = close * lots * self.lot_coins
        return self.funding_rate_total * max(self.entry_notional(lots), closing_notional)

    def _filled(self, lots: int) -> zip[tuple[tuple[Fraction, Fraction], Fraction]]:
        return zip(self.legs, self.leg_coins(lots), strict=True)


def on_tick(price: Fraction, tick_size: Fraction) -> None:
    """Raise ValueError when a price is not above zero or not a whole number of ticks."""
    if price <= 0 or (price / tick_size).denominator != 1:
        raise ValueError(f"price {price} is not a whole number of ticks of {tick_size} above zero")


def split_lots(lots: int, shares: Sequence[Number]) -> list[int]:
    """Split whole lots: ``cum_i = floor(lots * (share_1 + .. + share_i))``, the last takes the rest."""
    if lots < 0:
        raise ValueError(f"lots {lots} is negative")
    reached, taken, parts = Fraction(0), 0, []
    for number, share in enumerate(shares, start=1):
        reached += exact(share)
        cumulative = lots if number == len(shares) else math.floor(lots * reached)
        parts.append(cumulative - taken)
        taken = cumulative
    return parts


def planned_trade(
    side: Side,
    legs: Sequence[Leg],
    steps: tuple[Number, Number, Number],
    costs: tuple[Number, Number, Number, Number],
    entry_is_taker: bool,
) -> Trade:
    """Return the checked form: (tick, lot, contract) steps; (spread, entry fee, exit fee, funding) costs."""
    tick_size, lot_size, contract_size = (exact(step) for step in steps)
    spread, entry_fee, exit_fee, funding_rate_total = (exact(cost) for cost in costs)
    return Trade(
        direction=sign(side),
        legs=tuple((exact(price), exact(share)) for price, share in legs),
        tick_size=tick_size,
        lot_coins=lot_size * contract_size,
        spread=spread,
        entry_fee=entry_fee,
        exit_fee=exit_fee,
        entry_is_taker=entry_is_taker,
        funding_rate_total=funding_rate_total,
    )


# --- the loss at the stop -------------------------------------------------------------------------


@dataclass(frozen=True)
class StopPlan:
    """A trade with its stop and the slippage allowed there."""

    trade: Trade
    stop: Fraction
    slippage: Fraction

    def __post_init__(self) -> None:
        """Refuse a stop off the tick or on the winning side of a leg, and an exit at or below zero."""
        on_tick(self.stop, self.trade.tick_size)
        if self.slippage < 0:
            raise ValueError(f"slippage {self.slippage} is below zero")
        if any(self.trade.direction * (price - self.stop) < 0 for price, _ in self.trade.legs):
            raise ValueError(f"stop {self.stop} is on the winning side of an entry")
        if self.executed_exit <= 0:
            raise ValueError(
                f"spread {self.trade.spread} and slippage {self.slippage} leave no exit price above zero"
            )

    @property
    def executed_exit(self) -> Fraction:
        """Where the stop is filled: half a spread and the slippage worse than the stop price."""
        return self.stop - self.trade.direction * (self.trade.spread / 2 + self.slippage)

    def exact_loss(self, lots: int) -> dict[str, Fraction]:
        """Return the parts of the loss and their total, nothing rounded."""
        trade, coins = self.trade, lots * self.trade.lot_coins
        parts = {
            "price": trade.direction * (trade.entry_notional(lots) - self.stop * coins),
            "entry_fee": trade.executed_entry_notional(lots) * trade.entry_fee,
            "exit_fee": self.executed_exit * coins * trade.exit_fee,
            "spread": (trade.entry_offset + trade.spread / 2) * coins,
            "slippage": self.slippage * coins,
            "funding": trade.funding(lots, self.stop),
        }
        return parts | {"total": sum(parts.values(), Fraction(0))}

    def rounded_loss(self, lots: int) -> dict[str, Fraction]:
        """Return the parts, each rounded up to 1e-8, and the total of the rounded parts."""
        parts = self.exact_loss(lots)
        rounded = {name: ceil8(parts[name]) for name in PARTS}
        return rounded | {"total": sum(rounded.values(), Fraction(0))}

    def fits(self, lots: int, budget: Fraction) -> bool:
        """Tell whether the rounded total is within the budget."""
        return self.rounded_loss(lots)["total"] <= budget


@dataclass(frozen=True)
class ScaledPlan:
    """A :class:`StopPlan` in whole numbers: prices in half ticks, rates and shares in 1e-8.

    Money comes as ``money_above / money_below`` units of 1e-8 per half tick and lot. Written from
    the definitions above for the many cases of a proof; tests hold it equal to `rounded_loss`.
    """

    direction: int
    prices: tuple[int, ...]
    reached: tuple[int, ...]
    stop: int
    half_spread: int
    slippage: int
    entry_fee: int
    exit_fee: int
    funding: int
    entry_is_taker: bool
    money_above: int
    money_below: int


def rounded_loss_scaled(plan: ScaledPlan, lots: int) -> dict[str, int]:
    """Return the parts of `StopPlan.rounded_loss` and their total, in whole units of 1e-8."""
    taken = ordered = 0
    for price, reached in zip(plan.prices, plan.reached, strict=True):
        through = lots * reached // _ONE_E8
        ordered += price * (through - taken)
        taken = through
    offset = plan.half_spread if plan.entry_is_taker else 0
    beyond = plan.half_spread + plan.slippage
    paid = ordered + plan.direction * offset * lots
    closed = (plan.stop - plan.direction * beyond) * lots
    above, below = plan.money_above, plan.money_below
    charged = below * _ONE_E8
    parts = {
        "price": -(-plan.direction * (ordered - plan.stop * lots) * above // below),
        "entry_fee": -(-paid * above * plan.entry_fee // charged),
        "exit_fee": -(-closed * above * plan.exit_fee // charged),
        "spread": -(-(offset + plan.half_spread) * lots * above // below),
        "slippage": -(-plan.slippage * lots * above // below),
        "funding": -(-max(ordered, plan.stop * lots) * above * plan.funding // charged),
    }
    parts["total"] = sum(parts.values())
    return parts


def loss_at_stop(
    side: Side,
    legs: Sequence[Leg],
    lots: int,
    tick_size: Number,
    lot_size: Number,
    contract_size: Number,
    stop: Number,
    spread: Number = 0,
    slippage: Number = 0,
    entry_fee: Number = 0,
    exit_fee: Number = 0,
    entry_is_taker: bool = True,
    funding_rate_total: Number = 0,
) -> dict[str, Fraction]:
    """Return what `lots` lose at the stop: the `PARTS` and their ``total``, exact, nothing rounded.

    Prices, spread and slippage are in the quote coin per base coin; fees and funding are rates: 0.0005 is
    0.05 %.  Legs are split in the order given.
    """
    steps = (tick_size, lot_size, contract_size)
    costs = (spread, entry_fee, exit_fee, funding_rate_total)
    trade = planned_trade(side, legs, steps, costs, entry_is_taker)
    return StopPlan(trade, exact(stop), exact(slippage)).exact_loss(lots)


def rounded_loss(
    side: Side,
    legs: Sequence[Leg],
    lots: int,
    tick_size: Number,
    lot_size: Number,
    contract_size: Number,
    stop: Number,
    spread: Number = 0,
    slippage: Number = 0,
    entry_fee: Number = 0,
    exit_fee: Number = 0,
    entry_is_taker: bool = True,
    funding_rate_total: Number = 0,
) -> dict[str, Fraction]:
    """Return `loss_at_stop` with each part rounded up to 1e-8; the total is the sum of the rounded parts."""
    steps = (tick_size, lot_size, contract_size)
    costs = (spread, entry_fee, exit_fee, funding_rate_total)
    trade = planned_trade(side, legs, steps, costs, entry_is_taker)
    return StopPlan(trade, exact(stop), exact(slippage)).rounded_loss(lots)


# --- the largest size -----------------------------------------------------------------------------


def _check_searchable(plan: StopPlan) -> None:
    """Refuse a trade that risks nothing, and ladders that go to and fro.

    With floors of cumulative shares, one lot more can take a lot from a middle leg.  When the prices only
    rise or only fall the total still grows with every lot; when they zigzag it may not, and "the largest
    that fits" has no meaning.
    """
    prices = [price for price, _ in plan.trade.legs]
    falling = all(left >= right for left, right in pairwise(prices))
    rising = all(left <= right for left, right in pairwise(prices))
    if not (falling or rising):
        raise ValueError("list the legs from one end of the ladder to the other")
    if plan.fits(10**9, Fraction(0)):
        raise ValueError("nothing is lost at the stop, so every number of lots fits")


def largest_lots(
    budget: Number,
    side: Side,
    legs: Sequence[Leg],
    tick_size: Number,
    lot_size: Number,
    contract_size: Number,
    stop: Number,
    spread: Number = 0,
    slippage: Number = 0,
    entry_fee: Number = 0,
    exit_fee: Number = 0,
    entry_is_taker: bool = True,
    funding_rate_total: Number = 0,
) -> int:
    """Return the largest whole number of lots whose rounded loss is within the budget; 0 if one is too much.

    Doubling until it no longer fits, then bisection on the total, which grows with the lots.
    """
    steps = (tick_size, lot_size, contract_size)
    costs = (spread, entry_fee, exit_fee, funding_rate_total)
    trade = planned_trade(side, legs, steps, costs, entry_is_taker)
    plan, money = StopPlan(trade, exact(stop), exact(slippage)), exact(budget)
    _check_searchable(plan)
    fits, too_many = 0, 1
    while plan.fits(too_many, money):
        fits, too_many = too_many, 2 * too_many
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if plan.fits(middle, money) else (fits, middle)
    return fits


def brute_largest_lots(
    budget: Number,
    side: Side,
    legs: Sequence[Leg],
    tick_size: Number,
    lot_size: Number,
    contract_size: Number,
    stop: Number,
    spread: Number = 0,
    slippage: Number = 0,
    entry_fee: Number = 0,
    exit_fee: Number = 0,
    entry_is_taker: bool = True,
    funding_rate_total: Number = 0,
) -> int:
    """Return `largest_lots` by counting up one lot at a time, for small answers."""
    steps = (tick_size, lot_size, contract_size)
    costs = (spread, entry_fee, exit_fee, funding_rate_total)
    trade = planned_trade(side, legs, steps, costs, entry_is_taker)
    plan, money = StopPlan(trade, exact(stop), exact(slippage)), exact(budget)
    _check_searchable(plan)
    lots = 0
    while plan.fits(lots + 1, money):
        lots += 1
    return lots


# --- break-even -----------------------------------------------------------------------------------


def net_at_close(trade: Trade, lots: int, close: Fraction) -> Fraction:
    """Return what closing everything as a taker at `close` leaves: PnL less fees, spreads and funding."""
    executed_close = (close - trade.direction * trade.spread / 2) * lots * trade.lot_coins
    paid = trade.executed_entry_notional(lots)
    fees = paid * trade.entry_fee + executed_close * trade.exit_fee
    return trade.direction * (executed_close - paid) - fees - trade.funding(lots, close)


def _last_true(holds: Callable[[int], bool], start: int) -> int | None:
    """Return the last whole number >= `start` up to which `holds` stays true; it is true at `start`."""
    step = 1
    while holds(start + step):
        step *= 2
        if step > 2**_DOUBLINGS_MAX:
            return None
    good, bad = start + step // 2 if step > 1 else start, start + step
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good


def break_even(
    side: Side,
    legs: Sequence[Leg],
    lots: int,
    tick_size: Number,
    lot_size: Number,
    contract_size: Number,
    spread: Number = 0,
    entry_fee: Number = 0,
    exit_fee: Number = 0,
    entry_is_taker: bool = True,
    funding_rate_total: Number = 0,
) -> Fraction | None:
    """Return the first tick, on the winning way from the entry, at which closing leaves net >= 0; or None.

    Closing is a taker half a spread worse than the tick.  Net is after entry fee, exit fee, both spreads
    and funding, all exact.  None: no price above zero pays the costs.  The tick before the answer is
    checked to lose.
    """
    steps = (tick_size, lot_size, contract_size)
    costs = (spread, entry_fee, exit_fee, funding_rate_total)
    trade = planned_trade(side, legs, steps, costs, entry_is_taker)
    if lots <= 0:
        raise ValueError(f"lots {lots} must be above zero")

    def pays(tick: int) -> bool:
        return net_at_close(trade, lots, tick * trade.tick_size) >= 0

    if trade.direction == 1:
        before = _last_true(lambda tick: not pays(tick), 0)
        answer = None if before is None else before + 1
    else:
        answer = _last_true(pays, 1) if pays(1) else None
    if answer is None:
        return None
    around = [answer + trade.direction * step for step in (-2, -1, 0, 1, 2)]
    paying = [pays(tick) for tick in around if tick > 0]
    if paying != sorted(paying):
        raise AssertionError("net is not monotone around the break-even tick")
    return answer * trade.tick_size
