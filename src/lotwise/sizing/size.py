"""``lotwise.size``: one question in a trader's words, one answer with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lotwise.contracts import catalogue
from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import FactsError, InputError
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.records.answers import SizePlan
from lotwise.records.order import AccountView, Intent, Limits
from lotwise.sizing import ask
from lotwise.sizing.plan import assemble
from lotwise.sizing.position import Position, others_at_mark, read_price8
from lotwise.sizing.solve import Question
from lotwise.sizing.targets import read_targets
from lotwise.units import Cash, Number, Rate8, Ticks, parse_rate, shown

UNKNOWN_MAX_LEVERAGE100 = 125 * LEVERAGE
"""Cap where the venue's is unknown: the largest ccxt's ``setLeverage`` sends to Binance."""


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
    targets: Sequence[Number] | str = (),
    margin: Literal["isolated", "cross"] = "isolated",
    leverage: Number | None = None,
    max_leverage: Number | None = None,
    liquidation_multiple: Number = "1.5",
    max_margin: Number = "100%",
    free_margin: Number | None = None,
    mark: Number | None = None,
    others: Sequence[Position] = (),
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
        Money of the account; ``"1%"`` of it or an amount of money to risk.
    entry_as
        ``"maker"`` where the entry rests: maker fee, no entry spread.
    spread, slippage
        Full spread, and allowance at the stop: ``"0.5"``, ``"5t"`` (ticks) or ``"2bp"``.
    funding_rate, hold_hours
        Rate per interval and planned hold; income is not counted.
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
    way = ask.read_side(side)
    at_liquidation = isinstance(stop, str) and stop.strip().lower() in (ask.LIQUIDATION_STOP, "liq")

    def question_on(found: Contract) -> Question:
        """These words about a contract: ways out ask them again about others."""
        legs = ask.read_entries(found, way, entry)
        asked = ask.read_leverage(found, leverage)
        _check_margin_mode(margin, at_liquidation, asked, others)
        stop_ticks = Ticks(0) if at_liquidation else ask.read_stop(found, way, legs, stop, atr)
        charged = ask.read_fees(found, fees)
        intent = Intent(
            contract_id=found.id,
            side=way,
            entries=legs,
            stop_ticks=stop_ticks,
            stop_is_liquidation=at_liquidation,
            entry_takes=entry_as == "taker",
            spread_ticks=ask.read_cost_ticks(found, spread, "spread", legs[-1].price_ticks),
            slippage_ticks=ask.read_cost_ticks(found, slippage, "slippage", legs[-1].price_ticks),
            entry_fee8=Rate8(max(0, charged.taker8 if entry_as == "taker" else charged.maker8)),
            exit_fee8=Rate8(max(0, charged.taker8)),
            funding8=ask.read_funding(found, way, funding_rate, hold_hours, funding_interval_hours),
            mark_ticks2=0 if mark is None else _half_ticks(found, way, mark),
        )
        if intent.spread_ticks + intent.slippage_ticks >= (stop_ticks or legs[-1].price_ticks):
            raise InputError("SIZE-008", "spread and slippage reach the price", "use smaller allowances")
        account = _account(found, equity, free_margin, margin == "cross", others)
        risk8, risk_cash = ask.read_risk(risk, account.equity_cash)
        limits = Limits(
            risk8=risk8,
            risk_cash=risk_cash,
            leverage100=asked,
            max_leverage100=ask.read_leverage(found, max_leverage, "max_leverage")
            or found.scales.max_leverage100
            or UNKNOWN_MAX_LEVERAGE100,
            margin_share8=_share(max_margin),
            liquidation_multiple8=_multiple(liquidation_multiple),
        )
        return Question(found, intent, account, limits)

    found = contract if isinstance(contract, Contract) else catalogue.load(contract)
    if found.tiers_start_cash:
        raise FactsError(
            "CONTRACT-304", f"the tier table of {found.id} does not start at 0", "give every tier"
        )
    if entry_as not in ("taker", "maker"):
        raise InputError("SIZE-018", f"entry_as is {shown(entry_as)}", "use taker or maker")
    question = question_on(found)
    intent = question.intent
    stop_ticks = None if at_liquidation else intent.stop_ticks
    goals = read_targets(found, way, intent.entries, stop_ticks, targets)
    return assemble(question, goals, question_on)


def _check_margin_mode(margin: str, at_liquidation: bool, asked: int, others: Sequence[Position]) -> None:
    if margin not in ("isolated", "cross"):
        raise InputError("SIZE-017", f"margin is {shown(margin)}", "use isolated or cross")
    if at_liquidation and not asked:
        raise InputError("SIZE-016", "a stop at liquidation needs the leverage", "add the leverage, e.g. 20")
    if at_liquidation and margin == "cross":
        raise InputError("SIZE-016", "a stop at liquidation needs isolated margin", "use isolated margin")
    if others and margin != "cross":
        raise InputError("SIZE-017", "other positions matter only to cross margin", "use cross margin")


def _half_ticks(contract: Contract, side: int, mark: Number) -> int:
    """The mark in half ticks, rounded to the side where the open loss is larger."""
    mark8, tick8 = read_price8(mark, "mark"), contract.scales.tick_size8
    return max(1, 2 * mark8 // tick8 if side == LONG else -(-2 * mark8 // tick8))


def _account(
    contract: Contract,
    equity: Number,
    free_margin: Number | None,
    is_cross: bool,
    others: Sequence[Position],
) -> AccountView:
    owned = ask.read_equity(equity)
    free = owned if free_margin is None else ask.read_equity(free_margin, "free_margin")
    if free > owned:
        raise InputError(
            "SIZE-010", f"free_margin {free_margin} exceeds equity {equity}", "free margin is part of equity"
        )
    maintenance, _ = others_at_mark(contract, others)
    return AccountView(
        equity_cash=owned,
        free_cash=free,
        is_cross=is_cross,
        cross_cash=Cash(owned - maintenance) if is_cross else Cash(0),
    )


def _share(value: Number) -> Rate8:
    share = parse_rate(value, "max_margin")
    if not 0 < share <= RATE:
        raise InputError("SIZE-019", f"max_margin is {value}", "use above 0 % up to 100 %")
    return share


def _multiple(value: Number) -> Rate8:
    multiple = parse_rate(value, "liquidation_multiple")
    if not RATE <= multiple <= 100 * RATE:
        raise InputError("SIZE-019", f"liquidation_multiple is {value}", "use 1 to 100")
    return multiple
