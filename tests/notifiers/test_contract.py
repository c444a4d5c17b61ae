"""What every kind of channel is held to, against a real receiver of its own on loopback."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers import NOTIFIERS, load_notifier
from healthcheck.notifiers.contract import Notifier, Verdict
from tests.hostile import HostileServer
from tests.notifiers.mail_server import run_mail_server
from tests.notifiers.messages import DOWN, HOSTILE, RESOLVED, TEST, write, write_largest
from tests.notifiers.push_browser import CONTACT, PushBrowser, open_push_service
from tests.notifiers.receiver import OK, REACH, STRICT, Receiver, Script, say

KINDS = [
    pytest.param(kind, marks=pytest.mark.skipif(kind == "apprise" and not find_spec("apprise"), reason="no Apprise"))
    for kind in sorted(NOTIFIERS)
]
OVER_HTTP = sorted(set(NOTIFIERS) - {"email", "apprise"})
BROWSER = PushBrowser()
SECRET = "s3cr3tPartOfTheChannel0000000abc"

# What a channel of the kind is set up with, but for where it sends to.
VALUES: dict[str, dict[str, str]] = {
    "email": {"security": "plain", "sender": "checks@example.test", "recipients": "ops@example.test"},
    "webhook": {"headers": f"Authorization: Bearer {SECRET}"},
    "slack": {},
    "teams": {},
    "discord": {},
    "telegram": {"token": f"123456:{SECRET}", "chat": "-1001234"},
    "pagerduty": {"routing_key": SECRET},
    "opsgenie": {"api_key": SECRET},
    "ntfy": {"topic": SECRET, "token": f"tk_{SECRET}"},
    "webpush": {"contact": CONTACT},
    "apprise": {},
}
# Where the address itself is the secret.
SECRET_PATHS = {"slack", "teams", "discord", "apprise"}
ALWAYS_REFUSED = {300, 302, 401, 403}


@dataclass(frozen=True)
class Sink:
    """A receiver of a kind: what to set a channel up with, and the texts that arrived."""

    values: dict[str, str]
    read: Callable[[], list[str]]


@contextmanager
def open_sink(kind: str, server: HostileServer, *scripts: Script) -> Iterator[Sink]:
    if kind == "email":
        with run_mail_server() as mailbox:
            where = {"host": "127.0.0.1", "port": str(mailbox.port)}
            yield Sink({**VALUES[kind], **where}, lambda: [*list_parts(mailbox.mails)])
        return
    if kind == "webpush":
        service = open_push_service(server, *scripts)
        yield Sink(BROWSER.fill_in(service, f"/push/{SECRET}"), lambda: [*map(BROWSER.read_text, service.told)])
        return
    receiver = Receiver(server, *scripts)
    path = f"/{SECRET}" if kind in SECRET_PATHS else ""
    url = receiver.url.replace("http:", "json:") if kind == "apprise" else receiver.url
    yield Sink({**VALUES[kind], "url": url + path}, lambda: [told.body.decode() for told in receiver.told])


def list_parts(mails: list[EmailMessage]) -> Iterator[str]:
    """Every part of every mail, as a mail program reads it."""
    for mail in mails:
        yield from (str(part.get_content()).replace("\r\n", "\n") for part in mail.iter_parts())


def list_texts(document: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for value in document.values():
            yield from list_texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from list_texts(value)


def test_every_kind_is_held_to_it() -> None:
    assert sorted(VALUES) == sorted(NOTIFIERS)


@pytest.mark.parametrize("kind", KINDS)
def test_kind_is_what_the_registry_calls_it(kind: str) -> None:
    notifier = load_notifier(kind)
    names = [field.name for field in notifier.fields]
    assert notifier.kind == kind
    assert len(kind) <= 20
    assert len(set(names)) == len(names)
    assert all(field.label for field in notifier.fields)


def test_unknown_kind_names_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match="There is no channel of the kind 'pigeon'; choose one of email, "):
        load_notifier("pigeon")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message", [write(DOWN), write(RESOLVED), write(TEST), write(DOWN, RESOLVED, left_off=3)])
def test_message_arrives(kind: str, message: Any, hostile: HostileServer) -> None:
    with open_sink(kind, hostile) as sink:
        load_notifier(kind).refuse(sink.values)
        answered = load_notifier(kind).send(sink.values, message, REACH)
        assert answered.verdict is Verdict.SENT
        assert message.items[0].title[:30] in "".join(sink.read()).replace("\\\\", "")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message", [write(HOSTILE), write_largest()])
def test_hostile_text_arrives_printable_and_bounded(kind: str, message: Any, hostile: HostileServer) -> None:
    with open_sink(kind, hostile) as sink:
        assert load_notifier(kind).send(sink.values, message, REACH).verdict is Verdict.SENT
        for body in sink.read():
            assert len(body) < 300_000
            texts = [body] if kind == "email" else [*list_texts(json.loads(body))]
            unseen = {"Cf", "Cs", "Co", "Cn", "Cc", "Zl", "Zp"}
            found = {character for text in texts for character in text if unicodedata.category(character) in unseen}
            assert found <= {"\n"}
            assert "javascript:" not in body


@pytest.mark.parametrize("kind", KINDS)
def test_second_try_says_the_same(kind: str, hostile: HostileServer) -> None:
    with open_sink(kind, hostile) as sink:
        for _ in range(2):
            load_notifier(kind).send(sink.values, write(DOWN), REACH)
        arrived = sink.read()
        assert arrived[: len(arrived) // 2] == arrived[len(arrived) // 2 :]
        assert len(arrived) > 1


@pytest.mark.parametrize("kind", OVER_HTTP)
@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 405, 408, 410, 413, 422, 429, 451, 500, 503, 599])
def test_every_status_has_an_answer_in_a_sentence(kind: str, status: int, hostile: HostileServer) -> None:
    body = f'{{"description": ["{SECRET}"], "error": "{SECRET} \\u202e", "parameters": 5}}'
    with open_sink(kind, hostile, say(f"{status} Status", "Content-Type: application/json", body=body)) as sink:
        answered = load_notifier(kind).send(sink.values, write(DOWN, RESOLVED), REACH)
    assert answered.verdict is not Verdict.SENT
    # What 400, 404 and 410 mean is each service's own.
    if status in ALWAYS_REFUSED:
        assert answered.verdict is Verdict.REFUSED
    elif status not in {400, 404, 410}:
        assert answered.verdict is Verdict.RETRY
    assert str(status) in answered.sentence
    assert answered.sentence.isprintable()
    assert SECRET not in answered.sentence


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_are_in_no_log(kind: str, hostile: HostileServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with open_sink(kind, hostile, say("500 Oh"), OK) as sink:
        for _ in range(2):
            load_notifier(kind).send(sink.values, write(DOWN), REACH)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("kind", OVER_HTTP)
def test_secret_that_is_cut_off_is_not_shown_in_part(kind: str, hostile: HostileServer) -> None:
    for padding in range(80, 125):
        said = say("500 Oh", "Content-Type: text/plain", body="x" * padding + SECRET)
        with open_sink(kind, hostile, said) as sink:
            sentence = load_notifier(kind).send(sink.values, write(DOWN), REACH).sentence
        assert SECRET[:6] not in sentence


@pytest.mark.parametrize("kind", KINDS)
def test_address_that_the_policy_refuses_is_refused(kind: str, hostile: HostileServer) -> None:
    with open_sink(kind, hostile) as sink:
        answered = load_notifier(kind).send(sink.values, write(DOWN), STRICT)
        assert answered.verdict is Verdict.REFUSED
        assert "address policy" in answered.sentence
        assert sink.read() == []


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_are_refused_at_their_field(kind: str, hostile: HostileServer) -> None:
    notifier = load_notifier(kind)
    with open_sink(kind, hostile) as sink:
        for field in notifier.fields:
            if field.is_required and not field.default:
                with pytest.raises(ConfigurationError) as caught:
                    notifier.refuse({**sink.values, field.name: "  "})
                assert (caught.value.field, caught.value.sentence) == (
                    field.name,
                    f"{field.label} is missing; enter it.",
                )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", ["a\r\nb: c", "a\x00b", "a\u202eb", "a\ud800b", "x" * 300_000])
def test_text_that_no_field_takes_is_refused_at_its_field(kind: str, wrong: str, hostile: HostileServer) -> None:
    notifier = load_notifier(kind)
    with open_sink(kind, hostile) as sink:
        for field in notifier.fields:
            with pytest.raises(ConfigurationError) as caught:
                notifier.refuse({**sink.values, field.name: wrong})
            assert caught.value.field in {field.name, "password", "security"}
            assert caught.value.sentence.endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_without_any_value_it_is_refused_and_not_raised(kind: str) -> None:
    answered = load_notifier(kind).send({}, write(DOWN), REACH)
    assert answered.verdict is Verdict.REFUSED
    assert answered.sentence.endswith("is missing; enter it.")


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_whatever_is_entered_is_taken_or_refused(kind: str, data: st.DataObject) -> None:
    notifier = load_notifier(kind)
    values = {field.name: data.draw(st.text(max_size=40)) for field in notifier.fields}
    chosen = {**values, **{name: value for name, value in VALUES[kind].items() if data.draw(st.booleans())}}
    assert find_refused_field(notifier, chosen) in {"", *(field.name for field in notifier.fields)}


def find_refused_field(notifier: Notifier, values: dict[str, str]) -> str:
    """Return the field that is refused; empty where none is."""
    try:
        notifier.refuse(values)
    except ConfigurationError as error:
        return error.field or "none was named"
    return ""
