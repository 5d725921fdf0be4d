"""What the desk's figures rest on: all candles can be reached, few are drawn from, memory does not grow."""

from __future__ import annotations

import json
import os
import random
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[web] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

from tests.web.conftest import Watched
from tests.web.desk_rig import DeskProcess
from tests.web.test_browser_trade import soon, usable
from tools import desk_figures as figures

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROOF = os.environ.get("LOTWISE_PROFILE") == "proof"
BARS = 100_000 if PROOF else 20_000
MOST_GIVEN = 9_000
DRAGS = 40
WARM_S, LOOKED_S = (60.0, 600.0) if PROOF else (6.0, 20.0)
PAGE_BYTES, SERVER_BYTES = 2**20, 6 * 2**20
"""What page and server may hold more of after that time: caches still fill, heaps are not given back."""
KEPT = """async ([name, before, after, part]) => {
  const { Part } = await import(name);
  const found = Object.assign(new Part(), part);
  found.keep(before.map((time) => ({ time })), after.map((time) => ({ time })));
  return [found.from, found.to]; }"""
PART = """async ([name, shown, count, part]) => {
  const { Part } = await import(name);
  const found = Object.assign(new Part(), part);
  const moved = found.follow(shown, count);
  return { moved, from: found.from, to: found.to }; }"""


@pytest.fixture(scope="module")
def desk(chrome: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    with figures.desk(tmp_path_factory.mktemp("figures")) as found:
        yield found


def opens_under(page: Page, share: float) -> int:
    """The opening price, in ticks, of the candle under the pointer at a share of the chart's width."""
    box = page.locator("#chart").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.3 * box["height"])
    found = soon(page, lambda: re.match(r"O ([\d,.]+)", page.inner_text("#legend")), 5)
    assert found, "no candle under the pointer"
    return int(found[1].replace(",", "").replace(".", ""))


def at_rest(page: Page, share: float) -> int:
    """The same when the chart has come to rest: on a busy machine it is painted after the hand has let go."""
    before, same = 0, 0
    for _ in range(60):
        found = opens_under(page, share)
        before, same = found, same + 1 if found == before else 0
        if same == 3:
            return found
        page.wait_for_timeout(100)
    raise AssertionError("the chart does not come to rest")


def seen(page: Page) -> dict[str, int]:
    told = page.locator("#chart").evaluate("(node) => ({ ...node.dataset })")
    return {name: int(value) for name, value in told.items()}


def test_the_oldest_of_many_candles_is_reached_and_the_newest_again(
    desk: DeskProcess, watched: Watched
) -> None:
    page = watched.context(desk).new_page()
    columns = figures.with_candles(page, BARS)
    page.goto(desk.origin + "/?interval=1h")
    usable(page)
    assert soon(page, lambda: seen(page).get("given"))
    assert len(columns[0]) == BARS
    assert len(set(columns[1][:-10])) > BARS - 30, "opening prices name their candle"
    given = figures.scrolled_back(page, BARS)
    assert max(given) <= MOST_GIVEN < BARS
    at = {price: number for number, price in reversed(list(enumerate(columns[1])))}
    # A little back towards now, so that the oldest stands inside the chart.
    page.mouse.wheel(1_000, 0)
    page.wait_for_timeout(400)
    numbers = [at[opens_under(page, share)] for share in (0.3, 0.4, 0.5, 0.6)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 4
    assert numbers[-1] < MOST_GIVEN
    assert seen(page)["from"] == 0
    old = numbers[0]
    for _ in range(8):
        page.mouse.wheel(700, 0)
        page.wait_for_timeout(120)
    later = at[opens_under(page, 0.3)]
    assert later - old > MOST_GIVEN / 3
    assert old < later, "the wheel the other way goes to newer ones"
    assert seen(page)["given"] <= MOST_GIVEN
    box = page.locator("#chart").bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] - 10)
    assert soon(page, lambda: seen(page)["from"] + seen(page)["given"] == seen(page)["candles"])
    page.wait_for_timeout(300)
    assert at[opens_under(page, 0.5)] > BARS - 300
    assert seen(page)["given"] <= MOST_GIVEN


def test_the_wheel_over_a_handle_is_the_charts_and_leaves_no_page(
    desk: DeskProcess, watched: Watched
) -> None:
    page = watched.context(desk).new_page()
    figures.with_candles(page, BARS)
    page.goto(desk.origin + "/?interval=1h")
    usable(page)
    assert soon(page, lambda: seen(page).get("given"))
    before = seen(page)["candles"]
    handle = page.locator(".handle[role=slider]").first
    for number in range(40):
        if number % 10 == 0:
            box = handle.bounding_box()
            assert box is not None
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.wheel(-20_000, 0)
        page.wait_for_timeout(30)
        assert page.url == desk.origin + "/?interval=1h", "a wish to scroll is no wish to go back a page"
    assert soon(page, lambda: seen(page)["candles"] > before)
    assert page.evaluate("history.length") > 1, "there is a page to go back to"
    kept = page.evaluate("getComputedStyle(document.documentElement).overscrollBehaviorX")
    assert kept == "none", "nor is it one elsewhere on the page"


