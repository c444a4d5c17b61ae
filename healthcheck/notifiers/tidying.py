"""Makes what others wrote fit for a message: one line, printable, bounded. Escaping it is each kind's business."""

from __future__ import annotations

import string
import unicodedata
from dataclasses import replace

from healthcheck.notifiers.message import Item, Message

MAX_TITLE_CHARS = 200
MAX_TEXT_CHARS = 500
MAX_NAME_CHARS = 100
MAX_URL_CHARS = 1000
MAX_ID_CHARS = 64

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ID_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-_")
_ELLIPSIS = "…"
# What ends a line or moves a cursor becomes a space; what cannot be seen, or turns text around, is shown as such.
_SPACES = frozenset({"Cc", "Zl", "Zp"})
_UNSEEN = frozenset({"Cf", "Cs", "Co", "Cn"})


def tidy_message(message: Message) -> Message:
    """Return the message with every text in it tidied. Its id is ours, and is put into headers as it is."""
    identifier = "".join(character for character in message.id if character in _ID_CHARACTERS)
    return replace(message, id=identifier[:MAX_ID_CHARS], items=tuple(_tidy_item(item) for item in message.items))


def tidy_line(text: str, limit: int = MAX_TEXT_CHARS) -> str:
    """Return at most `limit` printable characters on one line."""
    # Cut first, so that no text costs more than its share; twice, as a run of spaces becomes one.
    line = " ".join("".join(_tidy(character) for character in text[: 4 * limit]).split())
    return shorten(line, limit)


def break_mentions(text: str) -> str:
    """Return the text with an `@` that calls nobody, for services that look for names in any text and call them."""
    return text.replace("@", "\N{FULLWIDTH COMMERCIAL AT}")


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + _ELLIPSIS


def shorten_bytes(text: str, limit: int) -> str:
    """Return the text in at most `limit` bytes of UTF-8, with an ellipsis where something was cut."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len(_ELLIPSIS.encode())].decode("utf-8", "ignore").rstrip() + _ELLIPSIS


def _tidy(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return REPLACEMENT if category in _UNSEEN else character


def _tidy_item(item: Item) -> Item:
    return replace(
        item,
        title=tidy_line(item.title, MAX_TITLE_CHARS),
        cause=tidy_line(item.cause),
        seen=tidy_line(item.seen),
        note=tidy_line(item.note),
        names=tuple(tidy_line(name, MAX_NAME_CHARS) for name in item.names),
        url=_check_url(item.url),
        acknowledge_url=_check_url(item.acknowledge_url),
    )


def _check_url(url: str) -> str:
    """Return the URL if it is one of the web, else nothing: a link is never cut, and never runs anything."""
    is_safe = url.isascii() and url.isprintable() and not set(url) & set(" <>\"'`|\\^{}")
    return url if is_safe and len(url) <= MAX_URL_CHARS and url.startswith(("http://", "https://")) else ""
