"""Reading targets: prices, multiples of the stop distance, percentages, and parts of the position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import LONG, RATE
from lotwise.records.order import EntryLeg
from lotwise.sizing.ask import average_ticks8, distance8_of
from lotwise.units import Lots, Number, Rate8, Ticks, parse_rate, shown


class Target(NamedTuple):
    """One target. ``share8`` 0: an alternative for the whole position; else its part of it."""

    price_ticks: Ticks
    share8: Rate8


def read_targets(
    contract: Contract,
    side: int,
    entries: tuple[EntryLeg, ...],
    stop_ticks: Ticks | None,
    targets: Sequence[Number] | str,
) -> tuple[Target, ...]:
    """Targets as ``"66300"``, ``"2R"`` (2 stop distances) or ``"3%"``, with ``:50%`` for a part.

    Without shares they are alternatives for the whole position. With shares they are parts, and
    one without a share closes the rest. A distance is rounded to the tick toward the entry.

    Raises
    ------
    InputError
        SIZE-015 on the wrong side of the entry, at no price above zero, R without a stop price,
        shares that do not fit together; SIZE-002 off the tick.
    """
    listed = targets.split(",") if isinstance(targets, str) else targets
    if not isinstance(listed, (list, tuple)):
        raise InputError("SIZE-015", f"targets is {shown(targets)}", 'give a list, e.g. ["1R:50%", "2R:50%"]')
    pairs = [_cut(target) for target in listed]
    ticks = [_ticks(contract, side, entries, stop_ticks, where) for where, _ in pairs]
    return tuple(map(Target, ticks, _shares([share for _, share in pairs])))


def _cut(target: Number) -> tuple[Number, str]:
    if not isinstance(target, str):
        return target, ""
    where, _, share = target.partition(":")
    return where, share


def _shares(texts: list[str]) -> list[Rate8]:
    if not any(texts):
        return [Rate8(0)] * len(texts)
    given = [parse_rate(text, "target share") if text else Rate8(0) for text in texts]
    rest = RATE - sum(given)
    if any(text and share <= 0 for text, share in zip(texts, given, strict=True)) or rest < 0:
        raise InputError(
            "SIZE-015", "the target shares exceed 100 % or are not positive", "e.g. 1R:50%,2R:50%"
        )
    if texts.count("") > 1 or ("" in texts and rest == 0):
        raise InputError(
            "SIZE-015", "no share is left for a target without one", "give each target its share"
        )
    return [share or Rate8(rest) for share in given]


def _ticks(
    contract: Contract, side: int, entries: tuple[EntryLeg, ...], stop_ticks: Ticks | None, where: Number
) -> Ticks:
    text = where.strip().lower() if isinstance(where, str) else ""
    average8 = average_ticks8(entries)
    if text.endswith("r"):
        if stop_ticks is None:
            raise InputError(
                "SIZE-015", f"target {where} needs a stop price", "give the target as a price or in %"
            )
        away8 = parse_rate(text[:-1], "target") * abs(average8 - stop_ticks * RATE) // RATE
        ticks = _toward_entry(side, average8, away8)
    elif text.endswith("%"):
        ticks = _toward_entry(side, average8, average8 * distance8_of(parse_rate(text, "target")) // RATE)
    else:
        ticks = contract.price_ticks(where, "target")
    if ticks <= 0:
        raise InputError("SIZE-015", f"target {where} lies at no price above zero", "give a nearer target")
    if side * (ticks * RATE - average8) <= 0:
        wanted = "above" if side == LONG else "below"
        raise InputError(
            "SIZE-015", f"target {where} is not {wanted} the entry", f"give a target {wanted} it"
        )
    return Ticks(ticks)


def _toward_entry(side: int, average8: int, away8: int) -> int:
    exact8 = average8 + side * away8
    return exact8 // RATE if side == LONG else -(-exact8 // RATE)


def lots_per_target(lots: Lots, goals: Sequence[Target]) -> list[Lots]:
    """Lots closed at each target: parts by cumulative shares rounded down, alternatives all."""
    split = []
    through8, before = 0, 0
    for goal in goals:
        through8 += goal.share8
        through = mul_div_floor(lots, through8, RATE) if goal.share8 else lots
        split.append(Lots(through - before))
        before = through if goal.share8 else 0
    return split
