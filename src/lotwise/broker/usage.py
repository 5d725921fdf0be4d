"""What has happened as far as limits ask: the kernel's usage row, kept by the kernel's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lotwise.guard.facts import Rulebook
from lotwise.kernel import limits
from lotwise.kernel.arith import INT64_MAX
from lotwise.kernel.limit_rows import UsageRow
from lotwise.kernel.portfolio import forget_entry
from lotwise.kernel.portfolio_rows import Book, PortfolioRow, SeatRow
from lotwise.units import Cash

FOREVER_NS = INT64_MAX
"""A lock that ends only by :meth:`Usage.unlock`."""


class Usage:
    """The usage row of one account; it changes by rules alone."""

    def __init__(self, rulebook: Callable[[int], Rulebook], kept: Mapping[str, int] | None = None) -> None:
        self.rulebook = rulebook
        self.row = UsageRow(**dict(kept)) if kept else UsageRow()

    def saved(self) -> dict[str, int]:
        """The row as plain numbers, for the log."""
        return dict(zip(UsageRow.__slots__, self.row.values(), strict=True))

    def watch(self, now_ns: int, equity_cash: Cash) -> bool:
        """Take note of the equity; whether a day began or a lock fell, which is to be kept."""
        before = (self.row.day, self.row.started, self.row.day_locked, self.row.week_locked)
        limits.watch([self.rulebook(now_ns).allowed], [self.row], now_ns, equity_cash=equity_cash)
        return before != (self.row.day, self.row.started, self.row.day_locked, self.row.week_locked)

    def opened(self, risk_cash: Cash, notional_cash: Cash) -> None:
        """A trade was opened."""
        limits.open_trade([self.row], risk_cash=risk_cash, notional_cash=notional_cash)

    def closed(
        self,
        now_ns: int,
        result_cash: Cash,
        *,
        risk_cash: Cash,
        notional_cash: Cash,
        opened_ns: int,
        filled: bool,
    ) -> None:
        """A trade was closed; one that never filled was no trade of its day."""
        allowed = self.rulebook(now_ns).allowed
        limits.close_trade(
            [allowed],
            [self.row],
            time_ns=now_ns,
            result_cash=result_cash,
            risk_cash=risk_cash,
            notional_cash=notional_cash,
        )
        if not filled:
            seat = SeatRow(opened_ns=opened_ns)
            forget_entry(
                Book(
                    run=[PortfolioRow()],
                    event=[],
                    spec=[],
                    ask=[],
                    limits=[],
                    legs=[],
                    seats=[seat],
                    allowed=[allowed],
                    usage=[self.row],
                    signals=[],
                    trips=[],
                    refusals=[],
                    curve=[],
                ),
                0,
            )

    def changed(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """A position's risk and notional became others."""
        limits.change_trade(
            [self.row],
            risk_cash=Cash(before["risk_cash"]),
            notional_cash=Cash(before["notional_cash"]),
            new_risk_cash=Cash(after["risk_cash"]),
            new_notional_cash=Cash(after["notional_cash"]),
        )

    def transferred(self, equity_cash: Cash, amount_cash: Cash) -> None:
        """Money came or went; ``equity_cash`` is what was there just before."""
        limits.transfer_starts([self.row], equity_cash, amount_cash)

    def lock(self, until_ns: int = FOREVER_NS) -> None:
        """Open nothing until then."""
        limits.lock_until([self.row], until_ns)

    def unlock(self) -> None:
        """End a lock by hand; loss locks and pauses stay."""
        self.row.locked_until_ns = 0
