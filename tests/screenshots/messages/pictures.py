"""The pages that pictures of messages are taken of: an outage beside its recovery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from healthcheck.engine.types import AddressMode, AddressRules
from healthcheck.notifiers import load_notifier
from healthcheck.notifiers.apprise import write_task
from healthcheck.notifiers.message import Message
from healthcheck.notifiers.tidying import tidy_message
from healthcheck.notifiers.webpush import write_payload
from tests.screenshots.messages.chats import draw_discord, draw_slack, draw_teams, draw_telegram
from tests.screenshots.messages.elements import draw, draw_text
from tests.screenshots.messages.mails import draw_mail
from tests.screenshots.messages.payloads import write_sent, write_sent_mail
from tests.screenshots.messages.records import (
    draw_apprise,
    draw_ntfy,
    draw_opsgenie,
    draw_pagerduty,
    draw_webhook,
    draw_webpush,
)
from tests.screenshots.messages.samples import OUTAGE, RECOVERY

STYLE = (Path(__file__).parent / "frame.css").read_text()


def _draw_apprise(message: Message) -> str:
    rules = AddressRules(AddressMode.PUBLIC)
    return draw_apprise(write_task("matrix://example", tidy_message(message), rules))


def _draw_webpush(message: Message) -> str:
    tidied = tidy_message(message)
    return draw_webpush(write_payload(tidied, tidied))


DRAWINGS: dict[str, Callable[[Message], str]] = {
    "email": lambda message: draw_mail(write_sent_mail(message)),
    "webhook": lambda message: draw_webhook(write_sent("webhook", message)),
    "slack": lambda message: draw_slack(write_sent("slack", message).document),
    "teams": lambda message: draw_teams(write_sent("teams", message).document),
    "discord": lambda message: draw_discord(write_sent("discord", message).document),
    "telegram": lambda message: draw_telegram(write_sent("telegram", message).document),
    "pagerduty": lambda message: draw_pagerduty(write_sent("pagerduty", message).document),
    "opsgenie": lambda message: draw_opsgenie(write_sent("opsgenie", message)),
    "ntfy": lambda message: draw_ntfy(write_sent("ntfy", message).document),
    "webpush": _draw_webpush,
    "apprise": _draw_apprise,
}


def draw_page(kind: str) -> str:
    """Return the page of a kind."""
    panels = "".join(
        draw("section", draw("h2", draw_text(state)) + draw("div", DRAWINGS[kind](message), "card"))
        for state, message in (("It breaks", OUTAGE), ("It is over", RECOVERY))
    )
    title = draw_text(load_notifier(kind).label)
    head = f'<meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title>'
    return f"<!doctype html><html lang='en'><head>{head}<style>{STYLE}</style></head><body>{panels}</body></html>"


def name_message(kind: str) -> str:
    """Return the name of its pictures."""
    return f"message-{kind}"


def show_message(tab: Page, kind: str) -> None:
    """Leave the tab on the page of a kind, with the mails in it as tall as they are."""
    tab.set_content(draw_page(kind))
    for frame in tab.query_selector_all("iframe"):
        frame.evaluate("frame => frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`")
