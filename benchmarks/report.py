"""How reports are shown and kept. It may not judge: that was done when they were made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.runner import Measured, Report
from benchmarks.workloads import ALL

RESULTS = Path(__file__).with_name("results")
HEADER = ("workload", "figure", "target", "best", "median", "")


def keep(report: Report, day: str, version: str) -> Path:
    """Write a report for others to read; no name of a machine or a folder goes in."""
    kept = {"day": day, "lotwise": version, "machine": machine()} | report.as_dict()
    del kept["problem"]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{report.workload}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return path


def lines_of(report: Report) -> list[str]:
    """One workload as it ends."""
    several = f"best of {report.processes} processes" if report.processes > 1 else "one process"
    lines = [f"{report.workload}: {ALL[report.workload].about} (size {report.size:,}, {several})"]
    for name, one in report.figures.items():
        lines.append(f"  {name:<34} {_number(one.best)} {one.unit:<4} median {_number(one.median).strip()}")
    if report.compile_seconds:
        first, least = report.compile_seconds["first"], report.compile_seconds["least"]
        lines.append(f"  compile, first {first} s, least {least} s (rules come from the cache)")
    lines.append(f"  fingerprint {report.fingerprint}")
    if report.problem:
        lines.append(f"  FINGERPRINT MISMATCH: {report.problem}")
    return lines


def table(reports: Sequence[Report]) -> list[str]:
    """Every figure with its target."""
    rows = [HEADER]
    for report in reports:
        for number, (name, one) in enumerate(report.figures.items()):
            rows.append(
                (
                    "" if number else report.workload,
                    name,
                    _target(one),
                    f"{_number(one.best)} {one.unit}",
                    f"{_number(one.median)} {one.unit}",
                    _verdict(one),
                )
            )
        if report.problem:
            rows.append(("", "fingerprint", "", "", "", "MISMATCH"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _target(one: Measured) -> str:
    if one.target is None:
        return "-"
    return f"{'>' if one.unit.endswith('/s') else '<'} {one.target:g} {one.unit}"


def _verdict(one: Measured) -> str:
    return {None: "", True: "ok", False: "MISSED"}[one.met]


def _number(value: float) -> str:
    """Right-aligned, with as many decimals as four digits leave."""
    decimals = 0 if value >= 1000 else 1 if value >= 100 else 2
    return f"{value:>9,.{decimals}f}"
