"""The group's admin: its list, its form with endpoints inside, and the clock that no form may move back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.signals import pre_save
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Assertion, Endpoint, EndpointGroup
from tests.admin.conftest import CLOCK_QUERIES, group_fields, inline_fields
from tests.factories import NOW, make_assertion, make_endpoint, make_group, make_run, make_state

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/endpointgroup/"
ADD = f"{LIST}add/"


def change_url(group: EndpointGroup) -> str:
    return f"{LIST}{group.pk}/change/"


def errors_of(response: Any) -> list[str]:
    """Return every sentence on the page that refuses something."""
    assert response.status_code == 200
    return [str(sentence) for errors in response.context["errors"] for sentence in errors]


def store_busy_groups(count: int) -> None:
    for number in range(count):
        group = make_group(f"group-{number}")
        make_run(group)
        for name in ("a", "b"):
            make_state(make_endpoint(group, name), State.DOWN, last_error_kind=ErrorKind.DNS)


@pytest.mark.parametrize("count", [1, 3, 30])
def test_list_costs_the_same_however_many_groups(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    store_busy_groups(count)
    # Among them the members, their states, strips, and what was laid over them.
    with django_assert_num_queries(15 + CLOCK_QUERIES):
        page = operator.get(LIST).content.decode()
    assert page.count("2 unknown") == count


@pytest.mark.parametrize("count", [1, 30])
def test_form_costs_the_same_for_one_and_thirty_endpoints(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    for number in range(count):
        endpoint = make_endpoint(group, f"endpoint-{number}")
        make_state(endpoint)
        make_assertion(endpoint)
    # Django reads the content type once per process.
    operator.get(change_url(group))
    # The group's own state, and its endpoints'; the newest versions of it and of them; the maintenance that runs.
    with django_assert_num_queries(13 + 3 * CLOCK_QUERIES):
        page = operator.get(change_url(group)).content.decode()
    assert page.count("status 200-299</textarea>") == count


def test_list_says_what_a_group_does_and_how_it_is(operator: Client) -> None:
    group = make_group(interval_seconds=300)
    now = timezone.now()
    make_state(make_endpoint(group, "a"), State.UP, now=now)
    make_state(make_endpoint(group, "b"), State.DOWN, now=now, last_error_kind=ErrorKind.DNS)
    make_run(group)
    page = operator.get(LIST).content.decode()
    assert "every 5 minutes" in page
    assert '<span class="hc-state hc-down"><span aria-hidden="true">■</span> 1 down</span>' in page
    assert '<span class="hc-state hc-up"><span aria-hidden="true">●</span> 1 up</span>' in page
    assert "b: Its name could not be resolved." in page
    assert "0.0 ms late" in page


@pytest.mark.parametrize(("word", "shown"), [("down", True), ("degraded", False), ("up", True), ("unknown", False)])
def test_list_filters_by_the_state_of_a_member(operator: Client, word: str, shown: bool) -> None:
    group = make_group("chosen")
    make_state(make_endpoint(group, "a"), State.UP, now=timezone.now())
    make_state(make_endpoint(group, "b"), State.DOWN, now=timezone.now())
    assert ("Chosen" in operator.get(f"{LIST}?state={word}").content.decode()) is shown


def test_adding_a_group_stores_its_endpoints_and_their_assertions(operator: Client) -> None:
    lines = "status 200-299\r\n\r\n  latency < 800ms degraded\r\n"
    response = operator.post(ADD, group_fields({"assertions": lines}))
    assert response.status_code == 302
    [endpoint] = EndpointGroup.objects.get(slug="web").endpoints.all()
    assert [(each.position, each.text) for each in endpoint.assertions.all()] == [
        (0, "status 200-299"),
        (1, "latency < 800ms degraded"),
    ]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"deadline_seconds": "60"}, "The deadline must be shorter than the interval of 60 s; lower it."),
        ({"cron": "* * * * *"}, "Give either an interval or a cron expression, not both."),
        (
            {"interval_seconds": "", "cron": "every day"},
            "“every day” is not a cron expression; write five fields such as */5 * * * *.",
        ),
        (
            {"interval_seconds": "", "cron": "* * * * *", "timezone": "Berlin"},
            "There is no time zone “Berlin”; use a name such as Europe/Berlin or UTC.",
        ),
        ({"slug": "taken"}, "There is already a group with this slug; choose another."),
        (
            {"hour_retention_days": "7"},
            "Hours must be kept at least as long as raw results, 14 days; raise it.",
        ),
        (
            {"retention_days": "365"},
            "Raw results must not outlast hours, which are kept for 100 days; lower it, or keep hours longer.",
        ),
    ],
)
def test_form_refuses_what_cannot_be(operator: Client, changed: dict[str, Any], sentence: str) -> None:
    make_group("taken")
    response = operator.post(ADD, group_fields(**changed))
    assert sentence in errors_of(response)
    assert not EndpointGroup.objects.filter(name="Web").exists()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"timeout_seconds": "31"}, "The timeout must not be longer than the group's deadline of 30 s; lower it."),
        ({"address": "http://127.0.0.1:99999/"}, "The port must lie between 1 and 65535; correct it."),
        ({"address": "example.com"}, "The address must start with http:// or https://; add it."),
        (
            {"assertions": "status 200\nlatency < 0ms"},
            "Line 2: The limit is from 1us to 10min, in whole microseconds. (Column 11.)",
        ),
    ],
)
def test_form_refuses_an_endpoint_inside_it(operator: Client, changed: dict[str, Any], sentence: str) -> None:
    response = operator.post(ADD, group_fields(changed))
    assert errors_of(response) == [sentence]
    assert not EndpointGroup.objects.exists()


def test_form_refuses_the_same_name_twice(operator: Client) -> None:
    response = operator.post(ADD, group_fields({}, {}))
    assert errors_of(response) == ["This group already has an endpoint with this name; choose another."]


def test_form_refuses_a_name_that_is_stored_already(operator: Client) -> None:
    group = make_group()
    first, second = make_endpoint(group, "first"), make_endpoint(group, "second")
    fields = group_fields({"id": first.pk, "name": "first"}, {"id": second.pk, "name": "first"}, stored=2)
    response = operator.post(change_url(group), fields)
    assert "This group already has an endpoint with this name; choose another." in errors_of(response)


def test_deleted_name_may_be_used_again(operator: Client) -> None:
    make_endpoint(make_group(deleted_at=NOW), deleted_at=NOW)
    assert operator.post(ADD, group_fields({})).status_code == 302
    assert EndpointGroup.objects.existing().count() == 1


def test_lower_deadline_is_refused_at_the_endpoint_that_needs_longer(operator: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group)
    response = operator.post(change_url(group), group_fields({"id": endpoint.pk}, stored=1, deadline_seconds="5"))
    assert errors_of(response) == ["The timeout must not be longer than the group's deadline of 5 s; lower it."]


def test_large_group_is_edited_without_its_endpoints(operator: Client) -> None:
    group = make_group()
    Endpoint.objects.bulk_create(Endpoint(group=group, name=f"e{number}") for number in range(51))
    assert "endpoints-TOTAL_FORMS" not in operator.get(change_url(group)).content.decode()
    fields = {name: value for name, value in group_fields().items() if not name.startswith("endpoints")}
    response = operator.post(change_url(group), fields | {"deadline_seconds": "5"})
    assert errors_of(response) == ["The endpoint “e0” has a timeout of 10 s; lower that first."]
    assert operator.post(change_url(group), fields | {"name": "Large"}).status_code == 302
    Endpoint.objects.update(kind="heartbeat")
    assert operator.post(change_url(group), fields | {"deadline_seconds": "5"}).status_code == 302


def test_endpoints_that_are_no_longer_part_of_the_form_are_not_lost_in_silence(operator: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group, "e0")
    Endpoint.objects.bulk_create(Endpoint(group=group, name=f"e{number}") for number in range(1, 50))
    assert "endpoints-TOTAL_FORMS" in operator.get(change_url(group)).content.decode()
    fields = group_fields({"id": endpoint.pk, "name": "renamed"}, stored=1, name="Typed")
    make_endpoint(group, "by a colleague")
    response = operator.post(change_url(group), fields)
    [sentence] = errors_of(response)
    assert sentence.startswith("Since you opened this form, the group has come to have more than 50 endpoints")
    page = response.content.decode()
    assert 'value="Typed"' in page
    # The next attempt is a form without them.
    assert "endpoints-TOTAL_FORMS" not in page
    assert Endpoint.objects.filter(name="renamed").count() == 0
    assert EndpointGroup.objects.get().name == "Web"


def test_saving_does_not_move_back_the_clock_that_a_scheduler_moves_meanwhile(operator: Client) -> None:
    group = make_group(next_run_at=NOW)
    claimed = NOW + timedelta(minutes=1)

    # The claim comes after the form has read the row, and before it writes it.
    def claim(**_: Any) -> None:
        EndpointGroup.objects.filter(pk=group.pk).update(next_run_at=claimed)

    pre_save.connect(claim, sender=EndpointGroup)
    try:
        fields = group_fields(name="Renamed", next_run_at="2026-07-01 12:00:00")
        assert operator.post(change_url(group), fields).status_code == 302
    finally:
        pre_save.disconnect(claim, sender=EndpointGroup)
    group.refresh_from_db()
    assert (group.name, group.next_run_at) == ("Renamed", claimed)


def test_saving_does_not_undo_what_somebody_else_does_to_an_endpoint_meanwhile(operator: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group)

    def delete(**_: Any) -> None:
        Endpoint.objects.filter(pk=endpoint.pk).update(is_paused=True, deleted_at=NOW)

    pre_save.connect(delete, sender=Endpoint)
    try:
        fields = group_fields({"id": endpoint.pk, "name": "renamed"}, stored=1)
        assert operator.post(change_url(group), fields).status_code == 302
    finally:
        pre_save.disconnect(delete, sender=Endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.is_paused, endpoint.deleted_at) == ("renamed", True, NOW)


@pytest.mark.parametrize(
    ("stored", "changed", "restarts"),
    [
        ({}, {"interval_seconds": "61"}, True),
        ({}, {"interval_seconds": "", "cron": "* * * * *"}, True),
        ({"is_paused": True}, {}, True),
        ({}, {"is_paused": "on"}, False),
        ({}, {"name": "Renamed"}, False),
        ({}, {}, False),
    ],
)
def test_only_a_new_schedule_or_a_resume_restarts_the_clock(
    operator: Client, stored: dict[str, Any], changed: dict[str, Any], restarts: bool
) -> None:
    before, later = timezone.now(), timezone.now() + timedelta(days=1)
    group = make_group(next_run_at=later, **stored)
    assert operator.post(change_url(group), group_fields(**changed)).status_code == 302
    group.refresh_from_db()
    assert (before <= group.next_run_at <= timezone.now()) is restarts
    assert (group.next_run_at == later) is not restarts


@pytest.mark.parametrize(
    ("changed", "restarts"),
    [({"address": "http://127.0.0.2/"}, True), ({"assertions": "status 200"}, True), ({"name": "renamed"}, False)],
)
def test_what_an_endpoint_asks_restarts_the_clock(operator: Client, changed: dict[str, Any], restarts: bool) -> None:
    later = timezone.now() + timedelta(days=1)
    group = make_group(next_run_at=later)
    endpoint = make_endpoint(group)
    response = operator.post(change_url(group), group_fields({"id": endpoint.pk} | changed, stored=1))
    assert response.status_code == 302
    group.refresh_from_db()
    assert (group.next_run_at < later) is restarts


def test_new_endpoint_is_checked_at_once(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    group = make_group(next_run_at=later)
    assert operator.post(change_url(group), group_fields({})).status_code == 302
    group.refresh_from_db()
    assert group.next_run_at < later


def test_inline_keeps_assertions_that_nobody_changed(operator: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group)
    kept = [make_assertion(endpoint, "status 200", position=0), make_assertion(endpoint, "latency < 1s", position=1)]
    fields = group_fields({"id": endpoint.pk, "name": "renamed", "assertions": "status 200\r\nlatency < 1s"}, stored=1)
    assert operator.post(change_url(group), fields).status_code == 302
    assert list(Assertion.objects.order_by("position")) == kept


def test_inline_delete_only_marks(operator: Client) -> None:
    group = make_group()
    gone, kept = make_endpoint(group, "gone"), make_endpoint(group, "kept")
    make_state(gone)
    fields = group_fields({"id": gone.pk, "name": "gone", "DELETE": "on"}, {"id": kept.pk, "name": "kept"}, stored=2)
    assert operator.post(change_url(group), fields).status_code == 302
    assert list(Endpoint.objects.existing()) == [kept]
    assert Endpoint.objects.get(pk=gone.pk).deleted_at is not None
    assert gone.states.count() == 1
    assert 'value="gone"' not in operator.get(change_url(group)).content.decode()


def test_deleting_a_group_marks_it_and_its_endpoints(
    operator: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    group = make_group()
    make_endpoint(group)
    with django_assert_max_num_queries(5):
        page = operator.get(f"{LIST}{group.pk}/delete/").content.decode()
    assert "Endpoint group: Web" in page
    assert "and 1 endpoint inside" in page
    assert "Endpoints: 1" in page
    assert "can be restored from its history for 15 minutes." in page
    assert operator.post(f"{LIST}{group.pk}/delete/", {"post": "yes"}).status_code == 302
    assert EndpointGroup.objects.filter(deleted_at__isnull=False).count() == 1
    assert Endpoint.objects.filter(deleted_at__isnull=False).count() == 1
    assert operator.get(change_url(group)).status_code == 302


@pytest.mark.parametrize("count", [2, 30])
def test_confirmation_counts_what_goes_with_several_groups(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    groups = [make_group(f"group-{number}") for number in range(count)]
    for group in groups:
        make_endpoint(group)
    chosen = {"action": "delete_selected", "_selected_action": [group.pk for group in groups]}
    with django_assert_num_queries(15 + CLOCK_QUERIES):
        page = operator.post(LIST, chosen).content.decode()
    assert f"and {count} endpoints inside" in page
    assert "can be restored from its history for 15 minutes." in page


def test_bulk_delete_only_marks(operator: Client) -> None:
    first, second, kept = make_group("first"), make_group("second"), make_group("kept")
    fields = {"action": "delete_selected", "_selected_action": [first.pk, second.pk], "post": "yes"}
    assert operator.post(LIST, fields).status_code == 302
    assert list(EndpointGroup.objects.existing()) == [kept]
    assert EndpointGroup.objects.count() == 3


def test_buttons_pause_and_resume(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    group = make_group(next_run_at=later)
    operator.post(f"{LIST}{group.pk}/pause/")
    group.refresh_from_db()
    assert (group.is_paused, group.next_run_at) == (True, later)
    operator.post(f"{LIST}{group.pk}/resume/")
    group.refresh_from_db()
    assert group.is_paused is False
    assert group.next_run_at < later


def test_resuming_what_is_not_paused_leaves_its_clock_alone(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    running, paused = make_group("running", next_run_at=later), make_group("paused", next_run_at=later, is_paused=True)
    fields = {"action": "resume_selected", "_selected_action": [running.pk, paused.pk]}
    page = operator.post(LIST, fields, follow=True).content.decode()
    assert "1 is checked again." in page
    running.refresh_from_db()
    paused.refresh_from_db()
    assert running.next_run_at == later
    assert paused.next_run_at < later


def test_empty_inline_row_is_not_an_endpoint(operator: Client) -> None:
    empty = dict.fromkeys(inline_fields(), "") | {
        "kind": "http",
        "position": "0",
        "failure_threshold": "2",
        "recovery_threshold": "1",
    }
    assert operator.post(ADD, group_fields(empty)).status_code == 302
    assert Endpoint.objects.count() == 0
