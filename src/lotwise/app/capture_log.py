"""The log of a live capture: what was heard is on the disk within a second, whatever happens then.

A line is a checksum, a kind and the venue's own message. Lines are forced to the disk by
:meth:`Log.commit`; a line that a crash cut off is told by its checksum. When a log is settled, its messages
become rows of the store and the log is removed; settling it twice changes nothing, so a crash on the way
does no harm.
"""

from __future__ import annotations

import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.app.refresh import exact_json
from lotwise.errors import InputError, LotwiseError
from lotwise.market.columns import Place
from lotwise.market.forms import Form, table_of
from lotwise.market.kinds import DEPTH, KINDS, QUOTES, TRADES, Kind, Table
from lotwise.market.store import Series, Store, cannot_write, force_folder

if TYPE_CHECKING:
    from io import FileIO

try:
    import fcntl
except ImportError:  # Windows has none; a log is then taken to be nobody's
    fcntl = None  # type: ignore[assignment]

FOLDER: Final = ".capture"
SNAPSHOT: Final = "book"
"""The kind of line that holds a whole order book."""
GAP: Final = "gap"
"""The kind of line that tells of messages that never came."""
GAPS: Final = "gaps.jsonl"
_FORMS: Final = {
    kind.name: Form(kind, tuple(kind.columns), {name: name for name in kind.columns})
    for kind in (TRADES, QUOTES, DEPTH)
}


def folder_of(store: Store, series: Series) -> Path:
    """Where the logs of a contract lie."""
    return store.root / series.venue / series.contract.replace(":", "_") / FOLDER


class Log:
    """A log that is being written; nobody else settles it meanwhile.

    Raises
    ------
    InputError
        DATA-204 where the disk does not take it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """Bytes on the disk."""
        self._lines: list[bytes] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".new")  # under its own name nobody may find it before it is locked
            self._file: FileIO = beside.open("xb", buffering=0)
            locked(self._file)
            beside.rename(path)
            force_folder(path.parent)
        except OSError as error:
            raise cannot_write(path, error) from error

    def add(self, kind: str, text: str) -> None:
        """Remember a message for the next commit; it holds no line break."""
        line = f"{kind} {text}".encode()
        self._lines.append(b"%08x %b\n" % (zlib.crc32(line), line))

    def commit(self) -> None:
        """Force all that was added to the disk."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            left = memoryview(b"".join(lines))
            self.size += len(left)
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def close(self) -> None:
        """Commit, and let others settle it."""
        try:
            self.commit()
        finally:
            self._file.close()


def locked(file: FileIO) -> bool:
    """Take a log for oneself; False where another has it."""
    try:
        if fcntl is not None:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def entries(path: Path) -> Iterator[tuple[str, str]]:
    """Kind and message of every whole line; what a crash cut off is passed by."""
    with path.open("rb") as lines:
        for line in lines:
            check, _, rest = line.rstrip(b"\n").partition(b" ")
            if line.endswith(b"\n") and check == b"%08x" % zlib.crc32(rest):
                kind, _, text = rest.decode().partition(" ")
                yield kind, text


def left_over(store: Store, series: Series) -> list[Path]:
    """Logs that nobody is writing: a crash left them."""
    found = []
    for path in sorted(folder_of(store, series).glob("*.log")):
        with suppress(FileNotFoundError), path.open("rb", buffering=0) as file:
            if locked(file):
                found.append(path)
    return found


def settle(store: Store, series: Series, path: Path) -> Counter[str]:
    """Make rows of the store of a log, and remove it.

    Returns
    -------
    Rows by kind, with those that the store held already.

    Raises
    ------
    InputError
        DATA-453 where the store does not take them: the log stays.
    """
    rows: dict[str, list[Sequence[Any]]] = {}
    gaps = []
    for kind, text in entries(path):
        if kind == GAP:
            gaps.append(text)
        else:
            message = exact_json(text)
            name = DEPTH.name if kind == SNAPSHOT else kind
            rows.setdefault(name, []).extend(rows_of(kind, message))
    counts: Counter[str] = Counter()
    try:
        for name, found in rows.items():
            table = _table(name, found)
            counts[name] = len(table.frame)
            store.put(Series(series.venue, series.contract, KINDS[name]), table)
    except LotwiseError as error:
        raise InputError(
            "DATA-453",
            f"the store does not take what was recorded: {error.message}",
            f"it stays in {path.name}; {error.hint}; then: lotwise data capture ... --recover",
        ) from error
    _keep_gaps(path.parent / GAPS, gaps)
    path.unlink(missing_ok=True)
    force_folder(path.parent)
    return counts


def _table(name: str, rows: list[Sequence[Any]]) -> Table:
    """Rows as whole numbers; of two with one key the later, as a venue may write a level twice."""
    import polars as pl

    form = _FORMS[name]
    frame = pl.DataFrame(rows, schema=list(form.header), orient="row", infer_schema_length=None)
    made = table_of(form, frame, Place("the log", 1))
    key = list(form.kind.key)
    return replace(made, frame=made.frame.unique(key, keep="last", maintain_order=True))


def _keep_gaps(path: Path, gaps: list[str]) -> None:
    """Add to the list of gaps, each once; the old list or the new is there, never half of one."""
    if not gaps:
        return
    known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in dict.fromkeys([*known, *gaps]))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def gaps_of(store: Store, series: Series) -> list[dict[str, Any]]:
    """Every gap that captures of a contract met, as far as their logs are settled."""
    path = folder_of(store, series) / GAPS
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def rows_of(kind: str, message: dict[str, Any]) -> Iterator[Sequence[Any]]:
    """The rows of one message of Binance's streams, or of a snapshot, in the order of our columns."""
    if kind == TRADES.name:
        yield [message[name] for name in ("T", "a", "p", "q", "m")]
    elif kind == QUOTES.name:
        yield [message[name] for name in ("T", "u", "b", "B", "a", "A")]
    else:
        whole = kind == SNAPSHOT
        ids = [message[name] for name in (("lastUpdateId",) * 3 if whole else ("U", "u", "pu"))]
        sides = ("bids", "asks") if whole else ("b", "a")
        for side in sides:
            for price, quantity, *_ in message[side]:
                yield [message["T"], *ids, whole, side in ("bids", "b"), price, quantity]


def streamed(kind: Kind) -> str:
    """Binance's stream of a kind; the trades are those that ``fetch`` downloads."""
    return {TRADES: "aggTrade", QUOTES: "bookTicker", DEPTH: "depth@100ms"}[kind]
