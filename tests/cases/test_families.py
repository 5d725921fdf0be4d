"""Liquidation of inverse contracts and of the other venue families, line by line, through the public API.

Every line is one call of ``lotwise.liquidation`` on a contract built from its columns. A price is
shown rounded toward the entry; a venue that cuts its price is compared by the exact fraction.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

import lotwise
from lotwise import Contract, FeeSchedule, LiquidationAnswer, MarginTier, Position
from lotwise.errors import InputError
from lotwise.sizing.position import others_at_mark
from lotwise.units import SCALE, parse_cash, scaled_text
from tests.cases.reader import read_cases
from tests.cases.test_vectors import NO_END, check_bybit, given, table_tiers, tiers_of

Case = dict[str, str]
STEP = Fraction(1, SCALE)
"""Prices and amounts are shown to 1e-8."""


def facts_of(case: Case) -> dict[str, Any]:
    """The facts that a line states of its contract: kind, tiers, and the rule as flags."""
    table = case.get("tiers", "-")
    tiers = tiers_of(case["rate"], case.get("cumulative", "0")) if table == "-" else table_tiers(table)
    rule, taker = case.get("rule", "mark"), case.get("taker", "-")
    return {
        "venue": case.get("venue", "binance"),
        "kind": case.get("kind", "linear_perpetual"),
        "tiers": tiers,
        "maintenance_rule": "entry" if rule == "entry" else "mark",
        "margin_holds_closing_fee": rule == "bust_fee",
        "liquidation_holds_closing_fee": rule == "closing_fee",
        "fees": None if taker == "-" else FeeSchedule("0", taker),
        "contract_size": case.get("contract_size", "1"),
    }


def contract_of(case: Case) -> Contract:
    """A contract fine enough for every line; inverse ones count whole contracts in USD."""
    facts = facts_of(case)
    if facts["kind"].startswith("inverse"):
        return Contract(symbol="LINE", base="BTC", quote="USD", tick_size="0.01", lot_size="1", **facts)
    return Contract(symbol="LINE", base="BTC", tick_size="0.01", lot_size="0.0001", **facts)


def other_of(own: Contract, maintenance: str, pnl: str) -> list[Position]:
    """One more cross position with exactly these amounts at its mark, or none.

    It went from 1 to 2, which gains or loses its size (inverse: half of it); its margin rate is a
    half of what lies above a floor that leaves the amount wanted.
    """
    needed, gained = Fraction(maintenance), Fraction(pnl)
    if not needed and not gained:
        return []
    size = abs(gained) * (2 if own.is_inverse else 1) or 4 * needed
    mark = 2 if gained else 1
    worth = size / mark if own.is_inverse else size * mark
    floor = worth - 2 * needed
    assert floor > 0
    first, then = f"{scaled_text(int(floor * SCALE))}", scaled_text(int(floor * SCALE) // 2)
    tiers = [MarginTier("0", first, "2", "0", "0"), MarginTier(first, NO_END, "2", "0.5", then)]
    other = Contract(
        symbol="OTHER",
        base=own.base,
        quote=own.quote,
        kind=own.kind,
        venue=own.venue,
        tick_size="0.01",
        lot_size="0.000001",
        tiers=tiers,
    )
    others = [
        Position(
            contract=other,
            side="long" if gained >= 0 else "short",
            quantity=scaled_text(int(size * SCALE)),
            entry="1",
            mark=str(mark),
        )
    ]
    assert others_at_mark(own, others) == (parse_cash(maintenance, "m"), parse_cash(pnl, "pnl"))
    return others


def quantity_of(case: Case) -> str:
    return f"{case['contracts']} contracts" if "contracts" in case else case["quantity"]


def liquidated(case: Case, **changes: Any) -> LiquidationAnswer:
    """The answer to a line."""
    contract = contract_of(case)
    asked: dict[str, Any] = {
        "side": case["side"],
        "quantity": quantity_of(case),
        "entry": case["entry"],
        "leverage": given(case["leverage"]),
        "wallet": given(case["wallet"]),
        "margin": case["margin"],
        "extra_margin": case.get("extra", "0"),
        "others": other_of(contract, case["others_maintenance"], case["others_pnl"]),
    }
    return lotwise.liquidation(contract, **(asked | changes))


def exact_price(answer: LiquidationAnswer) -> Fraction:
    """The fraction behind the price, of which the price is the rounding toward the entry."""
    assert answer.numerator is not None
    assert answer.denominator is not None
    exact = Fraction(int(answer.numerator), int(answer.denominator))
    away = Fraction(str(answer.liquidation_price)) - exact
    assert 0 <= (away if answer.side == "long" else -away) < STEP
    return exact


def check(case: Case, answer: LiquidationAnswer) -> None:
    """The answer against what the line expects."""
    wanted = case["expected"]
    if wanted in ("never", "always"):
        assert answer.liquidation_price is answer.numerator is answer.denominator is None
        assert answer.status == ("now" if wanted == "always" else "never")
        return
    exact = exact_price(answer)
    assert answer.status == "open"
    if case.get("decimals", "-") != "-":  # the venue cuts where we round toward the entry
        cut = 10 ** int(case["decimals"])
        assert Fraction(int(exact * cut), cut) == Fraction(wanted)
        assert 0 <= abs(Fraction(str(answer.liquidation_price)) - Fraction(wanted)) <= STEP
        return
    slack = (
        STEP / Fraction(case["quantity"]) if "quantity" in case else Fraction(0)
    )  # a margin is cut to 1e-8
    assert abs(exact - Fraction(wanted)) <= Fraction(case["tolerance"]) + slack


# -- the tables ------------------------------------------------------------------------------------


def check_line(case: Case) -> None:
    check(case, liquidated(case))


V4_OTHER = {"contract": "ETHUSDT", "quantity": "3683.979", "entry": "1456.84", "mark": "1335.18"}


def check_faq(case: Case) -> None:
    """V4 once more with the other position that the source names, beside one of the same amounts."""
    check_line(case)
    if not case["id"].startswith("V4"):
        return
    ether = contract_of(case).replace(symbol=V4_OTHER["contract"], tiers=tiers_of("0.1", "135365"))
    other = Position(**(V4_OTHER | {"contract": ether}), side="long")  # type: ignore[arg-type]
    maintenance, pnl = others_at_mark(contract_of(case), [other])
    assert maintenance == parse_cash(case["others_maintenance"], "maintenance")
    assert pnl == parse_cash(case["others_pnl"], "pnl")
    check(case, liquidated(case, others=[other]))


def check_weex(case: Case) -> None:
    """A table without cumulative amounts: one tier. The margin rate is what the tier's rate is of."""
    facts = {"kind": "linear_perpetual", "rate": case["rate"], "cumulative": "0", "venue": "weex"}
    if case["what"] == "margin_rate":
        entry = Fraction(case["mark"]) - Fraction(case["pnl"]) / Fraction(case["quantity"])
        answer = lotwise.liquidation(
            contract_of(case | facts | {"rate": "0.004"}),
            side="long",
            quantity=case["quantity"],
            entry=str(int(entry)),
            mark=case["mark"],
            wallet=case["margin"],
        )
        assert answer.unrealised_pnl == f"{case['pnl']}.00"
        assert Fraction(answer.margin_balance) / Fraction(answer.notional) == Fraction(case["expected"])
        return
    line = case | facts | {"leverage": "-", "wallet": case["margin"], "margin": "isolated"}
    amounts = {"others_maintenance": "0", "others_pnl": "0"}
    if case["what"] == "cross_price":  # one position of the net size, the rest of the margin is others'
        own = Fraction(case["quantity"]) * Fraction(case["mark"]) * Fraction(case["rate"])
        needed = scaled_text(int((Fraction(case["needed"]) - own) * SCALE))
        line |= {"margin": "cross", "entry": case["mark"]}
        amounts["others_maintenance"] = needed
    check(case, liquidated(line | amounts))


