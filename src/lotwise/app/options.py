"""Compare a micro future with a stop and a bought option, for the same money at risk.

The future is whole numbers from the kernel's rules. What the option is worth before it expires is an estimate
by Black, Scholes and Merton: floats, rounded to the nearest cent where they become text.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lotwise.app.options_bought import Bought, bought_of, read_terms
from lotwise.app.options_future import Future, future_of, hours_of
from lotwise.app.options_payoff import curve_of, even_price, paths_of, prices_of, rows_of
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.layout import RATE
from lotwise.records.answers import Block, WayOut
from lotwise.records.options import OptionComparison
from lotwise.sizing.ask import side_text
from lotwise.sizing.listing import DOLLARS
from lotwise.sizing.question import Words
from lotwise.units import Cash, Number, cash_text, grouped, parse_rate, parse_scaled, scaled_text, shown

USUAL_TARGET: Final = "2R"
USUAL_GAP: Final = "5%"
USUAL_STEP: Final = "0.01"
DAY100: Final = 100
"""Days count in hundredths."""


def options(
    contract: Contract | str,
    *,
    side: str,
    entry: Number,
    stop: Number,
    equity: Number,
    strike: Number,
    days: Number,
    risk: Number = "1%",
    volatility: Number | None = None,
    premium: Number | None = None,
    near_days: Number | None = None,
    target: Number = USUAL_TARGET,
    gap: Number = USUAL_GAP,
    option_step: Number = USUAL_STEP,
    option_fee: Number = "0",
    rate: Number = "0",
    funding_rate: Number | None = None,
    funding_interval_hours: Number | None = None,
    fees: FeeSchedule | None = None,
    spread: Number = "0",
    slippage: Number = "0",
    leverage: Number | None = None,
) -> OptionComparison:
    """Size the future, buy an option for what the future loses at its stop, and lay both side by side.

    Parameters
    ----------
    side
        ``"long"`` is beside a call, ``"short"`` beside a put.
    entry, stop, equity, risk, target, fees, spread, slippage, leverage
        As in :func:`lotwise.size`; one entry.
    strike, days
        Of the option; days until it expires, ``"30"`` or ``"12.5"``.
    volatility, premium
        Implied volatility a year, ``"60%"``, or what one coin's option costs; of both the premium is paid and
        the volatility is what later values are reckoned with.
    near_days
        The nearer day on which both are compared, and how long the future is held; ``None``: half the days.
    gap
        How far beyond the stop a jump lands, of the stop's price.
    option_step
        Step of the option's amount in coins; the venue's is not known here.
    option_fee
        Share of the underlying's worth that buying costs, ``"0.03%"``.
    rate
        Interest a year.
    funding_rate
        Of the future, per interval; without it no funding is counted.

    Raises
    ------
    InputError
        OPTION-101 to OPTION-108, OPTION-110, OPTION-111; SIZE-0xx as :func:`lotwise.size`.
    FactsError
        CONTRACT-2xx unknown contracts, CONTRACT-301 unknown fees.

    Examples
    --------
    >>> found = options("binance:ETHUSDT", side="long", entry="2640", stop="2%", equity="1000",
    ...                 strike="2700", days="30", volatility="60%")
    >>> found.future.quantity, found.option.amount, found.option.cost
    ('0.18', '0.06', '9.27334866')
    """
    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    _check_contract(found)
    days100, near100 = _days(days, near_days)
    terms = read_terms(
        strike, days100, volatility=volatility, premium=premium, step=option_step, fee=option_fee, rate=rate
    )
    gap8 = parse_rate(gap, "gap")
    if not 0 <= gap8 < RATE:
        raise InputError("OPTION-105", f"the gap is {shown(gap)}", "use 0 % to below 100 %, e.g. 5%")
    words = Words(
        side=side,
        entry=entry,
        stop=stop,
        equity=equity,
        risk=risk,
        fees=fees,
        spread=spread,
        slippage=slippage,
        leverage=leverage,
        funding_rate=funding_rate,
        funding_interval_hours=funding_interval_hours,
        hold_hours="0" if funding_rate is None else hours_of(near100),
    )
    future = future_of(words, found, target, days100, gap8)
    head: dict[str, Any] = _head(future, near100, premium is not None)
    if future.order.lots == 0:
        return OptionComparison(
            **head,
            feasible=False,
            option=None,
            blocked_by=future.plan.blocked_by,
            ways_out=future.plan.ways_out,
        )
    option = bought_of(terms, future)
    if option.amount8 == 0:
        block, way = _too_dear(option, future)
        return OptionComparison(**head, feasible=False, option=None, blocked_by=block, ways_out=[way])
    listed = prices_of(future, option)
    head |= {
        "rows": rows_of(future, option, near100, listed),
        "paths": paths_of(future, option, near100),
        "curve": curve_of(future, option, near100, listed),
        "gap_loss_option": cash_text(option.cost_cash),
        "warnings": [*head["warnings"], *_warnings(option, future)],
    }
    even = even_price(future, option, near100)
    told = msgspec.structs.replace(option.record(future), near_break_even=even)
    return OptionComparison(**head, feasible=True, option=told, blocked_by=None, ways_out=[])


def _check_contract(contract: Contract) -> None:
    if contract.is_inverse:
        raise InputError(
            "OPTION-106",
            f"{contract.id} settles in {contract.settle}: its result is in coins, the option's in money",
            f"use a contract that settles in dollars, e.g. {contract.base}USDT",
        )
    if contract.quote not in DOLLARS:
        raise InputError(
            "OPTION-106",
            f"{contract.id} is priced in {contract.quote}",
            "use one priced in USD, USDT or USDC",
        )


def _days(days: Number, near: Number | None) -> tuple[int, int]:
    """Days to expiry and to the nearer day, in hundredths."""
    until = parse_scaled(days, "days", 2)
    if not 0 < until <= 3650 * DAY100:
        raise InputError(
            "OPTION-102",
            f"the option expires in {scaled_text(until, 2)} days",
            "use above 0 up to 3,650 days",
        )
    soon = until // 2 if near is None else parse_scaled(near, "near_days", 2)
    if not 0 <= soon <= until:
        raise InputError(
            "OPTION-102",
            f"the nearer day is {scaled_text(soon, 2)} days away, the expiry {scaled_text(until, 2)}",
            "use 0 up to the days of the expiry",
        )
    return until, soon


def _head(future: Future, near100: int, premium_given: bool) -> dict[str, Any]:
    """What every answer holds."""
    contract, plan = future.question.contract, future.plan
    notes = [
        "the option's worth before expiry is a Black-Scholes estimate; the future's figures are exact",
        "steps, fees and premiums of options are yours to give: no venue's are known here",
    ]
    if not premium_given:
        notes.append("the premium is the model's own: what a venue asks is more by its spread")
    if future.funding_near is None and not contract.is_dated:
        notes.append("the future's funding is not counted: no funding rate is given")
    return {
        "contract": contract.id,
        "side": side_text(future.question.intent.side),
        "entry": plan.entry,
        "stop": plan.stop,
        "target": future.target_text,
        "future": plan,
        "near_days": scaled_text(near100, 2),
        "rows": [],
        "paths": [],
        "curve": [],
        "gap_price": future.price(future.gap_ticks) if future.order.lots else None,
        "gap_loss_future": cash_text(future.gap_loss) if future.order.lots else None,
        "gap_loss_option": None,
        "funding_near": None if future.funding_near is None else cash_text(future.funding_near),
        "funding_expiry": None if future.funding_expiry is None else cash_text(future.funding_expiry),
        "warnings": list(plan.warnings),
        "notes": notes,
        "settle": contract.settle,
        "as_of": contract.as_of,
    }


def _too_dear(option: Bought, future: Future) -> tuple[Block, WayOut]:
    step = scaled_text(option.terms.step8)
    needed = option.cost_of(option.terms.step8)
    settle = future.question.contract.settle
    budget = grouped(cash_text(future.loss))
    text = f"the smallest option, {step} {future.question.contract.base}, costs {grouped(cash_text(needed))}"
    text += f" {settle}; the future risks {budget} {settle}"
    block = Block(code="OPTION-109", rule="smallest_option", text=text)
    more = Cash(-(-needed * future.question.account.equity_cash // future.loss))
    cents = -(-more // 10**6) * 10**6
    value = cash_text(cents)
    return block, WayOut(
        kind="equity",
        value=value,
        text=f"about {grouped(value)} {settle} of equity at the same risk, a strike farther away, an earlier"
        " expiry, or a smaller step",
    )


def _warnings(option: Bought, future: Future) -> list[str]:
    found = []
    if option.unused_cash * 2 > future.loss:
        spent, budget = cash_text(option.cost_cash), cash_text(future.loss)
        found.append(
            f"the option's step leaves most of the budget unused: {spent} of {budget}"
            " are spent, so the two do not risk the same"
        )
    if option.model is not None and option.terms.premium8 is not None:
        least = min(option.model, float(option.terms.premium8))
        if abs(option.model - option.terms.premium8) > least / 4:
            found.append(
                f"the premium {scaled_text(option.terms.premium8)} is far from the model's"
                f" {option.model / RATE:.2f} at the volatility given"
            )
    return found
