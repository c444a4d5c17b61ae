"""One attempt of one check: its clock, its phases and its way to the network. What every probe is handed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from healthcheck.engine.types import Phase, PhaseTimes

if TYPE_CHECKING:
    from healthcheck.engine.details import Trace
    from healthcheck.engine.dialer import Dialer


@dataclass(slots=True)
class Stopwatch:
    """Monotonic time per phase of one attempt. Waiting for our own capacity counts nowhere."""

    phase: Phase = Phase.RESOLVE
    started: float = field(default_factory=time.monotonic)
    waited: float = 0.0
    _spent: dict[Phase, float] = field(default_factory=dict)
    _is_covered: bool = False

    def measure(self, phase: Phase) -> AbstractContextManager[None]:
        """Add the time inside the block to `phase`; after an exception `phase` still names where it happened."""
        return _NOTHING if self._is_covered else _Measurement(self, phase)

    def add(self, phase: Phase, seconds: float) -> None:
        """Count seconds that were spent in a phase."""
        self._spent[phase] = self._spent.get(phase, 0.0) + seconds

    @contextmanager
    def cover(self) -> Iterator[None]:
        """Leave to the phase around the block what would be phases of its own, such as a connection to a resolver."""
        before, self._is_covered = self._is_covered, True
        try:
            yield
        finally:
            self._is_covered = before

    @property
    def latency_us(self) -> int:
        return max(0, round((time.monotonic() - self.started - self.waited) * 1e6))

    @property
    def phases(self) -> PhaseTimes:
        spent = {phase: max(0, round(seconds * 1e6)) for phase, seconds in self._spent.items()}
        return PhaseTimes(
            resolve_us=spent.get(Phase.RESOLVE, 0),
            connect_us=spent.get(Phase.CONNECT, 0),
            tls_us=spent.get(Phase.TLS, 0),
            headers_us=spent.get(Phase.REQUEST, 0) + spent.get(Phase.HEADERS, 0),
            body_us=spent.get(Phase.BODY, 0),
        )


class _Measurement:
    """A block of one phase. Every check enters seven: a generator would cost each of them three times as much."""

    __slots__ = ("_phase", "_started", "_waited", "_watch")

    def __init__(self, watch: Stopwatch, phase: Phase) -> None:
        self._watch = watch
        self._phase = phase

    def __enter__(self) -> None:
        self._watch.phase = self._phase
        self._started, self._waited = time.monotonic(), self._watch.waited

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        waited = self._watch.waited - self._waited
        self._watch.add(self._phase, time.monotonic() - self._started - waited)


_NOTHING = nullcontext()


@dataclass(frozen=True, slots=True)
class Pin:
    """The one address of a host that an attempt is about, and how long it took to find it.

    Another host, such as one behind a redirect, is looked up as ever.
    """

    host: str
    address: str
    resolve_seconds: float

    def start_stopwatch(self) -> Stopwatch:
        """Return a stopwatch that has measured the lookup, so that it is part of the attempt's latency."""
        watch = Stopwatch(started=time.monotonic() - self.resolve_seconds)
        watch.add(Phase.RESOLVE, self.resolve_seconds)
        return watch


@dataclass(slots=True)
class CheckSession:
    """What a probe may use for one attempt.

    `deadline` is the check's one timeout over everything; `hard_deadline` (loop time) is the group's. While the check
    waits for our own capacity the first is pushed back, never past the second.
    """

    dialer: Dialer
    deadline: asyncio.Timeout
    hard_deadline: float
    # The address that a failed first attempt used; the second one prefers another where there is one.
    avoid_address: str | None = None
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    pin: Pin | None = None
    # The last address that this attempt connected to or tried to.
    address: str = ""
    redirects: list[str] = field(default_factory=list)
    # When the lookup began that this attempt waited for last, by the loop's clock: it may be older than the attempt.
    asked_at: float = math.inf
    # Collects what was sent and what came back, for who asked for details; most checks have none.
    trace: Trace | None = None
    is_waiting: bool = False
    # True while, or when it ended while, something was done that is not the target's doing: see `aside`.
    is_aside: bool = False
    # What a proxy has not done while it is waited for, empty at any other time: see `engine/proxy.py`.
    awaited: str = ""
    # Texts that were said to the target and must not be kept, whatever it makes of them.
    secrets: list[str] = field(default_factory=list, repr=False)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do what somebody else must do before the target can be asked: outside the latency, inside the deadline."""
        before, waited_before = time.monotonic(), self.stopwatch.waited
        self.is_aside, self.stopwatch.phase = True, Phase.REQUEST
        try:
            yield
            self.is_aside = False
        finally:
            self.stopwatch.waited = waited_before + time.monotonic() - before

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for a place of ours: outside the latency, and outside the check's deadline."""
        before, due = time.monotonic(), self.deadline.when()
        self.is_waiting = True
        self.deadline.reschedule(self.hard_deadline)
        try:
            yield
            self.is_waiting = False
        finally:
            waited = time.monotonic() - before
            self.stopwatch.waited += waited
            # A timeout that has fired cannot be moved any more; the runner sees `is_waiting` and knows why.
            if not self.is_waiting and due is not None:
                self.deadline.reschedule(min(due + waited, self.hard_deadline))
