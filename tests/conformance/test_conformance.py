"""Every card on the venue in a box in process."""

from __future__ import annotations

import pytest

from lotwise.exchange.market import Market
from tests.conformance import cards_money
from tests.conformance.bench import AFTER_FUNDING_NS, BEFORE_FUNDING_NS, InProcess, market_at, thin_store
from tests.conformance.cards_orders import CARDS


@pytest.fixture(scope="module")
def markets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Market]:
    """Just before funding, for the card that waits for it; and after it."""
    root = tmp_path_factory.mktemp("market")
    thin_store(root)
    return {"M12": market_at(root, BEFORE_FUNDING_NS), "": market_at(root, AFTER_FUNDING_NS)}


def test_there_are_enough_cards() -> None:
    assert len(CARDS) >= 60
    assert cards_money.DEPOSIT_CASH == 10_000 * 10**8


@pytest.mark.parametrize("number", sorted(CARDS))
def test_a_card_holds_in_process(markets: dict[str, Market], number: str) -> None:
    market = markets.get(number, markets[""])
    bench = InProcess(market)
    CARDS[number](bench)
    assert bench.port.balance("USDT").wallet_cash > 0
