"""Try before save: what the form says is probed as it stands, everything typed stays, and nothing is written."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.types import State
from healthcheck.models import Endpoint
from tests.admin.conftest import endpoint_fields, make_person, press_until_judged
from tests.factories import make_credential, make_endpoint, make_group
from tests.hostile import HostileServer

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/endpoint/"


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    keys = (Fernet.generate_key().decode(),)
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": "", "ENCRYPTION_KEYS": keys}
    yield
    stop_engine_loop()


def fields(port: int, **changed: Any) -> dict[str, Any]:
    return endpoint_fields(address=f"http://127.0.0.1:{port}/", _try="1", **changed)


def test_new_endpoint_is_tried_and_not_stored(operator: Client, hostile: HostileServer) -> None:
    typed = fields(hostile.listen("good"), group=make_group().pk, name="fresh", assertions='body contains "absent"')
    response = press_until_judged(operator, f"{LIST}add/", typed)
    tried, form = response.context["tried"], response.context["adminform"].form
    assert (tried.state, tried.sentence) == (State.DOWN, "Its answer was not what was expected.")
    assert [(each.expected, each.held) for each in tried.assertions] == [
        ("status 200-399", True),
        ('body contains "absent"', False),
    ]
    assert (form["name"].value(), form["assertions"].value()) == ("fresh", 'body contains "absent"')
    assert "Tried just now; nothing was saved." in response.content.decode()
    assert not Endpoint.objects.exists()


def test_change_is_tried_with_what_was_typed_and_not_stored(operator: Client, hostile: HostileServer) -> None:
    endpoint = make_endpoint(options={"method": "GET"})
    before = Endpoint.objects.values().get()
    typed = fields(hostile.listen("echo"), method="POST", body="typed-body", headers="X-Typed: typed-header")
    with CaptureQueriesContext(connection) as queries:
        response = operator.post(f"{LIST}{endpoint.pk}/change/", typed)
    tried = response.context["tried"]
    assert tried.excerpt.startswith("POST / HTTP/1.1")
    # Both may be secrets; the target said them back.
    assert "typed-header" not in tried.excerpt
    assert ("X-Typed", "[hidden]") in tried.request.headers
    assert response.context["adminform"].form["headers"].value() == "X-Typed: typed-header"
    assert Endpoint.objects.values().get() == before
    written = [query["sql"] for query in queries if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert written == []


def test_credential_is_tried_and_shown_nowhere(operator: Client, hostile: HostileServer) -> None:
    credential = make_credential(secrets={"token": "canary-token-of-the-trial"})
    typed = fields(hostile.listen("echo"), credential=credential.pk, group=make_group().pk)
    response = operator.post(f"{LIST}add/", typed)
    tried = response.context["tried"]
    assert "authorization: bearer" in tried.excerpt.lower()
    page = response.content.decode()
    for secret in ("canary-token-of-the-trial", base64.b64encode(b"canary-token-of-the-trial").decode()):
        assert secret not in page


def test_credential_that_cannot_be_opened_says_why(
    operator: Client, hostile: HostileServer, settings: Settings
) -> None:
    credential = make_credential()
    settings.HEALTHCHECK = {**settings.HEALTHCHECK, "ENCRYPTION_KEYS": (Fernet.generate_key().decode(),)}
    port = hostile.listen("good")
    page = operator.post(f"{LIST}add/", fields(port, credential=credential.pk, group=make_group().pk)).content.decode()
    assert "opens these secrets" in page
    assert hostile.accepted[port] == 0


def test_errors_of_the_form_are_shown_as_usual(operator: Client, hostile: HostileServer) -> None:
    port = hostile.listen("good")
    response = operator.post(f"{LIST}add/", fields(port, group=make_group().pk, assertions="nonsense"))
    assert "Line 1: Begin with what is judged" in response.content.decode()
    assert "tried" not in response.context
    assert hostile.accepted[port] == 0


def test_transaction_of_the_form_is_over_before_the_target_is_asked(operator: Client, hostile: HostileServer) -> None:
    """On SQLite it locks out every worker, for as long as a probe takes."""
    asked: list[float] = []
    released: list[float] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(time.monotonic())

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if sql.startswith("RELEASE SAVEPOINT"):
            released.append(time.monotonic())
        return result

    port = hostile.listen(note)
    url = f"{LIST}{make_endpoint().pk}/change/"
    with connection.execute_wrapper(watch):
        operator.post(url, fields(port))
    assert released
    assert max(released) < min(asked)


def test_people_who_may_not_change_cannot_try(viewer: Client, hostile: HostileServer) -> None:
    endpoint, port = make_endpoint(), hostile.listen("good")
    operating = make_person("view_endpoint", "operate_endpointgroup")
    for client in (viewer, operating):
        assert client.post(f"{LIST}{endpoint.pk}/change/", fields(port)).status_code == 403
        assert client.post(f"{LIST}add/", fields(port)).status_code == 403
        assert 'name="_try"' not in client.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    assert hostile.accepted[port] == 0


def test_button_stands_on_both_forms(operator: Client) -> None:
    for url in (f"{LIST}add/", f"{LIST}{make_endpoint().pk}/change/"):
        assert 'name="_try"' in operator.get(url).content.decode()
