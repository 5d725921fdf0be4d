"""The trader's own limits and plan steps again, by the calendar and in fractions.

Limits are judged from the whole history at every question: nothing is carried along, each figure
is looked up in what happened. Shares are Fractions of one, money is whole units of 1e-8, instants
are ns since 1970 in UTC, turned into dates by ``datetime``. Conventions that are choices of ours
are the ones told in the descriptions of the rows: a start of day is the equity of the first look
of that day; a transfer scales starts with the equity, rounded down; a result of 0 is neither loss
nor gain; a day once begun does not begin again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

MOST = 10**18
"""Ten thousand million of a coin in 1e-8; a baseline beyond it is counted afresh."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)

NO_STEPS = "no steps"
BY_EQUITY = "by equity"
BY_TRADES = "by trades"


@dataclass(frozen=True)
class Caps:
    """What is allowed; None is no bound."""

    risk: Fraction | None = None
    risk_money: int | None = None
    open_risk: Fraction | None = None
    leverage: Fraction | None = None
    day_loss: Fraction | None = None
    week_loss: Fraction | None = None
    day_trades: int | None = None
    positions: int | None = None
    pause_ns: int = 0
    row_of_losses: int | None = None
    row_pause_ns: int = 0
    offset_ns: int = 0


@dataclass(frozen=True)
class Look:
    """The equity at an instant."""

    when: int
    equity: int


@dataclass(frozen=True)
class Opened:
    """A trade opened, with what it loses at its stop."""

    name: int
    risk: int
    notional: int


@dataclass(frozen=True)
class Changed:
    """An open trade that now risks something else."""

    name: int
    risk: int
    notional: int


@dataclass(frozen=True)
class Closed:
    """A trade closed, with its result."""

    name: int
    when: int
    result: int


@dataclass(frozen=True)
class Moved:
    """A deposit or withdrawal, and the equity just before."""

    equity: int
    amount: int


@dataclass(frozen=True)
class HandLock:
    """Locked by hand."""

    until: int


Event = Look | Opened | Changed | Closed | Moved | HandLock


