"""Ask jesse's own code for quantities and liquidation prices.

Reads ``{"sizing": [...], "liquidation": [...]}`` on stdin, prints one JSON object. Runs inside the
environment of jesse.
"""

from __future__ import annotations

import inspect
import json
import math
import os
import platform
import sys
from decimal import Decimal
from types import SimpleNamespace
from typing import Any


def text(number: Any) -> str:
    """A peer's float as the shortest text that reads back as it, without an exponent."""
    value = float(number)
    return "nan" if math.isnan(value) else format(Decimal(repr(value)), "f")


def quantity(case: dict[str, str]) -> dict[str, str]:
    """What ``utils.risk_to_qty`` answers, at the decimals of the lot."""
    from jesse import utils

    return {
        "quantity": text(
            utils.risk_to_qty(
                float(case["equity"]),
                float(case["risk_percent"]),
                float(case["entry"]),
                float(case["stop"]),
                precision=int(case["decimals"]),
                fee_rate=float(case["taker"]),
            )
        )
    }


def liquidation(case: dict[str, str]) -> dict[str, str]:
    """What ``Position.liquidation_price`` answers in a backtest."""
    from jesse.models.Position import Position

    sign = -1 if case["side"] == "short" else 1
    position = Position(
        {
            "entry_price": float(case["entry"]),
            "current_price": float(case["entry"]),
            "qty": sign * float(case["quantity"]),
            "exchange": SimpleNamespace(type="futures", futures_leverage_mode=case["margin"]),
            "strategy": SimpleNamespace(leverage=float(case["leverage"])),
        }
    )
    return {"price": text(position.liquidation_price)}


def source() -> dict[str, bool]:
    """Whether the lines that explain the differences stand in the installed source."""
    from jesse import utils
    from jesse.models.Position import Position

    price = inspect.getsource(Position.liquidation_price.fget)
    sized = inspect.getsource(utils.risk_to_size)
    charged = inspect.getsource(utils.risk_to_qty) + inspect.getsource(utils.size_to_qty)
    return {
        "flat_rate": price.count("0.004") == 2,
        "cross_is_nan": "'cross'" in price and "nan" in price,
        "size_capped_at_capital": "min(" in sized and "capital_size)" in sized,
        "fee_three_times_twice": charged.count("fee_rate * 3") == 2,
    }


def main() -> None:
    """Answer what stdin asks."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer itself prints goes to stderr
    from jesse.version import __version__

    asked = json.load(sys.stdin)
    found = {
        "version": __version__,
        "python": platform.python_version(),
        "source": source(),
        "sizing": {case["id"]: quantity(case) for case in asked["sizing"]},
        "liquidation": {case["id"]: liquidation(case) for case in asked["liquidation"]},
    }
    json.dump(found, answers)
    answers.close()


if __name__ == "__main__":
    main()
