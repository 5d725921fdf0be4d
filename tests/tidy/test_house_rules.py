"""The house rules that a machine can read, each one check over the source.

A check takes one file and yields ``path:line: what is wrong; fix: what to do``. The tables at
the end feed every check with text it must refuse and text it must pass, so none can go blind.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]

MODULE_LINES = 600
FUNCTION_LINES = 80
POSITIONAL_ARGUMENTS = 3

VAGUE_NAMES = {"helper", "helpers", "util", "utils", "common"}
EXACT_PLACES = ("records/", "contracts/", "sizing/", "kernel/", "units.py")
FLOAT_ALLOWED: dict[str, str] = {
    # "src/lotwise/sizing/example.py::function": "why a float is right there",
}
AMBIENT_CALLS = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
AMBIENT_IMPORTS = {("time", "time"), ("time", "time_ns")}

MACHINE_PATH = re.compile(r"(?<![\w.~\-/])/(?:work|tmp|home|root)/")
INDEX_ADDRESS = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|debian\.org)\b"
    r"|--(?:extra-)?index-url\b|--find-link[s]\b|--trusted-hos[t]\b"
)
LEFT_OPEN = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b|\bNotImplementedErro[r]\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source:
    """One file: its path from the root of the project, its text, its tree."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def inside(self) -> str:
        """The path below the package: ``kernel/arith.py``."""
        return self.path.removeprefix("src/lotwise/")

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return self.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def walk(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)

    def functions(self) -> Iterator[Function]:
        return (node for node in self.walk() if isinstance(node, Function))

    def finding(self, line: int, what: str, fix: str) -> str:
        return f"{self.path}:{line}: {what}; fix: {fix}"


Check = Callable[[Source], Iterator[str]]


@cache
def python_files(folder: str) -> list[Source]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths]


