"""The TCP probe against real sockets: what it says, what it waits for, and what a failure is called."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

import pytest
import trustme

from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import AddressMode, AddressRules, ConfigurationError, ErrorKind, Phase
from tests.engine.conftest import Attempt, Run, serve_with
from tests.free_ports import find_free_ports
from tests.hostile import Behaviour, HostileServer, hang_up, play
from tests.servers import run_valkey


def speak(*lines: str, tls: ssl.SSLContext | None = None) -> Behaviour:
    """Play a server line by line: `> text` says it, `< text` waits for a line and must read it, `tls` encrypts."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            if line == "tls":
                assert tls is not None
                await writer.start_tls(tls)
            elif line.startswith("> "):
                writer.write(line[2:].encode() + b"\r\n")
                await writer.drain()
            else:
                heard = await reader.readline()
                if heard != line[2:].encode() + b"\r\n":
                    return
        await reader.read()

    return behave


def attempt(port: int, dialogue: str = "", **options: object) -> Attempt:
    return Attempt(f"tcp://127.0.0.1:{port}", {"dialogue": dialogue, **options}, kind="tcp")


def test_connection_alone_is_an_answer(hostile: HostileServer, run: Run) -> None:
    seen = run(attempt(hostile.listen("silent")).observe())
    assert (seen.address, seen.status, seen.body, seen.certificate, seen.protocol) == ("127.0.0.1", None, b"", None, "")
    assert seen.latency_us >= seen.phases.connect_us > 0


def test_dialogue_is_spoken_in_both_directions(hostile: HostileServer, run: Run) -> None:
    server = speak("> 220-first", "> 220 ready", "< LOGIN 42", "> noise", "> id=7;x", "< USE 7", "> bye")
    dialogue = (
        'expect reply 220\nsend line "LOGIN 42"\nuntil line contains "id="\ncapture number "id=([0-9]+)"\n'
        'check not contains "error"\nsend line "USE ${number}"\nexpect "bye"'
    )
    seen = run(attempt(hostile.listen(server), dialogue).observe())
    assert seen.body == b"220-first\r\n220 ready\r\nnoise\r\nid=7;x\r\nbye\r\n"
    assert seen.body_size == len(seen.body)


def test_bytes_are_sent_and_expected_as_they_are(hostile: HostileServer, run: Run) -> None:
    server = play(b"\x00\x01\xff")
    run(attempt(hostile.listen(server), 'send "GET\\r\\n\\r\\n"\nexpect hex "01 ff"').observe())


@pytest.mark.parametrize(
    ("server", "dialogue", "expected", "found"),
    [
        (["> 554 go away"], "expect reply 220", "reply 220", '"554 go away"'),
        (["> 220-a", "> 554 b"], "expect reply 220, 250-259", "reply 220, 250-259", '"554 b"'),
        (["> hello"], "expect reply 220", "reply 220", '"hello"'),
        (["> hello"], 'expect line == "ready"', 'line == "ready"', '"hello"'),
        (["> hello"], 'expect line contains "e"\ncheck contains "x"', 'contains "x"', '"hello"'),
        (["> hello"], 'expect "hell"\ncapture a "x(.)"', 'matches "x(.)"', '"hell"'),
    ],
)
def test_wrong_answer_is_named_at_once(
    hostile: HostileServer, run: Run, *, server: list[str], dialogue: str, expected: str, found: str
) -> None:
    failure = run(attempt(hostile.listen(speak(*server, "< never")), dialogue).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.ASSERTION, Phase.HEADERS)
    assert (failure.expected, failure.found) == (expected, found)


@pytest.mark.parametrize(
    ("behaviour", "kind", "phase"),
    [
        (hang_up, ErrorKind.CONNECTION, Phase.BODY),
        ("silent", ErrorKind.TIMEOUT, Phase.HEADERS),
    ],
    ids=["hangs up", "silent"],
)
def test_what_never_answers_is_named(
    hostile: HostileServer, run: Run, *, behaviour: str | Behaviour, kind: ErrorKind, phase: Phase
) -> None:
    port = hostile.listen(behaviour)
    waiting = Attempt(f"tcp://127.0.0.1:{port}", {"dialogue": 'expect "x"'}, timeout=0.5, kind="tcp")
    failure = run(waiting.fail())
    assert (failure.kind, failure.phase) == (kind, phase)


def test_flood_and_endless_line_are_cut(hostile: HostileServer, run: Run) -> None:
    flood = run(attempt(hostile.listen(play(b"a\n" * 200_000)), 'send "\\r\\n\\r\\n"\nexpect "x"').fail())
    assert (flood.kind, flood.found) == (ErrorKind.TOO_LARGE, "more than 262144 bytes")
    line = run(attempt(hostile.listen(play(b"a" * 10_000)), 'send "\\r\\n\\r\\n"\nexpect line contains "x"').fail())
    assert (line.kind, line.found) == (ErrorKind.TOO_LARGE, "a line of more than 8192 bytes")
    lines = run(attempt(hostile.listen(play(b"a\n" * 1000)), 'send "\\r\\n\\r\\n"\nuntil line contains "x"').fail())
    assert (lines.kind, lines.found) == (ErrorKind.TOO_LARGE, "more than 200 lines")


