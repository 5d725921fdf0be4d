"""``lotwise contracts refresh`` as a process of its own, with real ccxt, against a venue on loopback."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lotwise.contracts.facts_file import FILES, PACKAGED, FactRow, note_of, read_facts
from tests.unit import test_refresh_wire as wire

SCRIPT = shutil.which("lotwise", path=str(Path(sys.executable).parent))
ENTRY = "import sys; from lotwise.cli.main import main; sys.exit(main())"
LOTWISE = [SCRIPT] if SCRIPT else [sys.executable, "-c", ENTRY]
KEYS = {"LOTWISE_BINANCE_KEY": "key-of-a-test", "LOTWISE_BINANCE_SECRET": "secret-of-a-test"}


class Venue:
    """A venue on loopback that answers what it is told to, and notes what it was asked."""

    def __init__(self) -> None:
        self.routes: dict[str, wire.Route] = {}
        self.asked: list[str] = []
        venue = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answering = wire.Wire(venue.routes)
                answer = answering.request("GET", self.path)
                venue.asked += answering.asked
                body = answer.text.encode()
                self.send_response(answer.status_code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *given: object) -> None:
                """Nothing on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def venue() -> Iterator[Venue]:
    running = Venue()
    yield running
    running.stop()


class Session:
    """The environment of one person: their facts folder, and the venue they reach."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.environment = {
            **{name: text for name, text in os.environ.items() if "proxy" not in name.lower()},
            "COLUMNS": "100",
            "PYTHONIOENCODING": "utf-8",
            "LOTWISE_FACTS": str(folder),
            "LOTWISE_VENUE_URL": url,
        }

    def run(self, command: str, given: str | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
        """The console script in a process of its own; ``given`` is typed."""
        keys = more.pop("keys", {})
        return subprocess.run(
            [*LOTWISE, *shlex.split(command)],
            input=given or "",
            stdout=subprocess.PIPE,
            stderr=more.pop("stderr", subprocess.PIPE),
            encoding="utf-8",
            env=self.environment | keys,
            timeout=120,
            check=False,
        )

    def said(self, command: str, given: str | None = None, **more: Any) -> str:
        """What a command prints that succeeds and complains of nothing."""
        done = self.run(command, given, **more)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture
def person(tmp_path: Path, venue: Venue) -> Session:
    return Session(tmp_path / "facts", venue.url)


# -- Binance: the packaged contracts in the venue's form, with three changes -----------------------


def packaged(venue: str) -> list[FactRow]:
    """The rows of the newest packaged snapshot."""
    path = Path(PACKAGED) / f"{FILES[venue]}.tsv"
    head, rows = read_facts(path)
    return [row for row in rows if row["as_of"] == note_of(head, "current")]


def binance_entry(row: FactRow) -> dict[str, Any]:
    """A packaged row as exchangeInfo would say it."""
    lot = {"stepSize": row["lot_size"], "minQty": row["lot_size"], "maxQty": "100000000"}
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": row["tick_size"]},
        {"filterType": "LOT_SIZE", **lot},
        {"filterType": "MARKET_LOT_SIZE", **lot},
        {"filterType": "MIN_NOTIONAL", "notional": row["min_notional"]},
    ]
    return wire.binance_market(row["symbol"], baseAsset=row["base"], filters=filters)


def binance_bracket(row: FactRow) -> dict[str, Any]:
    """A packaged tier as leverageBracket would say it: JSON numbers."""
    return {
        "bracket": int(row["tier"]),
        "initialLeverage": int(row["max_leverage"]),
        "notionalFloor": float(row["notional_floor"]),
        "notionalCap": float(row["notional_cap"]),
        "maintMarginRatio": float(row["maintenance_rate"]),
        "cum": float(row["cumulative"]),
    }


def binance_answers() -> dict[str, wire.Route]:
    """Today's contracts without ETHUSDT, with NEWUSDT, and BTCUSDT with another tick."""
    rows = packaged("binance")
    markets = [binance_entry(row) for row in rows if row["symbol"] != "ETHUSDT"]
    bitcoin = next(market for market in markets if market["symbol"] == "BTCUSDT")
    bitcoin["filters"][0]["tickSize"] = "0.01"
    tables: dict[str, list[dict[str, Any]]] = {"NEWUSDT": wire.BTC_BRACKETS}
    for row in read_facts(Path(PACKAGED) / "binance-linear-tiers.tsv")[1]:
        tables.setdefault(row["symbol"], []).append(binance_bracket(row))
    tables["BTCUSDT"][0]["initialLeverage"] = 125
    given = [{"symbol": symbol, "brackets": table} for symbol, table in tables.items()]
    return wire.binance_routes([*markets, wire.binance_market("NEWUSDT")], given)


