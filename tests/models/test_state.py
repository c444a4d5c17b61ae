from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, EndpointState, Evidence, Transition
from healthcheck.models.state import STRIP_LENGTH
from tests.factories import (
    make_endpoint,
    make_evidence,
    make_group,
    make_location,
    make_result,
    make_run,
    make_state,
    make_transition,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_database_refuses_a_second_state_of_an_endpoint_at_a_location() -> None:
    endpoint = make_endpoint()
    make_state(endpoint)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_state(endpoint)
    make_state(endpoint, location=make_location("berlin"))
    assert EndpointState.objects.count() == 2


def test_states_go_with_their_endpoint_and_transitions_stay() -> None:
    endpoint = make_endpoint()
    make_state(endpoint)
    transition = make_transition(endpoint)
    endpoint.delete()
    assert not EndpointState.objects.exists()
    assert Transition.objects.get() == transition


def test_location_of_a_state_cannot_be_deleted() -> None:
    state = make_state(make_endpoint())
    with pytest.raises(ProtectedError):
        state.location.delete()


def test_strip_holds_sixty_verdicts_in_digits() -> None:
    state = make_state(make_endpoint(), strip="1" * STRIP_LENGTH)
    assert STRIP_LENGTH == 60
    assert EndpointState.objects.get().strip == state.strip
    assert all(len(str(verdict.value)) == 1 for verdict in State)


def test_state_says_its_word() -> None:
    assert str(make_state(make_endpoint(), State.DEGRADED)) == "degraded"
    assert str(make_transition(make_endpoint(make_group("b")))) == "up to down"


@pytest.mark.parametrize("make", [make_result, make_evidence])
def test_database_refuses_a_second_result_and_evidence_of_an_endpoint_in_a_run(make: object) -> None:
    endpoint = make_endpoint()
    run = make_run(endpoint.group)
    assert callable(make)
    make(run, endpoint)
    with pytest.raises(IntegrityError), transaction.atomic():
        make(run, endpoint)


def test_results_and_evidence_outlive_what_they_belong_to() -> None:
    """No enforced foreign key: a row that is gone must not cost a whole batch its place."""
    endpoint = make_endpoint()
    run = make_run(endpoint.group)
    make_result(run, endpoint)
    make_evidence(run, endpoint)
    endpoint.delete()
    run.delete()
    connection.check_constraints()
    assert (CheckResult.objects.count(), Evidence.objects.count()) == (1, 1)


def test_every_error_of_the_database_is_one_of_its_documented_kinds() -> None:
    endpoint = make_endpoint()
    with pytest.raises((DataError, IntegrityError)), transaction.atomic():
        make_state(endpoint, last_latency_us=-1)
