"""Scales, marks and labels, the width of words, colours: recomputed another way."""

from __future__ import annotations

import itertools
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotwise.charts.axes import across_axis
from lotwise.charts.lettering import Box, fit, flow, spread, text_box, text_width, wrap
from lotwise.charts.reading import TickSize, decimal_text, tick_size_of
from lotwise.charts.scale import (
    Mark,
    Scale,
    log_marks,
    log_reach,
    price_marks,
    reach,
    round_marks,
    said,
)
from lotwise.charts.svg import Canvas, escape, num
from lotwise.charts.theme import (
    DARK,
    HEAT_STEPS,
    HEAT_STYLE,
    LIGHT,
    STYLE,
    contrast,
    heat_ramp,
    readable_on,
)
from lotwise.charts.times import DAY, HOUR, MINUTE, SECOND, length_text, span_text, time_marks, time_text

THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
SIZES = st.sampled_from(["0.1", "0.25", "0.00001", "1", "5", "0.03125", "0.5", "0.3", "1000", "0.015"])
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain(label: str) -> Fraction:
    """The exact number of a label."""
    letters = {"M": 10**6, "B": 10**9, "T": 10**12}
    number, _, letter = label.replace(",", "").replace("−", "-").partition(" ")
    return Fraction(number) * letters.get(letter, 1)


# --- prices ------------------------------------------------------------------------------------


@given(SIZES, st.integers(-(10**12), 10**12), st.integers(1, 10**9), st.integers(2, 14))
def test_price_marks_are_whole_ticks_with_exact_labels(size: str, low: int, span: int, most: int) -> None:
    tick = tick_size_of(size)
    marks = price_marks(low, low + span, tick, most)
    steps = {b.value - a.value for a, b in itertools.pairwise(marks)}
    assert len(steps) <= 1
    assert len(marks) <= most + 1
    for mark in marks:
        assert mark.value == int(mark.value)
        assert low <= mark.value <= low + span
        assert plain(mark.label) == int(mark.value) * Fraction(size)
    if span >= 10 * most and most >= 3:
        assert len(marks) >= 1, "an axis without a mark"


@given(SIZES, st.integers(-(2**63), 2**63 - 1))
def test_the_price_of_ticks_is_that_of_decimal(size: str, ticks: int) -> None:
    tick = tick_size_of(size)
    assert plain(tick.text(ticks)) == ticks * Fraction(size)
    expected = f"{abs(ticks) * Decimal(size):,.{tick.decimals}f}" if abs(ticks) < 10**15 else None
    assert expected is None or tick.text(ticks).lstrip("−") == expected
    assert tick.text(ticks).startswith("−") == (ticks < 0)


def test_no_float_noise_in_a_price() -> None:
    assert [mark.label for mark in price_marks(0, 6, TickSize(1, 1), 8)] == [
        "0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"
    ]  # fmt: skip
    assert tick_size_of("0.1000") == tick_size_of(Decimal("0.1")) == TickSize(1, 1)
    assert tick_size_of(5) == TickSize(5, 0)
    assert decimal_text(-5, 0) == "−5"


# --- plain numbers -----------------------------------------------------------------------------


@given(
    st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) > 1e-9),
    st.floats(1e-9, 1e15),
    st.integers(2, 12),
)
def test_round_marks_are_round_inside_and_say_what_they_are(low: float, span: float, most: int) -> None:
    high = low + span
    if not low < high:
        high = math.nextafter(low, math.inf)
    marks = round_marks(low, high, most)
    assert len(marks) <= most + 1
    exact = [plain(mark.label) for mark in marks]
    for mark, label in zip(marks, exact, strict=True):
        assert float(label) == mark.value
        assert Fraction(low) <= label <= Fraction(high)
    steps = {b - a for a, b in itertools.pairwise(exact)}
    assert len(steps) <= 1
    for step in steps:
        digits = re.sub(
            r"^0\.0*|0+$|\.", "", format(Decimal(step.numerator) / Decimal(step.denominator), "f")
        )
        assert digits.strip("0") in {"1", "2", "5"}
        assert step * (most / Fraction(5, 2)) <= (Fraction(high) - Fraction(low)) * Fraction(10), (
            "far too coarse"
        )


