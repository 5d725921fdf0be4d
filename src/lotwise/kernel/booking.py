"""Where money moves: every booking goes through :func:`book`, and its parts sum to zero.

Rules of ``docs/venue_in_a_box.md``, "Bookings". Positions keep the sum of what was paid, never an
average; a partial close releases its share by floor and the rest stays.
"""

from __future__ import annotations

from lotwise.kernel.arith import mul_div_ceil, mul_div_floor
from lotwise.kernel.exposure import has_cross_position, worth_at_floor, worth_at_mark_floor
from lotwise.kernel.layout import RATE
from lotwise.kernel.margin import initial_margin_trunc
from lotwise.kernel.state import LOG_DEFICIT, LOG_FUNDING, LOG_TAKEOVER, State
from lotwise.rule import rule
from lotwise.units import Cash


@rule
def note(
    state: State,
    kind: int,
    contract: int,
    order_id: int,
    lots: int,
    price_ticks: int,
    maker: int,
    reason: int,
) -> int:
    """Begin a log row; its place, or -1 where the log is full."""
    account = state.account[0]
    at = account.logged
    account.logged = at + 1
    if at >= len(state.log):
        return -1
    row = state.log[at]
    row.kind = kind
    row.contract = contract
    row.order_id = order_id
    row.lots = lots
    row.price_ticks = price_ticks
    row.maker = maker
    row.reason = reason
    row.sequence = account.sequence
    row.time_ns = account.time_ns
    row.cross_cash = 0
    row.isolated_cash = 0
    row.fees_cash = 0
    row.funding_cash = 0
    row.insurance_cash = 0
    row.outside_cash = 0
    row.trades_cash = 0
    row.positions_cash = 0
    return at


@rule
def book(
    state: State,
    at: int,
    c: int,
    cross: int = 0,
    isolated: int = 0,
    fees: int = 0,
    funding: int = 0,
    insurance: int = 0,
    outside: int = 0,
    trades: int = 0,
    positions: int = 0,
) -> None:
    """Add amounts to the books and to log row ``at``; the amounts sum to zero."""
    account = state.account[0]
    account.cross_cash += cross
    account.fees_cash += fees
    account.funding_cash += funding
    account.insurance_cash += insurance
    account.outside_cash += outside
    account.trades_cash += trades
    account.positions_cash += positions
    if isolated:
        state.markets[c].isolated_cash += isolated
    if at < 0:
        return
    row = state.log[at]
    row.cross_cash += cross
    row.isolated_cash += isolated
    row.fees_cash += fees
    row.funding_cash += funding
    row.insurance_cash += insurance
    row.outside_cash += outside
    row.trades_cash += trades
    row.positions_cash += positions


@rule
def release_entry_floor(state: State, c: int, closing: int) -> Cash:
    """The part of the entry sum that ``closing`` lots take with them; the position gets smaller."""
    market = state.markets[c]
    released = mul_div_floor(market.entry_cash, closing, abs(market.lots))
    market.entry_cash -= released
    market.lots -= closing if market.lots > 0 else -closing
    return Cash(released)


@rule
def isolated_result(state: State, c: int, closing: int, held: int, realised: Cash) -> tuple[int, int, int]:
    """How a result of closing is borne: (cross, isolated, insurance); the cross wallet never pays."""
    money = state.markets[c].isolated_cash
    part = mul_div_floor(money, closing, held)
    out = part + realised
    if out >= 0:
        return out, -part, 0
    left = money - part + out
    return 0, max(left, 0) - money, min(left, 0)


@rule
def fill(state: State, at: int, c: int, side: int, lots: int, price_ticks: int, fee8: int) -> Cash:
    """Book a fill: fee, result of what it closes, entry of what it opens; returns the fee."""
    market = state.markets[c]
    unit = state.contracts[c].cash_per_tick_lot
    held = abs(market.lots)
    closing = min(lots, held) if market.lots * side < 0 else 0
    fee = mul_div_ceil(price_ticks * lots * unit, fee8, RATE)
    cross, isolated, insurance, positions = -fee, 0, 0, 0
    if closing:
        released = release_entry_floor(state, c, closing)
        realised = side * (released - price_ticks * closing * unit)
        positions = -side * released
        if market.is_isolated:
            to_cross, isolated, insurance = isolated_result(
                state, c, closing, held=held, realised=Cash(realised)
            )
            cross += to_cross
        else:
            cross += realised
    opening = lots - closing
    if opening:
        worth = price_ticks * opening * unit
        market.entry_cash += worth
        market.lots += side * opening
        positions -= side * worth
        if market.is_isolated:
            moved = initial_margin_trunc(Cash(worth), leverage100=market.leverage100)
            cross -= moved
            isolated += moved
    book(
        state,
        at,
        c,
        cross=cross,
        isolated=isolated,
        fees=fee,
        insurance=insurance,
        trades=side * price_ticks * lots * unit,
        positions=positions,
    )
    return Cash(fee)


@rule
def cover_deficit(state: State) -> None:
    """A cross wallet below zero with no cross position open is paid by the insurance fund."""
    owed = -state.account[0].cross_cash
    if owed > 0 and not has_cross_position(state):
        at = note(state, LOG_DEFICIT, -1, order_id=0, lots=0, price_ticks=0, maker=0, reason=0)
        book(state, at, 0, cross=owed, insurance=-owed)


@rule
def pay_funding(state: State, c: int, rate8: int, mark8: int) -> None:
    """Funding of the position at a mark: what it pays rounded up, what it receives rounded down."""
    market = state.markets[c]
    if market.lots == 0 or rate8 == 0:
        return
    worth = worth_at_floor(state, c, mark8)
    if (market.lots > 0) == (rate8 > 0):
        paid = mul_div_ceil(worth, abs(rate8), RATE)
    else:
        paid = -mul_div_floor(worth, abs(rate8), RATE)
    at = note(state, LOG_FUNDING, c, order_id=0, lots=market.lots, price_ticks=0, maker=0, reason=0)
    if market.is_isolated == 0:
        book(state, at, c, cross=-paid, funding=paid)
        return
    short = max(0, paid - market.isolated_cash)
    book(state, at, c, isolated=short - paid, funding=paid, insurance=-short)


@rule
def take_over(state: State, c: int) -> None:
    """The insurance fund takes a position at its mark; of an isolated one all money behind it too."""
    market = state.markets[c]
    lots = market.lots
    side = 1 if lots > 0 else -1
    worth = worth_at_mark_floor(state, c)
    released = release_entry_floor(state, c, abs(lots))
    realised = side * (worth - released)
    at = note(state, LOG_TAKEOVER, c, order_id=0, lots=-lots, price_ticks=0, maker=0, reason=0)
    if market.is_isolated:
        money = market.isolated_cash
        book(
            state,
            at,
            c,
            isolated=-money,
            insurance=money + realised,
            trades=-side * worth,
            positions=side * released,
        )
        return
    book(state, at, c, cross=realised, trades=-side * worth, positions=side * released)
