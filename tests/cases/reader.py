"""Read a ``.case`` table: plain text that a trader can check by eye.

* ``#`` starts a comment line; the comments explain every column and name the sources.
* The first line that is not a comment names the columns; every further line is one case.
* Fields are separated by blanks, so no field holds one; ``-`` stands for "not stated" or "not applicable".
* The first column identifies the line and is unique in the table.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
SUFFIX = ".case"


class CaseTableError(ValueError):
    """A table that cannot be read: what is wrong, in which line."""


def read_cases(name: str, folder: Path = FOLDER) -> list[dict[str, str]]:
    """Return the lines of the table `name` (without ``.case``) as dictionaries by column.

    Raises
    ------
    CaseTableError
        A line has more or fewer fields than there are columns, a column or an identifier stands twice, or the
        table has no line at all.
    """
    path = folder / f"{name}{SUFFIX}"
    columns: list[str] = []
    cases: dict[str, dict[str, str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split()
        where = f"{path.name} line {number}"
        if not fields or fields[0].startswith("#"):
            continue
        if not columns:
            columns = _columns(fields, where)
            continue
        if len(fields) != len(columns):
            raise CaseTableError(f"{where} has {len(fields)} fields; the table has {len(columns)} columns")
        if fields[0] in cases:
            raise CaseTableError(f"{where} repeats {columns[0]} {fields[0]}")
        cases[fields[0]] = dict(zip(columns, fields, strict=True))
    if not cases:
        raise CaseTableError(f"{path.name} holds no case")
    return list(cases.values())


def _columns(fields: list[str], where: str) -> list[str]:
    """Return the column names; each may stand once."""
    if len(set(fields)) != len(fields):
        raise CaseTableError(f"{where} names a column twice")
    return fields
