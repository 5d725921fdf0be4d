"""Public vectors of the venues through ``lotwise.liquidation`` and the kernel's margin rules."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest

import lotwise
from lotwise import Contract
from lotwise.kernel.layout import LONG, SHORT, TierRow
from lotwise.kernel.margin import (
    entry_break_even8_ceil,
    initial_margin_trunc,
    maintenance_trunc,
    open_loss_ceil,
)
from lotwise.kernel.worth import pnl_trunc, worth_at_price8_trunc
from lotwise.sizing.position import others_at_mark
from lotwise.units import SCALE, parse_cash, parse_rate, parse_scaled, scaled_text
from tests.cases.reader import read_cases

BINANCE = {case["id"]: case for case in read_cases("binance_linear_liquidation")}
BYBIT = {case["id"]: case for case in read_cases("bybit_linear_liquidation")}
AMOUNTS = {case["id"]: case for case in read_cases("binance_linear_amounts")}
PUBLIC = (
    *("V1", "V3", "V5", "V7", "V10", "V11", "W1", "W2", "W3"),
    *("V18", "V20", "V21", "V22", "V23", "V25", "V26", "W5"),
    *("V31", "V32", "V41", "V42", "V44", "V49"),
)
NO_END = "1000000000"
"""Cap of a last tier: no position of the tables comes near it."""


def tiers_of(rate: str, cumulative: str) -> list[lotwise.MarginTier]:
    """A rate and its cumulative amount as a continuous table: nothing is due below amount / rate."""
    floor = f"{Decimal(cumulative) / Decimal(rate):f}"
    last = lotwise.MarginTier("0", NO_END, "125", rate, "0")
    if not Decimal(cumulative):
        return [last]
    return [
        lotwise.MarginTier("0", floor, "125", "0", "0"),
        lotwise.MarginTier(floor, NO_END, "125", rate, cumulative),
    ]


def table_tiers(name: str) -> list[lotwise.MarginTier]:
    return [
        lotwise.MarginTier(row["floor"], row["cap"], row["max_leverage"], row["rate"], row["cumulative"])
        for row in read_cases(name)
    ]


def own(tiers: list[lotwise.MarginTier], **facts: object) -> lotwise.Contract:
    """A contract fine enough for every vector."""
    return lotwise.Contract(
        symbol="VECTOR",
        base="COIN",
        tick_size="0.01",
        lot_size="0.001",
        tiers=tiers,
        **facts,  # type: ignore[arg-type]
    )


def given(text: str) -> str | None:
    return None if text == "-" else text


def cut_per_coin(case: dict[str, str]) -> Fraction:
    """What the margin loses when it is cut to 1e-8 as the venues do, per coin held (V11: 10 / 3)."""
    if case["leverage"] == "-":
        return Fraction(0)
    quantity = Fraction(case["quantity"])
    margin8 = quantity * Fraction(case["entry"]) / Fraction(case["leverage"]) * SCALE
    return (margin8 - margin8 // 1) / SCALE / quantity


def assert_price(case: dict[str, str], answer: lotwise.LiquidationAnswer) -> None:
    """The price and its exact fraction: both within the tolerance, one the other's cautious rounding."""
    assert answer.quantity == case["quantity"]
    if case["expected"] == "none":
        assert answer.status == "never"
        assert (answer.liquidation_price, answer.numerator, answer.denominator) == (None, None, None)
        return
    assert answer.status == "open"
    assert answer.liquidation_price is not None
    assert answer.numerator is not None
    assert answer.denominator is not None
    exact = Fraction(int(answer.numerator), int(answer.denominator))
    shown = Fraction(answer.liquidation_price)
    toward_entry = shown - exact if case["side"] == "long" else exact - shown
    assert 0 <= toward_entry < Fraction(1, SCALE)
    wanted, tolerance = Fraction(case["expected"]), Fraction(case["tolerance"]) + 2 * cut_per_coin(case)
    assert abs(exact - wanted) <= tolerance
    assert abs(shown - wanted) <= max(tolerance, Fraction(1, SCALE))  # a price is shown to 1e-8


