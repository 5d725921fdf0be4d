"""Candles, and what a trader wants beside them, in one picture over one axis of time.

A rising candle is filled and blue, a falling one hollow and orange. Bars too many for the width are put
together exactly (:mod:`lotwise.charts.thin`); the picture says how many stand for one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lotwise.charts.axes import (
    AXIS_ROOM,
    EDGE,
    LINE,
    Key,
    gutter_of,
    head,
    mark_count,
    nothing,
    time_axis,
    value_grid,
    value_labels,
)
from lotwise.charts.lettering import Box
from lotwise.charts.marks import (
    LEVEL_KINDS,
    TRADE_KINDS,
    Level,
    ProfileLike,
    Session,
    Trade,
    check_levels,
    check_spans,
    check_trades,
    draw_levels,
    draw_profile,
    draw_sessions,
    draw_trades,
    profile_levels,
    tag_text,
)
from lotwise.charts.panels import Lower, draw_lower, draw_ribbon, draw_volume, read_lower, ribbon_names
from lotwise.charts.reading import (
    TickSize,
    each_of,
    items_of,
    plain_numbers,
    rising_times,
    same_length,
    size_of,
    tick_size_of,
    whole_numbers,
    words_of,
)
from lotwise.charts.scale import Mark, Scale, price_marks, said
from lotwise.charts.svg import Canvas, box_path, move, num
from lotwise.charts.theme import OVERLAYS
from lotwise.charts.thin import Bars, Drawn, line_path, pieces, read_bars, thin_bars
from lotwise.charts.times import length_text, span_text, time_text
from lotwise.errors import InputError

SLOT: Final = 4
"""Least pixels of a candle with its air: below that hollow and filled look alike."""
WIDEST_BODY: Final = 14
LOWER_HEIGHT: Final = 64
LANE: Final = 14
"""Height of a row of the regime ribbon."""


@dataclass(frozen=True)
class Overlay:
    """A line over the prices, in ticks (fractions allowed: averages); None and NaN are gaps."""

    label: str
    time_ns: Any
    ticks: Any


@dataclass(frozen=True)
class _Scene:
    """All that is drawn, checked."""

    bars: Drawn
    shown: Drawn
    tick: TickSize
    levels: list[Level]
    trades: list[Trade]
    stops: list[tuple[int, float]]
    sessions: list[Session]
    overlays: list[tuple[str, list[int], list[float]]]
    lower: list[Lower]
    regimes: list[Session]
    profile: ProfileLike | None
    lot_size: TickSize
    unit: str


def candles(
    bars: Bars,
    tick_size: object,
    *,
    title: str,
    levels: Sequence[Level] = (),
    trades: Sequence[Trade] = (),
    stop_path: Sequence[tuple[int, int | None]] = (),
    sessions: Sequence[Session] = (),
    overlays: Sequence[Overlay] = (),
    lower: Sequence[Lower] = (),
    regimes: Sequence[Session] = (),
    profile: ProfileLike | None = None,
    lot_size: object = "1",
    unit: str = "lots",
    width: int = 900,
    height: int = 320,
) -> str:
    """Candles as an SVG picture.

    Parameters
    ----------
    bars
        Whole ticks and lots; thinned where there are more than fit.
    tick_size, lot_size
        Exact text or Decimal: prices and volumes are labelled with it.
    levels
        Lines with tags; one far from all bars is held at the edge with an arrow.
    trades
        Markers; those outside the time of the bars are counted in the description.
    stop_path
        ``(time_ns, price_ticks)``: the stop from that time on; a price of None ends it.
    sessions, regimes
        Shaded stretches; a ribbon with a row for each name.
    lower
        Panels under the price on the same time, e.g. CVD or delta.
    profile
        Drawn at the left with POC, VAH and VAL marked.
    height
        Of the price panel; panels, ribbon and words come on top of it.

    Raises
    ------
    InputError
        CHART-101 to 108, 111, 113, 114, 118: a value that cannot be drawn, with its place.
    """
    size_of(width, height, least_height=80)
    name = words_of(title, "title")
    read = read_bars(bars)
    tick = tick_size_of(tick_size)
    marked = check_levels(levels)
    if profile is not None:
        marked = [*marked, *profile_levels(profile)]
    labels = [tag_text(level, tick) for level in marked]
    if not read.time_ns:
        return nothing(name, "no bars", width, height)
    right = width - _gutter(read, tick, labels, width=width)
    left = EDGE + (0 if profile is None else max(40.0, width * 0.12) + 6)
    scene = _Scene(
        bars=read,
        shown=thin_bars(read, max(1, int((right - left) / SLOT))),
        tick=tick,
        levels=marked,
        trades=check_trades(trades),
        stops=_stops(stop_path, read.time_ns[-1] + read.bar_ns),
        sessions=check_spans(sessions),
        overlays=[_overlay(overlay) for overlay in each_of(overlays, Overlay, "overlays")],
        lower=[read_lower(panel) for panel in each_of(lower, Lower, "lower")],
        regimes=check_spans(regimes),
        profile=profile,
        lot_size=tick_size_of(lot_size),
        unit=words_of(unit, "unit"),
    )
    return _paint(scene, name, left=left, right=right, width=width, height=height)


def _gutter(bars: Drawn, tick: TickSize, tags: Sequence[str], width: int) -> float:
    highs = [tick.text(max(bars.high_ticks, key=abs)), tick.text(min(bars.low_ticks))]
    return gutter_of([*highs, *(f"{tag} ↑ →" for tag in tags), "888.88 M"], width)


def _overlay(overlay: Overlay) -> tuple[str, list[int], list[float]]:
    times = rising_times(overlay.time_ns, "overlay.time_ns")
    values = plain_numbers(overlay.ticks, "overlay.ticks", gaps=True)
    same_length(time_ns=times, ticks=values)
    return words_of(overlay.label, "overlay.label"), times, values


def _stops(path: Sequence[tuple[int, int | None]], end_ns: int) -> list[tuple[int, float]]:
    rows = [items_of(row, "stop_path") for row in items_of(path, "stop_path")]
    for i, row in enumerate(rows):
        if len(row) != 2:
            raise InputError(
                "CHART-101", f"stop_path[{i}] has {len(row)} members", "give (time_ns, price_ticks)"
            )
    times = rising_times([row[0] for row in rows], "stop_path times", strict=False)
    prices = [row[1] for row in rows]
    whole_numbers([price for price in prices if price is not None], "stop_path prices")
    found = [
        (time, math.nan if price is None else float(price)) for time, price in zip(times, prices, strict=True)
    ]
    if found and not math.isnan(found[-1][1]) and found[-1][0] < end_ns:
        found.append((end_ns, found[-1][1]))
    return found


def _price_scale(scene: _Scene, plot: Box) -> Scale:
    """All bars, fills and stops are seen; a level or an average at most one height of the bars away too."""
    low, high = min(scene.bars.low_ticks), max(scene.bars.high_ticks)
    span = max(high - low, 1)
    sure = [trade.price_ticks for trade in scene.trades]
    near = [float(level.price_ticks) for level in scene.levels] + [price for _, price in scene.stops]
    for _, _, values in scene.overlays:
        near += values
    inside = [value for value in near if low - span <= value <= high + span]
    bottom, top = math.floor(min([low, *sure, *inside])), math.ceil(max([high, *sure, *inside]))
    air = max((top - bottom) // 25, 1)  # whole, so that it counts however large the prices are
    return Scale(bottom - air, top + air, plot.bottom, plot.top)


def _paint(scene: _Scene, title: str, left: float, right: float, width: int, height: int) -> str:
    names = ribbon_names(scene.regimes)
    panels = len(scene.lower) + bool(scene.shown.lots)
    draft = Canvas(width, 1)
    top = head(draft, title, _subtitle(scene), _keys(scene)) + (LINE if scene.sessions else 0) + 4
    ribbon = len(names) * LANE + (8 if names else 0)
    whole = int(top + height + panels * (LOWER_HEIGHT + LINE + 4) + ribbon + AXIS_ROOM + 4)
    canvas = Canvas(width, whole)
    head(canvas, title, _subtitle(scene), _keys(scene))
    plot = Box(left, top, right, top + height)
    boxes = [plot]
    for i in range(panels):
        start = plot.bottom + (i + 1) * (LINE + 4) + i * LOWER_HEIGHT
        boxes.append(Box(left, start, right, start + LOWER_HEIGHT))
    end = boxes[-1].bottom + ribbon
    first, last = scene.shown.time_ns[0], scene.bars.time_ns[-1] + scene.bars.bar_ns
    across = Scale(first, max(last, scene.shown.time_ns[-1] + scene.shown.length_ns), left, right)
    if scene.sessions:
        draw_sessions(canvas, boxes, across, scene.sessions, label_y=top - 6)
    axis = [*boxes, Box(left, boxes[-1].bottom, right, end)] if names else boxes
    time_axis(canvas, axis, across)
    _paint_price(canvas, scene, plot, across)
    lower = boxes[1:]
    if scene.shown.lots:
        draw_volume(canvas, lower.pop(0), across, bars=scene.shown, lot_size=scene.lot_size, unit=scene.unit)
    for panel, box in zip(scene.lower, lower, strict=True):
        draw_lower(canvas, box, across, panel=panel, slot_ns=scene.shown.length_ns)
    draw_ribbon(canvas, Box(left, boxes[-1].bottom + 6, right, end), across, scene.regimes)
    return canvas.finish(title, _described(scene))


def _paint_price(canvas: Canvas, scene: _Scene, plot: Box, across: Scale) -> None:
    scale = _price_scale(scene, plot)
    marks: list[Mark] = price_marks(scale.low, scale.high, scene.tick, mark_count(plot.bottom - plot.top))
    if scene.profile is not None:
        draw_profile(canvas, Box(EDGE, plot.top, plot.left - 6, plot.bottom), scale, scene.profile)
    value_grid(canvas, plot, scale, marks)
    # tags before labels, which give way to them; candles last: nothing hides a price
    taken = draw_levels(canvas, plot, scale, scene.levels, tick=scene.tick)
    value_labels(canvas, plot, scale, marks, taken=taken)
    draw_candles(canvas, scene.shown, across, scale)
    for i, (_, times, values) in enumerate(scene.overlays):
        inside = [
            value if scale.holds(value) and across.holds(time) else math.nan
            for time, value in zip(times, values, strict=True)
        ]
        canvas.path(line_path(pieces(times, inside, across.at, scale.at)), f"o{i % OVERLAYS}")
    _paint_stops(canvas, scene, across, scale)
    draw_trades(canvas, _seen(scene), across, scale)


def draw_candles(canvas: Canvas, bars: Drawn, across: Scale, scale: Scale) -> None:
    """Bodies and wicks as four paths, whatever the number of bars."""
    slot = (across.end - across.start) * bars.length_ns / (across.high - across.low)
    body = min(max(slot * 0.72, 1.0), WIDEST_BODY)
    found = {"upl": "", "up": "", "downl": "", "down": ""}
    wicks: dict[str, list[str]] = {"up": [], "down": []}
    bodies: dict[str, list[str]] = {"up": [], "down": []}
    for time, first, high, low, last in zip(
        bars.time_ns, bars.open_ticks, bars.high_ticks, bars.low_ticks, bars.close_ticks, strict=True
    ):
        kind = "up" if last >= first else "down"
        middle = across.at(time) + slot / 2
        top, bottom = scale.at(max(first, last)), scale.at(min(first, last))
        if high > max(first, last):
            wicks[kind].append(f"{move(middle, scale.at(high))}V{num(top)}")
        if low < min(first, last):
            wicks[kind].append(f"{move(middle, bottom)}V{num(scale.at(low))}")
        bodies[kind].append(box_path(middle - body / 2, top, body, bottom - top))
    for kind in ("up", "down"):
        found[f"{kind}l"], found[kind] = "".join(wicks[kind]), "".join(bodies[kind])
    for kind, d in found.items():
        canvas.path(d, kind)


def _paint_stops(canvas: Canvas, scene: _Scene, across: Scale, scale: Scale) -> None:
    """The stop as steps, within the time of the bars; it ends where there is no stop, or one out of sight."""
    runs: list[list[tuple[float, float]]] = [[]]
    for time, price in scene.stops:
        x = across.at(min(max(time, across.low), across.high))
        if runs[-1]:
            runs[-1].append((x, runs[-1][-1][1]))
        if scale.holds(price):
            runs[-1].append((x, scale.at(price)))
        elif runs[-1]:
            runs.append([])
    canvas.path(line_path([run for run in runs if len(run) > 1]), "path")


def _seen(scene: _Scene) -> list[Trade]:
    end = scene.bars.time_ns[-1] + scene.bars.bar_ns
    return [trade for trade in scene.trades if scene.bars.time_ns[0] <= trade.time_ns <= end]


def _subtitle(scene: _Scene) -> str:
    bars = scene.bars
    count = len(bars.time_ns)
    text = f"{span_text(bars.time_ns[0], bars.time_ns[-1] + bars.bar_ns)} · {count:,} bar{'s' * (count > 1)}"
    text += f" of {length_text(bars.bar_ns)}"
    if scene.shown.slots > 1:
        text += f", {scene.shown.slots} to a candle ({length_text(scene.shown.length_ns)})"
    return text


def _keys(scene: _Scene) -> list[Key]:
    keys = [Key("up", "up", "box"), Key("down (hollow)", "down", "box")]
    shapes = {"long": ("mark", "rise"), "short": ("mark", "fall"), "exit": ("cross", "cross")}
    kinds = {trade.kind for trade in _seen(scene)}
    keys += [Key(TRADE_KINDS[kind], *shapes[kind]) for kind in TRADE_KINDS if kind in kinds]
    if scene.stops:
        keys.append(Key("stop path", "path"))
    if scene.profile is not None:
        known = ": value area darker, POC darkest" if scene.profile.control >= 0 else ""
        keys.append(Key(f"volume by price{known}", "prov" if known else "prof", "box"))
    return keys + [Key(label, f"o{i % OVERLAYS}") for i, (label, _, _) in enumerate(scene.overlays)]


def _described(scene: _Scene) -> str:
    bars, tick = scene.bars, scene.tick
    first, last = bars.open_ticks[0], bars.close_ticks[-1]
    high, low = max(bars.high_ticks), min(bars.low_ticks)
    change = f" ({said((last - first) / first * 100, signed=True)} %)" if first > 0 else ""
    words = [
        f"Candles, {_subtitle(scene)}.",
        f"First open {tick.text(first)}, last close {tick.text(last)}{change}.",
        f"High {tick.text(high)} at {time_text(bars.time_ns[bars.high_ticks.index(high)])}, "
        f"low {tick.text(low)} at {time_text(bars.time_ns[bars.low_ticks.index(low)])}.",
    ]
    if bars.lots:
        words.append(f"Volume {scene.lot_size.text(sum(bars.lots))} {scene.unit}.")
    if scene.levels:
        order = sorted(
            scene.levels, key=lambda level: (list(LEVEL_KINDS).index(level.kind), level.price_ticks)
        )
        words.append(f"Levels: {'; '.join(tag_text(level, tick) for level in order)}.")
    if scene.trades:
        seen = _seen(scene)
        counts = [f"{sum(t.kind == kind for t in seen)} {name}" for kind, name in TRADE_KINDS.items()]
        words.append(f"Fills: {', '.join(counts)}, {len(scene.trades) - len(seen)} outside this time.")
    prices = [price for _, price in scene.stops if not math.isnan(price)]
    if prices:
        words.append(f"The stop goes from {tick.text(int(prices[0]))} to {tick.text(int(prices[-1]))}.")
    words += [f"{panel.label}: {panel.said()}." for panel in scene.lower]
    if scene.regimes:
        words.append(f"Regimes: {', '.join(ribbon_names(scene.regimes))}.")
    return " ".join(words)
