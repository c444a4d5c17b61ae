"""How long after the end of a failing run its message arrives: a deployment, and a receiver on loopback.

One worker, one scheduler, one broker. One group after another runs for the first time, fails, and is told to one of
twenty channels in turn, so that none waits for its pause. The receiver's clock is that of this machine, and so is the
database's: from the instant at which the run is stored as finished to the message at the receiver.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from django.utils import timezone

from healthcheck.models import CheckRun, EndpointGroup, Notification, NotificationPolicy, RunStatus
from tests.factories import make_channel, make_endpoint, make_group, make_policy
from tests.figures.deployment import deploy, wait_until
from tests.figures.rows import pick
from tests.figures.table import Row

APART_SECONDS, START_SECONDS, PATIENCE_SECONDS = 0.5, 10.0, 30.0
CHANNELS = 20


def measure(size: int) -> Iterator[Row]:
    with _run_server() as (url, arrived), deploy(life_seconds=round(size * APART_SECONDS + 200)) as deployment:
        deployment.start_worker()
        deployment.start_scheduler()
        policies = [_make_policy(url, f"channel {number}") for number in range(CHANNELS)]
        # Once that imports and connections are behind us.
        _make_group(url, "warm", timezone.now(), policies[-1])
        if not wait_until(lambda: "site in Warm" in arrived, seconds=2 * PATIENCE_SECONDS):
            raise TimeoutError("nothing is told")
        names = [f"Group-{number}" for number in range(size)]
        begin = timezone.now() + timedelta(seconds=START_SECONDS)
        for number, name in enumerate(names):
            at = begin + timedelta(seconds=number * APART_SECONDS)
            _make_group(url, name.lower(), at, policies[number % CHANNELS])
        wait_until(lambda: len(arrived) > size, seconds=START_SECONDS + size * APART_SECONDS + PATIENCE_SECONDS)
        runs = CheckRun.objects.filter(status=RunStatus.FINISHED).values_list("group__name", "finished_at")
        finished = {name: at.timestamp() for name, at in runs if at is not None}
        carried = Notification.objects.values_list("incident__group_id", "delivery__created_at")
        groups = dict(EndpointGroup.objects.values_list("pk", "name"))
        held = {groups[pk]: at.timestamp() for pk, at in carried if pk is not None and at is not None}
        took = [arrived[f"site in {name}"] - finished[name] for name in names if f"site in {name}" in arrived]
        taken = [held[name] - finished[name] for name in names if name in held]
    yield Row("end of a failing run to its message", "p99 under 1 s", _describe(took), f"{len(took)} of {size} arrived")
    yield Row("of which until a worker has taken it", "", _describe(taken), "the rest is composing, sending, receiving")


def _describe(took: list[float]) -> str:
    p50, p99, longest = (pick(took, share) * 1000 for share in (0.5, 0.99, 1))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {longest:.0f} ms"


def _make_policy(url: str, name: str) -> NotificationPolicy:
    channel = make_channel(name, "webhook", details={"url": url}, pause_seconds=1)
    return make_policy(name, steps={0: [channel]}, tags=[name])


def _make_group(url: str, slug: str, at: datetime, policy: NotificationPolicy) -> None:
    # It waits until it is told whom to tell.
    group = make_group(slug, interval_seconds=86_400, is_paused=True)
    make_endpoint(group, address=f"{url}/target", failure_threshold=1)
    policy.groups.add(group)
    EndpointGroup.objects.filter(pk=group.pk).update(is_paused=False, next_run_at=at)


@contextmanager
def _run_server() -> Iterator[tuple[str, dict[str, float]]]:
    """Answer every check with an error and take every message; gives the URL, and when each incident was told."""
    arrived: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(500)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            for item in body["data"]["items"]:
                arrived.setdefault(item["title"], time.time())
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
