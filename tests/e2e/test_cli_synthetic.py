"""``lotwise data synthetic`` as a person uses it: a first market, again, another one, and silly input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lotwise.cli import data_synthetic  # registers the command
from lotwise.cli.main import main
from tests.e2e.faces import Capture, answered, said

pl = pytest.importorskip("polars")

SMALL = "data synthetic --days 2 --contracts BTCUSDT,LAYERUSDT --detail 2"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of one's own."""
    monkeypatch.setenv("LOTWISE_STORE", str(tmp_path / "market"))
    return tmp_path / "market"


def files(store: Path) -> dict[str, bytes]:
    """What the store holds."""
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*.parquet")}


def test_a_market_is_made_listed_and_checked(capsys: Capture, store: Path) -> None:
    shown = said(capsys, SMALL)
    assert "synthetic:BTCUSDT  2,8" in shown
    assert "2 days written" in shown
    rows = answered(capsys, "data list")["series"]
    assert [(row["contract"], row["kind"]) for row in rows] == [
        (f"{data_synthetic.VENUE}:{name}", kind)
        for name in ("BTCUSDT", "LAYERUSDT")
        for kind in ("bars", "funding", "marks")
    ]
    assert "off_tick" not in said(capsys, "data check synthetic:BTCUSDT bars")
    before = files(store)
    assert "all there already" in said(capsys, SMALL)
    assert files(store) == before


def test_all_kinds_as_json_and_the_same_seed_in_another_store(capsys: Capture, tmp_path: Path) -> None:
    asked = "data synthetic --scenario storm --days 1 --contracts ETHUSDT --detail 2 --seed 5"
    every = "--kinds bars,marks,funding,trades,quotes,depth"
    answer = answered(capsys, f"{asked} {every} --store {tmp_path / 'one'}")
    assert (answer["scenario"], answer["seed"]) == ("storm", 5)
    assert [row["kind"] for row in answer["made"]] == every[8:].split(",")
    assert all(row["rows"] > 0 and row["days_written"] >= 1 for row in answer["made"])
    said(capsys, f"{asked} {every} --store {tmp_path / 'two'} --quiet")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    again = answered(capsys, f"{asked} {every} --store {tmp_path / 'two'}")
    assert {row["days_written"] for row in again["made"]} == {0}


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ("--scenario boom", "DATA-641", "boom"),
        ("--days 0", "DATA-642", "0 days"),
        ("--days 9999999", "DATA-642", "9999999"),
        ("--contracts ,", "DATA-643", "none"),
        ("--contracts BTCUSDT,BTCUSDT", "DATA-643", "BTCUSDT"),
        ("--contracts btc/usdt", "DATA-643", "btc/usdt"),
        ("--kinds candles", "DATA-644", "candles"),
        ("--kinds bars,interest", "DATA-644", "interest"),
        ("--seed -1", "DATA-645", "-1"),
        ("--detail 0", "DATA-646", "0 trades"),
        ("--days many", "USAGE-001", "many"),
    ],
)
def test_silly_input_is_refused_and_nothing_is_written(
    capsys: Capture, store: Path, asked: str, code: str, words: str
) -> None:
    assert main(["data", "synthetic", *asked.split(), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert error["hint"]
    assert not store.exists()


def test_another_market_in_the_same_place_is_refused_and_nothing_changes(
    capsys: Capture, store: Path
) -> None:
    said(capsys, SMALL)
    before = files(store)
    for other in ("--seed 8", "--scenario crash", "--seed 7 --scenario storm"):
        assert main([*SMALL.split(), *other.split(), "--json"]) == 2
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["code"] == "DATA-647"
        assert files(store) == before
    assert (
        main(["data", "synthetic", "--contracts", "ETHUSDT,BTCUSDT", "--days", "2", "--seed", "8", "--quiet"])
        == 2
    )
    assert files(store) == before, "neither contract was written"
    capsys.readouterr()
    said(capsys, "data synthetic --days 2 --contracts ETHUSDT --detail 2 --seed 8 --quiet")
    assert any("ETHUSDT" in name for name in files(store))
