"""``lotwise.mix``: contracts of several sizes on one coin, to fill a budget more closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Final, NamedTuple

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.kernel.feasibility import largest_feasible, leverage_for, margin_needed
from lotwise.kernel.layout import LEVERAGE, LimitsRow
from lotwise.kernel.sizing import entry_fee_ceil, entry_notional, largest_within_budget, loss_cash
from lotwise.records.preview import MixPart, MixPlan
from lotwise.sizing.ask import side_text
from lotwise.sizing.explain import clearing_note
from lotwise.sizing.question import Words
from lotwise.sizing.solve import Question, Rows, countable_rows_of, solve
from lotwise.sizing.words import block_of
from lotwise.units import Cash, Lots, Number, cash_text, scaled_text, shown

MOST_TRIED: Final = {2: 2_000, 3: 50, 4: 12}
"""Counts of each larger contract that are tried, from the most that fits downward, by how many are mixed."""


class _Share(NamedTuple):
    """Lots of one contract in a mix, with what they take."""

    lots: Lots
    loss: Cash
    margin: Cash
    fee: Cash


class _Sized(NamedTuple):
    """A contract's question and kernel rows."""

    question: Question
    rows: Rows


def mix(
    contracts: Sequence[Contract | str],
    *,
    side: str,
    entry: Number,
    stop: Number,
    equity: Number,
    risk: Number = "1%",
    **words: Any,
) -> MixPlan:
    """The mix of whole contracts whose loss at the stop comes closest to the budget.

    Counts of the larger contracts are tried from the most that fits downward (:data:`MOST_TRIED`
    of them), the smallest one fills what is left; each part obeys every rule with the money that
    the parts before it leave.
    Of mixes that lose the same, the one with more of the larger contracts is taken.

    Parameters
    ----------
    contracts
        Two to four contracts on one coin and in one settle coin.
    words
        As :func:`lotwise.size`: fees, spread, slippage, leverage and so on.

    Raises
    ------
    InputError
        MIX-001 too few or too many; MIX-002 not one coin; MIX-003 an unknown argument; and those
        of :func:`lotwise.size`.

    Examples
    --------
    >>> from lotwise import Contract, FeeSchedule
    >>> big, small = (Contract(symbol=f"C{size}", base="BTC", tick_size="1", lot_size="1",
    ...     contract_size=size, fees=FeeSchedule("0", "0")) for size in ("0.1", "0.01"))
    >>> found = mix([big, small], side="long", entry="60000", stop="2%", equity="41000", risk="1%")
    >>> [(part.contracts, part.quantity) for part in found.parts], found.loss_at_stop, found.budget
    ([('3', '0.3'), ('4', '0.04')], '408.00', '410.00')
    """
    if not isinstance(contracts, (list, tuple)):
        raise InputError("MIX-001", f"contracts is {shown(contracts)}", "give a list of two to four")
    unknown = sorted(words.keys() - {field.name for field in fields(Words)})
    if unknown:
        raise InputError("MIX-003", f"mix knows no {', '.join(unknown)}", "use the arguments of lotwise.size")
    found = [one if isinstance(one, Contract) else catalogue.load(one) for one in contracts]
    _check_one_coin(found)
    asked = Words(side=side, entry=entry, stop=stop, equity=equity, risk=risk, **words)
    sized = _sized(found, asked)
    if asked.leverage is None and not found[0].clearing:
        sized = _sized(found, replace(asked, leverage=str(_common_leverage(sized))))
    return _plan(sized, _best(sized, sized[0].rows.limits[0], MOST_TRIED[len(sized)]))


def _sized(found: Sequence[Contract], asked: Words) -> list[_Sized]:
    """The question about each contract; the one that loses most per lot first."""
    questions = [asked.on(one) for one in found]
    sized = [_Sized(question, countable_rows_of(question)) for question in questions]
    return sorted(sized, key=lambda one: -_loss(one, Lots(1)))


