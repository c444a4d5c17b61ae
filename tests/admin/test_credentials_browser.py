"""A person stores a credential in a real browser and puts it on an endpoint; the secret is nowhere afterwards."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Credential, Endpoint
from healthcheck.models.secrets import make_key
from tests.admin.test_browser import log_in
from tests.factories import make_endpoint

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def key(settings: Settings) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),), "ADDRESS_MODE": "everything"}


def test_operator_stores_a_credential_and_uses_it(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    endpoint = make_endpoint()
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/credential/add/")
    page.get_by_role("link", name="User name and password (basic)").click()
    page.get_by_label("Name", exact=False).first.fill("Shop")
    page.locator("#id_username").fill("check:er")
    page.locator("#id_password").fill("canary-typed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#content")).to_contain_text("remove the colon")
    expect(page.locator("#id_username")).to_have_value("check:er")
    expect(page.locator("#id_password")).to_have_value("")
    page.locator("#id_username").fill("checker")
    page.locator("#id_password").fill("canary-typed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Credential.objects.get().open_secrets() == {"password": "canary-typed"}
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    page.wait_for_load_state("networkidle")
    page.locator(".field-credential .select2-selection").click()
    page.get_by_role("option", name="Shop").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Endpoint.objects.get().credential == Credential.objects.get()
    page.goto(f"{live_server.url}/admin/healthcheck/credential/{Credential.objects.get().pk}/change/")
    expect(page.locator("#content")).to_contain_text("(set) Leave it empty to keep it.")
    expect(page.locator(".hc-users")).to_contain_text("site, Web")
    assert "canary-typed" not in page.content()
    assert complaints == []
