"""``lotwise trade``, ``status``, ``flatten``, ``diverge``: a session of paper, demo or live trading."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from lotwise.cli.screen import Output, Screen
from lotwise.errors import VenueError
from lotwise.units import cash_text, grouped

if TYPE_CHECKING:
    from lotwise.app.trade_config import TradeConfig
    from lotwise.app.trade_folder import Folder, Phases
    from lotwise.app.trade_safety import AtRisk
    from lotwise.broker.chronicle import Chronicle, Told
    from lotwise.clock import Clock

Flag = Annotated[bool, Parameter(negative="")]
SIGNS: Final = {"paper": "◆", "demo": "◇", "live": "■"}
STYLES: Final = {"paper": "bold cyan", "demo": "bold magenta", "live": "bold white on red"}
GLYPHS: Final = {"fill": "●", "ended": "●", "plan": "▸", "stop_seen": "✓", "refused": "✗", "lock": "■"}


def trade(
    config: Path,
    /,
    *,
    paper: Flag = False,
    demo: Flag = False,
    live: Flag = False,
    confirm: str = "",
    without_paper: str = "",
    unlock: str = "",
    at_end: str = "",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Trade by a file, until Ctrl-C. `lotwise init` writes one; the flag must say what the file says.

    Live asks for the money at risk to be typed, and for a strategy that has been on paper.

    Parameters
    ----------
    config
        The session's file.
    paper
        The exchange on this machine: lotwise exchange.
    demo
        The venue's play money.
    live
        Your money.
    confirm
        Live: the money at risk, where nobody can type it: --confirm 30.12.
    without_paper
        Live: trade although the paper phase is not passed; the reason is kept in the log.
    unlock
        End the lock of a kill switch before trading; the reason is kept in the log.
    at_end
        keep or flatten, instead of what the file says.
    output
        How to answer: --json prints a line for everything that happens.
    """
    from lotwise.app.trade_config import load
    from lotwise.app.trade_folder import Folder, Phases
    from lotwise.app.trade_lock import account_taken
    from lotwise.app.trade_safety import no_where, paper_passed

    chosen = [name for name, is_so in (("paper", paper), ("demo", demo), ("live", live)) if is_so]
    if at_end not in ("", "keep", "flatten"):
        from lotwise.errors import InputError

        raise InputError("TRADE-115", f"--at-end is {at_end!r}", "keep or flatten")
    read = load(config)
    no_where(read, chosen)
    folder = Folder(read.folder)
    teller = Teller(read, output)
    asked = Asked(confirm, without_paper, unlock, at_end)
    phases = Phases(read, folder.path.parent)
    with folder.taken():
        passed = not live or paper_passed(read, phases, without_paper)
        with account_taken(read, environ) as before:
            return _traded(read, folder, teller, asked, phases=(phases, passed), before=before)


class Asked:
    """What the command line says beside the file."""

    def __init__(self, confirm: str, without_paper: str, unlock: str, at_end: str) -> None:
        self.confirm, self.without_paper, self.unlock, self.at_end = confirm, without_paper, unlock, at_end


