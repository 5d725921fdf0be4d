"""``lotwise scan`` from end to end: tables of 80 and 120 columns, CSV, JSON, live prices over loopback."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lotwise.cli import scan as face
from lotwise.cli.main import main
from lotwise.clock import FixedClock
from lotwise.records.scan import ScanRow
from tests.e2e.faces import ENTRY, Capture, answered, in_a_terminal, said
from tests.e2e.test_cli_refresh import Session, Venue, person, venue
from tests.unit.test_tickers import binance, binance_day, book, premium

FIXTURES = (person, venue)
HEAD = "contract,price,at,spread,volume,open_interest,funding_rate,atr\n"
LINES = (
    "BTC,60000,2026-11-22,0.6,9000000,5000000,0.0001,650\n"
    "ETH,3000,2026-11-22,3,800000,,0.0002,40\n"
    "bybit:SOLUSDT,150,2026-11-21,,,,,\n"
)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' day: the catalogue's dated contracts expire, their tests do not."""
    monkeypatch.setattr(face, "CLOCK", FixedClock(1_795_343_400_000_000_000))


@pytest.fixture
def prices(tmp_path: Path) -> str:
    path = tmp_path / "prices.csv"
    path.write_text(HEAD + LINES, encoding="utf-8")
    return shlex.quote(str(path))


def contracts_of(shown: str) -> list[str]:
    """The contracts of a table, top to bottom."""
    return [line.split()[0] for line in shown.splitlines() if re.match(r" +[a-z-]+:\S+ {2,}", line)]


# -- the table -------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
def test_the_table_fits_the_terminal(columns: int) -> None:
    lines = in_a_terminal("scan --equity 500 --top 12", columns)
    assert max(map(len, lines)) <= min(columns, 100)
    verdict = next(line for line in lines if line.strip())
    assert re.match(r"  ▲ \d+ of \d+ priced contracts fit", verdict)
    header = next(line for line in lines if line.startswith("  contract "))
    assert {"quantity", "waste %"} <= set(re.split(r" {2,}", header.strip()))
    assert ("leverage" in header) == (columns >= 100)
    assert "costs %" in header
    assert len(contracts_of("\n".join(lines))) == 12


def test_the_verdict_comes_first_and_the_day_of_the_prices_is_told(capsys: Capture) -> None:
    shown = said(capsys, "scan --equity 500 --venue binance")
    first = next(line for line in shown.splitlines() if line.strip())
    assert re.match(r"  ▲ \d+ of 16 priced contracts fit   \(\d+ in the catalogue\)$", first)
    assert "! prices of 2025-06-03 (" in shown
    assert re.search(r"\d+ contracts have no price: --prices FILE.csv or --live prices them", shown)
    assert re.search(
        r"All of one: lotwise size binance:\S+ --entry [\d.]+ --stop 2%", " ".join(shown.split())
    )


def test_the_line_to_go_on_with_gives_the_size_of_the_row(capsys: Capture) -> None:
    shown = said(capsys, "scan --equity 500 --short --venue binance --coin SOL")
    row = answered(capsys, "scan --equity 500 --short --venue binance --coin SOL")["rows"][0]
    command = re.search(r"All of one: (lotwise .+?) !", " ".join(shown.split()))
    assert command
    plan = answered(capsys, command[1].removeprefix("lotwise "))
    assert (plan["lots"], plan["loss_at_stop"]) == (row["lots"], row["loss_at_stop"])


def test_prices_from_a_file(capsys: Capture, prices: str) -> None:
    shown = said(capsys, f"scan --equity 500 --venue bybit --coin BTC,ETH,SOL --prices {prices}")
    assert "2026-11-21 (prices.csv); 2026-11-22 (prices.csv)" in " ".join(shown.split())
    assert re.search(r"bybit:SOLUSDT +150.00 +2026-11-21 +1.5 SOL", shown)
    assert re.search(r"bybit:BTCUSDT +60,000.0 +2026-11-22 +0.003 BTC", shown)


