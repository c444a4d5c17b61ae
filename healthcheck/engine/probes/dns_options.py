"""What a person may say about a DNS check: a name, a type of record, a server. Refusals name field and cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import dns.reversename

from healthcheck.engine import trust
from healthcheck.engine.destination import Destination
from healthcheck.engine.dns.data import read_type
from healthcheck.engine.dns.message import Question, write_name
from healthcheck.engine.dns.servers import MAX_TEXT_CHARS, DnsProtocol, NameServer, is_ip_address, read_server
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.option_values import (
    check_authority,
    check_host,
    check_spelling,
    parse_ca_pem,
    parse_family,
    parse_server_name,
    parse_verify,
    refuse_address,
    refuse_unknown,
)
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import AddressFamily, ConfigurationError

SCHEME = "dns"
MAX_NAME_CHARS, MAX_SERVER_CHARS = 253, MAX_TEXT_CHARS
# What is asked for most; any other is taken as well.
RECORD_TYPES = (
    *("A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "SRV", "CAA", "PTR"),
    *("DS", "DNSKEY", "TLSA", "HTTPS", "SVCB", "NAPTR", "SSHFP", "ANY"),
)
# What stands in zones beside host names: underscores, wildcards, and the slash of RFC 2317.
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?|\*|[0-9]{1,3}/[0-9]{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsOptions:
    """A checked configuration. An empty server stands for the system's; the trust is for a server behind tls://."""

    record_type: str = "A"
    server: str = ""
    is_iterative: bool = False
    verify: str = trust.ON
    ca_pem: str = field(default="", repr=False)
    server_name: str = ""
    family: AddressFamily = AddressFamily.ANY

    @property
    def tls(self) -> TlsSettings:
        return TlsSettings(self.verify, self.ca_pem)

    def find_server(self) -> NameServer | None:
        """Return the server that a person named; None for the system's."""
        return read_server(self.server) if self.server else None

    def locate(self, server: NameServer) -> Destination:
        """Return where to connect to, and whether TLS begins at once."""
        tls = self.tls if server.protocol is DnsProtocol.TLS else None
        return Destination(server.host, server.port, self.family, tls, server_name=self.server_name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `parse` makes the same options."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"family": self.family.value}


def parse_dns_options(options: Mapping[str, Any]) -> DnsOptions:
    """Return the typed options. Raises ConfigurationError."""
    refuse_unknown(SCHEME, options, _PARSERS)
    parsed = DnsOptions(**{name: _PARSERS[name](value) for name, value in options.items()})
    check_authority(parsed.tls)
    return parsed


@lru_cache(maxsize=4096)
def parse_question(address: str, record_type: str, is_iterative: bool) -> Question:
    """Return what is asked. Raises ConfigurationError for an address that is no name."""
    number = read_type(record_type)
    if number is None:
        raise _refuse_type()
    return Question(write_name(parse_name(address, record_type)), number, is_recursive=not is_iterative)


def parse_name(address: str, record_type: str) -> str:
    """Return the name of `dns://name` in ASCII, without its last dot; the scheme may be left out.

    Raises ConfigurationError that names the cure.
    """
    text = address.strip()
    text = text[len(SCHEME) + 3 :] if text.lower().startswith(f"{SCHEME}://") else text
    bare = text.removeprefix("[").removesuffix("]")
    if is_ip_address(bare):
        if record_type != "PTR":
            raise refuse_address("An address has a name alone; choose the record type PTR, or write a name.")
        return str(dns.reversename.from_address(bare)).removesuffix(".")
    name = text if text.isascii() else _spell_in_ascii(text)
    if name == ".":
        return name
    name = name.removesuffix(".")
    if len(name) > MAX_NAME_CHARS or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise refuse_address("The address is a name alone, such as dns://example.com; the server has its own field.")
    return name


def _spell_in_ascii(text: str) -> str:
    # The same rules as for hosts everywhere.
    return parse_address(f"http://{text}/").raw_host.decode("ascii")


def _refuse_type() -> ConfigurationError:
    return ConfigurationError(
        "The record type is not known; write one such as A, AAAA, MX or TXT, or TYPE and its number.",
        field="record_type",
    )


def _parse_record_type(value: Any) -> str:
    text = value.strip().upper() if isinstance(value, str) else ""
    if len(text) > 20 or read_type(text) is None:
        raise _refuse_type()
    return text


def _parse_server(value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError("The server must be text; correct it.", field="server")
    text = value.strip()
    if text:
        check_server(text, field="server")
    return text


def check_server(text: str, *, field: str) -> NameServer:
    """Return the server. Raises ConfigurationError for what is none, at the named field."""
    server = read_server(text)
    try:
        if server is not None:
            check_spelling(server.host if ":" not in server.host else "::")
            check_host(server.host)
            return server
    except ConfigurationError:
        pass
    raise ConfigurationError(
        "The server is a name or an address; write it like 192.0.2.1, [2001:db8::1]:53 or tls://dns.example.com.",
        field=field,
    )


def _parse_is_iterative(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError("is_iterative must be true or false; choose one.", field="is_iterative")
    return value


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "record_type": _parse_record_type,
    "server": _parse_server,
    "is_iterative": _parse_is_iterative,
    "verify": parse_verify,
    "ca_pem": parse_ca_pem,
    "server_name": parse_server_name,
    "family": parse_family,
}
