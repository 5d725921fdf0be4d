"""A folder of market data: venue / contract / kind / day, one Parquet file each, whole or not there.

A file is written beside its place, forced to the disk, and then put in its place by one rename: whoever
reads finds the old day or the new one, never half of one. What was put is on the disk when
:meth:`Store.put` returns. Two that put into one series wait for each other.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.errors import InputError
from lotwise.market.kinds import KINDS, Kind, Scale, Table

if TYPE_CHECKING:
    import polars as pl

try:
    import fcntl
except ImportError:  # Windows has none; a series is then one program's at a time
    fcntl = None  # type: ignore[assignment]

DAY_NS: Final = 86_400 * 10**9
UNFINISHED: Final = ".unfinished"
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


def own_folder() -> Path:
    """Where a user's market data lies: ``LOTWISE_STORE``, else in the user's data folder."""
    if chosen := os.environ.get("LOTWISE_STORE"):
        return Path(chosen)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "lotwise" / "market"


@dataclass(frozen=True)
class Series:
    """What belongs together: one kind of data of one contract."""

    venue: str
    contract: str
    kind: Kind

    def __post_init__(self) -> None:
        for word in (self.venue, self.contract):
            if not _WORD.fullmatch(word):
                raise InputError(
                    "DATA-201",
                    f"{word!r} cannot name a folder",
                    hint="letters, digits and . _ : - only, as in binance and BTCUSDT",
                )


@dataclass(frozen=True)
class Day:
    """A day that the store holds."""

    series: Series
    day: date
    path: Path
    rows: int
    scale: Scale


class Store:
    """Market data in a folder.

    Parameters
    ----------
    root
        The folder; it is made when something is first put there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, series: Series, table: Table) -> list[Path]:
        """Add rows; those that are there already stay as they are. Days are put one after the other.

        Returns
        -------
        The files that were written; a day whose rows were all there is not written again.

        Raises
        ------
        InputError
            DATA-202 the table is of another kind, DATA-203 a row with the same key says something else: then
            nothing of its day is changed; DATA-204 the disk does not take it.
        """
        import polars as pl

        if table.kind != series.kind:
            raise InputError(
                "DATA-202", f"a table of {table.kind.name} put where {series.kind.name} belong", hint=""
            )
        parts = table.frame.with_columns(day=pl.col("time_ns") // DAY_NS).partition_by(
            "day", as_dict=True, include_key=False
        )
        written = []
        for (number,), frame in sorted(parts.items()):
            place = self.place(series, date(1970, 1, 1) + timedelta(days=int(number)))
            with alone(place.parent):
                if self._put_day(place, Table(table.kind, table.scale, frame)):
                    written.append(place)
        return written

    def place(self, series: Series, day: date) -> Path:
        """Where a day lies, or would."""
        folder = self.root / series.venue / series.contract.replace(":", "_") / series.kind.name
        return folder / f"{day.isoformat()}.parquet"

    def _put_day(self, place: Path, new: Table) -> bool:
        old = read(place, new.kind) if place.exists() else None
        merged = new if old is None else joined(old, new, place.name)
        if old is not None and len(merged.frame) == len(old.frame) and merged.scale == old.scale:
            return False
        write(
            place,
            Table(new.kind, merged.scale, merged.frame.sort(*dict.fromkeys(("time_ns", *new.kind.key)))),
        )
        return True

    def days(self, series: Series | None = None) -> Iterator[Day]:
        """What the store holds, in the order of names and days; unfinished files are passed by."""
        pattern = "*/*/*/*.parquet"
        if series is not None:
            pattern = f"{series.venue}/{series.contract.replace(':', '_')}/{series.kind.name}/*.parquet"
        for path in sorted(self.root.glob(pattern)):
            venue, contract, kind = path.relative_to(self.root).parts[:3]
            if kind in KINDS and not path.name.startswith("."):
                facts = described(path)
                yield Day(
                    series or Series(venue, contract, KINDS[kind]),
                    date.fromisoformat(path.stem),
                    path,
                    facts["rows"],
                    Scale(**facts["scale"]),
                )

    def scan(
        self, series: Series, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[pl.LazyFrame, Scale]:
        """The rows from ``since`` on and before ``until``, read when they are needed, at one scale.

        Raises
        ------
        InputError
            DATA-205 the store holds nothing of it.
        """
        import polars as pl

        first = since.astimezone(UTC).date() if since else date.min
        last = until.astimezone(UTC).date() if until else date.max
        found = [day for day in self.days(series) if first <= day.day <= last]
        if not found:
            raise InputError(
                "DATA-205",
                f"the store {self.root} holds no {series.kind.name} of {series.venue}:{series.contract}"
                + (f" from {first} to {last}" if since or until else ""),
                hint="import or fetch them first",
            )
        scale = Scale()
        for day in found:
            scale = scale.holding(day.scale)
        frames = [
            pl.scan_parquet(day.path).with_columns(_finer(series.kind, day.scale, scale)) for day in found
        ]
        rows = pl.concat(frames)
        if since:
            rows = rows.filter(pl.col("time_ns") >= nanoseconds(since))
        if until:
            rows = rows.filter(pl.col("time_ns") < nanoseconds(until))
        return rows, scale


def _finer(kind: Kind, have: Scale, wanted: Scale) -> list[pl.Expr]:
    import polars as pl

    more = {name: wanted.decimals(unit) - have.decimals(unit) for name, unit in kind.columns.items()}
    return [pl.col(name) * 10**places for name, places in more.items() if places]


def nanoseconds(moment: datetime) -> int:
    """An aware time as nanoseconds since 1970, exactly."""
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def joined(old: Table, new: Table, name: str) -> Table:
    """The rows of both, each once.

    Raises
    ------
    InputError
        DATA-203 where both have a row of one key and the rows differ.
    """
    import polars as pl

    scale = old.scale.holding(new.scale)
    rows = pl.concat([old.scaled(scale).frame, new.scaled(scale).frame]).unique(maintain_order=True)
    twice = rows.filter(rows.select(pl.struct(old.kind.key).is_duplicated()).to_series())
    if len(twice):
        key = dict(zip(old.kind.key, twice.select(old.kind.key).row(0), strict=True))
        raise InputError(
            "DATA-203",
            f"{name}: the store has another row at {key} than the one to be put; nothing was changed",
            hint="look at both; remove the day's file if the new one is right",
        )
    return Table(old.kind, scale, rows)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others out of a folder while something is put there.

    Raises
    ------
    InputError
        DATA-204 where the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)  # which frees it