def test_a_drag_does_not_jump_when_the_part_is_laid_anew(desk: DeskProcess, watched: Watched) -> None:
    page = watched.context(desk).new_page()
    columns = figures.with_candles(page, BARS)
    page.goto(desk.origin + "/?interval=1h")
    usable(page)
    figures.scrolled_back(page, BARS)
    for _ in range(6):
        page.mouse.wheel(900, 0)
        page.wait_for_timeout(80)
    at = {price: number for number, price in reversed(list(enumerate(columns[1])))}
    box = page.locator("#chart").bounding_box()
    assert box is not None
    parts, ways = set(), list[int]()
    y = box["y"] + 0.3 * box["height"]
    while len(ways) < DRAGS and not (len(parts) > 1 and len(ways) >= 6):
        page.mouse.move(box["x"] + 0.8 * box["width"], y)
        taken = at[at_rest(page, 0.8)]
        page.mouse.down()
        page.mouse.move(box["x"] + 0.2 * box["width"], y, steps=6)
        page.mouse.up()
        ways.append(taken - at[at_rest(page, 0.2)])
        parts.add(seen(page)["from"])
    assert len(parts) > 1, "the part was laid anew on the way"
    # Where the trade's lines come into view the price scale is wider: the candles have a hundredth less room.
    assert max(ways) - min(ways) <= max(ways) // 8, "the candles go with the hand in all drags alike"


def test_a_part_holds_what_is_seen_and_a_screen_at_each_side(desk: DeskProcess, watched: Watched) -> None:
    page = watched.page(desk)
    name = page.evaluate("[...document.scripts].map((one) => one.src).find((one) => one.endsWith('desk.js'))")
    name = str(name).replace("desk.js", "history.js")
    draw = random.Random(11)
    laid = 0
    for _ in range(300):
        count = draw.choice([1, 500, 6_000, 6_001, 40_000, 100_000])
        begin = draw.randrange(count)
        part = {"from": begin, "to": draw.randint(begin + 1, count)}
        span = draw.choice([30, 140, 2_000, 7_000])
        begins = draw.randint(-span, count)
        shown = {"from": begins, "to": begins + span}
        found = page.evaluate(PART, [name, shown, count, part])
        low, high = found["from"], found["to"]
        laid += found["moved"]
        assert found["moved"] == ((low, high) != (part["from"], part["to"]))
        assert 0 <= low < high <= count
        assert low == 0 or low <= shown["from"] - span
        assert high == count or high >= shown["to"] + span
        assert high - low <= 2 * max(6_000, 4 * span)
        again = page.evaluate(PART, [name, shown, count, {"from": low, "to": high}])
        assert not again["moved"], "it comes to rest"
    assert laid > 50


def test_a_part_holds_its_candles_when_others_come_or_go(desk: DeskProcess, watched: Watched) -> None:
    """Older ones before them, newer ones behind, the last ones again, all anew: by their times, as sets."""
    page = watched.page(desk)
    name = page.evaluate("[...document.scripts].map((one) => one.src).find((one) => one.endsWith('desk.js'))")
    name = str(name).replace("desk.js", "history.js")
    draw, anew = random.Random(12), 0
    for _ in range(200):
        before = list(range(1_000, 1_000 + draw.randrange(1, 40)))
        begin = draw.randrange(len(before))
        part = {"from": begin, "to": draw.choice([len(before), draw.randint(begin + 1, len(before))])}
        after = list(range(1_000 - draw.choice([0, 7]), before[-1] + 1 + draw.choice([-1, 0, 1, 3])))
        if draw.random() < 0.2:  # after a hole, or nothing at all
            after = list(range(2_000, 2_000 + draw.randrange(9)))
        low, high = page.evaluate(KEPT, [name, before, after, part])
        held, holds = set(before[begin : part["to"]]), after[low:high]
        stays = held & set(after)
        if stays and part["to"] == len(before):
            assert holds == [one for one in after if one >= before[begin]], "and the newest, as before"
        elif stays:
            assert set(holds) == stays
        else:
            anew += 1
            assert holds == after[-6_000:]
    assert 10 < anew < 100


def test_answers_of_the_figures_are_those_of_a_desk() -> None:
    own = struct.pack("<4sIq", b"LWH1", 2, 3_600_000_000) + struct.pack(
        "<12i", 0, 3_600, 500_000, 500_010, 9, 9, 8, 8, 7, 7, 6, 6
    )
    columns = figures.longer(own, 50)
    assert [len(column) for column in columns] == [50] * 6
    assert figures.answered(columns, 2, 0) == own
    older = figures.answered(columns, 10, 3_600_000_000)
    _, count, base_ms = struct.unpack_from("<4sIq", older)
    assert (count, base_ms) == (10, 3_600_000_000 - 10 * 3_600_000)
    assert figures.growth([5, 9, 5, 7, 7, 8, 6, 6, 6]) == 1


def test_memory_is_flat(desk: DeskProcess, watched: Watched) -> None:
    page = usable(watched.page(desk))
    found = figures.kept_bytes(page, desk, WARM_S, LOOKED_S)
    assert min(found["page"]) > 2**20
    assert min(found["server"]) > 20 * 2**20
    assert figures.growth(found["page"]) < PAGE_BYTES, found["page"]
    assert figures.growth(found["server"]) < SERVER_BYTES, found["server"]
    assert figures.growth(found["nodes"]) < 500, found["nodes"]
    assert figures.growth(found["listeners"]) < 100, found["listeners"]


def test_the_page_tells_the_figures_that_were_kept() -> None:
    kept = json.loads(figures.FIGURES.read_text(encoding="utf-8"))
    text = Path(figures.PAGE).read_text(encoding="utf-8")
    assert figures.BEGIN + figures.table(kept) + figures.END in text
    assert kept["figures"]["candles"] == 100_000
