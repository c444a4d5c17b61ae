"""TLS: what is accepted, what is refused and by which name, and the facts of the certificate in either case."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
import trustme

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.http_options import parse_options
from healthcheck.engine.trust import (
    MAX_CONTEXTS,
    MAX_PEM_CHARS,
    Contexts,
    TlsSettings,
    find_context,
    load_context,
    read_certificate,
)
from healthcheck.engine.types import ConfigurationError, ErrorKind, Limits, Phase
from tests.engine.conftest import LAPTOP, Attempt, Run, serve_with
from tests.hostile import HostileServer, hang_up, redirect_to

PAST = dt.datetime(2001, 2, 3, tzinfo=dt.UTC)
FUTURE = dt.datetime(2101, 2, 3, tzinfo=dt.UTC)


def trusting(authority: trustme.CA) -> dict[str, str]:
    return {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}


def test_trust_accepts_a_good_certificate_and_tells_its_facts(
    hostile: HostileServer, authority: trustme.CA, run: Run
) -> None:
    leaf = authority.issue_cert("localhost", common_name="shop", not_before=PAST, not_after=FUTURE)
    port = hostile.listen("good", tls=serve_with(leaf))
    seen = run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).observe())
    assert seen.body == b"hello"
    assert seen.phases.tls_us > 0
    assert seen.certificate is not None
    assert seen.certificate.subject.startswith("CN=shop")
    assert (seen.certificate.not_before, seen.certificate.not_after) == (PAST, FUTURE)


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        ({"identities": ("elsewhere.test",)}, "Hostname mismatch"),
        ({"identities": ("localhost",), "not_after": PAST}, "certificate has expired"),
        ({"identities": ("localhost",), "not_before": FUTURE}, "certificate is not yet valid"),
    ],
)
def test_trust_refuses_a_bad_certificate_and_tells_its_facts(
    issue: dict[str, object], reason: str, hostile: HostileServer, authority: trustme.CA, run: Run
) -> None:
    dates = {name: value for name, value in issue.items() if name != "identities"}
    identities = issue["identities"]
    assert isinstance(identities, tuple)
    leaf = authority.issue_cert(*identities, **dates)  # type: ignore[arg-type]
    port = hostile.listen("good", tls=serve_with(leaf))
    failure = run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CERTIFICATE, Phase.TLS)
    assert reason in failure.found
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    assert failure.certificate == read_certificate(der)
    assert failure.chain == (failure.certificate,)


def test_trust_reads_the_whole_chain_also_after_the_connection_is_closed(
    hostile: HostileServer, authority: trustme.CA, run: Run
) -> None:
    intermediate = authority.create_child_ca()
    leaf = intermediate.issue_cert("localhost")
    port = hostile.listen("good", tls=serve_with(leaf))
    seen = run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).observe())
    ders = [ssl.PEM_cert_to_DER_cert(pem.bytes().decode()) for pem in leaf.cert_chain_pems]
    assert len(ders) == 2
    assert seen.read_chain() == tuple(read_certificate(der) for der in ders)
    failure = run(Attempt(f"https://localhost:{port}/").fail())
    assert failure.chain == tuple(read_certificate(der) for der in ders)


def test_trust_refuses_an_unknown_authority(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    failure = run(Attempt(f"https://localhost:{port}/").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CERTIFICATE, Phase.TLS)


def test_trust_off_accepts_an_unknown_authority(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("elsewhere.test")))
    seen = run(Attempt(f"https://localhost:{port}/", options={"verify": "off"}).observe())
    assert seen.certificate is not None


def test_trust_accepts_a_leaf_as_its_own_anchor(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    leaf = authority.issue_cert("localhost")
    port = hostile.listen("good", tls=serve_with(leaf))
    options = {"verify": "custom", "ca_pem": leaf.cert_chain_pems[0].bytes().decode()}
    assert run(Attempt(f"https://localhost:{port}/", options=options).observe()).status == 200


def test_trust_accepts_an_address_that_the_certificate_names(
    hostile: HostileServer, authority: trustme.CA, run: Run
) -> None:
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("127.0.0.1")))
    assert run(Attempt(f"https://127.0.0.1:{port}/", options=trusting(authority)).observe()).status == 200


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("silent", ErrorKind.TIMEOUT),
        ("handshake_drip", ErrorKind.TIMEOUT),
        ("greet_unasked", ErrorKind.TLS),
        ("answer_anything", ErrorKind.TLS),
    ],
)
def test_trust_names_a_peer_that_speaks_no_tls(
    behaviour: str, kind: ErrorKind, hostile: HostileServer, run: Run
) -> None:
    failure = run(Attempt(f"https://localhost:{hostile.listen(behaviour)}/", timeout=0.5).fail())
    assert (failure.kind, failure.phase) == (kind, Phase.TLS)


@contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[int]:
    """A blocking server that refuses one handshake with an alert, which asyncio's never sends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            plain.settimeout(5)
            with (
                plain,
                suppress(OSError),
                context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as peer,
            ):
                with suppress(ssl.SSLError):
                    peer.do_handshake()
                # Closing with unread data would reset the connection before the alert is read.
                while socket.socket.recv(peer, 1024):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(timeout=5)


