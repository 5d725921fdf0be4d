"""An account over REST: settings, balances, positions, fills, incomes, listen keys."""

from __future__ import annotations

from typing import Any

from lotwise.exchange.account import Account
from lotwise.exchange.binance import facts, figures, shapes, wallet
from lotwise.exchange.binance.orders import Strict
from lotwise.exchange.binance.parameters import Parameters
from lotwise.exchange.binance.quotes import contract_of, span
from lotwise.exchange.binance.refusals import HEDGE_WORDS, Refusal, refusal_of
from lotwise.exchange.venue import Venue
from lotwise.kernel.state import ISOLATED_MARGIN, LEVERAGE, MARGIN_MODE, EventRow

DONE = {"code": 200, "msg": "success"}


def _wanted(venue: Venue, sent: Parameters) -> list[int]:
    if "symbol" in sent:
        return [contract_of(venue, sent)[0]]
    sent.ignore("symbol")
    return list(range(len(venue.market.contracts)))


def account_v3(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v3/account."""
    return wallet.account_shape(account, venue.market, 3)


def account_v2(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v2/account."""
    return wallet.account_shape(account, venue.market, 2)


def balance(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v2/balance and v3."""
    told = wallet.asset(account)
    return [
        {
            "accountAlias": f"lotwise{account.number}",
            "asset": "USDT",
            "balance": told["walletBalance"],
            "crossWalletBalance": told["crossWalletBalance"],
            "crossUnPnl": told["crossUnPnl"],
            "availableBalance": told["availableBalance"],
            "maxWithdrawAmount": told["maxWithdrawAmount"],
            "marginAvailable": True,
            "updateTime": told["updateTime"],
        }
    ]


def positions_v3(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v3/positionRisk: contracts in use."""
    used = [c for c in _wanted(venue, sent) if wallet.in_use(account.state, c)]
    return [wallet.position_risk(account, venue.market, c, 3) for c in used]


def positions_v2(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v2/positionRisk: all contracts."""
    return [wallet.position_risk(account, venue.market, c, 2) for c in _wanted(venue, sent)]


def leverage_bracket(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/leverageBracket."""
    return [facts.brackets(venue.market.contracts[c]) for c in _wanted(venue, sent)]


def commission_rate(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/commissionRate."""
    return facts.commission(contract_of(venue, sent)[1])


def symbol_config(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/symbolConfig."""
    found = []
    for c in _wanted(venue, sent):
        place, contract = account.state.markets[c], venue.market.contracts[c]
        found.append(
            {
                "symbol": contract.symbol,
                "marginType": "ISOLATED" if place.is_isolated else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": place.leverage100 // 100,
                "maxNotionalValue": facts.most_notional(contract, place.leverage100),
            }
        )
    return found


def account_config(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": False,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def set_leverage(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/leverage."""
    number, contract = contract_of(venue, sent)
    leverage = sent.whole("leverage", least=-(10**6), most=10**6)
    strict(sent)
    event = EventRow(kind=LEVERAGE, contract=number, leverage100=leverage * 100)
    code, _ = venue.act(account, event)
    if code:
        raise refusal_of(code, str(leverage))
    most = facts.most_notional(contract, leverage * 100)
    return {"symbol": contract.symbol, "leverage": leverage, "maxNotionalValue": most}


def set_margin_type(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/marginType."""
    number, _ = contract_of(venue, sent)
    wanted = sent.needed("marginType").upper()
    if wanted not in ("ISOLATED", "CROSSED"):
        raise Refusal(-1130, "marginType")
    strict(sent)
    event = EventRow(kind=MARGIN_MODE, contract=number, is_isolated=int(wanted == "ISOLATED"))
    code, _ = venue.act(account, event)
    if code:
        raise refusal_of(code)
    return DONE


def move_margin(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/positionMargin: type 1 adds, 2 takes."""
    number, _ = contract_of(venue, sent)
    sent.one_way()
    kind = sent.whole("type")
    if kind not in (1, 2):
        raise Refusal(-1130, "type")
    cash = sent.scaled("amount")
    strict(sent)
    if cash <= 0:
        raise Refusal(-4055)
    event = EventRow(kind=ISOLATED_MARGIN, contract=number, cash=cash if kind == 1 else -cash)
    code, _ = venue.act(account, event)
    if code:
        raise refusal_of(code)
    told = {"amount": sent.text("amount"), "type": kind}
    return {"code": 200, "msg": "Successfully modify position margin.", **told}


def margin_history(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/positionMargin/history."""
    number, contract = contract_of(venue, sent)
    (first, last), limit = span(sent), sent.limit(500)
    sent.ignore("type")
    rows = [one for one in account.diary.moves if one.contract == number and first <= one.time_ns <= last]
    return [
        {
            "symbol": contract.symbol,
            "type": 1 if one.cash > 0 else 2,
            "deltaType": "USER_ADJUST",
            "amount": figures.money(one.cash),
            "asset": "USDT",
            "time": figures.ms(one.time_ns),
            "positionSide": "BOTH",
        }
        for one in rows[-limit:]
    ]


def position_mode(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/positionSide/dual."""
    return {"dualSidePosition": False}


def set_position_mode(venue: Venue, account: Account, sent: Parameters, strict: Strict) -> Any:
    """POST /fapi/v1/positionSide/dual: hedge mode is refused in words, one-way is there already."""
    sent.needed("dualSidePosition")
    hedge = sent.flag("dualSidePosition")
    strict(sent)
    if hedge:
        raise Refusal(-1130, words=f"Data sent for parameter 'dualSidePosition' is not valid. {HEDGE_WORDS}")
    raise Refusal(-4059)


def multi_assets(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/multiAssetsMargin."""
    return {"multiAssetsMargin": False}


def user_trades(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/userTrades."""
    number, contract = contract_of(venue, sent)
    (first, last), limit = span(sent), sent.limit(500)
    wanted = shapes.kernel_id(account, sent.whole("orderId", 0)) if "orderId" in sent else 0
    first_id = sent.whole("fromId", 0)
    rows = [
        fill
        for fill in account.diary.fills
        if fill.contract == number
        and first <= fill.time_ns <= last
        and fill.id >= first_id
        and ("orderId" not in sent or fill.order_id == wanted)
    ]
    oldest = first_id or "startTime" in sent
    rows = rows[:limit] if oldest else rows[-limit:]
    return [shapes.fill_shape(account, contract, fill) for fill in rows]


def income(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/income."""
    wanted = contract_of(venue, sent)[0] if "symbol" in sent else -2
    kind = sent.text("incomeType")
    sent.ignore("symbol", "page")
    if kind and kind not in shapes.INCOMES.values():
        raise Refusal(-1130, "incomeType")
    (first, last), limit = span(sent), sent.limit(100)
    rows = [
        one
        for one in account.diary.incomes
        if wanted in (-2, one.contract)
        and first <= one.time_ns <= last
        and kind in ("", shapes.INCOMES[one.kind])
    ]
    rows = rows[:limit] if "startTime" in sent else rows[-limit:]
    names = [contract.symbol for contract in venue.market.contracts]
    return [shapes.income_shape(names[one.contract] if one.contract >= 0 else "", one) for one in rows]


def adl_quantile(venue: Venue, account: Account, sent: Parameters) -> Any:
    """GET /fapi/v1/adlQuantile: nobody is deleveraged here."""
    return [
        {"symbol": venue.market.contracts[c].symbol, "adlQuantile": {"BOTH": 0}}
        for c in _wanted(venue, sent)
        if account.state.markets[c].lots
    ]


def open_listen(venue: Venue, account: Account, sent: Parameters) -> Any:
    """POST /fapi/v1/listenKey."""
    return {"listenKey": venue.open_listen(account)}


def renew_listen(venue: Venue, account: Account, sent: Parameters) -> Any:
    """PUT /fapi/v1/listenKey."""
    sent.ignore("listenKey")
    if account.number not in venue.listen.values():
        raise Refusal(-1125)
    return {"listenKey": venue.open_listen(account)}
