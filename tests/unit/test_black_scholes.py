"""Options: against a textbook, an integral over the lognormal, SciPy's normal, finite differences."""

from __future__ import annotations

import itertools
import math

import pytest
from scipy.integrate import quad
from scipy.stats import norm

from lotwise.errors import InputError
from lotwise.stats.black_scholes import (
    CALL,
    DAYS,
    PUT,
    Option,
    bounds,
    implied_volatility,
    intrinsic,
    normal,
    worth,
)

CASES = [
    (way, strike, years, rate, income, volatility)
    for way, strike, years, rate, income, volatility in itertools.product(
        (CALL, PUT), (60.0, 100.0, 150.0), (1 / 365, 0.5, 2.0), (0.0, 0.07), (0.0, 0.03), (0.2, 0.9)
    )
]


def by_integral(option: Option, spot: float, volatility: float) -> float:
    """The discounted mean of the payoff over the lognormal price at expiry."""
    root = volatility * math.sqrt(option.years)
    drift = (option.rate - option.income - volatility**2 / 2) * option.years

    def paid(z: float) -> float:
        price = spot * math.exp(drift + root * z)
        return intrinsic(option, price) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    edge = min(12.0, max(-12.0, (math.log(option.strike / spot) - drift) / root))
    low, high = (edge, 12.0) if option.way == CALL else (-12.0, edge)
    cuts = [low + (high - low) * part / 12 for part in range(13)]
    found = sum(quad(paid, *span, epsabs=1e-13)[0] for span in itertools.pairwise(cuts))
    return float(math.exp(-option.rate * option.years) * found)


def test_the_textbook_example() -> None:
    """Hull, Options, Futures, and Other Derivatives, the example of Black-Scholes-Merton: 4.76 and 0.81."""
    call, put = (Option(way, strike=40.0, years=0.5, rate=0.1) for way in (CALL, PUT))
    assert round(worth(call, 42.0, 0.2).price, 2) == 4.76
    assert round(worth(put, 42.0, 0.2).price, 2) == 0.81


def test_the_normal_is_scipys_far_into_both_tails() -> None:
    for x in (-37.0, -8.5, -3.0, -0.1, 0.0, 0.7, 4.0, 9.0):
        assert normal(x) == pytest.approx(float(norm.cdf(x)), rel=1e-12)


@pytest.mark.parametrize(("way", "strike", "years", "rate", "income", "volatility"), CASES)
def test_price_and_sensitivities(
    way: int, strike: float, years: float, rate: float, income: float, volatility: float
) -> None:
    option = Option(CALL if way == CALL else PUT, strike, years, rate, income)
    found = worth(option, 100.0, volatility)
    assert found.price == pytest.approx(by_integral(option, 100.0, volatility), rel=1e-7, abs=1e-9)
    step = 1e-3
    up, down = (worth(option, 100.0 + move, volatility).price for move in (step, -step))
    assert found.delta == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-6)
    more, less = (worth(option, 100.0, volatility + move).price for move in (1e-5, -1e-5))
    assert found.vega == pytest.approx((more - less) / 2e-5, rel=1e-4, abs=1e-5)
    moment = years * 1e-4
    later, sooner = (
        worth(Option(option.way, strike, years + move, rate, income), 100.0, volatility).price
        for move in (-moment, moment)
    )
    assert found.theta_day == pytest.approx((later - sooner) / (2 * moment) / DAYS, rel=1e-3, abs=1e-7)
    low, high = bounds(option, 100.0)
    assert low - 1e-9 <= found.price < high


@pytest.mark.parametrize("spot", [55.0, 100.0, 170.0])
@pytest.mark.parametrize("years", [0.01, 1.0, 5.0])
def test_a_call_less_a_put_is_a_forward(spot: float, years: float) -> None:
    call, put = (Option(way, 100.0, years, 0.05, 0.02) for way in (CALL, PUT))
    forward = spot * math.exp(-0.02 * years) - 100 * math.exp(-0.05 * years)
    for volatility in (0.1, 0.6, 2.5):
        assert worth(call, spot, volatility).price - worth(put, spot, volatility).price == pytest.approx(
            forward, abs=1e-9
        )


def test_the_volatility_that_a_price_implies_is_the_one_it_was_made_with() -> None:
    tried = 0
    for way, strike, years, rate, income, volatility in CASES:
        option = Option(CALL if way == CALL else PUT, strike, years, rate, income)
        found = worth(option, 100.0, volatility)
        if found.vega < 1e-2:  # where the price hardly knows its volatility, digits are lost
            continue
        assert implied_volatility(option, 100.0, found.price) == pytest.approx(volatility, rel=1e-8)
        tried += 1
    assert tried > 80


def test_at_expiry_it_is_what_it_pays() -> None:
    call, put = (Option(way, 100.0, 0.0) for way in (CALL, PUT))
    assert (worth(call, 130.0, 0.5).price, worth(call, 130.0, 0.5).delta) == (30.0, 1.0)
    assert (worth(put, 130.0, 0.5).price, worth(put, 70.0, 0.5).price) == (0.0, 30.0)
    assert worth(put, 70.0, 0.5).delta == -1.0


@pytest.mark.parametrize(
    ("option", "spot", "volatility"),
    [
        (Option(CALL, 0.0, 1.0), 100.0, 0.5),
        (Option(CALL, 100.0, 1.0), -1.0, 0.5),
        (Option(CALL, 100.0, -1.0), 100.0, 0.5),
        (Option(CALL, 100.0, 1.0), math.nan, 0.5),
        (Option(CALL, 100.0, 1.0), 100.0, 0.0),
        (Option(CALL, 100.0, 1.0), 100.0, 21.0),
    ],
)
def test_what_makes_no_sense_is_refused(option: Option, spot: float, volatility: float) -> None:
    with pytest.raises(InputError) as raised:
        worth(option, spot, volatility)
    assert raised.value.code == "OPTION-110"


@pytest.mark.parametrize(("strike", "premium"), [(80.0, 19.9), (80.0, 101.0), (100.0, 100.0)])
def test_a_premium_that_no_volatility_gives(strike: float, premium: float) -> None:
    with pytest.raises(InputError) as raised:
        implied_volatility(Option(CALL, strike, 0.5), 100.0, premium)
    assert raised.value.code == "OPTION-111"
    assert "at the least" in raised.value.message
