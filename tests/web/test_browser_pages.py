"""The desk in a browser: its token, every page, both themes, a phone, the numbers on the screen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[web] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

import lotwise
from tests.web.conftest import NARROW, Watched, go
from tests.web.desk_rig import CONTRACT, DeskProcess, until
from tests.web.eyes import APART, READ, SEEN, Eye, apart, light, ratio
from tests.web.test_browser_trade import soon, usable

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PAGES = (
    "/",
    "/size?contract=binance:BTCUSDT&side=long&equity=1000&risk=1%25&entry=98000&stop=2%25",
    "/scan?venue=binance&equity=1000&risk=1%25&stop=2%25&top=20",
    "/journal",
    "/review",
    "/plan",
    "/settings",
)
SETUPS = 200 if os.environ.get("LOTWISE_PROFILE") == "proof" else 20
TOLD = """() => ({
  size: document.getElementById("answer-size").textContent,
  loss: document.getElementById("answer-loss").textContent,
  notional: document.getElementById("answer-notional").textContent,
  margin: document.getElementById("answer-margin").textContent,
  liquidation: document.getElementById("answer-liquidation").textContent,
  refusal: document.getElementById("refusal-text").textContent,
  hidden: document.getElementById("refusal").hidden,
})"""


@pytest.fixture(scope="module")
def desk(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    folder: Path = tmp_path_factory.mktemp("demo")
    found = DeskProcess(folder, None, "--demo", "--folder", str(folder))
    try:
        yield found.enter().ready()
    finally:
        found.stop()


def themed(desk: DeskProcess, theme: str) -> None:
    status, told = desk.asked("POST", "/api/settings", {"theme": theme})
    assert (status, told["settings"]["theme"]) == (200, theme)


def test_the_address_lets_a_browser_in_once_and_leaves_no_token(desk: DeskProcess, watched: Watched) -> None:
    page = watched.context(DeskWithout(desk)).new_page()
    answer = page.goto(desk.origin + "/")
    assert answer is not None
    assert answer.status == 401
    go(page, desk.told["address"])
    assert page.url == desk.origin + "/"
    assert "token" not in page.content()
    cookies = page.context.cookies()
    assert [(one["name"], one["httpOnly"], one["sameSite"]) for one in cookies] == [
        (f"lotwise-{desk.port}", True, "Strict")
    ]
    assert page.evaluate("document.cookie") == ""


def test_a_password_opens_the_desk_and_another_does_not(watched: Watched, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("a long enough pässword\n", encoding="utf-8")
    desk = DeskProcess(tmp_path, None, "--password-file", str(secret))
    try:
        page = watched.context(DeskWithout(desk)).new_page()
        page.goto(desk.origin + "/journal")
        for word, told in (("a long enough password", "That is not it."), ("a long enough pässword", "")):
            page.get_by_label("Password").fill(word)
            page.get_by_role("button", name="Open the desk").click()
            if told:
                page.get_by_role("alert").filter(has_text=told).wait_for()
        page.locator("#side-long, [name=side]").first.wait_for(state="attached")
        assert page.url.startswith(desk.origin + "/")
        assert "password" not in page.url
        assert [one["name"] for one in page.context.cookies()] == [f"lotwise-{desk.port}"]
    finally:
        desk.stop()


class DeskWithout:
    """A desk whose cookie is not known."""

    def __init__(self, desk: DeskProcess) -> None:
        self.origin, self.cookie = desk.origin, ""


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_can_be_read_by_all(desk: DeskProcess, watched: Watched, theme: str) -> None:
    """Nothing serious or critical for axe."""
    from axe_playwright_python.sync_playwright import Axe

    themed(desk, theme)
    page = watched.page(desk, bypass_csp=True)  # axe is put into the page, which the policy forbids
    script = Axe()
    for path in PAGES:
        go(page, desk.origin + path)
        assert page.get_attribute("html", "data-theme") == theme
        found = script.run(page).response["violations"]
        grave = [
            (path, one["id"], one["nodes"][0]["html"])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert not grave


def test_no_page_is_wider_than_a_phone(desk: DeskProcess, watched: Watched) -> None:
    themed(desk, "light")
    page = watched.page(desk, size=NARROW)
    for path in PAGES:
        go(page, desk.origin + path)
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], path
        page.evaluate("scrollTo(500, 0)")
        assert page.evaluate("scrollX") == 0, path
    go(page, desk.origin + "/")
    for view in ("ladder", "chart"):
        page.click(f".views [data-view={view}]")
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], view


def test_paper_is_named_paper(desk: DeskProcess, watched: Watched) -> None:
    themed(desk, "dark")
    page = watched.page(desk)
    for path in PAGES:
        go(page, desk.origin + path)
        assert page.get_attribute("html", "data-mode") == "paper"
        assert page.inner_text("#mode-badge") == "◆ PAPER"
        assert page.title().startswith("◆ paper")
        assert "LIVE" not in page.title()
    go(page, desk.origin + "/")
    assert page.evaluate("getComputedStyle(document.body, '::after').borderTopWidth") != "3px"


def typed(page: Page, answers: list[tuple[Any, Any]], ticket: dict[str, str]) -> Any:
    """The server's answer to a ticket that was typed in, once the page has taken it."""
    for name, text in ticket.items():
        if name == "side":
            page.click(f"#side-{text}")
        else:
            page.fill(f"#{name}", text)

    def meant() -> Any:
        page.wait_for_timeout(20)
        for asked, told in reversed(answers):
            if (
                asked["side"] == ticket["side"]
                and asked["risk"] == ticket["risk"]
                and asked["equity"] == ticket["equity"]
                and asked["leverage"] == ticket["leverage"]
                and asked["entry"].get("text") == ticket["entry"]
                and asked["stop"].get("text") == ticket["stop"]
            ):
                return told
        return None

    found = until(meant)
    assert found, ticket
    return found


