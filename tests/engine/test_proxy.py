"""Over a proxy: what it is asked, what it may be asked for, and whose fault it is when something fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import AddressMode, AddressRules, ErrorKind, Phase, State, Target
from tests.dns_server import DnsServer
from tests.engine.conftest import Attempt, Run, serve_with
from tests.engine.test_dialer import deaf_port
from tests.engine.test_runner_http import probe
from tests.engine.test_trust import trusting
from tests.free_ports import find_free_ports
from tests.hostile import Behaviour, HostileServer, answer, play, redirect_to
from tests.web_servers import run_proxy

PUBLIC = AddressRules(AddressMode.PUBLIC, allow=("127.0.0.1/32",))
CONNECT = Phase.CONNECT


def over(port: int, url: str = "http://shop.test/", **options: Any) -> Attempt:
    return Attempt(url, options={"proxy": f"http://127.0.0.1:{port}"} | options)


def test_proxy_is_asked_for_the_whole_url(hostile: HostileServer, run: Run) -> None:
    seen = run(over(hostile.listen("echo"), "http://shop.test:81/a%20b?c", query=[["d", "e"]]).observe())
    assert seen.body.startswith(b"GET http://shop.test:81/a%20b?c&d=e HTTP/1.1\r\nHost: shop.test:81\r\n")
    assert b"\r\nConnection: close\r\n" in seen.body
    assert seen.address == "127.0.0.1"


def test_real_proxy_reaches_both(tmp_path: Path, hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    plain = hostile.listen("echo")
    encrypted = hostile.listen("echo", tls=serve_with(authority.issue_cert("localhost")))
    with run_proxy(tmp_path, encrypted) as proxy:
        options = trusting(authority) | {"proxy": proxy}
        seen = run(Attempt(f"http://localhost:{plain}/a?b", options=options).observe())
        assert (seen.status, seen.certificate) == (200, None)
        assert seen.body.startswith(f"GET /a?b HTTP/1.1\r\nHost: localhost:{plain}\r\n".encode())
        seen = run(Attempt(f"https://localhost:{encrypted}/a?b", options=options).observe())
        assert seen.body.startswith(f"GET /a?b HTTP/1.1\r\nHost: localhost:{encrypted}\r\n".encode())
        assert (seen.address, seen.certificate is not None) == ("127.0.0.1", True)
        assert seen.phases.tls_us > 0
        named = options | {"server_name": "other.test"}
        assert run(Attempt(f"https://localhost:{encrypted}/", options=named).fail()).kind is ErrorKind.CERTIFICATE


def test_real_proxy_that_cannot_or_may_not_is_told_apart(tmp_path: Path, run: Run) -> None:
    closed, forbidden = find_free_ports(2)
    with run_proxy(tmp_path, closed) as proxy:
        attempt = Attempt(f"https://127.0.0.1:{closed}/", options={"proxy": proxy})
        failure = run(attempt.fail())
        # Apache says 503 of a target that refuses, as others do of themselves: nobody could tell them apart.
        assert (failure.kind, failure.phase) == (ErrorKind.CAPACITY, CONNECT)
        assert "does not say that the target is the reason (503)" in failure.found
        failure = run(replace(attempt, url=f"https://127.0.0.1:{forbidden}/").fail())
        assert (failure.kind, failure.found) == (ErrorKind.CAPACITY, "the proxy refuses to connect there (403)")


LOGIN = play(answer("HTTP/1.1 407 Proxy Authentication Required", "Content-Length: 0"))
BUSY = "HTTP/1.1 503 Service Unavailable"
SQUID, STATUS = "X-Squid-Error: ERR_CONNECT_FAIL 111", "Proxy-Status: gate; error=connection_refused"
FAULTS: dict[str, tuple[str | Behaviour, ErrorKind, Phase, str]] = {
    "wants a login": (LOGIN, ErrorKind.CREDENTIAL, Phase.REQUEST, "wants a login (407)"),
    "502": (play(answer("HTTP/1.0 502 Bad Gateway")), ErrorKind.CONNECTION, CONNECT, "could not reach it (502)"),
    "504": (play(answer("HTTP/1.1 504 Timeout")), ErrorKind.TIMEOUT, CONNECT, "in vain (504)"),
    "503": (play(answer("HTTP/1.1 503 Busy")), ErrorKind.CAPACITY, CONNECT, "does not say that the target is"),
    "500": (play(answer("HTTP/1.1 500 Oops")), ErrorKind.CAPACITY, CONNECT, "does not say that the target is"),
    "403": (play(answer("HTTP/1.1 403 No")), ErrorKind.CAPACITY, CONNECT, "refuses to connect there (403)"),
    "503 of Squid": (play(answer(BUSY, SQUID)), ErrorKind.CONNECTION, CONNECT, "could not reach it (503)"),
    "503 of Squid for a name": (
        play(answer(BUSY, "X-Squid-Error: ERR_DNS_FAIL 0")),
        ErrorKind.CAPACITY,
        CONNECT,
        "(503)",
    ),
    "503 with a reason": (play(answer(BUSY, STATUS)), ErrorKind.CONNECTION, CONNECT, "could not reach it (503)"),
    "400": (play(answer("HTTP/1.1 400 Bad Request")), ErrorKind.CAPACITY, CONNECT, "refuses to connect there (400)"),
    "garbage": (play(b"SSH-2.0-OpenSSH\r\n\r\n"), ErrorKind.CAPACITY, CONNECT, "does not answer as a proxy"),
    "600": (play(answer("HTTP/1.1 600 X")), ErrorKind.CAPACITY, CONNECT, "does not answer as a proxy"),
    "hangs up": ("close_at_once", ErrorKind.CAPACITY, CONNECT, "broke off"),
    "talks on": ("endless_headers", ErrorKind.CAPACITY, CONNECT, "broke off"),
    "silent": ("silent", ErrorKind.TIMEOUT, CONNECT, ""),
    "speaks first": (play(answer("HTTP/1.1 200 OK", body=b"x")), ErrorKind.TLS, Phase.TLS, "spoke before"),
    "closes the tunnel": (play(answer("HTTP/1.1 200 OK")), ErrorKind.CONNECTION, Phase.TLS, ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_proxy_that_opens_no_tunnel_is_named(fault: str, hostile: HostileServer, run: Run) -> None:
    behaviour, kind, phase, found = FAULTS[fault]
    attempt = replace(over(hostile.listen(behaviour), "https://shop.test/"), timeout=1.0)
    failure = run(attempt.fail())
    assert (failure.kind, failure.phase) == (kind, phase)
    assert found in failure.found


@pytest.mark.parametrize("url", ["http://shop.test/", "https://shop.test/"])
def test_proxy_that_refuses_is_no_outage_of_the_target(url: str, run: Run) -> None:
    [closed] = find_free_ports(1)
    failure = run(over(closed, url).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CAPACITY, CONNECT)
    assert failure.found == "the proxy could not be reached (ECONNREFUSED)"


def test_proxy_that_wants_a_login_is_named_over_plain_http(hostile: HostileServer, run: Run) -> None:
    failure = run(over(hostile.listen(LOGIN)).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CREDENTIAL, Phase.REQUEST)


def test_proxy_whose_name_is_not_known_is_no_outage_of_the_target(run: Run) -> None:
    with DnsServer() as names:
        options = {"proxy": "http://proxy.test:3128", "resolver": names.address}
        failure = run(Attempt("http://shop.test/", options=options).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CAPACITY, Phase.RESOLVE)
    assert "the proxy could not be reached" in failure.found


@pytest.mark.parametrize("name", ["unknown.test", "mixed.test"])
def test_proxy_is_not_asked_for_a_name_that_cannot_be_judged(name: str, hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("echo")
    with DnsServer() as names:
        names.add("mixed.test", "A 127.0.0.1", "A 127.0.0.2")
        names.add("good.test", "A 127.0.0.1")
        attempt = replace(over(port, f"http://{name}/", resolver=names.address, family="ipv4"), rules=PUBLIC)
        failure = run(attempt.fail())
        assert (failure.kind, failure.phase, hostile.accepted[port]) == (ErrorKind.BLOCKED, Phase.RESOLVE, 0)
        assert run(replace(attempt, url="http://good.test/").observe()).status == 200


def judge_over(port: int, url: str) -> tuple[State, ErrorKind | None, str]:
    options = load_probe("http").parse(url, {"proxy": f"http://127.0.0.1:{port}"})
    [outcome] = probe(Target(1, "http", url, options, timeout_seconds=1.0))
    assert outcome.evidence is not None
    return outcome.verdict, outcome.error_kind, outcome.evidence.found


def test_proxy_that_takes_no_connection_is_no_outage_of_the_target() -> None:
    with deaf_port("127.0.0.1") as port:
        found = judge_over(port, "http://shop.test/")
    assert found == (State.UNKNOWN, ErrorKind.CAPACITY, "the proxy could not be reached in time")


def test_proxy_that_is_silent_is_no_outage_of_the_target(hostile: HostileServer) -> None:
    found = judge_over(hostile.listen("silent"), "https://shop.test/")
    sentence = "the proxy did not answer in time whether it could connect"
    assert found == (State.UNKNOWN, ErrorKind.CAPACITY, sentence)


async def open_and_be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer("HTTP/1.1 200 OK"))
    # The first word of TLS, and no more until the other end goes.
    while await reader.read(4096):
        pass


def test_target_that_is_silent_behind_its_tunnel_is_down(hostile: HostileServer) -> None:
    verdict, kind, _ = judge_over(hostile.listen(open_and_be_silent), "https://shop.test/")
    assert (verdict, kind) == (State.DOWN, ErrorKind.TIMEOUT)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.2", "169.254.169.254", "[::ffff:169.254.169.254]", "10.0.0.1"])
def test_proxy_is_not_asked_for_what_the_policy_forbids(
    host: str, scheme: str, hostile: HostileServer, run: Run
) -> None:
    port = hostile.listen("echo")
    failure = run(replace(over(port, f"{scheme}://{host}/"), rules=PUBLIC).fail())
    assert (failure.kind, failure.phase, hostile.accepted[port]) == (ErrorKind.BLOCKED, Phase.RESOLVE, 0)


def test_proxy_is_not_asked_for_what_is_denied(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("echo")
    rules = AddressRules(AddressMode.EVERYTHING, deny=("10.0.0.0/8",))
    assert run(replace(over(port, "http://10.0.0.1/"), rules=rules).fail()).kind is ErrorKind.BLOCKED
    assert hostile.accepted[port] == 0
    assert run(replace(over(port, "http://192.0.2.1/"), rules=rules).observe()).status == 200


def test_proxy_is_not_asked_for_what_a_redirect_leads_to(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen(redirect_to("http://169.254.169.254/"))
    failure = run(replace(over(port, "http://127.0.0.1/"), rules=PUBLIC).fail())
    assert (failure.kind, hostile.accepted[port]) == (ErrorKind.BLOCKED, 1)


def test_proxy_itself_is_judged_by_the_policy(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("echo", host="127.0.0.2")
    attempt = Attempt("http://127.0.0.1/", options={"proxy": f"http://127.0.0.2:{port}"}, rules=PUBLIC)
    failure = run(attempt.fail())
    assert (failure.kind, failure.found, hostile.accepted[port]) == (ErrorKind.BLOCKED, "the proxy: loopback", 0)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_ignored(
    name: str, hostile: HostileServer, authority: trustme.CA, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = hostile.listen("silent")
    monkeypatch.setenv(name, f"http://127.0.0.1:{trap}")
    encrypted = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    assert run(Attempt(f"http://127.0.0.1:{hostile.listen('good')}/").observe()).body == b"hello"
    assert run(Attempt(f"https://localhost:{encrypted}/", options=trusting(authority)).observe()).body == b"hello"
    assert hostile.accepted[trap] == 0
