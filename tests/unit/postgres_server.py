"""A PostgreSQL server of a test's own: in a temporary folder, on a free port, stopped at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import NoReturn

import pytest

USERS = ("postgres", "nobody")
"""Who may run a server where the tests run as root, which PostgreSQL refuses."""

TRIES = 40


def _binary(name: str) -> str | None:
    """``initdb`` or ``postgres``, in the path or where Debian keeps them."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


def _user() -> str | None:
    if os.getuid() != 0:
        return None
    for name in USERS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    _lacking("PostgreSQL does not run as root, and there is no user to run it as")


def _lacking(reason: str) -> NoReturn:
    """Skip the test; where a server must be there, as ``.ci/run`` says, fail it."""
    if os.environ.get("LOTWISE_POSTGRES") == "must":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address and its process; the test is skipped with the reason where there is no PostgreSQL."""
    initdb, postgres = _binary("initdb"), _binary("postgres")
    if not initdb or not postgres:
        _lacking("there is no PostgreSQL server on this machine (initdb and postgres)")
    user = _user()
    with tempfile.TemporaryDirectory(prefix="lotwise-pg-") as name:
        folder, data = Path(name), Path(name) / "data"
        if user:
            shutil.chown(folder, user)
        made = [initdb, "-D", str(data), "-U", "lot", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd=name, timeout=120)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = [f"listen_addresses=127.0.0.1 port={port}", f"unix_socket_directories={name} fsync=off"]
        flags = [part for line in settings for one in line.split(" ") for part in ("-c", one)]
        process = _started([postgres, "-D", str(data), *flags], user, name)
        with _ended(process):
            if not _is_ready(process):
                pytest.fail("PostgreSQL did not start")
            yield f"postgresql://lot@127.0.0.1:{port}/postgres", process


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """At the end the server is gone, whoever is still connected."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # fast: a smart shutdown would wait for the clients
        process.wait(timeout=60)
        if process.stderr:
            process.stderr.close()


def _started(command: list[str], user: str | None, folder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _is_ready(process: subprocess.Popen[bytes]) -> bool:
    return any(b"ready to accept connections" in line for line in process.stderr or ())


@contextmanager
def restarted(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A server that died, started again over the same data."""
    command = [str(part) for part in process.args]  # type: ignore[union-attr]
    data = Path(command[command.index("-D") + 1])
    for _ in range(TRIES):  # what the dead one started may still hold its memory for a moment
        (data / "postmaster.pid").unlink(missing_ok=True)
        with _ended(_started(command, _user(), str(data.parent))) as found:
            if _is_ready(found):
                yield
                return
        Event().wait(0.25)
    pytest.fail("PostgreSQL did not start again")


def emptied(url: str) -> str:
    """The address, after everything in its database is dropped."""
    import psycopg

    # a test that failed may have left a connection open: it is ended, and the next test does not wait for it
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"{others} = current_database()")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url
