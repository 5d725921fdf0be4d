"""Making, keeping and naming a state: the two bodies, save and restore, the state hash.

A snapshot is the rows' integers; nothing else is in a state, so restore and go on is the same as going
on. The hash is over these integers and does not know in which body they stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

from lotwise.kernel.layout import Row, TierRow, array_of
from lotwise.kernel.state import (
    EXITS,
    AccountRow,
    BracketRow,
    ContractRow,
    LogRow,
    MarketRow,
    OrderRow,
    State,
)

KINDS: Final[tuple[type[Row], ...]] = (
    AccountRow,
    ContractRow,
    MarketRow,
    TierRow,
    OrderRow,
    BracketRow,
    LogRow,
)
"""The row of each part of a state, in its order."""

ORDER_SLOTS: Final = 32
"""Orders a trader may have at once unless said otherwise."""
FIRST_LEVERAGE100: Final = 2_000
"""20x: what Binance sets for an account that never chose. Source: USD-M, "Change Initial Leverage"."""


def new_state(
    contracts: Sequence[ContractRow],
    tiers: Sequence[TierRow],
    slots: int = ORDER_SLOTS,
    log_rows: int = 0,
    leverage100: int = FIRST_LEVERAGE100,
    call_ratio8: int = 0,
) -> State:
    """An account without money, orders or positions, as plain Python rows.

    Parameters
    ----------
    contracts
        Facts and choices; ``first_tier`` and ``end_tier`` name the contract's rows of ``tiers``.
    tiers
        Margin tiers of all contracts, one contract's after the other's.
    slots
        Orders the trader may have at once, exits of brackets apart.
    log_rows
        Happenings that are kept; later ones are counted only.
    leverage100
        Leverage of every contract in hundredths.
    call_ratio8
        Share of the balance that maintenance margin reaches at a margin call; 0: none is said.
    """
    count = len(contracts)
    return State(
        account=[AccountRow(next_order_id=1, call_ratio8=call_ratio8)],
        contracts=list(contracts),
        markets=[MarketRow(leverage100=leverage100, room_lots=-1) for _ in range(count)],
        tiers=list(tiers),
        orders=[OrderRow() for _ in range(slots + EXITS * count)],
        brackets=[BracketRow() for _ in range(count)],
        log=[LogRow() for _ in range(log_rows)],
    )


def compiled_body(state: State) -> State:
    """The state as structured arrays, for compiled rules."""
    from lotwise.rule_handle import by_address

    by_address(State)
    return State(*(array_of(kind, rows) for kind, rows in zip(KINDS, state, strict=True)))


def plain_body(state: State) -> State:
    """The state as Python rows, whatever it was: a copy."""
    return restore(save(state))


def _integers(kind: type[Row], rows: Any) -> list[tuple[int, ...]]:
    """The rows of a part, each as its integers, whatever body they have."""
    if isinstance(rows, list):
        return list(map(attrgetter(*kind.__slots__), rows))
    found: list[tuple[int, ...]] = rows.tolist()
    return found


def state_hash(state: State) -> str:
    """Name of a state, the same in both bodies; the log is not part of it."""
    parts = [_integers(kind, rows) for kind, rows in zip(KINDS[:-1], state[:-1], strict=True)]
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def save(state: State) -> dict[str, list[list[int]]]:
    """The state as lists of integers by part, for JSON or a file."""
    parts = zip(State._fields, KINDS, state, strict=True)
    return {name: list(map(list, _integers(kind, rows))) for name, kind, rows in parts}


def restore(saved: dict[str, list[list[int]]]) -> State:
    """The state that :func:`save` kept, as Python rows."""
    parts: dict[str, Any] = {}
    for name, kind in zip(State._fields, KINDS, strict=True):
        parts[name] = [kind(**dict(zip(kind.__slots__, row, strict=True))) for row in saved[name]]
    return State(**parts)
