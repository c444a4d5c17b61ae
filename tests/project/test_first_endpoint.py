"""From an empty database to the first explained result, against the server that `up` starts: gunicorn with threads."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import httpx
import pytest

from healthcheck.admin.explain.probing import MAX_PROBES
from tests.hostile import HostileServer, play
from tests.project.running import PROCESSES, RunningUp, running, wait_until

pytestmark = pytest.mark.skipif(not (PROCESSES / "self").exists(), reason="finds processes by way of /proc")

ADD = "/admin/healthcheck/endpoint/add-by-url/"
GOOD = play(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status": "ok"}')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    with running(tmp_path_factory.mktemp("first") / "data", "--no-demo") as started:
        yield started


@pytest.fixture(scope="module")
def desk(server: RunningUp) -> Iterator[httpx.Client]:
    """The browser of the operator, logged in by the link that `up` prints."""
    with httpx.Client(base_url=server.address, follow_redirects=True, timeout=30.0, trust_env=False) as client:
        client.get(server.login_link).raise_for_status()
        yield client


def post(desk: httpx.Client, **fields: str | list[str]) -> httpx.Response:
    """Send the form as its page would, with the page's token."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', desk.get(ADD).text)
    assert token is not None
    return desk.post(ADD, data={"csrfmiddlewaretoken": token[1], **fields})


def test_pasted_url_is_probed_saved_and_checked_within_seconds(
    desk: httpx.Client, server: RunningUp, hostile: HostileServer
) -> None:
    address = f"http://127.0.0.1:{hostile.listen(GOOD)}/health"
    shown = post(desk, address=address, _probe="1").text
    assert "It answered as expected." in shown
    expected = ["status 200", 'json $.status == "ok"']
    fields = {"name": "Shop", "group_name": "Shop", "interval_seconds": "60", "further": ""}
    saved = post(desk, address=address, offered="\n".join(expected), chosen=expected, _save="1", **fields)
    # The page that follows refreshes itself, and is the first result once that is there.
    first = wait_until(lambda: page if "/results/" in (page := desk.get(saved.url)).url.path else None, server)
    assert "It answered as expected." in first.text
    assert "Traceback" not in server.output


def test_more_probes_than_are_allowed_leave_the_site_alive(
    desk: httpx.Client, server: RunningUp, hostile: HostileServer
) -> None:
    """Two processes may serve, each with its own bound: what is above them all is told to come again."""
    port = hostile.listen("silent")
    answers: list[str] = []
    cookies = dict(desk.cookies)

    def probe() -> None:
        with httpx.Client(base_url=server.address, cookies=cookies, timeout=60.0, trust_env=False) as client:
            answers.append(post(client, address=f"http://127.0.0.1:{port}/", _probe="1").text)

    threads = [threading.Thread(target=probe) for _ in range(MAX_PROBES + 1)]
    for thread in threads:
        thread.start()
    wait_until(lambda: hostile.accepted[port] >= MAX_PROBES, server)
    assert desk.get("/healthz").status_code == 200
    for thread in threads:
        thread.join()
    refused = [each for each in answers if "Try again in a few seconds." in each]
    timed_out = [each for each in answers if "It did not answer in time." in each]
    assert len(refused) + len(timed_out) == len(threads)
    assert len(timed_out) >= MAX_PROBES
