"""The ``@rule`` decorator: one source, run as plain Python or compiled by Numba.

A rule called from Python runs as the function it is: no Numba import, exact big integers, a
readable traceback. A rule named inside compiled code is compiled: Numba asks the object for
``_numba_type_``, and only then is a dispatcher made. The rule *holds* that dispatcher, since
Numba keeps a weak reference alone.

Compiled code is cached per user. Numba's own cache looks at one file and misses an edit of a
helper or a constant elsewhere (it then returns old numbers), so ours is keyed by a stamp over
the source of the rule, of every rule and module it reaches, and of the constants it names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cached_property, partial, update_wrapper
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, Generic, NewType, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from numba.core.dispatcher import Dispatcher

OPTIONS: Final = {"_nrt": False, "nogil": True}
"""How rules are compiled. They allocate nothing; without Numba's runtime their array arguments
are not reference-counted at every call, which is 2.5 times quicker. They touch no Python object, so
threads may run them side by side."""

P = ParamSpec("P")
R = TypeVar("R")


class Rule(partial[R], Generic[P, R]):
    """A function with two bodies from one source (or two proved equal, see :func:`rule`).

    A ``functools.partial`` without arguments: the cheapest callable object there is, twice as
    quick as a ``__call__`` written in Python, and rules call rules a lot.
    """

    body_of_its_own: str = ""

    if TYPE_CHECKING:  # partial's own __call__ runs; this only carries the signature

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    def __repr__(self) -> str:
        return f"<rule {self.func.__module__}.{self.func.__qualname__}>"

    @property
    def function(self) -> Callable[P, R]:
        """The plain Python function."""
        return self.func

    @cached_property
    def compiled_body(self) -> Callable[P, R]:
        """What compiled code is made from: the function, or its second body, imported now."""
        if not self.body_of_its_own:
            return self.function
        module, _, name = self.body_of_its_own.partition(":")
        body: Callable[P, R] = getattr(import_module(module), name)
        return body

    @cached_property
    def compiled(self) -> Dispatcher:
        """The Numba dispatcher, made on first use; call it with int64 and record arrays."""
        from lotwise.rule_cache import RuleCache
        from lotwise.rule_parts import make_whole

        dispatcher = self._dispatcher()
        make_whole(dispatcher)
        dispatcher._cache = RuleCache(self.compiled_body, self.stamp)
        return dispatcher

    @cached_property
    def part(self) -> Dispatcher:
        """The dispatcher that compiled code calls: see :mod:`lotwise.rule_parts`."""
        from lotwise.rule_parts import make_part

        dispatcher = self._dispatcher()
        make_part(dispatcher, constants_as_numbers=not self.body_of_its_own)
        return dispatcher

    def _dispatcher(self) -> Dispatcher:
        import numba

        from lotwise.rule_parts import RulePipeline

        for cast in _newtypes_reached(self):
            _register_identity(cast)
        return numba.njit(**OPTIONS, pipeline_class=RulePipeline)(self.compiled_body)

    @property
    def _numba_type_(self) -> Any:
        return self.part._numba_type_

    @cached_property
    def stamp(self) -> str:
        """Hash of all source and constants this rule's machine code depends on."""
        return _stamp(self)


@overload
def rule(function: Callable[P, R], /) -> Rule[P, R]: ...
@overload
def rule(*, compiled_body: str) -> Callable[[Callable[P, R]], Rule[P, R]]: ...
def rule(
    function: Callable[P, R] | None = None, /, *, compiled_body: str = ""
) -> Rule[P, R] | Callable[[Callable[P, R]], Rule[P, R]]:
    """Make a function a rule.

    Parameters
    ----------
    function
        Integers and records in, integers or tuples of them out; no exceptions, no floats.
    compiled_body
        ``"module:name"`` of a second body for compiled code. Only wide arithmetic has one,
        where big integers and int64 need different algorithms; a law proves the two equal.

    Examples
    --------
    >>> @rule
    ... def twice(lots: int) -> int:
    ...     return 2 * lots
    >>> twice(21)
    42
    """
    if function is None:
        return lambda plain: _made(plain, compiled_body)
    return _made(function, "")


def _made(function: Callable[P, R], compiled_body: str) -> Rule[P, R]:
    made: Rule[P, R] = Rule(function)
    made.body_of_its_own = compiled_body
    update_wrapper(made, function)
    return made


def cache_folder() -> Path:
    """Where compiled rules are kept: ``LOTWISE_CACHE_DIR``, else the user's cache folder."""
    given = os.environ.get("LOTWISE_CACHE_DIR")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or (
        os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None
    )
    return (Path(base) if base else Path.home() / ".cache") / "lotwise"


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function names: globals, closure cells, and attributes of the modules and classes
    among them (``rates.FEE``, ``Code.A``), nested code included."""
    names: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    found = {name: function.__globals__[name] for name in names if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        found[name] = cell.cell_contents
    for name, value in found.items():
        yield name, value
        if isinstance(value, (ModuleType, type)):
            yield from ((f"{name}.{part}", getattr(value, part)) for part in names if hasattr(value, part))


def _bodies(value: Any) -> list[Any]:
    """The Python functions behind a rule, a Numba dispatcher or a function; none otherwise."""
    if isinstance(value, Rule):
        return [value.function, value.compiled_body]
    value = getattr(value, "py_func", value)
    return [value] if isinstance(value, FunctionType) else []


def _reached(start: Rule[..., Any]) -> tuple[list[FunctionType], list[tuple[str, Any]]]:
    """Every function reachable from ``start``, and every other thing they name."""
    functions: list[FunctionType] = list(dict.fromkeys(_bodies(start)))
    others: list[tuple[str, Any]] = []
    for current in functions:  # grows while it is walked
        for name, value in _named(current):
            bodies = _bodies(value)
            functions += [body for body in dict.fromkeys(bodies) if body not in functions]
            if not bodies:
                others.append((name, value))
    return functions, others


def _newtypes_reached(start: Rule[..., Any]) -> list[Any]:
    return [value for _, value in _reached(start)[1] if isinstance(value, NewType)]


_registered: list[Any] = []


def _register_identity(cast: Any) -> None:
    """Teach Numba that calling a NewType returns its argument."""
    if cast in _registered:
        return
    from numba.extending import overload as numba_overload

    numba_overload(cast)(lambda value: lambda value: value)
    _registered.append(cast)


def _stamp(start: Rule[..., Any]) -> str:
    from hashlib import sha256

    functions, others = _reached(start)
    constants = {f"{name}={value!r}" for name, value in others if not isinstance(value, ModuleType)}
    digest = sha256(f"{start!r} {OPTIONS}".encode())  # its own name: the same file holds many rules
    for file in sorted({function.__code__.co_filename for function in functions}):
        path = Path(file)
        digest.update(path.name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"") + b"\0")
    digest.update("\n".join(sorted(constants)).encode())
    return digest.hexdigest()[:32]
