"""One session on an account of a venue, whatever folder it keeps its state in.

Two sessions on one account would take each other's orders for leftovers, and each would count only its own
trades in its limits. An account is known by the name in the file and by the key that reaches it: two files
with other names and one key are one account. On another machine nobody can see it (docs/recovery.md).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path

from lotwise.app.trade_config import TradeConfig, state_place
from lotwise.errors import InputError


def names_of(config: TradeConfig, environment: Mapping[str, str]) -> tuple[str, str]:
    """Under which an account is locked: by its name, and by a fingerprint of its key.

    Raises
    ------
    InputError
        BROKER-130, BROKER-135 no keys.
    """
    from lotwise.broker.ccxt_venue.keys import find_keys

    place = f"{config.venue}-{config.where}"
    keys = find_keys(config.venue, config.where, environment)
    if config.where == "paper":  # every exchange of this machine has accounts of its own
        place += "-" + blake2b(config.paper.exchange.encode(), digest_size=4).hexdigest()
    return f"{place}-{config.account}", f"{place}-key-{keys.fingerprint()}"


@contextmanager
def account_taken(config: TradeConfig, environment: Mapping[str, str]) -> Iterator[str]:
    """One session at a time on an account; yields where the last one kept its state, if it was elsewhere.

    Raises
    ------
    InputError
        TRADE-150 another session runs on it; BROKER-130, BROKER-135; TRADE-113.
    """
    import fcntl

    elsewhere = ""
    with ExitStack() as held:
        for name in names_of(config, environment):
            path = _file(name)
            lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            held.callback(os.close, lock)
            before = _told(path)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(
                    "TRADE-150",
                    f"a session runs on this account of {config.venue} already, in {before or 'a folder'}",
                    "one account, one session: end it first, or trade another account with keys of its own",
                ) from None
            if before and Path(before) != config.folder.absolute():
                elsewhere = before
            os.ftruncate(lock, 0)
            os.pwrite(lock, json.dumps({"folder": str(config.folder.absolute())}).encode(), 0)
        yield elsewhere


def runs_in(config: TradeConfig, environment: Mapping[str, str]) -> list[Path]:
    """Folders of sessions that run on the account now: a kill switch must reach them wherever they are."""
    import fcntl

    found: list[Path] = []
    for name in names_of(config, environment):
        path = _file(name)
        if not path.exists():
            continue
        lock = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            folder = _told(path)
            if folder and Path(folder) not in found:
                found.append(Path(folder))
        finally:
            os.close(lock)
    return found


def _file(name: str) -> Path:
    folder = state_place() / "accounts"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(
            "TRADE-113",
            f"{folder} cannot be made: {error.strerror}",
            "set XDG_DATA_HOME to a folder of yours",
        ) from error
    return folder / f"{name}.lock"


def _told(path: Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return str(found["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
