"""The plan as a person writes it: a TOML file with phases and gates, read into records.

``lotwise plan init`` writes one with a comment at every key (:mod:`lotwise.scaling.example`).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from lotwise.errors import InputError, UnitError
from lotwise.guard import values
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import EQUITY_STEPS, FRACTION, TRADE_STEPS
from lotwise.records.plan import Where
from lotwise.units import Cash, Rate8, parse_scaled, shown

DEFAULT_LEVEL8: Final = Rate8(90_000_000)
"""An interval of 90 %: its lower end is passed by chance once in twenty where there is no edge."""
PLAN_KEYS: Final = ("name", "coin", "time_zone", "usual_stop")
PHASE_KEYS: Final = ("name", "where", "capital", "risk", "lots", "contracts", "steps", "fall", "gate")
STEP_KEYS: Final = ("up", "down", "lot_after")
FALL_KEYS: Final = ("drawdown", "pause", "back")
GATE_KEYS: Final = ("trades", "look_every", "expectancy", "level", "breaches", "drawdown", "notes", "days")
DAY_NS: Final = 86_400 * 10**9


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold to leave a phase upwards. 0 or None: not asked."""

    trades: int = 0
    """Closed trades in the phase."""
    look_every: int = 0
    """The expectancy is looked at after ``trades``, and after each so many more."""
    expectancy8: int | None = None
    """The interval's lower end must lie above it, in 1e-8 of R."""
    level8: Rate8 = DEFAULT_LEVEL8
    breaches: tuple[int, int] | None = None
    """At most so many trades that broke a rule, among the last so many."""
    drawdown8: Rate8 = Rate8(0)
    """Largest fall from a peak within the last ``trades`` trades."""
    notes8: Rate8 = Rate8(0)
    """Least share of the trades with a note."""
    days: int = 0
    """Least days in the phase."""


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of the plan."""

    name: str
    where: Where
    capital_share8: Rate8 = Rate8(RATE)
    """Share of the account's equity that the plan counts on, when the phase begins."""
    capital_cash: Cash = Cash(0)
    """The same in money; 0: the share."""
    risk8: Rate8
    """Share of the capital that a trade may lose at its stop."""
    lots: int = 0
    """Most lots of a trade; 0: no bound."""
    kind: int = FRACTION
    step_share8: Rate8 = Rate8(0)
    down_share8: Rate8 = Rate8(0)
    step_trades: int = 0
    contracts: tuple[str, ...] = ()
    """The ladder, smallest first; empty: any contract."""
    fall8: Rate8 = Rate8(0)
    """A fall of so much from the phase's peak pauses the plan; 0: none does."""
    pause_ns: int = 0
    falls_back: bool = False
    """It also goes back a phase."""
    gate: Gate = Gate()


class PlanConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A plan: its phases from the first to the last."""

    name: str
    coin: str
    time_zone: str = "UTC"
    usual_stop: str = ""
    """What a trade's stop usually is, as text (``2%``): the ladder of contracts is measured with it."""
    phases: tuple[Phase, ...]


