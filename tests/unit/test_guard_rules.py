"""Every rule of the guard, by hand: what it lets through to the last unit, what it refuses, what it says.

The usual case (``tools.rule_pages``): 1,000 USDT, nothing open, a long of 0.005 BTC at 65,000.0 with its
stop at 63,700.0, at 5x, on Thursday 2026-12-10, 13:00 UTC. It loses 6.50, is worth 325 and needs 65.
"""

from __future__ import annotations

from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from lotwise.guard.case import UNBOUND, Case, GuardRule, No
from lotwise.guard.example import Example
from lotwise.guard.facts import OpenPosition
from lotwise.guard.judge import judge_open
from lotwise.guard.rulebook import RULES
from lotwise.guard.rules import correlated_risk
from lotwise.guard.words import instant_text, percent_down, percent_up, span_text, until_text
from lotwise.kernel.arith import INT64_MAX
from lotwise.records.guard import Approved, Open, Refused
from lotwise.records.order import EntryLeg
from lotwise.units import Cash, Lots, Rate8, Ticks
from tools.rule_pages import case_of, ns

BY_CODE: dict[str, GuardRule] = {rule.code: rule for rule in RULES}
NOW = "2026-12-10T13:00Z"
NOW_NS = ns(NOW)
CPI = {"from": NOW, "until": "2026-12-10T13:45Z", "name": "CPI"}
ETH, SOL = "binance:ETHUSDT", "binance:SOLUSDT"


def example(**groups: Any) -> Example:
    """An example with only these groups."""
    return Example(**groups)


