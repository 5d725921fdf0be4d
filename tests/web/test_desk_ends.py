"""A desk over a venue that is slow, refuses or falls silent: its kill switch, its turns, its end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app import desk as desk_module
from lotwise.app.desk import Desk
from lotwise.app.desk_feed import Feed
from lotwise.app.desk_size import answer, judged
from lotwise.app.desk_ticket import Price, Ticket
from lotwise.app.trade_config import read as trade_file
from lotwise.app.trade_folder import Folder
from lotwise.broker.chronicle import Kept
from lotwise.broker.venue import OrderRefused, RateLimited
from lotwise.errors import VenueError
from lotwise.records.live import VenueMarket
from lotwise.session.pipeline import Sent
from lotwise.sizing.position import Position
from lotwise.sizing.size import size
from lotwise.store.database import opened
from lotwise.units import cash_text, scaled_text
from tests.session.scene import entries, signal
from tests.session.venue_in_memory import SECOND, HandClock, MemoryVenue
from tests.web.desk_rig import CONFIG, until
from tests.wire.offline import NOW_NS, venue_of

BTC, ETH = "binance:BTCUSDT", "binance:ETHUSDT"


class Rig:
    """A desk in this process, over a venue in memory; its thread runs only where a test begins it."""

    def __init__(self, folder: Path, port: Any = None, margin: str = "isolated") -> None:
        text = CONFIG.format(port=1, admin=2).replace('"session"', f'"{folder / "session"}"')
        text = text.replace('leverage = "10"', f'leverage = "10"\nmargin = "{margin}"')
        config = trade_file(text)
        self.clock = HandClock(NOW_NS)
        self.venue = MemoryVenue(config.contracts, self.clock)
        self.kept = Kept()
        place = Folder(config.folder)
        self.database = opened(place.database)
        self.desk = Desk(
            config,
            port or self.venue,
            Feed(config.contracts, "ws://none", self.clock),
            clock=self.clock,
            database=self.database,
            folder=place,
            chronicles=[self.kept],
            again=lambda: port or self.venue,
        )
        self.waited: list[float] = []
        self.desk.hands.wait = self.wait

    def wait(self, seconds: float) -> None:
        """Time passes at once."""
        self.waited.append(seconds)
        self.clock.time_ns += int(seconds * SECOND)

    def turns(self, seconds: int) -> None:
        """What the session's thread does in so many seconds."""
        for _ in range(4 * seconds):
            self.clock.time_ns += SECOND // 4
            self.desk.turn()

    def opened(self, contract_id: str, **given: Any) -> None:
        """A trade by hand."""
        outcome, _ = self.desk.hands.open(contract_id, signal(**given), 0)
        assert isinstance(outcome, Sent), outcome

    def waits(self, contract_id: str) -> None:
        """A ladder that waits below the price."""
        self.opened(contract_id, entries=entries(1, (299_000, 50), (298_500, 50)), stop=297_000)

    def standing(self, kind: str) -> list[str]:
        """Contracts of the orders of a kind that stand at the venue."""
        return [
            one.order.contract_id
            for one in self.venue.book.values()
            if (one.order.state, one.order.kind) == ("open", kind)
        ]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    made.desk.trader.begin()
    made.desk.turn()
    yield made
    made.database.close()


# -- the kill switch


def limited(rig: Rig, seconds: int) -> None:
    """The venue says to every question that it was asked too often."""
    until_ns = rig.clock.time_ns + seconds * SECOND
    rig.venue.fault = lambda call: "limited" if rig.clock.time_ns < until_ns else ""


@pytest.mark.parametrize("past", [True, False])
def test_a_flatten_gives_a_venue_that_was_asked_too_often_time(rig: Rig, past: bool) -> None:
    rig.opened(BTC)
    rig.opened(ETH)
    limited(rig, 3)
    done = rig.desk.hands.flatten_past() if past else rig.desk.hands.flatten()
    assert (done.is_flat, done.left, rig.venue.lots) == (True, [], {BTC: 0, ETH: 0})
    assert any("429" in one for one in done.errors)
    assert sum(rig.waited) >= 2


def test_a_flatten_in_the_sessions_thread_waits_in_small_steps_and_not_for_ever(rig: Rig) -> None:
    rig.opened(BTC)
    limited(rig, 10_000)
    moves, began_ns = rig.desk.moves, rig.clock.time_ns
    done = rig.desk.hands.flatten()
    assert done.left == [BTC, ETH], "what cannot be read may stand"
    assert max(rig.waited) <= 0.25
    assert 15 <= sum(rig.waited) <= 35
    assert rig.desk.moves - moves >= len(rig.waited)
    assert rig.clock.time_ns - rig.desk.turned_ns <= SECOND, "it is no dead one"
    assert rig.desk.turned_ns > began_ns
    assert rig.desk.broker.trades[BTC].closing, "the next turns go on with it"
    rig.venue.fault = lambda call: ""
    rig.turns(5)
    assert rig.venue.lots[BTC] == 0