def test_large_numbers_are_written_in_millions() -> None:
    assert [mark.label for mark in round_marks(0, 2_600_000, 5)] == ["0", "1 M", "2 M"]
    assert [mark.label for mark in round_marks(0, 2_600, 5)] == ["0", "1,000", "2,000"]
    assert [mark.label for mark in round_marks(0, 6e9, 3)] == ["0", "2 B", "4 B", "6 B"]


def test_logarithmic_marks_and_scale() -> None:
    assert [mark.label for mark in log_marks(1, 1000, 6)] == ["1", "10", "100", "1,000"] or [
        mark.label for mark in log_marks(1, 1000, 6)
    ] == ["1", "3", "10", "30", "100", "300"]
    assert [mark.value for mark in log_marks(10, 90, 8)] == [10, 20, 50]
    assert [mark.value for mark in log_marks(100, 120, 5)] == [100, 105, 110, 115, 120]
    many = log_marks(1e-15, 1e15, 5)
    assert 2 <= len(many) <= 7
    scale = Scale(1, 100, 0, 10, log=True)
    assert scale.at(10) == pytest.approx(5)
    low, high = log_reach([4.0, 9.0, math.nan])
    assert low < 4.0
    assert high > 9.0
    assert log_reach([5.0]) == (4.0, 6.25)


def test_a_reach_always_has_a_height() -> None:
    assert reach([]) == (-1.0, 1.0)
    assert reach([7.0, 7.0]) == (6.65, 7.35)
    assert reach([math.nan, 3.0, 5.0], pad=0) == (3.0, 5.0)
    assert reach([3.0, 5.0], zero=True) == (0.0, 5.25)
    assert reach([-3.0, -1.0], zero=True)[1] == 0.0
    assert Scale(0, 10, 100, 0).at(2.5) == 75
    assert not Scale(0, 10, 0, 1).holds(math.nan)


@given(st.floats(-1e17, 1e17).filter(lambda x: abs(x) > 1e-12))
def test_a_number_in_a_sentence_keeps_six_digits(value: float) -> None:
    text = said(value)
    assert text.startswith("−") == (value < 0)
    assert float(text.replace(",", "").replace("−", "-")) == pytest.approx(value, rel=6e-6)
    assert said(value, signed=True)[0] in "+−"


@given(st.floats(-1e6, 1e6))
def test_coordinates_are_short(value: float) -> None:
    text = num(value)
    assert re.fullmatch(r"-?\d+(\.\d{1,2})?", text)
    assert abs(float(text) - value) <= 0.00501
    assert text != "-0"


# --- time --------------------------------------------------------------------------------------


