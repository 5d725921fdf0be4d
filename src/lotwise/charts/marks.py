"""What is laid over prices: levels with their tags, trades, a stop's path, sessions, the volume profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lotwise.charts.axes import TEXT_SIZE, TICK_GAP, cross, triangle
from lotwise.charts.lettering import Box, fit, spread, text_box, text_width
from lotwise.charts.reading import TickSize, each_of, whole_numbers, words_of
from lotwise.charts.scale import Scale
from lotwise.charts.svg import Canvas, box_path, move, num
from lotwise.errors import InputError

LEVEL_KINDS: Final = {
    "entry": ("lent", "ink"),
    "stop": ("lstop", "downx"),
    "target": ("ltgt", "upx"),
    "break-even": ("lbe", "dim"),
    "liquidation": ("lliq", "downx"),
    "poc": ("lpoc", "ink"),
    "value": ("lva", "dim"),
    "other": ("loth", "dim"),
}
"""Kind of a level: the class of its line and of its words, the most important first."""

TRADE_KINDS: Final = {"long": "long entry", "short": "short entry", "exit": "exit"}
TAG_HEIGHT: Final = 14
"""Pixels between the base lines of two tags."""
MARKER: Final = 9
"""Size of a marker in pixels."""


@dataclass(frozen=True)
class Level:
    """A horizontal line at a price; ``kind`` is one of ``LEVEL_KINDS``."""

    price_ticks: int
    label: str
    kind: str = "other"


@dataclass(frozen=True)
class Trade:
    """A fill: ``long`` and ``short`` entries, ``exit``."""

    time_ns: int
    price_ticks: int
    kind: str


@dataclass(frozen=True)
class Session:
    """A stretch of time that is shaded and named."""

    start_ns: int
    end_ns: int
    label: str


class ProfileLike(Protocol):
    """A volume profile, as ``lotwise.analysis.profile`` makes it."""

    @property
    def base_ticks(self) -> int:
        """Lowest price of row 0."""

    @property
    def row_ticks(self) -> int:
        """Ticks of a row."""

    @property
    def lots(self) -> Any:
        """Volume of each row, the lowest first."""

    @property
    def control(self) -> int:
        """Row of the point of control, or -1."""

    @property
    def value_low(self) -> int:
        """Lowest row of the value area."""

    @property
    def value_high(self) -> int:
        """Highest row of the value area."""


def check_levels(levels: Sequence[Level]) -> list[Level]:
    """The levels, checked.

    Raises
    ------
    InputError
        CHART-102 a price that is not whole; CHART-108 an unknown kind; CHART-113 a label that is no text.
    """
    levels = each_of(levels, Level, "levels")
    whole_numbers([level.price_ticks for level in levels], "levels.price_ticks")
    for level in levels:
        _known(level.kind, tuple(LEVEL_KINDS), "level")
    return [Level(int(level.price_ticks), words_of(level.label, "label"), level.kind) for level in levels]


def check_trades(trades: Sequence[Trade]) -> list[Trade]:
    """The trades, checked.

    Raises
    ------
    InputError
        CHART-102 a price or a time that is not whole; CHART-108 an unknown kind.
    """
    trades = each_of(trades, Trade, "trades")
    whole_numbers([trade.price_ticks for trade in trades], "trades.price_ticks")
    whole_numbers([trade.time_ns for trade in trades], "trades.time_ns")
    for trade in trades:
        _known(trade.kind, tuple(TRADE_KINDS), "trade")
    return [Trade(int(trade.time_ns), int(trade.price_ticks), trade.kind) for trade in trades]


def check_spans(spans: Sequence[Session]) -> list[Session]:
    """Sessions or regimes, checked.

    Raises
    ------
    InputError
        CHART-102 a time that is not whole; CHART-113 a label that is no text;
        CHART-114 an end not after its start.
    """
    spans = each_of(spans, Session, "spans")
    starts = whole_numbers([span.start_ns for span in spans], "start_ns")
    ends = whole_numbers([span.end_ns for span in spans], "end_ns")
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if end <= start:
            raise InputError("CHART-114", f"span {i} ends at {end}, starts at {start}", "swap them")
    labels = [words_of(span.label, "label") for span in spans]
    return [Session(*row) for row in zip(starts, ends, labels, strict=True)]


def _known(kind: object, kinds: Sequence[str], what: str) -> None:
    if kind not in kinds:
        raise InputError("CHART-108", f"a {what} of kind {kind!r}", f"use one of {', '.join(kinds)}")


def profile_levels(profile: ProfileLike) -> list[Level]:
    """Levels at the point of control and at both ends of the value area.

    Raises
    ------
    InputError
        CHART-111 rows that the profile does not have, a row of no ticks, a negative volume.
    """
    lots = whole_numbers(profile.lots, "profile.lots")
    count = len(lots)
    if min(lots, default=0) < 0:
        raise InputError("CHART-111", f"profile.lots holds {min(lots)}", "volumes are not negative")
    if profile.control < 0 and profile.row_ticks > 0:
        return []
    ordered = 0 <= profile.value_low <= profile.control <= profile.value_high < count
    if not ordered or profile.row_ticks < 1:
        raise InputError(
            "CHART-111",
            f"rows {profile.value_low} to {profile.value_high} round {profile.control}, of {count} rows of "
            f"{profile.row_ticks} ticks",
            "make the profile with lotwise.analysis.profile",
        )
    base, row = int(profile.base_ticks), int(profile.row_ticks)
    return [
        Level(base + int(profile.control) * row, "POC", "poc"),
        Level(base + (int(profile.value_high) + 1) * row - 1, "VAH", "value"),
        Level(base + int(profile.value_low) * row, "VAL", "value"),
    ]


def tag_text(level: Level, tick: TickSize, arrow: str = "") -> str:
    """What a level's tag says: label, then price."""
    return f"{arrow}{level.label} {tick.text(level.price_ticks)}".strip()


