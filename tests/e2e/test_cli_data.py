"""``lotwise data`` as a person uses it: files in, a list, a check, a file out; and silly input."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
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
    (tmp_path / "empty").mkdir()
    files = {
        "empty/README": "nothing to read",
        "mine.csv": "When,Rate\n2025-05-04 08:00:00,0.0001\n2025-05-04 16:00:00,-0.00025\n",
        "funding.csv": "Symbol,Date,Funding Rate\nBTC-USDT,2020-01-01 03:00:00,0.0001\n",
        "late.csv": f"{HEAD}\n1,1,1,1,1,4099999999000,true\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "market"


def refused(capsys: Capture, command: str) -> tuple[str, str]:
    """Code and message of an error; nothing else is said."""
    assert main([*shlex.split(command), "--json"]) == 2
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
        ("data import one.zip --contract ''", "DATA-002", "the contract is empty"),
        ("data import one.zip --contract :BTCUSDT", "DATA-002", "names no venue"),
        ("data import one.zip --contract binance:", "DATA-002", "names no contract"),
        ("data import one.zip --contract 'binance:*'", "DATA-130", "does not say whose data it holds"),
        ("data import empty --contract binance:BTCUSDT", "DATA-134", "is a folder, and none of its 1 files"),
        ("data import mine.csv --contract binance:BTCUSDT", "DATA-102", "mine.csv: neither its header"),
        ("data import mine.csv --contract binance:BTCUSDT --map time_ns", "DATA-123", "--map 'time_ns'"),
        (
            "data import mine.csv --contract a:B --map rate=R --map rate=Q",
            "DATA-123",
            "--map names rate twice",
        ),
        ("data import mine.csv --contract a:B --map rate=R", "DATA-123", "columns rate make no kind"),
        ("data import funding.csv --contract binance:ETHUSDT", "DATA-130", "holds BTC-USDT, not ETHUSDT"),
        ("data import late.csv --contract binance:BTCUSDT", "DATA-136", "late.csv, row 2: 2099-"),
        ("data list --store one.zip", "DATA-140", "one.zip is a file, not a folder"),
        ("data list --store one.zip/deep/er", "DATA-140", "one.zip is a file, not a folder"),
        ("data import one.zip --contract binance:BTCUSDT --store mine.csv", "DATA-140", "mine.csv is a file"),
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


def test_a_file_of_unknown_columns_is_told_which_is_which(capsys: Capture) -> None:
    told = answered(
        capsys,
        "data import mine.csv --contract bybit:BTCUSDT --map time_ns=When --map rate=Rate --kind funding",
    )["files"]
    assert told == [
        {"file": "mine.csv", "contract": "bybit:BTCUSDT", "kind": "funding", "rows": 2, "days_written": 1}
    ]
    assert "nothing odd" in said(capsys, "data check bybit:BTCUSDT funding")


def test_a_folder_is_brought_in_file_by_file_in_the_order_of_names(capsys: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number, name in enumerate(
        ("BTCUSDT-trades-b.zip", "BTCUSDT-aggTrades-a.csv", "notes.md", ".hidden.csv")
    ):
        rows = "\n".join([HEAD, *ROWS[number * 100 : number * 100 + 50]])
        if name.endswith("zip"):
            with zipfile.ZipFile(folder / name, "w") as archive:
                archive.writestr("x.csv", rows)
        else:
            (folder / name).write_text(rows, encoding="utf-8")
    shown = said(capsys, f"data import {folder} --contract 'binance:*'").splitlines()
    assert shown[0].endswith("many  passed by: notes.md")
    assert shown[1].split() == [
        "BTCUSDT-aggTrades-a.csv",
        "binance:BTCUSDT",
        "50",
        "trades,",
        "1",
        "day",
        "written",
    ]
    assert "BTCUSDT-trades-b.zip" in shown[2]
    (row,) = answered(capsys, "data list")["series"]
    assert (row["contract"], row["rows"]) == ("binance:BTCUSDT", 100)


def test_several_contracts_of_a_file_go_each_under_its_name(capsys: Capture, tmp_path: Path) -> None:
    with (tmp_path / "funding.csv").open("a", encoding="utf-8") as file:
        file.write("ETH-USDT,2020-01-01 03:00:00,0.0002\n")
    said(capsys, "data import funding.csv --contract binance:ETHUSDT")
    (row,) = answered(capsys, "data list")["series"]
    assert (row["contract"], row["rows"]) == ("binance:ETHUSDT", 1)
    shown = said(capsys, "data import funding.csv --contract 'kucoin:*'")
    assert "kucoin:BTC-USDT  1 funding" in shown
    assert "kucoin:ETH-USDT  1 funding" in shown


def test_a_bad_row_far_in_a_file_leaves_the_days_before_it_whole(
    capsys: Capture, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotwise.market.packed.BLOCK", 9_000)
    monkeypatch.setattr("lotwise.market.packed.CHUNK", 3_000)
    rows = [row.replace("true", "maybe") if i == 3500 else row for i, row in enumerate(ROWS)]
    (tmp_path / "bad.csv").write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    code, words = refused(capsys, "data import bad.csv --contract binance:BTCUSDT")
    assert (code, "bad.csv, row 3502: buyer_is_maker is 'maybe'" in words) == ("DATA-115", True)
    days = answered(capsys, "data list")["series"]
    first_day = sum(int(row.split(",")[5]) < 1746316800000 + 86_400_000 for row in ROWS)
    assert [(row["days"], row["rows"]) for row in days] == [(1, first_day)]
    (tmp_path / "bad.csv").write_text("\n".join([HEAD, *ROWS]), encoding="utf-8")
    said(capsys, "data import bad.csv --contract binance:BTCUSDT")
    assert answered(capsys, "data list")["series"][0]["rows"] == 4000


def test_the_cause_is_said_where_nothing_can_be_written(capsys: Capture, tmp_path: Path) -> None:
    said(capsys, "data import one.zip --contract binance:BTCUSDT")
    code, words = refused(capsys, "data export binance:BTCUSDT trades gone/out.csv")
    assert (code, words) == ("DATA-204", "out.csv cannot be written: the folder gone is not there")
    (tmp_path / "other" / "binance").mkdir(parents=True)
    (tmp_path / "other" / "binance" / "BTCUSDT").write_text("a file", encoding="utf-8")
    command = "data import one.zip --contract binance:BTCUSDT --store other --json"
    assert main(shlex.split(command)) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "DATA-204"
    assert "a file stands where a folder is needed" in error["hint"]


def test_real_captures_go_in_and_are_checked(capsys: Capture, shared_data: Path) -> None:
    path = shared_data / "ws_captures" / "BINANCE_FUTURES.jsonl.zst"
    told = answered(capsys, f"data import {path} --contract binance:SUSHIUSDT")["files"]
    assert {one["kind"]: one["rows"] for one in told} == {"depth": 6029, "quotes": 305, "trades": 40}
    for kind in ("depth", "quotes"):
        assert answered(capsys, f"data check binance:SUSHIUSDT {kind}")["findings"] == []
    assert (
        answered(capsys, f"data import {path} --contract binance:SUSHIUSDT")["files"][0]["days_written"] == 0
    )


def test_a_large_file_is_brought_in_with_little_memory(capsys: Capture, tmp_path: Path) -> None:
    """Peak memory of a process of its own (getrusage would tell of its parent too)."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the system does not tell the peak of a process's memory")
    rows = "".join(
        f"{i},93214.{i % 10},0.012,{i},{i},{1746316800000 + i * 300},true\n" for i in range(1_500_000)
    )
    (tmp_path / "large.csv").write_text(f"{HEAD}\n{rows}", encoding="utf-8")
    count = (
        "import sys; from lotwise.cli.main import main; code = main(sys.argv[1:]);"
        "lines = open('/proc/self/status').read().split('VmHWM:')[1];"
        "print(code, int(lines.split()[0]) // 1024)"
    )
    peaks = []
    for name in ("one.zip", "large.csv"):
        command = f"data import {name} --contract binance:X{name[:3]} --quiet"
        done = subprocess.run(
            [sys.executable, "-c", count, *command.split()], capture_output=True, text=True, check=True
        )
        code, peak = done.stdout.split()
        assert (code, done.stderr) == ("0", "")
        peaks.append(int(peak))
    size = os.path.getsize(tmp_path / "large.csv") // 2**20
    assert size > 75
    assert peaks[1] - peaks[0] < 3.7 * size, (peaks, "the file as a whole takes more than 5 times its size")
    assert answered(capsys, "data list")["series"][0]["rows"] > 0
