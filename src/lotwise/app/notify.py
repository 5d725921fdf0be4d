"""Tells people what a session does, by apprise: fills, stops, locks, errors. Nothing secret leaves.

A session's chronicle may not wait, so messages go through a queue to a thread of their own; when the queue is
full the oldest is dropped and counted. A message holds words of the session alone, cleaned of anything that
looks like a key; addresses carry secrets of their own and are shown by their kind only.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from lotwise.app.trade_file import Event, NotifyTable
from lotwise.broker.chronicle import Kind, Told
from lotwise.errors import InputError

if TYPE_CHECKING:
    from lotwise.app.trade_config import TradeConfig

ROOM: Final = 200
"""Messages that wait to be sent."""
LONGEST: Final = 400
ABOUT: Final[dict[Kind, Event]] = {
    "fill": "fill",
    "ended": "fill",
    "stop_seen": "stop",
    "stop_moved": "stop",
    "stop_gone": "stop",
    "naked": "stop",
    "lock": "lock",
    "unknown": "error",
    "trouble": "error",
    "foreign": "error",
    "divergence": "error",
    "stale": "error",
    "skew": "error",
    "closing": "session",
    "recovered": "session",
}
"""What a record of the chronicle is about; others are for the log alone."""
SECRET: Final = re.compile(r"[0-9A-Za-z+/_-]{24,}={0,2}")
"""Longer than any word of ours: a key, a token, a signature."""
OWN_ID: Final = re.compile(r"lw-[a-z2-7]{16}-[estx]\d-\d{1,5}")
"""Client ids of ours are as long, and no secret."""


def cleaned(text: str) -> str:
    """Words without anything that may be a key, at most 400 characters.

    >>> cleaned("sent with key 0123456789abcdef0123456789abcdef")
    'sent with key ***'
    """
    kept = " ".join(text.split())[:LONGEST]
    return SECRET.sub(lambda found: found[0] if OWN_ID.fullmatch(found[0]) else "***", kept)


def addresses_of(table: NotifyTable, environment: Mapping[str, str]) -> list[str]:
    """All addresses: of the file, and of the variable it names, separated by blanks.

    Raises
    ------
    InputError
        TRADE-130 the variable is not set.
    """
    name = table.from_environment
    if name and not environment.get(name):
        raise InputError(
            "TRADE-130",
            f"notify.from_environment names {name}, which is not set",
            f"set it to addresses as apprise takes them: {name}='ntfy://mytopic'",
        )
    return [*table.addresses, *(environment.get(name, "").split() if name else ())]


def notifier_of(config: TradeConfig, environment: Mapping[str, str]) -> Notifier | None:
    """What tells people of this account, as its file says; None: nobody is to be told.

    Raises
    ------
    InputError
        As :func:`addresses_of` and :class:`Notifier`.
    """
    addresses = addresses_of(config.notify, environment)
    title = f"lotwise {config.where.upper()} {config.account}"
    return Notifier(addresses, config.notify.about, title) if addresses else None


class Notifier:
    """A chronicle that sends.

    Parameters
    ----------
    addresses
        As apprise takes them.
    about
        What is sent.
    title
        Before every message: the account, and PAPER or LIVE.

    Raises
    ------
    InputError
        TRADE-131 apprise is not installed; TRADE-132 an address that it does not take.
    """

    def __init__(self, addresses: Sequence[str], about: Iterable[Event], title: str) -> None:
        self.title, self.about = title, frozenset(about)
        self.sent, self.failed, self.dropped = 0, 0, 0
        self._apprise = _apprise(addresses)
        self._queue: queue.Queue[tuple[str, str] | None] = queue.Queue(ROOM)
        self._thread = threading.Thread(target=self._run, name="lotwise-notify", daemon=True)
        self._thread.start()

    def told(self, event: Told) -> None:
        """Send it where it is wanted; returns at once."""
        about = ABOUT.get(event.kind)
        if about in self.about:
            self.say(event.message, event.kind)

    def say(self, message: str, kind: str = "session") -> None:
        """Send words; returns at once."""
        level = "failure" if ABOUT.get(kind) in ("error", "lock") else "info"  # type: ignore[call-overload]
        while True:
            try:
                self._queue.put_nowait((cleaned(message), level))
                return
            except queue.Full:
                try:
                    self._queue.get_nowait()
                    self.dropped += 1
                except queue.Empty:  # it was sent meanwhile
                    continue

    def close(self, timeout_s: float = 10) -> bool:
        """Send what waits, and end; whether all was sent in time."""
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self.failed and not self.dropped

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            body, level = message
            try:
                good = bool(self._apprise.notify(body=body, title=self.title, notify_type=level))
            except Exception:  # a notification may fail in any way; trading goes on
                good = False
            self.sent += good
            self.failed += not good


def _apprise(addresses: Sequence[str]) -> Any:
    """Apprise with these addresses; an address that fails is named by its kind alone."""
    try:
        import apprise
    except ImportError:
        raise InputError(
            "TRADE-131", "apprise, which sends notifications, is not installed", "pip install apprise"
        ) from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines hold addresses
    found = apprise.Apprise()
    for number, address in enumerate(addresses, 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of modules that its plugins import
            taken = found.add(address)
        if not taken:
            kind = address.partition("://")[0][:20] if "://" in address else "no scheme"
            raise InputError(
                "TRADE-132",
                f"notification address {number} ({kind}) is not understood",
                "as apprise takes them: ntfy://topic, tgram://bot/chat, mailto://user:pass@host",
            )
    return found
