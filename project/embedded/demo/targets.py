"""The demo's targets: one server in plain HTTP, one with TLS, on sockets that are handed down already listening.

Arguments: the handle of each socket, and the folder of the certificate. Imports nothing of ours: it stands for others.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FLAP_SECONDS = 60
LONGEST_ANSWER_SECONDS = 10.0
# Nobody has ordered anything yet: the mistake that the demo shows is a real one.
ORDERS: list[int] = []


class TargetHandler(BaseHTTPRequestHandler):
    """Answers one request per connection, as a health check asks."""

    timeout = 30.0

    def do_GET(self) -> None:
        try:
            status, content_type, text = answer(self.path)
        except ZeroDivisionError as error:
            status, content_type, text = 500, "text/plain", f"ZeroDivisionError: {error}"
        self._send(status, content_type, text)

    def _send(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/catalogue")
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Keep quiet: every request is one of our own checks."""


class TargetServer(ThreadingHTTPServer):
    """Serves on a socket that it was given. TLS shakes hands in the connection's own thread, never while accepting."""

    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), TargetHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a client that hung up."""


def answer(path: str) -> tuple[int, str, str]:
    """Return status, content type and text. Raises ZeroDivisionError for the average of no orders."""
    if path.startswith("/slow/"):
        time.sleep(min(float(path.removeprefix("/slow/")), LONGEST_ANSWER_SECONDS))
        return 200, "text/plain", "slow but sure"
    if path == "/average-order":
        return 200, "text/plain", f"{sum(ORDERS) / len(ORDERS)}"
    if path == "/flapping" and int(time.time() // FLAP_SECONDS) % 2:
        return 503, "text/plain", "back in a minute"
    return ANSWERS.get(path, (404, "text/plain", "not here"))


ANSWERS = {
    "/catalogue": (200, "text/html", "<h1>Catalogue</h1><p>One teapot, two cups.</p>"),
    "/old-catalogue": (302, "text/plain", "moved"),
    "/basket": (200, "application/json", json.dumps({"status": "ok", "items": [{"name": "cup", "count": 2}]})),
    "/flapping": (200, "text/plain", "up for now"),
}


def wrap_tls(listener: socket.socket, certificates: Path) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "target.pem", certificates / "target-key.pem")
    return context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)


def main() -> None:
    plain_handle, tls_handle, certificates = sys.argv[1:]
    plain = TargetServer(socket.socket(fileno=int(plain_handle)))
    tls = TargetServer(wrap_tls(socket.socket(fileno=int(tls_handle)), Path(certificates)))
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    tls.serve_forever()


if __name__ == "__main__":
    main()
