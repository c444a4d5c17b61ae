"""Draws the cards of chat services, element by element."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from typing import Any

from tests.screenshots.messages.elements import (
    UnknownElementError,
    draw,
    draw_accent,
    draw_buttons,
    draw_link,
    draw_text,
    expect,
    take,
)

_BLOCK_LOOKS = {"header": "title", "section": "text", "context": "quiet"}
# What the names of colours are in an Adaptive Card.
_TEAMS_COLOURS = {"good", "attention", "warning", "accent"}
# An escaped character, bold, a link without a preview: what of Discord's Markdown is written.
_MARKDOWN = re.compile(r"\\(?P<plain>.)|\*\*(?P<bold>(?:\\.|[^*\\])+)\*\*|\[(?P<name>[^]\\]+)\]\(<(?P<url>[^>]+)>\)")
_MARKS = frozenset("\\`*_~|>#[]<")


def draw_slack(document: Mapping[str, Any]) -> str:
    _notification, blocks = take(document, "text", "blocks")
    return "".join(_draw_block(block) for block in blocks)


def _draw_block(block: Mapping[str, Any]) -> str:
    kind, text, elements = take(block, "type", "text", "elements")
    if kind == "actions":
        return draw_buttons(_read_button(each) for each in elements)
    expect(kind, *_BLOCK_LOOKS)
    return "".join(draw("div", _draw_plain(each), _BLOCK_LOOKS[kind]) for each in elements or [text])


def _read_button(button: Mapping[str, Any]) -> tuple[str, str]:
    kind, text, url = take(button, "type", "text", "url")
    expect(kind, "button")
    return _read_plain(text), url


def _read_plain(element: Mapping[str, Any]) -> str:
    kind, text, emoji = take(element, "type", "text", "emoji")
    expect((kind, emoji), ("plain_text", False))
    return str(text)


def _draw_plain(element: Mapping[str, Any]) -> str:
    return draw_text(_read_plain(element))


def draw_teams(document: Mapping[str, Any]) -> str:
    kind, attachments = take(document, "type", "attachments")
    expect(kind, "message")
    return "".join(_draw_attachment(each) for each in attachments)


def _draw_attachment(attachment: Mapping[str, Any]) -> str:
    kind, url, card = take(attachment, "contentType", "contentUrl", "content")
    expect((kind, url), ("application/vnd.microsoft.card.adaptive", None))
    _schema, kind, version, body, actions, own = take(card, "$schema", "type", "version", "body", "actions", "msteams")
    expect((kind, version, own), ("AdaptiveCard", "1.4", {"width": "Full"}))
    return "".join(_draw_line(line) for line in body) + draw_buttons(_read_action(each) for each in actions)


def _draw_line(line: Mapping[str, Any]) -> str:
    kind, runs = take(line, "type", "inlines")
    expect(kind, "RichTextBlock")
    return draw("div", "".join(_draw_run(run) for run in runs), "line")


def _draw_run(run: Mapping[str, Any]) -> str:
    kind, text, weight, colour, size, action = take(run, "type", "text", "weight", "color", "size", "selectAction")
    expect(kind, "TextRun")
    expect(weight, "bolder", None)
    expect(colour, *_TEAMS_COLOURS, None)
    expect(size, "large", None)
    looks = [*(["bold"] if weight else []), *([colour] if colour else []), *(["large"] if size else [])]
    drawn = draw_link(text, _read_action(action)[1]) if action else draw_text(text)
    return draw("span", drawn, " ".join(looks))


def _read_action(action: Mapping[str, Any]) -> tuple[str, str]:
    kind, title, url = take(action, "type", "title", "url")
    expect(kind, "Action.OpenUrl")
    return title, url


def draw_discord(document: Mapping[str, Any]) -> str:
    embeds, mentions = take(document, "embeds", "allowed_mentions")
    expect(mentions, {"parse": []})
    return "".join(_draw_embed(embed) for embed in embeds)


def _draw_embed(embed: Mapping[str, Any]) -> str:
    title, url, text, colour, instant, fields = take(
        embed, "title", "url", "description", "color", "timestamp", "fields"
    )
    heading = f'<a href="{escape(url)}">{_draw_markdown(title)}</a>' if url else _draw_markdown(title)
    parts = [draw("div", heading, "title")]
    parts += [draw("div", _draw_markdown(text), "text")] if text else []
    parts += [_draw_embed_field(field) for field in fields or []]
    # Shown in the reader's own zone.
    parts.append(draw("div", draw_text(instant), "quiet"))
    return draw_accent("".join(parts), f"#{colour:06x}")


def _draw_embed_field(field: Mapping[str, Any]) -> str:
    name, value, is_inline = take(field, "name", "value", "inline")
    expect(is_inline, False)
    return draw("div", draw("div", _draw_markdown(name), "bold") + _draw_markdown(value), "text")


def _draw_markdown(text: str) -> str:
    drawn, place = [], 0
    for found in _MARKDOWN.finditer(text):
        drawn += [_draw_unmarked(text[place : found.start()]), _draw_marked(found)]
        place = found.end()
    return "".join([*drawn, _draw_unmarked(text[place:])])


def _draw_marked(found: re.Match[str]) -> str:
    if found["plain"]:
        return escape(found["plain"])
    return draw_link(found["name"], found["url"]) if found["url"] else draw("b", _draw_markdown(found["bold"]))


def _draw_unmarked(text: str) -> str:
    if marks := _MARKS & set(text):
        raise UnknownElementError(f"no picture of {' '.join(sorted(marks))} in {text!r}")
    return draw_text(text)


def draw_telegram(document: Mapping[str, Any]) -> str:
    _chat, _topic, text, mode, previews = take(
        document, "chat_id", "message_thread_id", "text", "parse_mode", "link_preview_options"
    )
    expect((mode, previews), ("HTML", {"is_disabled": True}))
    return draw("div", "".join(_TelegramReader(text).parts), "text")


class _TelegramReader(HTMLParser):
    """Draws the two tags that are written, and refuses any other."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        expect((tag, [name for name, _ in attrs]), ("b", []), ("a", ["href"]))
        self.parts.append(f'<a href="{escape(dict(attrs)["href"] or "")}">' if attrs else "<b>")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(draw_text(data))
