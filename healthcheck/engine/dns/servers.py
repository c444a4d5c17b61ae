"""Whom to ask, as people write it, and as the system has it in /etc/resolv.conf."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

RESOLV_CONF = Path("/etc/resolv.conf")
# The C library reads no more servers either (resolv.conf(5)), and a file of sensible size has them in its beginning.
MAX_SYSTEM_SERVERS, MAX_CONFIGURATION_BYTES = 3, 64 * 1024
MAX_TEXT_CHARS = 300
DNS_PORT, DNS_OVER_TLS_PORT = 53, 853

_SERVER = re.compile(
    r"(?:(?P<protocol>udp|tcp|tls)://)?(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<host>[^\[\]:/?#@\s]+))(?::(?P<port>\d{1,5}))?",
    re.ASCII | re.IGNORECASE,
)


class DnsProtocol(enum.StrEnum):
    """What a question goes over. By UDP it goes on by TCP where the answer has no room."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class NameServer:
    """A name or an address without brackets, a port, and what it is asked over."""

    host: str
    port: int = DNS_PORT
    protocol: DnsProtocol = DnsProtocol.UDP

    def __str__(self) -> str:
        scheme = "" if self.protocol is DnsProtocol.UDP else f"{self.protocol}://"
        usual = DNS_OVER_TLS_PORT if self.protocol is DnsProtocol.TLS else DNS_PORT
        host = f"[{self.host}]" if ":" in self.host and self.port != usual else self.host
        return f"{scheme}{host}" if self.port == usual else f"{scheme}{host}:{self.port}"


_OWN_HOST = (NameServer("127.0.0.1"),)


@lru_cache(maxsize=1024)
def read_server(text: str) -> NameServer | None:
    """Read `host`, `host:port`, `[address]:port`, each also behind tcp:// or tls://; None for what is none of these."""
    text = text.strip()
    if is_ip_address(text):
        return NameServer(text)
    found = _SERVER.fullmatch(text) if len(text) <= MAX_TEXT_CHARS else None
    if found is None or (found["bracketed"] and not is_ip_address(found["bracketed"])):
        return None
    protocol = DnsProtocol((found["protocol"] or "udp").lower())
    usual = DNS_OVER_TLS_PORT if protocol is DnsProtocol.TLS else DNS_PORT
    port = int(found["port"]) if found["port"] else usual
    return NameServer(found["bracketed"] or found["host"], port, protocol) if 1 <= port <= 65535 else None


def is_ip_address(text: str) -> bool:
    """Whether it is an address, without a zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


class SystemServers:
    """The servers in resolv.conf, read again when the file has changed."""

    def __init__(self, path: Path = RESOLV_CONF) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._servers: tuple[NameServer, ...] = ()

    def read(self) -> tuple[NameServer, ...]:
        """Return them in their order; the own host where none is named, as the C library does. Raises OSError."""
        # A small local file, which costs less than the way to a thread.
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return _OWN_HOST
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            with self._path.open("rb") as file:
                text = file.read(MAX_CONFIGURATION_BYTES).decode("utf-8", "replace")
            self._servers = tuple(_read_name_servers(text))[:MAX_SYSTEM_SERVERS] or _OWN_HOST
            self._stamp = stamp
        return self._servers


def _read_name_servers(text: str) -> Iterator[NameServer]:
    for line in text.splitlines():
        words = line.split()
        # A zone, as in fe80::1%eth0, belongs to the address here: it is not a person's, but the host's.
        if len(words) > 1 and words[0] == "nameserver" and is_ip_address(words[1].partition("%")[0]):
            yield NameServer(words[1])


SYSTEM_SERVERS = SystemServers()
