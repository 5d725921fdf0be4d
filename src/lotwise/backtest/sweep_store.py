"""Results of sweeps in a folder: what is finished stays finished, and a run started again does the rest.

A sweep has a stamp: a hash of its bars, its contracts, its strategy's source, its parameters, its plan and
of lotwise's own source. Its results lie in a folder of that name, a Parquet file a chunk. A file is
written beside its place, forced to the disk and renamed; its name holds the hash of its bytes. So a file
is whole or it is not there, one that was damaged is seen and played again, and results of something else
are never mixed in.
"""

from __future__ import annotations

import errno
import inspect
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise import __version__
from lotwise.backtest.sweep import Sweep
from lotwise.backtest.sweep_row import NAMES, Outcome, told
from lotwise.backtest.workers import CHUNK, Workers, chunks_of, play_chunks
from lotwise.errors import LotwiseError

if TYPE_CHECKING:
    import polars as pl

OWN_FLOORS: Final = ("kernel", "strategy", "backtest", "broker", "records", "contracts")
"""Packages of lotwise whose source a result depends on."""
PLAN: Final = "sweep.json"

Progress = Callable[[int, int], None]
"""Told (cases that are there, cases in all)."""


@dataclass(frozen=True)
class Kept:
    """What a run found."""

    folder: Path
    outcomes: list[Outcome]
    found: int
    """Cases that were there already."""


def stamp_of(sweep: Sweep) -> str:
    """Name of a sweep: another figure anywhere in it, another name."""
    import numpy as np

    digest = blake2b(digest_size=12)
    parts: list[object] = [__version__, own_source(), source_of(sweep.strategy), repr(sweep.plan)]
    parts += [_words(sweep.plan.allowed), [told(one) for one in sweep.settings], sweep.periods]
    for part in parts:
        digest.update(repr(part).encode() + b"\0")
    for feed in sweep.feeds:
        digest.update(repr(feed.contracts).encode())
        digest.update(np.ascontiguousarray(feed.rows).view(np.uint8).data)
    return digest.hexdigest()


def _words(row: object) -> dict[str, int]:
    return {name: getattr(row, name) for name in type(row).__slots__}  # type: ignore[attr-defined]


