"""The market around it: correlation, beta, health, sectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from lotwise.analysis.beta import lead_lag, rolling_beta
from lotwise.analysis.correlation import Aligned, aligned, log_returns
from lotwise.analysis.health import HealthBounds, market_health
from lotwise.analysis.rotation import AVERAGE, SPANS, rotation
from lotwise.analysis.sectors import sectors
from lotwise.app.analyze.part import Part
from lotwise.charts.heat import correlation as heat
from lotwise.charts.page import Picture
from lotwise.charts.rotation import rotation as corners
from lotwise.errors import InputError
from lotwise.market.check import lasting

if TYPE_CHECKING:
    from lotwise.app.analyze.source import Source

MOST: Final = 24
"""Symbols of one picture."""
LEADERS: Final = ("BTCUSDT", "ETHUSDT", "BTC-USDT", "BTC_USDT")
LEAST_ROWS: Final = 60
MINUS: Final = "\u2212"
SHARED: Final = 20
"""A contract that lacks more than one in so many of the bars is left out: it would cost all others theirs."""
TAIL: Final = 5
"""Points of a path through the corners."""


def others(source: Source) -> Part:
    """Correlations with the store's other contracts of the venue, betas, health, rotation."""
    part = Part("others", "The market around it")
    table = together(source)
    if table is None or len(table.names) < 2:
        part.note(
            f"The store has bars of no other contract of {source.venue} in this span: bring some to see"
            " correlation, beta and rotation.",
            "warning",
        )
        return part
    returns = log_returns(table.closes)
    leader = next((name for name in LEADERS if name in table.names), table.names[0])
    part.facts = {"contracts": list(table.names), "rows": len(returns), "leader": leader}
    _correlations(part, source, table, returns)
    _betas(part, source, table, returns, leader)
    _health(part, source, table, leader)
    _rotation(part, source, table, leader)
    return part


def together(source: Source) -> Aligned | None:
    """Closes of all contracts at the times they share; the contract itself is always among them."""
    import numpy as np

    names = [source.symbol, *(name for name in source.others() if name != source.symbol)]
    leading = [name for name in LEADERS if name in names]
    wanted = [*dict.fromkeys([source.symbol, *leading, *names])][:MOST]
    given = {name: found for name in wanted if (found := source.closes_of(name)) is not None}
    own = given[source.symbol][0]
    shared = {name: int(np.isin(own, times).sum()) for name, (times, _) in given.items()}
    series = {
        name: found for name, found in given.items() if SHARED * shared[name] >= (SHARED - 1) * len(own)
    }
    try:
        table = aligned({name: series[name] for name in sorted(series)})
    except InputError as error:
        if error.code == "ANALYSIS-511":  # no time that all of them have
            return None
        raise
    return table if len(table.closes) > LEAST_ROWS else None


def _correlations(part: Part, source: Source, table: Aligned, returns: Any) -> None:
    import numpy as np

    moved = returns.std(axis=0) > 0
    matrix = np.full((len(table.names), len(table.names)), math.nan)
    if int(moved.sum()) > 1:
        matrix[np.ix_(moved, moved)] = np.corrcoef(returns[:, moved].T)
    np.fill_diagonal(matrix, np.where(moved, 1.0, math.nan))
    me = table.names.index(source.symbol)
    part.facts["correlation"] = {
        name: (None if math.isnan(value) else round(float(value), 4))
        for name, value in zip(table.names, matrix[me], strict=True)
    }
    title = f"Correlation of {lasting(source.bar_ns)} returns, {len(returns):,} of them"
    shown = [name.removesuffix("USDT") for name in table.names]
    clean = np.clip((matrix + matrix.T) / 2, -1, 1)
    part.pictures.append(
        Picture(heat(shown, clean, title=title), "The darker the cell, the more two positions are one.")
    )


