"""How often the detectors are right on the planted book, what they find in the capture: docs/detectors.md.

``python -m tests.twins.detector_figures`` writes the tables anew; LOTWISE_TEST_DATA names the real data.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lotwise.analysis import resting
from tests.twins import capture
from tests.twins.planted_book import ABSORBED, DEFENDED, ICEBERG, PULLED, SCENES, Scene, planted

PAGE = Path(__file__).parents[2] / "docs" / "detectors.md"
SEEDS = (201, 202, 203, 204, 205)
"""None of them was looked at while the detectors and their terms were made (that was done on 1 to 8)."""
ROUNDS = 12
TERMS = resting.Terms(siege_lots=700, large_lots=600)
REAL_TERMS = resting.Terms(siege_lots=2_000, large_lots=10_000, near_rows=100, band_rows=10)
"""Lots of 0.001 BTC, ticks of 0.1 USDT."""
LATE_NS = 2_100_000_000
"""An attack is told of after it has held: so long after its scene a finding still belongs to it."""
KINDS = (ICEBERG, ABSORBED, DEFENDED, PULLED)
SECOND = 1_000_000_000


class Claim(NamedTuple):
    """That something of a kind was at a price of a side."""

    kind: str
    time_ns: int
    is_bid: bool
    price: int


class Score(NamedTuple):
    """Claims that are right, claims that are wrong, scenes that had what was claimed."""

    right: int
    wrong: int
    wanted: int

    @property
    def precision(self) -> float:
        """Share of the claims that is right."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Share of the scenes that is found."""
        return self.right / self.wanted

    @property
    def good(self) -> bool:
        """The bar: precision 0.9, recall 0.7."""
        return self.precision >= 0.9 and self.recall >= 0.7


class Played(NamedTuple):
    """A planted market: what a venue told of it, what was found in it, what is true of it."""

    events: resting.Events
    claims: list[Claim]
    scenes: list[Scene]


@cache
def played(seed: int) -> Played:
    """A planted market and what the detectors find in it."""
    market, scenes = planted(seed, ROUNDS)
    trades, changes = (tuple(zip(*rows, strict=True)) for rows in (market.trades, market.changes))
    events = resting.merged(trades, changes)  # type: ignore[arg-type]
    found = resting.detect(events, TERMS)
    claims = [Claim(one.what.name, one.time_ns, one.is_bid, one.price_ticks) for one in found]
    return Played(events, claims, scenes)


def found_in(kind: str, claims: list[Claim], scenes: list[Scene]) -> tuple[list[Scene], list[Scene | None]]:
    """Scenes whose truth was claimed, each once; and for every other claim the scene it fell into, if any."""
    right: list[Scene] = []
    wrong: list[Scene | None] = []
    for claim in claims:
        if claim.kind != kind:
            continue
        where = next(
            (
                scene
                for scene in scenes
                if scene.begin_ns <= claim.time_ns <= scene.end_ns + LATE_NS
                and (scene.is_bid, scene.price) == (claim.is_bid, claim.price)
            ),
            None,
        )
        if where and kind in where.truth and where not in right:
            right.append(where)
        else:
            wrong.append(where)
    return right, wrong


def score(kind: str, many: list[tuple[list[Claim], list[Scene]]]) -> Score:
    """The score of a kind over several markets."""
    right = wrong = wanted = 0
    for claims, scenes in many:
        hits, misses = found_in(kind, claims, scenes)
        right, wrong = right + len(hits), wrong + len(misses)
        wanted += sum(kind in scene.truth for scene in scenes)
    return Score(right, wrong, wanted)


def of_the_detectors(kind: str) -> Score:
    """The score of our detectors."""
    return score(kind, [(one.claims, one.scenes) for one in map(played, SEEDS)])


def with_shuffled_truth(kind: str) -> Score:
    """The same claims, judged by scenes whose truths have changed places."""
    many = []
    for seed in SEEDS:
        one, rng = played(seed), random.Random(seed)
        truths = [scene.truth for scene in one.scenes]
        rng.shuffle(truths)
        pairs = zip(one.scenes, truths, strict=True)
        many.append((one.claims, [scene._replace(truth=truth) for scene, truth in pairs]))
    return score(kind, many)


