"""Every line of the tables in ``tests/cases`` follows from the twin: neither can drift alone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.cases.reader import CaseTableError, read_cases
from tests.reference import margin, sizing
from tests.reference.margin import exact


def number(text: str) -> Fraction | None:
    """Return a field of a table as a Fraction; None for ``-``."""
    return None if text == "-" else exact(text)


def near(found: Fraction | None, case: dict[str, str]) -> bool:
    """Tell whether a price was found and lies within the tolerance of the expected one."""
    return found is not None and abs(found - exact(case["expected"])) <= exact(case["tolerance"])


def case_tiers(case: dict[str, str]) -> list[margin.Tier]:
    """Return the tiers of a liquidation line: its one rate, or the table it names."""
    if case.get("tiers", "-") == "-":
        return margin.single_tier(case["rate"], case["cumulative"])
    columns = ("floor", "cap", "rate", "cumulative")
    return [margin.Tier(*(exact(tier[name]) for name in columns)) for tier in read_cases(case["tiers"])]


def by_id(case: dict[str, str]) -> str:
    """Name a parametrised test after its line."""
    return case["id"]


def test_the_tables_hold_every_public_vector() -> None:
    wanted = {
        "binance_linear_liquidation": "V1 V3 V5 V7 V10 V11 W1 W2 W3",
        "bybit_linear_liquidation": "V18 V20 V21 V22 V23 V25 V26 W5",
        "binance_linear_amounts": "V31 V32 V41 V42 V44 V49",
        "product_sizing": "A1 A2 B1 B2 C D1 D2 D3 E1 F1 G1 H I J1 J2 J3 J4 K L M1 M2",
    }
    for table, names in wanted.items():
        assert set(names.split()) <= {case["id"] for case in read_cases(table)}, table
    tiers = case_tiers({"tiers": "btcusdt_tiers_2026_09"})
    assert tiers == margin.tier_table([(tier.cap, tier.rate) for tier in tiers])


@pytest.mark.parametrize("case", read_cases("binance_linear_liquidation"), ids=by_id)
def test_table_binance_liquidation(case: dict[str, str]) -> None:
    wallet = number(case["wallet"])
    if wallet is None:
        wallet = exact(case["quantity"]) * exact(case["entry"]) / exact(case["leverage"])
    arguments = (case["side"], case["quantity"], case["entry"], wallet, case_tiers(case))
    others = (case["others_maintenance"], case["others_pnl"])
    for solver in (margin.liquidation_price, margin.bisect_liquidation_price):
        found = solver(*arguments, *others)
        if case["expected"] == "none":
            assert found is None
        else:
            assert near(found, case)


@pytest.mark.parametrize("case", read_cases("bybit_linear_liquidation"), ids=by_id)
def test_table_bybit_liquidation(case: dict[str, str]) -> None:
    arguments = (case["side"], case["quantity"], case["entry"], case["leverage"], case_tiers(case))
    if case["rule"] == "old":
        found = margin.bybit_old_liquidation_price(*arguments, extra=case["extra"])
    else:
        found = margin.bybit_new_liquidation_price(*arguments, taker=case["taker"], extra=case["extra"])
    assert near(found, case)


@pytest.mark.parametrize("case", read_cases("binance_linear_amounts"), ids=by_id)
def test_table_binance_amounts(case: dict[str, str]) -> None:
    side, quantity, price, mark = (case[name] for name in ("side", "quantity", "price", "mark"))
    amounts = {
        "order_initial_margin": lambda: margin.order_initial_margin(quantity, price, case["leverage"]),
        "open_loss": lambda: margin.open_loss(side, quantity, price, mark),
        "unrealised_pnl": lambda: margin.unrealised_pnl(side, quantity, price, mark),
        "initial_margin": lambda: margin.initial_margin_by_mark(quantity, mark, case["leverage"]),
        "break_even_price": lambda: margin.venue_break_even_price(side, price, case["rate"]),
        "maintenance_margin": lambda: margin.maintenance(margin.single_tier(case["rate"]), case["notional"]),
    }
    found = amounts[case["what"]]()
    shown = found if case["decimals"] == "-" else margin.trunc_to(found, int(case["decimals"]))
    assert shown == exact(case["expected"])


def product_plan(case: dict[str, str], stop: Fraction | None = None) -> dict[str, object]:
    """Return the sizing arguments of a line of ``product_sizing``."""
    plan: dict[str, object] = {
        name: case[name] for name in ("tick_size", "lot_size", "contract_size", "entry_fee", "exit_fee")
    }
    return plan | {
        "side": case["side"],
        "legs": [(case["entry"], 1)],
        "stop": exact(case["stop"]) if stop is None else stop,
    }


@pytest.mark.parametrize("case", read_cases("product_sizing"), ids=by_id)
def test_table_product_amounts(case: dict[str, str]) -> None:
    """Every figure that is stated for the lots of a line follows from them."""
    lots, coin = int(case["lots"]), exact(case["lot_size"]) * exact(case["contract_size"])
    notional, equity, leverage = (
        lots * coin * exact(case["entry"]),
        number(case["equity"]),
        number(case["leverage"]),
    )
    found: dict[str, Fraction] = {"quantity": lots * coin, "notional": notional}
    if leverage:
        found["margin"] = notional / leverage
    if equity:
        found["account_leverage"] = notional / equity
    if equity and number(case["risk"]):
        found["budget"] = equity * exact(case["risk"]) / 100
    if case["stop"] != "-":
        found["loss"] = sizing.rounded_loss(lots=lots, **product_plan(case))["total"]
        if equity:
            found["risk_taken"] = found["loss"] / equity * 100
        if case["unrounded_notional"] != "-":
            away = abs(exact(case["entry"]) - exact(case["stop"])) / exact(case["entry"])
            found["unrounded_notional"] = exact(case["budget"]) / away
    names = ("quantity", "notional", "margin", "loss", "budget", "account_leverage", "risk_taken")
    stated = [name for name in (*names, "unrounded_notional") if case[name] != "-"]
    if case["id"] == "I":
        stated.remove("budget")  # no equity is stated: the budget is the input
    assert {name: found[name] for name in stated} == {name: exact(case[name]) for name in stated}


@pytest.mark.parametrize("case", [c for c in read_cases("product_sizing") if c["budget"] != "-"], ids=by_id)
def test_table_product_decisions(case: dict[str, str]) -> None:
    """The most lots that fit, or the rule that refuses and the ways out."""
    plan, lots = product_plan(case), int(case["lots"])
    most = sizing.largest_lots(case["budget"], **plan)
    lot_notional = exact(case["lot_size"]) * exact(case["contract_size"]) * exact(case["entry"])
    smallest = max(1, -(-(number(case["min_notional"]) or 0) // lot_notional))
    blocked = "-"
    if case["take"] != "largest":
        assert lots == int(case["take"])
        blocked = "budget" if lots > most else "-"
    elif most < smallest:
        blocked = "lot" if most == 0 else "min_notional"
        assert lots == smallest
    else:
        assert lots == most
    assert case["blocked"] == blocked
    if case["stop_that_fits"] != "-":
        stop, tick = exact(case["stop_that_fits"]), exact(case["tick_size"])
        assert sizing.largest_lots(case["budget"], **product_plan(case, stop)) >= lots
        assert sizing.largest_lots(case["budget"], **product_plan(case, stop - tick)) < lots
    if case["equity_that_fits"] != "-":
        budget = exact(case["equity_that_fits"]) * exact(case["risk"]) / 100
        assert sizing.rounded_loss(lots=lots, **plan)["total"] == budget


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id side\nV1 long short\n", "line 2 has 3 fields; the table has 2 columns"),
        ("# a\n\nid side\nV1\n", "line 4 has 1 fields"),
        ("id side id\nV1 long V1\n", "names a column twice"),
        ("id side\nV1 long\nV1 short\n", "line 3 repeats id V1"),
        ("# nothing\nid side\n", "holds no case"),
    ],
)
def test_ragged_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.case").write_text(text, encoding="utf-8")
    with pytest.raises(CaseTableError, match=message):
        read_cases("bad", tmp_path)


def test_a_table_is_read_by_column(tmp_path: Path) -> None:
    (tmp_path / "good.case").write_text("# why\n\nid  side\nV1  long\n# more\nV2  -\n", encoding="utf-8")
    assert read_cases("good", tmp_path) == [{"id": "V1", "side": "long"}, {"id": "V2", "side": "-"}]
