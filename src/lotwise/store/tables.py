"""The tables of today as SQLAlchemy knows them; :mod:`lotwise.store.migrations` makes them.

Columns are named with their units: ``_ns`` nanoseconds since 1970 UTC, ``_cash`` and ``8`` units of 1e-8.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

METADATA: Final = MetaData()


def _table(name: str, texts: str, wholes: str, key: str = "id") -> Table:
    columns: list[Column[str] | Column[int]] = []
    if key == "id":
        columns.append(Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True))
    columns += [Column(one, Text, primary_key=one == key) for one in texts.split()]
    columns += [Column(one, BigInteger) for one in wholes.split()]
    return Table(name, METADATA, *columns)


EVENTS: Final = _table("events", "stream kind subject key body", "time_ns")
FILLS: Final = _table(
    "fills",
    "venue account contract position_side trade_id order_id coin fee_coin exit_kind source",
    "time_ns sequence side price8 quantity8 multiplier8 is_inverse fee_cash realised_cash maker",
)
ENTRIES: Final = _table("entries", "account reference kind contract coin trade_id", "time_ns")
POSTINGS: Final = _table("postings", "book", "entry_id cash")
INCOMES: Final = _table(
    "incomes", "venue account income_id kind contract coin trade_id source", "time_ns cash"
)
TRIPS: Final = _table(
    "trips",
    "trip_id venue account contract position_side coin exit_kind other_fees",
    "side opened_ns closed_ns entry_quantity8 exit_quantity8 most_quantity8 multiplier8 is_inverse "
    "entry_cash exit_cash realised_cash fee_cash funding_cash venue_realised_cash fills",
    key="trip_id",
)
TRIP_ORDERS: Final = _table("trip_orders", "subject trip_id", "enters", key="")
"""Which orders' events are told of which trip; ``enters``: the order entered it."""
MEASURES: Final = _table(
    "measures",
    "trip_id",
    "fills bars mae_cash mfe_cash mae_price8 mfe_price8 change8 btc_change8 btc_volatility8 "
    "btc_correlation8 funding8 spread8",
    key="trip_id",
)
WORKED_OUT: Final = _table("worked_out", "name", "version", key="name")
"""By which version of its rules a table was worked out from the facts."""
