"""A receiver of webhooks in a process of its own, which kills the sender where the path of the request says so.

Knows no Django: the process starts with nothing but this file.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import loads
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

# How the path begins: killed with the request read and not answered, after half an answer, or not at all. Then comes
# the process to kill.
UNANSWERED, HALF_ANSWERED, ALIVE = "unanswered", "half", "alive"


class Told(NamedTuple):
    """What arrived, by id and by title, how often."""

    ids: Counter[str]
    titles: Counter[str]


class KillingReceiver:
    def __init__(self) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_receive, args=(theirs,), daemon=True)
        self._process.start()
        # So that one that does not start is noticed.
        theirs.close()
        self.port: int = self._ours.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def read(self) -> Told:
        self._ours.send("read")
        return Told(*self._ours.recv())


def _receive(pipe: Connection) -> None:
    ids, titles = Counter[str](), Counter[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = loads(self.rfile.read(int(self.headers["content-length"])))
            ids[self.headers["webhook-id"]] += 1
            titles.update(item["title"] for item in body["data"]["items"])
            _root, manner, pid = self.path.split("/")
            if manner == HALF_ANSWERED:
                self.wfile.write(b"HTTP/1.1 200 O")
            if manner in (HALF_ANSWERED, UNANSWERED):
                os.kill(int(pid), signal.SIGKILL)
                return
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def service_actions(self) -> None:
            if pipe.poll():
                pipe.recv()
                pipe.send((ids, titles))

    server = Server(("127.0.0.1", 0), Handler)
    pipe.send(server.server_port)
    server.serve_forever(poll_interval=0.05)
