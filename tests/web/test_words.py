"""The words of the pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils.timezone import override
from django.utils.translation import override as use_language

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import ErrorKind, State
from healthcheck.web.freshness import CheckerFault, Lag
from healthcheck.web.words import (
    LAG_SENTENCES,
    STATE_WORDS,
    describe_age,
    describe_counts,
    describe_fault,
    describe_instant,
    describe_latency,
    describe_reason,
    describe_span,
    describe_state,
    describe_strip,
    shorten_name,
)
from tests.factories import NOW
from tests.web.builders import gather_group, sight, view


def test_every_state_and_every_lag_has_its_words() -> None:
    assert set(STATE_WORDS) == set(State)
    assert set(LAG_SENTENCES) == set(Lag)


def test_endpoint_that_was_never_checked_is_not_called_unknown() -> None:
    assert describe_state(view()) == "Not checked yet"
    assert describe_state(view(sight(State.UNKNOWN))) == "Unknown"


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_reason_of_a_failure_is_the_sentence_of_its_kind(kind: ErrorKind) -> None:
    assert describe_reason(view(sight(State.DOWN, error_kind=kind))) == SENTENCES[kind]


def test_reason_tells_unconfirmed_checks_apart() -> None:
    wavering = view(sight(State.UP, last_verdict=State.DOWN, error_kind=ErrorKind.TIMEOUT))
    worsening = view(sight(State.DEGRADED, last_verdict=State.DOWN, error_kind=ErrorKind.TIMEOUT))
    recovering = view(sight(State.DOWN, last_verdict=State.UP))
    assert describe_reason(wavering) == "The last check failed, which is not confirmed yet: It did not answer in time."
    assert describe_reason(worsening) == describe_reason(wavering)
    assert describe_reason(recovering) == "The last check was good, which is not confirmed yet."


@pytest.mark.parametrize("state", [State.UP, State.DEGRADED, State.DOWN])
def test_check_that_could_not_be_made_is_no_failure(state: State) -> None:
    seen = view(sight(state, last_verdict=State.UNKNOWN, error_kind=ErrorKind.CAPACITY))
    sentence = "The last check could not be made, so the state is that of earlier ones: "
    assert describe_reason(seen) == sentence + SENTENCES[ErrorKind.CAPACITY]
    with use_language("de"):
        assert describe_reason(seen).startswith("Die letzte Prüfung war nicht möglich, der Zustand ist der früherer: ")


def test_reason_of_expired_evidence_is_its_age_not_its_last_failure() -> None:
    past = NOW - timedelta(hours=1)
    seen = sight(State.UNKNOWN, is_expired=True, valid_until=past, observed_at=past - timedelta(minutes=1))
    failed = replace(seen, last_verdict=State.DOWN, error_kind=ErrorKind.TIMEOUT)
    assert describe_reason(view(failed)) == "There is no fresh result."
    assert describe_reason(view(replace(seen, last_verdict=State.UP))) == "There is no fresh result."


@pytest.mark.parametrize("kind", [ErrorKind.BLOCKED, ErrorKind.CAPACITY, ErrorKind.INTERNAL])
@pytest.mark.parametrize("valid_until", [None, NOW - timedelta(hours=1), NOW])
def test_reason_of_an_outcome_that_measured_nothing_is_its_sentence(
    kind: ErrorKind, valid_until: datetime | None
) -> None:
    """The last instant is that of evidence which expires after the outcome was seen, as it does for a while."""
    nothing = sight(State.UNKNOWN, is_expired=True, valid_until=valid_until, error_kind=kind)
    assert describe_reason(view(nothing)) == SENTENCES[kind]


def test_late_result_is_explained_by_itself() -> None:
    late = sight(
        State.UNKNOWN,
        last_verdict=State.DOWN,
        is_expired=True,
        valid_until=NOW - timedelta(minutes=1),
        error_kind=ErrorKind.TIMEOUT,
    )
    assert describe_reason(view(late)) == "It did not answer in time."


def test_nothing_wrong_needs_no_reason() -> None:
    assert describe_reason(view(sight())) == ""
    assert describe_reason(view()) == ""


def test_instant_is_absolute_in_the_projects_time_zone() -> None:
    with override("Asia/Tokyo"):
        assert describe_instant(NOW) == "1 Jul 2026, 21:00:00 JST"
        assert describe_instant(NOW, with_seconds=False) == "1 Jul 2026, 21:00 JST"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(hours=3, minutes=59), "3 hours ago"),
        (timedelta(days=400), "1 year ago"),
    ],
)
def test_age_is_its_largest_unit(age: timedelta, words: str) -> None:
    assert describe_age(NOW - age, NOW) == words


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=59), "gerade eben"),
        (timedelta(minutes=1), "vor 1 Minute"),
        (timedelta(days=2, hours=5), "vor 2 Tagen"),
        (timedelta(days=15), "vor 2 Wochen"),
        (timedelta(days=95), "vor 3 Monaten"),
        (timedelta(days=800), "vor 2 Jahren"),
    ],
)
def test_age_is_declined_in_german(age: timedelta, words: str) -> None:
    with use_language("de"):
        assert describe_age(NOW - age, NOW) == words


@pytest.mark.parametrize(
    ("latency_us", "words"),
    [(840, "0.8 ms"), (9_960, "10.0 ms"), (41_300, "41 ms"), (999_499, "999 ms"), (999_500, "1.0 s"), (12e6, "12.0 s")],
)
def test_latency_shows_the_digits_that_matter(latency_us: int, words: str) -> None:
    assert describe_latency(latency_us) == words


@pytest.mark.parametrize(
    ("strip", "words"),
    [
        ("", "No checks yet"),
        ("1", "1 of the last 1 check up"),
        ("1" * 57 + "333", "57 of the last 60 checks up, 3 down"),
        ("0123", "1 of the last 4 checks up, 1 degraded, 1 down, 1 unknown"),
    ],
)
def test_strip_has_a_text_alternative(strip: str, words: str) -> None:
    assert describe_strip(strip) == words


def test_counts_name_the_worst_first_and_the_paused_apart() -> None:
    endpoints = [view(sight(State.UP)), view(sight(State.DOWN)), view(sight(State.UP)), view(sight(), is_paused=True)]
    assert describe_counts(gather_group(endpoints)) == "1 down, 2 up, 1 paused"
    assert describe_counts(gather_group(endpoints, is_paused=True)) == "4 endpoints"
    assert describe_counts(gather_group([])) == "No endpoints yet"


def test_fault_of_the_checker_says_since_when() -> None:
    fault = CheckerFault(Lag.SILENT, NOW - timedelta(minutes=7))
    assert describe_fault(fault, NOW) == (
        "The scheduler has been silent since 1 Jul 2026, 11:53:00 UTC (7 minutes ago), so nothing new is being checked."
    )


def test_name_of_ten_thousand_emoji_is_shortened() -> None:
    assert shorten_name("🧨" * 10_000) == "🧨" * 199 + "…"
    assert shorten_name("x" * 200) == "x" * 200


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (1, "1 second"), (40, "40 seconds"), (60, "1 minute")]
)
def test_short_span_is_told_in_seconds(seconds: float, words: str) -> None:
    assert describe_span(timedelta(seconds=seconds)) == words
