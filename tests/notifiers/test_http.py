"""The one door to receivers over HTTP, against receivers that stall, fail, answer late, redirect and flood."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import replace

import pytest

from healthcheck.engine.types import AddressMode, AddressRules
from healthcheck.notifiers.contract import Answer, Reach, Verdict
from healthcheck.notifiers.http import MAX_AT_ONCE, Call, ask_all
from healthcheck.notifiers.webhook import WebhookNotifier
from tests.free_ports import find_free_ports
from tests.hostile import HostileServer, answer
from tests.notifiers.messages import DOWN, ID, write
from tests.notifiers.receiver import OK, REACH, STRICT, Receiver, Script, say
from tests.open_sockets import count_sockets, settle_sockets

SOON = replace(REACH, timeout_seconds=0.5)


def send(receiver: Receiver, reach: Reach = REACH, **values: str) -> Answer:
    return WebhookNotifier().send({"url": receiver.url, **values}, write(DOWN), reach)


async def _stall(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def _answer_late(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1)
    writer.write(OK)


async def _drip(writer: asyncio.StreamWriter) -> None:
    for character in itertools.chain(b"HTTP/1.1 200 OK\r\nX: ", itertools.repeat(ord("y"), 600)):
        writer.write(bytes([character]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def _take_and_stall(writer: asyncio.StreamWriter) -> None:
    writer.write(answer("HTTP/1.1 202 Accepted", "Content-Length: 10"))
    await asyncio.sleep(30)


def test_what_is_taken_is_sent(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    assert send(receiver) == Answer(Verdict.SENT, "Taken (HTTP 200).")
    assert receiver.told[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("script", [_stall, _answer_late, _drip])
def test_no_answer_within_the_deadline_is_tried_again(hostile: HostileServer, script: Script) -> None:
    receiver = Receiver(hostile, script)
    assert send(Receiver(hostile)).verdict is Verdict.SENT
    before, started = count_sockets(), time.monotonic()
    assert send(receiver, SOON) == Answer(Verdict.RETRY, "It did not answer within 0.5 s.")
    assert time.monotonic() - started < 2.0
    # The receiver's end of it, in this very process, is open for as long as it stalls.
    assert settle_sockets(before + 1) <= before + 1


def test_deadline_is_over_both_ends_of_a_redirect(hostile: HostileServer) -> None:
    slow = say("307 Temporary Redirect", "Location: /next")

    async def redirect_late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(slow)

    started = time.monotonic()
    assert send(Receiver(hostile, redirect_late), SOON).verdict is Verdict.RETRY
    assert time.monotonic() - started < 1.5


def test_body_without_an_end_does_not_undo_what_was_taken(hostile: HostileServer) -> None:
    assert send(Receiver(hostile, _take_and_stall), SOON) == Answer(Verdict.SENT, "Taken (HTTP 202).")


def test_ten_megabytes_of_answer_are_not_read(hostile: HostileServer) -> None:
    sent = []

    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(answer("HTTP/1.1 200 OK", "Content-Length: 100000000"))
        for _ in range(1000):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent.append(100_000)

    assert send(Receiver(hostile, flood)).verdict is Verdict.SENT
    # What the kernel holds between us is taken, too.
    assert sum(sent) < 20_000_000


@pytest.mark.parametrize(
    ("script", "sentence", "is_untaken"),
    [
        (
            say("500 Oh", "Content-Type: text/plain", body="out of\r\ndisk \u202e\x1b[31m"),
            "HTTP 500: out of disk � [31m",
            False,
        ),
        (say("503 Later", "Content-Type: text/html", body="<h1>503</h1>"), "HTTP 503", True),
        (say("400 Bad", "Content-Type: application/json", body='{"x":1}'), 'HTTP 400: {"x":1}', True),
    ],
)
def test_trouble_of_the_receiver_is_tried_again(
    hostile: HostileServer, script: bytes, sentence: str, is_untaken: bool
) -> None:
    expected = Answer(Verdict.RETRY, f"It answered with {sentence}.", is_untaken=is_untaken)
    assert send(Receiver(hostile, script)) == expected


def test_what_fails_before_it_is_sent_is_surely_not_taken() -> None:
    for url in (f"http://127.0.0.1:{find_free_ports(1)[0]}/", "http://no.such.name.invalid/"):
        answered = WebhookNotifier().send({"url": url}, write(DOWN), REACH)
        assert (answered.verdict, answered.is_untaken) == (Verdict.RETRY, True)


@pytest.mark.parametrize("behaviour", ["cut_header", "random", "huge_header", "close_at_once", "status_999"])
def test_broken_answer_is_tried_again(hostile: HostileServer, behaviour: str) -> None:
    url = f"http://127.0.0.1:{hostile.listen(behaviour)}/"
    answered = WebhookNotifier().send({"url": url}, write(DOWN), REACH)
    assert answered.verdict is Verdict.RETRY
    assert answered.sentence


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("17", 17.0), ("0", 0.0), ("999999999999", 3600.0), ("Thu, 01 Jan 2026 00:00:00 GMT", 0.0), ("soon", None)],
)
def test_receiver_says_when_to_come_back(hostile: HostileServer, asked: str, seconds: float | None) -> None:
    answered = send(Receiver(hostile, say("429 Too Many Requests", f"Retry-After: {asked}")))
    assert answered == Answer(Verdict.RETRY, "It answered with HTTP 429.", seconds, is_untaken=True)


@pytest.mark.parametrize("status", ["401 No", "403 No", "410 Gone"])
def test_refusal_that_will_stay_is_final_and_names_the_cure(hostile: HostileServer, status: str) -> None:
    answered = send(Receiver(hostile, say(status)))
    assert answered.verdict is Verdict.REFUSED
    assert answered.sentence.startswith(f"Webhook refused it (HTTP {status[:3]}); ")
    assert "enter" in answered.sentence


def test_redirect_to_a_refused_address_is_not_followed(hostile: HostileServer) -> None:
    target = Receiver(hostile)
    receiver = Receiver(hostile, say("307 Elsewhere", f"Location: http://127.0.0.2:{target.port}/"))
    rules = AddressRules(AddressMode.PRIVATE, allow=("127.0.0.1/32",))
    answered = send(receiver, Reach(rules, 5.0))
    assert answered == Answer(
        Verdict.REFUSED,
        "It redirects (HTTP 307), and messages do not follow; enter the address that it leads to.",
    )
    assert hostile.accepted[target.port] == 0


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other"])
def test_redirect_that_loses_the_message_is_refused(hostile: HostileServer, status: str) -> None:
    receiver = Receiver(hostile, say(status, "Location: /next"), OK)
    assert send(receiver).verdict is Verdict.REFUSED
    assert len(receiver.told) == 1


def test_redirect_on_the_same_origin_is_followed_with_the_message(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, say("308 Slash", "Location: /hook/"), OK)
    assert send(receiver).verdict is Verdict.SENT
    first, second = receiver.told
    assert (second.path, second.body, second.headers["webhook-id"]) == ("/hook/", first.body, ID)


def test_redirects_in_a_circle_end(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, say("307 Round", "Location: /again"))
    assert send(receiver).verdict is Verdict.REFUSED
    assert len(receiver.told) == 3


def test_refused_address_is_not_connected_to(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    answered = send(receiver, STRICT)
    assert answered == Answer(
        Verdict.REFUSED,
        "The address policy does not allow sending to its address (loopback); allow the address, or enter another.",
    )
    assert hostile.accepted[receiver.port] == 0


def test_name_is_judged_by_what_it_resolves_to(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    url = f"http://localhost:{receiver.port}/"
    assert WebhookNotifier().send({"url": url}, write(DOWN), STRICT).verdict is Verdict.REFUSED
    assert hostile.accepted[receiver.port] == 0


def test_rules_that_cannot_be_read_are_said(hostile: HostileServer) -> None:
    answered = send(Receiver(hostile), Reach(AddressRules(allow=("10.0.0.1/8",)), 5.0))
    assert answered.verdict is Verdict.REFUSED
    assert "10.0.0.1/8" in answered.sentence


def test_secrets_that_come_back_are_hidden(hostile: HostileServer) -> None:
    said = say("500 Echo", "Content-Type: text/plain", body="you said Bearer s3cr3t-t0ken-of-ours and more")
    answered = send(Receiver(hostile, said), headers="Authorization: Bearer s3cr3t-t0ken-of-ours")
    assert "s3cr3t" not in answered.sentence
    assert answered.sentence.startswith("It answered with HTTP 500: you said ")


def test_many_messages_at_once_are_all_sent(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    assert {send(receiver).verdict for _ in range(20)} == {Verdict.SENT}
    assert len(receiver.told) == 20


def test_address_that_is_permitted_is_taken_beside_one_that_is_refused(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    rules = AddressRules(AddressMode.PRIVATE, allow=("127.0.0.1/32",))
    url = f"http://localhost:{receiver.port}/"
    assert WebhookNotifier().send({"url": url}, write(DOWN), Reach(rules, 5.0)).verdict is Verdict.SENT


def test_waiting_for_our_own_turn_is_not_said_of_the_receiver(hostile: HostileServer) -> None:
    receiver = Receiver(hostile, _stall)
    calls = [Call(receiver.url, b"{}")] * (MAX_AT_ONCE + 1)
    answers = [str(each) for each in ask_all(calls, SOON)]
    assert Counter(answers) == {
        "It did not answer within 0.5 s.": MAX_AT_ONCE,
        "Too many messages were on their way to its address; it waited for its turn in vain.": 1,
    }
