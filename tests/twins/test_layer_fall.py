"""The venue in a box through the fall of LAYERUSDT on 2025-05-05/06, against a replay by hand.

Real minute bars and fundings (at -2 % while the interval went from 4 h to 1 h), one trade a story, with
cross and with isolated margin. Everything that happened and the wallet at the end are the same to 1e-8.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pytest

from lotwise.contracts import catalogue
from lotwise.contracts.tiers import tier_rows
from lotwise.kernel import machine
from lotwise.kernel import state as s
from lotwise.kernel.layout import TierRow, array_of
from lotwise.kernel.snapshot import compiled_body, new_state, state_hash
from lotwise.units import parse_scaled
from tests.twins.layer_replay import Bar, Replay, Stamp, Told, Trade, replayed
from tests.twins.layer_stories import STORIES
from tests.twins.venue_twin import assert_balanced

E8: Final = 10**8
MINUTE: Final = 60 * 10**9
HOUR: Final = 60 * MINUTE
BEGIN: Final = datetime(2025, 5, 5, tzinfo=UTC)
MINUTES: Final = 2 * 24 * 60
SYMBOL: Final = "LAYERUSDT"


class Window(NamedTuple):
    """The two days."""

    bars: list[Bar]
    stamps: list[Stamp]


# -- the data


def exact(number: float) -> Fraction:
    """The number as the file shows it."""
    return Fraction(Decimal(repr(number)))


def nanoseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


def funding_stamps(polars: Any, folder: Path) -> list[Stamp]:
    """The fundings of the window; the venue books them some milliseconds after the minute."""
    marks = polars.read_ipc(folder / "mark_8h" / f"{SYMBOL}.feather")
    mark_at = dict(zip(marks["date"].to_list(), marks["open"].to_list(), strict=True))
    file = polars.read_ipc(folder / "funding" / f"{SYMBOL}.feather")
    stamps, before = [], BEGIN
    for moment, rate in zip(file["date"].to_list(), file["open"].to_list(), strict=True):
        minute = moment.replace(second=0, microsecond=0)
        if BEGIN <= minute < BEGIN + timedelta(minutes=MINUTES):
            mark = exact(mark_at[minute]) if minute in mark_at else None
            hours = (minute - before) // timedelta(hours=1)
            stamps.append(Stamp(nanoseconds(minute), exact(rate), hours, mark))
        before = minute
    return stamps


@cache
def read_window(folder: Path) -> Window:
    """The bars and fundings of two days."""
    polars: Any = importlib.import_module("polars")
    table = polars.read_parquet(folder / "bars_1m_16sym_ints.parquet")
    first = nanoseconds(BEGIN) // MINUTE
    minute, ours = table["t_min"], table["symbol"] == SYMBOL
    rows = table.filter(ours & (minute >= first) & (minute < first + MINUTES)).sort("t_min")
    prices = rows.select("t_min", "open", "high", "low", "close").rows()
    return Window([Bar(row[0] * MINUTE, *row[1:]) for row in prices], funding_stamps(polars, folder))


@pytest.fixture(scope="module")
def window(shared_data: Path) -> Window:
    """The two days; a test of them is skipped where they cannot be read."""
    if importlib.util.find_spec("polars") is None:
        pytest.skip("polars is absent: the bars and fundings are Parquet and Arrow files")
    return read_window(shared_data / "binance_um_2025-05")


# -- the kernel's side


def contract_row(tiers: tuple[TierRow, ...]) -> s.ContractRow:
    """Facts of the catalogue of that day; largest orders and the liquidation fee it does not know."""
    contract = catalogue.load(f"binance:{SYMBOL}", as_of="2025-05-05")
    tick8, lot8 = parse_scaled(contract.tick_size, "tick"), parse_scaled(contract.lot_size, "lot")
    return s.ContractRow(
        cash_per_tick_lot=tick8 * lot8 // E8,
        tick_size8=tick8,
        min_lots=1,
        max_lots=10**7,
        max_market_lots=10**6,
        max_notional_cash=2**59,
        min_notional_cash=parse_scaled(contract.min_notional, "least notional"),
        maker_fee8=20_000,
        taker_fee8=50_000,
        liquidation_fee8=1_250_000,
        end_tier=len(tiers),
        path=s.ADVERSE,
        limit_fill=s.THROUGH,
        spread_ticks=3,
        slippage_ticks=1,
        slippage_range8=1_000_000,
    )


def empty_account() -> s.State:
    """An account without money; the tiers are the newest, for none are known of 2025."""
    tiers = tier_rows(SYMBOL, catalogue.load(f"binance:{SYMBOL}").tiers)
    return new_state([contract_row(tiers)], tiers, slots=4, log_rows=200)


def set_up(trade: Trade, isolated: bool) -> Iterator[s.EventRow]:
    """Money, leverage and margin mode."""
    at = nanoseconds(BEGIN)
    yield s.EventRow(kind=s.TRANSFER, time_ns=at, cash=500 * E8)
    yield s.EventRow(kind=s.LEVERAGE, time_ns=at, leverage100=trade.leverage * 100)
    if isolated:
        yield s.EventRow(kind=s.MARGIN_MODE, time_ns=at, is_isolated=1)


def orders(trade: Trade, at: int) -> Iterator[s.EventRow]:
    """The bracket, where there is a stop, and the entry."""
    if trade.stop:
        yield s.EventRow(
            kind=s.BRACKET,
            time_ns=at,
            side=trade.side,
            stop_ticks=trade.stop,
            target_ticks_1=trade.targets[0],
            target_share8_1=E8 // 2,
            target_ticks_2=trade.targets[1],
            target_share8_2=E8,
            breakeven_after=1,
        )
    yield s.EventRow(
        kind=s.PLACE,
        time_ns=at,
        order_kind=s.LIMIT if trade.entry else s.MARKET,
        side=trade.side,
        lots=trade.lots,
        price_ticks=trade.entry,
        entry=int(trade.stop > 0),
    )


def bar_event(bar: Bar) -> s.EventRow:
    """A bar without marks: the mark follows the last price."""
    return s.EventRow(
        kind=s.BAR,
        time_ns=bar.time,
        open_ticks=bar.open,
        high_ticks=bar.high,
        low_ticks=bar.low,
        close_ticks=bar.close,
    )


def funding_event(stamp: Stamp) -> s.EventRow:
    """A funding, with the mark where the file tells it."""
    mark8 = 0 if stamp.mark is None else stamp.mark * E8
    assert stamp.rate * E8 == int(stamp.rate * E8)
    assert mark8 == int(mark8)
    return s.EventRow(
        kind=s.FUNDING,
        time_ns=stamp.time,
        rate8=int(stamp.rate * E8),
        price8=int(mark8),
        interval_ns=stamp.hours * HOUR,
    )


def history(trade: Trade, isolated: bool, window: Window) -> Iterator[s.EventRow]:
    """All that happens, but the close at the end."""
    yield from set_up(trade, isolated)
    due = {stamp.time: stamp for stamp in window.stamps}
    for number, bar in enumerate(window.bars):
        if bar.time in due:
            yield funding_event(due[bar.time])
        yield bar_event(bar)
        if number == trade.after:
            yield from orders(trade, bar.time + MINUTE)


def stepped(state: s.State, event: s.EventRow) -> s.EventRow:
    """Do an event, which must be accepted; the books are zero after it."""
    assert machine.step(state, [event]) == 0, event
    assert_balanced(state)
    return event


def played(trade: Trade, isolated: bool, window: Window) -> tuple[s.State, list[s.EventRow]]:
    """The kernel through the window, and the events it got; what is held at the end is closed."""
    state = empty_account()
    events = [stepped(state, event) for event in history(trade, isolated, window)]
    lots = state.markets[0].lots
    if lots:
        close = s.EventRow(
            kind=s.PLACE,
            time_ns=window.bars[-1].time + MINUTE,
            order_kind=s.MARKET,
            side=-1 if lots > 0 else 1,
            lots=abs(lots),
            reduce_only=1,
        )
        events.append(stepped(state, close))
    return state, events


def told_by(state: s.State) -> list[Told]:
    """The log in the words of the replay."""
    told = []
    for row in state.log[: state.account[0].logged]:
        what, lots, money = "", row.lots, 0
        if row.kind == s.LOG_FILL:
            what, money = "made" if row.maker else "taken", row.fees_cash
        elif row.kind == s.LOG_FUNDING:
            what, money = "funding", row.funding_cash
        elif row.kind == s.LOG_STOP_MOVED:
            what = "stop moved"
        elif row.kind == s.LOG_REDUCTION and row.lots:
            what, money = "reduced", row.insurance_cash
        elif row.kind == s.LOG_TAKEOVER:
            what = "taken over"
        if what:
            told.append(Told(what, row.time_ns, lots, row.price_ticks, Fraction(money, E8)))
    return told


def assert_same_money(state: s.State, account: Replay) -> None:
    """Every book at the end, to 1e-8; the trade is over."""
    ours = state.account[0]
    cash = (ours.cross_cash, ours.fees_cash, ours.funding_cash, ours.insurance_cash)
    theirs = (account.cross, account.fees, account.funding, account.insurance)
    assert tuple(Fraction(part, E8) for part in cash) == theirs
    market = state.markets[0]
    assert (market.lots, market.entry_cash, market.isolated_cash, ours.positions_cash) == (0, 0, 0, 0)
    assert not any(order.status for order in state.orders)
    assert state.brackets[0].side == 0


# -- the stories


def part(window: Window, missing: tuple[int, int]) -> Window:
    """The window without some bars."""
    first, end = missing
    return window._replace(bars=window.bars[:first] + window.bars[end:])


def fundings_of(told: list[Told], stamps: list[Stamp]) -> dict[int, int]:
    """How many fundings by hours of the interval."""
    hours = {stamp.time: stamp.hours for stamp in stamps}
    held = [hours[row.time] for row in told if row.what == "funding"]
    return {interval: held.count(interval) for interval in held}


@pytest.mark.parametrize("isolated", [False, True], ids=["cross", "isolated"])
@pytest.mark.parametrize("name", STORIES)
def test_the_kernel_ends_with_the_cents_of_the_replay(name: str, isolated: bool, window: Window) -> None:
    story = STORIES[name]
    seen = part(window, story.missing)
    account = replayed(story.trade, isolated, seen.bars, seen.stamps)
    assert tuple(row.what for row in account.told if row.what != "funding") == story.met
    assert fundings_of(account.told, seen.stamps) == story.fundings
    assert account.cross == Fraction(story.wallets[isolated])
    state, events = played(story.trade, isolated, seen)
    assert told_by(state) == account.told
    assert_same_money(state, account)
    assert state.markets[0].interval_ns == HOUR
    compiled, codes = compiled_body(empty_account()), np.ones(len(events), np.int64)
    machine.run.compiled(compiled, array_of(s.EventRow, events), codes)
    assert not codes.any()
    assert state_hash(compiled) == state_hash(state)


def test_the_window_is_the_fall_and_its_fundings(window: Window) -> None:
    assert [bar.time for bar in window.bars] == [nanoseconds(BEGIN) + n * MINUTE for n in range(MINUTES)]
    top, bottom = max(bar.high for bar in window.bars), min(bar.low for bar in window.bars)
    assert (top, bottom) == (34_187, 15_823)  # 53.7 % down
    worst = [stamp for stamp in window.stamps if stamp.rate == Fraction(-2, 100)]
    assert [stamp.hours for stamp in worst] == [4, 1]
    assert [stamp.mark for stamp in worst] == [Fraction("2.2438"), None]
    assert {stamp.hours for stamp in window.stamps} == {4, 1}


@pytest.mark.parametrize(
    ("name", "gap"), [("an open behind the stop", 15), ("a stop in forty minutes without bars", 1_504)]
)
def test_a_gap_fills_at_the_open(name: str, gap: int, window: Window) -> None:
    story = STORIES[name]
    bars = part(window, story.missing).bars
    account = replayed(story.trade, False, bars, window.stamps)
    at = next(number for number, bar in enumerate(bars) if bar.time == account.told[-1].time)
    before, there = bars[at - 1], bars[at]
    assert before.close > story.trade.stop > there.open
    assert before.close - there.open == gap
    slip = 1 + 1 + (there.high - there.low) // 100  # the seller's half of the spread, a tick, the range
    assert account.told[-1].ticks == there.open - slip


def test_one_bar_holds_the_stop_and_the_targets(window: Window) -> None:
    trade = STORIES["a bar that holds the stop and both targets is a loss"].trade
    bar = window.bars[trade.after + 1]
    assert bar.open < trade.stop < bar.high
    assert bar.low < min(trade.targets)
