"""``lotwise doctor``: every look in order, not there, and broken; nothing made, no key shown."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import tomllib
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from lotwise.app import doctor
from lotwise.cli.main import main
from lotwise.clock import FixedClock

ROOT = Path(__file__).parents[2]
NOW_NS = 1_795_000_000 * 10**9
"""2026-11-18."""
SECRET = "verysecretvalue0123456789"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("LOTWISE_") and name != "LOTWISE_CACHE_DIR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path


def codes(found: Any) -> list[str]:
    return [one.code for one in found if one.state == "broken"]


class Answering:
    """Something that listens on loopback and answers every path alike."""

    def __init__(self, status: int, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *given: Any) -> None:
                """Nothing on standard error."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_port)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Answering:
        self.thread.start()
        return self

    def __exit__(self, *given: object) -> None:
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that nobody listens at."""
    with Answering(200, b"{}") as one:
        port = one.port
    return port


def test_a_fresh_machine_is_in_order_and_nothing_is_made(
    place: Path, closed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--port", str(closed)]) == 0
    shown = capsys.readouterr().out
    assert "in order" in shown
    assert f"none at port {closed}" in shown
    assert main(["doctor", "--port", str(closed), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["broken"] == 0
    names = {one["name"] for one in told["checks"]}
    assert names >= {"python", "lotwise", "compiled rules", "contract facts", "market data", "journal"}
    assert names >= {"clock", "keys", "exchange"}
    assert main(["doctor", "--port", str(closed), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert list(place.iterdir()) == []


def test_what_is_broken_is_told_with_a_code_and_exit_code_1(
    place: Path, closed: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTWISE_BINANCE_KEY", SECRET)
    monkeypatch.setenv("LOTWISE_JOURNAL", str(place / "journal.sqlite"))
    (place / "journal.sqlite").write_text("this is no database")
    assert main(["doctor", "--port", str(closed), "--json"]) == 1
    text = capsys.readouterr().out
    told = json.loads(text)
    assert sorted(one["code"] for one in told["checks"] if one["code"]) == ["DOCTOR-105", "DOCTOR-108"]
    assert told["broken"] == 2
    assert SECRET not in text
    assert main(["doctor", "--port", str(closed), "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert "LOTWISE_BINANCE_KEY without LOTWISE_BINANCE_SECRET" in shown
    assert SECRET not in shown
    assert (place / "journal.sqlite").read_text() == "this is no database"


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--port", "0"), "DOCTOR-111"), (("--port", "70000"), "DOCTOR-111"), (("--venue", "x"), "DOCTOR-112")],
)
def test_bad_input(words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *words, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code


def test_keys_are_told_by_name_and_halves_are_found() -> None:
    pair = {"LOTWISE_PAPER_KEY": SECRET, "LOTWISE_PAPER_SECRET": SECRET}
    (seen,) = doctor.keys(pair)
    assert (seen.state, seen.says) == ("ok", "in the environment: LOTWISE_PAPER_KEY")
    (seen,) = doctor.keys({})
    assert seen.state == "missing"
    weex = {"LOTWISE_WEEX_KEY": SECRET, "LOTWISE_WEEX_SECRET": SECRET}
    half, none = doctor.keys(weex)
    assert (half.code, none.state) == ("DOCTOR-108", "missing")
    assert "LOTWISE_WEEX_PASSPHRASE" in half.says
    for name in ("LOTWISE_WEEX_PASSPHRASE", "LOTWISE_WEEX_PASSWORD"):  # the second is its former name
        (seen,) = doctor.keys(weex | {name: SECRET})
        assert seen.state == "ok"
    (demo, _) = doctor.keys({"LOTWISE_BYBIT_DEMO_SECRET": SECRET})
    assert demo.says == "LOTWISE_BYBIT_DEMO_SECRET without LOTWISE_BYBIT_DEMO_KEY"


def test_python_and_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(seen.state != "broken" for seen in doctor.packages())
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 0))
    old, _ = doctor.python()
    assert old.code == "DOCTOR-101"
    real = metadata.version

    def version(name: str) -> str:
        if name == "ray":
            raise metadata.PackageNotFoundError(name)
        return {"ccxt": "4.0.1", "numba": "0.9"}.get(name) or real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    found = {seen.name: seen for seen in doctor.packages()}
    assert (found["lotwise[live]"].code, found["lotwise"].code) == ("DOCTOR-102", "DOCTOR-102")
    assert "ccxt is 4.0.1, asked for is ==4.5.90" in found["lotwise[live]"].says
    assert found["lotwise[cluster]"].state == "missing"


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(doctor.PACKAGES) - {"core"} == set(project["optional-dependencies"])
    core = (ROOT / "requirements" / "core.in").read_text(encoding="utf-8").splitlines()
    asked = {"core": core, **project["optional-dependencies"]}
    for extra, names in doctor.PACKAGES.items():
        bounds = doctor._bounds([line for line in asked[extra] if line and not line.startswith("#")])
        for name in names:
            assert bounds[name.lower()][:2] in ("~=", "=="), (extra, name)


def test_the_clock_and_the_age_of_the_facts() -> None:
    (seen,) = doctor.time_of(FixedClock(NOW_NS), "", {})
    assert seen.state == "ok"
    (seen,) = doctor.time_of(FixedClock(10**18), "", {})  # 2001
    assert seen.code == "DOCTOR-107"
    (seen,) = doctor.facts(date(2026, 11, 18))
    assert seen.state == "ok"
    (seen,) = doctor.facts(date(2027, 11, 18))
    assert seen.code == "DOCTOR-110"


@pytest.mark.parametrize(
    ("apart_s", "code"), [(0, ""), (1, ""), (-1, ""), (3, "DOCTOR-107"), (-3, "DOCTOR-107")]
)
def test_the_clock_beside_a_venues(apart_s: int, code: str) -> None:
    pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")
    body = json.dumps({"serverTime": NOW_NS // 10**6 + 1_000 * apart_s}).encode()
    with Answering(200, body) as venue:
        place = {"LOTWISE_VENUE_URL": f"http://127.0.0.1:{venue.port}"}
        (seen,) = doctor.time_of(FixedClock(NOW_NS), "binance", place)
    assert seen.code == code
    assert f"{abs(apart_s)}.000 s from binance's" in seen.says


def test_a_venue_that_is_not_reached_is_not_broken(closed: int) -> None:
    pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")
    place = {"LOTWISE_VENUE_URL": f"http://127.0.0.1:{closed}"}
    (seen,) = doctor.time_of(FixedClock(NOW_NS), "binance", place)
    assert (seen.state, seen.code) == ("missing", "")
    assert "VENUE-502" in seen.says


def test_the_exchange(closed: int) -> None:
    with Answering(200, b"{}") as one:
        (seen,) = doctor.exchange(one.port)
    assert seen.state == "ok"
    for status, body in ((404, b"{}"), (200, b"<html>")):
        with Answering(status, body) as one:
            (seen,) = doctor.exchange(one.port)
        assert seen.code == "DOCTOR-109"
    (seen,) = doctor.exchange(closed)
    assert (seen.state, seen.code) == ("missing", "")


@pytest.mark.skipif(os.name != "posix", reason="modes say nothing here")
def test_what_others_may_read_is_found(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place / "journal.sqlite"
    monkeypatch.setenv("LOTWISE_JOURNAL", str(path))
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (id INTEGER)")
    connection.close()
    path.chmod(0o600)
    (seen,) = doctor.journal()
    assert seen.state == "ok"
    path.chmod(0o640)
    _, open_to_group = doctor.journal()
    assert open_to_group.code == "DOCTOR-106"
    assert open_to_group.hint == f"chmod 600 {path}"
    (place / "state").mkdir(mode=0o700)
    assert list(doctor.alone([place / "state", place / "none"])) == []
    (place / "state").chmod(0o750)
    (seen,) = doctor.alone([place / "state"])
    assert (seen.code, seen.hint) == ("DOCTOR-106", f"chmod 700 {place / 'state'}")
    held = doctor.state_place() / "binance-paper-main"
    held.mkdir(parents=True)
    (place / "exchange").mkdir()
    (place / "exchange" / "exchange.sqlite").touch()
    assert doctor.private_places({"LOTWISE_EXCHANGE": str(place / "exchange")}) == [
        held,
        place / "exchange" / "exchange.sqlite",
    ]


def test_the_journal_of_a_real_session_is_read_and_one_of_a_server_is_not_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlalchemy")
    from lotwise.journal.shelf import Journal

    path = place / "journal.sqlite"
    Journal.at(path).close()
    monkeypatch.setenv("LOTWISE_JOURNAL", str(path))
    (seen,) = doctor.journal()
    assert seen.says == f"0 events in {path}"
    beside = {one.name: one.read_bytes() for one in place.glob("journal*")}
    list(doctor.journal())
    assert {one.name: one.read_bytes() for one in place.glob("journal*")} == beside
    monkeypatch.setenv("LOTWISE_JOURNAL", f"postgresql://me:{SECRET}@host/trades")
    (seen,) = doctor.journal()
    assert SECRET not in seen.says
    assert "postgresql://host/trades" in seen.says


def test_the_store(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("polars")
    (seen,) = doctor.store()
    assert seen.state == "missing"
    monkeypatch.setenv("LOTWISE_STORE", str(place / "market"))
    assert (
        main(["data", "synthetic", "--days", "1", "--contracts", "BTCUSDT", "--kinds", "bars", "--quiet"])
        == 0
    )
    (seen,) = doctor.store()
    assert seen.state == "ok"
    assert seen.says.startswith("1 series, 1 days")
    (file,) = (place / "market").rglob("*.parquet")
    file.write_bytes(b"no parquet")
    (seen,) = doctor.store()
    assert seen.code == "DOCTOR-104"


def test_a_cache_that_cannot_be_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (seen,) = doctor.cache()
    assert seen.state == "ok"
    (place / "file").write_text("")
    monkeypatch.setenv("LOTWISE_CACHE_DIR", str(place / "file" / "cache"))
    (seen,) = doctor.cache()
    assert seen.code == "DOCTOR-103"
