"""A venue's own account of what was traded, brought into the journal through ccxt, page by page.

Each page is kept before the next is asked, and how far the venue was asked is kept with it: a run that was
broken off goes on there, and what is there already is not doubled. Keys are only read here, from the
environment or the keyring of the system; they stand in no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from os import environ
from typing import Any, Final

from lotwise.app.fetch import PAUSES_S, Pause, wait
from lotwise.app.journal_pages import FEEDS, MS, Asking, Feed
from lotwise.app.refresh import Progress, asked, connect, credentials, exact_json, quiet
from lotwise.clock import Clock
from lotwise.errors import InputError, VenueError
from lotwise.journal.contracts import Facts
from lotwise.journal.importing import Brought, bring
from lotwise.journal.reading import from_ccxt
from lotwise.journal.shelf import Journal
from lotwise.units import shown

AGAIN_MS: Final = 3_600_000
"""So much of what was asked for is asked for again: a venue may show the last fills late."""
LEAST_SECRET: Final = 4
"""A shorter one is found in any text: it would only spoil the message."""
STREAM: Final = "import"
VENUES: Final = tuple(FEEDS)


@dataclass(frozen=True)
class Wanted:
    """What is to be brought in; times are ms since 1970 UTC.

    Parameters
    ----------
    contracts
        The venue's symbols; those that the journal has of the venue, and that its income names, where none.
    since_ms
        Where it begins; else where the last import of the account ended.
    until_ms
        Where it ends; else the venue's present.
    """

    venue: str
    account: str = "main"
    contracts: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass
class Fetched:
    """What an import did."""

    venue: str
    pages: int = 0
    fills: int = 0
    fills_known: int = 0
    incomes: int = 0
    incomes_known: int = 0
    passed: int = 0
    contracts: list[str] = field(default_factory=list)
    stops_inferred: int = 0
    without_stop: list[str] = field(default_factory=list)
    unplaced: int = 0
    shared: int = 0
    warnings: list[str] = field(default_factory=list)


def keys_of(venue: str, environment: Mapping[str, str] = environ) -> dict[str, str]:
    """What ccxt needs to ask for one's own trades: from the environment, else from the system's keyring.

    Raises
    ------
    InputError
        JOURNAL-151 where there are none; VENUE-505 half a pair.
    """
    key, secret = credentials(venue, environment)
    name = venue.upper()
    found = {"apiKey": key, "secret": secret}
    if not key:
        found = {"apiKey": _from_ring(f"LOTWISE_{name}_KEY"), "secret": _from_ring(f"LOTWISE_{name}_SECRET")}
    if FEEDS[venue].has_passphrase:
        variable = f"LOTWISE_{name}_PASSPHRASE"
        former = environment.get(f"LOTWISE_{name}_PASSWORD", "")  # what `lotwise trade` called it before
        found["password"] = environment.get(variable, "") or former or _from_ring(variable)
    if not all(found.values()):
        more = f" and LOTWISE_{name}_PASSPHRASE" if FEEDS[venue].has_passphrase else ""
        raise InputError(
            "JOURNAL-151",
            f"{venue} tells your trades to your key only, and there is none",
            f"set LOTWISE_{name}_KEY, LOTWISE_{name}_SECRET{more}, or: keyring set lotwise"
            f" LOTWISE_{name}_KEY, ...; a key that may only read is enough",
        )
    return found


def _from_ring(name: str) -> str:
    """A secret of the system's keyring; empty where there is no keyring."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return ""
    try:
        return keyring.get_password("lotwise", name) or ""
    except keyring.errors.KeyringError:
        return ""


def fetch_trades(
    journal: Journal,
    wanted: Wanted,
    facts: Facts,
    *,
    clock: Clock,
    exchange: Any = None,
    environment: Mapping[str, str] = environ,
    pause: Pause = wait,
    progress: Progress = quiet,
) -> Fetched:
    """Bring what a venue has of an account into the journal.

    Parameters
    ----------
    exchange
        A ccxt exchange to ask; None makes the venue's own, with the keys of :func:`keys_of`.
    pause
        Waits so many seconds before the network is tried again.

    Raises
    ------
    InputError
        JOURNAL-150 a venue that cannot be asked, JOURNAL-151 no keys, JOURNAL-152 nobody says where to begin
        or of which contracts; and what :func:`lotwise.journal.importing.bring` refuses.
    VenueError
        VENUE-501 to VENUE-506; JOURNAL-153 pages that cannot be. What came before stays.
    """
    if wanted.venue not in FEEDS:
        raise InputError(
            "JOURNAL-150",
            f"the trades of {shown(wanted.venue)} cannot be fetched",
            f"one of {', '.join(FEEDS)}; a file of it can be imported",
        )
    run = _Run(journal, wanted, facts, clock=clock, pause=pause, progress=progress)
    run.begin(exchange, environment)
    return run.all()