def _common_leverage(sized: Sequence[_Sized]) -> int:
    """The lowest whole leverage at which the whole budget's worth is funded, within every cap."""
    needed, most = 1, sized[0].question.limits.max_leverage100
    for one in sized:
        rows, limits = one.rows, one.rows.limits[0]
        lots = largest_within_budget(rows.spec, rows.ask, rows.legs, budget_cash=Cash(limits.budget_cash))
        fee = entry_fee_ceil(rows.spec, rows.ask, rows.legs, lots=lots)
        room = max(1, min(limits.free_cash - fee, limits.margin_cash))
        needed = max(needed, -(-_worth(one, lots) // room))
        most = min(most, one.question.limits.max_leverage100)
    return max(1, min(needed, most // LEVERAGE))


def _check_one_coin(found: Sequence[Contract]) -> None:
    if not 2 <= len(found) <= 4 or len({one.id for one in found}) < len(found):
        raise InputError("MIX-001", f"{len(found)} contracts to mix", "give two to four different ones")
    kinds = {(one.base, one.settle, one.is_inverse) for one in found}
    if len(kinds) > 1:
        raise InputError(
            "MIX-002",
            f"{', '.join(one.id for one in found)} are not on one coin and in one settle coin",
            "mix contracts of one coin that settle in one coin",
        )


def _best(sized: Sequence[_Sized], left: LimitsRow, tried: int) -> tuple[int, list[_Share]]:
    """(loss, shares) of the mix that loses most within what is left; larger contracts first."""
    largest = _share(sized[0], left, _most(sized[0], left))
    if len(sized) == 1:
        return largest.loss, [largest]
    best: tuple[int, list[_Share]] = (-1, [])
    for count in range(largest.lots, max(-1, largest.lots - tried), -1):
        if 0 < count < sized[0].rows.spec[0].min_lots:
            continue
        share = _share(sized[0], left, Lots(count))
        rest = _best(sized[1:], _after(left, share), tried)
        if share.loss + rest[0] > best[0]:
            best = (share.loss + rest[0], [share, *rest[1]])
        if best[0] == left.budget_cash:
            break
    return best


def _after(left: LimitsRow, share: _Share) -> LimitsRow:
    """What a share leaves for the next contract."""
    rest = LimitsRow(**dict(zip(LimitsRow.__slots__, left.values(), strict=True)))
    rest.budget_cash -= share.loss
    rest.free_cash -= share.margin + share.fee
    rest.margin_cash -= share.margin
    return rest


def _most(one: _Sized, left: LimitsRow) -> Lots:
    """The most lots that every rule allows with what is left."""
    if min(left.budget_cash, left.free_cash, left.margin_cash) <= 0:
        return Lots(0)
    rows = one.rows
    lots, _, _ = largest_feasible(rows.spec, rows.ask, [left], legs=rows.legs, tiers=rows.tiers)
    return Lots(lots)


def _share(one: _Sized, left: LimitsRow, lots: Lots) -> _Share:
    rows = one.rows
    if not lots:
        return _Share(Lots(0), Cash(0), Cash(0), Cash(0))
    leverage = leverage_for(rows.spec, rows.ask, [left], legs=rows.legs, lots=lots)
    return _Share(
        lots,
        loss_cash(rows.spec, rows.ask, rows.legs, lots=lots),
        margin_needed(rows.spec, rows.ask, rows.legs, lots=lots, leverage100=leverage),
        entry_fee_ceil(rows.spec, rows.ask, rows.legs, lots=lots),
    )


def _plan(sized: Sequence[_Sized], best: tuple[int, list[_Share]]) -> MixPlan:
    question, rows = sized[0]
    budget = rows.limits[0].budget_cash
    loss, shares = max(0, best[0]), best[1]
    parts = [_part(one, share) for one, share in zip(sized, shares, strict=True) if share.lots]
    alone = [(solve(one.question, one.rows), one) for one in sized]
    single_loss, single = max(
        ((_loss(one, order.lots), one.question.contract.id) for order, one in alone),
        key=lambda pair: pair[0],
    )
    blocked = None
    if not parts:
        order, smallest = alone[-1]
        blocked = block_of(smallest.question, smallest.rows, order).text
    contract = question.contract
    return MixPlan(
        feasible=bool(parts),
        side=side_text(question.intent.side),
        entry=contract.price_text(question.intent.entries[0].price_ticks),
        stop=contract.price_text(question.intent.stop_ticks),
        parts=parts,
        loss_at_stop=cash_text(loss),
        budget=cash_text(budget),
        waste=scaled_text((budget - loss) * 10_000 // max(1, budget), 4, 2),
        notional=cash_text(sum(_worth(one, share.lots) for one, share in zip(sized, shares, strict=True))),
        initial_margin=cash_text(sum(share.margin for share in shares)),
        single_contract=single if single_loss else None,
        single_loss=cash_text(single_loss) if single_loss else None,
        settle=contract.settle,
        blocked_by=blocked,
        notes=_notes(sized),
    )


def _worth(one: _Sized, lots: Lots) -> Cash:
    return entry_notional(one.rows.spec, one.rows.legs, lots=lots, up=0)


def _loss(one: _Sized, lots: Lots) -> Cash:
    return loss_cash(one.rows.spec, one.rows.ask, one.rows.legs, lots=lots)


def _part(one: _Sized, share: _Share) -> MixPart:
    contract = one.question.contract
    return MixPart(
        contract=contract.id,
        lots=share.lots,
        quantity=contract.quantity_text(share.lots),
        quantity_unit=contract.quantity_unit,
        contracts=contract.contracts_text(share.lots),
        notional=cash_text(_worth(one, share.lots)),
        loss_at_stop=cash_text(share.loss),
        initial_margin=cash_text(share.margin),
    )


def _notes(sized: Sequence[_Sized]) -> list[str]:
    contracts = [one.question.contract for one in sized]
    found = [clearing_note(one) for one in contracts if one.clearing]
    venues = {one.venue for one in contracts}
    if len(venues) > 1:
        found.append(f"{len(venues)} venues: the money must lie on each of them, part by part")
    return found
