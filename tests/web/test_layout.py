"""Sections: what stands where, and under which name."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointGroup, PageItem, PageSection, StatusPage
from healthcheck.web.board import Board
from healthcheck.web.snapshot import load_board
from healthcheck.web.verdict import judge_board
from tests.factories import NOW, make_endpoint, make_group, make_page, make_state, make_tick
from tests.web.test_status_page import PAGES, TWIN_QUERIES

pytestmark = pytest.mark.django_db


def add(section: PageSection, shown: EndpointGroup | Endpoint, label: str = "") -> None:
    what = {"group": shown} if isinstance(shown, EndpointGroup) else {"endpoint": shown}
    PageItem.objects.create(section=section, label=label, position=section.items.count(), **what)


def add_section(page: StatusPage, title: str = "", position: int = 0) -> PageSection:
    return PageSection.objects.create(page=page, title=title, position=position)


def describe(board: Board) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Return titles, names and names."""
    return [
        (section.title, [(group.name, [endpoint.name for endpoint in group.endpoints]) for group in section.groups])
        for section in board.sections
    ]


@pytest.fixture
def page() -> StatusPage:
    return make_page("own", shows_all_groups=False)


def test_sections_stand_in_their_order_with_groups_and_endpoints_between(page: StatusPage) -> None:
    api, web = make_group("api"), make_group("web")
    one, two, three = (make_endpoint(api, name) for name in ("one", "two", "three"))
    make_endpoint(web, "site")
    last, first = add_section(page, "Last", 2), add_section(page, "First", 1)
    add(first, three, "Third")
    add(first, one)
    add(first, web, "Website")
    add(first, two)
    add(last, api)
    assert describe(load_board(page, now=NOW)) == [
        ("First", [("", ["Third", "one"]), ("Website", ["site"]), ("", ["two"])]),
        ("Last", [("Api", ["one", "two", "three"])]),
    ]


def test_page_with_sections_shows_nothing_else(page: StatusPage) -> None:
    page.groups.add(make_group("chosen"))
    make_endpoint(make_group("other"), "unseen")
    add_section(page, "Empty")
    assert describe(load_board(page, now=NOW)) == [("Empty", [])]


def test_section_of_another_page_is_not_shown(page: StatusPage) -> None:
    add(add_section(make_page("other"), "Other"), make_group("other"))
    page.groups.add(make_group("chosen"))
    assert describe(load_board(page, now=NOW)) == [("", [("Chosen", [])])]


def test_what_was_deleted_leaves_no_gap(page: StatusPage) -> None:
    section = add_section(page)
    api = make_group("api")
    add(section, make_endpoint(api, "one"))
    add(section, make_endpoint(api, "gone", deleted_at=NOW))
    add(section, make_endpoint(make_group("gone", deleted_at=NOW), "with its group"))
    add(section, EndpointGroup.objects.get(slug="gone"))
    assert describe(load_board(page, now=NOW)) == [("", [("", ["one"])])]


def test_endpoint_that_stands_alone_is_paused_with_its_group(page: StatusPage) -> None:
    add(add_section(page), make_endpoint(make_group(is_paused=True)))
    (shown,) = load_board(page, now=NOW).endpoints
    assert shown.is_paused


def test_verdict_counts_each_endpoint_once_and_only_what_is_shown(page: StatusPage) -> None:
    api = make_group("api")
    shown, hidden = make_endpoint(api, "shown"), make_endpoint(api, "hidden")
    make_state(shown, State.UP)
    make_state(hidden, State.DOWN)
    make_tick()
    EndpointGroup.objects.update(next_run_at=NOW)
    for title in ("One", "Two"):
        add(add_section(page, title), shown)
    verdict = judge_board(load_board(page, now=NOW))
    assert (verdict.sentence, verdict.detail) == ("Everything is up", "1 endpoint")


def test_hidden_endpoint_of_a_shown_groups_neighbour_does_not_leak(client: Client, page: StatusPage) -> None:
    api = make_group("api", name="canary group")
    add(add_section(page), make_endpoint(api, "shown"))
    make_endpoint(api, "canary endpoint")
    for address in ("/status/own/", "/status/own.json"):
        text = client.get(address).content.decode()
        assert "shown" in text
        assert "canary" not in text


def test_group_that_is_shown_twice_has_two_places_on_the_page(client: Client, page: StatusPage) -> None:
    group = make_group("api")
    make_endpoint(group)
    for title in ("One", "Two"):
        add(add_section(page, title), group)
    text = client.get("/status/own/").content.decode()
    ids = [part.split('"')[0] for part in text.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    assert text.count('id="hc-group-item-') == 2


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("address", ["/", "/status.json"])
def test_sections_cost_no_query_more_however_many(
    client: Client, address: str, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page = make_page()
    for number in range(count):
        group = make_group(f"group-{number}")
        make_state(make_endpoint(group, "a"))
        section = add_section(page, f"Section {number}", number)
        add(section, group)
        add(section, make_endpoint(group, "b"))
    with django_assert_num_queries(TWIN_QUERIES + PAGES[address]):
        client.get(address)
