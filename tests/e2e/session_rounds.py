"""A session process and an exchange process, a market that a test plays and holds, kills, and the audit.

The market is played by the test: it stands still while a session that was killed starts again, so what the
exchange has and what the session wrote down can be compared to the last order and cent.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.e2e import busy_strategy
from tests.e2e.faces import ENTRY
from tests.e2e.test_cli_trade import config
from tests.exchange.served import KEY, SECRET, Server

SPEED = 60
"""Seconds of the market a second."""
STEP_S = 0.05
LONGEST_S = 0.25
"""A machine that stood still does not make the market leap farther."""


def until(holds: Callable[[], Any], seconds: float = 60) -> bool:
    """Whether something comes to hold in time."""
    pause, ends = threading.Event(), time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            return False
        pause.wait(0.05)
    return True


def file(path: Path, server: Server, *, settings: str = "{}", **changes: str) -> Path:
    """The session's file: small risk, every trade that fits is allowed, bars of a minute."""
    usual = {"name": f'"{busy_strategy.__file__}:Busy"', "settings": settings, "every": '"1s"'}
    limits = {"risk = ": '"0.3%"', "market_age": '"10min"\nvalid = "5min"'}  # seconds are minutes here
    config(path, server, **(usual | changes))
    lines = path.read_text().splitlines()
    for before, after in limits.items():
        key = before.rstrip("= ")
        at = next(n for n, line in enumerate(lines) if line.startswith(before))
        lines[at] = f"{key} = {after}"
    path.write_text("\n".join(lines))
    return path


class Market(threading.Thread):
    """Plays the market of an exchange on while it is let, and notes when each part of it was played."""

    def __init__(self, server: Server, begins_ms: int, parts: list[tuple[int, float]]) -> None:
        super().__init__(daemon=True)
        self.server, self.parts, self._wanted_ms = server, parts, float(begins_ms)
        """``parts``: the market's time in ms after each step, and the machine's in s."""
        self._goes, self._idle, self._ended = threading.Event(), threading.Event(), False
        self.fault = ""
        self.start()

    def run(self) -> None:
        """Step after step, until the exchange is gone."""
        pause, before = threading.Event(), 0.0
        while not self._ended:
            if not self._goes.is_set():
                self._idle.set()
                self._goes.wait(0.2)
                before = time.monotonic()
                continue
            pause.wait(STEP_S)
            now = time.monotonic()
            self._wanted_ms += min(now - before, LONGEST_S) * SPEED * 1_000
            before = now
            try:
                told = self.server.asked("POST", "/step", {"until_ms": int(self._wanted_ms)})
            except (OSError, HTTPException, ValueError):
                self._ended = True  # it was killed
            else:
                self.parts.append((told["now_ms"], time.monotonic()))
        self._idle.set()

    def go(self) -> None:
        """Play."""
        self._idle.clear()
        self._goes.set()

    def hold(self) -> None:
        """Stand still; the step that is being played is over when this returns."""
        self._goes.clear()
        assert self._idle.wait(60)

    def end(self) -> None:
        """Play no more."""
        self._ended = True
        self._goes.set()
        self.join(60)


def seconds_between(parts: list[tuple[int, float]], first_ms: int, last_ms: int) -> float:
    """Of the machine, between two times of the market."""
    times = [one for one, _ in parts]
    at = [parts[min(bisect_left(times, ms), len(parts) - 1)][1] for ms in (first_ms, last_ms)]
    return at[1] - at[0]


ENVIRONMENT = {"LOTWISE_PAPER_KEY": KEY, "LOTWISE_PAPER_SECRET": SECRET, "NO_PROXY": "*"}
NURSERY = """
import json, os, signal, sys
import alembic.command, ccxt, sqlalchemy
import lotwise.app.notify, lotwise.app.trade, lotwise.app.trade_port, lotwise.app.trade_safety
import lotwise.broker.ccxt_venue.connect, lotwise.cli.trade, lotwise.session.recovery, lotwise.sizing.solve
from lotwise.cli.main import main
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(asked["out"], os.O_WRONLY), 1)
        os._exit(main(asked["arguments"]))
    print(child, flush=True)
"""


class Nursery:
    """Has everything imported; each session is a fork of it: a process of its own that begins at once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count, self.lock = folder, 0, threading.Lock()
        self.mother = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRONMENT},
        )

    def born(self, arguments: list[str]) -> Born:
        """A new session."""
        with self.lock:
            self.count += 1
            out = self.folder / f"out{self.count}"
            os.mkfifo(out)
            assert self.mother.stdin is not None
            assert self.mother.stdout is not None
            self.mother.stdin.write(json.dumps({"out": str(out), "arguments": arguments}) + "\n")
            self.mother.stdin.flush()
            return Born(int(self.mother.stdout.readline()), out)

    def close(self) -> None:
        """Done."""
        self.mother.kill()
        self.mother.wait(60)
        for stream in (self.mother.stdin, self.mother.stdout):
            if stream is not None:
                stream.close()


class Born:
    """A forked session, as :class:`subprocess.Popen` has one; it is over when its output ends."""

    def __init__(self, number: int, out: Path) -> None:
        self.number, self.stdout, self.stderr = number, out.open(), None
        self.over = threading.Event()

    def send_signal(self, which: int) -> None:
        """Send it."""
        os.kill(self.number, which)

    def poll(self) -> int | None:
        """Whether it is over; how is not known."""
        return 0 if self.over.is_set() else None

    def wait(self, timeout: float) -> int:
        """Until it is over."""
        assert self.over.wait(timeout)
        return 0


class Running:
    """``lotwise trade --paper FILE --json`` in a process of its own."""

    def __init__(self, path: Path, *arguments: str, nursery: Nursery | None = None) -> None:
        words = ["trade", "--paper", str(path), "--json", *arguments]
        self.process: Any = nursery.born(words) if nursery else None
        if nursery is None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", ENTRY, *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **ENVIRONMENT},
            )
        self.began_s = time.monotonic()
        self.told: list[dict[str, Any]] = []
        self.news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.news:
                try:
                    self.told.append(json.loads(line) | {"at_s": time.monotonic()})
                except ValueError:  # cut off by the kill
                    break
                self.news.notify_all()
        if isinstance(self.process, Born):
            self.process.over.set()
        with self.news:
            self.news.notify_all()

    def said(self, kind: str) -> list[dict[str, Any]]:
        """What it said of a kind."""
        return [one["told"] for one in list(self.told) if one.get("told", {}).get("kind") == kind]

    def words(self, kind: str) -> str:
        """All of it as one text."""
        return "\n".join(one["message"] for one in self.said(kind))

    def says(self, kind: str, words: str = "", seconds: float = 60) -> bool:
        """Whether it comes to say something."""
        return until(lambda: words in self.words(kind) and self.said(kind), seconds)

    def lines_after(self, before: int, count: int, seconds: float) -> bool:
        """Wait until it has said so many lines more."""
        with self.news:
            return self.news.wait_for(lambda: len(self.told) >= before + count, seconds)

    def kill(self) -> None:
        """As a power cut."""
        self.process.send_signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> int:
        """Ctrl-C; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(timeout=60)
        self._reader.join(60)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code
