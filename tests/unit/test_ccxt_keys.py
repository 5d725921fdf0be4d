"""Keys are found, used and shown nowhere; places that do not exist are refused before a key is used."""

from __future__ import annotations

import contextlib
import copy
import logging
import pickle
import sys
import traceback
import types
from collections.abc import Iterator
from typing import Any

import pytest

ccxt = pytest.importorskip("ccxt")

from lotwise.broker.ccxt_venue import connect as connecting  # noqa: E402
from lotwise.broker.ccxt_venue.connect import check_place, connect, loopback_urls  # noqa: E402
from lotwise.broker.ccxt_venue.keys import Keys, find_keys, guard_logs, names_of, scrubbed  # noqa: E402
from lotwise.broker.ccxt_venue.rights import check_live, check_withdraw, unknown_of  # noqa: E402
from lotwise.clock import FixedClock  # noqa: E402
from lotwise.contracts import catalogue  # noqa: E402
from lotwise.contracts.contract import Contract, FeeSchedule  # noqa: E402
from lotwise.contracts.tiers import MarginTier  # noqa: E402
from lotwise.errors import InputError, LotwiseError, VenueError  # noqa: E402
from tests.wire.offline import KEY, NOW_NS, PASSWORD, SECRET, Answer, Sent, Transport, client_of, venue_of  # noqa: E402

SECRETS = (KEY, SECRET, PASSWORD)


