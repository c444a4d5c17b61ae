"""Incidents, channels and policies in a real browser: what people press, no barriers, nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.incidents import Event, Severity, Stage
from healthcheck.models import (
    ChannelState,
    DeliveryStatus,
    Dependency,
    Incident,
    IncidentUpdateKind,
    Notification,
    NotificationStatus,
    UpdateTemplate,
)
from tests.admin.tell.conftest import KIND, make_delivery, make_pigeon
from tests.admin.test_browser import log_in
from tests.admin.test_narrow import NAME, PHONE, WIDTH, describe
from tests.barriers import THEMES, find_barriers, look_with_axe
from tests.factories import make_endpoint, make_group, make_incident, make_page, make_policy

# On how many lines an element's own words stand.
LINES_OF_TEXT = """each => {
    const range = document.createRange();
    range.selectNodeContents([...each.childNodes].find(node => node.textContent.trim()));
    return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
}"""

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pigeons")]

MARKDOWN = f"**{NAME}**\n\n- {'w' * 300}\n- `{'c' * 300}`\n\n[{'l' * 300}](https://a.test/{'p' * 300})"


def paint_incident() -> Incident:
    """Store one of everything under a hostile name."""
    now = timezone.now()
    group = make_group(name=NAME)
    endpoint = make_endpoint(group, NAME)
    channel = make_pigeon(NAME, details={"loft": "w" * 300})
    make_policy(NAME, steps={0: [channel], 15: [channel]}, groups=[group], hours="Mon-Fri 08:00-18:00", tags=["W" * 50])
    Dependency.objects.create(child_endpoint=endpoint, parent_group=make_group("network", name=NAME))
    ChannelState.objects.create(channel=channel, disabled_at=now, failures=3, last_error=NAME)
    incident = make_incident(endpoint, at=now, title=NAME, cause_host="h" * 250, acknowledged_by_name="W" * 150)
    words = {"text": MARKDOWN, "stage": Stage.IDENTIFIED, "author_name": "W" * 150, "is_public": True}
    incident.updates.create(at=now, kind=IncidentUpdateKind.UPDATE, **words)
    delivery = make_delivery(channel, NAME, status=DeliveryStatus.FAILED, answer=NAME)
    told = {"incident": incident, "channel": channel, "severity": Severity.DOWN, "queued_at": now, "due_at": now}
    Notification.objects.create(event=Event.OPENED, status=NotificationStatus.SENT, delivery=delivery, **told)
    UpdateTemplate.objects.create(name=NAME, stage=Stage.INVESTIGATING, text=NAME)
    make_incident(at=now, parent=incident, title=NAME)
    make_incident(at=now, resolved_at=now, title=NAME, is_public=True, post_mortem=MARKDOWN)
    return incident


def list_paths(incident: Incident) -> Iterator[str]:
    over = Incident.objects.filter(resolved_at__isnull=False).get()
    yield from (f"incident/{page}" for page in ("", "add/", f"{incident.pk}/change/", f"{over.pk}/change/"))
    yield from (f"notificationchannel/{page}" for page in ("", "add/", f"add/?kind={KIND}", "add/?kind=email"))
    channel = Notification.objects.get().channel_id
    yield from (f"notificationchannel/{channel}/{page}/" for page in ("change", "delete", "history"))
    policy = make_policy("short", steps={}).pk
    yield from (f"notificationpolicy/{page}" for page in ("", "add/", f"{policy}/change/"))
    yield from ("updatetemplate/", "updatetemplate/add/")
    yield from (f"dependency/{page}" for page in ("", "add/", f"{Dependency.objects.get().pk}/change/"))
    yield from (f"delivery/{page}" for page in ("", f"{Notification.objects.get().delivery_id}/change/"))


def test_no_page_is_wider_than_a_phone(page: Page, live_server: LiveServer) -> None:
    incident = paint_incident()
    log_in(page, live_server)
    page.set_viewport_size({"width": PHONE, "height": 844})
    wrong = {}
    for path in list_paths(incident):
        page.goto(f"{live_server.url}/admin/healthcheck/{path}")
        if found := describe(page):
            wrong[path] = found
    assert not wrong, "\n".join(f"{path}: {found}" for path, found in wrong.items())


def test_steps_of_a_policy_have_whole_labels_on_a_phone(page: Page, live_server: LiveServer) -> None:
    policy = make_policy("short", steps={0: [make_pigeon()]})
    log_in(page, live_server)
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.goto(f"{live_server.url}/admin/healthcheck/notificationpolicy/{policy.pk}/change/")
    if apps.is_installed("unfold"):
        minutes = page.locator("#id_steps-0-after_minutes").bounding_box()
        channels = page.locator(".field-channels .select2-container").first.bounding_box()
        assert minutes is not None
        assert channels is not None
        # Below their labels, and not beside them, where a label had to break in the middle of a word.
        assert abs(minutes["x"] - channels["x"]) < 2
    else:
        # In a table, whose heading is one line of a word.
        heading = page.locator("#steps-group thead th", has_text="Channels")
        assert heading.evaluate(LINES_OF_TEXT) == 1


def test_incident_is_printed_dark_on_white_without_its_buttons(page: Page, live_server: LiveServer) -> None:
    incident = make_incident(make_endpoint(), at=timezone.now())
    page.emulate_media(color_scheme="dark")
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/incident/{incident.pk}/change/")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()
    page.emulate_media(color_scheme="dark", media="print")
    expect(page.locator(".hc-title")).to_have_css("color", "rgb(28, 36, 48)")
    expect(page.locator(".hc-timeline")).to_be_visible()
    for words in ("Acknowledge", "Assign", "Write it", "Save"):
        expect(page.get_by_role("button", name=words)).to_be_hidden()


def test_pages_of_ours_have_no_barriers(page: Page, live_server: LiveServer) -> None:
    incident = paint_incident()
    over = Incident.objects.filter(resolved_at__isnull=False).get()
    delivery = Notification.objects.get().delivery_id
    log_in(page, live_server)
    ours = [f"incident/{incident.pk}/change/", f"incident/{over.pk}/change/", f"delivery/{delivery}/change/"]
    for path in (*ours, "notificationchannel/add/", "incident/add/"):
        page.goto(f"{live_server.url}/admin/healthcheck/{path}")
        # Django's own search in a choice of many.
        assert [each for each in find_barriers(page) if "select2" not in each] == [], path


def test_incident_is_acknowledged_written_about_and_shown(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    make_page()
    incident = make_incident(make_endpoint(make_group(), "checkout"), at=timezone.now())
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/incident/{incident.pk}/change/")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("It is yours: nobody else is asked.")).to_be_visible()
    page.get_by_label("Title for everybody").fill("The shop is away")
    page.get_by_label("Show this incident on status pages").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="The shop is away", level=1)).to_be_visible()
    page.get_by_label("What you know").fill("A **cable**.")
    page.get_by_label("Stage").select_option(str(Stage.IDENTIFIED.value))
    page.get_by_label("Show this update on status pages").check()
    page.get_by_role("button", name="Write it").click()
    expect(page.locator(".hc-written strong")).to_have_text("cable")
    page.goto(f"{live_server.url}/")
    expect(page.get_by_role("heading", name="Identified: The shop is away")).to_be_visible()
    expect(page.locator("#hc-incidents .hc-written strong")).to_have_text("cable")
    assert complaints == []


def test_status_page_with_incidents_has_no_barriers_on_a_phone(page: Page, live_server: LiveServer) -> None:
    make_page()
    incident = paint_incident()
    Incident.objects.filter(pk=incident.pk).update(is_public=True)
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.goto(f"{live_server.url}/")
    page.locator(".hc-post-mortem summary").click()
    assert page.evaluate(WIDTH) <= PHONE
    for theme in THEMES:
        found = look_with_axe(page, theme)["violations"]
        assert [node["html"] for each in found for node in each["nodes"]] == []
