"""The start page: what is wrong now and since when, and what of ours is."""

from __future__ import annotations

from datetime import timedelta
from html import escape

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from healthcheck.admin.desk.desk import load_desk
from healthcheck.admin.desk.desk_slots import Lost
from healthcheck.admin.look.bases import IS_UNFOLD
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import SIGNED_OFF, CheckRun, Reason, RunStatus, Trigger, Version, WorkerPulse
from healthcheck.models.run import find_lost_runs
from tests.admin.conftest import CLOCK_QUERIES, make_person
from tests.admin.scenes import HOSTILE, paint_bad_day
from tests.factories import (
    NOW,
    make_endpoint,
    make_group,
    make_location,
    make_run,
    make_state,
    make_tick,
    make_transition,
)

pytestmark = pytest.mark.django_db

DESK = "/admin/healthcheck/endpointgroup/desk/"


def test_counts_leave_out_what_is_paused_and_take_expired_evidence_for_unknown() -> None:
    paint_bad_day(NOW, members=2)
    desk = load_desk(NOW)
    assert desk.counts == {State.UP: 2, State.DEGRADED: 2, State.DOWN: 2, State.UNKNOWN: 4}
    assert (desk.paused_count, desk.total) == (3, 13)
    assert [group.name for group in desk.paused_groups] == ["Old shop"]
    assert [endpoint.name for endpoint in desk.paused_endpoints] == ["resting"]


def test_endpoint_counts_once_in_the_worst_state_of_its_locations() -> None:
    endpoint = make_endpoint(make_group(), "a")
    make_state(endpoint, State.UP)
    make_state(endpoint, State.DOWN, location=make_location("near"))
    make_state(endpoint, State.DEGRADED, location=make_location("far"))
    # What has expired somewhere says nothing.
    other = make_endpoint(endpoint.group, "b")
    make_state(other, State.DEGRADED)
    make_state(other, State.DOWN, location=make_location("near"), valid_until=NOW)
    assert load_desk(NOW).counts == {State.UP: 0, State.DEGRADED: 1, State.DOWN: 1, State.UNKNOWN: 0}


def test_wrong_is_worst_first_and_longest_first() -> None:
    paint_bad_day(NOW, members=2)
    found = [(each.state, each.since, each.sentence) for each in load_desk(NOW).wrong]
    status, content = "It answered with an unexpected status.", "Its answer was not what was expected."
    assert found == [
        (State.DOWN, NOW - timedelta(minutes=4), status),
        (State.DOWN, NOW - timedelta(minutes=3), status),
        (State.DEGRADED, NOW - timedelta(hours=1), content),
        (State.DEGRADED, NOW - timedelta(hours=1), content),
    ]


def test_last_check_that_is_not_confirmed_is_told_as_on_the_status_page() -> None:
    group = make_group()
    refused = ErrorKind.REFUSED
    make_state(make_endpoint(group, "a"), State.DEGRADED, last_verdict=State.DOWN, last_error_kind=refused)
    make_state(make_endpoint(group, "b"), State.DEGRADED, last_verdict=State.UP)
    assert [each.sentence for each in load_desk(NOW).wrong] == [
        "The last check failed, which is not confirmed yet: It refused the connection.",
        "The last check was good, which is not confirmed yet.",
    ]


def test_unknown_says_since_when_nothing_is_known() -> None:
    group = make_group()
    make_endpoint(group, "new")
    make_state(make_endpoint(group, "stale"), valid_until=NOW - timedelta(minutes=1))
    since = NOW - timedelta(hours=3)
    make_state(make_endpoint(group, "blocked"), State.UNKNOWN, since=since, last_error_kind=ErrorKind.BLOCKED)
    found = [(each.endpoint.name, each.since, each.sentence) for each in load_desk(NOW).unknown]
    assert found == [
        ("new", None, ""),
        ("stale", NOW - timedelta(minutes=1), ""),
        ("blocked", NOW - timedelta(hours=3), "The address policy does not allow checking it."),
    ]


def test_deleted_and_paused_endpoints_are_neither_wrong_nor_unknown() -> None:
    for name, columns in (("gone", {"deleted_at": NOW}), ("rests", {"is_paused": True})):
        group = make_group(name, **columns)
        make_state(make_endpoint(group, "a"), State.DOWN)
        make_state(make_endpoint(make_group(f"{name}-member"), "b", **columns), State.DOWN)
        make_endpoint(group, "c")
    desk = load_desk(NOW)
    assert (list(desk.wrong), list(desk.unknown)) == ([], [])


