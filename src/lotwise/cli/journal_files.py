"""``lotwise journal import`` and ``export``: files of venues in, files for other programs out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from lotwise.cli.journal import Place, Zone, family, shelf, zone_of
from lotwise.cli.screen import Output, Screen
from lotwise.clock import SystemClock
from lotwise.errors import InputError

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
    venue: str = "",
    account: str = "main",
    maps: Annotated[tuple[str, ...], Parameter(name=["--map"], negative="")] = (),
    sizes: Annotated[tuple[str, ...], Parameter(name=["--size"], negative="")] = (),
    zone: Zone = "",
    db: Place = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Bring in CSV files of fills or income. A fill that is there already is not doubled.

    Files with the columns that Binance, Bybit, BingX, MEXC and WEEX document are known by them; of any other
    say which column is what. A file goes in wholly or not at all.

    Parameters
    ----------
    files
        As downloaded.
    venue
        Whose files they are, where the columns do not say: binance, bybit, bingx, mexc, weex, or a name of
        your own with --map.
    account
        Which of your accounts.
    maps
        Which column is which: --map time=Date --map contract=Pair ..., or a .json file with such pairs.
    sizes
        Coins in one contract, where the catalogue does not know it: --size XYZUSDT=1.
    zone
        Time zone of dates in the files that do not say theirs.
    db
        The journal.
    output
        How to answer.
    """
    from lotwise.journal.contracts import Facts
    from lotwise.journal.importing import bring
    from lotwise.journal.reading import Asked, read_file

    if not files:
        raise InputError("USAGE-001", "no file is named", "lotwise journal import FILE ...")
    asked = Asked(venue.lower(), account, pairs(maps, "--map"), zone_of(zone))
    facts = Facts(pairs(sizes, "--size"))
    told: list[dict[str, Any]] = []
    screen = Screen(output)
    with shelf(db) as journal:
        for path in files:
            done = bring(journal, read_file(path, asked, facts), now_ns=SystemClock().now_ns())
            told.append(
                {
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
                    "without_stop_newest": done.without_stop[: -NAMED - 1 : -1],
                    "warnings": done.warnings,
                }
            )
            if not (output.json or output.quiet):
                _say(screen, told[-1])
    if output.json:
        print(json.dumps({"files": told}, indent=2, ensure_ascii=False))
    return 0


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
        )
        if one[name]
    ]
    screen.line(f"  {one['file']}  {one['form']}: {', '.join(parts) or 'nothing'}; {one['trades']:,} trades")
    for warning in one["warnings"]:
        screen.paragraph(f"! {warning}", style="yellow")
    if one["without_stop"]:
        name, count = one["without_stop_newest"][0], one["without_stop"]
        words = f"{count:,} trades have no stop, so no R: lotwise journal note {name} --stop PRICE"
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