# Code, the bounds, what is refused, what passes at the edge. Groups of facts are merged into the bounds.
EDGES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("GUARD-100", {}, {"order": {"stop_ticks": "65000"}}, {"order": {"stop_ticks": "64999.9"}}),
    (
        "GUARD-100",
        {},
        {"order": {"side": -1, "stop_ticks": "65000"}},
        {"order": {"side": -1, "stop_ticks": "65000.1"}},
    ),
    ("GUARD-100", {}, {"order": {"lots": 0}}, {"order": {"lots": 2}}),
    ("GUARD-100", {}, {"order": {"lots": -5}}, {"order": {"lots": 2}}),
    ("GUARD-100", {}, {"order": {"lots": 1}}, {"order": {"lots": 2}}),  # worth 65, the venue asks for 100
    ("GUARD-100", {}, {"order": {"lots": 120_001}}, {"order": {"lots": 120_000}}),
    ("GUARD-100", {}, {"order": {"leverage100": 0}}, {"order": {"leverage100": 1}}),
    ("GUARD-101", {}, {"account": {"equity_cash": "0"}}, {"account": {"equity_cash": "0.00000001"}}),
    ("GUARD-101", {}, {"usage": {"day": 20_796}}, {"usage": {"day": 20_797}}),
    ("GUARD-101", {}, {"usage": {"started": 0}}, {"usage": {"started": 1}}),
    ("GUARD-102", {}, {"usage": {"locked_until_ns": NOW_NS + 1}}, {"usage": {"locked_until_ns": NOW_NS}}),
    ("GUARD-103", {}, {"book": {"contracts": [ETH]}}, {"book": {"contracts": [ETH, "binance:BTCUSDT"]}}),
    (
        "GUARD-104",
        {},
        {"book": {"blackouts": [CPI]}},
        {"book": {"blackouts": [CPI | {"from": "2026-12-10T13:00:00.000001Z"}]}},
    ),
    (
        "GUARD-104",
        {},
        {
            "book": {
                "blackouts": [
                    {"from": "2026-12-10T12:00Z", "until": "2026-12-10T13:00:00.000001Z", "name": "x"}
                ]
            }
        },
        {"book": {"blackouts": [{"from": "2026-12-10T12:00Z", "until": NOW, "name": "x"}]}},
    ),
    (
        "GUARD-105",
        {"book": {"market_age": "10s"}},
        {"market": {"seen_ns": NOW_NS - 10**10 - 1}},
        {"market": {"seen_ns": NOW_NS - 10**10}},
    ),
    (
        "GUARD-105",
        {"book": {"market_age": "10s"}},
        {"market": {"seen_ns": NOW_NS + 10**10 + 1}},
        {"market": {"seen_ns": NOW_NS + 10**10}},
    ),
    (
        "GUARD-105",
        {"book": {"facts_age": "30d"}},
        {"market": {"facts_ns": NOW_NS - 30 * 86_400 * 10**9 - 1}},
        {"market": {"facts_ns": NOW_NS - 30 * 86_400 * 10**9}},
    ),
    (
        "GUARD-106",
        {"book": {"week_loss": "6%"}},
        {"account": {"equity_cash": "946.49999999"}},  # 940 + 6.50: what is left is what the trade may lose
        {"account": {"equity_cash": "946.5"}},
    ),
    (
        "GUARD-106",
        {"book": {"week_loss": "6%"}},
        {"usage": {"open_risk_cash": "53.50000001"}},
        {"usage": {"open_risk_cash": "53.5"}},
    ),
    (
        "GUARD-106",
        {"book": {"week_loss": "6%"}},
        {"usage": {"week_locked": 1}},
        {"usage": {"week_locked": 0}},
    ),
    (
        "GUARD-107",
        {"book": {"day_loss": "3%"}},
        {"account": {"equity_cash": "976.49999999"}},
        {"account": {"equity_cash": "976.5"}},
    ),
    (
        "GUARD-107",
        {"book": {"day_loss": "3%"}},
        {"usage": {"open_risk_cash": "23.50000001"}},
        {"usage": {"open_risk_cash": "23.5"}},
    ),
    ("GUARD-107", {"book": {"day_loss": "3%"}}, {"usage": {"day_locked": 1}}, {"usage": {"day_locked": 0}}),
    (
        "GUARD-108",
        {"book": {"cool_down": "15min"}},
        {"usage": {"cool_until_ns": NOW_NS + 1}},
        {"usage": {"cool_until_ns": NOW_NS}},
    ),
    ("GUARD-109", {"book": {"trades_a_day": 5}}, {"usage": {"day_trades": 5}}, {"usage": {"day_trades": 4}}),
    ("GUARD-118", {"book": {"positions": 2}}, {"usage": {"positions": 2}}, {"usage": {"positions": 1}}),
    (
        "GUARD-130",
        {"book": {"btc_refuse": "25%"}},
        {"market": {"btc_health8": "24.999999%"}},
        {"market": {"btc_health8": "25%"}},
    ),
    (
        "GUARD-130",
        {"book": {"risk": "1%", "btc_reduce": "60%"}},
        {"market": {"btc_health8": "38.999999%"}},  # 10 x 39 / 60 = 6.50
        {"market": {"btc_health8": "39%"}},
    ),
    (
        "GUARD-131",
        {"book": {"chase": "2.5"}},
        {"market": {"mean_ticks": "63999.9", "atr_ticks": "400"}},
        {"market": {"mean_ticks": "64000", "atr_ticks": "400"}},
    ),
    (
        "GUARD-131",
        {"book": {"chase": "2.5"}, "order": {"side": -1, "stop_ticks": "66300"}},
        {"market": {"mean_ticks": "66000.1", "atr_ticks": "400"}},
        {"market": {"mean_ticks": "66000", "atr_ticks": "400"}},
    ),
    (
        "GUARD-132",
        {"book": {"funding": "0.05%"}},
        {"market": {"funding8": "0.050001%"}},
        {"market": {"funding8": "0.05%"}},
    ),
    (
        "GUARD-132",
        {"book": {"funding": "0.05%"}, "order": {"side": -1, "stop_ticks": "66300"}},
        {"market": {"funding8": "-0.050001%"}},
        {"market": {"funding8": "9%"}},  # a short is paid
    ),
    (
        "GUARD-132",
        {"book": {"funding": "0.05%", "funding_within": "1h"}},
        {"market": {"funding8": "1%", "funding_ns": "2026-12-10T14:00Z"}},
        {"market": {"funding8": "1%", "funding_ns": "2026-12-10T14:00:00.000001Z"}},
    ),
    (
        "GUARD-133",
        {"book": {"spread": "10%"}},
        {"market": {"spread_ticks": "130.1"}},
        {"market": {"spread_ticks": "130"}},
    ),
    (
        "GUARD-134",
        {"book": {"depth": "20"}},
        {"market": {"depth_cash": "6499.99999999"}},
        {"market": {"depth_cash": "6500"}},
    ),
    ("GUARD-110", {}, {"book": {"risk_money": "6.49999999"}}, {"book": {"risk_money": "6.5"}}),
    ("GUARD-110", {}, {"book": {"risk": "0.649999%"}}, {"book": {"risk": "0.65%"}}),
    (
        "GUARD-110",
        {},
        {"book": {"risk": "5%", "risk_money": "6.49999999"}},
        {"book": {"risk": "0.65%", "risk_money": "100"}},
    ),
    ("GUARD-111", {}, {"account": {"plan_risk_cash": "6.49999999"}}, {"account": {"plan_risk_cash": "6.5"}}),
    (
        "GUARD-112",
        {"book": {"open_risk": "3%"}},
        {"usage": {"open_risk_cash": "23.50000001"}},
        {"usage": {"open_risk_cash": "23.5"}},
    ),
    (
        "GUARD-113",
        {"positions": ({"contract_id": ETH, "risk_cash": "10"},)},  # unknown: moves as one
        {"book": {"correlated_risk": "1.649999%"}},
        {"book": {"correlated_risk": "1.65%"}},
    ),
    (
        "GUARD-114",
        {"book": {"account_leverage": "2"}},
        {"usage": {"open_notional_cash": "1675.00000001"}},
        {"usage": {"open_notional_cash": "1675"}},
    ),
    ("GUARD-115", {}, {"book": {"order_leverage": "4.99"}}, {"book": {"order_leverage": "5"}}),
    (
        "GUARD-116",
        {"book": {"margin": "25%"}},
        {"account": {"margin_cash": "185.00000001"}},
        {"account": {"margin_cash": "185"}},
    ),
    # 65,000 (1 - 1/L) / 0.996 lies beyond 65,000 - 1.5 x 1,300 while L < 29.51
    (
        "GUARD-117",
        {"book": {"liquidation": "1.5"}},
        {"order": {"leverage100": 30}},
        {"order": {"leverage100": 29}},
    ),
]