def test_lost_slots_are_counted_by_reason_within_an_hour_and_a_day() -> None:
    paint_bad_day(NOW)
    make_run(make_group("old"), at=NOW - timedelta(days=1), status=RunStatus.MISSED, reason=Reason.QUEUE)
    assert load_desk(NOW).slots.lost == [
        Lost(RunStatus.MISSED, Reason.SCHEDULER, 0, 301),
        Lost(RunStatus.MISSED, Reason.QUEUE, 0, 300),
        Lost(RunStatus.MISSED, Reason.OVERLAP, 15, 15),
        Lost(RunStatus.ABANDONED, Reason.LEASE, 1, 1),
    ]


@pytest.mark.parametrize(("lost", "counted", "is_capped"), [(0, 0, False), (4_999, 4_999, False), (5_003, 5_000, True)])
def test_so_many_lost_runs_are_read_and_no_more(lost: int, counted: int, is_capped: bool) -> None:
    queue = {"status": RunStatus.MISSED, "reason": Reason.QUEUE, "trigger": Trigger.SCHEDULED}
    runs = []
    group, location = make_group(), make_location()
    for number in range(lost):
        at = NOW - timedelta(seconds=number)
        runs.append(CheckRun(group=group, location=location, scheduled_for=at, open_until=at, valid_until=at, **queue))
    CheckRun.objects.bulk_create(runs)
    slots = load_desk(NOW).slots
    assert (sum(each.day for each in slots.lost), slots.is_capped) == (counted, is_capped)


def test_lateness_is_that_of_the_last_hour() -> None:
    group = make_group()
    for minutes, late in ((90, 40), (20, 3), (10, 1)):
        at = NOW - timedelta(minutes=minutes)
        make_run(group, at=at, started_at=at + timedelta(seconds=late))
    slots = load_desk(NOW).slots
    assert (slots.begun, slots.late, slots.mean_lateness, slots.worst_lateness) == (
        2,
        1,
        timedelta(seconds=2),
        timedelta(seconds=3),
    )


@pytest.mark.postgresql
def test_lost_runs_are_found_by_their_index() -> None:
    paint_bad_day(NOW)
    with connection.cursor() as cursor:
        # Three rows are read faster without any index.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    assert "hc_run_lost" in find_lost_runs(NOW).order_by("-scheduled_for").explain()


def test_processes_are_alive_or_silent() -> None:
    paint_bad_day(NOW)
    processes = load_desk(NOW).processes
    assert [(each.node[:8], each.is_alive) for each in processes.workers] == [
        ("worker-0", True),
        ("worker-1", True),
        ("worker-2", False),
    ]
    assert [each.is_alive for each in processes.schedulers] == [True, False]
    assert processes.locations == [("Default", 2), ("Far away", 0)]


def test_worker_that_was_replaced_is_not_missed() -> None:
    paint_bad_day(NOW)
    [silent] = WorkerPulse.objects.filter(node__startswith="worker-2")
    heir = {"location": silent.location, "at": NOW}
    other = WorkerPulse.objects.create(node="worker-2:8:bb", started_at=silent.at - timedelta(seconds=1), **heir)
    silent.node = "worker-2:7:aa"
    silent.save()

    def find_nodes() -> list[str]:
        return [each.node for each in load_desk(NOW).processes.workers]

    # Two of a name beside each other: none is the other's.
    assert silent.node in find_nodes()
    WorkerPulse.objects.filter(pk=other.pk).update(started_at=silent.at)
    assert other.node in find_nodes()
    assert silent.node not in find_nodes()


def test_worker_says_what_waits_in_its_spool_and_what_it_dropped() -> None:
    paint_bad_day(NOW)
    spool = {"spooled_count": 12, "spooled_since": NOW, "dropped_count": 1}
    WorkerPulse.objects.filter(node__startswith="worker-1").update(**spool)
    [told] = [each for each in load_desk(NOW).processes.workers if each.spooled_count]
    assert (told.node[:8], told.spooled_count, told.spooled_since, told.dropped_count) == ("worker-1", 12, NOW, 1)


