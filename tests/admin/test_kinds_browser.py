"""Kinds in a real browser: what does not fit the chosen one is out of view, and what is refused is not."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Endpoint
from tests.admin.test_browser import log_in
from tests.factories import make_endpoint, make_group

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HTTP, TCP, TLS = ("method", "headers", "max_redirects"), ("dialogue", "is_encrypted"), ()
SHARED = ("verify", "ca_pem", "family", "addresses", "server_name")


def field(page: Page, name: str) -> Locator:
    return page.locator(f"#id_{name}")


def open_folds(page: Page) -> None:
    """Open what is folded by the keyboard, as far as it is in view."""
    folded = page.locator("details.hc-fold:not([open]) > summary:visible")
    while folded.count():
        folded.first.press("Enter")


def expect_fields(page: Page, seen: tuple[str, ...], unseen: tuple[str, ...]) -> None:
    for name in (*seen, *SHARED):
        expect(field(page, name)).to_be_visible()
    for name in unseen:
        expect(field(page, name)).to_be_hidden()


def test_form_shows_what_fits_the_kind(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    make_group()
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add/")
    expect(field(page, "max_redirects")).to_be_hidden()
    open_folds(page)
    expect_fields(page, HTTP, (*TCP, *TLS))
    field(page, "kind").select_option("tls")
    expect_fields(page, TLS, (*HTTP, *TCP))
    expect(page.get_by_text("Request (http)")).to_be_hidden()
    expect(page.get_by_text("Parameters, body, host, redirects and limits (http)")).to_be_hidden()
    expect(page.get_by_text("https://example.com/health")).to_be_hidden()
    field(page, "kind").select_option("http")
    field(page, "headers").fill("X-Key: 1")
    field(page, "max_redirects").fill("99")
    field(page, "kind").select_option("tcp")
    expect_fields(page, (*TCP, *TLS), HTTP)
    field(page, "group").select_option(index=1)
    field(page, "name").fill("port")
    field(page, "address").fill("127.0.0.1:9")
    # The browser refuses the number, wherever it is.
    page.get_by_role("button", name="Save", exact=True).click()
    expect(field(page, "max_redirects")).to_be_visible()
    field(page, "max_redirects").fill("5")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("A check of the kind tcp has no such option. Empty it")).to_be_visible()
    expect(field(page, "headers")).to_be_visible()
    expect(field(page, "method")).to_be_hidden()
    field(page, "headers").fill("")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Endpoint.objects.values_list("kind", "options").get() == ("tcp", {})
    assert complaints == []


def test_what_is_set_is_unfolded_and_told(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    endpoint = make_endpoint(kind="tls", address="127.0.0.1:9", options={"verify": "off"})
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    expect(field(page, "verify")).to_be_visible()
    expect(page.get_by_text("Verify the certificate: off: any certificate is accepted")).to_be_visible()
    expect(field(page, "family")).to_be_hidden()
    fold = page.locator("details.hc-fold > summary", has_text="Connection")
    expect(fold.get_by_text("nothing set")).to_be_visible()
    fold.focus()
    page.keyboard.press("Space")
    field(page, "resolver").fill("nonsense of a resolver")
    page.get_by_role("button", name="Save", exact=True).click()
    # What was refused is in view, as what was set.
    expect(page.get_by_text("Resolver: nonsense of a resolver")).to_be_visible()
    expect(field(page, "resolver")).to_be_visible()
    assert complaints == []


def test_dns_says_when_trust_counts(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add/")
    field(page, "kind").select_option("dns")
    open_folds(page)
    words = page.get_by_text("dns: counts for a name server behind tls:// alone")
    expect(words).to_be_visible()
    field(page, "kind").select_option("tls")
    expect(words).to_be_hidden()


def test_group_shows_how_the_address_of_the_kind_is_written(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    endpoint = make_endpoint(kind="tcp", address="127.0.0.1:9")
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpointgroup/{endpoint.group_id}/change/")
    shown = page.locator(".hc-example:visible")
    expect(shown).to_have_text(["tcp: example.com:25, tcp://example.com:25"])
    field(page, "endpoints-0-kind").select_option("tls")
    expect(shown).to_have_text(["tls: example.com, example.com:443, tls://example.com:443"])
    assert complaints == []


def test_examples_of_assertions_are_of_the_kind(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add/")
    for kind, fits, foreign in (
        ("http", "json $.database.status", "rcode == NOERROR"),
        ("tcp", "body contains", "status 200-299"),
        ("tls", "protocol >=", "body contains"),
        ("icmp", "loss <= 20%", "certificate > 14 days"),
        ("dns", "rcode == NOERROR", "status 200-299"),
    ):
        field(page, "kind").select_option(kind)
        for shown in (fits, "latency < 800ms"):
            expect(page.locator("code", has_text=shown)).to_be_visible()
        expect(page.locator("code", has_text=foreign)).to_be_hidden()


def test_kinds_that_ask_nobody_show_no_timeout_and_nothing_to_try(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add/")
    attempt = page.get_by_role("button", name="Try without saving")
    for kind in ("heartbeat", "group"):
        field(page, "kind").select_option(kind)
        expect(field(page, "timeout_seconds")).to_be_hidden()
        expect(attempt).to_be_hidden()
        expect(field(page, "failure_threshold")).to_be_visible()
    field(page, "kind").select_option("icmp")
    expect(field(page, "timeout_seconds")).to_be_visible()
    expect(attempt).to_be_visible()
