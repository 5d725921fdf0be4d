"""Time MarketProfile's volume profile of every day: rows from closes, control, value area, nodes.

Reads one JSON object on stdin (``bars``: a .npz file, ``days``, ``rounds``), prints one JSON object. Making
the frame is not timed; rows are of one size for all days.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from time import perf_counter

DAY = 86_400_000_000_000


def main() -> None:
    """Ask, answer."""
    import numpy as np
    import pandas as pd
    from market_profile import MarketProfile

    asked = json.load(sys.stdin)
    held = dict(np.load(asked["bars"]))
    frame = pd.DataFrame(
        {"Close": held["close"], "High": held["high"], "Low": held["low"], "Volume": held["volume"]},
        index=pd.to_datetime(held["time_ns"]),
    )
    days = np.unique(held["time_ns"] // DAY)[: asked["days"]]
    edges = [(pd.Timestamp(day * DAY), pd.Timestamp(day * DAY + DAY - 1)) for day in days.tolist()]
    profiles = MarketProfile(frame, tick_size=float(held["row"]), mode="vol")
    least, controls, bars = float("inf"), [], 0
    for _ in range(asked["rounds"]):
        begun = perf_counter()
        made = [profiles[first:last] for first, last in edges]
        least = min(least, perf_counter() - begun)
        controls = [float(one.poc_price) for one in made]
        bars = sum(len(one.ds) for one in made)
    told = {"version": version("marketprofile"), "seconds": least, "bars": bars, "controls": controls[:3]}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
