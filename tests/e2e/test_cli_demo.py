"""``lotwise demo`` with a folder: a made-up market, a backtest on it, a report that loads nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.faces import Capture, said

pytest.importorskip("polars")


def test_a_folder_gets_a_market_and_a_report(capsys: Capture, tmp_path: Path) -> None:
    shown = said(capsys, f"demo --folder {tmp_path / 'demo'}")
    assert "$ lotwise backtest breakout" in shown
    assert "says nothing of a real market" in " ".join(shown.split())
    assert "Between which results the truth lies" in shown
    page = (tmp_path / "demo" / "backtest.html").read_text(encoding="utf-8")
    assert page.count("<svg") > 5
    assert "<script" not in page
    again = said(capsys, f"demo --folder {tmp_path / 'demo'}")
    assert "all there already" in again


def test_without_a_folder_nothing_is_written(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "lotwise backtest breakout" not in said(capsys, "demo")
    assert list(tmp_path.iterdir()) == []
