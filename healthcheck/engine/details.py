"""What a check can tell beyond its outcome, for who asks: each request as sent, each answer, TLS and the chain.

Collected only on demand and never stored. Secrets are hidden here, before anything leaves the engine.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from healthcheck.engine.decoding import decode_text
from healthcheck.engine.masking import mask_answer_header, mask_named_values, mask_request_header, mask_url
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.types import AssertionOutcome, Certificate, Observation, SubResult

# Enough to recognise a page or an error message; the rest is the target's own business.
EXCERPT_BYTES = 4096
# Of a header's value, several times what is shown in the end: looking for secrets in 64 KiB would hold up the loop.
VALUE_BYTES = 4096
_TEXT_TYPES = ("text/", "json", "xml", "javascript", "x-www-form-urlencoded", "yaml", "graphql")
# More than this of what cannot be read, and it is no text.
_UNREADABLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What a connection agreed on."""

    version: str
    cipher: str
    alpn: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of a check and what came back, secrets hidden. `status` is None when no answer came."""

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body_size: int = 0
    host: str = ""
    port: int = 0
    address: str = ""
    tls: TlsFacts | None = None
    protocol: str = ""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """What one attempt saw.

    `observation` is there when it was answered: the whole of it, and the one thing in here that hides nothing.
    """

    exchanges: tuple[Exchange, ...] = ()
    chain: tuple[Certificate, ...] = ()
    assertions: tuple[AssertionOutcome, ...] = ()
    # All of them, also where the whole is up; the other facts are those of the part that tells most.
    parts: tuple[SubResult, ...] = ()
    excerpt: str = ""
    observation: Observation | None = field(default=None, repr=False)
    # Knows what must not be shown of the observation.
    redactor: Redactor = field(default=Redactor(()), repr=False, compare=False)


class Trace:
    """Collects the exchanges of one attempt as they happen, so that a failure has them too."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        # What we made up ourselves, and is no secret however it looks.
        self.known: tuple[str, ...] = ()

    def note_request(self, exchange: Exchange) -> None:
        """Note a request that is about to be sent, with its true header values and address."""
        headers = tuple((name, mask_request_header(name, value)) for name, value in exchange.request_headers)
        self.exchanges.append(replace(exchange, url=mask_url(exchange.url, known=self.known), request_headers=headers))

    def note_address(self, address: str) -> None:
        """Note where the last request went, or tried to go."""
        if self.exchanges and not self.exchanges[-1].address:
            self.exchanges[-1] = replace(self.exchanges[-1], address=address)

    def note_answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], *, protocol: str, tls: TlsFacts | None
    ) -> None:
        """Note what came back for the last request."""
        texts = ((name.decode("latin-1"), value[:VALUE_BYTES].decode("latin-1")) for name, value in headers)
        shown = tuple((name, mask_answer_header(name, value)) for name, value in texts)
        self.exchanges[-1] = replace(self.exchanges[-1], status=status, headers=shown, protocol=protocol, tls=tls)


def read_tls(ssl_object: ssl.SSLObject | None) -> TlsFacts | None:
    """Return what TLS agreed on, or None for a plain connection."""
    if ssl_object is None:
        return None
    cipher = ssl_object.cipher()
    return TlsFacts(
        version=ssl_object.version() or "",
        cipher=cipher[0] if cipher else "",
        alpn=ssl_object.selected_alpn_protocol() or "",
    )


def read_excerpt(observation: Observation) -> str:
    """Return the beginning of a body that is text, with what stands beside a secret's name hidden; else empty."""
    body = observation.body or b""
    content_type = next((value.lower() for name, value in observation.headers if name.lower() == "content-type"), "")
    if not body or (content_type and not any(each in content_type for each in _TEXT_TYPES)):
        return ""
    text = decode_text(body[:EXCERPT_BYTES], observation.charset)
    if len(body) > EXCERPT_BYTES:
        # The cut may have gone through a character.
        text = text.rstrip("\N{REPLACEMENT CHARACTER}")
    unreadable = sum(not (each.isprintable() or each in "\r\n\t") for each in text) + text.count("\ufffd")
    return "" if unreadable > len(text) * _UNREADABLE_SHARE else mask_named_values(text)
