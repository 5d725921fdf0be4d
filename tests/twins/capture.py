"""The captured order book and trades of BTCUSDT as whole numbers: ticks of 0.1 USDT, lots of 0.001 BTC."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TICKS, LOTS = Decimal(10), Decimal(1000)


class Capture(NamedTuple):
    """Trades (time_ns, price, lots, buyer is maker), changes (time_ns, id, snapshot, bid, price, lots)."""

    trades: list[tuple[int, int, int, bool]]
    changes: list[tuple[int, int, bool, bool, int, int]]


def whole(text: str, scale: Decimal) -> int:
    """A decimal as so many units; it must be a whole number of them."""
    found = Decimal(text) * scale
    assert found == int(found), text
    return int(found)


def levels(said: dict[str, Any], names: tuple[str, str], at: tuple[int, int, bool]) -> list[Any]:
    """Both sides of a message, a row a level."""
    return [
        (*at, is_bid, whole(price, TICKS), whole(quantity, LOTS))
        for is_bid, name in ((True, names[0]), (False, names[1]))
        for price, quantity in said[name]
    ]


@cache
def btcusdt(folder: Path) -> Capture:
    """The capture; messages of the book before its snapshot are left out. Times are the venue's own."""
    trades, changes, last = [], [], None
    with gzip.open(folder / "l2_trades" / "btcusdt_20240808.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line.partition(" ")[2])
            said = said.get("data", said)
            kind, at = said.get("e", "snapshot"), said["T"] * 1_000_000
            if kind == "trade":
                trades.append((at, whole(said["p"], TICKS), whole(said["q"], LOTS), bool(said["m"])))
            elif kind == "snapshot":
                last = said["lastUpdateId"]
                changes = levels(said, ("bids", "asks"), (at, last, True))
            elif kind == "depthUpdate" and last is not None and said["u"] > last:
                changes += levels(said, ("b", "a"), (at, said["u"], False))
    return Capture(trades, changes)
