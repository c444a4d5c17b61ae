"""The format of a spool: one line per run, so that whatever is damaged ends at the next line.

    HC<version> <bytes of the body> <CRC-32 of version, bytes, results and body> <results> <body>

The body is JSON in ASCII, which holds no line feed. Nothing of a target's configuration is in it, and of evidence only
what would have been stored: redacted, sanitised, capped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, BinaryIO
from zlib import crc32

from healthcheck.engine.types import ErrorKind, Limits, Outcome, Phase, PhaseTimes, State
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.record import Finding

# Of the body. A file may hold lines of several: who cannot read one keeps it for who can.
VERSION = 1
# Longer than any header; what is read to find out how much there is to read.
HEADER_BYTES = 64
_HEADER = re.compile(rb"HC(\d{1,5}) (\d{1,12}) ([0-9a-f]{8}) (\d{1,9}) ")


@dataclass(frozen=True, slots=True)
class SpooledRun:
    """A run whose results wait. Of `taken`, only what recording needs is there: no targets, no facts."""

    taken: TakenRun
    findings: Sequence[Finding]
    wall_us: int


@dataclass(frozen=True, slots=True)
class Line:
    """What stands between two line feeds. `body` is None where it is damaged, `is_torn` at the end of a torn file."""

    raw: bytes
    version: int = 0
    results: int = 0
    body: bytes | None = None
    is_torn: bool = False


def write_line(run: SpooledRun) -> bytes:
    """Return the run as a line with its line feed."""
    body = json.dumps(_write_run(run), separators=(",", ":")).encode("ascii")
    return _frame(VERSION, len(run.findings), body)


def _frame(version: int, results: int, body: bytes) -> bytes:
    checksum = _sum_up(version, results, body)
    return b"HC%d %d %08x %d %b\n" % (version, len(body), checksum, results, body)


def _sum_up(version: int, results: int, body: bytes) -> int:
    return crc32(body, crc32(b"%d %d %d" % (version, len(body), results)))


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """Yield the lines from where the file stands; what cannot be read is a line as well, and loses only itself."""
    while raw := file.readline():
        line = _parse(raw)
        if line.body is not None and len(line.raw) < len(raw):
            # Its line feed is damaged: the next one begins behind it.
            file.seek(len(line.raw) - len(raw), 1)
        yield line


def count_results(file: BinaryIO) -> int:
    """Return how many results the lines hold by their headers, without reading their bodies."""
    counted = 0
    while header := file.read(HEADER_BYTES):
        match = _HEADER.match(header)
        if match is None:
            file.seek(-len(header), 1)
            file.readline()
            continue
        counted += int(match[4])
        file.seek(match.end() + int(match[2]) + 1 - len(header), 1)
    return counted


def read_run(body: bytes) -> SpooledRun:
    """Return the run of a line of this version. Raises ValueError, KeyError or TypeError for what is none."""
    loaded = json.loads(body)
    taken = TakenRun(
        run_id=loaded["run"],
        token=loaded["token"],
        group_id=loaded["group"],
        group_name=loaded["name"],
        location_id=loaded["location"],
        trigger=loaded["trigger"],
        slot_at=datetime.fromisoformat(loaded["slot_at"]),
        next_slot_at=datetime.fromisoformat(loaded["next_slot_at"]),
        valid_until=datetime.fromisoformat(loaded["valid_until"]),
        started_at=datetime.fromisoformat(loaded["started_at"]),
        interval_seconds=loaded["interval"],
        targets=(),
        unreadable=(),
        limits=Limits(loaded["deadline"]),
        in_maintenance=frozenset(loaded["in_maintenance"]),
    )
    return SpooledRun(taken, [_read_finding(values) for values in loaded["findings"]], loaded["wall_us"])


def _parse(raw: bytes) -> Line:
    match = _HEADER.match(raw)
    if match is not None:
        version, results = int(match[1]), int(match[4])
        end = match.end() + int(match[2])
        body = raw[match.end() : end]
        if len(body) == int(match[2]) and _sum_up(version, results, body) == int(match[3], 16):
            return Line(raw[: end + 1], version, results, body)
    return Line(raw, is_torn=not raw.endswith(b"\n"))


def _write_run(run: SpooledRun) -> dict[str, Any]:
    taken = run.taken
    return {
        "run": taken.run_id,
        "token": taken.token,
        "group": taken.group_id,
        "name": taken.group_name,
        "location": taken.location_id,
        "trigger": int(taken.trigger),
        "slot_at": taken.slot_at.isoformat(),
        "next_slot_at": taken.next_slot_at.isoformat(),
        "valid_until": taken.valid_until.isoformat(),
        "started_at": taken.started_at.isoformat(),
        "interval": taken.interval_seconds,
        "deadline": taken.limits.deadline_seconds,
        "in_maintenance": sorted(taken.in_maintenance),
        "wall_us": run.wall_us,
        "findings": [_write_finding(finding) for finding in run.findings],
    }


def _write_finding(finding: Finding) -> list[Any]:
    outcome = finding.outcome
    return [
        finding.endpoint_id,
        int(outcome.verdict),
        int(outcome.error_kind or 0),
        int(outcome.phase or 0),
        outcome.observed_at.isoformat(),
        outcome.latency_us,
        astuple(outcome.phases),
        outcome.http_status,
        outcome.attempts,
        finding.write_facts(),
    ]


def _read_finding(values: Sequence[Any]) -> Finding:
    endpoint_id, verdict, error_kind, phase, observed_at, latency_us, phases, http_status, attempts, facts = values
    outcome = Outcome(
        State(verdict),
        datetime.fromisoformat(observed_at),
        error_kind=ErrorKind(error_kind) if error_kind else None,
        phase=Phase.read(phase),
        latency_us=latency_us,
        phases=PhaseTimes(*phases),
        http_status=http_status,
        attempts=attempts,
    )
    return Finding(endpoint_id, outcome, facts)
