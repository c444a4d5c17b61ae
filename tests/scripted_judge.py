"""A kind that asks nobody and says what its facts say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest

from healthcheck.engine.probes import JUDGED
from healthcheck.engine.probes.option_values import check_no_address, refuse_unknown
from healthcheck.engine.types import ErrorKind, Evidence, Outcome, State, Target
from healthcheck.models import EndpointGroup
from healthcheck.pipeline.judge import LOADERS

KIND = "oracle"


class ScriptedJudge:
    """Says the verdict that its group is named; without facts it breaks, as a defect would."""

    kind = KIND
    uses_credentials = False
    defaults: Mapping[str, Any] = MappingProxyType({})

    def parse(self, address: str, options: Mapping[str, Any]) -> tuple[()]:
        check_no_address(address, self.kind)
        refuse_unknown(self.kind, options, self.defaults)
        return ()

    def judge(self, target: Target, facts: Any, now: datetime) -> Outcome:
        verdict = State[facts["verdict"]]
        if verdict is State.UP:
            return Outcome(verdict, now, attempts=0)
        evidence = Evidence(sentence="It is said so.", found="a sign")
        return Outcome(verdict, now, error_kind=ErrorKind.ASSERTION, attempts=0, evidence=evidence)


def load_signs(targets: Sequence[Target], location_id: int, now: datetime) -> Mapping[int, Any]:
    """Return a verdict for each target, in one query for all; none in a group that is named Silent."""
    rows = EndpointGroup.objects.filter(endpoints__in=[each.endpoint_id for each in targets])
    return {pk: {"verdict": name} for pk, name in rows.values_list("endpoints", "name") if name != "Silent"}


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kind be there for one test."""
    monkeypatch.setitem(JUDGED, KIND, "tests.scripted_judge:ScriptedJudge")
    monkeypatch.setitem(LOADERS, KIND, load_signs)
