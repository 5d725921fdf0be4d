"""``lotwise review`` as a trader types it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lotwise.cli.main import main
from lotwise.journal.measures import Plan
from lotwise.journal.measuring import Measured, keep
from lotwise.journal.notes import Notes
from lotwise.journal.shelf import Journal
from lotwise.records.journal import Fill
from tests.e2e.faces import Capture, answered, said

E8 = 10**8
MINUTE = 60 * 10**9
START = 1_790_841_600 * 10**9  # 2026-10-01 08:00 UTC
SETUPS = {"VAL bounce": (1.9, 55), "EMA pullback": (1.5, 42), "breakout": (1.2, 21)}
"""R of a win, and how many of a hundred win."""


def put_trades(place: Path, count: int) -> None:
    """Trades of three setups, six hours apart: made by arithmetic, the same on every machine."""
    journal = Journal.at(place)
    notes, fills, plans = Notes(journal), [], []
    for k in range(count):
        setup = tuple(SETUPS)[k % 3]
        win, share = SETUPS[setup]
        won = (k // 3 * 37 + k % 3 * 11) % 100 < share
        move = win if won else -1.0 - (0.02 if k % 7 else 0.4)
        soon = k and not won and k % 11 == 0  # minutes after the trade before, not hours
        at = START + (k * 360 - (330 if soon else 0)) * MINUTE
        side = 1 if k % 5 else -1
        leave = round((60_000 + side * 600 * move) * 10) * E8 // 10
        for part, (price8, way) in enumerate(((60_000 * E8, side), (leave, -side))):
            fills.append(
                Fill(
                    venue="binance",
                    contract="BTCUSDT" if k % 4 else "ETHUSDT",
                    trade_id=f"{k}-{part}",
                    time_ns=at + part * (20 + k % 9) * MINUTE,
                    side=way,
                    price8=price8,
                    quantity8=E8 // 60,
                    coin="USDT",
                    fee_cash=E8 // 4,
                    exit_kind=("target" if won else "stop") if part else "",
                )
            )
        plans.append(
            (at, setup, Plan(stop8=(60_000 - side * 600) * E8, target8s=((60_000 + side * 1_200) * E8,)))
        )
    journal.add(fills)
    trips = {trip.opened_ns: trip for trip in journal.all()}
    measured = []
    with notes.together():
        for k, (at, setup, plan) in enumerate(plans):
            trip = trips[at]
            if k % 19:
                notes.plan(trip, plan, now_ns=at, setup=setup)
            if k % 2:
                notes.note(trip, "as planned", now_ns=at)
            worst, best = min(trip.realised_cash, -(k % 7) * E8), max(trip.realised_cash, (k % 13) * E8)
            extremes = {"mae_cash": worst, "mfe_cash": best, "mae_price8": 0, "mfe_price8": 0}
            measured.append(Measured(trip_id=trip.trip_id, fills=2, bars=5, **extremes))
    keep(journal, measured)
    journal.close()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LOTWISE_JOURNAL", str(tmp_path / "journal.sqlite"))
    monkeypatch.delenv("LOTWISE_ZONE", raising=False)
    return tmp_path


def refused(capsys: Capture, command: str) -> str:
    assert main(shlex.split(command)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "hint: " in shown.err
    return shown.err.partition("]")[0].removeprefix("error[")


def test_an_empty_journal_is_no_mistake(capsys: Capture) -> None:
    words = " ".join(said(capsys, "review").split())
    assert "All trades: nothing to review: no trade is closed yet." in words
    assert "lotwise journal import" in words
    assert answered(capsys, "review --month 2026-10")["totals"]["count"] == 0
    assert said(capsys, "review --quiet") == ""


def test_what_pays_and_what_to_stop(capsys: Capture, place: Path) -> None:
    put_trades(place / "journal.sqlite", 480)
    shown = said(capsys, "review")
    lines = shown.splitlines()
    assert "All trades · 480 trades" in lines[1]
    words = " ".join(shown.split())
    assert "▲ Trade setup VAL bounce: +0." in words
    assert "■ Avoid setup breakout: −0." in words
    assert "26 of 480 trades have no known stop" in words
    assert "setup VAL bounce" in words.partition("Rules broken")[0]
    assert max(len(line) for line in lines) <= 100
    told = answered(capsys, "review")
    verdicts = {one["name"]: one["verdict"] for one in told["groups"] if one["by"] == "setup"}
    assert verdicts == {"VAL bounce": "trade", "EMA pullback": "undecided", "breakout": "avoid"}
    assert f"{told['totals']['total']:.4f}" == said(capsys, "review --quiet").strip()


def test_a_month_adds_up(capsys: Capture, place: Path) -> None:
    put_trades(place / "journal.sqlite", 240)
    told = answered(capsys, "review --month 2026-10 --zone Europe/Berlin")
    other = answered(capsys, "review --month 2026-11 --zone Europe/Berlin")
    assert told["totals"]["count"] + other["totals"]["count"] == 240
    assert sum(told["days"].values()) == pytest.approx(told["totals"]["total"])
    assert {day[:7] for day in told["days"]} == {"2026-10"}
    shown = said(capsys, "review --month 2026-10 --by side")
    assert "October 2026 · " in shown
    assert "Mo      Tu      We      Th      Fr      Sa      Su        week" in shown
    calendar = shown.partition("        week\n")[2].partition("\n\n")[0].splitlines()
    weeks = [float(line.split()[-2].replace("\u2212", "-")) for line in calendar]
    assert len(weeks) == 5
    total = answered(capsys, "review --month 2026-10")["totals"]["total"]
    assert sum(weeks) == pytest.approx(total, abs=0.03)
    assert [line.split()[0] for line in shown.splitlines() if line.startswith(("  long ", "  short "))]


def test_rules_of_a_file_and_the_page(capsys: Capture, place: Path) -> None:
    put_trades(place / "journal.sqlite", 120)
    (place / "rules.toml").write_text('[guard]\nrisk_money = "9.5"\ncool_down = "1h"\ntrades_a_day = 4\n')
    told = answered(capsys, "review --guard rules.toml --equity 1000 --html page.html")
    rules = {one["rule"]: one for one in told["breaches"]}
    assert rules["risk exceeded"]["source"] == "guard"
    assert len(rules["risk exceeded"]["trades"]) == 113
    assert told["written"] == {"html": "page.html"}
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "Rules that were broken" in page


def test_selections(capsys: Capture, place: Path) -> None:
    put_trades(place / "journal.sqlite", 60)
    for command, count in (
        ("review --setup 'val BOUNCE'", 18),
        ("review --contract binance:ETHUSDT", 15),
        ("review --contract bybit", 0),
        ("review --since 2026-10-10 --until 2026-10-11", 4),
        ("review --account other", 0),
        ("review --tag late", 0),
    ):
        assert answered(capsys, command)["totals"]["count"] == count, command
    assert "nothing to compare" in said(capsys, "review --by venue")


def test_silly_input(capsys: Capture, place: Path) -> None:
    put_trades(place / "journal.sqlite", 3)
    for command, code in (
        ("review --month 2026-13", "REVIEW-103"),
        ("review --month october", "REVIEW-103"),
        ("review --guard nothing.toml", "REVIEW-104"),
        ("review --html nowhere/page.html", "REVIEW-105"),
        ("review --html .", "REVIEW-105"),
        ("review --equity -5", "REVIEW-106"),
        ("review --equity 0", "REVIEW-106"),
        ("review --equity much", "UNIT-102"),
        ("review --since yesterday", "JOURNAL-131"),
        ("review --zone Mars/Base", "JOURNAL-130"),
        ("review --by moon", "USAGE-001"),
    ):
        assert refused(capsys, command) == code, command
    assert "n < 30: no verdict yet" in said(capsys, "review")
    assert json.loads(json.dumps(answered(capsys, "review")))["totals"]["count"] == 3


def test_a_review_loads_no_kernel(place: Path) -> None:
    put_trades(place / "journal.sqlite", 40)
    code = (
        "import sys; from lotwise.cli.main import main\n"
        "main(['review', '--quiet'])\n"
        "print(sorted({'numba', 'ccxt', 'polars', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[1] == "[]", done.stderr
