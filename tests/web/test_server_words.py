"""Guardrails, settings, tickets and the command's own refusals, in process: no server is needed."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from lotwise.app import desk_demo
from lotwise.app.desk_ahead import Ahead, outcome_error
from lotwise.app.desk_feed import Feed
from lotwise.app.desk_guard import KEPT, TIGHTER, Guardrails
from lotwise.app.desk_history import History, packed
from lotwise.app.desk_open import open_desk
from lotwise.app.desk_orders import Orders
from lotwise.app.desk_ticket import Price, Ticket, read, share_of_equity8
from lotwise.app.trade_config import example
from lotwise.app.trade_config import read as trade_file
from lotwise.cli.web import web
from lotwise.clock import FixedClock
from lotwise.contracts import catalogue
from lotwise.errors import InputError, RefusedError, VenueError
from lotwise.guard.config import SMALL_ACCOUNT, read_guard
from lotwise.kernel import codes
from lotwise.session.pipeline import NotSized, NotTaken
from lotwise.store.database import opened
from lotwise.strategy.api import Bar
from lotwise.units import parse_cash
from lotwise.web import desk_api, server
from lotwise.web.assets import load as load_assets
from lotwise.web.desk_api import Api
from lotwise.web.security import MOST_WRONG, Door
from lotwise.web.settings import Asked, Looks
from lotwise.web.site import Site

DAY_NS = 86_400 * 10**9
NOON = 20_000 * DAY_NS + DAY_NS // 2
BTC = catalogue.load("binance:BTCUSDT")


def rails(folder: Path, now_ns: int = NOON) -> Guardrails:
    return Guardrails(read_guard(SMALL_ACCOUNT), folder, FixedClock(now_ns))


def shown(found: Guardrails) -> dict[str, str]:
    return {one.key: one.text for one in found.bounds()}


@pytest.mark.parametrize(
    ("key", "tighter", "looser"),
    [
        ("risk", "0.5%", "2%"),
        ("risk_money", "5.00", ""),
        ("day_loss", "2%", "4%"),
        ("trades_a_day", "3", "9"),
        ("cool_down", "1h", "1min"),
        ("order_leverage", "5", "20"),
        ("liquidation", "2", "1.2"),
        ("positions", "1", ""),
    ],
)
def test_tighter_now_looser_tomorrow(tmp_path: Path, key: str, tighter: str, looser: str) -> None:
    """The bounds that hold before, right after, and after the next midnight; also when started anew."""
    before = rails(tmp_path)
    had = shown(before)[key]
    assert before.change(key, tighter).when == "now"
    assert shown(before)[key] == tighter
    told = before.change(key, looser)
    assert (told.when, told.from_ns) == ("tomorrow", 20_001 * DAY_NS)
    for same_day in (before, rails(tmp_path), rails(tmp_path, 20_001 * DAY_NS - 1)):
        assert shown(same_day)[key] == tighter
    assert shown(rails(tmp_path, 20_001 * DAY_NS))[key] == looser
    assert {
        name: text for name, text in shown(rails(tmp_path, NOON + 9 * DAY_NS)).items() if name != key
    } == {name: text for name, text in shown(rails(tmp_path / "none")).items() if name != key}
    assert had != tighter


def test_the_rulebook_that_judges_is_the_one_that_is_shown(tmp_path: Path) -> None:
    found = rails(tmp_path)
    for key in TIGHTER:
        found.change(
            key, {"less": "1", "more": "9"}[TIGHTER[key]] if key in ("trades_a_day", "positions") else ""
        )
    assert found.rulebook_at(NOON).allowed.day_trades == 1
    assert found.rulebook_at(NOON).allowed.risk_share8 == 1_000_000, "taking a bound away is looser"
    assert found.rulebook_at(NOON + DAY_NS).allowed.risk_share8 == 0


def test_a_guard_that_cannot_be_read_stops_the_desk(tmp_path: Path) -> None:
    (tmp_path / KEPT).write_text("{")
    with pytest.raises(InputError, match="WEB-160"):
        rails(tmp_path)


def test_bounds_that_are_none(tmp_path: Path) -> None:
    found = rails(tmp_path)
    with pytest.raises(InputError, match="WEB-161"):
        found.change("blackouts", "1")
    with pytest.raises(InputError, match="GUARD-203"):
        found.change("risk", "1")
    with pytest.raises(InputError, match="GUARD-211"):
        found.change("week_loss", "1%")
    assert shown(found) == shown(rails(tmp_path / "none"))


def test_settings_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="WEB-131"):
        Looks(tmp_path / "file" / "below").change(Asked(theme="light"))


def test_a_ticket_in_numbers() -> None:
    ticket = Ticket(contract=BTC.id, side="long", stop=Price(text="2%"), targets=[Price(text="1R")])
    found = read(ticket, BTC, 650_000)
    assert (found.stop_ticks, found.nearest_ticks, found.is_market) == (637_000, 650_000, True)
    assert [one.price_ticks for one in found.targets] == [663_000]
    with pytest.raises(InputError, match="WEB-113"):
        read(ticket, BTC, None)
    two = Ticket(
        contract=BTC.id, side="long", stop=Price(text="2%"), targets=[Price(text="1R"), Price(text="2R")]
    )
    with pytest.raises(InputError, match="WEB-112"):
        read(two, BTC, 650_000)
    with pytest.raises(InputError, match="WEB-112"):
        read(Ticket(contract=BTC.id, side="long", stop=Price(ticks=-4)), BTC, 650_000)


def test_a_part_of_the_account_is_risked_as_a_part() -> None:
    def share(risk: str, equity: str | None = None) -> int:
        ticket = Ticket(contract=BTC.id, side="long", stop=Price(text="2%"), risk=risk, equity=equity)
        return share_of_equity8(ticket, parse_cash("1000", "equity"))

    assert share("1%") == share("10") == share("2%", "500") == 1_000_000
    with pytest.raises(InputError, match="WEB-114"):
        share("1%", "1000.01")
    with pytest.raises(InputError, match="WEB-114"):
        share("0.00000001")


class Silent:
    """A venue that answers nothing."""

    markets = {"x": 1}  # noqa: RUF012  # as ccxt has it

    def fetch_time(self) -> int:
        """No."""
        raise OSError("cut")

    def safe_symbol(self, *names: Any) -> str:
        """Any."""
        return "x"

    def fetch_ohlcv(self, *names: Any) -> Any:
        """No."""
        raise OSError("cut")


def test_bars_of_a_venue_that_is_silent() -> None:
    for now in (0, 10**12):
        history = History({BTC.id: BTC}, Silent, lambda _, now=now: now)
        with pytest.raises(VenueError, match="WEB-116"):
            history.bars(BTC.id, "1m", 0, 10)


def test_a_volume_beyond_the_column_is_the_largest() -> None:
    body = packed([Bar(0, 1, 1, 1, 1, 2**40)])
    assert int.from_bytes(body[-4:], "little") == 2**31 - 1
    assert len(packed([])) == 16


def test_the_feed_reads_what_the_exchange_says() -> None:
    feed = Feed([BTC], "ws://127.0.0.1:1", FixedClock(5))
    told: list[str] = []
    feed.changed.append(told.append)
    feed.take(
        {"e": "depthUpdate", "E": 9, "s": "BTCUSDT", "b": [["64999.9", "0.5"]], "a": [["65000.0", "1.25"]]}
    )
    feed.take(
        {
            "e": "kline",
            "E": 9,
            "s": "BTCUSDT",
            "k": {"t": 0, "i": "1m", "o": "1.0", "h": "2.0", "l": "0.5", "c": "1.5", "v": "0.007"},
        }
    )
    feed.take({"e": "markPriceUpdate", "E": 9, "s": "BTCUSDT", "p": "65000.12345678", "r": "0.0001", "T": 7})
    for noise in ({}, [], "x", {"e": "kline", "s": "OTHER"}, {"result": None, "id": 1}):
        feed.take(noise)
    seen = feed.seen[BTC.id]
    assert (seen.bids, seen.asks) == (((649_999, 500),), ((650_000, 1_250),))
    assert seen.bars["1m"] == (0, 10, 20, 5, 15, 7)
    assert (seen.mark8, seen.funding8, seen.last_ticks) == (6_500_012_345_678, 10_000, 15)
    assert told == [BTC.id] * 3
    assert feed.is_stale(BTC.id), "no line stands"
    with pytest.raises(InputError, match="WEB-111"):
        feed.watch(BTC.id, "7m")


def test_a_password_is_tried_a_bounded_number_of_times() -> None:
    door = Door(1, password="correct horse battery")
    assert door.unlocks("correct horse battery")
    assert not Door(1).unlocks("")
    for _ in range(MOST_WRONG):
        assert not door.unlocks("wrong")
    assert not door.unlocks("correct horse battery")
    assert "horse" not in repr(door)


def test_why_a_trade_was_not_opened() -> None:
    not_sized = outcome_error(NotSized(codes.BUDGET, parse_cash("10", "x"), parse_cash("12.5", "x")))
    assert (not_sized.code, "12.50" in not_sized.message) == ("WEB-126", True)
    assert (outcome_error(NotTaken(-2019)).code, outcome_error(NotTaken(-2019)).exit_code) == ("WEB-127", 4)


def test_an_account_that_was_not_read_is_not_guessed() -> None:
    with pytest.raises(VenueError, match="WEB-120"):
        Ahead(SimpleNamespace(facts=None, problem="the venue is silent")).known()  # type: ignore[arg-type]


def orders_of(folder: Path) -> Orders:
    config = SimpleNamespace(venue="binance", where="live", account="main")
    database = opened(folder / "log.sqlite")
    desk = SimpleNamespace(config=config, database=database, clock=FixedClock(NOON), confirmed=False)
    return Orders(desk)  # type: ignore[arg-type]


def test_real_money_asks_for_the_word(tmp_path: Path) -> None:
    orders = orders_of(tmp_path)
    ticket = Ticket(contract=BTC.id, side="long", stop=Price(text="2%"))
    for word in ("", "live", "yes"):
        with pytest.raises(RefusedError, match="WEB-129"):
            orders.place("click-0001", ticket, word)
    assert not orders.desk.database.events(orders.stream), (
        "nothing was kept, so the same click may be confirmed"
    )
    orders.desk.database.close()


def test_a_click_whose_desk_died_before_it_was_sent(tmp_path: Path) -> None:
    orders, ticket = orders_of(tmp_path), Ticket(contract=BTC.id, side="long", stop=Price(text="2%"))
    orders._keep("asked", "click-0001", {"ticket": msgspec.to_builtins(ticket)})
    for _ in range(2):
        with pytest.raises(VenueError, match="WEB-119"):
            orders.place("click-0001", ticket, "LIVE")
    orders.desk.database.close()


def test_a_venue_whose_market_is_not_heard(tmp_path: Path) -> None:
    text = example("bybit", "demo").replace("# folder", f'folder = "{tmp_path}" #')
    with pytest.raises(InputError, match="WEB-130"):
        open_desk(trade_file(text), {}, FixedClock(NOON))


def test_a_demo_whose_exchange_is_gone() -> None:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        with pytest.raises(VenueError, match="WEB-150"):
            desk_demo._asked(place.getsockname()[1], {})


def test_a_session_that_does_not_answer_and_a_desk_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(load_assets(), Looks(None), FixedClock(NOON), contracts=[BTC.id])
    with pytest.raises(InputError, match="WEB-117"):
        Api(site)._desk()
    monkeypatch.setattr(desk_api, "ANSWER_S", 0.05)
    stuck = SimpleNamespace(ask=lambda function: Future())
    api = Api(SimpleNamespace(desk=stuck))  # type: ignore[arg-type]
    with pytest.raises(VenueError, match="WEB-122"):
        asyncio.run(api._asked(lambda: None))


def test_a_journal_that_is_named_is_shown_without_an_account(tmp_path: Path) -> None:
    from starlette.requests import Request

    from lotwise.web.pages import Pages

    def site(journal: Path | None) -> Site:
        return Site(load_assets(), Looks(None), FixedClock(NOON), contracts=[BTC.id], journal=journal)

    assert site(None).pages() == ["size", "scan", "settings"]
    named = site(tmp_path / "journal.sqlite")
    assert named.pages() == ["size", "scan", "journal", "review", "settings"]
    assert Pages(named).journal(Request({"type": "http"}))["lead"].startswith("Every trade of all accounts")


def test_what_the_command_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short, good = tmp_path / "short", tmp_path / "good"
    short.write_text("abc\n")
    good.write_text("a long enough password\n")
    for code, given in (
        ("WEB-142", {"demo": True, "config": tmp_path / "x.toml"}),
        ("WEB-142", {"folder": tmp_path}),
        ("WEB-143", {"bind": "192.0.2.1"}),
        ("WEB-143", {"bind": "0.0.0.0", "password_file": good}),
        ("WEB-144", {"bind": "192.0.2.1", "password_file": tmp_path / "none"}),
        ("WEB-144", {"bind": "192.0.2.1", "password_file": short}),
        ("WEB-140", {"bind": "192.0.2.1", "password_file": good}),
        ("WEB-140", {"port": 99_999_999}),
        ("JOURNAL-109", {"journal": str(tmp_path / "journal.sqlite")}),
        ("PLAN-101", {"plan": tmp_path / "plan.toml"}),
    ):
        config = given.pop("config", None)
        with pytest.raises(InputError, match=code):
            web(config, **given)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["good", "short"], "nothing was begun"
    with monkeypatch.context() as bare:
        bare.setattr("lotwise.cli.web.find_spec", lambda name: None if name in ("litecharts", "ccxt") else 1)
        with pytest.raises(InputError, match=r"WEB-145.*litecharts ") as plain:
            web(None)
        assert plain.value.hint == "pip install 'lotwise[web]'"
        with pytest.raises(InputError, match=r"WEB-145.*litecharts, ccxt ") as trades:
            web(None, demo=True)
        assert trades.value.hint == "pip install 'lotwise[web,exchange,live,journal]'"
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    with pytest.raises(InputError, match="WEB-141"):
        server.serve(None, None, lambda: None)  # type: ignore[arg-type]
