"""Every page of the admin on a phone, full of hostile names: nothing is wider than the phone, and one heading says what
the page is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as TooWideError
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.types import State
from healthcheck.models import (
    CheckResult,
    Correction,
    Credential,
    Endpoint,
    EndpointGroup,
    MaintenanceWindow,
    PageItem,
    PageSection,
    StatusPage,
    Tag,
    Version,
    VersionAction,
)
from healthcheck.pipeline.maintain import replan_windows
from tests.admin.scenes import HOSTILE, paint_bad_day
from tests.admin.test_browser import log_in
from tests.factories import make_correction, make_location, make_page, make_window
from tests.web.scenes import HOSTILE_NAME

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = 390
PATIENCE_MS = 3_000
NAME = HOSTILE_NAME[:200]
HOUR = timedelta(hours=1)
MODELS = ("endpointgroup", "endpoint", "credential", "tag", "location", "statuspage", "maintenancewindow")
WIDTH = "document.scrollingElement.scrollWidth"
HEADINGS = """[...document.querySelectorAll('h1')].filter(h => h.checkVisibility() && h.innerText.trim()).length"""
# What sticks out, innermost, for whoever has to find it.
CULPRITS = """[...document.querySelectorAll('body *')]
    .filter(each => Math.max(each.scrollWidth, each.getBoundingClientRect().right) > 391 && each.checkVisibility())
    .filter((each, _, all) => !all.some(other => other !== each && each.contains(other)))
    .slice(0, 4).map(each => `${each.tagName}.${each.className} in ${each.parentElement.className}`)"""


@pytest.fixture(autouse=True)
def everything_allowed(settings: Settings) -> Iterator[None]:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def paint_hostile_admin() -> Endpoint:
    """Store one of everything under a hostile name; return an endpoint that has failed."""
    now = timezone.now()
    paint_bad_day(now)
    endpoint = Endpoint.objects.get(pk=CheckResult.objects.judged(State.DOWN)[0].endpoint_id)
    Endpoint.objects.filter(pk=endpoint.pk).update(name=NAME, description=NAME * 3)
    EndpointGroup.objects.filter(pk=endpoint.group_id).update(name=NAME)
    endpoint.tags.add(Tag.objects.create(name=HOSTILE[:50]), Tag.objects.create(name="W" * 50))
    make_location("w" * 50, name=NAME)
    credential = Credential.objects.create(name="W" * 100, kind="bearer")
    Endpoint.objects.filter(pk=endpoint.pk).update(credential=credential)
    page = make_page("w" * 50, title=NAME, description=NAME, announcement=NAME)
    window = make_window(NAME, at=now, description=NAME, endpoints=[endpoint], tags=["W" * 50])
    replan_windows([window.pk], now)
    section = PageSection.objects.create(page=page, position=1, title=NAME, description=NAME)
    PageItem.objects.create(section=section, position=1, endpoint=endpoint, label=NAME)
    for kind in MODELS:
        Version.objects.filter(kind=kind).delete()
    for number, pk in enumerate((endpoint.pk, endpoint.pk), start=1):
        Version.objects.create(
            kind="endpoint",
            object_id=pk,
            number=number,
            at=now,
            author_name="W" * 150,
            action=VersionAction.CHANGED,
            name=NAME,
            comment=NAME,
            definition={"name": NAME, "address": f"http://127.0.0.1/{'w' * 900 * number}"},
        )
    reasons = {"reason": NAME, "author_name": "W" * 150, "withdrawn_by_name": "W" * 150, "is_public": True}
    for withdrawn_at in (None, now):
        make_correction(endpoint, start=now - HOUR, end=now, withdrawn_at=withdrawn_at, **reasons)
    gone = {"object_id": 999, "number": 1, "at": now, "author_name": "W" * 150, "name": NAME}
    for kind in ("tag", "endpoint"):
        Version.objects.create(kind=kind, action=VersionAction.DELETED, definition={"name": NAME}, **gone)
    # The pages of the accounts are Django's own.
    User.objects.create_user("W" * 20)
    Group.objects.create(name="W" * 20)
    return Endpoint.objects.get(pk=endpoint.pk)


def list_paths(endpoint: Endpoint) -> Iterator[str]:
    """Every page that is there to be looked at."""
    rows = {
        "endpointgroup": endpoint.group_id,
        "endpoint": endpoint.pk,
        "credential": Credential.objects.get().pk,
        "tag": Tag.objects.get(name="W" * 50).pk,
        "location": make_location("w" * 50).pk,
        "statuspage": StatusPage.objects.get(slug="w" * 50).pk,
        "maintenancewindow": MaintenanceWindow.objects.get().pk,
    }
    yield from (
        "",
        "healthcheck/",
        "auth/user/",
        "auth/group/",
        "auth/group/add/",
        "auth/user/add/",
        "password_change/",
    )
    yield f"auth/user/{User.objects.get(username='W' * 20).pk}/change/"
    yield f"auth/group/{Group.objects.get(name='W' * 20).pk}/change/"
    for model, pk in rows.items():
        yield from (
            f"healthcheck/{model}/{page}" for page in ("", "add/", "deleted/", f"{pk}/change/", f"{pk}/history/")
        )
        if model != "location":
            yield f"healthcheck/{model}/{pk}/delete/"
    yield f"healthcheck/endpoint/{endpoint.pk}/history/1/revert/"
    standing = Correction.objects.standing().get().pk
    yield from (f"healthcheck/correction/{page}" for page in ("", f"withdraw/?correction={standing}"))
    yield from (
        f"healthcheck/correction/make/?endpoint={endpoint.pk}",
        f"healthcheck/endpoint/{endpoint.pk}/corrections/",
    )
    yield "healthcheck/tag/999/history/"
    run_id = CheckResult.objects.filter(endpoint_id=endpoint.pk).get().run_id
    yield from (f"healthcheck/credential/add/?kind={kind}" for kind in ("basic", "oauth2"))
    yield from (f"healthcheck/endpoint/{page}/" for page in ("add-by-url", "import"))
    pages = ("results", f"results/{run_id}", "results/9", "uptime")
    yield from (f"healthcheck/endpoint/{endpoint.pk}/{page}/" for page in pages)
    yield from (f"healthcheck/endpointgroup/{endpoint.group_id}/runs/", f"healthcheck/endpointgroup/runs/{run_id}/")
    yield from (
        "healthcheck/endpointgroup/import/",
        "healthcheck/endpoint/?state=down",
        "healthcheck/endpoint/?q=nothing",
    )


def describe(page: Page) -> list[str]:
    """Return what is wrong with the page that is open."""
    wrong = []
    try:
        # The theme's scripts lay a page out a moment after it is there.
        page.wait_for_function(f"{WIDTH} <= {PHONE}", timeout=PATIENCE_MS)
    except TooWideError:
        wrong.append(f"{page.evaluate(WIDTH)} px: {page.evaluate(CULPRITS)}")
    if (count := page.evaluate(HEADINGS)) != 1:
        wrong.append(f"{count} headings")
    return wrong


def test_no_page_is_wider_than_a_phone(page: Page, live_server: LiveServer) -> None:
    endpoint = paint_hostile_admin()
    log_in(page, live_server)
    page.set_viewport_size({"width": PHONE, "height": 844})
    wrong = {}
    for path in list_paths(endpoint):
        page.goto(f"{live_server.url}/admin/{path}")
        if found := describe(page):
            wrong[path] = found
    assert not wrong, "\n".join(f"{path}: {found}" for path, found in wrong.items())


def test_no_page_behind_a_button_is_wider_than_a_phone(page: Page, live_server: LiveServer) -> None:
    endpoint = paint_hostile_admin()
    address = f"{live_server.url}/admin/login/?{'w' * 900}"
    Endpoint.objects.filter(pk=endpoint.pk).update(address=address, credential=None)
    log_in(page, live_server)
    page.set_viewport_size({"width": PHONE, "height": 844})
    wrong = {}
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    page.get_by_role("button", name="Try without saving").click()
    page.locator("#tried").wait_for()
    wrong["try"] = describe(page)
    run_id = CheckResult.objects.filter(endpoint_id=endpoint.pk).get().run_id
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/results/{run_id}/")
    page.get_by_role("button", name="Try now").click()
    page.locator(".hc-sides").wait_for()
    wrong["try now"] = describe(page)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add-by-url/")
    page.get_by_label("URL").fill(address)
    page.get_by_role("button", name="Probe it").click()
    page.get_by_role("button", name="Probe again").wait_for()
    wrong["add by URL"] = describe(page)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("edit_selected")
    page.locator("#changelist-form [type=submit][name=index], #changelist-form button[name=index]").click()
    page.get_by_role("button", name="Preview").wait_for()
    wrong["edit many"] = describe(page)
    page.locator("[name='description.set']").check()
    page.locator("[name='description.set.value']").fill(NAME)
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Change the edit").wait_for()
    wrong["preview"] = describe(page)
    assert not any(wrong.values()), wrong
