"""A signal becomes a size, is judged by the trader's limits, and is opened: or it is written down why not."""

from __future__ import annotations

from collections.abc import MutableSequence

from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.bracket import clear_bracket
from lotwise.kernel.codes import NO_STOP
from lotwise.kernel.exposure import (
    available,
    cross_balance,
    cross_maintenance,
    initial_margin,
    pnl,
)
from lotwise.kernel.feasibility import largest_feasible
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_codes import ALLOWED
from lotwise.kernel.limits import limit_refusal, open_trade, risk_room_cash, standing_refusal
from lotwise.kernel.machine import step
from lotwise.kernel.matching import market_price, touch
from lotwise.kernel.portfolio_rows import BAD_ENTRIES, Book
from lotwise.kernel.sizing import entry_notional, loss_cash, lots_through_leg
from lotwise.kernel.state import BRACKET, GTC, GTD, LIMIT, MARKET, PLACE, State
from lotwise.rule import rule
from lotwise.units import Cash, Lots


@rule
def equity_of(state: State) -> Cash:
    """All money of the account: wallets, isolated positions, what open positions have won or lost."""
    equity = int(cross_balance(state))
    for c in range(len(state.markets)):
        market = state.markets[c]
        if market.is_isolated and market.lots:
            equity += market.isolated_cash + pnl(state, c)
    return Cash(equity)


@rule
def margin_of(state: State) -> Cash:
    """Initial margin of all that is open: what isolated positions hold, what cross positions bind."""
    total = 0
    for c in range(len(state.markets)):
        market = state.markets[c]
        if market.lots:
            total += market.isolated_cash if market.is_isolated else initial_margin(state, c)
    return Cash(total)


@rule
def look(state: State, c: int, found: MutableSequence[int]) -> None:
    """What a trade of contract ``c`` is judged by, at once: equity, free money, margin in use, the cross
    balance beyond maintenance, the slippage of a buy at the market.
    """
    found[0] = equity_of(state)
    found[1] = max(0, available(state))
    found[2] = margin_of(state)
    found[3] = cross_balance(state) - cross_maintenance(state)
    found[4] = slipped_ticks(state, c, 1)


@rule
def fresh_event(book: Book, kind: int, contract: int, time_ns: int) -> None:
    """Make the book's event a fresh one; fields of orders and brackets are 0."""
    event = book.event[0]
    event.kind = kind
    event.contract = contract
    event.time_ns = time_ns
    event.lots = 0
    event.price_ticks = 0
    event.reduce_only = 0
    event.entry = 0
    event.tif = 0
    event.order_kind = MARKET
    event.price8 = 0


@rule
def lay_entries(state: State, book: Book, c: int, signal: int) -> int:
    """Lay the entries of a signal out as legs: how many, 0 for one entry at the market."""
    wanted, legs = book.signals[signal], book.legs
    if wanted.entry_ticks_1 == 0:
        legs[0].price_ticks = max(
            1, state.markets[c].last_ticks + wanted.side * slipped_ticks(state, c, wanted.side)
        )
        legs[0].cumulative_share8 = RATE
        return 0
    legs[0].price_ticks = wanted.entry_ticks_1
    legs[0].cumulative_share8 = wanted.entry_share8_1
    legs[1].price_ticks = wanted.entry_ticks_2
    legs[1].cumulative_share8 = wanted.entry_share8_2
    legs[2].price_ticks = wanted.entry_ticks_3
    legs[2].cumulative_share8 = wanted.entry_share8_3
    return 1 + (wanted.entry_share8_2 > 0) + (wanted.entry_share8_3 > 0)


@rule
def entries_are_good(book: Book, signal: int, count: int) -> bool:
    """Whether the prices of a ladder come nearer to its stop, and its shares rise to one."""
    side, stop = book.signals[signal].side, book.signals[signal].stop_ticks
    share, price = 0, 0
    for k in range(count):
        leg = book.legs[k]
        nearer = k == 0 or (price - leg.price_ticks) * side > 0
        if not nearer or leg.cumulative_share8 <= share or (leg.price_ticks - stop) * side <= 0:
            return False
        share, price = leg.cumulative_share8, leg.price_ticks
    return count == 0 or share == RATE


