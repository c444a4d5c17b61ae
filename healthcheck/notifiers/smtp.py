"""The one door to mail servers: smtplib over a socket to a pinned address, one deadline, all that is read bounded."""

from __future__ import annotations

import asyncio
import os
import smtplib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from healthcheck.engine.destination import Destination
from healthcheck.engine.faults import ProbeFailure, classify_os_error
from healthcheck.engine.trust import TlsSettings, load_context
from healthcheck.engine.types import Phase
from healthcheck.notifiers.contract import Reach
from healthcheck.notifiers.http import NoReply, explain_failure, find_dialer, open_session, run_on_loop

STARTTLS, IMPLICIT_TLS, PLAIN = SECURITIES = ("starttls", "tls", "plain")
# What a server may say in one dialogue; real ones say two KB.
MAX_REPLY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails go out, and as whom. Without a name nobody logs in."""

    host: str
    port: int
    security: str
    trust: TlsSettings
    username: str = ""
    password: str = field(default="", repr=False)


class _Bounded:
    """What a server says, read up to a limit: an endless reply must not fill the memory until its time is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._file = sock.makefile("rb")
        self._left = MAX_REPLY_BYTES

    def readline(self, limit: int) -> bytes:
        """Return a line; nothing, which is how a dialogue ends, once there is no more to be read."""
        line = self._file.readline(min(limit, self._left))
        self._left -= len(line)
        return line

    def close(self) -> None:
        self._file.close()


class _Dialogue(smtplib.SMTP):
    """smtplib on a socket that is open already."""

    def __init__(self, server: MailServer, sock: socket.socket, *, timeout: float) -> None:
        self._opened = sock
        # Our own address in the place of a name: the library would look one up, for as long as that takes.
        super().__init__(server.host, server.port, local_hostname=_spell_address(sock), timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._opened

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock)
        return super().getreply()


def _spell_address(sock: socket.socket) -> str:
    address = sock.getsockname()[0]
    return f"[IPv6:{address}]" if sock.family == socket.AF_INET6 else f"[{address}]"


class _Deadline:
    """Cuts a connection once its time is over: a timeout of the socket's own begins anew with every byte."""

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        self.has_passed = False

    @property
    def left_seconds(self) -> float:
        # Nought would mean for ever, or not to wait at all.
        return max(0.001, self.ends_at - time.monotonic())

    @contextmanager
    def cut(self, sock: socket.socket) -> Iterator[None]:
        # A handle of its own, as TLS takes over that of the socket.
        guard = socket.socket(fileno=os.dup(sock.fileno()))
        timer = threading.Timer(self.left_seconds, self._pass, [guard])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            guard.close()

    def _pass(self, guard: socket.socket) -> None:
        self.has_passed = True
        with suppress(OSError):
            guard.shutdown(socket.SHUT_RDWR)


def submit_mail(server: MailServer, mail: EmailMessage, recipients: Sequence[str], reach: Reach) -> dict[str, Any]:
    """Submit a mail, and return the recipients that were refused while others were not, with code and text of each.

    Raises NoReply for no answer, and smtplib.SMTPException for one that says no.
    """
    deadline, is_connected = _Deadline(reach.timeout_seconds), False
    try:
        # The loop keeps the deadline while the name is looked up.
        addresses = run_on_loop(_find_addresses(server, reach), reach.timeout_seconds)
        with _connect(addresses, server.port, deadline) as sock, deadline.cut(sock):
            is_connected = True
            return _converse(server, sock, mail, recipients=recipients, deadline=deadline)
    except (OSError, smtplib.SMTPException) as error:
        if deadline.has_passed or isinstance(error, TimeoutError):
            sentence = f"It did not answer within {reach.timeout_seconds:g} s."
            raise NoReply(sentence, is_untaken=not is_connected) from None
        if isinstance(error, smtplib.SMTPServerDisconnected):
            raise NoReply("It ended the connection in the middle of the dialogue.") from None
        if isinstance(error, smtplib.SMTPException):
            raise
        sentence = explain_failure(classify_os_error(error, Phase.CONNECT)).sentence
        raise NoReply(sentence, is_untaken=not is_connected) from None
    except ValueError:
        # A challenge that is no base64, a text that is none: the library reads them as they come.
        raise NoReply("The mail server does not keep to the rules of SMTP.") from None


async def _find_addresses(server: MailServer, reach: Reach) -> list[str]:
    ends_at = asyncio.get_running_loop().time() + reach.timeout_seconds
    try:
        async with asyncio.timeout_at(ends_at) as deadline:
            return await find_dialer(reach).resolve(
                open_session(reach, deadline), Destination(server.host, server.port)
            )
    except TimeoutError:
        raise NoReply(f"Its name was not resolved within {reach.timeout_seconds:g} s.", is_untaken=True) from None
    except ProbeFailure as failure:
        raise explain_failure(failure) from None


def _connect(addresses: Sequence[str], port: int, deadline: _Deadline) -> socket.socket:
    for index, address in enumerate(addresses):
        share = deadline.left_seconds / (len(addresses) - index)
        try:
            sock = socket.create_connection((address, port), timeout=share)
        except OSError:
            if index == len(addresses) - 1:
                raise
        else:
            sock.settimeout(deadline.left_seconds)
            return sock
    raise NoReply("Its name has no address.")


def _converse(
    server: MailServer, sock: socket.socket, mail: EmailMessage, *, recipients: Sequence[str], deadline: _Deadline
) -> dict[str, Any]:
    if server.security == IMPLICIT_TLS:
        sock = load_context(server.trust).wrap_socket(sock, server_hostname=server.host)
    # It takes the socket over, TLS included.
    with closing(sock), closing(_Dialogue(server, sock, timeout=deadline.left_seconds)) as dialogue:
        if server.security == STARTTLS:
            dialogue.starttls(context=load_context(server.trust))
        if server.username:
            dialogue.login(server.username, server.password)
        refused = dialogue.send_message(mail, to_addrs=list(recipients))
        # Taken; a goodbye that is never answered must not undo that.
        with suppress(OSError, smtplib.SMTPException):
            dialogue.putcmd("quit")
        return refused
