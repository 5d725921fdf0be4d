"""Recovery: a session that begins finds what an earlier one left, and makes it safe before anything else.

The log says what was meant, the venue what is. By this table, and ``docs/recovery.md``:

=======================================================  =============================================
found                                                    done
=======================================================  =============================================
an order of an open trade, standing                      adopt: it is watched on
an order in the log without an answer                    read back by its client id; never sent again;
                                                         after ``absent_ns`` it counts as never arrived
executions since, of our orders                          booked, each once
a position of ours without its stop                      protect: the stop is placed; closed where it is
                                                         not seen within ``naked_ns``, or its price is
                                                         passed
a trade that was being closed                            closed
an entry past its time                                   cancel
an order of ours that no open trade knows                cancel; an exit stays where something is held
a position that is smaller than our fills say            told; after ``divergence_ns`` the venue is right
a position, an order, an execution of someone else       foreign: told and counted, never touched
=======================================================  =============================================

Nothing of it is a path of its own: each trade is tended (:mod:`lotwise.broker.tending`), the account is
looked over (:mod:`lotwise.session.watch`), as at any other moment. A venue that does not answer is asked
again at the next event; until it has been read once, nothing is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lotwise.broker.intents import Note
from lotwise.broker.live import LiveBroker
from lotwise.errors import LotwiseError
from lotwise.session.watch import Watch
from lotwise.units import Cash

UNREAD: Final = "recovery"
"""Why nothing is opened, of all contracts: the venue was not read since the start."""
TRANSFER: Final = "TRANSFER"


@dataclass(frozen=True)
class Recovered:
    """What was found and done."""

    trades: int
    """Open trades of the log."""
    ended: int
    """Of which are over now."""
    naked: tuple[str, ...]
    """Contracts in which something of ours is held and no stop was seen yet: the next events see to it."""
    foreign: tuple[str, ...]
    """Contracts with positions that are not ours."""
    is_whole: bool
    """The venue was read; else it is tried again, and nothing is opened before."""


def recover(broker: LiveBroker, watch: Watch) -> Recovered:
    """Take up the log, read the venue, make safe what is ours; what was found.

    Raises
    ------
    InputError
        BROKER-171 an open trade is of a contract that this session does not have.
    StoreError
        The log cannot be read or written.
    """
    broker.restore()
    broker.silent[UNREAD] = "what stands at the venue was not read yet"
    began = len(broker.trades)
    for contract_id in list(broker.trades):
        broker.tend(contract_id)
    return finish(broker, watch, began)


def finish(broker: LiveBroker, watch: Watch, began: int = 0) -> Recovered:
    """Look over the account; opens are let through once it was read."""
    whole = watch.check() and read_income(broker)
    if whole:
        broker.silent.pop(UNREAD, None)
        broker.rest()
    naked = tuple(name for name, trade in broker.trades.items() if trade.naked_since_ns)
    found = Recovered(
        trades=began,
        ended=max(0, began - len(broker.trades)),
        naked=naked,
        foreign=tuple(broker.foreign),
        is_whole=whole,
    )
    broker.hand.tell(
        "recovered",
        f"{found.trades} trades were open, {found.ended} of them are over, {len(naked)} without a stop,"
        f" {len(found.foreign)} positions of others",
        trades=found.trades,
        ended=found.ended,
        naked=len(naked),
        foreign=len(found.foreign),
    )
    return found


def read_income(broker: LiveBroker) -> bool:
    """Read the wallet since the watermark: money that came or went moves the limits' starts.

    Else a deposit would count as a gain that may be lost again, a withdrawal as a loss. Another coin, as
    one that fees are paid in, is no part of the equity that they count. Whether it was read.
    """
    coins = {contract.settle for contract in broker.contracts.values()}
    try:
        until = int(broker.port.now_ns())
        rows = broker.port.income(broker.income_ns) if broker.income_ns else ()
        own = (row for row in rows if row.kind == TRANSFER and row.coin in coins)
        moved = sorted(own, key=lambda row: row.time_ns)
        after = {coin: int(broker.port.balance(coin).equity_cash) for coin in {row.coin for row in moved}}
    except LotwiseError as error:
        broker.hand.tell("trouble", f"the changes of the wallet cannot be read: {error.message}")
        return False
    before = {coin: cash - sum(row.cash for row in moved if row.coin == coin) for coin, cash in after.items()}
    for row in moved:  # one after the other, each from what was there before it
        broker.usage.transferred(Cash(before[row.coin]), Cash(row.cash))
        before[row.coin] += row.cash
        broker.hand.tell("recovered", "money came or went", cash=row.cash)
    is_first, broker.income_ns = not broker.income_ns, until + 1
    if moved or is_first:  # else the earlier watermark serves as well
        usage = broker.usage.saved()
        broker.hand.keep(Note("income", "", {"until_ns": broker.income_ns, "usage": usage}))
    return True
