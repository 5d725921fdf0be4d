"""Dockerfile and compose.yaml: built nowhere here, so all that can be read of them is held to the project."""

from __future__ import annotations

import fnmatch
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclopts import CycloptsError

from lotwise.cli.main import app
from lotwise.cli.web import SHORTEST

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if str(one["image"]).startswith("lotwise")}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IN_COMMENTS = re.findall(
    r"^#   docker compose (?:exec|run [-\w ]+?) (?:exchange) (.*?)(?: {2,}|$)", TEXT, re.MULTILINE
)
INDEXES = re.compile(r"docker\.io|ghcr\.|quay\.|gcr\.|\bmcr\.|--index|https?://(?!127\.0\.0\.1)")


def check_is_a_command(words: list[str]) -> None:
    """The parser that reads what a person types must take it: the command, every option, every value."""
    _, bound, unused = app.parse_args(words, exit_on_error=False, print_error=False)[:3]
    assert bound is not None
    assert not unused


def test_the_parser_says_no_to_what_is_none() -> None:
    with pytest.raises(CycloptsError):
        check_is_a_command(["exchange", "--exposed", "0.0.0.0"])
    with pytest.raises(CycloptsError):
        check_is_a_command(["webb"])


@pytest.mark.parametrize("name", OURS)
def test_every_service_runs_a_real_command(name: str) -> None:
    assert all(isinstance(word, str) for word in OURS[name]["command"])
    check_is_a_command(OURS[name]["command"])


def test_what_the_comments_tell_to_type_is_real() -> None:
    assert len(IN_COMMENTS) == 2
    for line in IN_COMMENTS:
        check_is_a_command(shlex.split(line.removeprefix("lotwise ")))
    (password,) = re.findall(r"'(twelve[^']*)'", TEXT)
    assert len(password) >= SHORTEST


def test_exchange_desk_and_database_are_there_and_wait_for_each_other() -> None:
    assert set(SERVICES) == {"exchange", "desk", "database"}
    assert set(SERVICES["desk"]["depends_on"]) == {"exchange", "database"}
    for one in SERVICES.values():
        assert one["healthcheck"]["test"]
    for one in SERVICES["desk"]["depends_on"].values():
        assert one == {"condition": "service_healthy"}
    for one in OURS.values():
        kind, program, option, code = one["healthcheck"]["test"]
        assert (kind, program, option) == ("CMD", "python", "-c")
        compile(code, "healthcheck", "exec")


def test_ports_are_open_on_loopback_alone() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
    # A page of the desk is answered at the port that its door knows: the same in and out.
    assert all(port.split(":")[1] == port.split(":")[2] for port in ports)
    (told,) = re.findall(r"--port, \"(\d+)\"", TEXT)
    assert f"127.0.0.1:{told}:{told}" in ports
    address = SERVICES["exchange"]["networks"]["inside"]["ipv4_address"]
    assert SERVICES["desk"]["command"][3] == address
    assert SERVICES["desk"]["network_mode"] == "service:exchange"
    (subnet,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    assert address.rpartition(".")[0] == subnet["subnet"].rpartition(".")[0]


def test_nobody_has_more_rights_than_needed() -> None:
    for one in OURS.values():
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
    for one in SERVICES.values():
        assert not {"privileged", "pid", "devices", "cap_add"} & set(one)
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    assert users == ["lotwise"]
    assert DOCKERFILE.index("USER lotwise") > DOCKERFILE.rindex("FROM ")


def test_secrets_are_in_files_that_git_ignores() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    files = {f for one in SERVICES.values() for f in one.get("env_file", [])}
    files |= {one["file"] for one in COMPOSE["secrets"].values()}
    assert files == {"compose.env", "desk_password.txt"}
    assert {f"/{name}" for name in files} <= set(ignored)
    assert not any("environment" in one for one in SERVICES.values())
    example = (ROOT / "compose.env.example").read_text(encoding="utf-8")
    given = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    assert {"POSTGRES_PASSWORD", "LOTWISE_JOURNAL", "LOTWISE_PAPER_KEY", "LOTWISE_PAPER_SECRET"} <= set(given)
    assert not any(value for name, value in given.items() if re.search("PASSWORD|KEY|SECRET", name))
    assert given["LOTWISE_JOURNAL"].startswith(
        f"postgresql://{given['POSTGRES_USER']}:PASSWORD@database:5432/"
    )


def test_the_image_is_built_from_what_is_there() -> None:
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)) == {"python:3.11-slim-bookworm"}
    assert re.fullmatch(r"postgres:\d+-\w+", SERVICES["database"]["image"])
    assert {one["image"] for one in OURS.values()} == {f"lotwise:{PROJECT['version']}"}
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"
    ]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert "src" in names
    for name in names:
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name.split("/")[0], one) for one in allowed), name
    for path in ("Dockerfile", "compose.yaml", "compose.env.example", ".dockerignore"):
        assert not INDEXES.search((ROOT / path).read_text(encoding="utf-8")), path


def test_the_image_has_the_extras_that_its_services_use() -> None:
    def listed(path: str) -> set[str]:
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        return {line.partition("#")[0].strip() for line in lines} - {""}

    extras = PROJECT["optional-dependencies"]
    wanted = {
        one for name in ("live", "data", "journal", "postgres", "exchange", "web") for one in extras[name]
    }
    named = listed("requirements/image.in")
    assert named - wanted == {"-r core.in", "-c dev.txt", "setuptools==84.2.1"}
    assert {one for one in wanted - named if "win32" not in one} == set()
    pins = (ROOT / "requirements/image.txt").read_text(encoding="utf-8")
    dev = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8")
    for pin in re.findall(r"^([\w.\-]+==\S+)", pins, flags=re.MULTILINE):
        assert pin in dev, f"{pin} is another release than the tests use"
