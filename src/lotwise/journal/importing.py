"""What was read is judged before it is kept: the venue's results tell a wrong multiplier, a missing past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from lotwise.errors import InputError
from lotwise.journal.grouping import Key
from lotwise.journal.measures import Plan, result_at_cash
from lotwise.journal.notes import Notes
from lotwise.journal.reading import Incoming
from lotwise.journal.shelf import Added, Journal, Wanted
from lotwise.ledger.holding import Holding, apply, in_order, place_of, position_of
from lotwise.records.journal import Fill, RoundTrip
from lotwise.units import cash_text, scaled_text

LEAST_CASH: Final = 100_000
"""Results under 0.001 of the coin are too few digits to tell a multiplier from."""
SHARE: Final = 10**6
"""Venues compute with an average price of few digits: a result may be off by a millionth of the worth."""
RATIO_DENOMINATOR: Final = 10_000
"""Sizes of contracts are 10, 0.001 and the like: a ratio is looked for among such fractions."""


@dataclass(frozen=True)
class Brought:
    """What became of a file."""

    name: str
    form: str
    fills: Added
    incomes: Added
    passed: int
    trips: int
    """Round trips of the contracts that the file is about."""
    without_stop: list[str]
    """Names of the round trips of these contracts whose stop nobody told."""
    inferred: int
    """Stops read from exits that the venue called stops."""
    warnings: list[str]


def bring(journal: Journal, incoming: Incoming, *, now_ns: int) -> Brought:
    """Keep what a file holds, all of it or nothing.

    Raises
    ------
    InputError
        JOURNAL-116 results that are the venue's times one number: the multiplier is wrong; and what
        :meth:`lotwise.journal.shelf.Journal.add` refuses.
    """
    keys: set[Key] = {(one.venue, one.account, one.contract) for one in incoming.fills}
    kept = journal.fills_of_contracts(sorted(keys))
    warnings = check_results(_together(kept, incoming.fills))
    fills, incomes = journal.add(incoming.fills, incoming.incomes)
    trips = [
        trip
        for venue, account, contract in sorted(keys)
        for trip in journal.all(Wanted(venue=venue, account=account, contract=contract))
    ]
    inferred, without = _stops(journal, trips, now_ns)
    return Brought(
        incoming.name, incoming.form, fills, incomes, incoming.passed, len(trips), without, inferred, warnings
    )


def _together(kept: Sequence[Fill], new: Sequence[Fill]) -> list[Fill]:
    found = {(*position_of(fill)[:3], fill.trade_id): fill for fill in kept}
    for fill in new:
        found.setdefault((*position_of(fill)[:3], fill.trade_id), fill)
    return list(found.values())


def check_results(fills: Sequence[Fill]) -> list[str]:
    """Compare our result of every fill with the venue's column; a line for each contract where they part.

    Raises
    ------
    InputError
        JOURNAL-116 where all of a contract's results are ours times one number other than 1: its multiplier
        is wrong by it. JOURNAL-117 a hedge leg closed further than it is known to be held.
    """
    held: dict[tuple[str, str, str, str], Holding] = {}
    found: dict[tuple[str, str], list[tuple[Fill, int, int]]] = {}
    for fill in sorted(fills, key=in_order):
        try:
            step = apply(held.setdefault(position_of(fill), Holding()), fill)
        except InputError as error:
            code = "JOURNAL-117" if error.code == "LEDGER-105" else error.code
            raise InputError(code, error.message, error.hint) from error
        if fill.realised_cash is not None and (step.closing8 or fill.realised_cash):
            room = 2 + (step.closing_cash + step.opening_cash) // SHARE
            found.setdefault((fill.venue, fill.contract), []).append((fill, step.realised_cash, room))
    warnings = []
    for (venue, contract), results in sorted(found.items()):
        parted = [one for one in results if abs(one[1] - (one[0].realised_cash or 0)) > one[2]]
        if not parted:
            continue
        _refuse_multiplier(venue, contract, results)
        fill, ours, _ = parted[0]
        warnings.append(
            f"{place_of(fill)}: the venue's result is {cash_text(fill.realised_cash or 0)} {fill.coin}, the "
            f"fills give {cash_text(ours)}; {len(parted)} of {len(results)} results of {contract} differ: "
            "earlier fills may be missing"
        )
    return warnings


def _refuse_multiplier(venue: str, contract: str, results: Sequence[tuple[Fill, int, int]]) -> None:
    telling = [
        (fill, ours, fill.realised_cash)
        for fill, ours, _ in results
        if ours and fill.realised_cash and min(abs(ours), abs(fill.realised_cash)) >= LEAST_CASH
    ]
    if not telling:
        return
    largest = max(telling, key=lambda one: abs(one[2]))
    ratio = Fraction(largest[2], largest[1])
    told = (
        ratio.limit_denominator(RATIO_DENOMINATOR)
        if ratio < 1
        else 1 / (1 / ratio).limit_denominator(RATIO_DENOMINATOR)
    )
    if told <= 0 or told == 1:
        return
    for fill, ours, room in results:
        theirs = fill.realised_cash or 0
        if abs(ours * told - theirs) > room * max(Fraction(1), told) + 1:
            return
    fill = largest[0]
    right = int(fill.multiplier8 * told)
    raise InputError(
        "JOURNAL-116",
        f"{place_of(fill)}: every result of {venue}:{contract} is {told} times what "
        f"{scaled_text(fill.multiplier8)} units in a contract give ({cash_text(largest[2])} against "
        f"{cash_text(largest[1])} {fill.coin}); nothing was kept",
        f"--size {contract}={scaled_text(right)}",
    )


def _stops(journal: Journal, trips: Sequence[RoundTrip], now_ns: int) -> tuple[int, list[str]]:
    """Read stops from exits that the venue called stops; name the trips that have none."""
    notes = Notes(journal)
    said = notes.stories()
    inferred, without = 0, []
    for trip in trips:
        if any(event.kind == "plan" and event.body.get("stop8") for event in said.get(trip.trip_id, ())):
            continue
        stop8 = inferred_stop8(trip, journal.fills_of(trip)) if trip.exit_kind == "stop" else 0
        if stop8:
            notes.plan(trip, Plan(stop8=stop8, stop_source="inferred"), now_ns=now_ns)
            inferred += 1
        else:
            without.append(trip.trip_id)
    return inferred, without


def inferred_stop8(trip: RoundTrip, fills: Sequence[Fill]) -> int:
    """The price of the first exit that the venue called a stop, where it lost; else 0.

    It is where the stop filled, not where it stood: slippage is in it, and the plan says ``inferred``.
    """
    for fill in fills:
        if fill.exit_kind == "stop" and fill.side == -trip.side and result_at_cash(trip, fill.price8) < 0:
            return fill.price8
    return 0
