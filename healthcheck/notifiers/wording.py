"""The words of a message, so that every kind says the same. Takes tidied messages, returns plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from healthcheck.engine.incidents import Event, Severity
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.tidying import MAX_TEXT_CHARS

MAX_BRIEF_CHARS = 200
ACKNOWLEDGE = "Acknowledge"

_EVENTS = {
    Event.GREW: "{severity}, more affected",
    Event.ESCALATED: "{severity}, not acknowledged",
    Event.REMINDER: "Still {severity}",
    Event.UPDATED: "Update",
    Event.ACKNOWLEDGED: "Acknowledged",
    Event.RESOLVED: "Resolved",
    Event.TEST: "Test",
    Event.TROUBLE: "Checker in trouble",
    Event.TROUBLE_OVER: "Checker recovered",
}
_SEVERITIES = {Severity.DOWN: "DOWN", Severity.DEGRADED: "DEGRADED", Severity.NOTICE: "NOTICE"}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def name_event(item: Item) -> str:
    """Return what happened in a word or a few, such as DOWN or Resolved."""
    return _EVENTS.get(item.event, "{severity}").format(severity=_SEVERITIES[item.severity])


def write_title(item: Item) -> str:
    """Return what happened to what, in one line."""
    return f"{name_event(item)}: {item.title}" if item.title else name_event(item)


def write_headline(message: Message) -> str:
    """Return the message in one line: its one item, or how many there are of each."""
    if is_alone(message):
        return write_title(message.items[0])
    counts = Counter(name_event(item) for item in message.items)
    parts = [f"{count} {name}" for name, count in counts.items()]
    return ", ".join([*parts, *([f"{message.left_off} more"] if message.left_off else [])]) or "Nothing to tell"


def is_alone(message: Message) -> bool:
    """Whether the message is about one item and nothing else, so that its title says all."""
    return len(message.items) == 1 and not message.left_off


def list_facts(item: Item, message: Message) -> list[tuple[str, str]]:
    """Return what is known of an item, each with its name; what is not known is left out."""
    facts = [
        ("By" if item.event is Event.ACKNOWLEDGED else "Note", item.note),
        ("Affected", list_names(item)),
        ("Cause", item.cause),
        ("Seen", item.seen),
        describe_time(item, message),
    ]
    return [(name, text) for name, text in facts if text]


def list_brief(item: Item) -> list[tuple[str, str]]:
    """Return what is said of an item among several, where there is little room."""
    affected = list_names(item, MAX_BRIEF_CHARS)
    return [("Affected", affected)] if affected else []


def list_links(item: Item) -> list[tuple[str, str]]:
    """Return the links of an item, each with its name. What is over needs no acknowledgement."""
    links = [(ACKNOWLEDGE, "" if item.is_over else item.acknowledge_url), ("Details", item.url)]
    return [(name, url) for name, url in links if url]


def list_names(item: Item, limit: int = MAX_TEXT_CHARS) -> str:
    """Return the names of what is affected as far as there is room, and how many more there are."""
    shown: list[str] = []
    room = limit
    for name in item.names:
        room -= len(name) + len(", ")
        if room < 0:
            break
        shown.append(name)
    more = max(item.count, len(item.names)) - len(shown)
    if not shown:
        return str(more) if more else ""
    return f"{', '.join(shown)} and {more} more" if more else ", ".join(shown)


def describe_time(item: Item, message: Message) -> tuple[str, str]:
    """Return since when it is, or how long it was, with its name."""
    if item.started_at is None:
        return "Since", ""
    if item.ended_at is None:
        lasted = describe_duration(message.written_at - item.started_at)
        return "Since", f"{write_instant(item.started_at)} ({lasted} so far)"
    lasted = describe_duration(item.ended_at - item.started_at)
    return "Lasted", f"{lasted}, {_write_span(item.started_at, item.ended_at)}"


def describe_left_off(message: Message) -> str:
    """Return how many items are not listed; empty for none."""
    return f"and {message.left_off} more" if message.left_off else ""


def write_instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _write_span(start: datetime, end: datetime) -> str:
    """Return from when to when, with the day said once where it is the same."""
    if start.date() != end.date():
        return f"{write_instant(start)} to {write_instant(end)}"
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC"


def describe_duration(duration: timedelta) -> str:
    """Return the duration in its two largest units."""
    left = max(0, round(duration.total_seconds()))
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"


def write_text(message: Message) -> str:
    """Return the whole message as plain text."""
    return "\n".join(_write_lines(message))


def _write_lines(message: Message) -> Iterator[str]:
    yield write_headline(message)
    for item in message.items:
        yield ""
        if not is_alone(message):
            yield write_title(item)
        yield from (f"{name}: {text}" for name, text in (*list_facts(item, message), *list_links(item)))
    if message.left_off:
        yield ""
        yield describe_left_off(message)
