"""``lotwise journal``: every trade remembered: put in, brought from a venue's files, looked at, taken out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from lotwise.cli.data import venue_and_symbol
from lotwise.cli.screen import Output, Screen, signed
from lotwise.clock import SystemClock
from lotwise.errors import InputError
from lotwise.units import grouped, parse_cash, parse_scaled

if TYPE_CHECKING:
    from lotwise.journal.measures import Plan
    from lotwise.journal.shelf import Journal
    from lotwise.records.journal import RoundTrip

family = App(
    name="journal", help="Every trade remembered: add, list, show, note, tag, measure, import, export."
)

Place = Annotated[str, Parameter(name=["--journal"])]
Zone = Annotated[str, Parameter(name=["--zone"])]


@contextmanager
def shelf(db: str, *, begins: bool = False) -> Iterator[Journal]:
    """The journal, closed when the command is done; one that is named must be there unless it begins."""
    from lotwise.journal.shelf import Journal

    journal = Journal.at(db or None) if begins else Journal.there(db or None)
    try:
        yield journal
    finally:
        journal.close()


def zone_of(name: str) -> tzinfo:
    """The time zone that was asked for, else ``LOTWISE_ZONE``, else UTC.

    Raises
    ------
    InputError
        JOURNAL-130 where nobody knows it.
    """
    from zoneinfo import ZoneInfo

    wanted = name or os.environ.get("LOTWISE_ZONE", "")
    if not wanted or wanted.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(wanted)
    except (KeyError, ValueError, OSError):
        raise InputError(
            "JOURNAL-130", f"there is no time zone {wanted!r}", "write it as Europe/Berlin, or UTC"
        ) from None


def time_of(text: str, zone: tzinfo, name: str) -> int:
    """A date or a time as ns UTC.

    Raises
    ------
    InputError
        JOURNAL-131 where it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "JOURNAL-131", f"{name} is {text!r}: no time", "write 2025-05-04 or 2025-05-04 12:30"
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def shown_time(time_ns: int | None, zone: tzinfo) -> str:
    """A time of the journal, to the second."""
    if time_ns is None:
        return "open"
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


