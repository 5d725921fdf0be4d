"""The live socket and every door of a running demo: rates, gaps, staleness, what a stranger is told."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[web] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from lotwise.clock import FixedClock
from lotwise.web.assets import load
from lotwise.web.live import SLOW_S, Client
from lotwise.web.security import Door
from lotwise.web.server import desk_application
from lotwise.web.settings import Looks
from lotwise.web.site import Site
from tests.web.desk_rig import CONTRACT, DeskProcess, until


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    folder = tmp_path_factory.mktemp("demo")
    found = DeskProcess(folder, None, "--demo", "--folder", str(folder / "kept"))
    yield found.enter().ready()
    assert found.stop() == 0


def looking(desk: DeskProcess, **headers: str) -> Any:
    own = {"Cookie": desk.cookie, "Origin": desk.origin} | headers
    return connect(f"ws://127.0.0.1:{desk.port}/ws", additional_headers=own, proxy=None)


def frames(line: Any, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        told = json.loads(line.recv(timeout=20))
        if told["t"] == "frame":
            found.append(told)
    return found


def test_frames_come_without_a_gap_and_the_book_is_never_crossed(demo: DeskProcess) -> None:
    with looking(demo) as line, looking(demo) as other:
        for one in (line, other):
            one.send(json.dumps({"watch": CONTRACT, "interval": "1m"}))
        found = frames(line, 12)
        same = {frame["seq"]: frame for frame in frames(other, 12)}
    seqs = [frame["seq"] for frame in found]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert all(later["ts"] - before["ts"] >= 60 for before, later in pairwise(found[1:]))
    both = [frame for frame in found if frame["seq"] in same]
    assert len(both) > 6
    assert all(frame == same[frame["seq"]] for frame in both), "encoded once for all"
    for frame in found:
        assert frame["contract"] == CONTRACT
        assert not frame["stale"]
        if frame["book"]["bids"]:
            assert frame["book"]["bids"][0][0] < frame["book"]["asks"][0][0]
            assert len(frame["book"]["bids"]) <= 20
    assert any(frame["bar"] for frame in found)


def test_a_senseless_wish_is_answered_and_the_line_stays(demo: DeskProcess) -> None:
    with looking(demo) as line:
        for wish in ("{", json.dumps({"watch": "nonsense"}), "x" * 3_000):
            line.send(wish)
            told = json.loads(line.recv(timeout=20))
            assert (told["t"], told["error"]["code"]) in (("error", "WEB-110"), ("error", "WEB-111"))
        line.send(json.dumps({"watch": CONTRACT, "interval": "5m"}))
        assert frames(line, 2)[0]["interval"] == "5m"


def test_the_socket_is_for_its_own_page_alone(demo: DeskProcess) -> None:
    for headers in ({"Cookie": ""}, {"Origin": "http://evil.example"}):
        with pytest.raises((InvalidStatus, ConnectionClosed)), looking(demo, **headers) as line:
            line.recv(timeout=20)


def routes_of_the_application() -> list[tuple[str, str]]:
    """Method and path of all there is, from the application itself."""
    site = Site(load(), Looks(None), FixedClock(0), contracts=[CONTRACT])
    _, routes = desk_application(Door(1), site)
    return [
        (method, route.path)
        for route in routes
        for method in (getattr(route, "methods", None) or ())
        if method != "HEAD"
    ]


def test_no_route_answers_a_stranger(demo: DeskProcess) -> None:
    listed = routes_of_the_application()
    assert len(listed) >= 17
    for method, path in listed:
        body = "{}" if method == "POST" else None
        own = {"Origin": demo.origin}
        assert demo.raw(method, path, body, own)[0] == 401, path
        entered = own | {"Cookie": demo.cookie}
        assert demo.raw(method, path, body, entered | {"Host": "evil.example"})[0] == 400, path
        assert demo.raw(method, path, body, entered | {"Origin": "http://evil.example"})[0] == 403, path
        status, headers, _ = demo.raw(method, path, body, entered)
        assert status not in (401, 403, 500), path
        assert "unsafe" not in headers["content-security-policy"]


def test_no_secret_is_in_any_answer(demo: DeskProcess) -> None:
    kept = json.loads((demo.folder / "kept" / "account.json").read_text())
    secrets = [kept["key"], kept["secret"], demo.told["address"].rpartition("=")[2]]
    pages = [path for method, path in routes_of_the_application() if method == "GET"]
    for path in pages:
        _, _, body = demo.raw("GET", path)
        assert not any(secret.encode() in body for secret in secrets), path


@pytest.mark.parametrize("path", ["/journal", "/review", "/size", "/scan", "/settings", "/plan"])
def test_pages_need_no_script_for_what_they_say(demo: DeskProcess, path: str) -> None:
    status, headers, body = demo.raw("GET", path)
    text = body.decode()
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert "<style" not in text
    assert 'id="boot"' in text
    if path in ("/journal", "/review"):
        assert "<svg" in text
        assert "sample" in text or "All trades" in text


def test_scan_and_venues_are_the_librarys(demo: DeskProcess) -> None:
    status, told = demo.asked("POST", "/api/scan", {"equity": "1000", "stop": "2%", "top": "5"})
    assert (status, len(told["table"]["rows"])) == (200, 5)
    page = demo.raw("GET", "/size?contract=binance%3ABTCUSDT&entry=65000&stop=2%25&side=long")[2].decode()
    assert "on every venue" in page
    wrong = demo.raw("GET", "/scan?stop=nonsense")[2].decode()
    assert "nonsense" in wrong


def test_looks_are_kept(demo: DeskProcess) -> None:
    status, told = demo.asked("POST", "/api/settings", {"theme": "light", "time_zone": "Europe/Berlin"})
    assert (status, told["settings"]["theme"]) == (200, "light")
    assert b'data-theme="light"' in demo.raw("GET", "/settings")[2]
    assert demo.asked("POST", "/api/settings", {"time_zone": "Nowhere"})[1]["error"]["code"] == "GUARD-208"


def exchanges_of(desk: DeskProcess) -> list[int]:
    """Process ids of the exchanges that a desk has started."""
    own = desk.process.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    commands = {int(name): Path(f"/proc/{name}/cmdline").read_bytes() for name in children}
    return [number for number, command in commands.items() if b"lotwise.cli.exchange" in command]


def test_a_demo_takes_its_exchange_with_it(tmp_path: Path) -> None:
    desk = DeskProcess(tmp_path, None, "--demo", "--folder", str(tmp_path / "kept"))
    exchange = exchanges_of(desk)
    assert len(exchange) == 1
    desk.process.terminate()
    assert desk.process.wait(60) == 0
    desk.stop()
    assert not Path(f"/proc/{exchange[0]}").exists()


def test_a_frozen_feed_is_said(demo: DeskProcess) -> None:
    """The last test of the demo: its exchange is ended, by its own process id."""
    exchange = exchanges_of(demo)
    assert len(exchange) == 1
    with looking(demo) as line:
        line.send(json.dumps({"watch": CONTRACT, "interval": "1m"}))
        assert not frames(line, 1)[0]["stale"]
        os.kill(exchange[0], 15)
        assert until(lambda: frames(line, 1)[0]["stale"])
    ticket = {"contract": CONTRACT, "side": "long", "stop": {"text": "2%"}}
    status, told = demo.asked("POST", "/api/size", ticket)
    assert status == 200
    assert any("not heard" in one for one in told["warnings"])


class Deaf:
    """A socket that takes nothing."""

    async def send_text(self, text: str) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


def test_a_client_that_takes_nothing_is_dropped_and_never_holds_more_than_one_frame() -> None:
    async def played() -> float:
        client = Client(Deaf())  # type: ignore[arg-type]
        for number in range(1_000):
            client.give(frame=f"frame {number}", event=f"event {number}")
        assert client.frame == "frame 999"
        assert len(client.events) == 200
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await client.write()
        return asyncio.get_running_loop().time() - began

    assert SLOW_S <= asyncio.run(played()) < SLOW_S + 30
