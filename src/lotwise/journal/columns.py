"""The columns by which venues document their fills and income, and how a file is told by its header.

Sources: Binance USD-M "Account Trade List" and "Get Income History"; Bybit v5 "Get Trade History"; BingX
"Query historical transaction orders", "Query historical transaction details", "Get Account Profit and Loss
Fund Flow"; MEXC "Get all transaction details of the user's order", "Get funding fee details"; WEEX "Get
account trade list", "Get contract bills". A file of another program is read with a mapping of its columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lotwise.errors import InputError

PLUS: Final = "plus"
MINUS: Final = "minus"
TOLD: Final = "told"
"""How a fee that was paid is written: above zero, below it, or as the rows of takers tell, who always pay."""


@dataclass(frozen=True)
class Form:
    """What the columns of a file mean."""

    name: str
    venue: str
    columns: Mapping[str, tuple[str, ...]]
    """Our name: what the venue calls it, each spelling that it documents."""
    paid: str = PLUS
    is_income: bool = False
    mexc_sides: bool = False
    """Sides are 1 open long, 2 close short, 3 open short, 4 close long."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Of income: the venue's words for kinds of which we have another."""
    kind: str = ""
    """Of income of which the venue does not name the kind, nor its coin: that of the contract."""
    needed: tuple[str, ...] = field(default=("time", "contract", "side", "price", "quantity"))

    def found(self, header: Sequence[str]) -> dict[str, str]:
        """Our names with the columns of this header."""
        return {
            ours: next(name for name in names if name in header)
            for ours, names in self.columns.items()
            if any(name in header for name in names)
        }


_BINANCE: Final = {
    "time": ("time",),
    "contract": ("symbol",),
    "side": ("side",),
    "price": ("price",),
    "quantity": ("qty",),
    "fee": ("commission",),
    "fee_coin": ("commissionAsset",),
    "realised": ("realizedPnl",),
    "trade_id": ("id",),
    "order_id": ("orderId",),
    "position_side": ("positionSide",),
    "maker": ("maker",),
}
INCOME_KINDS: Final[dict[str, dict[str, str]]] = {
    "bingx": {"TRADING_FEE": "COMMISSION"},
    "weex": {
        "position_funding": "FUNDING_FEE",
        "deposit": "TRANSFER",
        "withdraw": "TRANSFER",
        "transfer_in": "TRANSFER",
        "transfer_out": "TRANSFER",
    },
}
"""What a venue calls a change of the wallet, by our name, which is Binance's; other words stay."""
FILLS: Final = (
    Form("binance fills", "binance", _BINANCE, paid=TOLD),
    Form("weex fills", "weex", _BINANCE),
    Form(
        "bybit fills",
        "bybit",
        {
            "time": ("execTime", "tradeTime"),
            "contract": ("symbol",),
            "side": ("side",),
            "price": ("execPrice",),
            "quantity": ("execQty",),
            "fee": ("execFee",),
            "fee_coin": ("feeCoin", "feeCurrency"),
            "realised": ("execPnl",),
            "trade_id": ("execId", "tradeId"),
            "order_id": ("orderId",),
            "maker": ("isMaker",),
            "kind": ("execType",),
            "exit": ("stopOrderType",),
            "sequence": ("seq",),
        },
    ),
    Form(
        "bingx fills",
        "bingx",
        {
            "time": ("tradeTime", "filledTime", "filledTm"),
            "contract": ("symbol",),
            "side": ("side",),
            "price": ("tradePrice", "price"),
            "quantity": ("volume", "qty"),
            "fee": ("commission",),
            "fee_coin": ("currency", "commissionAsset"),
            "realised": ("realizedPnl", "realisedPNL"),
            "trade_id": ("tradeId",),
            "order_id": ("orderId",),
            "position_side": ("positionSide",),
            "maker": ("maker", "role"),
        },
        paid=MINUS,
    ),
    Form(
        "mexc fills",
        "mexc",
        {
            "time": ("timestamp",),
            "contract": ("symbol",),
            "side": ("side",),
            "price": ("price",),
            "quantity": ("vol",),
            "fee": ("fee",),
            "fee_coin": ("feeCurrency",),
            "realised": ("profit",),
            "trade_id": ("id",),
            "order_id": ("orderId",),
            "taker": ("taker", "isTaker"),
            "mode": ("positionMode",),
        },
        mexc_sides=True,
    ),
)
INCOMES: Final = (
    Form(
        "binance income",
        "binance",
        {
            "time": ("time",),
            "contract": ("symbol",),
            "kind": ("incomeType",),
            "cash": ("income",),
            "coin": ("asset",),
            "income_id": ("tranId",),
            "trade_id": ("tradeId",),
        },
        is_income=True,
        needed=("time", "kind", "cash", "coin", "income_id"),
    ),
    Form(
        "bingx income",
        "bingx",
        {
            "time": ("time",),
            "contract": ("symbol",),
            "kind": ("incomeType",),
            "cash": ("income",),
            "coin": ("asset",),
            "income_id": ("tranId",),
        },
        is_income=True,
        kinds=INCOME_KINDS["bingx"],
        needed=("time", "kind", "cash", "coin", "income_id"),
    ),
    Form(
        "mexc funding",
        "mexc",
        {
            "time": ("settleTime",),
            "contract": ("symbol",),
            "cash": ("funding",),
            "income_id": ("id",),
        },
        is_income=True,
        kind="FUNDING_FEE",
        needed=("time", "contract", "cash", "income_id"),
    ),
    Form(
        "weex income",
        "weex",
        {
            "time": ("time",),
            "contract": ("symbol",),
            "kind": ("incomeType",),
            "cash": ("income",),
            "coin": ("asset",),
            "income_id": ("billId",),
        },
        is_income=True,
        kinds=INCOME_KINDS["weex"],
        needed=("time", "kind", "cash", "coin", "income_id"),
    ),
)
OURS: Final = (
    "time",
    "contract",
    "side",
    "price",
    "quantity",
    "fee",
    "fee_coin",
    "realised",
    "trade_id",
    "order_id",
    "position_side",
    "maker",
)
"""Names that a mapping may give columns to; the first five are needed."""
GUESSES: Final = {
    "time": ("time", "date", "datetime", "timestamp"),
    "contract": ("symbol", "contract", "market", "pair", "instrument", "futures"),
    "side": ("side", "direction", "type", "buy/sell"),
    "price": ("price", "avgprice", "fillprice", "filledprice", "execprice"),
    "quantity": ("quantity", "qty", "size", "amount", "volume", "executed", "filled"),
    "fee": ("fee", "commission", "tradingfee"),
    "fee_coin": ("feecoin", "feecurrency", "commissionasset", "feeasset"),
    "realised": ("realizedpnl", "realisedpnl", "realizedprofit", "pnl", "profit", "closedpnl"),
    "trade_id": ("tradeid", "execid", "fillid", "id", "transactionid"),
    "order_id": ("orderid", "orderno"),
    "position_side": ("positionside",),
    "maker": ("maker", "ismaker"),
}
"""Words by which a column of a file that is not known is guessed at, the likeliest first."""


