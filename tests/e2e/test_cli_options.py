"""``lotwise options`` as a person uses it: both sides, a date, a picture, a page; silly input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lotwise.cli import size as sizing
from lotwise.cli.main import main
from lotwise.clock import FixedClock
from tests.e2e.faces import Capture, answered, said

BASE = "options binance:ETHUSDT --entry 2640 --stop 2% --equity 1000"
CALL = f"{BASE} --strike 2700 --expiry 30 --volatility 60%"


def refused(capsys: Capture, command: str) -> str:
    assert main([*command.split(), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"]
    return str(error["code"])


def test_both_are_told_side_by_side(capsys: Capture) -> None:
    shown = said(capsys, f"{CALL} --funding-rate 0.01%")
    words = " ".join(shown.split())
    for part in (
        "▲ 0.148 ETH or 0.06 in calls",
        "−9.2734 USDT, the most it loses",
        "2,854.56 at expiry; after 15 days about 2,742.95",
        "stop, then target: touches 2,587.20, the future is out; then to 2,745.60",
        "is a Black-Scholes estimate",
        "1.7583 USDT that the future pays in 15 days",
    ):
        assert part in words
    assert max(map(len, shown.splitlines())) <= 100
    assert said(capsys, f"{CALL} --quiet").strip() == "0.06"


def test_a_put_with_a_premium_tells_its_volatility(capsys: Capture) -> None:
    found = answered(capsys, f"{BASE} --short --strike 2600 --expiry 30d --premium 150")
    assert (found["option"]["kind"], found["option"]["implied_volatility"]) == ("put", "0.5654")
    assert "implies 56.54%" in said(capsys, f"{BASE} --short --strike 2600 --expiry 30d --premium 150")


def test_a_date_is_counted_by_the_clock(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "CLOCK", FixedClock(1_764_547_200 * 10**9))  # 2025-12-01
    words = f"{BASE} --strike 2700 --volatility 60% --as-of 2026-09-01"
    for expiry, days in (("2025-12-31", "30"), ("2025-12-31T12:00", "30.5"), ("2025-12-02T00:14:24", "1.01")):
        assert answered(capsys, f"{words} --expiry {expiry}")["option"]["expiry_days"] == days
    assert refused(capsys, f"{words} --expiry 2025-11-30") == "OPTION-102"


def test_picture_and_page_are_written(capsys: Capture, tmp_path: Path) -> None:
    svg, html = tmp_path / "payoff.svg", tmp_path / "payoff.html"
    found = answered(capsys, f"{CALL} --svg {svg} --html {html}")
    assert found["written"] == {"svg": str(svg), "html": str(html)}
    assert svg.read_text(encoding="utf-8").startswith("<svg")
    assert "By path" in html.read_text(encoding="utf-8")
    assert str(svg) in said(capsys, f"{CALL} --svg {svg}")


def test_what_does_not_fit_is_refused_and_draws_nothing(capsys: Capture, tmp_path: Path) -> None:
    dear = f"{CALL} --option-step 0.1"
    shown = " ".join(said(capsys, dear, code=3).split())
    assert "DOES NOT FIT" in shown
    assert "OPTION-109" in shown
    assert said(capsys, f"{dear} --quiet", code=3).strip() == "0"
    assert refused(capsys, f"{dear} --svg {tmp_path / 'a.svg'}") == "OPTION-113"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (f"{BASE} --strike 2700 --expiry 30", "OPTION-103"),
        (f"{BASE} --strike 2700 --expiry soon --volatility 60%", "UNIT-102"),
        (f"{BASE} --strike 2700 --expiry 2026-13-01 --volatility 60%", "OPTION-102"),
        (f"{BASE} --strike 2700 --expiry 0 --volatility 60%", "OPTION-102"),
        (f"{BASE} --strike no --expiry 30 --volatility 60%", "UNIT-102"),
        (f"{BASE} --strike 1 --expiry 30 --premium 5", "OPTION-111"),
        (f"{CALL} --gap 100%", "OPTION-105"),
        (f"{CALL} --near 40", "OPTION-102"),
        (f"{CALL} --html nowhere/a.html", "OPTION-112"),
        (f"{CALL} --short --side long", "USAGE-008"),
        (f"{CALL} --target nowhere", "UNIT-102"),
        (f"{CALL} --stop 1%", "USAGE-001"),
    ],
)
def test_silly_input_is_refused(capsys: Capture, words: str, code: str) -> None:
    assert refused(capsys, words) == code


def test_a_file_that_cannot_be_written(capsys: Capture, tmp_path: Path) -> None:
    assert refused(capsys, f"{CALL} --svg {tmp_path}") == "OPTION-112"