def is_clean(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def test_keys_are_in_no_text_repr_dump_or_pickle() -> None:
    keys = Keys(KEY, SECRET, PASSWORD, "the environment")
    assert is_clean(f"{keys} {keys!r} {[keys]} {keys:}")
    assert "the environment" in repr(keys)
    assert not hasattr(keys, "__dict__")
    for dump in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(InputError) as caught:
            dump(keys)  # type: ignore[operator]
        assert caught.value.code == "BROKER-136"
    assert keys.config() == {"apiKey": KEY, "secret": SECRET, "password": PASSWORD}
    for one, other in (("", SECRET), (KEY, "")):
        with pytest.raises(InputError) as caught:
            Keys(one, other)
        assert caught.value.code == "BROKER-130"
        assert is_clean(str(caught.value))


def test_keys_of_each_place_have_names_of_their_own() -> None:
    """A live key is never looked for where paper or a demo is meant."""
    live = {"LOTWISE_BINANCE_KEY": KEY, "LOTWISE_BINANCE_SECRET": SECRET}
    assert find_keys("binance", "live", live).config() == {"apiKey": KEY, "secret": SECRET}
    for where in ("paper", "demo"):
        with pytest.raises(InputError) as caught:
            find_keys("binance", where, live)
        assert caught.value.code == "BROKER-130"
        assert names_of("binance", where)[0] in caught.value.message
        assert is_clean(str(caught.value))
    with pytest.raises(InputError) as caught:
        find_keys("binance", "live", {"LOTWISE_BINANCE_KEY": KEY})
    assert "LOTWISE_BINANCE_SECRET" in caught.value.message
    weex = {"LOTWISE_WEEX_KEY": KEY, "LOTWISE_WEEX_SECRET": SECRET}
    with pytest.raises(InputError) as caught:
        find_keys("weex", "live", weex)
    assert "LOTWISE_WEEX_PASSPHRASE" in caught.value.message
    for name in ("LOTWISE_WEEX_PASSPHRASE", "LOTWISE_WEEX_PASSWORD"):  # the second is what it was called
        assert find_keys("weex", "live", weex | {name: PASSWORD}).config()["password"] == PASSWORD
    both = weex | {"LOTWISE_WEEX_PASSPHRASE": PASSWORD, "LOTWISE_WEEX_PASSWORD": "of old"}
    assert find_keys("weex", "live", both).config()["password"] == PASSWORD


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A keyring of our own in place of the system's."""
    held: dict[str, Any] = {"error": None}
    errors = types.ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
    errors.NoKeyringError = type("NoKeyringError", (errors.KeyringError,), {})  # type: ignore[attr-defined]
    module = types.ModuleType("keyring")

    def get_password(service: str, name: str) -> str | None:
        assert service == "lotwise"
        if held["error"]:
            raise getattr(errors, held["error"])(f"locked {SECRET}")
        found: str | None = held.get(name)
        return found

    module.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    return held


def test_the_keyring_is_asked_where_the_environment_has_none(keyring: dict[str, Any]) -> None:
    keyring |= {"LOTWISE_BYBIT_KEY": KEY, "LOTWISE_BYBIT_SECRET": SECRET}
    found = find_keys("bybit", "live", {})
    assert (found.config()["apiKey"], found.source) == (KEY, "the keyring")
    for name in ("LOTWISE_WEEX_PASSPHRASE", "LOTWISE_WEEX_PASSWORD"):
        keyring |= {"LOTWISE_WEEX_KEY": KEY, "LOTWISE_WEEX_SECRET": SECRET, name: PASSWORD}
        assert find_keys("weex", "live", {}).config()["password"] == PASSWORD
        del keyring[name]
    keyring["error"] = "NoKeyringError"
    with pytest.raises(InputError) as caught:
        find_keys("bybit", "live", {})
    assert caught.value.code == "BROKER-130"
    keyring["error"] = "KeyringError"
    with pytest.raises(InputError) as caught:
        find_keys("bybit", "live", {})
    assert caught.value.code == "BROKER-135"
    assert is_clean("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("venue", ["binance", "bybit", "bingx", "mexc", "weex"])
def test_logs_at_their_loudest_hold_no_key_and_no_signature(
    venue: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    found, transport = venue_of(
        venue, lambda sent: (200, {"code": 0, "retCode": 0, "success": True, "data": []})
    )
    guard_logs(found.wire.client, Keys(KEY, SECRET, PASSWORD))
    with contextlib.suppress(LotwiseError):  # the made-up answer may be no balance
        found.balance("USDT")
    sent = transport.sent[-1]
    assert not is_clean(str(sent.headers))  # the key did travel
    line = f"GET /x?symbol=BTCUSDT&signature={'ab' * 32} HTTP/1.1 key {KEY}"
    logging.getLogger("urllib3.connectionpool").debug("%s://%s", "https", line)
    assert is_clean(caplog.text)
    assert "abab" not in caplog.text
    assert "symbol=BTCUSDT" in caplog.text
    told = capsys.readouterr()
    assert is_clean(told.out + told.err)


def test_what_a_traceback_shows_is_clean() -> None:
    found, _ = venue_of("binance", lambda sent: OSError(f"{SECRET} signature=abc"))
    with pytest.raises(LotwiseError) as caught:
        found.wire.ask("cancel", symbol="BTCUSDT", orderId="1")
    assert is_clean("".join(traceback.format_exception(caught.value)))


def test_words_are_cleaned_of_secrets_wherever_they_stand() -> None:
    keys = Keys(KEY, SECRET, PASSWORD)
    text = f"{KEY}{SECRET} sign=12 'X-BAPI-SIGN': 'zz' ACCESS-PASSPHRASE: {PASSWORD} price=5"
    found = scrubbed(text, keys)
    assert is_clean(found)
    assert "12" not in found
    assert "zz" not in found
    assert found.endswith("price=5")


def urls_of(table: Any) -> list[str]:
    if isinstance(table, dict):
        return [url for one in table.values() for url in urls_of(one)]
    return [table] if isinstance(table, str) else []


@pytest.mark.parametrize("name", ["binanceusdm", "bybit", "bingx", "mexc", "weex"])
def test_no_address_is_left_that_is_not_on_this_machine(name: str) -> None:
    table = getattr(ccxt, name)().urls["api"]
    found = urls_of(loopback_urls(table, "http://127.0.0.1:8080"))
    assert len(found) == len(urls_of(table)) >= 2
    for url in found:
        assert url.partition("://")[2].partition("/")[0] == "127.0.0.1:8080", url
        assert url.startswith(("http://", "ws://"))
    for bad in ("https://fapi.binance.com", "http://127.0.0.1.evil.example:80", "http://10.0.0.1:80", ""):
        with pytest.raises(InputError) as caught:
            loopback_urls(table, bad)
        assert caught.value.code == "BROKER-133"


def test_a_client_for_paper_knows_no_other_address() -> None:
    found = connecting._client("binance", "paper", "http://127.0.0.1:8080", Keys(KEY, SECRET))
    hosts = {url.partition("://")[2].partition("/")[0] for url in urls_of(found.urls["api"])}
    assert hosts == {"127.0.0.1:8080"}
    assert not found.session.trust_env  # no proxy of the environment either


@pytest.mark.parametrize(
    ("venue", "where", "url"),
    [
        ("ftx", "live", ""),
        ("binance", "testnet", ""),
        ("bybit", "paper", "http://127.0.0.1:80"),
        ("binance", "paper", ""),
        ("binance", "paper", "http://fapi.binance.com:80"),
        ("binance", "live", "http://127.0.0.1:80"),
        ("mexc", "demo", ""),
        ("weex", "demo", ""),
    ],
)
def test_a_place_that_does_not_exist_is_refused(venue: str, where: str, url: str) -> None:
    with pytest.raises(InputError) as caught:
        check_place(venue, where, url)
    assert caught.value.code == "BROKER-133"
    assert caught.value.hint


def connected(monkeypatch: pytest.MonkeyPatch, venue: str, where: Any, answers: dict[str, Any]) -> Any:
    """Connect with the transport replaced; hears what is told."""
    made: list[Transport] = []
    heard: list[str] = []

    def answer(sent: Sent) -> Answer:
        return 200, next(told for path, told in answers.items() if path in sent.path)

    original = connecting._client

    def client(*given: Any) -> Any:
        found = original(*given)
        found.session = Transport(answer)
        made.append(found.session)
        return found

    monkeypatch.setattr(connecting, "_client", client)
    keys = Keys(KEY, SECRET, PASSWORD)
    found = connect(venue, where, keys=keys, clock=FixedClock(NOW_NS), tell=heard.append)
    return found, made[0], heard


TIMES = {
    "binance": {"/time": {"serverTime": NOW_NS // 10**6 + 7}},
    "bybit": {"/time": {"retCode": 0, "result": {"timeSecond": "1", "timeNano": str(NOW_NS + 7_000_000)}}},
    "bingx": {"/time": {"code": 0, "data": {"serverTime": NOW_NS // 10**6 + 7}}},
    "mexc": {"/ping": {"success": True, "code": 0, "data": NOW_NS // 10**6 + 7}},
    "weex": {"/time": {"serverTime": NOW_NS // 10**6 + 7}},
}


def test_a_key_that_may_withdraw_is_refused_for_live(monkeypatch: pytest.MonkeyPatch) -> None:
    wallets: dict[str, Any] = {"binance": {"enableWithdrawals": True, "enableFutures": True}}
    wallets["bybit"] = {"retCode": 0, "result": {"permissions": {"Wallet": ["AccountTransfer", "Withdraw"]}}}
    paths = {"binance": "apiRestrictions", "bybit": "query-api"}
    for venue, told in wallets.items():
        with monkeypatch.context() as patch, pytest.raises(VenueError) as caught:
            connected(patch, venue, "live", TIMES[venue] | {paths[venue]: told})
        assert caught.value.code == "BROKER-131"
    good: dict[str, Any] = {"binance": {"enableWithdrawals": False}}
    good["bybit"] = {"retCode": 0, "result": {"permissions": {"Wallet": ["AccountTransfer"]}}}
    for venue, told in good.items():
        with monkeypatch.context() as patch:
            found, _transport, heard = connected(patch, venue, "live", TIMES[venue] | {paths[venue]: told})
        assert found.name == venue
        assert heard == []
        assert found.now_ns() == NOW_NS + 7_000_000


def test_where_a_venue_does_not_tell_the_trader_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for venue in ("bingx", "mexc", "weex"):
        with monkeypatch.context() as patch:
            found, _, heard = connected(patch, venue, "live", TIMES[venue])
        assert "does not tell whether the key may withdraw" in heard[0]
        assert found.now_ns() == NOW_NS + 7_000_000
    found, _ = venue_of("bybit", lambda sent: (200, {"retCode": 0, "result": {"permissions": {}}}))
    assert found.dialect.may_withdraw() is None
    check_withdraw(found.dialect)


def test_a_demo_is_asked_at_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = {
        "binance": "demo-fapi.binance.com",
        "bybit": "api-demo.bybit.com",
        "bingx": "open-api-vst.bingx.com",
    }
    for venue, host in hosts.items():
        with monkeypatch.context() as patch:
            found, transport, _ = connected(patch, venue, "demo", TIMES[venue] | {"balance": {"data": []}})
        assert {one.host for one in transport.sent} == {host}
        assert found.desk.coins == ({"USDT": "VST"} if venue == "bingx" else {})


def test_paper_yes_live_no_until_the_facts_are_known() -> None:
    bybit, binance = catalogue.load("bybit:BTCUSDT"), catalogue.load("binance:BTCUSDT")
    assert (unknown_of(bybit), unknown_of(binance)) == (["margin tiers"], [])
    bare = Contract(symbol="X", base="X", tick_size="1", lot_size="1", venue="binance")
    assert unknown_of(bare) == ["margin tiers", "fees"]
    whole = bare.replace(
        fees=FeeSchedule("0.0002", "0.0005"), tiers=(MarginTier("0", "1000000", "20", "0.01", "0"),)
    )
    check_live(whole, "live")
    check_live(binance, "live")
    for contract in (bybit, bare):
        check_live(contract, "paper")
        check_live(contract, "demo")
        with pytest.raises(InputError) as caught:
            check_live(contract, "live")
        assert caught.value.code == "BROKER-132"
        assert "paper" in caught.value.message
    found, transport = venue_of("bybit", lambda sent: (200, {}), where="live")
    with pytest.raises(InputError) as caught:
        found.prepare("bybit:BTCUSDT", 500, True)
    assert (caught.value.code, transport.sent) == ("BROKER-132", [])


def test_without_ccxt_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(VenueError) as caught:
        connect("binance", "live", keys=Keys(KEY, SECRET))
    assert caught.value.code == "BROKER-134"
    assert "lotwise[live]" in caught.value.hint


def test_a_missing_part_of_the_keys_is_told_before_anything_is_sent() -> None:
    found, transport = venue_of("weex", lambda sent: (200, {}))
    found.wire.client.password = ""
    with pytest.raises(VenueError) as caught:
        found.wire.ask("cancel", orderId="1")
    assert (caught.value.code, transport.sent) == ("BROKER-143", [])
    client, _ = client_of("weex", lambda sent: (200, {}))
    assert client.requiredCredentials["password"]
