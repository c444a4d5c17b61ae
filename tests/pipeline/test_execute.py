from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.models import CheckRun, Endpoint, EndpointGroup, Location, Reason, RunStatus
from healthcheck.pipeline.execute import give_up_run, take_run
from tests.factories import NOW, make_assertion, make_endpoint, make_group
from tests.pipeline.conftest import claim_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_take_sets_token_lease_and_start() -> None:
    group = make_group(deadline_seconds=10)
    taken = take_one(group)
    run = CheckRun.objects.get()
    assert (run.status, run.token, run.started_at) == (RunStatus.RUNNING, 1, NOW)
    assert run.lease_until == NOW + timedelta(seconds=15)
    assert taken.token == 1


def test_take_of_a_duplicate_message_gets_nothing() -> None:
    group = make_group()
    taken = take_one(group)
    assert take_run(taken.run_id, NOW) is None
    assert CheckRun.objects.get().token == 1


def test_take_of_a_run_that_is_gone_gets_nothing() -> None:
    assert take_run(987_654, NOW) is None


def test_take_freezes_endpoints_in_their_order_without_the_paused_and_deleted() -> None:
    group = make_group()
    last = make_endpoint(group, "last", position=2)
    first = make_endpoint(group, "first", position=1)
    make_endpoint(group, "paused", is_paused=True)
    make_endpoint(group, "gone", deleted_at=NOW)
    make_assertion(first, "status 204")
    taken = take_one(group)
    assert [target.endpoint_id for target in taken.targets] == [first.pk, last.pk]
    assert [str(assertion) for assertion in taken.targets[0].assertions] == ["status 204"]


def test_take_keeps_an_unreadable_endpoint_apart_from_its_neighbours() -> None:
    group = make_group()
    good, bad = make_endpoint(group, "good"), make_endpoint(group, "bad")
    Endpoint.objects.filter(pk=bad.pk).update(address="gopher://nowhere")
    taken = take_one(group)
    assert [target.endpoint_id for target in taken.targets] == [good.pk]
    assert taken.unreadable == (bad.pk,)


@pytest.mark.parametrize(
    ("written", "targets"),
    [("", ()), ("192.0.2.1:443\n[2001:db8::1]:53", (("192.0.2.1", 443), ("2001:db8::1", 53))), ("nonsense", ())],
)
def test_take_reads_the_control_targets_of_the_location(written: str, targets: tuple[tuple[str, int], ...]) -> None:
    endpoint = make_endpoint()
    Location.objects.update(control_targets=written)
    assert take_one(endpoint.group).limits.control_targets == targets


def test_take_of_a_deleted_group_checks_nothing() -> None:
    group = make_group()
    make_endpoint(group)
    run_id = claim_one(group)
    EndpointGroup.objects.update(deleted_at=NOW)
    taken = take_run(run_id, NOW)
    assert taken is not None
    assert taken.targets == ()


@pytest.mark.parametrize("endpoints", [1, 3, 300])
def test_take_costs_the_same_statements_for_any_number_of_endpoints(
    endpoints: int, django_assert_num_queries: object
) -> None:
    group = make_group()
    Endpoint.objects.bulk_create(
        Endpoint(group=group, name=f"e{number}", address="http://127.0.0.1/") for number in range(endpoints)
    )
    run_id = claim_one(group)
    with django_assert_num_queries(3):  # type: ignore[operator]
        take_run(run_id, NOW)


def test_give_up_gives_the_run_back_once_while_its_slot_leaves_time() -> None:
    group = make_group(interval_seconds=3600, deadline_seconds=10)
    first = take_one(group)
    give_up_run(first, NOW)
    assert list(CheckRun.objects.values_list("status", "reason")) == [(RunStatus.QUEUED, Reason.SHUTDOWN)]
    second = take_run(first.run_id, NOW)
    assert second is not None
    give_up_run(second, NOW)
    assert list(CheckRun.objects.values_list("status", "reason")) == [(RunStatus.ABANDONED, Reason.SHUTDOWN)]


def test_give_up_abandons_the_run_at_the_end_of_its_slot() -> None:
    taken = take_one(make_group(deadline_seconds=10))
    give_up_run(taken, taken.next_slot_at - timedelta(seconds=9))
    assert list(CheckRun.objects.values_list("status", "reason")) == [(RunStatus.ABANDONED, Reason.SHUTDOWN)]


def test_give_up_leaves_another_takers_run_alone() -> None:
    taken = take_one(make_group(deadline_seconds=10))
    CheckRun.objects.update(token=2)
    give_up_run(taken, NOW)
    assert CheckRun.objects.get().status == RunStatus.RUNNING


def test_take_after_the_slot_gets_nothing() -> None:
    run_id = claim_one(make_group())
    assert take_run(run_id, CheckRun.objects.get().open_until) is None
    assert CheckRun.objects.get().status == RunStatus.QUEUED


@pytest.mark.parametrize("options", [[], "text", 7])
def test_take_keeps_options_that_are_no_object_apart(options: object) -> None:
    group = make_group()
    good, bad = make_endpoint(group, "good"), make_endpoint(group, "bad", options=options)
    taken = take_one(group)
    assert ([target.endpoint_id for target in taken.targets], taken.unreadable) == ([good.pk], (bad.pk,))
