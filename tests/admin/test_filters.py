"""The filters of the lists, and the words that their search finds."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from healthcheck.admin.filters import MAX_GROUPS_OFFERED
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Credential, Endpoint, EndpointGroup, Tag
from tests.admin.conftest import make_person
from tests.factories import make_endpoint, make_group, make_state

pytestmark = pytest.mark.django_db

ENDPOINTS, GROUPS = "/admin/healthcheck/endpoint/", "/admin/healthcheck/endpointgroup/"


def find(client: Client, url: str) -> set[str]:
    response = client.get(url)
    assert response.status_code == 200, url
    return {row.name for row in response.context["cl"].result_list}


@pytest.fixture
def endpoints() -> None:
    rested = make_group("rested", is_paused=True)
    web = make_group("web")
    make_endpoint(rested, "with its group")
    make_endpoint(web, "alone", is_paused=True)
    credential = Credential.objects.create(name="key", kind="bearer")
    found = make_endpoint(web, "checked", credential=credential, description="ask the night shift")
    found.tags.add(Tag.objects.create(name="customers"))
    web.tags.add(Tag.objects.create(name="europe"))
    make_state(found, State.DOWN, now=timezone.now(), last_error_kind=ErrorKind.CERTIFICATE)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("rests=0", {"checked"}),
        ("rests=1", {"alone", "with its group"}),
        ("rests=x", {"alone", "with its group", "checked"}),
        ("error=certificate", {"checked"}),
        ("error=timeout", set()),
        ("error=nonsense", {"alone", "with its group", "checked"}),
        ("credential=none", {"alone", "with its group"}),
        ("credential=99999999999999999999", {"alone", "with its group", "checked"}),
        ("group__id__exact=٣", {"alone", "with its group", "checked"}),
        ("state=down&rests=0", {"checked"}),
        ("q=night", {"checked"}),
        ("q=customers", {"checked"}),
        ("q=europe", {"alone", "checked"}),
        ("q=nothing+of+that", set()),
    ],
)
def test_list_of_endpoints_keeps_what_is_asked_for(
    operator: Client, endpoints: None, query: str, names: set[str]
) -> None:
    assert find(operator, f"{ENDPOINTS}?{query}") == names


def test_credential_is_a_filter_for_whoever_may_see_it(operator: Client, endpoints: None) -> None:
    key = Credential.objects.get().pk
    assert find(operator, f"{ENDPOINTS}?credential={key}") == {"checked"}
    looks = make_person("view_endpoint", "view_endpointgroup")
    assert "?credential=" not in looks.get(ENDPOINTS).content.decode()


def test_group_that_is_chosen_is_offered_however_many_there_are(operator: Client) -> None:
    for number in range(MAX_GROUPS_OFFERED):
        make_group(f"group-{number}")
    last = make_endpoint(make_group("last"), "here").group
    plain = operator.get(ENDPOINTS).content.decode()
    assert f"group__id__exact={last.pk}" not in plain
    assert find(operator, f"{ENDPOINTS}?group__id__exact={last.pk}") == {"here"}
    assert ">Last<" in "".join(operator.get(f"{ENDPOINTS}?group__id__exact={last.pk}").content.decode().split())


@pytest.mark.parametrize("word", ["europe", "checked", "web"])
def test_groups_are_found_by_tag_member_and_name(operator: Client, endpoints: None, word: str) -> None:
    assert find(operator, f"{GROUPS}?q={word}") == {"Web"}


def test_pages_have_fifty_rows(operator: Client) -> None:
    group = make_group()
    Endpoint.objects.bulk_create(Endpoint(group=group, name=str(number), address="http://a/") for number in range(51))
    assert len(find(operator, ENDPOINTS)) == 50
    assert EndpointGroup.objects.count() == 1
