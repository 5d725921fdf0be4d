"""kill -9 of a trading session at random moments, over TCP: nothing is lost, doubled or left without a stop.

The session is ``lotwise trade --paper`` in a process of its own, the exchange another; in a share of the
rounds both die. The market stands still while a session starts again and is compared, so all agree exactly.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from tests.e2e.session_audit import CASH, Books, asked, audit, complaint, naked_spans, read
from tests.e2e.session_rounds import SPEED, Market, Nursery, Running, file, seconds_between, until
from tests.exchange.served import Server

KILLS = {"test": 10, "proof": 200}.get(os.environ.get("LOTWISE_PROFILE") or "test", 10)
KILLS_A_STATE = {10: 5}.get(KILLS, 10)
"""A session and an exchange that were killed go on in the same folders so often."""
AT_ONCE = 2
"""Accounts, each with an exchange of its own: most of the time is waited for processes to begin."""
DEPOSIT, SEED = 1_000, 9
BOUND_S = 7.0
"""Without a seen stop: five seconds of the policy, a look a second, and an order's way there and back."""
RECOVERY_S = 40.0


class Round(NamedTuple):
    """What one kill found."""

    is_open: bool
    with_exchange: bool
    fills: int
    naked_s: float
    recovered_s: float


class Account:
    """One exchange, one account, one folder of a session; processes come and go."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        folder.mkdir()
        self.folder, self.nursery = folder, nursery
        self.parts: list[tuple[int, float]] = []
        self.deaths: list[tuple[int, int]] = []
        """Times of the market in ms between which no session lived."""
        self.server = Server(folder / "state")
        self.server.account(deposit=str(DEPOSIT))
        self.books = Books(folder / "journal.sqlite", self.server)
        self.begins()

    def begins(self) -> None:
        """A market that stands still, and a session over it that has recovered."""
        self.market = Market(self.server, self.server.asked("GET", "/status")["now_ms"], self.parts)
        path = file(self.folder / "trade.toml", self.server)
        self.session = Running(path, nursery=self.nursery)
        assert self.session.says("recovered"), self.session.told

    @property
    def database(self) -> Path:
        """Where the session's log is."""
        return self.folder / "session" / "session.sqlite"

    def killed(self, draws: Any) -> Round:
        """Let it trade, kill it, start it again, compare everything."""
        said = len(self.session.told)
        self.market.go()
        if draws.integers(6):  # in the middle of what it does
            until(lambda: asked(self.server).is_open, 4)
            self.session.lines_after(said, int(draws.integers(1, 14)), float(draws.uniform(0.1, 1.4)))
            time_ms = int(draws.integers(0, 40))
        else:
            time_ms = int(draws.integers(800, 2_500))
        self.session.lines_after(0, 10**9, time_ms / 1_000)
        both = bool(draws.integers(4) == 0)
        if both and draws.integers(2):
            self.server.kill()
            self.session.kill()
        else:
            self.session.kill()
            if both:
                self.server.kill()
        if both:
            self.market.end()
            self.server = self.books.server = Server(self.folder / "state")
        else:
            self.market.hold()
            self.market.end()
        died_ms = self.server.asked("GET", "/status")["now_ms"]
        at_kill = asked(self.server)
        began = time.monotonic()
        self.begins()
        found: list[str] = []

        def settled() -> bool:
            found[:] = [complaint(asked(self.server), read(self.database))]
            return found == [""]

        assert until(settled, RECOVERY_S), (found, self.session.words("trouble"), self.session.told[-8:])
        recovered_s = time.monotonic() - began
        exchange, log = asked(self.server), read(self.database)
        audit(exchange, log, DEPOSIT * CASH)
        self.books.agree(exchange, log)
        spans = [span for span in naked_spans(exchange) if not self._is_death(span, died_ms)]
        naked_s = max((seconds_between(self.parts, *span) for span in spans), default=0.0)
        self.deaths.append((died_ms, died_ms))
        return Round(at_kill.is_open, both, len(log.fills), naked_s, recovered_s)

    def _is_death(self, span: tuple[int, int], died_ms: int) -> bool:
        """The session died within it: the market stood still until a stop was seen again."""
        return any(span[0] <= ms <= span[1] for ms in (died_ms, *(one for one, _ in self.deaths)))

    def ended(self) -> tuple[int, int]:
        """Close all; the wallet is the deposit and the incomes. Trades, and fills."""
        self.session.kill()
        self.market.end()
        last = Running(file(self.folder / "trade.toml", self.server), "--at-end", "flatten")
        assert last.says("recovered")
        assert last.stop() == 0
        exchange, log = asked(self.server), read(self.database)
        assert not exchange.is_open, last.told[-8:]
        audit(exchange, log, DEPOSIT * CASH)
        assert self.books.agree(exchange, log) > 0
        return len(log.ends), len(log.fills)

    def close(self) -> None:
        """End what runs."""
        if self.session.process.poll() is None:
            self.session.kill()
        self.market.end()
        self.books.close()
        self.server.stop()


def state(folder: Path, seed: int, nursery: Nursery) -> tuple[list[Round], int, int]:
    """Kills of one account: what each found, trades, fills."""
    from numpy.random import PCG64, Generator

    draws, account = Generator(PCG64(seed)), Account(folder, nursery)
    try:
        rounds = [account.killed(draws) for _ in range(KILLS_A_STATE)]
        return rounds, *account.ended()
    finally:
        account.close()


def test_a_session_that_is_killed_loses_doubles_and_leaves_naked_nothing(tmp_path: Path) -> None:
    states = range(KILLS // KILLS_A_STATE)
    nursery = Nursery(tmp_path)
    try:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            done = list(threads.map(lambda one: state(tmp_path / f"state{one}", SEED + one, nursery), states))
    finally:
        nursery.close()
    rounds = [one for found, _, _ in done for one in found]
    trades, fills = sum(one[1] for one in done), sum(one[2] for one in done)
    with_open = sum(one.is_open for one in rounds)
    both = sum(one.with_exchange for one in rounds)
    naked_s, recovered_s = max(one.naked_s for one in rounds), max(one.recovered_s for one in rounds)
    print(
        f"kills {len(rounds)}, with an open order or position {with_open}, exchange killed too {both};"
        f" trades {trades}, fills {fills}; longest naked {naked_s:.2f} s while alive at {SPEED} times the"
        f" time, longest until all agreed again {recovered_s:.1f} s"
    )
    assert len(rounds) == KILLS
    assert with_open * 4 >= KILLS * 3
    assert 0 < both < KILLS
    assert trades * 5 >= KILLS
    assert fills > 2 * trades
    assert naked_s <= BOUND_S
