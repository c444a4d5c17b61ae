"""The uptime of 24 hours in the lists of endpoints and groups."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.uptime_column import MAX_MEMBERS, draw_uptime, load_endpoint_totals, load_group_totals
from healthcheck.engine.types import State
from healthcheck.engine.uptime import HOUR_MS, Totals
from healthcheck.models import Endpoint, EndpointGroup, Resolution
from tests.factories import NOW, make_endpoint, make_group, make_location, make_result, make_run, make_state
from tests.histories import number_hour, roll, spend

pytestmark = pytest.mark.django_db

ENDPOINTS, GROUPS = "/admin/healthcheck/endpoint/", "/admin/healthcheck/endpointgroup/"
HOUR = number_hour(NOW)
MINUTE = timedelta(minutes=1)


def live(group: EndpointGroup, name: str, **spent_ms: int) -> Endpoint:
    """Store an endpoint of whose last hour was down, or unknown, what is said; it has been up since NOW."""
    endpoint = make_endpoint(group, name)
    make_state(endpoint, since=NOW, valid_until=NOW + timedelta(hours=1))
    roll(endpoint, Resolution.HOUR, {HOUR - 1: spend(Resolution.HOUR, **spent_ms)})
    return endpoint


def read_cells(client: Client, address: str) -> list[str]:
    """Return the words of the column, row by row."""
    text = client.get(address).content.decode()
    cells = re.findall(r'<td class="field-uptime[^>]*>(.*?)</td>', text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells]


def test_endpoints_have_what_their_hours_came_to() -> None:
    group = make_group()
    one, other = live(group, "a", down_ms=HOUR_MS), live(group, "b", unknown_ms=5)
    new, deleted = make_endpoint(group, "c"), live(group, "d", down_ms=7)
    found = load_endpoint_totals([one, other, new], NOW + MINUTE)
    assert found == {
        one.pk: Totals(up_ms=60_000, down_ms=HOUR_MS),
        other.pk: Totals(up_ms=HOUR_MS + 60_000 - 5, unknown_ms=5),
        new.pk: Totals(),
    }
    Endpoint.objects.filter(pk=deleted.pk).update(deleted_at=NOW)
    assert load_group_totals({group.pk: 3}, NOW + MINUTE) == {group.pk: found[one.pk] + found[other.pk]}


def test_every_location_counts() -> None:
    endpoint = live(make_group(), "a", down_ms=HOUR_MS)
    make_state(endpoint, State.DOWN, since=NOW, valid_until=NOW + MINUTE, location=make_location("tokyo"))
    assert load_endpoint_totals([endpoint], NOW + MINUTE)[endpoint.pk].down_ms == HOUR_MS + 60_000


def test_groups_that_hold_too_much_are_left_out() -> None:
    groups = [make_group(name) for name in ("a", "b", "c")]
    live(groups[2], "a")
    sizes = dict(zip((group.pk for group in groups), (MAX_MEMBERS - 1, 2, 1), strict=True))
    assert load_group_totals(sizes, NOW) == {groups[0].pk: Totals(), groups[2].pk: Totals(up_ms=HOUR_MS)}


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (Totals(up_ms=1, degraded_ms=1), "100%"),
        (Totals(up_ms=999, down_ms=1, unknown_ms=1000), '99.90%<br><span class="hc-quiet">50% not measured</span>'),
        (Totals(unknown_ms=5), '–<br><span class="hc-quiet">100% not measured</span>'),
        (Totals(maintenance_ms=5), "–"),
        (None, '<span class="hc-quiet">too many endpoints</span>'),
    ],
)
def test_column_says_what_is_known_and_what_is_not(totals: Totals | None, words: str) -> None:
    assert draw_uptime(totals) == words


def test_lists_show_it_and_never_look_at_results(operator: Client) -> None:
    now = timezone.now()
    group = make_group("first", position=1)
    make_group("second", position=2)
    endpoint = make_endpoint(group, "a", position=1)
    make_result(make_run(group, at=now), make_endpoint(group, "b", position=2), State.DOWN)
    make_state(endpoint, now=now, since=now - timedelta(days=1))
    hours = {number_hour(now) - 1: spend(Resolution.HOUR, unknown_ms=HOUR_MS), number_hour(now): Totals()}
    roll(endpoint, Resolution.HOUR, hours | {number_hour(now) - 2: spend(Resolution.HOUR, down_ms=HOUR_MS // 2)})
    assert read_cells(operator, ENDPOINTS) == ["50.00% 50% not measured", "–"]
    assert read_cells(operator, GROUPS) == ["50.00% 50% not measured", "–"]
    assert f'href="{ENDPOINTS}{endpoint.pk}/uptime/?period=24h"' in operator.get(ENDPOINTS).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_uptimes_cost_the_same_queries_however_many(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    groups = [make_group(f"group-{number}") for number in range(count)]
    for group in groups:
        for name in ("a", "b"):
            live(group, name)
    endpoints = list(Endpoint.objects.prefetch_related("states"))
    # Strips, what was laid over them, changes since.
    with django_assert_num_queries(2):
        load_endpoint_totals(endpoints, NOW + MINUTE)
    with django_assert_num_queries(4):
        load_group_totals(dict.fromkeys((group.pk for group in groups), 2), NOW + MINUTE)
