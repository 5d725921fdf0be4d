"""``lotwise.liquidation``: where a position is liquidated, exactly, before or after it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import gcd
from typing import Any, Literal

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.contracts.venue_rules import maintenance_rule_on
from lotwise.errors import FactsError, InputError
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.codes import ALWAYS, OK
from lotwise.kernel.layout import RATE
from lotwise.kernel.margin import (
    entry_break_even8_ceil,
    fee_to_close_ceil,
    initial_margin_trunc,
    maintenance_trunc,
    margin_call_fraction,
    tier_index,
)
from lotwise.records.answers import LiquidationAnswer, MarginCall
from lotwise.sizing.ask import read_leverage, side_text
from lotwise.sizing.clearing import cleared
from lotwise.sizing.hedge import hedged
from lotwise.sizing.held import Behind, Held, read_behind, read_held, standing_of
from lotwise.sizing.position import Position
from lotwise.sizing.standing import Fraction4, Standing
from lotwise.units import (
    Cash,
    Number,
    Rate8,
    cash_text,
    parse_rate,
    scaled_text,
    shown,
)


def liquidation(
    contract: Contract | str,
    *,
    side: str,
    quantity: Number,
    entry: Number,
    leverage: Number | None = None,
    wallet: Number | None = None,
    extra_margin: Number = "0",
    margin: Literal["isolated", "cross"] = "isolated",
    others: Sequence[Position] = (),
    opposite: tuple[Number, Number] | None = None,
    mark: Number | None = None,
    on: str | None = None,
    margin_call_at: Number = "80%",
) -> LiquidationAnswer:
    """Where a position is liquidated, with the exact fraction behind the price.

    Parameters
    ----------
    contract
        A :class:`~lotwise.Contract` with tiers, or an id.
    quantity
        In coins (``"0.01"``, ``"0.01 BTC"``) or contracts (``"12 contracts"``); of an inverse
        contract in the quote (``"300 USD"``) or contracts.
    entry
        Average entry price; may be off-tick.
    leverage, wallet
        Isolated: the leverage it was opened with (its margin is then notional / leverage, cut
        at 8 decimals as the venue does), or the isolated wallet. Cross: ``wallet`` is the
        wallet balance without unrealised PnL.
    extra_margin
        Isolated margin added by hand.
    others
        Cross: the other positions, shorts included, each at its mark.
    opposite
        Hedge mode, cross: (quantity, entry) of the leg on the other side of the same contract.
    mark
        Mark price; ``None`` is the entry.
    on
        Day (``YYYY-MM-DD``) whose venue rule applies; Bybit changed on 2025-09-02. ``None`` is
        the contract's.
    margin_call_at
        Share of the margin balance that maintenance margin may reach before the warning price;
        the venues do not publish theirs, so this one is yours. Of a listed future the call is
        at its maintenance margin.

    Raises
    ------
    InputError
        SIZE-030 to SIZE-041 for values that cannot be used.
    FactsError
        CONTRACT-301, CONTRACT-303 to CONTRACT-305 where fee, tiers or margins are unknown.

    Examples
    --------
    >>> found = liquidation("binance:BTCUSDT", side="long", quantity="13.5", entry="60000", wallet="81000")
    >>> found.liquidation_price, found.opened_in_tier, found.tier
    ('54249.02289224', 3, 2)
    """
    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    held = read_held(found, side, quantity, entry, mark)
    if found.clearing:
        return cleared(held, wallet, others, opposite)
    rule = found.maintenance_rule if on is None else maintenance_rule_on(found.venue, _day(on))
    behind = read_behind(held, rule, margin, leverage, wallet, extra_margin, others)
    call8 = parse_rate(margin_call_at, "margin_call_at")
    if not 0 < call8 <= RATE:
        raise InputError("SIZE-040", "margin_call_at is outside 0 % to 100 %", "80 % is usual")
    if opposite is not None:
        return hedged(held, behind, opposite, margin, rule)
    standing = standing_of(held, behind)
    fraction = standing.liquidation(rule == "entry")
    _check_table_reaches(held, standing, fraction)
    return _answer(held, margin, rule, behind, standing, fraction, leverage, call8)


def _check_table_reaches(held: Held, standing: Standing, fraction: Fraction4) -> None:
    """A table that starts above 0 says nothing about a smaller notional."""
    start = held.contract.tiers_start_cash
    code, _, numerator, denominator = fraction
    there = mul_div_floor(numerator, RATE, denominator * standing.scale) if code == OK else start
    worth = min(held.mark_notional, there)
    if worth < start:
        raise FactsError(
            "CONTRACT-304",
            f"the tier table starts at {cash_text(start)}, above the notional {cash_text(worth)}",
            "give the tiers from 0 on",
        )


def _day(text: str) -> str:
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except (TypeError, ValueError):
        pass
    raise InputError("SIZE-041", f"on is {shown(text)}: not a day", "write it as 2025-09-02")


def _answer(
    held: Held,
    margin: str,
    rule: str,
    behind: Behind,
    standing: Standing,
    fraction: Fraction4,
    leverage: Number | None,
    call8: Rate8,
) -> LiquidationAnswer:
    contract, side, lots = held.contract, held.side, held.lots
    code, tier, numerator, denominator = fraction
    price8 = standing.price8(fraction)
    reached = price8 is not None
    balance = Cash((behind.balance if margin == "isolated" else behind.standing) + held.pnl)
    counted = held.entry_notional if rule == "entry" else held.mark_notional
    maintenance = maintenance_trunc(contract.tier_rows, counted)
    needed = maintenance_trunc(held.tiers, counted)
    now = behind.standing + held.pnl <= needed
    status = "now" if now or code == ALWAYS else "open" if price8 is not None else "never"
    return LiquidationAnswer(
        contract=contract.id,
        side=side_text(side),
        quantity=contract.quantity_text(lots),
        entry=scaled_text(held.entry8),
        mark=scaled_text(held.mark8),
        margin=margin,
        wallet=cash_text(behind.balance),
        rule=rule,
        status=status,
        liquidation_price=None if price8 is None else scaled_text(price8),
        other_liquidation_price=None,
        **(_exact(standing, numerator, denominator) if reached else _NO_PRICE),
        tier=tier + 1 if reached else None,
        opened_in_tier=tier_index(held.tiers, held.entry_notional) + 1,
        bankruptcy_price=_text(standing.price8(standing.bankruptcy())),
        venue_break_even_price=_venue_break_even(held),
        notional=cash_text(held.mark_notional),
        unrealised_pnl=cash_text(held.pnl),
        initial_margin=_initial_margin(held, leverage),
        maintenance_margin=cash_text(maintenance),
        margin_balance=cash_text(balance),
        margin_ratio=scaled_text(mul_div_ceil(needed, RATE, balance)) if balance > 0 else None,
        distance=distance_text(held, price8),
        margin_call=_margin_call(held, standing, call8),
        warnings=_warnings(held, margin, now),
        settle=contract.settle,
        as_of=contract.as_of,
    )


_NO_PRICE: dict[str, Any] = {"numerator": None, "denominator": None, "notional_at_liquidation": None}


def _exact(standing: Standing, numerator: int, denominator: int) -> dict[str, Any]:
    """The price as a fraction, and the notional there rounded toward the entry's side."""
    per_unit, scale = denominator * standing.scale, standing.scale
    amount16 = standing.contract.scales.per_lot16 * standing.lots
    top, bottom = numerator * RATE * 10**8, per_unit * amount16
    if standing.contract.is_inverse:
        top, bottom = amount16 * denominator * scale, numerator * 10**16
        shared = gcd(top, bottom)
        top, bottom = top // shared, bottom // shared
    rounded = mul_div_ceil if standing.worth_side > 0 else mul_div_floor
    return {
        "numerator": str(top),
        "denominator": str(bottom),
        "notional_at_liquidation": cash_text(rounded(numerator, RATE, per_unit)),
    }


