"""Writes docs/reference from the program itself: commands, functions, error codes, keys and words.

    python -m tools.reference_pages

Nothing here is written twice: help comes from the commands, codes and their messages from the source, keys
from the files that `lotwise init` and `lotwise plan init` write. ``tests/docs/test_reference.py`` renders
the pages again and compares every byte.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import lotwise
from lotwise.app.trade_config import example
from lotwise.cli.main import app, main
from lotwise.guard import config as guard_config
from lotwise.scaling.example import EXAMPLE
from tools.reference_codes import by_family, families

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "docs" / "reference"
COLUMNS: Final = "100"
VARIABLES: Final[Mapping[str, str]] = {
    "LOTWISE_BINANCE_KEY": "a venue's key: reading is enough for import, live needs trading; each venue so",
    "LOTWISE_BINANCE_SECRET": "its secret",
    "LOTWISE_BINANCE_DEMO_KEY": "the key of a venue's demo environment; `_SECRET` with it",
    "LOTWISE_CACHE_DIR": "where compiled rules are kept",
    "LOTWISE_EXCHANGE": "the folder of the local exchange's state",
    "LOTWISE_FACTS": "a folder of contract facts that is read in place of the package's",
    "LOTWISE_JOURNAL": "the journal: a file, or postgresql://...",
    "LOTWISE_PAPER_KEY": "the key of an account of the local exchange",
    "LOTWISE_PAPER_SECRET": "its secret",
    "LOTWISE_SECTORS": "a file of sectors that is read beside the package's",
    "LOTWISE_STORE": "the folder of market data",
    "LOTWISE_VENUE_URL": "where venues are asked instead: the local exchange, in tests and on paper",
    "LOTWISE_ZONE": "time zone of the journal's dates",
}
"""Every variable that the source reads; the test compares."""
WORDS: Final[Mapping[str, str]] = {
    "ATR": "average true range: how far a bar moves, on average",
    "basis": "how far a contract's price is from its coin's",
    "bankruptcy price": "where the margin of a position is used up",
    "beta": "how many times as far one price moves when another moves by one, of the past",
    "bp": "basis point, 0.01 %",
    "break-even": "the price at which closing loses nothing, all costs in",
    "budget": "the money that a trade may lose at its stop: equity times risk",
    "call, put": "an option that gains as the price rises, as it falls",
    "CVD": "cumulative volume delta: bought at the ask less sold at the bid, summed up",
    "effective leverage": "notional over equity, whatever the setting at the venue says",
    "delta": "how much an option gains when the price rises by one, in coins",
    "equity": "wallet and unrealised result",
    "expectancy": "mean result of a trade in R, costs in",
    "fill": "an execution: price, quantity, fee",
    "funding": "what longs pay shorts, or get from them, every few hours, on the notional",
    "gap": "a price that jumps past a stop: the fill is worse than the stop",
    "guard": "the rules that judge an order before it is sent",
    "HVN, LVN": "prices with much, with little volume beside their neighbours",
    "implied volatility": "the yearly swing at which a model gives an option's premium",
    "initial margin": "money that is set aside to open a position: notional over leverage",
    "intent": "what a trade is to be, written down before its order is sent",
    "inverse": "a contract that counts in the quote and settles in the coin",
    "isolated, cross": "margin of the position alone, or the whole wallet behind all positions",
    "linear": "a contract that counts in coins and settles in the quote, like USDT",
    "liquidation price": "where the venue closes a position because its margin no longer suffices",
    "lot": "the smallest step of a quantity at a venue",
    "lot waste": "the part of a budget that whole lots leave unused",
    "MAE, MFE": "the worst and the best that a trade stood at before it ended",
    "maintenance margin": "the least margin that a position must keep; rises by tiers with the notional",
    "maker, taker": "an order that waits in the book, one that takes from it: different fees",
    "mark price": "the venue's fair price; liquidation and unrealised results go by it",
    "min notional": "the least worth of an order that a venue takes",
    "naked": "a position whose stop was not seen at the venue",
    "notional": "quantity times price",
    "POC, VAL, VAH": "the price with the most volume; lower and upper edge of where 70 % of it traded",
    "premium": "what an option costs: the most that its buyer loses",
    "R": "a result over what the stop would have lost",
    "slippage": "how much worse than its trigger a stop fills",
    "strike": "the price at which an option begins to pay",
    "theta": "what an option loses in a day, all else still",
    "tick": "the smallest step of a price at a venue",
    "tier": "a span of notional with its own maintenance rate and highest leverage",
    "trade, trip": "from flat to flat: all fills of one position",
    "way out": "a change of one thing that makes a refused trade fit",
    "worst loss": "what a gap past the stop can take: with isolated margin all of it, and the fee",
}


def helped(*words: str) -> str:
    """The help of a command, as a terminal shows it."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").splitlines())


