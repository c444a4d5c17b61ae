"""PagerDuty and Opsgenie: one alert for each incident, whatever is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from healthcheck.engine.incidents import Event, Severity
from healthcheck.notifiers.contract import Answer, Verdict
from healthcheck.notifiers.message import Item
from healthcheck.notifiers.opsgenie import OpsgenieNotifier
from healthcheck.notifiers.pagerduty import PagerDutyNotifier, write_event
from healthcheck.notifiers.tidying import tidy_message
from tests.hostile import HostileServer
from tests.notifiers.messages import DOWN, HOSTILE, ID, RESOLVED, write, write_largest
from tests.notifiers.receiver import REACH, Receiver, say

KEY = "0123456789abcdef0123456789abcdef"
ACKNOWLEDGED = replace(DOWN, event=Event.ACKNOWLEDGED)
TAKEN = say("202 Accepted", "Content-Type: application/json", body='{"status":"success"}')


def tell_pagerduty(receiver: Receiver, *items: Item) -> Answer:
    return PagerDutyNotifier().send({"url": receiver.url, "routing_key": KEY}, write(*items), REACH)


def tell_opsgenie(receiver: Receiver, *items: Item) -> Answer:
    return OpsgenieNotifier().send({"url": receiver.url, "api_key": KEY}, write(*items), REACH)


def test_pagerduty_alert_has_the_incident_as_its_key(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, TAKEN)
    assert tell_pagerduty(receiver, DOWN).verdict is Verdict.SENT
    [told] = receiver.told
    assert told.path == "/v2/enqueue"
    assert told.document == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "incident-7",
        "payload": {
            "summary": "DOWN: 2 of 20 down: dns, all on example.test",
            "source": "Shop",
            "severity": "critical",
            "timestamp": "2026-01-02T03:01:05+00:00",
            "custom_details": {
                "Affected": "Shop, Mail",
                "Cause": "dns, all on example.test",
                "Seen": "Its name could not be resolved.",
                "Since": "2026-01-02 03:01:05 UTC (3 min so far)",
                "Message": ID,
            },
        },
        "links": [
            {"href": DOWN.acknowledge_url, "text": "Acknowledge"},
            {"href": DOWN.url, "text": "Details"},
        ],
    }


@pytest.mark.parametrize(
    ("item", "action"),
    [
        (DOWN, "trigger"),
        (replace(DOWN, event=Event.GREW), "trigger"),
        (replace(DOWN, event=Event.REMINDER), "trigger"),
        (ACKNOWLEDGED, "acknowledge"),
        (RESOLVED, "resolve"),
    ],
)
def test_alert_follows_its_incident(item: Item, action: str) -> None:
    event = write_event(item, write(item))
    assert (event["event_action"], event["dedup_key"]) == (action, "incident-7")


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_is_one_of_pagerduty(severity: Severity) -> None:
    event = write_event(replace(DOWN, severity=severity), write())
    assert event["payload"]["severity"] in {"critical", "error", "warning", "info"}


def test_every_item_of_a_message_becomes_an_event(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, TAKEN)
    message = write_largest()
    values = {"url": receiver.url, "routing_key": KEY}
    assert PagerDutyNotifier().send(values, message, REACH).verdict is Verdict.SENT
    assert sorted(told.document["dedup_key"] for told in receiver.told) == sorted(item.key for item in message.items)


def test_some_events_untaken_are_all_tried_again(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, TAKEN, say("429 Slow", "Retry-After: 9"), TAKEN)
    answered = tell_pagerduty(receiver, *(replace(DOWN, key=f"incident-{number}") for number in range(5)))
    assert answered == Answer(Verdict.RETRY, "It answered with HTTP 429.", 9.0)
    assert len(receiver.told) == 5


def test_pagerduty_key_that_is_unknown_is_refused(hostile: HostileServer) -> None:
    body = '{"status":"invalid event","errors":["Invalid routing key"]}'
    answered = tell_pagerduty(Receiver(hostile, say("400 Bad", "Content-Type: application/json", body=body)), DOWN)
    assert answered.verdict is Verdict.REFUSED
    assert "enter the integration key" in answered.sentence


def test_pagerduty_limits_are_kept() -> None:
    [item] = tidy_message(write(replace(HOSTILE, key="k" * 900))).items
    event: dict[str, Any] = write_event(item, write(item))
    assert len(event["dedup_key"]) == 255
    assert len(event["payload"]["summary"]) <= 1024
    assert event["payload"]["source"]


def test_opsgenie_alert_is_made_and_closed_by_its_alias(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, TAKEN)
    for item in (DOWN, ACKNOWLEDGED, RESOLVED):
        assert tell_opsgenie(receiver, item).verdict is Verdict.SENT
    assert [told.path for told in receiver.told] == [
        "/v2/alerts",
        "/v2/alerts/incident-7/acknowledge?identifierType=alias",
        "/v2/alerts/incident-7/close?identifierType=alias",
    ]
    first = receiver.told[0]
    assert first.headers["authorization"] == f"GenieKey {KEY}"
    assert {**first.document, "description": ""} == {
        "message": "DOWN: 2 of 20 down: dns, all on example.test",
        "alias": "incident-7",
        "description": "",
        "priority": "P1",
        "source": "healthcheck",
        "details": {"message": ID},
    }
    assert "Affected: Shop, Mail\nCause: dns, all on example.test\n" in first.document["description"]


def test_opsgenie_key_cannot_change_the_path(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, TAKEN)
    tell_opsgenie(receiver, replace(RESOLVED, key="../a?b#c\r\nd"))
    assert receiver.told[0].path == "/v2/alerts/..%2Fa%3Fb%23c%0D%0Ad/close?identifierType=alias"


def test_opsgenie_limits_are_kept(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, TAKEN)
    assert tell_opsgenie(receiver, replace(HOSTILE, key="k" * 900)).verdict is Verdict.SENT
    document = receiver.told[0].document
    assert (len(document["message"]), len(document["alias"])) == (130, 512)
    assert len(document["description"]) <= 15_000
