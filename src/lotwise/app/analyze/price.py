"""Price, volume by price, trend and volatility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis.profile import Profile, of_bars, of_trades
from lotwise.analysis.profile_days import of_days, session_starts
from lotwise.analysis.regime import Bounds, Regimes, Volatility, regimes
from lotwise.app.analyze.part import Part
from lotwise.charts.candles import candles
from lotwise.charts.marks import Session
from lotwise.charts.page import Picture
from lotwise.market.check import at_time
from lotwise.units import grouped

if TYPE_CHECKING:
    from lotwise.app.analyze.source import Source

ROWS: Final = 160
"""Rows of a profile over the whole span, about."""
LAST_DAYS: Final = 10
NARROW: Final = 460


def price(source: Source) -> Part:
    """The span in figures, its trend and volatility, and the picture of it all."""
    bars, grid = source.bars, source.grid
    part = Part("price", "Price")
    first, last = int(bars.open_ticks[0]), int(bars.close_ticks[-1])
    high, low = int(bars.high_ticks.max()), int(bars.low_ticks.min())
    change = 100 * (last - first) / first
    part.facts = {
        "first": at_time(int(bars.time_ns[0])),
        "last": at_time(int(bars.time_ns[-1])),
        "bars": len(bars.time_ns),
        "tick_size": grid.tick_size,
        "open": grid.price(first),
        "high": grid.price(high),
        "low": grid.price(low),
        "close": grid.price(last),
        "change_percent": round(change, 2),
        "volume": grid.quantity(int(bars.lots.sum())),
    }
    profile = profile_of(source)
    found = regimes_of(source)
    rows = [
        [
            "close",
            grouped(grid.price(last)),
            f"{change:+.2f} % since {at_time(int(bars.time_ns[0]))}".replace("-", "\u2212", int(change < 0)),
        ],
        ["high", grouped(grid.price(high)), at_time(int(bars.time_ns[int(bars.high_ticks.argmax())]))],
        ["low", grouped(grid.price(low)), at_time(int(bars.time_ns[int(bars.low_ticks.argmin())]))],
        ["volume", grouped(grid.quantity(int(bars.lots.sum()))), source.span],
    ]
    if profile.control >= 0:
        poc, val, vah = area_ticks(profile)
        part.facts["profile"] = {
            "poc": grid.price(poc),
            "val": grid.price(val),
            "vah": grid.price(vah),
            "row": grid.price(profile.row_ticks),
            "from": "trades" if source.trades is not None else "bars, spread evenly over their range",
        }
        rows.append(["POC", grouped(grid.price(poc)), "the price with the most volume"])
        rows.append(["value area", f"{grouped(grid.price(val))} – {grouped(grid.price(vah))}", "70 % of it"])
    spans: list[Session] = []
    if found is not None:
        at = found.at()
        part.facts["regime"] = {
            "trend": at.trend.name.lower() if at.trend is not None else None,
            "volatility": at.volatility.name.lower() if at.volatility is not None else None,
            "adx": round(at.strength, 2),
            "efficiency": round(at.efficiency, 3),
            "volatility_rank": round(at.rank, 3),
        }
        if at.trend is not None and at.volatility is not None:
            told = f"volatility above {100 * at.rank:.0f} % of its past, ADX {at.strength:.0f}"
            rows.append(["regime", f"{at.trend.name.lower()}, {at.volatility.name.lower()}", told])
        spans = wild_spans(source, found)
    part.table("At the end of the span", ("", "value", "about"), rows)
    wide: dict[str, Any] = {
        "title": f"{source.name} · price and volume by price",
        "regimes": spans,
        "profile": profile if profile.control >= 0 else None,
        "lot_size": grid.lot_size,
        "unit": "coins",
    }
    part.pictures.append(
        Picture(
            candles(bars, grid.tick_size, **wide),
            "The bars at the left are the volume traded at each price; the darker ones are the value area."
            + (" Spans of calm and of wild markets are shaded below." if spans else ""),
            candles(bars, grid.tick_size, **wide, width=NARROW, height=260),
        )
    )
    return part


def profile_of(source: Source) -> Profile:
    """Volume by price of the span: exact from trades, spread from bars."""
    bars = source.bars
    row = max(1, (int(bars.high_ticks.max()) - int(bars.low_ticks.min())) // ROWS)
    if source.trades is None:
        return of_bars(bars.low_ticks, bars.high_ticks, bars.lots, row)
    grid = source.grid_of(source.trades)
    frame = source.trades.frame
    return of_trades(grid.ticks(frame["price"].to_numpy()), frame["quantity"].to_numpy(), row)


def area_ticks(profile: Profile) -> tuple[int, int, int]:
    """POC, VAL and VAH: the lowest prices of their rows, of VAH the highest."""
    base, row = profile.base_ticks, profile.row_ticks
    poc, val = base + profile.control * row, base + profile.value_low * row
    return poc, val, base + (profile.value_high + 1) * row - 1


def regimes_of(source: Source) -> Regimes | None:
    """Trend and volatility by bar, where there are bars enough."""
    bars, bounds = source.bars, Bounds()
    if len(bars.time_ns) < bounds.rows:
        return None
    high, low, close = (
        numbers.astype(float) for numbers in (bars.high_ticks, bars.low_ticks, bars.close_ticks)
    )
    return regimes(high, low, close, bounds)


def wild_spans(source: Source, found: Regimes) -> list[Session]:
    """Spans of calm and of wild markets, the longest ones: a picture holds only so many."""
    import numpy as np

    times, states = source.bars.time_ns, np.asarray(found.volatility)
    edges = np.flatnonzero(np.diff(states) != 0) + 1
    starts, ends = np.concatenate(([0], edges)), np.concatenate((edges, [len(states)]))
    names = {int(Volatility.CALM): "calm", int(Volatility.WILD): "wild"}
    spans = [
        (int(end - start), int(start), int(end), names[int(states[start])])
        for start, end in zip(starts, ends, strict=True)
        if int(states[start]) in names
    ]
    longest = sorted(sorted(spans, reverse=True)[:200], key=lambda span: span[1])
    last = int(times[-1]) + source.bar_ns
    return [
        Session(int(times[start]), int(times[end]) if end < len(times) else last, name)
        for _, start, end, name in longest
    ]


def profile_days(source: Source) -> Part:
    """The profile of each of the last days, and how the point of control moved."""
    part = Part("profile", "Volume by price, day by day")
    bars, grid = source.bars, source.grid
    open_ns, starts = session_starts(bars.time_ns)
    days = of_days(open_ns, starts, bars.low_ticks, bars.high_ticks, bars.lots, rows=200)
    profiles = list(days)
    rows, facts = [], []
    for i in range(max(0, len(open_ns) - LAST_DAYS), len(open_ns)):
        one = profiles[i]
        if one.control < 0:
            continue
        poc, val, vah = (grid.price(ticks) for ticks in area_ticks(one))
        day = at_time(int(open_ns[i]))[:10]
        close = int(bars.close_ticks[int(starts[i + 1]) - 1])
        where = "above" if close > area_ticks(one)[2] else "below" if close < area_ticks(one)[1] else "inside"
        facts.append({"day": day, "poc": poc, "val": val, "vah": vah, "close": where})
        rows.append([day, grouped(poc), grouped(val), grouped(vah), f"{where} the area"])
    part.facts = {"days": facts, "spread_from": "bars"}
    part.table("The last days, UTC", ("day", "POC", "VAL", "VAH", "it closed"), rows)
    part.note(
        "Bars do not say where in their range they traded: their volume is spread evenly over it."
        " From trades the profile is exact."
    )
    return part
