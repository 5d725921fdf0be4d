"""Files of Binance's archive: what they become, exactly, and how a bad one is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from lotwise.errors import InputError
from lotwise.market import binance_archive
from lotwise.market.kinds import BARS, FUNDING, MARKS, TRADES, Scale

pytest.importorskip("polars")

KLINES = """open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,\
taker_buy_quote_volume,ignore
1746316800000,2.6981,2.70,2.6902,2.6960,10452.1,1746316859999,28190.33127,151,4000.5,10790.1,0
1746316860000,2.6960,2.6971,2.6950,2.6955,312,1746316919999,841.1020,12,100,269.6,0
"""
BARE = "\n".join(KLINES.splitlines()[1:])
AGG_TRADES = """agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker
3000000001,93214.50,0.012,1,3,1746316800123,true
3000000002,93214.4,1.5,4,4,1746316800124,false
"""
TRADES_BARE = (
    "11,93214.5,0.012,1118.574,1746316800123456,True\n12,93214.4,1.5,139821.6,1746316800124000,False\n"
)
FUNDING_RATES = """calc_time,funding_interval_hours,last_funding_rate
1746331200000,4,-0.02000000
1746334800003,1,0.00005385
"""
MARKS_NAME = "LAYERUSDT-markPriceKlines-1m-2025-05-04.csv"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of that name and text, zipped where the name says so."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name.replace(".zip", ".csv"), text)
        else:
            path.write_text(text, encoding="utf-8")
        return path

    return make


def numbers(text: str, column: int, decimals: int) -> list[int]:
    """A column of a csv as whole numbers, by another way."""
    rows = [line.split(",") for line in text.splitlines()]
    found = [Decimal(row[column]).scaleb(decimals) for row in rows if row[0][:1].isdigit()]
    assert all(number == number.to_integral_value() for number in found)
    return [int(number) for number in found]


@pytest.mark.parametrize("name", ["LAYERUSDT-1m-2025-05-04.csv", "LAYERUSDT-1m-2025-05-04.zip"])
@pytest.mark.parametrize("bare", [False, True])
def test_bars(write: Write, name: str, bare: bool) -> None:
    table = binance_archive.read(write(name, BARE if bare else KLINES), "klines" if bare else "")
    assert (table.kind, table.scale) == (BARS, Scale(price=4, quantity=1, money=5))
    assert table.frame.columns == list(BARS.columns)
    assert table.frame["time_ns"].to_list() == numbers(KLINES, 0, 6)
    for column, place in (("open", 1), ("high", 2), ("low", 3), ("close", 4)):
        assert table.frame[column].to_list() == numbers(KLINES, place, 4)
    assert table.frame["volume"].to_list() == numbers(KLINES, 5, 1)
    assert table.frame["turnover"].to_list() == numbers(KLINES, 7, 5)
    assert table.frame["trades"].to_list() == [151, 12]
    assert set(table.frame.dtypes) == {table.frame["open"].dtype}, "every column is a whole number"


def test_marks_are_told_by_the_name(write: Write) -> None:
    table = binance_archive.read(write(MARKS_NAME, KLINES))
    assert (table.kind, table.scale) == (MARKS, Scale(price=4))
    assert table.frame.columns == list(MARKS.columns)
    assert binance_archive.read(write(MARKS_NAME, BARE)).frame.equals(table.frame)


def test_trades_of_both_files(write: Write) -> None:
    table = binance_archive.read(write("BTCUSDT-aggTrades-2025-05-04.csv", AGG_TRADES))
    assert (table.kind, table.scale) == (TRADES, Scale(price=1, quantity=3))
    assert table.frame.rows() == [
        (1746316800123 * 10**6, 3000000001, 932145, 12, True),
        (1746316800124 * 10**6, 3000000002, 932144, 1500, False),
    ]
    bare = binance_archive.read(write("BTCUSDT-trades-2025-05-04.csv", TRADES_BARE))
    assert bare.frame["time_ns"].to_list() == [1746316800123456 * 10**3, 1746316800124000 * 10**3]
    assert bare.frame["buyer_is_maker"].to_list() == [True, False]


def test_funding_with_its_interval(write: Write) -> None:
    table = binance_archive.read(write("LAYERUSDT-fundingRate-2025-05.csv", FUNDING_RATES))
    assert (table.kind, table.scale) == (FUNDING, Scale(rate=8))
    assert table.frame["rate"].to_list() == [-2_000_000, 5_385]
    assert table.frame["interval_ns"].to_list() == [4 * 3600 * 10**9, 3600 * 10**9]


def test_a_finer_scale_keeps_the_worth_and_a_coarser_one_is_refused(write: Write) -> None:
    table = binance_archive.read(write("a.csv", AGG_TRADES))
    finer = table.scaled(Scale(price=4, quantity=3))
    assert finer.frame["price"].to_list() == [932145000, 932144000]
    assert finer.frame["quantity"].to_list() == table.frame["quantity"].to_list()
    with pytest.raises(ValueError, match="coarser scale loses"):
        table.scaled(Scale(price=0, quantity=3))


@pytest.mark.parametrize(
    ("text", "form", "code", "words"),
    [
        ("", "klines", "DATA-103", "is empty"),
        (KLINES.replace("2.6902", "2.69x2"), "", "DATA-110", "row 2: low is '2.69x2'"),
        (KLINES.replace("2.6902", ""), "", "DATA-103", "row 2"),
        (KLINES.replace("312,", "312,7,"), "", "DATA-103", "row 3 has 13 columns"),
        (KLINES[:-40], "", "DATA-103", "row 3"),
        (KLINES.replace("2.6902", "2.6902000000000000001"), "", "DATA-111", "row 2: low"),
        (KLINES.replace("2.6902", "99999999999999999"), "", "DATA-112", "row 2: low"),
        (KLINES.replace(",151,", ",151.5,"), "", "DATA-113", "row 2: trades is 151.5"),
        (KLINES.replace("1746316860000", "1746316860000000"), "", "DATA-114", "row 3: time_ns"),
        (KLINES.replace("1746316800000", "0").replace("1746316860000", "1"), "", "DATA-114", "row 2"),
        (KLINES.replace("1746316", "9946316000"), "", "DATA-114", "row 2"),
        (AGG_TRADES.replace("true", "maybe"), "", "DATA-115", "row 2: buyer_is_maker is 'maybe'"),
        (KLINES.replace("open_time", "opened"), "", "DATA-102", "neither its header nor its name"),
        (AGG_TRADES, "klines", "DATA-104", "has no column open_time"),
        (AGG_TRADES, "candles", "DATA-102", "candles is no kind of file"),
        (TRADES_BARE, "klines", "DATA-103", "6 columns where 12 are expected"),
    ],
)
def test_a_bad_file_is_refused_with_its_row(
    write: Write, text: str, form: str, code: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        binance_archive.read(write("file.csv", text), form)
    assert caught.value.code == code, caught.value
    assert words in caught.value.message
    assert "file.csv" in caught.value.message
    assert caught.value.hint


def test_a_cut_off_zip_is_refused(write: Write) -> None:
    path = write("BTCUSDT-1m-2025-05-04.zip", KLINES * 100)
    whole = path.read_bytes()
    for length in (40, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"DATA-101.*BTCUSDT-1m"):
            binance_archive.read(path)
    path.write_bytes(whole[:120] + b"????" + whole[124:])
    with pytest.raises(InputError, match="DATA-101"):
        binance_archive.read(path)


def test_a_zip_of_two_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", KLINES)
        archive.writestr("b.csv", KLINES)
    with pytest.raises(InputError, match="2 csv files"):
        binance_archive.read(path)