def merged(base: dict[str, Any], more: dict[str, Any]) -> Case:
    """The case of both."""
    groups = dict(base)
    for name, value in more.items():
        groups[name] = {**groups[name], **value} if name in groups else value
    return case_of(example(**groups))


@pytest.mark.parametrize(
    ("code", "base", "refused", "passed"),
    [pytest.param(*row, id=f"{row[0]}-{number}") for number, row in enumerate(EDGES)],
)
def test_the_edge(code: str, base: dict[str, Any], refused: dict[str, Any], passed: dict[str, Any]) -> None:
    no = judge_open(merged(base, refused))
    assert isinstance(no, Refused), no
    assert (no.code, no.rule) == (code, BY_CODE[code].name)
    assert no.message
    assert no.hint
    yes = judge_open(merged(base, passed))
    assert isinstance(yes, Approved), yes
    assert BY_CODE[code].check(merged(base, passed)) is None


def test_every_rule_has_an_edge() -> None:
    assert {row[0] for row in EDGES} == set(BY_CODE)


def test_what_is_not_set_is_not_asked() -> None:
    case = case_of(
        example(
            usage={
                "day_trades": 99,
                "positions": 99,
                "open_risk_cash": "1000",
                "open_notional_cash": "99999",
            },
            account={"margin_cash": "1000"},
            positions=({"contract_id": ETH, "risk_cash": "1000"},),
            market={"spread_ticks": "5000", "depth_cash": "0", "btc_health8": 0, "funding8": "10%"},
        )
    )
    assert isinstance(judge_open(case), Approved)


# -- unknown is not fine

UNKNOWN: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("GUARD-105", {"market_age": "10s"}, {}, "seen_ns"),
    ("GUARD-105", {"facts_age": "1d"}, {}, "facts_ns"),
    ("GUARD-130", {"btc_refuse": "25%"}, {}, "btc_health8"),
    ("GUARD-130", {"risk": "1%", "btc_reduce": "25%"}, {}, "btc_health8"),
    ("GUARD-131", {"chase": "2"}, {"atr_ticks": "400"}, "mean_ticks"),
    ("GUARD-131", {"chase": "2"}, {"mean_ticks": "64000"}, "atr_ticks"),
    ("GUARD-131", {"chase": "2"}, {"mean_ticks": "64000", "atr_ticks": 0}, "atr_ticks"),
    ("GUARD-132", {"funding": "0.05%"}, {}, "funding8"),
    ("GUARD-132", {"funding": "0.05%", "funding_within": "1h"}, {"funding8": "0.01%"}, "funding_ns"),
    ("GUARD-132", {"funding": "0.05%"}, {"funding8": "0.01%", "funding_ns": NOW_NS}, "funding8"),
    ("GUARD-133", {"spread": "10%"}, {}, "spread_ticks"),
    ("GUARD-134", {"depth": "20"}, {}, "depth_cash"),
]


