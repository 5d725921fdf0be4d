"""What an answer that is no success means, told by the venue's own code and never by ccxt's class.

ccxt chooses its error classes by the address that was asked, so on any other base the same answer becomes
another error. Here only the HTTP status and the code in the body count.

Sources: Binance USD-M "Error Codes"; Bybit v5 "Error Codes"; BingX, MEXC and WEEX as ccxt 4.5.90 cites them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Meaning = Literal["refused", "unknown", "limit", "down", "skew", "key", "already", "missing"]
"""``unknown``: it may have been carried out. ``already``: it is as was asked. ``missing``: no such order."""

CODES: Final[dict[str, dict[Meaning, tuple[str, ...]]]] = {
    "binance": {
        "unknown": ("-1000", "-1001", "-1006", "-1007"),
        "limit": ("-1003", "-1008", "-1015"),
        "down": ("-1016",),
        "skew": ("-1021",),
        "key": ("-1022", "-2014", "-2015", "-2017"),
        "already": ("-4046", "-4059"),
        "missing": ("-2011", "-2013"),
    },
    "bybit": {
        "unknown": ("10000", "10016", "10429", "170007", "3100326"),
        "limit": ("10006", "10018"),
        "down": ("10019",),
        "skew": ("10002",),
        "key": ("10003", "10004", "10005", "10007", "10009", "10010", "33004"),
        "already": ("110025", "110026", "110043", "3400045"),
        "missing": ("110001", "170213"),
    },
    "bingx": {
        "unknown": ("100500", "100503", "109500", "110500", "500", "504"),
        "limit": ("100410", "429"),
        "down": (),
        "skew": ("100421",),
        "key": ("100001", "100004", "100412", "100413", "100419", "100414"),
        "already": ("109415",),
        "missing": ("80016", "80017", "109421"),
    },
    "mexc": {
        "unknown": ("500", "501", "504", "9999"),
        "limit": ("510",),
        "down": ("503",),
        "skew": ("513", "700003"),
        "key": ("401", "402", "403", "406", "602"),
        "already": (),
        "missing": ("2040", "2041", "2042"),
    },
    "weex": {
        "unknown": ("-1000", "-1054"),
        "limit": ("-1003",),
        "down": (),
        "skew": ("-1043", "-1046"),
        "key": ("-1040", "-1041", "-1042", "-1044", "-1047", "-1049", "-1050", "-1051", "-1052", "-1053",
                "-1055", "-1056", "-1057", "-1190", "-3236"),
        "already": (),
        "missing": ("-3200", "FAILED_ORDER_NOT_FOUND"),
    },
}  # fmt: skip
"""Venue to what its codes mean; another is a refusal, or with a status of 500 or above unknown."""
_FIELDS: Final = {
    "binance": ("code", "msg"),
    "bybit": ("retCode", "retMsg"),
    "bingx": ("code", "msg"),
    "mexc": ("code", "message"),
    "weex": ("code", "msg"),
}
_FINE: Final = ("", "0", "200")
_BANNED: Final = re.compile(r"until (\d{13})")
_TOO_MANY: Final = (418, 429)


@dataclass(frozen=True)
class Answered:
    """An answer that is no success."""

    meaning: Meaning
    code: str
    words: str
    status: int
    until_ms: int = 0
    """Of a limit: when the venue answers again, where it says so."""


def judged(venue: str, status: int, answer: Any, headers: Mapping[str, str], now_ms: int) -> Answered | None:
    """What is wrong with an answer; None: nothing."""
    code, words = _told(venue, answer)
    if status < 400 and not code:
        return None
    if status in _TOO_MANY:
        meaning: Meaning = "limit"
    else:
        meaning = _meaning(venue, status, code)
    until = _until_ms(headers, words, now_ms) if meaning == "limit" else 0
    return Answered(meaning, code or f"HTTP {status}", words, status, until)


def _told(venue: str, answer: Any) -> tuple[str, str]:
    """Code and words; both empty where the body tells of a success."""
    if not isinstance(answer, Mapping):
        return "", ""
    name, words = _FIELDS[venue]
    if venue == "weex" and (answer.get("errorCode") or answer.get("errorMsg")):
        told = str(answer.get("errorMsg") or "")
        return str(answer.get("errorCode") or told), told
    if venue == "mexc" and answer.get("success") is True:
        return "", ""
    if venue in ("binance", "weex") and words not in answer:
        return "", ""  # an order's answer may have a code of its own
    code = str(answer.get(name) if answer.get(name) is not None else "")
    if code in _FINE:
        return "", ""
    return code, str(answer.get(words) or answer.get("msg") or "")


def _meaning(venue: str, status: int, code: str) -> Meaning:
    for meaning, codes in CODES[venue].items():
        if code in codes:
            return meaning
    if status in (401, 403) and not code:
        return "key"
    return "unknown" if status >= 500 or status == 408 else "refused"


def _until_ms(headers: Mapping[str, str], words: str, now_ms: int) -> int:
    if found := _BANNED.search(words):
        return int(found[1])
    told = {name.lower(): value for name, value in headers.items()}
    after = str(told.get("retry-after", ""))
    if after.isdigit():
        return now_ms + 1_000 * int(after)
    reset = str(told.get("x-bapi-limit-reset-timestamp", ""))
    return int(reset) if reset.isdigit() and len(reset) == 13 else 0
