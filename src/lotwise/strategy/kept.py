"""Measures kept while many settings of a strategy see the same bars: each is worked out once.

A measure is kept only while a :class:`Kept` is open in this thread, and only of arrays that were named to
it: the columns of one contract. Everywhere else it is worked out as if this module were not there. What is
kept is handed out read-only, so that no setting can spoil it for the next.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

P = ParamSpec("P")
R = TypeVar("R")

MOST_BYTES: Final = 128 * 2**20
"""Of one :class:`Kept`; the longest unused go first."""

_HERE = threading.local()


class Kept:
    """What was worked out of some arrays; several threads may have it open at once."""

    def __init__(self, arrays: Sequence[Numbers], most_bytes: int = MOST_BYTES) -> None:
        self._arrays = {id(array): array for array in arrays}
        self._found: OrderedDict[tuple[Any, ...], Numbers] = OrderedDict()
        self._most, self.bytes, self.made = most_bytes, 0, 0
        self._lock = threading.Lock()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Keep measures in this thread while inside."""
        before = getattr(_HERE, "kept", None)
        _HERE.kept = self
        try:
            yield
        finally:
            _HERE.kept = before

    def get(self, measure: Callable[..., Numbers], given: tuple[Any, ...]) -> Numbers:
        """The measure of what is given: as kept, or made now."""
        key = (measure, *(id(one) if id(one) in self._arrays else one for one in given))
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        made = measure(*given)
        made.flags.writeable = False
        with self._lock:
            if key not in self._found:
                self._found[key] = made
                self.bytes += made.nbytes
                self.made += 1
            while self.bytes > self._most and len(self._found) > 1:
                self.bytes -= self._found.popitem(last=False)[1].nbytes
        return made

    def knows(self, given: tuple[Any, ...]) -> bool:
        """Whether all arrays of a call were named; plain numbers always are."""
        return all(isinstance(one, int) or id(one) in self._arrays for one in given)


def kept(measure: Callable[P, R]) -> Callable[P, R]:
    """A measure ``(arrays ..., numbers ...) -> array`` that is kept where a :class:`Kept` is open."""

    @wraps(measure)
    def found(*given: P.args, **named: P.kwargs) -> R:
        here: Kept | None = getattr(_HERE, "kept", None)
        if here is None or named or not here.knows(given):
            return measure(*given, **named)
        answer: Any = here.get(measure, given)  # type: ignore[arg-type]
        return answer  # type: ignore[no-any-return]

    return found
