"""Finds what is wrong with the checker itself, by the rows that its processes leave. Its statements are constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Sum

from healthcheck.models import (
    CheckRun,
    Delivery,
    DeliveryStatus,
    EndpointGroup,
    Location,
    Notification,
    NotificationChannel,
    NotificationStatus,
    Reason,
    RunStatus,
    Tick,
    WorkerPulse,
)
from healthcheck.models.run import find_lost_runs
from healthcheck.pipeline.text import sanitise

# A scheduler ticks each second, and backs off for five where the database is away.
SCHEDULER_SILENT_AFTER = timedelta(seconds=30)
# A run that waits for so long has no worker to wait for.
QUEUE_AFTER = timedelta(seconds=30)
# Results that a worker has not brought back by then, though it says so to the database.
SPOOL_AFTER = timedelta(minutes=2)
# A message that has been tried, or waited for its turn, for so long: above the longest pause of a channel is no use.
OUTBOX_AFTER = timedelta(minutes=10)
MAX_SENTENCE_LENGTH = 300
# Channels that are named, the longest stuck first.
MAX_CHANNELS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is wrong. The name is the same as long as it is."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class StuckChannel:
    """A channel on which messages do not get out. `error` is what its receiver said last, in English."""

    channel_id: int
    name: str
    error: str


def find_late_scheduler(now: datetime) -> list[Found]:
    """Say whether nobody ticks, which no scheduler can. Before the first tick there is nothing to miss."""
    newest = Tick.objects.aggregate(at=Max("at"))["at"]
    if newest is None or newest > now - SCHEDULER_SILENT_AFTER:
        return []
    return [Found("scheduler", f"No scheduler has ticked since {_write(newest)}: nothing is checked. Start one.")]


def find_troubles(now: datetime) -> list[Found]:
    """Return everything that is wrong, the root of the others first."""
    missing = list(_find_missing_workers(now))
    # Of what nobody is there to take it is said that nobody is there.
    waiting = [] if missing else list(_find_waiting_runs(now))
    return [*find_late_scheduler(now), *missing, *waiting, *_find_spools(now), *_find_stuck_channels(now)]


def _find_missing_workers(now: datetime) -> Iterator[Found]:
    if not EndpointGroup.objects.existing().filter(is_paused=False).exists():
        return
    alive = WorkerPulse.objects.alive(now)
    # Where there were workers within a day, and where there always is one.
    used = Q(pk=Location.objects.default().pk) | Exists(WorkerPulse.objects.filter(location=OuterRef("pk")))
    missing = Location.objects.filter(used, ~Exists(alive.filter(location=OuterRef("pk")))).order_by("pk")
    for location_id, name in missing.values_list("pk", "name"):
        sentence = f"No worker is there for the location “{name}”: its runs are missed. Start one."
        yield Found(f"workers {location_id}", sanitise(sentence, MAX_SENTENCE_LENGTH))


def _find_waiting_runs(now: datetime) -> Iterator[Found]:
    late = CheckRun.objects.filter(status=RunStatus.QUEUED, scheduled_for__lt=now - QUEUE_AFTER)
    waiting = late.aggregate(count=Count("pk"), first=Min("scheduled_for"))
    missed = _count_missed(now)
    parts = []
    if waiting["count"]:
        verb = "runs wait" if waiting["count"] > 1 else "run waits"
        parts.append(f"{waiting['count']} {verb} for a worker since {_write(waiting['first'])}")
    if missed:
        parts.append(f"{missed} {'runs were' if missed > 1 else 'run was'} missed within a minute")
    if parts:
        sentence = f"{', and '.join(parts)}: there are too few workers, or the broker reaches none."
        yield Found("queue", sentence)


def _count_missed(now: datetime) -> int:
    """Return how many runs no worker took within a minute; none where a restart explains it."""
    lost = find_lost_runs(now - 2 * QUEUE_AFTER).filter(reason=Reason.QUEUE)
    missed = lost.aggregate(count=Count("pk"), first=Min("scheduled_for"), last=Max("open_until"))
    if not missed["count"] or missed["last"] - missed["first"] < QUEUE_AFTER:
        return 0
    return int(missed["count"])


def _find_spools(now: datetime) -> Iterator[Found]:
    workers = WorkerPulse.objects.alive(now)
    old = workers.filter(spooled_count__gt=0, spooled_since__lt=now - SPOOL_AFTER)
    waiting = old.aggregate(count=Sum("spooled_count"), first=Min("spooled_since"))
    if waiting["count"]:
        sentence = f"{waiting['count']} results wait in spools since {_write(waiting['first'])}: they cannot be stored."
        yield Found("spool", sentence)
    dropped = workers.aggregate(count=Sum("dropped_count"))["count"]
    if dropped:
        yield Found("disk", f"{dropped} results were lost: a spool was full, or its disk could not be written to.")


def _find_stuck_channels(now: datetime) -> Iterator[Found]:
    for stuck in list_stuck_channels(now):
        sentence = f"Messages do not get out on the channel “{stuck.name}”. {stuck.error or 'No worker has sent them.'}"
        yield Found(f"channel {stuck.channel_id}", sanitise(sentence, MAX_SENTENCE_LENGTH))


def list_stuck_channels(now: datetime) -> list[StuckChannel]:
    """Return the channels on which messages do not get out, and what their receivers said last. One statement."""
    mine = {"channel": OuterRef("pk")}
    waiting = Delivery.objects.filter(**mine, status=DeliveryStatus.WAITING, created_at__lt=now - OUTBOX_AFTER)
    queued = Notification.objects.filter(**mine, status=NotificationStatus.QUEUED, due_at__lt=now - OUTBOX_AFTER)
    is_refused = Q(standing__disabled_at__isnull=False)
    # What waits for the pause of its channel is not stuck, unless that is the pause after a try that failed.
    pauses = Q(standing__next_send_at__gt=now) & ~Q(standing__failures__gt=0)
    is_stuck = Exists(waiting) | (Exists(queued) & ~pauses)
    stuck = NotificationChannel.objects.filter(is_refused | is_stuck, is_enabled=True).order_by("pk")
    rows = stuck.values_list("pk", "name", "standing__last_error")[:MAX_CHANNELS]
    return [StuckChannel(pk, name, error or "") for pk, name, error in rows]


def _write(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
