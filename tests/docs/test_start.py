"""docs/start.md, the guides and the concepts are played as a reader would play them, and tell what comes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tools.transcripts import PLAYED, Answered, blocks, commands, place, played, settled

for needed in ("polars", "sqlalchemy", "uvicorn", "ccxt"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    DOCS / "start.md",
    *sorted((DOCS / "guides").glob("*.md")),
    *sorted((DOCS / "concepts").glob("*.md")),
]
REFUSED = {3}
"""The trade does not fit: what a page may well show."""


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_a_page_tells_what_comes(path: Path, tmp_path: Path) -> None:
    answers = played(path, tmp_path)
    assert answers or not any(block.language in PLAYED for block in blocks(path.read_text(encoding="utf-8")))
    for one in answers:
        assert one.is_as_shown, f"{path.name}: $ {one.command}\n{one.found}"
        assert one.code == 0 or one.code in REFUSED, f"{path.name}: $ {one.command}: exit code {one.code}"


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (path.parent / target).exists(), f"{path.name} links {target}"


def test_the_hour_is_whole() -> None:
    text = (DOCS / "start.md").read_text(encoding="utf-8")
    shown = " ".join(command for block in blocks(text) for command, _ in commands(block.text))
    for step in (
        "size",
        "scan",
        "analyze",
        "backtest",
        "ruin",
        "exchange",
        "trade --paper",
        "journal",
        "review",
    ):
        assert f"lotwise {step}" in shown
    assert "lotwise plan" in shown


def test_what_is_installed_is_there_to_install() -> None:
    (named,) = re.findall(r'install "\.\[([a-z,]+)\]"', (DOCS / "start.md").read_text(encoding="utf-8"))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(named.split(",")) <= set(extras["optional-dependencies"])


def test_a_page_that_lies_is_found_out() -> None:
    true = Answered("lotwise --version", "0.1.0", "0.1.0", 0)
    assert true.is_as_shown
    assert not true._replace(shown="0.1.1").is_as_shown
    assert not true._replace(shown="").is_as_shown
    many = "first\n  1.50\nlast"
    assert true._replace(shown="first\n...\nlast", found=many).is_as_shown
    assert not true._replace(shown="first\n...", found="second\n1").is_as_shown
    assert not true._replace(shown="...\nother", found=many).is_as_shown
    assert not true._replace(shown="first\n1.5\nlast", found="first\n125\nlast").is_as_shown


def test_the_player_sees_wrong_answers_of_python(tmp_path: Path) -> None:
    page = "```python\n>>> 1 + 1\n3\n```\n"
    with place(tmp_path) as player:
        (answer,) = player.play(blocks(page)[0])
    assert answer.code == 1
    assert not answer.is_as_shown


def test_only_what_changes_by_itself_is_settled() -> None:
    assert settled("82 days old \n\n") == "N days old"
    assert settled("ab" * 32) == "<64 letters and digits>"
    assert settled("2025-01-06 20:14:55") == "2025-01-06 20:14:55"
    assert settled("  2026-11-22 18:14:34  note") == "  NOW  note"
