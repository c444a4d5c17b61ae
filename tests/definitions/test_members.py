"""What endpoints are made of, through every door that changes definitions."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from healthcheck.definitions.cloning import clone_endpoints, clone_groups
from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.reverting import revert
from healthcheck.definitions.versions import Change, recorded
from healthcheck.engine.probes.group import MAX_DEPTH, MAX_MEMBERS
from healthcheck.models import Endpoint, EndpointGroup, EndpointMember, Version, VersionAction
from tests.definitions.test_csv import export, import_text, plan
from tests.factories import NOW, make_endpoint, make_group, make_member

pytestmark = [pytest.mark.django_db, pytest.mark.database]

CHANGE = Change(NOW)


def make_parent(name: str, *members: Endpoint) -> Endpoint:
    group = EndpointGroup.objects.filter(slug="sum").first() or make_group("sum")
    parent = make_endpoint(group, name, kind="group", address="")
    for each in members:
        make_member(parent, each)
    return parent


def read(endpoint: Endpoint) -> list[Any]:
    members: list[Any] = read_documents(Endpoint, [endpoint.pk])[endpoint.pk]["members"]
    return members


def refusals(text: str) -> list[tuple[int, str]]:
    return [(draft.line, sentence) for draft in plan(text).drafts for sentence in draft.refusals]


def test_document_names_members_by_group_and_name_without_the_deleted() -> None:
    group = make_group()
    parent = make_parent("all", make_endpoint(group, "b"), make_endpoint(group, "gone", deleted_at=NOW))
    make_member(parent, make_endpoint(group, "a"), weight=3)
    assert read(parent) == [["web/a", 3], ["web/b", 1]]


def test_csv_comes_back_as_it_was() -> None:
    group = make_group()
    parent = make_parent("all", make_endpoint(group, "a"))
    make_member(parent, make_endpoint(group, "b: 2"), weight=5)
    assert 'web/a\nweb/""b: 2"": 5' in export(Endpoint)
    assert plan(export(Endpoint)).changed == []


def test_csv_brings_members_and_what_they_are_made_of_in_one_file() -> None:
    make_group("sum")
    import_text(
        "group,name,kind,address,members\n"
        'sum,top,group,,"sum/middle: 2\nsum/site"\n'
        "sum,middle,group,,sum/site\n"
        "sum,site,http,http://127.0.0.1/,\n"
    )
    found = {each.name: read(each) for each in Endpoint.objects.all()}
    assert found == {"top": [["sum/middle", 2], ["sum/site", 1]], "middle": [["sum/site", 1]], "site": []}
    versions = Version.objects.filter(name="top")
    assert [each.definition["members"] for each in versions] == [[["sum/middle", 2], ["sum/site", 1]]]


def test_csv_refuses_with_the_line_and_the_member() -> None:
    make_endpoint(make_group(), "site")
    make_group("sum")
    text = (
        "group,name,kind,address,members\n"
        "sum,a,group,,web/none\n"
        'sum,b,group,,"web/site\nweb/site: 2"\n'
        "sum,c,group,,web/site: 101\n"
        "sum,d,http,http://127.0.0.1/,web/site\n"
        "sum,e,group,,sum/e\n"
        "sum,f,group,,nonsense\n"
    )
    assert refusals(text) == [
        (2, "Members, “web/none”: There is no endpoint “none” in a group “web”; copy both from its page."),
        (3, "Members, “web/site”: It stands there twice; keep one of the two lines."),
        (5, "Members, “web/site”: The weight must be a whole number from 1 to 100; correct it."),
        (6, "A check of the kind http has no members; remove them, or choose the kind group."),
        (7, "Members, “sum/e”: An endpoint cannot be a member of itself; remove the line."),
        (
            8,
            "members: Members, line 1: Write a group's slug, a slash and an endpoint's name, as in web/Shop.",
        ),
    ]


def test_csv_that_closes_a_circle_is_refused_with_the_way_round() -> None:
    a = make_parent("a")
    make_parent("b", a)
    assert refusals("group,name,members\nsum,a,sum/b\n") == [
        (2, "Its members lead back to itself: sum/a → sum/b → sum/a. Leave one of them out.")
    ]
    both = "group,name,kind,address,members\nsum,x,group,,sum/y\nsum,y,group,,sum/x\n"
    assert [line for line, _sentence in refusals(both)] == [2, 3]


def test_a_circle_over_somebody_deleted_is_refused_because_they_may_come_back() -> None:
    a, leaf = make_parent("a"), make_endpoint(make_group())
    gone = make_parent("gone", a)
    parent = make_parent("b", gone)
    make_member(parent, leaf)
    Endpoint.objects.filter(pk=gone.pk).update(deleted_at=NOW)
    [(_line, sentence)] = refusals("group,name,members\nsum,a,sum/b\n")
    assert "sum/a → sum/b → sum/gone → sum/a" in sentence


def test_towers_are_as_high_as_the_limit_and_not_higher() -> None:
    below = make_endpoint(make_group())
    for level in range(MAX_DEPTH):
        below = make_parent(f"level-{level}", below)
    assert refusals(f"group,name,kind,address,members\nsum,beside,group,,sum/level-{MAX_DEPTH - 2}\n") == []
    [(line, sentence)] = refusals(f"group,name,kind,address,members\nsum,top,group,,sum/level-{MAX_DEPTH - 1}\n")
    assert (line, f"over more than {MAX_DEPTH} levels" in sentence) == (2, True)
    # At the bottom of a tower as well.
    make_parent("bottom", make_endpoint(make_group("other")))
    Endpoint.objects.filter(group__slug="web").update(kind="group", address="")
    assert len(refusals("group,name,members\nweb,site,sum/bottom\n")) == 1


def test_more_members_than_the_limit_are_refused() -> None:
    make_group("sum")
    lines = "\n".join(f"web/{number}" for number in range(MAX_MEMBERS + 1))
    [(line, sentence)] = refusals(f'group,name,kind,address,members\nsum,a,group,,"{lines}"\n')
    assert (line, f"at most {MAX_MEMBERS} members" in sentence) == (2, True)


def test_revert_brings_members_back() -> None:
    group = make_group()
    one, other = make_endpoint(group, "one"), make_endpoint(group, "other")
    parent = make_parent("all", one)
    with recorded(Endpoint, [parent.pk], CHANGE):
        EndpointMember.objects.all().delete()
        make_member(parent, other, weight=2)
    first = Version.objects.get(object_id=parent.pk, number=1)
    revert(Endpoint, first, CHANGE, may_use_credentials=True)
    assert read(parent) == [["web/one", 1]]


def test_revert_that_would_close_a_circle_is_refused_and_nothing_is_written() -> None:
    a = make_parent("a")
    b = make_parent("b", a)
    with recorded(Endpoint, [b.pk], CHANGE):
        EndpointMember.objects.all().delete()
    make_member(a, b)
    first = Version.objects.get(object_id=b.pk, number=1)
    with pytest.raises(DefinitionError, match="lead back to itself"):
        revert(Endpoint, first, CHANGE, may_use_credentials=True)
    assert (read(a), read(b)) == ([["sum/b", 1]], [])


def test_revert_to_a_member_that_is_gone_is_refused() -> None:
    endpoint = make_endpoint()
    parent = make_parent("all", endpoint)
    with recorded(Endpoint, [parent.pk], CHANGE):
        EndpointMember.objects.all().delete()
    Endpoint.objects.filter(pk=endpoint.pk).update(deleted_at=NOW)
    first = Version.objects.get(object_id=parent.pk, number=1)
    with pytest.raises(DefinitionError, match="There is no endpoint “site” in a group “web”"):
        revert(Endpoint, first, CHANGE, may_use_credentials=True)


def test_restored_members_are_members_again() -> None:
    endpoint = make_endpoint()
    parent = make_parent("all", endpoint)
    with recorded(Endpoint, [endpoint.pk], Change(NOW, action=VersionAction.DELETED)):
        Endpoint.objects.filter(pk=endpoint.pk).update(deleted_at=NOW)
    assert read(parent) == []
    last = Version.objects.filter(object_id=endpoint.pk).latest("number")
    revert(Endpoint, last, CHANGE, may_use_credentials=True)
    assert read(parent) == [["web/site", 1]]


def test_a_version_from_before_members_existed_is_no_change() -> None:
    endpoint = make_endpoint()
    with recorded(Endpoint, [endpoint.pk], CHANGE):
        Endpoint.objects.update(description="new")
    old = Version.objects.latest("number")
    Version.objects.filter(pk=old.pk).update(definition={k: v for k, v in old.definition.items() if k != "members"})
    with recorded(Endpoint, [endpoint.pk], CHANGE):
        Endpoint.objects.update(description="newer")
    assert list(Version.objects.order_by("number").values_list("number", "comment")) == [
        (1, "as found"),
        (2, ""),
        (3, ""),
    ]


def test_copy_has_the_same_members() -> None:
    parent = make_parent("all", make_endpoint())
    [copy] = clone_endpoints([parent.pk], CHANGE)
    assert read(Endpoint.objects.get(pk=copy)) == [["web/site", 1]]


def test_copy_of_a_group_is_made_of_the_copies_inside_it() -> None:
    outside = make_endpoint(make_group(), "outside")
    parent = make_parent("all", outside, make_endpoint(make_group("sum"), "inside"))
    clone_groups([parent.group_id], CHANGE)
    copy = Endpoint.objects.get(group__slug="sum-copy", name="all")
    assert read(copy) == [["sum-copy/inside", 1], ["web/outside", 1]]


@pytest.mark.parametrize("count", [1, 30])
def test_planning_members_costs_the_same_for_one_and_thirty(
    django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    for number in range(count):
        make_endpoint(group, f"e{number}")
    make_group("sum")
    members = "\n".join(f"web/e{number}" for number in range(count))
    lines = "".join(f'sum,p{number},group,,"{members}"\n' for number in range(count))
    # Only there is taking the lock a query.
    with django_assert_num_queries(6 + (connection.vendor == "postgresql")):
        assert refusals(f"group,name,kind,address,members\n{lines}") == []
