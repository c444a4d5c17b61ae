"""What every kind over a bare stream is told: a host and a port, whose certificates are accepted, which addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from healthcheck.engine import trust
from healthcheck.engine.destination import Destination
from healthcheck.engine.probes.address_rule import FIRST, parse_rule
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.option_values import (
    check_tls,
    find_resolver,
    parse_ca_pem,
    parse_family,
    parse_resolver,
    parse_server_name,
    parse_tls_max,
    parse_tls_min,
    parse_verify,
    refuse_address,
    refuse_unknown,
)
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import AddressFamily

Options = TypeVar("Options", bound="StreamOptions")


class Place(NamedTuple):
    """A host in ASCII, an address without brackets, and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """`server_name` is asked for in TLS and must stand in the certificate; empty for the host of the address.

    `resolver` is the address of a name server that is asked for that host; empty for the system's way.
    """

    verify: str = trust.ON
    ca_pem: str = field(default="", repr=False)
    tls_min: str = ""
    tls_max: str = ""
    server_name: str = ""
    family: AddressFamily = AddressFamily.ANY
    addresses: str = FIRST
    resolver: str = ""

    @property
    def tls(self) -> TlsSettings:
        return TlsSettings(self.verify, self.ca_pem, min_version=self.tls_min, max_version=self.tls_max)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a person may have set in confidence."""
        return ()

    def locate(self, place: Place, *, is_encrypted: bool) -> Destination:
        """Return where to connect to, and whether TLS begins at once."""
        tls = self.tls if is_encrypted else None
        return Destination(
            place.host,
            place.port,
            self.family,
            tls,
            server_name=self.server_name,
            resolver=find_resolver(self.resolver),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `parse` makes the same options."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"family": self.family.value}


def parse_stream_options(
    options: Mapping[str, Any], made: type[Options], parsers: Mapping[str, Callable[[Any], Any]], *, kind: str
) -> Options:
    """Return the typed options of a kind; `parsers` are those of its own. Raises ConfigurationError."""
    known = {**_PARSERS, **parsers}
    refuse_unknown(kind, options, known)
    parsed = made(**{name: known[name](value) for name, value in options.items()})
    check_tls(parsed.tls)
    return parsed


@lru_cache(maxsize=4096)
def parse_place(address: str, scheme: str, default_port: int | None = None) -> Place:
    """Read `scheme://host:port`; the scheme may be left out. Raises ConfigurationError that names the cure."""
    example = f"{scheme}://example.com:{default_port or 25}"
    authority = address.strip().removeprefix(f"{scheme}://")
    if any(mark in authority for mark in "/?#@"):
        raise refuse_address(f"The address is a host and a port; write it like {example}.")
    # The same rules for hosts as everywhere.
    url = parse_address(f"http://{authority}")
    # The port of the scheme in front of it is no port that somebody wrote.
    port = url.port or (80 if authority.rpartition(":")[2] == "80" else default_port)
    if port is None:
        raise refuse_address(f"The address needs a port; write it like {example}.")
    return Place(url.raw_host.decode("ascii"), port)


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "verify": parse_verify,
    "ca_pem": parse_ca_pem,
    "tls_min": parse_tls_min,
    "tls_max": parse_tls_max,
    "server_name": parse_server_name,
    "family": parse_family,
    "addresses": parse_rule,
    "resolver": parse_resolver,
}
