"""lotwise's own answers to the cases, through its public functions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import lotwise
from tools.parity.cases import Case


def contract(facts: Case, taker: str | None = None) -> lotwise.Contract:
    """A contract from the facts a case carries."""
    return lotwise.Contract(
        symbol="CASE",
        base="COIN",
        tick_size=facts["tick_size"],
        lot_size=facts["lot_size"],
        contract_size=facts["contract_size"],
        tiers=[lotwise.MarginTier(*tier) for tier in facts.get("tiers", [])],
        fees=None if taker is None else lotwise.FeeSchedule(maker=taker, taker=taker),
    )


def sized(case: Case) -> dict[str, str]:
    """Contracts, their loss at the stop, the budget and the rule that stops one lot more."""
    plan = lotwise.size(
        contract(case, case["taker"]),
        side=case["side"],
        entry=case["entry"],
        stop=case["stop"],
        equity=case["equity"],
        risk=f"{case['risk_percent']}%",
    )
    return {
        "quantity": plan.contracts,
        "loss": plan.loss_at_stop or "0",
        "budget": plan.budget,
        "binding": plan.binding or "",
    }


def loss_of(case: Case, quantity: str, size: str | None = None) -> Fraction:
    """What a number of contracts loses at the stop with both fees, exactly."""
    entry, stop, rate = (Fraction(case[name]) for name in ("entry", "stop", "taker"))
    coins = Fraction(quantity) * Fraction(size or case["contract_size"])
    return coins * (abs(entry - stop) + rate * (entry + stop))


def isolated(case: Case, facts: Case) -> dict[str, str | None]:
    """Where an isolated position is liquidated."""
    found = lotwise.liquidation(
        contract(facts),
        side=case["side"],
        quantity=case["quantity"],
        entry=case["entry"],
        wallet=case["margin"],
    )
    return {"status": found.status, "price": found.liquidation_price}


def cross(case: Case, facts: dict[str, Case]) -> dict[str, str | None]:
    """Where the first leg is liquidated, the other leg at its mark."""
    leg, other = case["leg"], case["other"]
    found = lotwise.liquidation(
        contract(facts[leg["contract"]]),
        side=leg["side"],
        quantity=leg["quantity"],
        entry=leg["entry"],
        margin="cross",
        wallet=case["wallet"],
        others=[
            lotwise.Position(
                contract=contract(facts[other["contract"]]),
                **{name: other[name] for name in ("side", "quantity", "entry", "mark")},
            )
        ],
    )
    return {"status": found.status, "price": found.liquidation_price}


def maintenance(case: Case, facts: Case) -> str | None:
    """Maintenance margin at the entry, by the venue's tiers."""
    words: dict[str, Any] = {name: case[name] for name in ("quantity", "entry", "leverage")}
    return lotwise.liquidation(contract(facts), side="long", **words).maintenance_margin
