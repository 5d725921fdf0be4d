"""What a trader sees when something goes wrong, over TCP: the session of `lotwise trade` and a real exchange.

The market goes on when a test says so; lines are cut by a relay between the two, other failures are made by
the exchange's own port for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app.trade import Session
from lotwise.app.trade_config import load
from lotwise.app.trade_port import opened as port_of
from lotwise.broker.chronicle import Kept
from lotwise.cli.main import main
from lotwise.cli.screen import Output
from lotwise.cli.trade import Teller
from lotwise.store.database import opened
from tests.e2e import busy_strategy as busy
from tests.e2e.relay import Relay
from tests.e2e.session_audit import Exchange, asked, lots_of, naked_spans
from tests.e2e.session_rounds import Running, file, until
from tests.exchange.served import KEY, SECRET, Server

MINUTE_MS = 60_000
KEYS = {"LOTWISE_PAPER_KEY": KEY, "LOTWISE_PAPER_SECRET": SECRET}
ID = "binance:BTCUSDT"
EVENT_MS = 6_000
NAKED_MS = 10_000
"""Bounds are a second here; this market has an event every 6 s, and an event is what its time is told by."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("failures") / "state")
    found.account()
    yield found
    assert found.stop() == 0


class Scene:
    """A session in this process, over a line to the exchange that can be cut; the market is stepped."""

    def __init__(
        self, server: Server, folder: Path, way: int = busy.MARKET, skew_ms: int = 0, **changes: str
    ) -> None:
        server.asked("DELETE", "/faults")
        self.server, self.relay, self.kept = server, Relay(server.port), Kept()
        path = file(folder / "trade.toml", server, settings=f"{{only = {way}}}", **changes)
        path.write_text(path.read_text().replace(f":{server.port}", f":{self.relay.port}"))
        self.fault("skew", skew_ms)
        config = load(path)
        reached = port_of(config, KEYS)
        port: Any = reached.port
        port._port._pause = lambda seconds: None  # looks without a pause
        self.database = opened(folder / "session.sqlite")
        self.session = Session(
            config,
            reached.port,
            reached.reader,
            clock=reached.clock,
            database=self.database,
            chronicles=[self.kept, Teller(config, Output())],
        )
        self.session.begin()
        self.now_ms = server.asked("GET", "/status")["now_ms"]
        self.first_ms = self.now_ms

    def fault(self, kind: str, value: int = 0, count: int = 1, **more: Any) -> None:
        """Plan one."""
        self.server.asked("POST", "/faults", {"kind": kind, "value": value, "count": count, **more})

    def heal(self) -> None:
        """Take all back."""
        self.server.asked("DELETE", "/faults")
        self.relay.heal()

    def play(self, ms: int, looks: int = 1) -> None:
        """The market goes on, and the session looks."""
        for _ in range(looks):
            self.now_ms += ms // looks
            self.server.asked("POST", "/step", {"until_ms": self.now_ms})
            self.session.turn()

    def bar(self) -> None:
        """Until the next bar has closed."""
        self.play(MINUTE_MS - self.now_ms % MINUTE_MS + 2_000)

    def opened(self) -> None:
        """A trade is open and behind its stop."""
        for _ in range(8):
            self.bar()
            if self.session.broker.held(ID):
                break
        stands = self.exchange()
        assert stands.lots == self.session.broker.held(ID) != 0
        assert stands.covered_lots == abs(stands.lots)

    def exchange(self) -> Exchange:
        """What it says, asked directly."""
        return asked(self.server)

    def naked_ms(self) -> int:
        """The longest time of the market that a position of this scene was without a stop of its size."""
        return max((b - a for a, b in naked_spans(self.exchange()) if b >= self.first_ms), default=0)

    def words(self, kind: Any) -> str:
        """What was told of a kind."""
        return "\n".join(event.message for event in self.kept.of(kind))

    def _flatten(self) -> None:
        """Close all. Between two tries the market goes on: a book that was empty has orders again."""
        self.heal()
        self.session.end(self._wait, "flatten")

    def _wait(self, seconds: float) -> None:
        self.now_ms += max(EVENT_MS, int(seconds * 1_000))
        self.server.asked("POST", "/step", {"until_ms": self.now_ms})

    def ends(self) -> None:
        """Close all: the exchange is flat."""
        self._flatten()
        stands = self.exchange()
        assert (stands.lots, stands.open_ids) == (0, set())

    def close(self) -> None:
        """Let go, and leave nothing for the next test."""
        self._flatten()
        self.relay.close()
        self.database.close()