def form_of(header: Sequence[str], venue: str, name: str) -> Form:
    """The form that a header has.

    Parameters
    ----------
    venue
        Where the user says it is from; empty: told by the header.
    name
        Of the file, for messages.

    Raises
    ------
    InputError
        JOURNAL-111 columns that no venue documents, with a mapping to begin with; JOURNAL-112 columns that
        more than one venue documents.
    """
    fitting = [
        form
        for form in (*FILLS, *INCOMES)
        if set(form.needed) <= set(form.found(header))
        and (form.is_income or "trade_id" in form.found(header))
        and venue in ("", form.venue)
    ]
    if not fitting:
        guess = guessed(header)
        maps = [f"--map {ours}={_shell(theirs)}" for ours, theirs in guess.items()]
        maps += [f"--map {ours}=..." for ours in OURS[:5] if ours not in guess]
        raise InputError(
            "JOURNAL-111",
            f"{name}: the columns {', '.join(header)[:300]} are not those of "
            + (f"a file of {venue}" if venue else "a venue that lotwise knows"),
            f"say what they are, with the venue: --venue {venue or 'NAME'} {' '.join(maps)}",
        )
    if len(fitting) > 1:
        venues = [form.venue for form in fitting]
        raise InputError(
            "JOURNAL-112",
            f"{name}: {' and '.join(venues)} both write these columns",
            f"say whose it is: --venue {venues[0]}",
        )
    return fitting[0]


def mapped_form(mapping: Mapping[str, str], header: Sequence[str], venue: str, *, name: str) -> Form:
    """The form that a user's mapping describes.

    Raises
    ------
    InputError
        JOURNAL-111 a name that is not ours, a column that is not there, a needed one that is not mapped, or
        no venue.
    """
    hint = f"our names: {', '.join(OURS)}; the columns: {', '.join(header)[:300]}"
    for ours, theirs in mapping.items():
        if ours not in OURS:
            raise InputError("JOURNAL-111", f"{name}: --map {ours}={theirs}: {ours} is no name of ours", hint)
        if theirs not in header:
            raise InputError("JOURNAL-111", f"{name}: there is no column {theirs!r} for {ours}", hint)
    lacking = [ours for ours in OURS[:5] if ours not in mapping]
    if lacking:
        raise InputError("JOURNAL-111", f"{name}: no column is given for {', '.join(lacking)}", hint)
    if not venue:
        raise InputError("JOURNAL-111", f"{name}: a mapping does not say which venue", "add --venue NAME")
    return Form("mapped fills", venue, {ours: (theirs,) for ours, theirs in mapping.items()}, paid=TOLD)


def guessed(header: Sequence[str]) -> dict[str, str]:
    """Which column may be what, each used once."""
    plain = {column: "".join(sign for sign in column.lower() if sign.isalnum()) for column in header}
    found: dict[str, str] = {}
    for exact in (True, False):
        for ours, words in GUESSES.items():
            for word in words if ours not in found else ():
                for column, text in plain.items():
                    fits = text == word if exact else text.startswith(word)
                    if fits and column not in found.values() and ours not in found:
                        found[ours] = column
    return {ours: found[ours] for ours in OURS if ours in found}


def _shell(text: str) -> str:
    return text if text.replace("_", "").isalnum() else f"'{text}'"
