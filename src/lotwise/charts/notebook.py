"""An answer for a notebook: a heading, tables and pictures as one piece of HTML without script or address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lotwise.charts.page import Note, Picture, Table, check_picture
from lotwise.charts.svg import escape

NAME: Final = "lotwise-answer"
STYLE: Final = (
    f".{NAME}{{font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;max-width:60rem}}"
    f".{NAME} table{{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums}}"
    f".{NAME} caption{{text-align:left;opacity:.8}}"
    f".{NAME} :is(th,td){{text-align:left;padding:.1rem .6rem;border-bottom:1px solid #8886}}"
    f".{NAME} .num{{text-align:right}}.{NAME} svg{{max-width:100%;height:auto}}"
    f".{NAME} figure{{margin:.5rem 0}}"
    f".{NAME} h3{{margin:.25rem 0}}.{NAME} p{{margin:.25rem 0}}"
)
"""Colours are the notebook's own; the pictures bring theirs, for light and dark."""


def fragment(title: str, parts: Sequence[Picture | Table | Note], subtitle: str = "") -> str:
    """The whole answer.

    Raises
    ------
    InputError
        CHART-116 a picture that holds what a picture may not.
    """
    under = f"<p>{escape(subtitle)}</p>" if subtitle else ""
    body = "".join(_part(part) for part in parts)
    return f'<div class="{NAME}"><style>{STYLE}</style><h3>{escape(title)}</h3>{under}{body}</div>'


def _part(part: Picture | Table | Note) -> str:
    if isinstance(part, Picture):
        caption = f"<figcaption>{escape(part.caption)}</figcaption>" if part.caption else ""
        return f"<figure>{check_picture(part.svg)}{caption}</figure>"
    if isinstance(part, Note):
        word = "<b>Warning:</b> " if part.kind == "warning" else ""
        return f"<p>{word}{escape(part.text)}</p>"
    rows = "".join(_row("td", row, part) for row in part.rows)
    head = f"<thead>{_row('th', part.columns, part)}</thead>" if any(part.columns) else ""
    return f"<table><caption>{escape(part.caption)}</caption>{head}<tbody>{rows}</tbody></table>"


def _row(tag: str, cells: Sequence[str], table: Table) -> str:
    made = []
    for k, text in enumerate(cells):
        number = ' class="num"' if k in table.numbers else ""
        made.append(f"<{tag}{number}>{escape(text)}</{tag}>")
    return f"<tr>{''.join(made)}</tr>"
