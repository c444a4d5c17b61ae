"""Every ErrorKind has somebody whose fault it is, in step with the engine's verdicts, and a first step."""

from __future__ import annotations

from healthcheck.admin.look.blame import BLAME_SENTENCES, BLAMES, FIRST_STEPS, Blame
from healthcheck.engine.faults import VERDICTS
from healthcheck.engine.types import ErrorKind, State


def test_every_kind_has_a_fault_and_a_first_step() -> None:
    assert set(BLAMES) == set(FIRST_STEPS) == set(ErrorKind)
    assert set(BLAME_SENTENCES) == set(Blame)


def test_what_measured_nothing_is_not_the_targets_fault() -> None:
    blamed = {kind for kind, fault in BLAMES.items() if fault is Blame.TARGET}
    assert blamed == {kind for kind, verdict in VERDICTS.items() if verdict is not State.UNKNOWN}
