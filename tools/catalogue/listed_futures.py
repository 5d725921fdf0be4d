"""CME and Coinbase Derivatives: micro and nano futures that a clearing house stands behind."""

from __future__ import annotations

from pathlib import Path

from catalogue.raw import FactFile, lean, require
from lotwise.contracts.facts_file import COLUMNS, FactRow

CME_DAY = "2026-09-01"
COINBASE_DAY = "2026-04-01"

# Symbol, coin, coins in one contract, tick in USD a coin. BFF and the spot-quoted contracts have no known
# tick; those of 5 BTC and 50 ETH are no contracts for a small account.
CME = (
    ("MBT", "BTC", "0.1", "5"),
    ("MET", "ETH", "0.1", "0.5"),
    ("MSL", "SOL", "25", "0.05"),
    ("MXP", "XRP", "2500", "0.0005"),
)
IN_LEAN = ("MBT", "MET")
# ET (0.1 ETH) has no known tick.
COINBASE = (("BIT", "BTC", "0.01", "5"),)

CME_HEAD = (
    "CME micro futures on coins: settled in USD, by months; one row stands for all months",
    f"current: {CME_DAY}",
    f"rows {CME_DAY}: CME contract specifications (undated), by QuantConnect LEAN and the exchange's pages",
    "source: MBT MET: symbol properties of QuantConnect LEAN (Apache-2.0); the list carries no date of its "
    "own and is the one of binance-linear.tsv, so it is dated alike",
    "source: MSL MXP: lessons of the exchange on SOL and XRP futures and its page on XRP futures, undated",
    "unknown: fees (by contract, not by notional), margins per contract, expiries, largest orders",
)
COINBASE_HEAD = (
    "Coinbase Derivatives nano futures: settled in USD, by months; one row stands for all months",
    f"current: {COINBASE_DAY}",
    f"rows {COINBASE_DAY}: Coinbase product answer of 2026-04-01",
    "source: contract_size 0.01, price_increment 5, base_increment 1 of BIT: the sample answer in ccxt "
    "4.5.90 (MIT), and a product answer of 2026-04-01 for the month of April 2026",
    "unknown: fees, margins per contract, expiries, largest orders",
)


def listed_row(symbol: str, base: str, size: str, tick: str, day: str) -> FactRow:
    row = {"symbol": symbol, "base": base, "quote": "USD", "settle": "USD", "kind": "linear_dated"}
    row |= {"tick_size": tick, "lot_size": "1", "contract_size": size, "min_quantity": "1", "as_of": day}
    no = dict.fromkeys(("margin_holds_closing_fee", "liquidation_holds_closing_fee"), "no")
    return row | no | {"clearing": "yes"}


def files(data: Path) -> list[FactFile]:
    """Both exchanges; what LEAN lists is checked against it."""
    steps = {row.symbol: (row.contract_size, row.tick_size) for row in lean(data, "cme", "future")}
    for symbol, _, size, tick in CME:
        if symbol in IN_LEAN:
            require(steps.get(symbol) == (size, tick), f"{symbol}: LEAN says {steps.get(symbol)}")
    return [
        FactFile("cme", CME_HEAD, COLUMNS, [listed_row(*facts, CME_DAY) for facts in CME]),
        FactFile(
            "coinbase", COINBASE_HEAD, COLUMNS, [listed_row(*facts, COINBASE_DAY) for facts in COINBASE]
        ),
    ]
