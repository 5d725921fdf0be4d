"""A round trip over its market: bars, entries, exits, the stop's path, the worst and the best price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from lotwise.errors import InputError
from lotwise.journal.measures import Excursion, PriceBar, entry_price8, excursion, in_r
from lotwise.journal.notes import Story
from lotwise.records.journal import Fill, RoundTrip
from lotwise.units import cash_text, scaled_text

AROUND: Final = 20
"""Bars shown before and after a trade, at least."""
DECIMALS: Final = 8


@dataclass(frozen=True)
class MarketBars:
    """Bars of the store around a trade; prices in units of 10 ** -decimals."""

    time_ns: list[int]
    open: list[int]
    high: list[int]
    low: list[int]
    close: list[int]
    volume: list[int]
    bar_ns: int
    decimals: int
    volume_decimals: int

    def extremes(self) -> list[PriceBar]:
        """The bars as the measures want them."""
        more = 10 ** (DECIMALS - self.decimals)
        return [
            PriceBar(time_ns, high * more, low * more)
            for time_ns, high, low in zip(self.time_ns, self.high, self.low, strict=True)
        ]


def market_bars(trip: RoundTrip, fills: Sequence[Fill], root: Path | None = None) -> MarketBars | None:
    """The bars of the market store from before a trade to after it; none where the store lacks them.

    Parameters
    ----------
    root
        The folder of the market store; the user's own where it is not given.
    """
    from lotwise.market.kinds import BARS
    from lotwise.market.store import Series, Store, own_folder

    try:
        store = Store(root or own_folder())
        series = Series(trip.venue, trip.contract, BARS)
        first, last = fills[0].time_ns, max(fill.time_ns for fill in fills)
        day = 86_400 * 10**9
        rows, scale = store.scan(series, _moment(first - day), _moment(last + day))
    except InputError as error:
        if error.code in ("DATA-205", "DATA-201"):
            return None
        raise
    frame = rows.select("time_ns", "open", "high", "low", "close", "volume").collect()
    times: list[int] = frame["time_ns"].to_list()
    if len(times) < 2 or scale.price > DECIMALS:
        return None
    bar_ns = min(after - before for before, after in pairwise(times))
    room = max((last - first) // 2, AROUND * bar_ns)
    frame = frame.filter((frame["time_ns"] > first - room - bar_ns) & (frame["time_ns"] < last + room))
    if not len(frame):
        return None
    return MarketBars(
        time_ns=frame["time_ns"].to_list(),
        open=frame["open"].to_list(),
        high=frame["high"].to_list(),
        low=frame["low"].to_list(),
        close=frame["close"].to_list(),
        volume=frame["volume"].to_list(),
        bar_ns=bar_ns,
        decimals=scale.price,
        volume_decimals=scale.quantity,
    )


def _moment(time_ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1_000)


def excursion_of(fills: Sequence[Fill], bars: MarketBars | None) -> Excursion:
    """The worst and the best, from the bars of the store where it has them."""
    return excursion(fills, bars.extremes() if bars else [], bars.bar_ns if bars else 1)


def picture(trip: RoundTrip, fills: Sequence[Fill], story: Story, bars: MarketBars) -> str:
    """The picture as SVG.

    Raises
    ------
    InputError
        CHART-1xx as :func:`lotwise.charts.candles.candles`.
    """
    from lotwise.charts.candles import candles
    from lotwise.charts.marks import Level, Session, Trade
    from lotwise.charts.thin import Bars

    prices = [fill.price8 for fill in fills] + [price8 for _, price8 in story.stops]
    plan = story.plan
    if plan is not None:
        prices += [price8 for price8 in (plan.stop8, *plan.target8s) if price8]
    seen = excursion_of(fills, bars)
    decimals = max(bars.decimals, *(_decimals(price8) for price8 in prices))
    finer, unit8 = 10 ** (decimals - bars.decimals), 10 ** (DECIMALS - decimals)
    levels = [Level(entry_price8(trip) // unit8, "entry", "entry")]
    if plan is not None:
        levels += [Level(plan.stop8 // unit8, "stop", "stop")] if plan.stop8 else []
        levels += [
            Level(price8 // unit8, f"target {number}", "target")
            for number, price8 in enumerate(plan.target8s, 1)
        ]
    risk = in_r(trip, plan).risk_cash
    levels.append(Level(seen.worst8 // unit8, f"MAE {_worth(seen.worst_cash, risk)} at", "other"))
    levels.append(Level(seen.best8 // unit8, f"MFE {_worth(seen.best_cash, risk)} at", "other"))
    last = bars.time_ns[-1] + bars.bar_ns
    opening = "long" if trip.side > 0 else "short"
    marks = [
        Trade(fill.time_ns, fill.price8 // unit8, opening if fill.side == trip.side else "exit")
        for fill in fills
    ]
    return candles(
        Bars(
            time_ns=bars.time_ns,
            open_ticks=[price * finer for price in bars.open],
            high_ticks=[price * finer for price in bars.high],
            low_ticks=[price * finer for price in bars.low],
            close_ticks=[price * finer for price in bars.close],
            lots=bars.volume,
            bar_ns=bars.bar_ns,
        ),
        scaled_text(1, decimals),
        title=f"{trip.venue}:{trip.contract} {opening} {trip.trip_id}: "
        f"{_worth(trip.net_cash, risk if trip.closed_ns is not None else None, trip.coin)}",
        levels=levels,
        trades=marks,
        stop_path=_stop_path(trip, story, unit8),
        sessions=[Session(trip.opened_ns, last if trip.closed_ns is None else trip.closed_ns, "held")]
        if trip.closed_ns != trip.opened_ns
        else [],
        lot_size=scaled_text(1, bars.volume_decimals),
        unit="contracts" if trip.is_inverse else "coins",
    )


def _worth(cash: int, risk_cash: int | None, coin: str = "") -> str:
    """Money, and what it is in R where the risk is known: ``-10.00 USDT, -2.00 R``."""
    money = f"{cash_text(cash)} {coin}".rstrip()
    return f"{money}, {scaled_text(cash * 100 // risk_cash, 2, 2)} R" if risk_cash else money


def _stop_path(trip: RoundTrip, story: Story, unit8: int) -> list[tuple[int, int | None]]:
    """The stop from the entry on, through its moves, until the trade was closed."""
    path: list[tuple[int, int | None]] = []
    if story.plan is not None and story.plan.stop8:
        path.append((trip.opened_ns, story.plan.stop8 // unit8))
    path += [(max(time_ns, trip.opened_ns), price8 // unit8) for time_ns, price8 in story.stops]
    if path and trip.closed_ns is not None:
        path = [step for step in path if step[0] <= trip.closed_ns]
        path.append((trip.closed_ns, None))
    return path


def _decimals(price8: int) -> int:
    places = DECIMALS
    while places and price8 % 10 == 0:
        price8 //= 10
        places -= 1
    return places
