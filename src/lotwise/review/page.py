"""The page of a review: what pays and what to stop first, then its pictures and tables, in one file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any, Final

from lotwise.backtest.chapters import number
from lotwise.charts.bars import bar_table, histogram
from lotwise.charts.calendar import calendar_days, calendar_months
from lotwise.charts.lines import Series, lines
from lotwise.charts.page import Note, Picture, Section, Table, page
from lotwise.review.exits import WARNING
from lotwise.review.groups import TITLES
from lotwise.review.pictures import scatter, whiskers
from lotwise.review.report import Review, percent, ranged
from lotwise.review.table import UNKNOWN
from lotwise.review.tables import breach_table, exit_table, group_table, ordered, summary
from lotwise.review.totals import main_coin, measured_in
from lotwise.units import SCALE

WIDE: Final = 900
NARROW: Final = 360
LONG_CALENDAR_DAYS: Final = 92
MOST_DRAWN: Final = 20_000
"""Results in a histogram; of more, every so many are drawn."""
FOLDED: Final = ("hour", "weekday", "venue", "side")
FOOTER: Final = "Made by lotwise from your own journal. The past does not say what comes."
KINDS: Final = {"pays": "good", "stop": "warning"}


def page_of(found: Review, title: str, subtitle: str = "") -> str:
    """The whole page as HTML text."""
    sections = [
        Section("What pays, what to stop", _first(found)),
        Section("The course of it", _course(found)),
        Section("How trades ended", _ends(found)),
        Section("What the trades had in common", _groups(found)),
        Section("Rules broken", _breaches(found)),
        Section("Other exits", _exits(found)),
        Section("How to read this", _basis(found)),
    ]
    return page(title, sections, subtitle=subtitle, footer=FOOTER)


Part = Picture | Table | Note


def _both(draw: Callable[[int], str], caption: str = "", wide: int = WIDE) -> Picture:
    return Picture(draw(wide), caption, draw(NARROW))


def _first(found: Review) -> list[Part]:
    notes: list[Part] = [Note(one.text, KINDS.get(one.kind, "note")) for one in found.said]
    return [*notes, Table("All trades together", ("", "value", "about"), summary(found), numbers=(1,))]


def _course(found: Review) -> list[Part]:
    import numpy as np

    table, unit = found.table, found.unit
    _, values = measured_in(table)
    known = ~np.isnan(values)
    days = found.days
    where = (
        f"Trades closed on each day, {found.zone}."
        if found.zone is not UTC
        else "Trades closed on each day, UTC."
    )
    parts: list[Part] = []
    if days:
        parts.append(
            _both(lambda width: calendar_days(days, title=f"Days in {unit}", unit=unit, width=width), where)
        )
        if (max(days) - min(days)).days > LONG_CALENDAR_DAYS:
            parts.append(
                _both(lambda width: calendar_months(days, title=f"Months in {unit}", unit=unit, width=width))
            )
    if known.any():
        sums = np.cumsum(values[known])
        times, made = _by_time(table.closed_ns[known], sums)
        parts.append(
            _both(
                lambda width: lines(
                    [Series("", times, made)],
                    title=f"Sum of results in {unit}",
                    unit=unit,
                    area=True,
                    zero=True,
                    width=width,
                    height=200,
                ),
                "Each trade counts when it is closed.",
            )
        )
    if unit == "R":
        coin = main_coin(table)
        mine = table.coin.codes == table.coin.names.index(coin)
        spent, cash = _by_time(table.closed_ns[mine], np.cumsum(table.net_cash[mine]) / SCALE)
        parts.append(
            _both(
                lambda width: lines(
                    [Series("", spent, cash)],
                    title=f"Sum of results in {coin}",
                    unit=coin,
                    area=True,
                    zero=True,
                    width=width,
                    height=140,
                ),
                "The same in money: where the two part, sizes differed.",
            )
        )
    return parts


def _by_time(times: Any, sums: Any) -> tuple[Any, Any]:
    """The last point of each moment."""
    import numpy as np

    last = np.flatnonzero(np.append(np.diff(times) > 0, True))
    return times[last], sums[last]


def _ends(found: Review) -> list[Part]:
    import numpy as np

    table, unit = found.table, found.unit
    _, values = measured_in(table)
    known = values[~np.isnan(values)]
    some = known[:: -(-len(known) // MOST_DRAWN)] if len(known) else known
    parts: list[Part] = []
    if len(some):
        width_of_bin = _bin(some) if unit == "R" else None
        parts.append(
            _both(
                lambda width: histogram(
                    some.tolist(),
                    title="Results of the trades",
                    unit=unit,
                    bin_width=width_of_bin,
                    width=width,
                ),
                "How many trades made how much, costs in.",
            )
        )
    r, worst, best = table.r, table.in_r(table.mae_cash), table.in_r(table.mfe_cash)
    seen = ~(np.isnan(r) | np.isnan(worst) | np.isnan(best))
    if seen.any():
        parts.append(
            _both(
                lambda width: scatter(
                    worst[seen],
                    best[seen],
                    r[seen],
                    title="MAE and MFE before the end",
                    width=width,
                ),
                "Dashed: where 1 R was lost, and where 1 R was made. What lies farther stands at the edge.",
            )
        )
    plan = found.totals["planned"]
    if plan is not None:
        parts.append(
            _both(
                lambda width: bar_table(
                    ["planned", "came"],
                    [round(plan["planned_mean"], 3), round(plan["actual_mean"], 3)],
                    title="Planned and actual result of a trade",
                    unit="R",
                    width=width,
                ),
                f"{plan['reached']:,} of {plan['count']:,} trades with a target reached it.",
                wide=640,
            )
        )
    return parts


def _bin(values: Any) -> float | None:
    reach = float(values.max() - values.min())
    return next((width for width in (0.1, 0.25, 0.5, 1.0) if reach / width <= 40), None)


def _groups(found: Review) -> list[Part]:
    parts: list[Part] = []
    for by, title in TITLES.items():
        table = group_table(found, by, title, fold=by in FOLDED)
        if table is None:
            continue
        listed = [one for one in ordered(found, by) if one.low is not None][:24]
        if len(listed) > 1 or (by == "tag" and listed):
            parts.append(
                _both(
                    lambda width, listed=listed, title=title: whiskers(  # type: ignore[misc]
                        listed, title=f"By {title}", unit=found.unit, width=width
                    ),
                    wide=720,
                )
            )
        parts.append(table)
    looks = found.groups.looks
    if not parts:
        return [Note("All that is known of the trades is the same of each: nothing to compare.")]
    told = (
        f"{looks} groups have 30 trades or more. With so many looks some seem special by chance, so each "
        f"interval is widened to {100 * found.groups.level:.2f} %: "
        "all of them hold together with 95 % (Bonferroni)."
    )
    return [
        Note(told if looks else "No group has 30 trades: there is no verdict on any of them yet."),
        *parts,
    ]


def _breaches(found: Review) -> list[Part]:
    table = breach_table(found)
    broken = found.breaches
    if table is None:
        return [Note("None of the rules that can be checked was broken.", "good")]
    mean = number(broken.clean_mean, signed=True)
    clean = f" Trades that broke none before they ended made {mean} R on average."
    told = (
        f"{broken.trades:,} trades broke a rule; together they made {number(broken.made_r, signed=True)} R."
    )
    more = (
        "R apart: their mean less that of trades that broke no rule before they ended, ± half of its 95 % "
        "interval from 30 trades on."
    )
    return [Note(told + (clean if broken.clean_mean is not None else ""), "note"), table, Note(more)]


def _exits(found: Review) -> list[Part]:
    left = found.exits
    table = exit_table(found)
    if table is None:
        return [Note("How far trades went is not known: lotwise journal measure finds it from bars.")]
    parts: list[Part] = [Note(WARNING, "warning")]
    trial = left.trial
    if trial is None:
        parts.append(Note("There are too few trades to choose in some and judge in others."))
    else:
        later = trial.later_change
        exit_of = f"a {trial.chosen.kind} at {trial.chosen.at_r:g} R"
        told = f"Chosen in the first {trial.earlier:,} trades: {exit_of}, "
        told += f"{number(trial.earlier_change, signed=True)} R a trade there. "
        if later is None:
            told += f"Only {trial.later:,} trades came after: no verdict yet."
        else:
            changed = number(later.value, signed=True)
            told += f"In the {trial.later:,} after them it changed the mean by {changed} R "
            told += f"({ranged(later.low, later.high, 'R')}): {trial.verdict}."
        parts.append(Note(told, "good" if trial.verdict == "held" else "note"))
    parts.append(table)
    back = left.scratches
    if back is not None:
        rows = [
            (
                "scratches",
                f"{back.count:,}",
                f"within 0.1 R of 0; {number(back.total_r, signed=True)} R together",
            ),
            ("after a gain", f"{back.after_gain:,}", "of them had stood at 1 R or more"),
            (
                "gave a gain back",
                f"{back.gave_back:,}",
                f"stood at 1 R and lost {number(abs(back.gave_back_r))} R",
            ),
            (
                "kept at break-even",
                f"{number(back.saved_r)} R",
                "by a stop at the entry from 1 R on, after costs",
            ),
            (
                "may cost",
                percent(back.bearable) if back.bearable is not None else "–",
                f"of the {number(back.winners_r)} R that {back.winners:,} winners made from there; "
                "how many would have been scratched is not known",
            ),
        ]
        parts.append(Table("Scratches and a stop at break-even", ("", "value", "about"), rows, numbers=(1,)))
    return parts


def _basis(found: Review) -> list[Part]:
    whole = found.totals
    doubt = whole["expectancy"]
    method = f" The expectancy's interval: {doubt['method']}." if doubt is not None else ""
    known = int((found.table.mae_cash != UNKNOWN).sum())
    texts = [
        f"R is a result after fees and funding over what was to be lost at the stop. {whole['measured']:,} "
        f"of {whole['count']:,} trades are measured in {found.unit}.{method}",
        "Win rate: Wilson's interval. Groups: Hall's transformation, which minds that results lean to one "
        "side. Intervals take trades as independent of each other.",
        f"MAE and MFE, the worst and the best before a trade ended, are known of {known:,} trades: from bars "
        "that lie wholly between two fills, and from the fills.",
        "Fees paid in another coin than the settle coin are in the journal and not in these figures.",
    ]
    missing = whole["notes"]["missing"]
    if missing:
        texts.append(f"{missing:,} trades have no note; the last: {' '.join(whole['notes']['last'])}.")
    return [Note(text) for text in texts]
