"""``lotwise.liquidation``: where a position is liquidated, exactly, before or after it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.contracts.venue_rules import maintenance_rule_on
from lotwise.errors import FactsError, InputError
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.codes import ALWAYS, OK
from lotwise.kernel.layout import RATE, TierRow
from lotwise.kernel.margin import (
    bankruptcy_fraction,
    entry_break_even8_ceil,
    fee_to_close_ceil,
    initial_margin_trunc,
    liquidation_by,
    maintenance_trunc,
    margin_call_fraction,
    notional_at_price8_trunc,
    tier_index,
    unrealised_pnl_trunc,
)
from lotwise.records.answers import LiquidationAnswer, MarginCall
from lotwise.sizing.ask import read_equity, read_leverage, read_side, side_text
from lotwise.sizing.plan import cautious_price8
from lotwise.sizing.position import Position, check_countable, others_at_mark, read_price8, read_quantity
from lotwise.units import (
    Cash,
    Lots,
    Number,
    Price8,
    Rate8,
    cash_text,
    parse_cash,
    parse_rate,
    scaled_text,
    shown,
)


class _Held(NamedTuple):
    """The position in integers."""

    contract: Contract
    side: int
    lots: Lots
    entry_notional: Cash
    mark8: Price8
    mark_notional: Cash
    pnl: Cash
    tiers: tuple[TierRow, ...]


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
        In coins (``"0.01"``, ``"0.01 BTC"``) or contracts (``"12 contracts"``).
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
    mark
        Mark price; ``None`` is the entry.
    on
        Day (``YYYY-MM-DD``) whose venue rule applies; Bybit changed on 2025-09-02. ``None`` is
        the contract's.
    margin_call_at
        Share of the margin balance that maintenance margin may reach before the warning price;
        the venues do not publish theirs, so this one is yours.

    Raises
    ------
    InputError
        SIZE-030 to SIZE-041 for values that cannot be used.
    FactsError
        CONTRACT-303 where the margin tiers are unknown.

    Examples
    --------
    >>> found = liquidation("binance:BTCUSDT", side="long", quantity="13.5", entry="60000", wallet="81000")
    >>> found.liquidation_price, found.opened_in_tier, found.tier
    ('54249.02289224', 3, 2)
    """
    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    held = _held(found, side, quantity, entry, mark)
    cover, standing = _wallet(held, margin, leverage, wallet, extra_margin, others)
    rule = found.maintenance_rule if on is None else maintenance_rule_on(found.venue, _day(on))
    fraction = liquidation_by(
        int(rule == "entry"),
        held.side,
        held.tiers,
        entry_notional_cash=held.entry_notional,
        wallet_cash=standing,
    )
    _check_table_reaches(held, fraction)
    return _answer(
        held, margin, rule, cover, standing, fraction, leverage, parse_rate(margin_call_at, "margin_call_at")
    )


def _check_table_reaches(held: _Held, fraction: tuple[int, int, int, int]) -> None:
    """A table that starts above 0 says nothing about a smaller notional."""
    start = held.contract.tiers_start_cash
    code, _, numerator, denominator = fraction
    there = mul_div_floor(numerator, RATE, denominator) if code == OK else start
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


def _held(contract: Contract, side: str, quantity: Number, entry: Number, mark: Number | None) -> _Held:
    if not contract.tier_rows:
        raise FactsError(
            "CONTRACT-303",
            f"the margin tiers of {contract.id} are unknown: its liquidation price cannot be computed",
            "give a Contract with tiers, or --tier floor:cap:leverage:rate:cumulative",
        )
    way = read_side(side)
    lots = read_quantity(contract, quantity)
    unit, tick8 = contract.scales.cash_per_tick_lot, contract.scales.tick_size8
    entry8 = read_price8(entry, "entry")
    mark8 = entry8 if mark is None else read_price8(mark, "mark")
    check_countable(contract, lots, max(entry8, mark8))
    cost = notional_at_price8_trunc(entry8, lots, cash_per_tick_lot=unit, tick_size8=tick8)
    pnl = unrealised_pnl_trunc(
        way, entry8=entry8, price8=mark8, lots=lots, cash_per_tick_lot=unit, tick_size8=tick8
    )
    worth = notional_at_price8_trunc(mark8, lots, cash_per_tick_lot=unit, tick_size8=tick8)
    return _Held(contract, way, lots, cost, mark8, worth, pnl, contract.tier_rows)


def _wallet(
    held: _Held,
    margin: str,
    leverage: Number | None,
    wallet: Number | None,
    extra_margin: Number,
    others: Sequence[Position],
) -> tuple[Cash, Cash]:
    """(wallet balance, money standing behind this position once the others are served)."""
    extra = parse_cash(extra_margin, "extra_margin")
    if extra < 0:
        raise InputError("SIZE-040", f"extra_margin is {extra_margin}", "give 0 or more")
    if margin == "isolated":
        if others:
            raise InputError("SIZE-040", "other positions matter only to cross margin", "use cross margin")
        if (leverage is None) == (wallet is None):
            raise InputError(
                "SIZE-040", "isolated margin needs leverage or wallet, one of them", "e.g. leverage 10"
            )
        if wallet is None:
            asked = _tier_leverage(held, leverage)
            balance = Cash(initial_margin_trunc(held.entry_notional, leverage100=asked) + extra)
        else:
            balance = Cash(read_equity(wallet, "wallet") + extra)
        return balance, balance
    if margin != "cross":
        raise InputError("SIZE-040", f"margin is {shown(margin)}", "use isolated or cross")
    if wallet is None:
        raise InputError("SIZE-040", "cross margin needs the wallet balance", "e.g. wallet 1000")
    owned = parse_cash(wallet, "wallet")
    if owned < 0:
        raise InputError("SIZE-040", f"wallet is {wallet}", "give the wallet balance, 0 or more")
    balance = Cash(owned + extra)
    maintenance, pnl = others_at_mark(held.contract, others)
    return balance, Cash(balance - maintenance + pnl)


