"""``lotwise demo``."""

from __future__ import annotations

import shlex

from lotwise.app.demo import REAL_TRADES, worked_cases
from lotwise.cli.screen import Output, Screen


def demo(*, output: Output = Output()) -> int:  # noqa: B008
    """Size real trades on the catalogue's contracts, then print the worked cases with our numbers.

    Parameters
    ----------
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
    screen.line("\nNext: lotwise size --help, lotwise contracts BTC, lotwise liq --help\n")
    return 0
