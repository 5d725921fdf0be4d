"""Twins: a strategy as a rule, as a Python object and as a list of signals trades the same."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lotwise.errors import InputError
from lotwise.kernel import sweep, tape
from lotwise.kernel.layout import array_of
from lotwise.kernel.snapshot import plain_body, state_hash
from lotwise.kernel.state import State
from lotwise.strategy.play import Played, play
from tests.twins.strategies import Cross, cross
from tests.twins.test_sweep import account, bars, contract, desk, setup

SEEDS = range(12)


class Scene:
    """An account, a market and a setup."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        facts = contract(rng)
        self.state, self.bars = account(rng, facts), bars(rng)
        self.setup, self.desk = setup(rng), desk(facts)
        self.closes = [bar.close_ticks for bar in self.bars]

    def play(self, strategy: Any, **options: Any) -> Played:
        """Play it compiled."""
        rows = array_of(tape.BarRow, self.bars)
        return play(strategy, self.state, rows, self.desk, setup=self.setup, **options)

    def play_plain(self) -> tuple[int, str, list[Any]]:
        """Play the rule as plain Python."""
        state: State = plain_body(self.state)
        seen = tape.Seen(state.account, state.markets, self.bars, [self.setup], [0, 0, 0])
        trades = [tape.TradeRow() for _ in self.bars]
        trips = sweep.run_strategy(state, self.bars, cross, seen, self.desk, trades, 0)
        return trips, state_hash(state), [trade.values() for trade in trades[:trips]]


def told(played: Played) -> tuple[int, str, list[Any]]:
    """What a run came to."""
    return played.trips, state_hash(played.state), [tuple(trade) for trade in played.trades.tolist()]


def test_a_rule_and_an_object_trade_what_the_plain_rule_trades() -> None:
    trips = 0
    for seed in SEEDS:
        scene = Scene(seed)
        wanted = scene.play_plain()
        watching = Cross(scene.closes)
        for skip in (True, False):
            assert told(scene.play(cross, memory=[0, 0, 0], skip=skip)) == wanted, f"rule, seed {seed}"
            assert told(scene.play(Cross(scene.closes), skip=skip)) == wanted, f"object, seed {seed}"
        assert told(scene.play(watching)) == wanted
        if wanted[0]:
            assert {0} < watching.lots_seen, "the object did not see the position"
        trips += wanted[0]
    assert trips > 200
    assert len(sweep.run_strategy.compiled.overloads) == 1, "a strategy was compiled into the run"


def test_signals_as_a_list_trade_the_same() -> None:
    for seed in SEEDS:
        scene = Scene(seed)
        strategy = Cross(scene.closes)
        signals = [strategy.on_bar(i) for i in range(len(scene.bars))]
        state = plain_body(scene.state)
        trades = [tape.TradeRow() for _ in scene.bars]
        trips = sweep.run_bars(state, scene.bars, signals, [scene.setup], scene.desk, trades, 0)
        assert (trips, state_hash(state)) == scene.play_plain()[:2]


def test_the_state_given_stays_as_it_was() -> None:
    scene = Scene(1)
    before = state_hash(scene.state)
    scene.play(Cross(scene.closes))
    assert state_hash(scene.state) == before


def test_a_run_goes_on_where_another_ended() -> None:
    for seed in SEEDS:
        scene = Scene(seed)
        whole, half = scene.play(Cross(scene.closes)), len(scene.bars) // 2
        rows, strategy = array_of(tape.BarRow, scene.bars), Cross(scene.closes)
        first = play(strategy, scene.state, rows[:half], scene.desk, setup=scene.setup)
        rest = Cross(scene.closes[half:])
        rest.fast, rest.slow, rest.side = strategy.fast, strategy.slow, strategy.side
        second = play(rest, first.state, rows[half:], scene.desk, setup=scene.setup)
        assert state_hash(second.state) == state_hash(whole.state)


class Odd:
    """Answers something else at one bar."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    def on_bar(self, row: int) -> int:
        """Answer, or raise."""
        self.asked += 1
        if row < 700:
            return 0
        if isinstance(self.answer, BaseException):
            raise self.answer
        answer: int = self.answer
        return answer


def test_a_python_object_may_be_the_first_strategy_of_a_process() -> None:
    code = "from tests.twins.test_strategy import Odd, Scene; assert Scene(1).play(Odd(0)).trips == 0"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("error", [ZeroDivisionError("odd"), KeyboardInterrupt(), SystemExit(3)])
def test_what_a_strategy_raises_is_raised_outside_and_ends_the_run(error: BaseException) -> None:
    strategy = Odd(error)
    with pytest.raises(type(error)) as caught:
        Scene(1).play(strategy)
    assert caught.value is error
    assert strategy.asked == 701


@pytest.mark.parametrize("answer", [3, -2, 10**12])
def test_an_answer_that_is_no_signal_is_refused(answer: int) -> None:
    with pytest.raises(InputError, match=r"RUN-102.*bar 700"):
        Scene(1).play(Odd(answer))


@pytest.mark.parametrize("answer", [None, "1", 1.0])
def test_an_answer_that_is_no_integer_is_a_type_error(answer: Any) -> None:
    with pytest.raises(TypeError):
        Scene(1).play(Odd(answer))


def test_a_strategy_may_end_the_run() -> None:
    played = Scene(1).play(Odd(tape.STOP_RUN))
    assert played.stopped_at == 700
    assert plain_body(played.state).account[0].time_ns == Scene(1).bars[700].time_ns
    assert Scene(1).play(Odd(0)).stopped_at is None


def test_numbers_of_numpy_are_integers_too() -> None:
    import numpy as np

    assert Scene(1).play(Odd(np.int64(0))).trips == 0


def test_bad_bars_and_setups_are_refused_with_a_code() -> None:
    scene = Scene(1)
    scene.bars[9].low_ticks = 0
    with pytest.raises(InputError, match=r"RUN-101.*bar 9 "):
        scene.play(Odd(0))
    scene = Scene(1)
    scene.setup.risk8 = 0
    with pytest.raises(InputError, match="RUN-103"):
        scene.play(Odd(0))