@pytest.mark.parametrize(("code", "book", "market", "field"), UNKNOWN)
def test_a_fact_that_is_asked_for_and_unknown(
    code: str, book: dict[str, Any], market: dict[str, Any], field: str
) -> None:
    case = case_of(example(book=book, market=market))
    said = judge_open(case)
    assert isinstance(said, Refused)
    assert said.code == code
    assert "is unknown, and the rulebook asks for it" in said.message
    assert f"MarketFacts.{field}" in said.hint or field in said.hint
    assert BY_CODE[code].room(case.scene) == 0, "an order would be sized that is refused whatever its size"


def test_unknown_margin_tiers_are_said() -> None:
    case = case_of(example(book={"liquidation": "1.5"}))
    bare = case.scene.contract.replace(tiers=())
    said = judge_open(Case(in_scene(case, contract=bare), case.command))
    assert isinstance(said, Refused)
    assert said.code == "GUARD-117"
    assert "margin tiers" in said.message
    assert "lotwise contracts refresh --venue binance" in said.hint


def in_scene(case: Case, **changes: Any) -> Any:
    """The scene with some parts changed (a dataclass, with nothing remembered)."""
    scene = case.scene
    parts = {
        name: getattr(scene, name) for name in ("contract", "intent", "account", "market", "book", "now_ns")
    }
    return type(scene)(**(parts | changes))


def changed(case: Case, **changes: Any) -> Case:
    """The case with another intent, the same in scene and order."""
    intent = msgspec.structs.replace(case.order.intent, **changes)
    order = msgspec.structs.replace(case.order, intent=intent)
    return Case(in_scene(case, intent=intent), Open(order=order))


def test_a_trade_without_a_stop_has_nothing_to_measure_by() -> None:
    bare = case_of(example(book={"liquidation": "1.5"}))
    no_stop = changed(bare, stop_is_liquidation=True, stop_ticks=Ticks(0))
    said = judge_open(no_stop)
    assert isinstance(said, Refused)
    assert (said.code, said.hint) == ("GUARD-117", "give the trade a stop")
    narrow = case_of(example(book={"spread": "10%"}, market={"spread_ticks": "0.1"}))
    said = judge_open(changed(narrow, stop_is_liquidation=True, stop_ticks=Ticks(0)))
    assert isinstance(said, Refused)
    assert said.code == "GUARD-133"
    plain = changed(case_of(example()), stop_is_liquidation=True, stop_ticks=Ticks(0))
    assert isinstance(judge_open(plain), Approved)
    assert plain.risk_cash == 65 * 10**8  # all of the margin
    at_risk = changed(
        case_of(example(book={"risk": "6.499999%"})), stop_is_liquidation=True, stop_ticks=Ticks(0)
    )
    assert isinstance(said := judge_open(at_risk), Refused)
    assert said.code == "GUARD-110"


def test_a_listed_future_is_judged_by_the_bankruptcy_of_the_account() -> None:
    case = case_of(example(book={"liquidation": "1.5", "order_leverage": "1"}))
    future = case.scene.contract.replace(
        tiers=(), clearing=True, kind="linear_dated", initial_margin_per_contract="20000"
    )
    unsaid = Case(in_scene(case, contract=future), case.command)
    said = judge_open(unsaid)
    assert isinstance(said, Refused)
    assert "AccountFacts.cross_cash" in said.hint
    for cash, kept in ((975, "GUARD-117"), (976, "")):  # 5 lots lose 9.75 at 63,050.0
        account = msgspec.structs.replace(case.scene.account, cross_cash=Cash(cash * 10**6))
        said = judge_open(Case(in_scene(case, contract=future, account=account), case.command))
        assert (said.code if isinstance(said, Refused) else "") == kept
    assert isinstance(said, Approved), "the leverage of a listed future is nobody's setting"


