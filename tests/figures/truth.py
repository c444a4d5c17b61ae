"""What a year really was, second by second, told by somebody who has never heard of transitions.

The truth is what was observed: each look at the target has an instant, a verdict, and an instant until which it may be
believed. A second counts as

- nothing, before the first look;
- unknown, from the instant at which the last look ceased to hold until a later look agrees with what was known before,
  or until so many looks in a row as the threshold wants agree on something else;
- else what was known: the first look's verdict, and then what so many looks in a row said as the threshold wants, the
  mildest of them where it became worse and the most severe where it became better. It is known from the first of these
  looks on, or from the last one where somebody was blind in between.

What the clock says is the time. Where it is set back, no change begins before the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Condition, Effect, Overlay

NOTHING = 255
# Enough for any threshold of the simulator.
_REMEMBERED = 10


class Truth:
    """Seconds since `start` in epoch seconds, one byte each. Looks are told in the order in which they happened."""

    def __init__(self, start: int, *, failure: int, recovery: int) -> None:
        self._start = start
        self._failure, self._recovery = failure, recovery
        self._seconds = bytearray()
        self._now_painting = NOTHING
        self._known: State | None = None
        self._holds_until: int | None = None
        self._looks: list[tuple[int, State]] = []

    @property
    def _is_blind(self) -> bool:
        return self._now_painting == State.UNKNOWN

    def see(self, at: int, verdict: State, *, holds_until: int) -> None:
        """Somebody looked, and may believe it until `holds_until`. An unknown verdict is no look."""
        self.notice(at)
        self._holds_until = holds_until
        if self._known is None:
            self._become(verdict, at)
            return
        self._looks = [*self._looks[1 - _REMEMBERED :], (at, verdict)]
        row = self._find_row(self._known)
        if not row:
            if self._is_blind:
                self._paint(self._known, at)
        elif len(row) >= (self._failure if verdict > self._known else self._recovery):
            agreed = min(said for _, said in row) if verdict > self._known else max(said for _, said in row)
            self._become(agreed, at if self._is_blind else row[0][0])

    def disbelieve(self, at: int) -> None:
        """What was seen is not believed any more, from `at` on."""
        self._holds_until = at
        self.notice(at)

    def notice(self, at: int) -> None:
        """Go blind, if what was seen last does not hold any more at `at`."""
        if self._holds_until is not None and self._holds_until <= at and not self._is_blind:
            self._paint(State.UNKNOWN, self._holds_until)

    def finish(self, end: int) -> bytes:
        """Return all seconds up to `end`."""
        self.notice(end)
        self._fill(end)
        return bytes(self._seconds[: end - self._start])

    def _find_row(self, known: State) -> list[tuple[int, State]]:
        """Return the last looks in a row that say otherwise, all of them worse or all of them better than known."""
        row: list[tuple[int, State]] = []
        for at, said in reversed(self._looks):
            if said is known or (row and (said > known) is not (row[0][1] > known)):
                break
            row.insert(0, (at, said))
        return row

    def _become(self, state: State, at: int) -> None:
        self._known, self._looks = state, []
        self._paint(state, at)

    def _paint(self, state: State, at: int) -> None:
        self._fill(at)
        self._now_painting = state

    def _fill(self, until: int) -> None:
        # What is painted stays: of an hour that is lived through twice, up to the last change.
        missing = until - self._start - len(self._seconds)
        self._seconds += bytes([self._now_painting]) * max(0, missing)


_TABLES = {
    Effect.MAINTENANCE: dict.fromkeys(State, Condition.MAINTENANCE),
    Effect.EXCLUDED: dict.fromkeys(State, Condition.EXCLUDED),
    Effect.FALSE_ALARM: {State.DEGRADED: Condition.UP, State.DOWN: Condition.UP},
}


def lay_over(seconds: bytes, overlays: Iterable[Overlay], *, start: int) -> bytes:
    """Return the seconds with what people say of them: painted one over the other, the one that holds last."""
    painted = bytearray(seconds)
    for overlay in sorted(overlays):
        table = bytearray(range(256))
        for state, condition in _TABLES[overlay.effect].items():
            table[state] = condition
        first, last = (max(0, ms // 1000 - start) for ms in (overlay.start_ms, overlay.end_ms))
        if first < last:
            painted[first:last] = seconds[first:last].translate(bytes(table))
    return bytes(painted)
