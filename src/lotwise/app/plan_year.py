"""A year of a small account that obeys a plan: two accounts, one market that never was, the whole pipeline.

Paper and live are two accounts of the venue in a box with money of their own. Both see every bar; a strategy
is asked for each, every signal is sized, judged and sent by :class:`lotwise.scaling.obey.PlannedPipeline`.
Before each intent the plan is told the trades that ended since, and what it allows then is what is obeyed.
So one of the two accounts opens nothing at any time, and a position of the other runs on to its own exits.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lotwise.backtest.guarded import GuardedAdviser
from lotwise.backtest.run import ASKED_ROOM, Plan, laid_out
from lotwise.broker.kernel_account import Assumptions
from lotwise.contracts.catalogue import load
from lotwise.contracts.contract import Contract
from lotwise.guard.facts import Rulebook
from lotwise.kernel import machine, portfolio
from lotwise.kernel import portfolio_rows as rows
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.kernel.limits import transfer_starts
from lotwise.kernel.portfolio_open import equity_of, fresh_event
from lotwise.kernel.state import TRANSFER
from lotwise.records.plan import (
    AnyPlanEvent,
    Begun,
    PlanLimits,
    TradeClosed,
    Transferred,
    Transition,
    Where,
)
from lotwise.scaling import machine as plans
from lotwise.scaling.config import PlanConfig, read_plan
from lotwise.scaling.obey import PlannedPipeline
from lotwise.strategy.api import Strategy
from lotwise.strategy.library.breakout import Breakout
from lotwise.units import Cash, Rate8

if TYPE_CHECKING:
    Rows = Any

HOUR_NS: Final = 3_600 * 10**9
MINUTE_NS: Final = 60 * 10**9
START: Final = datetime(2025, 1, 6, tzinfo=UTC)
CONTRACT: Final = "binance:ETHUSDT"
LISTED: Final = "ETHUSDT"
STRETCHES: Final = (("range", 50), ("demo", 165), ("range", 150))
"""The market: its regime turns twice."""
SEED: Final = 2
EQUITY_CASH: Final = Cash(1_000 * 10**8)
DEPOSIT_CASH: Final = Cash(500 * 10**8)
DEPOSIT_DAY: Final = 200
ASSUMED: Final = Assumptions(spread_ticks=2, slippage_ticks=5)
"""A spread of 0.02, and 0.05 that a market fill slips beside half of it; fees are the contract's own."""
ALLOWED: Final = AllowedRow(positions=1, day_loss_share8=3_000_000)
"""One position; no more that day after a loss of 3 % of the account."""
YEAR_PLAN: Final = """\
[plan]
name = "a year"

[[phase]]
name = "paper"
where = "paper"
capital = "1000"
risk = "1%"

[phase.gate]
trades = 50
expectancy = "0R"
look_every = 25
drawdown = "12%"
days = 30

[[phase]]
name = "live small"
where = "live"
capital = "20%"
risk = "1%"
lots = 250
contracts = ["binance:ETHUSDT"]
fall = {drawdown = "10%", pause = "7d", back = true}

[phase.gate]
trades = 50
expectancy = "0R"
look_every = 25
drawdown = "10%"
days = 30

[[phase]]
name = "gradual"
where = "live"
capital = "50%"
risk = "1%"
contracts = ["binance:ETHUSDT"]
steps = {up = "20%", down = "8%"}
fall = {drawdown = "15%", pause = "14d", back = true}
"""


@dataclass
class Seat:
    """One account of the year, bar by bar."""

    where: Where
    state: Any
    book: Any
    adviser: GuardedAdviser
    pointer: Any
    asked: Any
    read: int = 0
    """Trips of this bar that the plan was told."""
    trips: list[dict[str, int]] = field(default_factory=list)

    def equity(self) -> Cash:
        """All money of the account."""
        return Cash(int(equity_of.compiled(self.state)))


