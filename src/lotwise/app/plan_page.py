"""A plan as a page: what is allowed, how far its gates are, how it went, and every move with its evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.charts.page import Note, Picture, Section, Table, page
from lotwise.charts.times import time_text
from lotwise.clock import Clock
from lotwise.records.plan import Transition
from lotwise.scaling.history import History, history_of
from lotwise.scaling.keep import KeptPlan
from lotwise.scaling.pictures import course, gate_bars
from lotwise.units import Cash, cash_text, grouped, shown_down

if TYPE_CHECKING:
    from lotwise.app.plan import Standing

WIDE: Final = 900
NARROW: Final = 360
MOST_MOVES: Final = 200
"""Moves in the table, the last ones; the log keeps all."""
FOOTER: Final = (
    "Made by lotwise from the plan's own log. A plan bounds what a trade may lose, not what comes."
)
KINDS: Final = {
    "begin": "begins",
    "phase up": "up a phase",
    "phase down": "down a phase",
    "step up": "step up",
    "step down": "step down",
    "lock": "pause",
    "unlock": "goes on",
    "contract": "contracts",
}
Part = Picture | Table | Note


def page_of(path: Path, clock: Clock, found: Standing, title: str = "") -> str:
    """The whole page as HTML text."""
    kept = KeptPlan(path)
    try:
        history = history_of(kept.plan.config, kept.events(), int(clock.now_ns()))
    finally:
        kept.close()
    limits = found.limits
    sections = [
        Section("What a trade may risk", _allowed(found)),
        Section("What is asked next", _gates(found)),
        Section("How it went", _course(history, found.name)),
        Section("What moved, and why", _moves(history)),
    ]
    under = f"phase {found.number + 1} of {len(found.phases)}, {limits.phase}, since {found.since}"
    return page(title or f"Plan: {found.name}", sections, subtitle=under, footer=FOOTER)


def _both(draw: Callable[[int], str], caption: str = "") -> Picture:
    return Picture(draw(WIDE), caption, draw(NARROW))


def _money(cash: Cash) -> str:
    """To the cent, rounded down."""
    return grouped(shown_down(cash_text(cash), 2))


def _allowed(found: Standing) -> list[Part]:
    limits, coin = found.limits, found.coin
    rows = [
        ("at risk a trade", _money(limits.risk_cash), found.said_of_risk),
        ("where", limits.where, "no live order is opened" if limits.where == "paper" else "real money"),
        ("capital", _money(limits.capital_cash), "what the plan counts on; the rest is reserve"),
    ]
    if limits.lots:
        rows.append(("lots", f"{limits.lots:,}", "most of a trade"))
    if limits.contracts:
        rows.append(("contracts", f"{len(limits.contracts)}", ", ".join(limits.contracts)))
    if limits.next_step_cash is not None:
        rows.append(("next step up", _money(limits.next_step_cash), "equity"))
    if limits.next_fall_cash is not None:
        rows.append(("next step down", _money(limits.next_fall_cash), "equity"))
    phases = [
        (f"{number + 1}", name, said, "now" if number == found.number else "")
        for number, (name, said) in enumerate(found.phases)
    ]
    parts: list[Part] = []
    if limits.locked_until_ns:
        until = datetime.fromtimestamp(limits.locked_until_ns // 10**9, tz=UTC)
        parts.append(Note(f"A pause until {until:%Y-%m-%d %H:%M} UTC: nothing is opened.", "warning"))
    parts.append(Table(f"Allowed now, in {coin}", ("", "value", "about"), rows, numbers=(1,)))
    parts.append(Table("Phases", ("", "phase", "what it is", ""), phases))
    return parts


def _gates(found: Standing) -> list[Part]:
    if not found.gates:
        return [Note("This is the last phase: nothing is asked.")]
    title = f"Gates of {found.limits.phase}"
    rows = [(gate.name, gate.found, gate.asked, "open" if gate.is_open else "shut") for gate in found.gates]
    return [
        _both(lambda width: gate_bars(found.gates, title=title, width=width)),
        Table("The gates in words", ("gate", "found", "asked", ""), rows, folded=True),
    ]


def _course(history: History, name: str) -> list[Part]:
    caption = "Equity is what the plan was told, trade by trade. Paper money never becomes live money."
    return [_both(lambda width: course(history, title=f"The way of {name}", width=width), caption)]


def _moves(history: History) -> list[Part]:
    moved = history.transitions
    rows = [
        (time_text(one.time_ns), KINDS[one.kind], one.after or one.before, one.why, _money(one.risk_cash))
        for one in reversed(moved[-MOST_MOVES:])
    ]
    rows = [(when, kind, _until(after), why, risk) for when, kind, after, why, risk in rows]
    columns = ("when, UTC", "what", "to", "why", "at risk")
    parts: list[Part] = [Table("The latest first", columns, rows, numbers=(4,))]
    ups = [one for one in moved if one.kind == "phase up"]
    return parts + [_evidence(one) for one in reversed(ups[-MOST_MOVES:])]


def _until(text: str) -> str:
    """A pause's end is kept in nanoseconds."""
    end = text.removeprefix("until ")
    return f"until {time_text(int(end))}" if end != text and end.isdecimal() else text


def _evidence(one: Transition) -> Table:
    """What stood when a phase began."""
    rows = [(gate.name, gate.found, gate.asked) for gate in one.gates]
    return Table(f"What opened {one.after}", ("gate", "found", "asked"), rows, folded=True)