@rule
def slipped_ticks(state: State, c: int, side: int) -> int:
    """What a market fill would slip now."""
    return side * (market_price(state, c, side, x=-1) - touch(state, c, side, x=-1))


@rule
def ask_for(state: State, book: Book, c: int, signal: int, legs: int, budget_cash: Cash) -> None:
    """Lay a signal out for the sizing rules: a market fill slips at the entry and at the stop.

    Entries that rest pay the maker fee; where the farthest would take at once, all count as taking.
    """
    ask, limits, wanted = book.ask[0], book.limits[0], book.signals[signal]
    contract, market = state.contracts[c], state.markets[c]
    rests = legs > 0 and (touch(state, c, wanted.side, x=-1) - wanted.entry_ticks_1) * wanted.side > 0
    ask.side = wanted.side
    ask.stop_ticks = wanted.stop_ticks
    ask.leverage100 = market.leverage100
    ask.entry_fee8 = contract.maker_fee8 if rests else contract.taker_fee8
    ask.exit_fee8 = contract.taker_fee8
    ask.entry_spread_ticks = 0 if rests else contract.spread_ticks
    ask.exit_spread_ticks = contract.spread_ticks
    ask.slippage_ticks = slipped_ticks(state, c, wanted.side)
    limits.budget_cash = budget_cash
    limits.free_cash = max(0, available(state))
    limits.margin_cash = limits.free_cash
    limits.is_cross = 1 - market.is_isolated
    limits.cross_cash = cross_balance(state) - cross_maintenance(state)


@rule
def size_signal(
    state: State, book: Book, c: int, signal: int, budget_cash: Cash
) -> tuple[int, int, int, int]:
    """Lots that a signal gets, 0 and the code of why not; the loss at its stop and its notional.

    Where nothing fits, loss and notional are those of the smallest order.
    """
    wanted, last = book.signals[signal], state.markets[c].last_ticks
    if wanted.stop_ticks <= 0 or (last - wanted.stop_ticks) * wanted.side <= 0:
        return 0, NO_STOP, 0, 0
    count = lay_entries(state, book, c, signal=signal)
    if not entries_are_good(book, signal, count):
        return 0, BAD_ENTRIES, 0, 0
    ask_for(state, book, c, signal=signal, legs=count, budget_cash=budget_cash)
    spec, legs = book.spec[c : c + 1], book.legs[0 : max(1, count)]
    tiers = state.tiers[state.contracts[c].first_tier : state.contracts[c].end_tier]
    lots, code, smallest = largest_feasible(spec, book.ask, book.limits, legs=legs, tiers=tiers)
    if count == 0:
        lots = min(lots, state.contracts[c].max_market_lots)
    asked = Lots(lots if lots else smallest)
    loss = loss_cash(spec, book.ask, legs, lots=asked)
    return lots, code, loss, entry_notional(spec, legs, asked, up=1)


@rule
def refuse(book: Book, c: int, signal: int, code: int, row: int, budget_cash: int, loss_cash: int) -> int:
    """Write down why a signal was not opened, where there is room for it; returns the code."""
    run = book.run[0]
    if run.refusals < len(book.refusals):
        refusal = book.refusals[run.refusals]
        refusal.code = code
        refusal.contract = c
        refusal.signal = signal
        refusal.row = row
        refusal.time_ns = book.event[0].time_ns
        refusal.budget_cash = budget_cash
        refusal.loss_cash = loss_cash
    run.refusals += 1
    return code


@rule
def take_seat(book: Book, c: int, signal: int, row: int, now: int) -> None:
    """A trip begins: nothing has come of it yet."""
    seat = book.seats[c]
    seat.is_open = 1
    seat.signal = signal
    seat.opened_ns = now
    seat.opened_row = row
    seat.stop_ticks = book.signals[signal].stop_ticks
    seat.ambiguous = 0
    seat.entry_cash = 0
    seat.fees_cash = 0
    seat.funding_cash = 0
    seat.insurance_cash = 0
    seat.liquidated = 0
    seat.lots = 0
    seat.result_cash = 0