def test_binance_from_question_to_use(person: Session, venue: Venue) -> None:
    venue.routes = binance_answers()
    count = len(packaged("binance"))
    said = person.said("contracts refresh --venue binance --top 10000", "y\n", keys=KEYS)
    assert f"contracts    {count}" in said
    for line in ("added          1  NEWUSDT", "removed        1  ETHUSDT", "Keep these facts? [y/N]"):
        assert line in said
    changes = [line.split() for line in said.splitlines()]
    assert ["BTCUSDT", "tick_size", "0.1", "0.01"] in changes
    assert ["BTCUSDT", "tier", "1", "max_leverage", "150", "125"] in changes
    assert said.index("the same") < said.rindex("tick_size") < said.index("Keep these facts?")
    assert sorted(path.name for path in person.folder.iterdir()) == [
        "binance-linear-tiers.tsv",
        "binance-linear.tsv",
    ]
    facts = json.loads(person.said("contracts binance:BTCUSDT --json"))
    assert (facts["tick_size"], facts["max_leverage"], len(facts["tiers"])) == ("0.01", "125", 12)
    assert person.run("contracts binance:ETHUSDT").returncode == 2
    assert "signature" not in said
    assert [path for path in venue.asked if "fapi" not in path] == []


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "nonsense\n"], ids=["no", "return", "closed", "other"])
def test_anything_but_yes_writes_nothing(person: Session, venue: Venue, answer: str) -> None:
    venue.routes = wire.weex_routes(weex_markets())
    assert "nothing was written" in person.said("contracts refresh --venue weex", answer)
    assert not person.folder.exists()


def test_a_dry_run_asks_nothing_and_writes_nothing(person: Session, venue: Venue) -> None:
    venue.routes = wire.weex_routes(weex_markets())
    said = person.said("contracts refresh --venue weex --dry-run", "y\n")
    assert "Keep these facts" not in said
    assert not person.folder.exists()


def test_an_untrusted_answer_writes_nothing_and_exits_4(person: Session, venue: Venue) -> None:
    venue.routes = wire.binance_routes([wire.binance_market()])
    done = person.run("contracts refresh --venue binance --yes")
    assert (done.returncode, done.stdout) == (4, "")
    assert "error[CONTRACT-402]" in done.stderr
    done = person.run("contracts refresh --venue binance --yes --json")
    assert json.loads(done.stdout)["error"]["code"] == "CONTRACT-402"
    assert not person.folder.exists()


def test_a_venue_that_is_not_there_is_a_network_error(person: Session) -> None:
    person.environment["LOTWISE_VENUE_URL"] = "http://127.0.0.1:9"
    done = person.run("contracts refresh --venue mexc --yes")
    assert done.returncode == 4
    assert "error[VENUE-502]" in done.stderr


# -- MEXC and WEEX ---------------------------------------------------------------------------------


def markets_of(name: str, make: Any, more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many contracts as are packaged, so that no half is missing, and some of our own."""
    path = Path(PACKAGED) / f"{FILES[name]}.tsv"
    named = {market["symbol"] for market in more}
    rows = packaged(name) if path.is_file() else []
    return [*more, *(make(row["symbol"]) for row in rows if row["symbol"] not in named)]


def weex_markets() -> list[dict[str, Any]]:
    return markets_of("weex", wire.weex_market, [wire.weex_market()])


def test_mexc_as_json(person: Session, venue: Venue) -> None:
    levelled = wire.mexc_market("ZED_USDT", **wire.LEVELS, maxLeverage=400)
    venue.routes = wire.mexc_routes(
        markets_of("mexc", wire.mexc_market, [wire.mexc_market("YOU_USDT"), levelled])
    )
    shown = json.loads(person.said("contracts refresh --venue mexc --json"))
    assert shown["written"] == []
    assert not person.folder.exists()
    answer = json.loads(person.said("contracts refresh --venue mexc --json --yes"))
    assert answer["written"] == [str(person.folder / "mexc-tiers.tsv"), str(person.folder / "mexc.tsv")]
    assert {"YOU_USDT", "ZED_USDT"} <= set(answer["added"])
    assert answer["counts"] == shown["counts"]
    facts = json.loads(person.said("contracts mexc:YOU_USDT --json"))
    assert (facts["contract_size"], facts["tiers"][0]["notional_cap"]) == ("0.01", None)
    assert json.loads(person.said("contracts mexc:ZED_USDT --json"))["tiers"] == []


def test_a_search_is_still_a_search(person: Session) -> None:
    assert "binance:BTCUSDT" in person.said("contracts BTC --top 3 --quiet")
    done = person.run("contracts refreshment")
    assert (done.returncode, "CONTRACT-202" in done.stderr) == (2, True)
    assert "refresh" in person.said("contracts --help")
    assert person.run("contracts refresh").returncode == 2
    assert person.run("contracts refresh --venue nowhere").returncode == 2


def test_a_bar_is_drawn_where_a_person_looks(person: Session, venue: Venue) -> None:
    venue.routes = wire.mexc_routes(markets_of("mexc", wire.mexc_market, [wire.mexc_market()]))
    person.environment["TERM"] = "xterm"
    ours, theirs = pty.openpty()
    done = person.run("contracts refresh --venue mexc --dry-run", stderr=theirs)
    os.close(theirs)
    drawn = os.read(ours, 65536).decode(errors="replace")
    os.close(ours)
    assert done.returncode == 0
    assert "answers of mexc" in drawn or "asking" in drawn
