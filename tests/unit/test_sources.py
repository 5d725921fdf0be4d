"""The one entrance for files: what each is told for, whole days out of it, and what is cut off or damaged."""

from __future__ import annotations

import gzip
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")
import numpy as np  # noqa: E402
import zstandard  # noqa: E402

from lotwise.clock import FixedClock  # noqa: E402
from lotwise.errors import InputError  # noqa: E402
from lotwise.market import bybit_archive, days, freqtrade, packed, sources  # noqa: E402
from lotwise.market.book import walk  # noqa: E402
from lotwise.market.check import check  # noqa: E402
from lotwise.market.kinds import TRADES, Scale, Table  # noqa: E402
from lotwise.market.sources import Wanted  # noqa: E402
from lotwise.market.store import DAY_NS  # noqa: E402

NS, MS = 10**9, 10**6
T0 = 1_746_316_800
HEAD = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
BYBIT_HEAD = ",".join(bybit_archive.HEADER) + ",RPI\n"
EV = [
    ("ev", "u8"),
    ("exch_ts", "i8"),
    ("local_ts", "i8"),
    ("px", "f8"),
    ("qty", "f8"),
    ("order_id", "u8"),
    ("ival", "i8"),
    ("fval", "f8"),
]
EXCH, LOCAL, BUY, SELL = 1 << 31, 1 << 30, 1 << 29, 1 << 28
BOTH = EXCH | LOCAL
Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of that text, packed as its name says."""

    def made(name: str, content: Any) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name.replace(".zip", ".csv"), data)
            return path
        packs: dict[str, Callable[[bytes], bytes]] = {
            ".gz": gzip.compress,
            ".zst": zstandard.ZstdCompressor().compress,
        }
        path.write_bytes(packs.get(path.suffix, bytes)(data))
        return path

    return made


def trades(ids: range, step_ms: int = 1000) -> str:
    """Rows of an archive of trades."""
    return "".join(
        f"{i},{90000 + i % 7}.{i % 2},0.{1 + i % 9},{i},{i},{T0 * 1000 + i * step_ms},true\n" for i in ids
    )


def uuid(number: int) -> str:
    """An id as Bybit writes it."""
    digits = random.Random(number).randbytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{digits[16:20]}-{digits[20:]}"


def bybit(numbers: range | list[int], symbol: str = "BTCUSDT") -> str:
    """Rows of Bybit's archive, two of a stamp now and then."""
    return "".join(
        f"{T0 + i // 2}.{i // 2 % 10}64,{symbol},{'Buy' if i % 3 else 'Sell'},0.00{1 + i % 9},"
        f"{60000 + i}.5,PlusTick,{uuid(i)},1,1,1,0\n"
        for i in numbers
    )


PACKED = ["BTCUSDT-aggTrades-2025-05-04.csv", "BTCUSDT-aggTrades-2025-05-04.zip", "a.csv.gz", "a.csv.zst"]


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("block", [200, 10**6])
def test_text_is_the_same_however_packed_and_in_whatever_blocks(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, block: int
) -> None:
    monkeypatch.setattr(packed, "BLOCK", block)
    monkeypatch.setattr(packed, "CHUNK", 64)
    path = write(name, HEAD + trades(range(300)))
    found = list(sources.parts(path))
    assert (len(found) > 20) == (block == 200 and not name.endswith("zst")), "zst unpacks by its own blocks"
    assert {contract for contract, _ in found} == {"BTCUSDT" if "BTC" in name else ""}
    table = sources.read(path)
    assert (table.kind, table.scale) == (TRADES, Scale(price=1, quantity=1))
    assert table.frame["id"].to_list() == list(range(300))
    assert table.frame["price"].to_list() == [900_000 + i % 7 * 10 + i % 2 for i in range(300)]


def test_a_row_is_named_by_its_line_in_every_block(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "BLOCK", 500)
    monkeypatch.setattr(packed, "CHUNK", 100)
    lines = (HEAD + trades(range(200))).splitlines()
    odd = {
        "DATA-110": lines[150].replace("0.", "x."),
        "DATA-103": lines[150] + ",7",
        "DATA-114": lines[150].replace("17463", "99463999"),
        "DATA-113": "1.5" + lines[150],
    }
    for code, line in odd.items():
        path = write("a.csv", "\n".join([*lines[:150], line, *lines[151:]]) + "\n")
        with pytest.raises(InputError, match=rf"{code}.*a\.csv, row 151"):
            list(sources.parts(path))
    twice = write("a.csv", "\n".join([*lines[:150], lines[0], *lines[150:]]) + "\n")
    with pytest.raises(InputError, match=r"DATA-110.*a\.csv, row 151"):
        list(sources.parts(twice, Wanted("aggTrades")))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst", "BTCUSDT-aggTrades-2025-05-04.zip"])
