"""Questions and answers on the wire (RFC 1035). Frames and names are read here, in bounded time; dnspython reads data.

Reading a whole message with dnspython takes 20 ms for 200 addresses, and it imports a module for each type that it
meets: here types that nobody asked for stay as they came.
"""

from __future__ import annotations

import re
import secrets
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import dns.exception
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from healthcheck.engine.dns.data import ADDRESS_TYPES, read_data
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import DnsAnswer, DnsRecord, ErrorKind, Phase

# What fits through nearly every network in one piece (the recommendation of dnsflagday.net, 2020).
UDP_BYTES = 1232
# More than anybody publishes under one name, and little enough to be read in a few milliseconds.
MAX_RECORDS = 300
# The same number as resolvers have.
MAX_ALIASES = 16
MAX_NAME_BYTES = 255
# From pointer to pointer: no name has more labels.
MAX_POINTERS = 127
# Above these, reading may take a few milliseconds and leaves the loop. Pointers make many labels of few bytes.
MAX_BYTES_ON_LOOP, MAX_RECORDS_ON_LOOP, MAX_LABELS_ON_LOOP = UDP_BYTES, 8, 1000

_START = struct.Struct("!HH")
_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_IS_ANSWER, _OPCODES, _IS_TRUNCATED, _RECURSION_DESIRED = 0x8000, 0x7800, 0x0200, 0x0100
# EDNS(0): the root's name, type OPT, how much we take, no flags, no options (RFC 6891, 6.1.2).
_OPT = b"\0" + struct.pack("!HHIH", dns.rdatatype.OPT, UDP_BYTES, 0, 0)
# A server that does not read EDNS says so with one of these (RFC 6891, 7).
NOT_EDNS = frozenset({"FORMERR", "NOTIMP"})
# Servers that fail may leave the question out.
_MAY_LACK_QUESTION = frozenset({1, 2, 4, 5})


class NotOurAnswerError(Exception):
    """A message that answers something else: late, lost or forged. It is passed over."""


class HeavyAnswerError(Exception):
    """A message that takes too long to be read on the loop."""


@dataclass(frozen=True, slots=True)
class Question:
    """A name in wire form, and the number of a type."""

    name: bytes
    type: int
    is_recursive: bool = True

    def write(self, number: int, *, is_edns: bool) -> bytes:
        """Return the message; `number` is its id."""
        flags = _RECURSION_DESIRED if self.is_recursive else 0
        header = _HEADER.pack(number, flags, 1, 0, 0, 1 if is_edns else 0)
        return header + self.name + _QUESTION.pack(self.type, dns.rdataclass.IN) + (_OPT if is_edns else b"")


def choose_number() -> int:
    """Return an id that nobody can foresee."""
    return secrets.randbits(16)


@lru_cache(maxsize=4096)
def write_name(name: str) -> bytes:
    """Return the wire form of an ASCII name. Raises dns.exception.DNSException for what is no name."""
    wire = dns.name.from_text(name).to_wire()
    assert wire is not None
    return wire


