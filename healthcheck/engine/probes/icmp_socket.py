"""One ICMP socket for one check, of the kind that this system allows, and the packets that go and come over it.

One per check, as with TCP: the kernel tells the checks apart, and a flood for one fills no buffer of another.
"""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from healthcheck.engine.faults import OUR_ERRNOS, ProbeFailure, classify_os_error
from healthcheck.engine.types import ErrorKind, Phase

NOT_PERMITTED = (
    "This process may not send ICMP; let its group do so by the sysctl net.ipv4.ping_group_range, such as "
    '"0 2147483647", or give it CAP_NET_RAW.'
)
# Read in one step of the loop: what a flood brings beyond them waits until others had their turn.
MAX_READS = 32
# The largest payload with its header and the longest header of IPv4; what is longer is cut, and is no reply of ours.
_BUFFER_BYTES, _ANCILLARY_BYTES = 2048, 512
_HEADER = struct.Struct("!BBHHH")
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_TIMESPEC = struct.Struct("@ll")

# Of Linux, by number: Python has no names for them.
_SO_TIMESTAMPNS, _ICMP_FILTER, _IP_RECVERR, _IPV6_RECVERR = 35, 1, 11, 25
_SOL_RAW = 255
_ORIGIN_ICMP = (2, 3)

# Of a message about a packet: type and code to words (RFC 792, RFC 1812 5.2.7.1, RFC 4443).
_WORDS_4 = {
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 2): "protocol unreachable",
    (3, 3): "port unreachable",
    (3, 4): "packet too large for a network on the way",
    **{(3, code): "prohibited on the way" for code in (9, 10, 13)},
    **{(11, code): "time to live exceeded on the way" for code in (0, 1)},
}
_WORDS_6 = {
    (1, 0): "no route",
    (1, 3): "address unreachable",
    (1, 4): "port unreachable",
    **{(1, code): "prohibited on the way" for code in (1, 5, 6)},
    (2, 0): "packet too large for a network on the way",
    **{(3, code): "time to live exceeded on the way" for code in (0, 1)},
}
# Somebody said no; the others say that it cannot be reached.
_REFUSALS = frozenset({"prohibited on the way", "port unreachable", "protocol unreachable"})


