"""E-mail through a mail server of the operator's own."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.probes.option_values import check_host, check_spelling
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Answer, Field, Reach, Verdict
from healthcheck.notifiers.email_text import Envelope, write_mail
from healthcheck.notifiers.field_values import list_secrets, parse_url, read_trust, read_values
from healthcheck.notifiers.http import NoReply
from healthcheck.notifiers.message import Message
from healthcheck.notifiers.smtp import PLAIN, SECURITIES, STARTTLS, MailServer, submit_mail
from healthcheck.notifiers.tidying import tidy_line, tidy_message
from healthcheck.notifiers.webhook import AUTHORITY

MAX_RECIPIENTS = 50
MAX_ADDRESS_CHARS = 254
MAX_NAME_CHARS = 100
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_MAX_SENTENCE_CHARS = 400
_CURES = {
    smtplib.SMTPAuthenticationError: "enter user name and password anew",
    smtplib.SMTPSenderRefused: "enter a sender that it accepts",
}


class EmailNotifier:
    kind = "email"
    label = "E-mail"
    tells_each = False
    fields = (
        Field(
            "recipients",
            gettext_noop("Recipients"),
            gettext_noop("Addresses, one a line; at most 50."),
            is_long=True,
        ),
        Field(
            "sender",
            gettext_noop("Sender"),
            gettext_noop("An address, or Name <address>. The server must let it be used."),
        ),
        Field("host", gettext_noop("Mail server"), gettext_noop("Its name or address.")),
        Field(
            "port", gettext_noop("Port"), gettext_noop("587 for STARTTLS, 465 for TLS, 25 for a relay."), default="587"
        ),
        Field(
            "security",
            gettext_noop("Security"),
            gettext_noop("No password is sent over plain."),
            default=STARTTLS,
            choices=SECURITIES,
        ),
        Field("username", gettext_noop("User name"), gettext_noop("Empty where nobody logs in."), is_required=False),
        Field("password", gettext_noop("Password"), is_secret=True, is_required=False),
        Field(
            "unsubscribe",
            gettext_noop("Unsubscribe link"),
            gettext_noop("For mailing lists: where a recipient leaves it, as https:// or mailto:."),
            is_required=False,
        ),
        AUTHORITY,
    )

    def refuse(self, values: Mapping[str, str]) -> None:
        """Raise ConfigurationError, with the field's name, for what can never be sent with."""
        _read_setup(read_values(self.fields, values))

    def send(self, values: Mapping[str, str], message: Message, reach: Reach) -> Answer:
        """Send one mail to all recipients. Never raises for the server's trouble."""
        try:
            read = read_values(self.fields, values)
            setup = _read_setup(read)
        except ConfigurationError as error:
            return Answer(Verdict.REFUSED, error.sentence)
        mail = write_mail(tidy_message(message), setup.envelope)
        redactor = Redactor(list_secrets(self.fields, read))
        is_untaken = False
        try:
            refused = submit_mail(setup.server, mail, setup.envelope.recipients, reach)
        except (NoReply, smtplib.SMTPException) as error:
            verdict, sentence = _explain(error)
            # Whatever a server answers with a code of its own, it has not taken the mail.
            is_untaken = error.is_untaken if isinstance(error, NoReply) else True
        else:
            verdict, sentence = Verdict.SENT, _describe_taken(refused, len(setup.envelope.recipients))
        return Answer(verdict, tidy_line(redactor.clean(sentence), _MAX_SENTENCE_CHARS), is_untaken=is_untaken)


@dataclass(frozen=True, slots=True)
class _Setup:
    server: MailServer
    envelope: Envelope


def _read_setup(values: Mapping[str, str]) -> _Setup:
    recipients = tuple(dict.fromkeys(re.split(r"[\s,;]+", values["recipients"].strip(" \t\r\n,;"))))
    if len(recipients) > MAX_RECIPIENTS:
        raise ConfigurationError(
            f"There are more than {MAX_RECIPIENTS} recipients; let the mail server keep a list of them.",
            field="recipients",
        )
    for recipient in recipients:
        _check_address(recipient, field="recipients")
    _check_unsubscribe(values["unsubscribe"])
    return _Setup(_read_server(values), Envelope(_read_sender(values["sender"]), recipients, values["unsubscribe"]))