def draw_levels(
    canvas: Canvas, plot: Box, scale: Scale, levels: Sequence[Level], tick: TickSize
) -> list[Box]:
    """Lines across the plot, tags in the gutter, apart from each other; the boxes of the tags.

    A level outside the plot has no line: its tag is held at the edge with an arrow. Where the gutter has no
    room for all tags, those of the least important kinds are left out and counted.
    """
    kinds = list(LEVEL_KINDS)
    most = max(1, int((plot.bottom - plot.top) / TAG_HEIGHT))
    ranked = sorted(range(len(levels)), key=lambda i: (kinds.index(levels[i].kind), i))
    dropped = len(ranked) - most
    kept = sorted(ranked[: most - 1] if dropped > 0 else ranked)
    for level in levels:
        y = scale.at(level.price_ticks)
        if plot.top <= y <= plot.bottom:
            canvas.line(plot.left, y, plot.right, y, LEVEL_KINDS[level.kind][0])
    wanted = [min(max(scale.at(levels[i].price_ticks), plot.top), plot.bottom) for i in kept]
    high = plot.bottom - TAG_HEIGHT if dropped > 0 else plot.bottom
    places = spread(wanted, TAG_HEIGHT, plot.top + 4, high - 4)
    boxes: list[Box] = []
    x = plot.right + TICK_GAP + 6
    for i, y in zip(kept, places, strict=True):
        at = scale.at(levels[i].price_ticks)
        arrow = "↑ " if at < plot.top else "↓ " if at > plot.bottom else ""
        price = f"{arrow}{tick.text(levels[i].price_ticks)}"
        room = canvas.width - x - 2
        label = fit(levels[i].label, TEXT_SIZE, room - text_width(f"{price} ", TEXT_SIZE))
        words = fit(f"{label} {price}".strip(), TEXT_SIZE, room)
        at = min(max(at, plot.top), plot.bottom)
        canvas.path(f"{move(plot.right, at)}L{num(x - 4)} {num(y)}h2", "lead")
        canvas.text(x, y + 4, words, LEVEL_KINDS[levels[i].kind][1])
        boxes.append(text_box(x, y + 4, words, TEXT_SIZE))
    if dropped > 0:
        more = f"+{len(levels) - len(kept)} more"
        canvas.text(x, plot.bottom, more, "dim")
        boxes.append(text_box(x, plot.bottom, more, TEXT_SIZE))
    return boxes


def draw_trades(canvas: Canvas, trades: Sequence[Trade], across: Scale, up: Scale) -> None:
    """Markers with their tips at the fill: a triangle upward, one downward, a cross, each with a halo."""
    found = {"long": "", "short": "", "exit": ""}
    for trade in trades:
        x, y = across.at(trade.time_ns), up.at(trade.price_ticks)
        found[trade.kind] += (
            cross(x, y, MARKER) if trade.kind == "exit" else triangle(x, y, MARKER, trade.kind == "long")
        )
    for kind, d in found.items():
        canvas.path(d, "halo")
        canvas.path(d, "cross" if kind == "exit" else "mark")


def draw_sessions(
    canvas: Canvas, plots: Sequence[Box], across: Scale, sessions: Sequence[Session], label_y: float
) -> None:
    """Shades behind all plots, names in the row above them where they fit."""
    there: list[Box] = []
    for i, session in enumerate(sessions):
        left = max(across.at(session.start_ns), plots[0].left)
        right = min(across.at(session.end_ns), plots[0].right)
        if right <= left:
            continue
        for plot in plots:
            if i % 2 == 0:
                canvas.rect(left, plot.top, right - left, plot.bottom - plot.top, "shade")
        canvas.path(f"{move(left, label_y + 5)}v-3h{num(right - left)}v3", "axis")
        words = fit(session.label, TEXT_SIZE, right - left)
        box = text_box(left, label_y - 1, words, TEXT_SIZE)
        if len(words) > 2 and not any(box.meets(other, 4) for other in there):
            canvas.text(left, label_y - 1, words, "dim")
            there.append(box)


def draw_profile(canvas: Canvas, strip: Box, scale: Scale, profile: ProfileLike) -> None:
    """Volume by price as bars to the right: the value area darker, the point of control darkest.

    Rows thinner than a pixel are put together, all their volume kept.
    """
    lots = whole_numbers(profile.lots, "profile.lots")
    base, row = int(profile.base_ticks), int(profile.row_ticks)
    a_row = abs(scale.at(base + row) - scale.at(base))
    each = max(1, -int(-1 // max(a_row, 1e-9)))
    sums = [sum(lots[i : i + each]) for i in range(0, len(lots), each)]
    widest = max(sums, default=0) or 1
    found = {"prof": "", "prov": "", "proc": ""}
    for place, volume in enumerate(sums):
        first, last = place * each, min(place * each + each, len(lots)) - 1
        top = max(scale.at(base + (last + 1) * row), strip.top)
        bottom = min(scale.at(base + first * row), strip.bottom)
        if volume <= 0 or bottom <= top:
            continue
        inside = profile.value_low <= last and first <= profile.value_high
        kind = "proc" if first <= profile.control <= last else "prov" if inside else "prof"
        width = volume / widest * (strip.right - strip.left)
        found[kind] += box_path(strip.left, top, width, max(bottom - top - (1 if a_row > 3 else 0), 0.5))
    for kind, d in found.items():
        canvas.path(d, kind)
