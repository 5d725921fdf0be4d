"""What can go wrong with a database, told by what the driver says; nothing is half written after any of it.

========== =============================================================================
STORE-101  the address cannot be a database
STORE-102  the packages are not installed
STORE-103  the disk is full
STORE-104  another program holds the database for too long
STORE-105  the database is gone: the file was removed, the server does not answer
STORE-106  it was made by a newer lotwise
STORE-107  it may not be written
STORE-108  it is damaged, or no database at all
STORE-109  a row would be changed that may not be: the tables only grow
STORE-110  anything else the database refuses
STORE-111  what is to be kept has a form that cannot be kept
========== =============================================================================
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from lotwise.errors import LotwiseError

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError


class StoreError(LotwiseError):
    """The database did not do what it was asked; what it said was kept before is kept."""


_SQLITE: Final = {
    sqlite3.SQLITE_FULL: "STORE-103",
    sqlite3.SQLITE_BUSY: "STORE-104",
    sqlite3.SQLITE_LOCKED: "STORE-104",
    sqlite3.SQLITE_CANTOPEN: "STORE-105",
    sqlite3.SQLITE_READONLY: "STORE-107",
    sqlite3.SQLITE_PERM: "STORE-107",
    sqlite3.SQLITE_CORRUPT: "STORE-108",
    sqlite3.SQLITE_NOTADB: "STORE-108",
}
"""By primary result code. Source: SQLite, "Result and Error Codes"."""
SQLITE_PRIMARY: Final = 0xFF
"""The low byte of an extended result code is the primary one. Source: the same page, section 2."""
_POSTGRES: Final = {
    "53100": "STORE-103",
    "55P03": "STORE-104",
    "40P01": "STORE-104",
    "57P01": "STORE-105",
    "57P02": "STORE-105",
    "57P03": "STORE-105",
    "3D000": "STORE-105",
    "42501": "STORE-107",
    "25006": "STORE-107",
    "28P01": "STORE-107",
    "28000": "STORE-107",
    "XX001": "STORE-108",
    "XX002": "STORE-108",
}
"""By SQLSTATE. Source: PostgreSQL 15, appendix A."""
_SAID: Final = {
    "STORE-103": (
        "the disk is full",
        "make room; what was there before is still there, this was not written",
    ),
    "STORE-104": ("another program holds it", "try again when the other program is done"),
    "STORE-105": (
        "it is gone or does not answer",
        "see that the file or the server is there, then try again",
    ),
    "STORE-107": ("it may not be written or read", "see whose it is, or name another"),
    "STORE-108": ("it is damaged, or no database of lotwise", "restore it from a copy, or name another"),
    "STORE-109": ("a kept row may not be changed", "write a new row that says what is now so"),
    "STORE-110": ("it refuses", "the words of the database are above"),
}


def failure(error: SQLAlchemyError, name: str) -> StoreError:
    """The coded error of what a driver raised; ``name`` is the database, without its password."""
    cause = getattr(error, "orig", None)
    words = " ".join(str(cause or error).split())
    code = _code(error, cause, words)
    what, hint = _SAID[code]
    return StoreError(code, f"the database {name}: {what} ({words[:200]})", hint)


def _code(error: SQLAlchemyError, cause: BaseException | None, words: str) -> str:
    if "only grows" in words:
        return "STORE-109"
    number = getattr(cause, "sqlite_errorcode", None)
    if number is not None:
        return _SQLITE.get(number & SQLITE_PRIMARY, "STORE-110")
    state = getattr(cause, "sqlstate", None)
    if state:
        return "STORE-105" if state.startswith("08") else _POSTGRES.get(state, "STORE-110")
    if "password" in words or "authentication" in words:
        return "STORE-107"
    dropped = getattr(error, "connection_invalidated", False)
    return "STORE-105" if dropped or type(cause).__name__ == "OperationalError" else "STORE-110"
