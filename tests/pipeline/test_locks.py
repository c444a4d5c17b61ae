"""Two transactions at once, on PostgreSQL: on SQLite the second one waits for the whole of the first anyway."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction

from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointState
from healthcheck.pipeline.state_rows import load_states, store_states
from healthcheck.pipeline.sweep import expire_evidence
from tests.factories import NOW, make_endpoint, make_group
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting
from tests.pipeline.conftest import outcome, record_one, take_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def endpoint() -> Endpoint:
    """An endpoint that was up once; its strip is "1"."""
    endpoint = make_endpoint(make_group(interval_seconds=3600, deadline_seconds=10))
    record_one(take_one(endpoint.group), outcome())
    return endpoint


@contextmanager
def state_held(endpoint: Endpoint, pool: ThreadPoolExecutor) -> Iterator[threading.Event]:
    """Another transaction that holds the state, and writes "2222" into its strip once the event is set."""
    location_id = EndpointState.objects.get().location_id
    is_held, may_write = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            [state] = load_states([endpoint.pk], group_id=endpoint.group_id, location_id=location_id).values()
            is_held.set()
            assert may_write.wait(WAIT_SECONDS)
            state.row.strip = "2222"
            store_states([state.row])

    holding = in_thread(pool, hold)
    assert is_held.wait(WAIT_SECONDS)
    try:
        yield may_write
    finally:
        may_write.set()
        holding.result(WAIT_SECONDS)


def test_record_builds_on_what_another_run_of_the_group_is_writing(endpoint: Endpoint) -> None:
    later = NOW + timedelta(hours=1)
    taken = take_one(endpoint.group, at=later)
    with ThreadPoolExecutor(2) as pool:
        with state_held(endpoint, pool) as may_write:
            recording = in_thread(pool, lambda: record_one(taken, outcome(at=later)))
            wait_for_waiting()
            may_write.set()
        recording.result(WAIT_SECONDS)
    assert EndpointState.objects.get().strip.startswith("2222")


def test_expiry_passes_over_what_a_run_is_recording(endpoint: Endpoint) -> None:
    much_later = NOW + timedelta(days=1)
    with ThreadPoolExecutor(1) as pool, state_held(endpoint, pool):
        assert expire_evidence(much_later) == 0
    assert expire_evidence(much_later) == 1
    assert EndpointState.objects.get().state == State.UNKNOWN
