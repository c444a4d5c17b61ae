"""What else Apprise knows: in a process of its own, held to the address policy and to one deadline."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from importlib.machinery import BuiltinImporter
from importlib.util import find_spec

import pytest

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.types import AddressMode, AddressRules, ConfigurationError
from healthcheck.notifiers.apprise import MAX_OUTPUT_CHARS, AppriseNotifier
from healthcheck.notifiers.apprise_run import MAX_LOG_CHARS, Refusals
from healthcheck.notifiers.contract import Answer, Reach, Verdict
from tests.hostile import HostileServer
from tests.notifiers.messages import DOWN, RESOLVED, write
from tests.notifiers.receiver import OK, REACH, Receiver, say

needs_apprise = pytest.mark.skipif(not find_spec("apprise"), reason="no Apprise")
PATIENT = replace(REACH, timeout_seconds=30.0)
SECRET = "s3cr3tPartOfTheChannel"


def send(receiver: Receiver, reach: Reach = PATIENT) -> Answer:
    return AppriseNotifier().send({"url": f"json://127.0.0.1:{receiver.port}/{SECRET}"}, write(DOWN), reach)


@needs_apprise
def test_message_is_sent_with_its_kind(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    assert send(receiver) == Answer(Verdict.SENT, "Taken.")
    AppriseNotifier().send({"url": f"json://127.0.0.1:{receiver.port}/"}, write(RESOLVED), PATIENT)
    first, second = (told.document for told in receiver.told)
    assert first["title"] == "DOWN: 2 of 20 down: dns, all on example.test"
    assert first["message"].startswith("Affected: Shop, Mail\nCause: ")
    assert (first["type"], second["type"]) == ("failure", "success")


@needs_apprise
def test_redirect_to_a_refused_address_is_not_followed(hostile: HostileServer) -> None:
    target = Receiver(hostile)
    receiver = Receiver(hostile, say("307 Elsewhere", f"Location: http://127.0.0.2:{target.port}/"))
    rules = AddressRules(AddressMode.PRIVATE, allow=("127.0.0.1/32",))
    answered = send(receiver, Reach(rules, 30.0))
    assert answered.verdict is Verdict.REFUSED
    assert "address policy does not allow sending to its address (loopback)" in answered.sentence
    assert (len(receiver.told), hostile.accepted[target.port]) == (1, 0)


@needs_apprise
@pytest.mark.parametrize(("status", "verdict"), [("403 No", Verdict.REFUSED), ("503 Later", Verdict.RETRY)])
def test_refusals_for_good_and_for_now_differ(hostile: HostileServer, status: str, verdict: Verdict) -> None:
    answered = send(Receiver(hostile, say(status)))
    assert answered.verdict is verdict
    assert status[:3] in answered.sentence
    assert SECRET not in answered.sentence


@needs_apprise
def test_receiver_that_stalls_is_left_in_time(hostile: HostileServer) -> None:
    async def stall(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    started = time.monotonic()
    answered = send(Receiver(hostile, stall, OK), replace(REACH, timeout_seconds=0.5))
    assert answered == Answer(Verdict.RETRY, "It was not sent within 0.5 s, or Apprise failed.")
    assert time.monotonic() - started < 5.0


@needs_apprise
@pytest.mark.parametrize("url", ["nothing://example.test", "json://", "dbus://", "no URL", "json://a b"])
def test_url_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="Apprise does not understand the URL"):
        AppriseNotifier().refuse({"url": url})


def test_without_apprise_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # As an import system without it answers.
    monkeypatch.setattr(sys, "meta_path", [BuiltinImporter])
    monkeypatch.delitem(sys.modules, "apprise", raising=False)
    answered = AppriseNotifier().send({"url": "json://example.test"}, write(DOWN), REACH)
    assert answered.verdict is Verdict.REFUSED
    assert answered.sentence.startswith("Apprise is not installed here; install it with the extra `apprise`")


def test_hook_lets_pass_what_the_policy_permits_and_nothing_else() -> None:
    refusals = Refusals(AddressPolicy(AddressRules(AddressMode.PRIVATE)))
    refusals("socket.connect", (None, ("10.0.0.1", 443)))
    refusals("socket.getaddrinfo", ("localhost",))
    for event, arguments in (
        ("socket.connect", (None, ("127.0.0.1", 443))),
        ("socket.connect", (None, ("::ffff:127.0.0.1", 443, 0, 0))),
        ("socket.connect", (None, ("localhost", 443))),
        ("socket.connect", (None, "/run/dbus/socket")),
        ("socket.sendto", (None, ("169.254.169.254", 514))),
        ("socket.sendmsg", (None,)),
        ("subprocess.Popen", ("notify-send",)),
        ("os.system", ("true",)),
        ("os.posix_spawn", ("/bin/true",)),
    ):
        with pytest.raises(PermissionError):
            refusals(event, arguments)
    assert refusals.reasons[:4] == ["loopback", "loopback", "not an address", "not an address"]


def test_hook_without_rules_lets_nothing_be_connected_to() -> None:
    with pytest.raises(PermissionError, match="nothing is connected to"):
        Refusals(None)("socket.connect", (None, ("10.0.0.1", 443)))


def test_whatever_it_logs_what_came_of_it_is_read() -> None:
    answer = {"is_understood": True, "is_taken": True, "refused": [], "log": "\N{FIRE}" * MAX_LOG_CHARS}
    assert len(json.dumps(answer)) < MAX_OUTPUT_CHARS
