"""One request and its answer: by the allow-list, ccxt's signature and transport, to raw JSON or an error.

What happened to a request decides what the caller may do: refused means nothing changed, unknown means that
it may have been carried out. So a connection that was never made is told apart from an answer that never
came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lotwise.broker.ccxt_venue.allowed import allowed
from lotwise.broker.ccxt_venue.keys import Keys, scrubbed
from lotwise.broker.ccxt_venue.raw import MS, exact_json
from lotwise.broker.ccxt_venue.refusals import Answered, judged
from lotwise.broker.ccxt_venue.request import IDS, ROWS, Params
from lotwise.broker.venue import OrderRefused, OutcomeUnknown, RateLimited, VenueDown
from lotwise.clock import Clock
from lotwise.errors import LotwiseError, VenueError

Tell = Callable[[str], object]
MEASURE_MS: Final = 60_000
"""The venue's clock is measured anew so often, while requests are made."""
MEASURE_OFF_MS: Final = 5_000
"""And so often while it is off by more than :data:`OFF_MS`: it may have been set right."""
OFF_MS: Final = 1_000
LONGEST: Final = 200
"""Characters of a venue's words in a message."""


def _silent(words: str) -> None:
    """Nobody listens."""


class NoSuchOrder(OrderRefused):
    """The venue knows no such order."""


class AlreadySo(OrderRefused):
    """Nothing had to be changed."""


class NotAccepted(Exception):
    """Carries an answer that is no success out of ccxt; never leaves this package."""

    def __init__(self, answered: Answered) -> None:
        super().__init__(answered.code)
        self.answered = answered


class Wire:
    """Sends what the allow-list allows through one ccxt client.

    Parameters
    ----------
    client
        A ccxt exchange with its addresses and keys set; its clock and its judgement are replaced.
    tell
        Hears what the trader should know: the clock was set right.
    """

    def __init__(
        self, venue: str, client: Any, clock: Clock, keys: Keys | None = None, tell: Tell = _silent
    ) -> None:
        self.venue, self.client, self.clock, self.tell = venue, client, clock, tell
        self._keys = keys
        self.skew_ms = 0
        """The venue's clock less ours."""
        self._measured_ms = 0
        client.on_json_response = exact_json
        client.on_rest_response = self._heard
        client.handle_errors = _nothing
        client.nonce = self.now_ms
        client.json = exact_body

    def now_ms(self) -> int:
        """The venue's clock as far as it is known."""
        return self.clock.now_ns() // MS + self.skew_ms

    def ask(self, action: str, **params: Any) -> Any:
        """Send a request and give its raw answer; the clock is set right once where the venue says it is off.

        Raises
        ------
        InputError
            BROKER-120, BROKER-121 not on the allow-list: nothing was sent.
        VenueError
            BROKER-140 too often, BROKER-141 no answer to a change, BROKER-142 not reached, BROKER-143 the
            key is refused, BROKER-144 refused, BROKER-145 the clock is off and stays so.
        """
        self._measure_again(action)
        try:
            return self._once(action, params)
        except NotAccepted as found:
            if found.answered.meaning != "skew":
                raise self._error(action, found.answered) from None
        before = self.skew_ms
        self.set_clock()
        self.tell(
            f"{self.venue} refused a request for its time: the clock was {self.skew_ms - before} ms behind"
            " that of the venue and is set right"
        )
        try:
            return self._once(action, params)
        except NotAccepted as found:
            raise self._error(action, found.answered) from None

    def set_clock(self) -> None:
        """Ask the venue for its time; the answer is taken for the middle of the way there and back."""
        first = self.clock.now_ns()
        try:
            answer = self._once("read time", {})
        except NotAccepted as found:
            raise self._error("read time", found.answered) from None
        last = self.clock.now_ns()
        self.skew_ms = _server_ms(answer) - (first + last) // (2 * MS)
        self._measured_ms = last // MS

    def _measure_again(self, action: str) -> None:
        """A clock that drifts is not always refused: a venue lets some seconds pass. Before reads alone."""
        every = MEASURE_OFF_MS if abs(self.skew_ms) > OFF_MS else MEASURE_MS
        now_ms = self.clock.now_ns() // MS
        if not self._measured_ms or not action.startswith("read") or now_ms - self._measured_ms < every:
            return
        self._measured_ms = now_ms
        try:
            self.set_clock()
        except VenueError:
            return  # what was asked for tells what is wrong

    def _once(self, action: str, params: Params) -> Any:
        row = allowed(self.venue, action, params)
        sent: Any = dict(params)
        if row.shape == IDS:
            sent = [str(value) for value in params.values()]
        elif row.shape == ROWS:
            sent = [dict(params)]
        try:
            return getattr(self.client, row.call)(sent)
        except (NotAccepted, LotwiseError):
            raise
        except Exception as error:  # ccxt raises anything; its words may hold a signature
            raise self._lost(action, error) from None

    def _heard(
        self, status: int, reason: str, url: str, method: str, headers: Any, text: str, *sent: Any
    ) -> str:
        """Called by ccxt with every answer, before it judges it."""
        try:
            answer = exact_json(text)
        except ValueError:
            answer = None
            if status < 400:
                raise NotAccepted(Answered("unknown", "no JSON", text[:LONGEST], status)) from None
        wrong = judged(self.venue, status, answer, headers, self.now_ms())
        if wrong is not None:
            raise NotAccepted(wrong)
        return text

    def _error(self, action: str, found: Answered) -> LotwiseError:
        words = scrubbed(" ".join(found.words.split())[:LONGEST], self._keys)
        said = (
            f"{self.venue} answers {action} with {found.code}: {words}"
            if words
            else (f"{self.venue} answers {action} with {found.code}")
        )
        changes = not action.startswith("read")
        match found.meaning:
            case "limit":
                return RateLimited("BROKER-140", said, "wait, then ask less often", found.until_ms * MS)
            case "unknown" if changes:
                return OutcomeUnknown("BROKER-141", said, "read the order back before anything is sent again")
            case "unknown" | "down":
                return VenueDown("BROKER-142", said, "try again later")
            case "skew":
                return VenueDown("BROKER-145", said, "set the machine's clock right: nothing was done")
            case "key":
                hint = f"check the keys of {self.venue}, their rights and the addresses they allow"
                return (
                    OrderRefused("BROKER-143", said, hint, found.code)
                    if changes
                    else VenueError("BROKER-143", said, hint)
                )
        kinds = {"missing": NoSuchOrder, "already": AlreadySo}
        refused = kinds.get(found.meaning, OrderRefused)
        return refused("BROKER-144", said, "nothing changed at the venue", found.code)

    def _lost(self, action: str, error: Exception) -> VenueError:
        """No answer: never left, or nobody knows."""
        kind = type(error).__name__
        if kind == "AuthenticationError":  # ccxt's, before it sends: a part of the keys is missing
            hint = f"give all parts of the keys of {self.venue}"
            return OrderRefused("BROKER-143", f"{self.venue}: {action} needs keys", hint)
        if action.startswith("read") or never_left(error):
            return VenueDown(
                "BROKER-142", f"{self.venue} cannot be reached for {action}: {kind}", "try again later"
            )
        return OutcomeUnknown(
            "BROKER-141",
            f"{self.venue} gave no answer to {action}: {kind}",
            "it may have been carried out: read the order back before anything is sent again",
        )


