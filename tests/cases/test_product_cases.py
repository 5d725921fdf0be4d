"""Every line of ``product_sizing.case`` through ``lotwise.size``: exact strings, no tolerance."""

from __future__ import annotations

from decimal import Decimal

import pytest

import lotwise
from lotwise.kernel.layout import LONG, AskRow, LegRow
from lotwise.kernel.sizing import loss_cash
from lotwise.units import cash_text, parse_rate
from tests.cases.reader import read_cases

CASES = {case["id"]: case for case in read_cases("product_sizing")}
LETTERS = list("ABCDEFGHIJKLM")
UNSTATED_EQUITY = "1000000"
"""Where a line states no equity, its figures do not depend on it: enough to carry the margin."""


def contract_of(case: dict[str, str], **facts: str) -> lotwise.Contract:
    """The contract of a line: its steps and fees, no margin tiers."""
    assert case["entry_fee"] == case["exit_fee"]
    stated: dict[str, str | None] = {
        "tick_size": case["tick_size"],
        "lot_size": case["lot_size"],
        "contract_size": case["contract_size"],
        "min_notional": None if case["min_notional"] == "-" else case["min_notional"],
    }
    fees = lotwise.FeeSchedule(maker=case["entry_fee"], taker=case["exit_fee"])
    return lotwise.Contract(symbol="GUIDE", base="COIN", fees=fees, **(stated | facts))  # type: ignore[arg-type]


def stop_of(case: dict[str, str]) -> str:
    """The stop of a line; 2 % where none is stated: notional and margin do not depend on it."""
    return "2%" if case["stop"] == "-" else case["stop"]


def loss_of(case: dict[str, str], lots: int) -> str:
    """What so many lots lose at the stop, by the kernel's own rule."""
    contract = contract_of(case)
    stop = stop_of(case)
    if stop == "2%":
        stop = str(Decimal(case["entry"]) * 98 / 100)
    entry_ticks, stop_ticks = (contract.price_ticks(price, "price") for price in (case["entry"], stop))
    spec = contract.spec_rows()
    ask = AskRow(
        entry_fee8=parse_rate(case["entry_fee"], "fee"),
        entry_spread_ticks=0,
        exit_fee8=parse_rate(case["exit_fee"], "fee"),
        exit_spread_ticks=0,
        funding8=0,
        leverage100=0,
        mark_ticks2=0,
        side=LONG,
        slippage_ticks=0,
        stop_is_liquidation=0,
        stop_ticks=stop_ticks,
    )
    legs = [LegRow(cumulative_share8=10**8, price_ticks=entry_ticks)]
    return cash_text(loss_cash(spec, [ask], legs, lots=lots))  # type: ignore[arg-type]


def plan_of(case: dict[str, str], risk: str, **changes: str) -> lotwise.SizePlan:
    asked = {
        "side": case["side"],
        "entry": case["entry"],
        "stop": stop_of(case),
        "equity": UNSTATED_EQUITY if case["equity"] == "-" else case["equity"],
        "leverage": None if case["leverage"] == "-" or case["id"][0] == "G" else case["leverage"],
    }  # G: its stop is where 20x is bankrupt; a stop order there and 20x exclude each other
    return lotwise.size(contract_of(case), risk=risk, **(asked | changes))  # type: ignore[arg-type]


def risk_of(case: dict[str, str]) -> str:
    """The budget of a line: its share of the equity, its amount, or exactly what ``take`` lots lose."""
    if case["risk"] != "-":
        return f"{case['risk']}%"
    return case["budget"] if case["budget"] != "-" else loss_of(case, int(case["take"]))


def money(text: str) -> str:
    """A figure of the table as lotwise writes money: at least two decimals."""
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def stated(case: dict[str, str], **found: str | int | None) -> dict[str, object]:
    """The figures found, without those the line does not state."""
    return {name: value for name, value in found.items() if case[name] != "-"}


def expected(case: dict[str, str], *amounts: str) -> dict[str, object]:
    return {name: money(case[name]) for name in amounts if case[name] != "-"}


FITTING = [
    case
    for case in CASES.values()
    if case["blocked"] == "-" and (case["id"] != "F2")  # F2: one lot of F1
]
REFUSED = [case for case in CASES.values() if case["take"] == "largest" and case["blocked"] != "-"]
TOO_MANY = [case for case in CASES.values() if case["blocked"] == "budget"]


def by_id(case: dict[str, str]) -> str:
    return case["id"]


@pytest.mark.parametrize("case", FITTING, ids=by_id)
def test_a_line_that_fits(case: dict[str, str]) -> None:
    plan = plan_of(case, risk_of(case))
    assert plan.feasible
    assert plan.blocked_by is None
    assert plan.ways_out == []
    assert str(plan.lots) == case["lots"]
    assert plan.quantity == case["quantity"]
    assert plan.contracts == str(int(case["lots"]) * Decimal(case["lot_size"]))
    assert plan.loss_at_stop == loss_of(case, plan.lots)
    assert plan.next_lot_loss == loss_of(case, plan.lots + 1)
    if case["take"] == "largest":
        assert Decimal(plan.next_lot_loss) > Decimal(plan.budget) >= Decimal(plan.loss_at_stop)
    else:
        assert plan.lots == int(case["take"])
    found = stated(
        case,
        notional=plan.notional,
        loss=plan.loss_at_stop,
        margin=plan.initial_margin,
        account_leverage=plan.effective_leverage,
        budget=plan.budget,
    )
    assert found == expected(case, "notional", "loss", "margin", "account_leverage", "budget")
    if case["risk_taken"] != "-":
        share = Decimal(plan.loss_at_stop) / Decimal(case["equity"]) * 100
        assert share == Decimal(case["risk_taken"])


