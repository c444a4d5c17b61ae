"""What the tests of the admin share: people with and without rights, and forms as a browser posts them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from tests.browser import browser, complaints, context, page
from tests.factories import make_location

# Only there is asking for the time a query.
CLOCK_QUERIES = 1 if connection.vendor == "postgresql" else 0

__all__ = ["browser", "complaints", "context", "page"]


@pytest.fixture(autouse=True)
def location(request: pytest.FixtureRequest) -> None:
    """The default location, also where a transactional test has flushed the rows of the migration."""
    if request.node.get_closest_marker("django_db") is not None:
        request.getfixturevalue("transactional_db" if "live_server" in request.fixturenames else "db")
        make_location()


@pytest.fixture
def operator(db: None) -> Client:
    """Somebody who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    """Somebody who may look at groups and endpoints and change nothing."""
    return make_person("view_endpointgroup", "view_endpoint", name="viewer")


MAX_PRESSES = 10


def press_until_judged(client: Client, url: str, data: dict[str, Any] | None = None) -> Any:
    """Press a button that probes, and again where this machine was too busy to judge: that answer says nothing."""
    for _ in range(MAX_PRESSES):
        response = client.post(url, data or {})
        if "The checker had no capacity left" not in response.content.decode():
            break
    return response


def make_person(*permissions: str, name: str = "person") -> Client:
    """Return the browser of somebody on the staff who has these permissions of ours."""
    user = User.objects.create_user(name, is_staff=True)
    ours = Permission.objects.filter(content_type__app_label="healthcheck")
    user.user_permissions.set(ours.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def group_fields(*endpoints: dict[str, Any], stored: int = 0, **changed: Any) -> dict[str, Any]:
    """Return the form of a group; the first `stored` of the endpoints exist already and carry their id."""
    fields: dict[str, Any] = {
        "name": "Web",
        "slug": "web",
        "position": "0",
        "interval_seconds": "60",
        "cron": "",
        "timezone": "UTC",
        "deadline_seconds": "30.0",
        "endpoints-TOTAL_FORMS": len(endpoints),
        "endpoints-INITIAL_FORMS": stored,
    }
    for number, endpoint in enumerate(endpoints):
        fields |= {f"endpoints-{number}-{name}": value for name, value in (inline_fields() | endpoint).items()}
    return fields | changed


def inline_fields(**changed: Any) -> dict[str, Any]:
    """Return the fields of an endpoint that the form of its group shows."""
    return {
        "name": "site",
        "kind": "http",
        "address": "http://127.0.0.1/",
        "position": "0",
        "timeout_seconds": "10.0",
        "failure_threshold": "2",
        "recovery_threshold": "1",
        "assertions": "",
    } | changed


def endpoint_fields(**changed: Any) -> dict[str, Any]:
    """Return the fields of the endpoint's own form; a new one names its group, too."""
    return {
        **inline_fields(),
        "method": "GET",
        "headers": "",
        "body": "",
        "body_type": "text",
        "verify": "on",
        "ca_pem": "",
        "family": "any",
        "addresses": "first",
        "max_redirects": "5",
        "redirect_scope": "anywhere",
        "max_body_bytes": "2097152",
        "packets": "3",
        "packet_interval_ms": "200",
        "packet_wait_ms": "1000",
        "packet_bytes": "56",
        "record_type": "A",
        "period_seconds": "86400",
        "cron": "",
        "timezone": "UTC",
        "grace_seconds": "3600",
        "max_run_seconds": "0",
        "member_rule": "worst",
        "up_share": "100",
        "degraded_share": "50",
    } | changed
