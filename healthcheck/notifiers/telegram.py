"""Telegram, by a bot: HTML of the few tags it knows, with all that others wrote escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Answer, Field, Verdict
from healthcheck.notifiers.field_values import parse_url
from healthcheck.notifiers.fitting import count_utf16, fit
from healthcheck.notifiers.http import Call, Reply, write_json
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.retry_after import limit_seconds
from healthcheck.notifiers.tidying import break_mentions, shorten
from healthcheck.notifiers.wording import (
    describe_left_off,
    is_alone,
    list_brief,
    list_facts,
    list_links,
    write_headline,
    write_title,
)

# After its tags are read, in units of UTF-16, of which a character may be two; so much of each fact fits in any case.
MAX_TEXT_UNITS = 4096
MAX_FACT_CHARS = 400

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}")
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64}")
_TAG = re.compile(r"<[^>]*>")
_BOT_CURE = "enter the bot's token anew, from BotFather"
_CHAT_CURE = "let the bot into the chat, and enter the chat's id"


class TelegramNotifier(HttpNotifier):
    kind = "telegram"
    label = "Telegram"
    fields = (
        Field(
            "token", gettext_noop("Bot token"), gettext_noop("From BotFather, such as 123456:ABC-DEF."), is_secret=True
        ),
        Field("chat", gettext_noop("Chat"), gettext_noop("Its id, or @name of a public channel.")),
        Field(
            "thread",
            gettext_noop("Topic"),
            gettext_noop("The id of a topic in a group with topics."),
            is_required=False,
        ),
        Field(
            "url",
            gettext_noop("Server"),
            gettext_noop("Another server of the bot API."),
            default="https://api.telegram.org",
        ),
    )
    cures = {401: _BOT_CURE, 403: _CHAT_CURE, 404: _BOT_CURE}

    def check(self, values: Mapping[str, str]) -> None:
        parse_url(values["url"], field="url")
        if not _TOKEN.fullmatch(values["token"]):
            raise ConfigurationError("The token is digits, a colon and a key; copy it anew.", field="token")
        if not _CHAT.fullmatch(values["chat"]):
            raise ConfigurationError("The chat is a number, or a name that begins with @; correct it.", field="chat")
        if values["thread"] and not (values["thread"].isascii() and values["thread"].isdigit()):
            raise ConfigurationError("The topic is a number; correct it.", field="thread")

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        document: dict[str, Any] = {
            "chat_id": values["chat"],
            "text": fit(message, write_html, measure=_measure, limit=MAX_TEXT_UNITS),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        if values["thread"]:
            document["message_thread_id"] = int(values["thread"][:20])
        return [Call(f"{values['url'].rstrip('/')}/bot{values['token']}/sendMessage", write_json(document))]

    def read_reply(self, reply: Reply) -> Answer | None:
        """Read what the status leaves open: how long to wait, and whether a chat is not there."""
        document = reply.read_document()
        said, parameters = document.get("description"), document.get("parameters")
        seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
        if reply.status == 429 and isinstance(seconds, int) and not isinstance(seconds, bool):
            return Answer(Verdict.RETRY, "It answered with HTTP 429.", limit_seconds(min(seconds, 10**9)))
        if (
            reply.status == 400
            and isinstance(said, str)
            and re.search(r"chat not found|upgraded to a supergroup", said)
        ):
            return Answer(Verdict.REFUSED, f"Telegram refused it ({said[:100]}); {_CHAT_CURE}.")
        return None


def write_html(message: Message) -> str:
    """Return the message in Telegram's HTML."""
    blocks = [] if is_alone(message) else [f"<b>{_escape(write_headline(message))}</b>"]
    blocks += [_write_item(item, message) for item in message.items]
    if message.left_off:
        blocks.append(_escape(describe_left_off(message)))
    return "\n\n".join(blocks)


def _write_item(item: Item, message: Message) -> str:
    facts = list_facts(item, message) if is_alone(message) else list_brief(item)
    lines = [
        f"<b>{_escape(write_title(item))}</b>",
        *(f"{name}: {_escape(shorten(text, MAX_FACT_CHARS))}" for name, text in facts),
    ]
    links = " · ".join(f'<a href="{escape(url)}">{name}</a>' for name, url in list_links(item))
    return "\n".join([*lines, *([links] if links else [])])


def _escape(text: str) -> str:
    return break_mentions(escape(text))


def _measure(html: str) -> int:
    return count_utf16(unescape(_TAG.sub("", html)))
