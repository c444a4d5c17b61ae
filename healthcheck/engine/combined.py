"""One outcome of the outcomes of a name's addresses. Pure: what decides, how long it took, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.probes.address_rule import combine_verdicts, count_needed
from healthcheck.engine.types import ErrorKind, Evidence, Outcome, Phase, State, SubResult

# Where connecting ends without a way to a whole family. A host whose IPv6 is switched off also says that it has no
# address to come from; over IPv4 that means that its ports are used up.
_NO_WAY = {
    4: frozenset({"ENETUNREACH", "EAFNOSUPPORT"}),
    6: frozenset({"ENETUNREACH", "EAFNOSUPPORT", "EADDRNOTAVAIL"}),
}
# Addresses that a sentence names; the parts have all of them.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One address, and what a whole check of it came to."""

    address: str
    outcome: Outcome

    @property
    def verdict(self) -> State:
        return self.outcome.verdict

    @property
    def found(self) -> str:
        return self.outcome.evidence.found if self.outcome.evidence else ""

    @property
    def family(self) -> int:
        return 6 if ":" in self.address else 4

    @property
    def has_no_way(self) -> bool:
        """Whether it was never asked, because our host has no way to this address; to that of a redirect is no sign."""
        evidence, outcome = self.outcome.evidence, self.outcome
        return (
            outcome.error_kind is ErrorKind.CAPACITY
            and outcome.phase is Phase.CONNECT
            and evidence is not None
            and evidence.address == self.address
            and evidence.found in _NO_WAY[self.family]
        )


def combine_parts(rule: str, parts: Sequence[Part], *, left_over: int = 0) -> Outcome:
    """Return the outcome of the whole. `parts` is not empty; of `left_over` addresses more nobody knows."""
    counted = _leave_out(parts)
    needed = count_needed(rule, len(counted))
    if needed > len(counted):
        # Those without a way could be what is wanted.
        counted = list(parts)
    verdict = combine_verdicts([part.verdict for part in counted], needed)
    reached = sorted(
        (part.outcome for part in counted if State.UNKNOWN is not part.verdict <= max(verdict, State.UP)),
        key=lambda outcome: outcome.latency_us,
    )
    listed = tuple(_list_part(part, is_counted=part in counted) for part in parts)
    if verdict is State.UP:
        return _tell_up(reached[needed - 1], listed)
    failing = [part for part in counted if part.verdict is verdict]
    if not failing:
        return _tell_shortage(parts[0].outcome, rule, count=len(parts), listed=listed)
    shown = failing[0].outcome
    timed = reached[needed - 1] if verdict is State.DEGRADED else shown
    found = _describe(failing, len(counted)) + (f"; {left_over} more were not asked" if left_over else "")
    return replace(
        shown,
        observed_at=max(part.outcome.observed_at for part in parts),
        latency_us=timed.latency_us,
        phases=timed.phases,
        evidence=replace(shown.evidence or Evidence(), found=found, parts=listed),
        details=replace(shown.details, parts=listed) if shown.details else None,
    )


def _leave_out(parts: Sequence[Part]) -> list[Part]:
    """Return the parts without a family that our host has no way to at all, where the other one was asked."""
    counted = [part for part in parts if not part.has_no_way]
    lost = {4, 6} - {part.family for part in counted}
    return [part for part in parts if part.family not in lost] if len(lost) == 1 else list(parts)


def _list_part(part: Part, *, is_counted: bool) -> SubResult:
    outcome = part.outcome
    note = "" if is_counted else f"; not counted, because this machine has no way to any IPv{part.family} address"
    return SubResult(
        name=part.address,
        verdict=outcome.verdict,
        error_kind=outcome.error_kind,
        phase=outcome.phase,
        latency_us=outcome.latency_us,
        found=part.found + note,
    )


def _tell_up(timed: Outcome, listed: tuple[SubResult, ...]) -> Outcome:
    return replace(timed, details=replace(timed.details, parts=listed)) if timed.details else timed


def _tell_shortage(outcome: Outcome, rule: str, *, count: int, listed: tuple[SubResult, ...]) -> Outcome:
    """Return that the name has too few addresses, however well they are."""
    kind = ErrorKind.ASSERTION
    found = f"{count} address{'es' if count > 1 else ''} of the name"
    evidence = Evidence(SENTENCES[kind], expected=f"{rule} addresses", found=found, parts=listed)
    details = replace(outcome.details, parts=listed) if outcome.details else None
    return replace(outcome, verdict=State.DOWN, error_kind=kind, phase=Phase.ASSERT, evidence=evidence, details=details)


def _describe(failing: Sequence[Part], count: int) -> str:
    what = {State.UNKNOWN: "could not be checked", State.DEGRADED: "degraded"}.get(failing[0].verdict, "failed")
    named = "; ".join(f"{part.address}: {part.found}" if part.found else part.address for part in failing[:_NAMED])
    rest = "; …" if len(failing) > _NAMED else ""
    return f"{len(failing)} of {count} address{'es' if count > 1 else ''} {what}: {named}{rest}"
