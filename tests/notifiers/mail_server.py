"""A real mail server on loopback that keeps what it is told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.free_ports import find_free_ports

USERNAME, PASSWORD = "checks", "correct-horse-battery"


@dataclass
class Mailbox:
    """What the server does, and what it was told. Answers are by command, or by recipient."""

    refusals: dict[str, str] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.refusals.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.refusals.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.refusals.get("DATA", "250 Queued")
        assert isinstance(envelope.content, bytes)
        if answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.envelopes.append(envelope)
            transport = server.transport
            assert transport is not None
            self.was_encrypted.append(transport.get_extra_info("sslcontext") is not None)
        return answer

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(f"{data.login.decode()}:{data.password.decode()}")
        return AuthResult(success=self.logins[-1] == f"{USERNAME}:{PASSWORD}", handled=False)


@contextmanager
def run_mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, wants_login: bool = False
) -> Iterator[Mailbox]:
    """Run one; with a context it speaks TLS, after STARTTLS or from the beginning."""
    mailbox = Mailbox()
    [mailbox.port] = find_free_ports(1)
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=mailbox.authenticate,
        auth_required=wants_login,
        auth_require_tls=starttls is not None,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
