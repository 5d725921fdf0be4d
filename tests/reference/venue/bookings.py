"""Bookings: how a fill, a funding, a transfer or a liquidation moves money; every one sums to zero."""

from __future__ import annotations

from fractions import Fraction

from tests.reference.venue import worth
from tests.reference.venue.rounding import rate, rounded_down, rounded_up, sign
from tests.reference.venue.rows import State


class Booking:
    """One booking under way: each part is moved at once and written down."""

    def __init__(self, state: State, kind: str, contract: int, **facts: int) -> None:
        self.state = state
        self.account = state.account
        self.contract = contract
        self.market = state.markets[contract]
        self.line = state.note(kind, contract, **facts)

    def add(self, book: str, amount: int) -> None:
        """Add an amount to a book; "isolated" is that of the contract."""
        if book == "isolated":
            self.market.isolated_cash += amount
        else:
            setattr(self.account, f"{book}_cash", getattr(self.account, f"{book}_cash") + amount)
        self.line.parts[book] = self.line.parts.get(book, 0) + amount

    def move(self, source: str, target: str, amount: int) -> None:
        """Move an amount from one book to another."""
        self.add(source, -amount)
        self.add(target, amount)

    def cover_isolated(self) -> None:
        """Let insurance pay what isolated money cannot."""
        if self.market.isolated_cash < 0:
            self.move("insurance", "isolated", -self.market.isolated_cash)

    def end(self) -> None:
        """Finish a booking that may have closed positions: steps 5 and 6 of a fill."""
        if not self.market.lots and self.market.isolated_cash:
            self.move("isolated", "cross", self.market.isolated_cash)
        if not worth.cross_contracts(self.state) and self.account.cross_cash < 0:
            self.move("insurance", "cross", -self.account.cross_cash)
        self.check()

    def check(self) -> None:
        """See that nothing was made or lost."""
        assert sum(self.line.parts.values()) == 0, self.line

    def close_part(self, lots: int, notional: int) -> int:
        """Take lots off the position for a notional; return what is realised."""
        held = sign(self.market.lots)
        released = rounded_down(Fraction(self.market.entry_cash * lots, abs(self.market.lots)))
        self.market.entry_cash -= released
        self.market.lots -= held * lots
        self.add("positions", held * released)
        self.add("trades", -held * notional)
        return held * (notional - released)

    def open_part(self, side: int, lots: int, notional: int) -> None:
        """Add lots to the position for a notional."""
        self.market.entry_cash += notional
        self.market.lots += side * lots
        self.add("positions", -side * notional)
        self.add("trades", side * notional)
        if self.market.is_isolated:
            self.move("cross", "isolated", worth.at_leverage(notional, self.market.leverage100))


def book_fill(state: State, contract: int, side: int, lots: int, ticks: int, fee8: int) -> int:
    """Book a fill and return its fee."""
    market = state.markets[contract]
    booking = Booking(
        state,
        "fill",
        contract,
        side=side,
        lots=lots,
        price_ticks=ticks,
        fee8=fee8,
        is_isolated=market.is_isolated,
        leverage100=market.leverage100,
    )
    fee = rounded_up(worth.notional(state, contract, ticks, lots) * rate(fee8))
    booking.move("cross", "fees", fee)
    held = abs(market.lots)
    closing = min(lots, held) if market.lots * side < 0 else 0
    if closing:
        released = rounded_down(Fraction(market.isolated_cash * closing, held)) if market.is_isolated else 0
        realised = booking.close_part(closing, worth.notional(state, contract, ticks, closing))
        if not market.is_isolated:
            booking.add("cross", realised)
        else:
            booking.add("isolated", -released)
            booking.add("cross" if released + realised >= 0 else "isolated", released + realised)
            booking.cover_isolated()
    if lots > closing:
        booking.open_part(side, lots - closing, worth.notional(state, contract, ticks, lots - closing))
    booking.end()
    return fee


def book_funding(state: State, contract: int, rate8: int, mark8: int) -> None:
    """Book a funding on the position of a contract, if it has one."""
    market = state.markets[contract]
    if not market.lots:
        return
    amount = worth.worth_at(state, contract, mark8) * abs(rate(rate8))
    pays = sign(market.lots) * rate8 > 0
    gained = -rounded_up(amount) if pays else rounded_down(amount)
    booking = Booking(state, "funding", contract, rate8=rate8, mark8=mark8, is_isolated=market.is_isolated)
    booking.move("funding", "isolated" if market.is_isolated else "cross", gained)
    if market.is_isolated:
        booking.cover_isolated()
    booking.check()


def book_transfer(state: State, cash: int) -> None:
    """Book money that comes from outside, or below zero goes there."""
    line = state.note("transfer", -1, cash=cash)
    state.account.cross_cash += cash
    state.account.outside_cash -= cash
    line.parts = {"cross": cash, "outside": -cash}


def book_margin(state: State, contract: int, cash: int) -> None:
    """Book money that goes from the cross wallet to an isolated position, or below zero back."""
    booking = Booking(state, "margin", contract, cash=cash)
    booking.move("cross", "isolated", cash)
    booking.check()


def book_reduction(state: State, contract: int, lots: int, ticks: int) -> None:
    """Book the reduction of a position in liquidation: no trading fee, a fee for the insurance."""
    market, facts = state.markets[contract], state.contracts[contract]
    booking = Booking(
        state, "reduction", contract, lots=lots, price_ticks=ticks, is_isolated=market.is_isolated
    )
    purse = "isolated" if market.is_isolated else "cross"
    amount = worth.notional(state, contract, ticks, lots)
    booking.add(purse, booking.close_part(lots, amount))
    money = market.isolated_cash if market.is_isolated else state.account.cross_cash
    fee = min(max(0, money), rounded_up(amount * rate(facts.liquidation_fee8)))
    booking.move(purse, "insurance", fee)
    booking.end()


def book_takeover(state: State, contract: int) -> None:
    """Book a position that the insurance takes over at the mark; its isolated money goes with it."""
    market = state.markets[contract]
    booking = Booking(state, "takeover", contract, mark8=market.mark8, is_isolated=market.is_isolated)
    purse = "isolated" if market.is_isolated else "cross"
    booking.add(purse, booking.close_part(abs(market.lots), worth.worth(state, contract)))
    if market.is_isolated:
        booking.move("isolated", "insurance", market.isolated_cash)
    booking.check()


def book_wallet_lost(state: State) -> None:
    """Book what is left of the cross wallet, above or below zero, to the insurance."""
    left = state.account.cross_cash
    line = state.note("wallet_lost", -1)
    state.account.cross_cash = 0
    state.account.insurance_cash += left
    line.parts = {"cross": -left, "insurance": left}
