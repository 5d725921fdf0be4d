"""Liquidation in the other venue families, exact, each from its own definition.

* closing fee: BingX, MEXC, Gate, OKX; margin and PnL no more than maintenance margin plus the fee of closing
* margin rate: WEEX; (margin + PnL) / notional no more than the maintenance rate, nothing cumulative
* hedge mode: a long and a short of one contract on one cross wallet, linear or inverse
* clearing: CME and Coinbase Derivatives; a margin per contract and no liquidation formula, a margin call

A dated contract is the perpetual of its kind without funding: it needs nothing of its own.  Bybit with extra
margin is in `margin` (linear) and `inverse`.  Prices are roots of the balance line, walked from breakpoint to
breakpoint; a price is a Fraction, or `NEVER`, or `ALWAYS`.

Sources: BingX support 11263299509391 and 10689309996185; MEXC support 360044646391; WEEX support
13467494956185 and 24780414317593; Binance FAQ b3c689c1 and ceccfcfb (hedge mode: the legs share one wallet).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from . import inverse, sizing
from .inverse import ALWAYS, NEVER, Liquidation
from .margin import (
    Number,
    Side,
    Tier,
    _breakpoints,
    _positive,
    _walked_root,
    check_tiers,
    exact,
    maintenance,
    sign,
)

Band = tuple[Number, Number]
"""(cap, rate): a margin rate that holds up to a size, with nothing cumulative."""


def _or_word(root: Fraction | None, direction: int) -> Liquidation:
    """Name the absence of a linear price: a long is then never liquidated, a short always."""
    if root is not None:
        return root
    return NEVER if direction > 0 else ALWAYS


# --- maintenance margin and closing fee: BingX, MEXC, Gate, OKX -----------------------------------


def maintenance_with_fee(tiers: Sequence[Tier], notional: Number, taker: Number) -> Fraction:
    """Return ``N*m - c + N*t``: what one position needs, and what it adds to the others of a cross wallet."""
    return maintenance(tiers, notional) + exact(notional) * exact(taker)


def closing_fee_liquidation_price(
    side: Side,
    quantity: Number,
    entry: Number,
    wallet: Number,
    tiers: Sequence[Tier],
    taker: Number,
    others_required: Number = 0,
    others_pnl: Number = 0,
) -> Liquidation:
    """Return where ``wallet + s*Q*(P - E) = Q*P*m - c + Q*P*t``; the tier is that of Q*P.

    Isolated: `wallet` is the position margin.  Cross: the balance less isolated margins and frozen assets;
    `others_required` is the `maintenance_with_fee` of all other cross positions, `others_pnl` their PnL.
    """
    check_tiers(tiers)
    direction, fee = sign(side), exact(taker)
    if max(tier.rate for tier in tiers) + fee >= 1:
        raise ValueError("maintenance rate and closing fee together take the whole notional")
    size, opened = _positive(quantity, entry)
    rest = exact(wallet) - exact(others_required) + exact(others_pnl)

    def balance(price: Fraction) -> Fraction:
        needed = maintenance_with_fee(tiers, size * price, fee)
        return rest + direction * size * (price - opened) - needed

    return _or_word(_walked_root(balance, direction, _breakpoints(size, tiers)), direction)


# --- margin rate: WEEX ----------------------------------------------------------------------------


def margin_rate(side: Side, quantity: Number, entry: Number, margin: Number, mark: Number) -> Fraction:
    """Return ``(margin + s*Q*(P - E)) / (Q*P)``; liquidated where it is no more than the minimum."""
    return margin_rate_of(margin, sign(side) * exact(quantity) * (exact(mark) - exact(entry)), quantity, mark)


def margin_rate_of(margin: Number, pnl: Number, quantity: Number, mark: Number) -> Fraction:
    """Return the margin rate of a PnL that is given (V30)."""
    return (exact(margin) + exact(pnl)) / (exact(quantity) * exact(mark))


def band_rate(bands: Sequence[Band], size: Number) -> Fraction:
    """Return the rate of a size; WEEX counts its tiers in contracts, so a position keeps its rate."""
    for cap, rate in bands[:-1]:
        if exact(size) <= exact(cap):
            return exact(rate)
    return exact(bands[-1][1])


def margin_rate_liquidation_price(
    side: Side, quantity: Number, entry: Number, margin: Number, bands: Sequence[Band]
) -> Liquidation:
    """Return the first price on the losing way at which the margin rate is no more than the minimum.

    One band is the rate the position keeps.  Several are bands of the notional: without cumulative amounts
    the need jumps where a band begins, and a short can be caught by the jump itself.
    """
    direction = sign(side)
    size, opened = _positive(quantity, entry)
    floors = [Fraction(0)] + [exact(cap) / size for cap, _ in bands[:-1]]
    found = []
    for number, (_, rate) in enumerate(bands):
        need = exact(rate)
        floor = floors[number]
        cap = floors[number + 1] if number + 1 < len(floors) else None

        def balance(price: Fraction, need: Fraction = need) -> Fraction:
            return exact(margin) + direction * size * (price - opened) - size * price * need

        root = _walked_root(balance, direction, [Fraction(0), Fraction(1)])
        if direction > 0 and root is not None and root > floor:
            found.append(root if cap is None else min(root, cap))
        if direction < 0 and (cap is None or root is None or root <= cap):
            found.append(floor if root is None else max(root, floor))
    if not found:
        return NEVER
    first = max(found) if direction > 0 else min(found)
    return first if first > 0 else ALWAYS


def margin_rate_cross_price(
    mark: Number, equity: Number, total_maintenance: Number, longs: Number, shorts: Number, rate: Number
) -> Liquidation:
    """Return where equity meets the maintenance margin when all legs are netted into one.

    From `mark` on, equity moves by the net size and the maintenance margin by ``|net| * rate``.
    """
    net = exact(longs) - exact(shorts)
    if net == 0:
        return NEVER if exact(equity) > exact(total_maintenance) else ALWAYS

    def balance(price: Fraction) -> Fraction:
        moved = price - exact(mark)
        return exact(equity) + net * moved - exact(total_maintenance) - abs(net) * exact(rate) * moved

    direction = 1 if net > 0 else -1
    return _or_word(_walked_root(balance, direction, [Fraction(0), Fraction(1)]), direction)


# --- hedge mode: two legs, one wallet -------------------------------------------------------------


class Hedge(NamedTuple):
    """The open range of prices in which a hedged account stands; a bound is None where nothing ends it."""

    lower: Fraction | None
    upper: Fraction | None
    under_water: bool = False
    """True: no price leaves the account above its maintenance margin."""


Leg = tuple[Number, Number]
"""(quantity, entry) of one leg; the quantity is in coins, or in USD for an inverse contract."""


def _rising(tiers: Sequence[Tier]) -> None:
    """Refuse rates that fall: the balance would not be concave, and more than two prices could end it."""
    check_tiers(tiers)
    if any(below.rate > above.rate for below, above in pairwise(tiers)):
        raise ValueError("a maintenance rate falls from one tier to the next")


def _standing_span(
    balance: Callable[[Fraction], Fraction], points: Sequence[Fraction]
) -> tuple[Fraction | None, Fraction | None] | None:
    """Return the ends of the range above zero in which a concave line stands above zero; None: nowhere.

    The line is straight between the sorted `points`, the first of them zero, and beyond the last but one.
    """
    heights = [balance(point) for point in points]
    crossings: list[tuple[bool, Fraction]] = []
    for (left, right), (low, high) in zip(pairwise(points), pairwise(heights), strict=True):
        if (low > 0) != (high > 0):
            crossings.append((high > 0, left + (right - left) * low / (low - high)))
    slope = (heights[-1] - heights[-2]) / (points[-1] - points[-2])
    if slope * heights[-1] < 0 or (heights[-1] == 0 and slope > 0):
        crossings.append((slope > 0, points[-1] - heights[-1] / slope))
    if not crossings and heights[0] <= 0:
        return None
    rises = [at for is_rise, at in crossings if is_rise and at > 0]
    falls = [at for is_rise, at in crossings if not is_rise]
    return (rises[0] if rises else None), (falls[0] if falls else None)


def _points(sizes: Sequence[Fraction], tiers: Sequence[Tier]) -> list[Fraction]:
    """Return 0, every place at which a leg meets a cap, and one place more."""
    places = sorted({Fraction(0)} | {tier.cap / size for size in sizes for tier in tiers[:-1]})
    return [*places, places[-1] + 1]


def _both_legs(
    wallet: Number,
    pnl: Callable[[Fraction], Fraction],
    sizes: Sequence[Fraction],
    tiers: Sequence[Tier],
    closing_fee: Number,
) -> Callable[[Fraction], Fraction]:
    """Return wallet + both PnL - both maintenance margins (each leg in its own tier) - both closing fees."""

    def balance(at: Fraction) -> Fraction:
        needed = (maintenance_with_fee(tiers, size * at, closing_fee) for size in sizes)
        return exact(wallet) + pnl(at) - sum(needed, Fraction(0))

    return balance


def hedge_balance(
    long: Leg, short: Leg, wallet: Number, tiers: Sequence[Tier], closing_fee: Number = 0
) -> Callable[[Fraction], Fraction]:
    """Return what both legs leave above their maintenance, as a function of the price."""
    (bought, bought_at), (sold, sold_at) = _positive(*long), _positive(*short)

    def pnl(price: Fraction) -> Fraction:
        return bought * (price - bought_at) + sold * (sold_at - price)

    return _both_legs(wallet, pnl, (bought, sold), tiers, closing_fee)


def hedge_liquidation(
    long: Leg,
    short: Leg,
    wallet: Number,
    tiers: Sequence[Tier],
    others_maintenance: Number = 0,
    others_pnl: Number = 0,
    closing_fee: Number = 0,
) -> Hedge:
    """Return the prices that end a linear long and short of one contract on a cross wallet."""
    _rising(tiers)
    rest = exact(wallet) - exact(others_maintenance) + exact(others_pnl)
    balance = hedge_balance(long, short, rest, tiers, closing_fee)
    span = _standing_span(balance, _points([exact(long[0]), exact(short[0])], tiers))
    return Hedge(None, None, under_water=True) if span is None else Hedge(*span)


def inverse_hedge_balance(
    long: Leg, short: Leg, wallet: Number, tiers: Sequence[Tier], closing_fee: Number = 0
) -> Callable[[Fraction], Fraction]:
    """Return the same for an inverse contract, in coin, as a function of ``1 / price``."""
    (bought, bought_at), (sold, sold_at) = _positive(*long), _positive(*short)

    def pnl(coins_per_usd: Fraction) -> Fraction:
        return bought * (1 / bought_at - coins_per_usd) + sold * (coins_per_usd - 1 / sold_at)

    return _both_legs(wallet, pnl, (bought, sold), tiers, closing_fee)


def inverse_hedge_liquidation(
    long: Leg,
    short: Leg,
    wallet: Number,
    tiers: Sequence[Tier],
    others_maintenance: Number = 0,
    others_pnl: Number = 0,
    closing_fee: Number = 0,
) -> Hedge:
    """Return the prices that end an inverse long and short of one contract on a cross wallet, in coin."""
    _rising(tiers)
    rest = exact(wallet) - exact(others_maintenance) + exact(others_pnl)
    balance = inverse_hedge_balance(long, short, rest, tiers, closing_fee)
    span = _standing_span(balance, _points([exact(long[0]), exact(short[0])], tiers))
    if span is None:
        return Hedge(None, None, under_water=True)
    upper, lower = (None if at is None else 1 / at for at in span)
    return Hedge(lower, upper)


# --- clearing: CME, Coinbase Derivatives ----------------------------------------------------------


def clearing_margin(contracts: int, per_contract: Number) -> Fraction:
    """Return initial or maintenance margin: a sum per contract that the venue sets, whatever the price."""
    return contracts * exact(per_contract)


def margin_call_price(
    side: Side,
    contracts: int,
    contract_size: Number,
    entry: Number,
    wallet: Number,
    maintenance_per_contract: Number,
) -> Liquidation:
    """Return where ``wallet + s*n*size*(P - E)`` is the maintenance margin; there is no liquidation price."""
    direction = sign(side)
    size, opened = _positive(contracts * exact(contract_size), entry)
    kept = clearing_margin(contracts, maintenance_per_contract)

    def balance(price: Fraction) -> Fraction:
        return exact(wallet) + direction * size * (price - opened) - kept

    return _or_word(_walked_root(balance, direction, [Fraction(0), Fraction(1)]), direction)


def dated_loss_at_stop(lots: int, is_inverse: bool, **plan: object) -> dict[str, Fraction]:
    """Return the loss of a dated contract at its stop: that of its kind with no funding over the hold."""
    free = plan | {"funding_rate_total": 0}
    if is_inverse:
        return inverse.loss_at_stop(lots, **free)
    return sizing.loss_at_stop(lots=lots, **free)  # type: ignore[arg-type]
