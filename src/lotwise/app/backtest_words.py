"""A backtest's words: a strategy by its name, its settings, limits, ticks and spans of time."""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lotwise.errors import InputError, LotwiseError
from lotwise.guard import values
from lotwise.guard.config import IN_ALLOWED
from lotwise.kernel.limit_rows import AllowedRow
from lotwise.strategy.api import Strategy
from lotwise.strategy.portfolio import PortfolioStrategy
from lotwise.units import shown

SPANS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
SHORTER: Final = {"trades": "trades_a_day", "cool": "cool_down", "leverage": "account_leverage"}
"""Names of limits that are also taken."""
MOST_TICKS: Final = 1_000_000


def strategy_of(name: str, settings: Mapping[str, Any]) -> Strategy | PortfolioStrategy | Any:
    """A strategy by the library's name, or by ``file.py:Class``.

    Raises
    ------
    InputError
        BACKTEST-201 there is none of that name; BACKTEST-202 it cannot be made with these settings.
    """
    kind = class_of(name)
    try:
        return kind(**settings)
    except LotwiseError:
        raise
    except Exception as error:  # a strategy is its author's: whatever it raises is named
        told = ", ".join(f"{key}={value!r}" for key, value in settings.items()) or "no settings"
        raise InputError(
            "BACKTEST-202",
            f"{kind.__name__} cannot be made with {told}: {error}",
            f"its settings: {', '.join(_parameters(kind)) or 'none'}",
        ) from error


def _parameters(kind: type) -> list[str]:
    import inspect

    return [
        name if one.default is inspect.Parameter.empty else f"{name}={one.default!r}"
        for name, one in inspect.signature(kind).parameters.items()
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]


def class_of(name: str) -> type[Any]:
    """The class that a name of the library, or ``file.py:Class``, means.

    Raises
    ------
    InputError
        BACKTEST-201 there is none of that name.
    """
    return _from_file(name) if ".py" in name else _from_library(name)


def _from_library(name: str) -> type[Any]:
    from lotwise.strategy.library import LIBRARY

    wanted = name.strip().lower().replace("_", "-")
    if wanted in LIBRARY:
        return LIBRARY[wanted]
    near = difflib.get_close_matches(wanted, LIBRARY, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(
        "BACKTEST-201",
        f"no strategy {shown(name)} in the library",
        f"{hint}one of {', '.join(LIBRARY)}, or file.py:Class",
    )


def _from_file(name: str) -> type[Any]:
    """The class of a file of one's own; without a name the only strategy in it."""
    before, _, after = name.rpartition(":")
    path, chosen = (name, "") if not before or after.endswith(".py") else (before, after)
    file = Path(path)
    if not file.is_file():
        raise InputError("BACKTEST-201", f"there is no file {file}", "write path/to/file.py:Class")
    spec = importlib.util.spec_from_file_location(f"lotwise_user_{file.stem}", file)
    assert spec is not None  # a .py file has both
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file is its author's: whatever it raises is named
        raise InputError(
            "BACKTEST-201", f"{file} cannot be read as Python: {type(error).__name__}: {error}", "mend it"
        ) from error
    own: dict[str, type[Any]] = {
        key: one for key, one in vars(module).items() if _is_strategy(one, spec.name)
    }
    if not chosen and len(own) == 1:
        return next(iter(own.values()))
    if chosen not in own:
        known = ", ".join(own) or "none"
        what = f"no strategy {chosen}" if chosen else f"{len(own)} strategies"
        raise InputError(
            "BACKTEST-201",
            f"{file} has {what}",
            f"it has: {known}; write {file}:Class, a class with on_bar or signals",
        )
    return own[chosen]


def _is_strategy(one: object, module: str) -> bool:
    has_form = any(callable(getattr(one, name, None)) for name in ("on_bar", "signals"))
    return isinstance(one, type) and one.__module__ == module and has_form


def settings_of(words: Sequence[str]) -> dict[str, Any]:
    """``bars=60,ranges=3``: whole numbers, decimals, true and false; anything else is text.

    Raises
    ------
    InputError
        BACKTEST-202.
    """
    found: dict[str, Any] = {}
    for word in (part.strip() for text in words for part in text.split(",")):
        name, equals, value = word.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError("BACKTEST-202", f"{word!r} is no setting", "write --set bars=60,ranges=3")
        found[name.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    if re.fullmatch(r"[+-]?\d[\d_]*", text):
        return int(text)
    if re.fullmatch(r"[+-]?\d*\.\d+(e[+-]?\d+)?", text, re.IGNORECASE):
        return float(text)
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def allowed_of(words: str) -> tuple[AllowedRow, dict[str, str]]:
    """Limits: ``day_loss=3%,trades=5,cool_down=15min,streak=3:2h``, and the same in the names of the guard.

    Raises
    ------
    InputError
        BACKTEST-209 an unknown one; GUARD-203 to GUARD-207 a value that cannot be.
    """
    row, told = AllowedRow(), dict[str, str]()
    for word in (part.strip() for part in words.split(",") if part.strip()):
        given, _, value = (part.strip() for part in word.partition("="))
        name = SHORTER.get(given, given)
        if name == "streak":
            losses, _, pause = value.partition(":")
            row.streak_losses = values.count(_whole(losses), "streak")
            row.streak_cool_ns = values.span(pause, "streak")
        elif name in IN_ALLOWED:
            field, read = IN_ALLOWED[name]
            setattr(row, field, read(_whole(value) if read is values.count else value, name))
        else:
            known = (*IN_ALLOWED, "streak")
            near = difflib.get_close_matches(name, known, n=1)
            raise InputError(
                "BACKTEST-209",
                f"{shown(given)} is no limit of a backtest",
                (f"did you mean {near[0]}? " if near else "") + f"one of {', '.join(known)}",
            )
        told[name] = value
    return row, told


def _whole(text: str) -> object:
    return int(text) if text.isdecimal() and text.isascii() else text


def ticks_of(text: str, name: str) -> int:
    """``2t``: whole ticks.

    Raises
    ------
    InputError
        BACKTEST-210.
    """
    digits = text.strip().removesuffix("t").strip()
    if not (digits.isdecimal() and digits.isascii()) or int(digits) > MOST_TICKS:
        raise InputError(
            "BACKTEST-210", f"{name} is {shown(text)}", f"whole ticks from 0 to {MOST_TICKS:,}: --{name} 2t"
        )
    return int(digits)


def span_of(text: str, name: str) -> int:
    """``15m``, ``4h``, ``1d`` in ns.

    Raises
    ------
    InputError
        BACKTEST-210.
    """
    match = re.fullmatch(r"(\d{1,6})(s|m|min|h|d)", text.strip())
    if match is None or int(match[1]) == 0:
        raise InputError(
            "BACKTEST-210", f"{name} is {shown(text)}", f"a span such as 15m, 4h, 1d: --{name} 15m"
        )
    return int(match[1]) * SPANS[match[2]] * 10**9