def test_trust_names_a_server_that_demands_a_client_certificate(authority: trustme.CA, run: Run) -> None:
    context = serve_with(authority.issue_cert("localhost"))
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with refusing(context) as port:
        failure = run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.TLS, Phase.TLS)
    assert "CERTIFICATE_REQUIRED" in failure.found


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_trust_refuses_an_obsolete_protocol(authority: trustme.CA, run: Run) -> None:
    context = serve_with(authority.issue_cert("localhost"))
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with refusing(context) as port:
        failure = run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.TLS, Phase.TLS)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
def test_trust_speaks_an_obsolete_protocol_where_it_is_told_to(
    hostile: HostileServer, authority: trustme.CA, run: Run
) -> None:
    context = serve_with(authority.issue_cert("localhost"))
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    port = hostile.listen("silent", tls=context)
    options = trusting(authority) | {"tls_min": "1.0"}
    assert run(Attempt(f"localhost:{port}", options=options, kind="tls").observe()).protocol == "TLSv1"


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ({}, "TLSv1.3"),
        ({"tls_max": "1.2"}, "TLSv1.2"),
        ({"tls_min": "1.2", "tls_max": "1.2"}, "TLSv1.2"),
        ({"tls_min": "1.3"}, "TLSv1.3"),
    ],
)
def test_trust_speaks_the_versions_it_is_told(
    options: dict[str, str], version: str, authority: trustme.CA, hostile: HostileServer, run: Run
) -> None:
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    attempt = Attempt(f"localhost:{port}", options=trusting(authority) | options, kind="tls")
    assert run(attempt.observe()).protocol == version
    assert run(replace(attempt, url=f"https://localhost:{port}/", kind="http").observe()).status == 200


@pytest.mark.parametrize("url", ["https://localhost:{}/", "tls://localhost:{}"])
def test_trust_speaks_no_version_below_the_lowest(url: str, authority: trustme.CA, run: Run) -> None:
    context = serve_with(authority.issue_cert("localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    kind = "tls" if url.startswith("tls") else "http"
    with refusing(context) as port:
        failure = run(Attempt(url.format(port), options=trusting(authority) | {"tls_min": "1.3"}, kind=kind).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.TLS, Phase.TLS)


def test_trust_asks_for_another_name(authority: trustme.CA, hostile: HostileServer, run: Run) -> None:
    asked: list[str | None] = []
    context = serve_with(authority.issue_cert("shop.test"))
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    url = f"https://127.0.0.1:{hostile.listen('echo', tls=context)}/"
    options = trusting(authority) | {"server_name": "shop.test"}
    assert run(Attempt(url, options=options).observe()).body.startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert asked == ["shop.test"]
    assert run(Attempt(url, options=trusting(authority)).fail()).kind is ErrorKind.CERTIFICATE


def test_trust_asks_elsewhere_for_the_name_of_the_place(
    authority: trustme.CA, hostile: HostileServer, run: Run
) -> None:
    there = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    context = serve_with(authority.issue_cert("shop.test"))
    url = f"https://127.0.0.1:{hostile.listen(redirect_to(f'https://localhost:{there}/'), tls=context)}/"
    options = trusting(authority) | {"server_name": "shop.test", "host": "shop.test"}
    assert run(Attempt(url, options=options).observe()).body == b"hello"


@pytest.mark.parametrize("behaviour", ["answer_and_vanish", "until_close", "chunked"])
def test_trust_forgives_a_missing_goodbye_after_a_whole_answer(
    behaviour: str, hostile: HostileServer, authority: trustme.CA, run: Run
) -> None:
    port = hostile.listen(behaviour, tls=serve_with(authority.issue_cert("localhost")))
    assert run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).observe()).status == 200


