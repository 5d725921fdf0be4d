"""The venue: accounts over one market, every accepted act on disk before anyone is told of it.

Acts are carried out in memory in their order. What others may see of them, answers and events, waits for
the disk (:meth:`Venue.when_kept`), so acts that come together share one commit. Where the disk refuses,
memory has gone ahead of it: the venue is broken, tells nobody anything more, and must be started again.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from lotwise.errors import InputError, LotwiseError
from lotwise.exchange import account as accounts
from lotwise.exchange.account import Account
from lotwise.exchange.journal import Act, Journal
from lotwise.exchange.market import Market, MarketChoice, opened
from lotwise.exchange.records import Happening
from lotwise.exchange.tape import Tape
from lotwise.kernel.snapshot import state_hash
from lotwise.kernel.state import INDEX, MARK, QUOTE, TRADE, TRANSFER, EventRow
from lotwise.units import Cash

EVENTS_A_SNAPSHOT: Final = 50_000
ACTS_A_SNAPSHOT: Final = 10_000
MOST_ACCOUNTS: Final = 1_000
LONGEST_NAME: Final = 40
LISTEN_NS: Final = 3_600 * 10**9
"""A listen key ends so long after it was last asked for, by the server's time. Source: Binance USD-M, "User
Data Streams"."""
KEY_BYTES: Final = 32
"""64 hexadecimal digits, as the venue's keys are long."""

KEY: Final = re.compile(r"[0-9A-Za-z]{16,128}")
MOST_DEPOSIT: Final = 10**9 * 10**8


class Told(NamedTuple):
    """What happened to an account in one step."""

    account: Account
    happenings: list[Happening]


class Captured(NamedTuple):
    """A snapshot that is yet to be written: of what the acts up to a number have made."""

    number: int
    position: int
    pieces: Iterator[bytes]
    """Its JSON, a part at a time; nothing that happens meanwhile changes it."""


