"""Laws of limits and plan steps, over random histories of trades, days, transfers and locks.

The kernel plays each history twice, interpreted and compiled, and a judge that looks everything up
in the history by the calendar and in fractions must give the same answers. Times and amounts are
drawn at the edges: midnights, ends of pauses, the loss that locks, the room and 1e-8 more.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from lotwise.kernel import limit_codes as codes
from lotwise.kernel import limits, plan
from lotwise.kernel.layout import RATE, array_of
from lotwise.kernel.limit_rows import (
    EQUITY_STEPS,
    FRACTION,
    TRADE_STEPS,
    AllowedRow,
    PlanStepRow,
    UsageRow,
)
from lotwise.rule import Rule
from lotwise.units import MAX_CASH
from tests.laws import bulk
from tests.laws.cases import chance, seeded, spread_over
from tests.reference import limits as judge

NAMES = {
    "": codes.ALLOWED,
    "not rolled": codes.NOT_ROLLED,
    "locked": codes.LOCKED,
    "no equity": codes.NO_EQUITY,
    "week loss": codes.WEEK_LOSS,
    "day loss": codes.DAY_LOSS,
    "cool-down": codes.COOL_DOWN,
    "day trades": codes.DAY_TRADES,
    "positions": codes.POSITIONS,
    "trade risk": codes.TRADE_RISK,
    "trade risk in money": codes.TRADE_RISK_CASH,
    "open risk": codes.OPEN_RISK,
    "week room": codes.WEEK_ROOM,
    "day room": codes.DAY_ROOM,
    "leverage": codes.ACCOUNT_LEVERAGE,
}
MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EVENTS = 24
HISTORIES, GROWTHS = 20, 8
"""One history, one plan for so many law cases: each is judged at every event."""


@cache
def parameters(rule: Rule[..., Any]) -> tuple[str, ...]:
    """The names of a rule's parameters."""
    return tuple(inspect.signature(rule.function).parameters)


def both(rule: Rule[..., Any], rows: list[Any], arrays: list[Any], **numbers: int) -> Any:
    """The rule's answer, the same interpreted and compiled, and the same rows after it."""
    found = rule(*rows, **numbers)
    names = parameters(rule)[len(rows) :]
    compiled = rule.compiled(*arrays, *[numbers[name] for name in names])
    assert compiled == found, f"{rule!r}{numbers}: interpreted {found}, compiled {compiled}"
    for row, array in zip(rows, arrays, strict=True):
        assert row[0].values() == array[0].item(), f"{rule!r}{numbers}: {row[0]}, compiled {array[0]}"
    return found