def commands() -> Iterator[tuple[str, ...]]:
    """Every command, and the commands below it."""
    for name in (word for word in app if not word.startswith("-")):
        yield (name,)
        yield from _below((name,), app[name])


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    """The commands of a family, as deep as they go."""
    for name in command:
        if not name.startswith("-"):
            yield (*words, name)
            yield from _below((*words, name), command[name])


def cli_page() -> str:
    """docs/reference/cli.md, by a program of its own: a console keeps the width that it was made with."""
    words = [
        sys.executable,
        "-c",
        "from tools import reference_pages as made; print(made.cli_text(), end='')",
    ]
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
    return subprocess.run(
        words, env=environment, cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
    ).stdout


def cli_text() -> str:
    """What every command says to --help."""
    parts = ["# Commands", "", "What every command says to `--help`."]
    for words in commands():
        level = "##" if len(words) == 1 else "###"
        parts += ["", f"{level} lotwise {' '.join(words)}", "", "```text", helped(*words), "```"]
    return "\n".join(parts) + "\n"


def api_page() -> str:
    """docs/reference/api.md."""
    parts = [
        "# Python",
        "",
        "What `import lotwise` offers, in the words of its source. Prices are decimal text.",
    ]
    for name in lotwise.__all__:
        if name.startswith("_"):
            continue
        found = getattr(lotwise, name)
        signature = f"lotwise.{name}" if isinstance(found, type) else _signature(name, found)
        parts += ["", f"## {name}", "", "```text", signature, "", inspect.getdoc(found) or "", "```"]
    return "\n".join(parts) + "\n"


def _signature(name: str, found: Any) -> str:
    """A function's name with its parameters, one a line."""
    parameters = []
    star = False
    for parameter in inspect.signature(found).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            star = True
            parameters.append("    *,")
        parameters.append(f"    {str(parameter).replace(chr(39), '')},")
    return "\n".join([f"lotwise.{name}(", *parameters, ")"])


def errors_page() -> str:
    """docs/reference/errors.md."""
    found = families()
    count = sum(len(codes) for codes in found.values())
    parts = [
        "# Error codes",
        "",
        f"{count} codes. A code never changes and is never used again. In braces: what it is about.",
        "Exit codes: 1 error, 2 bad input, 3 refused, 4 venue or network. The guard's own are",
        "[its rules](../rules/README.md).",
    ]
    for family, codes in by_family(found):
        parts += ["", f"## {family}", "", "| code | exit | says | what to do | in |", "|---|---|---|---|---|"]
        parts += [one.row() for one in codes]
    return "\n".join(parts) + "\n"


def config_page() -> str:
    """docs/reference/config.md."""
    guard = (guard_config.__doc__ or "").partition("::\n\n")[2].partition("\n\nA key")[0]
    lines = [line[4:] for line in guard.splitlines()]
    parts = ["# Keys of files, and variables", "", "## A session: trade.toml", ""]
    parts += ["What `lotwise init` writes; [trading](../trading.md) says what it does.", "", "```toml"]
    parts += [example().rstrip("\n"), "```", "", "## Your rules: the table guard", ""]
    parts += ["All keys. A key that is left out is a bound that is not set, and its rule does not ask.", ""]
    parts += [
        "```toml",
        *lines,
        "```",
        "",
        "What a small account begins with:",
        "",
        "| key | value |",
        "|---|---|",
    ]
    parts += [f"| `{key}` | {_value(value)} |" for key, value in guard_config.SMALL_ACCOUNT.items()]
    parts += ["", "## A plan: plan.toml", "", "What `lotwise plan init` writes.", "", "```toml"]
    parts += [EXAMPLE.rstrip("\n"), "```", "", "## Variables", "", "| variable | is |", "|---|---|"]
    parts += [f"| `{name}` | {words} |" for name, words in VARIABLES.items()]
    return "\n".join(parts) + "\n"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return str(value)


def glossary_page() -> str:
    """docs/reference/glossary.md."""
    parts = ["# Words", "", "| word | means |", "|---|---|"]
    parts += [
        f"| {word} | {means} |" for word, means in sorted(WORDS.items(), key=lambda one: one[0].lower())
    ]
    return "\n".join(parts) + "\n"


def index_page() -> str:
    """docs/reference/index.md."""
    rows = (
        ("cli", "every command and its options"),
        ("api", "what `import lotwise` offers"),
        ("errors", "every code, what it says, what to do"),
        ("config", "keys of trade.toml, guard rules, plan.toml; variables"),
        ("glossary", "words"),
    )
    parts = ["# Reference", "", "Written from the program by `python -m tools.reference_pages`.", ""]
    parts += ["| page | has |", "|---|---|"]
    parts += [f"| [{name}]({name}.md) | {words} |" for name, words in rows]
    return "\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """All pages, by file name."""
    return {
        "index.md": index_page(),
        "cli.md": cli_page(),
        "api.md": api_page(),
        "errors.md": errors_page(),
        "config.md": config_page(),
        "glossary.md": glossary_page(),
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