def cannot_write(place: Path, error: OSError) -> InputError:
    """The error of a disk that does not take what is put there, with what mends its cause."""
    causes = {
        errno.ENOTDIR: "a file stands where a folder is needed: choose another folder",
        errno.EEXIST: "a file stands where a folder is needed: choose another folder",
        errno.ENOENT: f"the folder {place.parent} is not there: make it first, or see how it is spelled",
        errno.EACCES: "you may not write there: choose another folder, or see whose it is",
        errno.EPERM: "you may not write there: choose another folder, or see whose it is",
        errno.EROFS: "nothing can be written there: choose another folder",
        errno.ENAMETOOLONG: "choose a shorter name",
    }
    room = "make room on the disk, or choose another folder; what was there before is still there"
    return InputError(
        "DATA-204",
        f"{place} cannot be written: {error.strerror or error}",
        hint=causes.get(error.errno or 0, room),
    )


def checksum(frame: pl.DataFrame) -> str:
    """Hash of the rows as they are, by column."""
    digest = blake2b(digest_size=16)
    for column in frame.get_columns():
        digest.update(column.name.encode() + b"\0")
        digest.update(column.to_numpy().tobytes())
    return digest.hexdigest()


def write(place: Path, table: Table) -> None:
    """Put a whole file in its place, on the disk before this returns.

    Raises
    ------
    InputError
        DATA-204 where the disk does not take it; the file that was there stays.
    """
    facts = {
        "lotwise": json.dumps(
            {
                "kind": table.kind.name,
                "scale": asdict(table.scale),
                "rows": len(table.frame),
                "checksum": checksum(table.frame),
            }
        )
    }
    beside = place.with_name(f".{place.name}.{os.getpid()}{UNFINISHED}")
    try:
        table.frame.write_parquet(beside, metadata=facts)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(place)
        force_folder(place.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise cannot_write(place, error) from error


def force_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def described(path: Path) -> dict[str, Any]:
    """What a file says of itself.

    Raises
    ------
    InputError
        DATA-206 where it is no file of a store.
    """
    import polars as pl

    try:
        facts = json.loads(pl.read_parquet_metadata(path)["lotwise"])
    except (pl.exceptions.PolarsError, OSError, KeyError, ValueError) as error:
        raise InputError(
            "DATA-206",
            f"{path} is no file of a store, or is damaged: {str(error).splitlines()[0]}",
            hint="remove it and import that day again",
        ) from error
    found: dict[str, Any] = facts
    return found


def read(path: Path, kind: Kind) -> Table:
    """A day, looked at with its checksum.

    Raises
    ------
    InputError
        DATA-206 where the file is damaged or of another kind.
    """
    import polars as pl

    facts = described(path)
    try:
        frame = pl.read_parquet(path)
        good = facts["checksum"] == checksum(frame) and facts["kind"] == kind.name
    except (pl.exceptions.PolarsError, OSError):
        good = False
    if not good:
        raise InputError(
            "DATA-206", f"{path} is damaged or not of {kind.name}", hint="remove it and import that day again"
        )
    return Table(kind, Scale(**facts["scale"]), frame)
