"""Two pictures of a review: how far trades went before they ended, and groups with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lotwise.charts.axes import (
    AXIS_ROOM,
    EDGE,
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
from lotwise.charts.scale import Scale, reach, round_marks, said
from lotwise.charts.svg import Canvas, move, num
from lotwise.review.groups import Group

MOST_DOTS: Final = 2_000
"""Dots of a scatter; of more trades every so many are drawn, and the picture says so."""
FAR: Final = 0.99
"""Share of the dots that the axes hold; what lies beyond stands at the edge."""
DOT: Final = 2.4
ROW: Final = 22


def scatter(worst: Any, best: Any, results: Any, *, title: str, width: int = 720, height: int = 300) -> str:
    """Each trade at its worst (to the left) and its best (upwards) in R: winners are discs, losers crosses.

    Parameters
    ----------
    worst, best, results
        In R, of the same trades: 0 or less, 0 or more, and what came.
    """
    import numpy as np

    count = len(results)
    if not count:
        return nothing(title, "no trade whose extremes are known", width, height)
    step = -(-count // MOST_DOTS)
    worst, best, results = worst[::step], best[::step], results[::step]
    left = min(float(np.quantile(worst, 1 - FAR)), -1.0) * 1.05
    high = max(float(np.quantile(best, FAR)), 1.0) * 1.05
    about = f"n {count:,}" + (f", every {step}th drawn" if step > 1 else "")
    about += " · across: worst before the end · up: best before the end, in R"
    keys = [Key("won (disc)", "p0", "box"), Key("lost (cross)", "downl", "cross")]
    marks = round_marks(0, high, mark_count(height))
    top = head(Canvas(width, 1), title, about, keys) + 4
    canvas = Canvas(width, int(top + height + AXIS_ROOM + 2))
    head(canvas, title, about, keys)
    plot = Box(EDGE, top, width - gutter_of([mark.label for mark in marks], width), top + height)
    across, up = Scale(left, 0, plot.left, plot.right), Scale(0, high, plot.bottom, plot.top)
    across_axis(
        canvas, [plot], across, marks=round_marks(left, 0, max(2, int((plot.right - plot.left) / 70)))
    )
    value_axis(canvas, plot, up, marks)
    discs, crosses = [], []
    for x, y, result in zip(worst.tolist(), best.tolist(), results.tolist(), strict=True):
        px, py = across.at(min(0.0, max(x, left))), up.at(max(0.0, min(y, high)))
        if result > 0:
            discs.append(
                f"M{num(px - DOT)} {num(py)}a{DOT} {DOT} 0 1 0 {2 * DOT} 0a{DOT} {DOT} 0 1 0 {-2 * DOT} 0"
            )
        else:
            crosses.append(
                f"{move(px - DOT, py - DOT)}l{2 * DOT} {2 * DOT}m0 {-2 * DOT}l{-2 * DOT} {2 * DOT}"
            )
    canvas.path("".join(crosses), "downl")
    canvas.path("".join(discs), "p0")
    for value, line in ((-1.0, True), (1.0, False)):  # where the stop was, and where 1 R was
        if line:
            canvas.line(across.at(value), plot.top, across.at(value), plot.bottom, "lstop")
        else:
            canvas.line(plot.left, up.at(value), plot.right, up.at(value), "ltgt")
    deep = int((worst < -1).sum()) * step
    told = f"{len(discs):,} dots won, {len(crosses):,} did not. About {deep:,} went beyond 1 R against."
    return canvas.finish(title, f"Scatter of {about}. {told}")


def whiskers(groups: Sequence[Group], *, title: str, unit: str, width: int = 720) -> str:
    """Each group's mean as a mark on its interval; a mark is filled where the interval leaves out 0.

    Groups without an interval (fewer than 30 trades) show a hollow mark alone.
    """
    if not groups:
        return nothing(title, "no groups", width, 100)
    names = [f"{group.name} · {group.count:,}" for group in groups]
    ends = [0.0]
    for group in groups:
        ends += [group.mean, group.mean if group.low is None else group.low]
        ends.append(group.mean if group.high is None else group.high)
    known = [group for group in groups if group.low is not None]
    whole = reach(
        [0.0, *(one.low or 0.0 for one in known), *(one.high or 0.0 for one in known)] if known else ends
    )
    about = f"mean {unit} a trade, with the interval that holds for all groups together"
    keys = [
        Key("above 0 for sure", "up", "box"),
        Key("below 0 for sure", "down", "box"),
        Key("not told", "axis"),
    ]
    top = head(Canvas(width, 1), title, about, keys) + 4
    canvas = Canvas(width, int(top + ROW * len(groups) + AXIS_ROOM + 2))
    head(canvas, title, about, keys)
    side = min(max(text_width(name) for name in names) + 10, width * 0.42)
    plot = Box(EDGE + side, top, width - 3 * EDGE, top + ROW * len(groups))
    across = Scale(*whole, plot.left, plot.right)
    across_axis(canvas, [plot], across, marks=round_marks(*whole, max(2, int((plot.right - plot.left) / 60))))
    canvas.line(across.at(0), plot.top, across.at(0), plot.bottom, "lent")
    told = []
    for i, (group, name) in enumerate(zip(groups, names, strict=True)):
        y = plot.top + (i + 0.5) * ROW
        canvas.text(EDGE, y + 4, fit(name, TEXT_SIZE, side - 6))
        _whisker(canvas, group, across, y)
        told.append(f"{group.name} {said(float(f'{group.mean:.3g}'), signed=True)}, {group.verdict}")
    return canvas.finish(title, f"Means by group in {unit}: {'; '.join(told)}.")


def _whisker(canvas: Canvas, group: Group, across: Scale, y: float) -> None:
    middle = across.at(min(max(group.mean, across.low), across.high))
    kind = {"trade": "upl", "avoid": "downl"}.get(group.verdict, "axis")
    if group.low is not None and group.high is not None:
        low, high = across.at(group.low), across.at(group.high)
        canvas.path(
            f"M{num(low)} {num(y)}H{num(high)}M{num(low)} {num(y - 4)}v8M{num(high)} {num(y - 4)}v8", kind
        )
    mark = f"{move(middle, y - 5)}l5 5l-5 5l-5 -5z"
    filled = {"trade": "up", "avoid": "down"}.get(group.verdict)
    if filled is None:
        canvas.path(mark, "bg")
        canvas.path(mark, "axis" if group.low is None else "cell")
    else:
        canvas.path(mark, filled)
