"""What a sceptic tries around a session: two of them, a state elsewhere, a phase that was none, a plan."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lotwise.app import trade_safety as safety
from lotwise.app.trade import Session
from lotwise.app.trade_config import ACCOUNTS, TradeConfig, example, read
from lotwise.app.trade_folder import Phases
from lotwise.app.trade_lock import account_taken, names_of, runs_in
from lotwise.broker.ccxt_venue.keys import Keys
from lotwise.broker.chronicle import Kept, Told
from lotwise.broker.intents import IntentLog, Note, quick
from lotwise.cli.trade import _asked_to_stop
from lotwise.clock import FixedClock
from lotwise.errors import InputError, RefusedError, VenueError
from lotwise.records.live import VenueBalance, VenueMarket
from lotwise.store.database import opened
from lotwise.store.failures import StoreError
from lotwise.units import Cash, Ticks

E8 = 10**8
NOW = 1_746_316_800 * 10**9


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def keys(where: str = "live", key: str = "key-number-one") -> dict[str, str]:
    stem = {"live": "LOTWISE_BINANCE", "demo": "LOTWISE_BINANCE_DEMO", "paper": "LOTWISE_PAPER"}[where]
    return {f"{stem}_KEY": key, f"{stem}_SECRET": "a-secret-that-nobody-knows"}


def config(where: Any = "live", account: str = "main", folder: str = "", **changes: str) -> TradeConfig:
    text = example("binance", where)
    text = text.replace(f'account = "{ACCOUNTS[where]}"', f'account = "{account}"')
    text = text.replace("# folder", f'folder = "{folder}"  #') if folder else text
    for before, after in changes.items():
        text = text.replace(f"{before} = ", f"{after}\n# ")
    return read(text)


# -- two sessions on one account


def test_one_session_on_an_account_whatever_its_folder_or_name(tmp_path: Path) -> None:
    one, two = config(folder=str(tmp_path / "one")), config(folder=str(tmp_path / "two"))
    with account_taken(one, keys()) as before:
        assert before == ""
        with pytest.raises(InputError, match=r"TRADE-150.*one") as caught, account_taken(two, keys()):
            pass
        assert "one account, one session" in caught.value.hint
        named = config(account="other", folder=str(tmp_path / "two"))  # another name, the same key
        with pytest.raises(InputError, match=r"TRADE-150.*one"), account_taken(named, keys()):
            pass
        with account_taken(named, keys(key="key-number-two")):  # another account
            pass
        with account_taken(config("demo"), keys("demo")):  # another place
            pass
        assert runs_in(two, keys()) == [tmp_path / "one"]
    assert runs_in(two, keys()) == []
    with account_taken(two, keys()) as before:
        assert before == str(tmp_path / "one")  # its limits are counted elsewhere: told
    with account_taken(two, keys()) as before:
        assert before == ""


def test_exchanges_of_this_machine_have_accounts_of_their_own(tmp_path: Path) -> None:
    one = config("paper", folder=str(tmp_path / "one"))
    other = read(example().replace(":8610", ":8710").replace("# folder", f'folder = "{tmp_path / "two"}"  #'))
    with account_taken(one, keys("paper")), account_taken(other, keys("paper")):
        with pytest.raises(InputError, match="TRADE-150"), account_taken(one, keys("paper")):
            pass
        assert len(set(names_of(one, keys("paper"))) | set(names_of(other, keys("paper")))) == 4


def test_no_lock_holds_a_key(tmp_path: Path) -> None:
    with account_taken(config(folder=str(tmp_path)), keys()):
        pass
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert len(files) == 2
    for one in files:
        assert "key-number-one" not in str(one) + one.read_text()
        assert "nobody" not in str(one) + one.read_text()
        assert one.stat().st_mode & 0o077 == 0
    assert Keys("a", "b").fingerprint() != Keys("b", "a").fingerprint()


def test_without_keys_nothing_is_locked() -> None:
    with pytest.raises(InputError, match="BROKER-130"), account_taken(config(), {}):
        pass


def test_the_state_does_not_move_with_the_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else a session begun in another shell, or another folder, would not know its limits and its trades."""
    wanted = tmp_path / "data" / "lotwise" / "trade" / "binance-live-main"
    for journal in ("", "postgresql://me:word@127.0.0.1/lotwise", "journal.sqlite"):
        monkeypatch.setenv("LOTWISE_JOURNAL", journal)
        assert config().folder == wanted


# -- before live


def test_a_trade_of_which_nothing_was_filled_passes_no_paper_phase(tmp_path: Path) -> None:
    phases = Phases(config("paper"), tmp_path)
    phases.told(Told(kind="ended", time_ns=1, message="no entry filled", numbers={"lots": 0}))
    phases.told(Told(kind="ended", time_ns=1, message="no numbers"))
    assert phases.trades() == 0
    phases.told(Told(kind="ended", time_ns=1, message="over", numbers={"lots": 3}))
    assert phases.trades() == 1


@pytest.mark.parametrize("cash", [0, -5 * E8])
def test_an_empty_account_confirms_nothing(cash: int) -> None:
    """What is moved there later would be at risk without a word."""
    risk = safety.at_risk(config(), Cash(cash))
    with pytest.raises(RefusedError, match="TRADE-153"):
        safety.confirmed(risk, risk.typed, "USDT")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_closes_is_a_graceful_end(number: int) -> None:
    before = signal.getsignal(number)
    with _asked_to_stop() as stop:
        signal.raise_signal(number)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


# -- the disk


