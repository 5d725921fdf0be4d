"""What a proof rests on: an edit anywhere in it makes it open again, an edit elsewhere does not.

And what is kept of a run: whole files, and how far broken-off ones came.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tools import proof
from tools.proof_sources import sources, stamp

TREE = {
    "tests/conftest.py": "",
    "tests/laws/__init__.py": "",
    "tests/laws/test_law.py": "from lotwise.kernel import sizing\nfrom tests.laws import bulk\n",
    "tests/laws/bulk.py": "SHARDS = 2\n",
    "tests/laws/test_face.py": "import lotwise\nANSWER = lotwise.size()\n",
    "src/lotwise/__init__.py": 'HOMES = {"size": "lotwise.sizing.size", "scan": "lotwise.sizing.scan"}\n',
    "src/lotwise/kernel/__init__.py": "",
    "src/lotwise/kernel/sizing.py": "from lotwise.facts import tiers\n",
    "src/lotwise/kernel/wide.py": "",
    "src/lotwise/kernel/arith.py": "",
    "src/lotwise/facts/__init__.py": "",
    "src/lotwise/facts/tiers.py": '@rule(compiled_body="lotwise.kernel.wide:body")\ndef tier(): ...\n',
    "src/lotwise/facts/tiers.tsv": "1\t2\n",
    "src/lotwise/sectors/map.py": "",
    "src/lotwise/sectors/facts/map.tsv": "BTC\tL1\n",
    "tests/e2e/test_typed.py": "from lotwise.cli.main import main\nWORDS = 'lotwise.cli.trade'\n",
    "src/lotwise/cli/main.py": "from lotwise.facts import tiers\nADD = 'lotwise.cli.trade lotwise.cli.web'\n",
    "src/lotwise/cli/trade.py": "from lotwise.kernel import sizing\n",
    "src/lotwise/cli/web.py": "",
    "tests/laws/test_from.py": "from lotwise import scan\n",
    "tests/laws/test_any.py": "import lotwise as other\n",
    "src/lotwise/sizing/scan.py": "",
    "src/lotwise/sizing/size.py": "from lotwise.kernel.arith import mul_div\n",
}
LAW, FACE = "tests/laws/test_law.py", "tests/laws/test_face.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project."""
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "edited",
    [
        LAW,
        "tests/conftest.py",
        "tests/laws/bulk.py",
        "src/lotwise/__init__.py",
        "src/lotwise/kernel/sizing.py",
        "src/lotwise/kernel/wide.py",
        "src/lotwise/facts/tiers.py",
        "src/lotwise/facts/tiers.tsv",
    ],
)
def test_an_edit_of_what_it_rests_on_opens_a_proof(tree: Path, edited: str) -> None:
    before = stamp(tree, LAW)
    with (tree / edited).open("a", encoding="utf-8") as file:
        file.write("EDITED = 1\n" if edited.endswith(".py") else "3\t4\n")
    assert stamp(tree, LAW) != before


def test_words_beside_the_code_open_nothing(tree: Path) -> None:
    before, file = stamp(tree, LAW), tree / "src/lotwise/kernel/sizing.py"
    file.write_text(f'"""What it is."""\n\n# why\n{file.read_text(encoding="utf-8")}', encoding="utf-8")
    assert stamp(tree, LAW) == before
    with file.open("a", encoding="utf-8") as more:
        more.write('\n\ndef rate() -> int:\n    """Of it."""\n    return 1\n')
    assert stamp(tree, LAW) != before


def test_an_edit_elsewhere_leaves_it_proved(tree: Path) -> None:
    before = stamp(tree, LAW)
    others = (
        "src/lotwise/kernel/arith.py",
        "src/lotwise/sizing/size.py",
        "src/lotwise/sectors/facts/map.tsv",
    )
    for other in (*others, FACE):
        (tree / other).write_text("EDITED = 1\n", encoding="utf-8")
    assert stamp(tree, LAW) == before


def test_of_the_commands_only_those_named_count(tree: Path) -> None:
    found = sources(tree, "tests/e2e/test_typed.py")
    assert {"src/lotwise/cli/main.py", "src/lotwise/cli/trade.py", "src/lotwise/facts/tiers.py"} <= set(found)
    assert "src/lotwise/kernel/sizing.py" in found
    assert "src/lotwise/cli/web.py" not in found


def test_the_whole_package_reaches_the_faces_it_loads_late(tree: Path) -> None:
    assert "src/lotwise/kernel/arith.py" in sources(tree, FACE)
    assert "src/lotwise/kernel/arith.py" not in sources(tree, LAW)
    homes = {"src/lotwise/sizing/size.py", "src/lotwise/sizing/scan.py"}
    for test, used in (
        (LAW, set()),
        (FACE, {"src/lotwise/sizing/size.py"}),
        ("tests/laws/test_from.py", {"src/lotwise/sizing/scan.py"}),
        ("tests/laws/test_any.py", homes),
    ):
        assert homes & set(sources(tree, test)) == used, test


def test_another_version_of_what_runs_it_opens_a_proof(tree: Path) -> None:
    assert stamp(tree, LAW, ["numba 1"]) != stamp(tree, LAW, ["numba 2"])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> proof.Run:
    """A run of two real test files that has not begun; what it keeps goes to a file of its own."""
    monkeypatch.setattr(proof, "KEPT", tmp_path / "proof.json")
    monkeypatch.delenv("LOTWISE_LAW_CASES", raising=False)
    files = ["tests/laws/test_units.py", "tests/laws/test_mirror.py"]
    monkeypatch.setattr(proof, "collected", lambda *_: Counter({files[0]: 3, files[1]: 1}))
    return proof.Run(files, workers=1, counts=tmp_path / "counts.jsonl")


def told(run: proof.Run, *lines: dict[str, object]) -> None:
    """The tests have written these lines."""
    with run.counts.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    run.look()


def test_a_file_is_kept_when_its_last_test_has_ended_well(run: proof.Run) -> None:
    units, mirror = run.progress
    law = {"file": units, "law": "a law", "seconds": 1}
    told(run, law | {"cases": 7}, *[{"file": units, "ended": "passed"}] * 2)
    assert proof.kept() == {}
    told(run, law | {"cases": 5}, {"file": units, "ended": "skipped"})
    entry = proof.kept()[units]
    assert (entry["tests"], entry["skipped"], entry["laws"]) == (2, 1, {"a law": 12})
    assert proof.open_files([units, mirror]) == [mirror]
    told(run, {"file": mirror, "ended": "failed"})
    run.keep_broken_off()
    assert list(proof.kept()) == [units]


def test_a_broken_off_file_is_said_and_stays_open(run: proof.Run) -> None:
    units, mirror = run.progress
    told(run, {"file": units, "ended": "passed"}, {"file": mirror, "ended": "passed"})
    run.keep_broken_off()
    assert proof.open_files([units, mirror]) == [units]
    assert proof.remark(units, proof.kept()[units]) == "broken off: 1 of 3 tests"
    stale = proof.kept()[mirror] | {"stamp": "of another source"}
    assert proof.remark(mirror, stale) == "a source it rests on has changed since"


def test_a_failed_test_leaves_its_file_open(run: proof.Run) -> None:
    units, _ = run.progress
    told(run, *[{"file": units, "ended": "passed"}] * 2, {"file": units, "ended": "failed"})
    run.keep_broken_off()
    assert proof.kept() == {}