def check_hedge(case: Case) -> None:
    """Asked of either leg: the price the heavier leg runs into first, the other one beside it."""
    contract = contract_of(case | {"cumulative": "0"})
    unit = " contracts" if contract.is_inverse else ""
    legs = {side: (case[f"{side}_quantity"] + unit, case[f"{side}_entry"]) for side in ("long", "short")}
    others = other_of(contract, case["others_maintenance"], case["others_pnl"])
    for side, beside in (("long", "short"), ("short", "long")):
        answer = lotwise.liquidation(
            contract,
            side=side,
            quantity=legs[side][0],
            entry=legs[side][1],
            margin="cross",
            wallet=case["wallet"],
            others=others,
            opposite=legs[beside],
        )
        found = [answer.liquidation_price, answer.other_liquidation_price]
        if case["lower"] == "always":
            assert (found, answer.status) == ([None, None], "now")
            continue
        assert answer.status == "open"
        heavier = case["long_quantity"], case["short_quantity"]
        falls = Fraction(heavier[0]) >= Fraction(heavier[1])
        wanted = [case["lower"], case["upper"]] if falls else [case["upper"], case["lower"]]
        if wanted[0] == "-":
            wanted.reverse()
        for price, expected in zip(found, wanted, strict=True):
            assert (price is None) == (expected == "-")
            if price is not None:
                assert abs(Fraction(price) - Fraction(expected)) <= Fraction(case["tolerance"])


