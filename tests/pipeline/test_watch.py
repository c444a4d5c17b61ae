from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import (
    ChannelState,
    Notification,
    NotificationChannel,
    NotificationStatus,
    Reason,
    RunStatus,
    Trouble,
    WorkerPulse,
)
from healthcheck.models.tick import WORKER_SILENT_AFTER
from healthcheck.pipeline.pulse import Worker, record_pulse
from healthcheck.pipeline.spool import Waiting
from healthcheck.pipeline.troubles import OUTBOX_AFTER, QUEUE_AFTER, SCHEDULER_SILENT_AFTER, find_troubles
from healthcheck.pipeline.watch import TOLD_AFTER, watch, watch_scheduler
from tests.factories import NOW, make_channel, make_group, make_incident, make_policy, make_run, make_tick
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver
from tests.pipeline.outbox import make_webhook, open_incident, pass_time, read_items

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
WORKER = Worker("worker@a", pool="threads", concurrency=10)


@pytest.fixture(autouse=True)
def _loopback_is_allowed() -> Iterator[None]:
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "everything"}):
        yield


def live(now: datetime = NOW) -> None:
    """Let a scheduler and a worker give a sign of life."""
    make_tick(at=now)
    record_pulse(WORKER, now)


def name_troubles(now: datetime = NOW) -> list[str]:
    return [each.name for each in find_troubles(now)]


def test_nothing_is_wrong_with_a_new_deployment_or_one_that_lives() -> None:
    assert name_troubles() == []
    make_group()
    live()
    assert name_troubles() == []


def test_scheduler_that_is_silent_is_late() -> None:
    make_tick(at=NOW - SCHEDULER_SILENT_AFTER + SECOND)
    assert name_troubles() == []
    assert name_troubles(NOW + SECOND) == ["scheduler"]


def test_location_without_a_worker_is_named_while_there_is_something_to_check() -> None:
    live()
    group = make_group()
    late = NOW + WORKER_SILENT_AFTER + SECOND
    make_tick(at=late)
    [found] = find_troubles(late)
    assert found.name.startswith("workers ")
    assert "“Default”" in found.sentence
    group.is_paused = True
    group.save()
    assert name_troubles(late) == []


def test_runs_that_wait_for_a_worker_that_is_there_are_the_queue() -> None:
    live()
    waiting = {"status": RunStatus.QUEUED, "open_until": NOW + MINUTE}
    run = make_run(make_group(), at=NOW - QUEUE_AFTER, **waiting)
    assert name_troubles() == []
    live(NOW + SECOND)
    assert name_troubles(NOW + SECOND) == ["queue"]
    type(run).objects.update(status=RunStatus.MISSED, reason=Reason.QUEUE)
    assert name_troubles(NOW + SECOND) == ["queue"]


def test_slots_that_a_restart_of_the_worker_costs_are_no_trouble() -> None:
    live()
    group = make_group()

    def miss(seconds: int) -> None:
        at = NOW - seconds * SECOND
        missed = {"status": RunStatus.MISSED, "reason": Reason.QUEUE, "open_until": at + 5 * SECOND}
        make_run(group, at=at, **missed)

    for seconds in (10, 15):
        miss(seconds)
    assert name_troubles() == []
    miss(35)
    assert [each.sentence for each in find_troubles(NOW)] == [
        "3 runs were missed within a minute: there are too few workers, or the broker reaches none."
    ]


def test_results_that_cannot_be_stored_and_those_that_were_lost() -> None:
    make_tick()
    record_pulse(WORKER, NOW, waiting=Waiting(7, NOW - 3 * MINUTE), dropped=2)
    assert [each.sentence[:9] for each in find_troubles(NOW)] == ["7 results", "2 results"]
    WorkerPulse.objects.update(spooled_since=NOW - MINUTE, dropped_count=0)
    assert name_troubles() == []


def test_channel_is_stuck_when_its_messages_do_not_get_out() -> None:
    live()
    channel = make_channel()
    make_policy(steps={0: [channel]})
    open_incident(make_incident(title="it"), now=NOW - OUTBOX_AFTER)
    assert name_troubles() == []
    live(NOW + SECOND)
    assert name_troubles(NOW + SECOND) == [f"channel {channel.pk}"]
    ChannelState.objects.create(channel=channel, next_send_at=NOW + MINUTE)
    assert name_troubles(NOW + SECOND) == []
    ChannelState.objects.update(failures=1)
    assert name_troubles(NOW + SECOND) == [f"channel {channel.pk}"]
    ChannelState.objects.update(disabled_at=NOW, last_error="It said no.")
    assert [each.sentence for each in find_troubles(NOW)] == [
        "Messages do not get out on the channel “team”. It said no."
    ]


