"""Laws of the guard, over random contracts, trades, accounts and rulebooks, real contracts among them.

A scenario is made from a number that Hypothesis draws: a trade as the other laws have it (ladders, inverse
and cleared contracts, cross margin), and an account, a market and bounds drawn around what the trade
needs, so that every rule is met from both sides.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from decimal import Decimal, getcontext
from fractions import Fraction
from functools import cache
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.guard.case import UNBOUND, Case, Scene
from lotwise.guard.facts import AccountFacts, Blackout, MarketFacts, OpenPosition, Rulebook
from lotwise.guard.judge import (
    approve_reducing,
    every_refusal,
    judge_open,
    judge_stop,
    refused_at_any_size,
    risk_room,
)
from lotwise.guard.rulebook import RULES
from lotwise.guard.rules import correlated_risk
from lotwise.kernel import limit_codes as codes
from lotwise.kernel.codes import BUDGET, OK
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.kernel.limits import NO_BOUND, day_of, limit_refusal, risk_room_cash, week_of
from lotwise.records.guard import Approved, CancelEntry, Flatten, MoveStop, Open, Reduce, Refused
from lotwise.records.order import AccountView, Limits, SizedOrder
from lotwise.sizing.solve import Question, countable_rows_of, solve
from lotwise.units import Cash, Lots, Rate8, Ticks
from tests.laws.cases import OWN_CONTRACTS, chance, own_contract, question_on, spread_over

NUMBERS = st.integers(min_value=0, max_value=2**48)
NOW_NS = 1_796_907_600 * 10**9  # Thursday, 2026-12-10, 13:00 UTC
DAY_NS = 86_400 * 10**9
REAL = (
    "binance:BTCUSDT",
    "binance:1000PEPEUSDT",
    "bybit:ETHUSDT",
    "binance-coinm:BTCUSD_PERP",
    "mexc:BTC_USDT",
)
RISK_RULES = {"GUARD-106", "GUARD-107", "GUARD-110", "GUARD-111", "GUARD-112", "GUARD-113", "GUARD-130"}
"""Rules that bound the loss at the stop."""
NO_ROOM = {"GUARD-114", "GUARD-115", "GUARD-116", "GUARD-117", "GUARD-134"}
"""Rules that look at something else than the loss at the stop."""
OF_KERNEL = {
    codes.NOT_ROLLED: "GUARD-101",
    codes.LOCKED: "GUARD-102",
    codes.NO_EQUITY: "GUARD-101",
    codes.WEEK_LOSS: "GUARD-106",
    codes.DAY_LOSS: "GUARD-107",
    codes.COOL_DOWN: "GUARD-108",
    codes.DAY_TRADES: "GUARD-109",
    codes.POSITIONS: "GUARD-118",
    codes.TRADE_RISK: "GUARD-110",
    codes.TRADE_RISK_CASH: "GUARD-110",
    codes.OPEN_RISK: "GUARD-112",
    codes.WEEK_ROOM: "GUARD-106",
    codes.DAY_ROOM: "GUARD-107",
    codes.ACCOUNT_LEVERAGE: "GUARD-114",
}


@cache
def real_contracts() -> tuple[Contract, ...]:
    """A few of the catalogue's."""
    return tuple(catalogue.load(name) for name in REAL)


def trade(rng: random.Random) -> tuple[Question, SizedOrder]:
    """A trade and an order of it, sized or the smallest there is; drawn again where none can be counted."""
    while True:
        real = chance(rng, 40)
        contract = rng.choice(real_contracts()) if real else own_contract(rng.randrange(OWN_CONTRACTS))
        question = question_on(rng, contract)
        try:
            rows = countable_rows_of(question)
        except InputError:
            continue
        order = solve(question, rows)
        lots = order.lots or order.smallest_lots
        if lots > rows.spec[0].max_lots:
            continue
        leverage = max(LEVERAGE, order.leverage100)
        return question, msgspec.structs.replace(
            order, lots=Lots(lots), refusal=OK, binding=BUDGET, leverage100=leverage
        )