def simple_claims(kind: str, events: resting.Events) -> list[Claim]:
    """A rule of one line: more traded at a price than it showed (icebergs), or just a lot (absorption).

    Iceberg: three times the most that the level ever showed traded there, without a pause of 5 seconds.
    Absorption: as many lots as the detector asks for traded at one price within its time.
    """
    runs: dict[tuple[bool, int], list[int]] = {}  # lots, most shown, last trade, first trade, claimed
    shown: Counter[tuple[bool, int]] = Counter()
    claims = []
    for time, is_trade, *level, lots in zip(*(column.tolist() for column in events), strict=True):
        at = (level[0], level[1])
        if not is_trade:
            shown[at] = lots
            if at in runs:
                runs[at][1] = max(runs[at][1], lots)
            continue
        run = runs.get(at)
        long = kind == ABSORBED and run is not None and time - run[3] > TERMS.siege_ns
        if run is None or time - run[2] > TERMS.quiet_ns or long:
            run = runs[at] = [0, shown[at], time, time, 0]
        run[0], run[2] = run[0] + lots, time
        enough = run[0] >= TERMS.siege_lots if kind == ABSORBED else run[0] > 3 * run[1]
        if enough and not run[4]:
            run[4] = 1
            claims.append(Claim(kind, time, *at))
    return claims


def of_a_simple_rule(kind: str) -> Score:
    """The score of the rule of one line."""
    return score(kind, [(simple_claims(kind, one.events), one.scenes) for one in map(played, SEEDS)])


def planted_tables() -> str:
    """Scores by detector, then by scene."""
    lines = [
        "| detector | right | wrong | scenes | precision | recall |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows = [(kind.lower(), of_the_detectors(kind)) for kind in KINDS]
    rows += [(f"{kind.lower()}, a rule of one line", of_a_simple_rule(kind)) for kind in (ICEBERG, ABSORBED)]
    rows += [(f"{kind.lower()}, truths shuffled", with_shuffled_truth(kind)) for kind in (ICEBERG, ABSORBED)]
    for name, one in rows:
        counts = f"{one.right} | {one.wrong} | {one.wanted}"
        lines.append(f"| {name} | {counts} | {one.precision:.2f} | {one.recall:.2f} |")
    lines += ["", "| scene | played | " + " | ".join(kind.lower() for kind in KINDS) + " |"]
    lines.append("|---|" + "---:|" * (1 + len(KINDS)))
    played_scenes = [scene for seed in SEEDS for scene in played(seed).scenes]
    told: Counter[tuple[str, str]] = Counter()
    for kind in KINDS:
        for one in map(played, SEEDS):
            right, wrong = found_in(kind, one.claims, one.scenes)
            told.update((scene.name if scene else "between scenes", kind) for scene in [*right, *wrong])
    names = sorted({scene.name for scene in played_scenes}, key=lambda name: (name.startswith("decoy"), name))
    for name in [*names, "between scenes"]:
        count = sum(scene.name == name for scene in played_scenes)
        truth = SCENES[name][0] if name in SCENES else frozenset()
        cells = (f"**{told[name, kind]}**" if kind in truth else str(told[name, kind]) for kind in KINDS)
        lines.append(f"| {name} | {count or ''} | {' | '.join(cells)} |")
    return "\n".join(lines)


@cache
def real_findings(folder: Path) -> list[resting.Finding]:
    """What the detectors find in the capture."""
    return resting.detect(real_events(folder), REAL_TERMS)


@cache
def real_events(folder: Path) -> resting.Events:
    """The capture's trades and changes in one order."""
    held = capture.btcusdt(folder)
    changes = [(row[0], *row[3:]) for row in held.changes]
    trades, levels = (tuple(zip(*rows, strict=True)) for rows in (held.trades, changes))
    return resting.merged(trades, levels)  # type: ignore[arg-type]


def real_table(folder: Path) -> str:
    """Counts of the capture; all findings but the many withdrawn orders with their times."""
    found, begin = real_findings(folder), int(real_events(folder).time_ns[0])
    counts = Counter(one.what.name for one in found)
    lines = [
        "| found | times |",
        "|---|---:|",
        *(f"| {kind.lower()} | {counts[kind]} |" for kind in KINDS),
        "",
    ]
    lines += ["| found | at second | side | price | traded | size |", "|---|---:|---|---:|---:|---:|"]
    for one in [one for one in found if one.what is not resting.Found.PULLED]:
        price = f"{one.price_ticks // 10}.{one.price_ticks % 10}"
        at = f"{(one.time_ns - begin) // SECOND}"
        sizes = f"{one.lots / 1_000:.3f} | {one.size_lots / 1_000:.3f}"
        lines.append(
            f"| {one.what.name.lower()} | {at} | {'bid' if one.is_bid else 'ask'} | {price} | {sizes} |"
        )
    return "\n".join(lines)


def block(page: str, name: str) -> str:
    """What stands between the two marks of a table."""
    found = re.search(f"<!-- {name} -->\n\n(.*?)\n\n<!-- end -->", page, re.DOTALL)
    return found.group(1) if found else ""


def main() -> None:
    """Write the tables into the page."""
    page = PAGE.read_text("utf-8")
    folder = Path(os.environ["LOTWISE_TEST_DATA"])
    for name, table in (("planted", planted_tables()), ("real", real_table(folder))):
        page = page.replace(f"<!-- {name} -->\n\n{block(page, name)}\n\n", f"<!-- {name} -->\n\n{table}\n\n")
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
