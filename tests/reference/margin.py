"""Margin and liquidation of linear contracts, exact, from the venues' definitions.

A liquidation price is found here as the root of the account's own balance line (equity minus maintenance
margin), walked from breakpoint to breakpoint of the tier table.  The closed formula that the venues print
is *not* used: it needs the tier of the answer before the answer is known, and a twin that shared it would
share its mistakes.

Sources: Binance "How to Calculate Liquidation Price of USD-M Futures" (FAQ b3c689c1), "Leverage and
Margin", "Order cost" (FAQ 87fa7ee3); Bybit help "Liquidation-Price-USDT-Contract" and "The New Margin
Calculation" (2025-09-18).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

Number = int | str | Decimal | Fraction
"""What a caller may write down exactly.  Floats are refused: 0.1 is not a tenth."""

Side = int | str
"""+1 or "long", -1 or "short"."""

BISECTION_STEPS = 200
_ONE_E8 = 10**8


# --- numbers --------------------------------------------------------------------------------------


def exact(value: Number) -> Fraction:
    """Return `value` as a Fraction; refuse floats and booleans, which are not exact quantities."""
    if isinstance(value, (bool, float)):
        raise TypeError(f"{value!r} is not exact; write it as a string, a Decimal, an int or a Fraction")
    return Fraction(value)


def sign(side: Side) -> int:
    """Return +1 for a long and -1 for a short."""
    signs: dict[Side, int] = {"long": 1, "short": -1, 1: 1, -1: -1}
    if side not in signs:
        raise ValueError(f"side is {side!r}; it must be 'long', 'short', 1 or -1")
    return signs[side]


def trunc_to(value: Number, decimals: int) -> Fraction:
    """Cut `value` toward zero after `decimals` decimals."""
    scale = 10**decimals
    return Fraction(math.trunc(exact(value) * scale), scale)


def trunc8(value: Number) -> Fraction:
    """Cut toward zero at 1e-8: how Binance shows margins and PnL (11.954764755 -> 11.95476475)."""
    return trunc_to(value, 8)


def floor8(value: Number) -> Fraction:
    """Round down (toward minus infinity) to a multiple of 1e-8."""
    return Fraction(math.floor(exact(value) * _ONE_E8), _ONE_E8)


def ceil8(value: Number) -> Fraction:
    """Round up (toward plus infinity) to a multiple of 1e-8."""
    return Fraction(math.ceil(exact(value) * _ONE_E8), _ONE_E8)


# --- maintenance tiers ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Tier:
    """One bracket of a maintenance table: ``floor < notional <= cap`` pays ``notional * rate - cumulative``.

    The first tier reaches down to zero whatever its floor, and the last cap counts as infinite.
    """

    floor: Fraction
    cap: Fraction
    rate: Fraction
    cumulative: Fraction


def tier_table(rows: Sequence[tuple[Number, Number]]) -> list[Tier]:
    """Build a table from (cap, rate) rows: ``c_1 = 0``, ``c_k = c_(k-1) + floor_k * (m_k - m_(k-1))``.

    Source: Binance FAQ "Leverage and Margin", the maintenance amount column.
    """
    table: list[Tier] = []
    floor = rate_before = cumulative = Fraction(0)
    for number, (cap, rate) in enumerate(rows):
        if number:
            cumulative += floor * (exact(rate) - rate_before)
        table.append(Tier(floor, exact(cap), exact(rate), cumulative))
        floor, rate_before = exact(cap), exact(rate)
    return table


def single_tier(rate: Number, cumulative: Number = 0) -> list[Tier]:
    """Return a table of one tier that holds for every notional, as published examples give it."""
    return [Tier(Fraction(0), Fraction(1), exact(rate), exact(cumulative))]


def check_tiers(tiers: Sequence[Tier]) -> None:
    """Raise ValueError unless the table is connected, continuous and has rates in [0, 1).

    A jump in the maintenance margin could leave no price, or two, at which equity equals it.
    """
    if not tiers:
        raise ValueError("a tier table needs at least one tier")
    for tier in tiers:
        if not 0 <= tier.rate < 1:
            raise ValueError(f"maintenance rate {tier.rate} is outside [0, 1)")
        if tier.cap <= max(tier.floor, Fraction(0)):
            raise ValueError(f"tier cap {tier.cap} is not above its floor {tier.floor}")
    for below, above in pairwise(tiers):
        if above.floor != below.cap:
            raise ValueError(f"a tier ends at {below.cap} and the next one starts at {above.floor}")
        if above.cumulative - below.cumulative != above.floor * (above.rate - below.rate):
            raise ValueError(f"the maintenance margin jumps at notional {above.floor}")


def tier_of(tiers: Sequence[Tier], notional: Number) -> Tier:
    """Return the tier with ``floor < notional <= cap``."""
    size = exact(notional)
    if size < 0:
        raise ValueError(f"notional {size} is negative")
    for tier in tiers[:-1]:
        if size <= tier.cap:
            return tier
    return tiers[-1]


def maintenance(tiers: Sequence[Tier], notional: Number) -> Fraction:
    """Return the maintenance margin ``N * m_k - c_k`` of a notional N.

    Source: Binance FAQ "Leverage and Margin"; the cumulative amount makes it continuous.
    """
    tier = tier_of(tiers, notional)
    return exact(notional) * tier.rate - tier.cumulative


# --- the root of a balance line -------------------------------------------------------------------

Balance = Callable[[Fraction], Fraction]
"""Equity minus maintenance margin at a price; zero is the liquidation price."""


def _breakpoints(quantity: Fraction, tiers: Sequence[Tier]) -> list[Fraction]:
    """Return 0, the prices at which the notional meets a cap, and one price more in the endless last tier."""
    prices = [Fraction(0)] + [tier.cap / quantity for tier in tiers[:-1]]
    return [*prices, prices[-1] + 1]


def _walked_root(balance: Balance, direction: int, prices: Sequence[Fraction]) -> Fraction | None:
    """Return the root > 0 of a line that is straight between `prices`, and after the last of them; or None.

    ``direction * balance`` rises with the price: a long is safe above its root, a short below it.
    """
    left, height = prices[0], direction * balance(prices[0])
    if height >= 0:
        return None
    for right in prices[1:]:
        next_height = direction * balance(right)
        if next_height >= 0 or right == prices[-1]:
            return left + (right - left) * -height / (next_height - height)
        left, height = right, next_height
    raise AssertionError("a walk needs at least two prices")


def _bisected_root(balance: Balance, direction: int) -> Fraction | None:
    """Return the same root by doubling and halving; it knows nothing of tiers or straight lines."""
    low, high = Fraction(0), Fraction(1)
    if direction * balance(low) >= 0:
        return None
    while direction * balance(high) < 0:
        low, high = high, 2 * high
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        if direction * balance(middle) < 0:
            low = middle
        else:
            high = middle
    return high


def _positive(quantity: Number, entry: Number) -> tuple[Fraction, Fraction]:
    """Return quantity and entry price as Fractions, both above zero."""
    size, price = exact(quantity), exact(entry)
    if size <= 0 or price <= 0:
        raise ValueError(
            f"quantity {size} and entry price {price} must be above zero; the side carries the sign"
        )
    return size, price


# --- Binance USD-M --------------------------------------------------------------------------------


def _binance_balance(
    side: Side,
    quantity: Number,
    entry: Number,
    wallet: Number,
    tiers: Sequence[Tier],
    others_maintenance: Number,
    others_pnl: Number,
) -> Balance:
    """Return ``WB - TMM1 + UPNL1 + s*Q*(P - E) - MM(Q*P)`` as a function of the mark price P."""
    check_tiers(tiers)
    direction = sign(side)
    size, opened = _positive(quantity, entry)
    rest = exact(wallet) - exact(others_maintenance) + exact(others_pnl)

    def balance(price: Fraction) -> Fraction:
        return rest + direction * size * (price - opened) - maintenance(tiers, size * price)

    return balance


def liquidation_price(
    side: Side,
    quantity: Number,
    entry: Number,
    wallet: Number,
    tiers: Sequence[Tier],
    others_maintenance: Number = 0,
    others_pnl: Number = 0,
) -> Fraction | None:
    """Return the mark price at which a one-way Binance USD-M position is liquidated, or None.

    Isolated: `wallet` is the isolated wallet and there are no others.  Cross: `wallet` is the cross wallet;
    `others_maintenance` (TMM1) and `others_pnl` (UPNL1) belong to all other cross positions, whose marks
    stand still.  None: the long is never liquidated, or the short is already under water at every price
    (root <= 0).

    Source: Binance FAQ b3c689c1; "liquidation when margin balance <= maintenance margin".
    """
    balance = _binance_balance(side, quantity, entry, wallet, tiers, others_maintenance, others_pnl)
    return _walked_root(balance, sign(side), _breakpoints(exact(quantity), tiers))


def bisect_liquidation_price(
    side: Side,
    quantity: Number,
    entry: Number,
    wallet: Number,
    tiers: Sequence[Tier],
    others_maintenance: Number = 0,
    others_pnl: Number = 0,
) -> Fraction | None:
    """Return `liquidation_price` by 200 bisection steps, at most 2**-200 of its bracket above the root."""
    balance = _binance_balance(side, quantity, entry, wallet, tiers, others_maintenance, others_pnl)
    return _bisected_root(balance, sign(side))


def unrealised_pnl(side: Side, quantity: Number, entry: Number, mark: Number) -> Fraction:
    """Return ``s * Q * (P - E)`` with the mark price P."""
    return sign(side) * exact(quantity) * (exact(mark) - exact(entry))


def initial_margin_by_mark(quantity: Number, mark: Number, leverage: Number) -> Fraction:
    """Return a Binance position's initial margin ``Q * P / L``: by mark, not by entry (SDK, V42)."""
    return exact(quantity) * exact(mark) / exact(leverage)


