"""Faults on demand: what a client must survive, planned through the admin port or a file.

Two sorts: faults of the connection are used up by the requests and messages that they hit; changes of the
market (:mod:`lotwise.exchange.changes`) rewrite its events from a moment on.
"""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lotwise.errors import InputError
from lotwise.exchange.changes import BOUNDS, CHANGES, Change

if TYPE_CHECKING:
    from lotwise.exchange.market import Market

KINDS: Final = {
    "latency": "answer so many ms later",
    "timeout": "do what is asked, then answer that nobody knows whether it was done",
    "reject": "refuse with this code, doing nothing",
    "limit": "HTTP 429: too many requests; value: seconds to wait",
    "ban": "HTTP 418: banned for so many seconds",
    "maintenance": "HTTP 503 for everything",
    "skew": "the server's clock is off by so many ms, until another skew",
    "duplicate": "every event of a private stream twice",
    "reorder": "the events of one step in the opposite order",
    "drop": "close this many sockets at the next message, 0: all",
}
"""Kind to what it does; ``value`` is what the words count."""
MOST: Final = 100
ENDLESS: Final = -1
MOST_FILE: Final = 100_000
"""Bytes of a file of faults."""
NO_END: Final = 2**62


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One planned fault: so many times, for requests whose path has this part, in this time of the market."""

    kind: str
    value: int = 0
    count: int = 1
    """How often; -1 until it is taken back or its time is over. Of changes, fundings only."""
    path: str = ""
    contract: str = ""
    """Of a change; nothing: all."""
    from_event: int = 0
    """Not before so many events of the market were played."""
    until_event: int = 0
    """0: no end."""
    from_ms: int = 0
    """Not before this time of the market."""
    until_ms: int = 0

    def is_due(self, position: int, now_ns: int) -> bool:
        """Whether its time has come, and is not over."""
        begun = position >= self.from_event and now_ns >= self.from_ms * 10**6
        return begun and not self.is_over(position, now_ns)

    def is_over(self, position: int, now_ns: int) -> bool:
        """Whether its time is over."""
        return 0 < self.until_event <= position or 0 < self.until_ms * 10**6 <= now_ns


class Faults:
    """The plan; each fault is used up by what it hits.

    Parameters
    ----------
    market
        Whose events and time the plan goes by, and which changes are made to; None: no time, no changes.
    """

    def __init__(self, market: Market | None = None) -> None:
        self.plan: list[Fault] = []
        self._market = market

    def add(self, fault: Fault, script: str = "") -> None:
        """Plan a fault, or change the market.

        Raises
        ------
        InputError
            EXCHANGE-120 a kind that is none, a count of nothing, a value out of range, or too many planned;
            EXCHANGE-151 a change without a market, of a contract that is none, or out of range.
        """
        _check_time(fault)
        if fault.kind in CHANGES:
            self._change(fault, script)
            return
        least = -86_400_000 if fault.kind in ("skew", "reject") else 0
        good = fault.kind in KINDS and (fault.count > 0 or fault.count == ENDLESS)
        if not good or not least <= fault.value <= 86_400_000 or len(self.plan) >= MOST:
            known = ", ".join((*KINDS, *CHANGES))
            raise InputError(
                "EXCHANGE-120",
                f"fault {fault.kind[:20]!r} with count {fault.count} and value {fault.value}",
                f"one of {known}; count above 0, or -1; value within a day of ms; {MOST} at most",
            )
        self.plan.append(fault)

    def _change(self, fault: Fault, script: str) -> None:
        market = self._market
        least, most = BOUNDS[fault.kind]
        names = () if market is None else tuple(market.names)
        good = fault.contract in ("", *names) and (fault.count > 0 or fault.count == ENDLESS)
        if market is None or not good or not least <= fault.value <= most or len(market.changes) >= MOST:
            raise InputError(
                "EXCHANGE-151",
                f"{fault.kind} of {fault.contract[:20] or 'all contracts'} with value {fault.value}",
                f"{CHANGES[fault.kind]}: {least:,} to {most:,}; a contract of {', '.join(names)}; count above"
                f" 0, or -1; {MOST} changes at most in the life of a state",
            )
        market.change(
            Change(
                kind=fault.kind,
                value=fault.value,
                contract=market.names.get(fault.contract, -1),
                count=fault.count,
                from_event=fault.from_event,
                from_ns=fault.from_ms * 10**6,
                until_event=fault.until_event,
                until_ns=fault.until_ms * 10**6,
                script=script,
            )
        )

    def clear(self) -> None:
        """Take back all faults of the connection; changes of the market are history and stay."""
        self.plan.clear()

    def take(self, kind: str, path: str = "") -> int | None:
        """The value of the first planned fault of a kind that hits a path now, used once; None: none."""
        if not self.plan:
            return None
        position, now_ns = (self._market.position, self._market.now_ns) if self._market else (NO_END, NO_END)
        for fault in list(self.plan):
            if self._market and fault.is_over(position, now_ns):
                self.plan.remove(fault)
            elif fault.kind == kind and fault.path in path and fault.is_due(position, now_ns):
                if fault.count != ENDLESS:
                    fault.count -= 1
                    if fault.count == 0:
                        self.plan.remove(fault)
                return fault.value
        return None


def _check_time(fault: Fault) -> None:
    times = (fault.from_event, fault.until_event, fault.from_ms, fault.until_ms)
    turned = (0 < fault.until_event <= fault.from_event) or (0 < fault.until_ms <= fault.from_ms)
    if min(times) < 0 or max(times) > NO_END // 10**6 or turned:
        raise InputError(
            "EXCHANGE-151",
            f"{fault.kind[:20]} from event {fault.from_event} to {fault.until_event}, from {fault.from_ms} to"
            f" {fault.until_ms} ms",
            "times above 0, the end after the beginning; an end of 0 is none",
        )


def scripted(path: Path) -> list[tuple[Fault, str]]:
    """The faults of a file, each with the text that it is known by.

    The file is TOML: tables ``[[fault]]`` with the fields of :class:`Fault`, and ``from`` and ``until`` as
    times with a zone in place of ``from_ms`` and ``until_ms``.

    Raises
    ------
    InputError
        EXCHANGE-150 the file cannot be read, or is none of faults.
    """
    hint = 'as [[fault]]  kind = "latency"  value = 200  from = 2025-01-06T01:30:00Z'
    try:
        body = path.read_bytes()
        if len(body) > MOST_FILE:
            raise ValueError(f"{len(body):,} bytes, at most {MOST_FILE:,}")
        found = tomllib.loads(body.decode())
        rows = found.pop("fault", [])
        if found or not isinstance(rows, list) or not rows:
            raise ValueError(f"no tables [[fault]], or others: {', '.join(found)}")
        faults = []
        for number, row in enumerate(rows):
            plain = _plain(row)
            text = json.dumps([number, plain], sort_keys=True)
            faults.append((msgspec.convert(plain, type=Fault), text))
        return faults
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise InputError("EXCHANGE-150", f"{path} is no file of faults: {error}", hint) from error


def _plain(row: Any) -> dict[str, Any]:
    """A table with its times in ms."""
    if not isinstance(row, dict):
        raise ValueError("a fault is a table")
    found = dict(row)
    for name in ("from", "until"):
        if name not in found:
            continue
        at = found.pop(name)
        if not isinstance(at, datetime) or at.tzinfo is None or f"{name}_ms" in found:
            raise ValueError(f"{name} is a time with a zone, once: {name} = 2025-01-06T01:30:00Z")
        since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        found[f"{name}_ms"] = (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
    return found