def test_trust_names_a_body_that_is_cut_under_tls(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    port = hostile.listen("cut_body", tls=serve_with(authority.issue_cert("localhost")))
    failure = run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CONNECTION, Phase.BODY)


def test_trust_builds_one_context_per_setting() -> None:
    assert load_context(TlsSettings()) is load_context(TlsSettings())


def test_trust_is_built_when_the_options_are_read(hostile: HostileServer, run: Run) -> None:
    authority = trustme.CA()
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    options = parse_options(f"https://localhost:{port}/", trusting(authority))
    built = find_context(options.tls)
    assert built is not None
    assert run(Attempt(f"https://localhost:{port}/", options=trusting(authority)).observe()).status == 200
    contexts = [find_context(replace(options.tls, alpn=alpn)) for alpn in ((), ("http/1.1",))]
    assert contexts == [None, built]


def test_trust_that_is_not_there_is_built_outside_the_latency(hostile: HostileServer, run: Run) -> None:
    authority = trustme.CA()
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    settings = TlsSettings("custom", authority.cert_pem.bytes().decode())

    async def dial() -> float:
        loop = asyncio.get_running_loop()
        dialer = get_dialer(Limits(5.0, address_rules=LAPTOP))
        async with asyncio.timeout_at(loop.time() + 5.0) as deadline:
            session = CheckSession(dialer, deadline, loop.time() + 5.0)
            connection = await dialer.dial(session, Destination("localhost", port, tls=settings), asyncio.Protocol())
            connection.close()
            # The transport under the encrypted one closes in a step of its own.
            await asyncio.sleep(0)
        return session.stopwatch.waited

    assert find_context(settings) is None
    assert run(dial()) > 0.0
    assert find_context(settings) is not None
    assert run(dial()) == 0.0


def test_trust_names_a_peer_that_hangs_up_before_the_handshake(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen(hang_up)
    # Of its own, so that it is built while the peer goes.
    settings = TlsSettings("custom", trustme.CA().cert_pem.bytes().decode())

    async def dial() -> None:
        loop = asyncio.get_running_loop()
        dialer = get_dialer(Limits(5.0, address_rules=LAPTOP))
        async with asyncio.timeout_at(loop.time() + 5.0) as deadline:
            session = CheckSession(dialer, deadline, loop.time() + 5.0)
            await dialer.dial(session, Destination("localhost", port, tls=settings), asyncio.Protocol())

    with pytest.raises(ProbeFailure) as caught:
        run(dial())
    assert (caught.value.kind, caught.value.phase) == (ErrorKind.CONNECTION, Phase.TLS)


def test_trust_forgets_the_oldest_beyond_its_bounds(authority: trustme.CA) -> None:
    contexts, pem = Contexts(), authority.cert_pem.bytes().decode()
    many = [TlsSettings("off", alpn=(str(number),)) for number in range(MAX_CONTEXTS + 1)]
    for settings in many:
        contexts.load(settings)
    assert [contexts.find(settings) is None for settings in many] == [True] + [False] * MAX_CONTEXTS
    # What stands around a certificate in the text is kept with it as well.
    large = [TlsSettings("custom", pem + "\n" * (MAX_PEM_CHARS // 2 + number)) for number in range(2)]
    for settings in large:
        contexts.load(settings)
    assert [contexts.find(settings) is None for settings in large] == [True, False]


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_trust_refuses_an_authority_that_is_none(pem: str) -> None:
    with pytest.raises(ConfigurationError, match="PEM form") as caught:
        load_context(TlsSettings("custom", pem))
    assert caught.value.field == "ca_pem"


def test_trust_reads_no_facts_from_garbage() -> None:
    assert read_certificate(b"garbage") is None
