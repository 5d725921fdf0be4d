"""The wheel: what is in it, that it runs from there, and, by ``make wheel``, in an environment of its own.

``make wheel`` sets ``LOTWISE_WHEEL``: then the wheel is installed beside nothing but the pinned core, asked
for everything a newcomer asks first, and again with the extras as ``pyproject.toml`` names them. That needs
the network once; without the variable only what costs a few seconds is done.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_SHIPPED = {"__pycache__", "README.md"}
"""Of the package's folders: what is for those who read the source."""
SIZE = "size BTCUSDT --entry 65000 --stop 2% --equity 1000 --quiet"
NEEDS = {
    "data synthetic --days 1": ("data", 2),
    "backtest breakout --data synthetic:BTCUSDT --equity 500": ("data", 2),
    "analyze synthetic:BTCUSDT": ("data", 2),
    "journal list": ("journal", 2),
    "review": ("journal", 2),
    "exchange --port 0 --admin-port 0": ("exchange", 1),
    "contracts refresh --venue binance --dry-run": ("live", 4),
    "trade --paper trade.toml": ("live", 4),
    "web --port 0": ("web", 2),
}
"""What needs an extra: which, and the exit code without it."""

in_full = pytest.mark.skipif(
    not os.environ.get("LOTWISE_WHEEL"), reason="environments of their own are made by make wheel"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: what an earlier build left behind must not slip in, and nothing is left behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignored)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    to = folder / "made"
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*words, "--no-build-isolation", "--wheel-dir", str(to), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (found,) = to.glob("*.whl")
    return found


def test_it_has_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"lotwise-{PROJECT['version']}-py3-none-any.whl"
    package = ROOT / "src" / "lotwise"
    wanted = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and not NOT_SHIPPED & set(path.parts)
    }
    with zipfile.ZipFile(wheel) as inside:
        names = {name for name in inside.namelist() if ".dist-info/" not in name}
        notes = {name.partition(".dist-info/")[2] for name in inside.namelist()} - {""}
    assert {name for name in wanted if not name.endswith(".keep")} == names
    assert "lotwise/py.typed" in names
    for kind in ("contracts/facts/binance-linear.tsv", "web/templates/desk.html", "web/static/desk.js"):
        assert f"lotwise/{kind}" in names
    assert {"licenses/LICENSE", "licenses/NOTICE", "entry_points.txt", "METADATA"} <= notes


def test_its_facts_are_those_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as inside:
        (name,) = [one for one in inside.namelist() if one.endswith(".dist-info/METADATA")]
        told = Parser().parsestr(inside.read(name).decode("utf-8"))
    assert (told["Name"], told["Version"]) == ("lotwise", PROJECT["version"])
    assert told["Requires-Python"] == PROJECT["requires-python"]
    assert set(told.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])
    core = [line for line in told.get_all("Requires-Dist", []) if "extra ==" not in line]
    listed = (ROOT / "requirements" / "core.in").read_text(encoding="utf-8").splitlines()
    assert sorted(core) == sorted(line for line in listed if line and not line.startswith("#"))
    assert str(told.get_payload()).startswith("# lotwise\n")  # the README is what an index shows


