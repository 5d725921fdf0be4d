"""``python -m benchmarks kernel``: the kernel's workloads as one table, beside other engines.

Each row has a workload, an engine with its version, how many units it went through, the least seconds and
the rate; the fingerprint is over the integers that came out (of a peer: over its orders). Rows of lotwise
play all mechanics: lots, fees, tiers, funding, margin by mark, liquidation, stop, targets, break-even.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import runner
from benchmarks.peers import asked
from benchmarks.workload import Workload, fingerprint
from benchmarks.workloads import (
    kernel_compiled,
    kernel_first_call,
    kernel_strategy_compiled,
    kernel_sweep_compiled,
    kernel_trades_compiled,
)

KEPT = Path(__file__).with_name("kernel.json")
PAGE = Path(__file__).with_name("README.md")
TABLE = "| workload | engine | rate |\n|---|---|---:|\n"
MOST_STEPS = 1_000_000

NO_TIME: dict[str, Any] = {"seconds_min": None, "rate": None}

Row = dict[str, Any]


class Line(NamedTuple):
    """Where a row of ours comes from."""

    workload: str
    engine: str
    source: Workload
    figure: str
    unit: str
    units: Callable[[int], int] = int


LINES = (
    Line("single run", "lotwise", kernel_compiled.WORKLOAD, "passing over quiet bars", "bars"),
    Line("single run", "lotwise, every bar a step", kernel_compiled.WORKLOAD, "every bar a step", "bars"),
    Line(
        "sweep",
        "lotwise",
        kernel_sweep_compiled.WORKLOAD,
        "200 combinations, 2 cores",
        "bars x combinations",
        lambda size: size * kernel_sweep_compiled.COMBINATIONS,
    ),
    Line(
        "trades with brackets",
        "lotwise",
        kernel_trades_compiled.WORKLOAD,
        "passing over quiet trades",
        "trades",
    ),
    Line(
        "trades with brackets",
        "lotwise, every trade a step",
        kernel_trades_compiled.WORKLOAD,
        "every trade a step",
        "trades",
        lambda size: min(size, MOST_STEPS),
    ),
    Line("rule strategy", "lotwise", kernel_strategy_compiled.WORKLOAD, "a rule", "events"),
    Line(
        "Python strategy object",
        "lotwise",
        kernel_strategy_compiled.WORKLOAD,
        "a Python object",
        "events",
    ),
)
CALLS = (("first call, cold", "cold"), ("first call, from the cache", "from the cache"))


def measured(quick: bool, say: Callable[[str], None]) -> tuple[list[Row], list[str]]:
    """Our rows, and what is wrong with their results."""
    import lotwise

    rows, problems = [], []
    reports = {}
    for workload in {line.source.name: line.source for line in LINES}.values():
        say(f"{workload.name} ...")
        found = runner.run(workload, quick, measure=runner.child if quick else None)
        reports[workload.name] = found
        if found.problem:
            problems.append(f"{workload.name}: {found.problem}")
    for line in LINES:
        found = reports[line.source.name]
        units = line.units(found.size)
        rate = found.figures[line.figure].best * 1e6
        rows.append(
            {
                "workload": line.workload,
                "engine": line.engine,
                "version": lotwise.__version__,
                "units": units,
                "unit": line.unit,
                "seconds_min": units / rate,
                "rate": rate,
                "fingerprint": found.fingerprint,
            }
        )
    say("first call ...")
    compiled = reports[kernel_compiled.WORKLOAD.name].compile_seconds
    told = first_calls(compiled["first"] if quick and compiled else None, problems)
    return rows + calls(told, lotwise.__version__), problems


def first_calls(cold: float | None, problems: list[str]) -> Row:
    """Figures of first calls and their fingerprint; a cold call that was timed already is not made again."""
    workload = kernel_first_call.WORKLOAD
    if cold is None:
        found = runner.run(workload, quick=False)
        if found.problem:
            problems.append(f"{workload.name}: {found.problem}")
        return {"fingerprint": found.fingerprint} | {name: one.best for name, one in found.figures.items()}
    kept = kernel_first_call.called(workload.small, os.environ["LOTWISE_CACHE_DIR"])
    return {"fingerprint": fingerprint(kept["results"])} | kernel_first_call.figures(cold, [kept])


def calls(told: Row, version: str) -> list[Row]:
    """What the first run of a process takes, and what one more run adds to its memory."""
    ours = {"engine": "lotwise", "version": version, "fingerprint": told["fingerprint"]}
    rows = [
        {"workload": name, **ours, "units": 1, "unit": "call", "seconds_min": told[figure]}
        | {"rate": 1 / max(told[figure], 1e-9)}
        for name, figure in CALLS
    ]
    name = "memory of one more run"
    return [*rows, {"workload": name, **ours, "units": told[name], "unit": "MiB"} | NO_TIME]


def peers(quick: bool, make: bool) -> list[Row]:
    """The rows of the peers whose environments are there, or are made now."""
    sources = (kernel_compiled.WORKLOAD, kernel_sweep_compiled.WORKLOAD)
    bars, sweep_bars = (source.size(quick) for source in sources)
    return asked.rows(bars, sweep_bars, make)


def shown(rows: Sequence[Row]) -> list[str]:
    """The table for a reader, each row with how it stands to the first of its workload."""
    lines = [f"{'workload':<28}{'engine':<30}{'rate':>16}  {'least':>10}  to lotwise"]
    first: dict[str, float] = {}
    for row in rows:
        if "refused" in row:
            lines.append(f"{row['workload']:<28}{row['engine']:<30}  not measured: {row['refused']}")
            continue
        if row["rate"] is None:
            lines.append(f"{row['workload']:<28}{row['engine']:<30}{row['units']:>10,.1f} {row['unit']}")
            continue
        base = first.setdefault(row["workload"], row["rate"])
        rate = f"{row['rate'] / 1e6:,.2f} M/s" if row["unit"] != "call" else ""
        seconds = row["seconds_min"]
        least = f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
        share = "" if base == row["rate"] else f"{row['rate'] / base:.3g}x"
        lines.append(f"{row['workload']:<28}{row['engine']:<30}{rate:>16}  {least:>10}  {share}")
    return lines


def page_rows(rows: Sequence[Row]) -> list[str]:
    """The rows as the README shows them."""
    lines = []
    for row in rows:
        if row["rate"] is None:
            shown = f"{row['units']:.1f} {row['unit']}"
        elif row["unit"] == "call":
            shown = f"{row['seconds_min']:.2f} s"
        else:
            shown = f"{row['rate'] / 1e6:,.2f} M {row['unit']}/s"
        lines.append(f"| {row['workload']} | {row['engine']} {row['version']} | {shown} |")
    return lines


def write_page(rows: Sequence[Row]) -> None:
    """Put the rows into the README, in place of those that stand there."""
    text = PAGE.read_text(encoding="utf-8")
    begin = text.index(TABLE) + len(TABLE)
    end = text.index("\n\n", begin)
    PAGE.write_text(text[:begin] + "\n".join(page_rows(rows)) + text[end:], encoding="utf-8")


def main(as_json: bool, quick: bool, make_peers: bool) -> int:
    """Measure, show, keep; 1 where results are not the committed ones."""
    from benchmarks.machine import machine, machine_line

    def say(text: str) -> None:
        if not as_json:
            print(text, flush=True)

    say(machine_line())
    with tempfile.TemporaryDirectory() as cache:
        if quick:  # all in one process, so that what the workloads share is compiled once
            os.environ["LOTWISE_CACHE_DIR"] = cache
        rows, problems = measured(quick, say)
        rows += peers(quick, make_peers)
    order = list(dict.fromkeys(row["workload"] for row in rows))
    rows.sort(key=lambda row: order.index(row["workload"]))
    table = {"machine": machine(), "rows": rows}
    if not quick and not problems:
        KEPT.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        write_page(rows)
    say("\n".join(shown(rows)))
    if quick:
        say("small sizes: what starts a run weighs more than the run; leave --quick out to compare")
    for problem in problems:
        say(f"FINGERPRINT MISMATCH: {problem}")
    if as_json:
        print(json.dumps(table, indent=1))
    return 1 if problems else 0
