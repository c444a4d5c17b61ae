"""Where a connection goes, and how."""

from __future__ import annotations

from dataclasses import dataclass

from healthcheck.engine.dns.servers import NameServer
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import AddressFamily


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to, and how. `host` is a name in ASCII, or an address without brackets; without `tls` it stays plain.

    `server_name` is asked for in TLS, and the certificate must be for it; empty for the host. `resolver` is asked for
    the addresses of the host in place of the system. `is_ours`: it stands in this system's own configuration, so that
    the address policy, which is about what people name, does not judge it.
    """

    host: str
    port: int
    family: AddressFamily = AddressFamily.ANY
    tls: TlsSettings | None = None
    server_name: str = ""
    resolver: NameServer | None = None
    is_ours: bool = False
