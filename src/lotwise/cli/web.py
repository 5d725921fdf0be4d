"""``lotwise web``: size and trade in a browser window, served on this machine alone."""

from __future__ import annotations

import json
import shutil
import tempfile
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.web.site import Site

Flag = Annotated[bool, Parameter(negative="")]
LOOPBACK: Final = "127.0.0.1"
LOCAL: Final = (LOOPBACK, "::1", "localhost")
SHORTEST: Final = 12
"""Characters of a password, where the desk can be reached from elsewhere."""
PLAIN: Final = {"starlette": "web", "jinja2": "web", "uvicorn": "web", "litecharts": "web"}
"""Packages that a desk without an account needs, and the extras that bring them."""
TRADES: Final = PLAIN | {"polars": "exchange", "ccxt": "live", "sqlalchemy": "journal"}
SIGNS: Final = {"paper": "◆ PAPER", "live": "■ LIVE", "none": "○ no account: sizes alone"}


def web(
    config: Path | None = None,
    /,
    *,
    demo: Flag = False,
    folder: Path | None = None,
    port: int = 8600,
    bind: str = LOOPBACK,
    password_file: Path | None = None,
    open: Flag = False,
    journal: str | None = None,
    plan: Path | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Size and trade in a browser window; Ctrl-C ends it. Positions stay behind their stops.

    Needs the extra lotwise[web]. Without CONFIG and --demo it sizes alone: no keys, no network.

    Parameters
    ----------
    config
        A trade file, as of lotwise trade: its account is traded.
    demo
        Play: an exchange on this machine, an account of 1,000 USDT, a sample journal.
    folder
        Of the demo, kept for the next time; else a temporary one.
    port
        Where it listens; 0: any free port.
    bind
        Another address than this machine's own: asks for --password-file. An SSH tunnel is safer.
    password_file
        Whose first line is the password.
    open
        Open the browser.
    journal
        The journal: a file, or postgresql://...; else your own.
    plan
        The scaling plan's file.
    output
        How to answer: --json prints the address as one line.
    """
    if demo and config is not None:
        raise InputError("WEB-142", "a trade file and --demo are both given", "give one of them")
    if folder is not None and not demo:
        raise InputError("WEB-142", "--folder is of the demo, and --demo is not given", "add --demo")
    _installed(PLAIN if config is None and not demo else TRADES)
    password = _password(bind, password_file)
    with ExitStack() as left:
        site = _site(config, demo, folder, journal, plan, left)
        return _serve(site, port, bind, password, open, output)


def _installed(needed: Mapping[str, str]) -> None:
    """The packages are there.

    Raises
    ------
    InputError
        WEB-145 one is not.
    """
    lacking = [name for name in needed if find_spec(name) is None]
    if lacking:
        extras = ",".join(dict.fromkeys(needed.values()))
        raise InputError(
            "WEB-145",
            f"the desk needs packages that are not installed: {', '.join(lacking)}",
            f"pip install 'lotwise[{extras}]'",
        )


def _password(bind: str, place: Path | None) -> str:
    """The password; empty on this machine alone.

    Raises
    ------
    InputError
        WEB-143 bound beyond this machine without one; WEB-144 one that cannot be read or is short.
    """
    if place is None:
        if bind not in LOCAL:
            raise InputError(
                "WEB-143",
                f"--bind {bind} lets other machines in, and no password is given",
                "add --password-file FILE, or leave --bind out and use an SSH tunnel",
            )
        return ""
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "WEB-144", f"{place} cannot be read: {error}", "a text file, the password first"
        ) from error
    word = lines[0].strip() if lines else ""
    if len(word) < SHORTEST:
        raise InputError(
            "WEB-144",
            f"the password has {len(word)} characters",
            f"give {SHORTEST} or more in the first line",
        )
    return word


def _site(
    config: Path | None,
    demo: bool,
    folder: Path | None,
    journal: str | None,
    plan: Path | None,
    left: ExitStack,
) -> Site:
    """All of the desk, put together; ``left`` lets go of it."""
    from lotwise.app.desk_open import open_desk
    from lotwise.app.trade_config import load
    from lotwise.clock import SystemClock
    from lotwise.contracts import catalogue
    from lotwise.journal.shelf import Journal
    from lotwise.scaling.config import load_plan
    from lotwise.store.place import own_place
    from lotwise.web.assets import load as load_assets
    from lotwise.web.settings import Looks
    from lotwise.web.site import Site

    clock, assets = SystemClock(), load_assets()
    if plan is not None:
        load_plan(plan)
    if config is None and not demo:
        if journal is not None:
            Journal.there(journal).close()
        place = Path(own_place()).parent.parent / "desk"
        ids = [f"binance:{symbol}" for symbol in catalogue.symbols("binance")]
        return Site(assets, Looks(place), clock, journal=journal, plan=plan, contracts=ids)
    variables = dict(environ)
    if demo:
        from lotwise.app.desk_demo import start

        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="lotwise-demo-"))
            left.callback(shutil.rmtree, folder, ignore_errors=True)
        running = start(folder, clock, variables)
        left.callback(running.end)
        read, variables, journal = running.config(), running.environment, journal or str(running.journal)
        plan = plan or running.plan
    else:
        assert config is not None
        read = load(config)
    from lotwise.app.desk_orders import Orders

    opened = open_desk(read, variables, clock, journal)
    plan = plan or read.plan
    left.callback(opened.close)
    orders = Orders(opened.desk)
    looks = Looks(read.folder)
    return Site(assets, looks, clock, opened, orders, journal=journal, plan=plan, is_demo=demo)


def _serve(site: Site, port: int, bind: str, password: str, open: bool, output: Output) -> int:
    from lotwise.web.security import Door
    from lotwise.web.server import bound, desk_application, serve

    if bind in ("0.0.0.0", "::"):
        raise InputError(
            "WEB-143",
            f"--bind {bind} is every address at once",
            "name the one address that the desk answers to",
        )
    place = bound("127.0.0.1" if bind == "localhost" else bind, port)
    hosts = () if bind in LOCAL else (f"[{bind}]" if ":" in bind else bind,)
    door = Door(place.getsockname()[1], hosts, password=password)
    site.ask_password = bool(password)
    name = hosts[0] if hosts else "[::1]" if bind == "::1" else LOOPBACK
    address = f"http://{name}:{door.port}/login?token={door.token}"
    app, _ = desk_application(door, site)
    screen = Screen(output)

    def ready() -> None:
        facts: dict[str, Any] = {"address": address, "port": door.port, "mode": site.mode}
        if output.json:
            print(json.dumps({"web": facts}), flush=True)
        else:
            screen.line(f"  {SIGNS[site.mode]}", "bold")
            screen.line(f"  {address}")
            screen.line(
                "  Whoever has the address is let in: keep it to yourself. Ctrl-C ends the desk.", "dim"
            )
        if open:
            webbrowser.open(address)

    serve(app, place, ready)
    return 0