@rule
def place_signal(state: State, book: Book, c: int, signal: int, lots: int, now: int) -> int:
    """Declare the bracket and enter; the venue's answer to the first entry."""
    wanted = book.signals[signal]
    fresh_event(book, BRACKET, c, time_ns=now)
    event = book.event[0]
    event.side = wanted.side
    event.stop_ticks = wanted.stop_ticks
    event.by_mark = 0
    event.breakeven_after = wanted.breakeven_after
    event.trail_after = wanted.trail_after
    event.callback8 = wanted.callback8
    event.time_stop_ns = now + wanted.hold_ns if wanted.hold_ns else 0
    event.target_ticks_1 = wanted.target_ticks_1
    event.target_ticks_2 = wanted.target_ticks_2
    event.target_ticks_3 = wanted.target_ticks_3
    event.target_ticks_4 = wanted.target_ticks_4
    event.target_share8_1 = wanted.target_share8_1
    event.target_share8_2 = wanted.target_share8_2
    event.target_share8_3 = wanted.target_share8_3
    event.target_share8_4 = wanted.target_share8_4
    answer = step(state, book.event)
    if answer != 0:
        return answer
    entered, count = 0, 1 + (wanted.entry_share8_2 > 0) + (wanted.entry_share8_3 > 0)
    legs = book.legs[0:count]
    for k in range(count):
        fresh_event(book, PLACE, c, time_ns=now)
        event.side = wanted.side
        event.entry = 1
        through = lots_through_leg(legs, k, Lots(lots))
        event.lots = through - entered
        entered = through
        if wanted.entry_ticks_1:
            event.order_kind = LIMIT
            event.price_ticks = legs[k].price_ticks
            event.tif = GTD if wanted.entry_valid_ns else GTC
            event.expires_ns = now + wanted.entry_valid_ns if wanted.entry_valid_ns else 0
        answer = step(state, book.event)
        if answer != 0 and k == 0:
            clear_bracket(state, c)  # it never had an entry: the next signal declares its own
            return answer
    return 0  # a later entry that the venue does not take leaves a smaller trade


@rule
def send_signal(
    state: State,
    book: Book,
    c: int,
    signal: int,
    lots: int,
    row: int,
    now: int,
    budget_cash: int,
    loss: int,
    notional: int,
) -> int:
    """Open a signal that was sized and judged; the venue's answer. The limits are told."""
    take_seat(book, c, signal, row=row, now=now)
    book.seats[c].budget_cash = budget_cash
    book.seats[c].risk_cash = loss
    book.seats[c].notional_cash = notional
    answer = place_signal(state, book, c, signal=signal, lots=lots, now=now)
    if answer == 0:
        open_trade(book.usage, risk_cash=Cash(loss), notional_cash=Cash(notional))
    else:
        book.seats[c].is_open = 0
    return answer


@rule
def open_signal(state: State, book: Book, c: int, signal: int, row: int, now: int) -> int:
    """Size a signal, judge it by the limits and open it; 0, or the code of why it was not opened.

    The trade is made as small as the limits' room asks for; where no room is left it is refused.
    """
    equity = equity_of(state)
    book.event[0].time_ns = now
    share8 = book.signals[signal].risk8 if book.signals[signal].risk8 else book.run[0].risk8
    budget = mul_div_floor(max(0, equity), share8, RATE)
    code = standing_refusal(book.allowed, book.usage, equity, time_ns=now)
    if code != ALLOWED:
        return refuse(book, c, signal, code=code, row=row, budget_cash=budget, loss_cash=0)
    budget = min(budget, risk_room_cash(book.allowed, book.usage, equity, time_ns=now))
    lots, code, loss, notional = size_signal(state, book, c, signal=signal, budget_cash=Cash(budget))
    if lots == 0:
        return refuse(book, c, signal, code=code, row=row, budget_cash=budget, loss_cash=loss)
    code = limit_refusal(
        book.allowed,
        book.usage,
        risk_cash=Cash(loss),
        notional_cash=Cash(notional),
        equity_cash=equity,
        time_ns=now,
    )
    if code == ALLOWED:
        code = send_signal(
            state,
            book,
            c,
            signal=signal,
            lots=lots,
            row=row,
            now=now,
            budget_cash=budget,
            loss=loss,
            notional=notional,
        )
        if code == 0:
            return 0
    return refuse(book, c, signal, code=code, row=row, budget_cash=budget, loss_cash=loss)
