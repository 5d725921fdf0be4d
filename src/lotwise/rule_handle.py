"""A named tuple of arrays as compiled rules take it: one address instead of fifty numbers.

Numba takes a tuple apart at every call: seven arrays are forty-nine arguments, copied to the stack by each of
the hundred rules of a step. A named tuple class that was given to :func:`by_address` travels as the address
of a small table instead, one pointer and one length an array, written where Python enters and read by the
rules. Rules do not notice: they read ``state.orders[i].lots`` as before.

The table lives as long as the call from Python; the arrays are held by the tuple.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    register_model,
    typeof_impl,
    unbox,
)

_WORD = ir.IntType(64)
_POINTER, _LENGTH = 0, 1


class Handle(types.Type):  # type: ignore[misc]
    """The type of such a tuple: its class, and the types of its arrays."""

    def __init__(self, fields: tuple[str, ...], arrays: tuple[Any, ...], said: str) -> None:
        self.fields, self.arrays = fields, arrays
        told = sha256(repr((fields, arrays)).encode()).hexdigest()[:16]
        super().__init__(name=f"{said}.{told}")


@register_model(Handle)
class _HandleModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Handle) -> None:
        table = ir.ArrayType(ir.ArrayType(_WORD, 2), len(kind.arrays))
        super().__init__(manager, kind, table.as_pointer())


@infer_getattr
class _HandleParts(AttributeTemplate):  # type: ignore[misc]
    key = Handle

    def generic_resolve(self, kind: Handle, name: str) -> Any:
        return kind.arrays[kind.fields.index(name)] if name in kind.fields else None


@lower_getattr_generic(Handle)  # type: ignore[untyped-decorator]
def _part(context: Any, builder: Any, kind: Handle, table: Any, name: str) -> Any:
    """The array of that name, made of its pointer and its length."""
    at = kind.fields.index(name)
    array_type = kind.arrays[at]
    length = builder.load(cgutils.gep_inbounds(builder, table, 0, at, _LENGTH))
    address = builder.load(cgutils.gep_inbounds(builder, table, 0, at, _POINTER))
    array = context.make_array(array_type)(context, builder)
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(array_type.dtype)))
    array.data = builder.inttoptr(address, array.data.type)
    array.nitems, array.itemsize = length, size
    array.shape = cgutils.pack_array(builder, [length])
    array.strides = cgutils.pack_array(builder, [size])
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()


@unbox(Handle)  # type: ignore[untyped-decorator]
def _entered(kind: Handle, given: Any, c: Any) -> Any:
    """Write the table of a tuple that Python hands over."""
    model = c.context.data_model_manager[kind]
    table = cgutils.alloca_once(c.builder, model.get_value_type().pointee)
    failed = cgutils.alloca_once_value(c.builder, cgutils.false_bit)
    for at, array_type in enumerate(kind.arrays):
        item = c.pyapi.tuple_getitem(given, at)
        native = c.unbox(array_type, item)
        with c.builder.if_then(native.is_error, likely=False):
            c.builder.store(cgutils.true_bit, failed)
        array = c.context.make_array(array_type)(c.context, c.builder, native.value)
        address = c.builder.ptrtoint(array.data, _WORD)
        c.builder.store(address, cgutils.gep_inbounds(c.builder, table, 0, at, _POINTER))
        c.builder.store(array.nitems, cgutils.gep_inbounds(c.builder, table, 0, at, _LENGTH))
    return NativeValue(table, is_error=c.builder.load(failed))


_known: set[type] = set()


def by_address(made: type[tuple[Any, ...]]) -> None:
    """Let compiled rules take this named tuple class of one-dimensional arrays by its address."""
    if made in _known:
        return
    _known.add(made)

    @typeof_impl.register(made)  # type: ignore[untyped-decorator]
    def of(value: Any, context: Any) -> Handle:
        arrays = tuple(typeof_impl(part, context) for part in value)
        return Handle(made._fields, arrays, f"{made.__module__}.{made.__qualname__}")  # type: ignore[attr-defined]
