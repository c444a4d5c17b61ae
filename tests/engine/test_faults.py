"""Every kind of failure has a verdict and a sentence; every error of the socket layer has a name."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from healthcheck.engine.faults import OUR_ERRNOS, SENTENCES, VERDICTS, classify_os_error
from healthcheck.engine.types import ErrorKind, Phase, State


def test_every_kind_has_a_verdict_and_a_sentence() -> None:
    assert set(VERDICTS) == set(SENTENCES) == set(ErrorKind)


def test_only_our_own_faults_are_unknown() -> None:
    ours = {kind for kind, verdict in VERDICTS.items() if verdict is State.UNKNOWN}
    assert ours == {
        ErrorKind.BLOCKED,
        ErrorKind.CAPACITY,
        ErrorKind.INTERNAL,
        ErrorKind.CREDENTIAL,
        ErrorKind.SILENT,
        ErrorKind.AWAY,
        ErrorKind.NO_DATA,
        ErrorKind.UPLINK,
        ErrorKind.OTHER,
    }


@pytest.mark.parametrize("code", sorted(OUR_ERRNOS))
def test_what_our_host_lacks_is_capacity(code: int) -> None:
    assert classify_os_error(OSError(code, ""), Phase.CONNECT).kind == ErrorKind.CAPACITY


@pytest.mark.parametrize(
    ("error", "kind", "phase"),
    [
        (OSError(errno.ECONNREFUSED, ""), ErrorKind.REFUSED, Phase.CONNECT),
        (OSError(errno.ETIMEDOUT, ""), ErrorKind.TIMEOUT, Phase.CONNECT),
        (OSError(errno.EHOSTUNREACH, ""), ErrorKind.CONNECTION, Phase.CONNECT),
        (OSError(errno.ECONNRESET, ""), ErrorKind.CONNECTION, Phase.CONNECT),
        (ConnectionAbortedError(), ErrorKind.CONNECTION, Phase.CONNECT),
        (OSError("without a number"), ErrorKind.CONNECTION, Phase.CONNECT),
        (OSError(99_999, ""), ErrorKind.CONNECTION, Phase.CONNECT),
        (socket.gaierror(socket.EAI_FAIL, ""), ErrorKind.CONNECTION, Phase.CONNECT),
        (ssl.SSLError(1, ""), ErrorKind.TLS, Phase.TLS),
        (ssl.SSLCertVerificationError(1, ""), ErrorKind.CERTIFICATE, Phase.TLS),
    ],
)
def test_classify_os_error_is_total(error: OSError, kind: ErrorKind, phase: Phase) -> None:
    failure = classify_os_error(error, Phase.CONNECT)
    assert (failure.kind, failure.phase) == (kind, phase)
    assert failure.found
