"""Targets that a trade will really have: one too small for the venue goes into another, and that is said.

The rule is :func:`lotwise.kernel.bracket.planned_lots`, asked of the same state that the session keeps of a
trade (:class:`lotwise.broker.mirror.Mirror`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lotwise.app.desk_ticket import Read, share_text
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.records.signal import Signal
from lotwise.units import Cash, Lots, Ticks, cash_text, grouped


@dataclass(frozen=True)
class Merged:
    """A target that is too small, and the one that closes its part."""

    number: int
    into: int
    text: str


def placed_lots(found: Read, signal: Signal, lots: int) -> tuple[int, ...]:
    """Lots of each target once all is entered, as the session will place them."""
    from lotwise.broker.intents import TradePlan
    from lotwise.broker.mirror import Mirror
    from lotwise.kernel.bracket import planned_lots

    near = Ticks(found.nearest_ticks)
    plan = TradePlan(
        trade_id="-",
        contract_id=found.contract.id,
        signal=signal,
        lots=Lots(lots),
        legs=(),
        risk_cash=Cash(0),
        notional_cash=Cash(0),
        budget_cash=Cash(0),
        time_ns=0,
        venue_ns=0,
        last_ticks=near,
    )
    mirror = Mirror(found.contract, plan)
    mirror.state.brackets[0].entered_lots = Lots(lots)
    return tuple(int(one) for one in planned_lots(mirror.state, 0))[: len(found.targets)]


def merged_targets(found: Read, signal: Signal, lots: int) -> tuple[tuple[Merged, ...], list[str]]:
    """The targets that go into another, and all as the calculator takes them then.

    Without one that does, no words: the targets are as they were asked for.
    """
    contract = found.contract
    if lots < 1 or not found.targets or contract.is_inverse or contract.clearing or contract.fees is None:
        return (), []
    placed = placed_lots(found, signal, lots)
    if all(placed):
        return (), []
    shares, through = [one.share8 for one in found.targets], 0
    merged, words, carried = list[Merged](), list[str](), 0
    for number, share8 in enumerate(shares, 1):
        before, through = through, through + share8
        own = mul_div_floor(lots, through, RATE) - mul_div_floor(lots, before, RATE)
        if placed[number - 1]:
            price = contract.price_text(found.targets[number - 1].price_ticks)
            words.append(f"{price}:{share_text(share8 + carried)}")
            carried = 0
            continue
        carried += share8
        into = _into(placed, number)
        merged.append(Merged(number, into, _said(found, number, own, into)))
    if carried and words:
        price = words[-1].partition(":")[0]
        last = max(k for k, one in enumerate(placed) if one)
        words[-1] = f"{price}:{share_text(_whole(shares, placed, last))}"
    return tuple(merged), words


def _whole(shares: Sequence[int], placed: Sequence[int], last: int) -> int:
    """The share of the last target that is placed: its own, what was carried to it, all after it."""
    first = last
    while first and not placed[first - 1]:
        first -= 1
    return sum(shares[first:])


def _into(placed: Sequence[int], number: int) -> int:
    """The target that closes a part: the next one that is placed, else the last."""
    after = [k for k, one in enumerate(placed, 1) if one and k > number]
    before = [k for k, one in enumerate(placed, 1) if one]
    return after[0] if after else before[-1] if before else 0


def _said(found: Read, number: int, lots: int, into: int) -> str:
    contract = found.contract
    if not lots:
        return f"TP{number} is less than one lot of {contract.quantity_text(1)}: its part goes into TP{into}"
    ticks = found.targets[number - 1].price_ticks
    least = contract.scales.min_notional_cash
    quantity = f"{contract.quantity_text(lots)} {contract.quantity_unit}"
    worth = Cash(lots * ticks * contract.scales.cash_per_tick_lot)
    if worth >= least:
        return f"TP{number} of {quantity} is under the venue's smallest order: it is closed with TP{into}"
    return (
        f"TP{number} of {quantity} is worth {grouped(cash_text(worth))} {contract.settle}, the venue's least"
        f" is {grouped(cash_text(least))}: it is closed with TP{into}"
    )
