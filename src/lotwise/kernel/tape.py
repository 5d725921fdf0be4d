"""The rows of a run over history: bars and trades of a market, what signals open, what came of them.

A run (:mod:`lotwise.kernel.sweep`) plays one contract of one account; it may not be told marks: the mark is
the last price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from lotwise.kernel.layout import RATE, AskRow, LegRow, LimitsRow, SpecRow, array_of
from lotwise.kernel.state import AccountRow, Blank, EventRow, MarketRow

CLOSE: Final = 2
"""A signal that closes what is held; 1 and -1 open (and turn), 0 is none."""
STOP_RUN: Final = -9
"""What a strategy answers to end the run."""

BAD_ROW: Final = 1
"""Why a run ended early: a bar or trade that cannot be; nothing was played."""
STOPPED: Final = 2
"""Why a run ended early: the strategy asked for it."""
BAD_SIGNAL: Final = 3
"""Why a run ended early: the strategy answered what is no signal."""

BAD_SETUP: Final = 4
"""Why a run ended early: the setup cannot be; nothing was played."""
MOST_MULTIPLE8: Final = 1_000 * RATE
"""Farthest target, in stop distances: a thousand."""


class BarRow(Blank):
    """A bar."""

    __slots__ = (
        "close_ticks",
        "funding8",  # rate charged at its close; has_funding says whether
        "has_funding",
        "high_ticks",
        "low_ticks",
        "open_ticks",
        "time_ns",  # its opening
        "volume_lots",
    )
    close_ticks: int
    funding8: int
    has_funding: int
    high_ticks: int
    low_ticks: int
    open_ticks: int
    time_ns: int
    volume_lots: int


class MarketTradeRow(Blank):
    """A trade of the market."""

    __slots__ = ("lots", "price_ticks", "time_ns")
    lots: int
    price_ticks: int
    time_ns: int


class SetupRow(Blank):
    """What a signal opens."""

    __slots__ = (
        "breakeven_after",
        "callback8",
        "hold_ns",  # time stop after so long, 0: none
        "risk8",  # share of the equity at risk
        "stop_share8",  # stop distance, share of the price
        "target_multiple8_1",  # first target in stop distances
        "target_multiple8_2",
        "target_share8_1",  # share of the lots at the first target, the rest at the second; 0: no targets
        "trail_after",
    )
    breakeven_after: int
    callback8: int
    hold_ns: int
    risk8: int
    stop_share8: int
    target_multiple8_1: int
    target_multiple8_2: int
    target_share8_1: int
    trail_after: int


class TradeRow(Blank):
    """A round trip: from flat to flat."""

    __slots__ = (
        "closed_ns",
        "lots",  # entered, signed
        "opened_ns",
        "result_cash",  # what the account won or lost, all costs and funding in it
        "risk_cash",  # what it was allowed to lose at the stop
    )
    closed_ns: int
    lots: int
    opened_ns: int
    result_cash: int
    risk_cash: int


class RunRow(Blank):
    """How a run stands: what a quiet bar must stay within, the round trip that is open, why it ended."""

    __slots__ = (
        "at",  # the bar or trade at which it ended early
        "equity_cash",  # balance when the open trip began
        "falls_ticks",  # a price at or below it may do something
        "lots",  # of the open trip, signed
        "opened_ns",
        "rises_ticks",  # a price at or above it may do something
        "risk_cash",  # what the open trip may lose at its stop
        "trips",  # round trips done
        "until_ns",  # a time at or after it may do something
        "why",  # 0, BAD_ROW, STOPPED, BAD_SIGNAL
    )
    at: int
    equity_cash: int
    falls_ticks: int
    lots: int
    opened_ns: int
    risk_cash: int
    rises_ticks: int
    trips: int
    until_ns: int
    why: int


class Desk(NamedTuple):
    """Rows that a run writes over while it works; one of each."""

    event: Sequence[EventRow]
    spec: Sequence[SpecRow]
    ask: Sequence[AskRow]
    limits: Sequence[LimitsRow]
    legs: Sequence[LegRow]
    run: Sequence[RunRow]


class Seen(NamedTuple):
    """What a strategy sees at the close of a bar: to be read; ``memory`` and ``setup`` it may write."""

    account: Sequence[AccountRow]
    """One row."""
    markets: Sequence[MarketRow]
    """One row: prices and the position."""
    bars: Sequence[BarRow]
    """All bars; those after the present one are the future, and reading them is cheating oneself."""
    setup: Sequence[SetupRow]
    """One row: what its signal opens. It may write it before it answers."""
    memory: Sequence[int]
    """Integers of its own: parameters, averages, counts."""


def new_desk(spec: SpecRow, limits: LimitsRow) -> Desk:
    """A desk for a contract's facts and the limits of its sizes, as plain Python rows."""
    ask = AskRow(**dict.fromkeys(AskRow.__slots__, 0))
    leg = LegRow(cumulative_share8=RATE, price_ticks=0)
    return Desk([EventRow()], [spec], [ask], [limits], [leg], [RunRow()])


def compiled_desk(desk: Desk) -> Desk:
    """The desk as structured arrays, for compiled rules."""
    from lotwise.rule_handle import by_address

    by_address(Desk)
    kinds = (EventRow, SpecRow, AskRow, LimitsRow, LegRow, RunRow)
    return Desk(*(array_of(kind, rows) for kind, rows in zip(kinds, desk, strict=True)))
