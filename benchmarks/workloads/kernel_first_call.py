"""What the first run of a process costs: with nothing in the cache, and with everything; and its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.workload import Figure, Outcome, Workload
from benchmarks.workloads import kernel_compiled

ROOT = Path(__file__).resolve().parents[2]


def called(bars: int, cache: str) -> dict[str, Any]:
    """What a fresh process tells of its first run."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_call", str(bars)],
        cwd=ROOT,
        env={**os.environ, "LOTWISE_CACHE_DIR": cache},
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def figures(cold: float, kept: list[dict[str, Any]]) -> dict[str, float]:
    """The cold call's seconds, and the best of what calls from the cache told."""
    return {
        "cold": cold,
        "from the cache": min(one["first_seconds"] - one["second_seconds"] for one in kept),
        "import numba": min(one["import_seconds"] for one in kept),
        "memory of one more run": max(0, 0, *(one["more_bytes"] for one in kept)) / 2**20,
    }


def measure(bars: int) -> Outcome:
    """One cold call, then three from the cache it filled."""
    with tempfile.TemporaryDirectory() as cache:
        cold = called(bars, cache)
        kept = [called(bars, cache) for _ in range(3)]
    return Outcome(
        figures=figures(cold["first_seconds"] - cold["second_seconds"], kept), results=cold["results"]
    )


def answer(_: int) -> list[int]:
    """What a run comes to; the number of bars does not matter to it."""
    return kernel_compiled.RUN.interpreted(kernel_compiled.RUN.small)


WORKLOAD = Workload(
    name="kernel_first_call",
    about="the first run of a process, less the run itself",
    figures=(
        Figure("cold", "s", 8),
        Figure("from the cache", "s", 0.4),
        Figure("import numba", "s"),
        Figure("memory of one more run", "MiB", 1),
    ),
    measure=measure,
    bodies={"interpreted": answer},
    small=2_000,
    full=1_000_000,
    processes=1,
)
