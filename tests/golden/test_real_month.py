"""The library over the real month of sixteen contracts: the same trades, results and refusals as kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("polars")

from tools import real_month

KEPT = json.loads(real_month.KEPT.read_text(encoding="utf-8"))


def test_the_month_is_played_again(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_month, "RUNS", {name: real_month.RUNS[name] for name in KEPT})
    store = tmp_path / "market"
    real_month.bring(shared_data, store)
    for name, found in real_month.played(store):
        assert json.loads(json.dumps(found)) == KEPT[name], name


def test_the_page_shows_what_was_kept() -> None:
    page = real_month.PAGE.read_text(encoding="utf-8")
    assert real_month.table({name: KEPT[name] for name in real_month.RUNS}) in page


def test_what_was_kept_says_enough() -> None:
    assert set(KEPT) == set(real_month.RUNS)
    for name, one in KEPT.items():
        assert one["look_ahead"]["clean"], name
        assert one["trades"] > 0, name
        assert {row["path"] for row in one["bounds"]["paths"]} >= {"adverse", "favourable"}
    assert sum(len(one["refusals"]) > 0 for one in KEPT.values()) >= 4
