"""Plays the blocks of a page of docs/ as a reader would, and says what each printed.

    python -m tools.transcripts docs/start.md      # plays the page and writes what it found into it

A page is played from top to bottom in one empty folder:

* ``console``: every ``$ `` line is a command, what follows is what it prints. A line ``...`` stands for any
  lines. Only ``lotwise``, ``export`` and ``python FILE`` are understood. ``lotwise exchange`` without a
  further command is started beside the page and stopped at its end, at a free port: 8610 and 8611 of the
  page are mapped to it. So is ``lotwise web`` (8600), and its page is opened once, as a browser would.
* ``python``: run; one page's blocks share their names. With ``>>>`` its answers are compared.
* ``toml FILE``, ``csv FILE``, ``python FILE``: the file is written. A TOML file that is there already gets
  the lines' values in place of its own.

Blocks in other languages (``sh``, ``text``) are for reading. The tests in ``tests/docs`` play every page.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

from lotwise.cli.main import main as lotwise

ROOT: Final = Path(__file__).resolve().parents[1]
BLOCK: Final = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
PLAYED: Final = ("console", "python", "toml", "csv")
COLUMNS: Final = "90"
VARIABLES: Final = {
    "LOTWISE_STORE": "market",
    "LOTWISE_JOURNAL": "journal.sqlite",
    "LOTWISE_EXCHANGE": "exchange",
    "XDG_DATA_HOME": "data",
}
"""Where a page keeps what it makes: names within its folder."""
LOTWISE: Final = "import sys; from lotwise.cli.main import main; sys.exit(main(sys.argv[1:]))"
PORTS: Final = ("8610", "8611")
DESK: Final = "8600"
DESK_LINES: Final = 3
"""What ``lotwise web`` says before it waits: whose account, the address, what to do with it."""
SETTLED: Final = (
    (r"\d+ days old", "N days old"),
    (r"\b[0-9a-f]{64}\b", "<64 letters and digits>"),
    (r"\btoken=[\w-]+", "token=TOKEN"),
    (r"since 20\d\d-\d\d-\d\d$", "since TODAY"),
    (r"\b20(?!25)\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "NOW"),
)
"""What changes by itself, and what stands for it in a page."""


class Block(NamedTuple):
    """A fenced block and where it stands in the page."""

    language: str
    file: str
    text: str
    first: int
    end: int


class Answered(NamedTuple):
    """A command of a page, what the page shows and what came."""

    command: str
    shown: str
    found: str
    code: int

    @property
    def is_as_shown(self) -> bool:
        """True where the page tells what came, ``...`` standing for any lines."""
        pattern = "\n".join(
            r"(?:.*\n)*?.*" if line.strip() == "..." else re.escape(line) for line in self.shown.split("\n")
        )
        return re.fullmatch(pattern, self.found) is not None


def blocks(page: str) -> list[Block]:
    """All fenced blocks, in order."""
    return [Block(m[1], m[2] or "", m[3], m.start(3), m.end(3)) for m in BLOCK.finditer(page)]


def commands(text: str) -> list[tuple[str, str]]:
    """Commands of a console block, each with what it is said to print."""
    found = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        while command.endswith("\\"):
            more, _, shown = shown.partition("\n")
            command = command[:-1] + more.strip()
        found.append((command, settled(shown)))
    return found


def settled(text: str) -> str:
    """Text without blanks at ends, and without what changes by itself."""
    for pattern, instead in SETTLED:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


class Player:
    """Plays one page in a folder; an exchange that it starts is stopped by :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__page__"}
        self.servers: list[subprocess.Popen[str]] = []
        self.ports: dict[str, str] = {}
        self.account: dict[str, str] = {}

    def close(self) -> None:
        """Stop what was started."""
        for server in reversed(self.servers):  # the desk before the exchange that it asks
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)
            for stream in (server.stdout, server.stderr):
                if stream is not None:
                    stream.close()

    def play(self, block: Block) -> list[Answered]:
        """Play a block; what its commands answered."""
        if block.language == "console":
            return [self._command(command, shown) for command, shown in commands(block.text)]
        if block.file:
            self._write(self.folder / block.file, self._local(block.text))
            return []
        if block.language == "python":
            return self._python(block.text)
        return []

    def _local(self, text: str) -> str:
        """Text with the ports that are really used."""
        for shown, real in self.ports.items():
            text = text.replace(f":{shown}", f":{real}").replace(f"port {shown}", f"port {real}")
        return text

    def _as_shown(self, text: str) -> str:
        for shown, real in self.ports.items():
            text = text.replace(f":{real}", f":{shown}")
        return settled(text.replace(f"{self.folder}/", ""))

    def _write(self, path: Path, text: str) -> None:
        if path.suffix != ".toml" or not path.exists():
            path.write_text(text, encoding="utf-8")
            return
        whole = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            key = line.partition("=")[0].strip()
            pattern = re.compile(rf"^(?:# )?{re.escape(key)} *=.*$", flags=re.MULTILINE)
            if len(pattern.findall(whole)) != 1:
                raise ValueError(f"{path.name} has not one line of {key}")
            whole = pattern.sub(line.replace("\\", r"\\"), whole)
        path.write_text(self._local(whole), encoding="utf-8")

    def _python(self, text: str) -> list[Answered]:
        if not text.startswith(">>>"):
            exec(compile(text, "page", "exec"), self.names)
            return []
        test = doctest.DocTestParser().get_doctest(text, self.names, "page", None, 0)
        said = io.StringIO()
        result = doctest.DocTestRunner(verbose=False).run(test, out=said.write, clear_globs=False)
        self.names.update(test.globs)
        return [Answered("python", "", said.getvalue(), result.failed)]

    def _command(self, command: str, shown: str) -> Answered:
        words = [self._valued(word) for word in shlex.split(self._local(command), comments=True)]
        if words[0] == "export":
            for name, _, value in (word.partition("=") for word in words[1:]):
                os.environ[name] = value
            return Answered(command, shown, "", 0)
        given = {}
        while re.match(r"[A-Z_]+=", words[0]):
            name, _, value = words.pop(0).partition("=")
            given[name] = value
        if words[0] == "python":
            return self._program(command, shown, words[1:])
        if words[0] != "lotwise":
            raise ValueError(f"no such command on a page: {command}")
        if words[1] == "exchange" and (len(words) == 2 or words[2].startswith("-")):
            return Answered(command, shown, self._serve(words[2:]), 0)
        if words[1] == "web" and "--help" not in words:
            return Answered(command, shown, self._as_shown(self._open_desk(words[2:])), 0)
        if words[1] == "exchange":  # as its owner does: in a window of its own
            return self._program(command, shown, ["-c", LOTWISE, *words[1:]])
        out = io.StringIO()
        with variables(given), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = lotwise(words[1:])
        return Answered(command, shown, self._as_shown(out.getvalue()), code)

    def _valued(self, word: str) -> str:
        """A word with variables, and with what the exchange gave in place of ``=KEY`` and ``=SECRET``."""
        for name, value in self.account.items():
            word = re.sub(rf"=({name.upper()})$", f"={value}", word)
        return os.path.expandvars(word)

    def _program(self, command: str, shown: str, words: list[str]) -> Answered:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        self.account.update(re.findall(r"^ +(key|secret) +(\w+)$", said, flags=re.MULTILINE))
        return Answered(command, shown, self._as_shown(said), done.returncode)

    def _open_desk(self, words: list[str]) -> str:
        """Start a desk and open its page; what it said in the terminal."""
        server = self._started(["web", *words, "--port", "0"])
        assert server.stdout is not None
        said = "".join(server.stdout.readline() for _ in range(DESK_LINES))
        found = re.search(r"http://127\.0\.0\.1:(\d+)/login\?token=\S+", said)
        if found is None:
            raise RuntimeError(said + (server.stderr.read() if server.stderr else "the desk did not start"))
        self.ports[DESK] = found[1]
        browser = build_opener(ProxyHandler({}), HTTPCookieProcessor())
        with browser.open(found[0], timeout=60) as page:  # 401 without the cookie that the token gives
            if b"<title>" not in page.read():
                raise RuntimeError(f"{found[0]} is no page")
        return said

    def _serve(self, words: list[str]) -> str:
        free = [] if "--port" in words else ["--port", "0", "--admin-port", "0"]
        server = self._started(["exchange", *words, *free, "--json"])
        assert server.stdout is not None
        told = json.loads(server.stdout.readline() or "{}").get("exchange")
        if told is None:
            raise RuntimeError(server.stderr.read() if server.stderr else "the exchange did not start")
        self.ports |= dict(zip(PORTS, (str(told["port"]), str(told["admin"])), strict=True))
        return f"  http://{told['host']}:{PORTS[0]}  admin http://127.0.0.1:{PORTS[1]}  exchange"

    def _started(self, words: list[str]) -> subprocess.Popen[str]:
        """A command that goes on beside the page; what it says is not kept back."""
        server = subprocess.Popen(
            [sys.executable, "-c", LOTWISE, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.servers.append(server)
        return server


@contextlib.contextmanager
def variables(given: dict[str, str]) -> Iterator[None]:
    """The environment with some variables set, put back at the end."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Player]:
    """A player in a folder that is the current one, with variables of its own."""
    here = Path.cwd()
    own = {name: str(folder / value) for name, value in VARIABLES.items()}
    with variables({**own, "COLUMNS": COLUMNS, "NO_PROXY": "*"}):
        os.environ.pop("LOTWISE_ZONE", None)
        os.chdir(folder)
        player = Player(folder)
        try:
            yield player
        finally:
            player.close()
            os.chdir(here)


def played(path: Path, folder: Path) -> list[Answered]:
    """All commands of a page, in order, each with what it shows and what came."""
    found = []
    with place(folder) as player:
        for block in blocks(path.read_text(encoding="utf-8")):
            if block.language in PLAYED:
                found += player.play(block)
    return found


def written(path: Path, folder: Path) -> str:
    """The page with what its commands print now; an answer that is shortened is kept while it holds."""
    page = path.read_text(encoding="utf-8")
    whole, at = "", 0
    with place(folder) as player:
        for block in blocks(page):
            if block.language not in PLAYED:
                continue
            answers = player.play(block)
            if block.language != "console":
                for one in answers:
                    if one.code:
                        print(one.found)
                continue
            parts = [text(one) for one in answers]
            whole += page[at : block.first] + "".join(parts)
            at = block.end
    return whole + page[at:]


def text(one: Answered) -> str:
    """A command and its answer as a page shows them."""
    keep = one.is_as_shown
    if "..." in one.shown and not keep:
        print(f"changed: $ {one.command}\n{one.found}\n")
    shown = one.shown if keep else one.found
    return f"$ {one.command}\n" + (f"{shown}\n" if shown else "")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as made:
            there = Path(name).resolve()
            there.write_text(written(there, Path(made)), encoding="utf-8")
