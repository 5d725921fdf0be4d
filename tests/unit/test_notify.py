"""Notifications: real HTTP to a receiver on this machine; nothing secret, nothing that waits."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

pytest.importorskip("apprise", reason="apprise is not installed")

from lotwise.app.notify import ROOM, Notifier, addresses_of, cleaned
from lotwise.app.trade_file import EVENTS, NotifyTable
from lotwise.broker.chronicle import Told
from lotwise.errors import InputError

SECRET = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class Receiver:
    """A server that keeps what it is sent; it can be told to hold its answer."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.let_go, self.status = threading.Event(), 200
        self.let_go.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.let_go.wait(30)
                outer.bodies.append(json.loads(body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *given: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """End it."""
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def told(kind: Any, message: str) -> Told:
    return Told(kind=kind, time_ns=1, message=message)


def test_what_is_wanted_arrives_and_nothing_else(receiver: Receiver) -> None:
    notifier = Notifier([receiver.address], ["fill", "lock", "error"], "lotwise PAPER main")
    notifier.told(told("fill", "bought 0.007 at 65,000.0"))
    notifier.told(told("order", "not for people"))
    notifier.told(told("stop_seen", "not asked for"))
    notifier.told(told("lock", "the day's largest loss is reached"))
    notifier.told(told("trouble", f"the venue answers with {SECRET}"))
    assert notifier.close()
    assert [one["message"] for one in receiver.bodies] == [
        "bought 0.007 at 65,000.0",
        "the day's largest loss is reached",
        "the venue answers with ***",
    ]
    assert {one["title"] for one in receiver.bodies} == {"lotwise PAPER main"}
    assert [one["type"] for one in receiver.bodies] == ["info", "failure", "failure"]
    assert SECRET not in json.dumps(receiver.bodies)
    assert notifier.sent == 3


def test_a_receiver_that_is_slow_holds_nobody_up(receiver: Receiver) -> None:
    receiver.let_go.clear()
    notifier = Notifier([receiver.address], EVENTS, "x")
    for number in range(ROOM + 50):
        notifier.told(told("fill", f"fill {number}"))  # returns at once: nothing is received yet
    assert receiver.bodies == []
    assert notifier.dropped >= 49
    assert not notifier.close(timeout_s=0.2)
    receiver.let_go.set()


def test_a_receiver_that_fails_is_counted(receiver: Receiver) -> None:
    receiver.status = 500
    notifier = Notifier([receiver.address], EVENTS, "x")
    notifier.say("hello")
    assert not notifier.close()
    assert (notifier.sent, notifier.failed) == (0, 1)


def test_addresses_come_from_the_file_and_from_a_variable() -> None:
    table = NotifyTable(addresses=["json://127.0.0.1:1"], from_environment="TELL")
    assert addresses_of(table, {"TELL": "json://a json://b"}) == [
        "json://127.0.0.1:1",
        "json://a",
        "json://b",
    ]
    with pytest.raises(InputError, match=r"TRADE-130.*TELL"):
        addresses_of(table, {})
    with pytest.raises(InputError, match=r"TRADE-132.*address 2 .nosuch.") as caught:
        Notifier(["json://127.0.0.1:1", f"nosuch://{SECRET}"], EVENTS, "x")
    assert SECRET not in str(caught.value)


def test_without_apprise_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(InputError, match=r"TRADE-131"):
        Notifier(["json://127.0.0.1:1"], EVENTS, "x")


def test_words_are_cleaned_and_ids_of_ours_stay() -> None:
    own = "lw-abcdefghijklmnop-s0-12"
    assert cleaned(f"order {own} with key {SECRET}") == f"order {own} with key ***"
    assert len(cleaned("a b " * 1_000)) <= 400
