"""The TLS probe: a handshake with whatever is there, and the facts of what was presented."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trustme

from healthcheck.engine.assertions import judge, parse_assertions
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import ErrorKind, Phase, State
from tests.engine.conftest import Attempt, Run, serve_with
from tests.hostile import Behaviour, HostileServer, hang_up


def attempt(port: int, authority: trustme.CA, **options: object) -> Attempt:
    trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    return Attempt(f"tls://localhost:{port}", trust | options, kind="tls")


def test_handshake_tells_what_was_presented(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    issuer = authority.create_child_ca()
    port = hostile.listen("silent", tls=serve_with(issuer.issue_cert("localhost", common_name="shop")))
    seen = run(attempt(port, authority).observe())
    assert (seen.status, seen.protocol, seen.address) == (None, "TLSv1.3", "127.0.0.1")
    assert seen.read_chain is not None
    leaf, _issuer = seen.read_chain()
    assert leaf.subject.startswith("CN=shop")
    assert (leaf.key_type, leaf.key_bits, leaf.signature) == ("ec", 256, "sha256")
    wanted = 'protocol one of "TLSv1.3", "TLSv1.2"\ncertificate subject contains "shop"\ncertificate chain > 1 days'
    wanted += '\nprotocol >= "TLSv1.2"\ncertificate key_type == "ec" or certificate key_bits >= 2048'
    assert judge(parse_assertions(wanted), seen, now=datetime.now(UTC)).verdict is State.UP


def test_server_name_is_asked_for_and_verified(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    port = hostile.listen("silent", tls=serve_with(authority.issue_cert("shop.test")))
    assert run(attempt(port, authority, server_name="shop.test").observe()).certificate
    failure = run(attempt(port, authority).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CERTIFICATE, Phase.TLS)
    assert failure.certificate is not None


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [(hang_up, ErrorKind.CONNECTION), ("greet_unasked", ErrorKind.TLS), ("silent", ErrorKind.TIMEOUT)],
    ids=["hangs up", "greets", "silent"],
)
def test_what_does_not_shake_hands_is_named(
    hostile: HostileServer, run: Run, *, behaviour: str | Behaviour, kind: ErrorKind
) -> None:
    probe = Attempt(f"tls://127.0.0.1:{hostile.listen(behaviour)}", timeout=0.5, kind="tls")
    assert run(probe.fail()).kind is kind


def test_port_is_that_of_https_unless_one_is_written() -> None:
    assert load_probe("tls").parse("tls://example.com", {}).verify == "on"
    assert load_probe("tls").parse("example.com", {}).verify == "on"
