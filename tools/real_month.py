"""Play the library over the real month of sixteen contracts, and keep what came of it.

``python -m tools.real_month`` with LOTWISE_TEST_DATA set writes tests/golden/real_month.json and the table of
docs/strategies.md; tests/golden/test_real_month.py plays it again.
"""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from lotwise.cli.main import main

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "golden" / "real_month.json"
PAGE = ROOT / "docs" / "strategies.md"
COINS = ("BTC", "ETH", "SOL", "ADA", "AVAX", "BCH", "BNB", "ENA")
COINS += ("ETC", "LAYER", "LINK", "LTC", "SUI", "XLM", "XMR", "XRP")
LIMITS = "day_loss=3%,open_risk=5%,trades=20"
RUNS = {
    "burst": ("--limits", LIMITS),
    "value-area": ("--limits", LIMITS),
    "sector-rotation": ("--limits", LIMITS, "--leverage", "3"),
    "breakout": ("--limits", LIMITS),
    "reversion": ("--limits", LIMITS),
    "null": ("--limits", LIMITS),
}
BEGIN, END = "<!-- real month -->", "<!-- end of real month -->"


def told(words: list[str]) -> Any:
    """What a command answers as JSON."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = main([*words, "--json"])
    if code:
        raise RuntimeError(f"{' '.join(words)} ended with {code}: {out.getvalue()}")
    return json.loads(out.getvalue())


def bring(data: Path, store: Path) -> None:
    """The month's bars and funding into a store."""
    month = data / "binance_um_2025-05"
    bars = str(month / "bars_1m_16sym_ints.parquet")
    told(["data", "import", bars, "--contract", "binance:*", "--store", str(store)])
    for coin in COINS:
        feather = str(month / "funding" / f"{coin}USDT.feather")
        words = ["data", "import", feather, "--contract", f"binance:{coin}USDT", "--form", "funding_rate"]
        told([*words, "--store", str(store)])


def played(store: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each strategy came to: exact text and counts, no statistics."""
    contracts = ",".join(f"binance:{coin}USDT" for coin in COINS)
    for name, more in RUNS.items():
        words = ["backtest", name, "--data", contracts, "--equity", "1000", "--risk", "1%"]
        found = told([*words, *more, "--store", str(store)])
        yield (
            name,
            {
                "trades": found["trades"]["count"],
                "won": found["trades"]["wins"],
                "result": found["result"],
                "bounds": found["bounds"],
                "costs": found["costs"],
                "refusals": found["refusals"],
                "ambiguous": found["trades"]["ambiguous"],
                "look_ahead": found["look_ahead"],
            },
        )


def table(kept: dict[str, Any]) -> str:
    """The table of the page."""
    lines = [
        "| strategy | trades | won | left of 1,000 USDT | fees | funding | left, good side of a bar first |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, one in kept.items():
        costs, result = one["costs"], one["result"]
        other = next(row for row in one["bounds"]["paths"] if row["path"] == "favourable")
        lines.append(
            f"| {name} | {one['trades']} | {one['won']} | {float(result['equity_end']):.2f} |"
            f" {float(costs['fees']):.2f} | {float(costs['funding']):.2f} |"
            f" {1000 + float(other['change']):.2f} |"
        )
    return "\n".join(lines)


def write() -> None:
    """Play, keep, and write the page's table."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "market"
        bring(Path(os.environ["LOTWISE_TEST_DATA"]), store)
        kept = dict(played(store))
    KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    begun = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{table(kept)}\n{END}", page, flags=re.DOTALL)
    PAGE.write_text(begun, encoding="utf-8")


if __name__ == "__main__":
    write()