def margin_ratio(maintenance_margin: Number, margin_balance: Number) -> Fraction | None:
    """Return maintenance margin / margin balance; liquidation at >= 1.  None when no balance is left."""
    balance = exact(margin_balance)
    return exact(maintenance_margin) / balance if balance > 0 else None


def bankruptcy_price(side: Side, quantity: Number, entry: Number, margin: Number) -> Fraction:
    """Return ``E - s * margin / Q``, where the isolated margin is gone.

    Not above zero: a long that is fully paid for and cannot go bankrupt.
    """
    size, opened = _positive(quantity, entry)
    return opened - sign(side) * exact(margin) / size


def order_initial_margin(quantity: Number, price: Number, leverage: Number) -> Fraction:
    """Return a limit order's initial margin, order notional / leverage.  Source: Binance FAQ 87fa7ee3."""
    return exact(quantity) * exact(price) / exact(leverage)


def open_loss(side: Side, quantity: Number, price: Number, mark: Number) -> Fraction:
    """Return what a limit order loses if filled at once: ``Q * |min(0, s * (mark - price))|``.

    Source: Binance FAQ 87fa7ee3.
    """
    return exact(quantity) * abs(min(Fraction(0), sign(side) * (exact(mark) - exact(price))))


def order_margin(side: Side, quantity: Number, price: Number, mark: Number, leverage: Number) -> Fraction:
    """Return the cost of a limit order: initial margin + open loss.  Source: Binance FAQ 87fa7ee3."""
    return order_initial_margin(quantity, price, leverage) + open_loss(side, quantity, price, mark)


