"""``lotwise web --demo``: an exchange in a process of its own, 1,000 USDT, a sample journal, a plan.

Everything lies in one folder. The exchange is ended by its own process id; nothing else is touched, and no
venue is reached.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from lotwise.app.trade_config import TradeConfig, read
from lotwise.clock import Clock
from lotwise.errors import VenueError
from lotwise.records.journal import Fill
from lotwise.units import parse_cash

NAME: Final = "demo-1000"
DEPOSIT: Final = "1000"
KEYS: Final = "account.json"
END_S: Final = 10
HOUR_NS: Final = 3_600 * 10**9
DAY_NS: Final = 24 * HOUR_NS
CODE: Final = (
    "import sys; from lotwise.cli.exchange import family;"
    " sys.exit(family(sys.argv[1:], result_action='return_value') or 0)"
)
HISTORY_HOURS: Final = 24
DAYS: Final = 3
CONFIG: Final = """\
account = "{name}"
venue = "binance"
where = "paper"
contracts = ["BTCUSDT", "ETHUSDT"]
bar = "1m"
risk = "1%"
leverage = "10"
margin = "isolated"
slippage = "2t"
folder = "session"

[strategy]
name = "null"                 # the desk is traded by hand

[guard]
time_zone = "UTC"
risk = "2%"
open_risk = "4%"
day_loss = "5%"
week_loss = "10%"
trades_a_day = 20
positions = 3
account_leverage = "5"
order_leverage = "20"
margin = "80%"
liquidation = "1.5"
market_age = "10s"

[policy]
naked = "5s"
skew = "30d"                  # the clock of a market that is made up is its own

[feed]
stale = "30s"

