"""The address that CI calls: who is believed, what strangers learn, and that no input is an error of ours."""

from __future__ import annotations

import json
import logging
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthcheck.models import DeployCall, DeployHook, DeployWindow, MaintenanceWindow
from healthcheck.models.secrets import make_key
from healthcheck.notifiers.signatures import make_secret
from healthcheck.web.inbox.deploys import CALLERS, MAX_BODY_BYTES, UNKNOWN
from healthcheck.web.strangers import MAX_TRIES
from tests.deploys import KEY, sign_call, write_body, write_headers
from tests.factories import SIGNING, make_deploy_hook

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# To open a deploy: with savepoints, the lock, the window with its tags, and the plan of it.
STATEMENTS = 30


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}
    CALLERS.forget()


@pytest.fixture
def hook() -> DeployHook:
    return make_deploy_hook()


def post(client: Client, hook: DeployHook, body: bytes, **options: Any) -> Any:
    """Send a call that is signed as of now, or with these headers instead."""
    path = options.pop("path", hook.public_id)
    changed = options.pop("headers", {})
    headers = write_headers(sign_call(hook, body, at=timezone.now(), **options)) | changed
    return client.post(f"/deploys/{path}", body, content_type="application/json", headers=headers)


def tell(response: Any) -> tuple[int, bytes, dict[str, str]]:
    """Return all that a client sees, but for the clock."""
    headers = {name: value for name, value in response.headers.items() if name not in {"Date", "Expires"}}
    return response.status_code, response.content, headers


def test_signed_call_opens_a_deploy_without_session_or_cookie(hook: DeployHook) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["sessionid"] = "nonsense"
    response = post(strict, hook, write_body("started"))
    assert (response.status_code, response.cookies.output(), response.headers.get("Vary")) == (200, "", None)
    assert response.content.startswith(b"deploy build-42 is open until ")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert DeployWindow.objects.get().hook == hook


def test_call_costs_the_same_at_one_tag_and_at_thirty(client: Client) -> None:
    few, many = make_deploy_hook("few"), make_deploy_hook("many", tags=[f"tag {number}" for number in range(30)])
    for each in (few, many):
        with CaptureQueriesContext(connection) as queries:
            assert post(client, each, write_body("started")).status_code == 200
        # On PostgreSQL, the clock.
        assert len([query for query in queries if "clock_timestamp" not in query["sql"]]) == STATEMENTS


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options", "patch"])
def test_other_methods_are_told_which_there_is(client: Client, hook: DeployHook, method: str) -> None:
    answers = [tell(getattr(client, method)(f"/deploys/{path}")) for path in (hook.public_id, "x")]
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][2]["Allow"]) == (405, "POST")


def list_wrong(hook: DeployHook) -> list[dict[str, Any]]:
    """Return calls none of which the hook's secret has signed, or which go nowhere."""
    other = write_headers(sign_call(hook, write_body("finished"), at=timezone.now()))
    return [
        {"secret": make_secret()},
        {"path": hook.public_id[:-1] + ("A" if hook.public_id[-1] != "A" else "B")},
        {"path": hook.public_id + "/"},
        {"path": "x" * 3000},
        {"path": "%00"},
        {"path": "%FF"},
        {"path": "..%2F.."},
        {"headers": other},
        {"headers": {"webhook-id": "another"}},
        {"headers": {"webhook-id": ""}},
        {"headers": {"webhook-id": "x" * 257}},
        {"headers": {"webhook-id": "é"}},
        {"headers": {"webhook-timestamp": "1"}},
        {"headers": {"webhook-timestamp": ""}},
        {"headers": {"webhook-timestamp": "-1"}},
        {"headers": {"webhook-timestamp": "٣"}},
        {"headers": {"webhook-timestamp": "9" * 5000}},
        {"headers": {"webhook-signature": ""}},
        {"headers": {"webhook-signature": "v1,"}},
        {"headers": {"webhook-signature": "v1,é"}},
        {"headers": {"webhook-signature": "v1," + "A" * 44}},
        {"headers": {"webhook-signature": " ".join(["v1," + "A" * 44] * 500)}},
    ]


def test_everything_unsigned_and_every_unknown_address_get_one_answer(client: Client, hook: DeployHook) -> None:
    answers = []
    for options in list_wrong(hook):
        CALLERS.forget()
        answers.append(tell(post(client, hook, write_body("started"), **options)))
    assert answers == [answers[0]] * len(answers)
    assert answers[0][:2] == (404, f"{UNKNOWN}\n".encode())
    assert (DeployCall.objects.count(), MaintenanceWindow.objects.count()) == (0, 0)


def test_signature_of_another_version_beside_ours_is_no_trouble(client: Client, hook: DeployHook) -> None:
    body = write_body("started")
    own = write_headers(sign_call(hook, body, at=timezone.now()))
    many = own | {"webhook-signature": f"v1a,abc v1,wrong {own['webhook-signature']}"}
    assert post(client, hook, body, headers=many).status_code == 200


