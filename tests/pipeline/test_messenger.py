from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings

from healthcheck.engine.incidents import Event
from healthcheck.models import ChannelState, Notification, NotificationChannel
from healthcheck.pipeline.due_channels import find_due_channels
from healthcheck.pipeline.messenger import AGAIN_SECONDS, DATABASE_AFTER_SECONDS, Messenger
from tests.factories import NOW, make_channel, make_incident, make_policy
from tests.hostile import HostileServer
from tests.locks import WAIT_SECONDS
from tests.notifiers.receiver import OK, Receiver, say
from tests.pipeline.outbox import make_webhook, open_incident, pass_time, read_items

# The messenger's thread has a connection of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture(autouse=True)
def _loopback_is_allowed() -> Iterator[None]:
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "everything"}):
        yield


@pytest.fixture
def receiver(hostile: HostileServer) -> Receiver:
    return Receiver(hostile)


@pytest.fixture
def channel(receiver: Receiver) -> NotificationChannel:
    make_channel("for others")
    return make_webhook(receiver, "own", is_about_ourselves=True)


def test_it_delivers_beside_its_caller(channel: NotificationChannel, receiver: Receiver) -> None:
    make_policy(steps={0: [channel]})
    open_incident(make_incident(title="it"), now=NOW)
    messenger = Messenger()
    messenger.deliver([pk for pk, is_own in find_due_channels(NOW) if is_own])
    messenger.wait()
    assert read_items(receiver) == [[("opened", "it")]]


def test_database_that_is_away_is_told_past_it_and_its_end_is_queued(
    channel: NotificationChannel, receiver: Receiver
) -> None:
    messenger = Messenger()
    messenger.remember()
    # Whatever it tells from now on, it does not ask.
    connection.close()
    for at in (0.0, DATABASE_AFTER_SECONDS - 1, DATABASE_AFTER_SECONDS, DATABASE_AFTER_SECONDS + AGAIN_SECONDS):
        messenger.note_away(at)
        messenger.wait()
    assert len(receiver.told) == 1
    for _ in range(2):
        messenger.note_back(NOW, 100.0)
    assert list(Notification.objects.values_list("event", "channel")) == [(Event.TROUBLE_OVER, channel.pk)]
    pass_time(NOW, 0)
    began, ended = (told.document["data"]["items"][0] for told in receiver.told)
    assert (began["event"], ended["event"]) == ("trouble", "trouble_over")
    assert began["key"] == ended["key"] == "healthcheck-database"
    assert ended["started_at"] == (NOW - timedelta(seconds=100)).isoformat()


def test_channel_that_did_not_take_it_is_tried_again(channel: NotificationChannel, receiver: Receiver) -> None:
    receiver.script(say("500 Oops"), say("200 OK"))
    messenger = Messenger()
    messenger.remember()
    for at in (0.0, DATABASE_AFTER_SECONDS, DATABASE_AFTER_SECONDS + 1, DATABASE_AFTER_SECONDS + AGAIN_SECONDS):
        messenger.note_away(at)
        messenger.wait()
    assert len(receiver.told) == 2


def test_whoever_is_being_told_while_it_comes_back_hears_of_the_end_and_of_the_next_time(
    channel: NotificationChannel, receiver: Receiver
) -> None:
    has_arrived, may_answer = threading.Event(), threading.Event()

    async def answer_late(writer: asyncio.StreamWriter) -> None:
        has_arrived.set()
        await asyncio.to_thread(may_answer.wait, WAIT_SECONDS)
        writer.write(OK)
        await writer.drain()

    receiver.script(answer_late)
    messenger = Messenger()
    messenger.remember()
    for at in (0.0, DATABASE_AFTER_SECONDS):
        messenger.note_away(at)
    assert has_arrived.wait(WAIT_SECONDS)
    messenger.note_back(NOW, DATABASE_AFTER_SECONDS + 1)
    may_answer.set()
    messenger.wait()
    messenger.note_back(NOW, DATABASE_AFTER_SECONDS + 2)
    assert list(Notification.objects.values_list("event", "channel")) == [(Event.TROUBLE_OVER, channel.pk)]
    for at in (1000.0, 1000.0 + DATABASE_AFTER_SECONDS):
        messenger.note_away(at)
    messenger.wait()
    assert len(receiver.told) == 2


def test_short_absence_is_told_to_nobody(channel: NotificationChannel, receiver: Receiver) -> None:
    messenger = Messenger()
    messenger.remember()
    messenger.note_away(0.0)
    messenger.note_back(NOW, 5.0)
    messenger.note_away(DATABASE_AFTER_SECONDS + 1)
    messenger.wait()
    messenger.note_back(NOW, DATABASE_AFTER_SECONDS + 2)
    assert receiver.told == []
    assert not Notification.objects.exists()


def test_channel_that_its_receiver_refused_is_not_remembered(channel: NotificationChannel, receiver: Receiver) -> None:
    ChannelState.objects.create(channel=channel, disabled_at=NOW)
    messenger = Messenger()
    messenger.remember()
    for at in (0.0, DATABASE_AFTER_SECONDS):
        messenger.note_away(at)
    messenger.wait()
    assert receiver.told == []
