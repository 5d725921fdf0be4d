"""The page of a report: one file that loads nothing, runs nothing, and reads well."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from lotwise.charts.bars import bar_table
from lotwise.charts.heat import correlation
from lotwise.charts.lines import sparkline
from lotwise.charts.page import Note, Picture, Section, Table, check_picture, page
from lotwise.charts.svg import STYLE_TAG, without_style
from lotwise.charts.theme import DARK, LIGHT
from lotwise.errors import InputError

SPARK = sparkline([1, 2, 3], title="a spark")
HEAT = correlation(["A", "B"], [[1, 0], [0, 1]], title="heat")
NASTY = "</style><script>alert(1)</script> & \"q\" 'a'"
VOID = {"meta", "link", "br", "img", "input", "hr", "rect", "line", "path"}


class Reader(HTMLParser):
    """Every element with its attributes, and whether all are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.found)


def whole() -> str:
    table = Table("A <b>table</b>", ["name", "value"], [("x", "−1.00"), (NASTY, "+2.00")], numbers=(1,))
    folded = Table("Behind it", ["only"], [("cell",)], folded=True)
    return page(
        f"Report {NASTY}",
        [
            Section("First", [Picture(SPARK, "a caption", narrow=SPARK), table, folded]),
            Section("Second", [Note("plain"), Note("careful", "warning"), Note("fine", "good")]),
            Section(f"Third {NASTY}", [Picture(HEAT), Picture(SPARK)]),
        ],
        subtitle="under",
        footer="the end",
    )


def test_the_page_is_well_formed_and_has_its_landmarks() -> None:
    read = Reader(whole())
    assert read.open == []
    for tag in ("html", "head", "header", "main", "footer", "h1", "nav", "style", "title"):
        assert read.count(tag) == (1 if tag != "title" else read.count("svg") * 1 + 1 + 4), tag
    assert read.count("section") == read.count("h2") == 3
    assert read.count("figure") == 3
    assert read.count("svg") == 4
    assert ("html", {"lang": "en"}) in read.found
    assert [attributes["scope"] for tag, attributes in read.found if tag == "th"] == ["col"] * 3
    assert read.count("caption") == 1
    assert read.count("details") == read.count("summary") == 1
    labels = {attributes.get("aria-labelledby") for tag, attributes in read.found if tag == "section"}
    assert labels == {"part-1", "part-2", "part-3"}
    assert "Warning:" in read.words


def test_nothing_on_the_page_runs_or_loads() -> None:
    read = Reader(whole())
    assert not {tag for tag, _ in read.found} & {"script", "img", "link", "iframe", "object", "embed", "form"}
    for _, attributes in read.found:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "style"}]
        assert attributes.get("href", "#").startswith("#")
    assert "http" not in re.sub(r'xmlns="http://www\.w3\.org/2000/svg"', "", whole()).replace(
        "http-equiv", ""
    )
    assert "<script" not in whole()


def test_the_policy_allows_the_one_style_and_nothing_else() -> None:
    text = whole()
    style = re.findall(r"<style>(.*?)</style>", text)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    parts = [part.strip() for part in policy[1].split(";")]
    assert parts == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    for colours in (LIGHT, DARK):
        assert f"--bg:{colours['bg']};" in style[0]
    assert "@media print" in style[0]
    assert style[0].count("{") == style[0].count("}")


def test_ids_are_unique_even_where_a_picture_comes_twice() -> None:
    read = Reader(whole())
    ids = [attributes["id"] for _, attributes in read.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in read.found:
        if tag == "svg":
            assert set(attributes["aria-labelledby"].split()) <= set(ids)


def test_the_style_of_cells_comes_only_where_cells_are() -> None:
    assert "--lw-h0" in whole()
    assert "--lw-h0" not in page("t", [Section("s", [Picture(SPARK)])])
    assert STYLE_TAG in SPARK
    assert "<style>" not in without_style(HEAT)


def test_the_page_is_the_same_each_time_and_may_be_empty() -> None:
    assert whole() == whole()
    assert Reader(page("", [])).count("main") == 1
    assert 'lang="pt-BR"' in page("t", [], language="pt-BR")


def made(inside: str = "", attributes: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg"{attributes}>{inside}</svg>'


@pytest.mark.parametrize(
    ("svg", "words"),
    [
        ("no picture", "no XML"),
        ("<svg/>", "svg at its root"),
        ("<!DOCTYPE x><svg/>", "a declaration"),
        (7, "a int"),
        (made("<script>1</script>"), "element script"),
        (made("<foreignObject/>"), "element foreignObject"),
        (made('<b xmlns="http://www.w3.org/1999/xhtml"/>'), "element {http"),
        (made("<style>@import 'x'</style>"), "a style of its own"),
        (made('<a href="#x"/>'), "element a"),
        (made('<rect href="x"/>'), "attribute href"),
        (made('<rect style="fill:red"/>'), "attribute style"),
        (made("", ' onload="x"'), "attribute onload"),
        (made('<rect fill="URL(x)"/>'), "attribute fill"),
        (made('<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="#a"/>'), "element use"),
        (made('<rect xmlns:q="q" q:z="1"/>'), "attribute z"),
    ],
)
def test_a_picture_of_strangers_is_refused(svg: object, words: str) -> None:
    with pytest.raises(InputError) as caught:
        check_picture(svg)
    assert caught.value.code == "CHART-116"
    assert words in caught.value.message
    assert caught.value.hint


def test_a_page_refuses_what_it_cannot_show() -> None:
    with pytest.raises(InputError, match="CHART-117") as caught:
        page("t", [Section("s", [Table("c", ["a", "b"], [("1", "2"), ("3",)])])])
    assert "row 1 has 1 cells for 2 columns" in caught.value.message
    with pytest.raises(InputError, match="CHART-108"):
        page("t", [Section("s", [Note("x", "shout")])])
    with pytest.raises(InputError, match="CHART-118"):
        page("t", [Section("s", [7])])  # type: ignore[list-item]
    with pytest.raises(InputError, match="CHART-113"):
        page("t", [], language='en" onload="x')
    with pytest.raises(InputError, match="CHART-116"):
        page("t", [Section("s", [Picture(made("<script/>"))])])


def test_titles_with_markup_stay_text() -> None:
    text = bar_table(["<i>"], [1], title="<b>") + page("<b>", [Section("<u>", [Note("<s>")])])
    assert not re.search(r"<(b|i|u|s)>", text)
