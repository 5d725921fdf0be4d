"""``lotwise plan`` as a person uses it: begin, feed from a real journal, go back, simulate; silly input."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lotwise.cli.main import main
from lotwise.errors import InputError
from lotwise.journal.measures import Plan
from lotwise.journal.notes import Notes
from lotwise.journal.session_log import SessionLog
from lotwise.journal.shelf import Journal, Wanted
from lotwise.records.journal import Fill, Income
from lotwise.records.plan import TradeClosed, Transferred
from lotwise.scaling.keep import KeptPlan, KnownTransfer
from lotwise.units import Cash
from tests.e2e.faces import Capture, answered, said

U = 10**8
MINUTE = 60 * 10**9
TEXT = """
[plan]
name = "quick"
usual_stop = "2%"
[[phase]]
name = "paper"
where = "paper"
capital = "1000"
risk = "1%"
[phase.gate]
trades = 4
expectancy = "0R"
notes = "100%"
[[phase]]
name = "live small"
where = "live"
capital = "20%"
risk = "1%"
contracts = ["bybit:BTCUSDT", "binance:BTCUSDT"]
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOTWISE_JOURNAL", str(tmp_path / "journal.sqlite"))
    (tmp_path / "plan.toml").write_text(TEXT)
    return tmp_path


def refused(capsys: Capture, command: str) -> tuple[str, str]:
    assert main([*command.split(), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    return error["code"], error["hint"]


def traded(number: int, result: int, account: str = "paper") -> None:
    """A long of 0.01 BTC: plan, fills, and the venue's own ids, as a session writes them."""
    shelf = Journal.at(None)
    log = SessionLog(shelf, "binance", account)
    begins = int(datetime.now(tz=UTC).timestamp()) * 10**9 + number * 30 * MINUTE
    entry, order = f"e{number}", f"lw-{number}"
    log.plan("BTCUSDT", order, Plan(stop8=59_000 * U, risk_cash=10 * U), time_ns=begins, setup="range")
    log.accepted("BTCUSDT", order, entry, time_ns=begins)
    for side, price, name in ((1, 60_000, entry), (-1, 60_000 + 100 * result, f"x{number}")):
        log.fill(
            Fill(
                venue="binance",
                account=account,
                contract="BTCUSDT",
                trade_id=f"{account}{number}{side}",
                order_id=name,
                time_ns=begins + (MINUTE if side < 0 else 0),
                side=side,
                price8=price * U,
                quantity8=U // 100,
                coin="USDT",
            )
        )
    shelf.close()


def test_a_plan_from_the_first_check_to_live(desk: Path, capsys: Capture) -> None:
    assert refused(capsys, "plan show")[0] == "PLAN-113"
    assert refused(capsys, "plan check")[0] == "PLAN-153"
    found = answered(capsys, "plan check --equity 1000")
    assert (found["phase"], found["risk"], found["moved"][0]["kind"]) == ("paper", "10.00", "begin")
    for number, result in enumerate((20, 8, 25, 15, 30), 1):
        traded(number, result)
    found = answered(capsys, "plan check")
    gates = {gate["name"]: gate for gate in found["gates"]}
    assert gates["count"]["found"] == "5"
    assert gates["notes"]["found"] == "0 of 5"
    assert found["moved"] == []
    assert found["phase"] == "paper"
    shelf = Journal.at(None)
    notes = Notes(shelf)
    for trip in shelf.page(Wanted(account="paper")):
        notes.note(trip, "as planned", now_ns=1)
    shelf.close()
    found = answered(capsys, "plan check --price 65000")
    assert [one["kind"] for one in found["moved"]] == ["phase up"]
    assert (found["phase"], found["where"], found["capital"], found["risk"]) == (
        "live small",
        "live",
        "200.00",
        "2.00",
    )
    assert found["contracts"] == ["bybit:BTCUSDT"], "the larger order loses more than 2.00 at 2 %"
    shown = said(capsys, "plan show")
    assert "LIVE SMALL" in shown
    assert "◐ 2  live small" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert said(capsys, "plan show --quiet").strip() == "2.00"
    again = answered(capsys, "plan check")
    assert again["moved"] == []
    went = answered(capsys, "plan back --reason tired")
    assert (went["phase"], went["moved"][0]["why"]) == ("paper", "tired")


def test_a_deposit_is_told_apart(desk: Path, capsys: Capture) -> None:
    said(capsys, "plan check --equity 1000")
    found = answered(capsys, "plan transfer --amount 500 --equity-before 1000 --where paper")
    assert (found["capital"], found["risk"], found["moved"]) == ("1500.00", "15.00", [])
    found = answered(capsys, "plan transfer --amount -500 --equity-before 1500 --where paper")
    assert (found["capital"], found["risk"], found["moved"]) == ("1000.00", "10.00", [])


def moved_money(name: str, amount: int, *, after: int = 0, account: str = "paper", **other: str) -> None:
    """A transfer as the venue's record of income has it, so many half hours from now."""
    shelf = Journal.at(None)
    given = {"venue": "binance", "kind": "TRANSFER", "coin": "USDT"} | other
    now = int(datetime.now(tz=UTC).timestamp()) * 10**9 + after * 30 * MINUTE
    shelf.add([], [Income(account=account, income_id=name, cash=amount * U, time_ns=now, **given)])
    shelf.close()


def told(desk: Path) -> list[str]:
    """What the plan was told: transfers and trades, with the equity before or after."""
    kept = KeptPlan(desk / "plan.toml")
    found = []
    for event in kept.events():
        if isinstance(event, Transferred):
            found.append(f"{event.where} {event.amount_cash // U} on {event.equity_before_cash // U}")
        if isinstance(event, TradeClosed):
            found.append(f"{event.where} trade {event.equity_cash // U}")
    kept.close()
    return found


def test_transfers_of_the_journal_are_told_once_and_before_the_trades_after_them(
    desk: Path, capsys: Capture
) -> None:
    moved_money("before", 777, after=-48)
    said(capsys, "plan check --equity 1000")
    traded(1, 20)
    moved_money("d1", 500, after=2)
    moved_money("d2", 50, after=2)
    traded(3, 10)
    moved_money("w1", -100, after=5)
    moved_money("live", 40, after=5, account="main")
    moved_money("coin", 5, after=5, coin="BNB")
    moved_money("fee", 5, after=5, kind="COMMISSION")
    moved_money("other", 5, after=5, account="hers")
    found = answered(capsys, "plan check")
    wanted = [
        "paper trade 1020",
        "paper 500 on 1020",
        "paper 50 on 1520",
        "paper trade 1580",
        "live 40 on 1000",
        "paper -100 on 1580",
    ]
    assert sorted(told(desk)) == sorted(wanted)
    assert told(desk)[:4] == wanted[:4], "in the order of time"
    assert (found["capital"], found["risk"], found["moved"]) == ("1030.00", "10.30", [])
    assert answered(capsys, "plan check")["moved"] == []
    assert told(desk) == told(desk)[: len(wanted)], "nothing is told twice"
    traded(7, 10)
    moved_money("late", 60, after=1)
    said(capsys, "plan check")
    assert told(desk)[len(wanted) :] == ["paper 60 on 1480", "paper trade 1550"]


def test_what_was_told_by_hand_is_not_told_again(desk: Path, capsys: Capture) -> None:
    said(capsys, "plan check --equity 1000")
    said(capsys, "plan transfer --amount 500 --equity-before 1000 --where paper")
    moved_money("d1", 500, after=1)
    moved_money("d2", 500, after=1)
    said(capsys, "plan check")
    assert told(desk) == ["paper 500 on 1000", "paper 500 on 1500"], "one by hand, one of the journal"
    said(capsys, "plan check")
    assert len(told(desk)) == 2
    moved_money("d3", 500, after=24 * 2 * 9)
    said(capsys, "plan check")
    assert len(told(desk)) == 3, "nine days later it is another"
    kept = KeptPlan(desk / "plan.toml")
    assert sorted(kept.transfers()) == ["binance:paper:d1", "binance:paper:d2", "binance:paper:d3"]
    again = KnownTransfer("binance:paper:d2", kept.plan.last_ns, "paper", Cash(U))
    with pytest.raises(InputError, match="PLAN-161"):
        kept.tell([again])
    assert len(told(desk)) == 3


def test_a_deposit_is_reserve_unless_the_phase_counts_on_all(desk: Path, capsys: Capture) -> None:
    share = TEXT[TEXT.index('[[phase]]\nname = "live') :].replace("live small", "part")
    for name, capital, wanted in (
        ("part", "20%", ("200.00", "2.00")),
        ("whole", "100%", ("1500.00", "15.00")),
    ):
        path = desk / f"{name}.toml"
        path.write_text(f'[plan]\nname = "x"\nusual_stop = "2%"\n{share.replace("20%", capital)}')
        said(capsys, f"plan check {path} --equity 1000")
        moved_money(f"to {name}", 500, account=name, after=1)
        found = answered(capsys, f"plan check {path} --live-account {name}")
        assert (found["capital"], found["risk"]) == wanted
        moved_money(f"from {name}", -1_000, account=name, after=2)
        found = answered(capsys, f"plan check {path} --live-account {name}")
        assert (found["capital"], found["risk"]) == {"part": ("200.00", "2.00"), "whole": ("500.00", "5.00")}[
            name
        ]


def test_the_page_of_a_plan(desk: Path, capsys: Capture) -> None:
    assert refused(capsys, "plan show --html page.html")[0] == "PLAN-113"
    assert not (desk / "page.html").exists()
    said(capsys, "plan check --equity 1000")
    for number, result in enumerate((20, 8, 25, 15, 30), 1):
        traded(number, result)
    moved_money("d1", 500, after=20)
    said(capsys, "plan check")
    assert "PAPER" in said(capsys, "plan show --html page.html")
    page = (desk / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in page
    for words in (
        "Plan: quick",
        "at risk a trade",
        "Gates of paper",
        "0 of 5",
        "The way of quick",
        "the plan begins",
    ):
        assert words in page, words
    assert page.count("<svg") == 4, "two pictures, each wide and narrow"
    assert refused(capsys, "plan show --html nowhere/page.html")[0] == "PLAN-163"


def test_a_plan_is_not_overwritten_nor_changed_by_the_way(desk: Path, capsys: Capture) -> None:
    assert main(["plan", "init"]) == 2
    assert "PLAN-151" in capsys.readouterr().err
    said(capsys, "plan init other.toml")
    assert "GUARD" not in said(capsys, "plan check other.toml --equity 500")
    (desk / "plan.toml").write_text(TEXT.replace('"1%"', '"2%"'))
    said(capsys, "plan check --equity 1000")
    (desk / "plan.toml").write_text(TEXT)
    assert refused(capsys, "plan show")[0] == "PLAN-121"
    assert main(["plan", "restart"]) == 2
    told = capsys.readouterr().err
    assert "PLAN-152" in told
    assert "--yes" in told
    said(capsys, "plan restart --yes")
    assert answered(capsys, "plan check --equity 700")["risk"] == "7.00"


def test_the_table_of_steps(capsys: Capture) -> None:
    command = "plan table BTCUSDT --entry 65000 --stop 2% --equity 1000 --at 1000,1150,1400 --free"
    found = answered(capsys, command)["steps"]
    assert [step["risk"] for step in found] == ["10.00", "11.50", "14.00"]
    assert [step["notional"] for step in found] == ["500.00", "575.00", "700.00"]
    assert [step["quantity"] for step in found] == ["0.007", "0.008", "0.01"]
    shown = said(capsys, "plan table BTCUSDT --entry 65000 --stop 2% --equity 100 --steps 2")
    assert "does not fit" in shown


def test_paths_through_a_plan(desk: Path, capsys: Capture) -> None:
    command = "plan simulate bybit:BTCUSDT --entry 65000 --stop 2% --equity 1000 --paths 20 --months 6"
    found = answered(capsys, f"{command} --win-rate 55% --payoff 2")
    assert found["phases"][0]["reached"] == 20
    assert found["phases"][1]["reached"] > 15
    assert len(found["equity"]) == 5
    shown = said(capsys, f"{command} --win-rate 55% --payoff 2")
    assert "REACH LIVE SMALL" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert refused(capsys, f"{command} --win-rate 55%")[0] == "RUIN-104"
    none = command.replace("--months 6", "--months 0")
    assert refused(capsys, f"{none} --win-rate 55% --payoff 2")[0] == "PLAN-141"
