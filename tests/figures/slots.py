"""16 schedulers and 8 workers under a virtual clock: how many runs there are for so many slots, and how each ended.

All of them are the product's own claim, take, record and sweep on one database, interleaved in this process: in each
second two of the schedulers look at what is due before either claims it, and the others come in any order. Of the
messages some are lost and some come twice; of the workers some die with a run in their hands. At least one scheduler
and one worker is there at any time, so that no slot is missed for want of one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from django.db import connection
from django.db.models import Count

from healthcheck.models import CheckRun, EndpointGroup, Location, RunStatus
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.dispatch import CLAIM_BATCH, claim_due_groups, claim_group
from healthcheck.pipeline.execute import take_run
from healthcheck.pipeline.record import record_run
from healthcheck.pipeline.sweep import mark_published, sweep_runs
from tests.figures.table import Row

START = datetime(2028, 2, 29, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Phases are in whole milliseconds: at the end of each second all of its slots are due, and none of the next one's.
LATE = timedelta(milliseconds=999)
INTERVAL_SECONDS = 60
# Of each group; the fewer, the more groups are due at once.
FEWEST_SLOTS, MOST_SLOTS, GROUPS = 12, 100, 500
SCHEDULERS, WORKERS = 16, 8
LOST, DOUBLED, DEATHS = 0.02, 0.05, 0.01
SWEEP_SECONDS = 5
# Until the last lease of a dead worker has ended.
SETTLE_SECONDS = 300


@dataclass(slots=True)
class Crowd:
    """The schedulers and workers, and the messages between them."""

    random: Random
    location: Location
    messages: deque[int] = field(default_factory=deque)
    seen: Counter[str] = field(default_factory=Counter)

    def claim(self, now: datetime) -> None:
        """Let all schedulers tick once; the first two have read the same clocks."""
        due = list(EndpointGroup.objects.due(now)[:CLAIM_BATCH])
        for _ in range(2):
            for group in self.random.sample(due, len(due)):
                run_id = claim_group(group, self.location, now)
                self.seen["claims that came too late"] += run_id is None
                self._publish([run_id] if run_id is not None else [], now)
        for _ in range(SCHEDULERS - 2):
            while claimed := claim_due_groups(now):
                self._publish(claimed, now)

    def sweep(self, now: datetime) -> None:
        found = sweep_runs(now)
        self.seen["messages sent again"] += len(found)
        self._publish(found, now)

    def work(self, now: datetime) -> None:
        """Let the workers take what has come; each message may reach two of them."""
        for run_id in [self.messages.popleft() for _ in range(len(self.messages))]:
            for _ in range(1 + (self.random.random() < DOUBLED)):
                taken = take_run(run_id, now)
                if taken is None:
                    self.seen["messages that came twice"] += 1
                elif self.random.random() < DEATHS:
                    self.seen["runs whose worker died"] += 1
                else:
                    record_run(taken, [], now=now, wall_us=1000)

    def _publish(self, run_ids: list[int], now: datetime) -> None:
        mark_published(run_ids, now)
        kept = [run_id for run_id in run_ids if self.random.random() >= LOST]
        self.seen["messages lost"] += len(run_ids) - len(kept)
        self.messages.extend(kept)


def measure(size: int) -> Iterator[Row]:
    per_group = min(MOST_SLOTS, max(FEWEST_SLOTS, size // GROUPS))
    groups = max(1, size // per_group)
    beats = _prepare(groups)
    crowd = Crowd(Random(size), Location.objects.default())
    for second in range(per_group * INTERVAL_SECONDS):
        now = START + second * SECOND + LATE
        if second % INTERVAL_SECONDS in beats:
            crowd.claim(now)
        if second % SWEEP_SECONDS == 0:
            crowd.sweep(now)
        crowd.work(now)
    for second in range(0, SETTLE_SECONDS, SWEEP_SECONDS):
        now = START + (per_group * INTERVAL_SECONDS + second) * SECOND
        crowd.sweep(now)
        crowd.work(now)
    yield from _audit(crowd, groups * per_group)


def _prepare(groups: int) -> set[int]:
    """Store the groups and return the seconds of a minute in which slots of theirs come due."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Nothing here is to outlive a power cut.
            cursor.execute("PRAGMA synchronous = OFF")
    made = EndpointGroup.objects.bulk_create(
        EndpointGroup(slug=f"slots-{n}", name=f"Slots {n}", interval_seconds=INTERVAL_SECONDS, deadline_seconds=5.0)
        for n in range(groups)
    )
    for group in made:
        # The first slot on the group's own phase, so that all have as many in the same time.
        group.next_run_at = group.schedule.slot_after(START - timedelta(microseconds=1))
    EndpointGroup.objects.bulk_update(made, ["next_run_at"], batch_size=500)
    return {(group.next_run_at - START) // SECOND for group in made}


def _audit(crowd: Crowd, slots: int) -> Iterator[Row]:
    runs = CheckRun.objects.all()
    twice = runs.values("group", "scheduled_for").annotate(count=Count("pk")).filter(count__gt=1).count()
    of = f"{SCHEDULERS} schedulers, {WORKERS} workers, {slots:,} slots; " + ", ".join(
        f"{count:,} {what}" for what, count in sorted(crowd.seen.items())
    )
    yield Row(f"runs for {slots:,} slots", f"{slots:,}", f"{runs.count():,}", of)
    yield Row("slots with two runs", "0", f"{twice:,}", "by group and instant")
    yield Row("runs without a terminal state", "0", f"{runs.filter(status__in=UNFINISHED).count():,}", "")
    ended = runs.values_list("status").annotate(count=Count("pk")).order_by("status")
    described = ", ".join(f"{count:,} {RunStatus(status).label}" for status, count in ended)
    yield Row("how they ended", "", described, "")
