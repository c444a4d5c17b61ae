"""Whatever a name server says to a question of whatever type: an answer, or a reason that is the server's."""

from __future__ import annotations

import struct
from contextlib import suppress

import dns.rdatatype
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.dns.data import read_expected, read_type
from healthcheck.engine.dns.message import (
    HeavyAnswerError,
    NotOurAnswerError,
    Question,
    is_light,
    name_type,
    read_answer,
    read_number,
    write_name,
)
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind

NAME = write_name("a.test")
KNOWN = [int(kind) for kind in dns.rdatatype.RdataType if read_type(dns.rdatatype.to_text(kind)) is not None]
TYPES = st.sampled_from(KNOWN) | st.integers(1, 65535)
NAMES = st.sampled_from([NAME, b"\xc0\x0c", b"\0", b"\xc0\xff", b"\x01a\xc0\x0c", b"\x3f" + b"x" * 63 + b"\0", b"\x80"])
# Strings, names, numbers, windows of bits: of such pieces is the data of every type.
PIECES = st.one_of(
    st.binary(max_size=12),
    NAMES,
    st.binary(max_size=12).map(lambda text: bytes([len(text)]) + text),
    st.integers(0, 65535).map(struct.Struct("!H").pack),
    st.sampled_from([b"\0\x01\x40", b"\0\0", b"\xff" * 4, b"\x01\x02\x03\x04", b"\x05issue"]),
)
DATA = st.lists(PIECES, max_size=6).map(b"".join)


@st.composite
def records(draw: st.DrawFn, kind: int) -> bytes:
    data = draw(DATA)
    size = len(data) if draw(st.integers(0, 9)) else draw(st.integers(0, 300))
    number = draw(st.just(kind) | TYPES)
    return draw(NAMES) + struct.pack("!HHIH", number, draw(st.sampled_from([1, 1, 1, 3])), 60, size) + data


@given(st.data(), TYPES | st.just(255), st.integers(0, 65535), st.none() | st.integers(0, 50))
def test_any_answer_is_read_or_named(data: st.DataObject, kind: int, flags: int, max_labels: int | None) -> None:
    with suppress(Exception):
        # As a probe does before it asks.
        read_type(dns.rdatatype.to_text(dns.rdatatype.RdataType.make(kind)))
    question = Question(NAME, kind)
    found = data.draw(st.lists(records(kind), max_size=4))
    start = struct.pack("!HHHHHH", 7, flags & 0x87FF, 1, len(found), 0, 0)
    wire = start + NAME + struct.pack("!HH", kind, 1) + b"".join(found)
    wire = data.draw(st.just(wire) | st.integers(0, len(wire)).map(lambda end: wire[:end]) | st.binary(max_size=60))
    failure = None
    if read_number(wire) is None:
        return
    is_light(wire, question)
    try:
        answer = read_answer(wire, question, max_labels=max_labels)
    except ProbeFailure as error:
        failure = error.kind
    except (NotOurAnswerError, HeavyAnswerError):
        return
    if failure is not None:
        assert failure in {ErrorKind.PROTOCOL, ErrorKind.TOO_LARGE}
        return
    for record in answer.records:
        record.data.encode()
        assert len(record.name) <= 1100


@given(st.sampled_from(KNOWN).map(name_type) | st.text(max_size=8), st.text(max_size=40))
def test_any_expected_data_is_read_or_refused(kind: str, text: str) -> None:
    found = read_expected(kind, text)
    assert found is None or isinstance(found, bytes)
