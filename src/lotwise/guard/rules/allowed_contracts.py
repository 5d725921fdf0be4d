"""Only these contracts.

What it checks
    Where the rulebook lists contracts, nothing else is opened.

Why
    One letter is another contract. The standard bitcoin future of CME holds 5 coins and its micro 0.1:
    50 times as much on the same ticket.

Refused
    A rulebook of binance:ETHUSDT and binance:SOLUSDT: an order in binance:BTCUSDT.

What to do instead
    Trade a contract of the list, or add this one in a quiet hour, with its size looked up (`lotwise
    preview`).
"""

from __future__ import annotations

from typing import Final

from lotwise.guard.case import No, Scene, gate
from lotwise.guard.example import Example

NAME: Final = "allowed contracts"
_SHOWN: Final = 5


def check(scene: Scene) -> No | None:
    """Whether the contract is on the list."""
    listed = scene.book.contracts
    if not listed or scene.contract.id in listed:
        return None
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return No(
        f"{scene.contract.id} is not among the {len(listed)} contracts that may be opened",
        f"use one of {', '.join(listed[:_SHOWN])}{more}, or add it to contracts in the rulebook",
    )


RULE: Final = gate("GUARD-103", NAME, check, ("contracts",))
EXAMPLE: Final = Example(book={"contracts": ["binance:ETHUSDT", "binance:SOLUSDT"]})