def test_a_line_of_the_file_that_names_nothing_is_told(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("contract,price\nBTC,60000\nbinance:BTCUSTD,60000\n", encoding="utf-8")
    shown = said(capsys, f"scan --equity 500 --coin BTC --prices {shlex.quote(str(path))}")
    assert "! no contract here: BINANCE:BTCUSTD, of own.csv" in shown
    flowing = " ".join(shown.split())
    assert re.search(r"prices of \d{4}-\d\d-\d\d \(own.csv, by the file's own day\)", flowing)


def test_venues_side_by_side(capsys: Capture, prices: str) -> None:
    command = f"scan --equity 500 --coin BTC,ETH --venue binance,bybit,mexc --by-coin --prices {prices}"
    shown = said(capsys, command)
    heads = [line.strip() for line in shown.splitlines() if line.strip() in ("BTC", "ETH")]
    assert sorted(heads) == ["BTC", "ETH"]
    rows = answered(capsys, command)["rows"]
    assert heads[0] == rows[0]["base"]
    for base in heads:
        group = shown.partition(f"  {base}\n")[2].partition("\n  ETH\n" if base == "BTC" else "\n  BTC\n")[0]
        best = [row["contract"] for row in rows if row["base"] == base and row["price"]]
        assert contracts_of(group)[: len(best)] == best
    assert len(contracts_of(said(capsys, f"{command} --top 3"))) == 3


def test_what_does_not_fit_says_why(capsys: Capture, prices: str) -> None:
    shown = said(capsys, f"scan --equity 50 --coin BTC --venue binance,cme --prices {prices}", code=3)
    assert "■ 0 of 1 priced contracts fit" in shown
    assert re.search(r"binance:BTCUSDT .+ min notional$", shown, re.MULTILINE)
    assert "All of one" not in shown


def test_everything_shows_what_has_no_price(capsys: Capture) -> None:
    listed = said(capsys, "scan --equity 500 --venue bybit-inverse --all")
    rows = answered(capsys, "scan --equity 500 --venue bybit-inverse")["rows"]
    assert contracts_of(listed) == [row["contract"] for row in rows]
    assert listed.count("no price\n") == sum(row["price"] is None for row in rows) > 0
    assert "no price\n" not in said(capsys, "scan --equity 500 --venue bybit-inverse")


def test_only_what_fits(capsys: Capture) -> None:
    shown = said(capsys, "scan --equity 100 --venue binance --fits --top 100")
    assert "why not" not in shown
    assert len(contracts_of(shown)) == answered(capsys, "scan --equity 100 --venue binance")["fitting"]


def test_the_figures_of_a_screen_are_shown(capsys: Capture, prices: str) -> None:
    command = f"scan --equity 500 --venue bybit --prices {prices}"
    shown = said(capsys, f"{command} --max-spread 1bp --min-volume 1000000 --max-funding 0.03%")
    assert "priced contracts fit and pass the screens" in shown
    assert "spread  volume 24 h  funding %" in shown
    assert re.search(r"bybit:BTCUSDT .+ 0\.6 +9,000,000 +0\.01", shown)
    assert "ETH" not in "".join(contracts_of(shown))
    nothing = said(capsys, f"{command} --min-open-interest 9000000000", code=3)
    assert "■ 0 of" in nothing
    assert "5,000,000" in said(capsys, f"{command} --min-open-interest 1 --top 1")


def test_sorting(capsys: Capture, prices: str) -> None:
    rows = answered(capsys, f"scan --equity 500 --venue bybit --sort volume --prices {prices}")["rows"]
    assert [row["base"] for row in rows[:2]] == ["BTC", "BTC"]
    assert "volume 24 h" in said(capsys, f"scan --equity 500 --sort volume --prices {prices}")


def test_an_atr_stop(capsys: Capture, prices: str) -> None:
    shown = said(capsys, f"scan --equity 500 --stop 1.5atr --venue binance --prices {prices}")
    assert "stop 1.5atr" in shown
    assert re.search(r"▲ 2 of 2 priced contracts fit", shown)  # the others have no price in the file
    assert "All of one" not in shown


def test_costs_and_caps_arrive(capsys: Capture, prices: str) -> None:
    command = f"scan --equity 500 --venue bybit --coin BTC --prices {prices}"
    plain = answered(capsys, command)["rows"][0]
    for option in ("--slippage 10bp", "--hold-hours 240", "--entry-as maker", "--risk 10"):
        assert answered(capsys, f"{command} {option}")["rows"][0] != plain
    far = answered(capsys, f"{command} --liq-multiple 60 --equity 500".replace("--equity 500 ", "", 1))
    assert far["rows"][0]["leverage"] == "1"
    tight = answered(capsys, f"{command} --max-margin 10% --max-leverage 1", code=3)
    assert tight["rows"][0]["reason"] == "max_leverage"


def test_the_rules_of_a_day(capsys: Capture) -> None:
    old = answered(capsys, "scan --equity 500 --venue binance --coin BTC --as-of 2025-09-01", code=3)
    assert [(row["contract"], row["reason"]) for row in old["rows"]] == [("binance:BTCUSDT", "no_fees")]
    assert old["rows"][0]["as_of"] <= "2025-09-01"


# -- for programs ----------------------------------------------------------------------------------


def test_json_is_the_whole_answer(capsys: Capture) -> None:
    answer = answered(capsys, "scan --equity 500 --venue binance,bybit --top 1")
    assert len(answer["rows"]) == answer["contracts"] > 1_400
    assert list(answer["rows"][0]) == list(ScanRow.__struct_fields__)
    assert answer["notes"][0].startswith("prices of ")


def test_csv_is_the_rows(capsys: Capture) -> None:
    lines = list(csv.DictReader(io.StringIO(said(capsys, "scan --equity 500 --venue binance --csv"))))
    rows = answered(capsys, "scan --equity 500 --venue binance")["rows"]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        told = {name: "" if value is None else str(value) for name, value in row.items()}
        assert line == told | {"fits": str(row["fits"]).lower()}


def test_quiet_is_one_line_for_each_contract_that_fits(capsys: Capture, prices: str) -> None:
    command = f"scan --equity 500 --venue binance --coin BTC,ETH --prices {prices} --quiet"
    assert sorted(said(capsys, command).splitlines()) == ["binance:BTCUSDT 0.003", "binance:ETHUSDT 0.075"]
    assert said(capsys, command.replace("500", "5"), code=3) == "none\n"


@pytest.mark.parametrize("form", ["", "--csv", "--json", "--quiet"])
def test_a_reader_that_has_enough_is_no_error(form: str) -> None:
    command = f"scan --equity 500 --all {form}"
    with subprocess.Popen(
        [sys.executable, "-c", ENTRY, *shlex.split(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_compiling_is_left_alone() -> None:
    """One scan as plain Python is over before a compiler is loaded; nor is ccxt."""
    code = "import sys; from lotwise.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "scan", "--equity", "500", "--quiet"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert not loaded & {"numba", "numpy", "ccxt"}


# -- live ------------------------------------------------------------------------------------------


def routes(price: str) -> dict[str, Any]:
    """What the loopback venue answers as Binance."""
    days = [binance_day(lastPrice=price), binance_day("ETHUSDT", lastPrice="3000.00")]
    return binance(days, [book(bid="59999.90", ask="60000.10")], [premium()])


def test_live_prices_of_a_venue(person: Session, venue: Venue) -> None:
    venue.routes = routes("60000.00")
    answer = json.loads(person.said("scan --equity 500 --venue binance --live --fits --json"))
    rows = {row["contract"]: row for row in answer["rows"]}
    found = rows["binance:BTCUSDT"]
    assert (found["price"], found["spread"], found["volume"]) == ("60000.0", "0.2", "1200030000.12345678")
    assert found["price_source"] == "binance, live"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", found["price_at"])
    assert rows["binance:ETHUSDT"]["spread"] is None
    assert venue.asked == ["/fapi/v1/ticker/24hr", "/fapi/v1/ticker/bookTicker", "/fapi/v1/premiumIndex"]
    shown = person.said("scan --equity 500 --venue binance --live --max-spread 1bp")
    assert re.search(r"prices of \d{4}-\d\d-\d\d \d\d:\d\d UTC \(binance, live\)", shown)


def test_a_venue_that_cannot_be_reached_ends_with_4(person: Session, venue: Venue) -> None:
    venue.stop()
    done = person.run("scan --equity 500 --venue binance --live")
    assert (done.returncode, done.stdout) == (4, "")
    assert re.fullmatch(r"error\[VENUE-502\]: binance cannot be reached: .+\nhint: .+\n", done.stderr)
    venue.server.server_close = lambda: None  # type: ignore[method-assign]  # stopped already


def test_a_venue_that_fails_is_said_beside_the_others(person: Session, venue: Venue) -> None:
    venue.routes = routes("60000.00")
    shown = person.said("scan --equity 500 --venue binance,mexc --live")
    assert "mexc has no live prices here" in " ".join(shown.split())


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("scan", "USAGE-001"),
        ("scan --equity 500 --sort luck", "USAGE-001"),
        ("scan --equity 500 --colour", "USAGE-001"),
        ("scan --equity 500 --prices a.csv --live", "USAGE-002"),
        ("scan --equity 500 --fits --all", "USAGE-002"),
        ("scan --equity 500 --csv --json", "USAGE-002"),
        ("scan --equity 500 --top 0", "USAGE-007"),
        ("scan --equity 500 --top 10001", "USAGE-007"),
        ("scan --equity 500 --short --side long", "USAGE-008"),
        ("scan --equity 500 --venue kraken", "CONTRACT-201"),
        ("scan --equity 500 --venue ''", "CONTRACT-201"),
        ("scan --equity 500 --coin NOSUCHCOIN", "SCAN-013"),
        ("scan --equity 500 --prices no-such-file.csv", "SCAN-001"),
        ("scan --equity 500 --prices .", "SCAN-001"),
        ("scan --equity 500 --live --venue cme", "SCAN-020"),
        ("scan --equity 500 --stop 60000", "SCAN-011"),
        ("scan --equity 500 --slippage 20%", "SCAN-012"),
        ("scan --equity 0", "SIZE-010"),
        ("scan --equity 500 --risk 101%", "SIZE-009"),
        ("scan --equity 500 --hold-hours -1", "SIZE-014"),
        ("scan --equity 500 --max-leverage 0", "SIZE-011"),
        ("scan --equity 500 --max-margin 101%", "SIZE-019"),
        ("scan --equity 500 --min-volume many", "UNIT-102"),
        ("scan --equity 500 --as-of yesterday", "CONTRACT-205"),
    ],
)
def test_a_mistake_is_coded_and_ends_with_2(capsys: Capture, command: str, code: str) -> None:
    assert main([*shlex.split(command)]) == 2
    shown = capsys.readouterr()
    if "--json" in command:
        assert json.loads(shown.out)["error"]["code"] == code
        return
    assert shown.out == ""
    assert re.match(rf"error\[{code}\]: .+\nhint: .+\n\Z", shown.err)


def test_help_names_every_option(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = said(capsys, "scan --help")
    options = (
        *("equity", "risk", "stop", "side", "short", "venue", "coin", "sector", "prices", "live", "spread"),
        *(
            "slippage",
            "entry-as",
            "hold-hours",
            "max-spread",
            "min-volume",
            "min-open-interest",
            "max-funding",
        ),
        *(
            "max-leverage",
            "liq-multiple",
            "max-margin",
            "fits",
            "all",
            "sort",
            "by-coin",
            "top",
            "as-of",
            "csv",
        ),
        *("json", "plain", "quiet"),
    )
    assert all(f"--{name} " in shown for name in options)
