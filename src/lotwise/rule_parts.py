"""How a rule is compiled where another rule calls it: as a part, optimised with the whole only.

Numba makes of every compiled function a library that is linked with all it calls, optimised and turned
into machine code. Where a hundred small rules call each other, the same code is optimised at every floor
of the house: of forty seconds, thirty. A part is not optimised, not turned into machine code and not kept
on disk: the rule that Python calls takes all of its parts in, and is optimised once.

It leans on Numba's insides (``CPUCodeLibrary``, ``_FunctionCompiler``), which is why its version is pinned
and ``tests/twins/test_rule_cache.py`` looks at what comes out.
"""

from __future__ import annotations

import weakref
from typing import Any

from numba.core import compiler
from numba.core.codegen import JITCodeLibrary
from numba.core.dispatcher import _FunctionCompiler
from numba.core.types import unliteral


class _PartLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Code to be linked into another library, and nothing else."""

    def _optimize_final_module(self) -> None:
        """Left to the library that takes this one in."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._final_module.__library = weakref.proxy(self)
        self._finalized = True


class _PartCompiler(_FunctionCompiler):  # type: ignore[misc]
    """Compiles into a :class:`_PartLibrary`, without an entrance from Python."""

    def _compile_core(self, args: Any, return_type: Any) -> Any:
        flags = compiler.Flags()
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        flags.no_compile = True
        flags.no_cpython_wrapper = True
        flags.no_cfunc_wrapper = True
        target = self.targetdescr.target_context
        made = compiler.compile_extra(
            self.targetdescr.typing_context,
            target,
            self.py_func,
            args=args,
            return_type=return_type,
            flags=flags,
            locals=self.locals,
            library=_PartLibrary(target.codegen(), self.py_func.__qualname__),
            pipeline_class=self.pipeline_class,
        )
        name = object()  # callers find the code by it; a part has no address
        target.insert_user_function(name, made.fndesc, [made.library])
        return made._replace(entry_point=name)


def make_part(dispatcher: Any, constants_as_numbers: bool) -> None:
    """Turn a fresh dispatcher into one that compiled code alone calls.

    With ``constants_as_numbers`` a call with a constant uses the body for any number; Numba would make
    one for each constant. LLVM still folds constants as it inlines.
    """
    old = dispatcher._compiler
    dispatcher._compiler = _PartCompiler(
        old.py_func, old.targetdescr, old.targetoptions, old.locals, old.pipeline_class
    )

    def remember(compiled: Any) -> None:
        dispatcher.overloads[tuple(compiled.signature.args)] = compiled

    dispatcher.add_overload = remember
    if not constants_as_numbers:
        return
    template = dispatcher.get_call_template

    def of_numbers(args: Any, kws: Any) -> Any:
        return template([unliteral(kind) for kind in args], {name: unliteral(kws[name]) for name in kws})

    dispatcher.get_call_template = of_numbers
