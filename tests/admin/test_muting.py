"""Muting is one click: by people who may operate, for as long as it says, and undone by the next."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from healthcheck.models import MaintenanceSpan, MaintenanceWindow, Version
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from tests.admin.conftest import make_person
from tests.factories import make_endpoint, make_group

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"
OPERATE = ("view_endpointgroup", "view_endpoint", "operate_endpointgroup")


def test_endpoint_is_muted_for_twenty_minutes_by_one_click() -> None:
    person, endpoint = make_person(*OPERATE, name="anna"), make_endpoint()
    page = f"{ROOT}endpoint/{endpoint.pk}/"
    assert "Mute for 20 minutes" in person.get(f"{page}change/").content.decode()
    assert person.post(f"{page}mute/").status_code == 302
    window, span = MaintenanceWindow.objects.get(), MaintenanceSpan.objects.get()
    assert (window.title, window.is_public, window.duration_seconds) == ("Muted by anna", False, 1200)
    assert (span.endpoint_id, span.ends_at - span.starts_at) == (endpoint.pk, timedelta(minutes=20))
    assert find_endpoints_in_maintenance([endpoint.pk], timezone.now()) == {endpoint.pk}
    assert Version.objects.get().author_name == "anna"


def test_muted_endpoint_offers_the_end_of_it_instead() -> None:
    person, endpoint = make_person(*OPERATE, "view_maintenancewindow"), make_endpoint()
    page = f"{ROOT}endpoint/{endpoint.pk}/"
    person.post(f"{page}mute/")
    window = MaintenanceWindow.objects.get()
    shown = person.get(f"{page}change/").content.decode()
    assert "Mute for 20 minutes" not in shown
    assert f"{ROOT}maintenancewindow/{window.pk}/end/" in shown
    assert person.post(f"{ROOT}maintenancewindow/{window.pk}/end/").status_code == 302
    assert find_endpoints_in_maintenance([endpoint.pk], timezone.now()) == set()
    assert "Mute for 20 minutes" in person.get(f"{page}change/").content.decode()


def test_group_is_muted_with_what_joins_it() -> None:
    person, group = make_person(*OPERATE), make_group()
    make_endpoint(group)
    person.post(f"{ROOT}endpointgroup/{group.pk}/mute/")
    assert list(MaintenanceWindow.objects.get().groups.all()) == [group]
    assert MaintenanceSpan.objects.count() == 1


@pytest.mark.parametrize("model", ["endpoint", "endpointgroup"])
@pytest.mark.parametrize(
    ("action", "duration"),
    [
        ("mute_for_20_minutes", timedelta(minutes=20)),
        ("mute_for_an_hour", timedelta(hours=1)),
        ("mute_for_four_hours", timedelta(hours=4)),
        ("mute_until_tomorrow", None),
    ],
)
def test_selection_is_muted_by_one_window(model: str, action: str, duration: timedelta | None) -> None:
    person, endpoints = make_person(*OPERATE), [make_endpoint(make_group(slug)) for slug in ("a", "b")]
    chosen = [each.pk if model == "endpoint" else each.group_id for each in endpoints]
    person.post(f"{ROOT}{model}/", {"action": action, "_selected_action": chosen})
    window = MaintenanceWindow.objects.get()
    end = window.starts_at + timedelta(seconds=window.duration_seconds)
    if duration is None:
        midnight = (window.starts_at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        assert abs(end - midnight) <= timedelta(seconds=1)
    else:
        assert end - window.starts_at == duration
    assert {span.endpoint_id for span in MaintenanceSpan.objects.all()} == {each.pk for each in endpoints}


@pytest.mark.parametrize("person", [("view_endpointgroup", "view_endpoint"), ()])
def test_who_may_only_look_mutes_nothing(person: tuple[str, ...]) -> None:
    client, endpoint = make_person(*person), make_endpoint()
    assert client.post(f"{ROOT}endpoint/{endpoint.pk}/mute/").status_code == 403
    assert client.post(f"{ROOT}endpointgroup/{endpoint.group_id}/mute/").status_code == 403
    assert MaintenanceWindow.objects.count() == 0


def test_muting_needs_a_post_with_a_token() -> None:
    person, endpoint = make_person(*OPERATE), make_endpoint()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = person.cookies
    assert strict.get(f"{ROOT}endpoint/{endpoint.pk}/mute/").status_code == 405
    assert strict.post(f"{ROOT}endpoint/{endpoint.pk}/mute/").status_code == 403
    assert MaintenanceWindow.objects.count() == 0


def test_until_tomorrow_ends_at_midnight_of_the_deployment(settings: object) -> None:
    with timezone.override("Pacific/Auckland"):
        from_now = timezone.localtime()
    person, endpoint = make_person(*OPERATE), make_endpoint()
    settings.TIME_ZONE = "Pacific/Auckland"  # type: ignore[attr-defined]
    person.post(f"{ROOT}endpoint/", {"action": "mute_until_tomorrow", "_selected_action": [endpoint.pk]})
    ends_at: datetime = MaintenanceSpan.objects.get().ends_at
    assert ends_at.astimezone(from_now.tzinfo).strftime("%H:%M") in {"00:00", "23:59"}
