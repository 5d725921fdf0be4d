"""The tables of a session's TOML file, and where in the file a mistake stands."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar, get_args

import msgspec

from lotwise.errors import InputError, LotwiseError

Where = Literal["paper", "demo", "live"]
Event = Literal["fill", "stop", "lock", "error", "session"]
EVENTS: Final[tuple[Event, ...]] = get_args(Event)
Read = TypeVar("Read")


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are refused."""


class StrategyTable(Table, frozen=True, kw_only=True):
    """``[strategy]``."""

    name: str
    settings: dict[str, int | float | str | bool] = {}


class PolicyTable(Table, frozen=True, kw_only=True):
    """``[policy]``: what is done when something goes wrong."""

    naked: str = "5s"
    stop_gone: Literal["replace", "flatten"] = "replace"
    trigger: Literal["last", "mark"] = "last"
    unfilled: Literal["keep", "cancel"] = "keep"
    unfilled_after: str = "60s"
    at_end: Literal["keep", "flatten"] = "keep"
    check: str = "10s"
    skew: str = "2s"


class FeedTable(Table, frozen=True, kw_only=True):
    """``[feed]``: how the market is heard."""

    source: Literal["poll", "stream"] = "poll"
    every: str = "2s"
    stale: str = "30s"
    warm_up: int = 200


class NotifyTable(Table, frozen=True, kw_only=True):
    """``[notify]``: who is told."""

    addresses: list[str] = []
    from_environment: str = ""
    about: list[Event] = msgspec.field(default_factory=lambda: [*EVENTS])


class PaperTable(Table, frozen=True, kw_only=True):
    """``[paper]``: the exchange on this machine, as ``lotwise exchange`` prints it."""

    exchange: str = "http://127.0.0.1:8610"
    admin: str = "http://127.0.0.1:8611"
    lockstep: bool = False


class LiveTable(Table, frozen=True, kw_only=True):
    """``[live]``: what must be true before real money is at risk."""

    paper_trades: int = 20


class FileTable(Table, frozen=True, kw_only=True):
    """The whole file."""

    account: str
    venue: Literal["binance", "bybit", "bingx", "mexc", "weex"]
    where: Where
    contracts: list[str]
    strategy: StrategyTable
    bar: str = "5m"
    risk: str = "1%"
    leverage: str | int | float = "10"
    margin: Literal["isolated", "cross"] = "isolated"
    slippage: str = "0t"
    folder: str = ""
    guard: dict[str, Any] | None = None
    guard_file: str = ""
    plan: str = ""
    policy: PolicyTable = PolicyTable()
    feed: FeedTable = FeedTable()
    notify: NotifyTable = NotifyTable()
    paper: PaperTable = PaperTable()
    live: LiveTable = LiveTable()


class Lines:
    """Which line of a TOML text each key stands in."""

    def __init__(self, text: str) -> None:
        self._found: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
                table = header[1] + "."
                self._found.setdefault(header[1], number)
            elif key := re.match(r"\s*[\"']?([\w-]+(?:\.[\w-]+)*)[\"']?\s*=", line):
                self._found.setdefault(table + key[1], number)

    def of(self, key: str) -> int:
        """Line of a key, or of the nearest table around it; 0: it is not there."""
        while key:
            if key in self._found:
                return self._found[key]
            key = key.rpartition(".")[0]
        return 0


class Place:
    """A file and its lines, for errors."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self._lines = name, Lines(text)

    def at(self, key: str) -> str:
        """``trade.toml, line 4, policy.naked``."""
        line = self._lines.of(key)
        return f"{self.name}, line {line}, {key}" if line else f"{self.name}, {key}"

    def error(self, code: str, key: str, message: str, hint: str) -> InputError:
        """The error of a key."""
        return InputError(code, f"{self.at(key)}: {message}", hint)

    def read(self, key: str, function: Callable[[object, str], Read], value: object) -> Read:
        """A value through its reader; what that refuses gets the line.

        Raises
        ------
        InputError
            TRADE-105.
        """
        try:
            return function(value, key.rpartition(".")[2])
        except LotwiseError as error:
            raise self.error("TRADE-105", key, error.message, error.hint) from error


def checked(found: Mapping[str, Any], place: Place) -> FileTable:
    """The file with its types; the first mistake by line and key."""
    try:
        return msgspec.convert(found, FileTable)
    except msgspec.ValidationError as error:
        words, _, where = str(error).partition(" - at `")
        key = re.sub(r"\[\.\.\.\]|\[\d+\]", "", where.rstrip("`").removeprefix("$").lstrip("."))
        if unknown := re.search(r"unknown field `(.+)`", words):
            full = f"{key}.{unknown[1]}" if key else unknown[1]
            known = _keys(key)
            near = difflib.get_close_matches(unknown[1], known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise place.error("TRADE-103", full, "there is no such key", hint) from error
        if missing := re.search(r"missing required field `(.+)`", words):
            full = f"{key}.{missing[1]}" if key else missing[1]
            hint = "`lotwise init` writes a file with every key"
            raise place.error("TRADE-104", full, "it is missing", hint) from error
        choices = _choices(key)
        hint = f"one of {', '.join(choices)}" if choices else "`lotwise init` shows how each is written"
        raise place.error("TRADE-104", key or "file", words[:1].lower() + words[1:], hint) from error


def _table_of(key: str) -> type[Table]:
    tables = {name: type_ for name, type_ in FileTable.__annotations__.items() if name in _TABLES}
    return _TABLES[key] if key in tables else FileTable


_TABLES: Final[dict[str, type[Table]]] = {
    "strategy": StrategyTable,
    "policy": PolicyTable,
    "feed": FeedTable,
    "notify": NotifyTable,
    "paper": PaperTable,
    "live": LiveTable,
}


def _keys(table: str) -> tuple[str, ...]:
    return _table_of(table).__struct_fields__


def _choices(key: str) -> tuple[str, ...]:
    """What a key may be, where only few words are allowed."""
    table, _, name = key.rpartition(".")
    for field in msgspec.inspect.type_info(_table_of(table)).fields:  # type: ignore[attr-defined]
        if field.name == name:
            kind = field.type.item_type if isinstance(field.type, msgspec.inspect.ListType) else field.type
            return tuple(map(str, kind.values)) if isinstance(kind, msgspec.inspect.LiteralType) else ()
    return ()
