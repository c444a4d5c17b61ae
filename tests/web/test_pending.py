"""A release in front of a database that was not migrated for it yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from healthcheck.web.pending import has_pending_migrations
from tests.factories import make_page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

ADDRESSES = ["/", "/status.json"]
LACK, MEND = (
    "healthcheck_endpointstate RENAME COLUMN strip TO later",
    "healthcheck_endpointstate RENAME COLUMN later TO strip",
)


def alter(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table}")


@pytest.fixture
def _lacking() -> Iterator[None]:
    """A column that the code reads is not there."""
    make_page()
    alter(LACK)
    yield
    alter(MEND)


@pytest.fixture
def _pending() -> Iterator[None]:
    """And the newest of our migrations was not applied."""
    applied = MigrationRecorder(connection).migration_qs.filter(app="healthcheck").latest("name")
    applied.delete()
    yield
    applied.save(force_insert=True)


@pytest.mark.usefixtures("_lacking", "_pending")
@pytest.mark.parametrize("address", ADDRESSES)
def test_page_waits_for_the_migration(client: Client, address: str, caplog: pytest.LogCaptureFixture) -> None:
    assert has_pending_migrations()
    response = client.get(address)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert "The checker is being upgraded." in response.text
    [record] = caplog.records
    assert record.getMessage().startswith("page unavailable: database older than this release (")


@pytest.mark.usefixtures("_lacking")
@pytest.mark.parametrize("address", ADDRESSES)
def test_column_that_no_migration_brings_is_a_defect(client: Client, address: str) -> None:
    assert not has_pending_migrations()
    client.raise_request_exception = False
    assert client.get(address).status_code == 500
