"""The notebooks of examples/ run in a real Jupyter kernel, from a page that was never run.

``make notebooks`` names the Python that has a kernel in ``LOTWISE_NOTEBOOKS``; without one this is skipped,
and ``test_examples.py`` runs the same cells as plain Python.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_examples import run

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PYTHON = os.environ.get("LOTWISE_NOTEBOOKS")
PLAYED = """
import json, sys
import nbclient, nbformat
page = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(page)
nbclient.NotebookClient(page, timeout=120, kernel_name="python3").execute()
print(json.dumps([cell for cell in page.cells if cell.cell_type == "code"]))
"""

pytestmark = pytest.mark.skipif(not PYTHON, reason="a kernel comes with make notebooks")


def played(notebook: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A notebook's run in a folder of its own, with lotwise from the source."""
    return subprocess.run(
        [str(PYTHON), "-c", PLAYED, str(notebook)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "IPYTHONDIR": str(folder / "ipython")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def shown(cells: list[dict[str, Any]]) -> str:
    """What the cells printed and answered, as text."""
    parts = []
    for cell in cells:
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            said = output.get("text") or output.get("data", {}).get("text/plain", "")
            parts.append(said if isinstance(said, str) else "".join(said))
            parts.append("".join(output.get("data", {}).get("text/html", "")))
    return "\n".join(parts)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[notebook.stem for notebook in NOTEBOOKS])
def test_every_cell_runs_in_its_order(notebook: Path, tmp_path: Path) -> None:
    done = played(notebook, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    cells = json.loads(done.stdout)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    told = "".join(shown(cells).split())
    names: dict[str, Any] = {}
    answers = [run("".join(cell["source"]), names) for cell in cells]
    assert "".join(repr(answers[-1]).split()) in told  # the same figures as in plain Python
    assert "<table" in told  # a plan, and a frame


def test_a_cell_that_fails_is_seen(tmp_path: Path) -> None:
    page = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    (cell, *_) = [one for one in page["cells"] if one["cell_type"] == "code"]
    cell["source"] = ["import lotwise\n", "lotwise.size('BTCUSDT', side='long')"]
    broken = tmp_path / "broken.ipynb"
    broken.write_text(json.dumps(page), encoding="utf-8")
    done = played(broken, tmp_path)
    assert done.returncode != 0
    assert "TypeError" in done.stderr
