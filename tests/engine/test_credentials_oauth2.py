"""OAuth 2.0 client credentials: fetched once, kept, fetched anew when refused; a token server's fault is its own."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest

from healthcheck.engine.credentials import OAuth2Credential
from healthcheck.engine.credentials.tokens import MAX_TOKENS, Fetches, Token, Tokens
from healthcheck.engine.types import AddressMode, AddressRules, ErrorKind, Phase
from tests.engine.conftest import Attempt, Run, serve_with
from tests.hostile import HostileServer, redirect_to

SECRET = "canary s:e+c&ret"


class TokenServer:
    """Gives a fresh token for the right client, by either way of sending the secret; counts what it is asked."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.forms: list[dict[str, list[str]]] = []
        self.given: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        form = parse_qs((await reader.readexactly(int(headers["Content-Length"]))).decode())
        self.forms.append(form)
        await self.hold.wait()
        if self._find_pair(headers, form) != ["client:1", SECRET]:
            _say(writer, 401, {"error": "invalid_client", "error_description": f"{form} {headers}"})
            return
        token = f"token-{id(self)}-{len(self.given)}"
        self.given.append(token)
        _say(writer, 200, {"access_token": token, "token_type": "Bearer"} | self.answer)

    @staticmethod
    def _find_pair(headers: dict[str, str], form: dict[str, list[str]]) -> list[str]:
        if "Authorization" in headers:
            pair = b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
            return [unquote_plus(part) for part in pair.split(":", 1)]
        return [form.get("client_id", [""])[0], form.get("client_secret", [""])[0]]


def _say(writer: asyncio.StreamWriter, status: int, answer: object) -> None:
    body = json.dumps(answer).encode()
    writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


class Target:
    """Lets in who brings the last token that was given, or whom `is_closed` says nobody."""

    def __init__(self, tokens: TokenServer, *, is_closed: bool = False) -> None:
        self.tokens, self.is_closed = tokens, is_closed
        self.seen: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        token = head.split("Authorization: Bearer ")[1].split("\r\n")[0]
        self.seen.append(token)
        is_good = token == self.tokens.given[-1] and not self.is_closed
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (200 if is_good else 401))


def credential_at(port: int, path: str = "/token", **changed: Any) -> OAuth2Credential:
    found = OAuth2Credential(f"http://127.0.0.1:{port}{path}", "client:1", SECRET, scope="read write")
    return replace(found, **changed)


@pytest.fixture
def tokens() -> TokenServer:
    return TokenServer()


@pytest.mark.parametrize("in_body", [False, True])
def test_token_is_fetched_and_brought(in_body: bool, tokens: TokenServer, hostile: HostileServer, run: Run) -> None:
    credential = credential_at(hostile.listen(tokens), sends_secret_in_body=in_body)
    port = hostile.listen(Target(tokens))
    seen = run(Attempt(f"http://127.0.0.1:{port}/", credential=credential).observe())
    [form] = tokens.forms
    assert (seen.status, form["grant_type"], form["scope"]) == (200, ["client_credentials"], ["read write"])
    assert ("client_secret" in form) is in_body


def test_token_is_kept_for_the_next_check(tokens: TokenServer, hostile: HostileServer, run: Run) -> None:
    credential, port = credential_at(hostile.listen(tokens)), hostile.listen(Target(tokens))
    for _ in range(3):
        assert run(Attempt(f"http://127.0.0.1:{port}/", credential=credential).observe()).status == 200
    assert len(tokens.forms) == 1


@pytest.mark.parametrize("changed", [{"client_secret": "other"}, {"scope": "more"}, {"client_id": "other"}])
def test_token_of_another_credential_is_another(
    changed: dict[str, Any], tokens: TokenServer, hostile: HostileServer, run: Run
) -> None:
    credential, port = credential_at(hostile.listen(tokens)), hostile.listen(Target(tokens))
    url = f"http://127.0.0.1:{port}/"
    run(Attempt(url, credential=credential).observe())
    attempt = Attempt(url, credential=replace(credential, **changed))
    run(attempt.observe() if "scope" in changed else attempt.fail())
    assert len(tokens.forms) == 2