def test_cross_margin_has_the_account_behind_it() -> None:
    case = case_of(example(book={"liquidation": "1.5"}, order={"leverage100": 100}))
    assert isinstance(judge_open(case), Refused)
    account = msgspec.structs.replace(case.scene.account, cross_cash=Cash(1000 * 10**8))
    assert isinstance(judge_open(Case(in_scene(case, account=account), case.command)), Approved)
    poor = msgspec.structs.replace(case.scene.account, cross_cash=Cash(10 * 10**8))
    said = judge_open(Case(in_scene(case, account=poor), case.command))
    assert isinstance(said, Refused)
    # 65,000 q - 10 = 0.996 q P; at P = 63,050: q = 10 / 2,201.0 of a coin
    assert said.most_lots == Fraction(10) / (Fraction(65_000) - Fraction("0.996") * 63_050) // Fraction(
        1, 1000
    )
    assert said.hint == "take 0.004 BTC or less"


def test_a_leverage_that_never_does() -> None:
    order = {"side": -1, "stop_ticks": "66300", "leverage100": 2}  # liquidated at 130,000 at 1x
    case = case_of(example(book={"liquidation": "1000"}, order=order))
    said = judge_open(case)
    assert isinstance(said, Refused)
    assert "take a nearer stop" in said.hint


def test_a_ladder_that_is_too_near_only_in_part() -> None:
    """The first leg alone stands farther from the stop than the whole: 66,000 and 63,800, stop 63,700."""
    legs = (EntryLeg(Ticks(660_000), Rate8(40_000_000)), EntryLeg(Ticks(638_000), Rate8(100_000_000)))
    case = changed(case_of(example(book={"liquidation": "1.5"}, order={"leverage100": 26})), entries=legs)
    said = judge_open(case)
    assert isinstance(said, Refused)
    assert "when it has filled in part" in said.message
    least = int(said.hint.split("set ")[1].split("x")[0])
    for leverage, kind in ((least, Approved), (least + 1, Refused)):
        order = msgspec.structs.replace(case.order, leverage100=leverage * 100)
        assert isinstance(judge_open(Case(case.scene, Open(order=order))), kind)


LADDER = (EntryLeg(Ticks(650_000), Rate8(50_000_000)), EntryLeg(Ticks(645_000), Rate8(100_000_000)))


def test_a_ladder_is_measured_at_its_worst_entry() -> None:
    market = {"mean_ticks": "64000", "atr_ticks": "400", "spread_ticks": "80"}
    chased = changed(case_of(example(book={"chase": "2.4"}, market=market)), entries=LADDER)
    said = judge_open(chased)
    assert isinstance(said, Refused)
    assert "the entry 65,000.0 is 1,000.0 from the mean" in said.message  # the other is 500.0 away
    wide = changed(case_of(example(book={"spread": "9.99%"}, market=market)), entries=LADDER)
    said = judge_open(wide)
    assert isinstance(said, Refused)
    assert "10.00 % of the 800.0 to the stop" in said.message  # the other is 1,300.0 away


@pytest.mark.parametrize(
    ("order", "mean", "span", "hint"),
    [
        ({}, "64000", "400", "enter at 64,800.0 or below, or let it go"),
        ({"side": -1, "stop_ticks": "66300"}, "66000", "400", "enter at 65,200.0 or above, or let it go"),
        ({}, "64999", "0.1", "enter at 64,999.2 or below, or let it go"),
    ],
)
def test_a_chase_is_told_where_to_enter(order: dict[str, Any], mean: str, span: str, hint: str) -> None:
    market = {"mean_ticks": mean, "atr_ticks": span}
    said = judge_open(case_of(example(book={"chase": "2"}, order=order, market=market)))
    assert isinstance(said, Refused)
    assert said.hint == hint


def test_half_a_tick_of_chase_is_rounded_toward_the_mean() -> None:
    market = {"mean_ticks": "64900", "atr_ticks": "66.7"}  # 1.5 of them: 100.05
    assert isinstance(judge_open(case_of(example(book={"chase": "1.5"}, market=market))), Approved)
    market = {"mean_ticks": "64899.9", "atr_ticks": "66.7"}  # 100.1 away
    said = judge_open(case_of(example(book={"chase": "1.5"}, market=market)))
    assert isinstance(said, Refused)
    assert said.hint.startswith("enter at 64,999.9 or below")


def test_at_the_bound_of_btc_the_size_shrinks_and_is_not_refused() -> None:
    book = {"risk": "1%", "btc_refuse": "25%", "btc_reduce": "60%"}
    said = judge_open(case_of(example(book=book, market={"btc_health8": "25%"})))
    assert isinstance(said, Refused)
    assert "it may lose 4.16666666 USDT instead of 10.00 USDT" in said.message
    case = case_of(example(market={"btc_health8": "10%"}))
    nothing_to_shrink = msgspec.structs.replace(case.scene.book, btc_reduce8=Rate8(60_000_000))
    assert isinstance(judge_open(Case(in_scene(case, book=nothing_to_shrink), case.command)), Approved)


