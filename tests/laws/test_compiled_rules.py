"""Law: a rule run as plain Python and the same rule compiled give the same integers.

Every public rule of the kernel's modules, found by looking, not by a list; its arguments by
their names, within the bounds of :mod:`lotwise.contracts.bounds`.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from lotwise.contracts.bounds import MAX_NOTIONAL_CASH
from lotwise.kernel import feasibility, hedge, margin, sizing, worth
from lotwise.kernel.codes import OK
from lotwise.kernel.layout import RATE, AskRow, LegRow, LimitsRow, SpecRow, TierRow, array_of
from lotwise.rule import Rule
from lotwise.sizing.solve import rows_of
from lotwise.units import MAX_CASH
from tests.laws import bulk
from tests.laws.cases import Case, case, chance, random_question, seeded, spread_over

MODULES = (worth, sizing, margin, feasibility, hedge)
ROWS = {"spec": SpecRow, "ask": AskRow, "limits": LimitsRow, "legs": LegRow, "tiers": TierRow}
NEED_TIERS = {
    "tier_index",
    "maintenance_trunc",
    "liquidation_fraction",
    "entry_based_liquidation_fraction",
    "margin_call_fraction",
    "lies_in_tier",
}
"""Rules that a contract without known tiers never reaches."""


class Called(NamedTuple):
    """A public rule and the names of its arguments."""

    name: str
    rule: Rule[..., Any]
    names: tuple[str, ...]


def rules_in(module: ModuleType) -> Iterator[Called]:
    """The public rules that a module defines."""
    for name, found in vars(module).items():
        if isinstance(found, Rule) and not name.startswith("_") and found.func.__module__ == module.__name__:
            yield Called(f"{module.__name__}.{name}", found, tuple(inspect.signature(found.func).parameters))


@cache
def public_rules() -> tuple[Called, ...]:
    """Every public rule of the kernel beside wide arithmetic, which has a law of its own."""
    return tuple(called for module in MODULES for called in rules_in(module))


def widened(rng: random.Random, limits: LimitsRow) -> None:
    """An account of any size the calculator reads, down to 1e-8."""
    for name in ("budget_cash", "free_cash", "margin_cash"):
        setattr(limits, name, spread_over(rng, 1, MAX_CASH))
    limits.cross_cash = rng.choice([1, -1]) * spread_over(rng, 1, MAX_CASH)


def arguments(drawn: Case) -> dict[str, Any]:
    """A value for every argument name there is."""
    number, question = drawn
    rng = seeded(number + 19)
    rows = rows_of(question)
    spec, ask = rows.spec[0], rows.ask[0]
    if chance(rng, 30):
        widened(rng, rows.limits[0])
    if chance(rng, 2):  # next to no money for the largest order: leverage beyond any plan's
        ask.entry_fee8, ask.mark_ticks2, ask.leverage100 = 0, 0, 0
        rows.limits[0].free_cash = rng.randint(1, 20)
    most = max(1, spec.max_lots)
    lots = most if chance(rng, 15) else spread_over(rng, 1, most)
    tick8 = question.contract.scales.tick_size8
    exit_ticks = max(1, rows.legs[0].price_ticks * rng.randint(50, 150) // 100)
    notional = max(1, min(MAX_NOTIONAL_CASH, worth.worth_floor(rows.spec, rows.legs[0].price_ticks, lots)))
    wallet = notional * rng.randint(-20, 150) // 100 if chance(rng, 70) else spread_over(rng, 1, MAX_CASH)
    price8 = rows.legs[0].price_ticks * tick8 + rng.randint(0, tick8 - 1)
    fraction = margin.bankruptcy_fraction(ask.side, entry_notional_cash=notional, wallet_cash=wallet)
    if rows.tiers:
        fraction = margin.liquidation_fraction(
            ask.side, rows.tiers, entry_notional_cash=notional, wallet_cash=wallet
        )
    return {
        "spec": rows.spec,
        "ask": rows.ask,
        "limits": rows.limits,
        "legs": rows.legs,
        "tiers": list(rows.tiers),
        "lots": lots,
        "leg": rng.randrange(len(rows.legs)),
        "budget_cash": rows.limits[0].budget_cash,
        "exit_lots": rng.choice([lots, spread_over(rng, 1, lots)]),
        "exit_ticks": exit_ticks,
        "exit_fee8": ask.exit_fee8,
        "exit_spread": ask.exit_spread_ticks,
        "price_ticks": rows.legs[0].price_ticks,
        "tick_size8": tick8,
        "price8": price8,
        "entry8": price8,
        "side": ask.side,
        "entry_based": spec.entry_based,
        "leverage100": rng.choice([100, 125, 333, 1000, 2000, 7777, 12500]),
        "taker8": ask.exit_fee8,
        "fee8": ask.exit_fee8,
        "order_ticks": rows.legs[0].price_ticks,
        "price_ticks2": 2 * exit_ticks + rng.randint(0, 1),
        "from_ticks2": 2 * rows.legs[0].price_ticks + rng.randint(0, 1),
        "to_ticks2": 2 * exit_ticks - rng.randint(0, 1),
        "worth2": max(1, 2 * notional + rng.randint(-1, 1)),
        "up": rng.randint(0, 1),
        "guess": exit_ticks,
        "entered": notional,
        "bound": max(0, notional - ask.side * spread_over(rng, 1, max(1, notional // 2))),
        "index": rng.randrange(max(1, len(rows.tiers))),
        "average8": rows.legs[0].price_ticks * RATE + rng.randrange(RATE),
        "distance8": spread_over(rng, 1, rows.legs[0].price_ticks * RATE),
        "from_above": rng.randint(0, 1),
        "leg_lots": min(hedge.MAX_HEDGE_LOTS, lots),
        "rising_lots": min(hedge.MAX_HEDGE_LOTS, lots),
        "falling_lots": min(hedge.MAX_HEDGE_LOTS, max(1, lots * rng.randint(1, 300) // 100)),
        "rising_notional_cash": notional,
        "falling_notional_cash": min(MAX_NOTIONAL_CASH, notional * rng.randint(1, 300) // 100),
        "mark_ticks2": ask.mark_ticks2 or 2 * exit_ticks,
        "notional": notional,
        "entry_notional": notional,
        "entry_notional_cash": notional,
        "wallet": wallet,
        "wallet_cash": wallet,
        "ratio8": rng.randint(1, RATE),
        "numerator": fraction[2],
        "denominator": fraction[3],
    }


def check_compiled(drawn: Case) -> Iterator[str]:
    """Every rule once each way."""
    given_ = arguments(drawn)
    arrays = given_ | {name: array_of(kind, given_[name]) for name, kind in ROWS.items()}
    for name, rule, names in public_rules():
        if not given_["tiers"] and rule.func.__name__ in NEED_TIERS:
            continue
        if rule is sizing.inverse_moves and given_["ask"][0].stop_is_liquidation:
            continue  # never asked without a stop price
        interpreted = rule(*[given_[argument] for argument in names])
        for value in interpreted if isinstance(interpreted, tuple) else (interpreted,):
            assert abs(value) <= 2**63, f"{name}: {value} does not fit int64"
        compiled = rule.compiled(*[arrays[argument] for argument in names])
        if compiled != interpreted:
            shown = {argument: given_[argument] for argument in names}
            raise AssertionError(f"{name}: interpreted {interpreted}, compiled {compiled}\n{shown}")
        yield name
    if given_["tiers"]:
        code, *_ = margin.liquidation_fraction(
            given_["side"],
            given_["tiers"],
            entry_notional_cash=given_["notional"],
            wallet_cash=given_["wallet"],
        )
        yield "liquidated" if code == OK else "not liquidated"


@bulk.every_shard
def test_interpreted_is_compiled(shard: int, law_cases: int) -> None:
    seen = bulk.run(
        "every rule: interpreted and compiled give the same integers",
        bulk.numbers_of(shard, max(bulk.SHARDS, bulk.tenth(law_cases))),
        case,
        check_compiled,
    )
    missed = [called.name for called in public_rules() if not seen[called.name]]
    assert not missed, f"never called: {missed}"
    assert len(public_rules()) >= 30
    assert min(seen["liquidated"], seen["not liquidated"]) > 0, seen


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_interpreted_is_compiled_drawn(rng: random.Random, number: int) -> None:
    assert list(check_compiled(Case(number, random_question(rng))))
