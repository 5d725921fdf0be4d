"""Every picture: valid, safe, the same bytes each time, its words apart from each other and from the data."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lotwise.charts.bars import bar_table, histogram
from lotwise.charts.book import depth, slippage
from lotwise.charts.calendar import calendar_days, calendar_months
from lotwise.charts.candles import Overlay, candles
from lotwise.charts.footprint import Footprint, footprint
from lotwise.charts.heat import correlation, heat
from lotwise.charts.lettering import Box, text_box
from lotwise.charts.lines import Series, curve, equity, lines, small_multiples, sparkline
from lotwise.charts.marks import Level, Session, Trade
from lotwise.charts.page import check_picture
from lotwise.charts.panels import Lower, ribbon
from lotwise.charts.rotation import rotation
from lotwise.charts.svg import Canvas, without_style
from lotwise.charts.theme import HEAT_STYLE, STYLE
from lotwise.charts.thin import Bars
from tools.chart_gallery import RowsOfVolume, gallery, main

SVG = "{http://www.w3.org/2000/svg}"
START = 1_746_316_800_000_000_000
MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
NASTY = "<script>alert(1)</script> & \"x\" 'y' \x00\x1b \ud800 ]]> \u202e {0} url(//e) 日本"
NAMES = ["BTC", "ETH", "SOL", "a market with a very long name indeed"]


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def some_bars(count: int = 96, seed: int = 1, bar_ns: int = 15 * MINUTE) -> Bars:
    made = rng(seed)
    close = 650_000 + np.cumsum(made.integers(-300, 301, count))
    first = np.concatenate([[650_000], close[:-1]])
    high = np.maximum(first, close) + made.integers(0, 200, count)
    low = np.minimum(first, close) - made.integers(0, 200, count)
    return Bars(
        START + np.arange(count) * bar_ns, first, high, low, close, made.integers(0, 999, count), bar_ns
    )


def full_candles(title: str, width: int) -> str:
    bars = some_bars()
    times = bars.time_ns
    return candles(
        bars,
        "0.1",
        title=title,
        levels=[
            Level(650_100, "entry", "entry"),
            Level(650_105, "b/e", "break-even"),
            Level(649_000, "stop", "stop"),
            Level(652_000, "TP1 of a long name", "target"),
            Level(435_933, "liquidation", "liquidation"),
            Level(990_000, "far", "other"),
        ],
        trades=[Trade(int(times[9]), 650_100, "long"), Trade(int(times[40]), 650_500, "exit")],
        stop_path=[(int(times[9]), 649_000), (int(times[30]), 649_900), (int(times[40]), None)],
        sessions=[
            Session(START, START + 7 * HOUR, title),
            Session(START + 7 * HOUR, START + 9 * HOUR, "London"),
        ],
        overlays=[Overlay(title, times, np.asarray(bars.close_ticks) * 1.0)],
        lower=[
            Lower("CVD", times, rng().normal(0, 9, 96).cumsum()),
            Lower("delta", times, rng().normal(0, 9, 96), "bars"),
            Lower("area", times, rng().normal(5, 1, 96), "area"),
        ],
        regimes=[Session(START, START + HOUR, "calm"), Session(START + HOUR, START + 9 * HOUR, title)],
        profile=RowsOfVolume(bars, 100),
        lot_size="0.001",
        unit="BTC",
        width=width,
    )


def series(count: int = 3) -> list[Series]:
    times = START + np.arange(300) * HOUR
    return [Series(NAMES[i % 4], times, rng(i).normal(0, 1, 300).cumsum() + 100) for i in range(count)]


def days() -> dict[date, float]:
    return {date(2025, 3, 3) + timedelta(i): round(float(rng(i).normal(0, 2)), 2) for i in range(0, 400, 3)}


def cells(count: int) -> list[Footprint]:
    made = rng(3)
    return [
        Footprint(
            START + i * HOUR, 650_000 + 10 * np.arange(7), made.integers(0, 90, 7), made.integers(0, 2_000, 7)
        )
        for i in range(count)
    ]


def tails() -> dict[str, tuple[Any, Any]]:
    return {
        f"{name}{i}": (100 + rng(i).normal(0, 2, 6), 100 + rng(i + 9).normal(0, 2, 6))
        for i in range(3)
        for name in NAMES
    }


BID = 650_000 - np.arange(40) * 3
ASK = 650_002 + np.arange(40) * 3
LOTS = rng(5).integers(1, 900, 40)
MATRIX = np.corrcoef(rng(4).normal(0, 1, (4, 50)))

CHARTS: dict[str, Callable[[str, int], str]] = {
    "candles": full_candles,
    "many candles": lambda title, width: candles(some_bars(5_000), "0.1", title=title, width=width),
    "lines": lambda title, width: lines(series(), title=title, unit="USDT", width=width),
    "area": lambda title, width: lines(series(1), title=title, area=True, zero=True, width=width),
    "log": lambda title, width: lines(series(1), title=title, log=True, width=width),
    "curve": lambda title, width: curve(
        [Series("a", [1, 2, 3], [0, 5, 6])], title=title, where_unit="lots", unit="bp", width=width
    ),
    "equity": lambda title, width: equity(
        START + np.arange(500) * 24 * HOUR,
        1000 + rng().normal(0, 9, 500).cumsum(),
        title=title,
        unit="USDT",
        width=width,
    ),
    "sparkline": lambda title, width: sparkline(rng().normal(0, 1, 90).cumsum(), title=title, width=width),
    "small multiples": lambda title, width: small_multiples(series(11), title=title, width=width),
    "histogram": lambda title, width: histogram(rng().normal(0.1, 1, 500), title=title, width=width),
    "bar table": lambda title, width: bar_table(
        NAMES, [3.2, -1.5, 0, float("nan")], notes=["n 3", "n 9", "", "none yet"], title=title, width=width
    ),
    "depth": lambda title, width: depth(
        BID, LOTS, ASK, LOTS, tick_size="0.1", title=title, lot_size="0.001", width=width
    ),
    "slippage": lambda title, width: slippage(
        np.arange(1, 40),
        np.arange(39) * 0.1,
        [None] * 9 + [1.0] * 30,
        title=title,
        size_unit="BTC",
        width=width,
    ),
    "footprint": lambda title, width: footprint(cells(9), "0.1", title=title, row_ticks=10, width=width),
    "correlation": lambda title, width: correlation(NAMES, MATRIX, title=title, width=width),
    "heat": lambda title, width: heat(
        ["a", "b"], [str(n) for n in range(12)], rng().normal(0, 1, (2, 12)), title=title, width=width
    ),
    "calendar days": lambda title, width: calendar_days(days(), title=title, width=width),
    "calendar months": lambda title, width: calendar_months(days(), title=title, width=width),
    "rotation": lambda title, width: rotation(tails(), title=title, width=width),
    "ribbon": lambda title, width: ribbon(
        [Session(START + i * HOUR, START + (i + 1) * HOUR, NAMES[i % 4]) for i in range(40)],
        title=title,
        width=width,
    ),
}
EMPTY: dict[str, Callable[[], str]] = {
    "candles": lambda: candles(Bars([], [], [], [], []), "0.1", title="none"),
    "lines": lambda: lines([], title="none"),
    "curve": lambda: curve([], title="none", where_unit="x", unit="y"),
    "equity": lambda: equity([START], [None], title="none", unit="USDT"),
    "small multiples": lambda: small_multiples([], title="none"),
    "histogram": lambda: histogram([], title="none"),
    "bar table": lambda: bar_table([], [], title="none"),
    "depth": lambda: depth([], [], [], [], tick_size="1", title="none"),
    "footprint": lambda: footprint([], "1", title="none"),
    "correlation": lambda: correlation([], [], title="none"),
    "calendar days": lambda: calendar_days({}, title="none"),
    "calendar months": lambda: calendar_months({}, title="none"),
    "rotation": lambda: rotation({}, title="none"),
    "ribbon": lambda: ribbon([], title="none"),
}
EVERY = pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS.keys())


def root_of(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def text_boxes(root: ElementTree.Element) -> list[tuple[str, Box]]:
    """Each text with its box, by the estimate of the package."""
    found = []
    for text in root.iter(f"{SVG}text"):
        x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
        words, bold = text.text or "", text.attrib["class"] == "lw-bold"
        if "transform" in text.attrib:
            flat = text_box(0, 0, words, size)
            box = Box(x + flat.top, y - flat.right, x + flat.bottom, y)
        else:
            box = text_box(x, y, words, size, text.attrib.get("text-anchor", "start"), bold)
        found.append((words, box))
    return found


def assert_words_apart(svg: str, grid: bool = True) -> None:
    root = root_of(svg)
    wide, high = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = text_boxes(root)
    for words, box in boxes:
        inside = box.left >= -0.5 and box.right <= wide + 0.5 and box.top >= 0 and box.bottom <= high
        assert inside, f"{words!r} leaves the picture: {box} of {wide} x {high}"
    for (a, one), (b, other) in combinations(boxes, 2):
        assert not one.meets(other), f"{a!r} meets {b!r}: {one} {other}"
    if not grid:
        return
    for line in root.iter(f"{SVG}line"):
        if line.attrib["class"] == "lw-grid":
            x1, y1, x2, y2 = (float(line.attrib[name]) for name in ("x1", "y1", "x2", "y2"))
            for words, box in boxes:
                assert not box.meets(Box(x1, y1, x2, y2)), f"{words!r} stands on the data at {x1}, {y1}"


@EVERY
def test_a_picture_is_valid_and_says_what_it_shows(draw: Callable[[str, int], str]) -> None:
    root = root_of(draw("A title", 720))
    assert root.tag == f"{SVG}svg"
    assert root.attrib["role"] == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "A title"
    assert desc is not None
    assert len(desc.text or "") > 20
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], desc.attrib["id"]]
    assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
    assert not re.search(
        r"nan|inf\b|None|e[-+]\d", without_style(draw("A title", 720)).partition("</desc>")[2]
    )


@EVERY
@pytest.mark.parametrize("width", [320, 720])
def test_nothing_in_a_picture_runs_or_loads(draw: Callable[[str, int], str], width: int) -> None:
    svg = draw(NASTY, width)
    assert check_picture(svg) == svg
    root = root_of(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "line", "path", "text"
    }  # fmt: skip
    names = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on") or name.endswith(("href", "src", "style"))}
    for element in root.iter():
        if element.tag == f"{SVG}style":
            assert element.text in {STYLE, HEAT_STYLE}
        assert all("url(" not in value or "nasty" in value for value in element.attrib.values())
    title = root.find(f"{SVG}title")
    assert title is not None
    assert "<script>alert(1)</script>" in (title.text or "")
    assert "\u202e" not in svg


@EVERY
def test_the_same_input_gives_the_same_bytes_and_other_input_other_ids(
    draw: Callable[[str, int], str],
) -> None:
    one = draw("same", 640)
    assert draw("same", 640) == one
    ids = [re.findall(r' id="([^"]+)"', draw(title, 640)) for title in ("same", "other")]
    assert len(ids[0]) == len(set(ids[0])) == 2
    assert not set(ids[0]) & set(ids[1])


@EVERY
def test_coordinates_have_at_most_two_decimals(draw: Callable[[str, int], str]) -> None:
    for element in root_of(draw("t", 701)).iter():
        for name in ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "d"):
            assert not re.search(r"\.\d{3}", element.attrib.get(name, "")), element.attrib


@EVERY
@pytest.mark.parametrize("width", [320, 375, 500, 720, 1100, 1600])
def test_words_stand_apart_at_every_width(draw: Callable[[str, int], str], width: int) -> None:
    title = "A rather long title of a picture, longer than a telephone is wide: BTCUSDT perpetual"
    svg = draw(title, width)
    inside_by_design = (
        "quadrant" if draw is CHARTS["rotation"] else "cells" if draw is CHARTS["footprint"] else ""
    )
    assert_words_apart(svg, grid=not inside_by_design)


@pytest.mark.parametrize("draw", EMPTY.values(), ids=EMPTY.keys())
def test_nothing_to_draw_is_said_in_words(draw: Callable[[], str]) -> None:
    svg = draw()
    assert "Nothing to draw: " in (root_of(svg).find(f"{SVG}desc").text or "")  # type: ignore[union-attr]
    assert_words_apart(svg)


def test_a_spark_line_of_nothing_is_a_flat_line() -> None:
    assert "No values." in sparkline([None, float("nan")], title="x")


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(600_000, 700_000) | st.integers(-(10**6), 10**9),
            st.text(max_size=30),
            st.sampled_from(["entry", "stop", "target", "break-even", "liquidation", "other"]),
        ),
        max_size=40,
    ),
    st.sampled_from([320, 500, 900]),
    st.sampled_from([80, 200, 320]),
)
def test_tags_of_levels_never_meet(rows: list[tuple[int, str, str]], width: int, height: int) -> None:
    svg = candles(
        some_bars(40), "0.1", title="t", levels=[Level(*row) for row in rows], width=width, height=height
    )
    assert_words_apart(svg)
    fits = height // 14
    shown = "more" in svg
    assert shown or len(rows) <= fits + 1


def test_too_many_levels_leave_out_the_least_important_and_say_how_many() -> None:
    levels = [Level(650_000 + i, f"line {i}", "other") for i in range(30)] + [
        Level(650_000, "the stop", "stop")
    ]
    svg = candles(some_bars(40), "0.1", title="t", levels=levels, height=120)
    words = [words for words, _ in text_boxes(root_of(svg))]
    assert "the stop 65,000.0" in words
    assert "+24 more" in words
    assert sum(word.startswith("line") for word in words) == 6


def test_a_level_out_of_sight_is_held_at_the_edge_with_an_arrow() -> None:
    svg = candles(
        some_bars(40), "0.1", title="t", levels=[Level(435_933, "liq", "liquidation"), Level(990_000, "high")]
    )
    words = [words for words, _ in text_boxes(root_of(svg))]
    assert "liq ↓ 43,593.3" in words
    assert "high ↑ 99,000.0" in words
    assert 'class="lw-lliq"' not in svg, "no line where the price is not"


def test_bull_and_bear_differ_in_form() -> None:
    bars = Bars([0, MINUTE], [10, 20], [20, 20], [10, 10], [20, 10])
    root = root_of(candles(bars, "1", title="t"))
    found = [element.attrib["class"] for element in root.iter(f"{SVG}path")]
    assert found.count("lw-up") == found.count("lw-down") == 2, "one body of each kind, and its key"
    assert ".lw-down{fill:var(--lw-bg)" in STYLE
    assert ".lw-up{fill:var(--lw-up)" in STYLE


def test_markers_differ_in_form() -> None:
    trades = [Trade(START + i * HOUR, 650_000, kind) for i, kind in enumerate(("long", "short", "exit"))]
    root = root_of(candles(some_bars(), "0.1", title="t", trades=trades))
    drawn = [
        element.attrib["d"] for element in root.iter(f"{SVG}path") if element.attrib["class"] == "lw-halo"
    ]
    corners = [[float(number) for number in re.findall(r"-?\d+\.?\d*", d)] for d in drawn]
    assert len(drawn) == 3
    up, down = corners[0], corners[1]
    assert up[1] < up[3] == up[5], "the tip of a long entry is on top"
    assert down[1] > down[3] == down[5]
    assert drawn[2].count("M") == 2, "two strokes of a cross"


def test_the_description_of_candles_holds_the_figures() -> None:
    bars = Bars(
        [START, START + HOUR, START + 2 * HOUR],
        [10, 12, 11],
        [15, 13, 12],
        [9, 11, 3],
        [12, 11, 5],
        [1, 2, 4],
    )
    svg = candles(
        bars,
        "0.25",
        title="t",
        trades=[Trade(START, 10, "long"), Trade(START - 1, 10, "exit"), Trade(START + 9 * HOUR, 10, "short")],
        stop_path=[(START, 4), (START + HOUR, 6)],
        lot_size="0.5",
        unit="BTC",
    )
    told = root_of(svg).find(f"{SVG}desc").text or ""  # type: ignore[union-attr]
    assert "First open 2.50, last close 1.25 (−50 %)." in told
    assert "High 3.75 at 2025-05-04 00:00, low 0.75 at 2025-05-04 02:00." in told
    assert "Volume 3.5 BTC." in told
    assert "1 long entry, 0 short entry, 0 exit, 2 outside this time" in told
    assert "The stop goes from 1.00 to 1.50." in told


def test_the_stop_path_steps_and_ends() -> None:
    at = [(START + HOUR, 649_500), (START + 3 * HOUR, 649_900), (START + 5 * HOUR, None)]
    root = root_of(candles(some_bars(), "0.1", title="t", stop_path=at))
    paths = [
        element.attrib["d"] for element in root.iter(f"{SVG}path") if element.attrib["class"] == "lw-path"
    ]
    assert len(paths) == 1, "the key is a line, the path is one path"
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", paths[0])]
    xs, ys = numbers[::2], numbers[1::2]
    assert ys[0] == ys[1] > ys[2] == ys[3], "level, up, level"
    assert xs[0] < xs[1] == xs[2] < xs[3]


def test_43_200_bars_give_a_small_picture() -> None:
    svg = candles(some_bars(43_200, bar_ns=MINUTE), "0.1", title="a month", width=900)
    assert len(svg) < 60_000
    assert "43,200 bars of 1 min, 240 to a candle (4 h)" in svg


def test_lists_arrays_and_numpy_numbers_give_the_same_bytes() -> None:
    bars = some_bars(50)
    plain = Bars(
        *(np.asarray(getattr(bars, name)).tolist() for name in Bars.__annotations__ if name != "bar_ns")
    )
    loose = Bars(
        *(
            [np.int64(value) for value in getattr(plain, name)]
            for name in Bars.__annotations__
            if name != "bar_ns"
        )
    )
    drawn = {candles(one, "0.1", title="t") for one in (bars, plain, loose)}
    assert len(drawn) == 1


def test_charts_load_no_heavy_package() -> None:
    names = "bars book calendar candles footprint heat lines page rotation"
    code = "import sys, json\n" + "".join(f"import lotwise.charts.{name}\n" for name in names.split())
    code += (
        "print(json.dumps([m for m in ('numpy', 'polars', 'numba', 'talib', 'ccxt') if m in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ran.stdout) == []


def test_a_canvas_hashes_what_it_holds() -> None:
    canvas = Canvas(100, 50)
    canvas.text(1, 20, "a")
    svg = canvas.finish("name", "what is seen")
    content = '<text x="1" y="20" class="lw-ink" font-size="11">a</text>'
    prefix = hashlib.sha256(f"100 50 name\nwhat is seen\n{content}".encode()).hexdigest()[:12]
    assert f'id="lw{prefix}-t"' in svg


def test_the_gallery_is_the_same_each_time_and_holds_every_picture(tmp_path: Any, capsys: Any) -> None:
    out = tmp_path / "gallery.html"
    assert main([str(out)]) == 0
    text = out.read_text("utf-8")
    assert text == gallery(7)
    assert text.count("<svg") >= 24
    assert main([str(tmp_path / "no" / "folder.html")]) == 1
    assert "chart_gallery: " in capsys.readouterr().err
