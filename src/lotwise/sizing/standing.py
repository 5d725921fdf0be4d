"""What stands behind a position, exactly: an inverse entry's worth is a fraction, kept as one.

The kernel's liquidation rules are homogeneous in money. Every amount is multiplied by the
fraction's denominator, the rule is called with whole numbers, and the price comes out exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from lotwise.contracts.contract import Contract
from lotwise.kernel.arith import OVERFLOW
from lotwise.kernel.layout import LONG, RATE, TierRow
from lotwise.kernel.margin import bankruptcy_fraction, liquidation_by, price8_ceil, price8_floor
from lotwise.kernel.worth import worth_side
from lotwise.units import Cash, Lots, Price8

Fraction4 = tuple[int, int, int, int]
"""(code, tier, numerator, denominator) as the kernel's liquidation rules return it."""


class Standing(NamedTuple):
    """A position and the money behind it, every amount times ``scale``."""

    contract: Contract
    side: int
    lots: Lots
    scale: int
    entered: Cash
    """Entry notional x ``scale``."""
    wallet: Cash
    """Money behind the position x ``scale``."""
    tiers: Sequence[TierRow]

    def liquidation(self, entry_based: bool) -> Fraction4:
        """The venue's liquidation rule; the numerator is times ``scale``."""
        return liquidation_by(
            int(entry_based),
            self.worth_side,
            self.tiers,
            entry_notional_cash=self.entered,
            wallet_cash=self.wallet,
        )

    def bankruptcy(self) -> Fraction4:
        """Where the money behind the position is gone; the numerator is times ``scale``."""
        return bankruptcy_fraction(self.worth_side, entry_notional_cash=self.entered, wallet_cash=self.wallet)

    @property
    def worth_side(self) -> int:
        """The side of the position's worth."""
        return worth_side(self.contract.spec_rows(), self.side)

    def price8(self, fraction: Fraction4) -> int | None:
        """Price of a fraction rounded toward the entry; ``None`` where no price does it."""
        _, _, numerator, denominator = fraction
        if numerator <= 0:
            return None
        rounded = price8_ceil if self.side == LONG else price8_floor
        lots = self.lots * self.scale  # the numerator is times the scale
        price8 = rounded(
            self.contract.spec_rows(),
            numerator,
            denominator,
            lots=Lots(lots),
            tick_size8=self.contract.scales.tick_size8,
        )
        return None if price8 == OVERFLOW else price8  # above 92 billion: no price a market reaches


def scaled_tiers(tiers: Sequence[TierRow], scale: int) -> Sequence[TierRow]:
    """The table with every amount times ``scale``."""
    if scale == 1:
        return tiers
    return [
        TierRow(
            cap_cash=tier.cap_cash * scale,
            cumulative_cash=tier.cumulative_cash * scale,
            maintenance_at_cap_cash=tier.maintenance_at_cap_cash * scale,
            max_leverage100=tier.max_leverage100,
            rate8=tier.rate8,
        )
        for tier in tiers
    ]


def inverse_entered(contract: Contract, fills: Sequence[tuple[Lots, Price8]]) -> tuple[int, Cash]:
    """(scale, exact worth x scale) of inverse fills: lots x value / price, over one denominator.

    The scale holds RATE, so that a rate times an amount is whole too.

    >>> own = Contract(symbol="X", base="BTC", quote="USD", tick_size="0.1", lot_size="1",
    ...                contract_size="100", kind="inverse_perpetual")
    >>> scale, worth = inverse_entered(own, [(Lots(3), Price8(6 * 10**12))])
    >>> worth // scale
    500000
    """
    value16 = contract.scales.per_lot16
    prices8 = prod(price8 for _, price8 in fills)
    worth = sum(lots * value16 * (prices8 // price8) for lots, price8 in fills)
    return prices8 * RATE, Cash(worth * RATE)
