"""A row of the allow-list: what one request may hold, and the check of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

Params = Mapping[str, Any]
PLAIN: Final = "object"
IDS: Final = "list of ids"
ROWS: Final = "list of objects"


@dataclass(frozen=True)
class Request:
    """One request that may be sent."""

    method: str
    path: str
    call: str
    """ccxt's name of the endpoint."""
    fixed: Params = field(default_factory=dict)
    """Parameters that are always so."""
    given: tuple[str, ...] = ()
    """Parameters that are always there."""
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """What a given parameter may be, where few things are allowed."""
    optional: tuple[str, ...] = ()
    """Of reads only: may be there."""
    shape: str = PLAIN
    """How the parameters travel."""


def bingx(
    method: str,
    version: str,
    path: str,
    *given: str,
    optional: tuple[str, ...] = (),
    fixed: Params | None = None,
    choices: Mapping[str, tuple[Any, ...]] | None = None,
    access: str = "Private",
) -> Request:
    """A row of BingX, whose endpoints ccxt names by their path."""
    name = "".join(part[0].upper() + part[1:] for part in path.split("/"))
    return Request(
        method,
        f"/openApi/swap/{version}/{path}",
        f"swap{version.upper()}{access}{method.capitalize()}{name}",
        fixed or {},
        given,
        choices or {},
        optional,
    )


def same(value: Any, wanted: Any) -> bool:
    """Equal and of one type: True is not 1 here."""
    return type(value) is type(wanted) and bool(value == wanted)


def plain(value: Any) -> bool:
    """Text, whole number, exact decimal, yes or no; never empty, never a float."""
    if isinstance(value, str):
        return bool(value)
    if isinstance(value, Decimal):
        return value.is_finite() and value > 0
    return isinstance(value, int)
