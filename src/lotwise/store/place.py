"""Where the database is: a file that is its owner's alone, or a PostgreSQL server named by URL."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.errors import InputError
from lotwise.store.failures import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_POSTGRES: Final = ("postgresql", "postgres", "postgresql+psycopg")


def own_place() -> str:
    """The user's database: ``LOTWISE_JOURNAL`` (a file or a URL), else a file in the user's data folder."""
    if chosen := os.environ.get("LOTWISE_JOURNAL"):
        return chosen
    data = os.environ.get("XDG_DATA_HOME")
    base = Path(data) if data else Path.home() / ".local" / "share"
    return str(base / "lotwise" / "journal" / "journal.sqlite")


def url_of(place: str | Path) -> tuple[URL, Path | None]:
    """The address, and the file where it is one.

    Raises
    ------
    InputError
        STORE-101 a URL that is neither SQLite nor PostgreSQL, or a place where no file can be.
    """
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    text = str(place)
    if "://" not in text:
        path = Path(text).expanduser().absolute()
        return URL.create("sqlite", database=str(path)), path
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError(
            "STORE-101",
            "the address of the database cannot be read",
            "write postgresql://user:password@host:5432/database, or a file",
        ) from None
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        path = Path(str(url.database)).absolute()
        return url.set(database=str(path)), path
    if url.drivername not in _POSTGRES:
        raise InputError(
            "STORE-101",
            f"{url.drivername} is no database that lotwise keeps things in",
            "write postgresql://user:password@host:5432/database, or a file",
        )
    return url.set(drivername="postgresql+psycopg"), None


def make_private(path: Path) -> None:
    """Make the file, and its folder where there is none, readable and writable by the owner alone.

    Raises
    ------
    StoreError
        STORE-107 where it may not be written.
    InputError
        STORE-101 where a folder stands in place of the file, or a file in place of the folder.
    """
    if path.is_dir():
        raise InputError("STORE-101", f"{path} is a folder", f"name a file, e.g. {path / 'journal.sqlite'}")
    try:
        for folder in reversed([one for one in path.parents if not one.exists()]):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(FILE_MODE)
    except (NotADirectoryError, FileExistsError):
        raise InputError(
            "STORE-101", f"{path} cannot be: a file stands where a folder is needed", "name another file"
        ) from None
    except OSError as error:
        raise StoreError(
            "STORE-107", f"{path} cannot be written: {error.strerror}", "name a file of your own"
        ) from error
