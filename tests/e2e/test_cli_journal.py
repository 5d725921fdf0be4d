"""``lotwise journal`` as a trader types it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lotwise.cli.main import main
from lotwise.market.kinds import BARS
from lotwise.market.store import Series, Store
from tests.e2e.faces import Capture, answered, said
from tests.unit.postgres_server import server

BINANCE = (
    "symbol,id,orderId,side,positionSide,price,qty,quoteQty,"
    "realizedPnl,commission,commissionAsset,time,buyer,maker"
)
ROWS = (
    "BTCUSDT,11,5,BUY,BOTH,94000.0,0.010,940.0,0,0.47,USDT,1746316800000,true,false",
    "BTCUSDT,12,6,SELL,BOTH,95000.0,0.010,950.0,10.0,0.475,USDT,1746320400000,false,false",
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LOTWISE_JOURNAL", str(tmp_path / "j" / "journal.sqlite"))
    monkeypatch.setenv("LOTWISE_STORE", str(tmp_path / "market"))
    monkeypatch.delenv("LOTWISE_ZONE", raising=False)
    (tmp_path / "fills.csv").write_text("\n".join([BINANCE, *ROWS]) + "\n", encoding="utf-8")
    return tmp_path


def refused(capsys: Capture, command: str, code: int = 2) -> tuple[str, str]:
    assert main(shlex.split(command)) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    first, _, hint = shown.err.partition("\n")
    assert hint.startswith("hint: ")
    name, _, words = first.removeprefix("error[").partition("]: ")
    return name, words


def brought(capsys: Capture) -> str:
    told = answered(capsys, "journal import fills.csv --venue binance")["files"][0]
    assert (told["fills"], told["trades"], told["without_stop"]) == (2, 1, 1)
    return str(answered(capsys, "journal list")["trades"][0]["trip_id"])


def test_a_file_becomes_trades_that_are_listed_and_shown(capsys: Capture) -> None:
    assert "No trades" in said(capsys, "journal list")
    shown = said(capsys, "journal import fills.csv --venue binance")
    assert "fills.csv  binance fills: 2 fills new; 1 trade" in shown
    assert "1 trade has no stop" in shown
    assert "2 fills known already" in said(capsys, "journal import fills.csv --venue binance")
    (line,) = said(capsys, "journal list --zone Europe/Berlin").splitlines()[1:]
    assert "2025-05-04 02:00:00" in line
    assert line.split()[5:] == ["binance:BTCUSDT", "long", "9.055", "USDT"]
    told = answered(capsys, "journal list")
    assert told["count"] == 1
    assert told["trades"][0]["net"] == "9.055"


def test_a_plan_makes_r(capsys: Capture) -> None:
    trade = brought(capsys)
    said(capsys, f'journal note {trade} "took it late" --stop 93500 --target 96000 --reason range')
    said(capsys, f'journal note {trade[:5]} "yes" --prompt plan')
    assert said(capsys, f"journal tag {trade} Breakout late").rstrip().endswith("breakout late")
    assert said(capsys, f"journal tag {trade} late --off --quiet").strip() == trade
    told = answered(capsys, f"journal show {trade}")
    assert {name: told["trade"][name] for name in ("risk", "r", "planned_r", "tags", "mfe_r")} == {
        "risk": "5",
        "r": "1.811",
        "planned_r": "4",
        "tags": "breakout",
        "mfe_r": "2",
    }
    assert told["unanswered"][0] == "entry"
    shown = said(capsys, f"journal show {trade}")
    for words in (
        "planned stop  93,500  given",
        "96000",
        "range",
        "1.81",
        "planned 4.00, MAE 0.00, MFE 2.00",
        "took it late",
        "from its fills alone",
    ):
        assert words in shown
    assert answered(capsys, "journal list --tag breakout")["count"] == 1
    assert answered(capsys, "journal list --tag late")["count"] == 0


def test_fills_by_hand_become_a_trade(capsys: Capture) -> None:
    one = 'journal add binance:ETHUSDT sell 0.5 2000 --time "2025-05-04 12:00" --stop 2040 --fee 0.5'
    assert "short, open" in said(capsys, one)
    assert "known already" in said(capsys, one)
    done = answered(capsys, 'journal add binance:ETHUSDT buy 0.5 1960 --time "2025-05-04 13:00" --fee 0.5')
    assert (done["trade"]["net"], done["trade"]["r"]) == ("19", "0.95")
    for wrong, code in (
        ("binance:ETHUSDT hold 1 2000", "JOURNAL-107"),
        ("binance:ETHUSDT buy 0 2000", "JOURNAL-107"),
        ("binance:NOSUCH buy 1 2000", "JOURNAL-114"),
        ("binance:ETHUSDT buy 1 2000 --stop 2001", "JOURNAL-105"),
        ("binance:ETHUSDT buy 1 2000 --risk -5", "JOURNAL-105"),
        ("binance:ETHUSDT buy 1 2000 --time soon", "JOURNAL-131"),
    ):
        assert refused(capsys, f"journal add {wrong}")[0] == code
    assert answered(capsys, "journal list")["count"] == 1


def test_a_trade_is_drawn_over_its_market(capsys: Capture, place: Path) -> None:
    trade = brought(capsys)
    assert refused(capsys, f"journal show {trade} --picture t.svg")[0] == "JOURNAL-140"
    import polars as pl

    from lotwise.market.kinds import Scale, Table

    minutes = range(-90, 150)
    rows = {
        "time_ns": [(1_746_316_800 + 60 * n) * 10**9 for n in minutes],
        "open": [9_400_000] * 240,
        "high": [9_410_000 + 100 * n for n in range(240)],
        "low": [9_390_000 - (90_000 if n == 30 else 0) for n in minutes],
        "close": [9_400_000] * 240,
        "volume": [5] * 240,
        "turnover": [1] * 240,
        "trades": [1] * 240,
        "taker_buy_volume": [1] * 240,
    }
    table = Table(BARS, Scale(price=2, quantity=3, money=2), pl.DataFrame(rows))
    Store(place / "market").put(Series("binance", "BTCUSDT", BARS), table)
    said(capsys, f"journal note {trade} --stop 93500")
    told = answered(capsys, f"journal show {trade} --picture t.svg")["trade"]
    assert (told["mae"], told["mae_price"], told["mae_r"]) == ("-10", "93000", "-2")
    assert (told["mfe"], told["bars_seen"]) == ("10", 60)
    assert told["entry_btc_change"] is None, "the store has no day of it"
    svg = (place / "t.svg").read_text("utf-8")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    for words in ("MAE -10.00", "MFE 10.00", "stop", "long entry", "exit", f"binance:BTCUSDT long {trade}"):
        assert words in svg
    assert refused(capsys, f"journal show {trade} --picture t.svg")[0] == "JOURNAL-140"
    assert refused(capsys, f"journal show {trade} --picture t.png")[0] == "JOURNAL-140"
    assert said(capsys, f"journal show {trade} --quiet").strip() == f"{trade} 9.055 USDT"
    assert answered(capsys, "journal list")["trades"][0]["mae_r"] is None, "nobody measured it yet"
    assert answered(capsys, "journal measure --contract binance:BTCUSDT") == {"measured": 1}
    (listed,) = answered(capsys, "journal list")["trades"]
    assert {name: listed[name] for name in listed} == {name: told[name] for name in listed}
    header, line = said(capsys, "journal list").splitlines()[:2]
    assert header.split()[-4:] == ["MAE", "R", "MFE", "R"]
    assert line.split()[-2:] == ["−2.00", "2.00"]
    said(capsys, "journal export t.csv")
    names, values = (one.split(",") for one in (place / "t.csv").read_text("utf-8").splitlines())
    assert dict(zip(names, values, strict=True))["mfe_r"] == "2"


def test_trades_and_money_are_taken_out(capsys: Capture, place: Path) -> None:
    brought(capsys)
    assert "t.csv  1 trades" in said(capsys, "journal export t.csv")
    assert answered(capsys, "journal export l.beancount --ledger") == {"file": "l.beancount", "postings": 8}
    assert "Assets:Binance:Main:Wallet  9.525 USDT" in (place / "l.beancount").read_text("utf-8")
    assert refused(capsys, "journal export t.csv")[0] == "JOURNAL-120"
    assert refused(capsys, "journal export l.beancount --ledger")[0] == "LEDGER-106"


def test_a_mapping_may_lie_in_a_file(capsys: Capture, place: Path) -> None:
    (place / "other.csv").write_text(
        "When,What,How,At,Many\n2025-05-04,BTCUSDT,buy,94000,0.01\n", encoding="utf-8"
    )
    names = {"time": "When", "contract": "What", "side": "How", "price": "At", "quantity": "Many"}
    (place / "map.json").write_text(json.dumps(names), encoding="utf-8")
    code, words = refused(capsys, "journal import other.csv")
    assert (code, "When, What" in words) == ("JOURNAL-111", True)
    told = answered(capsys, "journal import other.csv --venue binance --map map.json")
    assert told["files"][0]["fills"] == 1
    for wrong in ("--map time", "--map gone.json", "--map time=a --map time=b", "--size BTCUSDT"):
        assert refused(capsys, f"journal import other.csv --venue binance {wrong}")[0] == "JOURNAL-133"
    (place / "list.json").write_text("[1]", encoding="utf-8")
    assert refused(capsys, "journal import other.csv --venue binance --map list.json")[0] == "JOURNAL-133"


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[str]:
    """A person at a terminal; the questions that were asked."""
    waiting, asked = iter(lines), []

    def answer(question: str) -> str:
        asked.append(question)
        try:
            return next(waiting)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    return asked


def test_a_file_nobody_knows_is_asked_about_column_by_column(
    capsys: Capture, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["When,What,How,At,Many,Cost", "2025-05-04,BTCUSDT,buy,94000,0.01,0.47"]
    (place / "other.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    asked = typed(monkeypatch, "1", "2", "How", "9", "4", "", "5", "6", "", "", "", "", "", "", "binance")
    shown = said(capsys, "journal import other.csv --guide")
    assert "1  When  2025-05-04" in shown
    assert "Give a number from 1 to 6" in shown
    assert "other.map.json" in shown
    assert "1 fills new" in shown
    assert len(asked) == 15
    written = json.loads((place / "other.map.json").read_text("utf-8"))
    assert written == {
        "time": "When",
        "contract": "What",
        "side": "How",
        "price": "At",
        "quantity": "Many",
        "fee": "Cost",
    }
    again = answered(capsys, "journal import other.csv --venue binance --map other.map.json")
    assert again["files"][0]["fills_known"] == 1
    typed(monkeypatch, "1")
    assert main(shlex.split("journal import other.csv --guide")) == 2
    assert "JOURNAL-134" in capsys.readouterr().err
    assert not (place / "other.map2.json").exists()
    for number in range(2, 100):
        (place / f"other.map{number}.json").touch()
    typed(monkeypatch, "1", "2", "3", "4", "5", *[""] * 7, "x")
    assert main(shlex.split("journal import other.csv --guide")) == 2
    assert "JOURNAL-135" in capsys.readouterr().err


def test_questions_need_a_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(shlex.split("journal import fills.csv --guide")) == 2
    assert "JOURNAL-134" in capsys.readouterr().err
    assert answered(capsys, "journal list")["count"] == 0


def test_stops_are_asked_for(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = typed(monkeypatch, "95000", "soon", "93500")
    shown = said(capsys, "journal import fills.csv --venue binance --stop")
    assert len(asked) == 3
    assert "loses nothing" in shown
    assert answered(capsys, "journal list")["trades"][0]["r"] == "1.811"
    assert "BTCUSDT long at 94,000: the stop?" in asked[0]


def test_refusals_and_overrides_are_listed(capsys: Capture, place: Path) -> None:
    from lotwise.journal.session_log import SessionLog
    from lotwise.journal.shelf import Journal

    assert "Nothing was refused" in said(capsys, "journal list --refusals")
    journal = Journal.at()
    log = SessionLog(journal, "binance")
    log.refusal("BTCUSDT", "i1", rule="day_loss", message="40 of 40", time_ns=1_746_316_800 * 10**9)
    log.override("ETHUSDT", "i2", rule="chase", reason="clear range", time_ns=1_746_403_200 * 10**9)
    journal.close()
    shown = said(capsys, "journal list --refusals").splitlines()
    assert shown == [
        "  2025-05-04 00:00:00  binance:main:BTCUSDT  refused day_loss: 40 of 40",
        "  2025-05-05 00:00:00  binance:main:ETHUSDT  set aside chase: clear range",
    ]
    told = answered(capsys, "journal list --refusals --contract binance:ETHUSDT")["refusals"]
    assert [one["kind"] for one in told] == ["override"]
    told = answered(capsys, "journal list --refusals --until 2025-05-05")["refusals"]
    assert [one["rule"] for one in told] == ["day_loss"]
    assert answered(capsys, "journal list --refusals --account second")["refusals"] == []


def test_funding_that_no_trade_held_is_said(capsys: Capture, place: Path) -> None:
    rows = ["symbol,incomeType,income,asset,info,time,tranId,tradeId"]
    rows.append("BTCUSDT,FUNDING_FEE,-0.09,USDT,FUNDING_FEE,1746318000000,1,")
    rows.append("BTCUSDT,FUNDING_FEE,-0.09,USDT,FUNDING_FEE,1746400000000,2,")
    (place / "income.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    brought(capsys)
    shown = said(capsys, "journal import income.csv --venue binance")
    assert "1 records of funding are of a time when nothing was held" in shown
    assert answered(capsys, "journal list")["trades"][0]["funding"] == "-0.09"


def test_measuring_needs_the_packages_of_the_store(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    trade = brought(capsys)
    monkeypatch.setitem(sys.modules, "polars", None)
    assert refused(capsys, "journal measure")[0] == "JOURNAL-142"
    assert answered(capsys, f"journal show {trade}")["trade"]["mfe"] == "10", "its own fills tell"


def test_the_journal_may_be_on_a_server(capsys: Capture) -> None:
    with server() as (url, _):
        told = answered(capsys, f"journal import fills.csv --venue binance --journal {url}")["files"][0]
        assert told["fills"] == 2
        trade = answered(capsys, f"journal list --journal {url}")["trades"][0]["trip_id"]
        assert said(capsys, f"journal tag {trade} far --journal {url} --quiet").strip() == trade
        assert answered(capsys, f"journal show {trade} --journal {url}")["trade"]["tags"] == "far"
    assert answered(capsys, "journal list")["count"] == 0, "the file of one's own was not touched"


def test_what_cannot_be_is_said(capsys: Capture, place: Path) -> None:
    trade = brought(capsys)
    for command, code in (
        ("journal show zzzz", "JOURNAL-102"),
        (f"journal note {trade}", "JOURNAL-104"),
        (f"journal tag {trade}", "JOURNAL-104"),
        (f"journal note {trade} --stop 95000", "JOURNAL-105"),
        (f"journal note {trade} --picture gone.png", "JOURNAL-106"),
        ("journal list --zone Mars/Base", "JOURNAL-130"),
        ("journal list --since soon", "JOURNAL-131"),
        ("journal list --page 0", "JOURNAL-132"),
        ("journal list --limit 0", "JOURNAL-132"),
        ("journal import", "USAGE-001"),
        ("journal import gone.csv", "JOURNAL-110"),
        ("journal import fills.csv", "JOURNAL-112"),
        ("journal list --journal mysql://x", "STORE-101"),
    ):
        assert refused(capsys, command)[0] == code, command
    assert refused(capsys, f"journal list --journal {place / 'fills.csv'}", code=1)[0] == "STORE-108"
    assert (place / "fills.csv").read_text("utf-8").startswith("symbol")
    assert main(shlex.split("journal show zzzz --json")) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "JOURNAL-102"


def test_a_journal_that_is_named_and_not_there_is_not_begun(capsys: Capture, tmp_path: Path) -> None:
    misspelt = tmp_path / "jurnal.sqlite"
    trade = brought(capsys)
    for command in (
        "journal list",
        "journal list --refusals",
        f"journal show {trade}",
        f"journal note {trade} words",
        f"journal tag {trade} late",
        "journal measure",
        "journal export all.csv",
        "review",
    ):
        assert refused(capsys, f"{command} --journal {misspelt}")[0] == "JOURNAL-109", command
        assert not misspelt.exists(), command
    told = answered(capsys, f"journal import fills.csv --venue binance --journal {misspelt}")
    assert told["files"][0]["fills"] == 2, "what brings trades in begins it"
    assert answered(capsys, f"journal list --journal {misspelt}")["count"] == 1


def test_a_plan_reads_no_journal_that_is_not_there(capsys: Capture, tmp_path: Path) -> None:
    plan, gone = tmp_path / "plan.toml", tmp_path / "gone.sqlite"
    for command in (f"plan init {plan}", f"plan check {plan} --equity 1000"):
        assert main(shlex.split(command)) == 0
    capsys.readouterr()
    assert refused(capsys, f"plan check {plan} --journal {gone} --paper-account mine")[0] == "JOURNAL-109"
    assert not gone.exists()
