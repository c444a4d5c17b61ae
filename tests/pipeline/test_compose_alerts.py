"""Channels at which each incident is an alert of its own hear of every one, however many there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.test import override_settings

from healthcheck.models import NotificationChannel, NotificationStatus
from healthcheck.models.secrets import seal_secrets
from healthcheck.notifiers.message import MAX_ITEMS
from tests.factories import NOW, make_channel, make_incident, make_policy
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver, say
from tests.pipeline.outbox import make_webhook, open_incident, pass_time, resolve

pytestmark = [pytest.mark.django_db, pytest.mark.database]

KEY = "0123456789abcdef0123456789abcdef"
COUNT = MAX_ITEMS + 5


@pytest.fixture(autouse=True)
def _loopback_is_allowed() -> object:
    keys = [Fernet.generate_key().decode()]
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "everything", "ENCRYPTION_KEYS": keys}):
        yield


def make_pagerduty(receiver: Receiver) -> NotificationChannel:
    sealed = seal_secrets({"routing_key": KEY})
    return make_channel("duty", "pagerduty", details={"url": receiver.url}, sealed=sealed)


def test_every_alert_is_opened_and_resolved(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, say("202 Accepted"))
    make_policy(steps={0: [make_pagerduty(receiver)]})
    incidents = [make_incident(title=f"incident {place}") for place in range(COUNT)]
    for incident in incidents:
        open_incident(incident, now=NOW)
    pass_time(NOW, 3, step_seconds=10)
    opened = [told.document["dedup_key"] for told in receiver.told]
    for incident in incidents:
        resolve(incident, now=NOW + timedelta(minutes=5))
    pass_time(NOW + timedelta(minutes=5), 3, step_seconds=10)
    resolved = [each.document["dedup_key"] for each in receiver.told if each.document["event_action"] == "resolve"]
    assert sorted(opened) == sorted(resolved) == sorted(f"healthcheck-incident-{each.pk}" for each in incidents)


def test_what_only_reads_is_told_at_once_how_many_more_there_are(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    for place in range(COUNT):
        open_incident(make_incident(title=f"incident {place}"), now=NOW)
    pass_time(NOW, 3, step_seconds=10)
    [told] = receiver.told
    assert (len(told.document["data"]["items"]), told.document["data"]["left_off"]) == (MAX_ITEMS, 5)
    assert not channel.notifications.filter(status=NotificationStatus.QUEUED).exists()
