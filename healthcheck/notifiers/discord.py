"""Discord: an embed, with all that others wrote escaped and nobody mentioned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Severity
from healthcheck.notifiers.contract import Field
from healthcheck.notifiers.field_values import parse_url
from healthcheck.notifiers.fitting import count_utf16, escape_within, fit
from healthcheck.notifiers.http import Call, write_json
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.over_http import CREDENTIAL_CURE, HttpNotifier
from healthcheck.notifiers.wording import (
    describe_left_off,
    is_alone,
    list_brief,
    list_facts,
    list_links,
    write_headline,
    write_title,
)

# What Discord takes; of all texts of an embed together 6,000.
MAX_TITLE_CHARS = 256
MAX_DESCRIPTION_CHARS = 4096
MAX_FIELD_CHARS = 1024

_WEBHOOK_CURE = "make a new webhook in the channel's settings and enter its URL"
_COLOURS = {Severity.DOWN: 0xB3261E, Severity.DEGRADED: 0xB57A00, Severity.NOTICE: 0x345995}
_OVER = 0x1E6B3A
# All that begins or ends markup, a mention, a timestamp, an emoji; the colon also makes links.
_SPECIAL = frozenset("\\`*_~|>#-+[]()<@:!&=")


class DiscordNotifier(HttpNotifier):
    kind = "discord"
    label = "Discord"
    fields = (Field("url", gettext_noop("Webhook URL"), gettext_noop("Of a webhook of the channel."), is_secret=True),)
    cures = {401: _WEBHOOK_CURE, 403: CREDENTIAL_CURE, 404: _WEBHOOK_CURE, 410: _WEBHOOK_CURE}

    def check(self, values: Mapping[str, str]) -> None:
        parse_url(values["url"], field="url")

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        embed = fit(message, write_embed, measure=_measure, limit=MAX_DESCRIPTION_CHARS)
        document = {"embeds": [embed], "allowed_mentions": {"parse": []}}
        return [Call(values["url"], write_json(document))]


def write_embed(message: Message) -> dict[str, Any]:
    """Return the message as an embed: with fields where it is one item, else as a list."""
    is_over = message.is_over
    return {
        "title": _escape(write_headline(message), MAX_TITLE_CHARS),
        **({"url": message.items[0].url} if is_alone(message) and message.items[0].url else {}),
        **({} if is_alone(message) else {"description": "\n".join(_write_lines(message))}),
        "color": _OVER if is_over else _COLOURS[message.severity],
        "timestamp": message.written_at.isoformat(),
        "fields": _write_fields(message.items[0], message) if is_alone(message) else [],
    }


def _measure(embed: dict[str, Any]) -> int:
    return count_utf16(embed.get("description", ""))


def _write_fields(item: Item, message: Message) -> list[dict[str, Any]]:
    fields = [(name, _escape(text, MAX_FIELD_CHARS)) for name, text in list_facts(item, message)]
    links = list_links(item)
    # What there is no room for is the address that the title opens.
    fits = len(_write_links(links)) <= MAX_FIELD_CHARS
    fields += [("Links", _write_links(links if fits else links[:1]))] if links else []
    return [{"name": name, "value": text, "inline": False} for name, text in fields]


def _write_lines(message: Message) -> list[str]:
    lines = []
    for item in message.items:
        lines.append(f"**{_escape(write_title(item), 500)}** {_write_links(list_links(item))}".rstrip())
        lines += [_escape(text, 500) for _, text in list_brief(item)]
    return [*lines, *([describe_left_off(message)] if message.left_off else [])]


def _write_links(links: list[tuple[str, str]]) -> str:
    return " ".join(f"[{name}](<{url}>)" for name, url in links)


def _escape(text: str, limit: int) -> str:
    return escape_within(text, _escape_character, limit)


def _escape_character(character: str) -> str:
    return f"\\{character}" if character in _SPECIAL else character
