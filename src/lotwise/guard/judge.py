"""The one entrance of the guard: a command and the facts in, Approved or Refused out."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lotwise.contracts.contract import Contract
from lotwise.guard.case import UNBOUND, Case, GuardRule, No, Scene
from lotwise.guard.facts import AccountFacts
from lotwise.guard.rulebook import RULES
from lotwise.guard.rules import stop_never_loosens
from lotwise.kernel.arith import INT64_MAX, mul_div_ceil, mul_div_floor
from lotwise.kernel.codes import OK
from lotwise.kernel.feasibility import smallest_legal
from lotwise.kernel.layout import LEVERAGE, RATE
from lotwise.records.guard import Approved, CancelEntry, Flatten, MoveStop, Open, Reduce, Refused
from lotwise.records.order import SizedOrder
from lotwise.units import Cash, Lots, Ticks

ALWAYS_NS: Final = INT64_MAX
"""An approval without an end."""


def judge_open(case: Case) -> Approved[Open] | Refused:
    """Ask every rule in its order about an opening trade; the first that says no is the answer."""
    for rule in RULES:
        said = rule.check(case)
        if said is not None:
            return _refused(rule.code, rule.name, said)
    book = case.scene.book
    prices = [leg.price_ticks for leg in case.scene.intent.entries]
    return Approved(
        command=case.command,
        sequence=case.scene.account.sequence,
        lowest_ticks=Ticks(min(prices) - mul_div_floor(min(prices), book.band_share8, RATE)),
        highest_ticks=Ticks(max(prices) + mul_div_ceil(max(prices), book.band_share8, RATE)),
        expires_ns=min(ALWAYS_NS, case.scene.now_ns + book.valid_ns),
    )


def every_refusal(case: Case) -> tuple[Refused, ...]:
    """What every rule says, in their order: for a ticket that shows all that is wrong at once.

    Of the account's own locks (kill switch, loss locks, pause, counts) only the first is named. An order
    that is not sound is not asked about further: nothing of it can be counted.
    """
    found = []
    for rule in RULES:
        said = rule.check(case)
        if said is not None:
            found.append(_refused(rule.code, rule.name, said))
            if rule is RULES[0]:
                break
    return tuple(found)


def judge_stop(
    command: MoveStop, account: AccountFacts, contract: Contract | None = None
) -> Approved[MoveStop] | Refused:
    """A stop is approved under every lock, unless it would loosen. The contract is for the words."""
    said = stop_never_loosens.check(command, contract)
    if said is not None:
        return _refused(stop_never_loosens.CODE, stop_never_loosens.NAME, said)
    return _always(command, account)


R = TypeVar("R", Reduce, CancelEntry, Flatten)
A = TypeVar("A", MoveStop, Reduce, CancelEntry, Flatten)


def approve_reducing(command: R, account: AccountFacts) -> Approved[R]:
    """What reduces risk is approved, whatever lock, stale fact or spread."""
    return _always(command, account)


def _always(command: A, account: AccountFacts) -> Approved[A]:
    return Approved(
        command=command,
        sequence=account.sequence,
        lowest_ticks=Ticks(0),
        highest_ticks=Ticks(0),
        expires_ns=ALWAYS_NS,
    )


def risk_room(scene: Scene) -> tuple[Cash, GuardRule | None]:
    """The most that a trade opened now may lose, and the rule that bounds it; ``None``: none does.

    0 where a rule refuses every size. A trade sized to this money is refused only by rules that look at
    something else than the loss at the stop: depth, leverage, margin, liquidation.
    """
    found: tuple[Cash, GuardRule | None] = (UNBOUND, None)
    for rule in RULES:
        room = rule.room(scene)
        if room < found[0]:
            found = (room, rule)
        if room <= 0:
            break
    return found


def refused_at_any_size(scene: Scene) -> Refused | None:
    """Why no trade of any size may be opened now, by the rule whose room is 0; ``None``: one may.

    The words are those with which that rule refuses the smallest order.
    """
    rule = next((rule for rule in RULES if rule.room(scene) <= 0), None)
    if rule is None:
        return None
    said = rule.check(_smallest(scene))
    return None if said is None else _refused(rule.code, rule.name, said)


def _smallest(scene: Scene) -> Case:
    """The smallest order that the venue takes, at 1x."""
    order = SizedOrder(
        intent=scene.intent,
        lots=Lots(1),
        smallest_lots=Lots(1),
        binding=OK,
        refusal=OK,
        leverage100=LEVERAGE,
        budget_cash=UNBOUND,
    )
    rows = Case(scene, Open(order=order)).rows
    lots = smallest_legal(rows.spec, rows.legs)
    return Case(scene, Open(order=msgspec.structs.replace(order, lots=lots)))


def _refused(code: str, rule: str, said: No) -> Refused:
    return Refused(
        code=code,
        rule=rule,
        message=said.message,
        hint=said.hint,
        until_ns=said.until_ns,
        most_lots=said.most_lots,
    )
