"""How a rule is compiled where another rule calls it: as a part, optimised with the whole only.

Numba makes of every compiled function a library that is linked with all it calls, optimised and turned
into machine code. Where a hundred small rules call each other, the same code is linked and optimised at every
floor of the house. A part is neither linked nor optimised nor turned into machine code nor kept on disk: the
rule that Python calls, the whole, takes in all parts it reaches, once, and is optimised once.

It leans on Numba's insides (``CPUCodeLibrary``, ``_FunctionCompiler``), which is why its version is pinned
and ``tests/twins/test_rule_cache.py`` looks at what comes out.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final

import numba
from numba.core import compiler
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.dispatcher import _FunctionCompiler
from numba.core.typed_passes import DumpParforDiagnostics, NopythonRewrites
from numba.core.types import unliteral
from numba.core.untyped_passes import (
    FindLiterallyCalls,
    InlineClosureLikes,
    LiteralPropagationSubPipelinePass,
    LiteralUnroll,
    MakeFunctionToJitFunction,
    WithLifting,
)

_NOT_FOR_RULES: Final = {
    DumpParforDiagnostics,
    FindLiterallyCalls,
    InlineClosureLikes,
    LiteralPropagationSubPipelinePass,
    LiteralUnroll,
    MakeFunctionToJitFunction,
    NopythonRewrites,
    WithLifting,
}
"""Passes for what no rule has: closures, with blocks, array expressions, unrolled literal lists."""


class RulePipeline(CompilerBase):  # type: ignore[misc]
    """Numba's passes without those that rules have no use for."""

    def define_pipelines(self) -> list[Any]:
        """The one pipeline."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [entry for entry in passes.passes if entry[0] not in _NOT_FOR_RULES]
        passes._finalized = False
        passes.finalize()
        return [passes]


class _PartLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Code to be taken into a whole, and nothing else."""

    _with_all: Any = None

    def _optimize_functions(self, ll_module: Any) -> None:
        """Left to the whole."""
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Nothing is linked or optimised here."""
        self._raise_if_finalized()
        self._finalize_dynamic_globals()
        self._final_module.__library = weakref.proxy(self)
        self._finalized = True

    def own_module(self) -> Any:
        """The code of this part alone, ready to be linked."""
        return super()._get_module_for_linking()

    def _get_module_for_linking(self) -> Any:
        """The code with all parts it reaches: for a library that is not ours and asks for it."""
        if self._with_all is None:
            module = self.own_module().clone()
            for library in reached([self]):
                if library is not self:
                    module.link_in(_linkable(library), preserve=True)
            self._with_all = module
        return self._with_all


class _WholeLibrary(JITCodeLibrary):  # type: ignore[misc]
    """What Python calls: it takes in every part that it reaches, once."""

    def finalize(self) -> None:
        """Link, optimise and make machine code."""
        self._raise_if_finalized()
        direct: list[Any] = self._linking_libraries
        for library in reached(direct):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(_linkable(library), preserve=True)
        direct.clear()
        super().finalize()


def reached(libraries: list[Any]) -> Iterator[Any]:
    """Libraries and those that the parts among them reach, each once."""
    seen: dict[int, Any] = {}
    waiting = list(libraries)
    while waiting:
        library = waiting.pop(0)
        if id(library) in seen:
            continue
        seen[id(library)] = library
        if isinstance(library, _PartLibrary):
            waiting += library._linking_libraries
        yield library


def _linkable(library: Any) -> Any:
    return library.own_module() if isinstance(library, _PartLibrary) else library._get_module_for_linking()


class _PartCompiler(_FunctionCompiler):  # type: ignore[misc]
    """Compiles into a :class:`_PartLibrary`, without an entrance from Python."""

    def _compile_core(self, args: Any, return_type: Any) -> Any:
        flags = compiler.Flags()
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        flags.no_compile = True
        flags.no_cpython_wrapper = True
        flags.no_cfunc_wrapper = True
        made = _compiled_into(_PartLibrary, self, args, return_type, flags)
        name = object()  # callers find the code by it; a part has no address
        self.targetdescr.target_context.insert_user_function(name, made.fndesc, [made.library])
        return made._replace(entry_point=name)


class _WholeCompiler(_FunctionCompiler):  # type: ignore[misc]
    """Compiles into a :class:`_WholeLibrary`."""

    def _compile_core(self, args: Any, return_type: Any) -> Any:
        flags = compiler.Flags()
        self.targetdescr.options.parse_as_flags(flags, self.targetoptions)
        return _compiled_into(_WholeLibrary, self, args, return_type, flags)


def _compiled_into(kind: Any, maker: Any, args: Any, return_type: Any, flags: Any) -> Any:
    target = maker.targetdescr.target_context
    library = kind(target.codegen(), maker.py_func.__qualname__)
    library.enable_object_caching()
    return compiler.compile_extra(
        maker.targetdescr.typing_context,
        target,
        maker.py_func,
        args=args,
        return_type=return_type,
        flags=flags,
        locals=maker.locals,
        library=library,
        pipeline_class=maker.pipeline_class,
    )


def _give_compiler(dispatcher: Any, kind: Any) -> None:
    old = dispatcher._compiler
    dispatcher._compiler = kind(
        old.py_func, old.targetdescr, old.targetoptions, old.locals, old.pipeline_class
    )


def make_whole(dispatcher: Any) -> None:
    """Let a fresh dispatcher take in its parts once."""
    _give_compiler(dispatcher, _WholeCompiler)


def make_part(dispatcher: Any, constants_as_numbers: bool) -> None:
    """Turn a fresh dispatcher into one that compiled code alone calls.

    With ``constants_as_numbers`` a call with a constant uses the body for any number; Numba would make
    one for each constant. LLVM still folds constants as it inlines.
    """
    _give_compiler(dispatcher, _PartCompiler)

    def remember(compiled: Any) -> None:
        dispatcher.overloads[tuple(compiled.signature.args)] = compiled

    dispatcher.add_overload = remember
    if not constants_as_numbers:
        return
    template = dispatcher.get_call_template

    def of_numbers(args: Any, kws: Any) -> Any:
        return template([unliteral(kind) for kind in args], {name: unliteral(kws[name]) for name in kws})

    dispatcher.get_call_template = of_numbers


def part(function: Callable[..., Any]) -> Any:
    """A function that has a compiled body only, as a part."""
    dispatcher = numba.njit(_nrt=False, pipeline_class=RulePipeline)(function)
    make_part(dispatcher, constants_as_numbers=True)
    return dispatcher
