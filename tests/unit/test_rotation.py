"""Sectors and rotation: the table and a user's own, strengths by plain sums, quadrants, real symbols."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("talib")

from lotwise.analysis import sectors as module  # noqa: E402
from lotwise.analysis.correlation import aligned  # noqa: E402
from lotwise.analysis.rotation import Quadrant, Rotation, quadrant_of, rotation  # noqa: E402
from lotwise.analysis.sectors import Sectors, sectors  # noqa: E402
from lotwise.errors import InputError  # noqa: E402

REAL = (
    *("BTC", "ETH", "SOL", "ADA", "AVAX", "BCH", "BNB", "ENA"),
    *("ETC", "LAYER", "LINK", "LTC", "SUI", "XLM", "XMR", "XRP"),
)
HEAD = "symbol\tsector\tas_of\n"


@pytest.fixture(autouse=True)
def no_file_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What whoever runs the tests has set does not count."""
    monkeypatch.delenv(module.VARIABLE, raising=False)


def test_the_packaged_table_knows_the_common_coins() -> None:
    table = sectors()
    assert len(table.by_coin) > 76
    assert all(table.of(f"{coin}USDT") != "unknown" for coin in REAL)
    known = {"BTC": "L1", "XMR": "privacy", "XRP": "payments", "BNB": "exchange", "DOGE": "meme"}
    known |= {"UNI": "DeFi", "LINK": "infrastructure", "AXS": "gaming", "ARB": "L2", "TAO": "AI"}
    assert {coin: table.of(coin) for coin in known} == known
    sizes = Counter(sector for sector, _ in table.by_coin.values())
    assert min(sizes.values()) > 1, "a sector of one coin rotates with nobody"
    assert table.current == table.as_of("BTC") == "2026-11-22"


@pytest.mark.parametrize(
    ("symbol", "sector"),
    [
        ("BTC", "L1"),
        ("binance:BTCUSDT", "L1"),
        ("btc/usdt", "L1"),
        ("BTCUSD_PERP", "L1"),
        ("BTC-USDT-SWAP", "L1"),
        ("ETHUSDT_210924", "L1"),
        ("BTC-PERP", "L1"),
        ("1000PEPEUSDT", "meme"),
        ("1000000PEPEUSDT", "meme"),
        ("1INCHUSDT", "DeFi"),
        ("NOSUCHUSDT", "unknown"),
        ("USDT", "unknown"),
        ("", "unknown"),
        ("1000", "unknown"),
    ],
)
def test_a_contract_has_the_sector_of_its_coin(symbol: str, sector: str) -> None:
    assert sectors().of(symbol) == sector
    assert (sectors().as_of(symbol) is None) == (sector == "unknown")


def test_a_file_of_ones_own_wins_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "mine.tsv"
    own.write_text(f"# mine\n{HEAD}btc\tmoney\t2025-01-01\nNOSUCH\tAI\t2025-01-01\n", encoding="utf-8")
    monkeypatch.setenv(module.VARIABLE, str(own))
    table = sectors()
    assert (table.of("BTCUSDT"), table.as_of("BTC")) == ("money", "2025-01-01")
    assert table.of("NOSUCHUSDT") == "AI"
    assert table.of("ETHUSDT") == "L1", "rows that it does not have stay"
    assert sectors(own).by_coin == table.by_coin


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("", 1),
        ("coin\tsector\n", 1),
        (f"# a\n{HEAD}BTC\tL1\n", 3),
        (f"{HEAD}BTC\t \t2025-01-01\n", 2),
        (f"{HEAD}BTC\tL1\t2025-13-01\n", 2),
        (f"{HEAD}BTC\tL1\t2025-01-01\n\nbtc\tL2\t2025-01-01\n", 4),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_row(tmp_path: Path, text: str, row: int) -> None:
    own = tmp_path / "mine.tsv"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"ANALYSIS-532.*mine\.tsv, row {row}:"):
        sectors(own)


def test_a_file_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(module.VARIABLE, str(tmp_path / "gone.tsv"))
    with pytest.raises(InputError, match=r"ANALYSIS-531.*gone\.tsv"):
        sectors()
    (tmp_path / "odd.tsv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"ANALYSIS-531.*UTF-8"):
        sectors(tmp_path / "odd.tsv")


# --- rotation ------------------------------------------------------------------------------------

NAMES = ("BTCUSDT", "ETHUSDT", "DOGEUSDT", "PEPEUSDT", "NOSUCHUSDT")
SPANS = {"short": 8, "long": 40, "bar": 1}


def market() -> Any:
    """Closes of five symbols that walk."""
    rng = np.random.Generator(np.random.PCG64(3))
    return 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (90, 5)), axis=0))


