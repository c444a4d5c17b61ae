"""How long after the end of a failing run its message arrives: a deployment, and a receiver on loopback.

One worker, one scheduler, one broker. One group after another runs for the first time, fails, and is told to a channel
of its own, so that no channel waits for its pause. The receiver's clock is that of this machine, and so is the
database's: from the instant at which the run is stored as finished to the first byte of the message's body.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from django.utils import timezone

from healthcheck.models import CheckRun, Delivery, RunStatus
from tests.factories import make_channel, make_endpoint, make_group, make_policy
from tests.figures.deployment import deploy, wait_until
from tests.figures.rows import pick
from tests.figures.table import Row

APART_SECONDS, START_SECONDS, PATIENCE_SECONDS = 0.2, 15.0, 30.0


def measure(size: int) -> Iterator[Row]:
    with _run_server() as (url, arrived), deploy(life_seconds=round(size * APART_SECONDS + 200)) as deployment:
        deployment.start_worker()
        deployment.start_scheduler()
        begin = timezone.now() + timedelta(seconds=START_SECONDS)
        # Once that imports and connections are behind us.
        _make(url, "warm", timezone.now())
        if not wait_until(lambda: "/told/warm" in arrived, seconds=2 * PATIENCE_SECONDS):
            raise TimeoutError("nothing is told")
        slugs = [f"group-{number}" for number in range(size)]
        for number, slug in enumerate(slugs):
            _make(url, slug, begin + timedelta(seconds=number * APART_SECONDS))
        ends_at = (begin - timezone.now()).total_seconds() + size * APART_SECONDS + PATIENCE_SECONDS
        wait_until(lambda: len(arrived) > size, seconds=ends_at)
        runs = CheckRun.objects.filter(status=RunStatus.FINISHED).values_list("group__slug", "finished_at")
        finished = {slug: at.timestamp() for slug, at in runs if at is not None}
        held = {slug: at.timestamp() for slug, at in Delivery.objects.values_list("channel__name", "created_at")}
        took = [arrived[f"/told/{slug}"] - finished[slug] for slug in slugs if f"/told/{slug}" in arrived]
        taken = [held[slug] - finished[slug] for slug in slugs if slug in held]
    yield Row("end of a failing run to its message", "p99 under 1 s", _describe(took), f"{len(took)} of {size} arrived")
    yield Row("of which until a worker has taken it", "", _describe(taken), "the rest is composing, sending, receiving")


def _describe(took: list[float]) -> str:
    p50, p99, longest = (pick(took, share) * 1000 for share in (0.5, 0.99, 1))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {longest:.0f} ms"


def _make(url: str, slug: str, at: object) -> None:
    channel = make_channel(slug, "webhook", details={"url": f"{url}/told/{slug}"})
    group = make_group(slug, interval_seconds=86_400, next_run_at=at)
    make_policy(slug, steps={0: [channel]}, groups=[group])
    make_endpoint(group, address=f"{url}/target", failure_threshold=1)


@contextmanager
def _run_server() -> Iterator[tuple[str, dict[str, float]]]:
    """Answer every check with an error and take every message; gives the URL, and when each path was told."""
    arrived: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(500)

        def do_POST(self) -> None:
            arrived.setdefault(self.path, time.time())
            self.rfile.read(int(self.headers["content-length"]))
            self._answer(200)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", arrived
    finally:
        server.shutdown()
        server.server_close()
