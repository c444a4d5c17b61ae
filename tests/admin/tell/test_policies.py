"""Policies with their steps, and dependencies: entered in a form, refused with a cure, listed in a fixed number of
queries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import Dependency, NotificationPolicy, PolicyStep
from tests.admin.conftest import make_person
from tests.factories import make_channel, make_endpoint, make_group, make_policy
from tests.locks import in_thread, wait_for_waiting

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/notificationpolicy/"
DEPENDENCIES = "/admin/healthcheck/dependency/"
# The visitor's session and account; the number of policies, twice; the policies, their groups, tags, steps, channels.
LIST_QUERIES = 9


def policy_fields(*steps: tuple[int, list[int]], **changed: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": "night watch",
        "is_enabled": "on",
        "min_severity": "3",
        "hours": "",
        "timezone": "Europe/Berlin",
        "sends_recovery": "on",
        "reminder_minutes": "",
        "steps-TOTAL_FORMS": len(steps),
        "steps-INITIAL_FORMS": 0,
        "steps-MIN_NUM_FORMS": 1,
        "steps-MAX_NUM_FORMS": 10,
    }
    for number, (minutes, channels) in enumerate(steps):
        fields |= {f"steps-{number}-after_minutes": minutes, f"steps-{number}-channels": channels}
    return fields | changed


def test_policy_is_stored_with_its_steps(operator: Client) -> None:
    first, second, group = make_channel("chat"), make_channel("phone"), make_group()
    fields = policy_fields((0, [first.pk]), (15, [first.pk, second.pk]), groups=[group.pk])
    assert operator.post(f"{LIST}add/", fields).status_code == 302
    policy = NotificationPolicy.objects.get()
    assert list(policy.groups.all()) == [group]
    assert [(step.after_minutes, step.channels.count()) for step in policy.steps.all()] == [(0, 1), (15, 2)]
    page = operator.get(LIST).content.decode()
    assert "chat; after 15 minutes: chat, phone" in page


def test_form_shows_the_steps_that_are_stored(operator: Client) -> None:
    policy = make_policy(steps={0: [make_channel()], 20: [make_channel("phone")]})
    page = operator.get(f"{LIST}{policy.pk}/change/").content.decode()
    assert 'name="steps-1-after_minutes" value="20"' in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"timezone": "Europe/Atlantis"}, "There is no time zone “Europe/Atlantis”"),
        ({"hours": "Mon-Fri 8-18"}, "is no span of hours; write such as Mon-Fri 08:00-18:00"),
        ({"reminder_minutes": "4"}, "Ensure this value is greater than or equal to 5."),
        ({"name": ""}, "This field is required."),
        ({"steps-0-after_minutes": "1441"}, "Ensure this value is less than or equal to 1440."),
        ({"steps-0-channels": []}, "This field is required."),
        ({"steps-TOTAL_FORMS": 0}, "A policy without a step tells nobody; add one."),
    ],
)
def test_refused_policy_says_why(operator: Client, changed: dict[str, Any], sentence: str) -> None:
    page = operator.post(f"{LIST}add/", policy_fields((0, [make_channel().pk]), **changed)).content.decode()
    assert page.count(sentence) == 1
    assert NotificationPolicy.objects.count() == 0


def test_two_steps_after_the_same_minutes_are_refused(operator: Client) -> None:
    channel = make_channel()
    page = operator.post(f"{LIST}add/", policy_fields((5, [channel.pk]), (5, [channel.pk]))).content.decode()
    assert "duplicate" in page.lower()
    assert PolicyStep.objects.count() == 0


def test_viewers_read_policies_and_change_none(db: None) -> None:
    person = make_person("view_notificationpolicy", "view_policystep")
    policy = make_policy(steps={0: [make_channel("chat")]})
    assert "chat" in person.get(f"{LIST}{policy.pk}/change/").content.decode()
    assert person.post(f"{LIST}{policy.pk}/change/", policy_fields()).status_code == 403


@pytest.mark.parametrize("count", [1, 30])
def test_list_takes_the_same_queries_at_any_size(
    count: int, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    channel, group = make_channel(), make_group()
    for number in range(count):
        make_policy(f"policy {number}", steps={0: [channel]}, groups=[group], tags=["eu"])
    with django_assert_num_queries(LIST_QUERIES):
        page = operator.get(LIST).content.decode()
    assert page.count(f"{group.name}, eu") == count


def test_dependency_is_of_one_thing_on_one_thing(operator: Client) -> None:
    endpoint, group = make_endpoint(), make_group("network")
    page = operator.post(f"{DEPENDENCIES}add/", {"parent_group": group.pk}).content.decode()
    assert "Choose either a group or an endpoint that depends on something." in page
    both = {"child_endpoint": endpoint.pk, "parent_group": group.pk, "parent_endpoint": endpoint.pk}
    assert (
        "Choose either a group or an endpoint to depend on."
        in operator.post(f"{DEPENDENCIES}add/", both).content.decode()
    )
    del both["parent_endpoint"]
    assert operator.post(f"{DEPENDENCIES}add/", both).status_code == 302
    stored = Dependency.objects.get()
    assert (stored.child_endpoint, stored.parent_group) == (endpoint, group)


@pytest.mark.parametrize("count", [1, 30])
def test_list_of_dependencies_takes_the_same_queries_at_any_size(
    count: int, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    group, network = make_group(), make_group("network")
    for number in range(count):
        Dependency.objects.create(child_endpoint=make_endpoint(group, f"site {number}"), parent_group=network)
    with django_assert_num_queries(5):
        page = operator.get(DEPENDENCIES).content.decode()
    assert page.count("group Network") == count


@pytest.mark.postgresql
@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_two_people_cannot_save_half_of_a_circle_each(operator: Client) -> None:
    group = make_group()
    site, router = make_endpoint(group, "site"), make_endpoint(group, "router")
    half = {"child_endpoint": router.pk, "parent_endpoint": site.pk}

    def save() -> str:
        return operator.post(f"{DEPENDENCIES}add/", half).content.decode()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Dependency.objects.hold()
            Dependency.objects.create(child_endpoint=site, parent_endpoint=router)
            saving = in_thread(pool, save)
            wait_for_waiting()
        assert "It would depend on itself" in str(saving.result())
    assert Dependency.objects.count() == 1
