"""The commands from end to end: what they print, in which width and encoding, with which exit code.

A few run the installed console script in a process of its own; the others call its entry point.
"""

from __future__ import annotations

import inspect
import json
import os
import pty
import random
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

import lotwise
from lotwise.cli import contracts as contracts_face
from lotwise.cli import demo as demo_face
from lotwise.cli import liq as liq_face
from lotwise.cli import mix as mix_face
from lotwise.cli import preview as preview_face
from lotwise.cli import scan as scan_face
from lotwise.cli import size as size_face
from lotwise.cli import venues as venues_face
from lotwise.cli.main import main
from lotwise.contracts import catalogue
from lotwise.units import shown_up
from tests.e2e.faces import ENTRY, Capture, answered, said

SCRIPT = shutil.which("lotwise", path=str(Path(sys.executable).parent))
LOTWISE = [SCRIPT] if SCRIPT else [sys.executable, "-c", ENTRY]

FITS = "size BTCUSDT --entry 65000 --stop 2% --equity 1000"
REFUSED = "size BTCUSDT --entry 60000 --stop 2% --equity 200"
HELD = "liq BTCUSDT --quantity 13.5 --entry 60000 --wallet 81000"
ESCAPE = "\x1b"


def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The console script in a process of its own."""
    return subprocess.run(
        [*LOTWISE, *shlex.split(command)],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"COLUMNS": "100", "PYTHONIOENCODING": "utf-8"} | environment,
        timeout=60,
        check=False,
    )


# -- the console script ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (FITS, 0, "▲ BUY 0.007 BTC"),
        (REFUSED, 3, "■ NO TRADE"),
        (HELD, 0, "▲ liquidated at 54,249.1"),
        ("contracts binance:BTCUSDT", 0, "one lot moves by 0.0001 USDT"),
        ("--version", 0, lotwise.__version__),
    ],
)
def test_the_script_answers_on_standard_output(command: str, code: int, words: str) -> None:
    done = run(command)
    assert done.returncode == code
    assert words in done.stdout
    assert done.stderr == ""


def test_the_script_explains_a_mistake_on_standard_error() -> None:
    done = run("size BTCUSTD --entry 65000 --stop 2% --equity 1000")
    assert done.returncode == 2
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith("error[CONTRACT-202]: no contract BTCUSTD")
    assert second.startswith("hint: nearest: binance:BTCUSDT")


def test_the_script_says_json_as_json() -> None:
    assert json.loads(run(f"{FITS} --json").stdout)["lots"] == 7
    wrong = run("size BTCUSTD --entry 65000 --stop 2% --equity 1000 --json")
    assert (wrong.returncode, wrong.stderr) == (2, "")
    assert json.loads(wrong.stdout)["error"]["code"] == "CONTRACT-202"


@pytest.mark.parametrize("command", [FITS, "contracts BTC", f"{FITS} --json"])
def test_a_stream_that_knows_only_ascii_gets_question_marks(command: str) -> None:
    done = run(command, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "0.007" in done.stdout or "binance:BTCUSDT" in done.stdout


def test_an_error_on_a_stream_that_knows_only_ascii() -> None:
    done = run("size ВТС --entry 1 --stop 2% --equity 5", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert done.stderr.startswith("error[CONTRACT-204]: ")


# -- readers that go away, disks that are full -----------------------------------------------------


@pytest.mark.parametrize(
    ("command", "said", "hint"),
    [
        ("size", "lotwise size needs SYMBOL, --entry, --equity", "lotwise size --help"),
        ("size BTCUSDT --equity=500", "lotwise size needs --entry", "lotwise size --help"),
        ("size BTCUSDT --equity 500 --entry", "--entry needs a value", "lotwise size --help"),
        ("journal add", "lotwise journal add needs CONTRACT", "lotwise journal add --help"),
        (
            "exchange account add",
            "lotwise exchange account add needs NAME",
            "lotwise exchange account add --help",
        ),
        (
            "size BTCUSDT long far --equity 500 --entry=65000",
            "lotwise size does not know what 'long', 'far' is for",
            "lotwise size --help",
        ),
        ("nosuch", 'Unknown command "nosuch"', "lotwise --help"),
    ],
)
def test_all_that_is_missing_is_said_at_once(
    command: str, said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(command)) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.partition(". ")[0].startswith(f"error[USAGE-001]: {said}")
    assert first.count("--entry") == said.count("--entry"), "and nothing that was given"
    assert second == f"hint: {hint}"


def run_into(command: str, descriptor: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LOTWISE, *shlex.split(command)],
        stdout=descriptor,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("contracts", 0),
        ("contracts --json", 0),
        (f"{FITS} --quiet", 0),
        ("size --help", 0),
        ("size NOSUCH --entry 1 --stop 2% --equity 5 --json", 2),
    ],
)
def test_a_reader_that_has_enough_causes_no_traceback(command: str, code: int) -> None:
    """``lotwise contracts | head -1``: here the reader is gone before the first line."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run_into(command, writer)
    finally:
        os.close(writer)
    assert done.stderr == ""
    assert done.returncode == code


