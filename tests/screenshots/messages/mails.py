"""Draws a mail: its headers, and its HTML part as it is, in a page of its own as mail programs show it."""

from __future__ import annotations

from email.message import EmailMessage
from html import escape

from tests.screenshots.messages.elements import draw, draw_fields

_SHOWN = ("From", "To", "Subject", "Date")
# What a reader does not see, and programs sort by.
_UNSEEN = {"Message-ID", "References", "Auto-Submitted", "MIME-Version", "Content-Type", "List-Unsubscribe"}


def draw_mail(mail: EmailMessage) -> str:
    unknown = set(mail.keys()) - {*_SHOWN} - _UNSEEN
    assert not unknown, f"no picture of the headers {unknown}"
    page = mail.get_body(("html",))
    assert page is not None
    frame = f'<iframe srcdoc="{escape(page.get_content())}"></iframe>'
    return draw_fields((name, str(mail[name])) for name in _SHOWN) + draw("div", frame, "mail")