@family.command(name="add")
def added(
    contract: str,
    side: str,
    quantity: str,
    price: str,
    /,
    *,
    time: str = "",
    fee: str = "0",
    account: str = "main",
    trade_id: Annotated[str, Parameter(name=["--id"])] = "",
    size: str = "",
    stop: str = "",
    target: tuple[str, ...] = (),
    risk: str = "",
    reason: str = "",
    setup: str = "",
    zone: Zone = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Write a fill down by hand; fills of one contract become trades by themselves.

    Parameters
    ----------
    contract
        binance:BTCUSDT.
    side
        buy or sell.
    quantity
        As the venue counts it: coins, or contracts.
    price
        At which it filled.
    time
        When, in the journal's time zone; now where it is not given.
    fee
        Paid, in the coin it settles in.
    account
        Which of your accounts.
    trade_id
        The venue's id, so that an import does not bring the fill again.
    size
        Coins in one contract, where the catalogue does not know it.
    stop
        Where the stop was meant to be.
    target
        Where profits were to be taken; once for each.
    risk
        Money that was to be lost at most; else what the stop says.
    reason
        Why.
    setup
        What kind of trade.
    zone
        Time zone of the journal: Europe/Berlin; else LOTWISE_ZONE, else UTC.
    db
        The journal: a file, or postgresql://...; else LOTWISE_JOURNAL, else in your data folder.
    output
        How to answer.
    """
    from lotwise.journal.byhand import fill_by_hand
    from lotwise.journal.notes import Notes

    venue, symbol = venue_and_symbol(contract)
    now_ns = SystemClock().now_ns()
    when = time_of(time, zone_of(zone), "--time") if time else now_ns
    fill = fill_by_hand(
        venue,
        symbol,
        side,
        quantity,
        price,
        time_ns=when,
        fee=fee,
        account=account,
        trade_id=trade_id,
        size=size,
    )
    plan = plan_of(stop, target, risk)
    if plan is not None and plan.stop8 and (fill.price8 - plan.stop8) * fill.side <= 0:
        raise InputError(
            "JOURNAL-105",
            f"a stop at {stop} loses nothing of what is {'bought' if fill.side > 0 else 'sold'} at {price}",
            f"give a price {'below' if fill.side > 0 else 'above'} {price}; nothing was added",
        )
    with shelf(db, begins=True) as journal:
        done, _ = journal.add([fill])
        trip = journal.trip_at(fill)
        if plan is not None or reason or setup:
            Notes(journal).plan(trip, plan or _no_plan(), now_ns=now_ns, reason=reason, setup=setup)
        return _answer_trip(journal, trip, "added" if done.new else "known already", output)


@family.command(name="show")
def shown(
    trade: str,
    /,
    *,
    picture: Path | None = None,
    market: Annotated[Path | None, Parameter(name=["--market"])] = None,
    zone: Zone = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """One trade: its fills, what was planned, what it cost, how far it went against you and for you.

    Parameters
    ----------
    trade
        Its name, or the first four or more digits of it.
    picture
        Draw it into this .svg file, where the market store has bars of it.
    market
        The folder of the market store; else LOTWISE_STORE.
    zone
        Time zone of the journal.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.cli import journal_show

    with shelf(db) as journal:
        return journal_show.answer(
            journal, journal.trip(trade), zone_of(zone), picture=picture, market=market, output=output
        )


@family.command(name="note")
def noted(
    trade: str,
    text: str = "",
    /,
    *,
    prompt: str = "",
    picture: tuple[Path, ...] = (),
    stop: str = "",
    target: tuple[str, ...] = (),
    risk: str = "",
    reason: str = "",
    setup: str = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Write what you thought, answer a prompt, say where the stop was, keep a picture.

    Parameters
    ----------
    trade
        Its name, or the first four or more digits of it.
    text
        The note.
    prompt
        It answers this prompt: plan, entry, exit, state or lesson.
    picture
        A picture to keep a copy of.
    stop
        Where the stop was meant to be.
    target
        Where profits were to be taken; once for each.
    risk
        Money that was to be lost at most.
    reason
        Why the trade was taken.
    setup
        What kind of trade it was.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.journal.notes import Notes

    now_ns = SystemClock().now_ns()
    plan = plan_of(stop, target, risk)
    if not (text or picture or plan or reason or setup):
        raise InputError(
            "JOURNAL-104", "there is nothing to note", 'lotwise journal note ID "what you thought"'
        )
    with shelf(db) as journal:
        trip, notes = journal.trip(trade), Notes(journal)
        with notes.together():
            if plan is not None or reason or setup:
                notes.plan(trip, plan or _no_plan(), now_ns=now_ns, reason=reason, setup=setup)
            if text:
                notes.note(trip, text, now_ns=now_ns, prompt=prompt)
            for path in picture:
                notes.attach(trip, path, now_ns=now_ns)
        return _answer_trip(journal, trip, "noted", output)


@family.command(name="tag")
def tagged(
    trade: str,
    /,
    *tags: str,
    off: bool = False,
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Put tags on a trade, or take them off.

    Parameters
    ----------
    trade
        Its name, or the first four or more digits of it.
    tags
        One word each.
    off
        Take them off.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.journal.notes import Notes

    if not tags:
        raise InputError("JOURNAL-104", "no tag is named", "lotwise journal tag ID breakout")
    with shelf(db) as journal:
        trip = journal.trip(trade)
        Notes(journal).tag(trip, tags, now_ns=SystemClock().now_ns(), on=not off)
        return _answer_trip(journal, trip, "tagged", output)


def plan_of(stop: str, target: Sequence[str], risk: str) -> Plan | None:
    """What was planned, if anything was said."""
    from lotwise.journal.measures import Plan

    if not (stop or target or risk):
        return None
    risk_cash = parse_cash(risk, "--risk") if risk else 0
    if risk and risk_cash <= 0:
        raise InputError("JOURNAL-105", f"--risk is {risk}", "give the money that was to be lost at most")
    return Plan(
        stop8=parse_scaled(stop, "--stop") if stop else 0,
        target8s=tuple(parse_scaled(one, "--target") for one in target),
        risk_cash=risk_cash,
    )


def _no_plan() -> Plan:
    from lotwise.journal.measures import Plan

    return Plan()


def _answer_trip(journal: Journal, trip: RoundTrip, word: str, output: Output) -> int:
    """Say which trade it is and how it stands."""
    from lotwise.journal.export import rows_of, shown_row

    (row,) = rows_of(journal, [trip])
    if output.json:
        print(json.dumps({"trade": shown_row(row), "done": word}, indent=2, ensure_ascii=False))
    elif output.quiet:
        Screen(output).line(trip.trip_id)
    else:
        tags = f"  {row['tags']}" if row["tags"] else ""
        state = "closed" if trip.closed_ns is not None else "open"
        net = f"{money(trip.net_cash)} {trip.coin}"
        name = f"{trip.venue}:{trip.contract} {row['side']}"
        Screen(output).line(f"  {trip.trip_id}  {word}  {name}, {state}, {net}{tags}")
    return 0


def money(cash: int | None) -> str:
    """Money with its sign, exact."""
    from lotwise.units import cash_text

    return "" if cash is None else signed(grouped(cash_text(cash)))


def short_r(r8: int | None) -> str:
    """R to two decimals, rounded down."""
    from lotwise.units import scaled_text

    return "" if r8 is None else signed(scaled_text(r8 // 10**6, 2, 2))


from lotwise.cli import journal_files, journal_list  # noqa: E402, F401  # their commands join the family
