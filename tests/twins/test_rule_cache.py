"""Twin: a rule compiled long ago and the same rule compiled now agree, whatever was edited between.

Numba's own cache looks at one file and would go on giving old numbers after an edit of a rule
or a constant in another. Every run here is a process of its own, as a user's runs are.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
HELPER = """
from lotwise.rule import rule
from lotwise.units import Lots

@rule
def doubled(lots: Lots) -> Lots:
    return Lots({factor} * lots)
"""
RATES = "FEE = {fee}\n"
OWN = """
from own_helper import doubled
from own_rates import FEE

from lotwise.kernel.arith import mul_div_ceil
from lotwise.rule import rule

@rule
def paid(lots: int) -> int:
    return doubled(lots) + mul_div_ceil(lots, FEE, 100_000_000)
"""
RUN = """
import json
import own_rules
compiled = own_rules.paid.compiled
result = compiled(1_000_000)
again = compiled(1_000_000)
stats = compiled.stats
print(json.dumps({
    "result": result,
    "again": again,
    "interpreted": own_rules.paid(1_000_000),
    "hits": sum(stats.cache_hits.values()),
    "misses": sum(stats.cache_misses.values()),
}))
"""
STRATEGY = """
from lotwise.kernel.margin import initial_margin_trunc
from lotwise.kernel.tape import Seen
from lotwise.rule import rule

@rule
def own(seen: Seen, i: int) -> int:
    seen.memory[0] += initial_margin_trunc(1_000, leverage100=100)
    return -9 if i == 2 else 0
"""
ASKED = """
import json
import numpy as np
from numba import typeof
from own_strategy import own
from lotwise.kernel import tape
from lotwise.kernel.layout import array_of, dtype_of
from lotwise.kernel.state import AccountRow, MarketRow
from lotwise.rule_handle import by_address
from lotwise.rule_pointer import RulePointer
from ctypes import CFUNCTYPE, c_int64, c_void_p