@cache
def own_source() -> str:
    """Hash of lotwise's source, as far as results depend on it."""
    import lotwise

    digest = blake2b(digest_size=12)
    root = Path(lotwise.__file__).parent
    for floor in OWN_FLOORS:
        for path in sorted((root / floor).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def source_of(strategy: Any) -> str:
    """Hash of the files that a strategy and its parents stand in, and its name."""
    digest = blake2b(str(getattr(strategy, "__qualname__", strategy)).encode(), digest_size=12)
    for parent in getattr(strategy, "__mro__", (strategy,)):
        try:
            digest.update(Path(inspect.getfile(parent)).read_bytes())
        except (TypeError, OSError):  # built in, or typed into a prompt: its name has to do
            digest.update(repr(parent).encode())
    return digest.hexdigest()


def run(
    sweep: Sweep,
    folder: Path,
    workers: Workers | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> Kept:
    """Play what is not in the folder yet, and read all of it.

    Raises
    ------
    LotwiseError
        BACKTEST-311 the folder cannot be written: what is finished stays.
    """
    place = folder / stamp_of(sweep)[:16]
    _prepared(place, sweep, chunk)
    chunks = chunks_of(range(len(sweep)), chunk)
    there = dict(_there(place, chunks))
    missing = [number for number in range(len(chunks)) if number not in there]
    count = found = sum(len(chunks[number]) for number in there)
    if progress is not None:
        progress(count, len(sweep))

    def done(at: int, outcomes: list[Outcome]) -> None:
        nonlocal count
        there[missing[at]] = outcomes
        write_chunk(place, missing[at], outcomes)
        count += len(outcomes)
        if progress is not None:
            progress(count, len(sweep))

    play_chunks(sweep, [chunks[number] for number in missing], workers or Workers(), done)
    return Kept(place, [one for number in range(len(chunks)) for one in there[number]], found)


def _prepared(place: Path, sweep: Sweep, chunk: int) -> None:
    """Make the folder and say in it what is played; cut in chunks of another size it begins anew."""
    about = {
        "strategy": getattr(sweep.strategy, "__qualname__", str(sweep.strategy)),
        "cases": len(sweep),
        "settings": len(sweep.settings),
        "feeds": [feed.name for feed in sweep.feeds],
        "periods": [[one.since_ns, one.until_ns, one.warm_ns] for one in sweep.periods],
        "chunk": chunk,
        "version": __version__,
    }
    text = json.dumps(about, indent=1)
    try:
        place.mkdir(parents=True, exist_ok=True)
        plan = place / PLAN
        if plan.exists() and plan.read_text(encoding="utf-8") == text:
            return
        for old in place.glob("chunk-*.parquet"):
            old.unlink()
        _put(plan, text.encode())
    except OSError as error:
        raise cannot_write(place, error) from error


def _there(place: Path, chunks: Sequence[Sequence[int]]) -> list[tuple[int, list[Outcome]]]:
    """Chunks that are whole; files that are not are taken away."""
    found = []
    for path in sorted(place.glob("chunk-*.parquet")):
        outcomes = read_chunk(path)
        number = int(path.name.split("-")[1]) if path.name.split("-")[1].isdigit() else -1
        fits = outcomes is not None and 0 <= number < len(chunks)
        if outcomes is None or not fits or [one.number for one in outcomes] != list(chunks[number]):
            with suppress(OSError):
                path.unlink()
            continue
        found.append((number, outcomes))
    return found


def write_chunk(place: Path, number: int, outcomes: Sequence[Outcome]) -> Path:
    """Put a finished chunk in its place, on the disk before this returns.

    Raises
    ------
    LotwiseError
        BACKTEST-311.
    """
    from io import BytesIO

    held = BytesIO()
    table_of(outcomes).write_parquet(held, compression="zstd")
    content = held.getvalue()
    path = place / f"chunk-{number:06}-{blake2b(content, digest_size=8).hexdigest()}.parquet"
    try:
        _put(path, content)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def _put(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def cannot_write(place: Path, error: OSError) -> LotwiseError:
    """The error of a disk that does not take a result."""
    room = "make room on the disk and start it again: what is finished is kept, the rest is played"
    hints = {
        errno.ENOSPC: room,
        errno.EDQUOT: room,
        errno.ENOTDIR: "a file stands where a folder is needed: choose another folder",
        errno.EEXIST: "a file stands where a folder is needed: choose another folder",
    }
    return LotwiseError(
        "BACKTEST-311",
        f"{place} cannot be written: {error.strerror or error}",
        hints.get(error.errno or 0, "choose another folder, or see whose it is; what is finished is kept"),
    )


def read_chunk(path: Path) -> list[Outcome] | None:
    """The outcomes of a file; nothing where its bytes are not those of its name."""
    import polars as pl

    try:
        content = path.read_bytes()
        if blake2b(content, digest_size=8).hexdigest() != path.stem.rpartition("-")[2]:
            return None
        rows = pl.read_parquet(content).select(NAMES).iter_rows(named=True)
        return [Outcome(**row | {"day_cash": tuple(row["day_cash"])}) for row in rows]
    except (OSError, pl.exceptions.PolarsError, TypeError):
        return None


def table_of(outcomes: Sequence[Outcome], settings: Sequence[Mapping[str, object]] = ()) -> pl.DataFrame:
    """Outcomes as a table, a row a case; with ``settings`` a column for each parameter too."""
    import polars as pl

    kinds: dict[str, Any] = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}
    schema = {
        name: pl.List(pl.Int64) if name == "day_cash" else kinds[str(Outcome.__annotations__[name])]
        for name in NAMES
    }
    columns = {name: [getattr(one, name) for one in outcomes] for name in NAMES}
    columns["day_cash"] = [list(days) for days in columns["day_cash"]]
    table = pl.DataFrame(columns, schema=schema)
    if not settings:
        return table
    chosen = [settings[one.setting] for one in outcomes]
    return table.with_columns(
        pl.Series(name, [one.get(name) for one in chosen], strict=False) for name in settings[0]
    )
