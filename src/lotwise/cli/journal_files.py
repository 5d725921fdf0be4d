"""``lotwise journal import`` and ``export``: files of venues in, files for other programs out."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lotwise.cli.journal import Place, Zone, family, shelf, time_of, zone_of
from lotwise.cli.journal_ask import ask_stops, guided
from lotwise.cli.screen import Output, Screen
from lotwise.clock import SystemClock
from lotwise.errors import InputError
from lotwise.journal.reading import Asked

if TYPE_CHECKING:
    from lotwise.journal.contracts import Facts
    from lotwise.journal.shelf import Journal

NAMED = 20
"""So many trades without a stop are named."""


def pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    """``("time=Date", ...)`` as a mapping; a .json file stands for all that is in it.

    Raises
    ------
    InputError
        JOURNAL-133 where one has no ``=``, comes twice, or the file is no such mapping.
    """
    found: dict[str, str] = {}
    for text in given:
        if text.endswith(".json") and "=" not in text:
            found |= _from_file(Path(text))
            continue
        ours, sign, theirs = text.partition("=")
        if not (sign and ours and theirs) or ours in found:
            raise InputError("JOURNAL-133", f"{option} {text!r} says nothing new", f"{option} name=value")
        found[ours] = theirs
    return found


def _from_file(path: Path) -> dict[str, str]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("JOURNAL-133", f"{path} is no mapping: {error}", '{"time": "Date", ...}') from None
    if not isinstance(told, dict) or not all(isinstance(one, str) for one in told.values()):
        raise InputError("JOURNAL-133", f"{path} is no mapping of names to columns", '{"time": "Date", ...}')
    return told


@family.command(name="import")
def bring_in(
    *files: Path,
    ccxt: str = "",
    contract: tuple[str, ...] = (),
    since: str = "",
    until: str = "",
    venue: str = "",
    account: str = "main",
    maps: Annotated[tuple[str, ...], Parameter(name=["--map"], negative="")] = (),
    guide: Annotated[bool, Parameter(negative="")] = False,
    sizes: Annotated[tuple[str, ...], Parameter(name=["--size"], negative="")] = (),
    stop: Annotated[bool, Parameter(negative="")] = False,
    zone: Zone = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Bring in CSV files of fills or income, or fetch them from a venue. What is there is not doubled.

    Files with the columns that Binance, Bybit, BingX, MEXC and WEEX document are known by them; of any other
    say which column is what, or let --guide ask you. A file goes in wholly or not at all. --ccxt needs the
    extra lotwise[live] and a key that may read; broken off, the same command goes on where it was.

    Parameters
    ----------
    files
        As downloaded.
    ccxt
        Fetch from this venue instead: binance, bybit, bingx, mexc or weex, with the key in
        LOTWISE_BINANCE_KEY and LOTWISE_BINANCE_SECRET, or in the system's keyring.
    contract
        With --ccxt: of this contract, once for each; else those that the journal and the income name.
    since
        With --ccxt: from this day or time on, UTC; else where the last fetch ended.
    until
        With --ccxt: before this day or time, UTC; else up to the venue's present.
    venue
        Whose files they are, where the columns do not say: binance, bybit, bingx, mexc, weex, or a name of
        your own with --map.
    account
        Which of your accounts.
    maps
        Which column is which: --map time=Date --map contract=Pair ..., or a .json file with such pairs.
    guide
        Show the first rows, ask column by column, and write the mapping into a .json file beside the first.
    sizes
        Coins in one contract, where the catalogue does not know it: --size XYZUSDT=1.
    stop
        Ask for the stop of every trade that has none and that no exit tells; an empty answer leaves it.
    zone
        Time zone of dates in the files that do not say theirs.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.journal.contracts import Facts

    if bool(files) == bool(ccxt):
        raise InputError(
            "USAGE-001",
            "files and --ccxt are both given" if ccxt else "no file is named",
            "lotwise journal import FILE ..., or lotwise journal import --ccxt binance --since 2025-05-04",
        )
    facts = Facts(pairs(sizes, "--size"))
    screen = Screen(output)
    with shelf(db, begins=True) as journal:
        if ccxt:
            ends = [time_of(one, UTC, "--since, --until") // 10**6 if one else None for one in (since, until)]
            wanted = (ccxt.lower(), account, contract, ends[0], ends[1])
            told = [_fetched(journal, wanted, facts=facts, output=output)]
        else:
            mapping = pairs(maps, "--map")
            venue = venue.lower()
            if guide:
                venue, mapping = guided(files[0], venue, mapping)
            asked = Asked(venue, account, mapping, zone_of(zone))
            told = [_file(journal, path, asked, facts) for path in files]
        for one in told:
            if not (output.json or output.quiet):
                _say(screen, one)
        measured = _measure(journal, told)
        if stop:
            ask_stops(journal, [name for one in told for name in one["names_without_stop"]])
    for one in told:
        one["without_stop_newest"] = one.pop("names_without_stop")[: -NAMED - 1 : -1]
    if output.json:
        print(json.dumps({"files": told, "measured": measured}, indent=2, ensure_ascii=False))
    return 0


def _file(journal: Journal, path: Path, asked: Asked, facts: Facts) -> dict[str, Any]:
    from lotwise.journal.importing import bring
    from lotwise.journal.reading import read_file

    done = bring(journal, read_file(path, asked, facts), now_ns=SystemClock().now_ns())
    return {
        "file": done.name,
        "form": done.form,
        "fills": done.fills.new,
        "fills_known": done.fills.known,
        "incomes": done.incomes.new,
        "incomes_known": done.incomes.known,
        "rows_passed": done.passed,
        "trades": done.trips,
        "stops_inferred": done.inferred,
        "without_stop": len(done.without_stop),
        "names_without_stop": done.without_stop,
        "funding_unplaced": done.incomes.unplaced,
        "funding_shared": done.incomes.shared,
        "warnings": done.warnings,
    }


def _fetched(
    journal: Journal,
    asked: tuple[str, str, tuple[str, ...], int | None, int | None],
    *,
    facts: Facts,
    output: Output,
) -> dict[str, Any]:
    from lotwise.app.journal_import import Wanted, fetch_trades
    from lotwise.cli.data_fetch import watched
    from lotwise.journal.shelf import Wanted as WantedTrips

    wanted = Wanted(*asked)
    with watched(output) as progress:
        done = fetch_trades(journal, wanted, facts, clock=SystemClock(), progress=progress)
    return {
        "file": f"{done.venue} through ccxt",
        "form": f"{done.pages:,} pages of {', '.join(done.contracts)}",
        "fills": done.fills,
        "fills_known": done.fills_known,
        "incomes": done.incomes,
        "incomes_known": done.incomes_known,
        "rows_passed": done.passed,
        "trades": sum(
            journal.count(WantedTrips(venue=done.venue, account=wanted.account, contract=one))
            for one in done.contracts
        ),
        "stops_inferred": done.stops_inferred,
        "without_stop": len(done.without_stop),
        "names_without_stop": done.without_stop,
        "funding_unplaced": done.unplaced,
        "funding_shared": done.shared,
        "warnings": done.warnings,
    }


def _measure(journal: Journal, told: list[dict[str, Any]]) -> int:
    """Measure what has no measures yet, where the market store has bars of its contract."""
    if not sum(one["fills"] for one in told):
        return 0
    try:
        import polars  # noqa: F401
    except ImportError:
        return 0
    from lotwise.journal.measuring import measure, unmeasured

    return measure(journal, unmeasured(journal))


def _say(screen: Screen, one: dict[str, Any]) -> None:
    parts = [
        f"{one[name]:,} {words}"
        for name, words in (
            ("fills", "fills new"),
            ("fills_known", "fills known already"),
            ("incomes", "records new"),
            ("incomes_known", "records known already"),
            ("rows_passed", "rows passed by"),
            ("stops_inferred", "stops inferred"),
            ("funding_shared", "records of funding shared by two legs"),
        )
        if one[name]
    ]
    trades = f"{one['trades']:,} trade{'s' * (one['trades'] != 1)}"
    screen.paragraph(f"{one['file']}  {one['form']}: {', '.join(parts) or 'nothing'}; {trades}")
    for warning in one["warnings"]:
        screen.paragraph(f"! {warning}", style="yellow")
    if one["funding_unplaced"]:
        words = f"! {one['funding_unplaced']:,} records of funding are of a time when nothing was held"
        screen.paragraph(f"{words}: fills may be missing, lotwise journal import brings them", style="yellow")
    if one["names_without_stop"]:
        name, count = one["names_without_stop"][-1], one["without_stop"]
        have = "1 trade has" if count == 1 else f"{count:,} trades have"
        words = f"{have} no stop, so no R: lotwise journal note {name} --stop PRICE, or import with --stop"
        screen.paragraph(words, style="dim")


@family.command(name="export")
def taken_out(
    out: Path,
    /,
    *,
    ledger: bool = False,
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Write all trades into a .csv, .parquet or .json file; with --ledger every posting, .beancount too.

    Parameters
    ----------
    out
        The file; one that is there is not written over.
    ledger
        The money instead of the trades: entries whose postings sum to zero.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.journal.export import export
    from lotwise.ledger.entries import from_fills, from_incomes
    from lotwise.ledger.export import export as export_ledger
    from lotwise.ledger.keep import ledger_of, read_incomes

    with shelf(db) as journal:
        if ledger:
            with journal.database.read() as connection:
                incomes = read_incomes(connection)
            entries = [*ledger_of(journal.database), *from_fills(journal.fills()), *from_incomes(incomes)]
            count, what = export_ledger(sorted(entries, key=lambda entry: entry.time_ns), out), "postings"
        else:
            count, what = export(journal, out), "trades"
    if output.json:
        print(json.dumps({"file": str(out), what: count}, indent=2, ensure_ascii=False))
    elif not output.quiet:
        Screen(output).line(f"  {out}  {count:,} {what}")
    return 0
