"""Which sources a test rests on: what makes a proof of yesterday still one of today.

A test file rests on every project file it imports or names, on what those import, on the data files
beside them, and on the versions of the packages that do the work. :func:`stamp` is a hash over all of it:
of a source its code counts, not its comments and docstrings.
"""

from __future__ import annotations

import ast
import platform
import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

TOPS = {"lotwise": "src", "tests": ".", "benchmarks": ".", "tools": "."}
"""Top packages of the project, and the folder each lies in."""
ALWAYS = ("tests/conftest.py",)
PACKAGES = ("numba", "llvmlite", "numpy", "hypothesis", "pytest")
LAZY = "src/lotwise/__init__.py"
"""Loads a public name from its home when it is asked for: the homes of the names a source uses count."""
COMMANDS = "src/lotwise/cli/main.py"
"""Loads a command when it is typed: what it imports counts, and not what it lists. A test that types one also
names the command's module."""

_NAME = re.compile(rf"\b(?:{'|'.join(TOPS)})(?:\.\w+)+")
_HOME = re.compile(r'"(\w+)": "(lotwise(?:\.\w+)+)"')
_ANY_NAME = re.compile(r"\bimport lotwise as\b|\bgetattr\(lotwise\b|\bfrom lotwise import \*")
"""Where not to be seen which of the public names is used: all of them are."""


def versions() -> list[str]:
    """What runs the tests, beside the project."""
    python = ".".join(platform.python_version_tuple()[:2])
    return [f"python {python}", *(f"{name} {version(name)}" for name in PACKAGES)]


def sources(root: Path, test: str) -> list[str]:
    """Every project file that a test file rests on, itself among them, as paths from ``root``."""
    found: dict[str, None] = dict.fromkeys((test, *ALWAYS))
    waiting = list(found)
    while waiting:
        path = waiting.pop()
        for other in _named_by(root, path):
            if other not in found:
                found[other] = None
                waiting.append(other)
    folders = {Path(path).parent for path in found} - {Path()}
    data = {
        file.relative_to(root).as_posix()
        for folder in folders
        for file in (root / folder).rglob("*")
        if file.is_file() and _is_data(file) and _package_of(root, file) in folders
    }
    return sorted({*found, *data})


def stamp(root: Path, test: str, ran_by: Sequence[str] | None = None) -> str:
    """Hash of all that a test file rests on."""
    digest = sha256("\n".join(ran_by if ran_by is not None else versions()).encode())
    for path in sources(root, test):
        digest.update(path.encode() + b"\0" + _what_counts(root / path) + b"\0")
    return digest.hexdigest()[:32]


def _what_counts(file: Path) -> bytes:
    """Bytes of a data file; of a source its code, without comments, docstrings and the way it is laid out."""
    content = file.read_bytes()
    return _code_of(content) if file.suffix == ".py" else content


@cache
def _code_of(source: bytes) -> bytes:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]
    return ast.dump(tree).encode()


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_data(file: Path) -> bool:
    return file.suffix not in (".py", ".pyc") and file.name != "py.typed" and "__pycache__" not in file.parts


def _package_of(root: Path, file: Path) -> Path:
    """The nearest folder above a data file that holds sources: the data are its."""
    folder = file.parent
    while folder != root and not any(folder.glob("*.py")):
        folder = folder.parent
    return folder.relative_to(root)


def _named_by(root: Path, path: str) -> Iterator[str]:
    """Files of the project that a source imports or names in a text."""
    text = (root / path).read_text(encoding="utf-8")
    if path.endswith(".py"):
        named = () if path == COMMANDS else _NAME.findall(text)
        names = set() if path == LAZY else {*named, *_imported(text)}
        homes = _homes(root)
        anyone = path != LAZY and _ANY_NAME.search(text)
        used = {name.split(".")[1] for name in names if name.startswith("lotwise.")}
        names |= {home for name, home in homes.items() if anyone or name in used}
        for name in sorted(names):
            yield from _files_of(root, name)


def _homes(root: Path) -> dict[str, str]:
    """Public names, and the modules that hold them."""
    return dict(_HOME.findall((root / LAZY).read_text(encoding="utf-8")))


def _imported(text: str) -> Iterator[str]:
    """Dotted names that a source imports, at any place of it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _files_of(root: Path, name: str) -> Iterator[str]:
    """The file of a dotted name, and the packages it lies in."""
    parts = name.split(".")
    if parts[0] not in TOPS:
        return
    place = Path(TOPS[parts[0]])
    for part in parts:
        place /= part
        if (root / place / "__init__.py").is_file():
            yield (place / "__init__.py").as_posix()
        elif (root / place).with_suffix(".py").is_file():
            yield place.with_suffix(".py").as_posix()
            return
        elif not (root / place).is_dir():
            return
