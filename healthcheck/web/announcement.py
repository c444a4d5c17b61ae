"""An announcement as its author wrote it: plain text in paragraphs and lines, with links to the addresses in it."""

from __future__ import annotations

import re

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Web addresses only: no other scheme is ever made into a link.
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_PARAGRAPHS = re.compile(r"\n\s*\n")
# At the end of an address they belong to the sentence around it.
_PUNCTUATION = ".,;:!?…)]}*_"


def draw_announcement(text: str) -> SafeString:
    """Return paragraphs as markup, everything in them escaped; empty for no text."""
    paragraphs = [part.strip() for part in _PARAGRAPHS.split(text.replace("\r\n", "\n").replace("\r", "\n"))]
    return format_html_join("\n", "<p><bdi>{}</bdi></p>", ((_draw_lines(part),) for part in paragraphs if part))


def _draw_lines(paragraph: str) -> SafeString:
    return format_html_join(SafeString("<br>"), "{}", ((_draw_line(line),) for line in paragraph.split("\n")))


def _draw_line(line: str) -> SafeString:
    parts: list[str | SafeString] = []
    position = 0
    for match in _ADDRESS.finditer(line):
        address = _trim(match.group())
        parts += [line[position : match.start()], _draw_link(address)]
        position = match.start() + len(address)
    parts.append(line[position:])
    return format_html_join("", "{}", ((part,) for part in parts))


def _draw_link(address: str) -> SafeString:
    return format_html('<a href="{}" rel="nofollow noopener">{}</a>', address, address)


def _trim(address: str) -> str:
    """Return the address without the punctuation after it; a bracket that it opened itself stays."""
    while address[-1] in _PUNCTUATION:
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address
