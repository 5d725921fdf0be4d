"""What the venue answers when it refuses: HTTP status, code, words.

Where several reasons hold, the first in this order is the answer. No source publishes the venue's order; this
one is ours, and unverified: planned faults and limits, the path, the key, the parameters' form, whether there
is a signature, the signature, the timestamp, the parameters in the order they are read, parameters that
nobody reads (strict mode), then the kernel's table of ``docs/venue_in_a_box.md``.

Source of codes and words: Binance USD-M, "Error Codes".
"""

from __future__ import annotations

from typing import Final

from lotwise.kernel import answers

WORDS: Final[dict[int, str]] = {
    -1000: "An unknown error occurred while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1003: "Too many requests; current limit is {} requests per minute.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    -1008: "Server is currently overloaded with other requests. Please try again in a few minutes.",
    -1013: "Invalid message.",
    -1016: "This service is no longer available.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1100: "Illegal characters found in parameter '{}'.",
    -1101: "Too many parameters; parameter '{}' was sent twice.",
    -1102: "Mandatory parameter '{}' was not sent, was empty/null, or malformed.",
    -1104: "Not all sent parameters were read; nobody reads '{}'.",
    -1106: "Parameter '{}' sent when not required.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1125: "This listenKey does not exist.",
    -1130: "Data sent for parameter '{}' is not valid.",
    -2007: "Invalid callBack rate.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2019: "Margin is insufficient.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -4001: "Price less than 0.",
    -4003: "Quantity less than zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4006: "Stop price less than zero.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4016: "Limit price can't be higher than the cap.",
    -4023: "Qty not increased by step size.",
    -4024: "Limit price can't be lower than the floor.",
    -4028: "Leverage {} is not valid.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4049: "Add margin only support for isolated position.",
    -4050: "Cross balance insufficient.",
    -4051: "Isolated balance insufficient.",
    -4054: "Cannot add position margin: position is 0.",
    -4055: "Amount must be positive.",
    -4059: "No need to change position side.",
    -4061: "Order's position side does not match user's setting.",
    -4082: "Invalid number of batch place orders.",
    -4116: "ClientOrderId is duplicated.",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4137: "Quantity must be zero with closePosition equals true.",
    -4138: "Reduce only must be true with closePosition equals true.",
    -4139: "Order type can not be market if it's unable to cancel.",
    -4161: "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    -4164: "Order's notional must be no smaller than {} (unless you choose reduce only).",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    -5025: "Only limit order is supported.",
    -5027: "No need to modify the order.",
}
"""Code to words; {} is what the refusal is about."""

STATUSES: Final[dict[int, int]] = {
    -1000: 500,
    -1003: 429,
    -1006: 503,
    -1007: 408,
    -1008: 503,
    -1016: 503,
    -2014: 401,
    -2015: 401,
}
"""HTTP status of codes that are not 400."""
HEDGE_WORDS: Final = "This venue keeps one-way positions only: hedge mode comes with a later version."


class Refusal(Exception):
    """A request that is refused; nothing was changed."""

    def __init__(self, code: int, about: str = "", *, words: str = "", status: int = 0) -> None:
        self.code = code
        self.words = words or WORDS[code].format(about)
        self.status = status or STATUSES.get(code, 400)
        super().__init__(f"{code} {self.words}")

    @property
    def body(self) -> dict[str, object]:
        """The answer."""
        return {"code": self.code, "msg": self.words}


def refusal_of(answer: int, about: str = "") -> Refusal:
    """The refusal of a kernel's answer."""
    if answer in WORDS:
        return Refusal(answer, about)
    if answer == answers.TIME_GOES_BACK:
        return Refusal(-1021)
    return Refusal(-1102, "amount" if answer == answers.BAD_COMMAND else "parameter")