[paper]
exchange = "http://127.0.0.1:{port}"
admin = "http://127.0.0.1:{admin}"
"""


@dataclass
class Demo:
    """A demo that runs: its exchange, its trade file, its keys."""

    folder: Path
    process: subprocess.Popen[str]
    port: int
    admin: int
    environment: dict[str, str]
    journal: Path
    plan: Path
    """An example of a scaling plan: it is shown, and bounds no trade of the demo."""

    def config(self) -> TradeConfig:
        """Its trade file, written into the folder, as numbers."""
        text = CONFIG.format(name=NAME, port=self.port, admin=self.admin)
        (self.folder / "demo.toml").write_text(text, encoding="utf-8")
        return read(text, "demo.toml", self.folder)

    def end(self) -> None:
        """End the exchange, by its own process id."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(END_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(folder: Path, clock: Clock, environment: Mapping[str, str], *, speed: int = 1) -> Demo:
    """Start the exchange, open the account where there is none yet, fill the journal.

    Parameters
    ----------
    folder
        Of everything; started again in the same one, the account goes on where it was.

    Raises
    ------
    VenueError
        WEB-150 the exchange does not start or does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *_words(folder, speed)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment, "NO_PROXY": "*"},
        start_new_session=True,  # Ctrl-C is the desk's: it ends first, while the exchange still answers
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            ports = json.loads(line)["exchange"]
        except (ValueError, KeyError) as error:
            raise VenueError(
                "WEB-150",
                f"the exchange of the demo does not start: {line.strip()[:200] or 'it said nothing'}",
                "lotwise exchange --json tells why",
            ) from error
        key, secret = _account(folder, ports["admin"])
        journal = folder / "journal.sqlite"
        if not journal.exists():
            _sample(journal, clock)
        plan = _planned(folder, journal, clock)
    except BaseException:  # whatever it was, Ctrl-C too: the process that was started is ended
        process.terminate()
        process.wait(END_S)
        raise
    keys = {"LOTWISE_PAPER_KEY": key, "LOTWISE_PAPER_SECRET": secret}
    return Demo(folder, process, ports["port"], ports["admin"], {**environment, **keys}, journal, plan)


def _words(folder: Path, speed: int) -> list[str]:
    given = {
        "--port": "0",
        "--admin-port": "0",
        "--state": str(folder / "exchange"),
        "--contracts": "BTCUSDT,ETHUSDT",
        "--history-hours": str(HISTORY_HOURS),
        "--days": str(DAYS),
        "--scenario": "storm",
        "--seed": "7",
        "--speed": str(speed),
    }
    return [word for pair in given.items() for word in pair] + ["--json"]


def _account(folder: Path, admin: int) -> tuple[str, str]:
    """Key and secret of the account; kept in the folder, for the exchange of this folder alone."""
    place = folder / KEYS
    if place.exists():
        told = json.loads(place.read_text(encoding="utf-8"))
    else:
        told = _asked(admin, {"name": NAME, "deposit": DEPOSIT})
        place.touch(mode=0o600)
        place.write_text(json.dumps(told), encoding="utf-8")
    return str(told["key"]), str(told["secret"])


def _asked(admin: int, body: dict[str, str]) -> dict[str, Any]:
    line = HTTPConnection("127.0.0.1", admin, timeout=30)
    try:
        line.request("POST", "/account", json.dumps(body))
        answer = line.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        raise VenueError(
            "WEB-150", f"the exchange of the demo does not answer: {error}", "try again"
        ) from error
    finally:
        line.close()
    if answer.status != 200:
        raise VenueError("WEB-150", f"the exchange opens no account: {told}", "give another --folder")
    return told


# -- the sample journal

SETUPS: Final = ("VAL bounce", "EMA pullback", "breakout")
TENTHS: Final = (
    (14, -10, 4, -10, 0, 21, -10, -10, 9, 19),
    (-10, 1, 15, -10, -11, 21, -10, 12, -10, 6),
    (18, -10, -10, 25, 0, -10, 16, -10, 8, 11),
)
"""Results of the sample in tenths of R: made up, and said to be."""
STOP_TICKS: Final = 13_000
TICK8: Final = 10**7
ENTRY_TICKS: Final = 650_000
QUANTITY8: Final = 700_000
FEE_CASH: Final = 22_750_000


def _sample(place: Path, clock: Clock) -> None:
    """Thirty made-up trades of the last weeks, so that journal and review have something to show."""
    from lotwise.journal.measures import Plan
    from lotwise.journal.session_log import SessionLog
    from lotwise.journal.shelf import Journal

    journal = Journal.at(place)
    try:
        log = SessionLog(journal, "binance", NAME)
        tenths = [one for week in TENTHS for one in week]
        begin = _begun_ns(clock)
        fills = []
        for number, tenth in enumerate(tenths):
            side = -1 if number % 3 == 1 else 1
            entry = ENTRY_TICKS + 900 * ((number * 7) % 11) - 500 * (number % 4)
            opened = begin + number * DAY_NS + (7 + number * 5 % 13) * HOUR_NS
            closed = opened + (1 + number % 6) * HOUR_NS // 2
            leave = entry + side * STOP_TICKS * tenth // 10
            order = f"sample-{number}"
            for at, ticks, way, what in ((opened, entry, side, "in"), (closed, leave, -side, "out")):
                fills.append(_fill(f"{order}-{what}", order, at, ticks=ticks, side=way))
            meant = Plan(
                stop8=(entry - side * STOP_TICKS) * TICK8,
                target8s=((entry + side * 2 * STOP_TICKS) * TICK8,),
                entry8=entry * TICK8,
                stop_source="given",
                quantity8=QUANTITY8,
            )
            setup = SETUPS[number % len(SETUPS)]
            log.plan("BTCUSDT", order, meant, time_ns=opened, reason=f"sample: {setup}", setup=setup)
        log.fill(*fills)
    finally:
        journal.close()


def _begun_ns(clock: Clock) -> int:
    """The day before the first trade of the sample."""
    days = sum(len(week) for week in TENTHS) + 2
    return (clock.now_ns() // DAY_NS - days) * DAY_NS


def _planned(folder: Path, journal: Path, clock: Clock) -> Path:
    """The example plan, begun before the sample's trades and told all that the journal has by now."""
    from lotwise.app.plan import check
    from lotwise.records.plan import Begun
    from lotwise.scaling.example import EXAMPLE
    from lotwise.scaling.keep import KeptPlan

    place, cash = folder / "plan.toml", parse_cash(DEPOSIT, "deposit")
    if not place.exists():
        place.write_text(EXAMPLE, encoding="utf-8")
        kept = KeptPlan(place)
        try:
            kept.tell([Begun(time_ns=_begun_ns(clock), equity_cash=cash, paper_cash=cash)])
        finally:
            kept.close()
    check(place, clock, equity_cash=None, paper_cash=None, journal=f"{journal}", accounts={"paper": NAME})
    return place


def _fill(name: str, order: str, time_ns: int, *, ticks: int, side: int) -> Fill:
    return Fill(
        venue="binance",
        account=NAME,
        contract="BTCUSDT",
        trade_id=name,
        order_id=order,
        time_ns=time_ns,
        side=side,
        price8=ticks * TICK8,
        quantity8=QUANTITY8,
        coin="USDT",
        fee_cash=FEE_CASH,
        source="made up for the demo",
    )
