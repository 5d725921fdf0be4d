"""Questions that an import asks a person: which column is what, and where the stops were."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.cli.screen import Output, Screen
from lotwise.clock import SystemClock
from lotwise.errors import InputError, LotwiseError
from lotwise.units import grouped, parse_scaled, scaled_text

if TYPE_CHECKING:
    from lotwise.journal.shelf import Journal

ROWS: Final = 3
"""Rows of a file that are shown."""
MEANING: Final = {
    "time": "When it filled: a date, or a stamp since 1970",
    "contract": "The contract, as BTCUSDT",
    "side": "buy or sell",
    "price": "The price of the fill",
    "quantity": "How much, as the venue counts it",
    "fee": "The fee",
    "fee_coin": "The coin of the fee",
    "realised": "The result that the venue says, before the fee",
    "trade_id": "The number of the fill",
    "order_id": "The number of the order",
    "position_side": "LONG or SHORT, in hedge mode",
    "maker": "Whether it rested: true or false",
}
NEEDED: Final = 5
"""So many of our names every file must have."""

Ask = Callable[[str], str]


def answered(question: str) -> str:
    """A line that a person types.

    Raises
    ------
    InputError
        JOURNAL-134 where nobody is there to answer.
    """
    if not sys.stdin.isatty():
        raise InputError(
            "JOURNAL-134",
            "questions need a terminal, and the input is none",
            "give the answers: --map time=Date ... --venue NAME, or --map FILE.json",
        )
    try:
        return input(question).strip()
    except EOFError:
        raise InputError("JOURNAL-134", "the input ended before the answers", "nothing was kept") from None


def guided(
    path: Path, venue: str, known: Mapping[str, str], ask: Ask = answered
) -> tuple[str, dict[str, str]]:
    """Ask which column is what, and write it down; the venue and the mapping.

    Parameters
    ----------
    known
        What is said already is not asked.

    Raises
    ------
    InputError
        JOURNAL-110, JOURNAL-113 a file that cannot be read; JOURNAL-134 nobody answers.
    """
    from lotwise.journal.columns import OURS, guessed
    from lotwise.journal.reading import rows_of

    rows = [row for _, row in islice(rows_of(path), ROWS + 1)]
    header, first = rows[0], rows[1:]
    screen = Screen(Output())
    _show(screen, header, first)
    guess = guessed(header)
    mapping = dict(known)
    for place, ours in enumerate(OURS):
        if ours in mapping:
            continue
        likely = guess.get(ours, "") if guess.get(ours) not in mapping.values() else ""
        column = _column(ours, likely, header, is_needed=place < NEEDED, ask=ask, screen=screen)
        if column:
            mapping[ours] = column
    while not venue:
        venue = ask("  Whose file is it? binance, bybit, bingx, mexc, weex, or a name of your own: ").lower()
    kept = _written(path, mapping)
    screen.line(f"  Written: {kept}. Next time: --venue {venue} --map {kept}")
    return venue, mapping


def _show(screen: Screen, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A file turned on its side: a line for every column, so that it fits the screen."""
    wide = max(len(name) for name in header)
    for number, name in enumerate(header, 1):
        values = "  ".join(row[number - 1].strip()[:24] or "-" for row in rows)
        screen.line(f"  {number:>2}  {name:<{wide}}  {values}")


def _column(
    ours: str, likely: str, header: Sequence[str], *, is_needed: bool, ask: Ask, screen: Screen
) -> str:
    """The column that a person names, by its number or its name; empty: none."""
    hint = f" [{likely}]" if likely else "" if is_needed else " [none]"
    while True:
        said = ask(f"  {MEANING[ours]}: which column?{hint} ")
        if not said and (likely or not is_needed):
            return likely
        if said == "-" and not is_needed:
            return ""
        if said.isascii() and said.isdigit() and 1 <= int(said) <= len(header):
            return header[int(said) - 1]
        if said in header:
            return said
        more = "" if is_needed else ", or - for none"
        screen.line(f"  Give a number from 1 to {len(header)}, or the column's name{more}.", "yellow")


def _written(path: Path, mapping: Mapping[str, str]) -> Path:
    """The mapping in a file of its own beside the data; one that is there is not written over."""
    for number in range(1, 100):
        place = path.with_name(f"{path.stem}.map{number if number > 1 else ''}.json")
        try:
            with place.open("x", encoding="utf-8") as file:
                json.dump(dict(mapping), file, indent=2, ensure_ascii=False)
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(
                "JOURNAL-135",
                f"the mapping cannot be written to {place}: {error.strerror}",
                "copy the file into a folder of yours",
            ) from error
        return place
    raise InputError("JOURNAL-135", f"99 mappings of {path.name} are there already", "remove old ones")


def ask_stops(journal: Journal, names: Sequence[str], ask: Ask = answered) -> int:
    """Ask where the stops of trades were; how many were told."""
    from lotwise.journal.measures import Plan, entry_price8
    from lotwise.journal.notes import Notes

    notes, told = Notes(journal), 0
    screen = Screen(Output())
    for name in names:
        trip = journal.trip(name)
        side = "long" if trip.side > 0 else "short"
        entry = grouped(scaled_text(entry_price8(trip)))
        while True:
            said = ask(f"  {name}  {trip.contract} {side} at {entry}: the stop? [none] ")
            if not said:
                break
            try:
                stop8 = parse_scaled(said, "the stop")
                notes.plan(trip, Plan(stop8=stop8), now_ns=SystemClock().now_ns())
            except LotwiseError as error:
                screen.line(f"  {error.message}; {error.hint}", "yellow")
                continue
            told += 1
            break
    return told
