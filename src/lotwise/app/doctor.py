"""Looks whether this machine is in order: nothing is made, changed or sent, and no key is shown.

Every look answers with a :class:`Seen`. ``broken`` is what would stop or endanger trading and carries a
code; ``missing`` is what is not there and may well not be needed; ``ok`` is in order.

=========== ==========================================================================
DOCTOR-101  Python is older than lotwise needs
DOCTOR-102  a package is another release than lotwise was tested with
DOCTOR-103  compiled rules cannot be kept
DOCTOR-104  the market data cannot be read
DOCTOR-105  the journal cannot be read, or is damaged
DOCTOR-106  others on this machine may read what is the owner's alone
DOCTOR-107  the clock is wrong
DOCTOR-108  half a pair of keys
DOCTOR-109  something else than the local exchange answers at its port
DOCTOR-110  the facts about contracts are old
=========== ==========================================================================
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

import msgspec

from lotwise.app.trade_config import VENUES, state_place
from lotwise.broker.ccxt_venue.keys import NEED_PASSWORD, former_name, names_of
from lotwise.clock import Clock, utc_date
from lotwise.contracts import catalogue
from lotwise.errors import LotwiseError
from lotwise.rule import cache_folder
from lotwise.store.place import own_place

State = Literal["ok", "missing", "broken"]
OLDEST_PYTHON: Final = (3, 11)
SKEW_NS: Final = 2 * 10**9
"""A session opens nothing with the venue's clock so far from ours (``policy.skew``)."""
OLD_DAYS: Final = 180
"""Venues change tiers, steps and fees a few times a year."""
TIMEOUT_S: Final = 3
ANSWER: Final = b"{}"
"""Of a ping. Source: Binance USD-M, "Test Connectivity"."""
PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "core": ("numba", "numpy", "msgspec", "cyclopts", "rich"),
    "data": ("polars", "TA-Lib", "zstandard"),
    "journal": ("SQLAlchemy", "alembic"),
    "postgres": ("psycopg",),
    "exchange": ("uvicorn", "websockets", "httptools"),
    "live": ("ccxt", "apprise", "keyring"),
    "web": ("starlette", "Jinja2", "litecharts"),
    "search": ("optuna",),
    "cluster": ("ray",),
}
"""What each extra brings; the test compares it with pyproject.toml."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found."""

    name: str
    state: State
    says: str
    code: str = ""
    hint: str = ""


def examined(
    clock: Clock, environment: Mapping[str, str], *, port: int = 8610, venue: str = ""
) -> tuple[Seen, ...]:
    """Everything there is to look at.

    Parameters
    ----------
    port
        Where the local exchange would listen.
    venue
        Compare the clock with this venue's, which asks the network; empty: it is not asked.
    """
    looks: list[Callable[[], Iterator[Seen]]] = [
        python,
        packages,
        cache,
        lambda: facts(utc_date(clock.now_ns())),
        store,
        journal,
        lambda: alone(private_places(environment)),
        lambda: time_of(clock, venue, environment),
        lambda: keys(environment),
        lambda: exchange(port),
    ]
    return tuple(seen for look in looks for seen in look())


def broken(name: str, code: str, says: str, hint: str) -> Seen:
    """Something is wrong."""
    return Seen(name=name, state="broken", says=says, code=code, hint=hint)


def ok(name: str, says: str) -> Seen:
    """Something is in order."""
    return Seen(name=name, state="ok", says=says)


def missing(name: str, says: str, hint: str = "") -> Seen:
    """Something is not there."""
    return Seen(name=name, state="missing", says=says, hint=hint)


def python() -> Iterator[Seen]:
    """Python, lotwise, the machine."""
    release = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        least = ".".join(map(str, OLDEST_PYTHON))
        yield broken("python", "DOCTOR-101", f"it is {release}; lotwise needs {least}", f"install {least}")
    else:
        yield ok("python", f"{release} on {platform.system()} {platform.machine()}")
    yield ok("lotwise", metadata.version("lotwise"))


