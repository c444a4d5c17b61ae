"""`python -m tests.golden.ground FOLDER`: every target of the table and its name server, until the input ends.

Prints `ready` when all of them listen, and again after each line that it is told: by then every name is answered as it
was at the beginning.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.dns_server import DnsServer
from tests.golden.case import ALERTING, Case, Door
from tests.golden.certificates import Wallet
from tests.golden.table import CASES, HEALTHY, find_address
from tests.hostile import SCRIPTS, HostileServer

# Of linux/in6.h; Python does not name it.
IPV6_FREEBIND = 78


def main() -> None:
    folder = Path(sys.argv[1])
    wallet = Wallet(folder)
    (folder / "authority.pem").write_bytes(wallet.authority.pem)
    with ExitStack() as stack:
        dns = stack.enter_context(DnsServer(port=53))
        hostile = stack.enter_context(HostileServer())
        for case in (*CASES, *HEALTHY):
            for door in case.doors:
                _open(door, case, hostile=hostile, wallet=wallet, stack=stack)
        while True:
            _name_all(dns)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            if not sys.stdin.readline():
                return


def _open(door: Door, case: Case, *, hostile: HostileServer, wallet: Wallet, stack: ExitStack) -> None:
    address = door.address or find_address(case)
    if door.behaviour is None:
        for closed in _fill_queue(address, door.port):
            stack.enter_context(closed)
        return
    tls = wallet.open(door.tls) if door.tls else None
    if tls is not None and door.behaviour == ALERTING:
        threading.Thread(target=_answer_or_alert, args=(address, door.port, tls), daemon=True).start()
        return
    hostile.listen(door.behaviour, tls=tls, host=address, port=door.port)


def _answer_or_alert(address: str, port: int, tls: ssl.SSLContext) -> None:
    with socket.create_server((address, port)) as server:
        while True:
            client, _ = server.accept()
            with client, suppress(OSError), tls.wrap_socket(client, server_side=True) as secured:
                secured.recv(4096)
                secured.sendall(SCRIPTS["good"])


def _fill_queue(address: str, port: int) -> list[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family)
    if family == socket.AF_INET6:
        # The route makes it ours, but no interface has it, and IPv6 asks for that.
        server.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    server.bind((address, port))
    server.listen(0)
    # One connection may wait in a queue of length zero; the others are asked for until one is not answered.
    waiting = []
    for _ in range(3):
        client = socket.socket(family)
        client.setblocking(False)
        client.connect_ex((address, port))
        waiting.append(client)
    return [server, *waiting]


def _name_all(dns: DnsServer) -> None:
    dns.forget()
    # The name that is asked when another one got no answer.
    dns.add("example.com", "A 93.184.216.34")
    for case in (*CASES, *HEALTHY):
        address = find_address(case)
        dns.add(case.host, f"AAAA {address}" if ":" in address else f"A {address}")
        for name, replies in case.names.items():
            dns.play(name, *replies)


if __name__ == "__main__":
    main()
