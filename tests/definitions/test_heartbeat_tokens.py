"""Rotation of tokens: what a job uses goes on being heard for as long as was chosen, however often somebody clicks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection

from healthcheck.definitions.heartbeat_tokens import MAX_VALID, rotate_token
from healthcheck.models import Endpoint, HeartbeatToken, SignalKind
from healthcheck.pipeline.signals import Call, take_signal
from tests.factories import NOW, make_heartbeat_endpoint, make_token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

DAY = timedelta(days=1)


def hear(token: str, at: datetime = NOW) -> bool:
    return take_signal(token, Call(SignalKind.LOG), at).is_known


def rotate(endpoint: Endpoint, overlap: timedelta = DAY, *, at: datetime = NOW) -> str:
    try:
        return rotate_token(endpoint.pk, at, overlap=overlap)
    finally:
        connection.close()


def test_two_who_rotate_at_once_do_not_end_what_the_job_uses() -> None:
    endpoint = make_heartbeat_endpoint()
    used = make_token(endpoint)
    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(lambda _: rotate(endpoint), range(2)))
    assert [hear(token) for token in (used, *made)] == [True, True, True]
    assert [hear(token, NOW + DAY) for token in (used, *made)].count(True) == 1
    assert HeartbeatToken.objects.filter(retires_at=None).count() == 1


def test_old_token_is_heard_while_others_rotate_and_never_refused() -> None:
    endpoint = make_heartbeat_endpoint()
    used = make_token(endpoint)

    def act(number: int) -> bool:
        if number == 5:
            return bool(rotate(endpoint))
        try:
            return hear(used)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(act, range(12)))


def test_what_is_on_its_way_out_keeps_its_own_time_or_a_shorter_one() -> None:
    endpoint = make_heartbeat_endpoint()
    used = make_token(endpoint)
    first = rotate(endpoint, timedelta(hours=1))
    second = rotate(endpoint, DAY, at=NOW + timedelta(minutes=30))
    later = NOW + timedelta(hours=1)
    assert [hear(token, later) for token in (used, first, second)] == [False, True, True]
    rotate(endpoint, timedelta(0), at=later)
    assert [hear(token, later) for token in (used, first, second)] == [False, False, False]


def test_no_more_are_valid_than_are_allowed_and_none_is_kept_for_nothing() -> None:
    endpoint = make_heartbeat_endpoint()
    made = [rotate(endpoint, at=NOW + timedelta(seconds=number)) for number in range(MAX_VALID + 3)]
    at = NOW + timedelta(minutes=1)
    assert [hear(token, at) for token in made] == [False] * 3 + [True] * MAX_VALID
    assert HeartbeatToken.objects.count() == MAX_VALID
