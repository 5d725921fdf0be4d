"""Answers in a notebook: well-formed pieces of HTML with the library's own strings, no script, no address."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import lotwise
from lotwise.errors import InputError
from lotwise.records.plan import Begun, EquitySeen
from lotwise.scaling.config import read_plan
from lotwise.scaling.example import EXAMPLE
from lotwise.scaling.machine import Plan
from lotwise.units import Cash, cash_text, grouped

HOSTILE = "<script>alert(1)</script>&\"'"
ALONE = {"br", "img", "meta", "link", "input", "hr"}


class Read(HTMLParser):
    """Elements, their attributes and the text of a piece of HTML; a tag that is not closed fails."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ALONE:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def read(answer: Any) -> Read:
    """What a notebook would show, checked for what it may not hold."""
    html = answer._repr_html_()
    found = Read(html)
    assert "script" not in found.names
    assert not {"iframe", "object", "embed", "link", "img", "form"} & set(found.names)
    for name, value in found.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "href", "srcdoc", "action"), (name, value)
        assert name == "xmlns" or "//" not in value, (name, value)
    assert not re.search(r"@import|url\(", html)
    return found


def begun() -> Plan:
    plan = Plan(read_plan(tomllib.loads(EXAMPLE.replace("micro-first", "micro <b>first</b>"))))
    money = Cash(1_000 * 10**8)
    plan.tell(Begun(time_ns=0, equity_cash=money, paper_cash=money))
    plan.tell(EquitySeen(time_ns=5, where="paper", equity_cash=Cash(101_234_567_800)))
    return plan


def test_a_plan_shows_what_it_allows_and_its_gates() -> None:
    plan = begun()
    found, limits = read(plan), plan.limits(5)
    assert f"{grouped(cash_text(limits.risk_cash))} USDT" in found.texts
    assert f"{grouped(cash_text(limits.capital_cash))} USDT" in found.texts
    for phase in plan.config.phases:
        assert phase.name in found.texts
    for gate in plan.gates():
        assert gate.name in found.texts
    assert "svg" in found.names
    assert "Plan: micro <b>first</b>" in found.texts, "its name is text"


def test_a_plan_that_has_not_begun_says_so() -> None:
    found = read(Plan(read_plan(tomllib.loads(EXAMPLE))))
    assert found.texts[-2:] == ["Plan: micro-first", "it has not begun"]


def test_a_scan_is_a_table_of_its_rows() -> None:
    found = lotwise.scan(equity="1000", risk="1%", stop="2%", venues=["binance"])
    shown = read(found)
    fits = [row for row in found.rows if row.fits]
    assert fits
    for row in found.rows[:30]:
        assert row.contract in shown.texts
    for text in (fits[0].quantity, fits[0].loss_at_stop, fits[0].price):
        assert text in shown.texts
    assert shown.texts.count("fits") == sum(row.fits for row in found.rows[:30])
    assert any(f"{found.fitting} of {found.contracts} contracts fit" in text for text in shown.texts)


def test_a_size_is_a_table_of_its_own_strings() -> None:
    plan = lotwise.size("binance:BTCUSDT", side="long", entry="65000", stop="2%", equity="1000", risk="1%")
    shown = read(plan)
    for text in (plan.quantity, plan.loss_at_stop, plan.notional, plan.contract):
        assert text in shown.texts


def test_a_backtest_shows_its_figures_its_equity_and_what_is_to_be_said() -> None:
    pytest.importorskip("numpy")
    from lotwise.app.backtest import Backtest
    from lotwise.strategy.library.null import Null
    from tests.unit.test_backtest_report import reported

    report, found, rows = reported(Null(one_in=20), checked=False)
    shown = read(Backtest(report, found, None, None, rows))  # type: ignore[arg-type]
    result = next(one for one in report.chapters if one.name == "result")
    cells = [cell for table in result.tables for row in table.rows for cell in row if cell.strip()]
    assert len(cells) > 5
    for cell in cells:
        assert cell.strip() in shown.texts, cell
    assert report.title in shown.texts
    for note in result.notes:
        assert any(note.text in text for text in shown.texts), note.text
    assert shown.names.count("svg") == 2
    assert any("<warning> & more" in text for text in shown.texts), "what others wrote is text"


def test_a_picture_that_is_none_is_not_shown() -> None:
    from lotwise.charts.notebook import fragment
    from lotwise.charts.page import Note, Picture

    with pytest.raises(InputError, match="CHART-116"):
        fragment("x", [Picture(f"<svg>{HOSTILE}</svg>")])
    html = fragment(HOSTILE, [Note(HOSTILE, "warning")], HOSTILE)
    assert "<script" not in html
    assert Read(html).texts.count(HOSTILE) == 3


def test_nothing_heavy_is_loaded_for_a_size_in_a_notebook(tmp_path: Path) -> None:
    code = (
        "import sys, lotwise\n"
        "lotwise.size('binance:BTCUSDT', side='long', entry='65000', stop='2%', equity='1000',"
        " risk='1%')._repr_html_()\n"
        "print([name for name in ('numba', 'numpy', 'polars', 'ccxt', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
