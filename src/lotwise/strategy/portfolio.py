"""Strategies that see all contracts: one object for the account, asked at every bar of every contract.

It answers for the contract whose bar has closed. Bars come in the order of time, and at one time in the order
of the contracts: when contract 0 is asked, contract 1's bar of the same minute has not come yet. A strategy
that compares contracts does so at a time that lies behind all of them (see
:class:`lotwise.strategy.library.rotation.SectorRotation`).

To play one, :func:`seats` makes a strategy of each contract of it, :func:`in_columns` the same in columns.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lotwise.contracts.contract import Contract
from lotwise.errors import InputError
from lotwise.strategy.api import Answer, Bar, Columns, Filled, InColumns, Signals, Strategy, View


class PortfolioStrategy:
    """One strategy for all contracts of an account."""

    @property
    def name(self) -> str:
        """For reports: the class and what it was made with."""
        told = ", ".join(f"{key}={value}" for key, value in sorted(vars(self).items()) if key[0] != "_")
        return f"{type(self).__name__}({told})"

    def begin(self, contracts: Sequence[Contract]) -> None:
        """Called once, before the first bar; a bar's number is a place of these."""

    def on_bar(self, bar: Bar, number: int, view: View) -> Answer:
        """Called after the close of a bar of contract ``number``; the view is that contract's."""
        return None

    def on_fill(self, fill: Filled, number: int, view: View) -> None:
        """Called after every fill of one's own of contract ``number``."""


class PortfolioInColumns(Protocol):
    """A portfolio's strategy that also has the array form; it must mean the same trades."""

    def signals(self, columns: Sequence[Columns]) -> list[Signals]:
        """All signals of all contracts at once, one :class:`Signals` a contract.

        A signal at a bar may look at bars of that contract up to it, of others at bars that opened before it.
        """


class Seat(Strategy):
    """A portfolio's strategy as that of one of its contracts; made by :func:`seats`, for one run."""

    def __init__(self, shared: PortfolioStrategy, contract: Contract, number: int) -> None:
        self._shared, self._contract, self._number, self._begun = shared, contract, number, False

    def __deepcopy__(self, memo: dict[int, Any]) -> Seat:
        return self  # all seats have one memory; seats() made it their own

    @property
    def name(self) -> str:
        """The portfolio's."""
        return self._shared.name

    def begin(self, contract: Contract) -> None:
        """Called once, with the seat's contract.

        Raises
        ------
        InputError
            STRATEGY-107 it is another contract, or another run.
        """
        if self._begun or contract.id != self._contract.id:
            what = "was played before" if self._begun else f"is asked about {contract.id}"
            raise InputError(
                "STRATEGY-107",
                f"the seat of {self._contract.id} of {self.name} {what}",
                "make fresh seats for every run, with its contracts in their order",
            )
        self._begun = True

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """What the portfolio's strategy answers for this contract."""
        return self._shared.on_bar(bar, self._number, view)

    def on_fill(self, fill: Filled, view: View) -> None:
        """Told to the portfolio's strategy."""
        self._shared.on_fill(fill, self._number, view)


def seats(strategy: PortfolioStrategy, contracts: Sequence[Contract]) -> list[Strategy]:
    """A strategy for each contract, all of one memory: what a run that asks each contract's can play.

    The strategy given stays as it is. Seats are for one run.
    """
    shared = copy.deepcopy(strategy)
    shared.begin(contracts)
    return [Seat(shared, contract, number) for number, contract in enumerate(contracts)]


@dataclass(frozen=True)
class Made:
    """The signals of one contract of a portfolio, found before."""

    contract_id: str
    bars: int
    found: Signals

    def signals(self, bars: Columns) -> Signals:
        """They.

        Raises
        ------
        InputError
            STRATEGY-107 the bars are not those that they were found in.
        """
        if bars.contract.id != self.contract_id or len(bars) != self.bars:
            raise InputError(
                "STRATEGY-107",
                f"signals of {self.bars} bars of {self.contract_id} asked for"
                f" {len(bars)} of {bars.contract.id}",
                "find them again for these bars",
            )
        return self.found


def in_columns(strategy: PortfolioInColumns, columns: Sequence[Columns]) -> list[InColumns]:
    """The array form of each contract, for a run that takes one a contract.

    Raises
    ------
    InputError
        STRATEGY-107, when they are played over other bars.
    """
    found = strategy.signals(columns)
    return [Made(bars.contract.id, len(bars), signals) for bars, signals in zip(columns, found, strict=True)]
