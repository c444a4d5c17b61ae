from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection

from healthcheck.engine.types import State
from healthcheck.models import (
    CheckResult,
    CheckRun,
    Endpoint,
    EndpointState,
    Evidence,
    Reason,
    RollupMark,
    RunStatus,
    Transition,
)
from healthcheck.models.result import Judgement
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.record import pair_findings
from healthcheck.pipeline.replay import replay
from healthcheck.pipeline.spool import MAX_FAILURES, Spool
from healthcheck.pipeline.spool_files import ASIDE, SUFFIX, list_files
from healthcheck.pipeline.spool_format import SpooledRun, _frame
from healthcheck.pipeline.sweep import expire_evidence
from tests.factories import NOW, make_endpoint, make_group
from tests.pipeline.conftest import outcome, record_one, take_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def make_one(slug: str = "web") -> Endpoint:
    return make_endpoint(make_group(slug), failure_threshold=1)


def keep(spool: Spool, taken: TakenRun, verdict: State = State.UP) -> None:
    at = taken.started_at + timedelta(seconds=1)
    assert spool.keep(SpooledRun(taken, pair_findings(taken, [outcome(verdict, at=at)], at), 2000))


def close(taken: TakenRun, status: RunStatus = RunStatus.ABANDONED, **columns: object) -> None:
    CheckRun.objects.filter(pk=taken.run_id).update(status=status, reason=Reason.LEASE, **columns)


def test_replay_stores_results_and_evidence_of_an_abandoned_run(spool: Spool) -> None:
    endpoint = make_one()
    taken = take_one(endpoint.group)
    keep(spool, taken, State.DOWN)
    close(taken)
    assert replay(spool) == {"stored": 1}
    run = CheckRun.objects.get()
    assert (run.status, run.reason, run.down_count, run.wall_us) == (RunStatus.FINISHED, 0, 1, 2000)
    assert CheckResult.objects.get().verdict == State.DOWN
    assert Evidence.objects.get().facts["found"] == "500"
    assert EndpointState.objects.get().state == State.DOWN
    assert (spool.survey().count, spool.adopt(), spool.dropped) == (0, None, 0)


def test_replay_twice_stores_once(spool: Spool) -> None:
    taken = take_one(make_one().group)
    keep(spool, taken)
    file = spool.adopt()
    assert file is not None
    text = file.path.read_bytes()
    spool.release(file)
    replay(spool)
    # As after a kill between the commit and the removal of the file.
    (spool.folder / f"{1:020d}-dead-0{SUFFIX}").write_bytes(text)
    assert replay(spool) == {"already_stored": 1}
    assert (CheckResult.objects.count(), Transition.objects.count(), spool.dropped) == (1, 1, 0)


