"""Microsoft Teams, by a workflow that takes webhooks: an Adaptive Card of text runs, which know no Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Severity
from healthcheck.notifiers.contract import Answer, Field, Verdict
from healthcheck.notifiers.field_values import parse_url
from healthcheck.notifiers.fitting import fit
from healthcheck.notifiers.http import Call, Reply, write_json
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.wording import (
    describe_left_off,
    is_alone,
    list_brief,
    list_facts,
    list_links,
    write_headline,
    write_title,
)

# Teams takes 28 KB; what the workflow puts around the card is not ours to know.
MAX_CARD_BYTES = 24 * 1024

_WORKFLOW_CURE = "make a workflow for webhooks in the channel and enter its URL"
_COLOURS = {Severity.DOWN: "attention", Severity.DEGRADED: "warning", Severity.NOTICE: "accent"}
# How connectors of old said with status 200 that nothing was shown.
_FAILED = "Webhook message delivery failed"


class TeamsNotifier(HttpNotifier):
    kind = "teams"
    label = "Microsoft Teams"
    fields = (
        Field(
            "url",
            gettext_noop("Workflow URL"),
            gettext_noop("Of a workflow “When a Teams webhook request is received”."),
            is_secret=True,
        ),
    )
    cures = dict.fromkeys((401, 403, 404, 410), _WORKFLOW_CURE)

    def check(self, values: Mapping[str, str]) -> None:
        parse_url(values["url"], field="url")

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        body = fit(message, lambda shorter: write_json(write_card(shorter)), measure=len, limit=MAX_CARD_BYTES)
        return [Call(values["url"], body)]

    def read_reply(self, reply: Reply) -> Answer | None:
        if reply.status == 200 and reply.text.startswith(_FAILED):
            return Answer(Verdict.RETRY, f"Teams did not show it: {reply.text[:100]}")
        return None


def write_card(message: Message) -> dict[str, Any]:
    """Return the card in its envelope."""
    body = [] if is_alone(message) else [_write_line([_write_run(write_headline(message), is_bold=True)])]
    for item in message.items:
        body += _write_item(item, message)
    if message.left_off:
        body.append(_write_line([_write_run(describe_left_off(message))]))
    links = list_links(message.items[0]) if is_alone(message) else []
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [_open(name, url) for name, url in links],
        "msteams": {"width": "Full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _write_item(item: Item, message: Message) -> list[dict[str, Any]]:
    colour = "good" if item.is_over else _COLOURS[item.severity]
    title = {**_write_run(write_title(item), is_bold=True), "color": colour}
    if is_alone(message):
        return [_write_line([{**title, "size": "large"}]), *_write_facts(list_facts(item, message))]
    links = [{**_write_run(f"  {name}"), "selectAction": _open(name, url)} for name, url in list_links(item)]
    return [_write_line([title, *links]), *_write_facts(list_brief(item))]


def _write_facts(facts: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [_write_line([_write_run(f"{name}: ", is_bold=True), _write_run(text)]) for name, text in facts]


def _write_line(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _write_run(text: str, *, is_bold: bool = False) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **({"weight": "bolder"} if is_bold else {})}


def _open(name: str, url: str) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": name, "url": url}
