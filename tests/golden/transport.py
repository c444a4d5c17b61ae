"""The golden table: what can go wrong with a connection and with HTTP over it."""

from __future__ import annotations

from healthcheck.engine.types import ErrorKind, Phase
from tests.golden.case import Case, Door, is_down, is_up
from tests.hostile import answer, play

TIMEOUT, CONNECTION, PROTOCOL, TOO_LARGE, REFUSED = (
    ErrorKind.TIMEOUT,
    ErrorKind.CONNECTION,
    ErrorKind.PROTOCOL,
    ErrorKind.TOO_LARGE,
    ErrorKind.REFUSED,
)
CONNECT, REQUEST, HEADERS, BODY = Phase.CONNECT, Phase.REQUEST, Phase.HEADERS, Phase.BODY
LATE = "no end within"


def at(behaviour: str) -> tuple[Door, ...]:
    return (Door(behaviour),)


UNAVAILABLE = (Door(play(answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0"))),)

# Slow and silent.
SLOW = [
    Case("header-drip", "sends its header a byte at a time", is_down(TIMEOUT, HEADERS, LATE), at("header_drip")),
    Case("body-drip", "sends its body a byte at a time", is_down(TIMEOUT, BODY, LATE), at("body_drip")),
    Case("silent", "accepts and never says a word", is_down(TIMEOUT, HEADERS, LATE), at("silent")),
    Case("queue-full", "has a full queue, so that SYN is ignored", is_down(TIMEOUT, CONNECT, LATE), (Door(None),)),
    Case(
        "never-reads",
        "accepts a large request and never reads it",
        is_down(TIMEOUT, REQUEST, LATE),
        at("never_read"),
        options={"method": "POST", "body": "x" * 262_144},
    ),
    Case("nobody-there", "listens nowhere", is_down(REFUSED, CONNECT, "ECONNREFUSED")),
]

# More than anybody wants.
LARGE = [
    Case(
        "endless-continue",
        "sends 100 Continue for ever",
        is_down(PROTOCOL, HEADERS, "more than 16 interim responses"),
        at("endless_continue"),
    ),
    Case(
        "endless-headers",
        "sends header lines for ever",
        is_down(TOO_LARGE, HEADERS, "more than 200 header lines"),
        at("endless_headers"),
    ),
    Case(
        "huge-header",
        "sends one header of 120 KB",
        is_down(TOO_LARGE, HEADERS, "a header of more than 65536 bytes"),
        at("huge_header"),
    ),
    Case(
        "many-headers",
        "sends 5,000 headers",
        is_down(TOO_LARGE, HEADERS, "more than 200 header lines"),
        at("many_headers"),
    ),
    Case(
        "many-cookies",
        "sets 2,000 cookies",
        is_down(TOO_LARGE, HEADERS, "more than 200 header lines"),
        at("many_cookies"),
    ),
    Case(
        "endless-body",
        "sends a body for ever",
        is_down(TOO_LARGE, BODY, "more than 2097152 bytes"),
        at("endless_body"),
    ),
    Case(
        "endless-chunk-extension",
        "sends the extension of a chunk for ever",
        is_down(TOO_LARGE, BODY, "more than 65536 bytes around the body"),
        at("endless_chunk_extension"),
    ),
    Case(
        "endless-trailer",
        "sends a trailer for ever",
        is_down(TOO_LARGE, BODY, "more than 65536 bytes around the body"),
        at("endless_trailer"),
    ),
]

# Lengths and chunks.
FRAMING = [
    Case(
        "length-too-long",
        "announces more than it sends",
        is_down(CONNECTION, BODY, "closed in the middle of the body"),
        at("cut_body"),
    ),
    Case("length-too-short", "sends more than it announces", is_up(), at("more_than_length")),
    Case("length-negative", "announces -5 bytes", is_down(PROTOCOL, HEADERS, ""), at("length_negative")),
    Case("lengths-conflict", "announces two lengths", is_down(PROTOCOL, HEADERS, ""), at("lengths_conflict")),
    Case(
        "length-and-chunked", "announces a length and chunks", is_down(PROTOCOL, HEADERS, ""), at("length_and_chunked")
    ),
    Case("chunk-size-garbage", "has a chunk of size zz", is_down(PROTOCOL, BODY, ""), at("chunk_size_garbage")),
    Case(
        "chunk-size-huge",
        "has a chunk of size 16 x F and ends",
        is_down(CONNECTION, BODY, "closed in the middle of the body"),
        at("chunk_size_huge"),
    ),
    Case("chunk-size-overflow", "has a chunk of 17 digits", is_down(PROTOCOL, BODY, ""), at("chunk_size_overflow")),
    Case(
        "chunk-cut",
        "ends in the middle of a chunk",
        is_down(CONNECTION, BODY, "closed in the middle of the body"),
        at("cut_chunk"),
    ),
    Case(
        "cut-header",
        "ends in the middle of its header",
        is_down(CONNECTION, HEADERS, "closed in the middle of the header"),
        at("cut_header"),
    ),
    Case(
        "reset-before-headers",
        "resets the connection before it answers",
        is_down(CONNECTION, HEADERS, "ECONNRESET"),
        at("reset_before_headers"),
    ),
    Case(
        "reset-in-body",
        "resets the connection in its body",
        is_down(CONNECTION, BODY, "ECONNRESET"),
        at("reset_in_body"),
    ),
    Case(
        "no-byte",
        "closes without a byte",
        is_down(CONNECTION, HEADERS, "closed without an answer"),
        at("close_at_once"),
    ),
    Case("head-with-body", "answers HEAD with a body", is_up(), at("head_with_body"), options={"method": "HEAD"}),
    Case("no-content-with-body", "sends a body with 204", is_up(), at("no_content_with_body")),
    Case("answers-unasked", "answers before it was asked", is_up(), at("answer_unasked")),
]

# What is no HTTP/1.1.
GRAMMAR = [
    Case("http-0-9", "answers as HTTP/0.9 did", is_down(PROTOCOL, HEADERS, ""), at("http_0_9")),
    Case("random-bytes", "answers with 256 random bytes", is_down(PROTOCOL, HEADERS, ""), at("random")),
    Case("ssh-banner", "is an SSH server", is_down(PROTOCOL, HEADERS, ""), at("greet_unasked")),
    Case("http2-preface", "speaks HTTP/2 unasked", is_down(PROTOCOL, HEADERS, ""), at("http2_preface")),
    Case("status-503", "answers with status 503", is_down(ErrorKind.STATUS, Phase.ASSERT, "503"), UNAVAILABLE),
    Case("status-000", "answers with status 000", is_down(PROTOCOL, HEADERS, "status 000"), at("status_000")),
    Case("status-999", "answers with status 999", is_down(PROTOCOL, HEADERS, "status 999"), at("status_999")),
    Case("status-1000", "answers with status 1000", is_down(PROTOCOL, HEADERS, ""), at("status_1000")),
    Case("http-9-9", "answers with HTTP/9.9", is_down(PROTOCOL, HEADERS, ""), at("version_9_9")),
    Case(
        "switches-unasked",
        "switches protocols unasked",
        is_down(PROTOCOL, HEADERS, "it switched protocols unasked"),
        at("switching_protocols"),
    ),
    Case(
        "nul-in-reason", "has NUL in its reason", is_down(PROTOCOL, HEADERS, "a control character"), at("nul_in_reason")
    ),
    Case("nul-in-header", "has NUL in a header", is_down(PROTOCOL, HEADERS, ""), at("nul_in_header")),
    Case("bare-lf", "ends lines with LF alone", is_down(PROTOCOL, HEADERS, ""), at("bare_lf")),
    Case("folded-header", "folds a header into two lines", is_down(PROTOCOL, HEADERS, ""), at("folded_header")),
]

CASES = [*SLOW, *LARGE, *FRAMING, *GRAMMAR]
