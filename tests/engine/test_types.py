"""The numbers that are stored never change their meaning, and every one has a word."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from enum import IntEnum

import pytest

from healthcheck.engine.faults import SENTENCES, VERDICTS
from healthcheck.engine.types import ConfigurationError, ErrorKind, Phase, PhaseTimes, State


def test_state_numbers_are_those_stored() -> None:
    assert {state.word: state.value for state in State} == {"unknown": 0, "up": 1, "degraded": 2, "down": 3}


def test_state_order_is_severity() -> None:
    assert State.UP < State.DEGRADED < State.DOWN


def test_error_kind_numbers_are_those_stored() -> None:
    assert {kind.word: kind.value for kind in ErrorKind} == {
        "timeout": 1,
        "dns": 2,
        "refused": 3,
        "connection": 4,
        "tls": 5,
        "certificate": 6,
        "redirect": 7,
        "protocol": 8,
        "too_large": 9,
        "status": 10,
        "assertion": 11,
        "blocked": 12,
        "capacity": 13,
        "internal": 14,
        "credential": 15,
        "members": 16,
        "missed": 17,
        "failed": 18,
        "silent": 19,
        "away": 20,
        "no_data": 21,
        "uplink": 22,
        "other": 31,
    }


def test_phase_numbers_are_those_stored() -> None:
    assert {phase.word: phase.value for phase in Phase} == {
        "resolve": 1,
        "connect": 2,
        "tls": 3,
        "request": 4,
        "headers": 5,
        "body": 6,
        "assert": 7,
    }


@pytest.mark.parametrize("numbers", [ErrorKind, Phase])
def test_zero_is_left_for_none(numbers: type[IntEnum]) -> None:
    assert 0 not in {member.value for member in numbers}


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_error_kind_has_a_verdict_that_is_not_up(kind: ErrorKind) -> None:
    assert VERDICTS[kind] in (State.DOWN, State.UNKNOWN)


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_error_kind_has_one_sentence_of_its_own(kind: ErrorKind) -> None:
    sentence = SENTENCES[kind]
    assert sentence.endswith(".")
    assert sentence.count(".") == 1
    assert list(SENTENCES.values()).count(sentence) == 1


def test_values_that_cross_the_boundary_are_frozen() -> None:
    times = PhaseTimes()
    with pytest.raises(FrozenInstanceError):
        times.resolve_us = 1  # type: ignore[misc]


def test_configuration_error_carries_what_a_form_needs() -> None:
    error = ConfigurationError("Write a number.", field="timeout", position=3)
    assert (str(error), error.sentence, error.field, error.position) == (
        "Write a number.",
        "Write a number.",
        "timeout",
        3,
    )
