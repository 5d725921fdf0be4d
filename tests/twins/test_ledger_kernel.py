"""The ledger holds what the kernel's books hold, to the last 1e-8; so does a walk of its fills."""

from __future__ import annotations

from pathlib import Path

from lotwise.kernel import machine
from lotwise.kernel import state as s
from lotwise.ledger.entries import balances, from_log, kernel_balances, wallet_change
from lotwise.ledger.holding import Holding, apply
from lotwise.ledger.keep import keep_entries, ledger_of
from lotwise.ledger.reconcile import expected, reconcile
from lotwise.records.journal import Entry, Fill, Income
from lotwise.store.database import opened
from tests.twins.histories import CONTRACTS, E8, History

HISTORIES = 200
SEEDS = (*range(HISTORIES), 771)
"""The last one holds a deficit, which hardly any history comes to."""
EVENTS = 300
NAMES = [f"C{number}" for number in range(CONTRACTS)]


def played(seed: int) -> s.State:
    """The end of a random history, with its log."""
    history = History(40_000 + seed)
    state = history.begin()
    for _ in range(EVENTS):
        machine.step(state, [history.next(state)])
    assert state.account[0].logged <= len(state.log)
    return state


def entries_of(state: s.State, seed: int) -> list[Entry]:
    """The entries of its log."""
    rows = state.log[: state.account[0].logged]
    return list(from_log(rows, NAMES, account="venue:main", coin="USDT", run=f"run{seed}"))


def test_the_ledger_is_the_kernels_wallet_over_random_histories(tmp_path: Path) -> None:
    base = opened(tmp_path / "ledger.sqlite")
    seen: set[str] = set()
    isolated = moved = 0
    for seed in SEEDS:
        state = played(seed)
        entries = entries_of(state, seed)
        seen |= {entry.kind for entry in entries}
        held = {book: cash for book, cash in balances(entries).get("USDT", {}).items() if cash}
        assert held == kernel_balances(state.account[0], state.markets, NAMES), f"seed {seed}"
        money = state.account[0].cross_cash + sum(market.isolated_cash for market in state.markets)
        assert sum(map(wallet_change, entries)) == money, f"seed {seed}"
        assert sum(one.cash for one in expected(entries)) == money, f"seed {seed}: incomes are the wallet"
        isolated += any(book.startswith("isolated:") for book in held)
        moved += len(entries)
        if seed % 40 == 0:
            with base.write() as connection:
                assert keep_entries(connection, entries) == len(entries)
            with base.write() as connection:
                assert keep_entries(connection, entries) == 0, "the same run twice is there once"
            kept = [entry for entry in ledger_of(base) if entry.reference.startswith(f"run{seed}:")]
            assert kept == entries
    base.close()
    assert seen == {"fill", "funding", "transfer", "margin", "liquidation", "takeover", "deficit"}
    assert isolated > 20
    assert moved > 20 * HISTORIES


def test_fills_walked_realise_what_the_kernel_booked() -> None:
    closed = turned = 0
    for seed in SEEDS:
        state = played(seed)
        holdings = [Holding() for _ in NAMES]
        for number, row in enumerate(state.log[: state.account[0].logged]):
            if row.kind == s.LOG_TAKEOVER:
                holdings[row.contract] = Holding()
            if row.kind not in (s.LOG_FILL, s.LOG_REDUCTION) or not row.lots:
                continue  # a reduction without lots frees what is left of an isolated position
            fill = Fill(
                venue="v",
                contract=NAMES[row.contract],
                trade_id=str(number),
                time_ns=row.time_ns,
                side=1 if row.lots > 0 else -1,
                price8=row.price_ticks * E8,
                quantity8=abs(row.lots) * E8,
                multiplier8=state.contracts[row.contract].cash_per_tick_lot,
                coin="USDT",
            )
            step = apply(holdings[row.contract], fill)
            assert step.realised_cash == -(row.trades_cash + row.positions_cash), f"seed {seed}, row {number}"
            closed += step.closing8 > 0
            turned += step.closing8 > 0 and step.opening8 > 0
        for holding, market in zip(holdings, state.markets, strict=True):
            assert (holding.quantity8, holding.entry_cash) == (market.lots * E8, market.entry_cash)
    assert closed > 200
    assert turned > 20


def test_a_venue_that_records_the_same_has_no_difference() -> None:
    compared = 0
    for seed in range(40):
        entries = entries_of(played(seed), seed)
        incomes = [
            Income(
                venue="venue",
                income_id=str(number),
                kind=one.kind,
                contract=one.contract,
                coin=one.coin,
                cash=one.cash,
                time_ns=one.time_ns,
                trade_id=one.trade_id,
            )
            for number, one in enumerate(expected(entries))
        ]
        assert reconcile(entries, incomes[::-1]) == []
        compared += len(incomes)
    assert compared > 1_000
