"""Unmodified ccxt trades on the exchange; the kernel, played by hand, must agree to the last 1e-8."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra lotwise[exchange] is not installed")
ccxt = pytest.importorskip("ccxt")

from lotwise.exchange import account as accounts  # noqa: E402
from lotwise.exchange.market import MarketChoice, opened  # noqa: E402
from lotwise.exchange.venue import Venue, standing_events  # noqa: E402
from lotwise.kernel import exposure, machine  # noqa: E402
from lotwise.kernel import state as k  # noqa: E402
from lotwise.kernel.snapshot import state_hash  # noqa: E402
from tests.exchange.served import SYMBOL, Server, client  # noqa: E402

HOUR_NS = 3_600 * 10**9
CHOICE = MarketChoice(days=1, history_ns=HOUR_NS)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path / "state")
    yield found
    found.stop()


class ByHand:
    """The kernel alone: the same market, the same commands, no server."""

    def __init__(self, deposit_cash: int) -> None:
        self.market = opened(CHOICE)
        for _ in self.market.play(self.market.position_at(self.market.first_ns + HOUR_NS)):
            pass
        rows = (self.market.rows, self.market.tiers)
        self.state = accounts.opened(1, "me", "", "", rows).state
        for tape in self.market.tapes:
            for event in standing_events(tape, self.market.now_ns):
                assert self.do(event) == 0
        assert self.do(k.EventRow(kind=k.TRANSFER, cash=deposit_cash)) == 0
        self.fills: list[Any] = []

    def do(self, event: k.EventRow) -> int:
        """One step; the log is kept as rows."""
        event.time_ns = self.market.now_ns
        before, self.state.account[0].logged = self.state.account[0].logged, 0
        code = machine.step(self.state, [event])
        if code:
            self.state.account[0].logged = before
            return code
        for row in self.state.log[: self.state.account[0].logged]:
            if row.kind in (k.LOG_FILL, k.LOG_FUNDING):
                self.fills.append((row.kind, row.price_ticks, row.lots, row.fees_cash, row.funding_cash))
        return code

    def play(self, count: int) -> None:
        """The market goes on."""
        for event in self.market.play(self.market.position + count):
            assert self.do(event) == 0

    def place(self, kind: int, side: int, lots: int, **fields: int) -> int:
        """Place an order; the code."""
        tif = fields.pop("tif", k.IOC if kind == k.MARKET else k.GTC)
        event = k.EventRow(kind=k.PLACE, order_kind=kind, side=side, lots=lots, tif=tif, **fields)
        return self.do(event)


def cash(text: str) -> int:
    """Text of the venue in 1e-8, exact."""
    scaled = Decimal(text) * 10**8
    assert scaled == int(scaled), text
    return int(scaled)


def test_a_session_through_ccxt_is_the_kernel_played_by_hand(server: Server) -> None:
    server.account()
    ex, hand = client(server.port), ByHand(1000 * 10**8)
    last = hand.market.tapes[0].last_ticks

    def price(ticks: int) -> float:
        return float(Decimal(ticks) / 10)

    ex.set_leverage(10, SYMBOL)
    assert hand.do(k.EventRow(kind=k.LEVERAGE, leverage100=1_000)) == 0
    ex.set_margin_mode("isolated", SYMBOL)
    assert hand.do(k.EventRow(kind=k.MARGIN_MODE, is_isolated=1)) == 0
    bought = ex.create_order(SYMBOL, "market", "buy", 0.004)
    assert hand.place(k.MARKET, 1, 4) == 0
    assert bought["status"] == "closed"
    assert cash(bought["info"]["cumQuote"]) == hand.fills[0][1] * 4 * 10**4  # tick 0.1 x lot 0.001, in 1e-8
    ex.create_order(SYMBOL, "limit", "buy", 0.002, price(last - 300))
    assert hand.place(k.LIMIT, 1, 2, price_ticks=last - 300) == 0
    edited = ex.create_order(SYMBOL, "limit", "buy", 0.002, price(last - 500), {"postOnly": True})
    assert hand.place(k.LIMIT, 1, 2, price_ticks=last - 500, post_only=1) == 0
    ex.edit_order(edited["id"], SYMBOL, "limit", "buy", 0.003, price(last - 400))
    assert hand.do(k.EventRow(kind=k.AMEND, order_id=3, lots=3, price_ticks=last - 400)) == 0
    ex.create_order(
        SYMBOL, "market", "sell", 0.004, None, {"stopLossPrice": price(last - 3_000), "reduceOnly": True}
    )
    assert hand.place(k.STOP_MARKET, -1, 4, trigger_ticks=last - 3_000, reduce_only=1) == 0
    ex.create_order(SYMBOL, "market", "sell", 0.002, None, {"trailingPercent": 0.5, "reduceOnly": True})
    assert hand.place(k.TRAILING, -1, 2, callback8=500_000, reduce_only=1) == 0
    taking = {"takeProfitPrice": price(last + 9_000), "reduceOnly": True}
    ex.create_order(SYMBOL, "limit", "sell", 0.001, price(last + 9_100), taking)
    assert (
        hand.place(k.TAKE_LIMIT, -1, 1, trigger_ticks=last + 9_000, price_ticks=last + 9_100, reduce_only=1)
        == 0
    )
    ex.add_margin(SYMBOL, 5)
    assert hand.do(k.EventRow(kind=k.ISOLATED_MARGIN, cash=5 * 10**8)) == 0
    ex.create_order("ETH/USDT:USDT", "market", "sell", 0.05)
    assert hand.place(k.MARKET, -1, 50, contract=1) == 0
    with pytest.raises(ccxt.OrderNotFillable):
        ex.create_order(SYMBOL, "limit", "buy", 0.002, price(last + 500), {"postOnly": True})
    assert hand.place(k.LIMIT, 1, 2, price_ticks=last + 500, post_only=1) == -5022

    for _ in range(12):
        server.step(8_000)
        hand.play(8_000)
        assert server.asked("GET", "/status")["hashes"]["me"] == state_hash(hand.state)
    assert len(hand.fills) >= 6  # market orders, limit orders, a stop or a trailing stop, funding
    assert {kind for kind, *_ in hand.fills} == {k.LOG_FILL, k.LOG_FUNDING}
    assert_same_money(ex, hand)


def assert_same_money(ex: Any, hand: ByHand) -> None:
    """Balance, positions, trades and incomes as ccxt was told them are the kernel's."""
    state = hand.state
    told = ex.fetch_balance()["info"]
    wallet = state.account[0].cross_cash + sum(market.isolated_cash for market in state.markets)
    pnl = sum(exposure.pnl(state, c) for c in range(2))
    assert cash(told["totalWalletBalance"]) == wallet
    assert cash(told["totalUnrealizedProfit"]) == pnl
    assert cash(told["totalMarginBalance"]) == wallet + pnl
    assert cash(told["availableBalance"]) == max(0, exposure.available(state))
    assert cash(told["totalMaintMargin"]) == sum(exposure.maintenance(state, c) for c in range(2))
    trades = [*ex.fetch_my_trades(SYMBOL), *ex.fetch_my_trades("ETH/USDT:USDT")]
    fees = sum(cash(one["info"]["commission"]) for one in trades)
    assert fees == state.account[0].fees_cash == sum(fill[3] for fill in hand.fills)
    incomes = [cash(one["info"]["income"]) for one in ex.fetch_ledger(limit=1000)]
    assert sum(incomes) == wallet
    funding = [cash(one["info"]["income"]) for one in ex.fetch_funding_history(limit=1000)]
    assert funding
    assert sum(funding) == -state.account[0].funding_cash
    positions = {one["info"]["symbol"]: one for one in ex.fetch_positions()}
    for c, symbol in enumerate(("BTCUSDT", "ETHUSDT")):
        market = state.markets[c]
        if market.lots == 0:
            assert symbol not in positions
            continue
        one = positions[symbol]
        assert Decimal(one["info"]["positionAmt"]) * 1000 == market.lots
        assert cash(one["info"]["unRealizedProfit"]) == exposure.pnl(state, c)
        assert cash(one["info"]["isolatedWallet"]) == market.isolated_cash
        assert cash(one["info"]["maintMargin"]) == exposure.maintenance(state, c)
        assert one["side"] == ("long" if market.lots > 0 else "short")
    assert positions  # ETH is still held


