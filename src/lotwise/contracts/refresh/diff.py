"""What a refresh changes: contracts added and removed, and field by field what else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from lotwise.contracts.facts_file import COLUMNS, NO_TIER, UNKNOWN, FactRow
from lotwise.contracts.refresh.rebuild import InForce, Rebuilt

_DAYS: Final = ("as_of", "limits_as_of", "funding_as_of", "sector_as_of")
_COMPARED: Final = tuple(column for column in COLUMNS if column not in ("symbol", *_DAYS))
_TIER_FIELDS: Final = ("notional_floor", "notional_cap", "max_leverage", "maintenance_rate", "cumulative")


class Change(NamedTuple):
    """One field of one contract; ``-`` is unknown."""

    symbol: str
    field: str
    before: str
    after: str


class Diff(NamedTuple):
    """Everything that another day's facts say differently."""

    added: list[str]
    removed: list[str]
    changed: list[Change]
    tiers: list[Change]
    same: int
    """Contracts with the same facts and the same tiers."""

    @property
    def counts(self) -> dict[str, int]:
        """Contracts by what happens to them; ``changed`` and ``tiers`` may hold the same ones."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len({change.symbol for change in self.changed}),
            "tiers": len({change.symbol for change in self.tiers}),
            "same": self.same,
        }

    def fields(self) -> dict[str, int]:
        """How many contracts change in each field, the rarest first."""
        found: dict[str, int] = {}
        for change in self.changed:
            found[change.field] = found.get(change.field, 0) + 1
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "added": self.added,
            "removed": self.removed,
            "changed": [change._asdict() for change in self.changed],
            "tiers": [change._asdict() for change in self.tiers],
        }


def compare(before: InForce, after: Rebuilt) -> Diff:
    """The newest snapshot in force against the rebuilt rows.

    A contract whose new facts were refused is neither added nor removed here: it is in
    ``after.refused``. Days are not compared.
    """
    old, new = before.listed(), after.rows
    set_aside = {named.symbol for named in (*after.refused, *after.left_out)}
    both = sorted(old.keys() & new.keys())
    changed = [change for symbol in both for change in _fields(symbol, old[symbol], new[symbol])]
    tiers = [] if after.tiers is None else _tables(before.tables(), after.tiers, both)
    touched = {change.symbol for change in (*changed, *tiers)}
    return Diff(
        added=sorted(new.keys() - old.keys()),
        removed=sorted(old.keys() - new.keys() - set_aside),
        changed=changed,
        tiers=tiers,
        same=len([symbol for symbol in both if symbol not in touched]),
    )


def _fields(symbol: str, old: FactRow, new: FactRow) -> list[Change]:
    return [
        Change(symbol, column, old.get(column, UNKNOWN), new.get(column, UNKNOWN))
        for column in _COMPARED
        if old.get(column, UNKNOWN) != new.get(column, UNKNOWN)
    ]


def _tables(
    old: Mapping[str, Sequence[FactRow]], new: Mapping[str, Sequence[FactRow]], symbols: Sequence[str]
) -> list[Change]:
    changes = []
    for symbol in symbols:
        was, now = old.get(symbol, ()), new.get(symbol, ())
        if now and now[0]["tier"] == NO_TIER:
            now = ()
        if not was or not now:
            if was or now:
                changes.append(Change(symbol, "tiers", _number(was), _number(now)))
            continue
        for number in range(max(len(was), len(now))):
            one = was[number] if number < len(was) else {}
            two = now[number] if number < len(now) else {}
            for field in _TIER_FIELDS:
                values = one.get(field, UNKNOWN), two.get(field, UNKNOWN)
                if values[0] != values[1]:
                    changes.append(Change(symbol, f"tier {number + 1} {field}", *values))
    return changes


def _number(table: Sequence[FactRow]) -> str:
    return str(len(table)) if table else UNKNOWN
