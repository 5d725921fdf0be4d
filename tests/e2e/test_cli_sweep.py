"""``lotwise sweep`` as a person uses it: a table, a page, results that are kept; and silly input."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from lotwise.cli import data_synthetic  # noqa: F401  # registers the command
from lotwise.cli.main import main
from tests.e2e.faces import Capture, answered, said

pytest.importorskip("polars")
DATA = "--data synthetic:BTCUSDT,synthetic:ETHUSDT --equity 1000"
GRID = "--grid bars=20,40 --grid ranges=2..4"
SWEEP = f"sweep breakout {DATA} {GRID} --workers 1"
OWN = """
from lotwise.strategy.library.breakout import Breakout


class Mine(Breakout):
    def signals(self, bars):
        if self.ranges == 3:
            raise ValueError("not three")
        return super().signals(bars)
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three made-up days of two contracts."""
    folder = tmp_path_factory.mktemp("sweeps")
    command = "data synthetic --contracts BTCUSDT,ETHUSDT --days 3 --kinds bars,funding --seed 5 --quiet"
    assert main([*shlex.split(command), "--store", str(folder / "market")]) == 0
    (folder / "mine.py").write_text(OWN, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def place(market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own beside that market."""
    monkeypatch.setenv("LOTWISE_STORE", str(market / "market"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    return tmp_path


def test_a_sweep_says_its_winner_and_how_much_is_luck(capsys: Capture) -> None:
    found = answered(capsys, SWEEP)
    assert (found["strategy"], found["cases"], len(found["settings"])) == ("Breakout", 12, 6)
    assert found["contracts"] == ["synthetic:BTCUSDT", "synthetic:ETHUSDT"]
    assert found["winner"]["trials"] == 6
    assert 0 <= found["winner"]["deflated_sharpe"] <= 1
    best = max(found["settings"], key=lambda one: float(one["r_t"]))
    assert found["winner"]["parameters"] == best["parameters"]
    assert any("without fees" in warning for warning in found["warnings"])
    assert (
        answered(capsys, SWEEP.replace("--workers 1", "--workers 2"))["fingerprint"] == found["fingerprint"]
    )
    shown = said(capsys, SWEEP)
    assert "Breakout, 6 settings on 2 accounts" in shown
    assert "deflated" in " ".join(shown.split())
    words = ",".join(f"{name}={value}" for name, value in best["parameters"].items())
    assert said(capsys, f"{SWEEP} --quiet").strip() == words


def test_what_was_kept_is_not_played_again(capsys: Capture, place: Path) -> None:
    first = answered(capsys, f"{SWEEP} --out kept")
    assert (first["cases_found"], first["folder"]) == (0, "kept")
    again = answered(capsys, f"{SWEEP} --out kept")
    assert (again["cases_found"], again["fingerprint"]) == (12, first["fingerprint"])
    assert "12 cases were there already" in said(capsys, f"{SWEEP} --out kept")
    assert answered(capsys, f"{SWEEP} --out kept --limits day_loss=1%")["cases_found"] == 0
    (place / "file").touch()
    assert main([*shlex.split(f"{SWEEP} --out file"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "BACKTEST-311"


def test_walking_forward_and_a_page(capsys: Capture, place: Path) -> None:
    command = f"{SWEEP} --walk-forward 1d/12h --least-trades 3 --accounts together --html page.html"
    found = answered(capsys, f"{command} --limits day_loss=5%,trades=30")
    walk = found["walk_forward"]
    assert len(walk["windows"]) == 4
    assert walk["trips"] == sum(window["trips"] for window in walk["windows"]) > 0
    page = (place / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "ranges (across)" in page
    assert "Walk-forward" in page
    shown = " ".join(said(capsys, command).split())
    assert "Out of sample:" in shown
    assert "page.html the same with pictures" in shown
    fixed = answered(capsys, f"{command} --purge 2h --anchored")["walk_forward"]
    assert {window["purged_ns"] for window in fixed["windows"]} == {2 * 3600 * 10**9}
    none = " ".join(said(capsys, f"{SWEEP} --walk-forward 1d/1d --least-trades 9999").split())
    assert "NO WINNER" in none
    assert "nothing was traded" in none


@pytest.mark.parametrize("workers", ["1", "processes:1"])
def test_a_strategy_of_ones_own_that_fails_in_a_case(capsys: Capture, workers: str) -> None:
    command = f"{SWEEP.replace('breakout', 'mine.py:Mine')} --workers {workers}".replace("--workers 1 ", "")
    found = answered(capsys, command)
    assert found["errors"] == ["ValueError: not three"]
    assert [one["failed"] for one in found["settings"]] == [0, 2, 0, 0, 2, 0]
    whole = answered(capsys, SWEEP)
    kept = [one for one in whole["settings"] if one["parameters"]["ranges"] != 3]
    assert [one for one in found["settings"] if not one["failed"]] == kept


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("--grid bars", "BACKTEST-333", "is no grid"),
        ("--grid bars=1 --grid bars=2", "BACKTEST-333", "names bars twice"),
        ("--grid bars=20..10", "BACKTEST-333", "20..10 is no range"),
        ("--grid bars=0..999999999", "BACKTEST-333", "is no range"),
        ("--grid bars=2..9..0", "BACKTEST-333", "is no range"),
        ("--grid bars=", "BACKTEST-301", "bars has no value"),
        ("--grid rangs=2", "BACKTEST-302", "rangs"),
        ("--grid bars=ten", "BACKTEST-303", "bars is 'ten'"),
        ("--grid bars=2..1500 --grid ranges=1..1500", "BACKTEST-304", "2,248,500"),
        ("--grid bars=2 --walk-forward 10d", "BACKTEST-334", "no pair"),
        ("--grid bars=2 --walk-forward 10d/5d", "BACKTEST-325", "learning 10 d"),
        ("--grid bars=2 --html no/where.html", "BACKTEST-335", "there is no folder"),
        ("--grid bars=2 --purge 4h", "BACKTEST-336", "--walk-forward"),
        ("--grid bars=2 --risk 0%", "BACKTEST-337", "risk"),
        ("--grid bars=2 --leverage 0.5", "BACKTEST-337", "leverage"),
        ("--grid bars=2 --maker 0.02%", "BACKTEST-337", "one fee"),
        ("--grid bars=2 --score luck", "BACKTEST-322", "luck"),
        ("--grid bars=2 --workers many", "BACKTEST-308", "many"),
        ("--grid bars=2 --walk-forward 1d/1d --purge 2d", "BACKTEST-326", "a gap of 2 d"),
    ],
)
def test_silly_input_is_refused(capsys: Capture, change: str, code: str, words: str) -> None:
    assert main([*shlex.split(f"sweep breakout {DATA} {change} --json")]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], words in error["message"]) == (code, True), error
    assert error["hint"]
    assert not os.listdir(Path.cwd()) or os.listdir(Path.cwd()) == ["mine.py"]
