"""``lotwise hedge`` as a person uses it: the same coin, by beta, measured; what does not fit; silly input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lotwise.cli.main import main
from tests.e2e.faces import Capture, answered, said

pytest.importorskip("polars")

ETH = "hedge binance:ETHUSDT --holding 0.5137 --price 2640"
BTC = f"{ETH} --with binance:BTCUSDT --with-price 95000"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up market of two contracts."""
    folder = tmp_path_factory.mktemp("hedge") / "market"
    made = (
        "data synthetic --scenario storm --days 2 --seed 7 --contracts BTCUSDT,ETHUSDT --kinds bars,funding"
    )
    assert main([*made.split(), "--store", str(folder)]) == 0
    return folder


def refused(capsys: Capture, command: str) -> str:
    assert main([*command.split(), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"]
    return str(error["code"])


def test_the_same_coin_is_told_whole(capsys: Capture) -> None:
    words = " ".join(said(capsys, f"{ETH} --funding-rate 0.01% --volatility 60% --plain").split())
    for part in (
        "▼ SHORT 0.513 ETH binance:ETHUSDT isolated 3×",
        "leaves 0.0007 ETH (1.848 USDT) open, taken",
        "0.0003 ETH (0.792 USDT) more short than the exact hedge",
        "3,505.97",
        "685.286 USDT behind it survive 3,960.00",
        "+0.4062 USDT a day received",
        "is no margin",
    ):
        assert part in words
    assert said(capsys, f"{ETH} --quiet").strip() == "0.513"
    assert said(capsys, f"{ETH} --nearest --quiet").strip() == "0.514"
    assert max(map(len, said(capsys, ETH).splitlines())) <= 100


def test_by_a_beta_that_is_given(capsys: Capture) -> None:
    found = answered(capsys, f"{BTC} --beta 1.53 --correlation 0.82")
    assert (found["contract"], found["quantity"], found["beta"]["r_squared"]) == (
        "binance:BTCUSDT",
        "0.021",
        "0.6724",
    )
    assert "R² 0.6724" in said(capsys, f"{BTC} --beta 1.53 --correlation 0.82")


def test_by_a_beta_that_the_store_tells(capsys: Capture, store: Path) -> None:
    measured = f"--store {store} --data-venue synthetic"
    found = answered(capsys, f"{BTC} {measured} --window 1440")
    assert "1,440 returns of 1 min" in found["beta"]["window"]
    assert 0 < float(found["beta"]["error"]) < float(found["beta"]["beta"])
    assert float(found["risk"]["day_after"]) < float(found["risk"]["day_before"])
    assert "payments of the store" in found["carry"]["source"]
    words = " ".join(said(capsys, f"{BTC} {measured}").split())
    assert "±" in words
    alone = answered(capsys, f"{ETH} {measured}")
    assert float(alone["risk"]["volatility_year"]) > 0


def test_by_files_of_bars(capsys: Capture, tmp_path: Path) -> None:
    rows = [
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
        "taker_buy_quote_volume,ignore"
    ]
    files = []
    for name, scale in (("eth.csv", 3), ("btc.csv", 2)):
        closes = [1000 + scale * ((n * 7919) % 23) for n in range(80)]
        body = [
            f"{(at := 1735689600000 + n * 60_000)},{c},{c},{c},{c},1,{at + 59_999},{c},1,1,{c},0"
            for n, c in enumerate(closes)
        ]
        files.append(tmp_path / name)
        files[-1].write_text("\n".join(rows + body) + "\n", encoding="utf-8")
    found = answered(capsys, f"{BTC} --bars {files[0]} --with-bars {files[1]}")
    assert "79 returns of 1 min" in found["beta"]["window"]
    assert 1.3 < float(found["beta"]["beta"]) < 1.6
    assert float(found["beta"]["r_squared"]) > 0.99


def test_what_is_too_small_is_refused_with_ways_out(capsys: Capture) -> None:
    shown = " ".join(said(capsys, "hedge binance:BTCUSDT --holding 0.0004 --price 95000", code=3).split())
    assert "NO HEDGE" in shown
    assert "HEDGE-110" in shown
    assert "ways out a holding of 0.002 BTC" in shown
    assert answered(capsys, "hedge binance:BTCUSDT --holding 0.0016 --price 95000", code=3)["ways_out"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (f"{ETH} --holding 0", "USAGE-001"),
        ("hedge binance:ETHUSDT --holding many --price 2640", "UNIT-102"),
        ("hedge binance:NOTHING --holding 1 --price 2640", "CONTRACT-202"),
        ("hedge binance:ETHUSDT --holding 1 --price 0", "SIZE-001"),
        (f"{ETH} --beta 1.5", "HEDGE-103"),
        (f"{ETH} --with-price 3", "HEDGE-103"),
        (f"{ETH} --with binance:BTCUSDT --beta 1.5", "HEDGE-103"),
        (f"{BTC} --beta -1", "HEDGE-102"),
        (f"{BTC} --beta 1.5 --window 100", "HEDGE-103"),
        (f"{BTC} --bars nothing.csv", "HEDGE-103"),
        (f"{BTC} --bars nothing.csv --with-bars none.csv", "HEDGE-114"),
        (f"{ETH} --with-bars none.csv", "HEDGE-103"),
        (f"{ETH} --store a --bars b.csv", "HEDGE-103"),
        (f"{ETH} --window 100", "HEDGE-103"),
        (f"{BTC} --store nowhere", "ANALYZE-101"),
        (f"{ETH} --rise -5%", "USAGE-001"),
        (f"{ETH} --leverage 1000", "SIZE-012"),
        (f"{ETH} --maker 50% --taker 1%", "CONTRACT-120"),
    ],
)
def test_silly_input_is_refused(capsys: Capture, words: str, code: str) -> None:
    assert refused(capsys, words) == code
