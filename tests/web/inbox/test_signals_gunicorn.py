"""Jobs report over real HTTP to the server of production: bodies of any size and kind, and what its log holds."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.utils import timezone

from healthcheck.models import Signal
from healthcheck.models.heartbeat import MAX_BODY_LENGTH
from project import gunicorn_conf
from tests.factories import make_heartbeat_endpoint, make_location, make_token
from tests.figures.children import ROOT, Child
from tests.figures.deployment import wait_until
from tests.free_ports import find_free_ports
from tests.test_processes import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

WAIT_SECONDS = 60
REFUSAL = b"the body is not chunked as it says\n"
THREADS = gunicorn_conf.threads
# What is slow may have a thread for 3 s once somebody else has waited for one for a second; more on a busy machine.
SLOW_SECONDS = 10
LARGE = 100 * 1024 * 1024
# Far less than the body: what the server may grow by while it is sent.
ROOM = 30 * 1024 * 1024
LOGGED = """
import logging
from project.gunicorn_conf import *

accesslog = "-"


def post_worker_init(worker):
    logging.getLogger("gunicorn.access").setLevel("INFO")
"""


class Web:
    """gunicorn as it is deployed, with one process and its access log on."""

    def __init__(self, folder: Path) -> None:
        [self.port] = find_free_ports(1)
        self.log = folder / "web.log"
        configuration = folder / "logged.py"
        configuration.write_text(LOGGED)
        command = (sys.executable, "-m", "gunicorn", "-c", str(configuration), "-b", f"127.0.0.1:{self.port}")
        variables = {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "HEALTHCHECK_DATA": str(folder),
            "LOG_LEVEL": "DEBUG",
        }
        more = ("--workers", "1", "--chdir", str(ROOT), "project.wsgi")
        self.child = Child(*command, *more, log=self.log, environment={**os.environ, **variables})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def read_memory(self) -> int:
        """Return the bytes that the processes of the server hold."""
        total = 0
        for pid in [*_list_children(self.child.process.pid)]:
            status = Path(f"/proc/{pid}/status").read_text()
            total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
        return total


def _list_children(pid: int) -> Iterator[int]:
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(each)
        yield from _list_children(int(each))


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    started = Web(tmp_path_factory.mktemp("web"))
    with started.child:
        assert wait_until(started.answers, seconds=WAIT_SECONDS)
        yield started


@pytest.fixture(autouse=True)
def _location(transactional_db: None) -> None:
    make_location()


@pytest.fixture
def token() -> str:
    return make_token(make_heartbeat_endpoint(), at=timezone.now())


def _pour(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b"a" * 65536


def test_bodies_are_kept_whether_their_length_is_said_or_not(web: Web, token: str) -> None:
    said = httpx.post(f"{web.url}/ping/{token}/1", content=b"no space left")
    chunked = httpx.post(f"{web.url}/ping/{token}/1", content=iter([b"no space", b" left"]))
    assert (said.status_code, chunked.status_code) == (200, 200)
    assert list(Signal.objects.values_list("body", flat=True)) == ["no space left"] * 2


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_of_100_mb_is_not_received(web: Web, token: str, is_chunked: bool) -> None:
    before, began = web.read_memory(), time.monotonic()
    framing = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {LARGE}"
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(f"POST /ping/{token}/fail HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode())
        connection.sendall((b"10000\r\n" if is_chunked else b"") + b"a" * 65536)
        # Not a byte more: the answer comes all the same.
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert time.monotonic() - began < 5
    assert len(Signal.objects.get().body) == MAX_BODY_LENGTH
    # A client that sends on all the same is cut off, or drained into nothing: it never fills the memory.
    with contextlib.suppress(httpx.TransportError):
        httpx.post(f"{web.url}/ping/{token}/fail", content=_pour(LARGE), timeout=20)
    assert wait_until(lambda: Signal.objects.count() == 2, seconds=WAIT_SECONDS)
    assert web.read_memory() - before < ROOM
    assert httpx.get(f"{web.url}/ping/{token}").status_code == 200


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_breaks_off_is_a_signal_all_the_same(web: Web, token: str, framing: str) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        head = f"POST /ping/{token}/fail HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n64\r\nonly this"
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
    assert (answer[:15], Signal.objects.count()) == (b"HTTP/1.1 200 OK", 1)


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"4\r\nabcdef\r\n0\r\n\r\n", b"4;\r=1\r\nabcd\r\n0\r\n\r\n"])
@pytest.mark.parametrize("is_known", [True, False])
def test_chunks_that_are_none_are_refused_and_no_signal(web: Web, token: str, is_known: bool, chunks: bytes) -> None:
    path = f"/ping/{token if is_known else token[::-1]}/"
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + chunks)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert (answer.split(b"\r\n")[0], answer.split(b"\r\n\r\n")[1]) == (b"HTTP/1.1 400 Bad Request", REFUSAL)
    assert Signal.objects.count() == 0


@contextlib.contextmanager
def _drip(connections: list[socket.socket]) -> Iterator[None]:
    """Send a byte a second over each of the connections."""
    is_over = threading.Event()

    def send() -> None:
        while not is_over.wait(1):
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.sendall(b"a")

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_pages_are_reached_while_bodies_come_slowly(web: Web, token: str) -> None:
    head = f"POST /ping/{token}/fail HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n"
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=SLOW_SECONDS))
            for _ in range(THREADS + 2)
        ]
        for connection in slow:
            connection.sendall(head.encode())
        with _drip(slow):
            assert httpx.get(f"{web.url}/healthz", timeout=SLOW_SECONDS).status_code == 200
            # Its address was the signal, long before all of the body would have been there.
            for connection in slow[1:]:
                connection.settimeout(WAIT_SECONDS)
            answers = [connection.recv(4096) for connection in slow]
    # All of them, so that none is still being stored when the test is over.
    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * len(slow)
    assert Signal.objects.count() == len(slow)


def test_head_answers_as_get_without_a_body(web: Web, token: str) -> None:
    got, head = httpx.get(f"{web.url}/ping/{token}"), httpx.head(f"{web.url}/ping/{token}")
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", got.headers["Content-Length"])
    assert Signal.objects.count() == 2


def test_no_log_of_the_server_holds_a_token(web: Web, token: str) -> None:
    for path in (token, f"{token}/start?rid=r-1", f"{token}/nonsense", f"{token[:-1]}x"):
        httpx.get(f"{web.url}/ping/{path}")
    # Refused before it comes to the view.
    httpx.get(f"{web.url}/ping/{token}", headers={"Host": "nobody.example"})
    assert wait_until(lambda: web.log.read_text().count("/ping/[hidden]") >= 5, seconds=3), web.log.read_text()[-1500:]
    assert (token in web.log.read_text(), token[:-1] in web.log.read_text()) == (False, False)
