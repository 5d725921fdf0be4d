"""The desk in a browser: what it refuses, its lines, its book, its candles, its pages, its focus."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[web] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

from lotwise.app.desk_demo import NAME
from lotwise.cli.main import main
from lotwise.journal.export import rows_of
from lotwise.journal.shelf import Journal, Wanted
from lotwise.units import scaled_text
from tests.exchange.served import Server
from tests.web.conftest import Watched, go
from tests.web.desk_rig import CONTRACT, DeskProcess
from tests.web.test_browser_trade import DeskAt, clean, held, soon, ticks, usable

if TYPE_CHECKING:
    from pathlib import Path


MARKET = ("--contracts", "BTCUSDT,ETHUSDT", "--start", "now", "--history-hours", "1", "--scenario", "storm")
FAST = 20
"""Seconds of the market in a second: a candle of a minute lasts three."""
ROWS = """() => [...document.querySelectorAll("#ladder-rows tr")].map((row) => [
  row.querySelector(".take").textContent.replaceAll(",", ""),
  row.querySelector("td.bid .amount").textContent, row.querySelector("td.ask .amount").textContent])"""


@pytest.fixture(scope="module")
def exchange(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("exchange"), *MARKET, speed=FAST)
    server.account(deposit="1000")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def desk(exchange: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskAt]:
    found = DeskAt(tmp_path_factory.mktemp("desk"), exchange)
    try:
        found.enter().ready()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def demo(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    folder: Path = tmp_path_factory.mktemp("demo")
    found = DeskProcess(folder, None, "--demo", "--folder", str(folder))
    try:
        yield found.enter().ready()
    finally:
        found.stop()


def number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


# -- what is refused


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"risk": "0.01%"}, "smallest order"),
        ({"stop": "45%", "risk": "1%"}, "smallest order"),
        ({"stop": "2%", "risk": "1%", "leverage": "150x"}, "would be liquidated"),
        ({"risk": "-1%"}, "risk is -1%"),
        ({"risk": "1,5"}, "write 1.5 with a point"),
        ({"risk": "\U0001f600"}, "use the digits 0-9"),
        ({"risk": "9" * 60}, "more than 12 whole digits"),
        ({"stop": "letters"}, "not a plain number"),
        ({"equity": "1,000"}, "write 1000"),
        ({"equity": "999999"}, "the account has"),
        ({"stop": "999999"}, "give a stop"),
        ({"stop": ""}, "Give a stop"),
    ],
)
def test_what_cannot_be_placed_says_so_and_sends_nothing(
    desk: DeskAt, watched: Watched, fields: dict[str, str], said: str
) -> None:
    page = usable(watched.page(desk))
    for name, text in fields.items():
        page.fill(f"#{name}", text)
    place = page.locator("#place")
    box = "#answer-missing" if fields.get("stop") == "" else "#refusal"
    assert soon(page, lambda: said in page.inner_text(box)), page.inner_text("#answer")
    assert soon(page, lambda: place.get_attribute("aria-disabled") == "true")
    assert soon(page, lambda: page.inner_text("#answer-size") in ("no trade", "–"))
    for name in ("quantity", "notional", "margin", "liquidation", "loss"):
        assert page.inner_text(f"#answer-{name}") in ("", "–"), "no figure of a trade that is refused"
    if box == "#refusal":
        assert page.get_attribute(box, "role") == "alert"
    place.click(force=True)
    page.focus("#ticket-clear")
    page.keyboard.press("p")
    page.wait_for_timeout(200)
    assert not watched.posted("/api/orders")


def test_a_limit_beyond_the_market_with_its_stop_there_is_no_trade(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    last = int(number(soon(page, lambda: page.inner_text("#last").split(" ")[1:])[0]))
    page.select_option("#entry-kind", "limit")
    page.fill("#entry", f"{last + last // 20}")
    assert soon(page, lambda: "would close the trade at once" in page.inner_text("#refusal"))
    assert page.inner_text("#answer-size") == "no trade"
    assert page.inner_text("#answer-notional") == "–"


def test_targets_that_are_too_small_say_where_they_go(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    page.fill("#stop", "2%")
    page.fill("#risk", "0.5%")
    assert soon(page, lambda: "it is closed with TP2" in page.inner_text("#warnings")), page.inner_text(
        "#answer"
    )
    assert soon(page, lambda: "closed with TP2" in page.inner_text("#line-target1"))
    lots = page.inner_text("#answer-size").split(" ")[0]
    assert f"×{lots} " in page.inner_text("#line-target2"), "the second closes all"


# -- lines


def test_drag_field_and_slider_agree_to_the_tick(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    box = page.locator("#line-stop").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2 - 12, steps=4)
    page.mouse.up()
    assert soon(page, lambda: "ticks" in sent(watched)["stop"])
    at = sent(watched)["stop"]["ticks"]
    assert ticks(page, "stop") == at
    shown = number(page.input_value("#stop") or page.inner_text("#stop-at"))
    assert shown * 10 == at
    assert number(page.inner_text("#line-stop b")) * 10 == at


def sent(watched: Watched) -> Any:
    return json.loads(watched.posted("/api/size")[-1])


def test_a_line_that_is_off_the_chart_stands_at_its_edge(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    page.fill("#stop", "30%")
    pinned = page.locator("#line-liquidation[data-pinned], #line-stop[data-pinned]")
    assert soon(page, lambda: pinned.count() >= 1)
    box, chart = pinned.first.bounding_box(), page.locator("#chart-box").bounding_box()
    assert box is not None
    assert chart is not None
    assert chart["y"] <= box["y"] <= chart["y"] + chart["height"]
    assert pinned.first.locator(".arrow").inner_text() in ("⇡", "⇣")


# -- time


def test_the_book_moves_is_never_crossed_and_stands_under_the_pointer(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    seen = set()

    def looked() -> bool:
        rows = page.evaluate(ROWS)
        bids = [Fraction(price) for price, bid, _ in rows if bid]
        asks = [Fraction(price) for price, _, ask in rows if ask]
        assert not bids or not asks or max(bids) <= min(asks), "grouped rows may touch, never cross"
        seen.add(json.dumps(rows))
        return len(seen) > 10

    assert soon(page, looked)
    take = page.locator("#ladder-rows tr .take").nth(3)
    take.hover()
    price = take.inner_text()
    before = page.evaluate(ROWS)
    page.wait_for_timeout(1_500)
    after = page.evaluate(ROWS)
    assert [row[0] for row in after] == [row[0] for row in before], "prices stand still under the pointer"
    assert after != before, "while their sizes go on"
    take.click()
    assert soon(page, lambda: page.input_value("#entry") == price.replace(",", ""))
    assert page.input_value("#entry-kind") == "limit"


def test_a_ladder_without_a_book_has_nothing_to_take(desk: DeskAt, watched: Watched) -> None:
    context = watched.context(desk)
    context.route_web_socket("**/*", lambda line: None)  # opened, and never a word
    page = context.new_page()
    go(page, desk.origin + "/")
    rows = page.locator("#ladder-rows tr")
    assert soon(page, lambda: rows.count() > 10)
    assert page.locator("#ladder-rows .take:not([hidden])").count() == 0, "a button without a name"
    before = page.input_value("#entry"), page.input_value("#entry-kind")
    rows.nth(3).click()
    page.wait_for_timeout(300)
    assert (page.input_value("#entry"), page.input_value("#entry-kind")) == before, "no entry at the price 0"


def test_candles_roll_over_without_a_gap_or_a_double(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    page.click("#chart-table-toggle")
    times = """() => [...document.querySelectorAll("#chart-table tr")].map((row) =>
      row.children[0].textContent)"""
    first: list[str] = []
    assert soon(page, lambda: first.extend(page.evaluate(times)) or len(first) > 5)
    page.click("#chart-table-toggle")
    page.wait_for_timeout(9_000)
    page.click("#chart-table-toggle")
    later: list[str] = page.evaluate(times)
    assert later[0] != first[0], "candles were closed meanwhile"
    minutes = [int(one[-5:-3]) * 60 + int(one[-2:]) for one in later]
    steps = {(a - b) % 1_440 for a, b in pairwise(minutes)}
    assert steps == {1}


def test_a_hidden_tab_paints_nothing_and_catches_up(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    hide = """(hidden) => { Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange")); }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(300)
    before = page.inner_text("#last")
    page.wait_for_timeout(2_500)
    assert page.inner_text("#last") == before
    page.evaluate(hide, False)
    assert soon(page, lambda: page.inner_text("#last") != before)


def test_a_desk_that_stands_still_is_stale(desk: DeskAt, watched: Watched) -> None:
    page = usable(watched.page(desk))
    os.kill(desk.process.pid, signal.SIGSTOP)
    try:
        assert soon(page, lambda: page.inner_text("#stale") == "stale", 10)
        assert page.locator("#place").is_disabled()
        assert "old" in page.inner_text("#place-note")
    finally:
        os.kill(desk.process.pid, signal.SIGCONT)
    assert soon(page, lambda: page.locator("#stale").is_hidden())
    usable(page)


def test_a_page_of_another_account_places_nothing(desk: DeskAt, watched: Watched) -> None:
    """A tab that shows another desk's badge may still stand when this one answers at its address."""
    page = usable(watched.page(desk))
    assert page.evaluate("fetch('/api/boot').then((a) => a.json()).then((b) => b.desk)") == (
        "binance:paper:main"
    )
    asked = """(name) => fetch("/api/size", { method: "POST", headers: { "x-desk": name }, body: "{}" })
      .then((answer) => answer.json()).then((told) => told.error.code)"""
    assert page.evaluate(asked, "binance:live:main") == "WEB-134"
    assert page.evaluate(asked, "binance:paper:main") == "WEB-110"


def test_what_stands_is_there_again_on_a_new_page(desk: DeskAt, exchange: Server, watched: Watched) -> None:
    page = usable(watched.page(desk))
    page.click("#place")
    assert soon(page, lambda: held(exchange) > 0)
    other = watched.page(desk)
    assert soon(other, lambda: other.locator("#line-held-stop").count() == 1)
    assert soon(other, lambda: other.locator("#line-held-entry").count() == 1)
    other.click("#tab-fills")
    assert soon(other, lambda: other.locator("#rows-fills tr").count() >= 1)
    clean(desk, exchange)


def test_the_trade_after_the_last_of_the_day_waits_until_tomorrow(
    desk: DeskAt, exchange: Server, watched: Watched
) -> None:
    """The last test that trades here: a bound that was tightened holds until tomorrow."""
    page = usable(watched.page(desk))
    taken = int(page.inner_text("#guard-trades").split(" ")[0])
    assert taken >= 1
    status, told = desk.asked("POST", "/api/settings", {"guard": {"trades_a_day": str(taken)}})
    assert (status, told["changed"][0]["when"]) == (200, "now")
    page.fill("#stop", "1.5%")
    assert soon(page, lambda: "trades" in page.inner_text("#refusal"))
    assert re.search(r"tomorrow|\d\d:\d\d", page.inner_text("#refusal")), page.inner_text("#refusal")
    assert page.locator("#place").get_attribute("aria-disabled") == "true"
    assert soon(page, lambda: "trades" in page.inner_text("#guard-locks"))
    assert not held(exchange)


# -- pages


def test_the_scan_sorts_filters_and_opens_a_row(demo: DeskProcess, watched: Watched) -> None:
    page = watched.page(demo, "/scan?venue=binance&equity=1000&risk=1%25&stop=2%25&top=40")
    shown = """(k) => [...document.querySelectorAll("#scan-rows tr")].filter((row) => !row.hidden)
      .map((row) => row.children[k].textContent)"""
    page.click('[data-column="1"]')
    prices = [number(one) for one in page.evaluate(shown, 1) if one != "–"]
    assert len(prices) > 5
    assert prices == sorted(prices, reverse=True)
    page.click('[data-column="1"]')
    assert [number(one) for one in page.evaluate(shown, 1) if one != "–"] == sorted(prices)
    page.fill("#scan-filter", "eth")
    assert soon(page, lambda: page.evaluate(shown, 0))
    assert all("ETH" in one for one in page.evaluate(shown, 0))
    page.click("#scan-rows a:visible")
    page.wait_for_selector("html[data-ready]")
    assert page.url.startswith(demo.origin + "/?contract=")
    assert page.input_value("#contract") == "binance:ETHUSDT"


def test_the_journal_adds_up(demo: DeskProcess, watched: Watched) -> None:
    """Rows, calendar and the journal itself: one sum."""
    page = watched.page(demo, "/journal")
    journal = Journal.at(demo.folder / "journal.sqlite")
    try:
        rows = rows_of(journal, journal.page(Wanted()))
    finally:
        journal.close()
    total = sum(Fraction(scaled_text(row["net_cash"])) for row in rows)
    cells = page.locator("#main table td:nth-child(7)").all_inner_texts()
    told = [number(one.split()[0].replace("−", "-")) for one in cells]
    assert len(told) == len(rows) == 30
    assert abs(sum(told) - total) <= Fraction(len(rows), 100), "each is cut to a cent"
    r = sum(Fraction(scaled_text(row["r8"])) for row in rows)
    texts = page.locator("#main .wide-only svg text").all_text_contents()
    summed = next(one for one in texts if "total" in one)
    assert abs(number(summed.split("total ")[1].split(" ")[0].replace("−", "-")) - r) <= Fraction(1, 10)


def test_the_demo_has_a_plan_that_goes_on_with_its_journal(demo: DeskProcess, watched: Watched) -> None:
    page = watched.page(demo, "/plan")
    said = page.inner_text("#main")
    assert "micro-first" in said
    assert "An example" in said
    page.click("summary")
    assert re.search(r"count\s+50 trades\s+30\s+✗ closed", page.inner_text("details table"))
    assert page.locator("figure svg:visible").count() == 2
    journal, plan = str(demo.folder / "journal.sqlite"), str(demo.folder / "plan.toml")
    for side, *words in (("buy", "100000", "--stop", "99500"), ("sell", "100500")):
        fill = ["journal", "add", CONTRACT, side, "0.001", *words, "--account", NAME]
        assert main([*fill, "--journal", journal, "--quiet"]) == 0
    go(page, demo.origin + "/plan")
    page.click("summary")
    assert re.search(r"count\s+50 trades\s+30\s", page.inner_text("details table")), (
        "it knows what it was told"
    )
    assert main(["plan", "check", plan, "--journal", journal, "--paper-account", NAME, "--quiet"]) == 0
    go(page, demo.origin + "/plan")
    page.click("summary")
    assert re.search(r"count\s+50 trades\s+31\s+✗ closed", page.inner_text("details table"))


def test_looks_and_zone_are_kept_and_change_names_alone(demo: DeskProcess, watched: Watched) -> None:
    page = watched.page(demo, "/settings")
    page.check('input[name="palette"][value="mono"]')
    page.fill("#time-zone", "Asia/Kolkata")
    page.keyboard.press("Tab")
    assert soon(page, lambda: "kept" in page.inner_text("#settings-note"))
    first = page.context.new_page()
    go(first, demo.origin + "/journal")
    assert first.get_attribute("html", "data-palette") == "mono"
    kolkata = first.locator("#main table td:nth-child(1)").all_inner_texts()
    nets = first.locator("#main table td:nth-child(7)").all_inner_texts()
    for change in ({"time_zone": "UTC"}, {"palette": "safe"}):
        assert demo.asked("POST", "/api/settings", change)[0] == 200
    go(first, demo.origin + "/journal")
    assert first.get_attribute("html", "data-palette") == "safe"
    utc = first.locator("#main table td:nth-child(1)").all_inner_texts()
    assert kolkata != utc
    minutes = {(_minute(a) - _minute(b)) % 1_440 for a, b in zip(kolkata, utc, strict=True)}
    assert minutes == {330}
    assert first.locator("#main table td:nth-child(7)").all_inner_texts() == nets


def _minute(text: str) -> int:
    hour, minute = text[-5:].split(":")
    return int(hour) * 60 + int(minute)


def test_focus_is_seen_and_comes_back_after_a_dialog(demo: DeskProcess, watched: Watched) -> None:
    page = usable(watched.page(demo))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    order = []
    for _ in range(40):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate("document.activeElement.closest('header, #handles, #ticket, .tables')?.id")
        )
        seen = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; })()"
        )
        assert seen, page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
    met = [one for k, one in enumerate(order) if one and one not in order[:k]]
    assert met[0] == "guard"
    assert "handles" in met
    page.focus("#open-help")
    page.keyboard.press("Enter")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()
    assert page.evaluate("document.activeElement.id") == "open-help"


