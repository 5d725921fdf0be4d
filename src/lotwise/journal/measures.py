"""What a round trip is measured by: its prices, R as planned and as it came, costs in R, MAE and MFE.

R is a result divided by the risk that was planned. All of it is exact: R in 1e-8, rounded down.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from lotwise.errors import InputError
from lotwise.ledger.holding import Holding, apply, in_order, worth_cash
from lotwise.records.journal import Fill, RoundTrip
from lotwise.units import SCALE, scaled_text


@dataclass(frozen=True)
class Plan:
    """What was meant: prices in 1e-8 of the quote, 0 where unknown."""

    stop8: int = 0
    target8s: tuple[int, ...] = ()
    entry8: int = 0
    risk_cash: int = 0
    """Money that was to be lost at most; 0: as the stop says."""
    stop_source: str = ""
    """``given`` or ``inferred``."""
    quantity8: int = 0
    """As the venue counts it, over all entries."""
    leverage100: int = 0


@dataclass(frozen=True)
class Rs:
    """A round trip in R, each in 1e-8; ``None`` where the risk is unknown or nothing is there."""

    risk_cash: int | None
    actual8: int | None
    planned8: int | None
    """Of the last target."""
    costs8: int | None


@dataclass(frozen=True)
class PriceBar:
    """The extremes of a stretch of time that begins at ``time_ns``; prices in 1e-8."""

    time_ns: int
    high8: int
    low8: int


@dataclass(frozen=True)
class Excursion:
    """Least and most that a position was worth while it was held, with what it had realised, before costs."""

    worst_cash: int
    """Lowest result that was seen; 0 where it was never below."""
    best_cash: int
    worst_ns: int
    best_ns: int
    worst8: int
    """Price at which it was worst, in 1e-8."""
    best8: int
    bars: int
    """Bars that lay wholly within the trade; with 0 only its own fills were seen."""


def average8(cash: int, quantity8: int, multiplier8: int, is_inverse: bool) -> int:
    """The average price of a quantity of that worth, in 1e-8 of the quote, rounded down."""
    if not quantity8 or not cash:
        return 0
    if is_inverse:
        return quantity8 * multiplier8 // cash
    return cash * SCALE * SCALE // (quantity8 * multiplier8)


def entry_price8(trip: RoundTrip) -> int:
    """Average price of the entries."""
    return average8(trip.entry_cash, trip.entry_quantity8, trip.multiplier8, trip.is_inverse)


def exit_price8(trip: RoundTrip) -> int:
    """Average price of the exits; 0 while there are none."""
    return average8(trip.exit_cash, trip.exit_quantity8, trip.multiplier8, trip.is_inverse)


def result_at_cash(trip: RoundTrip, price8: int) -> int:
    """What all that was entered would have gained at one price, before costs."""
    worth = worth_cash(price8, trip.entry_quantity8, trip.multiplier8, trip.is_inverse)
    return trip.side * (worth - trip.entry_cash) * (-1 if trip.is_inverse else 1)


def check_stop(trip: RoundTrip, stop8: int) -> None:
    """Refuse a stop that would not have lost.

    Raises
    ------
    InputError
        JOURNAL-105.
    """
    if stop8 <= 0 or result_at_cash(trip, stop8) >= 0:
        entry = scaled_text(entry_price8(trip))
        raise InputError(
            "JOURNAL-105",
            f"a stop at {scaled_text(stop8)} loses nothing of a {'long' if trip.side > 0 else 'short'} "
            f"entered at {entry}",
            f"give a price {'below' if trip.side > 0 else 'above'} {entry}",
        )


def in_r(trip: RoundTrip, plan: Plan | None) -> Rs:
    """A round trip in R, after all costs in the settle coin."""
    if plan is None:
        return Rs(None, None, None, None)
    risk = plan.risk_cash or (max(0, -result_at_cash(trip, plan.stop8)) if plan.stop8 else 0)
    if risk <= 0:
        return Rs(None, None, None, None)
    planned = result_at_cash(trip, plan.target8s[-1]) * SCALE // risk if plan.target8s else None
    actual = trip.net_cash * SCALE // risk if trip.closed_ns is not None else None
    costs = (trip.fee_cash - trip.funding_cash) * SCALE // risk
    return Rs(risk, actual, planned, costs)


def excursion(fills: Sequence[Fill], bars: Sequence[PriceBar], bar_ns: int) -> Excursion:
    """The worst and the best of a round trip.

    Prices seen are those of its fills and of the bars that lie wholly between two of them: a bar in which a
    fill happened may have had its extreme before or after, so it is left out rather than guessed at.

    Parameters
    ----------
    fills
        Of one round trip, in any order.
    bars
        Rising in time, each ``bar_ns`` long.
    """
    ordered = sorted(fills, key=in_order)
    holding, realised = Holding(), 0
    times = [bar.time_ns for bar in bars]
    start = ordered[0].time_ns
    worst = best = (0, start, ordered[0].price8)
    count = 0
    for number, fill in enumerate(ordered):
        realised += apply(holding, fill).realised_cash
        seen = [(fill.time_ns, fill.price8)]
        if number + 1 < len(ordered):
            end = ordered[number + 1].time_ns
            inside = bars[bisect_left(times, fill.time_ns) : bisect_left(times, end - bar_ns + 1)]
            seen += [(bar.time_ns, price8) for bar in inside for price8 in (bar.low8, bar.high8)]
            seen.append((end, ordered[number + 1].price8))
            count += len(inside)
        for time_ns, price8 in seen:
            cash = realised + _open_cash(holding, fill, price8)
            worst = (cash, time_ns, price8) if cash < worst[0] else worst
            best = (cash, time_ns, price8) if cash > best[0] else best
    return Excursion(
        worst_cash=worst[0],
        best_cash=best[0],
        worst_ns=worst[1],
        best_ns=best[1],
        worst8=worst[2],
        best8=best[2],
        bars=count,
    )


def _open_cash(holding: Holding, fill: Fill, price8: int) -> int:
    held = abs(holding.quantity8)
    if not held:
        return 0
    side = 1 if holding.quantity8 > 0 else -1
    worth = worth_cash(price8, held, fill.multiplier8, fill.is_inverse)
    return side * (worth - holding.entry_cash) * (-1 if fill.is_inverse else 1)
