"""The tables of a review: what the terminal and the page both show."""

from __future__ import annotations

from typing import Any, Final

from lotwise.backtest.chapters import money, number
from lotwise.charts.page import Table
from lotwise.review.groups import Group
from lotwise.review.report import NAMED, READINGS, Review, chance_text, percent, ranged
from lotwise.units import cash_text

Rows = list[tuple[str, str, str]]
ENOUGH: Final = 10
"""Trades from which streaks and the share of the time in the market are worth a line."""


def summary(found: Review) -> Rows:
    """Label, value, note of every figure of all trades together."""
    whole, unit = found.totals, found.unit
    rows: Rows = []
    doubt = whole["expectancy"]
    if whole["mean"] is not None:
        about = f"{ranged(doubt['low'], doubt['high'], unit)}, {doubt['method']}" if doubt else "of one trade"
        rows.append(("expectancy", f"{number(whole['mean'], signed=True)} {unit}", about))
    share = whole["win_rate"]
    told = f"{percent(share['low'])} to {percent(share['high'])}; "
    told += f"{whole['wins']:,} won, {whole['losses']:,} lost"
    rows.append(("win rate", percent(share["value"], 1), told))
    rows += _gains(whole, unit)
    for one in whole["money"]:
        paid = f"after fees {money(one['fees'])} and funding {money(one['funding'], signed=True)}"
        fall = f"; deepest fall {money(one['fall'])}"
        rows.append(("money", f"{money(one['net'], signed=True)} {one['coin']}", paid + fall))
    plan = whole["planned"]
    if plan is not None:
        told = f"of {plan['count']:,} with a target; {plan['reached']:,} reached it, "
        told += f"{number(plan['actual_mean'], signed=True)} R came"
        rows.append(("planned", f"{number(plan['planned_mean'], signed=True)} R", told))
    fall = whole["fall"]
    if fall is not None and fall["depth"]:
        back = "recovered" if fall["recovered"] else "not recovered yet"
        told = f"trades {fall['from_trade'] + 1:,} to {fall['to_trade']:,}, {back}"
        rows.append(("deepest fall", f"{number(-fall['depth'])} {unit}", told))
    if whole["count"] >= ENOUGH:
        rows += _streaks(whole["streaks"])
    return rows + _costs(whole) + _time(whole)


def _gains(whole: dict[str, Any], unit: str) -> Rows:
    if whole["average_win"] is None and whole["average_loss"] is None:
        return []
    win = f"average win {number(whole['average_win'], signed=True)}" if whole["average_win"] else "no win"
    loss = f"average loss {number(-whole['average_loss'])}" if whole["average_loss"] else "no loss yet"
    payoff = f", payoff {number(whole['payoff'])}" if whole["payoff"] is not None else ""
    return [("profit factor", number(whole["profit_factor"]), f"{win}, {loss} {unit}{payoff}")]


def _streaks(streaks: dict[str, Any]) -> Rows:
    rows: Rows = []
    for name, label in (("losses", "losses in a row"), ("wins", "wins in a row")):
        one = streaks[name]
        told = f"chance alone gives {one['usual']}, up to {one['high']}; "
        told += f"so long or longer: {chance_text(one['chance'])}"
        rows.append((label, str(one["longest"]), told))
    together = streaks["clusters"]
    if together is not None and together["chance"] < 0.05:
        word = "in clusters" if together["runs"] < together["expected"] else "by turns"
        told = f"expected {number(together['expected'], 0)}; by chance {chance_text(together['chance'])}"
        rows.append((f"come {word}", f"{together['runs']:,} runs", told))
    return rows


def _costs(whole: dict[str, Any]) -> Rows:
    costs, stops = whole["costs"], whole["stops"]
    rows: Rows = []
    if costs["measured"]:
        share = f"{percent(costs['share'])} of what prices gave; " if costs["share"] is not None else ""
        told = f"{share}fees {number(costs['fees_r'], 3)}, funding {number(costs['funding_r'], 3)}"
        rows.append(("costs a trade", f"{number(costs['mean_r'], 3)} R", told))
    if stops["measured"]:
        told = (
            f"of {stops['measured']:,} stops, {stops['beyond']:,} beyond; worst {number(stops['worst_r'])} R"
        )
        rows.append(("slipped at stops", f"{number(stops['mean_r'], 3)} R", told))
    return rows


