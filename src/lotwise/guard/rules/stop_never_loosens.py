"""A stop never loosens.

What it checks
    A stop that is moved goes toward the price, never away from it. It is the only rule that a command which
    does not open a trade can break, and no lock stands in the way of a stop that is placed or tightened.

Why
    The stop is what the size was counted from. Moved from 2 % to 4 % it makes a 1 % risk a 2 % risk after the
    fact, always when the trade is already losing.

Refused
    A long with its stop at 63,700.0: a stop at 63,699.9.

What to do instead
    Leave it, tighten it, or close the trade. If the stop was wrong, the trade was wrong: open another one.
"""

from __future__ import annotations

from typing import Final

from lotwise.contracts.contract import Contract
from lotwise.guard.case import No
from lotwise.guard.example import Example
from lotwise.kernel.layout import LONG
from lotwise.records.guard import MoveStop
from lotwise.units import grouped

CODE: Final = "GUARD-120"
NAME: Final = "stop never loosens"


def check(command: MoveStop, contract: Contract | None = None) -> No | None:
    """Whether the new stop is at least as near as the one that is held.

    The contract is for the words only: without it prices are written in ticks.
    """
    held, asked = command.held_ticks, command.stop_ticks
    if held is None or (asked - held) * command.side >= 0:
        return None
    old, new = (f"tick {held}", f"tick {asked}")
    if contract is not None:
        old, new = grouped(contract.price_text(held)), grouped(contract.price_text(asked))
    side, lower = ("long", "lower") if command.side == LONG else ("short", "higher")
    return No(
        f"the stop of the {side} in {command.contract_id} would go from {old} to {new}: {lower},"
        " away from the price",
        f"leave it at {old}, tighten it, or close the trade",
    )


EXAMPLE: Final = Example(order={"held_ticks": "63700", "stop_ticks": "63699.9"})
