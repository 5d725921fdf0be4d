"""Panels under a price on the same axis of time: volume, CVD, delta, any line, and the ribbon of regimes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lotwise.charts.axes import (
    AXIS_ROOM,
    EDGE,
    TEXT_SIZE,
    TICK_GAP,
    gutter_of,
    head,
    nothing,
    time_axis,
    value_axis,
)
from lotwise.charts.lettering import Box, fit
from lotwise.charts.marks import Session, check_spans
from lotwise.charts.reading import (
    TickSize,
    at_most,
    plain_numbers,
    rising_times,
    same_length,
    size_of,
    words_of,
)
from lotwise.charts.scale import Scale, reach, round_marks, said
from lotwise.charts.svg import Canvas, box_path
from lotwise.charts.theme import SERIES
from lotwise.charts.thin import Drawn, area_path, line_path, pieces
from lotwise.charts.times import span_text
from lotwise.errors import InputError

LOWER_KINDS: Final = ("line", "area", "bars")
MOST_REGIMES: Final = 12
LANE: Final = 14


@dataclass(frozen=True)
class Lower:
    """A panel under the price: ``line``, ``area`` or ``bars`` (both from 0; bars are summed by candle)."""

    label: str
    time_ns: Any
    values: Any
    kind: str = "line"

    def said(self) -> str:
        """Its course in words."""
        return course(self.values)


def course(values: Sequence[float]) -> str:
    """First, last, lowest and highest in words."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "no values"
    return f"first {said(known[0])}, last {said(known[-1])}, low {said(min(known))}, high {said(max(known))}"


def read_lower(panel: Lower) -> Lower:
    """The panel with plain lists, checked.

    Raises
    ------
    InputError
        CHART-101, CHART-102, CHART-106; CHART-108 an unknown kind; CHART-113.
    """
    if panel.kind not in LOWER_KINDS:
        raise InputError(
            "CHART-108", f"a panel of kind {panel.kind!r}", f"use one of {', '.join(LOWER_KINDS)}"
        )
    times = rising_times(panel.time_ns, "lower.time_ns")
    values = plain_numbers(panel.values, "lower.values", gaps=True)
    same_length(time_ns=times, values=values)
    return replace(panel, label=words_of(panel.label, "lower.label"), time_ns=times, values=values)


def _named(canvas: Canvas, box: Box, words: str) -> None:
    canvas.text(box.left, box.top - 5, fit(words, TEXT_SIZE, box.right - box.left), "dim")


def draw_volume(canvas: Canvas, box: Box, across: Scale, bars: Drawn, lot_size: TickSize, unit: str) -> None:
    """Volume of each candle from 0, filled where it rose, hollow where it fell."""
    worth = lot_size.units / 10**lot_size.decimals
    values = [lots * worth for lots in bars.lots]
    scale = Scale(0, max(values) * 1.05 or 1.0, box.bottom, box.top)
    _named(canvas, box, f"volume, {unit}")
    value_axis(canvas, box, scale, round_marks(0, scale.high, 3))
    slot = (across.end - across.start) * bars.length_ns / (across.high - across.low)
    wide = min(max(slot * 0.72, 1.0), 14)
    found: dict[str, list[str]] = {"up": [], "down": []}
    rows = zip(bars.time_ns, bars.open_ticks, bars.close_ticks, values, strict=True)
    for time, first, last, value in rows:
        if value > 0:
            top = scale.at(value)
            x = across.at(time) + (slot - wide) / 2
            found["up" if last >= first else "down"].append(box_path(x, top, wide, box.bottom - top))
    for kind, d in found.items():
        canvas.path("".join(d), kind)


def slot_sums(panel: Lower, first_ns: int, slot_ns: int) -> dict[int, float]:
    """Values summed by slot of time; NaN counts nothing."""
    sums: dict[int, float] = {}
    for time, value in zip(panel.time_ns, panel.values, strict=True):
        if not math.isnan(value):
            slot = (time - first_ns) // slot_ns
            sums[slot] = sums.get(slot, 0.0) + value
    return sums


