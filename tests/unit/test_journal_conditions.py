"""The market at an entry: only what was known then, against numpy; nothing where the store lacks an hour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lotwise.journal.conditions import HOUR, Conditions, Past, conditions
from lotwise.journal.trips import round_trips
from lotwise.market.kinds import BARS, FUNDING, Scale, Table
from lotwise.market.store import Series, Store
from lotwise.records.journal import RoundTrip
from tests.unit.test_journal_trips import fill

E8 = 10**8
MINUTE = 60 * 10**9
ENTRY = 1_746_316_800 * 10**9 + 5 * HOUR + 7
NOTHING = Conditions(None, None, None, None, None)


def trip() -> RoundTrip:
    facts = {"venue": "binance", "contract": "ETHUSDT", "time_ns": ENTRY}
    return round_trips([fill(1, 1, 1, 100, **facts)])[0][0]


def put(root: Path, contract: str, closes: np.ndarray, last_ns: int, bar_ns: int = 5 * MINUTE) -> None:
    """Bars of which the last begins at a time."""
    count = len(closes)
    times = [last_ns - (count - 1 - n) * bar_ns for n in range(count)]
    columns = {name: closes.tolist() for name in ("open", "high", "low", "close")}
    columns |= dict.fromkeys(("volume", "turnover", "trades", "taker_buy_volume"), [1] * count)
    frame = pl.DataFrame({"time_ns": times} | columns)
    Store(root).put(Series("binance", contract, BARS), Table(BARS, Scale(price=2), frame))


def walk(seed: int, count: int = 400) -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(seed))
    return np.round(1_000_000 * np.exp(np.cumsum(rng.normal(0, 0.002, count)))).astype(np.int64)


def test_the_figures_are_numpys_over_what_was_known(tmp_path: Path) -> None:
    own, bitcoin = walk(1), walk(2)
    bitcoin[200:] += own[200:] - own[199]
    last = ENTRY - 7 - 5 * MINUTE  # ends exactly 7 ns before the entry
    for contract, closes in (("ETHUSDT", own), ("BTCUSDT", bitcoin)):
        put(tmp_path, contract, np.append(closes, 9_999_999), last + 5 * MINUTE)  # one more, not ended yet
    rates = pl.DataFrame(
        {"time_ns": [ENTRY - HOUR, ENTRY, ENTRY + 1], "rate": [5, -12, 99], "interval_ns": [0, 0, 0]}
    )
    Store(tmp_path).put(Series("binance", "ETHUSDT", FUNDING), Table(FUNDING, Scale(rate=5), rates))
    found = conditions(trip(), Past(tmp_path))
    hourly = [closes[::-1][: 24 * 12 + 1 : 12][::-1].astype(float) for closes in (own, bitcoin)]
    mine, theirs = (np.diff(np.log(closes)) for closes in hourly)
    assert found.change8 == int(own[-1]) * E8 // int(own[-1 - 288]) - E8
    assert found.btc_change8 == int(bitcoin[-1]) * E8 // int(bitcoin[-1 - 288]) - E8
    assert found.btc_volatility8 == pytest.approx(np.std(theirs, ddof=1) * E8, abs=1)
    assert found.btc_correlation8 == pytest.approx(np.corrcoef(mine, theirs)[0, 1] * E8, abs=1)
    assert abs(found.btc_correlation8 or 0) > E8 // 10
    assert found.funding8 == -12_000, "the one charged at the entry, not the one after it"


def test_what_the_store_lacks_is_not_guessed(tmp_path: Path) -> None:
    assert conditions(trip(), Past(tmp_path)) == NOTHING
    put(tmp_path, "ETHUSDT", walk(3, 200), ENTRY - 7 - 5 * MINUTE)  # less than a day
    assert conditions(trip(), Past(tmp_path)) == NOTHING
    put(tmp_path, "BTCUSDT", walk(4), ENTRY - 3 * HOUR)  # ends long before
    assert conditions(trip(), Past(tmp_path)) == NOTHING


def test_a_market_that_did_not_move_has_no_correlation(tmp_path: Path) -> None:
    for contract in ("ETHUSDT", "BTCUSDT"):
        put(tmp_path, contract, np.full(400, 5, np.int64), ENTRY - 7 - 5 * MINUTE)
    assert conditions(trip(), Past(tmp_path)) == Conditions(0, 0, 0, None, None)
