"""Event arrays of hftbacktest, npz files with ``ev, exch_ts, local_ts, px, qty``: book changes and trades.

Prices and quantities are floats there, so the tick and the lot must be told; a number off its grid is
refused. Events that the exchange does not process (EXCH_EVENT is not set, LOCAL_EVENT is) are passed by: they
say again, at the time of receipt, what another row says. There are no update ids and no trade ids in these
files:

* a message of the book is what has one exchange stamp; that stamp is its id, the stamp before it its previous
  one. Where a file begins with no snapshot, its first message has no previous one: to the check of sequences
  that is a gap, as it must be, since what lies between two files is not known;
* a trade's id is its stamp in microseconds times 4,096 plus its place among the trades of that microsecond:
  the same for the same file whenever it is read.

Source: hftbacktest's documentation, "Data preparation" and the constants of its ``types`` module.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market.cells import not_later
from lotwise.market.columns import INT64_MAX, LATEST_NS, Place
from lotwise.market.forms import Numbered, Part
from lotwise.market.kinds import DEPTH, TRADES, Kind, Scale, Table

if TYPE_CHECKING:
    import numpy as np

DEPTH_EVENT, TRADE_EVENT, CLEAR_EVENT, SNAPSHOT_EVENT = 1, 2, 3, 4
EXCH_EVENT, LOCAL_EVENT, BUY_EVENT = 1 << 31, 1 << 30, 1 << 29
KIND_BITS: Final = 0xFF
FIELDS: Final = ("ev", "exch_ts", "local_ts", "px", "qty")
TRADES_OF_A_MICROSECOND: Final = 4096
NEAR: Final = 2.0**-50
"""A float so near to a multiple of the tick, by its size, is that multiple: a few units in its last place."""


def parts(path: Path, tick: str, lot: str, latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """Book changes and trades of a file.

    Parameters
    ----------
    tick, lot
        Steps of price and quantity as decimal text: ``0.1``, ``0.001``.

    Raises
    ------
    InputError
        DATA-120 not a whole npz, DATA-125 a number off its grid, DATA-126 no tick or lot, DATA-127 a book
        that is cleared and not told anew, DATA-128 neither book nor trades in it, DATA-132 other fields,
        DATA-136.
    """
    import numpy as np

    steps = grid(tick, path.name), grid(lot, path.name)
    rows = events(path)
    local_alone = (rows["ev"] & (EXCH_EVENT | LOCAL_EVENT)) == LOCAL_EVENT
    at = np.flatnonzero(~local_alone)
    kinds = (rows["ev"][at] & KIND_BITS).astype(np.int64)
    _whole_snapshots(rows["exch_ts"][at], kinds, at, path.name)
    none = True
    for kind, mine in (
        (DEPTH, at[(kinds == DEPTH_EVENT) | (kinds == SNAPSHOT_EVENT)]),
        (TRADES, at[kinds == TRADE_EVENT]),
    ):
        if len(mine):
            none = False
            yield "", _table(kind, rows[mine], mine, steps=steps, file=path.name, latest_ns=latest_ns)
    if none:
        raise InputError(
            "DATA-128", f"{path.name} holds neither book changes nor trades", hint="see what it was made of"
        )


def grid(step: str, file: str) -> Decimal:
    """A tick or a lot, exactly.

    Raises
    ------
    InputError
        DATA-126 where it is missing or none.
    """
    try:
        found = Decimal(step)
        if found.is_finite() and 0 < found < 10**9 and int(found.as_tuple().exponent) >= -12:
            return found
    except InvalidOperation:
        pass
    raise InputError(
        "DATA-126",
        f"{file} holds floats: {step!r} is no tick or lot to count them by",
        hint="name both, as in --tick 0.1 --lot 0.001",
    )


def events(path: Path) -> np.ndarray[Any, Any]:
    """The array of events.

    Raises
    ------
    InputError
        DATA-120 not a whole npz file, DATA-132 no array with the fields of an event.
    """
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = arrays["data"] if "data" in arrays.files else None
            names = ", ".join(arrays.files)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise InputError(
            "DATA-120",
            f"{path.name}, row 1: not a whole npz file: {str(error).splitlines()[0]}",
            hint="make it again: it was cut off or is damaged",
        ) from error
    fields = () if found is None else found.dtype.names or ()
    if found is None or any(name not in fields for name in FIELDS):
        raise InputError(
            "DATA-132",
            f"{path.name}, row 1: no array 'data' with the fields {', '.join(FIELDS)}; it has"
            f" {', '.join(fields) or names or 'nothing'}",
            hint="make it with a version of hftbacktest since 2.0",
        )
    return np.asarray(found)


def _whole_snapshots(stamps: Any, kinds: Any, at: Any, file: str) -> None:
    """Refuse a book that is cleared in part: our snapshots are the whole book."""
    import numpy as np

    told = stamps[kinds == SNAPSHOT_EVENT]
    bare = (kinds == CLEAR_EVENT) & ~np.isin(stamps, told)
    if bool(bare.any()):
        raise InputError(
            "DATA-127",
            f"{file}, row {at[int(np.argmax(bare))] + 1}: the book is cleared and no snapshot has that stamp",
            hint="only a snapshot may clear the book",
        )


def _table(
    kind: Kind, rows: Any, at: Any, *, steps: tuple[Decimal, Decimal], file: str, latest_ns: int
) -> Table:
    import numpy as np
    import polars as pl

    place = Numbered(file, numbers=at + 1)
    scale = Scale(price=_decimals(steps[0]), quantity=_decimals(steps[1]))
    stamps = rows["exch_ts"].astype(np.int64)
    made: dict[str, Any] = {"time_ns": stamps}
    bought = (rows["ev"] & BUY_EVENT) != 0
    if kind is TRADES:
        made["id"] = _trade_ids(stamps, place)
    else:
        distinct, number = np.unique(stamps, return_inverse=True)
        made["first_id"] = made["last_id"] = stamps
        made["previous_id"] = np.concatenate(([0], distinct))[number]
        made["snapshot"] = (rows["ev"] & KIND_BITS) == SNAPSHOT_EVENT
        made["is_bid"] = bought
    made["price"] = on_grid(rows["px"], steps[0], place, "price")
    made["quantity"] = on_grid(rows["qty"], steps[1], place, "quantity")
    if kind is TRADES:
        made["buyer_is_maker"] = ~bought
    frame = pl.DataFrame(made).select(list(kind.columns))
    not_later(frame["time_ns"], latest_ns, place)
    if kind is DEPTH:  # of several changes of a level at one stamp the last is what rests there
        frame = frame.unique(list(kind.key), keep="last", maintain_order=True)
    return Table(kind, scale, frame)


def _decimals(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


def _trade_ids(stamps: Any, place: Place) -> Any:
    """A microsecond times 4,096, plus the place within it."""
    import numpy as np

    micros = stamps // 1000
    order = np.argsort(micros, kind="stable")
    ordered = micros[order]
    begins = np.searchsorted(ordered, ordered, side="left")
    within = np.empty_like(order)
    within[order] = np.arange(len(order)) - begins
    many = within >= TRADES_OF_A_MICROSECOND
    if bool(many.any()):
        raise InputError(
            "DATA-127",
            f"{place.row(int(np.argmax(many)))}: over {TRADES_OF_A_MICROSECOND:,} trades in a microsecond",
            hint="exch_ts must be in nanoseconds",
        )
    return micros * TRADES_OF_A_MICROSECOND + within


def on_grid(numbers: Any, step: Decimal, place: Place, name: str) -> Any:
    """Floats as whole numbers of the step's decimals, each a multiple of the step.

    Raises
    ------
    InputError
        DATA-125 where one is not.
    """
    import numpy as np

    decimals = _decimals(step)
    unit = int(step.scaleb(decimals))
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint(numbers / float(step))
        near = np.abs(steps * unit / 10.0**decimals - numbers) <= np.abs(numbers) * NEAR
        good = near & (np.abs(steps) * unit < min(INT64_MAX, 2**53))
    if not bool(good.all()):
        at = int(np.argmax(~good))
        raise InputError(
            "DATA-125",
            f"{place.row(at)}: {name} is {float(numbers[at])!r}, which is no multiple of {step}",
            hint="name the tick and the lot that the file was recorded with",
        )
    return steps.astype(np.int64) * unit
