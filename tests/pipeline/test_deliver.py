from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.test import override_settings

from healthcheck.models import ChannelState, Delivery, DeliveryStatus, Endpoint, Notification, NotificationStatus
from healthcheck.notifiers import NOTIFIERS, load_notifier
from healthcheck.notifiers.contract import Answer, Reach
from healthcheck.notifiers.message import Message
from healthcheck.pipeline.channel_verbs import send_again
from healthcheck.pipeline.deliver import (
    GIVE_UP_AFTER,
    LEASE,
    MAX_ASKED_SECONDS,
    deliver,
    find_pause,
    hold_delivery,
    record_answer,
    send,
)
from healthcheck.pipeline.due_channels import find_due_channels
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_incident, make_policy
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver, say
from tests.pipeline.outbox import make_webhook, open_incident, pass_time, read_items, resolve

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECRET = "a-canary"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _loopback_is_allowed() -> object:
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "everything"}):
        yield


@pytest.fixture
def endpoint() -> Endpoint:
    return make_endpoint(make_group("web"), "site")


def test_what_is_queued_arrives_and_is_recorded(hostile: HostileServer, endpoint: Endpoint) -> None:
    receiver = Receiver(hostile)
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    [woken] = open_incident(make_incident(endpoint), endpoint, now=NOW)
    assert deliver(woken, NOW) is None
    [told] = receiver.told
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.answer) == (DeliveryStatus.DELIVERED, 1, "Taken (HTTP 200).")
    assert told.headers["webhook-id"] == str(delivery.pk)
    assert told.document["data"]["items"][0]["cause"] == "down: status"
    assert read_items(receiver) == [[("opened", "site in Web")]]
    notification = Notification.objects.get()
    assert (notification.status, notification.delivery) == (NotificationStatus.SENT, delivery)
    state = ChannelState.objects.get()
    assert (state.next_send_at, state.failures, state.last_error) == (NOW + MINUTE, 0, "")
    assert state.last_sent_at is not None


def test_channel_is_told_once_in_its_pause_of_all_that_came_together(
    hostile: HostileServer, endpoint: Endpoint
) -> None:
    receiver = Receiver(hostile)
    make_policy(steps={0: [make_webhook(receiver)]})
    open_incident(make_incident(endpoint, title="first"), endpoint, now=NOW)
    pass_time(NOW, 0)
    for place in range(3):
        open_incident(make_incident(title=f"later {place}"), now=NOW + place * SECOND)
    pass_time(NOW + SECOND, 58 / 60)
    assert len(receiver.told) == 1
    pass_time(NOW + MINUTE, 3)
    assert read_items(receiver)[1:] == [[("opened", f"later {place}") for place in range(3)]]


def test_failed_try_is_tried_again_under_the_same_id(hostile: HostileServer, endpoint: Endpoint) -> None:
    receiver = Receiver(hostile, say("500 Oops"), say("200 OK"))
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    again_at = deliver(channel.pk, NOW)
    assert again_at is not None
    assert 4 <= (again_at - NOW).total_seconds() <= 7
    state = ChannelState.objects.get()
    assert (state.failures, state.last_error) == (1, "It answered with HTTP 500.")
    assert find_due_channels(again_at - SECOND) == []
    assert find_due_channels(again_at) == [(channel.pk, False)]
    assert deliver(channel.pk, again_at) is None
    assert len({told.headers["webhook-id"] for told in receiver.told}) == 1
    assert Delivery.objects.get().attempts == 2


def test_log_says_once_that_a_channel_fails_and_that_it_works_again(
    hostile: HostileServer, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="healthcheck.pipeline.deliver")
    channel = make_webhook(Receiver(hostile, say("500 Oops"), say(f"503 {SECRET}"), say("200 OK"), say("200 OK")))
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    now = pass_time(NOW, 2)
    open_incident(make_incident(title="another"), now=now)
    pass_time(now, 2)
    said = [(each.levelname, each.message, vars(each)["channel"]) for each in caplog.records]
    assert said == [
        ("WARNING", "channel fails, its messages wait", channel.pk),
        ("INFO", "channel works again", channel.pk),
    ]
    assert SECRET not in caplog.text


def test_message_that_surely_nobody_has_is_made_anew(hostile: HostileServer, endpoint: Endpoint) -> None:
    receiver = Receiver(hostile, say("503 Away"), say("503 Away"), say("200 OK"))
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    incident = make_incident(endpoint)
    open_incident(incident, endpoint, now=NOW)
    again_at = deliver(channel.pk, NOW)
    assert again_at is not None
    assert 4 <= (again_at - NOW).total_seconds() <= 7
    assert find_due_channels(again_at - SECOND) == []
    # The pauses double though each try is a message of its own.
    last_at = deliver(channel.pk, again_at)
    assert last_at is not None
    assert 8 <= (last_at - again_at).total_seconds() <= 13
    resolve(incident, now=last_at)
    assert deliver(channel.pk, last_at) is None
    assert [event for [(event, _title)] in read_items(receiver)] == ["opened", "opened", "resolved"]
    assert len({told.headers["webhook-id"] for told in receiver.told}) == 3
    assert ChannelState.objects.get().failures == 0


def test_message_that_an_earlier_try_may_have_brought_stays_as_it_was(
    hostile: HostileServer, endpoint: Endpoint
) -> None:
    receiver = Receiver(hostile, say("500 Oops"), say("503 Away"), say("200 OK"))
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    incident = make_incident(endpoint)
    open_incident(incident, endpoint, now=NOW)
    now = deliver(channel.pk, NOW)
    assert now is not None
    resolve(incident, now=now)
    now = deliver(channel.pk, now)
    assert now is not None
    deliver(channel.pk, now)
    assert [event for [(event, _title)] in read_items(receiver)] == ["opened"] * 3
    assert len({told.headers["webhook-id"] for told in receiver.told}) == 1