def check_clearing(case: Case) -> None:
    """A listed future: no liquidation price, a margin call, and a sum per contract to open."""
    contract = Contract(
        symbol="LINE",
        base="BTC",
        quote="USD",
        venue=case["venue"],
        kind=case["kind"],  # type: ignore[arg-type]
        tick_size="5",
        lot_size="1",
        contract_size=case["contract_size"],
        clearing=True,
        initial_margin_per_contract=case["initial_margin"],
        maintenance_margin_per_contract=case["maintenance_margin"],
    )
    asked = {"side": case["side"], "quantity": quantity_of(case), "entry": case["entry"]}
    if case["wallet"].startswith("-"):  # every price is a call: an account without money is no account
        assert case["margin_call"] == "always"
        with pytest.raises(InputError):
            lotwise.liquidation(contract, wallet=case["wallet"], **asked)
        return
    answer = lotwise.liquidation(contract, wallet=case["wallet"], **asked)
    assert answer.liquidation_price is None
    assert Fraction(str(answer.initial_margin)) == Fraction(case["needed_to_open"])
    assert answer.margin_call is not None
    if case["margin_call"] == "never":
        assert answer.margin_call.price is None
        return
    assert Fraction(str(answer.margin_call.price)) == Fraction(case["margin_call"])


TABLES: dict[str, Callable[[Case], None]] = {
    "inverse_liquidation": check_line,
    "closing_fee_liquidation": check_line,
    "binance_faq_liquidation": check_faq,
    "bybit_linear_extra_margin": check_bybit,
    "weex_margin_rate": check_weex,
    "hedge_liquidation": check_hedge,
    "clearing_margin": check_clearing,
}
CHECKS = {case["id"]: (check_it, case) for name, check_it in TABLES.items() for case in read_cases(name)}


@pytest.mark.parametrize("name", CHECKS)
def test_line(name: str) -> None:
    check_it, case = CHECKS[name]
    check_it(case)


def test_no_name_stands_in_two_tables() -> None:
    assert len(CHECKS) == sum(len(read_cases(name)) for name in TABLES)


def test_v37_is_the_venues_price_to_all_eight_decimals() -> None:
    """Binance cuts the price of its answer; ours is rounded toward the entry, one 1e-8 above."""
    case = CHECKS["V37"][1]
    answer = liquidated(case)
    assert case["expected"] == "25119.97445760"
    assert Fraction(int(exact_price(answer) * SCALE), SCALE) == Fraction("25119.97445760")
    assert answer.liquidation_price == "25119.97445761"
    assert (answer.settle, answer.quantity) == ("BTC", "200")


def test_t1_is_liquidated_in_another_tier_than_it_opened_in() -> None:
    answer = liquidated(CHECKS["T1"][1])
    assert (answer.opened_in_tier, answer.tier) == (1, 2)
    back = liquidated(CHECKS["T2"][1])
    assert (back.opened_in_tier, back.tier) == (2, 1)


def test_the_other_positions_of_a_closing_fee_venue_need_their_closing_fee_too() -> None:
    """Cross margin of BingX and MEXC: maintenance margin and closing fee of every position."""
    facts: dict[str, Any] = {
        "venue": "bingx",
        "tick_size": "0.1",
        "lot_size": "0.0001",
        "tiers": tiers_of("0.0033", "0"),
        "liquidation_holds_closing_fee": True,
        "fees": FeeSchedule("0.0002", "0.0005"),
    }
    bitcoin = Contract(symbol="BTC-USDT", base="BTC", **facts)
    ether = Contract(symbol="ETH-USDT", base="ETH", **facts)
    other = Position(contract=ether, side="long", quantity="10", entry="3000")
    maintenance, pnl = others_at_mark(bitcoin, [other])
    assert (maintenance, pnl) == (parse_cash("114", "m"), 0)  # 30,000 x (0.33 % + 0.05 %)
    assert lotwise.liquidation(
        bitcoin, side="long", quantity="0.01", entry="60000", wallet="100", margin="cross", others=[other]
    ).liquidation_price == scaled_text(6163420999800)
