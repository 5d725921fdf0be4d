"""A position in integers, and the money behind it: what the oracle asks the kernel about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lotwise.contracts.contract import Contract
from lotwise.errors import FactsError, InputError
from lotwise.kernel.layout import LEVERAGE, RATE, TierRow
from lotwise.kernel.margin import initial_margin_trunc, tier_index
from lotwise.kernel.worth import pnl_trunc, worth_at_price8_trunc, worth_side
from lotwise.sizing.ask import read_equity, read_leverage, read_side
from lotwise.sizing.position import Position, check_countable, others_at_mark, read_price8, read_quantity
from lotwise.sizing.standing import Standing, inverse_entered, scaled_tiers
from lotwise.units import Cash, Lots, Number, Price8, cash_text, parse_cash, scaled_text, shown


class Held(NamedTuple):
    """The position in integers."""

    contract: Contract
    side: int
    lots: Lots
    entry8: Price8
    entry_notional: Cash
    mark8: Price8
    mark_notional: Cash
    pnl: Cash
    tiers: tuple[TierRow, ...]
    """As liquidation counts them, with the closing fee where the venue adds it."""

    @property
    def worth_side(self) -> int:
        """The side of the position's worth."""
        return worth_side(self.contract.spec_rows(), self.side)


class Behind(NamedTuple):
    """The wallet balance, and the money standing behind the position once the others are served.

    ``standing`` is ``cash / share``: an inverse margin is a fraction, and Bybit counts margin
    added by hand at more than its face.
    """

    balance: Cash
    cash: int
    share: int = 1

    @property
    def standing(self) -> Cash:
        """The money behind the position, cut to 1e-8."""
        return Cash(self.cash // self.share)


def read_held(contract: Contract, side: str, quantity: Number, entry: Number, mark: Number | None) -> Held:
    """Read a position.

    Raises
    ------
    InputError
        SIZE-001, SIZE-003, SIZE-030 to SIZE-033.
    FactsError
        CONTRACT-301, CONTRACT-303 where taker fee or margin tiers are needed and unknown.
    """
    if not contract.tier_rows and not contract.clearing:
        raise FactsError(
            "CONTRACT-303",
            f"the margin tiers of {contract.id} are unknown: its liquidation price cannot be computed",
            "give a Contract with tiers, or --tier floor:cap:leverage:rate:cumulative",
        )
    way = read_side(side)
    lots = read_quantity(contract, quantity)
    spec, tick8 = contract.spec_rows(), contract.scales.tick_size8
    entry8 = read_price8(entry, "entry")
    mark8 = entry8 if mark is None else read_price8(mark, "mark")
    check_countable(contract, lots, entry8, mark8)
    return Held(
        contract=contract,
        side=way,
        lots=lots,
        entry8=entry8,
        entry_notional=worth_at_price8_trunc(spec, entry8, lots, tick_size8=tick8),
        mark8=mark8,
        mark_notional=worth_at_price8_trunc(spec, mark8, lots, tick_size8=tick8),
        pnl=pnl_trunc(spec, way, entry8=entry8, price8=mark8, lots=lots, tick_size8=tick8),
        tiers=contract.liquidation_rows(),
    )


def standing_of(held: Held, behind: Behind) -> Standing:
    """The position with its money, an inverse entry's worth exact."""
    scale, entered = 1, held.entry_notional
    if held.contract.is_inverse:
        scale, entered = inverse_entered(held.contract, [(held.lots, held.entry8)])
    share = behind.share
    return Standing(
        contract=held.contract,
        side=held.side,
        lots=held.lots,
        scale=scale * share,
        entered=Cash(entered * share),
        wallet=Cash(behind.cash * scale),
        tiers=scaled_tiers(held.tiers, scale * share),
    )


def read_behind(
    held: Held,
    rule: str,
    margin: str,
    leverage: Number | None,
    wallet: Number | None,
    extra_margin: Number,
    others: Sequence[Position],
) -> Behind:
    """Wallet balance and the money behind the position.

    Raises
    ------
    InputError
        SIZE-010, SIZE-012, SIZE-034, SIZE-035, SIZE-040.
    """
    extra = parse_cash(extra_margin, "extra_margin")
    if extra < 0:
        raise InputError("SIZE-040", f"extra_margin is {extra_margin}", "give 0 or more")
    if margin == "isolated":
        return _isolated(held, rule, leverage, wallet, extra, others)
    if margin != "cross":
        raise InputError("SIZE-040", f"margin is {shown(margin)}", "use isolated or cross")
    if wallet is None:
        raise InputError("SIZE-040", "cross margin needs the wallet balance", "e.g. wallet 1000")
    owned = parse_cash(wallet, "wallet")
    if owned < 0:
        raise InputError("SIZE-040", f"wallet is {wallet}", "give the wallet balance, 0 or more")
    balance = Cash(owned + extra)
    maintenance, pnl = others_at_mark(held.contract, others)
    return Behind(balance, balance - maintenance + pnl)


def _isolated(
    held: Held,
    rule: str,
    leverage: Number | None,
    wallet: Number | None,
    extra: Cash,
    others: Sequence[Position],
) -> Behind:
    if others:
        raise InputError("SIZE-040", "other positions matter only to cross margin", "use cross margin")
    if (leverage is None) == (wallet is None):
        raise InputError(
            "SIZE-040", "isolated margin needs leverage or wallet, one of them", "e.g. leverage 10"
        )
    if wallet is not None:
        own: Cash = read_equity(wallet, "wallet")
        cash, share = int(own), 1
    else:
        asked = tier_leverage(held, leverage)
        own = initial_margin_trunc(held.entry_notional, leverage100=asked)
        cash, share = int(own), 1
        if held.contract.is_inverse:  # the margin of the formula, a fraction, not yet cut to a balance
            share, entered = inverse_entered(held.contract, [(held.lots, held.entry8)])
            cash, share = entered * LEVERAGE, share * asked
    balance = Cash(own + extra)
    fees = held.contract.fees
    if extra and fees is not None and held.contract.margin_holds_closing_fee and rule == "mark":
        # Bybit: the fee of closing is held for the money added too, X / (1 - s t)
        kept8 = RATE - held.worth_side * fees.taker8
        return Behind(balance, cash * kept8 + extra * RATE * share, share * kept8)
    return Behind(balance, cash + extra * share, share)


def tier_leverage(held: Held, leverage: Number | None) -> int:
    """The leverage asked for, checked against the tier the position opens in.

    Raises
    ------
    InputError
        SIZE-011, SIZE-012.
    """
    asked = read_leverage(held.contract, leverage)
    index = tier_index(held.tiers, held.entry_notional)
    most = held.tiers[index].max_leverage100
    if asked > most:
        raise InputError(
            "SIZE-012",
            f"leverage is {leverage}: tier {index + 1}, where {cash_text(held.entry_notional)} lies,"
            f" allows {scaled_text(most, 2)}x at most",
            f"use {scaled_text(most, 2)} or less, or a smaller quantity",
        )
    return asked
