"""A spot holding hedged with a short of whole lots, and what that leaves, costs and needs.

Lots, money and prices are whole numbers and come from the kernel's rules. What stays of the swings is a
statistic: floats, and said so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from lotwise.analysis.carry import HOUR_NS, Carry, Funding, funding_of
from lotwise.app.hedge_lots import COINS16, Exposure, Short, block_of, ways_out
from lotwise.app.hedge_measure import Measured
from lotwise.app.hedge_needs import costs_of, margin_of
from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.records.hedge import HedgeAnswer, HedgeBeta, HedgeCarry, HedgeRisk
from lotwise.sizing.listing import DOLLARS
from lotwise.sizing.position import read_price8
from lotwise.units import (
    Cash,
    Lots,
    Number,
    Rate8,
    Ticks,
    cash_text,
    parse_rate,
    parse_scaled,
    percent_text,
    scaled_text,
    shown,
)

USUAL_LEVERAGE: Final = "3"
USUAL_RISE: Final = "50%"
MOST_BETA8: Final = 20 * RATE
MOST_VOLATILITY8: Final = 10 * RATE
MOST_FUNDING8: Final = RATE // 10
DAYS: Final = 365


@dataclass(frozen=True)
class Statistics:
    """Beta and what is known of the swings; floats where they are estimates."""

    beta8: Rate8
    correlation: float | None
    day_volatility: float | None
    said: HedgeBeta | None


def hedge(
    contract: Contract | str,
    *,
    holding: Number,
    price: Number,
    against: Contract | str | None = None,
    against_price: Number | None = None,
    beta: Number | None = None,
    correlation: Number | None = None,
    measured: Measured | None = None,
    choose: Literal["lower", "nearest"] = "lower",
    leverage: Number | None = None,
    rise: Number = USUAL_RISE,
    volatility: Number | None = None,
    funding_rate: Number | None = None,
    funding_interval_hours: int | None = None,
    funding: Funding | None = None,
    fees: FeeSchedule | None = None,
    spread: Number = "0",
    slippage: Number = "0",
) -> HedgeAnswer:
    """Hedge a holding with a short of the same coin, or with another contract by beta.

    Parameters
    ----------
    contract
        Names the coin held, and is shorted unless ``against`` is given.
    holding, price
        Coins held, and the price of one.
    against, against_price
        The contract that is shorted instead, and its price.
    beta, correlation
        How far the holding moves when ``against`` moves by one; how alike they move, 0 to 1.
    measured
        Beta and correlation of bars instead (:func:`lotwise.app.hedge_measure.measure`).
    choose
        ``"nearest"`` may be more short than held; ``"lower"`` never is.
    leverage
        Of the short, isolated; ``None``: 3, or the margin per contract of a listed future.
    rise
        A rise that the short must survive: cash for it is told.
    volatility
        Of the holding, a year: ``"60%"``; ``measured`` brings its own.
    funding_rate, funding, funding_interval_hours
        A rate per interval, or payments of the past.
    spread, slippage
        Full spread, and allowance when closing: ``"0.5"``, ``"5t"`` or ``"2bp"``.

    Raises
    ------
    InputError
        HEDGE-101 to HEDGE-108, HEDGE-113; SIZE-001, SIZE-002, SIZE-008 to SIZE-012, SIZE-033.
    FactsError
        CONTRACT-2xx unknown contracts, CONTRACT-301 unknown fees.

    Examples
    --------
    >>> found = hedge("binance:ETHUSDT", holding="0.5137", price="2640")
    >>> found.quantity, found.lower.left_open, found.margin.initial_margin
    ('0.513', '0.0007', '451.44')
    """
    held = _loaded(contract)
    shorted = held if against is None else _loaded(against)
    _check_pair(held, shorted, against_price, beta, correlation=correlation, measured=measured)
    statistics = _statistics(beta, correlation, measured, volatility, same=against is None)
    short = _short(held, shorted, holding, price, against_price=against_price, beta8=statistics.beta8)
    if choose not in ("lower", "nearest"):
        raise InputError("HEDGE-103", f"choose is {shown(choose)}", "use lower or nearest")
    lots = short.lower if choose == "lower" else short.nearest
    block = block_of(short, lots)
    carried = _carry_of(shorted, funding_rate, funding_interval_hours, funding)
    rise8 = parse_rate(rise, "rise")
    if not 0 < rise8 <= 100 * RATE:
        raise InputError("HEDGE-105", f"the rise is {shown(rise)}", "use above 0 % up to 10,000 %, e.g. 50%")
    margin = costs = risk = None
    margin_words: list[str] = []
    if block is None:
        asked = USUAL_LEVERAGE if leverage is None and not shorted.clearing else leverage
        trade = (fees, spread, slippage, asked)
        costs = costs_of(short, lots, *trade)
        margin, margin_words = margin_of(short, lots, trade, rise8)
        risk = _risk(short, lots, statistics, same=against is None)
    worth = short.worth_cash(lots)
    return HedgeAnswer(
        feasible=block is None,
        contract=shorted.id,
        holding=scaled_text(short.exposure.coins16, 16),
        holding_coin=held.base,
        price=scaled_text(short.exposure.price8, 8, 2),
        worth=cash_text(short.exposure.worth_cash),
        hedge_price=shorted.price_text(short.price_ticks),
        exact=scaled_text(int(short.exact_lots * shorted.scales.per_lot16 / 10**8)),
        lots=lots if block is None else 0,
        quantity=shorted.quantity_text(lots) if block is None else "0",
        quantity_unit=shorted.quantity_unit,
        contracts=shorted.contracts_text(lots) if block is None else "0",
        notional=cash_text(worth) if block is None else None,
        chosen=choose,
        lower=short.choice("lower", short.lower),
        nearest=short.choice("nearest", short.nearest),
        beta=statistics.said,
        risk=risk,
        margin=margin,
        costs=costs,
        carry=_carry(carried, worth) if carried is not None and block is None else None,
        blocked_by=block,
        ways_out=list(ways_out(short, against is None)) if _too_small(block) else [],
        warnings=[*margin_words, *_warnings(short, lots, carried)] if block is None else [],
        notes=_notes(held, shorted, statistics),
        settle=shorted.settle,
        as_of=shorted.as_of,
    )


def _too_small(block: object) -> bool:
    return getattr(block, "code", "") in ("HEDGE-110", "HEDGE-111")


def _loaded(contract: Contract | str) -> Contract:
    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    if found.is_inverse:
        raise InputError(
            "HEDGE-106",
            f"{found.id} is margined in {found.settle}: its short earns coins, which is not counted here",
            f"short a contract that settles in dollars, e.g. {found.base}USDT",
        )
    if found.quote not in DOLLARS:
        raise InputError(
            "HEDGE-107",
            f"{found.id} is priced in {found.quote}",
            "use a contract priced in USD, USDT or USDC",
        )
    return found


def _check_pair(
    held: Contract,
    shorted: Contract,
    price: Number | None,
    beta: Number | None,
    *,
    correlation: Number | None,
    measured: Measured | None,
) -> None:
    """Words of a hedge by beta belong together, and to another coin."""
    if shorted is held:
        if price is not None or beta is not None or correlation is not None:
            raise InputError(
                "HEDGE-103",
                "a beta, a correlation or a second price, and no second contract",
                "name the contract that is shorted: --with binance:BTCUSDT",
            )
        return
    if shorted.base == held.base:
        raise InputError(
            "HEDGE-103",
            f"{shorted.id} and {held.id} are the same coin, {held.base}",
            f"hedge {shorted.id} itself",
        )
    if price is None:
        raise InputError("HEDGE-103", f"the price of {shorted.id} is missing", "add --with-price")
    known = measured is not None and measured.beta is not None
    if (beta is not None) == known:
        raise InputError(
            "HEDGE-103",
            "the beta is given and measured" if known else "the beta is missing",
            "give --beta 1.5, or bars to measure it: --store or --bars with --with-bars",
        )


def _statistics(
    beta: Number | None,
    correlation: Number | None,
    measured: Measured | None,
    volatility: Number | None,
    *,
    same: bool,
) -> Statistics:
    """Beta to the nearest 0.0001 where it was measured, else as it was given."""
    alike = None if correlation is None else parse_rate(correlation, "correlation")
    if alike is not None and not 0 < alike <= RATE:
        raise InputError(
            "HEDGE-108", f"the correlation is {shown(correlation)}", "use above 0 up to 1, e.g. 0.8"
        )
    if measured is not None and (alike is not None or volatility is not None):
        raise InputError(
            "HEDGE-103", "volatility or correlation are given and measured", "leave out what is measured"
        )
    moved = None
    if volatility is not None:
        year8 = parse_rate(volatility, "volatility")
        if not 0 < year8 <= MOST_VOLATILITY8:
            raise InputError(
                "HEDGE-108", f"the volatility is {shown(volatility)}", "use above 0 % up to 1000 % a year"
            )
        moved = year8 / RATE / math.sqrt(DAYS)
    if measured is not None:
        moved = measured.day_volatility
    if same:
        return Statistics(Rate8(RATE), 1.0, moved, None)
    found = alike / RATE if alike is not None else measured.correlation if measured else None
    beta8 = _beta8(beta, measured)
    said = HedgeBeta(
        beta=scaled_text(beta8),
        correlation=None if found is None else f"{found:.4f}",
        r_squared=None if found is None else f"{found * found:.4f}",
        error=None if measured is None or measured.error is None else f"{measured.error:.4f}",
        window=None if measured is None else measured.window,
    )
    return Statistics(beta8, found, moved, said)


def _beta8(beta: Number | None, measured: Measured | None) -> Rate8:
    if beta is None:
        assert measured is not None  # looked at in _check_pair
        found = round((measured.beta or 0.0) * 10_000) * 10_000
        if not 0 < found <= MOST_BETA8:
            raise InputError(
                "HEDGE-102",
                f"the measured beta is {measured.beta:.4f}: a short hedges what moves the same way",
                "take another contract or another window",
            )
        return Rate8(found)
    found = parse_scaled(beta, "beta")
    if not 0 < found <= MOST_BETA8:
        raise InputError("HEDGE-102", f"the beta is {shown(beta)}", "use above 0 up to 20, e.g. 1.5")
    return Rate8(found)


def _short(
    held: Contract,
    shorted: Contract,
    holding: Number,
    price: Number,
    *,
    against_price: Number | None,
    beta8: Rate8,
) -> Short:
    coins16 = parse_scaled(holding, "holding", 16)
    if not 0 < coins16 < 10**12 * COINS16:
        raise InputError("HEDGE-101", f"the holding is {shown(holding)}", "give the coins held, above 0")
    if against_price is None:
        ticks = held.price_ticks(price, "price")
        price8 = read_price8(price, "price")
    else:
        ticks, price8 = shorted.price_ticks(against_price, "with_price"), read_price8(price, "price")
    return Short(shorted, Ticks(ticks), Exposure(coins16, price8, beta8))


def _risk(short: Short, lots: Lots, known: Statistics, *, same: bool) -> HedgeRisk | None:
    """What stays of the variance, with the exact hedge and with these lots.

    With g the share of the exact hedge that the lots are and r the correlation, the variance left is
    (1 - r²) + r² (1 - g)²: what the hedge does not explain, and what is not hedged.
    """
    if known.correlation is None:
        return None
    squared = known.correlation**2
    share = lots / float(short.exact_lots)
    left = (1 - squared) + squared * (1 - share) ** 2
    before = after = year = None
    if known.day_volatility is not None:
        swing = float(short.exposure.worth_cash) / RATE * known.day_volatility
        before, after = f"{swing:.2f}", f"{swing * math.sqrt(left):.2f}"
        year = f"{known.day_volatility * math.sqrt(DAYS):.4f}"
    return HedgeRisk(
        left_of_exact_hedge=f"{0.0 if same else 1 - squared:.6f}",
        left_with_lots=f"{left:.6f}",
        volatility_year=year,
        day_before=before,
        day_after=after,
    )


def _carry_of(
    contract: Contract, rate: Number | None, hours: int | None, funding: Funding | None
) -> tuple[Carry, str] | None:
    """The short's funding, and where it is from."""
    if rate is None:
        if funding is None or contract.is_dated:
            return None
        carry = funding.over()
        return carry, f"{carry.payments:,} payments of the store"
    rate8 = parse_rate(rate, "funding_rate")
    if contract.is_dated or contract.clearing:
        raise InputError("HEDGE-113", f"{contract.id} pays no funding", "leave the funding rate out")
    if abs(rate8) > MOST_FUNDING8:
        raise InputError(
            "HEDGE-113",
            f"the funding rate is {shown(rate)}: above 10 % per interval",
            "write 0.01 % as 0.01%",
        )
    every = hours or (contract.funding.interval_hours if contract.funding else None)
    if every is None:
        raise InputError(
            "HEDGE-113", f"the funding interval of {contract.id} is unknown", "add --funding-interval 8"
        )
    carry = funding_of([0], [rate8], [every * HOUR_NS]).over()
    return carry, f"{percent_text(rate8)} every {every} h"


