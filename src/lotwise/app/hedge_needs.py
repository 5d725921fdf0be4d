"""What a short of a hedge costs to open and close, and what money must stand behind it."""

from __future__ import annotations

from typing import Final

from lotwise.app.hedge_lots import Short
from lotwise.contracts.contract import FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.feasibility import margin_needed
from lotwise.kernel.layout import RATE, SHORT
from lotwise.kernel.margin import initial_margin_trunc, maintenance_trunc
from lotwise.kernel.sizing import entry_fee_ceil, loss_parts
from lotwise.kernel.worth import move_loss_ceil, worth_ceil
from lotwise.records.hedge import HedgeCosts, HedgeMargin
from lotwise.sizing.oracle import liquidation
from lotwise.sizing.question import Words
from lotwise.sizing.solve import Rows, countable_rows_of
from lotwise.sizing.standing import Standing
from lotwise.sizing.words import leverage_text
from lotwise.units import (
    Cash,
    Lots,
    Number,
    Rate8,
    Ticks,
    cash_text,
    parse_scaled,
    percent_text,
    scaled_text,
    shown_down,
    shown_up,
)

Trade = tuple[FeeSchedule | None, Number, Number, Number | None]
"""Fees, spread, slippage, leverage."""
ANY_MONEY: Final = "1"
"""The words of a trade ask for equity; a hedge is not sized by it."""


def _rows(short: Short, out_ticks: int, trade: Trade) -> Rows:
    """The short as the kernel reads it, closed at a price."""
    fees, spread, slippage, leverage = trade
    contract = short.contract
    words = Words(
        side="short",
        entry=contract.price_text(short.price_ticks),
        stop=contract.price_text(max(out_ticks, short.price_ticks + 1)),
        equity=ANY_MONEY,
        risk=ANY_MONEY,
        fees=fees,
        spread=spread,
        slippage=slippage,
        leverage=leverage,
    )
    rows = countable_rows_of(words.on(contract))
    rows.ask[0].stop_ticks = out_ticks
    return rows


def costs_of(
    short: Short,
    lots: Lots,
    fees: FeeSchedule | None,
    spread: Number,
    slippage: Number,
    leverage: Number | None,
) -> HedgeCosts:
    """Costs of opening and closing at the same price, as a taker."""
    rows = _rows(short, short.price_ticks, (fees, spread, slippage, leverage))
    _, entry, out, half, slipped, _ = loss_parts(rows.spec, rows.ask, rows.legs, lots=lots)
    total = entry + out + half + slipped
    return HedgeCosts(
        entry_fee=cash_text(entry),
        exit_fee=cash_text(out),
        spread=cash_text(half),
        slippage=cash_text(slipped),
        total=cash_text(total),
        of_worth=percent_text(mul_div_ceil(total, RATE, short.worth_cash(lots))),
    )


def margin_of(short: Short, lots: Lots, trade: Trade, rise8: Rate8) -> tuple[HedgeMargin, list[str]]:
    """Margin at the leverage, where it is liquidated, the cash that survives a rise; and warnings.

    The rise is survived where the wallet less the loss stays above the maintenance margin of the notional
    there. Both run one way with the price, so no price on the way liquidates either.
    """
    contract = short.contract
    risen = Ticks(-(-short.price_ticks * (RATE + rise8) // RATE))
    if lots > contract.exact_lots_at(risen):
        raise InputError(
            "HEDGE-105",
            f"a rise to {contract.price_text(risen)} is too far to count",
            "use a smaller rise, e.g. 50%",
        )
    rows = _rows(short, risen, trade)
    leverage100 = rows.ask[0].leverage100
    margin = margin_needed(rows.spec, rows.ask, rows.legs, lots=lots, leverage100=leverage100)
    fee = entry_fee_ceil(rows.spec, rows.ask, rows.legs, lots=lots)
    needed = _cash_for(short, lots, rows, risen)
    liquidation_text, bankrupt8, words = _end(short, lots, trade, leverage100)
    end8 = parse_scaled(liquidation_text, "price") if liquidation_text else bankrupt8
    may_rise8 = None
    if end8 is not None:
        price8 = short.price_ticks * contract.scales.tick_size8
        may_rise8 = mul_div_floor(end8 - price8, RATE, price8)
        if may_rise8 <= rise8:
            more = f"{shown_up(cash_text(max(0, needed - margin)), 2)} {contract.settle}"
            end = shown_down(scaled_text(end8), max(2, contract.scales.price_decimals))
            words.append(
                f"a rise of {percent_text(rise8)} passes the end of this margin at {end}:"
                f" keep {more} more behind it, or take a lower leverage"
            )
    found = HedgeMargin(
        leverage=None if contract.clearing else leverage_text(leverage100),
        initial_margin=cash_text(margin),
        liquidation_price=liquidation_text,
        bankruptcy_price=None if bankrupt8 is None else scaled_text(bankrupt8),
        may_rise=None if may_rise8 is None else percent_text(may_rise8),
        rise=percent_text(rise8),
        rise_price=contract.price_text(risen),
        cash_for_rise=cash_text(needed),
        cash_beyond_margin=cash_text(max(0, needed - margin)),
        cash_in_all=cash_text(max(needed, margin) + fee),
    )
    return found, words


def _cash_for(short: Short, lots: Lots, rows: Rows, risen: Ticks) -> Cash:
    """The least wallet with which the price may stand at ``risen``: loss, maintenance margin, 1e-8."""
    contract, spread = short.contract, rows.ask[0].entry_spread_ticks
    entered2 = 2 * short.price_ticks - spread
    lost = move_loss_ceil(rows.spec, SHORT, from_ticks2=entered2, to_ticks2=2 * risen, lots=lots)
    if not contract.tier_rows:
        return Cash(lost + 1)
    entry_based = bool(rows.spec[0].entry_based)
    counted = worth_ceil(rows.spec, short.price_ticks if entry_based else risen, lots)
    return Cash(lost + maintenance_trunc(rows.tiers, counted) + 1)


def _end(
    short: Short, lots: Lots, trade: Trade, leverage100: int
) -> tuple[str | None, int | None, list[str]]:
    """Liquidation price; where tiers are unknown the bankruptcy price; and what is to be said of it."""
    contract = short.contract
    if contract.clearing:
        return None, None, ["a listed future has no liquidation price: the broker calls for margin"]
    if contract.tier_rows:
        found = liquidation(
            contract,
            side="short",
            quantity=contract.quantity_text(lots),
            entry=contract.price_text(short.price_ticks),
            leverage=trade[3],
        )
        return found.liquidation_price, None, []
    worth = short.worth_cash(lots)
    wallet = initial_margin_trunc(worth, leverage100=leverage100)
    standing = Standing(contract, SHORT, lots, 1, worth, wallet, ())
    bankrupt8 = standing.price8(standing.bankruptcy())
    said = (
        f"the margin tiers of {contract.id} are unknown: the bankruptcy price stands in for the liquidation"
    )
    return None, bankrupt8, [f"{said} price, which lies nearer; the cash for a rise lacks maintenance margin"]