# -- the three tables ------------------------------------------------------------------------------

OTHERS = {
    "V3": lotwise.Position(
        contract=own(tiers_of("0.025", "16300")),
        side="long",
        quantity="109.488",
        entry="32481.980",
        mark="31967.27",
    )
}
"""The other cross positions that the head of the table describes."""


def check_binance(case: dict[str, str]) -> None:
    tiers = tiers_of(case["rate"], case["cumulative"]) if case["tiers"] == "-" else table_tiers(case["tiers"])
    others = [OTHERS[case["id"]]] if case["id"] in OTHERS else []
    maintenance, pnl = others_at_mark(own(tiers), others)
    assert maintenance == parse_cash(case["others_maintenance"], "maintenance")
    assert pnl == parse_cash(case["others_pnl"], "pnl")
    answer = lotwise.liquidation(
        own(tiers),
        side=case["side"],
        quantity=case["quantity"],
        entry=case["entry"],
        leverage=given(case["leverage"]),
        wallet=given(case["wallet"]),
        margin=case["margin"],  # type: ignore[arg-type]
        others=others,
    )
    assert_price(case, answer)


RULE_DAYS = {"old": ("entry", "2025-09-01"), "new": ("mark", "2025-09-02")}


def check_bybit(case: dict[str, str]) -> None:
    """By the contract's own rule, and by the day of a contract that has the other one."""
    rule, day = RULE_DAYS[case["rule"]]
    fees = None if case["taker"] == "-" else lotwise.FeeSchedule("0.0002", case["taker"])
    tiers = tiers_of(case["rate"], case["cumulative"])
    facts = {"venue": "bybit", "margin_holds_closing_fee": True, "fees": fees}
    asked = {name: case[name] for name in ("side", "quantity", "entry", "leverage")}
    by_rule = lotwise.liquidation(
        own(tiers, maintenance_rule=rule, **facts), extra_margin=case["extra"], **asked
    )
    other = "mark" if rule == "entry" else "entry"
    by_day = lotwise.liquidation(
        own(tiers, maintenance_rule=other, **facts), extra_margin=case["extra"], on=day, **asked
    )
    assert by_rule.rule == by_day.rule == rule
    for answer in (by_rule, by_day):
        assert_price(case, answer)


TICK8 = 100
"""Price step of the amounts, 0.000001, fine enough for ADA and WLD."""
COIN = Contract(symbol="COIN", base="COIN", tick_size="0.000001", lot_size="1").spec_rows()
"""A contract of one coin with that step."""


def side_of(case: dict[str, str]) -> int:
    return LONG if case["side"] == "long" else SHORT


def worth(case: dict[str, str], price: str) -> int:
    price8 = parse_scaled(case[price], price)
    return worth_at_price8_trunc(COIN, price8, int(case["quantity"]), tick_size8=TICK8)  # type: ignore[arg-type]


def unrealised_pnl(case: dict[str, str]) -> int:
    return pnl_trunc(
        COIN,
        side_of(case),
        entry8=parse_scaled(case["price"], "price"),  # type: ignore[arg-type]
        price8=parse_scaled(case["mark"], "mark"),  # type: ignore[arg-type]
        lots=int(case["quantity"]),  # type: ignore[arg-type]
        tick_size8=TICK8,  # type: ignore[arg-type]
    )


def open_loss(case: dict[str, str]) -> int:
    return open_loss_ceil(
        COIN,
        side_of(case),
        order_ticks=parse_scaled(case["price"], "price") // TICK8,  # type: ignore[arg-type]
        mark_ticks2=2 * parse_scaled(case["mark"], "mark") // TICK8,
        lots=int(case["quantity"]),  # type: ignore[arg-type]
    )


def margin_at(case: dict[str, str], price: str) -> int:
    return initial_margin_trunc(worth(case, price), leverage100=100 * int(case["leverage"]))  # type: ignore[arg-type]


