"""Measure the desk in a browser: ``python -m tools.desk_figures``, where chromium is; a quarter of an hour.

An exchange and a desk run in processes of their own, the market ten times as fast as time, so that the desk
has a frame for the page every tenth of a second. The page asks for candles as ever and finds 100,000: those
of the desk behind older ones that are made up here. The figures go to docs/desk_figures.json and, as a table,
into docs/desk.md; what else the machine did meanwhile is measured and said.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.machine import machine_line
from tests.exchange.served import Server
from tests.web.conftest import WIDE, opened_browser
from tests.web.desk_rig import CONTRACT, DeskProcess
from tests.web.test_browser_trade import DeskAt, usable

ROOT: Final = Path(__file__).resolve().parents[1]
FIGURES: Final = ROOT / "docs" / "desk_figures.json"
PAGE: Final = ROOT / "docs" / "desk.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
BARS: Final = 100_000
STEP_S: Final = 3_600
COLUMNS: Final = 6
LOADS, STOPS, SECONDS = 7, 30, 10
MARKET = ("--contracts", "BTCUSDT,ETHUSDT", "--start", "now", "--history-hours", "6", "--scenario", "storm")
SPEED: Final = 10
MANY: Final = 50
QUIET_SHARE: Final = 0.1
"""Of all cores: what others may use while a figure is called one of a quiet machine."""
FAR: Final = 20_000
"""Pixels of the wheel: as far back as the chart goes at once."""
LONGEST_S: Final = 90.0
"""Until all candles must be there: they come when they come, later on a busy machine."""
READY = """new MutationObserver(() => {
  if (document.documentElement?.dataset.ready !== undefined) window.readyAt ??= performance.now();
}).observe(document, { attributes: true, subtree: true, childList: true });"""
TYPED = """(text) => new Promise((done) => {
  const stop = document.getElementById("stop"), shown = document.getElementById("answer-loss");
  const begin = performance.now();
  const eye = new MutationObserver(() => requestAnimationFrame(() => {
    eye.disconnect(); done(performance.now() - begin); }));
  eye.observe(shown, { characterData: true, subtree: true, childList: true });
  stop.value = text; stop.dispatchEvent(new Event("input", { bubbles: true })); })"""
SMOOTH = """(seconds) => new Promise((done) => {
  const long = []; let frames = 0; const begin = performance.now();
  new PerformanceObserver((list) => list.getEntries().forEach((one) => long.push(one.duration)))
    .observe({ entryTypes: ["longtask"] });
  const turn = () => { frames += 1; performance.now() - begin < seconds * 1000 ? requestAnimationFrame(turn)
    : done({ fps: frames / seconds, long }); };
  requestAnimationFrame(turn); })"""


# -- candles


def longer(body: bytes, bars: int = BARS) -> list[list[int]]:
    """The columns of an answer of /api/history behind older candles, whose opening prices all differ."""
    _, count, base_ms = struct.unpack_from("<4sIq", body)
    own = [list(struct.unpack_from(f"<{count}i", body, 16 + 4 * count * at)) for at in range(COLUMNS)]
    missing = bars - count
    opens = [own[1][0] - missing + at for at in range(missing)]
    closes = [price + at * 37 % 301 - 150 for at, price in enumerate(opens)]
    older = [
        [base_ms // 1_000 - (missing - at) * STEP_S for at in range(missing)],
        opens,
        [max(pair) + 50 for pair in zip(opens, closes, strict=True)],
        [min(pair) - 50 for pair in zip(opens, closes, strict=True)],
        closes,
        [100 + at % 900 for at in range(missing)],
    ]
    own[0] = [base_ms // 1_000 + one for one in own[0]]
    return [[*before, *after] for before, after in zip(older, own, strict=True)]


def answered(columns: list[list[int]], count: int, before_ms: int) -> bytes:
    """What the desk would answer if these were its candles."""
    times = columns[0]
    end = sum(at_s * 1_000 < before_ms for at_s in times) if before_ms else len(times)
    begin = max(0, end - count)
    base_s = times[begin] if begin < end else 0
    parts = [[at_s - base_s for at_s in times[begin:end]], *(column[begin:end] for column in columns[1:])]
    packed = b"".join(struct.pack(f"<{end - begin}i", *part) for part in parts)
    return struct.pack("<4sIq", b"LWH1", end - begin, base_s * 1_000) + packed


def with_candles(page: Any, bars: int = BARS) -> list[list[int]]:
    """Let a page find so many candles; the columns are there once it has asked."""
    from urllib.parse import parse_qs, urlsplit

    kept: list[list[int]] = []

    def told(route: Any) -> None:
        if not kept:
            kept.extend(longer(route.fetch().body(), bars))
        asked = parse_qs(urlsplit(route.request.url).query)
        body = answered(kept, int(asked["count"][0]), int(asked.get("before_ms", ["0"])[0]))
        route.fulfill(body=body)

    page.route("**/api/history*", told)
    return kept


def scrolled_back(page: Any, bars: int = BARS) -> list[int]:
    """Turn the wheel until the oldest candle is there; how many candles the chart was given on the way."""
    page.wait_for_selector("#chart[data-given]")
    chart = page.locator("#chart")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
    for _ in range(30):
        page.mouse.wheel(0, 100)
    given: list[int] = []
    seen: dict[str, str] = {}
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < LONGEST_S:
        page.mouse.wheel(-FAR, 0)
        page.wait_for_timeout(60)
        seen = chart.evaluate("(node) => ({ ...node.dataset })")
        given.append(int(seen["given"]))
        if int(seen["candles"]) >= bars and seen["from"] == "0":
            page.mouse.wheel(-FAR, 0)
            page.wait_for_timeout(300)
            return given
    raise AssertionError(f"the oldest of {bars} candles is not reached: {seen}")


# -- processes


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in the machine."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def busy_share(seconds: float = 5.0) -> float:
    """What share of all cores is used, before anything here is begun."""

    def ticks() -> tuple[int, int]:
        found = [
            int(one) for one in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]
        ]
        return sum(found), found[3] + found[4]

    whole, idle = ticks()
    asyncio.run(asyncio.sleep(seconds))
    later, idle_later = ticks()
    return 1 - (idle_later - idle) / max(1, later - whole)


@contextmanager
def desk(folder: Path) -> Iterator[DeskProcess]:
    """A desk on an exchange of its own."""
    (folder / "desk").mkdir()
    exchange = Server(folder / "exchange", *MARKET, speed=SPEED)
    try:
        exchange.account()
        found = DeskAt(folder / "desk", exchange)
        try:
            yield found.enter().ready()
        finally:
            found.stop()
    finally:
        exchange.stop()


def window(browser: Any, served: DeskProcess) -> Any:
    """A window that is let in."""
    context = browser.new_context(viewport=WIDE)
    name, _, value = served.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": served.origin}])
    return context


# -- figures


def loads(browser: Any, served: DeskProcess) -> dict[str, float]:
    """Seconds from navigation to a usable page: the first visit, and the median of later ones."""
    context = window(browser, served)
    context.add_init_script(READY)
    page = context.new_page()
    found = []
    for _ in range(LOADS):
        page.goto(served.origin + "/")
        page.wait_for_selector("html[data-ready]")
        found.append(page.evaluate("window.readyAt") / 1000)
    context.close()
    return {"usable_first_s": found[0], "usable_later_s": median(found[1:])}


def typing(browser: Any, served: DeskProcess) -> dict[str, float]:
    """Milliseconds from a stop that was typed to its loss on the screen."""
    context = window(browser, served)
    page = context.new_page()
    page.goto(served.origin + "/")
    usable(page)
    page.select_option("#entry-kind", "limit")
    shown = page.inner_text("#last").split()[1].replace(",", "")
    page.fill("#entry", f"{float(shown):.1f}")
    page.wait_for_timeout(500)
    found = [page.evaluate(TYPED, f"{1 + at / 50:.2f}%") for at in range(1, STOPS + 1)]
    context.close()
    return {"typed_ms": median(found), "typed_most_ms": max(found)}


def smooth(browser: Any, served: DeskProcess) -> dict[str, float]:
    """Frames a second and long tasks with all candles in the page: at the newest, and zoomed out."""
    context = window(browser, served)
    page = context.new_page()
    got = [0]
    page.on("websocket", lambda line: line.on("framereceived", lambda _: got.__setitem__(0, got[0] + 1)))
    with_candles(page)
    page.goto(served.origin + "/?interval=1h")
    usable(page)
    page.wait_for_timeout(1_000)
    given = scrolled_back(page)
    far = page.evaluate(SMOOTH, SECONDS)
    box = page.locator("#chart").bounding_box()
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] - 10)
    page.wait_for_timeout(2_000)
    frames, used = got[0], cpu_s(served.process.pid)
    near = page.evaluate(SMOOTH, SECONDS)
    used = (cpu_s(served.process.pid) - used) / SECONDS
    frames = got[0] - frames
    context.close()
    return {
        "candles": BARS,
        "given_most": max(given),
        "messages_per_s": frames / SECONDS,
        "fps": near["fps"],
        "longest_ms": max(near["long"], default=0.0),
        "far_fps": far["fps"],
        "far_longest_ms": max(far["long"], default=0.0),
        "browser_server_percent": used * 100,
    }


async def watched(served: DeskProcess, clients: int) -> tuple[float, float]:
    """Frames a second of each of so many clients, and the percent of a core that the desk uses meanwhile."""
    from websockets.asyncio.client import connect

    headers = {"Cookie": served.cookie, "Origin": served.origin}
    frames = [0] * clients

    async def look(at: int) -> None:
        async with connect(
            f"ws://127.0.0.1:{served.port}/ws", additional_headers=headers, proxy=None, compression=None
        ) as line:
            await line.send(json.dumps({"watch": CONTRACT, "interval": "1m"}))
            async for message in line:
                frames[at] += '"frame"' in str(message[:20])

    looking = [asyncio.ensure_future(look(at)) for at in range(clients)]
    await asyncio.sleep(2)
    before, used, began = sum(frames), cpu_s(served.process.pid), time.monotonic()
    await asyncio.sleep(2 * SECONDS)
    lasted = time.monotonic() - began
    used, rate = cpu_s(served.process.pid) - used, (sum(frames) - before) / max(1, clients) / lasted
    for one in looking:
        one.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    return rate, used / lasted * 100


def serving(served: DeskProcess) -> dict[str, float]:
    """What the desk's process uses: with nobody, one and many who look."""
    _, idle = asyncio.run(watched(served, 0))
    one_rate, one = asyncio.run(watched(served, 1))
    many_rate, many = asyncio.run(watched(served, MANY))
    return {
        "idle_percent": idle,
        "one_percent": one,
        "one_frames_per_s": one_rate,
        "many_clients": MANY,
        "many_percent": many,
        "many_frames_per_s": many_rate,
    }


