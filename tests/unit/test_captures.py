"""Captures of streams: every row as it was sent, by another way; and lines that are none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")
import zstandard  # noqa: E402

from lotwise.errors import InputError  # noqa: E402
from lotwise.market import captures  # noqa: E402
from lotwise.market.book import walk  # noqa: E402
from lotwise.market.kinds import Table  # noqa: E402

MS = 10**6
T0 = 1_746_316_800_000
Write = Callable[..., Path]


def event(**more: Any) -> dict[str, Any]:
    """A change of a book as Binance sends it."""
    return {
        "e": "depthUpdate",
        "E": T0 + 1,
        "T": T0,
        "s": "BTCUSDT",
        "U": 5,
        "u": 7,
        "pu": 4,
        "b": [],
        "a": [],
    } | more


def raw(*data: dict[str, Any] | str) -> str:
    """Lines as hftbacktest writes them; an event with a stream is put in its envelope."""
    lines = []
    for number, one in enumerate(data):
        if isinstance(one, str):
            lines.append(one)
            continue
        stream = one.pop("stream", "")
        whole = {"stream": f"btcusdt@{stream}", "data": one} if stream else one
        lines.append(f"{T0 * MS + number} {json.dumps(whole)}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A capture of that text."""

    def make(text: str, name: str = "capture.gz") -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return make


def tables(path: Path, **options: Any) -> dict[tuple[str, str], Table]:
    """The tables of a small capture."""
    found = list(captures.parts(path, **options))
    named = {(contract, table.kind.name): table for contract, table in found}
    assert len(named) == len(found)
    return named


def whole(numbers: list[str], decimals: int) -> list[int]:
    """Texts of so many decimals, or one more that is 0, as whole numbers."""
    cut = [
        number.removesuffix("0") if len(number.partition(".")[2]) > decimals else number for number in numbers
    ]
    assert all(number[-1 - decimals] == "." for number in cut)
    return [int(number.replace(".", "")) for number in cut]


def test_the_real_capture_row_by_row(shared_data: Path) -> None:
    path = shared_data / "l2_trades" / "btcusdt_20240808.gz"
    found = tables(path)
    assert set(found) == {("BTCUSDT", "depth"), ("BTCUSDT", "trades"), ("BTCUSDT", "quotes")}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        told = [json.loads(line.split(" ", 1)[1]) for line in lines]
    events = [one["data"] for one in told if "data" in one]
    trades = [one for one in events if one["e"] == "trade"]
    frame = found["BTCUSDT", "trades"].frame
    assert frame["id"].to_list() == [one["t"] for one in trades]
    assert frame["time_ns"].to_list() == [one["T"] * MS for one in trades]
    assert frame["price"].to_list() == whole([one["p"] for one in trades], 1)
    assert frame["quantity"].to_list() == whole([one["q"] for one in trades], 3)
    assert frame["buyer_is_maker"].to_list() == [one["m"] for one in trades]
    assert len(frame) == 21_313
    quotes = [one for one in events if one["e"] == "bookTicker"]
    frame = found["BTCUSDT", "quotes"].frame
    for name, theirs, decimals in (
        ("bid", "b", 1),
        ("bid_quantity", "B", 3),
        ("ask", "a", 1),
        ("ask_quantity", "A", 3),
    ):
        assert frame[name].to_list() == whole([one[theirs] for one in quotes], decimals)
    rows = []
    for one in told:
        book = one.get("data", one)
        if "lastUpdateId" in book:
            ids, sides = (book["lastUpdateId"],) * 3, (book["bids"], book["asks"])
        elif book["e"] == "depthUpdate":
            ids, sides = (book["U"], book["u"], book["pu"]), (book["b"], book["a"])
        else:
            continue
        flag = "lastUpdateId" in book
        for is_bid, levels in zip((True, False), sides, strict=True):
            rows += [(book["T"] * MS, *ids, flag, is_bid, price, rests) for price, rests in levels]
    frame = found["BTCUSDT", "depth"].frame
    assert len(rows) == len(frame) == 445_521
    for name, values in zip(frame.columns[:6], list(zip(*rows, strict=True))[:6], strict=True):
        assert tuple(frame[name]) == values, name
    assert frame["price"].to_list() == whole([row[6] for row in rows], 1)
    assert frame["quantity"].to_list() == whole([row[7] for row in rows], 3)