@pytest.fixture
def scenes(server: Server, tmp_path: Path) -> Iterator[Any]:
    made: list[Scene] = []

    def make(way: int = busy.MARKET, **changes: Any) -> Scene:
        made.append(Scene(server, tmp_path, way, **changes))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_network_is_cut_and_comes_back(scenes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    scene = scenes()
    scene.opened()
    plans = len(scene.kept.of("plan"))
    scene.relay.cut()
    for _ in range(2):
        scene.session.turn()
    assert "cannot be reached for read" in scene.words("trouble")
    assert scene.exchange().covered_lots == abs(scene.exchange().lots) > 0  # the stop stands at the venue
    assert len(scene.kept.of("plan")) == plans
    printed = capsys.readouterr().out
    assert "PAPER" in printed
    assert "trouble     binance:BTCUSDT: binance cannot be reached" in printed
    assert "naked" not in printed
    scene.relay.heal()
    scene.play(200_000, looks=10)  # its time is up meanwhile
    assert "is closed: its time is up" in scene.words("closing")
    scene.opened()
    assert len(scene.kept.of("plan")) > plans
    scene.ends()


def test_the_network_is_cut_between_an_entry_and_its_stop(scenes: Any) -> None:
    scene = scenes(naked='"1s"')
    scene.relay.cut_at = b"POST /fapi/v1/algoOrder"
    for _ in range(6):
        scene.bar()
        if scene.relay.cuts:
            break
    assert scene.relay.cuts == 1
    assert scene.exchange().lots
    assert scene.exchange().covered_lots == 0
    assert "no answer; it is looked for" in scene.words("unknown")
    assert until(lambda: scene.session.look_after() or scene.kept.of("naked"), 10)
    assert "are without a seen stop for" in scene.words("naked")
    assert "no stop was seen for" in scene.words("closing")
    scene.relay.heal()
    assert until(lambda: scene.session.look_after() or scene.exchange().lots == 0, 10)
    names = [one["clientAlgoId"] for one in scene.exchange().algos]
    assert len(names) == len(set(names))
    scene.opened()  # it goes on
    scene.ends()


def test_maintenance_of_the_venue(scenes: Any) -> None:
    scene = scenes()
    scene.opened()
    held = scene.exchange()
    scene.fault("maintenance", count=-1)
    scene.play(200)
    scene.session.trader.watch.check()
    assert "binance answers read book with -1016" in scene.words("trouble")
    assert "the venue cannot be read: binance answers read orders with -1016" in scene.words("trouble")
    scene.server.asked("DELETE", "/faults")
    again = scene.exchange()
    assert again.covered_lots >= abs(again.lots)
    assert again.covered_lots == held.covered_lots
    scene.session.trader.watch.check()
    assert "the venue answers again" in scene.words("trouble")
    scene.ends()


def test_a_clock_5_s_ahead_of_ours_opens_nothing(scenes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    scene = scenes(skew_ms=5_000)
    (told,) = scene.kept.of("skew")
    assert "2.0 s are allowed: nothing is opened; set this machine's clock" in told.message
    assert abs(told.numbers["skew_ns"] - 5 * 10**9) < 10**9
    scene.play(2 * MINUTE_MS + 2_000)
    assert not scene.kept.of("plan")
    assert f"{ID} was not opened: the venue's clock is" in scene.words("refused")
    assert "skew        the venue's clock is +" in capsys.readouterr().out
    assert not scene.kept.of("trouble")  # signed by the venue's clock, all else goes on


def test_a_clock_that_falls_5_s_behind_opens_nothing_and_still_protects(scenes: Any) -> None:
    scene = scenes()
    scene.opened()
    plans = len(scene.kept.of("plan"))
    scene.fault("skew", -5_000)
    scene.play(200)
    scene.session.trader.watch.check()
    (told,) = scene.kept.of("skew")
    assert abs(told.numbers["skew_ns"] + 5 * 10**9) < 10**9
    assert "set this machine's clock" in told.message
    scene.play(3 * MINUTE_MS, looks=6)  # it is closed by its time, and not opened again
    assert scene.kept.of("ended")
    assert len(scene.kept.of("plan")) == plans
    assert f"{ID} was not opened: the venue's clock is" in scene.words("refused")
    scene.fault("skew", 0)  # set right: seen although nothing is refused for it

    def agree() -> bool:
        scene.session.trader.watch.check()
        return "clocks" not in scene.session.broker.silent

    assert until(agree, 20)
    scene.opened()
    scene.ends()


def test_asked_too_often_opens_nothing_for_a_while_and_goes_on(scenes: Any) -> None:
    scene = scenes()
    scene.fault("limit", 1, path="/fapi/v1/order")
    for _ in range(6):
        scene.bar()
        if scene.kept.of("plan"):
            break
    assert "entry of" in scene.words("trouble")
    assert "was not sent: binance answers market with -1003" in scene.words("trouble")
    assert scene.exchange().lots == 0
    hand = scene.session.broker.hand  # told by the machine's clock, kept by the market's: years apart
    assert until(lambda: not hand.is_quiet, 10)
    scene.opened()
    assert scene.naked_ms() == 0
    scene.ends()


def test_a_stop_that_is_refused_closes_the_position(scenes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    scene = scenes(naked='"1s"')
    scene.fault("reject", -4120, count=-1, path="algoOrder")
    for _ in range(6):
        scene.bar()
        if scene.kept.of("plan"):
            break
    assert "stop of" in scene.words("refused")
    assert "was refused: binance answers stop with -4120" in scene.words("refused")
    scene.play(4_000, looks=8)
    assert "without a seen stop" in scene.words("naked")
    assert scene.exchange().lots == 0
    (naked,) = scene.kept.of("naked")
    assert 10**9 <= naked.numbers["naked_ns"] <= 3 * 10**9
    assert scene.naked_ms() <= NAKED_MS
    printed = capsys.readouterr().out
    assert "naked" in printed
    assert "-4120" in printed
    scene.server.asked("DELETE", "/faults")
    scene.opened()
    scene.fault("reject", -4120, count=1, path="algoOrder")  # once: it is tried again
    scene.ends()


def test_a_stop_that_is_refused_once_is_placed_at_the_next_event(scenes: Any) -> None:
    scene = scenes()
    scene.fault("reject", -4120, path="algoOrder")
    for _ in range(6):
        scene.bar()
        if scene.kept.of("plan"):
            break
    scene.play(500)
    assert "-4120" in scene.words("refused")
    assert scene.kept.of("stop_seen")
    stands = scene.exchange()
    assert stands.covered_lots == abs(stands.lots) > 0
    assert not scene.kept.of("naked")
    assert scene.naked_ms() <= NAKED_MS
    scene.ends()


def test_insufficient_margin_opens_nothing_and_counts_as_no_trade(scenes: Any) -> None:
    scene = scenes()
    scene.fault("reject", -2019, path="/fapi/v1/order")
    for _ in range(6):
        scene.bar()
        if scene.kept.of("refused"):
            break
    assert "was refused: binance answers market with -2019" in scene.words("refused")
    assert "nothing changed at the venue" in scene.words("refused")
    assert scene.exchange().lots == 0
    assert scene.session.broker.usage.row.positions == 0
    assert scene.session.broker.usage.row.day_trades == 0
    scene.opened()
    assert scene.session.broker.usage.row.day_trades == 1
    scene.ends()


def test_an_entry_that_fills_in_part_is_covered_and_its_rest_cancelled(scenes: Any) -> None:
    scene = scenes(busy.NEAR, unfilled='"cancel"', unfilled_after='"1s"')
    for _ in range(8):
        closes_ms = scene.now_ms - scene.now_ms % MINUTE_MS + MINUTE_MS
        scene.fault("partial", 3, count=-1, from_ms=closes_ms - 10_000, until_ms=closes_ms + 40_000)
        scene.bar()
        if scene.session.broker.held(ID):
            break
    scene.play(30_000, looks=6)
    stands, (plan,) = scene.exchange(), scene.kept.of("plan")[-1:]
    ours = [one for one in stands.orders if one["clientOrderId"].startswith(f"lw-{plan.trade_id}-e")]
    entered = sum(lots_of(one["executedQty"]) for one in ours)
    assert 0 < entered < plan.numbers["lots"]
    assert {one["status"] for one in ours} <= {"FILLED", "CANCELED"}
    assert any(one["status"] == "CANCELED" for one in ours)
    assert stands.covered_lots == abs(stands.lots)
    assert scene.naked_ms() <= NAKED_MS
    scene.play(4 * EVENT_MS)  # the book is full again
    scene.ends()


@pytest.mark.parametrize("path", ["/fapi/v1/order", "algoOrder"])
def test_a_time_out_after_accepting_sends_nothing_twice(scenes: Any, path: str) -> None:
    scene = scenes()
    scene.fault("timeout", path=path)
    scene.opened()
    assert scene.server.asked("GET", "/status")["faults"] == []  # it was met
    stands = scene.exchange()
    (plan,) = scene.kept.of("plan")[-1:]
    names = [one["clientOrderId"] for one in stands.orders] + [one["clientAlgoId"] for one in stands.algos]
    assert len(names) == len(set(names))
    assert [name for name in names if f"{plan.trade_id}-e" in name] == [f"lw-{plan.trade_id}-e1-1"]
    whole = [one for one in stands.algos if lots_of(one["quantity"]) == plan.numbers["lots"]]
    assert [one["clientAlgoId"] for one in whole if plan.trade_id in one["clientAlgoId"]] == [
        f"lw-{plan.trade_id}-s0-1"
    ]
    entered = sum(
        lots_of(one["executedQty"]) for one in stands.orders if f"{plan.trade_id}-e" in one["clientOrderId"]
    )
    assert entered == plan.numbers["lots"]
    assert scene.naked_ms() == 0
    scene.ends()


def test_the_exchange_dies_under_a_running_session(tmp_path: Path) -> None:
    server = Server(tmp_path / "state")
    server.account()
    relay = Relay(server.port)
    path = file(tmp_path / "trade.toml", server, settings="{only = 0}", check='"1s"')
    path.write_text(path.read_text().replace(f":{server.port}", f":{relay.port}"))
    now_ms = server.asked("GET", "/status")["now_ms"]
    session = Running(path)
    try:
        assert session.says("recovered")
        for _ in range(20):
            if session.says("stop_seen", seconds=1.5):
                break
            now_ms += 30_000
            server.asked("POST", "/step", {"until_ms": now_ms})
        held = asked(server)
        assert held.covered_lots == abs(held.lots) > 0
        server.kill()
        assert session.says("trouble", "cannot be reached")
        server = Server(tmp_path / "state")
        relay.heal(server.port)
        now_ms += 300_000  # its time is up
        server.asked("POST", "/step", {"until_ms": now_ms})
        assert session.says("ended")
        assert session.stop() == 0
        assert "ended" in session.told[-1]
        stands = asked(server)
        assert len({one["id"] for one in stands.fills}) == len(session.said("fill"))
        assert not session.said("naked")
    finally:
        if session.process.poll() is None:
            session.kill()
        relay.close()
        server.stop()


def test_a_venue_that_is_closed_at_the_start_ends_the_command_with_4(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server.asked("POST", "/faults", {"kind": "maintenance", "count": -1})
    path = file(tmp_path / "trade.toml", server)
    assert main(["trade", "--paper", str(path), "--json"]) == 4
    server.asked("DELETE", "/faults")
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "BROKER-142"
    assert "-1016" in error["message"]
