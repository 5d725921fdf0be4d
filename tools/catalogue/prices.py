"""Dated reference prices: the last close of each contract in the stored bars."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from catalogue.raw import FactFile, day_of, polars_for, require, text
from lotwise.contracts.reference_prices import PRICE_COLUMNS, PRICES

MINUTE_MS = 60_000

TITLE = "Reference prices: the last close of one-minute bars of Binance USD-M perpetuals"
SOURCE = "source: one-minute bars of typhonun/DcaTpStrategy (MIT), from 2025-05-04 to the day of the row"


def files(data: Path) -> list[FactFile]:
    """One price a contract."""
    folder = data / "binance_um_2025-05"
    path = folder / "bars_1m_16sym_ints.parquet"
    scale = json.loads((folder / "scale.json").read_text(encoding="utf-8"))["scale"]
    bars = polars_for(path).read_parquet(path)
    rows = []
    for symbol in sorted(scale):
        last = bars.filter(bars["symbol"] == symbol).sort("t_min").row(-1, named=True)
        day = day_of(last["t_min"] * MINUTE_MS)
        require(symbol.endswith("USDT"), f"{symbol} is not quoted in USDT")
        price = Decimal(last["close"]).scaleb(-scale[symbol]["price_decimals"])
        row = {"symbol": symbol, "base": symbol.removesuffix("USDT"), "quote": "USDT"}
        rows.append(row | {"price": text(price), "as_of": day})
    days = sorted({row["as_of"] for row in rows})
    told = [f"rows {day}: Binance USD-M, last trade in the bars, of {day}" for day in days]
    return [FactFile(PRICES, (TITLE, *told, SOURCE), PRICE_COLUMNS, rows)]
