"""Documents: what each kind of definition is read into, and that no secret is in any of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from healthcheck.definitions.documents import read_documents
from healthcheck.models import (
    Credential,
    Endpoint,
    EndpointGroup,
    Location,
    PageItem,
    PageSection,
    StatusPage,
    Tag,
)
from healthcheck.models.secrets import make_key
from tests.factories import make_assertion, make_credential, make_endpoint, make_group, make_location, make_page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

CANARY = "canary-7d20"


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}


def test_endpoint_is_read_with_everything_that_people_define() -> None:
    credential = make_credential()
    endpoint = make_endpoint(make_group(), options={"method": "HEAD"}, description="why", credential=credential)
    endpoint.tags.add(Tag.objects.create(name="eu"))
    make_assertion(endpoint, "status 200", position=1)
    make_assertion(endpoint, "latency < 1s", position=0)
    assert read_documents(Endpoint, [endpoint.pk])[endpoint.pk] == {
        "group": "web",
        "name": "site",
        "kind": "http",
        "address": "http://127.0.0.1/",
        "position": 0,
        "is_paused": False,
        "timeout_seconds": 10.0,
        "failure_threshold": 2,
        "recovery_threshold": 1,
        "options": {"method": "HEAD"},
        "description": "why",
        "credential": credential.name,
        "assertions": ["latency < 1s", "status 200"],
        "members": [],
        "tags": ["eu"],
    }


def test_group_location_and_tag_are_read() -> None:
    group, tag = make_group(cron="*/5 * * * *", interval_seconds=None), Tag.objects.create(name="eu")
    group.tags.add(tag)
    assert read_documents(EndpointGroup, [group.pk])[group.pk] == {
        "name": "Web",
        "slug": "web",
        "position": 0,
        "is_paused": False,
        "interval_seconds": None,
        "cron": "*/5 * * * *",
        "timezone": "UTC",
        "deadline_seconds": 30.0,
        "retention_days": None,
        "hour_retention_days": None,
        "tags": ["eu"],
    }
    assert list(read_documents(Tag, [tag.pk]).values()) == [{"name": "eu"}]
    location = make_location()
    assert list(read_documents(Location, [location.pk]).values()) == [
        {"slug": "default", "name": "Default", "control_targets": ""}
    ]


def test_page_is_read_with_sections_and_without_its_password_and_logo() -> None:
    page = make_page(password=CANARY, logo=CANARY.encode(), shows_all_groups=False)
    group = make_group("shop")
    endpoint = make_endpoint(group)
    page.groups.set([group])
    section = PageSection.objects.create(page=page, title="Europe")
    PageItem.objects.create(section=section, group=group, label="Shop")
    PageItem.objects.create(section=section, endpoint=endpoint, position=1)
    document = read_documents(StatusPage, [page.pk])[page.pk]
    assert (document["password"], len(document["logo"]), document["groups"]) == ("set", 64, ["shop"])
    assert document["sections"] == [
        {
            "title": "Europe",
            "description": "",
            "items": [
                {"group": "shop", "endpoint": None, "label": "Shop"},
                {"group": "shop", "endpoint": "site", "label": ""},
            ],
        }
    ]
    assert CANARY not in json.dumps(document)


def test_credential_is_read_without_its_secrets_even_when_no_key_opens_them(settings: Any) -> None:
    credential = make_credential(kind="basic", details={"username": "ada"}, secrets={"password": CANARY})
    document = read_documents(Credential, [credential.pk])[credential.pk]
    assert (document["details"]["username"], document["secrets"]) == ("ada", ["password"])
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}
    locked = read_documents(Credential, [credential.pk])[credential.pk]
    assert locked["secrets"] == ["unreadable"]
    assert CANARY not in json.dumps([document, locked])
    assert credential.sealed not in json.dumps([document, locked])


@pytest.mark.parametrize("count", [1, 30])
def test_reading_costs_the_same_for_one_and_thirty(
    django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group, page = make_group(), make_page()
    tag = Tag.objects.create(name="eu")
    for number in range(count):
        endpoint = make_endpoint(group, f"endpoint-{number}")
        endpoint.tags.add(tag)
        make_assertion(endpoint)
        section = PageSection.objects.create(page=page)
        PageItem.objects.create(section=section, endpoint=endpoint)
    ids = list(Endpoint.objects.values_list("pk", flat=True))
    with django_assert_num_queries(4):
        assert len(read_documents(Endpoint, ids)) == count
    with django_assert_num_queries(4):
        read_documents(StatusPage, [page.pk])