def moments(marks: list[float]) -> list[datetime]:
    return [EPOCH + timedelta(microseconds=int(at) // 1000) for at in marks]


@given(
    st.integers(0, 4 * 10**18),
    st.integers(0, 60).map(lambda power: int(1.7**power) * 1_000_000),
    st.sampled_from([180, 400, 800, 1500]),
)
def test_time_marks_are_inside_apart_and_named_rightly(start: int, span: int, room: int) -> None:
    end = min(start + span, 2**63 - 1)
    marks = time_marks(start, end, room)
    for mark, when in zip(marks, moments([mark.value for mark in marks]), strict=True):
        assert start <= mark.value <= end
        # what the label says is so, in UTC
        if re.fullmatch(r"\d\d:\d\d", mark.label):
            assert (when.strftime("%H:%M"), when.second) == (mark.label, 0)
        elif re.fullmatch(r"\d\d:\d\d:\d\d", mark.label):
            assert when.strftime("%H:%M:%S") == mark.label
        elif re.fullmatch(r"\d\d\.\d{3}", mark.label):
            assert when.strftime("%S.%f")[:6] == mark.label
        elif re.fullmatch(r"\d{4}", mark.label):
            assert (when.month, when.day, when.hour, str(when.year)) == (1, 1, 0, mark.label)
        elif re.fullmatch(r"\d+ [A-Z][a-z]{2}", mark.label):
            assert (f"{when.day} {when:%b}", when.hour) == (mark.label, 0)
        else:
            assert (when.strftime("%b"), when.day, when.hour) == (mark.label, 1, 0)
    scale = Scale(start, max(end, start + 1), 0, room)
    for a, b in itertools.pairwise(marks):
        gap = scale.at(b.value) - scale.at(a.value)
        assert gap >= (text_width(a.label) + text_width(b.label)) / 2 + 10
    if 2_000_000_000 <= span <= 250 * 365 * DAY:
        assert len(marks) >= 1, "an axis of time without a mark"


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (20 * SECOND, ["4 May", "00:00:05", "00:00:10", "00:00:15", "00:00:20"]),
        (HOUR, ["4 May", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]),
        (2 * DAY, ["4 May", "12:00", "5 May", "12:00", "6 May"]),
        (20 * DAY, ["5 May", "12 May", "19 May"]),
        (300 * DAY, ["Jul", "Sep", "Nov", "2026"]),
        (4_000 * DAY, ["2026", "2028", "2030", "2032", "2034", "2036"]),
    ],
)
def test_steps_of_time_from_seconds_to_years(length: int, labels: list[str]) -> None:
    start = 1_746_316_800_000_000_000
    assert [mark.label for mark in time_marks(start, start + length, 300)] == labels


def test_moments_in_words() -> None:
    start = 1_746_316_800_000_000_000
    assert span_text(start, start + HOUR) == "2025-05-04 00:00 to 01:00 UTC"
    assert span_text(start, start + DAY) == "2025-05-04 00:00 to 2025-05-05 00:00 UTC"
    assert span_text(start, start) == "2025-05-04 00:00 UTC"
    assert time_text(start + 61 * SECOND + 5_000_000) == "2025-05-04 00:01:01.005"
    assert [length_text(ns) for ns in (90 * MINUTE, 1_500_000_000, 7)] == ["90 min", "1500 ms", "7 ns"]


def test_labels_too_near_each_other_are_left_out() -> None:
    canvas = Canvas(400, 60)
    plot = Box(10, 10, 390, 30)
    across_axis(canvas, [plot], Scale(0, 100, 10, 390), marks=[Mark(i, f"label {i}") for i in range(100)])
    svg = canvas.finish("t", "d")
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)"', svg)]
    assert len(places) >= 4
    assert all(b - a >= text_width("label 1") + 6 for a, b in itertools.pairwise(places))
    assert svg.count('class="lw-grid"') == 100, "a mark without its label keeps its line"


# --- words -------------------------------------------------------------------------------------


@given(st.text(max_size=80), st.floats(0, 600), st.booleans())
def test_what_is_fitted_fits_and_is_a_start_of_the_words(words: str, room: float, bold: bool) -> None:
    found = fit(words, 11, room, bold)
    assert found == "" or text_width(found, 11, bold) <= room + 1e-9
    assert found in {words, ""} or (found.endswith("…") and words.startswith(found[:-1]))


@given(st.lists(st.floats(-50, 400), max_size=14), st.floats(1, 30), st.floats(0, 100), st.floats(0, 400))
def test_labels_are_spread_apart_in_order_within_the_room(
    wanted: list[float], gap: float, low: float, span: float
) -> None:
    high = low + span
    found = spread(wanted, gap, low, high)
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    placed = [found[i] for i in order]
    room = span / (len(wanted) - 1) if len(wanted) > 1 else gap
    for a, b in itertools.pairwise(placed):
        assert b - a >= min(gap, room) - 1e-6
    for place in placed:
        assert low - 1e-6 <= place <= high + 1e-6
    lonely = all(abs(a - b) >= gap for a, b in itertools.combinations(wanted, 2))
    if lonely and all(low <= want <= high for want in wanted):
        assert found == pytest.approx(wanted), "nothing in the way, nothing moved"


