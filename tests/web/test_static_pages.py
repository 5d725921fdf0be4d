"""The pages, filled: whose money it is cannot be missed, and no text that comes in is taken for markup."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from decimal import Decimal
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from lotwise.charts.page import Note, Section, Table

STATIC = Path(str(resources.files("lotwise.web"))) / "static"
PAGES = ("desk", "size", "scan", "settings", "journal", "review", "plan")
SIGNS = {"paper": "◆ PAPER", "live": "■ LIVE", "none": "○ NO ACCOUNT"}
EVIL = "</script><img src=x onerror=alert(1)>\"'&"
EMPTY = {"br", "hr", "img", "input", "link", "meta", "path"}


class Bodies:
    """What a template asks of the assets."""

    def __init__(self) -> None:
        self.bodies = {"charts.css": b"", **{path.name: b"" for path in STATIC.iterdir()}}

    def address(self, name: str) -> str:
        assert name in self.bodies, f"a page wants {name}, which is not there"
        return f"/static/abc/{name}"


class Tags(HTMLParser):
    """Whether what is opened is closed, and in that order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def boot(mode: str, **more: Any) -> dict[str, Any]:
    contract = {
        "id": "binance:BTCUSDT",
        "symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_text": "0.1",
        "price_decimals": 1,
        "lot_text": "0.001",
        "quantity_unit": "BTC",
        "min_lots": 1,
    }
    guard = [{"name": "day_loss", "label": "Loss of a day", "value": "2%", "note": EVIL}]
    looks = {"theme": "light", "palette": "mono", "density": "dense", "time_zone": "UTC", "keys": False}
    return {
        "mode": mode,
        "account": EVIL,
        "contract": contract,
        "contracts": ["binance:BTCUSDT", EVIL],
        "intervals": ["1m", "15m"],
        "equity_text": "1,000.00 USDT",
        "settings": {**looks, "guard": guard},
        **more,
    }


def filled(page: str, mode: str, **more: Any) -> str:
    loader = PackageLoader("lotwise.web", "templates")
    pages = Environment(loader=loader, autoescape=select_autoescape(default=True))
    return pages.get_template(f"{page}.html").render(assets=Bodies(), page=page, boot=boot(mode), **more)


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    tags.close()
    return tags


