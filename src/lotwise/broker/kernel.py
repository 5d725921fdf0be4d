"""The broker of the venue in a box: the account and the book of a run, as the pipeline asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lotwise.broker.port import Market
from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.guard.facts import AccountFacts, OpenPosition
from lotwise.kernel import portfolio, portfolio_open
from lotwise.kernel.limit_rows import UsageRow
from lotwise.kernel.portfolio_rows import Book
from lotwise.kernel.state import State
from lotwise.records.guard import Approved, Open
from lotwise.units import Cash, Rate8, Ticks

FIGURES: Final = 5
"""What :func:`lotwise.kernel.portfolio_open.look` finds."""


class KernelBroker:
    """Carries out what was approved by the compiled rules of a portfolio's run.

    The state and the book are the run's own arrays, so what is sent here is seen by the run at once. Before
    an order :attr:`row` (of the feed) and :attr:`signal` (its place in the book) say what it belongs to.
    """

    def __init__(self, state: State, book: Book, contracts: Sequence[Contract]) -> None:
        import numpy as np

        self.state, self.book, self.contracts = state, book, tuple(contracts)
        self.row, self.signal, self.now_ns = 0, 0, 0
        self._numbers = {contract.id: number for number, contract in enumerate(contracts)}
        self._seats: Any = book.seats
        self._usage: Any = book.usage
        self._signals: Any = book.signals
        self._account: Any = state.account
        self._markets: Any = state.markets
        self._facts: Any = state.contracts
        self._figures: Any = np.zeros(FIGURES, np.int64)
        self._looked = (-1, -1)

    def _look(self, number: int) -> list[int]:
        """Figures of the account and the market, counted once for each state of the account."""
        at = (int(self._account[0]["sequence"]), number)
        if at != self._looked:
            portfolio_open.look.compiled(self.state, number, self._figures)
            self._looked = at
        found: list[int] = self._figures.tolist()
        return found

    def account(self, contract_id: str) -> AccountFacts:
        """The account at this moment."""
        number = self._numbers[contract_id]
        equity, free, margin, behind, _ = self._look(number)
        return AccountFacts(
            equity_cash=Cash(equity),
            free_cash=Cash(free),
            margin_cash=Cash(margin),
            sequence=int(self._account[0]["sequence"]),
            usage=UsageRow(**dict(zip(UsageRow.__slots__, self._usage[0].item(), strict=True))),
            positions=tuple(self._positions()),
            cross_cash=None if self._markets[number]["is_isolated"] else Cash(behind),
        )

    def _positions(self) -> list[OpenPosition]:
        found = []
        for number, seat in enumerate(self._seats):
            if seat["is_open"]:
                found.append(
                    OpenPosition(
                        contract_id=self.contracts[number].id,
                        side=int(self._signals[seat["signal"]]["side"]),
                        risk_cash=Cash(max(0, int(seat["risk_cash"]))),
                        notional_cash=Cash(int(seat["notional_cash"])),
                    )
                )
        return found

    def market(self, contract_id: str) -> Market:
        """The contract's market and how the account trades it."""
        number = self._numbers[contract_id]
        market, facts = self._markets[number], self._facts[number]
        return Market(
            last_ticks=Ticks(int(market["last_ticks"])),
            spread_ticks=Ticks(int(facts["spread_ticks"])),
            slippage_ticks=Ticks(self._look(number)[4]),
            leverage100=int(market["leverage100"]),
            is_cross=not market["is_isolated"],
            maker_fee8=Rate8(int(facts["maker_fee8"])),
            taker_fee8=Rate8(int(facts["taker_fee8"])),
        )

    def open(self, approved: Approved[Open], risk_cash: Cash, notional_cash: Cash) -> int:
        """Send an opening trade with its exits; 0, or the venue's code of why not.

        Raises
        ------
        InputError
            BROKER-104 the approval is stale: the account has moved on, it has expired, or the price has left.
        """
        order = approved.command.order
        number = self._numbers[order.intent.contract_id]
        self._fresh(approved, int(self._markets[number]["last_ticks"]))
        answer = portfolio_open.send_signal.compiled(
            self.state,
            self.book,
            number,
            self.signal,
            int(order.lots),
            self.row,
            self.now_ns,
            int(order.budget_cash),
            int(risk_cash),
            int(notional_cash),
        )
        return int(answer)

    def _fresh(self, approved: Approved[Open], last_ticks: int) -> None:
        sequence = int(self._account[0]["sequence"])
        moved = approved.sequence != sequence
        late = self.now_ns > approved.expires_ns
        resting = bool(approved.command.signal and approved.command.signal.entries)
        away = not (resting or approved.lowest_ticks <= last_ticks <= approved.highest_ticks)
        if moved or late or away:
            raise InputError(
                "BROKER-104",
                f"the approval is of event {approved.sequence} and prices {approved.lowest_ticks} to"
                f" {approved.highest_ticks}; now it is event {sequence}, price {last_ticks}",
                "judge the trade again",
            )

    def leave(self, contract_id: str) -> None:
        """Close what is held of a contract, and take back entries that wait."""
        number = self._numbers[contract_id]
        portfolio.leave.compiled(self.state, self.book, number, self.row, self.now_ns)
