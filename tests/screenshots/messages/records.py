"""Draws what is sent to services that keep alerts or notifications of their own, and to programs: names with values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from tests.screenshots.messages.elements import draw, draw_buttons, draw_fields, draw_text, expect, take
from tests.screenshots.messages.payloads import Sent

# The service shows each as a sign before the title.
_NTFY_SIGNS = frozenset({"rotating_light", "warning", "information_source", "white_check_mark"})
_NTFY_PRIORITIES = {3: "default", 4: "high"}
# Each is an icon.
_PUSH_STATES = ("down", "degraded", "unknown", "up")


def draw_pagerduty(document: Mapping[str, Any]) -> str:
    _key, action, dedup_key, payload, links, client, client_url = take(
        document, "routing_key", "event_action", "dedup_key", "payload", "links", "client", "client_url"
    )
    expect(action, "trigger", "acknowledge", "resolve")
    summary, source, severity, instant, details = take(
        payload, "summary", "source", "severity", "timestamp", "custom_details"
    )
    fields = {"Action": action, "Severity": severity, "Source": source, "At": instant, "Key": dedup_key}
    fields |= {"Client": f"{client} ({client_url})"} if client else {}
    buttons = [take(link, "text", "href") for link in links]
    return (
        draw("div", draw_text(summary), "title")
        + draw_fields(fields.items())
        + draw("div", "Details", "quiet")
        + draw_fields(details.items())
        + draw_buttons((name, url) for name, url in buttons)
    )


def draw_opsgenie(sent: Sent) -> str:
    text, alias, description, priority, source, details, note = take(
        sent.document, "message", "alias", "description", "priority", "source", "details", "note"
    )
    path = draw("div", draw_text(f"POST {sent.url.removeprefix('https://api.opsgenie.com')}"), "quiet code")
    if note is not None:
        expect((text, alias, description, priority, details), (None,) * 5)
        return path + draw("div", draw_text(note), "text") + draw_fields({"Source": source}.items())
    fields = {"Priority": priority, "Alias": alias, "Source": source, **{f"details.{k}": v for k, v in details.items()}}
    title = draw("div", draw_text(text), "title")
    return path + title + draw("div", draw_text(description), "text") + draw_fields(fields.items())


def draw_ntfy(document: Mapping[str, Any]) -> str:
    topic, title, text, priority, tags, actions, click = take(
        document, "topic", "title", "message", "priority", "tags", "actions", "click"
    )
    expect(priority, *_NTFY_PRIORITIES)
    for tag in tags:
        expect(tag, *_NTFY_SIGNS)
    about = f"{topic} · priority {_NTFY_PRIORITIES[priority]} · {', '.join(tags)}"
    opens = draw("div", draw_text(f"A tap opens {click}"), "quiet") if click else ""
    return (
        draw("div", draw_text(about), "quiet")
        + draw("div", draw_text(title), "title")
        + draw("div", draw_text(text), "text")
        + draw_buttons(_read_action(action) for action in actions)
        + opens
    )


def _read_action(action: Mapping[str, Any]) -> tuple[str, str]:
    kind, label, url = take(action, "action", "label", "url")
    expect(kind, "view")
    return label, url


def draw_webpush(document: Mapping[str, Any]) -> str:
    """A notification as its worker shows it; where it leads is seen by clicking."""
    title, text, tag, keys, state, _at_ms, url, acknowledge_url = take(
        document, "title", "body", "tag", "keys", "state", "at_ms", "url", "acknowledge_url"
    )
    expect(state, *_PUSH_STATES)
    opens = draw("div", draw_text(f"A click opens {url}"), "quiet") if url else ""
    return (
        draw("div", draw_text(f"icon {state} · tag {tag} · about {', '.join(keys)}"), "quiet")
        + draw("div", draw_text(title), "title")
        + draw("div", draw_text(text), "text")
        + draw_buttons([("Acknowledge", acknowledge_url)] if acknowledge_url else [])
        + opens
    )


def draw_webhook(sent: Sent) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in sent.headers)
    body = json.dumps(sent.document, indent=2, ensure_ascii=False)
    return draw("pre", f"{escape(f'POST {sent.url}')}\n{escape(headers)}\n\n{escape(body)}")


def draw_apprise(task: Mapping[str, Any]) -> str:
    """What Apprise is handed; how it looks is the business of whom it hands that to."""
    _url, title, body, kind, _rules = take(task, "url", "title", "body", "type", "rules")
    expect(kind, "FAILURE", "WARNING", "INFO", "SUCCESS")
    return (
        draw("div", draw_text(f"type {kind.lower()}"), "quiet")
        + draw("div", draw_text(title), "title")
        + draw("div", draw_text(body), "text")
    )