def test_a_file_that_another_program_holds_delays_a_stop_by_a_second_at_most(tmp_path: Path) -> None:
    database = opened(tmp_path / "session.sqlite")
    log = IntentLog(database, "one")
    log.write(1, Note("plan", "a", {}))
    quick(database, wait_ms=50)
    log.write(2, Note("usage", "", {"usage": {}}))
    other = sqlite3.connect(tmp_path / "session.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    log.later(3, Note("answer", "a", {}))
    with pytest.raises(StoreError, match="STORE-104"):
        log.write(4, Note("send", "a", {}))
    assert [note.kind for _, note in log.pending] == ["answer"]
    other.execute("ROLLBACK")
    log.write(5, Note("send", "a", {}))
    assert [(one.kind, one.time_ns) for one in log.read()][2:] == [("answer", 3), ("send", 5)]
    assert log.pending == []
    other.close()
    database.close()


# -- facts and plan at the start


class Still:
    """A port that answers, and whose facts a test sets."""

    name, account = "binance", "main"

    def __init__(self, facts: Callable[[str], list[str]]) -> None:
        self.check_facts = facts

    def now_ns(self) -> int:
        return NOW

    def orders(self, contract_id: str = "") -> list[Any]:
        return []

    def positions(self) -> list[Any]:
        return []

    def income(self, since_ns: int) -> list[Any]:
        return []

    def balance(self, coin: str) -> VenueBalance:
        cash = Cash(500 * E8)
        return VenueBalance(
            coin=coin, wallet_cash=cash, equity_cash=cash, free_cash=cash, margin_cash=Cash(0)
        )

    def market(self, contract_id: str) -> VenueMarket:
        return VenueMarket(
            contract_id=contract_id,
            bid_ticks=Ticks(999_999),
            ask_ticks=Ticks(1_000_001),
            last_ticks=Ticks(1_000_000),
            mark_price8=10**13,  # type: ignore[arg-type]
            time_ns=NOW,
        )

    def bars(self, contract: Any, since_ns: int) -> list[Any]:
        return []


def session(tmp_path: Path, port: Any, text: str = "") -> tuple[Session, Kept]:
    kept = Kept()
    made = read(text or example("binance", "live"), folder=tmp_path)
    database = opened(tmp_path / "session.sqlite")
    return Session(made, port, port, clock=FixedClock(NOW), database=database, chronicles=[kept]), kept


def test_facts_that_are_not_the_venue_s_stop_the_start(tmp_path: Path) -> None:
    def facts(contract_id: str) -> list[str]:
        raise VenueError(
            "BROKER-126", f"tick_size of {contract_id} is 0.01 at the venue and 0.1 in the facts", "refresh"
        )

    made, kept = session(tmp_path, Still(facts))
    with pytest.raises(VenueError, match=r"TRADE-151.*0.01 at the venue and 0.1 in the facts"):
        made.begin()
    assert "0.01 at the venue" in "".join(one.message for one in kept.of("trouble"))


def test_one_contract_of_two_with_other_facts_is_left_out(tmp_path: Path) -> None:
    def facts(contract_id: str) -> list[str]:
        if contract_id == "binance:ETHUSDT":
            raise VenueError("BROKER-126", "lot_size is 1 at the venue and 0.001 in the facts", "refresh")
        return ["min_notional of binance:BTCUSDT is 777 at the venue and 100 in the facts"]

    text = example("binance", "live").replace('["BTCUSDT"]', '["BTCUSDT", "ETHUSDT"]')
    made, kept = session(tmp_path, Still(facts), text)
    made.begin()
    assert "lot_size is 1 at the venue" in made.broker.silent["binance:ETHUSDT"]
    assert "binance:BTCUSDT" not in made.broker.silent
    assert "777 at the venue and 100" in "".join(one.message for one in kept.of("trouble"))


def test_facts_that_cannot_be_compared_now_are_compared_before_the_first_trade(tmp_path: Path) -> None:
    def facts(contract_id: str) -> list[str]:
        raise VenueError("BROKER-142", "not reached", "later")

    made, kept = session(tmp_path, Still(facts))
    made.begin()
    assert "could not be compared: not reached" in "".join(one.message for one in kept.of("trouble"))
    assert made.broker.silent == {}
    assert made.end(lambda seconds: None) == ()


def test_a_plan_in_its_paper_phase_opens_nothing_live(tmp_path: Path) -> None:
    """Asked before every trade, and told at the start; the same file on paper trades as the plan allows."""
    from lotwise.records.plan import Begun
    from lotwise.records.signal import Signal
    from lotwise.scaling.example import EXAMPLE as TEXT
    from lotwise.scaling.keep import KeptPlan

    (tmp_path / "plan.toml").write_text(TEXT)
    text = example("binance", "live").replace('# plan = "plan.toml"', 'plan = "plan.toml"')
    made, kept = session(tmp_path, Still(lambda name: []), text)
    made.begin()
    assert "the plan opens nothing: " in "".join(one.message for one in kept.of("trouble"))  # not begun
    plan = KeptPlan(tmp_path / "plan.toml")
    plan.tell([Begun(time_ns=NOW, equity_cash=Cash(500 * E8), paper_cash=Cash(500 * E8))])
    where = plan.limits(NOW).where
    plan.close()
    assert where == "paper"
    contract = made.config.contracts[0]
    signal_ = Signal(side=1, stop_ticks=Ticks(990_000))
    refused = made.trader.pipeline.open(contract, signal_, NOW, seen_ns=NOW)
    assert getattr(refused, "rule", "") == "plan size"
    made.end(lambda seconds: None)
    made, kept = session(tmp_path, Still(lambda name: []), text)
    made.begin()
    assert "on paper: it opens nothing here" in "".join(one.message for one in kept.of("trouble"))
