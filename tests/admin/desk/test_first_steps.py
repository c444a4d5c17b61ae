"""From an empty database to the first green check: what is done, what is next, and what brings it about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from healthcheck.admin.desk.desk import load_desk
from healthcheck.admin.desk.first_steps import Step, list_steps
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import RunStatus, WorkerPulse
from tests.factories import (
    NOW,
    make_endpoint,
    make_group,
    make_location,
    make_run,
    make_state,
    make_tick,
    make_transition,
)

pytestmark = pytest.mark.django_db

DESK = "/admin/healthcheck/endpointgroup/desk/"


def read_steps() -> list[Step]:
    return list(list_steps(load_desk(NOW)))


def read_done() -> list[bool]:
    return [step.is_done for step in read_steps()]


def start_processes() -> None:
    make_tick(at=NOW)
    location = make_location()
    WorkerPulse.objects.create(node="worker", location=location, started_at=NOW, at=NOW, pool="threads", concurrency=4)


def test_empty_database_has_nothing_done_and_says_what_to_do() -> None:
    steps = read_steps()
    assert [step.is_done for step in steps] == [False] * 5
    assert steps[0].view == "healthcheck_endpoint_add_by_url"
    assert [step.command for step in steps[1:3]] == [
        "python manage.py scheduler",
        "celery -A project worker --pool=threads",
    ]


def test_processes_that_are_there_are_done_and_silent_ones_are_not() -> None:
    start_processes()
    assert read_done() == [False, True, True, False, False]
    late = load_desk(NOW + timedelta(seconds=36))
    assert [step.is_done for step in list_steps(late)] == [False] * 5


def test_paused_endpoints_are_to_be_resumed() -> None:
    make_endpoint(make_group(is_paused=True))
    assert (read_steps()[0].is_done, read_steps()[0].hint) == (False, "Everything is paused; resume it.")


def test_run_is_followed_from_the_queue_on() -> None:
    endpoint = make_endpoint()
    start_processes()
    assert "by itself within seconds" in read_steps()[3].hint
    run = make_run(endpoint.group, status=RunStatus.QUEUED)
    step = read_steps()[3]
    assert (step.is_done, step.hint, step.view, step.about) == (
        False,
        "The newest run: queued.",
        "healthcheck_run",
        run.pk,
    )


def test_first_check_that_fails_says_why() -> None:
    endpoint = make_endpoint()
    start_processes()
    make_state(endpoint, State.DOWN, last_error_kind=ErrorKind.REFUSED)
    steps = read_steps()
    assert [step.is_done for step in steps] == [True, True, True, True, False]
    assert (steps[4].hint, steps[4].about) == ("“site”: It refused the connection.", endpoint.pk)


def test_steps_are_gone_once_anything_was_up_and_do_not_come_back() -> None:
    endpoint = make_endpoint()
    make_transition(endpoint, from_state=State.UNKNOWN, to_state=State.UP)
    make_state(endpoint, State.DOWN)
    assert read_steps() == []


def test_page_shows_the_steps_and_then_does_not(operator: Client) -> None:
    page = operator.get(DESK).content.decode()
    assert 'href="/admin/healthcheck/endpoint/add-by-url/"' in page
    assert "celery -A project worker --pool=threads" in page
    now = timezone.now()
    endpoint = make_endpoint()
    make_state(endpoint, now=now)
    make_transition(endpoint, at=now, from_state=State.UNKNOWN, to_state=State.UP)
    assert "First steps" not in operator.get(DESK).content.decode()
