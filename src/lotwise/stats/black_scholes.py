"""European options by Black, Scholes and Merton: price, delta, theta, vega, implied volatility.

All are estimates, floats. Years are of 365 days, theta is of a calendar day. ``rate`` is the interest on
money, ``income`` what holding the underlying yields, both a year and continuous; with 0 of both it is the
model on a forward that equals the price.

Sources: Black and Scholes (1973), "The Pricing of Options and Corporate Liabilities", Journal of Political
Economy 81; Merton (1973), "Theory of Rational Option Pricing", Bell Journal of Economics 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from lotwise.errors import InputError

DAYS: Final = 365
CALL: Final = 1
PUT: Final = -1
LEAST_VOLATILITY: Final = 1e-4
MOST_VOLATILITY: Final = 20.0
"""2,000 % a year; no market asks more."""
_HALVINGS: Final = 200


@dataclass(frozen=True)
class Option:
    """A European option on one coin."""

    way: Literal[1, -1]
    """``CALL`` or ``PUT``."""
    strike: float
    years: float
    """To expiry; 0 is expiry."""
    rate: float = 0.0
    income: float = 0.0


@dataclass(frozen=True)
class Worth:
    """What the model says of one option on one coin."""

    price: float
    delta: float
    theta_day: float
    """Change of the price over a calendar day, all else still; usually below 0."""
    vega: float
    """Change of the price for one of volatility (100 %)."""


def normal(x: float) -> float:
    """The standard normal distribution function; exact to the last digits in both tails.

    >>> normal(0.0), round(normal(1.96), 4)
    (0.5, 0.975)
    """
    return 0.5 * math.erfc(-x / math.sqrt(2))


def density(x: float) -> float:
    """The standard normal density."""
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def intrinsic(option: Option, spot: float) -> float:
    """What the option pays when it is exercised at this price."""
    return max(0.0, option.way * (spot - option.strike))


def worth(option: Option, spot: float, volatility: float) -> Worth:
    """Price and sensitivities.

    Parameters
    ----------
    spot
        Price of the coin, above 0.
    volatility
        A year, as a share: 0.6 is 60 %.

    Raises
    ------
    InputError
        OPTION-110 a price, strike, time or volatility out of range.

    Examples
    --------
    >>> round(worth(Option(CALL, strike=100.0, years=1.0, rate=0.05), spot=100.0, volatility=0.2).price, 4)
    10.4506
    """
    _check(option, spot, volatility)
    if option.years == 0:
        inside = option.way * (spot - option.strike) > 0
        return Worth(intrinsic(option, spot), float(option.way * inside), 0.0, 0.0)
    root = volatility * math.sqrt(option.years)
    discount, kept = math.exp(-option.rate * option.years), math.exp(-option.income * option.years)
    drift = (option.rate - option.income + volatility * volatility / 2) * option.years
    d1 = (math.log(spot / option.strike) + drift) / root
    d2 = d1 - root
    way = option.way
    share, chance = kept * normal(way * d1), discount * normal(way * d2)
    year = (
        -spot * kept * density(d1) * volatility / (2 * math.sqrt(option.years))
        - way * option.rate * option.strike * chance
        + way * option.income * spot * share
    )
    return Worth(
        price=max(0.0, way * (spot * share - option.strike * chance)),
        delta=way * share,
        theta_day=year / DAYS,
        vega=spot * kept * density(d1) * math.sqrt(option.years),
    )


def _check(option: Option, spot: float, volatility: float) -> None:
    for name, value in (("price", spot), ("strike", option.strike)):
        if not 0 < value < math.inf:
            raise InputError("OPTION-110", f"the {name} of an option is {value}", "give it above 0")
    if not 0 <= option.years <= 100:
        raise InputError("OPTION-110", f"the option expires in {option.years} years", "use 0 to 100")
    if not LEAST_VOLATILITY <= volatility <= MOST_VOLATILITY:
        raise InputError(
            "OPTION-110", f"the volatility is {volatility:.2%} a year", "use 0.01 % to 2,000 %, e.g. 60%"
        )


def bounds(option: Option, spot: float) -> tuple[float, float]:
    """What an option is worth at the least and less than, whatever the volatility."""
    kept = spot * math.exp(-option.income * option.years)
    owed = option.strike * math.exp(-option.rate * option.years)
    return max(0.0, option.way * (kept - owed)), kept if option.way == CALL else owed


def implied_volatility(option: Option, spot: float, price: float) -> float:
    """The volatility at which the model gives this price, by halving: the price rises with it.

    Raises
    ------
    InputError
        OPTION-111 a price that no volatility of 0.01 % to 2,000 % gives; OPTION-110.

    Examples
    --------
    >>> option = Option(CALL, strike=100.0, years=1.0, rate=0.05)
    >>> round(implied_volatility(option, spot=100.0, price=10.450583572185565), 9)
    0.2
    """
    low, high = LEAST_VOLATILITY, MOST_VOLATILITY
    least, most = worth(option, spot, low).price, worth(option, spot, high).price
    if option.years == 0 or not least <= price <= most:
        floor, ceiling = bounds(option, spot)
        raise InputError(
            "OPTION-111",
            f"a premium of {price:.8g} has no volatility: an option of this strike and expiry is worth"
            f" {floor:.8g} at the least and less than {ceiling:.8g}",
            "check premium, strike and expiry: the premium is of one coin",
        )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if worth(option, spot, middle).price < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2
