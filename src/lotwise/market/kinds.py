"""The kinds of market data, their columns, and the scale that makes whole numbers of decimals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl


class Unit(StrEnum):
    """What a column counts."""

    TIME = "time"
    """Nanoseconds since 1970 in UTC."""
    PRICE = "price"
    """Quote currency, in units of 10 ** -price decimals."""
    QUANTITY = "quantity"
    """Base coin or contracts, in units of 10 ** -quantity decimals."""
    MONEY = "money"
    """Quote currency, in units of 10 ** -money decimals."""
    RATE = "rate"
    """A share, in units of 10 ** -rate decimals."""
    COUNT = "count"
    """A number of things, or an id."""
    FLAG = "flag"
    """True or false."""


@dataclass(frozen=True)
class Scale:
    """How many decimals the whole numbers of a table have, by unit."""

    price: int = 0
    quantity: int = 0
    money: int = 0
    rate: int = 0

    def decimals(self, unit: Unit) -> int:
        """Decimals of a unit; 0 for what is counted in whole things."""
        return int(getattr(self, unit.value, 0))

    def holding(self, other: Scale) -> Scale:
        """The smallest scale that holds both."""
        return Scale(
            price=max(self.price, other.price),
            quantity=max(self.quantity, other.quantity),
            money=max(self.money, other.money),
            rate=max(self.rate, other.rate),
        )


@dataclass(frozen=True)
class Kind:
    """A kind of market data: its name, its columns in their order, and what tells two rows apart."""

    name: str
    columns: dict[str, Unit] = field(hash=False)
    key: tuple[str, ...] = ("time_ns",)


BARS: Final = Kind(
    "bars",
    {
        "time_ns": Unit.TIME,
        "open": Unit.PRICE,
        "high": Unit.PRICE,
        "low": Unit.PRICE,
        "close": Unit.PRICE,
        "volume": Unit.QUANTITY,
        "turnover": Unit.MONEY,
        "trades": Unit.COUNT,
        "taker_buy_volume": Unit.QUANTITY,
    },
)
"""Bars; the time is that of the opening."""
MARKS: Final = Kind("marks", dict(list(BARS.columns.items())[:5]))
"""Bars of the mark price."""
TRADES: Final = Kind(
    "trades",
    {
        "time_ns": Unit.TIME,
        "id": Unit.COUNT,
        "price": Unit.PRICE,
        "quantity": Unit.QUANTITY,
        "buyer_is_maker": Unit.FLAG,
    },
    key=("id",),
)
"""Trades of the market, or trades of one order at one price put together by the venue."""
FUNDING: Final = Kind("funding", {"time_ns": Unit.TIME, "rate": Unit.RATE, "interval_ns": Unit.COUNT})
"""Funding as charged; the interval is 0 where the source does not say."""

QUOTES: Final = Kind(
    "quotes",
    {
        "time_ns": Unit.TIME,
        "id": Unit.COUNT,
        "bid": Unit.PRICE,
        "bid_quantity": Unit.QUANTITY,
        "ask": Unit.PRICE,
        "ask_quantity": Unit.QUANTITY,
    },
    key=("id",),
)
"""Best bid and ask after each change; the id is the venue's number of that change."""
DEPTH: Final = Kind(
    "depth",
    {
        "time_ns": Unit.TIME,
        "first_id": Unit.COUNT,
        "last_id": Unit.COUNT,
        "previous_id": Unit.COUNT,
        "snapshot": Unit.FLAG,
        "is_bid": Unit.FLAG,
        "price": Unit.PRICE,
        "quantity": Unit.QUANTITY,
    },
    key=("last_id", "snapshot", "is_bid", "price"),
)
"""Changes of an order book, one row a level: what rests there now, 0 where nothing does.

The rows of one message share their ids: its first and last change, and the last change of the message
before it (Binance's U, u and pu; one number in all three where a venue has one). Rows of a snapshot are the
whole book.
"""
BANDS: Final = Kind(
    "bands",
    {"time_ns": Unit.TIME, "distance": Unit.RATE, "quantity": Unit.QUANTITY, "turnover": Unit.MONEY},
    key=("time_ns", "distance"),
)
"""What rests within a distance of the price, bids at negative distances (Binance's archive: bookDepth)."""
INTEREST: Final = Kind(
    "interest",
    {
        "time_ns": Unit.TIME,
        "open_interest": Unit.QUANTITY,
        "worth": Unit.MONEY,
        "long_short": Unit.RATE,
        "top_long_short": Unit.RATE,
        "taker_long_short": Unit.RATE,
    },
)
"""Open interest, its worth, and longs to shorts: of accounts, of large positions, of takers' volume.

A ratio of 0 is one that the source does not say.
"""

KINDS: Final = {kind.name: kind for kind in (BARS, MARKS, TRADES, FUNDING, QUOTES, DEPTH, BANDS, INTEREST)}


@dataclass(frozen=True)
class Table:
    """Rows of one kind for one contract, as whole numbers."""

    kind: Kind
    scale: Scale
    frame: pl.DataFrame

    def scaled(self, wanted: Scale) -> Table:
        """The same rows at a finer scale.

        Raises
        ------
        ValueError
            The scale wanted is coarser in a unit.
        """
        import polars as pl

        changes = []
        for name, unit in self.kind.columns.items():
            more = wanted.decimals(unit) - self.scale.decimals(unit)
            if more < 0:
                raise ValueError(
                    f"{name} has {self.scale.decimals(unit)} decimals; a coarser scale loses some"
                )
            if more:
                changes.append(pl.col(name) * 10**more)
        return replace(self, scale=wanted, frame=self.frame.with_columns(changes))
