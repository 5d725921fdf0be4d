"""Inverse contracts, exact: quoted in USD, settled in the coin; margin, liquidation and the loss at the stop.

Q is the size in USD (contracts times the USD of one contract).  Its *worth* at a price P is ``Q / P`` coins;
fees, margins and tiers are all taken of the worth, in the coin.  PnL is ``s * (Q/E - Q/P)``.

Equity less maintenance margin is straight in the worth between two caps of the tier table, not in the price.
The root is therefore walked over the worth and turned into a price at the end; the closed formulas that the
venues print are not used.  A liquidation price is a Fraction, or `NEVER`, or `ALWAYS` (under water at every
price).  A long falls as the worth grows and always has a price unless it is under water at once; a short that
is fully paid for (``margin >= Q/E``) can lose no more than it has.

Sources: Binance "How to Calculate Liquidation Price of COIN-M Futures Contracts" (FAQ ceccfcfb), "Leverage
and Margin of COIN-M" (FAQ be2c7d9d); Bybit help "Liquidation Price Calculation under Isolated Mode"
(2026-05-27 and before), "The New Margin Calculation" (2025-09-18) and 360039261334 (cross bankruptcy).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from . import sizing
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

NEVER = "never"
"""No price liquidates the position."""
ALWAYS = "always"
"""Every price does: the position is already under water."""

Liquidation = Fraction | str
"""A price, `NEVER` or `ALWAYS`."""


# --- worth, PnL, margin ---------------------------------------------------------------------------


def worth(quantity: Number, price: Number) -> Fraction:
    """Return the notional in coin, ``Q / P``."""
    return exact(quantity) / exact(price)


def unrealised_pnl(side: Side, quantity: Number, entry: Number, mark: Number) -> Fraction:
    """Return ``s * Q * (1/E - 1/P)`` in coin."""
    return sign(side) * (worth(quantity, entry) - worth(quantity, mark))


def initial_margin(quantity: Number, price: Number, leverage: Number) -> Fraction:
    """Return ``Q / (P * L)``: at the entry price to open, at the mark price as Binance shows it (V52)."""
    return worth(quantity, price) / exact(leverage)


def open_loss(side: Side, quantity: Number, price: Number, mark: Number) -> Fraction:
    """Return what a limit order loses if filled at once: ``Q * |min(0, s * (1/price - 1/mark))|``.

    Source: Binance FAQ be2c7d9d.
    """
    return abs(min(Fraction(0), unrealised_pnl(side, quantity, price, mark)))


def bankruptcy_price(
    side: Side, quantity: Number, entry: Number, margin: Number, closing_fee: Number = 0
) -> Liquidation:
    """Return where margin and loss leave exactly the fee of closing there (nothing where the fee is 0).

    It solves ``margin + s * (Q/E - y) = t * y`` for the worth y.  Source: Bybit help 360039261334 (V27);
    without a fee ``Q / (Q/E + margin)`` for a long.
    """
    size, opened = _positive(quantity, entry)
    direction = sign(side)
    closed_worth = (exact(margin) + direction * size / opened) / (direction + exact(closing_fee))
    if closed_worth > 0:
        return size / closed_worth
    return ALWAYS if direction > 0 else NEVER


# --- liquidation: maintenance margin by mark ------------------------------------------------------


def _price_at_root(
    direction: int, size: Fraction, balance: Callable[[Fraction], Fraction], tiers: Sequence[Tier]
) -> Liquidation:
    """Return the price at which the balance, a function of the worth, is zero."""
    root = _walked_root(balance, -direction, _breakpoints(Fraction(1), tiers))
    if root is None:
        return ALWAYS if direction > 0 else NEVER
    return size / root


def mark_balance(
    side: Side,
    quantity: Number,
    entry: Number,
    wallet: Number,
    tiers: Sequence[Tier],
    others_maintenance: Number = 0,
    others_pnl: Number = 0,
    closing_fee: Number = 0,
) -> Callable[[Fraction], Fraction]:
    """Return ``WB - TMM + UPNL + s * (Q/E - y) - MM(y) - t * y`` as a function of the worth y."""
    check_tiers(tiers)
    direction, fee = sign(side), exact(closing_fee)
    if max(tier.rate for tier in tiers) + fee >= 1:
        raise ValueError("maintenance rate and closing fee together take the whole worth")
    size, opened = _positive(quantity, entry)
    rest = exact(wallet) - exact(others_maintenance) + exact(others_pnl) + direction * size / opened

    def balance(at: Fraction) -> Fraction:
        return rest - direction * at - maintenance(tiers, at) - fee * at

    return balance


def liquidation_price(
    side: Side,
    quantity: Number,
    entry: Number,
    wallet: Number,
    tiers: Sequence[Tier],
    others_maintenance: Number = 0,
    others_pnl: Number = 0,
    closing_fee: Number = 0,
) -> Liquidation:
    """Return the mark price at which a one-way COIN-M position is liquidated.

    Isolated: `wallet` is the isolated wallet.  Cross: the cross wallet, with maintenance margin and PnL of
    the other positions, in coin, whose marks stand still.  `closing_fee` is the taker rate where the venue
    adds the fee of closing to the maintenance margin (Gate, OKX, BingX), else 0.
    """
    size, _ = _positive(quantity, entry)
    balance = mark_balance(side, quantity, entry, wallet, tiers, others_maintenance, others_pnl, closing_fee)
    return _price_at_root(sign(side), size, balance, tiers)


# --- Bybit inverse --------------------------------------------------------------------------------


def bybit_position_margin(
    side: Side, quantity: Number, entry: Number, leverage: Number, taker: Number, extra: Number = 0
) -> Fraction:
    """Return ``Q/(E*L) + fee to close + extra`` in coin; the fee is that of the bust price without extra.

    The worth at that bust price is ``Q/E * (1 + s/L)``.
    """
    size, opened = _positive(quantity, entry)
    opened_worth, part = size / opened, 1 / exact(leverage)
    fee_to_close = opened_worth * (1 + sign(side) * part) * exact(taker)
    return opened_worth * part + fee_to_close + exact(extra)


def bybit_bust_worth(
    side: Side, quantity: Number, entry: Number, leverage: Number, taker: Number, extra: Number = 0
) -> Fraction:
    """Return the worth at which margin and loss leave exactly the taker fee of closing there."""
    direction, fee = sign(side), exact(taker)
    margin = bybit_position_margin(side, quantity, entry, leverage, taker, extra)
    return (margin + direction * worth(quantity, entry)) / (direction + fee)


def bybit_new_liquidation_price(
    side: Side,
    quantity: Number,
    entry: Number,
    leverage: Number,
    tiers: Sequence[Tier],
    taker: Number,
    extra: Number = 0,
) -> Liquidation:
    """Return Bybit's isolated price since 2025-09-02: initial margin by entry, maintenance margin by mark.

    Liquidated where ``IM + X + s * (Q/E - y) = y*m - c + fee to close``.  The fee to close is t times the
    worth at the bust price in both margins; extra margin moves the bust price and so the fee on the right,
    which is where ``X / (1 + t)`` (long) and ``X / (1 - t)`` (short) of the published formulas come from.
    The tier is that of the worth at the answer.
    """
    check_tiers(tiers)
    direction = sign(side)
    size, opened = _positive(quantity, entry)
    margin = bybit_position_margin(side, quantity, entry, leverage, taker, extra)
    fee_to_close = exact(taker) * bybit_bust_worth(side, quantity, entry, leverage, taker, extra)

    def balance(at: Fraction) -> Fraction:
        equity = margin + direction * (size / opened - at)
        return equity - (maintenance(tiers, at) + fee_to_close)

    return _price_at_root(direction, size, balance, tiers)


def bybit_old_liquidation_price(
    side: Side, quantity: Number, entry: Number, leverage: Number, tiers: Sequence[Tier], extra: Number = 0
) -> Liquidation:
    """Return Bybit's isolated price of before 2025-09-02: both margins by entry, the tier that of entry.

    The position may lose ``IM + extra - MM`` coins, with ``IM = Q/(E*L)`` and ``MM = Q/E*m - c``; the fees
    to close stand in both and cancel.
    """
    check_tiers(tiers)
    size, opened = _positive(quantity, entry)
    opened_worth = size / opened
    affordable = opened_worth / exact(leverage) + exact(extra) - maintenance(tiers, opened_worth)
    closed_worth = opened_worth + sign(side) * affordable
    if closed_worth > 0:
        return size / closed_worth
    return ALWAYS if sign(side) > 0 else NEVER


# --- sizing: the loss at the stop, in coin --------------------------------------------------------


@dataclass(frozen=True)
class InverseStopPlan(sizing.StopPlan):
    """A :class:`sizing.StopPlan` whose legs hold USD and whose money is the coin.

    Prices move as for a linear contract: an entry that takes is filled half a spread worse than its price,
    the stop half a spread and the slippage worse than the stop price.  Each part is the difference in worth
    between two of these prices, so the parts add up to the whole whatever their order.
    """

    def __post_init__(self) -> None:
        """Refuse also an entry that half a spread would fill at or below zero."""
        super().__post_init__()
        if min(self.filled_at(price) for price, _ in self.trade.legs) <= 0:
            raise ValueError(f"spread {self.trade.spread} leaves no entry price above zero")

    def filled_at(self, price: Fraction) -> Fraction:
        """Return where a leg is filled."""
        return price + self.trade.direction * self.trade.entry_offset

    def entry_worth(self, lots: int, executed: bool = False) -> Fraction:
        """Return the coins of all legs at their prices, or at the prices they are filled at."""
        legs = zip(self.trade.legs, self.trade.leg_coins(lots), strict=True)
        return sum(
            (usd / (self.filled_at(price) if executed else price) for (price, _), usd in legs), Fraction(0)
        )

    def exact_loss(self, lots: int) -> dict[str, Fraction]:
        """Return the parts of the loss and their total in coin, nothing rounded."""
        trade, direction = self.trade, self.trade.direction
        usd, half = lots * trade.lot_coins, trade.spread / 2
        ordered, paid = self.entry_worth(lots), self.entry_worth(lots, executed=True)
        at_stop, behind = usd / self.stop, usd / (self.stop - direction * half)
        closed = usd / self.executed_exit
        parts = {
            "price": direction * (at_stop - ordered),
            "entry_fee": paid * trade.entry_fee,
            "exit_fee": closed * trade.exit_fee,
            "spread": direction * (ordered - paid) + direction * (behind - at_stop),
            "slippage": direction * (closed - behind),
            "funding": trade.funding_rate_total * max(ordered, at_stop),
        }
        return parts | {"total": sum(parts.values(), Fraction(0))}


def stop_plan(
    side: Side,
    legs: Sequence[sizing.Leg],
    tick_size: Number,
    lot_size: Number,
    contract_size: Number,
    stop: Number,
    spread: Number = 0,
    slippage: Number = 0,
    entry_fee: Number = 0,
    exit_fee: Number = 0,
    entry_is_taker: bool = True,
    funding_rate_total: Number = 0,
) -> InverseStopPlan:
    """Return the checked plan; `lot_size` counts contracts and `contract_size` is the USD of one contract."""
    steps = (tick_size, lot_size, contract_size)
    costs = (spread, entry_fee, exit_fee, funding_rate_total)
    trade = sizing.planned_trade(side, legs, steps, costs, entry_is_taker)
    return InverseStopPlan(trade, exact(stop), exact(slippage))


def loss_at_stop(lots: int, **plan: object) -> dict[str, Fraction]:
    """Return what `lots` lose at the stop in coin: the `sizing.PARTS` and their ``total``, exact.

    Takes the arguments of `stop_plan`.  A kernel that rounds each part of each leg up to 1e-8 answers
    between this total and this total plus ``(parts + legs) * 1e-8``.
    """
    return stop_plan(**plan).exact_loss(lots)  # type: ignore[arg-type]


def rounded_loss(lots: int, **plan: object) -> dict[str, Fraction]:
    """Return `loss_at_stop` with each part rounded up to 1e-8 once, and the total of these parts."""
    return stop_plan(**plan).rounded_loss(lots)  # type: ignore[arg-type]


def rounding_slack(legs: Sequence[sizing.Leg]) -> Fraction:
    """Return the most that rounding up may add to an exact loss: 1e-8 for every part and every leg."""
    return Fraction(len(sizing.PARTS) + len(legs), 10**8)


def largest_lots(budget: Number, added: Number = 0, **plan: object) -> int:
    """Return the largest lots whose exact loss plus `added` is within the budget; 0 if one is too much.

    With ``added=0`` it is the most that any rounding up can allow, with ``added=rounding_slack(legs)`` the
    least.
    """
    checked, money = stop_plan(**plan), exact(budget) - exact(added)  # type: ignore[arg-type]
    return _largest(checked, lambda lots: checked.exact_loss(lots)["total"] <= money)


def largest_lots_rounded(budget: Number, **plan: object) -> int:
    """Return the largest lots whose `rounded_loss` is within the budget."""
    checked, money = stop_plan(**plan), exact(budget)  # type: ignore[arg-type]
    return _largest(checked, lambda lots: checked.fits(lots, money))


def _largest(plan: InverseStopPlan, fits: Callable[[int], bool]) -> int:
    """Double until it no longer fits, then bisect; the loss grows with the lots."""
    sizing._check_searchable(plan)
    good, bad = 0, 1
    while fits(bad):
        good, bad = bad, 2 * bad
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def net_at_close(plan: InverseStopPlan, lots: int, close: Number) -> Fraction:
    """Return what closing everything as a taker at `close` leaves, in coin; the stop is not used.

    PnL between executed prices, less both fees and the funding of the larger worth.
    """
    trade, usd, price = plan.trade, lots * plan.trade.lot_coins, exact(close)
    executed = price - trade.direction * trade.spread / 2
    if executed <= 0:
        raise ValueError(f"spread {trade.spread} leaves no price above zero at {price}")
    paid, closed = plan.entry_worth(lots, executed=True), usd / executed
    funding = trade.funding_rate_total * max(plan.entry_worth(lots), usd / price)
    return trade.direction * (paid - closed) - paid * trade.entry_fee - closed * trade.exit_fee - funding


def break_even(plan: InverseStopPlan, lots: int) -> Fraction | None:
    """Return the first tick, on the winning way from the entry, at which closing leaves net >= 0; or None.

    Steps outward from a tick that loses, doubling, then bisects between the last loss and the first gain.
    """
    trade, tick = plan.trade, plan.trade.tick_size
    prices = [price for price, _ in trade.legs]
    start = (min(prices) if trade.direction == 1 else max(prices)) / tick - trade.direction

    def pays(steps: int) -> bool:
        price = (start + trade.direction * steps) * tick
        lowest = max(Fraction(0), trade.direction * trade.spread / 2)
        return price > lowest and net_at_close(plan, lots, price) >= 0

    losing, gaining = 0, 1
    last = 2**100 if trade.direction == 1 else max(1, int(start) - 1)  # a short's last price is one tick
    while not pays(gaining):
        if gaining >= last:
            return None
        losing, gaining = gaining, min(2 * gaining, last)
    while gaining - losing > 1:
        middle = (losing + gaining) // 2
        losing, gaining = (losing, middle) if pays(middle) else (middle, gaining)
    return (start + trade.direction * gaining) * tick
