"""``lotwise completion``: real shells take the script, and bash completes every command and every option."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lotwise.cli.main import app, main
from tests.e2e.faces import Capture, answered, said

BASH = shutil.which("bash")
COMMANDS = [word for word in app if not word.startswith("-")]
ASK = """
ask() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _lotwise
    echo "${COMPREPLY[*]}"
}
"""


def completed(script: Path, lines: list[tuple[str, ...]]) -> list[list[str]]:
    """What a real bash offers for the last word of each line."""
    asked = "".join("ask " + " ".join(f"'{word}'" for word in ("lotwise", *line)) + "\n" for line in lines)
    program = f"source '{script}'\ncomplete -p lotwise >&2 || exit 9\n{ASK}{asked}"
    done = subprocess.run(
        [str(BASH), "--norc", "--noprofile"],
        input=program,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=script.parent,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["complete -F _lotwise lotwise"]
    return [line.split() for line in done.stdout.splitlines()]


@pytest.fixture
def script(tmp_path: Path, capsys: Capture) -> Path:
    path = tmp_path / "words.bash"
    path.write_text(said(capsys, "completion bash"), encoding="utf-8")
    return path


def options(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every option of every command, from the parser that reads them."""
    if command.default_command is not None:
        for argument in command.assemble_argument_collection():
            for name in argument.names:
                if argument.parse and name.startswith("--"):
                    yield words, name
    for name in command:
        if not name.startswith("-"):
            yield from options((*words, name), command[name])


@pytest.mark.skipif(BASH is None, reason="bash is not on this machine")
def test_bash_offers_every_command_option_and_choice(script: Path) -> None:
    cases: dict[tuple[str, ...], set[str]] = {
        ("",): set(COMMANDS),
        ("jou",): {"journal"},
        ("nothing-like-it",): set(),
        ("journal", ""): {name for name in app["journal"] if not name.startswith("-")},
        ("size", "--side", ""): {"long", "short", "buy", "sell"},
        ("size", "BTCUSDT", "--json", "--margin", "c"): {"cross"},
        ("init", "--where", "l"): {"live"},
        ("completion", ""): {"bash", "zsh", "fish"},
        ("journal", "import", "--cc"): {"--ccxt"},
    }
    given = completed(script, list(cases))
    for (line, wanted), found in zip(cases.items(), given, strict=True):
        assert set(found) == wanted, line


@pytest.mark.skipif(BASH is None, reason="bash is not on this machine")
def test_every_option_of_the_parser_is_offered(script: Path) -> None:
    known = [(words, name) for command in COMMANDS for words, name in options((command,), app[command])]
    assert len(known) > 300
    assert (("size",), "--liq-multiple") in known
    assert any(len(words) == 3 for words, _ in known)  # lotwise exchange account add
    found = completed(script, [(*words, name) for words, name in known])
    for (words, name), offered in zip(known, found, strict=True):
        assert name in offered, f"lotwise {' '.join(words)} {name}"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_it(shell: str, tmp_path: Path, capsys: Capture) -> None:
    text = said(capsys, f"completion {shell}")
    for command in COMMANDS:
        assert command in text
    assert "liq-multiple" in text
    if found := shutil.which(shell):
        path = tmp_path / "words"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([found, "-n", str(path)], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_json_has_the_same_script(capsys: Capture) -> None:
    assert answered(capsys, "completion bash") == {
        "shell": "bash",
        "script": said(capsys, "completion bash"),
    }


@pytest.mark.parametrize("words", [["completion"], ["completion", "tcsh"], ["completion", "bash", "zsh"]])
def test_another_shell_is_bad_input(words: list[str], capsys: Capture) -> None:
    assert main([*words, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert "USAGE-001" in json.dumps(told)
