from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import Dependency, Endpoint, EndpointGroup
from tests.factories import make_endpoint, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]

Thing = Endpoint | EndpointGroup


def build(child: Thing, parent: Thing) -> Dependency:
    sides: dict[str, Any] = {}
    for name, thing in (("child", child), ("parent", parent)):
        sides[f"{name}_{'group' if isinstance(thing, EndpointGroup) else 'endpoint'}"] = thing
    return Dependency(**sides)


def depend(*chain: Thing) -> None:
    """Store that each depends on the next."""
    for child, parent in pairwise(chain):
        build(child, parent).save()


def refuse(child: Thing, parent: Thing) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        build(child, parent).full_clean()
    return refused.value.messages


def test_dependency_that_closes_a_circle_is_refused_with_the_way() -> None:
    web, net = make_group("web"), make_group("net")
    site, switch, router = make_endpoint(web, "site"), make_endpoint(net, "switch"), make_endpoint(net, "router")
    depend(site, switch, router)
    assert refuse(router, site) == [
        "It would depend on itself: net/router → web/site → net/switch → net/router. Leave one of these out."
    ]


def test_dependency_of_a_group_counts_for_what_is_in_it() -> None:
    web, net = make_group("web"), make_group("net")
    site, router = make_endpoint(web, "site"), make_endpoint(net, "router")
    depend(web, router)
    assert refuse(router, site) == [
        "It would depend on itself: net/router → web/site → web → net/router. Leave one of these out."
    ]
    assert refuse(net, web) == ["It would depend on itself: net → web → net/router → net. Leave one of these out."]


def test_nothing_depends_on_itself() -> None:
    web = make_group("web")
    site = make_endpoint(web, "site")
    assert refuse(site, site) == ["It would depend on itself: web/site → web/site. Leave one of these out."]
    assert refuse(web, web) == ["It would depend on itself: web → web. Leave one of these out."]
    assert refuse(web, site) == ["It would depend on itself: web → web/site → web. Leave one of these out."]


def test_what_is_no_circle_is_accepted() -> None:
    web, net = make_group("web"), make_group("net")
    site, router = make_endpoint(web, "site"), make_endpoint(net, "router")
    build(web, router).full_clean()
    depend(web, router)
    build(site, router).full_clean()
    build(site, net).full_clean()


def test_stored_dependency_is_no_circle_with_itself() -> None:
    dependency = build(make_endpoint(make_group("web")), make_endpoint(make_group("net")))
    dependency.save()
    dependency.full_clean()


def test_long_circle_is_told_in_part() -> None:
    group = make_group("net")
    chain = [make_endpoint(group, f"n{number}") for number in range(20)]
    depend(*chain)
    [sentence] = refuse(chain[-1], chain[0])
    assert sentence.startswith("It would depend on itself: net/n19 → net/n0 → net/n1 → ")
    assert sentence.endswith(" → net/n8 → …. Leave one of these out.")


@pytest.mark.parametrize("columns", [{}, {"both": True}])
def test_dependency_without_two_sides_is_refused(columns: dict[str, bool]) -> None:
    group, endpoint = make_group("web"), make_endpoint(make_group("net"))
    sides = {"child_group": group, "child_endpoint": endpoint} if columns else {}
    with pytest.raises(ValidationError, match="Choose either a group or an endpoint that depends on something"):
        Dependency(**sides, parent_endpoint=make_endpoint(group)).full_clean()


@pytest.mark.parametrize("links", [1, 30])
def test_check_for_circles_is_one_query(links: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    group = make_group("net")
    chain = [make_endpoint(group, f"n{number}") for number in range(links + 2)]
    depend(*chain[:-1])
    new = build(chain[-2], chain[-1])
    with django_assert_num_queries(1):
        new.clean()


def test_dependency_goes_with_either_end() -> None:
    site, router = make_endpoint(make_group("web")), make_endpoint(make_group("net"))
    depend(site, router)
    router.delete()
    assert not Dependency.objects.exists()
