"""Pictures of a plan: how it went, and how far its gates are. They hold no script and load nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lotwise.charts.axes import (
    AXIS_ROOM,
    EDGE,
    LINE,
    TEXT_SIZE,
    Key,
    gutter_of,
    head,
    mark_count,
    nothing,
    time_axis,
    triangle,
    value_axis,
)
from lotwise.charts.lettering import Box, fit, text_width
from lotwise.charts.notebook import fragment
from lotwise.charts.page import Picture, Table
from lotwise.charts.panels import course as course_words
from lotwise.charts.scale import Scale, reach, round_marks, said
from lotwise.charts.svg import Canvas
from lotwise.charts.thin import Point as Pixel
from lotwise.charts.thin import area_path, line_path, step_points, thin_line
from lotwise.charts.times import span_text
from lotwise.kernel.layout import RATE
from lotwise.records.plan import GateSeen
from lotwise.scaling.history import History, Span
from lotwise.units import SCALE, cash_text, grouped

if TYPE_CHECKING:
    from lotwise.scaling.machine import Plan

RISK_HEIGHT: Final = 90
BAR: Final = 8
ROW: Final = 38
BETWEEN: Final = 26
"""Pixels between the two panels, for the name of the lower."""


def course(history: History, *, title: str, width: int = 720, height: int = 210) -> str:
    """Equity of both accounts with the phases shaded, and under it the money at risk as steps."""
    points = history.points
    if not points:
        return nothing(title, "the plan has not begun", width, height)
    lines = {
        "paper": [point.paper_cash / SCALE for point in points],
        "live": [point.live_cash / SCALE for point in points],
    }
    risk = [point.risk_cash / SCALE for point in points]
    about = f"{span_text(points[0].time_ns, points[-1].time_ns)} · {history.coin}"
    keys = [Key("paper account", "s0"), Key("live account", "s1")]
    keys += [Key("at risk a trade", "a2", "box")] + ([Key("pause", "downa", "box")] if history.pauses else [])
    keys += [Key("transfer", "mark", "fall")] if history.transfers else []
    marks = round_marks(*(around := reach([*lines["paper"], *lines["live"]])), mark_count(height))
    risk_marks = round_marks(*(below := reach(risk, zero=True)), 3)
    top = head(Canvas(width, 1), title, about, keys) + LINE
    bottom = top + height + BETWEEN + RISK_HEIGHT
    canvas = Canvas(width, int(bottom + AXIS_ROOM + 2))
    head(canvas, title, about, keys)
    right = width - gutter_of([*(mark.label for mark in [*marks, *risk_marks]), "UTC"], width)
    upper = Box(EDGE, top, right, top + height)
    lower = Box(EDGE, bottom - RISK_HEIGHT, right, bottom)
    end_ns = max(points[-1].time_ns, points[0].time_ns + 1)
    across = Scale(points[0].time_ns, end_ns, EDGE, right)
    up, small = Scale(*around, upper.bottom, upper.top), Scale(*below, lower.bottom, lower.top)
    for number, span in enumerate(history.phases):
        _shade(canvas, span, across, (upper, lower), dark=number % 2 == 0)
    for span in history.pauses:
        left = across.at(span.start_ns)
        canvas.rect(left, lower.top, max(1.0, across.at(span.end_ns) - left), RISK_HEIGHT, "downa", "pause")
    time_axis(canvas, [upper, lower], across)
    value_axis(canvas, upper, up, marks)
    value_axis(canvas, lower, small, risk_marks)
    canvas.text(EDGE, lower.top - 6, fit(f"at risk a trade, {history.coin}", TEXT_SIZE, right - EDGE), "dim")
    xs = [across.at(point.time_ns) for point in points]
    for kind, values in (("s0", lines["paper"]), ("s1", lines["live"])):
        stepped = step_points(list(zip(xs, (up.at(value) for value in values), strict=True)))
        canvas.path(line_path([thin_line(stepped)]), kind)
    steps: list[Pixel] = step_points(list(zip(xs, (small.at(value) for value in risk), strict=True)))
    canvas.path(area_path([steps], small.at(0)), "a2")
    canvas.path(line_path([steps]), "c2")
    for time_ns, where, amount in history.transfers:
        at = max(i for i, point in enumerate(points) if point.time_ns <= time_ns)
        tip = up.at(lines[where][at]) - 2
        canvas.path(triangle(across.at(time_ns), tip, 9, up=False), "mark", said(amount / SCALE, signed=True))
    told = "; ".join(f"{span.name} from {span_text(span.start_ns, span.start_ns)}" for span in history.phases)
    words = f"{about}. Phases: {told}. Paper: {course_words(lines['paper'])}. Live: "
    words += f"{course_words(lines['live'])}. At risk: {course_words(risk)}."
    return canvas.finish(title, words)


def _shade(canvas: Canvas, span: Span, across: Scale, plots: Sequence[Box], *, dark: bool) -> None:
    """A phase behind the lines, its name above them where there is room."""
    left, right = across.at(span.start_ns), across.at(span.end_ns)
    if dark:
        for plot in plots:
            canvas.rect(left, plot.top, max(0.5, right - left), plot.bottom - plot.top, "shade", span.name)
    canvas.line(left, plots[0].top, left, plots[-1].bottom, "lead")
    name = fit(span.name, TEXT_SIZE, right - left - 4)
    if text_width(name) <= right - left - 4:
        canvas.text(left + 3, plots[0].top - 4, name, "ink")


def gate_bars(gates: Sequence[GateSeen], *, title: str, width: int = 720) -> str:
    """A bar for each gate: how far it is, what is there, what is asked. A full one may be passed."""
    if not gates:
        return nothing(title, "this is the last phase: nothing is asked", width, 90)
    keys = [Key("there", "up", "box"), Key("on its way", "a0", "box")]
    top = head(Canvas(width, 1), title, "", keys) + 4
    canvas = Canvas(width, int(top + ROW * len(gates) + 4))
    head(canvas, title, "", keys)
    room = width - 2 * EDGE
    told = []
    for number, gate in enumerate(gates):
        y = top + number * ROW
        canvas.text(EDGE, y + 12, gate.name, "bold")
        asked = f"{gate.found} · asked: {gate.asked}"
        left = text_width(gate.name, bold=True) + 12
        canvas.text(width - EDGE, y + 12, fit(asked, TEXT_SIZE, room - left), "dim", anchor="end")
        canvas.rect(EDGE, y + 18, room, BAR, "shade", asked)
        full = room * gate.share8 / RATE
        if full:
            canvas.rect(EDGE, y + 18, full, BAR, "up" if gate.is_open else "a0", asked)
        canvas.line(EDGE, y + 18 + BAR, width - EDGE, y + 18 + BAR, "axis")
        done = "there" if gate.is_open else f"{100 * gate.share8 // RATE} %"
        told.append(f"{gate.name}: {done}, {asked}")
    return canvas.finish(title, "; ".join(told) + ".")


def shown(plan: Plan, now_ns: int) -> str:
    """A plan for a notebook: what a trade may risk, the phases, how far the gates are; no script."""
    config, limits = plan.config, plan.limits(now_ns)
    coin = config.coin
    now = [
        ("risk of a trade", f"{grouped(cash_text(limits.risk_cash))} {coin}"),
        ("capital", f"{grouped(cash_text(limits.capital_cash))} {coin}"),
        ("where", limits.where),
    ]
    now += [("most lots", f"{limits.lots:,}")] if limits.lots else []
    phases = [
        ("done" if at < plan.number else "now" if at == plan.number else "to come", phase.name, phase.where)
        for at, phase in enumerate(config.phases)
    ]
    title = f"Gates of {limits.phase}"
    return fragment(
        f"Plan: {config.name}",
        [
            Table("What a trade may risk", ("", "value"), now, numbers=(1,)),
            Table("Phases", ("", "phase", "where"), phases),
            Picture(gate_bars(plan.gates(), title=title)),
        ],
        f"phase {plan.number + 1} of {len(config.phases)}, {limits.phase}",
    )
