"""The kernel's picture in the words of the reference, and what a history has met."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from lotwise.kernel import answers
from lotwise.kernel import state as s
from tests.reference.venue import Venue
from tests.twins.histories import SLOTS, History

HIDDEN: Final = {"end_slot", "logged", "reduced"}
"""Fields that are the kernel's own."""
BOOKS: Final = ("cross", "fees", "funding", "insurance", "outside", "trades", "positions")
CODES: Final = {value: name for name, value in vars(answers).items() if isinstance(value, int)}


def fields(row: Any) -> dict[str, int]:
    """A row as a dictionary."""
    return {name: getattr(row, name) for name in row.__slots__ if name not in HIDDEN}


def picture(state: s.State) -> dict[str, Any]:
    """The state as the reference shows its own."""
    return {
        "account": fields(state.account[0]),
        "markets": [fields(market) for market in state.markets],
        "orders": sorted((fields(o) for o in state.orders if o.status), key=lambda order: order["id"]),
        "brackets": [fields(bracket) for bracket in state.brackets],
    }


def twin_of(history: History) -> Venue:
    """The reference with the same facts."""
    tiers = [
        [
            {
                "cap_cash": tier.cap_cash,
                "cumulative_cash": tier.cumulative_cash,
                "rate8": tier.rate8,
                "max_leverage100": tier.max_leverage100,
            }
            for tier in history.tiers[row.first_tier : row.end_tier]
        ]
        for row in history.contracts
    ]
    return Venue(
        [fields(row) for row in history.contracts],
        tiers,
        slots=SLOTS,
        leverage100=history.leverage100,
        call_ratio8=history.call_ratio8,
    )


def assert_balanced(state: s.State) -> None:
    """All books together are zero, and so is every booking of the log; the slots end where they say."""
    account = state.account[0]
    books = sum(getattr(account, f"{name}_cash") for name in BOOKS)
    assert books + sum(market.isolated_cash for market in state.markets) == 0
    held = sum((1 if m.lots > 0 else -1) * m.entry_cash for m in state.markets)
    assert account.positions_cash == -held
    used = [i for i, order in enumerate(state.orders) if order.status]
    assert account.end_slot == max(used, default=-1) + 1
    for row in state.log[: account.logged]:
        parts = sum(getattr(row, f"{name}_cash") for name in (*BOOKS, "isolated"))
        assert parts == 0, row


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Where two pictures differ, in words."""
    found = [
        f"account.{k}: {v} / {theirs['account'].get(k)}"
        for k, v in ours["account"].items()
        if v != theirs["account"].get(k)
    ]
    for part in ("markets", "orders", "brackets"):
        if len(ours[part]) != len(theirs[part]):
            ids = [[row.get("id") for row in side[part]] for side in (ours, theirs)]
            found.append(f"{part}: {ids[0]} / {ids[1]}")
            continue
        for i, (mine, other) in enumerate(zip(ours[part], theirs[part], strict=True)):
            for k, v in mine.items():
                if v != other.get(k):
                    found.append(f"{part}[{i}].{k}: {v} / {other.get(k)}")
    return found


def seen_in(state: s.State, before: int) -> Counter[str]:
    """What the log rows since ``before`` say."""
    return Counter(str(row.kind) for row in state.log[before : state.account[0].logged])