def test_former_secret_is_believed_until_it_is_revoked(client: Client) -> None:
    former = make_secret()
    hook = make_deploy_hook(secrets={"secret": SIGNING, "former": former})
    assert post(client, hook, write_body("started"), secret=former).status_code == 200
    assert post(client, hook, write_body("finished")).status_code == 200


def test_hook_whose_secret_no_key_opens_is_nobodys_and_the_log_says_why(
    client: Client, hook: DeployHook, settings: Any, caplog: Any
) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}
    assert post(client, hook, write_body("started")).status_code == 404
    [line] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (line.getMessage(), line.hook) == ("deploy hook cannot be opened", hook.pk)


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        (b"", "the body is no such JSON as"),
        (b"\xff", "the body is no such JSON as"),
        (b"[" * MAX_BODY_BYTES, "the body is no such JSON as"),
        (b'{"type": "deploy.started", "data": "build"}', "the body is no such JSON as"),
        (b'{"type": "deploy.ended", "data": {}}', "type is neither deploy.started nor deploy.finished"),
        (b'{"type": ["deploy.started"], "data": {}}', "type is neither"),
        (write_body("started", ""), "data.deploy is no text of 1 to 200"),
        (write_body("started", "x" * 201), "data.deploy is no text of 1 to 200"),
        (write_body("started", "a\x00"), "data.deploy is no text of 1 to 200"),
        (write_body("started", "\ud800"), "data.deploy is no text of 1 to 200"),
        (write_body("started", " a"), "data.deploy is no text of 1 to 200"),
        (write_body("started", minutes="20"), "data.minutes is no whole number of at least 1"),
        (write_body("started", minutes=True), "data.minutes is no whole number of at least 1"),
        (write_body("started", minutes=0), "data.minutes is no whole number of at least 1"),
        (write_body("started", title=["a"]), "data.title is no text"),
    ],
)
def test_signed_nonsense_is_told_its_cure(client: Client, hook: DeployHook, body: bytes, cure: str) -> None:
    response = post(client, hook, body)
    assert (response.status_code, response.content.decode().startswith(cure)) == (422, True), response.content
    # The same to a stranger is no news at all.
    assert post(client, hook, body, secret=make_secret()).content == f"{UNKNOWN}\n".encode()


def test_body_that_is_too_large_is_refused_before_the_hook_is_looked_at(client: Client, hook: DeployHook) -> None:
    bodies = [b"a" * (MAX_BODY_BYTES + 1)] * 2
    known, unknown = (
        tell(post(client, hook, body, path=path)) for body, path in zip(bodies, (hook.public_id, "x"), strict=True)
    )
    assert (known, known[0]) == (unknown, 413)


def test_strangers_are_throttled_and_the_hook_behind_their_address_is_heard(client: Client, hook: DeployHook) -> None:
    statuses = [client.post(f"/deploys/{number}").status_code for number in range(MAX_TRIES + 5)]
    assert statuses == [404] * MAX_TRIES + [429] * 5
    with CaptureQueriesContext(connection) as queries:
        assert 1 <= int(client.post("/deploys/x").headers["Retry-After"]) <= 60
    assert [query["sql"] for query in queries] == []
    assert post(client, hook, write_body("started")).status_code == 200


def test_database_that_is_away_is_asked_again(client: Client, hook: DeployHook, caplog: Any) -> None:
    with connection.execute_wrapper(_refuse):
        response = post(client, hook, write_body("started"))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert ("10.0.0.1" in caplog.text, "deploy not taken, no database" in caplog.text) == (False, True)
    assert post(client, hook, write_body("started")).status_code == 200


def _refuse(*_: Any) -> NoReturn:
    raise OperationalError("connection to server at 10.0.0.1 failed")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)
_DATA = st.fixed_dictionaries({}, optional={"deploy": _JSON, "minutes": _JSON, "title": _JSON})
_TYPES = st.sampled_from(["deploy.started", "deploy.finished"]) | _JSON
_MESSAGES = st.fixed_dictionaries({"type": _TYPES, "data": _DATA | _JSON}).map(lambda each: json.dumps(each).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(body=st.binary(max_size=100) | _JSON.map(lambda each: json.dumps(each).encode()) | _MESSAGES)
def test_no_signed_body_is_an_error_of_ours(hook: DeployHook, body: bytes) -> None:
    response = post(Client(raise_request_exception=True), hook, body)
    assert response.status_code in {200, 409, 422, 429}
    assert response.content.decode().strip()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(headers=st.tuples(*[st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n"), max_size=80)] * 3))
def test_no_header_is_an_error_of_ours(hook: DeployHook, headers: tuple[str, str, str]) -> None:
    CALLERS.forget()
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    response = post(Client(), hook, b"{}", headers=dict(zip(names, headers, strict=True)))
    assert response.status_code == 404
