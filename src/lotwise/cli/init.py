"""``lotwise init``: a session's file with every key and what it does; it loads as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError

Flag = Annotated[bool, Parameter(negative="")]


def init(
    path: Path = Path("trade.toml"),
    /,
    *,
    venue: Literal["binance", "bybit", "bingx", "mexc", "weex"] = "binance",
    where: Literal["paper", "demo", "live"] | None = None,
    force: Flag = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Write a commented session file to begin with. Nothing is traded by it: see lotwise trade.

    Parameters
    ----------
    path
        Where to.
    venue
        What it begins with.
    where
        paper is the exchange on this machine, which speaks binance; else the venue's demo where it has one.
    force
        Write over a file that is there.
    output
        How to answer.
    """
    from lotwise.app.trade_config import example, place_of

    told = place_of(venue, where)
    text = example(venue, told)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(
            "TRADE-108", f"{path} is there already", "name another file, or write over it: --force"
        ) from error
    except OSError as error:
        raise InputError(
            "TRADE-108",
            f"{path} cannot be written: {error.strerror}",
            "name a file in a folder that is there",
        ) from error
    if output.json:
        print(json.dumps({"written": str(path), "venue": venue, "where": told}, indent=2))
    elif output.quiet:
        print(path)
    else:
        screen = Screen(output)
        screen.headline("●", str(path), f"{told} on {venue}; every key is explained in it", good=True)
        screen.line()
        if told == "paper":
            screen.line("    lotwise exchange                        the exchange on this machine")
            screen.line("    lotwise exchange account add paper --admin http://127.0.0.1:8611")
            screen.line(
                "                                            its key and secret, for LOTWISE_PAPER_KEY"
            )
        screen.line(f"    lotwise trade --{told} {path}")
    return 0
