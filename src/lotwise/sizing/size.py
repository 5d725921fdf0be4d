"""``lotwise.size``: one question in a trader's words, one answer with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import msgspec

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.records.answers import SizePlan
from lotwise.sizing import ask
from lotwise.sizing.friction import outcomes_of
from lotwise.sizing.plan import assemble
from lotwise.sizing.position import Position
from lotwise.sizing.question import Words
from lotwise.sizing.targets import read_targets
from lotwise.units import Number


def size(
    contract: Contract | str,
    *,
    side: str,
    entry: ask.Entries,
    stop: Number,
    equity: Number,
    risk: Number,
    atr: Number | None = None,
    entry_as: Literal["taker", "maker"] = "taker",
    fees: FeeSchedule | None = None,
    spread: Number = "0",
    slippage: Number = "0",
    funding_rate: Number | None = None,
    hold_hours: Number = "0",
    funding_interval_hours: Number | None = None,
    funding_history: Sequence[Number] = (),
    targets: Sequence[Number] | str = (),
    margin: Literal["isolated", "cross"] = "isolated",
    leverage: Number | None = None,
    max_leverage: Number | None = None,
    liquidation_multiple: Number = "1.5",
    max_margin: Number = "100%",
    free_margin: Number | None = None,
    mark: Number | None = None,
    others: Sequence[Position] = (),
    what_if: Sequence[str] = (),
) -> SizePlan:
    """The largest whole number of lots whose loss at the stop, with all costs, fits the budget.

    Parameters
    ----------
    contract
        A :class:`~lotwise.Contract` or its id, ``"binance:BTCUSDT"``.
    side
        ``"long"`` or ``"short"``.
    entry
        A price on the tick, or a ladder ``[("65000", "30%"), ("64000", "70%")]``.
    stop
        A price, ``"2%"``, ``"1.5atr"`` (with ``atr``), or ``"liquidation"`` (with ``leverage``).
    equity, risk
        Money of the account in the settle coin (``contract.settle``; of an inverse contract the
        base coin); ``"1%"`` of it or an amount of money to risk.
    entry_as
        ``"maker"`` where the entry rests: maker fee, no entry spread.
    spread, slippage
        Full spread, and allowance at the stop: ``"0.5"``, ``"5t"`` (ticks) or ``"2bp"``.
    funding_rate, hold_hours
        Rate per interval and planned hold; income is not counted.
    funding_history
        Past rates, oldest first, instead of one rate: what 19 of 20 such holds would have paid.
    targets
        ``"66300"``, ``"2R"``, ``"3%"``: alternatives for the whole position; or parts of it,
        ``["1R:50%", "2R"]``, where one without a share closes the rest.
    leverage
        Given, or ``None`` for the lowest whole leverage that funds the trade.
    max_leverage
        The plan's cap.
    liquidation_multiple
        Liquidation must lie beyond this many stop distances from the entry.
    max_margin
        Share of equity that may be initial margin of this trade.
    free_margin
        Money not in use elsewhere; ``None`` is all equity.
    mark
        Mark price, for the open loss a venue reserves with the order.
    others
        Cross margin: the account's other positions, on the same venue and in the same coin.
    what_if
        Size it again as ``"maker"``, as ``"taker"``, or under other fees, ``"0.01%/0.03%"``.

    Returns
    -------
    SizePlan
        Decimal strings throughout. ``feasible`` false comes with ``blocked_by`` and ``ways_out``.

    Raises
    ------
    InputError
        Any value that cannot be used, with a code and a hint; see :mod:`lotwise.errors`.

    Examples
    --------
    >>> plan = size("binance:BTCUSDT", side="long", entry="65000", stop="2%", equity="1000", risk="1%")
    >>> plan.quantity, plan.loss_at_stop, plan.budget
    ('0.007', '9.55045', '10.00')
    """
    words = Words(
        side=side,
        entry=entry,
        stop=stop,
        equity=equity,
        risk=risk,
        atr=atr,
        entry_as=entry_as,
        fees=fees,
        spread=spread,
        slippage=slippage,
        funding_rate=funding_rate,
        hold_hours=hold_hours,
        funding_interval_hours=funding_interval_hours,
        funding_history=funding_history,
        margin=margin,
        leverage=leverage,
        max_leverage=max_leverage,
        liquidation_multiple=liquidation_multiple,
        max_margin=max_margin,
        free_margin=free_margin,
        mark=mark,
        others=others,
    )
    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    if fees is None and found.fees is None:
        return _without_fees(words, found)
    question = words.on(found)
    intent = question.intent
    stop_ticks = None if words.at_liquidation else intent.stop_ticks
    goals = read_targets(found, intent.side, intent.entries, stop_ticks, targets)
    plan = assemble(question, goals, words.on)
    return msgspec.structs.replace(plan, what_if=outcomes_of(what_if, words, found)) if what_if else plan


def _without_fees(words: Words, contract: Contract) -> SizePlan:
    """A refusal that needs no fees: what does not fit without them does not fit with them.

    Raises
    ------
    FactsError
        CONTRACT-301 where it would fit without fees, so that they must be known.
    """
    free = replace(words, fees=FeeSchedule("0", "0"))
    plan = assemble(free.on(contract), (), words.on)
    if plan.feasible:
        words.on(contract)
    ways = [way for way in plan.ways_out if way.kind == "contract"]
    unknown = f"the fees of {contract.id} are unknown: it does not fit even without them"
    return msgspec.structs.replace(plan, ways_out=ways, warnings=[unknown, *plan.warnings])
