"""What the list of groups knows of its groups."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from healthcheck.admin.overview import believe_state, filter_by_state, load_overviews
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Endpoint
from tests.factories import NOW, make_endpoint, make_group, make_location, make_run, make_state

pytestmark = pytest.mark.django_db


def test_overview_counts_members_by_state_and_leaves_the_deleted_out() -> None:
    group = make_group()
    make_state(make_endpoint(group, "a"), State.UP)
    make_state(make_endpoint(group, "b"), State.UP)
    make_state(make_endpoint(group, "c"), State.DOWN)
    make_state(make_endpoint(group, "paused", is_paused=True), State.DOWN)
    make_state(make_endpoint(group, "deleted", deleted_at=NOW), State.DOWN)
    make_endpoint(group, "new")
    overview = load_overviews([group.pk], NOW)[group.pk]
    assert overview.counts == {State.UP: 2, State.DOWN: 1, State.UNKNOWN: 1}
    assert overview.paused == 1


def test_overview_does_not_believe_evidence_that_expired() -> None:
    group = make_group()
    make_state(make_endpoint(group), State.UP, valid_until=NOW)
    assert load_overviews([group.pk], NOW - timedelta(seconds=1))[group.pk].counts == {State.UP: 1}
    assert load_overviews([group.pk], NOW)[group.pk].counts == {State.UNKNOWN: 1}


@pytest.mark.parametrize("valid_until", [None, NOW])
def test_every_answer_about_expired_or_missing_evidence_is_unknown(valid_until: datetime | None) -> None:
    group = make_group()
    endpoint = make_endpoint(group)
    row = make_state(endpoint, State.UP, valid_until=valid_until)
    assert believe_state(row, NOW) is State.UNKNOWN
    assert load_overviews([group.pk], NOW)[group.pk].counts == {State.UNKNOWN: 1}
    assert list(filter_by_state(Endpoint.objects.all(), State.UP, NOW)) == []
    assert list(filter_by_state(Endpoint.objects.all(), State.UNKNOWN, NOW)) == [endpoint]


def test_endpoint_that_one_location_knows_is_not_unknown() -> None:
    endpoint = make_endpoint()
    make_state(endpoint, State.UP)
    make_state(endpoint, State.UNKNOWN, location=make_location("tokyo"))
    assert list(filter_by_state(Endpoint.objects.all(), State.UNKNOWN, NOW)) == []


def test_overview_shows_the_newest_standing_error_and_the_latest_run() -> None:
    group = make_group()
    make_state(make_endpoint(group, "old"), State.DOWN, last_error_kind=ErrorKind.DNS, last_observed_at=NOW)
    newest = make_state(
        make_endpoint(group, "new"),
        State.DOWN,
        last_error_kind=ErrorKind.TIMEOUT,
        last_observed_at=NOW + timedelta(seconds=1),
    )
    make_run(group)
    latest = make_run(group, at=NOW + timedelta(minutes=1))
    overview = load_overviews([group.pk], NOW)[group.pk]
    assert overview.error == newest
    assert overview.last_run == latest


def test_state_filter_counts_the_expired_and_the_unseen_as_unknown() -> None:
    group = make_group()
    up, expired, unseen = (make_endpoint(group, name) for name in ("up", "expired", "unseen"))
    make_state(up, State.UP)
    make_state(expired, State.UP, valid_until=NOW - timedelta(seconds=1))
    assert list(filter_by_state(Endpoint.objects.all(), State.UP, NOW)) == [up]
    assert list(filter_by_state(Endpoint.objects.all(), State.UNKNOWN, NOW)) == [expired, unseen]
