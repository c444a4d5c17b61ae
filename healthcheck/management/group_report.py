"""What a run of a group brought, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.management.explained import describe_duration
from healthcheck.management.screen import QUIET, STRONG, Screen, Span, name_state
from healthcheck.models import CheckResult, CheckRun, Endpoint, EndpointGroup, Evidence, Reason, RunStatus

_PHASES = ("resolve", "connect", "tls", "headers", "body")


@dataclass(frozen=True, slots=True)
class Line:
    """One endpoint of the group. `result` is None where the run does not hold it: it began without that endpoint."""

    endpoint: Endpoint
    result: CheckResult | None
    facts: dict[str, Any]

    @property
    def verdict(self) -> State:
        return State(self.result.verdict) if self.result is not None else State.UNKNOWN

    @property
    def sentence(self) -> str:
        if self.result is None:
            return "The run began without it."
        return SENTENCES[ErrorKind(self.result.error_kind)] if self.result.error_kind else ""


@dataclass(frozen=True, slots=True)
class Report:
    """A run of a group and its lines, in the group's order."""

    group: EndpointGroup
    run: CheckRun
    is_joined: bool
    lines: tuple[Line, ...]

    @property
    def is_well(self) -> bool:
        return self.run.status == RunStatus.FINISHED and all(line.verdict is State.UP for line in self.lines)


def load_report(group: EndpointGroup, run: CheckRun, *, endpoints: Sequence[Endpoint], is_joined: bool) -> Report:
    """Load what the run brought, in two queries."""
    ids = [endpoint.pk for endpoint in endpoints]
    results = {each.endpoint_id: each for each in CheckResult.objects.filter(endpoint_id__in=ids, run_id=run.pk)}
    facts = dict(Evidence.objects.filter(endpoint_id__in=ids, run_id=run.pk).values_list("endpoint_id", "facts"))
    lines = (Line(each, results.get(each.pk), facts.get(each.pk, {})) for each in endpoints)
    return Report(group, run, is_joined, tuple(lines))


def tell_report(report: Report, screen: Screen) -> None:
    """Write a table with a line per endpoint, and the sum below it."""
    if report.run.status != RunStatus.FINISHED:
        screen.write(Span(_describe_end(report.run), "down"))
        return
    header = ("Verdict", "Endpoint", "HTTP", "Latency", "What happened")
    screen.write_table(header, [_draw_line(line) for line in report.lines])
    screen.write()
    counts = ", ".join(f"{_count(report, state)} {state.word}" for state in reversed(State) if _count(report, state))
    took = f"took {report.run.wall_us / 1e6:.2f} s for {report.run.work_us / 1e6:.2f} s of checks"
    joined = f"; joined run {report.run.pk}, which was under way" if report.is_joined else ""
    screen.write(Span(report.group.name, STRONG), Span(f": {counts}; {took}{joined}"))


def _draw_line(line: Line) -> list[Span]:
    result, found = line.result, str(line.facts.get("found", ""))
    expected = f"expected {line.facts['expected']}, " if line.facts.get("expected") else ""
    happened = f"{line.sentence} ({expected}found {found})" if found else line.sentence
    return [
        name_state(line.verdict),
        Span(line.endpoint.name),
        Span(str(result.http_status) if result is not None and result.http_status else ""),
        Span(describe_duration(result.latency_us) if result is not None and result.latency_us else "", QUIET),
        Span(happened),
    ]


def _describe_end(run: CheckRun) -> str:
    status = RunStatus(run.status)
    if status in (RunStatus.QUEUED, RunStatus.RUNNING):
        return f"Run {run.pk} is still {status.label}; see whether its worker lives, and try again."
    reason = f", because {Reason(run.reason).label}" if run.reason else ""
    return f"Run {run.pk} was {status.label}{reason}; try again."


def _count(report: Report, state: State) -> int:
    return sum(line.verdict is state for line in report.lines)


def describe_report(report: Report) -> dict[str, Any]:
    """Return plain JSON values. Durations are milliseconds, instants ISO 8601; what there is none of is null."""
    run = report.run
    return {
        "group": {"slug": report.group.slug, "name": report.group.name},
        "run": {
            "id": run.pk,
            "status": RunStatus(run.status).name.lower(),
            "reason": Reason(run.reason).name.lower() if run.reason else None,
            "is_joined": report.is_joined,
            "started_at": run.started_at.isoformat() if run.started_at else None,
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
            "wall_ms": round(run.wall_us / 1000, 3),
            "work_ms": round(run.work_us / 1000, 3),
        },
        "is_well": report.is_well,
        "counts": {state.word: _count(report, state) for state in State},
        "endpoints": [_describe_line(line) for line in report.lines],
    }


def _describe_line(line: Line) -> dict[str, Any]:
    result = line.result or CheckResult()
    return {
        "id": line.endpoint.pk,
        "name": line.endpoint.name,
        "verdict": line.verdict.word,
        "error_kind": ErrorKind(result.error_kind).word if result.error_kind else None,
        "phase": Phase(result.phase).word if result.phase else None,
        "sentence": line.sentence,
        "http_status": result.http_status or None,
        "latency_ms": round(result.latency_us / 1000, 3),
        "phases": {phase: round(getattr(result, f"{phase}_us") / 1000, 3) for phase in _PHASES},
        "attempts": result.attempts,
        "evidence": line.facts or None,
    }
