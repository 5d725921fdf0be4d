"""A real exchange process and a real desk process, asked over TCP as a browser would ask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.exchange.served import KEY, SECRET, Server

CODE = "import sys; from lotwise.cli.main import main; sys.exit(main(['web', *sys.argv[1:]]))"
"""Types the command of ``lotwise.cli.web``."""

CONTRACT = "binance:BTCUSDT"
CONFIG = """\
account = "main"
venue = "binance"
where = "paper"
contracts = ["BTCUSDT", "ETHUSDT"]
bar = "1m"
risk = "1%"
leverage = "10"
slippage = "2t"
folder = "session"
[strategy]
name = "null"
[guard]
risk = "1%"
open_risk = "3%"
day_loss = "20%"
week_loss = "40%"
trades_a_day = 4
positions = 3
order_leverage = "20"
market_age = "1h"
[policy]
naked = "30s"
skew = "366d"
[feed]
stale = "1h"
[paper]
exchange = "http://127.0.0.1:{port}"
admin = "http://127.0.0.1:{admin}"
"""


def until(true: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait for a condition; what it was in the end."""
    ends, pause = time.monotonic() + seconds, threading.Event()
    while True:
        found = true()
        if found or time.monotonic() > ends:
            return found
        pause.wait(0.05)


class DeskProcess:
    """One desk; ``folder`` holds its trade file and all it keeps."""

    def __init__(self, folder: Path, exchange: Server | None, *options: str, config: str = CONFIG) -> None:
        self.folder = folder
        words = [*options, "--port", "0", "--json"]
        if exchange is not None:
            place = folder / "trade.toml"
            place.write_text(config.format(port=exchange.port, admin=exchange.admin), encoding="utf-8")
            words = [str(place), "--journal", str(folder / "journal.sqlite"), *words]
        keys = {"LOTWISE_PAPER_KEY": KEY, "LOTWISE_PAPER_SECRET": SECRET}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **keys, "NO_PROXY": "*", "XDG_DATA_HOME": str(folder / "data")},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            raise AssertionError(self.process.stderr.read()[-3_000:])
        self.told = json.loads(line)["web"]
        self.port: int = self.told["port"]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.cookie = ""

    def raw(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Status, headers and bytes of a request."""
        own = {"Origin": self.origin} | ({"Cookie": self.cookie} if self.cookie else {})
        text = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            line.request(method, path, text, own if headers is None else headers)
            answer = line.getresponse()
            found = answer.read()
        return answer.status, answer.headers, found

    def enter(self) -> DeskProcess:
        """Open it by its address."""
        status, headers, _ = self.raw("GET", self.told["address"].removeprefix(self.origin))
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0]
        return self

    def asked(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of a request."""
        status, _, found = self.raw(method, path, body)
        return status, json.loads(found)

    def ready(self) -> DeskProcess:
        """Wait until account and market are known."""
        draft = {"contract": CONTRACT, "side": "long", "stop": {"text": "2%"}}
        found = until(lambda: self.asked("POST", "/api/size", draft)[0] == 200)
        assert found, self.asked("POST", "/api/size", draft)
        return self

    def state(self) -> Any:
        """The account as the socket tells it."""
        from websockets.sync.client import connect

        address = f"ws://127.0.0.1:{self.port}/ws"
        headers = {"Cookie": self.cookie, "Origin": self.origin}
        with connect(address, additional_headers=headers, proxy=None) as line:
            line.send(json.dumps({"watch": CONTRACT, "interval": "1m"}))
            while True:
                told = json.loads(line.recv(timeout=20))
                if told["t"] == "account":
                    return told

    def kill(self) -> None:
        """As a power cut."""
        self.process.send_signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(timeout=60)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code
