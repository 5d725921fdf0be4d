"""Orders of round trips, what was measured of them, and by which rules it was worked out.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MEASURED = (
    "mae_cash",
    "mfe_cash",
    "mae_price8",
    "mfe_price8",
    "change8",
    "btc_change8",
    "btc_volatility8",
    "btc_correlation8",
    "funding8",
    "spread8",
)


def upgrade() -> None:
    """Make the tables; what they hold is worked out from fills and bars when the journal is opened."""
    op.create_table(
        "trip_orders",
        sa.Column("subject", sa.Text(), nullable=False, primary_key=True),
        sa.Column("trip_id", sa.Text(), nullable=False, primary_key=True),
        sa.Column("enters", sa.BigInteger(), nullable=False),
    )
    op.create_index("trip_orders_of", "trip_orders", ["trip_id"])
    op.create_table(
        "measures",
        sa.Column("trip_id", sa.Text(), nullable=False, primary_key=True),
        sa.Column("fills", sa.BigInteger(), nullable=False),
        sa.Column("bars", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in MEASURED),
    )
    op.create_table(
        "worked_out",
        sa.Column("name", sa.Text(), nullable=False, primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
