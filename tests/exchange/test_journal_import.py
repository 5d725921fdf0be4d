"""``lotwise journal import --ccxt``: real ccxt against the local exchange, stored answers of other venues."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
ccxt = pytest.importorskip("ccxt")

from lotwise.app.journal_import import Wanted, fetch_trades, keys_of  # noqa: E402
from lotwise.app.journal_pages import FEEDS, Asking, halved, numbered  # noqa: E402
from lotwise.cli.main import main  # noqa: E402
from lotwise.clock import FixedClock  # noqa: E402
from lotwise.errors import LotwiseError, VenueError  # noqa: E402
from lotwise.journal.contracts import Facts  # noqa: E402
from lotwise.journal.shelf import Journal  # noqa: E402
from lotwise.ledger.entries import balances, from_fills, from_incomes  # noqa: E402
from lotwise.ledger.keep import read_incomes  # noqa: E402
from lotwise.ledger.reconcile import reconcile  # noqa: E402
from tests.exchange.served import KEY, SECRET, SYMBOL, Server, client  # noqa: E402

E8 = 10**8
BEGAN, ENDED = "2025-01-06", "2025-01-08"
SINCE_MS = 1_736_121_600_000
NOW_NS = 1_736_640_000 * 10**9


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path / "state")
    found.account(deposit="50000")
    yield found
    found.stop()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal.at(tmp_path / "journal.sqlite")
    yield found
    found.close()


def refused(code: str, call: Callable[[], object]) -> LotwiseError:
    with pytest.raises(LotwiseError) as caught:
        call()
    assert caught.value.code == code, caught.value
    return caught.value


def traded(server: Server, rounds: int) -> Any:
    """Round trips of a real client, a partial close in each, funding in between."""
    found = client(server.port)
    for _ in range(rounds):
        found.create_order(SYMBOL, "market", "buy", 0.03)
        server.step(400)
        found.create_order(SYMBOL, "market", "sell", 0.01)
        server.step(100)
        found.create_order(SYMBOL, "market", "sell", 0.04)
        server.step(50)
        found.create_order(SYMBOL, "market", "buy", 0.02)
        server.step(50)
    return found


def environment(server: Server) -> dict[str, str]:
    return {
        "LOTWISE_BINANCE_KEY": KEY,
        "LOTWISE_BINANCE_SECRET": SECRET,
        "LOTWISE_VENUE_URL": f"http://127.0.0.1:{server.port}",
    }


def test_a_venues_trades_are_brought_and_go_on_where_they_were(
    server: Server, journal: Journal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = traded(server, 3)
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "*")
    place = str(journal.database.path)
    theirs = found.fetch_my_trades(SYMBOL)
    until = found.iso8601(theirs[-1]["timestamp"] + 1)
    asked = ["journal", "import", "--ccxt", "binance", "--json", "--journal", place, "--until"]
    assert main([*asked, until]) == 2, "nobody said where to begin"
    assert "JOURNAL-152" in capsys.readouterr().out
    assert main([*asked, until, "--since", BEGAN]) == 0
    (told,) = json.loads(capsys.readouterr().out)["files"]
    assert told["fills"] == len(theirs) == len(journal.fills()) == 12
    assert told["trades"] == 6
    assert [fill.trade_id for fill in journal.fills()] == [str(row["info"]["id"]) for row in theirs]
    assert sum(fill.fee_cash for fill in journal.fills()) == sum(
        int(Decimal(str(row["info"]["commission"])) * E8) for row in theirs
    )
    for trip in journal.all():
        assert trip.realised_cash == trip.venue_realised_cash
    with journal.database.read() as connection:
        incomes = read_incomes(connection)
    entries = [*from_fills(journal.fills()), *from_incomes(incomes)]
    assert reconcile(entries, incomes) == []
    wallet = Decimal(found.fetch_balance()["info"]["totalWalletBalance"])
    assert balances(entries)["USDT"]["wallet"] == int(wallet * E8), "the ledger holds what the venue holds"
    traded(server, 1)
    assert main([*asked, ENDED]) == 0
    (more,) = json.loads(capsys.readouterr().out)["files"]
    assert (more["fills"], len(journal.fills())) == (4, 16)
    assert main([*asked, ENDED]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["fills"] == 0


def test_a_network_that_fails_between_pages_loses_and_doubles_nothing(
    server: Server, journal: Journal
) -> None:
    traded(server, 2)
    env = environment(server)
    wanted = Wanted("binance", since_ms=SINCE_MS, until_ms=SINCE_MS + 2 * 86_400_000)
    pauses: list[float] = []
    whole = fetch_trades(
        journal, wanted, Facts(), clock=FixedClock(NOW_NS), environment=env, pause=pauses.append
    )
    assert (whole.fills, pauses) == (8, [])
    from lotwise.app.refresh import connect

    broken = connect("binance", KEY, SECRET, env)
    broken.options["fetchCurrencies"] = False
    broken.has["fetchCurrencies"] = False
    real, calls = broken.fetch_my_trades, []

    def unsteady(*given: Any, **more: Any) -> Any:
        calls.append(given)
        if len(calls) < 3:
            raise ccxt.NetworkError(f"lost GET /fapi/v1/userTrades?signature=abc apiKey {KEY}")
        return real(*given, **more)

    broken.fetch_my_trades = unsteady
    again = fetch_trades(
        journal, wanted, Facts(), clock=FixedClock(NOW_NS), exchange=broken, pause=pauses.append
    )
    assert (again.fills, pauses) == (0, [1, 2])
    broken.fetch_my_trades = lambda *given, **more: (_ for _ in ()).throw(
        ccxt.NetworkError(f"lost, apiKey {KEY} and {SECRET}")
    )
    error = refused(
        "VENUE-502",
        lambda: fetch_trades(
            journal, wanted, Facts(), clock=FixedClock(NOW_NS), exchange=broken, pause=pauses.append
        ),
    )
    assert KEY not in str(error)
    assert SECRET not in str(error)
    assert "***" in error.message
    assert len(journal.fills()) == 8


class Stored:
    """A ccxt exchange of a venue whose HTTP answers are stored; what was asked is kept."""

    def __init__(self, venue: str, answers: Callable[[str, dict[str, Any]], Any]) -> None:
        self.real = getattr(ccxt, {"binance": "binanceusdm"}.get(venue, venue))(
            {"apiKey": KEY, "secret": SECRET, "password": "p", "enableRateLimit": False}
        )
        contract = {"bingx": "BTC-USDT", "mexc": "BTC_USDT"}.get(venue, "BTCUSDT")
        market = self.real.safe_market_structure(
            {
                "id": contract,
                "symbol": SYMBOL,
                "base": "BTC",
                "quote": "USDT",
                "settle": "USDT",
                "type": "swap",
                "spot": False,
                "swap": True,
                "contract": True,
                "linear": True,
                "inverse": False,
                "contractSize": 1.0,
            }
        )
        self.real.set_markets([market])
        self.real.load_markets = lambda *given, **more: self.real.markets
        self.real.has["fetchTime"] = False
        self.asked: list[dict[str, Any]] = []

        def request(
            path: str, api: Any = "public", method: str = "GET", params: Any = None, *_: Any, **__: Any
        ) -> Any:
            sent = dict(params or {})
            self.asked.append({"path": path} | sent)
            return answers(path, sent)

        self.real.request = request


def stored(journal: Journal, venue: str, contract: str, answers: Callable[..., Any], **more: Any) -> Any:
    exchange = Stored(venue, answers)
    wanted = Wanted(venue, contracts=(contract,), since_ms=SINCE_MS)
    clock = FixedClock(NOW_NS)
    told = fetch_trades(journal, wanted, Facts(), clock=clock, exchange=exchange.real, **more)
    return told, exchange.asked


def stamp(hours: int) -> int:
    return SINCE_MS + hours * 3_600_000


def test_bybit_is_followed_by_its_cursor_and_tells_forced_closes_and_funding(journal: Journal) -> None:
    def row(number: int, side: str, price: str, hours: int, kind: str = "Trade", pnl: str = "0") -> Any:
        return {
            "symbol": "BTCUSDT",
            "execId": f"e{number}",
            "orderId": str(number),
            "side": side,
            "execPrice": price,
            "execQty": "0.01",
            "execFee": "0.05",
            "feeCurrency": "USDT",
            "execTime": str(stamp(hours)),
            "isMaker": False,
            "execType": kind,
            "execPnl": pnl,
            "stopOrderType": "",
            "seq": number,
        }

    pages = {
        ("Trade", ""): ([row(1, "Buy", "94000", 1)], "next"),
        ("Trade", "next"): ([row(2, "Buy", "94100", 2)], ""),
        ("BustTrade", ""): (
            [
                row(4, "Sell", "90000", 30, "BustTrade", "-41"),
            ],
            "",
        ),
        ("Funding", ""): ([row(3, "Buy", "94000", 8, "Funding")], ""),
    }
    sell = row(5, "Sell", "90000", 30, "BustTrade", "-40")

    def answers(path: str, sent: dict[str, Any]) -> Any:
        assert path == "v5/execution/list"
        fitting, cursor = pages.get((sent["execType"], sent.get("cursor", "")), ([], ""))
        if sent["execType"] == "BustTrade":
            fitting = [*fitting, sell]
        inside = [one for one in fitting if sent["startTime"] <= int(one["execTime"]) <= sent["endTime"]]
        return {"retCode": 0, "result": {"list": inside, "nextPageCursor": cursor}, "time": stamp(0)}

    told, asked = stored(journal, "bybit", "BTCUSDT", answers)
    assert (told.fills, told.incomes, told.passed) == (4, 1, 0)
    (trip,) = journal.all()
    assert (trip.exit_kind, trip.funding_cash, trip.realised_cash) == ("liquidation", -5_000_000, -81 * E8)
    assert {"next"} == {one["cursor"] for one in asked if "cursor" in one}
    assert all(one["endTime"] - one["startTime"] <= 7 * 86_400_000 for one in asked)


def test_bingx_is_asked_page_by_page(journal: Journal) -> None:
    def row(number: int, side: str, price: str, hours: int) -> Any:
        moment = f"2025-01-06T{8 + hours:02d}:00:00.000+0800"
        return {
            "symbol": "BTC-USDT",
            "qty": "0.0001",
            "price": price,
            "quoteQty": "9.4",
            "commission": "-0.0047",
            "commissionAsset": "USDT",
            "orderId": str(number),
            "tradeId": str(number),
            "filledTime": moment,
            "side": side,
            "positionSide": "LONG",
            "role": "taker",
        }

    opening = [row(number, "BUY", "94000", 1) for number in range(1, 1_001)]
    rest = [row(1_001, "BUY", "94000", 2), *(row(n, "SELL", "95000", 3) for n in range(1_002, 1_012))]

    def answers(path: str, sent: dict[str, Any]) -> Any:
        if path == "user/income":
            inside = sent["startTime"] <= stamp(2) <= sent["endTime"]
            income = {
                "symbol": "BTC-USDT",
                "incomeType": "FUNDING_FEE",
                "income": "-0.0292",
                "asset": "USDT",
                "info": "Funding Fee",
                "time": stamp(2) + 5,
                "tranId": "170",
                "tradeId": "170",
            }
            return {"code": 0, "data": [income] if inside else []}
        assert path == "trade/fillHistory"
        first_week = sent["startTs"] <= stamp(1)
        page = {1: opening, 2: rest}.get(sent["pageIndex"], []) if first_week else []
        return {"code": 0, "data": {"fill_history_orders": page}}

    told, asked = stored(journal, "bingx", "BTC-USDT", answers)
    assert (told.fills, told.incomes, told.unplaced) == (1_011, 1, 0)
    (trip,) = journal.all()
    assert (trip.fee_cash, trip.funding_cash, trip.fills) == (1_011 * 470_000, -2_920_000, 1_011)
    assert trip.position_side == "long"
    assert [one["pageIndex"] for one in asked if "pageIndex" in one][:2] == [1, 2]


def test_mexc_counts_contracts_and_tells_funding_without_a_coin(journal: Journal) -> None:
    def row(number: int, side: str, price: str, hours: int, profit: str) -> Any:
        return {
            "id": str(number),
            "symbol": "BTC_USDT",
            "side": side,
            "vol": "100",
            "price": price,
            "feeCurrency": "USDT",
            "fee": "0.188",
            "timestamp": str(stamp(hours)),
            "profit": profit,
            "category": "1",
            "orderId": "9",
            "positionMode": "1",
            "taker": True,
        }

    deals = [row(2, "4", "94500", 20, "5"), row(1, "1", "94000", 1, "0")]
    funding = [
        {"id": 8, "symbol": "BTC_USDT", "positionType": 1, "funding": "-0.0301", "settleTime": stamp(16)},
        {"id": 7, "symbol": "BTC_USDT", "positionType": 1, "funding": "0.01", "settleTime": SINCE_MS - 1},
    ]

    def answers(path: str, sent: dict[str, Any]) -> Any:
        if path == "position/funding_records":
            return {"success": True, "data": {"resultList": funding}}
        assert path == "order/list/order_deals"
        assert sent["end_time"] - sent["start_time"] <= 90 * 86_400_000
        return {"success": True, "data": deals if sent["page_num"] == 1 else []}

    told, _ = stored(journal, "mexc", "BTC_USDT", answers)
    assert (told.fills, told.incomes) == (2, 1)
    (trip,) = journal.all()
    assert (trip.realised_cash, trip.funding_cash, trip.coin) == (5 * E8, -3_010_000, "USDT")
    again, asked = stored(journal, "mexc", "BTC_USDT", answers)
    assert (again.fills, len(journal.fills())) == (0, 2)
    assert min(one["start_time"] for one in asked if "start_time" in one) > SINCE_MS, "it went on at the end"


def test_weex_is_asked_again_in_halves_where_a_page_is_full(journal: Journal) -> None:
    fills = [
        {
            "id": 700 + number,
            "orderId": 5,
            "symbol": "BTCUSDT",
            "buyer": number < 150,
            "commission": "0.01",
            "commissionAsset": "USDT",
            "maker": False,
            "price": "94000.0" if number < 150 else "94100.0",
            "qty": "0.0010",
            "quoteQty": "94",
            "realizedPnl": "0" if number < 150 else "0.1",
            "side": "BUY" if number < 150 else "SELL",
            "positionSide": "LONG",
            "time": stamp(1) + number * 1_000,
        }
        for number in range(300)
    ]

    def answers(path: str, sent: dict[str, Any]) -> Any:
        if path == "capi/v3/account/income":
            bill = {
                "billId": "79",
                "asset": "USDT",
                "symbol": "BTCUSDT",
                "income": "-0.00000378",
                "incomeType": "position_funding",
                "balance": "29.3",
                "fillFee": "0",
                "time": str(stamp(1) + 200_500),
                "transferReason": "UNKNOWN_TRANSFER_REASON",
            }
            inside = sent["startTime"] <= int(bill["time"]) <= sent["endTime"]
            return {"hasNextPage": False, "nextKey": None, "items": [bill] if inside else []}
        assert path == "capi/v3/userTrades"
        inside = [one for one in fills if sent["startTime"] <= one["time"] <= sent["endTime"]]
        return inside[-100:]  # the newest of them

    told, _ = stored(journal, "weex", "BTCUSDT", answers)
    assert (told.fills, told.incomes) == (300, 1)
    (trip,) = journal.all()
    assert (trip.realised_cash, trip.venue_realised_cash, trip.funding_cash) == (15 * E8, 15 * E8, -378)


def asking() -> Asking:
    return Asking(ccxt.weex(), "BTCUSDT", 0, 7, lambda call: call())


def test_pages_that_never_end_are_told() -> None:
    crowd = halved(lambda asking, first, last: [1] * 5, 5)
    assert "one millisecond" in refused("JOURNAL-153", lambda: list(crowd(asking()))).message
    endless = numbered(lambda asking, number: [number], 1)
    assert "no end" in refused("JOURNAL-153", lambda: list(endless(asking()))).message


def test_halves_hold_every_row_once_and_in_order() -> None:
    rows = [0, 0, 1, 3, 3, 3, 5, 6, 7]
    pages = halved(lambda asking, first, last: [one for one in rows if first <= one <= last][:4], 4)
    assert [one for page in pages(asking()) for one in page] == rows


def test_what_cannot_be_fetched_is_said(journal: Journal) -> None:
    clock = FixedClock(NOW_NS)
    error = refused(
        "JOURNAL-150", lambda: fetch_trades(journal, Wanted("kraken"), Facts(), clock=clock, environment={})
    )
    assert "binance, bybit, bingx, mexc, weex" in error.hint
    for venue in FEEDS:
        found = refused("JOURNAL-151", lambda venue=venue: keys_of(venue, {}))
        assert f"LOTWISE_{venue.upper()}_KEY" in found.hint
    half = {"LOTWISE_WEEX_KEY": "k", "LOTWISE_WEEX_SECRET": "s"}
    assert "PASSPHRASE" in refused("JOURNAL-151", lambda: keys_of("weex", half)).hint
    assert keys_of("weex", half | {"LOTWISE_WEEX_PASSPHRASE": "p"})["password"] == "p"
    assert keys_of("weex", half | {"LOTWISE_WEEX_PASSWORD": "p"})["password"] == "p"  # what it was called
    none = lambda path, sent: {"retCode": 0, "result": {"list": []}}  # noqa: E731
    assert refused("JOURNAL-150", lambda: stored(journal, "bybit", "NOSUCH", none)).message.endswith(
        "'NOSUCH'"
    )
    empty = Stored("mexc", none).real
    refused(
        "JOURNAL-152",
        lambda: fetch_trades(journal, Wanted("mexc", since_ms=1), Facts(), clock=clock, exchange=empty),
    )
    assert journal.count() == 0


def test_keys_may_lie_in_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    kept = {("lotwise", "LOTWISE_MEXC_KEY"): "k", ("lotwise", "LOTWISE_MEXC_SECRET"): "s"}
    monkeypatch.setattr(keyring, "get_password", lambda service, name: kept.get((service, name)))
    assert keys_of("mexc", {}) == {"apiKey": "k", "secret": "s"}

    def locked(service: str, name: str) -> str:
        raise keyring.errors.KeyringError("locked")

    monkeypatch.setattr(keyring, "get_password", locked)
    refused("JOURNAL-151", lambda: keys_of("mexc", {}))


def test_a_key_that_is_refused_is_not_shown(journal: Journal) -> None:
    def answers(path: str, sent: dict[str, Any]) -> Any:
        raise ccxt.AuthenticationError(f"bybit {{apiKey: {KEY}}} is not valid")

    error = refused("VENUE-504", lambda: stored(journal, "bybit", "BTCUSDT", answers))
    assert isinstance(error, VenueError)
    assert KEY not in f"{error.message} {error.hint}"
    assert error.__cause__ is None, "what ccxt raised is not passed on"
