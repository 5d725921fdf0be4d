"""Contract facts from the catalogue: the first lookup of a process, another symbol, and again."""

from __future__ import annotations

from benchmarks.timing import least_per_call, seconds
from benchmarks.workload import Figure, Outcome, Workload
from lotwise.contracts import catalogue

DAY = "2026-09-01"
FIRST = "binance:BTCUSDT"


def _others(count: int) -> list[str]:
    """Every fifth listed symbol, ``count`` of them, never the first one asked for."""
    listed = [f"binance:{symbol}" for symbol in catalogue.symbols("binance") if symbol.isascii()]
    return [contract_id for contract_id in listed[::5] if contract_id != FIRST][:count]


def measure(count: int) -> Outcome:
    """Microseconds a lookup. Nothing was looked up in this process before."""
    first = seconds(lambda: catalogue.load(FIRST))
    same_first = seconds(lambda: catalogue.same_coin("ETH", "USDT"))
    others = _others(count)
    other = seconds(lambda: [catalogue.load(contract_id) for contract_id in others]) / len(others)
    return Outcome(
        figures={
            "first": first * 1e6,
            "another symbol": other * 1e6,
            "the same again": least_per_call(lambda: catalogue.load(FIRST), 1_000, 5) * 1e6,
            "same_coin, first": same_first * 1e6,
            "same_coin, again": least_per_call(lambda: catalogue.same_coin("BTC", "USDT"), 100, 5) * 1e6,
        },
        results=facts(count),
    )


def facts(count: int) -> list[int]:
    """The integers of contracts with the facts of one day, which later snapshots leave alone."""
    found: list[int] = []
    for symbol in SYMBOLS[:count]:
        for venue in ("binance", "bybit"):
            contract = catalogue.load(f"{venue}:{symbol}", DAY)
            found += [-1 if number is None else number for number in contract.scales]
            found += [value for row in contract.tier_rows for value in row.values()]
    return found


SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "1000PEPEUSDT", "LINKUSDT")

WORKLOAD = Workload(
    name="load",
    about="catalogue.load and catalogue.same_coin",
    figures=(
        Figure("first", "us"),
        Figure("another symbol", "us"),
        Figure("the same again", "us"),
        Figure("same_coin, first", "us"),
        Figure("same_coin, again", "us"),
    ),
    measure=measure,
    bodies={"interpreted": facts},
    small=8,
    full=100,
)
