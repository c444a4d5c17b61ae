"""gunicorn's threads, with an end to waiting for clients: who sends a byte a second must not keep a page from others.

Only what is still to be read is cut off. An answer that is being made or sent goes out all the same.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any, Protocol

from gunicorn.workers.gthread import ThreadWorker

# A request comes within this, headers and body; a file of some megabytes does over a slow line.
PATIENCE_SECONDS = 20.0
# Where others wait for a thread, what is sent slowly has had its share of one after this.
SHORT_PATIENCE_SECONDS = 3.0
# Long enough to be no burst of a page and its pictures.
STARVED_SECONDS = 1.0


class Connection(Protocol):
    """What is asked of gunicorn's connections."""

    sock: socket.socket


class Receptions:
    """Which connections wait for a thread, and which have one, each since when. Told by all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Connection, float] = {}
        self._served: dict[Connection, float] = {}

    def queue(self, connection: Connection, now: float) -> None:
        with self._lock:
            self._waiting[connection] = now

    def begin(self, connection: Connection, now: float) -> None:
        with self._lock:
            self._waiting.pop(connection, None)
            self._served[connection] = now

    def end(self, connection: Connection) -> bool:
        """Return whether the connection may be kept. What was cut off may not: what follows is no request."""
        with self._lock:
            return self._served.pop(connection, None) is not None

    def cut(self, now: float) -> None:
        """Let nothing more be read from connections that have had a thread for too long."""
        with self._lock:
            is_starved = any(now - since >= STARVED_SECONDS for since in self._waiting.values())
            patience = SHORT_PATIENCE_SECONDS if is_starved else PATIENCE_SECONDS
            for connection in [each for each, since in self._served.items() if now - since >= patience]:
                del self._served[connection]
                # The client may have gone by itself.
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RD)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """The worker that the deployment uses: `worker_class` in `gunicorn_conf.py`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._receptions = Receptions()

    def enqueue_req(self, conn: Any) -> None:
        self._receptions.queue(conn, time.monotonic())
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        self._receptions.begin(conn, time.monotonic())
        is_kept = super().handle(conn)
        return is_kept if self._receptions.end(conn) else False

    def notify(self) -> None:
        # Called by the main loop, at least once a second.
        super().notify()
        self._receptions.cut(time.monotonic())
