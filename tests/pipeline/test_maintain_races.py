"""Several schedulers and people at once, on PostgreSQL: on SQLite the second one waits for the whole of the first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction

from healthcheck.models import MaintenanceSpan, MaintenanceWindow, WindowClock
from healthcheck.pipeline.maintain import LEAD, maintain, replan_windows
from tests.factories import NOW, make_endpoint, make_group, make_window
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

HOUR = timedelta(hours=1)


@pytest.fixture
def window() -> MaintenanceWindow:
    """A window that starts in a minute and is due to be written."""
    window = make_window(at=NOW + HOUR, groups=[make_endpoint(make_group()).group])
    replan_windows([window.pk], NOW)
    return window


@contextmanager
def held(pool: ThreadPoolExecutor, act: Callable[[], object]) -> Iterator[threading.Event]:
    """Another transaction that has acted, and ends once the event is set."""
    has_acted, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            act()
            has_acted.set()
            assert may_end.wait(WAIT_SECONDS)

    holding = in_thread(pool, hold)
    assert has_acted.wait(WAIT_SECONDS)
    try:
        yield may_end
    finally:
        may_end.set()
        holding.result(WAIT_SECONDS)


def test_window_that_another_scheduler_has_is_passed_over(window: MaintenanceWindow) -> None:
    at = NOW + HOUR - LEAD
    with ThreadPoolExecutor(1) as pool, held(pool, lambda: maintain(at)):
        # Nobody waits: this would hang, and the clock of the groups with it.
        assert maintain(at) == 0
    assert MaintenanceSpan.objects.filter(window_id=window.pk).count() == 1
    assert maintain(at) == 0


def test_edit_waits_for_a_scheduler_and_has_the_last_word(window: MaintenanceWindow) -> None:
    at = NOW + HOUR - LEAD

    def edit() -> None:
        with transaction.atomic():
            MaintenanceWindow.objects.filter(pk=window.pk).update(starts_at=NOW + 2 * HOUR)
            replan_windows([window.pk], at)

    with ThreadPoolExecutor(2) as pool, held(pool, lambda: maintain(at)) as may_end:
        editing = in_thread(pool, edit)
        wait_for_waiting()
        may_end.set()
        editing.result(WAIT_SECONDS)
    assert MaintenanceSpan.objects.count() == 0
    assert WindowClock.objects.get().next_at == NOW + 2 * HOUR - LEAD


def test_eight_schedulers_write_each_span_once(window: MaintenanceWindow) -> None:
    at = NOW + HOUR - LEAD
    with ThreadPoolExecutor(8) as pool:
        sweeps = [in_thread(pool, lambda: maintain(at)) for _ in range(8)]
        visited = [sweep.result(WAIT_SECONDS) for sweep in sweeps]
    assert visited.count(1) == 1
    assert MaintenanceSpan.objects.count() == 1
