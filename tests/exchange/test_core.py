"""The venue in process: restore is continue, incomes are the wallet, refusals by code, tapes by hand."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from lotwise.errors import InputError, LotwiseError
from lotwise.exchange import account as accounts
from lotwise.exchange.book import LEVELS, LadderModel, changes
from lotwise.exchange.faults import Fault, Faults
from lotwise.exchange.journal import FILE, Journal
from lotwise.exchange.market import MarketChoice, opened
from lotwise.exchange.venue import Venue, add_account
from lotwise.kernel import state as k
from lotwise.units import Cash

HOUR_NS = 3_600 * 10**9
CHOICE = MarketChoice(days=1, history_ns=HOUR_NS, detail=4)
CRASH = MarketChoice(days=2, scenario="crash", contracts=("BTCUSDT",), history_ns=HOUR_NS, detail=2)
DEPOSIT = Cash(1_000 * 10**8)


def code_of(action: Any) -> str:
    """The code of the error that an action raises."""
    with pytest.raises(LotwiseError) as caught:
        action()
    return caught.value.code


def traded(venue: Venue, name: str = "me") -> None:
    """Some orders of every kind, over some of the market."""
    account = venue.open_account(name, DEPOSIT)
    last = venue.market.tapes[0].last_ticks
    tell = [
        k.EventRow(kind=k.LEVERAGE, leverage100=2_000),
        k.EventRow(kind=k.PLACE, order_kind=k.MARKET, side=1, lots=4, tif=k.IOC),
        k.EventRow(kind=k.PLACE, order_kind=k.LIMIT, side=1, lots=2, price_ticks=last - 200),
        k.EventRow(
            kind=k.PLACE, order_kind=k.STOP_MARKET, side=-1, close_position=1, trigger_ticks=last - 2_000
        ),
        k.EventRow(kind=k.PLACE, order_kind=k.TRAILING, side=-1, lots=1, callback8=400_000, reduce_only=1),
    ]
    for number, event in enumerate(tell):
        assert venue.act(account, event, f"{name}{number}")[0] == 0
        venue.advance(venue.market.position + 700)


def left(venue: Venue) -> tuple[Any, Any, Any]:
    """All that a venue is."""
    kept = [account.saved() for account in venue.accounts.values()]
    tapes = [
        (tape.printed, tape.updates, tape.last_ticks, tape.ladder, len(tape.bars))
        for tape in venue.market.tapes
    ]
    return kept, tapes, (venue.market.position, venue.listen)


@pytest.mark.parametrize("with_snapshot", [False, True])
def test_a_venue_that_was_stopped_is_the_one_that_went_on(tmp_path: Path, with_snapshot: bool) -> None:
    whole, stopped = Venue(CHOICE), Venue(CHOICE, tmp_path)
    for venue in (whole, stopped):
        traded(venue, "first")
    key, secret = (stopped.accounts[1].key, stopped.accounts[1].secret)
    if with_snapshot:
        stopped.keep()
    stopped.accounts[1].key = whole.accounts[1].key  # keys are drawn: no two venues draw the same
    stopped.accounts[1].secret = whole.accounts[1].secret
    stopped.journal.close()  # no farewell: as a power cut would leave it
    again = Venue(CHOICE, tmp_path)
    assert (again.accounts[1].key, again.accounts[1].secret) == (key, secret)
    again.accounts[1].key, again.accounts[1].secret = whole.accounts[1].key, whole.accounts[1].secret
    assert left(again) == left(whole)
    for venue in (whole, again):
        venue.advance(venue.market.position + 4_000)
    assert left(again) == left(whole)
    again.close()


def test_incomes_are_the_wallet_through_a_liquidation() -> None:
    venue = Venue(CRASH)
    account = venue.open_account("me", Cash(2_000 * 10**8))
    assert venue.act(account, k.EventRow(kind=k.LEVERAGE, leverage100=5_000))[0] == 0
    assert venue.act(account, k.EventRow(kind=k.MARGIN_MODE, is_isolated=1))[0] == 0
    seen: dict[str, int] = defaultdict(int)
    venue.watchers.append(
        lambda told: [seen.__setitem__(h.kind, seen[h.kind] + 1) for t in told for h in t.happenings]
    )
    order = k.EventRow(kind=k.PLACE, order_kind=k.MARKET, side=1, lots=200, tif=k.IOC)
    assert venue.act(account, order)[0] == 0
    while venue.market.position < len(venue.market):
        venue.advance(venue.market.position + 1_000)
        wallet = account.state.account[0].cross_cash + sum(m.isolated_cash for m in account.state.markets)
        assert sum(one.cash for one in account.diary.incomes) == wallet
    assert seen["liquidated"] > 0
    assert seen["called"] > 0
    assert any(one.client_id.startswith("autoclose-") for one in account.diary.orders.values())
    assert account.state.markets[0].lots == 0


def test_bars_and_prints_are_those_of_a_slow_count() -> None:
    market = opened(CHOICE)
    slow: dict[int, list[Any]] = defaultdict(list)
    count = 0
    taken: dict[int, int] = defaultdict(int)
    bid = ask = 0
    for event in market.play(30_000):
        if event.kind == k.QUOTE and event.contract == 0:
            bid, ask = event.bid_ticks, event.ask_ticks
        if event.kind == k.TRADE and event.contract == 0:
            minute, price = event.time_ns // (60 * 10**9), event.price_ticks
            slow[minute].append((price, event.lots))
            taken[minute] += price * event.lots if abs(ask - price) <= abs(price - bid) else 0
            count += event.lots > 0
    tape = market.tapes[0]
    assert (tape.printed, len(tape.bars)) == (count, len(slow))
    for bar in tape.bars:
        rows = slow[bar.time_ns // (60 * 10**9)]
        prices = [price for price, _ in rows]
        assert (bar.open, bar.high, bar.low, bar.close) == (prices[0], max(prices), min(prices), prices[-1])
        assert (bar.lots, bar.ticks) == (sum(q for _, q in rows), sum(p * q for p, q in rows))
        assert 0 <= bar.taken_lots <= bar.lots
        assert bar.taken_ticks == taken[bar.time_ns // (60 * 10**9)]
    day = tape.day()
    assert day is not None
    assert day.lots == sum(q for rows in slow.values() for _, q in rows)


def test_a_ladder_is_the_same_for_the_same_quote_and_never_crosses() -> None:
    one, two = LadderModel(7, 0, 940_000, 10_000), LadderModel(7, 0, 940_000, 10_000)
    before = one.ladder((939_999, 5, 940_000, 6))
    assert before == two.ladder((939_999, 5, 940_000, 6))
    assert before != LadderModel(8, 0, 940_000, 10_000).ladder((939_999, 5, 940_000, 6))
    assert len(before.bids) == len(before.asks) == LEVELS
    assert max(before.bids) < min(before.asks)
    assert list(before.bids) == sorted(before.bids, reverse=True)
    assert list(before.asks) == sorted(before.asks)
    after = one.ladder((940_009, 5, 940_011, 6))
    told = changes(before.bids, after.bids)
    made = {**before.bids, **told}
    assert {price: lots for price, lots in made.items() if lots} == after.bids
    kept = set(before.bids) & set(after.bids) - {939_999, 940_009}
    assert kept
    assert all(before.bids[price] == after.bids[price] for price in kept)


def test_what_cannot_be_opened_is_refused_by_its_code(tmp_path: Path) -> None:
    assert code_of(lambda: opened(MarketChoice(source="dream"))) == "EXCHANGE-102"
    absent = MarketChoice(source="store", root=str(tmp_path / "none"))
    assert code_of(lambda: opened(absent)) == "EXCHANGE-103"
    assert code_of(lambda: opened(MarketChoice(days=1, contracts=("OWNCOIN",)))) == "EXCHANGE-104"
    venue = Venue(CHOICE, tmp_path / "a")
    assert code_of(lambda: Venue(CHOICE, tmp_path / "a")) == "EXCHANGE-110"
    venue.close()
    other = MarketChoice(days=1, seed=8, history_ns=HOUR_NS, detail=4)
    assert code_of(lambda: Venue(other, tmp_path / "a")) == "EXCHANGE-105"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / FILE).write_bytes(b"no base at all, but long enough to be read as one" * 40)
    assert code_of(lambda: Journal(tmp_path / "b")) == "EXCHANGE-111"


def test_accounts_are_refused_by_their_codes(tmp_path: Path) -> None:
    venue = Venue(CHOICE, tmp_path)
    venue.open_account("me", DEPOSIT, "k" * 20, "s" * 20)
    for name in ("me", "", " ", "x" * 41, "a\nb"):
        assert code_of(lambda name=name: venue.open_account(name, DEPOSIT)) == "EXCHANGE-106"
    for cash in (0, -1, 10**18):
        assert code_of(lambda cash=cash: venue.open_account("you", Cash(cash))) == "EXCHANGE-107"
    for key in ("k" * 20, "short", "with a blank, and long enough"):
        assert code_of(lambda key=key: venue.open_account("you", DEPOSIT, key, "s" * 20)) == "EXCHANGE-108"
    assert list(venue.accounts) == [1]
    venue.close()
    act = add_account(tmp_path, "offline", DEPOSIT)
    again = Venue(CHOICE, tmp_path)
    account = again.by_key[act.key]
    assert (account.name, account.state.account[0].cross_cash) == ("offline", DEPOSIT)
    again.close()


def test_after_a_disk_that_refuses_nothing_more_is_accepted(tmp_path: Path) -> None:
    venue = Venue(CHOICE, tmp_path)
    account = venue.open_account("me", DEPOSIT)
    venue.journal._base.execute("PRAGMA query_only=1")
    order = k.EventRow(kind=k.PLACE, order_kind=k.MARKET, side=1, lots=2, tif=k.IOC)
    assert code_of(lambda: venue.act(account, order)) == "EXCHANGE-112"
    assert code_of(lambda: venue.advance(venue.market.position + 1)) == "EXCHANGE-112"
    venue.journal.close()
    again = Venue(CHOICE, tmp_path)
    assert again.accounts[1].state.markets[0].lots == 0
    again.close()


def test_an_act_that_no_longer_fits_and_a_market_event_that_is_refused_stop_the_venue(tmp_path: Path) -> None:
    venue = Venue(CHOICE, tmp_path)
    venue.open_account("me", DEPOSIT)
    venue.journal.close()
    base = sqlite3.connect(tmp_path / FILE)
    base.execute(
        "INSERT INTO acts (position, act) VALUES (0, ?)", (b'{"do":"step","account":1,"event":{"kind":13}}',)
    )
    base.commit()
    base.close()
    assert code_of(lambda: Venue(CHOICE, tmp_path)) == "EXCHANGE-111"
    other = Venue(CHOICE)
    account = other.open_account("me", DEPOSIT)
    account.state.account[0].time_ns = 2**62
    assert code_of(lambda: other.advance(other.market.position + 5)) == "EXCHANGE-109"


def test_a_log_that_runs_over_is_an_error_not_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = Venue(CHOICE)
    account = venue.open_account("me", DEPOSIT)
    monkeypatch.setattr(accounts, "LOG_ROWS", 1)
    order = k.EventRow(kind=k.PLACE, order_kind=k.MARKET, side=1, lots=2, tif=k.IOC)
    assert code_of(lambda: venue.act(account, order)) == "EXCHANGE-101"


def test_faults_are_planned_used_up_and_refused() -> None:
    faults = Faults()
    faults.add(Fault(kind="latency", value=5, count=2, path="/order"))
    assert faults.take("latency", "/fapi/v1/ping") is None
    assert [faults.take("latency", "/fapi/v1/order") for _ in range(3)] == [5, 5, None]
    for bad in (Fault(kind="earthquake"), Fault(kind="limit", count=0), Fault(kind="latency", value=-1)):
        with pytest.raises(InputError, match="EXCHANGE-120"):
            faults.add(bad)
    faults.add(Fault(kind="limit", count=-1))
    assert [faults.take("limit") for _ in range(5)] == [0] * 5
    faults.clear()
    assert faults.take("limit") is None