class _Run:
    """One import."""

    def __init__(
        self,
        journal: Journal,
        wanted: Wanted,
        facts: Facts,
        *,
        clock: Clock,
        pause: Pause,
        progress: Progress,
    ) -> None:
        self.journal, self.wanted, self.facts = journal, wanted, facts
        self.clock, self.pause, self.progress = clock, pause, progress
        self.feed: Feed = FEEDS[wanted.venue]
        self.told = Fetched(wanted.venue)
        self.secrets: tuple[str, ...] = ()
        self.exchange: Any = None
        self.until_ms = clock.now_ns() // MS

    def begin(self, exchange: Any, environment: Mapping[str, str]) -> None:
        """Connect, and learn the venue's clock and contracts."""
        if exchange is None:
            keys = keys_of(self.wanted.venue, environment)
            exchange = connect(self.wanted.venue, keys["apiKey"], keys["secret"], environment)
            exchange.password = keys.get("password", "")
            exchange.options["fetchCurrencies"] = False  # they are not needed, and ask for more rights
            exchange.has["fetchCurrencies"] = False
        self.exchange = exchange
        secrets = (exchange.apiKey, exchange.secret, exchange.password)
        self.secrets = tuple(one for one in secrets if one and len(one) >= LEAST_SECRET)
        self.answered(exchange.load_markets)
        exchange.on_json_response = exact_json
        if exchange.has.get("fetchTime"):
            self.until_ms = int(self.answered(exchange.fetch_time))
        self.until_ms = min(self.until_ms, self.wanted.until_ms or self.until_ms)

    def all(self) -> Fetched:
        """Income, then the fills of each contract: the income tells which contracts were traded."""
        if self.feed.incomes is not None and not self.feed.income_by_contract:
            self._stretch("income", "", self.feed.incomes, self.feed.income_ms)
        contracts = list(self.wanted.contracts) or self._known()
        if not contracts:
            raise InputError(
                "JOURNAL-152",
                f"the journal has no contract of {self.wanted.venue} yet",
                "say which were traded: --contract BTCUSDT --contract ...",
            )
        for contract in contracts:
            if self.feed.incomes is not None and self.feed.income_by_contract:
                self._stretch("income", contract, self.feed.incomes, self.feed.income_ms)
            self._stretch("fills", contract, self.feed.fills, self.feed.window_ms)
        self.told.contracts = contracts
        return self.told

    def _known(self) -> list[str]:
        """Contracts of the venue in the journal's fills and income."""
        from sqlalchemy import select, union

        from lotwise.store.tables import FILLS, INCOMES

        names = union(
            *(
                select(table.c.contract).where(
                    table.c.venue == self.wanted.venue, table.c.account == self.wanted.account
                )
                for table in (FILLS, INCOMES)
            )
        )
        with self.journal.database.read() as connection:
            return sorted(row[0] for row in connection.execute(names) if row[0])

    def _stretch(
        self, what: str, contract: str, pages: Callable[[Asking], Iterator[list[Any]]], window_ms: int
    ) -> None:
        """Ask for one kind of record of one contract, window after window."""
        subject = f"{self.wanted.venue}:{self.wanted.account}:{contract}:{what}"
        at = self._from(subject, what)
        while at < self.until_ms:
            end = min(at + window_ms, self.until_ms)
            asking = Asking(self.exchange, contract, at, end - 1, self.answered)
            for rows in pages(asking):
                self.told.pages += 1
                self._keep(rows, contract, end)
            self.journal.database.append(
                STREAM, "window", {"until_ms": end}, time_ns=end * MS, subject=subject, key=f"{subject}:{end}"
            )
            at = end

    def _from(self, subject: str, what: str) -> int:
        """Where to go on: where the last run ended, or where this one is to begin."""
        events = self.journal.database.events(STREAM, subjects=[subject])
        reached = max((int(event.body["until_ms"]) for event in events), default=None)
        since = self.wanted.since_ms
        begun = [int(event.body["from_ms"]) for event in events if "from_ms" in event.body]
        if since is not None and (reached is None or since < min(begun, default=since + 1)):
            body = {"from_ms": since, "until_ms": since}
            self.journal.database.append(
                STREAM,
                "begin",
                body,
                time_ns=since * MS,
                subject=subject,
                key=f"{subject}:from:{since}",
            )
            return since
        if reached is None:
            raise InputError(
                "JOURNAL-152",
                f"nothing of {what} of {self.wanted.venue} was ever fetched",
                "say where to begin: --since 2025-05-04",
            )
        return reached - AGAIN_MS

    def _keep(self, rows: list[Any], contract: str, until_ms: int) -> None:
        incoming = from_ccxt(rows, self.wanted.venue, self.facts, account=self.wanted.account)
        if incoming.fills or incoming.incomes:
            done = bring(self.journal, incoming, now_ns=self.clock.now_ns())
            self._count(done)
        self.told.passed += incoming.passed
        self.progress(f"{contract or 'income'}, {self.told.pages} pages", self.told.fills, None)

    def _count(self, done: Brought) -> None:
        told = self.told
        told.fills += done.fills.new
        told.fills_known += done.fills.known
        told.incomes += done.incomes.new
        told.incomes_known += done.incomes.known
        told.stops_inferred += done.inferred
        told.unplaced, told.shared = done.incomes.unplaced, done.incomes.shared
        told.without_stop = list(dict.fromkeys([*told.without_stop, *done.without_stop]))
        told.warnings = list(dict.fromkeys([*told.warnings, *done.warnings]))

    def answered(self, call: Callable[[], Any]) -> Any:
        """What the venue answers; where the network fails for now, it is asked again after a pause."""
        import ccxt

        for seconds in (*PAUSES_S, 0):
            try:
                return asked(self.wanted.venue, call)
            except VenueError as error:
                if isinstance(error.__cause__, (VenueError, InputError)):
                    raise error.__cause__ from None
                if not seconds or not isinstance(error.__cause__, ccxt.OperationFailed):
                    raise self._hushed(error) from None  # what ccxt raised may hold what was sent
                self.pause(seconds)
        raise AssertionError("the last try returns or raises")

    def _hushed(self, error: VenueError) -> VenueError:
        message = error.message
        for secret in self.secrets:
            message = message.replace(secret, "***")
        hint = "run the same command again: it goes on there" if error.code == "VENUE-502" else error.hint
        return VenueError(error.code, message, hint)
