"""``lotwise demo``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lotwise.app.demo import REAL_TRADES, backtest_commands, worked_cases
from lotwise.cli.screen import Output, Screen


def demo(
    *,
    folder: Annotated[Path | None, Parameter(name=["--folder"])] = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Size real trades on the catalogue's contracts, print the worked cases, and test a strategy.

    Parameters
    ----------
    folder
        Where a made-up market and the report of a backtest on it are written; without it nothing is written
        and nothing is tested.
    output
        How to answer.
    """
    from lotwise.cli.main import main

    if output.json:
        import json

        print(json.dumps([case._asdict() for case in worked_cases()], indent=2))
        return 0
    screen = Screen(output)
    for command in () if output.quiet else REAL_TRADES:
        screen.line(f"$ {command}", style="bold")
        words = shlex.split(command)[1:] + (["--plain"] if output.plain else [])
        code = main(words)
        if code:
            screen.line(f"  (exit code {code})\n", style="dim")
    screen.line("The worked cases of beginner guides, computed:\n", style="bold")
    for case in worked_cases():
        screen.line(f"  {case.letter}  {case.question:<62}{case.answer}")
        if case.guides:
            screen.line(f"     a guide prints: {case.guides}", style="yellow")
    if folder is not None:
        code = _tested(folder, screen)
        if code:
            return code
    screen.line("\nNext: lotwise web --demo (a desk in your browser, a market, 1,000 USDT of paper money),")
    screen.line("  lotwise size --help, lotwise contracts BTC, lotwise backtest --help\n")
    return 0


def _tested(folder: Path, screen: Screen) -> int:
    """A strategy on a made-up market, as a person would type it; the report stays in the folder."""
    from lotwise.cli.main import main

    screen.line("\nA strategy on a made-up market, the same on every machine:", style="bold")
    screen.paragraph(
        "It has trends in it on purpose: what a breakout wins here says nothing of a real market. What the"
        " strategies did in a real month is in docs/strategies.md.",
        style="dim",
    )
    screen.line()
    folder.mkdir(parents=True, exist_ok=True)
    store, page = folder / "market", folder / "backtest.html"
    for command in backtest_commands(store.as_posix(), page.as_posix()):
        screen.line(f"$ {command}", style="bold")
        code = main(shlex.split(command)[1:])
        if code:
            return code
    return 0
