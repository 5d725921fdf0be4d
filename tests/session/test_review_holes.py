"""What a sceptic tries before putting money in: each hole that a review of the session looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from lotwise.broker.intents import Note
from lotwise.broker.live import SILENT
from lotwise.broker.policy import Policy
from lotwise.broker.venue import RateLimited
from lotwise.errors import InputError, VenueError
from lotwise.records.journal import Income
from lotwise.records.live import LIVE, VenueBalance, VenueOrder, VenuePosition
from lotwise.records.signal import Exit
from lotwise.session.flatten import Flattening
from lotwise.session.pipeline import NotTaken, Sent
from lotwise.store.failures import StoreError
from lotwise.strategy.api import Bar
from lotwise.units import Cash
from tests.session.auditor import Auditor
from tests.session.scene import AAA, BBB, Scene, entries, signal, targets
from tests.session.test_session_cases import begun, failing
from tests.session.venue_in_memory import E8, SECOND

Make = Callable[..., Scene]
DAY = 86_400 * SECOND


def broken_answer(*given: Any) -> Any:
    """A journal's reader cannot make anything of an answer: no VenueError."""
    raise InputError("JOURNAL-115", "the execution 7 has no price", "look at the venue's app")


# -- an answer that nobody foresaw


def test_executions_that_cannot_be_read_leave_nothing_naked(scene: Make) -> None:
    """The entry is filled by its order; its execution cannot be read, by an error of another kind."""
    s = begun(scene)
    good, s.venue.fills = s.venue.fills, broken_answer  # type: ignore[method-assign]
    assert isinstance(s.bar(AAA, signal()), Sent)
    assert s.stops() == [(302, 297_000)]  # what the order says is enough for a stop
    assert "the execution 7 has no price" in s.said("trouble")
    s.go(8)
    assert s.stops() == [(302, 297_000)]
    s.venue.fills = good  # type: ignore[method-assign]
    s.go(2)
    assert s.trade().mirror.held_lots == 302
    s.broker.close(AAA, "enough")
    s.go(6)
    assert Auditor(s, "unread").all_counted() == (2, 1)


def test_an_order_that_may_not_leave_is_refused_and_the_session_lives(scene: Make) -> None:
    """The allow-list refuses with an InputError: nothing was sent, and that is what the log says."""
    s = begun(scene)
    good = s.venue.place

    def place(order: Any) -> Any:
        if order.kind == "stop":
            raise InputError("BROKER-120", "own has no stop here", "docs/venues.md")
        return good(order)

    s.venue.place = place  # type: ignore[method-assign]
    assert isinstance(s.bar(AAA, signal()), Sent)
    assert "was refused: own has no stop here" in s.said("refused")
    s.go(6)
    assert s.venue.lots[AAA] == 0
    assert not s.broker.trades
    s.venue.place = lambda order: broken_answer()  # type: ignore[method-assign]
    assert isinstance(s.bar(BBB, signal()), NotTaken)
    assert not s.broker.trades