def test_head_gets_its_line() -> None:
    script = f"{shlex.join(LOTWISE)} contracts --quiet --top 500 | head -1"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.stdout == f"{catalogue.search('')[0]}\n"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("command", [FITS, f"{FITS} --json", f"{FITS} --quiet", "contracts --json"])
def test_a_full_disk_is_said(command: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = run_into(command, full.fileno())
    assert done.returncode == 1
    assert done.stderr.startswith("error[IO-001]: the answer could not be written: ")
    assert "Traceback" not in done.stderr


def test_a_closed_output_causes_no_traceback() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(LOTWISE)} {FITS} >&-"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr


# -- colour ----------------------------------------------------------------------------------------


def on_a_terminal(command: str, **environment: str) -> str:
    """What the script writes to a terminal."""
    reader, writer = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [*LOTWISE, *shlex.split(command)],
        stdout=writer,
        stderr=writer,
        env=known | {"TERM": "xterm-256color", "COLUMNS": "100"} | environment,
    )
    os.close(writer)
    written = b""
    while True:
        try:
            part = os.read(reader, 65_536)
        except OSError:  # Linux says so when the last writer has closed the terminal
            break
        if not part:
            break
        written += part
    os.close(reader)
    assert process.wait(60) in (0, 3)
    return written.decode("utf-8")


def test_a_terminal_gets_colour() -> None:
    assert ESCAPE in on_a_terminal(REFUSED)


@pytest.mark.parametrize("words", [f"{REFUSED} --plain", f"{HELD} --plain", "contracts BTC --plain"])
def test_plain_on_a_terminal_has_no_escape_codes(words: str) -> None:
    assert ESCAPE not in on_a_terminal(words)


def test_no_color_on_a_terminal_has_no_escape_codes() -> None:
    assert ESCAPE not in on_a_terminal(REFUSED, NO_COLOR="1")


def test_a_pipe_gets_no_escape_codes(capsys: Capture) -> None:
    for command, code in ((FITS, 0), (REFUSED, 3), (HELD, 0), ("contracts BTC", 0)):
        assert ESCAPE not in said(capsys, command, code)


# -- width -----------------------------------------------------------------------------------------

WIDE: list[tuple[str, int]] = [
    (FITS, 0),
    (f"{FITS} --leverage 3 --slippage 5t --target 1R:50%,2R:50% --explain", 0),
    (f"{FITS} --margin cross --other ETHUSDT,short,0.5,3000", 0),
    (
        "size BTCUSDT --entry 65000:30%,64500:40%,64000:30% --stop 63000 --equity 100000 --explain"
        " --spread 5t --funding-rate 0.01% --hold-hours 24 --funding-interval 8",
        0,
    ),
    ("size DOGEUSDT --short --entry 0.21000 --stop 3% --equity 500 --leverage 5 --explain", 0),
    ("size 1000SHIBUSDT --entry 0.012345 --stop 3% --equity 5000000000 --risk 0.1% --explain", 0),
    ("size bybit:BTCUSDT --entry 60000 --stop 2% --equity 200 --leverage 3 --explain", 0),
    (f"{FITS} --stop-pct 2".replace(" --stop 2%", ""), 0),
    (f"{FITS} --stop liquidation --leverage 20 --risk 10%".replace(" --stop 2%", ""), 0),
    (REFUSED, 3),
    (f"{REFUSED} --explain", 3),
    (f"{FITS} --leverage 50", 3),
    (f"{FITS} --max-margin 1% --leverage 1", 3),
    (f"{FITS} --max-leverage 1 --free-margin 50", 3),
    (HELD, 0),
    (f"{HELD} --mark 50000", 0),
    (
        "liq BTCUSDT --quantity 0.02 --entry 60000 --margin cross --wallet 1000 --other ETHUSDT,short,1,3000",
        0,
    ),
    ("liq bybit:BTCUSDT --qty 1 --entry 60000 --leverage 10 --tier 0:50000000:100:0.005:0", 0),
    ("contracts binance:BTCUSDT", 0),
    ("contracts bybit:BTCUSDT", 0),
    ("contracts BTC", 0),
]


