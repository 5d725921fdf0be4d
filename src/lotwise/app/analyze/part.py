"""A part of an analysis: figures for machines, tables and notes for people, pictures for pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lotwise.charts.page import Note, Picture, Section, Table


@dataclass
class Part:
    """One part."""

    name: str
    """Stable: price, profile, flow, others, funding, stops, book."""
    title: str
    facts: dict[str, Any] = field(default_factory=dict)
    """JSON's own kinds; prices and quantities as exact text."""
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def table(
        self,
        caption: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        folded: bool = False,
    ) -> None:
        """Add a table; all columns but the first hold numbers."""
        if rows:
            numbers = tuple(range(1, len(columns)))
            self.tables.append(Table(caption, columns, rows, numbers=numbers, folded=folded))

    def note(self, text: str, kind: str = "note") -> None:
        """Add a sentence."""
        self.notes.append(Note(text, kind))

    def section(self) -> Section:
        """The part of a page."""
        return Section(self.title, [*self.pictures, *self.tables, *self.notes])
