"""Slack, and what takes its incoming webhooks: Block Kit, in which all that others wrote is plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.notifiers.contract import Field
from healthcheck.notifiers.field_values import parse_url
from healthcheck.notifiers.fitting import fit
from healthcheck.notifiers.http import Call, write_json
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.over_http import CREDENTIAL_CURE, HttpNotifier
from healthcheck.notifiers.tidying import break_mentions, shorten
from healthcheck.notifiers.wording import (
    describe_left_off,
    is_alone,
    list_facts,
    list_links,
    write_headline,
    write_title,
)

# What Slack takes.
MAX_BLOCKS = 50
MAX_HEADER_CHARS = 150
MAX_SECTION_CHARS = 3000
MAX_FIELD_CHARS = 2000
MAX_TEXT_CHARS = 3000

_WEBHOOK_CURE = "make a new incoming webhook there and enter its URL"


class SlackNotifier(HttpNotifier):
    kind = "slack"
    label = "Slack"
    fields = (
        Field(
            "url", gettext_noop("Webhook URL"), gettext_noop("Of an incoming webhook of the channel."), is_secret=True
        ),
    )
    cures = {401: CREDENTIAL_CURE, 403: _WEBHOOK_CURE, 404: _WEBHOOK_CURE, 410: _WEBHOOK_CURE}

    def check(self, values: Mapping[str, str]) -> None:
        parse_url(values["url"], field="url")

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        document = fit(message, write_blocks, measure=lambda written: len(written["blocks"]), limit=MAX_BLOCKS)
        return [Call(values["url"], write_json(document))]


def write_blocks(message: Message) -> dict[str, Any]:
    """Return the message as blocks, and as the line that a notification of it shows."""
    headline = write_headline(message)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _write_plain(headline, MAX_HEADER_CHARS)}]
    for item in message.items:
        blocks += _write_item(item, message)
    if message.left_off:
        blocks.append({"type": "context", "elements": [_write_plain(describe_left_off(message), MAX_FIELD_CHARS)]})
    return {"text": _escape(shorten(headline, MAX_TEXT_CHARS // 5)), "blocks": blocks}


def _write_item(item: Item, message: Message) -> list[dict[str, Any]]:
    lines = [f"{name}: {text}" for name, text in list_facts(item, message)]
    if not is_alone(message):
        lines.insert(0, write_title(item))
    blocks: list[dict[str, Any]] = []
    if lines:
        blocks.append({"type": "section", "text": _write_plain("\n".join(lines), MAX_SECTION_CHARS)})
    buttons = [{"type": "button", "text": _write_plain(name, 75), "url": url} for name, url in list_links(item)]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _write_plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": shorten(text, limit), "emoji": False}


def _escape(text: str) -> str:
    """Return what reads as markup nowhere: mentions and links begin with `<`, and with an `@` where others take it."""
    return break_mentions(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
