"""Failures are values with names: what an error is called, whose fault it is, and the sentence people read."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Mapping

from healthcheck.engine.types import Certificate, ErrorKind, Phase, State

# One table decides whose fault an error is. What is ours gives UNKNOWN: no data, outside the uptime figure.
VERDICTS: Mapping[ErrorKind, State] = {
    ErrorKind.TIMEOUT: State.DOWN,
    ErrorKind.DNS: State.DOWN,
    ErrorKind.REFUSED: State.DOWN,
    ErrorKind.CONNECTION: State.DOWN,
    ErrorKind.TLS: State.DOWN,
    ErrorKind.CERTIFICATE: State.DOWN,
    ErrorKind.REDIRECT: State.DOWN,
    ErrorKind.PROTOCOL: State.DOWN,
    ErrorKind.TOO_LARGE: State.DOWN,
    ErrorKind.STATUS: State.DOWN,
    ErrorKind.ASSERTION: State.DOWN,
    ErrorKind.BLOCKED: State.UNKNOWN,
    ErrorKind.CAPACITY: State.UNKNOWN,
    ErrorKind.INTERNAL: State.UNKNOWN,
    ErrorKind.CREDENTIAL: State.UNKNOWN,
    ErrorKind.MISSED: State.DOWN,
    ErrorKind.FAILED: State.DOWN,
    ErrorKind.SILENT: State.UNKNOWN,
    ErrorKind.AWAY: State.UNKNOWN,
    ErrorKind.MEMBERS: State.DOWN,
    ErrorKind.NO_DATA: State.UNKNOWN,
    ErrorKind.UPLINK: State.UNKNOWN,
    ErrorKind.OTHER: State.UNKNOWN,
}


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translation: the tools that collect them look for this name. It stays English in here."""
    return sentence


# Shown to everyone: no address, no name, nothing that the target said.
SENTENCES: Mapping[ErrorKind, str] = {
    ErrorKind.TIMEOUT: gettext_noop("It did not answer in time."),
    ErrorKind.DNS: gettext_noop("Its name could not be resolved."),
    ErrorKind.REFUSED: gettext_noop("It refused the connection."),
    ErrorKind.CONNECTION: gettext_noop("The connection failed or was cut."),
    ErrorKind.TLS: gettext_noop("The encrypted connection could not be set up."),
    ErrorKind.CERTIFICATE: gettext_noop("Its certificate was not accepted."),
    ErrorKind.REDIRECT: gettext_noop("It redirected to where we cannot follow."),
    ErrorKind.PROTOCOL: gettext_noop("Its answer broke the rules of the protocol."),
    ErrorKind.TOO_LARGE: gettext_noop("Its answer was larger than the limit."),
    ErrorKind.STATUS: gettext_noop("It answered with an unexpected status."),
    ErrorKind.ASSERTION: gettext_noop("Its answer was not what was expected."),
    ErrorKind.BLOCKED: gettext_noop("The address policy does not allow checking it."),
    ErrorKind.CAPACITY: gettext_noop("The checker had no capacity left to check it."),
    ErrorKind.INTERNAL: gettext_noop("The checker itself failed."),
    ErrorKind.CREDENTIAL: gettext_noop("Its credential could not be used."),
    ErrorKind.MISSED: gettext_noop("It did not report in time."),
    ErrorKind.FAILED: gettext_noop("It reported a failure."),
    ErrorKind.SILENT: gettext_noop("It has not reported yet."),
    ErrorKind.AWAY: gettext_noop("The checker was away when it was to report."),
    ErrorKind.MEMBERS: gettext_noop("Endpoints that it consists of are not up."),
    ErrorKind.NO_DATA: gettext_noop("What it is judged by is not known."),
    ErrorKind.UPLINK: gettext_noop("The checker's own network had no way out."),
    ErrorKind.OTHER: gettext_noop("It failed for another reason."),
}

# Errors of the operating system that say something about our host, not about the target.
OUR_ERRNOS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        # A host whose IPv6 was never switched on.
        errno.EAFNOSUPPORT,
    }
)


class ProbeFailure(Exception):  # noqa: N818 - the failure is the target's, not an error of the program
    """A check that failed in a named way. Everything in it is bounded text, for staff only."""

    def __init__(
        self,
        kind: ErrorKind,
        phase: Phase,
        found: str = "",
        *,
        expected: str = "",
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(f"{kind.word} in {phase.word}: {found}")
        self.kind = kind
        self.phase = phase
        self.found = found
        self.expected = expected
        self.certificate = certificate
        # As presented, leaf first, where verification failed.
        self.chain: tuple[Certificate, ...] = ()


def classify_os_error(error: OSError, phase: Phase) -> ProbeFailure:
    """Map an error of the socket layer to its name. Total: what has no name of its own is `CONNECTION`."""
    code = error.errno
    name = errno.errorcode.get(code, str(code)) if code is not None else type(error).__name__
    # The attributes are there only when OpenSSL raised the error, not when Python's own code did.
    if isinstance(error, ssl.SSLCertVerificationError):
        return ProbeFailure(ErrorKind.CERTIFICATE, Phase.TLS, getattr(error, "verify_message", "") or "not accepted")
    if isinstance(error, ssl.SSLError):
        return ProbeFailure(ErrorKind.TLS, Phase.TLS, getattr(error, "reason", "") or "handshake failed")
    if code in OUR_ERRNOS:
        return ProbeFailure(ErrorKind.CAPACITY, phase, name)
    if isinstance(error, ConnectionRefusedError):
        return ProbeFailure(ErrorKind.REFUSED, phase, name)
    if code == errno.ETIMEDOUT:
        return ProbeFailure(ErrorKind.TIMEOUT, phase, name)
    return ProbeFailure(ErrorKind.CONNECTION, phase, name)
