"""What a trader sees: each thing that goes wrong, by its name, with the words that are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lotwise.broker.live import NOT_OURS, NOT_SENT, SILENT
from lotwise.broker.policy import Policy
from lotwise.broker.venue import VenueDown
from lotwise.errors import InputError
from lotwise.guard.judge import judge_open
from lotwise.kernel.portfolio_rows import BAD_ENTRIES
from lotwise.records.guard import Approved, Refused
from lotwise.records.journal import Income
from lotwise.records.signal import Exit
from lotwise.session import pipeline as pipeline_module
from lotwise.session.flatten import Flattening
from lotwise.session.pipeline import NotSized, NotTaken, Sent
from lotwise.units import Cash, Rate8
from tests.session.auditor import Auditor
from tests.session.scene import AAA, BBB, Scene, entries, signal, targets
from tests.session.venue_in_memory import E8, SECOND, Crash

Make = Callable[..., Scene]


def begun(scene: Make, **given: Any) -> Scene:
    """A session that has begun."""
    made = scene(**given)
    found = made.trader.begin()
    assert found.is_whole
    return made


def failing(call: str, *faults: str) -> Callable[[str], str]:
    """These faults, one after the other, at calls whose name begins so."""
    left = list(faults)
    return lambda asked: left.pop(0) if asked.startswith(call) and left else ""


def test_a_trade_from_approval_to_its_end(scene: Make) -> None:
    s = begun(scene)
    sent = s.bar(AAA, signal(1, targets=targets(1, 300_000, 50, 50), breakeven_after=1))
    assert isinstance(sent, Sent)
    lots = sent.lots
    assert s.venue.lots[AAA] == lots
    assert s.stops() == [(lots, 297_000)]
    assert s.standing("limit") == [(lots // 2, 301_000), (lots // 2, 302_000)]
    assert s.venue.prepared == [(AAA, 1_000, False)]
    (told,) = s.kept.of("stop_seen")
    assert told.numbers["naked_ns"] == 0
    s.venue.move(AAA, 301_001)
    s.trader.on_fill(AAA)
    (stop,) = s.stops()
    assert stop[0] == lots // 2
    # break-even: entry at 300,001, the fee of both ways is 0.1 % of it
    assert 300_300 < stop[1] < 300_304
    s.go(1, AAA, 300_200)
    s.go(6)
    assert s.venue.lots[AAA] == 0
    assert not s.broker.trades
    assert s.stops() == [] == s.standing("limit")
    fills, trades = Auditor(s, "one trade").all_counted()
    assert (fills, trades) == (3, 1)


def test_the_intent_is_on_the_disk_before_the_order_leaves(scene: Make) -> None:
    s = begun(scene)
    s.venue.fault = failing("place market", "crash_before")
    with pytest.raises(Crash):
        s.bar(AAA, signal())
    assert not s.venue.accepted
    kinds = [event.kind for event in s.log.database.events(s.log.stream)]
    assert kinds[-1] == "plan"
    s.session()
    s.trader.begin()
    assert s.broker.waits(AAA)  # it may still arrive
    s.go(40)
    assert not s.broker.trades
    assert "never arrived" in s.said("unknown")
    assert not s.venue.accepted
    assert s.broker.usage.row.day_trades == 0


def test_an_answer_that_is_lost_after_the_order_arrived(scene: Make) -> None:
    s = begun(scene)
    s.venue.fault = failing("place market", "lost_after")
    assert isinstance(s.bar(AAA, signal()), Sent)
    assert len([one for one in s.venue.accepted if not one.is_reduce_only]) == 1
    assert s.stops()
    assert "no answer; it is looked for" in s.said("unknown")


def test_an_entry_that_arrives_late_is_protected(scene: Make) -> None:
    s = begun(scene)
    s.venue.fault = failing("place market", "late")
    assert isinstance(s.bar(AAA, signal()), Sent)
    assert not s.venue.lots[AAA]
    s.go(2)
    assert s.venue.lots[AAA]
    assert s.stops() == [(s.venue.lots[AAA], 297_000)]


def test_insufficient_margin(scene: Make) -> None:
    s = begun(scene)
    s.venue.fault = failing("place market", "-2019")
    outcome = s.bar(AAA, signal())
    assert outcome == NotTaken(-2019)
    assert "entry of 302 lots at the market of own:AAA was refused: the venue says -2019" in s.said("refused")
    assert not s.broker.trades
    assert s.broker.usage.row.day_trades == 0


def test_the_wrong_address_for_stops(scene: Make) -> None:
    """-4120: the venue takes no stop here. The position is closed once the bound is over, not left naked."""
    s = begun(scene)
    s.venue.fault = lambda call: "-4120" if call.startswith("place stop") else ""
    s.bar(AAA, signal())
    assert s.venue.lots[AAA] == 302
    assert "stop of 302 lots at 29700.0 of own:AAA was refused: the venue says -4120" in s.said("refused")
    s.go(6)
    assert s.venue.lots[AAA] == 0
    assert "302 lots of own:AAA are without a seen stop for 5.000 s, 5.000 s are allowed" in s.said("naked")
    assert "no stop was seen for 5.000 s" in s.said("ended")


def test_a_closer_stop_that_is_refused_is_asked_for_again(scene: Make) -> None:
    """The stop before it stands meanwhile: asked for every 5 s, and taken when the venue takes it."""
    s = begun(scene)
    s.bar(AAA, signal(1, targets=targets(1, 300_000, 50, 50), breakeven_after=1))
    (before,) = s.stops()
    asked: list[str] = []

    def refused(call: str) -> str:
        if not call.startswith("place stop"):
            return ""
        asked.append(call)
        return "-4120"

    s.venue.fault = refused
    s.go(2, AAA, 301_001)  # the first target
    held = s.venue.lots[AAA]
    assert 0 < held < before[0]
    s.go(28)
    assert s.stops() == [before]
    assert 4 <= len(asked) <= 7
    assert not s.said("naked")
    s.venue.fault = lambda call: ""
    s.go(8)
    ((lots, ticks),) = s.stops()
    assert (lots, ticks > 300_000 > before[1]) == (held, True)


def test_a_stop_whose_price_is_passed(scene: Make) -> None:
    s = begun(scene)
    s.venue.fault = failing("place stop", "-2021")
    s.bar(AAA, signal())
    assert s.venue.lots[AAA] == 0
    assert "own:AAA: the price is beyond its stop" in s.said("ended")


def test_the_network_is_cut_with_a_position(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.venue.fault = lambda call: "down"
    s.go(20)
    assert s.said("trouble").count("the venue cannot be read: the network is cut") == 1
    assert s.stops() == [(302, 297_000)]  # it stands at the venue, whoever is there to see
    s.strategies[BBB].answers = [signal()]
    assert s.bar(BBB) is None
    assert "own:BBB was not opened: the network is cut" in s.said("trouble")
    s.venue.fault = lambda call: ""
    s.go(6)
    assert "the venue answers again" in s.said("trouble")
    assert s.venue.lots[AAA] == 302


def test_the_network_is_cut_between_entry_and_stop(scene: Make) -> None:
    s = begun(scene)
    calls = 0

    def cut(call: str) -> str:
        nonlocal calls
        calls += call.startswith("place market")
        return "down" if calls and not call.startswith("place market") and call != "log" else ""

    s.venue.fault = cut
    s.bar(AAA, signal())
    s.go(3)
    assert s.venue.lots[AAA] == 302
    assert not s.stops()
    s.go(4)
    assert s.venue.lots[AAA] == 0  # reads fail, the close gets through: reduce-only, so it is tried blindly
    assert "are without a seen stop" in s.said("naked")
    s.venue.fault = lambda call: ""
    s.go(6)
    assert not s.broker.trades
    assert Auditor(s, "cut").all_counted() == (2, 1)


def test_the_venue_is_down_at_the_start(scene: Make) -> None:
    s = scene()
    s.venue.fault = lambda call: "down" if call != "log" else ""
    assert not s.trader.begin().is_whole
    s.venue.fault = lambda call: ""
    assert s.bar(AAA, signal()) == NotTaken(SILENT)
    assert "what stands at the venue was not read yet" in s.said("refused")
    s.go(11)
    assert isinstance(s.bar(AAA, signal()), Sent)


def test_the_rate_limit(scene: Make) -> None:
    s = begun(scene)
    s.venue.fault = failing("place market", "limited")
    assert s.bar(AAA, signal()) == NotTaken(NOT_SENT)
    assert "429: too many requests" in s.said("trouble")
    s.venue.fault = lambda call: ""
    assert s.bar(AAA, signal()) == NotTaken(SILENT)
    assert "the venue was asked too often" in s.said("refused")
    s.go(3)
    assert isinstance(s.bar(AAA, signal()), Sent)


def test_the_clock_is_five_seconds_off(scene: Make) -> None:
    s = begun(scene)
    s.venue.skew_ns = 5 * SECOND
    s.go(11)
    assert s.bar(AAA, signal()) == NotTaken(SILENT)
    assert "the venue's clock is +5.0 s from ours, 2.0 s are allowed: nothing is opened" in s.said("skew")
    s.venue.skew_ns = 0
    s.go(11)
    assert isinstance(s.bar(AAA, signal()), Sent)


def test_a_partial_fill_then_cancel(scene: Make) -> None:
    s = begun(scene, policy=Policy(rest="cancel", rest_ns=3 * SECOND))
    s.bar(AAA, signal(1, entries=entries(1, (299_900, 100)), stop=297_000))
    s.venue.most_at_once = lambda lots: lots // 3
    s.venue.move(AAA, 299_800)
    s.venue.most_at_once = lambda lots: 0
    s.trader.on_fill(AAA)
    held = s.venue.lots[AAA]
    assert 0 < held < 302
    assert s.stops() == [(held, 297_000)]
    assert len(s.standing("limit")) == 1
    s.go(4)
    assert s.standing("limit") == []
    assert s.stops() == [(held, 297_000)]
    assert f"stop of {held} lots at 29700.0 seen on the venue" in s.said("stop_seen")


def test_the_rest_of_an_entry_is_kept(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal(1, entries=entries(1, (299_900, 100)), stop=297_000, entry_valid_ns=20 * SECOND))
    s.venue.most_at_once = lambda lots: lots // 2
    s.venue.move(AAA, 299_800)
    s.venue.most_at_once = lambda lots: 0
    s.go(6)
    assert s.stops() == [(s.venue.lots[AAA], 297_000)]
    assert len(s.standing("limit")) == 1
    s.go(15)
    assert s.standing("limit") == []  # its time is up
    assert s.venue.lots[AAA] > 0


def test_a_stop_cancelled_on_the_app_is_put_back(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    next(one for one in s.venue.book.values() if one.order.kind == "stop").now(state="cancelled")
    s.go(6)
    assert s.stops() == [(302, 297_000)]
    assert "was cancelled by someone else: it is put back" in s.said("stop_gone")


@pytest.mark.parametrize("stop_gone", ["replace", "flatten"])
def test_a_stop_that_the_venue_ends_with_the_position_is_not_gone_by_someone(
    scene: Make, stop_gone: Any
) -> None:
    """Targets close all: the venue ends the stop by itself, and the stop is read before the targets."""
    s = begun(scene, policy=Policy(stop_gone=stop_gone))
    s.bar(AAA, signal(1, targets=targets(1, 300_000, 100)))
    s.venue.move(AAA, 301_001)
    stop = next(one.order for one in s.venue.book.values() if one.order.kind == "stop")
    assert (s.venue.lots[AAA], stop.state) == (0, "expired")
    s.go(6)
    assert not s.broker.trades
    assert s.said("stop_gone") == ""
    assert "someone else" not in s.said("ended") + s.said("closing")


def test_a_stop_moved_away_is_put_back_and_one_moved_closer_stays(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    stop = next(one for one in s.venue.book.values() if one.order.kind == "stop")
    stop.now(trigger_ticks=295_000)
    s.go(6)
    assert s.stops() == [(302, 297_000)]
    assert "someone moved the stop from 29700.0 to 29500.0: farther away" in s.said("stop_moved")
    stop = [one for one in s.venue.book.values() if one.order.kind == "stop"][-1]
    stop.now(trigger_ticks=298_000)
    s.go(6)
    assert s.stops() == [(302, 298_000)]
    assert "closer, it stays there" in s.said("stop_moved")
    s.session()
    s.trader.begin()
    assert s.trade().mirror.stop_ticks == 298_000


@pytest.mark.parametrize("how", ["cancelled", "moved"])
def test_with_flatten_a_lost_stop_closes_the_position(scene: Make, how: str) -> None:
    s = begun(scene, policy=Policy(stop_gone="flatten"))
    s.bar(AAA, signal())
    stop = next(one for one in s.venue.book.values() if one.order.kind == "stop")
    stop.now(**({"state": "cancelled"} if how == "cancelled" else {"trigger_ticks": 295_000}))
    s.go(6)
    assert s.venue.lots[AAA] == 0
    assert "someone else" in s.said("ended")


def test_a_position_closed_by_hand(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal(1, targets=targets(1, 300_000, 100)))
    s.venue.by_hand(AAA, -1, 100)
    s.go(6)
    assert s.stops() == [(202, 297_000)]
    assert s.standing("limit") == [(202, 301_000)]
    s.venue.by_hand(AAA, -1, 202)
    s.go(6)
    assert not s.broker.trades
    assert s.stops() == [] == s.standing("limit")


def test_positions_of_others_count_and_are_not_touched(scene: Make) -> None:
    s = begun(scene, positions=1)
    s.venue.by_hand(BBB, 1, 50)
    s.venue.by_hand(BBB, -1, 50, kind="stop", trigger_ticks=290_000, is_reduce_only=True)
    before = len(s.venue.accepted)
    s.go(11)
    assert "a position that is not ours stands in own:BBB: 50 lots" in s.said("foreign")
    assert "an order that is not ours stands in own:BBB" in s.said("foreign")
    refused = s.bar(AAA, signal())
    assert isinstance(refused, Refused)
    assert refused.rule == "positions"
    assert len(s.venue.accepted) == before
    assert s.broker.usage.row.day_trades == 1
    s.venue.incomes = [
        Income(
            venue="own",
            income_id="1",
            kind="REALIZED_PNL",
            contract="BBB",
            coin="USDT",
            cash=-5 * E8,
            time_ns=s.clock.time_ns,
        )
    ]
    s.venue.by_hand(BBB, -1, 50)
    s.go(11)
    assert s.broker.usage.row.losses == 1
    assert s.broker.usage.row.positions == 0
    assert isinstance(s.bar(AAA, signal()), Sent)


def test_nothing_is_opened_where_a_position_stands(scene: Make) -> None:
    s = begun(scene)
    s.venue.by_hand(AAA, 1, 5)
    assert s.bar(AAA, signal()) == NotTaken(NOT_OURS)
    assert "a position stands there already" in s.said("foreign")


def test_a_stale_market_opens_nothing_and_keeps_exits(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.bar(BBB)
    s.go(35)
    assert "own:BBB: no news of its market for 31 s, 30 s are allowed" in s.said("stale")
    assert s.stops() == [(302, 297_000)]
    assert BBB in s.broker.silent
    s.bar(BBB)
    assert BBB not in s.broker.silent


def test_a_time_stop_closes(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal(1, hold_ns=10 * SECOND, targets=targets(1, 300_000, 100)))
    s.go(9)
    assert s.venue.lots[AAA] == 302
    s.go(2)
    assert s.venue.lots[AAA] == 0
    assert "its time is up" in s.said("ended")


def test_a_trailing_stop_follows_on_the_venue(scene: Make) -> None:
    s = begun(scene)
    wanted = signal(1, targets=targets(1, 300_000, 50, 50), trail_after=1, callback8=Rate8(E8 // 200))
    s.bar(AAA, wanted)
    s.venue.move(AAA, 301_001)
    s.trader.on_fill(AAA)
    (first,) = s.stops()
    assert first[1] == -(-301_000 * 995 // 1_000)
    s.venue.move(AAA, 301_900)
    s.trader.on_market(s.venue.market(AAA))
    assert s.stops() == [(first[0], -(-301_900 * 995 // 1_000))]
    s.venue.move(AAA, 301_500)
    s.trader.on_market(s.venue.market(AAA))
    assert s.stops()[0][1] == -(-301_900 * 995 // 1_000)


def test_turning_and_leaving(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal(1))
    assert s.bar(AAA, signal(1)) is None  # it has one
    assert isinstance(s.bar(AAA, signal(-1)), Sent)
    assert s.venue.lots[AAA] < 0
    s.bar(AAA, Exit("enough"))
    assert s.venue.lots[AAA] == 0
    assert not s.broker.trades
    assert Auditor(s, "turned").all_counted() == (4, 2)


def test_a_strategy_that_raises_opens_nothing_more(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.strategies[AAA].answers = ["buy"]
    s.bar(AAA)
    assert "failed: TypeError: it answered str, no Signal, Exit or None; its exits stay" in s.said("trouble")
    assert s.stops() == [(302, 297_000)]
    assert "its strategy failed" in s.broker.silent[AAA]


def test_a_graceful_end(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.bar(BBB, signal(1, entries=entries(1, (299_000, 100)), stop=297_000))
    assert s.trader.stop("keep") == (AAA,)
    assert s.stops() == [(302, 297_000)]
    assert s.standing("limit", BBB) == []
    assert s.trader.stop("flatten") == ()
    assert s.venue.lots[AAA] == 0


def test_the_kill_switch_locks(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    assert s.trader.kill("enough") == ()
    assert s.venue.lots[AAA] == 0
    assert isinstance(s.bar(AAA, signal()), Refused)
    s.session()
    s.trader.begin()
    refused = s.bar(AAA, signal())
    assert isinstance(refused, Refused)
    assert refused.rule == "locked"
    s.broker.unlock("rested")
    assert isinstance(s.bar(AAA, signal()), Sent)


def test_flatten_works_when_the_session_is_dead(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal(1, targets=targets(1, 300_000, 100)))
    s.bar(BBB, signal(1, entries=entries(1, (299_000, 100)), stop=297_000))
    s.venue.fault = failing("place market", "lost_before", "limited")
    killing = Flattening(s.venue, [AAA, BBB], clock=s.clock, chronicle=s.kept)
    done = killing.run()
    assert done.is_flat
    assert done.closed == 1
    assert not any(s.venue.lots.values())
    assert not [one for one in s.venue.book.values() if one.order.state == "open"]
    assert any("time-out" in said for said in done.errors)
    s.venue.fault = lambda call: ""
    s.session()  # the session that starts after it finds all closed
    s.trader.begin()
    s.go(6)
    assert not s.broker.trades


def test_flatten_leaves_others_alone_unless_everything_is_meant(scene: Make) -> None:
    s = begun(scene)
    s.venue.by_hand(BBB, 1, 5)
    s.bar(AAA, signal())
    assert Flattening(s.venue, [AAA], clock=s.clock, chronicle=s.kept).run().is_flat
    assert s.venue.lots[BBB] == 5
    with pytest.raises(InputError, match="SESSION-110"):
        Flattening(s.venue, clock=s.clock, chronicle=s.kept)
    assert Flattening(s.venue, everything=True, clock=s.clock, chronicle=s.kept).run().is_flat
    assert s.venue.lots[BBB] == 0


def test_flatten_says_what_it_could_not_do(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.venue.fault = lambda call: "down"
    done = Flattening(s.venue, [AAA], clock=s.clock, chronicle=s.kept).run()
    assert not done.is_flat
    assert done.left == [AAA]
    assert "NOT flat: own:AAA" in s.said("lock")


def test_an_orphan_of_ours_is_cancelled(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal(1, entries=entries(1, (299_000, 100)), stop=297_000))
    other = scene()  # another disk: nothing is known
    other.venue, other.clock = s.venue, s.clock
    other.log.venue = s.venue
    other.session()
    other.trader.begin()
    assert s.standing("limit") == []
    assert "an order of ours that no trade waits for was cancelled" in other.said("recovered")


def test_a_log_with_a_contract_that_the_session_has_not(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    s.session()
    del s.broker.contracts[AAA]
    with pytest.raises(InputError, match=r"BROKER-171.*own:AAA"):
        s.trader.begin()


def test_stale_approvals_and_missing_terms(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = begun(scene)

    def slow(case: Any) -> Approved[Any] | Refused:
        judged = judge_open(case)
        s.broker.sequence += 1  # something happened in between
        return judged

    monkeypatch.setattr(pipeline_module, "judge_open", slow)
    assert s.bar(AAA, signal()) is None
    assert "own:AAA was not opened: the approval is of event" in s.said("refused")
    assert not s.venue.accepted
    broker = s.broker
    with pytest.raises(InputError, match="BROKER-172"):
        type(broker)(
            s.venue,
            s.log,
            list(broker.contracts.values()),
            terms={},
            rulebook=s.rulebook,
            clock=s.clock,
            chronicle=s.kept,
        )
    with pytest.raises(InputError, match="SESSION-101"):
        Policy(naked_ns=0)
    with pytest.raises(InputError, match="SESSION-101"):
        Policy(rest_ns=-1)


def test_unknown_fees_and_odd_executions(scene: Make) -> None:
    s = begun(scene)
    s.broker.contracts[AAA] = msgspec.structs.replace(s.broker.contracts[AAA], fees=None)
    assert s.bar(AAA, signal()) is None
    assert "the fees of own:AAA are unknown" in s.said("refused")
    s = begun(scene)
    s.bar(BBB, signal())
    contract, name, fill = s.venue.executions[0]
    odd = msgspec.structs.replace(fill, trade_id="odd", quantity8=fill.quantity8 + 1, order_id="2")
    s.venue.executions.append((contract, name, odd))
    s.trader.on_fill(BBB)  # told, and the session goes on: its stop stands
    assert "the fill odd of own:BBB has" in s.said("trouble")
    assert s.stops(BBB) == [(302, 297_000)]
    with pytest.raises(InputError, match="BROKER-170"):
        s.broker.hand.read(s.trade(BBB))


def test_signals_that_cannot_be(scene: Make) -> None:
    s = begun(scene)
    bad = s.bar(AAA, signal(1, entries=entries(1, (299_000, 50), (299_500, 50)), stop=297_000))
    assert bad == NotSized(BAD_ENTRIES, Cash(0), Cash(0))
    crossed = signal(1, targets=targets(-1, 300_000, 100))
    assert isinstance(s.bar(AAA, crossed), (NotTaken, Sent))
    assert s.venue.lots[AAA] == 0 or s.stops()


def test_half_a_picture_decides_nothing(scene: Make) -> None:
    """BROKER-175: an order that cannot be read is not taken for gone."""
    s = begun(scene)
    s.bar(AAA, signal(1, targets=targets(1, 300_000, 100)))
    s.venue.move(AAA, 301_005)
    s.venue.fault = failing("order", "", "down")
    s.venue.fills_lag_ns = 2 * SECOND
    before = len(s.venue.accepted)
    s.trader.on_fill(AAA)
    assert "1 of 2 orders of own:AAA could not be read" in s.said("trouble")
    s.go(8)
    assert len(s.venue.accepted) == before  # no second stop, no close: the target had filled
    assert not s.broker.trades
    with pytest.raises(VenueDown, match="BROKER-175"):
        raising(s)


def raising(s: Scene) -> None:
    """Read a trade of which one order does not answer."""
    s.venue.fault = lambda call: ""
    s.bar(BBB, signal(1, targets=targets(1, 300_000, 100)))
    next(one for one in s.venue.book.values() if one.order.state == "open").now(state="expired")
    s.venue.fault = lambda call: "down" if call == "order" else ""
    s.broker.hand.read(s.trade(BBB))


def test_money_that_comes_is_no_gain(scene: Make) -> None:
    s = begun(scene, day_loss_share8=E8 // 50)
    s.bar(AAA)
    s.clock.time_ns += SECOND
    s.venue.wallet -= 9_000 * E8
    s.venue.incomes = [
        Income(
            venue="own",
            income_id="1",
            kind="TRANSFER",
            coin="USDT",
            cash=-9_000 * E8,
            time_ns=s.clock.time_ns,
        )
    ]
    s.session()
    s.trader.begin()
    assert s.broker.usage.row.day_start_cash == 1_000 * E8
    assert isinstance(s.bar(AAA, signal()), Sent)


def test_executions_of_an_earlier_trade_are_not_counted_again(scene: Make) -> None:
    """Not by the next trade of the same moment, not after a new start."""
    s = begun(scene)
    s.bar(AAA, signal())
    s.bar(AAA, Exit("enough"))
    s.session()
    s.trader.begin()
    assert isinstance(s.bar(AAA, signal(-1)), Sent)
    held = s.venue.lots[AAA]
    s.trader.on_fill(AAA)
    assert s.broker.held(AAA) == held < 0
    assert s.trade().hand_lots == 0
    assert s.said("foreign") == ""


def test_an_execution_counts_for_no_more_than_is_held(scene: Make) -> None:
    s = begun(scene)
    s.bar(AAA, signal())
    trade = s.trade()
    entry, stop = list(trade.placed.values())
    assert (entry.role, stop.role) == ("entry", "stop")
    assert trade.part_of(stop, -1, 302) == 302
    assert trade.part_of(stop, -1, 303) == 302  # the rest was someone else's
    assert trade.part_of(None, -1, 400) == 302
    assert trade.part_of(None, 1, 400) == 0
    trade.hand_lots = -100  # others are short in the one position: an entry closes that first
    assert trade.part_of(entry, 1, 150) == 50
    trade.hand_lots = 100
    assert trade.part_of(None, -1, 150) == 50


def test_a_venue_that_holds_nothing_is_believed_after_a_while(scene: Make) -> None:
    """A position that is gone without an execution: told, and not taken for true at the first look."""
    s = begun(scene)
    s.bar(AAA, signal())
    s.venue.lots[AAA] = 0
    s.venue.entry[AAA] *= 0
    next(one for one in s.venue.book.values() if one.order.kind == "stop").now(state="expired")
    s.trader.on_fill(AAA)
    s.go(4)
    assert "is taken for true" not in s.said("divergence")
    assert s.broker.held(AAA) == 302
    s.go(8)
    assert "own:AAA: the venue's position is taken for true, -302 lots" in s.said("divergence")
    assert not s.broker.trades
