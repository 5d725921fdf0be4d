"""A plan that does not fit refuses to be used, and says the nearest way out."""

import pytest

import lotwise
from lotwise.clock import FixedClock
from lotwise.errors import RefusedError

QUESTION = {"side": "long", "entry": "60000", "stop": "2%", "risk": "1%"}


def test_a_plan_that_fits_returns_itself() -> None:
    plan = lotwise.size("binance:BTCUSDT", equity="1000", **QUESTION)
    assert plan.require() is plan


def test_a_plan_that_does_not_fit_raises_its_block() -> None:
    plan = lotwise.size("binance:BTCUSDT", equity="200", **QUESTION)
    with pytest.raises(RefusedError, match="SIZE-111") as caught:
        plan.require()
    assert caught.value.exit_code == 3
    assert "59,059.6" in caught.value.hint


def test_facts_show_their_age(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from lotwise.cli import size as face
    from lotwise.cli.main import main

    day_ns = 86_400 * 10**9
    monkeypatch.setattr(face, "CLOCK", FixedClock((20_697 + 10) * day_ns))  # 2026-09-01 and ten days
    assert main(["size", "BTCUSDT", "--entry", "65000", "--stop", "2%", "--equity", "1000"]) == 0
    assert "2026-09-01  10 days old" in capsys.readouterr().out
