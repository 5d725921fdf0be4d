"""``lotwise``: the commands, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Sequence
from itertools import pairwise

from cyclopts import App, CycloptsError, MissingArgumentError, UnusedCliTokensError

from lotwise import __version__
from lotwise.cli.screen import PipeConsole
from lotwise.errors import InputError, LotwiseError
from lotwise.units import shown

EXIT_CODES = """\
Exit codes: 0 done, 1 error, 2 usage or bad input, 3 the trade does not fit, 4 venue or network.
"""

app = App(
    name="lotwise",
    version=__version__,
    help="Size crypto futures trades to the cent: lots, margin, liquidation, and why not more.",
    help_epilogue=EXIT_CODES,
    console=PipeConsole(),
)
app.command(
    "lotwise.cli.size:size", name="size", help="Size a trade: the most lots whose loss fits the budget."
)
app.command("lotwise.cli.liq:liq", name="liq", help="Where a position is liquidated, exactly.")
app.command("lotwise.cli.refresh:family", name="contracts", help="What can be traded, and by which rules.")
app.command(
    "lotwise.cli.venues:venues", name="venues", help="Venues side by side for one account: size and rules."
)
app.command(
    "lotwise.cli.scan:scan", name="scan", help="One setup on every contract: what fits, and what it wastes."
)
app.command("lotwise.cli.preview:preview", name="preview", help="An order in every unit, before it is sent.")
app.command("lotwise.cli.mix:mix", name="mix", help="Mix contract sizes to fill a budget more closely.")
app.command(
    "lotwise.cli.hedge:hedge",
    name="hedge",
    help="Hedge coins you hold with a short: lots, what stays open, margin, funding.",
)
app.command(
    "lotwise.cli.options:options",
    name="options",
    help="A future with a stop beside a bought option: the same view, the same money at risk.",
)
app.command(
    "lotwise.cli.data:family", name="data", help="Market data: import, fetch, capture, make up, check."
)
app.command(
    "lotwise.cli.analyze:analyze",
    name="analyze",
    help="What a market is like: volume by price, order flow, correlation, funding, stops; as a page too.",
)
app.command(
    "lotwise.cli.backtest:backtest",
    name="backtest",
    help="What a strategy would have made of the past: costs, both bounds, look-ahead; as a page too.",
)
app.command(
    "lotwise.cli.sweep:sweep",
    name="sweep",
    help="Many settings at once: the best of them, and how much of it is luck.",
)
app.command("lotwise.cli.ruin:ruin", name="ruin", help="How likely ruin is, with real lots and costs.")
app.command(
    "lotwise.cli.plan:family",
    name="plan",
    help="What a trade may risk now, and what is missing until it may risk more.",
)
app.command(
    "lotwise.cli.exchange:family",
    name="exchange",
    help="A venue on this machine for unmodified clients: Binance USD-M over loopback.",
)
app.command("lotwise.cli.init:init", name="init", help="Write a commented session file.")
app.command(
    "lotwise.cli.trade:trade", name="trade", help="Trade by a file: on paper, a venue's demo, or live."
)
app.command("lotwise.cli.trade:status", name="status", help="What a session holds, what protects it.")
app.command(
    "lotwise.cli.trade:flatten",
    name="flatten",
    help="Cancel and close the file's contracts, and lock; no session needed.",
)
app.command(
    "lotwise.cli.diverge:diverge",
    name="diverge",
    help="Backtest, paper in process and paper over TCP side by side: every cent of difference named.",
)
app.command(
    "lotwise.cli.journal:family",
    name="journal",
    help="Every trade remembered: add, list, show, note, tag, import, export.",
)
app.command(
    "lotwise.cli.review:review",
    name="review",
    help="What your trades say: what pays, what to stop, which rules were broken.",
)
app.command("lotwise.cli.web:web", name="web", help="Size and trade in a browser window on this machine.")
app.command(
    "lotwise.cli.doctor:doctor",
    name="doctor",
    help="Whether this machine is in order: packages, data, journal, clock, keys, exchange.",
)
app.command(
    "lotwise.cli.completion:completion",
    name="completion",
    help="A script for your shell: it completes commands, options and choices.",
)
app.command("lotwise.cli.demo:demo", name="demo", help="Size real trades and print the worked cases.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never a traceback for a user's mistake."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _print_anything()
    code = 0
    try:
        code, error = _run(given)
        if error is not None:
            _report(error, given)
        sys.stdout.flush()
    except BrokenPipeError:  # `lotwise contracts | head`: the reader has enough
        _close_quietly()
    except OSError as error:  # a full disk behind `>`
        _close_quietly()
        print(f"error[IO-001]: the answer could not be written: {error.strerror}", file=sys.stderr)
        print("hint: make room, or write it elsewhere", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _run(given: list[str]) -> tuple[int, LotwiseError | None]:
    """Exit code, and the error where there is one."""
    try:
        result = app(given, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        found = InputError("USAGE-001", _said(error, given), _help_hint(given, error.command_chain or ()))
        return found.exit_code, found
    except LotwiseError as error:
        return error.exit_code, error
    return (result if isinstance(result, int) else 0), None


def _close_quietly() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_anything() -> None:
    """A pipe that cannot encode a glyph shows a question mark, a closed one nothing; no traceback."""
    if sys.stdout is None:  # started with `>&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for the whole run
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _said(error: CycloptsError, given: Sequence[str]) -> str:
    """What is wrong with what was typed."""
    if isinstance(error, MissingArgumentError):
        return _missing(error, given)
    if isinstance(error, UnusedCliTokensError) and error.command_chain:
        left = ", ".join(shown(word) for word in error.unused_tokens or ())
        return f"lotwise {' '.join(error.command_chain)} does not know what {left} is for"
    return _first_line(str(error))


def _missing(error: MissingArgumentError, given: Sequence[str]) -> str:
    """What a command needs and was not given: all of it at once, so that nobody is told one by one."""
    command = app
    for word in error.command_chain or ():
        command = command[word]
    if error.argument is None or not error.command_chain:
        return _first_line(str(error))
    if error.argument.name in given:
        return f"{error.argument.name} needs a value"
    typed = {word.partition("=")[0] for word in given}
    options = [
        one.name
        for one in command.assemble_argument_collection()
        if one.required and one.name.startswith("-") and not typed & set(one.names)
    ]
    needed = list(dict.fromkeys([error.argument.name, *options]))
    return f"lotwise {' '.join(error.command_chain)} needs {', '.join(needed)}"


def _first_line(text: str) -> str:
    return " ".join(text.split())


def _help_hint(given: Sequence[str], command: Sequence[str]) -> str:
    """Where to look; a value with a sign, which is read as an option, is shown as it is written."""
    for option, value in pairwise(given):
        if option.startswith("--") and "=" not in option and re.match(r"-[\d.]", value):
            return f"a value that begins with a minus is written {option}={value}"
    return " ".join(["lotwise", *command, "--help"])


def _report(error: LotwiseError, given: Sequence[str]) -> None:
    if any(word == "--json" or word.startswith("--json=") for word in given):
        print(json.dumps(error.as_dict(), ensure_ascii=False, indent=2))
    else:
        print(f"error[{error.code}]: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
