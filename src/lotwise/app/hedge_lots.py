"""A hedge in whole lots: the exact one as a fraction, the lots below and nearest to it, ways to reach one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.feasibility import smallest_legal
from lotwise.kernel.layout import RATE, LegRow
from lotwise.kernel.worth import worth_floor
from lotwise.records.answers import Block, WayOut
from lotwise.records.hedge import HedgeChoice
from lotwise.sizing.listing import DOLLARS
from lotwise.sizing.words import money, order_text
from lotwise.units import Cash, Lots, Price8, Rate8, Ticks, cash_text, scaled_text

COINS16: Final = 10**16
"""Quantities count in 1e-16 of a coin, as ``Contract.scales.per_lot16``."""
MOST_CONTRACTS: Final = 3


@dataclass(frozen=True)
class Exposure:
    """What is hedged, in integers."""

    coins16: int
    price8: Price8
    beta8: Rate8
    """How far it moves when the hedge moves by one; 1e8 for the coin itself."""

    @property
    def worth_cash(self) -> Cash:
        """Worth of the holding, rounded down."""
        return Cash(self.coins16 * self.price8 // COINS16)


@dataclass(frozen=True)
class Short:
    """The contract that is shorted, its price, and the exact hedge."""

    contract: Contract
    price_ticks: Ticks
    exposure: Exposure

    @property
    def exact_lots(self) -> Fraction:
        """Lots whose worth is beta times the holding's."""
        held, scales = self.exposure, self.contract.scales
        price8 = self.price_ticks * scales.tick_size8
        return Fraction(held.coins16 * held.price8 * held.beta8, scales.per_lot16 * price8 * RATE)

    @property
    def lower(self) -> Lots:
        """The most lots that are not more than the exact hedge."""
        return Lots(self.exact_lots.numerator // self.exact_lots.denominator)

    @property
    def nearest(self) -> Lots:
        """The lots nearest to the exact hedge; of two equally near the fewer."""
        exact = self.exact_lots
        return Lots(-((exact.denominator - 2 * exact.numerator) // (2 * exact.denominator)))

    @property
    def smallest(self) -> Lots:
        """The smallest order that the venue takes at this price."""
        legs = [LegRow(cumulative_share8=RATE, price_ticks=self.price_ticks)]
        return smallest_legal(self.contract.spec_rows(self.price_ticks), legs)

    @property
    def largest(self) -> Lots:
        """The largest order that the venue takes and that can be counted."""
        return self.contract.max_lots_at(self.price_ticks)

    def takes(self, lots: Lots) -> bool:
        """Whether the venue takes an order of so many lots."""
        return self.smallest <= lots <= self.largest

    def worth_cash(self, lots: Lots) -> Cash:
        """Worth of lots at the price."""
        return worth_floor(self.contract.spec_rows(), self.price_ticks, lots)

    def choice(self, name: str, lots: Lots) -> HedgeChoice:
        """A number of lots, and what it leaves open."""
        contract, left = self.contract, self.exact_lots - lots
        lot_worth = worth_floor(contract.spec_rows(), self.price_ticks, Lots(1))
        open16 = _away(left * contract.scales.per_lot16 / 10**8) * 10**8
        return HedgeChoice(
            name=name,
            lots=lots,
            quantity=contract.quantity_text(lots),
            notional=cash_text(self.worth_cash(lots)),
            hedged_share=scaled_text(int(Fraction(lots) / self.exact_lots * 10**6), 6, 2),
            left_open=scaled_text(open16, 16),
            left_open_worth=cash_text(_away(left * lot_worth)),
            allowed=self.takes(lots),
        )


def _away(number: Fraction) -> int:
    """Rounded away from 0."""
    size = -(-abs(number.numerator) // number.denominator)
    return -size if number < 0 else size


def block_of(short: Short, lots: Lots) -> Block | None:
    """Why the venue does not take this hedge; ``None`` where it does."""
    contract, exact = short.contract, _coins(short)
    if lots > short.largest:
        most = order_text(contract, short.largest)
        text = f"the hedge is {order_text(contract, lots)}; the largest order is {most}"
        return Block(code="HEDGE-112", rule="largest_order", text=text)
    if lots >= short.smallest:
        return None
    least, worth = short.smallest, money(short.worth_cash(short.smallest), contract.settle)
    needed = f"the whole hedge is {exact} {contract.base}"
    if lots == 0:
        one = f"one lot is {order_text(contract, 1)}, {money(short.worth_cash(Lots(1)), contract.settle)}"
        least_said = f"; the smallest order is {order_text(contract, least)}, {worth}" if least > 1 else ""
        return Block(code="HEDGE-110", rule="one_lot", text=f"{needed}; {one}{least_said}")
    text = f"{needed}; the smallest order that {contract.id} takes is {order_text(contract, least)}, {worth}"
    return Block(code="HEDGE-111", rule="smallest_order", text=text)


def _coins(short: Short) -> str:
    """The exact hedge in coins, rounded down."""
    return scaled_text(int(short.exact_lots * short.contract.scales.per_lot16 / 10**8))


def ways_out(short: Short, same_coin: bool) -> Iterator[WayOut]:
    """What makes a hedge that is too small possible, each confirmed by asking again."""
    contract = short.contract
    if short.takes(short.nearest) and short.nearest > short.lower:
        over = short.choice("nearest", short.nearest)
        text = f"short the nearest lots, {order_text(contract, short.nearest)}:"
        text += f" {over.left_open.removeprefix('-')} {contract.base} more than the exact hedge"
        yield WayOut(kind="nearest", value="yes", text=text)
    least8 = _least_holding8(short)
    coin = f" {contract.base}" if same_coin else ""
    yield WayOut(
        kind="holding",
        value=scaled_text(least8),
        text=f"a holding of {scaled_text(least8)}{coin} or more fills the smallest order,"
        f" {order_text(contract, short.smallest)}",
    )
    for other in sorted(_others(short), key=lambda one: one.exact_lots - one.lower)[:MOST_CONTRACTS]:
        left = other.choice("lower", other.lower).left_open
        stays = "nothing" if left == "0" else f"{left} {other.contract.base}"
        text = f"{other.contract.id} takes less: short {order_text(other.contract, other.lower)}"
        yield WayOut(kind="contract", value=other.contract.id, text=f"{text}, {stays} stays open")


def _least_holding8(short: Short) -> int:
    """The smallest holding in 1e-8 coins whose hedge fills the smallest order."""
    held = short.exposure
    price8 = short.price_ticks * short.contract.scales.tick_size8
    top = short.smallest * short.contract.scales.per_lot16 * price8 * RATE
    return int(-(-top // (held.price8 * held.beta8 * 10**8)))


def _others(short: Short) -> Iterator[Short]:
    """Perpetuals of the same coin in which the hedge is a legal order."""
    own = short.contract
    price8 = short.price_ticks * own.scales.tick_size8
    for other in catalogue.same_coin(own.base):
        if other.id == own.id or other.is_inverse or other.is_dated or other.quote not in DOLLARS:
            continue
        try:
            ticks = Ticks(price8 // other.scales.tick_size8)
            moved = Short(other, ticks, short.exposure)
            if ticks > 0 and moved.takes(moved.lower):
                yield moved
        except InputError:
            continue
