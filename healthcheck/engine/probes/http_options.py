"""What a person may say about an HTTP check, refused early: every refusal names the field and the cure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

import httpx

from healthcheck.engine import trust
from healthcheck.engine.probes.address_rule import FIRST, parse_rule
from healthcheck.engine.probes.http_placeholders import Fresh, has_placeholder
from healthcheck.engine.probes.http_secrets import list_secrets
from healthcheck.engine.probes.http_values import (
    CONTENT_TYPES,
    TEXT,
    Pairs,
    check_body,
    encode_body,
    parse_body,
    parse_body_type,
    parse_headers,
    parse_method,
    parse_query,
)
from healthcheck.engine.probes.option_values import (
    check_host,
    check_spelling,
    check_tls,
    parse_ca_pem,
    parse_count,
    parse_family,
    parse_resolver,
    parse_server_name,
    parse_tls_max,
    parse_tls_min,
    parse_verify,
    refuse_address,
    refuse_unknown,
)
from healthcheck.engine.proxy import Proxy
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import AddressFamily, ConfigurationError

MAX_ADDRESS_LENGTH = 2_000
MAX_REDIRECTS = 10
ANYWHERE, SAME_HOST = REDIRECT_SCOPES = ("anywhere", "same_host")
MAX_BODY_BYTES = 32 * 1024 * 1024

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BODILESS = frozenset({"HEAD", "TRACE"})


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """A checked configuration. `max_redirects` 0 means that a redirect is itself the answer. Sizes are in bytes.

    `server_name` is asked for in TLS and `host` in the header of that name, both at the origin of the address alone;
    empty for the address's own.
    """

    method: str = "GET"
    query: Pairs = field(default=(), repr=False)
    headers: Pairs = field(default=(), repr=False)
    body: str = field(default="", repr=False)
    body_type: str = TEXT
    verify: str = trust.ON
    ca_pem: str = field(default="", repr=False)
    tls_min: str = ""
    tls_max: str = ""
    server_name: str = ""
    host: str = ""
    family: AddressFamily = AddressFamily.ANY
    addresses: str = FIRST
    resolver: str = ""
    proxy: str = ""
    max_redirects: int = 5
    redirect_scope: str = ANYWHERE
    max_body_bytes: int = 2 * 1024 * 1024

    @property
    def tls(self) -> TlsSettings:
        """Whom the check trusts. The one place that makes it, as it is the key under which contexts are shared."""
        return TlsSettings(
            self.verify, self.ca_pem, alpn=("http/1.1",), min_version=self.tls_min, max_version=self.tls_max
        )

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return encode_body(self.body, self.body_type) if self.body else b""

    @property
    def sent_headers(self) -> Pairs:
        """The headers of the person, and what the type of the body says."""
        content_type = CONTENT_TYPES[self.body_type]
        return (*self.headers, ("Content-Type", content_type)) if content_type else self.headers

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a person may have set in confidence."""
        return list_secrets(headers=self.headers, query=self.query, body=self.body, body_type=self.body_type)

    def has_placeholder(self, address: str) -> bool:
        """Whether something in the address or in these options is to be filled."""
        values = (value for pairs in (self.query, self.headers) for _, value in pairs)
        return has_placeholder((address, self.body, *values))

    def fill(self, fresh: Fresh) -> HttpOptions:
        """Return the options with their placeholders filled."""
        return replace(
            self,
            query=fresh.fill_pairs(self.query),
            headers=fresh.fill_pairs(self.headers),
            body=fresh.fill(self.body),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `parse` makes the same options."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        pairs = {name: [list(pair) for pair in values[name]] for name in ("query", "headers")}
        return {**values, **pairs, "family": self.family.value}


def parse_options(address: str, options: Mapping[str, Any]) -> HttpOptions:
    """Return the typed options. Raises ConfigurationError for the address as for any option."""
    url = parse_address(address)
    refuse_unknown("http", options, (each.name for each in fields(HttpOptions)))
    given: dict[str, Any] = {name: _PARSERS[name](value) for name, value in options.items()}
    parsed = HttpOptions(**given)
    if parsed.has_placeholder(address):
        # What is sent is what has to be right, and it may be longer.
        fresh = Fresh()
        parse_address(fresh.fill(address))
        filled = parsed.fill(fresh)
        parse_body(filled.body)
        _check_request(filled)
    else:
        _check_request(parsed)
    check_tls(parsed.tls)
    if parsed.server_name and url.scheme != "https":
        raise ConfigurationError(
            "A server name is asked for in TLS alone; empty it, or begin the address with https.", field="server_name"
        )
    if parsed.proxy:
        _check_proxy(parsed, url)
    return parsed


def _check_proxy(parsed: HttpOptions, url: httpx.URL) -> None:
    if parsed.addresses != FIRST:
        raise ConfigurationError(
            "Which address of the name is asked is up to the proxy; let the check ask the first one that answers, or "
            "empty the proxy.",
            field="addresses",
        )
    if parsed.host and url.scheme == "http":
        raise ConfigurationError(
            "Over plain http a proxy goes by the address and drops another host; empty it, or empty the proxy.",
            field="host",
        )


def _check_request(parsed: HttpOptions) -> None:
    if parsed.body and parsed.method in _BODILESS:
        raise ConfigurationError(f"A {parsed.method} request has no body; empty it or choose POST.", field="body")
    if parsed.body_type == TEXT:
        return
    if parsed.method in _BODILESS:
        raise ConfigurationError(f"A {parsed.method} request has no body; choose the type text.", field="body_type")
    if any(name.lower() == "content-type" for name, _ in parsed.headers):
        raise ConfigurationError(
            "The header Content-Type is set by the type of the body; remove it, or choose the type text.",
            field="headers",
        )
    check_body(parsed.body, parsed.body_type)


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


def _parse_host(value: Any) -> str:
    """Return a name or an address, with a port where one is written, as the header says it."""
    if not isinstance(value, str):
        raise ConfigurationError("The host must be text; correct it.", field="host")
    text = value.strip()
    if not text:
        return ""
    try:
        if any(mark in text for mark in "/?#@"):
            raise refuse_address("It is a URL.")
        return parse_address(f"http://{text}").netloc.decode("ascii")
    except ConfigurationError:
        raise ConfigurationError(
            "The host is a name, and a port where it needs one; write it like example.com or example.com:8080.",
            field="host",
        ) from None


def _parse_proxy(value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError("The proxy must be text; correct it.", field="proxy")
    text = value.strip()
    try:
        find_proxy(text)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"The proxy is written like http://proxy.example.com:3128. {error.sentence}", field="proxy"
        ) from None
    return text


@lru_cache(maxsize=256)
def find_proxy(text: str) -> Proxy | None:
    """Return the proxy of a checked option; None for none."""
    if not text:
        return None
    url = parse_address(text)
    if url.scheme != "http" or url.raw_path != b"/" or url.fragment or text.endswith(("?", "#")):
        raise refuse_address("It has a host and a port, and nothing behind them; it is spoken to over plain http.")
    return Proxy(url.raw_host.decode("ascii"), url.port or 80)


def _parse_redirect_scope(value: Any) -> str:
    if value not in REDIRECT_SCOPES:
        raise ConfigurationError(
            f"Redirects are followed {ANYWHERE} or on the {SAME_HOST}; choose one of these words.",
            field="redirect_scope",
        )
    return str(value)


def _parse_max_redirects(value: Any) -> int:
    return parse_count(value, 0, MAX_REDIRECTS, field="max_redirects")


def _parse_max_body_bytes(value: Any) -> int:
    return parse_count(value, 1, MAX_BODY_BYTES, field="max_body_bytes")


_PARSERS = {
    "method": parse_method,
    "query": parse_query,
    "headers": parse_headers,
    "body": parse_body,
    "body_type": parse_body_type,
    "verify": parse_verify,
    "ca_pem": parse_ca_pem,
    "tls_min": parse_tls_min,
    "tls_max": parse_tls_max,
    "server_name": parse_server_name,
    "host": _parse_host,
    "family": parse_family,
    "addresses": parse_rule,
    "resolver": parse_resolver,
    "proxy": _parse_proxy,
    "max_redirects": _parse_max_redirects,
    "redirect_scope": _parse_redirect_scope,
    "max_body_bytes": _parse_max_body_bytes,
}


def spell_host(url: httpx.URL) -> str:
    """Return the host as people write it, or in ASCII: names exist that today's IDNA refuses, such as emoji."""
    try:
        return url.host
    except UnicodeError:
        return url.raw_host.decode("ascii")