def test_strengths_are_plain_sums_of_log_returns() -> None:
    closes = market()
    found = rotation(closes, NAMES, sectors(), spans=SPANS, average=10)
    logs = [[math.log(close) for close in column] for column in closes.T.tolist()]

    def moved(name: str, bars: int, ago: int) -> float:
        column = logs[NAMES.index(name)]
        return column[-1 - ago] - column[-1 - ago - bars]

    seen = set()
    groups = {"L1": NAMES[:2], "meme": NAMES[2:4], "unknown": NAMES[4:]}
    for row in (*found.symbols, *found.sectors):
        members = (row.name,) if row in found.symbols else groups[row.name]
        assert row.members == members
        for span, bars in SPANS.items():
            now, back = row.over(span), max(1, bars // 4)
            own, all_, own_before, all_before = (
                math.fsum(moved(name, bars, ago) for name in names) / len(names)
                for ago in (0, back)
                for names in (members, NAMES)
            )
            assert now.change == pytest.approx(own, abs=1e-12)
            assert now.to_leader == pytest.approx(own - moved("BTCUSDT", bars, 0), abs=1e-12)
            assert now.to_basket == pytest.approx(own - all_, abs=1e-12)
            assert now.momentum == pytest.approx(own - all_ - own_before + all_before, abs=1e-12)
            assert now.quadrant is quadrant_of(now.to_basket, now.momentum)
            seen.add(now.quadrant)
    assert seen == set(Quadrant)
    assert sum(row.strengths[0].to_basket for row in found.symbols) == pytest.approx(0, abs=1e-12)
    strengths = [row.strengths[0].to_basket for row in found.symbols]
    assert strengths == sorted(strengths, reverse=True)
    assert found.as_dict()["leader"] == "BTCUSDT"


def test_breadth_counts_members_above_their_average() -> None:
    closes = np.tile(np.linspace(100, 120, 90)[:, None], 5)
    closes[:, 1] = closes[::-1, 1]
    closes[:, 4] = 7.0
    found = {row.name: row for row in rotation(closes, NAMES, sectors(), spans=SPANS, average=10).sectors}
    assert [(found[name].above, found[name].breadth) for name in ("L1", "meme", "unknown")] == [
        (1, 0.5),
        (2, 1.0),
        (0, 0.0),
    ]


@pytest.mark.parametrize(
    ("strength", "momentum", "quadrant"),
    [
        (1, 1, "leading"),
        (1, -1, "weakening"),
        (1, 0, "weakening"),
        (-1, -1, "lagging"),
        (0, 0, "lagging"),
        (-1, 1, "improving"),
        (0, 1, "improving"),
    ],
)
def test_quadrants(strength: float, momentum: float, quadrant: str) -> None:
    assert quadrant_of(strength, momentum).value == quadrant


def test_real_symbols_rotate_and_layer_lags_on_its_day(shared_data: Path) -> None:
    pl = pytest.importorskip("polars")
    bars = pl.read_parquet(shared_data / "binance_um_2025-05" / "bars_1m_16sym_ints.parquet")
    end = 29_108_659  # 2025-05-06 08:19, the end of its worst hour
    bars = bars.filter((pl.col("symbol") != "ADAUSDT") & (pl.col("t_min") < end))
    parts = bars.partition_by("symbol", as_dict=True)
    shared = aligned({name: (part["t_min"], part["close"]) for (name,), part in parts.items()})
    found = rotation(shared.closes, shared.names, sectors(), spans={"1d": 1_440, "4h": 240})
    assert len(found.symbols) == 15
    last = found.symbols[-1]
    assert (last.name, last.over("1d").quadrant) == ("LAYERUSDT", Quadrant.LAGGING)
    column = shared.closes[:, shared.names.index("LAYERUSDT")]
    assert last.over("1d").change == pytest.approx(math.log(column[-1] / column[-1_441]))
    assert last.over("1d").to_leader < -0.3
    assert {row.name for row in found.sectors} == {
        "L1", "DeFi", "payments", "privacy", "exchange", "infrastructure"
    }  # fmt: skip
    assert sum(len(row.members) for row in found.sectors) == 15


def small(table: Sectors) -> Rotation:
    """A rotation over one short span."""
    return rotation(market(), NAMES, table, average=9, spans={"a": 2})


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda table: rotation(market(), NAMES, table, spans={}), "ANALYSIS-526"),
        (lambda table: rotation(market(), NAMES, table, "BTCUSDT", {"a": 2}).sectors[0], "ANALYSIS-503"),
        (lambda table: small(table).sectors[0].over("x"), "ANALYSIS-526"),
        (lambda table: rotation(market(), NAMES, table, spans={"a": 0}), "ANALYSIS-502"),
        (lambda table: rotation(market(), NAMES, table, spans={"a": 80}, average=5), "ANALYSIS-503"),
        (lambda table: rotation(market(), NAMES, table, spans={"a": 5}), "ANALYSIS-503"),
        (lambda table: rotation(market() - 1e3, NAMES, table, spans=SPANS, average=5), "ANALYSIS-507"),
        (lambda table: rotation(market(), NAMES[:4], table, spans=SPANS, average=5), "ANALYSIS-512"),
        (lambda table: rotation(market(), NAMES, table, "X", spans=SPANS, average=5), "ANALYSIS-513"),
    ],
)  # fmt: skip
def test_what_cannot_rotate_is_refused(call: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        call(sectors())
    assert caught.value.code == code


def test_the_fewest_rows_are_enough() -> None:
    table = Sectors({}, "")
    found = rotation(market()[:11], NAMES, table, spans={"a": 8}, average=5)
    assert [row.name for row in found.sectors] == ["unknown"]
    with pytest.raises(InputError, match="ANALYSIS-503"):
        rotation(market()[:10], NAMES, table, spans={"a": 8}, average=5)
