"""A message as a mail: plain text and HTML of the same words, and headers that nothing can be put into."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from healthcheck.engine.incidents import Severity
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.tidying import tidy_line
from healthcheck.notifiers.wording import (
    describe_left_off,
    is_alone,
    list_facts,
    list_links,
    write_headline,
    write_text,
    write_title,
)

MAX_SUBJECT_CHARS = 200
# Long headers fold at spaces; a title without any must still make a line that every server takes.
_POLICY = SMTP.clone(max_line_length=200)
# Dark enough to be read on white.
_COLOURS = {Severity.DOWN: "#b3261e", Severity.DEGRADED: "#8a5a00", Severity.NOTICE: "#345995"}
_OVER = "#1e6b3a"
_BODY = "margin:0;padding:24px;font:15px/1.5 sans-serif;color:#1c1c1c;background:#ffffff"
_BUTTON = (
    "display:inline-block;margin:12px 12px 0 0;padding:8px 16px;border-radius:4px;color:#ffffff;background:#345995;"
    "text-decoration:none"
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom a mail is from and whom it is for."""

    sender: Address
    recipients: tuple[str, ...]
    # Where a recipient leaves the list, for those that are one: a URL of the web or of mail.
    unsubscribe: str = ""


def write_mail(message: Message, envelope: Envelope) -> EmailMessage:
    """Return the mail of a tidied message. Each try makes one with the same id and date."""
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = tidy_line(write_headline(message), MAX_SUBJECT_CHARS)
    mail["From"] = envelope.sender
    mail["To"] = [Address(addr_spec=recipient) for recipient in envelope.recipients]
    mail["Date"] = format_datetime(message.written_at)
    mail["Message-ID"] = f"<{message.id}@{envelope.sender.domain}>"
    _add_thread(mail, message, envelope.sender.domain)
    # RFC 3834: so that nobody's absence is answered to us.
    mail["Auto-Submitted"] = "auto-generated"
    if envelope.unsubscribe:
        mail["List-Unsubscribe"] = f"<{envelope.unsubscribe}>"
    # No line of it is longer than every server takes, whatever it says.
    mail.set_content(write_text(message) + "\n", cte="quoted-printable")
    mail.add_alternative(write_html(message), subtype="html", cte="quoted-printable")
    return mail


def _add_thread(mail: EmailMessage, message: Message, domain: str) -> None:
    """Let mail programs show what is about one incident together."""
    if len(message.items) == 1:
        key = "".join(character for character in message.items[0].key if character.isascii() and character.isalnum())
        mail["References"] = f"<{key[:64]}.thread@{domain}>"


def write_html(message: Message) -> str:
    """Return the message as a page on which nothing is but text and links of ours."""
    items = "".join(_write_item(item, message) for item in message.items)
    left_off = f"<p>{escape(describe_left_off(message))}</p>" if message.left_off else ""
    heading = "" if is_alone(message) else f"<p>{escape(write_headline(message))}</p>"
    head = f'<head><meta charset="utf-8"><title>{escape(write_headline(message))}</title></head>'
    return f'<!doctype html><html lang="en">{head}<body style="{_BODY}">{heading}{items}{left_off}</body></html>'


def _write_item(item: Item, message: Message) -> str:
    colour = _OVER if item.is_over else _COLOURS[item.severity]
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;padding:2px 16px 2px 0">{escape(name)}</th>'
        f'<td style="padding:2px 0">{escape(text)}</td></tr>'
        for name, text in list_facts(item, message)
    )
    links = "".join(f'<a href="{escape(url)}" style="{_BUTTON}">{name}</a>' for name, url in list_links(item))
    return (
        f'<div style="margin:0 0 24px;padding:0 0 0 16px;border-left:4px solid {colour}">'
        f'<h1 style="margin:0 0 8px;font-size:18px;color:{colour}">{escape(write_title(item))}</h1>'
        f"<table>{rows}</table>{links}</div>"
    )
