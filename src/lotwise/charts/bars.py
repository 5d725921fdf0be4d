"""Bars: the histogram of results, a table of amounts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import median
from typing import Any, Final

from lotwise.charts.axes import (
    AXIS_ROOM,
    BELOW,
    EDGE,
    LINE,
    TEXT_SIZE,
    Key,
    across_axis,
    gutter_of,
    head,
    mark_count,
    nothing,
    value_axis,
)
from lotwise.charts.lettering import Box, fit, text_width
from lotwise.charts.reading import (
    at_most,
    items_of,
    plain_number,
    plain_numbers,
    same_length,
    size_of,
    words_of,
)
from lotwise.charts.scale import Scale, reach, round_marks, said
from lotwise.charts.svg import Canvas, box_path
from lotwise.errors import InputError

MOST_BINS: Final = 400
MOST_ROWS: Final = 200
ROW: Final = 20


def bins(values: Sequence[float], step: Fraction) -> tuple[int, list[int]]:
    """Number of the first bin, and the counts; bin i holds ``i * step <= value < (i + 1) * step``, exactly.

    >>> bins([-0.5, 0.0, 0.49, 1.0], Fraction(1, 2))
    (-1, [1, 2, 0, 1])
    """
    places = [math.floor(Fraction(value) / step) for value in values]
    first = min(places)
    counts = [0] * (max(places) - first + 1)
    for place in places:
        counts[place - first] += 1
    return first, counts


def _bin_step(values: Sequence[float], given: object) -> Fraction:
    if given is not None:
        step = Fraction(str(plain_number(given, "bin_width")))
        if step <= 0:
            raise InputError("CHART-102", f"bin_width is {given}", "give a width above 0")
        return step
    low, high = reach(values, pad=0)
    marks = round_marks(low, high, 32)
    return (Fraction(marks[1].value) - Fraction(marks[0].value)).limit_denominator(10**9) or Fraction(1)


def _short(value: float) -> float:
    """Three digits."""
    return float(f"{value:.3g}")


def histogram(
    values: Any,
    *,
    title: str,
    unit: str = "R",
    bin_width: object = None,
    width: int = 720,
    height: int = 200,
) -> str:
    """How often results of each size came: losses hollow, the mean and the median marked.

    Parameters
    ----------
    bin_width
        Bins begin at whole multiples of it; None: a round width of at most about 32 bins.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 113; CHART-107 more than 400 bins.
    """
    size_of(width, height)
    name, word = words_of(title, "title"), words_of(unit, "unit")
    read = plain_numbers(values, "values")
    if not read:
        return nothing(name, "no results", width, height)
    step = _bin_step(read, bin_width)
    at_most(int((max(read) - min(read)) / float(step)) + 1, MOST_BINS, "bins")
    first, counts = bins(read, step)
    mean, middle = math.fsum(read) / len(read), median(read)
    about = f"n {len(read):,} · mean {said(_short(mean), signed=True)} {word}"
    about += f" · median {said(_short(middle), signed=True)} {word}"
    keys = [Key("below 0 (hollow)", "down", "box"), Key("0 and above", "up", "box")]
    keys += [Key("mean", "lent"), Key("median", "lva")]
    marks = [mark for mark in round_marks(0, max(counts) * 1.05, mark_count(height)) if mark.value % 1 == 0]
    top = head(Canvas(width, 1), name, about, keys) + 4
    canvas = Canvas(width, int(top + height + AXIS_ROOM + LINE + 2))
    head(canvas, name, about, keys)
    plot = Box(2 * EDGE, top, width - gutter_of([mark.label for mark in marks], width), top + height)
    ends = float(first * step), float((first + len(counts)) * step)
    across = Scale(*ends, plot.left, plot.right)
    across_axis(canvas, [plot], across, marks=round_marks(*ends, max(2, int((plot.right - plot.left) / 60))))
    up = Scale(0, max(counts) * 1.05, plot.bottom, plot.top)
    value_axis(canvas, plot, up, marks)
    slot = (plot.right - plot.left) / len(counts)
    found = {"up": "", "down": ""}
    for i, count in enumerate(counts):
        if count:
            x, y = plot.left + i * slot, up.at(count)
            found["down" if first + i < 0 else "up"] += box_path(
                x + 1, y, max(slot - 2, 0.5), plot.bottom - y
            )
    for kind, d in found.items():
        canvas.path(d, kind)
    for value, kind in ((mean, "lent"), (middle, "lva")):
        canvas.line(across.at(value), plot.top, across.at(value), plot.bottom, kind)
    canvas.text(plot.right, plot.bottom + BELOW + LINE, f"{word}; upwards: how many", "dim", anchor="end")
    above = sum(value > 0 for value in read)
    below = sum(value < 0 for value in read)
    told = f"{above} above 0, {below} below, least {said(min(read))}, most {said(max(read))}"
    fullest = max(range(len(counts)), key=lambda i: counts[i])
    at = f"{said(float((first + fullest) * step))} to {said(float((first + fullest + 1) * step))} {word}"
    return canvas.finish(name, f"Histogram, {about}. {told}. Fullest bin {at} with {counts[fullest]}.")


def bar_table(
    labels: Sequence[str],
    values: Any,
    *,
    title: str,
    unit: str = "",
    notes: Sequence[str] = (),
    width: int = 520,
) -> str:
    """A row for each label with a bar from 0, its value in words, and a note after it.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 113; CHART-107 more than 200 rows.
    """
    size_of(width, 100)
    name = words_of(title, "title")
    read = plain_numbers(values, "values", gaps=True)
    names = [words_of(label, "label") for label in items_of(labels, "labels")]
    same_length(labels=names, values=read)
    more = [words_of(note, "note") for note in items_of(notes, "notes")] or [""] * len(names)
    same_length(labels=names, notes=more)
    at_most(len(names), MOST_ROWS, "rows")
    if not names:
        return nothing(name, "no rows", width, 100)
    figures = [said(value, signed=min(read) < 0) for value in read]
    about = words_of(unit, "unit")
    top = head(Canvas(width, 1), name, about)
    canvas = Canvas(width, int(top + len(names) * ROW + EDGE))
    head(canvas, name, about)
    room = width - 4 * EDGE
    a = min(max(text_width(label) for label in names), room * 0.3)
    b = max(text_width(figure) for figure in figures)
    c = min(max(text_width(note) for note in more), room * 0.25)
    plot = Box(2 * EDGE + a, top, width - 2 * EDGE - b - (c + EDGE if c else 0), top + len(names) * ROW)
    low, high = reach(read, pad=0, zero=True)
    across = Scale(low, high, plot.left, max(plot.right, plot.left + 20))
    canvas.line(across.at(0), plot.top, across.at(0), plot.bottom, "axis")
    for i, (label, value, figure, note) in enumerate(zip(names, read, figures, more, strict=True)):
        y = top + i * ROW
        canvas.text(EDGE, y + 14, fit(label, TEXT_SIZE, a + 0.01), "ink")
        if value and not math.isnan(value):
            left, right = sorted((across.at(0), across.at(value)))
            canvas.path(box_path(left, y + 4, right - left, ROW - 8), "down" if value < 0 else "up")
        canvas.text(across.end + EDGE + b, y + 14, figure, "ink", anchor="end")
        canvas.text(across.end + 2 * EDGE + b, y + 14, fit(note, TEXT_SIZE, c + 0.01), "dim")
    told = "; ".join(f"{label} {figure}" for label, figure in zip(names, figures, strict=True))
    return canvas.finish(name, f"{about + ': ' if about else ''}{told}.")
