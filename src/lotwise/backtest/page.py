"""The page of a run: figures with their pictures, in one file without a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from lotwise.backtest.chapters import number
from lotwise.backtest.measure import DAY_NS, Measured
from lotwise.backtest.report import Report
from lotwise.charts.bars import bar_table, histogram
from lotwise.charts.calendar import calendar_days, calendar_months
from lotwise.charts.candles import candles
from lotwise.charts.lines import Series, equity, lines
from lotwise.charts.marks import Level, Trade
from lotwise.charts.notebook import fragment
from lotwise.charts.page import Note, Picture, Section, Table, page
from lotwise.charts.thin import Bars
from lotwise.kernel.layout import RATE
from lotwise.market.check import at_time

if TYPE_CHECKING:
    Rows = Any
    Numbers = Any

WIDE: Final = 900
NARROW: Final = 460
BEFORE: Final = 40
"""Bars shown before an example's entry; half as many after its exit."""
LONG_CALENDAR_DAYS: Final = 92
FOOTER: Final = "Made by lotwise from market data of your own. The past does not say what comes."


def page_of(report: Report, found: Measured, feed: Rows) -> str:
    """The whole page as HTML text.

    Parameters
    ----------
    feed
        The rows that were played: examples are drawn from them.
    """
    pictures: dict[str, list[Picture]] = {
        "result": _result(found, report.facts["settle"]),
        "trades": _trades(found),
        "costs": _costs(report),
        "signals": _signals(report),
        "groups": _groups(report),
    }
    about = report.facts
    sections = []
    for chapter in report.chapters:
        parts: list[Picture | Table | Note] = []
        parts += [*pictures.get(chapter.name, []), *chapter.tables, *chapter.notes]
        if chapter.name == "result":  # the verdict first, what is to be said about the rules last
            said = [note for note in chapter.notes if note.text not in about["warnings"]]
            more = [note for note in chapter.notes if note.text in about["warnings"]]
            parts = [*said, *chapter.tables, *pictures["result"], *more]
        if parts:
            sections.append(Section(chapter.title, parts))
        if chapter.name == "costs":
            examples = _examples(found, feed)
            if examples:
                sections.append(Section("Some trades", examples))
    names = ", ".join(one["id"] for one in about["contracts"])
    return page(
        report.title,
        sections,
        subtitle=f"{names} · {about['first']} to {about['last']} UTC · {about['bars']:,} bars",
        footer=FOOTER,
    )


def shown(report: Report, found: Measured) -> str:
    """The result for a notebook: its figures, what is to be said of them, equity and R; no script."""
    about = report.facts
    parts: list[Picture | Table | Note] = []
    for chapter in report.chapters:
        if chapter.name == "result":
            parts += [*chapter.notes, *chapter.tables]
    pictures = _result(found, about["settle"])[:1] + _trades(found)[:1]
    parts += [Picture(one.svg, one.caption) for one in pictures]
    names = ", ".join(one["id"] for one in about["contracts"])
    under = f"{names} · {about['first']} to {about['last']} UTC · {about['bars']:,} bars"
    return fragment(report.title, parts, under)


def _both(draw: Callable[[int], str], caption: str = "", wide: int = WIDE) -> Picture:
    """A picture for screens and for telephones."""
    return Picture(draw(wide), caption, draw(NARROW))


def _result(found: Measured, settle: str) -> list[Picture]:
    times, money = found.times_ns, found.equity_cash / RATE
    rising = _rising(times)
    pictures = [
        _both(
            lambda width: equity(times[rising], money[rising], title="Equity", unit=settle, width=width),
            "All money by the hour, open positions in it; below, how far it is under its peak.",
        )
    ]
    if len(found.trades):
        pictures += _calendar(found)
    curve = found.played.curve
    if len(curve) and int(curve["exposure_cash"].max()) > 0:
        leverage = curve["exposure_cash"] / curve["equity_cash"].clip(1)
        pictures.append(
            _both(
                lambda width: lines(
                    [Series("", curve["time_ns"], leverage)],
                    title="Worth of all positions over the equity",
                    unit="times",
                    area=True,
                    zero=True,
                    width=width,
                    height=110,
                )
            )
        )
    return pictures