def test_refused_token_is_fetched_anew_once(tokens: TokenServer, hostile: HostileServer, run: Run) -> None:
    credential, target = credential_at(hostile.listen(tokens)), Target(tokens)
    url = f"http://127.0.0.1:{hostile.listen(target)}/"
    run(Attempt(url, credential=credential).observe())
    tokens.given.append("it was revoked")
    assert run(Attempt(url, credential=credential).observe()).status == 200
    assert (len(tokens.forms), len(target.seen)) == (2, 3)


def test_target_that_refuses_a_fresh_token_is_asked_no_more(
    tokens: TokenServer, hostile: HostileServer, run: Run
) -> None:
    credential, target = credential_at(hostile.listen(tokens)), Target(tokens, is_closed=True)
    url = f"http://127.0.0.1:{hostile.listen(target)}/"
    assert run(Attempt(url, credential=credential).observe()).status == 401
    assert (len(tokens.forms), len(target.seen)) == (1, 1)
    # Kept all the same, so that it is tried anew with the next check, and only once.
    assert run(Attempt(url, credential=credential).observe()).status == 401
    assert (len(tokens.forms), len(target.seen)) == (2, 3)


def test_checks_at_once_share_one_fetch(tokens: TokenServer, hostile: HostileServer, run: Run) -> None:
    credential, port = credential_at(hostile.listen(tokens)), hostile.listen(Target(tokens))

    async def many() -> list[Any]:
        attempt = Attempt(f"http://127.0.0.1:{port}/", credential=credential)
        return await asyncio.gather(*(attempt.observe() for _ in range(20)))

    assert {seen.status for seen in run(many())} == {200}
    assert len(tokens.forms) == 1


def test_fetching_is_no_part_of_the_latency(tokens: TokenServer, hostile: HostileServer, run: Run) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        await tokens(reader, writer)

    credential, port = credential_at(hostile.listen(slow)), hostile.listen(Target(tokens))
    seen = run(Attempt(f"http://127.0.0.1:{port}/", credential=credential).observe())
    assert seen.latency_us < 250_000


def answer_with(status: int, body: str, *headers: str) -> Any:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        quoted = body.replace("QUOTE", head.decode("latin-1").replace("\r\n", " "))
        lines = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(quoted)}", *headers])
        writer.write(f"{lines}\r\n\r\n{quoted}".encode())

    return behave


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (answer_with(401, '{"error": "invalid_client", "error_description": "QUOTE"}'), "unknown or expired, or its"),
        (answer_with(400, '{"error": "invalid_scope"}'), "correct the scope (invalid_scope)"),
        (answer_with(400, '{"error": "QUOTE"}'), "answered with status 400; check the token URL"),
        (answer_with(403, "QUOTE"), "does not accept the client (403)"),
        (answer_with(500, "QUOTE"), "answered with status 500"),
        (answer_with(200, "<html>QUOTE</html>"), "without a usable access token"),
        (answer_with(200, "[]"), "without a usable access token"),
        (answer_with(200, "[" * 60_000), "without a usable access token"),
        (answer_with(200, '{"access_token": ""}'), "without a usable access token"),
        (answer_with(200, '{"access_token": 5}'), "without a usable access token"),
        (answer_with(200, '{"access_token": "a\\r\\nX: b"}'), "without a usable access token"),
        (answer_with(200, '{"access_token": "a", "token_type": "mac"}'), "no other type can be used"),
        (redirect_to("http://127.0.0.1:1/", 307), "redirected (307), and secrets do not follow"),
        ("endless_body", "could not be asked (too large in phase body)"),
        ("random", "could not be asked (protocol in phase headers)"),
        ("close_at_once", "could not be asked (connection in phase headers)"),
    ],
)
def test_token_server_at_fault_is_named_and_not_quoted(
    behaviour: Any, words: str, hostile: HostileServer, run: Run
) -> None:
    target = hostile.listen("echo")
    credential = credential_at(hostile.listen(behaviour))
    failure = run(Attempt(f"http://127.0.0.1:{target}/", credential=credential).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CREDENTIAL, Phase.REQUEST)
    assert words in failure.found
    assert failure.found.startswith("The token server ")
    assert ("canary" in failure.found, hostile.accepted[target]) == (False, 0)