def test_less_motion_and_forced_colours_are_kept(demo: DeskProcess, watched: Watched) -> None:
    page = usable(watched.page(demo, reduced_motion="reduce", forced_colors="active"))
    page.hover("#flatten")
    page.mouse.down()
    seconds = page.evaluate("getComputedStyle(document.querySelector('.flatten-fill')).transitionDuration")
    page.mouse.up()
    assert seconds == "0s"
    width = page.evaluate("getComputedStyle(document.getElementById('side-long')).outlineWidth")
    assert width == "2px", "what is chosen is seen without colours"


def test_sizes_need_no_account_and_no_network(chrome: Any, watched: Watched, tmp_path: Path) -> None:
    desk = DeskProcess(tmp_path, None)
    try:
        page = watched.page(desk.enter(), "/size")
        assert page.inner_text("#mode-badge") == "○ NO ACCOUNT"
        page.fill("#equity", "1000")
        page.fill("#entry", "65000")
        page.fill("#stop", "2%")
        page.fill("#risk", "1%")
        assert soon(page, lambda: page.inner_text("#answer-size") == "0.007 BTC")
        assert page.locator("#place").count() == 0
        assert page.locator("#flatten").count() == 0
    finally:
        desk.stop()


def test_an_old_address_gets_a_page_that_says_what_to_do(demo: DeskProcess, watched: Watched) -> None:
    page = watched.context(Stranger(demo)).new_page()
    for path in ("/", "/journal", "/login?token=of-an-earlier-desk"):
        answer = page.goto(demo.origin + path)
        assert answer is not None
        assert answer.status == 401
        assert "Was the desk started again?" in page.inner_text("main")
        assert page.evaluate("getComputedStyle(document.querySelector('.panel')).borderTopStyle") == "solid"


class Stranger:
    """A desk whose cookie is not known."""

    def __init__(self, desk: DeskProcess) -> None:
        self.origin, self.cookie = desk.origin, ""
