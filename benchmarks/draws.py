"""Seeded chance that is the same everywhere: integers only, no library's generator, no logarithm.

A fingerprint must not change with the version of Python, NumPy or the C library, so columns are
drawn with SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST_MIX = np.uint64(0xBF58476D1CE4E5B9)
SECOND_MIX = np.uint64(0x94D049BB133111EB)


def _mixed(state: Any) -> Any:
    state = (state ^ (state >> np.uint64(30))) * FIRST_MIX
    state = (state ^ (state >> np.uint64(27))) * SECOND_MIX
    return state ^ (state >> np.uint64(31))


class Draws:
    """Columns of ``count`` whole numbers (int64) from one seed.

    Each call draws from a stream of its own, so a longer column begins with the shorter one.
    """

    def __init__(self, seed: int, count: int) -> None:
        self._seed = np.uint64(seed)
        self._steps = np.arange(1, count + 1, dtype=np.uint64)
        self._stream = 0

    def words(self) -> Any:
        """64 random bits a row, uint64."""
        self._stream += 1
        start = _mixed(np.array([self._stream], dtype=np.uint64) * GOLDEN + self._seed)
        return _mixed(start + self._steps * GOLDEN)

    def whole(self, least: Any, most: Any) -> Any:
        """Whole numbers in [least, most]; the bounds are numbers or columns."""
        span = np.asarray(most, dtype=np.int64) - np.asarray(least, dtype=np.int64) + 1
        return least + (self.words() % span.astype(np.uint64)).astype(np.int64)

    def magnitude(self, least: int, most: int) -> Any:
        """Positive numbers in [least, most], every power of two about as likely as any other."""
        lowest = np.int64(1) << (self.whole(least.bit_length(), most.bit_length()) - 1)
        return np.clip(self.whole(lowest, 2 * lowest - 1), least, most)

    def percent(self, chance: int) -> Any:
        """True in ``chance`` of a hundred rows."""
        return self.whole(1, 100) <= chance
