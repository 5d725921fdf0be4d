"""What is asked: the trades, the positions, the contracts they are about. All numbers are text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import lotwise

Case = dict[str, Any]

EQUITIES = ("10000", "1000")
STOPS_PERCENT = ("0.25", "0.5", "1", "2", "5")
SETUPS = [("200", "10"), ("500", "20"), ("1000", "10"), ("1000", "20"), ("2500", "5"), ("5000", "5")]
"""Stake in USDT and leverage: what a small account puts into one isolated position."""

STEPS = {  # contract -> entry, notionals in USDT, leverage
    "BTCUSDT": ("60000", (6_000, 60_000, 240_000, 600_000, 810_000, 1_500_000, 3_000_000, 6_000_000), "10"),
    "DOGEUSDT": ("0.1", (1_000, 10_000, 60_000, 100_000, 200_000, 500_000), "10"),
    "PEOPLEUSDT": ("0.02", (1_000, 5_000, 10_000, 15_000), "10"),
}
BTC_SIZED = {"tick_size": "0.1", "lot_size": "0.001", "contract_size": "1"}


def venue_contract(symbol: str) -> Case:
    """Tick, lot and tiers of a Binance perpetual, as lotwise's dated catalogue has them."""
    known = lotwise.contract(f"binance:{symbol}")
    tiers = [
        [str(getattr(tier, name)) for name in lotwise.MarginTier.__struct_fields__] for tier in known.tiers
    ]
    return {
        "tick_size": str(known.tick_size),
        "lot_size": str(known.lot_size),
        "contract_size": str(known.contract_size),
        "tiers": tiers,
        "as_of": known.as_of,
    }


def sizing() -> list[Case]:
    """Stops from 0.25 to 5 %, at both equities, 1 % risked, taker 0.05 % each way."""
    entry = Decimal(65000)
    return [
        {
            **BTC_SIZED,
            "id": f"stop {percent} % equity {equity}",
            "side": "long",
            "entry": "65000",
            "stop": f"{(entry - entry * Decimal(percent) / 100).normalize():f}",
            "stop_percent": percent,
            "equity": equity,
            "risk_percent": "1",
            "taker": "0.0005",
            "decimals": "3",
        }
        for equity in EQUITIES
        for percent in STOPS_PERCENT
    ]


def multipliers() -> list[Case]:
    """Contracts that are not one coin."""
    return [
        {
            "id": "contract of 0.0001 BTC",
            "tick_size": "0.1",
            "lot_size": "1",
            "contract_size": "0.0001",
            "side": "long",
            "entry": "65000",
            "stop": "64350",
            "equity": "500",
            "risk_percent": "1",
            "taker": "0.0002",
            "decimals": "4",
        },
        {
            "id": "contract of 10 coins",
            "tick_size": "0.001",
            "lot_size": "1",
            "contract_size": "10",
            "side": "long",
            "entry": "1",
            "stop": "0.9",
            "equity": "5000",
            "risk_percent": "1",
            "taker": "0",
            "decimals": "0",
        },
    ]


def setups() -> list[dict[str, str]]:
    """Every stake and leverage, long and short."""
    return [
        {"id": f"{stake}x{leverage} {side}", "stake": stake, "leverage": leverage, "side": side}
        for side in ("long", "short")
        for stake, leverage in SETUPS
    ]


def cross() -> list[Case]:
    """A long of 0.02 BTC in a wallet of 1,000 USDT, beside one ETH: short, long, and short at its entry."""
    leg = {
        "contract": "BTCUSDT",
        "pair": "BTC/USDT:USDT",
        "side": "long",
        "quantity": "0.02",
        "entry": "60000",
        "leverage": "10",
        "stake": "120",
    }
    others = [("short", "3300"), ("long", "3300"), ("short", "3000")]
    return [
        {
            "id": f"{side} 1 ETH at 3000 marked {mark}",
            "wallet": "1000",
            "leg": leg,
            "other": {
                "contract": "ETHUSDT",
                "pair": "ETH/USDT:USDT",
                "side": side,
                "quantity": "1",
                "entry": "3000",
                "mark": mark,
                "stake": "300",
            },
        }
        for side, mark in others
    ]


def steps() -> list[Case]:
    """Isolated positions of growing notional."""
    return [
        {
            "id": f"{symbol} {side} {notional}",
            "contract": symbol,
            "side": side,
            "entry": entry,
            "quantity": f"{(Decimal(notional) / Decimal(entry)).normalize():f}",
            "notional": str(notional),
            "leverage": leverage,
            "margin": f"{(Decimal(notional) / Decimal(leverage)).normalize():f}",
        }
        for symbol, (entry, notionals, leverage) in STEPS.items()
        for side in ("long", "short")
        for notional in notionals
    ]


def maintenance() -> list[Case]:
    """Maintenance margin of 0.1 BTC at 60,000 at growing leverage."""
    return [
        {
            **BTC_SIZED,
            "id": f"leverage {leverage}",
            "taker": "0.0005",
            "quantity": "0.100",
            "entry": "60000",
            "leverage": leverage,
            "maintenance_rate": "0.004",
        }
        for leverage in ("1", "20", "125")
    ]


def venue_liquidations() -> list[Case]:
    """A long of 1 BTC at 60,000 whose margin is all the account has, under either margin model."""
    asked = [
        ("LeveragedMarginModel", "10"),
        ("LeveragedMarginModel", "20"),
        ("StandardMarginModel", "10"),
        ("StandardMarginModel", "20"),
    ]
    return [
        {
            "id": f"{model} {leverage}x",
            "model": model,
            "tick_size": "0.1",
            "side": "long",
            "quantity": "1",
            "entry": "60000",
            "leverage": leverage,
            "margin": str(60000 // int(leverage)),
            "maintenance_rate": "0.004",
        }
        for model, leverage in asked
    ]