def test_token_server_that_refuses_the_connection_is_named(hostile: HostileServer, run: Run) -> None:
    failure = run(Attempt("http://127.0.0.1:2/", credential=credential_at(1)).fail())
    assert (failure.kind, "(refused in phase connect)" in failure.found) == (ErrorKind.CREDENTIAL, True)


def test_token_server_is_asked_under_the_address_policy(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("echo")
    rules = AddressRules(AddressMode.PUBLIC, allow=("127.0.0.2/32",))
    failure = run(Attempt("http://127.0.0.2:2/", credential=credential_at(port), rules=rules).fail())
    assert (failure.kind, "address policy" in failure.found) == (ErrorKind.CREDENTIAL, True)
    assert hostile.accepted[port] == 0


def test_token_server_under_tls_must_be_trusted(hostile: HostileServer, authority: Any, run: Run) -> None:
    context = serve_with(authority.issue_cert("localhost"))
    port = hostile.listen(TokenServer(), tls=context)
    credential = credential_at(port, token_url=f"https://localhost:{port}/")
    failure = run(Attempt("http://127.0.0.1:2/", credential=credential, timeout=10).fail())
    assert (failure.kind, "certificate that is not accepted" in failure.found) == (ErrorKind.CREDENTIAL, True)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("lifetime", "good_for"), [(None, 270.0), (3600.0, 3570.0), (60.0, 54.0), (0.0, 0.0), (1.0, 0.9), (1e9, 86_370.0)]
)
def test_token_is_kept_until_shortly_before_its_end(lifetime: float | None, good_for: float) -> None:
    clock = Clock()
    kept, token = Tokens(clock=clock), Token("t", lifetime)
    kept.keep("k", token)
    began = clock.now
    for seconds in (0.0, max(0.0, good_for - 0.1), good_for, good_for + 0.1):
        clock.now = began + seconds
        assert (kept.find("k") is token) is (0.0 <= seconds < good_for)


def test_tokens_are_bounded_and_the_longest_unused_goes_first() -> None:
    kept = Tokens()
    for number in range(MAX_TOKENS):
        kept.keep(str(number), Token("t", 60.0))
    kept.find("0")
    kept.keep("new", Token("t", 60.0))
    assert (len(kept), kept.find("0") is None, kept.find("1")) == (MAX_TOKENS, False, None)


def test_token_that_replaced_a_refused_one_is_not_forgotten() -> None:
    kept, first, second = Tokens(), Token("a", 60.0), Token("b", 60.0)
    kept.keep("k", second)
    kept.forget("k", first)
    assert kept.find("k") is second
    assert "b" not in repr(Token("b"))


def test_fetch_ends_with_its_last_waiter_and_not_before(run: Run) -> None:
    async def follow() -> list[str]:
        fetches, steps = Fetches(), list[str]()
        started = asyncio.Event()

        async def fetch() -> Token:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                steps.append("ended")
            raise AssertionError

        first, second = (asyncio.create_task(fetches.share("k", fetch)) for _ in range(2))
        await started.wait()
        first.cancel()
        await asyncio.wait([first])
        steps.append("first gone")
        second.cancel()
        await asyncio.wait([second])
        return steps

    assert run(follow()) == ["first gone", "ended"]
