"""Every error lotwise raises, as one tree.

::

    LotwiseError                code, message, hint           exit 1
    ├── InputError              a value that cannot be used   exit 2
    │   ├── UnitError           text that is no exact number  exit 2
    │   └── FactsError          the catalogue does not say    exit 2
    ├── RefusedError            a trade that does not fit     exit 3
    └── VenueError              the venue or the network      exit 4

An error says what happened with both numbers, carries a stable code, and a ``hint``: the
smallest change that works. A face prints ``error[CODE]: message`` and ``hint: ...``; as
JSON it is always ``{"error": {"code": ..., "message": ..., "hint": ...}}``.
"""

from __future__ import annotations

from typing import ClassVar


class LotwiseError(Exception):
    """The root: anything lotwise raises on purpose.

    Parameters
    ----------
    code
        Stable, e.g. ``SIZE-110``; documented and never reused.
    message
        What happened, with both numbers.
    hint
        The smallest change that works; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        return f"{text} (hint: {self.hint})" if self.hint else text

    def as_dict(self) -> dict[str, dict[str, str]]:
        """The one JSON shape of an error."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint}}


class InputError(LotwiseError):
    """A value that cannot be used as given; nothing was changed."""

    exit_code = 2


class UnitError(InputError):
    """Text that is not an exact number of the unit asked for."""


class FactsError(InputError):
    """The catalogue does not hold the fact that was asked for."""


class RefusedError(LotwiseError):
    """A trade that does not fit its account, raised only where a caller asked for that."""

    exit_code = 3


class VenueError(LotwiseError):
    """The venue or the network failed."""

    exit_code = 4
