"""What the pages are made of, as text: nothing inline or from elsewhere, no sum of money in the browser."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from lotwise.charts.theme import contrast
from lotwise.web.assets import CHARTS

WEB = Path(str(resources.files("lotwise.web")))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
STATIC = WEB / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
STYLES = sorted(STATIC.glob("*.css"))
ICONS = sorted(STATIC.glob("*.svg"))
PAGES = ("desk", "size", "scan", "settings", "journal", "review", "plan", "login")
LONGEST = 400
CREDIT = "https://www.tradingview.com/"
NAMESPACE = "http://www.w3.org/2000/svg"
MADE_BY_SCRIPTS = re.compile(r"(?:answer|head|rows|empty|count|pane|tab|venues|side|target|entry)-")
"""Ids that a script puts together of a word and a name; their parts are looked for one by one below."""

FORBIDDEN = {
    "a number read from a text": r"\bparseFloat\b|\bNumber\(\s*(?:texts|el\(|input|answer|account)",
    "a number made to have decimals": r"\.toFixed\(|\.toPrecision\(",
    "code from a text": r"\beval\b|\bnew Function\b|setTimeout\(\s*[\"'`]",
    "markup from a text": r"\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write",
    "a sum over what the library says": r"texts(?:\?)?\.\w+\s*[-+*/]\s*\w|[-+*/]\s*texts\.\w",
    "the name of a money field in a sum": r"\b(?:equity|risk|margin|notional|fees|loss)\s*[*/]\s*\w",
    "a file or a wire of elsewhere": r"importScripts|XMLHttpRequest|EventSource|sendBeacon",
}


def words(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def uncommented(text: str) -> str:
    return re.sub(r"^\s*//.*$", "", text, flags=re.M)


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_all_pages_and_their_parts_are_there() -> None:
    assert {f"{page}.html" for page in PAGES} <= set(names(TEMPLATES))
    assert {"icon-paper.svg", "icon-live.svg", "icon-none.svg"} == set(names(ICONS))
    assert {"desk.js", "chart.js", "ticket.js", "ladder.js", "tables.js", "socket.js"} <= set(names(SCRIPTS))
    assert CHARTS not in names(SCRIPTS), "the chart library comes from its package"


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *STYLES], ids=lambda path: path.name)
def test_files_are_short(path: Path) -> None:
    lines = words(path).splitlines()
    assert 0 < len(lines) < LONGEST


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_nothing_inline(path: Path) -> None:
    text = words(path)
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in tag or 'type="application/json"' in tag, tag
    assert re.search(r"<style\b|<iframe\b|<object\b|<embed\b", text) is None
    assert re.search(r"\sstyle\s*=", text) is None
    assert re.search(r"\son[a-z]+\s*=", text) is None
    assert "javascript:" not in text.lower()
    for unescaped in re.findall(r"{{[^}]*\|\s*safe\s*}}", text):
        assert re.fullmatch(r"{{ part\.(?:svg|narrow) \| safe }}", unescaped), unescaped


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *STYLES, *ICONS], ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    found = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"'`<)]*", words(path)))
    assert found <= ({CREDIT} if path.name == "base.html" else {NAMESPACE} if path in ICONS else set())
    assert "url(" not in words(path)


def test_the_credit_of_the_chart_library_stands_on_the_desk() -> None:
    assert CREDIT in words(WEB / "templates" / "base.html")
    assert "attributionLogo: true" in words(STATIC / "chart.js")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_neither_counts_money_nor_runs_text(path: Path) -> None:
    text = uncommented(words(path))
    for what, pattern in FORBIDDEN.items():
        assert re.search(pattern, text) is None, what


def test_the_forbidden_is_found_where_it_is() -> None:
    samples = [
        "parseFloat(texts.loss)",
        "Number(texts.loss)",
        "(1.5).toFixed(2)",
        "eval('1')",
        "node.innerHTML = text",
        "texts.loss * 2",
        "equity * share",
        "new EventSource(a)",
    ]
    for sample in samples:
        assert any(re.search(pattern, sample) for pattern in FORBIDDEN.values()), sample


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_modules_find_each_other_by_plain_names(path: Path) -> None:
    imported = re.findall(r"^import (?:{[^}]*} from )?[\"']([^\"']+)[\"'];", words(path), flags=re.M)
    assert len(imported) == len(re.findall(r"^import\b", words(path), flags=re.M))
    there = {f"./{name}" for name in (*names(SCRIPTS), CHARTS)}
    assert set(imported) <= there
    assert re.search(r"\bimport\(", words(path)) is None


def test_what_a_module_imports_is_exported_there() -> None:
    checked = 0
    for path in SCRIPTS:
        for wanted, source in re.findall(r"import {([^}]+)} from [\"']\./([^\"']+)[\"']", words(path)):
            exported = set(
                re.findall(
                    r"^export (?:async )?(?:class|function|const|let) (\w+)", words(STATIC / source), re.M
                )
            )
            for name in (part.split(" as ")[0].strip() for part in wanted.split(",") if part.strip()):
                assert name in exported, f"{path.name} imports {name} of {source}"
                checked += 1
    assert checked > 40


def test_every_id_that_a_script_uses_is_in_a_template() -> None:
    markup = "".join(words(path) for path in TEMPLATES)
    ids = set(re.findall(r'\bid="([^"{]+)"', markup))
    used = {
        name
        for path in SCRIPTS
        for name in re.findall(r"\b(?:el|getElementById)\(\"([^\"]+)\"\)", words(path))
    }
    assert len(used) > 80
    assert used <= ids, sorted(used - ids)


def test_ids_that_a_script_puts_together_are_in_a_template() -> None:
    markup = "".join(words(path) for path in TEMPLATES)
    ids = set(re.findall(r'\bid="([^"{]+)"', markup))
    fields = re.search(r"const FIELDS = \[([^\]]+)\]", words(STATIC / "ticket.js"))
    assert fields is not None
    assert {f"answer-{name}" for name in re.findall(r'"(\w+)"', fields[1])} <= ids
    for table in ("positions", "orders", "fills", "limits"):
        assert {f"{part}-{table}" for part in ("head", "rows", "empty", "count", "pane", "tab")} <= ids
    assert {"side-long", "side-short", "target-rows", "entry-rows"} <= ids
    together = {
        name
        for path in SCRIPTS
        for name in re.findall(r"\bel\(`([^`]+)`\)", words(path))
        if not MADE_BY_SCRIPTS.match(name) and not name.startswith("${name}-rows")
    }
    assert together == set(), "an id that no test looks for"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_ids_are_given_once_and_referred_to_rightly(path: Path) -> None:
    text = words(path)
    ids = re.findall(r'\bid="([^"{]+)"', text)
    assert len(ids) == len(set(ids))
    everywhere = set(re.findall(r'\bid="([^"{]+)"', "".join(words(one) for one in TEMPLATES)))
    for attribute in ("aria-labelledby", "aria-describedby", "aria-controls", "for", "list"):
        for value in re.findall(rf'\s{attribute}="([^"{{]+)"', text):
            assert set(value.split()) <= everywhere, f"{attribute}={value}"


def test_dashes_before_figures_are_minus_signs() -> None:
    assert 'MINUS = "\\u2212"' in words(STATIC / "format.js")
    assert "tabular-nums" in words(STATIC / "desk.css")


def colours(text: str, selector: str) -> dict[str, str]:
    block = re.search(re.escape(selector) + r"\s*{([^}]*)}", text)
    assert block is not None, selector
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})\b", block[1]))


THEMES = {"dark": ":root", "light": 'html[data-theme="light"]'}


@pytest.mark.parametrize("theme", THEMES)
def test_contrast_of_text_controls_and_focus(theme: str) -> None:
    text = words(STATIC / "desk.css")
    seen = colours(text, ":root") | colours(text, THEMES[theme])
    for ground in ("panel", "ground", "raised", "field"):
        assert contrast(seen["ink"], seen[ground]) >= 12
        assert contrast(seen["dim"], seen[ground]) >= 4.5
    assert contrast(seen["edge"], seen["panel"]) >= 3
    assert contrast(seen["ring"], seen["panel"]) >= 7
    assert contrast(seen["on-action"], seen["action"]) >= 7
    assert contrast(seen["warn"], seen["panel"]) >= 4.5
    assert contrast(seen["alarm"], seen["alarm-ground"]) >= 4.5
    for badge in ("paper", "live", "none"):
        assert contrast("#ffffff", seen[badge]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("palette", ["safe", "classic", "redup", "mono"])
def test_contrast_of_up_and_down(theme: str, palette: str) -> None:
    text = words(STATIC / "desk.css")
    seen = colours(text, ":root") | colours(text, THEMES[theme])
    if palette != "safe":
        prefix = 'html[data-theme="light"]' if theme == "light" else "html"
        seen |= colours(text, f'{prefix}[data-palette="{palette}"]')
    assert seen["up"] != seen["down"]
    assert min(contrast(seen["up"], seen["panel"]), contrast(seen["down"], seen["panel"])) >= 4.5


def test_the_safe_palette_is_the_one_that_was_measured() -> None:
    text = words(STATIC / "desk.css")
    dark, light = colours(text, ":root"), colours(text, THEMES["light"])
    assert (dark["up"], dark["down"], dark["panel"]) == ("#4aa8ff", "#ff9f43", "#171e27")
    assert (light["up"], light["down"], light["panel"]) == ("#0b6bcb", "#b45309", "#ffffff")


def test_motion_colours_and_focus_are_the_readers_choice() -> None:
    text = words(STATIC / "desk.css")
    assert "prefers-reduced-motion: reduce" in text
    assert "forced-colors: active" in text
    assert ":focus-visible" in text
    assert "outline: none" not in text.replace("main:focus-visible { outline: none; }", "")


def test_braces_of_styles_close() -> None:
    for path in STYLES:
        text = re.sub(r"/\*.*?\*/", "", words(path), flags=re.S)
        assert text.count("{") == text.count("}"), path.name