def _rising(times: Numbers) -> Numbers:
    """The last point of each time."""
    import numpy as np

    return np.flatnonzero(np.append(np.diff(times) > 0, True))


def _calendar(found: Measured) -> list[Picture]:
    days: dict[str, float] = {}
    numbers, r = (found.trades.closed_ns // DAY_NS).tolist(), found.trades.r.tolist()
    for place, result in zip(numbers, r, strict=True):
        day = at_time(place * DAY_NS)[:10]
        days[day] = days.get(day, 0.0) + result
    caption = "Results of the trades closed on each day, UTC."
    pictures = [_both(lambda width: calendar_days(days, title="Days in R", width=width), caption)]
    if max(numbers) - min(numbers) > LONG_CALENDAR_DAYS:
        pictures.append(_both(lambda width: calendar_months(days, title="Months in R", width=width)))
    return pictures


def _trades(found: Measured) -> list[Picture]:
    if not len(found.trades):
        return []
    r = found.trades.r.tolist()
    pictures = [
        _both(
            lambda width: histogram(r, title="Results of the trades", width=width, bin_width=_bin(r)),
            "How many trades made how many R, costs in.",
        )
    ]
    won = found.trades.result_cash > 0
    for title, values, caption in (
        (
            "How far trades that won had gone against (MAE)",
            found.trades.mae_r[won],
            "A stop nearer than these would have ended them.",
        ),
        (
            "How far trades that did not win had gone for it (MFE)",
            found.trades.mfe_r[~won],
            "A target nearer than these would have been reached.",
        ),
    ):
        if len(values):
            labels, counts, notes = steps(values)
            pictures.append(
                _both(
                    lambda width, title=title, rows=(labels, counts, notes): bar_table(  # type: ignore[misc]
                        rows[0], rows[1], title=title, unit="trades", notes=rows[2], width=width
                    ),
                    caption,
                    wide=640,
                )
            )
    return pictures


def _bin(values: Sequence[float]) -> float | None:
    """A width of bins that are at most some forty."""
    reach = max(values) - min(values)
    return next((width for width in (0.1, 0.25, 0.5, 1.0) if reach / width <= 40), None)


STEPS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


def steps(values: Numbers) -> tuple[list[str], list[int], list[str]]:
    """Counts by steps of R: labels, counts and shares; steps beyond the largest are left out."""
    import numpy as np

    edges = [*STEPS, np.inf]
    counts = [int(((values >= low) & (values < high)).sum()) for low, high in pairwise(edges)]
    labels = [
        f"{low:g} – {high:g} R" if high < np.inf else f"{low:g} R and more" for low, high in pairwise(edges)
    ]
    last = max(i for i, count in enumerate(counts) if count) + 1
    notes = [f"{100 * count / len(values):.0f} %" for count in counts]
    return labels[:last], counts[:last], notes[:last]


def _costs(report: Report) -> list[Picture]:
    costs = report.facts["costs"]
    if not report.facts["trades"]["count"]:
        return []
    labels = ["price moves", "fees", "funding", "liquidations", "closed trades"]
    values = [
        float(costs["move"]),
        -float(costs["fees"]),
        -float(costs["funding"]),
        -float(costs["insurance"]),
    ]
    values = [round(value, 2) for value in [*values, float(costs["result"])]]
    kept = [i for i, label in enumerate(labels) if values[i] or label != "liquidations"]
    return [
        _both(
            lambda width: bar_table(
                [labels[i] for i in kept],
                [values[i] for i in kept],
                title="From price moves to the result",
                unit=report.facts["settle"],
                width=width,
            ),
            wide=640,
        )
    ]


def _signals(report: Report) -> list[Picture]:
    refusals = report.facts["refusals"]
    if not refusals:
        return []
    return [
        _both(
            lambda width: bar_table(
                [one["rule"].replace("_", " ") for one in refusals],
                [one["count"] for one in refusals],
                title="Signals refused, by rule",
                unit="signals",
                width=width,
            ),
            wide=640,
        )
    ]


def _groups(report: Report) -> list[Picture]:
    hours = report.facts["by"]["hour"]
    if not hours:
        return []
    by_name = {one["name"]: one for one in hours}
    names = [f"{hour:02d}" for hour in range(24)]
    return [
        _both(
            lambda width: bar_table(
                names,
                [by_name[name]["mean_r"] if name in by_name else 0 for name in names],
                title="Mean result by hour of the entry",
                unit="R; UTC",
                notes=[f"{by_name[name]['count']:,} trades" if name in by_name else "none" for name in names],
                width=width,
            ),
            "Few trades an hour make large means by chance alone.",
            wide=640,
        )
    ]


# -- examples --------------------------------------------------------------------------------------


def _examples(found: Measured, feed: Rows) -> list[Picture]:
    """The best, the worst, one in the middle, and one that is ambiguous, where there is one."""
    import numpy as np

    trades = found.trades
    if not len(trades):
        return []
    order = np.argsort(trades.r, kind="stable")
    chosen = {int(order[-1]): "The best", int(order[0]): "The worst"}
    chosen.setdefault(int(order[len(order) // 2]), "One in the middle")
    doubtful = np.flatnonzero(trades.ambiguous > 0)
    if len(doubtful):
        chosen.setdefault(int(doubtful[0]), "One with a bar that reaches both stop and target")
    return [_example(found, feed, i, name) for i, name in chosen.items()]


def _example(found: Measured, feed: Rows, i: int, name: str) -> Picture:
    """A trade as candles: entry, first stop, first target and exit."""
    import numpy as np

    trades, place = found.trades, int(found.trades.contract[i])
    contract = found.played.contracts[place]
    at = np.flatnonzero(feed["contract"] == place)
    first = int(np.searchsorted(at, trades.opened_row[i]))
    last = int(np.searchsorted(at, trades.closed_row[i], side="right"))
    some = feed[at[max(0, first - BEFORE) : last + BEFORE // 2]]
    unit, side = int(trades.unit_cash[i]), int(trades.side[i])
    entry, out = (round(int(column[i]) / unit) for column in (trades.entry_cash, trades.exit_cash))
    opened, closed = int(trades.opened_ns[i]), int(trades.closed_ns[i])
    stop = int(trades.stop_ticks[i])
    levels = [Level(entry, "entry", "entry"), Level(stop, "first stop", "stop")]
    signal = int(trades.signal[i])
    if 0 <= signal < len(found.played.signals):
        goals = found.played.signals[signal]
        levels += [
            Level(int(goals[f"target_ticks_{k}"]), f"target {k}", "target")
            for k in range(1, 5)
            if goals[f"target_share8_{k}"] > (goals[f"target_share8_{k - 1}"] if k > 1 else 0)
        ]
    bars = Bars(*(some[column] for column in _BAR_COLUMNS))
    marks = [Trade(opened, entry, "long" if side > 0 else "short"), Trade(closed, out, "exit")]
    told = number(float(trades.r[i]), signed=True)
    reasons = found.played.reasons
    why = f" Why: {reasons[signal]}." if 0 <= signal < len(reasons) and reasons[signal] else ""
    caption = (
        f"{name}: {'long' if side > 0 else 'short'} {contract.quantity_text(int(trades.lots[i]))}"
        f" {contract.quantity_unit}, {at_time(opened)[:16]} to {at_time(closed)[:16]} UTC, {told} R.{why}"
    )
    return _both(
        lambda width: candles(
            bars,
            contract.tick_size,
            title=f"{contract.id}, {told} R",
            levels=levels,
            trades=marks,
            stop_path=[(opened, stop), (closed, None)],
            lot_size=contract.lot_size,
            unit=contract.quantity_unit,
            width=width,
            height=260,
        ),
        caption,
    )


_BAR_COLUMNS: Final = ("time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")
