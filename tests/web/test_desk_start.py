"""What a desk looks at before its first trade and at its end, and the plan it obeys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[web] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app.desk import Desk
from lotwise.app.desk_ahead import check_stop, outcome_error
from lotwise.app.desk_plan import DeskPlan
from lotwise.clock import FixedClock
from lotwise.contracts import catalogue
from lotwise.errors import InputError, VenueError
from lotwise.kernel.codes import NO_STOP
from lotwise.kernel.portfolio_rows import BAD_ENTRIES
from lotwise.records.plan import Begun
from lotwise.scaling.example import EXAMPLE
from lotwise.scaling.keep import KeptPlan
from lotwise.scaling.obey import PlannedPipeline
from lotwise.session.pipeline import NotSized, Pipeline
from lotwise.units import Cash, parse_cash
from tests.exchange.served import Server
from tests.unit.test_notify import Receiver
from tests.web.desk_rig import CONFIG, DeskProcess, until
from tests.web.test_server_desk import MARKET, TICKET, held, open_orders, placed

BTC, ETH = catalogue.load("binance:BTCUSDT"), catalogue.load("binance:ETHUSDT")
_OPENING, _, _LATER = EXAMPLE.partition('[[phase]]\nname = "live small"')
LIVE_FIRST = (
    _OPENING[: _OPENING.index("[[phase]]")]
    + '[[phase]]\nname = "live small"'
    + _LATER.replace("back = true", "back = false", 1)
)
NOW = 1_700_000_000 * 10**9


def begun(folder: Path, text: str = EXAMPLE) -> Path:
    """A plan that has begun with 1,000 on both accounts."""
    place, cash = folder / "plan.toml", parse_cash("1000", "cash")
    place.write_text(text, encoding="utf-8")
    kept = KeptPlan(place)
    kept.tell([Begun(time_ns=NOW, equity_cash=cash, paper_cash=cash)])
    kept.close()
    return place


def planned(plan: Path | None, where: str = "paper") -> DeskPlan:
    config: Any = SimpleNamespace(plan=plan, where=where, contracts=())
    return DeskPlan(config, FixedClock(NOW))


def plain() -> Pipeline:
    return Pipeline(SimpleNamespace(), lambda now: None, 1)  # type: ignore[arg-type]


def test_without_a_plan_nothing_is_bounded_by_one() -> None:
    plan, stages = planned(None), plain()
    assert plan.trouble(NOW) == ""
    assert plan.pipeline(stages) is stages
    assert plan.pipeline(stages, is_rehearsal=True) is stages
    plan.close()


def test_a_plan_is_asked_by_the_session_and_known_to_the_ticket(tmp_path: Path) -> None:
    plan = planned(begun(tmp_path))
    with pytest.raises(InputError, match="WEB-121"):
        plan.known(NOW)
    assert plan.trouble(NOW) == ""
    told: list[int] = []
    other = threading.Thread(target=lambda: told.append(plan.known(NOW).risk_cash))
    other.start()
    other.join()
    assert told == [parse_cash("10", "risk")], "read in one thread, known in all"
    for is_rehearsal in (False, True):
        stages = plan.pipeline(plain(), is_rehearsal)
        assert isinstance(stages, PlannedPipeline)
        assert stages.limits_at == (plan.known if is_rehearsal else plan.at)
    plan.close()


def test_a_plan_that_trades_elsewhere_or_cannot_be_read_says_so(tmp_path: Path) -> None:
    live = planned(begun(tmp_path), "live")
    assert "it opens nothing here" in live.trouble(NOW)
    assert live.known(NOW).where == "paper"
    live.close()
    gone = planned(tmp_path / "none.toml")
    assert "the plan opens nothing" in gone.trouble(NOW)
    with pytest.raises(InputError):
        gone.known(NOW)


@pytest.mark.parametrize(("side", "stop", "last"), [(1, 650_000, 650_000), (1, 650_001, 650_000), (-1, 9, 9)])
def test_a_stop_that_the_price_has_reached_is_refused_with_both_numbers(
    side: int, stop: int, last: int
) -> None:
    with pytest.raises(InputError, match="WEB-133") as caught:
        check_stop(BTC, side, stop, last)
    said = caught.value.message.replace(",", "")
    assert {BTC.price_text(stop), BTC.price_text(last)} <= set(said.replace(":", "").split(" "))
    nearest = last - side
    assert BTC.price_text(nearest) in caught.value.hint.replace(",", "")
    check_stop(BTC, side, nearest, last)


def test_a_signal_that_is_no_trade_is_said_in_words() -> None:
    for code, word in ((NO_STOP, "has reached the stop"), (BAD_ENTRIES, "out of order")):
        error = outcome_error(NotSized(code, Cash(0), Cash(0)))
        assert (error.code, word in error.message) == ("WEB-126", True)
        assert "0.00" not in error.message


class Port:
    """A venue whose facts of one contract are others."""

    def check_facts(self, contract_id: str) -> list[str]:
        """As the adapter's."""
        if contract_id == BTC.id:
            raise VenueError("BROKER-126", "the tick is 0.5, the facts say 0.1", "refresh the facts")
        return [f"{contract_id}: the taker fee is another one"]


