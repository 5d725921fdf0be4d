"""Numba's file cache, keyed by a rule's stamp: a changed source is a different folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from lotwise.rule import cache_folder


class _StampLocator(_CacheLocator):  # type: ignore[misc]
    """Says where a function's compiled code lies and which source it belongs to."""

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._stamp = stamp

    def get_cache_path(self) -> str:
        return str(cache_folder() / "rules" / self._stamp)

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return str(self._line)


class _StampCacheImpl(CompileResultCacheImpl):  # type: ignore[misc]
    """Numba's implementation with our locator in place of its search for one."""

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _StampLocator(function, stamp)
        qualified = function.__qualname__.replace("<locals>.", "")
        self._filename_base = self.get_filename_base(qualified, "")


class RuleCache(FunctionCache):  # type: ignore[misc]
    """The cache object a rule's dispatcher is given."""

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        self._impl_class = lambda py_function: _StampCacheImpl(py_function, stamp)
        super().__init__(function)
