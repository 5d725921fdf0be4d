"""Every script in examples/ prints what its last comment says; the cells of the notebooks run."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for needed in ("polars", "sqlalchemy", "uvicorn", "ccxt"):
    pytest.importorskip(needed)

FOLDER = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SAYS = "# It prints:\n"
APART = {"09_local_exchange"}
"""Run as processes of their own: ccxt leaves its session to the end of the program."""


def said_by(script: Path) -> list[str]:
    """What the comment at the end of a script says that it prints."""
    _, mark, text = script.read_text(encoding="utf-8").partition(SAYS)
    assert mark, f"{script.name} does not say what it prints"
    return [line.removeprefix("#").removeprefix("   ") for line in text.splitlines()]


def printed(script: Path) -> str:
    if script.stem in APART:
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(str(script), run_name="__main__")
    return out.getvalue()


def test_there_are_ten_and_two() -> None:
    assert [script.name[:2] for script in SCRIPTS] == [f"{number:02}" for number in range(1, 11)]
    assert len(NOTEBOOKS) == 2


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_a_script_prints_what_it_says(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")
    assert printed(script).splitlines() == said_by(script)
    assert list(tmp_path.iterdir()) == []  # an example leaves nothing behind
    assert ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))


def cells_of(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == "code"]


def run(cell: str, names: dict[str, Any]) -> Any:
    """A cell as a notebook runs it: the value of its last expression is its answer."""
    tree = ast.parse(cell)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[notebook.stem for notebook in NOTEBOOKS])
def test_a_notebook_runs_and_keeps_no_outputs(notebook: Path) -> None:
    names: dict[str, Any] = {}
    for cell in cells_of(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        run("".join(cell["source"]), names)
    if notebook.stem == "size":
        plan = names["plan"]
        assert "<table>" in plan._repr_html_()
        assert plan.loss_at_stop in plan._repr_html_()
        assert (names["refused"].feasible, names["fits"].quantity) == (False, "0.001")
    else:
        assert set(names["results"]) == set(names["fees"])
        assert all(count > 0 for count, _ in names["results"].values())
        assert all(float(fee) > 0 for fee in names["fees"].values())
