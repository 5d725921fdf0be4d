"""``python -m benchmarks.peers.profiles``: profiles by day beside MarketProfile, in one run.

``--peers`` makes its environment first (network). It is asked for fewer days, being slow; compare rates.
It takes closes, we spread a bar over its range: the same question, a simpler answer.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine_line
from benchmarks.peers import asked
from benchmarks.timing import least_seconds
from benchmarks.workloads import profile_days as workload
from lotwise.analysis import profile_days
from tools.parity import environments

PEER = environments.Peer("profile", "MarketProfile", use="bench")
BARS, THEIR_DAYS, ROW_TICKS = 1_000_000, 30, 10


def rows(make: bool) -> list[dict[str, Any]]:
    """Ours, and theirs where its environment is ready."""
    held = workload.market(BARS)

    def ours() -> None:
        opens, starts = profile_days.session_starts(held.time_ns)
        profile_days.of_days(opens, starts, held.lows, held.highs, held.lots, row_ticks=ROW_TICKS)

    seconds = least_seconds(ours, 9)
    found: list[dict[str, Any]] = [{"engine": "lotwise", "bars": BARS, "rate": BARS / seconds}]
    try:
        python = asked.ready(PEER, make)
        if python is None:
            return found
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bars.npz"
            columns = {
                "close": (held.lows + held.highs) // 2,
                "high": held.highs,
                "low": held.lows,
                "volume": held.lots,
            }
            floats = {name: column.astype(float) for name, column in columns.items()}
            np.savez(file, time_ns=held.time_ns, row=ROW_TICKS, **floats)
            question = {"bars": str(file), "days": THEIR_DAYS, "rounds": 3}
            told = asked.told(python, "probe_marketprofile.py", question)
    except environments.Refused as reason:
        return [*found, {"engine": PEER.package, "refused": str(reason)}]
    rate = told["bars"] / told["seconds"]
    name = f"{PEER.package} {told['version']}"
    return [*found, {"engine": name, "bars": told["bars"], "rate": rate, "times": BARS / seconds / rate}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the machine and one line of JSON a row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.profiles")
    parser.add_argument("--peers", action="store_true", help="make the peer's environment (network)")
    print(machine_line())
    for row in rows(parser.parse_args(arguments).peers):
        print(json.dumps(row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