def share_of(rng: random.Random, least: int, most: int) -> int:
    """A share in 1e-8, round or not."""
    share8 = rng.randint(least, most)
    return share8 if chance(rng, 20) else max(least, share8 // 100_000 * 100_000)


# -- limits ------------------------------------------------------------------------------------


class Account(NamedTuple):
    """One account's limits in both languages, and the seed of what happens to it."""

    number: int
    allowed: AllowedRow
    caps: judge.Caps


def account(number: int) -> Account:
    """Limits of which each is set or not, tight enough to be met."""
    rng = seeded(number + 401)

    def maybe(value: int, percent: int = 75) -> int:
        return value if chance(rng, percent) else 0

    allowed = AllowedRow(
        risk_share8=maybe(share_of(rng, RATE // 200, RATE // 20)),
        risk_cash=maybe(spread_over(rng, 10**8, 10**11), 40),
        open_risk_share8=maybe(share_of(rng, RATE // 100, RATE // 8)),
        leverage100=maybe(rng.choice([50, 100, 200, 333, 500])),
        day_loss_share8=maybe(share_of(rng, RATE // 100, RATE // 12)),
        week_loss_share8=maybe(share_of(rng, RATE // 50, RATE // 8)),
        day_trades=maybe(rng.randint(1, 5), 50),
        positions=maybe(rng.randint(1, 4), 50),
        cool_ns=maybe(rng.randint(1, 90) * MINUTE, 60),
        streak_losses=maybe(rng.randint(1, 3), 60),
        streak_cool_ns=rng.randint(1, 30) * HOUR,
        day_offset_ns=rng.randint(-48, 56) * 15 * MINUTE,
    )

    def fraction(value: int, one: int = RATE) -> Fraction | None:
        return Fraction(value, one) if value else None

    caps = judge.Caps(
        risk=fraction(allowed.risk_share8),
        risk_money=allowed.risk_cash or None,
        open_risk=fraction(allowed.open_risk_share8),
        leverage=fraction(allowed.leverage100, 100),
        day_loss=fraction(allowed.day_loss_share8),
        week_loss=fraction(allowed.week_loss_share8),
        day_trades=allowed.day_trades or None,
        positions=allowed.positions or None,
        pause_ns=allowed.cool_ns,
        row_of_losses=allowed.streak_losses or None,
        row_pause_ns=allowed.streak_cool_ns,
        offset_ns=allowed.day_offset_ns,
    )
    return Account(number, allowed, caps)


class Played:
    """A history as it happens: rows, arrays and the judge's list, kept in step."""

    def __init__(self, drawn: Account) -> None:
        self.rng = seeded(drawn.number + 402)
        self.allowed, self.usage = [drawn.allowed], [UsageRow()]
        self.rows: list[Any] = [self.allowed, self.usage]
        self.arrays: list[Any] = [array_of(AllowedRow, self.allowed), array_of(UsageRow, self.usage)]
        self.history = judge.History(drawn.caps)
        self.now = self.rng.randint(1_577_836_800, 2_208_988_800) * 10**9 + self.rng.randint(0, 999)
        self.equity = spread_over(self.rng, 10**9, 10**13)
        self.opened = 0

    # what happens

    def wait(self) -> None:
        """Time goes on, often just to where something ends."""
        rng, used = self.rng, self.usage[0]
        offset = self.allowed[0].day_offset_ns
        edges = [(used.day + 1) * DAY - offset, used.cool_until_ns, used.locked_until_ns]
        ahead = [edge for edge in edges if self.now < edge < self.now + 30 * HOUR]
        if ahead and chance(rng, 25):
            self.now = rng.choice(ahead) + rng.choice([-1, 0, 0, 1])
        elif chance(rng, 3):
            self.now -= rng.randint(1, 30 * HOUR)  # a clock set back
        else:
            self.now += rng.choice(
                [rng.randint(0, 2 * HOUR), rng.randint(0, 2 * HOUR), rng.randint(0, 2 * DAY)]
            )

    def move_equity(self) -> None:
        """Equity wanders, often just to where a lock begins."""
        rng, used, caps = self.rng, self.usage[0], self.allowed[0]
        day = used.day_start_cash * (RATE - caps.day_loss_share8) // RATE
        week = used.week_start_cash * (RATE - caps.week_loss_share8) // RATE
        if used.started and chance(rng, 12):
            self.equity = rng.choice([day, week]) + rng.choice([0, 1, 1, 2])
        elif self.equity <= 0 and chance(rng, 60):
            self.equity = spread_over(rng, 10**9, 10**13)
        elif chance(rng, 1):
            self.equity = rng.randint(-self.equity // 10, self.equity // 100) if self.equity > 0 else 0
        else:
            self.equity += self.equity * rng.randint(-150, 160) // 10_000

    def look(self) -> None:
        both(limits.watch, self.rows, self.arrays, time_ns=self.now, equity_cash=self.equity)
        self.history.events.append(judge.Look(self.now, self.equity))

    def drawn_size(self) -> tuple[int, int]:
        """Risk and notional, a little or much of the equity."""
        most = max(100, abs(self.equity))
        risk = most * self.rng.randint(-20, 400) // 10_000
        return risk, most * self.rng.randint(1, 300) // 100

    def open(self) -> None:
        risk, notional = self.drawn_size()
        self.opened += 1
        both(limits.open_trade, self.rows[1:], self.arrays[1:], risk_cash=risk, notional_cash=notional)
        self.history.events.append(judge.Opened(self.opened, risk, notional))

    def change(self) -> None:
        name, (risk, notional) = self.rng.choice(list(self.history.open_trades().items()))
        new_risk, new_notional = self.drawn_size()
        both(
            limits.change_trade,
            self.rows[1:],
            self.arrays[1:],
            risk_cash=risk,
            notional_cash=notional,
            new_risk_cash=new_risk,
            new_notional_cash=new_notional,
        )
        self.history.events.append(judge.Changed(name, new_risk, new_notional))

    def close(self) -> None:
        name, (risk, notional) = self.rng.choice(list(self.history.open_trades().items()))
        result = self.rng.choice([-1, -1, -1, 0, 1, 1]) * self.rng.randint(1, 10**10)
        losses = both(
            limits.close_trade,
            self.rows,
            self.arrays,
            time_ns=self.now,
            result_cash=result,
            risk_cash=risk,
            notional_cash=notional,
        )
        self.history.events.append(judge.Closed(name, self.now, result))
        assert losses == self.history.losses_before(len(self.history.events))

    def lock(self) -> None:
        until = self.now + self.rng.randint(-HOUR, 20 * HOUR)
        both(limits.lock_until, self.rows[1:], self.arrays[1:], until_ns=until)
        self.history.events.append(judge.HandLock(until))

    def transfer(self) -> Iterator[str]:
        """A transfer never locks, and unlocks nothing that a look has seen."""
        rng = self.rng
        held = abs(self.equity)
        amount = rng.choice([held * rng.randint(-99, 300) // 100] * 4 + [rng.randint(-held - 5, held), -held])
        if self.equity > 0:
            amount = max(amount, -self.equity)
        lost = (codes.WEEK_LOSS, codes.DAY_LOSS, codes.NO_EQUITY)
        before = self.standing()
        both(
            limits.transfer_starts,
            self.rows[1:],
            self.arrays[1:],
            equity_cash=self.equity,
            amount_cash=amount,
        )
        self.history.events.append(judge.Moved(self.equity, amount))
        self.equity += amount
        if before not in lost and self.equity > 0:
            assert self.standing() == before, "a transfer changed what is allowed"
            yield "transfer kept open"
        elif (
            before in lost[:2] and self.equity > 0 and (self.usage[0].day_locked or self.usage[0].week_locked)
        ):
            assert self.standing() in lost, "a transfer opened a lock"
            yield "transfer kept locked"

    def standing(self) -> int:
        return limits.standing_refusal(self.allowed, self.usage, self.equity, time_ns=self.now)

    # what is asked

    def ask(self) -> Iterator[str]:
        """One question at an edge or anywhere, and the rooms."""
        rng, numbers = self.rng, {"equity_cash": self.equity}
        room = both(limits.risk_room_cash, self.rows, self.arrays, **numbers, time_ns=self.now)
        expected = self.history.risk_room(self.equity, self.now)
        assert room == (limits.NO_BOUND if expected is None else expected), f"room {room}, judge {expected}"
        notional_room = both(limits.notional_room_cash, self.rows, self.arrays, **numbers)
        if room not in (0, limits.NO_BOUND):
            assert self.refused(room, 1) == codes.ALLOWED, "the room is not allowed"
            assert self.refused(room + 1, 1) != codes.ALLOWED, "more than the room is allowed"
            yield "room"
        risk, notional = self.drawn_size()
        bounds = [bound for _, bound in self.history.bounds(self.equity) if bound is not None] if room else []
        if bounds and chance(rng, 60):
            risk = int(rng.choice(bounds)) + rng.choice([0, 1])
        if notional_room != limits.NO_BOUND and chance(rng, 40):
            notional = max(1, notional_room) + rng.choice([0, 1])
            risk = min(risk, room)
        code = self.refused(risk, notional)
        said = self.history.refusal(risk, notional, self.equity, self.now)
        assert code == NAMES[said], f"kernel {code}, judge {said!r} ({NAMES[said]})"
        until = both(limits.refused_until_ns, self.rows, self.arrays, code=code)
        assert until == self.history.ends(said), f"{said}: kernel until {until}"
        yield said or "allowed"

    def refused(self, risk: int, notional: int) -> int:
        found: int = both(
            limits.limit_refusal,
            self.rows,
            self.arrays,
            risk_cash=risk,
            notional_cash=notional,
            equity_cash=self.equity,
            time_ns=self.now,
        )
        return found

    def happen(self) -> Iterator[str]:
        """One event; the equity is looked at nearly always."""
        self.wait()
        self.move_equity()
        if chance(self.rng, 93):
            self.look()
        for index, locked in enumerate((self.usage[0].day_locked, self.usage[0].week_locked)):
            if locked:
                yield ("day locked", "week locked")[index]
        what = self.rng.randint(1, 100)
        opened = self.history.open_trades()
        if what <= 40:
            self.open()
        elif what <= 70 and opened:
            self.close()
        elif what <= 80 and opened:
            self.change()
        elif what <= 90:
            yield from self.transfer()
        elif what <= 92:
            self.lock()
        yield from self.ask()


def check_history(drawn: Account) -> list[str]:
    """Everything seen while a history was played."""
    played = Played(drawn)
    return [name for _ in range(EVENTS) for name in played.happen()]


@bulk.every_shard
def test_limits_are_the_judges(shard: int, law_cases: int) -> None:
    histories = max(bulk.SHARDS, law_cases // HISTORIES)
    numbers = bulk.numbers_of(shard, histories)
    seen = bulk.run(
        "limits: interpreted, compiled and the judge give the same codes and rooms",
        numbers,
        account,
        check_history,
    )
    if len(numbers) < 50:
        return  # too few were asked for by name to see every rare one
    rare = [*(name or "allowed" for name in NAMES), "room", "day locked", "week locked"]
    rare += ["transfer kept open", "transfer kept locked"]
    missed = {name: seen[name] for name in rare if seen[name] < 10}
    assert not missed, f"seldom or never seen: {missed}; seen {dict(seen)}"


# -- plan --------------------------------------------------------------------------------------

KINDS = {FRACTION: judge.NO_STEPS, EQUITY_STEPS: judge.BY_EQUITY, TRADE_STEPS: judge.BY_TRADES}


class Growth(NamedTuple):
    """One plan and what it begins with."""

    number: int
    row: PlanStepRow
    equity: int
    allocated: int


def growth(number: int) -> Growth:
    """A plan of any kind, most of them with steps of equity."""
    rng = seeded(number + 403)
    row = PlanStepRow(
        kind=rng.choice([*[EQUITY_STEPS] * 3, TRADE_STEPS, TRADE_STEPS, FRACTION]),
        risk_share8=share_of(rng, RATE // 400, RATE // 20),
        step_share8=rng.choice([20, 25, 50]) * RATE // 100 if chance(rng, 60) else share_of(rng, 0, RATE),
        down_share8=rng.choice([0, 5, 10, 20]) * RATE // 100
        if chance(rng, 60)
        else share_of(rng, 1, RATE // 2),
        first_lots=rng.randint(0, 2),
        step_trades=rng.randint(0, 3),
    )
    equity = spread_over(rng, 10**7, 10**13)
    return Growth(number, row, equity, rng.choice([0, equity // 5, 2 * equity, rng.randint(1, equity)]))


class Grown:
    """A plan as it goes on, in both bodies and with the judge."""

    def __init__(self, drawn: Growth) -> None:
        self.rng = seeded(drawn.number + 404)
        self.rows = [[PlanStepRow(**dict(zip(drawn.row.__slots__, drawn.row.values(), strict=True)))]]
        self.row = self.rows[0][0]
        self.arrays = [array_of(PlanStepRow, self.rows[0])]
        self.equity = drawn.equity
        both(
            plan.begin_plan,
            self.rows,
            self.arrays,
            equity_cash=self.equity,
            allocated_cash=drawn.allocated,
        )
        reserve = max(0, drawn.equity - drawn.allocated) if drawn.allocated else 0
        self.judge = judge.Plan(
            kind=KINDS[drawn.row.kind],
            share=Fraction(drawn.row.risk_share8, RATE),
            up=Fraction(drawn.row.step_share8, RATE) or None,
            down=Fraction(drawn.row.down_share8, RATE) or None,
            base=drawn.equity - reserve,
            trades_for_a_lot=drawn.row.step_trades or None,
            first_lots=drawn.row.first_lots,
            reserve=reserve,
        )

    def agreed(self) -> None:
        """Rows and judge stand alike."""
        row, said = self.row, self.judge
        kernel = (row.reserve_cash, row.base_cash, row.peak_cash, row.down_steps, row.recover_cash)
        back = said.to_give_back
        assert kernel == (said.reserve, said.base, said.peak, len(back), back[-1] if back else 0)
        assert (row.level, row.lots, row.good_trades) == (said.level, said.lots, said.good)
        risk = both(plan.plan_risk_cash, self.rows, self.arrays, equity_cash=self.equity)
        assert risk == said.risk(self.equity)
        assert risk * RATE <= max(0, self.equity - row.reserve_cash) * row.risk_share8

    def look(self) -> Iterator[str]:
        """Steps are the judge's; none leaves a base above the money that is there."""
        steps = both(plan.step_plan, self.rows, self.arrays, equity_cash=self.equity)
        assert steps == self.judge.look(self.equity)
        if self.row.kind == EQUITY_STEPS and 0 < abs(steps) < plan.MAX_STEPS:
            assert self.row.base_cash <= self.equity - self.row.reserve_cash
            up = both(plan.next_step_cash, self.rows, self.arrays)
            down = both(plan.next_fall_cash, self.rows, self.arrays)
            assert down < self.equity < up, "a step is undone by the next look"
        if abs(steps) > 1:
            yield "several steps" if abs(steps) < plan.MAX_STEPS else "most steps of a look"
        if steps:
            yield f"{self.judge.kind}: {'up' if steps > 0 else 'down'}"
        if self.row.down_steps > 1:
            yield "deep in steps to give back"
        if steps == 0 and self.equity > self.row.reserve_cash:
            yield from self.transfer()

    def transfer(self) -> Iterator[str]:
        """Money comes and goes, and no step is made of it."""
        rng, held = self.rng, abs(self.equity)
        amount = held * rng.randint(-99, 200) // 100 if chance(rng, 90) else -held
        if chance(rng, 30):
            both(plan.allocate, self.rows, self.arrays, equity_cash=self.equity, amount_cash=amount)
            self.judge.allocate(self.equity, amount)
        elif chance(rng, 30):
            of_reserve = rng.randint(0, 1)
            both(
                plan.transfer_capital,
                self.rows,
                self.arrays,
                equity_cash=self.equity,
                amount_cash=amount,
                to_reserve=of_reserve,
            )
            self.judge.transfer(self.equity, amount, bool(of_reserve))
            self.equity += amount
        else:
            return
        self.agreed()
        steps = both(plan.step_plan, self.rows, self.arrays, equity_cash=self.equity)
        assert steps == self.judge.look(self.equity) == 0, "a transfer made a step"
        yield "transfer made no step"

    def trade(self) -> Iterator[str]:
        good = self.rng.randint(0, 1)
        added = both(plan.count_trade, self.rows, self.arrays, equity_cash=self.equity, is_good=good)
        assert added == self.judge.trade(self.equity, bool(good))
        if added:
            yield "by trades: up"

    def move_equity(self) -> None:
        """Trading: a little, much, or just to where a step is made."""
        rng, reserve = self.rng, self.row.reserve_cash
        capital = self.equity - reserve
        up, down = plan.step_up_capital(self.rows[0]), plan.step_down_capital(self.rows[0])
        edges = [edge for edge in (up, down) if 0 < edge < 10 * max(1, capital)]
        if edges and chance(rng, 35):
            capital = rng.choice(edges) + rng.choice([-1, 0, 1])
        elif chance(rng, 2):
            capital = rng.randint(-5, 5)
        else:
            capital += capital * rng.randint(-2000, 2500) // 10_000
        self.equity = min(reserve + capital, 10**16)


def check_growth(drawn: Growth) -> list[str]:
    """Everything seen while a plan went on."""
    grown, seen = Grown(drawn), []
    grown.agreed()
    for _ in range(EVENTS):
        grown.move_equity()
        seen += [*grown.trade(), *grown.look()]
        grown.agreed()
    return seen


@bulk.every_shard
def test_plan_steps_are_the_judges(shard: int, law_cases: int) -> None:
    numbers = bulk.numbers_of(shard, max(bulk.SHARDS, law_cases // GROWTHS))
    seen = bulk.run(
        "plan: interpreted, compiled and the judge make the same steps; a transfer makes none",
        numbers,
        growth,
        check_growth,
    )
    if len(numbers) < 50:
        return  # too few were asked for by name to see every rare one
    rare = ["by equity: up", "by equity: down", "by trades: up", "by trades: down", "several steps"]
    rare += ["deep in steps to give back", "transfer made no step"]
    missed = {name: seen[name] for name in rare if seen[name] < 10}
    if seen["most steps of a look"] < 3:
        missed["most steps of a look"] = seen["most steps of a look"]
    assert not missed, f"seldom or never seen: {missed}; seen {dict(seen)}"


# -- every rule, at the ends of what it may be given -------------------------------------------

ROWS = {"allowed": AllowedRow, "usage": UsageRow, "plan": PlanStepRow}
RULES = [
    (found, parameters(found))
    for module in (limits, plan)
    for found in vars(module).values()
    if isinstance(found, Rule) and found.function.__module__ == module.__name__
]


def extreme(rng: random.Random, name: str) -> int:
    """A number of that name, up to its bounds."""
    sign = rng.choice([1, 1, -1])
    if name.endswith("8"):
        return rng.choice([0, RATE, 10 * RATE, spread_over(rng, 1, 10 * RATE)])
    if name in {"standing_cash", "equity_cash", "amount_cash", "before_cash", "after_cash", "result_cash"}:
        return rng.choice([0, sign, sign * MAX_CASH, sign * spread_over(rng, 1, MAX_CASH)])
    if name in {"cash", "start_cash"} or name.endswith("_cash"):
        return rng.choice([0, 1, MAX_CASH, spread_over(rng, 1, MAX_CASH)])
    if name == "day_offset_ns":
        return sign * rng.randint(0, 14 * HOUR)
    if name in {"pause_ns", "cool_ns", "streak_cool_ns"}:
        return rng.choice([0, 2**63 - 1, spread_over(rng, 1, 2**63 - 1)])
    if name.endswith("_ns"):
        return rng.choice([0, 2**63 - 1 - DAY, spread_over(rng, 1, 2**62)])
    if name in {"day", "week"}:
        return rng.randint(0, 15_000)
    if name == "leverage100":
        return rng.choice([0, 100, 12_500, 10**6])
    if name == "code":
        return rng.choice(list(NAMES.values()))
    return rng.randint(0, 3)


def check_extremes(number: int) -> Iterator[str]:
    """Every rule once each way; the rows change alike."""
    rng = seeded(number + 405)
    for rule, names in RULES:
        kinds = [(name, ROWS[name]) for name in names if name in ROWS]
        rows = [[kind(**{field: extreme(rng, field) for field in kind.__slots__})] for _, kind in kinds]
        arrays = [array_of(kind, row) for (_, kind), row in zip(kinds, rows, strict=True)]
        numbers = {name: extreme(rng, name) for name in names if name not in ROWS}
        both(rule, rows, arrays, **numbers)
        yield rule.function.__name__


@bulk.every_shard
def test_interpreted_is_compiled(shard: int, law_cases: int) -> None:
    seen = bulk.run(
        "every rule of limits and plan: interpreted and compiled give the same integers",
        bulk.numbers_of(shard, max(bulk.SHARDS, law_cases // HISTORIES)),
        int,
        check_extremes,
    )
    assert len(seen) == len(RULES) >= 35, sorted(seen)
