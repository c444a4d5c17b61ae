"""Webhooks in the form of the Standard Webhooks specification."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import replace

import pytest
import trustme

from healthcheck.engine.incidents import Event
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Verdict
from healthcheck.notifiers.signatures import sign
from healthcheck.notifiers.webhook import WebhookNotifier, write_document
from tests.engine.conftest import serve_with
from tests.hostile import HostileServer
from tests.notifiers.messages import DOWN, ID, RESOLVED, TEST, write
from tests.notifiers.receiver import OK, REACH, Receiver, say

KEY, OLD_KEY = b"k" * 24, b"o" * 32
SECRET, OLD_SECRET = (f"whsec_{base64.b64encode(key).decode()}" for key in (KEY, OLD_KEY))


def test_signature_is_that_of_the_specification() -> None:
    """Its own example, worked out apart from ours."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body=body) == expected


def test_message_is_signed_with_both_secrets_while_they_rotate(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    values = {"url": receiver.url, "secret": SECRET, "old_secret": OLD_SECRET}
    assert WebhookNotifier().send(values, write(DOWN), REACH).verdict is Verdict.SENT
    [told] = receiver.told
    signed = f"{ID}.{told.headers['webhook-timestamp']}.".encode() + told.body
    digests = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in (KEY, OLD_KEY)]
    assert told.headers["webhook-signature"].split(" ") == [f"v1,{digest}" for digest in digests]
    assert abs(int(told.headers["webhook-timestamp"]) - time.time()) < 60


def test_second_try_has_the_same_id_and_says_the_same(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, say("503 Later"), OK)
    values = {"url": receiver.url, "secret": SECRET}
    verdicts = [WebhookNotifier().send(values, write(DOWN), REACH).verdict for _ in range(2)]
    assert verdicts == [Verdict.RETRY, Verdict.SENT]
    first, second = receiver.told
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == ID
    assert first.body == second.body


def test_without_a_secret_nothing_is_signed(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    WebhookNotifier().send({"url": receiver.url}, write(DOWN), REACH)
    assert "webhook-signature" not in receiver.told[0].headers


def test_headers_of_the_channel_are_sent(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    values = {"url": receiver.url, "headers": "Authorization: Bearer abc\n\nUser-Agent: own\n"}
    assert WebhookNotifier().send(values, write(DOWN), REACH).verdict is Verdict.SENT
    headers = receiver.told[0].headers
    assert (headers["authorization"], headers["user-agent"]) == ("Bearer abc", "own")


def test_document_says_all_of_the_message() -> None:
    assert write_document(write(DOWN)) == {
        "type": "incident.opened",
        "timestamp": "2026-01-02T03:04:05+00:00",
        "data": {
            "id": ID,
            "headline": "DOWN: 2 of 20 down: dns, all on example.test",
            "severity": "down",
            "is_over": False,
            "items": [
                {
                    "event": "opened",
                    "severity": "down",
                    "key": "incident-7",
                    "title": "2 of 20 down: dns, all on example.test",
                    "cause": "dns, all on example.test",
                    "seen": "Its name could not be resolved.",
                    "note": "",
                    "names": ["Shop", "Mail"],
                    "count": 2,
                    "started_at": "2026-01-02T03:01:05+00:00",
                    "ended_at": None,
                    "url": "https://status.example.test/incidents/7",
                    "acknowledge_url": "https://status.example.test/acknowledge/abc",
                }
            ],
            "left_off": 0,
        },
    }


def test_type_names_what_happened() -> None:
    over = replace(TEST, event=Event.TROUBLE_OVER)
    messages = [write(RESOLVED), write(TEST), write(over), write(DOWN, RESOLVED), write(DOWN, left_off=1)]
    types = [write_document(message)["type"] for message in messages]
    assert types == ["incident.resolved", "test", "checker.recovered", "incidents.changed", "incidents.changed"]


@pytest.mark.parametrize(
    ("values", "field", "cure"),
    [
        ({"url": ""}, "url", "enter it"),
        ({"url": "ftp://example.test/"}, "url", "add it"),
        ({"url": "https://user:pass@example.test/"}, "url", "remove user:password@"),
        ({"secret": "whsec_short"}, "secret", "make one with"),
        ({"secret": "whsec_" + "ä" * 40}, "secret", "make one with"),
        ({"old_secret": "whsec_" + base64.b64encode(b"x" * 65).decode()}, "old_secret", "make one with"),
        ({"headers": "no colon"}, "headers", "one a line"),
        ({"headers": "Content-Length: 5"}, "headers", "remove it"),
        ({"ca_pem": "no certificate"}, "ca_pem", "paste the text"),
    ],
)
def test_wrong_values_are_refused_at_their_field(values: dict[str, str], field: str, cure: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        WebhookNotifier().refuse({"url": "https://example.test/", **values})
    assert caught.value.field == field
    assert cure in caught.value.sentence


def test_receiver_with_an_authority_of_its_own_is_trusted(hostile: HostileServer, authority: trustme.CA) -> None:
    receiver = Receiver(hostile, tls=serve_with(authority.issue_cert("127.0.0.1")))
    values = {"url": receiver.url, "ca_pem": authority.cert_pem.bytes().decode()}
    assert WebhookNotifier().send(values, write(DOWN), REACH).verdict is Verdict.SENT
    answered = WebhookNotifier().send({"url": receiver.url}, write(DOWN), REACH)
    assert answered.verdict is Verdict.RETRY
    assert answered.sentence.startswith("Its certificate was not accepted; ")
