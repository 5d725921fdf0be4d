"""Writes the stored requests anew: ``python -m tests.wire.capture``; read what changed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.wire.offline import CONTRACTS
from tests.wire.orders import all_requests

FOLDER = Path(__file__).parent


def stored(venue: str) -> Path:
    """The file of a venue's requests."""
    return FOLDER / f"{venue}_requests.json"


if __name__ == "__main__":
    for venue in CONTRACTS:
        stored(venue).write_text(json.dumps(all_requests(venue), indent=1) + "\n")