def _text(price8: int | None) -> str | None:
    return None if price8 is None else scaled_text(price8)


def _venue_break_even(held: Held) -> str | None:
    fees = held.contract.fees
    return None if fees is None else scaled_text(entry_break_even8_ceil(held.side, held.entry8, fees.taker8))


def _initial_margin(held: Held, leverage: Number | None) -> str | None:
    """By mark price (Binance); Bybit's isolated by entry, with its fee to close."""
    if leverage is None:
        return None
    asked = read_leverage(held.contract, leverage)
    if not held.contract.margin_holds_closing_fee:
        return cash_text(initial_margin_trunc(held.mark_notional, leverage100=asked))
    margin = initial_margin_trunc(held.entry_notional, leverage100=asked)
    fees = held.contract.fees
    if fees is not None:
        closing = fee_to_close_ceil(
            held.worth_side, held.entry_notional, leverage100=asked, taker8=fees.taker8
        )
        margin = Cash(margin + closing)
    return cash_text(margin)


def distance_text(held: Held, price8: int | None) -> str | None:
    """From the mark, in percent of it, rounded down; negative once past."""
    if price8 is None:
        return None
    return f"{scaled_text(mul_div_floor(held.side * (held.mark8 - price8), 10_000_000, held.mark8), 5, 2)} %"


def _margin_call(held: Held, standing: Standing, call8: Rate8) -> MarginCall:
    fraction = margin_call_fraction(
        standing.worth_side,
        standing.tiers,
        entry_notional_cash=standing.entered,
        wallet_cash=standing.wallet,
        ratio8=call8,
    )
    price8 = standing.price8(fraction)
    return MarginCall(
        ratio=f"{scaled_text(call8, 6)} %", price=_text(price8), distance=distance_text(held, price8)
    )


def _warnings(held: Held, margin: str, now: bool) -> list[str]:
    found = []
    if margin == "cross" and held.contract.margin_holds_closing_fee:
        found.append(
            "in cross margin the venue also holds the fee of closing, which is not counted here: the price is"
            " an estimate, as the venue's own is, and lies a little nearer"
        )
    if now:
        found.append("maintenance margin is not covered at this mark: the venue liquidates now")
    if held.mark_notional > held.tiers[-1].cap_cash:
        found.append("the notional exceeds the venue's last tier: it would not be opened at this size")
    if held.contract.scales.max_leverage100 is None:
        found.append("the largest leverage is unknown")
    return found