def venue_break_even_price(side: Side, entry: Number, opening_fee: Number) -> Fraction:
    """Return Binance's breakEvenPrice ``E * (1 + s * fee)``: it counts the opening fee only (V44, V45)."""
    return exact(entry) * (1 + sign(side) * exact(opening_fee))


# --- Bybit linear ---------------------------------------------------------------------------------


def bybit_old_liquidation_price(
    side: Side, quantity: Number, entry: Number, leverage: Number, tiers: Sequence[Tier], extra: Number = 0
) -> Fraction | None:
    """Return Bybit's isolated price of before 2025-09-02: initial and maintenance margin both by entry.

    The position may lose ``IM + extra - MM``, with ``IM = Q*E/L`` and ``MM = Q*E*m - c``; the tier is that
    of the entry notional.  The fees to close stand in both margins and cancel.  None when the price is not
    above zero.

    Source: Bybit help "Liquidation-Price-USDT-Contract".
    """
    check_tiers(tiers)
    size, opened = _positive(quantity, entry)
    affordable = size * opened / exact(leverage) + exact(extra) - maintenance(tiers, size * opened)
    price = opened - sign(side) * affordable / size
    return price if price > 0 else None


def bybit_bust_price(
    side: Side, quantity: Number, entry: Number, leverage: Number, taker: Number, extra: Number = 0
) -> Fraction:
    """Return the price at which margin and loss leave exactly the taker fee of closing there.

    It solves ``margin + s*Q*(B - E) = Q*B*t`` for B, with the margin of `bybit_position_margin`.  Without
    extra margin it is ``E * (1 - s/L)``, the price in Bybit's own fee to close.
    """
    direction, fee = sign(side), exact(taker)
    size, opened = _positive(quantity, entry)
    margin = bybit_position_margin(side, size, opened, leverage, taker, extra)
    return (margin - direction * size * opened) / (size * (fee - direction))


def bybit_position_margin(
    side: Side, quantity: Number, entry: Number, leverage: Number, taker: Number, extra: Number = 0
) -> Fraction:
    """Return ``IM + extra``, with ``IM = Q*E/L + fee to close`` and ``fee to close = Q*E*(1 - s/L)*t``."""
    size, opened = _positive(quantity, entry)
    fee_to_close = size * opened * (1 - sign(side) / exact(leverage)) * exact(taker)
    return size * opened / exact(leverage) + fee_to_close + exact(extra)


def bybit_new_liquidation_price(
    side: Side,
    quantity: Number,
    entry: Number,
    leverage: Number,
    tiers: Sequence[Tier],
    taker: Number,
    extra: Number = 0,
) -> Fraction | None:
    """Return Bybit's isolated price since 2025-09-02: initial margin by entry, maintenance margin by mark.

    Liquidated where ``IM + extra + s*Q*(P - E) = Q*P*m - c + fee to close``.  The fee to close is Q*t times
    the bust price in both margins: without extra margin it is the same figure on both sides and cancels, so
    the taker rate cannot be seen in the answer; extra margin moves the bust price and so shrinks (long) or
    grows (short) the fee on the right, which is the ``X / (1 - s*t)`` of the published formula.  The tier
    is that of the notional at P.

    Source: Bybit help "The New Margin Calculation" (2025-09-18), definitions of IM, MM and fee to close.
    """
    check_tiers(tiers)
    direction = sign(side)
    size, opened = _positive(quantity, entry)
    margin = bybit_position_margin(side, size, opened, leverage, taker, extra)
    fee_to_close = size * exact(taker) * bybit_bust_price(side, size, opened, leverage, taker, extra)

    def balance(price: Fraction) -> Fraction:
        equity = margin + direction * size * (price - opened)
        return equity - (maintenance(tiers, size * price) + fee_to_close)

    return _walked_root(balance, direction, _breakpoints(size, tiers))
