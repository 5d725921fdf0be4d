"""Colours for light, dark and paper, and the style that carries them.

Up is blue and down is orange, which red-green blindness leaves apart; shape says the same again (a falling
bar is hollow, marks differ in form), so nothing rests on colour alone. Series take the palette of Okabe and
Ito, each in the shade that stands out 3:1 from its ground; words stand out 4.5:1 or more.

Sources: M. Okabe, K. Ito, "Color Universal Design: How to make figures and presentations that are friendly to
colorblind people" (2008); WCAG 2.2, 1.4.3 and 1.4.11 (contrast), relative luminance as defined there.
"""

from __future__ import annotations

from typing import Final

LIGHT: Final = {
    "bg": "#ffffff",
    "ink": "#16202b",
    "dim": "#4d5b69",
    "grid": "#e3e8ed",
    "edge": "#7a8794",
    "shade": "#f1f4f7",
    "up": "#0b6bcb",
    "down": "#b45309",
    "s0": "#0072b2",  # blue
    "s1": "#d55e00",  # vermilion
    "s2": "#00835f",  # bluish green, darker than the palette's #009e73
    "s3": "#a8508a",  # reddish purple, darker than #cc79a7
    "s4": "#8a6000",  # orange, darker than #e69f00
    "s5": "#3f3f3f",  # black
}
"""On white; up and down as in the dashboard."""

DARK: Final = {
    "bg": "#171e27",
    "ink": "#e8edf2",
    "dim": "#a9b6c3",
    "grid": "#2a3440",
    "edge": "#7d8b99",
    "shade": "#1f2833",
    "up": "#4aa8ff",
    "down": "#ff9f43",
    "s0": "#56b4e9",  # sky blue
    "s1": "#e69f00",  # orange
    "s2": "#19b38a",  # bluish green, lighter than #009e73
    "s3": "#cc79a7",  # reddish purple
    "s4": "#f0e442",  # yellow
    "s5": "#d0d6dc",  # black, turned round
}
"""On the dashboard's panel."""

SERIES: Final = 6
"""Colours of series; a seventh series takes the first again, with its own dashes."""

HEAT_STEPS: Final = 13
"""Steps of the diverging ramp: 0 the most negative, 6 nothing, 12 the most positive."""

WHITE: Final = "#ffffff"
BLACK: Final = "#000000"


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2).

    >>> round(contrast("#000000", "#ffffff"), 2)
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def readable_on(colour: str) -> str:
    """Black or white, whichever stands out more: at least 4.58:1 on any colour."""
    return max((BLACK, WHITE), key=lambda ink: contrast(ink, colour))


def _blend(one: str, other: str, tenths: float) -> str:
    def mixed(i: int) -> int:
        a, b = int(one[i : i + 2], 16), int(other[i : i + 2], 16)
        return round(a + (b - a) * tenths)

    return "#" + "".join(f"{mixed(i):02x}" for i in (1, 3, 5))


def heat_ramp(colours: dict[str, str]) -> list[str]:
    """The thirteen colours from down over the ground to up."""
    half = HEAT_STEPS // 2
    middle = colours["shade"]
    low = [_blend(colours["down"], middle, i / half) for i in range(half)]
    return [*low, middle, *(_blend(middle, colours["up"], i / half) for i in range(1, half + 1))]


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--lw-{name}:{colour};" for name, colour in colours.items())


def _heat_variables(colours: dict[str, str]) -> str:
    ramp = heat_ramp(colours)
    fills = "".join(f"--lw-h{i}:{colour};" for i, colour in enumerate(ramp))
    return fills + "".join(f"--lw-i{i}:{readable_on(colour)};" for i, colour in enumerate(ramp))


def _themes(light: str, dark: str) -> str:
    """The system's choice, a page's own choice by ``data-theme``, and paper always light."""
    return (
        f".lw{{{light}}}@media (prefers-color-scheme:dark){{.lw{{{dark}}}}}"
        f"[data-theme=light] .lw{{{light}}}[data-theme=dark] .lw{{{dark}}}"
        f"@media print{{.lw,[data-theme] .lw{{{light}}}}}"
    )


_DASHES: Final = ("none", "7 3", "2 3", "9 3 2 3", "4 2", "12 4")
_OVERLAYS: Final = (2, 5, 4)
"""Series colours of lines over candles: none that a candle or a level has."""
OVERLAYS: Final = len(_OVERLAYS)
_FONT: Final = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','DejaVu Sans',Arial,sans-serif"
)

