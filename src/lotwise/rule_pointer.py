"""A strategy behind a function pointer: compiled rules call it, and are not compiled anew for it.

Numba compiles a rule once for each function it is given. A rule that takes a function *pointer* of a fixed
signature is compiled once for all: its machine code comes from the cache whatever strategy it is to ask. Two
kinds stand behind such a pointer: a rule (compiled alone, kept in the cache under its own stamp) and any
Python callable, which costs some 0.3 us a call.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from operator import index
from typing import Any

from numba.core import types
from numba.core.typing import signature
from numba.experimental import function_type as _known_to_numba  # noqa: F401 - registers such pointers

from lotwise.rule import Rule
from lotwise.rule_handle import Handle


def asks(seen: Handle) -> Any:
    """The signature of a strategy: (what it sees, which row) -> signal."""
    return signature(types.int64, seen, types.int64)


class RulePointer(types.WrapperAddressProtocol):  # type: ignore[misc]
    """A rule as a pointer; it is compiled when it is made, or comes from the cache.

    Parameters
    ----------
    rule
        Of two arguments: a named tuple that travels by address, and a row number.
    seen
        The type of the first.
    """

    def __init__(self, rule: Rule[..., int], seen: Handle) -> None:
        self._signature = asks(seen)
        dispatcher = rule.compiled
        dispatcher.compile(self._signature)
        made = dispatcher.overloads[tuple(self._signature.args)]
        self._made = made  # holds the machine code
        self._address = made.library.get_pointer_to_function(made.fndesc.llvm_cfunc_wrapper_name)

    def __wrapper_address__(self) -> int:
        return int(self._address)

    def signature(self) -> Any:
        """What compiled code calls it with."""
        return self._signature


class CallPointer(types.WrapperAddressProtocol):  # type: ignore[misc]
    """A Python callable ``(row number) -> signal`` as a pointer.

    What it raises is kept in ``error``, and compiled code gets ``failed`` in its place: an exception cannot
    pass through compiled code.
    """

    def __init__(self, call: Callable[[int], int], seen: Handle, failed: int) -> None:
        self._signature = asks(seen)
        self.error: BaseException | None = None

        def guarded(_: int, row: int) -> int:
            try:
                answer = call(row)
                return answer if type(answer) is int else index(answer)
            except BaseException as error:  # raised again outside, KeyboardInterrupt too
                self.error = error
                return failed

        prototype = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
        self._thunk = prototype(guarded)
        address = ctypes.cast(self._thunk, ctypes.c_void_p).value
        assert address is not None
        self._address = address

    def __wrapper_address__(self) -> int:
        return self._address

    def signature(self) -> Any:
        """What compiled code calls it with."""
        return self._signature
