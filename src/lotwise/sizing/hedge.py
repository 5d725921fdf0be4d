"""Hedge mode: a long and a short of one contract on one cross wallet, as the oracle answers it."""

from __future__ import annotations

from typing import NamedTuple

from lotwise.errors import InputError
from lotwise.kernel.arith import OVERFLOW, mul_div_ceil
from lotwise.kernel.codes import OK
from lotwise.kernel.hedge import MAX_HEDGE_LOTS, hedged_liquidation_fraction, notional_ceil
from lotwise.kernel.layout import LONG, RATE
from lotwise.kernel.margin import maintenance_trunc, price8_ceil, price8_floor, tier_index
from lotwise.records.answers import LiquidationAnswer, MarginCall
from lotwise.sizing.ask import side_text
from lotwise.sizing.held import Behind, Held, read_held
from lotwise.sizing.standing import inverse_entered, scaled_tiers
from lotwise.sizing.words import order_text
from lotwise.units import Cash, Lots, Number, cash_text, scaled_text, shown


class _Root(NamedTuple):
    """One of the two worths per lot between which the account stands."""

    price8: int
    tier: int
    """Of the position asked about."""
    numerator: int
    denominator: int


def hedged(
    held: Held, behind: Behind, opposite: tuple[Number, Number], margin: str, rule: str
) -> LiquidationAnswer:
    """Both legs share the wallet, and both prices at which it no longer carries them.

    ``liquidation_price`` is the one that the heavier leg runs into; the other one is where
    maintenance margin on both legs outgrows the wallet.

    Raises
    ------
    InputError
        SIZE-033 too many lots; SIZE-042 not a cross position, or no (quantity, entry).
    """
    if margin != "cross" or rule != "mark":
        raise InputError(
            "SIZE-042",
            "the legs of a hedge share margin only as cross positions under a mark-based rule",
            "use cross margin; isolated legs are liquidated each on its own",
        )
    other = _other_leg(held, opposite)
    for leg in (held, other):
        if leg.lots > MAX_HEDGE_LOTS:
            raise InputError("SIZE-033", f"{leg.lots} lots are too many to count", "give a smaller quantity")
    lower = _root(held, other, behind, below=True)
    upper = _root(held, other, behind, below=False)
    heavier = held if held.lots >= other.lots else other
    own, far = (lower, upper) if heavier.side == LONG else (upper, lower)
    if own is None:
        own, far = far, own
    return _answer(held, other, behind, own, far)


def _other_leg(held: Held, opposite: object) -> Held:
    if not isinstance(opposite, (tuple, list)) or len(opposite) != 2:
        raise InputError(
            "SIZE-042", f"opposite is {shown(opposite)}", 'give (quantity, entry), e.g. ("0.5", "61000")'
        )
    quantity, entry = opposite
    return read_held(held.contract, side_text(-held.side), quantity, entry, scaled_text(held.mark8))


def _root(held: Held, other: Held, behind: Behind, *, below: bool) -> _Root | None:
    """The liquidation price met by a falling (``below``) or a rising price."""
    contract = held.contract
    scale, worths = 1, {leg.worth_side: leg.entry_notional for leg in (held, other)}
    if contract.is_inverse:
        for leg, rest in ((held, other), (other, held)):
            own_scale, entered = inverse_entered(contract, [(leg.lots, leg.entry8)])
            scale = own_scale * rest.entry8
            worths[leg.worth_side] = Cash(entered * rest.entry8)
    lots = {leg.worth_side: leg.lots for leg in (held, other)}
    tiers = scaled_tiers(held.tiers, scale)
    code, rising, falling, numerator, denominator = hedged_liquidation_fraction(
        int(below != contract.is_inverse),  # the worth of an inverse lot rises as its price falls
        tiers,
        rising_lots=lots[1],
        falling_lots=lots[-1],
        rising_notional_cash=worths[1],
        falling_notional_cash=worths[-1],
        wallet_cash=Cash(behind.cash * scale),
    )
    if code != OK:
        return None
    rounded = price8_ceil if below else price8_floor  # toward the account
    price8 = rounded(
        contract.spec_rows(),
        numerator,
        denominator,
        lots=Lots(scale if contract.is_inverse else 1),
        tick_size8=contract.scales.tick_size8,
    )
    if price8 == OVERFLOW:  # above 92 billion: no price a market reaches
        return None
    tier = rising if held.worth_side > 0 else falling
    return _Root(price8, tier, numerator, denominator * scale)


def _answer(
    held: Held, other: Held, behind: Behind, own: _Root | None, far: _Root | None
) -> LiquidationAnswer:
    contract = held.contract
    pnl = Cash(held.pnl + other.pnl)
    maintenance = sum(maintenance_trunc(contract.tier_rows, leg.mark_notional) for leg in (held, other))
    needed = sum(maintenance_trunc(held.tiers, leg.mark_notional) for leg in (held, other))
    balance = Cash(behind.standing + pnl)
    now = balance <= needed
    there = notional_ceil(held.lots, numerator=own.numerator, denominator=own.denominator) if own else None
    return LiquidationAnswer(
        contract=contract.id,
        side=side_text(held.side),
        quantity=contract.quantity_text(held.lots),
        entry=scaled_text(held.entry8),
        mark=scaled_text(held.mark8),
        margin="cross",
        wallet=cash_text(behind.balance),
        rule="mark",
        status="now" if now else "open" if own else "never",
        liquidation_price=None if own is None else scaled_text(own.price8),
        other_liquidation_price=None if far is None else scaled_text(far.price8),
        numerator=None,
        denominator=None,
        tier=None if own is None else own.tier + 1,
        opened_in_tier=tier_index(held.tiers, held.entry_notional) + 1,
        notional_at_liquidation=None if there is None else cash_text(there),
        bankruptcy_price=None,
        venue_break_even_price=None,
        notional=cash_text(held.mark_notional),
        unrealised_pnl=cash_text(pnl),
        initial_margin=None,
        maintenance_margin=cash_text(maintenance),
        margin_balance=cash_text(balance),
        margin_ratio=scaled_text(mul_div_ceil(needed, RATE, balance)) if balance > 0 else None,
        distance=None if own is None else _distance(held, own.price8),
        margin_call=MarginCall(ratio="100 %", price=None, distance=None),
        warnings=_warnings(held, other, now),
        settle=contract.settle,
        as_of=contract.as_of,
    )


def _distance(held: Held, price8: int) -> str:
    away = abs(held.mark8 - price8) * 10_000_000 // held.mark8
    return f"{scaled_text(away, 5, 2)} %"


def _warnings(held: Held, other: Held, now: bool) -> list[str]:
    found = [
        f"hedged by {order_text(held.contract, other.lots)} {side_text(other.side)} at"
        f" {scaled_text(other.entry8)}: both legs are liquidated together"
    ]
    if now:
        found.append("maintenance margin is not covered at this mark: the venue liquidates now")
    return found