def maintenance(case: dict[str, str]) -> int:
    cap, rate8 = parse_cash(NO_END, "cap"), parse_rate(case["rate"], "rate")
    row = TierRow(
        cap_cash=cap,
        cumulative_cash=0,
        maintenance_at_cap_cash=cap * rate8 // SCALE,
        max_leverage100=12500,
        rate8=rate8,
    )
    return maintenance_trunc([row], parse_cash(case["notional"], "notional"))


def break_even(case: dict[str, str]) -> int:
    entry8 = parse_scaled(case["price"], "price")
    return entry_break_even8_ceil(side_of(case), entry8, fee8=parse_rate(case["rate"], "rate"))  # type: ignore[arg-type]


RULES: dict[str, Callable[[dict[str, str]], int]] = {
    "order_initial_margin": lambda case: margin_at(case, "price"),
    "open_loss": open_loss,
    "unrealised_pnl": unrealised_pnl,
    "initial_margin": lambda case: margin_at(case, "mark"),
    "break_even_price": break_even,
    "maintenance_margin": maintenance,
}


def check_amount(case: dict[str, str]) -> None:
    found = RULES[case["what"]](case)
    if case["decimals"] != "-":
        step = 10 ** (8 - int(case["decimals"]))
        assert found >= 0
        assert Decimal(scaled_text(found // step * step)) == Decimal(case["expected"])
    elif case["what"] == "break_even_price":  # rounded to 1e-8 away from the entry
        away = (Fraction(found, SCALE) - Fraction(case["expected"])) * side_of(case)
        assert 0 <= away < Fraction(1, SCALE)
    else:
        assert Decimal(scaled_text(found)) == Decimal(case["expected"])


CHECKS: dict[str, tuple[Callable[[dict[str, str]], None], dict[str, str]]] = {
    **{name: (check_binance, case) for name, case in BINANCE.items()},
    **{name: (check_bybit, case) for name, case in BYBIT.items()},
    **{name: (check_amount, case) for name, case in AMOUNTS.items()},
}


@pytest.mark.parametrize("name", CHECKS)
def test_vector(name: str) -> None:
    check_it, case = CHECKS[name]
    check_it(case)


def test_every_public_vector_is_there_and_holds() -> None:
    assert len(CHECKS) == len(BINANCE) + len(BYBIT) + len(AMOUNTS)  # no name stands in two tables
    missing = [name for name in PUBLIC if name not in CHECKS]
    assert missing == []
    ran = []
    for name in PUBLIC:
        check_it, case = CHECKS[name]
        check_it(case)
        ran.append(name)
    assert len(ran) == 23


def test_vectors_of_a_position_show_in_the_answer() -> None:
    """V41, V42 and V44 once more, as ``lotwise.liquidation`` shows them."""
    case = AMOUNTS["V41"]
    contract = lotwise.Contract(
        symbol="ADAUSDT",
        base="ADA",
        tick_size="0.0001",
        lot_size="1",
        tiers=tiers_of("0.01", "0"),
        fees=lotwise.FeeSchedule("0", AMOUNTS["V44"]["rate"]),
    )
    answer = lotwise.liquidation(
        contract, side="long", quantity="30", entry=case["price"], mark=case["mark"], leverage="20"
    )
    assert answer.unrealised_pnl == "0.764277"
    assert answer.initial_margin == AMOUNTS["V42"]["expected"]
    assert answer.venue_break_even_price == AMOUNTS["V44"]["expected"]


def test_w3_is_liquidated_in_another_tier_than_it_opened_in() -> None:
    answer = lotwise.liquidation(
        own(table_tiers("btcusdt_tiers_2026_09")), side="long", quantity="13.5", entry="60000", wallet="81000"
    )
    assert (answer.opened_in_tier, answer.tier) == (3, 2)
    assert answer.notional_at_liquidation is not None
    assert answer.notional_at_liquidation.startswith("732361.8")