by_address(tape.Seen)
kinds = (AccountRow, MarketRow, tape.BarRow, tape.SetupRow)
arrays = [array_of(kind, [kind()]) for kind in kinds]
seen = tape.Seen(*arrays, np.zeros(1, np.int64))
pointer = RulePointer(own, typeof(seen))
table = np.array([[part.ctypes.data, len(part)] for part in seen], np.int64)
ask = CFUNCTYPE(c_int64, c_void_p, c_int64)(pointer.__wrapper_address__())
signals = [ask(table.ctypes.data, i) for i in range(3)]
stats = own.compiled.stats
print(json.dumps({
    "signals": signals,
    "memory": int(seen.memory[0]),
    "hits": sum(stats.cache_hits.values()),
    "misses": sum(stats.cache_misses.values()),
}))
"""
LOADED = """
import json, sys
import lotwise
first = sorted({name.partition(".")[0] for name in sys.modules})
plan = lotwise.size(
    "binance:BTCUSDT", side="long", entry="65000", stop="2%", equity="1000", risk="1%", targets=["2R"]
)
held = lotwise.liquidation("binance:BTCUSDT", side="long", quantity="0.01", entry="60000", leverage="10")
then = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"first": first, "then": then, "lots": plan.lots, "price": held.liquidation_price}))
"""


class Project:
    """A user's folder with rules in three files, and a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "own"
        self.cache = folder / "cache"
        self.folder.mkdir()
        self.write(factor=2, fee=50_000)

    def write(self, factor: int, fee: int) -> None:
        """The three files, with the helper's factor and the constant."""
        (self.folder / "own_helper.py").write_text(HELPER.format(factor=factor), encoding="utf-8")
        (self.folder / "own_rates.py").write_text(RATES.format(fee=fee), encoding="utf-8")
        (self.folder / "own_rules.py").write_text(OWN, encoding="utf-8")

    def run(self, source: str = RUN, house: Path | None = None) -> dict[str, Any]:
        """What a new process prints; ``house`` is where it finds lotwise, if not where we do."""
        environment = {
            **os.environ,
            "LOTWISE_CACHE_DIR": str(self.cache),
            "PYTHONPATH": os.pathsep.join(map(str, [self.folder] + [house] * bool(house))),
            "PYTHONDONTWRITEBYTECODE": "1",  # edits within one second look alike to a .pyc
        }
        done = subprocess.run(
            [sys.executable, "-c", source],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def files(self) -> dict[str, int]:
        """Every file of the cache with the time it was written."""
        return {
            path.relative_to(self.cache).as_posix(): path.stat().st_mtime_ns
            for path in self.cache.rglob("*")
            if path.is_file()
        }

    def expect(self, result: int) -> dict[str, Any]:
        """Run, and compare both bodies with what the sources say."""
        found = self.run()
        assert found["interpreted"] == result
        assert found["result"] == found["again"] == result, "compiled code of another source was run"
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project."""
    return Project(tmp_path)


def test_an_unchanged_rule_is_loaded_and_not_compiled(project: Project) -> None:
    first = project.expect(2_000_500)
    assert (first["hits"], first["misses"]) == (0, 1)
    kept = project.files()
    assert any(name.endswith(".nbc") for name in kept)
    second = project.expect(2_000_500)
    assert (second["hits"], second["misses"]) == (1, 0)
    assert project.files() == kept


def test_an_edited_rule_in_another_file_is_seen(project: Project) -> None:
    project.expect(2_000_500)
    project.write(factor=3, fee=50_000)
    assert project.expect(3_000_500)["misses"] == 1


def test_an_edited_constant_in_another_file_is_seen(project: Project) -> None:
    project.expect(2_000_500)
    project.write(factor=2, fee=60_000)
    assert project.expect(2_000_600)["misses"] == 1


def test_two_versions_in_turn_do_not_mix(project: Project) -> None:
    project.expect(2_000_500)
    project.write(factor=3, fee=60_000)
    project.expect(3_000_600)
    kept = project.files()
    for _ in range(2):
        project.write(factor=2, fee=50_000)
        assert project.expect(2_000_500)["hits"] == 1
        project.write(factor=3, fee=60_000)
        assert project.expect(3_000_600)["hits"] == 1
    assert project.files() == kept


def test_an_edit_of_the_kernel_is_seen_by_a_users_strategy(project: Project, tmp_path: Path) -> None:
    house = tmp_path / "house"
    shutil.copytree(SOURCE / "lotwise", house / "lotwise", ignore=shutil.ignore_patterns("__pycache__"))
    (project.folder / "own_strategy.py").write_text(STRATEGY, encoding="utf-8")
    found = project.run(ASKED, house)
    assert found == {"signals": [0, 0, -9], "memory": 3_000, "hits": 0, "misses": 1}
    assert project.run(ASKED, house) == found | {"hits": 1, "misses": 0}
    margin = house / "lotwise" / "kernel" / "margin.py"
    text = margin.read_text(encoding="utf-8")
    edited = text.replace("mul_div_floor(notional, LEVERAGE, leverage100))", "7 * notional)")
    assert edited != text
    margin.write_text(edited, encoding="utf-8")
    assert project.run(ASKED, house) == found | {"memory": 21_000}, "the strategy ran on the old kernel"
    margin.write_text(text, encoding="utf-8")
    assert project.run(ASKED, house) == found | {"hits": 1, "misses": 0}


def test_the_calculator_loads_no_compiler(project: Project) -> None:
    found = project.run(LOADED)
    assert found["lots"] == 7
    assert found["price"].startswith("54216.86")
    for heavy in ("numba", "llvmlite", "numpy"):
        assert heavy not in found["first"], f"import lotwise loads {heavy}"
        assert heavy not in found["then"], f"sizing one trade loads {heavy}"
    assert not project.files(), "sizing one trade compiled something"
