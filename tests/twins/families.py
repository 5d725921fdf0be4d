"""Random positions on tables of their own, linear and inverse, each made from its number alone."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from lotwise import Contract, FeeSchedule, MarginTier, Position
from lotwise.units import scaled_text
from tests.laws.cases import chance, seeded, spread_over
from tests.reference import families, inverse, margin
from tests.reference.margin import Tier, ceil8, floor8, trunc8

E8 = 10**8
STEP = Fraction(1, E8)
CONTRACTS = 400
"""Contracts of a family: every position is on one of them."""
RATE_TENTHS = 10_000
"""Maintenance rates are whole ten-thousandths."""


class Held(NamedTuple):
    """A position: prices in 1e-8 of the quote, off the tick as averages and marks are."""

    contract: Contract
    side: int
    lots: int
    entry8: int
    mark8: int

    @property
    def size(self) -> Fraction:
        """Coins; of an inverse contract units of the quote."""
        return self.lots * Fraction(self.contract.lot_size) * Fraction(self.contract.contract_size)

    @property
    def entry(self) -> Fraction:
        """The exact entry; of a linear position that of its worth cut to 1e-8, as the venue keeps it."""
        entry = Fraction(self.entry8, E8)
        return entry if self.contract.is_inverse else trunc8(self.size * entry) / self.size

    @property
    def mark(self) -> Fraction:
        """The mark price."""
        return Fraction(self.mark8, E8)

    def worth(self, price: Fraction) -> Fraction:
        """Notional in the settle coin."""
        return self.size / price if self.contract.is_inverse else self.size * price

    @property
    def tiers(self) -> list[Tier]:
        """The twin's tiers, from caps and rates alone."""
        return list(table(self.contract))

    @property
    def taker(self) -> Fraction:
        """Taker fee, of a venue that adds it to the maintenance margin."""
        fees = self.contract.fees
        counts = fees is not None and self.contract.liquidation_holds_closing_fee
        return Fraction(str(fees.taker)) if fees is not None and counts else Fraction(0)

    @property
    def words(self) -> dict[str, Any]:
        """The position as ``lotwise.liquidation`` is asked of it."""
        return {
            "contract": self.contract,
            "side": "long" if self.side > 0 else "short",
            "quantity": self.contract.quantity_text(self.lots),
            "entry": scaled_text(self.entry8),
            "mark": scaled_text(self.mark8),
        }


class Account(NamedTuple):
    """A position and what stands behind it; ``leverage`` None: the wallet does."""

    number: int
    held: Held
    leverage: int | None
    wallet8: int
    extra8: int
    others: tuple[Held, ...]
    opposite: Held | None

    @property
    def is_cross(self) -> bool:
        """Cross, where there are others or another leg, or by the wallet's number."""
        return self.leverage is None and (bool(self.others) or self.wallet8 % 2 == 1)

    @property
    def words(self) -> dict[str, Any]:
        """The arguments of ``lotwise.liquidation``."""
        cross = self.is_cross or self.opposite is not None
        return self.held.words | {
            "leverage": None if self.leverage is None else str(self.leverage),
            "wallet": scaled_text(self.wallet8) if self.leverage is None else None,
            "extra_margin": scaled_text(self.extra8),
            "margin": "cross" if cross else "isolated",
            "others": [Position(**one.words) for one in self.others],
            "opposite": self.opposite
            and (self.held.contract.quantity_text(self.opposite.lots), scaled_text(self.opposite.entry8)),
        }

    def others_need(self) -> tuple[Fraction, Fraction]:
        """(maintenance margin, PnL) of the others, each cut to 1e-8 as the venue shows it."""
        needed = gained = Fraction(0)
        for one in self.others:
            worth = trunc8(one.worth(one.mark))
            needed += trunc8(families.maintenance_with_fee(one.tiers, worth, one.taker))
            entry = Fraction(one.entry8, E8)
            pnl = inverse.unrealised_pnl if one.contract.is_inverse else margin.unrealised_pnl
            gained += trunc8(pnl(one.side, one.size, entry, one.mark))
        return needed, gained


@cache
def table(contract: Contract) -> tuple[Tier, ...]:
    """The twin's tiers of a contract."""
    rows = [
        (Fraction(str(tier.notional_cap)), Fraction(str(tier.maintenance_rate))) for tier in contract.tiers
    ]
    return tuple(margin.tier_table(rows))


def random_tiers(rng: random.Random, unit8: int) -> tuple[MarginTier, ...]:
    """One to seven tiers with caps of a few hundred units, rates rising to 30 % at most."""
    count = rng.randint(1, 7)
    caps = [cap * unit8 for cap in sorted(rng.sample(range(1, 300), count))]
    rates = sorted(rng.sample(range(20, 3_000), count))
    rows, floor, before, cumulative = [], 0, 0, 0
    for cap, rate in zip(caps, rates, strict=True):
        cumulative += floor * (rate - before) // RATE_TENTHS
        texts = [scaled_text(value) for value in (floor, cap)]
        rows.append(MarginTier(texts[0], texts[1], "100", scaled_text(rate, 4), scaled_text(cumulative)))
        floor, before = cap, rate
    return tuple(rows)


