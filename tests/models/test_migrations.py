"""What `migrate` leaves behind, and that it can be taken back."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from healthcheck.models import Location, StatusPage

pytestmark = pytest.mark.database


@pytest.mark.django_db
def test_models_have_no_missing_migration() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def find_tables() -> set[str]:
    return {table for table in connection.introspection.table_names() if table.startswith("healthcheck_")}


@pytest.mark.django_db(transaction=True)
def test_migrations_can_be_taken_back_and_leave_a_location_and_a_page_that_shows_everything() -> None:
    [first] = MigrationExecutor(connection).loader.graph.root_nodes("healthcheck")
    before = find_tables()
    try:
        call_command("migrate", "healthcheck", "zero", verbosity=0)
        assert find_tables() == set()
        assert first not in MigrationExecutor(connection).loader.applied_migrations
    finally:
        call_command("migrate", "healthcheck", verbosity=0)
    assert find_tables() == before
    assert list(Location.objects.values_list("slug", "name")) == [("default", "Default")]
    assert list(StatusPage.objects.values_list("slug", "title", "shows_all_groups")) == [("status", "Status", True)]
