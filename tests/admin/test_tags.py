"""Tags: written as words in forms, made on first use, and found by a filter that looks at the group's as well."""

from __future__ import annotations

import pytest
from django.test import Client

from healthcheck.models import Endpoint, Tag, Version
from tests.admin.conftest import endpoint_fields, group_fields
from tests.factories import make_endpoint, make_group

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"


def tag_names(endpoint: Endpoint) -> list[str]:
    return list(endpoint.tags.values_list("name", flat=True))


def test_tags_are_made_on_first_use_in_one_spelling(operator: Client) -> None:
    endpoint = make_endpoint()
    url = f"{ROOT}endpoint/{endpoint.pk}/change/"
    assert operator.post(url, endpoint_fields(tags=" EU ,production,, Eu, two   words ")).status_code == 302
    assert tag_names(endpoint) == ["eu", "production", "two words"]
    assert operator.get(url).context["adminform"].form["tags"].value() == "eu, production, two words"
    assert operator.post(url, endpoint_fields(tags="eu")).status_code == 302
    assert (tag_names(endpoint), Tag.objects.count()) == (["eu"], 3)
    assert Version.objects.get(number=3).definition["tags"] == ["eu"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x" * 51, "The tag “xxxxxxxxxxxxxxxxxxxx…” is longer than 50 characters; shorten it."),
        ("a\u202eb", "A tag holds a comma or an invisible character; write it with visible ones."),
        (",".join(f"t{number}" for number in range(21)), "There are more than 20 tags; remove some."),
    ],
)
def test_tags_that_cannot_be_are_refused_and_none_is_made(operator: Client, text: str, sentence: str) -> None:
    response = operator.post(f"{ROOT}endpoint/{make_endpoint().pk}/change/", endpoint_fields(tags=text))
    assert response.context["adminform"].form.errors == {"tags": [sentence]}
    assert Tag.objects.count() == 0


def test_hostile_tag_is_shown_escaped(operator: Client) -> None:
    operator.post(f"{ROOT}endpoint/{make_endpoint().pk}/change/", endpoint_fields(tags="<b>bold</b>"))
    page = operator.get(f"{ROOT}endpoint/").content.decode()
    assert '<span class="hc-tag">&lt;b&gt;bold&lt;/b&gt;</span>' in page
    assert "<b>bold</b>" not in page


def test_group_has_tags_too(operator: Client) -> None:
    assert operator.post(f"{ROOT}endpointgroup/add/", group_fields(tags="eu")).status_code == 302
    assert '<span class="hc-tag">eu</span>' in operator.get(f"{ROOT}endpointgroup/").content.decode()


# No sequence gets there.
NOBODYS = "999999999"


@pytest.mark.parametrize(
    ("tag", "shown"), [("own", ["first"]), ("group", ["first", "second"]), (NOBODYS, []), ("x", ["first", "second"])]
)
def test_filter_finds_endpoints_by_their_own_tag_or_their_groups(operator: Client, tag: str, shown: list[str]) -> None:
    group = make_group()
    first = make_endpoint(group, "first")
    make_endpoint(group, "second")
    keys = {name: str(Tag.objects.create(name=name).pk) for name in ("own", "group")}
    first.tags.set([int(keys["own"])])
    group.tags.set([int(keys["group"])])
    response = operator.get(f"{ROOT}endpoint/", {"tag": keys.get(tag, tag)})
    assert [endpoint.name for endpoint in response.context["cl"].result_list] == shown


def test_tag_list_counts_its_uses_and_renames_in_one_spelling(operator: Client) -> None:
    tag = Tag.objects.create(name="eu")
    make_endpoint().tags.add(tag)
    assert operator.post(f"{ROOT}tag/{tag.pk}/change/", {"name": " Europe "}).status_code == 302
    [row] = operator.get(f"{ROOT}tag/").context["cl"].result_list
    assert (row.name, row.endpoints_tagged, row.groups_tagged) == ("europe", 1, 0)


def test_tag_that_exists_is_refused(operator: Client) -> None:
    Tag.objects.create(name="eu")
    response = operator.post(f"{ROOT}tag/add/", {"name": "EU"})
    assert response.context["adminform"].form.errors == {
        "name": ["There is already a tag with this name; use that one."]
    }
