"""The synthetic market does what it says: the same bytes, true statistics, books that never cross."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from hashlib import blake2b
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pl = pytest.importorskip("polars")

from lotwise.errors import InputError  # noqa: E402
from lotwise.kernel import machine  # noqa: E402
from lotwise.kernel import state as s  # noqa: E402
from lotwise.kernel.snapshot import compiled_body, new_state  # noqa: E402
from lotwise.market import resample, synthetic, synthetic_book, synthetic_path, synthetic_trades  # noqa: E402
from lotwise.market.check import check  # noqa: E402
from lotwise.market.kinds import BARS, KINDS, Table  # noqa: E402
from lotwise.market.replay import Feed, feeds_of, replay  # noqa: E402
from lotwise.market.synthetic_scenario import LISTINGS, REGIMES, SCENARIOS, listing_of  # noqa: E402

MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
THREE = ("BTCUSDT", "ETHUSDT", "LAYERUSDT")


@cache
def market(
    scenario: str,
    days: int,
    contracts: tuple[str, ...] = ("BTCUSDT",),
    kinds: tuple[str, ...] = ("bars",),
    seed: int = 7,
) -> synthetic.Market:
    """A market, made once."""
    detail = 3 if "depth" in kinds else 10
    return synthetic.make(scenario, days, seed, contracts, kinds=kinds, detail=detail)


def returns(found: synthetic.Market, symbol: str) -> tuple[Any, Any]:
    """Minute of the span and return of every bar that follows the one before it at once, open venue only."""
    frame = found.table(symbol, "bars").frame
    minutes = (frame["time_ns"].to_numpy() - found.start_ns) // MINUTE
    closes = frame["close"].to_numpy().astype(float)
    next_to = np.diff(minutes) == 1
    return minutes[1:][next_to], (closes[1:] / closes[:-1] - 1)[next_to]


def fingerprint(found: synthetic.Market) -> str:
    """Hash of every table."""
    digest = blake2b(digest_size=8)
    for symbol, made in found.made.items():
        for kind, table in made.tables.items():
            digest.update(f"{symbol} {kind} {asdict(table.scale)}".encode())
            for column in table.frame.get_columns():
                digest.update(np.ascontiguousarray(column.to_numpy().astype("<i8")).tobytes())
    return digest.hexdigest()


# -- the same seed, the same bytes


def test_the_same_seed_makes_the_same_bytes_here_and_everywhere() -> None:
    asked: dict[str, Any] = {"kinds": synthetic.MADE, "contracts": ("BTCUSDT", "NANOBTC"), "detail": 3}
    first = synthetic.make("demo", 1, 11, **asked)
    assert fingerprint(first) == fingerprint(synthetic.make("demo", 1, 11, **asked))
    assert fingerprint(first) == "eb0e48fb26f47590", "made by this version on Linux, x86-64"
    assert fingerprint(synthetic.make("demo", 1, 12, **asked)) != fingerprint(first)
    assert fingerprint(synthetic.make("storm", 1, 11, **asked)) != fingerprint(first)


def test_a_contract_does_not_depend_on_the_others_nor_on_the_kinds() -> None:
    alone = synthetic.make("storm", 2, 7, ("ETHUSDT",), kinds=("bars",), detail=3)
    among = market("storm", 2, THREE, synthetic.MADE)
    bars = alone.table("ETHUSDT", "bars").frame
    assert bars.equals(among.table("ETHUSDT", "bars").frame)
    longer = market("calm", 4, ("ETHUSDT",)).table("ETHUSDT", "bars").frame
    assert longer.head(2 * 1440).equals(market("calm", 2, ("ETHUSDT",)).table("ETHUSDT", "bars").frame)


def test_compiled_rules_say_what_plain_ones_say() -> None:
    listing, scenario = LISTINGS["ETHUSDT"], SCENARIOS["storm"]
    stream = synthetic_path.Stream(3, "twin")
    words, more, normals = stream.words(300), stream.words(300), stream.normals(600)
    knobs = np.array([1, 1, 1, 1, 15, 15, 15, 15, *[250_000] * 3, 1_400_000, 0, 60_000, 0, 0], np.int64)
    plain: Any = [[0] * 300 for _ in range(3)]
    synthetic_path.walk_leader(
        words.tolist(),
        normals.tolist(),
        more.tolist(),
        knobs.tolist(),
        regime=plain[0],
        sigma=plain[1],
        returns=plain[2],
    )
    compiled = [np.zeros(300, np.int64) for _ in range(3)]
    synthetic_path.walk_leader.compiled(
        words, normals, more, knobs=knobs, regime=compiled[0], sigma=compiled[1], returns=compiled[2]
    )
    assert [column.tolist() for column in compiled] == plain
    assert set(plain[0]) == {0, 1, 2, 3}
    found = market("storm", 2, THREE, synthetic.MADE)
    lead = synthetic_path.leader(scenario, 7, 2 * 1440)
    path = synthetic_path.path_of(listing, scenario, 7, lead, falls=False)
    first = found.start_ns // MINUTE
    pace = synthetic_trades.pace_of(path, listing, 7, first, 10)
    plan = np.stack(
        [
            path.opens,
            path.closes,
            path.index,
            path.index,
            pace.counts,
            pace.steps,
            pace.spreads,
            pace.resting,
            pace.lean,
        ],
        axis=1,
    )[:5]
    total = int(plan[:, 4].sum())
    drawn = stream.words(total)
    shapes = ((5, 8), (5, 4), (total, 4), (2 * total, 5))
    rows = [np.zeros(shape, np.int64) for shape in shapes]
    lists: Any = [[[0] * shape[1] for _ in range(shape[0])] for shape in shapes]
    state = [0, int(plan[0, 0])]
    synthetic_trades.play_minutes(
        list(range(5)),
        plan.tolist(),
        drawn.tolist(),
        50,
        state,
        bars=lists[0],
        marks=lists[1],
        trades=lists[2],
        quotes=lists[3],
    )
    names = dict(zip(("bars", "marks", "trades", "quotes"), rows, strict=True))
    synthetic_trades.play_minutes.compiled(
        np.arange(5), plan, drawn, 50, np.array([0, plan[0, 0]], np.int64), **names
    )
    assert [column.tolist() for column in rows] == lists
    book = synthetic_book.book_of(rows[3], 5, 100)
    slow: Any = [[0] * 7 for _ in range(len(book))]
    grid = max(
        1, sum(abs(b[1] - a[1]) for a, b in zip(lists[3], lists[3][1:], strict=False)) // (2 * total - 1)
    )
    needed = synthetic_book.write_book(
        lists[3], grid, 5, mean=100, kept=[0] * 8192, values=[0] * 4, rows=slow
    )
    assert needed == len(book)
    assert book.tolist() == slow


# -- statistics


def test_normals_are_nearly_normal() -> None:
    drawn = synthetic_path.Stream(1, "normals").normals(400_000) / synthetic_path.NORMAL
    assert abs(drawn.mean()) < 0.006
    assert abs(drawn.std() - 1) < 0.005
    assert abs((np.abs(drawn) > 2).mean() - 0.0455) < 0.003
    pairs = drawn.reshape(-1, 2)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.006


def test_volatility_is_that_of_the_regime_and_clusters() -> None:
    found = market("demo", 90)
    minutes, moved = returns(found, "BTCUSDT")
    truth = found.made["BTCUSDT"].truth
    quiet = ~np.isin(minutes * MINUTE + found.start_ns, truth.jump_ns)
    by_regime = {
        name: float(moved[quiet & truth.at(name)[minutes]].std()) for name in REGIMES if truth.at(name).any()
    }
    assert list(by_regime) == list(REGIMES), "every regime is reached"
    assert by_regime["calm"] < by_regime["range"] < by_regime["trend"] < by_regime["storm"]
    assert 0.0002 < by_regime["calm"] < 0.0003
    assert 0.0011 < by_regime["storm"] < 0.0018
    calm = market("calm", 60)
    size = np.abs(returns(calm, "BTCUSDT")[1])
    later = [float(np.corrcoef(size[:-gap], size[gap:])[0, 1]) for gap in (1, 30, 2000)]
    assert later[0] > 0.08, "size follows size"
    assert later[1] > 0.08
    assert abs(later[2]) < later[1] / 2, "but not for days"
    raw = returns(calm, "BTCUSDT")[1]
    assert abs(float(np.corrcoef(raw[:-1], raw[1:])[0, 1])) < 0.05, "returns do not follow returns"


def test_regimes_last_and_follow_as_the_chain_says() -> None:
    truth = market("demo", 90).made["BTCUSDT"].truth
    changes = np.flatnonzero(np.diff(truth.regime)) + 1
    spells = np.split(truth.regime, changes)
    lasting = {name: [len(one) for one in spells if one[0] == place] for place, name in enumerate(REGIMES)}
    for name, stay, weight in zip(
        REGIMES, SCENARIOS["demo"].stay_minutes, SCENARIOS["demo"].weights, strict=True
    ):
        assert len(lasting[name]) >= 8
        mean = stay / (1 - weight / 13)  # a regime may follow itself
        error = mean / len(lasting[name]) ** 0.5
        assert abs(sum(lasting[name]) / len(lasting[name]) - mean) < 4 * error, name


def test_trends_go_somewhere_and_ranges_do_not() -> None:
    far = {}
    for name in ("trend", "range"):
        found = market(name, 60)
        closes = found.table("BTCUSDT", "bars").frame["close"].to_numpy().astype(float)
        days = closes[1440::1440] / closes[:-1440:1440] - 1
        minutes = np.diff(np.log(closes)).std()
        far[name] = float(np.abs(days).mean() / (minutes * 1440**0.5))
    assert far["range"] < 0.75 < far["trend"], "0.80 is that of a random walk"
    assert far["range"] < far["trend"] - 0.3


def test_tails_are_heavier_than_normal() -> None:
    for scenario, least in (("demo", 20), ("storm", 6), ("crash", 6), ("calm", 3.1)):
        moved = returns(market(scenario, 60), "BTCUSDT")[1]
        kurtosis = float(((moved - moved.mean()) ** 4).mean() / moved.var() ** 2)
        assert kurtosis > least, scenario


def test_betas_and_lags_are_those_of_the_truth() -> None:
    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "LAYERUSDT", "1000PEPEUSDT")
    found = market("trend", 90, names)
    moved = {name: returns(found, name)[1] for name in names}
    leads = moved["BTCUSDT"]
    for name in names[1:]:
        truth = found.made[name].truth
        by_lag = [float(np.corrcoef(leads[: len(leads) - lag], moved[name][lag:])[0, 1]) for lag in range(6)]
        assert int(np.argmax(by_lag)) == truth.lag_minutes, name
        assert max(by_lag) > 0.3
        assert sorted(by_lag)[-2] < max(by_lag) / 2
        lag = truth.lag_minutes
        cause, effect = leads[: len(leads) - lag], moved[name][lag:]
        for side, beta in ((cause > 0, truth.beta_up1024), (cause < 0, truth.beta_down1024)):
            slope, _ = np.polyfit(cause[side], effect[side], 1)
            assert abs(slope - beta / 1024) < 0.12, (name, slope, beta / 1024)
        assert truth.beta_down1024 > truth.beta_up1024
    assert found.made["LAYERUSDT"].truth.lag_minutes == 2


def test_more_is_traded_in_busy_hours_and_when_it_moves() -> None:
    frame = (
        market("demo", 90)
        .table("BTCUSDT", "bars")
        .frame.with_columns(
            hour=pl.col("time_ns") // HOUR % 24, moved=(pl.col("high") - pl.col("low")) / pl.col("open")
        )
    )
    by_hour = dict(frame.group_by("hour").agg(pl.col("volume").mean()).rows())
    assert by_hour[15] > 1.8 * by_hour[3]
    assert float(np.corrcoef(frame["volume"], frame["moved"])[0, 1]) > 0.4
    truth = market("demo", 90).made["BTCUSDT"].truth
    minutes = (frame["time_ns"].to_numpy() - market("demo", 90).start_ns) // MINUTE
    volumes = frame["volume"].to_numpy()
    assert volumes[truth.at("storm")[minutes]].mean() > 1.8 * volumes[truth.at("calm")[minutes]].mean()


# -- trades, quotes, books, marks


def test_trades_are_at_the_quote_before_them_and_quotes_never_cross() -> None:
    found = market("storm", 2, THREE, synthetic.MADE)
    for name in THREE:
        quotes, trades = (found.table(name, kind).frame for kind in ("quotes", "trades"))
        assert bool((quotes["bid"] < quotes["ask"]).all())
        assert int(min(quotes["bid_quantity"].min(), quotes["ask_quantity"].min())) > 0
        before = quotes.gather_every(2)
        assert bool((before["time_ns"] < trades["time_ns"]).all())
        taken = pl.select(
            pl.when(trades["buyer_is_maker"]).then(before["bid"]).otherwise(before["ask"])
        ).to_series()
        assert bool((taken == trades["price"]).all())
        resting = pl.select(
            pl.when(trades["buyer_is_maker"]).then(before["bid_quantity"]).otherwise(before["ask_quantity"])
        ).to_series()
        assert bool((resting > trades["quantity"]).all())
        after = quotes.gather_every(2, offset=1)
        left = pl.select(
            pl.when(trades["buyer_is_maker"]).then(after["bid_quantity"]).otherwise(after["ask_quantity"])
        ).to_series()
        assert bool((resting - trades["quantity"] == left).all())
        assert bool((after["time_ns"] == trades["time_ns"]).all())
        assert quotes["time_ns"].is_sorted()
        assert 0.3 < float(trades["buyer_is_maker"].mean()) < 0.7


def test_spreads_are_wider_and_books_thinner_in_storms() -> None:
    found = market("demo", 20, ("LAYERUSDT",), ("quotes",))
    quotes, truth = found.table("LAYERUSDT", "quotes").frame, found.made["LAYERUSDT"].truth
    minutes = (quotes["time_ns"].to_numpy() - found.start_ns) // MINUTE
    spread = (quotes["ask"] - quotes["bid"]).to_numpy()
    rests = quotes["bid_quantity"].to_numpy()
    storm, calm = truth.at("storm")[minutes], truth.at("calm")[minutes]
    assert spread[storm].mean() > 1.5 * spread[calm].mean()
    assert rests[storm].mean() < 0.7 * rests[calm].mean()


def test_bars_are_the_trades_of_their_minute() -> None:
    found = market("storm", 2, THREE, synthetic.MADE)
    for name in THREE:
        bars, trades = found.table(name, "bars"), found.table(name, "trades")
        made = resample.of_trades(trades, MINUTE).table
        assert made.scale == bars.scale
        assert made.frame.equals(bars.frame), name
    slow: dict[int, list[int]] = {}
    for time_ns, _, price, quantity, maker in trades.frame.rows():
        bar = slow.setdefault(time_ns // MINUTE, [price, price, price, price, 0, 0, 0, 0])
        bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
        for place, more in ((4, quantity), (5, quantity * price), (6, 1), (7, 0 if maker else quantity)):
            bar[place] += more
    assert [list(row[1:]) for row in bars.frame.rows()] == list(slow.values())


def test_the_book_agrees_with_every_quote_and_every_snapshot() -> None:
    found = market("storm", 2, THREE, synthetic.MADE)
    depth, quotes = found.table("ETHUSDT", "depth").frame, found.table("ETHUSDT", "quotes").frame
    wanted = {
        row[0]: row[1:] for row in quotes.select("id", "bid", "bid_quantity", "ask", "ask_quantity").rows()
    }
    sides: dict[bool, dict[int, int]] = {True: {}, False: {}}
    seen, last, snapshots = 0, 0, 0
    groups: dict[tuple[int, bool], list[Any]] = defaultdict(list)
    for row in depth.filter(pl.col("last_id") < 12_000).rows():
        groups[row[2], row[4]].append(row)
    for (number, snapshot), rows in groups.items():
        if snapshot:
            told: dict[bool, dict[int, int]] = {True: {}, False: {}}
            for row in rows:
                told[row[5]][row[6]] = row[7]
            assert seen == 0 or told == sides, "a snapshot is the book as it stands"
            sides, snapshots = told, snapshots + 1
        else:
            assert rows[0][3] == last, "the chain of ids is whole"
            for row in rows:
                if row[7]:
                    sides[row[5]][row[6]] = row[7]
                else:
                    del sides[row[5]][row[6]]  # what goes was there
        last = number
        bid, ask = max(sides[True]), min(sides[False])
        assert bid < ask
        assert (bid, sides[True][bid], ask, sides[False][ask]) == wanted[number]
        assert len(sides[True]) == len(sides[False]) == synthetic.LEVELS
        seen += 1
    assert seen > 10_000
    assert snapshots > 5


def test_marks_lag_the_price() -> None:
    found = market("storm", 20, ("BTCUSDT",), ("bars", "marks"))
    bars, marks = found.table("BTCUSDT", "bars").frame, found.table("BTCUSDT", "marks").frame
    assert bars["time_ns"].equals(marks["time_ns"])
    price, mark = (np.diff(np.log(frame["close"].to_numpy())) for frame in (bars, marks))
    now = float(np.corrcoef(price, mark)[0, 1])
    later = float(np.corrcoef(price[:-1], mark[1:])[0, 1])
    before = float(np.corrcoef(price[1:], mark[:-1])[0, 1])
    assert now > 0.6
    assert later > 0.2 > abs(before) * 4
    assert int(marks["low"].min()) > 0
    assert marks["open"][1:].equals(marks["close"][:-1])
    assert found.table("BTCUSDT", "marks").scale.price == 4, "marks are finer than the tick"


# -- funding


def test_funding_is_what_the_premiums_say_and_sums_to_it() -> None:
    found = market("crash", 12, THREE, ("bars", "funding"))
    for name, cap in (("BTCUSDT", 300_000), ("LAYERUSDT", 2_000_000)):
        truth, frame = found.made[name].truth, found.table(name, "funding").frame
        total, wanted = 0, Fraction(0)
        for time_ns, rate, interval_ns in frame.rows():
            end = (time_ns - found.start_ns) // MINUTE
            span = [int(p) for p in truth.premium8[end - interval_ns // MINUTE : end]]
            mean = sum(span) // len(span)
            interest = 1_250 * (interval_ns // HOUR)  # 0.03 % a day
            exact = mean + min(max(interest - mean, -50_000), 50_000)
            wanted += min(max(exact, -cap), cap)
            total += rate
            assert rate == min(max(exact, -cap), cap), (name, time_ns)
        assert total == wanted
        assert int((frame["interval_ns"]).sum()) == 12 * 24 * HOUR, "every hour is paid once"
    calm = market("calm", 12, ("BTCUSDT",), ("bars", "funding")).table("BTCUSDT", "funding").frame
    assert calm["rate"].to_list().count(10_000) > 0.6 * len(calm), "0.01 % is the rule"


# -- scenarios


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_scenario_shows_what_it_is_for(scenario: str) -> None:
    found = market(scenario, 30, THREE, ("bars", "marks", "funding"))
    facts = SCENARIOS[scenario]
    for name, made in found.made.items():
        truth = made.truth
        for place, weight in enumerate(facts.weights):
            assert bool((truth.regime == place).any()) == (weight > 0), (name, REGIMES[place])
        assert bool(len(truth.jump_ns)) == any(facts.jumps_per_day)
        assert bool(truth.outages) == bool(facts.outages)
        assert (truth.fall is not None) == (bool(facts.fall) and name == THREE[-1])
        bars = made.tables["bars"].frame
        missing = sum(end - begin for begin, end in truth.outages) // MINUTE
        assert len(bars) == 30 * 1440 - missing
        gone = {t for begin, end in truth.outages for t in range(begin, end, MINUTE)}
        assert not gone & set(bars["time_ns"].to_list())
        for table in made.tables.values():
            odd = {one.code for one in check(table).findings}
            allowed = {"gap"} if truth.outages and table.kind.name != "funding" else set()
            allowed |= {"interval"} if table.kind.name == "funding" else set()
            assert odd <= allowed, (name, table.kind.name, odd)
            assert ("gap" in odd) == bool(truth.outages and table.kind.name != "funding")


def test_a_jump_skips_ticks_and_is_where_the_truth_says() -> None:
    found = market("storm", 30, THREE, ("bars", "marks", "funding"))
    for name in THREE:
        truth, frame = found.made[name].truth, found.table(name, "bars").frame
        gaps = frame.select("time_ns", gap=(pl.col("open") - pl.col("close").shift(1)) / pl.col("open"))
        by_time = dict(gaps.drop_nulls().rows())
        jumps = {
            t: j
            for t, j in zip(truth.jump_ns.tolist(), truth.jump_nano.tolist(), strict=True)
            if t in by_time
        }
        assert len(jumps) > 200
        large = {t: j for t, j in jumps.items() if abs(j) > 6_000_000}
        assert len(large) > 50
        near = [t for t, j in large.items() if abs(by_time[t] - j / 1e9) < 0.35 * abs(j) / 1e9]
        assert len(near) > 0.9 * len(large)
        tick = 10**9
        skipped = [t for t in large if abs(by_time[t]) * tick > 1_000_000]
        assert len(skipped) > 0.9 * len(large)


def test_the_crash_is_that_of_a_small_coin() -> None:
    found = market("crash", 12, THREE, ("bars", "funding"))
    made = found.made["LAYERUSDT"]
    assert made.truth.fall is not None
    begin, end = made.truth.fall
    bars = made.tables["bars"].frame.filter((pl.col("time_ns") >= begin) & (pl.col("time_ns") < end))
    left = bars["close"][-1] / bars["open"][0]
    assert 0.35 < left < 0.65, "about half is lost"
    assert end - begin == 9 * HOUR
    funding = made.tables["funding"].frame
    assert int(funding["rate"].min()) == -2_000_000
    assert set((funding["interval_ns"] // HOUR).to_list()) >= {4, 1}
    hourly = funding.filter(pl.col("interval_ns") == HOUR)
    assert begin < int(hourly["time_ns"][0]) < end + 8 * HOUR
    assert found.made["BTCUSDT"].truth.fall is None
    told = [one.words for one in check(made.tables["funding"]).findings]
    assert told[:1] == ["the interval goes from 4 h to 1 h"]


def test_storms_change_the_interval_of_funding() -> None:
    found = market("storm", 30, THREE, ("bars", "marks", "funding"))
    hours = (found.table("BTCUSDT", "funding").frame["interval_ns"] // HOUR).value_counts().rows()
    assert dict(hours)[4] > 10
    assert set(dict(hours)) >= {4, 8}


# -- contracts


@pytest.mark.parametrize("symbol", [*LISTINGS, "WIFUSDT", "ABC", "ZZTOP9"])
def test_every_listing_is_a_contract_that_the_kernel_can_play(symbol: str) -> None:
    found = market("demo", 1, (symbol,), synthetic.MADE)
    made = found.made[symbol]
    scales = made.contract.scales
    rows = s.ContractRow(
        tick_size8=scales.tick_size8, cash_per_tick_lot=scales.cash_per_tick_lot, max_notional_cash=2**59
    )
    tables = made.tables
    played = replay([Feed(made.contract, tables["bars"], tables["marks"], funding=tables["funding"])])
    codes = np.ones(len(played), np.int64)
    machine.run.compiled(compiled_body(new_state([rows], (), slots=1, log_rows=1)), played.rows(), codes)
    assert len(played) > 1300
    assert not codes.any()
    without_bars = {kind: table for kind, table in tables.items() if kind != "bars"}
    ticks = replay(feeds_of({symbol: made.contract}, {symbol: without_bars}))
    assert {event.kind for event in ticks} == {s.TRADE, s.QUOTE, s.MARK, s.FUNDING}
    codes = np.ones(len(ticks), np.int64)
    machine.run.compiled(compiled_body(new_state([rows], (), slots=1, log_rows=1)), ticks.rows(), codes)
    assert not codes.any()
    assert int(tables["bars"].frame["low"].min()) > 0
    assert int((tables["bars"].frame["high"] - tables["bars"].frame["low"]).max()) > 0


def test_listings_are_unlike_each_other() -> None:
    drawn = [listing_of(f"COIN{i}USDT") for i in range(60)]
    assert len({one.tick_size for one in drawn}) >= 4
    assert len({one.lot_size for one in drawn}) == 3
    assert {one.lag_minutes for one in drawn} == {0, 1, 2, 3}
    assert all(one.beta_down > one.beta_up for one in drawn)
    assert listing_of("COIN1USDT") == listing_of("COIN1USDT")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scenario": "boom"}, "DATA-641"),
        ({"days": 0}, "DATA-642"),
        ({"days": 10**6}, "DATA-642"),
        ({"contracts": ()}, "DATA-643"),
        ({"contracts": ("BTCUSDT", "BTCUSDT")}, "DATA-643"),
        ({"contracts": ("../x",)}, "DATA-643"),
        ({"kinds": ()}, "DATA-644"),
        ({"kinds": ("bars", "candles")}, "DATA-644"),
        ({"kinds": ("interest",)}, "DATA-644"),
        ({"seed": -1}, "DATA-645"),
        ({"seed": 2**63}, "DATA-645"),
        ({"detail": 0}, "DATA-646"),
        ({"start": datetime(2025, 1, 6)}, "DATA-648"),
        ({"start": datetime(1969, 12, 31, tzinfo=UTC)}, "DATA-648"),
        ({"detail": 200, "days": 3660, "kinds": ("trades",)}, "DATA-646"),
    ],
)
def test_what_cannot_be_made_is_refused(change: dict[str, Any], code: str) -> None:
    asked: dict[str, Any] = {"scenario": "calm", "days": 1, "seed": 1, "contracts": ("BTCUSDT",)}
    with pytest.raises(InputError) as caught:
        synthetic.make(**(asked | change))
    assert caught.value.code == code
    assert caught.value.hint


def test_all_kinds_have_all_their_columns() -> None:
    found = market("storm", 2, THREE, synthetic.MADE)
    for kind in synthetic.MADE:
        table = found.table("ETHUSDT", kind)
        assert isinstance(table, Table)
        assert table.frame.columns == list(KINDS[kind].columns)
        assert table.kind == KINDS[kind]
        assert not check(table).findings or kind in ("bars", "marks", "funding")
    assert len(found.table("ETHUSDT", BARS.name).frame) > 2_800
