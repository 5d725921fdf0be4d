"""The numbers by which events, orders and answers are called; the same as in the kernel's rows."""

from __future__ import annotations

EIGHT = 10**8
"""Rates and shares are counted in 1e-8."""

# kinds of orders
LIMIT, MARKET, STOP_MARKET, STOP_LIMIT, TAKE_MARKET, TAKE_LIMIT, TRAILING = range(1, 8)
STOPS = (STOP_MARKET, STOP_LIMIT)
TAKES = (TAKE_MARKET, TAKE_LIMIT)
WITH_LIMIT = (LIMIT, STOP_LIMIT, TAKE_LIMIT)
WITH_TRIGGER = (*STOPS, *TAKES)
ENDS_IN_MARKET = (MARKET, STOP_MARKET, TAKE_MARKET, TRAILING)
CONDITIONAL = (*WITH_TRIGGER, TRAILING)

# time in force
GTC, IOC, FOK, GTD = range(4)

# status of an order
WORKING, WAITING = 1, 2

# role in a bracket; TARGET + k is target k
NO_ROLE, ENTRY, STOP, TARGET = range(4)
TARGETS = 4

# the way of a bar, and when a resting limit fills
ADVERSE, FAVOURABLE, OHLC, OLHC = range(4)
TOUCH, THROUGH, QUEUE = range(3)

# events
BAR, TRADE, QUOTE, MARK, INDEX, FUNDING, CLOCK = range(1, 8)
PLACE, AMEND, CANCEL, CANCEL_ALL, LEVERAGE, MARGIN_MODE, ISOLATED_MARGIN, TRANSFER, BRACKET = range(11, 20)

# bounds of a callback: 0.1 % and 20 %
CALLBACK_LEAST, CALLBACK_MOST = 100_000, 20_000_000

# answers of our own; the venue's are written where they are given
TIME_BACKWARDS, NO_SUCH_MARKET, OUT_OF_RANGE, BRACKET_IN_THE_WAY, NO_SUCH_BRACKET, OF_A_BRACKET = range(1, 7)


class Refused(Exception):
    """An event that the venue does not take, with its code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def need(condition: bool, code: int) -> None:
    """Refuse with the code unless the condition holds."""
    if not condition:
        raise Refused(code)
