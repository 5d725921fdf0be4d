"""A PostgreSQL server of a test's own: in a temporary folder, on a free port, stopped at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USERS = ("postgres", "nobody")
"""Who may run a server where the tests run as root, which PostgreSQL refuses."""


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
    pytest.skip("PostgreSQL does not run as root, and there is no user to run it as")


@contextmanager
def server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address and its process; the test is skipped with the reason where there is no PostgreSQL."""
    initdb, postgres = _binary("initdb"), _binary("postgres")
    if not initdb or not postgres:
        pytest.skip("there is no PostgreSQL server on this machine (initdb and postgres)")
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
        process = subprocess.Popen(
            [postgres, "-D", str(data), *flags],
            user=user,
            cwd=name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            for line in process.stderr or ():
                if b"ready to accept connections" in line:
                    break
            else:
                pytest.fail("PostgreSQL did not start")
            yield f"postgresql://lot@127.0.0.1:{port}/postgres", process
        finally:
            if process.poll() is None:
                process.terminate()  # a smart shutdown would wait for clients; they are closed by now
            process.wait(timeout=60)
            if process.stderr:
                process.stderr.close()


def emptied(url: str) -> str:
    """The address, after everything in its database is dropped."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url
