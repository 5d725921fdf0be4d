"""The folder of a session: one session at a time, its log, what it said, the kill switch from outside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from lotwise.app.trade_config import TradeConfig
from lotwise.broker.chronicle import Told
from lotwise.errors import InputError

DATABASE: Final = "session.sqlite"
SAID: Final = "said.jsonl"
KILL: Final = "kill"
LOCK: Final = "session.lock"
PHASES: Final = "phases.json"
TAIL_BYTES: Final = 65_536


class Folder:
    """A folder of a session.

    Raises
    ------
    InputError
        TRADE-113 it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError(
                "TRADE-113", f"{path} cannot be made: {error.strerror}", "name another folder in the file"
            ) from error

    @property
    def database(self) -> Path:
        """Where intents and outcomes are kept."""
        return self.path / DATABASE

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One session at a time.

        Raises
        ------
        InputError
            TRADE-114 another one runs here.
        """
        import fcntl

        lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise InputError(
                "TRADE-114",
                f"a session runs in {self.path} already",
                "`lotwise status` shows it; end it first, or give this one another account or folder",
            ) from None
        try:
            (self.path / KILL).unlink(missing_ok=True)
            yield
        finally:
            os.close(lock)

    @property
    def is_taken(self) -> bool:
        """Whether a session runs here."""
        try:
            with self._looked():
                return False
        except InputError:
            return True

    @contextmanager
    def _looked(self) -> Iterator[None]:
        import fcntl

        lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise InputError("TRADE-114", f"a session runs in {self.path}", "") from None
        finally:
            os.close(lock)

    def kill(self, why: str) -> None:
        """Tell the session that runs here to close all and lock."""
        new = self.path / f"{KILL}.new"
        new.write_text(why or "flatten", encoding="utf-8")
        new.replace(self.path / KILL)

    def killed(self) -> str:
        """Why it was told so; empty: it was not."""
        try:
            return (self.path / KILL).read_text(encoding="utf-8") or "flatten"
        except OSError:
            return ""

    def said(self, most: int = 20) -> list[dict[str, Any]]:
        """The last things that sessions here said, the oldest first."""
        try:
            with (self.path / SAID).open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines[-most:]:
            try:
                found.append(json.loads(line))
            except ValueError:  # the first line of the tail is a part, the last may be half written
                continue
        return found


class Written:
    """A chronicle on the disk: one line of JSON each."""

    def __init__(self, folder: Folder) -> None:
        self._file = (folder.path / SAID).open("a", encoding="utf-8")

    def told(self, event: Told) -> None:
        """Write a line."""
        self._file.write(msgspec.json.encode(event).decode() + "\n")
        self._file.flush()

    def close(self) -> None:
        """Done."""
        self._file.close()


def phase_of(config: TradeConfig) -> str:
    """Name of what a paper phase is a proof of: the strategy with its settings, contracts and bars.

    Account, risk and where it is played are no part of it.
    """
    told = {
        "strategy": config.strategy,
        "settings": dict(sorted(config.settings.items())),
        "contracts": sorted(contract.symbol for contract in config.contracts),
        "bar": config.bar,
    }
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()


class Phases:
    """A chronicle that counts the trades of a strategy on paper: what live asks for.

    Kept beside the folders of the sessions, for all of them.
    """

    def __init__(self, config: TradeConfig, place: Path) -> None:
        self._place, self._name, self._where = place / PHASES, phase_of(config), config.where

    def trades(self) -> int:
        """Trades of this strategy that ended on paper or demo."""
        return int(self._read().get(self._name, 0))

    def told(self, event: Told) -> None:
        """Count a trade that is over; one of which nothing was filled was none."""
        if event.kind != "ended" or self._where == "live" or not event.numbers.get("lots"):
            return
        counts = self._read()
        counts[self._name] = counts.get(self._name, 0) + 1
        new = self._place.with_suffix(".new")
        new.write_text(json.dumps(counts, indent=1), encoding="utf-8")
        new.replace(self._place)

    def _read(self) -> dict[str, int]:
        try:
            found = json.loads(self._place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