def test_spread_is_the_least_squares_answer() -> None:
    """Against a search over a grid of whole places."""
    wanted, gap = [10.0, 11.0, 12.0, 30.0, 31.0], 5
    found = spread(wanted, gap, 0, 60)
    cost = sum((a - b) ** 2 for a, b in zip(found, wanted, strict=True))
    best = min(
        sum((a - b) ** 2 for a, b in zip(places, wanted, strict=True))
        for places in itertools.combinations(range(4, 40), 5)
        if all(b - a >= gap for a, b in itertools.pairwise(places))
    )
    assert cost <= best + 1e-9


def test_words_wrap_and_flow() -> None:
    words = "one two three four five six seven eight nine ten"
    found = wrap(words, 11, 100, most=2)
    assert len(found) == 2
    assert all(text_width(line) <= 100 for line in found)
    assert found[1].endswith("…")
    assert wrap("", 11, 100) == []
    assert wrap("short", 11, 100) == ["short"]
    assert flow([50, 60, 200, 10], 120, 5) == [(0, 0.0), (0, 55.0), (1, 0.0), (2, 0.0)]


def test_wide_letters_are_counted_wide_and_marks_not_at_all() -> None:
    assert text_width("日本") > text_width("ab")
    assert text_width("é") == text_width("e")
    assert text_width("W") > text_width("i")
    assert text_box(10, 20, "abc", 10, "end").right == 10
    assert Box(0, 0, 2, 2).meets(Box(1, 1, 3, 3))
    assert not Box(0, 0, 2, 2).meets(Box(2, 0, 3, 3))
    assert Box(0, 0, 2, 2).meets(Box(2.5, 0, 3, 3), gap=1)


@given(st.text())
def test_escaped_text_holds_no_markup(text: str) -> None:
    assert not re.search(r"[<>\"']|&(?!amp;|lt;|gt;|quot;|#39;)", escape(text))


# --- colours -----------------------------------------------------------------------------------

SHOWN_WORDS = ("ink", "dim", "up", "down")


@THEMES
def test_words_stand_out_and_lines_do(colours: dict[str, str]) -> None:
    for name in SHOWN_WORDS:
        for ground in ("bg", "shade"):
            assert contrast(colours[name], colours[ground]) >= 4.5, f"{name} on {ground}"
    for name in ("up", "down", "edge", *(f"s{i}" for i in range(6))):
        for ground in ("bg", "shade"):
            assert contrast(colours[name], colours[ground]) >= 3, f"{name} on {ground}"


@THEMES
def test_words_in_cells_stand_out_on_every_step(colours: dict[str, str]) -> None:
    ramp = heat_ramp(colours)
    assert len(ramp) == HEAT_STEPS
    for colour in ramp:
        assert contrast(colour, readable_on(colour)) >= 4.5
    assert ramp[0] == colours["down"]
    assert ramp[6] == colours["shade"]
    assert ramp[12] == colours["up"]
    assert len(set(ramp)) == HEAT_STEPS


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#0b6bcb", "#ffffff") == pytest.approx(5.3, abs=0.05)


def test_the_style_holds_both_themes_and_loads_nothing() -> None:
    for style, colours in (
        (STYLE, (LIGHT, DARK)),
        (HEAT_STYLE, ({"h0": LIGHT["down"]}, {"h0": DARK["down"]})),
    ):
        assert not re.search(r"url\(|@import|@font-face|expression|[<>&]", style)
        assert style.count("{") == style.count("}")
        for theme in colours:
            for name, colour in theme.items():
                assert f"--lw-{name}:{colour};" in style
        assert "@media (prefers-color-scheme:dark)" in style
        assert "@media print" in style
    names = set(re.findall(r"var\((--lw-[a-z0-9]+)\)", STYLE))
    assert names == {f"--lw-{name}" for name in LIGHT} == {f"--lw-{name}" for name in DARK}
