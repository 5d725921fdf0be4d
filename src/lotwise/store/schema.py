"""Bring a database to the schema of this lotwise, with Alembic's steps, in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from lotwise.store.failures import StoreError

if TYPE_CHECKING:
    from alembic.script import Script, ScriptDirectory
    from sqlalchemy import Connection

MIGRATIONS: Final = Path(__file__).parent / "migrations"
ONE_AT_A_TIME: Final = 0x6C6F74
"""Number of the lock that keeps two programs from migrating one PostgreSQL database at once."""


def newest() -> str:
    """The revision that this lotwise works with."""
    return _steps("base")[-1].revision


def upgrade(connection: Connection, to: str = "head", name: str = "") -> list[str]:
    """Run the steps that are missing, within the caller's transaction; the revisions that were run.

    Raises
    ------
    StoreError
        STORE-106 where a newer lotwise has been there.
    """
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
    context = MigrationContext.configure(connection)
    present = context.get_current_revision()
    steps = _steps("base")
    if present is not None and present not in [step.revision for step in steps]:
        raise StoreError(
            "STORE-106",
            f"the database {name} has schema {present}, this lotwise knows none newer than "
            f"{steps[-1].revision}",
            "upgrade lotwise",
        )
    done = []
    for step in _steps(present or "base", to):
        with Operations.context(context):
            step.module.upgrade()
        context.stamp(_scripts(), step.revision)
        done.append(step.revision)
    return done


def _steps(after: str, to: str = "head") -> list[Script]:
    """The steps from a revision on, the oldest first."""
    found = list(_scripts().iterate_revisions(to, after))
    return [step for step in reversed(found) if step.revision != after]


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(MIGRATIONS))
