"""Messages of name servers, as bytes: whatever they hold, reading them ends soon and by name."""

from __future__ import annotations

import struct
import time
from contextlib import suppress

import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.dns.data import MAX_DATA_CHARS, read_expected, read_type
from healthcheck.engine.dns.message import (
    MAX_LABELS_ON_LOOP,
    MAX_RECORDS,
    HeavyAnswerError,
    NotOurAnswerError,
    Question,
    is_light,
    read_answer,
    read_number,
    write_labels,
    write_name,
)
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind

A, MX, TXT, ANY = 1, 15, 16, 255
# What the loop may be held up by.
MAX_SECONDS_ON_LOOP = 0.005


def answer(name: str, kind: int, *records: str) -> bytes:
    query = dns.message.make_query(name, dns.rdatatype.RdataType.make(kind), id=7)
    message = dns.message.make_response(query)
    for record in records:
        owner, ttl, _, word, data = record.split(None, 4)
        message.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", word, data))
    return message.to_wire(max_size=65535)


def test_question_is_what_others_read() -> None:
    wire = Question(write_name("a.example"), MX, is_recursive=False).write(258, is_edns=True)
    read = dns.message.from_wire(wire)
    assert (read.id, read.flags, str(read.question[0]), read.payload) == (258, 0, "a.example. IN MX", 1232)


def test_answer_keeps_its_spelling_and_is_found_in_any_case() -> None:
    wire = answer("a.EXAMPLE", TXT, 'a.EXAMPLE. 9 IN TXT "x"')
    read = read_answer(wire, Question(write_name("A.example"), TXT))
    assert [(each.name, each.data, str(each)) for each in read.answers] == [
        ("a.EXAMPLE.", "x", "a.EXAMPLE. 9 IN TXT x")
    ]


def test_ttl_with_the_first_bit_set_is_none() -> None:
    wire = answer("a.example", A, "a.example. 2147483647 IN A 192.0.2.1").replace(b"\x7f\xff\xff\xff", b"\x80\0\0\x01")
    assert read_answer(wire, Question(write_name("a.example"), A)).ttl == 0


def test_answer_to_something_else_is_not_ours() -> None:
    wire = answer("a.example", A, "a.example. 9 IN A 192.0.2.1")
    for question in (Question(write_name("b.example"), A), Question(write_name("a.example"), MX)):
        with pytest.raises(NotOurAnswerError):
            read_answer(wire, question)


def test_question_itself_is_no_answer() -> None:
    assert read_number(Question(write_name("a.example"), A).write(7, is_edns=True)) is None


def test_names_and_texts_are_printable() -> None:
    assert write_labels((b"a.b", b'"\x00 \xff')) == 'a\\.b.\\"\\000\\032\\255.'
    wire = answer("a.example", TXT, 'a.example. 9 IN TXT "x\\010y\\200"')
    [record] = read_answer(wire, Question(write_name("a.example"), TXT)).answers
    assert record.data == "x\\010y\N{REPLACEMENT CHARACTER}"


def test_long_data_is_cut() -> None:
    text = " ".join(['"' + "x" * 255 + '"'] * 40)
    [record] = read_answer(
        answer("a.example", TXT, f"a.example. 9 IN TXT {text}"), Question(write_name("a.example"), TXT)
    ).answers
    assert (record.data, len(record.key)) == ("x" * MAX_DATA_CHARS, 40 * 255)


def make_pointers(count: int) -> bytes:
    """Return a message whose answer's name is a chain of so many pointers, each to the one before."""
    question = b"\x01a\x00\x00\x01\x00\x01"
    chain = b"".join(struct.pack("!H", 0xC000 | (12 if place == 0 else 27 + 2 * place)) for place in range(count))
    record = b"\x00\x00\x01\x00\x01" + struct.pack("!IH", 0, len(chain)) + chain
    name = struct.pack("!H", 0xC000 | (29 + 2 * (count - 1)))
    return (
        b"\x00\x07\x80\x00\x00\x01\x00\x02\x00\x00\x00\x00"
        + question
        + record
        + name
        + b"\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1"
    )


def name_outcome(wire: bytes, question: Question) -> ErrorKind | None:
    try:
        read_answer(wire, question)
    except ProbeFailure as failure:
        return failure.kind
    return None


@pytest.mark.parametrize("kind", [A, MX, TXT, ANY])
@given(data=st.binary(max_size=600), records=st.integers(0, 400))
def test_reading_ends_by_name_whatever_comes(kind: int, data: bytes, records: int) -> None:
    question = Question(write_name("a.example"), kind)
    head = struct.pack("!HHHHHH", 7, 0x8000, 1, records, 0, 0) + question.write(7, is_edns=False)[12:]
    for wire in (head + data, data):
        with suppress(NotOurAnswerError):
            assert name_outcome(wire, question) in {None, ErrorKind.PROTOCOL, ErrorKind.TOO_LARGE}


def test_names_of_many_labels_do_not_hold_up_the_loop() -> None:
    """The dearest message that is read on the loop: names of 120 labels, each from another place of the first."""
    target = b"\x01a" * 120 + b"\0"
    question = Question(target, A)
    records = b"".join(
        struct.pack("!H", 0xC000 | (12 + 2 * place))
        + struct.pack("!HHIH", 5, 1, 9, 2)
        + struct.pack("!H", 0xC00C + 2 * place)
        for place in range(60)
    )
    wire = struct.pack("!HHHHHH", 7, 0x8000, 1, 60, 0, 0) + question.write(7, is_edns=False)[12:] + records
    assert is_light(wire, question)
    spent = []
    for _ in range(5):
        began = time.process_time()
        with pytest.raises(HeavyAnswerError):
            read_answer(wire, question, max_labels=MAX_LABELS_ON_LOOP)
        spent.append(time.process_time() - began)
    assert min(spent) < MAX_SECONDS_ON_LOOP


def test_many_records_are_read_elsewhere() -> None:
    question = Question(write_name("a.example"), MX)
    wire = answer("a.example", MX, *(f"a.example. 9 IN MX {number} b.example." for number in range(9)))
    assert not is_light(wire, question)
    assert is_light(wire, Question(write_name("a.example"), A))
    assert MAX_RECORDS * 16 > 1232


def test_chain_of_pointers_is_cut() -> None:
    question = Question(b"\x01a\0", A)
    with pytest.raises(ProbeFailure):
        read_answer(make_pointers(4000), question)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A", 1),
        ("TYPE65", 65),
        ("HTTPS", 65),
        ("ANY", 255),
        ("AXFR", None),
        ("OPT", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_type_is_a_mnemonic_or_a_number(text: str, number: int | None) -> None:
    assert read_type(text) == number


@pytest.mark.parametrize(
    ("kind", "one", "other", "is_same"),
    [
        ("AAAA", "2001:db8::1", "2001:DB8:0:0::1", True),
        ("MX", "10 mail.example.", "10 MAIL.example", True),
        ("MX", "10 mail.example.", "20 mail.example.", False),
        ("TXT", "v=spf1 -all", "V=spf1 -all", False),
        ("DS", "1 8 2 " + "AB" * 32, "1 8 2 " + "ab" * 16 + " " + "ab" * 16, True),
        ("TYPE65", "1 . alpn=h2", '1 . alpn="h2"', True),
    ],
)
def test_values_are_compared_by_what_they_mean(kind: str, one: str, other: str, is_same: bool) -> None:
    assert (read_expected(kind, one) == read_expected(kind, other)) is is_same


def test_value_that_is_no_such_data_has_no_meaning() -> None:
    assert read_expected("A", "not an address") is None