class Venue:
    """All accounts, the market they trade on, and the journal of both.

    Parameters
    ----------
    choice
        The market; a folder that was begun with another is refused.
    folder
        Where the state is kept; None: in memory.

    Raises
    ------
    InputError
        EXCHANGE-105 the folder belongs to another market; as :func:`lotwise.exchange.market.opened` and
        :class:`lotwise.exchange.journal.Journal`.
    """

    def __init__(self, choice: MarketChoice, folder: Path | None = None) -> None:
        self.journal = Journal(folder)
        try:
            self.choice = self._chosen(choice)
            self.market: Market = opened(self.choice, folder)
        except InputError:
            self.journal.close()
            raise
        self.accounts: dict[int, Account] = {}
        self.by_key: dict[str, Account] = {}
        self.listen: dict[str, int] = {}
        """Listen keys and their accounts' numbers."""
        self.listen_until: dict[str, int] = {}
        """Listen keys and the server's time at which they end."""
        self.server_ns: Callable[[], int] = lambda: self.market.now_ns
        """The time that clients are told and renew keys by; a server sets its own."""
        self.on_listen_end: list[Callable[[str], None]] = []
        """Called with each listen key whose time is over."""
        self.watchers: list[Callable[[Sequence[Told]], None]] = []
        """Called after every act and every part of the market, with the accounts as it left them; what they
        tell others they hand to :meth:`when_kept`."""
        self.settle: Callable[[], None] | None = None
        """Asked to call :meth:`commit` soon; None: every act is on the disk when it returns."""
        self.on_broken: list[Callable[[], None]] = []
        """Called once when the venue breaks."""
        self.is_broken = False
        """What is in memory is no longer what was written."""
        self._answers: list[Callable[[bool], None]] = []
        self._after: list[Callable[[bool], None]] = []
        self._kept = (0, 0)
        self._restore()

    def _chosen(self, choice: MarketChoice) -> MarketChoice:
        kept = self.journal.about("market")
        if kept is None:
            self.journal.tell("market", msgspec.json.encode(choice).decode())
            return choice
        old = msgspec.json.decode(kept, type=MarketChoice)
        same = msgspec.structs.replace(
            old, start_ns=choice.start_ns, history_ns=choice.history_ns, days=choice.days
        )
        if same != choice:
            raise InputError(
                "EXCHANGE-105",
                f"this state was made on {old.source} {','.join(old.contracts)} seed {old.seed} scenario"
                f" {old.scenario}, not on {choice.source} {','.join(choice.contracts)} seed {choice.seed}"
                f" scenario {choice.scenario}",
                "give the same market, or another folder with --state",
            )
        return old

    def _restore(self) -> None:
        """Play again what the journal holds; the end is the same as without a stop."""
        last = 0
        if (found := self.journal.snapshot()) is not None:
            last, position, body = found
            self._kept = (position, last)
            for _ in self.market.play(position):
                pass
            for saved in body["accounts"]:
                account = accounts.restored(saved)
                account.state = account.state._replace(contracts=list(self.market.rows))  # changes move them
                self._admit(account)
            self.listen, self.listen_until = dict(body["listen"]), dict(body["listen_until"])
        else:
            for _ in self.market.play(self.market.begins_at):
                pass
        for _, position, act in self.journal.acts(last):
            self._replay(position)
            self._redo(act)
        self._replay(self.journal.position)

    def _replay(self, end: int) -> None:
        """Play on what was told already."""
        for _ in self._play(end):
            pass

    def _redo(self, act: Act) -> None:
        if act.do == "open":
            self._open(act)
        elif act.do == "listen":
            self._listens(act.key, act.account, act.event["time_ns"])
        elif act.do == "unlisten":
            self._unlisten(act.key)
        else:
            code, _ = self.accounts[act.account].step(EventRow(**act.event), act.client)
            if code:
                raise InputError(
                    "EXCHANGE-111",
                    f"an act of the journal is refused with {code}",
                    "restore a copy of the folder",
                )

    def _admit(self, account: Account) -> None:
        self.accounts[account.number] = account
        self.by_key[account.key] = account

    def _open(self, act: Act) -> Account:
        """A new account begins with the market as it is: last prices, quotes and marks are played to it."""
        rows = (self.market.rows, self.market.tiers)
        account = accounts.opened(act.account, act.name, act.key, act.secret, rows)
        for tape in self.market.tapes:
            for event in standing_events(tape, self.market.now_ns):
                account.step(event)
        account.step(EventRow(kind=TRANSFER, time_ns=self.market.now_ns, **act.event))
        self._admit(account)
        return account

    def open_account(self, name: str, deposit_cash: Cash, key: str = "", secret: str = "") -> Account:
        """Open an account with money; its key and secret are drawn unless given.

        Raises
        ------
        InputError
            As :func:`new_account`.
        """
        taken = {account.name: account.key for account in self.accounts.values()}
        act = new_account(taken, name, deposit_cash, key, secret)
        self.still_whole()
        account = self._open(act)
        self._write(act)
        return account

    def open_listen(self, account: Account) -> str:
        """The account's listen key, made at the first asking; each asking renews it."""
        self.still_whole()
        self.end_listen()
        found = [key for key, number in self.listen.items() if number == account.number]
        key = found[0] if found else secrets.token_hex(KEY_BYTES)
        until_ns = self.server_ns() + LISTEN_NS
        self._listens(key, account.number, until_ns)
        self._write(Act("listen", account.number, {"time_ns": until_ns}, key=key))
        return key

    def _listens(self, key: str, number: int, until_ns: int) -> None:
        self.listen[key] = number
        self.listen_until[key] = until_ns

    def end_listen(self) -> None:
        """End the listen keys that nobody renewed in time; a server asks for it at every request."""
        if not self.listen_until or self.is_broken:
            return
        now = self.server_ns()
        for key in [key for key, until_ns in self.listen_until.items() if until_ns <= now]:
            number = self.listen[key]
            self._unlisten(key)
            self._write(Act("unlisten", number, key=key))
            for ended in self.on_listen_end:
                ended(key)

    def _unlisten(self, key: str) -> None:
        self.listen.pop(key, None)
        self.listen_until.pop(key, None)

    def close_listen(self, account: Account) -> bool:
        """Forget the account's listen key; False where there is none."""
        self.still_whole()
        keys = [key for key, number in self.listen.items() if number == account.number]
        for key in keys:
            self._unlisten(key)
            self._write(Act("unlisten", account.number, key=key))
        return bool(keys)

    def act(self, account: Account, event: EventRow, client_id: str = "") -> tuple[int, list[Happening]]:
        """Do a command at the market's time; on the disk with the next commit, see :meth:`when_kept`."""
        self.still_whole()
        event.time_ns = self.market.now_ns
        try:
            code, happenings = account.step(event, client_id)
        except LotwiseError:
            self._break()
            raise
        if code == 0:
            fields = {name: value for name in event.__slots__ if (value := getattr(event, name))}
            self.journal.put(self.market.position, Act("step", account.number, fields, client_id))
            self._tell([Told(account, happenings)])
            self._settle()
        return code, happenings

    def still_whole(self) -> None:
        """Whether memory is what the disk says, or can still become it.

        Raises
        ------
        LotwiseError
            EXCHANGE-112 it is not: the server must be started again.
        """
        if self.is_broken:
            raise LotwiseError(
                "EXCHANGE-112",
                "an act could not be written to the disk",
                "make room and start the server again",
            )

    def _break(self) -> None:
        """Memory is ahead of the disk: who waits is told that it was not kept, and nothing more happens."""
        if self.is_broken:
            return
        self.is_broken = True
        after, self._answers, self._after = [*self._answers, *self._after], [], []
        for does in after:
            does(False)
        for broken in self.on_broken:
            broken()

    def _write(self, act: Act) -> None:
        """An act that was done in memory."""
        self.journal.put(self.market.position, act)
        self._settle()

    @property
    def is_pending(self) -> bool:
        """Whether memory is ahead of the disk."""
        return self.journal.is_waiting

    def when_kept(self, does: Callable[[bool], None], *, is_answer: bool = False) -> None:
        """Call with True once all that was accepted so far is on the disk, with False if it never will be.

        Answers come before events: a client that asks and then begins to listen has missed nothing.
        """
        if self.is_broken:
            does(False)
        elif self.is_pending:
            (self._answers if is_answer else self._after).append(does)
        else:
            does(True)

    def _settle(self) -> None:
        if self.settle is None:
            self.commit()
        else:
            self.settle()

    def commit(self) -> None:
        """Force all that was accepted to the disk, then let it be seen.

        Raises
        ------
        LotwiseError
            EXCHANGE-112 the disk refused; nothing more is accepted.
        """
        self.still_whole()
        try:
            self.journal.commit()
        except sqlite3.Error:
            self._break()
            self.still_whole()
        after, self._answers, self._after = [*self._answers, *self._after], [], []
        for does in after:
            does(True)
        if self.settle is None and self.is_snapshot_due:
            self.keep()

    def advance(self, end: int) -> int:
        """Play the market on up to ``end`` events; how many were played."""
        self.still_whole()
        self.end_listen()
        before = self.market.position
        try:
            for told in self._play(end):
                self.journal.played(self.market.position)
                self._tell([told])
        except LotwiseError:
            self._break()
            raise
        if self.market.position != before:
            self.journal.played(self.market.position)
            self._tell([])
            self._settle()
        return self.market.position - before

    def _play(self, end: int) -> Iterator[Told]:
        """Play on; what happened to whom, as it happens."""
        for event in self.market.play(end):
            for account in self.accounts.values():
                code, happenings = account.step(event)
                if code:
                    raise InputError(
                        "EXCHANGE-109",
                        f"event {self.market.position} of the market is refused with {code}",
                        "check the recorded market: lotwise data check",
                    )
                if happenings:
                    yield Told(account, happenings)

    def _tell(self, told: Sequence[Told]) -> None:
        for watcher in self.watchers:
            watcher(told)

    @property
    def is_snapshot_due(self) -> bool:
        """Whether so much happened since the last snapshot that a start would take long."""
        position, acts = self._kept
        return (
            self.market.position - position >= EVENTS_A_SNAPSHOT
            or self.journal.last - acts >= ACTS_A_SNAPSHOT
        )

    def captured(self) -> Captured:
        """All there is, as it is now; call it when nothing is pending."""
        self._kept = (self.market.position, self.journal.last)
        frozen = [account.frozen() for account in self.accounts.values()]
        head = {"listen": dict(self.listen), "listen_until": dict(self.listen_until)}
        return Captured(self.journal.last, self.market.position, accounts.snapshot_pieces(head, frozen))

    def keep(self) -> None:
        """Keep a snapshot now.

        Raises
        ------
        LotwiseError
            EXCHANGE-170 the disk refused it; no act is lost.
        """
        if self.is_pending:
            self.commit()
        number, position, pieces = self.captured()
        try:
            self.journal.keep(number, position, b"".join(pieces))
        except sqlite3.Error as error:
            raise LotwiseError(
                "EXCHANGE-170",
                f"the snapshot at event {position} could not be written: {error}",
                "make room; no act is lost, but the next start takes longer",
            ) from error

    def hashes(self) -> dict[str, str]:
        """The state hash of every account, by name."""
        return {account.name: state_hash(account.state) for account in self.accounts.values()}

    def close(self) -> None:
        """Keep a snapshot and let go of the folder."""
        if not self.is_broken:
            with suppress(
                LotwiseError
            ):  # a snapshot only: the acts are on the disk, or the venue breaks here
                self.keep()
        self.market.close()
        self.journal.close()