def draw_lower(canvas: Canvas, box: Box, across: Scale, panel: Lower, slot_ns: int) -> None:
    """One panel, within the time of the price above it."""
    inside = [across.low <= time <= across.high for time in panel.time_ns]
    kept = replace(
        panel,
        time_ns=[time for time, here in zip(panel.time_ns, inside, strict=True) if here],
        values=[value for value, here in zip(panel.values, inside, strict=True) if here],
    )
    sums = slot_sums(kept, int(across.low), slot_ns) if panel.kind == "bars" else {}
    low, high = reach(sums.values() if sums else kept.values, zero=panel.kind != "line")
    scale = Scale(low, high, box.bottom, box.top)
    _named(canvas, box, panel.label)
    value_axis(canvas, box, scale, round_marks(low, high, 3))
    base = scale.at(0) if low <= 0 <= high else box.bottom
    if low < 0 < high:
        canvas.line(box.left, base, box.right, base, "axis")
    if panel.kind == "bars":
        _draw_sums(canvas, sums, across, scale, slot_ns=slot_ns)
        return
    found = pieces(kept.time_ns, kept.values, across.at, scale.at)
    if panel.kind == "area":
        canvas.path(area_path(found, base), "a0")
    canvas.path(line_path(found), "s0")


def _draw_sums(canvas: Canvas, sums: dict[int, float], across: Scale, scale: Scale, slot_ns: int) -> None:
    slot = (across.end - across.start) * slot_ns / (across.high - across.low)
    wide = min(max(slot * 0.72, 1.0), 14)
    found: dict[str, list[str]] = {"up": [], "down": []}
    for place, value in sums.items():
        x = across.at(across.low + place * slot_ns) + (slot - wide) / 2
        top, bottom = sorted((scale.at(value), scale.at(0)))
        if value:
            found["up" if value > 0 else "down"].append(box_path(x, top, wide, bottom - top))
    for kind, d in found.items():
        canvas.path("".join(d), kind)


def ribbon_names(regimes: Sequence[Session]) -> list[str]:
    """The names of the regimes in the order they first come.

    Raises
    ------
    InputError
        CHART-107 more than 12 of them.
    """
    names = list(dict.fromkeys(regime.label for regime in regimes))
    at_most(len(names), MOST_REGIMES, "regimes")
    return names


def draw_ribbon(canvas: Canvas, box: Box, across: Scale, regimes: Sequence[Session]) -> None:
    """A row for each regime, so that place tells them apart and colour only helps; names in the gutter."""
    names = ribbon_names(regimes)
    for row, name in enumerate(names):
        top = box.top + row * LANE
        d = ""
        for regime in regimes:
            left, right = max(across.at(regime.start_ns), box.left), min(across.at(regime.end_ns), box.right)
            if regime.label == name and right > left:
                d += box_path(left, top + 2, right - left, LANE - 4)
        canvas.line(box.left, top + LANE / 2, box.right, top + LANE / 2, "grid")
        canvas.path(d, f"f{row % SERIES}")
        x = box.right + TICK_GAP
        canvas.text(x, top + 11, fit(name, TEXT_SIZE, canvas.width - x - 2), "dim")


def ribbon(regimes: Sequence[Session], *, title: str, width: int = 720) -> str:
    """Regimes over time as a picture of its own: a row for each name.

    Raises
    ------
    InputError
        CHART-102, CHART-103, CHART-107, CHART-113, CHART-114.
    """
    size_of(width, 100)
    name = words_of(title, "title")
    spans = check_spans(regimes)
    if not spans:
        return nothing(name, "no regimes", width, 100)
    names = ribbon_names(spans)
    start, end = min(span.start_ns for span in spans), max(span.end_ns for span in spans)
    top = head(Canvas(width, 1), name, span_text(start, end))
    canvas = Canvas(width, int(top + len(names) * LANE + AXIS_ROOM + 8))
    head(canvas, name, span_text(start, end))
    box = Box(EDGE, top, width - gutter_of([*names, "UTC"], width), top + len(names) * LANE + 4)
    across = Scale(start, end, box.left, box.right)
    time_axis(canvas, [box], across)
    draw_ribbon(canvas, box, across, spans)
    total = end - start
    shares = []
    for one in names:
        inside = sum(span.end_ns - span.start_ns for span in spans if span.label == one)
        shares.append(f"{one} {said(round(inside / total * 100, 1))} %")
    return canvas.finish(name, f"Regimes, {span_text(start, end)}. Share of the time: {'; '.join(shares)}.")