def test_connection_is_encrypted_in_mid_dialogue(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    context = serve_with(authority.issue_cert("localhost"))
    server = speak(
        *("> 220 hi", "< EHLO localhost", "> 250-me", "> 250 STARTTLS", "< STARTTLS", "> 220 go", "tls"),
        *("< EHLO localhost", "> 250 me", "< QUIT"),
        tls=context,
    )
    options = {"dialogue": "use smtp starttls", "verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    seen = run(Attempt(f"localhost:{hostile.listen(server)}", options, kind="tcp").observe())
    assert seen.protocol == "TLSv1.3"
    assert seen.certificate is not None
    assert seen.phases.tls_us > 0
    untrusted = Attempt(f"localhost:{hostile.listen(server)}", {"dialogue": "use smtp starttls"}, kind="tcp")
    failure = run(untrusted.fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CERTIFICATE, Phase.TLS)


def test_what_is_slipped_in_before_the_handshake_is_refused(hostile: HostileServer, run: Run) -> None:
    server = speak("> +OK", "< STLS", "> +OK\r\n+OK already inside", "< never")
    failure = run(attempt(hostile.listen(server), "use pop3 starttls").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.PROTOCOL, Phase.TLS)


def test_redis_answers_its_ready_made_dialogue(run: Run) -> None:
    (port,) = find_free_ports(1)
    # It takes another one where somebody was faster.
    with run_valkey(port=port) as server:
        seen = run(attempt(server.port, "use redis").observe())
    assert seen.body == b"+PONG\r\n"


def test_address_policy_holds(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("silent")
    rules = AddressRules(AddressMode.PUBLIC)
    failure = run(Attempt(f"tcp://127.0.0.1:{port}", rules=rules, kind="tcp").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.BLOCKED, Phase.RESOLVE)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("tcp://example.com", "The address needs a port; write it like tcp://example.com:25."),
        ("example.com:25/path", "The address is a host and a port; write it like tcp://example.com:25."),
        ("tcp://a@b:25", "The address is a host and a port; write it like tcp://example.com:25."),
        ("tcp://example.com:0", "The port must lie between 1 and 65535; correct it."),
        (
            "tcp://2130706433:25",
            "The host is a number that programs read differently; write it as four decimal numbers.",
        ),
        ("tcp://:25", "The address has no host; write it like https://example.com/."),
        ("http://example.com:25", "The address is a host and a port; write it like tcp://example.com:25."),
    ],
)
def test_address_that_is_no_host_and_port_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_probe("tcp").parse(address, {})
    assert (caught.value.sentence, caught.value.field) == (sentence, "address")


@pytest.mark.parametrize("address", ["tcp://[::1]:25", "example.com:80", "tcp://EXAMPLE.com.:65535", "ex_ample:1"])
def test_address_is_a_host_and_a_port(address: str) -> None:
    assert load_probe("tcp").parse(address, {}).to_dict() == {
        "verify": "on",
        "ca_pem": "",
        "tls_min": "",
        "tls_max": "",
        "server_name": "",
        "family": "any",
        "addresses": "first",
        "resolver": "",
        "dialogue": "",
        "is_encrypted": False,
    }
    assert urlsplit(f"//{address.removeprefix('tcp://')}").port


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"dialogue": 1}, "dialogue"),
        ({"dialogue": "nonsense"}, "dialogue"),
        ({"is_encrypted": "yes"}, "is_encrypted"),
        ({"server_name": "a b"}, "server_name"),
        ({"method": "GET"}, "method"),
        ({"ca_pem": "x"}, "ca_pem"),
        ({"verify": "custom", "ca_pem": "x"}, "ca_pem"),
    ],
)
def test_option_that_cannot_be_is_refused_at_its_field(options: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_probe("tcp").parse("a:1", options)
    assert caught.value.field == field


def test_what_is_sent_is_kept_in_confidence() -> None:
    options = load_probe("tcp").parse("a:1", {"dialogue": 'send line "AUTH canary-password"\nsend "x"'})
    assert options.secrets == ("AUTH canary-password", "canary-password")
    assert "canary" not in repr(options)


def test_what_everybody_knows_is_not_hidden_and_captured_parts_are_left_out() -> None:
    dialogue = (
        'use smtp\nexpect line contains "x"\ncapture token "[0-9]+"\nsend line "${token} canary-one ${token}"\n'
        f'send hex "{b"AUTH canary-two".hex()}"'
    )
    options = load_probe("tcp").parse("a:1", {"dialogue": dialogue})
    assert options.secrets == ("canary-one", "AUTH canary-two", "canary-two")


def test_secret_that_is_said_back_is_hidden_before_it_is_cut(hostile: HostileServer, run: Run) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"?" * 80 + await reader.readline())
        await reader.read()

    dialogue = f'send line "LOGIN canary-{"x" * 40}"\nexpect line contains "never there"'
    failure = run(attempt(hostile.listen(echo), dialogue).fail())
    assert "canary" not in failure.found
    assert "[hidden]" in failure.found
