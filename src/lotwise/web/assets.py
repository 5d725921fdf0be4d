"""What a page loads: our own modules and styles, and the chart library of the installed package.

All lie under one address that carries the hash of their content, for ever: modules find each other by their
plain names, and another content has another address. Nothing of others is kept in the project.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

from lotwise.charts.theme import HEAT_STYLE, STYLE
from lotwise.errors import InputError
from lotwise.web.security import style_hash

KINDS: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
CHARTS: Final = "lightweight-charts.js"
PICTURES: Final = "charts.css"
"""The style of the pictures that :mod:`lotwise.charts` draws: they carry none of their own in a page."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
_LOGO: Final = re.compile(r'innerText="(a#tv-attr-logo[^"]*)"')
"""The style that the library's logo brings: it is allowed by its hash and nothing else is."""


@dataclass(frozen=True)
class Assets:
    """Files by name, and the address they lie under."""

    bodies: dict[str, bytes]
    folder: str
    style_hashes: tuple[str, ...]

    def address(self, name: str) -> str:
        """Where a file is served.

        Raises
        ------
        KeyError
            No such file.
        """
        self.bodies[name]
        return f"{self.folder}/{name}"

    def kind(self, name: str) -> str:
        """Its content type."""
        return KINDS[name[name.rindex(".") :]]


def load() -> Assets:
    """Read all files once.

    Raises
    ------
    InputError
        WEB-101 the chart library is not installed, or is another than the one that the desk knows.
    """
    bodies = {
        entry.name: entry.read_bytes()
        for entry in resources.files("lotwise.web").joinpath("static").iterdir()
        if entry.name[entry.name.rfind(".") :] in KINDS
    }
    bodies[CHARTS] = charts = _charts()
    bodies[PICTURES] = f"{STYLE}\n{HEAT_STYLE}\n".encode()
    found = _LOGO.search(charts.decode())
    if found is None:
        raise InputError(
            "WEB-101",
            "the chart library's logo brings no style that the desk knows",
            'install the release that lotwise asks for: pip install "lotwise[web]"',
        )
    digest = hashlib.sha256()
    for name in sorted(bodies):
        digest.update(name.encode() + b"\0" + bodies[name])
    return Assets(bodies, f"/static/{digest.hexdigest()[:16]}", (style_hash(found.group(1)),))


def _charts() -> bytes:
    try:
        return resources.files("litecharts").joinpath("js", CHARTS).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        raise InputError(
            "WEB-101", "the chart library is not installed", 'pip install "lotwise[web]"'
        ) from None
