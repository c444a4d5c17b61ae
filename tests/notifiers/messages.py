"""Messages to be told, ordinary and hostile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from healthcheck.engine.incidents import Event, Severity
from healthcheck.notifiers.message import MAX_ITEMS, MAX_NAMES, Item, Message

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID = "5b1c1c7e-8b1f-4a53-9d55-0f1a3f0a7c11"

DOWN = Item(
    event=Event.OPENED,
    severity=Severity.DOWN,
    key="incident-7",
    title="2 of 20 down: dns, all on example.test",
    cause="dns, all on example.test",
    seen="Its name could not be resolved.",
    names=("Shop", "Mail"),
    count=2,
    started_at=NOW - timedelta(minutes=3),
    url="https://status.example.test/incidents/7",
    acknowledge_url="https://status.example.test/acknowledge/abc",
)
RESOLVED = replace(DOWN, event=Event.RESOLVED, ended_at=NOW)
TEST = Item(event=Event.TEST, severity=Severity.NOTICE, key="test-1", title="Test of the channel Night watch")

# HTML, Markdown of several dialects, mentions, header lines, text that runs backwards, and far too much of it.
HOSTILE_TEXT = (
    '<script>alert(1)</script><b onclick="x">&amp; <!channel> <@U1> @everyone @here [click](https://evil.test) '
    "*bold* _it_ ~x~ `c` ||s|| # h\n> q\r\nBcc: victim@evil.test\r\n\r\nbody\x00\x1b[31m\u202egnp.exe\u2066\u200b\ud800"
    "\u2028" + "A" * 10_000
)
HOSTILE = Item(
    event=Event.OPENED,
    severity=Severity.DOWN,
    key="incident-8",
    title=HOSTILE_TEXT,
    cause=HOSTILE_TEXT,
    seen=HOSTILE_TEXT,
    names=(HOSTILE_TEXT,) * MAX_NAMES,
    count=10_000,
    started_at=NOW,
    url="javascript:alert(1)",
    acknowledge_url='https://status.example.test/"onload="x',
    note=HOSTILE_TEXT,
)


def write(*items: Item, left_off: int = 0) -> Message:
    return Message(ID, items or (DOWN,), NOW, left_off=left_off)


def write_largest() -> Message:
    """As much as a message may hold, all of it hostile."""
    items = tuple(replace(HOSTILE, key=f"incident-{number}") for number in range(MAX_ITEMS))
    return write(*items, left_off=480)
