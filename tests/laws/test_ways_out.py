"""Law: every way out, passed back as the argument it names, fits; one step less does not.

A step less is one tick farther for a stop, a cent less of equity, a cent or 0.0001 % less of
risk, and one leverage back toward the one asked for. Where free margin was given it grows with
equity: money in use elsewhere stays in use.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

import lotwise
from lotwise import SizePlan
from lotwise.kernel.layout import LEVERAGE
from lotwise.records.answers import WayOut
from lotwise.sizing import plan as plan_module
from lotwise.sizing.solve import Question, solve
from lotwise.units import cash_text
from tests.laws import bulk
from tests.laws.cases import Case, chance, liquidated_case, refusable_question, refused_case, seeded, words_of

CENT = Decimal("0.01")
MILLIONTH = Decimal("0.000001")
"""The least change of money in a coin, of an inverse contract's account."""
LIQUIDATED = 2_000
MANY = 100_000
"""So many tries meet every rule, in every part of the count."""
RULES = ("lot", "min_notional", "margin", "headroom", "max_leverage", "tier", "liquidation", "max_quantity")
KINDS = ("stop", "equity", "risk", "leverage", "contract")


def words(rng: random.Random, question: Question) -> dict[str, Any] | None:
    """The question in words; costs as prices or relative to the price, as people give them."""
    asked = words_of(question)
    if asked is None:
        return None
    contract, intent = question.contract, question.intent
    for name, ticks in (("spread", intent.spread_ticks), ("slippage", intent.slippage_ticks)):
        asked[name] = contract.price_text(ticks)
        if ticks and chance(rng, 20):
            asked[name] = f"{rng.randint(1, 40)}bp"
    if question.account.free_cash == question.account.equity_cash:
        del asked["free_margin"]
    if contract.fees is not None and chance(rng, 50):
        del asked["fees"]
    if contract.fees is not None:
        asked["contract"] = contract.id
    return asked


def check_ways_out(drawn: Case) -> Iterator[str]:
    """Size, and where it does not fit try every way out and a step less of it."""
    question = drawn.question
    asked = words(seeded(drawn.number + 17), question)
    if asked is None:
        yield "not in words"
        return
    plan = sized(asked)
    if plan.feasible:
        yield "fits"
        return
    assert plan.blocked_by is not None
    yield plan.blocked_by.rule
    for way in plan.ways_out:
        yield way.kind
        there = sized(with_way(asked, way))
        assert there.feasible, f"{way} does not fit: {there.blocked_by}\n{asked}"
        less = one_step_less(question, asked, way)
        if less is not None:
            assert not is_feasible(less), f"a step less than {way} fits as well\n{asked}"
            yield "tried"


