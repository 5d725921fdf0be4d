"""What stands round the data: title, keys, axes, and the picture for nothing to draw.

Words never stand on data: labels of prices have a gutter at the right, names of parts a row above them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from lotwise.charts.lettering import Box, fit, flow, text_box, text_width, wrap
from lotwise.charts.reading import size_of, words_of
from lotwise.charts.scale import Mark, Scale
from lotwise.charts.svg import Canvas, box_path, move
from lotwise.charts.times import time_marks

EDGE: Final = 10
"""Pixels of air round a picture."""
TITLE_SIZE: Final = 14
TEXT_SIZE: Final = 11
LINE: Final = 16
"""Height of a line of words."""
AXIS_ROOM: Final = 21
"""Height of the labels under a picture."""
BELOW: Final = 16
"""From the data to the base line of those labels: clear of the lowest label of the gutter."""
TICK_GAP: Final = 6
"""Pixels between the data and a label of the gutter."""
SWATCH: Final = 18
"""Width of the sign in a key."""
MARK_HEIGHT: Final = 28
"""Pixels of height for each mark of an axis."""


class Key(NamedTuple):
    """One entry of a picture's key: what it is called, the class it is drawn in, the form of its sign."""

    label: str
    kind: str
    shape: str = "line"


def triangle(x: float, y: float, size: float, up: bool) -> str:
    """Path of a triangle whose tip is at ``(x, y)``, its body below an up tip, above a down tip."""
    way = size if up else -size
    return f"{move(x, y)}L{x + size * 0.65:.2f} {y + way:.2f} {x - size * 0.65:.2f} {y + way:.2f}z"


def cross(x: float, y: float, size: float) -> str:
    """Path of a cross with its middle at ``(x, y)``."""
    half = size / 2
    return f"{move(x - half, y - half)}l{size:g} {size:g}M{x - half:.2f} {y + half:.2f}l{size:g} {-size:g}"


def _sign(canvas: Canvas, key: Key, x: float, y: float) -> None:
    if key.shape == "box":
        canvas.path(box_path(x + 3, y - 9, 11, 9), key.kind)
    elif key.shape in {"rise", "fall"}:
        canvas.path(
            triangle(x + 8, y - 9 if key.shape == "rise" else y + 0.0, 9, key.shape == "rise"), key.kind
        )
    elif key.shape == "cross":
        canvas.path(cross(x + 8, y - 4, 8), key.kind)
    else:
        canvas.line(x, y - 4, x + SWATCH - 4, y - 4, key.kind)


def head(canvas: Canvas, title: str, subtitle: str, keys: Sequence[Key] = ()) -> float:
    """Title, a line or two below it, and the key; where the data may begin, in pixels from the top."""
    room = canvas.width - 2 * EDGE
    y = float(EDGE)
    if title:
        canvas.text(EDGE, y + 12, fit(title, TITLE_SIZE, room, bold=True), "bold", TITLE_SIZE)
        y += LINE + 2
    for line in wrap(subtitle, TEXT_SIZE, room):
        canvas.text(EDGE, y + 11, line, "dim")
        y += LINE
    labels = [fit(key.label, TEXT_SIZE, room - SWATCH) for key in keys]
    widths = [SWATCH + text_width(label, TEXT_SIZE) for label in labels]
    places = flow(widths, room, 14)
    for key, label, (row, x) in zip(keys, labels, places, strict=True):
        _sign(canvas, key, EDGE + x, y + row * LINE + 11)
        canvas.text(EDGE + x + SWATCH, y + row * LINE + 11, label, "dim")
    return y + (places[-1][0] + 1) * LINE + 4 if places else y + 4


def nothing(title: str, why: str, width: int, height: int) -> str:
    """The picture of no data: it says so in words."""
    size_of(width, height)
    canvas = Canvas(width, height)
    top = head(canvas, words_of(title, "title"), "")
    canvas.rect(EDGE, top, width - 2 * EDGE, max(height - top - EDGE, 1), "shade")
    lines = wrap(f"Nothing to draw: {why}.", TEXT_SIZE, width - 4 * EDGE)
    for i, line in enumerate(lines):
        canvas.text(width / 2, (top + height) / 2 + i * LINE, line, "dim", anchor="middle")
    return canvas.finish(title, f"Nothing to draw: {why}.")


def gutter_of(labels: Iterable[str], width: int, most: float = 0.4) -> float:
    """Width of the gutter that holds these labels: no more than a share of the picture."""
    widest = max((text_width(label, TEXT_SIZE) for label in labels), default=0.0)
    return min(widest + TICK_GAP + EDGE / 2, width * most)


def mark_count(height: float) -> int:
    """How many marks an axis of this height carries."""
    return max(3, int(height / MARK_HEIGHT))


def value_grid(canvas: Canvas, plot: Box, scale: Scale, marks: Iterable[Mark]) -> None:
    """Grid lines across a plot."""
    for mark in marks:
        y = scale.at(mark.value)
        if plot.top - 0.5 <= y <= plot.bottom + 0.5:
            canvas.line(plot.left, y, plot.right, y, "grid")


def value_labels(
    canvas: Canvas, plot: Box, scale: Scale, marks: Iterable[Mark], taken: Sequence[Box] = ()
) -> None:
    """Labels in the gutter at the right; one that would meet another is left out."""
    there = list(taken)
    x = plot.right + TICK_GAP
    for mark in marks:
        y = scale.at(mark.value)
        label = fit(mark.label, TEXT_SIZE, canvas.width - x - 2)
        box = text_box(x, y + 4, label, TEXT_SIZE)
        if plot.top - 0.5 <= y <= plot.bottom + 0.5 and not any(box.meets(other, 1) for other in there):
            there.append(box)
            canvas.text(x, y + 4, label, "dim")


def value_axis(canvas: Canvas, plot: Box, scale: Scale, marks: Sequence[Mark]) -> None:
    """Grid lines and their labels."""
    value_grid(canvas, plot, scale, marks)
    value_labels(canvas, plot, scale, marks)


def time_axis(canvas: Canvas, plots: Sequence[Box], scale: Scale) -> None:
    """Marks of time through all plots, labels below the last, the zone at the right."""
    last = plots[-1]
    zone = text_box(canvas.width - 4, last.bottom + BELOW, "UTC", TEXT_SIZE, "end")
    canvas.text(canvas.width - 4, last.bottom + BELOW, "UTC", "dim", anchor="end")
    marks = time_marks(int(scale.low), int(scale.high), last.right - last.left)
    across_axis(canvas, plots, scale, marks=marks, taken=[zone])


def across_axis(
    canvas: Canvas, plots: Sequence[Box], scale: Scale, marks: Iterable[Mark], taken: Sequence[Box] = ()
) -> None:
    """Upright grid lines through all plots, and labels below the last of them."""
    there = list(taken)
    last = plots[-1]
    for mark in marks:
        x = scale.at(mark.value)
        if not last.left - 0.5 <= x <= last.right + 0.5:
            continue
        for plot in plots:
            canvas.line(x, plot.top, x, plot.bottom, "grid")
        box = text_box(x, last.bottom + BELOW, mark.label, TEXT_SIZE, "middle")
        if box.left < 1 or box.right > canvas.width - 1 or any(box.meets(other, 6) for other in there):
            continue
        there.append(box)
        canvas.text(x, last.bottom + BELOW, mark.label, "dim", anchor="middle")
    canvas.line(last.left, last.bottom, last.right, last.bottom, "axis")
