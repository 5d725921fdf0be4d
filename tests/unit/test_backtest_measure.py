"""Figures of a run, each against a slow sum of its own."""

from __future__ import annotations

import datetime
import math
from collections import defaultdict
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lotwise.backtest.feed import merged
from lotwise.backtest.measure import Measured, fall_of, measured
from lotwise.backtest.recorded import recorded
from lotwise.backtest.refused import WORDS, refused_by_rule, words_of_code
from lotwise.backtest.run import Played, play_asked, play_columns
from lotwise.errors import InputError
from lotwise.kernel import codes, limit_codes
from lotwise.kernel.layout import dtype_of
from lotwise.kernel.portfolio_open import equity_of
from lotwise.kernel.portfolio_rows import RefusalRow
from lotwise.strategy.api import Answer, Bar, Columns, Signals, Strategy, View
from lotwise.strategy.library.breakout import Breakout
from lotwise.strategy.library.null import Null
from lotwise.strategy.library.reversion import Reversion
from tests.unit.played_market import CONTRACTS, E8, START, TIGHT, Dip, Plain, bars, feed, plan

CASES: dict[str, tuple[Any, Any]] = {
    "plain": (Plain(), None),
    "breakout": (Breakout(bars=30, ranges=2), None),
    "null, limits": (Null(one_in=20), TIGHT),
    "reversion": (Reversion(span=40, strength=7, low=30, ranges=3), TIGHT),
    "dip": (Dip(), None),
}


def ran(name: str, seed: int = 0, **assumed: Any) -> tuple[Played, Any, Measured]:
    """A run, its feed and its figures."""
    strategy, allowed = CASES[name]
    rows, asked = feed(seed=seed), plan(allowed, **assumed)
    said = recorded([strategy, strategy], CONTRACTS, rows, asked)
    played = said.play(CONTRACTS, rows, asked)
    return played, rows, measured(played, rows)


@pytest.mark.parametrize("name", CASES)
def test_what_was_recorded_plays_as_the_strategy_does(name: str) -> None:
    strategy, allowed = CASES[name]
    rows, asked = feed(), plan(allowed)
    play: Any = play_asked if isinstance(strategy, Dip) else play_columns
    direct = play([strategy, strategy], CONTRACTS, rows, asked)
    played, _, _ = ran(name)
    assert played.named == direct.named
    assert played.trips.tolist() == direct.trips.tolist()
    assert played.reasons == direct.reasons
    assert len(played.trips) > 20


@pytest.mark.parametrize("name", CASES)
def test_money_adds_up_to_the_last_digit(name: str) -> None:
    played, _, found = ran(name, slippage_ticks=7)
    trades = found.trades
    total = sum(
        Fraction(int(r), int(k)) * int(k) for r, k in zip(trades.result_cash, trades.risk_cash, strict=True)
    )
    assert total == found.closed_cash
    assert found.start_cash + total + found.standing_cash + played.apart_cash == found.end_cash
    assert found.end_cash == int(equity_of.compiled(played.state))
    if not found.signalled.standing:
        assert found.standing_cash == 0
    costs = found.costs
    assert costs.move_cash - costs.fees_cash - costs.funding_cash - costs.insurance_cash == found.closed_cash
    assert costs.fees_cash > 0


def test_open_trades_stand_beside_the_closed_ones() -> None:
    """Cut so that something is held: what it has made is the rest."""
    standing = 0
    for count in range(300, 340):
        rows, asked = feed(count=count), plan()
        played = recorded([Plain(), Plain()], CONTRACTS, rows, asked).play(CONTRACTS, rows, asked)
        found = measured(played, rows)
        standing += found.signalled.standing
        assert (found.standing_cash != 0) <= (found.signalled.standing > 0)
    assert standing > 0


