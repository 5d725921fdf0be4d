"""Fills become trades, trades get a stop and a setup, and the review says what they came to.

Needs lotwise[journal].
"""

import tempfile
from pathlib import Path

from lotwise.journal.measures import Plan
from lotwise.journal.session_log import SessionLog
from lotwise.journal.shelf import Journal
from lotwise.records.journal import Fill
from lotwise.review.from_journal import from_journal
from lotwise.review.report import review
from lotwise.units import cash_text

E8, HOUR_NS, FIRST_NS = 10**8, 3_600 * 10**9, 1_746_360_000 * 10**9
EXITS = ("1980", "2040", "2030", "1978", "2045", "2010")  # of a long at 2,000 with its stop at 1,980


def fill(number: int, side: int, price: str, time_ns: int) -> Fill:
    """One fill of one ETH."""
    return Fill(
        venue="binance",
        contract="ETHUSDT",
        coin="USDT",
        trade_id=str(number),
        order_id=f"o{number}",
        side=side,
        price8=int(price) * E8,
        quantity8=E8,
        fee_cash=E8,
        time_ns=time_ns,
    )


with tempfile.TemporaryDirectory() as folder:
    journal = Journal.at(Path(folder) / "journal.sqlite")
    log = SessionLog(journal, "binance")
    for number, price in enumerate(EXITS):
        opened_ns = FIRST_NS + number * 4 * HOUR_NS
        entry, out = (
            fill(2 * number, 1, "2000", opened_ns),
            fill(2 * number + 1, -1, price, opened_ns + HOUR_NS),
        )
        log.plan(
            "ETHUSDT",
            f"mine-{number}",
            Plan(stop8=1_980 * E8, leverage100=300),
            time_ns=opened_ns,
            setup="range",
        )
        log.accepted("ETHUSDT", f"mine-{number}", entry.order_id, time_ns=opened_ns)
        log.fill(entry)
        log.fill(out)
    found = review(from_journal(journal))
    for trip in journal.all():
        print(trip.contract, cash_text(trip.net_cash), trip.coin)
    mean = found.totals["expectancy"]
    print(f"{mean['value']:+.2f} R a trade, {mean['low']:+.2f} to {mean['high']:+.2f} R with 95 % confidence")
    journal.close()

# It prints:
#   ETHUSDT -22.00 USDT
#   ETHUSDT 38.00 USDT
#   ETHUSDT 28.00 USDT
#   ETHUSDT -24.00 USDT
#   ETHUSDT 43.00 USDT
#   ETHUSDT 8.00 USDT
#   +0.59 R a trade, -0.65 to +1.53 R with 95 % confidence
