from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from pytest_django import Settings

from healthcheck.engine.credentials import parse_credential
from healthcheck.engine.loop import get_engine_loop, stop_engine_loop
from healthcheck.engine.types import ConfigurationError, ErrorKind, State
from healthcheck.pipeline.explain import Explanation, describe_explanation, probe_now
from tests.engine.conftest import serve_with
from tests.factories import NOW
from tests.hostile import HostileServer, play, redirect_to

KEYS = [
    "verdict",
    "error_kind",
    "phase",
    "sentence",
    "http_status",
    "latency_ms",
    "phases",
    "address",
    "certificate",
    "redirects",
    "assertions",
    "attempts",
]


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def look(url: str, *, assertions: tuple[str, ...] = (), timeout_seconds: float = 5.0, **options: Any) -> Explanation:
    return probe_now("http", url, options, assertions=assertions, timeout_seconds=timeout_seconds, now=NOW)


def test_answer_is_explained_without_a_database(hostile: HostileServer) -> None:
    port = hostile.listen("good")
    seen = look(f"http://localhost:{port}/", assertions=('body contains "hello"',))
    assert (seen.verdict, seen.error_kind, seen.sentence) == (State.UP, None, "It answered as expected.")
    assert (seen.http_status, seen.address, seen.excerpt, seen.body_size) == (200, "127.0.0.1", "hello", 5)
    assert [(each.text, each.held) for each in seen.assertions] == [
        ("status 200-399", True),
        ('body contains "hello"', True),
    ]
    # How long it took is the machine's.
    *others, latency = seen.suggestions
    assert (others, latency[:10]) == (["status 200", 'body contains "hello"'], "latency < ")
    assert f"--resolve localhost:{port}:127.0.0.1" in seen.curl


def test_refused_certificate_is_explained(hostile: HostileServer, authority: trustme.CA) -> None:
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    seen = look(f"https://localhost:{port}/")
    assert (seen.verdict, seen.error_kind) == (State.DOWN, ErrorKind.CERTIFICATE)
    assert seen.chain == (seen.certificate,)
    assert (seen.attempts, seen.suggestions, seen.http_status) == (2, (), 0)


def test_certificate_of_an_answer_is_watched(hostile: HostileServer, authority: trustme.CA) -> None:
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    assert "certificate > 14 days degraded" in look(f"https://localhost:{port}/", verify="off").suggestions


def test_failure_is_explained_by_each_assertion(hostile: HostileServer) -> None:
    url = f"http://localhost:{hostile.listen('good')}/"
    seen = look(url, assertions=("status 201", 'body contains "bye" degraded', "latency < 4s"))
    assert (seen.verdict, seen.expected, seen.found) == (State.DOWN, "status 201", "status 200")
    assert [(each.text, each.verdict) for each in seen.assertions] == [
        ("status 201", State.DOWN),
        ('body contains "bye" degraded', State.DEGRADED),
        ("latency < 4s", State.UP),
    ]


def test_address_of_a_name_is_explained_as_a_part(hostile: HostileServer) -> None:
    hidden = "\x9b"
    answer = f"HTTP/1.1 200 OK\r\nX-Said: {hidden}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    url = f"http://localhost:{hostile.listen(play(answer))}/"
    for assertions, verdict in (((), State.UP), (('header x-said == "x"',), State.DOWN)):
        [part] = look(url, assertions=assertions, addresses="all", family="ipv4").parts
        assert (part.name, part.verdict) == ("127.0.0.1", verdict)
        assert part.found == ("" if verdict is State.UP else '"\N{REPLACEMENT CHARACTER}"')


def test_check_that_hangs_ends_with_its_timeout(hostile: HostileServer) -> None:
    seen = look(f"http://127.0.0.1:{hostile.listen('silent')}/", timeout_seconds=2.0)
    assert (seen.verdict, seen.error_kind) == (State.DOWN, ErrorKind.TIMEOUT)
    assert 1.99 < seen.latency_us / 1e6 < 4


def test_address_policy_of_the_deployment_holds(hostile: HostileServer, settings: Settings) -> None:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "public"}
    port = hostile.listen("good")
    seen = look(f"http://127.0.0.1:{port}/")
    assert (seen.verdict, seen.error_kind, hostile.accepted[port]) == (State.UNKNOWN, ErrorKind.BLOCKED, 0)