@pytest.fixture
def own(hostile: HostileServer) -> tuple[NotificationChannel, Receiver]:
    receiver = Receiver(hostile)
    make_channel("for others")
    return make_webhook(receiver, "own", is_about_ourselves=True), receiver


def test_trouble_is_told_once_and_so_is_its_end(own: tuple[NotificationChannel, Receiver]) -> None:
    channel, receiver = own
    make_tick(at=NOW - MINUTE)
    assert watch(NOW) == frozenset()
    assert watch(NOW + TOLD_AFTER) == {channel.pk}
    for seconds in range(3):
        assert watch(NOW + TOLD_AFTER + seconds * SECOND) == frozenset()
    pass_time(NOW + TOLD_AFTER, 0)
    later = NOW + 5 * MINUTE
    make_tick(at=later)
    assert watch(later) == {channel.pk}
    assert watch(later) == frozenset()
    pass_time(later, 0)
    assert [[event for event, _title in message] for message in read_items(receiver)] == [["trouble"], ["trouble_over"]]
    [began], [ended] = ([*told.document["data"]["items"]] for told in receiver.told)
    assert began["key"] == ended["key"] == "healthcheck-scheduler"
    assert (ended["started_at"], ended["ended_at"]) == (NOW.isoformat(), later.isoformat())


def test_trouble_that_ended_while_its_channel_was_off_is_not_told(own: tuple[NotificationChannel, Receiver]) -> None:
    channel, receiver = own
    make_tick(at=NOW - MINUTE)
    watch(NOW)
    watch(NOW + TOLD_AFTER)
    NotificationChannel.objects.filter(pk=channel.pk).update(is_enabled=False)
    later = NOW + 5 * MINUTE
    make_tick(at=later)
    watch(later)
    NotificationChannel.objects.filter(pk=channel.pk).update(is_enabled=True)
    pass_time(later, 0)
    assert receiver.told == []
    assert Notification.objects.get().status == NotificationStatus.SUPERSEDED


def test_trouble_that_is_over_within_moments_is_told_to_nobody(own: tuple[NotificationChannel, Receiver]) -> None:
    make_tick(at=NOW - MINUTE)
    watch(NOW)
    make_tick(at=NOW + SECOND)
    assert watch(NOW + SECOND) == frozenset()
    # It begins anew, and its time as well.
    assert watch(NOW + 2 * MINUTE) == frozenset()
    assert Trouble.objects.get().since == NOW + 2 * MINUTE


def test_worker_says_that_no_scheduler_ticks_and_leaves_the_rest_to_schedulers(
    own: tuple[NotificationChannel, Receiver], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    live()
    Trouble.objects.create(name="queue", sentence="Runs wait.", since=NOW, told_at=NOW)
    with django_assert_num_queries(1):
        watch_scheduler(NOW)
    late = NOW + MINUTE
    watch_scheduler(late)
    assert watch_scheduler(late + TOLD_AFTER) == {own[0].pk}
    assert set(Trouble.objects.filter(over_at=None).values_list("name", flat=True)) == {"queue", "scheduler"}


def test_trouble_of_a_channel_is_told_on_the_others(own: tuple[NotificationChannel, Receiver]) -> None:
    other = make_channel("second", is_about_ourselves=True)
    live()
    ChannelState.objects.create(channel=own[0], disabled_at=NOW, last_error="It said no.")
    watch(NOW)
    live(NOW + TOLD_AFTER)
    assert watch(NOW + TOLD_AFTER) == {other.pk}


@pytest.mark.parametrize("count", [1, 30])
def test_watching_is_a_constant_number_of_statements(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    live()
    for place in range(count):
        make_run(make_group(f"g{place}"), at=NOW - MINUTE, status=RunStatus.QUEUED)
        make_channel(f"c{place}")
    watch(NOW)
    # A savepoint and its end, troubles known; the clock, groups, the default location, locations, runs that wait and
    # runs that were missed, spools, what was dropped, channels.
    with django_assert_num_queries(12):
        watch(NOW + SECOND)