def test_depth_is_rounded_against_the_trade() -> None:
    """325.0005 x 0.00000001 is 325.0005 units: 326 must rest, and no unit less."""
    legs = (EntryLeg(Ticks(650_001), Rate8(100_000_000)),)
    for depth, kind in ((326, Approved), (325, Refused)):
        case = case_of(example(book={"depth": "0.00000001"}, market={"depth_cash": depth}))
        assert isinstance(judge_open(changed(case, entries=legs)), kind)


@pytest.mark.parametrize(
    ("order", "book", "where"),
    [
        ({"leverage100": 40}, "1.5", "at 63,629.5, not beyond 63,050.0"),
        ({"side": -1, "stop_ticks": "66300", "leverage100": 40}, "1.5", "at 66,359.5, not beyond 66,950.0"),
        ({"leverage100": 2}, "50", "before any price that is far enough"),
    ],
)
def test_a_liquidation_is_named_with_where_it_should_be(order: dict[str, Any], book: str, where: str) -> None:
    said = judge_open(case_of(example(book={"liquidation": book}, order=order)))
    assert isinstance(said, Refused)
    assert f"would be liquidated {where}: {book} times" in said.message


def test_an_account_that_is_under_water_is_liquidated_at_once() -> None:
    order = {"side": -1, "stop_ticks": "66300"}
    case = case_of(example(book={"liquidation": "1.5"}, order=order))
    account = msgspec.structs.replace(case.scene.account, cross_cash=Cash(-400 * 10**8))
    said = judge_open(Case(in_scene(case, account=account), case.command))
    assert isinstance(said, Refused)
    assert "would be liquidated at once" in said.message
    assert said.most_lots == 0


def test_an_order_of_another_trade_is_refused() -> None:
    case = case_of(example())
    other = msgspec.structs.replace(case.order.intent, stop_ticks=Ticks(630_000))
    order = msgspec.structs.replace(case.order, intent=other)
    said = judge_open(Case(case.scene, Open(order=order)))
    assert isinstance(said, Refused)
    assert "another trade" in said.message
    elsewhere = in_scene(case, contract=case.scene.contract.replace(venue="bybit"))
    said = judge_open(Case(elsewhere, case.command))
    assert isinstance(said, Refused)
    assert "bybit:BTCUSDT" in said.message
    for broken in ({"side": 0}, {"side": 2}, {"entries": ()}):
        said = judge_open(changed(case, **broken))
        assert isinstance(said, Refused)
        assert said.code == "GUARD-100"


# -- times


@pytest.mark.parametrize(
    ("usage", "book", "until"),
    [
        ({"locked_until_ns": "2026-12-10T20:00Z"}, {}, "2026-12-10T20:00Z"),
        ({"cool_until_ns": "2026-12-10T13:10Z"}, {"cool_down": "15min"}, "2026-12-10T13:10Z"),
        ({"day_trades": 5}, {"trades_a_day": 5}, "2026-12-11T00:00Z"),
        ({"day_locked": 1}, {"day_loss": "3%"}, "2026-12-11T00:00Z"),
        ({"week_locked": 1}, {"week_loss": "6%"}, "2026-12-14T00:00Z"),
        ({"open_risk_cash": "30"}, {"day_loss": "3%"}, "2026-12-11T00:00Z"),
        ({"open_risk_cash": "60"}, {"week_loss": "6%"}, "2026-12-14T00:00Z"),
        ({"day_trades": 5}, {"trades_a_day": 5, "time_zone": "Europe/Berlin"}, "2026-12-10T23:00Z"),
        ({"week_locked": 1}, {"week_loss": "6%", "time_zone": "America/New_York"}, "2026-12-14T05:00Z"),
    ],
)
def test_a_refusal_says_when_it_ends(usage: dict[str, Any], book: dict[str, Any], until: str) -> None:
    said = judge_open(case_of(example(book=book, usage=usage)))
    assert isinstance(said, Refused)
    assert said.until_ns == ns(until)


@pytest.mark.parametrize("span", ["day", "week"])
def test_a_lock_outlasts_a_recovery(span: str) -> None:
    case = case_of(
        example(book={f"{span}_loss": "3%"}, usage={f"{span}_locked": 1}, account={"equity_cash": "1100"})
    )
    said = judge_open(case)
    assert isinstance(said, Refused)
    assert f"the {span} began with 1,000.00 USDT and stands at 1,100.00 USDT (0.00 % lost)" in said.message


