"""What options of every kind are made of: hosts, trust, families, numbers, text. Refusals name field and cure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from healthcheck.engine import trust
from healthcheck.engine.dns.servers import DnsProtocol, NameServer, is_ip_address, read_server
from healthcheck.engine.resolver import is_address, is_name
from healthcheck.engine.types import AddressFamily, ConfigurationError

MAX_CA_BYTES = 256 * 1024

# No name ends in a number (RFC 3696, 2): this is an address in a spelling that programs read differently.
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:0[xX][0-9A-Fa-f]*|[0-9]+)\.?")
# Programs take it for a dot, although no normalisation does.
_IDEOGRAPHIC_STOP = "\u3002"


def refuse_address(sentence: str) -> ConfigurationError:
    """Return the refusal, at the field of the address."""
    return ConfigurationError(sentence, field="address")


def check_no_address(address: str, kind: str) -> None:
    """Raises ConfigurationError for an address of a kind that connects to nothing."""
    if address:
        raise refuse_address(f"A check of the kind {kind} connects to nothing; empty the address.")


def check_spelling(written: str) -> None:
    """Raises ConfigurationError for a host that programs read differently."""
    if unicodedata.normalize("NFKC", written) != written or _IDEOGRAPHIC_STOP in written:
        raise refuse_address("The host holds look-alike characters; write it with ordinary letters, digits and dots.")
    host = written.partition(":")[0]
    if _NUMERIC_HOST.fullmatch(host) and not is_address(host):
        raise refuse_address("The host is a number that programs read differently; write it as four decimal numbers.")


def check_host(host: str) -> None:
    """Raises ConfigurationError for what is neither a name nor an address."""
    if not host:
        raise refuse_address("The address has no host; write it like https://example.com/.")
    if ":" in host and "%" in host:
        raise refuse_address("An address with a zone (after %) cannot be checked; remove the zone.")
    if not is_address(host) and not is_name(host):
        raise refuse_address("The host is not a valid name; between dots it has 1 to 63 letters, digits or hyphens.")


def refuse_unknown(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raises ConfigurationError for an option that the kind has not."""
    unknown = min(set(given) - set(known), default="")[:50]
    if unknown:
        raise ConfigurationError(f"The kind {kind} has no option “{unknown}”; remove it.", field=unknown)


def parse_verify(value: Any) -> str:
    """Return whose certificates are accepted."""
    if value not in (trust.ON, trust.OFF, trust.CUSTOM):
        raise ConfigurationError("The verification must be on, off or custom; choose one.", field="verify")
    return str(value)


def parse_ca_pem(value: Any) -> str:
    """Return PEM text; whether it holds a certificate is seen when a context is made of it."""
    if not isinstance(value, str) or len(value) > MAX_CA_BYTES or not value.isascii():
        raise ConfigurationError(
            f"The authority must be PEM text of at most {MAX_CA_BYTES} bytes; correct it.", field="ca_pem"
        )
    return value


def check_authority(tls: trust.TlsSettings) -> None:
    """Raises ConfigurationError for an authority that is none, and for one that the verification does not use."""
    if tls.verify == trust.CUSTOM:
        trust.load_context(tls)
    elif tls.ca_pem.strip():
        raise ConfigurationError(
            f"The authority is not used while the verification is {tls.verify}; choose custom or remove it.",
            field="ca_pem",
        )


def parse_tls_min(value: Any) -> str:
    """Return the lowest version of TLS that is spoken; empty for what the library chooses."""
    return _parse_version(value, trust.MIN_VERSIONS, field="tls_min")


def parse_tls_max(value: Any) -> str:
    """Return the highest version of TLS that is spoken; empty for what the library chooses."""
    return _parse_version(value, trust.MAX_VERSIONS, field="tls_max")


def _parse_version(value: Any, versions: Sequence[str], *, field: str) -> str:
    if value not in ("", *versions):
        raise ConfigurationError(f"The version of TLS must be {', '.join(versions)} or empty; choose one.", field=field)
    return str(value)


def check_tls(tls: trust.TlsSettings) -> None:
    """Raises ConfigurationError for settings that cannot be used together, or not at all."""
    # As texts they are in the order of the versions.
    if tls.max_version and tls.min_version > tls.max_version:
        raise ConfigurationError(
            f"The lowest version of TLS is above the highest, {tls.max_version}; lower it.", field="tls_min"
        )
    check_authority(tls)


def parse_server_name(value: Any) -> str:
    """Return the name to ask for in TLS; empty for that of the address."""
    if not isinstance(value, str):
        raise ConfigurationError("The server name must be text; correct it.", field="server_name")
    name = value.strip()
    if name:
        try:
            check_spelling(name)
            check_host(name)
        except ConfigurationError:
            raise ConfigurationError(
                "The server name is not a valid name; write it like example.com.", field="server_name"
            ) from None
    return name


def parse_family(value: Any) -> AddressFamily:
    """Return the address family."""
    try:
        return AddressFamily(value)
    except ValueError:
        raise ConfigurationError("The address family must be any, ipv4 or ipv6; choose one.", field="family") from None


def parse_resolver(value: Any) -> str:
    """Return the address of a name server, as it was written, or nothing."""
    if not isinstance(value, str):
        raise ConfigurationError("The resolver must be text; correct it.", field="resolver")
    text = value.strip()
    server = read_server(text) if text else None
    if text and (server is None or server.protocol is not DnsProtocol.UDP or not is_ip_address(server.host)):
        raise ConfigurationError(
            "The resolver is an address, with a port if it is not 53; write it like 192.0.2.1 or [2001:db8::1]:5353.",
            field="resolver",
        )
    return text


def find_resolver(text: str) -> NameServer | None:
    """Return the name server of a checked option; None for the system's way."""
    return read_server(text) if text else None


def parse_count(value: Any, low: int, high: int, *, field: str) -> int:
    """Return a whole number within the bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(f"{field} must be a whole number from {low} to {high}; correct it.", field=field)
    return value


def has_surrogate(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, which nothing can send or store."""
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False
