"""What uptime is computed from, as it is loaded: the last change before an interval, and everything in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Effect, Overlay, Step, to_ms
from healthcheck.models import Correction, CorrectionEffect, MaintenanceSpan
from healthcheck.models.history import load_overlays, load_steps
from tests.factories import NOW, make_endpoint, make_group, make_location, make_transition

pytestmark = [pytest.mark.django_db, pytest.mark.database]

HOUR, MS = timedelta(hours=1), timedelta(milliseconds=1)
END = NOW + HOUR


def load(*endpoint_ids: int) -> dict[int, list[Step]]:
    steps = load_steps(endpoint_ids, make_location().pk, start=NOW, end=END)
    return {endpoint_id: sorted(found) for endpoint_id, found in steps.items()}


def test_load_steps_returns_those_in_the_interval_and_the_last_before() -> None:
    endpoint = make_endpoint()
    make_transition(endpoint, at=NOW - HOUR)
    before = make_transition(endpoint, at=NOW - MS, to_state=State.DEGRADED)
    first = make_transition(endpoint, at=NOW, to_state=State.UP)
    last = make_transition(endpoint, at=END - MS)
    make_transition(endpoint, at=END)
    make_transition(endpoint, at=NOW, location=make_location("elsewhere"))
    assert load(endpoint.pk) == {
        endpoint.pk: [
            Step(to_ms(NOW) - 1, before.pk, State.DEGRADED),
            Step(to_ms(NOW), first.pk, State.UP),
            Step(to_ms(END) - 1, last.pk, State.DOWN),
        ]
    }


def test_load_steps_of_two_at_one_instant_keeps_the_row_stored_last() -> None:
    endpoint = make_endpoint()
    make_transition(endpoint, at=NOW - HOUR, to_state=State.UP)
    last = make_transition(endpoint, at=NOW - HOUR, to_state=State.DEGRADED)
    assert load(endpoint.pk)[endpoint.pk] == [Step(to_ms(NOW - HOUR), last.pk, State.DEGRADED)]


def make_correction(endpoint_id: int, **columns: Any) -> Correction:
    defaults: dict[str, Any] = {"starts_at": NOW, "ends_at": END, "effect": 2, "reason": "ours", "at": END}
    return Correction.objects.create(endpoint_id=endpoint_id, **(defaults | columns))


def test_load_overlays_returns_spans_and_corrections_that_hold_in_the_interval() -> None:
    span = MaintenanceSpan.objects.create(endpoint_id=7, window_id=3, starts_at=NOW - HOUR, ends_at=NOW + MS)
    made = make_correction(7)
    make_correction(7, withdrawn_at=END)
    make_correction(7, starts_at=NOW - HOUR, ends_at=NOW)
    make_correction(7, starts_at=END, ends_at=END + HOUR)
    make_correction(8)
    MaintenanceSpan.objects.create(endpoint_id=7, window_id=4, starts_at=END, ends_at=END + HOUR)
    overlays = load_overlays([7], start=NOW, end=END)
    assert {endpoint_id: sorted(found) for endpoint_id, found in overlays.items()} == {
        7: [
            Overlay((0, span.window_id), to_ms(NOW - HOUR), to_ms(NOW) + 1, Effect.MAINTENANCE),
            Overlay((1, made.pk), to_ms(NOW), to_ms(END), Effect.FALSE_ALARM),
        ]
    }


def test_every_effect_of_a_correction_is_one_of_the_arithmetic() -> None:
    assert {each.name: each.value for each in CorrectionEffect} == {each.name: each.value for each in Effect}


@pytest.mark.parametrize("count", [1, 30])
def test_history_of_any_number_of_endpoints_is_two_queries(count: int) -> None:
    group = make_group()
    endpoints = [make_endpoint(group, f"e{number}") for number in range(count)]
    for endpoint in endpoints:
        make_transition(endpoint, at=NOW - HOUR)
        make_correction(endpoint.pk)
    location = make_location()
    ids = [endpoint.pk for endpoint in endpoints]
    with CaptureQueriesContext(connection) as queries:
        assert len(load_steps(ids, location.pk, start=NOW, end=END)) == count
        assert len(load_overlays(ids, start=NOW, end=END)) == count
    assert len(queries) == 2


def test_history_of_more_endpoints_than_a_statement_has_parameters() -> None:
    endpoint = make_endpoint()
    make_transition(endpoint, at=NOW)
    ids = range(endpoint.pk, endpoint.pk + 300_000)
    assert list(load_steps(ids, make_location().pk, start=NOW, end=END)) == [endpoint.pk]