def test_entries_and_exits_of_plain_trades_are_where_they_must_be() -> None:
    """Without spread and slippage: in at the close, out at the stop or the target."""
    _, rows, found = ran("plain", spread_ticks=0)
    trades, at_stop, turned = found.trades, 0, 0
    assert found.costs.slipped_cash == 0
    for i in range(len(trades)):
        unit, side = int(trades.unit_cash[i]), int(trades.side[i])
        close = int(rows["close_ticks"][trades.opened_row[i]])
        assert int(trades.entry_cash[i]) == close * unit
        out = Fraction(int(trades.exit_cash[i]), unit)
        stop, goal = close - side * 2_500, close + side * 4_000
        bar = rows[trades.closed_row[i]]
        last = int(bar["close_ticks"])
        turns = out == last and int(trades.closed_row[i]) // len(CONTRACTS) % 30 == 0
        assert out in (stop, goal, int(bar["open_ticks"])) or turns
        at_stop += out == stop
        turned += turns
        assert int(trades.stop_ticks[i]) == stop
    assert 0 < at_stop < len(trades)
    assert turned > 0
    slipped = ran("plain", spread_ticks=0, slippage_ticks=3)[2]
    assert slipped.costs.slipped_cash == 3 * int(slipped.trades.unit_cash.sum())
    assert slipped.costs.at_market == len(slipped.trades)


def reached(found: Measured, rows: Any, i: int) -> tuple[int, int]:
    """Farthest against and for, bar after bar, in plain integers."""
    trades, played = found.trades, found.played
    mine, side = int(trades.contract[i]), int(trades.side[i])
    unit = int(trades.unit_cash[i])
    entry, out = int(trades.entry_cash[i]), int(trades.exit_cash[i])
    prices = [entry, out]
    waits = int(played.signals[trades.signal[i]]["entry_ticks_1"])
    inside = [
        row
        for row in range(int(trades.opened_row[i]) + 1, int(trades.closed_row[i]) + 1)
        if rows[row]["contract"] == mine
    ]
    for k, row in enumerate(inside):
        bar, is_last = rows[row], k == len(inside) - 1
        low, high = int(bar["low_ticks"]), int(bar["high_ticks"])
        if waits:
            at = played.plan.assumed.limit_fill == "touch"
            beyond = low < waits + at if side > 0 else high > waits - at
            if beyond:
                waits = 0
                if not is_last:
                    prices += [(low if side > 0 else high) * unit, int(bar["close_ticks"]) * unit]
            continue
        prices += [int(bar["open_ticks"]) * unit] if is_last else [low * unit, high * unit]
    against = max(side * (entry - price) for price in prices)
    good = max(side * (price - entry) for price in prices)
    return against, good


@pytest.mark.parametrize("name", CASES)
def test_excursions_are_those_of_a_walk_over_the_bars(name: str) -> None:
    _, rows, found = ran(name, seed=3)
    trades, long_ones = found.trades, 0
    for i in range(len(trades)):
        against, good = reached(found, rows, i)
        unit = int(trades.unit_cash[i])
        assert (int(trades.mae_cash[i]), int(trades.mfe_cash[i])) == (against, good), i
        assert int(trades.mae_ticks[i]) == math.ceil(Fraction(against, unit))
        assert int(trades.mfe_ticks[i]) == math.floor(Fraction(good, unit))
        assert trades.mae_r[i] == pytest.approx(against / int(trades.risk_cash[i]), rel=1e-12)
        long_ones += trades.closed_row[i] - trades.opened_row[i] > 4
    assert long_ones > 5


