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
    ACKNOWLEDGE,
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
# Dark enough to be read on white, and light enough on what a dark mail is shown on.
_COLOURS = {Severity.DOWN: "#b3261e", Severity.DEGRADED: "#8a5a00", Severity.NOTICE: "#345995"}
_DARK_COLOURS = {Severity.DOWN: "#ff8a80", Severity.DEGRADED: "#f0b94d", Severity.NOTICE: "#9db8f0"}
_OVER, _DARK_OVER = "#1e6b3a", "#7bd29a"
_BODY = "margin:0;padding:24px;font:15px/1.5 sans-serif;color:#1c1c1c;background:#ffffff"
_BUTTON = (
    "display:inline-block;margin:12px 12px 0 0;padding:7px 16px;border:1px solid #345995;border-radius:4px;"
    "text-decoration:none"
)
# What is asked for stands out from what is offered.
_FILLED, _EMPTY = ";color:#ffffff;background:#345995", ";color:#345995"
# For programs that show mails dark and read style sheets; the others keep to what each element says of itself.
_LOOKS = {severity.word: colour for severity, colour in _DARK_COLOURS.items()} | {"over": _DARK_OVER}
_DARK = (
    ":root{color-scheme:light dark}@media (prefers-color-scheme:dark){"
    "body,th,td{color:#e6e6e6 !important;background:#1c1c1e !important}"
    ".open{color:#9db8f0 !important;border-color:#9db8f0 !important}"
    + "".join(f".{name}{{color:{each} !important;border-color:{each} !important}}" for name, each in _LOOKS.items())
    + "}"
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
    body = f'<body style="{_BODY}">{heading}{items}{left_off}</body>'
    return f'<!doctype html><html lang="en">{_write_head(message)}{body}</html>'


def _write_head(message: Message) -> str:
    schemes = (
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
    )
    title = f"<title>{escape(write_headline(message))}</title>"
    return f'<head><meta charset="utf-8">{schemes}{title}<style>{_DARK}</style></head>'


def _write_item(item: Item, message: Message) -> str:
    look, colour = ("over", _OVER) if item.is_over else (item.severity.word, _COLOURS[item.severity])
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;padding:2px 16px 2px 0">{escape(name)}</th>'
        f'<td style="padding:2px 0">{escape(text)}</td></tr>'
        for name, text in list_facts(item, message)
    )
    links = "".join(_write_button(name, url) for name, url in list_links(item))
    return (
        f'<div style="margin:0 0 24px;padding:0 0 0 16px;border-left:4px solid {colour}" class="{look}">'
        f'<h1 style="margin:0 0 8px;font-size:18px;color:{colour}" class="{look}">{escape(write_title(item))}</h1>'
        f"<table>{rows}</table>{links}</div>"
    )


def _write_button(name: str, url: str) -> str:
    is_asked_for = name == ACKNOWLEDGE
    look = f'style="{_BUTTON}{_FILLED}"' if is_asked_for else f'style="{_BUTTON}{_EMPTY}" class="open"'
    return f'<a href="{escape(url)}" {look}>{name}</a>'