def packages() -> Iterator[Seen]:
    """What is installed, by extra; a release outside the bounds of lotwise is named."""
    bounds = _bounds(metadata.requires("lotwise") or [])
    for extra, names in PACKAGES.items():
        there, lacking, wrong = [], [], []
        for name in names:
            try:
                release = metadata.version(name)
            except metadata.PackageNotFoundError:
                lacking.append(name)
                continue
            there.append(f"{name} {release}")
            asked = bounds.get(name.lower(), "")
            if not within(release, asked):
                wrong.append(f"{name} is {release}, asked for is {asked}")
        where = "lotwise" if extra == "core" else f"lotwise[{extra}]"
        if wrong:
            yield broken(where, "DOCTOR-102", "; ".join(wrong), f"pip install --upgrade '{where}'")
        elif lacking and extra == "core":
            yield broken(
                where, "DOCTOR-102", f"{', '.join(lacking)} is not installed", "pip install --upgrade lotwise"
            )
        elif lacking:
            yield missing(where, f"not installed: {', '.join(lacking)}", f"pip install '{where}'")
        else:
            yield ok(where, ", ".join(there))


def _bounds(requirements: list[str]) -> dict[str, str]:
    """``{"numba": "~=0.68"}`` of requirements as a package's metadata writes them."""
    found = {}
    for text in requirements:
        named = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;)]*)", text)
        if named:
            found[named[1].lower()] = named[2].strip()
    return found


def within(release: str, bound: str) -> bool:
    """Whether a release is within ``==``, ``~=`` or ``>=``; any other bound is not judged.

    >>> within("2.1.4", "~=2.1"), within("3.0", "~=2.1"), within("2.0.9", "~=2.1"), within("4.5", "==4.5")
    (True, False, False, True)
    """
    for part in filter(None, (one.strip() for one in bound.split(","))):
        asked = re.fullmatch(r"(==|~=|>=)\s*([0-9.]+)", part)
        if asked is None:
            continue
        have, want = _numbers(release), _numbers(asked[2])
        if asked[1] == "==" and have[: len(want)] != want:
            return False
        if asked[1] != "==" and have < want:
            return False
        if asked[1] == "~=" and have[: len(want) - 1] != want[:-1]:
            return False
    return True


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release.partition("+")[0]))


def cache() -> Iterator[Seen]:
    """Whether compiled rules can be kept; without that every start compiles for a minute."""
    folder = cache_folder()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        yield ok("compiled rules", str(folder))
    else:
        hint = "name a folder of yours: LOTWISE_CACHE_DIR"
        yield broken("compiled rules", "DOCTOR-103", f"{folder} cannot be written", hint)


def facts(today: date) -> Iterator[Seen]:
    """How old the facts about contracts are."""
    day = catalogue.load("binance:BTCUSDT").as_of or ""
    age = (today - date.fromisoformat(day)).days
    hint = "lotwise contracts refresh --venue binance"
    if age > OLD_DAYS:
        yield broken("contract facts", "DOCTOR-110", f"of {day}: {age} days old, bound {OLD_DAYS}", hint)
    else:
        yield ok("contract facts", f"of {day}, {age} days old")


def store() -> Iterator[Seen]:
    """The store of market data."""
    try:
        from lotwise.market.store import Store, own_folder

        folder = own_folder()
        if not folder.exists():
            yield missing("market data", f"none at {folder}", "lotwise data synthetic makes some")
            return
        days = list(Store(folder).days())
    except ImportError:
        yield missing("market data", "needs lotwise[data]", "pip install 'lotwise[data]'")
        return
    except (OSError, LotwiseError) as error:
        told = error.message if isinstance(error, LotwiseError) else str(error.strerror)
        hint = "lotwise data check names what is wrong with a series"
        yield broken("market data", "DOCTOR-104", f"{folder}: {told}", hint)
        return
    series = {day.series for day in days}
    yield ok("market data", f"{len(series)} series, {len(days)} days in {folder}")


