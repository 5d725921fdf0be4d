"""The rows of a portfolio's run: bars of several contracts, signals, what came of each, what was refused.

A portfolio (:mod:`lotwise.kernel.portfolio`) is one account with several contracts, played by bars, under the
trader's own limits. It may not be told marks: the mark is the last price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from lotwise.kernel.layout import AskRow, LegRow, LimitsRow, SpecRow
from lotwise.kernel.limit_rows import AllowedRow, UsageRow
from lotwise.kernel.state import AccountRow, Blank, EventRow, MarketRow

NOTHING: Final = 0
CLOSE_HELD: Final = -1
"""An answer that closes what is held; k above 0 opens the signal k - 1, and turns what is held against it."""
ACTED: Final = -2
"""An answer of one who sent commands himself."""
STOP_RUN: Final = -9
"""An answer that ends the run."""

BAD_ROW: Final = 1
"""Why a run ended early: a bar that cannot be, or whose time goes back; nothing was played."""
STOPPED: Final = 2
"""Why a run ended early: it was asked for."""
BAD_ANSWER: Final = 3
"""Why a run ended early: an answer that is none, or names a signal that is not there."""
LOG_FULL: Final = 4
"""Why a run ended early: one event had more happenings than the log has rows."""


BAD_ENTRIES: Final = 45
"""A refusal beside :mod:`lotwise.kernel.limit_codes`: entries that are not in order, or reach the stop."""


class FeedRow(Blank):
    """A bar of one of the contracts. Rows are in the order of time, of one time in the order of contracts."""

    __slots__ = (
        "close_ticks",
        "contract",  # index
        "funding8",  # rate charged at its close; has_funding says whether
        "has_funding",
        "high_ticks",
        "low_ticks",
        "open_ticks",
        "time_ns",  # its opening
        "volume_lots",
    )
    close_ticks: int
    contract: int
    funding8: int
    has_funding: int
    high_ticks: int
    low_ticks: int
    open_ticks: int
    time_ns: int
    volume_lots: int


class SignalRow(Blank):
    """What a strategy wants opened after the close of a bar, at the market or by limits: never how much."""

    __slots__ = (
        "breakeven_after",  # targets filled that move the stop to break-even, 0: never
        "callback8",  # of the trailing stop
        "entry_share8_1",  # cumulative share of the lots, the last used is 1e8; 0: unused
        "entry_share8_2",
        "entry_share8_3",
        "entry_ticks_1",  # limits, from the farthest from the stop to the nearest; 0: at the market
        "entry_ticks_2",
        "entry_ticks_3",
        "entry_valid_ns",  # entries that have not filled are cancelled after so long, 0: never
        "hold_ns",  # closed after so long, 0: never
        "risk8",  # share of the equity at risk, 0: the run's
        "side",
        "stop_ticks",
        "target_share8_1",  # cumulative share of the lots, the last used is 1e8; 0: unused
        "target_share8_2",
        "target_share8_3",
        "target_share8_4",
        "target_ticks_1",
        "target_ticks_2",
        "target_ticks_3",
        "target_ticks_4",
        "trail_after",  # targets filled that make the stop trail, 0: never
    )
    breakeven_after: int
    callback8: int
    entry_share8_1: int
    entry_share8_2: int
    entry_share8_3: int
    entry_ticks_1: int
    entry_ticks_2: int
    entry_ticks_3: int
    entry_valid_ns: int
    hold_ns: int
    risk8: int
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
    trail_after: int


class SeatRow(Blank):
    """A contract within a run: what a quiet bar must stay within, and the trip that is open."""

    __slots__ = (
        "ambiguous",  # bars of the trip that reach both the stop and a target
        "budget_cash",
        "entry_cash",  # notional of the entries' fills
        "falls_ticks",  # a price at or below it may do something
        "fees_cash",
        "funding_cash",  # paid; below 0: received
        "insurance_cash",  # liquidation fees
        "is_open",  # 1: a trip is open
        "liquidated",
        "lots",  # entered, signed
        "notional_cash",  # as the limits count it
        "opened_ns",
        "opened_row",
        "result_cash",  # what the wallets won or lost so far
        "rises_ticks",  # a price at or above it may do something
        "risk_cash",  # loss at the stop, with all costs
        "signal",  # -1: opened by commands from outside
        "stop_ticks",
    )
    ambiguous: int
    budget_cash: int
    entry_cash: int
    falls_ticks: int
    fees_cash: int
    funding_cash: int
    insurance_cash: int
    is_open: int
    liquidated: int
    lots: int
    notional_cash: int
    opened_ns: int
    opened_row: int
    result_cash: int
    rises_ticks: int
    risk_cash: int
    signal: int
    stop_ticks: int


class TripRow(Blank):
    """A round trip: from flat to flat, with its costs taken apart."""

    __slots__ = (
        "ambiguous",
        "budget_cash",
        "closed_ns",
        "closed_row",  # of the feed
        "contract",
        "entry_cash",
        "fees_cash",
        "funding_cash",
        "insurance_cash",
        "liquidated",  # 1: reduced or taken over by the venue
        "lots",  # entered, signed
        "opened_ns",
        "opened_row",
        "result_cash",  # all costs in it
        "risk_cash",  # what was lost at the stop by plan
        "signal",
        "stop_ticks",  # the first stop
    )
    ambiguous: int
    budget_cash: int
    closed_ns: int
    closed_row: int
    contract: int
    entry_cash: int
    fees_cash: int
    funding_cash: int
    insurance_cash: int
    liquidated: int
    lots: int
    opened_ns: int
    opened_row: int
    result_cash: int
    risk_cash: int
    signal: int
    stop_ticks: int


class RefusalRow(Blank):
    """A signal that was not opened."""

    __slots__ = (
        "budget_cash",  # what it was allowed to lose
        "code",  # lotwise.kernel.codes or limit_codes; below 0: the venue's
        "contract",
        "loss_cash",  # what the size asked about would have lost; 0 where none was found
        "row",
        "signal",
        "time_ns",
    )
    budget_cash: int
    code: int
    contract: int
    loss_cash: int
    row: int
    signal: int
    time_ns: int


class CurveRow(Blank):
    """The account at a moment."""

    __slots__ = ("equity_cash", "exposure_cash", "time_ns")
    equity_cash: int
    exposure_cash: int
    time_ns: int


class PortfolioRow(Blank):
    """How a run is asked for, and how it stands."""

    __slots__ = (
        "ambiguous",  # bars that reach both a stop and a target
        "apart_cash",  # what the cross wallet won or lost for no contract: its end in a takeover
        "at",  # the row at which it ended early
        "curve_every_ns",  # a row of the curve so often, 0: none
        "curve_next_ns",
        "curve_rows",
        "refusals",
        "risk8",  # share of the equity at risk
        "trips",
        "unfilled",  # entries of which nothing filled
        "until_ns",  # a time at or after it may do something
        "why",
    )
    ambiguous: int
    apart_cash: int
    at: int
    curve_every_ns: int
    curve_next_ns: int
    curve_rows: int
    refusals: int
    risk8: int
    trips: int
    unfilled: int
    until_ns: int
    why: int


class Book(NamedTuple):
    """Rows that a run reads and writes over while it works."""

    run: Sequence[PortfolioRow]
    """One row."""
    event: Sequence[EventRow]
    """One row."""
    spec: Sequence[SpecRow]
    """One row a contract."""
    ask: Sequence[AskRow]
    """One row."""
    limits: Sequence[LimitsRow]
    """One row: the plan's bounds on leverage, margin and liquidation of a size."""
    legs: Sequence[LegRow]
    """Three rows: the entries of a ladder."""
    seats: Sequence[SeatRow]
    """One row a contract."""
    allowed: Sequence[AllowedRow]
    """One row: the trader's own limits."""
    usage: Sequence[UsageRow]
    """One row."""
    signals: Sequence[SignalRow]
    trips: Sequence[TripRow]
    refusals: Sequence[RefusalRow]
    curve: Sequence[CurveRow]


class Asked(NamedTuple):
    """What a strategy sees after the close of a bar; it may write ``signals`` and ``memory``."""

    account: Sequence[AccountRow]
    markets: Sequence[MarketRow]
    feed: Sequence[FeedRow]
    """All bars; those after the present one are the future, and reading them is cheating oneself."""
    signals: Sequence[SignalRow]
    memory: Sequence[int]