@pytest.mark.parametrize("past", [True, False])
def test_a_contract_that_nobody_knows_keeps_no_other_open(tmp_path: Path, past: bool) -> None:
    """A real adapter: its list of positions has one in a contract that the facts do not know."""
    sizes, sent = {"BTCUSDT": "0.010", "NEWCOINUSDT": "5"}, list[str]()

    def answer(asked: Any) -> Any:
        if asked.method == "POST":
            sent.append(asked.params["symbol"])
            return 400, {"code": -2019, "msg": "Margin is insufficient."}
        if "positionRisk" not in asked.path:
            return 200, []
        names = ("entryPrice", "breakEvenPrice", "markPrice", "unRealizedProfit", "liquidationPrice")
        rest = dict.fromkeys((*names, "isolatedMargin", "positionInitialMargin", "initialMargin"), "1")
        one = {"positionSide": "BOTH", **rest}
        return 200, [{**one, "symbol": name, "positionAmt": size} for name, size in sizes.items()]

    port, _ = venue_of("binance", answer, where="live", tell=lambda words: None)
    rig = Rig(tmp_path, port)
    done = rig.desk.hands.flatten_past() if past else rig.desk.hands.flatten()
    assert set(sent) == {"BTCUSDT"}, "a close of what is known was sent, each time it looked"
    assert len(sent) > 1
    assert done.left == [BTC]
    assert any("-2019" in one for one in done.errors)
    with pytest.raises(VenueError, match="BROKER-152"):
        rig.desk.port.positions()
    rig.database.close()


