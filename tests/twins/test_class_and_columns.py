"""Twins: a strategy asked at every bar and the same in columns make the same trades, under limits too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lotwise import Contract, FeeSchedule, MarginTier
from lotwise.backtest.feed import columns_of, merged
from lotwise.backtest.guarded import play_guarded
from lotwise.backtest.run import Plan, Played, play_asked, play_columns
from lotwise.errors import InputError
from lotwise.guard.facts import MarketFacts, Rulebook
from lotwise.kernel import limit_codes as codes
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.kernel.tape import BarRow
from lotwise.records.guard import Refused
from lotwise.records.signal import Exit, Signal
from lotwise.session.pipeline import NotSized
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.strategy.library.breakout import Breakout
from lotwise.strategy.library.burst import Burst
from lotwise.strategy.library.null import Null
from lotwise.strategy.library.reversion import Reversion
from lotwise.units import Cash, Rate8

E8 = 10**8
MINUTE = 60 * 10**9
START = 20_212 * 86_400 * 10**9
LIBRARY: tuple[Any, ...] = (
    Breakout(bars=30, ranges=2),
    Burst(bars=20, times=2),
    Reversion(span=40, strength=7, low=30, ranges=3),
    Null(one_in=30),
)


def contract(name: str, tick: str = "0.1", lot: str = "0.001") -> Contract:
    """A contract with two tiers."""
    return Contract(
        symbol=name,
        base=name,
        tick_size=tick,
        lot_size=lot,
        min_notional="5",
        fees=FeeSchedule(maker="0.02%", taker="0.05%"),
        tiers=[
            MarginTier("0", "50000", "50", "0.01", "0"),
            MarginTier("50000", "5000000", "20", "0.02", "500"),
        ],
    )


def bars(seed: int, count: int) -> Any:
    """A walk with bursts."""
    rng = np.random.default_rng(seed)
    wild = np.where(rng.integers(0, 40, count) == 0, 8_000, 300)
    steps = rng.integers(-wild, wild + 1)
    close = 300_000 + np.cumsum(steps)
    close -= min(0, int(close.min()) - 100_000)
    rows = np.zeros(count, dtype_of(BarRow))
    rows["open_ticks"] = np.concatenate((close[:1], close[:-1]))
    rows["close_ticks"] = close
    rows["high_ticks"] = np.maximum(rows["open_ticks"], close) + rng.integers(0, 200, count)
    rows["low_ticks"] = np.minimum(rows["open_ticks"], close) - rng.integers(0, 200, count)
    rows["volume_lots"] = rng.integers(500, 2_000, count) * np.where(wild > 300, 6, 1)
    rows["time_ns"] = START + np.arange(count) * MINUTE
    rows["has_funding"] = np.arange(count) % 480 == 479
    rows["funding8"] = rng.integers(-20_000, 30_000, count)
    return rows


def feed(contracts: int = 2, count: int = 6_000) -> Any:
    """Bars of several contracts."""
    return merged([bars(seed, count) for seed in range(contracts)])


CONTRACTS = (contract("AAA"), contract("BBB"))
TIGHT = AllowedRow(
    risk_share8=1_000_000,
    open_risk_share8=1_500_000,
    day_loss_share8=2_000_000,
    week_loss_share8=9_000_000,
    day_trades=12,
    cool_ns=20 * MINUTE,
    streak_losses=3,
    streak_cool_ns=90 * MINUTE,
)


def plan(allowed: AllowedRow | None = None) -> Plan:
    """1,000 USDT, 1 % a trade."""
    return Plan(Cash(1_000 * E8), Rate8(1_000_000), allowed=allowed or AllowedRow())


def left(played: Played) -> tuple[Any, ...]:
    """What a run comes to, but for how its signals are numbered."""
    hidden = [name for name in played.trips.dtype.names if name != "signal"]
    also = [name for name in played.refusals.dtype.names if name != "signal"]
    return (
        played.named,
        played.trips[hidden].tolist(),
        played.refusals[also].tolist(),
        played.curve.tolist(),
        played.ambiguous,
        played.unfilled,
    )


@pytest.mark.parametrize("strategy", LIBRARY, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("allowed", [None, TIGHT], ids=["free", "limits"])
def test_class_is_columns(strategy: Any, allowed: AllowedRow | None) -> None:
    rows = feed()
    asked = play_asked([strategy, strategy], CONTRACTS, rows, plan(allowed))
    listed = play_columns([strategy, strategy], CONTRACTS, rows, plan(allowed))
    assert left(asked) == left(listed)
    assert len(asked.trips) > 10
    signal = asked.signals[asked.trips["signal"][0]].tolist()
    assert signal == listed.signals[listed.trips["signal"][0]].tolist()
    assert asked.reasons[asked.trips["signal"][0]]
    if allowed is not None:
        assert len(asked.refusals) > 0


def test_locks_pauses_and_counts_fire_in_both_forms() -> None:
    seen: dict[int, int] = {}
    for seed in range(4):
        rows = merged([bars(10 * seed + c, 12_000) for c in range(2)])
        strategy = Null(one_in=15, seed=seed)
        asked = play_asked([strategy, strategy], CONTRACTS, rows, plan(TIGHT))
        assert left(asked) == left(play_columns([strategy, strategy], CONTRACTS, rows, plan(TIGHT)))
        for code, count in zip(*np.unique(asked.refusals["code"], return_counts=True), strict=True):
            seen[int(code)] = seen.get(int(code), 0) + int(count)
    for code in (codes.DAY_LOSS, codes.COOL_DOWN, codes.DAY_TRADES):
        assert seen[code] >= 20, seen


@pytest.mark.parametrize("strategy", LIBRARY, ids=lambda one: type(one).__name__)
def test_columns_do_not_look_ahead(strategy: Any) -> None:
    """Cut after any bar, the signals before it are the same."""
    [(columns, _)] = columns_of(CONTRACTS[:1], feed(1, 3_000))
    whole = strategy.signals(columns)
    for count in (1, 2, 50, 777, 1_500, 2_999):
        part = strategy.signals(columns.first(count))
        known = whole.rows < count
        assert part.rows.tolist() == whole.rows[known].tolist()
        assert np.broadcast_to(part.stop_ticks, part.rows.shape).tolist() == whole.stop_ticks[known].tolist()
        for (ticks, _), (all_ticks, _) in zip(part.targets, whole.targets, strict=True):
            assert ticks.tolist() == all_ticks[known].tolist()


@pytest.mark.parametrize("strategy", LIBRARY, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("allowed", [AllowedRow(), TIGHT], ids=["free", "limits"])
def test_the_pipeline_makes_the_trades_of_the_run(strategy: Any, allowed: AllowedRow) -> None:
    """Through intent, size, guard and broker come the trades and refusals of the compiled run."""
    rows = feed(2, 2_500)
    asked = play_asked([strategy, strategy], CONTRACTS, rows, plan(allowed))
    book = Rulebook(allowed=allowed)
    played, judged = play_guarded(
        [strategy, strategy], CONTRACTS, rows, plan(allowed), rulebook=lambda _: book
    )
    assert played.named == asked.named
    assert left(played)[1] == left(asked)[1]
    refused = [(int(row["row"]), int(row["contract"])) for row in asked.refusals]
    assert [(one.row, one.contract) for one in judged] == refused
    for one, row in zip(judged, asked.refusals, strict=True):
        if isinstance(one.outcome, NotSized):
            assert one.outcome.code == row["code"]
        elif isinstance(one.outcome, Refused):
            assert one.outcome.message
    if allowed is TIGHT:
        named = {one.outcome.rule for one in judged if isinstance(one.outcome, Refused)}
        assert {"day loss", "cool-down"} & named


def test_an_unknown_fact_refuses_where_a_bound_is_set() -> None:
    book = Rulebook(allowed=AllowedRow(), btc_refuse8=Rate8(20_000_000))
    rows, strategy = feed(1, 3_000), Null(one_in=30)
    played, judged = play_guarded([strategy], CONTRACTS[:1], rows, plan(), rulebook=lambda _: book)
    assert len(played.trips) == 0
    assert {one.outcome.code for one in judged if isinstance(one.outcome, Refused)} == {"GUARD-130"}

    def known(contract_id: str, now_ns: int) -> MarketFacts:
        return MarketFacts(btc_health8=Rate8(E8 if now_ns // (60 * MINUTE) % 2 else 0))

    played, judged = play_guarded(
        [strategy], CONTRACTS[:1], rows, plan(), rulebook=lambda _: book, facts=known
    )
    assert len(played.trips) > 5
    assert {int(ns) // (60 * MINUTE) % 2 for ns in played.trips["opened_ns"]} == {1}
    assert {one.time_ns // (60 * MINUTE) % 2 for one in judged} == {0}


class Raises(Strategy):
    """Fails at its fifth bar."""

    def __init__(self, answer: Any = None) -> None:
        self.answer, self.seen = answer, 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        self.seen += 1
        if self.seen < 5:
            return None
        if self.answer is None:
            raise ZeroDivisionError("no volume")
        found: Answer = self.answer
        return found


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "ZeroDivisionError: no volume"),
        (7, "answered 7"),
        ("long", "answered 'long'"),
        (Signal(side=0, stop_ticks=5), "side 0"),  # type: ignore[arg-type]
        (float("nan"), "answered nan"),
    ],
)
def test_a_strategy_that_fails_is_named_with_its_bar(answer: Any, words: str) -> None:
    with pytest.raises(InputError, match=r"BACKTEST-105.*2025-05-04 00:04:00 UTC of own:AAA") as caught:
        play_asked([Raises(answer)], CONTRACTS[:1], feed(1, 100), plan())
    assert words in caught.value.message


class Watcher(Strategy):
    """Buys once, looks at the other contract, leaves after ten bars."""

    def __init__(self) -> None:
        self.bars = 0

    def on_bar(self, bar: Bar, view: View) -> Answer:
        self.bars += 1
        other = view.last("own:BBB")
        if view.contract.id == "own:AAA":
            assert (other is None) == (self.bars == 1)
            assert other is None or other.time_ns == bar.time_ns - MINUTE
            assert view.waits == (view.lots != 0)
        if self.bars == 3:
            return Signal(side=1, stop_ticks=bar.low_ticks - 5_000, reason="third bar")  # type: ignore[arg-type]
        return Exit("ten bars") if self.bars == 13 and view.lots else None


def test_a_view_shows_the_account_and_the_past_of_others() -> None:
    found = play_asked([Watcher(), Watcher()], CONTRACTS, feed(2, 60), plan())
    assert [int(row) for row in found.trips["opened_row"]] == [4, 5]
    assert [int(row) for row in found.trips["closed_row"]] == [24, 25]
    with pytest.raises(InputError, match=r"BACKTEST-105.*own:BBB is not played") as caught:
        play_asked([Watcher()], CONTRACTS[:1], feed(1, 60), plan())
    assert "BACKTEST-106" in repr(caught.value.__cause__)


class Odd:
    """Columns that cannot be."""

    def __init__(self, **change: Any) -> None:
        self.change = change

    def signals(self, bars: Columns) -> Signals:
        given: dict[str, Any] = {"rows": np.array([3, 9]), "side": 1, "stop_ticks": 5, **self.change}
        return Signals(**given)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rows": np.array([9, 3])}, "SIGNAL-103"),
        ({"rows": np.array([3, 100])}, "SIGNAL-103"),
        ({"side": 2}, "SIGNAL-102"),
        ({"stop_ticks": 0}, "SIGNAL-102"),
        ({"targets": [(7, 60_000_000)]}, "SIGNAL-102"),
        ({"targets": [(7, 0)]}, "SIGNAL-102"),
        ({"targets": [(k, E8 // 5) for k in range(5)]}, "SIGNAL-101"),
        ({"entries": [(k, E8 // 4) for k in range(4)]}, "SIGNAL-101"),
    ],
)
def test_columns_that_cannot_be_are_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError, match=code):
        play_columns([Odd(**change)], CONTRACTS[:1], feed(1, 50), plan())


def test_no_bars_and_bars_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="BACKTEST-101"):
        merged([np.zeros(0, dtype_of(BarRow))])
    rows = feed(1, 50)
    rows["high_ticks"][7] = 1
    with pytest.raises(InputError, match=r"BACKTEST-102.*bar 7"):
        play_columns([Null()], CONTRACTS[:1], rows, plan())
    one = play_columns([Null()], CONTRACTS[:1], feed(1, 1), plan())
    assert (len(one.trips), one.bars) == (0, 1)
