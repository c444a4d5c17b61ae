"""The HTTP probe against real servers: what it says, what it follows, what it keeps."""

from __future__ import annotations

import logging
import socket

import pytest

from healthcheck.engine.types import AddressMode, AddressRules, ErrorKind, Phase
from tests.engine.conftest import Attempt, Run
from tests.free_ports import find_lonely_port
from tests.hostile import HostileServer, redirect_to


def test_http_observes_an_answer(hostile: HostileServer, run: Run) -> None:
    seen = run(Attempt(f"http://localhost:{hostile.listen('good')}/").observe())
    assert (seen.status, seen.body, seen.body_size, seen.charset) == (200, b"hello", 5, "utf-8")
    assert (seen.headers, seen.address) == ((("content-length", "5"),), "127.0.0.1")
    assert (seen.certificate, seen.redirects) == (None, ())
    assert seen.latency_us >= seen.phases.connect_us > 0


def test_http_says_what_it_must_and_what_was_asked(
    hostile: HostileServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    port = hostile.listen("echo")
    options = {"method": "POST", "headers": [["X-A", "größe"], ["user-agent", "me"]], "body": "größe"}
    seen = run(Attempt(f"http://127.0.0.1:{port}/a%20b?c=ä#d", options=options).observe())
    assert seen.body.decode() == (
        "POST /a%20b?c=%C3%A4 HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        "Accept: */*\r\n"
        "Accept-Encoding: identity\r\n"
        "X-A: größe\r\n"
        "user-agent: me\r\n"
        "Content-Length: 7\r\n"
        "Connection: close\r\n\r\n"
        "größe"
    )


@pytest.mark.parametrize("method", ["PURGE", "TRACE", "REPORT"])
def test_http_asks_by_any_method(method: str, hostile: HostileServer, run: Run) -> None:
    seen = run(Attempt(f"http://127.0.0.1:{hostile.listen('echo')}/", options={"method": method}).observe())
    assert seen.body.startswith(f"{method} / HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", "GET /?a%20b=c%26d%2B%C3%A9&a%20b= "),
        ("/x?y=%2F#z", "GET /x?y=%2F&a%20b=c%26d%2B%C3%A9&a%20b= "),
    ],
)
def test_http_puts_parameters_behind_the_address(path: str, line: str, hostile: HostileServer, run: Run) -> None:
    query = [["a b", "c&d+é"], ["a b", ""]]
    seen = run(Attempt(f"http://127.0.0.1:{hostile.listen('echo')}{path}", options={"query": query}).observe())
    assert seen.body.decode().startswith(line)


SENT = {
    "text": (" größe\n", None, " größe\n"),
    "json": ('{ "a":  1.0 }', "application/json", '{ "a":  1.0 }'),
    "form": ("a b=c&d\n\ne=é=", "application/x-www-form-urlencoded", "a+b=c%26d&e=%C3%A9%3D"),
}


@pytest.mark.parametrize("body_type", SENT)
def test_http_sends_a_body_as_what_it_is(body_type: str, hostile: HostileServer, run: Run) -> None:
    body, content_type, sent = SENT[body_type]
    options = {"method": "POST", "body": body, "body_type": body_type}
    seen = run(Attempt(f"http://127.0.0.1:{hostile.listen('echo')}/", options=options).observe())
    head, _, content = seen.body.decode().partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert (headers.get("Content-Type"), headers["Content-Length"]) == (content_type, str(len(sent.encode())))
    assert content == sent


def test_http_takes_no_type_of_a_body_where_it_takes_no_body(hostile: HostileServer, run: Run) -> None:
    options = {"method": "POST", "body": "a=b", "body_type": "form"}
    behind = f"http://127.0.0.1:{hostile.listen('echo')}/"
    url = f"http://127.0.0.1:{hostile.listen(redirect_to(behind, 303))}/"
    assert b"Content-Type" not in run(Attempt(url, options=options).observe()).body


def test_http_says_another_host_at_the_first_origin_alone(hostile: HostileServer, run: Run) -> None:
    last = hostile.listen("echo")
    port = hostile.listen(redirect_to(f"http://localhost:{last}/"))
    options = {"host": "shop.test:81"}
    seen = run(Attempt(f"http://127.0.0.1:{last}/", options=options).observe())
    assert b"\r\nHost: shop.test:81\r\n" in seen.body
    seen = run(Attempt(f"http://127.0.0.1:{port}/", options=options).observe())
    assert f"\r\nHost: localhost:{last}\r\n".encode() in seen.body


def test_http_stays_on_the_host(hostile: HostileServer, run: Run) -> None:
    last = hostile.listen("good")
    options = {"redirect_scope": "same_host"}
    away, near = (hostile.listen(redirect_to(f"http://{host}:{last}/")) for host in ("localhost", "127.0.0.1"))
    failure = run(Attempt(f"http://127.0.0.1:{away}/", options=options).fail())
    assert (failure.kind, hostile.accepted[last]) == (ErrorKind.REDIRECT, 0)
    assert "another host" in failure.found
    assert run(Attempt(f"http://127.0.0.1:{near}/", options=options).observe()).body == b"hello"


def test_http_names_itself(hostile: HostileServer, run: Run) -> None:
    seen = run(Attempt(f"http://127.0.0.1:{hostile.listen('echo')}/").observe())
    assert b"\r\nUser-Agent: healthcheck" in seen.body
    assert b"Content-Length" not in seen.body


def test_http_follows_redirects_and_leaves_secrets_behind(hostile: HostileServer, run: Run) -> None:
    last = f"http://127.0.0.1:{hostile.listen('echo')}/end"
    middle = f"http://127.0.0.1:{hostile.listen(redirect_to(last, 307))}/middle"
    first = f"http://127.0.0.1:{hostile.listen(redirect_to(middle))}/"
    seen = run(Attempt(first, options={"headers": {"X-Api-Key": "canary", "Accept": "text/html"}}).observe())
    assert seen.redirects == (middle, last)
    assert b"canary" not in seen.body
    assert b"Accept: text/html" in seen.body


@pytest.mark.parametrize("max_redirects", [1, 5, 10])
def test_http_follows_no_more_redirects_than_allowed(max_redirects: int, hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("redirect_loop")
    failure = run(Attempt(f"http://127.0.0.1:{port}/", options={"max_redirects": max_redirects}).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.REDIRECT, Phase.HEADERS)
    assert hostile.accepted[port] == max_redirects + 1
    hostile.accepted[port] = 0


def test_http_observes_a_redirect_that_is_not_followed(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("redirect_loop")
    seen = run(Attempt(f"http://127.0.0.1:{port}/", options={"max_redirects": 0}).observe())
    assert (seen.status, seen.redirects, hostile.accepted[port]) == (302, (), 1)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.2", ErrorKind.BLOCKED),
        ("[::ffff:127.0.0.2]", ErrorKind.BLOCKED),
        ("[64:ff9b::7f00:2]", ErrorKind.BLOCKED),
        ("[2002:7f00:2::1]", ErrorKind.BLOCKED),
        ("2130706434", ErrorKind.BLOCKED),
        ("0x7f.0.0.2", ErrorKind.BLOCKED),
        ("0177.0.0.2", ErrorKind.REDIRECT),
        ("127.2", ErrorKind.BLOCKED),
        ("127。0。0。2", ErrorKind.BLOCKED),
        ("user:password@127.0.0.2", ErrorKind.BLOCKED),
        ("[::127.0.0.2%25lo]", ErrorKind.BLOCKED),
        ("１２７.0.0.2", ErrorKind.REDIRECT),
    ],
)
def test_http_is_led_to_no_forbidden_address(host: str, kind: ErrorKind, hostile: HostileServer, run: Run) -> None:
    forbidden = hostile.listen("good", host="127.0.0.2", port=find_lonely_port("127.0.0.2"))
    location = f"http://{host}:{forbidden}/"
    port = hostile.listen(redirect_to(location))
    rules = AddressRules(AddressMode.PUBLIC, allow=("127.0.0.1/32",))
    failure = run(Attempt(f"http://127.0.0.1:{port}/", rules=rules).fail())
    assert failure.kind == kind
    assert hostile.accepted[forbidden] == 0


def test_http_names_a_refused_connection(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failure = run(Attempt(f"http://127.0.0.1:{port}/").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.REFUSED, Phase.CONNECT)


def test_http_names_a_family_that_the_host_lacks(hostile: HostileServer, run: Run) -> None:
    failure = run(Attempt(f"http://127.0.0.1:{hostile.listen('good')}/", options={"family": "ipv6"}).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.DNS, Phase.RESOLVE)


def test_http_bounds_the_body_by_its_option(hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    assert run(Attempt(url, options={"max_body_bytes": 5}).observe()).body == b"hello"
    failure = run(Attempt(url, options={"max_body_bytes": 4}, needs_body=False).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.TOO_LARGE, Phase.BODY)


def test_http_logs_no_url(hostile: HostileServer, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        run(Attempt(f"http://127.0.0.1:{hostile.listen('good')}/?token=canary").observe())
    assert "canary" not in caplog.text
