"""Journal, review and plan as sections of pictures and tables, made of the library's own answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lotwise.charts.page import Note, Picture, Section, Table
from lotwise.errors import InputError
from lotwise.guard.values import zone_of
from lotwise.units import cash_text, grouped, scaled_text, shown_down
from lotwise.web.site import Site
from lotwise.web.times import moment_text

if TYPE_CHECKING:
    from lotwise.journal.shelf import Journal
    from lotwise.review.report import Review

MOST_TRADES: Final = 100
WIDE, NARROW = 900, 360
TRADES: Final = (
    "closed",
    "contract",
    "side",
    "quantity",
    "entry",
    "exit",
    "net",
    "R",
    "fees",
    "funding",
    "why",
)
NUMBERS: Final = (3, 4, 5, 6, 7, 8, 9)
KEPT_TOGETHER: Final = "\u00a0"
"""A space where a line does not break."""
NOTHING: Final = ("REVIEW-102",)


@contextmanager
def shelf(site: Site) -> Iterator[Journal]:
    """The journal, for one page."""
    from lotwise.journal.shelf import Journal

    journal = Journal.at(site.journal)
    try:
        yield journal
    finally:
        journal.close()


def journal_sections(site: Site, zone: str) -> list[Section]:
    """Course and trades."""
    from lotwise.journal.export import rows_of
    from lotwise.journal.shelf import Wanted

    account = site.desk.config.account if site.desk else ""
    with shelf(site) as journal:
        trips = journal.page(Wanted(account=account), limit=MOST_TRADES)
        if not trips:
            return []
        rows = rows_of(journal, trips)
        count = journal.count(Wanted(account=account))
    sections = []
    found = _review(site, zone)
    if found is not None:
        sections.append(Section("The course of it", course(found)))
    caption = f"{len(rows)} of {count:,} trades, the newest first; times in {zone}"
    sections.append(
        Section("Trades", [Table(caption, TRADES, [trade_row(row, zone) for row in rows], numbers=NUMBERS)])
    )
    return sections


def trade_row(row: dict[str, Any], zone: str) -> tuple[str, ...]:
    """A trade; money cut to cents, R to hundredths."""
    closed = row["closed_ns"]
    return (
        moment_text(closed, zone).replace(" ", KEPT_TOGETHER) if closed else "open",
        f"{row['venue']}:{row['contract']}",
        f"{'▲' if row['side'] == 'long' else '▼'}{KEPT_TOGETHER}{row['side']}",
        scaled_text(row["most_quantity8"]),
        grouped(scaled_text(row["entry_price8"])),
        grouped(scaled_text(row["exit_price8"])) if row["exit_price8"] else "",
        f"{_signed(shown_down(cash_text(row['net_cash']), 2))} {row['coin']}",
        _signed(shown_down(scaled_text(row["r8"]), 2)) if row["r8"] is not None else "–",
        shown_down(cash_text(row["fee_cash"]), 2),
        _signed(shown_down(cash_text(row["funding_cash"]), 2)),
        row["reason"],
    )


def _signed(text: str) -> str:
    return text.replace("-", "−") if text.startswith("-") else f"+{text}"


def _review(site: Site, zone: str) -> Review | None:
    """The review of the closed trades; None where there are none."""
    from lotwise.app.review import Asked, reviewed

    account = site.desk.config.account if site.desk else ""
    with shelf(site) as journal:
        try:
            return reviewed(journal, Asked(account=account, zone=zone_of(zone)))
        except InputError as error:
            if error.code in NOTHING:
                return None
            raise


def _both(draw: Callable[[int], str], caption: str = "") -> Picture:
    return Picture(draw(WIDE), caption, draw(NARROW))


def course(found: Review) -> list[Picture | Table | Note]:
    """The calendar of results."""
    from lotwise.charts.calendar import calendar_days

    days, unit = found.days, found.unit
    if not days:
        return []
    return [
        _both(
            lambda width: calendar_days(days, title=f"Days in {unit}", unit=unit, width=width),
            "Trades closed on each day.",
        )
    ]


def review_sections(site: Site, zone: str) -> list[Section]:
    """What pays, the groups, what was broken, what other exits would have made."""
    from lotwise.review.groups import TITLES
    from lotwise.review.tables import breach_table, exit_table, group_table, summary

    found = _review(site, zone)
    if found is None:
        return []
    kinds = {"pays": "good", "stop": "warning"}
    first: list[Picture | Table | Note] = [Note(one.text, kinds.get(one.kind, "note")) for one in found.said]
    first.append(Table("All trades together", ("", "value", "about"), summary(found), numbers=(1,)))
    groups = [group_table(found, by, title) for by, title in TITLES.items()]
    sections = [Section("What pays, what to stop", first)]
    if found.days:
        sections.append(Section("The course of it", course(found)))
    sections.append(Section("What the trades had in common", [one for one in groups if one is not None]))
    for title, table in (("Rules broken", breach_table(found)), ("Other exits", exit_table(found))):
        if table is not None:
            sections.append(Section(title, [table]))
    return sections


def plan_sections(site: Site) -> list[Section]:
    """What a trade may risk, how far the gates are, how it went."""
    from lotwise.app.plan import standing
    from lotwise.scaling.history import history_of
    from lotwise.scaling.keep import KeptPlan
    from lotwise.scaling.pictures import course as way
    from lotwise.scaling.pictures import gate_bars

    if site.plan is None:
        return []
    found = standing(site.plan, site.clock)
    kept = KeptPlan(site.plan)
    try:
        history = history_of(kept.plan.config, kept.events(), int(site.clock.now_ns()))
    finally:
        kept.close()
    limits, coin = found.limits, found.coin
    phases = [
        ("● done" if at < found.number else "◐ now" if at == found.number else "○ to come", name, what)
        for at, (name, what) in enumerate(found.phases)
    ]
    now = [
        ("risk of a trade", f"{grouped(cash_text(limits.risk_cash))} {coin}", found.said_of_risk),
        ("capital", f"{grouped(cash_text(limits.capital_cash))} {coin}", f"since {found.since}"),
    ]
    if limits.next_step_cash is not None:
        now.append(("next step up at", f"{grouped(cash_text(limits.next_step_cash))} {coin}", ""))
    gates = [(one.name, one.asked, one.found, "✓ open" if one.is_open else "✗ closed") for one in found.gates]
    asked: list[Picture | Table | Note] = [Note("This is the last phase: nothing more is asked.")]
    if gates:
        title = f"Gates of {limits.phase}"
        asked = [
            _both(lambda width: gate_bars(found.gates, title=title, width=width)),
            Table("What the next phase asks for", ("gate", "asked", "found", ""), gates, folded=True),
        ]
    about = "Equity as the plan was told it. Paper money never becomes live money."
    return [
        Section(
            "Now", [Table(f"{found.name}: what a trade may risk", ("", "value", "about"), now, numbers=(1,))]
        ),
        Section("Gates", asked),
        Section("Phases", [Table("The phases of the plan", ("", "phase", "what it is"), phases)]),
        Section(
            "How it went",
            [_both(lambda width: way(history, title=f"The way of {found.name}", width=width), about)],
        ),
    ]
