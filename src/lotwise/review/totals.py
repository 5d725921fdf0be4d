"""What all trades of a review say together, each figure with its doubt.

Figures are in R where the risk of a trade is known, else in the coin; ``unit`` says which. Money is exact
and never mixed between coins.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from lotwise.review.table import UNKNOWN, Reviewed, total
from lotwise.stats import drawdown
from lotwise.stats.intervals import RESAMPLES, Interval, bootstrap_mean, wilson
from lotwise.stats.means import skewed_mean
from lotwise.stats.runs import clusters, longest_of
from lotwise.stats.trades import FEWEST
from lotwise.units import SCALE, cash_text

if TYPE_CHECKING:
    Numbers = Any

Facts = dict[str, Any]
MOST_DRAWN: Final = 20_000_000
"""Values that a bootstrap draws: two tenths of a second on one core."""
LEAST_RESAMPLES: Final = 2_000
HOUR_NS: Final = 3_600 * 10**9


def main_coin(table: Reviewed) -> str:
    """The coin of the most trades; of equal ones the first of the alphabet."""
    import numpy as np

    counts = np.bincount(table.coin.codes, minlength=len(table.coin.names))
    return table.coin.names[int(np.argmax(counts))] if len(table) else ""


def measured_in(table: Reviewed) -> tuple[str, Numbers]:
    """The unit of a review's statistics, and each trade's result in it; NaN where it has none."""
    import numpy as np

    r = table.r
    if bool((~np.isnan(r)).any()):
        return "R", r
    coin = main_coin(table)
    mine = table.coin.codes == table.coin.names.index(coin)
    return coin, np.where(mine, table.net_cash / SCALE, np.nan)


def interval_of(values: Numbers, seed: int) -> Interval | None:
    """The interval of a mean: from a bootstrap; of many trades by Hall's transformation."""
    count = len(values)
    if count < 2:
        return None
    if count * LEAST_RESAMPLES > MOST_DRAWN:
        return skewed_mean(values)
    return bootstrap_mean(values, resamples=min(RESAMPLES, MOST_DRAWN // count), seed=seed)


def verdict_of(count: int, interval: Interval | None) -> str:
    """``positive``, ``negative``, ``undecided`` or ``no verdict``."""
    if count < FEWEST or interval is None:
        return "no verdict"
    return "positive" if interval.low > 0 else "negative" if interval.high < 0 else "undecided"


def as_facts(interval: Interval | None) -> Facts | None:
    """An interval for JSON."""
    if interval is None:
        return None
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "method": interval.method,
    }


def totals(table: Reviewed, seed: int = 7) -> Facts:
    """All trades together: count, money, expectancy, win rate, streaks, falls, costs, time.

    A trade wins where its money after costs is above 0, whether its risk is known or not.
    """
    import numpy as np

    unit, values = measured_in(table)
    known = values[~np.isnan(values)]
    interval = interval_of(known, seed)
    won, lost = known[known > 0], known[known < 0]
    wins = int((table.net_cash > 0).sum())
    return {
        "count": len(table),
        "unit": unit,
        "measured": len(known),
        "without_risk": len(table) - int((~np.isnan(table.r)).sum()),
        "wins": wins,
        "losses": int((table.net_cash < 0).sum()),
        "win_rate": as_facts(wilson(wins, len(table))),
        "expectancy": as_facts(interval),
        "mean": float(known.mean()) if len(known) else None,
        "total": math.fsum(known.tolist()),
        "verdict": verdict_of(len(known), interval),
        "profit_factor": float(won.sum() / -lost.sum()) if len(lost) else None,
        "payoff": float(won.mean() / -lost.mean()) if len(won) and len(lost) else None,
        "average_win": float(won.mean()) if len(won) else None,
        "average_loss": float(-lost.mean()) if len(lost) else None,
        "best": float(known.max()) if len(known) else None,
        "worst": float(known.min()) if len(known) else None,
        "money": money(table),
        "planned": planned(table),
        "streaks": streaks(table),
        "fall": _fall(known),
        "costs": costs(table),
        "stops": stops(table),
        "time": held(table),
        "notes": _notes(table),
    }


def money(table: Reviewed) -> list[Facts]:
    """Each coin's results, exact, and the deepest fall of their sum; the coin of the most trades first."""
    import numpy as np

    found = []
    for code, coin in enumerate(table.coin.names):
        mine = table.coin.codes == code
        if not mine.any():
            continue
        net = table.net_cash[mine]
        running = np.concatenate([[0], np.cumsum(net)])
        fall = int((np.maximum.accumulate(running) - running).max())
        gains, losses = total(net[net > 0]), -total(net[net < 0])
        found.append(
            {
                "coin": coin,
                "count": int(mine.sum()),
                "net": cash_text(total(net)),
                "fees": cash_text(total(table.fee_cash[mine])),
                "funding": cash_text(total(table.funding_cash[mine])),
                "fall": cash_text(fall),
                "profit_factor": gains / losses if losses else None,
            }
        )
    return sorted(found, key=lambda one: -int(str(one["count"])))


def planned(table: Reviewed) -> Facts | None:
    """What was planned beside what came, of the trades that had a target and a known risk."""
    import numpy as np

    r = table.r
    rows = (table.planned_r8 != UNKNOWN) & ~np.isnan(r)
    if not rows.any():
        return None
    meant, came = table.planned_r8[rows] / SCALE, r[rows]
    return {
        "count": int(rows.sum()),
        "planned_mean": float(meant.mean()),
        "actual_mean": float(came.mean()),
        "reached": int((came >= 0.9 * meant).sum()),  # costs take up to a tenth of a target
        "kept": float(came.sum() / meant.sum()) if meant.sum() > 0 else None,
    }


def streaks(table: Reviewed) -> Facts:
    """The longest rows of wins and of losses, what chance gives, and whether they come in clusters."""
    found: Facts = {}
    for name, flags in (("wins", table.net_cash > 0), ("losses", table.net_cash < 0)):
        run = longest_of(flags)
        found[name] = {
            "longest": run.longest,
            "usual": run.usual,
            "high": run.high,
            "chance": run.chance,
        }
    seen = clusters(table.net_cash > 0)
    found["clusters"] = (
        None if seen is None else {"runs": seen.runs, "expected": seen.expected, "chance": seen.chance}
    )
    return found


def _fall(known: Numbers) -> Facts | None:
    if not len(known):
        return None
    fall = drawdown.of_results(known)
    return {
        "depth": fall.depth,
        "from_trade": fall.peak_at,
        "to_trade": fall.bottom_at,
        "recovered": fall.recovered_at is not None or not fall.depth,
        "longest": fall.longest,
    }


def costs(table: Reviewed) -> Facts:
    """What fees and funding took of each R, and of what the prices gave."""
    import numpy as np

    fees, funding = table.in_r(table.fee_cash), table.in_r(-table.funding_cash)
    known = ~np.isnan(fees)
    if not known.any():
        return {"measured": 0}
    drag = fees[known] + funding[known]
    gross = float(table.r[known].sum() + drag.sum())
    return {
        "measured": int(known.sum()),
        "fees_r": float(fees[known].mean()),
        "funding_r": float(funding[known].mean()),
        "total_r": float(drag.sum()),
        "mean_r": float(drag.mean()),
        "gross_r": gross,
        "share": float(drag.sum()) / gross if gross > 0 else None,
    }


def stops(table: Reviewed) -> Facts:
    """Slippage at stops, of the trades that one stop ended and whose stop is known."""
    import numpy as np

    slip = table.in_r(table.slip_cash)
    known = slip[~np.isnan(slip)]
    told = int(sum(1 for code in table.exit_kind.codes.tolist() if table.exit_kind.names[code] == "stop"))
    if not len(known):
        return {"ended_by_stop": told, "measured": 0}
    return {
        "ended_by_stop": told,
        "measured": len(known),
        "mean_r": float(known.mean()),
        "worst_r": float(known.max()),
        "total_r": float(known.sum()),
        "beyond": int((known > 0).sum()),
    }


def held(table: Reviewed) -> Facts:
    """How long trades were held, and how much of the time something was."""
    import numpy as np

    span = table.closed_ns - table.opened_ns
    order = np.argsort(table.opened_ns, kind="stable")
    opened, ends = table.opened_ns[order], np.maximum.accumulate(table.closed_ns[order])
    before = np.concatenate([[opened[0]], ends[:-1]])
    covered = total(np.maximum(0, ends - np.maximum(opened, before)))
    whole = int(ends[-1] - opened[0])

    def middle(rows: Numbers) -> float | None:
        return float(np.median(span[rows])) / HOUR_NS if rows.any() else None

    return {
        "median_hours": middle(np.ones(len(table), np.bool_)),
        "wins_median_hours": middle(table.net_cash > 0),
        "losses_median_hours": middle(table.net_cash < 0),
        "longest_hours": float(span.max()) / HOUR_NS,
        "exposure": covered / whole if whole else None,
        "long": int((table.side > 0).sum()),
        "short": int((table.side < 0).sum()),
    }


def _notes(table: Reviewed) -> Facts:
    import numpy as np

    rows = np.flatnonzero(~table.noted)
    return {"missing": len(rows), "last": [table.names.at(int(row)) for row in rows[-5:][::-1]]}
