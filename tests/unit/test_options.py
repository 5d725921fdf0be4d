"""A future beside an option: exact figures by fractions and by lotwise.size, estimates by the model."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import lotwise
from lotwise.app.options import options
from lotwise.app.options_page import page_of, payoff_svg
from lotwise.charts.page import check_picture
from lotwise.errors import InputError
from lotwise.records.options import BoughtOption, OptionComparison
from lotwise.stats.black_scholes import CALL, PUT, Option, worth

LONG: dict[str, Any] = {
    "contract": "binance:ETHUSDT",
    "side": "long",
    "entry": "2640",
    "stop": "2%",
    "equity": "1000",
    "strike": "2700",
    "days": "30",
    "volatility": "60%",
}
SHORT = LONG | {"side": "short", "strike": "2600"}
PAID = SHORT | {"volatility": None, "premium": "150", "option_fee": "0.03%", "option_step": "0.001"}
FUNDED = LONG | {"funding_rate": "0.01%", "near_days": "10", "slippage": "5t", "spread": "2t"}


def bought(found: OptionComparison) -> BoughtOption:
    assert found.option is not None
    return found.option


@pytest.mark.parametrize("words", [LONG, SHORT, PAID, FUNDED], ids=["long", "short", "paid", "funded"])
def test_the_same_money_is_at_risk_and_not_a_step_more(words: dict[str, Any]) -> None:
    found = options(**words)
    option, budget = bought(found), Fraction(found.future.loss_at_stop or "0")
    step = Fraction(words.get("option_step", "0.01"))
    each = Fraction(option.premium) + Fraction(words.get("option_fee", "0%").rstrip("%")) / 100 * 2640
    assert (Fraction(option.amount) / step).denominator == 1
    assert 0 <= Fraction(option.cost) - each * Fraction(option.amount) < Fraction(2, 10**8)
    assert Fraction(option.cost) <= budget < each * (Fraction(option.amount) + step)
    assert Fraction(option.unused) == budget - Fraction(option.cost)


def test_the_future_is_the_one_that_size_gives() -> None:
    found = options(**FUNDED)
    words = {
        name: FUNDED[name]
        for name in ("side", "entry", "stop", "equity", "funding_rate", "slippage", "spread")
    }
    plan = lotwise.size("binance:ETHUSDT", risk="1%", hold_hours="240", targets=["2R"], **words)
    assert found.future == plan
    rows = {row.name: row for row in found.rows}
    assert rows["target"].future_near == plan.targets[0].profit
    assert rows["stop"].future_near == f"-{plan.loss_at_stop}"
    even = rows["future even"]
    assert even.price == plan.break_even_price
    assert 0 <= Fraction(even.future_near) < Fraction("0.05")
    quantity = Fraction(plan.quantity)
    assert Fraction(found.funding_near or "0") == quantity * 2640 * Fraction("0.0001") * 30
    assert Fraction(found.funding_expiry or "0") == quantity * 2640 * Fraction("0.0001") * 90
    later = Fraction(rows["target"].future_near) - Fraction(rows["target"].future_expiry)
    target = Fraction(rows["target"].price)
    assert abs(later - quantity * target * Fraction("0.0001") * 60) < Fraction(3, 10**8)


@pytest.mark.parametrize("words", [LONG, PAID], ids=["call", "put"])
def test_the_option_at_expiry_is_exact_and_before_it_the_models(words: dict[str, Any]) -> None:
    found = options(**words)
    option = bought(found)
    way = CALL if option.kind == "call" else PUT
    assert option.kind == ("call" if words["side"] == "long" else "put")
    amount, strike = Fraction(option.amount), Fraction(option.strike)
    implied = option.implied_volatility or option.volatility
    volatility = 0.6 if words is LONG else float(implied)
    for row in found.rows:
        price = Fraction(row.price)
        exact = max(Fraction(0), way * (price - strike)) * amount - Fraction(option.cost)
        assert 0 <= exact - Fraction(row.option_expiry) < Fraction(1, 10**8)
        model = worth(Option(way, float(strike), 15 / 365), float(price), volatility).price
        assert float(row.option_near) == pytest.approx(model * float(amount) - float(option.cost), abs=0.011)
    now = worth(Option(way, float(strike), 30 / 365), 2640.0, volatility)
    assert float(option.delta) == pytest.approx(now.delta * float(amount), abs=1e-4)
    assert float(option.theta_day) == pytest.approx(now.theta_day * float(amount), abs=0.006)
    even = {row.price: row for row in found.rows}[option.break_even]
    assert 0 <= Fraction(even.option_expiry) < Fraction("0.01")
    near = worth(Option(way, float(strike), 15 / 365), float(option.near_break_even or 0), volatility).price
    assert near * float(amount) == pytest.approx(float(option.cost), abs=0.01)


def test_a_premium_gives_back_the_volatility_it_was_made_with() -> None:
    made = bought(options(**LONG))
    again = bought(options(**(LONG | {"volatility": None, "premium": made.premium})))
    assert again.implied_volatility == again.volatility == made.volatility == "0.6000"
    assert (again.amount, again.cost, again.premium_from) == (made.amount, made.cost, "given")
    both = options(**(LONG | {"premium": "250"}))
    option = bought(both)
    assert (option.premium, option.volatility, option.model_premium) == (
        "250.00",
        "0.6000",
        made.model_premium,
    )
    assert float(option.implied_volatility or 0) > 0.8
    assert any("far from the model's" in one for one in both.warnings)


def test_a_path_through_the_stop_leaves_the_option_alive() -> None:
    found = options(**(LONG | {"gap": "10%"}))
    paths = {row.name: row for row in found.paths}
    straight, stopped, gap = paths["to the target"], paths["stop, then target"], paths["gap"]
    assert stopped.future == f"-{found.future.loss_at_stop}"
    assert stopped.option == straight.option
    assert Fraction(straight.future) > 0
    assert found.gap_price == "2328.48"
    moved = Fraction(found.future.quantity) * (2640 - Fraction("2328.48"))
    fees = Fraction(found.future.quantity) * (2640 + Fraction("2328.48")) * Fraction("0.0005")
    assert 0 <= Fraction(found.gap_loss_future or "0") - moved - fees < Fraction(2, 10**8)
    assert gap.future == f"-{found.gap_loss_future}"
    assert float(gap.option) >= -float(bought(found).cost) - 0.01
    assert found.gap_loss_option == bought(found).cost


def test_a_gap_takes_no_more_than_the_margin_and_the_costs() -> None:
    found = options(**(LONG | {"gap": "60%", "leverage": "10"}))
    assert found.gap_loss_future == found.future.worst_loss


def test_an_option_that_is_too_dear_says_what_it_would_take() -> None:
    found = options(**(LONG | {"option_step": "0.1"}))
    assert (found.feasible, found.option, found.rows) == (False, None, [])
    assert found.blocked_by is not None
    assert found.blocked_by.code == "OPTION-109"
    (way,) = found.ways_out
    more = str(Fraction(way.value) * Fraction("1.05"))
    assert options(**(LONG | {"option_step": "0.1", "equity": f"{float(Fraction(more)):.2f}"})).feasible
    assert "Nothing fits" in page_of(found)


def test_a_future_that_does_not_fit_says_so_with_sizes_own_words() -> None:
    found = options(
        **(LONG | {"equity": "20", "contract": "binance:BTCUSDT", "entry": "95000", "strike": "95000"})
    )
    assert not found.feasible
    assert found.blocked_by is not None
    assert found.blocked_by.code.startswith("SIZE-")
    assert found.ways_out


def test_the_picture_and_the_page_show_all_three_lines() -> None:
    found = options(**FUNDED)
    prices = [Fraction(point.price) for point in found.curve]
    assert prices == sorted(set(prices))
    assert {Fraction(row.price) for row in found.rows} <= set(prices)
    drawn = check_picture(payoff_svg(found))
    for name in ("future", "call at expiry", "call after 10 days"):
        assert name in drawn
    page = page_of(found)
    assert page.count("<svg") == 2
    assert "stop, then target" in page


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"strike": "0"}, "OPTION-101"),
        ({"option_step": "-1"}, "OPTION-101"),
        ({"premium": "0"}, "OPTION-101"),
        ({"days": "0"}, "OPTION-102"),
        ({"days": "3651"}, "OPTION-102"),
        ({"near_days": "31"}, "OPTION-102"),
        ({"days": "400", "funding_rate": "0.01%", "near_days": "3"}, "OPTION-102"),
        ({"volatility": None}, "OPTION-103"),
        ({"volatility": "0%"}, "OPTION-103"),
        ({"option_fee": "11%"}, "OPTION-104"),
        ({"rate": "101%"}, "OPTION-104"),
        ({"gap": "100%"}, "OPTION-105"),
        ({"gap": "-1%"}, "OPTION-105"),
        ({"contract": "binance-coinm:ETHUSD_PERP"}, "OPTION-106"),
        ({"entry": [("2640", "50%"), ("2600", "50%")]}, "OPTION-107"),
        ({"stop": "liquidation", "leverage": "10"}, "OPTION-107"),
        ({"strike": "90000", "volatility": "5%"}, "OPTION-108"),
        ({"volatility": None, "premium": "2640"}, "OPTION-111"),
        ({"volatility": "sixty"}, "UNIT-102"),
        ({"days": "tomorrow"}, "UNIT-102"),
        ({"stop": "2700"}, "SIZE-005"),
    ],
)
def test_what_cannot_be_used_is_refused(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as raised:
        options(**(LONG | changed))
    assert raised.value.code == code
    assert raised.value.hint
