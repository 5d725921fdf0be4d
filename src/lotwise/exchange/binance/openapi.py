"""What is served, as an OpenAPI 3.1 description: made of the door's table and of what its functions read.

Nothing is listed a second time: the paths are the door's, and the parameters are those that the function of a
path asks its :class:`~lotwise.exchange.binance.parameters.Parameters` for, found in its source.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from lotwise.exchange.binance.door import KEY, PUBLIC, ROUTES
from lotwise.exchange.binance.orders import TIMES
from lotwise.exchange.binance.quotes import STEPS
from lotwise.exchange.binance.shapes import KINDS
from lotwise.exchange.market import Market

DECIMAL: Final = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
READS: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "needed": {"type": "string"},
    "whole": {"type": "integer"},
    "flag": {"type": "string", "enum": ["true", "false"]},
    "scaled": DECIMAL,
    "ticks": DECIMAL,
    "lots": DECIMAL,
    "limit": {"type": "integer", "minimum": 1},
    "ignore": {"type": "string"},
    "one_way": {"type": "string", "enum": ["BOTH"]},
}
"""How a parameter is read, and what it is."""
ENUMS: Final[dict[str, list[str]]] = {
    "side": ["BUY", "SELL"],
    "type": list(KINDS),
    "timeInForce": list(TIMES),
    "interval": list(STEPS),
    "algoType": ["CONDITIONAL"],
    "workingType": ["CONTRACT_PRICE", "MARK_PRICE"],
    "marginType": ["ISOLATED", "CROSSED"],
    "positionSide": ["BOTH"],
}
"""What texts may be, by name."""
SIGNING: Final = (
    ("timestamp", {"type": "integer"}, True),
    ("recvWindow", {"type": "integer", "minimum": 0, "maximum": 60_000}, False),
    ("signature", {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}, True),
)
ERROR: Final = {
    "type": "object",
    "required": ["code", "msg"],
    "properties": {"code": {"type": "integer"}, "msg": {"type": "string"}},
}

Read = tuple[str, str, bool]
"""Name, how it is read, and whether it must be there."""


def description(market: Market) -> dict[str, Any]:
    """The OpenAPI description of all that is served over REST.

    Examples
    --------
    >>> from lotwise.exchange.market import MarketChoice, opened
    >>> sorted(description(opened(MarketChoice(days=1)))["paths"]["/fapi/v1/order"])
    ['delete', 'get', 'post', 'put']
    """
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), (kind, function) in ROUTES.items():
        paths.setdefault(path, {})[method.lower()] = _operation((method, path), kind, function, market)
    return {
        "openapi": "3.1.0",
        "info": {"title": "lotwise exchange: Binance USD-M on this machine", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-MBX-APIKEY"}},
        },
    }


def _operation(
    route: tuple[str, str], kind: str, function: Callable[..., Any], market: Market
) -> dict[str, Any]:
    method, path = route
    fields = [(name, schema_of(name, how, market), needed) for name, how, needed in reads_of(function)]
    if kind not in (PUBLIC, KEY):
        fields += SIGNING
    words = (inspect.getdoc(function) or f"{method} {path}.").partition("\n")[0]
    told: dict[str, Any] = {
        "summary": words,
        "responses": {
            "200": {"description": "done", "content": {"application/json": {"schema": {}}}},
            "4XX": {
                "description": "refused; nothing was changed",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if kind != PUBLIC:
        told["security"] = [{"key": []}]
    if method in ("GET", "DELETE"):
        told["parameters"] = [
            {"name": name, "in": "query", "required": needed, "schema": schema}
            for name, schema, needed in fields
        ]
    elif fields:
        form = {"type": "object", "properties": {name: schema for name, schema, _ in fields}}
        required = [name for name, _, needed in fields if needed]
        form |= {"required": required} if required else {}
        told["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    return told


def schema_of(name: str, how: str, market: Market) -> dict[str, Any]:
    """What a parameter may be."""
    if name in ("symbol", "pair"):
        return {"type": "string", "enum": list(market.names)}
    if how in ("text", "needed") and name in ENUMS:
        return {"type": "string", "enum": ENUMS[name]}
    return dict(READS[how])


@lru_cache(maxsize=256)
def reads_of(function: Callable[..., Any]) -> tuple[Read, ...]:
    """The parameters that a function reads, itself or through those it hands them to, each once."""
    found: dict[str, Read] = {}
    for name, how, needed in _reads(function, {}, frozenset(), is_sure=True):
        _, before, was_needed = found.get(name, (name, how, False))
        found[name] = (name, how if before in ("text", "ignore") else before, needed or was_needed)
    return tuple(found.values())


def _reads(
    function: Callable[..., Any], given: dict[str, str], through: frozenset[str], *, is_sure: bool
) -> Iterator[Read]:
    """Names in the order of the source; ``through`` led here, and gave it the texts that are ``given``."""
    name = getattr(function, "__qualname__", "")
    if name in through:
        return
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    module = inspect.getmodule(function)
    defaults = {one.name: one.default for one in inspect.signature(function).parameters.values()}
    texts = {one: text for one, text in (defaults | given).items() if isinstance(text, str)}
    for call, always in _calls(tree, is_sure=is_sure):
        is_method = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
        if is_method and call.func.value.id == "sent" and call.func.attr in READS:  # type: ignore[attr-defined]
            yield from _named(call, call.func.attr, texts, always)  # type: ignore[attr-defined]
        elif module is not None and any(isinstance(one, ast.Name) and one.id == "sent" for one in call.args):
            called = _called(call, module)
            if called is not None:
                for one in _spread(call, tree):
                    yield one, "text", False
                yield from _handed(call, called, through | {name}, always)


def _spread(call: ast.Call, tree: ast.AST) -> Iterator[str]:
    """Texts of ``*names`` that a function hands on: those that were assigned to the names."""
    spread = {
        one.value.id for one in call.args if isinstance(one, ast.Starred) and isinstance(one.value, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id in spread for t in node.targets
        ):
            for one in ast.walk(node.value):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value


def _named(call: ast.Call, how: str, texts: dict[str, str], always: bool) -> Iterator[Read]:
    """The parameters of one reading."""
    if how in ("limit", "one_way"):
        yield {"limit": "limit", "one_way": "positionSide"}[how], how, False
        return
    names = [_text(one, texts) for one in call.args]
    must = how in ("needed", "scaled", "ticks", "lots") or (how == "whole" and len(call.args) == 1)
    for name in names if how in ("text", "needed", "ignore") else names[:1]:
        if name:
            yield name, how, must and always and len(names) == 1


def _text(node: ast.expr, texts: dict[str, str]) -> str:
    """A constant text, or what a parameter of the function is; nothing where it is neither."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return texts.get(node.id, "") if isinstance(node, ast.Name) else ""


