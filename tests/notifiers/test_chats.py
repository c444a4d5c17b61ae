"""What Slack, Teams, Discord, Telegram and ntfy are sent: their own forms, nothing injected, their limits kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from healthcheck.notifiers.contract import Answer, Verdict
from healthcheck.notifiers.discord import DiscordNotifier, write_embed
from healthcheck.notifiers.fitting import count_utf16, escape_within
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.ntfy import NtfyNotifier, write_notification
from healthcheck.notifiers.slack import SlackNotifier, write_blocks
from healthcheck.notifiers.teams import TeamsNotifier, write_card
from healthcheck.notifiers.telegram import TelegramNotifier, write_html
from healthcheck.notifiers.tidying import tidy_message
from tests.hostile import HostileServer
from tests.notifiers.messages import DOWN, HOSTILE, RESOLVED, write, write_largest
from tests.notifiers.receiver import REACH, Receiver, say

ASTRAL = "\N{FIRE}" * 10_000
# As many units and bytes as characters can have.
WIDE = replace(HOSTILE, title=ASTRAL, cause=ASTRAL, seen=ASTRAL, note=ASTRAL, names=(ASTRAL,) * 10)
# As many escapes as characters.
MARKED = replace(
    HOSTILE, title="*" * 9_000, cause="&" * 9_000, seen="<" * 9_000, note="~" * 9_000, names=("_" * 9_000,) * 10
)
LINKED = replace(WIDE, url="https://e.test/" + "u" * 980, acknowledge_url="https://e.test/" + "a" * 980)
LARGE: list[Message] = [
    write_largest(),
    *(write(item) for item in (HOSTILE, WIDE, MARKED, LINKED)),
    *(write(*[item] * 20, left_off=7) for item in (WIDE, MARKED, LINKED)),
]
TELEGRAM = {"token": "123456:" + "k" * 35, "chat": "-1001234"}


def send(notifier: Any, receiver: Receiver, message: Message = LARGE[0], **values: str) -> Any:
    """Send to where it is taken, and return what arrived."""
    answered = notifier.send({"url": receiver.url, **values}, message, REACH)
    assert answered.verdict is Verdict.SENT
    return receiver.told[-1].document


def walk(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(document, dict):
        yield document
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from walk(value)


def test_slack_is_sent_blocks() -> None:
    facts = (
        "Affected: Shop, Mail\nCause: dns, all on example.test\nSeen: Its name could not be resolved.\n"
        "Since: 2026-01-02 03:01:05 UTC (3 min so far)"
    )
    assert write_blocks(write(DOWN)) == {
        "text": "DOWN: 2 of 20 down: dns, all on example.test",
        "blocks": [
            {"type": "header", "text": _plain("DOWN: 2 of 20 down: dns, all on example.test")},
            {"type": "section", "text": _plain(facts)},
            {
                "type": "actions",
                "elements": [
                    {"type": "button", "text": _plain("Acknowledge"), "url": DOWN.acknowledge_url},
                    {"type": "button", "text": _plain("Details"), "url": DOWN.url},
                ],
            },
        ],
    }


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


@pytest.mark.parametrize("message", LARGE)
def test_slack_limits_are_kept_and_all_text_is_plain(message: Message, hostile: HostileServer) -> None:
    document = send(SlackNotifier(), Receiver(hostile), message)
    types = Counter(each["type"] for each in walk(document) if "type" in each)
    assert set(types) <= {"header", "section", "actions", "context", "button", "plain_text"}
    assert len(document["blocks"]) <= 50
    assert len(document["blocks"][0]["text"]["text"]) <= 150
    assert all(1 <= len(each["text"]) <= 3000 for each in walk(document) if each.get("type") == "plain_text")
    assert not {"<", ">"} & set(document["text"])


def test_line_for_slack_mentions_nobody_where_others_take_its_webhooks() -> None:
    text = write_blocks(write(replace(DOWN, title="@channel <!here> @all")))["text"]
    assert text == "DOWN: \N{FULLWIDTH COMMERCIAL AT}channel &lt;!here&gt; \N{FULLWIDTH COMMERCIAL AT}all"


def test_teams_is_sent_a_card() -> None:
    [attachment] = write_card(write(DOWN))["attachments"]
    card = attachment["content"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    lines = ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]
    assert lines == [
        "DOWN: 2 of 20 down: dns, all on example.test",
        "Affected: Shop, Mail",
        "Cause: dns, all on example.test",
        "Seen: Its name could not be resolved.",
        "Since: 2026-01-02 03:01:05 UTC (3 min so far)",
    ]
    assert [(action["title"], action["url"]) for action in card["actions"]] == [
        ("Acknowledge", DOWN.acknowledge_url),
        ("Details", DOWN.url),
    ]


@pytest.mark.parametrize("message", LARGE)
def test_teams_limits_are_kept_and_no_text_is_markdown(message: Message, hostile: HostileServer) -> None:
    receiver = Receiver(hostile, say("202 Accepted"))
    document = send(TeamsNotifier(), receiver, message)
    types = {each["type"] for each in walk(document) if "type" in each}
    assert types <= {"message", "AdaptiveCard", "RichTextBlock", "TextRun", "Action.OpenUrl"}
    assert len(receiver.told[-1].body) <= 28 * 1024


def test_teams_that_says_failed_with_status_200_is_tried_again(hostile: HostileServer) -> None:
    said = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    answered = TeamsNotifier().send({"url": Receiver(hostile, say("200 OK", body=said)).url}, write(DOWN), REACH)
    assert answered.verdict is Verdict.RETRY
    assert "HTTP error 429" in answered.sentence


def test_discord_is_sent_an_embed() -> None:
    embed = write_embed(write(DOWN))
    assert embed["title"] == "DOWN\\: 2 of 20 down\\: dns, all on example.test"
    assert embed["url"] == DOWN.url
    assert [field["name"] for field in embed["fields"]] == ["Affected", "Cause", "Seen", "Since", "Links"]
    assert embed["fields"][-1]["value"] == f"[Acknowledge](<{DOWN.acknowledge_url}>) [Details](<{DOWN.url}>)"
    assert write_embed(write(RESOLVED))["color"] != embed["color"]


@pytest.mark.parametrize("message", LARGE)
def test_discord_limits_are_kept(message: Message) -> None:
    embed = write_embed(tidy_message(message)) if len(message.items) == 1 else None
    document = embed or _sent_to_discord(message)
    description = document.get("description", "")
    texts = [document["title"], description]
    texts += [text for field in document["fields"] for text in (field["name"], field["value"])]
    assert count_utf16(document["title"]) <= 2 * 256
    assert len(document["title"]) <= 256
    assert count_utf16(description) <= 4096
    assert all(1 <= count_utf16(field["value"]) <= 1024 for field in document["fields"])
    assert sum(map(len, texts)) <= 6000


def _sent_to_discord(message: Message) -> dict[str, Any]:
    [call] = DiscordNotifier().build_calls({"url": "https://example.test/"}, tidy_message(message))
    embed: dict[str, Any] = json.loads(call.body)["embeds"][0]
    return embed


def test_discord_mentions_nobody_and_shows_markup_as_text() -> None:
    [call] = DiscordNotifier().build_calls({"url": "https://example.test/"}, tidy_message(write(HOSTILE)))
    document = json.loads(call.body)
    assert document["allowed_mentions"] == {"parse": []}
    for field in document["embeds"][0]["fields"][:3]:
        bare = field["value"].replace("\\\\", "").split("\\")
        assert not any(set(part[1:]) & set("*_~`|>#[]()<@:") for part in bare[1:])


class Telegram(HTMLParser):
    """Reads as Telegram does, which refuses a message for any tag that it does not know."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert [name for name, _ in attributes] == (["href"] if tag == "a" else [])

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_telegram_is_sent_html() -> None:
    read = Telegram(write_html(write(DOWN)))
    assert read.tags == ["b", "/b", "a", "/a", "a", "/a"]
    assert read.text.startswith("DOWN: 2 of 20 down: dns, all on example.test\nAffected: Shop, Mail\n")
    assert read.text.endswith("\nAcknowledge · Details")


