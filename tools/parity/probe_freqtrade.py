"""Ask freqtrade's own code for liquidation prices, on the leverage tiers it ships.

Reads ``{"setups": [...], "cross": [...]}`` on stdin, prints one JSON object. Runs inside the
environment of freqtrade; without network: mark prices come from the cases.
"""

from __future__ import annotations

import inspect
import json
import os
import platform
import re
import sys
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

ENTRY = 100.0  # any: the tiers depend on the notional, and the distance is taken as a share of the entry


def text(number: Any) -> str:
    """A peer's float as the shortest text that reads back as it, without an exponent."""
    return format(Decimal(repr(number)), "f")


def exchange(margin_mode: str) -> Any:
    """freqtrade's Binance in dry-run, built by its own constructor."""
    from freqtrade.enums import CandleType, MarginMode, RunMode, TradingMode
    from freqtrade.exchange import Binance

    config = {
        "dry_run": True,
        "runmode": RunMode.DRY_RUN,
        "trading_mode": TradingMode.FUTURES,
        "margin_mode": MarginMode(margin_mode),
        "candle_type_def": CandleType.FUTURES,
        "stake_currency": "USDT",
        "dry_run_wallet": 1000,
        "exchange": {"name": "binance", "key": "", "secret": "", "pair_whitelist": []},
    }
    return Binance(config, validate=False, load_leverage_tiers=True)


def isolated(setups: list[dict[str, str]]) -> dict[str, Any]:
    """For every USDT perpetual: its tiers, and both prices for each setup."""
    asked = exchange("isolated")
    pairs = {}
    for pair, tiers in asked._leverage_tiers.items():
        if not pair.endswith("/USDT:USDT"):
            continue
        prices = {}
        for setup in setups:
            stake, leverage = float(setup["stake"]), float(setup["leverage"])
            words: dict[str, Any] = {
                "pair": pair,
                "open_rate": ENTRY,
                "is_short": setup["side"] == "short",
                "amount": stake * leverage / ENTRY,
                "stake_amount": stake,
                "leverage": leverage,
                "wallet_balance": stake,
                "open_trades": [],
            }
            plain = asked.dry_run_liquidation_price(**words)
            moved = asked.get_liquidation_price(**words)
            prices[setup["id"]] = {"price": text(plain), "with_buffer": text(moved)}
        pairs[pair] = {"tiers": [[text(tier[name]) for name in FIELDS] for tier in tiers], "prices": prices}
    return {"buffer": text(asked.liquidation_buffer), "pairs": pairs}


FIELDS = ("minNotional", "maxNotional", "maxLeverage", "maintenanceMarginRate", "maintAmt")


def cross(case: dict[str, Any]) -> dict[str, str]:
    """The dry-run price of the first leg, with the other leg at its mark."""
    asked = exchange("cross")
    leg, other = case["leg"], case["other"]
    trade = SimpleNamespace(
        pair=other["pair"],
        amount=float(other["quantity"]),
        open_rate=float(other["entry"]),
        stake_amount=float(other["stake"]),
        is_short=other["side"] == "short",
    )
    asked.fetch_funding_rates = lambda pairs: {other["pair"]: {"markPrice": float(other["mark"])}}
    words: dict[str, Any] = {
        "pair": leg["pair"],
        "open_rate": float(leg["entry"]),
        "is_short": leg["side"] == "short",
        "amount": float(leg["quantity"]),
        "stake_amount": float(leg["stake"]),
        "leverage": float(leg["leverage"]),
        "wallet_balance": float(case["wallet"]),
        "open_trades": [trade],
    }
    plain, moved = asked.dry_run_liquidation_price(**words), asked.get_liquidation_price(**words)
    return {"price": text(plain), "with_buffer": text(moved)}


def source() -> dict[str, bool]:
    """Whether the lines that explain the differences stand in the installed source."""
    from freqtrade.exchange import Binance

    body = inspect.getsource(Binance.dry_run_liquidation_price)
    upnl = re.findall(r"upnl_ex_1 \+=(.*)", body)
    return {
        "tier_by_stake": bool(re.search(r"get_maintenance_ratio_and_amt\(pair, stake_amount\)", body)),
        "upnl_without_side": len(upnl) == 1 and "short" not in upnl[0] and "side" not in upnl[0],
    }


def main() -> None:
    """Answer what stdin asks."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer itself prints goes to stderr
    import freqtrade

    asked = json.load(sys.stdin)
    found = {
        "version": freqtrade.__version__,
        "python": platform.python_version(),
        "source": source(),
        "isolated": isolated(asked["setups"]),
        "cross": {case["id"]: cross(case) for case in asked["cross"]},
    }
    json.dump(found, answers)
    answers.close()


if __name__ == "__main__":
    main()
