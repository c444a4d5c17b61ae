"""What stands between a new endpoint and its first result."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from healthcheck.admin.explain.waiting import PATIENCE, Wait, describe_wait
from healthcheck.models import Endpoint, EndpointGroup, RunStatus
from tests.factories import NOW, make_endpoint, make_group, make_run

pytestmark = pytest.mark.django_db

LATE = NOW - PATIENCE - timedelta(seconds=1)


def wait(endpoint: Endpoint) -> Wait:
    endpoint.refresh_from_db()
    return describe_wait(endpoint, NOW)


def test_clock_and_scheduler_are_waited_for() -> None:
    endpoint = make_endpoint(make_group(next_run_at=NOW))
    assert wait(endpoint).sentence.startswith("The first run is due now")
    EndpointGroup.objects.update(next_run_at=NOW + timedelta(minutes=1))
    assert wait(endpoint).sentence == "The next run is due at 1 Jul 2026, 12:01:00 UTC."
    EndpointGroup.objects.update(next_run_at=LATE)
    assert (wait(endpoint).is_late, "No scheduler" in wait(endpoint).sentence) == (True, True)


def test_worker_is_waited_for() -> None:
    endpoint = make_endpoint(make_group(next_run_at=NOW + timedelta(minutes=1)))
    run = make_run(endpoint.group, status=RunStatus.QUEUED)
    assert wait(endpoint) == Wait("A worker is about to take the run.")
    run.scheduled_for = LATE
    run.save()
    assert (wait(endpoint).is_late, "No worker" in wait(endpoint).sentence) == (True, True)
    run.status = RunStatus.RUNNING
    run.save()
    assert wait(endpoint) == Wait("It is being checked.")


@pytest.mark.parametrize("columns", [{"is_paused": True}, {"deleted_at": NOW}])
def test_nobody_waits_for_what_will_not_come(columns: dict[str, object]) -> None:
    endpoint = make_endpoint(make_group(next_run_at=NOW))
    Endpoint.objects.update(**columns)
    assert not wait(endpoint).refreshes
    Endpoint.objects.update(is_paused=False, deleted_at=None)
    EndpointGroup.objects.update(**columns)
    endpoint = Endpoint.objects.get()
    assert not wait(endpoint).refreshes


def test_page_refreshes_itself_until_there_is_a_result(operator: Client) -> None:
    endpoint = make_endpoint(make_group(next_run_at=timezone.now()))
    url = f"/admin/healthcheck/endpoint/{endpoint.pk}/latest/"
    page = operator.get(url).content.decode()
    assert ('<meta http-equiv="refresh" content="1">' in page, "The first run is due now" in page) == (True, True)
    Endpoint.objects.update(is_paused=True)
    assert "http-equiv" not in operator.get(url).content.decode()
