"""Web push: what a push service is told, what the browser reads of it, and what can never be sent with."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from healthcheck.engine.incidents import Event, Severity
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Answer, Verdict
from healthcheck.notifiers.message import Item
from healthcheck.notifiers.push_encryption import MAX_PAYLOAD_BYTES, encode_base64url, write_point
from healthcheck.notifiers.webpush import WebPushNotifier, choose_urgency, name_tag
from tests.hostile import HostileServer
from tests.notifiers.messages import DOWN, HOSTILE, RESOLVED, TEST, write, write_largest
from tests.notifiers.push_browser import CONTACT, PushBrowser, open_push_service, verify
from tests.notifiers.receiver import REACH, Receiver, say

BROWSER = PushBrowser()
OTHER = replace(DOWN, key="incident-8", title="mail is slow", severity=Severity.DEGRADED)
ENDPOINT = "https://push.example.test/wp/abcdefgh"
VALUES = {"subscription": json.dumps(BROWSER.subscribe(ENDPOINT)), "contact": CONTACT}


def tell(service: Receiver, *items: Item) -> Answer:
    return WebPushNotifier().send(BROWSER.fill_in(service), write(*items), REACH)


def test_browser_reads_what_happened_and_where_it_leads(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    assert tell(service, DOWN) == Answer(Verdict.SENT, "Taken (HTTP 201).")
    [told] = service.told
    assert told.path == "/push/1"
    assert BROWSER.read(told) == {
        "title": "DOWN: 2 of 20 down: dns, all on example.test",
        "body": "Affected: Shop, Mail\nCause: dns, all on example.test\nSeen: Its name could not be resolved.\n"
        "Since: 2026-01-02 03:01:05 UTC (3 min so far)",
        "tag": "incident-7",
        "keys": ["incident-7"],
        "state": "down",
        "at_ms": 1767323045000,
        "url": DOWN.url,
        "acknowledge_url": DOWN.acknowledge_url,
    }


def test_push_service_learns_who_sends_and_nothing_of_what(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    tell(service, DOWN)
    [told] = service.told
    claims = verify(told)
    assert (claims.audience, claims.subject) == (service.url, CONTACT)
    assert 0 < claims.expires_at - time.time() <= 24 * 3600
    assert claims.public == encode_base64url(write_point(BROWSER.vapid.public_key()))
    headers = dict(told.headers)
    assert (headers["ttl"], headers["urgency"], headers["content-type"]) == (
        "86400",
        "high",
        "application/octet-stream",
    )
    seen = (told.path + json.dumps(headers)).encode() + told.body
    assert [word for word in ("incident", "DOWN", "example.test/", "Shop") if word.encode() in seen] == []


def test_end_takes_the_place_of_what_was_not_delivered(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    for items in ((DOWN,), (RESOLVED,), (OTHER,), (DOWN, OTHER), (OTHER, RESOLVED)):
        tell(service, *items)
    topics = [told.headers["topic"] for told in service.told]
    assert topics[0] == topics[1]
    assert topics[3] == topics[4]
    assert len(set(topics)) == 3
    assert all(len(topic) == 32 and base64.urlsafe_b64decode(topic) for topic in topics)
    assert [BROWSER.read(told)["tag"] for told in service.told][:3] == ["incident-7", "incident-7", "incident-8"]
    assert BROWSER.read(service.told[1])["state"] == "up"


def test_topic_is_another_for_each_browser(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    for browser in (BROWSER, PushBrowser(auth=b"another browser.")):
        WebPushNotifier().send(browser.fill_in(service), write(DOWN), REACH)
    first, second = (told.headers["topic"] for told in service.told)
    assert first != second


def test_several_are_listed_and_lead_nowhere_alone(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    tell(service, DOWN, OTHER)
    read = BROWSER.read(service.told[0])
    assert read["title"] == "1 DOWN, 1 DEGRADED"
    assert read["body"] == "DOWN: 2 of 20 down: dns, all on example.test\nDEGRADED: mail is slow"
    assert (read["keys"], read["url"], read["acknowledge_url"]) == (["incident-7", "incident-8"], "", "")


def test_what_is_too_long_is_counted(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    values = BROWSER.fill_in(service)
    assert WebPushNotifier().send(values, write_largest(), REACH).verdict is Verdict.SENT
    [told] = service.told
    assert len(told.body) <= 4096
    read = BROWSER.read(told)
    listed = read["body"].splitlines()
    assert listed[-1] == f"and {480 + 20 - (len(listed) - 1)} more"
    assert len(read["keys"]) == 20


@pytest.mark.parametrize("text", ['"' * 1000, "\\" * 1000, "ü" * 1000, "😀" * 1000])
def test_one_item_fits_whatever_it_says(text: str, hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    url = "https://a.test/".ljust(1000, "x")
    item = replace(DOWN, title=text, cause=text, seen=text, names=(text,) * 10, key=text, url=url, acknowledge_url=url)
    assert tell(service, item).verdict is Verdict.SENT
    assert len(BROWSER.read_text(service.told[0]).encode()) <= MAX_PAYLOAD_BYTES
    read = BROWSER.read(service.told[0])
    assert (read["url"], read["acknowledge_url"], len(read["tag"])) == (url, url, 32)


@pytest.mark.parametrize(
    ("item", "urgency"),
    [(DOWN, "high"), (OTHER, "normal"), (TEST, "normal"), (RESOLVED, "normal")],
)
def test_urgency_is_that_of_what_is_not_over(item: Item, urgency: str) -> None:
    assert choose_urgency(write(item)) == urgency


def test_tag_is_the_same_in_whatever_order() -> None:
    assert name_tag(write(DOWN, OTHER)) == name_tag(write(OTHER, DOWN)) != name_tag(write(DOWN))


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("severity", list(Severity))
def test_every_happening_is_told(event: Event, severity: Severity, hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    tell(service, replace(DOWN, event=event, severity=severity))
    assert BROWSER.read(service.told[0])["state"] in {"down", "degraded", "unknown", "up"}


@pytest.mark.parametrize("status", [404, 410])
def test_ended_subscription_is_refused_with_its_cure(status: int, hostile: HostileServer) -> None:
    answered = tell(open_push_service(hostile, say(f"{status} Gone")), DOWN)
    cure = "open this channel in that browser and press “Use this browser” again."
    sentence = f"The browser has ended its subscription (HTTP {status}); {cure}"
    assert answered == Answer(Verdict.REFUSED, sentence, is_untaken=True)


def test_key_that_the_push_service_does_not_take_is_refused(hostile: HostileServer) -> None:
    answered = tell(open_push_service(hostile, say("403 No", "Content-Type: text/plain", body="wrong key")), DOWN)
    assert answered.verdict is Verdict.REFUSED
    assert answered.sentence.startswith("Web push refused it (HTTP 403: wrong key); open this channel in that browser")


def test_busy_push_service_is_waited_for(hostile: HostileServer) -> None:
    answered = tell(open_push_service(hostile, say("429 Slow", "Retry-After: 120")), DOWN)
    assert answered == Answer(Verdict.RETRY, "It answered with HTTP 429.", 120.0, is_untaken=True)


def test_parts_of_the_subscription_are_in_no_sentence(hostile: HostileServer) -> None:
    subscription = BROWSER.subscribe("")
    secrets = [subscription["vapid"], *subscription["keys"].values(), "a-secret-address"]
    for secret in secrets:
        service = open_push_service(hostile, say("500 Oh", "Content-Type: text/plain", body=f"no {secret} known"))
        answered = WebPushNotifier().send(BROWSER.fill_in(service, "/wp/a-secret-address?v=1"), write(DOWN), REACH)
        assert answered.sentence == "It answered with HTTP 500: no [hidden] known."


def test_certificate_that_nobody_vouches_for_is_not_sent_to(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    answered = WebPushNotifier().send({**BROWSER.fill_in(service), "ca_pem": ""}, write(DOWN), REACH)
    assert answered.verdict is Verdict.RETRY
    assert "certificate was not accepted" in answered.sentence
    assert service.told == []


def alter(**changed: Any) -> str:
    document = BROWSER.subscribe(ENDPOINT)
    for name, value in changed.items():
        (document["keys"] if name in document["keys"] else document)[name] = value
    return json.dumps(document)


OFF_THE_CURVE = encode_base64url(b"\x04" + b"\x01" * 64)
TOO_LARGE = encode_base64url(b"\xff" * 32)


@pytest.mark.parametrize(
    ("subscription", "sentence"),
    [
        ("{", "The subscription is not JSON"),
        ("[" * 3_000, "The subscription is not JSON"),
        ("[]", "The subscription is not a JSON object"),
        ("{}", "The subscription has no keys"),
        (" " + "x" * 4_001, "The subscription is longer than 4000 characters"),
        (alter(endpoint=None), "The subscription has no endpoint"),
        (alter(endpoint="http://push.example.test/a"), "The endpoint of the subscription does not begin with https://"),
        (alter(endpoint="javascript:alert(1)"), "The address must start with http:// or https://"),
        (alter(endpoint="https://a:b@push.example.test/"), "Authentication is not supported in the address"),
        (alter(auth="YQ"), "auth of the subscription is not base64url of 16 bytes"),
        (alter(auth=5), "auth of the subscription is not base64url of 16 bytes"),
        (alter(p256dh="a b"), "p256dh of the subscription is not base64url of 65 bytes"),
        (alter(p256dh=OFF_THE_CURVE), "p256dh of the subscription is no key of the curve P-256"),
        (alter(vapid=""), "vapid of the subscription is not base64url of 32 bytes"),
        (alter(vapid=TOO_LARGE), "vapid of the subscription is no private key of the curve P-256"),
        (alter(vapid=encode_base64url(b"\x00" * 32)), "vapid of the subscription is no private key of the curve P-256"),
    ],
    ids=range(16),
)
def test_what_no_browser_gave_away_is_refused(subscription: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        WebPushNotifier().refuse({**VALUES, "subscription": subscription})
    assert caught.value.field == "subscription"
    assert caught.value.sentence.startswith(sentence)
    assert caught.value.sentence.endswith(".")


@pytest.mark.parametrize(
    "contact", ["mailto:ops@example.com", "https://example.com/contact", "mailto:o.p-s+x@xn--bcher-kva.example"]
)
def test_contact_is_a_mailbox_or_a_page(contact: str) -> None:
    WebPushNotifier().refuse({**VALUES, "contact": contact})


@pytest.mark.parametrize(
    "contact",
    [
        "ops@example.com",
        "mailto:",
        "mailto:a@b@c",
        "mailto:a b@c",
        "mailto:ops@example.com?body=x",
        "http://example.com",
        "javascript:alert(1)",
        "https://",
        "mailto:ü@example.com",
        "mailto:" + "a" * 300 + "@example.com",
    ],
)
def test_contact_that_reaches_nobody_is_refused(contact: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        WebPushNotifier().refuse({**VALUES, "contact": contact})
    assert caught.value.field == "contact"


def test_hostile_links_are_not_passed_on(hostile: HostileServer) -> None:
    service = open_push_service(hostile)
    tell(service, HOSTILE)
    read = BROWSER.read(service.told[0])
    assert (read["url"], read["acknowledge_url"]) == ("", "")