def test_without_the_ends_of_days_the_kernel_counts_them() -> None:
    case = case_of(example(book={"trades_a_day": 5}, usage={"day_trades": 5}))
    book = msgspec.structs.replace(case.scene.book, day_ends_ns=0, week_ends_ns=0)
    said = judge_open(Case(in_scene(case, book=book), case.command))
    assert isinstance(said, Refused)
    assert said.until_ns == ns("2026-12-11T00:00Z")


def test_blackouts_that_touch_are_one() -> None:
    more = [
        {"from": "2026-12-10T13:40Z", "until": "2026-12-10T14:00Z", "name": "press"},
        {"from": "2026-12-10T14:00Z", "until": "2026-12-10T14:10Z", "name": "speech"},
        {"from": "2026-12-10T14:11Z", "until": "2026-12-10T15:00Z", "name": "later"},
    ]
    said = judge_open(case_of(example(book={"blackouts": [CPI, *more]})))
    assert isinstance(said, Refused)
    assert said.until_ns == ns("2026-12-10T14:10Z")
    assert "CPI" in said.message


def test_a_funding_ends_when_it_is_charged() -> None:
    market = {"funding8": "1%", "funding_ns": "2026-12-10T16:00Z"}
    said = judge_open(case_of(example(book={"funding": "0.05%"}, market=market)))
    assert isinstance(said, Refused)
    assert said.until_ns == ns("2026-12-10T16:00Z")
    assert "1 % in 3 h" in said.message
    dated = case_of(example(book={"funding": "0.05%"}))
    contract = dated.scene.contract.replace(kind="linear_dated")
    assert isinstance(judge_open(Case(in_scene(dated, contract=contract), dated.command)), Approved)


# -- the way out

# Each bound is met by a whole number of lots, to the last unit: one loses 1.30, is worth 65 and needs 13.
SMALLER: list[tuple[str, dict[str, Any], int]] = [
    ("GUARD-106", {"book": {"week_loss": "6%"}, "usage": {"open_risk_cash": "47"}}, 10),
    ("GUARD-107", {"book": {"day_loss": "3%"}, "usage": {"open_risk_cash": "17"}}, 10),
    ("GUARD-110", {"book": {"risk": "2.6%"}}, 20),
    ("GUARD-111", {"account": {"plan_risk_cash": "26"}}, 20),
    ("GUARD-112", {"book": {"open_risk": "3%"}, "usage": {"open_risk_cash": "17"}}, 10),
    (
        "GUARD-113",
        {"book": {"correlated_risk": "1.6%"}, "positions": ({"contract_id": ETH, "risk_cash": "3"},)},
        10,
    ),
    ("GUARD-114", {"book": {"account_leverage": "1.3"}}, 20),
    ("GUARD-116", {"book": {"margin": "26%"}}, 20),
    ("GUARD-130", {"book": {"risk": "5%", "btc_reduce": "50%"}, "market": {"btc_health8": "26%"}}, 20),
    ("GUARD-134", {"book": {"depth": "10"}, "market": {"depth_cash": "9100"}}, 14),
]


@pytest.mark.parametrize(("code", "groups", "most"), SMALLER)
def test_the_largest_size_that_passes_is_named(code: str, groups: dict[str, Any], most: int) -> None:
    case = case_of(example(**groups, order={"lots": 40}))
    said = BY_CODE[code].check(case)
    assert isinstance(said, No)
    assert said.most_lots == most
    assert said.hint == f"take {Decimal(said.most_lots) / 1000} BTC or less"
    for lots, passes in ((said.most_lots, True), (said.most_lots + 1, False)):
        order = msgspec.structs.replace(case.order, lots=Lots(lots))
        assert (BY_CODE[code].check(Case(case.scene, Open(order=order))) is None) is passes


@pytest.mark.parametrize(("code", "groups"), [row[:2] for row in SMALLER])
def test_where_no_size_passes_another_way_is_named(code: str, groups: dict[str, Any]) -> None:
    case = case_of(example(**groups, order={"lots": 40}))
    contract = case.scene.contract.replace(min_quantity="0.04")
    said = BY_CODE[code].check(Case(in_scene(case, contract=contract), case.command))
    assert isinstance(said, No)
    assert said.most_lots == 0
    assert said.hint.startswith("the smallest order, 0.04 BTC, is too large as well: ")