_RULES: Final = (
    f".lw{{font-family:{_FONT};font-variant-numeric:tabular-nums;forced-color-adjust:none;"
    "-webkit-print-color-adjust:exact;print-color-adjust:exact;max-width:100%}"
    ".lw-bg{fill:var(--lw-bg)}.lw-shade{fill:var(--lw-shade)}"
    ".lw-ink,.lw-bold{fill:var(--lw-ink)}.lw-bold{font-weight:600}.lw-dim{fill:var(--lw-dim)}"
    ".lw-upx{fill:var(--lw-up)}.lw-downx{fill:var(--lw-down)}"
    ".lw-grid,.lw-axis,.lw-lead{fill:none;stroke:var(--lw-grid)}.lw-axis{stroke:var(--lw-edge)}"
    ".lw-lead{stroke:var(--lw-edge);stroke-width:.75}"
    ".lw-up{fill:var(--lw-up);stroke:var(--lw-up)}.lw-down{fill:var(--lw-bg);stroke:var(--lw-down)}"
    ".lw-upl,.lw-downl{fill:none;stroke:var(--lw-up);stroke-width:1.5}.lw-downl{stroke:var(--lw-down)}"
    ".lw-upa{fill:var(--lw-up);fill-opacity:.22}.lw-downa{fill:var(--lw-down);fill-opacity:.16}"
    ".lw-lent,.lw-lstop,.lw-ltgt,.lw-lbe,.lw-lliq,.lw-lpoc,.lw-lva,.lw-loth"
    "{fill:none;stroke:var(--lw-ink);stroke-width:1.25}"
    ".lw-lstop{stroke:var(--lw-down);stroke-dasharray:7 3}.lw-ltgt{stroke:var(--lw-up);stroke-dasharray:7 3}"
    ".lw-lbe{stroke:var(--lw-dim);stroke-dasharray:2 3}"
    ".lw-lliq{stroke:var(--lw-down);stroke-width:2;stroke-dasharray:2 2}"
    ".lw-lpoc{stroke:var(--lw-s3)}.lw-lva{stroke:var(--lw-s3);stroke-dasharray:4 3}"
    ".lw-loth{stroke:var(--lw-edge);stroke-dasharray:4 3}"
    ".lw-path{fill:none;stroke:var(--lw-down);stroke-width:1.75}"
    ".lw-prof{fill:var(--lw-edge);fill-opacity:.35}.lw-prov{fill:var(--lw-s3);fill-opacity:.5}"
    ".lw-proc{fill:var(--lw-s3)}"
    ".lw-mark{fill:var(--lw-ink);stroke:var(--lw-bg);stroke-width:1}"
    ".lw-halo{fill:none;stroke:var(--lw-bg);stroke-width:4.5}"
    ".lw-cross{fill:none;stroke:var(--lw-ink);stroke-width:2}"
    ".lw-cell{fill:none;stroke:var(--lw-ink);stroke-width:1.5}"
    + "".join(
        f".lw-c{i},.lw-s{i}{{fill:none;stroke:var(--lw-s{i});stroke-width:1.75;stroke-linejoin:round}}"
        f".lw-s{i}{{stroke-dasharray:{_DASHES[i]}}}.lw-p{i}{{fill:var(--lw-s{i})}}.lw-f{i}{{fill:var(--lw-s{i});stroke:var(--lw-bg)}}"
        f".lw-a{i}{{fill:var(--lw-s{i});fill-opacity:.18}}"
        for i in range(SERIES)
    )
    + "".join(
        f".lw-o{i}{{fill:none;stroke:var(--lw-s{colour});stroke-width:1.75;stroke-dasharray:{_DASHES[i]}}}"
        for i, colour in enumerate(_OVERLAYS)
    )
)

STYLE: Final = _themes(_variables(LIGHT), _variables(DARK)) + _RULES
"""What every picture carries; no character of it needs escaping."""

HEAT_STYLE: Final = _themes(_heat_variables(LIGHT), _heat_variables(DARK)) + "".join(
    f".lw-h{i}{{fill:var(--lw-h{i});stroke:var(--lw-bg)}}.lw-i{i}{{fill:var(--lw-i{i})}}"
    for i in range(HEAT_STEPS)
)
"""What a picture with coloured cells carries beside it."""