@cache
def tracked_text() -> list[Source]:
    """Every text file that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("the list of files comes from git, and this folder is not a repository")
    found = []
    for name in sorted(filter(None, listed.stdout.decode("utf-8").split("\0"))):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            found.append(Source(name, content.decode("utf-8", errors="replace")))
    return found


def line_of(finding: str) -> int:
    return int(finding.split(":")[1])


def assert_clean(check: Check, sources: Iterable[Source]) -> None:
    findings = [finding for source in sources for finding in sorted(check(source), key=line_of)]
    assert not findings, "\n" + "\n".join(findings)


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a chain of names, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def body_after_docstring(function: Function) -> list[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def is_rule(function: Function) -> bool:
    """Decorated by ``@rule`` or ``@rule(...)``."""
    names = (dotted(mark.func if isinstance(mark, ast.Call) else mark) for mark in function.decorator_list)
    return any(name.rpartition(".")[2] == "rule" for name in names)


# --- the checks -------------------------------------------------------------------------------


def too_long(source: Source) -> Iterator[str]:
    if len(source.lines) > MODULE_LINES:
        what = f"{len(source.lines)} lines, {MODULE_LINES} is the end (the aim is 400)"
        yield source.finding(1, what, "split the module by the nouns it holds")
    for function in source.functions():
        body = body_after_docstring(function)
        lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
        if lines > FUNCTION_LINES:
            what = f"{function.name} has {lines} lines, {FUNCTION_LINES} is the end (the aim is 50)"
            yield source.finding(function.lineno, what, "give its parts names")


def vague_names(source: Source) -> Iterator[str]:
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if part.lower().strip("_") in VAGUE_NAMES:
            yield source.finding(1, f"the name {part!r} says nothing", "name it by the noun it holds")


def rule_problem(node: ast.AST) -> tuple[str, str] | None:
    """What a rule may not hold, with the fix."""
    whole = "use //, or a mul_div that says how it rounds"
    match node:
        case ast.Constant(value=float() | complex()):
            return "a float", "count in whole units"
        case ast.Constant(value=str() | bytes()) | ast.JoinedStr():
            return "text", "return a code; a face has the words"
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return "true division", whole
        case ast.BinOp(op=ast.Pow()) | ast.AugAssign(op=ast.Pow()):
            return "a power", "multiply, or name the constant outside"
        case ast.BinOp(op=ast.LShift() | ast.RShift()) | ast.AugAssign(op=ast.LShift() | ast.RShift()):
            return "a shift", "multiply or divide by a named constant"
        case ast.Try() | ast.TryStar() | ast.Raise():
            return "an exception", "return a code; a face raises"
    return None


def impure_rules(source: Source) -> Iterator[str]:
    for function in filter(is_rule, source.functions()):
        given = function.args
        if given.kwonlyargs or given.vararg or given.kwarg:
            what = f"rule {function.name} has keyword-only or starred parameters"
            yield source.finding(function.lineno, what, "make them plain; callers give them by name")
        defaults = [default for default in (*given.defaults, *given.kw_defaults) if default is not None]
        for part in (*defaults, *body_after_docstring(function)):
            for node in ast.walk(part):
                if problem := rule_problem(node):
                    line = getattr(node, "lineno", function.lineno)
                    yield source.finding(line, f"rule {function.name} holds {problem[0]}", problem[1])


def rules_of(source: Source) -> set[str]:
    return {function.name for function in source.functions() if is_rule(function)}


@cache
def kernel_rules() -> dict[str, str]:
    """Rule name to the module that defines it."""
    kernel = [source for source in python_files("src") if source.inside.startswith("kernel/")]
    return {name: source.module for source in kernel for name in rules_of(source)}


def kernel_names(source: Source) -> dict[str, str]:
    """What local names stand for, as far as they come from the kernel."""
    names = {name: f"{source.module}.{name}" for name in rules_of(source)}
    for node in source.walk():
        if isinstance(node, ast.ImportFrom):
            package = source.module.split(".")
            if not source.path.endswith("__init__.py"):
                package.pop()
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            names |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return {local: full for local, full in names.items() if full.startswith("lotwise.kernel")}


def positional_rule_calls(source: Source) -> Iterator[str]:
    names = kernel_names(source)
    rules = kernel_rules() | dict.fromkeys(rules_of(source), source.module)
    for call in source.walk():
        if not isinstance(call, ast.Call):
            continue
        first, _, rest = dotted(call.func).partition(".")
        full = ".".join(filter(None, [names.get(first, first), rest]))
        name = full.rpartition(".")[2]
        if not full.startswith("lotwise.kernel.") or rules.get(name, "") in {"", "lotwise.kernel.arith"}:
            continue
        starred = any(isinstance(argument, ast.Starred) for argument in call.args)
        if starred or len(call.args) > POSITIONAL_ARGUMENTS:
            what = f"rule {name} gets more than {POSITIONAL_ARGUMENTS} arguments by place"
            yield source.finding(call.lineno, what, "give them by name: all are integers, a swap is silent")


def broad_excepts(source: Source) -> Iterator[str]:
    for node in source.walk():
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield source.finding(node.lineno, "bare except", "name the errors")
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = {dotted(kind) for kind in kinds} & {"Exception", "BaseException"}
        if broad and "#" not in source.lines[node.lineno - 1]:
            fix = "name the errors, or say on this line why all of them"
            yield source.finding(node.lineno, f"except {'/'.join(sorted(broad))}", fix)


def silent_packages(source: Source) -> Iterator[str]:
    if PurePosixPath(source.path).name != "__init__.py":
        return
    said = " ".join((ast.get_docstring(source.tree) or "").split())
    if "may not" not in said:
        yield source.finding(1, "the package does not say what it may not do", "say it in its docstring")


def undocumented(source: Source) -> Iterator[str]:
    for node in source.tree.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        is_signature = any(dotted(mark).rpartition(".")[2] == "overload" for mark in node.decorator_list)
        if not is_signature and not ast.get_docstring(node):
            yield source.finding(
                node.lineno, f"{node.name} has no docstring", "say what it is for, and its units"
            )


def left_open(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.lines, 1):
        if found := LEFT_OPEN.search(line):
            yield source.finding(number, found.group(), "finish it, or take it out and open an issue")


def floats_with_place(source: Source) -> Iterator[tuple[str, int]]:
    """Where a float is made: (path::function or class at module level, line)."""
    for part in source.tree.body:
        place = f"{source.path}::{getattr(part, 'name', 'module')}"
        for node in ast.walk(part):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
            made = isinstance(node, ast.Call) and dotted(node.func) in {"float", "complex"}
            if literal or made:
                yield place, node.lineno  # type: ignore[attr-defined]


def floats(source: Source) -> Iterator[str]:
    if not source.inside.startswith(EXACT_PLACES):
        return
    for place, line in floats_with_place(source):
        if place not in FLOAT_ALLOWED:
            fix = "use integers, Decimal or Fraction (or allow the place in FLOAT_ALLOWED, with a reason)"
            yield source.finding(line, "a float where numbers are exact", fix)


def asserts_something(test: Function) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if called == "pytest.raises" or called.rpartition(".")[2].startswith(("check_", "assert_")):
                return True
    return False


def idle_tests(source: Source) -> Iterator[str]:
    for node in source.walk():
        if isinstance(node, ast.Call) and dotted(node.func) == "time.sleep":
            yield source.finding(node.lineno, "a test sleeps", "wait for the event, or hand in a clock")
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and node.test.value:
            yield source.finding(node.lineno, "asserts what is always so", "assert what the test found")
    for function in source.functions():
        if function.name.startswith("test_") and not asserts_something(function):
            fix = "assert, use pytest.raises, or call a check_... or assert_..."
            yield source.finding(function.lineno, f"{function.name} asserts nothing", fix)


def machine_addresses(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.lines, 1):
        if found := MACHINE_PATH.search(line):
            fix = "use a relative path, a fixture or a variable"
            yield source.finding(number, f"a path of one machine ({found.group()})", fix)
        if found := INDEX_ADDRESS.search(line):
            yield source.finding(
                number, f"a package index ({found.group()})", "leave it to the user's set-up"
            )


def ambient_state(source: Source) -> Iterator[str]:
    if source.inside == "clock.py":
        return
    fix = "ask for a Clock, or take a seed"
    for node in source.walk():
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if any(f".{name}".endswith(f".{call}") for call in AMBIENT_CALLS):
                yield source.finding(node.lineno, f"{name} reads the machine's clock", fix)
        elif isinstance(node, ast.Import):
            if any(alias.name == "random" for alias in node.names):
                yield source.finding(node.lineno, "random has a hidden state", fix)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module == "random":
                yield source.finding(node.lineno, "random has a hidden state", fix)
            for alias in node.names:
                if (node.module, alias.name) in AMBIENT_IMPORTS:
                    yield source.finding(node.lineno, f"{alias.name} reads the machine's clock", fix)


# --- the project ------------------------------------------------------------------------------


def test_modules_and_functions_stay_small() -> None:
    assert_clean(too_long, python_files("src"))


def test_names_say_what_they_hold() -> None:
    assert_clean(vague_names, python_files("src"))


def test_rules_are_plain_integer_functions() -> None:
    assert_clean(impure_rules, python_files("src"))


def test_rules_are_called_by_name() -> None:
    assert_clean(positional_rule_calls, python_files("src"))


def test_errors_are_named() -> None:
    assert_clean(broad_excepts, python_files("src"))


def test_every_package_says_what_it_may_not_do() -> None:
    assert_clean(silent_packages, python_files("src"))
    folders = {(ROOT / source.path).parent for source in python_files("src")}
    bare = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()]
    assert not bare, f"{sorted(bare)} lack an __init__.py; fix: add one that says what it may not do"


def test_public_names_are_documented() -> None:
    assert_clean(undocumented, python_files("src"))


def test_nothing_is_left_open() -> None:
    assert_clean(left_open, python_files("src"))


def test_numbers_are_exact() -> None:
    assert_clean(floats, python_files("src"))


def test_allowed_floats_are_still_there() -> None:
    places = {place for source in python_files("src") for place, _ in floats_with_place(source)}
    stale = FLOAT_ALLOWED.keys() - places
    assert not stale, f"FLOAT_ALLOWED names {sorted(stale)}, where no float is; fix: take them out"


def test_tests_assert_and_never_sleep() -> None:
    assert_clean(idle_tests, python_files("tests"))


def test_no_file_knows_a_machine_or_an_index() -> None:
    assert_clean(machine_addresses, tracked_text())


def test_time_and_chance_are_handed_in() -> None:
    assert_clean(ambient_state, python_files("src"))


# --- the checks, checked ----------------------------------------------------------------------

ARITH = "src/lotwise/kernel/arith.py"
KERNEL = "src/lotwise/kernel/example.py"
SIZING = "src/lotwise/sizing/example.py"
PACKAGE = "src/lotwise/sizing/__init__.py"
TEST = "tests/unit/test_example.py"

FOUR = "@rule\ndef four(a, b, c, d):\n    return a\n"
LONG_BODY = "    pass\n" * (FUNCTION_LINES + 1)

REFUSED: list[tuple[Check, str, str]] = [
    (too_long, KERNEL, "x = 1\n" * (MODULE_LINES + 1)),
    (too_long, KERNEL, f'def f():\n    """Long."""\n{LONG_BODY}'),
    (too_long, KERNEL, f"class C:\n    async def f():\n{LONG_BODY.replace('pass', '    pass')}"),
    (vague_names, "src/lotwise/sizing/utils.py", ""),
    (vague_names, "src/lotwise/common/money.py", ""),
    (vague_names, "src/lotwise/_helpers.py", ""),
    *[
        (impure_rules, KERNEL, f"@rule\ndef f(a, b):\n    {line}\n")
        for line in (
            "return a * 0.5",
            "return a / b",
            "a /= b",
            "return a ** 2",
            "a **= 2",
            "return a << 1",
            "return a >> 1",
            "a >>= 1",
            "return 'no'",
            "return f'{a}'",
            "raise ValueError",
            "try: return a\n    finally: pass",
        )
    ],
    (impure_rules, KERNEL, "@rule\ndef f(a, *, b):\n    return a\n"),
    (impure_rules, KERNEL, "@rule\ndef f(*a):\n    return a\n"),
    (impure_rules, KERNEL, "@rule\ndef f(**a):\n    return a\n"),
    (impure_rules, KERNEL, "@rule\ndef f(a=0.5):\n    return a\n"),
    (impure_rules, KERNEL, "@decorators.rule(compiled_body=g)\ndef f(a):\n    return a / 2\n"),
    (positional_rule_calls, KERNEL, f"{FOUR}four(1, 2, 3, 4)\n"),
    (positional_rule_calls, KERNEL, f"{FOUR}four(*numbers)\n"),
    (positional_rule_calls, KERNEL, f"{FOUR}import lotwise.kernel.example as k\nk.four(1, 2, 3, 4)\n"),
    (
        positional_rule_calls,
        KERNEL,
        f"{FOUR}import lotwise.kernel.example\nlotwise.kernel.example.four(*a)\n",
    ),
    (positional_rule_calls, KERNEL, f"{FOUR}from lotwise.kernel import example\nexample.four(1, 2, 3, 4)\n"),
    (positional_rule_calls, KERNEL, f"{FOUR}from . import example\nexample.four(1, 2, 3, 4)\n"),
    (positional_rule_calls, KERNEL, f"{FOUR}from .example import four as f\nf(1, 2, 3, 4)\n"),
    (broad_excepts, SIZING, "try:\n    f()\nexcept:  # all of them\n    pass\n"),
    (broad_excepts, SIZING, "try:\n    f()\nexcept Exception:\n    pass\n"),
    (broad_excepts, SIZING, "try:\n    f()\nexcept (OSError, BaseException) as e:\n    pass\n"),
    (silent_packages, PACKAGE, ""),
    (silent_packages, PACKAGE, '"""May do anything."""\n'),
    (undocumented, SIZING, "def size():\n    return 1\n"),
    (undocumented, SIZING, "class Size:\n    pass\n"),
    (left_open, SIZING, "x = 1  # TO" + "DO: more\n"),
    (left_open, SIZING, "# FIX" + "ME\n"),
    (left_open, SIZING, "# XX" + "X\n"),
    (left_open, SIZING, "raise NotImplemented" + "Error\n"),
    (floats, SIZING, "x = 0.5\n"),
    (floats, KERNEL, "def f(a):\n    return float(a)\n"),
    (floats, "src/lotwise/units.py", "x = 1e8\n"),
    (idle_tests, TEST, "def test_it():\n    run()\n"),
    (idle_tests, TEST, "class TestIt:\n    def test_it(self):\n        run()\n"),
    (idle_tests, TEST, "def test_it():\n    time.sleep(1)\n    assert run()\n"),
    (idle_tests, TEST, "def test_it():\n    assert True\n"),
    (machine_addresses, "README.md", "see " + "/" + "home/someone/notes\n"),
    (machine_addresses, "Makefile", "OUT=" + "/" + "tmp/out\n"),
    (machine_addresses, "docs/a.md", "https://" + "pypi" + ".org/simple\n"),
    (machine_addresses, "requirements/core.txt", "--extra-index" + "-url file\n"),
    (machine_addresses, "requirements/core.txt", "--find" + "-links wheels\n"),
    (ambient_state, SIZING, "import time\nx = time.time()\n"),
    (ambient_state, SIZING, "from time import time_ns\n"),
    (ambient_state, SIZING, "from datetime import datetime\nx = datetime.now(UTC)\n"),
    (ambient_state, SIZING, "import datetime\nx = datetime.datetime.utcnow()\n"),
    (ambient_state, SIZING, "import random\n"),
    (ambient_state, SIZING, "from random import choice\n"),
]

PASSED: list[tuple[Check, str, str]] = [
    (too_long, KERNEL, 'def f():\n    """Long.\n' + "\n" * FUNCTION_LINES + '    """\n    return 1\n'),
    (vague_names, "src/lotwise/sizing/commonwealth.py", ""),
    (impure_rules, KERNEL, '@rule\ndef f(a, b=2):\n    """Half of a / b."""\n    return a // b\n'),
    (impure_rules, KERNEL, "def f(a):\n    return a / 2\n"),
    (positional_rule_calls, KERNEL, f"{FOUR}four(1, 2, 3, d=4)\n"),
    (positional_rule_calls, ARITH, f"{FOUR}four(1, 2, 3, 4)\n"),
    (positional_rule_calls, SIZING, "def four(a, b, c, d):\n    return a\nfour(1, 2, 3, 4)\n"),
    (
        broad_excepts,
        SIZING,
        "try:\n    f()\nexcept Exception:  # a user's code: any\n    pass\n",
    ),
    (silent_packages, PACKAGE, '"""Sizes. It may\nnot print."""\n'),
    (silent_packages, SIZING, ""),
    (undocumented, SIZING, "def _size():\n    return 1\n@overload\ndef size(a: int) -> int: ...\n"),
    (left_open, SIZING, "XXXL = 1\n"),
    (floats, "src/lotwise/stats/example.py", "x = 0.5\n"),
    (floats, SIZING, "isinstance(x, float)\n"),
    (idle_tests, TEST, "def test_it():\n    with pytest.raises(ValueError):\n        run()\n"),
    (idle_tests, TEST, "def test_it():\n    laws.check_it(run())\n"),
    (machine_addresses, "README.md", "src/lotwise/home/x https://example.com/home/x .venv/tmp/x\n"),
    (ambient_state, "src/lotwise/clock.py", "import time\nx = time.time_ns()\n"),
    (ambient_state, SIZING, "x = clock.now_ns()\ny = when.time()\n"),
]


def named(cases: list[tuple[Check, str, str]]) -> list[object]:
    return [pytest.param(*case, id=f"{case[0].__name__}-{number}") for number, case in enumerate(cases)]


@pytest.mark.parametrize(("check", "path", "text"), named(REFUSED))
def test_a_check_refuses_what_it_must(check: Check, path: str, text: str) -> None:
    findings = list(check(Source(path, text)))
    assert findings
    assert all(re.match(rf"{re.escape(path)}:\d+: .+; fix: .+", finding) for finding in findings)


@pytest.mark.parametrize(("check", "path", "text"), named(PASSED))
def test_a_check_passes_what_it_may(check: Check, path: str, text: str) -> None:
    assert list(check(Source(path, text))) == []


def test_every_check_is_checked_both_ways() -> None:
    refused, passed = ({case[0] for case in cases} for cases in (REFUSED, PASSED))
    assert refused == passed
    assert len(refused) == 12
