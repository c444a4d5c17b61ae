"""Lists without rows: what the thing is for and the first step, and a search that finds nothing."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Location, StatusPage
from tests.admin.conftest import make_person
from tests.admin.test_browser import log_in
from tests.admin.test_narrow import PHONE, describe
from tests.barriers import find_barriers
from tests.factories import make_channel

# There is always one.
ALWAYS_THERE = {Location}
OURS = sorted(
    (
        model._meta.model_name or ""
        for model in admin.site._registry
        if model._meta.app_label == "healthcheck" and model not in ALWAYS_THERE
    ),
)
# Nobody adds them to a list: they are written by machines, or on the page of what they are about.
NOT_ADDED = {"delivery", "correction"}

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", OURS)
def test_empty_list_says_what_it_is_for_and_offers_the_first_step(operator: Client, name: str) -> None:
    StatusPage.objects.all().delete()
    response = operator.get(reverse(f"admin:healthcheck_{name}_changelist"))
    list_admin = response.context["cl"].model_admin
    page = response.content.decode()
    assert len(str(list_admin.empty_words)) > 40
    assert f"<p>{list_admin.empty_words}</p>" in page
    url = reverse(f"admin:healthcheck_{name}_{list_admin.first_url}") if name not in NOT_ADDED else ""
    assert (f'<a class="hc-button hc-primary" href="{url}">Add ' in page) == (name not in NOT_ADDED)
    assert "No results found" not in page


def test_empty_list_offers_no_step_to_somebody_who_may_only_look() -> None:
    viewer = make_person("view_notificationchannel")
    page = viewer.get(reverse("admin:healthcheck_notificationchannel_changelist")).content.decode()
    assert "A channel is where people are told" in page
    assert "hc-primary" not in page


def test_search_without_a_match_leads_back_to_the_whole_list(operator: Client) -> None:
    make_channel("team")
    url = reverse("admin:healthcheck_notificationchannel_changelist")
    for query in ({"q": "nobody"}, {"is_enabled__exact": "0"}):
        page = operator.get(url, query).content.decode()
        assert "Nothing matches." in page
        assert '<a class="hc-button" href="?">Show all</a>' in page
        assert "A channel is where people are told" not in page
    assert "hc-empty" not in operator.get(url).content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_empty_list_has_no_barriers_and_fits_a_phone(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server)
    page.set_viewport_size({"width": PHONE, "height": 844})
    for name in ("notificationchannel", "maintenancewindow", "notificationchannel/?q=nobody"):
        page.goto(f"{live_server.url}/admin/healthcheck/{name}")
        assert page.locator(".hc-empty").is_visible()
        assert (describe(page), find_barriers(page)) == ([], []), name
