"""How answers look: aligned labels, right-aligned numbers, signs and glyphs beside colour."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from lotwise.contracts.contract import Contract
from lotwise.units import grouped, shown_down, shown_up

MINUS = "\u2212"
WIDTH = 100
DECIMALS = 4
"""Money on the screen; ``--json`` has every digit."""
COIN_DECIMALS = 8
"""Money in a coin: four decimals of a bitcoin are several dollars."""
DOLLARS = frozenset({"USD", "USDT", "USDC"})


@Parameter(name="*")
@dataclass(frozen=True)
class Output:
    """How to answer.

    Parameters
    ----------
    json
        One JSON object with exact decimal strings; the field names are stable.
    plain
        No colour.
    quiet
        Only the answer itself.
    """

    json: Annotated[bool, Parameter(negative="")] = False
    plain: Annotated[bool, Parameter(negative="")] = False
    quiet: Annotated[bool, Parameter(negative="")] = False


Row = tuple[str, str, str]
"""Label, value, note."""


class PipeConsole(Console):
    """Rich's console, where a closed pipe is the caller's to handle: Rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError


class Screen:
    """Prints at most 100 columns; colour only where the terminal takes it."""

    def __init__(self, output: Output) -> None:
        colours: Literal["auto"] | None = None if output.plain or os.environ.get("NO_COLOR") else "auto"
        self._console = PipeConsole(highlight=False, soft_wrap=True, color_system=colours)
        self._width = min(WIDTH, max(40, self._console.width))

    def line(self, text: str = "", style: str = "") -> None:
        """One line as it is."""
        self._console.print(Text(text, style=style), end="\n")

    def paragraph(self, text: str, indent: str = "  ", hanging: str = "  ", style: str = "") -> None:
        """A sentence, wrapped to the terminal and to 100 columns at the most."""
        for line in textwrap.wrap(text, self._width, initial_indent=indent, subsequent_indent=hanging):
            self.line(line, style)

    def headline(self, glyph: str, verdict: str, rest: str, good: bool) -> None:
        """The answer first; what it is about beside it, or below where the terminal is narrow."""
        first = f"  {glyph} {verdict}"
        gap = "   " if len(first) + 3 + len(rest) <= self._width else "\n    "
        self._console.print(
            Text.assemble(
                (f"  {glyph} ", "bold cyan" if good else "bold yellow"),
                (verdict, "bold"),
                (gap + rest, "dim"),
            )
        )

    def rows(self, rows: Iterable[Row], indent: str = "  ") -> None:
        """Labels left, values right-aligned under each other, notes after, wrapped in their column."""
        kept = [row for row in rows if row[1]]
        if not kept:
            return
        labels = max(len(row[0]) for row in kept)
        values = max(len(row[1]) for row in kept)
        column = len(indent) + labels + 2 + values + 2
        for label, value, note in kept:
            lines = textwrap.wrap(note, max(20, self._width - column)) or [""]
            self._console.print(
                Text.assemble(
                    (f"{indent}{label:<{labels}}  ", ""),
                    (f"{value:>{values}}", "bold"),
                    (f"  {lines[0]}" if lines[0] else "", "dim"),
                )
            )
            for line in lines[1:]:
                self.line(" " * column + line, "dim")

    def table(
        self, header: tuple[str, ...], rows: Iterable[tuple[str, ...]], drop: tuple[str, ...] = ()
    ) -> None:
        """Columns by content; the first is left-aligned, the others right.

        Where the terminal is too narrow, the columns named in ``drop`` go, the first named first.
        """
        listed = [header, *rows]
        hidden = []
        widths = [max(len(row[column]) for row in listed) for column in range(len(header))]
        shown = list(range(len(header)))
        for name in drop:
            if sum(widths[column] + 2 for column in shown) > self._width:
                shown.remove(header.index(name))
                hidden.append(name)
        for number, row in enumerate(listed):
            cells = [f"  {row[0]:<{widths[0]}}"] + [
                f"{row[column]:>{widths[column]}}" for column in shown[1:]
            ]
            self._console.print(Text("  ".join(cells).rstrip(), style="dim" if number == 0 else ""))
        if hidden:
            said = f"Too narrow for: {', '.join(hidden)}. A wider terminal or --json shows them."
            self.paragraph(said, style="dim")


def _decimals(settle: str) -> int:
    return DECIMALS if settle in DOLLARS else COIN_DECIMALS


def cost(text: str | None, settle: str = "USDT") -> str:
    """Money lost or spent, to 4 decimals (of a coin 8), rounded up; empty where it is nothing."""
    return "" if text is None or text == "0.00" else grouped(shown_up(text, _decimals(settle)))


def loss(text: str | None, settle: str = "USDT") -> str:
    """A loss: :func:`cost` with the minus sign of typography."""
    shown = cost(text, settle)
    return MINUS + shown if shown else "0.00"


def gain(text: str | None, settle: str = "USDT") -> str:
    """Money kept or won, to 4 decimals (of a coin 8), rounded down; negative with a typographic minus."""
    return "" if text is None else signed(grouped(shown_down(text, _decimals(settle))))


def profit(text: str, settle: str = "USDT") -> str:
    """:func:`gain` with its plus sign."""
    return gain(text, settle) if text.startswith("-") else "+" + gain(text, settle)


def signed(text: str) -> str:
    """A number with a typographic minus where it is negative."""
    return text.replace("-", MINUS, 1) if text.startswith("-") else text


def price(contract: Contract, text: str | None, *, up: bool) -> str:
    """An off-tick price at the contract's decimals; ``up`` for a long's liquidation, toward its entry."""
    if text is None:
        return ""
    decimals = contract.scales.price_decimals
    whole, _, fraction = (shown_up if up else shown_down)(text, decimals).partition(".")
    return grouped(f"{whole}.{fraction:0<{decimals}}" if decimals else whole)
