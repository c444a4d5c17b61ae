"""Judges a target of a kind that asks nobody: the counterpart of the gather, for what needs no network."""

from __future__ import annotations

import logging
import traceback
from datetime import datetime
from typing import Any

from healthcheck.engine.faults import SENTENCES, VERDICTS
from healthcheck.engine.probes import load_judge
from healthcheck.engine.types import ErrorKind, Evidence, Outcome, Target

logger = logging.getLogger(__name__)


def judge_target(target: Target, facts: Any, now: datetime) -> Outcome:
    """Judge one target, whatever happens: a defect of ours becomes UNKNOWN(internal) of this target alone."""
    try:
        return load_judge(target.kind).judge(target, facts, now)
    except Exception as error:
        # As in the gather: the frames without the error's text, which may quote what somebody entrusted to us.
        frames = "".join(traceback.format_tb(error.__traceback__))
        name = type(error).__qualname__
        logger.error("The judgement of endpoint %s failed inside the checker: %s\n%s", target.endpoint_id, name, frames)
        kind = ErrorKind.INTERNAL
        return Outcome(VERDICTS[kind], now, error_kind=kind, evidence=Evidence(SENTENCES[kind], found=name))