@lru_cache(maxsize=4096)
def local_date(when: int, offset_ns: int) -> date:
    """The date on the trader's calendar; ns below a microsecond cannot change it."""
    return (EPOCH + timedelta(microseconds=(when + offset_ns) // 1000)).date()


def monday_of(day: date) -> date:
    """The Monday of its week."""
    return day - timedelta(days=day.weekday())


def midnight_ns(day: date, offset_ns: int) -> int:
    """The instant a date begins on the trader's calendar."""
    return (day - EPOCH.date()) // ONE_DAY * 24 * 3600 * 10**9 - offset_ns


@dataclass
class History:
    """What happened, and every figure that limits ask for, each looked up anew."""

    caps: Caps
    events: list[Event] = field(default_factory=list)

    def today(self) -> date | None:
        """The latest date that was looked at."""
        looks = [event.when for event in self.events if isinstance(event, Look)]
        return max((local_date(when, self.caps.offset_ns) for when in looks), default=None)

    def _since(self, period: Callable[[date], date]) -> list[Event]:
        """What happened from the first look of the present day or week on."""
        today = self.today()
        if today is None:
            return []
        begun = period(today)
        for index, event in enumerate(self.events):
            if isinstance(event, Look) and period(local_date(event.when, self.caps.offset_ns)) >= begun:
                return self.events[index:]
        raise AssertionError("today was never looked at")

    def starts(self, period: Callable[[date], date]) -> Iterator[tuple[Event, int]]:
        """Each event of the period, with the start that held after it."""
        since = self._since(period)
        start = since[0].equity if since and isinstance(since[0], Look) else 0
        for event in since:
            if isinstance(event, Moved):
                after = event.equity + event.amount
                moved = math.floor(Fraction(start * after, event.equity)) if event.equity > 0 else MOST + 1
                start = max(0, after) if after <= 0 or moved > MOST else moved
            yield event, start

    def lost(self, period: Callable[[date], date], share: Fraction | None, equity: int) -> bool:
        """The loss of the period was reached at some look, or is by this equity."""
        if share is None:
            return False
        start = 0
        for event, held in self.starts(period):
            start = held
            if isinstance(event, Look) and start > 0 and event.equity <= start * (1 - share):
                return True
        return start > 0 and equity <= start * (1 - share)

    def left(self, period: Callable[[date], date], share: Fraction | None, equity: int) -> Fraction | None:
        """What more may be lost in the period if every open stop is hit; None: no bound."""
        start = [held for _, held in self.starts(period)][-1]
        if share is None or start <= 0:
            return None
        return equity - self.open_risk() - start * (1 - share)

    def open_trades(self) -> dict[int, tuple[int, int]]:
        """Risk and notional of what is open."""
        found: dict[int, tuple[int, int]] = {}
        for event in self.events:
            if isinstance(event, Opened | Changed):
                found[event.name] = (event.risk, event.notional)
            elif isinstance(event, Closed):
                del found[event.name]
        return found

    def open_risk(self) -> int:
        """Profits locked in pay for nobody."""
        return sum(max(0, risk) for risk, _ in self.open_trades().values())

    def open_notional(self) -> int:
        """Of all that is open."""
        return sum(notional for _, notional in self.open_trades().values())

    def losses_before(self, count: int) -> int:
        """Losses in a row among the first so many events."""
        row = 0
        for event in reversed(self.events[:count]):
            if isinstance(event, Closed) and event.result > 0:
                break
            row += isinstance(event, Closed) and event.result < 0
        return row

    def pause_ends(self) -> int:
        """The latest end of a pause that any loss began."""
        latest = 0
        for index, event in enumerate(self.events):
            if isinstance(event, Closed) and event.result < 0:
                pause = self.caps.pause_ns
                k = self.caps.row_of_losses
                if k is not None and self.losses_before(index + 1) >= k:
                    pause = max(pause, self.caps.row_pause_ns)
                latest = max(latest, event.when + pause)
        return latest

    def lock_ends(self) -> int:
        """The latest end of a lock by hand."""
        return max((event.until for event in self.events if isinstance(event, HandLock)), default=0)

    def trades_today(self) -> int:
        """Opened since the day began."""
        return sum(isinstance(event, Opened) for event in self._since(_same))

    # -- the judgement

    def without_size(self, equity: int, when: int) -> str:
        """Why no trade of any size may be opened, or nothing."""
        today, caps = self.today(), self.caps
        if today is None or local_date(when, caps.offset_ns) > today:
            return "not rolled"
        if when < self.lock_ends():
            return "locked"
        if equity <= 0:
            return "no equity"
        if self.lost(monday_of, caps.week_loss, equity):
            return "week loss"
        if self.lost(_same, caps.day_loss, equity):
            return "day loss"
        if when < self.pause_ends():
            return "cool-down"
        if caps.day_trades is not None and self.trades_today() >= caps.day_trades:
            return "day trades"
        if caps.positions is not None and len(self.open_trades()) >= caps.positions:
            return "positions"
        return ""

    def bounds(self, equity: int) -> Sequence[tuple[str, Fraction | int | None]]:
        """The most a trade may risk under each limit, in order; None: no bound."""
        caps = self.caps
        return (
            ("trade risk", None if caps.risk is None else equity * caps.risk),
            ("trade risk in money", caps.risk_money),
            ("open risk", None if caps.open_risk is None else equity * caps.open_risk - self.open_risk()),
            ("week room", self.left(monday_of, caps.week_loss, equity)),
            ("day room", self.left(_same, caps.day_loss, equity)),
        )

    def notional_bound(self, equity: int) -> Fraction | None:
        """The most notional a trade may add; None: no bound."""
        if self.caps.leverage is None:
            return None
        return max(0, equity) * self.caps.leverage - self.open_notional()

    def refusal(self, risk: int, notional: int, equity: int, when: int) -> str:
        """Why a trade may not be opened, or nothing."""
        reason = self.without_size(equity, when)
        if reason:
            return reason
        for name, bound in self.bounds(equity):
            if bound is not None and risk > bound:
                return name
        bound = self.notional_bound(equity)
        return "leverage" if bound is not None and notional > bound else ""

    def risk_room(self, equity: int, when: int) -> int | None:
        """The most a trade may risk, in whole units; None: no bound."""
        if self.without_size(equity, when):
            return 0
        notional = self.notional_bound(equity)
        if notional is not None and math.floor(notional) <= 0:
            return 0
        bounds = [bound for _, bound in self.bounds(equity) if bound is not None]
        return max(0, math.floor(min(bounds))) if bounds else None

    def ends(self, reason: str) -> int:
        """When a refusal ends by itself, 0 where time does not help."""
        today = self.today()
        if reason == "locked":
            return self.lock_ends()
        if reason == "cool-down":
            return self.pause_ends()
        if today is None:
            return 0
        if reason in {"day loss", "day trades", "day room"}:
            return midnight_ns(today + ONE_DAY, self.caps.offset_ns)
        if reason in {"week loss", "week room"}:
            return midnight_ns(monday_of(today) + 7 * ONE_DAY, self.caps.offset_ns)
        return 0


def _same(day: date) -> date:
    return day


@dataclass
class Plan:
    """The plan's steps; every amount the steps set is rounded once, as the fields say."""

    kind: str
    share: Fraction
    up: Fraction | None
    down: Fraction | None
    base: int
    trades_for_a_lot: int | None = None
    first_lots: int = 0
    reserve: int = 0
    most_steps: int = 64
    peak: int = 0
    to_give_back: list[int] = field(default_factory=list)
    level: int = 0
    lots: int = 0
    good: int = 0

    def __post_init__(self) -> None:
        self.peak = self.base
        self.lots = self.first_lots

    def capital(self, equity: int) -> int:
        """What the plan counts on."""
        return equity - self.reserve

    def afresh(self, capital: int) -> None:
        """Progress and drawdown count from here."""
        self.base = self.peak = max(0, capital)
        self.to_give_back = []

    def moved(self, before: int, after: int) -> None:
        """A transfer: what must be reached is rounded up, the peak down."""
        if before <= 0 or after <= 0:
            self.afresh(after)
            return
        ratio = Fraction(after, before)
        base, peak = math.ceil(self.base * ratio), math.floor(self.peak * ratio)
        back = [math.ceil(left * ratio) for left in self.to_give_back]
        if max([base, peak, *back[-1:]]) > MOST:
            self.afresh(after)
            return
        self.base, self.peak, self.to_give_back = base, peak, back

    def transfer(self, equity: int, amount: int, of_reserve: bool) -> None:
        """Money of the account's owner comes or goes."""
        before = self.capital(equity)
        part = 0
        if of_reserve:
            part = amount if amount >= 0 else -min(-amount, self.reserve)
        self.reserve += part
        if amount != part:
            self.moved(before, before + amount - part)

    def allocate(self, equity: int, amount: int) -> None:
        """Money of the reserve becomes the plan's, or the plan's becomes reserve."""
        before = self.capital(equity)
        part = min(amount, self.reserve)
        self.reserve -= part
        self.moved(before, before + part)

    def needed(self) -> int | None:
        """Capital of the next step up."""
        if self.up is None:
            return None
        raised = math.ceil(self.base * (1 + self.up))
        return max([raised, *self.to_give_back[-1:]])

    def look(self, equity: int) -> int:
        """Steps made: up above 0, down below."""
        capital = self.capital(equity)
        if capital <= 0:
            return 0
        if self.base <= 0:
            self.afresh(capital)
            return 0
        self.peak = max(self.peak, capital)
        if self.kind == NO_STEPS:
            return 0
        if self.kind == BY_EQUITY:
            made = self._climb(capital)
            if made:
                return made
        return -self._fall(capital)

    def _climb(self, capital: int) -> int:
        made = 0
        while made < self.most_steps and self.up is not None:
            needed = self.needed()
            if needed is None or capital < needed:
                break
            self.base = math.ceil(self.base * (1 + self.up))
            made += 1
            if self.to_give_back:
                last = self.to_give_back.pop()
                if self.to_give_back:  # a down share above the one just given back
                    assert self.down is not None
                    self.to_give_back[-1] = math.ceil(last / (1 - self.down))
        self.level += made
        if made:
            self.peak = capital
        return made

    def _fall(self, capital: int) -> int:
        made = 0
        for _ in range(self.most_steps):
            if self.down is None or capital > self.peak * (1 - self.down):
                break
            before, self.peak = self.peak, math.floor(self.peak * (1 - self.down))
            self.good = 0
            if self.kind == BY_EQUITY:
                self.base = max(1, math.floor(self.base / (1 + (self.up or 0))))
                self.to_give_back.append(before)
                made += 1
            elif self.lots > self.first_lots:
                self.lots -= 1
                made += 1
        if self.kind == BY_EQUITY and made:
            self.base = min(self.base, capital)
        self.level -= made
        return made

    def trade(self, equity: int, good: bool) -> int:
        """A closed trade; 1 where it adds a lot."""
        if self.kind != BY_TRADES or not good:
            return 0
        self.good += 1
        if self.trades_for_a_lot is None or self.good < self.trades_for_a_lot:
            return 0
        self.good = 0
        self.lots += 1
        self.level += 1
        self.peak = max(0, self.capital(equity))
        return 1

    def risk(self, equity: int) -> int:
        """Money the next trade may lose."""
        counted = max(0, self.capital(equity))
        if self.kind == BY_EQUITY:
            counted = min(counted, self.base)
        return math.floor(counted * self.share)
