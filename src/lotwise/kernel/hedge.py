"""Hedge mode: a long and a short of one contract on one cross wallet, liquidated together.

With x the worth of one lot, a and b the lots of the leg that gains and of the leg that loses when
x rises, Na and Nb their entry notionals, and each leg in the maintenance tier of its own notional::

    W + (a x - Na) - (b x - Nb) = (a x m_a - c_a) + (b x m_b - c_b)

The left side minus the right one is concave in x, so the account stands between at most two
worths, and both are liquidation prices: one where the heavier leg has lost, one where maintenance
margin on the two legs together has outgrown the wallet.

Source: Binance USD-M, "Liquidation Price of USDS-M Futures Contracts" (hedge mode), from its
definitions; the tier of each leg is that of its notional at the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lotwise.kernel.arith import INT64_MAX, OVERFLOW, mul_div_ceil
from lotwise.kernel.codes import NEVER, OK
from lotwise.kernel.layout import RATE
from lotwise.rule import rule
from lotwise.units import Cash, Lots

if TYPE_CHECKING:
    from lotwise.kernel.layout import Tiers

MAX_HEDGE_LOTS: Final = 2**34
"""Most lots of a leg: the sum of both, times a rate, then fits 64 bits."""


@rule
def lies_in_tier(tiers: Tiers, index: int, notional: Cash) -> bool:
    """Whether floor < N <= cap; the first tier reaches down to 0 and the last has no end."""
    if index > 0 and notional <= tiers[index - 1].cap_cash:
        return False
    return index == len(tiers) - 1 or notional <= tiers[index].cap_cash


@rule
def notional_ceil(leg_lots: Lots, numerator: int, denominator: int) -> Cash:
    """Worth of up to ``MAX_HEDGE_LOTS`` at a worth per lot of ``numerator * RATE / denominator``."""
    worth = mul_div_ceil(numerator, leg_lots * RATE, denominator)
    return Cash(INT64_MAX if worth == OVERFLOW else worth)


@rule
def hedged_liquidation_fraction(
    from_above: int,
    tiers: Tiers,
    rising_lots: Lots,
    falling_lots: Lots,
    rising_notional_cash: Cash,
    falling_notional_cash: Cash,
    wallet_cash: Cash,
) -> tuple[int, int, int, int, int]:
    """Worth of one lot that liquidates both legs: (code, rising tier, falling tier, num, den).

    ``from_above`` 1: the one met by a falling worth (the lower root), 0: by a rising one. The
    worth is ``num * RATE / den``. ``rising_lots`` gain when the worth rises: the long leg of a
    linear contract, the short leg of an inverse one.
    """
    gap = wallet_cash - rising_notional_cash + falling_notional_cash
    for rising in range(len(tiers)):
        for falling in range(len(tiers)):
            numerator = gap + tiers[rising].cumulative_cash + tiers[falling].cumulative_cash
            denominator = rising_lots * (tiers[rising].rate8 - RATE)
            denominator += falling_lots * (tiers[falling].rate8 + RATE)
            if from_above:
                numerator, denominator = -numerator, -denominator
            if numerator <= 0 or denominator <= 0:
                continue
            risen = notional_ceil(rising_lots, numerator=numerator, denominator=denominator)
            fallen = notional_ceil(falling_lots, numerator=numerator, denominator=denominator)
            if lies_in_tier(tiers, rising, risen) and lies_in_tier(tiers, falling, fallen):
                return OK, rising, falling, numerator, denominator
    return NEVER, 0, 0, 0, RATE
