"""Mails to a real server on loopback: plain, TLS, logins, refusals, and servers that hold us up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import trustme

from healthcheck.engine.types import AddressMode, AddressRules, ConfigurationError
from healthcheck.notifiers.contract import Answer, Reach, Verdict
from healthcheck.notifiers.email import EmailNotifier
from tests.engine.conftest import serve_with
from tests.hostile import HostileServer
from tests.notifiers.mail_server import PASSWORD, USERNAME, Mailbox, run_mail_server
from tests.notifiers.messages import DOWN, HOSTILE, ID, RESOLVED, write, write_largest
from tests.notifiers.receiver import REACH, STRICT
from tests.open_sockets import count_sockets, settle_sockets

SOON = replace(REACH, timeout_seconds=0.5)


def write_values(port: int, /, **values: str) -> dict[str, str]:
    plain = {"host": "127.0.0.1", "port": str(port), "security": "plain", "sender": "Checks <checks@example.test>"}
    return {**plain, "recipients": "ops@example.test", **values}


def send(port: int, reach: Reach = REACH, /, **values: str) -> Answer:
    return EmailNotifier().send(write_values(port, **values), write(DOWN), reach)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with run_mail_server() as running:
        yield running


def test_mail_has_text_and_html_of_the_same_words(mailbox: Mailbox) -> None:
    assert send(mailbox.port) == Answer(Verdict.SENT, "Taken for 1 recipient.")
    [mail] = mailbox.mails
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert mail.get_content_type() == "multipart/alternative"
    assert text is not None
    assert page is not None
    for words in ("DOWN: 2 of 20 down: dns, all on example.test", "Shop, Mail", DOWN.acknowledge_url):
        assert words in text.get_content()
        assert words in page.get_content()


def test_headers_say_who_what_and_which(mailbox: Mailbox) -> None:
    send(
        mailbox.port,
        recipients="a@example.test, b@example.test\na@example.test",
        unsubscribe="mailto:leave@example.test",
    )
    [mail], [envelope] = mailbox.mails, mailbox.envelopes
    assert mail["Subject"] == "DOWN: 2 of 20 down: dns, all on example.test"
    assert (mail["From"], mail["To"]) == ("Checks <checks@example.test>", "a@example.test, b@example.test")
    assert mail["Message-ID"] == f"<{ID}@example.test>"
    assert mail["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert mail["List-Unsubscribe"] == "<mailto:leave@example.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (envelope.mail_from, envelope.rcpt_tos) == ("checks@example.test", ["a@example.test", "b@example.test"])


def test_mails_about_one_incident_make_a_thread_and_have_ids_of_their_own(mailbox: Mailbox) -> None:
    send(mailbox.port)
    send(mailbox.port)
    EmailNotifier().send(write_values(mailbox.port), replace(write(RESOLVED), id="another"), REACH)
    first, again, over = mailbox.mails
    assert first["References"] == over["References"] == "<incident7.thread@example.test>"
    assert first["Message-ID"] == again["Message-ID"] != over["Message-ID"]
    assert "List-Unsubscribe" not in first


def test_hostile_names_add_no_header_and_no_markup(mailbox: Mailbox) -> None:
    answered = EmailNotifier().send(write_values(mailbox.port), write(HOSTILE), REACH)
    assert answered.verdict is Verdict.SENT
    [mail], [envelope] = mailbox.mails, mailbox.envelopes
    page = mail.get_body(("html",))
    assert page is not None
    assert envelope.rcpt_tos == ["ops@example.test"]
    assert "Bcc" not in mail
    assert "\n" not in mail["Subject"]
    assert "<script" not in page.get_content()
    assert "javascript:" not in page.get_content()
    assert "\u202e" not in page.get_content()


def test_largest_message_is_taken_with_short_lines(mailbox: Mailbox) -> None:
    assert EmailNotifier().send(write_values(mailbox.port), write_largest(), REACH).verdict is Verdict.SENT
    content = mailbox.envelopes[0].content
    assert isinstance(content, bytes)
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert len(content) < 500_000


def test_starttls_and_login(authority: trustme.CA) -> None:
    trusted = authority.cert_pem.bytes().decode()
    with run_mail_server(starttls=serve_with(authority.issue_cert("127.0.0.1")), wants_login=True) as mailbox:
        login = {"username": USERNAME, "password": PASSWORD, "security": "starttls", "ca_pem": trusted}
        assert send(mailbox.port, **login).verdict is Verdict.SENT
    assert (mailbox.was_encrypted, mailbox.logins) == ([True], [f"{USERNAME}:{PASSWORD}"])


def test_tls_from_the_beginning(authority: trustme.CA) -> None:
    trusted = authority.cert_pem.bytes().decode()
    with run_mail_server(tls=serve_with(authority.issue_cert("127.0.0.1"))) as mailbox:
        assert send(mailbox.port, security="tls", ca_pem=trusted).verdict is Verdict.SENT
    assert mailbox.was_encrypted == [True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_certificate_that_is_not_trusted_gets_nothing(authority: trustme.CA, security: str) -> None:
    context = serve_with(authority.issue_cert("127.0.0.1"))
    with run_mail_server(**{security: context}) as mailbox:  # type: ignore[arg-type]
        answered = send(mailbox.port, security=security, username=USERNAME, password=PASSWORD)
    assert answered.verdict is Verdict.RETRY
    assert answered.sentence.startswith("Its certificate was not accepted; ")
    assert (mailbox.mails, mailbox.logins) == ([], [])


def test_wrong_password_is_refused_and_not_repeated(authority: trustme.CA) -> None:
    trusted = authority.cert_pem.bytes().decode()
    with run_mail_server(starttls=serve_with(authority.issue_cert("127.0.0.1")), wants_login=True) as mailbox:
        login = {"username": USERNAME, "password": "wrong-horse-battery", "security": "starttls", "ca_pem": trusted}
        answered = send(mailbox.port, **login)
    assert answered.verdict is Verdict.REFUSED
    assert "535" in answered.sentence
    assert "enter user name and password anew" in answered.sentence
    assert "wrong-horse" not in answered.sentence


def test_server_without_starttls_gets_nothing(mailbox: Mailbox) -> None:
    answered = send(mailbox.port, security="starttls")
    assert answered.verdict is Verdict.REFUSED
    assert "choose another" in answered.sentence
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("refusals", "verdict", "part"),
    [
        ({"MAIL": "550 No such sender"}, Verdict.REFUSED, "enter a sender that it accepts"),
        ({"MAIL": "451 Later"}, Verdict.RETRY, "451 Later"),
        ({"ops@example.test": "550 No such user"}, Verdict.REFUSED, "ops@example.test: 550 No such user"),
        ({"ops@example.test": "450 Greylisted"}, Verdict.RETRY, "450 Greylisted"),
        ({"DATA": "554 Not wanted"}, Verdict.REFUSED, "554 Not wanted"),
        ({"DATA": "452 Disk full"}, Verdict.RETRY, "452 Disk full"),
    ],
)
def test_refusals_for_good_and_for_now_differ(
    mailbox: Mailbox, refusals: dict[str, str], verdict: Verdict, part: str
) -> None:
    mailbox.refusals = refusals
    answered = send(mailbox.port)
    assert answered.verdict is verdict
    assert part in answered.sentence


def test_some_recipients_refused_are_named_and_the_others_told(mailbox: Mailbox) -> None:
    mailbox.refusals = {"b@example.test": "550 No such user"}
    answered = send(mailbox.port, recipients="a@example.test b@example.test")
    assert answered == Answer(Verdict.SENT, "Taken for 1 of 2 recipients; refused: b@example.test: 550 No such user.")


async def _stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(600):
        writer.write(b"220-x\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _talk_without_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-" + b"x" * 500 + b"\r\n")
        await writer.drain()


async def _stall_after_the_mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    is_data = False
    while line := await reader.readline():
        is_data = (is_data or line == b"data\r\n") and line != b".\r\n"
        if line.lower().startswith(b"quit"):
            await asyncio.sleep(30)
        if not is_data or line == b"data\r\n":
            writer.write(b"354 go on\r\n" if line == b"data\r\n" else b"250 OK\r\n")


async def _challenge_with_rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    while line := await reader.readline():
        writer.write(b"334 abcde\r\n" if line.lower().startswith(b"auth") else b"250-x\r\n250 AUTH CRAM-MD5\r\n")


@pytest.mark.parametrize("behave", [_stall, _drip])
@pytest.mark.parametrize("security", ["plain", "starttls", "tls"])
def test_deadline_is_over_the_whole_dialogue(hostile: HostileServer, behave: object, security: str) -> None:
    port = hostile.listen(behave)  # type: ignore[arg-type]
    before, started = count_sockets(), time.monotonic()
    answered = send(port, SOON, security=security)
    assert answered.verdict is Verdict.RETRY
    assert time.monotonic() - started < 2.0
    assert settle_sockets(before + 1) <= before + 1


def test_stalled_server_is_said_to_be_silent(hostile: HostileServer) -> None:
    assert send(hostile.listen(_stall), SOON).sentence == "It did not answer within 0.5 s."


def test_reply_without_an_end_is_not_read_to_the_deadline(hostile: HostileServer) -> None:
    started = time.monotonic()
    answered = send(hostile.listen(_talk_without_end))
    assert answered.verdict is Verdict.RETRY
    assert time.monotonic() - started < 2.0


def test_goodbye_that_is_not_answered_does_not_undo_what_was_taken(hostile: HostileServer) -> None:
    started = time.monotonic()
    assert send(hostile.listen(_stall_after_the_mail)).verdict is Verdict.SENT
    assert time.monotonic() - started < 2.0


@pytest.mark.parametrize("behaviour", ["good", "random", "ssh_banner", "close_at_once"])
def test_what_is_no_mail_server_is_tried_again(hostile: HostileServer, behaviour: str) -> None:
    assert send(hostile.listen(behaviour), SOON).verdict is Verdict.RETRY


def test_challenge_that_is_rubbish_raises_nothing(hostile: HostileServer, authority: trustme.CA) -> None:
    context = serve_with(authority.issue_cert("127.0.0.1"))
    port = hostile.listen(_challenge_with_rubbish, tls=context)
    trusted = authority.cert_pem.bytes().decode()
    answered = send(port, security="tls", ca_pem=trusted, username=USERNAME, password=PASSWORD)
    assert answered.sentence == "The mail server does not keep to the rules of SMTP."


def test_refused_address_is_not_connected_to(hostile: HostileServer) -> None:
    port = hostile.listen(_stall)
    answered = send(port, STRICT, host="localhost")
    assert answered.verdict is Verdict.REFUSED
    assert "address policy" in answered.sentence
    assert hostile.accepted[port] == 0


def test_address_that_is_permitted_is_taken_beside_one_that_is_refused(mailbox: Mailbox) -> None:
    rules = AddressRules(AddressMode.PRIVATE, allow=("127.0.0.1/32",))
    assert send(mailbox.port, Reach(rules, 5.0), host="localhost").verdict is Verdict.SENT


def test_nobody_listening_is_tried_again(hostile: HostileServer) -> None:
    assert send(1).sentence == "It refused the connection (ECONNREFUSED)."


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"recipients": "nobody"}, "recipients"),
        ({"recipients": "a@example.test\nBcc: b@example.test"}, "recipients"),
        ({"recipients": "a@b@example.test"}, "recipients"),
        ({"recipients": "ä@example.test"}, "recipients"),
        ({"recipients": " ".join(f"a{number}@example.test" for number in range(51))}, "recipients"),
        ({"recipients": "a@" + "b" * 300 + ".test"}, "recipients"),
        ({"sender": "Checks"}, "sender"),
        ({"sender": "Checks <checks@example.test>\r\nBcc: b@example.test"}, "sender"),
        ({"host": "http://mail.example.test"}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "٢٥"}, "port"),
        ({"security": "ssl"}, "security"),
        ({"security": "plain", "username": "u", "password": "secret"}, "security"),
        ({"security": "tls", "username": "u"}, "password"),
        ({"security": "tls", "username": "u", "password": "pä"}, "password"),
        ({"unsubscribe": "javascript:x"}, "unsubscribe"),
        ({"unsubscribe": "https://example.test/>x"}, "unsubscribe"),
        ({"ca_pem": "none"}, "ca_pem"),
    ],
)
def test_wrong_values_are_refused_at_their_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EmailNotifier().refuse(write_values(25, **values))
    assert caught.value.field == field
    assert caught.value.sentence.endswith(".")
