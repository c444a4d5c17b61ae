"""Credentials under the runner: their trouble is no outage, and evidence says nothing back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import trustme

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.credentials import DigestCredential, OAuth2Credential, UnusableCredential, parse_credential
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import load_probe
from healthcheck.engine.redaction import MASK
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import ErrorKind, Outcome, Phase, State, Target
from healthcheck.pipeline.explain import Explanation, explain_outcome
from tests.engine.conftest import Run, serve_with
from tests.engine.scripted import NOW, make_limits
from tests.hostile import HostileServer


async def check(url: str, credential: Any, *, seconds: float = 5.0, expected: str = "", **options: Any) -> Outcome:
    parsed = load_probe("http").parse(url, options)
    target = Target(1, "http", url, parsed, parse_assertions(expected), seconds, credential)
    # Never started, so that a busy machine excuses nothing: whose fault a stall is, is tested elsewhere.
    [outcome] = await probe_all([target], make_limits(), now=NOW, lag=LagMeter())
    return outcome


async def explain(url: str, credential: Any, **options: Any) -> Explanation:
    target = Target(1, "http", url, load_probe("http").parse(url, options), (), 5.0, credential)
    [outcome] = await probe_all([target], make_limits(), now=NOW, lag=LagMeter(), details=True)
    return explain_outcome(target, outcome)


def found(outcome: Outcome) -> str:
    assert outcome.evidence is not None
    return outcome.evidence.found


def test_credential_that_cannot_be_used_is_no_outage(hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    outcome = run(check(url, UnusableCredential("No key opens it; add the key.")))
    assert (outcome.verdict, outcome.error_kind, outcome.attempts) == (State.UNKNOWN, ErrorKind.CREDENTIAL, 1)
    assert found(outcome) == "No key opens it; add the key."


def test_silent_token_server_is_no_outage(hostile: HostileServer, run: Run) -> None:
    token_url = f"http://127.0.0.1:{hostile.listen('silent')}/"
    target = hostile.listen("good")
    credential = OAuth2Credential(token_url, "client", "canary")
    outcome = run(check(f"http://127.0.0.1:{target}/", credential, seconds=2.0))
    assert (outcome.verdict, outcome.error_kind) == (State.UNKNOWN, ErrorKind.CREDENTIAL)
    assert found(outcome).startswith("The token server did not answer before the check's time was over")
    assert (outcome.phase, hostile.accepted[target]) == (Phase.REQUEST, 0)
    assert outcome.latency_us < 1_500_000


def test_target_that_is_silent_after_the_token_is_down(hostile: HostileServer, run: Run) -> None:
    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"access_token":"t"}')

    credential = OAuth2Credential(f"http://127.0.0.1:{hostile.listen(give)}/", "client", "canary")
    outcome = run(check(f"http://127.0.0.1:{hostile.listen('silent')}/", credential, seconds=2.0))
    assert (outcome.verdict, outcome.error_kind) == (State.DOWN, ErrorKind.TIMEOUT)


BASIC = parse_credential("basic", {"username": "u"}, {"password": "canary-password"})
BEARER = parse_credential("bearer", {}, {"token": "canary-token"})
HEADERS = parse_credential("headers", {}, {"headers": [["X-Key", "canary-value"]]})


@pytest.mark.parametrize("credential", [BASIC, BEARER, HEADERS, None], ids=["basic", "bearer", "headers", "none"])
def test_target_that_says_everything_back_is_not_quoted(credential: Any, hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('echo')}/"
    headers = {"X-Own": "Token canary-header", "Accept": "text/plain", "User-Agent": "canary of an agent"}
    outcome = run(check(url, credential, expected='body not contains "HTTP"', headers=headers))
    assert outcome.evidence is not None
    excerpt = outcome.evidence.excerpt
    assert f"X-Own: {MASK}" in excerpt
    assert f"User-Agent: {MASK}" in excerpt
    assert "Accept: text/plain" in excerpt
    assert ("canary" in excerpt, "Y2FuYXJ5" in excerpt) == (False, False)
    assert not any(secret in excerpt for secret in getattr(credential, "secrets", ()))


def test_answer_to_a_challenge_is_not_kept(hostile: HostileServer, run: Run) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked = b"" if b"Digest" in head else b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'
        status = b"200" if b"Digest" in head else b"401"
        writer.write(b"HTTP/1.1 %b X\r\n%bContent-Length: %d\r\n\r\n%b" % (status, asked, len(head), head))

    url = f"http://127.0.0.1:{hostile.listen(behave)}/"
    outcome = run(check(url, DigestCredential("u", "canary"), expected='body contains "inside"'))
    assert outcome.evidence is not None
    assert f'response="{MASK}"' in outcome.evidence.excerpt
    assert 'username="u"' not in outcome.evidence.excerpt


def test_redirect_that_quotes_a_secret_is_not_kept(hostile: HostileServer, run: Run) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        token = head.split("Bearer ")[1].split("\r")[0] if "Bearer" in head else ""
        location = f"http://127.0.0.1:{last}/?token={token}"
        writer.write(f"HTTP/1.1 302 X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    last = hostile.listen("good")
    url = f"http://127.0.0.1:{hostile.listen(behave)}/"
    outcome = run(check(url, BEARER, expected="status 204"))
    assert outcome.evidence is not None
    assert outcome.evidence.redirects == (f"http://127.0.0.1:{last}/?token={MASK}",)


def test_certificate_that_says_a_secret_is_not_quoted(authority: trustme.CA, hostile: HostileServer, run: Run) -> None:
    """Who was told it by an earlier check may present it in the next one."""
    named = authority.issue_cert("localhost", common_name="of canary-token", organization_name="canary-token")
    port = hostile.listen("good", tls=serve_with(named))
    url, expected = f"https://127.0.0.1:{port}/", "status 500"
    failed = run(check(url, BEARER, expected=expected, verify="off")), run(check(url, BEARER))
    for outcome in failed:
        assert outcome.evidence is not None
        assert outcome.evidence.chain or outcome.evidence.certificate
        assert "canary" not in repr(outcome.evidence)
    assert [outcome.error_kind for outcome in failed] == [ErrorKind.STATUS, ErrorKind.CERTIFICATE]
    told = run(explain(url, BEARER, verify="off")), run(explain(url, BEARER))
    assert all(each.certificate or each.chain for each in told)
    assert not any("canary" in repr((each.certificate, each.chain, each.suggestions)) for each in told)
