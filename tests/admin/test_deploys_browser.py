"""Deploy hooks in a real browser: what people press, no barriers, nothing wider than a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import DeployHook, DeployWindow, Tag
from healthcheck.pipeline.deploy_calls import take_deploy_call
from tests.admin.test_browser import log_in
from tests.admin.test_narrow import NAME, PHONE, describe
from tests.barriers import find_barriers
from tests.deploys import KEY, sign_call, write_body
from tests.factories import make_deploy_hook

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}


def start(hook: DeployHook, deploy: str) -> None:
    now = timezone.now()
    assert take_deploy_call(sign_call(hook, write_body("started", deploy, title="w" * 200), at=now), now) is not None


def test_hostile_names_are_no_wider_than_a_phone_and_no_barriers(page: Page, live_server: LiveServer) -> None:
    hook = make_deploy_hook(NAME[:200], tags=["W" * 50])
    start(hook, "w" * 200)
    log_in(page, live_server)
    page.set_viewport_size({"width": PHONE, "height": 844})
    wrong = {}
    for path in ("", "add/", f"{hook.pk}/change/", f"{hook.pk}/calls/", f"{hook.pk}/delete/"):
        page.goto(f"{live_server.url}/admin/healthcheck/deployhook/{path}")
        if found := describe(page):
            wrong[path] = found
    assert not wrong, wrong
    page.goto(f"{live_server.url}/admin/healthcheck/deployhook/{hook.pk}/calls/")
    assert find_barriers(page) == []


def test_person_closes_a_deploy_and_changes_the_secret(page: Page, live_server: LiveServer) -> None:
    Tag.objects.create(name="shop")
    hook = make_deploy_hook()
    start(hook, "build-42")
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/deployhook/{hook.pk}/change/")
    page.get_by_role("link", name="Calls and deploys").click()
    page.get_by_role("button", name="Close build-42 now").click()
    expect(page.get_by_text("No deploy is open.")).to_be_visible()
    assert DeployWindow.objects.get().closed_at is not None
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.locator("pre", has_text=re.compile(r"^whsec_"))).to_be_visible()
