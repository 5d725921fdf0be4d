"""The venues themselves: order types, demo, liquidation, overseers; dated facts, each with its source.

Read from ``facts/venues.tsv`` on first use, nothing heavy with it. What no line of the file says
is ``None``: unknown.
"""

from __future__ import annotations

import os.path
from functools import cache
from typing import Final

import msgspec

from lotwise.errors import FactsError, InputError
from lotwise.records.venues import SourcedFact
from lotwise.units import shown

NAMES: Final[dict[str, str]] = {
    "binance": "Binance USD-M",
    "binance-coinm": "Binance COIN-M",
    "bybit": "Bybit linear",
    "bybit-inverse": "Bybit inverse",
    "bingx": "BingX",
    "mexc": "MEXC",
    "weex": "WEEX",
    "cme": "CME",
    "coinbase": "Coinbase Deriv.",
}
"""Venue to its name, in the order they are shown."""

_FILE = os.path.join(os.path.dirname(__file__), "facts", "venues.tsv")
_COLUMNS = "venue\tfact\tvalue\tas_of\tsource"


class VenueFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one venue; ``None`` is unknown. Fees are rates, the others are sentences."""

    venue: str
    name: str
    maker_fee: SourcedFact | None = None
    taker_fee: SourcedFact | None = None
    funding_method: SourcedFact | None = None
    funding_interval: SourcedFact | None = None
    stop_trigger: SourcedFact | None = None
    attached_stops: SourcedFact | None = None
    position_stops: SourcedFact | None = None
    conditional_orders: SourcedFact | None = None
    trailing_stop: SourcedFact | None = None
    demo: SourcedFact | None = None
    margin_call: SourcedFact | None = None
    liquidation: SourcedFact | None = None
    minimum_deposit: SourcedFact | None = None
    minimum_withdrawal: SourcedFact | None = None
    regulation: SourcedFact | None = None
    client_funds: SourcedFact | None = None

    def facts(self) -> dict[str, SourcedFact | None]:
        """Every fact by its name, the unknown ones too."""
        return {name: getattr(self, name) for name in FACTS}


FACTS: Final[tuple[str, ...]] = tuple(
    name for name in VenueFacts.__struct_fields__ if name not in ("venue", "name")
)
"""The names of the facts, in the order they are shown."""


def venue_facts(venue: str) -> VenueFacts:
    """What is known of a venue; case does not matter.

    Raises
    ------
    FactsError
        ``CONTRACT-201`` unknown venue; ``CONTRACT-220`` the file of facts is damaged.

    Examples
    --------
    >>> facts = venue_facts("cme")
    >>> facts.funding_interval.value, facts.minimum_deposit
    ('none', None)
    """
    return _read()[known_venue(venue)]


def known_venue(venue: object) -> str:
    """The id of a venue named by a person.

    Raises
    ------
    FactsError
        ``CONTRACT-201``.
    """
    if not isinstance(venue, str):
        raise InputError("CONTRACT-201", f"a venue is text, not {type(venue).__name__}", _hint())
    name = venue.strip().lower()
    if name not in NAMES:
        raise FactsError("CONTRACT-201", f"no facts of a venue {shown(venue)}", _hint())
    return name


def _hint() -> str:
    return f"known venues: {', '.join(NAMES)}"


@cache
def _read() -> dict[str, VenueFacts]:
    with open(_FILE, encoding="utf-8") as stream:
        return parse_facts(stream.read())


def parse_facts(text: str) -> dict[str, VenueFacts]:
    """The venues of a fact file, checked: known names, one line a fact, five columns.

    Raises
    ------
    FactsError
        ``CONTRACT-220``, naming the line.
    """
    found: dict[str, dict[str, SourcedFact]] = {venue: {} for venue in NAMES}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#") or line == _COLUMNS:
            continue
        fields = line.split("\t")
        if len(fields) != 5:
            raise _damaged(number, f"it has {len(fields)} columns, not 5")
        venue, name, value, day, source = fields
        if venue not in NAMES or name not in FACTS:
            raise _damaged(number, f"{shown(venue)} and {shown(name)} are no venue with a fact")
        if name in found[venue]:
            raise _damaged(number, f"{name} of {venue} stands twice")
        if not value or not source:
            raise _damaged(number, f"{name} of {venue} lacks its value or its source")
        as_of = None if day == "-" else day
        found[venue][name] = SourcedFact(value=value, as_of=as_of, source=source)
    return {venue: VenueFacts(venue=venue, name=NAMES[venue], **facts) for venue, facts in found.items()}


def _damaged(number: int, why: str) -> FactsError:
    return FactsError(
        "CONTRACT-220", f"line {number} of venues.tsv: {why}", "restore the file from the package"
    )