def load_plan(path: Path | str) -> PlanConfig:
    """Read a plan from a TOML file.

    Raises
    ------
    InputError
        PLAN-101 no such file, or no TOML; else as :func:`read_plan`.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        return read_plan(tomllib.loads(text))
    except OSError as error:
        raise InputError("PLAN-101", f"{path}: {error.strerror}", "lotwise plan init writes one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("PLAN-101", f"{path} is no TOML: {error}", "mend the line it names") from error


def read_plan(document: object) -> PlanConfig:
    """A plan from what TOML gives.

    Raises
    ------
    InputError
        PLAN-102 a table that is missing or none; 103 an unknown key; 104 a value; 105 phases that contradict
        each other: no phase, names twice, live before paper, steps of two kinds, a pause without a fall. The
        values of shares, money, spans and contracts are refused as the guard's are (GUARD-203 to 210).
    """
    whole = _table(document, "the plan", ("plan", "phase"))
    head = _table(whole.get("plan"), "[plan]", PLAN_KEYS)
    listed = whole.get("phase")
    if not isinstance(listed, list) or not listed:
        raise InputError("PLAN-102", "the plan has no [[phase]]", "write at least one, or: lotwise plan init")
    phases = tuple(_phase(item, number) for number, item in enumerate(listed, 1))
    _check_together(phases)
    stop = _text(head, "usual_stop", "[plan]", "")
    if any(len(phase.contracts) > 1 for phase in phases) and not stop:
        raise InputError(
            "PLAN-105",
            "phases list several contracts and the plan has no usual_stop to measure them with",
            'write usual_stop = "2%"',
        )
    return PlanConfig(
        name=_text(head, "name", "[plan]"),
        coin=_text(head, "coin", "[plan]", "USDT"),
        time_zone=values.zone_name(head.get("time_zone", "UTC"), "time_zone"),
        usual_stop=stop,
        phases=phases,
    )


def _phase(item: object, number: int) -> Phase:
    label = f"phase {number}"
    given = _table(item, label, PHASE_KEYS)
    where = _text(given, "where", label)
    if where not in ("paper", "live"):
        raise InputError("PLAN-104", f"{label}: where is {shown(where)}", "write paper or live")
    steps = _table(given.get("steps", {}), f"{label}: steps", STEP_KEYS)
    fall = _table(given.get("fall", {}), f"{label}: fall", FALL_KEYS)
    if "up" in steps and "lot_after" in steps:
        raise InputError(
            "PLAN-105",
            f"{label}: steps has up = {shown(steps['up'])} and lot_after = {shown(steps['lot_after'])}",
            "choose one: a share of the equity, or trades for one lot more",
        )
    if "down" in steps and not ("up" in steps or "lot_after" in steps):
        raise InputError("PLAN-105", f"{label}: steps has down and no way up", "give up or lot_after")
    if "lot_after" in steps and "lots" not in given:
        raise InputError("PLAN-105", f"{label}: lot_after without lots to begin with", "write lots = 1")
    if ("pause" in fall or "back" in fall) and "drawdown" not in fall:
        raise InputError(
            "PLAN-105", f"{label}: fall says what happens and not when", 'write fall.drawdown = "10%"'
        )
    kind = EQUITY_STEPS if "up" in steps else TRADE_STEPS if "lot_after" in steps else FRACTION
    share, money = _capital(given.get("capital", "100%"), label)
    where_typed: Where = "paper" if where == "paper" else "live"
    return Phase(
        name=_text(given, "name", label),
        where=where_typed,
        capital_share8=share,
        capital_cash=money,
        risk8=Rate8(values.share(_needed(given, "risk", label), f"{label}: risk")),
        lots=_count(given, "lots", label),
        kind=kind,
        step_share8=Rate8(values.share(steps["up"], f"{label}: up") if "up" in steps else 0),
        down_share8=Rate8(values.share(steps["down"], f"{label}: down") if "down" in steps else 0),
        step_trades=_count(steps, "lot_after", label),
        contracts=values.contracts(given.get("contracts", []), f"{label}: contracts"),
        fall8=Rate8(values.share(fall["drawdown"], f"{label}: drawdown") if "drawdown" in fall else 0),
        pause_ns=values.span(fall["pause"], f"{label}: pause") if "pause" in fall else 0,
        falls_back=_flag(fall, "back", label),
        gate=_gate(given.get("gate", {}), label),
    )


def _gate(table: object, label: str) -> Gate:
    given = _table(table, f"{label}: gate", GATE_KEYS)
    label = f"{label}: gate"
    trades = _count(given, "trades", label)
    expectancy = _expectancy(given.get("expectancy"), label)
    if expectancy is not None and trades < 2:
        raise InputError(
            "PLAN-105",
            f"{label}: expectancy is asked after {trades} trades",
            "write trades = 50: fewer say nothing",
        )
    level = values.share(given.get("level", "90%"), f"{label}: level")
    if level >= RATE:
        raise InputError("PLAN-104", f"{label}: level is {shown(given['level'])}", 'write level = "90%"')
    return Gate(
        trades=trades,
        look_every=_count(given, "look_every", label) or max(1, trades // 2),
        expectancy8=expectancy,
        level8=Rate8(level),
        breaches=_breaches(given.get("breaches"), label),
        drawdown8=Rate8(values.share(given["drawdown"], f"{label}: drawdown") if "drawdown" in given else 0),
        notes8=Rate8(values.share(given["notes"], f"{label}: notes") if "notes" in given else 0),
        days=_count(given, "days", label),
    )


def _capital(value: object, label: str) -> tuple[Rate8, Cash]:
    text = value if isinstance(value, str) else ""
    if text.strip().endswith("%"):
        return Rate8(values.share(text, f"{label}: capital")), Cash(0)
    return Rate8(RATE), Cash(values.money(value, f"{label}: capital"))


def _expectancy(value: object, label: str) -> int | None:
    if value is None:
        return None
    text = value.strip().removesuffix("R").strip() if isinstance(value, str) else value
    try:
        return parse_scaled(text, f"{label}: expectancy")
    except UnitError as error:
        raise InputError("PLAN-104", error.message, 'write expectancy = "0R"') from error


def _breaches(value: object, label: str) -> tuple[int, int] | None:
    """``"1 in 25"``."""
    if value is None:
        return None
    parts = value.split(" in ") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts) or int(parts[1]) < 1:
        raise InputError("PLAN-104", f"{label}: breaches is {shown(value)}", 'write breaches = "1 in 25"')
    return int(parts[0]), int(parts[1])


def _check_together(phases: tuple[Phase, ...]) -> None:
    names = [phase.name for phase in phases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("PLAN-105", f"two phases are called {shown(twice)}", "give each its own name")
    places = [phase.where for phase in phases]
    if places != sorted(places, key=("paper", "live").index):
        raise InputError(
            "PLAN-105",
            f"phase {shown(names[places.index('live')])} is live before paper",
            "paper comes first",
        )
    if phases[0].falls_back:
        raise InputError("PLAN-105", f"phase {shown(names[0])} is the first: it has none to go back to", "")
    for phase in phases[:-1]:
        if phase.gate == Gate(look_every=phase.gate.look_every):
            raise InputError(
                "PLAN-105",
                f"phase {shown(phase.name)} has no gate: the next would begin at once",
                "write [phase.gate] with trades = 50 at least",
            )


def _table(value: object, name: str, keys: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InputError("PLAN-102", f"{name} is {shown(value)}: not a table", f"write {name} as a table")
    for key in value:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(keys)}"
            raise InputError("PLAN-103", f"{name} has an unknown key {shown(key)}", hint)
    return value


def _needed(given: Mapping[str, object], key: str, label: str) -> object:
    if key not in given:
        raise InputError("PLAN-104", f"{label} has no {key}", f"write {key}")
    return given[key]


def _text(given: Mapping[str, object], key: str, label: str, without: str | None = None) -> str:
    value = given.get(key, without) if without is not None else _needed(given, key, label)
    if not isinstance(value, str) or (without is None and not value.strip()):
        raise InputError("PLAN-104", f"{label}: {key} is {shown(value)}", f'write {key} = "..."')
    return value.strip()


def _count(given: Mapping[str, object], key: str, label: str) -> int:
    return values.count(given[key], f"{label}: {key}") if key in given else 0


def _flag(given: Mapping[str, object], key: str, label: str) -> bool:
    value = given.get(key, False)
    if not isinstance(value, bool):
        raise InputError("PLAN-104", f"{label}: {key} is {shown(value)}", "write true or false")
    return value
