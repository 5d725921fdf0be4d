"""Why a rule said no. The kernel returns these; a face gives them words, numbers and ways out.

In order of precedence: where several rules say no, the first one here is named; only the largest
quantity comes before the budget, because beyond it a loss need not fit 64 bits.
"""

from __future__ import annotations

from typing import Final

OK: Final = 0
BUDGET: Final = 1
"""The loss at the stop, with all costs, exceeds the budget."""
MAX_QUANTITY: Final = 2
"""The venue's largest order, or the largest size that fits int64."""
MARGIN: Final = 3
"""The free money does not carry the initial margin and the entry fee."""
HEADROOM: Final = 4
"""The plan's share of equity that may be margin is used up."""
PLAN_LEVERAGE: Final = 5
"""More leverage than the plan allows would be needed."""
TIER: Final = 6
"""More leverage than the venue's tier for that notional allows would be needed."""
LIQUIDATION: Final = 7
"""Liquidation would not stay beyond the stop by the chosen multiple."""
LOT: Final = 8
"""A leg would be smaller than the venue's smallest quantity."""
MIN_NOTIONAL: Final = 9
"""A leg would be worth less than the venue's smallest order."""

NO_PRICE: Final = 20
"""A scan has no price of the contract."""
NO_STOP: Final = 21
"""The stop distance is unknown, below one tick, or reaches a price of zero."""
COSTS_REACH_PRICE: Final = 22
"""Spread and slippage are as large as the stop's price."""
UNCOUNTABLE: Final = 23
"""One order is too large to count in 64 bits."""

NEVER: Final = 10
"""No positive price liquidates the position."""
ALWAYS: Final = 11
"""The account is under its maintenance margin at every price."""
