"""The rows of the venue in a box: facts, choices, market, position, account, orders, brackets, events.

Two bodies each, as :mod:`lotwise.kernel.layout` says. What a step does with them is told in
``docs/venue_in_a_box.md``. Units are in the names; ``side`` is LONG or SHORT, of an order BUY or SELL
with the same values; prices of 0 mean "not known" or "none".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from lotwise.kernel.layout import Row, TierRow

# -- kinds of orders
LIMIT: Final = 1
MARKET: Final = 2
STOP_MARKET: Final = 3
STOP_LIMIT: Final = 4
TAKE_MARKET: Final = 5
TAKE_LIMIT: Final = 6
TRAILING: Final = 7

# -- time in force
GTC: Final = 0
IOC: Final = 1
FOK: Final = 2
GTD: Final = 3

# -- status of an order slot
FREE: Final = 0
WORKING: Final = 1
"""In the book."""
WAITING: Final = 2
"""Conditional and not triggered yet."""

# -- role of an order in a bracket
NO_ROLE: Final = 0
ENTRY: Final = 1
STOP: Final = 2
TARGET: Final = 3
"""TARGET + k is the role of target k = 1..4."""

# -- in which order a bar visits its extremes
ADVERSE: Final = 0
FAVOURABLE: Final = 1
OHLC: Final = 2
OLHC: Final = 3

# -- when a resting limit fills
TOUCH: Final = 0
THROUGH: Final = 1
QUEUE: Final = 2

# -- kinds of events
BAR: Final = 1
TRADE: Final = 2
QUOTE: Final = 3
MARK: Final = 4
INDEX: Final = 5
FUNDING: Final = 6
CLOCK: Final = 7
PLACE: Final = 11
AMEND: Final = 12
CANCEL: Final = 13
CANCEL_ALL: Final = 14
LEVERAGE: Final = 15
MARGIN_MODE: Final = 16
ISOLATED_MARGIN: Final = 17
TRANSFER: Final = 18
BRACKET: Final = 19

# -- kinds of log rows
LOG_FILL: Final = 1
LOG_FUNDING: Final = 2
LOG_TRANSFER: Final = 3
LOG_MARGIN: Final = 4
LOG_REDUCTION: Final = 5
LOG_TAKEOVER: Final = 6
LOG_DEFICIT: Final = 7
LOG_PLACED: Final = 8
LOG_TRIGGERED: Final = 9
LOG_CANCELLED: Final = 10
LOG_EXPIRED: Final = 11
LOG_RESIZED: Final = 12
LOG_STOP_MOVED: Final = 13
LOG_MERGED: Final = 14
LOG_MARGIN_CALL: Final = 15

TARGETS: Final = 4
"""Most targets of a bracket."""


class Blank(Row):
    """A row whose fields are 0 unless given."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, **fields: int) -> None:
        for name in self.__slots__:
            setattr(self, name, fields.pop(name, 0))
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(fields)}")


class ContractRow(Blank):
    """Facts of a contract, and what is assumed where a venue's behaviour is not in the data."""

    __slots__ = (
        "cash_per_tick_lot",  # money one lot moves by when the price moves one tick
        "end_tier",  # its tiers end before this row of the tiers
        "first_tier",  # its tiers begin here
        "limit_fill",  # TOUCH, THROUGH or QUEUE
        "liquidation_fee8",  # share of a liquidated notional
        "maker_fee8",  # fee rate of a resting order
        "max_lots",  # largest order
        "max_market_lots",  # largest market order
        "max_notional_cash",  # bound of the 64-bit proof
        "min_lots",  # smallest order
        "min_notional_cash",  # smallest opening order in money
        "path",  # ADVERSE, FAVOURABLE, OHLC or OLHC
        "price_down8",  # a sell limit is at most this share below the mark, 0: no bound
        "price_up8",  # a buy limit is at most this share above the mark, 0: no bound
        "queue_share8",  # share of the best quote's lots before a new resting order
        "slippage_range8",  # a market fill loses this share of the last bar's range
        "slippage_ticks",  # and so many ticks
        "spread_ticks",  # full spread where no quote is known
        "take_bound8",  # a market order fills at most this share from the mark, 0: no bound
        "taker_fee8",  # fee rate of an order that takes
        "tick_size8",  # price step
        "volume_share8",  # share of a volume this account may take, 0: no bound
    )
    cash_per_tick_lot: int
    end_tier: int
    first_tier: int
    limit_fill: int
    liquidation_fee8: int
    maker_fee8: int
    max_lots: int
    max_market_lots: int
    max_notional_cash: int
    min_lots: int
    min_notional_cash: int
    path: int
    price_down8: int
    price_up8: int
    queue_share8: int
    slippage_range8: int
    slippage_ticks: int
    spread_ticks: int
    take_bound8: int
    taker_fee8: int
    tick_size8: int
    volume_share8: int