def _tier_leverage(held: _Held, leverage: Number | None) -> int:
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


def _answer(
    held: _Held,
    margin: str,
    rule: str,
    cover: Cash,
    standing: Cash,
    fraction: tuple[int, int, int, int],
    leverage: Number | None,
    call8: Rate8,
) -> LiquidationAnswer:
    contract, side, lots = held.contract, held.side, held.lots
    code, tier, numerator, denominator = fraction
    price8 = cautious_price8(contract, side, lots, fraction)
    reached = price8 is not None
    balance = standing + held.pnl
    at_entry = rule == "entry"
    maintenance = maintenance_trunc(held.tiers, held.entry_notional if at_entry else held.mark_notional)
    now = balance <= maintenance
    bankruptcy = bankruptcy_fraction(side, entry_notional_cash=held.entry_notional, wallet_cash=standing)
    unit16 = contract.scales.coin_per_lot16 * lots
    status = "now" if now or code == ALWAYS else "open" if price8 is not None else "never"
    return LiquidationAnswer(
        contract=contract.id,
        side=side_text(side),
        quantity=contract.quantity_text(lots),
        entry=_off_tick_text(held.entry_notional, held),
        mark=scaled_text(held.mark8),
        margin=margin,
        wallet=cash_text(cover),
        rule=rule,
        status=status,
        liquidation_price=None if price8 is None else scaled_text(price8),
        numerator=str(numerator * RATE * 10**8) if reached else None,
        denominator=str(denominator * unit16) if reached else None,
        tier=tier + 1 if reached else None,
        opened_in_tier=tier_index(held.tiers, held.entry_notional) + 1,
        notional_at_liquidation=_liquidated_worth(side, numerator, denominator) if reached else None,
        bankruptcy_price=_text(cautious_price8(contract, side, lots, bankruptcy)),
        venue_break_even_price=_venue_break_even(held),
        notional=cash_text(held.mark_notional),
        unrealised_pnl=cash_text(held.pnl),
        initial_margin=_initial_margin(held, leverage),
        maintenance_margin=cash_text(maintenance),
        margin_balance=cash_text(balance),
        margin_ratio=scaled_text(mul_div_ceil(maintenance, RATE, balance)) if balance > 0 else None,
        distance=_distance(held, price8),
        margin_call=_margin_call(held, standing, call8),
        warnings=_warnings(held, now),
        settle=contract.settle,
        as_of=contract.as_of,
    )


def _text(price8: int | None) -> str | None:
    return None if price8 is None else scaled_text(price8)


def _off_tick_text(notional: Cash, held: _Held) -> str:
    scales = held.contract.scales
    return scaled_text(mul_div_floor(notional, scales.tick_size8, held.lots * scales.cash_per_tick_lot))


def _liquidated_worth(side: int, numerator: int, denominator: int) -> str:
    rounded = mul_div_ceil if side > 0 else mul_div_floor
    return cash_text(rounded(numerator, RATE, denominator))


def _venue_break_even(held: _Held) -> str | None:
    fees = held.contract.fees
    if fees is None:
        return None
    scales = held.contract.scales
    entry8 = mul_div_floor(held.entry_notional, scales.tick_size8, held.lots * scales.cash_per_tick_lot)
    return scaled_text(entry_break_even8_ceil(held.side, Price8(entry8), fee8=fees.taker8))


def _initial_margin(held: _Held, leverage: Number | None) -> str | None:
    """By mark price (Binance); Bybit's isolated by entry, with its fee to close."""
    if leverage is None:
        return None
    asked = read_leverage(held.contract, leverage)
    if not held.contract.margin_holds_closing_fee:
        return cash_text(initial_margin_trunc(held.mark_notional, leverage100=asked))
    margin = initial_margin_trunc(held.entry_notional, leverage100=asked)
    fees = held.contract.fees
    if fees is not None:
        margin = Cash(
            margin + fee_to_close_ceil(held.side, held.entry_notional, leverage100=asked, taker8=fees.taker8)
        )
    return cash_text(margin)


def _distance(held: _Held, price8: int | None) -> str | None:
    """From the mark, in percent of it, rounded down; negative once past."""
    if price8 is None:
        return None
    return f"{scaled_text(mul_div_floor(held.side * (held.mark8 - price8), 10_000_000, held.mark8), 5, 2)} %"


def _margin_call(held: _Held, standing: Cash, call8: Rate8) -> MarginCall:
    if not 0 < call8 <= RATE:
        raise InputError("SIZE-040", "margin_call_at is outside 0 % to 100 %", "80 % is usual")
    fraction = margin_call_fraction(
        held.side, held.tiers, entry_notional_cash=held.entry_notional, wallet_cash=standing, ratio8=call8
    )
    price8 = cautious_price8(held.contract, held.side, held.lots, fraction)
    return MarginCall(
        ratio=f"{scaled_text(call8, 6)} %", price=_text(price8), distance=_distance(held, price8)
    )


def _warnings(held: _Held, now: bool) -> list[str]:
    found = []
    if now:
        found.append("maintenance margin is not covered at this mark: the venue liquidates now")
    if held.mark_notional > held.tiers[-1].cap_cash:
        found.append("the notional exceeds the venue's last tier: it would not be opened at this size")
    if held.contract.scales.max_leverage100 is None:
        found.append("the largest leverage is unknown")
    return found