@pytest.mark.parametrize("limit_fill", ["through", "touch"])
def test_a_touch_is_a_fill_only_where_it_is_assumed(limit_fill: str) -> None:
    """On a coarse grid of prices limits are often just touched."""
    rows, asked = feed(seed=5), plan(limit_fill=limit_fill)
    for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
        rows[name] -= rows[name] % 50
    played = recorded([Dip()] * 2, CONTRACTS, rows, asked).play(CONTRACTS, rows, asked)
    found, touched = measured(played, rows), 0
    for i in range(len(found.trades)):
        against, good = reached(found, rows, i)
        assert (int(found.trades.mae_cash[i]), int(found.trades.mfe_cash[i])) == (against, good)
        bar = rows[int(found.trades.opened_row[i]) + 2]
        price = int(played.signals[found.trades.signal[i]]["entry_ticks_1"])
        touched += price == int(bar["low_ticks" if found.trades.side[i] > 0 else "high_ticks"])
    assert touched > 3


def test_a_limit_entry_counts_from_its_fill() -> None:
    _, rows, found = ran("dip", seed=3)
    trades, waited = found.trades, 0
    assert not trades.at_market.any()
    for i in range(len(trades)):
        first = int(trades.opened_row[i]) + 2
        bar = rows[first]
        price = int(found.played.signals[trades.signal[i]]["entry_ticks_1"])
        side = int(trades.side[i])
        waited += int(bar["low_ticks"]) >= price if side > 0 else int(bar["high_ticks"]) <= price
    assert waited > 3
    assert found.costs.slipped_cash == 0
    assert found.signalled.unfilled > 0


def test_falls_are_those_of_a_slow_walk() -> None:
    rng = np.random.default_rng(5)
    recovered = 0
    for _ in range(200):
        count = int(rng.integers(1, 40))
        equity = 1_000 + np.cumsum(rng.integers(-50, 52, count)).astype(np.int64)
        times = np.cumsum(rng.integers(1, 10, count)).astype(np.int64)
        found = fall_of(times, equity)
        values, stamps = equity.tolist(), times.tolist()
        depth = max(max(values[: k + 1]) - values[k] for k in range(count))
        bottom = next(k for k in range(count) if max(values[: k + 1]) - values[k] == depth)
        peak = max(values[: bottom + 1])
        again = next((k for k in range(bottom, count) if values[k] >= peak), None) if depth else None
        shares = [Fraction(max(values[: k + 1]) - values[k], max(values[: k + 1])) for k in range(count)]
        under = [
            stamps[next((j for j in range(k + 1, count) if values[j] >= values[k]), count - 1)] - stamps[k]
            for k in range(count)
            if values[k] == max(values[: k + 1]) and k + 1 < count and values[k + 1] < values[k]
        ]
        assert found.depth_cash == depth
        assert found.depth8 == math.ceil(Fraction(depth, peak) * E8)
        assert found.largest8 == math.ceil(max(shares) * E8)
        assert found.bottom_ns == stamps[bottom]
        assert found.recovered_ns == (None if again is None else stamps[again])
        assert found.longest_ns == max(under, default=0)
        recovered += again is not None
    assert recovered > 20


@pytest.mark.parametrize("name", ["plain", "null, limits"])
def test_groups_are_sums_by_what_trades_share(name: str) -> None:
    _, _, found = ran(name)
    trades = found.trades
    keys: dict[str, Any] = {
        "contract": lambda i: CONTRACTS[int(trades.contract[i])].id,
        "side": lambda i: "long" if trades.side[i] > 0 else "short",
        "hour": lambda i: f"{when(trades.opened_ns[i]):%H}",
        "weekday": lambda i: f"{when(trades.opened_ns[i]):%a}",
    }
    for kind, key in keys.items():
        sums: dict[str, list[int]] = defaultdict(list)
        for i in range(len(trades)):
            sums[key(i)].append(i)
        groups = {group.name: group for group in found.groups[kind]}
        assert groups.keys() == sums.keys()
        for group_name, members in sums.items():
            group = groups[group_name]
            assert group.count == len(members)
            assert group.wins == sum(int(trades.result_cash[i]) > 0 for i in members)
            assert group.result_cash == sum(int(trades.result_cash[i]) for i in members)
            exact = sum(Fraction(int(trades.result_cash[i]), int(trades.risk_cash[i])) for i in members)
            assert group.total_r == pytest.approx(float(exact), abs=1e-9)
            assert group.mean_r == pytest.approx(float(exact / len(members)), abs=1e-9)


