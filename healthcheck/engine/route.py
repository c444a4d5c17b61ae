"""Whether our own network still leads to an address: asked of the kernel, without sending anything.

A connection whose route or device is lost hears nothing of it: it waits, as it does for a target that is silent.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys

_LOST = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_DISCARD_PORT = 9

# Of linux/rtnetlink.h and linux/if.h.
_NETLINK_ROUTE, _REQUEST = 0, 1
_GET_LINK, _NEW_LINK, _GET_ROUTE, _NEW_ROUTE = 18, 16, 26, 24
_DESTINATION, _OUTGOING = 1, 4
_UP, _RUNNING = 0x1, 0x40
_HEADER, _ROUTE, _LINK, _ATTRIBUTE = (struct.Struct(f"={layout}") for layout in ("IHHII", "8BI", "BxHiII", "HH"))


def find_lost_route(address: str) -> str:
    """Return what our network lacks to reach an address, in a few words; empty when it lacks nothing that we see."""
    if not address:
        return ""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            # Of a datagram socket this only looks up the route.
            asking.connect((address, _DISCARD_PORT))
        return _find_dead_device(family, address) if sys.platform == "linux" else ""
    except OSError as error:
        # Anything else, such as too many open files, says nothing about a connection that was there already.
        return errno.errorcode[error.errno] if error.errno in _LOST else ""


def _find_dead_device(family: int, address: str) -> str:
    """Name the device that packets to the address leave by, if it is down or has no carrier: its routes may stay."""
    target = socket.inet_pton(family, address.partition("%")[0])
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
        asked = _ROUTE.pack(family, len(target) * 8, 0, 0, 0, 0, 0, 0, 0)
        route = _ask(kernel, _GET_ROUTE, asked + _ATTRIBUTE.pack(_ATTRIBUTE.size + len(target), _DESTINATION) + target)
        device = _read_device(route) if route is not None else 0
        link = _ask(kernel, _GET_LINK, _LINK.pack(0, 0, device, 0, 0)) if device else None
    if link is None or _LINK.unpack_from(link)[3] & (_UP | _RUNNING) == _UP | _RUNNING:
        return ""
    return f"{socket.if_indextoname(device)} is down"


def _ask(kernel: socket.socket, kind: int, body: bytes) -> bytes | None:
    """Return the body of the kernel's answer, which is there at once; None for an error."""
    kernel.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST, 1, 0) + body)
    answer = kernel.recv(65536)
    is_found = _HEADER.unpack_from(answer)[1] in (_NEW_ROUTE, _NEW_LINK)
    return answer[_HEADER.size :] if is_found else None


def _read_device(route: bytes) -> int:
    place = _ROUTE.size
    while place + _ATTRIBUTE.size <= len(route):
        size, kind = _ATTRIBUTE.unpack_from(route, place)
        if kind == _OUTGOING:
            return int.from_bytes(route[place + _ATTRIBUTE.size : place + size], sys.byteorder)
        # Attributes begin at multiples of four (linux/netlink.h).
        place += max(_ATTRIBUTE.size, size + 3 & ~3)
    return 0
