"""Reading a trader's words: sides, prices, stops, costs, risk. Every error is coded.

Prices must lie on the tick. A stop given as a distance (``2%``, ``1.5atr``) is rounded to the
tick *toward* the entry: never wider than asked. A cost given as a distance is rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lotwise.contracts.contract import MAX_LEVERAGE100, Contract, FeeSchedule
from lotwise.errors import FactsError, InputError
from lotwise.kernel.layout import LEVERAGE, LONG, RATE, SHORT
from lotwise.records.order import EntryLeg
from lotwise.sizing.funding import funding_of_history
from lotwise.units import (
    Cash,
    Number,
    Rate8,
    Ticks,
    cash_text,
    parse_cash,
    parse_rate,
    parse_scaled,
    scaled_text,
    shown,
)

Entries = Number | Sequence[tuple[Number, Number]]

_SIDES: Final = {"long": LONG, "buy": LONG, "short": SHORT, "sell": SHORT}
LIQUIDATION_STOP: Final = "liquidation"
SMALLEST_SHARE8: Final = RATE // 100
"""A leg of less than 1 % is a slip; it also bounds how far a legal split must be searched."""


def read_side(side: object) -> int:
    """``long``/``buy`` or ``short``/``sell``.

    Raises
    ------
    InputError
        SIZE-003.
    """
    found = _SIDES.get(side.strip().lower()) if isinstance(side, str) else None
    if found is None:
        raise InputError("SIZE-003", f"side is {shown(side)}", "use long or short")
    return found


def side_text(side: int) -> str:
    """``long`` or ``short``."""
    return "long" if side == LONG else "short"


def read_entries(contract: Contract, side: int, entry: Entries) -> tuple[EntryLeg, ...]:
    """One price, or a ladder ``[("65000", "30%"), ...]`` / ``"65000:30%,64000:70%"``.

    Raises
    ------
    InputError
        SIZE-001, SIZE-002 price; SIZE-004 shares that are not positive or do not sum to 100 %.
    """
    pairs: list[tuple[Number, Number]]
    if isinstance(entry, str) and ":" in entry:
        pairs = []
        for piece in entry.split(","):
            price, _, share = piece.partition(":")
            pairs.append((price, share))
    elif isinstance(entry, Sequence) and not isinstance(entry, str):
        pairs = [_pair(item) for item in entry]
    else:
        pairs = [(entry, "100%")]
    legs = sorted(
        ((contract.price_ticks(at, "entry"), parse_rate(part, "entry share")) for at, part in pairs),
        key=lambda leg: -side * leg[0],
    )
    cumulative = 0
    read = []
    for ticks, part in legs:
        if part < SMALLEST_SHARE8:
            raise InputError("SIZE-004", "an entry share is below 1 %", "give each leg 1 % or more")
        cumulative += part
        read.append(EntryLeg(price_ticks=ticks, cumulative_share8=Rate8(cumulative)))
    if cumulative != RATE:
        raise InputError(
            "SIZE-004",
            f"the entry shares sum to {scaled_text(cumulative, 6)} %",
            "make them sum to 100 %, e.g. 65000:30%,64500:40%,64000:30%",
        )
    return tuple(read)


def _pair(item: object) -> tuple[Number, Number]:
    if isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2:
        return item[0], item[1]
    raise InputError("SIZE-004", f"entry leg {shown(item)} is not a pair", 'give ("65000", "30%")')


def average_ticks8(entries: tuple[EntryLeg, ...]) -> int:
    """Share-weighted entry price in 1e-8 ticks, exact: distances are measured from it."""
    total = 0
    before = 0
    for leg in entries:
        total += leg.price_ticks * (leg.cumulative_share8 - before)
        before = leg.cumulative_share8
    return total


def read_stop(
    contract: Contract, side: int, entries: tuple[EntryLeg, ...], stop: Number, atr: Number | None
) -> Ticks:
    """Stop price in ticks from ``"63700"``, ``"2%"`` or ``"1.5atr"``.

    Raises
    ------
    InputError
        SIZE-001, SIZE-002 price; SIZE-005 on the wrong side of an entry or equal to it;
        SIZE-006 distance out of range; SIZE-007 ATR missing.
    """
    text = stop.strip().lower() if isinstance(stop, str) else ""
    if text.endswith(("%", "bp")):
        ticks = _at_distance8(
            side, entries, average_ticks8(entries) * distance8_of(parse_rate(text, "stop")) // RATE
        )
    elif text.endswith("atr"):
        ticks = _at_distance8(side, entries, _atr_distance8(contract, text, atr))
    else:
        ticks = contract.price_ticks(stop, "stop")
    nearest = entries[-1].price_ticks
    if side * (nearest - ticks) <= 0:
        wanted = "below" if side == LONG else "above"
        raise InputError(
            "SIZE-005",
            f"stop {contract.price_text(ticks)} is not {wanted} the entry {contract.price_text(nearest)}"
            f" of a {side_text(side)}",
            f"give a stop {wanted} {contract.price_text(nearest)}"
            + ("" if ticks != nearest else ", at least one tick away"),
        )
    return ticks


def distance8_of(rate: Rate8) -> int:
    """A distance as a share of the price in 1e-8, checked to be above 0 % and below 1000 %.

    Raises
    ------
    InputError
        SIZE-006.
    """
    if not 0 < rate < 10 * RATE:
        raise InputError(
            "SIZE-006", f"the distance is {scaled_text(rate, 6)} %", "use above 0 % and below 1000 %"
        )
    return rate


def _atr_distance8(contract: Contract, text: str, atr: Number | None) -> int:
    multiple = parse_rate(text[:-3].rstrip() or "1", "stop")
    if atr is None:
        raise InputError("SIZE-007", f"stop is {shown(text)} but no ATR was given", "add the ATR, e.g. 650")
    size8 = parse_scaled(atr, "atr")
    if multiple <= 0 or size8 <= 0:
        raise InputError("SIZE-006", f"stop is {shown(text)} with ATR {atr}", "both must be positive")
    return multiple * size8 // contract.scales.tick_size8


def _at_distance8(side: int, entries: tuple[EntryLeg, ...], distance8: int) -> Ticks:
    """The on-tick price at a distance in 1e-8 ticks from the average entry, rounded toward it."""
    if distance8 < RATE:
        raise InputError("SIZE-006", "the stop distance is less than one tick", "use a larger distance")
    exact8 = average_ticks8(entries) - side * distance8
    ticks = -(-exact8 // RATE) if side == LONG else exact8 // RATE
    if ticks <= 0:
        raise InputError("SIZE-006", "the stop distance reaches a price of zero", "use a smaller distance")
    return Ticks(ticks)


def read_cost_ticks(contract: Contract, value: Number, name: str, reference_ticks: int) -> Ticks:
    """A spread or slippage allowance, rounded up to ticks: ``"0.5"``, ``"5t"``, ``"2bp"``, ``"0.02%"``.

    Raises
    ------
    InputError
        SIZE-008 negative, or as large as the price itself.
    """
    text = value.strip().lower() if isinstance(value, str) else ""
    if text.endswith(("%", "bp")):
        ticks = -(-parse_rate(text, name) * reference_ticks // RATE)
    elif text.endswith(("ticks", "t")):
        ticks = parse_scaled(text.removesuffix("ticks").removesuffix("t"), name, 0)
    else:
        ticks = -(-parse_scaled(value, name) // contract.scales.tick_size8)
    if not 0 <= ticks < reference_ticks:
        raise InputError(
            "SIZE-008",
            f"{name} is {value}: outside 0 to the price",
            f"give {name} as 5t, 2bp or a price amount",
        )
    return Ticks(ticks)


def read_risk(risk: Number, equity: Cash) -> tuple[Rate8, Cash]:
    """(share of equity, money): ``"1%"`` or ``"10"``; exactly one is not zero.

    Raises
    ------
    InputError
        SIZE-009 not positive, or more than the equity.
    """
    text = risk.strip() if isinstance(risk, str) else ""
    if text.endswith(("%", "bp")):
        rate = parse_rate(text, "risk")
        if not 0 < rate <= RATE:
            raise InputError("SIZE-009", f"risk is {text}", "use above 0 % up to 100 %; 1 % is usual")
        return rate, Cash(0)
    cash = parse_cash(risk, "risk")
    if not 0 < cash <= equity:
        held = f"the equity is {cash_text(equity)}"
        raise InputError("SIZE-009", f"risk is {risk}; {held}", "use a share like 1% or an amount like 10")
    return Rate8(0), cash


def read_equity(equity: Number, name: str = "equity") -> Cash:
    """Money of the account.

    Raises
    ------
    InputError
        SIZE-010 zero or negative.
    """
    cash = parse_cash(equity, name)
    if cash <= 0:
        raise InputError("SIZE-010", f"{name} is {equity}: nothing to trade with", f"give {name} above 0")
    return cash


def read_leverage(contract: Contract, leverage: Number | None, name: str = "leverage") -> int:
    """Leverage in hundredths, 0 for ``None``; ``"3"`` and ``"3x"``.

    Raises
    ------
    InputError
        SIZE-011 below 1 or not a step of the venue; SIZE-012 over the contract's largest.
    """
    if leverage is None:
        return 0
    text = leverage.strip().lower().removesuffix("x") if isinstance(leverage, str) else leverage
    value = parse_scaled(text, name, 2)
    step = contract.scales.leverage_step100
    if value < LEVERAGE or value % step:
        raise InputError(
            "SIZE-011",
            f"{name} is {leverage}: not 1 or more in steps of {scaled_text(step, 2)}",
            f"use {max(1, value // LEVERAGE)}",
        )
    most = contract.scales.max_leverage100 or MAX_LEVERAGE100
    if value > most:
        raise InputError(
            "SIZE-012",
            f"{name} is {scaled_text(value, 2)}x: {contract.id} allows {scaled_text(most, 2)}x at most",
            f"use {scaled_text(most, 2)} or less",
        )
    return value


def read_fees(contract: Contract, fees: FeeSchedule | None) -> FeeSchedule:
    """The fees given, or the contract's.

    Raises
    ------
    FactsError
        CONTRACT-301 unknown.
    """
    if fees is not None and not isinstance(fees, FeeSchedule):
        raise InputError("CONTRACT-122", f"fees is {shown(fees)}", 'give FeeSchedule("0.0002", "0.0005")')
    found = fees or contract.fees
    if found is None:
        raise FactsError(
            "CONTRACT-301",
            f"the fees of {contract.id} as of {contract.as_of} are unknown",
            "give your maker and taker fee",
        )
    return found


def read_funding(
    contract: Contract,
    side: int,
    rate: Number | None,
    hold_hours: Number,
    interval_hours: Number | None,
    history: Sequence[Number] = (),
) -> Rate8:
    """Total funding this side pays over the hold, as a rate of notional; income counts as 0.

    A hold of h hours meets at most ceil(h / interval) funding stamps. With a history of rates,
    what 19 of 20 such holds would have paid.

    Raises
    ------
    InputError
        SIZE-014 hold out of range, or a hold without a funding rate.
    FactsError
        CONTRACT-302 funding interval unknown.
    """
    paid = 0 if rate is None else side * parse_rate(rate, "funding_rate")
    if not -RATE // 10 <= paid <= RATE // 10:
        raise InputError(
            "SIZE-014", f"funding_rate is {rate}: above 10 % per interval", "write 0.01 % as 0.01%"
        )
    hours100 = parse_scaled(hold_hours, "hold_hours", 2)
    if not 0 <= hours100 <= 876_000:
        raise InputError("SIZE-014", f"hold is {hold_hours} hours", "use 0 to 8760 hours")
    given = None if interval_hours is None else parse_scaled(interval_hours, "funding_interval_hours", 0)
    if given is not None and not 1 <= given <= 24:
        raise InputError("SIZE-014", f"funding interval is {interval_hours} hours", "use 1 to 24")
    if hours100 == 0 and (rate is not None or given is not None or history):
        raise InputError("SIZE-014", "funding is given without a hold", "add the hold in hours, e.g. 24")
    if hours100 == 0 or contract.is_dated:
        return Rate8(0)
    if rate is not None and history:
        raise InputError("SIZE-014", "funding is given as a rate and as a history", "give one of them")
    if rate is None and not history:
        raise InputError(
            "SIZE-014",
            f"a hold of {hold_hours} hours needs the funding rate",
            "add the funding rate per interval, e.g. 0.01%",
        )
    hours = given or (contract.funding.interval_hours if contract.funding else None)
    if hours is None:
        raise FactsError(
            "CONTRACT-302",
            f"the funding interval of {contract.id} is unknown",
            "add the funding interval in hours, e.g. 8",
        )
    stamps = -(-hours100 // (hours * 100))
    total = funding_of_history(history, stamps, side) if history else max(0, paid) * stamps
    if total > RATE // 2:
        raise InputError(
            "SIZE-014",
            f"funding over the hold comes to {scaled_text(total, 6)} % of the notional",
            "shorten the hold or check funding_rate: it is per interval",
        )
    return Rate8(total)
