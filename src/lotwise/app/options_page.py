"""A comparison of a future and an option as a picture and as a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lotwise.app.options_payoff import number_of
from lotwise.charts.lines import Series, curve
from lotwise.charts.page import Note, Picture, Section, Table, page
from lotwise.records.options import BoughtOption, OptionComparison
from lotwise.units import grouped

WIDE: Final = 900
NARROW: Final = 360
MINUS: Final = "\u2212"
FOOTER: Final = "Made by lotwise. The option's worth before its expiry is an estimate by a model."


def payoff_svg(found: OptionComparison, width: int = WIDE) -> str:
    """Both over the price, when the option expires, and the option on the nearer day.

    Raises
    ------
    InputError
        CHART-1xx a width out of range.
    """
    where = [number_of(point.price) for point in found.curve]
    kind = "option" if found.option is None else found.option.kind
    series = [
        Series("future", where, [number_of(point.future) for point in found.curve]),
        Series(f"{kind} at expiry", where, [number_of(point.option_expiry) for point in found.curve]),
        Series(
            f"{kind} after {found.near_days} days",
            where,
            [number_of(point.option_near) for point in found.curve],
        ),
    ]
    title = f"{found.contract} {found.side}: future or {kind}"
    unit = f"result, {found.settle}"
    return curve(series, title=title, where_unit="price", unit=unit, width=width, height=320)


def page_of(found: OptionComparison) -> str:
    """The whole page as HTML text."""
    if found.option is None:
        block = found.blocked_by
        told = [Note(block.text if block else "nothing fits", "warning")]
        told += [Note(way.text) for way in found.ways_out]
        return page(_title(found), [Section("Nothing fits", told)], footer=FOOTER)
    sections = [
        Section("By price", [_both(lambda width: payoff_svg(found, width)), _prices(found)]),
        Section("By path", [_paths(found)]),
        Section("What is bought", [_bought(found, found.option)]),
        Section(
            "What to know",
            [Note(text, "warning") for text in found.warnings] + [Note(text) for text in found.notes],
        ),
    ]
    return page(_title(found), sections, footer=FOOTER)


def _title(found: OptionComparison) -> str:
    return f"{found.contract} {found.side}: a future with a stop, or a bought option"


def _both(draw: Callable[[int], str]) -> Picture:
    caption = "The future is out at its stop and stays out; the option lives until it expires."
    return Picture(draw(WIDE), caption, draw(NARROW))


def _money(text: str) -> str:
    return grouped(text).replace("-", MINUS)


def _prices(found: OptionComparison) -> Table:
    near, days = f"after {found.near_days} days", found.option.expiry_days if found.option else ""
    columns = ("price", "what it is", f"future, {near}", f"option, {near}", f"future, {days} days", "option")
    rows = [
        (
            grouped(row.price),
            row.name,
            _money(row.future_near),
            _money(row.option_near),
            _money(row.future_expiry),
            _money(row.option_expiry),
        )
        for row in found.rows
    ]
    return Table(f"Results in {found.settle}, costs in", columns, rows, numbers=(0, 2, 3, 4, 5))


def _paths(found: OptionComparison) -> Table:
    rows = [(row.name, row.text, _money(row.future), _money(row.option)) for row in found.paths]
    caption = f"Ways that the price goes in {found.near_days} days, {found.settle}"
    return Table(caption, ("path", "the price", "future", "option, about"), rows, numbers=(2, 3))


def _bought(found: OptionComparison, option: BoughtOption) -> Table:
    rows = [
        ("future", f"{found.future.quantity} {found.future.quantity_unit}", f"stop at {grouped(found.stop)}"),
        ("at risk at the stop", _money(found.future.loss_at_stop or "0.00"), found.settle),
        ("option", f"{option.amount} {found.future.base}", f"{option.kind} {grouped(option.strike)}"),
        ("it costs", _money(option.cost), f"{found.settle}, the most it loses"),
        ("volatility", f"{float(option.volatility):.2%}", "a year"),
        ("delta", option.delta, "coins, about"),
        ("theta", _money(option.theta_day), f"{found.settle} a day, about"),
    ]
    return Table("The two", ("", "value", "about"), rows, numbers=(1,))
