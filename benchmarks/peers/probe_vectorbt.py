"""Time vectorbt's signal simulation: stop, fees, reversal; no margin, funding, tiers, lots or targets.

Reads one JSON object on stdin (``bars``: a .npz file, ``rounds``), prints one JSON object. Averages are
worked out by us and are not timed; compiling is not timed.
"""

from __future__ import annotations

import hashlib
import json
import sys
from time import perf_counter
from typing import Any


def simulated(vectorbt: Any, market: dict[str, Any], signals: Any, stop: Any, engine: str) -> Any:
    """One call of ``Portfolio.from_signals``."""
    return vectorbt.Portfolio.from_signals(
        market["close"],
        entries=signals == 1,
        short_entries=signals == -1,
        open=market["open"],
        high=market["high"],
        low=market["low"],
        size=1.0,
        fees=0.0005,
        sl_stop=stop,
        upon_opposite_entry="reverse",
        init_cash=1e9,
        freq="1min",
        engine=engine,
    )


def timed(call: Any, rounds: int) -> tuple[float, str]:
    """Least seconds of so many calls after one to warm up, and a name of the orders that came out."""
    made = call()
    least = float("inf")
    for _ in range(rounds):
        begun = perf_counter()
        made = call()
        least = min(least, perf_counter() - begun)
    records = made.orders.values
    kept = [records[name].astype("int64").tobytes() for name in ("col", "idx", "side")]
    return least, hashlib.sha256(b"".join(kept)).hexdigest()


def main() -> None:
    """Ask, answer."""
    import numpy as np
    import vectorbt

    asked = json.load(sys.stdin)
    market = dict(np.load(asked["bars"]))
    answers = {}
    for engine in ("numba", "rust"):
        try:
            single = timed(
                lambda engine=engine: simulated(vectorbt, market, market["signals"], 0.02, engine),
                asked["rounds"],
            )
            few = {name: market[name][: asked["sweep_bars"]] for name in ("open", "high", "low", "close")}
            wide = {name: np.repeat(column[:, None], len(market["stops"]), 1) for name, column in few.items()}
            signals = market["sweep_signals"].astype(np.int8)
            swept = timed(
                lambda engine=engine, wide=wide, signals=signals: simulated(
                    vectorbt, wide, signals, market["stops"], engine
                ),
                max(1, asked["rounds"] // 2),
            )
            answers[engine] = {"single": single, "sweep": swept}
        except Exception as error:  # an engine that is not installed is no answer
            answers[engine] = {"refused": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps({"version": vectorbt.__version__, "engines": answers}))


if __name__ == "__main__":
    main()
