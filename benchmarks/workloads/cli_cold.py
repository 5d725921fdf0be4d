"""A trader's command in a fresh process, over what an empty Python costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from statistics import median
from time import perf_counter

from benchmarks.answers import integers_of
from benchmarks.workload import Figure, Outcome, Workload

OPTIONS = ("size", "BTCUSDT", "--entry", "65000", "--stop", "2%", "--equity", "1000", "--json")
EMPTY = (sys.executable, "-c", "pass")


def _command() -> tuple[str, ...]:
    """The installed command, as a trader types it."""
    suffix = ".exe" if os.name == "nt" else ""
    return (os.path.join(sysconfig.get_path("scripts"), f"lotwise{suffix}"), *OPTIONS)


def _run(command: tuple[str, ...]) -> tuple[float, bytes]:
    start = perf_counter()
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return perf_counter() - start, done.stdout


def measure(runs: int) -> Outcome:
    """``runs`` pairs, one after the other, so that both meet the same noise."""
    command = _command()
    _run(command)  # writes the byte code once
    pairs = [(_run(command), _run(EMPTY)) for _ in range(runs)]
    commands = [pair[0][0] * 1000 for pair in pairs]
    empties = [pair[1][0] * 1000 for pair in pairs]
    return Outcome(
        figures={
            "over python, least": min(commands) - min(empties),
            "over python, median": median(commands) - median(empties),
            "command, least": min(commands),
            "python -c pass, least": min(empties),
        },
        results=integers_of(json.loads(pairs[-1][0][1])),
    )


def answer(runs: int) -> list[int]:
    """The figures the command prints; the number of runs does not matter to them."""
    return integers_of(json.loads(_run(_command())[1]))


WORKLOAD = Workload(
    name="cli_cold",
    about=f"lotwise {' '.join(OPTIONS)}",
    figures=(
        Figure("over python, least", "ms", 300),
        Figure("over python, median", "ms", 300),
        Figure("command, least", "ms"),
        Figure("python -c pass, least", "ms"),
    ),
    measure=measure,
    bodies={"interpreted": answer},
    small=3,
    full=21,
    processes=1,
)
