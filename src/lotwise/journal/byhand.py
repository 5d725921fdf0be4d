"""A fill written down by hand."""

from __future__ import annotations

from hashlib import blake2b

from lotwise.errors import InputError
from lotwise.journal.contracts import Facts
from lotwise.journal.reading import BUYS
from lotwise.records.journal import Fill
from lotwise.units import parse_cash, parse_scaled


def fill_by_hand(
    venue: str,
    symbol: str,
    side: str,
    quantity: str,
    price: str,
    *,
    time_ns: int,
    fee: str = "0",
    account: str = "main",
    trade_id: str = "",
    size: str = "",
) -> Fill:
    """A fill of what a user typed; without an id, the same typed twice is the same fill.

    Raises
    ------
    InputError
        JOURNAL-107 a side that is neither buy nor sell, a quantity or price that is not above zero;
        JOURNAL-114 a contract that is not known and has no size.
    """
    facts = Facts({symbol: size} if size else None)
    fact = facts.of(venue, symbol, place="typed")
    if side.strip().lower() not in BUYS:
        raise InputError("JOURNAL-107", f"the side is {side!r}", "buy or sell")
    numbers = [parse_scaled(quantity, "quantity"), parse_scaled(price, "price")]
    if min(numbers) <= 0:
        raise InputError("JOURNAL-107", f"{quantity} at {price}", "both are more than zero")
    typed = "\0".join((venue, account, symbol, side.lower(), *map(str, numbers), str(time_ns)))
    return Fill(
        venue=venue,
        account=account,
        contract=symbol,
        trade_id=trade_id or f"hand-{blake2b(typed.encode(), digest_size=8).hexdigest()}",
        time_ns=time_ns,
        sequence=int(trade_id) if trade_id.isascii() and trade_id.isdigit() and len(trade_id) <= 18 else 0,
        side=BUYS[side.strip().lower()],
        quantity8=numbers[0],
        price8=numbers[1],
        multiplier8=fact.multiplier8,
        is_inverse=fact.is_inverse,
        coin=fact.coin,
        fee_cash=parse_cash(fee, "fee"),
        source="by hand",
    )