@pytest.mark.parametrize("message", LARGE)
def test_telegram_limits_are_kept_and_no_tag_is_injected(message: Message, hostile: HostileServer) -> None:
    document = send(TelegramNotifier(), Receiver(hostile), message, **TELEGRAM)
    read = Telegram(document["text"])
    assert set(read.tags) <= {"b", "/b", "a", "/a"}
    assert count_utf16(read.text) <= 4096
    assert (document["parse_mode"], document["chat_id"]) == ("HTML", "-1001234")


def test_telegram_mentions_nobody_and_links_only_where_we_say() -> None:
    html = write_html(write(replace(DOWN, title="@alice", seen="Found: @bob.", acknowledge_url="https://a.test/@x")))
    assert "DOWN: \N{FULLWIDTH COMMERCIAL AT}alice" in html
    assert "Seen: Found: \N{FULLWIDTH COMMERCIAL AT}bob." in html
    assert '<a href="https://a.test/@x">' in html


def test_telegram_is_asked_by_the_token_and_told_the_topic(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    assert send(TelegramNotifier(), receiver, write(DOWN), **TELEGRAM, thread="7")["message_thread_id"] == 7
    assert receiver.told[0].path == f"/bot{TELEGRAM['token']}/sendMessage"


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (
            "429 Too Many",
            '{"parameters": {"retry_after": 35}}',
            Answer(Verdict.RETRY, "It answered with HTTP 429.", 35.0, is_untaken=True),
        ),
        ("429 Too Many", '{"parameters": {"retry_after": 1e99}}', None),
        (
            "429 Too Many",
            '{"parameters": {"retry_after": 99999999}}',
            Answer(Verdict.RETRY, "It answered with HTTP 429.", 3600.0, is_untaken=True),
        ),
        ("400 Bad", '{"description": "Bad Request: message is too long"}', None),
    ],
)
def test_telegram_says_how_long_to_wait(hostile: HostileServer, status: str, body: str, answer: Answer | None) -> None:
    receiver = Receiver(hostile, say(status, "Content-Type: application/json", body=body))
    answered = TelegramNotifier().send({"url": receiver.url, **TELEGRAM}, write(DOWN), REACH)
    assert answered.verdict is Verdict.RETRY
    assert answer is None or answered == answer


