"""Try now: the saved definition is probed from its explanation, then and now stand side by side, nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, Endpoint, EndpointState
from tests.admin.conftest import make_person, press_until_judged
from tests.factories import make_assertion, make_endpoint, make_evidence, make_group, make_result, make_run
from tests.hostile import HostileServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def store(port: int, **columns: Any) -> str:
    """Store an endpoint that failed, and return the address of the button."""
    endpoint = make_endpoint(make_group(), address=f"http://127.0.0.1:{port}/", **columns)
    make_assertion(endpoint, 'body contains "hello"')
    run = make_run(endpoint.group, at=timezone.now())
    make_result(run, endpoint, State.DOWN)
    make_evidence(run, endpoint)
    return f"/admin/healthcheck/endpoint/{endpoint.pk}/results/{run.pk}/try/"


def test_then_and_now_stand_side_by_side(operator: Client, hostile: HostileServer) -> None:
    url = store(hostile.listen("good"))
    response = press_until_judged(operator, url)
    assert response.context["explained"].answer.state is State.DOWN
    assert response.context["tried"].state is State.UP
    assert [each.expected for each in response.context["tried"].assertions] == [
        "status 200-399",
        'body contains "hello"',
    ]
    page = response.content.decode()
    assert page.index("It answered with an unexpected status.") < page.index("It answered as expected.")
    assert (CheckResult.objects.count(), CheckRun.objects.count(), EndpointState.objects.count()) == (1, 1, 0)


def test_operating_is_enough_and_viewing_is_not(viewer: Client, hostile: HostileServer) -> None:
    port = hostile.listen("good")
    url = store(port, options={"headers": [["X-Secret-Name", "canary-value"]]})
    assert viewer.post(url).status_code == 403
    assert url not in viewer.get(url.removesuffix("try/")).content.decode()
    assert hostile.accepted[port] == 0
    operating = make_person("view_endpoint", "operate_endpointgroup")
    assert url in operating.get(url.removesuffix("try/")).content.decode()
    page = press_until_judged(operating, url).content.decode()
    assert "It answered as expected." in page
    for hidden in ("canary-value", "X-Secret-Name"):
        assert hidden not in page


def test_button_refuses_links_and_missing_tokens(operator: Client, hostile: HostileServer) -> None:
    port = hostile.listen("good")
    url = store(port)
    assert operator.get(url)["Location"] == url.removesuffix("try/")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(url).status_code == 403
    assert hostile.accepted[port] == 0


def test_deleted_endpoint_is_not_probed(operator: Client, hostile: HostileServer) -> None:
    port = hostile.listen("good")
    url = store(port)
    Endpoint.objects.update(deleted_at=timezone.now())
    assert operator.post(url).status_code == 403
    assert hostile.accepted[port] == 0


def test_unreadable_definition_is_a_sentence(operator: Client) -> None:
    url = store(1, options={"nonsense": 1})
    page = operator.post(url, follow=True).content.decode()
    assert "The kind http has no option “nonsense”; remove it." in page


def test_result_that_is_gone_meanwhile_is_said_to_be(operator: Client, hostile: HostileServer) -> None:
    url = store(hostile.listen("good"))
    CheckResult.objects.all().delete()
    assert "The run has no result of this endpoint." in operator.post(url).content.decode()
