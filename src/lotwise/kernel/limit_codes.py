"""Why a limit of the plan refuses to open a trade: one code per limit, in order of precedence.

First what no smaller trade helps, what lasts longest before what passes sooner; then what a smaller
trade helps. Where several limits say no, the first one here is named. The numbers are none of
:mod:`lotwise.kernel.codes`, so that one column of a log can hold both.
"""

from __future__ import annotations

from typing import Final

ALLOWED: Final = 0
"""No limit says no."""
NOT_ROLLED: Final = 31
"""The books are of an earlier day: call ``watch`` before asking."""
LOCKED: Final = 32
"""Locked by hand, or by the kill switch."""
NO_EQUITY: Final = 33
"""There is no money to count shares of."""
WEEK_LOSS: Final = 34
"""The week's largest loss is reached; refused until the trader's next Monday."""
DAY_LOSS: Final = 35
"""The day's largest loss is reached; refused until the trader's next midnight."""
COOL_DOWN: Final = 36
"""The pause after a loss, or after several in a row, is not over."""
DAY_TRADES: Final = 37
"""So many trades were opened today as the plan allows."""
POSITIONS: Final = 38
"""So many positions are open as the plan allows."""
TRADE_RISK: Final = 39
"""The trade risks a larger share of equity than the plan allows."""
TRADE_RISK_CASH: Final = 40
"""The trade risks more money than the plan allows."""
OPEN_RISK: Final = 41
"""All open trades and this one risk a larger share of equity than the plan allows."""
WEEK_ROOM: Final = 42
"""If all stops were hit, this trade's too, the week's largest loss would be exceeded."""
DAY_ROOM: Final = 43
"""If all stops were hit, this trade's too, the day's largest loss would be exceeded."""
ACCOUNT_LEVERAGE: Final = 44
"""All open notionals and this one are a larger multiple of equity than the plan allows."""
