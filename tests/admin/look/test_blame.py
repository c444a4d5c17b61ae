"""Every ErrorKind has somebody whose fault it is, in step with the engine's verdicts, and a first step."""

from __future__ import annotations

from healthcheck.admin.look.blame import FAULT_SENTENCES, FAULTS, FIRST_STEPS, Fault
from healthcheck.engine.faults import VERDICTS
from healthcheck.engine.types import ErrorKind, State


def test_every_kind_has_a_fault_and_a_first_step() -> None:
    assert set(FAULTS) == set(FIRST_STEPS) == set(ErrorKind)
    assert set(FAULT_SENTENCES) == set(Fault)


def test_what_measured_nothing_is_not_the_targets_fault() -> None:
    blamed = {kind for kind, fault in FAULTS.items() if fault is Fault.TARGET}
    assert blamed == {kind for kind, verdict in VERDICTS.items() if verdict is not State.UNKNOWN}