class Teller:
    """Says what happens: lines of JSON, or of text that begin with PAPER, DEMO or LIVE."""

    def __init__(self, config: TradeConfig, output: Output) -> None:
        self._where, self._output, self._screen = config.where, output, Screen(output)

    def told(self, event: Told) -> None:
        """One thing."""
        import msgspec

        if self._output.json:
            print(json.dumps({"told": msgspec.to_builtins(event)}, ensure_ascii=False), flush=True)
        elif not self._output.quiet:
            at = datetime.fromtimestamp(event.time_ns // 10**9, tz=UTC).strftime("%H:%M:%S")
            glyph, mode = GLYPHS.get(event.kind, " "), self._where.upper()
            style = "bold red" if event.kind in ("naked", "lock", "trouble", "divergence") else ""
            self._screen.line(f"  {mode}  {at}  {glyph} {event.kind:<10}  {event.message}", style)

    def says(self, clock: Clock, words: str) -> None:
        """What the venue's connection says where no session listens."""
        from lotwise.broker.chronicle import Told

        self.told(Told(kind="venue", time_ns=int(clock.now_ns()), message=words))

    def headline(self, facts: dict[str, Any]) -> None:
        """What begins."""
        if self._output.json:
            print(json.dumps({"session": facts}, ensure_ascii=False), flush=True)
            return
        where = self._where
        said = f"  {SIGNS[where]} {where.upper()} "
        said += {"paper": "no money", "demo": "play money", "live": "REAL MONEY"}[where]
        self._screen.line(said, STYLES[where])
        self._screen.line(
            f"    {facts['account']} · {facts['venue']} · equity {grouped(facts['equity'])} {facts['coin']} ·"
            f" {', '.join(facts['contracts'])} · {facts['strategy']}"
        )
        self._screen.line(
            f"    at risk: {facts['at_risk_trade']} a trade, {facts['at_risk_day']} a day. Ctrl-C ends it:"
            f" positions are {'closed' if facts['at_end'] == 'flatten' else 'kept behind their stops'}"
        )

    def ended(self, facts: dict[str, Any]) -> None:
        """What is left."""
        if self._output.json:
            print(json.dumps({"ended": facts}, ensure_ascii=False), flush=True)
        elif not self._output.quiet:
            left = ", ".join(facts["left"]) or "nothing"
            self._screen.line(f"  {self._where.upper()} ended: {left} is still open")


def _traded(
    config: TradeConfig,
    folder: Folder,
    teller: Teller,
    asked: Asked,
    *,
    phases: tuple[Phases, bool],
    before: str,
) -> int:
    """The session, from its keys to its end; ``phases``: and whether the paper phase is passed."""
    from lotwise.app import trade_safety as safety
    from lotwise.app.notify import notifier_of
    from lotwise.app.trade import Session
    from lotwise.app.trade_folder import Written
    from lotwise.app.trade_journal import Keeper
    from lotwise.app.trade_port import opened as port_of
    from lotwise.broker.intents import quick
    from lotwise.journal.shelf import Journal
    from lotwise.store.database import opened

    coin = config.contracts[0].settle
    reached = port_of(config, environ)
    risk = safety.at_risk(config, reached.port.balance(coin).equity_cash)
    if config.where == "live":
        _confirm(config, asked, risk, teller)
    notifier = notifier_of(config, environ)
    database, written = opened(folder.database), Written(folder)
    shelf = Journal.at(None)
    quick(shelf.database)
    try:
        if config.where == "live":
            grounds = {
                "paper_passed": phases[1],
                "without_paper": asked.without_paper,
                "confirmed": risk.typed,
            }
            safety.permit(config, database, reached.clock, grounds)
        if asked.unlock:
            safety.lock(config, database, reached.clock, asked.unlock, until_ns=0)
        told: list[Chronicle] = [written, phases[0], teller, *([notifier] if notifier else [])]
        session = Session(
            config,
            reached.port,
            reached.reader,
            clock=reached.clock,
            database=database,
            chronicles=told,
            folder=folder,
            streams=reached.streams,
            keeper=Keeper(shelf, config.venue, config.account),
        )
        teller.headline(_facts(config, risk, coin))
        reached.words.to(partial(session.tell, "venue"))
        if before:
            said = "what it lost today, its locks and its open trades are not known here"
            session.tell("trouble", f"the last session of this account kept its state in {before}: {said}")
        left = _run(session, reached, asked.at_end)
        teller.ended({"left": list(left), "turns": session.turns})
    finally:
        reached.close()
        database.close()
        shelf.close()
        written.close()
        if notifier is not None:
            notifier.close()
    return 0


def _confirm(config: TradeConfig, asked: Asked, risk: AtRisk, teller: Teller) -> None:
    """Live: the money at risk is typed."""
    from lotwise.app.trade_safety import confirmed

    coin, typed = config.contracts[0].settle, asked.confirm
    if not typed and sys.stdin is not None and sys.stdin.isatty():
        teller.headline(_facts(config, risk, coin))
        typed = input(f"    REAL MONEY. Type {risk.typed} to put that much a day at risk: ")
    confirmed(risk, typed, coin)


def _facts(config: TradeConfig, risk: AtRisk, coin: str) -> dict[str, Any]:
    settings = ", ".join(f"{name}={value}" for name, value in config.settings.items())
    return {
        "where": config.where,
        "account": config.account,
        "venue": config.venue,
        "contracts": [contract.symbol for contract in config.contracts],
        "strategy": f"{config.strategy}({settings})",
        "equity": cash_text(risk.equity_cash),
        "coin": coin,
        "at_risk_trade": cash_text(risk.trade_cash),
        "at_risk_day": cash_text(risk.day_cash),
        "at_end": config.policy.at_end,
    }


def _run(session: Any, reached: Any, at_end: str) -> tuple[str, ...]:
    """Go on until Ctrl-C, or until the market of a stepped paper session is over."""
    from lotwise.app.trade import in_step

    with _asked_to_stop() as stop:
        try:
            session.begin()
            if reached.streams is not None:
                reached.streams.begin()
            if reached.lockstep is not None:
                in_step(session, reached.lockstep, reached.clock, stop)
            else:
                session.run(stop)
        except Exception as error:  # whatever ends it, whoever is to be woken hears of it first
            session.tell("trouble", f"the session fails: {type(error).__name__}: {str(error)[:200]}")
            raise
        finally:
            left: tuple[str, ...] = session.end(threading.Event().wait, at_end)
    return left


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and a terminal that closes set; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def asked(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    asks = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {one: signal.signal(one, asked) for one in asks}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def status(
    config: Path,
    /,
    *,
    offline: Flag = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """What a session does and what stands at the venue; works whether it runs or not.

    Parameters
    ----------
    config
        The session's file.
    offline
        Do not ask the venue.
    output
        How to answer.
    """
    from lotwise.app.trade_config import load
    from lotwise.app.trade_folder import Folder
    from lotwise.app.trade_safety import standing

    read = load(config)
    folder = Folder(read.folder)
    if offline:
        found = standing(read, folder, None)
    else:
        from lotwise.app.trade_port import opened as port_of

        with _reached(port_of(read, environ)) as port:
            found = standing(read, folder, port)
    failed = "error" in found.get("at_venue", {})
    if output.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif output.quiet:
        print("runs" if found["runs"] else "does not run")
    else:
        _print_status(found, Screen(output))
    return VenueError.exit_code if failed else 0


@contextmanager
def _reached(reached: Any) -> Iterator[Any]:
    try:
        yield reached.port
    finally:
        reached.close()


def _print_status(found: dict[str, Any], screen: Screen) -> None:
    where = found["where"]
    screen.line(f"  {SIGNS[where]} {where.upper()}", STYLES[where])
    runs = "runs" if found["runs"] else "does not run"
    locked = "  LOCKED: nothing is opened" if found["locked_until_ns"] else ""
    screen.line(
        f"    {found['account']} · {found['venue']} · {', '.join(found['contracts'])} · {runs}{locked}"
    )
    stands = found.get("at_venue")
    if stands and "error" in stands:
        screen.line(f"    the venue cannot be read: {stands['error']['message']}", "bold red")
    elif stands:
        screen.rows([("equity", grouped(stands["equity"]), stands["coin"])], indent="    ")
        for one in stands["positions"]:
            screen.line(f"    ▸ {one['contract']}  {one['quantity']}  unrealised {one['unrealised']}")
        for one in stands["orders"]:
            screen.line(
                f"      {one['kind']:<6} {one['side']:<4} {one['quantity']} at {one['price'] or 'the market'}"
                f"{'  reduce-only' if one['reduce_only'] else ''}"
            )
        if not stands["positions"] and not stands["orders"]:
            screen.line("    nothing stands at the venue")
    for one in found["said"][-8:]:
        screen.line(f"    {one.get('kind', ''):<10}  {one.get('message', '')}", "dim")


def flatten(
    config: Path,
    /,
    *,
    everything: Flag = False,
    reason: str = "by hand",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Kill switch: cancel, close, verify, lock. Needs the venue and its keys alone, no session.

    Parameters
    ----------
    config
        The session's file.
    everything
        Orders and positions of others too; else those in the file's contracts.
    reason
        Kept in the log.
    output
        How to answer.
    """
    from lotwise.app.trade_config import load
    from lotwise.app.trade_folder import Folder
    from lotwise.app.trade_lock import runs_in
    from lotwise.app.trade_port import opened as port_of
    from lotwise.app.trade_safety import flatten as flattened
    from lotwise.app.trade_safety import lock_after

    read = load(config)
    folder = Folder(read.folder)
    teller = Teller(read, output)
    reached = port_of(read, environ)
    reached.words.to(partial(teller.says, reached.clock))
    running = [folder] if folder.is_taken else []
    others = runs_in(read, environ)  # the account's session may keep its state elsewhere
    running += [Folder(other) for other in others if other != folder.path.absolute()]
    for one in running:  # first, so that it opens nothing while we close
        try:
            one.kill(reason)
        except OSError as error:  # a full disk keeps nothing from being closed
            said = f"the session in {one.path} could not be told to lock: {error.strerror}"
            teller.says(reached.clock, said)
    try:
        done = flattened(
            read, reached.port, reached.clock, teller, everything=everything, wait=threading.Event().wait
        )
    finally:
        reached.close()
    locked = lock_after(read, folder, reached.clock, f"flatten: {reason}")
    facts = {
        "flat": done.is_flat,
        "cancelled": done.cancelled,
        "closed": done.closed,
        "left": done.left,
        "errors": done.errors,
        "lock": locked,
    }
    if output.json:
        print(json.dumps({"flatten": facts}, ensure_ascii=False))
    elif output.quiet:
        print("flat" if done.is_flat else "NOT flat")
    else:
        screen = Screen(output)
        screen.headline(
            "●" if done.is_flat else "■",
            "flat" if done.is_flat else f"NOT FLAT: {', '.join(done.left)}",
            f"{done.cancelled} orders cancelled, {done.closed} positions closed",
            good=done.is_flat,
        )
        for said in (*done.errors, locked):
            screen.paragraph(said, indent="    ", hanging="    ")
    return 0 if done.is_flat else VenueError.exit_code
