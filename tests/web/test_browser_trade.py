"""The desk in a browser trades: by keyboard, drag and double click; what it does when the desk dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[web] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

from tests.exchange.served import KEY, SECRET, Server
from tests.web.conftest import Watched, go
from tests.web.desk_rig import CODE, CONFIG, CONTRACT, DeskProcess, until
from tests.web.test_server_desk import held, open_orders, stop_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

MARKET = ("--contracts", "BTCUSDT,ETHUSDT", "--start", "now", "--history-hours", "1", "--scenario", "calm")
MANY = CONFIG.replace("trades_a_day = 4", "trades_a_day = 40")
REAL = """
import lotwise.app.desk as desk
made = desk.Desk.__init__
def real(self, *given, **named):
    made(self, *given, **named)
    self.confirmed = False
desk.Desk.__init__ = real
desk.Desk.mode = property(lambda self: "live")
"""
"""A desk that takes the exchange of the tests for real money."""


LIMIT = """(edge) => { const line = document.getElementById("line-stop");
  return line.getAttribute("aria-valuenow") === line.getAttribute("aria-value" + edge); }"""


class DeskAt(DeskProcess):
    """A desk at a port that is given, so that one can come back where it was."""

    def __init__(self, folder: Path, exchange: Server, port: int = 0, before: str = "") -> None:
        self.folder = folder
        place = folder / "trade.toml"
        place.write_text(MANY.format(port=exchange.port, admin=exchange.admin), encoding="utf-8")
        words = [str(place), "--journal", str(folder / "journal.sqlite"), "--port", str(port), "--json"]
        keys = {"LOTWISE_PAPER_KEY": KEY, "LOTWISE_PAPER_SECRET": SECRET}
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + CODE, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **keys, "NO_PROXY": "*", "XDG_DATA_HOME": str(folder / "data")},
        )
        assert self.process.stdout is not None
        self.told = json.loads(self.process.stdout.readline())["web"]
        self.port = self.told["port"]
        self.origin, self.cookie = f"http://127.0.0.1:{self.port}", ""


@pytest.fixture(scope="module")
def exchange(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("exchange"), *MARKET, speed=1)
    server.account(deposit="1000")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def running(exchange: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[DeskAt]]:
    """The desk; a test that kills it puts the new one in its place."""
    found = [DeskAt(tmp_path_factory.mktemp("desk"), exchange)]
    found[0].enter().ready()
    yield found
    found[0].stop()


@pytest.fixture
def desk(running: list[DeskAt]) -> DeskAt:
    return running[0]


def soon(page: Page, true: Any, seconds: float = 20) -> Any:
    """Wait for a condition while the browser goes on."""

    def look() -> Any:
        page.wait_for_timeout(20)
        return true()

    return until(look, seconds)


def usable(page: Page) -> Page:
    """A page whose ticket can be placed."""
    place = page.locator("#place")
    assert soon(page, lambda: place.get_attribute("aria-disabled") == "false"), page.inner_text("#place-note")
    return page


def ticks(page: Page, line: str, name: str = "now") -> int:
    return int(page.get_attribute(f"#line-{line}", f"aria-value{name}") or "")


def clean(desk: DeskAt, exchange: Server) -> None:
    """Nothing is left of the trade of a test."""
    status, told = desk.asked("POST", "/api/close", {"contract": CONTRACT})
    assert status == 200, told
    assert until(lambda: not held(exchange) and not open_orders(exchange))
    assert until(lambda: not desk.state()["positions"])


# -- lines


@pytest.mark.parametrize("side", ["long", "short"])
def test_a_drag_across_the_entry_never_turns_the_trade(desk: DeskAt, watched: Watched, side: str) -> None:
    page = usable(watched.page(desk))
    page.click(f"#side-{side}")
    usable(page)

    edge = "max" if side == "long" else "min"

    box = page.locator("#line-stop").bounding_box()
    chart = page.locator("#chart-box").bounding_box()
    assert box is not None
    assert chart is not None
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2)
    page.mouse.down()
    far = chart["y"] + (5 if side == "long" else chart["height"] - 40)
    page.mouse.move(box["x"] + 30, far, steps=8)

    def at_its_limit() -> bool:
        page.mouse.move(
            box["x"] + 30 + page.evaluate("performance.now() % 2"), far
        )  # the limit goes with the market
        return bool(page.evaluate(LIMIT, edge))

    assert soon(page, at_its_limit), "the line stands at its limit"
    assert "as far as it goes" in page.inner_text("#line-stop")
    page.mouse.up()
    assert page.get_attribute(f"#side-{side}", "aria-checked") == "true"
    assert soon(page, lambda: watched.posted("/api/size") and "ticks" in sent(watched)["stop"])
    assert sent(watched)["side"] == side
    assert not watched.posted("/api/orders")
    page.focus("#line-stop")
    page.keyboard.press("PageUp")
    page.keyboard.press("PageDown")
    low, high = ticks(page, "stop", "min"), ticks(page, "stop", "max")
    assert low <= ticks(page, "stop") <= high
    page.keyboard.press("End" if side == "long" else "Home")
    assert ticks(page, "stop") == (high if side == "long" else low)
    assert page.get_attribute(f"#side-{side}", "aria-checked") == "true"


def sent(watched: Watched) -> Any:
    return json.loads(watched.posted("/api/size")[-1])


def test_a_double_click_places_once_and_its_stop_never_loosens(
    desk: DeskAt, exchange: Server, watched: Watched
) -> None:
    page = usable(watched.page(desk))
    page.dblclick("#place")
    assert soon(page, lambda: held(exchange) > 0)
    assert soon(page, lambda: page.locator("#line-held-stop").count() == 1)
    page.keyboard.press("p")
    assert len(watched.posted("/api/orders")) == 1
    status, told = desk.asked("POST", "/api/orders", json.loads(watched.posted("/api/orders")[0]))
    assert status == 200
    assert held(exchange) == Fraction(told["lots"], 1000), "the same id again is the same trade"
    before = stop_of(exchange)
    assert before is not None
    assert ticks(page, "held-stop") == ticks(page, "held-stop", "min") == before * 10
    box = page.locator("#line-held-stop").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 150, steps=8)
    assert "stops never loosen" in page.inner_text("#line-held-stop")
    page.mouse.up()
    page.focus("#line-held-stop")
    for key in ("ArrowDown", "PageDown", "Home", "Enter"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert not watched.posted("/api/stop")
    assert stop_of(exchange) == before
    page.focus("#line-held-stop")
    page.keyboard.press("PageUp")
    page.keyboard.press("Enter")
    assert soon(page, lambda: (found := stop_of_now(exchange)) is not None and found > before)
    assert stop_of_now(exchange) == before + 10
    assert soon(page, lambda: ticks(page, "held-stop", "min") == (before + 10) * 10)
    clean(desk, exchange)


def stop_of_now(exchange: Server) -> Fraction | None:
    """Where the stop stands; none while the new one stands beside the old one."""
    from tests.web.test_server_desk import stops_of

    found = stops_of(exchange)
    return found[0] if len(found) == 1 else None


# -- what breaks


def test_the_desk_dies_and_the_page_takes_it_up_again(
    running: list[DeskAt], exchange: Server, watched: Watched
) -> None:
    desk = running[0]
    page = usable(watched.page(desk))
    desk.kill()
    assert soon(page, lambda: page.inner_text("#stale") == "reconnecting")
    assert page.inner_text("#guard-feed-text") == "reconnecting"
    assert page.locator("#place").is_disabled()
    assert "prices are old" in page.inner_text("#place-note")
    page.keyboard.press("p")
    assert not watched.posted("/api/orders")
    running[0] = DeskAt(desk.folder, exchange, desk.port)
    assert running[0].origin == desk.origin
    running[0].enter().ready()
    assert soon(page, lambda: page.locator("#away").is_visible())
    assert "the desk was started again" in page.inner_text("#away")
    assert "new address" in page.inner_text("#away")
    assert page.locator("#place").is_disabled()
    go(page.context.new_page(), running[0].told["address"])
    assert soon(page, lambda: page.locator("#stale").is_hidden(), 30)
    assert soon(page, lambda: page.locator("#away").is_hidden())
    usable(page)
    assert page.inner_text("#guard-feed-text").endswith("ms")
    assert not held(exchange)


# -- a whole trade


def in_journal(page: Page, desk: DeskAt) -> int:
    """How many trades by hand the journal shows."""
    go(page, desk.origin + "/journal")
    return page.inner_text("#main").count("by hand")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_a_whole_trade_by_keyboard_and_the_way_out_by_hold(
    desk: DeskAt, exchange: Server, watched: Watched
) -> None:
    before = in_journal(watched.page(desk, "/journal"), desk)
    page = usable(watched.page(desk))
    page.keyboard.press("s")
    page.keyboard.press("x")
    assert focused(page) == "stop"
    page.keyboard.press("Control+A")
    page.keyboard.type("1.2%")
    page.keyboard.type("b")
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    assert page.get_attribute("#side-short", "aria-checked") == "true", "keys are letters while one types"
    assert soon(page, lambda: sent(watched)["stop"] == {"text": "1.2%"})
    usable(page)
    shown = page.inner_text("#answer-size").split()[0]
    assert f"short {shown}" in page.inner_text("#place-label")
    page.keyboard.press("p")
    assert soon(page, lambda: held(exchange) < 0)
    assert held(exchange) == -Fraction(shown), "what the button said is what stands at the exchange"
    assert soon(page, lambda: len(open_orders(exchange)) == 3)
    names = open_orders(exchange)
    assert sorted(name.rpartition("-")[0][-2:] for name in names) == ["s0", "t1", "t2"]
    assert all(str(row["reduceOnly"]).lower() == "true" for row in names.values())
    stop = stop_of(exchange)
    assert soon(page, lambda: page.locator("#line-held-stop").count() == 1)
    assert stop == Fraction(ticks(page, "held-stop"), 10)
    box = page.locator("#flatten").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.wait_for_timeout(400)
    page.mouse.up()
    page.wait_for_timeout(900)
    assert not watched.posted("/api/flatten"), "let go early, nothing happens"
    assert held(exchange) == -Fraction(shown)
    page.mouse.down()
    assert soon(page, lambda: watched.posted("/api/flatten"))
    page.mouse.up()
    assert json.loads(watched.posted("/api/flatten")[0])["held_ms"] >= 1_000
    assert soon(page, lambda: not held(exchange) and not open_orders(exchange))
    assert soon(page, lambda: page.locator("#empty-positions").is_visible())

    assert soon(page, lambda: in_journal(page, desk) == before + 1)


# -- real money


def test_real_money_is_named_and_asks_for_a_word(exchange: Server, watched: Watched, tmp_path: Path) -> None:
    desk = DeskAt(tmp_path, exchange, before=REAL)
    try:
        page = usable(watched.page(desk.enter().ready()))
        assert page.get_attribute("html", "data-mode") == "live"
        assert page.inner_text("#mode-badge") == "■ LIVE"
        assert page.title().startswith("■ LIVE")
        assert "icon-live" in (page.get_attribute("link[rel=icon]", "href") or "")
        assert "LIVE" in page.inner_text("#place-label")
        assert page.evaluate("getComputedStyle(document.body, '::after').borderTopWidth") == "3px"
        page.click("#place")
        assert page.locator("#live-go").is_disabled()
        page.keyboard.type("live")
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
        page.click("#live-cancel")
        assert not watched.posted("/api/orders")
        assert focused(page) == "place"
        body = {"client_id": "without-a-word", "ticket": sent(watched) | {"seq": 1}}
        status, told = desk.asked("POST", "/api/orders", body)
        assert (status, told["error"]["code"]) == (409, "WEB-129")
        assert not held(exchange)
        usable(page)
        page.click("#place")
        page.keyboard.type("LIVE")
        page.keyboard.press("Enter")
        assert soon(page, lambda: held(exchange) > 0)
        assert json.loads(watched.posted("/api/orders")[0])["confirm"] == "LIVE"
        clean(desk, exchange)
    finally:
        desk.stop()