def _betas(part: Part, source: Source, table: Aligned, returns: Any, leader: str) -> None:
    window = len(returns)
    whole = rolling_beta(returns, table.names, window, leader)
    falling = rolling_beta(returns, table.names, window, leader, below=0.0)
    shrunk = whole.shrunk()
    rows, facts = [], {}
    at = list(table.names).index(leader)
    for i, name in enumerate(whole.names):
        lag = lead_lag(returns[:, list(table.names).index(name)], returns[:, at])
        beta, down = float(whole.beta[i, -1]), float(falling.beta[i, -1])
        facts[name] = {
            "beta": _rounded(beta),
            "error": _rounded(float(whole.error[i, -1])),
            "shrunk": _rounded(float(shrunk[i, -1])),
            "falling": _rounded(down),
            "lag_bars": lag.best,
        }
        late = (
            f"{lag.best} bars late" if lag.best > 0 else f"{-lag.best} early" if lag.best < 0 else "at once"
        )
        mark = "▸ " if name == source.symbol else ""
        cells = (f"{beta:.2f}", f"{float(shrunk[i, -1]):.2f}", f"{down:.2f}", late)
        rows.append([mark + name, *(cell.replace("nan", "–") for cell in cells)])
    part.facts["beta"] = facts
    rows.sort(key=lambda row: row[0].lstrip("▸ "))
    caption = f"Beta to {leader}: how far it goes when {leader} goes 1 %"
    part.table(caption, ("contract", "beta", "shrunk", "when it falls", "answers"), rows)


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _health(part: Part, source: Source, table: Aligned, leader: str) -> None:
    bounds = HealthBounds()
    if len(table.closes) < bounds.rows or len(table.names) < 3:
        part.note(f"Market health needs {bounds.rows:,} bars of three contracts.")
        return
    found = market_health(table.closes, table.names, leader, bounds)
    part.facts["health"] = {"grade": found.grade.name.lower(), "reasons": list(found.reasons)}
    kind = {"good": "good"}.get(found.grade.name.lower(), "warning")
    why = "; ".join(found.reasons) or "nothing speaks against it"
    part.note(f"Market health: {found.grade.name.lower()}. {why}.", kind)


def _rotation(part: Part, source: Source, table: Aligned, leader: str) -> None:
    spans = {name: bars for name, bars in SPANS.items() if 3 * bars < len(table.closes)}
    if not spans or len(table.closes) <= AVERAGE:
        return
    span = list(spans)[-1]
    map_of = sectors()
    tails: dict[str, tuple[list[float], list[float]]] = {}
    every = max(1, spans[span] // TAIL)
    for back in range(TAIL - 1, -1, -1):
        end = len(table.closes) - back * every
        if end <= max(AVERAGE, 2 * spans[span] + 2):
            continue
        found = rotation(table.closes[:end], table.names, map_of, leader, {span: spans[span]})
        for row in found.sectors:
            strength = row.over(span)
            xs, ys = tails.setdefault(row.name, ([], []))
            xs.append(100 + 100 * strength.to_basket)
            ys.append(100 + 100 * strength.momentum)
    newest = rotation(table.closes, table.names, map_of, leader, spans)
    part.facts["sectors"] = [
        {"sector": row.name, "members": list(row.members), "quadrant": row.over(span).quadrant.name.lower()}
        for row in newest.sectors
    ]
    rows = [
        [
            row.name,
            f"{100 * row.over(span).change:+.1f} %".replace("-", MINUS),
            f"{100 * row.over(span).to_basket:+.1f} %".replace("-", MINUS),
            row.over(span).quadrant.name.lower(),
            f"{row.above} of {len(row.members)}",
        ]
        for row in newest.sectors
    ]
    columns = ("sector", "change", "to the basket", "corner", "above average")
    part.table(f"Sectors over {span}", columns, rows)
    if tails:
        svg = corners(tails, title=f"Sector rotation over {span}")
        part.pictures.append(
            Picture(svg, "Right of the middle: stronger than the basket. Above: gaining on it.")
        )
