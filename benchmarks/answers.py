"""The figures of a calculator's answer as integers; its sentences may change, its figures may not."""

from __future__ import annotations

from typing import Any

from lotwise.units import parse_rate

FIGURES = (
    *("entry", "stop", "lots", "quantity", "contracts", "notional", "loss_at_stop", "worst_loss", "budget"),
    *("budget_used", "leverage", "effective_leverage", "initial_margin", "free_margin_after"),
    *("maintenance_margin", "liquidation_price", "bankruptcy_price", "break_even_price", "cash_per_tick"),
    "next_lot_loss",
)
WAYS = ("stop", "equity", "risk", "leverage")
NONE = -1
"""Stands for a figure the answer does not have; none of them is negative by 1e-8."""


def integers_of(plan: dict[str, Any]) -> list[int]:
    """Every figure of a plan in 1e-8, then its costs, targets and ways out."""
    found = [_scaled(plan[name]) for name in FIGURES]
    found += [_scaled(value) for value in (plan["loss_breakdown"] or {}).values()]
    for target in plan["targets"]:
        found += [_scaled(target[name]) for name in ("price", "profit", "r", "lots")]
    found += [_scaled(way["value"]) for kind in WAYS for way in plan["ways_out"] if way["kind"] == kind]
    return found


def _scaled(value: str | int | None) -> int:
    return NONE if value is None else parse_rate(value, "figure")
