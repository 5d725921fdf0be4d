"""A session's file: it loads as `lotwise init` writes it, and every mistake is named by line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from lotwise.app import trade_config
from lotwise.app.trade_config import VENUES, example, load, place_of, read
from lotwise.app.trade_file import FileTable, Lines
from lotwise.app.trade_folder import phase_of
from lotwise.broker.ccxt_venue.connect import check_place
from lotwise.errors import InputError

EXAMPLE = example()
SECOND_NS = 10**9


def line_of(words: str) -> int:
    """The line of the example that begins so."""
    return next(at for at, line in enumerate(EXAMPLE.splitlines(), 1) if line.startswith(words))


def test_what_init_writes_loads_for_every_venue_and_place() -> None:
    places = {"binance": "paper demo live", "bybit": "demo live", "bingx": "demo live", "mexc": "live"}
    names = {"paper": "paper", "demo": "demo", "live": "main"}
    for venue in VENUES:
        there = places.get(venue, "live").split()
        for where in ("paper", "demo", "live"):
            if where not in there:
                with pytest.raises(InputError, match=r"TRADE-105.*which .* does not have") as caught:
                    example(venue, where)  # type: ignore[arg-type]
                assert "--venue binance" in str(caught.value.hint)
                continue
            made = read(example(venue, where))  # type: ignore[arg-type]
            assert (made.venue, made.where) == (venue, where)
            assert made.account == names[where], "a plan keeps paper and live apart by the account's name"
            assert made.contracts[0].base == "BTC"
            assert where in str(made.folder)
        assert read(example(venue)).where == there[0] == place_of(venue)
        check_place(venue, there[0], "http://127.0.0.1:8610" if there[0] == "paper" else "")


def test_every_key_of_the_file_is_in_the_example() -> None:
    import tomllib

    given = tomllib.loads(EXAMPLE)
    known = {*FileTable.__struct_fields__} - {"folder", "guard_file", "plan"}  # told in a comment
    assert set(given) == known
    for table in ("policy", "feed", "notify", "paper", "live", "strategy"):
        fields = (
            type(getattr(read(EXAMPLE), table, None)).__struct_fields__
            if table in ("feed", "notify", "paper", "live")
            else ()
        )
        assert set(fields) <= set(given[table])


def test_values_become_numbers() -> None:
    made = read(EXAMPLE, folder=Path("/x"))
    assert (made.risk8, made.terms.leverage100, made.terms.is_isolated) == (10**6, 1_000, True)
    assert (made.bar_ns, made.every_ns, made.terms.slippage_ticks) == (300 * SECOND_NS, 2 * SECOND_NS, 2)
    assert (made.policy.naked_ns, made.policy.stale_ns, made.policy.rest_ns) == (
        5 * SECOND_NS,
        30 * SECOND_NS,
        0,
    )
    assert made.guard.book.allowed.day_loss_share8 == 3 * 10**6
    assert made.made().bars == 60
    cancels = read(EXAMPLE.replace('unfilled = "keep"', 'unfilled = "cancel"'))
    assert (cancels.policy.rest, cancels.policy.rest_ns) == ("cancel", 60 * SECOND_NS)
    own = read(EXAMPLE.replace('# folder = "state"', 'folder = "state"'), folder=Path("/x"))
    assert own.folder == Path("/x/state")


MISTAKES = [
    ("TRADE-103", "naked =", "nakid =", "policy.nakid", "did you mean naked?"),
    ("TRADE-103", "[policy]", "[polizy]", "polizy", "did you mean policy?"),
    ("TRADE-104", 'naked = "5s"', "naked = 5", "policy.naked", "lotwise init"),
    ("TRADE-104", 'venue = "binance"', 'venue = "kraken"', "venue", "one of binance, bingx"),
    ("TRADE-104", '"fill", "stop"', '"fill", "stopp"', "notify.about", "one of error, fill"),
    ("TRADE-105", 'naked = "5s"', 'naked = "5"', "policy.naked", "units are d, h, min and s"),
    ("TRADE-105", '"BTCUSDT"', '"BTCUSD"', "contracts", "nearest"),
    ("TRADE-105", 'bar = "5m"', 'bar = "7m"', "bar", "one of 1m, 3m"),
    ("TRADE-105", 'slippage = "2t"', 'slippage = "2"', "", ""),
    ("TRADE-105", 'account = "paper"', 'account = "a b"', "account", "up to 40"),
    ("TRADE-105", "warm_up = 200", "warm_up = -1", "feed.warm_up", "0 to 1000"),
    ("TRADE-105", "paper_trades = 20", "paper_trades = -1", "live.paper_trades", "0 to 10000"),
    ("TRADE-106", 'risk = "1%"                   # of', 'risk = "2%" # of', "risk", "lower it"),
    ("TRADE-106", '["BTCUSDT"]', '["BTCUSDT", "bybit:ETHUSDT"]', "contracts", "a file for each"),
    ("TRADE-106", 'leverage = "10"  ', 'leverage = "500"  ', "leverage", "a smaller one"),
    ("TRADE-106", 'stale = "30s"', 'stale = "1s"', "feed.stale", "stale above every"),
    ("TRADE-106", "http://127.0.0.1:8610", "https://fapi.binance.com", "paper.exchange", "lotwise exchange"),
    ("TRADE-107", 'day_loss = "3%"', 'day_loss = "3"', "guard.day_loss", "write day_loss"),
]


@pytest.mark.parametrize(("code", "before", "after", "key", "hint"), MISTAKES)
def test_a_mistake_is_named_by_line_and_key(code: str, before: str, after: str, key: str, hint: str) -> None:
    assert before in EXAMPLE
    text = EXAMPLE.replace(before, after, 1)
    if not key:  # a bare number of ticks is taken
        assert read(text).terms.slippage_ticks == 2
        return
    with pytest.raises(InputError) as caught:
        read(text)
    error = caught.value
    assert error.code == code
    wanted = next(at for at, line in enumerate(text.splitlines(), 1) if after.splitlines()[0] in line)
    assert f"trade.toml, line {wanted}, {key}:" in error.message, error.message
    assert hint in error.hint


def test_what_is_missing_or_no_toml_is_told() -> None:
    with pytest.raises(InputError, match=r"TRADE-104.*account: it is missing"):
        read(EXAMPLE.replace('account = "paper"', "#"))
    with pytest.raises(InputError, match=r"TRADE-102.*line 3"):
        read(EXAMPLE.replace('account = "paper"', "account = paper"))
    with pytest.raises(InputError, match=r"TRADE-105.*brekout.*did you mean breakout"):
        read(EXAMPLE.replace('name = "breakout"', 'name = "brekout"'))
    with pytest.raises(InputError, match=r"TRADE-105.*named twice"):
        read(EXAMPLE.replace('["BTCUSDT"]', '["BTCUSDT", "binance:BTCUSDT"]'))
    with pytest.raises(InputError, match=r"TRADE-105.*none is named"):
        read(EXAMPLE.replace('["BTCUSDT"]', "[]"))
    with pytest.raises(InputError, match=r"TRADE-106.*lockstep"):
        read(example("binance", "demo").replace("lockstep = false", "lockstep = true"))
    with pytest.raises(InputError, match=r"TRADE-106.*speaks binance"):
        read(example("bybit", "demo").replace('where = "demo"', 'where = "paper"'))
    with pytest.raises(InputError, match=r"TRADE-105.*kraken"):
        example("kraken")


def test_the_guard_is_here_or_in_its_own_file_and_never_missing(tmp_path: Path) -> None:
    at = EXAMPLE.index("[guard]")
    end = EXAMPLE.index("[policy]")
    without, table = EXAMPLE[:at] + EXAMPLE[end:], EXAMPLE[at:end]
    with pytest.raises(InputError, match=r"TRADE-107.*it is missing"):
        read(without)
    with pytest.raises(InputError, match=r"TRADE-107.*given twice"):
        read('guard_file = "guard.toml"\n' + EXAMPLE)
    with pytest.raises(InputError, match=r"TRADE-107.*guard\.toml cannot be read"):
        read('guard_file = "guard.toml"\n' + without, folder=tmp_path)
    (tmp_path / "guard.toml").write_text(table)
    (tmp_path / "trade.toml").write_text('guard_file = "guard.toml"\n' + without)
    assert load(tmp_path / "trade.toml").guard == read(EXAMPLE).guard
    (tmp_path / "guard.toml").write_text(table.replace('day_loss = "3%"', 'day_los = "3%"'))
    with pytest.raises(InputError, match=r"TRADE-107.*guard\.toml, line \d+, guard.day_los"):
        load(tmp_path / "trade.toml")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"TRADE-101.*No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"TRADE-101.*UTF-8"):
        load(tmp_path / "odd.toml")


def test_lines_are_those_of_the_keys() -> None:
    lines = Lines(EXAMPLE)
    assert lines.of("policy.naked") == line_of("naked")
    assert lines.of("guard") == line_of("[guard]")
    assert lines.of("policy.nothing") == line_of("[policy]")
    assert lines.of("nothing") == 0


def test_a_paper_phase_is_of_the_strategy_and_its_settings() -> None:
    same = read(
        EXAMPLE.replace('risk = "1%"                   #', 'risk = "0.5%" #').replace('"main"', '"other"')
    )
    assert phase_of(same) == phase_of(read(EXAMPLE)) == phase_of(read(example("bybit", "live")))
    others = ("bars = 60", "bars = 61"), ('bar = "5m"', 'bar = "15m"'), ('"BTCUSDT"', '"ETHUSDT"')
    assert len({phase_of(read(EXAMPLE.replace(*one))) for one in others} | {phase_of(same)}) == 4
    assert trade_config.BARS[0] == "1m"
