"""Files of Binance's public archive (data.binance.vision): csv, or a zip with one csv in it.

Source of the columns: github.com/binance/binance-public-data, README. Files of older days have no header;
stamps are in milliseconds, of spot files since 2025 in microseconds: both are told from the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lotwise.errors import InputError
from lotwise.market.columns import LATEST_NS
from lotwise.market.days import together
from lotwise.market.forms import Form, Part, csv_parts
from lotwise.market.kinds import BANDS, BARS, FUNDING, INTEREST, MARKS, QUOTES, TRADES, Table, Unit

ESTIMATED_DECIMALS: Final = 8
"""The venue computes these figures with floats; more decimals say nothing."""
_KLINES: Final = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_PRICES: Final = {name: name for name in ("open", "high", "low", "close")}

FORMS: Final = {
    "klines": Form(
        BARS,
        _KLINES,
        {
            "time_ns": "open_time",
            **_PRICES,
            "volume": "volume",
            "turnover": "quote_volume",
            "trades": "count",
            "taker_buy_volume": "taker_buy_volume",
        },
    ),
    "markPriceKlines": Form(MARKS, _KLINES, {"time_ns": "open_time", **_PRICES}),
    "aggTrades": Form(
        TRADES,
        (
            "agg_trade_id",
            "price",
            "quantity",
            "first_trade_id",
            "last_trade_id",
            "transact_time",
            "is_buyer_maker",
        ),
        {
            "time_ns": "transact_time",
            "id": "agg_trade_id",
            "price": "price",
            "quantity": "quantity",
            "buyer_is_maker": "is_buyer_maker",
        },
    ),
    "trades": Form(
        TRADES,
        ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker"),
        {
            "time_ns": "time",
            "id": "id",
            "price": "price",
            "quantity": "qty",
            "buyer_is_maker": "is_buyer_maker",
        },
    ),
    "fundingRate": Form(
        FUNDING,
        ("calc_time", "funding_interval_hours", "last_funding_rate"),
        {"time_ns": "calc_time", "rate": "last_funding_rate", "interval_ns": "funding_interval_hours"},
    ),
    "bookTicker": Form(
        QUOTES,
        (
            "update_id",
            "best_bid_price",
            "best_bid_qty",
            "best_ask_price",
            "best_ask_qty",
            "transaction_time",
            "event_time",
        ),
        {
            "time_ns": "transaction_time",
            "id": "update_id",
            "bid": "best_bid_price",
            "bid_quantity": "best_bid_qty",
            "ask": "best_ask_price",
            "ask_quantity": "best_ask_qty",
        },
    ),
    "bookDepth": Form(
        BANDS,
        ("timestamp", "percentage", "depth", "notional"),
        {"time_ns": "timestamp", "distance": "percentage", "quantity": "depth", "turnover": "notional"},
        percent=frozenset({"distance"}),
        rounded={Unit.MONEY: ESTIMATED_DECIMALS},
    ),
    "metrics": Form(
        INTEREST,
        (
            "create_time",
            "symbol",
            "sum_open_interest",
            "sum_open_interest_value",
            "count_toptrader_long_short_ratio",
            "sum_toptrader_long_short_ratio",
            "count_long_short_ratio",
            "sum_taker_long_short_vol_ratio",
        ),
        {
            "time_ns": "create_time",
            "open_interest": "sum_open_interest",
            "worth": "sum_open_interest_value",
            "long_short": "count_long_short_ratio",
            "top_long_short": "sum_toptrader_long_short_ratio",
            "taker_long_short": "sum_taker_long_short_vol_ratio",
        },
        contract="symbol",
        rounded={Unit.MONEY: ESTIMATED_DECIMALS, Unit.RATE: ESTIMATED_DECIMALS},
        empty=frozenset({"long_short", "top_long_short", "taker_long_short"}),
    ),
}
"""Kinds of files by the archive's own names."""
ALL_FORMS: Final = ", ".join(FORMS)
_NAMED: Final = re.compile(rf"([A-Z0-9_]+)-(?:\d+(?:s|m|h|d|w|mo)|{'|'.join(FORMS)})-")


def read(path: Path, form: str = "", latest_ns: int = LATEST_NS) -> Table:
    """Read one file as a whole; :func:`parts` reads it some rows at a time.

    Parameters
    ----------
    form
        The archive's name of what is in it (``klines``, ``aggTrades`` ...); told from the file's header or
        name where it is not given.

    Raises
    ------
    InputError
        DATA-101 not a readable zip, DATA-102 of no known form, DATA-103 a row with more or fewer columns,
        DATA-104 a column that its form has is missing, DATA-136 a stamp later than ``latest_ns``, and what
        :mod:`lotwise.market.columns` refuses.
    """
    return together([table for _, table in parts(path, form, latest_ns=latest_ns)])


def parts(path: Path, form: str = "", latest_ns: int = LATEST_NS) -> Iterator[Part]:
    """The rows of a file some at a time, in its order, with the contract that its name begins with.

    Raises
    ------
    InputError
        As :func:`read`.
    """
    if form and form not in FORMS:
        raise InputError("DATA-102", f"{path.name}: {form} is no kind of file", hint=f"known are {ALL_FORMS}")
    named = contract_of(path)

    def choose(header: list[str] | None) -> Form:
        return FORMS[form] if form else form_of(path, header)

    none = True
    for contract, table in csv_parts(path, choose, latest_ns):
        none = False
        yield contract or named, table
    if none:
        raise InputError("DATA-103", f"{path.name} has a header and no row", hint="fetch it again")


def contract_of(path: Path) -> str:
    """The contract that the archive's name of a file begins with; nothing where it is named otherwise."""
    found = _NAMED.match(path.name)
    return found[1] if found else ""


def form_of(path: Path, header: list[str] | None) -> Form:
    """The form of a file, by its header, else by its name."""
    if header is not None:
        fitting = [form for form in FORMS.values() if set(form.ours.values()) <= set(header)]
        of_marks = "markPrice" in path.name or "markPrice" in str(path.parent)
        if fitting:
            return FORMS["markPriceKlines"] if of_marks and FORMS["klines"] in fitting else fitting[0]
    for name, form in FORMS.items():
        if f"-{name}-" in path.name:
            return form
    raise InputError(
        "DATA-102",
        f"{path.name}: neither its header nor its name says what is in it",
        hint=f"name what is in it (--form {ALL_FORMS}), or which column is which (--map time_ns=Date ...)",
    )