def kept_bytes(page: Any, served: DeskProcess, warm_s: float, seconds: float) -> dict[str, list[int]]:
    """Memory that is really held, again and again: the page's after a collection, the desk's process.

    Parameters
    ----------
    warm_s
        Before the first look: caches fill, code is compiled.
    """
    line = page.context.new_cdp_session(page)
    line.send("Performance.enable")
    found: dict[str, list[int]] = {"page": [], "nodes": [], "listeners": [], "server": []}
    page.wait_for_timeout(warm_s * 1_000)
    looks = 10
    for _ in range(looks + 1):
        line.send("HeapProfiler.collectGarbage")
        told = {one["name"]: int(one["value"]) for one in line.send("Performance.getMetrics")["metrics"]}
        found["page"].append(told["JSHeapUsedSize"])
        found["nodes"].append(told["Nodes"])
        found["listeners"].append(told["JSEventListeners"])
        found["server"].append(resident_bytes(served.process.pid))
        page.wait_for_timeout(seconds * 1_000 / looks)
    return found


def growth(values: list[int]) -> int:
    """How much more the last third holds than the first, by their medians."""
    third = max(1, len(values) // 3)
    return int(median(values[-third:]) - median(values[:third]))


def memory(browser: Any, served: DeskProcess, minutes: float) -> dict[str, float]:
    """What page and server hold at the end, and how much more than at the beginning."""
    context = window(browser, served)
    page = context.new_page()
    page.goto(served.origin + "/")
    usable(page)
    seconds = minutes * 60
    found = kept_bytes(page, served, min(60.0, seconds / 3), seconds)
    context.close()
    return {
        "minutes": minutes,
        "page_mib": found["page"][-1] / 2**20,
        "page_growth_mib": growth(found["page"]) / 2**20,
        "server_mib": found["server"][-1] / 2**20,
        "server_growth_mib": growth(found["server"]) / 2**20,
    }


# -- what is written


def table(found: Mapping[str, Any]) -> str:
    """The figures as docs/desk.md shows them, with what was asked for."""
    it = found["figures"]
    state = "otherwise quiet" if found["is_quiet"] else "shared with other work"
    rows = [
        (
            "usable after navigation",
            "1 s",
            f"{it['usable_first_s']:.2f} s at first, {it['usable_later_s']:.2f} s later",
        ),
        (
            "stop typed to its loss on the screen",
            "50 ms",
            f"{it['typed_ms']:.0f} ms, {it['typed_most_ms']:.0f} ms at most of {STOPS}",
        ),
        (
            f"{it['candles']:,} candles, at the newest",
            "50 frames a second, no task over 100 ms",
            f"{it['fps']:.0f} frames a second, the longest task {words(it['longest_ms'])}",
        ),
        (
            f"{it['candles']:,} candles, zoomed out at the oldest",
            "the same",
            f"{it['far_fps']:.0f} frames a second, the longest task {words(it['far_longest_ms'])}",
        ),
        (
            f"the desk's process, one client, {it['one_frames_per_s']:.1f} frames a second",
            "2 % of a core",
            f"{it['one_percent']:.1f} %; {it['idle_percent']:.1f} % with none",
        ),
        (
            f"the desk's process, {it['many_clients']} clients,"
            f" {it['many_frames_per_s']:.1f} frames a second each",
            "10 % of a core",
            f"{it['many_percent']:.1f} %",
        ),
        (
            f"memory over {it['minutes']:g} minutes",
            "flat",
            f"page {it['page_mib']:.1f} MiB, {it['page_growth_mib']:+.1f};"
            f" desk {it['server_mib']:.0f} MiB, {it['server_growth_mib']:+.1f}",
        ),
    ]
    head = (
        f"On {found['machine']}, {state} (others used {found['others_percent']:.0f} % of the cores"
        f" just before); chromium {found['chromium']} without a graphics card.\n\n"
        "| what | asked | figure |\n|---|---|---|\n"
    )
    return head + "".join(f"| {what} | {asked} | {figure} |\n" for what, asked, figure in rows)


def words(longest_ms: float) -> str:
    """The browser names only tasks over 50 ms."""
    return f"{longest_ms:.0f} ms" if longest_ms else "under 50 ms"


def written(found: Mapping[str, Any]) -> None:
    """Keep the figures, and show them in the page."""
    FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table(found) + END + after, encoding="utf-8")


def main() -> None:
    """Measure, print and keep the figures."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--minutes", type=float, default=10, help="how long memory is looked at")
    reader.add_argument("--only-print", action="store_true", help="leave the files as they are")
    chosen = reader.parse_args()
    others = busy_share()
    with tempfile.TemporaryDirectory() as folder, desk(Path(folder)) as served:
        figures = serving(served)
        with opened_browser() as browser:
            figures |= loads(browser, served) | typing(browser, served) | smooth(browser, served)
            figures |= memory(browser, served, chosen.minutes)
            version = str(browser.version).partition(".")[0]
    found = {
        "machine": machine_line(),
        "chromium": version,
        "is_quiet": others < QUIET_SHARE,
        "others_percent": round(others * 100, 1),
        "figures": {name: round(value, 3) for name, value in figures.items()},
    }
    print(table(found))
    if not chosen.only_print:
        written(found)


if __name__ == "__main__":
    main()
