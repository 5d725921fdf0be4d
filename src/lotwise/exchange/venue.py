"""The venue: accounts over one market, every accepted act on disk before it is answered."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
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
ACTS_A_SNAPSHOT: Final = 5_000
MOST_ACCOUNTS: Final = 1_000
LONGEST_NAME: Final = 40
KEY_BYTES: Final = 32
"""64 hexadecimal digits, as the venue's keys are long."""

KEY: Final = re.compile(r"[0-9A-Za-z]{16,128}")
MOST_DEPOSIT: Final = 10**9 * 10**8


class Told(NamedTuple):
    """What happened to an account in one step."""

    account: Account
    happenings: list[Happening]


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
            self.market: Market = opened(self.choice)
        except InputError:
            self.journal.close()
            raise
        self.accounts: dict[int, Account] = {}
        self.by_key: dict[str, Account] = {}
        self.listen: dict[str, int] = {}
        """Listen keys and their accounts' numbers."""
        self.watchers: list[Callable[[Sequence[Told]], None]] = []
        """Called after every act and every part of the market, when it is on disk."""
        self.is_broken = False
        """The disk refused an act: what is in memory is no longer what was written."""
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
            for _ in self.market.play(position):
                pass
            for saved in body["accounts"]:
                self._admit(accounts.restored(saved))
            self.listen = dict(body["listen"])
        else:
            for _ in self.market.play(self.market.position_at(self.market.first_ns + self.choice.history_ns)):
                pass
        for _, position, act in self.journal.acts(last):
            self._play(position)
            self._redo(act)
        self._play(self.journal.position)

    def _redo(self, act: Act) -> None:
        if act.do == "open":
            self._open(act)
        elif act.do == "listen":
            self.listen[act.key] = act.account
        elif act.do == "unlisten":
            self.listen.pop(act.key, None)
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
        self._write(act)
        return self._open(act)

    def open_listen(self, account: Account) -> str:
        """The account's listen key; made at the first asking."""
        for key, number in self.listen.items():
            if number == account.number:
                return key
        key = secrets.token_hex(KEY_BYTES)
        self._write(Act("listen", account.number, key=key))
        self.listen[key] = account.number
        return key

    def close_listen(self, account: Account) -> bool:
        """Forget the account's listen key; False where there is none."""
        keys = [key for key, number in self.listen.items() if number == account.number]
        for key in keys:
            self._write(Act("unlisten", account.number, key=key))
            del self.listen[key]
        return bool(keys)

    def act(self, account: Account, event: EventRow, client_id: str = "") -> tuple[int, list[Happening]]:
        """Do a command at the market's time; accepted, it is on the disk when this returns."""
        self._still_whole()
        event.time_ns = self.market.now_ns
        code, happenings = account.step(event, client_id)
        if code == 0:
            fields = {name: getattr(event, name) for name in event.__slots__ if getattr(event, name)}
            self._write(Act("step", account.number, fields, client_id))
            self._tell([Told(account, happenings)])
            self._snapshot()
        return code, happenings

    def _still_whole(self) -> None:
        if self.is_broken:
            raise LotwiseError(
                "EXCHANGE-112",
                "an act could not be written to the disk",
                "make room and start the server again",
            )

    def _write(self, act: Act) -> None:
        """Nothing is answered that is not on the disk; after a failure nothing more is accepted."""
        self._still_whole()
        try:
            self.journal.write(self.market.position, act)
        except sqlite3.Error:
            self.is_broken = True
            self._still_whole()

    def advance(self, end: int) -> int:
        """Play the market on up to ``end`` events; how many were played."""
        self._still_whole()
        before = self.market.position
        told = self._play(end)
        if self.market.position != before:
            self.journal.played(self.market.position)
            self._tell(told)
            self._snapshot()
        return self.market.position - before

    def _play(self, end: int) -> list[Told]:
        told: list[Told] = []
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
                    told.append(Told(account, happenings))
        return told

    def _tell(self, told: Sequence[Told]) -> None:
        for watcher in self.watchers:
            watcher(told)

    def _snapshot(self) -> None:
        position, acts = self._kept
        if self.market.position - position < EVENTS_A_SNAPSHOT and self.journal.last - acts < ACTS_A_SNAPSHOT:
            return
        self.keep()

    def keep(self) -> None:
        """Keep a snapshot now."""
        body = {"accounts": [account.saved() for account in self.accounts.values()], "listen": self.listen}
        self.journal.keep(self.market.position, body)
        self._kept = (self.market.position, self.journal.last)

    def hashes(self) -> dict[str, str]:
        """The state hash of every account, by name."""
        return {account.name: state_hash(account.state) for account in self.accounts.values()}

    def close(self) -> None:
        """Keep a snapshot and let go of the folder."""
        if not self.is_broken:
            self.keep()
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
        taken = {act.name: act.key for _, _, act in journal.acts(0) if act.do == "open"}
        act = new_account(taken, name, deposit_cash)
        journal.write(journal.position, act)
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