def near(rng: random.Random, amount: int, one: int = RATE) -> int:
    """A share, in 1e-8 of ``one``, that stands at about this amount: the bound itself, or around it."""
    exact = -(-amount * RATE // max(1, one))
    return max(1, rng.choice([exact, exact, exact - 1, exact + 1, exact * rng.randint(50, 200) // 100]))


def scenario(number: int, locks: int = 15, kernel_only: bool = False) -> Case:
    """Scenario number so-and-so; ``locks``: how often, of a hundred, each lock holds."""
    rng = random.Random(number)
    question, order = trade(rng)
    contract, intent, view = question.contract, question.intent, question.account
    bare = Scene(
        contract,
        intent,
        _account(view),
        MarketFacts(),
        Rulebook(allowed=AllowedRow()),
        NOW_NS,
    )
    case = Case(bare, Open(order=order))
    risk, worth, equity = max(1, case.risk_cash), case.notional_cash, view.equity_cash
    offset = rng.randint(-48, 56) * 15 * 60 * 10**9
    positions = _positions(rng, risk, contract.id)
    usage = _usage(rng, locks, offset, equity, risk, worth, len(positions))
    usage.open_risk_cash = sum(max(0, place.risk_cash) for place in positions)
    allowed = _allowed(rng, offset, equity, risk, worth, usage)
    book = Rulebook(allowed=allowed) if kernel_only else _book(rng, locks, case, allowed)
    account = msgspec.structs.replace(
        bare.account,
        usage=usage,
        positions=positions,
        margin_cash=Cash(rng.choice([0, equity // 10])),
        sequence=rng.randint(1, 10**9),
        plan_risk_cash=None if kernel_only or chance(rng, 60) else Cash(near(rng, risk, one=RATE)),
    )
    market = _market(rng, case, unknown=0 if kernel_only else locks)
    return Case(Scene(contract, intent, account, market, book, NOW_NS), case.command)


def _account(view: AccountView) -> AccountFacts:
    return AccountFacts(
        equity_cash=view.equity_cash,
        free_cash=view.free_cash,
        margin_cash=Cash(0),
        sequence=1,
        usage=UsageRow(),
        cross_cash=view.cross_cash if view.is_cross else None,
    )


def _positions(rng: random.Random, risk: int, own: str) -> tuple[OpenPosition, ...]:
    count = rng.choice([0, 0, 1, 1, 2, 3, 4])
    names = [own, "a:X", "a:Y", "a:Z", "a:W"]
    return tuple(
        OpenPosition(
            contract_id=rng.choice(names),
            side=rng.choice([1, -1]),
            risk_cash=Cash(rng.choice([0, risk, risk * rng.randint(1, 300) // 100])),
            notional_cash=Cash(risk * 30),
            correlation8=None if chance(rng, 20) else Rate8(rng.randint(-RATE, RATE)),
        )
        for _ in range(count)
    )


def _usage(
    rng: random.Random, locks: int, offset: int, equity: int, risk: int, worth: int, count: int
) -> UsageRow:
    day = day_of(NOW_NS, offset) - (1 if chance(rng, locks // 3) else 0)
    late = [NOW_NS + 1, NOW_NS + DAY_NS]
    early = [0, NOW_NS]
    return UsageRow(
        started=1,
        day=day,
        week=week_of(day),
        day_start_cash=equity + rng.choice([0, risk, -risk, equity // 20]),
        week_start_cash=equity + rng.choice([0, risk, -risk, equity // 10]),
        day_locked=int(chance(rng, locks // 2)),
        week_locked=int(chance(rng, locks // 2)),
        locked_until_ns=rng.choice(late if chance(rng, locks) else early),
        cool_until_ns=rng.choice(late if chance(rng, locks) else early),
        day_trades=rng.randint(0, 5),
        losses=rng.randint(0, 4),
        positions=count,
        open_notional_cash=rng.choice([0, worth, equity]),
    )


def _allowed(
    rng: random.Random, offset: int, equity: int, risk: int, worth: int, usage: UsageRow
) -> AllowedRow:
    def maybe(value: int, percent: int = 50) -> int:
        return value if chance(rng, percent) else 0

    day_lost = usage.day_start_cash - equity + usage.open_risk_cash + risk
    week_lost = usage.week_start_cash - equity + usage.open_risk_cash + risk
    return AllowedRow(
        day_offset_ns=offset,
        risk_share8=maybe(near(rng, risk, equity)),
        risk_cash=maybe(near(rng, risk), 30),
        open_risk_share8=maybe(near(rng, risk + usage.open_risk_cash, equity)),
        day_loss_share8=maybe(min(RATE, near(rng, day_lost, usage.day_start_cash))),
        week_loss_share8=maybe(min(RATE, near(rng, week_lost, usage.week_start_cash))),
        leverage100=maybe(
            max(1, rng.choice([0, -1]) - (worth + usage.open_notional_cash) * -LEVERAGE // max(1, equity))
        ),
        day_trades=maybe(rng.randint(1, 9), 30),
        positions=maybe(rng.randint(1, 9), 30),
    )


def _book(rng: random.Random, locks: int, case: Case, allowed: AllowedRow) -> Rulebook:
    def maybe(value: int, percent: int = 35) -> int:
        return value if chance(rng, percent) else 0

    scene, contract = case.scene, case.scene.contract
    black = Blackout(from_ns=NOW_NS - 1, until_ns=NOW_NS + 10**12, name="CPI")
    reduce8 = maybe(rng.randint(1, RATE))
    return Rulebook(
        allowed=allowed,
        correlated_risk_share8=Rate8(maybe(near(rng, 2 * case.risk_cash, scene.account.equity_cash))),
        max_leverage100=maybe(case.order.leverage100 + rng.choice([0, 100, -1]), 20),
        margin_share8=Rate8(maybe(rng.randint(1, RATE))),
        liquidation_multiple8=Rate8(maybe(rng.choice([100, 120, 150, 300]) * RATE // 100)),
        chase_atr8=Rate8(maybe(rng.randint(1, 5 * RATE))),
        btc_refuse8=Rate8(maybe(reduce8 // 2)),
        btc_reduce8=Rate8(reduce8),
        funding8=Rate8(maybe(rng.randint(1, 200_000))),
        funding_within_ns=maybe(3_600 * 10**9),
        spread_share8=Rate8(maybe(rng.randint(RATE // 50, RATE))),
        depth_multiple8=Rate8(maybe(rng.randint(1, 30) * RATE)),
        market_age_ns=maybe(10**10),
        facts_age_ns=maybe(30 * DAY_NS),
        blackouts=(black,) if chance(rng, locks // 2) else (),
        contracts=() if chance(rng, 80) else (contract.id,) if chance(rng, 80) else ("a:Y",),
    )


def _market(rng: random.Random, case: Case, unknown: int) -> MarketFacts:
    def known(value: int) -> Any:
        return None if chance(rng, unknown) else value

    intent = case.order.intent
    entry = intent.entries[0].price_ticks
    return MarketFacts(
        last_ticks=known(entry),
        seen_ns=known(NOW_NS - rng.choice([0, 10**10, 10**10 + 1]) * int(chance(rng, 30))),
        facts_ns=known(NOW_NS - rng.choice([0, 30, 31]) * DAY_NS * int(chance(rng, 30))),
        spread_ticks=known(spread_over(rng, 1, max(1, abs(entry - intent.stop_ticks) // 8))),
        depth_cash=known(case.notional_cash * rng.randint(5, 60)),
        mean_ticks=known(entry + rng.randint(-20, 20)),
        atr_ticks=known(rng.randint(0, 30)),
        funding8=known(rng.randint(-100_000, 100_000)),
        funding_ns=known(NOW_NS + rng.choice([-1, 0, 1, 3_600 * 10**9, 7_200 * 10**9])),
        btc_health8=known(rng.randint(0, RATE)),
    )


def resized(case: Case, lots: int) -> Case:
    """The same with another number of lots."""
    return Case(case.scene, Open(order=msgspec.structs.replace(case.order, lots=Lots(lots))))


# -- the answer


@given(NUMBERS)
def test_the_first_rule_that_says_no_is_the_answer(number: int) -> None:
    case = scenario(number)
    before = copy.deepcopy((case.scene.account, case.scene.market, case.scene.book, case.command))
    said = judge_open(case)
    refusing = [rule.code for rule in RULES if rule.check(case) is not None]
    if isinstance(said, Refused):
        assert said.code == refusing[0]
        assert said.message
        assert said.hint
        found = every_refusal(case)
        assert found[0] == said
        assert [refused.code for refused in found] == (refusing[:1] if said.code == "GUARD-100" else refusing)
    else:
        assert refusing == []
        assert said.sequence == case.scene.account.sequence
        assert said.lowest_ticks <= min(leg.price_ticks for leg in case.scene.intent.entries)
        assert said.highest_ticks >= max(leg.price_ticks for leg in case.scene.intent.entries)
    risk_room(case.scene)
    refused_at_any_size(case.scene)
    assert before == (case.scene.account, case.scene.market, case.scene.book, case.command), (
        "judging changed it"
    )


def test_every_rule_is_met_from_both_sides() -> None:
    """The scenarios reach what they are for: each rule refuses first, and approvals are common."""
    met: Counter[str] = Counter()
    for number in range(2_000):
        said = judge_open(scenario(number, locks=6))
        met[said.code if isinstance(said, Refused) else "approved"] += 1
    assert met["approved"] > 20
    assert {rule.code for rule in RULES} - set(met) == {"GUARD-100"}, met


@given(NUMBERS)
def test_with_the_kernels_bounds_alone_the_guard_is_the_kernel(number: int) -> None:
    case = scenario(number, locks=8, kernel_only=True)
    scene = case.scene
    allowed, usage = scene.rows
    code = limit_refusal(
        allowed,
        usage,
        risk_cash=case.risk_cash,
        notional_cash=case.notional_cash,
        equity_cash=scene.account.equity_cash,
        time_ns=NOW_NS,
    )
    refused = every_refusal(case)
    assert (code == codes.ALLOWED) == (not refused)
    if refused:
        assert OF_KERNEL[code] in [said.code for said in refused]
    if code in range(codes.NOT_ROLLED, codes.TRADE_RISK):  # the rooms of week and day are asked earlier here
        first = [
            said.code for said in refused if said.code not in {"GUARD-106", "GUARD-107"} - {OF_KERNEL[code]}
        ]
        assert first[0] == OF_KERNEL[code]
    room, _ = risk_room(scene)
    assert room == risk_room_cash(allowed, usage, scene.account.equity_cash, time_ns=NOW_NS)


# -- rooms


@given(NUMBERS)
def test_an_order_sized_to_the_room_is_not_refused_for_its_risk(number: int) -> None:
    case = scenario(number, locks=2)
    scene = case.scene
    room, rule = risk_room(scene)
    refused = refused_at_any_size(scene)
    assert (refused is not None) == (room == 0)
    if refused is not None:
        assert rule is not None
        assert (refused.code, refused.most_lots) == (rule.code, 0)
        assert any(said.code == rule.code for said in every_refusal(case)) or case.risk_cash <= 0
        return
    assume(room != UNBOUND)
    sound = Limits(
        risk_cash=room,
        leverage100=case.order.leverage100,
        max_leverage100=case.order.leverage100,
        margin_share8=Rate8(RATE),
        liquidation_multiple8=Rate8(RATE),
    )
    known = scene.account
    view = AccountView(
        equity_cash=Cash(10**17),  # so that the money at risk decides, not the margin
        free_cash=Cash(10**17),
        is_cross=known.cross_cash is not None,
        cross_cash=Cash(10**17 if known.cross_cash is not None else 0),
    )
    order = solve(Question(scene.contract, scene.intent, view, sound))
    assume(order.lots > 0)
    said = judge_open(Case(scene, Open(order=order)))
    assert isinstance(said, Approved) or said.code in NO_ROOM, said
    if order.binding == BUDGET:
        more = resized(Case(scene, Open(order=order)), order.lots + 1)
        if more.risk_cash > room:  # 100: a ladder's further lot may leave a leg that the venue does not take
            refusing = {no.code for no in every_refusal(more)}
            assert refusing & (RISK_RULES | {"GUARD-100"}), "the room was smaller than the rules"


@given(NUMBERS, st.integers(min_value=1, max_value=99))
def test_a_smaller_risk_is_not_refused_for_its_risk(number: int, percent: int) -> None:
    case = scenario(number, locks=2)
    smaller = resized(case, max(1, case.order.lots * percent // 100))
    assume(smaller.risk_cash <= case.risk_cash)
    for rule in RULES:
        if rule.code in RISK_RULES and rule.check(case) is None:
            assert rule.check(smaller) is None, rule.name


@given(NUMBERS)
def test_the_size_in_a_refusal_passes_that_rule(number: int) -> None:
    case = scenario(number, locks=0)
    for rule in RULES[1:]:
        said = rule.check(case)
        if said is not None and said.most_lots:
            assert 0 < said.most_lots < case.order.lots
            fitting = resized(case, said.most_lots)
            assert rule.check(fitting) is None, rule.name
            assert RULES[0].check(fitting) is None, "the venue would not take it"
            if len(case.scene.intent.entries) == 1 and said.most_lots + 1 < case.order.lots:
                assert rule.check(resized(case, said.most_lots + 1)) is not None, rule.name


# -- what reduces risk

TICKS = st.integers(min_value=1, max_value=10**9)


@given(NUMBERS, TICKS, TICKS, st.sampled_from([1, -1]), st.booleans())
def test_locks_and_missing_facts_stop_no_stop_and_no_reduction(
    number: int, held: int, asked: int, side: int, is_first: bool
) -> None:
    account = scenario(number, locks=70).scene.account
    move = MoveStop(
        contract_id="a:X",
        side=side,
        stop_ticks=Ticks(asked),
        held_ticks=None if is_first else Ticks(held),
    )
    loosens = not is_first and (asked < held if side == 1 else asked > held)
    said = judge_stop(move, account)
    assert isinstance(said, Refused if loosens else Approved)
    if isinstance(said, Approved):
        assert (said.sequence, said.command) == (account.sequence, move)
    reducing = (
        Reduce(contract_id="a:X", lots=Lots(1 + asked)),
        CancelEntry(contract_id="a:X", client_id="c"),
        Flatten(reason="x"),
    )
    for command in reducing:
        assert approve_reducing(command, account).command is command


# -- correlations


def slow_risk(scene: Scene, risk: int) -> Decimal:
    """sqrt(sum c_ij r_i r_j) from the whole matrix, with fifty digits."""
    getcontext().prec = 60
    one = Decimal(1)
    own = [(scene.contract.id, scene.intent.side, Decimal(risk), one)]
    for place in scene.account.positions:
        given = place.correlation8
        if place.contract_id == scene.contract.id:
            given = Rate8(RATE)
        with_order = None if given is None else Decimal(given) / RATE
        if with_order is not None:
            with_order *= place.side * scene.intent.side
        own.append((place.contract_id, place.side, Decimal(max(0, place.risk_cash)), with_order))  # type: ignore[arg-type]
    total = Decimal(0)
    for i, (name, side, amount, x) in enumerate(own):
        for j, (other, other_side, more, y) in enumerate(own):
            if i == j:
                c = one
            elif i == 0 or j == 0:
                found = y if i == 0 else x
                c = one if found is None else max(Decimal(0), found)
            elif name == other:
                c = one if side == other_side else Decimal(0)
            elif x is None or y is None:
                c = one
            else:
                c = max(Decimal(0), min(one, x * y + ((one - x * x) * (one - y * y)).sqrt()))
            total += c * amount * more
    return total.sqrt()


@given(NUMBERS)
def test_correlated_risk_is_that_of_the_whole_matrix(number: int) -> None:
    case = scenario(number)
    scene, risk = case.scene, max(0, case.risk_cash)
    exact = slow_risk(scene, risk)
    found = correlated_risk.together_cash(scene, risk)
    assert exact - Decimal("1e-20") * (1 + exact) <= found
    # between two open positions the correlation is rounded up by at most 1e-8
    assert (
        found
        <= exact * (1 + Decimal("1e-8")) + 2 + sum(p.risk_cash for p in scene.account.positions) // 10**4
    )
    bound = correlated_risk.share_bound(scene.account.equity_cash, scene.book.correlated_risk_share8)
    room = correlated_risk.room(scene)
    if bound == NO_BOUND:
        assert room == UNBOUND
        return
    assert correlated_risk.together_cash(scene, room + 1) > bound
    assert room == 0 or correlated_risk.together_cash(scene, room) <= bound


@given(st.integers(min_value=0, max_value=2**32))
def test_the_bound_between_open_positions_is_never_too_low(number: int) -> None:
    """True correlations are products of unit vectors; the order's is the first."""
    rng = random.Random(number)
    vectors = []
    for _ in range(3):
        drawn = [rng.gauss(0, 1) for _ in range(rng.choice([2, 3, 3]))] + [0.0]
        length = sum(part * part for part in drawn[:3]) ** 0.5
        vectors.append([part / length for part in (*drawn, 0.0)[:3]])

    def product(i: int, j: int) -> float:
        return sum(a * b for a, b in zip(vectors[i], vectors[j], strict=True))

    first, second = (
        OpenPosition(contract_id=name, side=1, risk_cash=Cash(1), notional_cash=Cash(1)) for name in "XY"
    )
    x8, y8 = round(product(0, 1) * RATE), round(product(0, 2) * RATE)
    found = correlated_risk.between8(first, second, x8, y8)
    assert found >= product(1, 2) * RATE - RATE * 0.0005, "more together than the bound says"
    assert 0 <= found <= RATE
    if Fraction(x8) == RATE:
        assert found == max(0, y8)


def test_the_bound_is_reached() -> None:
    """In a plane, on one side of the order, the bound is the correlation itself: no larger than need be."""
    first, second = (
        OpenPosition(contract_id=name, side=1, risk_cash=Cash(1), notional_cash=Cash(1)) for name in "XY"
    )
    assert correlated_risk.between8(first, second, 60_000_000, 80_000_000) == 96_000_000
    assert correlated_risk.between8(first, second, 60_000_000, 60_000_000) == RATE
    assert correlated_risk.between8(first, second, RATE, -RATE) == 0
    assert correlated_risk.between8(first, second, 0, RATE) == 0
    assert correlated_risk.between8(first, second, None, RATE) == RATE
