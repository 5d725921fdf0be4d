"""A server of the local exchange in a process of its own, and real ccxt clients that talk to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

START = "2025-01-06T01:00"
"""When the synthetic market begins to be traded; one hour of it is history."""
OPTIONS = ("--start", START, "--history-hours", "1", "--days", "1", "--seed", "7", "--json")
CODE = (
    "import sys; from lotwise.cli.exchange import family;"
    " sys.exit(family(sys.argv[1:], result_action='return_value') or 0)"
)
KEY, SECRET = "k" * 64, "s" * 64
SYMBOL = "BTC/USDT:USDT"


def usual(options: tuple[str, ...]) -> list[str]:
    """The usual options, but for those that are given."""
    pairs = zip(OPTIONS[:-1:2], OPTIONS[1:-1:2], strict=True)
    return [word for name, value in pairs if name not in options for word in (name, value)] + ["--json"]


class Server:
    """One server; ``state`` is its folder."""

    def __init__(self, state: Path, *options: str, speed: int = 0) -> None:
        python = os.environ.get("LOTWISE_PYTHON") or sys.executable  # clients may live where lotwise does not
        arguments = [python, "-c", CODE, "--port", "0", "--admin-port", "0", "--state", str(state)]
        self.process = subprocess.Popen(
            [*arguments, *usual(options), "--speed", str(speed), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_PROXY": "*"},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            told = self.process.stderr.read()[-2_000:]
            self._gone()
            raise AssertionError(told)
        ports = json.loads(line)["exchange"]
        self.port, self.admin = ports["port"], ports["admin"]

    def asked(self, method: str, path: str, body: Any = None) -> Any:
        """What the admin port answers."""
        with closing(HTTPConnection("127.0.0.1", self.admin, timeout=60)) as line:
            line.request(method, path, json.dumps(body) if body is not None else None)
            answer = line.getresponse()
            told = json.loads(answer.read())
        assert answer.status == 200, told
        return told

    def account(self, name: str = "me", deposit: str = "1000") -> None:
        """Open an account with a known key."""
        self.asked("POST", "/account", {"name": name, "deposit": deposit, "key": KEY, "secret": SECRET})

    def step(self, events: int) -> Any:
        """Play the market on."""
        return self.asked("POST", "/step", {"events": events})

    def raw(
        self, method: str, target: str, body: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and body of a request as it is."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            line.request(method, target, body or None, headers or {})
            answer = line.getresponse()
            told = answer.read()
        return answer.status, json.loads(told)

    def kill(self) -> None:
        """As a power cut: no chance to write anything."""
        self.process.send_signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(timeout=60)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


def config(port: int, **more: Any) -> dict[str, Any]:
    """The options of an unmodified ccxt client whose every address is the server's."""
    import ccxt

    http, sockets = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    plain = ccxt.binanceusdm()
    api = {
        name: re.sub(r"^https://[^/]+", http, address)
        for name, address in plain.urls["api"].items()
        if isinstance(address, str)
    }
    api["ws"] = {"linear": f"{sockets}/ws", "ws-api": {"linear": f"{sockets}/ws-fapi/v1"}}
    return {
        "urls": {"api": api},
        "apiKey": KEY,
        "secret": SECRET,
        "enableRateLimit": False,
        "options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}},
        "exceptions": {"exact": plain.exceptions["linear"]["exact"]},
        **more,
    }


def client(port: int, **more: Any) -> Any:
    """A real ccxt client, markets loaded."""
    import ccxt

    found = ccxt.binanceusdm(config(port, **more))
    found.session.trust_env = False
    found.load_markets()
    return found
