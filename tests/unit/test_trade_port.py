"""What a venue's connection has to say is heard, whoever it is that connects."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ccxt", reason="the extra lotwise[live] is not installed")

from lotwise.app.trade_config import example, load
from lotwise.app.trade_folder import Folder
from lotwise.app.trade_port import Reached, Words, opened
from lotwise.cli.main import main
from lotwise.clock import FixedClock
from tests.session.scene import CONTRACTS
from tests.session.venue_in_memory import HandClock, MemoryVenue

UNTOLD = "binance does not tell whether the key may withdraw: look on its page"


def test_words_are_kept_until_somebody_listens() -> None:
    words, heard = Words(), list[str]()
    words("first")
    words.to(heard.append)
    words("second")
    assert heard == ["first", "second"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trade.toml"
    text = example("binance", "demo").replace("# folder", f'folder = "{tmp_path / "session"}" #')
    path.write_text(text, encoding="utf-8")
    assert load(path).folder == tmp_path / "session"
    return path


def test_what_is_said_while_connecting_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(*given: Any, tell: Any, **more: Any) -> MemoryVenue:
        tell(UNTOLD)
        return MemoryVenue(CONTRACTS, HandClock(1))

    monkeypatch.setattr("lotwise.broker.ccxt_venue.connect.connect", connected)
    heard: list[str] = []
    opened(load(file), {}).words.to(heard.append)
    assert heard == [UNTOLD]


def test_a_flatten_says_it_too(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOTWISE_BINANCE_DEMO_KEY", "a key of the demo")
    monkeypatch.setenv("LOTWISE_BINANCE_DEMO_SECRET", "its secret")

    def full(folder: Folder, why: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Folder, "is_taken", True)
    monkeypatch.setattr(Folder, "kill", full)  # a disk that is full keeps nothing from being closed
    clock, words = HandClock(1_746_360_000 * 10**9), Words()
    words(UNTOLD)
    port: Any = MemoryVenue(CONTRACTS, clock)
    reached = Reached(port, port, FixedClock(clock.time_ns), words)
    monkeypatch.setattr("lotwise.app.trade_port.opened", lambda config, environment: reached)
    assert main(shlex.split(f"flatten {file} --reason enough")) == 0
    out = capsys.readouterr().out
    (line,) = (one for one in out.splitlines() if "may withdraw" in one)
    assert "could not be told to lock: No space left on device" in " ".join(out.split())
    assert "NOT locked: the session that runs could not be told" in " ".join(out.split())
    assert "DEMO" in line
    assert "venue" in line
