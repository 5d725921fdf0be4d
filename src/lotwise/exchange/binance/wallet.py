"""Balances and positions as the venue writes them; every number is the kernel's."""

from __future__ import annotations

from typing import Any

from lotwise.exchange.account import Account
from lotwise.exchange.binance import figures
from lotwise.exchange.binance.facts import most_notional
from lotwise.exchange.market import Market
from lotwise.kernel import exposure
from lotwise.kernel.codes import OK
from lotwise.kernel.margin import entry_break_even8_ceil, liquidation_by, price8_ceil, price8_floor
from lotwise.kernel.state import State
from lotwise.units import Cash, Price8, Rate8


def totals(state: State) -> dict[str, int]:
    """The account's sums in 1e-8."""
    count = range(len(state.markets))
    isolated = sum(state.markets[c].isolated_cash for c in count)
    pnl = sum(exposure.pnl(state, c) for c in count)
    cross_pnl = sum(exposure.pnl(state, c) for c in count if not state.markets[c].is_isolated)
    positions = sum(exposure.initial_margin(state, c) for c in count)
    orders = sum(exposure.order_margin(state, c) for c in count)
    cross = state.account[0].cross_cash
    free = exposure.available(state)
    return {
        "wallet": cross + isolated,
        "pnl": pnl,
        "margin": cross + isolated + pnl,
        "maintenance": sum(exposure.maintenance(state, c) for c in count),
        "positions": positions,
        "orders": orders,
        "cross": cross,
        "cross_pnl": cross_pnl,
        "free": max(0, free),
        "out": max(0, min(cross, free)),
    }


def asset(account: Account) -> dict[str, Any]:
    """The row of USDT in ``account``."""
    told = totals(account.state)
    return {
        "asset": "USDT",
        "walletBalance": figures.money(told["wallet"]),
        "unrealizedProfit": figures.money(told["pnl"]),
        "marginBalance": figures.money(told["margin"]),
        "maintMargin": figures.money(told["maintenance"]),
        "initialMargin": figures.money(told["positions"] + told["orders"]),
        "positionInitialMargin": figures.money(told["positions"]),
        "openOrderInitialMargin": figures.money(told["orders"]),
        "crossWalletBalance": figures.money(told["cross"]),
        "crossUnPnl": figures.money(told["cross_pnl"]),
        "availableBalance": figures.money(told["free"]),
        "maxWithdrawAmount": figures.money(told["out"]),
        "marginAvailable": True,
        "updateTime": figures.ms(account.diary.changed_ns),
    }


def account_shape(account: Account, market: Market, version: int) -> dict[str, Any]:
    """``/fapi/v2/account`` and ``/fapi/v3/account``; of v3 only contracts in use are told."""
    told = totals(account.state)
    count = range(len(market.contracts))
    used = [c for c in count if version < 3 or in_use(account.state, c)]
    found: dict[str, Any] = {
        "totalInitialMargin": figures.money(told["positions"] + told["orders"]),
        "totalMaintMargin": figures.money(told["maintenance"]),
        "totalWalletBalance": figures.money(told["wallet"]),
        "totalUnrealizedProfit": figures.money(told["pnl"]),
        "totalMarginBalance": figures.money(told["margin"]),
        "totalPositionInitialMargin": figures.money(told["positions"]),
        "totalOpenOrderInitialMargin": figures.money(told["orders"]),
        "totalCrossWalletBalance": figures.money(told["cross"]),
        "totalCrossUnPnl": figures.money(told["cross_pnl"]),
        "availableBalance": figures.money(told["free"]),
        "maxWithdrawAmount": figures.money(told["out"]),
        "assets": [asset(account)],
        "positions": [account_position(account, market, c, version) for c in used],
    }
    if version < 3:
        flags = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": False}
        found = {**flags, "updateTime": 0, "multiAssetsMargin": False, **found}
    return found


def in_use(state: State, c: int) -> bool:
    """Whether a contract has a position or orders that reserve margin."""
    return state.markets[c].lots != 0 or exposure.order_margin(state, c) != 0


def entry8(state: State, c: int) -> int:
    """Average entry price in 1e-8, cut."""
    market, row = state.markets[c], state.contracts[c]
    if market.lots == 0:
        return 0
    return market.entry_cash * row.tick_size8 // (abs(market.lots) * row.cash_per_tick_lot)


