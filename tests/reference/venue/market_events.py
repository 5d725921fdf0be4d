"""What the market tells: bars, trades, quotes, marks, index prices, funding."""

from __future__ import annotations

from tests.reference.venue import filling, liquidation, moves, pricing
from tests.reference.venue.bookings import book_funding
from tests.reference.venue.names import (
    ADVERSE,
    FAVOURABLE,
    LIMIT,
    NO_SUCH_MARKET,
    OHLC,
    QUEUE,
    WORKING,
    need,
)
from tests.reference.venue.placing import need_contract
from tests.reference.venue.rounding import rate, rounded_down
from tests.reference.venue.rows import Event, Order, State


def room_of(state: State, contract: int, lots: int) -> int:
    """Return what this account may take of a volume; -1 for no bound."""
    share8 = state.contracts[contract].volume_share8
    return rounded_down(lots * rate(share8)) if share8 else -1


# --- bars -----------------------------------------------------------------------------------------


def check_bar(event: Event) -> None:
    """Refuse a bar that cannot be."""
    prices = (event.low_ticks, event.open_ticks, event.close_ticks, event.high_ticks)
    marks = (event.mark_low8, event.mark_open8, event.mark_close8, event.mark_high8)
    for low, start, end, high in (prices, marks):
        need(low <= min(start, end) and max(start, end) <= high, NO_SUCH_MARKET)
    need(event.low_ticks > 0 and event.volume_lots >= 0, NO_SUCH_MARKET)
    need(event.mark_low8 > 0 or not any(marks), NO_SUCH_MARKET)


def high_comes_first(state: State, contract: int) -> bool:
    """Tell which extreme the bar visits first."""
    path, lots = state.contracts[contract].path, state.markets[contract].lots
    if path not in (ADVERSE, FAVOURABLE):
        return path == OHLC
    sides = {order.side for order in state.orders_of(contract) if order.is_opening}
    is_adverse_high = lots < 0 if lots else sides != {-1}
    return is_adverse_high == (path == ADVERSE)


def arrive(state: State, contract: int, ticks: int, mark8: int, is_jump: bool) -> None:
    """Go to a point of the bar, set the mark there, and do what the mark asks for."""
    moves.travel(state, contract, ticks, is_jump)
    market = state.markets[contract]
    if mark8:
        market.mark8, market.has_mark = mark8, 1
    judge(state, contract)


def judge(state: State, contract: int) -> None:
    """Follow the last price with the mark where none was given, trigger by mark, check margins."""
    moves.follow_last(state, contract)
    moves.trigger_by_mark(state, contract)
    liquidation.check(state)


def bar(state: State, event: Event) -> None:
    """Play a bar."""
    contract = event.contract
    need_contract(state, contract)
    check_bar(event)
    market = state.markets[contract]
    market.bid_ticks = market.bid_lots = market.ask_ticks = market.ask_lots = 0
    market.room_lots = room_of(state, contract, event.volume_lots)
    market.range_ticks = event.high_ticks - event.low_ticks
    arrive(state, contract, event.open_ticks, event.mark_open8, is_jump=True)
    extremes = [(event.high_ticks, event.mark_high8), (event.low_ticks, event.mark_low8)]
    if not high_comes_first(state, contract):
        extremes.reverse()
    for ticks, mark8 in (*extremes, (event.close_ticks, event.mark_close8)):
        arrive(state, contract, ticks, mark8, is_jump=False)


# --- trades and quotes ----------------------------------------------------------------------------


def trade(state: State, event: Event) -> None:
    """Play a trade."""
    contract = event.contract
    need_contract(state, contract)
    need(event.price_ticks > 0 and event.lots >= 0, NO_SUCH_MARKET)
    state.markets[contract].room_lots = room_of(state, contract, event.lots)
    moves.travel(state, contract, event.price_ticks, is_jump=True)
    if state.contracts[contract].limit_fill == QUEUE:
        serve_queue(state, event)
    judge(state, contract)


def serve_queue(state: State, event: Event) -> None:
    """Let a trade fill the orders at its price, after the lots that stand before them."""
    market = state.markets[event.contract]
    for order in book(state, event.contract):
        if order.price_ticks != event.price_ticks or order.id not in state.orders:
            continue
        reach = event.lots if market.room_lots < 0 else min(event.lots, market.room_lots)
        lots = min(max(0, reach - order.queue_lots), pricing.fillable(state, order))
        order.queue_lots = max(0, order.queue_lots - event.lots)
        if lots:
            filling.execute(state, order, lots, order.price_ticks, is_maker=True)


def book(state: State, contract: int) -> list[Order]:
    """Return the limit orders of the contract that are in the book."""
    return [o for o in state.orders_of(contract) if o.kind == LIMIT and o.status == WORKING]


def quote(state: State, event: Event) -> None:
    """Take a new best bid and ask."""
    need_contract(state, event.contract)
    need(0 <= event.bid_ticks < event.ask_ticks, NO_SUCH_MARKET)
    need(event.bid_lots >= 0 and event.ask_lots >= 0, NO_SUCH_MARKET)
    market = state.markets[event.contract]
    market.bid_ticks, market.bid_lots = event.bid_ticks, event.bid_lots
    market.ask_ticks, market.ask_lots = event.ask_ticks, event.ask_lots
    market.room_lots = -1
    while True:
        orders = book(state, event.contract)
        buys = [o for o in orders if o.side > 0 and o.price_ticks >= market.ask_ticks]
        sells = [o for o in orders if o.side < 0 and o.price_ticks <= market.bid_ticks]
        if not buys and not sells:
            return
        best = min(buys or sells, key=lambda o: (-o.side * o.price_ticks, o.id))
        filling.fill_resting(state, best, pricing.fillable(state, best))


# --- marks and funding ----------------------------------------------------------------------------


def mark(state: State, event: Event) -> None:
    """Take a new mark price."""
    need_contract(state, event.contract)
    need(event.price8 > 0, NO_SUCH_MARKET)
    market = state.markets[event.contract]
    market.mark8, market.has_mark = event.price8, 1
    judge(state, event.contract)


def index(state: State, event: Event) -> None:
    """Take a new index price."""
    need_contract(state, event.contract)
    need(event.price8 > 0, NO_SUCH_MARKET)
    state.markets[event.contract].index8 = event.price8


def funding(state: State, event: Event) -> None:
    """Book a funding."""
    need_contract(state, event.contract)
    need(event.price8 >= 0, NO_SUCH_MARKET)
    market = state.markets[event.contract]
    market.interval_ns = event.interval_ns
    book_funding(state, event.contract, event.rate8, event.price8 or market.mark8)
    liquidation.check(state)
