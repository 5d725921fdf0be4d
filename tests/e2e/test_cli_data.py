"""``lotwise data`` as a person uses it: files in, a list, a check, a file out; and silly input."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest

from lotwise.cli.main import main
from tests.e2e.faces import Capture, answered, said

pl = pytest.importorskip("polars")

HEAD = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
ROWS = [
    f"{i},{93214 + i % 5}.{i % 2}0,0.0{1 + i % 9},{i},{i},{1746316800000 + i * 40_000},true"
    for i in range(4000)
]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of one's own, and the folder of the files beside it."""
    monkeypatch.setenv("LOTWISE_STORE", str(tmp_path / "market"))
    monkeypatch.chdir(tmp_path)
    for name, rows in (("one", ROWS[:3000]), ("two", ROWS[2000:])):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(f"{name}.csv", "\n".join([HEAD, *rows]) + "\n")
    return tmp_path / "market"


def refused(capsys: Capture, command: str) -> tuple[str, str]:
    """Code and message of an error; nothing else is said."""
    assert main([*command.split(), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"]
    return error["code"], error["message"]


def test_files_in_a_list_a_check_and_a_file_out(capsys: Capture, tmp_path: Path) -> None:
    shown = said(capsys, "data import one.zip two.zip --contract binance:BTCUSDT")
    assert "one.zip  3,000 trades, 2 days written" in shown
    assert "two.zip  2,000 trades, 1 day written" in shown
    assert "all there already" in said(capsys, "data import one.zip --contract binance:BTCUSDT")
    (row,) = answered(capsys, "data list")["series"]
    assert row == {
        "contract": "binance:BTCUSDT",
        "kind": "trades",
        "first": "2025-05-04",
        "last": "2025-05-05",
        "days": 2,
        "rows": 4000,
    }
    assert "4,000" in said(capsys, "data list")
    assert "nothing odd" in said(capsys, "data check binance:BTCUSDT trades")
    said(capsys, "data export binance:BTCUSDT trades out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "time_ns,id,price,quantity,buyer_is_maker"
    assert lines[8] == f"{1746316800000 * 10**6 + 7 * 40 * 10**9},7,93216.1,0.08,true"
    assert len(lines) == 4001
    assert answered(capsys, "data export binance:BTCUSDT trades out.parquet")["rows"] == 4000
    assert pl.read_parquet(tmp_path / "out.parquet")["price"][7] == 932161


def test_an_empty_store_says_how_to_fill_it(capsys: Capture) -> None:
    assert "lotwise data import FILE" in " ".join(said(capsys, "data list").split())
    assert answered(capsys, "data list")["series"] == []


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("data import --contract binance:BTCUSDT", "USAGE-001", "no file"),
        ("data import gone.zip --contract binance:BTCUSDT", "DATA-004", "gone.zip"),
        ("data import one.zip --contract BTCUSDT", "DATA-002", "names no venue"),
        ("data import one.zip --contract binance:../x", "DATA-201", "cannot name a folder"),
        ("data import one.zip --contract binance:BTCUSDT --form candles", "DATA-102", "candles"),
        ("data check binance:BTCUSDT candles", "DATA-003", "candles is no kind"),
        ("data check binance:BTCUSDT trades", "DATA-205", "holds no trades of binance:BTCUSDT"),
        ("data export binance:BTCUSDT trades out.csv", "DATA-205", "holds no trades"),
    ],
)
def test_silly_input_is_refused_and_nothing_is_written(
    capsys: Capture, store: Path, command: str, code: str, words: str
) -> None:
    found = refused(capsys, command)
    assert found[0] == code
    assert words in found[1]
    assert not list(store.rglob("*.parquet"))


def test_without_polars_the_way_to_get_it_is_said(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    assert refused(capsys, "data list") == ("DATA-001", "market data needs polars, which is not installed")


def test_a_file_that_is_there_is_not_written_over(capsys: Capture, tmp_path: Path) -> None:
    said(capsys, "data import one.zip --contract binance:BTCUSDT")
    (tmp_path / "out.csv").write_text("mine", encoding="utf-8")
    assert refused(capsys, "data export binance:BTCUSDT trades out.csv")[0] == "DATA-208"
    assert refused(capsys, "data export binance:BTCUSDT trades out.xls")[0] == "DATA-207"
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "mine"