def test_the_captures_of_cryptofeed_count_for_count(shared_data: Path) -> None:
    for name, kinds in (("BYBIT", 12), ("BINANCE_FUTURES", 12), ("BINANCE_DELIVERY", 27)):
        path = shared_data / "ws_captures" / f"{name}.jsonl.zst"
        found = tables(path)
        assert len(found) == kinds, name
        text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
        trades = quotes = levels = 0
        for line in text.splitlines():
            one = json.loads(line)
            if one["t"] != "recv" and not (one["t"] == "http" and "/depth?" in one["url"]):
                continue
            data = json.loads(one["data"])
            if data.get("topic", "").startswith("publicTrade"):
                trades += len(data["data"])
            elif data.get("topic", "").startswith("orderbook"):
                levels += len(data["data"]["b"]) + len(data["data"]["a"])
            elif "lastUpdateId" in data:
                levels += len(data["bids"]) + len(data["asks"])
            elif "stream" in data:
                what = data["data"]["e"]
                trades += what == "aggTrade"
                quotes += what == "bookTicker"
                if what == "depthUpdate":
                    levels += len(data["data"]["b"]) + len(data["data"]["a"])
        counts = {
            kind: sum(len(t.frame) for (_, of), t in found.items() if of == kind)
            for kind in ("trades", "quotes", "depth")
        }
        assert counts == {"trades": trades, "quotes": quotes, "depth": levels}, name
    assert trades > 50


def test_spot_and_perpetual_of_one_name_are_two_contracts(shared_data: Path) -> None:
    found = tables(shared_data / "ws_captures" / "BYBIT.jsonl.zst")
    perpetual, spot = found["BTCUSDT", "trades"], found["BTCUSDT.spot", "trades"]
    assert (len(perpetual.frame), len(spot.frame)) == (56, 11)
    assert int(perpetual.frame["id"].max()) < 2**60 < int(spot.frame["id"].min()), (
        "UUIDs, and running numbers"
    )


def test_a_change_that_changes_nothing_leaves_no_gap(write: Write) -> None:
    told = [
        {
            "lastUpdateId": 7,
            "T": T0,
            "E": T0,
            "bids": [["1.0", "2"]],
            "asks": [["1.1", "3"]],
            "symbol": "BTCUSDT",
        },
        event(stream="depth@0ms", b=[["1.0", "4"]], U=8, u=9, pu=7),
        event(stream="depth@0ms", U=12, u=13, pu=9, T=T0 + 1),
        event(stream="depth@0ms", U=20, u=21, pu=13, T=T0 + 2),
        event(stream="depth@0ms", a=[["1.1", "0"], ["1.2", "5"], ["1.2", "6"]], U=30, u=31, pu=21, T=T0 + 3),
    ]
    table = tables(write(raw(*told)))["BTCUSDT", "depth"]
    assert (
        table.frame.filter(pl.col("last_id") == 31).select("first_id", "previous_id").rows() == [(12, 9)] * 2
    )
    found = walk(table)
    assert (found.counts.gaps, found.bids, found.asks) == (0, [(10, 4)], [(12, 6)])


def test_a_stream_of_single_numbers_keeps_its_sequence_over_an_empty_change(write: Write) -> None:
    def bybit(kind: str, number: int, **levels: Any) -> str:
        data = {"s": "BTCUSDT", "b": [], "a": [], "u": number, "seq": number} | levels
        topic = {
            "topic": "orderbook.50.BTCUSDT",
            "type": kind,
            "ts": T0 + number,
            "cts": T0 + number,
            "data": data,
        }
        return json.dumps({"t": "recv", "conn": "c", "ts": 1.5, "data": json.dumps(topic)})

    told = [
        bybit("snapshot", 5, b=[["1", "2"]], a=[["2", "1"]]),
        bybit("delta", 6, b=[["1", "3"]]),
        bybit("delta", 7),
        bybit("delta", 8, a=[["2", "4"]]),
        bybit("delta", 10, a=[["3", "4"]]),
    ]
    table = tables(write("\n".join(told), "b.jsonl"))["BTCUSDT", "depth"]
    assert walk(table).counts.gaps == 1
    assert walk(Table(table.kind, table.scale, table.frame.filter(pl.col("last_id") < 10))).counts.gaps == 0


