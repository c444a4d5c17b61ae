"""What a target claims about its encoding is bounded and never chooses what code runs."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from healthcheck.engine.decoding import choose_charset, count_body, decode_text, read_body
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind


def _pack(body: bytes) -> bytes:
    # Without the time of packing: a test's name must be the same in every process.
    return gzip.compress(body, mtime=0)


async def stream(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def read(body: bytes, encoding: str = "", *, limit: int = 1_000, size: int = 7) -> bytes:
    return asyncio.run(read_body(stream(body, size), encoding=encoding, limit=limit))


HELLO = b"hello, hello, hello"


@pytest.mark.parametrize("size", [1, 2, 1_000])
@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (HELLO, ""),
        (HELLO, "identity"),
        (_pack(HELLO), "gzip"),
        (_pack(HELLO), "Identity, X-GZIP"),
        (_pack(HELLO[:5]) + _pack(HELLO[5:]), "gzip"),
        (zlib.compress(HELLO), "deflate"),
        (zlib.compress(HELLO, wbits=-15), "deflate"),
    ],
)
def test_read_body_unpacks(packed: bytes, encoding: str, size: int) -> None:
    assert read(packed, encoding, size=size) == HELLO


def test_read_body_of_nothing_is_empty_in_any_encoding() -> None:
    assert read(b"", "gzip") == b""


@pytest.mark.parametrize(
    ("body", "encoding", "kind"),
    [
        (b"x" * 1_001, "", ErrorKind.TOO_LARGE),
        (_pack(b"x" * 1_001), "gzip", ErrorKind.TOO_LARGE),
        (_pack(bytes(10_000_000)), "gzip", ErrorKind.TOO_LARGE),
        (_pack(HELLO)[:-1], "gzip", ErrorKind.PROTOCOL),
        (_pack(HELLO) + b"garbage", "gzip", ErrorKind.PROTOCOL),
        (HELLO, "gzip", ErrorKind.PROTOCOL),
        (HELLO, "deflate", ErrorKind.PROTOCOL),
        (HELLO, "br", ErrorKind.PROTOCOL),
        (HELLO, "gzip, gzip", ErrorKind.PROTOCOL),
        (HELLO, "deflate, gzip", ErrorKind.PROTOCOL),
    ],
)
def test_read_body_refuses(body: bytes, encoding: str, kind: ErrorKind) -> None:
    with pytest.raises(ProbeFailure) as caught:
        read(body, encoding, size=100_000)
    assert caught.value.kind == kind


def test_count_body_counts_up_to_its_limit() -> None:
    assert asyncio.run(count_body(stream(HELLO, 3), len(HELLO))) == len(HELLO)
    with pytest.raises(ProbeFailure) as caught:
        asyncio.run(count_body(stream(HELLO, 3), len(HELLO) - 1))
    assert caught.value.kind == ErrorKind.TOO_LARGE


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("", "utf-8"),
        ("text/html", "utf-8"),
        ("text/html; charset=ISO-8859-1", "iso-8859-1"),
        ("text/html; boundary=x; Charset = 'Shift_JIS'", "shift_jis"),
        ('text/html; charset="utf-16"', "utf-16"),
        ("text/html; charset=hex", "utf-8"),
        ("text/html; charset=idna", "utf-8"),
        ("text/html; charset=utf-7", "utf-8"),
        ("text/html; charset=unicode_escape", "utf-8"),
        ("text/html; charset=../../etc/passwd", "utf-8"),
        ("text/html; charset=", "utf-8"),
        ("text/html;" * 10_000, "utf-8"),
    ],
)
def test_choose_charset_knows_only_text_codecs(content_type: str, charset: str) -> None:
    assert choose_charset(content_type) == charset


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("größe".encode(), "utf-8", "größe"),
        (b"\xef\xbb\xbfhello", "utf-8", "hello"),
        ("größe".encode("latin-1"), "iso-8859-1", "größe"),
        (b"\x93quoted\x94", "iso-8859-1", "“quoted”"),
        ("größe".encode("utf-16"), "utf-16", "größe"),
        ("größe".encode("utf-16-le"), "utf-16", "größe"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        (b"\xff\xfehello", "utf-8", "\ufffd\ufffdhello"),
        (b"+2AA-", "utf-7", "+2AA-"),
        (b"\xed\xa0\x80", "utf-8", "\ufffd\ufffd\ufffd"),
        (b"\x00\xd8", "utf-16le", "\ufffd"),
        (b"68656c6c6f", "hex", "68656c6c6f"),
        (b"a\x00b", "unknown", "a\x00b"),
    ],
)
def test_decode_text_is_total(body: bytes, charset: str, text: str) -> None:
    assert decode_text(body, charset) == text


def test_every_charset_has_a_codec() -> None:
    names = [*(f"iso-8859-{number}" for number in range(1, 17)), *(f"windows-{number}" for number in range(1250, 1259))]
    names += [
        "utf-16",
        "utf-16le",
        "utf-16be",
        "koi8-r",
        "koi8-u",
        "shift_jis",
        "euc-jp",
        "gbk",
        "gb2312",
        "big5",
        "euc-kr",
    ]
    assert {
        decode_text("abc".encode("utf-16-be" if name == "utf-16be" else "utf-16-le"), name)
        for name in names
        if "utf-16" in name
    } == {"abc"}
    assert {decode_text(b"abc", name) for name in names if "utf-16" not in name} == {"abc"}
