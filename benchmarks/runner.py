"""Runs workloads, each measurement in a process of its own, and gathers the best of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.committed import expected
from benchmarks.workload import Workload, fingerprint

ROOT = Path(__file__).resolve().parent.parent
CHILD_SECONDS = 600
QUICK_PROCESSES = 1


@dataclass(frozen=True)
class Measured:
    """One figure over all processes."""

    best: float
    median: float
    unit: str
    target: float | None
    met: bool | None


@dataclass(frozen=True)
class Report:
    """A workload's figures, and whether it computed what it should.

    ``problem`` is empty where the fingerprint is the committed one and all bodies agree.
    ``compile_seconds`` is the first and the least: rules come from the user's cache once they
    are in it.
    """

    workload: str
    size: int
    processes: int
    figures: dict[str, Measured]
    compile_seconds: dict[str, float] | None
    fingerprint: str
    problem: str

    def as_dict(self) -> dict[str, Any]:
        """Plain builtins."""
        return asdict(self)


def child(workload: Workload, quick: bool) -> dict[str, Any]:
    """One measurement, in this process."""
    size = workload.size(quick)
    outcome = workload.measure(size)
    body = next(iter(workload.bodies.values()))
    confirmed = list(body(workload.small))
    results = outcome.results if workload.begins_alike else workload.measure(workload.small).results
    return {
        "figures": outcome.figures,
        "compile_seconds": outcome.compile_seconds,
        "fingerprint": fingerprint(outcome.results),
        "confirmed": results[: len(confirmed)] == confirmed,
    }


def in_process(workload: Workload, quick: bool) -> dict[str, Any]:
    """:func:`child` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks", "--child", workload.name]
    done = subprocess.run(
        command + ["--quick"] * quick, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=CHILD_SECONDS
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(
    workload: Workload,
    quick: bool,
    measure: Callable[[Workload, bool], dict[str, Any]] | None = None,
) -> Report:
    """Measure a workload in several processes, one after the other; or by ``measure``."""
    measure = measure or in_process
    processes = QUICK_PROCESSES if quick else workload.processes
    found = [measure(workload, quick) for _ in range(processes)]
    size = workload.size(quick)
    compiling = [one["compile_seconds"] for one in found if one["compile_seconds"] is not None]
    return Report(
        workload=workload.name,
        size=size,
        processes=processes,
        figures={figure.name: _gathered(figure, found) for figure in workload.figures},
        compile_seconds={"first": round(compiling[0], 3), "least": round(min(compiling), 3)}
        if compiling
        else None,
        fingerprint=found[0]["fingerprint"],
        problem=problem_of(found, expected(workload, size)),
    )


def problem_of(found: list[dict[str, Any]], wanted: str | None) -> str:
    """Why the results may not be trusted, or nothing."""
    got = sorted({one["fingerprint"] for one in found})
    if len(got) > 1:
        return f"two processes computed different results: {got[0][:16]} and {got[1][:16]}"
    if not all(one["confirmed"] for one in found):
        return "the timed results are not those of the interpreted rules"
    if wanted is None:
        return f"no fingerprint is committed for this size; got {got[0][:16]}"
    return "" if got[0] == wanted else f"fingerprint {got[0][:16]}, committed is {wanted[:16]}"


def _gathered(figure: Any, found: list[dict[str, Any]]) -> Measured:
    values = [one["figures"][figure.name] for one in found]
    best = figure.better(values)
    return Measured(_rounded(best), _rounded(median(values)), figure.unit, figure.target, figure.met(best))


def _rounded(value: float) -> float:
    """Four significant digits: the rest is noise."""
    return float(f"{value:.4g}")
