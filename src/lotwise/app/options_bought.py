"""The bought option of a comparison: its amount for the money at risk, and what it is worth later.

What it costs and pays at expiry follows exactly from its premium. Before expiry its worth is the model's, a
float; the premium, where it is the model's own, is rounded up to 1e-8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from lotwise.app.options_future import DAYS_OF_YEAR100, Future
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.layout import LONG, RATE
from lotwise.records.options import BoughtOption
from lotwise.sizing.position import read_price8
from lotwise.stats.black_scholes import CALL, PUT, Option, implied_volatility, worth
from lotwise.units import Cash, Number, Price8, Rate8, cash_text, parse_rate, parse_scaled, scaled_text, shown

MOST_VOLATILITY8: Final = 20 * RATE
MOST_FEE8: Final = RATE // 10


@dataclass(frozen=True)
class Terms:
    """What is said of the option, in integers."""

    strike8: Price8
    days100: int
    volatility8: Rate8 | None
    premium8: Price8 | None
    step8: int
    fee8: Rate8
    rate8: Rate8


def read_terms(
    strike: Number,
    days100: int,
    *,
    volatility: Number | None,
    premium: Number | None,
    step: Number,
    fee: Number,
    rate: Number,
) -> Terms:
    """Read them.

    Raises
    ------
    InputError
        OPTION-101 a strike, premium or step that is not above 0; OPTION-103 neither volatility nor premium,
        or one out of range; OPTION-104 a fee or a rate out of range.
    """
    if volatility is None and premium is None:
        raise InputError(
            "OPTION-103", "neither volatility nor premium of the option is given", "add --volatility 60%"
        )
    moved = None if volatility is None else parse_rate(volatility, "volatility")
    if moved is not None and not RATE // 10_000 <= moved <= MOST_VOLATILITY8:
        raise InputError(
            "OPTION-103", f"the volatility is {shown(volatility)}", "use 0.01 % to 2,000 % a year, e.g. 60%"
        )
    paid8 = None if premium is None else parse_scaled(premium, "premium")
    strike8, step8 = parse_scaled(strike, "strike"), parse_scaled(step, "option_step")
    for name, value, given in (
        ("strike", strike8, strike),
        ("premium", paid8, premium),
        ("option step", step8, step),
    ):
        if value is not None and value <= 0:
            raise InputError("OPTION-101", f"the {name} is {shown(given)}", f"give a {name} above 0")
    fee8, rate8 = parse_rate(fee, "option_fee"), parse_rate(rate, "rate")
    if not 0 <= fee8 <= MOST_FEE8:
        raise InputError("OPTION-104", f"the option's fee is {shown(fee)}", "use 0 % to 10 %, e.g. 0.03%")
    if not -RATE <= rate8 <= RATE:
        raise InputError(
            "OPTION-104", f"the interest is {shown(rate)}", "use -100 % to 100 % a year, e.g. 4%"
        )
    paid = None if paid8 is None else Price8(paid8)
    return Terms(Price8(strike8), days100, moved, paid, step8, fee8, rate8)


@dataclass(frozen=True)
class Bought:
    """An amount of the option."""

    terms: Terms
    way: int
    """CALL or PUT."""
    premium8: Price8
    entry8: Price8
    volatility: float
    implied: float | None
    model: float | None
    """Premium of the model at the volatility given, in 1e-8."""
    amount8: int
    unused_cash: Cash

    @property
    def cost_cash(self) -> Cash:
        """Premium and fee of all of it."""
        return self.cost_of(self.amount8)

    def fee_of(self, amount8: int) -> Cash:
        """The fee, a share of the underlying's worth at the entry, rounded up."""
        return Cash(mul_div_ceil(self.entry8 * amount8, self.terms.fee8, RATE * RATE))

    def cost_of(self, amount8: int) -> Cash:
        """Premium and fee of an amount, each rounded up."""
        return Cash(mul_div_ceil(self.premium8, amount8, RATE) + self.fee_of(amount8))

    def at_expiry(self, price8: int) -> Cash:
        """What it makes when it expires at a price, rounded down; exact from the premium."""
        inside = max(0, self.way * (price8 - self.terms.strike8))
        return Cash(mul_div_floor(inside, self.amount8, RATE) - self.cost_cash)

    def option(self, days_gone100: int) -> Option:
        """The option as the model takes it, so many days later."""
        return option_of(self.terms, self.way, self.terms.days100 - days_gone100)

    def estimate(self, price: float, days_gone100: int) -> float:
        """What it makes when it is sold at the model's price so many days later; a float."""
        sold = worth(self.option(days_gone100), price, self.volatility).price
        return sold * self.amount8 / RATE - self.cost_cash / RATE

    def even8(self) -> int:
        """Price at expiry at which the cost is back, in 1e-8, rounded away from the strike."""
        each8 = mul_div_ceil(self.cost_cash, RATE, self.amount8)
        return self.terms.strike8 + self.way * each8

    def even_text(self, future: Future) -> str:
        """The break-even at expiry on the contract's tick, rounded away from the strike."""
        tick8 = future.question.contract.scales.tick_size8
        even8 = self.even8()
        ticks = -(-even8 // tick8) if self.way == CALL else even8 // tick8
        return future.price(ticks) if ticks > 0 else "none"

    def record(self, future: Future) -> BoughtOption:
        """In words."""
        entry = future.amount(future.entry_ticks)
        now = worth(self.option(0), entry, self.volatility)
        coins = self.amount8 / RATE
        given = self.terms.premium8 is not None
        return BoughtOption(
            kind="call" if self.way == CALL else "put",
            strike=scaled_text(self.terms.strike8),
            expiry_days=scaled_text(self.terms.days100, 2),
            premium=scaled_text(self.premium8, 8, 2),
            premium_from="given" if given else "model",
            model_premium=None if self.model is None else f"{self.model / RATE:.4f}",
            volatility=f"{self.volatility:.4f}",
            implied_volatility=None if self.implied is None else f"{self.implied:.4f}",
            amount=scaled_text(self.amount8),
            cost=cash_text(self.cost_cash),
            fee=cash_text(self.fee_of(self.amount8)),
            budget=cash_text(future.loss),
            unused=cash_text(self.unused_cash),
            break_even=self.even_text(future),
            near_break_even=None,
            delta=f"{now.delta * coins:.4f}",
            theta_day=about(now.theta_day * coins),
        )


def about(amount: float) -> str:
    """An estimate, rounded to the nearest cent.

    >>> about(1.006), about(-0.004), about(-3.456)
    ('1.01', '0.00', '-3.46')
    """
    text = f"{amount:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


def option_of(terms: Terms, way: int, days100: int) -> Option:
    """The option as the model takes it, with so many days left."""
    return Option(
        CALL if way == CALL else PUT,
        strike=terms.strike8 / RATE,
        years=days100 / DAYS_OF_YEAR100,
        rate=terms.rate8 / RATE,
    )


def bought_of(terms: Terms, future: Future) -> Bought:
    """As much of the option as the future's loss at its stop pays for, in whole steps; 0 where not one.

    Raises
    ------
    InputError
        OPTION-108 a premium of the model that is nothing; OPTION-110, OPTION-111.
    """
    way = CALL if future.side == LONG else PUT
    option, spot = option_of(terms, way, terms.days100), future.amount(future.entry_ticks)
    entry8 = read_price8(future.price(future.entry_ticks), "entry")
    model = None if terms.volatility8 is None else worth(option, spot, terms.volatility8 / RATE).price * RATE
    implied = None
    if terms.premium8 is not None:
        implied = implied_volatility(option, spot, terms.premium8 / RATE)
        premium8 = terms.premium8
    else:
        assert model is not None  # read_terms asks for one of them
        premium8 = Price8(math.ceil(model))
    if premium8 <= 0:
        raise InputError(
            "OPTION-108",
            f"at strike {scaled_text(terms.strike8)} the model's premium is less than 1e-8",
            "take a strike nearer to the entry, or a later expiry",
        )
    volatility = terms.volatility8 / RATE if terms.volatility8 is not None else implied
    assert volatility is not None
    one = Bought(terms, way, premium8, entry8, volatility, implied, model, 0, Cash(0))
    each16 = premium8 * RATE + mul_div_ceil(entry8, terms.fee8, 1)
    steps = future.loss * RATE * RATE // (each16 * terms.step8)
    while steps > 0 and one.cost_of(steps * terms.step8) > future.loss:
        steps -= 1
    amount8 = steps * terms.step8
    left = Cash(future.loss - one.cost_of(amount8))
    return Bought(terms, way, premium8, entry8, volatility, implied, model, amount8, left)
