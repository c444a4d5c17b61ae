"""Open incidents on the start page: what nobody cares for first, and none for who may not see incidents."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from healthcheck.admin.desk.desk_incidents import INCIDENTS_SHOWN
from tests.factories import NOW, make_endpoint, make_group, make_incident

pytestmark = pytest.mark.django_db

DESK = "/admin/healthcheck/endpointgroup/desk/"


def test_start_page_lists_open_incidents_that_nobody_cares_for_first(operator: Client) -> None:
    make_group()
    later = NOW + timedelta(hours=1)
    make_incident(title="is seen to", at=later, acknowledged_at=later, acknowledged_by_name="alex")
    waits = make_incident(title="waits")
    make_incident(title="is over", resolved_at=NOW)
    page = operator.get(DESK).content.decode()
    assert page.index(f'/admin/healthcheck/incident/{waits.pk}/change/">waits</a>') < page.index("is seen to")
    assert "acknowledged by alex" in page
    assert "is over" not in page
    assert "All open incidents" not in page


def test_start_page_lists_a_few_and_leads_to_the_rest(operator: Client) -> None:
    make_group()
    for number in range(INCIDENTS_SHOWN + 1):
        make_incident(title=f"incident number {number}")
    page = operator.get(DESK).content.decode()
    assert page.count("incident number") == INCIDENTS_SHOWN
    assert "All open incidents" in page


def test_who_may_not_see_incidents_sees_none_of_them(viewer: Client) -> None:
    make_group()
    make_incident(title="secret works")
    assert "secret works" not in viewer.get(DESK).content.decode()


def test_start_page_says_that_what_flaps_is_held_open(operator: Client) -> None:
    make_incident(make_endpoint(), open_count=0)
    page = operator.get(DESK).content.decode()
    card = page[page.index("Open incidents") :]
    card = card[: card.index("</table>")]
    assert "held open" in card
    assert "flapping" in card
    assert "hc-down" not in card
    assert "nobody yet" not in card