def journal() -> Iterator[Seen]:
    """The journal: opened for reading alone, so that nothing is made and nothing is migrated."""
    place = own_place()
    if "://" in place and not place.startswith("sqlite"):
        yield ok("journal", f"a server: {_without_password(place)}; it is not asked")
        return
    path = Path(place).expanduser()
    if not path.exists():
        yield missing("journal", f"none at {path}", "the first trade makes it")
        return
    hint = "put a copy back; lotwise keeps nothing in a damaged file"
    try:
        # Read-only SQLite would still make the files beside it, where no program has it open.
        quiet = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{quiet}", uri=True)) as connection:
            (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
    except sqlite3.Error as error:
        yield broken("journal", "DOCTOR-105", f"{path}: {error}", hint)
        return
    if told != "ok":
        yield broken("journal", "DOCTOR-105", f"{path}: {told}", hint)
    else:
        yield ok("journal", f"{events} events in {path}")
    yield from alone([path])


def _without_password(address: str) -> str:
    return re.sub(r"://[^@/]*@", "://", address)


def private_places(environment: Mapping[str, str]) -> list[Path]:
    """What holds keys of the local exchange, or what sessions did."""
    data = state_place().parent
    own = environment.get("LOTWISE_EXCHANGE")
    held = Path(own) if own else data / "exchange"
    return [*sorted(one for one in state_place().glob("*") if one.is_dir()), *sorted(held.glob("*.sqlite"))]


def alone(places: list[Path]) -> Iterator[Seen]:
    """Whether what is the owner's alone is not open to others."""
    if os.name != "posix":  # modes say nothing there
        return
    for place in places:
        if not place.exists():
            continue
        mode = stat.S_IMODE(place.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            wanted = "700" if place.is_dir() else "600"
            yield broken("alone", "DOCTOR-106", f"{place} has mode {mode:o}", f"chmod {wanted} {place}")


def time_of(clock: Clock, venue: str, environment: Mapping[str, str]) -> Iterator[Seen]:
    """The clock: after the day of our newest facts, and where a venue is named near the venue's."""
    now_ns = clock.now_ns()
    shown = datetime.fromtimestamp(now_ns // 10**9, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    day = date.fromisoformat(catalogue.load("binance:BTCUSDT").as_of or "")
    if utc_date(now_ns) < day:
        yield broken("clock", "DOCTOR-107", f"it says {shown}; our facts are of {day}", "set the clock")
        return
    if not venue:
        yield ok("clock", f"{shown}; --venue binance compares it with the venue's")
        return
    from lotwise.app.refresh import asked, connect

    try:
        asking = connect(venue, "", "", environment)
        theirs_ns = int(asked(venue, asking.fetch_time)) * 10**6
    except LotwiseError as error:
        yield missing("clock", f"{shown}; {venue} was not reached: {error.code}", error.hint)
        return
    apart_ns = abs((now_ns + clock.now_ns()) // 2 - theirs_ns)
    told = f"{apart_ns / 10**9:.3f} s from {venue}'s, bound {SKEW_NS // 10**9} s"
    if apart_ns > SKEW_NS:
        yield broken("clock", "DOCTOR-107", told, "let the machine set its clock by the network (NTP)")
    else:
        yield ok("clock", told)


def keys(environment: Mapping[str, str]) -> Iterator[Seen]:
    """Names of the keys that are there; what they are is not read into any text."""
    there = []
    places = [names_of("binance", "paper"), *(names_of(venue, "live") for venue in VENUES)]
    places += [names_of(venue, "demo") for venue in VENUES]
    for names in places:
        needed = [*names[:2], *([names[2]] if names[2].split("_")[1].lower() in NEED_PASSWORD else [])]
        have = [name for name in needed if environment.get(name) or environment.get(former_name(name))]
        lacking = [name for name in needed if name not in have]
        if have and lacking:
            says = f"{', '.join(have)} without {', '.join(lacking)}"
            yield broken("keys", "DOCTOR-108", says, f"set {', '.join(lacking)}, or unset the rest")
        elif have:
            there.append(names[0])
    if there:
        yield ok("keys", f"in the environment: {', '.join(there)}")
    else:
        yield missing(
            "keys", "none in the environment", "none is needed until you trade; the keyring is not asked"
        )


def exchange(port: int) -> Iterator[Seen]:
    """Whether the local exchange answers on loopback."""
    from http.client import HTTPConnection, HTTPException

    line = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        line.request("GET", "/fapi/v1/ping")
        answer = line.getresponse()
        body = answer.read(len(ANSWER) + 1)
    except ConnectionRefusedError:
        yield missing("exchange", f"none at port {port}", "lotwise exchange starts it")
        return
    except (OSError, HTTPException) as error:
        hint = f"lotwise exchange --port {port + 10}, or end what listens there"
        yield broken("exchange", "DOCTOR-109", f"port {port}: {type(error).__name__}", hint)
        return
    finally:
        line.close()
    if answer.status == 200 and body.strip() == ANSWER:
        yield ok("exchange", f"answers at 127.0.0.1:{port}")
    else:
        hint = f"lotwise exchange --port {port + 10}, or end what listens there"
        yield broken("exchange", "DOCTOR-109", f"port {port} answers {answer.status}: no exchange", hint)