def new_account(
    taken: Mapping[str, str], name: str, deposit_cash: Cash, key: str = "", secret: str = ""
) -> Act:
    """The act that opens an account beside those that are there, by name with their keys.

    Raises
    ------
    InputError
        EXCHANGE-106 a name that is none or taken, or too many accounts; EXCHANGE-107 a deposit not above
        zero or beyond the bound; EXCHANGE-108 a key that is taken or malformed.
    """
    good = 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()
    if not good or name in taken or len(taken) >= MOST_ACCOUNTS:
        what = "is taken" if name in taken else f"is no name, or there are {MOST_ACCOUNTS} accounts"
        raise InputError("EXCHANGE-106", f"account {name[:LONGEST_NAME]!r} {what}", "choose another name")
    if not 0 < deposit_cash <= MOST_DEPOSIT:
        raise InputError("EXCHANGE-107", "a deposit is above 0 and at most 1,000,000,000", "give another")
    key, secret = key or secrets.token_hex(KEY_BYTES), secret or secrets.token_hex(KEY_BYTES)
    if key in taken.values() or not KEY.fullmatch(key) or not KEY.fullmatch(secret):
        raise InputError(
            "EXCHANGE-108",
            "this key belongs to another account, or key or secret is malformed",
            "16 to 128 letters and digits, or leave them to be drawn",
        )
    return Act("open", len(taken) + 1, {"cash": deposit_cash}, name=name, key=key, secret=secret)


