"""Files of Binance's archive: what they become, exactly, and how a bad one is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from lotwise.errors import InputError
from lotwise.market import binance_archive
from lotwise.market.check import check
from lotwise.market.kinds import BANDS, BARS, FUNDING, INTEREST, MARKS, QUOTES, TRADES, Scale

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


QUOTED = """update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time
4503599627370497,93214.40,12.003,93214.50,0.500,1746316800004,1746316800009
4503599627370499,93214.40,12.003,93214.60,1.000,1746316800005,1746316800009
"""
BANDED = """timestamp,percentage,depth,notional
2025-05-04 00:00:08,-5.00,6341.512,577612345.1234567890123
2025-05-04 00:00:08,0.20,80.000,7457152
"""
METRICS = """create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,\
sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio
2025-05-04 00:05:00,BTCUSDT,78012.1230000000000000,7271234567.123456789000,1.51,1.610000000000000001,1.7,0.98
2025-05-04 00:10:00,BTCUSDT,78012.2,7271234568,,,"",
"""


def test_quotes_of_the_archive(write: Write) -> None:
    table = binance_archive.read(write("BTCUSDT-bookTicker-2025-05-04.csv", QUOTED))
    assert (table.kind, table.scale) == (QUOTES, Scale(price=1, quantity=3))
    assert table.frame.rows()[1] == (1746316800005 * 10**6, 4503599627370499, 932144, 12003, 932146, 1000)
    assert check(table).findings == ()
    bare = QUOTED.partition("\n")[2]
    assert binance_archive.read(write("BTCUSDT-bookTicker-2025-05-04.csv", bare)).frame.equals(table.frame)


def test_bands_are_shares_and_their_worth_is_rounded(write: Write) -> None:
    table = binance_archive.read(write("BTCUSDT-bookDepth-2025-05-04.csv", BANDED))
    assert (table.kind, table.scale) == (BANDS, Scale(rate=3, quantity=3, money=8))
    assert table.frame.rows() == [
        (1746316808 * 10**9, -50, 6341512, 57761234512345679),
        (1746316808 * 10**9, 2, 80000, 745715200000000),
    ]


def test_metrics_and_the_ratios_they_do_not_say(write: Write) -> None:
    path = write("BTCUSDT-metrics-2025-05-04.csv", METRICS)
    table = binance_archive.read(path)
    assert (table.kind, table.scale) == (INTEREST, Scale(quantity=3, money=8, rate=2))
    assert table.frame.rows() == [
        (1746317100 * 10**9, 78012123, 727123456712345679, 170, 161, 98),
        (1746317400 * 10**9, 78012200, 727123456800000000, 0, 0, 0),
    ]
    ((contract, _),) = binance_archive.parts(path)
    assert contract == "BTCUSDT"
    with pytest.raises(InputError, match=r"DATA-103.*row 3: sum_open_interest is empty"):
        binance_archive.read(write("BTCUSDT-metrics-2025-05-04.csv", METRICS.replace(",78012.2,", ",,")))


@pytest.mark.parametrize(
    ("name", "contract"),
    [
        ("BTCUSDT-1m-2025-05-04.csv", "BTCUSDT"),
        ("BTCUSD_PERP-aggTrades-2025-05-04.zip", "BTCUSD_PERP"),
        ("1000PEPEUSDT-markPriceKlines-1h-2025-05.csv", "1000PEPEUSDT"),
        ("trades.csv", ""),
        ("my-own-trades.csv", ""),
    ],
)
def test_the_contract_is_told_by_the_archives_names_only(name: str, contract: str) -> None:
    assert binance_archive.contract_of(Path(name)) == contract


def test_a_stamp_of_the_future_is_refused_with_its_row(write: Write) -> None:
    path = write("BTCUSDT-aggTrades-2025-05-04.csv", AGG_TRADES)
    latest = 1746316800123 * 10**6
    assert len(binance_archive.read(path, latest_ns=latest + 10**6).frame) == 2
    with pytest.raises(InputError, match=r"DATA-136.*row 3: 2025-05-04 00:00:00\.124 is in the future"):
        binance_archive.read(path, latest_ns=latest)


def test_a_header_alone_is_refused(write: Write) -> None:
    with pytest.raises(InputError, match=r"DATA-103.*has a header and no row"):
        binance_archive.read(write("a.csv", AGG_TRADES.partition("\n")[0] + "\n"))


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
        (AGG_TRADES + AGG_TRADES, "", "DATA-110", "row 4: price is 'price'"),
        (AGG_TRADES + KLINES, "", "DATA-103", "row 4 has 12 columns, the first has 7"),
        (
            AGG_TRADES.replace(",true", "").replace("maker", "maker\n1,2"),
            "",
            "DATA-103",
            "row 2 has 2 columns",
        ),
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