@pytest.mark.parametrize("mode", SIGNS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_well_formed_and_says_whose_money_it_is(page: str, mode: str) -> None:
    text = filled(page, mode)
    tags = parsed(text)
    assert tags.wrong == []
    assert tags.open == []
    root = next(attributes for tag, attributes in tags.seen if tag == "html")
    chosen = {"data-mode": mode, "data-theme": "light", "data-palette": "mono", "data-page": page}
    assert chosen.items() <= root.items()
    badge = re.search(r'id="mode-badge"[^>]*>([^<]+)<', text)
    assert badge is not None
    assert badge[1].strip() == SIGNS[mode]
    title = re.search(r"<title>([^<]*)</title>", text)
    assert title is not None
    assert ("LIVE" in title[1]) == (mode == "live")
    assert ("paper" in title[1]) == (mode == "paper")
    assert f"icon-{mode}.svg" in text
    assert ('id="flatten"' in text) == (mode != "none")
    assert f'aria-current="page">{page.capitalize()}' in text


@pytest.mark.parametrize("page", PAGES)
def test_what_comes_in_is_text(page: str) -> None:
    section = Section(EVIL, [Note(EVIL), Table(EVIL, [EVIL], [[EVIL]])])
    table = {"caption": EVIL, "columns": [{"text": EVIL, "title": EVIL, "number": True}], "note": EVIL}
    more = {
        "form": {"risk": EVIL, "stop": EVIL, "entry": EVIL, "venue": EVIL},
        "venues_list": [EVIL],
        "problem": EVIL,
        "sections": [section],
        "title": EVIL,
        "lead": EVIL,
        "filters": [{"text": EVIL, "href": "?a=1", "current": True}],
        "table": {**table, "rows": [{"contract": EVIL, "cells": [{"text": EVIL, "key": 1}]}]},
        "venues": {**table, "rows": [{"contract": EVIL, "ok": True, "cells": [EVIL]}]},
    }
    text = filled(page, "paper", **more)
    assert EVIL not in text
    assert "<img" not in text
    told = re.search(r'<script type="application/json" id="boot">(.*?)</script>', text, re.S)
    assert told is not None
    assert json.loads(told[1])["account"] == EVIL
    tags = parsed(text)
    assert tags.wrong == []
    assert tags.open == []
    assert not any(name.startswith("on") for _, attributes in tags.seen for name in attributes)


def test_a_venue_that_refuses_says_why_across_its_row() -> None:
    columns = [{"text": str(i), "title": "", "number": i > 1} for i in range(5)]
    rows = [
        {"contract": "binance:BTCUSDT", "ok": True, "cells": ["Binance", "BTCUSDT", "0.007", "9.56", "fits"]},
        {"contract": "cme:MBT", "ok": False, "cells": ["CME", "MBT", "–", "–", "one contract loses 130.00"]},
    ]
    text = filled("size", "none", venues={"caption": "c", "columns": columns, "rows": rows, "note": ""})
    assert '<td colspan="3">✗ one contract loses 130.00</td>' in text
    assert '<td class="number">0.007</td>' in text


def test_a_table_sorts_by_whole_numbers_and_empty_figures_have_none() -> None:
    cells = [{"text": "BTCUSDT", "key": None}, {"text": "1,000.5", "key": 10005}, {"text": "–", "key": None}]
    columns = [
        {"text": text, "title": "", "number": text != "contract"} for text in ("contract", "last", "spread")
    ]
    table = {"caption": "c", "columns": columns, "rows": [{"contract": "binance:BTCUSDT", "cells": cells}]}
    text = filled("scan", "none", table=table)
    assert 'data-key="10005">1,000.5<' in text
    assert 'data-key="">–<' in text
    assert 'href="/?contract=binance%3ABTCUSDT"' in text


def test_the_ticket_alone_has_no_button_to_place() -> None:
    assert 'id="place"' in filled("desk", "live")
    assert 'id="live-confirm"' in filled("desk", "live")
    assert 'id="place"' not in filled("size", "live")


def test_the_login_asks_for_a_password_only_where_there_is_one() -> None:
    loader = PackageLoader("lotwise.web", "templates")
    pages = Environment(loader=loader, autoescape=select_autoescape(default=True), undefined=StrictUndefined)
    page = pages.get_template("login.html")
    with_one = page.render(assets=Bodies(), problem=EVIL, ask_password=True)
    assert 'type="password"' in with_one
    assert EVIL not in with_one
    assert 'type="password"' not in page.render(assets=Bodies(), problem="", ask_password=False)


NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="needs node; the browser tests read the same figures on the page")
def test_whole_numbers_are_written_as_the_library_writes_them() -> None:
    cases = [
        (w, d) for w in (0, 1, -1, 9, 10, 999, 1000, -1000, 650131, 10**12 + 7, -(10**9)) for d in range(9)
    ]
    program = (
        f'import {{ scaled, formatter, hundredths, shareText }} from "{(STATIC / "format.js").as_uri()}";'
        f"const cases = {json.dumps(cases)};"
        'const f = formatter({ price_decimals: 2, tick_text: "0.25", lot_text: "0.001" });'
        "console.log(JSON.stringify({ texts: cases.map(([w, d]) => scaled(w, d)),"
        " prices: [1, 2, 400001, -3].map(f.price), typed: f.typed(400001), lots: [7, 12345].map(f.quantity),"
        ' risks: ["1%", "0.05 %", "12.5%", "10", "-1%", "1.234%"].map((t) => String(hundredths(t))),'
        " shares: [5, 100, 125, 300].map(shareText) }))"
    )
    assert NODE is not None
    run = subprocess.run(
        [NODE, "--input-type=module", "-e", program], capture_output=True, text=True, check=True, timeout=30
    )
    told = json.loads(run.stdout)
    wanted = [
        f"{Decimal(whole).scaleb(-decimals):,.{decimals}f}".replace("-", "\u2212")
        for whole, decimals in cases
    ]
    assert told["texts"] == wanted
    assert told["prices"] == ["0.25", "0.50", "100,000.25", "\u22120.75"]
    assert told["typed"] == "100000.25"
    assert told["lots"] == ["0.007", "12.345"]
    assert told["risks"] == ["100", "5", "1250", "null", "null", "null"]
    assert told["shares"] == ["0.05%", "1%", "1.25%", "3%"]
