"""Elements of SVG as text: escaping, short numbers, and the picture that holds them.

A picture is finished with a title and a description in words, with ids that begin with a hash of its content,
so that several stand in one page and the same input gives the same bytes. It holds no script, no event, no
reference and no ``style`` attribute: a page with a strict content security policy takes it as it is.

Sources: XML 1.0, section 2.2 (characters); WAI-ARIA Graphics (``role="img"`` with a title and a description).
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from lotwise.charts.lettering import fit
from lotwise.charts.theme import HEAT_STYLE, STYLE

_OUTSIDE_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text after them: a name could hide a sign with them."""

STYLE_TAG: Final = f"<style>{STYLE}</style>"
"""The same bytes in every picture: a page needs it once, a security policy one hash of it."""
HEAT_STYLE_TAG: Final = f"<style>{HEAT_STYLE}</style>"

Value = str | int | float


def escape(text: str) -> str:
    """Text for an element or an attribute; characters that XML cannot hold become U+FFFD.

    >>> escape('<b onload="x">&')
    '&lt;b onload=&quot;x&quot;&gt;&amp;'
    """
    text = _BIDI.sub("", _OUTSIDE_XML.sub("\ufffd", text))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;").replace("\r", " ")


def num(value: float) -> str:
    """A coordinate with at most two decimals, as short as it goes.

    >>> num(3.0), num(0.125), num(-0.001), num(12.5)
    ('3', '0.12', '0', '12.5')
    """
    if isinstance(value, int):
        return str(value)
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def tag(name: str, content: str = "", /, **attributes: Value) -> str:
    """One element. ``class_`` and ``stroke_width`` become ``class`` and ``stroke-width``; content is markup.

    >>> tag("rect", x=1.0, class_="lw-grid")
    '<rect x="1" class="lw-grid"/>'
    """
    words = [name]
    for key, value in attributes.items():
        written = escape(value) if isinstance(value, str) else num(value)
        words.append(f'{key.rstrip("_").replace("_", "-")}="{written}"')
    inside = " ".join(words)
    return f"<{inside}>{content}</{name}>" if content else f"<{inside}/>"


class Canvas:
    """A picture in the making: elements in the order they are painted, coordinates from the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.heat = False
        self._parts: list[str] = []

    def add(self, markup: str) -> None:
        """Put markup on top."""
        self._parts.append(markup)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line; ``kind`` names its class in the style."""
        self.add(tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=f"lw-{kind}"))

    def rect(self, x: float, y: float, width: float, height: float, kind: str, hint: str = "") -> None:
        """A rectangle; the hint is shown by browsers when the pointer rests on it."""
        inside = tag("title", escape(hint)) if hint else ""
        shape = tag("rect", inside, x=x, y=y, width=width, height=height, class_=f"lw-{kind}")
        self.add(shape)

    def path(self, d: str, kind: str, hint: str = "") -> None:
        """A path; nothing where there is nothing to draw."""
        if d:
            self.add(tag("path", tag("title", escape(hint)) if hint else "", d=d, class_=f"lw-{kind}"))

    def text(
        self, x: float, y: float, words: str, kind: str = "ink", size: int = 11, anchor: str = "start"
    ) -> None:
        """Words on the base line ``y``; ``anchor`` is ``start``, ``middle`` or ``end``."""
        if words:
            mark = {} if anchor == "start" else {"text_anchor": anchor}
            self.add(tag("text", escape(words), x=x, y=y, class_=f"lw-{kind}", font_size=size, **mark))

    def upright(self, x: float, y: float, words: str, kind: str = "dim", size: int = 11) -> None:
        """Words that run upwards from ``(x, y)``."""
        turn = f"rotate(-90 {num(x)} {num(y)})"
        shape = tag("text", escape(words), x=x, y=y, class_=f"lw-{kind}", font_size=size, transform=turn)
        self.add(shape)

    def finish(self, title: str, description: str) -> str:
        """The picture as SVG text, whole and standing alone."""
        content = "".join(self._parts)
        name = fit(" ".join(title.split()), 11, 2000) or "Picture"
        whole = f"{self.width} {self.height} {name}\n{description}\n{content}"
        prefix = f"lw{hashlib.sha256(whole.encode('utf-8', 'replace')).hexdigest()[:12]}"
        style = STYLE_TAG + (HEAT_STYLE_TAG if self.heat else "")
        words = tag("title", escape(name), id=f"{prefix}-t") + tag(
            "desc", escape(description), id=f"{prefix}-d"
        )
        ground = tag("rect", width=self.width, height=self.height, class_="lw-bg")
        return tag(
            "svg",
            words + style + ground + content,
            xmlns="http://www.w3.org/2000/svg",
            width=self.width,
            height=self.height,
            viewBox=f"0 0 {self.width} {self.height}",
            class_="lw",
            role="img",
            aria_labelledby=f"{prefix}-t {prefix}-d",
        )


def without_style(svg: str) -> str:
    """The picture without its style, for a page that carries :data:`STYLE` itself."""
    return svg.replace(STYLE_TAG, "").replace(HEAT_STYLE_TAG, "")


def move(x: float, y: float) -> str:
    """Path command: go to a point without drawing."""
    return f"M{num(x)} {num(y)}"


def box_path(x: float, y: float, width: float, height: float) -> str:
    """Path commands of a rectangle."""
    return f"M{num(x)} {num(y)}h{num(width)}v{num(height)}h{num(-width)}z"
