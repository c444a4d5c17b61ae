"""Several people at the same incident, or the same message, at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from healthcheck.engine.incidents import Event, Severity
from healthcheck.models import Delivery, DeliveryStatus, Incident, IncidentUpdate, Notification, NotificationStatus
from healthcheck.pipeline.channel_verbs import send_again
from healthcheck.pipeline.correct import Author
from healthcheck.pipeline.incident_verbs import Acted, Draft, acknowledge, assign, open_manual, resolve_by_hand, snooze
from tests.factories import NOW, make_channel, make_incident, make_policy
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

PEOPLE = 8
MINUTE = timedelta(minutes=1)


def act_at_once(act: Callable[[Author], Any]) -> list[Any]:
    with ThreadPoolExecutor(PEOPLE) as pool:
        acting = [in_thread(pool, lambda name=f"person {each}": act(Author(name))) for each in range(PEOPLE)]  # type: ignore[misc]
        return [each.result(WAIT_SECONDS) for each in acting]


def test_one_of_many_acknowledges_and_one_resolves() -> None:
    make_policy(steps={0: [make_channel()]})
    incident, _channels = open_manual(Draft("The uplink", Severity.DOWN), author=Author("alex"), now=NOW)
    Notification.objects.update(status=NotificationStatus.SENT)
    for verb, event in ((acknowledge, Event.ACKNOWLEDGED), (resolve_by_hand, Event.RESOLVED)):
        acted = act_at_once(lambda author, verb=verb: verb(incident.pk, author=author, now=NOW))  # type: ignore[misc]
        assert sum(each.is_done for each in acted) == 1
        assert Notification.objects.filter(event=event).count() == 1
    assert Incident.objects.get().resolved_at == NOW
    assert IncidentUpdate.objects.count() == 3


def test_message_is_sent_again_once_however_many_press() -> None:
    channel = make_channel()
    columns: dict[str, Any] = {"created_at": NOW, "next_try_at": NOW, "message": {"id": "0", "items": []}}
    sent = Delivery.objects.create(channel=channel, status=DeliveryStatus.DELIVERED, **columns)

    def press(_author: Author) -> bool:
        try:
            return bool(send_again(sent.pk, NOW))
        except ValidationError:
            return False

    assert sum(act_at_once(press)) == 1
    assert Delivery.objects.filter(status=DeliveryStatus.WAITING).count() == 1


def read_author() -> tuple[int | None, str]:
    update = IncidentUpdate.objects.get()
    return update.author_id, update.author_name


def test_whose_account_is_gone_is_given_nothing_and_stays_named_for_what_they_did() -> None:
    kim, incident = Author("kim", User.objects.create_user("kim").pk), make_incident()
    User.objects.all().delete()
    with pytest.raises(ValidationError, match="It does not exist any more"):
        assign(incident.pk, kim, author=Author("alex"), now=NOW)
    assert acknowledge(incident.pk, author=kim, now=NOW).is_done
    assert read_author() == (None, "kim")


@pytest.mark.postgresql
def test_account_that_is_being_deleted_takes_nothing_along() -> None:
    kim, incident = Author("kim", User.objects.create_user("kim").pk), make_incident()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            User.objects.all().delete()
            acting = in_thread(pool, lambda: acknowledge(incident.pk, author=kim, now=NOW))
            wait_for_waiting()
        assert acting.result(WAIT_SECONDS) == Acted(True)
    assert read_author() == (None, "kim")


@pytest.mark.postgresql
def test_snooze_that_meets_a_message_being_made_waits_without_holding_what_that_needs() -> None:
    make_policy(steps={0: [make_channel()], 15: [make_channel("boss")]})
    incident, _channels = open_manual(Draft("The uplink", Severity.DOWN), author=Author("alex"), now=NOW)
    later, sooner = Notification.objects.order_by("pk")
    Notification.objects.filter(pk=later.pk).update(due_at=NOW + 2 * MINUTE)
    Notification.objects.filter(pk=sooner.pk).update(due_at=NOW + MINUTE)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            # As `compose_delivery` holds what is due: the first of it, then the next.
            Notification.objects.select_for_update().get(pk=sooner.pk)
            acting = in_thread(
                pool, lambda: snooze(incident.pk, until=NOW + 20 * MINUTE, author=Author("kim"), now=NOW)
            )
            wait_for_waiting()
            assert Notification.objects.select_for_update(nowait=True).filter(pk=later.pk).first() == later
        assert acting.result(WAIT_SECONDS) == Acted(True)
    assert set(Notification.objects.values_list("due_at", flat=True)) == {NOW + 20 * MINUTE}
