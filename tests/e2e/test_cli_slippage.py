"""``lotwise size --slippage auto``: what it takes from the store, what it says, and when it says nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lotwise.app.slippage import measured
from lotwise.cli.main import main
from lotwise.errors import InputError
from tests.e2e.faces import Capture, answered, said

pl = pytest.importorskip("polars")
np = pytest.importorskip("numpy")

from lotwise.market.kinds import BARS, TRADES, Scale, Table  # noqa: E402
from lotwise.market.store import DAY_NS, Series, Store  # noqa: E402

HOUR_NS = DAY_NS // 24
FIRST = 20_212 * DAY_NS
ASK = "size binance:BTCUSDT --entry 65000 --equity 5000 --as-of 2026-09-01"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of one's own, empty."""
    monkeypatch.setenv("LOTWISE_STORE", str(tmp_path / "market"))
    return Store(tmp_path / "market")


def fall_and_rise(falls: int, beyond: int) -> tuple[list[int], list[int]]:
    """Times and prices in tenths: each hour from 65,000.0 to 64,900.0, each tenth further, and back."""
    times, prices = [], []
    for number in range(falls):
        fall = [650_000, 649_500, 649_000 - (beyond + number if number % 10 == 0 else number % 3), 650_900]
        prices += [*fall, 651_000 + beyond, 650_000]
        times += [FIRST + number * HOUR_NS + minute * 60 * 10**9 for minute in range(6)]
    return times, prices


def put_trades(store: Store, times: list[int], prices: list[int], places: int = 1) -> None:
    """Trades of the contract into the store."""
    ids = range(len(times))
    frame = pl.DataFrame(
        {
            "time_ns": times,
            "id": list(ids),
            "price": [price * 10 ** (places - 1) for price in prices],
            "quantity": [1] * len(times),
            "buyer_is_maker": [False] * len(times),
        }
    )
    store.put(Series("binance", "BTCUSDT", TRADES), Table(TRADES, Scale(price=places, quantity=3), frame))


def put_bars(store: Store, times: list[int], prices: list[int]) -> None:
    """Bars from one price to the next, which reach 30 below the lower of the two."""
    opens, closes = prices[:-1], prices[1:]
    zeros = [0] * len(opens)
    frame = pl.DataFrame(
        {
            "time_ns": times[1:],
            "open": opens,
            "high": [max(pair) for pair in zip(opens, closes, strict=True)],
            "low": [min(pair) - 30 for pair in zip(opens, closes, strict=True)],
            "close": closes,
            **dict.fromkeys(("volume", "turnover", "trades", "taker_buy_volume"), zeros),
        }
    )
    store.put(Series("binance", "BTCUSDT", BARS), Table(BARS, Scale(price=1), frame))


def slow_beyond(prices: list[int], distance: int) -> list[int]:
    """What stops of longs opened each hour, at every sixth price, got beyond it, by hand, in tenths."""
    found = []
    for opened in range(0, len(prices), 6):
        stop = prices[opened] - distance
        found += [stop - price for price in prices[opened + 1 :] if price <= stop][:1]
    return found


def refused(capsys: Capture, command: str) -> dict[str, str]:
    """The error of a command, as JSON; nothing was sized."""
    assert main([*command.split(), "--json"]) == 2
    error: dict[str, str] = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"]
    return error