def check_leverage_is_offered(drawn: Case) -> str:
    """Where liquidation blocks: the nearest whole leverage below that fits is offered, or none does."""
    question = drawn.question
    asked = words_of(question)
    if asked is None:
        return "not in words"
    plan = sized(asked)
    if plan.feasible:
        return "fits"
    offered = [int(way.value) for way in plan.ways_out if way.kind == "leverage"]
    below = -(-question.limits.leverage100 // LEVERAGE) - 1
    for whole in range(below, 0, -1):
        limits = structs.replace(question.limits, leverage100=whole * LEVERAGE)
        if solve(question._replace(limits=limits)).lots:
            assert offered == [whole], f"{whole}x fits, offered: {offered}\n{asked}"
            return "a lower one fits"
    return "none fits"


def with_way(asked: dict[str, Any], way: WayOut) -> dict[str, Any]:
    """The question with the value of the way out as its argument."""
    if way.kind != "equity":
        return asked | {way.kind: way.value}
    return with_equity(asked, Decimal(way.value))


def with_equity(asked: dict[str, Any], equity: Decimal) -> dict[str, Any]:
    """The question with another equity; free margin, where given, grows by as much."""
    changed = asked | {"equity": str(equity)}
    if "free_margin" in asked:
        changed["free_margin"] = str(Decimal(asked["free_margin"]) + equity - Decimal(asked["equity"]))
    return changed


def one_step_less(question: Question, asked: dict[str, Any], way: WayOut) -> dict[str, Any] | None:
    """The question with one step less of the way; ``None`` where there is none to take."""
    contract, side = question.contract, question.intent.side
    step = MILLIONTH if contract.is_inverse else CENT
    match way.kind:
        case "stop":
            farther = contract.price_ticks(way.value, "stop") - side
            return asked | {"stop": contract.price_text(farther)}
        case "equity":
            less = Decimal(way.value) - step
            return with_equity(asked, less) if less else None
        case "risk" if way.value.endswith("%"):
            return asked | {"risk": f"{Decimal(way.value[:-1]) - Decimal('0.0001')}%"}
        case "risk":
            less = Decimal(way.value) - step
            return asked | {"risk": str(less)} if less else None
        case "leverage":
            back = int(way.value) + (1 if Decimal(asked["leverage"]) > int(way.value) else -1)
            return asked | {"leverage": str(back)} if abs(back - Decimal(asked["leverage"])) >= 1 else None
    return None


def sized(asked: dict[str, Any]) -> SizePlan:
    """The answer to a question in words."""
    return lotwise.size(**asked)


def is_feasible(asked: dict[str, Any]) -> bool:
    """Whether the question fits; its own ways out, which nobody reads here, are not searched."""
    searched = plan_module.ways_out
    plan_module.ways_out = lambda *_: []  # type: ignore[assignment]
    try:
        return sized(asked).feasible
    finally:
        plan_module.ways_out = searched


def tries(law_cases: int) -> int:
    """Ways passed back with their step less."""
    return law_cases


@bulk.every_shard
def test_every_way_out_fits_and_a_step_less_does_not(shard: int, law_cases: int) -> None:
    seen = bulk.run(
        {"a way out fits when passed back, one step less does not": "tried"},
        count(shard, bulk.SHARDS),
        refused_case,
        check_ways_out,
        until=("tried", max(1, tries(law_cases) // bulk.SHARDS)),
    )
    often = RULES if law_cases >= MANY else RULES[:2]
    missed = [name for name in (*often, *KINDS) if not seen[name]]
    assert not missed, f"no case met {missed}: {seen}"


@bulk.every_shard
def test_a_lower_leverage_is_offered_where_one_fits(shard: int) -> None:
    seen = bulk.run(
        "where liquidation blocks, the nearest lower leverage that fits is offered",
        bulk.numbers_of(shard, LIQUIDATED),
        liquidated_case,
        check_leverage_is_offered,
    )
    assert seen["a lower one fits"] > 0, seen


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_every_way_out_fits_and_a_step_less_does_not_drawn(rng: random.Random, number: int) -> None:
    assert list(check_ways_out(Case(number, refusable_question(rng))))


def test_equity_grows_with_its_free_margin() -> None:
    """What is in use elsewhere stays in use: with half the equity free, all that is added is free."""
    asked = {"side": "long", "entry": "65000", "stop": "64000", "risk": "100%", "leverage": "10"}
    asked |= {"contract": "binance:BTCUSDT", "equity": "2", "free_margin": "1"}
    plan = sized(asked)
    value = next(way.value for way in plan.ways_out if way.kind == "equity")
    more = Decimal(value) - 2
    assert sized(asked | {"equity": value, "free_margin": cash_text(int((1 + more) * 10**8))}).feasible
    assert not sized(asked | {"equity": value, "free_margin": "1"}).feasible


def test_no_leverage_is_offered_where_there_is_none() -> None:
    """A listed future whose margin is unknown counts on its full worth: no leverage can change that."""
    nano = lotwise.Contract(
        symbol="NANO",
        base="COIN",
        quote="USD",
        kind="linear_dated",
        tick_size="5",
        lot_size="1",
        contract_size="0.01",
        clearing=True,
        fees=lotwise.FeeSchedule("0", "0"),
    )
    plan = sized(
        {"contract": nano, "side": "long", "entry": "60000", "stop": "59700", "equity": "300", "risk": "5%"}
    )
    assert plan.blocked_by is not None
    assert plan.blocked_by.rule == "margin"
    assert {way.kind for way in plan.ways_out} >= {"equity"}
    assert "leverage" not in {way.kind for way in plan.ways_out}