def test_replay_drops_what_another_token_has_taken_or_what_is_gone(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    taken_over, gone = take_one(make_one("a").group), take_one(make_one("b").group)
    for taken in (taken_over, gone):
        keep(spool, taken)
    close(taken_over, RunStatus.RUNNING, token=2)
    CheckRun.objects.filter(pk=gone.run_id).delete()
    assert replay(spool) == {"taken_over": 1, "gone": 1}
    assert (CheckResult.objects.count(), spool.dropped) == (0, 2)
    [record] = [record for record in caplog.records if record.getMessage() == "spool replayed"]
    assert (record.levelno, record.__dict__["dropped"]) == (logging.ERROR, 2)


def test_replay_never_takes_another_run_for_its_own(spool: Spool) -> None:
    kept = take_one(make_one("a").group)
    keep(spool, kept)
    # As in a database restored from a copy, where ids are given out again.
    CheckRun.objects.filter(pk=kept.run_id).update(group=make_one("b").group)
    assert replay(spool) == {"gone": 1}
    assert CheckRun.objects.get().status == RunStatus.RUNNING


def test_replay_drops_endpoints_that_were_deleted_meanwhile(spool: Spool) -> None:
    endpoint = make_one()
    keep(spool, take_one(endpoint.group))
    Endpoint.objects.filter(pk=endpoint.pk).update(deleted_at=NOW)
    assert replay(spool) == {"stored": 1}
    assert (CheckResult.objects.count(), CheckRun.objects.get().up_count) == (0, 0)


def test_replay_of_older_evidence_leaves_the_state_alone(spool: Spool) -> None:
    group = make_one().group
    old = take_one(group)
    keep(spool, old, State.DOWN)
    close(old)
    record_one(take_one(group, at=NOW + timedelta(minutes=1)), outcome(at=NOW + timedelta(minutes=1)))
    assert replay(spool) == {"stored": 1}
    assert CheckResult.objects.count() == 2
    assert EndpointState.objects.get().state == State.UP
    assert Transition.objects.get().to_state == State.UP


def test_replay_after_the_evidence_expired_keeps_one_chain_in_time(spool: Spool) -> None:
    group = make_one().group
    first = take_one(group)
    record_one(first, outcome(at=NOW))
    late = take_one(group, at=NOW + timedelta(minutes=1))
    keep(spool, late)
    close(late)
    expire_evidence(NOW + timedelta(hours=1))
    assert replay(spool) == {"stored": 1}
    expire_evidence(NOW + timedelta(hours=1))
    chain = list(Transition.objects.order_by("pk").values_list("from_state", "to_state", "at"))
    unknown, up = State.UNKNOWN, State.UP
    assert chain == [
        (unknown, up, NOW),
        (up, unknown, first.valid_until),
        (unknown, up, first.valid_until),
        (up, unknown, late.valid_until),
    ]


def test_replay_reads_on_behind_damage_and_behind_a_torn_end(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    for slug in ("a", "b", "c"):
        keep(spool, take_one(make_one(slug).group))
    spool.close()
    [path] = list_files(spool.folder, SUFFIX)
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second.replace(b'"token":1', b'"token":2') + third + first[:50])
    assert replay(spool) == {"stored": 2, "damaged_lines": 2}
    assert CheckResult.objects.count() == 2
    assert list_files(spool.folder, SUFFIX) == []


def test_line_of_another_release_is_kept_aside_and_tried_at_the_next_start(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    keep(spool, take_one(make_one().group))
    spool.close()
    [path] = list_files(spool.folder, SUFFIX)
    newer = _frame(2, 3, b"{}")
    path.write_bytes(newer + path.read_bytes())
    assert replay(spool) == {"stored": 1, "kept_aside": 3}
    [aside] = list_files(spool.folder, ASIDE)
    assert aside.read_bytes() == newer
    assert "a worker of that release replays them" in caplog.text
    spool.return_aside()
    assert (list_files(spool.folder, ASIDE), spool.survey().count) == ([], 3)


def test_replay_of_nonsense_with_a_right_checksum_keeps_it_aside(spool: Spool) -> None:
    keep(spool, take_one(make_one().group))
    spool.close()
    [path] = list_files(spool.folder, SUFFIX)
    nonsense = _frame(1, 4, b'{"run":1}')
    path.write_bytes(nonsense + path.read_bytes())
    assert replay(spool) == {"refused": 4, "stored": 1}
    assert (spool.dropped, spool.survey().count) == (0, 4)
    assert [aside.read_bytes() for aside in list_files(spool.folder, ASIDE)] == [nonsense]


@contextmanager
def failing(taken: TakenRun, kind: type[DatabaseError]) -> Iterator[None]:
    """Let the database itself refuse the results of one run, by an error of this kind."""
    table, when = CheckResult._meta.db_table, f"WHEN (NEW.run_id = {taken.run_id})"
    is_cut_off = kind is OperationalError
    if connection.vendor == "sqlite":
        act = "json_extract('{', '$')" if is_cut_off else "RAISE(ABORT, 'no')"
        begin, end = [f"CREATE TRIGGER refusing BEFORE INSERT ON {table} {when} BEGIN SELECT {act}; END"], "refusing"
    else:
        act = f"RAISE EXCEPTION USING ERRCODE = '{'57014' if is_cut_off else '23514'}'"
        trigger = f"BEFORE INSERT ON {table} FOR EACH ROW {when}"
        begin = [
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {act}; END $$",
            f"CREATE TRIGGER refusing {trigger} EXECUTE FUNCTION refuse()",
        ]
        end = f"refusing ON {table}; DROP FUNCTION refuse"
    with connection.cursor() as cursor:
        for statement in begin:
            cursor.execute(statement)
        try:
            yield
        finally:
            cursor.execute(f"DROP TRIGGER {end}")


def test_replay_keeps_aside_what_the_database_refuses_and_goes_on(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    refused, good = take_one(make_one("a").group), take_one(make_one("b").group)
    for taken in (refused, good):
        keep(spool, taken)
    with failing(refused, IntegrityError):
        assert replay(spool) == {"refused": 1, "stored": 1}
        assert replay(spool) == {}
    assert (spool.dropped, spool.survey().count, CheckResult.objects.count()) == (0, 1, 1)
    assert caplog.text.count("results that cannot be stored are kept aside") == 1
    spool.return_aside()
    assert replay(spool) == {"stored": 1}
    assert (spool.survey().count, CheckResult.objects.count()) == (0, 2)


def test_replay_keeps_aside_what_fails_while_the_database_takes_others(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    poison, behind = take_one(make_one("a").group), take_one(make_one("b").group)
    for taken in (poison, behind):
        keep(spool, taken)
    with failing(poison, OperationalError):
        # Nothing tells it from a database that is away, until that takes what is measured now.
        assert [replay(spool) for _ in range(10)] == [{}] * 10
        for _ in range(MAX_FAILURES - 1):
            spool.stir()
            assert replay(spool) == {}
        spool.stir()
        assert replay(spool) == {"refused": 1, "stored": 1}
    assert CheckResult.objects.get().run_id == behind.run_id
    assert (spool.dropped, spool.survey().count) == (0, 1)
    assert caplog.text.count("results that cannot be stored are kept aside") == 1


def test_replay_lives_on_behind_what_a_defect_of_ours_cannot_store(spool: Spool) -> None:
    bad, good = take_one(make_one("a").group), take_one(make_one("b").group)
    at = bad.started_at + timedelta(seconds=1)
    # No column has room for it, and no driver a word.
    assert spool.keep(SpooledRun(bad, pair_findings(bad, [outcome(at=at)], at), 10**30))
    keep(spool, good)
    assert replay(spool) == {"refused": 1, "stored": 1}
    assert (spool.dropped, spool.survey().count) == (0, 1)


def test_replay_that_is_stopped_leaves_the_rest_for_the_next(spool: Spool) -> None:
    for slug in ("a", "b"):
        keep(spool, take_one(make_one(slug).group))
    stops = iter([False, False, True])
    assert replay(spool, is_stopping=lambda: next(stops)) == {"stored": 1}
    assert replay(spool) == {"already_stored": 1, "stored": 1}


def test_replay_marks_the_hour_that_was_rolled_up_without_it(spool: Spool) -> None:
    endpoint = make_one()
    taken = replace(take_one(endpoint.group), in_maintenance=frozenset({endpoint.pk}))
    keep(spool, taken)
    assert replay(spool) == {"stored": 1}
    assert Judgement.unpack(CheckResult.objects.get().judgement).in_maintenance
    hour = int(NOW.timestamp()) // 3600
    assert RollupMark.objects.filter(endpoint_id=endpoint.pk, hour=hour).exists()
