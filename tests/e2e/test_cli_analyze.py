"""``lotwise analyze`` as a person uses it: figures against plain counting, a page that loads nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lotwise.cli.main import main
from tests.e2e.faces import Capture, answered, said

pl = pytest.importorskip("polars")
np = pytest.importorskip("numpy")

from lotwise.market.kinds import BARS, DEPTH, FUNDING, TRADES, Table  # noqa: E402
from lotwise.market.store import Series, Store  # noqa: E402

MADE = "data synthetic --scenario storm --days 1 --seed 3 --detail 2 --kinds bars,funding,trades,depth"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up market of three contracts."""
    folder = tmp_path_factory.mktemp("analyze") / "market"
    assert main([*MADE.split(), "--contracts", "BTCUSDT,ETHUSDT,LAYERUSDT", "--store", str(folder)]) == 0
    return folder


def rows(store: Path, symbol: str, kind: Any) -> Table:
    """All rows of a kind."""
    frame, scale = Store(store).scan(Series("synthetic", symbol, kind))
    return Table(kind, scale, frame.collect())


def refused(capsys: Capture, command: str) -> tuple[str, str]:
    """Code and message of an error."""
    assert main([*command.split(), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"]
    return error["code"], error["message"]


def test_figures_are_those_of_plain_counting(capsys: Capture, store: Path) -> None:
    found = answered(capsys, f"analyze synthetic:BTCUSDT --store {store}")
    parts = found["parts"]
    assert list(parts) == ["price", "profile", "flow", "others", "funding", "stops", "book"]
    bars, trades = rows(store, "BTCUSDT", BARS), rows(store, "BTCUSDT", TRADES)
    unit = Fraction(1, 10**bars.scale.price)
    price = parts["price"]
    assert Fraction(price["high"]) == bars.frame["high"].max() * unit
    assert Fraction(price["low"]) == bars.frame["low"].min() * unit
    assert Fraction(price["close"]) == bars.frame["close"][-1] * unit
    bought, sold = Counter[bool](), Fraction(0)
    for quantity, maker in trades.frame.select("quantity", "buyer_is_maker").iter_rows():
        bought[not maker] += quantity
    sold = Fraction(bought[False], 10**trades.scale.quantity)
    assert Fraction(parts["flow"]["sold"]) == sold
    assert Fraction(parts["flow"]["delta"]) == Fraction(bought[True], 10**trades.scale.quantity) - sold
    row = Fraction(price["profile"]["row"])
    volumes = Counter[int]()
    for ticks, quantity in trades.frame.select("price", "quantity").iter_rows():
        volumes[int(ticks * Fraction(1, 10**trades.scale.price) / row)] += quantity
    poc = int(Fraction(price["profile"]["poc"]) / row)
    assert volumes[poc] == max(volumes.values())
    closes = {
        symbol: rows(store, symbol, BARS).frame.select("time_ns", pl.col("close").alias(symbol))
        for symbol in ("BTCUSDT", "ETHUSDT", "LAYERUSDT")
    }
    joined = closes["BTCUSDT"].join(closes["ETHUSDT"], on="time_ns").join(closes["LAYERUSDT"], on="time_ns")
    returns = np.diff(np.log(joined.sort("time_ns").drop("time_ns").to_numpy().astype(float)), axis=0)
    matrix = np.corrcoef(returns.T)
    assert parts["others"]["correlation"]["ETHUSDT"] == pytest.approx(matrix[0, 1], abs=1e-4)
    beta = matrix[0, 2] * returns[:, 2].std() / returns[:, 0].std()
    assert parts["others"]["beta"]["LAYERUSDT"]["beta"] == pytest.approx(beta, abs=1e-3)
    funding = rows(store, "BTCUSDT", FUNDING)
    paid = -sum(funding.frame["rate"].to_list()) * 10 ** (8 - funding.scale.rate)
    assert parts["funding"]["spans"]["all"]["long8"] == paid
    assert (parts["book"]["gaps"], parts["book"]["crossed"]) == (0, 0)
    assert (
        parts["book"]["messages"]
        == rows(store, "BTCUSDT", DEPTH).frame.select("last_id", "snapshot").n_unique()
    )
    costs = [row["buy_bp"] for row in parts["book"]["costs"] if row["buy_bp"] is not None]
    assert costs == sorted(costs)
    assert costs[0] > 0


def test_the_page_shows_pictures_and_loads_nothing(capsys: Capture, store: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    shown = said(capsys, f"analyze synthetic:ETHUSDT --store {store} --html {page}")
    for words in (
        "Volume by price",
        "Order flow",
        "Beta to BTCUSDT",
        "Funding",
        "The book at the end",
        "out.html",
    ):
        assert words in shown
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") >= 7
    assert not re.search(r"<script|\son\w+=|https?://(?!www\.w3\.org)|@import|url\(", text)
    assert "Content-Security-Policy" in text


def test_parts_are_chosen_and_a_span_is_from_and_before(capsys: Capture, store: Path) -> None:
    span = "--since 2025-01-06T06:00 --until 2025-01-06T12:00"
    found = answered(capsys, f"analyze synthetic:BTCUSDT --flow --store {store} {span}")
    assert list(found["parts"]) == ["price", "flow"]
    assert (found["first"], found["last"]) == ("2025-01-06 06:00:00", "2025-01-06 12:00:00")
    assert said(capsys, f"analyze synthetic:BTCUSDT --store {store} --quiet --flow").strip()


def test_what_is_not_there_is_said_and_no_error(capsys: Capture, store: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    said(capsys, f"data synthetic --days 1 --contracts BTCUSDT --kinds bars --store {alone}")
    shown = " ".join(said(capsys, f"analyze synthetic:BTCUSDT --store {alone}").split())
    for words in ("bars of no other contract", "holds no funding", "holds no book", "Bars do not say where"):
        assert words in shown
    assert said(capsys, f"analyze synthetic:BTCUSDT --store {alone} --corr --html {tmp_path / 'a.html'}")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("analyze synthetic:XRPUSDT", "ANALYZE-101", "neither bars nor trades of synthetic:XRPUSDT"),
        ("analyze BTCUSDT", "ANALYZE-101", "binance:BTCUSDT"),
        ("analyze synthetic:BTCUSDT --since yesterday", "ANALYZE-102", "yesterday"),
        ("analyze synthetic:BTCUSDT --since 2030-01-01", "ANALYZE-101", "in that span"),
        ("analyze synthetic:BTCUSDT --html no/such/folder/a.html", "ANALYZE-103", "no/such/folder"),
        ("analyze synthetic:../BTC", "DATA-201", "cannot name a folder"),
    ],
)
def test_silly_input_is_refused(capsys: Capture, store: Path, command: str, code: str, words: str) -> None:
    found = refused(capsys, f"{command} --store {store}")
    assert found[0] == code
    assert words in found[1]


def test_the_real_month_shows_layers_fall(capsys: Capture, shared_data: Path, tmp_path: Path) -> None:
    folder, month = tmp_path / "market", shared_data / "binance_um_2025-05"
    said(capsys, f"data import {month / 'bars_1m_16sym_ints.parquet'} --contract binance:* --store {folder}")
    feather = month / "funding" / "LAYERUSDT.feather"
    said(capsys, f"data import {feather} --contract binance:LAYERUSDT --form funding_rate --store {folder}")
    found = answered(capsys, f"analyze LAYERUSDT --store {folder} --html {tmp_path / 'layer.html'}")
    parts = found["parts"]
    assert parts["price"]["change_percent"] < -50
    assert {4, 1} <= {change["hours"] for change in parts["funding"]["intervals"]}
    assert "ADAUSDT" not in parts["others"]["contracts"]  # its days are others: it would cost all theirs
    assert len(parts["others"]["contracts"]) == 15
    assert max(row["q95_at_most_ticks"] for row in parts["stops"]["rows"]) > 0
    assert (tmp_path / "layer.html").stat().st_size < 400_000
