"""The table of requests in ``docs/venues.md``, made of the allow-list: ``python -m tests.wire.page``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lotwise.broker.ccxt_venue.allowed import ALLOWED, KINDS
from lotwise.broker.ccxt_venue.request import IDS, ROWS, Request

PAGE = Path(__file__).parents[2] / "docs" / "venues.md"
FIRST, LAST = "<!-- requests: made by python -m tests.wire.page -->", "<!-- end of requests -->"


def table() -> str:
    """One table a venue: every request that changes something."""
    parts = []
    for venue, rows in ALLOWED.items():
        parts += [f"### {venue}", "", "| kind | request | always | given |", "|---|---|---|---|"]
        parts += [_row(name, row) for name, row in rows.items() if not name.startswith("read")]
        missing = [kind for kind in KINDS if kind not in rows]
        if missing:
            parts += ["", f"Refused (BROKER-120): {', '.join(missing)}."]
        parts.append("")
    return "\n".join(parts)


def _row(name: str, row: Request) -> str:
    always = ", ".join(f"`{key}={_told(value)}`" for key, value in row.fixed.items())
    given = ", ".join(f"`{key}`{_choice(row, key)}" for key in row.given)
    shape = {IDS: " (a list of ids)", ROWS: " (a list)"}.get(row.shape, "")
    return f"| {name} | {row.method} `{row.path}`{shape} | {always} | {given} |"


def _told(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _choice(row: Request, key: str) -> str:
    return f" {'/'.join(_told(value) for value in row.choices[key])}" if key in row.choices else ""


def between(text: str) -> tuple[str, str, str]:
    """What stands before, between and after the marks."""
    before, _, rest = text.partition(FIRST)
    inside, _, after = rest.partition(LAST)
    return before, inside, after


if __name__ == "__main__":
    before, _, after = between(PAGE.read_text("utf-8"))
    PAGE.write_text(f"{before}{FIRST}\n\n{table()}\n{LAST}{after}", "utf-8")