def _check_address(address: str, *, field: str) -> None:
    """Raises ConfigurationError for what is no address, or one that only few servers take."""
    local, _, domain = address.rpartition("@")
    try:
        is_right = len(address) <= MAX_ADDRESS_CHARS and _LOCAL_PART.fullmatch(local) is not None and domain.isascii()
        check_spelling(domain)
        check_host(domain)
    except ConfigurationError:
        is_right = False
    if not is_right:
        raise ConfigurationError(
            f"“{tidy_line(address, 60)}” is not an address; write it like ops@example.com, in ASCII.", field=field
        )


def _read_sender(text: str) -> Address:
    name, address = parseaddr(text)
    # What is no name and address comes back as some part of it.
    _check_address(address or text, field="sender")
    return Address(display_name=tidy_line(name, MAX_NAME_CHARS), addr_spec=address)


def _check_unsubscribe(text: str) -> None:
    if not text:
        return
    if not text.startswith("mailto:"):
        parse_url(text, field="unsubscribe")
    if not text.isascii() or set(text) & set("<> \\"):
        raise ConfigurationError(
            "The unsubscribe link holds a character that no link has; write it as %20 and the like.",
            field="unsubscribe",
        )


def _read_server(values: Mapping[str, str]) -> MailServer:
    host, security = values["host"], values["security"].lower()
    try:
        check_spelling(host)
        check_host(host)
    except ConfigurationError as error:
        raise ConfigurationError(error.sentence, field="host") from None
    if security not in SECURITIES:
        raise ConfigurationError(f"The security is one of {', '.join(SECURITIES)}; choose one.", field="security")
    _check_login(values, security)
    return MailServer(
        host,
        _read_port(values["port"]),
        security,
        read_trust(values["ca_pem"]),
        values["username"],
        values["password"],
    )


def _read_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not 1 <= int(text) <= 65535:
        raise ConfigurationError("The port must lie between 1 and 65535; correct it.", field="port")
    return int(text)


def _check_login(values: Mapping[str, str], security: str) -> None:
    if bool(values["username"]) != bool(values["password"]):
        field, other = ("password", "user name") if values["username"] else ("username", "password")
        raise ConfigurationError(f"There is a {other} alone; enter both, or empty both.", field=field)
    if values["username"] and security == PLAIN:
        raise ConfigurationError(
            "A password would be sent for everybody to read; choose starttls or tls, or empty it.", field="security"
        )
    for field in ("username", "password"):
        if not values[field].isascii():
            raise ConfigurationError("Logins can be sent in ASCII alone; choose another there.", field=field)


def _explain(error: NoReply | smtplib.SMTPException) -> tuple[Verdict, str]:
    """Return what came of a dialogue that ended in an error, and the sentence for people."""
    if isinstance(error, NoReply):
        return (Verdict.REFUSED if error.is_final else Verdict.RETRY), error.sentence
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _explain_recipients(error.recipients)
    if isinstance(error, smtplib.SMTPResponseException):
        return _explain_reply(error)
    return Verdict.REFUSED, "The mail server does not offer this security or a login that we know; choose another."


def _explain_reply(error: smtplib.SMTPResponseException) -> tuple[Verdict, str]:
    said = _describe_reply(error.smtp_code, error.smtp_error)
    if not _is_permanent(error.smtp_code):
        return Verdict.RETRY, f"The mail server cannot take it now ({said})."
    cure = next((cure for kind, cure in _CURES.items() if isinstance(error, kind)), "see what it asks for")
    return Verdict.REFUSED, f"The mail server refused it ({said}); {cure}."


def _explain_recipients(recipients: Mapping[str, tuple[int, bytes]]) -> tuple[Verdict, str]:
    said = _describe_recipients(recipients)
    if all(_is_permanent(code) for code, _ in recipients.values()):
        return Verdict.REFUSED, f"No recipient is accepted ({said}); correct the addresses."
    return Verdict.RETRY, f"No recipient is accepted now ({said})."


def _describe_taken(refused: Mapping[str, Any], count: int) -> str:
    if not refused:
        return f"Taken for {count} {'recipient' if count == 1 else 'recipients'}."
    return f"Taken for {count - len(refused)} of {count} recipients; refused: {_describe_recipients(refused)}."


def _describe_recipients(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    shown = [f"{address}: {_describe_reply(*reply)}" for address, reply in list(recipients.items())[:3]]
    more = len(recipients) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _describe_reply(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {tidy_line(said, 100)}".strip()


def _is_permanent(code: int) -> bool:
    return 500 <= code <= 599
