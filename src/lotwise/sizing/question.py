"""A trade in words, and the question it makes about a contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lotwise.contracts.contract import Contract, FeeSchedule
from lotwise.errors import FactsError, InputError
from lotwise.kernel.layout import LEVERAGE, LONG, RATE
from lotwise.records.order import AccountView, Intent, Limits
from lotwise.sizing import ask
from lotwise.sizing.position import Position, others_at_mark, read_price8
from lotwise.sizing.solve import Question
from lotwise.units import Cash, Number, Rate8, Ticks, parse_rate, shown

UNKNOWN_MAX_LEVERAGE100 = 125 * LEVERAGE
"""Cap where the venue's is unknown: the largest ccxt's ``setLeverage`` sends to Binance."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The arguments of :func:`lotwise.size` but the contract; ``on`` reads them about one."""

    side: str
    entry: ask.Entries
    stop: Number
    equity: Number
    risk: Number
    atr: Number | None = None
    entry_as: str = "taker"
    fees: FeeSchedule | None = None
    spread: Number = "0"
    slippage: Number = "0"
    funding_rate: Number | None = None
    hold_hours: Number = "0"
    funding_interval_hours: Number | None = None
    funding_history: Sequence[Number] = ()
    margin: str = "isolated"
    leverage: Number | None = None
    max_leverage: Number | None = None
    liquidation_multiple: Number = "1.5"
    max_margin: Number = "100%"
    free_margin: Number | None = None
    mark: Number | None = None
    others: Sequence[Position] = ()

    @property
    def at_liquidation(self) -> bool:
        """Whether the stop is the liquidation."""
        return isinstance(self.stop, str) and self.stop.strip().lower() in (ask.LIQUIDATION_STOP, "liq")

    def on(self, contract: Contract) -> Question:
        """The question these words make about a contract.

        Raises
        ------
        InputError
            Any value that cannot be used.
        """
        if contract.tiers_start_cash:
            raise FactsError(
                "CONTRACT-304", f"the tier table of {contract.id} does not start at 0", "give every tier"
            )
        if self.entry_as not in ("taker", "maker"):
            raise InputError("SIZE-018", f"entry_as is {shown(self.entry_as)}", "use taker or maker")
        intent, leverage100 = self._intent(contract)
        cross = self.margin == "cross" or contract.clearing
        account = _account(contract, self.equity, self.free_margin, cross, self.others)
        risk8, risk_cash = ask.read_risk(self.risk, account.equity_cash)
        limits = Limits(
            risk8=risk8,
            risk_cash=risk_cash,
            leverage100=leverage100,
            max_leverage100=ask.read_leverage(contract, self.max_leverage, "max_leverage")
            or contract.scales.max_leverage100
            or UNKNOWN_MAX_LEVERAGE100,
            margin_share8=read_share(self.max_margin),
            liquidation_multiple8=read_multiple(self.liquidation_multiple),
        )
        return Question(contract, intent, account, limits)

    def _intent(self, contract: Contract) -> tuple[Intent, int]:
        """What is wanted, and the leverage asked for."""
        way = ask.read_side(self.side)
        legs = ask.read_entries(contract, way, self.entry)
        leverage100 = _leverage_asked(contract, self.leverage, self.at_liquidation)
        _check_margin_mode(self.margin, self.at_liquidation, leverage100, self.others)
        stop = Ticks(0) if self.at_liquidation else ask.read_stop(contract, way, legs, self.stop, self.atr)
        charged = ask.read_fees(contract, self.fees)
        nearest = legs[-1].price_ticks
        intent = Intent(
            contract_id=contract.id,
            side=way,
            entries=legs,
            stop_ticks=stop,
            stop_is_liquidation=self.at_liquidation,
            entry_takes=self.entry_as == "taker",
            spread_ticks=ask.read_cost_ticks(contract, self.spread, "spread", nearest),
            slippage_ticks=ask.read_cost_ticks(contract, self.slippage, "slippage", nearest),
            entry_fee8=Rate8(max(0, charged.taker8 if self.entry_as == "taker" else charged.maker8)),
            exit_fee8=Rate8(max(0, charged.taker8)),
            funding8=ask.read_funding(
                contract,
                way,
                self.funding_rate,
                self.hold_hours,
                self.funding_interval_hours,
                self.funding_history,
            ),
            mark_ticks2=0 if self.mark is None else _half_ticks(contract, way, self.mark),
        )
        if intent.spread_ticks + intent.slippage_ticks >= (stop or nearest):
            raise InputError("SIZE-008", "spread and slippage reach the price", "use smaller allowances")
        return intent, leverage100


def _leverage_asked(contract: Contract, leverage: Number | None, at_liquidation: bool) -> int:
    """The leverage in hundredths; a listed future has none, and an unknown margin is all its worth."""
    if not contract.clearing:
        return ask.read_leverage(contract, leverage)
    if leverage is not None or at_liquidation:
        raise InputError(
            "SIZE-044",
            f"{contract.id} is a listed future: its margin is set per contract, there is no leverage",
            "leave leverage out; give initial_margin_per_contract (CLI: --initial-margin)",
        )
    return 0 if contract.scales.margin_per_lot_cash else LEVERAGE


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


def read_share(value: Number) -> Rate8:
    """Share of equity that may be margin, in 1e-8.

    Raises
    ------
    InputError
        SIZE-019.
    """
    share = parse_rate(value, "max_margin")
    if not 0 < share <= RATE:
        raise InputError("SIZE-019", f"max_margin is {value}", "use above 0 % up to 100 %")
    return share


def read_multiple(value: Number) -> Rate8:
    """Stop distances that liquidation must lie away, in 1e-8.

    Raises
    ------
    InputError
        SIZE-019.
    """
    multiple = parse_rate(value, "liquidation_multiple")
    if not RATE <= multiple <= 100 * RATE:
        raise InputError("SIZE-019", f"liquidation_multiple is {value}", "use 1 to 100")
    return multiple
