"""A worker of a newer release stores kinds of failures that this one has no word for: its pages say so, and go on."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.models import CheckRun, Endpoint
from tests.factories import make_endpoint, make_location, make_page, make_result, make_run, make_state, make_transition

pytestmark = pytest.mark.django_db

NEWER = 27
OTHER = "It failed for another reason."


def store_newer_failure() -> tuple[Endpoint, CheckRun]:
    now = timezone.now()
    make_location()
    make_page()
    endpoint = make_endpoint()
    run = make_run(endpoint.group, at=now, down_count=1)
    # The packed phase has room for newer ones as well.
    make_result(run, endpoint, State.DOWN, error_kind=NEWER, phase=13)
    failed = {"last_error_kind": NEWER, "last_run_id": run.pk}
    make_state(endpoint, State.DOWN, now=now, **failed)
    make_transition(endpoint, at=now, error_kind=NEWER)
    return endpoint, run


def test_number_that_is_not_known_is_another_reason() -> None:
    assert ErrorKind(NEWER) is ErrorKind(10_000) is ErrorKind.OTHER
    assert Phase.read(13) is None
    with pytest.raises(ValueError, match="-1 is not a valid"):
        ErrorKind(-1)


@pytest.mark.parametrize("path", ["/", "/status/status/{endpoint}/"])
def test_status_page_gives_another_reason(client: Client, path: str) -> None:
    endpoint, _run = store_newer_failure()
    assert OTHER in client.get(path.format(endpoint=endpoint.pk)).content.decode()


def test_twins_call_it_other(client: Client) -> None:
    endpoint, _run = store_newer_failure()
    [group] = client.get("/status.json").json()["groups"]
    assert (group["endpoints"][0]["error_kind"], group["endpoints"][0]["reason"]) == ("other", OTHER)
    twin = client.get(f"/status/status/{endpoint.pk}.json").json()
    assert [change["error_kind"] for change in twin["changes"]] == ["other"]


@pytest.mark.parametrize(
    "page",
    [
        "",
        "healthcheck/endpoint/",
        "healthcheck/endpoint/{endpoint}/results/",
        "healthcheck/endpoint/{endpoint}/results/{run}/",
        "healthcheck/endpointgroup/",
        "healthcheck/endpointgroup/runs/{run}/",
    ],
)
def test_admin_gives_another_reason(client: Client, page: str) -> None:
    endpoint, run = store_newer_failure()
    client.force_login(User.objects.create_superuser("operator"))
    text = client.get("/admin/" + page.format(endpoint=endpoint.pk, run=run.pk)).content.decode()
    assert OTHER in text
    if "results/{run}" in page:
        assert "Finish the upgrade: restart the web processes with the newer release." in text
