"""What a step answers: 0 done; below zero the venue's code; above zero ours. See docs/venue_in_a_box.md.

Source of the venue's codes: Binance USD-M, "Error Codes". The order in which several are checked is
published by no venue; ours is the table of the page.
"""

from __future__ import annotations

from typing import Final

DONE: Final = 0

TIME_GOES_BACK: Final = 1
BAD_MARKET: Final = 2
"""No such bar, trade, quote, mark or rate."""
BAD_COMMAND: Final = 3
"""A command with a value out of range."""
BRACKET_IN_THE_WAY: Final = 4
BRACKET_CANNOT_BE: Final = 5
ORDER_OF_A_BRACKET: Final = 6

UNKNOWN_CONTRACT: Final = -1121
NO_PRICE: Final = -1013
BAD_PARAMETER: Final = -1102
CANCEL_REJECTED: Final = -2011
NO_SUCH_ORDER: Final = -2013
MARGIN_IS_INSUFFICIENT: Final = -2019
WOULD_TRIGGER: Final = -2021
REDUCE_ONLY_REJECTED: Final = -2022
TOO_MANY_ORDERS: Final = -2025
ABOVE_LEVERAGE: Final = -2027
PRICE_NOT_ABOVE_ZERO: Final = -4001
LOTS_NOT_ABOVE_ZERO: Final = -4003
LOTS_TOO_FEW: Final = -4004
LOTS_TOO_MANY: Final = -4005
TRIGGER_NOT_ABOVE_ZERO: Final = -4006
PRICE_TOO_HIGH: Final = -4016
PRICE_TOO_LOW: Final = -4024
BAD_LEVERAGE: Final = -4028
SAME_MARGIN_MODE: Final = -4046
MODE_WITH_ORDERS: Final = -4047
MODE_WITH_POSITION: Final = -4048
NOT_ISOLATED: Final = -4049
CROSS_IS_INSUFFICIENT: Final = -4050
ISOLATED_IS_INSUFFICIENT: Final = -4051
NO_POSITION: Final = -4054
AMOUNT_IS_ZERO: Final = -4055
CLOSE_WITH_LOTS: Final = -4137
CLOSE_OF_THAT_KIND: Final = -4138
LOWER_LEVERAGE_ISOLATED: Final = -4161
NOTIONAL_TOO_SMALL: Final = -4164
CANNOT_FILL_WHOLLY: Final = -5021
WOULD_TAKE: Final = -5022
NOT_A_LIMIT_ORDER: Final = -5025
NOTHING_TO_AMEND: Final = -5027
