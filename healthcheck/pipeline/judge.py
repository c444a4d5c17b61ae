"""Judges what asks no network, from facts that are loaded beforehand in a fixed number of queries per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from healthcheck.engine.judging import judge_target
from healthcheck.engine.probes import is_judged
from healthcheck.engine.types import Outcome, Target
from healthcheck.pipeline.heartbeats import load_heartbeats
from healthcheck.pipeline.members import load_members

# From all targets of the kind in a run, its location's id and the instant, to the facts by endpoint id.
Loader = Callable[[Sequence[Target], int, datetime], Mapping[int, Any]]

LOADERS: Mapping[str, Loader] = {"heartbeat": load_heartbeats, "group": load_members}


def load_facts(targets: Sequence[Target], location_id: int, now: datetime) -> dict[int, Any]:
    """Return the facts of the targets that are judged by them; a kind that is not there costs no query."""
    facts: dict[int, Any] = {}
    for kind, load in LOADERS.items():
        if mine := [target for target in targets if target.kind == kind]:
            facts |= load(mine, location_id, now)
    return facts


def judge_targets(targets: Sequence[Target], facts: Mapping[int, Any], now: datetime) -> dict[int, Outcome]:
    """Return the outcomes of those targets that ask nobody, by their place among all."""
    return {
        place: judge_target(target, facts.get(target.endpoint_id), now)
        for place, target in enumerate(targets)
        if is_judged(target.kind)
    }


def merge_outcomes(judged: Mapping[int, Outcome], probed: Sequence[Outcome]) -> list[Outcome]:
    """Return all outcomes in the order of the targets; `probed` are those of the other places, in order."""
    rest = iter(probed)
    return [judged[place] if place in judged else next(rest) for place in range(len(judged) + len(probed))]
