"""What a person may say about an HTTP check, refused early: every refusal names the field and the cure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import httpx

from healthcheck.engine import trust
from healthcheck.engine.probes.http_redirects import BODY_HEADERS, HARMLESS_HEADERS
from healthcheck.engine.probes.option_values import (
    check_authority,
    check_host,
    check_spelling,
    has_surrogate,
    parse_ca_pem,
    parse_count,
    parse_family,
    parse_verify,
    refuse_address,
    refuse_unknown,
)
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import AddressFamily, ConfigurationError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_ADDRESS_LENGTH = 2_000
MAX_REQUEST_HEADERS = 50
MAX_REQUEST_HEADER_LENGTH = 8 * 1024
MAX_REQUEST_BODY_BYTES = 256 * 1024
MAX_REDIRECTS = 10
# Shorter values, such as `1` or `en`, are no secrets, and evidence would be full of holes.
MIN_SECRET_CHARS = 6
MAX_BODY_BYTES = 32 * 1024 * 1024

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f]")
_VALUE_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# They say where a message ends and whose connection it is, which only the transport knows.
_OUR_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """A checked configuration. `max_redirects` 0 means that a redirect is itself the answer. Sizes are in bytes."""

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: str = field(default="", repr=False)
    verify: str = trust.ON
    ca_pem: str = field(default="", repr=False)
    family: AddressFamily = AddressFamily.ANY
    max_redirects: int = 5
    max_body_bytes: int = 2 * 1024 * 1024

    @property
    def tls(self) -> TlsSettings:
        """Whom the check trusts. The one place that makes it, as it is the key under which contexts are shared."""
        return TlsSettings(self.verify, self.ca_pem, alpn=("http/1.1",))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a person may have set in confidence: the body, the values of headers that are not harmless, and their
        last word, which is what stands behind `Bearer`."""
        values = [value for name, value in self.headers if name.lower() not in HARMLESS_HEADERS | BODY_HEADERS]
        words = [value.rsplit(" ", 1)[-1] for value in values]
        # It names whoever asks, and some put a key into it. It is sent on, as every agent's name is, and not quoted.
        agents = [value for name, value in self.headers if name.lower() == "user-agent"]
        return tuple(text for text in (*values, *words, *agents, self.body) if len(text) >= MIN_SECRET_CHARS)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `parse` makes the same options."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "headers": [list(pair) for pair in self.headers], "family": self.family.value}


def parse_options(address: str, options: Mapping[str, Any]) -> HttpOptions:
    """Return the typed options. Raises ConfigurationError for the address as for any option."""
    parse_address(address)
    refuse_unknown("http", options, (each.name for each in fields(HttpOptions)))
    given: dict[str, Any] = {name: _PARSERS[name](value) for name, value in options.items()}
    parsed = HttpOptions(**given)
    if parsed.body and parsed.method == "HEAD":
        raise ConfigurationError("A HEAD request has no body; empty it or choose POST.", field="body")
    check_authority(parsed.tls)
    return parsed


# Every run parses its targets' addresses anew; the same few thousand come again and again.
@lru_cache(maxsize=4096)
def parse_address(address: str) -> httpx.URL:
    """Return the URL. Raises ConfigurationError unless it is http or https with a host, and without a password."""
    text = address.strip()
    if len(text) > MAX_ADDRESS_LENGTH:
        raise refuse_address(f"The address is longer than {MAX_ADDRESS_LENGTH} characters; shorten it.")
    if _CONTROL.search(text):
        raise refuse_address("The address holds a space or a control character; remove it, or write a space as %20.")
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() not in {"http", "https"} or text[scheme.end() :][:2] != "//":
        raise refuse_address("The address must start with http:// or https://; add it.")
    authority = re.split(r"[/?#]", text[scheme.end() + 2 :], maxsplit=1)[0]
    if "@" in authority:
        raise refuse_address("Authentication is not supported in the address yet; remove user:password@.")
    check_spelling(authority)
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise refuse_address("The address is not a valid URL; check its host and port.") from error
    check_host(url.raw_host.decode("ascii"))
    if url.port is not None and not 1 <= url.port <= 65535:
        raise refuse_address("The port must lie between 1 and 65535; correct it.")
    return url


def _parse_method(value: Any) -> str:
    if value not in METHODS:
        raise ConfigurationError(f"The method must be one of {', '.join(METHODS)}; choose one.", field="method")
    return str(value)


def parse_headers(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, Sequence) or isinstance(pairs, str):
        raise ConfigurationError(
            "The headers must be a list of names and values; write them as pairs.", field="headers"
        )
    if len(pairs) > MAX_REQUEST_HEADERS:
        raise ConfigurationError(f"There are more than {MAX_REQUEST_HEADERS} headers; remove some.", field="headers")
    return tuple(_parse_header(pair) for pair in pairs)


def _parse_header(pair: Any) -> tuple[str, str]:
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(each, str) for each in pair):
        raise ConfigurationError("Each header must be a pair of a name and a value; write both.", field="headers")
    name, value = pair
    if not _TOKEN.fullmatch(name):
        raise ConfigurationError("A header's name must be letters, digits and hyphens; correct it.", field="headers")
    if name.lower() in _OUR_HEADERS:
        raise ConfigurationError(f"The header {name} is set by the checker itself; remove it.", field="headers")
    if _VALUE_CONTROL.search(value) or has_surrogate(value):
        raise ConfigurationError(
            f"The value of {name[:50]} holds a line break or another control character; remove it.", field="headers"
        )
    if len(name) + len(value) > MAX_REQUEST_HEADER_LENGTH:
        raise ConfigurationError(
            f"The header {name[:50]} is longer than {MAX_REQUEST_HEADER_LENGTH} characters; shorten it.",
            field="headers",
        )
    return name, value.strip(" \t")


def _parse_body(value: Any) -> str:
    if not isinstance(value, str) or has_surrogate(value):
        raise ConfigurationError("The body must be text; correct it.", field="body")
    if len(value.encode()) > MAX_REQUEST_BODY_BYTES:
        raise ConfigurationError(f"The body is larger than {MAX_REQUEST_BODY_BYTES} bytes; shorten it.", field="body")
    return value


def _parse_max_redirects(value: Any) -> int:
    return parse_count(value, 0, MAX_REDIRECTS, field="max_redirects")


def _parse_max_body_bytes(value: Any) -> int:
    return parse_count(value, 1, MAX_BODY_BYTES, field="max_body_bytes")


_PARSERS = {
    "method": _parse_method,
    "headers": parse_headers,
    "body": _parse_body,
    "verify": parse_verify,
    "ca_pem": parse_ca_pem,
    "family": parse_family,
    "max_redirects": _parse_max_redirects,
    "max_body_bytes": _parse_max_body_bytes,
}
