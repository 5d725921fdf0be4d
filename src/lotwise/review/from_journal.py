"""The table of a review from the journal: its closed trades with all that was said and measured of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from lotwise.journal.measures import Plan, entry_price8, in_r, result_at_cash
from lotwise.journal.measuring import Measured, kept
from lotwise.journal.notes import Notes, Story, told
from lotwise.journal.shelf import Journal, Wanted
from lotwise.records.journal import RoundTrip
from lotwise.review.table import UNKNOWN, Reviewed, of_columns
from lotwise.store.database import Event
from lotwise.units import SCALE

WORDS: Final = ("names", "account", "venue", "contract", "setup", "coin", "exit_kind")
NUMBERS: Final = (
    "side",
    "opened_ns",
    "closed_ns",
    "net_cash",
    "fee_cash",
    "funding_cash",
    "entry_cash",
    "risk_cash",
    "planned_r8",
    "mae_cash",
    "mfe_cash",
    "slip_cash",
    "late_r8",
    "loosened",
    "overridden",
    "noted",
    "btc_volatility8",
    "btc_change8",
)
WHOLE: Final = 2
"""Fills of a trade that was entered at once and left at once."""


def from_journal(journal: Journal, wanted: Wanted = Wanted()) -> Reviewed:  # noqa: B008
    """The closed trades that are asked for, as columns."""
    trips = [trip for trip in journal.all(wanted) if trip.closed_ns is not None]
    return table_of(trips, Notes(journal).stories(), kept(journal))


def table_of(
    trips: Sequence[RoundTrip], said: Mapping[str, Sequence[Event]], measured: Mapping[str, Measured]
) -> Reviewed:
    """Closed trips, what was said of them and what was measured, as columns."""
    words: dict[str, list[str]] = {name: [] for name in WORDS}
    numbers: dict[str, list[int]] = {name: [] for name in NUMBERS}
    tagged: dict[str, list[int]] = {}
    for row, trip in enumerate(trips):
        story = told(said.get(trip.trip_id, ()), closed=True)
        texts = (trip.trip_id, trip.account, trip.venue, trip.contract, story.setup.strip(), trip.coin)
        for name, text in zip(WORDS, (*texts, trip.exit_kind), strict=True):
            words[name].append(text)
        values = _numbers(trip, story, measured.get(trip.trip_id))
        for name, value in zip(NUMBERS, values, strict=True):
            numbers[name].append(value)
        for tag in story.tags:
            tagged.setdefault(tag, []).append(row)
    tags = {tag: [False] * len(trips) for tag in sorted(tagged)}
    for tag, rows in tagged.items():
        for row in rows:
            tags[tag][row] = True
    return of_columns(len(trips), words, numbers, tags)


def _numbers(trip: RoundTrip, story: Story, found: Measured | None) -> tuple[int, ...]:
    """A row, in the order of NUMBERS."""
    plan, events = story.plan, story.events
    rs = in_r(trip, plan)
    worst, best = _extremes(trip, story, found)
    return (
        trip.side,
        trip.opened_ns,
        trip.closed_ns or 0,
        trip.net_cash,
        trip.fee_cash,
        trip.funding_cash,
        trip.entry_cash,
        rs.risk_cash or 0,
        UNKNOWN if rs.planned8 is None else rs.planned8,
        worst,
        best,
        _slipped(trip, plan, story.stops),
        _late8(trip, plan),
        loosened(trip, plan, story.stops),
        any(event.kind == "override" for event in events),
        any(event.kind in ("note", "answer") for event in events),
        _then(story, "btc_volatility8", found.btc_volatility8 if found else None),
        _then(story, "btc_change8", found.btc_change8 if found else None),
    )


def _extremes(trip: RoundTrip, story: Story, found: Measured | None) -> tuple[int, int]:
    """Worst and best: as a session saw them, else from bars; its fills alone do not tell them."""
    if "worst_cash" in story.seen and "best_cash" in story.seen:
        return story.seen["worst_cash"], story.seen["best_cash"]
    fresh = found is not None and found.fills == trip.fills and found.bars > 0
    if found is None or not fresh or found.mae_cash is None or found.mfe_cash is None:
        return UNKNOWN, UNKNOWN
    return min(0, found.mae_cash), max(0, found.mfe_cash)


def _then(story: Story, name: str, measured: int | None) -> int:
    """A figure of the market at the entry: as a session saw it, else as it was measured."""
    value = story.then.get(name, measured)
    return UNKNOWN if value is None else value


def loosened(trip: RoundTrip, plan: Plan | None, stops: Sequence[tuple[int, int]]) -> bool:
    """Whether a stop was ever moved farther from the price than it had been."""
    path = [plan.stop8] if plan is not None and plan.stop8 else []
    path += [price8 for _, price8 in stops if price8]
    return any(trip.side * (after - before) < 0 for before, after in pairwise(path))


def _slipped(trip: RoundTrip, plan: Plan | None, stops: Sequence[tuple[int, int]]) -> int:
    """What a stop's fill lost beyond the stop, of trades that it ended as a whole."""
    if trip.exit_kind != "stop" or trip.fills != WHOLE:
        return UNKNOWN
    last = [price8 for time_ns, price8 in stops if price8 and time_ns <= (trip.closed_ns or 0)]
    stop8 = last[-1] if last else plan.stop8 if plan is not None else 0
    return result_at_cash(trip, stop8) - trip.realised_cash if stop8 else UNKNOWN


def _late8(trip: RoundTrip, plan: Plan | None) -> int:
    """How much worse than planned it was entered, as a share of the planned distance to the stop."""
    if plan is None or not plan.entry8 or not plan.stop8:
        return UNKNOWN
    distance = trip.side * (plan.entry8 - plan.stop8)
    return trip.side * (entry_price8(trip) - plan.entry8) * SCALE // distance if distance > 0 else UNKNOWN
