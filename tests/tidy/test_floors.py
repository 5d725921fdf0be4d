"""The floors hold, and what is heavy stays unloaded until it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numba", "numpy", "ccxt", "polars", "rich", "cyclopts")


def run_lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter, as ``make lint`` does, on the project in ``folder``."""
    code = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-logo", "--no-cache", "--config", str(folder / "pyproject.toml")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def modules_loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after ``statement``."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def test_imports_point_down_only() -> None:
    done = run_lint_imports(ROOT)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nfix: move the code, or hand the value in"


@pytest.mark.parametrize("module", ["lotwise", "lotwise.sizing"])
def test_heavy_packages_wait_until_needed(module: str) -> None:
    heavy = modules_loaded_by(f"import {module}").intersection(HEAVY)
    assert not heavy, f"import {module} loads {sorted(heavy)}; fix: import them where they are used"


def test_a_heavy_import_is_seen() -> None:
    assert "numpy" in modules_loaded_by("import numpy")


def test_an_import_that_points_up_is_seen(tmp_path: Path) -> None:
    (tmp_path / "tower").mkdir()
    (tmp_path / "tower/__init__.py").touch()
    (tmp_path / "tower/roof.py").touch()
    (tmp_path / "tower/cellar.py").write_text("import tower.roof\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_package = "tower"\n'
        '[[tool.importlinter.contracts]]\nname = "floors"\ntype = "layers"\n'
        'containers = ["tower"]\nlayers = ["roof", "cellar"]\n'
    )
    done = run_lint_imports(tmp_path)
    assert done.returncode == 1
    assert "tower.cellar is not allowed to import tower.roof" in done.stdout