def test_it_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """The packages are those of the tests; lotwise is the one in the wheel."""
    with zipfile.ZipFile(wheel) as inside:
        inside.extractall(tmp_path)
    ran = (
        "import sys, lotwise; from lotwise.cli.main import main; "
        "print(lotwise.__file__, flush=True); sys.exit(main(sys.argv[1:]))"
    )
    for words, shown in (("--version", PROJECT["version"]), (SIZE, "0.007")):
        done = subprocess.run(
            [sys.executable, "-c", ran, *words.split()],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [str(tmp_path / "lotwise" / "__init__.py"), shown]


class Place:
    """A virtual environment with nothing in it, and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self.home = folder / "home"
        self.home.mkdir()
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, timeout=120)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOTWISE_", "XDG"))}
        cache = kept.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
        self.variables = {**kept, "HOME": str(self.home), "PIP_CACHE_DIR": cache, "COLUMNS": "100"}
        self.variables.pop("PYTHONPATH", None)

    def pip(self, *words: str) -> None:
        """Install something, or say what pip says."""
        done = self.run("python", "-m", "pip", "--disable-pip-version-check", *words, seconds=900)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, program: str, *words: str, seconds: int = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / program), *words],
            env=self.variables,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def lotwise(self, line: str, code: int = 0) -> str:
        """What a command prints."""
        done = self.run("lotwise", *line.split())
        assert done.returncode == code, f"lotwise {line}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def serves(self, line: str) -> dict[str, object]:
        """Start a server, wait for the line with its address, and stop it."""
        with subprocess.Popen(
            [str(self.bin / "lotwise"), *line.split(), "--json"],
            env=self.variables,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as server:
            assert server.stdout is not None
            assert server.stderr is not None
            first = server.stdout.readline()
            server.send_signal(signal.SIGINT)
            said = server.stderr.read()
            server.wait(timeout=60)
        assert first, said
        told: dict[str, object] = json.loads(first)
        return told


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The pinned core and the wheel, nothing else."""
    place = Place(tmp_path_factory.mktemp("core"))
    core = str(ROOT / "requirements" / "core.txt")
    place.pip("install", "--quiet", "--require-hashes", "-r", core)
    place.pip("install", "--quiet", "--no-deps", "--no-index", str(wheel))
    place.pip("check")
    return place


@pytest.fixture(scope="module")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The wheel with its extras as anybody installs them: the newest releases that the project allows."""
    place = Place(tmp_path_factory.mktemp("extras"))
    extras = ",".join(sorted(set(PROJECT["optional-dependencies"]) - {"cluster"}))  # Ray is 70 MB
    place.pip("install", "--quiet", f"{wheel}[{extras}]")
    place.pip("check")
    return place


@in_full
def test_with_the_core_alone_it_does_what_it_promises(bare: Place) -> None:
    assert bare.lotwise("--version").strip() == PROJECT["version"]
    assert bare.lotwise(SIZE).strip() == "0.007"
    assert "BUY 0.007 BTC" in bare.lotwise("demo")
    doctor = json.loads(bare.lotwise("doctor --json"))
    states = {one["name"]: one["state"] for one in doctor["checks"]}
    assert doctor["broken"] == 0
    assert states["lotwise"] == "ok"
    assert states["lotwise[data]"] == states["lotwise[web]"] == "missing"
    assert "complete -F _lotwise lotwise" in bare.lotwise("completion bash")
    assert "priced contracts fit" in bare.lotwise(
        "scan --equity 500 --stop 2% --venue binance --coin BTC,ETH"
    )
    assert "lotwise exchange" in bare.lotwise("init trade.toml --force")


@in_full
@pytest.mark.parametrize("line", NEEDS)
def test_what_needs_an_extra_says_which(bare: Place, line: str) -> None:
    extra, code = NEEDS[line]
    if "trade.toml" in line:
        bare.lotwise("init trade.toml --force")
        bare.variables |= {"LOTWISE_PAPER_KEY": "k" * 64, "LOTWISE_PAPER_SECRET": "s" * 64}
    said = " ".join(bare.lotwise(line, code).split())
    assert f"lotwise[{extra}]" in said


@in_full
def test_with_the_extras_everything_starts(whole: Place) -> None:
    doctor = json.loads(whole.lotwise("doctor --json"))
    missing = {one["name"] for one in doctor["checks"] if one["state"] == "missing"}
    assert doctor["broken"] == 0
    assert {name for name in missing if name.startswith("lotwise[")} == {"lotwise[cluster]"}
    whole.lotwise("data synthetic --days 1 --contracts BTCUSDT --kinds bars,funding")
    assert "synthetic:BTCUSDT" in whole.lotwise("data list")
    assert "Breakout" in whole.lotwise("backtest breakout --data synthetic:BTCUSDT --equity 500 --bar 5m")
    assert "trade" in whole.lotwise("journal list")
    assert "exchange" in whole.serves("exchange --port 0 --admin-port 0 --contracts BTCUSDT --days 1")
    assert "web" in whole.serves("web --port 0")
    assert "web" in whole.serves("web --demo --port 0")
