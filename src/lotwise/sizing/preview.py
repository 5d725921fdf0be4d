"""``lotwise.preview``: an order in coins, contracts and money, and whether it looks like a slip."""

from __future__ import annotations

from dataclasses import replace

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import RATE
from lotwise.kernel.worth import worth_floor
from lotwise.records.answers import SizePlan
from lotwise.records.preview import OrderPreview
from lotwise.sizing.ask import read_side, side_text
from lotwise.sizing.plan import assemble
from lotwise.sizing.position import check_countable, read_quantity
from lotwise.sizing.question import Words
from lotwise.sizing.words import money, order_text, three_units
from lotwise.units import (
    Cash,
    Lots,
    Number,
    Price8,
    Ticks,
    cash_text,
    grouped,
    parse_cash,
    scaled_text,
)


def preview(
    contract: Contract | str,
    *,
    quantity: Number,
    price: Number,
    stop: Number,
    equity: Number,
    risk: Number = "1%",
    side: str = "long",
    expect: Number | None = None,
) -> OrderPreview:
    """What a quantity is in every unit, what the venue is sent, and whether it looks like a slip.

    Parameters
    ----------
    quantity
        ``"0.01 BTC"``, ``"100 contracts"``, or ``"600 USDT"`` worth of it (rounded down to the
        lot); a bare number counts coins, of an inverse contract the quote.
    price, stop
        The order's price on the tick and its stop, as in :func:`lotwise.size`.
    equity, risk
        Money of the account and the share or amount at risk: what the order is measured against.
    expect
        What the order should be worth in the settle coin: further off than one lot is refused.

    Raises
    ------
    InputError
        SIZE-048 the worth is not the one expected; SIZE-001 to SIZE-010, SIZE-030 to SIZE-033.

    Examples
    --------
    >>> seen = preview("binance:BTCUSDT", quantity="0.1", price="60000", stop="2%", equity="2000")
    >>> seen.preview, seen.plausible
    ('0.1 BTC = 0.1 contracts = 6,000.00 USDT', False)
    """
    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    ticks = found.price_ticks(price, "price")
    lots = _lots(found, quantity, ticks)
    check_countable(found, lots, Price8(ticks * found.scales.tick_size8))
    worth = worth_floor(found.spec_rows(), ticks, lots)
    if expect is not None:
        _check_expected(found, ticks, lots, worth, parse_cash(expect, "expect"))
    words = Words(side=side, entry=price, stop=stop, equity=equity, risk=risk)
    notes = []
    if found.fees is None:
        words = replace(words, fees=FeeSchedule("0", "0"))
        notes.append(f"the fees of {found.id} are unknown and not counted: it loses more")
    plan = assemble(words.on(found), (), words.on)
    owned = parse_cash(equity, "equity")
    warnings = [
        *_unit_warning(found, quantity, ticks, lots),
        *_size_warnings(found, lots, plan),
        *_worth_warning(found, worth, owned),
    ]
    smallest = found.scales.min_lots
    if lots < smallest:
        warnings.append(f"the venue takes {order_text(found, smallest)} at least")
    return OrderPreview(
        contract=found.id,
        side=side_text(read_side(side)),
        lots=lots,
        coins=found.coins_text(ticks, lots),
        contracts=found.contracts_text(lots),
        notional=cash_text(worth),
        settle=found.settle,
        preview=three_units(found, lots, worth),
        wire_quantity=found.contracts_text(lots),
        wire_unit=wire_unit(found),
        price=found.price_text(ticks),
        times_equity=scaled_text(mul_div_ceil(worth, 10_000, owned), 4, 2),
        largest=f"{found.quantity_text(plan.lots)} {found.quantity_unit}",
        plausible=not warnings,
        warnings=warnings + notes,
        as_of=found.as_of,
    )


def wire_unit(contract: Contract) -> str:
    """What the quantity of the venue's order counts.

    >>> wire_unit(Contract(symbol="X", base="BTC", tick_size="0.1", lot_size="1", contract_size="0.0001"))
    'contracts of 0.0001 BTC'
    """
    counted = contract.scales.per_lot16 // contract.scales.lot_size8  # of the unit, per contract in 1e-8
    if counted == RATE:
        return contract.quantity_unit
    return f"contracts of {scaled_text(counted)} {contract.quantity_unit}"


def _lots(contract: Contract, quantity: Number, ticks: Ticks) -> Lots:
    """Lots of a quantity in any unit; money is rounded down to the lot."""
    text = quantity.strip() if isinstance(quantity, str) else ""
    number, _, unit = text.partition(" ")
    spent = unit.strip().upper()
    if contract.is_inverse or spent not in {contract.quote.upper(), contract.settle.upper()}:
        return read_quantity(contract, quantity)
    lots = parse_cash(number, "quantity") // (ticks * contract.scales.cash_per_tick_lot)
    if lots <= 0:
        one = contract.notional_text(ticks, 1)
        raise InputError("SIZE-030", f"quantity is {quantity}: less than one lot", f"one lot is worth {one}")
    return Lots(lots)


def _check_expected(contract: Contract, ticks: Ticks, lots: Lots, worth: Cash, expected: Cash) -> None:
    lot = worth_floor(contract.spec_rows(), ticks, Lots(1))
    if abs(worth - expected) <= lot:
        return
    raise InputError(
        "SIZE-048",
        f"{order_text(contract, lots)} is worth {money(worth, contract.settle)},"
        f" not {money(expected, contract.settle)}",
        "check the unit: write BTC, contracts or USDT after the number",
    )


def _unit_warning(contract: Contract, quantity: Number, ticks: Ticks, lots: Lots) -> list[str]:
    """A bare number where a contract is not one unit: it could be meant in contracts."""
    text = str(quantity).strip()
    if " " in text or wire_unit(contract) == contract.quantity_unit:
        return []
    counted = read_quantity(contract, text)
    meant = ""
    try:
        other = read_quantity(contract, f"{text} contracts")
        worth = worth_floor(contract.spec_rows(), ticks, other)
        meant = f"; {text} contracts are {money(worth, contract.settle)}"
    except InputError:
        pass
    word = "contract" if contract.contracts_text(lots) == "1" else "contracts"
    return [
        f"{text} was read as {order_text(contract, counted)}, {grouped(contract.contracts_text(lots))}"
        f" {word}{meant}: write the unit"
    ]


def _size_warnings(contract: Contract, lots: Lots, plan: SizePlan) -> list[str]:
    """Beyond the largest size that the risk allows."""
    largest = plan.lots
    if plan.blocked_by is not None:
        return [f"no size fits this account: {plan.blocked_by.text}"]
    if lots <= largest:
        return []
    times = scaled_text(lots * 100 // largest, 2, 2)
    return [f"{times} times the largest size that fits, {order_text(contract, largest)}"]


def _worth_warning(contract: Contract, worth: Cash, owned: Cash) -> list[str]:
    if worth <= 5 * owned:
        return []
    times = scaled_text(worth * 100 // owned, 2, 2)
    return [f"worth {money(worth, contract.settle)}, {times} times the account"]
