"""HAProxy on loopback, the balancer in front of much that is checked: with what stands behind it, or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import trustme

from tests.free_ports import find_free_ports
from tests.web_servers import run_child

_CONFIGURATION = """
global
  maxconn 100
defaults
  mode http
  timeout connect 500ms
  timeout client 5s
  timeout server 1s
frontend encrypted
  bind 127.0.0.1:{encrypted} ssl crt {folder}/balancer.pem alpn h2,http/1.1
  default_backend whole
frontend plain
  bind 127.0.0.1:{plain}
  default_backend whole
frontend deserted
  bind 127.0.0.1:{deserted}
  default_backend gone
frontend slow
  bind 127.0.0.1:{slow}
  default_backend silent
backend whole
  server one 127.0.0.1:{behind}
backend gone
  server none 127.0.0.1:{nobody}
backend silent
  server mute 127.0.0.1:{mute}
"""


class Balancer(NamedTuple):
    """Ports of its doors: TLS and plain to what answers, one with nobody behind, one with somebody who is silent."""

    encrypted: int
    plain: int
    deserted: int
    slow: int


@contextmanager
def run_haproxy(folder: Path, authority: trustme.CA, *, behind: int, mute: int) -> Iterator[Balancer]:
    """Stand before two ports, one that answers over HTTP and one that does not."""
    *doors, nobody = find_free_ports(5)
    balancer = Balancer(*doors)
    leaf = authority.issue_cert("localhost")
    (folder / "balancer.pem").write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    text = _CONFIGURATION.format(folder=folder, behind=behind, mute=mute, nobody=nobody, **balancer._asdict())
    (folder / "haproxy.cfg").write_text(text)
    with run_child("haproxy", ["-db", "-f", str(folder / "haproxy.cfg")], balancer.plain):
        yield balancer
