"""Whatever goes wrong, in any order: nothing naked beyond the bound, nothing doubled, nothing lost."""

from __future__ import annotations

import os
from collections import Counter

from lotwise.store.database import Database
from tests.session.storm import Storm

SEEDS = 4_000 if os.environ.get("LOTWISE_PROFILE") == "proof" else 60
RARE = (
    "crash with something open",
    "down",
    "limited",
    "lost_after",
    "lost_before",
    "late",
    "partial",
    "-4120",
    "-2019",
    "full",
    "crash with a full disk",
    "hand cancels a stop",
    "hand moves a stop",
    "hand trades",
)
"""What must have come up for the storms to say anything."""


def test_storms(database: Database) -> None:
    seen = Counter[str]()
    for seed in range(SEEDS):
        storm = Storm(database, seed)
        storm.run()
        seen += storm.counts
    for name in (*RARE, "fills", "trades"):
        assert seen[name] > 0, f"no {name} in {SEEDS} storms"
    assert seen["crash with something open"] >= SEEDS
