"""Every way in which a server can misbehave has a name, and ends by its deadline."""

from __future__ import annotations

import time

import pytest

from healthcheck.engine.types import ErrorKind, Phase
from tests.engine.conftest import Attempt, Run
from tests.hostile import BEHAVIOURS, HostileServer
from tests.open_sockets import count_sockets, settle_sockets

TIMEOUT, CONNECTION, PROTOCOL, REDIRECT, TOO_LARGE = (
    ErrorKind.TIMEOUT,
    ErrorKind.CONNECTION,
    ErrorKind.PROTOCOL,
    ErrorKind.REDIRECT,
    ErrorKind.TOO_LARGE,
)
REQUEST, HEADERS, BODY = Phase.REQUEST, Phase.HEADERS, Phase.BODY

FAULTS = {
    "silent": (TIMEOUT, HEADERS),
    "header_drip": (TIMEOUT, HEADERS),
    "body_drip": (TIMEOUT, BODY),
    "close_at_once": (CONNECTION, HEADERS),
    "cut_header": (CONNECTION, HEADERS),
    "reset_before_headers": (CONNECTION, HEADERS),
    "reset_in_header": (CONNECTION, HEADERS),
    "reset_in_body": (CONNECTION, BODY),
    "reset_in_endless_body": (CONNECTION, BODY),
    "cut_body": (CONNECTION, BODY),
    "cut_chunk": (CONNECTION, BODY),
    "cut_between_chunks": (CONNECTION, BODY),
    "chunk_size_huge": (CONNECTION, BODY),
    "huge_header": (TOO_LARGE, HEADERS),
    "many_headers": (TOO_LARGE, HEADERS),
    "many_cookies": (TOO_LARGE, HEADERS),
    "endless_headers": (TOO_LARGE, HEADERS),
    "endless_body": (TOO_LARGE, BODY),
    "body_over_2_mib": (TOO_LARGE, BODY),
    "endless_trailer": (TOO_LARGE, BODY),
    "endless_trailers": (TOO_LARGE, BODY),
    "endless_chunk_extension": (TOO_LARGE, BODY),
    "gzip_bomb": (TOO_LARGE, BODY),
    "endless_continue": (PROTOCOL, HEADERS),
    "length_negative": (PROTOCOL, HEADERS),
    "length_not_a_number": (PROTOCOL, HEADERS),
    "lengths_conflict": (PROTOCOL, HEADERS),
    "length_and_chunked": (PROTOCOL, HEADERS),
    "chunk_size_garbage": (PROTOCOL, BODY),
    "chunk_size_overflow": (PROTOCOL, BODY),
    "http_0_9": (PROTOCOL, HEADERS),
    "random": (PROTOCOL, HEADERS),
    "ssh_banner": (PROTOCOL, HEADERS),
    "greet_unasked": (PROTOCOL, HEADERS),
    "http2_preface": (PROTOCOL, HEADERS),
    "status_000": (PROTOCOL, HEADERS),
    "status_999": (PROTOCOL, HEADERS),
    "status_1000": (PROTOCOL, HEADERS),
    "version_9_9": (PROTOCOL, HEADERS),
    "version_2_0": (PROTOCOL, HEADERS),
    "switching_protocols": (PROTOCOL, HEADERS),
    "nul_in_reason": (PROTOCOL, HEADERS),
    "nul_in_header": (PROTOCOL, HEADERS),
    "bare_lf": (PROTOCOL, HEADERS),
    "folded_header": (PROTOCOL, HEADERS),
    "space_before_colon": (PROTOCOL, HEADERS),
    "gzip_cut": (PROTOCOL, BODY),
    "gzip_not": (PROTOCOL, BODY),
    "gzip_nested": (PROTOCOL, BODY),
    "encodings_500": (PROTOCOL, BODY),
    "brotli": (PROTOCOL, BODY),
    "zstd": (PROTOCOL, BODY),
    "redirect_empty": (REDIRECT, HEADERS),
    "redirect_broken": (REDIRECT, HEADERS),
    "redirect_bad_port": (REDIRECT, HEADERS),
    "redirect_file": (REDIRECT, HEADERS),
    "redirect_javascript": (REDIRECT, HEADERS),
    "redirect_loop": (REDIRECT, HEADERS),
    "endless_redirect_body": (REDIRECT, HEADERS),
    "redirect_bad_name": (ErrorKind.DNS, Phase.RESOLVE),
}
ANSWERS = {
    "good": (200, b"hello"),
    "empty": (200, b""),
    "no_content": (204, b""),
    "until_close": (200, b"until the end"),
    "http_1_0": (200, b"old"),
    "chunked": (200, b"hello world"),
    "tiny_chunks": (200, b"x" * 50_000),
    "early_hints": (200, b"hello"),
    "upgrade_offered": (200, b"hello"),
    "answer_unasked": (200, b"hello"),
    "answer_and_vanish": (200, b"hello"),
    "answer_anything": (400, b""),
    "not_utf8": (200, b"\xff\xfe\x00abc"),
    "utf7": (200, b"+2AA-"),
    "no_content_with_body": (204, b""),
    "more_than_length": (200, b"hello"),
    "redirect_missing": (302, b""),
    "gzip": (200, b"hello"),
    "gzip_members": (200, b"hello"),
    "deflate": (200, b"hello"),
    "deflate_raw": (200, b"hello"),
}


