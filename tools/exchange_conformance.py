"""Play the conformance story and write every compared value to ``docs/exchange_conformance.md``.

    python -m tools.exchange_conformance

Unmodified ccxt, sync, async and pro, trades on the local exchange; the reference venue plays the same orders.
The story, the clients and the reference are those of ``tests/exchange/test_conformance.py``; this tool only
writes the table down. It ends with 1, and writes nothing, where a value is not the expected one.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from tests.exchange.conformance import Sheet
from tests.exchange.test_conformance import played

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "exchange_conformance.md"
ROWS_A_FIELD = 2
"""Shown of each endpoint and field; all of them are compared."""

HEAD = """# What clients are told, beside what they should be told

Unmodified ccxt {version} trades on `lotwise exchange`: the sync client, the async client and ccxt.pro, each
with an account of its own, side by side, step by step. `tests/reference/venue` plays the same orders over the
same market in exact fractions, and `tests/exchange/conformance_wire.py` writes its state in the venue's
words. The raw answer of every call is compared field by field, as text. What is told of the market is worked
out again from its events.

{compared:,} comparisons, {distinct:,} different values on {endpoints} endpoints, {wrong} differences. The
table shows up to {rows} values of each field; `pytest -rP tests/exchange/test_conformance.py` prints all.
Not compared, only there: the server's own time, keys that are drawn, the counter of a book's updates.

Made by `python -m tools.exchange_conformance`.
"""


def page(sheet: Sheet) -> str:
    """The table as Markdown."""
    head = HEAD.format(
        version=version("ccxt"),
        compared=len(sheet.lines),
        distinct=len(sheet.distinct()),
        endpoints=len({line.endpoint for line in sheet.lines}),
        wrong=len(sheet.wrong()),
        rows=ROWS_A_FIELD,
    )
    lines = [head.rstrip()]
    for endpoint, rows in groupby(sheet.table(), key=lambda row: row[0]):
        lines += [f"\n## {endpoint}\n", "| field | expected | got | client |", "|---|---|---|---|"]
        by_field = sorted(rows, key=lambda row: plain(row[1]))
        for _, same in groupby(by_field, key=lambda row: plain(row[1])):
            lines += [f"| {' | '.join(cell(text) for text in row[1:])} |" for row in pick(list(same))]
    return "\n".join(lines) + "\n"


def plain(field: str) -> str:
    """A field's name without the numbers of its rows."""
    return "".join(letter for letter in field if not letter.isdigit())


def pick(rows: list[tuple[str, str, str, str, str]]) -> list[tuple[str, str, str, str, str]]:
    """The first rows with values of their own."""
    found: dict[str, tuple[str, str, str, str, str]] = {}
    for row in rows:
        found.setdefault(row[2], row)
    return list(found.values())[:ROWS_A_FIELD]


def cell(text: str) -> str:
    """A text that a table can hold; nothing is shown as a dash."""
    return text.replace("|", "/") or "-"


def main() -> int:
    """Play, compare, write."""
    with tempfile.TemporaryDirectory() as folder:
        sheet = played(Path(folder) / "state")
    if wrong := sheet.wrong():
        print(*wrong, sep="\n")
        return 1
    PAGE.write_text(page(sheet), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(sheet.distinct())} values, {len(sheet.lines)} comparisons")
    return 0


if __name__ == "__main__":
    sys.exit(main())
