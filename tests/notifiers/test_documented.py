"""The page about channels says of every kind what the code says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from healthcheck.engine.incidents import Event
from healthcheck.notifiers import NOTIFIERS, load_notifier
from healthcheck.notifiers.email import MAX_RECIPIENTS
from healthcheck.notifiers.http import MAX_ANSWER_BYTES
from healthcheck.notifiers.message import MAX_ITEMS
from healthcheck.notifiers.over_http import MAX_EXCERPT_CHARS
from healthcheck.notifiers.retry_after import MAX_RETRY_SECONDS
from healthcheck.notifiers.signatures import MAX_SECRET_BYTES, MIN_SECRET_BYTES
from healthcheck.notifiers.webhook import write_document
from healthcheck.notifiers.wording import name_event, write_text
from tests.notifiers.messages import DOWN
from tests.screenshots.messages.samples import OUTAGE, RECOVERY

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "channels.md").read_text()


def find_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def find_section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("kind", NOTIFIERS)
def test_every_kind_has_a_section_with_all_of_its_fields(kind: str) -> None:
    notifier = load_notifier(kind)
    rows = dict(re.findall(r"^\| ([^|]+) \| (.*) \|$", find_section(notifier.label), flags=re.MULTILINE))
    assert set(rows) - {"Field", "---"} == {field.label for field in notifier.fields}
    assert [field.label for field in notifier.fields if field.is_secret] == [
        label for label, text in rows.items() if text.startswith("**Secret.**")
    ]


def test_examples_are_what_is_sent() -> None:
    assert find_blocks("text") == [f"{write_text(message)}\n" for message in (OUTAGE, RECOVERY)]
    [example] = find_blocks("json")
    assert json.loads(example) == write_document(OUTAGE)


def test_limits_are_those_in_force() -> None:
    said = " ".join(PAGE.split())
    for words in (
        f"at most {MAX_ITEMS} incidents",
        f"at most {MAX_RECIPIENTS}.",
        f"{MAX_ANSWER_BYTES >> 10} KiB of an answer are read, and {MAX_EXCERPT_CHARS} characters of it kept",
        f"base64 of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes",
    ):
        assert words in said
    assert f"at most {MAX_RECIPIENTS}." in load_notifier("email").fields[0].help_text
    assert "up to an hour" in said
    assert MAX_RETRY_SECONDS == 3600


@pytest.mark.parametrize("event", list(Event))
def test_first_words_are_listed(event: Event) -> None:
    words = re.findall(r"[A-Za-z ]{4,}", name_event(replace(DOWN, event=event)))
    assert [each for each in words if each.strip() not in PAGE] == []
