"""The answers: names that never change, exact decimal text, and a sum that is a sum."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from lotwise import Contract, FeeSchedule, LiquidationAnswer, MarginTier, SizePlan, liquidation, size

TRADE: dict[str, Any] = {"side": "long", "entry": "65000", "stop": "2%", "equity": "1000", "risk": "1%"}
COSTS: dict[str, Any] = {
    "spread": "5t",
    "slippage": "2bp",
    "funding_rate": "0.01%",
    "hold_hours": "24",
    "funding_interval_hours": "8",
    "targets": ["1R:50%", "2R"],
    "leverage": "5",
}

PROMISED = {
    *("feasible", "lots", "quantity", "contracts", "notional", "loss_at_stop", "loss_breakdown"),
    *("worst_loss", "budget", "budget_used", "leverage", "effective_leverage", "initial_margin"),
    *("free_margin_after", "maintenance_margin", "liquidation_price", "bankruptcy_price"),
    *("break_even_price", "cash_per_tick", "next_lot_loss", "targets", "binding", "blocked_by"),
    *("ways_out", "warnings", "steps"),
}
"""Names a caller may rely on."""

MORE = {
    "contract",
    "side",
    "entry",
    "stop",
    "stop_distance",
    "preview",
    "entries",
    "margin",
    "settle",
    "base",
}
BREAKDOWN = ["price", "entry_fee", "exit_fee", "spread", "slippage", "funding"]

MONEY = [
    *("notional", "loss_at_stop", "worst_loss", "budget", "initial_margin", "free_margin_after"),
    *("maintenance_margin", "cash_per_tick", "next_lot_loss"),
]
NUMBERS = [
    *MONEY,
    *("quantity", "contracts", "budget_used", "leverage", "effective_leverage", "liquidation_price"),
    *("bankruptcy_price", "break_even_price", "entry", "stop"),
]
WHEN_IT_FITS = [
    *("loss_at_stop", "loss_breakdown", "worst_loss", "leverage", "effective_leverage"),
    *("initial_margin", "free_margin_after", "maintenance_margin", "liquidation_price"),
    *("bankruptcy_price", "break_even_price", "cash_per_tick", "binding"),
]
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def fitting(**changes: Any) -> SizePlan:
    plan = size("binance:BTCUSDT", **(TRADE | COSTS | changes))
    assert plan.feasible
    return plan


def refused(**changes: Any) -> SizePlan:
    plan = size("binance:BTCUSDT", **(TRADE | {"entry": "60000", "equity": "200"} | changes))
    assert not plan.feasible
    return plan


def texts(value: Any) -> Iterator[Any]:
    """Every leaf of an answer."""
    if isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    else:
        yield value


# -- names -----------------------------------------------------------------------------------------


def test_the_promised_names_are_attributes_and_json_keys() -> None:
    plan = fitting()
    answer = json.loads(plan.to_json())
    assert answer.keys() >= PROMISED | MORE
    assert list(answer) == list(SizePlan.__struct_fields__)
    for name in PROMISED:
        assert hasattr(plan, name)
    assert answer == plan.as_dict()


def test_the_names_inside() -> None:
    answer = fitting().as_dict()
    assert list(answer["loss_breakdown"]) == BREAKDOWN
    assert {*answer["targets"][0]} >= {"price", "profit", "r"}
    assert list(answer["entries"][0]) == ["price", "lots", "quantity"]
    blocked = refused().as_dict()
    assert list(blocked["blocked_by"]) == ["code", "rule", "text"]
    assert [list(way) for way in blocked["ways_out"]] == [["kind", "value", "text"]] * 7


def test_a_refusal_has_the_same_keys() -> None:
    fits, blocked = json.loads(fitting().to_json()), json.loads(refused().to_json())
    assert list(fits) == list(blocked)
    assert fits["blocked_by"] is None
    assert fits["ways_out"] == []
    assert all(fits[name] is not None for name in WHEN_IT_FITS)
    assert [name for name in WHEN_IT_FITS if blocked[name] is not None] == []
    assert (blocked["lots"], blocked["quantity"], blocked["contracts"]) == (0, "0", "0")
    assert (blocked["notional"], blocked["budget_used"]) == ("0.00", "0.00")
    assert (blocked["targets"], blocked["entries"]) == ([], [])


# -- exact decimal text ----------------------------------------------------------------------------


@pytest.mark.parametrize("plan", [fitting(), refused()], ids=["fits", "refused"])
def test_numbers_are_plain_decimal_text_and_counts_are_integers(plan: SizePlan) -> None:
    answer = json.loads(plan.to_json(), parse_float=lambda text: pytest.fail(f"a float: {text}"))
    for name in NUMBERS:
        if answer[name] is not None:
            assert PLAIN.fullmatch(answer[name]), name
            assert Decimal(answer[name]).is_finite()
    for name in MONEY:
        if answer[name] is not None:
            assert len(answer[name].partition(".")[2]) >= 2, name
    for target in answer["targets"]:
        assert all(PLAIN.fullmatch(target[name]) for name in ("price", "profit", "r", "quantity"))
        assert type(target["lots"]) is int
    assert type(answer["lots"]) is int
    assert type(answer["feasible"]) is bool
    assert not any(isinstance(leaf, float) for leaf in texts(plan.as_dict()))


def test_the_figures_of_one_trade() -> None:
    plan = size("binance:BTCUSDT", **TRADE, leverage="3", slippage="5t", targets="1R:50%,2R:50%")
    found = {name: getattr(plan, name) for name in (*NUMBERS, "lots", "binding", "stop_distance")}
    assert found == {
        "notional": "455.00",
        "loss_at_stop": "9.55394825",
        "worst_loss": "151.89416666",
        "budget": "10.00",
        "initial_margin": "151.66666666",
        "free_margin_after": "848.10583334",
        "maintenance_margin": "1.82",
        "cash_per_tick": "0.0007",
        "next_lot_loss": "10.918798",
        "quantity": "0.007",
        "contracts": "0.007",
        "budget_used": "0.9554",
        "leverage": "3",
        "effective_leverage": "0.455",
        "liquidation_price": "43507.36278543",
        "bankruptcy_price": "43333.33333429",
        "break_even_price": "65065.1",
        "entry": "65000.0",
        "stop": "63700.0",
        "lots": 7,
        "binding": "budget",
        "stop_distance": "2.00 %",
    }


# -- the loss is the sum of its parts --------------------------------------------------------------


def test_the_breakdown_sums_exactly_to_the_loss() -> None:
    draw = random.Random(3)
    seen = 0
    for _ in range(200):
        asked = {
            "side": draw.choice(["long", "short"]),
            "entry": f"{draw.randint(20_000, 90_000)}.{draw.randint(0, 9)}",
            "stop": f"{Decimal(draw.randint(3, 80)) / 10}%",
            "equity": str(draw.randint(500, 50_000)),
            "risk": f"{draw.randint(1, 9)}%",
            "spread": f"{draw.randint(0, 40)}t",
            "slippage": f"{draw.randint(0, 9)}bp",
            "fees": FeeSchedule(f"{draw.randint(0, 4)}.{draw.randint(0, 99)}bp", f"{draw.randint(1, 9)}bp"),
            "leverage": None,
            "entry_as": draw.choice(["taker", "maker"]),
        }
        plan = size("binance:BTCUSDT", **(TRADE | COSTS | asked))
        if not plan.feasible:
            continue
        seen += 1
        assert plan.loss_breakdown is not None
        parts = [Decimal(getattr(plan.loss_breakdown, name)) for name in BREAKDOWN]
        assert all(part >= 0 for part in parts)
        assert sum(parts) == Decimal(plan.loss_at_stop or 0)
    assert seen > 100


def test_the_breakdown_of_a_stop_at_liquidation() -> None:
    plan = fitting(stop="liquidation", leverage="20", targets=["3%"], risk="10%")
    assert plan.loss_breakdown is not None
    parts = [Decimal(getattr(plan.loss_breakdown, name)) for name in BREAKDOWN]
    assert sum(parts) == Decimal(plan.loss_at_stop or 0)
    assert (plan.loss_breakdown.exit_fee, plan.loss_breakdown.slippage) == ("0.00", "0.00")


def test_the_entries_of_a_ladder_sum_to_the_order() -> None:
    plan = fitting(entry="65000:30%,64500:40%,64000:30%", stop="62000", equity="9000", leverage=None)
    assert len(plan.entries) == 3
    assert sum(leg.lots for leg in plan.entries) == plan.lots
    assert sum(Decimal(leg.quantity) for leg in plan.entries) == Decimal(plan.quantity)
    worth = sum(Decimal(leg.price) * Decimal(leg.quantity) for leg in plan.entries)
    assert worth == Decimal(plan.notional)


# -- notebooks -------------------------------------------------------------------------------------


def test_the_notebook_table_escapes_what_a_venue_calls_its_contract() -> None:
    name = "<script>alert(1)</script>"
    contract = Contract(
        symbol=name,
        base="<b>",
        quote="'&'",
        tick_size="0.1",
        lot_size="0.001",
        fees=FeeSchedule("0", "0"),
        tiers=[MarginTier("0", "50000", "50", "0.01", "0")],
    )
    for plan in (size(contract, **TRADE), size(contract, **(TRADE | {"equity": "1"}))):
        assert name in plan.contract
        table = plan._repr_html_()
        assert "<script" not in table
        assert "<b>" not in table
        assert "&lt;script&gt;" in table
        assert table.startswith("<table>")
        assert table.endswith("</table>")
        assert table.count("<tr>") == table.count("</tr>") > 5
    found = liquidation(contract, side="long", quantity="0.1", entry="65000", leverage="5")
    assert "<script" not in found._repr_html_()


def test_the_notebook_table_has_the_figures_and_nothing_empty() -> None:
    table = fitting()._repr_html_()
    assert "loss at stop" in table
    assert ">0.007<" in table
    assert "blocked by" not in table
    assert "None" not in table
    assert "SIZE-111" in refused()._repr_html_()
    assert "place the stop at" in refused()._repr_html_()


# -- where it is liquidated ------------------------------------------------------------------------

HELD: dict[str, Any] = {"side": "long", "quantity": "13.5", "entry": "60000", "wallet": "81000"}


def test_a_liquidation_answer_is_exact_text_too() -> None:
    found = liquidation("binance:BTCUSDT", **HELD)
    answer = json.loads(found.to_json(), parse_float=lambda text: pytest.fail(f"a float: {text}"))
    assert list(answer) == list(LiquidationAnswer.__struct_fields__)
    assert answer == found.as_dict()
    assert list(answer["margin_call"]) == ["ratio", "price", "distance"]
    exact = Decimal(answer["numerator"]) / Decimal(answer["denominator"])
    assert 0 <= Decimal(answer["liquidation_price"]) - exact <= Decimal("1e-8")
    for name in ("wallet", "notional", "unrealised_pnl", "maintenance_margin", "margin_balance"):
        assert PLAIN.fullmatch(answer[name])


def test_a_liquidation_answer_has_the_same_keys_whatever_the_status() -> None:
    never = liquidation("binance:BTCUSDT", **(HELD | {"wallet": "1000000"}))
    now = liquidation("binance:BTCUSDT", **(HELD | {"mark": "50000"}))
    assert (never.status, now.status) == ("never", "now")
    assert never.liquidation_price is None
    assert list(never.as_dict()) == list(now.as_dict())
    assert now.warnings
