"""``lotwise init``, ``trade``, ``status``, ``flatten``: real processes, a real exchange, real ccxt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app import trade_safety as safety
from lotwise.app.trade_config import example, read
from lotwise.app.trade_folder import Folder, Phases
from lotwise.broker.chronicle import Told
from lotwise.cli.main import main
from lotwise.errors import InputError, RefusedError
from lotwise.journal.shelf import Journal
from lotwise.units import Cash
from tests.e2e.faces import ENTRY
from tests.exchange.served import KEY, SECRET, SYMBOL, Server, client

BARS = 80


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOTWISE_PAPER_KEY", KEY)
    monkeypatch.setenv("LOTWISE_PAPER_SECRET", SECRET)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("LOTWISE_JOURNAL", raising=False)


def short_store(root: Path) -> None:
    """So many minutes."""
    from lotwise.market import synthetic
    from lotwise.market.kinds import KINDS, Table
    from lotwise.market.store import Series, Store

    made = synthetic.make("storm", 1, 7, ("BTCUSDT",), kinds=("bars",))
    table = made.made["BTCUSDT"].tables["bars"]
    Store(root).put(
        Series("binance", "BTCUSDT", KINDS["bars"]),
        Table(table.kind, table.scale, table.frame.head(BARS)),
    )


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[Server]:
    short_store(tmp_path / "store")
    options = ("--market", "store", "--store", str(tmp_path / "store"), "--contracts", "BTCUSDT")
    server = Server(tmp_path / "state", *options, "--history-hours", "0")
    server.account()
    yield server
    server.stop()


def config(path: Path, server: Server, **changes: str) -> Path:
    """A file for a server; every trade is allowed that fits."""
    text = example().replace(":8610", f":{server.port}").replace(":8611", f":{server.admin}")
    text = text.replace('# folder = "state"', 'folder = "session"').replace('bar = "5m"', 'bar = "1m"')
    text = text.replace("bars = 60, ranges = 3", "bars = 5, ranges = 8").replace(
        "warm_up = 200", "warm_up = 0"
    )
    for key in ("trades_a_day", "cool_down", "account_leverage", "liquidation", "day_loss", "week_loss"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(key))
    for before, after in changes.items():
        line = next(one for one in text.splitlines() if one.startswith(before))
        text = text.replace(line, f"{before} = {after}")
    path.write_text(text)
    return path


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_init_writes_a_file_that_loads_and_does_not_write_over_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    assert main(["init", str(path)]) == 0
    assert "lotwise trade --paper" in capsys.readouterr().out
    assert read(path.read_text()).venue == "binance"
    assert main(["init", str(path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "TRADE-108"
    assert main(["init", str(path), "--force", "--venue", "bybit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["where"] == "demo"
    assert main(["init", str(tmp_path / "no" / "x.toml")]) == 2
    assert "error[TRADE-108]" in capsys.readouterr().err


def test_a_paper_session_in_lockstep_trades_and_ends_with_its_market(
    stepped: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path / "trade.toml", stepped, lockstep="true")
    assert main(["trade", "--paper", str(path), "--json", "--at-end", "flatten"]) == 0
    told = lines(capsys.readouterr().out)
    assert told[0]["session"]["where"] == "paper"
    assert told[0]["session"]["at_risk_trade"] == "10.00"
    assert told[0]["session"]["at_risk_day"] == "1000.00"  # no day's loss is set: all of it
    assert told[-1]["ended"]["left"] == []
    kinds = [one["told"]["kind"] for one in told[1:-1]]
    assert kinds[0] == "recovered"
    assert kinds.count("plan") >= 2
    assert kinds.count("fill") >= 4
    assert kinds.count("ended") == kinds.count("plan")
    assert "stop_seen" in kinds
    ex = client(stepped.port)
    assert ex.fetch_positions() == []
    assert ex.fetch_open_orders(SYMBOL) == []
    assert len(ex.fetch_my_trades(SYMBOL, limit=500)) == kinds.count("fill")
    assert Phases(read(path.read_text()), tmp_path).trades() == kinds.count("ended")
    said = (tmp_path / "session" / "said.jsonl").read_text()
    assert len(said.splitlines()) == len(kinds)
    assert KEY not in said
    assert SECRET not in said
    shelf = Journal.at(None)
    trips = shelf.page(limit=500)
    shelf.close()
    assert len(trips) == kinds.count("ended")
    assert sum(trip.fills for trip in trips) == kinds.count("fill")
    assert all(trip.closed_ns is not None for trip in trips)
    assert main(["status", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "PAPER" in shown
    assert "does not run" in shown
    assert "nothing stands at the venue" in shown


def test_flatten_works_when_the_session_is_dead_and_locks_it(
    stepped: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path / "trade.toml", stepped, lockstep="true")
    stepped.step(3)
    ex = client(stepped.port)
    ex.create_order(SYMBOL, "market", "buy", 0.004)
    ex.create_order(SYMBOL, "limit", "buy", 0.004, round(ex.fetch_ticker(SYMBOL)["last"] * 0.98, 1))
    assert main(["status", str(path), "--json"]) == 0
    stands = json.loads(capsys.readouterr().out)["at_venue"]
    assert [one["quantity"] for one in stands["positions"]] == ["0.004"]
    assert [one["kind"] for one in stands["orders"]] == ["limit"]
    assert main(["flatten", str(path), "--everything", "--json"]) == 0
    done = lines(capsys.readouterr().out)[-1]["flatten"]
    assert (done["flat"], done["cancelled"], done["closed"]) == (True, 1, 1)
    assert done["lock"].startswith("locked")
    assert ex.fetch_positions() == []
    assert main(["trade", "--paper", str(path), "--json"]) == 0
    kinds = [one["told"]["kind"] for one in lines(capsys.readouterr().out)[1:-1]]
    assert "plan" not in kinds  # locked
    assert "refused" in kinds
    assert main(["status", str(path), "--offline"]) == 0
    assert "LOCKED" in capsys.readouterr().out


def test_a_running_session_ends_by_ctrl_c_and_is_killed_from_outside(tmp_path: Path) -> None:
    server = Server(tmp_path / "state", speed=5)
    try:
        server.account()
        path = config(tmp_path / "trade.toml", server, every='"1s"')
        arguments = [sys.executable, "-c", ENTRY, "trade", "--paper", str(path), "--json"]
        running = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        too_long = threading.Timer(90, running.kill)  # a line that never comes ends the reading
        too_long.start()
        try:
            assert running.stdout is not None
            assert json.loads(running.stdout.readline())["session"]["account"] == "paper"
            assert json.loads(running.stdout.readline())["told"]["kind"] == "recovered"
            assert Folder(tmp_path / "session").is_taken
            assert main(["trade", "--paper", str(path), "--json"]) == 2  # TRADE-114: it runs already
            assert main(["flatten", str(path), "--reason", "a test"]) == 0
            locks = (json.loads(line)["told"] for line in running.stdout)
            assert any("kill switch: a test" in one["message"] for one in locks if one["kind"] == "lock")
            running.send_signal(signal.SIGINT)
            rest = lines(running.stdout.read())
            assert running.wait(60) == 0
            assert "ended" in rest[-1]
        finally:
            too_long.cancel()
            running.kill()
            running.communicate()
    finally:
        server.stop()


def test_what_cannot_be_is_told_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trade.toml"
    path.write_text(example().replace('# folder = "state"', 'folder = "session"'))

    def refused(code: str, *arguments: str, exit_code: int = 2) -> None:
        assert main([*arguments, "--json"]) == exit_code
        assert json.loads(capsys.readouterr().out)["error"]["code"] == code

    refused("TRADE-110", "trade", str(path))
    refused("TRADE-110", "trade", "--live", str(path))
    refused("TRADE-110", "trade", "--paper", "--live", str(path))
    refused("TRADE-115", "trade", "--paper", str(path), "--at-end", "run")
    refused("TRADE-101", "trade", "--paper", str(tmp_path / "none.toml"))
    refused("BROKER-142", "trade", "--paper", str(path), exit_code=4)  # no exchange runs
    path.write_text(path.read_text().replace('where = "paper"', 'where = "live"'))
    refused("TRADE-112", "trade", "--live", str(path), exit_code=3)
    monkeypatch.delenv("LOTWISE_PAPER_KEY")
    refused("BROKER-130", "trade", "--live", str(path), "--without-paper", "I know it")
    (tmp_path / "file").write_text("")
    path.write_text(path.read_text().replace('folder = "session"', 'folder = "file"'))
    refused("TRADE-113", "status", str(path), "--offline")


def test_live_asks_for_the_money_at_risk_and_a_paper_phase(tmp_path: Path) -> None:
    config = read(example("binance", "live"))
    risk = safety.at_risk(config, Cash(1_003_79 * 10**6 + 1))
    assert (risk.trade_cash, risk.day_cash, risk.typed) == (10_04 * 10**6, 30_12 * 10**6, "30.12")
    for typed in ("30.12", " 30.12 ", "30.12 USDT", "30.120"):
        safety.confirmed(risk, typed, "USDT")
    for typed in ("", "yes", "30.11", "3012", "30,12"):
        with pytest.raises(RefusedError, match="TRADE-111"):
            safety.confirmed(risk, typed, "USDT")
    paper = Phases(read(example("binance", "paper")), tmp_path)
    live = Phases(config, tmp_path)
    for number in range(20):
        with pytest.raises(RefusedError, match=rf"TRADE-112.*{number} trades"):
            safety.paper_passed(config, live, "")
        paper.told(Told(kind="ended", time_ns=1, message="over", numbers={"lots": 1}))
        paper.told(Told(kind="ended", time_ns=1, message="nothing was filled", numbers={"lots": 0}))
        paper.told(Told(kind="fill", time_ns=1, message="no end"))
        live.told(Told(kind="ended", time_ns=1, message="live does not count", numbers={"lots": 1}))
    assert safety.paper_passed(config, live, "")
    other = read(example("binance", "live").replace("bars = 60", "bars = 61"))
    assert not safety.paper_passed(other, Phases(other, tmp_path), "a reason")
    with pytest.raises(InputError, match="TRADE-110"):
        safety.no_where(config, ["paper"])


def test_one_session_at_a_time_in_a_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "one")
    assert not folder.is_taken
    with folder.taken():
        assert folder.is_taken
        with pytest.raises(InputError, match="TRADE-114"), folder.taken():
            pass
    assert not folder.is_taken
    folder.kill("why")
    assert folder.killed() == "why"
    with folder.taken():
        assert folder.killed() == ""  # of an earlier session


def test_diverge_names_every_cent(
    stepped: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, store = config(tmp_path / "trade.toml", stepped), str(tmp_path / "store")
    asked = ["diverge", str(path), "--store", store, "--equity", "1000"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["trades"]) >= 2
    assert (told["difference"], set(told["parts"].values())) == ("0.00", {"0.00"})
    assert main(asked) == 0
    assert "same to the cent" in capsys.readouterr().out
    stepped.step(4)
    ex = client(stepped.port)
    ex.create_order(SYMBOL, "market", "buy", 0.004)
    stepped.step(5)
    ex.create_order(SYMBOL, "market", "sell", 0.004)
    assert main([*asked, "--account", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["second"] == "paper account"
    assert told["parts"]["missed"] != "0.00"
    assert told["difference"] != "0.00"
    assert main(["diverge", str(path), "--equity", "0", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "TRADE-140"
