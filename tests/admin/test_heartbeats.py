"""Heartbeats in the admin: added, given an address that is shown once, rotated, and read."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from healthcheck.models import Endpoint, HeartbeatToken, Signal, SignalKind, Version
from healthcheck.pipeline.signals import Call, Receipt, take_signal
from tests.admin.conftest import CLOCK_QUERIES, endpoint_fields
from tests.factories import NOW, make_endpoint, make_group, make_heartbeat_endpoint, make_token

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/endpoint/"


def page_of(endpoint: Endpoint) -> str:
    return f"{LIST}{endpoint.pk}/signals/"


def make_address(client: Client, endpoint: Endpoint, overlap: object = 0) -> Any:
    return client.post(f"{LIST}{endpoint.pk}/token/", {"overlap": overlap})


def read_token(response: Any) -> str:
    found: set[str] = set(re.findall(r"/ping/([A-Za-z0-9_-]{22})", response.content.decode()))
    [token] = found
    return token


def is_heard(token: str, after: timedelta = timedelta()) -> bool:
    return take_signal(token, Call(SignalKind.LOG), timezone.now() + after) == Receipt(is_known=True)


def test_a_heartbeat_is_added_with_its_schedule_and_leads_to_its_address(operator: Client) -> None:
    fields = endpoint_fields(
        group=make_group().pk,
        kind="heartbeat",
        address="",
        assertions="",
        period_seconds="",
        cron="0 3 * * *",
        timezone="Europe/Berlin",
    )
    response = operator.post(f"{LIST}add/", fields)
    endpoint = Endpoint.objects.get()
    assert endpoint.options == {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}
    assert response.headers["Location"] == page_of(endpoint)
    assert "There is none yet, so nothing can report." in operator.get(page_of(endpoint)).content.decode()


def test_nonsense_is_refused_at_its_field(operator: Client) -> None:
    fields = endpoint_fields(group=make_group().pk, kind="heartbeat", address="", assertions="")
    response = operator.post(f"{LIST}add/", fields | {"period_seconds": "", "cron": "0 3 * *", "grace_seconds": "0"})
    assert set(response.context["adminform"].form.errors) == {"grace_seconds", "cron"}


@pytest.mark.parametrize(
    ("period", "cron", "sentence"),
    [
        ("60", "0 3 * * *", "Give either a period or a cron expression, not both; empty one of them."),
        ("86400", "0 3 * * *", "Give either a period or a cron expression, not both; empty one of them."),
        ("", "", "Say when the job is expected: give a period or a cron expression."),
    ],
)
def test_a_job_is_expected_by_a_period_or_by_cron(operator: Client, period: str, cron: str, sentence: str) -> None:
    fields = endpoint_fields(group=make_group().pk, kind="heartbeat", address="", period_seconds=period, cron=cron)
    response = operator.post(f"{LIST}add/", fields)
    assert response.context["adminform"].form.errors == {"period_seconds": [sentence]}


@pytest.mark.parametrize(
    ("stored", "period"),
    [
        ({"cron": "0 3 * * *", "period_seconds": 86_400}, ""),
        ({"cron": "0 3 * * *"}, ""),
        ({}, "86400"),
        ({"period_seconds": 60}, "60"),
    ],
)
def test_what_was_stored_before_there_was_a_choice_is_read_as_one(
    operator: Client, stored: dict[str, Any], period: str
) -> None:
    endpoint = make_endpoint(kind="heartbeat", address="", options=stored)
    url = f"{LIST}{endpoint.pk}/change/"
    form = operator.get(url).context["adminform"].form
    shown = {name: form[name].value() for name in ("period_seconds", "cron")}
    assert str(shown["period_seconds"] or "") == period
    fields = endpoint_fields(kind="heartbeat", address="", period_seconds=period, cron=shown["cron"])
    assert operator.post(url, fields).status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.options == stored


def test_another_kind_minds_no_period(operator: Client) -> None:
    operator.post(f"{LIST}add/", endpoint_fields(group=make_group().pk, period_seconds=""))
    assert Endpoint.objects.get().options == {}


def test_the_address_is_shown_once_and_works(operator: Client) -> None:
    endpoint = make_heartbeat_endpoint()
    response = make_address(operator, endpoint)
    token = read_token(response)
    text = response.content.decode()
    assert f'<pre class="hc-paste" tabindex="0">http://testserver/ping/{token}</pre>' in text
    assert all(line in text for line in (f"{token}/$?", f"{token}/start", "$LASTEXITCODE", "--data-binary"))
    assert "no-store" in response.headers["Cache-Control"]
    assert token not in operator.get(page_of(endpoint)).content.decode()
    assert is_heard(token)


def test_rotation_leaves_the_former_address_valid_for_a_while(operator: Client) -> None:
    endpoint = make_heartbeat_endpoint()
    first = read_token(make_address(operator, endpoint))
    second = read_token(make_address(operator, endpoint, 86_400))
    assert [is_heard(token) for token in (first, second)] == [True, True]
    assert [is_heard(token, timedelta(hours=25)) for token in (first, second)] == [False, True]
    third = read_token(make_address(operator, endpoint, 3600))
    assert [is_heard(token) for token in (first, second, third)] == [True, True, True]
    assert [is_heard(token, timedelta(hours=2)) for token in (first, second, third)] == [False, False, True]
    fourth = read_token(make_address(operator, endpoint, 0))
    assert [is_heard(token) for token in (first, second, third, fourth)] == [False, False, False, True]
    assert HeartbeatToken.objects.filter(retires_at=None).count() == 1


@pytest.mark.parametrize("overlap", ["", "-1", "5", "99999999999", "x"])
def test_no_other_overlap_is_taken(operator: Client, overlap: str) -> None:
    endpoint = make_heartbeat_endpoint()
    token = make_token(endpoint)
    assert make_address(operator, endpoint, overlap).status_code == 200
    assert (HeartbeatToken.objects.count(), is_heard(token)) == (1, True)


def test_only_a_button_makes_an_address_and_only_of_a_heartbeat(operator: Client, viewer: Client) -> None:
    endpoint, site = make_heartbeat_endpoint(), make_endpoint(make_group("other"))
    assert operator.get(f"{LIST}{endpoint.pk}/token/").status_code == 405
    assert make_address(viewer, endpoint).status_code == 403
    assert make_address(operator, site).status_code == 302
    assert HeartbeatToken.objects.count() == 0


def test_signals_are_shown_newest_first_with_what_was_said(operator: Client, viewer: Client) -> None:
    endpoint = make_heartbeat_endpoint()
    token = make_token(endpoint)
    take_signal(token, Call(SignalKind.START, run_name="r-1"), NOW)
    said = Call(SignalKind.FAIL, exit_code=3, run_name="r-1", body="<b>no space</b>", address="192.0.2.7")
    take_signal(token, said, NOW + timedelta(seconds=90))
    page = operator.get(page_of(endpoint))
    rows = page.context["rows"]
    assert [(row["words"], row["took"], row["address"]) for row in rows] == [
        ("fail, exit code 3", "90.0 s", "192.0.2.7"),
        ("start", "", ""),
    ]
    assert "&lt;b&gt;no space&lt;/b&gt;" in page.content.decode()
    seen = viewer.get(page_of(endpoint)).content.decode()
    assert ("exit code 3" in seen, "no space" in seen, "token/" in seen) == (True, False, False)


def test_the_next_three_times_are_previewed(operator: Client) -> None:
    nightly = make_heartbeat_endpoint(options={"cron": "0 3 * * *", "period_seconds": 86_400})
    hourly = make_heartbeat_endpoint(nightly.group, "hourly")
    assert len(operator.get(page_of(nightly)).context["expected"]) == 3
    assert operator.get(page_of(hourly)).context["expected"] == []
    take_signal(make_token(hourly), Call(SignalKind.SUCCESS), NOW)
    assert operator.get(page_of(hourly)).context["expected"] == [
        f"1 Jul 2026, {hour}:00:00 UTC" for hour in (13, 14, 15)
    ]
    form = operator.get(f"{LIST}{hourly.pk}/change/").content.decode()
    assert "1 Jul 2026, 13:00:00 UTC" in form


def test_a_copy_has_no_address_and_a_file_holds_none(operator: Client) -> None:
    endpoint = make_heartbeat_endpoint()
    token = read_token(make_address(operator, endpoint))
    operator.post(f"{LIST}{endpoint.pk}/clone/")
    copy = Endpoint.objects.exclude(pk=endpoint.pk).get()
    assert (copy.kind, copy.options, copy.heartbeat_tokens.count()) == ("heartbeat", endpoint.options, 0)
    exported = b"".join(operator.get(f"{LIST}export/")).decode()
    assert ("heartbeat" in exported, token in exported) == (True, False)
    assert token not in str(list(Version.objects.values()))


def test_no_row_holds_a_token(operator: Client) -> None:
    endpoint = make_heartbeat_endpoint()
    tokens = [read_token(make_address(operator, endpoint, overlap)) for overlap in (0, 3600)]
    for token in tokens:
        take_signal(token, Call(SignalKind.SUCCESS), timezone.now())
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = str(cursor.fetchall())
            assert not any(token in rows for token in tokens), table
    assert Signal.objects.count() == 2


def test_signals_are_read_in_a_fixed_number_of_queries(operator: Client, django_assert_num_queries: Any) -> None:
    endpoint = make_heartbeat_endpoint()
    token = make_token(endpoint)
    for count in (1, 3):
        for _ in range(count):
            take_signal(token, Call(SignalKind.SUCCESS), timezone.now())
        with django_assert_num_queries(7 + CLOCK_QUERIES):
            operator.get(page_of(endpoint))
