"""Paths to ruin: against a slow twin path for path, exact gamblers' ruin, and the sizing rules themselves."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pytest

import lotwise
from lotwise import Contract, FeeSchedule
from lotwise.contracts import catalogue
from lotwise.errors import InputError
from lotwise.kernel import ruin as rules
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import EQUITY_STEPS, FRACTION, TRADE_STEPS, PlanStepRow
from lotwise.kernel.ruin_rows import GOING, REACHED, RUINED, STUCK, EndRow
from lotwise.sizing.question import Words
from lotwise.sizing.solve import countable_rows_of
from lotwise.stats import ruin, rungs
from lotwise.stats.ruin import CHUNK, Course, walk
from lotwise.stats.rungs import Account, Desk, Odds, RungsOf, Sample
from tests.reference import limits as reference
from tests.reference.sizing import StopPlan, planned_trade

E8 = 10**8
SAMPLE = tuple(int(E8 * r) for r in (-1, 1.5, -1, -0.4, 2.75, -1, -1.7, 0, 4.3, -1, -1, 0.9, -1, 1.25, -1))
CONTRACT = Contract(
    symbol="BTCUSDT",
    base="BTC",
    tick_size="0.1",
    lot_size="0.001",
    min_notional="100",
    max_leverage="20",
    fees=FeeSchedule("0.02%", "0.05%"),
)


def desk_of(contract: Contract, **words: Any) -> Desk:
    """The rows that ``lotwise size`` asks the rules with."""
    given: dict[str, Any] = {
        "side": "long",
        "entry": "60000",
        "stop": "58800",
        "equity": "10000",
        "risk": "1%",
    }
    return Desk(*countable_rows_of(Words(**given | words).on(contract)))


@dataclass(frozen=True)
class Scene:
    """A setup, in words for the kernel and in fractions for the twin."""

    source: Odds | Sample
    account: Account
    plan: PlanStepRow
    course: Course
    side: str = "long"
    stop: int = 58_800
    spread: str = "0"
    slippage: str = "0"
    max_leverage: int = 20
    lots: dict[int, tuple[int, int, int]] = field(default_factory=dict, compare=False)
    levels: set[int] = field(default_factory=set, compare=False)

    @property
    def desk(self) -> Desk:
        """For the rules."""
        return desk_of(
            CONTRACT,
            side=self.side,
            stop=str(self.stop),
            spread=self.spread,
            slippage=self.slippage,
            max_leverage=str(self.max_leverage),
        )

    @cached_property
    def stopped(self) -> StopPlan:
        """For the twin."""
        trade = planned_trade(
            self.side,  # type: ignore[arg-type]
            [(60_000, 1)],
            (Fraction(1, 10), Fraction(1, 1000), 1),
            (Fraction(self.spread), Fraction(5, 10_000), Fraction(5, 10_000), 0),
            entry_is_taker=True,
        )
        return StopPlan(trade, Fraction(self.stop), Fraction(self.slippage))

    def told(self, lots: int) -> tuple[int, int, int]:
        """(loss, price part, gain at the target) of so many lots, each part rounded against the trader."""
        if lots not in self.lots:
            parts, gain = self.stopped.rounded_loss(lots), 0
            if isinstance(self.source, Odds):
                trade = self.stopped.trade
                close = Fraction(self.source.target_ticks, 10) - trade.direction * trade.spread / 2
                sold, paid = close * lots * trade.lot_coins, trade.executed_entry_notional(lots)
                fees = math.ceil(paid * trade.entry_fee * E8) + math.ceil(sold * trade.exit_fee * E8)
                gain = math.floor(trade.direction * (sold - paid) * E8) - fees
            self.lots[lots] = (int(parts["total"] * E8), int(parts["price"] * E8), gain)
        return self.lots[lots]

    def funded(self, lots: int, equity: int) -> bool:
        """Some whole leverage within the plan's funds it, the entry fee set aside."""
        room = equity - math.ceil(self.stopped.trade.executed_entry_notional(lots) * E8 / 2000)
        notional = 60 * lots * E8
        return room > 0 and notional // self.max_leverage <= room

    def largest(self, budget: int, equity: int) -> int:
        """Lots, one after the other from the smallest on."""
        smallest, lots = 2, 0  # 100 USDT are more than one lot of 60
        while self.told(max(smallest, lots + 1))[0] <= budget and self.funded(
            max(smallest, lots + 1), equity
        ):
            lots = max(smallest, lots + 1)
        if lots or not self.funded(smallest, equity):
            return lots
        stretched = (
            self.account.stretch8 > E8 and self.told(smallest)[0] <= budget * self.account.stretch8 // E8
        )
        return smallest if stretched else 0

    def steps(self) -> reference.Plan:
        """The plan as the reference has it."""
        row, smallest = self.plan, 2
        kinds = {
            FRACTION: reference.NO_STEPS,
            EQUITY_STEPS: reference.BY_EQUITY,
            TRADE_STEPS: reference.BY_TRADES,
        }
        equity = self.account.equity_cash
        first = max(smallest, self.largest(equity * row.risk_share8 // E8, equity))
        return reference.Plan(
            kind=kinds[row.kind],
            share=Fraction(row.risk_share8, E8),
            up=Fraction(row.step_share8, E8) if row.step_share8 else None,
            down=Fraction(row.down_share8, E8) if row.down_share8 else None,
            base=equity,
            trades_for_a_lot=row.step_trades or None,
            first_lots=first if row.kind == TRADE_STEPS else 0,
        )

    def path(self, draws: list[int]) -> tuple[int, int, int, int]:
        """(how it ended, equity, trades made, deepest fall) of one path, one trade after the other."""
        account, plan = self.account, self.steps()
        equity = peak = account.equity_cash
        deepest, at = Fraction(0), 0
        for made in range(self.course.trades):
            budget = min(account.risk_cash, equity) if account.risk_cash else plan.risk(equity)
            lots = self.largest(budget, equity)
            if plan.kind == reference.BY_TRADES:
                lots = min(lots, plan.lots)
            if not lots:
                return STUCK, equity, made, math.floor(deepest * E8)
            loss, price, gain = self.told(lots)
            if isinstance(self.source, Odds):
                won = Fraction(draws[made], 2**32) < Fraction(self.source.win_rate8 * 2**32 // E8, 2**32)
                change = gain if won else -loss
            else:
                results, place = self.source.results8, made % self.source.block
                at = draws[made // self.source.block] * len(results) // 2**32 if place == 0 else at + 1
                r = Fraction(results[at % len(results)], E8)
                change = math.floor(r * price) - (loss - price) if self.source.gross else math.floor(r * loss)
            equity = max(0, equity + change)
            plan.trade(equity, change > 0)
            plan.look(equity)
            self.levels.add(plan.level)
            peak = max(peak, equity)
            deepest = max(deepest, Fraction(peak - equity, peak))
            ended = RUINED if equity <= account.ruin_cash else GOING
            if account.target_cash and equity >= account.target_cash:
                ended = REACHED
            if ended != GOING:
                return ended, equity, made + 1, math.floor(deepest * E8)
        return GOING, equity, self.course.trades, math.floor(deepest * E8)


def usdt(amount: float) -> int:
    return round(amount * E8)


SCENES = {
    "a win rate, with a target": Scene(
        Odds(38_000_000, 624_000),
        Account(usdt(300), usdt(260), usdt(340)),
        PlanStepRow(risk_share8=2_000_000),
        Course(60, 300, 11),
    ),
    "results in blocks, equity steps": Scene(
        Sample(SAMPLE, block=4),
        Account(usdt(420), usdt(390)),
        PlanStepRow(kind=EQUITY_STEPS, risk_share8=1_500_000, step_share8=10_000_000, down_share8=7_000_000),
        Course(70, 110, 5),
    ),
    "results before costs, money at risk, short": Scene(
        Sample(SAMPLE, gross=True),
        Account(usdt(150), usdt(15), usdt(330), risk_cash=usdt(11)),
        PlanStepRow(risk_share8=E8),
        Course(80, 60, 3),
        side="short",
        stop=60_900,
        spread="1.3",
        slippage="2.1",
    ),
    "a lot more after wins, margin binds": Scene(
        Sample(SAMPLE),
        Account(usdt(600), usdt(585)),
        PlanStepRow(kind=TRADE_STEPS, risk_share8=4_000_000, step_trades=3, down_share8=3_000_000),
        Course(70, 110, 8),
        stop=59_820,
        spread="0.7",
        max_leverage=1,
    ),
    "the smallest order anyway, up to 3 R": Scene(
        Odds(36_000_000, 624_000),
        Account(usdt(140), usdt(70), stretch8=3 * E8),
        PlanStepRow(risk_share8=1_000_000),
        Course(60, 150, 2),
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_every_path_is_that_of_the_slow_twin(name: str) -> None:
    scene = SCENES[name]
    walked = walk(scene.desk, scene.source, scene.account, scene.plan, scene.course)
    own = (
        scene.course.trades
        if isinstance(scene.source, Odds)
        else -(-scene.course.trades // scene.source.block)
    )
    seen = set()
    for number, end in enumerate(walked.ends):
        chunk, place = divmod(number, CHUNK)
        in_chunk = min(CHUNK, scene.course.paths - chunk * CHUNK)
        draws = ruin.draws_of(scene.course.seed, chunk, in_chunk * own)[place * own : (place + 1) * own]
        found = (int(end["code"]), int(end["equity_cash"]), int(end["trades"]), int(end["deepest8"]))
        assert found == scene.path(draws.tolist()), f"path {number}"
        seen.add(found[0])
    wanted = {
        "a win rate, with a target": {GOING, RUINED, REACHED},
        "results in blocks, equity steps": {GOING, RUINED},
        "results before costs, money at risk, short": {GOING, RUINED, REACHED},
        "a lot more after wins, margin binds": {GOING, RUINED},
        "the smallest order anyway, up to 3 R": {GOING, STUCK},
    }
    assert wanted[name] <= seen, "a way to end was never seen"
    stepped = scene.plan.kind != FRACTION
    assert (max(scene.levels) > 1, min(scene.levels) < 0) == (stepped, scene.plan.kind == EQUITY_STEPS)


def test_the_scenes_reach_what_is_rare() -> None:
    margin, budget = SCENES["a lot more after wins, margin binds"], SCENES["a win rate, with a target"]
    assert margin.told(11)[0] < usdt(600) * 4 // 100, "the budget alone would allow 11 lots"
    assert margin.largest(usdt(24), usdt(600)) == 9, "margin at 1x allows 9"
    assert budget.told(4)[0] <= usdt(6) < budget.told(5)[0]


@pytest.mark.parametrize("name", SCENES)
def test_ideal_paths_put_the_whole_budget_at_risk(name: str) -> None:
    scene = SCENES[name]
    walked = walk(scene.desk, scene.source, scene.account, scene.plan, replace(scene.course, paths=40))
    own = (
        scene.course.trades
        if isinstance(scene.source, Odds)
        else -(-scene.course.trades // scene.source.block)
    )
    draws = ruin.draws_of(scene.course.seed, 0, 40 * own)
    for number, end in enumerate(walked.ideal_ends):
        equity, plan, at = scene.account.equity_cash, scene.steps(), 0
        made, mine = 0, draws[number * own : (number + 1) * own].tolist()
        while made < scene.course.trades and equity > scene.account.ruin_cash:
            if 0 < scene.account.target_cash <= equity:
                break
            risk = min(equity, scene.account.risk_cash) if scene.account.risk_cash else plan.risk(equity)
            if isinstance(scene.source, Odds):
                at = int(mine[made] < scene.source.win_rate8 * 2**32 // E8)
            else:
                fresh = made % scene.source.block == 0
                drawn = mine[made // scene.source.block] * len(SAMPLE) // 2**32
                at = drawn if fresh else (at + 1) % len(SAMPLE)
            change = math.floor(Fraction(walked.net8[at] * risk, E8))
            equity, made = max(0, equity + change), made + 1
            plan.trade(equity, change > 0)
            plan.look(equity)
        assert (int(end["equity_cash"]), int(end["trades"])) == (equity, made), f"path {number}"


@pytest.mark.parametrize("name", SCENES)
def test_compiled_and_plain_rules_walk_the_same_paths(name: str) -> None:
    scene = SCENES[name]
    course = replace(scene.course, paths=40)
    walked = walk(scene.desk, scene.source, scene.account, scene.plan, course)
    own = course.trades if isinstance(scene.source, Odds) else -(-course.trades // scene.source.block)
    rung, desk = walked.rung, scene.desk
    results = list(scene.source.results8) if isinstance(scene.source, Sample) else [-RATE, RATE]
    ends = [EndRow() for _ in range(40)]
    rules.walk_paths(
        [rung.walk],
        desk.spec,
        desk.ask,
        limits=desk.limits,
        legs=desk.legs,
        tiers=desk.tiers,
        rungs=rung.rungs,
        results8=results,
        plan=[rung.plan],
        draws=ruin.draws_of(course.seed, 0, 40 * own).tolist(),
        ends=ends,
    )
    assert [row.values() for row in ends] == [tuple(row) for row in walked.ends.tolist()]


# -- exact odds


def fixed_lots(wins8: int, payoff: int, units: tuple[int, int, int], course: Course) -> Any:
    """Ends of an account that always risks one unit of 12 USDT: (ruin, start, target) in units, no costs."""
    free = CONTRACT.replace(fees=FeeSchedule("0", "0"), min_notional=None)
    line, start, goal = (usdt(12 * unit) for unit in units)
    account = Account(start, line, goal, risk_cash=usdt(12))
    odds = Odds(wins8, 600_000 + 12_000 * payoff)
    return walk(desk_of(free), odds, account, PlanStepRow(risk_share8=E8), course).ends


def share_within(ends: Any, code: int, exact: float) -> bool:
    """The share of paths that ended so lies within 4 standard errors of the exact one."""
    found = float((ends["code"] == code).mean())
    return abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / len(ends))


def exact_ruin(wins: Fraction, payoff: int, start: int, goal: int) -> Fraction:
    """Probability of 0 before ``goal`` or more: solves P(i) = w P(i + b) + (1 - w) P(i - 1)."""
    rows = []
    for i in range(1, goal):
        row = [Fraction(0)] * goal
        row[i - 1] = Fraction(1)
        if i + payoff < goal:
            row[i + payoff - 1] -= wins
        if i > 1:
            row[i - 2] -= 1 - wins
        else:
            row[goal - 1] = 1 - wins
        rows.append(row)
    for i in range(goal - 1):  # Gauss and Jordan
        pivot = next(j for j in range(i, goal - 1) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(goal - 1):
            if j != i and rows[j][i]:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return rows[start - 1][goal - 1]


@pytest.mark.parametrize("wins8", [45_000_000, 50_000_000, 53_000_000])
def test_even_payoff_is_the_gamblers_ruin(wins8: int) -> None:
    ends = fixed_lots(wins8, 1, (100, 105, 112), Course(3000, 20_000, 21))
    w = Fraction(wins8, E8)
    odds = (1 - w) / w
    exact = (odds**5 - odds**12) / (1 - odds**12) if odds != 1 else Fraction(7, 12)
    assert exact == exact_ruin(w, 1, 5, 12), "the closed form and the equations differ"
    assert share_within(ends, RUINED, float(exact))
    assert share_within(ends, REACHED, float(1 - exact))
    assert {RUINED, REACHED} == set(ends["code"].tolist())


@pytest.mark.parametrize(("wins8", "payoff"), [(30_000_000, 2), (36_000_000, 2), (22_000_000, 4)])
def test_unequal_payoff_solves_the_linear_equations(wins8: int, payoff: int) -> None:
    ends = fixed_lots(wins8, payoff, (100, 106, 117), Course(5000, 20_000, 22))
    exact = exact_ruin(Fraction(wins8, E8), payoff, 6, 17)
    assert 0.2 < exact < 0.95
    assert share_within(ends, RUINED, float(exact))
    assert not (ends["code"] == GOING).any()


def test_a_few_trades_have_the_exact_binomial_odds() -> None:
    ends = fixed_lots(40_000_000, 1, (100, 130, 200), Course(12, 20_000, 23))
    for won in range(3, 8):
        exact = math.comb(12, won) * 0.4**won * 0.6 ** (12 - won)
        hits = (ends["equity_cash"] == usdt(12 * (130 + won - (12 - won)))).mean()
        assert abs(hits - exact) < 4 * math.sqrt(exact * (1 - exact) / 20_000), won


# -- what fits is what the sizing rules say


INVERSE = ("binance-coinm:BTCUSD_PERP", {"entry": "60000.0", "stop": "2%", "equity": "0.5"})
DOGE = ("binance:DOGEUSDT", {"entry": "0.2", "stop": "2%", "equity": "2000"})
TIGHT = ("bybit:ETHUSDT", {"entry": "3000", "stop": "0.2%", "equity": "300", "max_leverage": "3"})
WIDE = ("binance:BTCUSDT", {"entry": "60000", "stop": "9%", "equity": "9000", "leverage": "5", "risk": "3%"})
SHORT = (
    "binance:ETHUSDT",
    {"entry": "3000", "stop": "1%", "equity": "900", "side": "short", "max_margin": "20%"},
)


@pytest.mark.parametrize(("name", "words"), [INVERSE, DOGE, TIGHT, WIDE, SHORT])
def test_lots_are_those_that_size_would_answer(
    name: str, words: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rungs, "MOST_RUNGS", 40)
    contract = catalogue.load(name)
    asked = {"side": "long", "risk": "1%"} | words
    question = Words(**asked).on(contract)
    desk = Desk(*countable_rows_of(question))
    equity = question.account.equity_cash
    account = Account(equity, 0, margin_share8=question.limits.margin_share8)
    rung = RungsOf(desk, Sample((RATE,)), account, PlanStepRow(risk_share8=question.limits.risk8))
    plan = lotwise.size(contract, **asked)
    assert rung.lots_at(equity) == plan.lots
    rng = random.Random(name)
    counts = set()
    for _ in range(300):
        here = int(equity * 2 ** rng.uniform(-9, 4))
        budget = rung.budget_cash(here) * rng.choice((1, 1, 1, 3)) // rng.choice((1, 2))
        limits = desk.limits[0]
        rules.set_account([limits], budget, here, margin_share8=account.margin_share8)
        lots, _, _ = largest_feasible(desk.spec, desk.ask, [limits], legs=desk.legs, tiers=desk.tiers)
        assert rung.lots_at(here, budget) == lots, f"equity {here}, budget {budget}"
        counts.add(lots)
    assert 0 in counts or name == INVERSE[0]
    assert len(counts) > 12
    assert max(counts) > rung.smallest + 40, "none lay beyond the rungs"
    limits = [desk.limits[0]]
    for at in range(0, 40, 3):
        count, needed = rung.smallest + at, rung.rungs[at].equity_cash
        exact = rung.rungs[at].loss_cash
        assert rung.lots_at(10**17, exact) == count, "a budget that is met to the last 1e-8"
        assert rung.lots_at(10**17, exact - 1) == (count - 1 if at else 0)
        for short, wanted in ((0, True), (1, False)):
            allowed = rules.allowed_at(
                desk.spec,
                desk.ask,
                limits,
                legs=desk.legs,
                tiers=desk.tiers,
                lots=count,
                equity_cash=needed - short,
                margin_share8=account.margin_share8,
            )
            assert allowed == wanted, f"{count} lots"
    if name == TIGHT[0]:
        needed = [row.equity_cash for row in rung.rungs]
        assert needed == sorted(needed)
        assert any(100 * row.loss_cash < row.equity_cash for row in rung.rungs), "margin never binds"


@pytest.mark.parametrize(("name", "words"), [DOGE, TIGHT, INVERSE])
def test_a_wrong_guess_changes_nothing(name: str, words: dict[str, Any]) -> None:
    question = Words(**{"side": "long", "risk": "1%"} | words).on(catalogue.load(name))
    desk = Desk(*countable_rows_of(question))
    for share in (1, 7, 40):
        limits = [desk.limits[0]]
        equity = question.account.equity_cash * share
        rules.set_account(limits, equity // 100, equity, margin_share8=RATE)
        given = {"legs": desk.legs, "tiers": desk.tiers}
        lots, _, _ = largest_feasible(desk.spec, desk.ask, limits, **given)
        assert lots > 5
        for guess in (0, 1, *range(lots - 4, lots + 5), 2 * lots, desk.spec[0].max_lots):
            assert rules._lots_from(desk.spec, desk.ask, limits, guess=guess, **given) == lots, guess


def test_threads_and_further_paths_change_nothing() -> None:
    scene = SCENES["results in blocks, equity steps"]
    course = Course(300, 19 * CHUNK + 17, 11)
    one, two = (walk(scene.desk, scene.source, scene.account, scene.plan, course, workers=n) for n in (1, 2))
    assert one.ends.tobytes() == two.ends.tobytes()
    assert one.ideal_ends.tobytes() == two.ideal_ends.tobytes()
    fewer = walk(scene.desk, scene.source, scene.account, scene.plan, replace(course, paths=300))
    assert fewer.ends.tobytes() == one.ends[:300].tobytes()
    other = walk(scene.desk, scene.source, scene.account, scene.plan, replace(course, seed=12))
    assert other.ends.tobytes() != one.ends.tobytes()


def test_absurd_results_stay_within_what_is_counted() -> None:
    huge = Sample((10_000 * E8, 10_000 * E8))
    account = Account(usdt(10**9), usdt(1))
    walked = walk(desk_of(CONTRACT), huge, account, PlanStepRow(risk_share8=E8), Course(20, 5, 1))
    assert walked.ideal_ends["equity_cash"].tolist() == [10**18] * 5
    assert (walked.ends["equity_cash"] <= 10**18).all()
    lost = Sample((-10_000 * E8,))
    ruined = walk(desk_of(CONTRACT), lost, account, PlanStepRow(risk_share8=E8), Course(20, 5, 1)).ends
    assert ruined["equity_cash"].tolist() == [0] * 5
    assert ruined["deepest8"].tolist() == [E8] * 5
    assert ruined["trades"].tolist() == [1] * 5


GOOD = SCENES["a win rate, with a target"]
WORST = GOOD.account


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("RUIN-102", {"source": Odds(E8 + 1, 624_000)}),
        ("RUIN-102", {"source": Odds(-1, 624_000)}),
        ("RUIN-112", {"source": Odds(0, 600_000)}),
        ("RUIN-111", {"source": Sample(())}),
        ("RUIN-111", {"source": Sample((E8,), block=2)}),
        ("RUIN-111", {"source": Sample((E8,), block=0)}),
        ("RUIN-105", {"course": Course(0, 10)}),
        ("RUIN-105", {"course": Course(10, 0)}),
        ("RUIN-105", {"course": Course(100_000, 5_000_000)}),
        ("RUIN-106", {"course": Course(10, 10, -1)}),
        ("RUIN-106", {"course": Course(10, 10, 2**63)}),
        ("RUIN-107", {"account": replace(WORST, target_cash=usdt(300))}),
        ("RUIN-108", {"account": replace(WORST, ruin_cash=usdt(300))}),
        ("RUIN-108", {"account": replace(WORST, ruin_cash=-1)}),
        ("RUIN-109", {"account": replace(WORST, stretch8=0)}),
        ("RUIN-109", {"account": replace(WORST, stretch8=101 * E8)}),
        ("RUIN-110", {"plan": PlanStepRow(risk_share8=0)}),
        ("RUIN-110", {"plan": PlanStepRow(risk_share8=E8 + 1)}),
        ("RUIN-110", {"plan": PlanStepRow(risk_share8=E8, down_share8=E8)}),
        ("RUIN-110", {"plan": PlanStepRow(risk_share8=E8, kind=3)}),
    ],
)
def test_what_cannot_be_walked_is_refused(code: str, changes: dict[str, Any]) -> None:
    given = {"source": GOOD.source, "account": WORST, "plan": GOOD.plan, "course": Course(5, 5)} | changes
    with pytest.raises(InputError) as caught:
        walk(GOOD.desk, **given)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_ladder_and_a_stop_at_liquidation_are_refused() -> None:
    ladder = desk_of(CONTRACT, entry="60000:50%,59900:50%")
    liquidated = desk_of(CONTRACT, stop="liquidation", leverage="5")
    for desk in (ladder, liquidated):
        with pytest.raises(InputError) as caught:
            walk(desk, GOOD.source, WORST, GOOD.plan, Course(5, 5))
        assert caught.value.code == "RUIN-101"


def test_a_contract_too_large_for_its_venue_is_stuck_at_once() -> None:
    small = CONTRACT.replace(max_quantity="0.001")
    ends = walk(desk_of(small), GOOD.source, WORST, GOOD.plan, Course(5, 5)).ends
    assert ends["code"].tolist() == [STUCK] * 5
    assert ends["trades"].tolist() == [0] * 5


def test_draws_are_those_of_pcg64_and_even() -> None:
    stream = np.random.PCG64(np.random.SeedSequence([7, 3]))
    raw = int(stream.random_raw())
    assert ruin.draws_of(7, 3, 2).tolist() == [raw % 2**32, raw // 2**32]
    counts = np.bincount((ruin.draws_of(1, 0, 200_000).astype(np.int64) * 15) // 2**32, minlength=15)
    expected = 200_000 / 15
    assert (((counts - expected) ** 2) / expected).sum() < 36.1, "chi squared of 14 degrees at 0.1 %"
