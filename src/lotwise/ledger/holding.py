"""A position walked through its fills: what each closes, opens and realises.

The kernel's rule ("Bookings"): what was paid for a position is kept as a sum; a partial close releases its
share by floor, and the rest stays, so that nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lotwise.errors import InputError
from lotwise.records.journal import Fill
from lotwise.units import SCALE

SIDES: Final = {"long": 1, "short": -1}


def worth_cash(price8: int, quantity8: int, multiplier8: int, is_inverse: bool) -> int:
    """Worth of a fill in 1e-8 of the settle coin, rounded half to even once.

    Linear: quantity x multiplier x price; whole for every contract of the catalogue. Inverse: quantity x
    multiplier / price, in the coin.

    >>> worth_cash(94_000 * 10**8, 10**6, 10**8, False)
    94000000000
    >>> worth_cash(50_000 * 10**8, 3 * 10**8, 100 * 10**8, True)
    600000
    """
    if is_inverse:
        return _half_even(quantity8 * multiplier8, price8)
    return _half_even(price8 * quantity8 * multiplier8, SCALE * SCALE)


def _half_even(over: int, under: int) -> int:
    whole, rest = divmod(over, under)
    return whole + (2 * rest > under or (2 * rest == under and whole % 2 == 1))


@dataclass
class Holding:
    """What is held, signed, and what was paid for it."""

    quantity8: int = 0
    entry_cash: int = 0


@dataclass(frozen=True)
class Step:
    """What one fill did to a position."""

    closing8: int
    opening8: int
    closing_cash: int
    """Worth of the closing part at the fill's price."""
    opening_cash: int
    released_cash: int
    """What had been paid for the closing part."""
    realised_cash: int


def apply(holding: Holding, fill: Fill) -> Step:
    """Walk one fill on; the holding is changed.

    Raises
    ------
    InputError
        LEDGER-104 a fill of nothing, at no price; LEDGER-105 a hedge position closed further than it is held.
    """
    if fill.quantity8 <= 0 or fill.price8 <= 0 or fill.multiplier8 <= 0 or fill.side not in (1, -1):
        raise InputError(
            "LEDGER-104",
            f"{place_of(fill)}: a fill with side {fill.side}, quantity {fill.quantity8}e-8 and price "
            f"{fill.price8}e-8 cannot be",
            "see the row it comes from",
        )
    worth = worth_cash(fill.price8, fill.quantity8, fill.multiplier8, fill.is_inverse)
    held = abs(holding.quantity8)
    closing = min(fill.quantity8, held) if holding.quantity8 * fill.side < 0 else 0
    opening = fill.quantity8 - closing
    own = SIDES.get(fill.position_side, 0)
    if own and opening and fill.side != own:
        raise InputError(
            "LEDGER-105",
            f"{place_of(fill)}: {fill.quantity8}e-8 close a {fill.position_side} of {held}e-8",
            "fills before it are missing: bring in the earlier ones",
        )
    closing_cash = worth * closing // fill.quantity8
    released = realised = 0
    if closing:
        released = holding.entry_cash * closing // held
        realised = fill.side * (released - closing_cash) * (-1 if fill.is_inverse else 1)
    holding.entry_cash += worth - closing_cash - released
    holding.quantity8 += fill.side * fill.quantity8
    return Step(closing, opening, closing_cash, worth - closing_cash, released, realised)


def place_of(fill: Fill) -> str:
    """Where a fill comes from, for a message."""
    name = f"{fill.venue}:{fill.contract} trade {fill.trade_id}"
    return f"{fill.source} ({name})" if fill.source else name


def in_order(fill: Fill) -> tuple[int, int, str]:
    """Sorting key: time, then the venue's sequence, then the id."""
    return fill.time_ns, fill.sequence, fill.trade_id


def position_of(fill: Fill) -> tuple[str, str, str, str]:
    """The position a fill belongs to: venue, account, contract, hedge leg."""
    return fill.venue, fill.account, fill.contract, fill.position_side
