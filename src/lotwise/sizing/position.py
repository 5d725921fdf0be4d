"""A position the account already holds, and what it does to the others under cross margin."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import FactsError, InputError
from lotwise.kernel.margin import maintenance_trunc
from lotwise.kernel.worth import pnl_trunc, worth_at_price8_trunc
from lotwise.sizing.ask import read_side
from lotwise.units import Cash, Lots, Number, Price8, parse_scaled, scaled_text, shown


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """An open position, for cross margin: ``Position(contract="binance:ETHUSDT", side="short",
    quantity="0.5", entry="3000", mark="3100")``; ``quantity`` as in :func:`read_quantity`, prices
    may be off-tick."""

    contract: Contract | str
    side: str
    quantity: Number
    entry: Number
    mark: Number | None = None


def read_quantity(contract: Contract, quantity: Number) -> Lots:
    """Lots of a quantity in coins (``"0.5"``, ``"0.5 BTC"``) or contracts (``"500 contracts"``).

    Of an inverse contract: in the quote (``"300 USD"``, ``"300"``) or contracts; coins would be
    another number of contracts at every price.

    Raises
    ------
    InputError
        SIZE-030 not positive; SIZE-031 between two lots: the message names both.
    """
    scales = contract.scales
    text = quantity.strip() if isinstance(quantity, str) else quantity
    in_contracts = False
    if isinstance(text, str):
        number, _, unit = text.partition(" ")
        unit = unit.strip().lower()
        in_contracts = unit in ("contract", "contracts", "ct")
        if unit and not in_contracts and unit != contract.quantity_unit.lower():
            raise InputError(
                "SIZE-032",
                f"quantity {shown(quantity)}: {contract.id} is not counted in that unit",
                f"use {contract.quantity_unit} or contracts",
            )
        text = number
    scaled16 = parse_scaled(text, "quantity", 16)
    per_lot16 = scales.lot_size8 * 10**8 if in_contracts else scales.per_lot16
    if scaled16 <= 0:
        raise InputError("SIZE-030", f"quantity is {quantity}", "give a quantity above 0")
    lots, rest = divmod(scaled16, per_lot16)
    if rest:
        name = contract.contracts_text if in_contracts else contract.quantity_text
        raise InputError(
            "SIZE-031",
            f"quantity {quantity} is not a multiple of the lot {name(1)} of {contract.id}",
            f"nearest quantities: {name(lots + 1)}"
            if lots == 0
            else f"nearest: {name(lots)} and {name(lots + 1)}",
        )
    return Lots(lots)


def read_price8(value: Number, name: str) -> Price8:
    """A positive price in 1e-8; entries and marks of positions are averages and may be off-tick.

    Raises
    ------
    InputError
        SIZE-001.
    """
    price8 = parse_scaled(value, name)
    if price8 <= 0:
        raise InputError("SIZE-001", f"{name} is {value}: a price is positive", f"give {name} above 0")
    return Price8(price8)


def check_countable(contract: Contract, lots: Lots, *prices8: Price8) -> None:
    """Refuse a quantity beyond the 64-bit proof at these prices.

    Raises
    ------
    InputError
        SIZE-033; of an inverse contract also for a price below one tick.
    """
    tick8 = contract.scales.tick_size8
    most = contract.exact_lots_at(max(prices8) // tick8 + 1)
    if contract.is_inverse and min(prices8) < tick8:
        raise InputError(
            "SIZE-033",
            f"{scaled_text(min(prices8))} is below one tick of {contract.id}: too small to count",
            f"give a price of {contract.tick_size} or more",
        )
    if lots > most:
        raise InputError(
            "SIZE-033",
            f"{contract.quantity_text(lots)} {contract.quantity_unit} at {scaled_text(max(prices8))}:"
            " too large to count",
            f"give {contract.quantity_text(most)} or less",
        )


def others_at_mark(own: Contract, others: Sequence[Position]) -> tuple[Cash, Cash]:
    """(maintenance margin, unrealised PnL) of other cross positions at their marks.

    Each amount is cut to 1e-8 as Binance shows it; a short's PnL falls when its mark rises.

    Raises
    ------
    InputError
        SIZE-034 not a list of positions; SIZE-035 another venue or coin.
    FactsError
        CONTRACT-303 a contract whose margin tiers are unknown.
    """
    if not isinstance(others, (list, tuple)) or not all(isinstance(one, Position) for one in others):
        raise InputError("SIZE-034", "others is not a list of positions", "give [Position(...), ...]")
    maintenance, pnl = 0, 0
    for other in others:
        contract = other.contract if isinstance(other.contract, Contract) else catalogue.load(other.contract)
        if (contract.venue, contract.settle) != (own.venue, own.settle):
            raise InputError(
                "SIZE-035",
                f"{contract.id} ({contract.settle}) does not share margin with {own.id} ({own.settle})",
                "cross margin is shared on one venue and in one coin",
            )
        if not contract.tier_rows:
            raise FactsError(
                "CONTRACT-303",
                f"the margin tiers of {contract.id} are unknown",
                "give a Contract with tiers, or leave the position out and lower the wallet",
            )
        spec, tick8 = contract.spec_rows(), contract.scales.tick_size8
        lots = read_quantity(contract, other.quantity)
        entry8 = read_price8(other.entry, "entry")
        mark8 = read_price8(other.entry if other.mark is None else other.mark, "mark")
        check_countable(contract, lots, entry8, mark8)
        worth = worth_at_price8_trunc(spec, mark8, lots, tick_size8=tick8)
        maintenance += maintenance_trunc(contract.liquidation_rows(), worth)
        pnl += pnl_trunc(
            spec, read_side(other.side), entry8=entry8, price8=mark8, lots=lots, tick_size8=tick8
        )
    return Cash(maintenance), Cash(pnl)
