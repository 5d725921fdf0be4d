"""Amounts of inverse and linear positions as venues show them, and the sizes of inverse trades.

An amount goes through ``lotwise.liquidation`` or ``lotwise.size`` where their answers hold it, else
through the kernel rule that they take it from. The last test names every public vector.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

import lotwise
from lotwise import Contract, FeeSchedule, LiquidationAnswer, MarginTier
from lotwise.errors import InputError
from lotwise.kernel.layout import LEVERAGE
from lotwise.kernel.margin import initial_margin_trunc, maintenance_trunc
from lotwise.kernel.worth import worth_floor
from lotwise.units import SCALE, parse_cash, scaled_text
from tests.cases import test_families, test_vectors
from tests.cases.reader import read_cases
from tests.cases.test_families import STEP, Case
from tests.cases.test_vectors import NO_END, tiers_of

SHARED = (
    *("V1", "V3", "V5", "V7", "V10", "V11", "V13", "V15", "V16", "V18", "V20", "V21", "V22", "V23", "V25"),
    *("V26", "V29", "V31", "V32", "V33", "V39", "V41", "V42", "V44", "V49", "V52", "V53"),
    *("W1", "W2", "W3", "W5", "W6", "W8", "W9"),
)
"""Every vector of the shared file, typed in."""
DESCRIBED = ("V27", "V30", "V34", "V35", "V36", "V37", "V45", "V46", "V47", "V48", "V50", "V51", "V54")
"""Those that are only described beside it."""


def decimals(case: Case, name: str) -> str:
    """A field in the 8 decimals that are read; one entry was published with 9."""
    return scaled_text(int(Fraction(case[name]) * SCALE))


def contract_of(case: Case, **facts: Any) -> Contract:
    """A contract of the line: its size in USD where it states contracts, else a coin a lot."""
    facts.setdefault("tiers", tiers_of("0.004", "0"))
    if "contract_size" in case:
        size = "1" if case["contract_size"] == "-" else case["contract_size"]
        facts |= {"kind": "inverse_perpetual", "quote": "USD", "contract_size": size}
        return Contract(symbol="LINE", base="COIN", tick_size="0.01", lot_size="1", **facts)
    return Contract(symbol="LINE", base="COIN", tick_size="0.00001", lot_size="0.001", **facts)


def held(case: Case, **facts: Any) -> LiquidationAnswer:
    """The position of a line, with a wallet that stands behind nothing in particular."""
    contract = contract_of(case, **facts)
    quantity = f"{case['contracts']} contracts" if contract.is_inverse else case["quantity"]
    entry = decimals(case, "price" if case["price"] != "-" else "mark")
    mark = entry if case["mark"] == "-" else case["mark"]
    return lotwise.liquidation(
        contract, side=case["side"], quantity=quantity, entry=entry, mark=mark, wallet="1000"
    )


def notional8(case: Case) -> int:
    return parse_cash(case["notional"], "notional")


def initial_margin(case: Case) -> int:
    return initial_margin_trunc(notional8(case), leverage100=int(case["leverage"]) * LEVERAGE)  # type: ignore[arg-type]


def order_margin(case: Case) -> int:
    """At the limit price of the order, on the tick."""
    contract = contract_of(case)
    worth = worth_floor(
        contract.spec_rows(), contract.price_ticks(case["price"], "price"), int(case["contracts"])
    )  # type: ignore[arg-type]
    return initial_margin_trunc(worth, leverage100=int(case["leverage"]) * LEVERAGE)


def maintenance(case: Case) -> int:
    """Of a notional that is given, or of the size at the mark."""
    amount = case.get("cumulative", "0")
    rows = contract_of(case, tiers=tiers_of(case["rate"], "0" if amount == "-" else amount)).tier_rows
    worth = notional8(case) if case["notional"] != "-" else parse_cash(held(case).notional, "notional")
    return maintenance_trunc(rows, worth)  # type: ignore[arg-type]


def cumulative(case: Case) -> int:
    """The amount of a tier is the one that a contract with the tier below it takes, and no other."""
    floor = case["floor"]
    below = MarginTier(str(int(floor) // 2), floor, "2", case["rate_below"], case["cumulative"])

    def with_amount(amount: str) -> Contract:
        last = MarginTier(floor, NO_END, "2", case["rate"], amount)
        return contract_of(case, tiers=(below, last))

    for wrong in ("0.01", "-0.01"):
        with pytest.raises(InputError, match="continuity asks") as refused:
            with_amount(scaled_text(int((Fraction(case["expected"]) + Fraction(wrong)) * SCALE)))
        assert refused.value.code == "CONTRACT-132"
    return with_amount(case["expected"]).tier_rows[-1].cumulative_cash


def bankruptcy(case: Case) -> int:
    """Bankrupt with the fee of closing paid: a liquidation that nothing but that fee brings about."""
    for facts in (
        {"tiers": tiers_of(case["rate"], "0")},
        {
            "tiers": [MarginTier("0", NO_END, "2", "0", "0")],
            "liquidation_holds_closing_fee": True,
            "fees": FeeSchedule("0", case["rate"]),
        },
    ):
        answer = lotwise.liquidation(
            contract_of(case, **facts),
            side=case["side"],
            quantity=f"{case['contracts']} contracts",
            entry=case["price"],
            wallet=case["wallet"],
            margin="cross",
        )
        found = parse_cash(str(answer.liquidation_price), "price")
    return found


def break_even(case: Case) -> int:
    """The venue's break-even price of a fresh position, whose opening fee stands in the taker's place."""
    answer = held(case, fees=FeeSchedule("0", case["rate"]))
    return parse_cash(str(answer.venue_break_even_price), "price")


def entry_price(case: Case) -> int:
    """The entry is the one at which the PnL is what the venue shows."""
    mark = Fraction(case["notional"]) / Fraction(case["quantity"])
    answer = held(case | {"price": case["expected"], "mark": scaled_text(int(mark * SCALE))})
    assert answer.unrealised_pnl == scaled_text(parse_cash(case["pnl"], "pnl"), 8, 2)
    return parse_cash(answer.entry, "entry")


def fee(case: Case) -> int:
    """Fee of a fill, as the size of one lot shows it."""
    price = Fraction(case["notional"]) / Fraction(case["quantity"])
    contract = Contract(
        symbol="LINE",
        base="COIN",
        tick_size="0.00001",
        lot_size=case["quantity"],
        max_quantity=case["quantity"],
        fees=FeeSchedule("0", case["rate"]),
    )
    entry = scaled_text(int(price * SCALE))
    plan = lotwise.size(contract, side="long", entry=entry, stop="10%", equity="1000", risk="100%")
    assert plan.lots == 1
    assert plan.loss_breakdown is not None
    return parse_cash(plan.loss_breakdown.entry_fee, "fee")


AMOUNTS: dict[str, Callable[[Case], int]] = {
    "notional": lambda case: parse_cash(held(case).notional, "notional"),
    "unrealised_pnl": lambda case: parse_cash(held(case).unrealised_pnl, "pnl"),
    "initial_margin": initial_margin,
    "order_initial_margin": order_margin,
    "maintenance_margin": maintenance,
    "cumulative": cumulative,
    "bankruptcy_price": bankruptcy,
    "break_even_price": break_even,
    "entry_price": entry_price,
    "fee": fee,
}


def check_amount(case: Case) -> None:
    """The amount, cut where the venue shows fewer decimals than 8."""
    found, wanted = Fraction(AMOUNTS[case["what"]](case), SCALE), Fraction(case["expected"])
    if case["decimals"] != "-":
        shown = 10 ** int(case["decimals"])
        found = Fraction(int(found * shown), shown)
    tolerance = case.get("tolerance", "-")
    if case["what"] == "break_even_price":  # rounded to 1e-8 away from the entry
        tolerance = scaled_text(int(STEP * SCALE)) if tolerance == "-" else tolerance
    assert abs(found - wanted) <= (0 if tolerance == "-" else Fraction(tolerance))


# -- sizes of inverse trades -----------------------------------------------------------------------


def check_size(case: Case) -> None:
    """The most contracts that fit the budget, and what they lose; parts are rounded up one by one."""
    takes = case["entry"] == "taker"
    legs = [tuple(leg.split(":")) for leg in case["entries"].split(",")]
    rate = case["funding"] if case["side"] == "long" else f"-{case['funding']}"
    contract = Contract(
        symbol="LINE",
        base="COIN",
        quote="USD",
        kind="inverse_perpetual",
        tick_size=case["tick_size"],
        lot_size="1",
        contract_size=case["contract_size"],
        fees=FeeSchedule(case["entry_fee"], case["exit_fee"]),
    )
    assert not takes or case["entry_fee"] == case["exit_fee"]
    plan = lotwise.size(
        contract,
        side=case["side"],
        entry=legs,  # type: ignore[arg-type]
        stop=case["stop"],
        equity="100",
        risk=case["budget"],
        entry_as=case["entry"],  # type: ignore[arg-type]
        spread=case["spread"],
        slippage=case["slippage"],
        funding_rate=rate,
        hold_hours="1",
        funding_interval_hours=8,
    )
    assert (plan.lots, plan.settle) == (int(case["largest"]), "COIN")
    slack = (6 + 2 * len(legs)) * STEP
    loss = plan.loss_at_stop if plan.feasible else plan.next_lot_loss
    assert 0 <= Fraction(str(loss)) - Fraction(case["loss"]) <= slack
    if not plan.feasible:
        assert case["contracts"] == "1"
        return
    assert int(case["contracts"]) == plan.lots
    assert Fraction(str(plan.loss_at_stop)) <= Fraction(case["budget"]) < Fraction(plan.next_lot_loss)
    assert plan.loss_breakdown is not None
    by_price = Fraction(plan.loss_breakdown.price) - Fraction(case["price_loss"])
    assert 0 <= by_price <= (len(legs) - 1) * STEP


TABLES: dict[str, Callable[[Case], None]] = {
    "coin_m_amounts": check_amount,
    "linear_amounts": check_amount,
    "inverse_sizing": check_size,
}
CHECKS = {case["id"]: (check_it, case) for name, check_it in TABLES.items() for case in read_cases(name)}


@pytest.mark.parametrize("name", CHECKS)
def test_line(name: str) -> None:
    check_it, case = CHECKS[name]
    check_it(case)


def test_every_vector_is_run_by_name() -> None:
    """No name stands in two tables, and each of the vectors is a line that one of three files runs."""
    files = (test_vectors.CHECKS, test_families.CHECKS, CHECKS)
    run = {name: check for checks in files for name, check in checks.items()}
    assert len(run) == sum(len(checks) for checks in files)
    assert [name for name in (*SHARED, *DESCRIBED) if name not in run] == []
    assert len(SHARED) == len(set(SHARED)) == 34
    for name in SHARED:
        check_it, case = run[name]
        check_it(case)
