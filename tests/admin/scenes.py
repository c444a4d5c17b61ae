"""A desk on a bad day, for tests and for eyes: everything that the start page can show, hostile names included."""

from __future__ import annotations

from datetime import datetime, timedelta

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import EndpointGroup, Reason, RunStatus, Tag, Version, VersionAction, WorkerPulse
from tests.factories import (
    make_endpoint,
    make_evidence,
    make_group,
    make_location,
    make_result,
    make_run,
    make_state,
    make_tick,
    make_transition,
)

HOSTILE = "<script>alert(1)</script> & “name” " + "verylongwordwithoutanyspace" * 4


def paint_bad_day(now: datetime, *, members: int = 3) -> EndpointGroup:
    """Store groups with members in every state, lost runs, living and silent processes, changes, tags."""
    shop = make_group("shop", name="Web shop")
    hostile = make_group("hostile", name=HOSTILE[:190])
    rested = make_group("rested", name="Old shop", is_paused=True)
    tag = Tag.objects.create(name="customers")
    shop.tags.add(tag)
    run = make_run(shop, at=now - timedelta(seconds=20), up_count=members, down_count=members)
    for number in range(members):
        _paint_members(shop, hostile, number, run=run, now=now)
        make_endpoint(rested, f"archive {number}")
    make_endpoint(shop, "resting", is_paused=True).tags.add(tag)
    _paint_losses(shop, now)
    _paint_processes(now)
    kinds = (("endpointgroup", shop.pk, shop.name), ("endpoint", 0, HOSTILE[:190]))
    for kind, pk, name in kinds:
        Version.objects.create(
            kind=kind, object_id=pk, number=1, at=now, author_name="alex", action=VersionAction.CREATED, name=name
        )
    return shop


def _paint_members(shop: EndpointGroup, hostile: EndpointGroup, number: int, *, run: object, now: datetime) -> None:
    up = make_endpoint(shop, f"front page {number}", address="https://shop.example/")
    make_state(up, now=now, last_run_id=run.pk)  # type: ignore[attr-defined]
    make_result(run, up)  # type: ignore[arg-type]
    make_transition(up, at=now, from_state=State.UNKNOWN, to_state=State.UP)
    down = make_endpoint(hostile, f"{number} {HOSTILE}"[:200], address="https://shop.example/" + "segment/" * 30)
    failed = {"last_error_kind": ErrorKind.STATUS, "last_http_status": 500, "last_run_id": run.pk}  # type: ignore[attr-defined]
    make_state(down, State.DOWN, now=now, since=now - timedelta(minutes=3 + number), **failed)
    make_result(run, down, State.DOWN)  # type: ignore[arg-type]
    make_evidence(run, down, expected=HOSTILE, found="500")  # type: ignore[arg-type]
    slow = make_endpoint(shop, f"search {number}")
    make_state(slow, State.DEGRADED, now=now, last_error_kind=ErrorKind.ASSERTION)
    make_endpoint(shop, f"never checked {number}")
    stale = make_endpoint(shop, f"stale {number}")
    make_state(stale, now=now, valid_until=now - timedelta(hours=2, minutes=number))


def _paint_losses(group: EndpointGroup, now: datetime) -> None:
    for minutes, reason in ((5, Reason.OVERLAP), (10, Reason.OVERLAP), (300, Reason.QUEUE), (301, Reason.SCHEDULER)):
        at = now - timedelta(minutes=minutes)
        make_run(group, at=at, status=RunStatus.MISSED, reason=reason, slot_count=minutes)
    make_run(group, at=now - timedelta(minutes=7), status=RunStatus.ABANDONED, reason=Reason.LEASE)
    make_run(group, at=now - timedelta(minutes=8), started_at=now - timedelta(minutes=7, seconds=50))
    make_run(group, at=now - timedelta(seconds=1), status=RunStatus.QUEUED)


def _paint_processes(now: datetime) -> None:
    here, there = make_location(), make_location("far-away", name="Far away")
    for number, location in enumerate((here, here, there)):
        silent = timedelta(hours=number // 2)
        WorkerPulse.objects.create(
            node=f"worker-{number}@host-{number}:17:0a1b2c3d",
            location=location,
            started_at=now - timedelta(hours=5),
            at=now - timedelta(seconds=4) - silent,
            pool="threads",
            concurrency=500,
        )
    make_tick(at=now - timedelta(seconds=1), node="host-0:12:0a1b2c3d")
    make_tick(at=now - timedelta(minutes=12), node="host-1:12:0a1b2c3d")
