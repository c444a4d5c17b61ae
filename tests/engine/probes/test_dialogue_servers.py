"""Ready-made dialogues against the servers that they are made for, and handshakes with a real web server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from healthcheck.engine.types import ErrorKind
from tests.dialogue_servers import run_dovecot, run_memcached, run_postfix, run_sshd, run_vsftpd
from tests.engine.conftest import Attempt, Run
from tests.web_servers import run_nginx


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: some of them keep sockets there. Their own users read it, too."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


def speak(port: int, dialogue: str, authority: trustme.CA | None = None) -> Attempt:
    trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()} if authority else {}
    return Attempt(f"tcp://localhost:{port}", {"dialogue": dialogue, **trust}, kind="tcp")


def test_memcached_tells_its_version(run: Run) -> None:
    with run_memcached() as port:
        assert (run(speak(port, "use memcached").observe()).body or b"").startswith(b"VERSION ")
        failure = run(speak(port, "use redis").fail())
        assert (failure.kind, failure.found) == (ErrorKind.ASSERTION, '"ERROR"')


def test_openssh_greets(run: Run, folder: Path) -> None:
    with run_sshd(folder) as port:
        assert (run(speak(port, "use ssh").observe()).body or b"").startswith(b"SSH-2.0-OpenSSH")


def test_vsftpd_says_goodbye_in_clear_and_under_encryption(run: Run, folder: Path, authority: trustme.CA) -> None:
    with run_vsftpd(folder, authority) as port:
        assert run(speak(port, "use ftp").observe()).certificate is None
        assert run(speak(port, "use ftp starttls", authority).observe()).certificate is not None
        assert run(speak(port, "use ftp starttls").fail()).kind is ErrorKind.CERTIFICATE


def test_dovecot_speaks_imap_and_pop3(run: Run, folder: Path, authority: trustme.CA) -> None:
    with run_dovecot(folder, authority) as (imap, pop3):
        for port, name in ((imap, "imap"), (pop3, "pop3")):
            assert run(speak(port, f"use {name}").observe()).certificate is None
            assert run(speak(port, f"use {name} starttls", authority).observe()).certificate is not None


def test_postfix_takes_an_ehlo_in_clear_and_under_encryption(run: Run, folder: Path, authority: trustme.CA) -> None:
    with run_postfix(folder, authority) as port:
        assert run(speak(port, "use smtp").observe()).certificate is None
        assert run(speak(port, "use smtp starttls", authority).observe()).certificate is not None


def test_nginx_shakes_hands(run: Run, folder: Path, authority: trustme.CA) -> None:
    with run_nginx(folder, authority) as (plain, encrypted):
        trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
        seen = run(Attempt(f"tls://localhost:{urlsplit(encrypted).port}", trust, kind="tls").observe())
        assert (seen.certificate is not None, seen.protocol in {"TLSv1.2", "TLSv1.3"}) == (True, True)
        assert run(Attempt(f"tls://localhost:{urlsplit(plain).port}", trust, kind="tls").fail()).kind is ErrorKind.TLS
