"""Two programs write into one database for a while, and one of them is killed: what was said is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from lotwise.store.database import opened
from tests.unit.postgres_server import emptied, server

SECONDS = 60 if os.environ.get("LOTWISE_PROFILE") == "proof" else 10
WRITER = """
import sys, time
from lotwise.store.database import opened
place, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
base = opened(place)
end, i = time.monotonic() + seconds, 0
while time.monotonic() < end:
    base.append("intents", "intent", {"i": i}, time_ns=i, subject=name, key=f"{name}-{i}")
    print(i, flush=True)
    i += 1
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as (url, _):
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "journal.sqlite")
    return emptied(request.getfixturevalue("postgres"))


def test_two_write_at_once_and_one_is_killed(place: str) -> None:
    """Every event that a writer said was kept is there; none is there twice."""
    opened(place).close()
    writers = {
        name: subprocess.Popen(
            [sys.executable, "-c", WRITER, place, name, str(SECONDS)], stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    }
    said: dict[str, list[int]] = {"one": [], "two": []}

    def listen(name: str) -> None:
        for line in writers[name].stdout or ():
            if line.endswith("\n"):  # the last of one that is killed may be cut
                said[name].append(int(line))

    listeners = [Thread(target=listen, args=(name,)) for name in writers]
    for listener in listeners:
        listener.start()
    with pytest.raises(subprocess.TimeoutExpired):
        writers["two"].wait(timeout=SECONDS * 0.6)
    os.kill(writers["two"].pid, signal.SIGKILL)
    assert writers["one"].wait(timeout=SECONDS + 60) == 0
    writers["two"].wait(timeout=60)
    for listener in listeners:
        listener.join(timeout=60)
    for writer in writers.values():
        if writer.stdout:
            writer.stdout.close()
    base = opened(place)
    for name in ("one", "two"):
        kept = [one.body["i"] for one in base.events("intents", subjects=[name])]
        assert kept == list(range(len(kept))), f"{name}: in order, each once"
        assert len(said[name]) > 20, f"{name} wrote all the while"
        assert len(said[name]) <= len(kept) <= len(said[name]) + 1, "at most the one that was being said"
    base.close()