def test_a_ladders_smaller_size_is_one_that_the_venue_takes() -> None:
    legs = (EntryLeg(Ticks(650_000), Rate8(25_000_000)), EntryLeg(Ticks(640_000), Rate8(100_000_000)))
    case = changed(case_of(example(book={"risk_money": "6"}, order={"lots": 20})), entries=legs)
    said = BY_CODE["GUARD-110"].check(case)
    assert isinstance(said, No)
    assert said.most_lots == 11  # 2 x 1.30 + 9 x 0.30 = 5.30; 12: 3 and 9, 6.60
    order = msgspec.structs.replace(case.order, lots=said.most_lots)
    assert isinstance(judge_open(Case(case.scene, Open(order=order))), Approved)


# -- correlations


def position(contract_id: str, risk: str, correlation: str | None = None, side: int = 1) -> OpenPosition:
    return OpenPosition(
        contract_id=contract_id,
        side=side,
        risk_cash=Cash(int(Decimal(risk) * 10**8)),
        notional_cash=Cash(0),
        correlation8=None if correlation is None else Rate8(int(Decimal(correlation) * 10**8)),
    )


@pytest.mark.parametrize(
    ("positions", "squared"),
    [
        ((), "42.25"),
        ((position(ETH, "10", "0"),), "142.25"),
        ((position(ETH, "10", "0.5"),), "207.25"),  # 100 + 42.25 + 2 x 0.5 x 65
        ((position(ETH, "10", "-0.5"),), "142.25"),  # a hedge does not pay
        ((position(ETH, "10", "0.5", side=-1),), "142.25"),
        ((position(ETH, "10", "-0.5", side=-1),), "207.25"),
        ((position(ETH, "10"),), "272.25"),  # unknown: 16.5 squared
        ((position(ETH, "10", None, side=-1),), "272.25"),
        ((position("binance:BTCUSDT", "10", "0"),), "272.25"),  # the same contract, whatever is said of it
        ((position("binance:BTCUSDT", "10", "0", side=-1),), "142.25"),
        ((position(ETH, "10", "1.7"),), "272.25"),
        ((position(ETH, "-10", "1"),), "42.25"),
        ((position(ETH, "3", "1"), position(SOL, "4", "1")), "182.25"),  # 13.5 squared
        ((position(ETH, "3", "0"), position(SOL, "4", "0")), "91.25"),  # x = y = 0 says nothing: 49 + 42.25
        ((position(ETH, "3", "1"), position(SOL, "4", "0")), "106.25"),  # 9 + 16 + 42.25 + 39; x y = 0
        ((position(ETH, "3", "1"), position(SOL, "4", "-1")), "106.25"),
        ((position(ETH, "3", "0.6"), position(SOL, "4", "0.8")), "155.29"),  # 0.48 + 0.8 x 0.6 = 0.96
        ((position(ETH, "3", None), position(SOL, "4", "0")), "130.25"),  # 49 + 42.25 + 39
        ((position(ETH, "3", "0"), position(ETH, "4", "0", side=-1)), "67.25"),
    ],
)
def test_correlated_risk_is_the_root_of_the_sum(positions: tuple[OpenPosition, ...], squared: str) -> None:
    case = case_of(example())
    account = msgspec.structs.replace(case.scene.account, positions=positions)
    scene = in_scene(case, account=account)
    getcontext().prec = 50
    exact = Decimal(squared).sqrt() * 10**8
    assert correlated_risk.together_cash(scene, case.risk_cash) == int(
        exact.to_integral_value("ROUND_CEILING")
    )


# -- words


def test_words() -> None:
    assert span_text(1) == "0.001 s"
    assert span_text(59 * 10**9) == "59 s"
    assert span_text(3_600 * 10**9) == "1 h"
    assert span_text(3_600 * 10**9 + 1) == "1 h"  # the two largest units: 1 h 0 min
    assert span_text(86_399 * 10**9) == "23 h 59 min"
    assert instant_text(NOW_NS + 10**9) == "2026-12-10 13:00:01 UTC"
    assert until_text(INT64_MAX, now_ns=NOW_NS) == "without an end"
    assert (percent_up(20_000_001), percent_down(20_999_999)) == ("20.01 %", "20.99 %")
    assert UNBOUND == INT64_MAX
