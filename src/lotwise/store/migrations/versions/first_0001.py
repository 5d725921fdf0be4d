"""The first schema: events, fills, ledger entries with their postings, income records; all of them only grow.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

GROWING = ("events", "fills", "entries", "postings", "incomes")


def upgrade() -> None:
    """Make the tables and the guards that keep them append-only."""
    _events()
    _fills()
    _ledger()
    for table in GROWING:
        _only_grows(table)


def _key() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _whole(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _events() -> None:
    op.create_table(
        "events",
        _key(),
        _text("stream"),
        _text("kind"),
        _text("subject"),
        _whole("time_ns"),
        sa.Column("key", sa.Text(), nullable=True),
        _text("body"),
    )
    op.create_index("events_by_subject", "events", ["stream", "subject", "id"])
    op.create_index("events_once", "events", ["stream", "key"], unique=True)


def _fills() -> None:
    names = ("venue", "account", "contract", "position_side", "trade_id", "order_id")
    op.create_table(
        "fills",
        _key(),
        *(_text(name) for name in names),
        _whole("time_ns"),
        _whole("sequence"),
        _whole("side"),
        _whole("price8"),
        _whole("quantity8"),
        _whole("multiplier8"),
        _whole("is_inverse"),
        _text("coin"),
        _whole("fee_cash"),
        _text("fee_coin"),
        _whole("realised_cash", nullable=True),
        _whole("maker"),
        _text("exit_kind"),
        _text("source"),
    )
    op.create_index("fills_once", "fills", ["venue", "account", "contract", "trade_id"], unique=True)
    op.create_index("fills_by_time", "fills", ["venue", "account", "contract", "time_ns"])


def _ledger() -> None:
    op.create_table(
        "entries",
        _key(),
        *(_text(name) for name in ("account", "reference", "kind", "contract", "coin", "trade_id")),
        _whole("time_ns"),
    )
    op.create_index("entries_once", "entries", ["reference", "account", "coin"], unique=True)
    op.create_table(
        "postings",
        _key(),
        sa.Column("entry_id", sa.BigInteger(), sa.ForeignKey("entries.id"), nullable=False),
        _text("book"),
        _whole("cash"),
    )
    op.create_index("postings_of", "postings", ["entry_id"])
    op.create_table(
        "incomes",
        _key(),
        *(
            _text(name)
            for name in ("venue", "account", "income_id", "kind", "contract", "coin", "trade_id", "source")
        ),
        _whole("time_ns"),
        _whole("cash"),
    )
    op.create_index("incomes_once", "incomes", ["income_id", "venue", "account", "kind"], unique=True)


def _only_grows(table: str) -> None:
    words = f"the table {table} only grows"
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{words}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()"
    )
