"""What a job's signals say about it: up, failed, too late, or nothing that anybody could know. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from healthcheck.engine.faults import SENTENCES, VERDICTS
from healthcheck.engine.schedule import CronSchedule
from healthcheck.engine.types import ErrorKind, Evidence, Outcome, State

# Exit codes are what a shell has: one byte, and 0 is success.
MAX_EXIT_CODE = 255


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which we were not there to hear anything."""

    start: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a job.

    `ended_at` is when its last run ended, by success unless `is_failure`; `open_since` are the beginnings of runs that
    have not ended; `absences` come in the order of time.
    """

    first_at: datetime | None = None
    ended_at: datetime | None = None
    is_failure: bool = False
    exit_code: int | None = None
    duration_ms: int | None = None
    said: str = ""
    open_since: tuple[datetime, ...] = ()
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """When a job is to be heard: by its `cron` schedule where there is one, else once in a `period`."""

    period: timedelta
    grace: timedelta
    cron: CronSchedule | None = None
    max_run: timedelta | None = None

    def expect_after(self, instant: datetime) -> datetime:
        """Return when the job is expected next after `instant`."""
        return self.cron.slot_after(instant) if self.cron is not None else instant + self.period

    def find_deadline(self, heard_at: datetime) -> datetime:
        """Return when a job that was heard at `heard_at` is late."""
        return self.expect_after(heard_at) + self.grace

    def extend_deadline(self, heard_at: datetime, absences: Sequence[Absence]) -> datetime:
        """Return the deadline, moved on behind each absence in which the signal may have come and gone unheard."""
        expected = self.expect_after(heard_at)
        for absence in absences:
            if absence.until <= expected - self.grace or absence.start >= expected + self.grace:
                continue
            expected = max(expected, self.expect_after(absence.until))
        return expected + self.grace


def judge_heartbeat(expectation: Expectation, heard: Heard, now: datetime) -> Outcome:
    """Judge a job by what was heard of it until `now`. Never measured is unknown, and so is what we slept through."""
    base = heard.ended_at or heard.first_at
    if base is None:
        return _refuse(ErrorKind.SILENT, now, expected="a first signal")
    if (begun_at := _find_overdue(expectation, heard, now)) is not None:
        expected = f"an end within {_in_seconds(expectation.max_run)} of the start at {_write(begun_at)}"
        return _refuse(ErrorKind.MISSED, now, expected=expected, found="it began and has not ended", heard=heard)
    if heard.is_failure:
        found = "fail" if heard.exit_code is None else f"exit code {heard.exit_code}"
        return _refuse(ErrorKind.FAILED, now, expected="success", found=found, heard=heard)
    return _judge_silence(expectation, heard, now, base=base)


def _judge_silence(expectation: Expectation, heard: Heard, now: datetime, *, base: datetime) -> Outcome:
    deadline = expectation.find_deadline(base)
    runs_on = expectation.max_run is not None and any(base <= begun_at <= deadline for begun_at in heard.open_since)
    if now <= deadline or runs_on:
        if heard.ended_at is None:
            return _refuse(ErrorKind.SILENT, now, expected="the end of a first run", heard=heard)
        return Outcome(State.UP, now, latency_us=(heard.duration_ms or 0) * 1000)
    expected, found = f"a signal by {_write(deadline)}", f"the last one at {_write(base)}"
    extended = expectation.extend_deadline(base, heard.absences)
    kind = ErrorKind.AWAY if now <= extended else ErrorKind.MISSED
    return _refuse(kind, now, expected=expected, found=found, heard=heard)


def _find_overdue(expectation: Expectation, heard: Heard, now: datetime) -> datetime | None:
    """Return the beginning of a run that should have ended, unless we were away when it could have said so."""
    if expectation.max_run is None:
        return None
    for begun_at in sorted(heard.open_since):
        limit = begun_at + expectation.max_run
        was_away = any(absence.start < limit and absence.until > begun_at for absence in heard.absences)
        if now > limit and not was_away and not _is_settled(heard, limit):
            return begun_at
    return None


def _is_settled(heard: Heard, limit: datetime) -> bool:
    """Whether a run that began after the other one was overdue has ended well: then that one is history."""
    if heard.ended_at is None or heard.is_failure:
        return False
    return heard.ended_at - timedelta(milliseconds=heard.duration_ms or 0) > limit


def _refuse(kind: ErrorKind, now: datetime, *, expected: str, found: str = "", heard: Heard | None = None) -> Outcome:
    said = heard.said if heard is not None and kind is ErrorKind.FAILED else ""
    duration_ms = heard.duration_ms if heard is not None and kind is ErrorKind.FAILED else None
    evidence = Evidence(SENTENCES[kind], expected=expected, found=found or "nothing was heard yet", excerpt=said)
    return Outcome(VERDICTS[kind], now, error_kind=kind, latency_us=(duration_ms or 0) * 1000, evidence=evidence)


def _write(instant: datetime) -> str:
    return instant.isoformat(sep=" ", timespec="seconds")


def _in_seconds(duration: timedelta | None) -> str:
    return f"{duration.total_seconds():g} s" if duration is not None else ""
