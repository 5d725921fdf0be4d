"""How hedges and listed futures are checked against the reference: both prices, and the margin call."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import lotwise
from lotwise import LiquidationAnswer
from lotwise.kernel.arith import INT64_MAX
from lotwise.kernel.hedge import hedged_liquidation_fraction
from lotwise.kernel.layout import TierRow, array_of
from lotwise.units import scaled_text
from tests.reference import families, margin
from tests.twins.families import E8, STEP, Account, Held, rounded, wallet

HIGHEST = Fraction(INT64_MAX, E8)
"""Above it a price is none: nothing reaches it, and 64 bits do not hold it."""

# -- hedge mode ---------------------------------------------------------------------------------------


def check_hedge(account: Account) -> Iterator[str]:
    """Both prices of a long and a short on one wallet, asked of either leg."""
    held, other = account.held, account.opposite
    assert other is not None
    long, short = (held, other) if held.side > 0 else (other, held)
    needed, gained = account.others_need()
    found = _hedge_twin(account, long, short, needed, gained)
    answer = lotwise.liquidation(**account.words)
    swapped = account._replace(held=other, opposite=held)
    assert (_prices(swapped, lotwise.liquidation(**swapped.words))) == _prices(account, answer)
    wanted = tuple(
        None if price is None or price > HIGHEST else rounded(1 if bound == "lower" else -1, price)
        for bound, price in (("lower", found.lower), ("upper", found.upper))
    )
    assert _prices(account, answer) == wanted, f"{_prices(account, answer)}, the roots are {found}"
    if found.under_water:
        assert answer.status == "now"
    if answer.liquidation_price is None and not found.under_water:
        beyond_now = found.lower is not None  # the account stands only above a price beyond counting
        assert answer.status == ("now" if beyond_now else "never")
    yield "under water" if found.under_water else _bounds(found)
    if not held.contract.is_inverse:
        yield _compiled(account, long, short, needed, gained)


def _bounds(found: families.Hedge) -> str:
    names = [name for name in ("lower", "upper") if getattr(found, name) is not None]
    return " and ".join(names) or "none"


def _hedge_twin(
    account: Account, long: Held, short: Held, needed: Fraction, gained: Fraction
) -> families.Hedge:
    is_inverse = long.contract.is_inverse
    solve = families.inverse_hedge_liquidation if is_inverse else families.hedge_liquidation
    legs = (long.size, long.entry), (short.size, short.entry)
    return solve(*legs, wallet(account), long.tiers, needed, gained, closing_fee=long.taker)


def _prices(account: Account, answer: LiquidationAnswer) -> tuple[Fraction | None, Fraction | None]:
    """(lower, upper): the heavier leg runs into the first price of the answer, if there is one."""
    held, other = account.held, account.opposite
    assert other is not None
    heavier = held if held.lots >= other.lots else other
    both = [
        None if text is None else Fraction(text)
        for text in (answer.liquidation_price, answer.other_liquidation_price)
    ]
    if both[1] is None and both[0] is not None:  # one price alone: its side of the mark is told by the tiers
        return _placed(account, both[0])
    return (both[0], both[1]) if heavier.side > 0 else (both[1], both[0])


def _placed(account: Account, price: Fraction) -> tuple[Fraction | None, Fraction | None]:
    """A price alone is the lower one where the account stands above it."""
    held, other = account.held, account.opposite
    assert other is not None
    long, short = (held, other) if held.side > 0 else (other, held)
    line = families.inverse_hedge_balance if held.contract.is_inverse else families.hedge_balance
    needed, gained = account.others_need()
    rest = wallet(account) - needed + gained
    height = line((long.size, long.entry), (short.size, short.entry), rest, held.tiers, held.taker)
    far = price * 2
    return (price, None) if height(1 / far if held.contract.is_inverse else far) > 0 else (None, price)


def _compiled(account: Account, long: Held, short: Held, needed: Fraction, gained: Fraction) -> str:
    """The kernel's rule gives the same integers compiled."""
    rows = account.held.contract.liquidation_rows()
    for above in (0, 1):
        given = (
            long.lots,
            short.lots,
            int(long.worth(long.entry) * E8),
            int(short.worth(short.entry) * E8),
            int((wallet(account) - needed + gained) * E8),
        )
        interpreted = hedged_liquidation_fraction(above, rows, *given)
        compiled = hedged_liquidation_fraction.compiled(above, array_of(TierRow, rows), *given)
        assert interpreted == compiled, (above, given)
    return "compiled"


# -- listed futures -------------------------------------------------------------------------------------


def check_clearing(account: Account) -> Iterator[str]:
    """No liquidation price; the call where the account's money is the maintenance margin."""
    held = account.held
    answer = lotwise.liquidation(**held.words, wallet=scaled_text(account.wallet8))
    stated = Fraction(str(held.contract.maintenance_margin_per_contract))
    asked = (held.side, held.lots, Fraction(held.contract.contract_size), held.entry)
    price = families.margin_call_price(*asked, wallet(account), stated)
    call = answer.margin_call
    assert call is not None
    assert answer.liquidation_price is None
    assert Fraction(str(answer.maintenance_margin)) == families.clearing_margin(held.lots, stated)
    if isinstance(price, str):
        assert call.price is None
        yield price
        return
    assert Fraction(str(call.price)) == rounded(held.side, price)
    yield "price"
    pnl = margin.unrealised_pnl(held.side, held.size, held.entry, held.mark)
    warned = any("expect the call now" in warning for warning in answer.warnings)
    room = wallet(account) + pnl - families.clearing_margin(held.lots, stated)
    assert abs(room) <= 2 * STEP or warned == (room < 0)
    yield "called now" if warned else "not yet"
