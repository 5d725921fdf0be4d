"""Ask lrvx's ``LiquidationEngine`` at which mark a position is liquidated.

Reads ``{"isolated": [...], "cross": [...]}`` on stdin, prints one JSON object. Runs inside the
environment of lrvx. The engine says "liquidated" or not at a mark; the price is found by halving,
with a fresh engine for every mark.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import version
from typing import Any

HALVINGS = 80
LEG, OTHER = 1, 2  # symbol numbers


def text(number: float) -> str:
    """A float as the shortest text that reads back as it, without an exponent."""
    return format(Decimal(repr(number)), "f")


def first_liquidated(liquidated: Callable[[float], bool], safe: float, beyond: float) -> str | None:
    """The mark nearest to ``safe`` at which the engine liquidates; ``None`` if not even at ``beyond``."""
    if liquidated(safe):
        return "at once"
    if not liquidated(beyond):
        return None
    for _ in range(HALVINGS):
        middle = (safe + beyond) / 2
        if middle in (safe, beyond):
            break
        if liquidated(middle):
            beyond = middle
        else:
            safe = middle
    return text(beyond)


def engine(case: dict[str, Any]) -> Any:
    """An engine with the case's tiers, or with the engine's own Binance profile."""
    from lrvx import LiquidationEngine

    if case.get("tiers") is None:
        return LiquidationEngine.binance_um_futures()
    made = LiquidationEngine()
    for floor, rate in case["tiers"]:
        made.add_tier(float(floor), float(rate))
    return made


def isolated(case: dict[str, Any]) -> dict[str, str | None]:
    """One position with its own margin."""
    entry, short = float(case["entry"]), case["side"] == "short"
    quantity = float(case["quantity"]) * (-1 if short else 1)

    def liquidated(mark: float) -> bool:
        asked = engine(case)
        asked.open_position(1, LEG, quantity, entry, float(case["margin"]))
        return bool(asked.on_mark(LEG, mark)["liquidated"])

    return {"price": first_liquidated(liquidated, entry, entry * (3.0 if short else 1e-9))}


def cross(case: dict[str, Any]) -> dict[str, str | None]:
    """The first leg's liquidation price while the other leg stays at its mark."""
    from lrvx import Account

    leg, other = case["leg"], case["other"]
    signed = {
        name: float(part["quantity"]) * (-1 if part["side"] == "short" else 1)
        for name, part in (("leg", leg), ("other", other))
    }

    def liquidated(mark: float) -> bool:
        account = Account(1, float(case["wallet"]))
        account.set_margin_mode("cross")
        account.open_position(LEG, signed["leg"], float(leg["entry"]))
        account.open_position(OTHER, signed["other"], float(other["entry"]))
        asked = engine(case)
        asked.attach_account(account)
        outcome = asked.on_marks([(OTHER, float(other["mark"])), (LEG, mark)])
        return bool(outcome["liquidated"])

    entry = float(leg["entry"])
    return {"price": first_liquidated(liquidated, entry, entry * 1e-9)}


def source() -> dict[str, bool]:
    """Whether a tier takes a rate but no maintenance amount; the engine itself is compiled."""
    from lrvx import LiquidationEngine

    words = re.findall(r"(\w+): ", (LiquidationEngine.add_tier.__doc__ or "").partition("\n")[0])
    return {"tier_without_amount": [w for w in words if w != "self"] == ["min_notional", "mm_fraction"]}


def main() -> None:
    """Answer what stdin asks."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer itself prints goes to stderr
    asked = json.load(sys.stdin)
    found = {
        "version": version("lrvx"),
        "python": platform.python_version(),
        "source": source(),
        "isolated": {case["id"]: isolated(case) for case in asked["isolated"]},
        "cross": {case["id"]: cross(case) for case in asked["cross"]},
    }
    json.dump(found, answers)
    answers.close()


if __name__ == "__main__":
    main()