def never_left(error: BaseException) -> bool:
    """Whether the connection was not even made, so that nothing can have been carried out.

    An error of ours in the chain is of an earlier request: what is sent meanwhile has an end of its own.
    """
    names: set[str] = set()
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, LotwiseError) and len(names) < 20:
        names.add(type(seen).__name__)
        reason = getattr(seen, "reason", None) or next(
            (part for part in getattr(seen, "args", ()) if isinstance(part, BaseException)), None
        )
        seen = seen.__cause__ or seen.__context__ or (reason if isinstance(reason, BaseException) else None)
    made = {"NewConnectionError", "NameResolutionError", "ConnectTimeout", "ConnectTimeoutError", "gaierror",
            "ConnectionRefusedError", "ProxyError", "SSLCertVerificationError"}  # fmt: skip
    return bool(names & made)


def exact_body(data: Any, params: Any = None) -> str:
    """JSON of a request's body: a Decimal becomes its digits, not a float's."""
    import msgspec

    return msgspec.json.Encoder(decimal_format="number").encode(data).decode()


def _nothing(*answer: Any) -> None:
    """ccxt's judgement by address is not asked."""


def _server_ms(answer: Any) -> int:
    """The time in an answer, wherever the venue puts it.

    >>> _server_ms({"result": {"timeNano": "1736121600000000000"}}), _server_ms({"serverTime": 5 * 10**12})
    (1736121600000, 5000000000000)
    """
    found = answer
    for name in ("data", "result"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    if isinstance(found, dict):
        if found.get("timeNano"):
            return int(found["timeNano"]) // MS
        found = found.get("serverTime") or found.get("time")
    try:
        return int(found)
    except (TypeError, ValueError):
        raise VenueError("BROKER-150", "a venue tells its time in a way that is not known", "") from None