def test_every_order_of_the_wire_table_is_placed_found_and_cancelled(server: Server) -> None:
    server.account()
    ex = client(server.port)
    last = ex.fetch_ticker(SYMBOL)["last"]
    ex.set_leverage(10, SYMBOL)
    held = ex.create_order(SYMBOL, "market", "buy", 0.004)
    assert (held["status"], held["filled"]) == ("closed", 0.004)
    low, high = round(last * 0.97, 1), round(last * 1.03, 1)
    in_book = {
        "limit": ex.create_order(SYMBOL, "limit", "buy", 0.002, low),
        "post": ex.create_order(SYMBOL, "limit", "buy", 0.002, low, {"postOnly": True}),
        "named": ex.create_order(SYMBOL, "limit", "buy", 0.002, low, {"clientOrderId": "of-mine.1"}),
    }
    assert in_book["post"]["info"]["timeInForce"] == "GTX"
    assert ex.create_order(SYMBOL, "limit", "buy", 0.002, low, {"timeInForce": "IOC"})["status"] == "expired"
    with pytest.raises(ccxt.OrderNotFillable):
        ex.create_order(SYMBOL, "limit", "buy", 0.002, low, {"timeInForce": "FOK"})
    asked = {"reduceOnly": True}
    waiting = {
        "stop": ex.create_order(SYMBOL, "market", "sell", 0.002, None, {**asked, "stopLossPrice": low}),
        "stop limit": ex.create_order(
            SYMBOL, "limit", "sell", 0.002, low - 10, {**asked, "stopLossPrice": low}
        ),
        "take": ex.create_order(SYMBOL, "market", "sell", 0.002, None, {**asked, "takeProfitPrice": high}),
        "trigger": ex.create_order(SYMBOL, "market", "buy", 0.002, None, {"triggerPrice": high}),
        "trailing": ex.create_order(SYMBOL, "market", "sell", 0.002, None, {**asked, "trailingPercent": 1}),
        "close": ex.create_order(
            SYMBOL, "STOP_MARKET", "sell", None, None, {"stopPrice": low, "closePosition": True}
        ),
    }
    assert {one["id"] for one in ex.fetch_open_orders(SYMBOL)} == {one["id"] for one in in_book.values()}
    found = ex.fetch_open_orders(SYMBOL, params={"trigger": True})
    assert {one["id"] for one in found} == {one["id"] for one in waiting.values()}
    for one in in_book.values():
        assert ex.fetch_order(one["id"], SYMBOL)["status"] == "open"
    for one in waiting.values():
        assert ex.fetch_order(one["id"], SYMBOL, {"trigger": True})["id"] == one["id"]
    by_name = ex.fetch_order(None, SYMBOL, {"origClientOrderId": "of-mine.1"})
    assert by_name["id"] == in_book["named"]["id"]
    ex.cancel_order(waiting["stop"]["id"], SYMBOL, {"trigger": True})
    ex.cancel_order(in_book["limit"]["id"], SYMBOL)
    assert ex.fetch_order(in_book["limit"]["id"], SYMBOL)["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        ex.cancel_order(in_book["limit"]["id"], SYMBOL)
    ex.cancel_orders([in_book["post"]["id"], in_book["named"]["id"]], SYMBOL)
    assert ex.fetch_open_orders(SYMBOL) == []
    ex.cancel_all_orders(SYMBOL, {"trigger": True})
    assert ex.fetch_open_orders(SYMBOL, params={"trigger": True}) == []
    both = [{"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.002, "price": low}] * 2
    assert [one["status"] for one in ex.create_orders(both)] == ["open", "open"]
    ex.cancel_all_orders(SYMBOL)
    assert ex.fetch_open_orders(SYMBOL) == []
    assert ex.create_order(SYMBOL, "market", "sell", 0.004, None, asked)["status"] == "closed"
    assert ex.fetch_positions() == []


def test_market_data_reads_the_same_from_every_side(server: Server) -> None:
    server.account()
    server.step(3_000)
    ex, venue = client(server.port), Venue(CHOICE)
    venue.advance(venue.market.position + 3_000)
    tape = venue.market.tapes[0]
    trades = ex.fetch_trades(SYMBOL, limit=1000)
    assert [(one["info"]["a"], Decimal(one["info"]["p"]) * 10) for one in trades] == [
        (one.id, one.price_ticks) for one in list(tape.prints)[-1000:]
    ]
    book = ex.fetch_order_book(SYMBOL, 100)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert [Decimal(str(row[0])) * 10 for row in book["bids"]] == list(tape.ladder.bids)
    bars = ex.fetch_ohlcv(SYMBOL, "5m", limit=50)
    minutes = [
        bar for bar in tape.bars if bar.time_ns // (300 * 10**9) == tape.bars[-1].time_ns // (300 * 10**9)
    ]
    assert Decimal(str(bars[-1][2])) * 10 == max(bar.high for bar in minutes)
    assert Decimal(str(bars[-1][5])) * 1000 == sum(bar.lots for bar in minutes)
    assert ex.fetch_ticker(SYMBOL)["last"] == float(Decimal(tape.last_ticks) / 10)
    assert Decimal(ex.fetch_funding_rate(SYMBOL)["info"]["markPrice"]) * 10**8 == tape.mark8
    tiers = ex.fetch_leverage_tiers()[SYMBOL]
    contract = venue.market.contracts[0]
    assert [float(one.maintenance_rate) for one in contract.tiers] == [
        one["maintenanceMarginRate"] for one in tiers
    ]
    market = ex.market(SYMBOL)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
    assert market["limits"]["cost"]["min"] == 100
    assert ex.fetch_mark_ohlcv(SYMBOL, "1m", limit=2)[-1][4] == float(Decimal(tape.mark8) / 10**8)
    assert abs(ex.fetch_time() - ex.milliseconds()) < 60_000


REFUSED = [
    ("InsufficientFunds", -2019, ("market", "buy", 5.0, None, {})),
    ("InvalidOrder", -4164, ("limit", "buy", 0.001, 0.98, {})),
    ("InvalidOrder", -2022, ("market", "sell", 0.002, None, {"reduceOnly": True})),
    ("OrderImmediatelyFillable", -2021, ("market", "sell", 0.002, None, {"stopLossPrice": 1.01})),
    ("OperationRejected", -4061, ("market", "buy", 0.002, None, {"positionSide": "LONG"})),
]


def test_refusals_reach_ccxt_as_what_they_are_and_change_nothing(server: Server) -> None:
    server.account()
    ex = client(server.port)
    last = ex.fetch_ticker(SYMBOL)["last"]
    before = server.asked("GET", "/status")["hashes"]
    for name, code, (kind, side, amount, share, given) in REFUSED:
        params = {
            key: round(last * 1.01, 1) if key == "stopLossPrice" else value for key, value in given.items()
        }
        with pytest.raises(ccxt.ExchangeError) as caught:
            ex.create_order(SYMBOL, kind, side, amount, round(last * share, 1) if share else None, params)
        assert type(caught.value).__name__ == name
        assert f'"code":{code}' in str(caught.value)
    with pytest.raises(ccxt.MarginModeAlreadySet):
        ex.set_margin_mode("cross", SYMBOL)
    with pytest.raises(ccxt.BadRequest, match="hedge mode"):
        ex.set_position_mode(True)
    ex.secret = "x" * 64
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        ex.fetch_balance()
    assert server.asked("GET", "/status")["hashes"] == before


def test_the_dangerous_calls_surface_in_strict_mode(tmp_path: Path) -> None:
    server = Server(tmp_path / "state", "--strict")
    try:
        server.account()
        ex = client(server.port)
        ex.create_order(SYMBOL, "market", "buy", 0.002)
        before = server.asked("GET", "/status")["hashes"]
        for params in (
            {"trailingAmount": 500, "reduceOnly": True},
            {"stopLoss": {"triggerPrice": 45000}},
            {"leverage": 5},
        ):
            with pytest.raises(ccxt.BadRequest, match="-1104"):
                ex.create_order(SYMBOL, "market", "sell", 0.002, None, params)
        assert server.asked("GET", "/status")["hashes"] == before
        assert (
            ex.create_order(SYMBOL, "market", "sell", 0.002, None, {"reduceOnly": True})["status"] == "closed"
        )
    finally:
        assert server.stop() == 0