@pytest.mark.parametrize(
    ("given", "field", "cure"),
    [
        ({"kind": "carrier pigeon"}, "kind", "choose one of dns, group, heartbeat, http"),
        ({"address": "example.com"}, "address", "add it"),
        ({"options": {"wings": 2}}, "wings", "remove it"),
        ({"options": []}, "options", "must be a JSON object"),
        ({"assertions": ["stat 200"]}, "assertions", "Begin with what is judged"),
        ({"assertions": ["status 200"] * 51}, "assertions", "at most 50"),
        ({"timeout_seconds": 0}, "timeout_seconds", "correct it"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds", "correct it"),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(given: dict[str, Any], field: str, cure: str) -> None:
    values = {"kind": "http", "address": "http://127.0.0.1:1/", "options": {}, **given}
    with pytest.raises(ConfigurationError, match=cure) as caught:
        probe_now(values.pop("kind"), values.pop("address"), values.pop("options"), now=NOW, **values)
    assert caught.value.field == field


def test_credential_is_sent_and_shown_nowhere(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('echo')}/"
    credential = parse_credential("bearer", {}, {"token": "canary-123"})
    seen = probe_now("http", url, {}, credential=credential, assertions=['body contains "Bearer"'], now=NOW)
    assert seen.verdict is State.UP
    assert "Authorization: Bearer [hidden]" in seen.excerpt
    assert "'Authorization: '\"$SECRET_AUTHORIZATION\"" in seen.curl
    assert "canary" not in repr(seen)
    assert "canary" not in json.dumps(describe_explanation(seen))


def test_credential_that_does_not_fit_is_explained(hostile: HostileServer) -> None:
    credential = parse_credential("bearer", {"origins": ["https://elsewhere.test"]}, {"token": "canary-123"})
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    seen = probe_now("http", url, {}, credential=credential, now=NOW)
    assert (seen.verdict, seen.error_kind) == (State.UNKNOWN, ErrorKind.CREDENTIAL)


def test_hostile_texts_are_fit_to_show(hostile: HostileServer) -> None:
    evil = "\x1b[31m\u202e in a page that is otherwise quite readable"
    # A parser refuses an escape in a header, but neither direction marks nor what latin-1 makes of them.
    answer = f"HTTP/1.1 200 OK\r\nX-Evil: \u202e\r\nContent-Length: {len(evil.encode())}\r\n\r\n{evil}".encode()
    seen = look(f"http://localhost:{hostile.listen(play(answer))}/")
    assert (seen.verdict, seen.excerpt) == (State.UP, evil.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd"))
    shown = json.dumps(describe_explanation(seen), ensure_ascii=False)
    for forbidden in ("\\u001b", "\u202e", "\x80"):
        assert forbidden not in shown


def test_description_has_the_keys_that_programs_rely_on_first(hostile: HostileServer) -> None:
    last = f"http://127.0.0.1:{hostile.listen('good')}/"
    described = describe_explanation(look(f"http://127.0.0.1:{hostile.listen(redirect_to(last))}/"))
    assert list(described)[:12] == KEYS
    assert (described["verdict"], described["error_kind"], described["http_status"]) == ("up", None, 200)
    assert described["redirects"] == [last]
    assert list(described["phases"]) == ["resolve", "connect", "tls", "headers", "body"]
    assert described["assertions"] == [
        {
            "text": "status 200-299",
            "expected": "status 200-299",
            "found": "status 200",
            "verdict": "up",
            "held": True,
        }
    ]
    assert json.loads(json.dumps(described)) == described


def test_description_of_a_failure_has_the_same_keys(authority: trustme.CA, hostile: HostileServer) -> None:
    good, bad = f"http://127.0.0.1:{hostile.listen('good')}/", "http://127.0.0.1:1/"
    assert list(describe_explanation(look(good))) == list(describe_explanation(look(bad)))


def test_stop_of_the_process_leaves_no_data(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('silent')}/"
    seen: list[Explanation] = []
    waiting = threading.Thread(target=lambda: seen.append(look(url, timeout_seconds=60.0)))
    loop = get_engine_loop()
    waiting.start()
    port = int(url.split(":")[2].strip("/"))
    while not hostile.accepted[port]:
        waiting.join(0.01)
    assert loop.stop()
    waiting.join(5)
    assert [(each.verdict, each.error_kind) for each in seen] == [(State.UNKNOWN, ErrorKind.INTERNAL)]
