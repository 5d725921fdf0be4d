"""A row of a scan in words."""

from __future__ import annotations

from typing import Any, Final

from lotwise.contracts.contract import Contract
from lotwise.kernel import codes
from lotwise.kernel.arith import OVERFLOW, mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import LEVERAGE, LONG
from lotwise.kernel.margin import price8_ceil, price8_floor
from lotwise.records.scan import Quote, ScanRow
from lotwise.sizing.listing import Setup, funding8_of
from lotwise.sizing.standing import Standing, inverse_entered, scaled_tiers
from lotwise.sizing.words import RULE_NAMES, leverage_text
from lotwise.units import Cash, Lots, Price8, cash_text, scaled_text

NO_FEES: Final = "no_fees"
FUNDING: Final = "funding"
"""Above 10 % an interval, or above half the notional over the hold."""
REASONS: Final = RULE_NAMES | {
    codes.NO_PRICE: "no_price",
    codes.NO_STOP: "no_stop",
    codes.COSTS_REACH_PRICE: "costs",
    codes.UNCOUNTABLE: "too_large_to_count",
}
"""Kernel code to the reason a row gives."""


def row_of(contract: Contract, setup: Setup, quote: Quote | None, found: Any) -> ScanRow:
    """A row in words."""
    lots = Lots(found.lots or found.smallest_lots)
    sized = found.code not in REASONS or found.code in RULE_NAMES
    figures: dict[str, str | None] = dict.fromkeys(_FIGURES)
    if sized and lots:
        figures = _figures(contract, setup.side, lots, found)
    price = quote.price if quote else None
    return ScanRow(
        contract=contract.id,
        base=contract.base,
        settle=contract.settle,
        sector=contract.sector,
        fits=bool(found.lots),
        reason=None if found.lots else _reason(contract, setup, quote, found),
        price=contract.price_text(found.entry_ticks) if found.entry_ticks else price,
        lots=found.lots,
        quantity_unit=contract.quantity_unit,
        as_of=contract.as_of,
        **_market(quote),
        **figures,
    )


def _reason(contract: Contract, setup: Setup, quote: Quote | None, found: Any) -> str:
    """Why nothing fits, as ``lotwise.size`` names it; before that, why nothing was sized."""
    if found.code == codes.NO_PRICE and quote is not None:
        if contract.fees is None:
            return NO_FEES
        if funding8_of(contract, setup, quote) is None:
            return FUNDING
    if found.code == codes.BUDGET:
        scales = contract.scales
        by_lot = found.smallest_lots <= scales.min_lots or not scales.min_notional_cash
        return "lot" if by_lot else "min_notional"
    return REASONS[found.code]


def _market(quote: Quote | None) -> dict[str, str | None]:
    """What the quote says, beside its price."""
    return {
        "price_at": quote.at if quote else None,
        "price_source": quote.source if quote else None,
        "spread": quote.spread if quote else None,
        "volume": quote.volume if quote else None,
        "open_interest": quote.open_interest if quote else None,
        "funding_rate": quote.funding_rate if quote else None,
    }


_FIGURES: Final = (
    *("stop", "quantity", "contracts", "notional", "loss_at_stop", "budget", "waste", "costs"),
    *(
        "costs_of_budget",
        "leverage",
        "initial_margin",
        "liquidation",
        "liquidation_price",
        "liquidation_distance",
    ),
)


def _figures(contract: Contract, side: int, lots: Lots, found: Any) -> dict[str, str | None]:
    budget = max(1, found.budget_cash)
    price8 = _liquidation8(contract, side, lots, found)
    entry8 = found.entry_ticks * contract.scales.tick_size8
    away = None if price8 is None else scaled_text(abs(entry8 - price8) * 10_000 // entry8, 4, 2)
    unused = mul_div_floor(budget - found.loss_cash, 10_000, budget)
    return {
        "stop": contract.price_text(found.stop_ticks),
        "quantity": contract.quantity_text(lots),
        "contracts": contract.contracts_text(lots),
        "notional": cash_text(found.notional_cash),
        "loss_at_stop": cash_text(found.loss_cash),
        "budget": cash_text(found.budget_cash),
        "waste": scaled_text(unused, 4, 2) if found.lots else None,
        "costs": cash_text(found.costs_cash),
        "costs_of_budget": scaled_text(mul_div_ceil(found.costs_cash, 10_000, budget), 4, 2),
        "leverage": leverage_text(found.leverage100) if found.leverage100 and not contract.clearing else None,
        "initial_margin": cash_text(found.margin_cash) if found.margin_cash else None,
        "liquidation": "open" if price8 is not None else "none" if contract.tier_rows else "unknown",
        "liquidation_price": None if price8 is None else scaled_text(price8),
        "liquidation_distance": away,
    }


def _liquidation8(contract: Contract, side: int, lots: Lots, found: Any) -> int | None:
    """The kernel's fraction as a price; an inverse contract's worth once more, exactly."""
    if found.numerator <= 0:
        return None
    if contract.is_inverse:
        scale, entered = inverse_entered(
            contract, [(lots, Price8(found.entry_ticks * contract.scales.tick_size8))]
        )
        standing = Standing(
            contract,
            side,
            lots,
            scale * found.leverage100,
            Cash(entered * found.leverage100),
            Cash(entered * LEVERAGE),
            scaled_tiers(contract.liquidation_rows(), scale * found.leverage100),
        )
        return standing.price8(standing.liquidation(contract.maintenance_rule == "entry"))
    rounded = price8_ceil if side == LONG else price8_floor
    price8 = rounded(
        contract.spec_rows(),
        found.numerator,
        found.denominator,
        lots=lots,
        tick_size8=contract.scales.tick_size8,
    )
    return None if price8 == OVERFLOW else price8
