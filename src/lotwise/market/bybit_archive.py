"""Files of Bybit's public archive (public.bybit.com/trading): trades, csv in a gz.

A trade's id there is a UUID, so an id of ours is 60 bits of it (:func:`lotwise.market.cells.uuid_ids`): the
same trade has the same id whenever and from whichever file it is read, the stream's captures included. Such
ids say nothing of the order: trades of one stamp lie in a store in the order of their ids, not of the
matching, and a missing one leaves no gap to be seen. Files of 2019 to 2021 begin with the latest trade; they
are turned round.

Source: the files' own header; the page of public.bybit.com names no columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lotwise.errors import InputError
from lotwise.market.columns import LATEST_NS
from lotwise.market.days import together
from lotwise.market.forms import Form, Part, csv_parts
from lotwise.market.kinds import TRADES, Table

HEADER: Final = (
    "timestamp",
    "symbol",
    "side",
    "size",
    "price",
    "tickDirection",
    "trdMatchID",
    "grossValue",
    "homeNotional",
    "foreignNotional",
)
FORM: Final = Form(
    TRADES,
    HEADER,
    {
        "time_ns": "timestamp",
        "id": "trdMatchID",
        "price": "price",
        "quantity": "size",
        "buyer_is_maker": "side",
    },
    contract="symbol",
)
"""The side is the taker's; a file may have further columns (RPI) after these."""


def parts(path: Path, latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """The trades of a file in the order of time, some at a time, with their contract.

    Raises
    ------
    InputError
        DATA-120 cut off, DATA-129 an id that is no UUID, and what :func:`lotwise.market.forms.csv_parts`
        refuses.
    """
    found: list[Part] = []
    backwards: bool | None = None
    for part in csv_parts(path, lambda header: FORM, latest_ns):
        if backwards is None:
            times = part[1].frame["time_ns"]
            backwards = int(times[0]) > int(times[-1])
        if backwards:
            found.append(part)
        else:
            yield part
    if backwards is None:
        raise InputError("DATA-103", f"{path.name} has a header and no row", hint="fetch it again")
    for contract, table in reversed(found):
        yield contract, Table(table.kind, table.scale, table.frame.reverse())


def read(path: Path, latest_ns: int = LATEST_NS) -> Table:
    """The trades of a file of one contract.

    Raises
    ------
    InputError
        DATA-121 where it holds several contracts, and as :func:`parts`.
    """
    found = list(parts(path, latest_ns))
    names = sorted({contract for contract, _ in found})
    if len(names) > 1:
        raise InputError(
            "DATA-121", f"{path.name} holds {', '.join(names)}, not one contract", hint="read its parts"
        )
    return together([table for _, table in found])
