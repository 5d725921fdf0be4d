"""What ``lotwise data import`` does with each file: which contract it is, and into the store with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lotwise.cli.screen import Screen
from lotwise.clock import SystemClock
from lotwise.errors import InputError
from lotwise.market import sources

if TYPE_CHECKING:
    from lotwise.market.store import Store

ALL: Final = "*"
LEEWAY_NS: Final = 3_600 * 10**9
"""This machine's clock may be wrong by so much before a row is in the future."""


def latest_ns() -> int:
    """No row may be later."""
    return SystemClock().now_ns() + LEEWAY_NS


def mapping_of(maps: Sequence[str]) -> dict[str, str]:
    """``("time_ns=Date", ...)`` as a mapping.

    Raises
    ------
    InputError
        DATA-123 where one has no ``=``, or one column is named twice.
    """
    found: dict[str, str] = {}
    for text in maps:
        ours, sign, theirs = text.partition("=")
        if not (sign and ours and theirs) or ours in found:
            told = f"--map names {ours} twice" if ours in found else f"--map {text!r} maps nothing"
            raise InputError("DATA-123", told, hint="our column, =, the file's: --map time_ns=Date")
        found[ours] = theirs
    return found


def files_of(given: Sequence[Path], screen: Screen | None) -> Iterator[Path]:
    """The files, those of folders in the order of their names; all are looked for before the first is read.

    Raises
    ------
    InputError
        DATA-004 where one is not there, DATA-134 a folder with nothing to read in it.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            taken, passed = sources.in_folder(path)
            if not taken:
                raise InputError(
                    "DATA-134",
                    f"{path} is a folder, and none of its {len(passed)} files is market data",
                    hint=f"what is read ends in {' '.join(sources.SUFFIXES)}; folders in it are not entered",
                )
            if screen and passed:
                screen.line(f"  {path}  passed by: {', '.join(one.name for one in passed)}")
            found += taken
        elif path.is_file():
            found.append(path)
        else:
            raise InputError("DATA-004", f"there is no file {path}", "see how it is spelled")
    yield from found


def brought(
    path: Path, asked: sources.Wanted, contract: tuple[str, str], store: Store
) -> Iterator[dict[str, Any]]:
    """Put a file into the store; what was put of each contract and kind.

    Raises
    ------
    InputError
        DATA-130 where the file is of another contract, or does not say which; what reading and the store
        refuse.
    """
    from lotwise.market.store import Series

    venue, symbol = contract
    done: dict[tuple[str, str], dict[str, Any]] = {}
    others: set[str] = set()
    for told, table in sources.whole_days(path, asked):
        if symbol == ALL and not told:
            raise InputError(
                "DATA-130",
                f"{path.name} does not say whose data it holds, and the contract is {venue}:{ALL}",
                hint=f"name it: --contract {venue}:BTCUSDT",
            )
        if symbol != ALL and told and not sources.same_contract(told, symbol):
            others.add(told)
            continue
        name = told if symbol == ALL else symbol
        written = store.put(Series(venue, name, table.kind), table)
        one = done.setdefault(
            (name, table.kind.name),
            {
                "file": path.name,
                "contract": f"{venue}:{name}",
                "kind": table.kind.name,
                "rows": 0,
                "days_written": 0,
            },
        )
        one["rows"] += len(table.frame)
        one["days_written"] += len(set(written))
    if not done:
        raise InputError(
            "DATA-130",
            f"{path.name} holds {', '.join(sorted(others))}, not {symbol}",
            hint=f"name that: --contract {venue}:{min(others)}, or all: --contract '{venue}:{ALL}'",
        )
    yield from done.values()


def words(one: dict[str, Any], named: bool) -> str:
    """A line for a person; ``named`` with the contract."""
    count = one["days_written"]
    days = f"{count} day{'s' * (count != 1)} written" if count else "all there already"
    return f"  {one['file']}  {one['contract'] + '  ' if named else ''}{one['rows']:,} {one['kind']}, {days}"
