"""The data of records as people read and compare it. What dnspython knows is written as in a zone file."""

from __future__ import annotations

import socket
from functools import lru_cache

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.wire
from dns.rdtypes.txtbase import TXTBase

# What evidence and pages have room for; a record may be 64 KiB.
MAX_DATA_CHARS = 4096
# By the number of the type: the family, and how many bytes an address has.
ADDRESS_TYPES = {1: (socket.AF_INET, 4), 28: (socket.AF_INET6, 16)}
# What is read where everything was asked for.
_COMMON = frozenset(
    int(dns.rdatatype.from_text(each))
    for each in ("MX", "TXT", "SOA", "SRV", "CAA", "NAPTR", "DS", "DNSKEY", "TLSA", "HTTPS", "SVCB")
)
# Types that ask for something else than records of theirs.
_QUESTION_TYPES = frozenset({"ANY", "AXFR", "IXFR", "MAILA", "MAILB", "OPT", "TKEY", "TSIG", "NONE", "TYPE0"})


def read_type(text: str) -> int | None:
    """Return the number of a mnemonic or of TYPEnnn; None for what is no type that can be asked for.

    Loads what reads its data, so that no event loop has to.
    """
    try:
        number = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError):
        return None
    if dns.rdatatype.to_text(number) in _QUESTION_TYPES - {"ANY"}:
        return None
    for each in _COMMON if number == dns.rdatatype.ANY else (number,):
        _find_class(each)
    return int(number)


def read_data(wire: bytes, offset: int, size: int, *, number: int, asked: int) -> tuple[str, bytes]:
    """Return the data's text, and a key that is the same for data that means the same.

    Raises ValueError and dns.exception.DNSException.
    """
    family = ADDRESS_TYPES.get(number)
    if family is not None:
        packed = wire[offset : offset + size]
        if size != family[1]:
            raise ValueError
        return socket.inet_ntop(family[0], packed), packed
    if number != asked and not (asked == dns.rdatatype.ANY and number in _COMMON):
        return _write_unknown(wire[offset : offset + size])
    parser = dns.wire.Parser(wire, offset)
    with parser.restrict_to(size):
        data = dns.rdata.from_wire_parser(dns.rdataclass.IN, dns.rdatatype.RdataType.make(number), parser)
    return write_data(data), make_key(data)


def _write_unknown(packed: bytes) -> tuple[str, bytes]:
    # As RFC 3597 (5) writes what is not known.
    return f"\\# {len(packed)} {packed[: MAX_DATA_CHARS // 2].hex()}".rstrip(), packed


def write_data(data: dns.rdata.Rdata) -> str:
    """Return the text, in which the strings of a text record are one (RFC 7208, 3.3, and everybody else)."""
    if not isinstance(data, TXTBase):
        return data.to_text()[:MAX_DATA_CHARS]
    text = b"".join(data.strings).decode("utf-8", "replace")[:MAX_DATA_CHARS]
    return (
        text if text.isprintable() else "".join(each if each.isprintable() else f"\\{ord(each):03d}" for each in text)
    )


def make_key(data: dns.rdata.Rdata) -> bytes:
    """Return what two records have in common that mean the same: names in lower case, texts joined."""
    return b"".join(data.strings) if isinstance(data, TXTBase) else data.to_digestable()


@lru_cache(maxsize=4096)
def read_expected(kind: str, text: str) -> bytes | None:
    """Return the key of data that somebody wrote, None where it is no such data. Names may lack their last dot."""
    number = read_type(kind)
    if number is None or kind == "ANY":
        return None
    if issubclass(_find_class(number), TXTBase):
        return text.encode("utf-8")
    try:
        data = dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.RdataType.make(number), text, origin=dns.name.root, relativize=False
        )
    except (dns.exception.DNSException, ValueError):
        return None
    return make_key(data)


def _find_class(number: int) -> type[dns.rdata.Rdata]:
    kind = dns.rdatatype.RdataType.make(number)
    found: type[dns.rdata.Rdata] = dns.rdata.get_rdata_class(dns.rdataclass.IN, kind)  # type: ignore[no-untyped-call]
    return found
