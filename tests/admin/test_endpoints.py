"""The endpoint's own form: options as fields, assertions as lines, refusals as sentences at their field."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db.models.signals import pre_save
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Endpoint
from tests.admin.conftest import CLOCK_QUERIES, endpoint_fields, group_fields, inline_fields
from tests.factories import NOW, make_assertion, make_endpoint, make_group, make_state

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/endpoint/"


def change_url(endpoint: Endpoint) -> str:
    return f"{LIST}{endpoint.pk}/change/"


@pytest.mark.parametrize("count", [1, 3, 30])
def test_list_costs_the_same_however_many_endpoints(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    for number in range(count):
        endpoint = make_endpoint(group, f"endpoint-{number}")
        make_state(endpoint, State.DOWN, now=timezone.now(), last_error_kind=ErrorKind.TIMEOUT)
    # Among them the strips, what was laid over them, and the changes since the last roll-up.
    with django_assert_num_queries(14 + CLOCK_QUERIES):
        page = operator.get(LIST).content.decode()
    assert page.count("It did not answer in time.") == count


def test_defaults_are_not_stored(operator: Client) -> None:
    fields = endpoint_fields(group=make_group().pk)
    assert operator.post(f"{LIST}add/", fields).status_code == 302
    assert Endpoint.objects.get().options == {}


def test_options_come_back_as_they_were_written(operator: Client) -> None:
    endpoint = make_endpoint()
    written = {
        "method": "PURGE",
        "query": "a=b c\r\n\r\nd==\r\n",
        "headers": "Accept: text/plain\r\nX-Trace: a: b",
        "body_type": "json",
        "body": '{"ask": 1}\r\n',
        "verify": "off",
        "family": "ipv6",
        "addresses": "at least 2",
        "max_redirects": "0",
        "max_body_bytes": "1000",
    }
    assert operator.post(change_url(endpoint), endpoint_fields(**written)).status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.options == {
        "method": "PURGE",
        "query": [["a", "b c"], ["d", "="]],
        "headers": [["Accept", "text/plain"], ["X-Trace", "a: b"]],
        "body_type": "json",
        "body": '{"ask": 1}\n',
        "verify": "off",
        "family": "ipv6",
        "addresses": "at least 2",
        "max_redirects": 0,
        "max_body_bytes": 1000,
    }
    form = operator.get(change_url(endpoint)).context["adminform"].form
    assert form["headers"].value() == "Accept: text/plain\nX-Trace: a: b"
    assert form["body"].value() == '{"ask": 1}\n'
    assert form["query"].value() == "a=b c\nd=="
    assert (form["method"].value(), form["family"].value(), form["max_redirects"].value()) == ("PURGE", "ipv6", 0)
    assert '<option value="TRACE"></option>' in str(form["method"])


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("address", "http://127.0.0.1:99999/", "The port must lie between 1 and 65535; correct it."),
        ("address", "ftp://127.0.0.1/", "The address must start with http:// or https://; add it."),
        (
            "addresses",
            "at least 17",
            "Select a valid choice. at least 17 is not one of the available choices.",
        ),
        ("timeout_seconds", "31", "The timeout must not be longer than the group's deadline of 30 s; lower it."),
        ("headers", "X-A: 1\nX-B", "Line 2 is not a header; write it as Name: value."),
        (
            "headers",
            "X-A: one\vtwo",
            "The value of X-A holds a line break or another control character; remove it.",
        ),
        ("headers", "Host: other", "The header Host has a field of its own; write it there (host)."),
        ("headers", "X A: 1", "A header's name must be letters, digits and hyphens; correct it."),
        ("query", "a=b\r\nc", "Line 2 is no parameter; write it as name=value."),
        ("body_type", "xml", "Select a valid choice. xml is not one of the available choices."),
        (
            "method",
            "brew",
            "The method must be a word of at most 32 capital letters, such as GET or PURGE; correct it.",
        ),
        ("max_redirects", "11", "Ensure this value is less than or equal to 10."),
        (
            "assertions",
            'status 200\r\nbody matches "(a"',
            (
                "Line 2: The regular expression is not accepted: missing ): (a. Write it in RE2's syntax "
                "(no look-around, no back-references). (Column 14.)"
            ),
        ),
        (
            "assertions",
            "\r\nlatency 800ms",
            "Line 2: Write a limit of time, for example: latency < 800ms. (Column 9.)",
        ),
        (
            "assertions",
            f'body contains "{"x" * 990}"',
            "Line 1: The assertion is too long; use at most 1000 characters. (Column 1.)",
        ),
    ],
)
def test_form_refuses_at_the_field_with_a_sentence(operator: Client, field: str, value: str, sentence: str) -> None:
    endpoint = make_endpoint()
    response = operator.post(change_url(endpoint), endpoint_fields(**{field: value}))
    assert response.status_code == 200
    assert response.context["adminform"].form.errors == {field: [sentence]}


def test_form_refuses_a_bad_json_path_with_its_position(operator: Client) -> None:
    response = operator.post(change_url(make_endpoint()), endpoint_fields(assertions="status 200\njson $.a[ == 1"))
    [sentence] = response.context["adminform"].form.errors["assertions"]
    assert sentence.startswith("Line 2: The JSON path is not accepted at character ")
    assert sentence.endswith(".)")
    assert "(Column " in sentence


def test_form_refuses_a_broken_authority_at_its_field(operator: Client) -> None:
    fields = endpoint_fields(verify="custom", ca_pem="not a certificate")
    response = operator.post(change_url(make_endpoint()), fields)
    assert response.context["adminform"].form.errors == {
        "ca_pem": [
            (
                "The authority is not a certificate in PEM form; paste the text from -----BEGIN CERTIFICATE----- to "
                "-----END CERTIFICATE-----."
            )
        ]
    }


def test_name_that_the_group_has_already_is_refused(operator: Client) -> None:
    group = make_group()
    make_endpoint(group, "site")
    response = operator.post(f"{LIST}add/", endpoint_fields(group=group.pk))
    assert response.context["adminform"].form.non_field_errors() == [
        "This group already has an endpoint with this name; choose another."
    ]


def test_name_of_another_endpoint_is_refused_on_change(operator: Client) -> None:
    group = make_group()
    make_endpoint(group, "site")
    response = operator.post(change_url(make_endpoint(group, "other")), endpoint_fields(name="site"))
    assert response.context["adminform"].form.non_field_errors() == [
        "This group already has an endpoint with this name; choose another."
    ]


def test_group_must_be_chosen(operator: Client) -> None:
    response = operator.post(f"{LIST}add/", endpoint_fields(group=""))
    assert response.context["adminform"].form.errors == {"group": ["This field is required."]}


def test_assertions_are_replaced_line_by_line(operator: Client) -> None:
    endpoint = make_endpoint()
    make_assertion(endpoint, "status 200")
    lines = 'body contains "ready"\r\n\r\nstatus 204'
    assert operator.post(change_url(endpoint), endpoint_fields(assertions=lines)).status_code == 302
    assert [each.text for each in endpoint.assertions.all()] == ['body contains "ready"', "status 204"]
    form = operator.get(change_url(endpoint)).context["adminform"].form
    assert form["assertions"].value() == 'body contains "ready"\nstatus 204'


@pytest.mark.parametrize(
    ("changed", "restarts"),
    [({"headers": "X-A: 1"}, True), ({"address": "http://127.0.0.2/"}, True), ({"name": "renamed"}, False)],
)
def test_only_what_it_asks_restarts_the_clock(operator: Client, changed: dict[str, Any], restarts: bool) -> None:
    later = timezone.now() + timedelta(days=1)
    endpoint = make_endpoint(make_group(next_run_at=later))
    assert operator.post(change_url(endpoint), endpoint_fields(**changed)).status_code == 302
    endpoint.group.refresh_from_db()
    assert (endpoint.group.next_run_at < later) is restarts


def test_endpoint_stays_in_its_group(operator: Client) -> None:
    endpoint = make_endpoint()
    other = make_group("other")
    assert operator.post(change_url(endpoint), endpoint_fields(group=other.pk)).status_code == 302
    before = endpoint.group_id
    endpoint.refresh_from_db()
    assert endpoint.group_id == before


def test_deleting_marks_and_hides(operator: Client) -> None:
    endpoint = make_endpoint()
    make_state(endpoint)
    assert operator.post(f"{LIST}{endpoint.pk}/delete/", {"post": "yes"}).status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.deleted_at is not None
    assert endpoint.states.count() == 1
    assert operator.get(change_url(endpoint)).status_code == 302


def test_bulk_pause_and_resume_restart_the_clocks_of_their_groups(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    endpoint = make_endpoint(make_group(next_run_at=later))
    operator.post(LIST, {"action": "pause_selected", "_selected_action": [endpoint.pk]})
    endpoint.refresh_from_db()
    assert (endpoint.is_paused, endpoint.group.next_run_at) == (True, later)
    operator.post(LIST, {"action": "resume_selected", "_selected_action": [endpoint.pk]})
    endpoint = Endpoint.objects.get(pk=endpoint.pk)
    assert endpoint.is_paused is False
    assert endpoint.group.next_run_at < later


def test_list_does_not_show_an_expired_state(operator: Client) -> None:
    past = timezone.now() - timedelta(seconds=1)
    make_state(make_endpoint(), State.UP, now=timezone.now(), valid_until=past)
    page = operator.get(LIST).content.decode()
    assert '<span class="hc-state hc-unknown">' in page
    assert '<span class="hc-state hc-up">' not in page


@pytest.mark.database
@pytest.mark.postgresql
def test_list_asks_the_database_what_time_it_is(operator: Client) -> None:
    now = timezone.now()
    make_state(make_endpoint(), State.UP, now=now, valid_until=now - timedelta(minutes=1))
    with time_machine.travel(now - timedelta(minutes=10)):
        page = operator.get(LIST).content.decode()
    assert '<span class="hc-state hc-up">' not in page


def test_saving_does_not_undo_what_somebody_else_does_meanwhile(operator: Client) -> None:
    endpoint = make_endpoint()

    # It comes after the form has read the row, and before it writes it.
    def delete(**_: Any) -> None:
        Endpoint.objects.filter(pk=endpoint.pk).update(is_paused=True, deleted_at=NOW)

    pre_save.connect(delete, sender=Endpoint)
    try:
        assert operator.post(change_url(endpoint), endpoint_fields(name="renamed", method="HEAD")).status_code == 302
    finally:
        pre_save.disconnect(delete, sender=Endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.options) == ("renamed", {"method": "HEAD"})
    assert (endpoint.is_paused, endpoint.deleted_at) == (True, NOW)


def test_secrets_of_an_address_are_shown_only_to_people_who_may_change_it(operator: Client, viewer: Client) -> None:
    endpoint = make_endpoint(address="https://a.example/?token=canary&x=1")
    pages = ("endpoint/", f"endpoint/{endpoint.pk}/change/", f"endpointgroup/{endpoint.group_id}/change/")
    for page in pages:
        url = f"/admin/healthcheck/{page}"
        assert "canary" in operator.get(url).content.decode(), page
        seen = viewer.get(url).content.decode()
        assert ("canary" in seen, "https://a.example/?token=[hidden]&amp;x=1" in seen) == (False, True), page


@pytest.mark.parametrize(("deadline_seconds", "timeout_seconds"), [(4.0, 4.0), (30.0, 10.0)])
def test_a_new_endpoint_without_a_timeout_has_one_that_its_group_allows(
    operator: Client, deadline_seconds: float, timeout_seconds: float
) -> None:
    group = make_group(deadline_seconds=deadline_seconds)
    operator.post("/admin/healthcheck/endpoint/add/", endpoint_fields(group=group.pk, timeout_seconds=""))
    assert Endpoint.objects.get().timeout_seconds == timeout_seconds


def test_an_endpoint_of_a_new_group_has_a_timeout_that_the_group_allows(operator: Client) -> None:
    fields = group_fields(inline_fields(timeout_seconds=""), deadline_seconds="3.0")
    operator.post("/admin/healthcheck/endpointgroup/add/", fields)
    assert Endpoint.objects.get().timeout_seconds == 3.0


def test_a_stored_timeout_is_not_emptied(operator: Client) -> None:
    endpoint = make_endpoint(timeout_seconds=7.0)
    url = f"/admin/healthcheck/endpoint/{endpoint.pk}/change/"
    assert "This field is required" in operator.post(url, endpoint_fields(timeout_seconds="")).content.decode()
