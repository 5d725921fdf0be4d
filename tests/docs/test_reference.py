"""docs/reference is what the program says of itself today; the site has every page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec
import pytest

from lotwise.app.trade_file import FileTable
from lotwise.cli.main import app
from lotwise.guard.config import KEYS
from lotwise.scaling import config as plan_config
from tools import reference_codes
from tools.reference_pages import FOLDER, VARIABLES, WORDS, commands, pages

for needed in ("polars", "sqlalchemy", "uvicorn", "ccxt"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
AGAIN = "is not what the program says: python -m tools.reference_pages"


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_every_page_is_what_is_written_from_the_program() -> None:
    made = pages()
    assert {path.name for path in FOLDER.iterdir()} == set(made)
    for name, text in made.items():
        assert read(name) == text, f"docs/reference/{name} {AGAIN}"


def test_every_command_is_there_with_its_options() -> None:
    page, named = read("cli.md"), list(commands())
    assert {words[0] for words in named} == {word for word in app if not word.startswith("-")}
    assert ("journal", "import") in named
    for words in named:
        assert re.search(rf"^##+ lotwise {' '.join(words)}$", page, flags=re.MULTILINE), words
    assert "--liq-multiple STR" in page


def test_every_code_of_the_source_is_there_once() -> None:
    quoted = re.compile(rf"[\"']({reference_codes.CODE.pattern})[\"']")
    found = {code for path in SOURCES for code in quoted.findall(path.read_text(encoding="utf-8"))}
    listed = re.findall(r"^\| `([A-Z]+-\d{3})` \|", read("errors.md"), flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == found
    assert len(found) > 500


def test_a_code_says_what_happened_and_what_to_do() -> None:
    rows = re.findall(r"^\| `[A-Z]+-\d{3}` \| .*$", read("errors.md"), flags=re.MULTILINE)
    silent = [row for row in rows if row.split(" | ")[2].strip() == ""]
    assert len(silent) <= len(rows) // 50, silent
    (fits,) = [row for row in rows if "`SIZE-111`" in row]
    assert "| 3 |" in fits
    assert "min notional" in fits
    (venue,) = [row for row in rows if "`BROKER-141`" in row]
    assert "| 4 |" in venue
    (rule,) = [row for row in rows if "`GUARD-107`" in row]
    assert "the rule day loss" in rule


def test_what_is_put_into_a_message_has_a_name() -> None:
    call = ast.parse("InputError('X-101', f'{count} of {row.size} rows' + ' here', 'mend it' if a else '')")
    node = next(one for one in ast.walk(call) if isinstance(one, ast.Call))
    assert reference_codes.text_of(node.args[1]) == "{count} of {size} rows here"
    assert reference_codes.text_of(node.args[2]) == "mend it"
    assert reference_codes.text_of(None) == ""


def test_every_key_of_a_file_is_there() -> None:
    page = read("config.md")
    tables = [FileTable]
    while tables:
        for field in msgspec.structs.fields(tables.pop()):
            assert field.encode_name in page, field.name
            kinds = getattr(field.type, "__args__", (field.type,))
            tables += [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    for key in (
        *KEYS,
        *plan_config.PLAN_KEYS,
        *plan_config.STEP_KEYS,
        *plan_config.FALL_KEYS,
        *plan_config.GATE_KEYS,
    ):
        if key not in ("lots", "lot_after"):
            assert re.search(rf"\b{key}\b", page), key


def test_every_variable_of_the_source_is_there() -> None:
    used = {
        name
        for path in SOURCES
        for name in re.findall(r"LOTWISE_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8"))
    }
    assert used - set(VARIABLES) == set(), "say in tools/reference_pages.py what it is"


def test_the_glossary_is_short_and_in_order() -> None:
    listed = re.findall(r"^\| ([^|]+) \|", read("glossary.md"), flags=re.MULTILINE)[1:]
    assert len(listed) == len(WORDS)
    assert listed == sorted(listed, key=str.lower)


def test_the_site_has_every_page() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    docs = ROOT / "docs"
    for path in sorted(docs.rglob("*.md")):
        name = path.relative_to(docs).as_posix()
        assert re.search(rf"[ :]{re.escape(name)}$", site, flags=re.MULTILINE), f"mkdocs.yml has no {name}"
    for name in re.findall(r"[\w/]+\.md$", site, flags=re.MULTILINE):
        assert (docs / name).exists(), f"mkdocs.yml names {name}"
    assert "https://" not in site