class MarketRow(Blank):
    """A contract's market as last seen, and the position in it."""

    __slots__ = (
        "ask_lots",  # lots at the best ask
        "ask_ticks",  # best ask, 0: no quote
        "bid_lots",  # lots at the best bid
        "bid_ticks",  # best bid, 0: no quote
        "called",  # 1: a margin call was said and still holds
        "entry_cash",  # notional paid for what is held
        "has_mark",  # 1: a mark was given
        "index8",  # index price
        "interval_ns",  # funding interval last told
        "is_isolated",  # 1: isolated margin
        "isolated_cash",  # money of the isolated position
        "last_ticks",  # last price
        "leverage100",  # leverage in hundredths
        "lots",  # position, signed
        "mark8",  # mark price
        "range_ticks",  # high - low of the last bar
        "reduced",  # 1 only within a liquidation: had its one reduction
        "room_lots",  # what may still be taken of the present volume, -1: no bound
    )
    ask_lots: int
    ask_ticks: int
    bid_lots: int
    bid_ticks: int
    called: int
    entry_cash: int
    has_mark: int
    index8: int
    interval_ns: int
    is_isolated: int
    isolated_cash: int
    last_ticks: int
    leverage100: int
    lots: int
    mark8: int
    range_ticks: int
    reduced: int
    room_lots: int


class AccountRow(Blank):
    """The account: its books, its time, its counters."""

    __slots__ = (
        "call_ratio8",  # maintenance / balance at which a margin call is said, 0: never
        "called",  # 1: a margin call of the cross account was said and still holds
        "cross_cash",  # cross wallet
        "end_slot",  # order slots from here on are free
        "fees_cash",  # fees taken by the venue
        "funding_cash",  # the other side of funding
        "insurance_cash",  # the insurance fund's part in this account
        "logged",  # log rows made, also those that found no room
        "next_order_id",
        "outside_cash",  # the other side of transfers
        "positions_cash",  # minus the signed entry notional held
        "sequence",  # accepted events
        "time_ns",
        "trades_cash",  # what the other side of our fills received
    )
    call_ratio8: int
    called: int
    cross_cash: int
    end_slot: int
    fees_cash: int
    funding_cash: int
    insurance_cash: int
    logged: int
    next_order_id: int
    outside_cash: int
    positions_cash: int
    sequence: int
    time_ns: int
    trades_cash: int


class OrderRow(Blank):
    """An order slot."""

    __slots__ = (
        "activation_ticks",  # TRAILING: price that starts it, 0: at once
        "active",  # TRAILING: 1 started
        "by_mark",  # 1: triggered by the mark
        "callback8",  # TRAILING
        "close_position",  # 1: the whole position, no quantity
        "contract",  # index
        "expires_ns",  # GTD
        "extreme_ticks",  # TRAILING: best price since it started
        "filled_lots",
        "id",
        "kind",
        "lots",  # whole order
        "post_only",
        "price_ticks",  # limit price
        "queue_lots",  # lots that stand before it
        "reduce_only",
        "role",  # in a bracket
        "side",
        "status",
        "tif",
        "trigger_ticks",
    )
    activation_ticks: int
    active: int
    by_mark: int
    callback8: int
    close_position: int
    contract: int
    expires_ns: int
    extreme_ticks: int
    filled_lots: int
    id: int
    kind: int
    lots: int
    post_only: int
    price_ticks: int
    queue_lots: int
    reduce_only: int
    role: int
    side: int
    status: int
    tif: int
    trigger_ticks: int


class BracketRow(Blank):
    """The exits of a contract's position; one slot per contract."""

    __slots__ = (
        "breakeven_after",  # targets filled that move the stop to break-even, 0: never
        "by_mark",  # 1: the stop triggers by the mark
        "callback8",  # of the trailing stop
        "entered_lots",  # filled by entries so far
        "entries",  # entry orders placed so far
        "fees_cash",  # entry fees paid
        "filled_lots_1",
        "filled_lots_2",
        "filled_lots_3",
        "filled_lots_4",
        "moved",  # 1: break-even was tried
        "side",  # LONG or SHORT, 0: no bracket
        "stop_id",  # order that is the stop, 0: none
        "stop_ticks",
        "target_share8_1",  # cumulative share of the lots, 0: unused
        "target_share8_2",
        "target_share8_3",
        "target_share8_4",
        "target_ticks_1",
        "target_ticks_2",
        "target_ticks_3",
        "target_ticks_4",
        "time_stop_ns",  # 0: none
        "trail_after",  # targets filled that make the stop trail, 0: never
        "trailing",  # 1: it trails
    )
    breakeven_after: int
    by_mark: int
    callback8: int
    entered_lots: int
    entries: int
    fees_cash: int
    filled_lots_1: int
    filled_lots_2: int
    filled_lots_3: int
    filled_lots_4: int
    moved: int
    side: int
    stop_id: int
    stop_ticks: int
    target_share8_1: int
    target_share8_2: int
    target_share8_3: int
    target_share8_4: int
    target_ticks_1: int
    target_ticks_2: int
    target_ticks_3: int
    target_ticks_4: int
    time_stop_ns: int
    trail_after: int
    trailing: int


