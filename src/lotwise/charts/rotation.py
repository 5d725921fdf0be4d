"""Rotation: where each market stands against its benchmark, and where it came from.

To the right: stronger than the benchmark; upwards: gaining on it. Both are centred on a value (100 unless
told). The four corners are named; a market's path runs from thin to its mark, which carries its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from lotwise.charts.axes import (
    AXIS_ROOM,
    EDGE,
    LINE,
    TEXT_SIZE,
    across_axis,
    gutter_of,
    head,
    mark_count,
    nothing,
    value_axis,
)
from lotwise.charts.lettering import Box, fit, text_box
from lotwise.charts.reading import (
    at_most,
    items_of,
    one_of,
    plain_number,
    plain_numbers,
    same_length,
    size_of,
    words_of,
)
from lotwise.charts.scale import Scale, round_marks, said
from lotwise.charts.svg import Canvas, move, num
from lotwise.charts.theme import SERIES
from lotwise.errors import InputError

MOST_MARKETS: Final = 40
MARK: Final = 4
"""Half the width of a market's mark."""
CORNERS: Final = (
    ("improving", False, True),
    ("leading", True, True),
    ("lagging", False, False),
    ("weakening", True, False),
)
"""Name, whether stronger, whether gaining."""


def corner(strength: float, momentum: float, centre: float = 100) -> str:
    """The corner of a point; the centre line counts as the stronger and the gaining side.

    >>> corner(101, 99), corner(99, 100)
    ('weakening', 'improving')
    """
    stronger, gaining = strength >= centre, momentum >= centre
    return next(name for name, a, b in CORNERS if (a, b) == (stronger, gaining))


def rotation(
    tails: Mapping[str, Sequence[Any]],
    *,
    title: str,
    centre: float = 100,
    width: int = 560,
    height: int = 420,
) -> str:
    """Paths of markets through the four corners.

    Parameters
    ----------
    tails
        For each name its strengths and its momenta, the latest last.

    Raises
    ------
    InputError
        CHART-101, 102, 103, 113; CHART-107 more than 40 markets.
    """
    size_of(width, height, least_height=160)
    name = words_of(title, "title")
    one_of(tails, Mapping, "tails")  # type: ignore[type-abstract]
    at_most(len(tails), MOST_MARKETS, "markets")
    middle = plain_number(centre, "centre")
    read: list[tuple[str, list[float], list[float]]] = []
    for label, pair in tails.items():
        market = words_of(label, "market")
        across_by, up_by = _two(pair, market)
        xs, ys = plain_numbers(across_by, f"{market} strength"), plain_numbers(up_by, f"{market} momentum")
        if same_length(strengths=xs, momenta=ys):
            read.append((market, xs, ys))
    if not read:
        return nothing(name, "no markets", width, height)
    far = max(abs(value - middle) for _, xs, ys in read for value in (*xs, *ys)) * 1.12 or 1.0
    about = "right: stronger than the benchmark · up: gaining on it"
    marks = round_marks(middle - far, middle + far, mark_count(height))
    top = head(Canvas(width, 1), name, about) + 4
    canvas = Canvas(width, int(top + height + AXIS_ROOM + 2))
    head(canvas, name, about)
    plot = Box(EDGE, top, width - gutter_of([mark.label for mark in marks], width), top + height)
    across = Scale(middle - far, middle + far, plot.left, plot.right)
    up = Scale(middle - far, middle + far, plot.bottom, plot.top)
    canvas.rect(
        across.at(middle), plot.top, plot.right - across.at(middle), up.at(middle) - plot.top, "shade"
    )
    canvas.rect(plot.left, up.at(middle), across.at(middle) - plot.left, plot.bottom - up.at(middle), "shade")
    most = max(2, int((plot.right - plot.left) / 70))
    across_axis(canvas, [plot], across, marks=round_marks(middle - far, middle + far, most))
    value_axis(canvas, plot, up, marks)
    canvas.line(across.at(middle), plot.top, across.at(middle), plot.bottom, "axis")
    canvas.line(plot.left, up.at(middle), plot.right, up.at(middle), "axis")
    taken = _corners(canvas, plot)
    _paths(canvas, read, across, up)
    _names(canvas, read, plot, taken, across=across, up=up)
    told = "; ".join(
        f"{market} {corner(xs[-1], ys[-1], middle)} ({said(xs[-1])}, {said(ys[-1])})"
        for market, xs, ys in read
    )
    return canvas.finish(name, f"Rotation of {len(read)} round {said(middle)}: {told}.")


