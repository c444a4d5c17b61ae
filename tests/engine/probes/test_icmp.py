"""The ICMP probe: real echo requests on loopback, over both sorts of socket, and whatever may come back of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.capacity import AddressCaps
from healthcheck.engine.dialer import Dialer
from healthcheck.engine.faults import VERDICTS, ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import load_probe
from healthcheck.engine.probes.icmp_options import IcmpOptions
from healthcheck.engine.probes.icmp_socket import EchoSocket, Reply
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AddressRules,
    ConfigurationError,
    ErrorKind,
    Limits,
    Observation,
    Outcome,
    Phase,
    State,
    Target,
)
from tests.echo_target import Answer, Behaviour, Request, answer_echoes, echo, refuse
from tests.engine.conftest import LAPTOP, Attempt, Run
from tests.engine.test_every_address import Names
from tests.namespaces import ANY_GROUP, NO_GROUP, run_in_namespace

Seen = Observation | ProbeFailure
Ask = Callable[..., Seen]
QUICK = {"packet_interval_ms": 10, "packet_wait_ms": 150}


async def ask_once(address: str, behave: Behaviour | None, options: dict[str, object], seconds: float) -> Seen:
    attempt = Attempt(address, QUICK | options, kind="icmp", timeout=seconds)
    try:
        if behave is None:
            return await attempt.observe()
        with answer_echoes(behave):
            return await attempt.observe()
    except ProbeFailure as failure:
        return failure


@pytest.fixture(params=[ANY_GROUP, NO_GROUP], ids=["datagram", "raw"])
def ask(request: pytest.FixtureRequest, run: Run) -> Ask:
    """Ask once in a namespace of our own, where `behave` answers, or else the kernel."""

    def ask(address: str, behave: Behaviour | None = None, *, timeout: float = 5.0, **options: object) -> Seen:
        def act() -> Seen:
            seen: Seen = run(ask_once(address, behave, options, timeout))
            return seen

        return run_in_namespace(act, ping_group_range=request.param, echoes=behave is None)

    return ask


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("icmp://127.0.0.9", "127.0.0.9"),
        ("icmp://[::1]", "::1"),
        ("::1", "::1"),
        ("localhost", "127.0.0.1"),
    ],
)
def test_every_packet_comes_back_from_the_kernel(ask: Ask, address: str, found: str) -> None:
    seen = ask(address, packets=4, family="ipv4" if address == "localhost" else "any")
    assert isinstance(seen, Observation)
    assert seen.echoes is not None
    assert (seen.echoes.sent, seen.echoes.received, seen.address, seen.status) == (4, 4, found, None)
    assert 0 < seen.latency_us < 150_000


def answer_every_other(request: Request) -> list[Answer]:
    return [] if request.sequence % 2 else [Answer(echo(request))]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_what_stays_out_is_loss(ask: Ask, address: str) -> None:
    seen = ask(address, answer_every_other, packets=4, packet_bytes=1001)
    assert isinstance(seen, Observation)
    assert seen.echoes is not None
    assert (seen.echoes.sent, seen.echoes.received, seen.echoes.loss_percent) == (4, 2, 50.0)


def test_jitter_is_what_round_trips_differ_by(ask: Ask) -> None:
    def behave(request: Request) -> list[Answer]:
        return [Answer(echo(request), delay=0.06 if request.sequence % 2 else 0.0)]

    seen = ask("127.0.0.1", behave, packets=4)
    assert isinstance(seen, Observation)
    assert seen.echoes is not None
    assert seen.echoes.jitter_us is not None
    assert 45_000 < seen.echoes.jitter_us < 90_000
    assert 25_000 < seen.latency_us < 90_000


def forge(request: Request) -> list[Answer]:
    """All that may look like a reply, and is none."""
    return [
        Answer(echo(request, payload=b"x" * len(request.payload))),
        Answer(echo(request, payload=request.payload[:15])),
        Answer(echo(request, payload=b"")),
        Answer(echo(request, sequence=request.sequence + 1)),
        Answer(echo(request, sequence=60_000)),
        Answer(echo(request), source="127.0.0.2"),
        Answer(echo(request)[:5]),
        Answer(echo(request), delay=0.3),
    ]


def test_forged_foreign_and_late_replies_count_for_nothing(ask: Ask) -> None:
    failure = ask("127.0.0.1", forge, packets=1)
    assert isinstance(failure, ProbeFailure)
    assert (failure.kind, failure.phase, failure.found) == (
        ErrorKind.TIMEOUT,
        Phase.REQUEST,
        "no reply to 1 echo request",
    )


def test_duplicates_count_once(ask: Ask) -> None:
    seen = ask("127.0.0.1", lambda request: [Answer(echo(request))] * 40, packets=2)
    assert isinstance(seen, Observation)
    assert seen.echoes is not None
    assert (seen.echoes.sent, seen.echoes.received) == (2, 2)


def flood(request: Request) -> list[Answer]:
    """A thousand packets for one: its reply a hundred times, and what may look like one."""
    false = [*forge(request)[:-1], Answer(echo(request, payload=b"x" * 1400)), Answer(refuse(request, 0, 0))]
    return [Answer(echo(request)), *false] * 100


def test_flood_counts_once_for_each_request(ask: Ask) -> None:
    seen = ask("127.0.0.1", flood, packets=3, packet_interval_ms=100, packet_wait_ms=5000, timeout=20.0)
    assert isinstance(seen, Observation)
    assert seen.echoes is not None
    assert (seen.echoes.sent, seen.echoes.received) == (3, 3)


@pytest.mark.parametrize(
    ("address", "kind", "code", "wanted", "words"),
    [
        ("127.0.0.9", 3, 0, ErrorKind.CONNECTION, "network unreachable"),
        ("127.0.0.9", 3, 1, ErrorKind.CONNECTION, "host unreachable"),
        ("127.0.0.9", 3, 13, ErrorKind.REFUSED, "prohibited on the way"),
        ("127.0.0.9", 11, 0, ErrorKind.CONNECTION, "time to live exceeded on the way"),
        ("::1", 1, 0, ErrorKind.CONNECTION, "no route"),
        ("::1", 1, 1, ErrorKind.REFUSED, "prohibited on the way"),
        ("::1", 3, 0, ErrorKind.CONNECTION, "time to live exceeded on the way"),
    ],
)
def test_who_cannot_deliver_is_quoted(
    ask: Ask, *, address: str, kind: int, code: int, wanted: ErrorKind, words: str
) -> None:
    started = time.monotonic()
    failure = ask(address, lambda request: [Answer(refuse(request, kind, code))], packets=2, packet_wait_ms=5000)
    assert isinstance(failure, ProbeFailure)
    router = "::1" if ":" in address else "127.0.0.1"
    assert (failure.kind, failure.phase, failure.found) == (wanted, Phase.REQUEST, f"{words}, says {router}")
    # An error settles its packet: nobody waits for a reply to it.
    assert time.monotonic() - started < 3


def test_one_error_among_replies_is_loss(ask: Ask) -> None:
    def behave(request: Request) -> list[Answer]:
        return [Answer(refuse(request, 3, 1)) if request.sequence == 1 else Answer(echo(request), source="127.0.0.9")]

    seen = ask("127.0.0.9", behave, packets=4)
    assert isinstance(seen, Observation)
    assert seen.echoes is not None
    assert (seen.echoes.sent, seen.echoes.received) == (4, 3)


def test_errors_about_packets_of_others_count_for_nothing(ask: Ask) -> None:
    def behave(request: Request) -> list[Answer]:
        at = len(request.packet) - len(request.payload)
        foreign = Request(4, 0, 0, b"", request.asker, request.packet[:at] + b"y" * len(request.payload))
        return [Answer(refuse(foreign, 3, 1))]

    failure = ask("127.0.0.9", behave, packets=2)
    assert isinstance(failure, ProbeFailure)
    assert failure.found == "no reply to 2 echo requests"


def test_time_that_ends_early_is_no_loss(ask: Ask) -> None:
    """Packets whose wait was cut short had no chance; those that came back count."""
    seen = ask(
        "127.0.0.1",
        lambda request: [Answer(echo(request))] if request.sequence < 2 else [],
        packets=20,
        packet_interval_ms=200,
        packet_wait_ms=2000,
        timeout=1.0,
    )
    assert isinstance(seen, Observation)
    assert seen.echoes is not None
    assert (seen.echoes.sent, seen.echoes.received) == (2, 2)


def wait_for_stamps() -> EchoSocket:
    """Return an open socket once the kernel stamps packets as they come, which it begins to do a moment after."""
    asking = EchoSocket("127.0.0.2")
    for sequence in range(1000):
        asking.send(sequence, b"")
        time.sleep(0.002)
        before = time.time_ns()
        (reply,) = asking.read()
        assert isinstance(reply, Reply)
        if reply.received_ns is not None and reply.received_ns < before:
            return asking
    raise AssertionError


@pytest.mark.parametrize("groups", [ANY_GROUP, NO_GROUP], ids=["datagram", "raw"])
def test_our_own_lag_is_not_in_the_round_trip(run: Run, groups: str) -> None:
    """The loop hears of nothing for longer than the packet may take; the kernel answered at once."""

    def stall(request: Request) -> list[Answer]:
        time.sleep(0.25)
        return []

    async def observe() -> Observation:
        with answer_echoes(stall), closing(wait_for_stamps()):
            return await Attempt("127.0.0.1", QUICK | {"packets": 1}, kind="icmp").observe()

    seen: Observation = run_in_namespace(lambda: run(observe()), ping_group_range=groups)
    assert seen.echoes is not None
    assert seen.echoes.received == 1
    assert seen.latency_us < 50_000


def test_host_without_a_route_is_our_own_trouble(ask: Ask) -> None:
    failure = ask("192.0.2.1")
    assert isinstance(failure, ProbeFailure)
    assert (failure.kind, failure.found) == (ErrorKind.CAPACITY, "ENETUNREACH")


def test_policy_refuses_before_a_packet_leaves() -> None:
    arrived: list[int] = []

    async def try_it() -> ProbeFailure:
        marked = asyncio.Event()

        def note(request: Request) -> list[Answer]:
            arrived.append(request.sequence)
            marked.set()
            return []

        with answer_echoes(note), closing(EchoSocket("127.0.0.2")) as other:
            failure = await Attempt("127.0.0.1", kind="icmp", rules=AddressRules()).fail()
            # What had left before this packet would be there when it is.
            other.send(7, b"")
            await marked.wait()
        return failure

    failure = run_in_namespace(lambda: asyncio.run(try_it()), echoes=False)
    assert (failure.kind, failure.phase, failure.found) == (ErrorKind.BLOCKED, Phase.RESOLVE, "loopback")
    assert arrived == [7]


UNPRIVILEGED = """
import asyncio, os
from healthcheck.engine.probes.icmp import IcmpProbe
from tests.engine.conftest import Attempt
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
failure = asyncio.run(Attempt("127.0.0.1", kind="icmp").fail())
print(failure.kind.word, failure.found)
"""


def test_process_without_the_right_names_the_cure() -> None:
    def act() -> str:
        return subprocess.run([sys.executable, "-c", UNPRIVILEGED], capture_output=True, text=True, check=True).stdout

    assert run_in_namespace(act, ping_group_range=NO_GROUP) == (
        "internal This process may not send ICMP; let its group do so by the sysctl net.ipv4.ping_group_range, such as "
        '"0 2147483647", or give it CAP_NET_RAW.\n'
    )
    assert VERDICTS[ErrorKind.INTERNAL] is State.UNKNOWN


def test_options_come_back_as_they_were() -> None:
    probe = load_probe("icmp")
    given: dict[str, object] = {"packets": 5, "packet_interval_ms": 50, "packet_wait_ms": 10, "packet_bytes": 16}
    given |= {"family": "ipv6", "addresses": "all", "resolver": "192.0.2.53"}
    assert probe.parse("example.com", given).to_dict() == given
    assert probe.parse("icmp://example.com", {}) == IcmpOptions()


@pytest.mark.parametrize(
    ("address", "options", "field", "sentence"),
    [
        ("icmp://a.example:7", {}, "address", "The address is a host alone; write it like icmp://example.com."),
        ("a.example:80", {}, "address", "The address is a host alone; write it like icmp://example.com."),
        ("icmp://a.example/x", {}, "address", "The address is a host alone; write it like icmp://example.com."),
        ("icmp://", {}, "address", "The address has no host; write it like https://example.com/."),
        ("a", {"packets": 0}, "packets", "packets must be a whole number from 1 to 20; correct it."),
        ("a", {"packets": True}, "packets", "packets must be a whole number from 1 to 20; correct it."),
        (
            "a",
            {"packet_interval_ms": 1},
            "packet_interval_ms",
            "packet_interval_ms must be a whole number from 10 to 5000; correct it.",
        ),
        (
            "a",
            {"packet_bytes": 1473},
            "packet_bytes",
            "packet_bytes must be a whole number from 16 to 1472; correct it.",
        ),
        ("a", {"method": "GET"}, "method", "The kind icmp has no option “method”; remove it."),
    ],
)
def test_refusal_names_field_and_cure(address: str, options: dict[str, object], field: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_probe("icmp").parse(address, options)
    assert (caught.value.field, caught.value.sentence) == (field, sentence)


@pytest.mark.parametrize(
    ("rule", "address", "parts"),
    [("first", "127.0.0.2", []), ("all", "127.0.0.3", ["127.0.0.2", "127.0.0.3"])],
)
def test_name_with_several_addresses(run: Run, rule: str, address: str, parts: list[str]) -> None:
    """The first that our host has a way to, or every one on its own."""
    names = Names({"name.test": ["192.0.2.1", "127.0.0.2", "127.0.0.3"] if rule == "first" else parts})

    async def check() -> Outcome:
        dialer = Dialer(policy=AddressPolicy(LAPTOP), resolver=names, caps=AddressCaps(32))
        options = load_probe("icmp").parse("name.test", QUICK | {"addresses": rule})
        target = Target(1, "icmp", "name.test", options, parse_assertions("loss == 0% degraded"))
        (outcome,) = await probe_all(
            [target], Limits(20.0), now=datetime.now(UTC), lag=LagMeter(), dialer=dialer, details=True
        )
        return outcome

    outcome = run_in_namespace(lambda: run(check()))
    assert outcome.verdict is State.UP
    assert outcome.details is not None
    assert [each.name for each in outcome.details.parts] == parts
    if not parts:
        assert outcome.details.observation.address == address
