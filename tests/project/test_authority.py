from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

from project.embedded.demo.authority import RENEW_BEFORE, VALID, ensure_certificate
from project.embedded.demo.targets import TargetServer, wrap_tls


def test_certificate_is_trusted_by_its_authority_alone(tmp_path: Path) -> None:
    authority = ensure_certificate(tmp_path, datetime.now(UTC))
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    server = TargetServer(wrap_tls(listener, tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = ssl.create_default_context(cadata=authority)
    with (
        socket.create_connection(address, timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
    ):
        client.sendall(b"GET /basket HTTP/1.0\r\n\r\n")
        answer = client.makefile("rb").read()
    server.shutdown()
    server.server_close()
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")


def test_certificate_is_kept_until_its_end_is_near(tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    authority = ensure_certificate(tmp_path, now)
    assert ensure_certificate(tmp_path, now + VALID - RENEW_BEFORE * 2) == authority
    assert ensure_certificate(tmp_path, now + VALID - RENEW_BEFORE) != authority


def test_certificate_that_is_broken_is_made_again(tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    authority = ensure_certificate(tmp_path, now)
    (tmp_path / "target.pem").write_text("half a file")
    assert ensure_certificate(tmp_path, now) != authority