@pytest.mark.parametrize("case", REFUSED, ids=by_id)
def test_a_line_that_is_refused_names_its_ways_out(case: dict[str, str]) -> None:
    plan = plan_of(case, risk_of(case))
    assert not plan.feasible
    assert (plan.lots, plan.quantity, plan.loss_at_stop) == (0, "0", None)
    assert plan.blocked_by is not None
    assert plan.blocked_by.rule == case["blocked"]
    assert plan.next_lot_loss == money(case["loss"]) == loss_of(case, int(case["lots"]))
    assert plan.budget == money(case["budget"])
    ways = {way.kind: way for way in plan.ways_out}
    assert ways["stop"].value == case["stop_that_fits"]
    assert ways["equity"].value == money(case["equity_that_fits"])
    assert ways["risk"].value == f"{case['risk_taken']}%"
    for change in (
        {"stop": ways["stop"].value},
        {"equity": ways["equity"].value},
        {"risk": ways["risk"].value},
    ):
        again = plan_of(case, change.pop("risk", risk_of(case)), **change)
        assert (str(again.lots), again.quantity) == (case["lots"], case["quantity"])


@pytest.mark.parametrize("case", TOO_MANY, ids=by_id)
def test_a_line_that_asks_for_too_many_lots(case: dict[str, str]) -> None:
    """A guide's size that breaks its own budget: the loss of that size, and fewer lots as the answer."""
    assert case["lots"] == case["take"]
    loss = loss_of(case, int(case["take"]))
    if case["loss"] != "-":
        assert loss == money(case["loss"])
    plan = plan_of(case, risk_of(case))
    assert plan.binding == "budget"
    assert plan.lots < int(case["take"])
    assert Decimal(loss) > Decimal(plan.budget) == Decimal(case["budget"])
    assert contract_of(case).quantity_text(int(case["take"])) == case["quantity"]


def test_case_f_one_contract() -> None:
    case = CASES["F2"]
    assert loss_of(case, 1) == case["loss"] == "5.00"
    assert contract_of(case).quantity_text(1) == case["quantity"]
    assert plan_of(case, "5").lots == int(case["lots"])


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case["unrounded_notional"] != "-"], ids=by_id
)
def test_the_notional_before_the_lot_step(case: dict[str, str]) -> None:
    """With the finest lot that can be counted, the notional comes within one lot of it, from below."""
    finest = {"lot_size": "0.0000001", "contract_size": "1"}
    fine = case | finest | {"leverage": "-", "min_notional": "-"}
    plan = plan_of(fine, risk_of(case))
    missing = Decimal(case["unrounded_notional"]) - Decimal(plan.notional)
    assert 0 <= missing < Decimal(case["entry"]) * Decimal("0.0000001")


def test_case_a_says_the_widest_stop_in_percent() -> None:
    plan = plan_of(CASES["A2"], "1%")
    ways = {way.kind: way.text for way in plan.ways_out}
    assert "64,000.0 or higher (1.53846 % from the entry)" in ways["stop"]
    assert "1.3 % (13.00 USDT)" in ways["risk"]


def test_case_g_with_the_stop_at_liquidation() -> None:
    plan = plan_of(CASES["G1"], "1%", stop="liquidation", leverage="20")
    assert plan.feasible
    assert (plan.lots, plan.quantity, plan.notional) == (1, "0.01", "700.00")
    assert (plan.initial_margin, plan.loss_at_stop, plan.next_lot_loss) == ("35.00", "35.00", "70.00")
    assert (plan.stop, plan.bankruptcy_price, plan.binding) == ("66500", "66500", "budget")
    assert Decimal(plan.stop) == Decimal(CASES["G1"]["stop"])


def test_case_g_with_a_stop_order_at_the_bankruptcy_price_is_refused() -> None:
    plan = plan_of(CASES["G1"], "1%", leverage="20")
    assert not plan.feasible
    assert plan.blocked_by is not None
    assert plan.blocked_by.rule == "liquidation"
    assert [way.value for way in plan.ways_out if way.kind == "leverage"] == ["13"]


def test_case_m_on_the_catalogue() -> None:
    asked = {"side": "long", "entry": "60000", "stop": "2%", "equity": "200", "risk": "1%"}
    refused = lotwise.size("binance:BTCUSDT", **asked)
    assert not refused.feasible
    assert refused.next_lot_loss == "2.5188"
    contracts = [way.value for way in refused.ways_out if way.kind == "contract"]
    assert contracts == ["bybit:BTCUSDT", "bingx:BTC-USDT", "mexc:BTC_USDT", "weex:BTCUSDT"]
    assert {way.kind: way.value for way in refused.ways_out[:4]} == {
        "stop": "59059.6",
        "equity": "251.88",
        "risk": "1.2594%",
        "contract": "bybit:BTCUSDT",
    }
    fits = lotwise.size("bybit:BTCUSDT", **asked)
    assert (fits.feasible, fits.lots, fits.quantity) == (True, 1, "0.001")


def test_every_letter_and_every_line_is_used() -> None:
    used = {case["id"] for case in (*FITTING, *REFUSED, *TOO_MANY)} | {"F2"}
    assert used == set(CASES)
    assert sorted({name[0] for name in used}) == LETTERS
