"""Rebuild the fact files of the catalogue from a folder of raw venue files.

    python tools/build_catalogue.py DATA_DIR [--out DIR]

Only facts are carried (a tick size, a tier), in the format described in
``src/lotwise/contracts/facts/README.md``. The same input gives the same bytes. A raw file that
contradicts what the format can say stops the build; nothing is guessed. ``tools/catalogue`` has a
module for each venue.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from catalogue import asian_venues, binance, bybit, listed_futures, prices
from catalogue.raw import FactFile, FactsBroken

from lotwise.contracts.facts_file import write_facts
from lotwise.errors import LotwiseError

FACTS = Path(__file__).resolve().parent.parent / "src" / "lotwise" / "contracts" / "facts"


def every_file(data: Path) -> list[FactFile]:
    """All fact files, each read from its raw files."""
    return [
        *binance.linear_files(data),
        *binance.coinm_files(data),
        *bybit.files(data),
        *asian_venues.files(data),
        *listed_futures.files(data),
        *prices.files(data),
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Rebuild the fact files of the catalogue.")
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of raw venue files")
    parser.add_argument("--out", type=Path, default=FACTS, metavar="DIR", help="where the files go")
    options = parser.parse_args(arguments)
    try:
        built = every_file(options.data)
        for file in built:
            write_facts(options.out / f"{file.name}.tsv", file.head, file.columns, file.rows)
    except (FactsBroken, LotwiseError, OSError) as error:
        print(f"build_catalogue: {error}", file=sys.stderr)
        return 1
    for file in built:
        print(f"{len(file.rows):6} rows  {file.name}.tsv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
