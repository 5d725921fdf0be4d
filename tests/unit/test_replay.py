"""History as the kernel reads it: its order, its units, and what is refused."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
pl = pytest.importorskip("polars")

from lotwise.contracts import catalogue  # noqa: E402
from lotwise.contracts.contract import Contract  # noqa: E402
from lotwise.errors import InputError  # noqa: E402
from lotwise.kernel import machine  # noqa: E402
from lotwise.kernel import state as s  # noqa: E402
from lotwise.kernel.snapshot import new_state  # noqa: E402
from lotwise.market import replay as r  # noqa: E402
from lotwise.market.kinds import BARS, DEPTH, FUNDING, MARKS, QUOTES, TRADES, Kind, Scale, Table  # noqa: E402

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
START = 20_212 * 24 * HOUR
BTC = Contract(symbol="BTCUSDT", base="BTC", tick_size="0.1", lot_size="0.001")
ODD = Contract(symbol="ODD", base="ODD", tick_size="0.25", lot_size="5", contract_size="0.01")
SCALE = Scale(price=2, quantity=3, rate=8)


def table(kind: Kind, *rows: tuple[Any, ...], scale: Scale = SCALE) -> Table:
    """Rows of a kind, the time in minutes after the start."""
    names = list(kind.columns)[: len(rows[0])] if rows else list(kind.columns)
    frame = pl.DataFrame(
        [(START + int(row[0] * MINUTE), *row[1:]) for row in rows], schema=names, orient="row"
    )
    return Table(kind, scale, frame)


def bars(*rows: tuple[Any, ...], kind: Kind = BARS, scale: Scale = SCALE) -> Table:
    """Bars of (minute, open, high, low, close, volume)."""
    return table(kind, *rows, scale=scale)


def told(found: r.Replay) -> list[tuple[int, int, int]]:
    """(minute, kind, contract) of every event."""
    return [((event.time_ns - START) // MINUTE, event.kind, event.contract) for event in found]


def test_at_one_time_funding_comes_first_then_index_mark_bar_trade_quote() -> None:
    marks = bars((0, 10, 10, 10, 10), (5, 10, 10, 10, 10), kind=MARKS)
    feeds = [
        r.Feed(
            BTC,
            trades=table(TRADES, (0, 1, 1000, 1000, True), (0, 2, 1010, 1000, True), (5, 3, 1000, 0, True)),
            quotes=table(QUOTES, (0, 1, 1000, 1000, 1010, 1000)),
            marks=marks,
            index=marks,
            funding=table(FUNDING, (0.0001, 100, 8 * HOUR), (5, 100, 8 * HOUR)),
        ),
        r.Feed(ODD, bars=bars((0, 1000, 1000, 1000, 1000, 5000)), funding=table(FUNDING, (0, 5, HOUR))),
    ]
    found = told(r.replay(feeds))
    assert [event for event in found if event[0] == 0] == [
        (0, s.FUNDING, 0),
        (0, s.FUNDING, 1),
        (0, s.INDEX, 0),
        (0, s.MARK, 0),
        (0, s.BAR, 1),
        (0, s.TRADE, 0),
        (0, s.TRADE, 0),
        (0, s.QUOTE, 0),
    ]
    prices = [event.price_ticks for event in r.replay(feeds) if event.kind == s.TRADE]
    assert prices == [100, 101, 100], "rows of one time stay in their order"
    late = [event.time_ns for event in r.replay(feeds) if event.kind == s.MARK][1:4]
    assert late == [START + 5 * MINUTE - 1] * 3, "extremes of a mark are known when its bar ends"


def test_units_are_those_of_exact_fractions() -> None:
    rng = random.Random(3)
    marks = [(i, *[rng.randint(1, 10**9) for _ in range(4)]) for i in range(30)]
    rows = []
    for i in range(30):
        low = rng.randint(1, 10**6) * 25
        rows.append((i, low + 25, low + 75, low, low + 50, rng.randint(0, 10**6) * 5000))
    feed = r.Feed(ODD, bars=bars(*rows), marks=bars(*marks, kind=MARKS, scale=Scale(price=3)))
    events = list(r.replay([feed]))
    assert len(events) == 30
    for event, row, mark in zip(events, rows, marks, strict=True):
        assert event.kind == s.BAR
        for name, price in zip(("open", "high", "low", "close"), row[1:5], strict=True):
            assert getattr(event, f"{name}_ticks") == Fraction(price, 100) / Fraction(1, 4)
        assert event.volume_lots == Fraction(row[5], 1000) / 5
        for name, price in zip(("open", "high", "low", "close"), mark[1:], strict=True):
            assert getattr(event, f"mark_{name}8") == Fraction(price, 1000) * 10**8
    coins = r.replay([feed], quantity_in="base", off_lot="down").rows()["volume_lots"].tolist()
    assert coins == [Fraction(row[5], 1000) / Fraction(5, 100) for row in rows]


@given(
    times=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["trades", "quotes"]), st.integers(0, 9)), max_size=40
    )
)
def test_the_order_is_total_and_arrays_say_what_events_say(times: list[tuple[int, str, int]]) -> None:
    feeds = []
    for number, contract in enumerate((BTC, ODD)):
        of = {
            kind: sorted(t for n, k, t in times if (n, k) == (number, kind)) for kind in ("trades", "quotes")
        }
        trades = [(t, i, 1000 + 50 * i, 5000, True) for i, t in enumerate(of["trades"])]
        quotes = [(t, i, 1000 + 50 * i, 5000, 2000 + 50 * i, 5000) for i, t in enumerate(of["quotes"])]
        feeds.append(
            r.Feed(
                contract,
                trades=table(TRADES, *trades) if trades else None,
                quotes=table(QUOTES, *quotes) if quotes else None,
            )
        )
    found = r.replay(feeds)
    rank = {s.TRADE: 0, s.QUOTE: 1}
    keys = [
        (event.time_ns, rank[event.kind], event.contract, event.price_ticks + event.bid_ticks)
        for event in found
    ]
    assert keys == sorted(keys)
    assert len(keys) == len(times) == len(found)
    whole = found.rows()
    parts = [found.rows(first, first + 7) for first in range(0, len(found), 7)]
    assert whole.tolist() == [row for part in parts for row in part.tolist()]
    assert whole.tolist() == [event.values() for event in found]


def test_a_price_off_the_tick_is_refused_or_goes_to_the_nearest() -> None:
    off = bars((0, 1000, 1000, 1000, 1000, 0), (1, 1000, 1006, 1000, 1005, 0))
    with pytest.raises(
        InputError, match=r"DATA-622.*high, row 1 at 2025-05-04 00:01:00: 10\.06 is no.*0\.1\b"
    ):
        r.replay([r.Feed(BTC, bars=off)])
    event = list(r.replay([r.Feed(BTC, bars=off)], off_tick="nearest"))[1]
    assert (event.high_ticks, event.close_ticks, event.open_ticks) == (101, 101, 100)
    quotes = table(QUOTES, (0, 1, 1004, 1000, 1006, 1000))
    (quote,) = r.replay([r.Feed(BTC, quotes=quotes)], off_tick="nearest")
    assert (quote.bid_ticks, quote.ask_ticks) == (100, 101), "a quote never crosses by rounding"
    lots = bars((0, 1000, 1000, 1000, 1000, 15), scale=Scale(price=2, quantity=4))
    with pytest.raises(InputError, match=r"DATA-623.*0\.0015 is no multiple of the lot 0\.001"):
        r.replay([r.Feed(BTC, bars=lots)])
    (bar,) = r.replay([r.Feed(BTC, bars=lots)], off_lot="down")
    assert bar.volume_lots == 1


def test_funding_has_the_mark_of_its_stamp_and_stamps_go_down_to_the_minute() -> None:
    funding = table(FUNDING, (60.0001, 12_345, 8 * HOUR), (61, -7, HOUR))
    marks = bars((60, 1111, 1200, 1000, 1100), kind=MARKS)
    played = bars(*[(i, 1000, 1000, 1000, 1000, 0) for i in (59, 60, 61)])
    feed = r.Feed(BTC, bars=played, funding=funding, marks=marks)
    first, second = (event for event in r.replay([feed]) if event.kind == s.FUNDING)
    assert (first.time_ns, first.rate8, first.price8) == (START + HOUR, 12_345, 11_11 * 10**6)
    assert (second.rate8, second.price8, second.interval_ns) == (-7, 0, HOUR)
    kept = [event.time_ns for event in r.replay([feed], funding_to_ns=0) if event.kind == s.FUNDING]
    assert kept == [START + HOUR + int(0.0001 * MINUTE), START + HOUR + MINUTE]
    rows = r.bar_rows(feed)
    assert rows["has_funding"].tolist() == [1, 1, 0]
    assert rows["funding8"].tolist() == [12_345, -7, 0], "a run charges at the close of the bar before"
    assert rows["close_ticks"].tolist() == [100, 100, 100]


def test_funding_in_a_gap_falls_on_the_last_bar_and_adds_up() -> None:
    funding = table(FUNDING, (0, 1, HOUR), (5, 2, HOUR), (60, 3, HOUR), (90, 4, HOUR))
    played = bars(*[(i, 1000, 1000, 1000, 1000, 0) for i in (0, 1, 4, 120)])
    rows = r.bar_rows(r.Feed(BTC, bars=played, funding=funding))
    assert rows["funding8"].tolist() == [0, 0, 9, 0]
    trades = r.trade_rows(r.Feed(BTC, trades=table(TRADES, (0, 1, 1000, 2000, True))))
    assert trades.tolist() == [(2000, 100, START)]


@pytest.mark.parametrize(
    ("feeds", "choices", "code"),
    [
        ([], {}, "DATA-628"),
        ([r.Feed(BTC), r.Feed(BTC)], {}, "DATA-628"),
        ([r.Feed(BTC, bars=table(TRADES, (0, 1, 1000, 1000, True)))], {}, "DATA-621"),
        ([r.Feed(BTC, quotes=table(DEPTH, (0, 1, 1, 1, True, True, 5, 5)))], {}, "DATA-621"),
        ([r.Feed(BTC, bars=table(BARS, (0, 1000)))], {}, "DATA-621"),
        ([r.Feed(BTC, bars=bars((1, 5, 5, 5, 5, 0), (1, 5, 5, 5, 5, 0)))], {}, "DATA-624"),
        ([r.Feed(BTC, trades=table(TRADES, (1, 1, 10, 0, True), (0, 1, 10, 0, True)))], {}, "DATA-624"),
        (
            [r.Feed(BTC, bars=bars((1, 5, 5, 5, 5, 0)), trades=table(TRADES, (1, 1, 10, 0, True)))],
            {},
            "DATA-625",
        ),
        ([r.Feed(BTC)], {"off_tick": "up"}, "DATA-626"),
        ([r.Feed(BTC)], {"off_lot": "nearest"}, "DATA-626"),
        ([r.Feed(BTC)], {"quantity_in": "dollars"}, "DATA-626"),
        ([r.Feed(BTC, marks=bars((1, 5, 10**12, 5, 5), kind=MARKS, scale=Scale()))], {}, "DATA-627"),
        ([r.Feed(BTC, marks=bars((1, 5, 5, 5, 5), kind=MARKS, scale=Scale(price=9)))], {}, "DATA-622"),
    ],
)
def test_what_cannot_be_played_is_refused(feeds: Any, choices: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        r.replay(feeds, **choices)
    assert caught.value.code == code
    assert caught.value.hint


def test_runs_need_their_rows() -> None:
    for rows in (r.bar_rows, r.trade_rows):
        with pytest.raises(InputError, match="DATA-621"):
            rows(r.Feed(BTC))
    assert len(r.replay([r.Feed(BTC)])) == 0
    assert r.replay([r.Feed(BTC)]).rows().tolist() == []


def real(folder: Path, symbol: str, price: int, quantity: int) -> Table:
    """A day of real minutes."""
    whole = pl.read_parquet(folder / "bars_1m_16sym_ints.parquet").filter(pl.col("symbol") == symbol)
    frame = whole.select(
        (pl.col("t_min").cast(pl.Int64) * MINUTE).alias("time_ns"),
        *[pl.col(name).cast(pl.Int64) for name in ("open", "high", "low", "close", "volume")],
    )
    return Table(BARS, Scale(price=price, quantity=quantity), frame)


def test_real_markets_are_played_and_the_off_tick_high_of_sol_is_found(shared_data: Path) -> None:
    folder = shared_data / "binance_um_2025-05"
    sol = r.Feed(catalogue.load("binance:SOLUSDT"), bars=real(folder, "SOLUSDT", 3, 2))
    with pytest.raises(InputError, match=r"DATA-622.*high.*174\.733 is no multiple of the tick 0\.01"):
        r.replay([sol], off_lot="down")
    btc = r.Feed(catalogue.load("binance:BTCUSDT"), bars=real(folder, "BTCUSDT", 1, 3))
    found = r.replay([btc, sol], off_tick="nearest", off_lot="down")
    assert len(found) == len(btc.bars.frame) + len(sol.bars.frame)  # type: ignore[union-attr]
    assert bool((np.diff(found.times_ns) >= 0).all())
    highs = sol.bars.frame["high"]  # type: ignore[union-attr]
    made = found.rows()
    of_sol = made[made["contract"] == 1]["high_ticks"]
    assert np.flatnonzero(of_sol * 10 != highs.to_numpy()).tolist() == [highs.to_list().index(174_733)]
    assert of_sol[highs.to_list().index(174_733)] == 17_473
    state = new_state([row(0), row(1)], (), slots=1, log_rows=1)
    for event in r.replay([btc, sol], off_tick="nearest", off_lot="down").rows(0, 2_000).tolist():
        assert machine.step(state, [s.EventRow(**dict(zip(s.EventRow.__slots__, event, strict=True)))]) == 0
    assert state.account[0].sequence == 2_000


def row(number: int) -> s.ContractRow:
    """Facts enough to be looked at."""
    return s.ContractRow(tick_size8=(10**7, 10**6)[number], cash_per_tick_lot=10**4, max_notional_cash=2**59)
