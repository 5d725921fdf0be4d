"""Fills and round trips as rows of their tables, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from lotwise.records.journal import Fill, RoundTrip

if TYPE_CHECKING:
    from sqlalchemy import Column

FILL_NAMES: Final = Fill.__struct_fields__
TRIP_NAMES: Final = RoundTrip.__struct_fields__


def fill_columns() -> list[Column[Any]]:
    """The columns of a fill in the order of its fields."""
    from lotwise.store.tables import FILLS

    return [FILLS.c[name] for name in FILL_NAMES]


def trip_row(trip: RoundTrip) -> tuple[Any, ...]:
    """A round trip as a row of its table."""
    row = {name: getattr(trip, name) for name in TRIP_NAMES}
    return tuple(
        (row | {"is_inverse": int(trip.is_inverse), "other_fees": json.dumps(trip.other_fees)}).values()
    )


def trip_columns() -> list[Column[Any]]:
    """The columns of a round trip in the order of its fields."""
    from lotwise.store.tables import TRIPS

    return [TRIPS.c[name] for name in TRIP_NAMES]


def trip_of(row: Sequence[Any]) -> RoundTrip:
    """A round trip of its row."""
    values = dict(zip(TRIP_NAMES, row, strict=True))
    values["is_inverse"] = bool(values["is_inverse"])
    others = values["other_fees"]
    values["other_fees"] = tuple((coin, cash) for coin, cash in json.loads(others)) if others != "[]" else ()
    return RoundTrip(**values)


def fill_of(row: Sequence[Any]) -> Fill:
    """A fill of its row."""
    values = dict(zip(FILL_NAMES, row, strict=True))
    values["is_inverse"] = bool(values["is_inverse"])
    return Fill(**values)