def test_telegram_chat_that_is_not_there_is_refused(hostile: HostileServer) -> None:
    body = f'{{"description": "chat not found \\u202e {TELEGRAM["token"]}"}}'
    said = say("400 Bad", "Content-Type: application/json", body=body)
    answered = TelegramNotifier().send({"url": Receiver(hostile, said).url, **TELEGRAM}, write(DOWN), REACH)
    assert answered.verdict is Verdict.REFUSED
    assert "let the bot into the chat" in answered.sentence
    assert answered.sentence.isprintable()
    assert TELEGRAM["token"] not in answered.sentence


def test_ntfy_is_sent_a_title_a_text_and_buttons() -> None:
    assert write_notification(write(DOWN)) == {
        "title": "DOWN: 2 of 20 down: dns, all on example.test",
        "message": (
            "Affected: Shop, Mail\nCause: dns, all on example.test\nSeen: Its name could not be resolved.\n"
            "Since: 2026-01-02 03:01:05 UTC (3 min so far)"
        ),
        "priority": 4,
        "tags": ["rotating_light"],
        "actions": [
            {"action": "view", "label": "Acknowledge", "url": DOWN.acknowledge_url},
            {"action": "view", "label": "Details", "url": DOWN.url},
        ],
        "click": DOWN.url,
    }
    assert write_notification(write(RESOLVED))["tags"] == ["white_check_mark"]


@pytest.mark.parametrize("message", LARGE)
def test_ntfy_limits_are_kept(message: Message, hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    document = send(NtfyNotifier(), receiver, message, topic="alerts", token="tk_abc")
    assert 1 <= len(document["message"].encode()) <= 4096
    assert len(document["title"].encode()) <= 250
    assert (document["topic"], receiver.told[0].headers["authorization"]) == ("alerts", "Bearer tk_abc")


@pytest.mark.parametrize("count", [1, 2, 20])
def test_what_does_not_fit_is_counted(count: int) -> None:
    items: list[Item] = [DOWN] * count
    text = Telegram(write_html(write(*items, left_off=480))).text
    assert text.count("DOWN: 2 of 20 down") == count
    assert text.endswith("and 480 more")


def test_escaped_text_is_cut_between_characters() -> None:
    assert escape_within("a*b*", lambda character: f"\\{character}" if character == "*" else character, 6) == "a\\*b\\*"
    assert escape_within("a*b*c", lambda character: f"\\{character}" if character == "*" else character, 6) == "a\\*b…"
