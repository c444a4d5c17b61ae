"""What messages say, the same for every kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from healthcheck.engine.incidents import Event, Severity
from healthcheck.notifiers.message import Item
from healthcheck.notifiers.retry_after import read_retry_after
from healthcheck.notifiers.tidying import shorten_bytes, tidy_line, tidy_message
from healthcheck.notifiers.wording import describe_duration, name_event, write_headline, write_text
from tests.notifiers.messages import DOWN, HOSTILE, NOW, RESOLVED, TEST, write


def test_one_incident_is_told_whole() -> None:
    assert write_text(write(DOWN)).splitlines() == [
        "DOWN: 2 of 20 down: dns, all on example.test",
        "",
        "Affected: Shop, Mail",
        "Cause: dns, all on example.test",
        "Seen: Its name could not be resolved.",
        "Since: 2026-01-02 03:01:05 UTC (3 min so far)",
        "Acknowledge: https://status.example.test/acknowledge/abc",
        "Details: https://status.example.test/incidents/7",
    ]


def test_recovery_says_how_long_it_was_and_asks_for_nothing() -> None:
    text = write_text(write(RESOLVED))
    assert text.startswith("Resolved: 2 of 20 down")
    assert "Lasted: 3 min, 2026-01-02 03:01:05 to 03:04:05 UTC" in text
    assert "Acknowledge" not in text


def test_span_over_midnight_says_both_days() -> None:
    item = replace(RESOLVED, started_at=NOW - timedelta(hours=4))
    assert "Lasted: 4 h, 2026-01-01 23:04:05 UTC to 2026-01-02 03:04:05 UTC" in write_text(write(item))


@pytest.mark.parametrize(("event", "line"), [(Event.ACKNOWLEDGED, "By: Ann"), (Event.UPDATED, "Note: Ann")])
def test_who_acknowledged_is_not_what_was_seen(event: Event, line: str) -> None:
    assert line in write_text(write(replace(DOWN, event=event, note="Ann"))).splitlines()


def test_several_are_counted_and_listed() -> None:
    message = write(DOWN, DOWN, RESOLVED, left_off=480)
    assert write_headline(message) == "2 DOWN, 1 Resolved, 480 more"
    assert write_text(message).count("DOWN: 2 of 20 down") == 2
    assert write_text(message).endswith("\n\nand 480 more")


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_a_word(event: Event) -> None:
    assert name_event(replace(DOWN, event=event))


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_is_said(severity: Severity) -> None:
    assert severity.name in name_event(replace(DOWN, severity=severity))


def test_message_about_nothing_known_is_still_a_line() -> None:
    assert write_text(write(Item(Event.OPENED, Severity.NOTICE, "k", ""))) == "NOTICE\n"
    assert write_headline(write(TEST)) == "Test: Test of the channel Night watch"


def test_names_that_are_left_off_are_counted() -> None:
    assert "Affected: Shop, Mail and 498 more" in write_text(write(replace(DOWN, count=500)))
    assert "Affected: 500" in write_text(write(replace(DOWN, names=(), count=500)))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (-5, "0 s"), (59.6, "1 min"), (65, "1 min 5 s"), (3600, "1 h"), (3601, "1 h"), (90_000, "1 d 1 h")],
)
def test_duration_is_said_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert describe_duration(timedelta(seconds=seconds)) == words


def test_hostile_text_becomes_one_printable_line() -> None:
    [item] = tidy_message(write(HOSTILE)).items
    assert item.title.isprintable()
    assert len(item.title) == 200
    assert len(item.seen) == 500
    assert all(len(name) == 100 for name in item.names)
    assert not {"\u202e", "\u2066", "\ud800", "\x1b", "\n"} & set(write_headline(write(item)))


def test_link_that_is_none_is_dropped() -> None:
    [item] = tidy_message(write(HOSTILE)).items
    assert (item.url, item.acknowledge_url) == ("", "")
    assert tidy_message(write(DOWN)).items[0].url == DOWN.url


def test_id_can_end_no_header() -> None:
    assert tidy_message(replace(write(), id="a.b\r\nX: y" + "c" * 100)).id == ("abXy" + "c" * 60)


def test_work_on_a_line_is_bounded() -> None:
    assert tidy_line(" " * 10_000_000 + "x", 10) == ""
    assert tidy_line("a\r\n\tb", 10) == "a b"


def test_text_is_cut_between_characters() -> None:
    assert shorten_bytes("ä" * 10, 20) == "ä" * 10
    assert shorten_bytes("ä" * 10, 19) == "ä" * 8 + "…"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("9" * 100_000, 3600.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60.0),
        ("Fri, 02 Jan 2099 03:05:05 GMT", 3600.0),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("Fri, 99 Jan 2026 03:05:05 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    assert read_retry_after(value, now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == seconds
