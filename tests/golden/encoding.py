"""The golden table: what can be wrong with a body, its encoding, its charset and its JSON."""

from __future__ import annotations

import gzip

from healthcheck.engine.types import ErrorKind, Phase
from tests.golden.case import Case, Door, Golden, is_down, is_up
from tests.hostile import answer, play

PROTOCOL, TOO_LARGE, ASSERTION = ErrorKind.PROTOCOL, ErrorKind.TOO_LARGE, ErrorKind.ASSERTION
BODY, ASSERT = Phase.BODY, Phase.ASSERT
HELLO = 'body contains "hello"'
READY = 'json $.status == "ok"'
UNASKED = "an encoding that was not asked for"

# 50 MB of zeros.
_BROTLI_BOMB = bytes.fromhex("cfffff7ff82700e2b14020f7fe9ffffffff04f00c4610180eefd7ffec1ebe39f0088c322001d747d")
# The largest window there is, 3.75 TiB, and blocks that say 128 KiB of one byte in four (RFC 8878, 3.1.1).
_ZSTD_BOMB = b"\x28\xb5\x2f\xfd\x00\xff" + b"\x02\x00\x10\x00" * 400 + b"\x03\x00\x10\x00"


def says(body: bytes, *headers: str) -> tuple[Door, ...]:
    """Answer 200 with this body."""
    return (Door(play(answer("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, body=body))),)


def claims(body: bytes, charset: str) -> tuple[Door, ...]:
    return says(body, f"Content-Type: text/plain; charset={charset}")


def fails(words: str) -> Golden:
    return is_down(ASSERTION, ASSERT, words)


ENCODINGS = [
    Case(
        "gzip-bomb",
        "packs 20 MB into 20 KB",
        is_down(TOO_LARGE, BODY, "more than 2097152 bytes"),
        (Door("gzip_bomb"),),
        assertions=HELLO,
    ),
    Case(
        "brotli-bomb",
        "packs 50 MB into 40 bytes of brotli",
        is_down(PROTOCOL, BODY, UNASKED),
        says(_BROTLI_BOMB, "Content-Encoding: br"),
        assertions=HELLO,
    ),
    Case(
        "zstd-bomb",
        "claims a zstd window of terabytes",
        is_down(PROTOCOL, BODY, UNASKED),
        says(_ZSTD_BOMB, "Content-Encoding: zstd"),
        assertions=HELLO,
    ),
    Case("gzip-nested", "packs twice", is_down(PROTOCOL, BODY, UNASKED), (Door("gzip_nested"),), assertions=HELLO),
    Case(
        "encodings-500",
        "claims 500 encodings",
        is_down(PROTOCOL, BODY, UNASKED),
        (Door("encodings_500"),),
        assertions=HELLO,
    ),
    Case(
        "gzip-cut",
        "cuts what it packed",
        is_down(PROTOCOL, BODY, "the encoded body is cut"),
        (Door("gzip_cut"),),
        assertions=HELLO,
    ),
    Case(
        "gzip-not",
        "claims gzip and sends text",
        is_down(PROTOCOL, BODY, "the body is not in the encoding it claims"),
        (Door("gzip_not"),),
        assertions=HELLO,
    ),
    Case("gzip-unneeded", "packs a bomb that nobody unpacks", is_up(), (Door("gzip_bomb"),)),
    Case(
        "gzip-good",
        "packs as it should",
        is_up(),
        says(gzip.compress(b"hello"), "Content-Encoding: gzip"),
        assertions=HELLO,
    ),
]

TEXTS = [
    Case("nul-in-body", "has NUL in its body", is_up(), says(b"a\0hello"), assertions=HELLO),
    Case(
        "nul-found",
        "has NUL where something else is expected",
        fails("another text"),
        says(b"a\0b"),
        assertions='body == "ab"',
    ),
    Case("not-utf8", "sends what is not UTF-8", is_up(), claims(b"\xff\xfe\x00hello", "utf-8"), assertions=HELLO),
    Case(
        "utf-7",
        "claims UTF-7, which has a way to write half a character",
        is_up(),
        claims(b"+2AA-", "utf-7"),
        assertions='body == "+2AA-"',
    ),
    Case(
        "charset-hex",
        "claims the charset hex",
        is_up(),
        claims(b"68656c6c6f", "hex"),
        assertions='body == "68656c6c6f"',
    ),
    Case("charset-idna", "claims the charset idna", is_up(), claims(b"xn--hello", "idna"), assertions=HELLO),
    Case(
        "charset-unknown", "claims a charset that nobody knows", is_up(), claims(b"hello", "klingon"), assertions=HELLO
    ),
    Case(
        "utf-16-bare",
        "sends UTF-16 without a mark",
        is_up(),
        claims("hello größe".encode("utf-16-le"), "utf-16"),
        assertions='body contains "größe"',
    ),
    Case(
        "one-line",
        "sends 10 MB on one line, and a pattern is looked for",
        fails("not in the body"),
        says(b"x" * 10_000_000),
        options={"max_body_bytes": 16_777_216},
        assertions='body matches "(x+x+)+y"',
        timeout_seconds=10.0,
    ),
    Case(
        "bidi",
        "turns text around and hides some",
        fails("another text"),
        claims("a\u202eb\u200bc".encode(), "utf-8"),
        assertions='body == "abc"',
    ),
    Case(
        "ansi",
        "sends escapes of a terminal",
        fails("another text"),
        says(b"\x1b[2J\x1b[31mred"),
        assertions='body == "red"',
    ),
    Case(
        "script",
        "sends a script in its title",
        fails("another text"),
        says(b"<title><script>alert(1)</script></title>"),
        assertions='body == "safe"',
    ),
    Case("empty", "sends an empty 200", is_up(), (Door("empty"),)),
    Case(
        "empty-unwanted",
        "sends an empty 200 where a text is expected",
        fails("a body of length 0"),
        (Door("empty"),),
        assertions="body length > 0",
    ),
]

JSON = [
    Case(
        "json-deep",
        "nests JSON 100,000 deep",
        fails("JSON nested deeper than 32 levels"),
        says(b"[" * 100_000 + b"]" * 100_000),
        assertions=READY,
    ),
    Case(
        "json-objects-deep",
        "nests objects 100,000 deep",
        fails("JSON nested deeper than 32 levels"),
        says(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        assertions=READY,
    ),
    Case(
        "json-long-integer",
        "has an integer of 5,000 digits",
        fails("a number is too long"),
        says(b'{"status":' + b"9" * 5_000 + b"}"),
        assertions=READY,
    ),
    Case("json-nan", "has NaN in JSON", fails("not a number"), says(b'{"status": NaN}'), assertions=READY),
    Case(
        "json-infinity",
        "has -Infinity in JSON",
        fails("not a number"),
        says(b'{"status": -Infinity}'),
        assertions=READY,
    ),
    Case(
        "json-overflow",
        "has 1e999, which no float holds",
        fails("inf"),
        says(b'{"status": 1e999}'),
        assertions="json $.status < 10",
    ),
    # RFC 8259 leaves it open; the last one is what nearly every parser takes.
    Case("json-twice", "says a key twice", is_up(), says(b'{"status": "bad", "status": "ok"}'), assertions=READY),
    Case(
        "json-surrogate", "escapes half a character", fails("\ud800"), says(b'{"status": "\\ud800"}'), assertions=READY
    ),
    Case("json-bom", "begins JSON with a mark", is_up(), says(b'\xef\xbb\xbf{"status": "ok"}'), assertions=READY),
    Case("json-empty", "sends nothing where JSON is expected", fails("not JSON"), (Door("empty"),), assertions=READY),
    Case(
        "json-wide",
        "has half a million values",
        fails("JSON with more than 50000 values"),
        says(b"[" + b"1," * 500_000 + b"1]"),
        options={"max_body_bytes": 4_000_000},
        assertions="json $..x == 1",
    ),
]

PATTERNS = [
    Case(
        "pattern-nested",
        "is fit for a pattern that takes others exponential time",
        fails("not in the body"),
        says(b"a" * 100_000 + b"!"),
        assertions='body matches "(a+)+$"',
    ),
    Case(
        "path-wide",
        "is fit for a path that visits everything",
        fails("a path that visits too many values"),
        says(b"[" + b",".join([b"[1,2,3,4,5,6,7,8]"] * 5_000) + b"]"),
        assertions="json $..[?@.a == 1 && @.b == 2 && @.c == 3 && @.d == 4] exists",
        timeout_seconds=10.0,
    ),
]

CASES = [*ENCODINGS, *TEXTS, *JSON, *PATTERNS]
