"""Random open positions on every margin table of the catalogue, each made from its number alone."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from lotwise.contracts.contract import Contract
from lotwise.units import scaled_text
from tests.laws.cases import chance, seeded, spread_over, tabled
from tests.laws.judge import cap_of
from tests.reference import families, margin
from tests.reference.margin import Tier, trunc8

E8 = 10**8


class Leg(NamedTuple):
    """A position: prices in 1e-8 of the quote, off the tick as averages and marks are."""

    contract: Contract
    side: int
    lots: int
    entry8: int
    mark8: int

    @property
    def coins(self) -> Fraction:
        """Quantity in coins."""
        return self.lots * lot_coins(self.contract)

    @property
    def entry_notional(self) -> Fraction:
        """Worth at entry, cut to 1e-8."""
        return trunc8(self.coins * Fraction(self.entry8, E8))


class Account(NamedTuple):
    """A position, the money in its wallet in 1e-8, and the other positions of a cross account."""

    number: int
    held: Leg
    leverage: int | None
    wallet8: int
    others: tuple[Leg, ...]
    is_cross: bool


@cache
def lot_coins(contract: Contract) -> Fraction:
    """Coins of one lot."""
    return Fraction(contract.lot_size) * Fraction(contract.contract_size)


@cache
def table(contract: Contract) -> tuple[Tier, ...]:
    """The twin's tiers of a contract, built from caps and rates alone."""
    rows = [(cap_of(tier), Fraction(tier.maintenance_rate)) for tier in contract.tiers]
    return tuple(margin.tier_table(rows))


def leg(rng: random.Random, contract: Contract) -> Leg:
    """A position worth 10 USDT to three times the last cap of its table."""
    scales = contract.scales
    cap = contract.tier_rows[-1].cap_cash
    worth = spread_over(rng, 10 * E8, 3 * cap)
    unit, tick8 = scales.cash_per_tick_lot, scales.tick_size8
    ticks = spread_over(rng, 10, max(20, min(10_000_000, worth // unit)))
    entry8 = ticks * tick8 + (rng.randrange(tick8) if chance(rng, 70) else 0)
    counted = 10**12 * 10**16 // scales.per_lot16 - 1  # quantities are read up to 12 whole digits
    lots = max(1, min(worth // (unit * ticks), contract.exact_lots_at(2 * ticks + 2), counted))
    mark8 = entry8 if chance(rng, 20) else max(1, entry8 * rng.randint(6_000, 15_000) // 10_000)
    return Leg(contract, rng.choice([1, -1]), lots, entry8, mark8)


def account(number: int) -> Account:
    """Account number so-and-so; 654 in a row visit every table of the catalogue."""
    rng = seeded(number)
    tables = linear_tables()
    held = leg(rng, tables[number % len(tables)])
    notional8 = int(held.entry_notional * E8)
    others: tuple[Leg, ...] = ()
    leverage = None
    is_cross = chance(rng, 50)
    if is_cross:
        others = tuple(
            leg(rng, rng.choice(beside(held.contract.venue, held.contract.settle)))
            for _ in range(rng.randint(0, 3))
        )
        share = spread_over(rng, 1, 30_000)
        wallet8 = notional8 * share // 10_000
        if others and chance(rng, 60):  # enough for the others too
            wallet8 += sum(int(other.entry_notional * E8) for other in others) * rng.randint(1, 60) // 100
    elif chance(rng, 50):
        leverage = spread_over(rng, 1, most_leverage(held))
        wallet8 = int(trunc8(held.entry_notional / leverage) * E8)
    else:
        wallet8 = notional8 * spread_over(rng, 1, 15_000) // 10_000
    return Account(number, held, leverage, min(wallet8, 10**18), others, is_cross)


def others_of(drawn: Account) -> tuple[Fraction, Fraction]:
    """(maintenance margin, unrealised PnL) of the other positions, each cut to 1e-8 by the venue.

    The notional the margin is taken of is cut to 1e-8 first, as it is shown.
    """
    maintenance = pnl = Fraction(0)
    for other in drawn.others:
        mark = Fraction(other.mark8, E8)
        worth = trunc8(other.coins * mark)
        needed = families.maintenance_with_fee(table(other.contract), worth, taker_of(other.contract))
        maintenance += trunc8(needed)
        pnl += trunc8(margin.unrealised_pnl(other.side, other.coins, Fraction(other.entry8, E8), mark))
    return maintenance, pnl


def most_leverage(held: Leg) -> int:
    """The largest whole leverage of the tier the position opens in."""
    worth = held.entry_notional
    tier = next((tier for tier in held.contract.tiers if worth <= cap_of(tier)), None)
    return math.floor(Fraction((tier or held.contract.tiers[-1]).max_leverage))


@cache
def linear_tables() -> tuple[Contract, ...]:
    """Every linear contract of the catalogue whose margin table is known from 0 on."""
    return tuple(one for one in tabled() if not one.is_inverse and not one.tiers_start_cash)


@cache
def beside(venue: str, settle: str) -> tuple[Contract, ...]:
    """Contracts that share a cross margin: one venue and one coin."""
    return tuple(one for one in linear_tables() if (one.venue, one.settle) == (venue, settle))


@cache
def taker_of(contract: Contract) -> Fraction:
    """The taker fee where liquidation counts it."""
    counts = contract.liquidation_holds_closing_fee and contract.fees is not None
    return Fraction(contract.fees.taker) if counts and contract.fees else Fraction(0)


def price_text(price8: int) -> str:
    """A price in 1e-8 as text."""
    return scaled_text(price8)
