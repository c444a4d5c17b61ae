from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.engine.incidents import Event, Happening, Severity
from healthcheck.engine.types import State
from healthcheck.models import CheckRun, EndpointGroup, EndpointState, Reason, RunStatus, Tick
from healthcheck.pipeline.notify import queue_notifications
from healthcheck.pipeline.tick import TickReport, find_next_due, tick
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_incident, make_policy, make_state
from tests.pipeline.conftest import claim_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_tick_without_groups_is_only_a_sign_of_life() -> None:
    assert tick(NOW, node="a") == TickReport((), None)
    assert list(Tick.objects.values_list("node", "at")) == [("a", NOW)]


def test_tick_claims_what_is_due_and_says_when_it_is_wanted_again() -> None:
    group = make_group(next_run_at=NOW)
    report = tick(NOW, node="a")
    group.refresh_from_db()
    assert report == TickReport((CheckRun.objects.get().pk,), group.next_run_at)


def test_tick_keeps_one_row_per_node() -> None:
    for node, at in (("a", NOW), ("b", NOW), ("a", NOW + SECOND)):
        tick(at, node=node)
    assert list(Tick.objects.order_by("node").values_list("node", "at")) == [("a", NOW + SECOND), ("b", NOW)]


def test_tick_of_two_nodes_at_once_makes_one_run() -> None:
    make_group(next_run_at=NOW)
    assert [len(tick(NOW, node=node).run_ids) for node in ("a", "b")] == [1, 0]


def test_tick_closes_what_is_over_and_claims_what_is_due() -> None:
    group = make_group()
    untaken = claim_one(group)
    closes = CheckRun.objects.get().open_until
    [run_id] = tick(closes, node="a").run_ids
    statuses = dict(CheckRun.objects.values_list("pk", "status"))
    assert statuses == {untaken: RunStatus.MISSED, run_id: RunStatus.QUEUED}
    assert CheckRun.objects.get(pk=untaken).reason == Reason.QUEUE


def test_tick_returns_what_was_claimed_before_what_was_published_once() -> None:
    old = claim_one(make_group("old"))
    make_group("new", next_run_at=NOW + SECOND)
    report = tick(NOW + SECOND, node="a")
    new = CheckRun.objects.get(group__slug="new").pk
    assert report.run_ids == (new, old)


def test_tick_lets_evidence_expire() -> None:
    make_state(make_endpoint(), valid_until=NOW - SECOND)
    tick(NOW, node="a")
    assert EndpointState.objects.get().state == State.UNKNOWN


def test_tick_says_which_channels_have_something_to_be_sent_and_only_when_it_sweeps() -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]})
    incident = make_incident()
    queue_notifications([Happening(Event.OPENED, incident.pk, Severity.DOWN, ())], NOW)
    assert tick(NOW - SECOND, node="a").channel_ids == ()
    assert tick(NOW, node="a").channel_ids == (channel.pk,)
    assert tick(NOW, node="a", sweeps=False).channel_ids == ()


def test_next_due_is_the_earliest_of_the_groups_that_run() -> None:
    make_group("paused", next_run_at=NOW, is_paused=True)
    make_group("gone", next_run_at=NOW, deleted_at=NOW)
    assert find_next_due() is None
    make_group("later", next_run_at=NOW + MINUTE)
    make_group("soon", next_run_at=NOW + SECOND)
    assert find_next_due() == NOW + SECOND


def test_next_due_lies_in_the_past_where_more_is_due_than_one_tick_claims() -> None:
    make_group(next_run_at=NOW - MINUTE)
    assert find_next_due() == NOW - MINUTE
    EndpointGroup.objects.all().delete()
    assert find_next_due() is None
