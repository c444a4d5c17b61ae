"""Whatever endpoints are called and answer, each service is sent what it takes."""

from __future__ import annotations

import json
from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from healthcheck.notifiers.discord import DiscordNotifier
from healthcheck.notifiers.email_text import Envelope, write_mail
from healthcheck.notifiers.fitting import count_utf16
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.ntfy import NtfyNotifier
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.slack import SlackNotifier
from healthcheck.notifiers.teams import TeamsNotifier
from healthcheck.notifiers.telegram import TelegramNotifier
from healthcheck.notifiers.tidying import break_mentions, tidy_message
from healthcheck.notifiers.webpush import WebPushNotifier
from healthcheck.notifiers.wording import write_title
from tests.notifiers.messages import DOWN, RESOLVED, write
from tests.notifiers.push_browser import CONTACT, PushBrowser
from tests.notifiers.test_chats import TELEGRAM, Telegram

BROWSER = PushBrowser()
SUBSCRIPTION = json.dumps(BROWSER.subscribe("https://push.example.test/wp/a"))
PUSH = {"subscription": SUBSCRIPTION, "contact": CONTACT, "ca_pem": ""}

# Marks of every dialect, beside all that Unicode has.
TEXTS = st.text(max_size=60) | st.text("<>&ab;*_~`|\\[]()@#:/!=\"'-+ \r\n\u202e😀é", max_size=300)
TEXTS |= st.lists(st.sampled_from(["<a href=x>", "</b>", "&lt;", "<i>", "**", "](", "x "]), max_size=20).map("".join)
ITEMS = st.builds(
    lambda item, title, cause, seen, names: replace(item, title=title, cause=cause, seen=seen, names=names),
    st.sampled_from([DOWN, RESOLVED]),
    TEXTS,
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=10).map(tuple),
)
MESSAGES = st.builds(
    lambda items, left_off: write(*items, left_off=left_off),
    st.lists(ITEMS, min_size=1, max_size=20),
    st.integers(0, 3),
)


def build(notifier: HttpNotifier, message: Message, **values: str) -> dict[str, object]:
    given_values = {"url": "https://example.test/", "thread": "", "token": "", "ca_pem": "", "topic": "t", **values}
    [call] = notifier.build_calls(given_values, tidy_message(message))
    document: dict[str, object] = json.loads(call.body)
    return document


@given(message=MESSAGES)
def test_telegram_reads_tags_of_ours_alone(message: Message) -> None:
    read = Telegram(str(build(TelegramNotifier(), message, **TELEGRAM)["text"]))
    assert set(read.tags) <= {"b", "/b", "a", "/a"}
    assert break_mentions(write_title(tidy_message(message).items[0])) in read.text
    assert 1 <= count_utf16(read.text) <= 4096


@given(message=MESSAGES)
def test_chats_take_every_text(message: Message) -> None:
    slack = build(SlackNotifier(), message)["blocks"]
    assert isinstance(slack, list)
    assert len(slack) <= 50
    assert all(each["text"]["text"] for each in slack if "text" in each)
    assert len(json.dumps(build(TeamsNotifier(), message), ensure_ascii=False).encode()) <= 28 * 1024
    embeds = build(DiscordNotifier(), message)["embeds"]
    assert isinstance(embeds, list)
    assert 1 <= len(embeds[0]["title"]) <= 256
    assert all(1 <= len(field["value"]) <= 1024 for field in embeds[0]["fields"])
    assert 1 <= len(str(build(NtfyNotifier(), message)["message"]).encode()) <= 4096


@given(message=MESSAGES)
def test_push_message_is_never_larger_than_browsers_are_sent(message: Message) -> None:
    tidied = tidy_message(message)
    [call] = WebPushNotifier().build_calls(PUSH, tidied)
    read = json.loads(BROWSER.decrypt(call.body))
    assert len(call.body) <= 4096
    assert read["title"]
    assert read["body"]
    assert len(read["title"].encode()) <= 200
    assert read["keys"] == ["incident-7"]


@given(item=ITEMS)
def test_mail_keeps_its_headers_and_its_two_parts(item: Item) -> None:
    envelope = Envelope(Address("Checks", addr_spec="checks@example.test"), ("ops@example.test",))
    mail = message_from_bytes(write_mail(tidy_message(write(item)), envelope).as_bytes(), policy=default)
    names = [name for name, _ in mail.items()]
    assert names == [*("Subject", "From", "To", "Date", "Message-ID", "References", "Auto-Submitted"), *names[7:]]
    assert sorted(names[7:]) == ["Content-Type", "MIME-Version"]
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail["To"] == "ops@example.test"
