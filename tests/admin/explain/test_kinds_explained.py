"""Results of checks without requests: no request, no curl, a dialogue where others wait for an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from django.test import Client
from pytest_django import Settings

from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.models import CheckRun, Endpoint
from tests.admin.conftest import press_until_judged
from tests.engine.conftest import serve_with
from tests.factories import make_endpoint, make_evidence, make_group, make_result, make_run
from tests.hostile import HostileServer

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/endpoint/"
ADD = f"{ROOT}add-by-url/"


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def store(kind: str, address: str, error: ErrorKind, phase: Phase, **columns: Any) -> tuple[Endpoint, CheckRun]:
    endpoint = make_endpoint(make_group(), kind=kind, address=address, **columns)
    run = make_run(endpoint.group)
    times = {"http_status": 0, "connect_us": 1000, "headers_us": 3000, "body_us": 500}
    make_result(run, endpoint, State.DOWN, error_kind=error, phase=phase, **times)
    make_evidence(run, endpoint, expected="reply 220", found='"554 no service"', address="127.0.0.1")
    return endpoint, run


def test_dialogue_is_explained_in_its_own_words(operator: Client) -> None:
    options = {"dialogue": 'expect reply 220\nsend line "canary"'}
    endpoint, run = store("tcp", "127.0.0.1:25", ErrorKind.ASSERTION, Phase.HEADERS, options=options)
    response = operator.get(f"{ROOT}{endpoint.pk}/results/{run.pk}/")
    answer, page = response.context["answer"], response.content.decode()
    assert answer.found == 'Expected reply 220, found "554 no service".'
    assert [(bar.label, bar.is_where_it_failed) for bar in answer.bars] == [("connect", False), ("the dialogue", True)]
    assert (answer.error, answer.request) == ("assertion in dialogue", None)
    assert not [word for word in ("curl", "HTTP status", "canary", "wait for the answer") if word in page]
    history = operator.get(f"{ROOT}{endpoint.pk}/results/").content.decode()
    assert "assertion in dialogue" in history
    assert "the dialogue" in history
    whole = operator.get(f"/admin/healthcheck/endpointgroup/runs/{run.pk}/").content.decode()
    assert "assertion in dialogue" in whole


def test_what_was_not_heard_to_its_end_failed_in_the_dialogue(operator: Client) -> None:
    endpoint, run = store("tcp", "127.0.0.1:25", ErrorKind.TOO_LARGE, Phase.BODY)
    answer = operator.get(f"{ROOT}{endpoint.pk}/results/{run.pk}/").context["answer"]
    assert answer.bars[-1].is_where_it_failed
    assert answer.first_step == "It said more than a dialogue may hear; expect less of it."


def test_handshake_is_repeated_with_openssl(operator: Client) -> None:
    endpoint, run = store("tls", "tls://localhost", ErrorKind.CERTIFICATE, Phase.TLS)
    response = operator.get(f"{ROOT}{endpoint.pk}/results/{run.pk}/")
    assert response.context["answer"].request.shell.startswith("openssl s_client -connect localhost:443 ")
    page = response.content.decode()
    assert "<h3>Handshake</h3>" in page
    assert "<h3>Request</h3>" not in page


def test_echoes_are_repeated_with_ping(operator: Client) -> None:
    endpoint, run = store("icmp", "icmp://localhost", ErrorKind.TIMEOUT, Phase.REQUEST)
    response = operator.get(f"{ROOT}{endpoint.pk}/results/{run.pk}/")
    answer = response.context["answer"]
    assert answer.request.shell == "ping -n -c 3 -i 0.2 -W 1 -s 56 localhost"
    assert (answer.error, [bar.label for bar in answer.bars if bar.is_where_it_failed]) == (
        "timeout in echo",
        ["the round trip"],
    )
    assert answer.first_step.startswith("Is the host up?")
    assert "<h3>Echo requests</h3>" in response.content.decode()


def test_host_is_added_by_its_url(operator: Client) -> None:
    response = press_until_judged(operator, ADD, {"address": "icmp://127.0.0.1", "group": "", "_probe": "1"})
    answer, details = response.context["answer"], response.context["details"]
    assert (answer.state, answer.request.title) == (State.UP, "Echo requests")
    assert details["group_name"].value() == "127.0.0.1"


def test_port_is_added_by_its_url(operator: Client, hostile: HostileServer) -> None:
    address = f"tcp://127.0.0.1:{hostile.listen('silent')}"
    response = press_until_judged(operator, ADD, {"address": address, "group": "", "_probe": "1"})
    answer, details = response.context["answer"], response.context["details"]
    assert (answer.state, answer.request) == (State.UP, None)
    assert details.offered_lines == ["latency < 200ms degraded"]
    assert details["name"].value() == address.removeprefix("tcp://")
    assert details["group_name"].value() == "127.0.0.1"
    typed = {"address": address, "group": "", "name": "port", "chosen": details.offered_lines, "_save": "1"}
    saved = operator.post(ADD, typed | {"offered": "\n".join(details.offered_lines)})
    assert saved.status_code == 302
    endpoint = Endpoint.objects.get()
    assert (endpoint.kind, endpoint.address, endpoint.group.name) == ("tcp", address, "127.0.0.1")


def test_certificate_is_added_by_its_url(operator: Client, hostile: HostileServer, authority: trustme.CA) -> None:
    address = f"tls://localhost:{hostile.listen('silent', tls=serve_with(authority.issue_cert('localhost')))}"
    response = press_until_judged(operator, ADD, {"address": address, "group": "", "_probe": "1"})
    answer = response.context["answer"]
    assert (answer.state, answer.sentence) == (State.DOWN, "Its certificate was not accepted.")
    assert answer.request.shell.startswith("openssl s_client -connect localhost:")
    assert response.context["details"]["group_name"].value() == "localhost"


def test_name_is_explained_and_repeated_with_dig(operator: Client) -> None:
    endpoint, run = store("dns", "dns://a.example", ErrorKind.TIMEOUT, Phase.HEADERS, options={"record_type": "MX"})
    response = operator.get(f"{ROOT}{endpoint.pk}/results/{run.pk}/")
    answer, page = response.context["answer"], response.content.decode()
    assert (answer.error, answer.request.shell) == ("timeout in answer", "dig -r -q a.example. -t MX")
    assert [(bar.label, bar.is_where_it_failed) for bar in answer.bars][-1] == ("wait for the answer", True)
    assert "<h3>Question</h3>" in page
    assert not [word for word in ("curl --", "HTTP status", "dialogue") if word in page]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("tcp://localhost", "The address needs a port; write it like tcp://example.com:25."),
        (
            "dns://localhost:53",
            "The address is a name alone, such as dns://example.com; the server has its own field.",
        ),
        ("tls://localhost/path", "The address is a host and a port; write it like tls://example.com:443."),
    ],
)
def test_address_that_the_kind_cannot_read_is_refused(operator: Client, address: str, sentence: str) -> None:
    response = operator.post(ADD, {"address": address, "group": "", "_probe": "1"})
    assert response.context["url_form"].errors == {"address": [sentence]}