def add_account(folder: Path, name: str, deposit_cash: Cash) -> Act:
    """Open an account in a folder whose server does not run; its key and secret are in the act.

    Raises
    ------
    InputError
        As :func:`new_account` and :class:`lotwise.exchange.journal.Journal`.
    """
    journal = Journal(folder)
    try:
        taken = {act.name: act.key for act in journal.opened()}
        act = new_account(taken, name, deposit_cash)
        journal.put(journal.position, act)
        journal.commit()
    finally:
        journal.close()
    return act


def standing_events(tape: Tape, now_ns: int) -> list[EventRow]:
    """Events that bring a new account to the market as it stands: trade, quote, mark, index."""
    found = []
    bid, bid_lots, ask, ask_lots = tape.quote
    if tape.last_ticks:
        found.append(EventRow(kind=TRADE, price_ticks=tape.last_ticks))
    if ask:
        row = EventRow(kind=QUOTE, bid_ticks=bid, bid_lots=bid_lots, ask_ticks=ask, ask_lots=ask_lots)
        found.append(row)
    if tape.has_mark:
        found.append(EventRow(kind=MARK, price8=tape.mark8))
    if tape.index8:
        found.append(EventRow(kind=INDEX, price8=tape.index8))
    for event in found:
        event.contract, event.time_ns = tape.contract, now_ns
    return found
