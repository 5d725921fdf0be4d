"""Listed futures: no liquidation price, but a margin call by the broker (FCM)."""

from __future__ import annotations

from collections.abc import Sequence

from lotwise.errors import FactsError, InputError
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.records.answers import LiquidationAnswer, MarginCall
from lotwise.sizing.ask import read_equity, side_text
from lotwise.sizing.held import Behind, Held, standing_of
from lotwise.sizing.position import Position
from lotwise.units import Cash, Number, cash_text, parse_cash, scaled_text

NO_FORMULA = (
    "a listed future has no liquidation price: the broker (FCM) calls for margin below the maintenance"
    " margin and may close the position at any price"
)


def cleared(
    held: Held, wallet: Number | None, others: Sequence[Position], opposite: object
) -> LiquidationAnswer:
    """Where the account's money falls to the maintenance margin, and where it is gone.

    Raises
    ------
    InputError
        SIZE-043 without a wallet, or with other positions.
    FactsError
        CONTRACT-305 where the maintenance margin is unknown.
    """
    contract = held.contract
    if wallet is None or others or opposite is not None:
        raise InputError(
            "SIZE-043",
            f"{contract.id} is a listed future: its margin is the account's",
            "give wallet, the money in the account that backs this position alone",
        )
    stated = contract.maintenance_margin_per_contract
    if stated is None:
        raise FactsError(
            "CONTRACT-305",
            f"the maintenance margin of {contract.id} is set by exchange and broker, and unknown here",
            "give it per contract, in the CLI --maintenance-margin 1800",
        )
    balance = read_equity(wallet, "wallet")
    per_lot = mul_div_ceil(parse_cash(stated, "maintenance_margin"), contract.scales.lot_size8, RATE)
    maintenance = Cash(per_lot * held.lots)
    gone = standing_of(held, Behind(balance, balance))
    called = standing_of(held, Behind(balance, balance - maintenance))
    called8, gone8 = called.price8(called.bankruptcy()), gone.price8(gone.bankruptcy())
    equity = Cash(balance + held.pnl)
    warnings = [NO_FORMULA]
    if equity <= maintenance:
        warnings.append("the maintenance margin is not covered at this mark: expect the call now")
    away = None
    if called8 is not None:
        share = mul_div_floor(held.side * (held.mark8 - called8), 10_000_000, held.mark8)
        away = f"{scaled_text(share, 5, 2)} %"
    return LiquidationAnswer(
        contract=contract.id,
        side=side_text(held.side),
        quantity=contract.quantity_text(held.lots),
        entry=scaled_text(held.entry8),
        mark=scaled_text(held.mark8),
        margin="account",
        wallet=cash_text(balance),
        rule="clearing",
        status="call",
        liquidation_price=None,
        other_liquidation_price=None,
        numerator=None,
        denominator=None,
        tier=None,
        opened_in_tier=None,
        notional_at_liquidation=None,
        bankruptcy_price=None if gone8 is None else scaled_text(gone8),
        venue_break_even_price=None,
        notional=cash_text(held.mark_notional),
        unrealised_pnl=cash_text(held.pnl),
        initial_margin=_initial_margin(held),
        maintenance_margin=cash_text(maintenance),
        margin_balance=cash_text(equity),
        margin_ratio=scaled_text(mul_div_ceil(maintenance, RATE, equity)) if equity > 0 else None,
        distance=away,
        margin_call=MarginCall(
            ratio="100 %", price=None if called8 is None else scaled_text(called8), distance=away
        ),
        warnings=warnings,
        settle=contract.settle,
        as_of=contract.as_of,
    )


def _initial_margin(held: Held) -> str | None:
    per_lot = held.contract.scales.margin_per_lot_cash
    return cash_text(per_lot * held.lots) if per_lot else None