def test_what_a_person_sends_again_is_tried_until_it_arrives(hostile: HostileServer, endpoint: Endpoint) -> None:
    receiver = Receiver(hostile, say("200 OK"), say("503 Away"), say("200 OK"))
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    deliver(channel.pk, NOW)
    sent = send_again(Delivery.objects.get().pk, NOW + MINUTE)
    again_at = deliver(channel.pk, NOW + MINUTE)
    assert again_at is not None
    deliver(channel.pk, again_at)
    assert Delivery.objects.get(pk=sent.pk).status == DeliveryStatus.DELIVERED


def test_refusal_disables_the_channel_until_a_person_enables_it(hostile: HostileServer, endpoint: Endpoint) -> None:
    receiver = Receiver(hostile, say("401 Unauthorized"), say("200 OK"))
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    pass_time(NOW, 5, step_seconds=30)
    state = ChannelState.objects.get()
    assert len(receiver.told) == 1
    assert state.disabled_at is not None
    assert "renew its credential" in state.last_error
    assert Delivery.objects.get().status == DeliveryStatus.FAILED
    ChannelState.objects.update(disabled_at=None)
    pass_time(NOW + 6 * MINUTE, 0)
    assert read_items(receiver) == [[("opened", "site in Web")]] * 2


def test_message_that_nobody_took_for_a_day_is_made_anew(hostile: HostileServer, endpoint: Endpoint) -> None:
    receiver = Receiver(hostile, say("500 Oops"), say("500 Oops"), say("200 OK"))
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    incident = make_incident(endpoint)
    open_incident(incident, endpoint, now=NOW)
    deliver(channel.pk, NOW)
    resolve(incident, now=NOW + MINUTE)
    later = NOW + GIVE_UP_AFTER
    deliver(channel.pk, later)
    deliver(channel.pk, later + MINUTE)
    assert [event for [(event, _title)] in read_items(receiver)] == ["opened", "opened", "resolved"]
    assert Delivery.objects.filter(status=DeliveryStatus.FAILED).count() == 1


def test_lease_keeps_others_away_and_ends(hostile: HostileServer, endpoint: Endpoint) -> None:
    channel = make_webhook(Receiver(hostile))
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    first = hold_delivery(channel.pk, NOW)
    assert first is not None
    assert hold_delivery(channel.pk, NOW + LEASE - SECOND) is None
    assert find_due_channels(NOW + LEASE - SECOND) == []
    second = hold_delivery(channel.pk, NOW + LEASE)
    assert second is not None
    assert (second.delivery_id, second.token) == (first.delivery_id, first.token + 1)
    # The first comes back from where it was stopped: the message has arrived twice, and it writes nothing.
    answers = [send(second), send(first)]
    assert record_answer(second, answers[0], now=NOW + LEASE, took_ms=1)
    assert not record_answer(first, answers[1], now=NOW + LEASE + SECOND, took_ms=2)
    assert Delivery.objects.get().duration_ms == 1


def test_channel_that_is_switched_off_or_gone_is_left_alone(hostile: HostileServer, endpoint: Endpoint) -> None:
    channel = make_webhook(receiver := Receiver(hostile))
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    type(channel).objects.update(is_enabled=False)
    assert deliver(channel.pk, NOW) is None
    channel.delete()
    assert deliver(channel.pk, NOW) is None
    assert (receiver.told, find_due_channels(NOW), Notification.objects.count()) == ([], [], 0)


def test_kind_that_is_not_there_is_refused_with_the_cure(endpoint: Endpoint) -> None:
    channel = make_channel(kind="pigeon")
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    deliver(channel.pk, NOW)
    assert ChannelState.objects.get().last_error.startswith("There is no channel of the kind 'pigeon'; choose one of")


class BrokenNotifier:
    """A kind of somebody else's, with a defect."""

    kind = label = "broken"
    fields = ()
    tells_each = False

    def refuse(self, values: Mapping[str, str]) -> None:
        return

    def send(self, values: Mapping[str, str], message: Message, reach: Reach) -> Answer:
        raise KeyError(SECRET)


def test_defect_of_a_kind_is_seen_on_its_channel_and_tells_no_secret(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(NOTIFIERS, "broken", f"{__name__}:BrokenNotifier")
    channel = make_channel(kind="broken")
    make_policy(steps={0: [channel]})
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    try:
        assert deliver(channel.pk, NOW) is not None
    finally:
        load_notifier.cache_clear()
    state = ChannelState.objects.get()
    said = "Sending it failed inside the checker (KeyError); its log says where."
    assert (state.failures, state.last_error) == (1, said)
    assert "in send" in caplog.text
    assert SECRET not in caplog.text


def test_pause_doubles_and_honours_what_the_receiver_asks_for() -> None:
    means = [
        (find_pause(attempts, None).total_seconds() / seconds) for attempts, seconds in ((1, 5), (4, 40), (99, 300))
    ]
    assert all(0.8 <= mean <= 1.2 for mean in means)
    assert find_pause(1, 120.0) == timedelta(seconds=120)
    assert find_pause(1, 1e9) == timedelta(seconds=MAX_ASKED_SECONDS)
    assert find_pause(1, 0.1).total_seconds() >= 4
