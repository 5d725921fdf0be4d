"""``lotwise data fetch`` and ``capture``, real ccxt against a venue on loopback: faults, kills, Ctrl-C."""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import pytest

pl = pytest.importorskip("polars")
pytest.importorskip("ccxt")

import lotwise.cli.data_fetch  # noqa: E402, F401  # its commands belong to the family
from lotwise.app import capture_log as logs  # noqa: E402
from lotwise.app.capture import Captured, Listening, capture  # noqa: E402
from lotwise.app.fetch import Wanted, fetch, moment  # noqa: E402
from lotwise.app.recorder import Standing  # noqa: E402
from lotwise.app.refresh import connect  # noqa: E402
from lotwise.cli.main import main  # noqa: E402
from lotwise.errors import VenueError  # noqa: E402
from lotwise.market.kinds import DEPTH, KINDS, TRADES  # noqa: E402
from lotwise.market.store import Series, Store  # noqa: E402
from tests.e2e.faces import Capture, answered, in_a_terminal, said  # noqa: E402
from tests.e2e.loopback_venue import (  # noqa: E402
    FIRST_TRADE,
    MINUTE_MS,
    START_MS,
    Item,
    LoopbackVenue,
    Market,
    quote_tape,
)

KILLS = 50 if os.environ.get("LOTWISE_PROFILE") == "proof" else 5
ROOT = Path(__file__).parents[2]
BTC = Series("binance", "BTCUSDT", TRADES)
MS = 10**6
NEVER = threading.Event()
"""Waited for in small parts, so that the venue of these tests, in this process, goes on meanwhile."""


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackVenue]:
    for name in list(os.environ):
        if "proxy" in name.lower():
            monkeypatch.delenv(name)
    running = LoopbackVenue(Market(now_ms=START_MS + 3_000 * MINUTE_MS + 30_500))
    monkeypatch.setenv("LOTWISE_VENUE_URL", running.url)
    monkeypatch.setenv("LOTWISE_STORE", str(tmp_path / "market"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market")


def decimals(store: Store, kind: str, name: str) -> list[Decimal]:
    series = Series("binance", "BTCUSDT", KINDS[kind])
    frame, scale = store.scan(series)
    places = scale.decimals(KINDS[kind].columns[name])
    return [Decimal(number).scaleb(-places) for number in frame.collect()[name]]


def column(store: Store, kind: str, name: str) -> list[int]:
    found: list[int] = store.scan(Series("binance", "BTCUSDT", KINDS[kind]))[0].collect()[name].to_list()
    return found


# -- fetch -----------------------------------------------------------------------------------------


def test_bars_through_ccxt_are_those_of_the_venue(
    venue: LoopbackVenue, store: Store, capsys: Capture
) -> None:
    shown = said(capsys, "data fetch binance:BTCUSDT bars --since 2025-05-04")
    assert "3,000 new bars of 1m from 2025-05-04 00:00:00 to 2025-05-06 01:59:00, 2 pages" in shown
    bars = list(islice(venue.market.bars(START_MS, venue.market.now_ms, MINUTE_MS), 3_000))
    for name, place in {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "turnover": 7}.items():
        assert decimals(store, "bars", name) == [Decimal(row[place]) for row in bars]
    again = answered(capsys, "data fetch binance:BTCUSDT bars --since 2025-05-04")
    assert (again["rows"], again["pages"]) == (0, 0)
    assert "nothing was lacking" in said(capsys, "data fetch binance:BTCUSDT bars")
    assert "nothing odd" in said(capsys, "data check binance:BTCUSDT bars")


def test_other_kinds_through_ccxt_and_what_a_row_does_not_say(
    venue: LoopbackVenue, store: Store, capsys: Capture
) -> None:
    venue.market.payments = {START_MS + n * 480 * MINUTE_MS: f"0.0001{n}" for n in range(7)}
    shown = said(capsys, "data fetch binance:BTCUSDT funding --since 2025-05-04")
    assert "7 new funding" in shown
    assert "stands as 0" in shown
    assert decimals(store, "funding", "rate") == [Decimal(rate) for rate in venue.market.payments.values()]
    told = answered(capsys, "data fetch binance:BTCUSDT trades --since 2025-05-04 --until 2025-05-04T01:00")
    assert (told["rows"], told["pages"]) == (2118, 4)
    assert column(store, "trades", "id") == list(range(FIRST_TRADE, FIRST_TRADE + 2118))
    told = answered(capsys, "data fetch binance:BTCUSDT interest --since 2025-05-05")
    assert told["rows"] == 312
    told = answered(capsys, "data fetch binance:BTCUSDT bars --since 2025-05-05 --interval 1h")
    assert (told["rows"], told["interval"]) == (26, "1h")
    told = answered(capsys, "data fetch bybit:BTCUSDT bars --since 2025-05-05")
    assert (told["rows"], len(told["notes"])) == (1560, 1)


def test_a_number_without_quotes_stays_exact_on_its_way_through_ccxt(
    venue: LoopbackVenue, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = Market.bar

    def unquoted(market: Market, at_ms: int, span_ms: int) -> list[Any]:
        return [*bar(market, at_ms, span_ms)[:5], 1234.56789, *bar(market, at_ms, span_ms)[6:]]

    monkeypatch.setattr(Market, "bar", unquoted)
    wanted = Wanted("binance", "BTCUSDT", "bars", since=moment("2025-05-06T01:00", ""))
    assert fetch(store, wanted).rows == 60
    assert set(decimals(store, "bars", "volume")) == {Decimal("1234.56789")}


def test_faults_of_the_network_are_survived(venue: LoopbackVenue, store: Store) -> None:
    faults = {1: 503, 3: -1, 4: 429, 5: 500}
    venue.fault = lambda path, number: faults.get(number, 0)
    waited: list[float] = []
    wanted = Wanted("binance", "BTCUSDT", "bars", since=moment("2025-05-04", ""))
    told = fetch(store, wanted, pause=waited.append)
    assert venue.served == {"fault 503": 1, "fault -1": 1, "fault 429": 1, "fault 500": 1} | {
        "/fapi/v1/time": 1,
        "/fapi/v1/klines": 2,
    }
    assert (told.rows, waited) == (3000, [1, 1, 2, 4])


def test_a_venue_that_is_not_there_and_a_contract_that_is_none(
    venue: LoopbackVenue, store: Store, capsys: Capture
) -> None:
    assert main(shlex.split("data fetch binance:NOSUCH bars --since 2025-05-04 --json")) == 4
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], "Invalid symbol" in error["message"]) == ("VENUE-403", True)
    venue.fault = lambda path, number: -1
    waited: list[float] = []
    with pytest.raises(VenueError, match=r"VENUE-401.*tried 7 times; no new bars were stored"):
        fetch(
            store, Wanted("binance", "BTCUSDT", "bars", since=moment("2025-05-04", "")), pause=waited.append
        )
    assert waited == [1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("fetch BTCUSDT bars --since 2025-05-04", "DATA-002"),
        ("fetch binance: bars --since 2025-05-04", "DATA-002"),
        ("fetch mexc:BTC_USDT bars --since 2025-05-04", "DATA-401"),
        ("fetch binance:BTCUSDT candles --since 2025-05-04", "DATA-402"),
        ("fetch binance:BTCUSDT bars", "DATA-403"),
        ("fetch binance:BTCUSDT bars --since soon", "DATA-403"),
        ("fetch binance:BTCUSDT bars --since 2025-05-04 --until 2025-05-03", "DATA-404"),
        ("fetch binance:BTCUSDT bars --since 2025-05-04 --interval 2m", "DATA-405"),
        ("fetch binance:BTCUSDT interest --since 2024-05-04", "DATA-407"),
        ("capture binance:BTCUSDT --kinds bars", "DATA-450"),
        ("capture binance:BTCUSDT --kinds ,", "DATA-450"),
        ("capture bybit:BTCUSDT", "DATA-451"),
        ("capture binance:BTCUSDT --minutes 0", "DATA-452"),
    ],
)
def test_silly_input_is_refused_and_nothing_is_written(
    venue: LoopbackVenue, store: Store, capsys: Capture, command: str, code: str
) -> None:
    assert main([*shlex.split(f"data {command}"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], bool(error["hint"])) == (code, True)
    assert not store.root.exists()


def test_a_person_at_a_terminal_sees_it_go_on(venue: LoopbackVenue) -> None:
    entry = "import lotwise.cli.data_fetch"
    lines = " ".join(with_entry(entry, "data fetch binance:BTCUSDT bars --since 2025-05-04"))
    assert "bars up to 2025-05-05 00:59:00" in lines
    assert "1500/3000" in lines
    assert "3,000 new bars of 1m" in lines


def with_entry(entry: str, command: str) -> list[str]:
    """A command in a terminal, with a module loaded before."""
    from tests.e2e import faces

    before = faces.ENTRY
    faces.ENTRY = f"{entry}; {before}"
    try:
        return in_a_terminal(command, 110)
    finally:
        faces.ENTRY = before


FETCHER = """
import sys
from pathlib import Path
from lotwise.app.fetch import Wanted, fetch, moment
from lotwise.app.refresh import connect
from lotwise.market.store import Store
import os
exchange = connect("binance", "", "", os.environ)
exchange.enableRateLimit = False
since, until = moment("2025-05-04", ""), moment(sys.argv[3], "")
wanted = Wanted("binance", "BTCUSDT", sys.argv[2], since=since, until=until)
print(fetch(Store(Path(sys.argv[1])), wanted, exchange=exchange).rows)
"""


TO_FETCH = (
    [("trades", "2025-05-04T12:00", 25_412)]
    if KILLS == 5
    else [("trades", "2025-05-06", 101_648), ("bars", "2025-06-20", 67_680)]
)


@pytest.mark.parametrize(("kind", "until", "count"), TO_FETCH)
def test_killed_at_any_moment_it_loses_nothing_and_asks_no_page_twice(
    venue: LoopbackVenue, store: Store, kind: str, until: str, count: int
) -> None:
    venue.market.now_ms = START_MS + 60 * 1440 * MINUTE_MS
    rng, ended, kills = random.Random(11), False, 0
    command = [sys.executable, "-c", FETCHER, str(store.root), kind, until]
    for _ in range(KILLS):
        before = len(venue.asked)
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        pages = before + rng.randint(2, 10 if KILLS == 5 else 4)
        deadline = time.monotonic() + rng.uniform(0, 0.04)
        while child.poll() is None and (len(venue.asked) < pages or time.monotonic() < deadline):
            NEVER.wait(0.001)
        kills += child.poll() is None
        child.kill()
        ended = child.wait() == 0
        for day in store.days():
            assert len(pl.read_parquet(day.path)) == day.rows
    assert ended or subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert kills >= (3 if KILLS == 5 else 20)
    key = "id" if kind == "trades" else "time_ns"
    found = column(store, kind, key)
    first, step = (FIRST_TRADE, 1) if kind == "trades" else (START_MS * MS, MINUTE_MS * MS)
    assert found == [first + n * step for n in range(count)], "a row is lost or doubled"
    asked = Counter(
        tuple(sorted(given.items())) for path, given in venue.asked if given and given["limit"] != "1"
    )
    assert sum(times - 1 for times in asked.values()) <= kills, "more was asked twice than what was in flight"


# -- capture ---------------------------------------------------------------------------------------


def faulty(symbol: str) -> Iterator[Item]:
    """A market of 400 messages of each kind, with a double, a swap, a gap and a cut line of 30 messages."""
    tape = list(islice(quote_tape(symbol), 1200))
    doubled = tape[300:303]
    swapped = [*tape[600:603][::-1], *tape[603:606]]  # of three kinds: no order is broken yet
    turned = [*tape[609:612], *tape[606:609]]
    yield from chain(tape[:303], doubled, tape[303:600], swapped, turned, tape[612:900])
    yield from tape[906:1000]  # two messages of each kind never come
    yield "drop", 30
    yield from tape[1000:]


def recorded(store: Store, venue: LoopbackVenue, **more: Any) -> Captured:
    """A capture until the tape is at its end."""
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    def enough(standing: Standing) -> bool:
        return venue.played.is_set() and not standing.book_wanted

    return capture(store, Listening("binance", "BTCUSDT"), enough=enough, pause=pause, **more)


def rows_sent(venue: LoopbackVenue, stream: str) -> list[dict[str, Any]]:
    return [message for sent in venue.connections for message in sent.get(stream, [])]


def test_a_double_a_swap_a_gap_and_a_cut_line_are_noticed_and_nothing_heard_is_lost(
    venue: LoopbackVenue, store: Store, capsys: Capture
) -> None:
    venue.tape, venue.pause_s = faulty("BTCUSDT"), 0.002
    told = recorded(store, venue)
    assert venue.served["drop"] == 1
    standing = told.standing
    assert (standing.again, standing.late, standing.odd, standing.reconnects) == (3, 3, 0, 2)
    sent = {name: rows_sent(venue, name) for name in ("aggTrade", "bookTicker", "depth@100ms")}
    assert column(store, "trades", "id") == sorted({message["a"] for message in sent["aggTrade"]})
    assert column(store, "quotes", "id") == sorted({message["u"] for message in sent["bookTicker"]})
    trades = {message["a"]: message for message in sent["aggTrade"]}
    assert decimals(store, "trades", "price") == [Decimal(trades[n]["p"]) for n in sorted(trades)]
    changes = store.scan(Series("binance", "BTCUSDT", DEPTH))[0].filter(~pl.col("snapshot")).collect()
    assert len(changes) == 3 * len({message["u"] for message in sent["depth@100ms"]})
    lost = {"aggTrade": (300, 302), "depth@100ms": (4_000, 4_020)}
    gaps = [(gap.kind, gap.reason, gap.after, gap.before) for gap in standing.gaps]
    assert ("trades", "sequence", *lost["aggTrade"]) in gaps
    assert ("depth", "sequence", *lost["depth@100ms"]) in gaps
    assert ("quotes", "connection") in [gap[:2] for gap in gaps]
    assert len(gaps) == 5  # trades and depth: the gap and the cut; quotes: the cut
    assert [one["after"] for one in logs.gaps_of(store, BTC)] == [gap.after for gap in standing.gaps]
    assert standing.snapshots >= 2, "at the beginning, and after the gap and the cut"
    assert not list(store.root.rglob("*.log"))
    book_is_whole(store)
    listed = answered(capsys, "data list")["series"]
    assert {row["kind"]: row["rows"] for row in listed} == told.rows
    missing = answered(capsys, "data check binance:BTCUSDT trades")["findings"]
    assert [finding["code"] for finding in missing] == ["gap"]


def book_is_whole(store: Store) -> None:
    """From each snapshot on the changes follow each other, but for a gap that a later snapshot mends."""
    frame = store.scan(Series("binance", "BTCUSDT", DEPTH))[0].collect()
    shots = frame.filter("snapshot")["last_id"].unique().sort().to_list()
    changes = (
        frame.filter(~pl.col("snapshot")).select("previous_id", "last_id").unique().sort("last_id").rows()
    )
    broken = [left[1] for left, right in pairwise(changes) if right[0] != left[1]]
    assert len(broken) == 2
    for at in broken:
        assert any(shot > at for shot in shots), f"no snapshot after the gap at {at}"


def test_a_large_log_is_brought_in_while_the_next_is_written(venue: LoopbackVenue, store: Store) -> None:
    venue.tape, venue.pause_s = islice(quote_tape("BTCUSDT"), 3_000), 0.001
    told = recorded(store, venue, log_bytes=20_000)
    assert told.rows["trades"] == 1_000
    assert column(store, "trades", "id") == list(range(1, 1_001))
    assert told.standing.gaps == []


def test_a_contract_that_is_none_and_a_venue_that_is_not_there(venue: LoopbackVenue, store: Store) -> None:
    with pytest.raises(VenueError, match=r"VENUE-405.*Invalid symbol"):
        capture(store, Listening("binance", "NOSUCH"))
    venue.fault = lambda path, number: -1
    with pytest.raises(VenueError, match=r"VENUE-404.*tried 5 times"):
        recorded(store, venue)
    assert not list(store.root.rglob("*.log"))


CAPTURER = """
import json, sys
from pathlib import Path
from lotwise.app.capture import Listening, capture
from lotwise.market.store import Store
def told(standing):
    print(json.dumps([standing.rows, standing.snapshots]), flush=True)
capture(Store(Path(sys.argv[1])), Listening("binance", "BTCUSDT"), told=told, log_bytes=int(sys.argv[2]))
"""


def test_killed_at_any_moment_no_committed_row_is_lost(
    venue: LoopbackVenue, store: Store, capsys: Capture
) -> None:
    rng, promised_ids = random.Random(3), set()
    for _ in range(KILLS):
        size = rng.choice([10**4, 10**5, 10**9])
        command = [sys.executable, "-c", CAPTURER, str(store.root), str(size)]
        before = len(venue.connections)
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        NEVER.wait(rng.uniform(0.2, 2.5))
        child.kill()
        lines += child.communicate()[0].splitlines()
        counts, _ = json.loads([line for line in lines if line.strip().endswith("]")][-1])
        sent = venue.connections[before]
        promised_ids |= {message["a"] for message in sent.get("aggTrade", [])[: counts.get("trades", 0)]}
        said(capsys, "data list")  # readable as the crash left it
        left = answered(capsys, "data capture binance:BTCUSDT --recover")["recovered"]
        assert size < 10**9 or left["trades"] >= counts["trades"]
        held = set(column(store, "trades", "id"))
        assert promised_ids <= held, "a row that was reported as committed is not there"
        quotes = set(column(store, "quotes", "id"))
        heard = [message["u"] for message in sent.get("bookTicker", [])]
        assert set(heard[: counts.get("quotes", 0)]) <= quotes
        changes = set(column(store, "depth", "last_id"))
        heard = [message["u"] for message in sent.get("depth@100ms", [])]
        assert set(heard[: max(0, counts.get("depth", 0) // 3 - 10)]) <= changes
        assert answered(capsys, "data check binance:BTCUSDT depth")["rows"] == len(
            column(store, "depth", "last_id")
        )
        assert not list(store.root.rglob("*.log"))
    assert len(promised_ids) > 20 * KILLS
    every = {message["a"] for message in rows_sent(venue, "aggTrade")}
    assert set(column(store, "trades", "id")) <= every, "there is a row that nobody sent"
    assert "nothing was left" in said(capsys, "data capture binance:BTCUSDT --recover")


def test_ctrl_c_ends_it_with_a_summary(venue: LoopbackVenue, store: Store) -> None:
    entry = "import sys; import lotwise.cli.data_fetch; from lotwise.cli.main import main; sys.exit(main())"
    command = [
        sys.executable,
        "-c",
        entry,
        *shlex.split("data capture binance:BTCUSDT --kinds trades,depth --json"),
    ]
    venue.every = 5
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not any(len(sent.get("aggTrade", [])) > 50 for sent in venue.connections[-1:]):
        assert child.poll() is None
        NEVER.wait(0.01)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    told = json.loads(out)
    assert set(told["rows"]) == {"trades", "depth"}
    assert len(column(store, "trades", "id")) == told["rows"]["trades"] > 50
    assert told["reconnects"] == 0
    assert not list(store.root.rglob("*.log"))


def test_minutes_end_it(venue: LoopbackVenue, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotwise.app.capture.SECONDS_OF_MINUTE", 1)
    venue.every = 5
    told = capture(store, Listening("binance", "BTCUSDT", ("quotes",), minutes=2)) if venue else None
    assert told is not None
    assert 2 <= told.seconds < 30
    assert connect("binance", "", "", os.environ).urls["api"]["fapiPublic"].startswith(venue.url)
