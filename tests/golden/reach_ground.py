"""`python -m tests.golden.reach_ground`: one server on every address there is, that counts who came and to where.

Ports 80 (HTTP, and datagrams) and 443 (it hangs up). A GET whose path is `/to/` and a percent-encoded text is sent on
to that text; every other path is answered well, and `/bad` with 500. Prints what came to which local address since the
last time as a JSON object, once at the beginning and then for each line that it is told. The file that is named to it
says how names are answered.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tests.dns_server import DnsServer, Reply
from tests.golden.reach import NAME_SERVER

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BAD = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n"
BACKLOG = 1024


async def main() -> None:
    counted: Counter[str] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, port = writer.get_extra_info("sockname")[:2]
        counted[_spell(address)] += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if port == 80:
                writer.write(_answer((await reader.readuntil(b"\r\n\r\n")).split()[1]))
        writer.close()

    for port in (80, 443):
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        await asyncio.start_server(serve, sock=listener, backlog=BACKLOG)
    _count_datagrams(80, counted)
    with DnsServer(port=53) as system, DnsServer(NAME_SERVER, port=53) as other:
        while True:
            for server in (system, other):
                _name(server, Path(sys.argv[1]))
            sys.stdout.write(f"{json.dumps(counted)}\n")
            sys.stdout.flush()
            counted.clear()
            if not await asyncio.to_thread(sys.stdin.readline):
                return


def _count_datagrams(port: int, counted: Counter[str]) -> None:
    listener = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    listener.bind(("::", port))

    def hear() -> None:
        _, ((_, _, information), *_), _, _ = listener.recvmsg(65535, 1024)
        counted[_spell(str(IPv6Address(information[:16])))] += 1

    asyncio.get_running_loop().add_reader(listener, hear)


def _spell(address: str) -> str:
    """Return an address as itself, and not as an IPv6 one that means it."""
    mapped = IPv6Address(address).ipv4_mapped if ":" in address else None
    return str(mapped) if mapped is not None else address


def _answer(path: bytes) -> bytes:
    if path.startswith(b"http://"):
        # As a proxy is asked.
        path = b"/" + path.split(b"/", 3)[3]
    if path == b"/bad":
        return BAD
    wanted = path.removeprefix(b"/to/")
    return REDIRECT % unquote_to_bytes(wanted) if wanted != path else GOOD


def _name(dns: DnsServer, names: Path) -> None:
    dns.forget()
    for name, answers in json.loads(names.read_text()).items():
        dns.play(name, *(Reply(tuple(records)) for records in answers))


if __name__ == "__main__":
    asyncio.run(main())
