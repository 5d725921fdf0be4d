"""The parts of an analysis put together, and the page they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lotwise.app.analyze.costs import book, funding, stops
from lotwise.app.analyze.flow import flow
from lotwise.app.analyze.others import others
from lotwise.app.analyze.part import Part
from lotwise.app.analyze.price import price, profile_days
from lotwise.app.analyze.source import Source
from lotwise.charts.page import page
from lotwise.market.check import at_time

PARTS: Final[dict[str, Callable[[Source], Part]]] = {
    "price": price,
    "profile": profile_days,
    "flow": flow,
    "others": others,
    "funding": funding,
    "stops": stops,
    "book": book,
}
"""Every part by its name, in the order of the page."""


@dataclass(frozen=True)
class Analysis:
    """What was found."""

    contract: str
    first: str
    last: str
    store: str
    parts: tuple[Part, ...]

    def as_dict(self) -> dict[str, Any]:
        """Figures alone: JSON's own kinds."""
        facts = {part.name: part.facts for part in self.parts}
        return {
            "contract": self.contract,
            "first": self.first,
            "last": self.last,
            "store": self.store,
            "parts": facts,
        }

    def html(self) -> str:
        """One page that holds everything: no script, nothing loaded."""
        footer = "Made by lotwise from market data of your own. Measures of the past: none says what comes."
        return page(
            self.contract,
            [part.section() for part in self.parts],
            subtitle=f"{self.first} to {self.last} UTC",
            footer=footer,
        )


def analyze(source: Source, names: Sequence[str] = ()) -> Analysis:
    """Measure the parts that are named, or all of them."""
    chosen = [name for name in PARTS if not names or name in names]
    times = source.bars.time_ns
    return Analysis(
        contract=source.name,
        first=at_time(int(times[0])),
        last=at_time(int(times[-1]) + source.bar_ns),
        store=str(source.store.root),
        parts=tuple(PARTS[name](source) for name in chosen),
    )