def test_a_packed_file_that_is_cut_off_changes_nothing(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(packed, "BLOCK", 2000)
    monkeypatch.setattr(packed, "CHUNK", 256)
    path = write(
        name, HEAD + "".join(trades(range(i, i + 1)) for i in random.Random(1).sample(range(9000), 3000))
    )
    whole = path.read_bytes()
    for length in (len(whole) - 3, len(whole) // 2, 30):
        path.write_bytes(whole[:length])
        reading = sources.parts(path)
        with pytest.raises(InputError) as caught:
            next(reading)
        assert caught.value.code == ("DATA-101" if name.endswith("zip") else "DATA-120"), caught.value
        assert name in caught.value.message
        assert "after row" in caught.value.message or name.endswith("zip")


def test_zst_of_several_frames_is_read_to_its_end(tmp_path: Path) -> None:
    pack = zstandard.ZstdCompressor().compress
    path = tmp_path / "a.csv.zst"
    path.write_bytes(pack((HEAD + trades(range(5))).encode()) + pack(trades(range(5, 9)).encode()))
    assert sources.read(path).frame["id"].to_list() == list(range(9))


def test_whole_days_are_given_once_though_rows_are_a_little_late(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "BLOCK", 900)
    monkeypatch.setattr(packed, "CHUNK", 300)
    lines = trades(range(400), step_ms=1_000_000).splitlines()
    for at in range(80, 400, 86):
        lines[at], lines[at + 7] = lines[at + 7], lines[at]
    path = write("a.csv", HEAD + "\n".join(lines) + "\n")
    found = [table for _, table in sources.whole_days(path)]
    assert len(found) > 2
    seen: set[int] = set()
    for table in found:
        mine = set((table.frame["time_ns"] // DAY_NS).to_list())
        assert not mine & seen
        seen |= mine
    assert sorted(i for table in found for i in table.frame["id"]) == list(range(400))
    back = write("b.csv", HEAD + trades(range(300, 400), 1_000_000) + trades(range(300), 1_000_000))
    with pytest.raises(
        InputError, match=r"DATA-131.*b\.csv: after row \d+ of trades the rows go back by a day"
    ):
        list(sources.whole_days(back))


def test_a_day_that_was_given_is_not_given_again() -> None:
    def part(*at: int) -> tuple[str, Table]:
        rows = {"time_ns": [day * DAY_NS + 5 for day in at], "id": list(at), "price": [1] * len(at)}
        return "X", Table(TRADES, Scale(), pl.DataFrame(rows | {"quantity": 1, "buyer_is_maker": True}))

    given = list(days.whole_days([part(1, 2), part(2, 3), part(3), part(4, 9)], "f"))
    assert [table.frame["id"].to_list() for _, table in given] == [[1], [2, 2], [3, 3], [4, 9]]
    for late in (part(2, 3), part(1)):
        with pytest.raises(InputError, match="DATA-131"):
            list(days.whole_days([part(1, 2), part(3), late], "f"))


def test_parts_of_finer_scale_join_the_coarser_ones() -> None:
    coarse = Table(
        TRADES,
        Scale(price=1),
        pl.DataFrame({"time_ns": [1], "id": [1], "price": [15], "quantity": [1], "buyer_is_maker": [True]}),
    )
    fine = Table(TRADES, Scale(price=3), coarse.frame.with_columns(price=pl.lit(1501, pl.Int64)))
    joined = days.together([coarse, fine])
    assert (joined.scale, joined.frame["price"].to_list()) == (Scale(price=3), [1500, 1501])


def test_bybits_trades_have_ids_of_their_own_whatever_file_they_lie_in(write: Write) -> None:
    whole = sources.read(write("BTCUSDT2025-05-04.csv.gz", BYBIT_HEAD + bybit(range(100))))
    assert whole.frame["price"].to_list() == [600_005 + 10 * i for i in range(100)]
    assert whole.frame["time_ns"].to_list() == [
        (T0 + i // 2) * NS + (i // 2 % 10 * 100 + 64) * MS for i in range(100)
    ]
    assert whole.frame["buyer_is_maker"].to_list() == [i % 3 == 0 for i in range(100)]
    assert whole.frame["quantity"].to_list() == [1 + i % 9 for i in range(100)]
    assert whole.frame["id"].to_list() == [
        int(uuid(i).replace("-", "")[:12] + uuid(i).replace("-", "")[13:16], 16) for i in range(100)
    ]
    assert whole.frame["id"].n_unique() == 100
    some = sources.read(write("part.csv", BYBIT_HEAD + bybit(range(41, 77))))
    assert some.frame.equals(whole.frame[41:77])
    back = sources.read(write("old.csv.gz", BYBIT_HEAD + bybit(list(range(99, -1, -1)))))
    assert back.frame.equals(whole.frame)
    assert not {"gap", "disorder"} & {one.code for one in check(whole).findings}


def test_bybits_files_that_are_odd_are_refused(write: Write) -> None:
    good = BYBIT_HEAD + bybit(range(9))
    with pytest.raises(InputError, match=r"DATA-129.*a\.csv, row 5: id is 'none'"):
        bybit_archive.read(write("a.csv", good.replace(uuid(3), "none")))
    with pytest.raises(InputError, match=r"DATA-115.*a\.csv, row 2: buyer_is_maker is 'Sold'"):
        bybit_archive.read(write("a.csv", good.replace("Sell", "Sold")))
    with pytest.raises(InputError, match=r"DATA-121.*holds BTCUSDT, ETHUSDT"):
        bybit_archive.read(write("a.csv", good + bybit(range(9, 12), "ETHUSDT")))
    with pytest.raises(InputError, match=r"DATA-103.*a header and no row"):
        bybit_archive.read(write("a.csv", BYBIT_HEAD))
    with pytest.raises(InputError, match=r"DATA-136.*a\.csv, row 6"):
        bybit_archive.read(write("a.csv", good), latest_ns=(T0 + 1) * NS + 164 * MS)


def feather(path: Path, **columns: Any) -> Path:
    """A file as freqtrade writes it."""
    count = len(next(iter(columns.values()))) if columns else 2
    rows = {"date": [T0 * 1000 + i * 60_000 for i in range(count)]}
    rows |= {name: columns.get(name, [0.0] * count) for name in freqtrade.HEADER[1:]}
    frame = pl.DataFrame(rows).with_columns(pl.col("date").cast(pl.Datetime("ms", "UTC")))
    path.parent.mkdir(exist_ok=True)
    frame.write_ipc(path, compression="lz4")
    return path


PRICES = {
    "open": [1.1, 1.23],
    "high": [2.0, 2.0],
    "low": [1.0, 0.5],
    "close": [1.1, 1e-05],
    "volume": [1e3, 0.25],
}


def test_freqtrades_files_are_told_by_name_and_folder(tmp_path: Path) -> None:
    bars = feather(tmp_path / "BTC_USDT_USDT-1m-futures.feather", **PRICES)
    ((contract, table),) = sources.parts(bars)
    assert (contract, table.kind.name, table.scale) == ("BTCUSDT", "bars", Scale(price=5, quantity=2))
    assert table.frame.rows()[1] == (T0 * NS + 60 * NS, 123_000, 200_000, 50_000, 1, 25, 0, 0, 0)
    marks = sources.read(feather(tmp_path / "BTC_USDT_USDT-8h-mark.feather", **PRICES))
    assert (marks.kind.name, marks.frame.width) == ("marks", 5)
    rates = sources.read(feather(tmp_path / "funding" / "LAYERUSDT.feather", open=[-0.02, 1e-07]))
    assert (rates.kind.name, rates.frame["rate"].to_list()) == ("funding", [-200_000, 1])
    assert (
        sources.read(feather(tmp_path / "b.feather", open=[0.1]), form="funding_rate").kind.name == "funding"
    )


def test_freqtrades_files_that_are_odd_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"DATA-138.*a\.feather, row 1: open stands alone, as a funding rate"
    ):
        sources.read(feather(tmp_path / "a.feather", open=[0.1, 0.2]))
    with pytest.raises(InputError, match=r"DATA-138.*funding\.feather, row 1: open stands beside a high"):
        sources.read(feather(tmp_path / "funding.feather", **PRICES))
    with pytest.raises(InputError, match=r"DATA-102.*candles is no kind"):
        sources.read(feather(tmp_path / "a.feather", **PRICES), form="candles")
    path = tmp_path / "other.feather"
    pl.DataFrame({"date": [1], "price": [2.0]}).write_ipc(path)
    with pytest.raises(InputError, match=r"DATA-132.*other\.feather, row 1: has no column open, high"):
        sources.read(path)
    whole = feather(path, **PRICES).read_bytes()
    for length in (len(whole) // 2, len(whole) - 1, 3):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"DATA-120.*other\.feather, row 1: not a whole feather"):
            sources.read(path)
    with pytest.raises(InputError, match=r"DATA-110.*row 2: low is 'NaN'"):
        sources.read(feather(path, **PRICES | {"low": [1.0, float("nan")]}))


def npz(path: Path, rows: list[tuple[Any, ...]], name: str = "data") -> Path:
    """Events as hftbacktest writes them: kind and flags, stamp, price, quantity."""
    events = np.zeros(len(rows), EV)
    for i, (ev, stamp, px, qty) in enumerate(rows):
        events[i] = (ev, stamp, stamp + 1_000_000, px, qty, 0, 0, 0.0)
    np.savez_compressed(path, **{name: events})
    return path


STAMP = T0 * NS
EVENTS = [
    (3 | BOTH | BUY, STAMP, 100.1, 0.0),
    (4 | BOTH | BUY, STAMP, 100.1, 0.003),
    (4 | BOTH | SELL, STAMP, 100.3, 0.1 * 3),
    (1 | BOTH | BUY, STAMP + 5, 100.2, 0.007),
    (1 | BOTH | BUY, STAMP + 5, 100.2, 0.001),
    (2 | BOTH | SELL, STAMP + 7, 100.2, 0.002),
    (2 | EXCH | BUY, STAMP + 8, 100.3, 0.001),
    (2 | LOCAL | BUY, STAMP + 8, 100.3, 0.001),
    (1 | BOTH | SELL, STAMP + 2000, 100.3, 0.0),
    (1 | BOTH | SELL, STAMP + 2000, 100.4, 12.0),
]
GRID = {"tick": "0.1", "lot": "0.001"}


def test_hftbacktests_events(tmp_path: Path) -> None:
    found = {
        table.kind.name: table for _, table in sources.parts(npz(tmp_path / "a.npz", EVENTS), Wanted(**GRID))
    }
    assert set(found) == {"depth", "trades"}
    walked = walk(found["depth"])
    assert (walked.counts.gaps, walked.counts.messages, walked.sound) == (0, 3, True)
    assert (walked.bids, walked.asks) == ([(1002, 1), (1001, 3)], [(1004, 12_000)])
    micros = STAMP // 1000
    assert found["trades"].frame.rows() == [
        (STAMP + 7, micros * 4096, 1002, 2, True),
        (STAMP + 8, micros * 4096 + 1, 1003, 1, False),
    ]
    again = {
        table.kind.name: table
        for _, table in sources.parts(npz(tmp_path / "b.npz", EVENTS[3:]), Wanted(**GRID))
    }
    assert again["trades"].frame.equals(found["trades"].frame)
    assert walk(again["depth"]).counts.snapshots == 0


@pytest.mark.parametrize(
    ("rows", "grid", "code", "words"),
    [
        (EVENTS, {}, "DATA-126", "a.npz holds floats: '' is no tick or lot"),
        (EVENTS, {"tick": "0", "lot": "1"}, "DATA-126", "'0' is no tick"),
        (EVENTS, {"tick": "nan", "lot": "1"}, "DATA-126", "'nan'"),
        (
            EVENTS,
            {"tick": "0.5", "lot": "0.001"},
            "DATA-125",
            "a.npz, row 2: price is 100.1, which is no multiple of 0.5",
        ),
        (EVENTS, {"tick": "0.1", "lot": "0.002"}, "DATA-125", "row 2: quantity is 0.003"),
        ([(1 | BOTH, STAMP, float("nan"), 1.0)], GRID, "DATA-125", "row 1: price is nan"),
        ([(1 | BOTH, STAMP, 1e17, 1.0)], GRID, "DATA-125", "row 1: price is 1e+17"),
        (
            [(3 | BOTH, STAMP, 1.0, 1.0), (1 | BOTH, STAMP, 1.0, 1.0)],
            GRID,
            "DATA-127",
            "row 1: the book is cleared",
        ),
        ([(2 | BOTH, STAMP, 1.0, 1.0)] * 4097, GRID, "DATA-127", "row 4097: over 4,096 trades"),
        ([(12 | BOTH, STAMP, 1.0, 1.0)], GRID, "DATA-128", "neither book changes nor trades"),
        ([(1 | BOTH, STAMP * 2, 1.0, 1.0)], GRID, "DATA-136", "row 1: 2080"),
    ],
)
def test_hftbacktests_events_that_are_odd_are_refused(
    tmp_path: Path, rows: Any, grid: Any, code: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        list(sources.parts(npz(tmp_path / "a.npz", rows), Wanted(**grid, latest_ns=STAMP + NS)))
    assert caught.value.code == code, caught.value
    assert words in caught.value.message


def test_an_npz_that_is_none_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", EVENTS * 50)
    whole = path.read_bytes()
    for length in (len(whole) - 30, len(whole) // 2, 20):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"DATA-120.*a\.npz, row 1: not a whole npz"):
            list(sources.parts(path, Wanted(**GRID)))
    with pytest.raises(InputError, match=r"DATA-132.*it has other"):
        list(sources.parts(npz(path, EVENTS, name="other"), Wanted(**GRID)))
    np.savez(path, data=np.zeros((3, 6)))
    with pytest.raises(InputError, match=r"DATA-132.*it has data"):
        list(sources.parts(path, Wanted(**GRID)))
    renamed = npz(tmp_path / "b.npz", EVENTS).rename(tmp_path / "b.zip")
    assert len(list(sources.parts(renamed, Wanted(**GRID)))) == 2, "told by what is in it"


def test_what_cannot_be_read_says_so(tmp_path: Path, write: Write) -> None:
    with pytest.raises(InputError, match=r"DATA-137.*cannot be read: Is a directory"):
        sources.read(tmp_path)
    for name in ("a.csv", "a.csv.gz", "a.csv.zst", "a.zip"):
        with pytest.raises(InputError, match=r"DATA-10[23]"):
            sources.read(write(name, ""))
    secret = write("a.zip", HEAD)
    data = bytearray(secret.read_bytes())
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.find(mark) + at] |= 1  # the flag of a password
    secret.write_bytes(bytes(data))
    with pytest.raises(InputError, match="DATA-101"):
        sources.read(secret)


def test_names_of_a_contract_are_compared_by_letters_and_digits() -> None:
    assert sources.same_contract("BTC-USDT", "btcusdt")
    assert not sources.same_contract("BTCUSDT", "BTCUSDC")


def test_the_real_files_are_read_and_checked(shared_data: Path) -> None:
    folder = shared_data / "binance_um_2025-05"
    files = [
        *folder.glob("*.parquet"),
        *sorted(folder.glob("*/*.feather")),
        *sorted((shared_data / "funding").glob("*.csv")),
        *sorted((shared_data / "ws_captures").glob("*.zst")),
    ]
    assert len(files) == 56
    rows: dict[str, int] = {}
    raw_rows = {"bars": len(pl.read_parquet(files[0])), "funding": 0, "marks": 0}
    odd: dict[str, set[str]] = {}
    for path in files:
        for contract, table in sources.whole_days(path):
            report = check(table, clock=FixedClock(2 * STAMP))
            assert report.rows == len(table.frame) > 0
            rows[table.kind.name] = rows.get(table.kind.name, 0) + report.rows
            for one in report.findings:
                odd.setdefault(f"{table.kind.name} {one.code}", set()).add(contract)
            if path.suffix == ".csv":
                raw_rows["funding"] += path.read_text(encoding="utf-8").count("\n") - 1
            if path.suffix == ".feather":
                raw = pl.read_ipc(path)
                name = "rate" if table.kind.name == "funding" else "open"
                unit = 10 ** (table.scale.rate or table.scale.price)
                assert table.frame[name].to_list() == [round(value * unit) for value in raw["open"]]
                assert table.frame["time_ns"].to_list() == raw["date"].dt.epoch("ns").to_list()
                assert contract == path.stem
                raw_rows["funding" if path.parent.name == "funding" else "marks"] += len(raw)
    assert {kind: rows.pop(kind) for kind in raw_rows} == raw_rows
    assert rows == {"depth": 61_637, "trades": 489, "quotes": 2_853}, "counted otherwise in test_captures"
    assert odd["bars off_tick"] == {"SOLUSDT"}
    assert odd["funding interval"] == {"LAYERUSDT"}
    assert odd["funding shifted"] == {"BTC-USDT", "ETH-USDT"}
    assert not [name for name in odd if "crossed" in name or "sequence" in name or "future" in name]


def test_bars_with_scale_json_are_those_of_the_archive(write: Write, tmp_path: Path) -> None:
    line = f"{T0 * 1000},1.5,1.5,1.5,1.5,2,{T0 * 1000 + 59_999},3,1,1,1,0\n"
    mine = sources.read(write("XUSDT-1m-2025-05-04.csv", line), form="klines")
    pl.DataFrame(
        {
            "symbol": ["X"],
            "t_min": [T0 // 60],
            **{n: [15] for n in ("open", "high", "low", "close")},
            "volume": [2],
        }
    ).write_parquet(tmp_path / "i.parquet")
    (tmp_path / "scale.json").write_text(
        json.dumps({"scale": {"X": {"price_decimals": 1, "qty_decimals": 0}}})
    )
    names = ["time_ns", "open", "close", "volume"]
    assert sources.read(tmp_path / "i.parquet").frame.select(names).equals(mine.frame.select(names))
