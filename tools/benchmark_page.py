"""Writes docs/benchmarks.md from what was measured: results, the kernel's table, the fingerprints.

    python -m tools.benchmark_page

Nothing is measured here and no figure is written by hand. ``tests/docs/test_benchmarks.py`` makes the page
again and compares every byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.kernel import page_rows
from benchmarks.workloads import ALL

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
FOLDER: Final = ROOT / "benchmarks"
SHOWN_OF_A_FINGERPRINT: Final = 12

INTRODUCTION: Final = """\
Written by `python -m tools.benchmark_page` from the last measurements. Machines differ, and other work slows
them: compare rows with each other, and measure your own with `make bench`. What a workload computes is held
by a fingerprint, and a quicker version is taken only with the same one. Why some aims are missed is said in
`benchmarks/README.md`."""
PEERS: Final = """\
The engines do not do the same: ours sizes each trade, charges it, funds it and may liquidate it; vectorbt
has the cross, a stop and fees, nautilus_trader the cross and fees."""
CHECKED: Final = """\
Where a fingerprint is not the one that is committed now, the workload was changed after the measurement, and
its figures are those of the old one."""

Result = Mapping[str, Any]


def results() -> dict[str, Result]:
    """What was kept of the last measurement of each workload, in the order in which they run."""
    files = sorted((FOLDER / "results").glob("*.json"))
    kept = {path.stem: json.loads(path.read_text("utf-8")) for path in files}
    return {name: kept[name] for name in ALL if name in kept}


def committed() -> dict[str, dict[str, str]]:
    """The fingerprints that a workload must have, by size."""
    found: dict[str, dict[str, str]] = json.loads((FOLDER / "fingerprints.json").read_text("utf-8"))
    return found


def number(value: float) -> str:
    """A figure with as many decimals as four digits leave."""
    if value >= 10**6:
        return f"{value / 10**6:,.2f} M"
    decimals = 0 if value >= 1000 else 1 if value >= 100 else 2
    return f"{value:,.{decimals}f}"


def target(figure: Result) -> str:
    """What was aimed at."""
    if figure["target"] is None:
        return ""
    sign = "at least" if figure["unit"].endswith("/s") else "at most"
    return f"{sign} {number(figure['target'])} {figure['unit']}"


def verdict(figure: Result) -> str:
    """Whether the aim was reached; nothing where there is none."""
    return {None: "", True: "reached", False: "**missed**"}[figure["met"]]


def machine(one: Mapping[str, Any]) -> str:
    """A machine in words."""
    return (
        f"{one['cores']} cores of {one['cpu']}, {one['system']}, Python {one['python']}, "
        f"numba {one['numba']}, numpy {one['numpy']}"
    )


def rows(found: Mapping[str, Result]) -> Iterator[str]:
    """The table of figures."""
    yield "| workload | figure | best | median | aim | |"
    yield "|---|---|---:|---:|---|---|"
    for name, result in found.items():
        for place, (figure, one) in enumerate(result["figures"].items()):
            title = "" if place else f"`{name}`"
            best, median = (f"{number(one[key])} {one['unit']}" for key in ("best", "median"))
            yield f"| {title} | {figure} | {best} | {median} | {target(one)} | {verdict(one)} |"


def checks(found: Mapping[str, Result]) -> Iterator[str]:
    """The table of what was computed, and whether it is what must be computed."""
    must = committed()
    yield "| workload | what is timed | size | processes | day | fingerprint | committed |"
    yield "|---|---|---:|---:|---|---|---|"
    for name, result in found.items():
        same = must.get(name, {}).get(str(result["size"])) == result["fingerprint"]
        short = result["fingerprint"][:SHOWN_OF_A_FINGERPRINT]
        size, processes, day = f"{result['size']:,}", result["processes"], result["day"]
        yield (
            f"| `{name}` | {ALL[name].about} | {size} | {processes} | {day} | `{short}` "
            f"| {'the same' if same else '**another since**'} |"
        )


def text() -> str:
    """The whole page."""
    found = results()
    kernel = json.loads((FOLDER / "kernel.json").read_text("utf-8"))
    missed = sum(one["met"] is False for result in found.values() for one in result["figures"].values())
    aims = sum(one["met"] is not None for result in found.values() for one in result["figures"].values())
    machines = dict.fromkeys(machine(result["machine"]) for result in found.values())
    absent = [name for name in ALL if name not in found]
    parts = [
        "# Benchmarks",
        "",
        INTRODUCTION,
        "",
        *(f"Measured on {one}." for one in machines),
        f"{aims - missed} of {aims} aims were reached.",
        "",
        "## Figures",
        "",
        "Best and middle of the processes; a rate is better when higher, a time when lower.",
        "",
        *rows(found),
        "",
    ]
    if absent:
        names = ", ".join(f"`{name}`" for name in absent)
        parts += [f"No figures are kept of {names}; those of the kernel are in the next table.", ""]
    parts += [
        "## The kernel beside other engines",
        "",
        f"One run on {machine(kernel['machine'])}.",
        PEERS,
        "",
        "| workload | engine | rate |",
        "|---|---|---:|",
        *page_rows(kernel["rows"]),
        "",
        "## What was computed",
        "",
        CHECKED,
        "",
        *checks(found),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
