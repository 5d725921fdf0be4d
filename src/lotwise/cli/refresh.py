"""``lotwise contracts``, the family: the list itself, and ``contracts refresh``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from lotwise.cli.contracts import contracts
from lotwise.cli.screen import Output, Screen
from lotwise.contracts.facts_file import UNKNOWN
from lotwise.errors import InputError
from lotwise.units import shown

if TYPE_CHECKING:  # `lotwise contracts BTC` needs nothing of it
    from lotwise.app.refresh import Progress, Refresh

MOST_ROWS = 10_000
SHOWN_REFUSED = 20
NOTHING = "–"

family = App(name="contracts", help="What can be traded, and by which rules.")
family.default(contracts)


@family.command(name="refresh")
def refresh(
    *,
    venue: str,
    yes: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    top: int = 40,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Read a venue's contracts and margin tiers anew, show what changes, and keep it once you agree.

    The facts go into your own folder (LOTWISE_FACTS, else lotwise/facts in your data folder) and are
    read from then on. Needs the extra lotwise[live]; tiers of Binance and BingX need a key that may
    read, in LOTWISE_BINANCE_KEY and LOTWISE_BINANCE_SECRET.

    Parameters
    ----------
    venue
        binance, binance-coinm, bybit, bybit-inverse, bingx, mexc or weex.
    yes
        Keep it without being asked.
    dry_run
        Show it and keep nothing.
    top
        How many changes to show at the most; --json has all.
    output
        How to answer; --json without --yes keeps nothing.
    """
    from lotwise.app.refresh import keep, prepare

    if yes and dry_run:
        raise InputError("USAGE-002", "--yes and --dry-run contradict each other", "give one of them")
    if not 1 <= top <= MOST_ROWS:
        raise InputError("USAGE-007", f"--top is {shown(top)}", f"use 1 to {MOST_ROWS}")
    with _watched(output) as progress:
        found = prepare(venue, progress=progress)
    screen = Screen(output)
    silent = output.json or output.quiet
    if not silent:
        _print(found, top, screen)
    asked = not (yes or dry_run or silent)
    written = keep(found) if yes or (asked and _agreed()) else []
    if output.json:
        answer = facts_of(found) | {"written": [str(path) for path in written]}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    elif output.quiet:
        print("\n".join(map(str, written)) or "nothing written")
    else:
        for path in written:
            screen.line(f"  written: {path}")
        screen.line("" if written else "  nothing was written\n")
    return 0


def facts_of(found: Refresh) -> dict[str, Any]:
    """A refresh as JSON-ready facts."""
    made = found.made
    counts = found.diff.counts | {"refused": len(made.refused), "left_out": len(made.left_out)}
    return {
        "venue": found.venue,
        "day": found.day,
        "before": found.before_day or None,
        "contracts": len(made.rows),
        "counts": counts,
        **found.diff.as_dict(),
        "refused": [named._asdict() for named in made.refused],
        "left_out": [named._asdict() for named in made.left_out],
        "notes": found.notes(),
    }


def _agreed() -> bool:
    """Whether the person says yes; no answer is a no."""
    print("  Keep these facts? [y/N] ", end="", flush=True)
    answer = sys.stdin.readline() if sys.stdin else ""
    if not (answer and sys.stdin.isatty()):
        print()  # where nobody typed the end of the line
    return answer.strip().lower() in ("y", "yes")


@contextmanager
def _watched(output: Output) -> Iterator[Progress]:
    """A progress bar on standard error where a person looks at it."""
    from lotwise.app.refresh import quiet

    if output.json or output.quiet or not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("  {task.description}"), BarColumn(), TextColumn("{task.completed}")
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("asking", total=None)

        def show(what: str, done: int, total: int | None) -> None:
            bars.update(task, description=what, completed=done, total=total)

        yield show


# -- printing --------------------------------------------------------------------------------------


def _print(found: Refresh, top: int, screen: Screen) -> None:
    """Counts first, then the changes, then what was not taken over."""
    diff, made = found.diff, found.made
    since = f"against {found.before_day}" if found.before_day else "there are none yet"
    screen.line(f"\n  {found.venue}: facts of {found.day}, {since}\n", style="bold")
    counts = diff.counts
    fields = ", ".join(f"{name} {number}" for name, number in diff.fields().items())
    screen.rows(
        [
            ("contracts", str(len(made.rows)), ""),
            ("added", str(counts["added"]), _few(diff.added)),
            ("removed", str(counts["removed"]), _few(diff.removed)),
            ("changed", str(counts["changed"]), fields),
            ("other tiers", str(counts["tiers"]), ""),
            ("the same", str(counts["same"]), ""),
            ("refused", str(len(made.refused)), "the answer contradicts itself" if made.refused else ""),
            ("left out", str(len(made.left_out)), "not usable as it is" if made.left_out else ""),
        ]
    )
    # What says otherwise than before comes first, what was only unknown before comes last.
    changes = sorted([*diff.changed, *diff.tiers], key=lambda change: change.before == UNKNOWN)
    if changes:
        screen.line()
        screen.table(
            ("contract", "field", "before", "now"),
            [
                (change.symbol, change.field, _known(change.before), _known(change.after))
                for change in changes[:top]
            ],
        )
        if len(changes) > top:
            screen.paragraph(f"and {len(changes) - top} changes more: --top, or all of them with --json")
    for title, group in (("refused", made.refused), ("left out", made.left_out)):
        if group:
            screen.line()
        for named in group[:SHOWN_REFUSED]:
            screen.paragraph(f"{title} {named.symbol}: {named.reason}", hanging="    ", style="yellow")
        if len(group) > SHOWN_REFUSED:
            screen.paragraph(f"and {len(group) - SHOWN_REFUSED} {title} more: all of them with --json")
    screen.line()
    for note in found.notes():
        screen.paragraph(f"! {note}", hanging="    ", style="yellow")


def _few(symbols: list[str]) -> str:
    more = f" and {len(symbols) - 6} more" if len(symbols) > 6 else ""
    return ", ".join(symbols[:6]) + more


def _known(text: str) -> str:
    return NOTHING if text == UNKNOWN else text
