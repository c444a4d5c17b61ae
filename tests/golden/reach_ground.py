"""`python -m tests.golden.reach_ground`: one server on every address there is, that counts who came and to where.

Ports 80 (HTTP) and 443 (it hangs up). A GET whose path is `/to/` and a percent-encoded text is redirected to that text;
every other path is answered well, and `/bad` with 500. Prints `ready`, and for each line that it is told the counted
connections since the last one as a JSON object of local addresses. Names are answered by `names.json` of the folder.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tests.dns_server import DnsServer, Reply

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BAD = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n"
BACKLOG = 1024


async def main() -> None:
    counted: Counter[str] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, port = writer.get_extra_info("sockname")[:2]
        counted[address.removeprefix("::ffff:")] += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if port == 80:
                writer.write(_answer((await reader.readuntil(b"\r\n\r\n")).split()[1]))
        writer.close()

    for port in (80, 443):
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
        await asyncio.start_server(serve, sock=listener, backlog=BACKLOG)
    with DnsServer(port=53) as dns:
        while True:
            _name(dns, Path(sys.argv[1]))
            sys.stdout.write(f"{json.dumps(counted)}\n")
            sys.stdout.flush()
            counted.clear()
            if not await asyncio.to_thread(sys.stdin.readline):
                return


def _answer(path: bytes) -> bytes:
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
