"""A venue's answer to the rows of its fact files, contract by contract, each one proved usable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lotwise.contracts.contract import Contract, FeeSchedule, FundingTerms
from lotwise.contracts.facts_file import NO_TIER, TIER_COLUMNS, UNKNOWN, FactRow, note_of
from lotwise.contracts.refresh.reader import VenueReader, tier_facts
from lotwise.contracts.refresh.reading import Contradiction, Raw
from lotwise.contracts.tiers import MarginTier
from lotwise.errors import InputError

DATED: Final = {
    "limits_as_of": ("min_quantity", "max_quantity", "max_market_quantity", "liquidation_fee"),
    "funding_as_of": ("funding_hours", "funding_cap", "funding_floor"),
    "sector_as_of": ("sector",),
}
"""Facts with a column for their own day: older ones may stand beside newer facts of the row."""
DEFAULT_FEES: Final = ("maker", "taker")
"""A venue's own schedule: where all its contracts have the same, a new one has it too."""
KEPT: Final = (*DEFAULT_FEES, "max_leverage")
"""Without a day of their own, but too important to lose: kept where not told, and the head says so."""
_UNCOUNTABLE: Final = {"UNIT-103", "UNIT-104", "UNIT-105", "CONTRACT-110", "CONTRACT-111", "CONTRACT-112"}
"""True facts, but finer or larger than lotwise counts."""


class Answer(NamedTuple):
    """What the venue said: the raw markets, and the raw tiers by the venue's symbol."""

    markets: Sequence[Raw]
    tiers: Mapping[str, Sequence[Raw]] | None
    """None: not asked for, because that needs a key."""


class InForce(NamedTuple):
    """The fact files that lookups read today; empty where a venue has none."""

    head: Sequence[str] = ()
    rows: Sequence[FactRow] = ()
    tier_head: Sequence[str] = ()
    tier_rows: Sequence[FactRow] = ()

    @property
    def day(self) -> str:
        """The newest snapshot, or nothing."""
        return note_of(self.head, "current")

    def listed(self) -> dict[str, FactRow]:
        """The rows of the newest snapshot by symbol."""
        return {row["symbol"]: row for row in self.rows if row["as_of"] >= self.day}

    def tables(self) -> dict[str, list[FactRow]]:
        """The newest tier table of every symbol that has one; see :data:`NO_TIER`."""
        found: dict[str, list[FactRow]] = {}
        for row in self.tier_rows:
            table = found.setdefault(row["symbol"], [])
            if table and table[0]["as_of"] < row["as_of"]:
                table.clear()
            if not table or table[0]["as_of"] == row["as_of"]:
                table.append(row)
        return {
            symbol: sorted(table, key=lambda row: int(row["tier"]))
            for symbol, table in found.items()
            if table[0]["tier"] != NO_TIER
        }


def merged(packaged: InForce, own: InForce) -> InForce:
    """Both files as a lookup sees them: of one day and symbol the user's own rows hold."""
    newer = own if own.day > packaged.day else packaged
    return InForce(
        newer.head,
        _laid_over(packaged.rows, own.rows),
        own.tier_head or packaged.tier_head,
        _laid_over(packaged.tier_rows, own.tier_rows),
    )


def _laid_over(packaged: Sequence[FactRow], own: Sequence[FactRow]) -> list[FactRow]:
    places = {(row["symbol"], row["as_of"]) for row in own}
    return [*(row for row in packaged if (row["symbol"], row["as_of"]) not in places), *own]


class Named(NamedTuple):
    """A contract that is not taken over, and why."""

    symbol: str
    reason: str


Kept = dict[str, list[str]]
"""Column to the days of the older facts that rows keep, one for each row."""


class Rebuilt(NamedTuple):
    """New rows by symbol, new tables where tiers were read, and what was not taken over."""

    rows: dict[str, FactRow]
    tiers: dict[str, list[FactRow]] | None
    refused: list[Named]
    """The answer contradicts itself."""
    left_out: list[Named]
    """True, but finer or larger than lotwise counts."""
    kept: Kept