def _time(whole: dict[str, Any]) -> Rows:
    held = whole["time"]

    def span(hours: float | None) -> str:
        if hours is None:
            return "–"
        if hours < 1:
            return f"{number(hours * 60, 0)} min"
        return f"{number(hours, 1)} h" if hours < 48 else f"{number(hours / 24, 1)} d"

    told = f"the middle; wins {span(held['wins_median_hours'])}, losses {span(held['losses_median_hours'])}"
    rows: Rows = [("held", span(held["median_hours"]), told)]
    if held["exposure"] is not None and whole["count"] >= ENOUGH:
        rows.append(
            ("in the market", percent(held["exposure"]), f"{held['long']:,} long, {held['short']:,} short")
        )
    return rows


def ordered(found: Review, by: str) -> list[Group]:
    """Groups of one table as they are shown: those of time and markets in their order, others by total."""
    listed = found.groups.by(by)
    if by in ("hour", "weekday", "volatility", "trend"):
        return listed
    return sorted(listed, key=lambda one: (one.verdict == "no verdict", -one.total))


def group_table(found: Review, by: str, title: str, fold: bool = False) -> Table | None:
    """One way to divide the trades; ``None`` where it does not divide them."""
    listed = ordered(found, by)
    if not listed:
        return None
    unit = found.unit
    rows = []
    for one in listed:
        wide = "–" if one.low is None or one.high is None else ranged(one.low, one.high, "").strip()
        rows.append(
            (
                one.name,
                f"{one.count:,}",
                percent(one.wins / one.count),
                number(one.mean, signed=True),
                wide,
                number(one.total, signed=True),
                number(one.mae_of_wins, signed=True),
                number(one.mfe_of_losses, signed=True),
                READINGS[one.verdict],
            )
        )
    columns = (
        title,
        "n",
        "won",
        f"avg {unit}",
        "between",
        "total",
        "MAE of wins",
        "MFE of losses",
        "reading",
    )
    kept = [k for k in range(len(columns)) if k not in (6, 7) or any(row[k] != "–" for row in rows)]
    return Table(
        f"Figures by {title}",
        [columns[k] for k in kept],
        [[row[k] for k in kept] for row in rows],
        numbers=tuple(range(1, len(kept) - 1)),
        folded=fold,
    )


def breach_table(found: Review) -> Table | None:
    """Rules that were broken, and by which trades."""
    if not found.breaches.findings:
        return None
    coin = found.totals["money"][0]["coin"]
    rows = []
    for one in found.breaches.findings:
        names = found.names_of(one.rows, NAMED)
        more = len(one.rows) - len(names)
        apart = number(one.apart, signed=True)
        if one.apart_error is not None:
            apart += f" ± {number(one.apart_error)}"
        rows.append(
            (
                one.rule,
                f"{one.bound} ({one.source})",
                f"{len(one.rows):,}",
                number(one.made_r, signed=True) if one.counted_r else "–",
                money(cash_text(one.made_cash), signed=True),
                apart,
                " ".join(names) + (f" and {more:,} before" if more else ""),
            )
        )
    columns = ("rule", "bound", "n", "R", coin, "R apart", "trades")
    return Table("Rules that were broken", columns, rows, numbers=(2, 3, 4, 5))


def exit_table(found: Review) -> Table | None:
    """What other stops and targets would have made of these trades."""
    left = found.exits
    if not left.measured:
        return None
    rows = [
        (
            f"{one.kind} at {one.at_r:g} R",
            f"{one.touched:,}",
            number(one.mean, signed=True),
            number(one.change, signed=True),
        )
        for one in left.alternatives
        if one.touched
    ]
    columns = ("instead", "trades it ends", "mean R", "change")
    return Table(f"Other exits, of {left.measured:,} trades", columns, rows, numbers=(1, 2, 3))
