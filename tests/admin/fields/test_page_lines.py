"""The lines that say what a section shows."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.fields.page_lines import MAX_LINES, parse_lines, write_lines
from healthcheck.models import Endpoint, EndpointGroup, PageItem, PageSection
from tests.factories import NOW, make_endpoint, make_group, make_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> EndpointGroup:
    group = make_group("api")
    for name in ("Checkout", "a | b", "a", "x / y"):
        make_endpoint(group, name)
    return group


def _read(text: str) -> list[tuple[str, str]]:
    """Return what each line means: the name of its group or endpoint, and its label."""
    endpoints = dict(Endpoint.objects.values_list("pk", "name"))
    items = parse_lines(text)
    assert [item.position for item in items] == list(range(len(items)))
    return [(item.group.name if item.group else endpoints[item.endpoint_id or 0], item.label) for item in items]


def _refusals(text: str) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        parse_lines(text)
    return caught.value.messages


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("api", ("Api", "")),
        ("  api | Payments / all ", ("Api", "Payments / all")),
        ("api / Checkout", ("Checkout", "")),
        ("api/Checkout|Pay", ("Checkout", "Pay")),
        ("api / a | b", ("a | b", "")),
        ("api / a | b | c", ("a | b", "c")),
        ("api / a | c | d", ("a", "c | d")),
        ("api / x / y", ("x / y", "")),
    ],
)
def test_line_names_a_group_or_an_endpoint(group: EndpointGroup, text: str, meant: tuple[str, str]) -> None:
    assert _read(text) == [meant]


@pytest.mark.usefixtures("group")
def test_lines_keep_their_order_and_empty_ones_mean_nothing() -> None:
    assert _read("api / a\n\n  \napi\napi / Checkout") == [("a", ""), ("Api", ""), ("Checkout", "")]


@pytest.mark.usefixtures("group")
def test_every_line_that_means_nothing_is_refused_with_its_number_and_the_cure() -> None:
    assert _refusals("api\nwhat is this\nnowhere\n\napi / Nothing | Label\napi | " + "x" * 201) == [
        "Line 2: Write a group's slug, or its slug, a slash and an endpoint's name.",
        "Line 3: There is no group “nowhere”; copy its slug from the group's page.",
        "Line 5: The group “api” has no endpoint “Nothing”; copy its name from the group's page.",
        "Line 6: What is shown instead of the name may have 200 characters; shorten it.",
    ]


def test_deleted_group_and_endpoint_do_not_exist(group: EndpointGroup) -> None:
    make_group("gone", deleted_at=NOW)
    make_endpoint(group, "Gone", deleted_at=NOW)
    assert len(_refusals("gone\napi / Gone")) == 2


def test_more_lines_than_anybody_needs_are_refused() -> None:
    assert _refusals("api\n" * (MAX_LINES + 1)) == ["Write at most 1000 lines; show whole groups instead."]


@pytest.mark.parametrize("count", [1, 30])
def test_lines_cost_two_queries(
    group: EndpointGroup, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        parse_lines("api / Checkout\napi\n" * count)


@pytest.mark.parametrize("name", ["plain", "a | b", "#17", "two\nlines", " wide ", "x / y", "<script>", "\u2028"])
def test_written_lines_are_read_back_whatever_a_name_holds(name: str) -> None:
    endpoint = make_endpoint(make_group("api"), name)
    section = PageSection.objects.create(page=make_page())
    PageItem.objects.create(section=section, endpoint=endpoint, label="Label")
    items = section.items.select_related("group", "endpoint__group")
    (item,) = parse_lines(write_lines(items))
    assert (item.endpoint_id, item.label) == (endpoint.pk, "Label")


def test_what_was_deleted_is_not_written(group: EndpointGroup) -> None:
    section = PageSection.objects.create(page=make_page())
    PageItem.objects.create(section=section, group=make_group("gone", deleted_at=NOW))
    PageItem.objects.create(section=section, endpoint=make_endpoint(group, "Gone", deleted_at=NOW))
    PageItem.objects.create(section=section, group=group)
    assert write_lines(section.items.select_related("group", "endpoint__group")) == "api"
