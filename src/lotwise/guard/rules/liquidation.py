"""Liquidation beyond the stop.

What it checks
    Liquidation lies beyond the stop by a multiple of the stop's distance, by the contract's margin tiers,
    however far a ladder fills. Where the tiers are unknown the trade is refused: true liquidation comes
    before the bankruptcy that could be counted without them. A listed future has no liquidation price; there
    the bankruptcy of the account counts.

Why
    At 20x a position is bankrupt 5 % away, and with a maintenance margin of 0.5 % it is liquidated at
    4.52 %. A stop at 4 % that slips by 0.6 % meets the liquidation and its fee instead.

Refused
    A stop 2 % away, so 3 % by a multiple of 1.5: an order at 40x, which is liquidated 2.11 % away.

What to do instead
    Set a lower leverage (the hint names the highest that works), or a nearer stop.
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene, shown_leverage, unknown
from lotwise.guard.example import Example
from lotwise.guard.words import times_text
from lotwise.kernel.arith import INT64_MAX
from lotwise.kernel.codes import ALWAYS
from lotwise.kernel.feasibility import (
    ladder_stays_beyond,
    liquidation_bound,
    liquidation_is_beyond,
    margin_needed,
    wallet_behind,
)
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.kernel.margin import liquidation_by, price8_floor
from lotwise.kernel.sizing import entry_notional
from lotwise.kernel.worth import worth_side
from lotwise.units import Cash, Lots

NAME: Final = "liquidation"


def missing(scene: Scene) -> No | None:
    """What is not known, or not there, without which liquidation cannot be placed."""
    contract = scene.contract
    if scene.intent.stop_is_liquidation:
        multiple = times_text(scene.book.liquidation_multiple8)
        return No(
            f"the trade has no stop: it ends at its liquidation; that must lie {multiple} times the stop's"
            " distance away",
            "give the trade a stop",
        )
    if contract.clearing and scene.account.cross_cash is None:
        how = "give AccountFacts.cross_cash: what of the account stands behind the position"
        return unknown(f"the money behind {contract.id}", "liquidation", how)
    if not contract.clearing and not contract.tiers:
        how = f"lotwise contracts refresh --venue {contract.venue} reads them, or give a Contract with tiers"
        return unknown(f"where {contract.id} is liquidated (its margin tiers)", "liquidation", how)
    return None


def room(scene: Scene) -> Cash:
    """Nothing where liquidation cannot be placed; else a matter of the leverage."""
    return Cash(0) if scene.book.liquidation_multiple8 and missing(scene) else UNBOUND


def stays_beyond(case: Case, lots: Lots, leverage100: int) -> bool:
    """The kernel's answer, for so many lots at such a leverage."""
    spec, ask, limits, legs, tiers = case.rows
    return ladder_stays_beyond(spec, ask, limits, legs=legs, tiers=tiers, lots=lots, leverage100=leverage100)


def highest_leverage(case: Case) -> int:
    """The highest leverage, in the venue's steps, at which liquidation is far enough; 0: none."""
    step = case.scene.contract.scales.leverage_step100
    lots = case.order.lots
    low, high = -(-LEVERAGE // step), -(-case.order.leverage100 // step)
    if low >= high or not stays_beyond(case, lots, low * step):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        if stays_beyond(case, lots, middle * step):
            low = middle
        else:
            high = middle
    return low * step


def places(case: Case) -> str:
    """Where the whole order is liquidated, and beyond which price it should be, both to the tick below."""
    spec, ask, limits, legs, tiers = case.rows
    lots, leverage100, scene = case.order.lots, case.order.leverage100, case.scene
    side, tick8 = worth_side(spec, ask[0].side), scene.contract.scales.tick_size8
    up = int(side == LONG)
    entered = entry_notional(spec, legs, lots=lots, up=up)
    wallet = wallet_behind(spec, ask, limits, legs=legs, lots=lots, leverage100=leverage100)
    bound = liquidation_bound(spec, ask, limits, entered=entered, lots=lots)
    if liquidation_is_beyond(spec, side, tiers, entered=entered, wallet=wallet, bound=bound):
        return "when it has filled in part, too near"
    code, _, numerator, denominator = liquidation_by(
        spec[0].entry_based, side, tiers, entry_notional_cash=entered, wallet_cash=wallet
    )
    if code == ALWAYS or not 0 < bound < INT64_MAX:
        return "at once" if code == ALWAYS else "before any price that is far enough"
    near8 = price8_floor(spec, numerator, denominator, lots=lots, tick_size8=tick8)
    far8 = price8_floor(spec, bound, RATE, lots=lots, tick_size8=tick8)
    return f"at {scene.price(near8 // tick8)}, not beyond {scene.price(far8 // tick8)}"


def check(case: Case) -> No | None:
    """Whether liquidation is far enough behind the stop."""
    scene, order = case.scene, case.order
    if not scene.book.liquidation_multiple8:
        return None
    if said := missing(scene):
        return said
    if stays_beyond(case, order.lots, order.leverage100):
        return None
    message = (
        f"{case.lots_text(order.lots)} at {shown_leverage(order.leverage100)} would be liquidated"
        f" {places(case)}: {times_text(scene.book.liquidation_multiple8)} times the way from the entry to"
        f" the stop {scene.price(order.intent.stop_ticks)}"
    )
    if scene.account.cross_cash is not None:  # the leverage does not matter: the account is behind it
        return case.too_large(
            message,
            lambda lots: stays_beyond(case, lots, order.leverage100),
            "close a position, or take a nearer stop",
        )
    leverage100 = highest_leverage(case)
    if not leverage100:
        return No(message, "take a nearer stop: no lower leverage moves liquidation far enough")
    spec, ask, _, legs, _ = case.rows
    needed = margin_needed(spec, ask, legs, lots=order.lots, leverage100=leverage100)
    return No(message, f"set {shown_leverage(leverage100)} or less: it needs {scene.money(needed)} of margin")


RULE: Final = GuardRule("GUARD-117", NAME, check, room, ("liquidation",))
EXAMPLE: Final = Example(book={"liquidation": "1.5"}, order={"leverage100": "40"})