def _handed(
    call: ast.Call, called: Callable[..., Any], through: frozenset[str], always: bool
) -> Iterator[Read]:
    """What another function reads, under the names that it is given."""
    names = list(inspect.signature(called).parameters)
    given = {name: text for name, one in zip(names, call.args, strict=False) if (text := _text(one, {}))}
    spare = [text for one in call.args[len(names) - 1 :] if (text := _text(one, {}))]
    for name in spare if names[-1:] == ["names"] else ():
        yield name, "text", False
    yield from _reads(called, given, through, is_sure=always)


def _called(call: ast.Call, module: ModuleType) -> Callable[..., Any] | None:
    """The function of ours that is called."""
    target: Any = None
    if isinstance(call.func, ast.Name):
        target = getattr(module, call.func.id, None)
    elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        target = getattr(getattr(module, call.func.value.id, None), call.func.attr, None)
    return target if inspect.isfunction(target) and target.__module__.startswith(__package__) else None


_BRANCHES: Final = (ast.If, ast.IfExp, ast.BoolOp, ast.Try, ast.For, ast.Lambda, ast.comprehension, ast.Match)


def _calls(node: ast.AST, *, is_sure: bool) -> Iterator[tuple[ast.Call, bool]]:
    """Calls in the order of the source, and whether they are always made."""
    if isinstance(node, ast.Call):
        yield node, is_sure
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, is_sure=is_sure and not isinstance(node, _BRANCHES))
