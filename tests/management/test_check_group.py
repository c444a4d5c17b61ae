from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from healthcheck.engine.types import State
from healthcheck.management.group_run import ask_for_run
from healthcheck.models import CheckResult, CheckRun, EndpointGroup, EndpointState, Reason, RunStatus, Trigger
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.perform import Performer
from tests.factories import make_assertion, make_endpoint, make_group, make_location, make_run
from tests.hostile import Gate, HostileServer
from tests.management.conftest import Terminal, run_command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture(autouse=True)
def location(transactional_db: None) -> None:
    """The default location, which a transactional test has flushed."""
    make_location()


@pytest.fixture
def group(hostile: HostileServer) -> EndpointGroup:
    """Two endpoints that are up and, between them in order, one that is not."""
    group = make_group("shop", name="Shop", deadline_seconds=20)
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    for position, name in enumerate(["first", "second", "third"]):
        make_endpoint(group, name, position=position, address=url)
    make_assertion(group.endpoints.get(name="second"), "status 201")
    return group


def test_run_is_recorded_and_told_in_the_groups_order(group: EndpointGroup) -> None:
    status, shown = run_command("check_group", "shop")
    run = CheckRun.objects.get()
    assert (run.trigger, run.status, run.up_count, run.down_count) == (Trigger.MANUAL, RunStatus.FINISHED, 2, 1)
    assert EndpointState.objects.filter(state=State.UP).count() == 2
    lines = shown.splitlines()
    assert status == 1
    assert lines[0].split() == ["Verdict", "Endpoint", "HTTP", "Latency", "What", "happened"]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["up", "first", "200"],
        ["down", "second", "200"],
        ["up", "third", "200"],
    ]
    assert lines[2].endswith("It answered with an unexpected status. (expected status 201, found status 200)")
    assert lines[-1].startswith("Shop: 1 down, 2 up; took 0.")


def test_status_is_0_only_when_all_are_up(group: EndpointGroup) -> None:
    group.endpoints.filter(name="second").update(is_paused=True)
    status, shown = run_command("check_group", "shop")
    assert (status, "second" in shown) == (0, False)


def test_json_is_all_that_a_program_reads(group: EndpointGroup) -> None:
    status, shown = run_command("check_group", "shop", "--json")
    described = json.loads(shown)
    assert status == 1
    assert list(described) == ["group", "run", "is_well", "counts", "endpoints"]
    assert described["group"] == {"slug": "shop", "name": "Shop"}
    assert described["counts"] == {"unknown": 0, "up": 2, "degraded": 0, "down": 1}
    second = described["endpoints"][1]
    assert (second["name"], second["verdict"], second["error_kind"], second["phase"]) == (
        "second",
        "down",
        "status",
        "assert",
    )
    assert second["evidence"]["assertions"][0]["found"] == "status 200"
    assert list(second["phases"]) == ["resolve", "connect", "tls", "headers", "body"]


def test_terminal_shows_each_endpoint_as_it_comes_in(group: EndpointGroup) -> None:
    _, shown = run_command("check_group", "shop", stream=Terminal())
    progress = shown.partition("Verdict")[0]
    assert "3/3" in progress
    for name in ("first", "second", "third"):
        assert name in progress


def test_queued_run_is_joined_and_performed_here(group: EndpointGroup) -> None:
    [run_id] = claim_due_groups(timezone.now())
    _, shown = run_command("check_group", "shop")
    assert CheckRun.objects.get().pk == run_id
    assert f"joined run {run_id}, which was under way" in shown
    assert CheckResult.objects.filter(run_id=run_id).count() == 3


class OpeningTerminal(Terminal):
    """Opens the gate with the first line of progress: the run has been joined by then, and has not ended."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def write(self, text: str) -> int:
        self._gate.open()
        return super().write(text)


def test_run_of_a_worker_is_joined_and_waited_for(hostile: HostileServer) -> None:
    group, gate = make_group("slow", deadline_seconds=50), Gate()
    make_endpoint(group, address=f"http://127.0.0.1:{hostile.listen(gate)}/", timeout_seconds=45.0)
    [run_id] = claim_due_groups(timezone.now())
    worker = threading.Thread(target=Performer().perform, args=(run_id,))
    worker.start()
    assert gate.arrived.acquire(timeout=45)
    status, shown = run_command("check_group", "slow", stream=OpeningTerminal(gate))
    worker.join()
    assert (status, CheckRun.objects.count(), CheckRun.objects.get().token) == (0, 1, 1)
    assert f"joined run {run_id}" in shown


def test_run_that_nobody_will_end_is_closed_and_not_joined(group: EndpointGroup) -> None:
    past = timezone.now() - timedelta(hours=1)
    stuck = make_run(group, at=past, status=RunStatus.RUNNING, trigger=Trigger.MANUAL, token=2, lease_until=past)
    status, _ = run_command("check_group", "shop")
    stuck.refresh_from_db()
    assert (status, stuck.status, stuck.reason) == (1, RunStatus.ABANDONED, Reason.LEASE)
    assert CheckRun.objects.filter(status=RunStatus.FINISHED).count() == 1


def test_run_that_does_not_end_is_not_well(hostile: HostileServer) -> None:
    group = make_group("brief", interval_seconds=60, deadline_seconds=0.1)
    make_endpoint(group, address=f"http://127.0.0.1:{hostile.listen('good')}/", timeout_seconds=0.1)
    until = timezone.now() + timedelta(minutes=10)
    run = make_run(group, status=RunStatus.RUNNING, token=1, at=timezone.now(), lease_until=until)
    status, shown = run_command("check_group", "brief")
    assert status == 1
    assert shown.strip() == f"Run {run.pk} is still running; see whether its worker lives, and try again."


def test_asked_run_knows_whether_it_was_under_way(group: EndpointGroup) -> None:
    first = ask_for_run(group)
    second = ask_for_run(group)
    assert (first.is_joined, second.is_joined, first.run_id == second.run_id) == (False, True, True)


def test_unknown_group_is_refused_with_the_slugs_there_are(group: EndpointGroup) -> None:
    with pytest.raises(CommandError, match=r"There is no group “nope”; choose one of shop\.") as caught:
        call_command("check_group", "nope")
    assert caught.value.returncode == 2


def test_empty_database_is_refused_with_a_cure() -> None:
    with pytest.raises(CommandError, match="There is no group yet; add one in the admin"):
        call_command("check_group", "nope")


def test_group_without_endpoints_is_refused_with_a_cure() -> None:
    make_endpoint(make_group("shop"), is_paused=True)
    with pytest.raises(CommandError, match="has no endpoint to check; add or resume one") as caught:
        call_command("check_group", "shop")
    assert caught.value.returncode == 2
    assert not CheckRun.objects.exists()