def rebuild(venue: str, reader: VenueReader, answer: Answer, before: InForce, day: str) -> Rebuilt:
    """The rows of a day from an answer.

    Parameters
    ----------
    before
        The files in force: what the answer cannot tell is kept from them where the format can say so.
    day
        The day of the answer, ``YYYY-MM-DD``.
    """
    made = Rebuilt({}, None if answer.tiers is None else {}, [], [], {})
    older = _Older(before)
    tables = before.tables()
    seen: set[str] = set()
    for number, raw in enumerate(answer.markets, 1):
        symbol = str(raw.get("symbol") or f"contract {number} of the answer")
        try:
            told = reader.row(raw)
            if told is None:
                continue
            if symbol in seen:
                raise Contradiction("it stands twice in the answer")
            seen.add(symbol)
            given = (answer.tiers or {}).get(symbol, ())
            table = tier_facts(symbol, day, reader.tiers(raw, given)) if answer.tiers is not None else []
            if (told.get("maker", UNKNOWN) == UNKNOWN) != (told.get("taker", UNKNOWN) == UNKNOWN):
                raise Contradiction("one of its two fees is missing")
            if table and told.get("max_leverage", UNKNOWN) == UNKNOWN:
                told["max_leverage"] = table[0]["max_leverage"]
            row = older.complete(told, reader.rules, day, made.kept)
            contract_of(venue, row, table)
            if answer.tiers is not None and not table and symbol in tables:
                table = [
                    dict.fromkeys(TIER_COLUMNS, UNKNOWN) | {"symbol": symbol, "as_of": day, "tier": NO_TIER}
                ]
        except Contradiction as error:
            made.rows.pop(symbol, None)
            made.refused.append(Named(symbol, str(error)))
        except InputError as error:
            group = made.left_out if error.code in _UNCOUNTABLE else made.refused
            group.append(Named(symbol, f"{error.code} {error.message}"))
        else:
            made.rows[symbol] = row
            if made.tiers is not None and table:
                made.tiers[symbol] = table
    return made


class _Older:
    """What an answer does not tell and the files in force do."""

    def __init__(self, before: InForce) -> None:
        self._before = before
        self._listed = before.listed()
        self._common: FactRow = {}
        for column in DEFAULT_FEES:
            values = {row.get(column, UNKNOWN) for row in self._listed.values()}
            self._common[column] = values.pop() if len(values) == 1 else UNKNOWN

    def complete(self, told: FactRow, rules: FactRow, day: str, kept: Kept) -> FactRow:
        """The row with its days, the venue's rules, and older facts where the file can say so."""
        row = rules | {column: value for column, value in told.items() if value != UNKNOWN}
        row["as_of"] = day
        older = self._listed.get(row["symbol"], {})
        for day_column, group in DATED.items():
            if any(column in row for column in group):
                row[day_column] = day
            elif older.get(day_column, UNKNOWN) != UNKNOWN:
                row |= {column: older.get(column, UNKNOWN) for column in (*group, day_column)}
                for column in group:
                    if row[column] != UNKNOWN:
                        kept.setdefault(column, []).append(older[day_column])
        for column in KEPT:
            value = older.get(column, UNKNOWN)
            value = self._common.get(column, UNKNOWN) if value == UNKNOWN else value
            if column not in row and value != UNKNOWN:
                row[column] = value
                kept.setdefault(column, []).append(self._since(column))
        return row

    def _since(self, column: str) -> str:
        """The day a fact without its own day is from: one that was kept before is older than its row."""
        note = note_of(self._before.head, f"kept {self._before.day} {column}")
        return note.removeprefix("from ").partition(" ")[0] or self._before.day


def contract_of(venue: str, row: FactRow, table: Sequence[FactRow]) -> Contract:
    """The contract that a row and its tiers describe, as a lookup would build it.

    Raises
    ------
    InputError
        CONTRACT-1xx, UNIT-1xx: the facts contradict each other or cannot be counted.
    """
    facts = {column: value for column, value in row.items() if value != UNKNOWN}
    fees, funding = None, None
    if "maker" in facts and "taker" in facts:
        fees = FeeSchedule(maker=facts["maker"], taker=facts["taker"])
    if "funding_hours" in facts:
        cap, floor = facts.get("funding_cap"), facts.get("funding_floor")
        funding = FundingTerms(interval_hours=int(facts["funding_hours"]), cap=cap, floor=floor)
    texts = ("symbol", "base", "quote", "settle", "kind", "tick_size", "lot_size", "contract_size")
    numbers = ("min_quantity", "max_quantity", "max_market_quantity", "min_notional", "max_leverage")
    others = ("leverage_step", "maintenance_rule", "liquidation_fee", "listed", "expiry", "sector")
    given: dict[str, object] = {name: facts[name] for name in (*texts, *numbers, *others) if name in facts}
    for name in ("margin_holds_closing_fee", "liquidation_holds_closing_fee", "clearing"):
        given[name] = facts.get(name) == "yes"
    given["tiers"] = [_tier(one) for one in table]
    return Contract(venue=venue, fees=fees, funding=funding, **given)  # type: ignore[arg-type]


def _tier(row: FactRow) -> MarginTier:
    leverage, cap = row["max_leverage"], row["notional_cap"]
    return MarginTier(
        notional_floor=row["notional_floor"],
        notional_cap=None if cap == UNKNOWN else cap,
        max_leverage="1" if leverage == UNKNOWN else leverage,
        maintenance_rate=row["maintenance_rate"],
        cumulative=row["cumulative"],
    )