def test_a_spot_stream_is_told_by_the_address_of_its_connection(write: Write) -> None:
    def of(conn: str) -> str:
        trade = {"T": T0, "s": "BTCUSDT", "S": "Sell", "v": "1", "p": "2", "i": "77"}
        data = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": T0, "data": [trade]}
        return json.dumps({"t": "recv", "conn": conn, "ts": 1.5, "data": json.dumps(data)})

    address = {"t": "connect", "conn": "b", "ts": 1.5, "addr": "wss://stream.bybit.com/v5/public/spot"}
    found = tables(write("\n".join([json.dumps(address), of("a"), of("b")]), "c.jsonl"))
    assert set(found) == {("BTCUSDT", "trades"), ("BTCUSDT.spot", "trades")}


def test_streams_are_told_apart_and_one_may_be_taken(write: Write) -> None:
    trade = {"T": T0, "s": "BTCUSDT", "p": "1.5", "q": "2", "m": True}
    told = [
        {"stream": "trade", "e": "trade", "t": 1} | trade,
        {"stream": "kline_1m", "e": "kline", "s": "BTCUSDT"},
        {"stream": "depth20@100ms"} | event(b=[["1", "2"]]),
        {"stream": "aggTrade", "e": "aggTrade", "a": 9} | trade,
    ]
    with pytest.raises(
        InputError, match=r"DATA-121.*line 4: trades of BTCUSDT from aggTrade, and from trade"
    ):
        tables(write(raw(*map(dict, told))))
    (one,) = tables(write(raw(*map(dict, told))), form="aggTrade").values()
    assert one.frame.rows() == [(T0 * MS, 9, 15, 2, True)]
    with pytest.raises(InputError, match=r"DATA-128.*4 lines, and no .* of the stream trades"):
        tables(write(raw(*map(dict, told))), form="trades")


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        ('1746316800000000001 {"stream":"btc', "DATA-127", "line 2: no message that is known"),
        ("1746316800000000001 [1]", "DATA-127", "line 2: a message that is no object"),
        ("hello {}", "DATA-127", "line 2: it begins with b'hello"),
        (event(stream="depth@0ms", u=None), "DATA-103", "line 2: last_id is empty"),
        ({"stream": "depth@0ms", "e": "depthUpdate", "s": "BTCUSDT"}, "DATA-127", "line 2: no message"),
        (event(stream="depth@0ms", b=[["x", "1"]]), "DATA-110", "line 2: price is 'x'"),
        (event(stream="depth@0ms", b=[["1", "1"]], T=T0 * 2), "DATA-136", "line 2"),
        ({"lastUpdateId": 5, "bids": [], "asks": [], "symbol": "B"}, "DATA-127", "a snapshot without a time"),
    ],
)
def test_a_line_that_is_no_message_is_named(write: Write, bad: Any, code: str, words: str) -> None:
    good = event(stream="depth@0ms", b=[["1", "1"]])
    if isinstance(bad, dict) and bad.get("u", 1) is None:
        bad["b"] = [["1", "1"]]
    path = write(raw(good, dict(bad) if isinstance(bad, dict) else bad))
    with pytest.raises(InputError) as caught:
        tables(path, latest_ns=T0 * MS + 10**15)
    assert caught.value.code == code, caught.value
    assert words in caught.value.message
    assert "capture.gz" in caught.value.message
    assert caught.value.hint


def test_a_snapshot_of_nobody_is_refused(write: Write) -> None:
    alone = {"lastUpdateId": 5, "T": T0, "E": T0, "bids": [], "asks": []}
    with pytest.raises(InputError, match=r"DATA-127.*line 1: a snapshot before the first change"):
        tables(write(raw(alone)))


def test_many_rows_are_given_some_at_a_time(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "BATCH", 10)
    monkeypatch.setattr("lotwise.market.packed.BLOCK", 700)
    monkeypatch.setattr("lotwise.market.packed.CHUNK", 300)
    told = [event(stream="depth@0ms", U=i, u=i + 1, pu=i - 1, b=[["1.5", str(i)]]) for i in range(2, 90, 2)]
    found = list(captures.parts(write(raw(*told))))
    assert len(found) > 2
    assert pl.concat([table.frame for _, table in found])["last_id"].to_list() == list(range(3, 91, 2))
