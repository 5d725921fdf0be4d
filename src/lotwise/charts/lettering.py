"""How wide words are, what fits into a room, and how labels get out of each other's way.

Nothing here knows the font that a reader's machine has. Widths are those of DejaVu Sans, the widest of the
fonts that the style names, rounded up, so that what fits here fits everywhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

ASCENT: Final = 0.78
"""Of the size: how far letters reach above the base line."""
DESCENT: Final = 0.24
"""Of the size: how far they reach below it."""
BOLD: Final = 1.13
"""A bold letter against a plain one."""

_WIDTHS: Final = (
    ("ijl'|,.;:I ·", 0.34),
    ('ft()[]r-/\\"!\u2009', 0.46),
    ("abcdeghknopqsuvxyzLTFJ0123456789?_$E–*{}", 0.64),
    ("ABCDGHKNPRSUVXYZ&", 0.78),
    ("mwMWOQ%@+−=<>×~…—#^▲▼✕■●→←↑↓▸", 1.0),
)
_WIDTH_OF: Final = {letter: width for letters, width in _WIDTHS for letter in letters}
_OTHER: Final = 0.8
"""A letter of no list, of a script that is no wider than Latin."""
_WIDE: Final = 1.05


class Box(NamedTuple):
    """A rectangle: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box, gap: float = 0.0) -> bool:
        """Whether the two share a point, or come nearer than a gap."""
        across = self.left < other.right + gap and other.left < self.right + gap
        return across and self.top < other.bottom + gap and other.top < self.bottom + gap


@lru_cache(maxsize=4096)
def _em(letter: str) -> float:
    known = _WIDTH_OF.get(unicodedata.normalize("NFD", letter)[:1])  # é is as wide as e
    if known is not None:
        return known
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0.0
    return _WIDE if unicodedata.east_asian_width(letter) in {"W", "F"} else _OTHER


def text_width(words: str, size: float = 11, bold: bool = False) -> float:
    """Width of words in pixels, rather too wide than too narrow."""
    return sum(map(_em, words)) * size * (BOLD if bold else 1.0)


def fit(words: str, size: float, room: float, bold: bool = False) -> str:
    """The words, or as much of them as the room holds with an ellipsis; nothing where not even that fits.

    >>> fit("liquidation", 10, 200), fit("liquidation", 10, 40)
    ('liquidation', 'liquid…')
    """
    if text_width(words, size, bold) <= room:
        return words
    left = room - text_width("…", size, bold)
    kept = 0
    while left >= 0 and kept < len(words):
        left -= text_width(words[kept], size, bold)
        kept += left >= 0
    return words[:kept].rstrip() + "…" if kept else ""


def text_box(x: float, y: float, words: str, size: float, anchor: str = "start", bold: bool = False) -> Box:
    """The box of words whose base line is ``y``."""
    width = text_width(words, size, bold)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return Box(left, y - ASCENT * size, left + width, y + DESCENT * size)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near as can be to those wanted, in their order, at least a gap apart, within low and high.

    Neighbours that are too near are merged into a block that stands at the mean of what its members want,
    until no two blocks touch: the least squares answer (pool adjacent violators). Where there are too many
    for the room, they are set evenly.
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    if len(order) > 1 and gap * (len(order) - 1) > high - low:
        gap = (high - low) / (len(order) - 1)
    top = high - gap * (len(order) - 1)
    blocks: list[tuple[float, int]] = []  # the sum of what is wanted of the first member, how many
    for place, i in enumerate(order):
        total, count = wanted[i] - gap * place, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before, many = blocks.pop()
            total, count = total + before, count + many
        blocks.append((total, count))
    found = [0.0] * len(order)
    place = 0
    for total, count in blocks:
        for _ in range(count):
            found[order[place]] = min(max(total / count, low), max(top, low)) + gap * place
            place += 1
    return found


def flow(widths: Sequence[float], room: float, gap: float) -> list[tuple[int, float]]:
    """Where items stand that run on like words: row and left edge; a wide one has a row of its own."""
    places: list[tuple[int, float]] = []
    row, x = 0, 0.0
    for width in widths:
        if x > 0 and x + width > room:
            row, x = row + 1, 0.0
        places.append((row, x))
        x += width + gap
    return places


def wrap(words: str, size: float, room: float, most: int = 2) -> list[str]:
    """The words in lines that fit a room; the last of so many lines is cut where they do not."""
    lines: list[str] = []
    left = words.split()
    while left and len(lines) < most - 1:
        taken = 1
        while taken < len(left) and text_width(" ".join(left[: taken + 1]), size) <= room:
            taken += 1
        lines.append(fit(" ".join(left[:taken]), size, room))
        left = left[taken:]
    if left:
        lines.append(fit(" ".join(left), size, room))
    return lines
