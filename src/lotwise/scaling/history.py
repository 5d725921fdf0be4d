"""How a plan went: the events told again, and after each the equity of both accounts and what was at risk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lotwise.records.plan import AnyPlanEvent, Transferred, Transition, Where
from lotwise.scaling.config import PlanConfig
from lotwise.scaling.machine import Plan
from lotwise.units import Cash


@dataclass(frozen=True)
class Point:
    """The plan after an event."""

    time_ns: int
    paper_cash: Cash
    live_cash: Cash
    risk_cash: Cash
    """What a trade may lose; 0 in a pause."""


@dataclass(frozen=True)
class Span:
    """A time in a phase, or in a pause."""

    name: str
    start_ns: int
    end_ns: int
    where: Where = "live"


@dataclass(frozen=True)
class History:
    """The whole way."""

    coin: str
    points: tuple[Point, ...]
    phases: tuple[Span, ...]
    pauses: tuple[Span, ...]
    transfers: tuple[tuple[int, Where, Cash], ...]
    """Time, account, amount."""
    transitions: tuple[Transition, ...]


def history_of(config: PlanConfig, events: Iterable[AnyPlanEvent], until_ns: int = 0) -> History:
    """Tell a plan its events again.

    Parameters
    ----------
    until_ns
        The picture's end, where it is after the last event.

    Raises
    ------
    InputError
        As :meth:`lotwise.scaling.machine.Plan.tell`.
    """
    plan = Plan(config)
    points: list[Point] = []
    phases: list[Span] = []
    pauses: list[Span] = []
    transfers: list[tuple[int, Where, Cash]] = []
    moved: list[Transition] = []

    def seen(time_ns: int) -> None:
        equity, limits = plan.equity, plan.limits(time_ns)
        points.append(Point(time_ns, Cash(equity["paper"]), Cash(equity["live"]), limits.risk_cash))

    for event in events:
        _end_pause(plan, points, event.time_ns)
        number, locked_ns = plan.number, plan.locked_until_ns
        moved += (found := plan.tell(event))
        if plan.number != number or any(one.kind in ("phase up", "phase down") for one in found):
            _close(phases, event.time_ns)
            phases.append(Span(plan.phase.name, event.time_ns, event.time_ns, plan.phase.where))
        if plan.locked_until_ns > locked_ns:
            _close(pauses, event.time_ns, only_later=True)
            pauses.append(Span("pause", event.time_ns, plan.locked_until_ns))
        if isinstance(event, Transferred):
            transfers.append((event.time_ns, event.where, event.amount_cash))
        seen(event.time_ns)
    if points:
        end_ns = max(until_ns, plan.last_ns)
        _end_pause(plan, points, end_ns)
        seen(end_ns)
        _close(phases, end_ns)
        _close(pauses, end_ns, only_later=True)
    return History(config.coin, tuple(points), tuple(phases), tuple(pauses), tuple(transfers), tuple(moved))


def _end_pause(plan: Plan, points: list[Point], before_ns: int) -> None:
    """A pause that ended by itself since the last event: what may be risked is there again."""
    if points and points[-1].time_ns < plan.locked_until_ns <= before_ns:
        last, again = points[-1], plan.limits(plan.locked_until_ns)
        points.append(Point(plan.locked_until_ns, last.paper_cash, last.live_cash, again.risk_cash))


def _close(spans: list[Span], end_ns: int, only_later: bool = False) -> None:
    """The last span ends here; ``only_later``: where it would end after this."""
    if spans and not (only_later and spans[-1].end_ns <= end_ns):
        last = spans[-1]
        spans[-1] = Span(last.name, last.start_ns, end_ns, last.where)
