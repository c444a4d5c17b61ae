"""Whether the database waits for a migration of ours."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def has_pending_migrations() -> bool:
    """Ours only: other apps answer for themselves. Those that this code does not know are an upgrade under way."""
    executor = MigrationExecutor(connection)
    ours = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "healthcheck"]
    return bool(executor.migration_plan(ours))
