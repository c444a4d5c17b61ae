"""The database threads: few, with connections that they keep and that are found out when they break."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings

from healthcheck.conf import get_settings
from healthcheck.models import Location
from healthcheck.pipeline.database import call_in_database_thread, close_database_threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def on_every_thread(function: Any) -> list[Any]:
    """Call `function` once on each of the database threads: they wait for each other."""
    threads = get_settings().database_threads
    together = threading.Barrier(threads)

    def call() -> Any:
        together.wait(30)
        return function()

    with ThreadPoolExecutor(threads) as callers:
        return [future.result(60) for future in [callers.submit(call_in_database_thread, call) for _ in range(threads)]]


@pytest.fixture(autouse=True)
def _close_threads() -> Iterator[None]:
    """Begin without threads and leave none: PostgreSQL would not let go of the test's database."""
    close_database_threads()
    yield
    close_database_threads()


def read_connection() -> tuple[int, Any]:
    connection.ensure_connection()
    return threading.get_ident(), connection.connection


def test_call_returns_what_the_function_returns_and_passes_arguments() -> None:
    assert call_in_database_thread(divmod, 7, 2) == (3, 1)
    assert call_in_database_thread(sorted, [1, 2], reverse=True) == [2, 1]


def test_call_raises_what_the_function_raises() -> None:
    with pytest.raises(Location.DoesNotExist):
        call_in_database_thread(Location.objects.get, slug="nowhere")
    assert call_in_database_thread(Location.objects.filter(slug="default").count) == 1


def test_calls_run_on_a_few_threads_that_are_none_of_ours() -> None:
    idents = on_every_thread(threading.get_ident)
    assert len(set(idents)) == get_settings().database_threads == 4
    assert threading.get_ident() not in idents
    assert {call_in_database_thread(threading.get_ident) for _ in range(20)} <= set(idents)


def test_number_of_threads_is_a_setting() -> None:
    with override_settings(HEALTHCHECK={"DATABASE_THREADS": 2}):
        # Each call waits for one other, so that more threads would be used if there were more.
        two = threading.Barrier(2)
        with ThreadPoolExecutor(8) as callers:
            calls = [callers.submit(call_in_database_thread, two.wait, 30) for _ in range(8)]
            assert sorted(call.result(60) for call in calls) == [0] * 4 + [1] * 4
        assert sum(thread.name.startswith("database") for thread in threading.enumerate()) == 2
        close_database_threads()


def test_calls_see_what_others_have_committed() -> None:
    Location.objects.create(slug="berlin", name="Berlin")
    assert call_in_database_thread(Location.objects.filter(slug="berlin").exists) is True
    call_in_database_thread(Location.objects.filter(slug="berlin").update, name="Potsdam")
    assert Location.objects.get(slug="berlin").name == "Potsdam"


def test_each_thread_keeps_one_connection_whatever_the_age_for_requests() -> None:
    assert connection.settings_dict["CONN_MAX_AGE"] in (0, 60)
    seen = [*on_every_thread(read_connection), *(call_in_database_thread(read_connection) for _ in range(20))]
    # The connections themselves are held here, so that none can be a new one at an old one's address.
    assert len({(ident, id(held)) for ident, held in seen}) == get_settings().database_threads


@pytest.mark.postgresql
def test_connection_whose_server_went_away_is_replaced_with_the_next_call() -> None:
    before = on_every_thread(read_connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert len(cursor.fetchall()) == get_settings().database_threads
    assert on_every_thread(Location.objects.count) == [1] * get_settings().database_threads
    after = on_every_thread(read_connection)
    assert {id(held) for _, held in after}.isdisjoint(id(held) for _, held in before)


def test_error_of_one_call_is_not_the_next_calls() -> None:
    def fail() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    for _ in range(6):
        with pytest.raises(DatabaseError, match="no_such_table"):
            call_in_database_thread(fail)
    assert call_in_database_thread(Location.objects.count) == 1


def test_close_ends_the_threads_and_a_later_call_starts_new_ones() -> None:
    before = on_every_thread(threading.current_thread)
    wrappers = on_every_thread(open_connection)
    close_database_threads()
    assert not any(thread.is_alive() for thread in before)
    assert [wrapper.connection for wrapper in wrappers] == [None] * len(before)
    assert call_in_database_thread(threading.current_thread) not in before


def open_connection() -> BaseDatabaseWrapper:
    connection.ensure_connection()
    return connections["default"]


def test_close_without_threads_does_nothing() -> None:
    close_database_threads()
    close_database_threads()
    assert call_in_database_thread(divmod, 7, 2) == (3, 1)
