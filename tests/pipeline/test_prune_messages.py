from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.engine.incidents import Event
from healthcheck.models import Delivery, DeliveryStatus, Incident, Notification, NotificationStatus, Trouble
from healthcheck.pipeline.prune import prune
from healthcheck.pipeline.prune_messages import MESSAGE_RETENTION, QUEUE_RETENTION
from tests.factories import NOW, make_channel, make_incident

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND = timedelta(seconds=1)
RETENTION = timedelta(days=14)


def make_notification(channel_id: int, *, age: timedelta, delivery: Delivery | None = None, **columns: object) -> None:
    Notification.objects.create(
        channel_id=channel_id,
        event=Event.OPENED,
        severity=3,
        queued_at=NOW - age,
        due_at=NOW - age,
        delivery=delivery,
        **columns,
    )


def make_delivery(channel_id: int, *, age: timedelta, **columns: object) -> Delivery:
    at = NOW - age
    defaults = {"status": DeliveryStatus.DELIVERED, "ended_at": at} | columns
    return Delivery.objects.create(channel_id=channel_id, created_at=at, next_try_at=at, message={}, **defaults)


@pytest.mark.parametrize("batch", [1, 1000])
def test_old_messages_go_with_what_they_carried_and_young_ones_stay(batch: int) -> None:
    channel, incident = make_channel(), make_incident()
    for age in (MESSAGE_RETENTION + SECOND, MESSAGE_RETENTION - SECOND):
        for _ in range(2):
            delivery = make_delivery(channel.pk, age=age)
            make_notification(channel.pk, age=age, delivery=delivery, incident=incident, status=NotificationStatus.SENT)
            make_notification(channel.pk, age=age, status=NotificationStatus.SUPERSEDED)
        Trouble.objects.create(name=str(age), sentence="It was late.", since=NOW - age, over_at=NOW - age)
    make_delivery(channel.pk, age=2 * MESSAGE_RETENTION, status=DeliveryStatus.WAITING, ended_at=None)
    prune(NOW, retention=RETENTION, budget_seconds=60, batch=batch)
    assert Notification.objects.count() == 4
    assert Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count() == 2
    assert Delivery.objects.filter(status=DeliveryStatus.WAITING).count() == 1
    assert (Trouble.objects.count(), Incident.objects.count()) == (1, 1)


def test_what_could_not_be_told_for_a_week_is_let_go() -> None:
    channel = make_channel()
    for age in (QUEUE_RETENTION + SECOND, QUEUE_RETENTION - SECOND, -QUEUE_RETENTION):
        make_notification(channel.pk, age=age)
    prune(NOW, retention=RETENTION, budget_seconds=60)
    statuses = list(Notification.objects.order_by("due_at").values_list("status", flat=True))
    assert statuses == [NotificationStatus.SUPERSEDED, NotificationStatus.QUEUED, NotificationStatus.QUEUED]
