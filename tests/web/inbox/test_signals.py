"""The address that jobs call: what it takes, what it answers, and that nobody learns anything from it."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.models import Endpoint, Heartbeat, HeartbeatToken, Signal, SignalKind
from healthcheck.pipeline.signals import MAX_SIGNALS
from healthcheck.web.inbox.signals import MAX_BODY_BYTES
from healthcheck.web.strangers import MAX_TRIES, STRANGERS
from tests.factories import make_heartbeat_endpoint, make_token

pytestmark = pytest.mark.django_db

START, SUCCESS, FAIL, LOG = SignalKind.START, SignalKind.SUCCESS, SignalKind.FAIL, SignalKind.LOG


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    STRANGERS.forget()


@pytest.fixture
def endpoint() -> Endpoint:
    return make_heartbeat_endpoint()


@pytest.fixture
def token(endpoint: Endpoint) -> str:
    return make_token(endpoint)


def tell(response: Any) -> tuple[int, bytes, dict[str, str]]:
    """Return all that a client sees, but for the clock."""
    headers = {name: value for name, value in response.headers.items() if name not in {"Date", "Expires"}}
    return response.status_code, response.content, headers


def find_signals() -> list[tuple[Any, ...]]:
    return list(Signal.objects.order_by("id").values_list("kind", "exit_code", "run_name", "body"))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", (SUCCESS, None)),
        ("/", (SUCCESS, None)),
        ("/start", (START, None)),
        ("/fail", (FAIL, None)),
        ("/log", (LOG, None)),
        ("/0", (SUCCESS, 0)),
        ("/1", (FAIL, 1)),
        ("/255", (FAIL, 255)),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_every_signal_is_taken_by_every_method(
    client: Client, token: str, method: str, path: str, said: tuple[SignalKind, int | None]
) -> None:
    response = client.generic(method, f"/ping/{token}{path}?rid=r-1")
    assert (response.status_code, response.cookies.output()) == (200, "")
    assert (response.content == b"OK\n") is (method != "HEAD")
    assert find_signals() == [(*said, "r-1", "")]


def test_a_body_is_kept_without_the_token_that_scripts_print(client: Client, token: str) -> None:
    said = f"+ curl https://here/ping/{token}/fail\r\nno space \xff left"
    client.post(f"/ping/{token}/fail", said.encode("latin-1"), content_type="text/plain")
    assert Signal.objects.get().body == "+ curl https://here/ping/[hidden]/fail\nno space � left"
    assert token not in Heartbeat.objects.get().said


def test_a_run_that_is_named_by_the_token_keeps_none(client: Client, token: str) -> None:
    client.get(f"/ping/{token}/start?rid={token}")
    assert Signal.objects.get().run_name == "[hidden]"
    assert token not in str(Heartbeat.objects.get().open_runs)


def test_a_form_is_a_body_as_any_other(client: Client, token: str) -> None:
    client.post(f"/ping/{token}", "a=1&b=2", content_type="application/x-www-form-urlencoded")
    assert Signal.objects.get().body == "a=1&b=2"


def test_no_check_of_forms_and_no_session_stand_in_the_way(token: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["sessionid"] = "nonsense"
    response = strict.post(f"/ping/{token}", headers={"Origin": "https://evil.example"})
    assert (response.status_code, response.cookies.output(), response.headers.get("Vary")) == (200, "", None)


def list_wrong_paths(token: str, retired: str) -> list[str]:
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    return [
        retired,
        flipped,
        token.swapcase(),
        f"{token}x",
        token[:-1],
        f"{token}/256",
        f"{token}/-1",
        f"{token}/٣",
        f"{token}/stop",
        f"{token}/start/start",
        f"x/{token}",
        "x",
        "x" * 3000,
        f"{token}%0A",
        f"%0A{token}",
        f"{token}?{'&'.join(['a'] * 1_001)}",
        "%00",
        "%FF",
        "..%2F..",
    ]


def test_every_wrong_address_gets_one_answer_after_the_same_work(
    client: Client, endpoint: Endpoint, token: str
) -> None:
    retired = make_token(endpoint, retires_at=timezone.now() - timedelta(seconds=1))
    answers, works = [], set()
    for path in list_wrong_paths(token, retired):
        with CaptureQueriesContext(connection) as queries:
            answers.append(tell(client.get(f"/ping/{path}")))
        works.add(tuple(len(query["sql"]) for query in queries))
    assert answers == [answers[0]] * len(answers)
    assert answers[0][:2] == (404, b"unknown\n")
    assert (len(works), Signal.objects.count()) == (1, 0)


@pytest.mark.parametrize("method", ["put", "delete", "options", "patch"])
def test_other_methods_are_told_which_there_are(client: Client, token: str, method: str) -> None:
    answers = [tell(getattr(client, method)(f"/ping/{path}")) for path in (token, "x")]
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][2]["Allow"]) == (405, "GET, HEAD, POST")


def test_guesses_find_nothing_and_write_nothing(client: Client, token: str) -> None:
    # Ten thousand do as well; after the first few, none of them costs more than another.
    guess = 300
    statuses = [client.get(f"/ping/{secrets.token_urlsafe(16)}").status_code for _ in range(guess)]
    assert statuses == [404] * MAX_TRIES + [429] * (guess - MAX_TRIES)
    assert (Heartbeat.objects.count(), Signal.objects.count()) == (0, 0)
    assert HeartbeatToken.objects.count() == 1


def test_guesses_over_the_limit_cost_no_look_at_the_database(client: Client, token: str) -> None:
    for _ in range(MAX_TRIES + 1):
        response = client.get("/ping/x")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/ping/{secrets.token_urlsafe(16)}").status_code == 429
    # On PostgreSQL, the clock.
    assert [query["sql"] for query in queries if "FROM" in query["sql"]] == []


def test_a_job_behind_the_address_of_a_guesser_is_heard(client: Client, token: str) -> None:
    for _ in range(MAX_TRIES + 10):
        client.get("/ping/x")
    assert client.get(f"/ping/{token}").status_code == 200


def test_a_forged_forwarding_is_not_another_address(client: Client, token: str) -> None:
    answers = [client.get("/ping/x", headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(MAX_TRIES + 1)]
    assert answers[-1].status_code == 429
    client.get(f"/ping/{token}", headers={"X-Forwarded-For": "192.0.2.9"})
    assert Signal.objects.get().address == "127.0.0.1"


def test_a_trusted_proxy_says_who_it_was(client: Client, token: str, settings: Any) -> None:
    settings.HEALTHCHECK = {"TRUSTED_PROXIES": ("127.0.0.0/8",)}
    client.get(f"/ping/{token}", headers={"X-Forwarded-For": "192.0.2.9"})
    assert Signal.objects.get().address == "192.0.2.9"


def test_too_many_signals_are_told_when_to_come_again(client: Client, token: str) -> None:
    answers = [client.get(f"/ping/{token}/log") for _ in range(MAX_SIGNALS + 1)]
    assert [answer.status_code for answer in answers[-2:]] == [200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_a_database_that_is_away_is_asked_again(client: Client, token: str, caplog: Any) -> None:
    with connection.execute_wrapper(_refuse):
        response = client.post(f"/ping/{token}/fail", "said", content_type="text/plain")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert (token in caplog.text, "signal not taken" in caplog.text) == (False, True)


def _refuse(*_: Any) -> NoReturn:
    raise OperationalError("connection to server at 10.0.0.1 failed")


def test_no_log_line_holds_a_token(client: Client, token: str, caplog: Any) -> None:
    unknown = secrets.token_urlsafe(16)
    with caplog.at_level(logging.DEBUG):
        for path in (token, f"{token}/start", f"{token}/nonsense", unknown, f"{unknown}/fail"):
            client.get(f"/ping/{path}")
        client.put(f"/ping/{token}")
    lines = [record for record in caplog.records if not record.name.startswith("django.db")]
    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in lines)
    assert len(lines) >= 4
    assert (token in told, unknown in told) == (False, False)


def test_an_error_of_ours_names_no_token(client: Client, token: str, caplog: Any) -> None:
    client.raise_request_exception = False
    with connection.execute_wrapper(_break):
        assert client.get(f"/ping/{token}").status_code == 500
    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in lines] == ["Internal Server Error: /ping/[hidden]"]


def _break(*_: Any) -> NoReturn:
    raise ZeroDivisionError


def test_no_more_of_a_body_is_read_than_is_kept(client: Client, token: str) -> None:
    client.post(f"/ping/{token}", "é" * MAX_BODY_BYTES, content_type="text/plain")
    assert len(Signal.objects.get().body) == 4096
