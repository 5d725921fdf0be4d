"""Asks the peers' probes: where an environment is ready, or is made now."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import history
from benchmarks.workloads import kernel_sweep_compiled
from tools.parity import environments

ROOT = Path(__file__).resolve().parents[2]
HOMES = ROOT / ".venv-parity"
VECTORBT = environments.Peer("vectorbt", "vectorbt", use="bench")
NAUTILUS = environments.Peer("nautilus", "nautilus_trader", ("3.13", "3.12"))
NAUTILUS_BARS = 50_000
TICK = 10
"""Ticks in one USDT."""

Row = dict[str, Any]


def ready(peer: environments.Peer, make: bool) -> Path | None:
    """The Python of a peer's environment, or None where there is none and none is to be made."""
    inside = HOMES / peer.key / "bin" / "python"
    if make:
        return environments.prepare(peer, HOMES)
    return inside if inside.exists() else None


def told(python: Path, probe: str, question: dict[str, Any]) -> dict[str, Any]:
    """What a probe prints, at the end of whatever else its peer prints."""
    done = subprocess.run(
        [str(python), "-I", str(Path(__file__).with_name(probe))],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise environments.Refused(environments.last_line(done.stderr))
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def market_file(folder: Path, bars: int, sweep_bars: int) -> Path:
    """Bars, signals and the sweep's columns, in USDT."""
    rows, cases = history.bars(bars), kernel_sweep_compiled.cases(sweep_bars)
    path = folder / "market.npz"
    np.savez(
        path,
        **{name: rows[f"{name}_ticks"] / TICK for name in ("open", "high", "low", "close")},
        signals=history.signals(bars),
        sweep_signals=np.stack([case.signals for case in cases], 1),
        stops=np.array([case.setup.stop_share8 / history.E8 for case in cases]),
    )
    return path


def of_vectorbt(python: Path, file: Path, bars: int, sweep_bars: int) -> Iterator[Row]:
    """Its two engines on the single run and on the sweep."""
    answer = told(python, "probe_vectorbt.py", {"bars": str(file), "rounds": 5, "sweep_bars": sweep_bars})
    combinations = sweep_bars * kernel_sweep_compiled.COMBINATIONS
    for engine, found in answer["engines"].items():
        named = {"engine": f"vectorbt ({engine})", "version": answer["version"]}
        if "refused" in found:
            yield {"workload": "single run", **named, "refused": found["refused"]}
            continue
        yield row("single run", named, bars, unit="bars", told=found["single"])
        yield row("sweep", named, combinations, unit="bars x combinations", told=found["sweep"])


def of_nautilus(python: Path, file: Path, bars: int) -> Iterator[Row]:
    """Its backtest engine with a Python strategy."""
    count = min(bars, NAUTILUS_BARS)
    answer = told(python, "probe_nautilus.py", {"bars": str(file), "count": count})
    named = {"engine": "nautilus_trader", "version": answer["version"]}
    seconds = (answer["seconds"], answer["fingerprint"])
    yield row("Python strategy object", named, count, unit="events", told=seconds)


def row(workload: str, engine: Row, units: int, unit: str, told: Any) -> Row:
    """One line of the table."""
    seconds, fingerprint = told
    return {
        "workload": workload,
        **engine,
        "units": units,
        "unit": unit,
        "seconds_min": seconds,
        "rate": units / seconds,
        "fingerprint": fingerprint,
    }


def rows(bars: int, sweep_bars: int, make: bool) -> list[Row]:
    """What the peers do; a peer that cannot be asked says why."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        file: Path | None = None
        for peer in (VECTORBT, NAUTILUS):
            try:
                python = ready(peer, make)
                if python is None:
                    continue
                file = file or market_file(Path(folder), bars, sweep_bars)
                if peer is VECTORBT:
                    asked = of_vectorbt(python, file, bars, sweep_bars=sweep_bars)
                else:
                    asked = of_nautilus(python, file, bars)
                found = list(chain(found, asked))
            except environments.Refused as reason:
                found.append({"workload": "", "engine": peer.package, "refused": str(reason)})
    return found