def liquidation8(account: Account, market: Market, c: int) -> int:
    """Where the position is liquidated if nothing else moves, in 1e-8; 0: nowhere."""
    state = account.state
    place = state.markets[c]
    if place.lots == 0:
        return 0
    own = exposure.pnl(state, c) - exposure.maintenance(state, c)
    if place.is_isolated:
        wallet = place.isolated_cash
    else:
        others = exposure.cross_balance(state) - exposure.cross_maintenance(state) - own
        wallet = others
    row, sign = state.contracts[c], 1 if place.lots > 0 else -1
    tiers = state.tiers[row.first_tier : row.end_tier]
    code, _, numerator, denominator = liquidation_by(
        0, sign, tiers, entry_notional_cash=Cash(place.entry_cash), wallet_cash=Cash(wallet)
    )
    if code != OK:
        return 0
    rounded = price8_ceil if sign > 0 else price8_floor
    lots = abs(place.lots)
    spec = market.contracts[c].spec_rows()
    found = rounded(spec, numerator, denominator, lots=lots, tick_size8=Price8(row.tick_size8))  # type: ignore[arg-type]
    return max(0, int(found))


def account_position(account: Account, market: Market, c: int, version: int) -> dict[str, Any]:
    """A position as ``account`` tells it."""
    state, contract = account.state, market.contracts[c]
    place, pnl = state.markets[c], exposure.pnl(state, c)
    notional = exposure.worth_at_mark_floor(state, c) * (1 if place.lots > 0 else -1)
    margin, orders = exposure.initial_margin(state, c), exposure.order_margin(state, c)
    found = {
        "symbol": contract.symbol,
        "positionSide": "BOTH",
        "positionAmt": figures.quantity(contract, place.lots),
        "unrealizedProfit": figures.money(pnl),
        "isolatedMargin": figures.money(place.isolated_cash + pnl if place.is_isolated and place.lots else 0),
        "notional": figures.money(notional),
        "isolatedWallet": figures.money(place.isolated_cash),
        "initialMargin": figures.money(margin + orders),
        "maintMargin": figures.money(exposure.maintenance(state, c)),
        "updateTime": figures.ms(account.diary.position_changed_ns[c]),
    }
    if version < 3:
        buys, sells, _ = exposure.working_sums(state, c, skip=-1)
        found |= {
            "positionInitialMargin": figures.money(margin),
            "openOrderInitialMargin": figures.money(orders),
            "leverage": str(place.leverage100 // 100),
            "isolated": bool(place.is_isolated),
            "entryPrice": figures.rate(entry8(state, c)),
            "maxNotional": most_notional(contract, place.leverage100),
            "bidNotional": figures.money(buys),
            "askNotional": figures.money(sells),
        }
    return found


def position_risk(account: Account, market: Market, c: int, version: int) -> dict[str, Any]:
    """A row of ``positionRisk``."""
    state, contract = account.state, market.contracts[c]
    place, entry = state.markets[c], entry8(state, c)
    buys, sells, _ = exposure.working_sums(state, c, skip=-1)
    sign = 1 if place.lots > 0 else -1
    fee8 = Rate8(state.contracts[c].taker_fee8)
    even = entry_break_even8_ceil(sign, Price8(entry), fee8=fee8) if place.lots else 0
    found = {
        **account_position(account, market, c, 3),
        "entryPrice": figures.rate(entry),
        "breakEvenPrice": figures.rate(even),
        "markPrice": figures.rate(state.markets[c].mark8),
        "liquidationPrice": figures.rate(liquidation8(account, market, c)),
        "marginAsset": contract.settle,
        "positionInitialMargin": figures.money(exposure.initial_margin(state, c)),
        "openOrderInitialMargin": figures.money(exposure.order_margin(state, c)),
        "adl": 0,
        "bidNotional": figures.money(buys),
        "askNotional": figures.money(sells),
    }
    found["unRealizedProfit"] = found.pop("unrealizedProfit")
    if version < 3:
        found |= {
            "leverage": str(place.leverage100 // 100),
            "marginType": "isolated" if place.is_isolated else "cross",
            "maxNotionalValue": most_notional(contract, place.leverage100),
            "isAutoAddMargin": "false",
        }
    return found