@pytest.mark.parametrize("columns", [100, 80])
@pytest.mark.parametrize(("command", "code"), WIDE, ids=[command for command, _ in WIDE])
def test_no_line_is_wider_than_the_terminal(
    command: str, code: int, columns: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    wide = [line for line in said(capsys, command, code).splitlines() if len(line) > columns]
    assert wide == []


def test_no_line_has_blanks_at_its_end(capsys: Capture) -> None:
    for command, code in WIDE:
        lines = said(capsys, command, code).splitlines()
        assert [line for line in lines if line != line.rstrip()] == []


# -- size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["", "--leverage 3", "--target 1R:50%,2R:50% --slippage 5t", "--explain"])
def test_size_as_json_is_the_librarys_answer(words: str, capsys: Capture) -> None:
    options = dict(zip(words.split()[::2], words.split()[1::2], strict=False))
    plan = lotwise.size(
        "binance:BTCUSDT",
        side="long",
        entry="65000",
        stop="2%",
        equity="1000",
        risk="1%",
        leverage=options.get("--leverage"),
        slippage=options.get("--slippage", "0"),
        targets=options.get("--target", "").split(",") if "--target" in options else (),
    )
    assert said(capsys, f"{FITS} {words} --json") == plan.to_json() + "\n"


def test_a_refusal_as_json_is_the_librarys_answer(capsys: Capture) -> None:
    asked = {"side": "long", "entry": "60000", "stop": "2%", "equity": "200", "risk": "1%"}
    plan = lotwise.size("binance:BTCUSDT", **asked)  # type: ignore[arg-type]
    assert said(capsys, f"{REFUSED} --json", 3) == plan.to_json() + "\n"


@pytest.mark.parametrize(
    "stop",
    [
        *("--stop 63700", "--stop 63700.0", "--stop 2%", "--stop '2 %'", "--stop 200bp"),
        *("--stop 2atr --atr 650", "--stop 2ATR --atr 650.0", "--stop atr --atr 1300"),
        *("--stop-pct 2", "--stop-pct 2%", "--stop-pct 2.0", "--stop=2%"),
    ],
)
def test_one_stop_in_every_form(stop: str, capsys: Capture) -> None:
    answer = answered(capsys, f"size BTCUSDT --entry 65000 --equity 1000 {stop}")
    assert (answer["stop"], answer["lots"], answer["loss_at_stop"]) == ("63700.0", 7, "9.55045")


def test_a_stop_at_liquidation(capsys: Capture) -> None:
    words = "size BTCUSDT --entry 65000 --equity 1000 --risk 10% --leverage 20 --stop"
    for word in ("liquidation", "liq", "LIQ"):
        answer = answered(capsys, f"{words} {word}")
        assert answer["stop"] == answer["liquidation_price"]
        assert Decimal(answer["loss_at_stop"]) <= 100
        assert answer["stop_distance"] == "liquidation"


@pytest.mark.parametrize(
    "words",
    [
        *("size BTCUSDT", "size btcusdt", "size BTC/USDT", "size BTC-USDT", "size binance:BTCUSDT"),
        *("size BTCUSDT --venue binance", "size BINANCE:btc/usdt"),
    ],
)
def test_one_contract_by_every_name(words: str, capsys: Capture) -> None:
    answer = answered(capsys, f"{words} --entry 65000 --stop 2% --equity 1000")
    assert answer["contract"] == "binance:BTCUSDT"


def test_sides(capsys: Capture) -> None:
    for words in ("--short", "--side short", "--side sell", "--short --side sell"):
        assert answered(capsys, f"{FITS} {words}")["side"] == "short"
    for words in ("", "--side long", "--side buy"):
        assert answered(capsys, f"{FITS} {words}")["side"] == "long"
    assert "▼ SELL 0.007 BTC" in said(capsys, f"{FITS} --short")


def test_a_ladder_shows_its_legs(capsys: Capture) -> None:
    words = "size BTCUSDT --entry 65000:30%,64500:40%,64000:30% --stop 62000 --equity 9000"
    answer = answered(capsys, words)
    assert [leg["price"] for leg in answer["entries"]] == ["65000.0", "64500.0", "64000.0"]
    assert sum(leg["lots"] for leg in answer["entries"]) == answer["lots"]
    shown = said(capsys, words)
    for number, leg in enumerate(answer["entries"], 1):
        assert re.search(rf"leg {number} +{float(leg['price']):,.1f} +{leg['quantity']} BTC", shown)


def test_targets_together_or_one_by_one(capsys: Capture) -> None:
    together = answered(capsys, f"{FITS} --target 1R:50%,2R:50%")["targets"]
    assert [(one["price"], one["lots"]) for one in together] == [("66300.0", 3), ("67600.0", 4)]
    assert answered(capsys, f"{FITS} --target 1R:50% --tp 2R:50%")["targets"] == together
    assert answered(capsys, f"{FITS} --tp 66300:50%,4%:50%")["targets"] == together
    assert re.search(r"target 1 +66,300\.0 +\+3\.703 = 0\.38", said(capsys, f"{FITS} --tp 1R:50%,2R:50%"))


def test_quiet_is_the_quantity_alone(capsys: Capture) -> None:
    assert said(capsys, f"{FITS} --quiet") == "0.007\n"
    assert said(capsys, f"{REFUSED} --quiet", 3) == "0\n"


def test_explain_prints_every_step(capsys: Capture) -> None:
    for command, code in ((FITS, 0), (REFUSED, 3)):
        steps = answered(capsys, command, code)["steps"]
        shown = said(capsys, f"{command} --explain", code)
        assert "\n  why\n" in shown
        assert "\n  why\n" not in said(capsys, command, code)
        flowing = " ".join(shown.split())
        for number, step in enumerate(steps, 1):
            assert f"{number}. {step}" in flowing


def test_a_refusal_prints_its_rule_and_every_way_out(capsys: Capture) -> None:
    answer = answered(capsys, REFUSED, 3)
    shown = said(capsys, REFUSED, 3)
    flowing = " ".join(shown.split())
    assert "SIZE-111 min notional" in flowing
    assert answer["blocked_by"]["text"] in flowing
    kinds = [way["kind"] for way in answer["ways_out"]]
    assert kinds == ["stop", "equity", "risk", "contract", "contract", "contract", "contract"]
    for way in answer["ways_out"]:
        assert way["text"] in flowing


@pytest.mark.parametrize("kind", ["stop", "equity", "risk", "contract"])
def test_a_way_out_can_be_typed_in(kind: str, capsys: Capture) -> None:
    ways = {way["kind"]: way["value"] for way in answered(capsys, REFUSED, 3)["ways_out"]}
    words = {"stop": "2%", "equity": "200", "risk": "1%", "contract": "BTCUSDT"} | {kind: ways[kind]}
    command = f"size {words.pop('contract')} --entry 60000 " + " ".join(
        f"--{name} {value}" for name, value in words.items()
    )
    assert answered(capsys, command)["feasible"]


def test_own_fees(capsys: Capture) -> None:
    answer = answered(capsys, f"{FITS} --taker 0 --maker 0")
    assert answer["loss_at_stop"] == answer["loss_breakdown"]["price"]
    mixed = answered(capsys, f"{FITS} --taker 0.1% --entry-as maker")
    assert mixed["loss_breakdown"]["entry_fee"] == "0.091"  # the catalogue's maker fee, 0.02 %


def test_cross_margin_counts_the_others(capsys: Capture) -> None:
    alone = answered(capsys, f"{FITS} --short --margin cross --leverage 2")
    beside = answered(capsys, f"{FITS} --short --margin cross --leverage 2 --other ETHUSDT,long,1,3000,2800")
    assert alone["margin"] == beside["margin"] == "cross"
    assert Decimal(beside["liquidation_price"]) < Decimal(alone["liquidation_price"])


# -- liq -------------------------------------------------------------------------------------------


def test_liq_as_json_is_the_librarys_answer(capsys: Capture) -> None:
    held = {"side": "long", "quantity": "13.5", "entry": "60000", "wallet": "81000"}
    found = lotwise.liquidation("binance:BTCUSDT", **held)  # type: ignore[arg-type]
    assert said(capsys, f"{HELD} --json") == found.to_json() + "\n"
    assert said(capsys, f"{HELD} --quiet") == f"{found.liquidation_price}\n"
    assert f"liquidated at {Decimal(shown_up('54249.02289224', 1)):,.1f}" in said(capsys, HELD)


def test_liq_with_a_tier_of_your_own(capsys: Capture) -> None:
    words = "liq bybit:BTCUSDT --qty 1 --entry 60000 --leverage 10 --tier 0:100000:100:0.005:0"
    more = f"{words} --tier 100000:50000000:50:0.01:500"
    answer = answered(capsys, more)
    assert (answer["status"], answer["opened_in_tier"], answer["tier"]) == ("open", 1, 1)
    exact = Decimal(54_000) / Decimal("0.995")
    assert Decimal("1e-8") > Decimal(answer["liquidation_price"]) - exact >= 0
    assert answered(capsys, words)["liquidation_price"] == answer["liquidation_price"]


def test_liq_cross_with_others(capsys: Capture) -> None:
    words = "liq BTCUSDT --quantity 0.02 --entry 60000 --margin cross --wallet 1000"
    alone = answered(capsys, words)
    losing = answered(capsys, f"{words} --other ETHUSDT,short,1,3000,3300")
    two = answered(capsys, f"{words} --other ETHUSDT,short,1,3000,3300 --other ETHUSDT,long,1,3000,3300")
    assert losing["liquidation_price"] == "25763.05220884"
    prices = [Decimal(one["liquidation_price"]) for one in (alone, two, losing)]
    assert prices == sorted(prices)
    assert len(set(prices)) == 3


def test_liq_statuses(capsys: Capture) -> None:
    assert said(capsys, f"{HELD} --mark 50000 --quiet").strip()
    assert "liquidated now" in said(capsys, f"{HELD} --mark 50000")
    never = "liq BTCUSDT --qty 1 --entry 60000 --leverage 1"
    assert said(capsys, f"{never} --quiet") == "never\n"
    assert "no price above zero liquidates it" in said(capsys, never)


def test_liq_by_the_rule_of_a_day(capsys: Capture) -> None:
    words = "liq bybit:BTCUSDT --qty 1 --entry 60000 --leverage 10 --tier 0:50000000:100:0.005:0"
    before, after = (answered(capsys, f"{words} --on {day}") for day in ("2025-09-01", "2025-09-02"))
    assert (before["rule"], after["rule"]) == ("entry", "mark")
    assert before["liquidation_price"] == "54300"
    assert before["liquidation_price"] != after["liquidation_price"]


# -- contracts -------------------------------------------------------------------------------------


def test_contracts_lists(capsys: Capture) -> None:
    shown = said(capsys, "contracts BTC")
    assert "binance:BTCUSDT" in shown
    assert "bybit:BTCUSDT" in shown
    quiet = said(capsys, "contracts BTC --quiet --top 1000").splitlines()
    assert quiet == catalogue.search("BTC")
    assert (
        said(capsys, "contracts BTC --quiet --venue bybit --top 2").splitlines()
        == [name for name in quiet if name.startswith("bybit:")][:2]
    )
    answer = answered(capsys, "contracts BTC --top 3")
    assert answer["found"] == len(quiet)
    assert [one["id"] for one in answer["contracts"]] == quiet[:3]
    assert len(said(capsys, "contracts --quiet").splitlines()) == 40


def test_contracts_shows_one(capsys: Capture) -> None:
    answer = answered(capsys, "contracts binance:BTCUSDT")
    found = lotwise.contract("binance:BTCUSDT")
    assert (answer["id"], answer["tick_size"], len(answer["tiers"])) == (found.id, "0.1", len(found.tiers))
    shown = said(capsys, "contracts binance:BTCUSDT")
    for tier in found.tiers:
        assert f"{int(str(tier.notional_cap)):,}" in shown
    assert "margin tiers unknown" in said(capsys, "contracts bybit:BTCUSDT")
    assert said(capsys, "contracts btc:usdt".replace("btc:", "binance:btc/") + " --quiet") == f"{found.id}\n"


def test_contracts_of_an_earlier_day(capsys: Capture) -> None:
    assert answered(capsys, "contracts binance:BTCUSDT --as-of 2021-12-01")["tick_size"] == "0.01"
    assert answered(capsys, "contracts binance:BTCUSDT")["tick_size"] == "0.1"


# -- demo ------------------------------------------------------------------------------------------


def test_demo_prints_real_trades_and_every_worked_case(capsys: Capture) -> None:
    shown = said(capsys, "demo")
    assert "Next: lotwise web --demo" in shown
    for letter in "ABCDEFGHJKLM":
        assert re.search(rf"^  {letter}  \S", shown, flags=re.MULTILINE), letter
    assert len(re.findall(r"^\$ lotwise ", shown, flags=re.MULTILINE)) == 5
    assert "(exit code 3)" in shown
    assert "a guide prints: " in shown
    quiet = said(capsys, "demo --quiet")
    assert "$ lotwise" not in quiet
    cases = json.loads(said(capsys, "demo --json"))
    assert {case["letter"] for case in cases} == set("ABCDEFGHJKLM")


# -- help ------------------------------------------------------------------------------------------

FACES: dict[str, Callable[..., int]] = {
    "size": size_face.size,
    "liq": liq_face.liq,
    "contracts": contracts_face.contracts,
    "demo": demo_face.demo,
    "mix": mix_face.mix,
    "preview": preview_face.preview,
    "scan": scan_face.scan,
    "venues": venues_face.venues,
}
HELP_ROW = re.compile(r"│ [* ]*(?P<names>-?-?[\w-]+(?: -?-[\w-]+)*)(?: [A-Z.]+)?  +(?P<text>\S.*?) *│")


def options_of(face: Callable[..., int]) -> set[str]:
    named = inspect.signature(face).parameters.values()
    options = {f"--{one.name.replace('_', '-')}" for one in named if one.kind is one.KEYWORD_ONLY}
    if "--everything" in options:  # a name that Python keeps for itself
        options = options - {"--everything"} | {"--all"}
    return options - {"--output"} | {"--json", "--plain", "--quiet"}


@pytest.mark.parametrize("command", FACES)
def test_help_lists_every_option_with_its_meaning(command: str) -> None:
    shown = run(f"{command} --help", COLUMNS="80").stdout
    rows = [match for line in shown.splitlines() if (match := HELP_ROW.match(line))]
    texts = {name: row["text"] for row in rows for name in row["names"].split()}
    assert options_of(FACES[command]) <= texts.keys()
    for name, text in texts.items():
        assert re.match(r"[\w(]", text), f"{name} has no meaning"
    assert max(map(len, shown.splitlines())) <= 80
    assert "Exit codes: 0 done, 1 error, 2 usage" in shown


def test_help_lists_every_command() -> None:
    overview = run("--help", COLUMNS="80")
    assert (overview.returncode, overview.stderr) == (0, "")
    assert all(re.search(rf"│ {command} +[A-Z]", overview.stdout) for command in FACES)
    assert max(map(len, overview.stdout.splitlines())) <= 80
    assert run("", COLUMNS="80").stdout == overview.stdout


# -- whatever is typed -----------------------------------------------------------------------------

GOOD = {
    "--entry": ["65000", "65000:50%,64000:50%"],
    "--stop": ["2%", "63700", "1.5atr", "liquidation"],
    "--stop-pct": ["2"],
    "--atr": ["650"],
    "--equity": ["1000", "200"],
    "--risk": ["1%", "10"],
    "--side": ["long", "short", "buy", "sell"],
    "--venue": ["binance", "bybit"],
    "--leverage": ["3", "20x"],
    "--margin": ["isolated", "cross"],
    "--entry-as": ["taker", "maker"],
    "--target": ["2R", "1R:50%,2R:50%", "3%"],
    "--other": ["ETHUSDT,short,0.5,3000", "ETHUSDT,long,1,3000,3100"],
    "--as-of": ["2021-12-01", "2025-09-01", "2026-09-10"],
    "--quantity": ["0.01", "12 contracts", "0.5 BTC"],
    "--tier": ["0:50000000:100:0.005:0"],
    "--on": ["2025-09-01"],
    "--top": ["1", "3"],
    "--funding-rate": ["0.01%", "-0.01%"],
    "--hold-hours": ["8"],
}
NEEDED = {"size": ["--entry", "--equity", "--stop"], "liq": ["--entry", "--quantity", "--leverage"]}
FLAGS = {"--json", "--plain", "--quiet", "--short", "--explain"}
NAMES = ["BTCUSDT", "binance:BTCUSDT", "bybit:BTCUSDT", "ETH/USDT", "bybit:BTCUSDT-14AUG26", "1000SHIBUSDT"]
JUNK = [
    *(
        "",
        " ",
        "-",
        "--",
        "---",
        "=",
        ":",
        ",",
        ":,:",
        "%",
        "bp",
        "t",
        "R",
        "x",
        "atr",
        "0",
        "-0",
        "-1",
        "1e30",
    ),
    *(
        "nan",
        "inf",
        "-inf",
        "1e-9",
        ".e5",
        ".",
        "5.",
        "+",
        "0x1f",
        "None",
        "True",
        "[]",
        "{}",
        "\\",
        "'",
        '"',
    ),
    *(
        "９",
        "٣",
        "½",
        "²",
        "\u200b",
        "\u202e",
        "\ud800",
        "\x1b[31m",
        "\t",
        "\n",
        "é",
        "币安人生USDT",
        "ß" * 50,
    ),
    *("9" * 13, "9" * 400, "9" * 5_000, "0." + "0" * 200 + "1", "-" + "9" * 30, "1" * 12, "0.00000001"),
    *(
        "1,000",
        "1_000",
        "1 000",
        "100%",
        "-5%",
        "1000%",
        "0%",
        "0R",
        "-2R",
        "1R:",
        ":50%",
        "1R:0%",
        "a:b:c:d:e",
    ),
    *(
        "--json",
        "--help",
        "-h",
        "--version",
        "--no-json",
        "--json=maybe",
        "--quiet=",
        "../../etc",
        "$(x)",
        "*",
    ),
]


def typed(draw: random.Random) -> list[str]:
    """A command line: from one that runs to one of junk alone."""
    command = draw.choice(["size"] * 9 + ["liq"] * 4 + ["contracts"] * 4 + ["demo", "sise", "", "--json"])
    sound = draw.choice([1.0, 1.0, 0.9, 0.5])

    def value_of(option: str) -> str:
        return draw.choice(GOOD.get(option, ["1", "0.5", "100"]) if draw.random() < sound else JUNK)

    words = [command]
    face = FACES.get(command)
    if command in NEEDED:
        words.append(draw.choice(NAMES) if draw.random() < sound else draw.choice(JUNK))
        for option in NEEDED[command]:
            if draw.random() < 0.95:
                words += [option, value_of(option)]
    elif command == "demo":
        words.append(draw.choice(JUNK[3:40]))  # a demo that runs is slow, and has its own test
    elif draw.random() < 0.7:
        words.append(draw.choice([*NAMES, "BTC", "eth"]) if draw.random() < sound else draw.choice(JUNK))
    known = sorted(options_of(face) - {*NEEDED.get(command, [])}) if face else ["--json"]
    for _ in range(draw.choice([0, 0, 1, 1, 2, 4])):
        option = draw.choice(known) if draw.random() < 0.97 else draw.choice(JUNK)
        if option in FLAGS or draw.random() < 0.03:
            words.append(option)
        elif draw.random() < 0.2:
            words.append(f"{option}={value_of(option)}")
        else:
            words += [option, value_of(option)]
    if draw.random() < 0.05:
        draw.shuffle(words)
    return words


def test_whatever_is_typed_there_is_an_answer(capsys: Capture) -> None:
    """2,000 command lines: exit code 0, 2 or 3, and an error is coded; nothing is ever raised."""
    draw = random.Random(20_260_901)
    codes = {0: 0, 2: 0, 3: 0}
    for _ in range(2_000):
        words = typed(draw)
        try:
            code = main(words)
        except BaseException as error:  # whatever it is, the words that caused it must be shown
            pytest.fail(f"{error!r:.300} from {words!r}")
        shown = capsys.readouterr()
        assert code in codes, words
        codes[code] += 1
        assert "Traceback" not in shown.out + shown.err, words
        if code == 2:
            assert re.match(r'error\[[A-Z]+-\d{3}\]: |\{\s+"error": ', shown.err or shown.out), words
            assert (shown.out == "") != (shown.err == ""), words
        else:
            assert shown.err == "", words
            assert shown.out.strip(), words
    assert min(codes.values()) >= 20
