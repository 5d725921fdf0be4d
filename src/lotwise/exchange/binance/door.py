"""The door: who asks, whether the signature and the time are right, and which function answers."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from lotwise.clock import Clock
from lotwise.exchange.account import Account
from lotwise.exchange.binance import accounts, facts, orders, quotes
from lotwise.exchange.binance.parameters import Parameters
from lotwise.exchange.binance.refusals import Refusal
from lotwise.exchange.faults import Faults
from lotwise.exchange.venue import Venue

PUBLIC: Final = "public"
KEY: Final = "key"
READ: Final = "read"
WRITE: Final = "write"

WINDOW_MS: Final = 5_000
MOST_WINDOW_MS: Final = 60_000
AHEAD_MS: Final = 1_000
"""How far a timestamp may be ahead. Source: Binance USD-M, "Timing security"."""
_SIGNATURE: Final = re.compile(r"(?:^|&)signature=([^&]*)")
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_KEY: Final = re.compile(r"[0-9A-Za-z]{16,128}")


@dataclass(frozen=True)
class Request:
    """What came over the wire."""

    method: str
    path: str
    query: str
    body: str
    key: str


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Door:
    """Answers requests for one venue."""

    def __init__(self, venue: Venue, clock: Clock, faults: Faults, *, strict: bool = False) -> None:
        self.venue = venue
        self.clock = clock
        self.faults = faults
        self.is_strict = strict
        self.skew_ms = 0
        self._wait_s = 1

    @property
    def now_ms(self) -> int:
        """The server's time: the machine's, and what a fault adds."""
        return self.clock.now_ns() // 10**6 + self.skew_ms

    def strict(self, sent: Parameters) -> None:
        """In strict mode what nobody read is refused."""
        if self.is_strict and (unread := sent.unread()):
            raise Refusal(-1104, unread[0][:60])

    def answer(self, request: Request) -> Answer:
        """The answer to a request; refusals and faults too."""
        try:
            refused = self.planned(request.path)
            if refused is not None:
                raise refused
            body = msgspec.json.encode(self._routed(request))
            if self.faults.take("timeout", request.path) is not None:
                raise Refusal(-1007)
            return Answer(200, body)
        except Refusal as refusal:
            more = (("Retry-After", str(self._wait_s)),) if refusal.status in (418, 429) else ()
            return Answer(refusal.status, msgspec.json.encode(refusal.body), more)

    def planned(self, path: str) -> Refusal | None:
        """A fault that is planned for this request."""
        if self.faults.take("maintenance", path) is not None:
            return Refusal(-1016, status=503)
        if (seconds := self.faults.take("ban", path)) is not None:
            until, self._wait_s = self.now_ms + 1_000 * seconds, max(1, seconds)
            return Refusal(-1003, words=f"Way too many requests; IP banned until {until}.", status=418)
        if (seconds := self.faults.take("limit", path)) is not None:
            self._wait_s = max(1, seconds)
            return Refusal(-1003, str(facts.WEIGHT_LIMIT))
        if (code := self.faults.take("reject", path)) is not None:
            return Refusal(code, words=f"Planned refusal {code}.")
        if (skew := self.faults.take("skew", path)) is not None:
            self.skew_ms = skew
        return None

    def _routed(self, request: Request) -> Any:
        route = ROUTES.get((request.method, request.path))
        if route is None:
            raise Refusal(-1000, words=f"No such path: {request.method} {request.path[:80]}", status=404)
        kind, function = route
        return self.done(kind, function, request)

    def done(self, kind: str, function: Callable[..., Any], request: Request) -> Any:
        """What the function answers, for who may ask it."""
        if kind == PUBLIC:
            sent = Parameters.parsed(_joined(request))
            if function is _time:
                return {"serverTime": self.now_ms}
            if function is _info:
                sent.ignore("symbol")
                return facts.exchange_info(self.venue.market, self.now_ms)
            found = function(self.venue, sent)
            self.strict(sent)
            return found
        account = self.account(request.key)
        if kind == KEY:
            sent = Parameters.parsed(_joined(request))
            return function(self.venue, account, sent)
        sent = self.signed(request, account)
        if kind == READ:
            found = function(self.venue, account, sent)
            self.strict(sent)
            return found
        return function(self.venue, account, sent, self.strict)

    def account(self, key: str) -> Account:
        """The account of a key."""
        if not _KEY.fullmatch(key):
            raise Refusal(-2014)
        account = self.venue.by_key.get(key)
        if account is None:
            raise Refusal(-2015)
        return account

    def signed(self, request: Request, account: Account) -> Parameters:
        """The parameters of a signed request: HMAC-SHA256 over what was sent, as it was sent."""
        query, body = request.query, request.body
        given, query, body = _cut(query, body)
        sent = Parameters.parsed("&".join(filter(None, (query, body))))
        if not given:
            raise Refusal(-1102, "signature")
        stamp = sent.whole("timestamp", most=2**53)
        window = sent.whole("recvWindow", WINDOW_MS, most=2**53)
        if window > MOST_WINDOW_MS:
            raise Refusal(-1130, "recvWindow")
        self.check(account, query + body, given)
        self.check_time(stamp, window)
        return sent

    def check(self, account: Account, text: str, given: str) -> None:
        """Whether a text was signed with the account's secret."""
        wanted = hmac.new(account.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not _HEX.fullmatch(given) or not hmac.compare_digest(wanted, given.lower()):
            raise Refusal(-1022)

    def check_time(self, stamp_ms: int, window_ms: int) -> None:
        """Whether a request was made now."""
        now = self.now_ms
        if stamp_ms >= now + AHEAD_MS:
            raise Refusal(-1021, words="Timestamp for this request was 1000ms ahead of the server's time.")
        if now - stamp_ms > window_ms:
            raise Refusal(-1021)


def _joined(request: Request) -> str:
    return "&".join(filter(None, (request.query, request.body)))


def _cut(query: str, body: str) -> tuple[str, str, str]:
    """The signature, and query and body without it."""
    for text, place in ((body, 1), (query, 0)):
        if match := _SIGNATURE.search(text):
            left = text[: match.start()] + text[match.end() :]
            left = left.removeprefix("&") if match.start() == 0 else left
            return (match[1], query, left) if place else (match[1], left, body)
    return "", query, body


def _time(venue: Venue, sent: Parameters) -> Any:
    return {}


def _info(venue: Venue, sent: Parameters) -> Any:
    return {}


def _nothing(venue: Venue, sent: Parameters) -> Any:
    return {}


def _none(venue: Venue, account: Account, sent: Parameters) -> Any:
    return []


def _no_symbols(venue: Venue, sent: Parameters) -> Any:
    return {"timezone": "UTC", "rateLimits": [], "exchangeFilters": [], "symbols": []}


def _no_rows(venue: Venue, sent: Parameters) -> Any:
    return []


def _status(venue: Venue, sent: Parameters) -> Any:
    return {"status": 0, "msg": "normal"}


def _old_trades(venue: Venue, account: Account, sent: Parameters) -> Any:
    """Of the market, yet only for those who have a key."""
    return quotes.trades(venue, sent)


def _close_listen(venue: Venue, account: Account, sent: Parameters) -> Any:
    if not venue.close_listen(account):
        raise Refusal(-1125)
    return {}


Route = tuple[str, Callable[..., Any]]


def _table() -> dict[tuple[str, str], Route]:
    """Method and path to who may ask and what answers."""
    v1: dict[str, Route] = {
        "GET ping": (PUBLIC, _nothing),
        "GET time": (PUBLIC, _time),
        "GET exchangeInfo": (PUBLIC, _info),
        "GET klines": (PUBLIC, quotes.klines),
        "GET markPriceKlines": (PUBLIC, quotes.mark_klines),
        "GET indexPriceKlines": (PUBLIC, quotes.index_klines),
        "GET premiumIndexKlines": (PUBLIC, quotes.premium_klines),
        "GET aggTrades": (PUBLIC, quotes.aggregate_trades),
        "GET trades": (PUBLIC, quotes.trades),
        "GET historicalTrades": (KEY, _old_trades),
        "GET depth": (PUBLIC, quotes.depth),
        "GET ticker/24hr": (PUBLIC, quotes.ticker_day),
        "GET ticker/price": (PUBLIC, quotes.ticker_price),
        "GET ticker/bookTicker": (PUBLIC, quotes.book_ticker),
        "GET premiumIndex": (PUBLIC, quotes.premium_index),
        "GET fundingRate": (PUBLIC, quotes.funding_rate),
        "GET fundingInfo": (PUBLIC, quotes.funding_info),
        "GET openInterest": (PUBLIC, quotes.open_interest),
        "POST order": (WRITE, orders.place),
        "GET order": (READ, orders.query),
        "PUT order": (WRITE, orders.amend),
        "DELETE order": (WRITE, orders.cancel),
        "POST order/test": (WRITE, orders.place_test),
        "POST batchOrders": (WRITE, orders.place_batch),
        "DELETE batchOrders": (WRITE, orders.cancel_batch),
        "DELETE allOpenOrders": (WRITE, orders.cancel_all),
        "GET openOrder": (READ, orders.query_open),
        "GET openOrders": (READ, orders.open_orders),
        "GET allOrders": (READ, orders.all_orders),
        "POST algoOrder": (WRITE, orders.place_algo),
        "GET algoOrder": (READ, orders.query_algo),
        "DELETE algoOrder": (WRITE, orders.cancel_algo),
        "DELETE algoOpenOrders": (WRITE, orders.cancel_all_algos),
        "GET openAlgoOrders": (READ, orders.open_algos),
        "GET allAlgoOrders": (READ, orders.all_algos),
        "GET forceOrders": (READ, orders.force_orders),
        "POST leverage": (WRITE, accounts.set_leverage),
        "POST marginType": (WRITE, accounts.set_margin_type),
        "POST positionMargin": (WRITE, accounts.move_margin),
        "GET positionMargin/history": (READ, accounts.margin_history),
        "GET positionSide/dual": (READ, accounts.position_mode),
        "POST positionSide/dual": (WRITE, accounts.set_position_mode),
        "GET multiAssetsMargin": (READ, accounts.multi_assets),
        "GET symbolConfig": (READ, accounts.symbol_config),
        "GET accountConfig": (READ, accounts.account_config),
        "GET commissionRate": (READ, accounts.commission_rate),
        "GET leverageBracket": (READ, accounts.leverage_bracket),
        "GET userTrades": (READ, accounts.user_trades),
        "GET income": (READ, accounts.income),
        "GET adlQuantile": (READ, accounts.adl_quantile),
        "POST listenKey": (KEY, accounts.open_listen),
        "PUT listenKey": (KEY, accounts.renew_listen),
        "DELETE listenKey": (KEY, _close_listen),
    }
    rest: dict[str, Route] = {
        "GET /fapi/v2/ticker/price": (PUBLIC, quotes.ticker_price),
        "GET /fapi/v2/account": (READ, accounts.account_v2),
        "GET /fapi/v3/account": (READ, accounts.account_v3),
        "GET /fapi/v2/balance": (READ, accounts.balance),
        "GET /fapi/v3/balance": (READ, accounts.balance),
        "GET /fapi/v2/positionRisk": (READ, accounts.positions_v2),
        "GET /fapi/v3/positionRisk": (READ, accounts.positions_v3),
        "GET /sapi/v1/capital/config/getall": (READ, _none),
        "GET /sapi/v1/margin/allPairs": (PUBLIC, _no_rows),
        "GET /sapi/v1/margin/isolated/allPairs": (PUBLIC, _no_rows),
        "GET /sapi/v1/system/status": (PUBLIC, _status),
        "GET /api/v3/exchangeInfo": (PUBLIC, _no_symbols),
        "GET /dapi/v1/exchangeInfo": (PUBLIC, _no_symbols),
    }
    found = {}
    for name, route in v1.items():
        method, _, path = name.partition(" ")
        found[method, f"/fapi/v1/{path}"] = route
    for name, route in rest.items():
        method, _, path = name.partition(" ")
        found[method, path] = route
    return found


ROUTES: Final = _table()
