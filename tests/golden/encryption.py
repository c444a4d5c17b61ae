"""The golden table: what can be wrong with a handshake and with a certificate."""

from __future__ import annotations

import asyncio

from healthcheck.engine.types import ErrorKind, Phase
from tests.golden.case import ALERTING, Case, Door, Golden, is_down, is_up
from tests.hostile import Behaviour

TLS, CERTIFICATE, TIMEOUT, CONNECTION = ErrorKind.TLS, ErrorKind.CERTIFICATE, ErrorKind.TIMEOUT, ErrorKind.CONNECTION


def secured(certificate: str, behaviour: str = "good") -> tuple[Door, ...]:
    return (Door(behaviour, 443, certificate),)


def alerting(certificate: str) -> tuple[Door, ...]:
    """Say why the handshake failed, as real servers do."""
    return (Door(ALERTING, 443, certificate),)


def plain(behaviour: str | Behaviour) -> tuple[Door, ...]:
    """Without TLS where TLS is expected."""
    return (Door(behaviour, 443),)


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.close()


def is_distrusted(words: str) -> Golden:
    return is_down(CERTIFICATE, Phase.TLS, words)


def fails(words: str) -> Golden:
    return is_down(TLS, Phase.TLS, words)


CHAINS = [
    Case("tls-good", "has a good certificate", is_up(), secured("good")),
    Case("tls-chain", "sends the chain that is needed", is_up(), secured("with intermediate")),
    Case("tls-expired", "has an expired certificate", is_distrusted("certificate has expired"), secured("expired")),
    Case("tls-early", "has one of tomorrow", is_distrusted("certificate is not yet valid"), secured("early")),
    Case("tls-other-host", "has one of another host", is_distrusted("Hostname mismatch"), secured("another host")),
    Case("tls-self-signed", "signs its own", is_distrusted("self-signed certificate"), secured("self-signed")),
    Case(
        "tls-intermediate",
        "leaves out the intermediate",
        is_distrusted("unable to get local issuer certificate"),
        secured("without intermediate"),
    ),
    Case(
        "tls-unknown-authority",
        "has one of an authority that nobody trusts",
        is_distrusted("unable to get local issuer certificate"),
        secured("good"),
        trusts=False,
    ),
    Case(
        "tls-short-key", "has a key of 1,024 bits", is_distrusted("EE certificate key too weak"), secured("short key")
    ),
    Case(
        "tls-sha-1",
        "has a signature of SHA-1",
        is_distrusted("CA signature digest algorithm too weak"),
        secured("SHA-1"),
    ),
    Case("tls-huge-chain", "sends a chain of 1 MB", fails("EXCESSIVE_MESSAGE_SIZE"), secured("huge chain")),
    Case("tls-unverified", "is not to be verified", is_up(), secured("self-signed"), options={"verify": "off"}),
]

HANDSHAKES = [
    Case("tls-1-0", "speaks TLS 1.0 alone", fails("TLSV1_ALERT_PROTOCOL_VERSION"), alerting("old version")),
    Case("tls-stall", "never answers the handshake", is_down(TIMEOUT, Phase.TLS, "no end within"), plain("silent")),
    Case(
        "tls-drip", "shakes hands byte by byte", is_down(TIMEOUT, Phase.TLS, "no end within"), plain("handshake_drip")
    ),
    Case("tls-plain", "speaks HTTP where TLS is expected", fails("WRONG_VERSION_NUMBER"), plain("answer_anything")),
    # What it said may arrive before our first byte or after it.
    Case("tls-banner", "greets before the handshake", fails(""), plain("greet_unasked")),
    Case("tls-hang-up", "hangs up in the handshake", is_down(CONNECTION, Phase.TLS, ""), plain(_hang_up)),
    Case("tls-client-1-2", "demands a certificate of us", fails("HANDSHAKE_FAILURE"), alerting("demands, TLS 1.2")),
    Case(
        "tls-client-1-3", "demands one after the handshake", fails("CERTIFICATE_REQUIRED"), alerting("demands, TLS 1.3")
    ),
    Case("tls-no-goodbye", "closes without a goodbye", is_up(), secured("good", "answer_and_vanish")),
    Case(
        "tls-cut",
        "cuts its body without a goodbye",
        is_down(CONNECTION, Phase.BODY, "closed in the middle of the body"),
        secured("good", "cut_body"),
    ),
]

CASES = [*CHAINS, *HANDSHAKES]
