"""Raw answers side by side: another client's and ccxt's, field by field, as text."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """An answer with every number as text, as ccxt gives it."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    return str(value)


def count(value: Any) -> int:
    """How many texts an answer holds."""
    if isinstance(value, dict):
        return sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, list) else 1


class Compared:
    """Compares answers and counts what was compared."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values = 0

    def same(self, what: str, got: Any, other: Any) -> None:
        """Both clients were told the same, and it is something."""
        mine, theirs = plain(got), plain(other)
        assert mine == theirs, f"{self.name}: {what}:\n{mine}\n{theirs}"
        found = count(plain(got))
        assert found > 0, f"{self.name}: {what}: nothing was told"
        self.values += found
        print(f"{self.name} | {what} | {found} values")