def test_schedulers_that_stopped_in_good_order_are_not_missed() -> None:
    make_tick(node=SIGNED_OFF, at=NOW - timedelta(hours=1))
    assert load_desk(NOW).processes.schedulers == []


def test_queue_names_the_oldest_slot() -> None:
    paint_bad_day(NOW)
    queue = load_desk(NOW).queue
    assert (queue.waiting, queue.oldest_at, queue.running) == (1, NOW - timedelta(seconds=1), 0)


@pytest.mark.parametrize("members", [1, 30])
def test_desk_asks_a_fixed_number_of_queries(
    members: int, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    paint_bad_day(timezone.now(), members=members)
    # Session, user, counts, wrong, unknown with states, three for slots, three for processes, queue, changes, paused
    # groups and endpoints, whether anything was up, the newest run, stuck channels, open incidents.
    with django_assert_num_queries(20 + CLOCK_QUERIES):
        operator.get(f"{DESK}?part")


def test_index_shows_the_desk_before_everything_else(operator: Client) -> None:
    paint_bad_day(timezone.now())
    page = operator.get("/admin/").content.decode()
    assert page.index('id="hc-desk"') > page.index("Start page")
    if not IS_UNFOLD:
        assert page.index('id="hc-desk"') < page.rindex("/admin/healthcheck/statuspage/")
    for text in ("Something is wrong.", "Wrong now", "Nothing known", "the run before was still under way", "silent"):
        assert text in page


def test_names_are_escaped(operator: Client) -> None:
    paint_bad_day(timezone.now())
    for url in ("/admin/", DESK):
        page = operator.get(url).content.decode()
        assert "<script>alert" not in page
        assert escape(HOSTILE[:40]) in page


def test_staff_who_may_not_look_have_the_plain_index() -> None:
    paint_bad_day(timezone.now())
    client = make_person("view_statuspage")
    assert "hc-desk" not in client.get("/admin/").content.decode().replace("healthcheck/desk.js", "")
    assert client.get(DESK).status_code == 403


def test_changes_are_shown_to_whoever_may_see_their_kind() -> None:
    Version.objects.create(kind="credential", object_id=1, number=1, at=NOW, action=2, name="secret-name")
    looks = make_person("view_endpointgroup", "view_endpoint")
    assert "secret-name" not in looks.get(DESK).content.decode()
    knows = make_person("view_endpointgroup", "view_endpoint", "view_credential", name="knows")
    assert "secret-name" in knows.get(DESK).content.decode()


def test_part_is_the_inside_alone_and_is_not_stored(operator: Client) -> None:
    response = operator.get(f"{DESK}?part")
    assert response.content.decode().lstrip().startswith("<header")
    assert "no-store" in response["Cache-Control"]


def test_anonymous_visitors_log_in_first() -> None:
    assert Client().get(DESK).status_code == 302


def test_everything_up_is_said_in_a_sentence(operator: Client) -> None:
    now = timezone.now()
    endpoint = make_endpoint()
    make_state(endpoint, now=now)
    make_transition(endpoint, at=now, from_state=State.UNKNOWN, to_state=State.UP)
    make_tick(at=now)
    page = operator.get(DESK).content.decode()
    assert "Everything is up." in page
    assert "Wrong now" not in page
    assert "No worker is running" in page


def test_only_states_that_occur_are_coloured(operator: Client) -> None:
    make_state(make_endpoint(make_group(), "a"), State.DOWN, now=timezone.now(), last_error_kind=ErrorKind.DNS)
    text = operator.get(DESK).content.decode()
    assert 'hc-state hc-down"><span aria-hidden="true">■</span> 1 down' in text
    assert 'hc-state hc-zero"><span aria-hidden="true">●</span> 0 up' in text


def test_reason_is_told_in_the_language_of_the_page(operator: Client) -> None:
    make_state(make_endpoint(make_group(), "a"), State.DOWN, now=timezone.now(), last_error_kind=ErrorKind.DNS)
    text = operator.get(DESK, headers={"accept-language": "de"}).content.decode()
    assert "Its name could not be resolved." not in text


def test_models_are_listed_where_no_sidebar_has_them(operator: Client) -> None:
    make_group()
    text = operator.get("/admin/").content.decode()
    assert ("app-healthcheck module" in text) != IS_UNFOLD
    # Whoever may not see the desk would see nothing else.
    assert "permission to view or edit anything" in make_person().get("/admin/").content.decode()