def _carry(found: tuple[Carry, str], worth: Cash) -> HedgeCarry | None:
    carry, source = found
    if carry.short_year8 is None:
        return None
    return HedgeCarry(
        source=source,
        year_rate=percent_text(carry.short_year8),
        day=cash_text(mul_div_floor(worth, carry.short_year8, DAYS * RATE)),
        year=cash_text(mul_div_floor(worth, carry.short_year8, RATE)),
    )


def _warnings(short: Short, lots: Lots, carried: tuple[Carry, str] | None) -> list[str]:
    found = []
    if lots > short.exact_lots:
        over = short.choice("nearest", lots)
        found.append(
            f"more short than the exact hedge by {over.left_open.removeprefix('-')} {short.contract.base}:"
            " that part loses when the price rises"
        )
    if carried is not None and (carried[0].short_year8 or 0) < 0:
        found.append("funding is below 0: the short pays it")
    return found


def _notes(held: Contract, shorted: Contract, known: Statistics) -> list[str]:
    found = [f"the {held.base} held is no margin: what the short loses in a rise is paid in {shorted.settle}"]
    if shorted.is_dated:
        found.append(f"{shorted.id} is dated: it pays no funding and ends on {(shorted.expiry or '?')[:10]}")
    if known.said is None:
        found.append("spot and contract are taken to move alike: their difference, the basis, is not counted")
    else:
        found.append("beta is of the past: it moves, most of all in a fall")
        if known.correlation is None:
            found.append("without a correlation nothing is said of what stays of the swings")
    return found