def test_a_flatten_past_the_session_needs_neither_a_new_line_nor_a_disk(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.opened(BTC)

    def refused() -> Any:
        raise RateLimited("BROKER-189", "429: too many requests", "wait", until_ns=0)

    def full(why: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rig.desk, "again", refused)
    monkeypatch.setattr(rig.desk.folder, "kill", full)
    done = rig.desk.hands.flatten_past()
    assert (done.is_flat, done.closed, rig.venue.lots[BTC]) == (True, 1, 0)
    assert done.errors == ["the session could not be told to lock: No space left on device"]


# -- a market that cannot be read


@pytest.fixture
def delisted(tmp_path: Path) -> Iterator[tuple[Rig, list[str], dict[str, bool]]]:
    """A desk whose venue does not know ETH, what it was asked for, and whether it still does not."""
    rig, asked, gone = Rig(tmp_path), list[str](), {ETH: True}
    good: Callable[[str], VenueMarket] = rig.venue.market

    def market(contract_id: str) -> VenueMarket:
        asked.append(contract_id)
        if gone.get(contract_id):
            raise OrderRefused("BROKER-144", "binance answers read book with -1121", "", "-1121")
        return good(contract_id)

    rig.venue.market = market  # type: ignore[method-assign]
    rig.desk.trader.begin()
    yield rig, asked, gone
    rig.database.close()


def test_a_market_that_cannot_be_read_keeps_no_other_trade_waiting(
    delisted: tuple[Rig, list[str], dict[str, bool]],
) -> None:
    rig, asked, gone = delisted
    rig.turns(1)
    rig.waits(BTC)
    rig.venue.move(BTC, 298_900)
    assert rig.venue.lots[BTC] > 0
    assert not rig.standing("stop")
    rig.turns(3)
    assert rig.standing("stop") == [BTC], "a late fill has its stop"
    assert rig.desk.state["positions"], "the account is looked at"
    rig.turns(36)
    told = [one.message for one in rig.kept.of("trouble")]
    assert [one for one in told if ETH in one] == [
        f"the market of {ETH} cannot be read: binance answers read book with -1121: nothing is opened there"
    ]
    assert 8 <= asked.count(ETH) <= 10, "and is not asked for at every turn"
    gone.clear()
    rig.turns(6)
    assert rig.desk.feed.top(ETH) is not None
    rig.turns(1)


def test_a_kill_file_is_read_though_a_market_cannot_be(
    delisted: tuple[Rig, list[str], dict[str, bool]],
) -> None:
    rig, _, _ = delisted
    rig.turns(1)
    rig.opened(BTC)
    rig.desk.folder.kill("by `lotwise flatten`")
    rig.turns(1)
    assert rig.venue.lots[BTC] == 0
    assert "by `lotwise flatten`" in rig.kept.of("lock")[-1].message


# -- the end


@pytest.fixture
def runs(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A desk whose thread runs, and in which a ladder waits in each contract; its bounds are short."""
    monkeypatch.setattr(desk_module, "TICK_S", 0.02)
    monkeypatch.setattr(desk_module, "ALIVE_S", 0.2)
    monkeypatch.setattr(desk_module, "STUCK_S", 1.0, raising=False)
    monkeypatch.setattr(desk_module, "LAST_TURNS", 2)
    rig.waits(BTC)
    rig.waits(ETH)
    rig.desk.begin()
    assert until(lambda: rig.desk.ask(lambda: True).result(20))
    return rig


def closings(rig: Rig) -> list[str]:
    return [one.message for one in rig.kept.of("closing") if one.message.startswith("the desk ends")]


LEFT = (
    f"the desk ends; {BTC}, {ETH} is still open;"
    f" an entry still waits in {BTC}, {ETH}: if it fills it has no stop"
)


def slow(rig: Rig) -> list[str]:
    """The venue takes a tenth of a second for each answer; what it was asked."""
    asked = list[str]()

    def answer(call: str) -> str:
        asked.append(call)
        threading.Event().wait(0.1)
        return ""

    rig.venue.fault = answer
    return asked


def test_an_end_waits_as_long_as_a_slow_venue_answers(rig: Rig, runs: Rig, capsys: Any) -> None:
    asked = slow(rig)
    rig.desk.end()
    assert not rig.desk.thread.is_alive()
    assert len(asked) * 0.1 > 1, "all of it took longer than one answer may"
    assert not rig.standing("limit")
    assert closings(rig) == ["the desk ends; nothing is still open"]
    assert capsys.readouterr().err == ""


def test_what_a_venue_does_not_take_back_is_said_on_the_terminal(rig: Rig, runs: Rig, capsys: Any) -> None:
    rig.venue.fault = lambda call: "down" if call == "cancel" else ""
    rig.desk.end()
    assert not rig.desk.thread.is_alive()
    assert len(rig.standing("limit")) == 4
    assert closings(rig) == [LEFT]
    assert capsys.readouterr().err == f"{LEFT}\n"


def test_an_end_gives_a_silent_venue_up_and_says_what_is_left(rig: Rig, runs: Rig, capsys: Any) -> None:
    answers, held = threading.Event(), threading.Event()

    def silent(call: str) -> str:
        held.set()
        answers.wait(30)
        return "down"

    rig.venue.fault = silent
    try:
        rig.desk.end()
        assert held.is_set()
        assert rig.desk.thread.is_alive()
        assert closings(rig) == [LEFT]
        told = capsys.readouterr().err.splitlines()
        assert told == ["the session has not moved for 1 s: the desk ends without it", LEFT]
    finally:
        answers.set()
        rig.desk.thread.join(20)


def test_a_second_ctrl_c_ends_at_once_and_says_what_is_left(
    rig: Rig, runs: Rig, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, joined, join = threading.Event(), list[float](), rig.desk.thread.join

    def silent(call: str) -> str:
        answers.wait(30)
        return ""

    def interrupted(seconds: float) -> None:
        joined.append(seconds)
        raise KeyboardInterrupt

    rig.venue.fault = silent
    monkeypatch.setattr(rig.desk.thread, "join", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            rig.desk.end()
        assert len(joined) == 1
        assert capsys.readouterr().err == f"{LEFT}\n"
        assert closings(rig) == [LEFT]
    finally:
        answers.set()
        join(20)


def test_an_end_that_takes_long_says_that_it_goes_on(
    rig: Rig, runs: Rig, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "SLOW_S", 0.1, raising=False)
    slow(rig)
    rig.desk.end()
    told = capsys.readouterr().err.splitlines()
    assert told == ["the desk is still ending what waits at the venue; Ctrl-C again ends it at once"]


def test_an_end_that_fails_in_any_way_says_what_is_left(
    rig: Rig, runs: Rig, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(rig.desk.trader, "stop", broken)
    rig.desk.end()
    assert capsys.readouterr().err == f"{LEFT}\n"
    assert "KeyError" in rig.kept.of("trouble")[-1].message


# -- what the ticket shows


@pytest.mark.parametrize("margin", ["cross", "isolated"])
def test_in_cross_margin_what_maintains_other_positions_stands_behind_no_new_one(
    tmp_path: Path, margin: str
) -> None:
    made = Rig(tmp_path, margin=margin)
    try:
        made.desk.trader.begin()
        made.desk.turn()
        ticket = Ticket(contract=BTC, side="short", stop=Price(text="2%"), leverage="10")
        alone = judged(ticket, made.desk.contracts[BTC], made.desk)
        made.opened(ETH)
        made.turns(5)
        beside = judged(ticket, made.desk.contracts[BTC], made.desk)
        (held,) = made.venue.positions()
        equity = cash_text(made.venue.balance("USDT").equity_cash)
        other = Position(
            contract=ETH,
            side="long",
            quantity=made.desk.contracts[ETH].quantity_text(held.lots),
            entry=scaled_text(held.entry_price8, 8),
            mark=scaled_text(held.mark_price8, 8),
        )
        more = {"others": [other]} if margin == "cross" else {}
        plain = {name: value for name, value in beside.asked.items() if name != "others"}
        assert plain["equity"] == equity
        assert beside.plan.liquidation_price == size(BTC, **plain, **more).liquidation_price
        assert (size(BTC, **plain).liquidation_price != beside.plan.liquidation_price) == (margin == "cross")
        assert alone.asked.get("others", []) == []
        assert json.dumps(answer(ticket, beside))
    finally:
        made.database.close()
