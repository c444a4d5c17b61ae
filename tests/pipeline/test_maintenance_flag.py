"""Checks go on in maintenance, and their results say so for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, EndpointState, MaintenanceSpan, SignalKind
from healthcheck.models.result import Judgement
from healthcheck.pipeline.execute import take_run
from healthcheck.pipeline.signals import Call, take_signal
from tests.factories import NOW, make_endpoint, make_group, make_heartbeat_endpoint, make_span, make_token
from tests.pipeline.conftest import claim_one, outcome, record_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MINUTE = timedelta(minutes=1)


def test_result_says_whether_its_endpoint_was_in_maintenance_at_the_slot() -> None:
    group = make_group()
    muted, over, coming, other = (make_endpoint(group, name, position=at) for at, name in enumerate("abcd"))
    make_span(muted, at=NOW)
    make_span(over, at=NOW - 60 * MINUTE)
    make_span(coming, at=NOW + MINUTE)
    record_one(take_one(group), *[outcome(State.DOWN)] * 4)
    flagged = {row.endpoint_id: row.in_maintenance for row in CheckResult.objects.all()}
    assert flagged == {muted.pk: True, over.pk: False, coming.pk: False, other.pk: False}


def test_checks_in_maintenance_advance_the_state_as_ever() -> None:
    endpoint = make_endpoint(group := make_group(), failure_threshold=1)
    make_span(endpoint)
    record_one(take_one(group), outcome(State.DOWN))
    assert EndpointState.objects.get().state == State.DOWN


def test_flag_stays_when_the_window_is_cut_later() -> None:
    endpoint = make_endpoint(group := make_group())
    make_span(endpoint)
    record_one(take_one(group), outcome())
    MaintenanceSpan.objects.update(ends_at=NOW)
    assert CheckResult.objects.get().in_maintenance


def test_result_of_a_signal_is_flagged_too() -> None:
    endpoint = make_heartbeat_endpoint()
    token = make_token(endpoint)
    make_span(endpoint)
    take_signal(token, Call(SignalKind.SUCCESS), NOW)
    assert [row.in_maintenance for row in CheckResult.objects.all()] == [True]


@pytest.mark.parametrize("count", [1, 30])
def test_take_of_a_run_costs_no_statement_more(count: int) -> None:
    group = make_group()
    for number in range(count):
        make_span(make_endpoint(group, f"e{number}"))
    run_id = claim_one(group)
    with CaptureQueriesContext(connection) as queries:
        taken = take_run(run_id, NOW)
    assert taken is not None
    assert (len(queries), len(taken.in_maintenance)) == (3, count)


def test_judgement_with_the_flag_fits_and_leaves_the_rest_alone() -> None:
    packed = Judgement(3, 31, 15, 9, in_maintenance=True).pack()
    assert packed == 2**15 - 1
    assert Judgement.unpack(packed) == Judgement(3, 31, 15, 7, in_maintenance=True)
    assert Judgement.unpack(packed - 2**14) == Judgement(3, 31, 15, 7)
