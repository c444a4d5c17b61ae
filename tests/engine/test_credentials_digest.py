"""Digest authentication: the vectors of the RFCs, a server that checks everything, and challenges that are traps."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.credentials import DigestCredential
from healthcheck.engine.credentials.digest import answer_challenge, choose_challenge
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind, Phase
from tests.engine.conftest import Attempt, Run
from tests.hostile import HostileServer

MUFASA = DigestCredential("Mufasa", "Circle of Life")
# RFC 7616, 3.9.1 and 3.9.2; RFC 2617, 3.5; RFC 2069, 2.4 with the response of its erratum 749.
NONCE = 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
OLD_NONCE = 'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("credential", "challenge", "cnonce", "response"),
    [
        (
            MUFASA,
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, {NONCE}',
            CNONCE,
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            MUFASA,
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, {NONCE}',
            CNONCE,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
        (
            DigestCredential("Mufasa", "Circle Of Life"),
            f'Digest realm="testrealm@host.com", qop="auth,auth-int", {OLD_NONCE}',
            "0a4f113b",
            "6629fae49393a05397450978507c4ef1",
        ),
        (
            DigestCredential("Mufasa", "CircleOfLife"),
            f'Digest realm="testrealm@host.com", {OLD_NONCE}',
            "0a4f113b",
            "1949323746fe6a43ef61f9606e7febea",
        ),
    ],
    ids=["RFC 7616 MD5", "RFC 7616 SHA-256", "RFC 2617", "RFC 2069"],
)
def test_answer_is_that_of_the_standard(
    credential: DigestCredential, challenge: str, cnonce: str, response: str
) -> None:
    chosen = choose_challenge([challenge])
    assert chosen is not None
    answer = answer_challenge(credential, chosen, method="GET", target="/dir/index.html", cnonce=cnonce)
    assert f'response="{response}"' in answer
    assert credential.password not in answer


def test_userhash_is_that_of_the_standard() -> None:
    # RFC 7616, 3.9.3: the user's name, hashed with the realm, in the place of the name.
    challenge = choose_challenge(
        ['Digest realm="api@example.org", qop="auth", algorithm=SHA-256, nonce="5TsQWLVdgBdmrQ0X", userhash=true']
    )
    assert challenge is not None
    credential = DigestCredential("J\u00e4s\u00f8n Doe", "Secret, or not?")
    answer = answer_challenge(credential, challenge, method="GET", target="/doe.json", cnonce="a")
    expected = hashlib.sha256("J\u00e4s\u00f8n Doe:api@example.org".encode()).hexdigest()
    assert answer.startswith(f'Digest username="{expected}", realm="api@example.org"')
    assert answer.endswith("userhash=true")


def test_name_beyond_ascii_is_sent_encoded() -> None:
    challenge = choose_challenge(['Digest realm="r", nonce="n"'])
    assert challenge is not None
    answer = answer_challenge(DigestCredential("J\u00e4s", "p"), challenge, method="GET", target="/")
    assert answer.startswith("Digest username*=UTF-8''J%C3%A4s, ")


@pytest.mark.parametrize(
    ("values", "algorithm"),
    [
        (['Digest realm="r", nonce="n"', 'Digest realm="r", nonce="n", algorithm=SHA-256'], "SHA-256"),
        (['Basic realm="a, Digest b", DIGEST Realm="r",NONCE=n,algorithm=md5-SESS,'], "MD5"),
        (["Negotiate YII==, Digest realm=r, nonce=n, algorithm=SHA-512-256, Digest realm=r, nonce=n"], "MD5"),
        (["NTLM", 'Bearer realm="x"', 'Digest realm="a\\"b", nonce="n", qop=auth'], "MD5"),
    ],
)
def test_choice_is_the_strongest_that_can_be_answered(values: list[str], algorithm: str) -> None:
    chosen = choose_challenge(values)
    assert chosen is not None
    assert (chosen.algorithm, chosen.nonce) == (algorithm, "n")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Digest", ErrorKind.PROTOCOL),
        ('Digest realm="r"', ErrorKind.PROTOCOL),
        ('Digest nonce="n"', ErrorKind.PROTOCOL),
        ('Digest realm="r", nonce=""', ErrorKind.PROTOCOL),
        ('Digest realm="r", nonce="unclosed', ErrorKind.PROTOCOL),
        ('Digest realm="r\x01", nonce="n"', ErrorKind.PROTOCOL),
        ('Digest realm="r", nonce="n", algorithm=SHA-512-256', ErrorKind.CREDENTIAL),
        ('Digest realm="r", nonce="n", qop="auth-int"', ErrorKind.CREDENTIAL),
        (f'Digest realm="{"r" * 9000}", nonce="n"', ErrorKind.PROTOCOL),
        ("Digest " + "a=b," * 30_000, ErrorKind.PROTOCOL),
        ("Digest realm=" + "\\" * 30_000, ErrorKind.PROTOCOL),
        ('Digest realm="' + '\\"' * 4_000, ErrorKind.PROTOCOL),
    ],
)
def test_challenge_that_cannot_be_answered_is_named(value: str, kind: ErrorKind) -> None:
    with pytest.raises(ProbeFailure) as caught:
        choose_challenge([value])
    assert (caught.value.kind, caught.value.phase) == (kind, Phase.HEADERS)


@given(st.lists(st.text() | st.text(alphabet='Digest realm="\\,nonce=algorithm auth').map("Digest ".__add__)))
def test_challenges_are_read_or_refused_and_never_break(values: list[str]) -> None:
    try:
        chosen = choose_challenge(values)
    except ProbeFailure:
        return
    if chosen is not None:
        answer = answer_challenge(MUFASA, chosen, method="GET", target="/")
        answer.encode("utf-8", "replace")
        assert re.search(r"[\r\n\0]", answer) is None


class StrictServer:
    """Checks every part of an answer by the standard; what it asks for next time is a list of challenges."""

    def __init__(self, *challenges: str) -> None:
        self.challenges = list(challenges)
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        if "\r\nAuthorization: Digest " in head and self._is_right(head) and not self.challenges:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ninside")
            return
        asked = f"WWW-Authenticate: {self.challenges.pop(0)}\r\n" if self.challenges else ""
        writer.write(f"HTTP/1.1 401 Unauthorized\r\n{asked}Content-Length: 0\r\n\r\n".encode("latin-1"))

    def _is_right(self, head: str) -> bool:
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        line = re.search(r"\r\nAuthorization: Digest (.*)\r\n", head)
        assert line is not None
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', line[1]))
        hash_of: Callable[[bytes], Any] = hashlib.sha256 if given["algorithm"].startswith("SHA") else hashlib.md5

        def digest(text: str) -> str:
            return str(hash_of(text.encode()).hexdigest())

        first = digest(f"u:{given['realm']}:canary")
        if given["algorithm"].endswith("-sess"):
            first = digest(f"{first}:{given['nonce']}:{given['cnonce']}")
        parts = (first, given["nonce"], given["nc"], given["cnonce"], given["qop"], digest(f"{method}:{target}"))
        return (given["uri"], given["nc"], given["response"]) == (target, "00000001", digest(":".join(parts)))


def ask_for(algorithm: str, nonce: str, *more: str) -> str:
    return ", ".join([f'Digest realm="r s", nonce="{nonce}", qop="auth", algorithm={algorithm}', *more])


CREDENTIAL = DigestCredential("u", "canary")


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
def test_digest_satisfies_a_strict_server(algorithm: str, hostile: HostileServer, run: Run) -> None:
    server = StrictServer(ask_for(algorithm, "n1"))
    port = hostile.listen(server)
    seen = run(Attempt(f"http://127.0.0.1:{port}/a?b=%20", credential=CREDENTIAL).observe())
    assert (seen.body, hostile.accepted[port]) == (b"inside", 2)
    assert "canary" not in "".join(server.heads)


def test_digest_answers_a_stale_nonce_once_more_and_no_more(hostile: HostileServer, run: Run) -> None:
    stale = [ask_for("MD5", f"n{number}", "stale=TRUE") for number in range(4)]
    once, often = hostile.listen(StrictServer(*stale[:2])), hostile.listen(StrictServer(*stale))
    assert run(Attempt(f"http://127.0.0.1:{once}/", credential=CREDENTIAL).observe()).status == 200
    assert run(Attempt(f"http://127.0.0.1:{often}/", credential=CREDENTIAL).observe()).status == 401
    assert (hostile.accepted[once], hostile.accepted[often]) == (3, 3)


def test_digest_with_a_wrong_password_is_refused_after_one_answer(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen(StrictServer(ask_for("MD5", "n1"), ask_for("MD5", "n2")))
    wrong = replace(CREDENTIAL, password="wrong")
    assert run(Attempt(f"http://127.0.0.1:{port}/", credential=wrong).observe()).status == 401
    assert hostile.accepted[port] == 2


@pytest.mark.parametrize("asked", [None, 'Basic realm="r"'])
def test_digest_that_nobody_asks_for_leaves_the_answer_as_it_is(
    asked: str | None, hostile: HostileServer, run: Run
) -> None:
    port = hostile.listen(StrictServer(*([asked] if asked else [])))
    assert run(Attempt(f"http://127.0.0.1:{port}/", credential=CREDENTIAL).observe()).status == 401
    assert hostile.accepted[port] == 1


def test_digest_names_a_challenge_that_breaks_the_rules(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen(StrictServer("Digest nonsense"))
    failure = run(Attempt(f"http://127.0.0.1:{port}/", credential=CREDENTIAL).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.PROTOCOL, Phase.HEADERS)


def test_digest_has_one_deadline_for_both_requests(hostile: HostileServer, run: Run) -> None:
    seen = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        await reader.readuntil(b"\r\n\r\n")
        if seen == 1:
            writer.write(f"HTTP/1.1 401 No\r\nWWW-Authenticate: {ask_for('MD5', 'n')}\r\n\r\n".encode())
        else:
            await reader.read()

    failure = run(Attempt(f"http://127.0.0.1:{hostile.listen(behave)}/", credential=CREDENTIAL, timeout=0.4).fail())
    assert (failure.kind, failure.phase, seen) == (ErrorKind.TIMEOUT, Phase.HEADERS, 2)
