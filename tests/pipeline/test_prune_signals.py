"""What jobs said goes with its age, and with its endpoint."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from healthcheck.models import Endpoint, Heartbeat, HeartbeatToken, Signal, SignalKind
from healthcheck.pipeline.prune import prune
from healthcheck.pipeline.signals import Call, take_signal
from tests.factories import NOW, make_heartbeat_endpoint, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DAY = timedelta(days=1)


def prune_at(now: datetime) -> None:
    prune(now, retention=14 * DAY, budget_seconds=60)


def test_old_signals_go_and_what_is_known_of_the_job_stays() -> None:
    token = make_token(make_heartbeat_endpoint())
    for at in (NOW, NOW + DAY):
        take_signal(token, Call(SignalKind.SUCCESS), at)
    prune_at(NOW + 14 * DAY + timedelta(hours=1))
    assert list(Signal.objects.values_list("at", flat=True)) == [NOW + DAY]
    prune_at(NOW + 99 * DAY)
    assert (Signal.objects.count(), Heartbeat.objects.get().ended_at) == (0, NOW + DAY)


def test_a_deleted_endpoint_takes_everything_along() -> None:
    token = make_token(make_heartbeat_endpoint())
    take_signal(token, Call(SignalKind.SUCCESS), NOW)
    Endpoint.objects.update(deleted_at=NOW)
    prune_at(NOW + DAY)
    counts = [each.objects.count() for each in (Endpoint, Signal, Heartbeat, HeartbeatToken)]
    assert counts == [0, 0, 0, 0]


def test_retired_tokens_go() -> None:
    endpoint = make_heartbeat_endpoint()
    make_token(endpoint, retires_at=NOW)
    make_token(endpoint)
    prune_at(NOW + DAY)
    assert list(HeartbeatToken.objects.values_list("retires_at", flat=True)) == [None]
