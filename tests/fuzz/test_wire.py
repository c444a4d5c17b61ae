"""Whatever a target says, in whatever pieces: one outcome, by a name that is the target's, safe to store."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from healthcheck.engine.credentials.model import DigestCredential
from healthcheck.engine.types import ErrorKind, Outcome, State
from healthcheck.pipeline.facts import write_evidence
from tests.fuzz.wire import Wire, cut

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
ASSERTIONS = """
body not contains "never"
body not matches "x+y"
header content-type not contains "never" degraded
json $..a[?@.b == 1] not exists degraded
css "a > b" not exists degraded
size < 1000000
"""
# Names for what a target can do to us with bytes alone.
THEIRS = {
    None,
    ErrorKind.CONNECTION,
    ErrorKind.TLS,
    ErrorKind.REDIRECT,
    ErrorKind.PROTOCOL,
    ErrorKind.TOO_LARGE,
    ErrorKind.STATUS,
    ErrorKind.ASSERTION,
}
PLACES = st.lists(st.integers(0, 2000), max_size=8)
SIZES = st.one_of(
    st.integers(0, 40).map(lambda size: b"%x" % size),
    st.integers(0, 40).map(lambda size: b"%X" % size),
    st.sampled_from(
        [b"", b"-1", b"zz", b"0x5", b" 5", b"5 ", b"+5", b"00000000000000005", b"F" * 15, b"F" * 17, b"5\0"]
    ),
)
EXTENSIONS = st.sampled_from([b"", b";", b";a=b", b';a="b\r\n"', b" ; x", b";\0", b";" + b"x" * 300])
ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"", b"\r\r\n", b"\n\r"])
BODIES = st.binary(max_size=40)


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """A chunk, most of them as they should be, some with one thing wrong."""
    body = draw(BODIES)
    size = b"%x" % len(body) if draw(st.integers(0, 4)) else draw(SIZES)
    return size + draw(EXTENSIONS) + draw(ENDS) + body + draw(ENDS)


TRAILERS = st.sampled_from(
    [b"\r\n", b"X: y\r\n\r\n", b"X: y\r\n z\r\n\r\n", b"Content-Length: 5\r\n\r\n", b"\0\r\n", b""]
)
STREAMS = st.builds(
    lambda parts, end, trailer: b"".join(parts) + end + trailer,
    st.lists(chunks(), max_size=6),
    st.sampled_from([b"0\r\n", b"0;x\r\n", b"000\r\n", b"", b"0\n", b"-0\r\n"]),
    TRAILERS,
)


def tell(outcome: Outcome) -> tuple[object, ...]:
    assert outcome.error_kind in THEIRS, outcome
    assert (outcome.verdict is State.UP) is (outcome.error_kind is None)
    if outcome.evidence is not None:
        # PostgreSQL takes neither; both databases take everything else.
        stored = json.dumps(write_evidence(outcome.evidence))
        assert "\\u0000" not in stored
        assert "\\ud8" not in stored
    seen = outcome.details.observation if outcome.details is not None else None
    return outcome.verdict, outcome.error_kind, outcome.phase, outcome.http_status, seen.body if seen else None


@given(STREAMS, PLACES)
@example(b"5\r\nhello\r\n0\r\n\r\n", [1, 2, 3, 4, 5])
def test_chunks_mean_the_same_in_whatever_pieces_they_come(wire: Wire, stream: bytes, places: list[int]) -> None:
    data = HEAD + b"\r\n" + stream
    whole = wire.check([data], assertions=ASSERTIONS)
    assert tell(wire.check(cut(data, [place + len(HEAD) for place in places]), assertions=ASSERTIONS)) == tell(whole)


LINES = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda name, mark, value: name + mark + value,
        st.sampled_from(
            [
                b"Content-Length",
                b"Transfer-Encoding",
                b"Content-Encoding",
                b"Content-Type",
                b"Location",
                b"Connection",
                b"Upgrade",
                b"Set-Cookie",
                b"X",
                b"",
                b"\xff",
                b"A B",
            ]
        ),
        st.sampled_from([b": "] * 8 + [b":", b" : ", b"", b":\t", b"\0:"]),
        st.one_of(
            st.binary(max_size=30),
            st.integers(-2, 60).map(lambda size: b"%d" % size),
            st.sampled_from(
                [
                    b"chunked",
                    b"gzip",
                    b"gzip, chunked",
                    b"chunked, identity",
                    b"deflate",
                    b"identity",
                    b"br",
                    b"close",
                    b"text/html; charset=utf-7",
                    b"application/json; charset=utf-16",
                    b"text/xml",
                    b"upgrade",
                    b"h2c",
                    b"99999999999999999999",
                    b"5, 5",
                    b"0x5",
                    b"+5",
                    b"file:///x",
                    b"//",
                    b"http://[",
                    b"\xe2\x80\xae",
                ]
            ),
        ),
    ),
)
STARTS = st.one_of(
    st.sampled_from([b"HTTP/1.1 200 OK"] * 4 + [b"HTTP/1.0 200 OK", b"HTTP/1.1 302 Found", b"HTTP/1.1 500 No"]),
    st.integers(0, 1100).map(lambda status: b"HTTP/1.1 %03d X" % status),
    st.sampled_from([b"HTTP/1.1 200", b"HTTP/1.1 204 No", b"HTTP/1.1 304 N", b"HTTP/1.1 101 S", b"HTTP/1.1 100 C"]),
    st.sampled_from([b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK", b"ICY 200 OK", b"http/1.1 200 ok", b"HTTP/1.1  200 OK"]),
    st.binary(max_size=30),
)
ANSWERS = st.builds(
    lambda start, lines, ends, body: start + b"".join(ends[0] + line for line in lines) + ends[0] + ends[1] + body,
    STARTS,
    st.lists(LINES, max_size=6),
    st.tuples(ENDS, ENDS),
    st.one_of(st.binary(max_size=80), STREAMS, st.sampled_from([b"<a><b>x</b></a>", b'{"a": [{"b": 1}]}', b"hello"])),
)


@given(ANSWERS | st.binary(max_size=200), PLACES)
def test_answer_means_the_same_in_whatever_pieces_it_comes(wire: Wire, answer: bytes, places: list[int]) -> None:
    # Redirects are not followed: a Location of an example may lead anywhere.
    options = {"max_redirects": 0}
    whole = wire.check([answer], assertions=ASSERTIONS, options=options)
    cutted = wire.check(cut(answer, places), assertions=ASSERTIONS, options=options)
    assert tell(cutted) == tell(whole)


PARTS = st.sampled_from(
    [
        b"Digest ",
        b"Basic ",
        b'realm="r"',
        b'nonce="n"',
        b"nonce=n",
        b'qop="auth"',
        b"qop=auth-int",
        b", ",
        b",",
        b"algorithm=MD5",
        b"algorithm=SHA-256-sess",
        b"algorithm=X",
        b'opaque="\\""',
        b"stale=true",
        b'"',
        b"\\",
        b"=",
        b"userhash=true",
        b"\xff",
        b"\xc3\xa9",
        b"\t",
        b"Negotiate abc==",
        b'domain="http://x/"',
        b"\x01",
    ]
)
CHALLENGES = st.lists(PARTS | st.binary(max_size=10), max_size=12).map(b"".join)
MUFASA = DigestCredential("Mufasa", "Circle of Life")


@given(st.lists(CHALLENGES | CHALLENGES.map(b'Digest realm="r", nonce="n", '.__add__), max_size=4))
def test_any_challenge_is_answered_or_named(wire: Wire, challenges: list[bytes]) -> None:
    lines = [b"WWW-Authenticate: %s\r\n" % challenge for challenge in challenges]
    answer = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n" + b"".join(lines) + b"\r\n"
    outcome = wire.check([answer], credential=MUFASA)
    # A kind of digest that we lack is no outage, and nothing else of it is our fault.
    if outcome.error_kind is not ErrorKind.CREDENTIAL:
        tell(outcome)
    assert outcome.verdict is not State.UP


DIALOGUES = [
    'expect "a"\ncheck matches "a"',
    "expect reply 220, 250-259\nuse smtp",
    'expect line contains "a"\ncapture x "a(.*)"\nsend line "${x}"\nexpect line != "b"',
    'until line matches "^a"\ncheck contains "a"',
    'expect hex "00 ff"\nuntil line == "a"',
    "expect reply 220\nstarttls",
    "use imap\nuse redis",
]
SPOKEN = st.one_of(
    st.binary(max_size=80),
    st.lists(
        st.sampled_from(
            [
                b"220 a\r\n",
                b"220-a\r\n",
                b"250 b\n",
                b"a",
                b"ab\r\n",
                b"\r\n",
                b"\n",
                b"\r",
                b"\x00\xff",
                b"* OK\r\n",
                b"a1 OK\r\n",
                b"+PONG\r\n",
                b"999",
                b"\xe2\x80\xae",
                b"x" * 9000,
            ]
        ),
        max_size=12,
    ).map(b"".join),
)


@given(st.sampled_from(DIALOGUES), SPOKEN, PLACES)
def test_dialogue_means_the_same_in_whatever_pieces_it_comes(
    wire: Wire, dialogue: str, spoken: bytes, places: list[int]
) -> None:
    options = {"dialogue": dialogue}
    whole = wire.check([spoken], kind="tcp", options=options)
    parts = wire.check(cut(spoken, places), kind="tcp", options=options)
    # What is said unasked is seen before a handshake or breaks it, as it happens to come.
    if "starttls" in dialogue and {parts.error_kind, whole.error_kind} <= {ErrorKind.TLS, ErrorKind.PROTOCOL}:
        return
    assert parts.error_kind is whole.error_kind
