"""A contract: its facts as exact text, and the integers the kernel works with.

Facts are kept as the venue prints them (``tick_size="0.1"``); what is not known is ``None``.
Building a contract checks the facts against each other and proves that its arithmetic fits
64 bits (:mod:`lotwise.contracts.bounds`), so a rule never meets a contract it cannot count.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal, NamedTuple

import msgspec

from lotwise.contracts.bounds import MAX_NOTIONAL_CASH, check_inverse_unit, check_unit
from lotwise.contracts.tiers import MarginTier, tier_rows, with_closing_fee
from lotwise.errors import FactsError, InputError
from lotwise.kernel.layout import LEVERAGE, SpecRow, TierRow
from lotwise.units import (
    SCALE,
    Cash,
    Lots,
    Number,
    Price8,
    Rate8,
    Ticks,
    parse_rate,
    parse_scaled,
    scaled_text,
    shown,
)

ContractKind = Literal["linear_perpetual", "linear_dated", "inverse_perpetual", "inverse_dated"]

MAX_LEVERAGE100 = 1000 * LEVERAGE
"""No venue lends more; a larger one is a slip."""

_ID_PART = re.compile(r"[^\s:,]{1,40}")  # some venues list names in Chinese characters


class FeeSchedule(msgspec.Struct, frozen=True):
    """Fee rates as fractions of notional: ``FeeSchedule("0.0002", "0.0005")`` or ``"0.05%"``."""

    maker: Number
    taker: Number

    def __post_init__(self) -> None:
        for name in ("maker", "taker"):
            rate = parse_rate(getattr(self, name), f"{name} fee")
            if not -SCALE // 100 <= rate <= SCALE // 10:
                raise InputError(
                    "CONTRACT-120",
                    f"{name} fee is {getattr(self, name)}: outside -1 % to 10 %",
                    'write 0.05 % as "0.0005" or "0.05%"',
                )

    @property
    def maker8(self) -> Rate8:
        """Maker rate in 1e-8; a rebate counts as 0 where a loss is estimated."""
        return parse_rate(self.maker, "maker fee")

    @property
    def taker8(self) -> Rate8:
        """Taker rate in 1e-8."""
        return parse_rate(self.taker, "taker fee")


class FundingTerms(msgspec.Struct, frozen=True):
    """How often funding is exchanged, and between which rates; ``None`` is unknown."""

    interval_hours: int
    cap: str | None = None
    floor: str | None = None
    as_of: str | None = None

    def __post_init__(self) -> None:
        hours = self.interval_hours
        if type(hours) is not int or not 1 <= hours <= 24:
            raise InputError(
                "CONTRACT-121", f"funding interval is {shown(hours)}", "give whole hours, 1 to 24"
            )
        for name in ("cap", "floor"):
            if getattr(self, name) is not None:
                parse_rate(getattr(self, name), f"funding {name}")


class Scales(NamedTuple):
    """The integers of a contract; see DESIGN of :mod:`lotwise.kernel.layout` for units."""

    tick_size8: Price8
    lot_size8: int
    per_lot16: int
    """Quantity in one lot, in 1e-16 (lot size and contract size have 8 decimals each): coins of
    the base, of an inverse contract units of the quote."""
    cash_per_tick_lot: Cash
    """Linear: money one lot moves by per tick; inverse: 0."""
    cash_ticks_per_lot: int
    """Inverse: worth of one lot in the settle coin (1e-8) times the price in ticks; linear: 0."""
    min_lots: Lots
    max_lots: Lots | None
    min_notional_cash: Cash
    margin_per_lot_cash: Cash
    """Listed futures: initial margin of one lot; 0 where margin goes by leverage or is unknown."""
    max_leverage100: int | None
    leverage_step100: int
    price_decimals: int


class Contract(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One tradable contract and the rules of its day.

    Only ``symbol``, ``base``, ``tick_size`` and ``lot_size`` must be given; a contract of your
    own is built in one call.

    Parameters
    ----------
    tick_size
        Smallest price step in the quote.
    lot_size
        Smallest quantity step in contracts.
    kind
        Linear contracts settle in the quote, inverse ones in the base (``settle`` is then the
        base unless given) and are worth a fixed amount of the quote; dated ones expire.
    contract_size
        Coins per contract: 1 where the venue counts in coins. Inverse: quote units per contract
        (100 USD for Binance's BTCUSD_PERP).
    min_quantity, max_quantity, max_market_quantity
        In contracts; ``None`` is unknown.
    min_notional
        Smallest opening order in the quote; reduce-only orders are exempt.
    tiers
        Maintenance margin tiers in the settle coin, lowest first; empty is unknown.
    maintenance_rule
        ``"mark"``: maintenance margin follows the price (Binance; Bybit since 2025-09-02);
        ``"entry"``: fixed at entry (Bybit before).
    margin_holds_closing_fee
        The initial margin sets the fee of closing aside (Bybit).
    liquidation_holds_closing_fee
        Liquidation comes when the balance no longer pays maintenance and the taker fee of
        closing (BingX, MEXC).
    clearing
        A listed future: the exchange and the broker (FCM) set the margin per contract and call
        for more; there is no leverage setting and no liquidation price.
    initial_margin_per_contract, maintenance_margin_per_contract
        Of a listed future, in the settle currency; ``None`` is unknown: a size then counts on
        the full notional as margin.
    sector
        What the coin is for (``"DeFi"``, ``"L1"``), as the venue says; ``None`` is unknown.

    Raises
    ------
    InputError
        CONTRACT-1xx: a fact is malformed, contradicts another, or would not fit 64 bits.

    Examples
    --------
    >>> micro = Contract(symbol="MICRO", base="ETH", tick_size="0.01", lot_size="1", contract_size="0.001")
    >>> micro.quantity_text(428), micro.price_text(345_000)
    ('0.428', '3450.00')
    """

    symbol: str
    base: str
    tick_size: Number
    lot_size: Number
    venue: str = "own"
    quote: str = "USDT"
    settle: str = ""
    kind: ContractKind = "linear_perpetual"
    contract_size: Number = "1"
    min_quantity: Number | None = None
    max_quantity: Number | None = None
    max_market_quantity: Number | None = None
    min_notional: Number | None = None
    max_leverage: Number | None = None
    leverage_step: Number = "1"
    maintenance_rule: Literal["mark", "entry"] = "mark"
    margin_holds_closing_fee: bool = False
    liquidation_holds_closing_fee: bool = False
    clearing: bool = False
    initial_margin_per_contract: Number | None = None
    maintenance_margin_per_contract: Number | None = None
    tiers: tuple[MarginTier, ...] | list[MarginTier] = ()
    fees: FeeSchedule | None = None
    funding: FundingTerms | None = None
    liquidation_fee: Number | None = None
    listed: str | None = None
    expiry: str | None = None
    sector: str | None = None
    as_of: str | None = None
    limits_as_of: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not self.settle:
            inverse = self.kind in ("inverse_perpetual", "inverse_dated")
            msgspec.structs.force_setattr(self, "settle", self.base if inverse else self.quote)
        for name in ("venue", "symbol", "base", "quote", "settle"):
            text = getattr(self, name)
            if not (isinstance(text, str) and text.isprintable() and _ID_PART.fullmatch(text)):
                raise InputError(
                    "CONTRACT-101",
                    f"{name} is {shown(text)}: not a name",
                    "use 1 to 40 characters without blanks, colons and commas",
                )
        tiers: object = self.tiers
        if not isinstance(tiers, (list, tuple)) or not all(isinstance(tier, MarginTier) for tier in tiers):
            raise InputError("CONTRACT-130", "tiers is no list of MarginTier", "give [MarginTier(...), ...]")
        msgspec.structs.force_setattr(self, "tiers", tuple(tiers))
        for name, kind in (("fees", FeeSchedule), ("funding", FundingTerms)):
            if not isinstance(getattr(self, name), (kind, type(None))):
                raise InputError(
                    "CONTRACT-122", f"{name} is {shown(getattr(self, name))}", f"give {kind.__name__}(...)"
                )
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise InputError(
                    "CONTRACT-102",
                    f"{name} is {shown(getattr(self, name))}",
                    f"use one of {', '.join(allowed)}",
                )
        for name in ("listed", "expiry", "sector", "as_of", "limits_as_of", "source"):
            if not isinstance(getattr(self, name), (str, type(None))):
                raise InputError(
                    "CONTRACT-122", f"{name} is {shown(getattr(self, name))}", "give text or None"
                )
        for name in ("margin_holds_closing_fee", "liquidation_holds_closing_fee", "clearing"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(
                    "CONTRACT-102", f"{name} is {shown(getattr(self, name))}", "use True or False"
                )
        _optional(self.liquidation_fee, "liquidation_fee", 8)
        self.scales  # noqa: B018  # proves the facts now, not at the first trade
        self.tier_rows  # noqa: B018

    @property
    def id(self) -> str:
        """``venue:SYMBOL``."""
        return f"{self.venue}:{self.symbol}"

    @property
    def is_inverse(self) -> bool:
        """Worth a fixed amount of the quote, settled in the base."""
        return self.kind in ("inverse_perpetual", "inverse_dated")

    @property
    def is_dated(self) -> bool:
        """Expires, and pays no funding."""
        return self.kind in ("linear_dated", "inverse_dated")

    @property
    def quantity_unit(self) -> str:
        """What quantities count: the base, of an inverse contract the quote."""
        return self.quote if self.is_inverse else self.base

    @cached_property
    def scales(self) -> Scales:
        """The contract's integers, computed once."""
        tick8 = _positive(self.tick_size, "tick_size")
        lot8 = _positive(self.lot_size, "lot_size")
        per_lot16 = lot8 * _positive(self.contract_size, "contract_size")
        minimum = _lots(self.min_quantity, "min_quantity", lot8, round_up=True)
        least = _optional(self.min_notional, "min_notional", 8) or 0
        if self.is_inverse:  # a lot is worth the same in the quote at every price
            minimum = max(minimum or 1, -(-least * SCALE // per_lot16))
            least = 0
        largest = [
            lots
            for lots in (
                _lots(self.max_quantity, "max_quantity", lot8, round_up=False),
                _lots(self.max_market_quantity, "max_market_quantity", lot8, round_up=False),
            )
            if lots is not None
        ]
        if largest and not max(1, minimum or 1) <= min(largest):
            raise InputError(
                "CONTRACT-105",
                f"largest quantity {min(largest)} lots, smallest {max(1, minimum or 1)} lots",
                "check min_quantity, max_quantity and max_market_quantity",
            )
        return Scales(
            tick_size8=Price8(tick8),
            lot_size8=lot8,
            per_lot16=per_lot16,
            cash_per_tick_lot=Cash(0) if self.is_inverse else check_unit(self.id, tick8, per_lot16),
            cash_ticks_per_lot=check_inverse_unit(self.id, tick8, per_lot16) if self.is_inverse else 0,
            min_lots=Lots(max(1, minimum or 1)),
            max_lots=Lots(min(largest)) if largest else None,
            min_notional_cash=Cash(least),
            margin_per_lot_cash=self._margin_per_lot(lot8),
            max_leverage100=self._leverage100(),
            leverage_step100=self._leverage_step100(),
            price_decimals=_decimals(tick8),
        )

    def _margin_per_lot(self, lot8: int) -> Cash:
        stated = _optional(self.initial_margin_per_contract, "initial_margin_per_contract", 8) or 0
        least = _optional(self.maintenance_margin_per_contract, "maintenance_margin_per_contract", 8)
        if (stated or least is not None) and not self.clearing:
            raise InputError(
                "CONTRACT-106", "a margin per contract belongs to a listed future", "set clearing=True"
            )
        return Cash(-(-stated * lot8 // SCALE))

    def _leverage_step100(self) -> int:
        step = parse_scaled(self.leverage_step, "leverage_step", 2)
        if not 1 <= step <= LEVERAGE:
            raise InputError("CONTRACT-103", f"leverage_step is {self.leverage_step}", "use 0.01 to 1")
        return step

    def _leverage100(self) -> int | None:
        stated = _optional(self.max_leverage, "max_leverage", 2)
        if stated is None and self.tiers:
            stated = _optional(self.tiers[0].max_leverage, "max_leverage", 2)
        if stated is not None and not LEVERAGE <= stated <= MAX_LEVERAGE100:
            raise InputError("CONTRACT-103", f"max_leverage is {scaled_text(stated, 2)}", "use 1 to 1000")
        return stated

    @cached_property
    def tier_rows(self) -> tuple[TierRow, ...]:
        """The tiers as the kernel reads them; empty where unknown."""
        return tier_rows(self.id, tuple(self.tiers))

    def liquidation_rows(self, taker8: Rate8 | None = None) -> tuple[TierRow, ...]:
        """The tiers as liquidation counts them: with the taker fee of closing where the venue does.

        Raises
        ------
        FactsError
            CONTRACT-301 where the fee is needed and unknown.
        """
        if not self.liquidation_holds_closing_fee or not self.tier_rows:
            return self.tier_rows
        if taker8 is None and self.fees is None:
            raise FactsError(
                "CONTRACT-301",
                f"the taker fee of {self.id}, part of its liquidation, is unknown",
                "give a Contract with fees",
            )
        fee8 = taker8 if taker8 is not None else self.fees.taker8 if self.fees else Rate8(0)
        return with_closing_fee(self.tier_rows, max(0, fee8))

    @property
    def tiers_start_cash(self) -> int:
        """Notional at which the tier table begins; 0 as it should, or where tiers are unknown."""
        return parse_scaled(self.tiers[0].notional_floor, "notional_floor") if self.tiers else 0

    def exact_lots_at(self, price_ticks: int) -> Lots:
        """Largest quantity whose arithmetic is proved to fit 64 bits at prices up to ``price_ticks``."""
        scales = self.scales
        if self.is_inverse:  # the product of worth and price is the same at every price
            return Lots(MAX_NOTIONAL_CASH // scales.cash_ticks_per_lot)
        worth = scales.cash_per_tick_lot * max(1, price_ticks)
        return Lots(MAX_NOTIONAL_CASH // max(worth, scales.margin_per_lot_cash))

    def spec_rows(self, price_ticks: int = 1) -> list[SpecRow]:
        """The contract as the kernel reads it, for prices up to ``price_ticks``; one row."""
        scales = self.scales
        return [
            SpecRow(
                cash_per_tick_lot=scales.cash_per_tick_lot,
                cash_ticks_per_lot=scales.cash_ticks_per_lot,
                entry_based=int(self.maintenance_rule == "entry"),
                fee_to_close=int(self.margin_holds_closing_fee),
                margin_per_lot_cash=scales.margin_per_lot_cash,
                max_lots=self.max_lots_at(price_ticks),
                min_lots=scales.min_lots,
                min_notional_cash=scales.min_notional_cash,
            )
        ]

    def max_lots_at(self, price_ticks: int) -> Lots:
        """Largest order: the venue's cap, where known, within :meth:`exact_lots_at`."""
        exact, venue = self.exact_lots_at(price_ticks), self.scales.max_lots
        return exact if venue is None else min(exact, venue)

    def price_text(self, ticks: int) -> str:
        """Exact text of an on-tick price.

        >>> Contract(symbol="X", base="X", tick_size="0.10", lot_size="1").price_text(637_000)
        '63700.0'
        """
        return scaled_text(ticks * self.scales.tick_size8, 8, self.scales.price_decimals)

    def contracts_text(self, lots: int) -> str:
        """Exact text of a quantity in contracts, the unit of the venue's order."""
        return scaled_text(lots * self.scales.lot_size8, 8)

    def quantity_text(self, lots: int) -> str:
        """Exact text of a quantity in :attr:`quantity_unit`."""
        return scaled_text(lots * self.scales.per_lot16, 16)

    def coins_text(self, ticks: int, lots: int) -> str:
        """Coins of the base; of an inverse contract their worth at a price, cut at 8 decimals."""
        if self.is_inverse:
            return scaled_text(lots * self.scales.cash_ticks_per_lot // ticks)
        return self.quantity_text(lots)

    def notional_text(self, ticks: int, lots: int) -> str:
        """Worth of ``lots`` at an on-tick price in the quote, exact."""
        if self.is_inverse:
            return scaled_text(lots * self.scales.per_lot16, 16, 2)
        return scaled_text(ticks * lots * self.scales.cash_per_tick_lot, 8, 2)

    def price_ticks(self, value: Number, name: str) -> Ticks:
        """On-tick price as ticks.

        Raises
        ------
        InputError
            SIZE-001 not positive; SIZE-002 between two ticks: the message names both.
        """
        price8 = parse_scaled(value, name)
        if price8 <= 0:
            raise InputError("SIZE-001", f"{name} is {value}: a price is positive", f"give {name} above 0")
        ticks, rest = divmod(price8, self.scales.tick_size8)
        if rest:
            below, above = self.price_text(ticks), self.price_text(ticks + 1)
            raise InputError(
                "SIZE-002",
                f"{name} is {value}: not a multiple of the tick {self.tick_size} of {self.id}",
                f"nearest prices: {above}" if ticks == 0 else f"nearest prices: {below} and {above}",
            )
        return Ticks(ticks)

    def replace(self, **changes: object) -> Contract:
        """A copy with some facts changed, checked again."""
        return msgspec.structs.replace(self, **changes)


_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": ("linear_perpetual", "linear_dated", "inverse_perpetual", "inverse_dated"),
    "maintenance_rule": ("mark", "entry"),
}


def _positive(value: Number, name: str) -> int:
    scaled = parse_scaled(value, name)
    if scaled <= 0:
        raise InputError("CONTRACT-104", f"{name} is {value}: must be positive", f"give {name} above 0")
    return scaled


def _optional(value: Number | None, name: str, decimals: int) -> int | None:
    if value is None:
        return None
    scaled = parse_scaled(value, name, decimals)
    if scaled < 0:
        raise InputError("CONTRACT-104", f"{name} is {value}: must not be negative", "use None for unknown")
    return scaled


def _lots(value: Number | None, name: str, lot8: int, *, round_up: bool) -> int | None:
    scaled = _optional(value, name, 8)
    if scaled is None:
        return None
    return -(-scaled // lot8) if round_up else scaled // lot8


def _decimals(tick8: int) -> int:
    return len(scaled_text(tick8).partition(".")[2])
