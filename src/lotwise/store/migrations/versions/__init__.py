"""One module a step, found by Alembic. A step that was released may not be changed."""