@dataclass(frozen=True, slots=True)
class Reply:
    """An echo of ours came back. `received_ns` is the kernel's wall clock, None where it did not say."""

    sequence: int
    payload: bytes
    received_ns: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody on the way says why a packet did not arrive; `payload` is as much of it as was quoted."""

    sequence: int
    payload: bytes
    words: str

    @property
    def kind(self) -> ErrorKind:
        return ErrorKind.REFUSED if self.words.partition(", says ")[0] in _REFUSALS else ErrorKind.CONNECTION


@dataclass(frozen=True, slots=True)
class _Flavour:
    """What differs between the two versions of ICMP."""

    family: socket.AddressFamily
    protocol: int
    request: int
    reply: int
    error_option: tuple[int, int]
    filter_option: tuple[int, int, bytes]
    words: dict[tuple[int, int], str]


def _block_all_but(kind: int, words: int) -> bytes:
    return (~(1 << kind) & ((1 << 32 * words) - 1)).to_bytes(4 * words, "little")


_V4 = _Flavour(
    socket.AF_INET, 1, 8, 0, (socket.IPPROTO_IP, _IP_RECVERR), (_SOL_RAW, _ICMP_FILTER, _block_all_but(0, 1)), _WORDS_4
)
_V6 = _Flavour(
    socket.AF_INET6,
    58,
    128,
    129,
    (socket.IPPROTO_IPV6, _IPV6_RECVERR),
    (58, _ICMP_FILTER, _block_all_but(129, 8)),
    _WORDS_6,
)


class EchoSocket:
    """Open to one address. Raises ProbeFailure where it cannot be; `close` is due on every way out."""

    def __init__(self, address: str) -> None:
        text, _, zone = address.partition("%")
        peer = ipaddress.ip_address(text)
        mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
        self._peer = mapped or peer
        self._flavour = _V4 if self._peer.version == 4 else _V6
        self._socket = _open(self._flavour)
        try:
            self._connect(f"{self._peer}%{zone}" if zone else str(self._peer))
        except BaseException:
            self.close()
            raise

    def _connect(self, address: str) -> None:
        self._is_raw = self._socket.type == socket.SOCK_RAW
        try:
            self._socket.connect((address, 0))
        except OSError as error:
            raise _classify(error) from error
        # A datagram socket has an identifier from the kernel, which sorts the replies by it.
        self._identifier = secrets.randbits(16) if self._is_raw else int(self._socket.getsockname()[1])

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, sequence: int, payload: bytes) -> None:
        """Send an echo request. Raises ProbeFailure."""
        unsummed = _HEADER.pack(self._flavour.request, 0, 0, self._identifier, sequence) + payload
        # The kernel writes the sum of ICMPv6 itself, because its own address is a part of it.
        checksum = _sum(unsummed) if self._flavour is _V4 else 0
        packet = _HEADER.pack(self._flavour.request, 0, checksum, self._identifier, sequence) + payload
        try:
            self._socket.send(packet)
        except OSError as error:
            if error.errno not in {errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.ENETUNREACH, errno.EPROTO}:
                raise _classify(error) from error
            self._send_again(packet)

    def _send_again(self, packet: bytes) -> None:
        # An error about an earlier packet is told at the next call, whatever it is; a second time it is about this one.
        try:
            self._socket.send(packet)
        except OSError as error:
            raise _classify(error) from error

    def read(self) -> list[Reply | Refusal]:
        """Return what has come, MAX_READS of a sort at most; nothing where nothing of ours has."""
        replies = [self._read_reply(*each) for each in self._drain(0)]
        refusals = [self._read_refusal(*each) for each in self._drain(socket.MSG_ERRQUEUE)]
        return [each for each in (*replies, *refusals) if each is not None]

    def _drain(self, flags: int) -> Iterator[tuple[bytes, list[tuple[int, int, bytes]], str]]:
        for _ in range(MAX_READS):
            try:
                data, ancillary, _, sender = self._socket.recvmsg(_BUFFER_BYTES, _ANCILLARY_BYTES, flags)
            except BlockingIOError:
                return
            except OSError:
                # What is pending on the socket is told once, and why stands in the queue of errors.
                continue
            yield data, ancillary, sender[0] if sender else ""

    def _read_reply(self, data: bytes, ancillary: list[tuple[int, int, bytes]], sender: str) -> Reply | None:
        if self._is_raw and self._flavour is _V4:
            data = data[(data[0] & 0x0F) * 4 :] if data else b""
        # A datagram socket takes replies from everywhere, even when it is connected.
        if not sender or ipaddress.ip_address(sender.partition("%")[0]) != self._peer:
            return None
        found = self._match(data, self._flavour.reply)
        return Reply(found[0], found[1], _read_timestamp(ancillary)) if found else None

    def _read_refusal(self, data: bytes, ancillary: list[tuple[int, int, bytes]], sender: str) -> Refusal | None:
        found, words = self._match(data, self._flavour.request), self._read_words(ancillary)
        return Refusal(found[0], found[1], words) if found and words else None

    def _match(self, data: bytes, kind: int) -> tuple[int, bytes] | None:
        if len(data) < _HEADER.size:
            return None
        found, _code, _sum, identifier, sequence = _HEADER.unpack_from(data)
        return (sequence, data[_HEADER.size :]) if (found, identifier) == (kind, self._identifier) else None

    def _read_words(self, ancillary: list[tuple[int, int, bytes]]) -> str:
        for level, option, data in ancillary:
            if (level, option) != self._flavour.error_option or len(data) < _EXTENDED_ERROR.size:
                continue
            _number, origin, kind, code, *_ = _EXTENDED_ERROR.unpack_from(data)
            if origin in _ORIGIN_ICMP:
                words = self._flavour.words.get((kind, code), f"ICMP type {kind} code {code}")
                return f"{words}{_name_offender(data[_EXTENDED_ERROR.size :])}"
        return ""


def _open(flavour: _Flavour) -> socket.socket:
    """Return a socket that wants no privilege where the system allows one to our group, else a raw one."""
    try:
        made = _make(flavour, socket.SOCK_DGRAM)
    except OSError as error:
        if error.errno in OUR_ERRNOS:
            raise _classify(error) from error
        made = _open_raw(flavour)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        made.setsockopt(*flavour.error_option, 1)
        if made.type == socket.SOCK_RAW:
            made.setsockopt(*flavour.filter_option)
    except OSError as error:
        made.close()
        raise ProbeFailure(ErrorKind.INTERNAL, Phase.CONNECT, f"no ICMP socket: {_name(error)}") from error
    return made


def _open_raw(flavour: _Flavour) -> socket.socket:
    try:
        return _make(flavour, socket.SOCK_RAW)
    except PermissionError:
        raise ProbeFailure(ErrorKind.INTERNAL, Phase.CONNECT, NOT_PERMITTED) from None
    except OSError as error:
        if error.errno in OUR_ERRNOS:
            raise _classify(error) from error
        # Such as a kernel without the protocol: nothing was asked of the target.
        raise ProbeFailure(ErrorKind.INTERNAL, Phase.CONNECT, f"no ICMP socket: {_name(error)}") from error


def _make(flavour: _Flavour, kind: socket.SocketKind) -> socket.socket:
    return socket.socket(flavour.family, kind, flavour.protocol)


def _classify(error: OSError) -> ProbeFailure:
    # A filter or a route of our own host says no; what others say comes through the queue of errors.
    if error.errno in {errno.EPERM, errno.EACCES}:
        return ProbeFailure(ErrorKind.CAPACITY, Phase.CONNECT, f"our own host does not let it out: {_name(error)}")
    return classify_os_error(error, Phase.CONNECT)


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "unknown")


def _sum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _read_timestamp(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, option, data in ancillary:
        if (level, option) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return int(seconds) * 10**9 + int(nanoseconds)
    return None


def _name_offender(data: bytes) -> str:
    """Return who says so, from the socket address that follows the error."""
    if len(data) < 8:
        return ""
    family = int.from_bytes(data[:2], "little")
    if family == socket.AF_INET:
        return f", says {ipaddress.IPv4Address(data[4:8])}"
    if family == socket.AF_INET6 and len(data) >= 24:
        return f", says {ipaddress.IPv6Address(data[8:24])}"
    return ""
