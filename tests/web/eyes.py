"""What chromium paints for people who tell colours otherwise, pixel by pixel."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Colour = tuple[int, int, int]

SEEN = ("deuteranopia", "protanopia", "tritanopia", "achromatopsia")
READ_PICTURE = """async (text) => {
  const image = new Image(); image.src = "data:image/png;base64," + text; await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), ink = canvas.getContext("2d");
  ink.drawImage(image, 0, 0);
  const [width, flat] = [image.width, ink.getImageData(0, 0, image.width, image.height).data];
"""
ROWS = READ_PICTURE + "return [width, ...flat]; }"
COUNTS = (
    READ_PICTURE
    + """const found = new Map();
  for (let i = 0; i < flat.length; i += 4) {
    const one = `${flat[i]},${flat[i + 1]},${flat[i + 2]}`;
    found.set(one, 1 + (found.get(one) ?? 0)); }
  return [...found].sort((a, b) => b[1] - a[1]).map(([one]) => one.split(",").map(Number)); }"""
)
APART = 20.0
"""How far two colours are apart in CIELAB (CIE 1976) that are told apart at a glance; 2.3 is just noticed."""
READ = 4.0
"""Contrast of painted text: WCAG 2.2, 1.4.3 asks 4.5 of its colour; thin strokes are painted paler."""


class Eye:
    """A page as someone sees it."""

    def __init__(self, page: Page, paper: Page, kind: str) -> None:
        self.page, self.paper = page, paper
        line = page.context.new_cdp_session(page)
        line.send("Emulation.setEmulatedVisionDeficiency", {"type": kind})

    def _told(self, script: str, what: Locator) -> Any:
        return self.paper.evaluate(script, base64.b64encode(what.screenshot()).decode())

    def pixels(self, what: Locator) -> list[list[Colour]]:
        """The rows of a part of the page."""
        width, *flat = self._told(ROWS, what)
        colours = list(zip(flat[0::4], flat[1::4], flat[2::4], strict=True))
        return [colours[at : at + width] for at in range(0, len(colours), width)]

    def contrast(self, what: Locator) -> float:
        """Between its ground, its commonest colour, and what stands out most from it."""
        ground, *others = (light(tuple(one)) for one in self._told(COUNTS, what))
        return max(ratio(ground, one) for one in others)


def linear(colour: Colour) -> list[float]:
    return [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in (k / 255 for k in colour)
    ]


def light(colour: Colour) -> float:
    """Relative luminance: WCAG 2.2."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def apart(one: Colour, other: Colour) -> float:
    """The distance of two sRGB colours in CIELAB under D65."""

    def lab(colour: Colour) -> tuple[float, float, float]:
        red, green, blue = linear(colour)
        x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
        y = light(colour)
        z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
        fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
        return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)

    return sum((a - b) ** 2 for a, b in zip(lab(one), lab(other), strict=True)) ** 0.5
