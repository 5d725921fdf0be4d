"""Round trips, worked out from the fills so that a page of them is quick, and views for people.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXTS = ("trip_id", "venue", "account", "contract", "position_side", "coin", "exit_kind")
WHOLES = (
    "side",
    "opened_ns",
    "closed_ns",
    "entry_quantity8",
    "exit_quantity8",
    "most_quantity8",
    "multiplier8",
    "is_inverse",
    "entry_cash",
    "exit_cash",
    "realised_cash",
    "fee_cash",
    "funding_cash",
    "venue_realised_cash",
    "fills",
)


def upgrade() -> None:
    """Make the table of round trips and the views."""
    op.create_table(
        "trips",
        *(sa.Column(name, sa.Text(), nullable=False, primary_key=name == "trip_id") for name in TEXTS),
        *(
            sa.Column(name, sa.BigInteger(), nullable=name in ("closed_ns", "venue_realised_cash"))
            for name in WHOLES
        ),
        sa.Column("other_fees", sa.Text(), nullable=False),
    )
    op.create_index("trips_by_time", "trips", ["opened_ns", "trip_id"])
    op.create_index("trips_by_position", "trips", ["venue", "account", "contract", "position_side"])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name, query in (
        _views(_sqlite_number, _sqlite_time) if is_sqlite else _views(_number, _time)
    ).items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _sqlite_number(column: str) -> str:
    """1e-8 units as exact decimal text: SQLite has no decimals."""
    return (
        f"CASE WHEN {column} IS NULL THEN NULL ELSE printf('%s%d.%08d', "
        f"CASE WHEN {column} < 0 THEN '-' ELSE '' END, "
        f"abs({column}) / 100000000, abs({column}) % 100000000) END"
    )


def _sqlite_time(column: str) -> str:
    """Nanoseconds as text, to the millisecond."""
    return (
        f"CASE WHEN {column} IS NULL THEN NULL ELSE strftime('%Y-%m-%d %H:%M:%S', {column} / 1000000000, "
        f"'unixepoch') || printf('.%03d', ({column} / 1000000) % 1000) END"
    )


def _number(column: str) -> str:
    return f"round({column}::numeric / 100000000, 8)"


def _time(column: str) -> str:
    return (
        f"to_char(to_timestamp({column} / 1000000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') "
        f"|| '.' || lpad((({column} / 1000000) % 1000)::text, 3, '0')"
    )


def _views(number, time) -> dict[str, str]:  # type: ignore[no-untyped-def]
    side = "CASE side WHEN 1 THEN '{}' ELSE '{}' END AS side"
    return {
        "fills_read": f"""SELECT {time("time_ns")} AS time_utc, venue, account, contract, position_side,
            {side.format("buy", "sell")}, {number("quantity8")} AS quantity_contracts,
            {number("price8")} AS price, {number("multiplier8")} AS units_per_contract,
            {number("fee_cash")} AS fee_in_fee_coin, fee_coin, {number("realised_cash")} AS venue_pnl_in_coin,
            coin, trade_id, order_id, source FROM fills""",
        "trips_read": f"""SELECT trip_id, venue, account, contract, position_side,
            {side.format("long", "short")}, {time("opened_ns")} AS opened_utc,
            {time("closed_ns")} AS closed_utc, {number("most_quantity8")} AS most_contracts,
            {number("realised_cash")} AS pnl_before_costs_in_coin, {number("fee_cash")} AS fees_in_coin,
            {number("funding_cash")} AS funding_in_coin,
            {number("(realised_cash - fee_cash + funding_cash)")} AS pnl_in_coin, coin, other_fees, fills
            FROM trips""",
        "ledger_read": f"""SELECT entries.id AS entry, {time("entries.time_ns")} AS time_utc,
            entries.account AS account, entries.kind AS kind, entries.contract AS contract,
            postings.book AS book, {number("postings.cash")} AS amount_in_coin, entries.coin AS coin,
            entries.reference AS reference FROM entries JOIN postings ON postings.entry_id = entries.id""",
        "balances_read": f"""SELECT entries.account AS account, entries.coin AS coin, postings.book AS book,
            {number("SUM(postings.cash)")} AS balance_in_coin
            FROM entries JOIN postings ON postings.entry_id = entries.id
            GROUP BY entries.account, entries.coin, postings.book""",
        "unbalanced_entries": """SELECT entry_id, SUM(cash) AS off_by_1e8 FROM postings
            GROUP BY entry_id HAVING SUM(cash) <> 0""",
        "incomes_read": f"""SELECT {time("time_ns")} AS time_utc, venue, account, kind, contract,
            {number("cash")} AS amount_in_coin, coin, income_id, trade_id, source FROM incomes""",
        "events_read": f"""SELECT id, {time("time_ns")} AS time_utc, stream, kind, subject, body
            FROM events""",
    }
