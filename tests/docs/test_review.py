"""docs/review.md is true: its transcript compared, its picture drawn again, its bounds read from the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lotwise.cli.main import main
from lotwise.guard.config import SMALL_ACCOUNT
from lotwise.journal.shelf import Journal
from lotwise.review import breaches, groups, table
from lotwise.review.from_journal import from_journal
from lotwise.review.pictures import whiskers
from lotwise.review.report import review
from lotwise.review.tables import ordered
from lotwise.stats.trades import FEWEST
from tests.e2e.test_cli_review import put_trades

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "review.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n\$ (lotwise [^\n]+)\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LOTWISE_JOURNAL", str(tmp_path / "journal.sqlite"))
    monkeypatch.delenv("LOTWISE_ZONE", raising=False)
    put_trades(tmp_path / "journal.sqlite", 480)
    return tmp_path / "journal.sqlite"


def test_the_transcript(capsys: pytest.CaptureFixture[str]) -> None:
    assert CONSOLE
    for command, shown in CONSOLE:
        assert main(shlex.split(command)[1:]) == 0
        found = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
        assert found.strip("\n") == shown.strip("\n"), command


def test_the_picture(place: Path) -> None:
    found = review(from_journal(Journal.at(place)))
    drawn = whiskers(ordered(found, "setup"), title="By setup", unit=found.unit)
    assert (DOCS / "pictures" / "review_setups.svg").read_text(encoding="utf-8") == drawn


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"has {FEWEST} trades" in PAGE
    for text in (
        f"{breaches.LARGER:g} times the middle of the {breaches.USUAL} trades before",
        f"| {breaches.BEYOND:g} R |",
        f"within {breaches.AFTER_NS // groups.HOUR_NS} h |",
        f"by {100 * breaches.LATE8 // 10**8} % of the way",
        f"else {SMALL_ACCOUNT['trades_a_day']} |",
        "else 15 min |",
        "else 1 % |",
        f"down from {100 * groups.TREND8 // 10**8} % in 24 hours",
    ):
        assert text in PAGE, text
    assert (SMALL_ACCOUNT["cool_down"], SMALL_ACCOUNT["risk"]) == ("15min", "1%")
    for by in groups.TITLES:
        assert f"`{by}`" in PAGE or f"--by {by}`" in PAGE or by == "setup", by


def test_the_python_of_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from lotwise.backtest.trade_table import Trades
    from lotwise.contracts.catalogue import load

    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    count = 40
    columns: dict[str, Any] = {name: np.zeros(count, np.int64) for name in Trades.__dataclass_fields__}
    columns |= {
        "opened_ns": np.arange(count),
        "closed_ns": np.arange(count) + 1,
        "side": np.ones(count, np.int64),
    }
    columns |= {
        "result_cash": np.arange(count) - 20,
        "risk_cash": np.full(count, 10),
        "mae_cash": np.full(count, 3),
    }
    columns |= {"fees_cash": np.full(count, 2), "insurance_cash": np.ones(count, np.int64)}
    columns |= {"funding_cash": np.full(count, 4), "liquidated": np.arange(count) == 0}
    names: dict[str, Any] = {"trades": Trades(**columns), "contracts": [load("binance:BTCUSDT")]}
    exec(code, names)
    found = names["found"].table
    assert found.net_cash.tolist() == list(range(-20, 20))
    assert (found.fee_cash[0], found.funding_cash[0], found.mae_cash[0]) == (3, -4, -3)
    assert (found.setup.at(0), found.contract.at(0), found.coin.at(0)) == ("breakout", "BTCUSDT", "USDT")
    assert [found.exit_kind.at(row) for row in (0, 1)] == ["liquidation", ""]
    assert found.slip_cash.tolist() == [table.UNKNOWN] * count
