"""A real name server on loopback: BIND, with a zone that is well, one that cannot be loaded, and no others."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import trustme

from tests.free_ports import find_free_ports
from tests.web_servers import START_SECONDS, run_child

_NAMED = """
options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  managed-keys-directory "{folder}";
  recursion no;
  max-records-per-type 0;
  dnssec-validation no;
  listen-on port {plain} {{ 127.0.0.1; }};
  listen-on port {encrypted} tls local {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
}};
tls local {{ cert-file "{folder}/server.pem"; key-file "{folder}/server.key"; }};
controls {{ }};
zone "good.example" {{ type primary; file "{folder}/good.zone"; }};
zone "broken.example" {{ type primary; file "{folder}/missing.zone"; }};
zone "2.0.192.in-addr.arpa" {{ type primary; file "{folder}/reverse.zone"; }};
"""
_ZONE = """
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
"""
_GOOD = """
@ IN MX 10 mail
mail IN A 192.0.2.25
@ IN TXT "v=spf1 " "mx -all"
@ IN CAA 0 issue "ca.example"
www 60 IN CNAME web
web IN A 192.0.2.1
web IN A 192.0.2.2
web IN AAAA 2001:db8::1
local IN A 127.0.0.1
_sip._tcp IN SRV 1 2 5060 web
_443._tcp.web IN TLSA 3 1 1 {digest}
web IN HTTPS 1 . alpn=h2
"""


@dataclass(frozen=True)
class NameServerPorts:
    """Where it is asked by UDP and TCP, and where by TLS."""

    plain: int
    encrypted: int


@contextmanager
def run_bind(folder: Path, authority: trustme.CA) -> Iterator[NameServerPorts]:
    """Answer for good.example and 192.0.2.0/24, fail for broken.example, and refuse everything else."""
    plain, encrypted = find_free_ports(2)
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    (folder / "server.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (folder / "server.key").write_bytes(leaf.private_key_pem.bytes())
    digest = hashlib.sha256(leaf.cert_chain_pems[0].bytes()).hexdigest()
    many = "".join(f"many IN A 198.51.100.{number}\n" for number in range(1, 201))
    (folder / "good.zone").write_text(_ZONE + _GOOD.format(digest=digest) + many)
    (folder / "reverse.zone").write_text(_ZONE + "1 IN PTR web.good.example.\n")
    (folder / "named.conf").write_text(_NAMED.format(folder=folder, plain=plain, encrypted=encrypted))
    with run_child("named", ["-g", "-n", "1", "-c", str(folder / "named.conf")], plain):
        _wait_for_zones(plain)
        yield NameServerPorts(plain, encrypted)


def _wait_for_zones(port: int) -> None:
    """It listens before it has loaded its zones."""
    question = dns.message.make_query("good.example", "SOA")
    deadline = time.monotonic() + START_SECONDS
    while dns.query.udp(question, "127.0.0.1", port=port, timeout=START_SECONDS).rcode() != dns.rcode.NOERROR:
        assert time.monotonic() < deadline, "BIND did not load its zone"
        time.sleep(0.02)