def test_the_watch_lives_through_any_answer(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    good, s.venue.positions = s.venue.positions, broken_answer  # type: ignore[method-assign]
    s.go(12)
    assert "the venue cannot be read: the execution 7 has no price" in s.said("trouble")
    s.venue.positions = good  # type: ignore[method-assign]
    s.go(12)
    assert s.stops() == [(302, 297_000)]


# -- the disk


class FullDisk:
    """Fails every write from a moment on."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.is_full, self.good = scene, False, scene.log.write
        scene.log.write = self.write  # type: ignore[method-assign]

    def write(self, time_ns: int, *notes: Note) -> None:
        """Refuse, or write."""
        if self.is_full:
            raise StoreError("STORE-103", "the disk is full", "make room")
        self.good(time_ns, *notes)


def test_a_full_disk_never_leaves_a_position_without_its_stop(scene: Make) -> None:
    s = begun(scene)
    disk = FullDisk(s)
    place = s.venue.place

    def fills_the_disk(order: Any) -> Any:
        disk.is_full = True
        return place(order)

    s.venue.place = fills_the_disk  # type: ignore[method-assign]
    assert isinstance(s.bar(AAA, signal(1, targets=targets(1, 300_000, 100))), Sent)
    assert s.stops() == [(302, 297_000)]
    assert s.standing("limit") == [(302, 301_000)]
    assert "cannot be kept: the disk is full" in s.said("trouble")
    s.venue.place = place  # type: ignore[method-assign]
    assert s.bar(BBB, signal()) in (NotTaken(SILENT), None)
    assert s.venue.lots[BBB] == 0
    s.go(7, AAA, 301_005)
    assert not s.broker.trades
    disk.is_full = False
    s.go(11)  # there is room again: all of it is kept, and trading goes on
    assert Auditor(s, "full").all_counted() == (2, 1)
    assert isinstance(s.bar(BBB, signal()), Sent)
    s.session()
    s.trader.begin()
    assert s.broker.held(BBB) == s.venue.lots[BBB] > 0


def test_a_disk_that_stays_full_to_the_end_costs_the_log_and_not_the_money(scene: Make) -> None:
    """What could not be kept is found at the venue again by the next session."""
    s = begun(scene)
    disk = FullDisk(s)
    place = s.venue.place
    s.venue.place = lambda order: (setattr(disk, "is_full", True), place(order))[1]  # type: ignore
    s.bar(AAA, signal())
    s.venue.place = place  # type: ignore[method-assign]
    disk.is_full = False
    s.session()  # the process dies with what was pending
    s.trader.begin()
    s.go(3)
    assert s.broker.held(AAA) == s.venue.lots[AAA] == 302
    assert sum(lots for lots, _ in s.stops()) >= 302
    s.go(12)
    s.broker.close(AAA, "enough")
    s.go(12)
    assert s.venue.lots[AAA] == 0
    assert not [one for one in s.venue.book.values() if one.order.state == "open"]


def test_no_entry_leaves_while_the_log_cannot_be_written(scene: Make) -> None:
    s = begun(scene)
    disk = FullDisk(s)
    disk.is_full = True
    assert s.bar(AAA, signal()) in (NotTaken(SILENT), None)
    assert not s.venue.accepted
    assert "the disk is full" in s.said("trouble") + s.said("refused")


def test_one_commit_stands_before_an_entry(scene: Make) -> None:
    """The plan, and whatever else has to be kept, in one transaction before the first order leaves."""
    s = scene()
    s.trader.begin()
    commits: list[tuple[str, ...]] = []
    good = s.log.write

    def write(time_ns: int, *notes: Note) -> None:
        commits.append(tuple(note.kind for note in (*(one for _, one in s.log.pending), *notes)))
        good(time_ns, *notes)

    s.log.write = write  # type: ignore[method-assign]
    left: list[int] = []
    place = s.venue.place
    s.venue.place = lambda order: (left.append(len(commits)), place(order))[1]  # type: ignore
    s.go(1)
    s.clock.time_ns += DAY  # the first event of a new day has the day's beginning to keep as well
    commits.clear()
    s.bar(AAA, signal())
    assert left == [1, 2]  # one before the entry, one more before its stop
    assert commits[0][-1] == "plan"
    assert "usage" in commits[0]
    assert commits[1][-1] == "send"
    assert {"took", "answer"} <= set(commits[1])


# -- an end with entries that wait


def test_a_graceful_end_takes_back_every_entry_that_waits(scene: Make) -> None:
    """Also the rest of a ladder whose first entry is held: it would fill with no stop behind it."""
    s = begun(scene)
    wanted = signal(1, entries=entries(1, (299_900, 50), (299_000, 50)), stop=297_000)
    s.bar(AAA, wanted)
    s.venue.move(AAA, 299_895)
    s.trader.on_fill(AAA)
    assert len(s.standing("limit")) == 1
    assert s.trader.stop("keep") == (AAA,)
    assert s.standing("limit") == []
    held = s.venue.lots[AAA]
    s.venue.move(AAA, 298_990)
    assert s.venue.lots[AAA] == held
    assert s.stops() == [(held, 297_000)]


def test_an_end_says_which_entries_could_not_be_taken_back(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal(1, entries=entries(1, (299_000, 100)), stop=297_000))
    s.venue.fault = lambda call: "down" if call == "cancel" else ""
    assert s.trader.stop("keep") == (AAA,)
    assert s.trader.entries_left() == (AAA,)
    assert "may fill while no session runs, without a stop" in s.said("trouble")


# -- limits that something goes around


def transfer(number: int, amount: int, time_ns: int) -> Income:
    """Money that came or went."""
    return Income(
        venue="own", income_id=str(number), kind="TRANSFER", coin="USDT", cash=amount * E8, time_ns=time_ns
    )


def test_two_transfers_move_the_starts_one_after_the_other(scene: Make) -> None:
    s = begun(scene, day_loss_share8=E8 // 50)
    s.bar(AAA)
    assert s.broker.usage.row.day_start_cash == 10_000 * E8
    s.clock.time_ns += SECOND
    s.venue.wallet += 20_000 * E8
    s.venue.incomes = [transfer(1, 10_000, s.clock.time_ns), transfer(2, 10_000, s.clock.time_ns)]
    s.session()
    s.trader.begin()
    assert s.broker.usage.row.day_start_cash == 30_000 * E8


def test_a_deposit_while_the_session_runs_is_no_gain_that_may_be_lost(scene: Make) -> None:
    s = begun(scene, day_loss_share8=E8 // 50)
    s.bar(AAA)
    s.go(5)
    s.venue.wallet += 10_000 * E8
    s.venue.incomes = [transfer(1, 10_000, s.clock.time_ns)]
    s.go(75)
    assert s.broker.usage.row.day_start_cash == 20_000 * E8
    assert s.said("recovered").count("money came or went") == 1
    s.session()
    s.trader.begin()
    s.go(75)
    assert s.broker.usage.row.day_start_cash == 20_000 * E8  # not a second time
    s.venue.wallet -= 400 * E8
    s.go(2)
    s.bar(AAA)
    assert s.broker.usage.row.day_locked == 1


def test_a_clock_that_jumps_does_not_end_the_day_s_lock(scene: Make) -> None:
    s = begun(scene, day_loss_share8=E8 // 50)
    s.bar(AAA)
    s.venue.wallet -= 400 * E8
    s.go(2)
    s.bar(AAA)
    assert s.broker.usage.row.day_locked == 1
    s.clock.time_ns += DAY
    s.venue.skew_ns = -DAY  # only our clock has jumped
    s.bar(AAA)
    assert s.broker.usage.row.day_locked == 1
    s.clock.time_ns -= DAY
    s.venue.skew_ns = 0
    s.go(11)
    assert not isinstance(s.bar(AAA, signal()), Sent)


def test_nothing_is_opened_in_the_very_moment_of_a_jump(scene: Make) -> None:
    s = begun(scene)
    s.clock.time_ns += 3_600 * SECOND
    s.venue.skew_ns = -3_600 * SECOND
    assert s.bar(AAA, signal()) == NotTaken(SILENT)
    assert not s.venue.accepted


def test_a_clock_set_back_keeps_the_bound_and_the_watch(scene: Make) -> None:
    """Spans are measured by a clock that may go back an hour: what waits for one does not wait an hour."""
    s = begun(scene)
    s.venue.fault = lambda call: "lost_before" if call.startswith("place stop") else ""
    s.bar(AAA, signal())
    assert s.venue.lots[AAA] == 302
    assert not s.stops()
    s.clock.time_ns -= 3_600 * SECOND
    s.venue.skew_ns = 3_600 * SECOND
    s.go(12)
    assert s.venue.lots[AAA] == 0
    s.venue.fault = lambda call: ""
    looked = s.trader.watch.looked_ns
    s.clock.time_ns -= 3_600 * SECOND
    s.trader.on_time()
    assert s.trader.watch.looked_ns != looked


def test_leverage_changed_by_hand_is_told_and_set_again(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    good = s.venue.positions

    def positions() -> Sequence[VenuePosition]:
        return [msgspec.structs.replace(one, leverage100=12_500) for one in good()]

    s.venue.positions = positions  # type: ignore[method-assign]
    s.go(12)
    assert "own:AAA stands at leverage 125, the session set 10" in s.said("trouble")
    assert s.said("trouble").count("stands at leverage") == 1
    s.venue.positions = good  # type: ignore[method-assign]
    s.bar(AAA, Exit("enough"))
    s.bar(AAA, signal())
    assert s.venue.prepared == [(AAA, 1_000, False)] * 2


def test_a_market_without_a_price_opens_nothing_and_moves_no_stop(scene: Make) -> None:
    s = begun(scene)
    good = s.venue.market
    wanted = signal(-1, targets=targets(-1, 300_000, 50, 50), trail_after=1, callback8=E8 // 200)
    s.bar(AAA, wanted)
    s.venue.move(AAA, 298_999)
    s.trader.on_fill(AAA)
    (before,) = s.stops()
    zero = msgspec.structs.replace(good(AAA), last_ticks=0)
    s.trader.on_market(zero)
    assert s.stops() == [before]
    s.venue.market = lambda name: zero  # type: ignore[method-assign]
    assert s.bar(BBB, signal(-1)) is None
    with pytest.raises(VenueError, match="BROKER-195"):
        s.broker.market(AAA)
    assert s.venue.lots[BBB] == 0


def test_a_signal_of_a_bar_that_is_not_the_last_opens_nothing(scene: Make) -> None:
    """After an hour without a line the missed bars come at once: they are memory, not orders."""
    s = begun(scene)
    last = s.venue.prices[AAA]
    s.strategies[AAA].answers = [signal(), None, Exit("old")]
    bar = Bar(s.clock.time_ns, last, last, last, last, 1_000)
    assert s.trader.on_bar(AAA, bar, is_late=True) is None
    assert not s.venue.accepted
    assert "its bar is not the last one" in s.said("refused")
    s.strategies[AAA].answers = [signal(), Exit("old")]
    assert isinstance(s.trader.on_bar(AAA, bar), Sent)
    s.trader.on_bar(AAA, bar, is_late=True)
    assert s.venue.lots[AAA] == 0  # to leave is always allowed


# -- reads that lie for a moment


def test_an_entry_that_a_read_misses_once_is_not_given_up(scene: Make) -> None:
    """Else it would fill later with nobody to place its stop."""
    s = begun(scene)
    s.bar(AAA, signal(1, entries=entries(1, (299_000, 100)), stop=297_000))
    s.go(60)
    good, order = s.venue.orders, s.venue.order
    s.venue.orders = lambda contract_id="": []  # type: ignore[method-assign]
    s.venue.order = lambda contract_id, client_id: None  # type: ignore[method-assign]
    s.trader.on_fill(AAA)
    s.venue.orders, s.venue.order = good, order  # type: ignore[method-assign]
    assert AAA in s.broker.trades
    s.venue.move(AAA, 298_995)
    s.trader.on_fill(AAA)
    assert s.stops() == [(s.venue.lots[AAA], 297_000)]


def test_a_stop_that_no_read_finds_is_placed_again_at_once(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    gone = next(one for one in s.venue.book.values() if one.order.kind == "stop")
    del s.venue.book[gone.order.venue_id]
    s.trader.on_fill(AAA)
    assert s.stops() == [(302, 297_000)]


# -- a venue that does not want to be asked


def test_while_the_venue_wants_quiet_it_is_not_asked_about_what_is_safe(scene: Make) -> None:
    """Who goes on asking after a 429 is banned, and cannot close any more."""
    s = begun(scene)
    s.bar(AAA, signal())
    s.venue.fault = failing("orders", "limited")
    s.trader.on_fill(AAA)
    calls = s.venue.calls
    for _ in range(3):
        s.trader.on_fill(AAA)
        s.trader.on_time()
    assert s.venue.calls == calls
    s.go(4)
    assert s.venue.calls > calls


def test_a_naked_position_is_protected_whatever_the_venue_wants(scene: Make) -> None:
    s = begun(scene)
    s.venue.fault = failing("place stop", "limited")
    s.bar(AAA, signal())
    s.trader.on_fill(AAA)
    assert s.stops() == [(302, 297_000)]


# -- the kill switch


def test_flatten_waits_for_the_venue_s_time(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        s.clock.time_ns += int(seconds * SECOND)

    until = s.clock.time_ns + 30 * SECOND

    def limited(call: str) -> str:
        if s.clock.time_ns < until:
            raise RateLimited("BROKER-140", "429", "wait", until_ns=until)
        return ""

    s.venue.fault = limited
    done = Flattening(s.venue, [AAA], clock=s.clock, chronicle=s.kept, wait=wait).run()
    assert done.is_flat
    assert s.venue.lots[AAA] == 0
    assert 29 <= sum(waited) <= 40


def test_flatten_goes_on_past_a_close_that_cannot_be_sent(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.bar(BBB, signal())
    good = s.venue.place

    def place(order: Any) -> VenueOrder:
        if order.contract_id == AAA:
            raise InputError("BROKER-122", "held on both sides", "close it on the app")
        return good(order)

    s.venue.place = place  # type: ignore[method-assign]
    done = Flattening(s.venue, [AAA, BBB], clock=s.clock, chronicle=s.kept).run()
    assert done.left == [AAA]
    assert s.venue.lots[BBB] == 0
    assert any("held on both sides" in said for said in done.errors)
    assert s.stops(AAA) == [(302, 297_000)]  # not closed: its stop stays


def test_flatten_gives_up_after_its_looks(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.venue.fault = lambda call: "down"
    waited: list[float] = []
    done = Flattening(s.venue, [AAA], clock=s.clock, chronicle=s.kept, wait=waited.append).run()
    assert done.left == [AAA]
    assert 3 <= sum(waited) <= 60


# -- bounds of the bounds


def test_a_naked_bound_of_an_hour_is_refused() -> None:
    with pytest.raises(InputError, match="SESSION-120"):
        Policy(naked_ns=3_600 * SECOND)
    assert Policy(naked_ns=60 * SECOND).naked_ns == 60 * SECOND


def test_partly_filled_then_the_stop_is_refused(scene: Make) -> None:
    """An entry of which a third filled, every stop refused, the rest still resting: all is gone in time."""
    s = begun(scene)
    s.bar(AAA, signal(1, entries=entries(1, (299_900, 100)), stop=297_000))
    s.venue.most_at_once = lambda lots: max(1, lots // 3)
    s.venue.fault = lambda call: "-4120" if call.startswith("place stop") else ""
    s.venue.move(AAA, 299_800)
    s.trader.on_fill(AAA)
    s.venue.most_at_once = lambda lots: lots
    assert s.venue.lots[AAA] > 0
    for _ in range(8):
        s.clock.time_ns += SECOND
        s.trader.on_time()
    assert s.venue.lots[AAA] == 0
    assert s.standing("limit") == []
    assert not s.broker.trades


def test_a_close_that_fills_in_part_is_sent_again(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.venue.most_at_once = lambda lots: -(-lots // 2)
    s.broker.close(AAA, "enough")
    for one in s.venue.book.values():  # a market order's rest expires
        if one.order.kind == "market" and one.order.state == "open":
            one.now(state="expired")
    s.venue.most_at_once = lambda lots: lots
    s.go(3)
    assert s.venue.lots[AAA] == 0
    assert not s.broker.trades


# -- a log that cannot be taken up, coins beside the account's own, an entry that no list shows


def test_a_start_that_is_refused_closes_nothing_off_in_the_log(scene: Make) -> None:
    """The file was edited and lacks the contract of an open trade: nothing of it may be lost over that."""
    s = scene(day_loss_share8=E8 // 50)
    s.trader.begin()
    assert isinstance(s.bar(AAA, signal(targets=targets(1, 300_000, 100))), Sent)
    s.venue.wallet -= 400 * E8
    s.go(2)
    s.bar(AAA)
    s.broker.lock("kill switch: by hand")
    before = s.broker.usage.saved()
    assert before["day_locked"] == 1
    s.session()
    del s.broker.contracts[AAA]
    with pytest.raises(InputError, match="BROKER-171"):
        s.trader.begin()
    assert s.trader.stop() == ()  # as the command does, whatever ended it
    s.session()
    assert s.trader.begin().trades == 1
    assert s.standing("limit"), "its target stands, and is ours"
    assert s.broker.usage.saved() == before
    assert not isinstance(s.bar(BBB, signal()), Sent)


def test_orders_of_an_earlier_process_are_named_to_the_venue_again(scene: Make) -> None:
    """MEXC tells no client id of a stop: without the venue's it would read as gone, and be placed twice."""
    s = begun(scene)
    assert isinstance(s.bar(AAA, signal(targets=targets(1, 300_000, 100))), Sent)
    s.go(2)
    standing = {one.client_id: one.venue_id for one in s.venue.orders(AAA) if one.state == LIVE}
    assert len(standing) == 2, "a stop and a target"
    named: dict[str, str] = {}
    s.venue.knows = named.__setitem__  # type: ignore[attr-defined]
    s.session().begin()
    assert standing.items() <= named.items()


@pytest.mark.parametrize("held_cash", [0, E8 // 100], ids=["a first one", "more of it"])
def test_another_coin_that_comes_or_goes_moves_no_limit(scene: Make, held_cash: int) -> None:
    """BNB for the fees is no part of an equity in USDT."""
    s = scene(day_loss_share8=E8 // 50)
    s.trader.begin()
    s.bar(AAA)
    s.go(5)
    good = s.venue.balance

    def balance(coin: str) -> VenueBalance:
        there = Cash(held_cash + E8 // 10)
        found = VenueBalance(
            coin=coin, wallet_cash=there, equity_cash=there, free_cash=there, margin_cash=Cash(0)
        )
        return found if coin == "BNB" else good(coin)

    before = s.broker.usage.row.day_start_cash
    s.venue.balance = balance  # type: ignore[method-assign]
    moved = {"venue": "own", "kind": "TRANSFER", "time_ns": s.clock.time_ns}
    s.venue.incomes = [Income(income_id="1", coin="BNB", cash=Cash(E8 // 10), **moved)]  # type: ignore[arg-type]
    s.go(75)
    row = s.broker.usage.row
    assert (row.day_start_cash, row.week_start_cash, row.day_locked) == (before, before, 0)
    s.venue.wallet -= 5_000 * E8
    s.go(3)
    s.bar(AAA)
    assert s.broker.usage.row.day_locked == 1
    assert not isinstance(s.bar(AAA, signal()), Sent)


def test_an_entry_that_no_list_shows_does_not_keep_its_stop_waiting(scene: Make) -> None:
    """It is to be cancelled, and has filled: its execution is told, the order itself for a while is not."""
    s = scene(policy=Policy(rest="cancel", rest_ns=0))
    s.trader.begin()
    s.bar(AAA, signal(entries=entries(1, (299_900, 100)), stop=297_000))
    s.go(30)
    (hidden,) = (one.client_id for one in s.trade().of("entry"))
    one_of, all_of = s.venue.order, s.venue.orders
    s.venue.order = lambda c, name: None if name == hidden else one_of(c, name)  # type: ignore[method-assign]
    s.venue.orders = lambda c="": [  # type: ignore[method-assign]
        order for order in all_of(c) if order.client_id != hidden
    ]
    s.venue.move(AAA, 299_800)
    s.trader.on_fill(AAA)
    lots = s.venue.lots[AAA]
    assert lots > 0
    assert s.stops() == [(lots, 297_000)]
    s.go(10)
    assert s.stops() == [(lots, 297_000)]
