"""Credentials on the wire, at the address's own origin and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from healthcheck.engine.credentials import UnusableCredential, parse_credential
from healthcheck.engine.types import ErrorKind, Phase
from tests.engine.conftest import Attempt, Run
from tests.hostile import HostileServer, redirect_to

BASIC = parse_credential("basic", {"username": "u"}, {"password": "canary"})
BEARER = parse_credential("bearer", {}, {"token": "canary"})
HEADERS = parse_credential("headers", {}, {"headers": [["X-Key", "canary"], ["X-Tenant", "größe"]]})


@pytest.mark.parametrize(
    ("credential", "lines"),
    [
        (BASIC, "Authorization: Basic dTpjYW5hcnk=\r\n"),
        (BEARER, "Authorization: Bearer canary\r\n"),
        (HEADERS, "X-Key: canary\r\nX-Tenant: größe\r\n"),
    ],
    ids=["basic", "bearer", "headers"],
)
def test_credential_goes_out_as_headers(credential: Any, lines: str, hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("echo")
    seen = run(Attempt(f"http://127.0.0.1:{port}/", {"headers": {"X-A": "b"}}, credential=credential).observe())
    assert f"X-A: b\r\n{lines}Connection: close\r\n" in seen.body.decode()
    assert hostile.accepted[port] == 1


def test_credential_stays_within_a_chain_at_its_origin(hostile: HostileServer, run: Run) -> None:
    async def behave(reader: Any, writer: Any) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        inside = b"HTTP/1.1 302 Found\r\nLocation: /inside\r\nContent-Length: 0\r\n\r\n"
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head)
        writer.write(answer if head.startswith(b"GET /inside") else inside)

    seen = run(Attempt(f"http://127.0.0.1:{hostile.listen(behave)}/", credential=BASIC).observe())
    assert b"Authorization: Basic" in seen.body


@pytest.mark.parametrize("credential", [BASIC, BEARER, HEADERS], ids=["basic", "bearer", "headers"])
def test_credential_stays_behind_at_another_origin_and_does_not_come_back(
    credential: Any, hostile: HostileServer, run: Run
) -> None:
    heads: list[bytes] = []
    away_port = 0

    async def first(reader: Any, writer: Any) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        location = f"http://127.0.0.1:{away_port}/"
        answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if b"/back" in head else answer)

    async def away(reader: Any, writer: Any) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/back\r\nContent-Length: 0\r\n\r\n".encode()
        )

    port, away_port = hostile.listen(first), hostile.listen(away)
    run(Attempt(f"http://127.0.0.1:{port}/", credential=credential).observe())
    assert [b"canary" in head or b"dTpjYW5hcnk" in head for head in heads] == [True, False, False]


@pytest.mark.parametrize(
    ("credential", "headers", "words"),
    [
        (BASIC, {"authorization": "x"}, "The header authorization is set by the credential as well"),
        (HEADERS, {"x-KEY": "x"}, "The header x-KEY is set by the credential as well"),
        (UnusableCredential("Enter the key."), {}, "Enter the key."),
        (
            parse_credential("bearer", {"origins": ["https://127.0.0.1"]}, {"token": "canary"}),
            {},
            "may not be sent to this address",
        ),
    ],
    ids=["authorization", "header", "unusable", "origin"],
)
def test_credential_that_does_not_fit_is_named_and_nothing_is_asked(
    credential: Any, headers: dict[str, str], words: str, hostile: HostileServer, run: Run
) -> None:
    port = hostile.listen("echo")
    failure = run(Attempt(f"http://127.0.0.1:{port}/", {"headers": headers}, credential=credential).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CREDENTIAL, Phase.REQUEST)
    assert words in failure.found
    assert hostile.accepted[port] == 0


def test_credential_is_sent_where_its_origins_say(hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('echo')}/"
    credential = parse_credential("bearer", {"origins": [url]}, {"token": "canary"})
    assert b"Bearer canary" in run(Attempt(url, credential=credential).observe()).body


def test_credential_is_not_sent_to_where_it_is_redirected(hostile: HostileServer, run: Run) -> None:
    last = hostile.listen("echo")
    port = hostile.listen(redirect_to(f"http://127.0.0.1:{last}/", 307))
    seen = run(Attempt(f"http://127.0.0.1:{port}/", credential=HEADERS).observe())
    assert b"canary" not in seen.body
