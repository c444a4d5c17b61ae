"""Schedule arithmetic: which slot is due, what was missed, when the next one comes. Pure: time is an argument.

A slot is an instant in UTC. Interval slots are `phase + k * interval` in epoch seconds, the phase a stable hash of the
group's id: the load is flat, a restart changes nothing, and daylight saving cannot touch it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from healthcheck.engine.types import ConfigurationError

MIN_INTERVAL_SECONDS = 1
MAX_INTERVAL_SECONDS = 86_400
# A cron slot that nobody could claim in time still runs within this, because "daily at 03:00" at 03:10 is what people
# want and at 09:00 is not. An interval's slot runs until the next one is due.
CRON_LATE_LIMIT = timedelta(minutes=15)
# How many cron slots of a gap are counted one by one; a longer gap is stated as at least so many.
MAX_COUNTED_SLOTS = 1_000
# How many cron slots are looked at for the shortest pause between two of them, and how far ahead: a person waits.
MAX_COMPARED_SLOTS, MAX_COMPARED_TIME = 100, timedelta(days=800)
# How long the evidence of a slot outlives the moment at which the next result is due.
FORGIVEN = timedelta(seconds=60)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots that nobody claimed: `count` of them in [start, until)."""

    start: datetime
    until: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a claim does: run `slot` if there is one, record `gap` if there is one, set the clock to `next_run_at`."""

    slot: datetime | None
    gap: Gap | None
    next_run_at: datetime


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """Every `interval_seconds`, on the phase of the group."""

    interval_seconds: int
    phase: timedelta = timedelta()

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=self.interval_seconds)

    def latest_slot(self, now: datetime) -> datetime:
        """Return the last slot at or before `now`."""
        passed = (now - _EPOCH - self.phase) // self.interval
        return _EPOCH + self.phase + passed * self.interval

    def slot_after(self, instant: datetime) -> datetime:
        """Return the first slot after `instant`."""
        return self.latest_slot(instant) + self.interval

    def is_on_phase(self, instant: datetime) -> bool:
        return self.latest_slot(instant) == instant

    def plan(self, due_at: datetime, now: datetime, *, deadline: timedelta) -> Plan:
        """Plan the claim of a group whose clock says `due_at`, which has passed. Only the current slot runs."""
        # Off the phase: a new or resumed group runs at once. The next slot leaves that run time to end.
        following = self.slot_after(due_at if self.is_on_phase(due_at) else due_at + deadline)
        if now < following:
            return Plan(due_at, None, following)
        latest = self.latest_slot(now)
        missed = 1 + (latest - following) // self.interval
        return Plan(latest, Gap(due_at, latest, missed), latest + self.interval)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """By a cron expression in a time zone, with Debian cron's rules where the clocks change.

    A fixed time inside the missing hour runs right after it, one inside the doubled hour runs once; expressions with a
    wildcard hour or minute follow elapsed time and run in both.
    """

    expression: str
    timezone: str = "UTC"

    def slot_after(self, instant: datetime) -> datetime:
        """Return the first slot after `instant`. Raises ConfigurationError when there is none in fifty years."""
        for local in CronSim(self.expression, instant.astimezone(ZoneInfo(self.timezone))):
            found = local.astimezone(UTC)
            # A fixed time in the doubled hour is its first occurrence, which in the second one has passed.
            if found > instant:
                return found
        sentence = f"“{self.expression}” never comes; choose a day that exists."
        raise ConfigurationError(sentence, field="cron")

    def is_on_phase(self, instant: datetime) -> bool:
        return self.slot_after(instant - timedelta(microseconds=1)) == instant

    def find_shortest_pause(self, after: datetime) -> timedelta:
        """Return the shortest time between two of the slots that follow `after`; see `MAX_COMPARED_SLOTS`."""
        slots = [first := self.slot_after(after), self.slot_after(first)]
        while len(slots) < MAX_COMPARED_SLOTS and slots[-1] - after < MAX_COMPARED_TIME:
            slots.append(self.slot_after(slots[-1]))
        return min(following - slot for slot, following in pairwise(slots))

    def plan(self, due_at: datetime, now: datetime, *, deadline: timedelta) -> Plan:
        """Plan the claim of a group whose clock says `due_at`, which has passed. See `CRON_LATE_LIMIT`."""
        current, following, count = due_at, self.slot_after(due_at), 0
        while following <= now:
            current, count = following, count + 1
            # Past the limit only what may still run is looked at, so that no outage makes a claim slow.
            is_counted = count < MAX_COUNTED_SLOTS
            following = self.slot_after(current if is_counted else max(current, now - CRON_LATE_LIMIT))
        if now - current > CRON_LATE_LIMIT:
            return Plan(None, Gap(due_at, now, count + 1), following)
        return Plan(current, Gap(due_at, current, count) if count else None, following)


Schedule = IntervalSchedule | CronSchedule


def phase_of(group_id: int, interval_seconds: int) -> timedelta:
    """Return the group's place in the interval, in whole milliseconds: the same everywhere and after any restart."""
    digest = hashlib.blake2b(str(group_id).encode(), digest_size=8).digest()
    return timedelta(milliseconds=int.from_bytes(digest, "big") % (interval_seconds * 1000))


def parse_cron(expression: str, timezone: str) -> CronSchedule:
    """Return the schedule. Raises ConfigurationError with a sentence that names the cure."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sentence = f"There is no time zone “{timezone}”; use a name such as Europe/Berlin or UTC."
        raise ConfigurationError(sentence, field="timezone") from None
    if len(expression.split()) != 5:
        sentence = f"“{expression}” is not a cron expression; write five fields such as */5 * * * *."
        raise ConfigurationError(sentence, field="cron")
    try:
        CronSim(expression, datetime(2026, 1, 1, tzinfo=zone))
    except (CronSimError, ValueError) as error:
        sentence = f"“{expression}” is not a cron expression ({error}); write five fields such as */5 * * * *."
        raise ConfigurationError(sentence, field="cron") from None
    schedule = CronSchedule(expression, timezone)
    schedule.slot_after(datetime(2026, 1, 1, tzinfo=UTC))
    return schedule


def expiry(slot: datetime, open_until: datetime, *, deadline: timedelta, margin: timedelta) -> datetime:
    """Return when the evidence of `slot` expires. `open_until` is the slot that follows it.

    One lost slot is forgiven where slots are a minute or less apart, so that a worker's restart is no gap. A slower
    schedule is given one minute more and not another slot, because a stale green is worse than an honest gap.
    """
    return open_until + min(open_until - slot, FORGIVEN) + deadline + margin