@cache
def contract(kind: str, number: int, one_tier: bool, **facts: Any) -> Contract:
    """Contract number so-and-so of a kind, with a table in its settle coin."""
    rng = seeded(-1_000 - number)
    linear = kind.startswith("linear")
    tiers = random_tiers(rng, 10 ** (rng.randint(9, 13) if linear else rng.randint(6, 10)))
    taker = scaled_text(rng.randint(0, 20), 4)
    return Contract(
        symbol=f"{kind}{number}",
        base="COIN",
        quote="USDT" if linear else "USD",
        kind=kind,  # type: ignore[arg-type]
        venue="family",
        tick_size=rng.choice(["0.0001", "0.01", "0.1", "1"] if linear else ["0.01", "0.1", "0.5", "1"]),
        lot_size=rng.choice(["0.0001", "0.001", "1"]) if linear else "1",
        contract_size="1" if linear else rng.choice(["1", "10", "100"]),
        tiers=tiers[:1] if one_tier else tiers,
        fees=FeeSchedule("0", taker),
        **facts,
    )


def held(rng: random.Random, on: Contract) -> Held:
    """A position worth a hundredth of the first cap to three times the last one."""
    first, last = on.tier_rows[0].cap_cash, on.tier_rows[-1].cap_cash
    worth8 = spread_over(rng, max(1_000, first // 100), 3 * last)
    entry8 = spread_over(rng, 10, 10_000_000) * on.scales.tick_size8
    entry8 += rng.randrange(on.scales.tick_size8) if chance(rng, 70) else 0
    size16 = worth8 * entry8 if on.is_inverse else worth8 * E8**2 // entry8
    lots = max(1, size16 // on.scales.per_lot16)
    mark8 = entry8 if chance(rng, 20) else max(1, entry8 * rng.randint(6_000, 15_000) // 10_000)
    most = on.exact_lots_at(max(entry8, mark8) // on.scales.tick_size8 + 1)
    counted = 10**28 // on.scales.per_lot16 - 1  # quantities are read up to 12 whole digits
    return Held(on, rng.choice([1, -1]), min(lots, most, counted), entry8, mark8)


def drawn(number: int, on: Contract, beside: tuple[Contract, ...] = (), *, extra: bool = False) -> Account:
    """An account: isolated by leverage or wallet, or cross, where there are contracts beside."""
    rng = seeded(number)
    own = held(rng, on)
    worth8 = int(own.worth(own.entry) * E8)
    leverage, others = None, ()
    added8 = worth8 * spread_over(rng, 1, 15_000) // 10_000 if extra and chance(rng, 80) else 0
    if extra or chance(rng, 35):
        leverage = spread_over(rng, 1, 100)
    elif beside and chance(rng, 70):
        others = tuple(held(rng, rng.choice(beside)) for _ in range(rng.randint(1, 3)))
    wallet8 = worth8 * spread_over(rng, 1, 30_000) // 10_000
    if others and chance(rng, 60):  # enough for the others too
        wallet8 += sum(int(one.worth(one.entry) * E8) for one in others) * rng.randint(1, 60) // 100
    return Account(number, own, leverage, max(1, min(wallet8, 10**18)), added8, others, None)


def hedge(number: int, on: Contract, beside: tuple[Contract, ...]) -> Account:
    """Two legs of one contract on a cross wallet, of which the other one is 0.3 to 3 times the first."""
    rng = seeded(number)
    own = held(rng, on)
    lots = max(1, own.lots * (100 if chance(rng, 10) else rng.randint(30, 300)) // 100)
    entry8 = max(1, own.entry8 * rng.randint(8_000, 12_000) // 10_000)
    most = on.exact_lots_at(max(entry8, own.mark8) // on.scales.tick_size8 + 1)
    other = Held(on, -own.side, min(lots, most, 2**34), entry8, own.mark8)
    own = own._replace(lots=min(own.lots, 2**34))
    others = (held(rng, rng.choice(beside)),) if chance(rng, 25) else ()
    worth8 = int((own.worth(own.entry) + other.worth(other.entry)) * E8)
    wallet8 = worth8 * spread_over(rng, 1, 10_000) // 10_000
    wallet8 += sum(int(one.worth(one.entry) * E8) for one in others) * rng.randint(0, 60) // 100
    return Account(number, own, None, max(1, min(wallet8, 10**18)), 0, others, other)


def rounded(side: int, price: Fraction) -> Fraction:
    """Toward the entry: up for a long, down for a short."""
    return ceil8(price) if side > 0 else floor8(price)


def exact_margin(account: Account) -> Fraction:
    """What stands behind an isolated position by its leverage: a linear margin is cut to 1e-8."""
    held = account.held
    share = held.worth(held.entry) / (account.leverage or 1)
    return share if held.contract.is_inverse else trunc8(share)


def wallet(account: Account) -> Fraction:
    """The money in the wallet, the margin added by hand included."""
    if account.leverage is None:
        return Fraction(account.wallet8, E8)
    return exact_margin(account) + Fraction(account.extra8, E8)
