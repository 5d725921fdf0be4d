"""The guard's answers: which rule says no, what approvals are bound to, rooms, what always passes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lotwise.errors import InputError
from lotwise.guard.case import UNBOUND, Case
from lotwise.guard.example import Example
from lotwise.guard.judge import (
    ALWAYS_NS,
    approve_reducing,
    every_refusal,
    judge_open,
    judge_stop,
    refused_at_any_size,
    risk_room,
)
from lotwise.guard.rulebook import RULES
from lotwise.guard.rules import stop_never_loosens
from lotwise.records.guard import Approved, CancelEntry, Flatten, MoveStop, Open, Reduce, Refused
from lotwise.records.order import EntryLeg
from lotwise.units import Lots, Rate8, Ticks
from tools.rule_pages import CONTRACT, NOW, case_of, ns

NOW_NS = ns(NOW.isoformat())
ALL_WRONG: dict[str, Any] = {
    "book": {
        "risk": "0.1%",
        "open_risk": "1%",
        "correlated_risk": "0.2%",
        "day_loss": "3%",
        "week_loss": "6%",
        "account_leverage": "0.1",
        "order_leverage": "2",
        "margin": "1%",
        "liquidation": "9",
        "btc_refuse": "50%",
        "chase": "1",
        "funding": "0.01%",
        "spread": "1%",
        "depth": "100",
        "market_age": "1s",
        "contracts": ["binance:ETHUSDT"],
        "blackouts": [{"from": "2026-12-10T12:00Z", "until": "2026-12-10T14:00Z", "name": "CPI"}],
    },
    "order": {"leverage100": 20},
    "usage": {"locked_until_ns": "2026-12-11T00:00Z", "open_risk_cash": "80", "open_notional_cash": "900"},
    "account": {"plan_risk_cash": "1", "margin_cash": "900"},
    "market": {
        "mean_ticks": "60000",
        "atr_ticks": "100",
        "funding8": "1%",
        "spread_ticks": "900",
        "depth_cash": "1",
        "btc_health8": "10%",
        "seen_ns": "2026-12-10T12:00Z",
    },
}


def test_the_first_rule_is_the_answer_and_all_can_be_asked() -> None:
    case = case_of(Example(**ALL_WRONG))
    found = every_refusal(case)
    assert judge_open(case) == found[0]
    wrong = [refused.code for refused in found]
    order = [rule.code for rule in RULES]
    assert wrong == [code for code in order if code in wrong]
    quiet = {"GUARD-100", "GUARD-101", "GUARD-108", "GUARD-109", "GUARD-118"}  # behind the lock, or content
    assert set(order) - set(wrong) == quiet


def test_of_an_order_that_is_not_sound_nothing_else_is_asked() -> None:
    case = case_of(Example(**(ALL_WRONG | {"order": {"lots": 0}})))
    assert [refused.code for refused in every_refusal(case)] == ["GUARD-100"]


def test_an_approval_is_bound_to_the_account_the_price_and_the_time() -> None:
    case = case_of(Example(book={"band": "0.1%", "valid": "5s"}, account={"sequence": 41}))
    said = judge_open(case)
    assert isinstance(said, Approved)
    assert said.command is case.command
    assert (said.sequence, said.lowest_ticks, said.highest_ticks) == (41, 649_350, 650_650)
    assert said.expires_ns == NOW_NS + 5 * 10**9


def test_the_prices_of_an_approved_ladder_are_around_all_of_it() -> None:
    case = case_of(Example(book={"band": "1%"}))
    legs = (EntryLeg(Ticks(650_001), Rate8(50_000_000)), EntryLeg(Ticks(640_001), Rate8(100_000_000)))
    intent = msgspec.structs.replace(case.order.intent, entries=legs)
    order = msgspec.structs.replace(case.order, intent=intent)
    scene = type(case.scene)(
        CONTRACT, intent, case.scene.account, case.scene.market, case.scene.book, case.scene.now_ns
    )
    said = judge_open(Case(scene, Open(order=order)))
    assert isinstance(said, Approved)
    assert (said.lowest_ticks, said.highest_ticks) == (
        633_601,
        656_502,
    )  # 640,001 - 6,400.01 and 650,001 + 6,500.01


# -- rooms


def test_without_bounds_there_is_room_without_end() -> None:
    scene = case_of(Example()).scene
    assert risk_room(scene) == (UNBOUND, None)
    assert refused_at_any_size(scene) is None


@pytest.mark.parametrize(
    ("example", "room", "rule"),
    [
        (Example(book={"risk": "1%"}), 10, "trade risk"),
        (Example(book={"risk": "1%", "risk_money": "8"}), 8, "trade risk"),
        (Example(book={"risk": "1%"}, account={"plan_risk_cash": "5"}), 5, "plan size"),
        (Example(book={"risk": "1%", "open_risk": "3%"}, usage={"open_risk_cash": "24"}), 6, "open risk"),
        (Example(book={"risk": "1%", "day_loss": "3%"}, account={"equity_cash": "974"}), 4, "day loss"),
        (Example(book={"risk": "1%", "week_loss": "6%"}, usage={"open_risk_cash": "53"}), 7, "week loss"),
        (Example(book={"risk": "1%", "btc_reduce": "60%"}, market={"btc_health8": "30%"}), 5, "BTC weakness"),
        (Example(book={"risk": "1%", "btc_refuse": "60%"}, market={"btc_health8": "30%"}), 0, "BTC weakness"),
        (Example(book={"risk": "1%", "positions": 1}, usage={"positions": 1}), 0, "positions"),
        (Example(book={"risk": "1%", "day_loss": "3%"}, usage={"day_locked": 1}), 0, "day loss"),
        (Example(book={"risk": "1%", "week_loss": "6%"}, usage={"week_locked": 1}), 0, "week loss"),
        (
            Example(book={"account_leverage": "2"}, usage={"open_notional_cash": "2000"}),
            0,
            "account leverage",
        ),
        (Example(book={"margin": "25%"}, account={"margin_cash": "250"}), 0, "margin headroom"),
        (Example(account={"plan_risk_cash": "-1"}), 0, "plan size"),
        (Example(book={"day_loss": "3%"}, usage={"open_risk_cash": "40"}), 0, "day loss"),
        (Example(book={"week_loss": "6%"}, usage={"open_risk_cash": "70"}), 0, "week loss"),
        (Example(book={"open_risk": "3%"}, usage={"open_risk_cash": "40"}), 0, "open risk"),
        (Example(book={"risk": "1%", "btc_reduce": "60%"}, market={"btc_health8": "-1%"}), 0, "BTC weakness"),
        (
            Example(
                book={"correlated_risk": "2%"},
                positions=({"contract_id": "binance:ETHUSDT", "risk_cash": "20"},),
            ),
            0,
            "correlated risk",
        ),
        (
            Example(
                book={"correlated_risk": "2%"},
                positions=({"contract_id": "binance:ETHUSDT", "risk_cash": "12", "correlation8": 0},),
            ),
            16,  # 12, 16, 20
            "correlated risk",
        ),
    ],
)
def test_the_room_and_the_rule_that_bounds_it(example: Example, room: int, rule: str) -> None:
    scene = case_of(example).scene
    cash, bounding = risk_room(scene)
    assert bounding is not None
    assert (cash, bounding.name) == (room * 10**8, rule)
    refused = refused_at_any_size(scene)
    assert (refused is not None) is (room == 0)
    if refused is not None:
        assert (refused.code, refused.rule) == (bounding.code, rule)
        assert refused.message
        assert refused.most_lots == 0


def test_what_no_size_helps_has_words_before_any_size_is_known() -> None:
    refused = refused_at_any_size(case_of(Example(book={"spread": "1%"})).scene)
    assert refused is not None
    assert (refused.code, "MarketFacts.spread_ticks" in refused.hint) == ("GUARD-133", True)
    scene = case_of(Example(book={"liquidation": "1.5", "order_leverage": "1"})).scene
    assert risk_room(scene) == (UNBOUND, None), "the tiers are known; what works is found with the size"
    assert refused_at_any_size(scene) is None


# -- what reduces risk

LOCKED = case_of(Example(**ALL_WRONG)).scene.account


@pytest.mark.parametrize(
    "command",
    [
        Reduce(contract_id=CONTRACT.id, lots=Lots(1)),
        CancelEntry(contract_id=CONTRACT.id, client_id="a1"),
        Flatten(reason="kill switch"),
    ],
)
def test_what_reduces_risk_is_approved_under_every_lock(command: Reduce | CancelEntry | Flatten) -> None:
    said = approve_reducing(command, LOCKED)
    assert said == Approved(
        command=command,
        sequence=LOCKED.sequence,
        lowest_ticks=Ticks(0),
        highest_ticks=Ticks(0),
        expires_ns=ALWAYS_NS,
    )


def stop(side: int, held: int | None, ticks: int) -> MoveStop:
    return MoveStop(
        contract_id=CONTRACT.id,
        side=side,
        stop_ticks=Ticks(ticks),
        held_ticks=None if held is None else Ticks(held),
    )


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (stop(1, None, 1), Approved),
        (stop(1, 637_000, 637_000), Approved),
        (stop(1, 637_000, 637_001), Approved),
        (stop(1, 637_000, 636_999), Refused),
        (stop(-1, 663_000, 663_000), Approved),
        (stop(-1, 663_000, 662_999), Approved),
        (stop(-1, 663_000, 663_001), Refused),
    ],
)
def test_a_stop_may_stay_or_tighten(command: MoveStop, kind: type) -> None:
    said = judge_stop(command, LOCKED, CONTRACT)
    assert isinstance(said, kind)
    if isinstance(said, Refused):
        assert (said.code, said.rule) == (stop_never_loosens.CODE, "stop never loosens")
        held, asked = (f"{ticks / 10:,.1f}" for ticks in (command.held_ticks or 0, command.stop_ticks))
        assert f"from {held} to {asked}" in said.message
        bare = judge_stop(command, LOCKED)
        assert isinstance(bare, Refused)
        assert f"from tick {command.held_ticks} to tick {command.stop_ticks}" in bare.message


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("GUARD-217", lambda: stop(0, 637_000, 636_000)),
        ("GUARD-217", lambda: stop(2, None, 636_000)),
        ("GUARD-218", lambda: stop(1, None, 0)),
        ("GUARD-218", lambda: stop(-1, -5, 7)),
        ("GUARD-219", lambda: Reduce(contract_id=CONTRACT.id, lots=Lots(0))),
        ("GUARD-219", lambda: Reduce(contract_id=CONTRACT.id, lots=Lots(-3))),
    ],
)
def test_a_malformed_command_cannot_be_made(code: str, made: Any) -> None:
    with pytest.raises(InputError) as caught:
        made()
    assert caught.value.code == code
    assert caught.value.hint


# -- the table of codes


def test_codes_are_unique_and_documented() -> None:
    from lotwise.guard import rulebook

    codes = [rule.code for rule in RULES] + [stop_never_loosens.CODE]
    names = [rule.name for rule in RULES] + [stop_never_loosens.NAME]
    assert len(set(codes)) == len(codes) == len(set(names)) == 25
    table = rulebook.__doc__ or ""
    rows = {line[:9]: line[11:31].strip() for line in table.splitlines() if line.startswith("GUARD-1")}
    assert rows == dict(zip(codes, names, strict=True))