def test_other_facts_open_nothing_and_what_went_before_is_said() -> None:
    told: list[tuple[str, str]] = []
    hand = SimpleNamespace(tell=lambda kind, said, *more, **numbers: told.append((kind, said)))
    begins: list[str] = []
    desk = SimpleNamespace(
        trader=SimpleNamespace(begin=lambda: begins.append("trader")),
        keeper=SimpleNamespace(take_up=lambda: begins.append("keeper")),
        config=SimpleNamespace(contracts=(BTC, ETH)),
        port=Port(),
        broker=SimpleNamespace(silent={}, hand=hand),
        plan=planned(None),
        clock=FixedClock(NOW),
        before=("the last session kept its state elsewhere",),
    )
    Desk._take_up(desk)  # type: ignore[arg-type]
    assert begins == ["trader", "keeper"]
    assert list(desk.broker.silent) == [BTC.id]
    assert "the tick is 0.5" in desk.broker.silent[BTC.id]
    assert [kind for kind, _ in told] == ["trouble"] * 3
    assert "elsewhere" in told[0][1]
    assert "taker fee" in told[2][1]


# -- against a real exchange


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "exchange", *MARKET)
    server.account(deposit="20000")
    yield server
    server.stop()


def test_a_desk_that_ends_takes_waiting_entries_back_and_keeps_stops(
    tmp_path: Path, exchange: Server
) -> None:
    receiver = Receiver()
    table = f'[notify]\naddresses = ["{receiver.address}"]\nabout = ["fill", "stop", "session"]\n'
    desk = DeskProcess(tmp_path, exchange, config=CONFIG + table).enter().ready()
    placed(desk)
    near = desk.asked("POST", "/api/size", TICKET | {"contract": "binance:ETHUSDT"})[1]["lines"][0]["ticks"]
    far = near * 95 // 100
    waits = {"entry": {"kind": "limit", "ticks": far}, "contract": "binance:ETHUSDT"}
    placed(desk, "waits-there", **waits)
    names = until(lambda: [one["role"] for one in desk.state()["orders"] if one["role"] == "entry"])
    assert names == ["entry"]
    quantity = held(exchange)
    assert quantity > 0
    assert desk.stop() == 0
    assert held(exchange) == quantity, "positions stay behind their stops"
    assert any("-s0-" in name for name in open_orders(exchange))
    from tests.web.test_server_desk import trader

    assert not trader(exchange.port).fapiPrivateGetOpenOrders({"symbol": "ETHUSDT"}), "nothing waits"
    receiver.close()
    told = [(one["title"], one["message"]) for one in receiver.bodies]
    assert {title for title, _ in told} == {"lotwise PAPER main"}
    for words in ("bought", "stop of", "the desk ends; binance:BTCUSDT is still open"):
        assert any(words in message for _, message in told), "whoever asked for it is told, as by a session"


def test_a_desk_obeys_the_plan_of_its_trade_file(tmp_path: Path, exchange: Server) -> None:
    begun(tmp_path)
    config = CONFIG.replace('folder = "session"', 'folder = "session"\nplan = "plan.toml"')
    desk = DeskProcess(tmp_path, exchange, config=config).enter().ready()
    try:
        assert until(lambda: desk.asked("POST", "/api/size", TICKET)[1]["plan"]["budget"] == "10.00"), (
            "the plan's 1 % of 1,000, not the account's 1 % of 20,000"
        )
        status, page = desk.raw("GET", "/plan")[0], desk.raw("GET", "/plan")[2].decode()
        assert (status, "Every trade of this desk is asked against it" in page) == (200, True)
    finally:
        desk.stop()


def test_a_plan_in_a_live_phase_opens_nothing_on_paper(tmp_path: Path, exchange: Server) -> None:
    begun(tmp_path, LIVE_FIRST)
    config = CONFIG.replace('folder = "session"', 'folder = "session"\nplan = "plan.toml"')
    desk = DeskProcess(tmp_path, exchange, config=config).enter().ready()
    try:
        told = until(lambda: desk.asked("POST", "/api/size", TICKET)[1].get("refusal"))
        assert told
        status, said = desk.asked("POST", "/api/orders", {"client_id": "on-paper", "ticket": TICKET})
        assert status in (400, 409), said
        assert held(exchange) == 0
        events = desk.asked("GET", "/api/boot")[1]["events"]
        assert any("opens nothing here" in one["text"] for one in events)
        assert told["code"].startswith("GUARD-"), told
    finally:
        desk.stop()