def when(time_ns: Any) -> datetime.datetime:
    """As Python's calendar has it."""
    return datetime.datetime.fromtimestamp(int(time_ns) // 10**9, tz=datetime.UTC)


@pytest.mark.parametrize("name", CASES)
def test_every_signal_became_something(name: str) -> None:
    played, rows, found = ran(name)
    signalled = found.signalled
    counts = [signalled.traded, signalled.refused, signalled.unfilled, signalled.standing]
    assert signalled.given == sum(counts) + signalled.passed_over
    used = {*played.trips["signal"].tolist(), *played.refusals["signal"].tolist()}
    assert signalled.traded + signalled.refused == len(used)
    assert signalled.passed_over >= 0
    assert len(rows) == played.bars


def test_refusals_by_rule_are_counted_and_worded() -> None:
    played, _, found = ran("null, limits")
    slow: dict[int, list[Any]] = defaultdict(list)
    for refusal in played.refusals:
        slow[int(refusal["code"])].append(refusal)
    assert {one.code: one.count for one in found.refused} == {code: len(rows) for code, rows in slow.items()}
    assert [one.count for one in found.refused] == sorted((one.count for one in found.refused), reverse=True)
    assert {"budget", "positions"} & {one.rule for one in found.refused}
    for one in found.refused:
        budgets = [int(row["budget_cash"]) for row in slow[one.code]]
        losses = [int(row["loss_cash"]) for row in slow[one.code] if row["loss_cash"] > 0]
        assert one.mean_budget_cash == math.floor(Fraction(sum(budgets), len(budgets)))
        assert one.mean_loss_cash == (math.ceil(Fraction(sum(losses), len(losses))) if losses else 0)


def test_losses_that_are_not_known_count_in_no_mean() -> None:
    rows = np.zeros(3, dtype_of(RefusalRow))
    rows["code"], rows["budget_cash"], rows["loss_cash"] = codes.BUDGET, [10, 20, 31], [0, 7, 8]
    (one,) = refused_by_rule(rows)
    assert (one.count, one.mean_budget_cash, one.mean_loss_cash) == (3, 20, 8)


def test_every_code_has_words() -> None:
    numbers = [value for name, value in vars(limit_codes).items() if name.isupper() and value]
    numbers += [
        getattr(codes, name) for name in ("BUDGET", "MARGIN", "LIQUIDATION", "NO_STOP", "TIER", "LOT")
    ]
    assert set(numbers) <= WORDS.keys()
    assert "one lot" in words_of_code(codes.BUDGET)[1]
    assert words_of_code(-9_999) == ("venue_9999", "the venue answered -9999")
    assert len({name for name, _ in WORDS.values()}) == len(WORDS)


def test_exposure_is_that_of_the_curve() -> None:
    played, _, found = ran("plain")
    assert found.exposure is not None
    shares = [Fraction(int(p["exposure_cash"]), int(p["equity_cash"])) for p in played.curve]
    assert found.exposure.points == len(shares)
    assert found.exposure.held == sum(share > 0 for share in shares) > 0
    assert found.exposure.mean_leverage == pytest.approx(float(sum(shares) / len(shares)))
    assert found.exposure.largest_leverage == pytest.approx(float(max(shares)))
    assert (int(found.times_ns[0]), int(found.equity_cash[0])) == (START, 1_000 * E8)


def test_statistics_are_of_the_results_in_r() -> None:
    _, _, found = ran("breakout")
    assert found.stats is not None
    r = [
        Fraction(int(a), int(b))
        for a, b in zip(found.trades.result_cash, found.trades.risk_cash, strict=True)
    ]
    assert found.stats.mean == pytest.approx(float(sum(r) / len(r)))
    assert found.stats.wins == sum(one > 0 for one in r)
    assert found.stats.expectancy is not None
    assert found.stats.expectancy.low <= found.stats.mean <= found.stats.expectancy.high
    exact = [math.floor(one * E8) for one in r]
    assert [found.trades.r8(i) for i in range(len(r))] == exact


def test_no_trade_one_bar_and_gaps() -> None:
    one = feed(1, 1)
    found = measured(recorded([Plain()], CONTRACTS[:1], one, plan()).play(CONTRACTS[:1], one, plan()), one)
    assert found.stats is None
    assert (len(found.trades), found.end_cash, found.fall.depth_cash) == (0, 1_000 * E8, 0)
    with pytest.raises(InputError, match="BACKTEST-101"):
        merged([bars(0, 1)[:0]])
    holes = feed(2, 3_000)
    holes = holes[(holes["time_ns"] // 60_000_000_000) % 97 > 9]
    found = measured(recorded([Plain(7)] * 2, CONTRACTS, holes, plan()).play(CONTRACTS, holes, plan()), holes)
    assert len(found.trades) > 20
    for i in range(len(found.trades)):
        assert (int(found.trades.mae_cash[i]), int(found.trades.mfe_cash[i])) == reached(found, holes, i)


class Known(Plain):
    """An indicator that is not known in the beginning, as most are."""

    def signals(self, bars: Columns) -> Signals:
        """NaN until the fourth signal."""
        found = super().signals(bars)
        stop = found.stop_ticks.astype(float)
        stop[:3] = np.nan
        return Signals(rows=found.rows, side=found.side, stop_ticks=stop, targets=found.targets)


class Half(Plain):
    """A price between two ticks."""

    def signals(self, bars: Columns) -> Signals:
        """Only the second target's."""
        found = super().signals(bars)
        goal = found.targets[0][0] + 0.5
        return Signals(rows=found.rows, side=found.side, stop_ticks=found.stop_ticks, targets=[(goal, E8)])


class Falls(Plain):
    """Raises."""

    def signals(self, bars: Columns) -> Signals:
        """Like a user's slip."""
        return self.nothing  # type: ignore[attr-defined,no-any-return]


class Odd(Plain):
    """Answers something else."""

    def signals(self, bars: Columns) -> Signals:
        """No signals."""
        answer: Any = 7
        return answer  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("strategy", "code", "words"),
    [
        (
            Known(),
            "BACKTEST-203",
            r"stop_ticks of the signal at the bar of 2025-05-04 00:30:00 UTC of own:AAA is nan",
        ),
        (Half(), "BACKTEST-203", r"targets\[0\] of the signal at the bar of 2025-05-04 00:30:00"),
        (Falls(), "BACKTEST-204", "on own:AAA, 100 bars from 2025-05-04 00:00:00 .*AttributeError"),
        (Odd(), "BACKTEST-204", "answered 7, which is no Signals"),
    ],
)
def test_columns_that_fail_are_named_with_their_bar(strategy: Any, code: str, words: str) -> None:
    rows = feed(1, 100)
    with pytest.raises(InputError, match=f"{code}.*{words}"):
        recorded([strategy], CONTRACTS[:1], rows, plan())


class Blind(Strategy):
    """Asked, with an indicator that is NaN."""

    def on_bar(self, bar: Bar, view: View) -> Answer:
        """At the tenth bar."""
        from lotwise.records.signal import Signal

        stop: Any = math.nan
        return Signal(side=1, stop_ticks=stop) if bar.time_ns == START + 10 * 60 * 10**9 else None


def test_a_class_that_fails_is_named_with_its_bar() -> None:
    with pytest.raises(InputError, match=r"BACKTEST-105.*2025-05-04 00:10:00 UTC of own:AAA.*NaN"):
        recorded([Blind()], CONTRACTS[:1], feed(1, 100), plan())