@lru_cache(maxsize=1024)
def name_type(number: int) -> str:
    """Return the mnemonic of a type, TYPEnnn where it has none."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(number))


def read_number(wire: bytes) -> int | None:
    """Return the id of an answer; None for what is no answer at all."""
    if len(wire) < _START.size:
        return None
    number, flags = _START.unpack_from(wire)
    return int(number) if flags & _IS_ANSWER else None


def is_truncated(wire: bytes) -> bool:
    """Whether a message that has a number had no room for all of it."""
    return bool(_START.unpack_from(wire)[1] & _IS_TRUNCATED)


def read_answer(wire: bytes, question: Question, *, max_labels: int | None = None) -> DnsAnswer:
    """Return what a message says, whose id is known to be right.

    Raises NotOurAnswerError, HeavyAnswerError when its names have more labels in all than `max_labels`, and
    ProbeFailure for what cannot be read (PROTOCOL) or is too much (TOO_LARGE).
    """
    try:
        return _Reading(wire, question, max_labels).read()
    except (struct.error, IndexError, ValueError, dns.exception.DNSException):
        raise ProbeFailure(ErrorKind.PROTOCOL, Phase.HEADERS, "a message that cannot be read") from None


def is_light(wire: bytes, question: Question) -> bool:
    """Whether reading a message of few labels takes a millisecond or two at the most."""
    if len(wire) < _HEADER.size:
        return True
    is_plain = question.type in _NAMES or question.type in ADDRESS_TYPES
    count = int(_HEADER.unpack_from(wire)[3])
    return len(wire) <= MAX_BYTES_ON_LOOP and (is_plain or count <= MAX_RECORDS_ON_LOOP)


class _Reading:
    """One pass through a message. Each name is read once, wherever it is pointed to from."""

    def __init__(self, wire: bytes, question: Question, max_labels: int | None) -> None:
        self._wire = wire
        self._question = question
        self._labels: dict[int, tuple[bytes, ...]] = {}
        self._texts: dict[tuple[bytes, ...], str] = {}
        self._labels_left = max_labels

    def read(self) -> DnsAnswer:
        _, flags, questions, records, *_ = _HEADER.unpack_from(self._wire)
        rcode = dns.rcode.to_text(dns.rcode.Rcode.make(flags & 0xF))
        kind = name_type(self._question.type)
        if flags & _OPCODES or questions > 1 or (questions == 0 and flags & 0xF not in _MAY_LACK_QUESTION):
            raise ValueError
        if questions == 0:
            return DnsAnswer(kind, rcode)
        offset = self._read_question()
        if records > MAX_RECORDS:
            raise ProbeFailure(ErrorKind.TOO_LARGE, Phase.HEADERS, f"more than {MAX_RECORDS} records")
        found = tuple(self._read_records(offset, records))
        end = _follow(found, self._write_text(self._read_name(_HEADER.size)[0]), kind)
        answers = tuple(each for each in found if _lower(each.name) == _lower(end) and kind in (each.type, "ANY"))
        return DnsAnswer(kind, rcode, found, answers, end)

    def _read_question(self) -> int:
        labels, offset = self._read_name(_HEADER.size)
        kind, group = _QUESTION.unpack_from(self._wire, offset)
        wanted = tuple(label.lower() for label in _split(self._question.name))
        if (tuple(label.lower() for label in labels), kind, group) != (wanted, self._question.type, dns.rdataclass.IN):
            raise NotOurAnswerError
        return offset + _QUESTION.size

    def _read_records(self, offset: int, count: int) -> Iterator[DnsRecord]:
        for _ in range(count):
            labels, offset = self._read_name(offset)
            number, group, ttl, size = _RECORD.unpack_from(self._wire, offset)
            offset += _RECORD.size
            if offset + size > len(self._wire):
                raise ValueError
            if group == dns.rdataclass.IN:
                yield self._read_record(labels, offset, size, number=number, ttl=ttl)
            offset += size

    def _read_record(self, labels: tuple[bytes, ...], offset: int, size: int, *, number: int, ttl: int) -> DnsRecord:
        kind = name_type(number)
        if number in _NAMES:
            target, end = self._read_name(offset)
            if end != offset + size:
                raise ValueError
            data, key = self._write_text(target), _join(target).lower()
        else:
            data, key = read_data(self._wire, offset, size, number=number, asked=self._question.type)
        # With the first bit set it counts as none at all (RFC 2181, 8).
        return DnsRecord(self._write_text(labels), kind, ttl if ttl < 1 << 31 else 0, data, key)

    def _read_name(self, offset: int, depth: int = 0) -> tuple[tuple[bytes, ...], int]:
        """Return the labels, and the offset behind them. Pointers lead backwards, so that this ends."""
        start, labels, size = offset, list[bytes](), 0
        while True:
            length = self._wire[offset]
            if length >= 0xC0:
                target = (length & 0x3F) << 8 | self._wire[offset + 1]
                if target >= start or depth > MAX_POINTERS:
                    raise ValueError
                if target not in self._labels:
                    self._labels[target] = self._read_name(target, depth + 1)[0]
                labels += self._labels[target]
                offset += 2
                break
            if length > 63:
                raise ValueError
            offset += 1
            if length == 0:
                break
            labels.append(self._wire[offset : offset + length])
            size += length + 1
            offset += length
            if size > MAX_NAME_BYTES or offset >= len(self._wire):
                raise ValueError
        self._bound(labels)
        return tuple(labels), offset

    def _bound(self, labels: Sequence[bytes]) -> None:
        if sum(map(len, labels)) + len(labels) + 1 > MAX_NAME_BYTES:
            raise ValueError
        if self._labels_left is not None:
            self._labels_left -= len(labels)
            if self._labels_left < 0:
                raise HeavyAnswerError

    def _write_text(self, labels: tuple[bytes, ...]) -> str:
        text = self._texts.get(labels)
        if text is None:
            text = self._texts[labels] = write_labels(labels)
        return text


# Of these the data is a name and nothing else.
_NAMES = frozenset({dns.rdatatype.CNAME, dns.rdatatype.NS, dns.rdatatype.PTR, dns.rdatatype.DNAME})
_PLAIN = re.compile(rb"[!#%&'*+,\-/0-9:<=>?A-Z\[\]^_`a-z{|}~]*")


def write_labels(labels: tuple[bytes, ...]) -> str:
    """Return the text of a name with its last dot, escaped where it is not plain (RFC 4343, 2.1)."""
    return ("".join(f"{_escape(label)}." for label in labels)) or "."


def _escape(label: bytes) -> str:
    if _PLAIN.fullmatch(label):
        return label.decode("ascii")
    return "".join(
        chr(each) if _PLAIN.fullmatch(bytes([each])) else f"\\{chr(each)}" if 0x21 <= each <= 0x7E else f"\\{each:03d}"
        for each in label
    )


def _join(labels: tuple[bytes, ...]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


@lru_cache(maxsize=4096)
def _split(name: bytes) -> tuple[bytes, ...]:
    labels, offset = [], 0
    while length := name[offset]:
        labels.append(name[offset + 1 : offset + 1 + length])
        offset += length + 1
    return tuple(labels)


def _follow(records: tuple[DnsRecord, ...], name: str, kind: str) -> str:
    """Return where the aliases lead to within the answer. Raises ProbeFailure where they lead in a circle."""
    if kind in ("CNAME", "ANY"):
        return name
    aliases = {_lower(each.name): each.data for each in records if each.type == "CNAME"}
    for _ in range(MAX_ALIASES + 1):
        target = aliases.get(_lower(name))
        if target is None:
            return name
        name = target
    raise ProbeFailure(ErrorKind.PROTOCOL, Phase.HEADERS, f"more than {MAX_ALIASES} aliases, or a circle of them")


def _lower(name: str) -> str:
    return name.lower()