def test_the_numbers_on_the_screen_are_the_librarys(desk: DeskProcess, watched: Watched) -> None:
    page = watched.page(desk)
    answers: list[tuple[Any, Any]] = []

    def answered(response: Any) -> None:
        if response.url.endswith("/api/size"):
            answers.append((json.loads(response.request.post_data), response))

    page.on("response", answered)
    page.select_option("#entry-kind", "limit")
    draw = Random(11)
    price = desk.asked("POST", "/api/size", {"contract": CONTRACT, "side": "long", "stop": {"text": "2%"}})[1]
    near = int(float(price["asked"]["entry"]))
    feasible, refused = 0, 0
    for _ in range(SETUPS):
        side = draw.choice(("long", "short"))
        away = draw.randrange(20, 4_000) / 10_000
        entry = near - draw.randrange(50, 900) if side == "long" else near + draw.randrange(50, 900)
        ticket = {
            "side": side,
            "equity": str(draw.randrange(150, 1_000)),
            "risk": f"{draw.randrange(5, 200) / 100:.2f}%",
            "leverage": draw.choice(("auto", "3x", "20x")),
            "entry": f"{entry}.{draw.randrange(10)}",
            "stop": f"{100 * away / 10:.2f}%",
        }
        told = typed(page, answers, ticket).json()
        asked = dict(told["asked"])
        plan = lotwise.size(asked.pop("contract"), **asked)
        size = f"{plan.quantity} {plan.quantity_unit}" if told["feasible"] else "no trade"
        assert until(lambda wanted=size: shown(page)["size"] == wanted), (ticket, size, shown(page))
        seen = shown(page)
        assert seen["hidden"] == told["feasible"]
        if told["feasible"]:
            feasible += 1
            for name in ("loss", "notional", "margin", "liquidation"):
                assert seen[name] == told["texts"][name], (name, ticket)
            exact, told_loss = Fraction(plan.loss_at_stop or 0), Fraction(seen["loss"].split()[0])
            assert 0 <= told_loss - exact < Fraction(1, 10_000), "rounded up, never down"
            meant = Fraction(ticket["equity"]) * Fraction(ticket["risk"][:-1]) / 100
            assert told_loss <= Fraction(plan.budget) <= meant < Fraction(plan.budget) + Fraction(1, 100)
        else:
            refused += 1
            assert told["refusal"]["text"] in seen["refusal"]
            assert page.locator("#place").get_attribute("aria-disabled") == "true"
    assert feasible
    assert refused


def shown(page: Page) -> Any:
    page.wait_for_timeout(20)
    return page.evaluate(TOLD)


# -- other eyes


@pytest.fixture(scope="module")
def paper(chrome: Browser) -> Iterator[Page]:
    """An empty page on which pictures are read."""
    found = chrome.new_page()
    yield found
    found.close()


def test_the_measure_of_colours_is_the_published_one() -> None:
    assert ratio(light((255, 255, 255)), light((0, 0, 0))) == pytest.approx(21)
    assert ratio(light((118, 118, 118)), 1) == pytest.approx(4.54, abs=0.005), "the greyest that can be read"
    assert apart((255, 255, 255), (0, 0, 0)) == pytest.approx(100, abs=0.01)
    assert apart((255, 0, 0), (0, 255, 0)) == pytest.approx(170.6, abs=0.3)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_up_and_down_differ_for_every_eye(
    desk: DeskProcess, watched: Watched, paper: Page, theme: str
) -> None:
    """By colour, in the palette a newcomer gets; by what is filled, in every palette."""
    themed(desk, theme)
    page = watched.page(desk, "/settings")
    swatches = {str(one.get_attribute("data-palette")): one for one in page.locator(".swatch").all()}
    assert set(swatches) == {"safe", "classic", "redup", "mono"}
    before = Eye(page, paper, "none").pixels(swatches["classic"])
    for kind in SEEN:
        eye = Eye(page, paper, kind)
        assert eye.pixels(swatches["classic"]) != before, "chromium paints it as that eye sees it"
        for name, swatch in swatches.items():
            up, down = (eye.pixels(swatch.locator(f"i.{one}")) for one in ("up", "down"))
            middle = len(up) // 2
            edges, hearts = (up[middle][1], down[middle][1]), (up[middle][5], down[middle][5])
            assert apart(*hearts) > APART, (kind, name, "one is filled, one is hollow", hearts)
            if name == "safe" and kind != "achromatopsia":
                assert apart(*edges) > APART, (kind, name, edges)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_is_said_in_colour_can_be_read_and_is_said_in_signs(
    desk: DeskProcess, watched: Watched, paper: Page, theme: str
) -> None:
    themed(desk, theme)
    page = usable(watched.page(desk))
    page.fill("#stop", "2%")
    page.fill("#risk", "0.01%")
    assert soon(page, lambda: "smallest order" in page.inner_text("#refusal"))
    assert soon(page, lambda: page.inner_text("#last")[:1] in ("▲", "▼"))
    signs = {"#side-long": "▲", "#side-short": "▼", "#mode-badge": "◆"}
    for place, sign in signs.items():
        assert page.inner_text(place).strip().startswith(sign), place
    for kind in SEEN:
        eye = Eye(page, paper, kind)
        for place in (*signs, "#last", "#refusal", "#flatten", "#guard"):
            assert eye.contrast(page.locator(place)) >= READ, (kind, place)
