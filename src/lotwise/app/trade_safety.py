"""What must be true before real money is at risk, and what works when a session is dead."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from lotwise.app.trade_config import TradeConfig
from lotwise.app.trade_folder import Folder, Phases
from lotwise.broker.chronicle import Chronicle, Told
from lotwise.broker.intents import IntentLog, Note
from lotwise.broker.trade import known_of
from lotwise.broker.usage import FOREVER_NS, Usage
from lotwise.broker.venue import VenuePort
from lotwise.clock import Clock
from lotwise.errors import InputError, LotwiseError, RefusedError, VenueError
from lotwise.kernel.arith import mul_div_ceil
from lotwise.kernel.layout import RATE
from lotwise.session.flatten import Flattened, Flattening
from lotwise.store.database import Database
from lotwise.units import Cash, cash_text, parse_cash, shown

CENT: Final = 10**6
"""A hundredth of the coin, in 1e-8."""


@dataclass(frozen=True)
class AtRisk:
    """What a session may lose, by its own limits."""

    equity_cash: Cash
    trade_cash: Cash
    """At the stop of one trade."""
    day_cash: Cash
    """Before the day's lock falls; without one the whole equity."""

    @property
    def typed(self) -> str:
        """What has to be typed."""
        return cash_text(self.day_cash)


