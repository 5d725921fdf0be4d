"""The scaling plan at work: what the journal has since is told to the plan, and how it stands is said."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from lotwise.clock import Clock
from lotwise.errors import InputError
from lotwise.guard.values import zone_of
from lotwise.journal.shelf import Journal, Wanted
from lotwise.kernel.limit_rows import EQUITY_STEPS
from lotwise.records.plan import (
    AnyPlanEvent,
    Begun,
    BreachFound,
    EquitySeen,
    GateSeen,
    PlanLimits,
    Priced,
    SteppedBack,
    TradeClosed,
    TradeNoted,
    Transferred,
    Transition,
    Where,
)
from lotwise.scaling.config import Phase
from lotwise.scaling.keep import KeptPlan, KnownTransfer
from lotwise.scaling.keep import restart as restart_log
from lotwise.scaling.obey import PlannedPipeline, planned_facts
from lotwise.scaling.simulate import Simulated
from lotwise.scaling.watch import PlanWatch
from lotwise.sizing.size import size
from lotwise.units import Cash, cash_text, parse_cash, percent_text

if TYPE_CHECKING:
    from lotwise.review.table import Reviewed

__all__ = ["PlanWatch", "PlannedPipeline", "planned_facts"]
SECOND_NS: Final = 10**9
DAY_NS: Final = 86_400 * SECOND_NS
BY_HAND_DAYS: Final = (1, 7)
"""A transfer is the one told by hand where that was told so many days before it or after it, at most."""


@dataclass(frozen=True)
class Standing:
    """A plan as it stands, in words."""

    name: str
    coin: str
    number: int
    since: str
    phases: tuple[tuple[str, str], ...]
    """Name of each phase, and what it is."""
    limits: PlanLimits
    gates: tuple[GateSeen, ...]
    said_of_risk: str


def standing(path: Path, clock: Clock) -> Standing:
    """How the plan stands now.

    Raises
    ------
    InputError
        As :class:`lotwise.scaling.keep.KeptPlan`; PLAN-113 before the first check.
    """
    kept = KeptPlan(path)
    try:
        limits, plan = kept.limits(clock.now_ns()), kept.plan
        zone = zone_of(plan.config.time_zone)
        since = datetime.fromtimestamp(plan.since_ns // SECOND_NS, tz=zone).date().isoformat()
        said = f"{percent_text(plan.phase.risk8)} of the capital"
        if plan.row.kind == EQUITY_STEPS:
            said += f", by steps of {percent_text(plan.phase.step_share8)}"
        if limits.locked_until_ns:
            until = datetime.fromtimestamp(limits.locked_until_ns // SECOND_NS, tz=zone)
            said = f"a pause until {until:%Y-%m-%d %H:%M}"
        return Standing(
            name=plan.config.name,
            coin=plan.config.coin,
            number=plan.number,
            since=since,
            phases=tuple((phase.name, _what(phase)) for phase in plan.config.phases),
            limits=limits,
            gates=plan.gates(),
            said_of_risk=said,
        )
    finally:
        kept.close()


def _what(phase: Phase) -> str:
    capital = cash_text(phase.capital_cash) if phase.capital_cash else percent_text(phase.capital_share8)
    steps = f", +{percent_text(phase.step_share8)} steps" if phase.kind == EQUITY_STEPS else ""
    return f"{phase.where}, {percent_text(phase.risk8)} of {capital}{steps}"


@dataclass(frozen=True)
class Checked:
    """What a check showed."""

    moved: list[Transition]
    passed_over: dict[str, int]
    """Closed trades since the plan began that it does not count, by their coin: it counts in another."""


def check(
    path: Path,
    clock: Clock,
    *,
    equity_cash: Cash | None,
    paper_cash: Cash | None,
    journal: str | None,
    accounts: Mapping[Where, str],
    price: str | None = None,
) -> Checked:
    """Tell the plan what the journal has since it was last told; what moved, and what was passed over.

    Raises
    ------
    InputError
        PLAN-153 a plan that has not begun, and no equity to begin with; JOURNAL and STORE codes of the
        journal; PLAN codes of the plan. Nothing is changed then.
    """
    kept = KeptPlan(path)
    try:
        now_ns = int(clock.now_ns())
        if kept.plan.sequence == 0:
            if equity_cash is None:
                raise InputError(
                    "PLAN-153", "the plan has not begun", f"lotwise plan check {path} --equity 1000 begins it"
                )
            begun = Begun(time_ns=now_ns, equity_cash=equity_cash, paper_cash=paper_cash or Cash(0))
            return Checked(kept.tell([begun]), {})
        told, passed_over = _since(kept, journal, accounts)
        now_ns = max(
            [now_ns, kept.plan.last_ns, *(event.time_ns for event in told)]
        )  # a venue's clock may lead
        seen: list[tuple[Where, Cash | None]] = [("live", equity_cash), ("paper", paper_cash)]
        for where, cash in seen:
            if cash is not None:
                told.append(EquitySeen(time_ns=now_ns, where=where, equity_cash=cash))
        if price is not None:
            told.append(_priced(kept, price, now_ns))
        return Checked(kept.tell(told), passed_over)
    finally:
        kept.close()


Told = AnyPlanEvent | KnownTransfer
Move = tuple[int, int, Told]
"""Time, place at that time, and what is told."""


def _since(
    kept: KeptPlan, place: str | None, accounts: Mapping[Where, str]
) -> tuple[list[Told], dict[str, int]]:
    """What the journal has that the plan was not told, in the order of time: at one time, transfers first.

    A trade counts that was opened after the plan's beginning: old luck opens no gate. What was kept late is
    told at the time of the last event. A trade that ended before the account's equity was last told is in
    that equity already: it counts for the gates and adds nothing. Second: how many trades were passed over,
    by their coin.
    """
    from lotwise.review.from_journal import from_journal

    plan = kept.plan
    begun_ns = next(iter(kept.events())).time_ns
    looked_ns = _looked_ns(kept)
    moves: list[Move] = []
    in_equity: set[str] = set()
    passed_over: dict[str, int] = {}
    shelf = Journal.there(place)
    try:
        for where, account in accounts.items():
            table = from_journal(shelf, Wanted(account=account, is_open=False))
            broken = _broken(table)
            for row in range(len(table)):
                name = table.names.at(row)
                is_noted, is_breach = bool(table.noted[row]), row in broken
                if name in plan.known:
                    moves += _later(kept, name, is_noted, is_breach)
                elif int(table.opened_ns[row]) < begun_ns:
                    continue
                elif (coin := table.coin.at(row)) != plan.config.coin:
                    passed_over[coin] = passed_over.get(coin, 0) + 1
                else:
                    if int(table.closed_ns[row]) <= looked_ns.get(where, -1):
                        in_equity.add(name)
                    told = TradeClosed(
                        time_ns=max(int(table.closed_ns[row]), plan.last_ns),
                        trade_id=name,
                        where=where,
                        equity_cash=Cash(0),
                        result_cash=Cash(int(table.net_cash[row])),
                        risk_cash=Cash(int(table.risk_cash[row])),
                        is_breach=is_breach,
                        is_noted=is_noted,
                    )
                    moves.append((told.time_ns, 2, told))
        moves += _transfers(kept, shelf, accounts, begun_ns)
    finally:
        shelf.close()
    moves.sort(key=lambda move: move[:2])
    return _with_equity(moves, dict(plan.equity), in_equity), passed_over


def _looked_ns(kept: KeptPlan) -> dict[Where, int]:
    """When each account's equity was last told.

    A time that is that of a trade or transfer told before it is not known: the venue's clock, or the other
    account's market, was ahead of this one. It is left out, or losses to come would count as seen.
    """
    found: dict[Where, int] = {}
    before_ns = -1
    for event in kept.events():
        if not isinstance(event, EquitySeen):
            before_ns = event.time_ns
        elif event.time_ns > before_ns:
            found[event.where] = event.time_ns
    return found


def _transfers(kept: KeptPlan, shelf: Journal, accounts: Mapping[Where, str], begun_ns: int) -> list[Move]:
    """Transfers that the journal has of the accounts, each once; what was told by hand is not told again."""
    from sqlalchemy import select

    from lotwise.store.tables import INCOMES

    plan, known = kept.plan, kept.transfers()
    taken = set(known.values())
    by_hand = [
        (number, event)
        for number, event in enumerate(kept.events(), 1)
        if isinstance(event, Transferred) and number not in taken
    ]
    places = {account: where for where, account in accounts.items()}
    names = ("venue", "account", "income_id", "time_ns", "cash")
    asked = select(*(INCOMES.c[name] for name in names)).where(
        INCOMES.c.kind == "TRANSFER",
        INCOMES.c.coin == plan.config.coin,
        INCOMES.c.account.in_(list(places)),
        INCOMES.c.time_ns >= begun_ns,
    )
    found: list[Move] = []
    with shelf.database.read() as connection:
        incomes = connection.execute(asked.order_by(INCOMES.c.time_ns, INCOMES.c.income_id)).all()
    for venue, account, income_id, time_ns, cash in incomes:
        name, where = f"{venue}:{account}:{income_id}", places[account]
        if name in known or not cash:
            continue
        same = next((one for one in by_hand if _is_same(one[1], where, int(cash), int(time_ns))), None)
        if same is not None:
            by_hand.remove(same)
        later_ns = max(int(time_ns), plan.last_ns)
        told = KnownTransfer(name, later_ns, where, Cash(int(cash)), by_hand=same[0] if same else 0)
        found.append((later_ns, 1, told))
    return found


def _is_same(event: Transferred, where: Where, cash: int, time_ns: int) -> bool:
    """Whether a person told of this money already: the same amount, at about its time."""
    before, after = BY_HAND_DAYS
    near = -before * DAY_NS <= event.time_ns - time_ns <= after * DAY_NS
    return near and event.where == where and event.amount_cash == cash


def _priced(kept: KeptPlan, price: str, now_ns: int) -> Priced:
    """What the smallest order of each contract of the ladders loses at the usual stop, costs in."""
    names = {name for phase in kept.plan.config.phases for name in phase.contracts}
    losses = {}
    for name in sorted(names):
        found = size(
            name, side="long", entry=price, stop=kept.plan.config.usual_stop or "2%", equity="1", risk="1%"
        )
        losses[name] = parse_cash(found.next_lot_loss if not found.lots else found.loss_at_stop or "0", name)
    return Priced(time_ns=now_ns, losses_cash=losses)


def _broken(table: Reviewed) -> set[int]:
    """Rows of the trades that broke a rule."""
    from lotwise.review.breaches import breaches

    if not len(table):
        return set()
    return {int(row) for found in breaches(table).findings for row in found.rows}


def _later(kept: KeptPlan, name: str, is_noted: bool, is_breach: bool) -> list[Move]:
    """What was said of a trade of the present phase after it was counted."""
    now_ns = kept.plan.last_ns
    found: list[Move] = []
    for mark in kept.plan.marks:
        if mark.trade_id == name and is_noted and not mark.is_noted:
            found.append((now_ns, 0, TradeNoted(time_ns=now_ns, trade_id=name)))
        if mark.trade_id == name and is_breach and not mark.is_breach:
            found.append((now_ns, 0, BreachFound(time_ns=now_ns, trade_id=name)))
    return found


def _with_equity(moves: Sequence[Move], equity: dict[Where, int], in_equity: Set[str]) -> list[Told]:
    """Each account's equity after each trade, counted from where the plan knows it.

    ``in_equity`` names the trades whose results that equity has already.
    """
    told: list[Told] = []
    for _, _, event in moves:
        if isinstance(event, KnownTransfer) and not event.by_hand:
            equity[event.where] += event.amount_cash
        if isinstance(event, TradeClosed):
            if event.trade_id not in in_equity:
                equity[event.where] += event.result_cash
            told.append(msgspec.structs.replace(event, equity_cash=Cash(equity[event.where])))
        else:
            told.append(event)
    return told


def step_back(path: Path, clock: Clock, reason: str) -> list[Transition]:
    """Go back a phase."""
    return _tell(path, SteppedBack(time_ns=int(clock.now_ns()), reason=reason))


def transfer(
    path: Path, clock: Clock, amount_cash: Cash, before_cash: Cash, *, of_reserve: bool, where: Where
) -> list[Transition]:
    """Money came or went."""
    return _tell(
        path,
        Transferred(
            time_ns=int(clock.now_ns()),
            where=where,
            equity_before_cash=before_cash,
            amount_cash=amount_cash,
            of_reserve=of_reserve,
        ),
    )


def _tell(path: Path, event: AnyPlanEvent) -> list[Transition]:
    kept = KeptPlan(path)
    try:
        later_ns = max(event.time_ns, kept.plan.last_ns)  # a venue's clock may lead
        return kept.tell([msgspec.structs.replace(event, time_ns=later_ns)])
    finally:
        kept.close()


def restart(path: Path) -> None:
    """Begin anew with the present text."""
    restart_log(path)


def page_of(path: Path, clock: Clock, title: str = "") -> str:
    """The plan as one HTML page without script: what is allowed, its gates, how it went, what moved.

    Raises
    ------
    InputError
        As :func:`standing`.
    """
    from lotwise.app.plan_page import page_of as drawn

    return drawn(path, clock, standing(path, clock), title)


def limits_now(path: Path, clock: Clock) -> PlanLimits:
    """What the plan allows, for a session that is about to open a trade."""
    kept = KeptPlan(path)
    try:
        return kept.limits(clock.now_ns())
    finally:
        kept.close()


def standing_json(
    found: Standing, moved: Sequence[Transition], passed_over: Mapping[str, int] | None = None
) -> str:
    """The plan as one JSON object; money as exact text. ``passed_over`` is null where no journal was read."""
    limits = found.limits
    told = {
        "plan": found.name,
        "coin": found.coin,
        "phase": limits.phase,
        "phase_number": found.number + 1,
        "phases": [name for name, _ in found.phases],
        "since": found.since,
        "where": limits.where,
        "risk": cash_text(limits.risk_cash),
        "capital": cash_text(limits.capital_cash),
        "lots": limits.lots or None,
        "contracts": limits.contracts,
        "locked_until": _instant(limits.locked_until_ns),
        "next_step_up_at": None if limits.next_step_cash is None else cash_text(limits.next_step_cash),
        "next_step_down_at": None if limits.next_fall_cash is None else cash_text(limits.next_fall_cash),
        "gates": [
            {"name": gate.name, "asked": gate.asked, "found": gate.found, "is_open": gate.is_open}
            for gate in found.gates
        ],
        "moved": [
            {"kind": one.kind, "before": one.before, "after": one.after, "why": one.why} for one in moved
        ],
        "passed_over": passed_over,
    }
    return msgspec.json.encode(told).decode()


def _instant(time_ns: int) -> str | None:
    return datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC).isoformat() if time_ns else None


def simulated_json(found: Simulated) -> str:
    """Paths as one JSON object; money as exact text."""
    told = msgspec.to_builtins(found)
    told["equity"] = [cash_text(cash) for cash in found.equity_cash]
    told["risk"] = [cash_text(cash) for cash in found.risk_cash]
    del told["equity_cash"], told["risk_cash"]
    return msgspec.json.encode(told).decode()


def progress(quiet: bool) -> Callable[[int, int], None] | None:
    """Paths done so far, on a terminal's error stream alone."""
    if quiet or not sys.stderr.isatty():
        return None

    def told(done: int, every: int) -> None:
        end = "\n" if done == every else ""
        print(f"\r  {done} of {every} paths", end=end, file=sys.stderr, flush=True)

    return told
