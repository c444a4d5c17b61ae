from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckResult, CheckRun, EndpointGroup, Reason, RunStatus
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.manual import request_check
from healthcheck.pipeline.perform import Performer
from tests.factories import make_assertion, make_channel, make_endpoint, make_group, make_policy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

WAIT_SECONDS = 30


class Target(ThreadingHTTPServer):
    """Answers `/ok`; on `/hold` it says that a request has come and waits until it is released."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.held, self.release = threading.Event(), threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Target

    def do_GET(self) -> None:
        if self.path == "/hold":
            self.server.held.set()
            self.server.release.wait(WAIT_SECONDS)
        status = 500 if self.path == "/broken" else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing."""


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def everything(settings: object) -> None:
    """The targets of these tests are on loopback."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything"}  # type: ignore[attr-defined]


def claim(group: EndpointGroup) -> int:
    [run_id] = claim_due_groups(timezone.now())
    return run_id


def test_perform_stores_every_result_in_order_and_a_failure_touches_nobody(target: Target) -> None:
    group = make_group(deadline_seconds=20)
    for position, path in enumerate(["/ok", "/broken", "/ok"]):
        endpoint = make_endpoint(group, f"e{position}", position=position, address=target.url(path))
        make_assertion(endpoint, 'body contains "ok"')
    run_id = claim(group)
    Performer().perform(run_id)
    results = CheckResult.objects.order_by("endpoint_id")
    verdicts = [(result.verdict, result.error_kind, result.http_status) for result in results]
    up, down = (State.UP, 0, 200), (State.DOWN, ErrorKind.STATUS, 500)
    assert verdicts == [up, down, up]
    run = CheckRun.objects.get(pk=run_id)
    assert (run.status, run.up_count, run.down_count) == (RunStatus.FINISHED, 2, 1)


def test_perform_tells_one_line_per_run(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    group = make_group(deadline_seconds=20)
    make_endpoint(group, address=target.url("/ok"))
    with caplog.at_level(logging.INFO, logger="healthcheck.runs"):
        Performer().perform(claim(group))
    [record] = [record for record in caplog.records if record.name == "healthcheck.runs"]
    assert record.getMessage().startswith("Web: ")
    assert "1 up, 0 degraded, 0 down, 0 unknown" in record.getMessage()
    assert "127.0.0.1" not in record.getMessage()


def test_perform_tells_of_each_endpoint_as_it_comes_in(target: Target) -> None:
    group = make_group(deadline_seconds=20)
    endpoints = [make_endpoint(group, path, address=target.url(path)) for path in ("/ok", "/broken")]
    told: dict[int, State] = {}
    Performer().perform(claim(group), lambda endpoint_id, outcome: told.update({endpoint_id: outcome.verdict}))
    assert told == {endpoints[0].pk: State.UP, endpoints[1].pk: State.DOWN}


def test_perform_of_a_duplicate_message_does_nothing(target: Target) -> None:
    group = make_group(deadline_seconds=20)
    make_endpoint(group, address=target.url("/ok"))
    run_id = claim(group)
    for _ in range(5):
        Performer().perform(run_id)
    assert CheckRun.objects.get().token == 1
    assert CheckResult.objects.count() == 1


def test_perform_of_a_run_that_is_gone_does_nothing() -> None:
    Performer().perform(4_711)
    assert not CheckRun.objects.exists()


def test_stop_cancels_the_gather_and_gives_the_run_back(target: Target) -> None:
    group = make_group(interval_seconds=86_400, deadline_seconds=20)
    make_endpoint(group, address=target.url("/hold"))
    run_id, performer = claim(group), Performer()
    worker = threading.Thread(target=performer.perform, args=(run_id,))
    worker.start()
    assert target.held.wait(WAIT_SECONDS)
    performer.stop()
    worker.join(WAIT_SECONDS)
    run = CheckRun.objects.get()
    assert (run.status, run.reason) == (RunStatus.QUEUED, Reason.SHUTDOWN)
    assert not CheckResult.objects.exists()


def test_stopped_performer_leaves_runs_to_others(target: Target) -> None:
    group = make_group(deadline_seconds=20)
    make_endpoint(group, address=target.url("/ok"))
    run_id, performer = claim(group), Performer()
    performer.stop()
    performer.perform(run_id)
    assert CheckRun.objects.get().status == RunStatus.QUEUED


def test_slot_whose_results_are_stored_is_counted_and_a_manual_run_is_none(target: Target) -> None:
    group = make_group(deadline_seconds=20)
    make_endpoint(group, address=target.url("/broken"))
    slots: list[int] = []
    performer = Performer(on_slot=lambda: slots.append(CheckResult.objects.count()))
    performer.perform(run_id := claim(group))
    performer.perform(run_id)
    assert slots == [1]
    performer.perform(request_check(group.pk, timezone.now()))
    assert CheckResult.objects.count() == 2
    assert slots == [1]


def test_perform_returns_the_channels_that_are_to_be_told(target: Target) -> None:
    group = make_group(deadline_seconds=20)
    make_endpoint(group, address=target.url("/broken"), failure_threshold=1)
    channel = make_channel()
    make_policy(steps={0: [channel]})
    performer, run_id = Performer(), claim(group)
    assert performer.perform(run_id) == {channel.pk}
    assert performer.perform(run_id) == frozenset()
