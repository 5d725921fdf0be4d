"""A venue's raw answers read as integers: text in, ticks, lots and cash out, nothing by way of a float.

JSON is parsed so that fractions stay text. An order's price and quantity are exact or refused; what a venue
averages or estimates (entry, mark and liquidation prices, margins) may be finer than 1e-8 and is rounded half
to even.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

from lotwise.contracts.contract import Contract
from lotwise.contracts.refresh.reading import Contradiction, decimal
from lotwise.errors import LotwiseError, VenueError
from lotwise.units import Cash, Lots, Price8, Rate8, Ticks, parse_scaled, shown

Raw = Mapping[str, Any]
MS: Final = 10**6
_FINEST: Final = Decimal("1e-8")
_WIDE: Final = Context(prec=60)


def exact_json(text: str) -> Any:
    """JSON whose fractions stay text.

    >>> exact_json('{"price": 0.1, "id": 12}')
    {'price': '0.1', 'id': 12}
    """
    return json.loads(text, parse_float=str)


def broken(venue: str, what: str) -> VenueError:
    """The error of an answer that cannot be read."""
    return VenueError("BROKER-150", f"{venue} answers {what}", "nothing was assumed: look at the venue's app")


class Reader:
    """Reads one object of an answer."""

    def __init__(self, venue: str, raw: Any) -> None:
        if not isinstance(raw, Mapping):
            raise broken(venue, f"{shown(raw)} where an object belongs")
        self.venue, self.raw = venue, raw

    def text(self, *names: str) -> str:
        """The first of some fields that is there, as text; empty where none is."""
        for name in names:
            value = self.raw.get(name)
            if value is not None and value != "":
                return ("true" if value else "false") if isinstance(value, bool) else str(value)
        return ""

    def needed(self, *names: str) -> str:
        """As :meth:`text`, and must be there.

        Raises
        ------
        VenueError
            BROKER-150.
        """
        found = self.text(*names)
        if not found:
            raise broken(self.venue, f"without {names[0]}: {shown(dict(self.raw))}")
        return found

    def number(self, *names: str) -> Decimal | None:
        """A number, exact; None where the field is empty or missing."""
        for name in names:
            try:
                found = decimal(self.raw, name)
            except Contradiction as error:
                raise broken(self.venue, str(error)) from None
            if found is not None:
                return found
        return None

    def told(self, *names: str) -> Reader:
        """Itself, where every one of these numbers is there: one left out would count as 0.

        Raises
        ------
        VenueError
            BROKER-150 one is missing or empty.
        """
        for name in names:
            if self.number(name) is None:
                raise broken(self.venue, f"without {name}: {shown(dict(self.raw))}")
        return self

    def flag(self, *names: str) -> bool:
        """Yes or no, also as text; missing is no."""
        return self.text(*names).lower() in ("true", "1")

    def whole(self, *names: str) -> int:
        """A whole number; 0 where missing."""
        found = self.number(*names)
        if found is None:
            return 0
        if found != int(found):
            raise broken(self.venue, f"{names[0]} {found}: not whole")
        return int(found)

    def time_ns(self, *names: str) -> int:
        """Milliseconds as ns; 0 where missing."""
        return self.whole(*names) * MS

    def cash(self, *names: str) -> Cash:
        """Money, half to even at 1e-8; 0 where missing."""
        return Cash(self._scaled(*names) or 0)

    def price8(self, *names: str) -> Price8:
        """A price that need not lie on the tick; 0 where missing."""
        return Price8(self._scaled(*names) or 0)

    def price8_or_none(self, *names: str) -> Price8 | None:
        """As :meth:`price8`; None where missing or not above 0."""
        found = self._scaled(*names)
        return Price8(found) if found and found > 0 else None

    def rate8(self, *names: str) -> Rate8 | None:
        """A rate; None where missing."""
        found = self._scaled(*names)
        return None if found is None else Rate8(found)

    def _scaled(self, *names: str) -> int | None:
        found = self.number(*names)
        if found is None:
            return None
        return int(found.quantize(_FINEST, ROUND_HALF_EVEN, _WIDE).scaleb(8, _WIDE))

    def leverage100(self, *names: str) -> int | None:
        """Leverage in hundredths; None where missing."""
        found = self.number(*names)
        return None if found is None else int(found * 100)

    def ticks(self, contract: Contract, *names: str) -> Ticks:
        """An order's price, exact; 0 where missing.

        Raises
        ------
        VenueError
            BROKER-150 between two ticks.
        """
        found = self.number(*names)
        return Ticks(0) if not found else Ticks(self._steps(contract, found, contract.scales.tick_size8))

    def nearest_ticks(self, contract: Contract, *names: str) -> Ticks:
        """A market's price, to the nearest tick; 0 where missing."""
        price8, tick8 = self.price8(*names), contract.scales.tick_size8
        return Ticks((2 * price8 + tick8) // (2 * tick8))

    def lots(self, contract: Contract, *names: str) -> Lots:
        """A quantity in the unit of the venue's orders, exact, with its sign; 0 where missing.

        Raises
        ------
        VenueError
            BROKER-150 no whole number of lots.
        """
        found = self.number(*names)
        return Lots(0) if not found else Lots(self._steps(contract, found, contract.scales.lot_size8))

    def _steps(self, contract: Contract, value: Decimal, step8: int) -> int:
        try:
            steps, rest = divmod(abs(parse_scaled(value, contract.id)), step8)
        except LotwiseError as error:
            raise broken(self.venue, f"{value} for {contract.id}: {error.message}") from None
        if rest:
            raise VenueError(
                "BROKER-150",
                f"{self.venue} answers {value} for {contract.id}, whose steps are"
                f" {contract.tick_size} in price and {contract.lot_size} in quantity",
                f"its rules have changed: lotwise contracts refresh --venue {contract.venue}",
            )
        return -steps if value < 0 else steps


Level = tuple[Ticks, Lots]
"""A price and what rests at it."""


def levels(book: Reader, contract: Contract, name: str) -> tuple[Level, ...]:
    """One side of a book, told as pairs of price and quantity; a part of a lot is cut.

    Raises
    ------
    VenueError
        BROKER-150 the side is missing, or a pair is none.
    """
    told = book.raw.get(name)
    if not isinstance(told, list):
        raise broken(book.venue, f"without {name}: {shown(told)}")
    found = []
    for pair in told:
        if not isinstance(pair, list) or len(pair) < 2:
            raise broken(book.venue, f"{shown(pair)} where price and quantity belong")
        row = Reader(book.venue, {"price": pair[0], "quantity": pair[1]}).told("price", "quantity")
        lots = int(row.price8("quantity")) // contract.scales.lot_size8
        ticks = row.nearest_ticks(contract, "price")
        if ticks < 1 or lots < 0:
            raise broken(book.venue, f"{shown(pair)} where price and quantity belong")
        found.append((ticks, Lots(lots)))
    return tuple(found)


def rows(venue: str, answer: Any, *path: str) -> Iterator[Reader]:
    """The objects of a list inside an answer, by the names that lead to it; none where it is null.

    Raises
    ------
    VenueError
        BROKER-150 something else stands there.
    """
    found = inside(venue, answer, *path)
    if found is None:
        return
    if not isinstance(found, list):
        raise broken(venue, f"{shown(found)} where a list belongs")
    for row in found:
        yield Reader(venue, row)


def inside(venue: str, answer: Any, *path: str) -> Any:
    """What stands at a path of names.

    Raises
    ------
    VenueError
        BROKER-150 an object on the way is none.
    """
    for name in path:
        if not isinstance(answer, Mapping):
            raise broken(venue, f"{shown(answer)} where an object with {name} belongs")
        answer = answer.get(name)
    return answer