@dataclass(frozen=True)
class Year:
    """What came of it."""

    config: PlanConfig
    contract: Contract
    feed: Rows
    events: tuple[AnyPlanEvent, ...]
    transitions: tuple[Transition, ...]
    limits: tuple[tuple[int, PlanLimits], ...]
    """What was allowed at each intent, by its time in ns."""
    trips: dict[Where, list[dict[str, int]]]
    equity_cash: dict[Where, Cash]
    judged: dict[Where, int]
    """Signals that came to nothing."""
    named: dict[Where, str]
    """Name of each account at the end: the same for the same year, anywhere."""


def market_of(contract: Contract, stretches: Sequence[tuple[str, int]] = STRETCHES, seed: int = SEED) -> Rows:
    """Hourly bars and funding of a market whose regime turns, as a feed.

    Each stretch begins at the price at which the one before ended: its bars are moved by that ratio, rounded
    down to ticks.
    """
    import numpy as np

    from lotwise.backtest.feed import merged
    from lotwise.market.replay import Feed, bar_rows
    from lotwise.market.resample import of_bars
    from lotwise.market.synthetic import make

    parts: list[Rows] = []
    start = START
    for number, (scenario, days) in enumerate(stretches):
        made = make(
            scenario,
            days=days,
            seed=seed + number,
            contracts=(LISTED,),
            kinds=("bars", "funding"),
            detail=1,
            start=start,
        )
        bars = of_bars(made.table(LISTED, "bars"), HOUR_NS, source_ns=MINUTE_NS, partial="drop").table
        part = bar_rows(
            Feed(contract, bars=bars, funding=made.table(LISTED, "funding")), HOUR_NS, off_lot="down"
        )
        if parts:
            last, first = int(parts[-1]["close_ticks"][-1]), int(part["open_ticks"][0])
            for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
                part[name] = np.maximum(1, part[name] * last // first)
        parts.append(part)
        start += timedelta(days=days)
    return merged([np.concatenate(parts)])


class YearWalk:
    """The year at work."""

    def __init__(self, config: PlanConfig, contract: Contract, feed: Rows, strategy: Strategy) -> None:
        self.config, self.contract, self.feed = config, contract, feed
        self.plan = plans.Plan(config)
        self.events: list[AnyPlanEvent] = []
        self.transitions: list[Transition] = []
        self.limits: list[tuple[int, PlanLimits]] = []
        self.now_ns = int(feed["time_ns"][0])
        self.seats: dict[Where, Seat] = {where: self._seat(where, strategy) for where in ("paper", "live")}
        self.tell(Begun(time_ns=self.now_ns, equity_cash=EQUITY_CASH, paper_cash=EQUITY_CASH))

    def _seat(self, where: Where, strategy: Strategy) -> Seat:
        import copy

        import numpy as np
        from numba import typeof

        from lotwise.kernel.layout import dtype_of
        from lotwise.rule_pointer import CallPointer

        asked_for = Plan(EQUITY_CASH, Rate8(RATE), allowed=ALLOWED, assumed=ASSUMED, curve_every_ns=0)
        state, book = laid_out([self.contract], asked_for, self.feed, room=ASKED_ROOM)
        signals: Rows = np.zeros(ASKED_ROOM, dtype_of(rows.SignalRow))
        book = book._replace(signals=signals)
        memory: Any = np.zeros(1, np.int64)
        asked = rows.Asked(state.account, state.markets, self.feed, book.signals, memory)
        adviser = GuardedAdviser(
            [copy.deepcopy(strategy)],
            [self.contract],
            self.feed,
            book,
            state,
            plan=asked_for,
            rulebook=_rulebook,
            facts=None,
        )
        adviser.pipeline = PlannedPipeline(
            adviser.broker, _rulebook, Rate8(RATE), limits=self.allowed, where=where
        )
        pointer = CallPointer(adviser.on_row, typeof(asked), failed=rows.STOP_RUN)
        return Seat(where, state, book, adviser, pointer, asked)

    def tell(self, event: AnyPlanEvent) -> tuple[Transition, ...]:
        """Tell the plan, and note what moved."""
        moved = self.plan.tell(event)
        self.events.append(event)
        self.transitions.extend(moved)
        return moved

    def allowed(self, now_ns: int) -> PlanLimits:
        """What the plan allows at an intent, the trades that ended since told first."""
        self.now_ns = now_ns
        for seat in self.seats.values():
            self.told(seat)
        found = self.plan.limits(now_ns)
        self.limits.append((now_ns, found))
        return found

    def told(self, seat: Seat) -> None:
        """Tell the plan the trades of an account that ended since it was told last."""
        trips: Any = seat.book.trips
        ended = int(seat.book.run[0]["trips"])
        names = trips.dtype.names
        for row in trips[seat.read : ended]:
            trip = {name: int(row[name]) for name in names}
            seat.trips.append(trip)
            self.tell(
                TradeClosed(
                    time_ns=self.now_ns,
                    trade_id=f"{seat.where} {len(seat.trips)}",
                    where=seat.where,
                    equity_cash=seat.equity(),
                    result_cash=Cash(trip["result_cash"]),
                    risk_cash=Cash(trip["risk_cash"]),
                )
            )
        seat.read = ended

    def deposit(self, where: Where, amount_cash: Cash) -> tuple[Transition, ...]:
        """Money comes to an account, for the reserve, and the plan is told."""
        seat = self.seats[where]
        before = seat.equity()
        fresh_event.compiled(seat.book, TRANSFER, 0, time_ns=self.now_ns)
        seat.book.event[0]["cash"] = amount_cash
        answer = machine.step.compiled(seat.state, seat.book.event)
        assert answer == 0, answer  # a deposit is never refused
        transfer_starts.compiled(seat.book.usage, int(before), int(amount_cash))
        return self.tell(
            Transferred(
                time_ns=self.now_ns,
                where=where,
                equity_before_cash=before,
                amount_cash=amount_cash,
                of_reserve=True,
            )
        )

    def play(self, row: int) -> None:
        """One bar for both accounts."""
        part = self.feed[row : row + 1]
        for seat in self.seats.values():
            self.now_ns = int(part["time_ns"][0])
            ended = portfolio.run_adviser.compiled(seat.state, part, seat.pointer, seat.asked, seat.book, 0)
            if seat.pointer.error is not None:
                raise seat.pointer.error
            assert ended >= 0, seat.book.run[0]  # the market was made for it
            self.told(seat)
            seat.read = 0
            seat.book.run[0]["trips"] = 0


def _rulebook(now_ns: int) -> Rulebook:
    return Rulebook(allowed=ALLOWED)


def walk_year(
    text: str = YEAR_PLAN,
    *,
    stretches: Sequence[tuple[str, int]] = STRETCHES,
    seed: int = SEED,
    deposit_day: int = DEPOSIT_DAY,
) -> Year:
    """Walk the year. The machine decides what comes of it.

    Parameters
    ----------
    text
        The plan's TOML.
    deposit_day
        Day on which the live account gets 500 USDT for its reserve; 0: never.
    """
    from lotwise.kernel.snapshot import state_hash

    contract = load(CONTRACT)
    feed = market_of(contract, stretches, seed)
    walk = YearWalk(read_plan(tomllib.loads(text)), contract, feed, Breakout(24, 3))
    due = int(feed["time_ns"][0]) + deposit_day * 24 * HOUR_NS if deposit_day else 0
    for row in range(len(feed)):
        walk.play(row)
        if due and walk.now_ns >= due:
            walk.deposit("live", DEPOSIT_CASH)
            due = 0
    seats = walk.seats
    return Year(
        config=walk.config,
        contract=contract,
        feed=feed,
        events=tuple(walk.events),
        transitions=tuple(walk.transitions),
        limits=tuple(walk.limits),
        trips={where: seat.trips for where, seat in seats.items()},
        equity_cash={where: seat.equity() for where, seat in seats.items()},
        judged={where: len(seat.adviser.judged) for where, seat in seats.items()},
        named={where: state_hash(seat.state) for where, seat in seats.items()},
    )
