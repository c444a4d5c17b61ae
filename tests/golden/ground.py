"""`python -m tests.golden.ground hostile FOLDER | healthy | names`: a part of the table's world, until the input ends.

Each part is a process of its own, so that what some targets cost delays no others. Prints `ready` when everything
listens, and again after each line that it is told; every name is answered then as it was at the beginning.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.dns_server import DnsServer
from tests.golden.case import ALERTING, NAME_SERVER, Case
from tests.golden.certificates import Wallet
from tests.golden.table import CASES, CROWD, HEALTHY, find_address
from tests.hostile import SCRIPTS, HostileServer

# Of linux/in6.h; Python does not name it.
IPV6_FREEBIND = 78
ALERT_SECONDS = 5.0


def main() -> None:
    with ExitStack() as stack:
        if sys.argv[1] == "names":
            servers = [stack.enter_context(DnsServer(host, port=53)) for host in ("127.0.0.1", NAME_SERVER)]
            _await_end(lambda: _name_all(servers))
        elif sys.argv[1] == "healthy":
            _open_doors(HEALTHY, None, stack)
            _await_end(lambda: None)
        else:
            folder = Path(sys.argv[2])
            wallet = Wallet(folder)
            (folder / "authority.pem").write_bytes(wallet.authority.pem)
            _open_doors((*CASES, *CROWD), wallet, stack)
            _await_end(lambda: None)


def _await_end(prepare: Callable[[], None]) -> None:
    while True:
        prepare()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if not sys.stdin.readline():
            return


def _open_doors(cases: Iterable[Case], wallet: Wallet | None, stack: ExitStack) -> None:
    hostile = stack.enter_context(HostileServer())
    for case in cases:
        for door in case.doors:
            address = door.address or find_address(case)
            if door.behaviour is None:
                for closed in _fill_queue(address, door.port):
                    stack.enter_context(closed)
                continue
            tls = wallet.open(door.tls) if door.tls and wallet is not None else None
            if tls is not None and door.behaviour == ALERTING:
                threading.Thread(target=_answer_or_alert, args=(address, door.port, tls), daemon=True).start()
                continue
            hostile.listen(door.behaviour, tls=tls, host=address, port=door.port)


def _answer_or_alert(address: str, port: int, tls: ssl.SSLContext) -> None:
    with socket.create_server((address, port)) as server:
        while True:
            client, _ = server.accept()
            client.settimeout(ALERT_SECONDS)
            with suppress(OSError), tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False) as secured:
                try:
                    secured.do_handshake()
                    secured.recv(4096)
                    secured.sendall(SCRIPTS["good"])
                except ssl.SSLError:
                    # What lies unread would turn the close into a reset, which takes the alert with it.
                    secured.shutdown(socket.SHUT_WR)
                    while secured.recv(4096):
                        pass


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


def _name_all(servers: Sequence[DnsServer]) -> None:
    for server in servers:
        server.forget()
        # The name that is asked when another one got no answer.
        server.add("example.com", "A 93.184.216.34")
        for case in (*CASES, *CROWD, *HEALTHY):
            address = find_address(case)
            server.add(case.host, f"AAAA {address}" if ":" in address else f"A {address}")
            for name, replies in case.names.items():
                server.play(name, *replies)


if __name__ == "__main__":
    main()
