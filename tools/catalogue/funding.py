"""Funding intervals: as a venue lists them, or as the spacing of the stamps that were seen."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from catalogue.raw import answer, day_of, polars_for, require, text
from lotwise.contracts.facts_file import UNKNOWN

# The published funding histories in CSV stamp 3 h later than the venue does.
CSV_LATE = datetime.timedelta(hours=3)


class Funding(NamedTuple):
    """Funding terms as seen on one day."""

    day: str
    hours: str
    cap: str = UNKNOWN
    floor: str = UNKNOWN


def spacings(stamps: list[datetime.datetime]) -> Iterator[Funding]:
    """The interval in hours between each two funding stamps that follow each other."""
    for before, after in pairwise(stamps):
        hours = (after - before).total_seconds() / 3600
        require(abs(hours - round(hours)) < 0.01, f"funding at {before} and {after}: not whole hours apart")
        yield Funding(after.date().isoformat(), str(round(hours)))


def feather_stamps(path: Path) -> list[datetime.datetime]:
    """The ``date`` column of an Arrow file."""
    stamps: list[datetime.datetime] = polars_for(path).read_ipc(path)["date"].to_list()
    return stamps


def csv_stamps(path: Path) -> list[datetime.datetime]:
    with path.open(encoding="utf-8", newline="") as file:
        return [datetime.datetime.fromisoformat(row["Date"]) - CSV_LATE for row in csv.DictReader(file)]


def lean_seen(path: Path) -> list[Funding]:
    """The interval in a funding file of LEAN, whose days are parted by gaps of years."""
    with path.open(encoding="utf-8", newline="") as file:
        stamps = [datetime.datetime.strptime(row[0], "%Y%m%d %H:%M:%S") for row in csv.reader(file)]
    return list(spacings([stamp for stamp in stamps if stamp.date() == stamps[-1].date()]))


def csv_seen(data: Path, venue: str) -> dict[str, list[Funding]]:
    """Intervals in the published histories of one venue, by pair (``BTC-USDT``)."""
    found = sorted((data / "funding").glob(f"*_{venue}_*_funding_history.csv"))
    return {path.name.partition("_")[0]: list(spacings(csv_stamps(path))) for path in found}


def binance_seen(data: Path) -> dict[str, list[Funding]]:
    """What is known of the funding of each contract of Binance USD-M, in the order of its days."""
    seen = {pair.replace("-", ""): facts for pair, facts in csv_seen(data, "binance").items()}
    for path in sorted((data / "binance_um_2025-05" / "funding").glob("*.feather")):
        seen.setdefault(path.stem, []).extend(spacings(feather_stamps(path)))
    listed = answer(data, "binance_um_fundingInfo_gct.json")
    day = day_of(max(row["updateTime"] for row in listed))
    for row in listed:
        cap, floor = text(row["adjustedFundingRateCap"]), text(row["adjustedFundingRateFloor"])
        seen.setdefault(row["symbol"], []).append(Funding(day, str(row["fundingIntervalHours"]), cap, floor))
    for facts in seen.values():
        facts.sort(key=lambda fact: fact.day)  # stable: within a day the later of the file stays last
    return seen


def funding_columns(facts: Iterable[Funding], day: str) -> dict[str, str]:
    """The newest of ``facts`` on or before ``day``, as columns."""
    known = [fact for fact in facts if fact.day <= day]
    if not known:
        return {}
    newest = known[-1]
    return {
        "funding_hours": newest.hours,
        "funding_cap": newest.cap,
        "funding_floor": newest.floor,
        "funding_as_of": newest.day,
    }
