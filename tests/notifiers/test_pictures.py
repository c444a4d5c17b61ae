"""Every kind has a picture of what it sends, and the drawing reads all that is sent."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from healthcheck.engine.incidents import Event, Severity
from healthcheck.notifiers import NOTIFIERS, load_notifier
from healthcheck.notifiers.message import Message
from tests.notifiers.messages import HOSTILE, TEST
from tests.screenshots.messages.elements import UnknownElementError, expect, take
from tests.screenshots.messages.pictures import DRAWINGS, draw_page, name_message
from tests.screenshots.messages.samples import OUTAGE, RECOVERY

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "channels.md").read_text()
THEMES = ("light", "dark")
ITEM = OUTAGE.items[0]
# All that may be said of one incident, and a message that lists as many as fit.
MESSAGES = [
    *(
        replace(OUTAGE, items=(replace(ITEM, event=event, severity=severity, note="A cable."),))
        for event in Event
        for severity in Severity
    ),
    replace(OUTAGE, items=(TEST,)),
    replace(OUTAGE, items=(replace(HOSTILE, note=HOSTILE.seen),)),
]
# Alerts are one request for each.
LISTING = replace(OUTAGE, items=(ITEM, RECOVERY.items[0], HOSTILE), left_off=4)
LISTED = sorted(set(NOTIFIERS) - {"pagerduty", "opsgenie"})


@pytest.mark.parametrize("kind", NOTIFIERS)
def test_every_kind_has_its_picture_in_its_section(kind: str) -> None:
    section = PAGE.split(f"\n## {load_notifier(kind).label}\n", 1)[1].split("\n## ", 1)[0]
    shown = re.findall(r'(?:src|srcset)="([^"]+)"', section)
    assert sorted(shown) == sorted(f"pictures/{name_message(kind)}-{theme}.png" for theme in THEMES)
    assert [path for path in shown if not (DOCS / path).is_file()] == []


@pytest.mark.parametrize("kind", NOTIFIERS)
def test_all_that_a_kind_sends_is_drawn(kind: str) -> None:
    for message in MESSAGES:
        assert DRAWINGS[kind](message)
    page = draw_page(kind)
    for words in ("DOWN: 3 of 4 in Shop", "Resolved: 3 of 4 in Shop", "Catalogue", "503", "14 min 20 s"):
        assert words in page or kind == "webhook"


@pytest.mark.parametrize("kind", LISTED)
def test_lists_are_drawn(kind: str) -> None:
    assert "3 of 4 in Shop" in DRAWINGS[kind](LISTING)


@pytest.mark.parametrize("message", [OUTAGE, RECOVERY])
def test_samples_are_whole(message: Message) -> None:
    [item] = message.items
    assert item.names
    assert item.cause
    assert item.url
    assert item.count == len(item.names)


def test_what_nobody_can_draw_makes_no_picture() -> None:
    assert take({"type": "header", "text": "x"}, "type", "text", "elements") == ["header", "x", None]
    with pytest.raises(UnknownElementError, match="no picture of image"):
        take({"type": "header", "image": "x"}, "type")
    with pytest.raises(UnknownElementError, match="no picture of 'mrkdwn'"):
        expect("mrkdwn", "plain_text")