def at_risk(config: TradeConfig, equity_cash: Cash) -> AtRisk:
    """The money at risk, rounded up to a cent."""

    def part(share8: int) -> Cash:
        exact = mul_div_ceil(max(0, equity_cash), share8, RATE)
        return Cash(-(-exact // CENT) * CENT)

    allowed = config.guard.book.allowed
    day8 = allowed.day_loss_share8 or RATE
    return AtRisk(equity_cash, part(config.risk8), part(day8))


def confirmed(risk: AtRisk, typed: str, coin: str) -> None:
    """Live: the money at risk was typed.

    Raises
    ------
    RefusedError
        TRADE-111 it was not, or is another amount; TRADE-153 nothing is there, so nothing can be confirmed.
    """
    if risk.equity_cash <= 0:
        raise RefusedError(
            "TRADE-153",
            f"the account holds {cash_text(risk.equity_cash)} {coin}: what comes later would be at risk"
            " unconfirmed",
            f"move {coin} to the futures wallet first, then begin",
        )
    hint = f"type {risk.typed}: what a day may lose of {cash_text(risk.equity_cash)} {coin}"
    try:
        cash = parse_cash(typed.strip().split(" ")[0], "the money at risk") if typed.strip() else None
    except LotwiseError:
        cash = None
    if cash != risk.day_cash:
        told = f"{shown(typed)} was typed" if typed.strip() else "it was not confirmed"
        raise RefusedError("TRADE-111", f"live trading puts {risk.typed} {coin} a day at risk; {told}", hint)


def paper_passed(config: TradeConfig, phases: Phases, without: str) -> bool:
    """Whether this strategy has had its time on paper, or a reason is given to go without.

    Raises
    ------
    RefusedError
        TRADE-112.
    """
    done, needed = phases.trades(), config.live.paper_trades
    if done >= needed:
        return True
    if without.strip():
        return False
    raise RefusedError(
        "TRADE-112",
        f"{done} trades of this strategy, settings, contracts and bars have ended on paper or demo; live asks"
        f" for {needed}",
        'run it with where = "paper" or "demo" first, or give --without-paper REASON: it is kept in the log',
    )


def facts_at_start(config: TradeConfig, port: VenuePort) -> tuple[dict[str, str], list[str]]:
    """Contracts whose facts are not the venue's, with why; and differences that can be lived with.

    With another tick or lot every price and quantity would be another one: nothing is opened there. A venue
    that cannot be asked is asked again before the first trade.
    """
    check = getattr(port, "check_facts", None)
    wrong: dict[str, str] = {}
    others: list[str] = []
    if check is None:
        return wrong, others
    for contract in config.contracts:
        try:
            others += check(contract.id)
        except VenueError as error:
            if error.code == "BROKER-126":
                wrong[contract.id] = f"{error.message} ({error.hint})"
            else:
                others.append(f"the facts of {contract.id} could not be compared: {error.message}")
    return wrong, others


def log_of(config: TradeConfig, database: Database) -> IntentLog:
    """The intent log of a session."""
    return IntentLog(database, f"{config.venue}:{config.where}:{config.account}")


def permit(config: TradeConfig, database: Database, clock: Clock, body: dict[str, Any]) -> None:
    """Keep for ever that live trading was allowed, and on what grounds."""
    name = f"permits:{config.venue}:{config.account}"
    IntentLog(database, name).write(clock.now_ns(), Note("permit", config.account, body))


def lock(config: TradeConfig, database: Database, clock: Clock, why: str, until_ns: int = FOREVER_NS) -> None:
    """Lock a session that does not run: one that starts later opens nothing. ``until_ns`` 0 unlocks.

    Raises
    ------
    StoreError
        It could not be kept.
    """
    log = log_of(config, database)
    contracts = {contract.id: contract for contract in config.contracts}
    known = known_of(log.read(), contracts, config.policy.by_mark)
    usage = Usage(config.guard.rulebook_at, known.usage or None)
    if until_ns:
        usage.lock(until_ns)
    else:
        usage.unlock()
    kind, body = ("lock" if until_ns else "unlock"), {"why": why, "until_ns": until_ns}
    log.write(clock.now_ns(), Note(kind, "", {**body, "usage": usage.saved()}))


def flatten(
    config: TradeConfig,
    port: VenuePort,
    clock: Clock,
    chronicle: Chronicle,
    *,
    everything: bool = False,
    wait: Callable[[float], object] = lambda seconds: None,
) -> Flattened:
    """Cancel and close from the venue's state alone; the log is not asked.

    What stands in contracts that the facts do not know is passed over and named: it may not keep what they do
    know from being closed.
    """
    names = () if everything else [contract.id for contract in config.contracts]
    passed: set[str] | None = getattr(port, "passed_over", None)
    with port.passing_over() if passed is not None else nullcontext():  # type: ignore[attr-defined]
        done = Flattening(port, names, everything, clock=clock, chronicle=chronicle, wait=wait).run()
    if passed and everything:
        done.left += [f"{config.venue}:{symbol} (not in the facts)" for symbol in sorted(passed)]
    return done


def lock_after(config: TradeConfig, folder: Folder, clock: Clock, why: str) -> str:
    """Lock the account after a flatten, whether its session lives or not; how, or why it could not be.

    A lost disk does not undo a flatten: the words say that the lock is missing.
    """
    from lotwise.store.database import opened

    if folder.is_taken:
        try:
            if not folder.killed():
                folder.kill(why)
        except OSError as error:
            return f"NOT locked: the session that runs could not be told: {error.strerror}"
        return "the session that runs is told to lock"
    try:
        database = opened(folder.database)
        try:
            lock(config, database, clock, why)
        finally:
            database.close()
    except LotwiseError as error:
        return f"NOT locked: {error.message}"
    return "locked: a session that starts opens nothing before `lotwise trade --unlock`"


def standing(config: TradeConfig, folder: Folder, port: VenuePort | None) -> dict[str, Any]:
    """What a status tells: the session, the log, the venue.

    Raises
    ------
    StoreError
        The log cannot be read.
    """
    from lotwise.store.database import opened

    found: dict[str, Any] = {
        "where": config.where,
        "account": config.account,
        "venue": config.venue,
        "contracts": [contract.id for contract in config.contracts],
        "folder": str(folder.path),
        "runs": folder.is_taken,
        "said": folder.said(),
        "trades": [],
        "locked_until_ns": 0,
    }
    if folder.database.exists():
        database = opened(folder.database)
        try:
            contracts = {contract.id: contract for contract in config.contracts}
            known = known_of(log_of(config, database).read(), contracts, config.policy.by_mark)
        finally:
            database.close()
        found["locked_until_ns"] = known.usage.get("locked_until_ns", 0)
        found["trades"] = [
            {
                "contract": trade.contract.id,
                "side": trade.side,
                "lots": int(trade.held_lots),
                "behind_stops_lots": trade.covered_lots,
                "closing": trade.closing,
            }
            for trade in known.trades.values()
        ]
    if port is not None:
        found["at_venue"] = at_venue(config, port)
    return found


def at_venue(config: TradeConfig, port: VenuePort) -> dict[str, Any]:
    """Positions, orders and money as the venue has them, in exact text; or why they cannot be read."""
    texts = {contract.id: contract for contract in config.contracts}
    try:
        balance = port.balance(config.contracts[0].settle)
        orders, positions = port.orders(), port.positions()
    except VenueError as error:
        return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}

    def lots(contract_id: str, count: int) -> str:
        known = texts.get(contract_id)
        return known.quantity_text(count) if known else f"{count} lots"

    def price(contract_id: str, ticks: int) -> str:
        known = texts.get(contract_id)
        return known.price_text(ticks) if known and ticks else ""

    return {
        "equity": cash_text(balance.equity_cash),
        "free": cash_text(balance.free_cash),
        "coin": balance.coin,
        "positions": [
            {
                "contract": one.contract_id,
                "quantity": lots(one.contract_id, one.lots),
                "unrealised": cash_text(one.unrealised_cash),
            }
            for one in positions
        ],
        "orders": [
            {
                "contract": one.contract_id,
                "kind": one.kind,
                "side": "buy" if one.side > 0 else "sell",
                "quantity": lots(one.contract_id, one.left_lots),
                "price": price(one.contract_id, one.price_ticks or one.trigger_ticks),
                "reduce_only": one.is_reduce_only or one.closes_position,
                "client_id": one.client_id,
            }
            for one in orders
        ],
    }


class Silent:
    """A chronicle that nobody reads."""

    def told(self, event: Told) -> None:
        """Nothing."""


def no_where(config: TradeConfig, chosen: list[str]) -> None:
    """What the command was told must be what the file says: a paper file is never live.

    Raises
    ------
    InputError
        TRADE-110.
    """
    if chosen != [config.where]:
        told = " and ".join(f"--{one}" for one in chosen) or "neither --paper, --demo nor --live"
        raise InputError(
            "TRADE-110",
            f"the file says where = {config.where!r}, the command {told}",
            f"both must say the same: lotwise trade --{config.where} FILE",
        )
