"""What is checked: Debian's nginx, and a server that answers late or never. Loopback only, on many addresses."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import trustme

from tests.figures.children import LIFE_SECONDS, Child
from tests.figures.deployment import wait_until

START_SECONDS = 10.0
# Connections that a server has not accepted yet; a group opens its connections in one burst.
BACKLOG = 4096
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 8000; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ {listen} location / {{ default_type text/plain; return 200 'hello ok world'; }} }}
}}
"""


def spread(count: int) -> list[str]:
    """Return so many loopback addresses, none of them 127.0.0.1."""
    return [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(count)]


@contextmanager
def run_nginx(
    addresses: Sequence[str], *, authority: trustme.CA | None = None, life_seconds: int = LIFE_SECONDS
) -> Iterator[list[str]]:
    """Serve a small page that holds "ok" on every address, with an authority over TLS; gives the URLs."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("nginx is not installed (Debian: nginx-light)")
    folder, port = Path(os.environ["HEALTHCHECK_DATA"]), _find_port()
    tls = "ssl" if authority is not None else ""
    listen = " ".join(f"listen {address}:{port} backlog={BACKLOG} {tls};" for address in addresses)
    if authority is not None:
        authority.issue_cert(*addresses).private_key_and_cert_chain_pem.write_to_path(folder / "nginx.pem")
        listen += f" ssl_certificate {folder}/nginx.pem; ssl_certificate_key {folder}/nginx.pem;"
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, listen=listen))
    # One process without a master, so that nothing outlives it.
    with Child(program, "-c", str(configuration), log=folder / "nginx.log", seconds=life_seconds):
        if not wait_until(lambda: _accepts(addresses[-1], port), seconds=START_SECONDS):
            raise TimeoutError((folder / "nginx.log").read_text())
        yield [f"http{tls and 's'}://{address}:{port}/" for address in addresses]


@contextmanager
def run_late_server(addresses: Sequence[str], *, after_seconds: float | None) -> Iterator[list[str]]:
    """Accept on every address and answer after so long, or never; gives the URLs."""
    loop, port = asyncio.new_event_loop(), _find_port()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    opening = loop.create_server(partial(_Late, loop, after_seconds), list(addresses), port, backlog=BACKLOG)
    server = asyncio.run_coroutine_threadsafe(opening, loop).result(START_SECONDS)
    try:
        yield [f"http://{address}:{port}/" for address in addresses]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_SECONDS)


class _Late(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, after_seconds: float | None) -> None:
        self._loop, self._after_seconds = loop, after_seconds
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._after_seconds is not None:
            self._loop.call_later(self._after_seconds, self._answer)

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(ANSWER)
            self._transport.close()


def _find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _accepts(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True