def test_trades_are_measured_and_told(capsys: Capture, store: Store) -> None:
    times, prices = fall_and_rise(60, 25)
    put_trades(store, times, prices)
    beyond = sorted(slow_beyond(prices, 1_000))
    wanted = beyond[-(-95 * len(beyond) // 100) - 1]
    plan = answered(capsys, f"{ASK} --stop 64900 --slippage auto")
    told = plan["measured_slippage"]
    assert (told["slippage"], told["ticks"], told["most_ticks"]) == (f"{wanted}t", wanted, wanted)
    assert told["ticks"] > 0
    assert (told["stops"], told["quantile"]) == (len(beyond), "95 %")
    assert (told["source"], told["rows"], told["stop_distance_ticks"]) == ("trades", 360, 1_000)
    assert (told["first"], told["last"]) == ("2025-05-04 00:00:00", "2025-05-06 11:05:00")
    assert (told["contract"], told["store"]) == ("binance:BTCUSDT", str(store.root))
    assert told["warnings"] == []
    given = answered(capsys, f"{ASK} --stop 64900 --slippage {wanted}t")
    assert {name: value for name, value in plan.items() if name != "measured_slippage"} == given
    assert float(given["loss_breakdown"]["slippage"]) > 0
    text = " ".join(said(capsys, f"{ASK} --stop 64900 --slippage auto").split())
    met = f"95 % of {len(beyond)} stops 1,000 ticks away (met at {len(beyond)} times)"
    assert f"slippage {wanted}t: {met} filled no further beyond" in text
    assert "in 360 trades from 2025-05-04 00:00:00 to 2025-05-06 11:05:00" in text
    assert said(capsys, f"{ASK} --stop 64900 --slippage AUTO --quiet").strip() == plan["quantity"]


def test_the_quantile_the_side_and_the_distance_count(capsys: Capture, store: Store) -> None:
    put_trades(store, *fall_and_rise(60, 25))
    beyond = sorted(slow_beyond(fall_and_rise(60, 25)[1], 1_000))
    half = answered(capsys, f"{ASK} --stop 64900 --slippage auto --slippage-quantile 50%")
    assert half["measured_slippage"]["ticks"] == beyond[-(-len(beyond) // 2) - 1]
    whole = answered(capsys, f"{ASK} --stop 64900 --slippage auto --slippage-quantile 100%")
    assert whole["measured_slippage"]["ticks"] == max(beyond) > half["measured_slippage"]["ticks"]
    short = answered(capsys, f"{ASK} --short --stop 65100 --slippage auto")["measured_slippage"]
    assert (short["side"], short["ticks"]) != ("long", half["measured_slippage"]["ticks"])
    ladder = measured("binance:BTCUSDT", entry="65000:50%,64980:50%", stop="64890", side="long")
    assert ladder.stop_distance_ticks == 1_000, "from the average entry"


def test_bars_say_that_they_bound_it_from_below(capsys: Capture, store: Store) -> None:
    put_bars(store, *fall_and_rise(60, 25))
    told = answered(capsys, f"{ASK} --stop 64900 --slippage auto")["measured_slippage"]
    assert told["source"] == "bars"
    assert told["most_ticks"] >= told["ticks"] + 30
    assert "from below" in told["warnings"][0]
    assert f"at most {told['most_ticks']:,} ticks" in told["warnings"][0]
    text = " ".join(said(capsys, f"{ASK} --stop 64900 --slippage auto").split())
    assert "! bars bound slippage from below" in text


def test_bars_stand_in_where_trades_are_too_few(capsys: Capture, store: Store) -> None:
    times, prices = fall_and_rise(60, 25)
    put_trades(store, times[:60], prices[:60])
    put_bars(store, times, prices)
    assert answered(capsys, f"{ASK} --stop 64900 --slippage auto")["measured_slippage"]["source"] == "bars"


def test_data_of_a_finer_tick_is_rounded_against_the_trader(store: Store) -> None:
    times, prices = fall_and_rise(60, 25)
    put_trades(store, times, prices, places=3)
    coarse = measured("binance:BTCUSDT", entry="65000", stop="64900", quantile="100%")
    finer = [price * 100 - (1 if price < 649_000 else 0) for price in prices]
    other = Store(store.root.parent / "finer")
    put_trades(other, times, finer, places=1)
    for path in other.root.rglob("*.parquet"):
        frame = pl.read_parquet(path)
        table = Table(TRADES, Scale(price=3, quantity=3), frame)
        Store(store.root.parent / "three").put(Series("binance", "BTCUSDT", TRADES), table)
    fine = measured("binance:BTCUSDT", entry="65000", stop="64900", quantile="100%",
                    store=store.root.parent / "three")  # fmt: skip
    assert fine.ticks == coarse.ticks + 1, "a hundredth of a tick further is a tick more"


def test_an_entry_far_from_the_data_is_pointed_out(store: Store) -> None:
    put_trades(store, *fall_and_rise(60, 25))
    far = measured("binance:BTCUSDT", entry="120000", stop="119900", store=store)
    assert "middle price is 65" in far.warnings[0]
    assert measured("binance:BTCUSDT", entry="70000", stop="69900", store=str(store.root)).warnings == []


def test_days_of_long_ago_and_holes_do_not_count(store: Store) -> None:
    times, prices = fall_and_rise(60, 25)
    put_trades(store, times, prices)
    near = measured("binance:BTCUSDT", entry="65000", stop="64900")
    later = [time + 40 * DAY_NS for time in times]
    put = [*zip(times, prices, strict=True), *zip(later, [price - 100_000 for price in prices], strict=True)]
    other = Store(store.root.parent / "other")
    put_trades(other, [time for time, _ in put], [price for _, price in put])
    found = measured("binance:BTCUSDT", entry="65000", stop="64900", store=other)
    assert (found.stops, found.ticks, found.first) == (near.stops, near.ticks, "2025-06-13 00:00:00")
    soon = Store(store.root.parent / "soon")
    put = [(time - 37 * DAY_NS if time >= later[0] else time, price) for time, price in put]
    put_trades(soon, [time for time, _ in put], [price for _, price in put])
    both = measured("binance:BTCUSDT", entry="65000", stop="64900", store=soon, quantile="100%")
    assert both.rows == 2 * near.rows
    assert both.ticks < 1_000, "a fall of 10,000 without data is no gap"


def test_real_bars_of_btc_are_measured(shared_data: Path, store: Store, capsys: Capture) -> None:
    bars = pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")
    bars = bars.filter(pl.col("symbol") == "BTCUSDT")
    frame = bars.select(
        (pl.col("t_min").cast(pl.Int64) * 60 * 10**9).alias("time_ns"),
        *(pl.col(name).cast(pl.Int64) for name in ("open", "high", "low", "close", "volume")),
        *(pl.lit(0, pl.Int64).alias(name) for name in ("turnover", "trades", "taker_buy_volume")),
    )
    store.put(Series("binance", "BTCUSDT", BARS), Table(BARS, Scale(price=1, quantity=3), frame))
    command = "size binance:BTCUSDT --entry 94000 --stop 0.5% --equity 5000 --slippage auto"
    told = answered(capsys, command)["measured_slippage"]
    assert (told["source"], told["stop_distance_ticks"]) == ("bars", 4_700)
    assert told["stops"] >= 30
    assert 0 <= told["ticks"] < 100 < told["most_ticks"], "a minute's open is near the close before it"
    wide = refused(capsys, command.replace("0.5%", "4%"))
    assert wide["code"] == "SLIP-102"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("--stop 64900 --slippage auto", "SLIP-101", "neither trades nor bars of binance:BTCUSDT"),
        ("--stop liquidation --leverage 20 --slippage auto", "SLIP-103", "no price"),
        ("--stop 64900 --slippage auto --slippage-quantile 5%", "SLIP-104", "'5%'"),
        ("--stop 64900 --slippage auto --slippage-quantile 101%", "SLIP-104", "'101%'"),
        ("--stop 64900 --slippage auto --slippage-quantile most", "UNIT-102", "most"),
        ("--stop 64900 --slippage-quantile 95%", "SLIP-107", "--slippage 0"),
        ("--stop 64900 --slippage 5t --store x", "SLIP-107", "--store with --slippage 5t"),
        ("--stop 65900 --slippage auto", "SIZE-005", "not below the entry"),
        ("--stop 1.5atr --slippage auto", "SIZE-007", "no ATR"),
        ("--stop 64900 --slippage automatic", "UNIT-102", "automatic"),
    ],
)
def test_silly_input_is_refused(capsys: Capture, options: str, code: str, words: str) -> None:
    error = refused(capsys, f"{ASK} {options}")
    assert error["code"] == code
    assert words in error["message"]


def test_too_little_data_names_what_to_bring(capsys: Capture, store: Store) -> None:
    assert "lotwise data import" in refused(capsys, f"{ASK} --stop 64900 --slippage auto")["hint"]
    times, prices = fall_and_rise(25, 25)
    put_trades(store, times, prices)
    put_bars(store, times[:1] * 2, prices[:2])
    error = refused(capsys, f"{ASK} --stop 64900 --slippage auto")
    stops = len(slow_beyond(prices, 1_000))
    assert error["code"] == "SLIP-102"
    assert f"at {stops} times in 150 trades and at 0 times in 1 bars, 30 are needed" in error["message"]
    assert "--slippage 5t" in error["hint"]
    more = Store(store.root.parent / "more")
    put_trades(more, *fall_and_rise(60, 25))
    command = f"{ASK} --stop 64900 --slippage auto --store {more.root} --slippage-quantile"
    assert "500 are needed" in refused(capsys, f"{command} 99.8%")["message"], "a tail needs its samples"
    assert answered(capsys, f"{command} 98%")["measured_slippage"]["stops"] >= 50


def test_prices_that_cannot_be_counted_are_refused(store: Store) -> None:
    times, prices = fall_and_rise(3, 5)
    table: dict[str, Any] = {"time_ns": times, "id": list(range(18)), "price": prices, "quantity": [1] * 18}
    frame = pl.DataFrame(table | {"buyer_is_maker": [True] * 18})
    for places, factor in ((9, 1), (0, 10**6)):
        own = Store(store.root.parent / f"{places}")
        changed = frame.with_columns(pl.col("price") * factor)
        own.put(Series("binance", "BTCUSDT", TRADES), Table(TRADES, Scale(price=places), changed))
        with pytest.raises(InputError, match="SLIP-106"):
            measured("binance:BTCUSDT", entry="65000", stop="64900", store=own)


def test_without_polars_the_way_to_get_it_is_said(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    error = refused(capsys, f"{ASK} --stop 64900 --slippage auto")
    assert (error["code"], "lotwise[data]" in error["hint"]) == ("SLIP-105", True)


def test_a_refused_trade_tells_its_slippage_too(capsys: Capture, store: Store) -> None:
    put_trades(store, *fall_and_rise(60, 25))
    command = "size binance:BTCUSDT --entry 65000 --equity 20 --stop 64900 --slippage auto"
    assert "filled no further" in " ".join(said(capsys, command, code=3).split())
    assert answered(capsys, command, code=3)["measured_slippage"]["stops"] >= 50