class EventRow(Blank):
    """A market event or a command; each kind reads the fields it needs."""

    __slots__ = (
        "activation_ticks",
        "ask_lots",
        "ask_ticks",
        "bid_lots",
        "bid_ticks",
        "breakeven_after",
        "by_mark",
        "callback8",
        "cash",  # TRANSFER, ISOLATED_MARGIN: signed
        "close_position",
        "close_ticks",  # BAR
        "contract",
        "entry",  # PLACE: 1 an entry of the contract's bracket
        "expires_ns",
        "high_ticks",  # BAR
        "interval_ns",  # FUNDING
        "is_isolated",  # MARGIN_MODE
        "kind",
        "leverage100",  # LEVERAGE
        "lots",  # TRADE, PLACE, AMEND
        "low_ticks",  # BAR
        "mark_close8",  # BAR: marks at its points, all or none
        "mark_high8",
        "mark_low8",
        "mark_open8",
        "open_ticks",  # BAR
        "order_id",  # AMEND, CANCEL
        "order_kind",  # PLACE
        "post_only",
        "price8",  # MARK, INDEX, FUNDING (0: the present mark)
        "price_ticks",  # TRADE, limit price of PLACE and AMEND
        "rate8",  # FUNDING
        "reduce_only",
        "side",
        "stop_ticks",  # BRACKET
        "target_share8_1",
        "target_share8_2",
        "target_share8_3",
        "target_share8_4",
        "target_ticks_1",
        "target_ticks_2",
        "target_ticks_3",
        "target_ticks_4",
        "tif",
        "time_ns",
        "time_stop_ns",
        "trail_after",
        "trigger_ticks",
        "volume_lots",  # BAR
    )
    activation_ticks: int
    ask_lots: int
    ask_ticks: int
    bid_lots: int
    bid_ticks: int
    breakeven_after: int
    by_mark: int
    callback8: int
    cash: int
    close_position: int
    close_ticks: int
    contract: int
    entry: int
    expires_ns: int
    high_ticks: int
    interval_ns: int
    is_isolated: int
    kind: int
    leverage100: int
    lots: int
    low_ticks: int
    mark_close8: int
    mark_high8: int
    mark_low8: int
    mark_open8: int
    open_ticks: int
    order_id: int
    order_kind: int
    post_only: int
    price8: int
    price_ticks: int
    rate8: int
    reduce_only: int
    side: int
    stop_ticks: int
    target_share8_1: int
    target_share8_2: int
    target_share8_3: int
    target_share8_4: int
    target_ticks_1: int
    target_ticks_2: int
    target_ticks_3: int
    target_ticks_4: int
    tif: int
    time_ns: int
    time_stop_ns: int
    trail_after: int
    trigger_ticks: int
    volume_lots: int


class LogRow(Blank):
    """What happened, and every booking: the ``_cash`` columns of a row sum to zero."""

    __slots__ = (
        "contract",  # index, -1: the account
        "cross_cash",
        "fees_cash",
        "funding_cash",
        "insurance_cash",
        "isolated_cash",
        "kind",
        "lots",  # of the fill, signed
        "maker",  # 1: the order was resting
        "order_id",
        "outside_cash",
        "positions_cash",
        "price_ticks",
        "reason",  # why an order expired, a code of the answers
        "sequence",  # of the event
        "time_ns",
        "trades_cash",
    )
    contract: int
    cross_cash: int
    fees_cash: int
    funding_cash: int
    insurance_cash: int
    isolated_cash: int
    kind: int
    lots: int
    maker: int
    order_id: int
    outside_cash: int
    positions_cash: int
    price_ticks: int
    reason: int
    sequence: int
    time_ns: int
    trades_cash: int


class State(NamedTuple):
    """All of an account: what :func:`lotwise.kernel.machine.step` reads and writes."""

    account: Sequence[AccountRow]
    """One row."""
    contracts: Sequence[ContractRow]
    markets: Sequence[MarketRow]
    """One row a contract."""
    tiers: Sequence[TierRow]
    """Of all contracts, one after the other."""
    orders: Sequence[OrderRow]
    """Slots: those of the trader, and five a contract for the exits of brackets."""
    brackets: Sequence[BracketRow]
    """One row a contract."""
    log: Sequence[LogRow]
    """Where happenings are written, up to its length; not part of what a step depends on."""


EXITS: Final = TARGETS + 1
"""Slots kept for the exits of a contract's bracket."""

Events = Sequence[EventRow]
"""Events in the order of time; a step reads the first."""
