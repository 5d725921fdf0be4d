"""Acts that come together share one commit; nothing is seen before it, and nothing at all where it fails."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from lotwise.errors import LotwiseError
from lotwise.exchange import venue as venues
from lotwise.exchange.binance.hub import Session
from lotwise.exchange.journal import FILE
from lotwise.kernel.state import LEVERAGE, EventRow
from tests.exchange.in_process import CHOICE, InProcess

TOGETHER = 40


def on_disk(folder: Path) -> set[str]:
    """Client ids of the acts that another process would find."""
    base = sqlite3.connect(folder / FILE)
    rows = base.execute("SELECT act FROM acts").fetchall()
    base.close()
    return {json.loads(row[0]).get("client", "") for row in rows}


def drained(session: Session) -> list[Any]:
    """What a session was sent."""
    found = [json.loads(body) for body in session.waiting]
    session.waiting.clear()
    return found


def test_requests_that_come_together_share_a_commit_and_each_answer_comes_after_it(tmp_path: Path) -> None:
    served = InProcess(tmp_path)
    seen: dict[str, bool] = {}

    async def run() -> list[Any]:
        names = [f"n{number}" for number in range(TOGETHER)]
        asked = [
            served.order(name, lambda name=name: seen.__setitem__(name, name in on_disk(tmp_path)))
            for name in names
        ]
        return await asyncio.gather(*asked)

    answers = asyncio.run(run())
    assert [answer.status for answer in answers] == [200] * TOGETHER
    assert [answer.body["clientOrderId"] for answer in answers] == [f"n{n}" for n in range(TOGETHER)]
    assert list(seen.values()) == [True] * TOGETHER
    assert 1 <= served.application.commits.commits <= 3
    assert len({answer.body["orderId"] for answer in answers}) == TOGETHER


def test_events_of_a_group_are_those_of_acts_one_by_one_and_wait_for_the_disk(tmp_path: Path) -> None:
    grouped, alone = InProcess(tmp_path), InProcess()
    sessions = []
    for one in (grouped, alone):
        session = Session(lambda: None, account=1, key="x")
        assert one.hub.admit(session)
        sessions.append(session)
    seen: list[int] = []
    commit = grouped.venue.commit

    def committed() -> None:
        seen.append(len(sessions[0].waiting))
        commit()

    grouped.venue.commit = committed  # type: ignore[method-assign]

    async def together() -> None:
        sides = ("BUY", "SELL", "SELL", "BUY")
        await asyncio.gather(*(grouped.order(f"n{n}", side=side) for n, side in enumerate(sides)))

    async def one_by_one() -> None:
        for number, side in enumerate(("BUY", "SELL", "SELL", "BUY")):
            await alone.order(f"n{number}", side=side)

    asyncio.run(together())
    asyncio.run(one_by_one())
    assert seen == [0]  # one commit, and until then nobody had been told anything
    told, wanted = drained(sessions[0]), drained(sessions[1])
    assert told == wanted
    balances = [event["a"]["B"][0]["wb"] for event in told if event["e"] == "ACCOUNT_UPDATE"]
    assert len(set(balances)) == 4  # each as its own act left it, not as the last one did


def test_an_answer_goes_out_before_the_events_of_its_act(tmp_path: Path) -> None:
    served = InProcess(tmp_path)
    order: list[str] = []
    session = Session(lambda: order.append("event"), account=1, key="x")
    assert served.hub.admit(session)

    async def run() -> None:
        served.venue.act(served.venue.accounts[1], EventRow(kind=LEVERAGE, leverage100=700))
        served.venue.when_kept(lambda is_kept: order.append("answer"), is_answer=True)
        await served.application.commits.kept()

    asyncio.run(run())
    assert order == ["answer", "event"]


def test_where_the_disk_refuses_nobody_is_told_and_the_venue_ends(tmp_path: Path) -> None:
    served = InProcess(tmp_path)
    session = Session(lambda: None, account=1, key="x")
    assert served.hub.admit(session)
    ended: list[bool] = []
    served.venue.on_broken.append(lambda: ended.append(True))
    before = on_disk(tmp_path)

    async def run() -> list[Any]:
        assert (await served.order("kept")).status == 200
        session.waiting.clear()
        served.venue.journal._base.execute("PRAGMA query_only=1")
        lost = await asyncio.gather(
            *(served.order(f"lost{n}") for n in range(5)),
            served.asked("GET", "/fapi/v3/account", served.query({})),
        )
        later = await asyncio.gather(
            served.order("later"),
            served.asked("GET", "/fapi/v1/allOrders", served.query({"symbol": "BTCUSDT"})),
            served.asked("POST", "/step", body='{"events": 10}', application=served.admin),
        )
        return [*lost, *later]

    answers = asyncio.run(run())
    assert [answer.status for answer in answers] == [503] * 8 + [400]
    assert answers[-1].body["error"]["code"] == "EXCHANGE-112"
    assert not session.waiting
    assert ended == [True]
    assert served.venue.is_broken
    told: list[bool] = []
    served.venue.when_kept(told.append)
    assert told == [False]
    served.venue.close()
    assert on_disk(tmp_path) == before | {"kept"}
    again = InProcess(tmp_path)
    assert [order.client_id for order in again.venue.accounts[1].diary.orders.values()] == ["kept"]
    again.venue.close()


def test_a_call_of_the_websocket_api_is_answered_when_it_is_on_the_disk_or_its_socket_is_closed() -> None:
    served = InProcess()
    session = Session(lambda: None)

    async def run() -> None:
        served.application._call(session, '{"id":1,"method":"time"}', "")
        assert len(session.waiting) == 1
        await asyncio.sleep(0)
        served.venue.open_listen(served.venue.accounts[1])
        served.application._call(session, '{"id":2,"method":"ping"}', "")
        assert len(session.waiting) == 1  # it waits with the act before it
        await served.application.commits.kept()
        assert len(session.waiting) == 2
        served.venue.journal.commit = lambda: (_ for _ in ()).throw(sqlite3.OperationalError("full"))  # type: ignore[assignment, method-assign]
        served.venue.open_listen(served.venue.accounts[1])
        served.application._call(session, '{"id":3,"method":"ping"}', "")
        with pytest.raises(LotwiseError, match="EXCHANGE-112"):
            await served.application.commits.kept()
        assert session.is_closed

    asyncio.run(run())
    assert [row["id"] for row in drained(session)] == [1, 2]


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_snapshot_written_while_orders_go_on_is_what_a_start_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    monkeypatch.setattr(venues, "ACTS_A_SNAPSHOT", 50)
    served = InProcess(tmp_path)

    async def run() -> None:
        for group in range(30):
            sides = ("BUY", "SELL") * 3
            await asyncio.gather(*(served.order(f"g{group}n{n}", side=s) for n, s in enumerate(sides)))
        limit = {"type": "LIMIT", "price": "93000", "timeInForce": "GTC"}
        assert (await served.order("rests", **limit)).status == 200
        await served.asked("POST", "/step", body='{"events": 500}', application=served.admin)

    asyncio.run(run())
    left = served.venue.accounts[1].saved()
    found = served.venue.journal.snapshot()
    assert found is not None
    assert 50 < found[0] < served.venue.journal.last
    if is_stopped:
        served.venue.close()
    else:
        served.venue.journal.close()
    again = venues.Venue(CHOICE, tmp_path)
    assert again.accounts[1].saved() == left
    assert again.hashes() == served.venue.hashes()
    assert again.market.position == served.venue.market.position
    again.close()


def test_a_snapshot_that_the_disk_refuses_loses_no_act(tmp_path: Path) -> None:
    served = InProcess(tmp_path)
    assert asyncio.run(served.order("one")).status == 200
    served.venue.journal._snapshots.execute("PRAGMA query_only=1")
    with pytest.raises(LotwiseError, match="EXCHANGE-170"):
        served.venue.keep()
    answer = asyncio.run(served.asked("POST", "/snapshot", application=served.admin))
    assert (answer.status, answer.body["error"]["code"]) == (400, "EXCHANGE-170")
    assert asyncio.run(served.order("two")).status == 200
    served.venue.close()
    again = venues.Venue(CHOICE, tmp_path)
    assert [order.client_id for order in again.accounts[1].diary.orders.values()] == ["one", "two"]
    again.close()


def test_a_server_whose_disk_is_full_ends_and_has_told_nothing_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
    resource = pytest.importorskip("resource", reason="not on this system")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system sets no limits of another process")
    from tests.exchange.served import Server
    from tests.exchange.test_kill import signed

    server = Server(tmp_path)
    server.account(deposit="1000")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
    line = HTTPConnection("127.0.0.1", server.port, timeout=30)
    assert signed(line, "POST", "/fapi/v1/order", **order)["status"] == "FILLED"
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    with pytest.raises(AssertionError, match="-1016"):
        signed(line, "POST", "/fapi/v1/order", **order)
    line.close()
    assert server.process.wait(30) == 1
    assert server.process.stderr is not None
    assert "EXCHANGE-112" in server.process.stderr.read()
    server.stop()
    again = Server(tmp_path)
    line = HTTPConnection("127.0.0.1", again.port, timeout=30)
    assert len(signed(line, "GET", "/fapi/v1/allOrders", symbol="BTCUSDT")) == 1
    line.close()
    assert again.stop() == 0
