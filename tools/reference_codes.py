"""Reads every error code from the source: what it says, its hint, its exit code, where it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lotwise import errors
from lotwise.guard.rulebook import RULES

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "src" / "lotwise"
CODE: Final = re.compile(r"[A-Z]{2,}-\d{3}")
DEEPEST: Final = 4
"""Classes of errors below classes of errors, at most."""
LONGEST: Final = 160
"""Letters of a message; the rest is cut with an ellipsis."""


@dataclass
class Found:
    """A code."""

    code: str
    says: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    exits: set[int] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    def row(self) -> str:
        """A row of the table."""
        exits = ", ".join(map(str, sorted(self.exits)))
        says, hint = (cell(parts) for parts in (self.says, self.hints))
        return f"| `{self.code}` | {exits} | {says} | {hint} | {', '.join(sorted(self.files))} |"


def cell(parts: list[str]) -> str:
    """Texts of one cell: the first two, in a form that a table bears."""
    told = []
    for part in dict.fromkeys(parts):
        flat = re.sub(r"\s+", " ", part).strip().replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
        told.append(flat if len(flat) <= LONGEST else flat[: LONGEST - 1].rstrip() + "…")
    more = f" · and {len(told) - 2} more" if len(told) > 2 else ""
    return " · ".join(told[:2]) + more


def text_of(node: ast.AST | None) -> str:
    """Text of a literal, with braces for what is put in; empty where it is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        parts = [
            part.value if isinstance(part, ast.Constant) else "{" + short(part.value) + "}"
            for part in node.values
            if isinstance(part, (ast.Constant, ast.FormattedValue))
        ]
        return "".join(map(str, parts))
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    if isinstance(node, ast.IfExp):
        return text_of(node.body) or text_of(node.orelse)
    return ""


def short(node: ast.expr) -> str:
    """A name for what is put into a message."""
    names = [one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)]
    names += [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
    known = [name for name in names if name not in ("shown", "self", "grouped", "len", "str", "join", "text")]
    return known[0] if known else "..."


def exits_of(trees: list[ast.Module]) -> dict[str, int]:
    """Exit code by the name of a class of error, wherever it is defined."""
    found = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.LotwiseError)
    }
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in range(DEEPEST):
        for node in classes:
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in found:
                    found.setdefault(node.name, found[base.id])
    return found


def name_of(call: ast.Call) -> str:
    """The name of what is called."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls with a code among their arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in node.args:
                if code := code_of(argument):
                    yield code, node


def families() -> dict[str, list[Found]]:
    """Every code of the source by its family."""
    found: dict[str, Found] = {}
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    exits = exits_of(list(trees.values()))
    for path, tree in trees.items():
        name = str(path.relative_to(SOURCE))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, Found(node.value)).files.add(name)
        for code, call in calls(tree):
            _told(found[code], call, exits)
        _tabled(found, tree)
    for rule in RULES:
        one = found.setdefault(rule.code, Found(rule.code))
        one.says.append(f"the rule {rule.name}")
        one.exits.add(errors.RefusedError.exit_code)
    _described(found, trees)
    grouped: dict[str, list[Found]] = {}
    for code in sorted(found):
        grouped.setdefault(code.partition("-")[0], []).append(found[code])
    return grouped


def _told(one: Found, call: ast.Call, exits: dict[str, int]) -> None:
    """What a call says beside the code: the message and the hint are the next two arguments."""
    at = next(
        number
        for number, argument in enumerate(call.args)
        if isinstance(argument, ast.Constant) and argument.value == one.code
    )
    if name_of(call) == "error" and len(call.args) > at + 3:  # of a key in a file: the key comes first
        at += 1
    message, hint = ([*call.args[at + 1 :], None, None])[:2]
    if said := text_of(message):
        one.says.append(said)
    if advice := text_of(hint):
        one.hints.append(advice)
    if name_of(call) in exits:
        one.exits.add(exits[name_of(call)])


def _tabled(found: dict[str, Found], tree: ast.Module) -> None:
    """Codes of tables: (code, message, hint), and those that stand by the name of a rule."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) > 2 and (code := code_of(node.elts[0])):
            found[code].says.append(text_of(node.elts[1]))
            found[code].hints.append(text_of(node.elts[2]))
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                code, words = code_of(value), text_of(key)
                if code and code.startswith("SIZE-") and words:
                    found[code].says.append(f"the trade does not fit: {words.replace('_', ' ')}")
                    found[code].hints.append("one of the ways out that are told with it")
                    found[code].exits.add(errors.RefusedError.exit_code)


def code_of(node: ast.AST) -> str:
    """The code that a literal is; empty where it is none."""
    text = node.value if isinstance(node, ast.Constant) else ""
    return text if isinstance(text, str) and CODE.fullmatch(text) else ""


def _described(found: dict[str, Found], trees: dict[Path, ast.Module]) -> None:
    """What docstrings say of codes whose message is put together elsewhere."""
    texts = [
        re.sub(r"\s+", " ", node.value)
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value
    ]
    for one in found.values():
        if one.says:
            continue
        for text in texts:
            if said := re.search(
                rf"{one.code}:? ((?!to |and )[a-z][^;.]*?)(?=[;.]| [A-Z]+-\d{{3}}| ==)", text
            ):
                one.says.append(said[1].strip(" ,"))
                break


def by_family(found: dict[str, list[Found]]) -> Iterator[tuple[str, list[Found]]]:
    """Families by name."""
    yield from sorted(found.items())