def _two(pair: Sequence[Any], market: str) -> list[Any]:
    found = items_of(pair, market)
    if len(found) != 2:
        raise InputError(
            "CHART-101", f"{market} has {len(found)} columns", "give its strengths and its momenta"
        )
    return found


def _corners(canvas: Canvas, plot: Box) -> list[Box]:
    found = []
    for word, stronger, gaining in CORNERS:
        x, anchor = (plot.right - 6, "end") if stronger else (plot.left + 6, "start")
        y = plot.top + 14 if gaining else plot.bottom - 6
        canvas.text(x, y, word, "dim", anchor=anchor)
        found.append(text_box(x, y, word, TEXT_SIZE, anchor))
    return found


def _paths(
    canvas: Canvas, read: Sequence[tuple[str, list[float], list[float]]], across: Scale, up: Scale
) -> None:
    for i, (_, xs, ys) in enumerate(read):
        points = [(across.at(x), up.at(y)) for x, y in zip(xs, ys, strict=True)]
        if len(points) > 1:
            canvas.path("M" + " ".join(f"{num(x)} {num(y)}" for x, y in points), f"c{i % SERIES}")
        dots = "".join(
            f"M{num(x - 2.2)} {num(y)}a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0 -4.4 0" for x, y in points[:-1]
        )
        canvas.path(dots, f"p{i % SERIES}")
    for i, (market, xs, ys) in enumerate(read):
        x, y = across.at(xs[-1]), up.at(ys[-1])
        canvas.path(_mark(i, x, y), f"f{i % SERIES}", f"{market}: {said(xs[-1])}, {said(ys[-1])}")


def _mark(i: int, x: float, y: float) -> str:
    """A disc, a square, a diamond or a triangle: neighbours in the list differ in form and colour."""
    r = MARK
    if i % 4 == 0:
        return f"M{num(x - r)} {num(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0"
    if i % 4 == 1:
        return f"{move(x - r, y - r)}h{2 * r}v{2 * r}h{-2 * r}z"
    if i % 4 == 2:
        return f"{move(x, y - r - 1)}l{r + 1} {r + 1}l{-r - 1} {r + 1}l{-r - 1} {-r - 1}z"
    return f"{move(x, y - r - 1)}l{r + 1} {2 * r + 1}h{-2 * r - 2}z"


def _names(
    canvas: Canvas,
    read: Sequence[tuple[str, list[float], list[float]]],
    plot: Box,
    taken: Sequence[Box],
    *,
    across: Scale,
    up: Scale,
) -> None:
    """Names beside their marks where there is room: of eight places the first that meets nothing."""
    heads = [(across.at(xs[-1]), up.at(ys[-1])) for _, xs, ys in read]
    there = [*taken, *(_round(x, y, MARK) for x, y in heads)]
    paths = [box for _, xs, ys in read for box in _along(xs, ys, across, up)]
    for (market, _, _), (x, y) in zip(read, heads, strict=True):
        word = fit(market, TEXT_SIZE, (plot.right - plot.left) / 3)
        free = _free(word, x, y, plot, [*there, *paths]) or _free(word, x, y, plot, there)
        if free is not None:
            px, py, anchor = free
            canvas.text(px, py, word, "ink", anchor=anchor)
            there.append(text_box(px, py, word, TEXT_SIZE, anchor))


def _round(x: float, y: float, far: float) -> Box:
    return Box(x - far, y - far, x + far, y + far)


def _along(xs: Sequence[float], ys: Sequence[float], across: Scale, up: Scale) -> list[Box]:
    """Small boxes along a path, four to a step: names keep off them where they can."""
    found = []
    points = [(across.at(x), up.at(y)) for x, y in zip(xs, ys, strict=True)]
    for (a, b), (c, d) in pairwise(points):
        found += [_round(a + (c - a) * k / 4, b + (d - b) * k / 4, 2) for k in range(4)]
    return found


def _free(word: str, x: float, y: float, plot: Box, there: Sequence[Box]) -> tuple[float, float, str] | None:
    """Of eight places round a mark the first where a name meets nothing; None: there is none."""
    for dx, dy in _AROUND:
        anchor = "start" if dx > 0 else "end" if dx < 0 else "middle"
        px, py = x + dx * (MARK + 4), y + dy
        box = text_box(px, py, word, TEXT_SIZE, anchor)
        within = plot.left < box.left and box.right < plot.right
        within = within and plot.top < box.top and box.bottom < plot.bottom
        if within and not any(box.meets(other, 1) for other in there):
            return px, py, anchor
    return None


_AROUND: Final = ((1, 4), (-1, 4), (0, -LINE / 2), (0, LINE), (1, -8), (1, LINE), (-1, -8), (-1, LINE))