# Told apart only by what is sent to them; they have tests of their own.
ELSEWHERE = {"echo", "handshake_drip", "head_with_body", "never_read"}


def test_transport_table_covers_every_behaviour() -> None:
    assert FAULTS.keys() | ANSWERS.keys() | ELSEWHERE == BEHAVIOURS.keys()


@pytest.mark.parametrize("behaviour", FAULTS)
def test_transport_names_every_fault(behaviour: str, hostile: HostileServer, run: Run) -> None:
    attempt = Attempt(f"http://127.0.0.1:{hostile.listen(behaviour)}/", timeout=0.5)
    started = time.monotonic()
    failure = run(attempt.fail())
    assert (failure.kind, failure.phase) == FAULTS[behaviour]
    assert time.monotonic() - started < attempt.timeout + 0.5


@pytest.mark.parametrize("behaviour", ANSWERS)
def test_transport_reads_every_legal_answer(behaviour: str, hostile: HostileServer, run: Run) -> None:
    seen = run(Attempt(f"http://127.0.0.1:{hostile.listen(behaviour)}/").observe())
    assert (seen.status, seen.body) == ANSWERS[behaviour]


def test_transport_reads_no_body_after_head(hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('head_with_body')}/"
    seen = run(Attempt(url, options={"method": "HEAD"}).observe())
    assert (seen.status, seen.body, seen.body_size) == (200, b"", 0)


def test_transport_ends_by_its_deadline_when_nobody_reads_the_request(hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('never_read')}/"
    failure = run(Attempt(url, options={"method": "POST", "body": "x" * 262_144}, timeout=0.3).fail())
    assert failure.kind == TIMEOUT
    assert failure.phase in {REQUEST, HEADERS}


def test_transport_drops_the_body_that_nobody_needs(hostile: HostileServer, run: Run) -> None:
    seen = run(Attempt(f"http://127.0.0.1:{hostile.listen('encodings_500')}/", needs_body=False).observe())
    assert (seen.body, seen.body_size) == (None, 5)


def test_transport_leaves_nothing_open_after_faults(hostile: HostileServer, run: Run) -> None:
    urls = [f"http://127.0.0.1:{hostile.listen(behaviour)}/" for behaviour in FAULTS]

    async def probe_all() -> None:
        for url in urls:
            await Attempt(url, timeout=0.05).fail()

    before = count_sockets()
    run(probe_all())
    # The server's ends close on their own thread.
    assert settle_sockets(before) <= before
